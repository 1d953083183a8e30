"""Announcements and answers share Slack's pace, of each channel and of the workspace; answers come first."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack.faults import RateLimited
from bot.sandbox.slack.messages import Channel
from bot.sandbox.slack.rates import POSTS_A_MINUTE, Rates
from bot.settings import PersonId
from bot.slack.gestures import ReplyTarget
from bot.slack.replies import Replies
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
    """Slack refuses none of it, and answers to actions in a busy channel have their turn in two seconds."""
    clock, pace, rates = office.clock, office.web_api.pace, Rates(office.clock.monotonic)
    refused = Counter[bool]()
    waited: list[float] = []

    def post(channel: str) -> None:
        wait = rates.refuse_post(channel) or rates.refuse("chat.postMessage", POSTS_A_MINUTE)
        refused[wait is not None] += 1

    async def announce(channel: str) -> None:
        for _ in range(20):
            assert await pace.turn(channel, is_edit=False, within_seconds=1_000.0)
            post(channel)

    async def answer() -> None:
        asked_at = clock.monotonic()
        assert await pace.turn(CHANNELS[0], is_edit=False, within_seconds=5.0, is_answer=True)
        post(CHANNELS[0])
        waited.append(clock.monotonic() - asked_at)

    async with asyncio.TaskGroup() as group:
        for channel in CHANNELS:
            group.create_task(announce(channel))
        for _ in range(22):
            await clock.advance(5.0)
            group.create_task(answer())
        await clock.advance(100.0)
    assert refused == {False: 30 * 20 + 22}
    assert max(waited) <= SECONDS_AN_ANSWER_MAY_TAKE


async def test_an_answer_in_a_busy_channel_can_be_kept_current(office: PostOffice) -> None:
    """While announcements wait for the channel, an action's answer is a message of the bot's own."""
    for _ in range(20):
        await office.queues()
    target = ReplyTarget(PersonId("U0ANN"), PROD, None)
    replies = Replies(office.web_api, office.clock)
    async with office.sending(), asyncio.TaskGroup() as group:
        await office.until(lambda: len(office.posts(PROD)) > 3)
        answers = [group.create_task(replies.post(target, Message(f"Answer {n}"))) for n in range(3)]
        await office.until(lambda: all(each.done() for each in answers))
        assert len(office.posts(PROD)) < 15
        await office.until_sent()
    assert None not in [each.result() for each in answers]
    assert {call.status for call in office.slack.calls_of("chat.postMessage")} == {200}
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
