"""`session`: one run of a job in full."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bot import veeam
from bot.operations import outcomes
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.model import ALL_ROLES, AuditSubject, Kind, Operation, RequestContext
from bot.operations.queries import Query
from bot.operations.queries.sessions import FoundSession, SessionView, job_id_of, job_state_of, session_views
from bot.operations.vbr_lists import where_there
from bot.settings import ServerName

T = TypeVar("T")


class ShowSession(Query, frozen=True, tag="session"):
    """One session in full. Without a server every server is asked for the ID."""

    operation = Operation(
        name="session",
        usage="session ID",
        help="one session in full: its objects and what failed",
        kind=Kind.QUERY,
        audit_name="session.show",
        roles=ALL_ROLES,
        examples=("session 6c76bb17-8695-4f7c-981f-670789edd8f3",),
    )

    session_id: veeam.SessionId
    server: str | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> "ShowSession | outcomes.SyntaxProblem":
        """Read the session's ID."""
        topic, word = line.topic, line.text
        if word is None and topic is not None and topic.session_id is not None and line.server is None:
            return cls(topic.session_id, server=topic.job.server)
        if word is None:
            return line.usage("Which session?")
        session_id = word.casefold().strip("{}")
        if not veeam.is_id(session_id):
            return line.usage(f"{word} is not a session's ID.")
        return cls(veeam.SessionId(session_id), server=line.server)

    async def answer(self, backend: Backend, context: RequestContext) -> outcomes.Done | outcomes.NotFound:
        """Return the session, from the server that has it.

        Raises `VeeamError` where the only server asked gives no answer.
        """
        servers = backend.finder.servers(self.server, context.visibility)
        if isinstance(servers, outcomes.NotFound):
            return servers
        answer = await backend.fleet.ask(self._session_on, servers)
        if len(servers) == 1 and answer.failures:
            raise next(iter(answer.failures.values()))
        missing = outcomes.NotFound("session", self.session_id, silent=tuple(answer.failures))
        for server, session in answer.answers.items():
            if session is None:
                continue
            shown = await self._in_full(server, session, backend, context)
            if isinstance(shown, SessionAnswer):
                return outcomes.Done(shown)
            missing = replace(missing, hidden=shown)
        return missing

    async def _session_on(self, server: veeam.VeeamServer) -> veeam.Session | None:
        try:
            return await server.session(self.session_id)
        except veeam.NotFoundOnServer:
            return None

    async def _in_full(
        self, name: ServerName, session: veeam.Session, backend: Backend, context: RequestContext
    ) -> "SessionAnswer | AuditSubject":
        """The session with its objects and its log; its job, where the person may not know of that."""
        server = backend.fleet.server(name)
        job_id, job = job_id_of(session), None
        state = await self._job_of(server, session, context)
        if state is not None and context.visibility.sees(name, state.name):
            known = await backend.states.known(name)
            (corrected,) = await backend.states.corrected(server, (state,), known)
            job = backend.views.of(context, name, corrected)
        if job is None and not context.visibility.sees_all(name):
            return AuditSubject(name, job_id, state.name if state is not None else session.name)
        logs, details = server.session_logs, veeam.Detail
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(_or_none(details.OBJECTS, name, server.task_sessions(session.id)))
            failed = group.create_task(_or_none(details.LOG, name, logs(session.id, veeam.LogStatus.FAILED)))
            warned = group.create_task(_or_none(details.LOG, name, logs(session.id, veeam.LogStatus.WARNING)))
        records = sorted((*failed.result(), *warned.result()), key=veeam.LogRecord.sort_key)
        (view,) = await session_views((FoundSession(name, session),), backend)
        return SessionAnswer(view, job, tasks.result(), tuple(records), backend.clock.now())

    async def _job_of(
        self, server: veeam.VeeamServer, session: veeam.Session, context: RequestContext
    ) -> veeam.JobState | None:
        """The session's job: a detail to a person who may know of every job. Raises `VeeamError`."""
        asked = job_state_of(server, session)
        if not context.visibility.sees_all(server.name):
            return await asked
        return await veeam.detail(veeam.Detail.JOB_OF_SESSION, server.name, asked, None)


@dataclass(frozen=True, slots=True)
class SessionAnswer(outcomes.Answer):
    """One session in full: its objects, and its failed and warning log records."""

    view: SessionView
    job: outcomes.JobView | None
    tasks: tuple[veeam.TaskSession, ...]
    records: tuple[veeam.LogRecord, ...]
    as_of: datetime


async def _or_none(what: veeam.Detail, server: ServerName, rows: Awaitable[tuple[T, ...]]) -> tuple[T, ...]:
    """The rows; none where the server has no such thing, or cannot say."""
    return await veeam.detail(what, server, where_there(rows), None) or ()
