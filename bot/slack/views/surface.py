"""Views in Slack's sense: an App Home, and the frame of every modal.

A view has no `text` of its own. Slack's limits (https://docs.slack.dev/surfaces): 100 blocks, 250 kB; a
modal's title has 24 characters.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from bot.slack import codec
from bot.slack.text import plain
from bot.slack.views import status_text
from bot.slack.views.message import Block, Message, note, paragraph, without_tables

HOME_CALLBACK = "home"
ANSWER_CALLBACK = "sheet"
PRIVATE_CALLBACKS = frozenset({HOME_CALLBACK, ANSWER_CALLBACK})
SIZE_LIMIT_BYTES = 250_000
_TITLE_LIMIT = 24

View = dict[str, Any]


def home_view(blocks: Sequence[Block]) -> View:
    """Return the Home as `views.publish` takes it."""
    return {"type": "home", "callback_id": HOME_CALLBACK, "blocks": list(blocks)}


def modal(
    title: str,
    blocks: Iterable[Block],
    *,
    callback_id: str | None = None,
    submit: str | None = None,
    metadata: str | None = None,
) -> View:
    """Return a modal; with `submit` it is a form, whose button bears that label."""
    optional = {
        "callback_id": callback_id,
        "submit": None if submit is None else {"type": "plain_text", "text": submit, "emoji": False},
        "private_metadata": metadata,
    }
    close = "Close" if submit is None else "Cancel"
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": plain(title, _TITLE_LIMIT), "emoji": False},
        "close": {"type": "plain_text", "text": close, "emoji": False},
        "blocks": list(blocks),
        **{key: value for key, value in optional.items() if value is not None},
    }


def answer_modal(title: str, message: Message) -> View:
    """Return a modal that shows an answer. Nobody shares from it: it was opened in no channel."""
    blocks = [kept for block in without_tables(message).blocks if (kept := _without_share(block)) is not None]
    return modal(title, blocks or paragraph(message.text).blocks, callback_id=ANSWER_CALLBACK)


def asking_vbr() -> Message:
    """What a Home or such a modal shows at once, while VBR is asked."""
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
