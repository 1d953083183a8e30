"""Blocks, and on which surface each may stand."""

from collections.abc import Mapping
from typing import Any, Literal

from bot.sandbox.slack.validation.elements import (
    ACCESSORIES,
    ACTIONS,
    CONTEXT_ACTIONS,
    ELEMENTS,
    INPUTS,
    MODAL_INPUTS,
)
from bot.sandbox.slack.validation.objects import SLACK_FILE, image, plain, text
from bot.sandbox.slack.validation.rich_text import RICH_TEXT
from bot.sandbox.slack.validation.shapes import (
    Check,
    Report,
    anything,
    flag,
    integer,
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
_BUTTON = typed({"button": ELEMENTS["button"]})
_IMAGE = typed({"image": image(in_context=True)})


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
_CARD = record(
    optional={
        **_ID,
        "title": text(150),
        "subtitle": text(150),
        "body": text(200),
        "subtext": text(200),
        "hero_image": _IMAGE,
        "icon": _IMAGE,
        "slack_icon": record({"name": string()}),
        "actions": listing(_BUTTON, 3),
    },
    rules=[some_of("hero_image", "title", "actions", "body")],
)
_TASK: dict[str, Check] = {
    **_ID,
    "details": typed({"rich_text": RICH_TEXT}),
    "output": typed({"rich_text": RICH_TEXT}),
    "sources": listing(anything),
}


def _task(*statuses: str) -> Check:
    return record({"task_id": string(), "title": string()}, {**_TASK, "status": word(*statuses)})


def _collapsing(value: Mapping[str, Any]) -> str | None:
    both = value.get("has_header_divider") and value.get("is_collapsible")
    return "cannot provide both has_header_divider and is_collapsible" if both else None


_SERIES = record({"name": string(20), "data": listing(anything, 20)})
_CHART = typed(
    {
        "pie": record({"segments": listing(record({"label": string(20), "value": anything}), 12)}),
        **{
            kind: record({"series": listing(_SERIES, 12)}, {"axis_config": anything})
            for kind in ("bar", "area", "line")
        },
    }
)

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
    "header": record({"text": plain(150)}, {**_ID, "level": integer(1, 4)}),
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
    "video": record(
        {
            "alt_text": string(2000),
            "title": plain(199),
            "thumbnail_url": string(3000),
            "video_url": string(3000),
        },
        {
            **_ID,
            "author_name": string(49),
            "description": plain(200),
            "provider_icon_url": string(3000),
            "provider_name": string(),
            "title_url": string(3000),
        },
    ),
    "card": _CARD,
}
_TABLE = record({"rows": listing(listing(_CELL, 20), 100)}, {**_ID, "column_settings": listing(_COLUMN, 20)})
_DATA_TABLE = record(
    {"rows": listing(listing(_CELL, 20), 201, least=2)},
    {**_ID, "caption": string(), "page_size": integer(1, 100), "row_header_column_index": integer(0, 19)},
)
_CAROUSEL = record({"elements": listing(typed({"card": _CARD}), 10)}, _ID)
_CHILDREN: dict[str, Check] = {
    **{
        name: _EVERYWHERE[name]
        for name in (
            "actions",
            "context",
            "divider",
            "header",
            "image",
            "input",
            "rich_text",
            "section",
            "video",
        )
    },
    "table": _TABLE,
}
_CONTAINER = record(
    {"child_blocks": listing(typed(_CHILDREN), 10)},
    {
        **_ID,
        "title": plain(150),
        "rich_text_title": typed({"rich_text": RICH_TEXT}),
        "subtitle": plain(150),
        "width": word("narrow", "standard", "wide", "full"),
        "is_collapsible": flag,
        "default_collapsed": flag,
        "has_header_divider": flag,
    },
    [one_of("title", "rich_text_title"), _collapsing],
)
_MESSAGE_AND_HOME = {
    "table": _TABLE,
    "data_table": _DATA_TABLE,
    "carousel": _CAROUSEL,
    "container": _CONTAINER,
}

BLOCKS: dict[Surface, dict[str, Check]] = {
    "message": {
        **_EVERYWHERE,
        **_MESSAGE_AND_HOME,
        "file": record({"external_id": string(255), "source": word("remote")}, _ID),
        "markdown": record({"text": string(12_000)}, _ID),
        "context_actions": record({"elements": listing(typed(CONTEXT_ACTIONS), 5)}, _ID),
        "task_card": _task("in_progress", "complete", "error"),
        "plan": record(
            {"title": string()},
            {**_ID, "tasks": listing(_task("pending", "in_progress", "complete", "error"))},
        ),
        "data_visualization": record({"title": string(50), "chart": _CHART}, _ID),
    },
    "modal": {
        **_EVERYWHERE,
        "input": _input(MODAL_INPUTS),
        "alert": record(
            {"text": text(200)}, {**_ID, "level": word("default", "info", "warning", "error", "success")}
        ),
    },
    "home": {**_EVERYWHERE, **_MESSAGE_AND_HOME},
}
