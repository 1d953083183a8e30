"""An answer gets through, once, by whichever way is left."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.sandbox.slack.faults import Dropped, RateLimited, Refused, ServerError
from bot.settings import PersonId
from bot.slack.gestures import ReplyTarget
from bot.slack.replies import Replies
from bot.slack.views.message import NO_CELL, Message, compose, has_tables, table
from tests.rooms.slack.delivering import PROD, PostOffice, post_office

ANN = PersonId("U0ANN")
SAID = Message("Answer", ({"type": "section", "text": {"type": "mrkdwn", "text": "Answer"}},))
ODD = Message("Answer", ({"type": "section", "text": {"type": "mrkdwn", "text": ""}},))


TABLE = compose([table(("Server", "Failed"), [("hq", "2"), ("dr", NO_CELL)])])


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with post_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def replies(office: PostOffice) -> Replies:
    return Replies(office.web_api, office.clock)


def place(office: PostOffice, channel: str = PROD, *, with_address: bool = True) -> ReplyTarget:
    ann = office.slack.person("ann")
    where = office.slack.workspace.conversations.channel(channel)
    payload = ann.payloads.slash_command(ann.person, where, "/veeam", "jobs", typed="/veeam jobs")
    return ReplyTarget(ANN, channel, payload["response_url"] if with_address else None)


def heard(office: PostOffice, channel: str = PROD) -> list[str]:
    """What ann reads: alone in the channel, in it, and in her direct messages."""
    alone = [each.text for each in office.slack.ephemerals("ann", channel)]
    everybody = [each.text for each in office.everything()]
    return [text for text in alone + everybody if text.startswith("Answer")]


async def test_the_address_of_the_gesture_comes_first(office: PostOffice, replies: Replies) -> None:
    """It works where the bot is no member."""
    await replies.post_ephemeral(place(office, "C0SECRET"), SAID)
    assert heard(office, "C0SECRET") == ["Answer"]
    assert office.slack.calls_of("chat.postEphemeral") == []


async def test_a_used_up_address(office: PostOffice, replies: Replies) -> None:
    """After five answers an ephemeral message takes over."""
    where = place(office)
    for _ in range(7):
        await replies.post_ephemeral(where, SAID)
    assert len(heard(office)) == 7
    assert len(office.slack.calls_of("chat.postEphemeral")) == 2


@pytest.mark.parametrize(
    ("fault", "ephemerals"),
    [(ServerError(500, after_effect=True), 0), (Dropped(after_effect=True), 0), (ServerError(400), 1)],
    ids=str,
)
async def test_an_address_that_fails(
    office: PostOffice, replies: Replies, fault: ServerError | Dropped, ephemerals: int
) -> None:
    """What may have arrived is not said again; what was refused is said in another way."""
    office.slack.faults.add("response_url", fault)
    await replies.post_ephemeral(place(office), SAID)
    assert heard(office) == ["Answer"]
    assert len(office.slack.calls_of("chat.postEphemeral")) == ephemerals


async def test_without_address_and_membership_a_direct_message(office: PostOffice, replies: Replies) -> None:
    """The last way left."""
    await replies.post_ephemeral(place(office, "C0SECRET", with_address=False), SAID)
    assert heard(office, "C0SECRET") == ["Answer"]


async def test_said_in_the_channel_it_can_be_edited(office: PostOffice, replies: Replies) -> None:
    """An action's answer is a message of the bot's own."""
    posted = await replies.post(place(office), SAID)
    assert posted is not None
    assert office.slack.messages(PROD)[-1].ts == posted.ts


async def test_a_short_429_is_waited_out(office: PostOffice, replies: Replies) -> None:
    """The message stays one that can be kept current."""
    office.slack.faults.add("chat.postMessage", RateLimited(2))
    async with asyncio.TaskGroup() as group:
        saying = group.create_task(replies.post(place(office), SAID))
        await office.until(saying.done)
    assert saying.result() is not None
    assert heard(office) == ["Answer"]


@pytest.mark.parametrize(
    "fault", [RateLimited(60), Refused("something_new"), Refused("is_archived")], ids=str
)
async def test_a_refused_post_goes_to_the_address(
    office: PostOffice, replies: Replies, fault: RateLimited | Refused
) -> None:
    """The channel hears it all the same, and that it can't be kept current."""
    office.slack.faults.add("chat.postMessage", fault)
    assert await replies.post(place(office), SAID) is None
    (said,) = heard(office)
    assert said.startswith("Answer\nThis won't be updated")
    assert [each.text for each in office.slack.messages(PROD)] == [said]


async def test_a_lost_reply_is_not_said_twice_to_the_channel(office: PostOffice, replies: Replies) -> None:
    """The asker is told alone; the channel reads it once."""
    office.slack.faults.add("chat.postMessage", Dropped(after_effect=True))
    assert await replies.post(place(office), SAID) is None
    assert [each.text for each in office.slack.messages(PROD)] == ["Answer"]
    assert [each.text for each in office.slack.ephemerals("ann", PROD)] == ["Answer"]


async def test_blocks_that_slack_refuses_go_as_text(office: PostOffice, replies: Replies) -> None:
    """A drawing that is wrong costs the drawing, not the answer."""
    async with asyncio.TaskGroup() as group:
        saying = group.create_task(replies.post(place(office), ODD))
        await office.until(saying.done)
    assert saying.result() is not None
    await replies.post_ephemeral(place(office), ODD)
    assert heard(office) == ["Answer", "Answer"]


async def answered(office: PostOffice, replies: Replies, where: ReplyTarget) -> None:
    """Answer, while time passes."""
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(replies.post_ephemeral(where, SAID))
        await office.until(answering.done)


async def test_too_many_answers_in_a_minute(office: PostOffice, replies: Replies) -> None:
    """One limit holds for ephemeral messages, whoever reads them: then an answer goes there directly."""
    office.slack.faults.add("chat.postEphemeral", RateLimited(30))
    await answered(office, replies, place(office, with_address=False))
    assert heard(office) == ["Answer"]
    assert office.slack.ephemerals("ann", PROD) == []


async def test_who_asks_too_much_waits(office: PostOffice, replies: Replies) -> None:
    """Where direct messages are too many as well, the answer comes when Slack takes it again."""
    office.slack.faults.add("chat.postEphemeral", RateLimited(30))
    office.slack.faults.add("chat.postMessage", RateLimited(30))
    await answered(office, replies, place(office, with_address=False))
    assert [each.text for each in office.slack.ephemerals("ann", PROD)] == ["Answer"]


async def test_what_was_written_to_the_bot_alone_is_answered_there(
    office: PostOffice, replies: Replies
) -> None:
    """By a message, in its thread where there is one."""
    workspace = office.slack.workspace
    direct = workspace.conversations.direct(workspace.app.bot_user, ANN)
    where = ReplyTarget(ANN, direct.id, None, is_direct_message=True)
    await answered(office, replies, where)
    (answer,) = direct.messages.values()
    await answered(office, replies, replace(where, thread_ts=answer.ts))
    assert [each.thread_ts for each in direct.messages.values()] == [None, answer.ts]
    assert direct.ephemerals == {}


async def test_a_table_that_is_refused_becomes_lines(office: PostOffice, replies: Replies) -> None:
    """Tables reach some workspaces later: what they say is sent as lines, and no more table is tried."""
    assert has_tables(TABLE)
    office.slack.faults.add("response_url", ServerError(400))
    await replies.post_ephemeral(place(office), TABLE)
    (shown,) = office.slack.ephemerals("ann", PROD)
    assert [block["type"] for block in shown.blocks] == ["section"]
    assert shown.blocks[0]["text"]["text"] == "*hq* · 2 failed\n*dr*"
    await replies.post(place(office), TABLE)
    (call,) = office.slack.calls_of("chat.postMessage")
    assert "table" not in str(call.arguments)


async def test_a_table_that_a_channel_refuses(office: PostOffice, replies: Replies) -> None:
    """The message is posted again, once, and keeps all but the table."""
    office.slack.faults.add("chat.postMessage", Refused("invalid_blocks"))
    async with asyncio.TaskGroup() as group:
        posting = group.create_task(replies.post(place(office), TABLE))
        await office.until(posting.done)
    first, second = office.slack.calls_of("chat.postMessage")
    assert "table" in str(first.arguments)
    assert "2 failed" in str(second.arguments["blocks"])
