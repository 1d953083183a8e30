"""From arguments to what a message says, refused wherever Slack refuses it."""

import json
from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.messages import Content
from bot.sandbox.slack.normal import stored_attachments, stored_blocks
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.validation.surfaces import attachment_problems, message_problems, table_count

POST_LIMIT = 40_000
UPDATE_LIMIT = 4_000  # chat.update refuses more; above it chat.postMessage may split or post twice
RENDERED_LIMIT = 13_000
ATTACHMENTS_LIMIT = 100
METADATA_BYTES = 8_192


def read_blocks(arguments: Arguments) -> list[Json] | None:
    """The blocks, checked; None when none were sent."""
    blocks = arguments.structure("blocks", "invalid_blocks_format")
    if blocks is None:
        return None
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    _refuse("invalid_blocks", message_problems(blocks))
    if table_count(blocks) > 1:
        _refuse("invalid_attachments", ["only_one_table_allowed"])
    if _rendered_length(blocks) > RENDERED_LIMIT:
        raise ApiError("msg_blocks_too_long")
    return stored_blocks(blocks)


def read_attachments(arguments: Arguments) -> list[Json] | None:
    """The attachments, checked; None when none were sent."""
    attachments = arguments.structure("attachments", "invalid_attachments")
    if attachments is None:
        return None
    if not isinstance(attachments, list):
        raise ApiError("invalid_attachments")
    if len(attachments) > ATTACHMENTS_LIMIT:
        raise ApiError("too_many_attachments")
    _refuse("invalid_attachments", attachment_problems(attachments))
    return stored_attachments(attachments)


def read_metadata(arguments: Arguments) -> Json | None:
    """The metadata, checked; `{}` when it is to be removed, None when none was sent."""
    metadata = arguments.structure("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise ApiError("invalid_metadata_format")
    if not metadata:
        return {}
    event_type, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(event_type, str) or not event_type or not isinstance(payload, dict):
        raise ApiError("invalid_metadata_format")
    if set(metadata) - {"event_type", "event_payload", "entities"}:
        raise ApiError("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > METADATA_BYTES:
        raise ApiError("metadata_too_large")
    return {"event_type": event_type, "event_payload": payload}


def new_content(arguments: Arguments) -> Content:
    """What a new message says; `no_text` when that is nothing."""
    blocks = read_blocks(arguments) or []
    content = Content(
        text=arguments.text("text"),
        blocks=blocks,
        attachments=read_attachments(arguments) or [],
        metadata=read_metadata(arguments) or None,
        link_names=links_names(arguments),
    )
    if not (content.text or content.blocks or content.attachments):
        raise ApiError("no_text")
    return content


def links_names(arguments: Arguments) -> bool:
    """Whether "@handle" in the text becomes a mention."""
    return arguments.flag("link_names") or arguments.text("parse") == "full"


def changed_content(old: Content, arguments: Arguments) -> Content:
    """What an updated message says: text without blocks removes the blocks, what is left out stays."""
    text_sent = arguments.has("text")
    blocks = read_blocks(arguments)
    attachments, metadata = read_attachments(arguments), read_metadata(arguments)
    if len(arguments.text("text")) > UPDATE_LIMIT:
        raise ApiError("msg_too_long")
    if blocks is None:
        blocks = [] if text_sent else old.blocks
    changed = Content(
        text=arguments.text("text") if text_sent or arguments.has("blocks") else old.text,
        blocks=blocks,
        attachments=old.attachments if attachments is None else attachments,
        metadata=old.metadata if metadata is None else metadata or None,
        link_names=links_names(arguments),
    )
    if not (changed.text or changed.blocks or changed.attachments):
        raise ApiError("no_text")
    return changed


def content_of_answer(answer: Mapping[str, Any]) -> Content:
    """What an acknowledgement or a post to a response URL says; as `new_content`."""
    return new_content(Arguments(answer))


def _refuse(error: str, problems: list[str]) -> None:
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise ApiError(error, errors=problems, response_metadata={"messages": messages})


def _rendered_length(node: Any) -> int:
    if isinstance(node, list):
        return sum(_rendered_length(each) for each in node)
    if not isinstance(node, dict) or node.get("type") == "table":
        return 0  # a table has a limit of its own
    own = len(node["text"]) if isinstance(node.get("text"), str) else 0
    return own + sum(_rendered_length(each) for each in node.values())
