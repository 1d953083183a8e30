"""How Slack stores blocks: with an ID on each block and element, and every text object spelt out."""

import copy
import secrets
from collections.abc import Sequence
from typing import Any

from bot.sandbox.slack.elements import INTERACTIVE
from bot.sandbox.slack.snapshot import Json


def stored_blocks(blocks: Sequence[Json]) -> list[Json]:
    """A copy of the blocks as Slack gives them back."""
    return [_block(copy.deepcopy(block)) for block in blocks]


def stored_attachments(attachments: Sequence[Json]) -> list[Json]:
    """A copy of the attachments as Slack gives them back: numbered from 1, their blocks stored likewise."""
    kept = []
    for number, attachment in enumerate(attachments, start=1):
        fallback = attachment.get("fallback", "[no preview available]")
        entry = {"id": number, "fallback": fallback, **copy.deepcopy(attachment)}
        if "blocks" in entry:
            entry["blocks"] = stored_blocks(entry["blocks"])
        kept.append(entry)
    return kept


def stored_view(view: Json) -> Json:
    """A copy of a view's content as Slack gives it back: every field is there, empty ones as null or ""."""
    modal: Json = {"title": None, "close": None, "submit": None}
    kept: Json = {
        "type": view["type"],
        "callback_id": "",
        "private_metadata": "",
        "clear_on_close": False,
        "notify_on_close": False,
        "external_id": "",
    }
    kept |= modal | {key: copy.deepcopy(value) for key, value in view.items() if value is not None}
    _spell_out(kept)
    kept["blocks"] = stored_blocks(view["blocks"])
    return kept


def _block(block: Json) -> Json:
    block.setdefault("block_id", _invented())
    _spell_out(block)
    return block


def _spell_out(node: Any) -> None:
    if isinstance(node, list):
        for each in node:
            _spell_out(each)
        return
    if not isinstance(node, dict):
        return
    if node.get("type") == "plain_text":
        node.setdefault("emoji", True)
    elif node.get("type") == "mrkdwn":
        node.setdefault("verbatim", False)
    elif node.get("type") in INTERACTIVE:
        node.setdefault("action_id", _invented())
    for each in node.values():
        _spell_out(each)


def _invented() -> str:
    return secrets.token_urlsafe(4)[:5]
