"""Serves the page: its shell, the state as server-sent events, gestures and faults as POSTs.

It listens on 127.0.0.1 alone, answers only requests that name this address as their host, and takes POSTs
only from the page itself: what else is open in the same browser can neither read it nor act in it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.sandbox.page.gestures import Gestures, GestureUnreadable, PageUser
from bot.sandbox.page.parts import Parts
from bot.sandbox.page.setting import PageSetting
from bot.sandbox.slack.snapshot import Change
from bot.sandbox.slack.workspace import Workspace

_HERE = Path(__file__).parent
_PACE_SECONDS = 0.08  # changes that come closer together are sent as one
_KEEP_ALIVE_SECONDS = 15
_SHUTDOWN_SECONDS = 2
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: https: http:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_HOSTS = ("127.0.0.1", "localhost")
_UNSEEN = ("USLACKBOT",)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SandboxPage:
    """The page for one workspace; an async context manager, or `start` and `stop`."""

    def __init__(
        self, workspace: Workspace, actor: Callable[[str], PageUser], setting: PageSetting | None = None
    ) -> None:
        self._workspace = workspace
        self._setting = setting or PageSetting()
        self._gestures = Gestures(workspace, actor)
        self._faults = {fault.key: fault for fault in self._setting.faults}
        self._news: set[asyncio.Event] = set()
        self._is_closing = False
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )

    @property
    def url(self) -> str:
        """Where the page is, with a slash at the end."""
        return f"http://127.0.0.1:{self._port}/"

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes any free one. `OSError` when the port is taken."""
        app = web.Application(middlewares=[_guarded])
        app.router.add_get("/", self._shell)
        app.router.add_get("/live", self._live)
        app.router.add_post("/gestures", self._gesture)
        app.router.add_post("/faults", self._fault)
        app.router.add_static("/static", _HERE / "static")
        app.on_shutdown.append(self._end_streams)
        self._is_closing = False
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End the streams and stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    def refresh(self) -> None:
        """Let every browser look again, for what is no change of the workspace, such as a fault."""
        for news in self._news:
            news.set()

    async def _end_streams(self, _app: web.Application) -> None:
        self._is_closing = True
        self.refresh()

    async def _shell(self, _request: web.Request) -> web.Response:
        page = self._templates.get_template("page.html.j2")
        body = page.render(team=self._workspace.name, boot=self._boot())
        return web.Response(text=body, content_type="text/html", charset="utf-8")

    def _boot(self) -> dict[str, Any]:
        setting = self._setting
        people = [
            person.id
            for person in self._workspace.directory.people.values()
            if person.may_act and person.id not in _UNSEEN
        ]
        first = setting.person if setting.person in people else None
        return {
            "people": sorted(people, key=lambda person: person != first),
            "roles": dict(setting.roles),
            "examples": [list(example) for example in setting.examples],
            "channel": setting.channel,
            "servers": [server.json() for server in setting.servers],
        }

    async def _live(self, request: web.Request) -> web.StreamResponse:
        person = request.query.get("person", "")
        if person not in self._boot()["people"]:
            return web.json_response({"error": "nobody can be signed in with this account"}, status=404)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", **_HEADERS})
        await stream.prepare(request)
        news = asyncio.Event()
        self._news.add(news)
        try:
            async with self._workspace.subscribe() as changes, asyncio.TaskGroup() as group:
                pump = group.create_task(self._pump(changes, person, news))
                await self._tell(stream, person, news)
                pump.cancel()
        finally:
            self._news.discard(news)
        return stream

    async def _tell(self, stream: web.StreamResponse, person: str, news: asyncio.Event) -> None:
        parts = Parts()
        while not self._is_closing:
            news.clear()
            fresh = parts.fresh(self._workspace.snapshot(person), self._faults_now())
            try:
                await stream.write(_event("parts", fresh) if fresh else b": still here\n\n")
            except ConnectionResetError:
                return  # the browser went away
            await _set_within(news, _KEEP_ALIVE_SECONDS)
            await asyncio.sleep(_PACE_SECONDS)

    async def _pump(self, changes: AsyncIterator[Change], person: str, news: asyncio.Event) -> None:
        async for change in changes:
            if self._workspace.concerns(change, person):
                news.set()

    def _faults_now(self) -> list[dict[str, Any]]:
        return [fault.json() for fault in self._faults.values()]

    async def _gesture(self, request: web.Request) -> web.Response:
        try:
            return web.json_response(await self._gestures.perform(await request.json()))
        except GestureUnreadable as unreadable:
            return web.json_response({"error": str(unreadable)}, status=400)

    async def _fault(self, request: web.Request) -> web.Response:
        asked = await request.json()
        fault = self._faults.get(asked.get("key"))
        if fault is None:
            return web.json_response({"error": "there is no such fault"}, status=400)
        await fault.apply(bool(asked.get("on")))
        self.refresh()
        return web.json_response(fault.json())


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.url.host not in _HOSTS:
        return web.json_response({"error": "this page is for the machine it runs on"}, status=403)
    is_own = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    is_json = request.content_type == "application/json"
    if request.method == "POST" and not (is_own and is_json):
        return web.json_response({"error": "only the page itself may ask for this"}, status=403)
    response = await handler(request)
    if not response.prepared:
        response.headers.update(_HEADERS)
    return response


def _event(name: str, data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


async def _set_within(news: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return
