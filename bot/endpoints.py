"""The HTTP side of the process: is it alive, is it ready, its metrics, and Slack's requests in HTTP mode.

Whoever reaches the port can open connections, so each is cheap and short: it carries one request, which has
`REQUEST_SECONDS` to arrive and `ANSWER_SECONDS` to be answered. Beyond `MAX_CONNECTIONS` the connection that
has waited longest for its request is closed for a new one.
"""

import asyncio
import errno
import logging
import os
import resource
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.observability import Clock, Health, Metrics, Seldom

SERVER_PART = "server:"
REQUEST_SECONDS = 5.0
"""How long a request may take to arrive. Slack itself gives up on an answer after three."""
ANSWER_SECONDS = 20.0
MAX_CONNECTIONS = 256
MAX_LINE_BYTES = 8 * 1024
MAX_HEADERS = 64
# A view of 250 kB and what was entered in it, as a form, in which a character may take nine bytes.
MAX_BODY_BYTES = 1024 * 1024
# Connections that are accepted before the first of them is counted.
_BACKLOG = 32
# Connections that the system keeps until they are accepted: without a place there, a client tries again after
# a second.
_SYSTEM_BACKLOG = 1024
_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(health: Health, metrics: Metrics, slack_requests: Handler | None = None) -> web.Application:
    """Return the routes; `/slack/events` is among them where Slack calls this process."""

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def ready(_request: web.Request) -> web.Response:
        status = HTTPStatus.OK if health.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(readiness(health), status=status)

    async def render_metrics(_request: web.Request) -> web.Response:
        body, content_type = metrics.render()
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", render_metrics)
    if slack_requests is not None:
        app.router.add_post("/slack/events", slack_requests)
    return app


def readiness(health: Health) -> dict[str, Any]:
    """Return the health by part; a server's `last_good_poll` is ISO 8601, UTC, null before the first."""
    parts: dict[str, Any] = health.report()["parts"]
    servers = {name: part for name, part in parts.items() if name.startswith(SERVER_PART)}
    return {
        "ready": health.is_ready,
        **{name: part for name, part in parts.items() if name not in servers},
        "servers": {
            name.removeprefix(SERVER_PART): {**part, "last_good_poll": part["last_ok_at"]}
            for name, part in servers.items()
        },
    }


class Server:
    """The listening socket. Port 0 takes a free one; `port` says which once it listens."""

    def __init__(self, app: web.Application, *, host: str, port: int, clock: Clock) -> None:
        self._connections = _Connections(clock)
        app.middlewares.append(self._connections.receive)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            logger=_request_log(clock),
            auto_decompress=False,  # Slack compresses nothing, and signs what it sends
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            lingering_time=1.0,
            shutdown_timeout=REQUEST_SECONDS,
        )
        self._address = host, port
        self._clock = clock
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises `OSError` when the port is taken, or the host is no address of this machine."""
        await self._runner.setup()
        loop, host_and_port = asyncio.get_running_loop(), self._address
        loop.set_exception_handler(_UnacceptedConnections(self._clock).handle)
        new_handler = cast("web.Server", self._runner.server)

        def new_connection() -> _Connection:
            return _Connection(new_handler(), self._connections)

        self._listening = await loop.create_server(new_connection, *host_and_port, backlog=_BACKLOG)
        for listening in self._listening.sockets:
            with socket.socket(fileno=os.dup(listening.fileno())) as same:
                same.listen(_SYSTEM_BACKLOG)

    @property
    def port(self) -> int:
        """The port it listens on."""
        sockets = self._listening.sockets if self._listening is not None else ()
        port: int = next((each.getsockname()[1] for each in sockets), self._address[1])
        return port

    async def close(self) -> None:
        """Stop listening, once the requests in progress are answered."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()


class _Connections:
    """Every open connection, and the limits on them."""

    def __init__(self, clock: Clock) -> None:
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        # Most descriptors are for the database, VBR and Slack, wherever the system allows few.
        self._most = max(8, min(MAX_CONNECTIONS, descriptors // 4))
        self._open: dict[web.RequestHandler, _Connection] = {}
        self._dropped = Seldom(clock)

    def opened(self, connection: "_Connection") -> None:
        """Let it in; where there are too many, for the one that has waited longest for its request."""
        if len(self._open) >= self._most:
            if times := self._dropped.times():
                log.warning("endpoints.connections_dropped", times=times, most=self._most)
            waiting = (each for each in self._open.values() if each.is_waiting)
            longest = next(waiting, connection)
            longest.drop()
            self.closed(longest)
            if longest is connection:
                return
        self._open[connection.handler] = connection

    def closed(self, connection: "_Connection") -> None:
        """Forget it."""
        self._open.pop(connection.handler, None)

    @web.middleware
    async def receive(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer one request and close its connection: none is kept open that does nothing."""
        try:
            response = await self._answer(request, handler)
        except web.HTTPException as error:
            error.force_close()
            raise
        response.force_close()
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand over a request once all of it is there: in time, and not too large."""
        if (connection := self._open.get(request.protocol)) is not None:
            connection.wait(REQUEST_SECONDS + 1.0)  # who is slower is answered so first
        try:
            if (request.content_length or 0) > MAX_BODY_BYTES:
                return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            async with asyncio.timeout(REQUEST_SECONDS):
                await request.read()
        except TimeoutError:
            return _refused(HTTPStatus.REQUEST_TIMEOUT)
        except web.HTTPRequestEntityTooLarge:
            return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except (web.RequestPayloadError, HttpProcessingError):  # a chunk that is none
            return _refused(HTTPStatus.BAD_REQUEST)
        if connection is not None:
            connection.is_waiting = False
            connection.wait(ANSWER_SECONDS)
        return await handler(request)


class _Connection(asyncio.Protocol):
    """One connection: what aiohttp makes of it, under a time limit."""

    def __init__(self, handler: web.RequestHandler, connections: _Connections) -> None:
        self.handler = handler
        self.is_waiting = True
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._limit: asyncio.TimerHandle | None = None

    def wait(self, seconds: float) -> None:
        """Close it unless it has ended by then."""
        if self._limit is not None:
            self._limit.cancel()
        self._limit = asyncio.get_running_loop().call_later(seconds, self.drop)

    def drop(self) -> None:
        """Close it now."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.handler.connection_made(transport)
        self.wait(REQUEST_SECONDS)
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._connections.closed(self)
        self.handler.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.handler.data_received(data)

    def eof_received(self) -> bool | None:
        self.handler.eof_received()
        return None

    def pause_writing(self) -> None:
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        self.handler.resume_writing()


class _UnacceptedConnections:
    """Where the loop reports that it cannot accept a connection; it does so a hundred times a second."""

    def __init__(self, clock: Clock) -> None:
        self._seldom = Seldom(clock)

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log it once a minute, and anything else as the loop does."""
        error = context.get("exception")
        if (
            not isinstance(error, OSError)
            or error.errno not in _OUT_OF_DESCRIPTORS
            or "socket" not in context
        ):
            loop.default_exception_handler(context)
        elif times := self._seldom.times():
            log.error("endpoints.cannot_accept", times=times, problem=error.strerror)


def _refused(status: HTTPStatus) -> web.Response:
    return web.Response(status=status, text=status.phrase)


def _request_log(clock: Clock) -> logging.Logger:
    """Return a log for aiohttp in which requests that are none leave no traceback, and one line a minute."""
    seldom = Seldom(clock)

    def is_worth_it(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        if times := seldom.times():
            log.warning("endpoints.request_unreadable", times=times, problem=type(error).__name__)
        return False

    requests = logging.getLogger("bot.endpoints.requests")
    requests.filters = [is_worth_it]
    return requests
