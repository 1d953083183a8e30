"""Views in Slack's sense: an App Home, or a modal that only shows something.

A view has no `text` of its own. Slack's limits (https://docs.slack.dev/surfaces): 100 blocks, 250 kB; a
modal's title has 24 characters.
"""

from collections.abc import Sequence
from typing import Any

from bot.slack import codec
from bot.slack.text import plain
from bot.slack.views import status_text
from bot.slack.views.message import Block, Message, note, paragraph

HOME_CALLBACK = "home"
ANSWER_CALLBACK = "sheet"
PRIVATE_CALLBACKS = frozenset({HOME_CALLBACK, ANSWER_CALLBACK})
SIZE_LIMIT_BYTES = 250_000
_TITLE_LIMIT = 24


def home_view(blocks: Sequence[Block]) -> dict[str, Any]:
    """Return the Home as `views.publish` takes it."""
    return {"type": "home", "callback_id": HOME_CALLBACK, "blocks": list(blocks)}


def answer_modal(title: str, message: Message) -> dict[str, Any]:
    """Return a modal that shows an answer. Nobody shares from it: it was opened in no channel."""
    blocks = [kept for block in message.blocks if (kept := _without_share(block)) is not None]
    return {
        "type": "modal",
        "callback_id": ANSWER_CALLBACK,
        "title": {"type": "plain_text", "text": plain(title, _TITLE_LIMIT), "emoji": False},
        "close": {"type": "plain_text", "text": "Close", "emoji": False},
        "blocks": blocks or list(paragraph(message.text).blocks),
    }


def loading() -> Message:
    """What is shown at once, while VBR is asked."""
    part = note(f"{status_text.BUSY} Asking VBR …")
    return Message(part.text, part.blocks)


def _without_share(block: Block) -> Block | None:
    if block["type"] != "actions":
        return block
    elements = []
    for element in block["elements"]:
        if element["action_id"] == codec.SHARE:
            continue
        kept = dict(element)
        if element["type"] == "overflow":
            kept["options"] = [
                option
                for option in element["options"]
                if not isinstance(codec.decode(element["action_id"], option["value"]), codec.Share)
            ]
        if kept.get("options") != []:
            elements.append(kept)
    return {**block, "elements": elements} if elements else None
