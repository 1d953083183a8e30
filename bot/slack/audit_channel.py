"""What the audit channel says of the record: row numbers and hashes, read back from its messages."""

from collections.abc import AsyncIterator
from typing import Any

from bot.observability import Clock
from bot.slack import errors
from bot.slack.views.announcements import AUDIT_EVENT
from bot.slack.web_api import WebApi, read_workspace
from bot.store import AuditId, AuditMark

_PAGE = 200
_MOST_PAGES = 5_000
_LONGEST_WAIT_SECONDS = 120.0
_ATTEMPTS = 5


class TooManyMessages(Exception):
    """The channel holds more messages than are looked through."""


async def posted_marks(web_api: WebApi, channel: str, *, clock: Clock) -> AsyncIterator[AuditMark]:
    """Yield the row and hash of each of this bot's messages that bears one, newest first.

    What others post is not believed, whatever its metadata say. Waits where Slack asks for that. Raises
    `SlackError`, and `TooManyMessages` at the end of what is looked through.
    """
    workspace = await read_workspace(web_api)
    own_ids = {workspace.bot_id, workspace.bot_user_id} - {""}
    where: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "limit": _PAGE}
    for _ in range(_MOST_PAGES):
        answer = await _page(web_api, where, clock)
        for item in answer.get("messages") or ():
            if (mark := _mark(item)) is not None and not own_ids.isdisjoint(
                {item.get("bot_id"), item.get("user")}
            ):
                yield mark
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
        where["cursor"] = cursor
    raise TooManyMessages


async def _page(web_api: WebApi, where: dict[str, Any], clock: Clock) -> dict[str, Any]:
    for _ in range(_ATTEMPTS):
        try:
            return await web_api.read("conversations.history", where)
        except errors.SlackRateLimited as error:
            if error.retry_after_seconds > _LONGEST_WAIT_SECONDS:
                raise
            await clock.sleep(error.retry_after_seconds)
    return await web_api.read("conversations.history", where)


def _mark(item: Any) -> AuditMark | None:
    """What a message says of the record; None where it says nothing."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict) or metadata.get("event_type") != AUDIT_EVENT:
        return None
    match metadata.get("event_payload"):
        case {"row": int(row), "hash": str(row_hash)}:
            return AuditMark(AuditId(row), row_hash)
        case _:
            return None
