"""Blocks, and on which surface each may stand."""

from collections.abc import Mapping
from typing import Any, Literal

from bot.sandbox.slack.validation.elements import ACCESSORIES, ACTIONS, INPUTS, MODAL_INPUTS
from bot.sandbox.slack.validation.objects import SLACK_FILE, image, plain, text
from bot.sandbox.slack.validation.rich_text import RICH_TEXT
from bot.sandbox.slack.validation.shapes import (
    Check,
    Report,
    anything,
    flag,
    listing,
    one_of,
    record,
    some_of,
    string,
    typed,
    word,
)

Surface = Literal["message", "modal", "home"]

_ID: dict[str, Check] = {"block_id": string(255)}


def _or_null(check: Check) -> Check:
    def checked(value: Any, pointer: str, report: Report) -> None:
        if value is not None:
            check(value, pointer, report)

    return checked


def _input(elements: Mapping[str, Check]) -> Check:
    return record(
        {"label": plain(2000), "element": typed(elements)},
        {**_ID, "hint": plain(2000), "optional": flag, "dispatch_action": flag},
    )


_CELL = typed(
    {
        "raw_text": record({"text": string()}),
        "raw_number": record({"value": anything}, {"text": string()}),
        "rich_text": RICH_TEXT,
    }
)
_COLUMN = _or_null(record(optional={"align": word("left", "center", "right"), "is_wrapped": flag}))
_EVERYWHERE: dict[str, Check] = {
    "section": record(
        optional={
            **_ID,
            "text": text(),
            "fields": listing(text(2000), 10),
            "accessory": typed(ACCESSORIES),
            "expand": flag,
        },
        rules=[some_of("text", "fields")],
    ),
    "header": record({"text": plain(150)}, _ID),
    "divider": record(optional=_ID),
    "context": record(
        {
            "elements": listing(
                typed(
                    {
                        "plain_text": plain(3000),
                        "mrkdwn": text(),
                        "image": image(in_context=True),
                    }
                ),
                10,
            )
        },
        _ID,
    ),
    "actions": record({"elements": listing(typed(ACTIONS), 25)}, _ID),
    "image": record(
        {"alt_text": string(2000)},
        {**_ID, "title": plain(2000), "image_url": string(3000), "slack_file": SLACK_FILE},
        [one_of("image_url", "slack_file")],
    ),
    "input": _input(INPUTS),
    "rich_text": RICH_TEXT,
}
_TABLE = record({"rows": listing(listing(_CELL, 20), 100)}, {**_ID, "column_settings": listing(_COLUMN, 20)})
BLOCKS: dict[Surface, dict[str, Check]] = {
    "message": {**_EVERYWHERE, "table": _TABLE},
    "modal": {**_EVERYWHERE, "input": _input(MODAL_INPUTS)},
    "home": {**_EVERYWHERE, "table": _TABLE},
}
