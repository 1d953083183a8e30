"""What the buttons of a report act on: the jobs of a cause that can be retried, however few are named."""

from datetime import UTC, datetime, timedelta

import msgspec

from bot.veeam import (
    FailureCause,
    Findings,
    JobId,
    Report,
    ReportedJob,
    ServerName,
    SessionId,
    jobs_from_json,
    with_groups,
)
from bot.veeam.failure_groups import GROUPS_AT_MOST
from bot.veeam.reports import GROUP_AT_MOST, LISTED_JOBS

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
HQ = ServerName("hq")


def failing(number: int, *, session: str = "s", can_retry: bool = True) -> ReportedJob:
    return ReportedJob(
        server=HQ,
        job_id=JobId(f"job-{number}"),
        name=f"Job {number}",
        session_id=SessionId(f"{session}-{number}"),
        can_retry=can_retry,
    )


def report(*causes: tuple[ReportedJob, ...]) -> Report:
    found_causes = tuple(
        FailureCause(key=str(number), total=len(jobs), jobs=jobs) for number, jobs in enumerate(causes)
    )
    return Report(
        day="2026-11-30",
        at="08:00",
        since=NOW - timedelta(days=1),
        until=NOW,
        as_of=NOW,
        grid_days=(),
        findings=Findings(causes=found_causes),
    )


def test_a_group_has_all_that_can_be_retried() -> None:
    """Not just those that are named; a single job, and what its server can't retry, is in none."""
    many = tuple(failing(number, can_retry=number != 3) for number in range(GROUP_AT_MOST + 9))
    one = (failing(900), failing(901, can_retry=False))
    drawn, groups = with_groups(report(many, one))
    first, second = drawn.findings.causes
    assert (len(first.jobs), first.group_total, second.group) == (LISTED_JOBS, GROUP_AT_MOST, None)
    assert [*groups] == [first.group]
    jobs = jobs_from_json(groups[first.group or ""]) or ()
    assert [job.name for job in jobs] == [job.name for job in many if job.can_retry][:GROUP_AT_MOST]
    assert (jobs[0].job_id, jobs[0].session_id) == ("job-0", "s-0")
    assert jobs_from_json('[["hq"]]') is None


def test_the_same_failures_are_the_same_group() -> None:
    """In whichever order they stand; a job that failed again makes it another."""
    there = (failing(1), failing(2))
    renamed = (there[0], msgspec.structs.replace(there[1], name="Renamed"))
    again = (there[0], failing(2, session="later"))
    same, turned, other, later = (
        [*with_groups(report(jobs))[1]] for jobs in (there, there[::-1], renamed, again)
    )
    assert same == turned == other != later


def test_groups_are_bounded() -> None:
    """The first causes of a report have buttons."""
    causes = tuple((failing(2 * number), failing(2 * number + 1)) for number in range(GROUPS_AT_MOST + 5))
    drawn, groups = with_groups(report(*causes))
    assert len(groups) == GROUPS_AT_MOST
    assert [bool(cause.group) for cause in drawn.findings.causes[-6:]] == [True, *[False] * 5]
