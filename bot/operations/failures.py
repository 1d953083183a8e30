"""Why a job failed or warned, in VBR's own words and as a cause, and how often in a row.

Looked up once a session.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import takewhile
from typing import TypeVar

from bot import veeam
from bot.operations.job_states import JobStates, seems_stopped
from bot.operations.outcomes import Streak
from bot.operations.vbr_lists import where_there
from bot.settings import ServerName

K = TypeVar("K")

FAILURES_KEPT = 2_000
SESSIONS_LOOKED_BACK = 50
_ATTEMPTS_APART = timedelta(minutes=15)
"""So soon after the attempt before an automatic retry begins, where VBR doesn't say what it retries."""

_SessionKey = tuple[ServerName, veeam.SessionId]
_WITH_REASON = {veeam.Result.FAILED: veeam.LogStatus.FAILED, veeam.Result.WARNING: veeam.LogStatus.WARNING}


@dataclass(frozen=True, slots=True)
class Failure:
    """What a list says of a job that failed or warned; each part None where VBR has no word of it.

    `finding` is the cause that VBR's words name, `object_name` the object that they are about.
    """

    streak: Streak | None = None
    reason: str | None = None
    finding: veeam.Finding | None = None
    is_stopped: bool = False
    """A person stopped the run: it has not failed."""
    object_name: str | None = None


class Failures:
    """Looks failures and warnings up, and remembers them by their session: once over it never changes."""

    def __init__(self, fleet: veeam.Fleet, states: JobStates, rules: veeam.CauseRules) -> None:
        self._fleet = fleet
        self._states = states
        self._rules = rules
        self._kept: OrderedDict[_SessionKey, Failure] = OrderedDict()
        self._by_session: OrderedDict[tuple[_SessionKey, frozenset[str | None]], Failure] = OrderedDict()
        """By the names too that were known when VBR's words were read: these decide no cause."""

    async def of(self, server: ServerName, state: veeam.JobState) -> Failure:
        """Return why the job's latest session failed or warned; nothing for any other job."""
        result, vbr = state.result, self._fleet.server(server)
        is_of_run_before = state.has_running_session and not state.failed_part
        if result not in _WITH_REASON or is_of_run_before:
            return Failure()
        session_id = state.failed_part or state.session_id
        if session_id is not None and (state.failed_part or result is veeam.Result.WARNING):
            of_session, _ = await self._failure(vbr, session_id, None, result, names=_names_of(state))
            return replace(of_session, is_stopped=False)
        key = None if session_id is None else (server, session_id)
        if key is not None and key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found, is_whole = await self._look_up(vbr, state, session_id, result)
        if key is not None and is_whole:
            _keep(self._kept, key, found)
        return found

    async def of_each(self, jobs: Iterable[tuple[ServerName, veeam.JobState]]) -> list[Failure]:
        """Return the same for several jobs, in their order."""
        async with asyncio.TaskGroup() as group:
            lookups = [group.create_task(self.of(server, state)) for server, state in jobs]
        return [lookup.result() for lookup in lookups]

    async def of_latest(self, server: ServerName, state: veeam.JobState) -> Failure:
        """Return the same without how often in a row: by one look at the session, or none if it is known."""
        session_id, result = state.failed_part or state.session_id, state.result
        if state.failed_part:
            result = veeam.Result.FAILED
        if result not in _WITH_REASON or session_id is None or state.was_stopped:
            return Failure()
        vbr, names = self._fleet.server(server), _names_of(state)
        found, _ = await self._failure(vbr, session_id, None, result, names=names)
        return found

    async def of_session(
        self, server: ServerName, session: veeam.Session, *, names: Collection[str | None] = ()
    ) -> Failure:
        """Return why a session that is over failed or warned; nothing where it did neither.

        `names` are what is known of its job: they decide no cause.
        """
        result = session.outcome
        if not session.is_stopped or result not in _WITH_REASON:
            return Failure()
        found, _ = await self._failure(self._fleet.server(server), session.id, session, result, names=names)
        return found

    async def _look_up(
        self,
        server: veeam.VeeamServer,
        state: veeam.JobState,
        session_id: veeam.SessionId | None,
        result: veeam.Result,
    ) -> tuple[Failure, bool]:
        """What is known of a failure, and whether the server said all of it."""
        query = veeam.SessionsQuery(
            job_id=state.id, order_by="CreationTime", ascending=False, limit=SESSIONS_LOOKED_BACK
        )
        page = await veeam.detail(veeam.Detail.FAILURE_REASON, server.name, server.sessions(query), None)
        sessions = page.rows if page is not None else ()
        latest = next((session for session in sessions if session_id in {None, session.id}), None)
        session_id = session_id if latest is None else latest.id
        if session_id is None:
            return Failure(), page is not None
        known = await self._states.known(server.name)
        found, is_said = Failure(is_stopped=latest is not None and known.is_stopped(latest)), True
        if not found.is_stopped:
            names = _names_of(state)
            found, is_said = await self._failure(server, session_id, latest, result, names=names)
        if latest is not None and found.is_stopped:
            await self._states.note_stopped(server.name, latest)
            return Failure(is_stopped=True), True
        ran = [session for session in sessions if not known.is_stopped(session)]
        is_whole = page is not None and page.received < SESSIONS_LOOKED_BACK
        return replace(found, streak=streak_of(ran, is_whole=is_whole)), page is not None and is_said

    async def _failure(
        self,
        server: veeam.VeeamServer,
        session_id: veeam.SessionId,
        session: veeam.Session | None,
        result: veeam.Result,
        *,
        names: Collection[str | None] = (),
    ) -> tuple[Failure, bool]:
        """What a session says of its result, no streak with it, and whether the server said so."""
        key = ((server.name, session_id), frozenset(names))
        if key in self._by_session:
            self._by_session.move_to_end(key)
            return self._by_session[key], True
        asked = failure_of(server, session_id, session, result, self._rules, names=names)
        nothing = Failure(), False
        said, is_whole = await veeam.detail(veeam.Detail.FAILURE_REASON, server.name, asked, nothing)
        if is_whole:
            _keep(self._by_session, key, said)
        return said, is_whole


def _names_of(state: veeam.JobState) -> tuple[str | None, ...]:
    return state.name, state.repository_name


def _keep(kept: OrderedDict[K, Failure], key: K, value: Failure) -> None:
    kept[key] = value
    if len(kept) > FAILURES_KEPT:
        kept.popitem(last=False)


def streak_of(sessions: Iterable[veeam.Session], *, is_whole: bool = True) -> Streak | None:
    """Return how many of the latest runs failed without a break; None without one that is over.

    `sessions` are one job's, newest first, without those that a person stopped: they neither failed nor ran.
    Not `is_whole` where VBR has older ones. The attempts of a run count once, and it failed if its last one
    did. Where VBR doesn't link attempts, nearness in time does: announcements know the job's own wait between
    them, so their count may differ for a job that waits longer.
    """
    runs = runs_of(
        session
        for session in sessions
        if veeam.session_group(session.session_type, job_id=session.job_id, job_ids={session.job_id or ""})
        is veeam.SessionGroup.JOB_RUN
    )
    if not runs:
        return None
    failed = sum(1 for _ in takewhile(lambda run: run[-1].outcome is veeam.Result.FAILED, runs))
    return Streak(failed, is_longer=failed == len(runs) and not is_whole)


def runs_of(sessions: Iterable[veeam.Session]) -> list[tuple[veeam.Session, ...]]:
    """Return those of a job's sessions that are over as the runs that they are attempts of.

    The sessions come newest first, and so do the runs; of each the attempts are oldest first.
    """
    runs: list[tuple[veeam.Session, ...]] = []
    for session in sessions:
        if not session.is_stopped:
            continue
        if runs and _retries(runs[-1][0], session):
            runs[-1] = (session, *runs[-1])
        else:
            runs.append((session,))
    return runs


def _retries(session: veeam.Session, earlier: veeam.Session) -> bool:
    """Whether a session is a further attempt: VBR says so, or it began soon after the one that failed."""
    if session.retries is not None:
        return session.retries in {earlier.id, earlier.retries}
    began, ended = session.creation_time, earlier.end_time
    if session.begins_run or earlier.outcome is not veeam.Result.FAILED or began is None or ended is None:
        return False
    return timedelta() <= began - ended <= _ATTEMPTS_APART


async def failure_of(
    server: veeam.VeeamServer,
    session_id: veeam.SessionId,
    session: veeam.Session | None,
    result: veeam.Result,
    rules: veeam.CauseRules,
    *,
    names: Iterable[str | None] = (),
) -> tuple[Failure, bool]:
    """Return why a session failed or warned in VBR's words: its first such object's, its log's, or its own.

    Also the cause that these, or those of further objects, name, and whether they say that a person stopped
    it. With it whether that is all: not where the objects could not be read. `names` are the job's and its
    repository's. Raises `VeeamError`.
    """
    is_failed = result is veeam.Result.FAILED
    without_tasks: veeam.VeeamError | None = None
    tasks: tuple[veeam.TaskSession, ...] = ()
    try:
        tasks = await veeam.in_time(server.name, server.task_sessions(session_id))
    except veeam.VeeamError as error:
        without_tasks = error  # the log may still say why
    names = (*names, server.name, None if session is None else session.name, *(task.name for task in tasks))
    if messages := messages_of(tasks, result):
        of_object = Failure(
            reason=messages[0],
            finding=veeam.cause_of(messages, rules, names=names),
            is_stopped=is_failed and seems_stopped(session, tasks),
            object_name=next(task.name for task in tasks if messages_of((task,), result)),
        )
        return of_object, True
    is_whole = without_tasks is None or isinstance(without_tasks, veeam.NotFoundOnServer)
    records = await server.session_logs(session_id, _WITH_REASON[result])
    is_stopped = is_failed and without_tasks is None and seems_stopped(session, tasks, records)
    if titles := [title for record in records if (title := veeam.says_why(record.title)) is not None]:
        finding = veeam.cause_of(titles, rules, names=names)
        return Failure(reason=titles[0], finding=finding, is_stopped=is_stopped), is_whole
    if session is None:
        session = await where_there(server.session(session_id))
    own = message_of(session.result if session is not None else None)
    if own is None and without_tasks is not None and not is_whole:
        raise without_tasks
    finding = veeam.cause_of([] if own is None else [own], rules, names=names)
    return Failure(reason=own, finding=finding, is_stopped=is_stopped), is_whole


def messages_of(tasks: Iterable[veeam.TaskSession], result: veeam.Result) -> list[str]:
    """Return the messages of the objects with this result that have one, in their order."""
    alike = (task for task in tasks if task.outcome is result)
    return [message for task in alike if (message := message_of(task.result))]


def message_of(result: veeam.SessionResult | None) -> str | None:
    """Return what VBR says of a result; None where that is no more than the result, and when it ended."""
    return None if result is None else veeam.says_why(result.message)
