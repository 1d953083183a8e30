"""Whole surfaces: what a message, a modal or a Home may hold in all."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from bot.sandbox.slack.validation.blocks import BLOCKS, Surface
from bot.sandbox.slack.validation.objects import plain
from bot.sandbox.slack.validation.shapes import Check, Report, anything, flag, listing, record, string, typed

_MOST_BLOCKS: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
TABLE_TOTAL = 10_000

_IDS: dict[str, Check] = {
    "callback_id": string(255, least=0),
    "private_metadata": string(3000, least=0),
    "external_id": string(255, least=0),
    "blocks": anything,
}
_MODAL = record(
    {"type": anything, "title": plain(24), "blocks": anything},
    {
        **_IDS,
        "submit": plain(24),
        "close": plain(24),
        "clear_on_close": flag,
        "notify_on_close": flag,
        "submit_disabled": flag,
    },
)
_HOME = record({"type": anything, "blocks": anything}, _IDS)
_ATTACHMENT_COLOUR = string(pattern=r"good|warning|danger|#[0-9a-fA-F]{6}")


def message_problems(blocks: Sequence[Any]) -> list[str]:
    """What Slack has against the blocks of a message; empty when nothing."""
    report = Report()
    _check_blocks(list(blocks), "/blocks", "message", report)
    return report.problems


def attachment_problems(attachments: Sequence[Any]) -> list[str]:
    """What Slack has against attachments and the blocks in them."""
    report = Report()
    for index, attachment in enumerate(attachments):
        pointer = f"/attachments/{index}"
        if not isinstance(attachment, dict):
            report.add("must provide an object", pointer)
            continue
        if "color" in attachment:
            _ATTACHMENT_COLOUR(attachment["color"], f"{pointer}/color", report)
        if "blocks" in attachment:
            _check_blocks(attachment["blocks"], f"{pointer}/blocks", "message", report)
        elif not any(attachment.get(key) for key in ("text", "fallback", "title", "pretext", "fields")):
            report.add("no text", pointer)
    return report.problems


def view_problems(view: Any, kind: str) -> list[str]:
    """What Slack has against a modal or a Home."""
    report = Report()
    if not isinstance(view, dict):
        return ["must provide an object [json-pointer:/view]"]
    if view.get("type") != kind or kind not in ("modal", "home"):
        return [f"must be one of: {kind} [json-pointer:/view/type]"]
    present = {key: value for key, value in view.items() if value is not None}
    surface: Surface = "modal" if kind == "modal" else "home"
    (_MODAL if surface == "modal" else _HOME)(present, "/view", report)
    if "blocks" in present:
        _check_blocks(present["blocks"], "/view/blocks", surface, report)
    if not report.problems:
        _check_form(present, surface, report)
    return report.problems


def table_count(blocks: Sequence[Any]) -> int:
    """How many tables a message has, at any depth; Slack takes one."""
    return sum(1 for node in _nodes(list(blocks)) if node.get("type") == "table")


def _check_blocks(blocks: Any, pointer: str, surface: Surface, report: Report) -> None:
    least = 0 if surface == "message" else 1
    listing(typed(BLOCKS[surface]), _MOST_BLOCKS[surface], least=least)(blocks, pointer, report)
    if report.problems:
        return
    _check_ids(blocks, pointer, report)
    tables = sum(_characters(node) for node in _nodes(blocks) if node.get("type") == "table")
    if tables > TABLE_TOTAL:
        report.add(f"all table blocks together must be less than {TABLE_TOTAL + 1}", pointer)


def _check_ids(blocks: list[Any], pointer: str, report: Report) -> None:
    ids = Counter(node["block_id"] for node in _nodes(blocks) if "block_id" in node)
    for block_id, count in ids.items():
        if count > 1:
            report.add(f"block_id {block_id!r} is used {count} times", pointer)
    for index, block in enumerate(blocks):
        actions = Counter(node["action_id"] for node in _nodes(block) if "action_id" in node)
        for action_id, count in actions.items():
            if count > 1:
                report.add(f"action_id {action_id!r} is used {count} times", f"{pointer}/{index}")


def _check_form(view: dict[str, Any], surface: Surface, report: Report) -> None:
    nodes = list(_nodes(view["blocks"]))
    if surface == "modal" and "submit" not in view and any(node.get("type") == "input" for node in nodes):
        report.add("missing required field: submit", "/view")
    if sum(1 for node in nodes if node.get("focus_on_load")) > 1:
        report.add("only one element may have focus_on_load", "/view")


def _characters(node: Any) -> int:
    return sum(len(each["text"]) for each in _nodes(node) if isinstance(each.get("text"), str))


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for each in node:
            yield from _nodes(each)
    elif isinstance(node, dict):
        yield node
        for each in node.values():
            yield from _nodes(each)
