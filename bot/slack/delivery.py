"""Sends what the outbox holds: in order, at Slack's pace, once.

A row is claimed, drawn, sent and marked. Where an earlier sending began and its end is unknown, the channel
is searched for the message's metadata first. What Slack refuses for now waits; what it refuses for good is
parked.
"""

import asyncio
from collections import defaultdict
from datetime import datetime, timedelta

import msgspec
import structlog
from aiolimiter import AsyncLimiter

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
from bot.slack.replies import arguments
from bot.slack.views.announcements import announcement
from bot.slack.views.message import Message
from bot.slack.web import TIMEOUT_SECONDS, Web
from bot.store import Database, NewRow, Outbox, OutboxRow, Placing, Root
from bot.watch.facts import ChannelClosed, decode, encode

# Longer than a call to Slack can take, so that a claim outlives the sending it covers.
LEASE_SECONDS = 2.0 * TIMEOUT_SECONDS
_IN_FLIGHT = 16
_IDLE_SECONDS = 0.5
_REVISIT_SECONDS = 60.0
_CREDENTIALS_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 300.0
_MOST_ATTEMPTS = 10
# chat.update is Tier 3: some fifty a minute, shared with the live messages of running actions.
_EDITS_PER_MINUTE = 25

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
        self._paces: dict[str, AsyncLimiter] = defaultdict(lambda: AsyncLimiter(1, 1.0))
        self._edits = AsyncLimiter(_EDITS_PER_MINUTE, 60.0)
        self._sending: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._revisited_at = clock.monotonic()

    async def run(self, holder: str, notices_to: str | None) -> None:
        """Send until `close`. `holder` names this process; `notices_to` hears of closed channels."""
        async with asyncio.TaskGroup() as group:
            while not self._is_closing:
                room = _IN_FLIGHT - len(self._sending)
                rows = (
                    await self._outbox.claim(holder, self._clock.now(), LEASE_SECONDS, room) if room else ()
                )
                for row in rows:
                    task = group.create_task(self._contained(row, holder, notices_to))
                    self._sending.add(task)
                    task.add_done_callback(self._sending.discard)
                await self._wait(found_some=bool(rows))
                await self._revisit_closed()

    async def close(self, seconds: float) -> None:
        """Send nothing more, and wait for what is being sent at this moment."""
        self._is_closing = True
        if self._sending:
            await asyncio.wait(self._sending, timeout=seconds)

    async def _wait(self, *, found_some: bool) -> None:
        if found_some and self._sending:
            await asyncio.wait(self._sending, timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        else:
            await self._clock.sleep(_IDLE_SECONDS)

    async def _contained(self, row: OutboxRow, holder: str, notices_to: str | None) -> None:
        if not await contained(self._deliver(row, holder, notices_to), "delivery.broke", key=row.key):
            # Our own bug or the database: the claim runs out, and the row comes back to be looked for.
            self._metrics.announced(row.kind, "broke")

    async def _deliver(self, row: OutboxRow, holder: str, notices_to: str | None) -> None:
        try:
            message = announcement(decode(row.body), row.key)
        except msgspec.ValidationError as error:
            log.error("delivery.unreadable", key=row.key, problem=str(error))
            await self._outbox.park(row.id, "unreadable", self._clock.now())
            return
        try:
            root = await self._found(row, message) or await self._sent(row, message, holder)
        except SlackError as error:
            await self._failed(row, error, notices_to)
            return
        if root is not None:
            await self._outbox.sent(row.id, root, self._clock.now())

    async def _found(self, row: OutboxRow, message: Message) -> Root | None:
        if row.attempted_at is None or row.placing is Placing.EDIT or message.metadata is None:
            return None
        thread_ts = row.root.ts if row.root and row.placing is not Placing.POST else None
        root = await self._history.find(row.channel, message.metadata, row.attempted_at, thread_ts)
        if root is not None:
            self._tell_end(row, "found")
        return root

    async def _sent(self, row: OutboxRow, message: Message, holder: str) -> Root | None:
        pace = self._edits if row.placing is Placing.EDIT else self._paces[row.channel]
        async with asyncio.timeout(LEASE_SECONDS):
            await pace.acquire()
        if not await self._outbox.began(row.id, holder, self._clock.now(), LEASE_SECONDS):
            return None
        root = await self._put(row, message)
        self._tell_end(row, "sent")
        return root

    async def _put(self, row: OutboxRow, message: Message) -> Root:
        """Post, reply or edit; as text where Slack refuses the blocks, as a root without its thread."""
        try:
            return await self._write(row, message)
        except MessageInvalid as error:
            log.error("delivery.blocks_refused", key=row.key, problem=str(error), details=error.details)
            return await self._write(row, Message(message.text, (), message.metadata))
        except MessageGone as error:
            log.warning("delivery.message_gone", key=row.key, problem=str(error))
            if row.placing is Placing.EDIT and row.root is not None:
                return row.root
            return await self._write(row, message, as_root=True)

    async def _write(self, row: OutboxRow, message: Message, *, as_root: bool = False) -> Root:
        sent = arguments(message)
        if message.metadata is not None and row.placing is not Placing.EDIT:
            sent["metadata"] = dict(message.metadata)
        if row.root is not None and row.placing is Placing.EDIT:
            edited = {key: sent[key] for key in ("text", "blocks", "parse")}
            await self._web.write("chat.update", {**edited, "channel": row.root.channel, "ts": row.root.ts})
            return row.root
        if row.root is not None and not as_root:
            sent["thread_ts"] = row.root.ts
            sent["reply_broadcast"] = row.placing is Placing.BROADCAST
        answer = await self._web.write("chat.postMessage", {**sent, "channel": row.channel})
        return Root(str(answer["channel"]), str(answer["ts"]))

    async def _failed(self, row: OutboxRow, error: SlackError, notices_to: str | None) -> None:
        now = self._clock.now()
        match error:
            case SlackLimited(retry_after_seconds=seconds):
                self._metrics.slack_waited(error.method, seconds=seconds)
                await self._outbox.put_off(row.id, now + timedelta(seconds=seconds), str(error))
            case SlackUnclear():
                log.warning("delivery.unclear", key=row.key, problem=str(error))
                await self._outbox.put_off(row.id, _later(now, row), str(error), is_unclear=True)
            case SlackUnreachable():
                await self._outbox.put_off(row.id, _later(now, row), str(error))
            case CredentialsDead():
                self._health.set("slack", ok=False, detail=str(error))
                await self._outbox.put_off(row.id, now + timedelta(seconds=_CREDENTIALS_SECONDS), str(error))
            case PlaceClosed():
                await self._close(row, error.word, now, notices_to)
            case _ if row.attempts < _MOST_ATTEMPTS:
                log.warning("delivery.refused", key=row.key, problem=str(error))
                await self._outbox.put_off(row.id, _later(now, row), str(error))
            case _:
                log.error("delivery.given_up", key=row.key, problem=str(error), attempts=row.attempts)
                self._tell_end(row, "given_up")
                await self._outbox.park(row.id, str(error), now)

    async def _close(self, row: OutboxRow, problem: str, now: datetime, notices_to: str | None) -> None:
        """Hold the channel's rows back, and say so once, in another channel."""
        await self._outbox.put_off(row.id, now, problem)
        if not await self._outbox.close_channel(row.channel, problem, now):
            return
        log.error("delivery.channel_closed", channel=row.channel, problem=problem)
        self._health.set(f"channel:{row.channel}", ok=False, detail=problem)
        if notices_to is None or notices_to == row.channel:
            return
        waiting = sum(
            backlog.rows for backlog in await self._outbox.waiting() if backlog.channel == row.channel
        )
        facts = ChannelClosed(channel=row.channel, problem=problem, waiting=waiting)
        key = f"closed:{row.channel}:{now.isoformat()}"
        notice = NewRow(
            key=key, channel=notices_to, kind="channel_closed", body=encode(facts), created_at=now
        )
        async with self._database.transaction() as transaction:
            await self._outbox.add(transaction, [notice])

    async def _revisit_closed(self) -> None:
        """Look now and then whether a channel can be posted to again, and how much waits."""
        if self._clock.monotonic() - self._revisited_at < _REVISIT_SECONDS:
            return
        self._revisited_at = self._clock.monotonic()
        backlogs = await self._outbox.waiting()
        self._metrics.outbox_waits(sum(backlog.rows for backlog in backlogs))
        for backlog in backlogs:
            if backlog.closed_because and await self._history.is_open(backlog.channel):
                await self._outbox.reopen_channel(backlog.channel)
                self._health.set(f"channel:{backlog.channel}", ok=True, detail="open again")

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


def _later(now: datetime, row: OutboxRow) -> datetime:
    return now + timedelta(seconds=min(2.0 ** min(row.attempts, 10) / 2, _LONGEST_WAIT_SECONDS))
