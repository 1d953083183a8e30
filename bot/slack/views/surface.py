"""Views in Slack's sense: an App Home, or a modal that only shows something.

A view has no `text` of its own. Slack's limits (https://docs.slack.dev/surfaces): 100 blocks, 250 kB; a
modal's title has 24 characters.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack import codec
from bot.slack.text import plain
from bot.slack.views import signs
from bot.slack.views.message import Block, Message, Part, note, paragraph

HOME_CALLBACK = "home"
SHEET_CALLBACK = "sheet"
PRIVATE_CALLBACKS = frozenset({HOME_CALLBACK, SHEET_CALLBACK})
BLOCKS_LIMIT = 100
SIZE_LIMIT_BYTES = 250_000
_TITLE_LIMIT = 24


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a view a list may take."""

    blocks: int
    size_bytes: int


def home_view(blocks: Sequence[Block]) -> dict[str, Any]:
    """Return the Home as `views.publish` takes it."""
    return {"type": "home", "callback_id": HOME_CALLBACK, "blocks": list(blocks)}


def sheet(title: str, message: Message) -> dict[str, Any]:
    """Return a modal that shows an answer. Nobody shares from it: it was opened in no channel."""
    return {
        "type": "modal",
        "callback_id": SHEET_CALLBACK,
        "title": {"type": "plain_text", "text": plain(title, _TITLE_LIMIT), "emoji": False},
        "close": {"type": "plain_text", "text": "Close", "emoji": False},
        "blocks": _unshared(message.blocks) or list(paragraph(message.text).blocks),
    }


def loading() -> Message:
    """What is shown at once, while VBR is asked."""
    part = note(f"{signs.BUSY} Asking VBR …")
    return Message(part.text, part.blocks)


def fitting(rows: Sequence[Part], room: Room) -> Sequence[Part]:
    """Return as many of the rows as fit."""
    blocks = size = 0
    for taken, row in enumerate(rows):
        blocks += len(row.blocks)
        size += len(json.dumps(row.blocks))
        if blocks > room.blocks or size > room.size_bytes:
            return rows[:taken]
    return rows


def _unshared(blocks: Iterable[Block]) -> list[Block]:
    return [kept for block in blocks if (kept := _without_share(block)) is not None]


def _without_share(block: Block) -> Block | None:
    if block["type"] != "actions":
        return block
    elements = [kept for element in block["elements"] if (kept := _not_to_share(element)) is not None]
    return {**block, "elements": elements} if elements else None


def _not_to_share(element: dict[str, Any]) -> dict[str, Any] | None:
    if element["action_id"] == codec.SHARE:
        return None
    if element["type"] != "overflow":
        return element
    options = [
        option
        for option in element["options"]
        if not isinstance(codec.decode(element["action_id"], option["value"]), codec.Share)
    ]
    return {**element, "options": options} if options else None
