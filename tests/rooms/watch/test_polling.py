"""How a server is read: rarely asked, nothing missed, whatever its clock and its list do."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.observability import Health
from bot.sandbox.vbr import Fault, Moment, VbrSandbox, World
from bot.sandbox.vbr.faults import changed, empty, hanging, html, malformed, refusing, rows, setting
from bot.store import Database, Leases, ProcessedSessions
from bot.veeam import Timeouts
from bot.watch.facts import BackfillProblems, BackfillSummary, RunEnded
from tests.rooms.veeam.clients import SERVER_TIME, TOKEN, client_of, wait_until
from tests.rooms.watch.site import (
    DEFAULT,
    POLL_SECONDS,
    SESSIONS,
    Site,
    drained,
    kinds,
    of_kind,
    route_to,
    rules,
    site_of,
)
from tests.support.clock import FakeClock

HOUR = 3600.0


@pytest.mark.parametrize("seconds", [20, 40])
async def test_an_idle_poll_is_one_request(site: Site, seconds: int) -> None:
    """While nothing ends, a poll asks once: what ended, and in turn what began or what the time is."""
    site.world.with_many_jobs(30)
    site.begin()
    await site.poll()
    site.requests()
    asked = list[str]()
    for _ in range(16):
        for _ in range(seconds // 10):
            await site.clock.advance(10)
            await Leases(site.database).renew_all("one", site.clock.now(), POLL_SECONDS)
        assert await site.poll() == []
        (request,) = [each for each in site.vbr.requests if each.template != TOKEN[1]]
        site.requests()
        asked.append(request.query.get("orderColumn", "clock"))
    assert asked.count("EndTime") == 8
    assert 3 <= asked.count("clock") <= 4


@pytest.mark.parametrize("what", ["log backup", "offload", "restore", "part"])
async def test_what_is_never_told_keeps_nothing_busy(site: Site, what: str) -> None:
    """Log backups and offloads that went well, restores, and undecided parts: a poll stays one request."""
    job = site.world.add_job("Laptops", "WindowsAgentBackup", run_seconds=HOUR)
    if what == "part":
        parent = site.world.begin_run(job)
        parent.state = "Idle"
        site.world.finish_part(parent, "Laptops - lap01 (Full)", result="None")
    elif what == "offload":
        site.world.finish_offload("SOBR-1 Offload")
    else:
        session = site.world.session(site.ended())
        session.type = {"log backup": "SqlLogBackup", "restore": "RestoreVm"}[what]
    for _ in range(3):
        assert await site.poll_after() == []
    site.requests()
    for _ in range(4):
        await site.poll_after()
        assert len(site.requests()) == 1


async def test_a_log_backup_without_a_result_yet(site: Site) -> None:
    """Its failure is told once VBR says so."""
    session = site.world.session(site.ended(result="None"))
    session.type = "SqlLogBackup"
    assert await site.poll_after() == []
    session.result = "Failed"
    assert len(of_kind(await site.poll_after(), RunEnded)) == 1


async def polled(site: Site, seconds: int) -> list[float]:
    """Let the watch run for some seconds; return after which seconds it asked for sessions."""
    asked: list[float] = []
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(site.watch.run())
        for second in range(seconds):
            await wait_until(lambda: site.clock.sleeping == 1)
            asked += [second] * site.requests().count("/api/v1/sessions")
            await site.clock.advance(1)
        await wait_until(lambda: site.clock.sleeping == 1)
        loop.cancel()
    return asked


async def test_a_run_is_noticed_and_its_end_awaited(site: Site) -> None:
    """Once a run is noticed, polls come every few seconds, and its end is queued within three; then rest."""
    site.world.add_job("SQL nightly", run_seconds=100.0)
    await polled(site, 45)
    session = site.world.begin_run("SQL nightly")
    asked = await polled(site, 180)
    (row,) = [row for row in await drained(site.database, site.clock) if row.kind == "run_ended"]
    assert session.ended_at is not None
    assert (row.created_at - session.ended_at).total_seconds() <= 3
    assert len([at for at in asked if 45 <= at < 95]) >= 50 // 3
    assert len([at for at in asked if 125 <= at < 180]) <= 3


@pytest.mark.parametrize(
    ("hours", "end"),
    [(2, None), (40, datetime(1900, 1, 1, tzinfo=UTC)), (2, datetime(1, 1, 2, tzinfo=UTC))],
    ids=["none", "1900", "year 1"],
)
async def test_an_end_that_no_list_by_end_has(site: Site, hours: int, end: datetime | None) -> None:
    """A run that stops without a possible end is told within two polls, however long it ran; then rest."""
    site.world.add_job("SQL nightly", run_seconds=hours * HOUR + 30)
    await polled(site, 45)
    session = site.world.begin_run("SQL nightly")
    await polled(site, 45)
    for _ in range(hours):
        assert await site.poll_after(HOUR - 30) == []
        await site.clock.advance(30)
    site.world.tick()
    assert session.is_stopped
    session.ended_at, stopped_at = end, site.clock.now()
    asked = await polled(site, 180)
    (row,) = [row for row in await drained(site.database, site.clock) if row.kind == "run_ended"]
    assert (row.created_at - stopped_at).total_seconds() <= 2 * POLL_SECONDS
    assert len([at for at in asked if at >= 60]) <= 12


async def test_one_unreadable_run_holds_up_no_other(site: Site) -> None:
    """What can't be read of a run that no list has is read again, and the others are told meanwhile."""
    jobs = [site.world.add_job(name, run_seconds=3 * HOUR / 4) for name in ("SQL", "Oracle", "Files")]
    runs = [site.world.begin_run(job) for job in jobs]
    for _ in range(5):
        assert await site.poll_after(HOUR / 8) == []
    await site.clock.advance(HOUR / 8)
    site.world.tick()
    for run in runs:
        run.ended_at = None
    unreadable = changed(lambda row: {} if row["id"] == runs[0].id else row)
    site.vbr.faults.add("GET", "/api/v1/sessions/{id}", unreadable, times=99)
    told = [root for _ in range(6) for root in of_kind(await site.poll_after(), RunEnded)]
    assert {root.run.job_name for root in told} == {"Oracle", "Files"}
    site.vbr.faults.clear()
    told = [root for _ in range(6) for root in of_kind(await site.poll_after(), RunEnded)]
    assert {root.run.job_name for root in told} == {"SQL"}


@pytest.mark.parametrize("state", ["WaitingSlot", "WaitingRepository"])
async def test_runs_that_wait_are_listed(site: Site, state: str) -> None:
    """What is at work otherwise than Working is found in a list, and not read run by run."""
    jobs = [site.world.add_job(f"Job {number}", run_seconds=9 * HOUR) for number in range(30)]
    runs = [site.world.begin_run(job) for job in jobs]
    await site.poll_after()
    await site.poll_after(HOUR)
    for run in runs:
        run.state = state
    site.requests()
    for _ in range(3):
        assert await site.poll_after() == []
    asked = site.requests()
    assert "/api/v1/sessions/{id}" not in asked
    assert len(asked) <= 15


async def test_runs_that_nobody_hears_of_are_not_awaited(site: Site) -> None:
    """What runs without a route, logs that are backed up all the time, and what only waits hasten no poll."""
    site.begin(rules(route_to("C0PROD", jobs=["SQL*"]), default_channel=None))
    site.world.begin_run(site.world.add_job("Oracle nightly", run_seconds=HOUR))
    for kind, state in (("SqlLogBackup", "Working"), ("BackupJob", "Idle")):
        session = site.world.begin_run(site.world.add_job(f"SQL {kind}", run_seconds=HOUR))
        session.type, session.state = kind, state
    asked = await polled(site, 200)
    assert len(asked) <= 11


async def test_a_job_that_runs_at_the_start(database: Database, clock: FakeClock, world: World) -> None:
    """A job that was running for hours when the bot started is awaited, too."""
    async with site_of(database, clock, world) as site:
        session = site.world.begin_run(site.world.add_job("SQL nightly", run_seconds=2 * HOUR + 60))
        await clock.advance(2 * HOUR)
        await polled(site, 90)
        (row,) = [row for row in await drained(database, clock) if row.kind == "run_ended"]
        assert session.ended_at is not None
        assert (row.created_at - session.ended_at).total_seconds() <= 3


async def test_the_cursor_is_the_servers_clock(site: Site) -> None:
    """A server whose clock is an hour off is read as well as any, and nothing is called late."""
    site.world.clock_skew = -(site.clock.now() - site.clock.now().replace(hour=11))
    site.begin()
    session_id = site.ended()
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.last.session_id, root.run.is_late) == (session_id, False)


async def test_a_first_start_tells_a_few_one_by_one(
    database: Database, clock: FakeClock, world: World
) -> None:
    """Up to ten sessions of the time before are told each by itself, marked late."""
    async with site_of(database, clock, world) as site:
        for number in range(10):
            site.ended(f"Job {number}", ago=HOUR + number)
        site.ended("Too old", ago=25 * HOUR)
        told = await site.poll()
    assert [root.run.job_name for root in of_kind(told, RunEnded)] == [
        f"Job {9 - number}" for number in range(10)
    ]
    assert all(root.run.is_late for root in of_kind(told, RunEnded))


async def test_a_first_start_does_not_flood(database: Database, clock: FakeClock, world: World) -> None:
    """More than ten are told in one line a channel, what is wrong now in its thread; later ones as usual.

    What went well since is wrong no more, whichever channel is told of that.
    """
    async with site_of(database, clock, world) as site:
        site.begin(rules(route_to("C0PROD"), route_to(DEFAULT, results=["Success"])))
        for number in range(12):
            site.ended(f"Job {number}", "Failed" if number % 4 == 0 else "Success", ago=HOUR + number)
        site.ended("Job 4", "Success", ago=60)
        told = await site.poll()
        assert await site.poll_after() == []
        site.ended("Job 1")
        assert kinds(await site.poll_after()) == [(DEFAULT, "RunEnded")]
    lines = {channel: facts for channel, facts in told if isinstance(facts, BackfillSummary)}
    prod, default = lines["C0PROD"], lines[DEFAULT]
    assert (prod.results, prod.problems_total) == ({"Failed": 3}, 2)
    assert (default.results, default.problems_total) == ({"Success": 10}, 0)
    assert prod.since == default.since
    threads = [(channel, facts) for channel, facts in told if isinstance(facts, BackfillProblems)]
    assert [(channel, [run.job_name for run in facts.problems]) for channel, facts in threads] == [
        ("C0PROD", ["Job 0", "Job 8"])
    ]


async def test_few_of_many_are_told_one_by_one(database: Database, clock: FakeClock, world: World) -> None:
    """Only what somebody would be told counts towards the flood."""
    async with site_of(database, clock, world) as site:
        site.begin(rules(route_to("C0PROD"), default_channel=None))
        for number in range(20):
            site.ended(f"Job {number}", "Failed" if number == 7 else "Success", ago=HOUR + number)
        assert [root.run.job_name for root in of_kind(await site.poll(), RunEnded)] == ["Job 7"]


async def test_many_sessions_in_one_cycle(site: Site) -> None:
    """More sessions than a page holds are all read in one poll, and all told."""
    site.begin(rules(route_to("C0PROD"), default_channel=None))
    for number in range(510):
        site.ended("SQL nightly", "Failed" if number % 100 == 0 else "Success", ago=600 - number, seconds=0.5)
    told = await site.poll_after()
    assert len(of_kind(told, RunEnded)) == 6
    assert await site.poll_after() == []


async def test_a_session_recorded_late(site: Site) -> None:
    """A session that shows up minutes after its end, behind the cursor, is told all the same."""
    site.ended("First")
    await site.poll_after()
    site.ended("Late", ago=9 * 60)
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.job_name, root.run.is_late) == ("Late", True)


async def test_the_hourly_check_finds_what_was_missed(site: Site) -> None:
    """A session that the list by end never showed is found by its creation within the hour, and told once."""
    await site.clock.advance(HOUR / 2)
    site.ended("First")
    await site.poll()
    site.ended("Missed", ago=1500)
    assert await site.poll_after() == []
    told = await site.poll_after(HOUR / 2)
    assert [root.run.job_name for root in of_kind(told, RunEnded)] == ["Missed"]
    assert await site.poll_after(HOUR) == []


async def test_the_hourly_check_may_fail(site: Site) -> None:
    """A check that fails does not spoil the poll; it is made again minutes later, not at each poll."""
    await site.clock.advance(HOUR)
    site.ended("SQL nightly")
    site.vbr.faults.add(*SESSIONS, refusing(500), times=9, after=1)
    assert len(of_kind(await site.poll(), RunEnded)) == 1
    site.vbr.faults.clear()
    site.requests()
    await site.poll_after()
    assert site.requests() == ["/api/v1/sessions"]
    await site.poll_after(600)
    assert site.requests().count("/api/v1/sessions") == 2


async def test_types_that_no_document_names(site: Site) -> None:
    """Also where the list by end does not show them, the hourly check does; nothing else is missed then."""
    fancy = setting("sessionType", "FancyBackup")
    nothing = changed(lambda answer: {**answer, "data": [], "pagination": {"total": 0, "count": 0}})
    site.ended("Fancy")
    for fault in (nothing, nothing, rows(fancy)):  # a poll, another, and the check beside it
        site.vbr.faults.add(*SESSIONS, fault)
    site.vbr.faults.add("GET", "/api/v1/sessions/{id}", changed(fancy))
    assert await site.poll_after() == []
    told = await site.poll_after(HOUR)
    assert [root.run.last.session_type for root in of_kind(told, RunEnded)] == ["FancyBackup"]
    site.ended("SQL nightly")
    told = await site.poll_after()
    assert [root.run.job_name for root in of_kind(told, RunEnded)] == ["SQL nightly"]


async def test_a_type_that_comes_unasked(site: Site) -> None:
    """A server that sends a type nobody knows is believed where it is a job's; the job is asked for once."""
    site.vbr.faults.add(*SESSIONS, rows(setting("sessionType", "FancyBackup")), times=2)
    session_id = site.ended("Fancy")
    site.requests()
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert root.run.last.session_id == session_id
    await site.poll_after()
    assert site.requests().count("/api/v1/jobs/states") == 1


async def test_a_clock_set_back(site: Site) -> None:
    """A server's clock that is set back by days does not silence it for days, and tells nothing twice."""
    site.ended("First")
    assert len(of_kind(await site.poll_after(), RunEnded)) == 1
    site.world.clock_skew = site.clock.now().replace(day=20) - site.clock.now()
    site.ended("Second")
    told = await site.poll_after(HOUR)
    assert [root.run.job_name for root in of_kind(told, RunEnded)] == ["Second"]
    site.ended("Third")
    assert [root.run.job_name for root in of_kind(await site.poll_after(), RunEnded)] == ["Third"]


STEPS = [timedelta(minutes=11), timedelta(hours=1), timedelta(days=1), timedelta(days=40)]


@pytest.mark.parametrize("backfill_hours", [0, 24])
@pytest.mark.parametrize("step", [sign * each for sign in (1, -1) for each in STEPS], ids=str)
async def test_a_clock_that_is_set_while_the_bot_runs(
    site: Site, step: timedelta, backfill_hours: float
) -> None:
    """What ended just before or after is told in two minutes, nothing twice; also when it is put right."""
    site.begin(rules(backfill_hours=backfill_hours))
    await site.poll()
    told = list[str]()

    async def let_pass(seconds: int) -> None:
        for _ in range(seconds // 20):
            told.extend(root.run.job_name for root in of_kind(await site.poll_after(), RunEnded))

    site.ended("Long before")
    await let_pass(3000)
    assert told == ["Long before"]
    for round_, skew in enumerate([step, timedelta()]):
        site.ended(f"Just before {round_}")
        site.world.clock_skew = skew
        site.ended(f"Right after {round_}")
        await let_pass(120)
        site.ended(f"Later {round_}")
        await let_pass(120)
        assert sorted(told[3 * round_ + 1 :]) == sorted(
            [f"Just before {round_}", f"Right after {round_}", f"Later {round_}"]
        )
        for _ in range(3):
            assert await site.poll_after(HOUR) == []
    assert len(told) == 7


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
async def test_a_clock_that_is_set_while_a_job_runs(site: Site, hours: int) -> None:
    """The run is told once when it ends, whether the bot awaits it, or was down meanwhile."""
    jobs = [site.world.add_job(f"Job {number}", run_seconds=1e8) for number in range(2)]
    running = [site.world.begin_run(job) for job in jobs]
    for _ in range(5):
        await site.poll_after()
    site.world.clock_skew = timedelta(hours=hours)
    for session in running:
        session.run = None
        session.ended_at, session.state, session.result = site.world.now(), "Stopped", "Success"
        told = [root.run.job_name for _ in range(6) for root in of_kind(await site.poll_after(), RunEnded)]
        assert told == [session.name.partition(" (")[0]]
        site.begin()
        await site.clock.advance(60)


@pytest.mark.parametrize(
    "fault",
    [
        empty(401),
        refusing(403),
        refusing(500),
        html(),
        malformed(),
        changed(setting("serverTime", "soon")),
        changed(setting("serverTime", "0001-01-01T00:00:00")),
        changed(setting("serverTime", "9999-12-31T23:59:59+00:00")),
        hanging(Moment.BEFORE),
    ],
    ids=["401", "403", "500", "html", "half", "no date", "year 1", "year 9999", "hangs"],
)
async def test_a_first_start_without_the_servers_clock(
    database: Database, clock: FakeClock, world: World, fault: Fault
) -> None:
    """The date of its answers stands in, and a step of it is noticed; what is missing stands in `readyz`."""
    world.clock_skew = timedelta(days=-3)
    async with VbrSandbox(world) as vbr, client_of(vbr, clock, timeouts=Timeouts(total=0.2)) as client:
        site = Site(clock, world, vbr, client, database, Health(clock))
        vbr.faults.add(*SERVER_TIME, fault, times=999)
        site.ended("Before", ago=60)
        assert [root.run.job_name for root in of_kind(await site.poll(), RunEnded)] == ["Before"]
        part = site.health.part("server:hq")
        assert part is not None
        assert (part.ok, "its clock can't be read" in part.detail) == (True, True)
        for _ in range(3):
            await site.poll_after()
        world.clock_skew = timedelta(days=-5)
        site.ended("After")
        told = [root for _ in range(3) for root in of_kind(await site.poll_after(), RunEnded)]
        assert [root.run.job_name for root in told] == ["After"]
        vbr.faults.clear()
        await site.poll_after(HOUR)
        part = site.health.part("server:hq")
        assert part is not None
        assert (part.ok, part.detail) == (True, "")


async def test_a_clock_that_wants_a_token_costs_one_request(site: Site) -> None:
    """It is asked with one from then on, and an idle poll stays one request."""
    site.vbr.faults.add(*SERVER_TIME, empty(401), times=1)
    site.begin()
    await site.poll()
    site.requests()
    for _ in range(12):
        await site.poll_after()
        assert len(site.requests()) == 1
    part = site.health.part("server:hq")
    assert part is not None
    assert part.detail == ""


async def test_a_result_that_comes_later(site: Site) -> None:
    """A session that stopped without a verdict is read again some seconds later, and told as it is then."""
    session = site.world.session(site.ended(result="None"))
    assert await site.poll_after() == []
    session.result = "Failed"
    session_id = session.id
    session.result = "Warning"
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.last.session_id, root.run.last.result) == (session_id, "Warning")
    assert await site.poll_after() == []


async def test_no_verdict_at_all(site: Site) -> None:
    """A session that ended without a verdict is told as that, also when later ones ended meanwhile."""
    site.ended("Nothing done", "None", ago=1)
    site.ended("SQL nightly")
    first = of_kind(await site.poll_after(), RunEnded)
    await site.clock.advance(1200)
    second = of_kind(await site.poll(), RunEnded)
    assert [(root.run.job_name, root.run.last.result) for root in (*first, *second)] == [
        ("SQL nightly", "Success"),
        ("Nothing done", "None"),
    ]


async def test_stopped_without_an_end(site: Site) -> None:
    """A session that stays Stopped without an end over several reads ended when it was first seen so."""
    session = site.world.session(site.ended())
    session.ended_at = None
    await site.poll_after(HOUR)
    seen_at = site.clock.now()
    assert await site.poll_after() == []
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.last.session_id, root.run.last.ended_at) == (session.id, seen_at)
    assert await site.poll_after(HOUR) == []


async def test_stopped_without_an_end_and_unreadable(site: Site) -> None:
    """It is told as it was listed, and the poll goes on."""
    run = site.world.begin_run(site.world.add_job("SQL nightly", run_seconds=60))
    assert await site.poll_after() == []
    await site.clock.advance(60)
    site.world.tick()
    run.ended_at = None
    assert await site.poll_after() == []
    await site.clock.advance(HOUR)
    site.vbr.faults.add("GET", "/api/v1/sessions/{id}", refusing(500), times=99)
    told = [root for _ in range(3) for root in of_kind(await site.poll_after(), RunEnded)]
    assert [root.run.job_name for root in told] == ["SQL nightly"]


async def test_running_sessions_are_left_alone(site: Site) -> None:
    """A session that is still running is not told, whatever its progress says."""
    session = site.world.begin_run(site.world.add_job("SQL nightly"))
    session.percent = 100
    assert await site.poll_after() == []


async def test_a_restart_goes_on_where_it_was(site: Site) -> None:
    """What ended while the bot was down is told after it, marked late; what was told is not told again."""
    site.ended("Before")
    await site.poll_after()
    site.ended("During")
    await site.clock.advance(HOUR)
    site.begin()
    (root,) = of_kind(await site.poll(), RunEnded)
    assert (root.run.job_name, root.run.is_late) == ("During", True)


@pytest.mark.parametrize(
    ("backfill_hours", "expected"), [(24, ["Day old"]), (0, []), (72, ["Old", "Day old"])]
)
async def test_a_long_outage_is_caught_up_as_far_as_backfill(
    site: Site, backfill_hours: float, expected: list[str]
) -> None:
    """After days of silence only the backfill is told, one by one, and the rest never."""
    site.begin(rules(backfill_hours=backfill_hours))
    site.ended("Old")
    await site.clock.advance(30 * HOUR)
    site.ended("Day old")
    await site.clock.advance(18 * HOUR)
    told = await site.poll()
    assert [root.run.job_name for root in of_kind(told, RunEnded)] == expected
    assert await site.poll_after(HOUR) == []


async def test_a_short_outage_loses_nothing_without_backfill(site: Site) -> None:
    """Without any backfill a restart still tells what ended meanwhile."""
    site.begin(rules(backfill_hours=0))
    await site.poll_after()
    site.ended("During", ago=-100)
    await site.clock.advance(1800)
    site.begin()
    assert [root.run.job_name for root in of_kind(await site.poll(), RunEnded)] == ["During"]


async def test_rows_that_are_odd(site: Site) -> None:
    """Odd letter case, unknown fields and missing parents in the list lose no session."""
    site.ended()
    site.vbr.faults.add(*SESSIONS, rows(setting("state", "STOPPED")), times=1)
    assert len(of_kind(await site.poll_after(), RunEnded)) == 1


async def test_old_sessions_are_forgotten(site: Site) -> None:
    """What can no longer be listed is not remembered for ever, and what is remembered is not told again."""
    session_id = site.ended()
    await site.poll_after()
    sessions = ProcessedSessions(site.database)
    assert await sessions.unknown("hq", [session_id]) == frozenset()
    for _ in range(5):
        site.ended("Other")
        await site.poll_after(24 * HOUR)
    assert await sessions.unknown("hq", [session_id]) == {session_id}
    assert site.health.part("server:hq") is not None


@pytest.mark.parametrize("never", ["1900-01-01T00:00:00", "1899-12-31T23:00:00-01:00", "0001-01-01T00:00:00"])
async def test_stopped_with_an_impossible_end(site: Site, never: str) -> None:
    """A date before 2000 is no end: such a session is announced as one without, once."""
    site.ended()
    for template in (SESSIONS, ("GET", "/api/v1/sessions/{id}")):
        fault = (
            rows(setting("endTime", never)) if template is SESSIONS else changed(setting("endTime", never))
        )
        site.vbr.faults.add(*template, fault, times=99)
    told = [root for _ in range(4) for root in of_kind(await site.poll_after(), RunEnded)]
    assert [root.run.job_name for root in told] == ["SQL nightly"]
    assert told[0].run.last.ended_at > site.clock.now() - timedelta(minutes=5)
