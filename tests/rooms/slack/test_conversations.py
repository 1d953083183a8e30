"""Conversations: which are with the bot, and who reads along. What Slack does not say is not assumed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.operations.places import Readers
from bot.sandbox.slack.faults import RateLimited, Refused
from bot.sandbox.slack.messages import Channel
from bot.slack.conversations import READERS_SECONDS, SlackConversations, readers_of
from tests.rooms.slack.delivering import PostOffice, post_office

METHOD, INFO = "chat.getPermalink", "conversations.info"


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
    conversations = SlackConversations(office.web_api, office.clock)
    for _ in range(3):
        assert await conversations.is_with_bot(with_bot(office))
        assert not await conversations.is_with_bot("D0PEERS")
        assert not await conversations.is_with_bot("D0NOWHERE")
    assert len(office.slack.calls_of(METHOD)) == 3


@pytest.mark.parametrize(
    "fault", [Refused("something_new"), Refused("invalid_auth"), RateLimited(60)], ids=str
)
async def test_no_clear_answer(office: PostOffice, fault: Refused | RateLimited) -> None:
    """It counts as somebody else's, and Slack is asked again the next time."""
    conversations = SlackConversations(office.web_api, office.clock)
    office.slack.faults.add(METHOD, fault)
    assert not await conversations.is_with_bot(with_bot(office))
    office.slack.faults.clear()
    assert await conversations.is_with_bot(with_bot(office))


@pytest.mark.parametrize(
    ("flags", "readers"),
    [
        ({}, Readers.OWN),
        ({"is_shared": True, "is_org_shared": True, "is_ext_shared": False}, Readers.OWN),
        ({"is_shared": True, "is_ext_shared": True}, Readers.OTHERS),
        ({"is_ext_shared": False, "is_pending_ext_shared": True}, Readers.OTHERS),
        (None, Readers.UNKNOWN),
    ],
)
def test_the_flags_of_a_channel(flags: dict[str, bool] | None, readers: Readers) -> None:
    """What counts is another organisation, now or once it accepts; no answer is no answer."""
    assert readers_of(flags) is readers


async def test_who_reads_a_channel(office: PostOffice) -> None:
    """Asked once in two minutes; a private channel without the bot is asked about again."""
    conversations = SlackConversations(office.web_api, office.clock)
    expected = {"C0PROD": Readers.OWN, "C0SHARED": Readers.OTHERS, "C0SECRET": Readers.UNKNOWN}
    for _ in range(2):
        assert {each: await conversations.readers(each) for each in expected} == expected
    assert len(office.slack.calls_of(INFO)) == 4
    office.slack.workspace.conversations.channel("C0PROD").is_pending_ext_shared = True
    await office.clock.advance(READERS_SECONDS)
    assert await conversations.readers("C0PROD") is Readers.OWN
    await office.clock.advance(1)
    assert await conversations.readers("C0PROD") is Readers.OTHERS


async def test_a_failed_question_is_no_answer(office: PostOffice) -> None:
    """Not even what was known before: it may have changed."""
    conversations = SlackConversations(office.web_api, office.clock)
    assert await conversations.readers("C0PROD") is Readers.OWN
    await office.clock.advance(READERS_SECONDS + 1)
    office.slack.faults.add(INFO, RateLimited(60))
    assert await conversations.readers("C0PROD") is Readers.UNKNOWN


async def test_what_is_remembered_is_bounded(office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit everything is asked anew."""
    monkeypatch.setattr("bot.slack.conversations._MOST_CONVERSATIONS", 2)
    conversations = SlackConversations(office.web_api, office.clock)
    for channel in ("C0PROD", "C0BACKUPS", "C0AUDIT", "C0PROD"):
        await conversations.readers(channel)
    assert len(office.slack.calls_of(INFO)) == 4


async def test_a_channel_that_the_bot_is_in(office: PostOffice) -> None:
    """Its own channels; not those that it was not invited to, that are archived, or that Slack hides."""
    channels = office.slack.workspace.conversations
    bot = office.slack.workspace.app.bot_user
    channels.add(
        Channel("C0IN", "in", members=[bot]),
        Channel("C0OUT", "out", members=["U0ANN"]),
        Channel("C0PRIVATE", "private", kind="private", members=["U0ANN"]),
    )
    conversations = SlackConversations(office.web_api, office.clock)
    found = [await conversations.is_member(each) for each in ("C0IN", "C0OUT", "C0PRIVATE", "C0NOWHERE")]
    assert found == [True, False, False, False]
    channels.channel("C0IN").is_archived = True
    assert not await conversations.is_member("C0IN")
