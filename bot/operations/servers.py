"""`status` and `servers`: how things are, server by server; a silent one is named, the others are shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.observability import Clock
from bot.operations.answers import (
    JobView,
    ServersAnswer,
    ServerStatus,
    ServerView,
    Silence,
    StatusAnswer,
)
from bot.operations.asking import Asking
from bot.operations.listing import Rows, scanned
from bot.operations.lookup import Lookup
from bot.operations.offers import lacked_by
from bot.operations.outcomes import Done, NotFound
from bot.operations.parallel import at_once
from bot.operations.ports import WatchHealth
from bot.operations.requests import ServersRequest, StatusRequest
from bot.operations.roles import Sight
from bot.operations.seen import JobViews
from bot.settings import ServerName
from bot.store import StoreError
from bot.veeam import (
    Fleet,
    JobState,
    JobStatesQuery,
    JobStatus,
    NotAllowed,
    Page,
    RepositoryState,
    RepositoryStatesQuery,
    Result,
    ServerInfo,
    ServerTime,
    VeeamError,
    VeeamServer,
)

SHOWN_OF_EACH = 5
_REPOSITORIES_AT_MOST = 500
_ACTIVE = (JobStatus.RUNNING, JobStatus.STARTING, JobStatus.STOPPING)
_LATEST_FIRST = JobStatesQuery(order_by="LastRun", ascending=False)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Some of the jobs of one kind, the latest first, and how many there are."""

    states: tuple[JobState, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class _Standing:
    running: _Counted
    failed: _Counted
    warning: _Counted
    disabled: _Counted
    every: _Counted
    repositories: tuple[RepositoryState, ...]


@dataclass(frozen=True, slots=True)
class _Alive:
    """What a server said of itself; `refusal` when it answers and yet won't let us in."""

    time: ServerTime
    info: ServerInfo | None
    refusal: VeeamError | None
    answered_in_ms: int


class Servers:
    """Answers `status` and `servers`."""

    def __init__(
        self, fleet: Fleet, lookup: Lookup, views: JobViews, health: WatchHealth, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._views = views
        self._health = health
        self._clock = clock

    async def status(self, request: StatusRequest, asking: Asking) -> Done | NotFound:
        """Return what runs, what failed and how full the repositories are."""
        servers = self._lookup.servers(request.server, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        return Done(await self._overview(servers, asking))

    async def overview(self, asking: Asking) -> StatusAnswer:
        """Return how things are on every server that the person may know of."""
        seen = tuple(name for name in self._fleet.names if asking.sight.sees_server(name))
        return await self._overview(seen, asking)

    async def servers(self, request: ServersRequest, asking: Asking) -> Done | NotFound:
        """Return each server that the person may know of, and whether it answers."""
        servers = self._lookup.servers(request.server, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        answer = await self._fleet.ask(self._alive, servers)
        views = tuple(
            self._server_view(name, answer.answers.get(name), answer.silences.get(name)) for name in servers
        )
        return Done(ServersAnswer(views, self._clock.now()))

    async def _overview(self, servers: Sequence[ServerName], asking: Asking) -> StatusAnswer:
        answer = await self._fleet.ask(lambda server: _standing(server, asking.sight), servers)
        return StatusAnswer(
            servers=tuple(self._status(name, standing, asking) for name, standing in answer.answers.items()),
            silences=tuple(Silence(name, error) for name, error in answer.silences.items()),
            outbox_waiting=await self._outbox_waiting(),
            as_of=self._clock.now(),
        )

    async def _outbox_waiting(self) -> int | None:
        try:
            return await self._health.outbox_waiting()
        except StoreError:
            return None

    async def _alive(self, server: VeeamServer) -> _Alive:
        asked_at = self._clock.monotonic()
        time = await server.server_time()
        answered_in_ms = round((self._clock.monotonic() - asked_at) * 1000)
        try:
            return _Alive(time, await server.server_info(), None, answered_in_ms)
        except NotAllowed:  # normal for every account but an administrator's
            return _Alive(time, None, None, answered_in_ms)
        except VeeamError as error:
            return _Alive(time, None, error, answered_in_ms)

    def _server_view(self, name: ServerName, alive: _Alive | None, silence: VeeamError | None) -> ServerView:
        revision = self._fleet.server(name).revision
        return ServerView(
            server=name,
            time=alive.time if alive is not None else None,
            info=alive.info if alive is not None else None,
            error=alive.refusal if alive is not None else silence,
            answered_in_ms=alive.answered_in_ms if alive is not None else None,
            last_poll_at=self._health.last_poll_at(name),
            product=revision.product,
            lacks=lacked_by(revision),
        )

    def _status(self, name: ServerName, standing: _Standing, asking: Asking) -> ServerStatus:
        def views(counted: _Counted) -> tuple[JobView, ...]:
            return tuple(self._views.of(asking, name, state) for state in counted.states)

        return ServerStatus(
            server=name,
            running=views(standing.running),
            failed=views(standing.failed),
            running_total=standing.running.total,
            failed_total=standing.failed.total,
            warning_total=standing.warning.total,
            disabled_total=standing.disabled.total,
            jobs_total=standing.every.total,
            repositories=standing.repositories,
            last_poll_at=self._health.last_poll_at(name),
        )


async def _standing(server: VeeamServer, sight: Sight) -> _Standing:
    if not sight.sees_all(server.name):
        return await _standing_of_some(server, sight)
    async with at_once() as group:
        active = [
            group.create_task(_counted(server, replace(_LATEST_FIRST, status=status)))
            for status in _ACTIVE
            if status in server.revision.job_statuses
        ]
        failed = group.create_task(_counted(server, replace(_LATEST_FIRST, last_result=Result.FAILED)))
        warning = group.create_task(_counted(server, replace(_LATEST_FIRST, last_result=Result.WARNING)))
        disabled = group.create_task(_counted(server, replace(_LATEST_FIRST, status=JobStatus.DISABLED)))
        every = group.create_task(_counted(server, _LATEST_FIRST))
        repositories = group.create_task(_repositories(server))
    running = tuple(state for task in active for state in task.result().states)
    return _Standing(
        running=_Counted(running[:SHOWN_OF_EACH], sum(task.result().total for task in active)),
        failed=failed.result(),
        warning=warning.result(),
        disabled=disabled.result(),
        every=every.result(),
        repositories=repositories.result(),
    )


async def _standing_of_some(server: VeeamServer, sight: Sight) -> _Standing:
    """Count only what the person may know of: their jobs, and the repositories these write to."""

    async def ask(skip: int, limit: int) -> Page[JobState]:
        return await server.job_states(_LATEST_FIRST.page(skip=skip, limit=limit))

    async with at_once() as group:
        seen = group.create_task(scanned(ask, lambda state: sight.sees(server.name, state.name)))
        repositories = group.create_task(_repositories(server))
    rows: Rows[JobState] = seen.result()
    used = {state.repository_id for state in rows.rows}
    return _Standing(
        running=_of([state for state in rows.rows if state.is_active]),
        failed=_of([state for state in rows.rows if state.result is Result.FAILED]),
        warning=_of([state for state in rows.rows if state.result is Result.WARNING]),
        disabled=_of([state for state in rows.rows if state.is_disabled]),
        every=_of(rows.rows),
        repositories=tuple(one for one in repositories.result() if one.id in used),
    )


def _of(states: Sequence[JobState]) -> _Counted:
    return _Counted(tuple(states[:SHOWN_OF_EACH]), len(states))


async def _counted(server: VeeamServer, query: JobStatesQuery) -> _Counted:
    page = await server.job_states(query.page(skip=0, limit=SHOWN_OF_EACH))
    if page.total is not None or not page.received:
        return _Counted(page.rows[:SHOWN_OF_EACH], page.total or 0)
    # A server that does not count its rows has them counted.
    return _of([state async for state in server.every_job_state(query)])


async def _repositories(server: VeeamServer) -> tuple[RepositoryState, ...]:
    query = RepositoryStatesQuery(order_by="Name", ascending=True, limit=_REPOSITORIES_AT_MOST)
    return (await server.repository_states(query)).rows
