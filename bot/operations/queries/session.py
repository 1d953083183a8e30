"""`session`: one run of a job in full."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from bot import veeam
from bot.operations import outcomes
from bot.operations.backend import Backend, MessageUnreadable
from bot.operations.commands import CommandLine, quote
from bot.operations.jobs import FoundJob, latest_run
from bot.operations.model import ALL_ROLES, AuditSubject, JobRef, Kind, MessageLink, Operation, RequestContext
from bot.operations.queries import PageNumber, Query
from bot.operations.queries.sessions import FoundSession, SessionView, latest_of, session_views
from bot.operations.session_jobs import job_id_of, job_state_of
from bot.operations.vbr_lists import where_there
from bot.settings import ServerName

T = TypeVar("T")

_LAST = frozenset({"last", "latest"})


class ShowSession(Query, frozen=True, tag="session"):
    """One session in full: by its ID, by a message about it, or the latest run of a job.

    Without a server every server is asked for the ID. `page` counts from 0.
    """

    operation = Operation(
        name="session",
        usage="session ID, LINK or JOB last",
        help="one session in full: its objects with their messages, and its log",
        kind=Kind.QUERY,
        audit_name="session.show",
        roles=ALL_ROLES,
        examples=(
            "session SQL Prod last",
            "session https://example.slack.com/archives/C0PROD/p1763899200000100",
            "session 6c76bb17-8695-4f7c-981f-670789edd8f3",
        ),
    )

    session_id: veeam.SessionId | None = None
    server: str | None = None
    page: PageNumber = 0
    job: JobRef | None = None
    message: MessageLink | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> "ShowSession | outcomes.SyntaxProblem":
        """Read the session's ID, the link to a message, or a job's name and `last`."""
        topic, word = line.topic, line.text
        if word is None and topic is not None and topic.session_id is not None and line.server is None:
            return cls(topic.session_id, server=None if topic.job is None else topic.job.server)
        if word is None:
            return line.usage("Which session?")
        session_id = word.casefold().strip("{}")
        if veeam.is_id(session_id):
            return cls(veeam.SessionId(session_id), server=line.server)
        if (link := MessageLink.read(word)) is not None:
            return cls(server=line.server, message=link)
        if line.words[-1].bare not in _LAST:
            problem = f"{word} is neither a session ID nor a link to a message. Usage: {cls.operation.usage}"
            return line.problem(problem, f"session {word} last")
        return cls(job=line.job(cls))

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read `last`, which says no more than that a job is meant."""
        return {} if not words or (len(words) == 1 and words[0] in _LAST) else None

    @property
    def subject(self) -> JobRef | None:
        """The job whose latest run is meant, where it is asked for so."""
        return self.job

    async def answer(
        self, backend: Backend, context: RequestContext
    ) -> outcomes.Done | outcomes.NotFound | outcomes.Ambiguous | outcomes.SyntaxProblem:
        """Return the session, from the server that has it.

        Raises `VeeamError` where the only server asked gives no answer, and `StoreError`.
        """
        if self.job is not None:
            return await self._latest(self.job, backend, context)
        if self.message is not None:
            return await self._linked(self.message, backend, context)
        servers = backend.finder.servers(self.server, context.visibility)
        if isinstance(servers, outcomes.NotFound):
            return servers
        return await self._found(
            servers, outcomes.NotFound("session", self.session_id or ""), backend, context
        )

    async def _latest(
        self, job: JobRef, backend: Backend, context: RequestContext
    ) -> outcomes.Done | outcomes.NotFound | outcomes.Ambiguous | outcomes.SyntaxProblem:
        found = await backend.finder.job(job, request=self, visibility=context.visibility)
        if not isinstance(found, FoundJob):
            return found
        server, state = backend.fleet.server(found.server), found.state
        missing = outcomes.NotFound("run", state.name, suggestion=f"job {quote(state.name)}")
        if state.failed_part is not None:
            of_part = ShowSession(state.failed_part, found.server, self.page)
            shown = await of_part._found((found.server,), missing, backend, context)
            if isinstance(shown, outcomes.Done):
                return shown
        session = await latest_run(server, state.id)
        if session is None and veeam.may_have_parts(state.type):
            session = next(iter(await latest_of(server, state, 1)), None)
        if session is None:
            return missing
        by_id = ShowSession(session.id, found.server, self.page)
        return await by_id._found((found.server,), missing, backend, context)

    async def _linked(
        self, link: MessageLink, backend: Backend, context: RequestContext
    ) -> outcomes.Done | outcomes.NotFound:
        """The session that a message is about; where the person may not know of it, as if there were none."""
        missing = outcomes.NotFound("message", link.text)
        servers = backend.finder.servers(self.server, context.visibility)
        if isinstance(servers, outcomes.NotFound):
            return servers
        try:
            shown = await backend.messages.session_of(link)
        except MessageUnreadable:
            return replace(missing, has_answers=False)
        if shown is None:
            return missing
        if shown.server not in servers:
            is_hidden = shown.server in backend.fleet.names and not context.visibility.sees_server(
                shown.server
            )
            return replace(missing, hidden=AuditSubject(shown.server, shown.job_id) if is_hidden else None)
        by_id = ShowSession(shown.session_id, shown.server, self.page)
        return await by_id._found((shown.server,), missing, backend, context)

    async def _found(
        self,
        servers: tuple[ServerName, ...],
        missing: outcomes.NotFound,
        backend: Backend,
        context: RequestContext,
    ) -> outcomes.Done | outcomes.NotFound:
        """The session of this ID, from one of these servers; else what is `missing`. Raises `VeeamError`."""
        answer = await backend.fleet.ask(self._session_on, servers)
        if len(servers) == 1 and answer.failures:
            raise next(iter(answer.failures.values()))
        missing = replace(missing, silent=tuple(answer.failures), has_answers=bool(answer.answers))
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
            return await server.session(self.session_id or veeam.SessionId(""))
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
        (view,) = await session_views((FoundSession(name, session),), backend, context.visibility)
        return SessionAnswer(
            request=ShowSession(session.id, name, self.page),
            view=replace(view, job_type=None if job is None else job.state.type),
            job=job,
            tasks=tasks.result(),
            records=tuple(records),
            as_of=backend.clock.now(),
        )

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
    """One session in full: its objects, and its failed and warning log records.

    `request` asks for this very session, however it was found.
    """

    request: ShowSession
    view: SessionView
    job: outcomes.JobView | None
    tasks: tuple[veeam.TaskSession, ...]
    records: tuple[veeam.LogRecord, ...]
    as_of: datetime


async def _or_none(what: veeam.Detail, server: ServerName, rows: Awaitable[tuple[T, ...]]) -> tuple[T, ...]:
    """The rows; none where the server has no such thing, or cannot say."""
    return await veeam.detail(what, server, where_there(rows), None) or ()
