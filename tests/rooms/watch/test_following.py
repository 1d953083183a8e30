"""The live progress of what was started through the bot."""

import asyncio
from dataclasses import dataclass

import pytest

from bot.sandbox.vbr import Outcome
from bot.sandbox.vbr import Session as Running
from bot.store import FollowedSession, FollowedSessions, NewFollowedSession, OwnAction, OwnActions, SharedRead
from bot.veeam import Session
from bot.watch import SessionFollower
from bot.watch.run_facts import RunFacts, SessionFacts
from tests.rooms.veeam.clients import wait_until
from tests.rooms.watch.site import Site


@dataclass(frozen=True)
class Shown:
    ts: str
    percent: int | None
    is_gone: bool
    ended: SessionFacts | None


class Display:
    """Notes what is shown; once it may die of that, or not succeed."""

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.dies = False
        self.fails = False

    async def __call__(
        self,
        followed: FollowedSession,
        session: Session | None,
        ended: SessionFacts | None,
        *,
        run: RunFacts | None = None,
        stopping: str | None = None,
    ) -> bool:
        del run, stopping
        percent = None if session is None else session.progress_percent
        self.shown.append(Shown(followed.ts, percent, session is None, ended))
        if self.dies:
            self.dies = False
            raise Died
        succeeded, self.fails = not self.fails, False
        return succeeded


class Died(BaseException):
    """The process is gone."""


@pytest.fixture
def display() -> Display:
    return Display()


@pytest.fixture
def following(site: Site, display: Display) -> SessionFollower:
    return SessionFollower(site.client, site.database, site.clock, "one", display)


@pytest.fixture
async def running(site: Site) -> Running:
    """A run of five minutes that somebody started and that a message follows."""
    job = site.world.add_job("SQL nightly")
    site.world.plan(job, [Outcome("Failed", {"vm01": "VSS timeout"})])
    session = site.world.begin_run(job, by=r"CORP\svc-slack")
    new = NewFollowedSession(
        server="hq",
        session_id=session.id,
        job_id=job.id,
        job_name=job.name,
        operation="start",
        person="U1",
        channel="C1",
        ts="1.0",
        started_at=site.clock.now(),
    )
    await FollowedSessions(site.database).add(new)
    await OwnActions(site.database).remember(
        OwnAction("hq", job.id, session.id, "start", "U1", "C1", "k7q2", site.clock.now())
    )
    return session


async def test_progress_until_the_end(
    site: Site, following: SessionFollower, display: Display, running: Running
) -> None:
    """A followed run is shown while it goes on, then its end with its story, and then no more."""
    for _ in range(3):
        await site.clock.advance(60)
        await following.tick()
    assert [each.ended for each in display.shown] == [None, None, None]
    percents = [each.percent or 0 for each in display.shown]
    assert percents == sorted(percents)
    assert percents[-1] > 0
    await site.clock.advance(180)
    await following.tick()
    await following.tick()
    assert len(display.shown) == 4
    ended = display.shown[-1].ended
    assert ended is not None
    assert (ended.session_id, ended.result, ended.started_by) == (running.id, "Failed", "U1")
    assert ended.details is not None
    assert [each.name for each in ended.details.problems] == ["vm01"]


async def test_nothing_to_follow_asks_nothing(
    site: Site, following: SessionFollower, display: Display
) -> None:
    """Without a followed run the server is left alone."""
    await following.tick()
    assert (site.requests(), display.shown) == ([], [])


@pytest.mark.usefixtures("running")
async def test_a_restart_goes_on(site: Site, following: SessionFollower, display: Display) -> None:
    """A process that dies while it shows the end shows it again after its restart."""
    await site.clock.advance(400)
    display.dies = True
    with pytest.raises(Died):
        await following.tick()
    again = SessionFollower(site.client, site.database, site.clock, "one", display)
    await again.tick()
    await again.tick()
    assert [each.ended is not None for each in display.shown] == [True, True]


@pytest.mark.usefixtures("running")
async def test_an_end_that_could_not_be_shown(
    site: Site, following: SessionFollower, display: Display
) -> None:
    """An end that could not be shown is shown again, until it could."""
    await site.clock.advance(400)
    display.fails = True
    for _ in range(3):
        await following.tick()
    assert [each.ended is not None for each in display.shown] == [True, True]


async def test_a_purged_session(
    site: Site, following: SessionFollower, display: Display, running: Running
) -> None:
    """A run that VBR no longer has is shown as gone, once."""
    site.world.purge_session(running.id)
    await following.tick()
    assert display.shown == []  # A session may be listed some time after it was started.
    await site.clock.advance(60)
    await following.tick()
    await following.tick()
    assert display.shown == [Shown("1.0", None, is_gone=True, ended=None)]


@pytest.mark.usefixtures("running")
async def test_one_of_two_processes_follows(site: Site, following: SessionFollower, display: Display) -> None:
    """Two processes do not edit the same message; when one dies the other goes on."""
    second = SessionFollower(site.client, site.database, site.clock, "two", display)
    await following.tick()
    await second.tick()
    assert len(display.shown) == 1
    await site.clock.advance(61)
    await second.tick()
    assert len(display.shown) == 2


async def test_long_runs_are_looked_at_rarely_and_not_for_ever(
    site: Site, following: SessionFollower, display: Display, running: Running
) -> None:
    """After an hour a run is looked at only now and then, after a week no longer."""
    assert running.run is not None
    running.run.end_at = site.clock.now().replace(year=2030)
    await site.clock.advance(2 * 3600)
    for _ in range(12):
        await following.tick()
    assert len(display.shown) == 2
    await site.clock.advance(7 * 24 * 3600)
    for _ in range(12):
        await following.tick()
    assert [each.is_gone for each in display.shown] == [False, False, True]


@pytest.mark.usefixtures("running")
async def test_the_loop_survives_a_silent_server(
    site: Site, following: SessionFollower, display: Display
) -> None:
    """A server that does not answer is asked again seconds later."""
    await site.vbr.go_dark()
    servers = SharedRead(FollowedSessions(site.database).servers, site.clock, seconds=1)
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(following.run(servers))
        await wait_until(lambda: site.clock.sleeping == 1)
        assert display.shown == []
        await site.vbr.come_back()
        await site.clock.advance(5)
        await wait_until(lambda: bool(display.shown))
        loop.cancel()
