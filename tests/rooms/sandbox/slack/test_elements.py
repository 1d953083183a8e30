"""What each interactive element holds and sends, and what a form's client checks by itself."""

from typing import Any

import pytest

from bot.sandbox.slack.elements import (
    action,
    carried_over,
    enter,
    find,
    initial_state,
    problems_before_submit,
)
from bot.sandbox.slack.errors import GestureImpossible
from bot.sandbox.slack.normal import stored_blocks

Json = dict[str, Any]
A: Json = {"text": {"type": "plain_text", "text": "Alpha"}, "value": "a"}
B: Json = {"text": {"type": "plain_text", "text": "Beta"}, "value": "b"}
STORED_A: Json = {"text": {"type": "plain_text", "text": "Alpha", "emoji": True}, "value": "a"}
STORED_B: Json = {"text": {"type": "plain_text", "text": "Beta", "emoji": True}, "value": "b"}


def form(element: Json, **more: Any) -> list[Json]:
    """One input block, as Slack stores it."""
    label = {"type": "plain_text", "text": "x"}
    block = {
        "type": "input",
        "block_id": "b",
        "label": label,
        "element": {**element, "action_id": "e"},
        **more,
    }
    return stored_blocks([block])


SHAPES: list[tuple[Json, Any, Json]] = [
    ({"type": "plain_text_input"}, "x", {"value": "x"}),
    ({"type": "plain_text_input"}, None, {"value": None}),
    ({"type": "number_input", "is_decimal_allowed": False}, "5", {"value": "5"}),
    ({"type": "static_select", "options": [A, B]}, "b", {"selected_option": STORED_B}),
    ({"type": "static_select", "options": [A, B]}, "Beta", {"selected_option": STORED_B}),
    ({"type": "static_select", "options": [A, B]}, None, {"selected_option": None}),
    (
        {"type": "static_select", "option_groups": [{"label": A["text"], "options": [B]}]},
        "b",
        {"selected_option": STORED_B},
    ),
    (
        {"type": "multi_static_select", "options": [A, B]},
        ["a", "b"],
        {"selected_options": [STORED_A, STORED_B]},
    ),
    ({"type": "multi_static_select", "options": [A, B]}, None, {"selected_options": []}),
    ({"type": "external_select"}, A, {"selected_option": A}),
    ({"type": "multi_external_select"}, [A], {"selected_options": [A]}),
    ({"type": "radio_buttons", "options": [A, B]}, "a", {"selected_option": STORED_A}),
    ({"type": "checkboxes", "options": [A, B]}, ["b"], {"selected_options": [STORED_B]}),
    ({"type": "datepicker"}, "2026-11-23", {"selected_date": "2026-11-23"}),
    ({"type": "timepicker"}, "22:00", {"selected_time": "22:00"}),
    ({"type": "datetimepicker"}, 1763899200, {"selected_date_time": 1763899200}),
]


@pytest.mark.parametrize(("element", "value", "held"), SHAPES)
def test_each_element_holds_and_sends_its_own_shape(element: Json, value: Any, held: Json) -> None:
    """`state.values` and `actions[0]` have the same keys for it."""
    place = find(form(element), "b", "e")
    sent = action(place, value)

    assert enter(place, value) == {"type": element["type"], **held}
    assert {key: sent[key] for key in held} == held
    assert (sent["type"], sent["action_id"], sent["block_id"]) == (element["type"], "e", "b")


@pytest.mark.parametrize(
    ("element", "value", "refused"),
    [
        ({"type": "plain_text_input"}, None, True),
        ({"type": "plain_text_input"}, "", True),
        ({"type": "plain_text_input", "min_length": 2}, "x", True),
        ({"type": "plain_text_input", "max_length": 2}, "xxx", True),
        ({"type": "plain_text_input", "min_length": 2, "max_length": 2}, "xx", False),
        ({"type": "number_input", "is_decimal_allowed": False}, "five", True),
        ({"type": "number_input", "is_decimal_allowed": False}, "5.5", True),
        ({"type": "number_input", "is_decimal_allowed": True}, "5.5", False),
        ({"type": "number_input", "is_decimal_allowed": True, "max_value": "5"}, "5.5", True),
        ({"type": "number_input", "is_decimal_allowed": True, "min_value": "6"}, "5.5", True),
        ({"type": "checkboxes", "options": [A]}, [], True),
        ({"type": "multi_static_select", "options": [A, B], "max_selected_items": 1}, ["a", "b"], True),
        ({"type": "datepicker"}, "2026-11-23", False),
    ],
)
def test_the_client_checks_a_form(element: Json, value: Any, *, refused: bool) -> None:
    """What is empty or out of range is not submitted; optional inputs may be empty."""
    blocks = form(element)
    values = {"b": {"e": enter(find(blocks, "b", "e"), value)}}

    assert (list(problems_before_submit(blocks, values)) == ["b"]) is refused


def test_an_optional_input_may_be_empty() -> None:
    """Its content is then null, or an empty list."""
    blocks = form({"type": "checkboxes", "options": [A]}, optional=True)
    values = initial_state(blocks)

    assert values == {"b": {"e": {"type": "checkboxes", "selected_options": []}}}
    assert problems_before_submit(blocks, values) == {}


def test_a_menu_has_only_its_options() -> None:
    """Nobody can choose what isn't offered."""
    place = find(form({"type": "static_select", "options": [A]}), None, "e")

    with pytest.raises(GestureImpossible):
        enter(place, "z")
    with pytest.raises(GestureImpossible):
        find(form({"type": "static_select", "options": [A]}), "b", "nowhere")


def test_what_was_entered_stays_only_in_the_same_element() -> None:
    """Same block, same action, same type; otherwise it starts anew."""
    text = form({"type": "plain_text_input"})
    entered = {"b": {"e": {"type": "plain_text_input", "value": "x"}}}

    assert carried_over(text, entered) == entered
    assert (
        carried_over(form({"type": "number_input", "is_decimal_allowed": False}), entered)["b"]["e"]["value"]
        is None
    )
