"""Digests and reports as they come: a bad night, a good one, and more than fits on a screen."""

from datetime import timedelta

import msgspec

from bot.operations.queries.report import ReportAnswer, ShowReport
from bot.veeam import (
    CutOff,
    FailureCause,
    Findings,
    FullRepository,
    JobGroup,
    JobId,
    Report,
    ReportedJob,
    SessionId,
    SilentAt,
)
from tests.unit.slack.samples import BRANCH, HQ, NOW, REASON

DAYS = tuple((NOW - timedelta(days=back)).date().isoformat() for back in range(13, -1, -1))


def job(number: int, name: str | None = None, **more: object) -> ReportedJob:
    """A job of many."""
    known = ReportedJob(
        server=HQ,
        job_id=JobId(f"e35ef047-8cfa-4c3e-979e-{number:012}"),
        name=name or f"Job {number:04}",
        session_id=SessionId(f"0f5e4f1e-50c8-4a5c-9d3f-{number:012}"),
        days="SSSSSSSWSS-SFF",
    )
    return msgspec.structs.replace(known, **more)


def failing(number: int, *, day: int = 1, name: str | None = None) -> ReportedJob:
    """A job that fails for so many days."""
    return job(
        number, name, since=NOW - timedelta(days=day - 1, hours=5), day=day, is_new=day == 1, can_retry=True
    )


def group(total: int, first: int) -> JobGroup:
    """So many jobs, the first twenty of them named."""
    return JobGroup(total=total, jobs=tuple(job(first + each) for each in range(min(total, 20))))


def report(findings: Findings, **more: object) -> Report:
    """A digest over two servers."""
    made = Report(
        day=NOW.date().isoformat(),
        at="12:00",
        since=NOW - timedelta(days=3),
        until=NOW,
        as_of=NOW,
        grid_days=DAYS,
        findings=findings,
        servers=(HQ, BRANCH),
    )
    return msgspec.structs.replace(made, **more)


def well() -> Report:
    """A night in which nothing happened."""
    return report(Findings(jobs_total=120, succeeded_runs=361))


def few() -> Report:
    """Two failures of one cause, and a job that was fixed."""
    same = (failing(1, name="SQL Prod"), failing(2, day=3, name="<!here>"))
    cause = FailureCause(
        key="full",
        total=2,
        new_total=1,
        title="Guest freeze failed",
        reason=REASON,
        jobs=same,
        group="1f3a",
        group_total=2,
    )
    alone = FailureCause(key="", total=1, jobs=(failing(3, day=14, name="`ERP`"),))
    slow = job(5, took_seconds=11_400.0, usually_took_seconds=3_600.0)
    findings = Findings(
        jobs_total=120,
        succeeded_runs=355,
        warned_runs=2,
        failed_runs=5,
        failing_total=3,
        new_total=1,
        causes_total=2,
        causes=(cause, alone),
        fixed=group(1, 10),
        running=group(2, 20),
        slower=JobGroup(total=1, jobs=(slow,)),
        grid=JobGroup(total=3, jobs=(*same, job(3, "`ERP`", days="???????FFFFFFF"))),
    )
    return report(findings)


def many() -> Report:
    """More of everything than a screen holds: a thousand jobs, on servers of which some are silent."""
    causes = tuple(
        FailureCause(
            key=f"cause {number}",
            total=40,
            new_total=10 if number % 2 else 40,
            title="Repository full" if number == 1 else None,
            resource="Repo-1" if number == 1 else None,
            reason=f"{REASON} ({number})",
            jobs=tuple(failing(100 * number + each, day=1 + each) for each in range(20)),
            group=f"{number:02}f0" if number < 10 else None,
            group_total=40,
        )
        for number in range(30)
    )
    findings = Findings(
        jobs_total=2_400,
        succeeded_runs=6_000,
        warned_runs=400,
        failed_runs=1_600,
        failing_total=1_600,
        new_total=750,
        causes_total=44,
        causes=causes,
        fixed=group(212, 4000),
        warned=group(99, 4100),
        running=group(14, 4200),
        never_ran=group(7, 4300),
        disabled=group(31, 4400),
        muted=group(5, 4500),
        muted_failing=4,
        slower=group(22, 4600),
        repositories_total=9,
        repositories=tuple(
            FullRepository(server=HQ, name=f"Repo-{number}", used_fraction=0.97, space="30 GB free of 1.0 TB")
            for number in range(8)
        ),
        grid=JobGroup(total=1_700, jobs=tuple(job(5000 + each, f"Grid {each:02}") for each in range(30))),
    )
    silent = tuple(SilentAt(server=each, problem="ConnectFailed") for each in (BRANCH,) * 5)
    cut = CutOff(server=HQ, read_since=NOW - timedelta(days=2), lacks=("repositories",))
    return report(findings, servers=(HQ,), silent=silent, incomplete=(cut,), is_late=True)


def nobody() -> Report:
    """A night in which no server answered."""
    return report(Findings(), servers=(), silent=(SilentAt(server=HQ, problem="TimedOut"),))


def answer(found: Report) -> ReportAnswer:
    """A report that was asked for."""
    return ReportAnswer(ShowReport(timedelta(days=7)), found)
