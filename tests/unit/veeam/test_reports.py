"""What a report makes of sessions and job states: what is new, fixed, still failing, slow, of one cause."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from bot.settings import ServerName
from bot.veeam import (
    Findings,
    JobId,
    JobState,
    KnownOfJobs,
    ReportPeriod,
    RepositoryState,
    Session,
    SessionId,
    SessionResult,
    report_over,
)
from bot.veeam.job_histories import PastRuns, histories
from bot.veeam.reports import LISTED_JOBS, ServerReport, SilentAt, findings_of

HQ, DR = ServerName("hq"), ServerName("dr")
NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
DAY = timedelta(days=1)
NIGHT = PERIOD = ReportPeriod(since=NOW - DAY, until=NOW, zone=UTC)
UNHEARD_OF = 'Unheard-of trouble with "{}"'


def state(name: str = "SQL", *, result: str = "Success", **more: object) -> JobState:
    known = JobState(
        id=JobId(name), name=name, type="VSphereBackup", status="inactive", last_result=result, last_run=None
    )
    return replace(known, **more)


def session(ago: timedelta, word: str = "Success", /, *, job: str = "SQL", **more: object) -> Session:
    """A run of a minute that ended so long ago."""
    ended = NOW - ago
    run = Session(
        id=SessionId(f"{job}-{ago}"),
        job_id=JobId(job),
        session_type="BackupJob",
        creation_time=ended - timedelta(minutes=1),
        end_time=ended,
        state="Stopped",
        result=SessionResult(
            result=word, message=UNHEARD_OF.format(f"Repo-{job}") if word == "Failed" else None
        ),
    )
    return replace(run, **more)


def nights(results: str, *, job: str = "SQL", first: float = 0.2) -> list[Session]:
    """A run each night by its letter, the last one some hours ago; a blank is a night without one."""
    words = {"S": "Success", "W": "Warning", "F": "Failed"}
    count = len(results)
    return [
        session((count - 1 - at + first) * DAY, words[letter], job=job)
        for at, letter in enumerate(results)
        if letter in words
    ]


def found(
    sessions: Sequence[Session],
    states: Sequence[JobState] = (state(),),
    period: ReportPeriod = NIGHT,
    *,
    read_since: datetime | None = None,
    known: KnownOfJobs | None = None,
    reasons: Mapping[str, str] | None = None,
    repositories: Sequence[RepositoryState] = (),
    server: ServerName = HQ,
) -> Findings:
    past = PastRuns(period.until)
    past.add(sessions)
    jobs = list(
        histories(
            states, past, period, read_since=read_since or period.reach, known_of=known or KnownOfJobs()
        )
    )
    return findings_of(server, jobs, period, reasons=reasons or {}, repositories=repositories)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("SSSS", ("well", 0, False)),
        ("SSSF", ("new", 1, False)),
        ("SSFF", ("failing", 2, False)),
        ("SFFF", ("failing", 3, False)),
        ("SFF ", ("failing", 3, False)),  # it did not run last night, and stands failed
        ("SSFS", ("fixed", 0, False)),
        ("SFSS", ("well", 0, False)),  # it was fixed before the period
        ("F" * 14, ("failing", 14, True)),  # as far back as was read
        ("  FF", ("failing", 2, False)),  # a new job
        ("SSFW", ("fixed", 0, False)),
    ],
)
def test_a_job_is_what_its_nights_say(results: str, expected: tuple[str, int, bool]) -> None:
    """Newly failing, still failing and since when, fixed in the period, or well."""
    findings = found(nights(results))
    jobs = [job for cause in findings.causes for job in cause.jobs]
    word = "new" if findings.new_total else "failing" if findings.failing_total else "well"
    word = "fixed" if findings.fixed.total else word
    (day, is_at_least) = (jobs[0].day, jobs[0].is_at_least) if jobs else (0, False)
    assert (word, day, is_at_least) == expected


def test_failures_of_one_cause_stand_together() -> None:
    """By what VBR says of them, the objects they name aside: across jobs and servers, the new ones first."""
    same = [*nights("SSF", job="A"), *nights("SFF", job="B")]
    other = session(0.1 * DAY, "Failed", job="C", result=SessionResult("Failed", "Access denied"))
    states = [state(name) for name in "ABC"]
    here = found([*same, other], states)
    there = found(nights("SSF", job="D"), [state("D")], server=DR)
    merged = report_over(
        [
            ServerReport(server=each, findings=part, read_since=NOW - 14 * DAY)
            for each, part in ((HQ, here), (DR, there))
        ],
        [],
        NIGHT,
        at="08:00",
        as_of=NOW,
    ).findings
    assert [(cause.total, cause.new_total, [job.name for job in cause.jobs]) for cause in merged.causes] == [
        (3, 2, ["A", "D", "B"]),
        (1, 1, ["C"]),
    ]
    assert (merged.jobs_total, merged.failing_total, merged.new_total) == (4, 4, 3)


def test_all_jobs_of_a_cause_are_found() -> None:
    """More than a report names, so that they can be acted on."""
    names = [f"Job {number:03}" for number in range(LISTED_JOBS + 10)]
    sessions = [each for name in names for each in nights("SF", job=name)]
    (cause,) = found(sessions, [state(name) for name in names]).causes
    assert (cause.total, len(cause.jobs)) == (len(names), len(names))


def test_an_immediate_copy_is_not_retried() -> None:
    """It runs all the time."""
    sessions = [*nights("F", job="A"), *nights("F", job="B")]
    (cause,) = found(sessions, [state("A", backup_copy_mode="Immediate"), state("B")]).causes
    assert {job.name: job.can_retry for job in cause.jobs} == {"A": False, "B": True}


def test_a_cause_that_the_rules_know_has_a_name() -> None:
    """Jobs whose texts differ stand together by it; a repository that is full is one server's."""
    full = ("There is not enough space on the disk. File [D:\\A.vbk].", "Insufficient disk space on target.")
    sessions = [*nights("F", job="A"), *nights("F", job="B")]
    reasons = {str(each.id): text for each, text in zip(sessions, full, strict=True)}
    states = [state(name, repository_name="Main") for name in "AB"]
    here, there = (found(sessions, states, reasons=reasons, server=server) for server in (HQ, DR))
    assert [(cause.title, cause.resource, cause.total, cause.reason) for cause in here.causes] == [
        ("Repository full", "Main", 2, "There is not enough space on the disk. File [D:\\A.vbk].")
    ]
    assert len({cause.key for part in (here, there) for cause in part.causes}) == 2


def test_the_reason_that_was_looked_up_counts_before_the_sessions_own() -> None:
    """A session says "finished with errors" where its objects say why."""
    sessions = [*nights("F", job="A"), *nights("F", job="B")]
    reasons = {str(sessions[0].id): "RPC server is unavailable", str(sessions[1].id): "Access is denied"}
    causes = found(sessions, [state("A"), state("B")], reasons=reasons).causes
    assert {cause.reason for cause in causes} == set(reasons.values())


def test_what_a_person_stopped_has_not_failed() -> None:
    """Neither does it count as a run: the job stands as it did before."""
    runs = nights("SSF")
    assert found(runs, known=KnownOfJobs(stopped={runs[-1].id})).failing_total == 0
    canceled = SessionResult("Failed", "", is_canceled=True)
    assert found([*nights("SS"), session(0.1 * DAY, "Failed", result=canceled)]).failing_total == 0


def test_the_state_of_a_job_counts_where_its_run_is_not_listed() -> None:
    """A type of session that no document names is in no list."""
    failed = state(result="Failed", last_run=NOW - timedelta(hours=2), session_id=SessionId("unlisted"))
    findings = found(nights("SSS"), [failed])
    assert (findings.new_total, findings.failing_total) == (1, 1)
    assert findings.causes[0].jobs[0].session_id == "unlisted"


def test_a_part_keeps_its_job_failed() -> None:
    """An immediate copy goes on for ever; its parts, with job IDs of their own, say how it goes."""
    parent = session(2 * DAY, job="Copy", state="Working", end_time=None)
    part = session(0.1 * DAY, "Failed", job="part", parent_session_id=parent.id)
    findings = found([parent, part], [state("Copy", backup_copy_mode="Immediate")])
    assert (findings.failing_total, findings.running.total) == (1, 0)
    by_part = found(nights("SSS"), [state(last_run=NOW - DAY)], known=KnownOfJobs(failed_parts={"SQL": "x"}))
    assert by_part.failing_total == 1


def test_jobs_that_need_no_failure_to_be_named() -> None:
    """Running, never run, disabled, warned, muted: each counted once, and a muted one as nothing else."""
    running = session(
        timedelta(minutes=-30), job="R", state="Working", end_time=None, creation_time=NOW - DAY / 9
    )
    states = [
        *(state(name, last_run=NOW - DAY) for name in ("R", "W", "M")),
        state("N", result="None"),
        state("D", status="disabled", last_run=NOW - 9 * DAY),
    ]
    sessions = [running, *nights("SSW", job="W"), *nights("SSF", job="M")]
    findings = found(sessions, states, known=KnownOfJobs(is_muted=lambda _, name: name == "M"))
    groups = {
        name: [job.name for job in getattr(findings, name).jobs]
        for name in ("running", "warned", "muted", "never_ran", "disabled", "fixed")
    }
    assert groups == {
        "running": ["R"],
        "warned": ["W"],
        "muted": ["M"],
        "never_ran": ["N"],
        "disabled": ["D"],
        "fixed": [],
    }
    assert (findings.failing_total, findings.muted_failing, findings.is_well) == (0, 1, False)


def test_slower_than_usual_is_what_has_not_come_up_before() -> None:
    """Three times its median is slow; the weekly full backup, which takes long each week, is not."""

    def lasting(*hours: float) -> list[Session]:
        ends = [NOW - (len(hours) - at - 0.8) * DAY for at in range(len(hours))]
        return [
            session((NOW - end), creation_time=end - timedelta(hours=long), id=SessionId(str(end)))
            for end, long in zip(ends, hours, strict=True)
        ]

    (slow,) = found(lasting(*[1.0] * 9, 3.0)).slower.jobs
    assert (slow.took_seconds, slow.usually_took_seconds) == (10_800, 3_600)
    assert found(lasting(1, 1, 3.1, *[1] * 6, 3.0)).slower.total == 0
    assert found(lasting(*[1.0] * 7, 3.0)).slower.total == 0  # still learning
    assert found(lasting(*[0.01] * 9, 0.03)).slower.total == 0  # minutes are no news


def test_the_days_of_a_job_are_those_of_the_zone() -> None:
    """Half past eleven at night in New York is the day that it is there; what was not read says so."""
    period = replace_zone(PERIOD, "America/New_York")
    run = session(timedelta(hours=3, minutes=30), "Failed")  # 23:30 on the 29th
    early = session(12 * DAY, "Warning")
    (job,) = found([run, early], period=period).grid.jobs
    assert (period.days[0].isoformat(), period.days[-1].isoformat()) == ("2026-11-17", "2026-11-30")
    assert job.days == "-W----------F-"
    (job,) = found([run], period=period, read_since=NOW - 5 * DAY).grid.jobs
    assert job.days == "?????????---F-"[-14:]


def test_the_grid_begins_with_what_fails_now() -> None:
    """Then comes what failed most often; each day has the number of jobs that failed on it."""
    runs = {
        "Old": "FFFFFFSS",
        "Now": "SSSSSSSF",
        "Twice": "SFSSSFSS",
        "Warned": "SSSSSSSW",
        "Well": "SSSSSSSS",
    }
    read = [
        found(
            [run for name in names for run in nights(runs[name], job=name)],
            [state(name) for name in names],
            server=server,
        )
        for server, names in ((HQ, ("Old", "Warned", "Well")), (DR, ("Twice", "Now")))
    ]
    parts = [
        ServerReport(server=server, findings=findings, read_since=PERIOD.reach)
        for server, findings in zip((HQ, DR), read, strict=True)
    ]
    all_servers = report_over(parts, (), PERIOD, at="08:00", as_of=NOW).findings
    assert [job.name for job in all_servers.grid.jobs] == ["Now", "Old", "Twice", "Warned"]
    assert all_servers.failed_by_day == (0,) * 6 + (1, 2, 1, 1, 1, 2, 0, 1)
    assert found(nights("SSSS")).failed_by_day == ()


def replace_zone(period: ReportPeriod, zone: str) -> ReportPeriod:
    return ReportPeriod(since=period.since, until=period.until, zone=ZoneInfo(zone))


def test_repositories_that_fill_up_or_are_offline_are_named() -> None:
    """And no others."""
    rows = [
        RepositoryState(id="1", name="Full", capacity_gb=100, free_gb=5, is_online=True),
        RepositoryState(id="2", name="Fine", capacity_gb=100, free_gb=50, is_online=True),
        RepositoryState(id="3", name="Gone", is_online=False),
    ]
    findings = found(nights("S"), repositories=rows)
    assert [(each.name, each.is_offline) for each in findings.repositories] == [
        ("Full", False),
        ("Gone", True),
    ]


def test_what_was_not_read_is_named() -> None:
    """Silent servers, and those of which a part is missing, are in the report; a whole one is not."""
    whole, cut = Findings(jobs_total=1), Findings(jobs_total=2)
    made = report_over(
        [
            ServerReport(server=HQ, findings=whole, read_since=NOW - 14 * DAY),
            ServerReport(
                server=DR, findings=cut, read_since=NOW - timedelta(hours=3), lacks=("repositories",)
            ),
        ],
        [SilentAt(server=ServerName("lab"), problem="TimedOut")],
        NIGHT,
        at="08:00",
        as_of=NOW,
    )
    assert [(each.server, each.lacks) for each in made.incomplete] == [(DR, ("repositories",))]
    assert [each.server for each in made.silent] == ["lab"]
    assert made.findings.jobs_total == 3
