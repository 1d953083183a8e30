"""Mutes of jobs and servers: what is held back until when, and the runs that were held back.

A mute ends once, for a reason; then its runs are gone through (`is_told`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from bot.settings import matches_glob
from bot.store.database import Database, Transaction
from bot.store.tables import muted_runs, mutes

_ACTIVE_AT_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMute:
    """A mute as somebody asks for it: of one job, of another `subject` of expectations, or else of a server.

    Of a server it is about the jobs that fit `pattern`; without one, about news of the server itself as well.
    `job_name` is the subject's name, too.
    `failure` is how the job stood failed when it was muted, opaque here; None where it did not.
    """

    server: str
    job_id: str | None = None
    job_name: str | None = None
    pattern: str | None = None
    person_id: str
    channel_id: str | None = None
    reference: str
    comment: str | None = None
    muted_at: datetime
    until: datetime
    until_success: bool = False
    failure: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute(NewMute):
    """A mute, on until `ended_at`. `ended_because`: "time", "unmuted", "changed" or "recovered"."""

    id: int
    ended_at: datetime | None = None
    ended_because: str | None = None
    ended_by: str | None = None
    is_told: bool = False

    @property
    def is_of_server(self) -> bool:
        """Whether it is about a server's jobs rather than one job, or another subject."""
        return self.job_id is None and self.subject is None

    def covers(self, job_id: str, job_name: str) -> bool:
        """Whether it mutes a job of its server: by its ID, or by its name."""
        if self.job_id is not None:
            return self.job_id.casefold() == job_id.casefold()
        return self.is_of_server and (self.pattern is None or matches_glob(self.pattern, job_name))

    def is_longer_than(self, new: NewMute) -> bool:
        """Whether it goes on beyond what is asked for; until a success is longer or shorter than no time."""
        return self.until_success is new.until_success and self.until > new.until

    def has_pattern(self, pattern: str | None) -> bool:
        """Whether it is by this pattern, letter case aside, as names are matched; None: by no pattern."""
        if self.pattern is None or pattern is None:
            return self.pattern is pattern
        return self.pattern.casefold() == pattern.casefold()


@dataclass(frozen=True, slots=True)
class MutedRun:
    """A run that a mute is about. `is_quiet`: it was held back; otherwise it stood in channels before."""

    mute_id: int
    run_key: str
    job_id: str
    job_name: str
    at: datetime
    is_quiet: bool


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run that stands failed, by its first session: who owns it, and the channels that show it.

    `turn` counts how often it was acknowledged.
    """

    session_id: str
    owner: str | None
    turn: int
    channels: tuple[str, ...]


class Mutes:
    """The mutes of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def active(self, transaction: Transaction, server: str, now: datetime) -> tuple[Mute, ...]:
        """Return what is muted on a server at this moment."""
        found = await transaction.values(
            select(mutes)
            .where(mutes.c.server == server, mutes.c.ended_at.is_(None), mutes.c.until > now)
            .order_by(mutes.c.until, mutes.c.id)
            .limit(_ACTIVE_AT_MOST)
        )
        return tuple(Mute(**values) for values in found)

    async def every(self, now: datetime, server: str | None = None) -> tuple[Mute, ...]:
        """Return what is muted at this moment, the next to end first."""
        where = [mutes.c.ended_at.is_(None), mutes.c.until > now]
        if server is not None:
            where.append(mutes.c.server == server)
        query = select(mutes).where(*where).order_by(mutes.c.until, mutes.c.id).limit(_ACTIVE_AT_MOST)
        async with self._database.reading() as reading:
            return tuple(Mute(**values) for values in await reading.values(query))

    async def servers(self) -> frozenset[str]:
        """Return the servers with mutes that are on, or whose end is still to be told."""
        query = select(mutes.c.server).where(mutes.c.is_told.is_(False)).distinct()
        async with self._database.reading() as reading:
            return frozenset(row.server for row in await reading.all(query))

    async def put(self, transaction: Transaction, new: NewMute) -> Mute:
        """Keep a mute; one of the same job, subject, or pattern of the server, is changed into it.

        It lasts as long as the longer of the two, where both last for a time.
        """
        query = (
            select(mutes)
            .where(
                mutes.c.server == new.server,
                mutes.c.job_id.is_not_distinct_from(new.job_id),
                mutes.c.subject.is_not_distinct_from(new.subject),
                mutes.c.ended_at.is_(None),
            )
            .order_by(mutes.c.id)
            .limit(_ACTIVE_AT_MOST)
        )
        # A database folds the letter case of some alphabets alone.
        there = [Mute(**found) for found in await transaction.values(query)]
        before = [mute for mute in there if mute.has_pattern(new.pattern)]
        same = [mute.id for mute in before]
        values = asdict(new)
        values["until"] = max([new.until, *(mute.until for mute in before if mute.is_longer_than(new))])
        change = update(mutes).where(mutes.c.id.in_(same), mutes.c.ended_at.is_(None)).values(values)
        kept = await transaction.values(change.returning(*mutes.c)) if same else ()
        if not kept:
            kept = await transaction.values(
                transaction.insert(mutes).values(values | {"is_told": False}).returning(*mutes.c)
            )
        return Mute(**kept[0])

    async def set_failure(self, transaction: Transaction, mute_id: int, failure: str) -> None:
        """Note how the job failed first while it was muted."""
        await transaction.execute(update(mutes).where(mutes.c.id == mute_id).values(failure=failure))

    async def end(
        self, transaction: Transaction, mute_id: int, because: str, now: datetime, *, by: str | None = None
    ) -> bool:
        """End a mute, in one statement. False: it has ended already."""
        return await transaction.claim(
            update(mutes)
            .where(mutes.c.id == mute_id, mutes.c.ended_at.is_(None))
            .values(ended_at=now, ended_because=because, ended_by=by)
        )

    async def run_out(self, transaction: Transaction, mute_id: int, because: str, now: datetime) -> bool:
        """End a mute whose time is over. False: it has ended already, or was extended meanwhile."""
        return await transaction.claim(
            update(mutes)
            .where(mutes.c.id == mute_id, mutes.c.ended_at.is_(None), mutes.c.until <= now)
            .values(ended_at=now, ended_because=because)
        )

    async def due(self, server: str, now: datetime) -> tuple[Mute, ...]:
        """Return a server's mutes whose time is over."""
        query = (
            select(mutes)
            .where(mutes.c.server == server, mutes.c.ended_at.is_(None), mutes.c.until <= now)
            .order_by(mutes.c.until, mutes.c.id)
            .limit(_ACTIVE_AT_MOST)
        )
        async with self._database.reading() as reading:
            return tuple(Mute(**values) for values in await reading.values(query))

    async def untold(self, server: str) -> tuple[Mute, ...]:
        """Return a server's mutes that have ended and were not gone through yet."""
        query = (
            select(mutes)
            .where(mutes.c.server == server, mutes.c.ended_at.is_not(None), mutes.c.is_told.is_(False))
            .order_by(mutes.c.ended_at, mutes.c.id)
            .limit(_ACTIVE_AT_MOST)
        )
        async with self._database.reading() as reading:
            return tuple(Mute(**values) for values in await reading.values(query))

    async def add_run(self, transaction: Transaction, run: MutedRun) -> None:
        """Note a run that a mute is about; twice is once."""
        await transaction.execute(
            transaction.insert(muted_runs)
            .values(asdict(run))
            .on_conflict_do_nothing(index_elements=["mute_id", "run_key"])
        )

    async def untold_runs(self, transaction: Transaction, mute_id: int, limit: int) -> tuple[MutedRun, ...]:
        """Return runs of an ended mute that were not gone through yet, the latest first."""
        found = await transaction.values(
            select(muted_runs)
            .where(muted_runs.c.mute_id == mute_id, muted_runs.c.told_at.is_(None))
            .order_by(muted_runs.c.at.desc(), muted_runs.c.run_key)
            .limit(limit)
        )
        return tuple(_muted_run(values) for values in found)

    async def tell(
        self, transaction: Transaction, mute_id: int, runs: Sequence[MutedRun], now: datetime
    ) -> None:
        """Note that these runs were gone through; without any, that all of the mute's were."""
        if not runs:
            await transaction.execute(update(mutes).where(mutes.c.id == mute_id).values(is_told=True))
            return
        keys = [run.run_key for run in runs]
        await transaction.execute(
            update(muted_runs)
            .where(muted_runs.c.mute_id == mute_id, muted_runs.c.run_key.in_(keys))
            .values(told_at=now)
        )

    async def held_of(self, transaction: Transaction, mute_id: int, job_id: str) -> int:
        """Return how many runs of a job a mute held back."""
        row = await transaction.first(
            select(func.count().label("runs")).where(
                muted_runs.c.mute_id == mute_id,
                muted_runs.c.job_id == job_id,
                muted_runs.c.is_quiet.is_(True),
            )
        )
        return 0 if row is None else int(row.runs)

    async def purge(self, ended_before: datetime) -> None:
        """Forget mutes that ended before a moment, with their runs."""
        old = select(mutes.c.id).where(mutes.c.is_told.is_(True), mutes.c.ended_at < ended_before)
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(muted_runs).where(muted_runs.c.mute_id.in_(old)))
            await transaction.execute(
                delete(mutes).where(mutes.c.is_told.is_(True), mutes.c.ended_at < ended_before)
            )


def _muted_run(values: dict[str, object]) -> MutedRun:
    values.pop("told_at")
    return MutedRun(**values)  # type: ignore[arg-type]
