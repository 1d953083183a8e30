"""Why a job failed, in VBR's own words, and how often in a row: looked up once for each session."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

from bot import veeam
from bot.operations.job_states import JobStates, KnownSessions, seems_stopped
from bot.settings import ServerName

FAILURES_KEPT = 2_000
SESSIONS_LOOKED_BACK = 50

_MERE_WORDS = frozenset({"", *(result.casefold() for result in veeam.Result)})


@dataclass(frozen=True, slots=True)
class Failure:
    """What a list says of a failed job; each part None where VBR has no word of it."""

    in_a_row: int | None = None
    reason: str | None = None
    is_stopped: bool = False
    """A person stopped the run: it has not failed."""


class Failures:
    """Looks failures up and remembers them by the session that failed last, which never changes again."""

    def __init__(self, fleet: veeam.Fleet, states: JobStates) -> None:
        self._fleet = fleet
        self._states = states
        self._kept: OrderedDict[tuple[ServerName, veeam.SessionId], Failure] = OrderedDict()

    async def of(self, server: ServerName, state: veeam.JobState) -> Failure:
        """Return why the job's latest session failed; nothing for any other job, or where VBR is silent."""
        if state.result is not veeam.Result.FAILED:
            return Failure()
        session_id = state.failed_part or state.session_id
        key = None if session_id is None else (server, session_id)
        if key is not None and key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        vbr = self._fleet.server(server)
        if state.failed_part is not None:
            found, is_whole = await _failure(vbr, state.failed_part, None)
            found = Failure(reason=found.reason)
        else:
            found, is_whole = await self._look_up(vbr, state.id, state.session_id)
        if key is None or not is_whole:
            return found
        self._kept[key] = found
        if len(self._kept) > FAILURES_KEPT:
            self._kept.popitem(last=False)
        return found

    async def of_each(self, jobs: Iterable[tuple[ServerName, veeam.JobState]]) -> list[Failure]:
        """Return the same for several jobs, in their order."""
        async with asyncio.TaskGroup() as group:
            lookups = [group.create_task(self.of(server, state)) for server, state in jobs]
        return [lookup.result() for lookup in lookups]

    async def _look_up(
        self, server: veeam.VeeamServer, job_id: veeam.JobId, session_id: veeam.SessionId | None
    ) -> tuple[Failure, bool]:
        """What is known of a failure, and whether the server said all of it."""
        query = veeam.SessionsQuery(
            job_id=job_id, order_by="CreationTime", ascending=False, limit=SESSIONS_LOOKED_BACK
        )
        page = await veeam.detail(veeam.Detail.FAILURE_REASON, server.name, server.sessions(query), None)
        sessions = page.rows if page is not None else ()
        latest = next((session for session in sessions if session_id in {None, session.id}), None)
        session_id = session_id if latest is None else latest.id
        if session_id is None:
            return Failure(), page is not None
        looked_back = self._states.known_of(server)
        known = await veeam.detail(veeam.Detail.FAILURE_REASON, server.name, looked_back, KnownSessions())
        found, is_said = Failure(is_stopped=latest is not None and known.is_stopped(latest)), True
        if not found.is_stopped:
            found, is_said = await _failure(server, session_id, latest)
        if found.is_stopped:
            if latest is not None:
                await self._states.note_stopped(server.name, latest)
            return Failure(is_stopped=True), True
        ran = [session for session in sessions if not known.is_stopped(session)]
        return replace(found, in_a_row=failed_in_a_row(ran)), page is not None and is_said


async def _failure(
    server: veeam.VeeamServer, session_id: veeam.SessionId, session: veeam.Session | None
) -> tuple[Failure, bool]:
    """Why a session failed, no streak with it, and whether the server said so."""
    asked = failure_of(server, session_id, session)
    said = await veeam.detail(veeam.Detail.FAILURE_REASON, server.name, asked, None)
    return (Failure(), False) if said is None else (said, True)


def failed_in_a_row(sessions: Iterable[veeam.Session]) -> int | None:
    """Return how many of the latest finished runs failed without a break; None without a finished run.

    `sessions` are one job's, newest first, without those that a person stopped: they neither failed nor ran.
    """
    finished = [
        session
        for session in sessions
        if session.is_stopped
        and veeam.session_group(session.session_type, job_id=session.job_id, job_ids={session.job_id or ""})
        is veeam.SessionGroup.JOB_RUN
    ]
    if not finished:
        return None
    return sum(1 for _ in takewhile(lambda session: session.outcome is veeam.Result.FAILED, finished))


async def failure_of(
    server: veeam.VeeamServer, session_id: veeam.SessionId, session: veeam.Session | None
) -> Failure:
    """Return why a session failed in VBR's words: its first failed object's, its log's, or its own.

    Or that a person stopped it, where these say so. Raises `VeeamError`.
    """
    without_tasks: veeam.VeeamError | None = None
    tasks: tuple[veeam.TaskSession, ...] = ()
    try:
        tasks = await server.task_sessions(session_id)
    except veeam.VeeamError as error:
        without_tasks = error  # the log may still say why
    if message := first_failed_message(tasks):
        return Failure(reason=message, is_stopped=seems_stopped(session, tasks))
    records = await server.session_logs(session_id, veeam.LogStatus.FAILED)
    own = _message_of(session.result if session is not None else None)
    reason = next((record.title for record in records if record.title.strip()), own)
    if without_tasks is None:
        return Failure(reason=reason, is_stopped=seems_stopped(session, tasks, records))
    if reason is None and not isinstance(without_tasks, veeam.NotFoundOnServer):
        raise without_tasks
    return Failure(reason=reason)


def first_failed_message(tasks: Iterable[veeam.TaskSession]) -> str | None:
    """Return the message of the first object that failed with one."""
    failed = (task for task in tasks if task.outcome is veeam.Result.FAILED)
    return next((message for task in failed if (message := _message_of(task.result))), None)


def _message_of(result: veeam.SessionResult | None) -> str | None:
    message = (result.message if result is not None else None) or ""
    return None if message.strip().casefold() in _MERE_WORDS else message
