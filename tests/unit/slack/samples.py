"""Values to draw: ordinary ones, and such that are out to break a message."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bot.operations.actions.clone import Clone
from bot.operations.actions.edit import Edit
from bot.operations.actions.mute import Unmute
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.catalog import CATALOG
from bot.operations.failures import Failure
from bot.operations.job_filters import JobsFilter
from bot.operations.model import KnownJob, NamedJob, Operation, Person, Standing
from bot.operations.mutes import MuteView
from bot.operations.outcomes import ActionAnswer, JobView, Ran, SilentServer, Streak
from bot.operations.permissions import HeldGrant
from bot.operations.queries.audit import AuditAnswer, ReadAudit
from bot.operations.queries.help import HelpAnswer, LimitedServer
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.servers import ServersAnswer, ServerView
from bot.operations.queries.session import SessionAnswer, ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsAnswer, SessionsFilter, SessionView
from bot.operations.queries.status import ServerStatus, StatusAnswer
from bot.operations.queries.whoami import WhoamiAnswer
from bot.operations.queries.why import EarlierAttempt, ExplainedRun, ExplainFailure, OtherJobs, WhyAnswer
from bot.sandbox.vbr.jobmodels import JobParts, daily, job_model
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.store import (
    AuditEntry,
    AuditId,
    AuditOutcome,
    AuditRecord,
    AuditShown,
    Mute,
    NewFollowedSession,
    TimedDisable,
)
from bot.veeam import (
    Capability,
    ConnectFailed,
    Detail,
    Job,
    JobFacts,
    JobId,
    JobState,
    LogRecord,
    MissingDetail,
    RepositoryState,
    Result,
    ServerFailed,
    ServerInfo,
    ServerName,
    ServerTime,
    Session,
    SessionId,
    SessionProgress,
    SessionResult,
    TaskSession,
    TaskSessionId,
    TimedOut,
    cause_of,
    job_facts,
)
from bot.watch.facts import (
    StormCause,
    StormFacts,
    StormFailure,
)
from bot.watch.run_facts import JobOutlook, ObjectFacts, RunFacts, SessionDetails, SessionFacts

NOW = datetime(2026, 11, 23, 3, 4, tzinfo=UTC)
HQ = ServerName("hq")
BRANCH = ServerName("branch")
ANN = PersonId("U0ANN")
BEN = PersonId("U0BEN")
ONCALL = "S0ONCALL"
JOB_ID = JobId("e35ef047-8cfa-4c3e-979e-de2e5399142f")
SESSION_ID = SessionId("6c76bb17-8695-4f7c-981f-670789edd8f3")
REASON = "Failed to freeze guest, wait timeout"
LONG_REASON = (
    "Failed to open VDDK disk [[SAN-01] exch01/exch01.vmdk] ( is read-only mode - [true] ) Failed to open "
    "virtual disk. Logon attempt with parameters [VC/ESX: [vcenter01.example.com]; Port: 443; Login: "
    "[EXAMPLE\\svc-veeam]; VMX Spec: [moref=vm-1042]] failed because of the following errors: Failed to open "
    "disk for read."
)
REFERENCE = "k3x9"

HOSTILE = (
    "<!channel>",
    "<@U0ANN|boss> & <https://evil.example|VBR>",
    "*SQL* _Prod_ ~old~ `code`",
    ":fire: #general @here www.example.com",
    "safe\u202eexe.txt\x07\nsecond line",
    "```\n> quoted\n```",
    "x" * 5_000,
    "&" * 5_000,
    "",
)


def session_id(number: int) -> SessionId:
    """One of many session ids."""
    return SessionId(f"{number:08x}-8695-4f7c-981f-670789edd8f3")


def job_id(number: int) -> JobId:
    """One of many job ids."""
    return JobId(f"{number:08x}-8cfa-4c3e-979e-de2e5399142f")


def progress(percent: int = 100) -> SessionProgress:
    """What a run of 26 minutes moved."""
    return SessionProgress(
        duration="00:26:04",
        bottleneck="Proxy",
        processed_size=17179869184,
        read_size=8074035200,
        transferred_size=3882512848,
        progress_percent=percent,
    )


def job_state(
    name: str = "SQL Prod",
    *,
    kind: str = "VSphereBackup",
    result: str = "Failed",
    status: str = "stopped",
    number: int = 0,
) -> JobState:
    """A job's state; active when its status says so."""
    return JobState(
        id=job_id(number) if number else JOB_ID,
        name=name,
        type=kind,
        description="Created by .\\veeamadmin at 7/28/2025 10:41 AM.",
        status=status,
        last_run=NOW - timedelta(hours=2),
        last_result=result,
        next_run=NOW + timedelta(hours=16),
        next_run_policy="11/23/2026 7:00 PM",
        repository_name="Backup Repository 1",
        objects_count=12,
        session_id=SESSION_ID,
        progress_percent=42 if status == "running" else 100,
        session_progress=progress(),
    )


def job_view(
    state: JobState | None = None,
    *,
    server: ServerName = HQ,
    reason: str | None = REASON,
    operations: tuple[Operation, ...] = (ShowJob.operation, Start.operation, Retry.operation),
) -> JobView:
    """A job that failed three times in a row."""
    return JobView(
        server, state or job_state(), Streak(3), reason, operations, object_name=reason and "sql02"
    )


def jobs_answer(*views: JobView, request: ListJobs | None = None, total: int | None = None) -> JobsAnswer:
    """A page of failed jobs."""
    return JobsAnswer(
        request=request or ListJobs(which=JobsFilter.FAILED),
        rows=views,
        total=len(views) if total is None else total,
        page_size=10,
        unreadable=0,
        silent=(),
        as_of=NOW,
    )


def session(
    *, name: str = "SQL Prod", result: str = "Failed", state: str = "Stopped", message: str | None = REASON
) -> Session:
    """A session that took 26 minutes, or goes on."""
    over = state == "Stopped"
    return Session(
        id=SESSION_ID,
        name=name,
        job_id=JOB_ID,
        session_type="BackupJob",
        creation_time=NOW - timedelta(minutes=40),
        end_time=NOW - timedelta(minutes=14) if over else None,
        state=state,
        progress_percent=100 if over else 42,
        result=SessionResult(result=result, message=message) if over else None,
        initiated_by=".\\SYSTEM",
    )


def session_view(of: Session | None = None, *, stopped_by: PersonId | None = None) -> SessionView:
    """A session on hq."""
    return SessionView(HQ, of or session(), JOB_ID, stopped_by, job_type="VSphereBackup")


def task(name: str, result: str = "Failed", message: str | None = REASON) -> TaskSession:
    """One machine's part."""
    return TaskSession(
        id=TaskSessionId(f"task-{name[:20]}"),
        type="Backup",
        session_id=SESSION_ID,
        name=name,
        state="Stopped",
        result=SessionResult(result=result, message=message),
    )


def record(title: str, status: str = "Failed") -> LogRecord:
    """A line of the log."""
    return LogRecord(id=1, status=status, start_time=NOW, title=title)


def repository(name: str = "Backup Repository 1", free_gb: float = 900.0) -> RepositoryState:
    """A repository of ten terabytes."""
    return RepositoryState(id="r1", name=name, capacity_gb=10240.0, free_gb=free_gb, is_online=True)


def job_settings() -> Job:
    """A job of two machines, every night, that is retried three times."""
    parts = JobParts(
        JOB_ID,
        "SQL Prod",
        "",
        "r1",
        [{"type": "VirtualMachine", "name": "sql01"}, {"type": "Folder", "name": "SQL <b>"}],
        daily("22:00"),
    )
    return Job(job_model("VSphereBackup", parts))


def job_answer(view: JobView | None = None) -> JobAnswer:
    """A job with its latest sessions and its repository."""
    recent = tuple(
        session_view(session(result=result)) for result in ("Failed", "Failed", "Warning", "Success")
    )
    view = view or job_view()
    request = ShowJob(KnownJob(view.server, view.state.id))
    return JobAnswer(
        request,
        view,
        job_facts(job_settings()),
        recent,
        repository(),
        NOW,
        last_good_at=NOW - timedelta(minutes=14),
        is_last_good_known=True,
    )


FULL = (
    "There is not enough space on the disk. Failed to write data to the file [D:\\Backup\\sql02D2025.vbk]. "
    "Agent failed to process method {DataTransfer.SyncDisk}."
)


def why_answer(line: str = FULL, *, others: int = 0) -> WhyAnswer:
    """A run whose second attempt failed, for want of space where the line is no other."""
    finding = cause_of([line])
    allowed = (ShowJob.operation, Start.operation, Retry.operation, Edit.operation)
    view = job_view(reason=line, operations=allowed)
    same = tuple(job_view(job_state(f"Oracle {number}", number=number)) for number in range(1, others + 1))
    run = ExplainedRun(
        Result.FAILED,
        session(),
        attempt=2,
        finding=finding,
        line=line if finding is None else finding.line,
        object_name="sql02",
        objects=2,
        objects_total=3,
        earlier=(EarlierAttempt(1, session(), Failure(reason="<first> reason")),),
    )
    return WhyAnswer(
        request=ExplainFailure(KnownJob(HQ, JOB_ID)),
        view=view,
        run=run,
        as_of=NOW,
        streak=Streak(3),
        last_good_at=NOW - timedelta(days=2, hours=3),
        is_last_good_known=True,
        others=OtherJobs(same, others),
    )


def all_settings() -> JobFacts:
    """A job with everything that can be set."""
    gfs = {
        "isEnabled": True,
        "weekly": {"isEnabled": True, "keepForNumberOfWeeks": 4},
        "yearly": {"isEnabled": True, "keepForNumberOfYears": 3},
    }
    raw = dict(job_settings().raw)
    raw["virtualMachines"] = {
        "includes": [{"type": "VirtualMachine", "name": f"sql{number:02}"} for number in range(1, 36)],
        "excludes": {"vms": [{"type": "Folder", "name": "Test <b>"}], "templates": {"isEnabled": True}},
    }
    raw["storage"] = {
        "retentionPolicy": {"type": "Days", "quantity": 14},
        "gfsPolicy": gfs,
        "advancedSettings": {"storageData": {"encryption": {"isEnabled": True}}},
    }
    raw["guestProcessing"] = {
        "appAwareProcessing": {"isEnabled": True},
        "guestFSIndexing": {"isEnabled": True},
    }
    return job_facts(Job(raw | {"isHighPriority": True}))


def muted() -> MuteView:
    """The job, muted until it succeeds, as somebody sees it who may end that."""
    kept = Mute(
        id=7,
        server=HQ,
        job_id=JOB_ID,
        job_name="SQL Prod",
        person_id=ANN,
        reference=REFERENCE,
        comment="disk <!here> ordered",
        muted_at=NOW,
        until=NOW + timedelta(days=14),
        until_success=True,
    )
    return MuteView(kept, Unmute(KnownJob(HQ, JOB_ID), mute=7))


def muted_server() -> MuteView:
    """Planned maintenance, as somebody sees it who may not end it."""
    return MuteView(replace(muted().mute, job_id=None, job_name=None, until_success=False, comment=None))


def timed_disable() -> TimedDisable:
    """Ben's plan to enable the job again in four hours."""
    return TimedDisable(
        server=HQ,
        job_id=JOB_ID,
        job_name="SQL Prod",
        person_id=BEN,
        channel_id="C0PROD",
        reference=REFERENCE,
        disabled_at=NOW,
        until=NOW + timedelta(hours=4),
    )


def sessions_answer(*views: SessionView, total: int | None = 23) -> SessionsAnswer:
    """A page of failed sessions of one job within a day."""
    request = ListSessions(SessionsFilter.FAILED, NamedJob("sql"), timedelta(hours=24), None, 1)
    return SessionsAnswer(request, "SQL Prod", views, total, 10, (silence(),), NOW)


def session_answer(view: SessionView | None = None) -> SessionAnswer:
    """A session in which one of three machines failed."""
    tasks = (
        task("sql01", "Success", None),
        task("sql02"),
        task("sql03", "Warning", "Log truncation was skipped"),
    )
    records = (record("Processing sql02"), record("Change tracking is off", "Warning"))
    return SessionAnswer(ShowSession(SESSION_ID, HQ), view or session_view(), job_view(), tasks, records, NOW)


def long_session_answer(page: int) -> SessionAnswer:
    """A session with more objects, and longer messages, than a message shows."""
    whole = "\n".join(f"Line {number} of what VBR says about the disk." for number in range(1, 120))
    tasks = (
        task("sql02", message=whole),
        *(task(f"web{number:02}", message=f"Cannot reach web{number:02}") for number in range(1, 31)),
        *(task(f"app{number:02}", "Success", None) for number in range(1, 31)),
    )
    return replace(session_answer(), request=ShowSession(SESSION_ID, HQ, page), tasks=tasks)


def silence(server: ServerName = BRANCH) -> SilentServer:
    """A server that can't be reached."""
    return SilentServer(server, ConnectFailed(server, "connection refused"))


def server_status(*failed: JobView) -> ServerStatus:
    """A server with a repository that runs full."""
    running = job_view(
        job_state("Exchange", result="None", status="running", number=7),
        operations=(ShowJob.operation, Stop.operation),
    )
    return ServerStatus(
        server=HQ,
        running=(running,),
        failed=failed,
        running_total=1,
        failed_total=len(failed),
        warning_total=5,
        disabled_total=2,
        jobs_total=1204,
        repositories=(repository(), repository("Archive", 8000.0)),
        last_poll_at=NOW - timedelta(seconds=20),
    )


def status_answer(*failed: JobView) -> StatusAnswer:
    """One server that answers, one that doesn't."""
    return StatusAnswer((server_status(*failed),), (silence(),), 3, NOW)


def missing_details() -> tuple[MissingDetail, ...]:
    """Each of them, of one server that fails on its side."""
    error = ServerFailed(HQ, "oops", status=500)
    error.asked = "GET /api/v1/jobs/states"
    return tuple(MissingDetail(HQ, what, error) for what in Detail)


def servers_answer() -> ServersAnswer:
    """One server that answers, one that took too long."""
    time = ServerTime(NOW, timedelta(hours=1), "(UTC+01:00) Amsterdam, Berlin")
    info = ServerInfo(name="VBR01", build_version="13.0.1.1071")
    polled = NOW - timedelta(seconds=20)
    return ServersAnswer(
        (
            ServerView(HQ, time, info, None, 112, polled, product="VBR 13.0", revision="1.3-rev0", port=9419),
            ServerView(BRANCH, None, None, TimedOut(BRANCH, "no answer within 30 s"), None, None, port=9419),
        ),
        NOW,
    )


def attempt_on_record(
    outcome: AuditOutcome | None = None,
    *,
    name: str | None = "SQL Prod",
    operation: str = "job.retry",
    person: str = ANN,
    origin: str = "button",
    channel: str | None = "C0PROD",
    detail: str | None = None,
    link: str | None = None,
) -> AuditRecord:
    """An attempt of ten minutes ago."""
    at = NOW - timedelta(minutes=10)
    entry = AuditEntry(
        person_id=person,
        person_name="Ann Admin",
        team_id="T0",
        operation=operation,
        reference=REFERENCE,
        origin=origin,
        channel_id=channel,
        at=at,
        server=HQ if name else None,
        job_id=JOB_ID if name else None,
        job_name=name,
        detail=detail,
    )
    shown = AuditShown("C0PROD", "1763899200.000100", link, at) if link else None
    return AuditRecord(AuditId(7), entry, outcome, shown)


def recorded(word: str, *, session: str | None = None, said: str | None = None) -> AuditOutcome:
    """What came of an attempt."""
    return AuditOutcome(word, NOW, session, said)


def audit_answer(
    *rows: AuditRecord, request: ReadAudit | None = None, total: int | None = None, is_exact: bool = True
) -> AuditAnswer:
    """A page of the record."""
    total = len(rows) if total is None else total
    return AuditAnswer(request or ReadAudit(), rows, total, NOW, total_is_exact=is_exact)


def lacking_server() -> ServerView:
    """A server of VBR 12.3."""
    return replace(
        servers_answer().servers[0],
        info=None,
        product="VBR 12.3",
        revision="1.2-rev1",
        is_pinned=True,
        newest="1.3-rev0",
        lacks={
            "VBR 13.0": (Capability.RETRY, Capability.CLONE),
            "VBR 13.1": (Capability.QUICK_BACKUP_HYPERV,),
        },
    )


def lacking() -> tuple[LimitedServer, ...]:
    """Two servers, of which one cannot retry or clone."""
    return (LimitedServer(BRANCH, "VBR 12.3", (Retry.operation, Clone.operation)),)


def help_answer(
    topic: Operation | None = None, unknown: str | None = None, nearest: Operation | None = None
) -> HelpAnswer:
    """Help for somebody who may do everything."""
    return HelpAnswer(CATALOG, topic, unknown, nearest, is_granted_anything=True)


def whoami_answer(standing: Standing = Standing.MEMBER) -> WhoamiAnswer:
    """Somebody with one role by a group, another by name."""
    group = GrantSettings(
        group=GroupReference("@backup-operators"), role=Role.BACKUP_OPERATOR, jobs=("SQL*",)
    )
    own = GrantSettings(user=ANN, role=Role.BACKUP_VIEWER)
    held = (HeldGrant(group, "@backup-operators"), HeldGrant(own, "U0ANN"))
    person = Person(ANN, "ann", standing, frozenset({"@backup-operators"}))
    return WhoamiAnswer(person, held, (Role.BACKUP_OPERATOR, Role.BACKUP_VIEWER), CATALOG)


def viewer_operations() -> tuple[Operation, ...]:
    """What a viewer may do."""
    return tuple(one for one in CATALOG if not one.roles or Role.BACKUP_VIEWER in one.roles)


def action_answer(
    operation: Operation = Retry.operation, *, name: str = "SQL Prod", detail: str | None = None
) -> ActionAnswer:
    """An action that VBR accepted just now."""
    begun = session(name=name, result="None", state="Starting", message=None)
    return ActionAnswer(operation, ANN, HQ, JOB_ID, name, Ran(begun), detail, NOW)


def followed(operation: Operation = Retry.operation, name: str = "SQL Prod") -> NewFollowedSession:
    """The session that an action began, as it is followed."""
    return NewFollowedSession(
        server=HQ,
        session_id=SESSION_ID,
        job_id=JOB_ID,
        job_name=name,
        operation=operation.name,
        person=ANN,
        channel="C0PROD",
        ts="1763899200.000100",
        started_at=NOW,
    )


def details(*problems: ObjectFacts, records: tuple[str, ...] = ("Processing sql02",)) -> SessionDetails:
    """What is told of twelve machines."""
    return SessionDetails(
        problems=problems or (ObjectFacts(name="sql02", result="Failed", message=REASON),),
        failed_total=max(1, len(problems)),
        warned_total=0,
        succeeded_total=11,
        objects_total=12,
        records=records,
        bottleneck="Source",
        processed_bytes=17179869184,
        read_bytes=8074035200,
        transferred_bytes=3882512848,
    )


def attempt(
    result: str = "Failed",
    *,
    number: int = 1,
    told: SessionDetails | None = None,
    message: str | None = REASON,
) -> SessionFacts:
    """The attempt of that number: each takes 26 minutes, ten minutes apart."""
    begun = NOW + timedelta(minutes=36 * (number - 1))
    return SessionFacts(
        session_id=session_id(number),
        session_type="BackupJob",
        result=result,
        created_at=begun,
        ended_at=begun + timedelta(minutes=26),
        message=message,
        details=told if told is not None else details(),
    )


def lacking_retry() -> SessionFacts:
    """A failed session on a server whose API has no retry."""
    return msgspec.structs.replace(attempt(), unsupported=(Capability.RETRY,))


def outlook() -> JobOutlook:
    """A job that failed three nights in a row."""
    return JobOutlook(
        failed_in_a_row=3,
        is_nightly=True,
        last_good_at=NOW - timedelta(days=2, hours=23),
        is_last_good_known=True,
        next_run=NOW + timedelta(hours=24),
    )


def run(
    *attempts: SessionFacts, name: str = "SQL Prod", total: int | None = 4, is_final: bool = False
) -> RunFacts:
    """A run that VBR retries up to three times."""
    return RunFacts(
        server=HQ,
        job_id=JOB_ID,
        job_name=name,
        attempts=attempts or (attempt(),),
        attempts_total=total,
        next_attempt_expected_at=None if is_final else NOW + timedelta(minutes=41),
        is_final=is_final,
        outlook=outlook(),
    )


def storm(**changed: Any) -> StormFacts:
    """Twenty-three failures on two servers, of two causes."""
    given: dict[str, Any] = {
        "storm_id": "5f0c",
        "channel": "C0PROD",
        "count": 23,
        "servers": (HQ, BRANCH),
        "first_ended_at": NOW,
        "last_ended_at": NOW + timedelta(seconds=40),
        "causes": (
            StormCause(
                name="Repository full: Repo-3",
                text="There is not enough space on the disk.",
                count=20,
                servers=(HQ, BRANCH),
            ),
            StormCause(text=None, count=3, servers=(HQ,)),
        ),
        "causes_total": 2,
        "jobs": ("SQL Prod", "Exchange", "<!channel>"),
        "retryable": ("SQL Prod", "Exchange", "<!channel>"),
    }
    return StormFacts(**(given | changed))


def full_cause() -> StormCause:
    """Of all: the repository that they share, and what is free there."""
    name, text = "Repository full", "There is not enough space on the disk."
    return StormCause(
        name=name, text=text, count=20, servers=(HQ, BRANCH), repository="Repo-3 <01>", free_gb=12.5
    )


def storm_failures(owner: str | None = None, muted_by: str | None = None) -> Iterator[StormFailure]:
    """One of each state; the first has this owner, or is muted by this person, the second with its server."""
    for number, state in enumerate(("failed", "retrying", "recovered", "stopped", "logs_failed")):
        yield StormFailure(
            server=HQ,
            job_name=f"Job {number}",
            session_id=SESSION_ID,
            cause="There is not enough space on the disk." if number else None,
            state=state,
            ended_at=NOW,
            owner=None if number else owner,
            muted_by=muted_by if number < 2 else None,
            muted_until=NOW if number < 2 and muted_by is not None else None,
            muted_until_success=number == 0 and muted_by is not None,
            is_server_muted=number == 1 and muted_by is not None,
            held=2 if number < 2 and muted_by is not None else 0,
        )
