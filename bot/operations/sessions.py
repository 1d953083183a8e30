"""`sessions` and `session`: the runs of jobs, newest first, and one of them in full.

A session belongs to a job by the job's ID. Somebody who may not know of every job sees only the sessions of
jobs they may know of; a session of no known job is then not shown.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bot.observability import Clock
from bot.operations.answers import JobView, SessionAnswer, SessionsAnswer, SessionView, Silence
from bot.operations.asking import Asking
from bot.operations.catalog import STOP
from bot.operations.listing import PAGE_ROWS, Ask, Rows, page_of, scanned, window
from bot.operations.lookup import FoundJob, Lookup
from bot.operations.outcomes import Ambiguous, Done, NotFound
from bot.operations.parallel import at_once
from bot.operations.people import PersonId
from bot.operations.requests import SessionRequest, SessionsFilter, SessionsRequest
from bot.operations.roles import Sight
from bot.operations.seen import JobViews
from bot.settings import ServerName
from bot.store import OwnActions
from bot.veeam import (
    Fleet,
    JobId,
    LogRecord,
    LogStatus,
    NotAllowed,
    Page,
    Result,
    Revision,
    Session,
    SessionGroup,
    SessionId,
    SessionsQuery,
    SessionState,
    VeeamServer,
    is_id,
    session_group,
)
from bot.veeam import NotFound as NotOnServer

T = TypeVar("T")

SCAN_AT_MOST = 5_000
_RESULTS = {
    SessionsFilter.RUNNING: Result.NONE,
    SessionsFilter.FAILED: Result.FAILED,
    SessionsFilter.WARNING: Result.WARNING,
    SessionsFilter.SUCCESS: Result.SUCCESS,
}
_SHOWN = frozenset({SessionGroup.JOB_RUN, SessionGroup.LOG_BACKUP})
_UNFINISHED = tuple(state for state in SessionState if state is not SessionState.STOPPED)
_NO_ID = frozenset("0-")

_Test = Callable[[Session], bool]


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session and the server it is on."""

    server: ServerName
    session: Session


class SessionViews:
    """Sessions as they are shown: with whoever stopped them from here."""

    def __init__(self, own_actions: OwnActions) -> None:
        self._own_actions = own_actions

    async def of(self, found: Sequence[FoundSession]) -> tuple[SessionView, ...]:
        """Return the sessions as shown, in their order. Raises `StoreError`."""
        stopped: dict[tuple[str, str], PersonId] = {}
        for server in dict.fromkeys(one.server for one in found):
            ids = [one.session.id for one in found if one.server == server]
            for action in await self._own_actions.of(server, ids):
                if action.operation == STOP.name:
                    stopped.setdefault((server, action.session_id), PersonId(action.person_id))
        return tuple(
            SessionView(
                one.server, one.session, job_id_of(one.session), stopped.get((one.server, one.session.id))
            )
            for one in found
        )


class Sessions:
    """Answers `sessions` and `session`."""

    def __init__(
        self, fleet: Fleet, lookup: Lookup, job_views: JobViews, views: SessionViews, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._job_views = job_views
        self._views = views
        self._clock = clock

    async def list(self, request: SessionsRequest, asking: Asking) -> Done | NotFound | Ambiguous:
        """Return one page of sessions, from every server asked that answers."""
        servers = self._lookup.servers(request.server, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        job: FoundJob | None = None
        if request.job is not None:
            found = await self._lookup.job(request.job, request=request, sight=asking.sight)
            if not isinstance(found, FoundJob):
                return found
            job, servers = found, (found.server,)
        question = _Question(request, asking.sight, self._lookup, job=job, is_alone=len(servers) == 1)
        answer = await self._fleet.ask(question.put, servers)
        lists = tuple(answer.answers.values())
        page = page_of((rows.rows for rows in lists), start=question.start, by=_place)
        return Done(
            SessionsAnswer(
                request=request,
                job_name=job.state.name if job is not None else None,
                rows=await self._views.of(page),
                total=sum(rows.total for rows in lists) if all(rows.is_exact for rows in lists) else None,
                page_size=PAGE_ROWS,
                silences=tuple(Silence(server, error) for server, error in answer.silences.items()),
                as_of=self._clock.now(),
            )
        )

    async def show(self, request: SessionRequest, asking: Asking) -> Done | NotFound:
        """Return one session in full, from whichever server has it.

        Raises `VeeamError` where the only server asked gives no answer.
        """
        servers = self._lookup.servers(request.server, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        answer = await self._fleet.ask(lambda server: _session(server, request.session_id), servers)
        if len(servers) == 1 and answer.silences:
            raise next(iter(answer.silences.values()))
        for name, session in answer.answers.items():
            if session is not None and (shown := await self._in_full(name, session, asking)) is not None:
                return Done(shown)
        return NotFound("session", request.session_id, silent=tuple(answer.silences))

    async def _in_full(self, name: ServerName, session: Session, asking: Asking) -> SessionAnswer | None:
        server = self._fleet.server(name)
        job = await self._job_of(server, session, asking)
        if job is None and not asking.sight.sees_all(name):
            return None
        async with at_once() as group:
            tasks = group.create_task(_or_nothing(server.task_sessions(session.id)))
            failed = group.create_task(_or_nothing(server.session_logs(session.id, LogStatus.FAILED)))
            warned = group.create_task(_or_nothing(server.session_logs(session.id, LogStatus.WARNING)))
        records = sorted((*failed.result(), *warned.result()), key=LogRecord.place)
        (view,) = await self._views.of((FoundSession(name, session),))
        return SessionAnswer(view, job, tasks.result(), tuple(records), self._clock.now())

    async def _job_of(self, server: VeeamServer, session: Session, asking: Asking) -> JobView | None:
        job_id = job_id_of(session)
        state = await server.job_state(job_id) if job_id is not None else None
        if state is None or not asking.sight.sees(server.name, state.name):
            return None
        return self._job_views.of(asking, server.name, state)


def job_id_of(session: Session) -> JobId | None:
    """Return the ID that may be a job's; None for the zeros that VBR writes where there is none."""
    job_id = session.job_id
    return job_id if job_id is not None and is_id(job_id) and not set(job_id) <= _NO_ID else None


def _place(found: FoundSession) -> float:
    return _age(found.session)


def _age(session: Session) -> float:
    created_at = session.creation_time
    return -created_at.timestamp() if created_at is not None else 0.0


async def _session(server: VeeamServer, session_id: SessionId) -> Session | None:
    try:
        return await server.session(session_id)
    except NotOnServer:
        return None


async def _or_nothing(rows: Awaitable[tuple[T, ...]]) -> tuple[T, ...]:
    try:
        return await rows
    except (NotOnServer, NotAllowed):
        return ()


class _Question:
    """One list as it is put to each server."""

    def __init__(
        self,
        request: SessionsRequest,
        sight: Sight,
        lookup: Lookup,
        *,
        job: FoundJob | None,
        is_alone: bool,
    ) -> None:
        first = request.page * PAGE_ROWS
        self._request = request
        self._sight = sight
        self._lookup = lookup
        self._job = job
        self._skip = first if is_alone else 0
        self._count = PAGE_ROWS if is_alone else first + PAGE_ROWS
        self.start = 0 if is_alone else first
        """Where the page begins in the merged rows."""

    async def put(self, server: VeeamServer) -> Rows[FoundSession]:
        """Ask one server. Raises `VeeamError`."""
        query = self._query(server.revision, await self._since(server))
        tests = await self._tests(server)
        if not tests:
            return _on(server.name, await window(_asking(server, query), skip=self._skip, count=self._count))
        cut = slice(self._skip, self._skip + self._count)
        if self._request.which is not SessionsFilter.RUNNING:
            return _on(server.name, await self._scanned(server, query, tests), cut)
        # Whether a filter by result finds a session that has none yet is nowhere said; its state is certain.
        by_state = [replace(query, results=(), state=state) for state in _UNFINISHED]
        async with at_once() as group:
            asked = [group.create_task(self._scanned(server, one, tests)) for one in (query, *by_state)]
        return _on(server.name, _together([task.result() for task in asked]), cut)

    async def _scanned(
        self, server: VeeamServer, query: SessionsQuery, tests: Sequence[_Test]
    ) -> Rows[Session]:
        return await scanned(
            _asking(server, query),
            lambda session: all(test(session) for test in tests),
            at_most=SCAN_AT_MOST,
            enough=self._skip + self._count + 1,
        )

    async def _since(self, server: VeeamServer) -> datetime | None:
        if self._request.within is None:
            return None
        return (await server.server_time()).server_time - self._request.within

    def _query(self, revision: Revision, since: datetime | None) -> SessionsQuery:
        which = self._request.which
        is_over = which not in {None, SessionsFilter.RUNNING}
        return SessionsQuery(
            types=() if self._job is not None else (*revision.job_run_types, *revision.log_backup_types),
            results=(_RESULTS[which],) if which is not None else (),
            job_id=self._job.state.id if self._job is not None else None,
            created_after=None if is_over else since,
            ended_after=since if is_over else None,
            order_by="CreationTime",
            ascending=False,
        )

    async def _tests(self, server: VeeamServer) -> tuple[_Test, ...]:
        """What VBR cannot be asked for."""
        tests: list[_Test] = []
        if self._request.which is SessionsFilter.RUNNING:
            tests.append(lambda session: not session.is_stopped)
        if self._job is not None:
            return tuple(tests)
        if not server.revision.session_array_filters:
            tests.append(lambda session: session_group(session.session_type) in _SHOWN)
        if not self._sight.sees_all(server.name):
            names = await self._lookup.names(server)
            seen = {job_id for job_id, name in names.items() if self._sight.sees(server.name, name)}
            tests.append(lambda session: session.job_id in seen)
        return tuple(tests)


def _asking(server: VeeamServer, query: SessionsQuery) -> Ask[Session]:
    async def ask(skip: int, limit: int) -> Page[Session]:
        return await server.sessions(query.page(skip=skip, limit=limit))

    return ask


def _together(parts: Sequence[Rows[Session]]) -> Rows[Session]:
    """Each session once, the newest first."""
    found = {session.id: session for part in parts for session in part.rows}
    ordered = sorted(found.values(), key=_age)
    is_exact = all(part.is_exact for part in parts)
    return Rows(tuple(ordered), len(ordered), is_exact, sum(part.unreadable for part in parts))


def _on(server: ServerName, rows: Rows[Session], cut: slice = slice(None)) -> Rows[FoundSession]:
    found = tuple(FoundSession(server, session) for session in rows.rows[cut])
    return Rows(found, rows.total, rows.is_exact, rows.unreadable)
