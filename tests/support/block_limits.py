"""What Slack would have against a message, by the simulated Slack's judgement and the bot's own limits."""

from collections.abc import Sequence
from typing import Any

from bot.sandbox.slack.validation.surfaces import message_problems

TEXT_LIMIT = 3_900
CHARACTERS_LIMIT = 12_000


def problems(text: str, blocks: Sequence[dict[str, Any]]) -> list[str]:
    """Everything wrong with a message; empty when it can be posted, and edited later."""
    found = message_problems(list(blocks))
    if not 0 < len(text) <= TEXT_LIMIT:
        found.append(f"text has {len(text)} characters")
    if (size := _rendered_size(blocks)) > CHARACTERS_LIMIT:
        found.append(f"blocks show {size} characters")
    return found


def _rendered_size(node: Any) -> int:
    if isinstance(node, dict):
        own = len(node["text"]) if isinstance(node.get("text"), str) else 0
        return own + sum(map(_rendered_size, node.values()))
    return sum(map(_rendered_size, node)) if isinstance(node, list | tuple) else 0
