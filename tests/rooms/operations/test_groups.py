"""Buttons on a cause of a report: each of its jobs that still fails, once, under the presser's own rights."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.operations.actions.group import AcknowledgeGroup, MuteGroup, RetryGroup
from bot.operations.actions.many import ActedOnMany
from bot.operations.outcomes import AlreadyPressed, Done, Outcome, Refused
from bot.operations.queries.report import ReportAnswer, ShowReport
from bot.sandbox.vbr.faults import refusing
from bot.slack.views.outcomes import outcome as draw
from bot.store import FailureGroups, Mutes
from tests.rooms.operations.office import HQ, OPERATOR, SQL_ONLY, VIEWER, Office

NAMES = ("SQL 0", "SQL 1", "Web 2", "Web 3")
FULL = "The tape lies upside down."


@pytest.fixture
async def group(office: Office) -> str:
    """Four jobs fail for one reason, and a report says so; the group of its button."""
    for name in NAMES:
        job = office.world.add_job(name, objects=(f"vm {name}",))
        an_hour_ago = office.clock.now() - timedelta(hours=1)
        office.world.finish_run(job, result="Failed", objects={job.objects[0]: FULL}, ended_at=an_hour_ago)
    answer = await office.answer(ShowReport(), ReportAnswer)
    (cause,) = (cause for cause in answer.report.findings.causes if cause.total == len(NAMES))
    assert cause.group is not None
    return cause.group


def said(outcome: Outcome) -> str:
    return draw(outcome, "r-1").message.text


def failed_again(office: Office, name: str) -> None:
    office.world.finish_run(name, result="Failed", objects={f"vm {name}": FULL})


async def test_retry_all_of_a_group(office: Office, group: str) -> None:
    """What has run since is left alone and named; every retry is on record, and the press is one's alone."""
    failed_again(office, NAMES[1])
    office.world.begin_run(NAMES[3])
    office.restart()
    outcome = await office.ask(RetryGroup(group), press="digest")
    assert [verb for verb, _ in office.posts()] == ["retry", "retry"]
    assert "retried 2 of 4 jobs" in said(outcome)
    left = next(line for line in said(outcome).splitlines() if "newer run" in line)
    assert (NAMES[1] in left, NAMES[3] in left, NAMES[0] in left) == (True, True, False)
    opened = [row for row in await office.audited() if row["event"] == "opened"]
    assert {(row["operation"], row["job_name"]) for row in opened} == {
        ("job.retry", NAMES[0]),
        ("job.retry", NAMES[2]),
    }
    second = await office.ask(RetryGroup(group), SQL_ONLY, press="report")  # the same button elsewhere
    assert isinstance(second, AlreadyPressed)
    assert (second.by, len(office.posts())) == (OPERATOR, 2)


async def test_it_ends_at_ones_grants(office: Office, group: str) -> None:
    """Other jobs are counted, and not named; without the role nothing is done at all."""
    assert isinstance(await office.ask(RetryGroup(group), VIEWER), Refused)
    answer = said(await office.ask(RetryGroup(group), SQL_ONLY))
    assert "retried 2 of 4 jobs" in answer
    assert "2 outside their permissions" in answer
    assert "Web" not in answer
    refused = [row for row in await office.audited() if row.get("outcome") == "refused"]
    assert [row["operation"] for row in refused] == ["group.retry", "job.retry", "job.retry"]


async def test_what_nothing_came_of_can_be_pressed_again(office: Office, group: str) -> None:
    """VBR refuses all, and then takes them."""
    office.hq.faults.add("POST", "/api/v1/jobs/{id}/retry", refusing(400), times=len(NAMES))
    assert "retried 0 of 4 jobs" in said(await office.ask(RetryGroup(group)))
    assert "retried 4 of 4 jobs" in said(await office.ask(RetryGroup(group)))


async def test_a_group_that_is_forgotten(office: Office, group: str) -> None:
    """It says so: nothing is done about whatever fails now."""
    await FailureGroups(office.database).purge(office.clock.now().replace(year=2100))
    outcome = await office.ask(RetryGroup(group))
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, ActedOnMany)
    assert "no longer kept" in said(outcome)
    assert office.posts() == []


async def test_muting_a_group(office: Office, group: str) -> None:
    """Each until it succeeds; a job that is well again by then is not muted."""
    office.world.finish_run(NAMES[0], result="Success")
    assert "muted 3 of 4 jobs" in said(await office.ask(MuteGroup(group)))
    muted = await Mutes(office.database).every(office.clock.now(), HQ)
    assert {mute.job_name for mute in muted} == set(NAMES[1:])
    assert all(mute.until_success for mute in muted)


async def test_acknowledging_a_group(office: Office, group: str) -> None:
    """Runs that were never announced have nobody to be owned by: they are named, and nothing is kept."""
    answer = said(await office.ask(AcknowledgeGroup(group)))
    assert "acknowledged 0 of 4 jobs" in answer
    assert "no failed run to acknowledge" in answer


async def test_a_report_without_a_database_has_no_such_buttons(office: Office, group: str) -> None:
    """It answers all the same."""
    async with office.database.transaction() as transaction:
        await transaction.execute(text("DROP TABLE failure_groups"))
    answer = await office.answer(ShowReport(), ReportAnswer)
    assert [cause.group for cause in answer.report.findings.causes] == [None] * 3
    assert group not in str(draw(Done(answer), "r-1").message.blocks)
