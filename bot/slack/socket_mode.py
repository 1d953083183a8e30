"""Socket Mode: two WebSockets to Slack, so that losing one leaves nobody unheard.

Slack hands each envelope to any one of an app's connections, and takes its acknowledgement over that one
alone. Commands and interactions that are not acknowledged in three seconds are not sent again: the person
sees a failure. So a connection that Slack is about to end goes on acknowledging until it is closed, and its
successor is open before that. slack_sdk's own client has one connection, closes it before it opens the next,
and acknowledges over whichever it has then.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import ClientError, ClientWebSocketResponse, WSMessage, WSMsgType
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.observability import Clock, Health, contained
from bot.slack import errors
from bot.slack.web_api import SLACK_PART, Turns, WebApi

CONNECTIONS = 2
"""Slack allows ten for an app; replicas share them, and a refresh takes one more for a moment."""
_PING_SECONDS = 2.0
_HELLO_SECONDS = 10.0
# A `warning` comes about ten seconds before the end; whatever has not been closed by then is closed here.
_LEAVES_WITHIN_SECONDS = 60.0
_ACKS_GET_OUT_SECONDS = 1.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.25, 30.0
# Calls that reach nobody cost nobody anything, and a network that is back is found soon.
_LONGEST_UNREACHED_SECONDS = 1.0
# `apps.connections.open` is rate-limited: forty openings at once, then thirty a minute. A turn is taken after
# each of them, so that the fortieth waits for none.
_SECONDS_BETWEEN_OPENINGS, _OPENINGS_AT_ONCE = 2.0, 39
_OK = 200

log = structlog.get_logger()


@dataclass(eq=False)
class _Connection:
    """One WebSocket. `is_ending`: it is closed, or Slack has said that it will be."""

    socket: ClientWebSocketResponse
    is_ending: asyncio.Event = field(default_factory=asyncio.Event)


class SocketMode:
    """Receives gestures and events over WebSockets that this side opens.

    `run` lasts as long as the program; `leave` closes the intake, so that Slack delivers to other
    connections. A connection that answers no ping within one and a half times `ping_seconds` is given up.
    """

    def __init__(
        self,
        app: AsyncApp,
        app_token: str,
        web_api: WebApi,
        *,
        clock: Clock,
        health: Health,
        ping_seconds: float = _PING_SECONDS,
    ) -> None:
        self._app = app
        self._app_token = app_token
        self._web_api = web_api
        self._clock = clock
        self._health = health
        self._ping_seconds = ping_seconds
        self._connections: set[_Connection] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._acknowledging: set[asyncio.Task[bool]] = set()
        # Slack refuses some of several openings at the same time (409), so there is one after the other.
        self._opening = asyncio.Lock()
        self._turns = Turns(_SECONDS_BETWEEN_OPENINGS, _OPENINGS_AT_ONCE)
        self._opens_next_at = clock.monotonic()
        self._failures = 0
        self._problem = "none was opened yet"

    async def check_token(self) -> None:
        """Try the app token once, by `apps.connections.open`. Raises `SlackError`."""
        await self._new_address()

    async def run(self) -> None:
        """Keep the connections, until `leave`; a failure is waited out."""
        async with asyncio.TaskGroup() as group:
            self._keepers = [group.create_task(self._keep(group)) for _ in range(CONNECTIONS)]

    async def leave(self) -> None:
        """Stop taking deliveries: no new connection, and time for the last acknowledgements to get out."""
        for keeper in self._keepers:
            keeper.cancel()
        if self._acknowledging:
            await asyncio.wait(self._acknowledging, timeout=_ACKS_GET_OUT_SECONDS)
        for connection in tuple(self._connections):
            await connection.socket.close()

    async def _keep(self, group: asyncio.TaskGroup) -> None:
        """Keep one connection: whenever it ends or is about to, open the next."""
        before: _Connection | None = None
        while True:
            connection = await self._open()
            group.create_task(self._read(connection, group))
            if before is not None and not before.socket.closed:
                group.create_task(self._close_late(before))
            await connection.is_ending.wait()
            before = connection

    async def _open(self) -> _Connection:
        """Return a new connection that Slack has greeted, however long that takes."""
        async with self._opening:
            while True:
                await self._clock.sleep(self._opens_next_at - self._clock.monotonic())
                try:
                    connection = _Connection(await self._connect())
                except errors.SlackError as error:
                    self._wait_after(error)
                    self._report()
                else:
                    self._failures = 0
                    self._connections.add(connection)
                    self._report()
                    log.info("slack.connected", connections=len(self._connections))
                    return connection

    async def _new_address(self) -> str:
        answer = await self._web_api.write("apps.connections.open", {"app_token": self._app_token})
        now = self._clock.monotonic()
        self._opens_next_at = now + self._turns.wait(now)
        self._turns.take(self._opens_next_at)
        return str(answer.get("url", ""))

    async def _connect(self) -> ClientWebSocketResponse:
        """Open a WebSocket and wait for its `hello`. Raises `SlackError`."""
        socket = await self._web_api.open_websocket(
            await self._new_address(), ping_seconds=self._ping_seconds
        )
        frame: dict[str, Any] = {}
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(_HELLO_SECONDS):
                    frame = _read_frame(await socket.receive())
        finally:
            if frame.get("type") != "hello":
                await socket.close()
        if frame.get("type") != "hello":
            raise errors.SlackAnswerLost("websocket", str(frame.get("reason", "no_hello")))
        return socket

    def _wait_after(self, error: errors.SlackError) -> None:
        """Set when to try again: soon at first, and as late as Slack asks for."""
        wait = min(_FIRST_WAIT_SECONDS * 2.0 ** min(self._failures, 10), _LONGEST_WAIT_SECONDS)
        if isinstance(error, errors.SlackRateLimited):
            wait = max(wait, error.retry_after_seconds)
        elif isinstance(error, errors.SlackUnreachable):
            wait = min(wait, _LONGEST_UNREACHED_SECONDS)
        self._opens_next_at = max(self._opens_next_at, self._clock.monotonic() + wait)
        self._failures += 1
        self._problem = error.word
        if self._failures == 1:
            log.warning("slack.not_connected", problem=str(error), retry_in_seconds=wait)

    async def _read(self, connection: _Connection, group: asyncio.TaskGroup) -> None:
        """Take in what comes over one connection until it is closed."""
        try:
            async for message in connection.socket:
                frame = _read_frame(message)
                match frame:
                    case {"type": "disconnect"}:
                        log.info("slack.connection_ending", reason=str(frame.get("reason")))
                        connection.is_ending.set()
                    case {"envelope_id": str(envelope_id), "payload": dict(payload)}:
                        acknowledged = self._acknowledge(connection, envelope_id, payload)
                        task = group.create_task(contained(acknowledged, "slack.envelope_broke"))
                        self._acknowledging.add(task)
                        task.add_done_callback(self._acknowledging.discard)
                    case _:
                        log.debug("slack.frame_ignored", frame_type=str(frame.get("type")))
        finally:
            self._connections.discard(connection)
            self._problem = "the last one was closed"
            connection.is_ending.set()
            self._report()
            log.info("slack.disconnected", connections=len(self._connections))
            await connection.socket.close()

    async def _acknowledge(self, connection: _Connection, envelope_id: str, payload: dict[str, Any]) -> None:
        """Have Bolt answer an envelope, and send the answer over the connection that brought it."""
        request = AsyncBoltRequest(mode="socket_mode", body=payload)
        response = await self._app.async_dispatch(request)
        if response.status != _OK:
            return  # Bolt has logged it
        acknowledgement: dict[str, Any] = {"envelope_id": envelope_id}
        if response.body:
            acknowledgement["payload"] = json.loads(response.body)
        try:
            await connection.socket.send_str(json.dumps(acknowledgement))
        except (ClientError, ConnectionError) as error:
            log.warning("slack.acknowledgement_lost", problem=type(error).__name__)

    async def _close_late(self, connection: _Connection) -> None:
        """Close what Slack said it would close and has not."""
        await self._clock.sleep(_LEAVES_WITHIN_SECONDS)
        await connection.socket.close()

    def _report(self) -> None:
        up = min(len(self._connections), CONNECTIONS)
        detail = f"connected over Socket Mode, {up} of {CONNECTIONS} connections"
        if not up:
            detail = f"no Socket Mode connection: {self._problem}"
        self._health.set(SLACK_PART, ok=bool(up), detail=detail)


def _read_frame(message: WSMessage) -> dict[str, Any]:
    """Return what Slack sent; empty for what is no JSON object."""
    try:
        frame = json.loads(message.data) if message.type is WSMsgType.TEXT else {}
    except (ValueError, RecursionError):
        frame = {}
    return frame if isinstance(frame, dict) else {}
