"""`report`: what stands and since when, over what the person may see, of the servers that answer."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.operations.queries.report import ReportAnswer, ShowReport
from bot.settings import PersonId
from bot.slack.views.report import LINES_AT_MOST, digest_root
from tests.rooms.operations.office import DR, HQ, OPERATOR, SQL_ONLY, Office
from tests.rooms.veeam.clients import die


def causes(answer: ReportAnswer) -> list[tuple[str | None, list[tuple[str, int, bool]]]]:
    return [
        (cause.reason, [(job.name, job.day, job.is_new) for job in cause.jobs])
        for cause in answer.report.findings.causes
    ]


async def test_a_report_says_what_stands_by_cause(office: Office) -> None:
    """The reasons are those of the objects and the log; the rest is counted, each job once."""
    answer = await office.answer(ShowReport(), ReportAnswer)
    findings = answer.report.findings
    assert causes(answer) == [
        ("Repository is full", [("Oracle", 1, True)]),
        ("Failed to open VDDK disk", [("SQL Prod", 2, False)]),
    ]
    assert (findings.jobs_total, findings.failing_total, findings.new_total, findings.warned.total) == (
        10,
        2,
        1,
        1,
    )
    assert {job.name for job in findings.never_ran.jobs} == {
        "Never ran",
        "SQL Test",
        "SQL Prod DR",
        "Files",
    } | {"Copy now"}
    assert [each.name for each in findings.repositories] == ["Second Repository"]
    assert (findings.disabled.total, answer.report.servers, answer.report.silent) == (1, (HQ, DR), ())


async def test_a_longer_report_begins_earlier(office: Office) -> None:
    """What began to fail within it is new."""
    week = await office.answer(ShowReport(timedelta(days=7)), ReportAnswer)
    assert {job.is_new for cause in week.report.findings.causes for job in cause.jobs} == {True}
    assert week.report.until - week.report.since == timedelta(days=7)


async def test_a_report_has_only_what_the_person_may_see(office: Office) -> None:
    """Jobs and servers out of sight, and what only they write to, are in no line and no count."""
    answer = await office.answer(ShowReport(), ReportAnswer, SQL_ONLY)
    findings = answer.report.findings
    assert [name for _, jobs in causes(answer) for name, _, _ in jobs] == ["SQL Prod"]
    assert (findings.jobs_total, answer.report.servers, findings.repositories_total) == (2, (HQ,), 0)
    assert (findings.warned.total, findings.disabled.total) == (0, 0)
    assert {job.name for job in findings.grid.jobs} == {"SQL Prod"}


async def test_a_silent_server_is_named_and_the_rest_is_there(office: Office) -> None:
    """A report is never silently about half."""
    await die(office.dr)
    answer = await office.answer(ShowReport(), ReportAnswer)
    assert [each.server for each in answer.report.silent] == [DR]
    assert answer.report.findings.failing_total == 2
    assert "No answer from *dr*" in digest_root(answer.report).text


async def test_its_days_are_those_of_the_person(office: Office) -> None:
    """In the time zone that the person's Slack shows."""
    person = office.team.people[OPERATOR]
    office.team.people[PersonId(OPERATOR)] = replace(person, zone=ZoneInfo("Pacific/Auckland"))
    report = (await office.answer(ShowReport(), ReportAnswer)).report
    assert (report.day, report.at, report.grid_days[-1]) == ("2026-11-24", "01:00", "2026-11-24")


async def test_a_thousand_jobs_fit_on_a_screen(office: Office) -> None:
    """However many fail of however many causes, and of more sessions than one page: twelve lines."""
    office.hq.world.with_many_jobs(1_000)
    report = (await office.answer(ShowReport(), ReportAnswer)).report
    assert (report.findings.jobs_total, report.findings.failing_total) == (1_010, 102)
    assert digest_root(report).text.count("\n") < LINES_AT_MOST
    pages = office.hq.requests.of("GET", "/api/v1/sessions")
    assert len(pages) <= 6
