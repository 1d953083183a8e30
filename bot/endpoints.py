"""The HTTP side of the process: is it alive, is it ready, its metrics, and Slack's requests in HTTP mode."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.observability import Health, Metrics

SERVER_PART = "server:"
_MAX_BODY_BYTES = 2 * 1024 * 1024

SlackHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(
    health: Health, metrics: Metrics, slack_requests: SlackHandler | None = None
) -> web.Application:
    """Return the routes; `/slack/events` is among them where Slack calls this process."""

    async def alive(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def ready(_request: web.Request) -> web.Response:
        status = HTTPStatus.OK if health.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(readiness(health), status=status)

    async def render_metrics(_request: web.Request) -> web.Response:
        body, content_type = metrics.render()
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application(client_max_size=_MAX_BODY_BYTES)
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

    def __init__(self, app: web.Application, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        self._wanted_port = port

    async def start(self) -> None:
        """Listen on every address. Raises `OSError` when the port is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, port=self._wanted_port).start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._runner.addresses[0][1]
        return port

    async def close(self) -> None:
        """Stop listening, once the requests in progress are answered."""
        await self._runner.cleanup()
