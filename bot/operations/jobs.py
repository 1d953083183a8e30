"""`jobs`: lists that VBR filters, sorts and pages wherever it can.

Where it cannot (a pattern, which VBR would look for in every field; a person who may not know of every job),
all rows are read and those to show are kept, up to a limit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.observability import Clock
from bot.operations.answers import JobsAnswer, JobView, Silence
from bot.operations.asking import Asking
from bot.operations.job_types import meant_types
from bot.operations.listing import PAGE_ROWS, Rows, page_of, scanned, window
from bot.operations.lookup import FoundJob, Lookup, name_filter
from bot.operations.matching import fits, fold, nearest, pick
from bot.operations.outcomes import Done, NotFound
from bot.operations.reasons import Failure, Reasons
from bot.operations.repositories import repositories_of
from bot.operations.requests import JobsFilter, JobsRequest
from bot.operations.roles import Sight
from bot.operations.seen import JobViews
from bot.settings import ServerName
from bot.veeam import (
    Fleet,
    JobState,
    JobStatesQuery,
    JobStatus,
    Page,
    Result,
    Revision,
    VeeamServer,
    at_once,
)

_RESULTS = {
    JobsFilter.FAILED: Result.FAILED,
    JobsFilter.WARNING: Result.WARNING,
    JobsFilter.SUCCESS: Result.SUCCESS,
    JobsFilter.NONE: Result.NONE,
}
_STATUSES = {
    JobsFilter.RUNNING: (JobStatus.RUNNING, JobStatus.STARTING, JobStatus.STOPPING),
    JobsFilter.DISABLED: (JobStatus.DISABLED,),
}
_LATEST_FIRST = frozenset({JobsFilter.RUNNING, JobsFilter.FAILED, JobsFilter.WARNING, JobsFilter.SUCCESS})

_Test = Callable[[JobState], bool]


@dataclass(frozen=True, slots=True)
class _Repositories:
    """What a repository's name means on one server. `known` are all the names this person may be told."""

    only_id: str | None = None
    ids: frozenset[str] = frozenset()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """What one server has for a list: one sorted list for each question that it took."""

    lists: tuple[Rows[FoundJob], ...] = ()
    repositories: _Repositories = _Repositories()
    knows_type: bool = True


class Jobs:
    """Answers `jobs`."""

    def __init__(self, fleet: Fleet, lookup: Lookup, views: JobViews, reasons: Reasons, clock: Clock) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._job_views = views
        self._reasons = reasons
        self._clock = clock

    async def list(self, request: JobsRequest, asking: Asking) -> Done | NotFound:
        """Return one page of jobs, from every server asked that answers."""
        servers = self._lookup.servers(request.server, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        is_alone = len(servers) == 1 and request.which is not JobsFilter.RUNNING
        question = _Question(request, asking.sight, is_alone=is_alone)
        answer = await self._fleet.ask(question.put, servers)
        parts = tuple(answer.answers.values())
        lists = [rows for part in parts for rows in part.lists]
        if not any(rows.total for rows in lists) and parts:
            silent = tuple(answer.failures)
            missing = await self._missing(request, asking, tuple(answer.answers), parts)
            if missing is not None:
                return NotFound(
                    missing.what, missing.word, missing.nearest, silent, suggestion=missing.suggestion
                )
        page = page_of((rows.rows for rows in lists), start=question.start, by=question.place)
        return Done(
            JobsAnswer(
                request=request,
                rows=await self._views(page, asking, with_failures=request.which is JobsFilter.FAILED),
                total=sum(rows.total for rows in lists),
                page_size=PAGE_ROWS,
                unreadable=sum(rows.unreadable for rows in lists),
                silences=tuple(Silence(server, error) for server, error in answer.failures.items()),
                as_of=self._clock.now(),
                total_is_exact=all(rows.is_exact for rows in lists),
            )
        )

    async def _missing(
        self, request: JobsRequest, asking: Asking, servers: Sequence[ServerName], parts: Sequence[_Part]
    ) -> NotFound | None:
        """What was named and is not there; None for a list that is rightly empty."""
        if request.type is not None and not any(part.knows_type for part in parts):
            types = [kind for server in servers for kind in self._fleet.server(server).revision.job_types]
            return NotFound("type", request.type, nearest(request.type, types) or tuple(dict.fromkeys(types)))
        if request.repository is not None and not any(part.repositories.ids for part in parts):
            known = [name for part in parts for name in part.repositories.known]
            return NotFound("repository", request.repository, nearest(request.repository, known))
        if request.pattern is None or request.which or request.type or request.repository:
            return None
        alike = await self._lookup.nearest(request.pattern, servers, asking.sight)
        meant = nearest(request.pattern.split()[0], JobsFilter, limit=1) if request.pattern.strip() else ()
        return NotFound("job", request.pattern, alike, suggestion=f"jobs {meant[0]}" if meant else None)

    async def _views(
        self, jobs: Sequence[FoundJob], asking: Asking, *, with_failures: bool
    ) -> tuple[JobView, ...]:
        async with at_once() as group:
            lookups = [
                group.create_task(self._reasons.of(job.server, job.state) if with_failures else _no_failure())
                for job in jobs
            ]
        return tuple(
            self._job_views.of(asking, job.server, job.state, lookup.result())
            for job, lookup in zip(jobs, lookups, strict=True)
        )


async def _no_failure() -> Failure:
    return Failure()


class _Question:
    """One list as it is put to each server."""

    def __init__(self, request: JobsRequest, sight: Sight, *, is_alone: bool) -> None:
        first = request.page * PAGE_ROWS
        self._request = request
        self._sight = sight
        self._skip = first if is_alone else 0
        self._count = PAGE_ROWS if is_alone else first + PAGE_ROWS
        self.start = 0 if is_alone else first
        """Where the page begins in the merged rows."""

    def place(self, job: FoundJob) -> Any:
        """Where a job stands in the list."""
        if self._request.which not in _LATEST_FIRST:
            return fold(job.state.name)
        return -job.state.last_run.timestamp() if job.state.last_run is not None else 0.0

    async def put(self, server: VeeamServer) -> _Part:
        """Ask one server. Raises `VeeamError`."""
        kinds = meant_types(self._request.type, server.revision) if self._request.type is not None else ()
        if self._request.type is not None and not kinds:
            return _Part(knows_type=False)
        repositories = await self._repositories(server)
        tests = self._tests(server.name, kinds, repositories)
        lists = [
            await self._rows(server, query, tests)
            for query in self._queries(server.revision, kinds[0] if len(kinds) == 1 else None, repositories)
        ]
        return _Part(tuple(lists), repositories)

    async def _repositories(self, server: VeeamServer) -> _Repositories:
        """Only who sees the whole server is told of repositories; for others their jobs' own words count."""
        word = self._request.repository
        if word is None or not self._sight.sees_all(server.name):
            return _Repositories()
        states = await repositories_of(server)
        found = pick(word, states, lambda state: state.name)
        return _Repositories(
            only_id=found[0].id if len(found) == 1 else None,
            ids=frozenset(state.id for state in found),
            known=tuple(state.name for state in states),
        )

    def _queries(
        self, revision: Revision, kind: str | None, repositories: _Repositories
    ) -> tuple[JobStatesQuery, ...]:
        request = self._request
        latest_first = request.which in _LATEST_FIRST
        base = JobStatesQuery(
            name=name_filter(request.pattern) if request.pattern is not None else None,
            type=kind,
            repository_id=repositories.only_id,
            last_result=_RESULTS.get(request.which) if request.which is not None else None,
            order_by="LastRun" if latest_first else "Name",
            ascending=not latest_first,
        )
        statuses = _STATUSES.get(request.which) if request.which is not None else None
        if statuses is None:
            return (base,)
        return tuple(replace(base, status=status) for status in statuses if status in revision.job_statuses)

    def _tests(
        self, server: ServerName, kinds: Sequence[str], repositories: _Repositories
    ) -> tuple[_Test, ...]:
        """What VBR cannot be asked for, or cannot be asked for exactly."""
        request, tests = self._request, list[_Test]()
        if not self._sight.sees_all(server):
            tests.append(lambda state: self._sight.sees(server, state.name))
        if (pattern := request.pattern) is not None:
            tests.append(lambda state: fits(pattern, state.name))
        if request.which is JobsFilter.NONE:
            tests.append(lambda state: not state.is_active)
        if len(kinds) > 1:
            tests.append(lambda state: state.type in kinds)
        if (word := request.repository) is not None and repositories.only_id is None:
            tests.append(
                lambda state: (
                    state.repository_id in repositories.ids or fits(word, state.repository_name or "")
                )
            )
        return tuple(tests)

    async def _rows(
        self, server: VeeamServer, query: JobStatesQuery, tests: Sequence[_Test]
    ) -> Rows[FoundJob]:
        async def ask(skip: int, limit: int) -> Page[JobState]:
            return await server.job_states(query.page(skip=skip, limit=limit))

        if not tests:
            return _on(server.name, await window(ask, skip=self._skip, count=self._count))
        kept = await scanned(ask, lambda state: all(test(state) for test in tests))
        return _on(server.name, kept, slice(self._skip, self._skip + self._count))


def _on(server: ServerName, rows: Rows[JobState], cut: slice = slice(None)) -> Rows[FoundJob]:
    found = tuple(FoundJob(server, state) for state in rows.rows[cut])
    return Rows(found, rows.total, rows.is_exact, rows.unreadable)
