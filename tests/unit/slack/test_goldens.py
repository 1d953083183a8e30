"""Every message there is, as it was last looked at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.slack.views.message import Message
from tests.support.block_limits import problems
from tests.unit.slack.cases import messages
from tests.unit.slack.form_cases import views

MESSAGES = messages()
Golden = Callable[[str, Any], Any]


@pytest.mark.parametrize("name", MESSAGES)
def test_message_is_as_it_was_last_looked_at(name: str, golden: Golden) -> None:
    """A view draws exactly the message that its golden file keeps."""
    message = MESSAGES[name]
    drawn = {"text": message.text, "blocks": list(message.blocks), "metadata": message.metadata}

    assert drawn == golden(name, drawn)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_message_keeps_slacks_limits(message: Message) -> None:
    """Slack takes every golden message, posted or edited."""
    assert problems(message.text, message.blocks) == []


def test_every_golden_file_belongs_to_a_case() -> None:
    """A case that is gone takes its file along."""
    files = {path.stem for path in (Path(__file__).parent / "golden").glob("*.json")}

    assert files == {*MESSAGES, *views()}
