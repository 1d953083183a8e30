"""Sends what the outbox holds: in order, at Slack's pace, once.

A row is claimed, drawn, sent and marked. Where an earlier attempt began and its end is unknown, the channel
is searched for the message's metadata first, and as long as that search fails nothing is sent.

What Slack refuses is distinguished by its error word. The token: nothing is sent until it is good again. The
channel: what is for it waits, and after a growing pause one message is tried. The message: it is sent without
what was refused, and if that is refused too it is parked and reported; what is behind it goes out.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog

from bot import store
from bot.observability import Clock, Health, Metrics, contained
from bot.slack import errors
from bot.slack.directory import Directory
from bot.slack.pictures import Pictures
from bot.slack.replies import message_arguments
from bot.slack.unrecorded import UnrecordedMessages
from bot.slack.views.announcements import announcement, identity
from bot.slack.views.message import Message, with_note, without_mentions
from bot.slack.web_api import LONGEST_WAIT_SECONDS, TIMEOUT_SECONDS, WebApi, Workspace
from bot.watch import facts

# Longer than a call to Slack can take, so that a claim outlives the sending it covers.
LEASE_SECONDS = 2.0 * TIMEOUT_SECONDS
# So long after another process's claim has ended, its call to Slack has ended too.
_CALL_ENDED_SECONDS = 1.2 * TIMEOUT_SECONDS
OUTBOX_PART = "outbox"
TOKEN_PART = "slack:token"  # noqa: S105 -- the name of a part in /readyz
# Each in its own channel; at the pace of the workspace all of them have a turn while their claims last.
_IN_FLIGHT = 32
_SECONDS_BETWEEN_LOOKS, _SECONDS_WHILE_EMPTY = 1.0, 5.0
_REVISIT_SECONDS = 60.0
_CREDENTIALS_SECONDS = 60.0
_UNREACHABLE_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 60.0
_MOST_REFUSALS = 10
# So many messages of one channel in a row refused for reasons nobody knows: it is the channel.
_REFUSED_IN_A_ROW = 3
_FIRST_CLOSED_SECONDS, _LONGEST_CLOSED_SECONDS = 30.0, 3600.0
_POSTED_AGAIN = "Posted again, because it was deleted in Slack."
_WITHOUT_THREAD = "The message that this belongs to was deleted in Slack."
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
            answer = await self._web_api.read(method, where)
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
        return identity(found) == identity(metadata) and (not author or author in self._own_ids)

    def since(self, age: timedelta) -> datetime:
        """Return the moment so long ago by Slack's clock; one before every message if that isn't known."""
        now = self._web_api.slack_clock.now()
        return _UNKNOWN if now is None else now - age

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
        self._pictures = Pictures(web_api, clock)
        self._unrecorded = UnrecordedMessages(web_api, workspace, self._outbox, clock)
        self._directory = directory
        self._clock = clock
        self._metrics = metrics
        self._health = health
        self._pace = web_api.pace
        self._refusals: Counter[store.OutboxId] = Counter()
        # By channel: rows that were refused since it took one. All channels: rows refused before it took one.
        self._refused: dict[str, set[store.OutboxId]] = defaultdict(set)
        self._suspects: set[store.OutboxId] = set()
        self._without_mentions: set[str] = set()
        # Closed channels: for how long nothing is tried there, and until when.
        self._closed_for: dict[str, float] = {}
        self._try_at: dict[str, float] = {}
        self._sending: dict[store.OutboxId, asyncio.Task[None]] = {}
        self._is_closing = False
        self._revisit_at = clock.monotonic()

    async def run(self, holder: str, notices_to: str | None) -> None:
        """Send until `close`. `holder` names this process; `notices_to` is the channel for notices."""
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look_now_and_then())
            while not self._is_closing:
                self._outbox.changed.clear()
                for row in await self._claim(holder):
                    self._sending[row.id] = group.create_task(self._deliver(row, holder, notices_to))
                await self._outbox.changed.wait()
            looking.cancel()

    async def channel_moved(self, old_id: str, new_id: str, notices_to: str | None) -> None:
        """Send what is for a channel to its new ID from now on: Slack said so by `channel_id_changed`.

        Said once. Raises `StoreError`.
        """
        self._web_api.moved[old_id] = new_id
        notice = facts.ChannelMoved(old_id=old_id, new_id=new_id)
        async with self._database.transaction() as transaction:
            is_new = await self._outbox.note_move(transaction, old_id, new_id, self._clock.now())
            if is_new and notices_to is not None:
                await self._outbox.add(transaction, [self._notice(notice, notices_to, f"{old_id}:{new_id}")])
        log.warning("delivery.channel_moved", channel=old_id, new_channel=new_id)
        self._try_at.pop(old_id, None)
        self._revisit_at = self._clock.monotonic()
        self._outbox.changed.set()

    async def _look_now_and_then(self) -> None:
        """What other processes queued, and what was put off, is found by looking alone.

        While nothing waits, only the former may come: they send it themselves, unless they cannot.
        """
        looked_at = self._clock.monotonic()
        while True:
            await self._clock.sleep(_SECONDS_BETWEEN_LOOKS)
            now = self._clock.monotonic()
            if not self._outbox.is_empty or now - looked_at >= _SECONDS_WHILE_EMPTY:
                looked_at = now
                self._outbox.changed.set()

    async def close(self, seconds: float) -> None:
        """Send nothing more, and wait for what is being sent at this moment."""
        self._is_closing = True
        self._outbox.changed.set()
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
            # Its channel is free for the next row.
            self._outbox.changed.set()

    async def _draw_and_send(self, row: store.OutboxRow, holder: str, notices_to: str | None) -> None:
        try:
            announced = facts.as_of(facts.decode(row.body), self._clock.now())
            announced = await self._with_mentions(announced)
            await self._find_or_send(row, announced, holder, notices_to)
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
        self, row: store.OutboxRow, announced: facts.Announcement, holder: str, notices_to: str | None
    ) -> None:
        is_edit = row.placement is store.Placement.EDIT
        if (seconds := self._pace.held_seconds(row.channel, is_edit=is_edit)) > 0:
            await self._put_off(row, seconds, "held back", in_doubt=True)
            return
        if row.taken_from is not None and row.attempted_at is not None:
            # That process may live, and its message not have arrived yet: it could not be found.
            await self._put_off(row, _CALL_ENDED_SECONDS, "taken over", in_doubt=True)
            return
        message = announcement(announced, row.key)
        in_doubt = True
        try:
            posted = await self._find_earlier(row, announced, message)
            if posted is None and await self._is_told_in_storm(row, announced):
                log.info("delivery.told_in_storm", key=row.key)
                await self._outbox.park(row.id, "told in a storm before a restore", self._clock.now())
                return
            # Whether an earlier edit posted its root anew is looked for only where the root is gone.
            in_doubt = is_edit
            if posted is None:
                pictured = await self._pictures.with_picture(announced)
                if pictured is not announced:
                    announced, message = pictured, announcement(pictured, row.key)
                posted = await self._send(row, announced, message, holder, notices_to)
        except errors.SlackError as error:
            await self._handle(error, row, notices_to, in_doubt=in_doubt)
            return
        if posted is not None:
            is_root_gone = is_edit and posted != row.root
            await self._outbox.sent(
                row.id, posted, self._clock.now(), in_place_of=row.root_key if is_root_gone else None
            )
            self._note_taken(row)

    def _note_taken(self, row: store.OutboxRow) -> None:
        """The token is good and the channel takes messages: what was refused there may be to blame itself."""
        self._health.set(TOKEN_PART, ok=True)
        if (part := self._health.part(_part(row.channel))) is not None and not part.ok:
            self._health.set(_part(row.channel), ok=True, detail="open again")
        self._closed_for.pop(row.channel, None)
        self._refusals.pop(row.id, None)
        self._suspects.discard(row.id)
        self._suspects |= self._refused.pop(row.channel, set()) - {row.id}

    async def _find_earlier(
        self, row: store.OutboxRow, announced: facts.Announcement, message: Message
    ) -> store.PostedMessage | None:
        """Look for it if an earlier sending may have arrived, or a restored database may not know of one."""
        if row.placement is store.Placement.EDIT or message.metadata is None:
            return None
        if row.attempted_at is None:
            found = await self._unrecorded.find(row, message.metadata)
            if found is None and isinstance(announced, facts.StormBegan):
                # Before an older database was restored, the same failures may have been another storm's.
                storm = announced.storm
                found = await self._unrecorded.find_storm(
                    row, storm.servers, storm.first_ended_at, storm.last_ended_at
                )
        else:
            thread_ts = row.root.ts if row.root and row.placement is not store.Placement.POST else None
            try:
                found = await self._find(row.channel, message.metadata, row.attempted_at, thread_ts)
            except errors.MessageGone:
                # Without its thread a reply is posted as a root.
                found = await self._find(row.channel, message.metadata, row.attempted_at, None)
        if found is not None:
            self._count_end(row, "found")
        return found

    async def _is_told_in_storm(self, row: store.OutboxRow, announced: facts.Announcement) -> bool:
        """Whether a storm already lists the run: it did before an older database was restored."""
        match announced:
            case facts.RunEnded(run=run) if run.last.is_failed and row.attempted_at is None:
                ended_at = run.first.ended_at
                found = await self._unrecorded.find_storm(row, [run.server], ended_at, ended_at)
                return found is not None
            case _:
                return False

    async def _find(
        self, channel: str, metadata: Mapping[str, Any], since: datetime, thread_ts: str | None
    ) -> store.PostedMessage | None:
        """`History.find`; without the scope to look it is sent as if it wasn't there: twice beats never."""
        try:
            return await self._history.find(channel, metadata, since, thread_ts)
        except errors.ScopeMissing as error:
            log.error("history.unreadable", channel=channel, needed=error.needed)
            return None

    async def _send(
        self,
        row: store.OutboxRow,
        announced: facts.Announcement,
        message: Message,
        holder: str,
        notices_to: str | None,
    ) -> store.PostedMessage | None:
        """Send it in its turn: where Slack refuses it, without what it refuses; as a root without its thread.

        None when there is no turn for it now, or when another process has the row.
        """
        as_root = False
        refused: errors.SlackRefused | None = None
        if row.channel in self._without_mentions:
            message = without_mentions(message)
        while True:
            if not await self._begin(
                row, holder, is_edit=row.placement is store.Placement.EDIT and not as_root
            ):
                return None
            try:
                posted = await self._write(row, message, as_root=as_root)
            except errors.MessageGone as error:
                if as_root:
                    raise
                log.warning("delivery.message_gone", key=row.key, problem=str(error))
                as_root, message = True, _standing_alone(row, announced, message)
                if row.attempted_at is not None and message.metadata is not None:
                    found = await self._find(row.channel, message.metadata, row.attempted_at, None)
                    if found is not None:
                        self._count_end(row, "found")
                        return found
            except errors.SlackRefused as error:
                if await self._pictures.is_ready_later(announced, error):
                    continue
                pictureless = self._pictures.without_refused(announced, error)
                if pictureless is not announced:
                    announced, message = pictureless, announcement(pictureless, row.key)
                    continue
                plainer = _without_what_was_refused(message, error)
                if plainer == message:
                    raise
                details = getattr(error, "details", ())
                log.error("delivery.sent_plainer", key=row.key, problem=str(error), details=details)
                refused, message = error, plainer
            else:
                self._count_end(row, "sent")
                if isinstance(refused, errors.PostingRestricted):
                    self._without_mentions.add(row.channel)
                    await self._report_refused(row, refused, notices_to, "no_mentions")
                return posted

    async def _begin(self, row: store.OutboxRow, holder: str, *, is_edit: bool) -> bool:
        """Wait for a turn and note that the sending begins; False when it must not begin now."""
        if not await self._pace.turn(row.channel, is_edit=is_edit, within_seconds=LEASE_SECONDS / 2):
            await self._put_off(row, 0.0, "no turn yet", in_doubt=is_edit)
            return False
        posted_after = self._web_api.slack_clock.now() or _UNKNOWN
        return await self._outbox.began(
            row.id, holder, self._clock.now(), LEASE_SECONDS, posted_after=posted_after
        )

    async def _write(
        self, row: store.OutboxRow, message: Message, *, as_root: bool = False
    ) -> store.PostedMessage:
        """Post, reply or edit."""
        sent = message_arguments(message)
        is_edit = row.placement is store.Placement.EDIT and not as_root
        if message.metadata is not None:
            sent["metadata"] = dict(message.metadata)
        if row.root is not None and is_edit:
            edited: dict[str, Any] = {
                key: sent[key] for key in ("text", "blocks", "parse", "metadata") if key in sent
            }
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
        """`in_doubt`: an earlier attempt was not searched for, so nobody knows whether that one was sent."""
        match error:
            case errors.SlackRateLimited(retry_after_seconds=seconds):
                self._metrics.slack_waited(error.method, seconds=seconds)
                if seconds >= LONGEST_WAIT_SECONDS:
                    detail = f"Slack asks to wait; nothing is posted for {seconds / 60:.0f} minutes"
                    self._health.set(_part(row.channel), ok=False, detail=detail)
                if error.of_workspace:
                    self._pace.hold_posts(seconds)
                self._pace.hold(row.channel, seconds, is_edit=row.placement is store.Placement.EDIT)
                await self._put_off(row, seconds, str(error), in_doubt=in_doubt)
            case errors.SlackAnswerLost():
                log.warning("delivery.answer_lost", key=row.key, problem=str(error))
                await self._put_off(row, _seconds_until_retry(row.attempts), str(error), in_doubt=True)
            case errors.SlackUnreachable():
                self._pace.hold_everything(_UNREACHABLE_SECONDS)
                await self._put_off(row, 0.0, str(error), in_doubt=in_doubt)
            case errors.CredentialsRejected() | errors.ScopeMissing():
                self._health.set(TOKEN_PART, ok=False, detail=str(error))
                self._pace.hold_everything(_CREDENTIALS_SECONDS)
                # Held back in memory alone: a restart with a new token sends at once.
                await self._put_off(row, 0.0, str(error), in_doubt=in_doubt)
            case errors.ChannelUnavailable():
                await self._close_channel(row, error.word, notices_to, in_doubt=in_doubt)
            case errors.PostingRestricted() if row.id not in self._suspects:
                await self._close_channel(row, error.word, notices_to, in_doubt=in_doubt)
            case errors.MessageInvalid() | errors.PersonUnavailable() | errors.PostingRestricted():
                await self._set_aside(row, error, notices_to)
            case _:
                await self._retry_or_set_aside(row, error, notices_to, in_doubt=in_doubt)

    async def _put_off(self, row: store.OutboxRow, seconds: float, problem: str, *, in_doubt: bool) -> None:
        due_at = self._clock.now() + timedelta(seconds=seconds)
        await self._outbox.put_off(row.id, due_at, problem, is_unclear=in_doubt)

    async def _retry_or_set_aside(
        self, row: store.OutboxRow, error: errors.SlackError, notices_to: str | None, *, in_doubt: bool
    ) -> None:
        """An error word with no known meaning: try a number of times, then give the message up.

        Several messages of one channel in a row: it is the channel, until it takes one. A search that fails
        says nothing of it.
        """
        speaks_of_channel = not in_doubt and row.placement is not store.Placement.EDIT
        if speaks_of_channel and row.channel in self._closed_for:
            await self._close_channel(row, error.word, notices_to, in_doubt=in_doubt)
            return
        self._refusals[row.id] += 1
        if self._refusals[row.id] >= _MOST_REFUSALS:
            await self._set_aside(row, error, notices_to)
            return
        if speaks_of_channel:
            self._refused[row.channel].add(row.id)
        if len(self._refused[row.channel]) >= _REFUSED_IN_A_ROW:
            await self._close_channel(row, error.word, notices_to, in_doubt=in_doubt)
            return
        log.warning("delivery.refused", key=row.key, problem=str(error))
        # Long enough for others of the channel to show whether it is the channel.
        seconds = _seconds_until_retry(self._refusals[row.id] + _REFUSED_IN_A_ROW)
        await self._put_off(row, seconds, str(error), in_doubt=in_doubt)

    async def _set_aside(
        self, row: store.OutboxRow, error: errors.SlackError, notices_to: str | None
    ) -> None:
        """Give a message up, with what hangs on it, and say so."""
        self._refusals.pop(row.id, None)
        self._suspects.discard(row.id)
        self._refused[row.channel].discard(row.id)
        log.error("delivery.given_up", key=row.key, problem=str(error), attempts=row.attempts)
        self._count_end(row, "given_up")
        await self._report_refused(row, error, notices_to, "set_aside")
        await self._notify_requester(row, str(error))
        await self._outbox.park(row.id, str(error), self._clock.now())

    async def _report_refused(
        self, row: store.OutboxRow, error: errors.SlackError, notices_to: str | None, outcome: str
    ) -> None:
        """Say once a day that a channel's messages are refused with this word; a notice is not reported."""
        if (part := self._health.part(_part(row.channel))) is None or part.ok:
            self._health.set(_part(row.channel), ok=True, detail=f"a message was refused: {error.word}")
        notice = facts.MessageRefused(channel=row.channel, kind=row.kind, problem=error.word, outcome=outcome)
        if notices_to is None or row.kind == facts.kind_of(notice):
            return
        await self._notify(notice, notices_to, f"{row.channel}:{error.word}:{self._clock.now():%Y-%m-%d}")

    async def _close_channel(
        self, row: store.OutboxRow, problem: str, notices_to: str | None, *, in_doubt: bool
    ) -> None:
        """Hold the channel's rows back, and say so once, in another channel."""
        before = self._closed_for.get(row.channel)
        pause = _FIRST_CLOSED_SECONDS if before is None else min(2 * before, _LONGEST_CLOSED_SECONDS)
        self._closed_for[row.channel] = pause
        self._try_at[row.channel] = self._clock.monotonic() + pause
        self._health.set(_part(row.channel), ok=False, detail=problem)
        if await self._outbox.close_channel(row.channel, problem, self._clock.now()):
            log.error("delivery.channel_closed", channel=row.channel, problem=problem)
            if notices_to is not None and notices_to != row.channel:
                backlogs = await self._outbox.waiting()
                waiting = sum(backlog.rows for backlog in backlogs if backlog.channel == row.channel)
                notice = facts.ChannelClosed(channel=row.channel, problem=problem, waiting=waiting)
                await self._notify(notice, notices_to, row.key)
        await self._notify_requester(row, problem)
        # The next try is another row's, where there is one: so it shows whether this one is to blame.
        is_certain = problem in errors.UNAVAILABLE_CHANNELS
        if not is_certain:
            self._refused[row.channel].add(row.id)
        seconds = 0.0 if is_certain else min(2 * pause, LONGEST_WAIT_SECONDS)
        await self._put_off(row, seconds, problem, in_doubt=in_doubt)

    async def _notify_requester(self, row: store.OutboxRow, problem: str) -> None:
        """Notify the person whose request for an approval nobody sees."""
        announced = facts.decode(row.body)
        if isinstance(announced, facts.ApprovalOpened):
            approval = announced.approval
            notice = facts.ApprovalUndelivered(approval=approval, channel=row.channel, problem=problem)
            await self._notify(notice, approval.person_id, row.key)

    async def _notify(
        self,
        notice: facts.MessageRefused | facts.ChannelClosed | facts.ApprovalUndelivered,
        channel: str,
        occasion: str,
    ) -> None:
        async with self._database.transaction() as transaction:
            await self._outbox.add(transaction, [self._notice(notice, channel, occasion)])

    def _notice(self, notice: facts.Announcement, channel: str, occasion: str) -> store.NewOutboxRow:
        """A notice of the delivery's own; of one occasion there is one."""
        kind = facts.kind_of(notice)
        return store.NewOutboxRow(
            key=f"{kind}:{occasion}",
            channel=channel,
            kind=kind,
            body=facts.encode(notice),
            created_at=self._clock.now(),
        )

    async def _revisit_closed(self) -> None:
        """Look now and then whether a closed channel can be tried again, and how much waits."""
        if self._clock.monotonic() < self._revisit_at:
            return
        self._revisit_at = self._clock.monotonic() + _REVISIT_SECONDS
        self._web_api.moved.update(await self._outbox.moves())
        # Another process's clock may be a little ahead of this one's.
        await self._outbox.bring_forward(self._clock.now(), LONGEST_WAIT_SECONDS + LEASE_SECONDS)
        backlogs = await self._outbox.waiting()
        self._metrics.outbox_waits(sum(backlog.rows for backlog in backlogs))
        closed = [backlog for backlog in backlogs if backlog.closed_because]
        for channel in self._closed_for.keys() - {backlog.channel for backlog in closed}:
            del self._closed_for[channel]
            self._health.set(_part(channel), ok=True, detail="open again")
        for backlog in closed:
            self._closed_for.setdefault(backlog.channel, _FIRST_CLOSED_SECONDS)
            self._health.set(_part(backlog.channel), ok=False, detail=backlog.closed_because or "")
            # That it looks open does not prove that it takes messages: the next one shows it.
            is_due = self._clock.monotonic() >= self._try_at.get(backlog.channel, 0.0)
            if is_due and await self._history.is_open(backlog.channel):
                await self._outbox.try_channel(backlog.channel)

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


def _without_what_was_refused(message: Message, error: errors.SlackRefused) -> Message:
    """The message as it may be taken after this refusal; the same one where it is not the message's fault."""
    match error:
        case errors.PostingRestricted():
            return without_mentions(message)
        case errors.MessageInvalid(is_about_metadata=True):
            return replace(message, metadata=None)
        case (
            errors.ChannelUnavailable()
            | errors.PersonUnavailable()
            | errors.CredentialsRejected()
            | errors.ScopeMissing()
        ):
            return message
    plain = replace(without_mentions(message), blocks=())
    return plain if plain != message else replace(message, metadata=None)


def _standing_alone(row: store.OutboxRow, announced: facts.Announcement, message: Message) -> Message:
    """What is posted in place of a root that is gone, and says so: with metadata, as an edit has none."""
    if isinstance(announced, facts.RunChanged) and row.root_key is not None:
        message = announcement(facts.RunEnded(run=announced.run), row.root_key)
    if message.metadata is None:
        metadata = {"event_type": "veeam_bot", "event_payload": {"announcement": row.key}}
        message = replace(message, metadata=metadata)
    is_edit = row.placement is store.Placement.EDIT
    return with_note(message, _POSTED_AGAIN if is_edit else _WITHOUT_THREAD)


def _part(channel: str) -> str:
    return f"channel:{channel}"


def _seconds_until_retry(attempts: int) -> float:
    return min(2.0 ** min(attempts, 10) / 2, _LONGEST_WAIT_SECONDS)
