"""Block elements, and which of them may stand where."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.validation.objects import (
    CONFIRM,
    MARKED_OPTION,
    OPTION,
    OPTION_GROUP,
    OVERFLOW_OPTION,
    image,
    initial_is_offered,
    plain,
)
from bot.sandbox.slack.validation.shapes import Check, flag, integer, listing, one_of, record, string, word

_DATE = string(pattern=r"\d{4}-\d{2}-\d{2}")
_TIME = string(pattern=r"([01]\d|2[0-3]):[0-5]\d")
_NUMBER = string(pattern=r"-?\d+(\.\d+)?")
_ACTION_ID = string(255)
_BASE: dict[str, Check] = {"action_id": _ACTION_ID, "confirm": CONFIRM, "focus_on_load": flag}
_MENU: dict[str, Check] = {**_BASE, "placeholder": plain(150)}
_MANY: dict[str, Check] = {**_MENU, "max_selected_items": integer(1)}
_TYPED: dict[str, Check] = {
    "action_id": _ACTION_ID,
    "placeholder": plain(150),
    "focus_on_load": flag,
    "dispatch_action_config": record(
        {"trigger_actions_on": listing(word("on_enter_pressed", "on_character_entered"), 2)}
    ),
}
_OFFER: dict[str, Check] = {"options": listing(OPTION, 100), "option_groups": listing(OPTION_GROUP, 100)}
_SOURCE = one_of("options", "option_groups")


def _lengths_fit(value: Mapping[str, Any]) -> str | None:
    least, most = value.get("min_length"), value.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        return "min_length must be at most max_length"
    initial = value.get("initial_value")
    if isinstance(initial, str) and isinstance(most, int) and len(initial) > most:
        return "initial_value must fit into max_length"
    return None


def _range_fits(value: Mapping[str, Any]) -> str | None:
    numbers = {}
    for key in ("min_value", "initial_value", "max_value"):
        try:
            numbers[key] = float(value[key])
        except (KeyError, TypeError, ValueError):
            continue
    in_order = list(numbers.values())
    return None if in_order == sorted(in_order) else "min_value, initial_value and max_value must be in order"


ELEMENTS: dict[str, Check] = {
    "button": record(
        {"text": plain(75)},
        {
            "action_id": _ACTION_ID,
            "value": string(2000),
            "url": string(3000),
            "style": word("primary", "danger"),
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "overflow": record(
        {"options": listing(OVERFLOW_OPTION, 5)}, {"action_id": _ACTION_ID, "confirm": CONFIRM}
    ),
    "static_select": record(
        optional={**_MENU, **_OFFER, "initial_option": OPTION},
        rules=[_SOURCE, initial_is_offered("initial_option")],
    ),
    "multi_static_select": record(
        optional={**_MANY, **_OFFER, "initial_options": listing(OPTION, 100)},
        rules=[_SOURCE, initial_is_offered("initial_options")],
    ),
    "external_select": record(
        optional={**_MENU, "min_query_length": integer(0), "initial_option": OPTION},
    ),
    "multi_external_select": record(
        optional={**_MANY, "min_query_length": integer(0), "initial_options": listing(OPTION, 100)},
    ),
    "radio_buttons": record(
        {"options": listing(MARKED_OPTION, 10)},
        {**_BASE, "initial_option": MARKED_OPTION},
        [initial_is_offered("initial_option")],
    ),
    "checkboxes": record(
        {"options": listing(MARKED_OPTION, 10)},
        {**_BASE, "initial_options": listing(MARKED_OPTION, 10)},
        [initial_is_offered("initial_options")],
    ),
    "datepicker": record(optional={**_MENU, "initial_date": _DATE}),
    "timepicker": record(optional={**_MENU, "initial_time": _TIME, "timezone": string()}),
    "datetimepicker": record(optional={**_BASE, "initial_date_time": integer(0, 9_999_999_999)}),
    "plain_text_input": record(
        optional={
            **_TYPED,
            "multiline": flag,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
            "initial_value": string(3000, least=0),
        },
        rules=[_lengths_fit],
    ),
    "number_input": record(
        {"is_decimal_allowed": flag},
        {**_TYPED, "initial_value": _NUMBER, "min_value": _NUMBER, "max_value": _NUMBER},
        [_range_fits],
    ),
    "image": image(),
}

_MENUS = ("static_select", "external_select")
_MULTI = tuple(f"multi_{menu}" for menu in _MENUS)
_CHOICES = (*_MENUS, "checkboxes", "radio_buttons", "datepicker", "timepicker")

ACCESSORIES = {name: ELEMENTS[name] for name in ("button", "overflow", "image", *_CHOICES, *_MULTI)}
ACTIONS = {name: ELEMENTS[name] for name in ("button", "overflow", "datetimepicker", *_CHOICES)}
INPUTS = {name: ELEMENTS[name] for name in (*_CHOICES, *_MULTI, "datetimepicker", "plain_text_input")}
MODAL_INPUTS = INPUTS | {"number_input": ELEMENTS["number_input"]}
