"""Block Kit's limits, each at its most and one over; pure functions, no server."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from slack_sdk.models import blocks as models
from slack_sdk.models.views import View

from bot.sandbox.slack.validation.surfaces import attachment_problems, message_problems, view_problems
from tests.rooms.sandbox.slack.block_limits import (
    DIVIDER,
    IMAGE,
    MESSAGE_LIMITS,
    TEXT_INPUT,
    Block,
    actions,
    button,
    home,
    input_block,
    modal,
    mrkdwn,
    options,
    plain,
    section,
    select,
    table,
)

VIEW_LIMITS: list[tuple[Block, Block, str]] = [
    (modal(*[DIVIDER] * 100), modal(*[DIVIDER] * 101), "/view/blocks"),
    (home(*[DIVIDER] * 100), home(*[DIVIDER] * 101), "/view/blocks"),
    (modal(title=plain("x" * 24)), modal(title=plain("x" * 25)), "/view/title/text"),
    (modal(submit=plain("x" * 24)), modal(submit=plain("x" * 25)), "/view/submit/text"),
    (modal(close=plain("x" * 24)), modal(close=plain("x" * 25)), "/view/close/text"),
    (modal(private_metadata="x" * 3000), modal(private_metadata="x" * 3001), "/view/private_metadata"),
    (modal(callback_id="x" * 255), modal(callback_id="x" * 256), "/view/callback_id"),
    (modal(external_id="x" * 255), modal(external_id="x" * 256), "/view/external_id"),
]
WRONG_MESSAGES: list[tuple[str, Block, str]] = [
    ("an unknown block", {"type": "nonsense"}, "/blocks/0/type"),
    ("a block without type", {"text": mrkdwn("x")}, "/blocks/0"),
    ("a block that is a string", "divider", "/blocks/0"),  # type: ignore[list-item]  # wrong on purpose
    ("an unknown key", section(colour="red"), "/blocks/0"),
    ("an unknown key of a text", section(text={**mrkdwn("x"), "emoji": True}), "/blocks/0/text"),
    ("neither text nor fields", {"type": "section"}, "/blocks/0"),
    ("a bare string as text", section(text="x"), "/blocks/0/text"),
    ("an empty text", section(text=mrkdwn("")), "/blocks/0/text/text"),
    ("mrkdwn in a header", {"type": "header", "text": mrkdwn("x")}, "/blocks/0/text/type"),
    ("mrkdwn on a button", actions(button(text=mrkdwn("x"))), "/blocks/0/elements/0/text/type"),
    ("an empty button value", actions(button(value="")), "/blocks/0/elements/0/value"),
    ("a strange style", actions(button(style="warning")), "/blocks/0/elements/0/style"),
    ("no elements", actions(), "/blocks/0/elements"),
    ("options and groups", actions(select(option_groups=[])), "/blocks/0/elements/0"),
    ("neither options nor groups", actions({"type": "static_select"}), "/blocks/0/elements/0"),
    (
        "an initial option that is not offered",
        actions(select(initial_option=options(2)[1])),
        "/blocks/0/elements/0",
    ),
    (
        "a url outside overflow",
        actions(select(options=options(1, url="x"))),
        "/blocks/0/elements/0/options/0",
    ),
    ("no alt text", {"type": "image", "image_url": "x"}, "/blocks/0"),
    ("two sources of an image", {**IMAGE, "slack_file": {"id": "F1"}}, "/blocks/0"),
    (
        "a modal's input",
        input_block({"type": "number_input", "is_decimal_allowed": True}),
        "/blocks/0/element/type",
    ),
    ("an input outside input", actions(TEXT_INPUT), "/blocks/0/elements/0/type"),
    (
        "a wrong date",
        actions({"type": "datepicker", "initial_date": "23.11.2026"}),
        "/blocks/0/elements/0/initial_date",
    ),
    (
        "a wrong time",
        actions({"type": "timepicker", "initial_time": "24:00"}),
        "/blocks/0/elements/0/initial_time",
    ),
    (
        "rich text with an unknown element",
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "x"}]}]},
        "/blocks/0/elements/0/elements/0/type",
    ),
    (
        "an initial value that does not fit",
        input_block({**TEXT_INPUT, "max_length": 1, "initial_value": "xx"}),
        "/blocks/0/element",
    ),
]
WRONG_VIEWS: list[tuple[str, Any, str, str]] = [
    ("no object", "view", "modal", "/view"),
    ("the wrong type", home(), "modal", "/view/type"),
    ("an unknown key", modal(colour="red"), "modal", "/view"),
    ("no title", {"type": "modal", "blocks": [DIVIDER]}, "modal", "/view"),
    ("no blocks", {"type": "modal", "title": plain("x")}, "modal", "/view"),
    ("empty blocks", {**modal(), "blocks": []}, "modal", "/view/blocks"),
    ("a Home with a title", home(title=plain("x")), "home", "/view"),
    ("a table in a modal", modal(table()), "modal", "/view/blocks/0/type"),
    (
        "an input without submit",
        {"type": "modal", "title": plain("x"), "blocks": [input_block(TEXT_INPUT)]},
        "modal",
        "/view",
    ),
    (
        "two focused elements",
        modal(*[input_block({**TEXT_INPUT, "focus_on_load": True})] * 2),
        "modal",
        "/view",
    ),
    (
        "numbers out of order",
        modal(
            input_block(
                {"type": "number_input", "is_decimal_allowed": False, "min_value": "5", "max_value": "1"}
            )
        ),
        "modal",
        "/view/blocks/0/element",
    ),
]


@pytest.mark.parametrize(("fits", "over", "pointer"), MESSAGE_LIMITS, ids=[row[2] for row in MESSAGE_LIMITS])
def test_a_message_at_its_limit_passes_and_one_over_is_refused(
    fits: list[Block], over: list[Block], pointer: str
) -> None:
    """The problem points at the very place."""
    assert message_problems(fits) == []
    assert any(problem.endswith(f"[json-pointer:{pointer}]") for problem in message_problems(over))


@pytest.mark.parametrize(("fits", "over", "pointer"), VIEW_LIMITS, ids=[row[2] for row in VIEW_LIMITS])
def test_a_view_at_its_limit_passes_and_one_over_is_refused(fits: Block, over: Block, pointer: str) -> None:
    """The problem points at the very place."""
    assert view_problems(fits, fits["type"]) == []
    assert any(problem.endswith(f"[json-pointer:{pointer}]") for problem in view_problems(over, over["type"]))


@pytest.mark.parametrize(("what", "block", "pointer"), WRONG_MESSAGES, ids=[row[0] for row in WRONG_MESSAGES])
def test_a_wrong_block_is_refused(what: str, block: Block, pointer: str) -> None:
    """The whole message is, with the pointer of what is wrong."""
    assert any(problem.endswith(f"[json-pointer:{pointer}]") for problem in message_problems([block])), what


@pytest.mark.parametrize(
    ("what", "view", "kind", "pointer"), WRONG_VIEWS, ids=[row[0] for row in WRONG_VIEWS]
)
def test_a_wrong_view_is_refused(what: str, view: Any, kind: str, pointer: str) -> None:
    """The whole view is, with the pointer of what is wrong."""
    assert any(problem.endswith(f"[json-pointer:{pointer}]") for problem in view_problems(view, kind)), what


def test_ids_are_unique() -> None:
    """A block_id within the surface, an action_id within its block; twice in different blocks is fine."""
    twice = actions(button(action_id="a"), button(action_id="a"))
    apart = [actions(button(action_id="a")), actions(button(action_id="a"))]

    assert message_problems([{**DIVIDER, "block_id": "b"}] * 2) != []
    assert message_problems([twice]) != []
    assert message_problems(apart) == []


def test_the_wording_is_slacks() -> None:
    """Slack's own sentence, so that what logs it can be tried against it."""
    assert message_problems([section(text=mrkdwn("x" * 3001))]) == [
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    ]
    assert message_problems([section(text=mrkdwn(""))]) == [
        "must be more than 0 characters [json-pointer:/blocks/0/text/text]"
    ]


def test_blocks_in_attachments_are_checked_too() -> None:
    """With the attachment's pointer; colours are Slack's words or #RRGGBB."""
    wrong = [{"color": "#E01E5A", "blocks": [{"type": "nonsense"}]}, {"color": "red", "text": "x"}]

    assert attachment_problems([{"color": "#E01E5A", "fallback": "x", "blocks": [DIVIDER]}]) == []
    assert attachment_problems(wrong[:1]) == [
        "unsupported type: nonsense [json-pointer:/attachments/0/blocks/0/type]"
    ]
    assert attachment_problems(wrong[1:]) == [
        "does not match the expected format [json-pointer:/attachments/0/color]"
    ]


WORDS = [
    *("type", "text", "elements", "element", "fields", "accessory", "options", "option_groups", "label"),
    *("initial_option", "initial_options", "initial_value", "block_id", "action_id", "rows", "title"),
    *("min_value", "max_value", "min_length", "max_length", "actions", "submit", "blocks"),
]
TYPES = [
    *("section", "actions", "input", "context", "header", "table", "external_select"),
    *("button", "static_select", "overflow", "checkboxes", "plain_text_input", "number_input", "rich_text"),
    *("plain_text", "mrkdwn", "raw_text", "rich_text_section", "modal", "home", "datepicker", "image"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
        | st.fixed_dictionaries(
            {"type": st.sampled_from(TYPES)}, optional={word: inner for word in WORDS if word != "type"}
        )
    ),
    max_leaves=12,
)


@example([actions({"type": "static_select", "options": 3, "initial_option": 4})])
@example([actions({"type": "static_select", "option_groups": [3, {"options": 3}], "initial_option": {}})])
@example([actions({"type": "checkboxes", "options": [{"value": []}], "initial_options": [{"value": {}}]})])
@example([input_block({"type": "number_input", "min_value": [], "max_value": "x"})])
@example([{"type": "divider", "block_id": []}, {"type": []}, {"type": None}])
@given(st.lists(JSON, max_size=3))
def test_no_json_is_too_strange_to_be_refused(blocks: list[Any]) -> None:
    """Whatever is sent as blocks, attachments or a view, the check itself never fails."""
    message_problems(blocks)
    attachment_problems(blocks)
    for block in blocks:
        view_problems(block, "modal")
    view_problems({"type": "home", "blocks": blocks}, "home")


def test_what_slack_sdk_builds_passes() -> None:
    """Its models and this check agree on the keys."""
    choices = [models.Option(label="x", value="x")]
    sent = [
        models.HeaderBlock(text="x"),
        models.SectionBlock(
            text="*x*", fields=["a", "b"], accessory=models.OverflowMenuElement(options=choices)
        ),
        models.DividerBlock(),
        models.ContextBlock(elements=[models.MarkdownTextObject(text="x", verbatim=True)]),
        models.ActionsBlock(
            elements=[
                models.ButtonElement(
                    text=models.PlainTextObject(text="Retry", emoji=False),
                    action_id="retry",
                    value="1",
                    style="danger",
                    confirm=models.ConfirmObject(title="x", text="x"),
                    accessibility_label="Retry SQL",
                ),
                models.StaticSelectElement(action_id="menu", options=choices, initial_option=choices[0]),
                models.DatePickerElement(action_id="day", initial_date="2026-11-23"),
            ]
        ),
        models.ImageBlock(image_url="https://x.example/a.png", alt_text="x"),
        models.InputBlock(label="x", element=models.PlainTextInputElement(action_id="name")),
        models.TableBlock(rows=[[models.RawTextObject(text="x")]], column_settings=[{"align": "right"}]),
        models.RichTextBlock(
            elements=[
                models.RichTextSectionElement(
                    elements=[models.RichTextElementParts.Text(text="x", style={"bold": True})]
                )
            ]
        ),
    ]
    view = View(
        type="modal",
        title="x",
        submit="x",
        close="x",
        callback_id="x",
        private_metadata="x",
        notify_on_close=True,
        blocks=[sent[0], sent[6]],
    )

    assert message_problems([block.to_dict() for block in sent]) == []
    assert view_problems(view.to_dict(), "modal") == []
    assert view_problems(View(type="home", blocks=sent[:5]).to_dict(), "home") == []
