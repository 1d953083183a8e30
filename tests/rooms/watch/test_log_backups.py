"""Backups of a database's logs go on beside the runs of their job: neither makes up for the other."""

import json

import pytest
import structlog

from bot.sandbox.vbr import Session, World
from bot.settings import ServerName
from bot.slack.views.runs import attempt, run_root
from bot.store import Database, Runs
from bot.veeam import JobId, SessionId
from bot.watch import FollowUp
from bot.watch.facts import AttemptEnded, BackfillProblems, BackfillSummary, RunChanged, RunEnded
from bot.watch.run_facts import RunFacts
from tests.rooms.watch.site import Site, of_kind, route_to, rules, site_of
from tests.support.clock import FakeClock

KINDS = {
    "SqlLogBackup": "SQL Server log backup",
    "OracleLogBackup": "Oracle log backup",
    "PostgreSqlLogBackup": "PostgreSQL log backup",
}


def logs_end(site: Site, result: str = "Success", kind: str = "SqlLogBackup") -> Session:
    """A backup of the job's logs ends now, a minute after it began."""
    session = site.world.session(site.ended("SQL Prod", result, message="Log is full", seconds=60.0))
    session.type = kind
    return session


def run_ends(site: Site, result: str = "Success") -> None:
    site.ended("SQL Prod", result, message="Disk is full", seconds=60.0)


def root_text(run: RunFacts) -> str:
    return run_root(run).text


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failed_log_backup(site: Site, kind: str) -> None:
    """It is called one, and offers nothing that would run the whole job."""
    logs_end(site, "Failed", kind)
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert f"{KINDS[kind]} of *SQL Prod*" in root_text(root.run)
    blocks = json.dumps(run_root(root.run).blocks)
    offered = [word for word in ("retry", "start", "why", "session") if f"operation:{word}" in blocks]
    assert offered == ["why", "session"]


async def test_the_next_log_backup_makes_up_for_it(site: Site) -> None:
    """Not the job's next run, and no log backup of another kind; then the root says recovered."""
    logs_end(site, "Failed")
    assert len(of_kind(await site.poll_after(), RunEnded)) == 1
    run_ends(site)
    logs_end(site, kind="OracleLogBackup")
    told = await site.poll_after(120)
    assert [each.run.first.log_type for each in of_kind(told, RunEnded)] == [None]
    assert of_kind(told, RunChanged) == []
    site.begin()  # as after a restart
    logs_end(site)
    told = await site.poll_after(1200)
    (changed,) = of_kind(told, RunChanged)
    assert (changed.run.is_recovered, changed.run.first.log_type) == (True, "sqllogbackup")
    assert "Recovered" in root_text(changed.run)
    assert [attempt(each).text.split(":")[0] for each in of_kind(told, AttemptEnded)] == ["Next log backup"]
    logs_end(site)
    assert await site.poll_after(1200) == []


async def test_a_log_backup_does_not_make_up_for_a_run(site: Site) -> None:
    """The job still failed; its next run turns its root, however many log backups lie between."""
    run_ends(site, "Failed")
    told = await site.poll_after()
    for _ in range(3):
        logs_end(site, "Failed")
        told += await site.poll_after(1000)
        logs_end(site)
        told += await site.poll_after(1000)
    changed = [each.run for each in of_kind(told, RunChanged)]
    assert {run.first.log_type for run in changed if run.is_recovered} == {"sqllogbackup"}
    assert len(of_kind(told, RunEnded)) == 4
    run_ends(site)
    recovered = [each.run for each in of_kind(await site.poll_after(3600), RunChanged)]
    assert [(run.first.log_type, run.is_recovered) for run in recovered] == [(None, True)]


async def test_a_run_that_fails_soon_after_its_logs(site: Site) -> None:
    """It is no further attempt of theirs, nor they of it: each has a root."""
    logs_end(site, "Failed")
    told = await site.poll_after(120)
    run_ends(site, "Failed")
    told += await site.poll_after(120)
    assert [each.run.first.log_type for each in of_kind(told, RunEnded)] == ["sqllogbackup", None]


async def test_log_backups_that_fail_in_a_row(site: Site) -> None:
    """One root counts them; those that went well are nobody's news."""
    site.begin(rules(route_to("C0SQL", jobs=["SQL*"], results=["Failed", "Success"])))
    logs_end(site)
    assert await site.poll_after() == []
    told = []
    for _ in range(3):
        logs_end(site, "Failed")
        told += await site.poll_after(900)
    assert len(of_kind(told, RunEnded)) == 1
    assert "3rd failure in a row" in root_text(of_kind(told, RunChanged)[-1].run)


async def test_they_hide_no_owner(site: Site) -> None:
    """Lists name who owns the job's failed run, and not who owns its log backup, though that failed later."""
    run_ends(site, "Failed")
    await site.poll_after()
    follow_up, job_id, hq = (
        FollowUp(site.database, site.clock),
        JobId(site.world.job("SQL Prod").id),
        ServerName("hq"),
    )
    run = await follow_up.failed_run(hq, job_id)
    assert run is not None
    await follow_up.acknowledge(hq, job_id, SessionId(run.session_id), "U0ANN")
    logs = logs_end(site, "Failed")
    await site.poll_after(900)
    assert await follow_up.owners(hq, [job_id]) == {job_id: "U0ANN"}
    await follow_up.acknowledge(hq, job_id, SessionId(logs.id), "U0OLE")
    assert await follow_up.owners(hq, [job_id]) == {job_id: "U0ANN"}


async def test_what_a_first_start_lists(database: Database, clock: FakeClock, world: World) -> None:
    """The next log backup makes up for one that a summary lists, as for any."""
    async with site_of(database, clock, world) as site:
        for number in range(12):
            site.ended(f"Job {number}", "Failed", ago=600 + number)
        failed = logs_end(site, "Failed")
        assert len(of_kind(await site.poll(), BackfillSummary)) == 1
        follow_up, job_id = FollowUp(database, clock), JobId(world.job("SQL Prod").id)
        found = await follow_up.failed_run(ServerName("hq"), job_id)
        assert found is not None
        assert found.session_id == failed.id
        for _ in range(4):
            await site.poll_after()
        logs_end(site)
        await site.poll_after()
        await site.poll_after()
        assert await follow_up.failed_run(ServerName("hq"), job_id) is None


async def test_log_backups_found_at_once(site: Site) -> None:
    """One that failed and the next that went well are told together, after an outage for example."""
    logs_end(site, "Failed")
    await site.clock.advance(70)
    logs_end(site)
    told = await site.poll_after()
    (root,) = of_kind(told, RunEnded)
    assert of_kind(told, RunChanged)[-1].run.is_recovered
    assert root.run.first.log_type == "sqllogbackup"


@pytest.mark.parametrize("others", [0, 12])
async def test_log_backups_before_a_first_start(
    database: Database, clock: FakeClock, world: World, others: int
) -> None:
    """What went well since is wrong no more, told one by one or summed up; of another kind it is."""
    async with site_of(database, clock, world) as site:
        for number in range(others):
            site.ended(f"Job {number}", ago=5000)
        for kind, result, ago in (
            ("OracleLogBackup", "Failed", 4000),
            ("SqlLogBackup", "Failed", 3600),
            ("SqlLogBackup", "Success", 1800),
        ):
            site.world.session(site.ended("SQL Prod", result, ago=ago)).type = kind
        told = await site.poll()
    listed = [run for each in of_kind(told, BackfillProblems) for run in each.problems]
    failed = listed if others else [each.run for each in of_kind(told, RunEnded)]
    changed = [each.run for each in of_kind(told, RunChanged) if each.run.is_recovered]
    standing = {run.first.log_type for run in failed} - {run.first.log_type for run in changed}
    assert standing == {"oraclelogbackup"}


async def test_what_went_well_before_a_log_backup_failed(site: Site) -> None:
    """It makes up for nothing, and was not missed when all of the last day is looked through."""
    for _ in range(40):
        assert await site.poll_after(900) == []
        logs_end(site)
    await site.poll_after(900)
    logs_end(site, "Failed")
    assert len(of_kind(await site.poll_after(), RunEnded)) == 1
    with structlog.testing.capture_logs() as logged:
        assert await site.poll_after(3600) == []
    assert [each for each in logged if each["event"] == "watch.session_missed"] == []


async def test_log_backups_that_name_no_job(site: Site) -> None:
    """Their names tell them apart: none makes up for another, or is a further attempt of it."""

    def ends(name: str, result: str) -> None:
        session = logs_end(site, result)
        session.job_id, session.name = "00000000-0000-0000-0000-000000000000", f"{name} log backup"

    told = []
    for name, result in (("HR", "Failed"), ("ERP", "Success"), ("ERP", "Failed"), ("HR", "Success")):
        ends(name, result)
        told += await site.poll_after(120)
    assert [each.run.job_name for each in of_kind(told, RunEnded)] == ["HR log backup", "ERP log backup"]
    changed = {each.run.job_name for each in of_kind(told, RunChanged) if each.run.is_recovered}
    assert changed == {"HR log backup"}


async def test_a_log_backup_that_is_a_part(site: Site) -> None:
    """It may name a session of its job as its own: the job is not one that failed by a part."""
    run = site.ended("SQL Prod")
    await site.poll()
    for result, is_recovered in (("Failed", []), ("Success", [True])):
        session = logs_end(site, result)
        session.parent_id, session.job_id = run, "11111111-1111-1111-1111-111111111111"
        told = await site.poll_after(900)
        assert await Runs(site.database).failed_parts("hq") == {}
        assert [each.run.is_recovered for each in of_kind(told, RunChanged)] == is_recovered
