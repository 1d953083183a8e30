"""Every view and case that has a golden message, by the name of its file."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from bot import veeam
from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.apply import Apply
from bot.operations.actions.approvals import Approve
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create, CreateChoice
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.group import AcknowledgeGroup, MuteGroup
from bot.operations.actions.many import ActedOnJob, ActedOnMany, OneOfMany
from bot.operations.actions.mute import Mute, MuteServer, Unmute
from bot.operations.actions.on_storms import MuteUnmet, RetryAll
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.actions.subscribe import Subscribe, SubscribedAnswer
from bot.operations.actions.unsubscribe import Unsubscribe, UnsubscribedAnswer
from bot.operations.impact import PickForm
from bot.operations.job_filters import JobPriority, JobsColumn, JobsFilter
from bot.operations.machine_holders import Held, Holders
from bot.operations.model import (
    ClosedRole,
    KnownJob,
    KnownMachine,
    NamedJob,
    NamedMachine,
    Operation,
    Refusal,
    Snapshot,
    Standing,
)
from bot.operations.outcomes import (
    Acknowledged,
    AlreadyPressed,
    Ambiguous,
    AmbiguousMachine,
    Answer,
    Blocked,
    Cloned,
    Created,
    Deleted,
    Done,
    DraftExpired,
    Edited,
    Failed,
    InternalError,
    JobChoice,
    JobView,
    MachineChoice,
    Muted,
    NeedsForm,
    NoSubscription,
    NotFound,
    NotPossible,
    NotSubscribed,
    Offered,
    Outcome,
    PartOfName,
    Ran,
    Refused,
    SilentServer,
    StaleButton,
    Streak,
    SubscribedTo,
    Switched,
    SyntaxProblem,
    TooMany,
    Unclear,
    Unmuted,
    Unsupported,
    UnsupportedMachine,
)
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.sessions import ListSessions
from bot.operations.queries.subscriptions import RoutedTo, SubscriptionsAnswer
from bot.operations.queries.why import ExplainedRun
from bot.settings import ChannelId, Role, RouteSettings
from bot.slack.codec import UnreadablePress, UnreadableReason
from bot.slack.views.actions import (
    action_ended,
    action_lost,
    action_progress,
    action_reply,
    action_shown_elsewhere,
    run_under_way,
)
from bot.slack.views.announcements import announcement
from bot.slack.views.message import Message
from bot.slack.views.outcomes import outcome
from bot.slack.views.problems import unreadable_press
from bot.store import Subscription
from bot.veeam import REVISIONS, Capability, TlsReason, VeeamError, Workload, gained_by
from bot.watch.facts import (
    ActionRecorded,
    Announcement,
    AttemptEnded,
    BackfillProblems,
    BackfillSummary,
    ChannelClosed,
    ChannelMoved,
    DetailsReply,
    DigestDays,
    DigestJobs,
    DigestMade,
    DisableEnded,
    DisableReminder,
    Expectation,
    ExpectationAcknowledged,
    ExpectationOver,
    ExpectationsChanged,
    ExpectationsList,
    ExpectationsOwned,
    ExpectationsUnacknowledged,
    ExpectationsUnmet,
    ExpectationUnacknowledged,
    ExpectationUnmet,
    ListedExpectation,
    ManyUnacknowledged,
    MessageRefused,
    MuteBegan,
    MutedRunEnded,
    MuteEnded,
    NoFurtherAttempt,
    OutageBegan,
    OutageEnded,
    RevisionChanged,
    RunAcknowledged,
    RunChanged,
    RunEnded,
    StormBegan,
    StormChanged,
    StormFinal,
    StormList,
    Unacknowledged,
    UnmetGroup,
)
from bot.watch.run_facts import Acknowledgement, JobOutlook, MuteFacts, ObjectFacts, Recovery
from tests.unit.slack import approval_cases, form_samples, report_samples, samples
from tests.unit.slack.samples import ANN, BEN, BRANCH, HQ, JOB_ID, NOW, ONCALL, REFERENCE, SESSION_ID

AWKWARD = samples.HOSTILE


def _many(number: int) -> tuple[JobView, ...]:
    return tuple(samples.job_view(samples.job_state(f"SQL {n}", number=n)) for n in range(1, number + 1))


def _awkward_jobs() -> tuple[JobView, ...]:
    states = [samples.job_state(name, number=n) for n, name in enumerate(AWKWARD, start=1)]
    return tuple(samples.job_view(state, reason=state.name) for state in states)


def _copy(name: str) -> Cloned:
    return Cloned(samples.job_id(2), name, is_disabled=True)


def _records() -> dict[str, Answer]:
    on, of = samples.attempt_on_record, samples.recorded
    link = "https://example.slack.com/archives/C0PROD/p1763899200000100"
    rows = (
        on(of("done", session=SESSION_ID), operation="job.start", detail="active full", link=link),
        on(of("failed", said="hq: The job is not currently running."), operation="job.stop", origin="typed"),
        on(of("unclear", said="hq: no answer within 30 s"), channel="D0ANN", origin="menu"),
        on(None, channel=None, origin="shortcut"),
        on(of("refused", said="role"), person=BEN),
        on(of("refused", said="unsigned"), name=None, operation="request", person="unknown", origin="http"),
        on(of("broken", said="the database does not answer"), name="<!channel>"),
        on(of("brand-new", said="<!here>"), detail="<!here>", link="https://x|<!here>"),
    )
    narrowed = ReadAudit(NamedJob("sql", server="hq"), BEN, timedelta(days=7), "hq", 1)
    return {
        "audit": samples.audit_answer(*rows, total=500, is_exact=False),
        "audit-narrowed": samples.audit_answer(*rows[:2], request=narrowed, total=12, is_exact=False),
        "audit-of-one-job": samples.audit_answer(rows[0], request=ReadAudit(KnownJob(HQ, JOB_ID))),
        "audit-nothing": samples.audit_answer(request=ReadAudit(NamedJob("SQL <b>", exact=True))),
    }


def _recorded() -> dict[str, Announcement]:
    done = ActionRecorded(
        operation="job.start",
        outcome="done",
        person_id=ANN,
        person_name="Ann Admin",
        reference=REFERENCE,
        origin="typed",
        at=NOW,
        channel_id="C0PROD",
        server=HQ,
        job_name="SQL Prod",
        asked="active full, with chained jobs",
        session_id=SESSION_ID,
        row=12,
        hash="5f2b" * 16,
    )
    but = msgspec.structs.replace
    refused = but(done, outcome="refused", said="role", asked=None, session_id=None)
    return {
        "action-done": done,
        "action-failed": but(done, outcome="failed", said="hq: access is denied", session_id=None),
        "action-refused": but(refused, server=None, job_name=None, origin="button", channel_id="D0ANN"),
        "action-approved": but(done, approver_id=BEN, approver_name="Ben", reason="<!here> is retired"),
        "action-awkward": but(refused, person_name="<!channel>", job_name="<!here>", said="<!here>"),
    }


_CAUSES = (
    "Failed to freeze guest, wait timeout",
    "Not enough space on [D:\\Backup\\a.vbk]",
    "Failed to freeze guest, wait timeout",
    "Not enough space on [D:\\Backup\\b.vbk]",
)


def _subscription_answers() -> dict[str, Answer]:
    of_job = Subscription(
        id=7,
        channel="C0PROD",
        person_id=ANN,
        server=HQ,
        job_id=JOB_ID,
        pattern="SQL Prod",
        results=("Failed", "Warning"),
        made_at=NOW,
    )
    everything = replace(of_job, id=8, person_id=BEN, server=None, job_id=None, pattern=None)
    awkward = replace(everything, id=9, pattern="<!channel> `x`*", results=("Success",))
    direct = replace(of_job, channel="D0ANN", is_direct=True)
    rows = (
        SubscribedTo(of_job, job_name="SQL renamed"),
        SubscribedTo(everything, Refusal.STANDING),
        SubscribedTo(awkward, Refusal.GROUPS_UNREADABLE, job_name=awkward.pattern),
        SubscribedTo(replace(of_job, id=10, person_id=BEN), Refusal.SCOPE, is_named=False, may_end=False),
    )
    routes = (
        RoutedTo(
            RouteSettings(
                channel=ChannelId("C0PROD"),
                servers=("hq",),
                jobs=("SQL*", "Oracle*"),
                types=("VSphereBackup",),
                failures_in_a_row=3,
            )
        ),
        RoutedTo(RouteSettings(channel=ChannelId("C0PROD"), jobs=("Payroll*",)), is_named=False),
    )
    return {
        "subscribed": SubscribedAnswer(of_job, leaves_default=True),
        "subscribed-directly": SubscribedAnswer(direct),
        "subscribed-awkward": SubscribedAnswer(awkward),
        "unsubscribed": UnsubscribedAnswer(SubscribedTo(everything), ANN),
        "unsubscribed-own-unnamed": UnsubscribedAnswer(SubscribedTo(of_job, is_named=False), ANN),
        "subscriptions": SubscriptionsAnswer(rows, routes, NOW),
        "subscriptions-none": SubscriptionsAnswer((), (), NOW),
        "subscriptions-which": SubscriptionsAnswer(rows[:2], (), NOW, is_choice=True),
    }


def _not_subscribed() -> dict[str, Outcome]:
    there = _subscription_answers()["subscribed"]
    assert isinstance(there, SubscribedAnswer)
    cases: dict[str, Outcome] = {
        f"not-subscribed-{why.value}": NotSubscribed(
            Subscribe.operation,
            why,
            there.subscription if why is NoSubscription.ALREADY else None,
            at_most=20,
        )
        for why in NoSubscription
    }
    ends = SubscribedTo(there.subscription, job_name="SQL <!here>")
    return cases | {
        "offered-subscribe": Offered(Subscribe.operation, Subscribe(NamedJob("SQL <!here>", server="hq"))),
        "offered-unsubscribe": Offered(Unsubscribe.operation, Unsubscribe(7), subscription=ends),
    }


_OF_LOGS = (OneOfMany("hq/1", HQ, veeam.JobId("1"), "<!here>", is_of_logs=True),)


def _acted_on_many(operation: Operation, done: int) -> ActedOnMany:
    started = [ActedOnJob(HQ, f"SQL {number}", Done(samples.action_answer())) for number in range(done)]
    view = samples.job_view()
    stale = StaleButton(operation, view, Retry(KnownJob(HQ, view.state.id)))
    others = (
        ActedOnJob(HQ, "<!channel>", Refused(Refusal.SCOPE, Retry.operation, Standing.MEMBER)),
        ActedOnJob(HQ, "Oracle", Failed(Retry.operation, veeam.Rejected(HQ, "busy"), "Oracle")),
        ActedOnJob(HQ, "Exchange", InternalError("store", changed=False)),
        ActedOnJob(HQ, "<!here>", stale),
        ActedOnJob(HQ, "Web", NotPossible(operation, view, Blocked.NOT_FAILED)),
    )
    jobs = (*started, *others) if done else ()
    return ActedOnMany(operation, ANN, NOW, jobs, left_out=4 * bool(done))


def _answers() -> dict[str, Answer]:
    filtered = ListJobs(JobsFilter.FAILED, "SQL*", "VSphereBackup", "Main", "hq", 1)
    running = samples.job_view(
        samples.job_state(result="None", status="running"),
        reason=None,
        operations=(ShowJob.operation, Stop.operation),
    )
    never = msgspec.structs.replace(
        samples.job_state(result="None", status="disabled"), last_run=None, next_run=None
    )
    return {
        "jobs-failed": samples.jobs_answer(
            samples.job_view(), samples.job_view(samples.job_state("Oracle", number=2))
        ),
        "jobs-second-of-three-pages": samples.jobs_answer(*_many(10), request=filtered, total=23),
        "jobs-none-failed": samples.jobs_answer(),
        "jobs-none-of-that-type": samples.jobs_answer(request=ListJobs(job_type="ag<!here>ent")),
        "jobs-none-like-that": samples.jobs_answer(request=ListJobs(pattern="SQL*")),
        "jobs-silent-server": replace(
            samples.jobs_answer(samples.job_view()),
            silent=(samples.silence(),),
            unreadable=2,
            total_is_exact=False,
        ),
        "jobs-administrator": samples.jobs_answer(
            samples.job_view(
                operations=(
                    Retry.operation,
                    ShowJob.operation,
                    Start.operation,
                    Disable.operation,
                    Clone.operation,
                )
            ),
            samples.job_view(
                samples.job_state("Oracle", result="Success", status="disabled", number=2),
                reason=None,
                operations=(Start.operation, ShowJob.operation, Enable.operation, Clone.operation),
            ),
        ),
        "jobs-administrator-full-page": samples.jobs_answer(
            *(
                replace(
                    view,
                    operations=(
                        Retry.operation,
                        ShowJob.operation,
                        Start.operation,
                        Disable.operation,
                        Clone.operation,
                    ),
                )
                for view in _many(10)
            )
        ),
        "jobs-viewer": samples.jobs_answer(samples.job_view(operations=(ShowJob.operation,))),
        "jobs-all-kinds": samples.jobs_answer(
            running,
            JobView(HQ, never),
            JobView(HQ, samples.job_state("Odd", result="Quarantined")),
            JobView(
                HQ,
                samples.job_state("Fine", result="Success"),
                operations=(ShowJob.operation, Start.operation),
            ),
            request=ListJobs(),
        ),
        "jobs-awkward": samples.jobs_answer(*_awkward_jobs()),
        "jobs-problems-by-cause": samples.jobs_answer(
            *(
                samples.job_view(samples.job_state(f"Job {number}", number=number), reason=reason)
                for number, reason in enumerate(_CAUSES)
            ),
            samples.job_view(samples.job_state("Warned", result="Warning", number=5), reason=None),
            request=ListJobs(
                JobsFilter.PROBLEMS,
                repository="Repo-3",
                server="hq",
                ran_within=timedelta(hours=26),
            ),
            total=134,
        ),
        "jobs-problems-sorted": samples.jobs_answer(
            *(
                samples.job_view(samples.job_state(f"Job {number}", number=number), reason=reason)
                for number, reason in enumerate(_CAUSES)
            ),
            request=ListJobs(JobsFilter.PROBLEMS, sort=JobsColumn.LAST_RUN, is_descending=True),
            total=len(_CAUSES),
        ),
        "jobs-every-filter": replace(
            samples.jobs_answer(
                samples.job_view(),
                request=ListJobs(
                    JobsFilter.STOPPED,
                    "<!here>*",
                    "VSphereBackup",
                    "Main `repo`",
                    "hq",
                    0,
                    Workload.VM,
                    JobPriority.HIGH,
                    "Oracle ERP",
                    1,
                    "web01",
                    None,
                    timedelta(days=7),
                    timedelta(hours=26),
                    also=(JobsFilter.NONE,),
                ),
            ),
            without_predecessors=(samples.HQ,),
            not_looked_at=3,
        ),
        "jobs-holding": replace(
            samples.jobs_answer(
                samples.job_view(samples.job_state("By name", result="Success", number=1), reason=None),
                samples.job_view(samples.job_state("By folder", result="Success", number=2), reason=None),
                request=ListJobs(holding="web01"),
            ),
            holders={
                samples.HQ: Holders(
                    {
                        samples.job_state("By name", number=1).id: Held("web01", is_listed=True),
                        samples.job_state("By folder", number=2).id: Held("web01", newest_point=samples.NOW),
                    },
                    is_cut=True,
                    unread=1,
                    orphaned=2,
                )
            },
        ),
        "jobs-held-by-none": replace(
            samples.jobs_answer(request=ListJobs(holding="web99")),
            holders={samples.HQ: Holders()},
            nearest=("web09", "web19"),
        ),
        "jobs-jobless": replace(samples.jobs_answer(), jobless=(samples.HQ,)),
        "job-failed": samples.job_answer(),
        "job-administrator": samples.job_answer(
            samples.job_view(
                operations=(
                    Retry.operation,
                    ShowJob.operation,
                    Start.operation,
                    Disable.operation,
                    Clone.operation,
                    Delete.operation,
                )
            )
        ),
        "job-running": samples.job_answer(running),
        "job-never-ran": replace(
            samples.job_answer(JobView(HQ, never)), recent=(), repository=None, settings=None
        ),
        "job-all-settings": replace(
            samples.job_answer(),
            settings=samples.all_settings(),
            run_after=("SQL copy", "<!channel>"),
            repository=samples.repository(free_gb=900.0),
        ),
        "job-rest-of-objects": replace(
            samples.job_answer(),
            request=ShowJob(KnownJob(HQ, JOB_ID), page=1),
            settings=samples.all_settings(),
        ),
        "job-disabled-for-a-time": replace(
            samples.job_answer(
                samples.job_view(samples.job_state(result="Success", status="disabled"), reason=None)
            ),
            enabled_again=samples.timed_disable(),
        ),
        "job-learning": replace(samples.job_answer(), learning=(5, 1)),
        "job-muted": replace(samples.job_answer(), muted=samples.muted()),
        "job-disabled-plan-unknown": replace(
            samples.job_answer(
                samples.job_view(samples.job_state(result="Success", status="disabled"), reason=None)
            ),
            is_plan_known=False,
        ),
        "job-long-reason": samples.job_answer(
            samples.job_view(reason="\n".join("Cannot open the disk of <!here>. " * 8 for _ in range(12)))
        ),
        "job-awkward": samples.job_answer(samples.job_view(samples.job_state("<!channel> *`x`*"))),
        "why": samples.why_answer(others=2),
        "why-unknown": replace(
            samples.why_answer("Error: <!here> something *odd*"), is_last_good_known=True, last_good_at=None
        ),
        "why-probable": replace(
            samples.why_answer("Error: <!here> something *odd*"),
            others=replace(samples.why_answer(others=2).others, probable=veeam.cause_of([samples.FULL])),
        ),
        "why-probable-of-warnings": replace(
            probable := replace(
                samples.why_answer("Something odd"),
                others=replace(samples.why_answer(others=2).others, probable=veeam.cause_of([samples.FULL])),
            ),
            run=replace(probable.run, result=veeam.Result.WARNING),
        ),
        "why-others-that-warned": replace(
            many := samples.why_answer(others=2),
            run=replace(many.run, result=veeam.Result.WARNING),
            others=replace(many.others, unseen=7),
        ),
        "why-edit": samples.why_answer("sql02 is unavailable and will be skipped from processing."),
        "why-many-others": replace(
            samples.why_answer(others=20),
            others=replace(samples.why_answer(others=20).others, unseen=7, silent=(samples.silence(),)),
        ),
        "why-gone-well-since": replace(samples.why_answer(), last_good_at=NOW - timedelta(minutes=5)),
        "why-success": replace(
            samples.why_answer(),
            view=samples.job_view(samples.job_state(result="Success"), reason=None),
            run=ExplainedRun(veeam.Result.SUCCESS, samples.session(result="Success", message=None)),
            streak=Streak(0),
        ),
        "why-warning": replace(
            samples.why_answer("VMware Tools are not running on web03, guest processing was skipped"),
            view=samples.job_view(samples.job_state(result="Warning"), operations=(ShowJob.operation,)),
            run=replace(
                samples.why_answer("VMware Tools are not running on web03, guest processing was skipped").run,
                result=veeam.Result.WARNING,
                session=samples.session(result="Warning"),
                attempt=1,
                object_name="web03",
                objects=1,
            ),
            streak=Streak(0),
        ),
        "why-stopped": replace(
            samples.why_answer(), run=replace(samples.why_answer().run, is_stopped=True), streak=Streak(0)
        ),
        "why-never-ran": replace(
            samples.why_answer(), view=JobView(HQ, never), run=ExplainedRun(None), streak=None
        ),
        "sessions": samples.sessions_answer(
            samples.session_view(),
            samples.session_view(samples.session(result="Warning", message="Warning"), stopped_by=BEN),
            samples.session_view(samples.session(state="WaitingRepository")),
        ),
        "sessions-none": samples.sessions_answer(total=0),
        "sessions-with-reasons": samples.sessions_answer(
            replace(samples.session_view(), reason="Error: <!here> " + "cannot open disk. " * 40),
            replace(
                samples.session_view(samples.session(result="Warning", message="Warning")),
                reason="Log truncation was skipped",
            ),
        ),
        "session-failed": samples.session_answer(),
        "session-warning": replace(
            samples.session_answer(
                samples.session_view(samples.session(result="Warning", message="1 of 2 objects warned"))
            ),
            tasks=(
                samples.task("sql01", "Success", "Success"),
                samples.task("sql03", "Warning", "Log truncation was skipped\nVSS_E_WRITER: `SqlWriter` <b>"),
            ),
        ),
        "session-first-of-pages": samples.long_session_answer(0),
        "session-last-of-pages": samples.long_session_answer(99),
        "session-awkward": replace(
            samples.session_answer(), tasks=tuple(samples.task(name, message=name) for name in AWKWARD)
        ),
        "session-running": replace(
            samples.session_answer(samples.session_view(samples.session(state="Working"))),
            tasks=(),
            records=(),
            job=None,
        ),
        "status": samples.status_answer(*_many(3)),
        "status-refused": replace(
            samples.status_answer(),
            silent=tuple(
                SilentServer(error.server, error)
                for error in (
                    veeam.RevisionUnsupported(HQ, "Unsupported RESTAPI version."),
                    veeam.LoginRefused(samples.BRANCH, "Account is locked"),
                    veeam.TimedOut(veeam.ServerName("dr"), "no answer within 30 s"),
                )
            ),
        ),
        "status-muted": replace(samples.status_answer(), muted=(samples.muted(), samples.muted_server())),
        "status-of-many": replace(
            samples.status_answer(),
            servers=(
                replace(
                    samples.server_status(),
                    server=samples.BRANCH,
                    running=(),
                    running_total=0,
                    repositories=(),
                ),
                samples.server_status(*_many(3)),
                replace(
                    samples.server_status(), server=veeam.ServerName("empty"), failed_total=0, jobs_total=0
                ),
            ),
        ),
        "status-without-jobs": replace(
            samples.status_answer(),
            servers=(
                replace(
                    samples.server_status(),
                    running=(),
                    failed_total=0,
                    running_total=0,
                    warning_total=0,
                    disabled_total=0,
                    jobs_total=0,
                ),
            ),
            silent=(),
            outbox_waiting=0,
        ),
        "status-well": replace(samples.status_answer(), silent=(), outbox_waiting=0),
        "status-full-disk": replace(
            samples.status_answer(),
            database_problem="SQLITE_FULL: database or disk is full; make room on its disk",
        ),
        "status-without-database": replace(samples.status_answer(), outbox_waiting=None),
        "servers": samples.servers_answer(),
        "report": report_samples.answer(report_samples.few()),
        "report-many": report_samples.answer(report_samples.many()),
        **_records(),
        "help": samples.help_answer(),
        "servers-lacking": replace(samples.servers_answer(), servers=(samples.lacking_server(),)),
        "help-lacking": replace(
            samples.help_answer(),
            operations=(Start.operation, Retry.operation),
            limited_servers=samples.lacking(),
        ),
        "help-retry-lacking": replace(
            samples.help_answer(Retry.operation), limited_servers=samples.lacking()
        ),
        "help-viewer": replace(samples.help_answer(), operations=samples.viewer_operations()),
        "help-retry": samples.help_answer(Retry.operation),
        "help-unknown-word": replace(
            samples.help_answer(None, "retyr", Retry.operation), is_granted_anything=False
        ),
        **_subscription_answers(),
        "whoami": samples.whoami_answer(),
        "whoami-hidden": replace(samples.whoami_answer(), held=(), has_hidden=True),
        "whoami-partly-hidden": replace(samples.whoami_answer(), has_hidden=True),
        "whoami-guest": replace(samples.whoami_answer(Standing.GUEST), held=(), roles=(), operations=()),
        "retried-all": _acted_on_many(RetryAll.operation, 3),
        "retried-all-none-left": _acted_on_many(RetryAll.operation, 0),
        "retried-all-but-logs": replace(_acted_on_many(RetryAll.operation, 1), logs=_OF_LOGS),
        "retried-all-logs-alone": replace(_acted_on_many(RetryAll.operation, 0), logs=_OF_LOGS),
        "muted-unmet-none-left": _acted_on_many(MuteUnmet.operation, 0),
        "acknowledged-group": _acted_on_many(AcknowledgeGroup.operation, 1),
        "muted-group-forgotten": ActedOnMany(MuteGroup.operation, ANN, NOW, is_forgotten=True),
        "action-retry": samples.action_answer(),
        "action-start-full": samples.action_answer(Start.operation, detail="active full"),
        "action-stop": samples.action_answer(Stop.operation, name="<!here>"),
        "action-without-session": replace(samples.action_answer(Start.operation), effect=Ran(None)),
        "action-enable": replace(samples.action_answer(Enable.operation), effect=Switched(is_disabled=False)),
        "action-disable": replace(
            samples.action_answer(Disable.operation, name="<!here>"), effect=Switched(is_disabled=True)
        ),
        "action-disable-for-a-time": replace(
            samples.action_answer(Disable.operation, detail="for 4 hours"),
            effect=Switched(is_disabled=True, until=NOW + timedelta(hours=4)),
        ),
        "action-create": replace(
            samples.action_answer(Create.operation), effect=Created(JOB_ID, "SQL Prod", is_disabled=False)
        ),
        "action-edit": replace(
            samples.action_answer(Edit.operation, detail="Retention: 14 days → 30 days"),
            effect=Edited(("Retention: 14 days → 30 days", "Objects: + <!here>, - `x`")),
        ),
        "action-ack": replace(samples.action_answer(Acknowledge.operation), effect=Acknowledged(BEN)),
        "action-mute": replace(
            samples.action_answer(Mute.operation, name="<!here>", detail="for 4 hours"),
            effect=Muted(NOW + timedelta(hours=4), until_success=True),
            reason="disk *ordered*",
        ),
        "action-mute-server": replace(
            samples.action_answer(MuteServer.operation, name="Jobs SQL*"),
            effect=Muted(NOW + timedelta(hours=4)),
            job_id=veeam.JobId(""),
        ),
        "action-unmute": replace(samples.action_answer(Unmute.operation), effect=Unmuted()),
        "action-delete": replace(samples.action_answer(Delete.operation), effect=Deleted()),
        "action-quickbackup": samples.action_answer(QuickBackup.operation, detail="machine <!here>"),
        "action-apply": replace(samples.action_answer(Apply.operation), never_stops=True),
        "action-clearcache": replace(samples.action_answer(ClearCache.operation), never_stops=True),
        "action-start-never-stops": replace(samples.action_answer(Start.operation), never_stops=True),
        "action-clone": replace(samples.action_answer(Clone.operation), effect=_copy("SQL Prod_clone1")),
        "action-clone-awkward": replace(
            samples.action_answer(Clone.operation), effect=_copy("<!channel>_clone1")
        ),
    }


def _choices(number: int) -> tuple[JobChoice, ...]:
    return tuple(JobChoice(HQ, samples.job_id(n), f"SQL {n}") for n in range(1, number + 1))


def _machines(*names: str) -> tuple[MachineChoice, ...]:
    return tuple(
        MachineChoice(
            KnownMachine(HQ, f"vcenter{number}.example.com", f"vm-{number}"),
            name,
            f"vcenter{number}.example.com",
        )
        for number, name in enumerate(names)
    )


def _refusals() -> dict[str, Outcome]:
    roles, groups = (Role.BACKUP_ADMINISTRATOR, Role.BACKUP_OPERATOR), ("@backup-admins", "@backup-operators")
    by_role = (Refusal.ROLE, Refusal.SCOPE, Refusal.NO_GRANT)
    member = {
        f"refused-{refusal.value}": Refused(refusal, Retry.operation, Standing.MEMBER, roles, groups)
        for refusal in by_role
    }
    others = {
        f"refused-{refusal.value}": Refused(refusal, Retry.operation, Standing.MEMBER)
        for refusal in Refusal
        if refusal not in {Refusal.STANDING, Refusal.REVISION, *by_role}
    }
    closed = Refused(
        Refusal.REVISION,
        Start.operation,
        Standing.MEMBER,
        roles,
        groups,
        ClosedRole(Role.TAPE_OPERATOR, HQ, "VBR 13.1"),
    )
    standings = {
        f"refused-{standing.value}": Refused(Refusal.STANDING, ListJobs.operation, standing)
        for standing in (Standing.GUEST, Standing.FOREIGN, Standing.DEACTIVATED, Standing.BOT)
    }
    return {**member, **others, **standings, "refused-revision": closed}


def _problems() -> dict[str, Outcome]:
    job = KnownJob(HQ, JOB_ID)
    running = samples.job_view(
        samples.job_state(result="None", status="running"), operations=(ShowJob.operation, Stop.operation)
    )
    disabled = samples.job_view(
        samples.job_state(result="Success", status="disabled"),
        operations=(Start.operation, ShowJob.operation, Enable.operation, Clone.operation),
    )
    error = veeam.AnswerLost(HQ, "no answer within 30 s")
    return {
        "misread": SyntaxProblem("retyr SQL", "There is no command retyr.", "help"),
        "misread-awkward": SyntaxProblem("<!channel> `x`", "There is no command <!channel>."),
        "not-found": NotFound("job", "SQL Prd", ("SQL Prod", "SQL Test"), (BRANCH,)),
        "not-found-nothing-near": NotFound("job", "<!channel>", suggestion="jobs failed"),
        "ambiguous": Ambiguous("sql", Retry(NamedJob("sql")), _choices(3), 3),
        "ambiguous-disable-for-a-time": Ambiguous(
            "sql", Disable(NamedJob("sql"), span=timedelta(hours=4)), _choices(2), 2
        ),
        "ambiguous-look-alikes": Ambiguous(
            "SQL Prod",
            Delete(NamedJob("SQL Prod")),
            tuple(
                JobChoice(HQ, samples.job_id(number), name)
                for number, name in enumerate(("SQL Prod", "SQL  Prod", "SQL\u200d Prod"))
            ),
            3,
        ),
        "ambiguous-long-names": Ambiguous(
            "SQL",
            Delete(NamedJob("SQL")),
            tuple(
                JobChoice(HQ, samples.job_id(number), f"SQL {'of a long name ' * 6}{end}, nightly")
                for number, end in enumerate(("in Berlin", "in Lisbon"))
            ),
            2,
            is_part=True,
        ),
        "ambiguous-part": Ambiguous("sql", Delete(NamedJob("sql")), _choices(2), 2, is_part=True),
        "ambiguous-readings": Ambiguous(
            "Weekly Full",
            Start(NamedJob("Weekly", after=("Full",)), full=True),
            (
                JobChoice(HQ, JOB_ID, "Weekly", Start(job, full=True)),
                JobChoice(HQ, JOB_ID, "Weekly Full", Start(job)),
            ),
            2,
        ),
        "ambiguous-readings-of-a-query": Ambiguous(
            "Tapes 7d",
            ListSessions(job=NamedJob("Tapes", after=("7d",)), within=timedelta(days=7)),
            (
                JobChoice(HQ, JOB_ID, "Tapes", ListSessions(job=job, within=timedelta(days=7))),
                JobChoice(HQ, JOB_ID, "Tapes 7d", ListSessions(job=job)),
            ),
            2,
        ),
        "ambiguous-while-a-server-is-silent": Ambiguous(
            "Full", Start(NamedJob("full"), full=True), (JobChoice(HQ, JOB_ID, "Full"),), 1, (BRANCH,)
        ),
        "ambiguous-list-cut": Ambiguous(
            "Full",
            Start(NamedJob("", after=("full",)), full=True),
            (JobChoice(HQ, JOB_ID, "Full", Start(job)),),
            1,
        ),
        "ambiguous-servers": Ambiguous(
            "SQL",
            Mute(NamedJob("SQL"), span=timedelta(hours=2)),
            tuple(JobChoice(server, samples.job_id(1), "SQL") for server in (BRANCH, HQ)),
            2,
        ),
        "part-of-a-name": PartOfName(Start.operation, "prod", samples.job_view(), Start(job, full=True)),
        "offered": Offered(
            Retry.operation,
            Retry(job, Snapshot(SESSION_ID, is_active=False)),
            name="SQL Prod",
            server=HQ,
            job=samples.job_view(),
        ),
        "offered-with-details": Offered(
            Start.operation,
            Start(job, Snapshot(SESSION_ID, is_active=False), full=True, chained=True),
            name="SQL Prod",
            server=HQ,
            job=samples.job_view(),
        ),
        "offered-form": Offered(
            Delete.operation,
            Delete(job, Snapshot(SESSION_ID, is_active=False)),
            name="SQL Prod",
            server=HQ,
            job=samples.job_view(),
        ),
        "offered-machine": Offered(
            QuickBackup.operation,
            QuickBackup(KnownMachine(HQ, "vcenter01", "vm-1")),
            name="web01",
            server=HQ,
        ),
        "offered-without-a-name": Offered(Start.operation, Start(NamedJob(""))),
        "offered-create": Offered(Create.operation, Create()),
        "not-now-full-replica": NotPossible(Start.operation, samples.job_view(), Blocked.NO_FULL_REPLICA),
        "not-now-full-copy": NotPossible(Start.operation, samples.job_view(), Blocked.NO_FULL_COPY),
        "not-now-full-type": NotPossible(Start.operation, samples.job_view(), Blocked.NO_FULL_TYPE),
        "not-now-restore-points": NotPossible(Start.operation, samples.job_view(), Blocked.NO_RESTORE_POINTS),
        "ambiguous-many": Ambiguous("sql", Start(NamedJob("sql"), full=True), _choices(100), 250, (BRANCH,)),
        "pressed-before-by-another": AlreadyPressed(Retry.operation, BEN, NOW, by_same_person=False),
        "pressed-before-approve": AlreadyPressed(Approve.operation, BEN, NOW, by_same_person=True),
        "pressed-before-share": AlreadyPressed(ListJobs.operation, ANN, NOW, by_same_person=True),
        "pressed-before-by-oneself": AlreadyPressed(Retry.operation, ANN, NOW, by_same_person=True),
        "moved-on": StaleButton(
            Retry.operation, running, Retry(job, snapshot=Snapshot(SESSION_ID, is_active=True))
        ),
        "not-now-stop": NotPossible(Stop.operation, samples.job_view(), Blocked.NOT_RUNNING),
        "not-now-start": NotPossible(Start.operation, running, Blocked.RUNNING),
        "not-now-lacked": NotPossible(
            Retry.operation,
            replace(samples.job_view(), operations=(Start.operation, ShowJob.operation)),
            Blocked.UNSUPPORTED,
            Unsupported(Capability.RETRY, "VBR 12.3"),
        ),
        "not-now-policy": NotPossible(
            Apply.operation, samples.job_view(samples.job_state(kind="VSphereBackup")), Blocked.NO_POLICY
        ),
        "not-now-cache": NotPossible(
            ClearCache.operation,
            samples.job_view(samples.job_state(kind="LinuxAgentBackupServerPolicy")),
            Blocked.NO_CACHE,
        ),
        "not-now-clone": NotPossible(
            Clone.operation, samples.job_view(samples.job_state(kind="LegacyBackupCopy")), Blocked.NO_CLONE
        ),
        "not-now-lacked-apply": NotPossible(
            Apply.operation,
            samples.job_view(),
            Blocked.UNSUPPORTED,
            Unsupported(Capability.APPLY_CONFIGURATION, "VBR 13.0"),
        ),
        "machine-unsupported": UnsupportedMachine(
            QuickBackup.operation,
            "file01 <!here>",
            HQ,
            "HyperV",
            Unsupported(Capability.QUICK_BACKUP_HYPERV, "VBR 13.0"),
        ),
        "which-machine-platforms": AmbiguousMachine(
            "web01",
            (
                MachineChoice(KnownMachine(HQ, "vcenter01", "vm-1"), "web01", "vcenter01"),
                MachineChoice(KnownMachine(HQ, "scvmm01", JOB_ID, "HyperV"), "web01", "scvmm01"),
                MachineChoice(KnownMachine(HQ, "vcd01", JOB_ID, "CloudDirector"), "web01", "vcd01"),
                MachineChoice(KnownMachine(HQ, "", JOB_ID, "Agent"), "web01", "Windows servers"),
            ),
            total=4,
        ),
        "not-now-copy": NotPossible(
            Stop.operation,
            replace(running, operations=(*running.operations, Disable.operation)),
            Blocked.NEVER_STOPS,
        ),
        "not-now-time-passed": NotPossible(
            Disable.operation,
            replace(samples.job_view(), operations=(ShowJob.operation, Disable.operation)),
            Blocked.TIME_PASSED,
        ),
        "not-now-delete-running": NotPossible(Delete.operation, running, Blocked.BUSY),
        "not-now-delete-other-name": NotPossible(Delete.operation, samples.job_view(), Blocked.OTHER_NAME),
        "needs-form": NeedsForm(Delete.operation, form_samples.delete_form()),
        "needs-form-start": NeedsForm(Start.operation, form_samples.start_form()),
        "needs-form-machine": NeedsForm(QuickBackup.operation, form_samples.quick_backup_form()),
        "needs-form-which-job": NeedsForm(Stop.operation, PickForm(Stop(NamedJob("")))),
        "needs-form-which-machine": NeedsForm(QuickBackup.operation, PickForm(QuickBackup(NamedMachine("")))),
        "moved-on-by-another": StaleButton(
            Retry.operation,
            running,
            Retry(job, snapshot=Snapshot(SESSION_ID, is_active=True)),
            form_samples.touched().recent,
        ),
        "not-now-by-another": NotPossible(
            Start.operation, running, Blocked.RUNNING, recent=form_samples.touched().recent
        ),
        "failed-four-eyes": Failed(
            Delete.operation,
            veeam.Rejected(HQ, "The operation requires approval: four-eyes authorization is on."),
            "SQL Prod",
        ),
        "forgotten": DraftExpired(Edit.operation),
        "too-many-questions": TooMany(ListJobs.operation, 4),
        "too-many-gestures": TooMany(Edit.operation, 1_000, is_a_minute=True),
        "too-many-actions": TooMany(Edit.operation, 10, is_action=True),
        "needs-form-create": NeedsForm(Create.operation, CreateChoice(Create(), (HQ,), ("VSphereBackup",))),
        "not-now-edit": NotPossible(Edit.operation, samples.job_view(), Blocked.UNDESCRIBED),
        "unclear-create": Unclear(
            Create.operation, "Web tier", HQ, None, Created(JOB_ID, "Web tier", is_disabled=False), error
        ),
        "unclear-edit": Unclear(Edit.operation, "SQL Prod", HQ, samples.job_view(), Edited(("x",)), error),
        "unclear-delete": Unclear(Delete.operation, "SQL Prod", HQ, None, Deleted(), error),
        "which-machine": AmbiguousMachine("web01", _machines("web01", "<!here>"), 2),
        "which-machine-part": AmbiguousMachine("web", _machines("web01", "web02"), 2, is_part=True),
        "which-machine-part-of-one": AmbiguousMachine("web", _machines("<!here>web01"), 1, is_part=True),
        "which-machine-silent": AmbiguousMachine("web01", _machines("web01"), 1, (BRANCH,)),
        "failed-quickbackup": Failed(
            QuickBackup.operation, veeam.Rejected(HQ, "No job with a full backup was found."), "web01"
        ),
        "unclear-quickbackup": Unclear(QuickBackup.operation, "web01", HQ, None, None, error),
        "not-found-machine": NotFound("virtual machine", "wbe01", ("web01",)),
        "not-now-enable": NotPossible(Enable.operation, samples.job_view(), Blocked.ENABLED),
        "not-now-ack": NotPossible(Acknowledge.operation, disabled, Blocked.NOT_FAILED),
        "not-now-disable": NotPossible(Disable.operation, disabled, Blocked.DISABLED),
        "unclear": Unclear(Retry.operation, "SQL Prod", HQ, running, Ran(samples.session()), error),
        "unclear-disable": Unclear(
            Disable.operation, "SQL Prod", HQ, disabled, Switched(is_disabled=True), error
        ),
        "unclear-clone": Unclear(Clone.operation, "SQL Prod", HQ, running, _copy("SQL Prod_clone1"), error),
        "unclear-not-looked-up": Unclear(Retry.operation, "<!channel>", HQ, None, None, error),
        "broken-store": InternalError("store", changed=False),
        "broken-slow": InternalError("slow", changed=None),
        "broken-bug": InternalError("bug", changed=None),
        "broken-after-change": InternalError("bug", changed=True),
    }


def _errors() -> tuple[VeeamError, ...]:
    return (
        veeam.ConnectFailed(HQ, "connection refused"),
        veeam.ConnectionLost(HQ, "reset"),
        veeam.TimedOut(HQ, "no answer within 30 s"),
        veeam.TlsFailed(HQ, "pin", reason=TlsReason.PIN, presented="ab" * 32),
        veeam.LoginRefused(HQ, "Account is locked", locked_until=NOW),
        veeam.NotAllowed(HQ, "Access is denied"),
        veeam.NotFoundOnServer(HQ, "Job not found"),
        veeam.Rejected(HQ, "The job is <not> currently running."),
        veeam.RevisionUnsupported(HQ, "1.3-rev2"),
        veeam.TooBusy(HQ, "", retry_after_seconds=90),
        veeam.ServerFailed(HQ, "Internal error"),
        veeam.UnexpectedAnswer(HQ, "HTML"),
        veeam.AnswerLost(HQ, "reset after sending"),
        VeeamError(HQ, "new kind"),
    )


def outcomes() -> dict[str, Outcome]:
    """What can come of a gesture, at least once each."""
    failures = {f"failed-{error.kind}": Failed(Retry.operation, error, "SQL Prod") for error in _errors()}
    too_old = veeam.NoCommonRevision(HQ, "Unsupported RESTAPI version.")
    failures["failed-too-old"] = Failed(Retry.operation, too_old, "SQL Prod")
    done = {name: Done(answer) for name, answer in _answers().items()}
    without = replace(done["jobs-failed"], missing=samples.missing_details())
    return {
        **done,
        "jobs-details-missing": without,
        **_refusals(),
        **_problems(),
        **_not_subscribed(),
        **failures,
    }


def _disable_ended(outcome: str) -> DisableEnded:
    return DisableEnded(
        server=HQ,
        job_id=JOB_ID,
        job_name="<!here>",
        person=ANN,
        disabled_at=NOW - timedelta(hours=4),
        until=NOW,
        outcome=outcome,
        problem="hq: NotAllowed: <no>" if outcome == "refused" else None,
    )


def announcements() -> dict[str, Announcement]:
    """What is told without being asked, at least once each."""
    failed, again = samples.attempt(), samples.attempt(number=2)
    fine = samples.attempt("Success", number=2, message="Success")
    stopped = msgspec.structs.replace(failed, stopped_by=BEN, started_by=ANN, started_operation="retry")
    many = tuple(ObjectFacts(name=f"vm{n:03}", result="Failed", message=samples.REASON) for n in range(60))
    seems_stopped = msgspec.structs.replace(failed, seems_stopped=True)
    by_hand = msgspec.structs.replace(fine, started_by=ANN, started_operation="retry")
    part, other = (
        msgspec.structs.replace(each, part=name, part_of=samples.session_id(9))
        for each, name in ((failed, "SQL nightly"), (again, "<!here>"))
    )
    logs, more_logs, good_logs = (
        msgspec.structs.replace(each, session_type="SqlLogBackup") for each in (failed, again, fine)
    )
    no_job = msgspec.structs.replace(samples.run(total=None, is_final=True), is_job=False)
    recovery = Recovery(session_id=samples.session_id(5), result="Success", ended_at=NOW + timedelta(days=1))
    recovered = msgspec.structs.replace(samples.run(total=None, is_final=True), recovery=recovery)
    late = msgspec.structs.replace(samples.run(is_final=True), is_late=True)
    awkward = samples.details(
        *(ObjectFacts(name=text, result="Failed", message=text) for text in AWKWARD), records=AWKWARD
    )
    objects = (
        ObjectFacts(name="exch01", result="Failed", message=samples.LONG_REASON),
        *(ObjectFacts(name=f"exch0{n}", result="Failed", message=samples.REASON) for n in range(2, 5)),
    )
    long = samples.run(samples.attempt(told=samples.details(*objects), message="Failed"), is_final=True)
    buried = f"{samples.LONG_REASON} There is not enough space on the disk. {samples.LONG_REASON}"
    told = samples.details(ObjectFacts(name="sql02", result="Failed", message=buried))
    few_known = JobOutlook(failed_in_a_row=12, is_longer=True, is_last_good_known=True)
    whole = samples.details(records=("No scale-out repository extents are available",))
    whole = msgspec.structs.replace(whole, problems=(), failed_total=0)
    never_well = samples.run(samples.attempt(told=whole, message="Failed"), total=None, is_final=True)
    never_well = msgspec.structs.replace(never_well, outlook=few_known)
    return {
        "run-failed-attempt-1": RunEnded(run=samples.run()),
        "run-failed-attempt-overdue": RunEnded(
            run=msgspec.structs.replace(samples.run(), next_attempt_expected_at=None)
        ),
        "run-failed-for-good": RunEnded(run=samples.run(total=None, is_final=True), mention=ONCALL),
        "run-failed-at-length": RunEnded(run=long),
        "run-failed-at-great-length": RunEnded(run=samples.run(samples.attempt(told=told))),
        "story-at-length": DetailsReply(run=long, session=long.first, mention=ONCALL),
        "run-never-well": RunEnded(run=never_well),
        "run-succeeded": RunEnded(run=samples.run(samples.attempt("Success", message="Success"), total=None)),
        "run-warning": RunEnded(run=samples.run(samples.attempt("Warning", message="Low space"), total=None)),
        "run-unknown-result": RunEnded(run=samples.run(samples.attempt("Quarantined"), total=None)),
        "run-stopped": RunEnded(run=samples.run(stopped, total=None)),
        "run-seems-stopped": RunEnded(run=samples.run(seems_stopped, total=None)),
        "run-of-parts": RunChanged(run=samples.run(part, other, total=None, is_final=True)),
        "run-of-no-job": RunEnded(run=no_job),
        "run-of-logs": RunChanged(run=samples.run(logs, more_logs, total=None, is_final=True)),
        "attempt-of-logs": AttemptEnded(
            run=samples.run(logs, good_logs, total=None, is_final=True), session=good_logs
        ),
        "run-recovered-by-the-next": RunChanged(run=recovered),
        "attempt-of-a-part": AttemptEnded(run=samples.run(part, other, total=None), session=other),
        "run-late": RunEnded(run=late),
        "run-awkward": RunEnded(run=samples.run(samples.attempt(message=AWKWARD[1]), name="<!channel>")),
        "run-failed-lacking-retry": RunEnded(
            run=samples.run(samples.lacking_retry(), total=None, is_final=True)
        ),
        "run-failed-attempt-2": RunChanged(run=samples.run(failed, again)),
        "run-recovered": RunChanged(run=samples.run(failed, fine)),
        "run-recovered-by-a-person": RunChanged(run=samples.run(failed, by_hand)),
        "attempt-by-a-person": AttemptEnded(run=samples.run(failed, by_hand), session=by_hand),
        "story": DetailsReply(run=samples.run(), session=failed),
        "story-many": DetailsReply(run=samples.run(), session=samples.attempt(told=samples.details(*many))),
        "story-awkward": DetailsReply(run=samples.run(name="`"), session=samples.attempt(told=awkward)),
        "attempt-failed": AttemptEnded(
            run=samples.run(failed, again, total=2, is_final=True), session=again, mention=ONCALL
        ),
        "attempt-recovered": AttemptEnded(run=samples.run(failed, fine), session=fine),
        "no-further-attempt": NoFurtherAttempt(run=samples.run(is_final=True), mention=ONCALL),
        "storm": StormBegan(storm=samples.storm(), mention=ONCALL),
        "storm-within-minutes": StormBegan(storm=samples.storm(last_ended_at=NOW + timedelta(minutes=7))),
        "storm-half-over": StormChanged(storm=samples.storm(recovered=18, retrying=2, stopped=1)),
        "storm-of-logs-too": StormBegan(storm=samples.storm(logs=2, retryable=("Exchange",))),
        "storm-of-logs": StormBegan(storm=samples.storm(logs=23, retryable=())),
        "storm-owned": StormChanged(
            storm=samples.storm(
                owners=((BEN, 3), (ANN, 1)), causes=(samples.full_cause(),), causes_total=1, count=20
            )
        ),
        "storm-list-owned": StormList(failures=tuple(samples.storm_failures(owner=BEN))),
        "storm-muted": StormChanged(storm=samples.storm(muted=4)),
        "storm-list-muted": StormList(failures=tuple(samples.storm_failures(muted_by=BEN))),
        "storm-over": StormChanged(storm=samples.storm(recovered=23)),
        "storm-after-others": StormBegan(storm=samples.storm(earlier=4)),
        "storm-final": StormFinal(storm=samples.storm(retrying=20), mention=ONCALL),
        "storm-list": StormList(failures=tuple(samples.storm_failures()), left_out=70),
        "caught-up": BackfillSummary(
            server=HQ,
            since=NOW - timedelta(hours=24),
            results={"Success": 110, "Warning": 6, "Failed": 1},
            problems_total=7,
        ),
        "caught-up-problems": BackfillProblems(problems=(samples.run(),), problems_total=7),
        "server-silent": OutageBegan(
            server=HQ, since=NOW, problem="TimedOut", detail="hq: TimedOut: no answer within 30 s"
        ),
        "server-refuses-revision": OutageBegan(
            server=HQ,
            since=NOW,
            problem="RevisionUnsupported",
            detail="hq: RevisionUnsupported: 400: Unsupported RESTAPI version.",
        ),
        "server-back": OutageEnded(server=HQ, since=NOW, ended_at=NOW + timedelta(minutes=64), late_total=3),
        "server-upgraded": RevisionChanged(
            server=HQ,
            was="1.3-rev0",
            revision="1.3-rev2",
            product="VBR 13.1",
            is_newer=True,
            job_types=gained_by(REVISIONS["1.3-rev0"], REVISIONS["1.3-rev2"]).job_types,
        ),
        "server-put-back": RevisionChanged(
            server=HQ,
            was="1.3-rev0",
            revision="1.2-rev1",
            product="VBR 12.3",
            is_newer=False,
            job_types=("BackupCopy",),
            capabilities=("retry", "clone"),
        ),
        **_recorded(),
        "digest": DigestMade(report=report_samples.few()),
        "digest-many": DigestMade(report=report_samples.many()),
        "digest-well": DigestMade(report=report_samples.well()),
        "digest-silent": DigestMade(report=report_samples.nobody()),
        "digest-jobs": DigestJobs(
            key="digest/C0PROD/12:00/UTC/2026-11-23/jobs", report=report_samples.many()
        ),
        "digest-days": DigestDays(key="digest/C0PROD/12:00/UTC/2026-11-23/days", report=report_samples.few()),
        "digest-days-picture": DigestDays(
            key="digest/C0PROD/12:00/UTC/2026-11-23/days",
            report=report_samples.many(),
            has_picture=True,
            file_id="F0PICTURE",
        ),
        "digest-days-no-picture": DigestDays(
            key="digest/C0PROD/12:00/UTC/2026-11-23/days",
            report=report_samples.few(),
            has_picture=True,
            no_picture="storage_limit_reached",
        ),
        "channel-closed": ChannelClosed(channel="C0PROD", problem="is_archived", waiting=3),
        **_followed_up(),
        "channel-moved": ChannelMoved(old_id="C0PROD", new_id="C0SHARED"),
        "message-set-aside": MessageRefused(
            channel="C0PROD", kind="run_ended", problem="msg_too_long", outcome="set_aside"
        ),
        "mentions-refused": MessageRefused(
            channel="C0PROD", kind="run_ended", problem="restricted_action", outcome="no_mentions"
        ),
        **_expected(),
        "disable-ends": DisableReminder(server=HQ, job_id=JOB_ID, job_name="SQL Prod", person=ANN, until=NOW),
        **{
            f"disable-ended-{how}": _disable_ended(how)
            for how in ("enabled", "enabled_before", "gone", "refused", "unclear")
        },
    }


def _followed_up() -> dict[str, Announcement]:
    """What people did about a failed run, and what came of it."""
    failed = samples.run(total=None, is_final=True)
    mute = MuteFacts(id=7, by=ANN, until=NOW + timedelta(hours=4), comment=AWKWARD[1])
    success = msgspec.structs.replace(mute, until_success=True, comment=None)
    of_server = msgspec.structs.replace(mute, is_of_server=True, comment=None)
    owned = msgspec.structs.replace(failed, acknowledged=Acknowledgement(by=BEN, at=NOW, turn=2))
    muted = msgspec.structs.replace(owned, muted=mute)
    warned = samples.run(samples.attempt("Warning", message="Low space"), total=None)
    return {
        "run-acknowledged": RunChanged(run=owned),
        "run-muted": RunChanged(run=muted),
        "run-muted-until-success": RunChanged(run=msgspec.structs.replace(failed, muted=success)),
        "run-muted-by-server": RunChanged(run=msgspec.structs.replace(warned, muted=of_server)),
        "acknowledged": RunAcknowledged(run=owned, by=BEN),
        "expectations-owned": ExpectationsOwned(by=BEN, comment="<!here> disk ordered"),
        "acknowledged-instead": RunAcknowledged(run=owned, by=BEN, instead_of=ANN),
        "muted-run": MutedRunEnded(run=muted, session=muted.last),
        "mute-began": MuteBegan(run=muted),
        "mute-ended": MuteEnded(run=failed, mute=mute, because="time", held=3, mention=ONCALL),
        "mute-ended-changed": MuteEnded(run=failed, mute=mute, because="changed", held=1),
        "mute-ended-recovered": MuteEnded(run=failed, mute=mute, because="recovered"),
        "unmuted": MuteEnded(run=failed, mute=mute, because="unmuted", ended_by=BEN),
        "unacknowledged": Unacknowledged(run=failed, since=NOW),
        "unacknowledged-many": ManyUnacknowledged(
            server=HQ, jobs=("SQL <01>", *(f"Job {number}" for number in range(7))), count=12, since=NOW
        ),
    }


def _expected() -> dict[str, Announcement]:
    """Each kind of what did not happen, and how it can end."""
    day = timedelta(days=1)
    about: dict[str, dict[str, Any]] = {
        "no_success": {"limit": 26, "at": NOW - 2 * day, "next_run": NOW + day},
        "not_started": {"limit": 60, "at": NOW - day},
        "too_long": {"limit": 3, "found": 9000, "usual": 1800},
        "odd_success": {"limit": 10, "found": 0, "usual": 5 * 1024**3},
        "disabled": {"limit": 24},
    }
    of_server: dict[str, dict[str, Any]] = {
        "repository": {"limit": 10, "name": "Hardened <01>", "found": 4.2, "full_at": NOW + 6 * day},
        "licence": {"limit": 30, "at": NOW + 20 * day},
        "config_backup": {"limit": 7, "at": NOW - 9 * day},
    }
    base: dict[str, Any] = {"server": HQ, "since": NOW - day, "name": ""}
    found = {
        kind: Expectation(
            **base | {"kind": kind, "subject": JOB_ID, "job_id": JOB_ID, "name": "SQL Prod"} | facts
        )
        for kind, facts in about.items()
    } | {
        kind: Expectation(**base | {"kind": kind, "subject": kind} | facts)
        for kind, facts in of_server.items()
    }
    unmet: dict[str, Announcement] = {
        f"unmet-{kind}": ExpectationUnmet(expectation=each, mention=ONCALL if kind == "no_success" else None)
        for kind, each in found.items()
    }
    owned = msgspec.structs.replace(found["disabled"], acknowledged=Acknowledgement(by=BEN, at=NOW))
    unmet["unmet-acknowledged"] = ExpectationAcknowledged(expectation=owned)
    unmet["unmet-reminder"] = ExpectationUnacknowledged(
        expectation=msgspec.structs.replace(found["disabled"], told_at=NOW - day)
    )
    over = {"met": ("repository", "met"), "unmet-gone": ("disabled", "gone")}
    return (
        unmet
        | _gathered()
        | {
            name: ExpectationOver(expectation=found[kind], ended_at=NOW, outcome=outcome)
            for name, (kind, outcome) in over.items()
        }
    )


def _gathered() -> dict[str, Announcement]:
    """Many of one kind at once: as they begin, half over, over, and one by one."""
    base: dict[str, Any] = {"id": "8a1f", "server": HQ, "since": NOW - timedelta(hours=2), "allowed": 60}
    names = ("Oracle", "SQL <01>", "Web", "Mail", "Files", "Print")
    listed = (
        ListedExpectation(name="Oracle", since=NOW),
        ListedExpectation(name="SQL <01>", since=NOW, outcome="met"),
        ListedExpectation(name="Web", since=NOW, outcome="disabled"),
        ListedExpectation(name="Mail", since=NOW, owner=BEN),
    )
    begun = UnmetGroup(**base, kind="not_started", standing=300, names=names)
    half: dict[str, Any] = {
        "standing": 12,
        "outcomes": {"met": 280, "disabled": 8},
        "names": names,
        "earlier": 4,
    }
    mixed = UnmetGroup(**base, kind="disabled", standing=0, outcomes={"met": 5, "gone": 1})
    return {
        "unmet-many": ExpectationsUnmet(group=begun, mention=ONCALL),
        "unmet-many-half-over": ExpectationsChanged(group=UnmetGroup(**base, kind="no_success", **half)),
        "unmet-many-met": ExpectationsChanged(
            group=UnmetGroup(**base, kind="not_started", standing=0, outcomes={"met": 300})
        ),
        "unmet-many-over": ExpectationsChanged(group=mixed),
        "unmet-many-reminder": ExpectationsUnacknowledged(
            server=HQ, kind="not_started", names=names, count=12, told_at=NOW
        ),
        "unmet-many-list": ExpectationsList(
            group_id="8a1f", server=HQ, kind="not_started", listed=listed, left_out=100
        ),
    }


def _followed() -> dict[str, Message]:
    many = tuple(ObjectFacts(name=f"vm{n}", result="Failed", message=samples.REASON) for n in range(20))
    few = (*many[:1], ObjectFacts(name="sql03", result="Warning", message="Low space"))
    failed = samples.attempt(told=samples.details(*few))
    all_failed = samples.attempt(told=msgspec.structs.replace(samples.details(*many), failed_total=40))
    stopped = msgspec.structs.replace(failed, stopped_by=BEN)
    return {
        "progress": action_progress(samples.followed(), samples.session(state="Working")),
        "progress-stopping": action_progress(
            samples.followed(Stop.operation), samples.session(state="Stopping")
        ),
        "progress-asked-to-stop": action_progress(
            samples.followed(Start.operation), samples.session(state="Stopping"), stopping=BEN
        ),
        "reply-retry": action_reply(samples.action_answer()),
        "reply-stop": action_reply(samples.action_answer(Stop.operation, detail="at once")),
        "shown-elsewhere": action_shown_elsewhere(
            samples.action_answer(), "https://example.slack.com/archives/C0PROD/p1763899200000100"
        ),
        "shown-elsewhere-awkward": action_shown_elsewhere(samples.action_answer(name="<!here>"), None),
        "run-under-way": run_under_way(samples.run(), samples.followed(), samples.session(state="Working")),
        "run-under-way-stopping": run_under_way(
            samples.run(), samples.followed(), samples.session(state="Stopping"), BEN
        ),
        "ended-failed": action_ended(samples.followed(), samples.session(), failed),
        "ended-succeeded": action_ended(
            samples.followed(Start.operation), samples.session(result="Success", message=None)
        ),
        "ended-stopped": action_ended(samples.followed(Stop.operation), samples.session(), stopped),
        "ended-stopped-by-another": action_ended(samples.followed(), samples.session(), stopped),
        "ended-many-failed": action_ended(
            samples.followed(name="<!channel>"),
            samples.session(),
            all_failed,
        ),
        "lost": action_lost(samples.followed()),
    }


def messages() -> dict[str, Message]:
    """Every case, drawn."""
    asked = {**outcomes(), **approval_cases.outcomes()}
    drawn = {f"outcome-{name}": outcome(one, REFERENCE).message for name, one in asked.items()}
    shared = outcome(Done(_answers()["jobs-second-of-three-pages"]), REFERENCE, shared_by=ANN).message
    facts = {**announcements(), **approval_cases.announcements()}
    told = {f"announcement-{name}": announcement(one, "key-1") for name, one in facts.items()}
    action = {f"action-{name}": one for name, one in _followed().items()}
    presses = {
        f"press-{why.value}": unreadable_press(UnreadablePress("operation:retry", why))
        for why in UnreadableReason
    }
    return {**drawn, "outcome-jobs-shared": shared, **told, **action, **presses}
