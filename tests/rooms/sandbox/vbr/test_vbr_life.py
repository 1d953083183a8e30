"""How jobs run by themselves: schedules, states, automatic retries, chains, copies, determinism."""

from datetime import timedelta
from itertools import pairwise, takewhile

import pytest

from bot.sandbox.vbr import LIVELY, Outcome, Pace, Seeding, VbrSandbox, World, seeded_world
from bot.sandbox.vbr.jobmodels import after, daily, periodically
from bot.sandbox.vbr.schedule import next_run
from tests.rooms.sandbox.vbr.talking import Client, StillClock

FAILED = Outcome("Failed", {"vm02": "Failed to open VDDK disk"})


def test_a_run_goes_through_its_states(world: World, clock: StillClock) -> None:
    """Starting, Working, Postprocessing, Stopped; task sessions appear once it works."""
    session = world.begin_run(world.add_job("Web tier"))
    seen = []
    for _ in range(11):
        world.tick()
        seen.append((session.state, session.percent, len(session.task_ids)))
        clock.forward(seconds=10)
    assert seen[0] == ("Starting", None, 0)
    assert seen[1] == ("Working", 10, 2)
    assert seen[9] == ("Postprocessing", 90, 2)
    assert seen[10] == ("Stopped", 100, 2)


def test_a_scheduled_failure_is_retried_as_a_session_of_its_own(world: World, clock: StillClock) -> None:
    """Ten minutes after each failed end, three times, only what failed; then it is given up."""
    job = world.add_job("nightly", schedule=daily("15:00"))
    world.plan(job, [FAILED] * 4)
    clock.forward(hours=3)
    world.tick()
    sessions = world.sessions_of(job)
    assert [s.result for s in sessions] == ["Failed"] * 4
    pauses = [
        second.created_at - first.ended_at
        for first, second in pairwise(sessions)
        if first.ended_at is not None
    ]
    assert pauses == [timedelta(minutes=10)] * 3
    assert [[t.name for t in world.book.tasks_of(s)] for s in sessions[1:]] == [["vm02"]] * 3
    assert {s.initiated_by for s in sessions} == {".\\SYSTEM"}


def test_a_retry_that_succeeds_ends_the_trouble(world: World, clock: StillClock) -> None:
    """The last result is the retry's."""
    job = world.add_job("nightly", schedule=daily("15:00", await_minutes=1))
    world.plan(job, [FAILED])
    clock.forward(hours=1, minutes=10)
    world.tick()
    assert [s.result for s in world.sessions_of(job)] == ["Failed", "Success"]
    assert (job.last_result, job.failed_objects) == ("Success", ())


def test_warnings_and_manual_runs_are_not_retried(world: World, clock: StillClock) -> None:
    """Only Failed, and only what the schedule started."""
    warned = world.add_job("warned", schedule=daily("15:00"))
    manual = world.add_job("manual", schedule=daily("23:00"))
    world.plan(warned, [Outcome("Warning", {"vm01": "low space"})])
    world.plan(manual, [FAILED])
    world.begin_run(manual, by="EXAMPLE\\ana")
    clock.forward(hours=2)
    world.tick()
    assert [s.result for s in world.sessions_of(warned)] == ["Warning"]
    assert [s.result for s in world.sessions_of(manual)] == ["Failed"]


def test_a_chain_waits_for_the_retries_and_runs_even_after_failure(world: World, clock: StillClock) -> None:
    """The follower starts when the predecessor is through with its retries; a disabled one does not."""
    first = world.add_job("first", schedule=daily("15:00", retries=1))
    follower = world.add_job("second", schedule=after("first"))
    disabled = world.add_job("third", runs_after="first", is_disabled=True)
    world.plan(first, [FAILED, FAILED])
    clock.forward(hours=1, minutes=5)
    world.tick()
    assert world.sessions_of(follower) == []
    clock.forward(minutes=15)
    world.tick()
    last = world.sessions_of(first)[-1]
    assert [s.created_at for s in world.sessions_of(follower)] == [last.ended_at]
    assert world.sessions_of(disabled) == []


def test_an_immediate_copy_follows_new_restore_points(world: World, clock: StillClock) -> None:
    """It runs when its source has succeeded, and shows 0 percent when it is done."""
    world.add_job("source", schedule=daily("15:00"))
    copy = world.add_job("copy", "BackupCopy", source="source", objects=("vm01", "vm02"))
    clock.forward(hours=1, minutes=10)
    world.tick()
    assert [(s.type, s.result) for s in world.sessions_of(copy)] == [("CopyBackup", "Success")]


def test_the_runs_of_copy_jobs_have_children_that_belong_to_no_job(clock: StillClock) -> None:
    """Where the pace says so: a child session with its parent's id and a job id of its own."""
    world = World(clock, pace=Pace(housekeeping=False, has_child_sessions=True))
    world.add_job("source")
    parent = world.begin_run(world.add_job("copy", "BackupCopy", source="source"))
    clock.forward(minutes=10)
    world.tick()
    (child,) = [session for session in world.book.sessions.values() if session.parent_id == parent.id]
    assert (child.name, child.result) == ("copy\\VM Backup (Incremental)", "Success")
    assert child.job_id not in world.book.jobs


def test_a_leap_of_the_clock_leaves_the_same_history_as_creeping() -> None:
    """Everything happens at its own time, however seldom the world is looked at."""

    def history(steps: int) -> list[tuple[object, ...]]:
        clock = StillClock()
        world = World(clock, pace=Pace(run_seconds=(60.0, 600.0)))
        world.add_job("a", schedule=daily("15:00", await_minutes=3), failure_rate=0.5)
        world.add_job("b", schedule=periodically(45, "Minutes"), failure_rate=0.3)
        world.add_job("c", runs_after="a", failure_rate=0.2)
        for _ in range(steps):
            clock.forward(hours=48 / steps)
            world.tick()
        return [(s.name, s.created_at, s.ended_at, s.result) for s in world.book.sessions.values()]

    leap = history(1)
    assert len(leap) > 60
    assert leap == history(480)


def test_a_clock_set_back_does_no_harm(world: World, clock: StillClock) -> None:
    """The server's clock may be skewed either way; runs go on from there."""
    job = world.add_job("nightly", schedule=periodically(1))
    clock.forward(hours=2)
    world.tick()
    before = len(world.sessions_of(job))
    world.clock_skew = timedelta(hours=-1)
    world.tick()
    assert len(world.sessions_of(job)) == before
    clock.forward(hours=2)
    world.tick()
    assert len(world.sessions_of(job)) == before + 1


def _automatic(**blocks: dict[str, object]) -> dict[str, object]:
    return {"runAutomatically": True} | {name: {"isEnabled": True, **block} for name, block in blocks.items()}


@pytest.mark.parametrize(
    ("schedule", "local"),
    [
        (daily("22:00"), "2026-03-02T22:00:00"),
        (daily("9:00"), "2026-03-03T09:00:00"),
        (daily("14:00"), "2026-03-02T14:00:00"),
        (_automatic(daily={"localTime": "08:00", "dailyKind": "SelectedDays", "days": ["saturday"]}),
         "2026-03-07T08:00:00"),
        (periodically(6), "2026-03-02T18:00:00"),
        (periodically(30, "Minutes"), "2026-03-02T14:00:00"),
        (_automatic(monthly={"localTime": "01:00", "dayOfMonth": 1}), "2026-04-01T01:00:00"),
        (_automatic(monthly={"localTime": "01:00", "isLastDayOfMonth": True}), "2026-03-31T01:00:00"),
        ({"runAutomatically": False, "daily": {"isEnabled": True, "localTime": "22:00"}}, None),
        (after("other"), None),
        ({}, None),
    ],
)  # fmt: skip
def test_when_a_job_runs_next(
    world: World, clock: StillClock, schedule: dict[str, object], local: str | None
) -> None:
    """Times are the server's local ones; manual and chained jobs have none."""
    clock.now = clock.now.replace(hour=11, minute=59)
    found = next_run(schedule, world.now(), world.zone)
    assert (found.astimezone(world.zone).isoformat()[:19] if found else None) == local


@pytest.mark.parametrize("site", ["hq", "branch"])
def test_a_seeded_world_is_the_same_each_time(site: str) -> None:
    """Ids, names, results: all of it follows from seed and clock."""

    def facts() -> list[tuple[object, ...]]:
        world = seeded_world(StillClock(), site)
        return [(s.id, s.name, s.result, s.ended_at) for s in world.book.sessions.values()]

    assert facts() == facts()


def test_the_seeded_world_has_what_the_demo_needs() -> None:
    """Forty jobs of all types and then some, odd names, a month of history, noise, failures over a page."""
    world = seeded_world(StillClock(), "hq")
    jobs, sessions = list(world.jobs), list(world.book.sessions.values())
    names = {job.name for job in jobs}
    assert len(jobs) >= 40
    assert len({job.type for job in jobs}) == 13
    assert {"SQL", "SQL Production", "<!channel> nightly", "  blanks around  "} <= names
    assert max(map(len, names)) == 120
    assert sum(job.last_result == "Failed" for job in jobs) > 10
    assert any(job.is_disabled for job in jobs)
    assert any(job.last_run is None for job in jobs)
    assert any(world.book.active_session(job) for job in jobs)
    assert min(s.created_at for s in sessions) < world.now() - timedelta(days=29)
    assert sum(s.type == "ConfigurationResynchronize" for s in sessions) > len(sessions) / 2
    assert [s.state for s in sessions if s.type == "MalwareDetection"] == ["Working"]
    assert any(r.capacity_gb and r.free_gb / r.capacity_gb < 0.05 for r in world.book.repositories.values())


@pytest.mark.parametrize("site", ["hq", "branch"])
def test_what_fails_in_a_seeded_world_went_well_before(site: str) -> None:
    """A job whose last run failed did so at most six times in a row, and had successes before."""
    world = seeded_world(StillClock(), site)
    for job in world.jobs:
        results = [session.result for session in world.sessions_of(job) if session.is_stopped]
        streak = len(list(takewhile(lambda result: result == "Failed", reversed(results))))
        assert streak <= 6
        assert (job.last_result == "Failed") == (streak > 0)
        assert streak < len(results) or not results


@pytest.mark.parametrize("site", ["hq", "branch"])
def test_a_lively_world_soon_has_something_to_tell(site: str, clock: StillClock) -> None:
    """What runs at the start has come far: a run ends within the first half minute."""
    world = seeded_world(clock, site, Seeding(pace=LIVELY, await_minutes=1))
    running = [job for job in world.jobs if world.book.active_session(job)]
    assert running
    clock.forward(seconds=30)
    world.tick()
    assert any(world.book.active_session(job) is None for job in running)


def test_a_lively_world_starts_a_job_every_half_minute(clock: StillClock) -> None:
    """Ten minutes bring some twenty new runs of 20 to 45 seconds, and retries after a minute."""
    world = seeded_world(clock, "hq", Seeding(pace=LIVELY, await_minutes=1))
    begun = world.now()
    for _ in range(60):
        clock.forward(seconds=10)
        world.tick()
    fresh = [
        s
        for s in world.book.sessions.values()
        if s.created_at > begun and s.type != "ConfigurationResynchronize"
    ]
    assert 15 <= len(fresh) <= 60
    lengths = [(s.ended_at - s.created_at).total_seconds() for s in fresh if s.ended_at is not None]
    assert 20 <= min(lengths) <= max(lengths) <= 45


async def test_a_seeded_world_is_served_whole(clock: StillClock) -> None:
    """Every list of every kind can be read to its end, while time goes by."""
    world = seeded_world(clock, "branch")
    async with VbrSandbox(world) as vbr, Client(vbr) as client:
        await client.log_in()
        for path in (
            "/jobs",
            "/jobs/states",
            "/sessions",
            "/taskSessions",
            "/backupInfrastructure/repositories",
        ):
            total = (await client.get(path, limit=1))["pagination"]["total"]
            assert len((await client.get(path, limit=total + 1))["data"]) == total
            clock.forward(minutes=2)
