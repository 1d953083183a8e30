"""Sends what the outbox holds: in order, at Slack's pace, once.

A row is claimed, drawn, sent and marked. Where an earlier sending began and its end is unknown, the channel
is searched for the message's metadata first, and as long as that search fails nothing is sent. What Slack
refuses for now waits; what it refuses for good is parked.
"""

import asyncio
from collections import Counter
from datetime import timedelta

import msgspec
import structlog

from bot.observability import Clock, Health, Metrics, contained
from bot.slack.errors import (
    CredentialsDead,
    MessageGone,
    MessageInvalid,
    PlaceClosed,
    SlackError,
    SlackLimited,
    SlackUnclear,
    SlackUnreachable,
)
from bot.slack.history import History
from bot.slack.pace import Pace
from bot.slack.replies import arguments
from bot.slack.views.announcements import announcement
from bot.slack.views.message import Message
from bot.slack.web import TIMEOUT_SECONDS, Web
from bot.store import (
    Database,
    NewOutboxRow,
    Outbox,
    OutboxId,
    OutboxRow,
    Placement,
    PostedMessage,
    StoreError,
)
from bot.watch.facts import ApprovalAsked, ApprovalHeldBack, ChannelClosed, decode, encode

# Longer than a call to Slack can take, so that a claim outlives the sending it covers.
LEASE_SECONDS = 2.0 * TIMEOUT_SECONDS
OUTBOX_PART = "outbox"
TOKEN_PART = "slack:token"  # noqa: S105 -- the name of a part in /readyz
_IN_FLIGHT = 16
_IDLE_SECONDS = 0.5
_REVISIT_SECONDS = 60.0
_CREDENTIALS_SECONDS = 60.0
_UNREACHABLE_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 60.0
_MOST_REFUSALS = 10

log = structlog.get_logger()


class Delivery:
    """The sending half of the outbox. Several processes may run one each: a claim decides who sends."""

    def __init__(
        self,
        database: Database,
        web: Web,
        history: History,
        *,
        clock: Clock,
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._database = database
        self._outbox = Outbox(database)
        self._web = web
        self._history = history
        self._clock = clock
        self._metrics = metrics
        self._health = health
        self._pace = Pace(clock)
        self._refusals: Counter[OutboxId] = Counter()
        self._sending: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._revisit_at = clock.monotonic()

    async def run(self, holder: str, notices_to: str | None) -> None:
        """Send until `close`. `holder` names this process; `notices_to` hears of closed channels."""
        async with asyncio.TaskGroup() as group:
            while not self._is_closing:
                rows = await self._claimed(holder)
                for row in rows:
                    task = group.create_task(self._contained(row, holder, notices_to))
                    self._sending.add(task)
                    task.add_done_callback(self._sending.discard)
                await self._wait(found_some=bool(rows))

    async def close(self, seconds: float) -> None:
        """Send nothing more, and wait for what is being sent at this moment."""
        self._is_closing = True
        if self._sending:
            await asyncio.wait(self._sending, timeout=seconds)

    async def _claimed(self, holder: str) -> tuple[OutboxRow, ...]:
        """Take what is to be sent now; nothing while the database is silent."""
        room = _IN_FLIGHT - len(self._sending)
        try:
            await self._revisit_closed()
            if not room or self._pace.all_held_seconds:
                return ()
            rows = await self._outbox.claim(holder, self._clock.now(), LEASE_SECONDS, room)
        except StoreError as error:
            self._health.set(OUTBOX_PART, ok=False, detail=str(error))
            return ()
        self._health.set(OUTBOX_PART, ok=True)
        return rows

    async def _wait(self, *, found_some: bool) -> None:
        if found_some and self._sending:
            await asyncio.wait(self._sending, timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        else:
            await self._clock.sleep(_IDLE_SECONDS)

    async def _contained(self, row: OutboxRow, holder: str, notices_to: str | None) -> None:
        if not await contained(self._deliver(row, holder, notices_to), "delivery.broke", key=row.key):
            # A bug of ours: the claim runs out, and the row comes back to be looked for.
            self._metrics.announced(row.kind, "broke")

    async def _deliver(self, row: OutboxRow, holder: str, notices_to: str | None) -> None:
        try:
            message = announcement(decode(row.body), row.key)
            await self._looked_for_and_sent(row, message, holder, notices_to)
        except msgspec.ValidationError as error:
            log.error("delivery.unreadable", key=row.key, problem=str(error))
            await self._outbox.park(row.id, "unreadable", self._clock.now())
        except StoreError as error:
            # The claim runs out, and the row comes back; what was sent is found by its metadata then.
            log.warning("delivery.not_noted", key=row.key, problem=str(error))

    async def _looked_for_and_sent(
        self, row: OutboxRow, message: Message, holder: str, notices_to: str | None
    ) -> None:
        is_edit = row.placement is Placement.EDIT
        if (seconds := self._pace.held_seconds(row.channel, is_edit=is_edit)) > 0:
            await self._put_off(row, seconds, "held back", in_doubt=True)
            return
        in_doubt = True
        try:
            root = await self._found(row, message)
            in_doubt = False
            if root is None:
                root = await self._sent(row, message, holder)
        except SlackError as error:
            await self._failed(row, error, notices_to, in_doubt=in_doubt)
            return
        if root is not None:
            self._health.set(TOKEN_PART, ok=True)
            self._refusals.pop(row.id, None)
            await self._outbox.sent(row.id, root, self._clock.now())

    async def _found(self, row: OutboxRow, message: Message) -> PostedMessage | None:
        if row.attempted_at is None or row.placement is Placement.EDIT or message.metadata is None:
            return None
        thread_ts = row.root.ts if row.root and row.placement is not Placement.POST else None
        try:
            root = await self._history.find(row.channel, message.metadata, row.attempted_at, thread_ts)
        except MessageGone:
            # Without its thread a reply is posted as a root.
            root = await self._history.find(row.channel, message.metadata, row.attempted_at, None)
        if root is not None:
            self._tell_end(row, "found")
        return root

    async def _sent(self, row: OutboxRow, message: Message, holder: str) -> PostedMessage | None:
        is_edit = row.placement is Placement.EDIT
        if not await self._pace.turn(row.channel, is_edit=is_edit, within_seconds=LEASE_SECONDS / 2):
            await self._put_off(row, 0.0, "no turn yet", in_doubt=False)
            return None
        if not await self._outbox.began(row.id, holder, self._clock.now(), LEASE_SECONDS):
            return None
        root = await self._put(row, message)
        self._tell_end(row, "sent")
        return root

    async def _put(self, row: OutboxRow, message: Message) -> PostedMessage:
        """Post, reply or edit; as text where Slack refuses the blocks, as a root without its thread."""
        try:
            return await self._write(row, message)
        except MessageInvalid as error:
            log.error("delivery.blocks_refused", key=row.key, problem=str(error), details=error.details)
            return await self._write(row, Message(message.text, (), message.metadata))
        except MessageGone as error:
            log.warning("delivery.message_gone", key=row.key, problem=str(error))
            if row.placement is Placement.EDIT and row.root is not None:
                return row.root
            return await self._write(row, message, as_root=True)

    async def _write(self, row: OutboxRow, message: Message, *, as_root: bool = False) -> PostedMessage:
        sent = arguments(message)
        if message.metadata is not None and row.placement is not Placement.EDIT:
            sent["metadata"] = dict(message.metadata)
        if row.root is not None and row.placement is Placement.EDIT:
            edited = {key: sent[key] for key in ("text", "blocks", "parse")}
            await self._web.write("chat.update", {**edited, "channel": row.root.channel, "ts": row.root.ts})
            return row.root
        if row.root is not None and row.placement is not Placement.POST and not as_root:
            sent["thread_ts"] = row.root.ts
            sent["reply_broadcast"] = row.placement is Placement.BROADCAST
        answer = await self._web.write("chat.postMessage", {**sent, "channel": row.channel})
        return PostedMessage(str(answer["channel"]), str(answer["ts"]))

    async def _failed(
        self, row: OutboxRow, error: SlackError, notices_to: str | None, *, in_doubt: bool
    ) -> None:
        """`in_doubt`: it was the search for an earlier sending that failed, so that one is still unknown."""
        is_edit = row.placement is Placement.EDIT
        match error:
            case SlackLimited(retry_after_seconds=seconds):
                self._metrics.slack_waited(error.method, seconds=seconds)
                self._pace.hold(row.channel, seconds, is_edit=is_edit)
                await self._put_off(row, seconds, str(error), in_doubt=in_doubt)
            case SlackUnclear():
                log.warning("delivery.unclear", key=row.key, problem=str(error))
                await self._put_off(row, _pause(row.attempts), str(error), in_doubt=True)
            case SlackUnreachable():
                self._pace.hold_everything(_UNREACHABLE_SECONDS)
                await self._put_off(row, 0.0, str(error), in_doubt=in_doubt)
            case CredentialsDead():
                self._health.set(TOKEN_PART, ok=False, detail=str(error))
                self._pace.hold_everything(_CREDENTIALS_SECONDS)
                # Held back in memory alone: a restart with a new token sends at once.
                await self._put_off(row, 0.0, str(error), in_doubt=in_doubt)
            case PlaceClosed():
                await self._close(row, error.word, notices_to, in_doubt=in_doubt)
            case _:
                await self._refused(row, error, in_doubt=in_doubt)

    async def _put_off(self, row: OutboxRow, seconds: float, problem: str, *, in_doubt: bool) -> None:
        due_at = self._clock.now() + timedelta(seconds=seconds)
        await self._outbox.put_off(row.id, due_at, problem, is_unclear=in_doubt)

    async def _refused(self, row: OutboxRow, error: SlackError, *, in_doubt: bool) -> None:
        """A word that nothing is known about: try a number of times, then give up."""
        self._refusals[row.id] += 1
        if self._refusals[row.id] < _MOST_REFUSALS:
            log.warning("delivery.refused", key=row.key, problem=str(error))
            await self._put_off(row, _pause(self._refusals[row.id]), str(error), in_doubt=in_doubt)
            return
        del self._refusals[row.id]
        log.error("delivery.given_up", key=row.key, problem=str(error), attempts=row.attempts)
        self._tell_end(row, "given_up")
        await self._tell_asker(row, str(error))
        await self._outbox.park(row.id, str(error), self._clock.now())

    async def _close(self, row: OutboxRow, problem: str, notices_to: str | None, *, in_doubt: bool) -> None:
        """Hold the channel's rows back, and say so once, in another channel."""
        if notices_to is not None and notices_to != row.channel:
            await self._tell_closed(row, problem, notices_to)
        await self._tell_asker(row, problem)
        now = self._clock.now()
        if await self._outbox.close_channel(row.channel, problem, now):
            log.error("delivery.channel_closed", channel=row.channel, problem=problem)
        self._health.set(_part(row.channel), ok=False, detail=problem)
        await self._put_off(row, 0.0, problem, in_doubt=in_doubt)

    async def _tell_closed(self, row: OutboxRow, problem: str, notices_to: str) -> None:
        waiting = sum(
            backlog.rows for backlog in await self._outbox.waiting() if backlog.channel == row.channel
        )
        facts = ChannelClosed(channel=row.channel, problem=problem, waiting=waiting)
        await self._notify(row, facts, notices_to)

    async def _tell_asker(self, row: OutboxRow, problem: str) -> None:
        """Somebody waits for what nobody sees."""
        match decode(row.body):
            case ApprovalAsked(approval=approval):
                held_back = ApprovalHeldBack(approval=approval, channel=row.channel, problem=problem)
                await self._notify(row, held_back, approval.person)
            case _:
                pass

    async def _notify(self, row: OutboxRow, facts: ChannelClosed | ApprovalHeldBack, channel: str) -> None:
        # The row that could not be sent is the occasion: while it waits, nothing is said again.
        kind = str(facts.__struct_config__.tag)
        notice = NewOutboxRow(
            key=f"{kind}:{row.channel}:{row.id}",
            channel=channel,
            kind=kind,
            body=encode(facts),
            created_at=self._clock.now(),
        )
        async with self._database.transaction() as transaction:
            await self._outbox.add(transaction, [notice])

    async def _revisit_closed(self) -> None:
        """Look now and then whether a channel can be posted to again, and how much waits."""
        if self._clock.monotonic() < self._revisit_at:
            return
        self._revisit_at = self._clock.monotonic() + _REVISIT_SECONDS
        backlogs = await self._outbox.waiting()
        self._metrics.outbox_waits(sum(backlog.rows for backlog in backlogs))
        for backlog in backlogs:
            if not backlog.closed_because:
                continue
            is_open = await self._history.is_open(backlog.channel)
            detail = "open again" if is_open else backlog.closed_because
            self._health.set(_part(backlog.channel), ok=is_open, detail=detail)
            if is_open:
                await self._outbox.reopen_channel(backlog.channel)

    def _tell_end(self, row: OutboxRow, end: str) -> None:
        self._metrics.announced(row.kind, end)
        waited = (self._clock.now() - row.created_at).total_seconds()
        log.info(
            "announcement.finished",
            kind=row.kind,
            outcome=end,
            key=row.key,
            channel=row.channel,
            attempts=row.attempts,
            waited_seconds=round(waited, 1),
        )


def _part(channel: str) -> str:
    return f"channel:{channel}"


def _pause(attempts: int) -> float:
    return min(2.0 ** min(attempts, 10) / 2, _LONGEST_WAIT_SECONDS)
