"""Which conversations of two are with the bot: what Slack does not say for certain is somebody else's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack.faults import RateLimited, Refused
from bot.sandbox.slack.messages import Channel
from bot.slack.direct_messages import DirectMessages
from tests.rooms.slack.delivering import PostOffice, post_office

METHOD = "chat.getPermalink"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with post_office(tmp_path) as opened:
        yield opened


def with_bot(office: PostOffice) -> str:
    workspace = office.slack.workspace
    return workspace.conversations.direct(workspace.app.bot_user, "U0ANN").id


async def test_with_the_bot_and_of_two_people(office: PostOffice) -> None:
    """Slack is asked once for each."""
    office.slack.workspace.conversations.add(Channel("D0PEERS", "", kind="im", members=["U0ANN", "U0OLE"]))
    direct_messages = DirectMessages(office.web_api)
    for _ in range(3):
        assert await direct_messages.is_with_bot(with_bot(office))
        assert not await direct_messages.is_with_bot("D0PEERS")
        assert not await direct_messages.is_with_bot("D0NOWHERE")
    assert len(office.slack.calls_of(METHOD)) == 3


@pytest.mark.parametrize(
    "fault", [Refused("something_new"), Refused("invalid_auth"), RateLimited(60)], ids=str
)
async def test_no_clear_answer(office: PostOffice, fault: Refused | RateLimited) -> None:
    """It counts as somebody else's, and Slack is asked again the next time."""
    direct_messages = DirectMessages(office.web_api)
    office.slack.faults.add(METHOD, fault)
    assert not await direct_messages.is_with_bot(with_bot(office))
    office.slack.faults.clear()
    assert await direct_messages.is_with_bot(with_bot(office))
