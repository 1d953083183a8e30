"""`sessions`: the runs of jobs, newest first.

A session belongs to a job by the job's ID. A person who may not know of every job sees only the sessions of
jobs they may know of; a session of no known job is then not shown.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec.structs import replace as with_fields

from bot import veeam
from bot.operations import outcomes, vbr_lists
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine, doubt_about_span, span_in
from bot.operations.failures import Failure
from bot.operations.jobs import FoundJob
from bot.operations.model import (
    ALL_ROLES,
    Alias,
    JobRef,
    Kind,
    KnownJob,
    NamedJob,
    Operation,
    RequestContext,
    Visibility,
)
from bot.operations.queries import PageNumber, Query
from bot.operations.session_jobs import job_id_of, jobs_of_machines
from bot.operations.stored import stored
from bot.settings import PersonId, ServerName
from bot.store import STOP

SCAN_AT_MOST = 5_000


class SessionsFilter(StrEnum):
    """Which sessions a list shows."""

    RUNNING = "running"
    FAILED = "failed"
    WARNING = "warning"
    SUCCESS = "success"


_RESULTS = {
    SessionsFilter.RUNNING: veeam.Result.NONE,
    SessionsFilter.FAILED: veeam.Result.FAILED,
    SessionsFilter.WARNING: veeam.Result.WARNING,
    SessionsFilter.SUCCESS: veeam.Result.SUCCESS,
}
_SHOWN = frozenset({veeam.SessionGroup.JOB_RUN, veeam.SessionGroup.LOG_BACKUP})
_UNFINISHED = tuple(state for state in veeam.SessionState if state is not veeam.SessionState.STOPPED)
_PARENTS_AT_MOST = 200
_PARENTS_READ_AT_MOST = 20

_Test = Callable[[veeam.Session], bool]


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session and the server it is on."""

    server: ServerName
    session: veeam.Session


class ListSessions(Query, frozen=True, tag="sessions"):
    """A list of sessions, newest first. `within` reaches back from the server's now; `page` counts from 0."""

    operation = Operation(
        name="sessions",
        usage="sessions [running, failed, warning, success] [JOB] [24h]",
        help="list sessions, newest first",
        kind=Kind.QUERY,
        audit_name="sessions.list",
        roles=ALL_ROLES,
        examples=("sessions failed 24h", "sessions SQL Prod 7d"),
        aliases=(Alias("logs", "sessions"), Alias("history", "sessions")),
    )

    which: SessionsFilter | None = None
    job: JobRef | None = None
    within: timedelta | None = None
    server: str | None = None
    page: PageNumber = 0

    @classmethod
    def parse(cls, line: CommandLine) -> "ListSessions":
        """Read the filter, the job's name and how far back."""
        _, rest = line.filter(SessionsFilter)
        before = line.words[: len(line.words) - len(rest.words)]
        named, options = rest.job_and_options(cls, before)
        job = line.or_topic(named)
        is_one = not isinstance(job, NamedJob) or bool(job.text)
        return cls(job=job if is_one else None, server=line.server, **options)

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read the filter that the words begin with, and how far back."""
        which = next((one for one in SessionsFilter if words and words[0].rstrip(",;") == one), None)
        rest = words[which is not None :]
        within = span_in(rest)
        return {"which": which, "within": within} if within is not None or not rest else None

    @classmethod
    def doubt_about(cls, words: Sequence[str]) -> str | None:
        """A span that is none."""
        return doubt_about_span(words[-1]) if words else None

    @property
    def subject(self) -> JobRef | None:
        """The job, where the list is of one."""
        return self.job

    async def answer(
        self, backend: Backend, context: RequestContext
    ) -> outcomes.Done | outcomes.NotFound | outcomes.Ambiguous | outcomes.SyntaxProblem:
        """Return one page of sessions, from every server asked that answers."""
        servers = backend.finder.servers(self.server, context.visibility)
        if isinstance(servers, outcomes.NotFound):
            return servers
        if self.job is None:
            return await self.listed(backend, context, servers, None)
        found = await backend.finder.job(self.job, request=self, visibility=context.visibility)
        if not isinstance(found, FoundJob):
            return found
        read = self if found.options is None else self.read_with(found.options)
        by_identity = with_fields(read, job=found.known)
        return await by_identity.listed(backend, context, (found.server,), found)

    async def listed(
        self,
        backend: Backend,
        context: RequestContext,
        servers: tuple[ServerName, ...],
        job: FoundJob | None,
    ) -> outcomes.Done:
        """Return one page, of these servers, and of the one job that was found, if one was named."""
        first = self.page * vbr_lists.PAGE_ROWS
        # A single list begins at the page; several are merged, so each is read from its beginning.
        skip = first if len(servers) == 1 else 0
        count = first + vbr_lists.PAGE_ROWS - skip
        answer = await backend.fleet.ask(
            lambda server: self._sessions_on(server, backend, context, job, skip=skip, count=count), servers
        )
        lists = tuple(answer.answers.values())
        page = vbr_lists.page_of(
            (rows.rows for rows in lists), start=first - skip, by=lambda found: _age(found.session)
        )
        views = await session_views(page, backend, context.visibility)
        async with veeam.at_once() as group:
            failures = group.create_task(_failures(views, backend))
            types = group.create_task(_types_of_jobs(views, backend))
        return outcomes.Done(
            SessionsAnswer(
                request=self,
                job_name=job.state.name if job is not None else None,
                rows=tuple(
                    replace(view, reason=why.reason, object_name=why.object_name, job_type=job_type)
                    for view, why, job_type in zip(views, failures.result(), types.result(), strict=True)
                ),
                total=sum(rows.total for rows in lists) if all(rows.is_exact for rows in lists) else None,
                page_size=vbr_lists.PAGE_ROWS,
                silent=outcomes.silent_servers(answer.failures),
                as_of=backend.clock.now(),
                has_answers=bool(lists),
                unreadable=sum(rows.unreadable for rows in lists),
            )
        )

    async def _sessions_on(
        self,
        server: veeam.VeeamServer,
        backend: Backend,
        context: RequestContext,
        job: FoundJob | None,
        *,
        skip: int,
        count: int,
    ) -> vbr_lists.Rows[FoundSession]:
        """Ask one server. Raises `VeeamError`."""
        query = await self._query(server, backend, job)
        tests = await self._tests(server, backend, context, job)
        enough = skip + count + 1
        asked = [(query, tests)]
        if self.which is SessionsFilter.RUNNING:
            # It is undocumented whether a filter by result finds a session without one; its state is certain.
            asked += ((replace(query, results=(), state=state), tests) for state in _UNFINISHED)
        has_parts = job is not None and veeam.may_have_parts(job.state.type)
        if len(asked) == 1 and not tests and not has_parts:
            rows = await vbr_lists.window(_page_of(server, query), skip=skip, count=count)
            sessions = rows.rows
        else:
            async with veeam.at_once() as group:
                scans = [
                    group.create_task(_scanned(server, one, its_tests, enough=enough))
                    for one, its_tests in asked
                ]
                if job is not None and has_parts:
                    scans.append(group.create_task(_parts_of(server, job.state, query, tests, enough=enough)))
            lists = [scan.result() for scan in scans]
            once = {session.id: session for rows in lists for session in rows.rows}
            rows = vbr_lists.Rows(
                tuple(sorted(once.values(), key=_age)),
                total=len(once),
                is_exact=all(rows.is_exact for rows in lists),
                unreadable=sum(rows.unreadable for rows in lists),
            )
            sessions = rows.rows[skip : skip + count]
        found = tuple(FoundSession(server.name, session) for session in sessions)
        return vbr_lists.Rows(found, rows.total, rows.is_exact, rows.unreadable)

    async def _query(
        self, server: veeam.VeeamServer, backend: Backend, job: FoundJob | None
    ) -> veeam.SessionsQuery:
        since = None
        if self.within is not None:
            asked = server.server_time()
            now = await veeam.detail(veeam.Detail.SERVER_TIME, server.name, asked, None)
            since = (now.server_time if now is not None else backend.clock.now()) - self.within
        revision: veeam.Revision = server.revision
        is_over = self.which not in {None, SessionsFilter.RUNNING}
        return veeam.SessionsQuery(
            types=() if job is not None else _types(revision),
            results=(_RESULTS[self.which],) if self.which is not None else (),
            job_id=job.state.id if job is not None else None,
            created_after=None if is_over else since,
            ended_after=since if is_over else None,
            order_by="CreationTime",
            ascending=False,
        )

    async def _tests(
        self, server: veeam.VeeamServer, backend: Backend, context: RequestContext, job: FoundJob | None
    ) -> tuple[_Test, ...]:
        """What VBR cannot be asked for."""
        tests: list[_Test] = []
        if self.which is SessionsFilter.FAILED:
            known = await backend.states.known_of(server)
            tests.append(lambda session: not known.is_stopped(session))
        if self.which is SessionsFilter.RUNNING:
            tests.append(lambda session: not session.is_stopped)
        if job is not None:
            return tuple(tests)
        if not server.revision.session_array_filters:
            tests.append(lambda session: veeam.session_group(session.session_type) in _SHOWN)
        if not context.visibility.sees_all(server.name):
            names = await backend.finder.names(server)
            visible = {job_id for job_id, name in names.items() if context.visibility.sees(server.name, name)}
            tests.append(lambda session: session.job_id in visible)
        return tuple(tests)


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session on its server, with the ID of its job and the person who stopped it from here."""

    server: ServerName
    session: veeam.Session
    job_id: veeam.JobId | None
    stopped_by: PersonId | None = None
    is_stopped: bool = False
    """A person stopped it, as far as VBR lets one tell, here or in VBR."""
    is_part: bool = False
    """It is a part of another session."""
    reason: str | None = None
    """Why it failed or warned, in VBR's words, where that was asked for."""
    object_name: str | None = None
    """What that is about."""
    job_type: str | None = None
    """The type of its job, where that was asked for."""


@dataclass(frozen=True, slots=True)
class SessionsAnswer(outcomes.Answer):
    """One page of sessions, newest first; `total` is None where a server does not say.

    `has_answers`: at least one server answered. `unreadable` counts the rows that could not be read.
    """

    request: ListSessions
    job_name: str | None
    rows: tuple[SessionView, ...]
    total: int | None
    page_size: int
    silent: tuple[outcomes.SilentServer, ...]
    as_of: datetime
    has_answers: bool = True
    unreadable: int = 0


def visible_session(visibility: Visibility, server: ServerName, session: veeam.Session) -> veeam.Session:
    """Return the session without the name of what it copies, where the person may not know of that job."""
    if session.part_of is None or visibility.sees_all(server):
        return session
    name, _, source = veeam.run_name(session.name).partition("\\")
    if not source or all(visibility.sees(server, each) for each in source.split("\\")):
        return session
    return with_fields(session, name=name)


async def session_views(
    found: Sequence[FoundSession], backend: Backend, visibility: Visibility
) -> tuple[SessionView, ...]:
    """Return the sessions as shown, in their order; without who stopped them where the database fails."""
    stopped: dict[tuple[str, str], PersonId] = {}
    known = {server: await backend.states.known(server) for server in {one.server for one in found}}
    for server in dict.fromkeys(one.server for one in found):
        ids = [one.session.id for one in found if one.server == server]
        for action in await stored(backend.own_actions.of(server, ids), ()):
            if action.operation == STOP:
                stopped.setdefault((server, action.session_id), PersonId(action.person_id))
    views = []
    for one in found:
        by, session = stopped.get((one.server, one.session.id)), one.session
        was_stopped_here = (
            by is not None and session.is_stopped and session.outcome is not veeam.Result.SUCCESS
        )
        views.append(
            SessionView(
                one.server,
                visible_session(visibility, one.server, session),
                job_id_of(session),
                by,
                is_stopped=was_stopped_here or known[one.server].is_stopped(session),
                is_part=session.part_of is not None,
            )
        )
    return tuple(views)


async def _failures(views: Sequence[SessionView], backend: Backend) -> tuple[Failure, ...]:
    """Why the sessions of a page failed or warned; nothing where they didn't, or a person stopped them."""
    async with veeam.at_once() as group:
        asked = [
            group.create_task(backend.failures.of_session(view.server, view.session))
            if not view.is_stopped
            else None
            for view in views
        ]
    return tuple(Failure() if each is None else each.result() for each in asked)


async def _types_of_jobs(views: Sequence[SessionView], backend: Backend) -> tuple[str | None, ...]:
    """The types of the jobs whose runs are on a page; None for what is no run, or of no known job."""
    jobs = [
        KnownJob(view.server, view.job_id)
        if view.job_id is not None
        and veeam.session_group(view.session.session_type) is veeam.SessionGroup.JOB_RUN
        else None
        for view in views
    ]
    types = await backend.finder.types({job for job in jobs if job is not None})
    return tuple(None if job is None else types.get(job) for job in jobs)


async def _parts_of(
    server: veeam.VeeamServer,
    job: veeam.JobState,
    query: veeam.SessionsQuery,
    tests: Sequence[_Test],
    *,
    enough: int,
) -> vbr_lists.Rows[veeam.Session]:
    """Return the parts of the job's newest sessions, and their parts, that the query and the tests leave.

    Parts bear job IDs of their own, and no filter finds them; some only bear the job's name. Raises
    `VeeamError`.
    """
    newest = veeam.SessionsQuery(
        job_id=job.id, order_by="CreationTime", ascending=False, limit=_PARENTS_AT_MOST
    )
    own = {session.id for session in (await server.sessions(newest)).rows} | {job.session_id}
    listed: dict[veeam.SessionId, veeam.Session] = {}

    def is_named(session: veeam.Session) -> bool:
        before = veeam.names_before_machine(session.name)
        return session.part_of is None and session.job_id != job.id and job.name in before

    def is_part(session: veeam.Session) -> bool:
        listed[session.id] = session
        return session.part_of in own - {None} or is_named(session)

    anyones = replace(query, job_id=None, types=_types(server.revision), limit=None)
    rows = await _scanned(server, anyones, (is_part, *tests), enough=enough)
    above = {session.id: session.part_of for session in listed.values()}
    doubtful = [
        session
        for session in listed.values()
        if session.part_of is not None and session.job_id != job.id and all(test(session) for test in tests)
    ]
    for _ in range(veeam.GENERATIONS):
        tops = dict.fromkeys(_highest(session.id, above, own) for session in doubtful)
        unknown = [top for top in tops if top not in own and top not in above][:_PARENTS_READ_AT_MOST]
        async with veeam.at_once() as group:
            reads = {top: group.create_task(vbr_lists.where_there(server.session(top))) for top in unknown}
        for top, read in reads.items():
            found = read.result()
            above[top] = None if found is None else found.part_of
        if not unknown:
            break
    named = [session for session in listed.values() if is_named(session) and all(t(session) for t in tests)]
    owners = await jobs_of_machines(server, named)
    parts = (
        *(session for session in doubtful if _highest(session.id, above, own) in own),
        *(one for one in named if (owner := owners.get(one.id)) is not None and owner.id == job.id),
    )
    return vbr_lists.Rows(parts, len(parts), rows.is_exact, rows.unreadable)


def _highest(
    session_id: veeam.SessionId,
    above: Mapping[veeam.SessionId, veeam.SessionId | None],
    own: Container[veeam.SessionId | None],
) -> veeam.SessionId:
    """Return the first of the job's own sessions that this is below, else the highest that is known."""
    for _ in range(veeam.GENERATIONS):
        parent = above.get(session_id)
        if session_id in own or parent is None:
            break
        session_id = parent
    return session_id


async def latest_of(server: veeam.VeeamServer, job: veeam.JobState, count: int) -> tuple[veeam.Session, ...]:
    """Return a job's newest sessions, with the parts of them. Raises `VeeamError`."""
    query = veeam.SessionsQuery(job_id=job.id, order_by="CreationTime", ascending=False, limit=count)
    sessions = (await server.sessions(query)).rows
    if veeam.may_have_parts(job.type):
        sessions += (await _parts_of(server, job, query, (), enough=count)).rows
    return tuple(sorted(sessions, key=_age))[:count]


def _types(revision: veeam.Revision) -> tuple[str, ...]:
    return (*revision.job_run_types, *revision.session_types[veeam.SessionGroup.LOG_BACKUP])


async def _scanned(
    server: veeam.VeeamServer, query: veeam.SessionsQuery, tests: Sequence[_Test], *, enough: int
) -> vbr_lists.Rows[veeam.Session]:
    return await vbr_lists.scanned(
        _page_of(server, query),
        lambda session: all(test(session) for test in tests),
        at_most=SCAN_AT_MOST,
        enough=enough,
    )


def _page_of(server: veeam.VeeamServer, query: veeam.SessionsQuery) -> vbr_lists.AskPage[veeam.Session]:
    async def ask(skip: int, limit: int) -> veeam.Page[veeam.Session]:
        return await server.sessions(query.page(skip=skip, limit=limit))

    return ask


def _age(session: veeam.Session) -> float:
    created_at = session.creation_time
    return -created_at.timestamp() if created_at is not None else 0.0
