"""What people subscribed channels to, and the roots that wait until a subscriber can be looked up.

Both are small: there are so many subscriptions of a channel, of a person and in all, and no more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select

from bot.store.database import Database, Transaction
from bot.store.tables import held_roots, subscriptions

CHANNEL_AT_MOST, PERSON_AT_MOST, ALL_AT_MOST = 20, 50, 500
"""How many subscriptions a channel has, a person makes, and there are."""
_HELD_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscription:
    """What a person subscribed a channel to, or their conversation with the bot (`is_direct`).

    No `server`: all of them.

    `pattern` is a glob of job names, None for all jobs; with a `job_id` it is that one job, and the name that
    it had then. `results` are VBR's words.
    """

    channel: str
    is_direct: bool = False
    person_id: str
    server: str | None = None
    job_id: str | None = None
    pattern: str | None = None
    results: tuple[str, ...]
    made_at: datetime

    def is_like(self, other: "NewSubscription") -> bool:
        """Whether both are of the same channel, and to the same runs."""
        return _identity(self) == _identity(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(NewSubscription):
    """The same, kept. `id` is never given again."""

    id: int


class Limit(StrEnum):
    """Why there can't be one more subscription."""

    CHANNEL = "channel"
    PERSON = "person"
    ALL = "all"


class Subscriptions:
    """The subscriptions of one database, the oldest first. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def every(self) -> tuple[Subscription, ...]:
        """Return all of them."""
        async with self._database.reading() as reading:
            return await _found(reading)

    async def of(self, channel: str) -> tuple[Subscription, ...]:
        """Return those of a channel."""
        async with self._database.reading() as reading:
            return await _found(reading, channel)

    async def add(self, new: NewSubscription) -> Subscription | Limit:
        """Keep one more. One like it by the same person stays as it is, and is returned."""
        async with self._database.transaction() as transaction:
            await transaction.serialise("subscriptions")
            own = await _found(transaction, new.channel)
            same = next((each for each in own if each.is_like(new) and each.person_id == new.person_id), None)
            if same is not None:
                return same
            if (limit := await _limit(transaction, new, in_channel=len(own))) is not None:
                return limit
            values = {**asdict(new), "results": ",".join(new.results)}
            added = await transaction.values(
                transaction.insert(subscriptions).values(values).returning(subscriptions.c.id)
            )
        return _subscription({**values, "id": added[0]["id"]})

    async def end(self, subscription_id: int, channel: str) -> bool:
        """End one of a channel, in one statement. False: it was ended before."""
        one = delete(subscriptions).where(
            subscriptions.c.id == subscription_id, subscriptions.c.channel == channel
        )
        async with self._database.transaction() as transaction:
            return await transaction.claim(one)


@dataclass(frozen=True, slots=True)
class HeldRoot:
    """A run that a subscription takes, as long as nobody can say whether its maker may see the job."""

    run_key: str
    subscription_id: int
    server: str
    since: datetime


class HeldRoots:
    """The roots that wait for that. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, transaction: Transaction, roots: Iterable[HeldRoot]) -> None:
        """Keep them; one that is kept already stays as it is."""
        values = [asdict(each) for each in roots]
        if values:
            await transaction.execute(
                transaction.insert(held_roots)
                .values(values)
                .on_conflict_do_nothing(index_elements=["run_key", "subscription_id"])
            )

    async def of(self, server: str) -> tuple[HeldRoot, ...]:
        """Return a server's, the longest waiting first, no more than are looked at in one go."""
        query = (
            select(held_roots)
            .where(held_roots.c.server == server)
            .order_by(held_roots.c.since, held_roots.c.run_key, held_roots.c.subscription_id)
            .limit(_HELD_AT_ONCE)
        )
        async with self._database.reading() as reading:
            return tuple(HeldRoot(**values) for values in await reading.values(query))

    async def take(self, transaction: Transaction, root: HeldRoot) -> bool:
        """Forget one, in one statement. False: it was taken before."""
        return await transaction.claim(
            delete(held_roots).where(
                held_roots.c.run_key == root.run_key, held_roots.c.subscription_id == root.subscription_id
            )
        )

    async def others(self, transaction: Transaction, run_key: str) -> int:
        """Return how many of a run still wait."""
        query = select(func.count().label("waiting")).where(held_roots.c.run_key == run_key)
        row = await transaction.first(query)
        return 0 if row is None else int(row.waiting)

    async def purge(self, before: datetime) -> None:
        """Forget those that have waited since before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(held_roots).where(held_roots.c.since < before))


def _identity(one: NewSubscription) -> tuple[object, ...]:
    pattern = (one.pattern or "").casefold() if one.job_id is None else ""
    return (one.channel, one.server, one.job_id, pattern, frozenset(one.results))


async def _limit(transaction: Transaction, new: NewSubscription, *, in_channel: int) -> Limit | None:
    if in_channel >= CHANNEL_AT_MOST:
        return Limit.CHANNEL
    query = select(subscriptions.c.person_id, func.count().label("made")).group_by(subscriptions.c.person_id)
    made = {row.person_id: int(row.made) for row in await transaction.all(query)}
    if made.get(new.person_id, 0) >= PERSON_AT_MOST:
        return Limit.PERSON
    return Limit.ALL if sum(made.values()) >= ALL_AT_MOST else None


async def _found(reading: Transaction, channel: str | None = None) -> tuple[Subscription, ...]:
    query = select(subscriptions).order_by(subscriptions.c.id)
    if channel is not None:
        query = query.where(subscriptions.c.channel == channel)
    return tuple(_subscription(values) for values in await reading.values(query))


def _subscription(values: Mapping[str, Any]) -> Subscription:
    return Subscription(**{**values, "results": tuple(values["results"].split(","))})
