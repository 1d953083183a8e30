"""Job states while `GET /jobs/states` fails: put together from `GET /jobs` and each job's newest run.

VBR answers 500 for the whole list where one job has a status that the revision asked for cannot express.
What is put together lacks the next run, the progress and the number of objects, and jobs whose type the
revision cannot describe, for `GET /jobs` leaves them out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import msgspec

from bot.observability import Clock
from bot.veeam.decoding import JsonObject, Page, Row
from bot.veeam.ids import JobId, SessionId
from bot.veeam.jobs import JobState, JobStatus, RunAfterJob
from bot.veeam.queries import JobStatesQuery, ListQuery, SessionsQuery
from bot.veeam.revisions import Revision
from bot.veeam.session_types import SessionGroup, session_group
from bot.veeam.sessions import Result, Session, SessionState

JOBS_AT_MOST = 20_000
SESSIONS_AT_MOST = 5_000
_PAGE_ROWS = 500
_LIST_LASTS_SECONDS = 10.0
_NEWEST_LOOKED_AT = 5
_UNKNOWN = "Unknown"
"""The result of a job whose newest run is older than the sessions that were read."""


class _Target(JsonObject, frozen=True, gc=False):
    backup_repository_id: str | None = None


class _AfterThisJob(JsonObject, frozen=True, gc=False):
    is_enabled: bool = False
    job_name: str | None = None


class _Schedule(JsonObject, frozen=True, gc=False):
    after_this_job: _AfterThisJob | None = None


class JobRow(Row, frozen=True, gc=False):
    """What every job's model says (JobModel); the list may leave out `storage`."""

    id: Annotated[JobId, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    description: str = ""
    is_disabled: bool = False
    is_high_priority: bool = False
    storage: _Target | None = None
    target: _Target | None = None
    schedule: _Schedule | None = None


class DerivedStates:
    """Puts the states of one server's jobs together. Raises `VeeamError`."""

    def __init__(
        self,
        *,
        jobs: Callable[[ListQuery], Awaitable[Page[JobRow]]],
        job: Callable[[JobId], Awaitable[JobRow]],
        sessions: Callable[[SessionsQuery], Awaitable[Page[Session]]],
        revision: Callable[[], Awaitable[Revision]],
        clock: Clock,
    ) -> None:
        self._ask_jobs = jobs
        self._ask_job = job
        self._ask_sessions = sessions
        self._revision = revision
        self._clock = clock
        self._one_reads = asyncio.Lock()
        self._listed: tuple[JobState, ...] = ()
        self._listed_until = float("-inf")
        self._found: tuple[JobStatesQuery, Sequence[JobState]] | None = None

    async def page(self, query: JobStatesQuery) -> Page[JobState]:
        """Return one page of states, some seconds old at most: pages and filters are of one reading."""
        async with self._one_reads:
            if self._clock.monotonic() >= self._listed_until:
                self._listed = await self._all()
                self._listed_until = self._clock.monotonic() + _LIST_LASTS_SECONDS
                self._found = None
        found = self._all_found(replace(query, skip=None, limit=None))
        skip = query.skip or 0
        rows = tuple(found[skip : skip + (query.limit or _PAGE_ROWS)])
        return Page(rows, total=len(found), is_whole=False)

    def _all_found(self, query: JobStatesQuery) -> Sequence[JobState]:
        """All that fits, in order: looked for once, however many pages are read of it."""
        if self._found is None or self._found[0] != query:
            found = in_order([state for state in self._listed if fits(query, state)], query)
            self._found = query, found
        return self._found[1]

    async def one(self, job_id: JobId) -> JobState:
        """Return the state of one job as it is now.

        `NotFoundOnServer` does not say that there is no such job: its type may be one that the revision
        cannot describe.
        """
        job = await self._ask_job(job_id)
        query = SessionsQuery(
            job_id=job_id, order_by="CreationTime", ascending=False, limit=_NEWEST_LOOKED_AT
        )
        rows = (await self._ask_sessions(query)).rows
        newest = next((row for row in rows if _is_run(row, {job.id, job_id})), None)
        return derived_state(job, newest, {})

    async def _all(self) -> tuple[JobState, ...]:
        jobs: list[JobRow] = []
        while len(jobs) < JOBS_AT_MOST:
            page = await self._ask_jobs(
                ListQuery(skip=len(jobs), limit=_PAGE_ROWS, order_by="Name", ascending=True)
            )
            jobs += page.rows
            if not page.rows or (page.total is not None and len(jobs) >= page.total):
                break
        newest, is_whole = await self._newest_runs({job.id for job in jobs})
        ids = {job.name: job.id for job in jobs}
        return tuple(
            derived_state(job, newest.get(job.id), ids, knows_sessions=is_whole or job.id in newest)
            for job in jobs
        )

    async def _newest_runs(self, job_ids: Collection[str]) -> tuple[Mapping[str, Session], bool]:
        """The newest run of each job, and whether a job without one has none."""
        types = (await self._revision()).job_run_types
        query = SessionsQuery(types=types, order_by="CreationTime", ascending=False)
        newest: dict[str, Session] = {}

        def add(rows: Iterable[Session]) -> None:
            for row in rows:
                if row.job_id is not None and row.job_id in job_ids and _is_run(row, job_ids):
                    newest.setdefault(row.job_id, row)

        # A run that goes on for days began before the latest sessions.
        going_on = replace(query, state=SessionState.WORKING, limit=_PAGE_ROWS)
        add((await self._ask_sessions(going_on)).rows)
        skip = 0
        while skip < SESSIONS_AT_MOST and len(newest) < len(job_ids):
            page = await self._ask_sessions(query.page(skip=skip, limit=_PAGE_ROWS))
            add(page.rows)
            skip += page.received
            if not page.received or (page.total is not None and skip >= page.total):
                return newest, True
        return newest, False


def derived_state(
    job: JobRow, newest: Session | None, ids: Mapping[str, JobId], *, knows_sessions: bool = True
) -> JobState:
    """Return a job's state from its model and its newest run; `ids` are those of jobs by name."""
    is_active = newest is not None and not newest.is_stopped
    at_rest = JobStatus.DISABLED if job.is_disabled else JobStatus.INACTIVE
    status = JobStatus.RUNNING if is_active else at_rest
    result = str(Result.NONE) if knows_sessions else _UNKNOWN
    if newest is not None and newest.is_stopped and newest.result is not None:
        result = newest.result.result
    after = job.schedule.after_this_job if job.schedule is not None else None
    written_to = job.storage or job.target
    return JobState(
        id=job.id,
        name=job.name,
        type=job.type,
        description=job.description,
        status=status,
        last_run=newest.creation_time if newest is not None else None,
        last_result=result,
        repository_id=written_to.backup_repository_id if written_to is not None else None,
        session_id=SessionId(newest.id) if newest is not None else None,
        high_priority=job.is_high_priority,
        progress_percent=newest.progress_percent if newest is not None and is_active else None,
        run_after_job=(
            RunAfterJob(job_name=after.job_name, job_id=ids.get(after.job_name or ""))
            if after is not None and after.is_enabled
            else None
        ),
        is_put_together=True,
    )


def fits(query: JobStatesQuery, state: JobState) -> bool:
    """Whether VBR's filters would leave the state in; letter case makes no difference.

    What is not known of a state that was put together leaves it in: its workload, its number of objects.
    """
    before = state.run_after_job
    wanted = (
        (query.id, state.id),
        (query.type, state.type),
        (query.last_result, state.last_result or Result.NONE),
        (query.status, state.status),
        (query.repository_id, state.repository_id),
        (query.after_job_id, before.job_id if before is not None else None),
        (query.workload if state.workload is not None else None, state.workload),
    )
    piece = (query.name or "").strip("*").casefold()
    return (
        all(value is None or value.casefold() == (is_ or "").casefold() for value, is_ in wanted)
        and any(piece in text.casefold() for text in (state.name, state.description))
        and query.high_priority in {None, state.high_priority}
        and (state.objects_count is None or query.objects_count in {None, state.objects_count})
        and _ran_between(query.last_run_after, query.last_run_before, state.last_run)
    )


def _ran_between(after: datetime | None, before: datetime | None, ran: datetime | None) -> bool:
    if ran is None:
        return after is None and before is None
    return (after is None or ran >= after) and (before is None or ran <= before)


def in_order(states: Iterable[JobState], query: JobStatesQuery) -> Sequence[JobState]:
    """Return states as the query orders them, or as they came."""
    if query.order_by is None:
        return tuple(states)
    column = query.order_by
    return sorted(states, key=lambda state: order_key(state, column), reverse=query.ascending is False)


def order_key(state: JobState, column: str) -> tuple[bool, Any]:
    """Return what a state is ordered by in one of VBR's columns; what it doesn't have comes first."""
    before = state.run_after_job
    value: str | float | None
    match column:
        case "LastRun" | "NextRun":
            moment = state.last_run if column == "LastRun" else state.next_run
            value = moment.timestamp() if moment is not None else None
        case "ObjectsCount":
            value = state.objects_count
        case "AfterJobName":
            value = before.job_name.casefold() if before is not None and before.job_name else None
        case "RepositoryName":
            value = state.repository_name.casefold() if state.repository_name else None
        case _:
            value = _TEXT_COLUMNS.get(column, _name)(state).casefold()
    return (value is not None, value)


def _name(state: JobState) -> str:
    return state.name


_TEXT_COLUMNS: Mapping[str, Callable[[JobState], str]] = {
    "Name": _name,
    "Type": lambda state: state.type,
    "Status": lambda state: state.status,
    "LastResult": lambda state: state.last_result,
    "Description": lambda state: state.description,
    "RepositoryId": lambda state: state.repository_id or "",
}


def _is_run(session: Session, job_ids: Collection[str]) -> bool:
    group = session_group(session.session_type, job_id=session.job_id, job_ids=job_ids)
    return group is SessionGroup.JOB_RUN
