"""Whatever VBR says: it reaches nobody, links nowhere, and Slack takes the message."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.approvals import PendingApprovals
from bot.operations.actions.delete import Delete
from bot.operations.actions.enable import Enable
from bot.operations.actions.mute import Mute, Unmute
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.actions.subscribe import Subscribe
from bot.operations.actions.unsubscribe import Unsubscribe
from bot.operations.catalog import CATALOG
from bot.operations.model import KnownJob, NamedJob
from bot.operations.outcomes import (
    AlreadyDecided,
    AlreadyRequested,
    Ambiguous,
    ApprovalRequested,
    Cloned,
    Done,
    Failed,
    JobChoice,
    JobView,
    NotFound,
    Outcome,
    Ran,
    RecentAction,
    SilentServer,
    StaleButton,
    Streak,
    SyntaxProblem,
    Unclear,
)
from bot.operations.queries.audit import AuditAnswer, ReadAudit
from bot.operations.queries.home import HomeAnswer
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.session import SessionAnswer, ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsAnswer, SessionView
from bot.operations.queries.status import StatusAnswer
from bot.operations.queries.why import ExplainedRun, ExplainFailure, OtherJobs, WhyAnswer
from bot.sandbox.slack.mentions import notified
from bot.sandbox.slack.validation.surfaces import view_problems
from bot.settings import Role
from bot.slack.views.actions import action_ended, action_progress
from bot.slack.views.announcements import announcement
from bot.slack.views.home import home
from bot.slack.views.message import Block, Message, compose, fit, paragraph
from bot.slack.views.outcomes import outcome
from bot.slack.views.surface import SIZE_LIMIT_BYTES, answer_modal, home_view
from bot.store import ApprovalImpact, AuditEntry, AuditId, AuditOutcome, AuditRecord, AuditShown
from bot.veeam import (
    DEFAULT_RULES,
    AfterJob,
    AsPointsAppear,
    Cause,
    ConnectFailed,
    Continuous,
    CutOff,
    Daily,
    FailureCause,
    Finding,
    Findings,
    FullRepository,
    ItemKind,
    JobFacts,
    JobGroup,
    JobId,
    JobItem,
    JobState,
    LogRecord,
    Monthly,
    Periodic,
    Rejected,
    Remedy,
    ReportedJob,
    Result,
    Retention,
    RetryPolicy,
    RunAfterJob,
    ScheduleFacts,
    Session,
    SessionId,
    SessionProgress,
    SessionResult,
    SilentAt,
    TaskSession,
    TaskSessionId,
    Weekday,
)
from bot.watch.facts import (
    ActionRecorded,
    Announcement,
    ApprovalChanged,
    ApprovalEnded,
    ApprovalOpened,
    ApprovalUndelivered,
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
    ExpectationOver,
    ExpectationsList,
    ExpectationsUnmet,
    ExpectationUnmet,
    ListedExpectation,
    MessageRefused,
    NoFurtherAttempt,
    OutageBegan,
    RevisionChanged,
    RunChanged,
    RunEnded,
    StormBegan,
    StormCause,
    StormFacts,
    StormFailure,
    StormList,
    UnmetGroup,
)
from bot.watch.run_facts import ObjectFacts, RunFacts, SessionDetails, SessionFacts
from tests.support.block_limits import problems
from tests.unit.slack import approval_cases, report_samples, samples
from tests.unit.slack.samples import ANN, BEN, HOSTILE, HQ, NOW, ONCALL, REFERENCE

OUR_TOKENS = re.compile(
    r"<(@U0ANN|@U0BEN|#C0PROD|!subteam\^S0ONCALL|!date\^\d+\^\{date_short_pretty\} \{time\}\|[^<>|]*)>"
)
DEEP = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# A text that happens to be somebody's ID ("U0") is rightly shown as a mention, where an ID is expected.
MEMBER_ID = re.compile("[UWS][A-Z0-9]+")
foreign = st.sampled_from(HOSTILE) | st.text(max_size=80).filter(lambda text: not MEMBER_ID.fullmatch(text))
maybe = st.none() | foreign
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis adds the zone
maybe_moments = st.none() | moments
sizes = st.none() | st.integers(-1, 2**60)
results = st.sampled_from(["Success", "Warning", "Failed", "None", "failed"]) | foreign
statuses = st.sampled_from(["running", "Stopped", "disabled"]) | foreign
progresses = st.builds(
    SessionProgress,
    duration=st.sampled_from(["00:26:04", "1.02:03:04", "soon"]),
    bottleneck=maybe,
    processed_size=sizes,
    read_size=sizes,
    transferred_size=sizes,
)
job_ids = st.uuids().map(str).map(JobId) | foreign.map(JobId)
session_ids = st.uuids().map(str).map(SessionId) | foreign.map(SessionId)
job_states = st.builds(
    JobState,
    id=job_ids,
    name=foreign,
    type=foreign,
    description=foreign,
    status=statuses,
    last_run=maybe_moments,
    last_result=results,
    next_run=maybe_moments,
    next_run_policy=maybe,
    repository_name=maybe,
    objects_count=sizes,
    session_id=st.none() | session_ids,
    progress_percent=st.none() | st.integers(-5, 1_000),
    session_progress=st.none() | progresses,
    run_after_job=st.none() | st.builds(RunAfterJob, job_name=maybe),
)
streaks = st.none() | st.builds(Streak, st.integers(0, 10_000), st.booleans())
job_views = st.builds(
    JobView,
    st.just(HQ),
    job_states,
    streaks,
    maybe,
    st.lists(
        st.sampled_from([ShowJob.operation, Start.operation, Stop.operation, Retry.operation]), unique=True
    ).map(tuple),
)
sessions = st.builds(
    Session,
    id=session_ids,
    name=foreign,
    session_type=foreign,
    creation_time=maybe_moments,
    end_time=maybe_moments,
    state=st.sampled_from(["Stopped", "Working", "WaitingSlot"]) | foreign,
    progress_percent=st.none() | st.integers(-5, 1_000),
    result=st.none() | st.builds(SessionResult, result=results, message=maybe),
    initiated_by=maybe,
)
items = st.builds(JobItem, st.sampled_from(ItemKind), foreign, foreign, foreign, foreign)
hours = st.lists(st.booleans(), min_size=24, max_size=24).map(tuple)
texts = st.lists(foreign, max_size=4).map(tuple)
timings = st.one_of(
    st.builds(Daily, st.sampled_from(["Everyday", "WeekDays", "SelectedDays"]) | foreign, maybe, texts),
    st.builds(
        Monthly, maybe, st.just("OnDay") | foreign, foreign, st.none() | st.integers(), st.booleans(), texts
    ),
    st.builds(Periodic, st.integers(), st.just("Hours") | foreign),
    st.builds(AfterJob, foreign),
    st.sampled_from([Continuous(), AsPointsAppear()]),
)
job_settings = st.builds(
    JobFacts,
    items=st.lists(items, max_size=60).map(tuple),
    left_out=st.lists(items, max_size=20).map(tuple),
    leaves_templates_out=st.booleans(),
    scope=maybe,
    target=maybe,
    retention=st.none() | st.builds(Retention, st.just("days") | foreign, st.integers()),
    gfs=st.lists(st.tuples(st.just("weekly"), st.integers()), max_size=3).map(tuple),
    is_encrypted=st.none() | st.booleans(),
    compression=maybe,
    is_application_aware=st.none() | st.booleans(),
    is_indexed=st.none() | st.booleans(),
    schedule=st.builds(
        ScheduleFacts,
        st.none() | st.booleans(),
        st.lists(timings, max_size=3).map(tuple),
        st.none() | st.builds(RetryPolicy, st.just(True), st.integers(), st.integers()),
        st.lists(st.tuples(st.sampled_from(Weekday).map(str) | foreign, hours), max_size=7).map(tuple),
    ),
)
findings = st.none() | st.builds(
    Finding,
    st.sampled_from(DEFAULT_RULES.causes)
    | st.builds(Cause, st.just("own"), foreign, foreign, remedy=st.sampled_from(Remedy)),
    foreign,
)
session_views = st.builds(
    SessionView, st.just(HQ), sessions, st.none() | job_ids, st.sampled_from([None, ANN, BEN])
)
tasks = st.builds(
    TaskSession,
    id=st.just(TaskSessionId("t")),
    name=foreign,
    state=st.none() | st.just("Stopped") | foreign,
    result=st.none() | st.builds(SessionResult, result=results, message=maybe),
    scan_result=maybe,
)
records = st.builds(LogRecord, status=foreign, title=foreign, description=foreign)
silences = st.builds(
    SilentServer, st.just(samples.BRANCH), foreign.map(lambda words: ConnectFailed(HQ, words))
)
entries = st.builds(
    AuditEntry,
    person_id=st.sampled_from([ANN, BEN]) | foreign,
    person_name=foreign,
    team_id=maybe,
    operation=st.just("job.retry") | foreign,
    reference=foreign,
    origin=foreign,
    channel_id=maybe,
    at=moments,
    server=maybe,
    job_id=maybe,
    job_name=maybe,
    detail=maybe,
)
attempts_on_record = st.builds(
    AuditRecord,
    st.just(AuditId(1)),
    entries,
    st.none() | st.builds(AuditOutcome, st.just("done") | foreign, moments, maybe, maybe),
    st.none() | st.builds(AuditShown, foreign, foreign, maybe, moments),
)
choices = st.builds(JobChoice, st.just(HQ), job_ids, foreign)


def _many(rows: st.SearchStrategy[Any], most: int = 12) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(rows, max_size=most).map(tuple)


reported = st.builds(
    ReportedJob,
    server=st.just(HQ) | foreign,
    job_id=job_ids,
    name=foreign,
    session_id=st.none() | session_ids,
    since=maybe_moments,
    day=st.integers(0, 400),
    is_new=st.booleans(),
    can_retry=st.booleans(),
    took_seconds=st.none() | st.floats(0, 1e9),
    usually_took_seconds=st.none() | st.floats(0, 1e9),
    days=st.text("SWF-?", max_size=14),
)
job_groups = st.builds(JobGroup, total=st.integers(0, 500), jobs=_many(reported, 4))
reports = st.builds(
    lambda findings, silent, cut: msgspec.structs.replace(
        report_samples.few(), findings=findings, silent=silent, incomplete=cut
    ),
    st.builds(
        Findings,
        jobs_total=st.integers(0, 500),
        failing_total=st.integers(0, 500),
        causes_total=st.integers(0, 500),
        causes=_many(
            st.builds(
                FailureCause,
                key=foreign,
                total=st.integers(1, 500),
                new_total=st.integers(0, 3),
                reason=maybe,
                jobs=_many(reported, 4),
            ),
            4,
        ),
        fixed=job_groups,
        warned=job_groups,
        muted=job_groups,
        slower=job_groups,
        repositories_total=st.integers(0, 20),
        repositories=_many(
            st.builds(
                FullRepository, server=foreign, name=foreign, used_fraction=st.floats(0, 1), space=foreign
            ),
            3,
        ),
        grid=job_groups,
    ),
    _many(st.builds(SilentAt, server=foreign, problem=foreign), 2),
    _many(st.builds(CutOff, server=foreign, read_since=maybe_moments, lacks=texts), 2),
)
done = st.one_of(
    reports.map(report_samples.answer),
    st.builds(
        JobsAnswer,
        st.builds(
            ListJobs,
            pattern=maybe,
            job_type=maybe,
            repository=maybe,
            server=maybe,
            page=st.integers(0, 5),
            after=maybe,
            holding=maybe,
        ),
        _many(job_views, 60),
        st.integers(0, 10_000),
        st.just(10),
        st.integers(0, 5),
        _many(silences, 3),
        moments,
    ),
    st.builds(
        JobAnswer,
        st.builds(ShowJob, st.builds(KnownJob, st.just(HQ), job_ids), page=st.integers(0, 3)),
        job_views,
        st.none() | job_settings,
        _many(session_views),
        st.none(),
        moments,
        _many(foreign),
    ),
    st.builds(
        SessionsAnswer,
        st.builds(ListSessions, job=st.none() | st.builds(NamedJob, foreign)),
        maybe,
        _many(session_views, 60),
        st.none() | st.integers(0, 10_000),
        st.just(10),
        _many(silences, 3),
        moments,
    ),
    st.builds(
        SessionAnswer,
        st.builds(ShowSession, session_ids, st.just(HQ), page=st.integers(0, 5)),
        session_views,
        st.none() | job_views,
        _many(tasks, 60),
        _many(records, 30),
        moments,
    ),
    st.builds(
        WhyAnswer,
        st.builds(ExplainFailure, st.builds(KnownJob, st.just(HQ), job_ids), st.none() | session_ids),
        job_views,
        st.builds(
            ExplainedRun,
            st.none() | st.sampled_from(Result),
            st.none() | sessions,
            st.integers(1, 5),
            st.booleans(),
            findings,
            maybe,
            maybe,
            st.integers(0, 500),
            st.integers(0, 500),
        ),
        moments,
        streaks,
        maybe_moments,
        st.booleans(),
        st.builds(
            OtherJobs, _many(job_views, 20), st.integers(0, 20), st.integers(0, 90), _many(silences, 3)
        ),
    ),
    st.lists(job_views, max_size=5).map(
        lambda views: StatusAnswer(tuple(samples.server_status(*views) for _ in range(12)), (), 0, NOW)
    ),
).map(Done)
records_of_actions = st.builds(
    AuditAnswer,
    st.builds(ReadAudit, st.none() | st.builds(NamedJob, foreign), server=maybe),
    _many(attempts_on_record, 10),
    st.integers(0, 20_000),
    moments,
    st.booleans(),
).map(Done)
approvals = st.builds(
    replace,
    st.sampled_from([approval_cases.PENDING, *approval_cases.ENDS.values(), approval_cases.MACHINE]),
    name=foreign,
    reason=maybe,
    detail=maybe,
    problem=maybe,
    impact=st.builds(
        ApprovalImpact,
        status=maybe,
        is_disabled=st.booleans(),
        objects=st.none() | st.integers(0, 500),
        last_result=maybe,
        last_run=maybe_moments,
        next_run=maybe_moments,
        repository=maybe,
        groups=_many(foreign, 40),
        roles=st.just((Role.BACKUP_ADMINISTRATOR.value,)),
    ),
)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    done,
    records_of_actions,
    st.builds(SyntaxProblem, foreign, foreign, maybe),
    st.builds(NotFound, foreign, foreign, _many(foreign), st.just(()), maybe),
    st.builds(
        Ambiguous,
        foreign,
        st.builds(Retry, st.builds(NamedJob, foreign)),
        _many(choices, 100),
        st.just(120),
    ),
    st.builds(
        StaleButton, st.just(Retry.operation), job_views, st.builds(Retry, st.builds(NamedJob, foreign))
    ),
    st.builds(
        Unclear,
        st.just(Retry.operation),
        foreign,
        st.just(HQ),
        st.none() | job_views,
        st.none() | st.builds(Ran, st.none() | sessions) | st.builds(Cloned, job_ids, foreign, st.booleans()),
        st.just(ConnectFailed(HQ)),
    ),
    st.builds(ApprovalRequested, st.just(Delete.operation), approvals, st.booleans()),
    st.builds(AlreadyRequested, st.just(Delete.operation), approvals),
    st.builds(AlreadyDecided, approvals),
    st.builds(Failed, st.just(Retry.operation), foreign.map(lambda words: Rejected(HQ, words)), maybe),
)
homes = st.builds(
    HomeAnswer,
    st.just(samples.whoami_answer()),
    st.lists(job_views, max_size=5).map(
        lambda views: StatusAnswer(tuple(samples.server_status(*views) for _ in range(12)), (), 0, NOW)
    ),
    st.none()
    | _many(
        st.builds(
            RecentAction,
            st.sampled_from([Retry.operation, ShowJob.operation]),
            foreign,
            moments,
            maybe,
            foreign,
            foreign,
        ),
        8,
    ),
    moments,
    waiting=st.builds(PendingApprovals, _many(approvals, 4), _many(approvals, 4)),
)
objects = st.builds(ObjectFacts, name=foreign, result=results, message=maybe)
stories = st.builds(
    SessionDetails,
    problems=_many(objects, 60),
    failed_total=st.integers(0, 500),
    records=_many(foreign, 20),
    bottleneck=maybe,
    processed_bytes=sizes,
)
attempts = st.builds(
    SessionFacts,
    session_id=session_ids,
    session_type=foreign,
    result=results,
    created_at=moments,
    ended_at=moments,
    message=maybe,
    started_by=st.sampled_from([None, ANN]),
    stopped_by=st.sampled_from([None, BEN]),
    details=st.none() | stories,
)
runs = st.builds(
    RunFacts,
    server=st.just(HQ),
    job_id=job_ids,
    job_name=foreign,
    attempts=st.lists(attempts, min_size=1, max_size=3).map(tuple),
    attempts_total=st.none() | st.integers(0, 5),
    next_attempt_expected_at=maybe_moments,
    is_final=st.booleans(),
    is_late=st.booleans(),
)
storm_failures = st.builds(
    StormFailure,
    server=foreign,
    job_name=foreign,
    cause=maybe,
    state=st.sampled_from(["failed", "retrying", "recovered", "stopped"]),
    ended_at=moments,
)
storms_of_any_words = st.builds(
    StormFacts,
    storm_id=st.just("5f0c"),
    channel=st.just("C0PROD"),
    count=st.integers(1, 5_000),
    servers=_many(foreign, 30),
    first_ended_at=moments,
    last_ended_at=moments,
    causes=_many(
        st.builds(
            StormCause,
            name=maybe,
            text=maybe,
            count=st.integers(1, 500),
            servers=_many(foreign, 30),
            repository=maybe,
        ),
        4,
    ),
    causes_total=st.integers(0, 500),
    jobs=_many(foreign, 6),
)
mentions = st.sampled_from([None, ONCALL, ANN])
expected = st.builds(
    Expectation,
    server=st.just(HQ),
    kind=st.sampled_from(["no_success", "not_started", "too_long", "odd_success", "disabled", "repository"]),
    subject=foreign,
    name=foreign,
    since=moments,
    limit=st.floats(0.1, 9000),
    job_id=st.none() | job_ids,
    at=maybe_moments,
    found=st.none() | st.floats(0, 1e15),
    usual=st.none() | st.floats(0, 1e15),
    next_run=maybe_moments,
    full_at=maybe_moments,
)
groups = st.builds(
    UnmetGroup,
    id=foreign,
    server=foreign,
    kind=st.sampled_from(["no_success", "not_started", "too_long", "odd_success", "disabled", "repository"]),
    since=moments,
    allowed=st.floats(0.1, 9000),
    standing=st.integers(0, 5_000),
    outcomes=st.dictionaries(st.sampled_from(["met", "disabled", "gone", "dropped"]), st.integers(1, 500)),
    earlier=st.integers(0, 4),
    names=_many(foreign, 6),
    owner=st.sampled_from([None, BEN]),
)
announcements: st.SearchStrategy[Announcement] = st.one_of(
    st.builds(RunEnded, run=runs, mention=mentions),
    st.builds(RunChanged, run=runs),
    runs.map(lambda run: DetailsReply(run=run, session=run.last)),
    st.builds(lambda run, mention: AttemptEnded(run=run, session=run.last, mention=mention), runs, mentions),
    st.builds(NoFurtherAttempt, run=runs, mention=mentions),
    storms_of_any_words.map(lambda storm: StormBegan(storm=storm, mention=ONCALL)),
    st.builds(StormList, failures=_many(storm_failures, 50)),
    st.builds(
        BackfillSummary,
        server=st.just(HQ),
        since=moments,
        results=st.dictionaries(foreign, st.integers(0, 500), max_size=8),
        problems_total=st.integers(0, 500),
    ),
    st.builds(BackfillProblems, problems=_many(runs, 60), problems_total=st.just(500)),
    st.builds(
        lambda kind, approval: kind(approval=approval),
        st.sampled_from([ApprovalOpened, ApprovalChanged, ApprovalEnded]),
        approvals,
    ),
    st.builds(
        ApprovalUndelivered,
        approval=approvals,
        channel=st.just("C0PROD"),
        problem=foreign,
    ),
    st.builds(OutageBegan, server=st.just(HQ), since=moments, problem=foreign, detail=foreign),
    st.builds(
        RevisionChanged,
        server=st.just(HQ),
        was=foreign,
        revision=foreign,
        product=foreign,
        is_newer=st.booleans(),
        job_types=st.lists(foreign, max_size=20).map(tuple),
        capabilities=st.lists(foreign, max_size=5).map(tuple),
    ),
    st.builds(ExpectationUnmet, expectation=expected, mention=mentions),
    st.builds(
        ExpectationOver,
        expectation=expected,
        ended_at=moments,
        outcome=st.sampled_from(["met", "disabled", "gone", "dropped"]),
    ),
    st.builds(ExpectationsUnmet, group=groups, mention=mentions),
    st.builds(
        ExpectationsList,
        group_id=foreign,
        server=st.just(HQ),
        kind=st.just("not_started"),
        listed=_many(
            st.builds(
                ListedExpectation,
                name=foreign,
                since=moments,
                outcome=st.sampled_from([None, "met", "disabled", "gone", "dropped"]),
            ),
            50,
        ),
    ),
    st.builds(
        DisableReminder,
        server=st.just(HQ),
        job_id=job_ids,
        job_name=foreign,
        person=st.just(ANN),
        until=moments,
    ),
    st.builds(
        DisableEnded,
        server=st.just(HQ),
        job_id=job_ids,
        job_name=foreign,
        person=st.just(ANN),
        disabled_at=moments,
        until=moments,
        outcome=st.sampled_from(["enabled", "enabled_before", "gone", "refused", "unclear"]),
        problem=maybe,
    ),
    st.builds(
        ActionRecorded,
        operation=st.just("job.retry") | foreign,
        outcome=st.just("done") | foreign,
        person_id=st.just(ANN) | foreign,
        person_name=foreign,
        reference=foreign,
        origin=foreign,
        at=moments,
        channel_id=maybe,
        server=maybe,
        job_name=maybe,
        approver_id=st.none() | st.just(ANN) | foreign,
        approver_name=maybe,
        reason=maybe,
        asked=maybe,
        session_id=maybe,
        said=maybe,
    ),
    st.builds(DigestMade, report=reports),
    st.builds(DigestJobs, key=foreign, report=reports),
    st.builds(DigestDays, key=foreign, report=reports),
    st.builds(ChannelClosed, channel=foreign, problem=foreign, waiting=st.integers(0, 500)),
    st.builds(ChannelMoved, old_id=foreign, new_id=foreign),
    st.builds(MessageRefused, channel=foreign, kind=foreign, problem=foreign, outcome=foreign),
)


def _mrkdwn(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            yield node["text"]
        for each in node.values():
            yield from _mrkdwn(each)
    elif isinstance(node, list | tuple):
        for each in node:
            yield from _mrkdwn(each)


def _odd(blocks: Sequence[Block]) -> list[str]:
    return [text for text in _mrkdwn(blocks) if set("<>") & set(OUR_TOKENS.sub("", text))]


def _wrong(message: Message) -> list[str]:
    told = notified(message.text, list(message.blocks))
    strangers = sorted((told.users - {ANN, BEN}) | (told.groups - {ONCALL}) | told.broadcasts)
    odd = [
        text for text in (message.text, *_mrkdwn(message.blocks)) if set("<>") & set(OUR_TOKENS.sub("", text))
    ]
    hidden = [
        character for character in ("\u202e", "\x07") if character in message.text + str(message.blocks)
    ]
    return problems(message.text, message.blocks) + strangers + odd + hidden


@DEEP
@given(outcomes)
def test_no_answer_can_be_broken_by_what_vbr_says(came_of_it: Outcome) -> None:
    """Any text in any field of any outcome pings nobody, links nowhere and keeps Slack's limits."""
    assert _wrong(outcome(came_of_it, REFERENCE).message) == []


@DEEP
@given(done)
def test_a_shared_answer_bears_neither_share_nor_paging(came_of_it: Done) -> None:
    """What stands in a channel is not turned over by one reader for all; it says who shared it."""
    reply = outcome(came_of_it, REFERENCE, shared_by=ANN)

    assert reply.in_channel
    assert _wrong(reply.message) == []
    assert not {"share", "page:next", "page:previous"} & set(_action_ids(reply.message.blocks))


def test_the_audit_record_is_never_shared() -> None:
    """Nothing offers it, and a press that asks for it all the same shows it to whoever pressed alone."""
    reply = outcome(Done(samples.audit_answer()), REFERENCE, shared_by=ANN)

    assert not reply.in_channel


@DEEP
@given(homes, st.none() | outcomes)
def test_no_home_can_be_broken_by_what_vbr_says(answer: HomeAnswer, before: Outcome | None) -> None:
    """Any text in any field, and in what came of a press, pings nobody and keeps the limits of a Home."""
    told = outcome(before, REFERENCE).message if before is not None else None
    view = home_view(home(answer, command="/veeam", result=told))

    assert view_problems(view, "home") == []
    assert len(json.dumps(view)) <= SIZE_LIMIT_BYTES
    assert _odd(view["blocks"]) == []


@DEEP
@given(foreign, outcomes)
def test_no_modal_can_be_broken_by_what_vbr_says(title: str, came_of_it: Outcome) -> None:
    """The same answer in a modal, whatever its title."""
    view = answer_modal(title, outcome(came_of_it, REFERENCE).message)

    assert view_problems(view, "modal") == []
    assert _odd(view["blocks"]) == []


@DEEP
@given(announcements)
def test_no_announcement_can_be_broken_by_what_vbr_says(facts: Announcement) -> None:
    """Any text in any field of what is told pings nobody but the route's mention, and keeps the limits."""
    assert _wrong(announcement(facts, "key")) == []


@DEEP
@given(foreign, sessions, st.none() | attempts)
def test_no_live_message_can_be_broken_by_what_vbr_says(
    name: str, session: Session, ended: SessionFacts | None
) -> None:
    """Any text in a followed session pings nobody and keeps the limits."""
    for operation in (Start.operation, Stop.operation, Retry.operation):
        followed = samples.followed(operation, name)
        assert _wrong(action_progress(followed, session)) == []
        assert _wrong(action_ended(followed, session, ended)) == []


@given(st.lists(st.text(min_size=1, max_size=4_000), max_size=80))
def test_any_rows_fit(rows: list[str]) -> None:
    """However many rows of whatever length: the message fits, and says how many it left out."""
    message = compose([paragraph("Head")], [paragraph("x" * len(row)) for row in rows], [paragraph("Tail")])

    assert problems(message.text, message.blocks) == []
    assert message.text.startswith("Head")
    assert "Tail" in str(message.blocks[-1])


def test_what_is_left_out_is_counted() -> None:
    """Rows beyond the limit become a number, in the blocks and in the text."""
    message = compose([paragraph("Head")], [paragraph("x" * 500) for _ in range(60)], noun="job")

    assert "… and 37 more jobs, not shown here." in str(message.blocks[-1])
    assert "… and 53 more jobs, not shown here." in message.text


def test_a_message_from_elsewhere_is_made_to_fit() -> None:
    """`fit` alone cuts too many blocks and too long a text, visibly."""
    blocks: tuple[Block, ...] = paragraph("x").blocks * 70
    message = fit(Message("y" * 9_000, blocks))

    assert problems(message.text, message.blocks) == []
    assert "… and 21 more parts" in str(message.blocks[-1])
    assert message.text.endswith("…")


def test_every_button_of_the_catalog_can_be_drawn() -> None:
    """An operation on a job that has a button is offered with its label, confirm dialog and full name."""
    # A job is never to be enabled and disabled at once, nor stopped and retried. A menu has room for five.
    on_runs = (Acknowledge.operation, Mute.operation, Unmute.operation)
    of_channels = (Subscribe.operation, Unsubscribe.operation)
    # A quick backup is of a machine.
    never = (Enable.operation, Stop.operation, QuickBackup.operation, *on_runs, *of_channels)
    offered = tuple(operation for operation in CATALOG if operation.button and operation not in never)
    view = samples.job_view(operations=offered)
    message = outcome(Done(samples.jobs_answer(view)), REFERENCE).message
    row = next(block for block in message.blocks if block["type"] == "actions")
    labels = [element["text"]["text"] for element in row["elements"] if element["type"] == "button"]
    entries = [option["text"]["text"] for element in row["elements"] for option in element.get("options", ())]

    assert {*labels, *entries} == {operation.button for operation in offered}
    assert labels == ["Retry", "Why", "Details"]
    assert entries == ["Start", "Disable", "Apply configuration", "Clear cache", "Edit", "Clone", "Delete"]
    menus = [element["action_id"] for element in row["elements"] if element["type"] == "overflow"]
    assert menus == ["more", "more:2"]
    assert row["elements"][0]["accessibility_label"] == "Retry job SQL Prod on hq"
    assert "*SQL Prod* on hq." in row["elements"][0]["confirm"]["text"]["text"]


def _action_ids(blocks: Sequence[Block]) -> list[str]:
    return [
        element["action_id"]
        for block in blocks
        for element in block.get("elements", ())
        if "action_id" in element
    ]
