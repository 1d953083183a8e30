"""Job states as they are: VBR's, with what its sessions say where the state doesn't.

VBR says `disabled` of a job that somebody started all the same, Failed of one that a person stopped, and
nothing of a part that failed. What the bot keeps of its own is a detail here: without its database the states
are VBR's.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from bot import veeam
from bot.operations.running import RunningNow, RunningSessions
from bot.operations.stored import stored
from bot.operations.vbr_lists import REQUEST_ROWS, every
from bot.settings import ServerName
from bot.store import Runs, StoppedSessions

_SESSIONS_READ_AT_MOST = 50
_FAILED_READ_AT_MOST = 200
_TASKS_READ_AT_MOST = 20
_PARTS_READ_AT_MOST = 20
_RUNNING_READ_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class KnownSessions:
    """What the bot noted of one server's sessions: those that people stopped, parts that failed by job.

    And what runs there now, for one answer.
    """

    stopped: frozenset[str] = frozenset()
    failed_parts: Mapping[str, str] = field(default_factory=dict)
    running: RunningNow = field(default_factory=RunningNow)

    def is_stopped(self, session: veeam.Session) -> bool:
        """Whether a person stopped the session, as far as VBR lets one tell."""
        return session.is_canceled or session.id in self.stopped


class JobStates:
    """Reads what is known of sessions, and corrects job states by it."""

    def __init__(self, stopped: StoppedSessions, runs: Runs) -> None:
        self._stopped = stopped
        self._runs = runs
        self._looked_back: set[ServerName] = set()

    async def known_of(self, server: veeam.VeeamServer) -> KnownSessions:
        """Return what is noted of a server's sessions, its newest failed ones looked through once before.

        A person may have stopped one before the bot watched, or while it did not run. Raises `VeeamError`
        where nothing else could be asked of the server either.
        """
        if server.name not in self._looked_back:
            found = await veeam.detail(veeam.Detail.SESSIONS, server.name, _stopped_on(server), None)
            if isinstance(found, veeam.VeeamError):
                raise found
            if found is not None:
                self._looked_back.add(server.name)
            for session in found or ():
                await self.note_stopped(server.name, session)
        return await self.known(server.name)

    async def known(self, server: ServerName) -> KnownSessions:
        """Return what is noted of a server's sessions; nothing where the database does not answer."""
        stopped = await stored(self._stopped.of(server), frozenset[str]())
        return KnownSessions(stopped, await stored(self._runs.failed_parts(server), {}))

    async def note_stopped(self, server: ServerName, session: veeam.Session) -> None:
        """Keep that a session was stopped, so that every answer says so from now on."""
        ended_at = session.end_time or session.creation_time
        if ended_at is None:
            return
        await stored(self._stopped.note(server, session.id, ended_at), None)

    async def corrected(
        self,
        server: veeam.VeeamServer,
        states: Sequence[veeam.JobState],
        known: KnownSessions,
    ) -> tuple[veeam.JobState, ...]:
        """Return the states, in their order, as the sessions say."""
        is_asked = any(map(_may_run_unseen, states))
        running = await known.running.on(server) if is_asked else RunningSessions()
        return tuple(_corrected(state, known, running) for state in states)

    async def running_unseen(
        self, server: veeam.VeeamServer, known: KnownSessions
    ) -> tuple[veeam.JobState, ...]:
        """Return the jobs that run although VBR's status of them says otherwise. Raises `VeeamError`."""
        running = await known.running.on(server)
        if not (running.own or running.with_parts):
            return ()
        own = [session.job_id for session in running.own.values() if session.job_id is not None]
        async with veeam.at_once() as group:
            with_parts = [*running.with_parts.values()][:_PARTS_READ_AT_MOST]
            parts = group.create_task(_states_of(server, with_parts))
            disabled = group.create_task(_disabled_among(server, own))
        by_id = {state.id: state for state in (*parts.result(), *disabled.result())}
        corrected = await self.corrected(server, tuple(by_id.values()), known)
        return tuple(state for state in corrected if state.has_running_session)

    async def stopped_among(
        self, server: veeam.VeeamServer, states: Sequence[veeam.JobState], known: KnownSessions
    ) -> tuple[veeam.JobState, ...]:
        """Return those whose run a person stopped; the sessions of the first few unknown ones are read."""
        unknown = [state for state in states if not state.was_stopped and state.session_id is not None]
        async with veeam.at_once() as group:
            reads = [
                group.create_task(self._was_stopped(server, state, known))
                for state in unknown[:_SESSIONS_READ_AT_MOST]
            ]
        found = {state.id for state, read in zip(unknown, reads, strict=False) if read.result()}
        return tuple(
            replace(state, was_stopped=True) for state in states if state.was_stopped or state.id in found
        )

    async def _was_stopped(
        self, server: veeam.VeeamServer, state: veeam.JobState, known: KnownSessions
    ) -> bool:
        session = None if state.session_id is None else await _readable(server, state.session_id)
        if session is None or not known.is_stopped(session):
            return False
        await self.note_stopped(server.name, session)
        return True

    async def failed_by_part(
        self, server: veeam.VeeamServer, known: KnownSessions
    ) -> tuple[veeam.JobState, ...]:
        """Return the jobs that failed by a part alone: VBR's state of them says something else."""
        job_ids = map(veeam.JobId, [*known.failed_parts][-_PARTS_READ_AT_MOST:])
        states = await _states_of(server, job_ids)
        unsaid = [state for state in states if state.result is not veeam.Result.FAILED]
        return await self.corrected(server, unsaid, known)


async def _disabled_among(
    server: veeam.VeeamServer, job_ids: Sequence[veeam.JobId]
) -> Sequence[veeam.JobState]:
    """Return the disabled ones of some jobs, and maybe others: for a few jobs not all disabled are read."""
    query = veeam.JobStatesQuery(status=veeam.JobStatus.DISABLED, order_by="LastRun", ascending=False)
    first = await server.job_states(query.page(skip=0, limit=REQUEST_ROWS))
    if first.total is not None and first.received >= first.total:
        return first.rows
    if len(job_ids) <= _RUNNING_READ_AT_MOST:
        return await _states_of(server, job_ids)
    others = query.page(skip=first.received, limit=REQUEST_ROWS)
    return [*first.rows, *await every(server.every_job_state(others))]


async def _states_of(server: veeam.VeeamServer, job_ids: Iterable[veeam.JobId]) -> Sequence[veeam.JobState]:
    """Return the states of a few jobs, each a detail, without those that are gone."""
    details = veeam.Detail
    async with asyncio.TaskGroup() as group:
        reads = [
            group.create_task(veeam.detail(details.JOB_STATES, server.name, server.job_state(job_id), None))
            for job_id in job_ids
        ]
    return [state for read in reads if (state := read.result()) is not None]


async def _stopped_on(server: veeam.VeeamServer) -> list[veeam.Session] | veeam.VeeamError:
    """Of the newest failed sessions, those that a person stopped; why the server can be asked nothing."""
    query = veeam.SessionsQuery(
        types=server.revision.job_run_types,
        results=(veeam.Result.FAILED,),
        order_by="CreationTime",
        ascending=False,
        limit=_FAILED_READ_AT_MOST,
    )
    try:
        failed = (await server.sessions(query)).rows
    except (veeam.ConnectFailed, veeam.TlsFailed, veeam.LoginRefused) as error:
        return error
    said = [session for session in failed if session.result and veeam.says_by_user(session.result.message)]
    async with veeam.at_once() as group:
        reads = [
            (session, group.create_task(server.task_sessions(session.id)))
            for session in said[:_TASKS_READ_AT_MOST]
        ]
    by_words = [session for session, read in reads if seems_stopped(session, read.result())]
    return [session for session in failed if session.is_canceled] + by_words


def seems_stopped(
    session: veeam.Session | None,
    tasks: Iterable[veeam.TaskSession],
    records: Iterable[veeam.LogRecord] = (),
) -> bool:
    """Whether a failed session `says_stopped`, by its objects and its log as they were read."""
    results = [task.result for task in tasks if task.outcome is veeam.Result.FAILED]
    failed = [None if result is None else result.message for result in results]
    own = session.result.message if session is not None and session.result is not None else None
    return veeam.says_stopped(own, failed, (record.title for record in records))


def _may_run_unseen(state: veeam.JobState) -> bool:
    """Whether the job may run though its status doesn't say so: disabled, or by a part of its run."""
    return not state.is_active and (state.is_disabled or veeam.may_have_parts(state.type))


def _corrected(state: veeam.JobState, known: KnownSessions, running: RunningSessions) -> veeam.JobState:
    own = running.of(state) if state.is_disabled and not state.is_active else None
    is_running = own is not None or (_may_run_unseen(state) and running.has_parts_of(state))
    was_stopped = state.session_id in known.stopped and state.result is veeam.Result.FAILED
    failed_part = known.failed_parts.get(state.id)
    if not (was_stopped or is_running or failed_part):
        return state
    if own is not None and own.id != state.session_id:
        # VBR goes on describing the run before.
        state = replace(
            state,
            session_id=own.id,
            last_run=own.creation_time,
            progress_percent=own.progress_percent,
            session_progress=None,
        )
    return replace(
        state,
        has_running_session=is_running,
        was_stopped=was_stopped,
        failed_part=None if failed_part is None else veeam.SessionId(failed_part),
    )


async def _readable(server: veeam.VeeamServer, session_id: veeam.SessionId) -> veeam.Session | None:
    """The session, a detail; None where there is none, or the server doesn't say."""
    try:
        return await server.session(session_id)
    except veeam.NotFoundOnServer:
        return None
    except veeam.VeeamError as error:
        veeam.note_missing(veeam.Detail.SESSIONS, error)
        return None
