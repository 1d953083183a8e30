"""What the bot must know of a conversation before it speaks there: with whom it is, and who reads along.

A payload says neither. Conversations of two all have an ID that begins with D, and all are called
`directmessage`, also where two people talk; a channel shared over Slack Connect looks like any other.
"""

from typing import Any, TypeVar

import structlog

from bot.observability import Clock
from bot.operations.places import Readers
from bot.slack import errors
from bot.slack.web_api import WebApi

T = TypeVar("T")

READERS_SECONDS = 120.0
_MOST_CONVERSATIONS = 10_000
# No message has it: Slack answers `message_not_found` where the bot reads along, else `channel_not_found`.
_NO_MESSAGE = "1000000000.000001"
_SHARED = ("is_ext_shared", "is_pending_ext_shared", "pending_shared", "pending_connected_team_ids")
_ANSWERS = {"message_not_found": True, "channel_not_found": False, "not_in_channel": False}

log = structlog.get_logger()


class SlackConversations:
    """Implements `Conversations` over Slack's Web API. What Slack does not say for certain is unknown."""

    def __init__(self, web_api: WebApi, clock: Clock) -> None:
        self._web_api = web_api
        self._clock = clock
        self._with_bot: dict[str, bool] = {}
        self._readers: dict[str, tuple[Readers, float]] = {}

    async def is_with_bot(self, channel_id: str) -> bool:
        """Whether the bot is one of the two, by `chat.getPermalink`, which needs no scope. Never raises.

        Slack is asked once for each.
        """
        if channel_id in self._with_bot:
            return self._with_bot[channel_id]
        where = {"channel": channel_id, "message_ts": _NO_MESSAGE}
        try:
            await self._web_api.read("chat.getPermalink", where)
        except errors.SlackError as error:
            if (is_with_bot := _ANSWERS.get(error.word)) is None:
                log.warning("slack.conversation_not_read", channel=channel_id, problem=str(error))
                return False
        else:
            is_with_bot = True
        _remember(self._with_bot, channel_id, is_with_bot)
        return is_with_bot

    async def is_member(self, channel_id: str) -> bool:
        """Whether the bot is in the channel, by `conversations.info`. Never raises.

        Of a channel without the bot Slack says nothing, or that the bot is no member.
        """
        try:
            answer = await self._web_api.read("conversations.info", {"channel": channel_id})
        except errors.SlackError as error:
            log.warning("slack.conversation_not_read", channel=channel_id, problem=str(error))
            return False
        info = answer.get("channel")
        return isinstance(info, dict) and bool(info.get("is_member")) and not info.get("is_archived")

    async def readers(self, channel_id: str) -> Readers:
        """Return who reads the channel, by `conversations.info`; remembered for minutes. Never raises."""
        known, read_at = self._readers.get(channel_id, (Readers.UNKNOWN, 0.0))
        if known is not Readers.UNKNOWN and self._clock.monotonic() - read_at <= READERS_SECONDS:
            return known
        try:
            answer = await self._web_api.read("conversations.info", {"channel": channel_id})
        except errors.SlackError as error:
            log.warning("slack.conversation_not_read", channel=channel_id, problem=str(error))
            return Readers.UNKNOWN
        found = readers_of(answer.get("channel"))
        _remember(self._readers, channel_id, (found, self._clock.monotonic()))
        return found


def readers_of(channel: Any) -> Readers:
    """Return who reads a channel as `conversations.info` describes it: a flag that is missing is not set.

    `is_shared` and `is_org_shared` are also set among workspaces of one's own organisation.
    """
    if not isinstance(channel, dict):
        return Readers.UNKNOWN
    # Who accepts an invitation later reads what stands there by then.
    return Readers.OTHERS if any(map(channel.get, _SHARED)) else Readers.OWN


def _remember(known: dict[str, T], channel_id: str, value: T) -> None:
    if len(known) >= _MOST_CONVERSATIONS:
        known.clear()
    known[channel_id] = value
