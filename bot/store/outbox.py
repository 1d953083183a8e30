"""The outbox: what is to be posted or edited, kept until it is known to have been.

The sender claims rows, says that it begins, sends, and says what came of it. A row whose sending began and
whose end is unknown comes back with `attempted_at` set: look for the message before sending it again.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

from sqlalchemy import and_, case, delete, exists, func, null, or_, select, update
from sqlalchemy.engine import Row

from bot.store.database import Database, Transaction
from bot.store.tables import closed_channels, outbox, restored_channels

OutboxId = NewType("OutboxId", int)


class Placement(StrEnum):
    """Where a row goes: a message of its own, a reply in its root's thread, or its root, which it edits.

    A broadcast is a reply that the channel shows as well.
    """

    POST = "post"
    REPLY = "reply"
    BROADCAST = "broadcast"
    EDIT = "edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutboxRow:
    """One message to send or to edit. `key` is unique for ever: a second row of the same key is not added.

    A row with a `root_key` waits until the row of that key was sent. Low priorities first, then older rows.
    """

    key: str
    channel: str
    kind: str
    body: str
    created_at: datetime
    due_at: datetime | None = None
    placement: Placement = Placement.POST
    priority: int = 10
    run_key: str | None = None
    root_key: str | None = None


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message that stands in Slack, for its thread and its edits. `channel` is the one Slack named."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A claimed row. `attempted_at` is set when an earlier sending began and never came to a known end."""

    id: OutboxId
    key: str
    channel: str
    kind: str
    body: str
    placement: Placement
    run_key: str | None
    root_key: str | None
    root: PostedMessage | None
    attempts: int
    attempted_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ChannelBacklog:
    """What waits for one channel. `closed_because` when the channel cannot be posted to."""

    channel: str
    rows: int
    oldest_at: datetime
    closed_because: str | None


class Outbox:
    """The outbox of one database; several processes may use it at once. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, transaction: Transaction, rows: Sequence[NewOutboxRow]) -> None:
        """Queue rows as part of a transaction. A newer edit of a message replaces one that still waits."""
        for row in rows:
            due_at = row.due_at or row.created_at
            if row.placement is Placement.EDIT:
                await transaction.execute(_superseded_by(row))
            await transaction.execute(
                transaction.insert(outbox)
                .values(asdict(row) | {"placement": row.placement.value, "due_at": due_at})
                .on_conflict_do_nothing(index_elements=["key"])
            )
            if row.root_key is not None:
                await transaction.execute(_parked_with_its_root(row))

    async def claim(
        self, holder: str, now: datetime, lease_seconds: float, limit: int
    ) -> tuple[OutboxRow, ...]:
        """Take the next due row of each channel, at most `limit`, so that no other process sends them.

        A channel has at most one claimed row at a time; a claim ends after `lease_seconds`.
        """
        async with self._database.transaction() as transaction:
            await transaction.serialise("outbox.claim")
            claimed = await transaction.all(
                update(outbox)
                .where(outbox.c.id.in_(_next_rows(now, limit)), _is_open(now))
                .values(
                    claimed_by=holder,
                    claimed_until=now + timedelta(seconds=lease_seconds),
                    attempts=outbox.c.attempts + 1,
                )
                .returning(*outbox.c)
            )
            roots = await _roots(transaction, [row.root_key for row in claimed if row.root_key is not None])
        rows = [_row(row, roots.get(row.root_key)) for row in claimed]
        return tuple(sorted(rows, key=lambda row: row.id))

    async def began(
        self,
        row_id: OutboxId,
        holder: str,
        now: datetime,
        lease_seconds: float,
        *,
        posted_after: datetime | None = None,
    ) -> bool:
        """Note that the sending begins now, and renew the claim. False: the claim is lost, so do not send.

        `posted_after` is this moment on the clock of whom it is sent to, if that is another one: what may
        have arrived is looked for from the first such moment on.
        """
        async with self._database.transaction() as transaction:
            return await transaction.claim(
                update(outbox)
                .where(
                    outbox.c.id == row_id,
                    outbox.c.claimed_by == holder,
                    outbox.c.sent_at.is_(None),
                    outbox.c.claimed_until > now,
                )
                .values(
                    attempted_at=func.coalesce(outbox.c.attempted_at, posted_after or now),
                    begun_attempt=outbox.c.attempts,
                    claimed_until=now + timedelta(seconds=lease_seconds),
                )
            )

    async def bring_forward(self, now: datetime, longest_seconds: float) -> None:
        """Let nothing wait longer than so long from now on: the database's clock was set back meanwhile."""
        latest = now + timedelta(seconds=longest_seconds)
        waits = outbox.c.sent_at.is_(None) & outbox.c.parked_at.is_(None)
        claimed, due = outbox.c.claimed_until > latest, outbox.c.due_at > latest
        async with self._database.reading() as reading:
            if await reading.first(select(outbox.c.id).where(waits, claimed | due).limit(1)) is None:
                return
        async with self._database.transaction() as transaction:
            await transaction.execute(update(outbox).where(waits, claimed).values(claimed_until=now))
            await transaction.execute(update(outbox).where(waits, due).values(due_at=now))

    async def holders(self) -> tuple[str, ...]:
        """Return every process that holds a claim, ended ones included."""
        claims = select(outbox.c.claimed_by).where(outbox.c.claimed_by.is_not(None)).distinct()
        async with self._database.reading() as reading:
            return tuple(row.claimed_by for row in await reading.all(claims))

    async def release_all(self, holder: str) -> None:
        """Give back every claim of a process that has ended; what it began to send is looked for first."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                update(outbox)
                .where(outbox.c.claimed_by == holder, outbox.c.sent_at.is_(None))
                .values(claimed_by=None, claimed_until=None)
            )

    async def sent(self, row_id: OutboxId, posted: PostedMessage, now: datetime) -> None:
        """Note that the message stands in the channel, whichever process held the row. Safe to repeat."""
        await self._change(
            row_id,
            sent_at=now,
            ts=posted.ts,
            sent_channel=posted.channel,
            problem=None,
            claimed_by=None,
            claimed_until=None,
        )

    async def put_off(
        self, row_id: OutboxId, due_at: datetime, problem: str, *, is_unclear: bool = False
    ) -> None:
        """Try again later. `is_unclear`: the message may have arrived, so it is to be looked for first.

        A doubt from an earlier sending stays where none began since: looking for the message may fail too.
        """
        began_since = outbox.c.begun_attempt == outbox.c.attempts
        kept = case((began_since, null()), else_=outbox.c.attempted_at)
        doubt = {} if is_unclear else {"attempted_at": kept}
        await self._change(
            row_id, due_at=due_at, problem=problem, claimed_by=None, claimed_until=None, **doubt
        )

    async def park(self, row_id: OutboxId, problem: str, now: datetime) -> None:
        """Never send this row, nor what hangs on it: it can't be drawn, or Slack refuses it as it is."""
        async with self._database.transaction() as transaction:
            key = await transaction.first(
                update(outbox)
                .where(outbox.c.id == row_id)
                .values(parked_at=now, problem=problem, claimed_by=None, claimed_until=None)
                .returning(outbox.c.key)
            )
            if key is not None:
                await transaction.execute(
                    update(outbox)
                    .where(
                        outbox.c.root_key == key.key, outbox.c.sent_at.is_(None), outbox.c.parked_at.is_(None)
                    )
                    .values(parked_at=now, problem=f"its root is parked: {problem}")
                )

    async def newest_known(self, channel: str) -> PostedMessage | None:
        """Return the newest message sent to a channel; after a restore, the newest one from before it."""
        async with self._database.reading() as reading:
            restored = await reading.first(
                select(restored_channels).where(restored_channels.c.channel == channel)
            )
            if restored is not None:
                return PostedMessage(restored.sent_channel, restored.known_ts)
            newest = await reading.first(
                select(outbox.c.sent_channel, outbox.c.ts)
                .where(outbox.c.sent_at.is_not(None), outbox.c.channel == channel)
                .order_by(outbox.c.ts.desc())
                .limit(1)
            )
        return None if newest is None else PostedMessage(newest.sent_channel, newest.ts)

    async def note_restored(self, channel: str, known: PostedMessage, now: datetime) -> None:
        """Remember that newer messages than this one stand in a channel that are not known here."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                transaction.insert(restored_channels)
                .values(channel=channel, sent_channel=known.channel, known_ts=known.ts, found_at=now)
                .on_conflict_do_nothing(index_elements=["channel"])
            )

    async def close_channel(self, channel: str, problem: str, now: datetime) -> bool:
        """Hold back everything for a channel until `reopen_channel`. True: this call closed it."""
        async with self._database.transaction() as transaction:
            return await transaction.claim(
                transaction.insert(closed_channels)
                .values(channel=channel, problem=problem, closed_at=now)
                .on_conflict_do_nothing(index_elements=["channel"])
            )

    async def reopen_channel(self, channel: str) -> bool:
        """Send what waits for a channel again. False when it was not closed."""
        async with self._database.transaction() as transaction:
            return await transaction.claim(
                delete(closed_channels).where(closed_channels.c.channel == channel)
            )

    async def waiting(self) -> tuple[ChannelBacklog, ...]:
        """Return what waits, by channel, the longest waiting first; parked rows don't count."""
        oldest = func.min(outbox.c.created_at)
        async with self._database.reading() as reading:
            rows = await reading.all(
                select(
                    outbox.c.channel,
                    func.count().label("rows"),
                    oldest.label("oldest_at"),
                    closed_channels.c.problem,
                )
                .join(closed_channels, closed_channels.c.channel == outbox.c.channel, isouter=True)
                .where(outbox.c.sent_at.is_(None), outbox.c.parked_at.is_(None))
                .group_by(outbox.c.channel, closed_channels.c.problem)
                .order_by(oldest)
            )
        return tuple(ChannelBacklog(row.channel, row.rows, row.oldest_at, row.problem) for row in rows)

    async def purge(self, before: datetime) -> int:
        """Forget what was sent or parked before a moment and nothing waits for; returns how many rows."""
        dependent = outbox.alias()
        is_needed = exists().where(
            dependent.c.root_key == outbox.c.key,
            dependent.c.sent_at.is_(None),
            dependent.c.parked_at.is_(None),
        )
        is_over = or_(
            outbox.c.sent_at < before, and_(outbox.c.sent_at.is_(None), outbox.c.parked_at < before)
        )
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(restored_channels).where(restored_channels.c.found_at < before))
            return (await transaction.execute(delete(outbox).where(is_over, ~is_needed))).rowcount

    async def _change(self, row_id: OutboxId, **values: Any) -> None:
        async with self._database.transaction() as transaction:
            await transaction.execute(update(outbox).where(outbox.c.id == row_id).values(**values))


def _row(row: Row[Any], root: PostedMessage | None) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        key=row.key,
        channel=row.channel,
        kind=row.kind,
        body=row.body,
        placement=Placement(row.placement),
        run_key=row.run_key,
        root_key=row.root_key,
        root=root,
        attempts=row.attempts,
        attempted_at=row.attempted_at,
        created_at=row.created_at,
    )


def _superseded_by(row: NewOutboxRow) -> Any:
    return delete(outbox).where(
        outbox.c.root_key == row.root_key,
        outbox.c.channel == row.channel,
        outbox.c.placement == Placement.EDIT.value,
        outbox.c.key != row.key,
        outbox.c.sent_at.is_(None),
        or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= row.created_at),
    )


def _parked_with_its_root(row: NewOutboxRow) -> Any:
    root = outbox.alias()
    return (
        update(outbox)
        .where(
            outbox.c.key == row.key,
            outbox.c.sent_at.is_(None),
            exists().where(root.c.key == row.root_key, root.c.parked_at.is_not(None)),
        )
        .values(parked_at=row.created_at, problem="its root is parked")
    )


def _is_open(now: datetime) -> Any:
    # Asked again on the row that is updated: what another process did since the rows were chosen counts.
    return and_(
        outbox.c.sent_at.is_(None),
        outbox.c.parked_at.is_(None),
        outbox.c.due_at <= now,
        or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= now),
    )


def _next_rows(now: datetime, limit: int) -> Any:
    row, root, other, earlier = (outbox.alias() for _ in range(4))
    busy = select(other.c.channel).where(other.c.sent_at.is_(None), other.c.claimed_until > now)
    place = (
        func.row_number().over(partition_by=row.c.channel, order_by=(row.c.priority, row.c.id)).label("place")
    )
    due = (
        select(row.c.id, place)
        .where(
            row.c.sent_at.is_(None),
            row.c.parked_at.is_(None),
            row.c.due_at <= now,
            or_(
                row.c.root_key.is_(None),
                exists().where(root.c.key == row.c.root_key, root.c.sent_at.is_not(None)),
            ),
            row.c.channel.not_in(busy),
            row.c.channel.not_in(select(closed_channels.c.channel)),
            # What hangs on one root goes out in the order it was queued, also after one of it was put off.
            ~exists().where(
                earlier.c.root_key == row.c.root_key,
                earlier.c.channel == row.c.channel,
                earlier.c.id < row.c.id,
                earlier.c.sent_at.is_(None),
                earlier.c.parked_at.is_(None),
            ),
        )
        .subquery()
    )
    return select(due.c.id).where(due.c.place == 1).order_by(due.c.id).limit(limit)


async def _roots(transaction: Transaction, keys: Sequence[str]) -> dict[str, PostedMessage]:
    if not keys:
        return {}
    rows = await transaction.all(
        select(outbox.c.key, outbox.c.sent_channel, outbox.c.ts).where(
            outbox.c.key.in_(keys), outbox.c.sent_at.is_not(None)
        )
    )
    return {row.key: PostedMessage(channel=row.sent_channel, ts=row.ts) for row in rows}
