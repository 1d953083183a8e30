"""A server that says what a test tells it to, for answers that no simulated VBR would give.

What VBR is known to do is tested against the sandbox; here are broken proxies, lost connections and odd JSON.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

from aiohttp import web
from multidict import CIMultiDictProxy
from pydantic import SecretStr

from bot.settings import ServerName
from bot.veeam import Connection, Patience, VeeamServer
from tests.support.clock import FakeClock

TOKEN = ("POST", "/api/oauth2/token")
LOGOUT = ("POST", "/api/oauth2/logout")
ASKING_ONCE = Patience(attempts=1)
Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Heard:
    """A request as it arrived."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def bearer(self) -> str | None:
        return self.headers.get("Authorization", "").removeprefix("Bearer ") or None

    @property
    def grant(self) -> str:
        return self.body.decode().split("grant_type=")[1].split("&")[0]


@dataclass
class ScriptedServer:
    """Answers by script, the last entry of a path again and again; gives out tokens unless told otherwise."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _scripts: dict[tuple[str, str], list[Reply]] = field(default_factory=dict)
    _tokens: int = 0

    def script(self, method: str, path: str, *replies: Reply) -> None:
        self._scripts[method, path] = list(replies)

    def heard_at(self, method: str, path: str) -> list[Heard]:
        return [each for each in self.heard if (each.method, each.path) == (method, path)]

    @property
    def grants(self) -> list[str]:
        return [each.grant for each in self.heard_at(*TOKEN)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        query = tuple(request.query.items())
        heard = Heard(request.method, request.path, query, request.headers, await request.read())
        self.heard.append(heard)
        self.arrived.set()
        replies = self._scripts.get((request.method, request.path))
        if not replies:
            return await self._unscripted(request)
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return await reply(request)

    async def _unscripted(self, request: web.Request) -> web.StreamResponse:
        if (request.method, request.path) == TOKEN:
            return await self.token()(request)
        if (request.method, request.path) == LOGOUT:
            return web.Response()
        return web.json_response({"errorCode": "NotFound", "message": "No such path."}, status=404)

    def token(self, expires_in: float = 900, **more: object) -> Reply:
        async def reply(_: web.Request) -> web.Response:
            self._tokens += 1
            number = self._tokens
            pair = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
            return web.json_response({**pair, "token_type": "bearer", "expires_in": expires_in, **more})

        return reply


def json_reply(body: object, status: int = 200, **headers: str) -> Reply:
    async def reply(_: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    return reply


def raw_reply(body: bytes, status: int = 200, content_type: str = "text/html", **headers: str) -> Reply:
    async def reply(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, content_type=content_type, headers=headers)

    return reply


def error_reply(status: int, message: str = "", **headers: str) -> Reply:
    return json_reply({"errorCode": "UnknownError", "message": message}, status, **headers)


def rows_reply(*rows: object, total: int | None = None) -> Reply:
    return json_reply({"data": rows, "pagination": {"total": len(rows) if total is None else total}})


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without a word, the request read."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def say_nothing(_: web.Request) -> web.StreamResponse:
    """Keep the connection and never answer."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


@asynccontextmanager
async def scripted_server(tls: SSLContext | None = None) -> AsyncIterator[ScriptedServer]:
    server = ScriptedServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        server.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        yield server
    finally:
        await runner.cleanup()


def connection_to(url: str, **changes: Any) -> Connection:
    given: dict[str, Any] = {
        "name": ServerName("hq"),
        "url": url,
        "username": "DOMAIN\\svc slack",
        "password": SecretStr("pä&ss=word"),
        **changes,
    }
    return Connection(**given)


def client_of(
    server: ScriptedServer,
    clock: FakeClock,
    *,
    patience: Patience = ASKING_ONCE,
    **changes: Any,
) -> VeeamServer:
    return VeeamServer(connection_to(server.url, **changes), clock=clock, patience=patience)
