"""In a channel that another organisation reads, people are answered alone: over the wire."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.operations.actions.retry import Retry
from bot.operations.model import KnownJob
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.faults import Refused
from bot.sandbox.slack.messages import Content, Message
from bot.sandbox.slack.normal import stored_blocks
from bot.sandbox.vbr.state import Job
from bot.slack.codec import action_id, encode_run
from bot.store import AuditLog
from bot.veeam import JobId
from tests.rooms.slack.gesture_room import HQ, PROD, GestureRoom, gesture_room

SHARED, SECRET, PEERS = "C0SHARED", "C0SECRET", "D0PEERS"
INFO = "conversations.info"
READ_BY_OTHERS = "Another organisation reads this channel, too"
NOT_TOLD = "Slack doesn't say whether another organisation reads this channel"


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[GestureRoom]:
    async with gesture_room(tmp_path) as opened:
        yield opened


@pytest.fixture
def job(room: GestureRoom) -> Job:
    made = room.world.add_job("SQL Prod", run_seconds=3600)
    room.world.finish_run(made, result="Failed", objects={"sql01": "Disk full"}, seconds=60)
    return made


async def answer(room: GestureRoom, channel: str, number: int = 0) -> Message:
    """What Ann alone is told there."""
    await room.until(lambda: len(room.slack.ephemerals("ann", channel)) > number)
    return room.slack.ephemerals("ann", channel)[number]


async def refusals(room: GestureRoom) -> list[object]:
    return [row.values["detail"] async for row in AuditLog(room.database).rows()]


def retry_button(room: GestureRoom, job: Job, channel: str) -> Message:
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Retry"},
        "action_id": action_id(Retry.operation),
        "value": encode_run(Retry(KnownJob(HQ, JobId(job.id)))),
    }
    conversations = room.slack.workspace.conversations
    content = Content("Failed", stored_blocks([{"type": "actions", "elements": [button]}]))
    posting = Posting(room.slack.workspace.app.bot_user, by_app=True)
    return conversations.post(conversations.channel(channel), content, posting)


async def test_a_typed_action(room: GestureRoom, job: Job) -> None:
    """Nothing is sent, the channel is told nothing, and the refusal is on record."""
    # A client refuses commands there; what comes all the same must not depend on it.
    ann, conversations = room.person("ann"), room.slack.workspace.conversations
    typed = f"start {job.name}"
    payload = ann.payloads.slash_command(
        ann.person, conversations.channel(SHARED), "/veeam", typed, typed=typed
    )
    await ann.deliveries.send("slash_commands", payload)
    assert READ_BY_OTHERS in (await answer(room, SHARED)).text
    assert (room.posts(), room.slack.messages(SHARED)) == ([], [])
    assert await refusals(room) == ["shared_channel"]


@pytest.mark.parametrize("channel", [SHARED, PROD])
async def test_a_pressed_button(room: GestureRoom, job: Job, channel: str) -> None:
    """Shared, or to be shared as soon as the others accept: it is refused."""
    room.slack.workspace.conversations.channel(PROD).is_pending_ext_shared = True
    await room.person("ann").presses(retry_button(room, job, channel), "Retry")
    assert READ_BY_OTHERS in (await answer(room, channel)).text
    assert room.posts() == []
    assert await refusals(room) == ["shared_channel"]


async def test_a_query_and_its_share(room: GestureRoom, job: Job) -> None:
    """The person alone is answered as anywhere, without a question to Slack; sharing it is refused."""
    room.slack.workspace.conversations.channel(PROD).is_ext_shared = True
    ann, conversations = room.person("ann"), room.slack.workspace.conversations
    payload = ann.payloads.slash_command(
        ann.person, conversations.channel(PROD), "/veeam", "jobs", typed="/veeam jobs"
    )
    await ann.deliveries.send("slash_commands", payload)
    jobs = await answer(room, PROD)
    assert job.name in jobs.text
    assert room.slack.calls_of(INFO) == []
    await ann.presses(jobs, "Share")
    assert READ_BY_OTHERS in (await answer(room, PROD, 1)).text
    assert room.slack.messages(PROD) == []
    assert await refusals(room) == ["shared_channel"]


async def test_a_channel_that_slack_does_not_describe(room: GestureRoom, job: Job) -> None:
    """A private channel without the bot, and a failing call: refused, with what to do; then it works."""
    ann = room.person("ann")
    await ann.types(SECRET, f"start {job.name}")
    told = (await answer(room, SECRET)).text
    assert NOT_TOLD in told
    assert "Invite it" in told
    assert "allowed_channels" in told
    room.slack.faults.add(INFO, Refused("fatal"))
    await ann.types(PROD, f"start {job.name}")
    assert NOT_TOLD in (await answer(room, PROD)).text
    assert room.posts() == []
    assert await refusals(room) == ["channel_unreadable", "channel_unreadable"]
    room.slack.faults.clear()
    await ann.types(PROD, f"start {job.name}")
    await room.until(room.posts)


async def test_a_direct_message_to_the_bot(room: GestureRoom, job: Job) -> None:
    """Nobody else reads it: Slack is not asked about readers."""
    workspace, ann = room.slack.workspace, room.person("ann")
    direct = workspace.conversations.direct(workspace.app.bot_user, ann.person.id)
    await ann.types(direct.id, f"start {job.name}")
    await room.until(room.posts)
    assert room.slack.calls_of(INFO) == []
