"""How an answer is shown: as a message or in a modal, and what to do when Slack won't take it there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.observability import Clock
from bot.slack import errors
from bot.slack.gestures import ReplyTarget
from bot.slack.views.message import Message, has_tables, without_tables
from bot.slack.views.problems import not_kept_current
from bot.slack.views.surface import View, answer_modal, asking_vbr
from bot.slack.web_api import WebApi

_LONGEST_WAIT_SECONDS = 5.0
_LONGEST_PATIENCE_SECONDS = 60.0
_MOST_FORMS = 1_000
"""So many redrawn forms are remembered: a form that is forgotten is drawn for one choice at a time."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SentReply:
    """A message in a channel that can be edited."""

    channel_id: str
    ts: str


def message_arguments(message: Message) -> dict[str, Any]:
    """Return the message as Slack's chat methods take it; nothing is linked or unfurled by itself."""
    return {
        "text": message.text,
        "blocks": list(message.blocks),
        "parse": "none",
        "unfurl_links": False,
        "unfurl_media": False,
    }


class Replies:
    """Answers a gesture at its target. Never raises: what could not be delivered is logged."""

    def __init__(self, web_api: WebApi, clock: Clock) -> None:
        self._web_api = web_api
        self._clock = clock
        self._takes_tables = True

    async def post_ephemeral(self, target: ReplyTarget, message: Message, *, replace: bool = False) -> None:
        """Answer the asker alone; `replace` puts it in place of the ephemeral message that was pressed.

        The response URL works where the bot is no member. When it is used up, an ephemeral message, then a
        direct one; what was written to the bot alone is answered by a message there.
        """
        message = self._with_lines(message)
        if target.is_direct_message and await self._post_directly(target, message):
            return
        body: dict[str, Any] = {
            **message_arguments(message),
            "response_type": "ephemeral",
            "replace_original": replace,
        }
        if target.thread_ts and not replace:
            body["thread_ts"] = target.thread_ts
        if await self._respond(target, body):
            return
        if has_tables(message) and await self._respond(target, body | _lines(message)):
            self._takes_tables = False
            return
        try:
            try:
                await self._post_ephemeral_by_token(target, without_tables(message))
            except errors.MessageInvalid as error:
                log.error("reply.blocks_refused", problem=str(error), details=error.details)
                await self._post_ephemeral_by_token(target, Message(message.text))
        except errors.SlackError as error:
            log.error("reply.undelivered", problem=str(error))

    async def _post_directly(self, target: ReplyTarget, message: Message) -> bool:
        """Whether the answer stands, or may stand, in the person's conversation with the bot."""
        try:
            sent = {**message_arguments(message), "channel": target.channel_id, **_thread(target)}
            await self._post(sent, _lines(message))
        except errors.SlackAnswerLost as error:
            log.warning("reply.answer_lost", problem=str(error))
        except errors.SlackError as error:
            log.warning("reply.not_posted", problem=str(error))
            return False
        return True

    async def post(self, target: ReplyTarget, message: Message) -> SentReply | None:
        """Answer in the channel, for everybody there; None when there is no message that can be edited."""
        message = self._with_lines(message)
        try:
            answer = await self._post(_sent(message, target), _lines(message))
        except errors.SlackAnswerLost as error:
            # It may have arrived; the asker gets it alone rather than the channel twice.
            log.warning("reply.answer_lost", problem=str(error))
            await self.post_ephemeral(target, message)
            return None
        except errors.SlackError as error:
            log.warning("reply.not_posted", problem=str(error))
            kept = message_arguments(not_kept_current(message))
            body = {**kept, "response_type": "in_channel", "replace_original": False}
            if not await self._respond(target, body | _thread(target)):
                await self.post_ephemeral(target, message)
            return None
        return SentReply(str(answer["channel"]), str(answer["ts"]))

    async def post_in_thread(self, target: ReplyTarget, message: Message) -> SentReply | None:
        """Answer in the thread of a message of the bot; None where it was answered to the person alone.

        Raises `MessageGone` where that message is gone, and nothing else.
        """
        try:
            answer = await self._post(_sent(message, target), _lines(message))
        except errors.MessageGone:
            raise
        except errors.SlackError as error:
            log.warning("reply.not_posted", problem=str(error))
            await self.post_ephemeral(target, message)
            return None
        return SentReply(str(answer["channel"]), str(answer["ts"]))

    async def permalink(self, posted: SentReply) -> str | None:
        """Return the URL of a message, by `chat.getPermalink`; None without one."""
        where = {"channel": posted.channel_id, "message_ts": posted.ts}
        try:
            answer = await self._web_api.read("chat.getPermalink", where)
        except errors.SlackError as error:
            log.info("reply.no_permalink", problem=str(error))
            return None
        return str(answer["permalink"])

    def _with_lines(self, message: Message) -> Message:
        """The message as this workspace takes it: new kinds of blocks reach some later than others."""
        return message if self._takes_tables else without_tables(message)

    async def _post(self, sent: Mapping[str, Any], lines: Mapping[str, Any]) -> dict[str, Any]:
        """Post it ahead of the announcements: a message of its own can be kept current.

        One through the response URL cannot. `lines` are its blocks without tables.
        """
        try:
            return await self._in_turn(sent)
        except errors.SlackRateLimited:
            return await self._in_turn(sent)
        except errors.MessageInvalid as error:
            log.error("reply.blocks_refused", problem=str(error), details=error.details)
            if lines["blocks"] == sent["blocks"]:
                return await self._in_turn({**sent, "blocks": []})
            self._takes_tables = False
            return await self._post({**sent, **lines}, lines)

    async def _in_turn(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        channel, pace = str(sent["channel"]), self._web_api.pace
        if not await pace.turn(channel, is_edit=False, within_seconds=_LONGEST_WAIT_SECONDS, is_answer=True):
            seconds = pace.held_seconds(channel, is_edit=False)
            raise errors.SlackRateLimited("chat.postMessage", max(seconds, _LONGEST_WAIT_SECONDS))
        try:
            return await self._web_api.write("chat.postMessage", sent)
        except errors.SlackRateLimited as error:
            pace.hold(channel, error.retry_after_seconds, is_edit=False)
            raise

    async def _respond(self, target: ReplyTarget, body: dict[str, Any]) -> bool:
        if target.response_url is None:
            return False
        try:
            # A response URL takes text, blocks, how and where to show them, and no other argument.
            await self._web_api.respond(target.response_url, {k: v for k, v in body.items() if k != "parse"})
        except errors.GestureExpired as error:
            log.info("reply.response_url_expired", problem=error.word)
            return False
        except errors.SlackAnswerLost as error:
            log.warning("reply.answer_lost", problem=str(error))
            return True
        except errors.SlackError as error:
            log.warning("reply.response_url_failed", problem=str(error))
            return False
        return True

    async def _post_ephemeral_by_token(self, target: ReplyTarget, message: Message) -> None:
        """Answer in the channel, else directly; while Slack takes neither from the bot, a minute later.

        Ephemeral messages have one limit for all people, direct messages one for each person: a person who
        asks a lot delays only their own answers.
        """
        sent, held_seconds = message_arguments(message), 0.0
        ephemeral = {key: sent[key] for key in ("text", "blocks", "parse")}
        ephemeral |= {"channel": target.channel_id, "user": target.person_id, **_thread(target)}
        if target.channel_id is not None:
            try:
                await self._web_api.write("chat.postEphemeral", ephemeral)
            except errors.MessageInvalid:
                raise
            except errors.SlackRateLimited as error:
                held_seconds = error.retry_after_seconds
            except (errors.SlackRefused, errors.SlackAnswerLost) as error:
                log.info("reply.direct_message_sent", problem=str(error))
            else:
                return
        try:
            await self._in_turn({**sent, "channel": target.person_id})
        except errors.SlackRateLimited:
            if not 0 < held_seconds <= _LONGEST_PATIENCE_SECONDS:
                raise
            await self._clock.sleep(held_seconds)
            await self._web_api.write("chat.postEphemeral", ephemeral)


class Modals:
    """Opens modals at once, because a trigger lives three seconds, and fills them when there is an answer.

    Never raises: what could not be shown is logged, and the caller hears of it.
    """

    def __init__(self, web_api: WebApi) -> None:
        self._web_api = web_api

    async def open(self, target: ReplyTarget, view: View, *, on_top: bool = False) -> str | None:
        """Open a modal for the person who made the gesture, by `views.open`; None where Slack does not do it.

        `on_top` of the modal that the gesture was made in, by `views.push`: Slack stacks three.
        """
        if target.trigger_id is None:
            return None
        answer = await self._call(
            "views.push" if on_top else "views.open", {"trigger_id": target.trigger_id, "view": view}
        )
        return None if answer is None else str(answer["view"]["id"])

    async def update(self, view_id: str, view: View) -> bool:
        """Replace what an open modal shows, by `views.update`; False where it is closed by now."""
        return await self._call("views.update", {"view_id": view_id, "view": view}) is not None

    async def redraw(self, view_id: str, view: View, *, drawn_as: str) -> str | None:
        """Replace what has this hash, and nothing else; return the hash of what stands there then.

        None where it is no longer what the modal shows.
        """
        arguments = {"view_id": view_id, "hash": drawn_as, "view": view}
        answer = await self._call("views.update", arguments)
        return None if answer is None else str(answer["view"]["hash"])

    async def _call(self, method: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return await self._web_api.write(method, arguments)
        except errors.SlackError as error:
            log.warning("modal.not_shown", method=method, problem=str(error))
            return None


Redraw = Callable[[View], Awaitable[None]]
"""Draws an open form again."""


@dataclass(slots=True)
class _RedrawnForm:
    """A form by its redraws: how many were asked for, the hashes that they replaced, and the present one."""

    asked: int = 0
    replaced: set[str] = field(default_factory=set)
    drawn_as: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Redraws:
    """Draws open forms again for what was chosen in them; of several choices in a row the last one counts.

    Slack replaces only what still has the hash that a choice was made in, so that a form that was sent off
    meanwhile is left alone. A second choice may have been made before the form was drawn for the first: what
    was drawn here since then may be replaced too.
    """

    def __init__(self, modals: Modals) -> None:
        self._modals = modals
        self._forms: dict[str, _RedrawnForm] = {}

    def begin(self, view_id: str, *, drawn_as: str) -> Redraw:
        """Return what draws the form again, unless a later choice does, or it has moved on otherwise.

        To be called as the choices come, before anything is waited for.
        """
        form = self._forms.pop(view_id, None) or _RedrawnForm()
        if len(self._forms) >= _MOST_FORMS:
            del self._forms[next(iter(self._forms))]
        self._forms[view_id] = form
        form.asked += 1
        turn = form.asked

        async def draw(view: View) -> None:
            async with form.lock:
                if turn == form.asked:
                    known = form.drawn_as if drawn_as in form.replaced else drawn_as
                    now = await self._modals.redraw(view_id, view, drawn_as=known)
                    if now is not None:
                        form.replaced.add(known)
                        form.drawn_as = now

        return draw


class AnswerModal:
    """A modal that only shows an answer. Where it cannot be shown, the caller answers elsewhere."""

    def __init__(self, modals: Modals, title: str, view_id: str | None = None) -> None:
        self._modals = modals
        self._title = title
        self._view_id = view_id

    async def open(self, target: ReplyTarget, *, on_top: bool = False) -> bool:
        """Show that something is being asked; `on_top` of the modal that the gesture was made in.

        False when Slack does not show it: the trigger was too old, or three modals are open.
        """
        view = answer_modal(self._title, asking_vbr())
        self._view_id = await self._modals.open(target, view, on_top=on_top)
        return self._view_id is not None

    async def show(self, message: Message) -> bool:
        """Show the answer; False when there is no modal to show it in (any more)."""
        if self._view_id is None:
            return False
        return await self._modals.update(self._view_id, answer_modal(self._title, message))


def _sent(message: Message, target: ReplyTarget) -> dict[str, Any]:
    """What posts a message; without a channel (App Home, a modal) in the person's direct messages."""
    metadata = {} if message.metadata is None else {"metadata": dict(message.metadata)}
    channel = target.channel_id or target.person_id
    return {**message_arguments(message), "channel": channel, **_thread(target), **metadata}


def _lines(message: Message) -> dict[str, Any]:
    return {"blocks": list(without_tables(message).blocks)}


def _thread(target: ReplyTarget) -> dict[str, str]:
    return {"thread_ts": target.thread_ts} if target.thread_ts else {}
