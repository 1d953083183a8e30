"""One Socket Mode connection, kept alive and watched.

slack_sdk reconnects by itself, but it never gives up on a wrong token, and it takes a silent connection for a
working one. So the token is tried once first, and a connection without a sign of life is replaced.
"""

import asyncio

import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.observability import Clock, Health
from bot.slack.web_api import SLACK_PART, WebApi

_CONNECT_SECONDS = 30.0
_WATCH_SECONDS = 2.0
_SILENT_SECONDS = 60.0
_RETRY_SECONDS = 5.0
# Slack refreshes connections every few hours; a gap this short is normal and not worth a word.
_NORMAL_GAP_SECONDS = 60.0
_ACKS_GET_OUT_SECONDS = 0.2

log = structlog.get_logger()


class SocketMode:
    """Receives gestures and events over a WebSocket that this side opens.

    `run` lasts as long as the program; `leave` closes the intake, so that Slack delivers to other
    connections.
    """

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        web_api: WebApi,
        *,
        clock: Clock,
        health: Health,
        ping_seconds: int = 10,
    ) -> None:
        self._app = app
        self._ping_seconds = ping_seconds
        self._app_token = app_token
        self._web_api = web_api
        self._clock = clock
        self._health = health
        self._handler: AsyncSocketModeHandler | None = None
        self._last_alive_at = clock.monotonic()

    async def check_token(self) -> None:
        """Try the app token once, by `apps.connections.open`. Raises `SlackError`."""
        await self._web_api.write("apps.connections.open", {"app_token": self._app_token})

    async def run(self) -> None:
        """Keep a connection. Never returns; a failure is waited out."""
        while True:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await self._connect()
                await self._watch()
            except TimeoutError:
                log.warning("slack.connect_timed_out", after_seconds=_CONNECT_SECONDS)
            finally:
                handler, self._handler = self._handler, None
                if handler is not None:
                    await handler.close_async()  # type: ignore[no-untyped-call] # Bolt's
            self._report(is_up=False)
            await self._clock.sleep(_RETRY_SECONDS)

    async def leave(self) -> None:
        """Stop taking deliveries: no reconnect, and time for the last acknowledgements to get out."""
        if self._handler is None:
            return
        self._handler.client.auto_reconnect_enabled = False
        await asyncio.sleep(_ACKS_GET_OUT_SECONDS)
        await self._handler.disconnect_async()  # type: ignore[no-untyped-call] # Bolt's

    async def _connect(self) -> None:
        self._handler = AsyncSocketModeHandler(
            self._app, self._app_token, web_client=self._web_api.client, ping_interval=self._ping_seconds
        )
        self._handler.client.proxy = self._web_api.client.proxy
        await self._handler.connect_async()  # type: ignore[no-untyped-call] # Bolt's
        self._last_alive_at = self._clock.monotonic()
        self._report(is_up=True)
        log.info("slack.connected")

    async def _watch(self) -> None:
        """Return when the connection has shown no life for too long."""
        while self._handler is not None:
            await self._clock.sleep(_WATCH_SECONDS)
            is_up = await self._is_alive()
            if is_up:
                self._last_alive_at = self._clock.monotonic()
            self._report(is_up=is_up)
            if self._clock.monotonic() - self._last_alive_at > _SILENT_SECONDS:
                log.warning("slack.connection_silent", after_seconds=_SILENT_SECONDS)
                return

    async def _is_alive(self) -> bool:
        """Connected, and answering pings: the library notices a dead connection late."""
        if self._handler is None or not await self._handler.client.is_connected():
            return False
        answered_at = self._handler.client.last_ping_pong_time
        return answered_at is None or self._clock.now().timestamp() - answered_at < 3 * self._ping_seconds

    def _report(self, *, is_up: bool) -> None:
        silent_seconds = self._clock.monotonic() - self._last_alive_at
        if is_up:
            self._health.set(SLACK_PART, ok=True, detail="connected over Socket Mode")
        elif silent_seconds > _NORMAL_GAP_SECONDS or self._handler is None:
            self._health.set(SLACK_PART, ok=False, detail="no Socket Mode connection")
