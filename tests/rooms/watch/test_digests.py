"""Digests: made once for their day, by one of several processes, and finished while runs end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.sandbox.vbr import VbrSandbox, World
from bot.sandbox.vbr.faults import refusing
from bot.settings import DigestSettings, ServerName
from bot.slack.views.announcements import announcement
from bot.store import Database, FailureGroups, NewMute, OutboxRow, Placement
from bot.veeam import Fleet, jobs_from_json
from bot.watch import DigestMaker, FollowUp
from bot.watch.facts import DigestDays, DigestJobs, DigestMade, decode
from tests.rooms.store.databases import Template, opened
from tests.rooms.veeam.clients import client_of, die
from tests.rooms.watch.site import drained
from tests.support.clock import FakeClock

HOUR = 3600.0
HQ, DR = ServerName("hq"), ServerName("dr")


def setting(at: str = "12:30", **more: object) -> DigestSettings:
    return DigestSettings.model_validate({"channel": "C0DIGEST", "at": at, **more})


class Morning:
    """Two servers, and a bot that makes digests of them."""

    def __init__(
        self, hq: VbrSandbox, dr: VbrSandbox, fleet: Fleet, database: Database, clock: FakeClock
    ) -> None:
        self.hq, self.dr, self.fleet, self.database, self.clock = hq, dr, fleet, database, clock
        self.maker = self.restarted()

    def restarted(self, *settings: DigestSettings, holder: str = "one") -> DigestMaker:
        self.maker = DigestMaker(settings or (setting(),), self.fleet, self.database, self.clock, holder)
        return self.maker

    async def after(self, seconds: float) -> list[OutboxRow]:
        """Let time pass, look once, and send what that queued."""
        await self.clock.advance(seconds)
        await self.maker.tick()
        return await drained(self.database, self.clock)


def posted(rows: list[OutboxRow]) -> list[DigestMade]:
    return [
        announced
        for row in rows
        if row.placement is Placement.POST and isinstance(announced := decode(row.body), DigestMade)
    ]


def edited(rows: list[OutboxRow]) -> list[DigestMade]:
    return [
        announced
        for row in rows
        if row.placement is Placement.EDIT and isinstance(announced := decode(row.body), DigestMade)
    ]


@asynccontextmanager
async def morning_of(database: Database, clock: FakeClock) -> AsyncIterator[Morning]:
    hq_world, dr_world = World(clock.now), World(clock.now)
    hq_world.add_job("SQL Prod")
    dr_world.add_job("Files")
    hq_world.finish_run("SQL Prod", result="Failed", ended_at=clock.now() - timedelta(hours=5))
    dr_world.finish_run("Files", result="Success", ended_at=clock.now() - timedelta(hours=4))
    async with VbrSandbox(hq_world) as hq, VbrSandbox(dr_world) as dr:
        fleet = Fleet([client_of(hq, clock, name=HQ), client_of(dr, clock, name=DR)])
        yield Morning(hq, dr, fleet, database, clock)
        await fleet.close()


@pytest.fixture
async def morning(database: Database, clock: FakeClock) -> AsyncIterator[Morning]:
    async with morning_of(database, clock) as made:
        yield made


async def test_a_digest_is_made_at_its_hour_and_once(morning: Morning) -> None:
    """Before it, nothing is asked or posted; then it says how things stand, with its thread; then nothing."""
    morning.restarted(setting("12:30", days=["Mon"]))  # the clock begins on a Monday, at noon
    assert await morning.after(0.4 * HOUR) == []
    assert morning.hq.requests.of("GET", "/api/v1/jobs/states") == []
    rows = await morning.after(0.2 * HOUR)
    (made,) = posted(rows)
    findings = made.report.findings
    assert (made.report.day, made.report.at, made.report.servers) == ("2026-11-23", "12:30", (HQ, DR))
    assert (findings.jobs_total, findings.new_total, findings.failed_runs, findings.succeeded_runs) == (
        2,
        1,
        1,
        1,
    )
    thread = [(row.placement, type(decode(row.body))) for row in rows[1:]]
    assert thread == [(Placement.REPLY, DigestJobs), (Placement.REPLY, DigestDays)]
    for hours in (0.1, 1, 5, 24, 100):
        assert await morning.after(hours * HOUR) == []
    asked = [request.template for request in morning.hq.requests]
    assert (asked.count("/api/v1/jobs/states"), asked.count("/api/v1/sessions")) == (1, 1)


@pytest.mark.parametrize("picture", [True, False])
async def test_a_picture_is_the_settings_choice(morning: Morning, *, picture: bool) -> None:
    """The days of a digest, and each edit of them, are a picture where its entry says so."""
    morning.restarted(setting("12:30", picture=picture))
    morning.hq.world.add_job("Oracle", run_seconds=3000, failure_rate=1.0)
    morning.hq.world.begin_run("Oracle")
    rows = await morning.after(0.51 * HOUR)
    rows += await morning.after(0.4 * HOUR)
    days = [found for row in rows if isinstance(found := decode(row.body), DigestDays)]
    assert [each.has_picture for each in days] == [picture] * len(days)
    assert len(days) > 1


async def test_what_is_muted_is_counted_apart(morning: Morning) -> None:
    """A muted job that fails is no failure of the digest's, and one of a muted server isn't either."""
    morning.restarted(setting("12:30"))
    job, now = morning.hq.world.job("SQL Prod"), morning.clock.now()
    muted = NewMute(
        server=HQ,
        job_id=job.id,
        job_name="SQL Prod",
        person_id="U0ANN",
        reference="r-1",
        muted_at=now,
        until=now + timedelta(hours=4),
    )
    await FollowUp(morning.database, morning.clock).mute(muted)
    (made,) = posted(await morning.after(0.6 * HOUR))
    findings = made.report.findings
    assert (findings.new_total, findings.muted.total, findings.muted_failing) == (0, 1, 1)


async def test_replicas_and_restarts_make_one(either_database: Database, clock: FakeClock) -> None:
    """Another process, and the same one after a restart, find that it was made: on both databases."""
    async with morning_of(either_database, clock) as morning:
        others = [morning.restarted(holder=holder) for holder in ("two", "three")]
        morning.restarted()
        await clock.advance(HOUR)
        for maker in (*others, morning.maker, *others, morning.restarted(), morning.restarted(holder="four")):
            await maker.tick()
        assert len(posted(await drained(either_database, clock))) == 1


@pytest.mark.parametrize(("hours_late", "is_made"), [(0.1, True), (5.9, True), (6.1, False)])
async def test_one_that_was_missed_is_made_late_or_left_out(
    morning: Morning, *, hours_late: float, is_made: bool
) -> None:
    """A bot that was down sends it up to six hours late, and says so; then the next one is soon enough."""
    rows = await morning.after((0.5 + hours_late) * HOUR)
    assert [made.report.is_late for made in posted(rows)] == ([hours_late > 0.2] if is_made else [])
    assert await morning.after(HOUR) == []


async def test_what_was_skipped_is_logged(morning: Morning) -> None:
    """Once there was a digest; on the day of a first start none was left out."""
    with capture_logs() as logs:
        for hours in (7, 18, 30.5):
            await morning.after(hours * HOUR)
    days = [entry["day"] for entry in logs if entry["event"] == "watch.digest_skipped"]
    assert days == ["2026-11-25"]


async def test_a_silent_server_is_named_and_made_up_for(morning: Morning) -> None:
    """The digest comes without it, and is edited once the server answers again."""
    morning.dr.faults.add("GET", "*", refusing(503), times=1000)
    (made,) = posted(await morning.after(0.51 * HOUR))
    assert ([each.server for each in made.report.silent], made.report.servers) == ([DR], (HQ,))
    assert await morning.after(0.2 * HOUR) == []
    morning.dr.faults.clear()
    (changed,) = edited(await morning.after(0.2 * HOUR))
    assert (changed.report.silent, set(changed.report.servers)) == ((), {HQ, DR})
    assert changed.report.findings.jobs_total == 2
    assert await morning.after(HOUR) == []


async def test_it_is_edited_as_stragglers_end(morning: Morning) -> None:
    """What was running then is told when it ends; what began later is not of this digest."""
    morning.hq.world.add_job("Oracle", run_seconds=3000, failure_rate=1.0)
    morning.hq.world.begin_run("Oracle")
    (made,) = posted(await morning.after(0.51 * HOUR))
    assert [job.name for job in made.report.findings.running.jobs] == ["Oracle"]
    assert edited(await morning.after(0.2 * HOUR)) == []  # it still runs
    morning.hq.world.add_job("Web")
    morning.hq.world.finish_run("Web", result="Failed")
    rows = await morning.after(0.2 * HOUR)
    (changed,) = edited(rows)
    findings = changed.report.findings
    assert (findings.running.total, findings.failing_total) == (0, 2)
    assert {job.name for cause in findings.causes for job in cause.jobs} == {"SQL Prod", "Oracle"}
    assert (changed.report.day, changed.report.since) == (made.report.day, made.report.since)
    assert await morning.after(HOUR) == []


async def test_what_its_buttons_act_on_is_kept(morning: Morning) -> None:
    """The jobs of each cause; where more of them are found, the digest drawn again has another button."""

    async def jobs_of(made: DigestMade) -> list[list[str]]:
        groups = [cause.group for cause in made.report.findings.causes if cause.group is not None]
        kept = [await FailureGroups(morning.database).jobs_of(group) for group in groups]
        return [[job.name for job in jobs_from_json(each or "") or ()] for each in kept]

    morning.hq.world.add_job("Web")
    morning.hq.world.finish_run("Web", result="Failed", ended_at=morning.clock.now() - timedelta(hours=4))
    morning.dr.world.finish_run("Files", result="Failed", ended_at=morning.clock.now() - timedelta(hours=3))
    morning.dr.faults.add("GET", "*", refusing(503), times=1000)
    (made,) = posted(await morning.after(0.51 * HOUR))
    morning.dr.faults.clear()
    (changed,) = edited(await morning.after(0.4 * HOUR))
    assert [await jobs_of(each) for each in (made, changed)] == [
        [["SQL Prod", "Web"]],
        [["Files", "SQL Prod", "Web"]],
    ]


async def test_looks_are_bounded(morning: Morning) -> None:
    """A run that goes on for ever is looked at four times, and not for ever."""
    morning.hq.world.add_job("Oracle", run_seconds=1_000_000)
    morning.hq.world.begin_run("Oracle")
    await morning.after(0.51 * HOUR)
    morning.hq.requests.clear()
    for _ in range(40):
        assert await morning.after(0.1 * HOUR) == []
    looks = [request for request in morning.hq.requests if request.template == "/api/v1/sessions/{id}"]
    assert len(looks) == 4


async def test_a_server_whose_clock_is_wrong_is_read_by_its_own(morning: Morning) -> None:
    """A day ahead: what failed there this morning is new, and nothing is left out as of tomorrow."""
    world = morning.dr.world
    world.clock_skew = timedelta(days=1)
    world.add_job("Ahead")
    world.finish_run("Ahead", result="Success", ended_at=world.now() - timedelta(hours=30))
    world.finish_run("Ahead", result="Failed", ended_at=world.now() - timedelta(hours=3))
    (made,) = posted(await morning.after(0.51 * HOUR))
    assert {job.name for cause in made.report.findings.causes for job in cause.jobs} == {"SQL Prod", "Ahead"}
    assert (made.report.findings.new_total, made.report.incomplete) == (2, ())


async def test_no_server_answers(morning: Morning) -> None:
    """Even then there is a digest: that it is missing would look like a good night."""
    await die(morning.hq)
    await die(morning.dr)
    (made,) = posted(await morning.after(0.51 * HOUR))
    assert ([each.server for each in made.report.silent], made.report.servers) == ([HQ, DR], ())


async def test_the_cost_follows_what_happened(morning: Morning) -> None:
    """Hundreds of jobs: a page of states, a page of sessions, one list of repositories."""
    for number in range(300):
        job = morning.hq.world.add_job(f"Job {number:03}")
        morning.hq.world.finish_run(job, result="Success", ended_at=morning.clock.now() - timedelta(hours=1))
    (made,) = posted(await morning.after(0.51 * HOUR))
    assert made.report.findings.jobs_total == 302
    asked = [request.template for request in morning.hq.requests if "oauth2" not in request.template]
    lists = {path.rpartition("/")[2]: asked.count(path) for path in set(asked)}
    # One failure was looked into for why: its objects, and its log.
    assert sum(lists.values()) <= 9, lists
    assert asked.count("/api/v1/sessions") == 1


async def test_a_database_from_before_makes_the_same_message(
    morning: Morning, database_templates: dict[str, Template]
) -> None:
    """With an older database it is made again: key and metadata, by which it is found, are the same."""
    first = await morning.after(0.51 * HOUR)
    async with opened(database_templates["sqlite"].new()) as older:
        morning.database = older
        morning.restarted(holder="two")
        again = await morning.after(60)
    marks = [
        [(row.key, announcement(decode(row.body), row.key).metadata) for row in rows]
        for rows in (first, again)
    ]
    assert marks[0] == marks[1]
    assert marks[0][0][1] == {
        "event_type": "veeam_digest",
        "event_payload": {"kind": "digest", "day": "2026-11-23", "at": "12:30"},
    }
