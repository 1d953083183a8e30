"""What stands in a channel already: finds a message by its metadata."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.slack.directory import Home
from bot.slack.errors import ScopeMissing, SlackError
from bot.slack.web import Web
from bot.store import PostedMessage

_PAGE = 200
_MOST_PAGES = 25
# Slack's clock and ours need not agree; a send is looked for from this long before we believe it began.
_SKEW = timedelta(minutes=10)

log = structlog.get_logger()


class History:
    """Reads channels and threads. Only messages of this bot are looked at."""

    def __init__(self, web: Web, home: Home) -> None:
        self._web = web
        self._bot_id = home.bot_id
        self._bot_user_id = home.bot_user_id

    async def find(
        self, channel: str, metadata: Mapping[str, Any], since: datetime, thread_ts: str | None
    ) -> PostedMessage | None:
        """Return the message of this bot that carries exactly this metadata, None when there is none.

        `conversations.history` and `.replies` give payloads only with `include_all_metadata`, and only to
        members. Raises `SlackError`.
        """
        where: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "limit": _PAGE}
        where["oldest"] = f"{(since - _SKEW).timestamp():.6f}"
        method = "conversations.history"
        if thread_ts is not None:
            method, where["ts"] = "conversations.replies", thread_ts
        for _ in range(_MOST_PAGES):
            try:
                answer = await self._web.read(method, where)
            except ScopeMissing as error:
                log.error("history.unreadable", channel=channel, needed=error.needed)
                return None
            for item in answer.get("messages") or ():
                if self._is_own(item) and _carries(item, metadata):
                    return PostedMessage(channel, str(item["ts"]))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
            where["cursor"] = cursor
        log.warning("history.too_long", channel=channel, pages=_MOST_PAGES)
        return None

    def _is_own(self, item: Mapping[str, Any]) -> bool:
        """Others' messages name their author; one that names nobody is told apart by its metadata alone."""
        author = item.get("bot_id") or item.get("user")
        return not author or author in {self._bot_id, self._bot_user_id}

    async def is_open(self, channel: str) -> bool:
        """Tell whether the bot can post to a channel now, as far as `conversations.info` says."""
        try:
            answer = await self._web.read("conversations.info", {"channel": channel})
        except SlackError:
            return False
        info = answer.get("channel") or {}
        return bool(info.get("is_member") or info.get("is_im")) and not info.get("is_archived")


def _carries(item: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    found = item.get("metadata") or {}
    return bool(
        found.get("event_type") == metadata["event_type"]
        and found.get("event_payload") == metadata["event_payload"]
    )
