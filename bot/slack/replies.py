"""Where an answer goes, and what to do when Slack won't take it there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.observability import Clock
from bot.slack.errors import (
    GestureExpired,
    MessageInvalid,
    SlackError,
    SlackLimited,
    SlackRefused,
    SlackUnclear,
)
from bot.slack.gestures import ReplyTarget
from bot.slack.views.message import Message
from bot.slack.views.notices import not_kept_current
from bot.slack.web import Web

_LONGEST_WAIT_SECONDS = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that stands in a channel and can be edited."""

    channel_id: str
    ts: str


def arguments(message: Message) -> dict[str, Any]:
    """Return the message as Slack's chat methods take it; nothing is linked or unfurled by itself."""
    return {
        "text": message.text,
        "blocks": list(message.blocks),
        "parse": "none",
        "unfurl_links": False,
        "unfurl_media": False,
    }


class Replies:
    """Answers a gesture at its place. Never raises: what could not be delivered is logged."""

    def __init__(self, web: Web, clock: Clock) -> None:
        self._web = web
        self._clock = clock

    async def whisper(self, place: ReplyTarget, message: Message, *, replace: bool = False) -> None:
        """Answer the asker alone; `replace` puts it in place of the ephemeral message that was pressed.

        The response address works where the bot is no member. When it is used up, an ephemeral message, then
        a direct one.
        """
        body: dict[str, Any] = {
            **arguments(message),
            "response_type": "ephemeral",
            "replace_original": replace,
        }
        if place.thread_ts and not replace:
            body["thread_ts"] = place.thread_ts
        if await self._respond(place, body):
            return
        try:
            await self._whisper_by_token(place, message)
        except MessageInvalid as error:
            log.error("reply.blocks_refused", problem=str(error), details=error.details)
            await self._whisper_words(place, message)
        except SlackError as error:
            log.error("reply.undelivered", problem=str(error))

    async def _whisper_words(self, place: ReplyTarget, message: Message) -> None:
        try:
            await self._whisper_by_token(place, Message(message.text))
        except SlackError as error:
            log.error("reply.undelivered", problem=str(error))

    async def say(self, place: ReplyTarget, message: Message) -> Posted | None:
        """Answer in the channel, for everybody there; None when there is no message that can be edited."""
        # Without a channel (App Home, a modal) it is told in the person's direct messages.
        sent = {**arguments(message), "channel": place.channel_id or place.person_id, **_thread(place)}
        try:
            answer = await self._post(sent)
        except SlackUnclear as error:
            # It may stand there already; the asker is told alone rather than the channel twice.
            log.warning("reply.unclear", problem=str(error))
            await self.whisper(place, message)
            return None
        except SlackError as error:
            log.warning("reply.not_posted", problem=str(error))
            kept = arguments(not_kept_current(message))
            body = {**kept, "response_type": "in_channel", "replace_original": False}
            if not await self._respond(place, body | _thread(place)):
                await self.whisper(place, message)
            return None
        return Posted(str(answer["channel"]), str(answer["ts"]))

    async def link(self, posted: Posted) -> str | None:
        """Return the address under which a message can be opened (`chat.getPermalink`); None without one."""
        where = {"channel": posted.channel_id, "message_ts": posted.ts}
        try:
            answer = await self._web.read("chat.getPermalink", where)
        except SlackError as error:
            log.info("reply.no_link", problem=str(error))
            return None
        return str(answer["permalink"])

    async def _post(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self._web.write("chat.postMessage", sent)
        except SlackLimited as error:
            # A message of its own can be kept current; what goes to the response address cannot.
            if error.retry_after_seconds > _LONGEST_WAIT_SECONDS:
                raise
            await self._clock.sleep(error.retry_after_seconds)
            return await self._web.write("chat.postMessage", sent)
        except MessageInvalid as error:
            log.error("reply.blocks_refused", problem=str(error), details=error.details)
            return await self._web.write("chat.postMessage", {**sent, "blocks": []})

    async def _respond(self, place: ReplyTarget, body: dict[str, Any]) -> bool:
        if place.response_url is None:
            return False
        try:
            # A response address knows text, blocks, how and where to show them, and no other argument.
            await self._web.answer(place.response_url, {k: v for k, v in body.items() if k != "parse"})
        except GestureExpired as error:
            log.info("reply.address_expired", problem=error.word)
            return False
        except SlackUnclear as error:
            log.warning("reply.unclear", problem=str(error))
            return True
        except SlackError as error:
            log.warning("reply.not_taken", problem=str(error))
            return False
        return True

    async def _whisper_by_token(self, place: ReplyTarget, message: Message) -> None:
        sent = arguments(message)
        if place.channel_id is not None:
            try:
                ephemeral = {"text": sent["text"], "blocks": sent["blocks"], "parse": "none"}
                where = {"channel": place.channel_id, "user": place.person_id, **_thread(place)}
                await self._web.write("chat.postEphemeral", ephemeral | where)
            except MessageInvalid:
                raise
            except (SlackRefused, SlackUnclear) as error:
                log.info("reply.not_in_place", problem=str(error))
            else:
                return
        await self._web.write("chat.postMessage", {**sent, "channel": place.person_id})


def _thread(place: ReplyTarget) -> dict[str, str]:
    return {"thread_ts": place.thread_ts} if place.thread_ts else {}
