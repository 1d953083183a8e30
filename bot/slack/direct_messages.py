"""Which conversations of two are with the bot itself; in the others two people talk, and others read along.

A payload does not say it: both kinds have an ID that begins with D, and both are called `directmessage`.
"""

import structlog

from bot.slack import errors
from bot.slack.web_api import WebApi

_MOST_CONVERSATIONS = 10_000
# No message has it: Slack answers `message_not_found` where the bot reads along, else `channel_not_found`.
_NO_MESSAGE = "1000000000.000001"
_ANSWERS = {"message_not_found": True, "channel_not_found": False, "not_in_channel": False}

log = structlog.get_logger()


class DirectMessages:
    """Asks Slack once for each conversation. What Slack does not say for certain counts as others'."""

    def __init__(self, web_api: WebApi) -> None:
        self._web_api = web_api
        self._known: dict[str, bool] = {}

    async def is_with_bot(self, channel_id: str) -> bool:
        """Whether the bot is one of the two, by `chat.getPermalink`, which needs no scope. Never raises."""
        if channel_id in self._known:
            return self._known[channel_id]
        where = {"channel": channel_id, "message_ts": _NO_MESSAGE}
        try:
            await self._web_api.read("chat.getPermalink", where)
        except errors.SlackError as error:
            if (is_with_bot := _ANSWERS.get(error.word)) is not None:
                return self._remember(channel_id, is_with_bot=is_with_bot)
            log.warning("slack.conversation_not_read", channel=channel_id, problem=str(error))
            return False
        return self._remember(channel_id, is_with_bot=True)

    def _remember(self, channel_id: str, *, is_with_bot: bool) -> bool:
        if len(self._known) >= _MOST_CONVERSATIONS:
            self._known.clear()
        self._known[channel_id] = is_with_bot
        return is_with_bot
