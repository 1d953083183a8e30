"""Each operation of the bot, in each way that reads something else: a request for it, and what it reads."""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from bot.operations.actions.acknowledge import Acknowledge, AcknowledgeExpectation
from bot.operations.actions.apply import Apply
from bot.operations.actions.approvals import Approve, Decline, ShowApproval
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit, JobForm
from bot.operations.actions.enable import Enable
from bot.operations.actions.group import AcknowledgeGroup, MuteGroup, RetryGroup
from bot.operations.actions.mute import (
    Mute,
    MuteExpectation,
    MuteServer,
    Unmute,
    UnmuteExpectation,
    UnmuteServer,
)
from bot.operations.actions.on_storms import AcknowledgeAll, MuteAll, MuteUnmet, RetryAll
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.actions.subscribe import Subscribe, SubscribedAnswer
from bot.operations.actions.unsubscribe import Unsubscribe
from bot.operations.job_filters import JobsFilter
from bot.operations.model import KnownJob, NamedJob, NamedMachine, Origin, Request, Step
from bot.operations.outcomes import Answer, ApprovalRequested, Done, Failed, Outcome
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.help import ShowHelp
from bot.operations.queries.home import HomeAnswer, ShowHome
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.report import ReportAnswer, ShowReport
from bot.operations.queries.servers import ListServers, ServersAnswer
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsAnswer, SessionsFilter
from bot.operations.queries.status import ShowStatus, StatusAnswer
from bot.operations.queries.subscriptions import ListSubscriptions
from bot.operations.queries.whoami import ShowWhoami
from bot.operations.queries.why import ExplainFailure
from bot.sandbox.vbr import Job
from bot.slack.views.job_form import filled, job_form
from bot.store import (
    ChannelFailure,
    ExpectationGroup,
    ExpectationGroups,
    Expectations,
    FailureGroups,
    GroupedExpectation,
    Runs,
    Storm,
    Storms,
    UnmetExpectation,
)
from bot.veeam import Detail, GroupedJob, SessionId
from bot.watch.facts import Expectation
from bot.watch.run_facts import RunFacts, SessionFacts
from bot.watch.runs import Run, RunChannel
from bot.watch.standing import row_of
from tests.rooms.operations.form_room import ANN, BEN, Writer, summary_in
from tests.rooms.operations.office import HQ, Office
from tests.support.filled_forms import with_changes

ESSENTIAL = None
"""Without this read there is no answer, but a clear message."""
Row = Mapping[str, frozenset[Detail] | None]
Make = Callable[[Office], Awaitable[Request]]
_COUNT = itertools.count(1)


@dataclass(frozen=True)
class Case:
    """A request of one verb, and every read that its answer makes: those it can't do without, and details.

    A detail has what is missing from the answer without it, by name; what needs no words has none. `sends` is
    how many changes VBR gets with the answer. `behind` is what may be missing, too, where a read never
    answers: it waits for a turn. `origin` is how it is asked, `revision` what is spoken then.
    """

    verb: type[Request]
    make: Make
    reads: Row
    sends: int = 0
    behind: Mapping[str, frozenset[Detail]] = field(default_factory=dict)
    origin: Origin = Origin.TYPED
    revision: str = "1.3-rev0"


def lacks(*what: Detail) -> frozenset[Detail]:
    return frozenset(what)


def plain(make: Callable[[Office], Request]) -> Make:
    async def request(office: Office) -> Request:
        return make(office)

    return request


def fresh(office: Office, kind: str = "VSphereBackup", *, is_disabled: bool = False) -> KnownJob:
    """A job that nothing was done to yet."""
    name = f"Fresh {next(_COUNT)}"
    office.world.add_job(name, kind, objects=("vm01",), is_disabled=is_disabled)
    return office.known(name)


def failed(office: Office) -> KnownJob:
    name = f"Failing {next(_COUNT)}"
    office.world.add_job(name)
    office.world.finish_run(name, result="Failed")
    return office.known(name)


def running(office: Office) -> KnownJob:
    name = f"Running {next(_COUNT)}"
    office.world.add_job(name)
    office.world.begin_run(name)
    return office.known(name)


def job_of(office: Office, known: KnownJob) -> Job:
    return next(each for each in office.world.jobs if each.id == known.job_id)


def named(office: Office, known: KnownJob) -> NamedJob:
    return NamedJob(job_of(office, known).name, "hq", exact=True)


def reads_heard(office: Office) -> set[str]:
    """What was read: every request but those that change something, and those for a token."""
    return {
        f"{request.method} {request.template}"
        for request in office.hq.requests
        if request.method == "GET" or "/inventory" in request.template
    }


def changes(office: Office) -> list[str]:
    """What was sent to change something."""
    return [
        f"{request.method} {request.template}"
        for request in office.hq.requests
        if request.method != "GET"
        and "oauth2" not in request.template
        and "inventory" not in request.template
    ]


def failed_servers(outcome: Outcome) -> set[str]:
    """The servers that gave no answer."""
    match outcome:
        case Failed():
            return {outcome.error.server}
        case Done(JobsAnswer() | SessionsAnswer() | StatusAnswer() as answer):
            return {one.server for one in answer.silent}
        case Done(HomeAnswer(status=status)):
            return set() if status is None else {one.server for one in status.silent}
        case Done(ReportAnswer(report=report)):
            return {one.server for one in report.silent}
        case Done(ServersAnswer(servers=servers)):
            return {one.server for one in servers if one.error is not None}
        case _:
            return set()


def last_session(office: Office, known: KnownJob) -> SessionId:
    return SessionId(job_of(office, known).session_id or "")


def quick_backup(office: Office) -> QuickBackup:
    """Of a machine whose job is at rest."""
    machine = f"web{next(_COUNT)}"
    office.world.add_job(f"Of {machine}", objects=(machine,))
    office.world.finish_run(f"Of {machine}", result="Success")
    return QuickBackup(NamedMachine(machine, "hq"))


def deleting(office: Office) -> Delete:
    job = fresh(office)
    return Delete(job, typed_name=job_of(office, job).name)


async def announced(office: Office) -> KnownJob:
    """A job whose failed run was posted."""
    job, now = failed(office), office.clock.now()
    attempt = SessionFacts(
        session_id=last_session(office, job),
        session_type="BackupJob",
        result="Failed",
        created_at=now,
        ended_at=now,
    )
    facts = RunFacts(server=HQ, job_id=job.job_id, job_name=job_of(office, job).name, attempts=(attempt,))
    async with office.database.transaction() as transaction:
        run = Run(facts=facts, channels=(RunChannel(channel="C0PROD"),))
        await Runs(office.database).put(transaction, row_of(run))
    return job


async def acknowledging(office: Office) -> Request:
    return Acknowledge(await announced(office))


async def muted(office: Office) -> Request:
    job = fresh(office)
    await office.answer(Mute(job, until_success=True, step=Step.SEND), Answer, ANN)
    return Unmute(job)


async def maintained(office: Office) -> Request:
    await office.answer(MuteServer("hq", "Nothing*", span=timedelta(hours=1)), Answer, ANN)
    return UnmuteServer("hq", "Nothing*")


REPOSITORY_7 = ("hq", "repository:7", "Repository 7")


async def unmet(office: Office) -> Request:
    """A channel was told how full a repository is."""
    server, subject, name = REPOSITORY_7
    now = office.clock.now()
    expected = Expectation(server=HQ, kind="repository", subject=subject, name=name, since=now, limit=10.0)
    body = msgspec.json.encode(expected).decode()
    kept = UnmetExpectation(
        server=server, subject=subject, kind="repository", since=now, channel="C0PROD", body=body
    )
    async with office.database.transaction() as transaction:
        await Expectations(office.database).begin(transaction, [kept])
    return AcknowledgeExpectation(server, subject, name, "repository")


async def muted_expectation(office: Office) -> Request:
    await unmet(office)
    await office.answer(mute_expectation(), Answer, ANN)
    return UnmuteExpectation(*REPOSITORY_7)


def mute_expectation() -> MuteExpectation:
    return MuteExpectation(*REPOSITORY_7, step=Step.SEND, span=timedelta(hours=1))


def of_storm(verb: type[RetryAll | AcknowledgeAll | MuteAll]) -> Make:
    async def request(office: Office) -> Request:
        job, now, storm_id = await announced(office), office.clock.now(), f"storm-{next(_COUNT)}"
        storms, session_id = Storms(office.database), last_session(office, job)
        failure = ChannelFailure(
            channel="C0PROD",
            run_key=f"hq/{session_id}",
            server="hq",
            job_id=job.job_id,
            job_name=job_of(office, job).name,
            session_id=session_id,
            last_session_id=session_id,
            cause_key="",
            cause=None,
            reason=None,
            state="failed",
            ended_at=now,
            noticed_at=now,
            storm_id=storm_id,
            place=0,
        )
        async with office.database.transaction() as transaction:
            await storms.put(transaction, Storm(storm_id, "C0PROD", now, now))
            await storms.add(transaction, failure)
        return verb(storm_id)

    return request


def of_group(verb: type[RetryGroup | AcknowledgeGroup | MuteGroup]) -> Make:
    async def request(office: Office) -> Request:
        job, group_id = await announced(office), f"group-{next(_COUNT)}"
        grouped = GroupedJob(HQ, job.job_id, job_of(office, job).name, last_session(office, job))
        jobs = msgspec.json.encode((grouped,)).decode()
        await FailureGroups(office.database).keep({group_id: jobs}, office.clock.now())
        return verb(group_id)

    return request


async def mute_unmet(office: Office) -> Request:
    job, now, group_id = fresh(office), office.clock.now(), f"unmet-{next(_COUNT)}"
    groups = ExpectationGroups(office.database)
    group = ExpectationGroup(
        id=group_id,
        server="hq",
        kind="no_success",
        channel="C0PROD",
        since=now,
        opened_at=now,
        allowed=26.0,
    )
    one = GroupedExpectation(
        group_id=group_id, subject=job.job_id, name=job_of(office, job).name, since=now, place=0
    )
    async with office.database.transaction() as transaction:
        await groups.put(transaction, group)
        await groups.add(transaction, [one])
    return MuteUnmet(group_id)


def of_approval(verb: type[Approve | Decline | ShowApproval]) -> Make:
    """What a second person asks about a request to delete a job."""

    async def request(office: Office) -> Request:
        asked = await office.ask(deleting(office), BEN)
        assert isinstance(asked, ApprovalRequested), asked
        return verb(asked.approval.id)

    return request


async def subscribed(office: Office) -> Request:
    asked = Subscribe(pattern=f"Nothing {next(_COUNT)}*")
    return Unsubscribe((await office.answer(asked, SubscribedAnswer, ANN)).subscription.id)


async def edit_reviewed(office: Office) -> Request:
    form = await Writer(office).edits(job_of(office, fresh(office)).name)
    return with_fields(form, description="Nightly")


async def edit_submitted(office: Office) -> Request:
    return summary_in(await office.ask(Edit(fresh(office), retention=9), ANN)).request


async def create_reviewed(office: Office) -> Request:
    form = await Writer(office).creates(office.world.job("SQL Prod"))
    return with_fields(form, name=f"Made {next(_COUNT)}")


async def create_submitted(office: Office) -> Request:
    writer = Writer(office)
    form = await writer.creates(office.world.job("SQL Prod"))
    return (await writer.sees(form, name=f"Made {next(_COUNT)}")).request


def with_fields(form: JobForm, **changes: str) -> Request:
    request = form.request
    assert isinstance(request, Edit | Create)
    submitted = filled(request, with_changes(job_form(form).blocks, **changes))
    assert isinstance(submitted, Edit | Create), submitted
    return submitted


STATES, MODELS, MODEL = "GET /api/v1/jobs/states", "GET /api/v1/jobs", "GET /api/v1/jobs/{id}"
SESSIONS, SESSION = "GET /api/v1/sessions", "GET /api/v1/sessions/{id}"
TASKS, LOGS = f"{SESSION}/taskSessions", f"{SESSION}/logs"
ALL_TASKS = "GET /api/v1/taskSessions"
REPOSITORIES = "GET /api/v1/backupInfrastructure/repositories/states"
SCALE_OUT = "GET /api/v1/backupInfrastructure/scaleOutRepositories"
CREDENTIALS, TIME, INFO = "GET /api/v1/credentials", "GET /api/v1/serverTime", "GET /api/v1/serverInfo"
SWAGGER = "GET /swagger/{document}/swagger.json"
"""The revisions are asked for in another way where it fails."""
HOSTS = "GET /api/v1/inventory/vmware/hosts"
POINTS, BACKUP = "GET /api/v1/restorePoints", "GET /api/v1/backups/{id}"
MACHINES = "GET /api/v1/inventory/vmware/hosts/{name}"

DERIVED: Row = {STATES: lacks(Detail.JOB_STATES)}
SERVER_TIME: Row = {TIME: lacks(Detail.SERVER_TIME)}
WHAT_RUNS: Row = {SESSIONS: lacks(Detail.RUNNING_SESSIONS)}
"""Of jobs that are disabled, or whose runs have parts."""
JOB_REPOSITORY: Row = {REPOSITORIES: lacks(Detail.REPOSITORIES)}
WHO_STOPPED: Row = {SESSIONS: lacks(Detail.SESSIONS, Detail.FAILURE_REASON)}
WHY_FAILED: Row = {
    SESSIONS: lacks(Detail.FAILURE_REASON),
    TASKS: lacks(),  # the log may still say why
    LOGS: lacks(Detail.FAILURE_REASON),
    **SERVER_TIME,
}
STATUS: Row = {
    **DERIVED,
    **JOB_REPOSITORY,
    **WHY_FAILED,
    SESSIONS: lacks(Detail.SESSIONS, Detail.FAILURE_REASON, Detail.RUNNING_SESSIONS),
}
JOB: Row = {
    **DERIVED,
    **JOB_REPOSITORY,
    **SERVER_TIME,
    MODEL: lacks(Detail.JOB_SETTINGS),
    SESSIONS: lacks(Detail.SESSIONS, Detail.FAILURE_REASON, Detail.LAST_SUCCESS),
    TASKS: lacks(),
}
MACHINE: Row = {HOSTS: ESSENTIAL, MACHINES: ESSENTIAL}
MENU_FACTS: Row = {
    REPOSITORIES: lacks(Detail.REPOSITORIES),
    SCALE_OUT: lacks(Detail.SCALE_OUT_REPOSITORIES),
    CREDENTIALS: lacks(Detail.CREDENTIALS),
    **SERVER_TIME,
}
RUN: Row = {**DERIVED, SESSIONS: ESSENTIAL}
"""What begins or ends a run is told from other runs by the newest."""
NEWEST_RUN: Row = {SESSIONS: lacks(Detail.SESSIONS)}

NOTHING: Row = {}
ON_JOB: Row = {**DERIVED, **NEWEST_RUN}
SWITCHED: Row = {**DERIVED, SESSIONS: lacks(Detail.SESSIONS, Detail.RUNNING_SESSIONS)}
DECIDED: Row = {**NEWEST_RUN, STATES: ESSENTIAL, MODEL: ESSENTIAL}
"""What two people agree on is bound to the whole state."""
EDITED: Row = {**ON_JOB, **MENU_FACTS, MODEL: ESSENTIAL}
BEHIND_SESSIONS: Mapping[str, frozenset[Detail]] = {
    STATES: lacks(Detail.SERVER_TIME),
    TASKS: lacks(Detail.JOB_STATES),
}
BEHIND_STATES: Mapping[str, frozenset[Detail]] = {STATES: lacks(Detail.RUNNING_SESSIONS)}
VBR_1310 = "1.3-rev2"
"""The revision of a VBR that has commands for agent policies."""
POLICY = "WindowsAgentBackupWorkstationPolicy"

CASES: Mapping[str, Case] = {
    "jobs": Case(ListJobs, plain(lambda _: ListJobs(server="hq")), {**DERIVED, **WHAT_RUNS}),
    "jobs failed": Case(
        ListJobs,
        plain(lambda _: ListJobs(which=JobsFilter.FAILED, server="hq")),
        {**DERIVED, **WHY_FAILED, **WHO_STOPPED},
    ),
    "jobs warning": Case(
        ListJobs,
        plain(lambda _: ListJobs(which=JobsFilter.WARNING, server="hq")),
        {**DERIVED, **SERVER_TIME, TASKS: lacks(), LOGS: lacks(Detail.FAILURE_REASON)},
    ),
    "jobs repo:Second": Case(
        ListJobs,
        plain(lambda _: ListJobs(repository="Second Repository", server="hq")),
        {
            **DERIVED,
            REPOSITORIES: lacks(Detail.REPOSITORIES),
            SCALE_OUT: lacks(Detail.SCALE_OUT_REPOSITORIES),
        },
    ),
    "jobs after:Oracle": Case(ListJobs, plain(lambda _: ListJobs(after="Oracle", server="hq")), DERIVED),
    "jobs holding:web01": Case(
        ListJobs,
        plain(lambda _: ListJobs(holding="web01", server="hq")),
        {
            **DERIVED,
            MODELS: lacks(Detail.JOB_SETTINGS),
            POINTS: lacks(Detail.RESTORE_POINTS),
            BACKUP: lacks(Detail.RESTORE_POINTS),
        },
    ),
    "jobs stale:3h": Case(
        ListJobs,
        plain(lambda _: ListJobs(stale=timedelta(hours=3), server="hq")),
        {**DERIVED, SESSIONS: lacks(Detail.LAST_SUCCESS, Detail.RUNNING_SESSIONS)},
    ),
    "job": Case(ShowJob, plain(lambda office: ShowJob(office.known("SQL Prod"))), JOB),
    "why": Case(
        ExplainFailure,
        plain(lambda office: ExplainFailure(office.known("SQL Prod"))),
        {
            **DERIVED,
            **SERVER_TIME,
            SESSIONS: lacks(Detail.SESSIONS),
            TASKS: lacks(Detail.OBJECTS),
            LOGS: lacks(Detail.LOG, Detail.FAILURE_REASON),  # the latter is another job's
        },
    ),
    "sessions running": Case(
        ListSessions,
        plain(lambda _: ListSessions(which=SessionsFilter.RUNNING, server="hq")),
        {**DERIVED, SESSIONS: ESSENTIAL},
    ),
    "sessions": Case(
        ListSessions,
        plain(lambda _: ListSessions(within=timedelta(hours=24), server="hq")),
        {**WHY_FAILED, **DERIVED, SESSIONS: ESSENTIAL},
        behind=BEHIND_SESSIONS,
    ),
    "session": Case(
        ShowSession,
        plain(lambda office: ShowSession(job=office.known("SQL Prod"))),
        {
            **DERIVED,
            **SERVER_TIME,
            SESSIONS: ESSENTIAL,
            SESSION: ESSENTIAL,
            TASKS: lacks(Detail.OBJECTS),
            LOGS: lacks(Detail.LOG),
        },
    ),
    "status": Case(
        ShowStatus,
        plain(lambda _: ShowStatus("hq")),
        STATUS,
        behind=BEHIND_STATES,
    ),
    "servers": Case(
        ListServers,
        plain(lambda _: ListServers("hq")),
        {TIME: lacks(Detail.SERVER_TIME), INFO: lacks(Detail.SERVER_INFO), SWAGGER: lacks()},
    ),
    "report": Case(
        ShowReport,
        plain(lambda _: ShowReport(server="hq")),
        {
            **DERIVED,
            **JOB_REPOSITORY,
            **SERVER_TIME,
            SESSIONS: lacks(Detail.SESSIONS),
            TASKS: lacks(),
            LOGS: lacks(Detail.FAILURE_REASON),
        },
    ),
    "home": Case(
        ShowHome,
        plain(lambda _: ShowHome()),
        STATUS,
        behind=BEHIND_STATES,
    ),
    "audit": Case(ReadAudit, plain(lambda _: ReadAudit()), NOTHING),
    "audit JOB": Case(ReadAudit, plain(lambda _: ReadAudit(job=NamedJob("SQL Prod", "hq"))), NOTHING),
    "subscriptions": Case(ListSubscriptions, plain(lambda _: ListSubscriptions()), NOTHING),
    "whoami": Case(ShowWhoami, plain(lambda _: ShowWhoami()), NOTHING),
    "help": Case(ShowHelp, plain(lambda _: ShowHelp()), NOTHING),
    "start": Case(Start, plain(lambda office: Start(fresh(office))), RUN, sends=1),
    "start NAME": Case(Start, plain(lambda office: Start(named(office, fresh(office)))), RUN, sends=1),
    "start form": Case(
        Start, plain(lambda office: Start(fresh(office), step=Step.FILL)), {**RUN, **JOB_REPOSITORY}
    ),
    "stop": Case(Stop, plain(lambda office: Stop(running(office))), DERIVED, sends=1),
    "stop form": Case(
        Stop,
        plain(lambda office: Stop(running(office), step=Step.FILL)),
        {**DERIVED, **JOB_REPOSITORY, SESSIONS: lacks(Detail.LAST_SUCCESS)},
    ),
    "retry": Case(Retry, plain(lambda office: Retry(failed(office))), DERIVED, sends=1),
    "retry form": Case(
        Retry,
        plain(lambda office: Retry(failed(office), step=Step.FILL)),
        {**DERIVED, **JOB_REPOSITORY, SESSIONS: lacks(Detail.LAST_SUCCESS)},
    ),
    "retry by a mention": Case(
        Retry, plain(lambda office: Retry(failed(office))), DERIVED, origin=Origin.MENTION
    ),
    "enable": Case(
        Enable,
        plain(lambda office: Enable(fresh(office, is_disabled=True))),
        SWITCHED,
        sends=1,
    ),
    "disable": Case(Disable, plain(lambda office: Disable(fresh(office))), ON_JOB, sends=1),
    "disable form": Case(
        Disable,
        plain(lambda office: Disable(fresh(office), step=Step.FILL)),
        {**DERIVED, **NEWEST_RUN, **JOB_REPOSITORY},
    ),
    "clone": Case(Clone, plain(lambda office: Clone(fresh(office))), ON_JOB, sends=1),
    "delete form": Case(
        Delete,
        plain(lambda office: Delete(fresh(office), step=Step.FILL)),
        {**DERIVED, **NEWEST_RUN, **JOB_REPOSITORY},
    ),
    "delete": Case(Delete, plain(deleting), ON_JOB, sends=1),
    "pick": Case(Start, plain(lambda _: Start(NamedJob("", "hq"), step=Step.CHOOSE)), DERIVED),
    "quickbackup": Case(QuickBackup, plain(quick_backup), {**MACHINE, **DERIVED}, sends=1),
    "quickbackup form": Case(
        QuickBackup,
        plain(lambda _: QuickBackup(NamedMachine("web01", "hq"), Step.FILL)),
        {
            **MACHINE,
            **DERIVED,
            **JOB_REPOSITORY,
            **SERVER_TIME,
            SESSION: lacks(Detail.RESTORE_POINTS),
            ALL_TASKS: lacks(Detail.RESTORE_POINTS),
        },
    ),
    "apply": Case(
        Apply,
        plain(lambda office: Apply(fresh(office, POLICY))),
        SWITCHED,
        sends=1,
        revision=VBR_1310,
    ),
    "clearcache": Case(
        ClearCache,
        plain(lambda office: ClearCache(fresh(office, POLICY))),
        SWITCHED,
        sends=1,
        revision=VBR_1310,
    ),
    "edit form": Case(
        Edit,
        plain(lambda office: Edit(fresh(office))),
        EDITED,
    ),
    "edit review": Case(Edit, edit_reviewed, EDITED),
    "edit": Case(Edit, edit_submitted, EDITED, sends=1),
    "create choice": Case(Create, plain(lambda _: Create("hq")), NOTHING),
    "create form": Case(
        Create,
        plain(lambda office: Create("hq", office.known("SQL Prod"), step=Step.FILL)),
        {**DERIVED, **MENU_FACTS, MODEL: ESSENTIAL},
    ),
    "create review": Case(Create, create_reviewed, {**DERIVED, **MENU_FACTS}),
    "create": Case(Create, create_submitted, DERIVED, sends=1),
    "ack": Case(Acknowledge, acknowledging, DERIVED),
    "mute": Case(
        Mute,
        plain(lambda office: Mute(fresh(office), step=Step.SEND, until_success=True)),
        ON_JOB,
    ),
    "mute form": Case(Mute, plain(lambda office: Mute(fresh(office), step=Step.FILL)), ON_JOB),
    "unmute": Case(Unmute, muted, ON_JOB),
    "mute server": Case(
        MuteServer, plain(lambda _: MuteServer("hq", "Nothing*", span=timedelta(hours=1))), NOTHING
    ),
    "unmute server": Case(UnmuteServer, maintained, NOTHING),
    "ack of an expectation": Case(AcknowledgeExpectation, unmet, NOTHING),
    "mute of an expectation": Case(MuteExpectation, plain(lambda _: mute_expectation()), NOTHING),
    "unmute of an expectation": Case(UnmuteExpectation, muted_expectation, NOTHING),
    "subscribe": Case(Subscribe, plain(lambda office: Subscribe(fresh(office))), DERIVED),
    "unsubscribe": Case(Unsubscribe, subscribed, NOTHING),
    "retry all": Case(RetryAll, of_storm(RetryAll), DERIVED, sends=1),
    "ack all": Case(AcknowledgeAll, of_storm(AcknowledgeAll), DERIVED),
    "mute all": Case(MuteAll, of_storm(MuteAll), DERIVED),
    "mute unmet": Case(MuteUnmet, mute_unmet, ON_JOB),
    "retry group": Case(RetryGroup, of_group(RetryGroup), DERIVED, sends=1),
    "ack group": Case(AcknowledgeGroup, of_group(AcknowledgeGroup), DERIVED),
    "mute group": Case(MuteGroup, of_group(MuteGroup), DERIVED),
    "request": Case(ShowApproval, of_approval(ShowApproval), NOTHING),
    "approve": Case(Approve, of_approval(Approve), DECIDED, sends=1),
    "decline": Case(Decline, of_approval(Decline), NOTHING),
}
