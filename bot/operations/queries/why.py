"""`why`: what failed in a job's last run, the line that says so, who else has it, and what to do."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import veeam
from bot.operations import outcomes
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.failures import Failure, message_of, messages_of, runs_of, streak_of
from bot.operations.job_states import KnownSessions, seems_stopped
from bot.operations.jobs import FoundJob, is_run_of
from bot.operations.model import ALL_ROLES, JobRef, Kind, Operation, RequestContext
from bot.operations.owners import with_owners
from bot.operations.queries import Query
from bot.operations.queries.sessions import visible_session
from bot.operations.session_jobs import first_session, job_id_of, job_state_of
from bot.operations.stored import stored
from bot.operations.vbr_lists import where_there
from bot.settings import ServerName
from bot.store import UnmetExpectation

OTHERS_LOOKED_AT = 20
"""So many jobs that failed too are compared: a reason that is not remembered costs a request or two."""
SESSIONS_LOOKED_AT = 50

_GOOD = (veeam.Result.SUCCESS, veeam.Result.WARNING)
_LOG_OF = {veeam.Result.FAILED: veeam.LogStatus.FAILED, veeam.Result.WARNING: veeam.LogStatus.WARNING}
_SUCCESSES_LOOKED_AT = 5
_EARLIER_SHOWN = 4
_NEIGHBOURS_APART, _NEIGHBOURS_AT_LEAST = timedelta(hours=1), 2


class ExplainFailure(Query, frozen=True, tag="why"):
    """Why a job's last run failed or warned; with a session, why the run failed that it is an attempt of."""

    operation = Operation(
        name="why",
        usage="why JOB",
        help="why a job's last run failed: the line that says so, who else has it, what to do",
        kind=Kind.QUERY,
        audit_name="job.why",
        roles=ALL_ROLES,
        examples=("why SQL Prod",),
        button="Why",
    )

    job: JobRef
    session_id: veeam.SessionId | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> "ExplainFailure":
        """Read the job's name; in the thread of a run that run is meant where no job is named."""
        job, topic = line.job(cls), line.topic
        return cls(job, topic.session_id if topic is not None and job == topic.job else None)

    @property
    def subject(self) -> JobRef:
        """The job."""
        return self.job

    async def answer(
        self, backend: Backend, context: RequestContext
    ) -> outcomes.Done | outcomes.NotFound | outcomes.Ambiguous | outcomes.SyntaxProblem:
        """Return why; the objects, the log, earlier sessions and other jobs are details."""
        found = await backend.finder.job(self.job, request=self, visibility=context.visibility)
        if not isinstance(found, FoundJob):
            return found
        server, state = backend.fleet.server(found.server), found.state
        history = await _history_of(server, state, self.session_id)
        if history is None:
            return outcomes.NotFound("session", self.session_id or "")
        known = await backend.states.known(server.name)
        attempts = tuple(visible_session(context.visibility, server.name, one) for one in history.attempts)
        explained = await _explained(backend, server, state, attempts, known)
        async with asyncio.TaskGroup() as group:
            good = group.create_task(_last_good(server, history))
            others = group.create_task(_others(backend, context, found, explained))
            earlier = group.create_task(_earlier(backend, server.name, state, attempts[:-1], known))
        last_good_at, is_known = good.result()
        ran = [one for one in history.runs if not known.is_stopped(one)]
        (view,) = await with_owners(backend, (backend.views.of(context, server.name, state),))
        return outcomes.Done(
            WhyAnswer(
                request=ExplainFailure(found.known, self.session_id),
                view=view,
                run=replace(explained, earlier=earlier.result()),
                streak=streak_of(ran, is_whole=history.is_whole) if self.session_id is None else None,
                last_good_at=last_good_at,
                is_last_good_known=is_known,
                others=others.result(),
                unmet=await _unmet(backend, server.name, state.id),
                as_of=backend.clock.now(),
            )
        )


@dataclass(frozen=True, slots=True)
class EarlierAttempt:
    """An attempt of a run before its last one, and why it failed or warned, as far as VBR says."""

    number: int
    session: veeam.Session
    failure: Failure
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class ExplainedRun:
    """A run's last attempt, what VBR's words say of it, and the attempts `earlier`, the latest few of them.

    No `session`: VBR lists none that is over, and `result` is what the job's state says; None: it never ran.
    `object_name` is the object that `line` or the first failure is about; `objects` of `objects_total` have
    the result. `line` is the cause's own where there is a finding, else the first thing VBR says. `part` is
    the machine or the source, where a part of the job's run is explained.
    """

    result: veeam.Result | None
    session: veeam.Session | None = None
    attempt: int = 1
    is_stopped: bool = False
    finding: veeam.Finding | None = None
    line: str | None = None
    object_name: str | None = None
    objects: int = 0
    objects_total: int = 0
    part: str | None = None
    earlier: tuple[EarlierAttempt, ...] = ()

    @property
    def is_problem(self) -> bool:
        """Whether it failed or warned, and nobody stopped it."""
        return self.result in _LOG_OF and not self.is_stopped


@dataclass(frozen=True, slots=True)
class OtherJobs:
    """Other jobs that have the same cause now, the latest first, of those that were `looked_at`.

    `unseen`: further jobs failed too, whose reasons were not looked at. `silent` servers said nothing. Where
    VBR's words name no cause, the one that these jobs have is `probable`: they failed at about the same time
    on the same repository, and it belongs to that.
    """

    jobs: tuple[outcomes.JobView, ...] = ()
    looked_at: int = 0
    unseen: int = 0
    silent: tuple[outcomes.SilentServer, ...] = ()
    probable: veeam.Finding | None = None


@dataclass(frozen=True, slots=True)
class WhyAnswer(outcomes.Answer):
    """Why a run failed or warned; `request` asks for this very job and run.

    `last_good_at` is when the latest run ended that made a backup: None where there is none, or where it is
    not `is_last_good_known`. `unmet` is what else is not as expected of the job.
    """

    request: ExplainFailure
    view: outcomes.JobView
    run: ExplainedRun
    as_of: datetime
    streak: outcomes.Streak | None = None
    last_good_at: datetime | None = None
    is_last_good_known: bool = False
    others: OtherJobs = OtherJobs()
    unmet: tuple[UnmetExpectation, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the job made a backup since the run that is explained."""
        ended_at = None if self.run.session is None else self.run.session.end_time
        return self.last_good_at is not None and ended_at is not None and self.last_good_at > ended_at


async def _unmet(backend: Backend, server: ServerName, job_id: veeam.JobId) -> tuple[UnmetExpectation, ...]:
    """What is not as expected of the job. A detail."""
    return tuple(await stored(backend.follow_up.unmet_of(server, job_id), ()))


@dataclass(frozen=True, slots=True)
class _History:
    """A job's newest runs, or those of one part or log backup of it; and the `attempts` of the one meant.

    `runs` are newest first, `attempts` oldest first. Not `is_known`: VBR did not list them.
    """

    job_id: veeam.JobId
    runs: Sequence[veeam.Session]
    attempts: tuple[veeam.Session, ...]
    is_known: bool = True
    is_whole: bool = False


async def _history_of(
    server: veeam.VeeamServer, state: veeam.JobState, session_id: veeam.SessionId | None
) -> _History | None:
    """What there is of the run that is meant: the session's, that of a part that failed, or the last.

    None where the job has no such session. Raises `VeeamError` where that cannot be told.
    """
    own = await _newest(server, state.id, lambda one: is_run_of(one, state.id))
    wanted = session_id or state.failed_part
    if (attempts := _attempts(wanted, own.runs)) or wanted is None:
        return replace(own, attempts=attempts)
    if session_id is not None:
        session = await where_there(server.session(session_id))
        job = None if session is None else await job_state_of(server, session)
        if session is None or job is None or job.id != state.id:
            return None
    else:
        asked = where_there(server.session(wanted))
        session = await veeam.detail(veeam.Detail.SESSIONS, server.name, asked, None)
        if session is None:
            return own
    kind = session.session_type
    job_id = job_id_of(session)
    if job_id is None:
        return replace(own, runs=(), attempts=(session,), is_known=False)
    alike = await _newest(server, job_id, lambda one: one.session_type == kind)
    return replace(alike, attempts=_attempts(session.id, alike.runs) or (session,))


async def _newest(
    server: veeam.VeeamServer, job_id: veeam.JobId, is_one: Callable[[veeam.Session], bool]
) -> _History:
    """The newest runs that bear the ID; a detail."""
    query = veeam.SessionsQuery(
        job_id=job_id, order_by="CreationTime", ascending=False, limit=SESSIONS_LOOKED_AT
    )
    page = await veeam.detail(veeam.Detail.SESSIONS, server.name, server.sessions(query), None)
    runs = tuple(one for one in (page.rows if page is not None else ()) if is_one(one))
    is_whole = page is not None and page.received < SESSIONS_LOOKED_AT
    return _History(job_id, runs, (), is_known=page is not None, is_whole=is_whole)


def _attempts(wanted: veeam.SessionId | None, runs: Sequence[veeam.Session]) -> tuple[veeam.Session, ...]:
    """The attempts of the run that a session belongs to, or of the last one that is over, oldest first.

    `runs` are newest first. Empty where the session is none of them.
    """
    found = runs_of(runs)
    if wanted is None:
        return found[0] if found else ()
    return next((run for run in found if any(one.id == wanted for one in run)), ())


async def _explained(
    backend: Backend,
    server: veeam.VeeamServer,
    state: veeam.JobState,
    attempts: Sequence[veeam.Session],
    known: KnownSessions,
) -> ExplainedRun:
    """What the run's last attempt says; without an attempt, the session that the state names."""
    session = attempts[-1] if attempts else None
    session_id, result = state.failed_part or state.session_id, state.result
    if state.failed_part is not None:
        result = veeam.Result.FAILED
    if session is not None:
        session_id, result = session.id, session.outcome
    is_begun = session is None and state.is_active and state.failed_part is None
    if session_id is None or is_begun:
        return ExplainedRun(None)
    is_stopped = state.was_stopped if session is None else known.is_stopped(session)
    if result not in _LOG_OF or is_stopped:
        return ExplainedRun(result, session, len(attempts) or 1, is_stopped)
    details, name = veeam.Detail, server.name
    async with asyncio.TaskGroup() as group:
        asked = where_there(server.task_sessions(session_id))
        objects = group.create_task(veeam.detail(details.OBJECTS, name, asked, ()))
        log = where_there(server.session_logs(session_id, _LOG_OF[result]))
        records = group.create_task(veeam.detail(details.LOG, name, log, ()))
    return _explanation(
        session,
        result,
        objects.result() or (),
        records.result() or (),
        rules=backend.causes,
        names=(state.name, state.repository_name, server.name),
        attempt=len(attempts) or 1,
        part=_part_of(state, session),
    )


def _part_of(state: veeam.JobState, session: veeam.Session | None) -> str | None:
    """What a session is called beside its job, where it is a part of that job's run and that is told."""
    if session is None or (session.job_id or "").casefold() == state.id.casefold():
        return None
    name = veeam.part_name(session.name, state.name)
    return name if name != state.name else None


def _explanation(
    session: veeam.Session | None,
    result: veeam.Result,
    tasks: Sequence[veeam.TaskSession],
    records: Sequence[veeam.LogRecord],
    *,
    rules: veeam.CauseRules,
    names: Sequence[str | None],
    attempt: int,
    part: str | None,
) -> ExplainedRun:
    """The cause that an attempt's objects, log and own message name, or the first of what they say."""
    alike = [task for task in tasks if task.outcome is result]
    titles = [said for one in records if (said := veeam.says_why(one.title or one.description)) is not None]
    own = None if session is None else message_of(session.result)
    messages = messages_of(alike, result)
    texts = [*messages, *titles, *([own] if own is not None else [])]
    finding = veeam.cause_of(texts, rules, names=(*names, *(task.name for task in tasks)))
    said = texts[0 if finding is None else finding.place] if texts else None
    about = _object_of(said or "", alike)
    is_failed = result is veeam.Result.FAILED
    return ExplainedRun(
        result,
        session,
        attempt,
        is_stopped=is_failed and bool(texts or records) and seems_stopped(session, tasks, records),
        finding=finding,
        line=finding.line if finding is not None else said,
        object_name=about.name if about is not None else None,
        objects=len(alike),
        objects_total=len(tasks),
        part=part,
    )


async def _earlier(
    backend: Backend,
    server: ServerName,
    state: veeam.JobState,
    attempts: Sequence[veeam.Session],
    known: KnownSessions,
) -> tuple[EarlierAttempt, ...]:
    """The latest few attempts before the last one, and why each failed. A detail."""
    first = max(0, len(attempts) - _EARLIER_SHOWN)
    some, names = attempts[first:], (state.name, state.repository_name)
    async with asyncio.TaskGroup() as group:
        reads = [group.create_task(backend.failures.of_session(server, each, names=names)) for each in some]
    return tuple(
        EarlierAttempt(number, each, read.result(), known.is_stopped(each) or read.result().is_stopped)
        for number, (each, read) in enumerate(zip(some, reads, strict=True), start=first + 1)
    )


def _object_of(said: str, tasks: Sequence[veeam.TaskSession]) -> veeam.TaskSession | None:
    """The object whose message it is or that a line of the log names; else the first that failed."""
    own = (task for task in tasks if message_of(task.result) == said)
    named = (task for task in tasks if task.name and task.name in said)
    return next(own, None) or next(named, None) or next(iter(tasks), None)


async def _last_good(server: veeam.VeeamServer, history: _History) -> tuple[datetime | None, bool]:
    """When the latest run ended that made a backup, and whether that is known. A detail."""

    def is_good(session: veeam.Session) -> bool:
        return session.is_stopped and session.outcome in _GOOD

    found = next(filter(is_good, history.runs), None)
    if found is not None or history.is_whole or not history.is_known:
        return _end_of(found), history.is_known
    query = veeam.SessionsQuery(
        job_id=history.job_id,
        results=_GOOD,
        order_by="CreationTime",
        ascending=False,
        limit=_SUCCESSES_LOOKED_AT,
    )
    kinds = {one.session_type for one in history.runs}

    def is_one(session: veeam.Session) -> bool:
        is_alike = session.session_type in kinds if kinds else is_run_of(session, history.job_id)
        return is_good(session) and is_alike

    async def ask() -> tuple[datetime | None, bool]:
        return _end_of(await first_session(server, query, is_one)), True

    return await veeam.detail(veeam.Detail.LAST_SUCCESS, server.name, ask(), (None, False))


def _end_of(session: veeam.Session | None) -> datetime | None:
    return None if session is None else session.end_time or session.creation_time


async def _others(
    backend: Backend, context: RequestContext, job: FoundJob, explained: ExplainedRun
) -> OtherJobs:
    """Which other jobs have the same cause now, of those that the person may know of. A detail.

    Where the cause is unknown, what those say that failed beside it on its server may tell.
    """
    finding, result = explained.finding, explained.result
    latest = {job.state.session_id, job.state.failed_part}
    is_latest = explained.session is None or explained.session.id in latest
    if result is None or not explained.is_problem or (finding is None and not is_latest):
        return OtherJobs()
    query = veeam.JobStatesQuery(
        last_result=result, order_by="LastRun", ascending=False, limit=2 * OTHERS_LOOKED_AT
    )
    servers = backend.finder.servers(job.server if finding is None else None, context.visibility)
    if isinstance(servers, outcomes.NotFound):
        return OtherJobs()
    answer = await backend.fleet.ask(lambda server: server.job_states(query), servers)
    # This server's first: what its own jobs share comes before what others' do.
    ordered = sorted(answer.answers, key=lambda name: name != job.server)
    candidates = [
        (name, state)
        for name in ordered
        for state in answer.answers[name].rows
        if (name, state.id) != (job.server, job.state.id)
        and context.visibility.sees(name, state.name)
        and state.result is result
        and not state.is_active
    ]
    if finding is None:
        candidates = [each for each in candidates if _is_neighbour(each, job)]
    looked_at = candidates[:OTHERS_LOOKED_AT]
    async with asyncio.TaskGroup() as group:
        reads = [group.create_task(backend.failures.of_latest(name, state)) for name, state in looked_at]
    silent = outcomes.silent_servers(answer.failures)
    shared = finding or _in_common([read.result() for read in reads], job)
    if shared is None:
        return OtherJobs(silent=silent)
    wanted = shared.common_key(job.state.repository_name, job.server)
    same = [
        backend.views.of(context, name, state, read.result())
        for (name, state), read in zip(looked_at, reads, strict=True)
        if (other := read.result().finding) is not None
        and not read.result().is_stopped
        and other.common_key(state.repository_name, name) == wanted
    ]
    probable = shared if finding is None else None
    return OtherJobs(tuple(same), len(looked_at), len(candidates) - len(looked_at), silent, probable)


def _is_neighbour(other: tuple[ServerName, veeam.JobState], job: FoundJob) -> bool:
    """Whether a job writes to the same repository, and its last run was at about the same time."""
    (server, state), own = other, job.state
    if server != job.server or own.repository_name is None or state.repository_name != own.repository_name:
        return False
    began, own_began = state.last_run, own.last_run
    return began is not None and own_began is not None and abs(began - own_began) <= _NEIGHBOURS_APART


def _in_common(failures: Sequence[Failure], job: FoundJob) -> veeam.Finding | None:
    """The cause of several neighbours, if it belongs to the repository and none has another one."""
    findings = [each.finding for each in failures if each.finding is not None and not each.is_stopped]
    keys = {each.common_key(job.state.repository_name, job.server) for each in findings}
    is_shared = len(findings) >= _NEIGHBOURS_AT_LEAST and len(keys) == 1
    return findings[0] if is_shared and findings[0].cause.about is veeam.About.REPOSITORY else None
