"""`status`: how things are, server by server; a silent one is named, the others are shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter

from bot import veeam
from bot.operations import outcomes
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.failures import Failure
from bot.operations.job_states import JobStates, KnownSessions
from bot.operations.model import ALL_ROLES, Kind, Operation, RequestContext, Visibility
from bot.operations.mutes import MuteView, mutes_seen_by
from bot.operations.outcomes import JobView
from bot.operations.owners import with_owners
from bot.operations.queries import Query
from bot.operations.stored import stored
from bot.operations.vbr_lists import every, scanned
from bot.settings import ServerName

SHOWN_OF_EACH = 10
FAILURES_SHOWN = 3
"""Of each server, with why they failed."""
_FAILURES_EXPLAINED = 30
"""Of all servers, the newest: each costs a request or two. The others are shown without why."""
_REPOSITORIES_AT_MOST = 500
_ACTIVE = (veeam.JobStatus.RUNNING, veeam.JobStatus.STARTING, veeam.JobStatus.STOPPING)
_JobKey = tuple[ServerName, veeam.JobId]
_LATEST_FIRST = veeam.JobStatesQuery(order_by="LastRun", ascending=False)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Some of the jobs of one kind, the latest first, and how many there are."""

    states: tuple[veeam.JobState, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class _Counts:
    """One server's jobs by kind, and its repositories."""

    running: _Counted
    failed: _Counted
    warning: _Counted
    disabled: _Counted
    every: _Counted
    repositories: tuple[veeam.RepositoryState, ...]


class ShowStatus(Query, frozen=True, tag="status"):
    """How are things: failed, running, silent servers, repositories running full."""

    operation = Operation(
        name="status",
        usage="status",
        help="failed and running jobs, servers that don't respond, repositories filling up",
        kind=Kind.QUERY,
        audit_name="status",
        roles=ALL_ROLES,
        examples=("status", "status server:hq"),
    )

    server: str | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> "ShowStatus":
        """Read the option."""
        line.no_words()
        return cls(server=line.server)

    async def answer(self, backend: Backend, context: RequestContext) -> outcomes.Done | outcomes.NotFound:
        """Return what runs, what failed and how full the repositories are."""
        servers = backend.finder.servers(self.server, context.visibility)
        if isinstance(servers, outcomes.NotFound):
            return servers
        status = await status_of(servers, backend, context)
        shown = newest_first(view for server in status.servers for view in server.failed[:FAILURES_SHOWN])
        return outcomes.Done(await with_failures(status, shown[:_FAILURES_EXPLAINED], backend))


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """How things are on one server, of what this person may see; lists are cut, totals are not."""

    server: ServerName
    running: tuple[JobView, ...]
    failed: tuple[JobView, ...]
    running_total: int
    failed_total: int
    warning_total: int
    disabled_total: int
    jobs_total: int
    repositories: tuple[veeam.RepositoryState, ...]
    last_poll_at: datetime | None


@dataclass(frozen=True, slots=True)
class StatusAnswer(outcomes.Answer):
    """How things are, server by server. `outbox_waiting` is None where the database does not answer.

    `database_problem` is what is wrong with it, also where it still answers but cannot be written.
    """

    servers: tuple[ServerStatus, ...]
    silent: tuple[outcomes.SilentServer, ...]
    outbox_waiting: int | None
    as_of: datetime
    database_problem: str | None = None
    muted: tuple[MuteView, ...] = ()


async def status_of(servers: Sequence[ServerName], backend: Backend, context: RequestContext) -> StatusAnswer:
    """Return how things are on these servers, as far as the person may know of them."""
    answer = await backend.fleet.ask(
        lambda server: _counts(server, backend.states, context.visibility), servers
    )
    statuses = [_server_status(name, counts, backend, context) for name, counts in answer.answers.items()]
    failed = await with_owners(backend, [view for status in statuses for view in status.failed])
    outbox_waiting = await stored(backend.health.outbox_waiting(), None)
    muted = await stored(mutes_seen_by(context, backend), ())
    return StatusAnswer(
        servers=tuple(
            replace(status, failed=tuple(view for view in failed if view.server == status.server))
            for status in statuses
        ),
        silent=outcomes.silent_servers(answer.failures),
        outbox_waiting=outbox_waiting,
        as_of=backend.clock.now(),
        database_problem=backend.health.database_problem(),
        muted=tuple(view for view in muted if view.mute.server in servers),
    )


async def with_failures(status: StatusAnswer, asked: Sequence[JobView], backend: Backend) -> StatusAnswer:
    """Return the same with why those of its failed jobs failed that are asked about.

    One that turns out to have been stopped by a person has not failed; the next one takes its place.
    """
    found = await backend.failures.of_each((view.server, view.state) for view in asked)
    failures = {_key(view): failure for view, failure in zip(asked, found, strict=True)}
    return replace(status, servers=tuple(_explained(server, failures) for server in status.servers))


def newest_first(views: Iterable[JobView]) -> list[JobView]:
    """Return jobs by when they ran last, whatever their server."""
    dated = [(view.state.last_run, view) for view in views]
    ran = sorted(((at, view) for at, view in dated if at is not None), key=itemgetter(0), reverse=True)
    return [view for _, view in ran] + [view for at, view in dated if at is None]


def _key(view: JobView) -> _JobKey:
    return view.server, view.state.id


def _explained(server: ServerStatus, failures: Mapping[_JobKey, Failure]) -> ServerStatus:
    """The same with what was found of its failed jobs; one of which nothing was is left as it is."""
    unasked = Failure()
    failed = tuple(
        replace(view, streak=failure.streak, reason=failure.reason, object_name=failure.object_name)
        for view in server.failed
        if not (failure := failures.get(_key(view), unasked)).is_stopped
    )
    stopped = len(server.failed) - len(failed)
    return replace(server, failed=failed, failed_total=server.failed_total - stopped)


def _server_status(
    name: ServerName, counts: _Counts, backend: Backend, context: RequestContext
) -> ServerStatus:
    def views(counted: _Counted) -> tuple[JobView, ...]:
        return tuple(backend.views.of(context, name, state) for state in counted.states)

    return ServerStatus(
        server=name,
        running=views(counts.running),
        failed=views(counts.failed),
        running_total=counts.running.total,
        failed_total=counts.failed.total,
        warning_total=counts.warning.total,
        disabled_total=counts.disabled.total,
        jobs_total=counts.every.total,
        repositories=counts.repositories,
        last_poll_at=backend.health.last_poll_at(name),
    )


async def _counts(server: veeam.VeeamServer, states: JobStates, visibility: Visibility) -> _Counts:
    known = await states.known_of(server)
    if not visibility.sees_all(server.name):
        return await _counts_of_visible(server, states, known, visibility)
    async with veeam.at_once() as group:
        # Details go first: job states that never answer would keep a person's turns from them.
        repositories = group.create_task(_repositories(server))
        unseen = group.create_task(_running_unseen(server, states, known))
        active = [
            group.create_task(_counted(server, replace(_LATEST_FIRST, status=status)))
            for status in _ACTIVE
            if status in server.revision.job_statuses
        ]
        failed = group.create_task(_failed(server, states, known))
        warning = group.create_task(
            _counted(server, replace(_LATEST_FIRST, last_result=veeam.Result.WARNING))
        )
        disabled = group.create_task(
            _counted(server, replace(_LATEST_FIRST, status=veeam.JobStatus.DISABLED))
        )
        every = group.create_task(_counted(server, _LATEST_FIRST))
    counted = [*(task.result() for task in active), unseen.result()]
    running = tuple(state for each in counted for state in each.states)
    return _Counts(
        running=_Counted(running[:SHOWN_OF_EACH], sum(each.total for each in counted)),
        failed=failed.result(),
        warning=warning.result(),
        disabled=replace(
            disabled.result(), states=await states.corrected(server, disabled.result().states, known)
        ),
        every=every.result(),
        repositories=repositories.result(),
    )


async def _running_unseen(server: veeam.VeeamServer, states: JobStates, known: KnownSessions) -> _Counted:
    """The jobs that run although their status says otherwise."""
    return _first(await states.running_unseen(server, known))


async def _failed(server: veeam.VeeamServer, states: JobStates, known: KnownSessions) -> _Counted:
    """The jobs that failed, by a part of theirs too; not those that a person stopped."""
    query = replace(_LATEST_FIRST, last_result=veeam.Result.FAILED)
    counted = await _counted(server, query)
    if known.stopped and counted.total:
        failed = await states.corrected(server, await every(server.every_job_state(query)), known)
        counted = _first([state for state in failed if not state.was_stopped])
    by_part = await states.failed_by_part(server, known)
    return _Counted((*counted.states, *by_part)[:SHOWN_OF_EACH], counted.total + len(by_part))


async def _counts_of_visible(
    server: veeam.VeeamServer, job_states: JobStates, known: KnownSessions, visibility: Visibility
) -> _Counts:
    """Count only what the person may know of: their jobs, and the repositories these write to."""

    async def ask(skip: int, limit: int) -> veeam.Page[veeam.JobState]:
        return await server.job_states(_LATEST_FIRST.page(skip=skip, limit=limit))

    async with veeam.at_once() as group:
        visible = group.create_task(scanned(ask, lambda state: visibility.sees(server.name, state.name)))
        repositories = group.create_task(_repositories(server))
    states = await job_states.corrected(server, visible.result().rows, known)
    used = {state.repository_id for state in states}
    return _Counts(
        running=_first([state for state in states if state.is_active]),
        failed=_first([state for state in states if state.result is veeam.Result.FAILED]),
        warning=_first([state for state in states if state.result is veeam.Result.WARNING]),
        disabled=_first([state for state in states if state.is_disabled]),
        every=_first(states),
        repositories=tuple(one for one in repositories.result() if one.id in used),
    )


async def _counted(server: veeam.VeeamServer, query: veeam.JobStatesQuery) -> _Counted:
    page = await server.job_states(query.page(skip=0, limit=SHOWN_OF_EACH))
    if page.total is not None or not page.received:
        return _Counted(page.rows[:SHOWN_OF_EACH], page.total or 0)
    # A server that does not count its rows has them counted.
    return _first(await every(server.every_job_state(query)))


def _first(states: Sequence[veeam.JobState]) -> _Counted:
    return _Counted(tuple(states[:SHOWN_OF_EACH]), len(states))


async def _repositories(server: veeam.VeeamServer) -> tuple[veeam.RepositoryState, ...]:
    query = veeam.RepositoryStatesQuery(order_by="Name", ascending=True, limit=_REPOSITORIES_AT_MOST)
    listed = server.repository_states(query)
    page = await veeam.detail(veeam.Detail.REPOSITORIES, server.name, listed, None)
    return page.rows if page is not None else ()
