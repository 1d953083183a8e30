"""Composition objects: texts, options, confirmations, filters."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.validation.shapes import (
    Check,
    Rule,
    flag,
    integer,
    listing,
    one_of,
    record,
    string,
    typed,
    word,
)

TEXT_LIMIT = 3000


def plain(most: int) -> Check:
    """A `plain_text` object."""
    return typed({"plain_text": record({"text": string(most)}, {"emoji": flag})})


def text(most: int = TEXT_LIMIT) -> Check:
    """A text object of either kind."""
    return typed(
        {
            "plain_text": record({"text": string(most)}, {"emoji": flag}),
            "mrkdwn": record({"text": string(most)}, {"verbatim": flag}),
        }
    )


CONFIRM = record(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": word("primary", "danger")},
)

OPTION = record({"text": plain(75), "value": string(150)}, {"description": plain(75)})
MARKED_OPTION = record({"text": text(75), "value": string(150)}, {"description": text(75)})
OVERFLOW_OPTION = record(
    {"text": plain(75)}, {"value": string(150), "description": plain(75), "url": string(3000)}
)
OPTION_GROUP = record({"label": plain(75), "options": listing(OPTION, 100)})

SLACK_FILE = record(optional={"id": string(), "url": string(3000)}, rules=[one_of("id", "url")])


def image(*, in_context: bool = False) -> Check:
    """An `image` element."""
    optional: dict[str, Check] = {"image_url": string(3000), "slack_file": SLACK_FILE}
    if not in_context:
        optional |= {"image_width": integer(1), "image_height": integer(1)}
    return record({"alt_text": string(2000)}, optional, [one_of("image_url", "slack_file")])


def initial_is_offered(key: str) -> Rule:
    """What is chosen at first must be among the options."""

    def rule(value: Mapping[str, Any]) -> str | None:
        if key not in value:
            return None
        chosen = value[key] if isinstance(value[key], list) else [value[key]]
        offered = list(_values(value.get("options")))
        for group in _objects(value.get("option_groups")):
            offered += _values(group.get("options"))
        unknown = [each for each in chosen if not isinstance(each, dict) or each.get("value") not in offered]
        return f"{key} must be among the options" if unknown else None

    return rule


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _values(options: Any) -> list[Any]:
    return [option.get("value") for option in _objects(options)]
