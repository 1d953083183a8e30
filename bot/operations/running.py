"""Which jobs have a session at work, where VBR's states of them may not say so.

Read once for an answer, whatever the number of jobs.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from bot import veeam
from bot.operations import vbr_lists
from bot.operations.session_jobs import first_session, jobs_of_machines

_SESSIONS_AT_MOST = 2_000
_PARENTS_READ_AT_MOST = 20
SESSIONS_LOOKED_AT = 100
"""Of a job: its log backups, which are no runs of it, may be newer than its latest run."""
_RUNS = frozenset({veeam.SessionGroup.JOB_RUN, veeam.SessionGroup.PART})
_OF_AGENTS = ("agent", "endpoint")


@dataclass(frozen=True, slots=True)
class RunningSessions:
    """Of one server: each job's newest session at work, and the jobs with parts at work, by folded IDs."""

    own: Mapping[str, veeam.Session] = field(default_factory=dict)
    with_parts: Mapping[str, veeam.JobId] = field(default_factory=dict)

    def of(self, state: veeam.JobState) -> veeam.Session | None:
        """Return the job's own session at work."""
        session = self.own.get(state.id.casefold())
        return session if session is not None and is_at_work(session, state) else None

    def has_parts_of(self, state: veeam.JobState) -> bool:
        """Whether a part of the job's run is at work."""
        return state.id.casefold() in self.with_parts


class RunningNow:
    """What runs on one server, read when it is first asked for. A detail: nothing where VBR doesn't say."""

    def __init__(self) -> None:
        self._reading = asyncio.Lock()
        self._found: RunningSessions | None = None

    async def on(self, server: veeam.VeeamServer) -> RunningSessions:
        """Return it."""
        async with self._reading:
            if self._found is None:
                asked = _running_on(server)
                found = await veeam.detail(veeam.Detail.RUNNING_SESSIONS, server.name, asked, None)
                self._found = found or RunningSessions()
            return self._found


def is_at_work(session: veeam.Session, state: veeam.JobState) -> bool:
    """Whether a session is a run of the job that is not over.

    An immediate copy waits in one session for ever; that is no run.
    """
    job_id = (session.job_id or "").casefold()
    group = veeam.session_group(session.session_type, job_id=job_id, job_ids={state.id.casefold()})
    is_run = group is veeam.SessionGroup.JOB_RUN and not session.is_stopped
    return is_run and not (session.waits and state.is_immediate_copy)


async def is_running(server: veeam.VeeamServer, state: veeam.JobState) -> bool:
    """Whether one of the job's newest sessions is at work. Raises `VeeamError`."""
    query = veeam.SessionsQuery(
        job_id=state.id, order_by="CreationTime", ascending=False, limit=SESSIONS_LOOKED_AT
    )
    wanted = state.id.casefold()

    def is_it(session: veeam.Session) -> bool:
        return (session.job_id or "").casefold() == wanted and is_at_work(session, state)

    return await first_session(server, query, is_it) is not None


async def _running_on(server: veeam.VeeamServer) -> RunningSessions:
    """Ask for what works and, as it is undocumented whether what has no result yet is found so, for both."""
    latest = veeam.SessionsQuery(order_by="CreationTime", ascending=False)
    types = (await server.detect_revision()).job_run_types
    questions = (
        replace(latest, state=veeam.SessionState.WORKING),
        replace(latest, types=types, results=(veeam.Result.NONE,)),
    )
    async with veeam.at_once() as group:
        lists = [group.create_task(_unfinished(server, query)) for query in questions]
    found = {session.id: session for each in lists for session in each.result()}
    oldest_first = sorted(found.values(), key=_age)
    # Commands to agents are not runs of the job. A waiting session may be newer than the one at work.
    runs = [session for session in oldest_first if _group(session) is veeam.SessionGroup.JOB_RUN]
    own = {
        (session.job_id or "").casefold(): session
        for session in sorted(runs, key=attrgetter("waits"), reverse=True)
    }
    return RunningSessions(own, await _with_parts(server, oldest_first))


async def _unfinished(server: veeam.VeeamServer, query: veeam.SessionsQuery) -> Sequence[veeam.Session]:
    async def ask(skip: int, limit: int) -> veeam.Page[veeam.Session]:
        return await server.sessions(query.page(skip=skip, limit=limit))

    return (await vbr_lists.scanned(ask, _may_be_at_work, at_most=_SESSIONS_AT_MOST)).rows


def _may_be_at_work(session: veeam.Session) -> bool:
    return not session.is_stopped and _group(session) in _RUNS


def _group(session: veeam.Session) -> veeam.SessionGroup:
    """What a session is, where the job that it names is one."""
    job_ids = {session.job_id or veeam.JobId("")}
    return veeam.session_group(session.session_type, job_id=session.job_id, job_ids=job_ids)


async def _with_parts(
    server: veeam.VeeamServer, sessions: Sequence[veeam.Session]
) -> Mapping[str, veeam.JobId]:
    """The jobs of the sessions that these are parts of, and of those above them, by their folded IDs."""
    above: dict[veeam.SessionId, veeam.Session | None] = {session.id: session for session in sessions}
    parts = [session for session in sessions if not session.waits]
    found: list[veeam.JobId] = []
    level: Sequence[veeam.Session] = parts
    for _ in range(veeam.GENERATIONS):
        wanted = dict.fromkeys(session.part_of for session in level if session.part_of is not None)
        unknown = [each for each in wanted if each not in above][:_PARENTS_READ_AT_MOST]
        async with veeam.at_once() as group:
            reads = [group.create_task(_parent(server, each)) for each in unknown]
        above.update((each, read.result()) for each, read in zip(unknown, reads, strict=True))
        level = [parent for each in wanted if (parent := above.get(each)) is not None]
        found += (parent.job_id for parent in level if parent.job_id is not None)
    of_agents = [one for one in parts if one.session_type.casefold().startswith(_OF_AGENTS)]
    asked = jobs_of_machines(server, of_agents)
    by_name = await veeam.detail(veeam.Detail.RUNNING_SESSIONS, server.name, asked, None)
    found += (state.id for state in (by_name or {}).values())
    return {job_id.casefold(): job_id for job_id in found}


async def _parent(server: veeam.VeeamServer, session_id: veeam.SessionId) -> veeam.Session | None:
    """The session; None where it is gone, or VBR doesn't say."""
    asked = vbr_lists.where_there(server.session(session_id))
    return await veeam.detail(veeam.Detail.RUNNING_SESSIONS, server.name, asked, None)


def _age(session: veeam.Session) -> float:
    return session.creation_time.timestamp() if session.creation_time is not None else 0.0
