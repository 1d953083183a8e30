"""Announcements and answers share Slack's pace, of each channel and of the workspace; answers come first."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack.faults import RateLimited
from bot.sandbox.slack.messages import Channel
from bot.settings import PersonId
from bot.slack.gestures import ReplyTarget
from bot.slack.replies import Replies, SentReply
from bot.slack.views.message import Message
from tests.rooms.slack.delivering import PROD, PostOffice, post_office

CHANNELS = [f"C0STORM{number:02d}" for number in range(30)]
SECONDS_AN_ANSWER_MAY_TAKE = 2.0


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with post_office(tmp_path) as opened:
        members = list(opened.slack.workspace.conversations.channel(PROD).members)
        opened.slack.workspace.conversations.add(
            *(Channel(channel, channel.lower(), members=members) for channel in CHANNELS)
        )
        yield opened


async def test_a_storm_in_thirty_channels(office: PostOffice) -> None:
    """Slack refuses none of it, and the answers to actions in a busy channel are there in two seconds."""
    replies = Replies(office.web_api, office.clock)
    for channel in CHANNELS * 12:
        await office.queues(channel)
    target = ReplyTarget(PersonId("U0ANN"), CHANNELS[0], None)
    posted: list[SentReply | None] = []
    waited: list[float] = []

    async def answer(number: int) -> None:
        asked_at = office.clock.monotonic()
        posted.append(await replies.post(target, Message(f"Answer {number}")))
        waited.append(office.clock.monotonic() - asked_at)

    async with office.sending(), asyncio.TaskGroup() as group:
        for number in range(22):
            asking = group.create_task(answer(number))
            await office.until(asking.done)
            await office.clock.advance(2.0)
        await office.until_sent()
    calls = office.slack.calls_of("chat.postMessage")
    assert [call.status for call in calls if call.status != 200] == []
    assert None not in posted
    assert max(waited) <= SECONDS_AN_ANSWER_MAY_TAKE
    assert office.told() == Counter(office.queued)


async def test_an_answer_goes_before_an_announcement_that_waits(office: PostOffice) -> None:
    """Whoever waits for the same turn of a channel gives way to the person who asked."""
    pace, order = office.web_api.pace, list[str]()

    async def take(name: str, *, is_answer: bool) -> None:
        assert await pace.turn(PROD, is_edit=False, within_seconds=10.0, is_answer=is_answer)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name in ("sent", "waits", "waits too"):
            group.create_task(take(name, is_answer=False))
        await asyncio.sleep(0)
        group.create_task(take("answer", is_answer=True))
        for _ in range(4):
            await office.clock.advance(1.0)
    assert order == ["sent", "answer", "waits", "waits too"]


async def test_a_workspace_that_is_refused_rests(office: PostOffice) -> None:
    """Once two channels are refused together it is the workspace's limit: all posts wait, and no edit."""
    office.slack.faults.add("chat.postMessage", RateLimited(20), 2)
    for channel in CHANNELS[:2]:
        await office.queues(channel)
    async with office.sending():
        await office.until(lambda: len(office.slack.calls_of("chat.postMessage")) == 2)
        await office.queues(PROD)
        pace = office.web_api.pace
        await office.until(lambda: pace.held_seconds(PROD, is_edit=False))
        assert pace.held_seconds(PROD, is_edit=True) == 0
        await office.until_sent()
    refused, first, *_ = sorted(call.at for call in office.slack.calls_of("chat.postMessage"))[1:]
    assert first - refused >= 20
