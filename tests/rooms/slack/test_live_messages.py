"""The live message of an action keeps to the one pace that Slack allows for edits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack.faults import RateLimited
from bot.slack.live_messages import LiveMessages
from bot.store import FollowedId, FollowedSession
from bot.veeam import Session, SessionId
from tests.rooms.slack.delivering import PROD, PostOffice, post_office

EDITS_AT_ONCE = 25


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with post_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def live_messages(office: PostOffice) -> LiveMessages:
    return LiveMessages(office.web_api, clock=office.clock)


async def followed(office: PostOffice, number: int = 1) -> FollowedSession:
    """A running session, and the message in a channel that shows it."""
    posted = await office.web_api.write("chat.postMessage", {"channel": PROD, "text": "Started"})
    return FollowedSession(
        id=FollowedId(number),
        server="hq",
        session_id=f"s{number}",
        job_id="j1",
        job_name="SQL Prod",
        operation="start",
        person="U0ANN",
        channel=PROD,
        ts=str(posted["ts"]),
        started_at=office.clock.now(),
    )


def running(percent: int) -> Session:
    return Session(id=SessionId("s1"), state="Working", progress_percent=percent)


def edits(office: PostOffice) -> int:
    return len(office.slack.calls_of("chat.update"))


async def test_progress_gives_way_and_the_end_waits(office: PostOffice, live_messages: LiveMessages) -> None:
    """When the announcements have used up the edits, progress is left out; the end comes in its turn."""
    one = await followed(office)
    for _ in range(EDITS_AT_ONCE):
        assert await office.web_api.pace.turn(PROD, is_edit=True, within_seconds=0.0)
    await office.clock.advance(1.0)
    assert await live_messages(one, running(10), None)
    assert edits(office) == 0

    async with asyncio.TaskGroup() as group:
        ending = group.create_task(live_messages(one, None, None))
        await office.clock.advance(60.0)
    assert ending.result()
    assert edits(office) == 1


async def test_an_edit_that_came_too_early_holds_all_edits_back(
    office: PostOffice, live_messages: LiveMessages
) -> None:
    """Slack's Retry-After counts for the announcements' edits as well, and the end is shown again later."""
    office.slack.faults.add("chat.update", RateLimited(20))
    one, pace = await followed(office), office.web_api.pace
    assert not await live_messages(one, None, None)
    assert pace.held_seconds("C0OTHER", is_edit=True) == 20
    assert pace.held_seconds("C0OTHER", is_edit=False) == 0
    assert not await live_messages(one, None, None)
    assert edits(office) == 1

    await office.clock.advance(20.0)
    assert await live_messages(one, None, None)
    assert edits(office) == 2
