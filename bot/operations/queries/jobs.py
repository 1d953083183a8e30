"""`jobs`: lists that VBR filters, sorts and pages wherever it can.

Where it cannot (a pattern, which VBR would look for in every field; a person who may not know of every job),
all rows are read and those to show are kept, up to a limit.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from bot import veeam
from bot.operations import matching, outcomes, vbr_lists
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.jobs import FoundJob
from bot.operations.model import ALL_ROLES, Alias, Kind, Operation, RequestContext, Visibility
from bot.operations.queries import PageNumber, Query
from bot.settings import ServerName


class JobsFilter(StrEnum):
    """Which jobs a list shows; the words are those of the slash command."""

    RUNNING = "running"
    FAILED = "failed"
    WARNING = "warning"
    SUCCESS = "success"
    NONE = "none"
    DISABLED = "disabled"


_RESULTS = {
    JobsFilter.FAILED: veeam.Result.FAILED,
    JobsFilter.WARNING: veeam.Result.WARNING,
    JobsFilter.SUCCESS: veeam.Result.SUCCESS,
    JobsFilter.NONE: veeam.Result.NONE,
}
_STATUSES = {
    JobsFilter.RUNNING: (veeam.JobStatus.RUNNING, veeam.JobStatus.STARTING, veeam.JobStatus.STOPPING),
    JobsFilter.DISABLED: (veeam.JobStatus.DISABLED,),
}
_LATEST_FIRST = frozenset({JobsFilter.RUNNING, JobsFilter.FAILED, JobsFilter.WARNING, JobsFilter.SUCCESS})

_SEVERAL_LISTS = frozenset({JobsFilter.RUNNING, JobsFilter.FAILED})
"""What VBR cannot be asked for in one question."""

_Test = Callable[[veeam.JobState], bool]
_Correct = Callable[[Sequence[veeam.JobState]], Awaitable[tuple[veeam.JobState, ...]]]


@dataclass(frozen=True, slots=True)
class _Repositories:
    """What a repository's name means on one server. `known` are all the names to show to this person.

    Not `is_whole` where the server did not list all of them: then what its jobs say counts too.
    """

    only_id: str | None = None
    ids: frozenset[str] = frozenset()
    known: tuple[str, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _JobsOnServer:
    """What one server has for a list: one sorted list for each question that was put to it."""

    lists: tuple[vbr_lists.Rows[FoundJob], ...] = ()
    repositories: _Repositories = _Repositories()
    knows_type: bool = True


class ListJobs(Query, frozen=True, tag="jobs"):
    """A list of jobs. `page` counts from 0."""

    operation = Operation(
        name="jobs",
        usage="jobs [running, failed, warning, success, none, disabled] [PATTERN] [type:T] [repo:R]",
        help="list jobs",
        kind=Kind.QUERY,
        audit_name="jobs.list",
        roles=ALL_ROLES,
        examples=("jobs failed", "jobs running server:hq", "jobs SQL* type:VSphereBackup"),
        aliases=(Alias("list", "jobs"), Alias("failed", "jobs failed"), Alias("running", "jobs running")),
    )
    option_words = frozenset({"server", "type", "repo"})

    which: JobsFilter | None = None
    pattern: str | None = None
    job_type: str | None = None
    repository: str | None = None
    server: str | None = None
    page: PageNumber = 0

    @classmethod
    def parse(cls, line: CommandLine) -> "ListJobs":
        """Read the filter, the pattern and the options."""
        line.known_options_only()
        which, rest = line.filter(JobsFilter)
        return cls(
            which=which,
            pattern=rest.text,
            job_type=line.options.get("type"),
            repository=line.options.get("repo"),
            server=line.server,
        )

    async def answer(self, backend: Backend, context: RequestContext) -> outcomes.Done | outcomes.NotFound:
        """Return one page of jobs, from every server asked that answers."""
        servers = backend.finder.servers(self.server, context.visibility)
        if isinstance(servers, outcomes.NotFound):
            return servers
        first = self.page * vbr_lists.PAGE_ROWS
        # A single list begins at the page; several are merged, so each is read from its beginning.
        is_single = len(servers) == 1 and self.which not in _SEVERAL_LISTS
        skip = first if is_single else 0
        count = first + vbr_lists.PAGE_ROWS - skip
        answer = await backend.fleet.ask(
            lambda server: self._jobs_on(server, backend, context.visibility, skip=skip, count=count), servers
        )
        lists = [rows for found in answer.answers.values() for rows in found.lists]
        if answer.answers and not any(rows.total for rows in lists):
            missing = await self._missing(backend, context, answer.answers)
            if missing is not None:
                return replace(missing, silent=tuple(answer.failures))
        page = vbr_lists.page_of((rows.rows for rows in lists), start=first - skip, by=self._sort_key)
        views = await self._views(page, backend, context)
        return outcomes.Done(
            JobsAnswer(
                request=self,
                rows=views,
                total=sum(rows.total for rows in lists) - (len(page) - len(views)),
                page_size=vbr_lists.PAGE_ROWS,
                unreadable=sum(rows.unreadable for rows in lists),
                silent=tuple(
                    outcomes.SilentServer(server, error) for server, error in answer.failures.items()
                ),
                as_of=backend.clock.now(),
                total_is_exact=all(rows.is_exact for rows in lists),
            )
        )

    def _sort_key(self, job: FoundJob) -> Any:
        if self.which not in _LATEST_FIRST:
            return matching.fold(job.state.name)
        return -job.state.last_run.timestamp() if job.state.last_run is not None else 0.0

    async def _missing(
        self, backend: Backend, context: RequestContext, found: Mapping[ServerName, _JobsOnServer]
    ) -> outcomes.NotFound | None:
        """What was named and is not there; None for a list that is rightly empty."""
        if self.job_type is not None and not any(each.knows_type for each in found.values()):
            types = [kind for server in found for kind in backend.fleet.server(server).revision.job_types]
            alike = matching.nearest(self.job_type, types)
            return outcomes.NotFound("type", self.job_type, alike or tuple(dict.fromkeys(types)))
        repositories = [each.repositories for each in found.values()]
        if self.repository is not None and not any(each.ids for each in repositories):
            if not all(each.is_whole for each in repositories):
                return None
            known = [name for each in found.values() for name in each.repositories.known]
            return outcomes.NotFound("repository", self.repository, matching.nearest(self.repository, known))
        if self.pattern is None or self.which or self.job_type or self.repository:
            return None
        alike = await backend.finder.nearest(self.pattern, tuple(found), context.visibility)
        words = self.pattern.split()
        meant = matching.nearest(words[0], JobsFilter, limit=1) if words else ()
        return outcomes.NotFound("job", self.pattern, alike, suggestion=f"jobs {meant[0]}" if meant else None)

    async def _views(
        self, jobs: Sequence[FoundJob], backend: Backend, context: RequestContext
    ) -> tuple[outcomes.JobView, ...]:
        """The jobs as shown: failed ones, where they are asked for, with why, not those that were stopped."""
        if self.which is not JobsFilter.FAILED:
            return tuple(backend.views.of(context, job.server, job.state) for job in jobs)
        failures = await backend.failures.of_each((job.server, job.state) for job in jobs)
        return tuple(
            backend.views.of(context, job.server, job.state, failure)
            for job, failure in zip(jobs, failures, strict=True)
            if not failure.is_stopped
        )

    async def _jobs_on(
        self,
        server: veeam.VeeamServer,
        backend: Backend,
        visibility: Visibility,
        *,
        skip: int,
        count: int,
    ) -> _JobsOnServer:
        """Ask one server. Raises `VeeamError`."""
        types = job_types_named(self.job_type, server.revision) if self.job_type is not None else ()
        if self.job_type is not None and not types:
            return _JobsOnServer(knows_type=False)
        repositories = await self._repositories(server, visibility)
        states, is_of_failed = backend.states, self.which is JobsFilter.FAILED
        known = await (states.known_of(server) if is_of_failed else states.known(server.name))
        tests = self._tests(server.name, visibility, types, repositories)
        if self.which is JobsFilter.FAILED and known.stopped:
            tests = (*tests, lambda state: not state.was_stopped)
        queries = self._queries(server.revision, types[0] if len(types) == 1 else None, repositories)
        corrected = partial(backend.states.corrected, server, known=known)
        lists = [await _rows(server, query, tests, corrected, skip=skip, count=count) for query in queries]
        if self.which is JobsFilter.RUNNING:
            # One that somebody started may go on saying `disabled`, and has no result then.
            disabled = replace(queries[0], status=veeam.JobStatus.DISABLED, last_result=veeam.Result.NONE)
            runs = (*tests, lambda state: state.is_active)
            lists.append(await _rows(server, disabled, runs, corrected, skip=skip, count=count))
        if self.which is JobsFilter.FAILED:
            parts = await backend.states.failed_by_part(server, known)
            kept = [FoundJob(server.name, state) for state in parts if all(test(state) for test in tests)]
            lists.append(vbr_lists.Rows(tuple(sorted(kept, key=self._sort_key)), len(kept)))
        return _JobsOnServer(tuple(lists), repositories)

    async def _repositories(self, server: veeam.VeeamServer, visibility: Visibility) -> _Repositories:
        """What the repository's name means to a person who sees the whole server.

        For others what their jobs say of their repositories counts.
        """
        if self.repository is None or not visibility.sees_all(server.name):
            return _Repositories()
        states, is_whole = await vbr_lists.list_repositories(server)
        found = matching.pick(self.repository, states, lambda state: state.name)
        return _Repositories(
            only_id=found[0].id if len(found) == 1 and is_whole else None,
            is_whole=is_whole,
            ids=frozenset(state.id for state in found),
            known=tuple(state.name for state in states),
        )

    def _queries(
        self, revision: veeam.Revision, job_type: str | None, repositories: _Repositories
    ) -> tuple[veeam.JobStatesQuery, ...]:
        latest_first = self.which in _LATEST_FIRST
        base = veeam.JobStatesQuery(
            name=vbr_lists.name_filter(self.pattern) if self.pattern is not None else None,
            type=job_type,
            repository_id=repositories.only_id,
            last_result=_RESULTS.get(self.which) if self.which is not None else None,
            order_by="LastRun" if latest_first else "Name",
            ascending=not latest_first,
        )
        statuses = _STATUSES.get(self.which) if self.which is not None else None
        if statuses is None:
            return (base,)
        return tuple(replace(base, status=status) for status in statuses if status in revision.job_statuses)

    def _tests(
        self,
        server: ServerName,
        visibility: Visibility,
        types: Sequence[str],
        repositories: _Repositories,
    ) -> tuple[_Test, ...]:
        """What VBR cannot be asked for, or cannot be asked for exactly."""
        tests = list[_Test]()
        if not visibility.sees_all(server):
            tests.append(lambda state: visibility.sees(server, state.name))
        if (pattern := self.pattern) is not None:
            tests.append(lambda state: matching.fits(pattern, state.name))
        if self.which is JobsFilter.NONE:
            tests.append(lambda state: not state.is_active)
        if len(types) > 1:
            tests.append(lambda state: state.type in types)
        if (word := self.repository) is not None and repositories.only_id is None:
            tests.append(
                lambda state: (
                    state.repository_id in repositories.ids
                    or matching.fits(word, state.repository_name or "")
                )
            )
        return tuple(tests)


@dataclass(frozen=True, slots=True)
class JobsAnswer(outcomes.Answer):
    """One page of jobs. `total` counts all matches on servers that answered; a lower bound unless exact."""

    request: ListJobs
    rows: tuple[outcomes.JobView, ...]
    total: int
    page_size: int
    unreadable: int
    silent: tuple[outcomes.SilentServer, ...]
    as_of: datetime
    total_is_exact: bool = True


def job_types_named(word: str, revision: veeam.Revision) -> tuple[str, ...]:
    """Return the job types (EJobType) that the word means, in the revision's spelling: one, several, or none.

    A type that another revision calls otherwise is found by either name. VBR refuses a filter by a type that
    it does not know: a word is only ever sent after it was found here.
    """
    same = tuple(
        kind
        for kind in revision.job_types
        if veeam.job_type_key(kind) == veeam.job_type_key(matching.fold(word))
    )
    return same or matching.pick(word, revision.job_types, lambda name: name)


async def _rows(
    server: veeam.VeeamServer,
    query: veeam.JobStatesQuery,
    tests: Sequence[_Test],
    corrected: _Correct,
    *,
    skip: int,
    count: int,
) -> vbr_lists.Rows[FoundJob]:
    async def ask(skip: int, limit: int) -> veeam.Page[veeam.JobState]:
        page = await server.job_states(query.page(skip=skip, limit=limit))
        return replace(page, rows=await corrected(page.rows))

    if tests:
        rows = await vbr_lists.scanned(ask, lambda state: all(test(state) for test in tests))
        states = rows.rows[skip : skip + count]
    else:
        rows = await vbr_lists.window(ask, skip=skip, count=count)
        states = rows.rows
    found = tuple(FoundJob(server.name, state) for state in states)
    return vbr_lists.Rows(found, rows.total, rows.is_exact, rows.unreadable)
