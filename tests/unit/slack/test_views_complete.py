"""Everything that can come back from an operation has a view."""

import sys
from collections.abc import Iterator
from typing import get_args

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models import blocks

from bot.operations.catalog import OPERATIONS
from bot.operations.outcomes import Answer, Form
from bot.slack.views.announcements import VIEWS
from bot.slack.views.forms import FORMS
from bot.slack.views.message import drawn
from bot.slack.views.outcomes import ANSWERS
from bot.watch.facts import Announcement


def kinds_of(base: type[object]) -> Iterator[type[object]]:
    """The classes below it that values are made of: those that have none below themselves."""
    kinds: list[type[object]] = base.__subclasses__()
    for kind in kinds:
        # A dataclass with slots is made twice; the first one is in no module, and may not be collected yet.
        if getattr(sys.modules[kind.__module__], kind.__name__) is kind:
            yield from set(kinds_of(kind)) or {kind}


def test_every_announcement_is_drawn() -> None:
    """What the outbox can hold has a view, and no view draws what is gone."""
    assert set(get_args(Announcement)) == set(VIEWS)


@pytest.mark.parametrize(("base", "views"), [(Answer, ANSWERS), (Form, FORMS)])
def test_every_kind_is_drawn(base: type[object], views: dict[type[object], object]) -> None:
    """A verb's answers and forms are each drawn by one function, and no function draws what is gone."""
    assert OPERATIONS  # the verbs' files are imported, with all that they define

    assert set(kinds_of(base)) == set(views)


@pytest.mark.parametrize(
    "block",
    [
        blocks.DividerBlock(block_id="x" * 256),
        blocks.ActionsBlock(elements=[blocks.ButtonElement(text="x" * 76, action_id="a")]),
        blocks.ActionsBlock(
            elements=[
                blocks.ButtonElement(
                    text="x", action_id="a", confirm=blocks.ConfirmObject(title="x" * 101, text="x")
                )
            ]
        ),
    ],
    ids=["block", "button", "dialog"],
)
def test_what_slack_would_refuse_is_not_drawn(block: blocks.Block) -> None:
    """The SDK's checks hold for a block and for what is in it."""
    with pytest.raises(SlackObjectFormationError):
        drawn(block)
