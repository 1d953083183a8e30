"""`servers`: the servers, and whether they respond; a silent one is named, the others are shown."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from bot import veeam
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.model import ALL_ROLES, Kind, Operation, RequestContext
from bot.operations.outcomes import Answer, Done, NotFound
from bot.operations.queries import Query
from bot.settings import ServerName

_NEWEST_WITHIN_SECONDS = 4.0

log = structlog.get_logger()


class ListServers(Query, frozen=True, tag="servers"):
    """Which servers there are, and whether they answer."""

    operation = Operation(
        name="servers",
        usage="servers",
        help="the servers, and whether they respond",
        kind=Kind.QUERY,
        audit_name="servers.list",
        roles=ALL_ROLES,
        examples=("servers",),
    )

    server: str | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> "ListServers":
        """Read the option."""
        line.no_words()
        return cls(server=line.server)

    async def answer(self, backend: Backend, context: RequestContext) -> Done | NotFound:
        """Return each server that the person may know of, and whether it answers."""
        servers = backend.finder.servers(self.server, context.visibility)
        if isinstance(servers, NotFound):
            return servers
        answer = await backend.fleet.ask(lambda server: _ask(server, backend), servers)
        views = (
            answer.answers.get(name) or _view(name, backend, error=answer.failures.get(name))
            for name in servers
        )
        polled = (replace(view, last_poll_at=backend.health.last_poll_at(view.server)) for view in views)
        return Done(ServersAnswer(tuple(polled), backend.clock.now()))


@dataclass(frozen=True, slots=True)
class ServerView:
    """One server: whether it answers, its time, its build if this account may know it, its last good poll.

    `error` is why it does not answer, or answers and yet won't let us in. `revision` of the API, which came
    with `product`, is the one spoken, empty while it isn't known; `lacks` is what it can't be asked for, by
    the VBR that can. `newest` is the one that the server speaks too, where the settings name an older one.
    """

    server: ServerName
    time: veeam.ServerTime | None
    info: veeam.ServerInfo | None
    error: veeam.VeeamError | None
    answered_in_ms: int | None
    last_poll_at: datetime | None
    product: str = ""
    revision: str = ""
    is_pinned: bool = False
    newest: str | None = None
    port: int | None = None
    lacks: Mapping[str, tuple[veeam.Capability, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServersAnswer(Answer):
    """The servers this person may see."""

    servers: tuple[ServerView, ...]
    as_of: datetime


async def _ask(server: veeam.VeeamServer, backend: Backend) -> ServerView:
    """Ask for its clock and for its build: one answer shows that it is up."""
    asked_at = backend.clock.monotonic()
    time: veeam.ServerTime | None = None
    without_time: veeam.VeeamError | None = None
    try:
        time = await veeam.in_time(server.name, server.server_time())
    except veeam.VeeamError as failure:
        if not failure.reached_server and not isinstance(failure, veeam.TimedOut):
            raise
        without_time = failure
        asked_at = backend.clock.monotonic()
    answered_in_ms = round((backend.clock.monotonic() - asked_at) * 1000)
    info: veeam.ServerInfo | None = None
    error: veeam.VeeamError | None = None
    try:
        info = await veeam.in_time(server.name, server.server_info())
    except veeam.NotAllowed:
        pass  # No account but an administrator's is allowed to know.
    except veeam.VeeamError as failure:
        error = failure
    if without_time is not None and error is None:
        answered_in_ms = round((backend.clock.monotonic() - asked_at) * 1000)
        veeam.note_missing(veeam.Detail.SERVER_TIME, without_time)
    elif error is not None and without_time is None and _is_of_build_alone(error):
        veeam.note_missing(veeam.Detail.SERVER_INFO, error)
        error = None
    if info is not None:
        await _note_build(server)
    view = _view(server.name, backend, error=error)
    newest = await _newer_revision(server) if error is None else None
    return replace(view, time=time, info=info, answered_in_ms=answered_in_ms, newest=newest)


async def _note_build(server: veeam.VeeamServer) -> None:
    """Have the revision detected again where the build that the server just named speaks another one."""
    try:
        await server.detect_revision()
    except veeam.VeeamError as error:
        log.debug("operations.revision_unproven", server=server.name, error=str(error))


async def _newer_revision(server: veeam.VeeamServer) -> str | None:
    """The newest revision that the server speaks, where the settings name an older one. May stay unknown."""
    if not server.has_pinned_revision:
        return None
    try:
        async with asyncio.timeout(_NEWEST_WITHIN_SECONDS):
            newest = await server.newest_revision()
    except (veeam.VeeamError, TimeoutError) as error:
        log.debug("operations.revision_unproven", server=server.name, error=str(error))
        return None
    return None if newest is server.revision else newest.name


def _is_of_build_alone(error: veeam.VeeamError) -> bool:
    """Whether a server that answered with its time may yet answer everything else."""
    return isinstance(error, veeam.ServerFailed | veeam.UnexpectedAnswer | veeam.TimedOut)


def _view(name: ServerName, backend: Backend, *, error: veeam.VeeamError | None) -> ServerView:
    server = backend.fleet.server(name)
    revision = server.revision
    return ServerView(
        server=name,
        time=None,
        info=None,
        error=error,
        answered_in_ms=None,
        last_poll_at=None,
        product=revision.product,
        revision=revision.name if server.has_known_revision else "",
        is_pinned=server.has_pinned_revision,
        port=server.port,
        lacks=veeam.lacking_by_product(revision) if server.has_known_revision else {},
    )
