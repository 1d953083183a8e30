"""What a mention in a thread is about, where the bot's own database does not say."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.messages import Content, Message
from tests.rooms.slack.gesture_room import PROD, GestureRoom, gesture_room


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[GestureRoom]:
    async with gesture_room(tmp_path) as opened:
        yield opened


def root(room: GestureRoom, author: str, payload: dict[str, Any]) -> Message:
    """A message with the metadata of a completion."""
    workspace = room.slack.workspace
    said = Content("failed", metadata={"event_type": "veeam_session", "event_payload": payload})
    posting = Posting(author, by_app=author == workspace.app.bot_user)
    return workspace.conversations.post(workspace.conversations.channel(PROD), said, posting)


async def asks(room: GestureRoom, thread: Message, words: str) -> str:
    """Mention the bot below a message; return the answer."""
    before = len(room.slack.ephemerals("ann", PROD))
    await room.person("ann").says(PROD, f"@veeam {words}", thread_ts=thread.ts)
    await room.until(lambda: len(room.slack.ephemerals("ann", PROD)) > before)
    answer = room.slack.ephemerals("ann", PROD)[before]
    assert answer.thread_ts == thread.ts
    return answer.text


async def test_the_metadata_of_the_root_say_it(room: GestureRoom) -> None:
    """After the database was lost, or where an action's own message is the root."""
    job = room.world.add_job("SQL Prod")
    session = room.world.finish_run(job, result="Failed", seconds=9)
    told = root(room, "U0VEEAMBOT", {"server": "hq", "job_id": job.id, "session_id": session.id})
    assert "SQL Prod" in await asks(room, told, "job")
    assert "SQL Prod" in await asks(room, told, "session")
    assert "A message alone changes nothing" in await asks(room, told, "retry")
    assert room.posts() == []


async def test_what_others_write_says_nothing(room: GestureRoom) -> None:
    """Metadata are only believed of the bot's own messages."""
    job = room.world.add_job("SQL Prod")
    told = root(room, "U0BEN", {"server": "hq", "job_id": job.id})
    assert "Which job?" in await asks(room, told, "job")


async def test_a_job_that_the_person_may_not_know_of(room: GestureRoom) -> None:
    """The metadata name a server that is in nobody's settings: there is no such job."""
    told = root(room, "U0VEEAMBOT", {"server": "elsewhere", "job_id": "6c76bb17-8695-4f7c-981f-670789edd8f3"})
    assert "No job named" in await asks(room, told, "job")


async def test_slack_that_does_not_say(room: GestureRoom) -> None:
    """Without the right to read the thread the words count as they are."""
    job = room.world.add_job("SQL Prod")
    told = root(room, "U0VEEAMBOT", {"server": "hq", "job_id": job.id})
    room.slack.workspace.app.scopes.discard("channels:history")
    assert "Which job?" in await asks(room, told, "job")
