"""What Slack sends back of a form: what stands in its fields, and what somebody changes there."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.slack.codec import FormState

_AT: dict[str, str | tuple[str, ...] | None] = {"at": None}
_OF_RHYTHM: dict[str, dict[str, str | tuple[str, ...] | None]] = {
    "every_day": _AT,
    "weekdays": _AT,
    "chosen_days": {**_AT, "days": ()},
    "monthly": {"month_day": None, **_AT},
    "periodic": {"period": None, "period_unit": "Hours"},
    "after_job": {"after_job": None},
}
"""The fields that stand in a form once it was drawn again for that rhythm."""
_IN_SCHEDULES = frozenset({"at", "days", "after_job", "month_day", "period", "period_unit"})


def as_it_stands(blocks: Sequence[Mapping[str, Any]]) -> dict[str, str | tuple[str, ...] | None]:
    """What a form holds that nobody touched, by the elements' action IDs."""
    elements = [block["element"] for block in blocks if block["type"] == "input"]
    return {element["action_id"]: _initial(element) for element in elements}


def options_of(blocks: Sequence[Mapping[str, Any]], field: str) -> dict[str, str]:
    """What a menu of the form offers by itself: values by what is read."""
    element = next(block["element"] for block in blocks if block.get("block_id") == field)
    return {option["text"]["text"]: option["value"] for option in element["options"]}


def with_changes(blocks: Sequence[Mapping[str, Any]], **changes: str | tuple[str, ...] | None) -> FormState:
    """What a form holds once these fields were changed; each must be there.

    Another rhythm brings its own fields and takes the others away, with what would be entered in them.
    """
    standing = as_it_stands(blocks)
    if "rhythm" in standing:
        fields = _OF_RHYTHM.get(str(changes.get("rhythm", standing["rhythm"])), {})
        brought = {name: standing.get(name, value) for name, value in fields.items()}
        standing = {name: value for name, value in standing.items() if name not in _IN_SCHEDULES} | brought
        changes = {name: value for name, value in changes.items() if name not in _IN_SCHEDULES - set(brought)}
    assert set(changes) <= set(standing), (sorted(changes), sorted(standing))
    return {**standing, **changes}


def _initial(element: Mapping[str, Any]) -> str | tuple[str, ...] | None:
    if element["type"] in {"checkboxes", "multi_external_select"}:
        return tuple(option["value"] for option in element.get("initial_options") or ())
    chosen = element.get("initial_option")
    if chosen is not None:
        return str(chosen["value"])
    return element.get("initial_value") or element.get("initial_time")
