"""`jobs`: lists that VBR filters, sorts and pages wherever it can.

Where it cannot (a pattern, which VBR would look for in every field; a person who may not know of every job;
states of several kinds at once), all rows are read and those to show are kept, up to a limit.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, structs

from bot import veeam
from bot.operations import job_filters, matching, outcomes, vbr_lists
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.job_filters import COLUMNS, FITS, JobPriority, JobsColumn, JobsFilter
from bot.operations.job_states import KnownSessions
from bot.operations.job_types import in_words, job_types_named
from bot.operations.jobs import FoundJob
from bot.operations.machine_holders import Held, Holders, holders_of
from bot.operations.model import ALL_ROLES, Alias, Kind, KnownJob, Operation, RequestContext, Visibility
from bot.operations.queries import PageNumber, Query
from bot.operations.stale_jobs import last_good_runs, stale_among
from bot.settings import ServerName

_RESULTS = {
    JobsFilter.FAILED: veeam.Result.FAILED,
    JobsFilter.STOPPED: veeam.Result.FAILED,
    JobsFilter.WARNING: veeam.Result.WARNING,
    JobsFilter.SUCCESS: veeam.Result.SUCCESS,
    JobsFilter.NONE: veeam.Result.NONE,
}
"""What VBR says of the last run. One that a person stopped has failed, by its word."""
_ACTIVE = (veeam.JobStatus.RUNNING, veeam.JobStatus.STARTING, veeam.JobStatus.STOPPING)
_LATEST_FIRST = frozenset(
    {
        JobsFilter.RUNNING,
        JobsFilter.FAILED,
        JobsFilter.WARNING,
        JobsFilter.SUCCESS,
        JobsFilter.STOPPED,
    }
)
_LAST_RUN_EVER = datetime(2000, 1, 1, tzinfo=UTC)
"""An earlier date means that the job never ran."""
_ASKED_BY_ID = 10
"""So many jobs that are known by their IDs are asked for one by one."""

_NOT_NARROWING: Mapping[str, Any] = {"page": 0, "sort": None, "is_descending": False}

_Test = Callable[[veeam.JobState], bool]
_Refine = Callable[[Sequence[veeam.JobState]], Awaitable[Sequence[veeam.JobState]]]
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
class _Question:
    """One list to ask VBR for, and which of its rows count: those that pass the tests, then `refine`."""

    query: veeam.JobStatesQuery
    tests: tuple[_Test, ...] = ()
    refine: tuple[_Refine, ...] = ()
    is_mixed: bool = False
    """Whether VBR orders its rows otherwise than they are shown."""

    @property
    def is_narrowed(self) -> bool:
        """Whether VBR was not asked for exactly these rows, so that all have to be read."""
        return bool(self.tests or self.refine)


@dataclass(frozen=True, slots=True)
class _Order:
    """How a list is ordered: by VBR, and over several lists. `is_own` where VBR cannot order it so."""

    column: str
    key: Callable[[FoundJob], Any]
    is_descending: bool = False
    is_reversed: bool = False
    """Whether the greatest key comes first."""
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class _JobsOnServer:
    """What one server has for a list: one sorted list for each question that was put to it.

    They begin after `skipped` rows. `after` are the jobs that `after:` means, None without it; `holders` says
    who holds the machine.
    """

    lists: tuple[vbr_lists.Rows[FoundJob], ...] = ()
    skipped: int = 0
    repositories: _Repositories = _Repositories()
    knows_type: bool = True
    after: Mapping[veeam.JobId, str] | None = None
    knows_predecessors: bool = True
    holders: Holders | None = None
    not_looked_at: int = 0


class ListJobs(Query, frozen=True, tag="jobs"):
    """A list of jobs: of those that are as `which` or one of `also` says. `page` counts from 0."""

    operation = Operation(
        name="jobs",
        usage=(
            "jobs [failed, problems, running or another STATE] [PATTERN] [type:T] [repo:R] [workload:W] "
            "[priority:high] [after:JOB] [objects:N] [holding:MACHINE] [ran:<24h or >24h] [stale:26h] "
            "[sort:COLUMN]"
        ),
        help="list jobs",
        kind=Kind.QUERY,
        audit_name="jobs.list",
        roles=ALL_ROLES,
        examples=(
            "jobs failed",
            "jobs problems SQL* server:hq",
            "jobs holding:web01",
            "jobs stale:26h sort:-lastrun",
        ),
        aliases=(
            Alias("list", "jobs"),
            Alias("failed", "jobs failed"),
            Alias("problems", "jobs problems"),
            Alias("running", "jobs running"),
        ),
    )
    option_words = frozenset(
        {
            *("server", "type", "repo", "workload", "priority", "after", "objects", "holding"),
            *("ran", "stale", "sort"),
        }
    )

    which: JobsFilter | None = None
    pattern: str | None = None
    job_type: str | None = None
    repository: str | None = None
    server: str | None = None
    page: PageNumber = 0
    workload: veeam.Workload | None = None
    priority: JobPriority | None = None
    after: str | None = None
    objects_count: Annotated[int, Meta(ge=0, le=job_filters.OBJECTS_AT_MOST)] | None = None
    holding: str | None = None
    ran_within: timedelta | None = None
    ran_before: timedelta | None = None
    stale: timedelta | None = None
    sort: JobsColumn | None = None
    is_descending: bool = False
    also: tuple[JobsFilter, ...] = ()

    @classmethod
    def parse(cls, line: CommandLine) -> "ListJobs":
        """Read the filters, the pattern and the options."""
        line.known_options_only()
        states, rest = line.filters(JobsFilter)
        ran_within, ran_before = job_filters.ran(line)
        sort, is_descending = job_filters.sorting(line)
        return cls(
            which=states[0] if states else None,
            also=states[1:],
            pattern=rest.text,
            job_type=line.options.get("type"),
            repository=line.options.get("repo"),
            server=line.server,
            workload=job_filters.choice(line, "workload", veeam.Workload),
            priority=job_filters.choice(line, "priority", JobPriority),
            after=line.options.get("after"),
            objects_count=job_filters.number_of_objects(line),
            holding=line.options.get("holding"),
            ran_within=ran_within,
            ran_before=ran_before,
            stale=job_filters.stale(line),
            sort=sort,
            is_descending=is_descending,
        )

    @property
    def states(self) -> frozenset[JobsFilter]:
        """The states that are asked for, `problems` as what it stands for; empty for all."""
        return job_filters.meant(self.which, *self.also)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but a name or a server narrows the list."""
        return structs.replace(self, pattern=None, server=None, **_NOT_NARROWING) != ListJobs()

    @property
    def has_only_states(self) -> bool:
        """Whether nothing but states narrows the list, on all servers."""
        return structs.replace(self, which=None, also=(), **_NOT_NARROWING) == ListJobs()

    async def answer(self, backend: Backend, context: RequestContext) -> outcomes.Done | outcomes.NotFound:
        """Return one page of jobs, from every server asked that answers."""
        servers = backend.finder.servers(self.server, context.visibility)
        if isinstance(servers, outcomes.NotFound):
            return servers
        first = self.page * vbr_lists.PAGE_ROWS
        answer = await backend.fleet.ask(
            lambda server: self._jobs_on(
                server, backend, context.visibility, first=first, is_alone=len(servers) == 1
            ),
            servers,
        )
        found = answer.answers
        lists = [rows for each in found.values() for rows in each.lists]
        total = sum(rows.total for rows in lists)
        if found and not total:
            missing = await self._missing(backend, context, found)
            if missing is not None:
                return replace(missing, silent=tuple(answer.failures))
        order = self._order()
        # One server that skips by itself is the only one.
        skipped = sum(each.skipped for each in found.values())
        page = vbr_lists.page_of(
            (rows.rows for rows in lists), start=first - skipped, by=order.key, is_reversed=order.is_reversed
        )
        async with veeam.at_once() as group:
            shown = group.create_task(self._views(page, backend, context))
            good = None if self.stale is None else group.create_task(last_good_runs(backend.fleet, page))
        views = shown.result()
        holders = {name: each.holders for name, each in found.items() if each.holders is not None}
        return outcomes.Done(
            JobsAnswer(
                request=self,
                rows=views,
                total=total - (len(page) - len(views)),
                page_size=vbr_lists.PAGE_ROWS,
                unreadable=sum(rows.unreadable for rows in lists),
                silent=outcomes.silent_servers(answer.failures),
                as_of=backend.clock.now(),
                total_is_exact=all(rows.is_exact for rows in lists),
                jobless=await self._jobless(backend, context, found),
                without_predecessors=tuple(
                    name for name, each in found.items() if not each.knows_predecessors
                ),
                not_looked_at=sum(each.not_looked_at for each in found.values()),
                holders=holders,
                nearest=self._nearest_machines(holders),
                has_answers=bool(found),
                last_good={} if good is None else good.result(),
            )
        )

    def _order(self) -> _Order:
        states = self.states
        if (column := self.sort) is not None:
            name = COLUMNS[column]
            return _Order(
                name,
                lambda job: veeam.order_key(job.state, name),
                is_descending=self.is_descending,
                is_reversed=self.is_descending,
            )
        if not states & _LATEST_FIRST:
            return _Order("Name", lambda job: matching.fold(job.state.name))
        if len(states) == 1:
            return _Order("LastRun", lambda job: _since(job.state), is_descending=True)
        return _Order(
            "LastRun", lambda job: (job_filters.severity(job.state), _since(job.state)), is_descending=True
        )

    async def _missing(
        self, backend: Backend, context: RequestContext, found: Mapping[ServerName, _JobsOnServer]
    ) -> outcomes.NotFound | None:
        """What was named and is not there; None for a list that is rightly empty."""
        if self.job_type is not None and not any(each.knows_type for each in found.values()):
            types = [
                in_words(kind) for server in found for kind in backend.fleet.server(server).revision.job_types
            ]
            alike = matching.nearest(self.job_type, types)
            return outcomes.NotFound("type", self.job_type, alike or tuple(dict.fromkeys(types)))
        repositories = [each.repositories for each in found.values()]
        if self.repository is not None and not any(each.ids for each in repositories):
            if not all(each.is_whole for each in repositories):
                return None
            known = [name for each in found.values() for name in each.repositories.known]
            return outcomes.NotFound("repository", self.repository, matching.nearest(self.repository, known))
        if self.after is not None and not any(each.after for each in found.values()):
            if not any(each.knows_predecessors for each in found.values()):
                return None
            alike = await backend.finder.nearest(self.after, tuple(found), context.visibility)
            return outcomes.NotFound("job", self.after, alike)
        if self.pattern is None or self.is_narrowed:
            return None
        alike = await backend.finder.nearest(self.pattern, tuple(found), context.visibility)
        words = self.pattern.split()
        meant = matching.nearest(words[0], JobsFilter, limit=1) if words else ()
        return outcomes.NotFound("job", self.pattern, alike, suggestion=f"jobs {meant[0]}" if meant else None)

    async def _jobless(
        self, backend: Backend, context: RequestContext, found: Mapping[ServerName, _JobsOnServer]
    ) -> tuple[ServerName, ...]:
        """The servers on which there are no jobs at all: then it says little that none failed."""
        empty = [name for name, each in found.items() if not any(rows.total for rows in each.lists)]
        if self.pattern is None and not self.is_narrowed:
            return tuple(empty)
        if len(empty) < len(found):
            return ()
        answer = await backend.fleet.ask(lambda server: _has_jobs(server, context.visibility), empty)
        return tuple(name for name, has_jobs in answer.answers.items() if not has_jobs)

    def _nearest_machines(self, holders: Mapping[ServerName, Holders]) -> tuple[str, ...]:
        if self.holding is None or any(each.jobs for each in holders.values()):
            return ()
        return matching.nearest(self.holding, {name for each in holders.values() for name in each.names})

    async def _views(
        self, jobs: Sequence[FoundJob], backend: Backend, context: RequestContext
    ) -> tuple[outcomes.JobView, ...]:
        """The jobs as shown: problems, where they are asked for, with why; stopped ones only if asked for."""
        states = self.states
        if not states & {JobsFilter.FAILED, JobsFilter.WARNING}:
            return tuple(backend.views.of(context, job.server, job.state) for job in jobs)
        failures = await backend.failures.of_each((job.server, job.state) for job in jobs)
        views = [
            backend.views.of(context, job.server, job.state, failure)
            for job, failure in zip(jobs, failures, strict=True)
        ]
        return tuple(view for view in views if any(FITS[state](view.state) for state in states))

    async def _jobs_on(
        self,
        server: veeam.VeeamServer,
        backend: Backend,
        visibility: Visibility,
        *,
        first: int,
        is_alone: bool,
    ) -> _JobsOnServer:
        """Ask one server for the rows of a page, and for those before it unless it can skip them.

        Raises `VeeamError`.
        """
        revision = server.revision
        types = job_types_named(self.job_type, revision) if self.job_type is not None else ()
        if self.job_type is not None and not types:
            return _JobsOnServer(knows_type=False)
        if self.after is not None and not revision.states_name_predecessors:
            return _JobsOnServer(knows_predecessors=False)
        async with veeam.at_once() as group:
            reads = group.create_task(self._repositories(server, visibility))
            named = group.create_task(self._after(server, backend, visibility))
            held = group.create_task(self._holders(server, visibility))
        repositories, after, holders = reads.result(), named.result(), held.result()
        sides = _JobsOnServer(repositories=repositories, after=after, holders=holders)
        if after == {} or (holders is not None and not holders.jobs):
            return sides
        now = backend.clock.now()
        order = self._order()
        if order.column in revision.absent_columns:
            order = replace(order, is_own=True)
        base = self._base(types, repositories, after, order, now=now)
        tests = self._tests(server.name, visibility, types, repositories, after=after, holders=holders)
        is_of_stops = self.states & {JobsFilter.FAILED, JobsFilter.STOPPED}
        known = await (backend.states.known_of(server) if is_of_stops else backend.states.known(server.name))
        not_looked_at = 0

        async def still_stale(states: Sequence[veeam.JobState]) -> Sequence[veeam.JobState]:
            nonlocal not_looked_at
            found = await stale_among(server, states, since=now - (self.stale or timedelta()))
            not_looked_at += found.not_looked_at
            return found.states

        async def stopped(states: Sequence[veeam.JobState]) -> Sequence[veeam.JobState]:
            return await backend.states.stopped_among(server, states, known)

        questions = [
            replace(question, refine=(*question.refine, *((still_stale,) if self.stale is not None else ())))
            for query in _by_id(base, holders)
            for question in self._questions(query, tests, known, revision, stopped=stopped)
        ]
        unlisted = await self._unlisted(server, backend, known, base=base, tests=tests)
        skip = first if is_alone and len(questions) == 1 and not unlisted else 0
        count = first + vbr_lists.PAGE_ROWS - skip
        corrected = partial(backend.states.corrected, server, known=known)
        lists = [
            await _rows(server, question, corrected, order, skip=skip, count=count) for question in questions
        ]
        if unlisted:
            lists.append(vbr_lists.Rows(tuple(_sorted(server.name, unlisted, order)), len(unlisted)))
        return replace(sides, lists=tuple(lists), skipped=skip, not_looked_at=not_looked_at)

    async def _unlisted(
        self,
        server: veeam.VeeamServer,
        backend: Backend,
        known: KnownSessions,
        *,
        base: veeam.JobStatesQuery,
        tests: Sequence[_Test],
    ) -> Sequence[veeam.JobState]:
        """The jobs that VBR, asked by results or by status, does not list: its states of them say otherwise.

        Those that failed by a part alone, those that run while they are disabled or by a part.
        """
        states = self.states
        if states == {JobsFilter.RUNNING}:
            found = await backend.states.running_unseen(server, known)
        elif JobsFilter.FAILED in states and states <= _RESULTS.keys() and known.failed_parts:
            found = await backend.states.failed_by_part(server, known)
        else:
            return ()
        return tuple(
            state for state in found if veeam.fits(base, state) and all(test(state) for test in tests)
        )

    async def _after(
        self, server: veeam.VeeamServer, backend: Backend, visibility: Visibility
    ) -> Mapping[veeam.JobId, str] | None:
        """The jobs that `after:` means, by ID."""
        if self.after is None:
            return None
        names = await backend.finder.names(server)
        visible = [(job_id, name) for job_id, name in names.items() if visibility.sees(server.name, name)]
        return dict(matching.pick(self.after, visible, lambda job: job[1]))

    async def _holders(self, server: veeam.VeeamServer, visibility: Visibility) -> Holders | None:
        return None if self.holding is None else await holders_of(server, self.holding, visibility)

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

    def _base(
        self,
        types: Sequence[str],
        repositories: _Repositories,
        after: Mapping[veeam.JobId, str] | None,
        order: _Order,
        *,
        now: datetime,
    ) -> veeam.JobStatesQuery:
        """What VBR is asked for, whatever the states."""
        ran_before = None if self.ran_before is None else now - self.ran_before
        ran_after = None if self.ran_within is None else now - self.ran_within
        return veeam.JobStatesQuery(
            name=vbr_lists.name_filter(self.pattern) if self.pattern is not None else None,
            type=types[0] if len(types) == 1 else None,
            repository_id=repositories.only_id,
            workload=self.workload,
            high_priority=None if self.priority is None else self.priority is JobPriority.HIGH,
            after_job_id=next(iter(after)) if after is not None and len(after) == 1 else None,
            objects_count=self.objects_count,
            last_run_after=ran_after if ran_before is None else _LAST_RUN_EVER,
            last_run_before=ran_before,
            order_by=order.column,
            ascending=not order.is_descending,
        )

    def _questions(
        self,
        base: veeam.JobStatesQuery,
        tests: tuple[_Test, ...],
        known: KnownSessions,
        revision: veeam.Revision,
        *,
        stopped: _Refine,
    ) -> tuple[_Question, ...]:
        """One question for each result or status that is asked for; all states where these are mixed.

        VBR takes one value of each, and cannot be asked for what is not.
        """
        states = self.states
        if not states:
            return (_Question(base, tests),)
        if states <= _RESULTS.keys():
            return tuple(
                _of_result(
                    replace(base, last_result=result),
                    tests,
                    frozenset(state for state in states if _RESULTS[state] is result),
                    known,
                    stopped=stopped,
                )
                for result in dict.fromkeys(_RESULTS[state] for state in _RESULTS if state in states)
            )
        if states == {JobsFilter.DISABLED}:
            return (_Question(replace(base, status=veeam.JobStatus.DISABLED), tests),)
        if states == {JobsFilter.RUNNING}:
            return tuple(
                _Question(replace(base, status=status), tests)
                for status in _ACTIVE
                if status in revision.job_statuses
            )
        return (_Question(base, (*tests, _any_of(states)), is_mixed=True),)

    def _tests(
        self,
        server: ServerName,
        visibility: Visibility,
        types: Sequence[str],
        repositories: _Repositories,
        *,
        after: Mapping[veeam.JobId, str] | None,
        holders: Holders | None,
    ) -> tuple[_Test, ...]:
        """What VBR cannot be asked for, or cannot be asked for exactly."""
        tests = list[_Test]()
        if not visibility.sees_all(server):
            tests.append(lambda state: visibility.sees(server, state.name))
        if (pattern := self.pattern) is not None:
            tests.append(lambda state: matching.fits(pattern, state.name))
        if len(types) > 1:
            tests.append(lambda state: state.type in types)
        if (word := self.repository) is not None and repositories.only_id is None:
            tests.append(
                lambda state: (
                    state.repository_id in repositories.ids
                    or matching.fits(word, state.repository_name or "")
                )
            )
        if after is not None and len(after) > 1:
            tests.append(
                lambda state: state.run_after_job is not None and state.run_after_job.job_id in after
            )
        if holders is not None:
            tests.append(lambda state: state.id.casefold() in holders.jobs)
        return tuple(tests)


@dataclass(frozen=True, slots=True)
class JobsAnswer(outcomes.Answer):
    """One page of jobs. `total` counts all matches on servers that answered; a lower bound unless exact.

    `jobless` are servers that have no jobs to show at all; `without_predecessors` those whose API does not
    say after which job another runs. `not_looked_at` counts jobs of which it is not known when they ran well
    last. `holders` say, of each server, who holds the machine that was asked for; `nearest` are names like
    it, where no job does.
    """

    request: ListJobs
    rows: tuple[outcomes.JobView, ...]
    total: int
    page_size: int
    unreadable: int
    silent: tuple[outcomes.SilentServer, ...]
    as_of: datetime
    total_is_exact: bool = True
    jobless: tuple[ServerName, ...] = ()
    without_predecessors: tuple[ServerName, ...] = ()
    not_looked_at: int = 0
    holders: Mapping[ServerName, Holders] = field(default_factory=dict)
    nearest: tuple[str, ...] = ()
    has_answers: bool = True
    """Some server answered."""
    last_good: Mapping[KnownJob, datetime | None] = field(default_factory=dict)
    """When each job's latest good run ended, where that was asked for and is known; None: there is none."""

    def held_by(self, view: outcomes.JobView) -> Held | None:
        """How a job of the list holds the machine; None where none was asked for."""
        holders = self.holders.get(view.server)
        return None if holders is None else holders.jobs.get(view.state.id.casefold())


def _any_of(states: Collection[JobsFilter]) -> _Test:
    return lambda state: any(FITS[one](state) for one in states)


def _of_result(
    query: veeam.JobStatesQuery,
    tests: tuple[_Test, ...],
    states: frozenset[JobsFilter],
    known: KnownSessions,
    *,
    stopped: _Refine,
) -> _Question:
    """The jobs with one result. VBR's word is enough where nothing that the bot noted speaks against it."""
    if states == {JobsFilter.STOPPED}:
        return _Question(query, tests, (stopped,))
    is_plain = len(states) == 1 and JobsFilter.NONE not in states
    is_corrected = bool(known.stopped if states == {JobsFilter.FAILED} else known.failed_parts)
    if is_plain and not is_corrected:
        return _Question(query, tests)
    return _Question(query, (*tests, _any_of(states)), is_mixed=len(states) > 1)


def _by_id(base: veeam.JobStatesQuery, holders: Holders | None) -> Sequence[veeam.JobStatesQuery]:
    """The query for each of the few jobs that are known by their IDs."""
    if holders is None or len(holders.jobs) > _ASKED_BY_ID:
        return (base,)
    return [replace(base, id=job_id) for job_id in holders.jobs]


def _since(state: veeam.JobState) -> float:
    """What puts the latest run first."""
    return -state.last_run.timestamp() if state.last_run is not None else 0.0


async def _has_jobs(server: veeam.VeeamServer, visibility: Visibility) -> bool:
    async def ask(skip: int, limit: int) -> veeam.Page[veeam.JobState]:
        return await server.job_states(veeam.JobStatesQuery(skip=skip, limit=limit))

    if visibility.sees_all(server.name):
        return bool((await ask(0, 1)).received)
    return bool((await vbr_lists.scanned(ask, partial(_is_visible, visibility, server.name), enough=1)).rows)


def _is_visible(visibility: Visibility, server: ServerName, state: veeam.JobState) -> bool:
    return visibility.sees(server, state.name)


def _sorted(server: ServerName, states: Sequence[veeam.JobState], order: _Order) -> list[FoundJob]:
    return sorted((FoundJob(server, state) for state in states), key=order.key, reverse=order.is_reversed)


async def _rows(
    server: veeam.VeeamServer,
    question: _Question,
    corrected: _Correct,
    order: _Order,
    *,
    skip: int,
    count: int,
) -> vbr_lists.Rows[FoundJob]:
    async def ask(skip: int, limit: int) -> veeam.Page[veeam.JobState]:
        page = await server.job_states(question.query.page(skip=skip, limit=limit))
        return replace(page, rows=await corrected(page.rows))

    if not (question.is_narrowed or order.is_own):
        rows = await vbr_lists.window(ask, skip=skip, count=count)
        return _rows_of(rows, [FoundJob(server.name, state) for state in rows.rows], rows.total)
    rows = await vbr_lists.scanned(ask, lambda state: all(test(state) for test in question.tests))
    states: Sequence[veeam.JobState] = rows.rows
    for refine in question.refine:
        states = await refine(states)
    found = [FoundJob(server.name, state) for state in states]
    if question.is_mixed or order.is_own:
        found = _sorted(server.name, states, order)
    return _rows_of(rows, found[skip : skip + count], len(found))


def _rows_of(
    rows: vbr_lists.Rows[veeam.JobState], found: Sequence[FoundJob], total: int
) -> vbr_lists.Rows[FoundJob]:
    return vbr_lists.Rows(tuple(found), total, rows.is_exact, rows.unreadable)
