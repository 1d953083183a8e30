"""Forms that are drawn again for what was chosen in them, over the wire."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.faults import Held
from bot.sandbox.slack.views import View
from tests.rooms.slack.gesture_room import PROD, GestureRoom, gesture_room, words


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[GestureRoom]:
    async with gesture_room(tmp_path) as opened:
        yield opened


async def edits(room: GestureRoom) -> View:
    """Open the form of a job's settings."""
    room.world.add_job("SQL Prod")
    await room.person("ann").types(PROD, "edit SQL Prod")
    await room.until(lambda: (view := room.slack.open_view("ann")) and view.content["submit"])
    return room.modal("ann")


def fields(view: View) -> set[str]:
    return {block["block_id"] for block in view.blocks} & {"at", "days", "after_job"}


@pytest.mark.parametrize(
    "command", ["start", "retry", "disable", "delete", "create", "quickbackup", "edit SQL Prod"]
)
async def test_a_form_that_is_opened_posts_nothing(room: GestureRoom, command: str) -> None:
    """What is only asked for in a form is no news, for the channel or for the person."""
    room.world.add_job("SQL Prod")
    await room.person("ann").types(PROD, command)
    await room.until(lambda: (view := room.slack.open_view("ann")) and view.content["submit"])
    assert room.slack.messages(PROD) == []
    assert room.slack.ephemerals("ann", PROD) == []
    assert room.direct("ann") == []


async def is_redrawn(room: GestureRoom, form: View, choice: str) -> None:
    """Choose how the job runs, and let what draws the form for it be on its way to Slack."""
    arrived = asyncio.Event()

    def arrives(arguments: Arguments) -> bool:
        del arguments
        arrived.set()
        return True

    room.slack.faults.add("views.update", Held(), when=arrives)
    await room.person("ann").chooses(form, "rhythm", choice)
    async with asyncio.timeout(10):
        await arrived.wait()


CHOICES = [
    (["weekdays", "by_hand"], set()),
    (["by_hand", "chosen_days"], {"at", "days"}),
    (["chosen_days", "by_hand", "weekdays"], {"at"}),
    (["by_hand", "weekdays", "by_hand", "chosen_days"], {"at", "days"}),
]


@pytest.mark.parametrize(("choices", "expected"), CHOICES)
async def test_of_quick_choices_the_last_one_counts(
    room: GestureRoom, choices: list[str], expected: set[str]
) -> None:
    """Made before the form was drawn for the first: in the end it has the fields of the last."""
    form, ann = await edits(room), room.person("ann")
    drawn_as = form.hash
    for choice in choices:
        await ann.chooses(form, "rhythm", choice)
    await room.until(lambda: form.hash != drawn_as and fields(form) == expected)
    await room.clock.advance(1)
    assert fields(form) == expected
    chosen = form.entered["rhythm"]["rhythm"]["selected_option"]["value"]
    assert chosen == choices[-1]


async def test_a_choice_made_while_the_form_is_drawn_counts(room: GestureRoom) -> None:
    """The form is on its way to Slack for the first choice when the second is made in what stood before."""
    form = await edits(room)
    await is_redrawn(room, form, "by_hand")
    await room.person("ann").chooses(form, "rhythm", "chosen_days")
    room.slack.faults.clear()
    await room.until(lambda: fields(form) == {"at", "days"})


async def test_what_was_sent_off_meanwhile_is_left_alone(room: GestureRoom) -> None:
    """A choice, and at once Next: the fields that the choice asked for don't come back over the summary."""
    form = await edits(room)
    await is_redrawn(room, form, "by_hand")
    sent_off = await room.person("ann").submits(form, {"retention": "30"})
    assert sent_off.shown == "ok"
    room.slack.faults.clear()
    await room.clock.advance(1)
    await room.until(lambda: "14 days → 30 days" in words(room.modal("ann").blocks))
    assert fields(room.modal("ann")) == set()
