"""Sends what the outbox holds: in order, at Slack's pace, once.

A row is claimed, drawn, sent and marked. Where an earlier attempt began and its end is unknown, the channel
is searched for the message's metadata first, and as long as that search fails nothing is sent. A message
that Slack refuses for now waits; one that it refuses for good is parked.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog

from bot import store
from bot.observability import Clock, Health, Metrics, contained
from bot.slack import errors
from bot.slack.directory import Directory
from bot.slack.replies import message_arguments
from bot.slack.unrecorded import UnrecordedMessages
from bot.slack.views.announcements import announcement
from bot.slack.views.message import Message
from bot.slack.web_api import LONGEST_WAIT_SECONDS, TIMEOUT_SECONDS, WebApi, Workspace
from bot.watch import facts

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
_HISTORY_PAGE = 200
_MOST_HISTORY_PAGES = 25
# A message is searched for from this long before its sending began, by Slack's clock, which is known to a
# second or two.
_MARGIN = timedelta(minutes=2)
# Slack's clock is not known: every message may be the one.
_UNKNOWN = datetime(2000, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


class History:
    """Finds messages of this bot by their metadata, in channels and threads."""

    def __init__(self, web_api: WebApi, workspace: Workspace) -> None:
        self._web_api = web_api
        self._own_ids = {workspace.bot_id, workspace.bot_user_id}

    async def find(
        self, channel: str, metadata: Mapping[str, Any], since: datetime, thread_ts: str | None
    ) -> store.PostedMessage | None:
        """Return the message of this bot that carries exactly this metadata, None when there is none.

        `since` is by Slack's clock, as each message's `ts` is.

        `conversations.history` and `.replies` give payloads only with `include_all_metadata`, and only to
        members. Raises `SlackError`.
        """
        where: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "limit": _HISTORY_PAGE}
        where["oldest"] = f"{(since - _MARGIN).timestamp():.6f}"
        method = "conversations.history"
        if thread_ts is not None:
            method, where["ts"] = "conversations.replies", thread_ts
        for _ in range(_MOST_HISTORY_PAGES):
            try:
                answer = await self._web_api.read(method, where)
            except errors.ScopeMissing as error:
                log.error("history.unreadable", channel=channel, needed=error.needed)
                return None
            for item in answer.get("messages") or ():
                if self._is_it(item, metadata):
                    return store.PostedMessage(channel, str(item["ts"]))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            where["cursor"] = cursor
        log.warning("history.limit_reached", channel=channel, pages=_MOST_HISTORY_PAGES)
        return None

    def _is_it(self, item: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
        """Others' messages name their author; where none is named, the metadata alone decides."""
        author = item.get("bot_id") or item.get("user")
        found = item.get("metadata") or {}
        has_metadata = (
            found.get("event_type") == metadata["event_type"]
            and found.get("event_payload") == metadata["event_payload"]
        )
        return has_metadata and (not author or author in self._own_ids)

    async def is_open(self, channel: str) -> bool:
        """Whether the bot can post to a channel now, as far as `conversations.info` says."""
        try:
            answer = await self._web_api.read("conversations.info", {"channel": channel})
        except errors.SlackError:
            return False
        info = answer.get("channel") or {}
        return bool(info.get("is_member") or info.get("is_im")) and not info.get("is_archived")


class Delivery:
    """The sending half of the outbox. Several processes may run one each: a claim decides who sends."""

    def __init__(
        self,
        database: store.Database,
        web_api: WebApi,
        workspace: Workspace,
        directory: Directory,
        *,
        clock: Clock,
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._database = database
        self._outbox = store.Outbox(database)
        self._web_api = web_api
        self._history = History(web_api, workspace)
        self._unrecorded = UnrecordedMessages(web_api, workspace, self._outbox, clock)
        self._directory = directory
        self._clock = clock
        self._metrics = metrics
        self._health = health
        self._pace = web_api.pace
        self._refusals: Counter[store.OutboxId] = Counter()
        self._sending: dict[store.OutboxId, asyncio.Task[None]] = {}
        self._is_closing = False
        self._revisit_at = clock.monotonic()

    async def run(self, holder: str, notices_to: str | None) -> None:
        """Send until `close`. `holder` names this process; `notices_to` is the channel for notices."""
        async with asyncio.TaskGroup() as group:
            while not self._is_closing:
                rows = await self._claim(holder)
                for row in rows:
                    self._sending[row.id] = group.create_task(self._deliver(row, holder, notices_to))
                if rows:
                    await asyncio.wait(
                        self._sending.values(), timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                else:
                    await self._clock.sleep(_IDLE_SECONDS)

    async def close(self, seconds: float) -> None:
        """Send nothing more, and wait for what is being sent at this moment."""
        self._is_closing = True
        if self._sending:
            await asyncio.wait(self._sending.values(), timeout=seconds)

    async def _claim(self, holder: str) -> tuple[store.OutboxRow, ...]:
        """Take what is to be sent now; nothing while the database does not answer."""
        room = _IN_FLIGHT - len(self._sending)
        try:
            await self._revisit_closed()
            if not room or self._pace.all_held_seconds:
                return ()
            claimed = await self._outbox.claim(holder, self._clock.now(), LEASE_SECONDS, room)
        except store.StoreError as error:
            self._health.set(OUTBOX_PART, ok=False, detail=str(error))
            return ()
        self._health.set(OUTBOX_PART, ok=True)
        # After the database's clock was set forward, a claim may have run out while its row is being sent.
        return tuple(row for row in claimed if row.id not in self._sending)

    async def _deliver(self, row: store.OutboxRow, holder: str, notices_to: str | None) -> None:
        delivering = self._draw_and_send(row, holder, notices_to)
        try:
            if not await contained(delivering, "delivery.broke", key=row.key):
                # A bug of ours: the claim runs out, and the row comes back to be searched for.
                self._metrics.announced(row.kind, "broke")
        finally:
            del self._sending[row.id]

    async def _draw_and_send(self, row: store.OutboxRow, holder: str, notices_to: str | None) -> None:
        try:
            message = announcement(await self._with_mentions(facts.decode(row.body)), row.key)
            await self._find_or_send(row, message, holder, notices_to)
        except msgspec.ValidationError as error:
            log.error("delivery.unreadable", key=row.key, problem=str(error))
            await self._outbox.park(row.id, "unreadable", self._clock.now())
        except store.StoreError as error:
            # The claim runs out, and the row comes back; what was sent is found by its metadata then.
            log.warning("delivery.not_recorded", key=row.key, problem=str(error))

    async def _with_mentions(self, announced: facts.Announcement) -> facts.Announcement:
        """The announcement with the IDs of the groups that it mentions by their handles, as they are now."""
        if isinstance(announced, facts.ApprovalOpened):
            mentions = tuple([await self._directory.mentioned(mention) for mention in announced.mentions])
            return msgspec.structs.replace(announced, mentions=mentions)
        mention = getattr(announced, "mention", None)
        if not isinstance(mention, str) or not mention.startswith("@"):
            return announced
        return msgspec.structs.replace(announced, mention=await self._directory.mentioned(mention))

    async def _find_or_send(
        self, row: store.OutboxRow, message: Message, holder: str, notices_to: str | None
    ) -> None:
        is_edit = row.placement is store.Placement.EDIT
        if (seconds := self._pace.held_seconds(row.channel, is_edit=is_edit)) > 0:
            await self._put_off(row, seconds, "held back", in_doubt=True)
            return
        in_doubt = True
        try:
            root = await self._find_earlier(row, message)
            in_doubt = False
            if root is None:
                root = await self._send(row, message, holder)
        except errors.SlackError as error:
            await self._handle(error, row, notices_to, in_doubt=in_doubt)
            return
        if root is not None:
            self._health.set(TOKEN_PART, ok=True)
            if (part := self._health.part(_part(row.channel))) is not None and not part.ok:
                self._health.set(_part(row.channel), ok=True, detail="open again")
            self._refusals.pop(row.id, None)
            await self._outbox.sent(row.id, root, self._clock.now())

    async def _find_earlier(self, row: store.OutboxRow, message: Message) -> store.PostedMessage | None:
        """Look for it if an earlier sending may have arrived, or a restored database may not know of one."""
        if row.placement is store.Placement.EDIT or message.metadata is None:
            return None
        if row.attempted_at is None:
            root = await self._unrecorded.find(row, message.metadata)
            if root is not None:
                self._count_end(row, "found")
            return root
        thread_ts = row.root.ts if row.root and row.placement is not store.Placement.POST else None
        try:
            root = await self._history.find(row.channel, message.metadata, row.attempted_at, thread_ts)
        except errors.MessageGone:
            # Without its thread a reply is posted as a root.
            root = await self._history.find(row.channel, message.metadata, row.attempted_at, None)
        if root is not None:
            self._count_end(row, "found")
        return root

    async def _send(self, row: store.OutboxRow, message: Message, holder: str) -> store.PostedMessage | None:
        """Send it in its turn; as text where Slack refuses the blocks, as a root without its thread."""
        is_edit = row.placement is store.Placement.EDIT
        if not await self._pace.turn(row.channel, is_edit=is_edit, within_seconds=LEASE_SECONDS / 2):
            await self._put_off(row, 0.0, "no turn yet", in_doubt=False)
            return None
        posted_after = self._web_api.slack_clock.now() or _UNKNOWN
        if not await self._outbox.began(
            row.id, holder, self._clock.now(), LEASE_SECONDS, posted_after=posted_after
        ):
            return None
        try:
            root = await self._write(row, message)
        except errors.MessageInvalid as error:
            log.error("delivery.blocks_refused", key=row.key, problem=str(error), details=error.details)
            root = await self._write(row, Message(message.text, (), message.metadata))
        except errors.MessageGone as error:
            log.warning("delivery.message_gone", key=row.key, problem=str(error))
            if is_edit and row.root is not None:
                root = row.root
            else:
                root = await self._write(row, message, as_root=True)
        self._count_end(row, "sent")
        return root

    async def _write(
        self, row: store.OutboxRow, message: Message, *, as_root: bool = False
    ) -> store.PostedMessage:
        """Post, reply or edit."""
        sent = message_arguments(message)
        if message.metadata is not None and row.placement is not store.Placement.EDIT:
            sent["metadata"] = dict(message.metadata)
        if row.root is not None and row.placement is store.Placement.EDIT:
            edited = {key: sent[key] for key in ("text", "blocks", "parse")}
            await self._web_api.write(
                "chat.update", {**edited, "channel": row.root.channel, "ts": row.root.ts}
            )
            return row.root
        if row.root is not None and row.placement is not store.Placement.POST and not as_root:
            sent["thread_ts"] = row.root.ts
            sent["reply_broadcast"] = row.placement is store.Placement.BROADCAST
        answer = await self._web_api.write("chat.postMessage", {**sent, "channel": row.channel})
        return store.PostedMessage(str(answer["channel"]), str(answer["ts"]))

    async def _handle(
        self, error: errors.SlackError, row: store.OutboxRow, notices_to: str | None, *, in_doubt: bool
    ) -> None:
        """`in_doubt`: the search for an earlier attempt failed, so nobody knows whether that one was sent."""
        match error:
            case errors.SlackRateLimited(retry_after_seconds=seconds):
                self._metrics.slack_waited(error.method, seconds=seconds)
                if seconds >= LONGEST_WAIT_SECONDS:
                    detail = f"Slack asks to wait; nothing is posted for {seconds / 60:.0f} minutes"
                    self._health.set(_part(row.channel), ok=False, detail=detail)
                self._pace.hold(row.channel, seconds, is_edit=row.placement is store.Placement.EDIT)
                await self._put_off(row, seconds, str(error), in_doubt=in_doubt)
            case errors.SlackAnswerLost():
                log.warning("delivery.answer_lost", key=row.key, problem=str(error))
                await self._put_off(row, _pause(row.attempts), str(error), in_doubt=True)
            case errors.SlackUnreachable():
                self._pace.hold_everything(_UNREACHABLE_SECONDS)
                await self._put_off(row, 0.0, str(error), in_doubt=in_doubt)
            case errors.CredentialsRejected():
                self._health.set(TOKEN_PART, ok=False, detail=str(error))
                self._pace.hold_everything(_CREDENTIALS_SECONDS)
                # Held back in memory alone: a restart with a new token sends at once.
                await self._put_off(row, 0.0, str(error), in_doubt=in_doubt)
            case errors.ChannelUnavailable():
                await self._close_channel(row, error.word, notices_to, in_doubt=in_doubt)
            case _:
                await self._retry_or_park(row, error, in_doubt=in_doubt)

    async def _put_off(self, row: store.OutboxRow, seconds: float, problem: str, *, in_doubt: bool) -> None:
        due_at = self._clock.now() + timedelta(seconds=seconds)
        await self._outbox.put_off(row.id, due_at, problem, is_unclear=in_doubt)

    async def _retry_or_park(self, row: store.OutboxRow, error: errors.SlackError, *, in_doubt: bool) -> None:
        """An error word with no known meaning: try a number of times, then give up."""
        self._refusals[row.id] += 1
        if self._refusals[row.id] < _MOST_REFUSALS:
            log.warning("delivery.refused", key=row.key, problem=str(error))
            await self._put_off(row, _pause(self._refusals[row.id]), str(error), in_doubt=in_doubt)
            return
        del self._refusals[row.id]
        log.error("delivery.given_up", key=row.key, problem=str(error), attempts=row.attempts)
        self._count_end(row, "given_up")
        await self._notify_requester(row, str(error))
        await self._outbox.park(row.id, str(error), self._clock.now())

    async def _close_channel(
        self, row: store.OutboxRow, problem: str, notices_to: str | None, *, in_doubt: bool
    ) -> None:
        """Hold the channel's rows back, and say so once, in another channel."""
        if notices_to is not None and notices_to != row.channel:
            backlogs = await self._outbox.waiting()
            waiting = sum(backlog.rows for backlog in backlogs if backlog.channel == row.channel)
            notice = facts.ChannelClosed(channel=row.channel, problem=problem, waiting=waiting)
            await self._notify(row, notice, notices_to)
        await self._notify_requester(row, problem)
        if await self._outbox.close_channel(row.channel, problem, self._clock.now()):
            log.error("delivery.channel_closed", channel=row.channel, problem=problem)
        self._health.set(_part(row.channel), ok=False, detail=problem)
        await self._put_off(row, 0.0, problem, in_doubt=in_doubt)

    async def _notify_requester(self, row: store.OutboxRow, problem: str) -> None:
        """Notify the person whose request for an approval nobody sees."""
        announced = facts.decode(row.body)
        if isinstance(announced, facts.ApprovalOpened):
            approval = announced.approval
            notice = facts.ApprovalUndelivered(approval=approval, channel=row.channel, problem=problem)
            await self._notify(row, notice, approval.person)

    async def _notify(
        self, row: store.OutboxRow, notice: facts.ChannelClosed | facts.ApprovalUndelivered, channel: str
    ) -> None:
        # The key names the row that could not be sent: while it waits, there is no second notice.
        kind = str(notice.__struct_config__.tag)
        queued = store.NewOutboxRow(
            key=f"{kind}:{row.key}",
            channel=channel,
            kind=kind,
            body=facts.encode(notice),
            created_at=self._clock.now(),
        )
        async with self._database.transaction() as transaction:
            await self._outbox.add(transaction, [queued])

    async def _revisit_closed(self) -> None:
        """Look now and then whether a channel can be posted to again, and how much waits."""
        if self._clock.monotonic() < self._revisit_at:
            return
        self._revisit_at = self._clock.monotonic() + _REVISIT_SECONDS
        await self._outbox.bring_forward(self._clock.now(), LONGEST_WAIT_SECONDS)
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

    def _count_end(self, row: store.OutboxRow, end: str) -> None:
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
