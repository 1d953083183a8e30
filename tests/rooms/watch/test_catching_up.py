"""After a first start or a long outage: everything is counted and announced once, what fails now first."""

import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest

from bot.observability import Health
from bot.sandbox.vbr import World
from bot.sandbox.vbr.faults import Fault, Moment, changed, hanging, refusing
from bot.sandbox.vbr.jobmodels import daily
from bot.settings import ServerName
from bot.slack.views.announcements import announcement
from bot.store import Database, NewMute
from bot.veeam import JobId, SessionId
from bot.veeam.connection import Timeouts
from bot.watch import FollowUp, WatchRules
from bot.watch.facts import (
    Announcement,
    AttemptEnded,
    BackfillProblems,
    BackfillSummary,
    MuteBegan,
    MutedRunEnded,
    OutageEnded,
    RunAcknowledged,
    RunChanged,
    RunEnded,
)
from tests.rooms.store.databases import Template
from tests.rooms.veeam.clients import client_of
from tests.rooms.watch.simulation.channels import Died
from tests.rooms.watch.simulation.world import Mortal
from tests.rooms.watch.site import SESSIONS, Site, of_kind, route_to, rules, site_of
from tests.rooms.watch.test_announcements import remember
from tests.support.clock import FakeClock

HQ = ServerName("hq")
HOUR = 3600.0
FAILURES_ONLY: WatchRules = rules(
    route_to("C0OLD", jobs=["Old*"], results=["Failed"]),
    route_to("C0NEW", jobs=["New*"], results=["Failed"]),
    default_channel=None,
)


def many_ended(site: Site, sessions: int, *, jobs: int = 100, within_seconds: float = 20 * HOUR) -> set[str]:
    """Let sessions have ended, evenly, up to a quarter of an hour ago; return the failed ones, 1 in 100."""
    all_jobs = [site.world.add_job(f"Old {number}") for number in range(jobs)]
    failed = set()
    for number in range(sessions):
        ended_at = site.world.now() - timedelta(seconds=900 + within_seconds * number / sessions)
        result = "Failed" if number % 100 == 0 else "Success"
        job = all_jobs[number * 7 % jobs]
        session = site.world.finish_run(job, ended_at=ended_at, result=result, seconds=30.0)
        if result == "Failed":
            failed.add(session.id)
    return failed


def sessions_of(roots: list[RunEnded]) -> list[str]:
    return [str(root.run.last.session_id) for root in roots]


def takes(site: Site, seconds: float) -> Fault:
    """An answer during which so much time passes."""

    def slowly(answer: dict[str, object]) -> dict[str, object]:
        site.clock.skip(seconds)
        return answer

    return changed(slowly)


async def test_a_first_start_counts_everything(database: Database, clock: FakeClock, world: World) -> None:
    """However many sessions ended before, the summary has them all, and nothing is announced beside it.

    Jobs that failed last are listed before those that warned since.
    """
    async with site_of(database, clock, world) as site:
        many_ended(site, 12_000)
        site.ended("Old failed", "Failed", ago=23 * HOUR)
        for number in range(25):
            site.ended(f"Warned {number}", "Warning", ago=60 + number)
        told = [each for _ in range(3) for each in await site.poll_after()]
        site.ended("New", "Failed")
        assert sessions_of(of_kind(await site.poll_after(), RunEnded)) == [site.world.job("New").session_id]
    (summary,), (problems,) = of_kind(told, BackfillSummary), of_kind(told, BackfillProblems)
    assert of_kind(told, RunEnded) == []
    assert summary.results == {"Failed": 121, "Success": 11_880, "Warning": 25}
    assert [run.job_name for run in problems.problems[:3]] == ["Old 0", "Old failed", "Warned 0"]
    assert len(problems.problems) == 20


async def test_stopped_by_a_person_is_not_failed_in_a_summary(
    database: Database, clock: FakeClock, world: World
) -> None:
    """VBR's mark, the session's own words and those of its objects say so; not of an object that failed."""
    canceled = "Operation was canceled by user"
    async with site_of(database, clock, world) as site:
        for number in range(7):
            site.ended(f"Well {number}", ago=HOUR)
        site.world.session(site.ended("Marked", "Failed", only=(), ago=60)).is_canceled = True
        site.ended("Said", "Failed", only=(), message=canceled, ago=60)
        site.ended("Objects", "Failed", objects={"vm01": canceled}, message="Failed", ago=60)
        site.ended("Both", "Failed", objects={"vm01": canceled, "vm02": "Disk"}, message=canceled, ago=60)
        site.ended("Failed", "Failed", ago=60)
        told = await site.poll()
    (summary,), (listed,) = of_kind(told, BackfillSummary), of_kind(told, BackfillProblems)
    assert summary.results == {"Success": 7, "Failed": 2, "Stopped": 3}
    text = announcement(summary, "key").text
    assert "12 sessions for this channel ended: 2 Failed, 7 Success, 3 Stopped." in text
    assert "The latest run of 2 jobs failed or warned" in text
    assert sorted(run.job_name for run in listed.problems) == ["Both", "Failed"]


async def test_more_were_stopped_than_are_looked_at(
    database: Database, clock: FakeClock, world: World
) -> None:
    """What a session says of itself counts in both numbers alike, where its objects are not asked about."""
    async with site_of(database, clock, world) as site:
        site.ended("Failed", "Failed", ago=30)
        said = {"message": "Operation was canceled by user"}
        site.ended("Both", "Failed", objects={"vm01": "Disk"}, ago=40, **said)
        for number in range(25):
            site.ended(f"Said {number}", "Failed", only=(), ago=60, **said)
        told = await site.poll()
    (summary,), (listed,) = of_kind(told, BackfillSummary), of_kind(told, BackfillProblems)
    assert (summary.results, summary.problems_total) == ({"Failed": 2, "Stopped": 25}, 2)
    assert sorted(run.job_name for run in listed.problems) == ["Both", "Failed"]


async def test_what_a_summary_lists_is_a_failure_as_any(
    database: Database, clock: FakeClock, world: World
) -> None:
    """It can be acknowledged and muted, in the summary's thread; another failure ends the mute early."""
    async with site_of(database, clock, world) as site:
        site.begin(rules(route_to("C0PROD", mention="S0ONCALL"), default_channel=None))
        for number in range(12):
            site.ended(f"Job {number}", "Failed", ago=HOUR + number, objects={"vm01": "The disk is full"})
        (summary,) = of_kind(await site.poll(), BackfillSummary)
        assert announcement(summary, "key").text.count("12 sessions for this channel ended: 12 Failed") == 1
        follow_up, job_id = FollowUp(database, clock), JobId(world.job("Job 3").id)
        failed = await follow_up.failed_run(HQ, job_id)
        assert failed is not None
        await follow_up.acknowledge(HQ, job_id, SessionId(failed.session_id), "U0ANN")
        assert [type(each) for _, each in await site.poll()] == [RunAcknowledged]
        now = clock.now()
        until = now + timedelta(days=2)
        new = NewMute(
            server=HQ,
            job_id=job_id,
            job_name="Job 3",
            person_id="U0ANN",
            reference="r-1",
            muted_at=now,
            until=until,
        )
        assert await follow_up.mute(new) == ("C0PROD",)
        assert [type(each) for _, each in await site.poll()] == [MuteBegan]
        site.ended("Job 3", "Failed", objects={"vm01": "The disk is full"})
        assert [type(each) for _, each in await site.poll_after(HOUR)] == [MutedRunEnded]
        site.ended("Job 3", "Failed", objects={"vm01": "Access is denied"})
        (root,) = of_kind(await site.poll_after(24 * HOUR), RunEnded)
        assert root.mention == "S0ONCALL"
        site.ended("Job 4", "Success")
        await site.poll_after()
        assert await follow_up.failed_run(HQ, JobId(world.job("Job 4").id)) is None


async def test_the_next_attempt_of_what_is_listed_has_a_root(
    database: Database, clock: FakeClock, world: World
) -> None:
    """A line in a list is no message of its own: what fails again is posted as ever, with its mention."""
    async with site_of(database, clock, world) as site:
        site.begin(rules(route_to("C0PROD", mention="S0ONCALL"), default_channel=None))
        for number in range(12):
            world.add_job(f"Job {number}", schedule=daily("03:00", retries=2))
            site.ended(f"Job {number}", "Failed", ago=60 + number)
        await site.poll()
        await clock.advance(600)
        site.ended("Job 3", "Failed", seconds=9.0)
        (root,) = of_kind(await site.poll_after(), RunEnded)
        assert (root.run.job_name, len(root.run.attempts)) == ("Job 3", 2)
        assert root.mention == "S0ONCALL"


async def test_more_than_is_ever_read_at_a_first_start(
    database: Database, clock: FakeClock, world: World
) -> None:
    """Beyond 50,000 sessions the newest count, and what ended before them is never announced."""
    async with site_of(database, clock, world) as site:
        many_ended(site, 200)
        # The server counts more than it has to give: each page but the last is the same one.
        site.vbr.faults.add(
            "GET",
            "/api/v1/sessions",
            changed(lambda answer: {**answer, "data": answer["data"][:1], "pagination": {"total": 10**6}}),
            times=101,
        )
        await site.poll()
        # One of them asks what runs.
        assert len([each for each in site.requests() if each == "/api/v1/sessions"]) == 100 + 1
        assert await site.poll_after(HOUR) == []


async def test_what_fails_now_comes_before_what_was_missed(site: Site) -> None:
    """A failure that happens while the bot catches up with an outage is announced by the next poll.

    Everything else follows, once. The end of the outage says how many sessions are late.
    """
    site.begin(FAILURES_ONLY)
    await site.vbr.go_dark()
    for _ in range(3):
        await site.poll_after()
    await site.clock.advance(21 * HOUR)
    failed = many_ended(site, 6_000)
    await site.vbr.come_back()
    told = await site.poll()
    assert of_kind(told, OutageEnded)[0].late_total >= 6_000
    roots = of_kind(told, RunEnded)
    new = site.ended("New", "Failed")
    roots_now = of_kind(await site.poll_after(), RunEnded)
    assert sessions_of(roots_now)[0] == new
    roots += roots_now
    assert len(roots) < len(failed)
    for _ in range(10):
        roots += of_kind(await site.poll_after(), RunEnded)
    assert Counter(sessions_of(roots)) == Counter([*failed, new])


async def test_slow_details_hold_nothing_up(site: Site) -> None:
    """Announcing takes no longer than polls are apart: then the bot looks what has failed meanwhile."""
    site.begin(FAILURES_ONLY)

    for number in range(40):
        site.ended(f"Old {number}", "Failed", ago=3600 - number)
    site.vbr.faults.add("GET", "/api/v1/sessions/{id}/taskSessions", takes(site, 5), times=999)
    assert 0 < len(of_kind(await site.poll_after(), RunEnded)) < 10
    new = site.ended("New", "Failed")
    assert sessions_of(of_kind(await site.poll(), RunEnded))[0] == new


async def test_slow_lists_stop_no_catching_up(site: Site) -> None:
    """Where reading alone takes longer than polls are apart, each poll announces, and old failures follow."""
    site.begin(FAILURES_ONLY)
    await site.clock.advance(21 * HOUR)
    failed = many_ended(site, 2_600)
    site.vbr.faults.add(*SESSIONS, takes(site, 25), times=999)
    roots: list[RunEnded] = []
    for _ in range(4):
        failed.add(site.ended("New", "Failed"))
        roots += of_kind(await site.poll_after(), RunEnded)
    assert Counter(sessions_of(roots)) == Counter(failed)


async def test_failures_without_end_stop_no_catching_up(site: Site) -> None:
    """Where more fails now than there is time to announce, something of what was missed follows each time."""
    site.begin(FAILURES_ONLY)
    await site.clock.advance(21 * HOUR)
    failed = many_ended(site, 2_600)
    site.vbr.faults.add("GET", "/api/v1/sessions/{id}/taskSessions", takes(site, 25), times=999)
    for _ in range(3):
        for number in range(8):
            site.ended(f"New {number}", "Failed")
        told = sessions_of(of_kind(await site.poll_after(), RunEnded))
        assert told[0] not in failed
        assert failed & set(told)


async def test_an_attempt_found_late_joins_its_run(site: Site) -> None:
    """A run that was announced first, because it failed just now, takes no older session as its attempt."""
    site.begin(FAILURES_ONLY)
    await site.clock.advance(21 * HOUR)
    many_ended(site, 2_600)
    old = site.ended("New", "Failed", ago=19 * HOUR)
    now = site.ended("New", "Failed", ago=5)
    roots = [root for _ in range(4) for root in of_kind(await site.poll_after(), RunEnded)]
    assert [each for each in sessions_of(roots) if each in {old, now}] == [now, old]


MISSED = 2_050
"""More than one poll takes in."""


def attempts_of(told: list[tuple[str, Announcement]], job: str) -> list[list[str]]:
    """The runs of a job as they were announced last, each by its attempts."""
    runs = {each.run.key: each.run for _, each in told if isinstance(each, RunEnded | RunChanged)}
    return [[each.session_id for each in run.attempts] for run in runs.values() if run.job_name == job]


@pytest.mark.parametrize(("wait_minutes", "result"), [(10, "Failed"), (30, "Success")])
async def test_a_retry_that_ends_now_finds_its_run(site: Site, *, wait_minutes: int, result: str) -> None:
    """A retry that ends while its first attempts are still to be caught up with is announced with them."""
    site.begin(FAILURES_ONLY)
    await site.clock.advance(21 * HOUR)
    failed = many_ended(site, MISSED)
    site.world.add_job("New", schedule=daily("03:00", await_minutes=wait_minutes))
    ago = wait_minutes * 60.0 + 90
    attempts = [site.ended("New", "Failed", ago=n * ago + 30, seconds=60.0) for n in (2, 1)]
    earlier = site.ended("New", "Failed", ago=19 * HOUR, seconds=60.0)
    attempts.append(site.ended("New", result, ago=30, seconds=60.0))
    told = await site.poll_after()
    assert attempts_of(told, "New")[0] == attempts
    for _ in range(4):
        told += await site.poll_after()
    assert attempts_of(told, "New") == [attempts, [earlier]]
    assert Counter(sessions_of(of_kind(told, RunEnded))) == Counter([*failed, attempts[0], earlier])
    assert [each.session.session_id for each in of_kind(told, AttemptEnded)] == attempts[1:]


async def test_a_retry_through_the_bot_finds_its_run(site: Site) -> None:
    """What a person retries through the bot before it was caught up with is one run, hours later too."""
    site.begin(FAILURES_ONLY)
    await site.clock.advance(21 * HOUR)
    many_ended(site, MISSED)
    first = site.ended("New", "Failed", ago=5 * HOUR)
    second = site.ended("New", "Failed", ago=5, initiated_by=r"CORP\svc-slack")
    await remember(site, site.world.job("New"), second, "retry")
    told = [each for _ in range(4) for each in await site.poll_after()]
    assert attempts_of(told, "New") == [[first, second]]


@pytest.mark.parametrize("fault", [refusing(400), hanging(Moment.BEFORE)], ids=["refused", "no answer"])
async def test_failures_that_cannot_be_listed_stop_no_catching_up(site: Site, fault: Fault) -> None:
    """Without the list of the failures that may have been retried, a retry is a run of its own."""
    async with client_of(site.vbr, site.clock, timeouts=Timeouts(read=5.0)) as site.client:
        site.begin(FAILURES_ONLY)
        await site.clock.advance(21 * HOUR)
        failed = many_ended(site, MISSED)
        failed |= {site.ended("New", "Failed", ago=60 * ago, seconds=60.0) for ago in (12, 0)}
        # Four pages of what ended, and what ended lately, come before it.
        site.vbr.faults.add(*SESSIONS, fault, after=5)
        roots = of_kind(await site.poll_after(), RunEnded)
        assert roots
        roots += [root for _ in range(3) for root in of_kind(await site.poll_after(), RunEnded)]
    assert Counter(sessions_of(roots)) == Counter(failed)


async def test_what_was_retried_is_one_request(site: Site) -> None:
    """However many sessions end while the bot catches up, one request a poll lists the failures before."""
    site.begin(FAILURES_ONLY)
    await site.clock.advance(21 * HOUR)
    many_ended(site, MISSED)
    for number in range(60):
        site.world.add_job(f"New {number}", schedule=daily("03:00"))
        site.ended(f"New {number}", "Failed", ago=12 * 60, seconds=60.0)
        site.ended(f"New {number}", "Failed", ago=30, seconds=60.0)
    site.requests()
    told = await site.poll_after()
    assert len(attempts_of(told, "New 7")[0]) == 2
    # Four pages of what ended, what ended lately, and what failed; how the first twenty jobs are retried.
    asked = site.requests()
    assert asked.count("/api/v1/sessions") == 4 + 1 + 1


async def test_a_backlog_within_one_second(site: Site) -> None:
    """More sessions of one moment than are taken in at once do not stop the catching up."""
    site.begin(FAILURES_ONLY)
    await site.clock.advance(2 * HOUR)
    failed = many_ended(site, 4_500, within_seconds=0.0)
    roots = [root for _ in range(4) for root in of_kind(await site.poll_after(), RunEnded)]
    assert Counter(sessions_of(roots)) == Counter(failed)


@pytest.mark.parametrize("first_start", [False, True])
async def test_killed_while_it_catches_up(
    *, first_start: bool, clock: FakeClock, world: World, database_templates: dict[str, Template]
) -> None:
    """However often the bot is killed while it catches up, each session is announced once."""
    url = database_templates["sqlite"].new()
    chance = random.Random(9)  # noqa: S311 -- the same deaths each time
    async with site_of(Database(url), clock, world) as first:
        if not first_start:
            await first.poll()
        await clock.advance(21 * HOUR)
        failed = many_ended(first, 4_500)
        roots: list[RunEnded] = []
        summaries: list[BackfillSummary] = []
        for number in range(25):
            database = Mortal(url)
            async with client_of(first.vbr, clock) as client:
                site = Site(clock, world, first.vbr, client, database, Health(clock), rules=FAILURES_ONLY)
                if number < 12:
                    database.fuse = chance.randrange(12)
                    database.dies_before_commit = chance.random() < 0.5
                with suppress(Died):
                    await site.watch.tick()
                database.fuse = None
                told = await site.poll_after()
            roots += of_kind(told, RunEnded)
            summaries += of_kind(told, BackfillSummary)
            await database.close()
        await first.database.close()
    if first_start:
        assert [each.results for each in summaries] == [{"Failed": 45}]
        assert roots == []
    else:
        assert Counter(sessions_of(roots)) == Counter(failed)
