"""The outbox: what is to be posted or edited, kept until it is known to have been.

The sender claims rows, says that it begins, sends, and says how that ended. A row whose sending began and
whose end is unknown comes back with `attempted_at` set: look for the message before sending it again.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

from sqlalchemy import and_, bindparam, case, delete, exists, func, null, or_, select, update
from sqlalchemy.engine import Row

from bot.store.database import Database, Transaction
from bot.store.tables import UtcTime, channel_moves, closed_channels, outbox, restored_channels, subscriptions

OutboxId = NewType("OutboxId", int)


_STAYS, _STAYS_FOR = ("expectation_unmet", "expectations_unmet", "expectations_list"), timedelta(days=400)
"""Messages that may be edited long after they were sent."""


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

    A row with a `root_key` waits until the row of that key was sent, and then comes right behind it. Low
    priorities first, then older rows.
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
    """A claimed row. `attempted_at` is set when an earlier sending began and never came to a known end.

    `taken_from` is the other process whose claim ran out. It may not be dead, but still be sending: after the
    database's clock was set, a claim may end at once.
    """

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
    taken_from: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ChannelBacklog:
    """What waits for one channel. `closed_because` when the channel cannot be posted to."""

    channel: str
    rows: int
    oldest_at: datetime
    closed_because: str | None


class Outbox:
    """The outbox of one database; several processes may use it at once. Raises `StoreError`.

    `changed` is set when this process has committed new rows: look for rows to claim then, and now and then
    for those of other processes and those that were put off.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.changed = database.outbox_changed
        self.is_empty = False
        """Whether the latest `claim` saw no row wait, but in channels that are closed or have one claimed."""

    async def add(self, transaction: Transaction, rows: Sequence[NewOutboxRow]) -> None:
        """Queue rows as part of a transaction. A newer edit of a message replaces one that still waits."""
        transaction.on_commit.add(self.changed)
        for row in rows:
            values = asdict(row) | {"placement": row.placement.value, "due_at": row.due_at or row.created_at}
            # The root first, as `park` does: two that lock in different orders would wait for each other.
            if row.root_key is not None:
                values |= await _behind_its_root(transaction, row)
            if row.placement is Placement.EDIT:
                await transaction.execute(_superseded_by(row))
            await transaction.execute(
                transaction.insert(outbox).values(values).on_conflict_do_nothing(index_elements=["key"])
            )

    async def revise(self, transaction: Transaction, key: str, body: str) -> bool:
        """Replace what a row says that waits, and whose sending never began. False where there is none."""
        return await transaction.claim(
            update(outbox)
            .where(
                outbox.c.key == key,
                _is_waiting(outbox),
                outbox.c.attempted_at.is_(None),
                outbox.c.claimed_by.is_(None),
            )
            .values(body=body)
        )

    async def adopt(
        self, transaction: Transaction, row: NewOutboxRow, posted: PostedMessage, now: datetime
    ) -> bool:
        """Take a message that stands in the channel for a row's, so that what hangs on the row hangs on it.

        False: the row was sent, or may have been.
        """
        transaction.on_commit.add(self.changed)
        standing = {"sent_at": now, "ts": posted.ts, "sent_channel": posted.channel}
        values = asdict(row) | {"placement": row.placement.value, "due_at": row.due_at or row.created_at}
        # A row whose sending has not begun is not sent any more: `began` says no.
        is_unsent = (
            outbox.c.sent_at.is_(None) & outbox.c.parked_at.is_(None) & outbox.c.attempted_at.is_(None)
        )
        is_adopted = await transaction.claim(
            transaction.insert(outbox)
            .values(values | standing)
            .on_conflict_do_update(
                index_elements=["key"],
                set_=standing | {"claimed_by": None, "claimed_until": None, "problem": None},
                where=is_unsent,
            )
        )
        if is_adopted:
            await transaction.execute(
                update(outbox)
                .where(outbox.c.root_key == row.key, _is_waiting(outbox))
                .values(priority=row.priority - 1)
            )
        return is_adopted

    async def has(self, transaction: Transaction, key: str) -> bool:
        """Whether there is a row of that key, sent or not."""
        return await transaction.first(select(outbox.c.id).where(outbox.c.key == key)) is not None

    async def last_below(self, transaction: Transaction, root_key: str, beginning: str) -> datetime | None:
        """Return when the latest of the rows about a message was queued whose keys begin so."""
        query = select(func.max(outbox.c.created_at).label("at")).where(
            outbox.c.root_key == root_key, outbox.c.key.startswith(beginning, autoescape=True)
        )
        row = await transaction.first(query)
        return None if row is None else row.at

    async def is_known(self, key: str) -> bool:
        """Whether there is a row of that key."""
        async with self._database.reading() as reading:
            return await self.has(reading, key)

    async def posted(self, transaction: Transaction, key: str) -> PostedMessage | None:
        """Return the message that stands in Slack for a row; None as long as it was not sent."""
        return (await _roots(transaction, [key])).get(key)

    async def known(self, transaction: Transaction, keys: Collection[str]) -> frozenset[str]:
        """Return those of a few keys whose rows are there and not parked: something can hang on them."""
        query = select(outbox.c.key).where(outbox.c.key.in_(keys), outbox.c.parked_at.is_(None))
        return frozenset(row.key for row in await transaction.all(query)) if keys else frozenset()

    async def claim(
        self, holder: str, now: datetime, lease_seconds: float, limit: int
    ) -> tuple[OutboxRow, ...]:
        """Take the next due row of each channel, at most `limit`, so that no other process sends them.

        Where more channels have one, low priorities go first, then older rows. A channel has at most one
        claimed row at a time; a claim ends after `lease_seconds`.
        """
        async with self._database.transaction() as transaction:
            await transaction.serialise("outbox.claim")
            channels = await transaction.all(_HEADS, {"now": now})
            self.is_empty = not channels
            heads = [head for (head,) in channels if head is not None]
            if not heads:
                return ()
            these = select(outbox.c.id, outbox.c.claimed_by).where(outbox.c.id.in_(heads))
            first = await transaction.all(these.order_by(outbox.c.priority, outbox.c.id).limit(limit))
            others = {row.id: row.claimed_by for row in first if row.claimed_by != holder}
            claimed = await transaction.all(
                update(outbox)
                .where(outbox.c.id.in_([row.id for row in first]), _is_open(now))
                .values(
                    claimed_by=holder,
                    claimed_until=now + timedelta(seconds=lease_seconds),
                    attempts=outbox.c.attempts + 1,
                )
                .returning(*outbox.c)
            )
            roots = await _roots(transaction, [row.root_key for row in claimed if row.root_key is not None])
        in_order = sorted(claimed, key=lambda row: (row.priority, row.id))
        return tuple(_row(row, roots.get(row.root_key), taken_from=others.get(row.id)) for row in in_order)

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
        """Let no row wait, and no claim last, longer than that: the database's clock was set back meanwhile.

        A claim that lasts longer ends, and a row that is due later is due now.
        """
        waits = outbox.c.sent_at.is_(None) & outbox.c.parked_at.is_(None)
        latest = now + timedelta(seconds=longest_seconds)
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

    async def sent(
        self, row_id: OutboxId, posted: PostedMessage, now: datetime, *, in_place_of: str | None = None
    ) -> None:
        """Note that the message stands in the channel, whichever process held the row. Safe to repeat.

        Its channel takes messages, so it is closed no longer. What hangs on the message goes out before the
        next one of its channel. `in_place_of` is the key of a root
        that is gone from Slack: what hangs on that one hangs on this message from now on.
        """
        async with self._database.transaction() as transaction:
            root = await transaction.first(
                update(outbox)
                .where(outbox.c.id == row_id)
                .values(
                    sent_at=now,
                    ts=posted.ts,
                    sent_channel=posted.channel,
                    problem=None,
                    claimed_by=None,
                    claimed_until=None,
                )
                .returning(outbox.c.key, outbox.c.priority, outbox.c.channel)
            )
            if root is not None:
                await transaction.execute(
                    delete(closed_channels).where(closed_channels.c.channel == root.channel)
                )
                await transaction.execute(
                    update(outbox)
                    .where(outbox.c.root_key == root.key, _is_waiting(outbox))
                    .values(priority=root.priority - 1)
                )
            if in_place_of is not None:
                await transaction.execute(
                    update(outbox)
                    .where(outbox.c.key == in_place_of)
                    .values(ts=posted.ts, sent_channel=posted.channel)
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
            # Whoever is adding to its thread at this moment ends first, or sees it parked.
            await transaction.first(select(outbox.c.id).where(outbox.c.id == row_id).with_for_update())
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

    async def at(self, posted: PostedMessage) -> OutboxRow | None:
        """Return the row that a message in Slack was posted by; None for any other message."""
        sent = select(*outbox.c).where(
            outbox.c.sent_at.is_not(None),
            outbox.c.sent_channel == posted.channel,
            outbox.c.ts == posted.ts,
            outbox.c.placement != Placement.EDIT.value,
        )
        async with self._database.reading() as reading:
            row = await reading.first(sent.order_by(outbox.c.id).limit(1))
        return None if row is None else _row(row, None, taken_from=None)

    async def in_doubt(self, channel: str) -> int:
        """Return how many messages may stand in a channel of which it is not known."""
        waits = outbox.c.sent_at.is_(None) & outbox.c.attempted_at.is_not(None)
        async with self._database.reading() as reading:
            counted = await reading.first(
                select(func.count()).select_from(outbox).where(outbox.c.channel == channel, waits)
            )
        return 0 if counted is None else int(counted[0])

    async def note_restored(self, channel: str, known: PostedMessage, now: datetime) -> None:
        """Remember that newer messages than this one stand in a channel that are not known here."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                transaction.insert(restored_channels)
                .values(channel=channel, sent_channel=known.channel, known_ts=known.ts, found_at=now)
                .on_conflict_do_nothing(index_elements=["channel"])
            )

    async def close_channel(self, channel: str, problem: str, now: datetime) -> bool:
        """Hold back everything for a channel. True: this call closed it; it was not closed before."""
        async with self._database.transaction() as transaction:
            closing = transaction.insert(closed_channels).values(
                channel=channel, problem=problem, closed_at=now
            )
            if await transaction.claim(closing.on_conflict_do_nothing(index_elements=["channel"])):
                return True
            await transaction.execute(
                update(closed_channels)
                .where(closed_channels.c.channel == channel)
                .values(problem=problem, is_tried=False)
            )
        return False

    async def try_channel(self, channel: str) -> None:
        """Let rows of a closed channel be claimed, to see whether Slack takes them again."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                update(closed_channels).where(closed_channels.c.channel == channel).values(is_tried=True)
            )

    async def note_move(self, transaction: Transaction, old_id: str, new_id: str, now: datetime) -> bool:
        """Remember that Slack gave a channel another ID, also in its subscriptions. False: that was known."""
        values = {"new_id": new_id, "at": now}
        await transaction.execute(
            update(subscriptions).where(subscriptions.c.channel == old_id).values(channel=new_id)
        )
        return await transaction.claim(
            transaction.insert(channel_moves)
            .values(old_id=old_id, **values)
            .on_conflict_do_update(
                index_elements=["old_id"], set_=values, where=channel_moves.c.new_id != new_id
            )
        )

    async def moves(self) -> dict[str, str]:
        """Return the new ID of each channel that Slack gave another one."""
        async with self._database.reading() as reading:
            rows = await reading.all(select(channel_moves.c.old_id, channel_moves.c.new_id))
        return {row.old_id: row.new_id for row in rows}

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
        root = outbox.alias()
        has_root = exists().where(root.c.key == outbox.c.root_key)
        is_over = or_(
            and_(outbox.c.sent_at < before, outbox.c.kind.not_in(_STAYS)),
            outbox.c.sent_at < before - _STAYS_FOR,
            and_(outbox.c.sent_at.is_(None), outbox.c.parked_at < before),
            # What hangs on a root that is gone would wait for ever.
            and_(
                _is_waiting(outbox), outbox.c.created_at < before, outbox.c.root_key.is_not(None), ~has_root
            ),
        )
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(restored_channels).where(restored_channels.c.found_at < before))
            return (await transaction.execute(delete(outbox).where(is_over, ~is_needed))).rowcount

    async def _change(self, row_id: OutboxId, **values: Any) -> None:
        async with self._database.transaction() as transaction:
            await transaction.execute(update(outbox).where(outbox.c.id == row_id).values(**values))


def _row(row: Row[Any], root: PostedMessage | None, *, taken_from: str | None) -> OutboxRow:
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
        taken_from=taken_from,
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


async def _behind_its_root(transaction: Transaction, row: NewOutboxRow) -> dict[str, Any]:
    """What a row takes over from its root as that is now: its turn, or that it is never sent.

    The root is not parked until the transaction ends. It may be claimed and sent.
    """
    columns = select(outbox.c.priority, outbox.c.sent_at, outbox.c.parked_at)
    root = await transaction.first(
        columns.where(outbox.c.key == row.root_key).with_for_update(read=True, key_share=True)
    )
    if root is None:
        return {}
    if root.parked_at is not None:
        return {"parked_at": row.created_at, "problem": "its root is parked"}
    if root.sent_at is not None:
        return {"priority": root.priority - 1}
    # Behind all such roots, where `_heads` does not step over it.
    return {"priority": max(row.priority, root.priority + 1)}


def _is_open(now: datetime) -> Any:
    # Asked again on the row that is updated: what another process did since the rows were chosen counts.
    return and_(
        _is_waiting(outbox),
        outbox.c.due_at <= now,
        or_(outbox.c.claimed_until.is_(None), outbox.c.claimed_until <= now),
    )


def _is_waiting(row: Any) -> Any:
    # In the words of `ix_outbox_waiting`: SQLite uses a partial index for no others.
    return and_(row.c.sent_at.is_(None), row.c.parked_at.is_(None))


def _heads(now: Any) -> Any:
    """The next row of each open channel, NULL where none is due.

    What it costs follows the number of channels, not of rows: `ix_outbox_waiting` leads from channel to
    channel, and to the head of each, where what waits for its root stands behind the roots.
    """
    row, root, earlier, held, any_row, later = (outbox.alias() for _ in range(6))
    first = select(func.min(any_row.c.channel).label("channel")).where(_is_waiting(any_row))
    channels = first.cte("channels", recursive=True)
    following = (
        select(func.min(later.c.channel))
        .where(_is_waiting(later), later.c.channel > channels.c.channel)
        .scalar_subquery()
    )
    channels = channels.union_all(select(following).where(channels.c.channel.is_not(None)))
    # No `NOT EXISTS`: PostgreSQL would join it, and read all that waits instead of the thread.
    in_front = (
        select(earlier.c.id)
        .where(
            earlier.c.root_key == row.c.root_key,
            earlier.c.id < row.c.id,
            func.coalesce(earlier.c.sent_at, earlier.c.parked_at).is_(None),
        )
        .limit(1)
        .scalar_subquery()
    )
    head = (
        select(row.c.id)
        .where(
            row.c.channel == channels.c.channel,
            _is_waiting(row),
            row.c.due_at <= now,
            or_(
                row.c.root_key.is_(None),
                exists().where(root.c.key == row.c.root_key, root.c.sent_at.is_not(None)),
            ),
            # What hangs on one root goes out in the order it was queued, also after one of it was put off.
            in_front.is_(None),
        )
        .order_by(row.c.priority, row.c.id)
        .limit(1)
    )
    is_busy = exists().where(
        held.c.channel == channels.c.channel, held.c.claimed_by.is_not(None), held.c.claimed_until > now
    )
    is_closed = exists().where(closed_channels.c.channel == channels.c.channel, ~closed_channels.c.is_tried)
    return select(head.scalar_subquery()).where(channels.c.channel.is_not(None), ~is_busy, ~is_closed)


# Built once: no other statement runs as often.
_HEADS = _heads(bindparam("now", type_=UtcTime))


async def _roots(transaction: Transaction, keys: Sequence[str]) -> dict[str, PostedMessage]:
    if not keys:
        return {}
    rows = await transaction.all(
        select(outbox.c.key, outbox.c.sent_channel, outbox.c.ts).where(
            outbox.c.key.in_(keys), outbox.c.sent_at.is_not(None)
        )
    )
    return {row.key: PostedMessage(channel=row.sent_channel, ts=row.ts) for row in rows}
