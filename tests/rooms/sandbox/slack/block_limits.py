"""Blocks for tests, and the limits of messages: what just fits, what is one over, and where that shows."""

from typing import Any

Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def section(**more: Any) -> Block:
    return {"type": "section", "text": mrkdwn("x"), **more}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def button(**more: Any) -> Block:
    return {"type": "button", "text": plain("x"), **more}


def options(count: int, **more: Any) -> list[Block]:
    return [{"text": plain("x"), "value": str(number), **more} for number in range(count)]


def select(**more: Any) -> Block:
    return {"type": "static_select", "options": options(1), **more}


def input_block(element: Block, **more: Any) -> Block:
    return {"type": "input", "label": plain("x"), "element": element, **more}


def table(rows: int = 1, cells: int = 1, **more: Any) -> Block:
    row = [{"type": "raw_text", "text": "x"}] * cells
    return {"type": "table", "rows": [row] * rows, **more}


def modal(*blocks: Block, **more: Any) -> Block:
    return {
        "type": "modal",
        "title": plain("x"),
        "submit": plain("x"),
        "blocks": list(blocks) or [{"type": "divider"}],
        **more,
    }


def home(*blocks: Block, **more: Any) -> Block:
    return {"type": "home", "blocks": list(blocks) or [{"type": "divider"}], **more}


DIVIDER: Block = {"type": "divider"}
IMAGE: Block = {"type": "image", "alt_text": "x", "image_url": "https://x.example/a.png"}
CONFIRM: Block = {"title": plain("x"), "text": mrkdwn("x"), "confirm": plain("x"), "deny": plain("x")}
OVERFLOW: Block = {"type": "overflow", "options": options(5)}
TEXT_INPUT: Block = {"type": "plain_text_input", "action_id": "a"}

# (what passes, what is one over, where the second is pointed at)
MESSAGE_LIMITS: list[tuple[list[Block], list[Block], str]] = [
    ([DIVIDER] * 50, [DIVIDER] * 51, "/blocks"),
    ([section(text=mrkdwn("x" * 3000))], [section(text=mrkdwn("x" * 3001))], "/blocks/0/text/text"),
    ([section(fields=[mrkdwn("x")] * 10)], [section(fields=[mrkdwn("x")] * 11)], "/blocks/0/fields"),
    (
        [section(fields=[mrkdwn("x" * 2000)])],
        [section(fields=[mrkdwn("x" * 2001)])],
        "/blocks/0/fields/0/text",
    ),
    (
        [{"type": "header", "text": plain("x" * 150)}],
        [{"type": "header", "text": plain("x" * 151)}],
        "/blocks/0/text/text",
    ),
    (
        [{"type": "context", "elements": [mrkdwn("x")] * 10}],
        [{"type": "context", "elements": [mrkdwn("x")] * 11}],
        "/blocks/0/elements",
    ),
    ([actions(*[button()] * 25)], [actions(*[button()] * 26)], "/blocks/0/elements"),
    ([{**IMAGE, "alt_text": "x" * 2000}], [{**IMAGE, "alt_text": "x" * 2001}], "/blocks/0/alt_text"),
    (
        [{**IMAGE, "title": plain("x" * 2000)}],
        [{**IMAGE, "title": plain("x" * 2001)}],
        "/blocks/0/title/text",
    ),
    ([{**IMAGE, "image_url": "x" * 3000}], [{**IMAGE, "image_url": "x" * 3001}], "/blocks/0/image_url"),
    ([table(rows=100)], [table(rows=101)], "/blocks/0/rows"),
    ([table(cells=20)], [table(cells=21)], "/blocks/0/rows/0"),
    (
        [table(column_settings=[{"align": "left"}] * 19 + [None])],
        [table(column_settings=[None] * 21)],
        "/blocks/0/column_settings",
    ),
    (
        [{"type": "table", "rows": [[{"type": "raw_text", "text": "x" * 10000}]]}],
        [{"type": "table", "rows": [[{"type": "raw_text", "text": "x" * 10001}]]}],
        "/blocks",
    ),
    ([{**DIVIDER, "block_id": "x" * 255}], [{**DIVIDER, "block_id": "x" * 256}], "/blocks/0/block_id"),
    (
        [actions(button(action_id="x" * 255))],
        [actions(button(action_id="x" * 256))],
        "/blocks/0/elements/0/action_id",
    ),
    (
        [actions(button(text=plain("x" * 75)))],
        [actions(button(text=plain("x" * 76)))],
        "/blocks/0/elements/0/text/text",
    ),
    (
        [actions(button(value="x" * 2000))],
        [actions(button(value="x" * 2001))],
        "/blocks/0/elements/0/value",
    ),
    ([actions(button(url="x" * 3000))], [actions(button(url="x" * 3001))], "/blocks/0/elements/0/url"),
    (
        [actions(button(accessibility_label="x" * 75))],
        [actions(button(accessibility_label="x" * 76))],
        "/blocks/0/elements/0/accessibility_label",
    ),
    (
        [actions(button(confirm={**CONFIRM, "title": plain("x" * 100)}))],
        [actions(button(confirm={**CONFIRM, "title": plain("x" * 101)}))],
        "/blocks/0/elements/0/confirm/title/text",
    ),
    (
        [actions(button(confirm={**CONFIRM, "text": mrkdwn("x" * 300)}))],
        [actions(button(confirm={**CONFIRM, "text": mrkdwn("x" * 301)}))],
        "/blocks/0/elements/0/confirm/text/text",
    ),
    (
        [actions(button(confirm={**CONFIRM, "confirm": plain("x" * 30)}))],
        [actions(button(confirm={**CONFIRM, "confirm": plain("x" * 31)}))],
        "/blocks/0/elements/0/confirm/confirm/text",
    ),
    (
        [actions(button(confirm={**CONFIRM, "deny": plain("x" * 30)}))],
        [actions(button(confirm={**CONFIRM, "deny": plain("x" * 31)}))],
        "/blocks/0/elements/0/confirm/deny/text",
    ),
    ([actions(OVERFLOW)], [actions({**OVERFLOW, "options": options(6)})], "/blocks/0/elements/0/options"),
    (
        [actions(select(options=options(100)))],
        [actions(select(options=options(101)))],
        "/blocks/0/elements/0/options",
    ),
    (
        [actions(select(options=[{"text": plain("x" * 75), "value": "x"}]))],
        [actions(select(options=[{"text": plain("x" * 76), "value": "x"}]))],
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        [actions(select(options=[{"text": plain("x"), "value": "x" * 150}]))],
        [actions(select(options=[{"text": plain("x"), "value": "x" * 151}]))],
        "/blocks/0/elements/0/options/0/value",
    ),
    (
        [actions(select(options=options(1, description=plain("x" * 75))))],
        [actions(select(options=options(1, description=plain("x" * 76))))],
        "/blocks/0/elements/0/options/0/description/text",
    ),
    (
        [actions(select(placeholder=plain("x" * 150)))],
        [actions(select(placeholder=plain("x" * 151)))],
        "/blocks/0/elements/0/placeholder/text",
    ),
    (
        [
            actions(
                {
                    "type": "static_select",
                    "option_groups": [{"label": plain("x"), "options": options(1)}] * 100,
                }
            )
        ],
        [
            actions(
                {
                    "type": "static_select",
                    "option_groups": [{"label": plain("x"), "options": options(1)}] * 101,
                }
            )
        ],
        "/blocks/0/elements/0/option_groups",
    ),
    (
        [
            actions(
                {
                    "type": "static_select",
                    "option_groups": [{"label": plain("x" * 75), "options": options(1)}],
                }
            )
        ],
        [
            actions(
                {
                    "type": "static_select",
                    "option_groups": [{"label": plain("x" * 76), "options": options(1)}],
                }
            )
        ],
        "/blocks/0/elements/0/option_groups/0/label/text",
    ),
    (
        [actions({"type": "radio_buttons", "options": options(10)})],
        [actions({"type": "radio_buttons", "options": options(11)})],
        "/blocks/0/elements/0/options",
    ),
    (
        [actions({"type": "checkboxes", "options": options(10)})],
        [actions({"type": "checkboxes", "options": options(11)})],
        "/blocks/0/elements/0/options",
    ),
    (
        [input_block(TEXT_INPUT, label=plain("x" * 2000))],
        [input_block(TEXT_INPUT, label=plain("x" * 2001))],
        "/blocks/0/label/text",
    ),
    (
        [input_block(TEXT_INPUT, hint=plain("x" * 2000))],
        [input_block(TEXT_INPUT, hint=plain("x" * 2001))],
        "/blocks/0/hint/text",
    ),
    (
        [input_block({**TEXT_INPUT, "max_length": 3000})],
        [input_block({**TEXT_INPUT, "max_length": 3001})],
        "/blocks/0/element/max_length",
    ),
]
