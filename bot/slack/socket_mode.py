"""Socket Mode: two WebSockets to Slack, so that losing one leaves nobody unheard.

Slack hands each envelope to any one of an app's connections, and takes its acknowledgement over that one
alone. Commands and interactions that are not acknowledged in three seconds are not sent again: the person
sees a failure. So a connection that Slack is about to end goes on acknowledging until it is closed, and its
successor is open before that. slack_sdk's own client has one connection, closes it before it opens the next,
and acknowledges over whichever it has then.
"""

import asyncio
import json
import random
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
# A connection that ends sooner, and has brought nothing, says little about the next one.
_PROVEN_AFTER_SECONDS = 10.0
# `apps.connections.open` is Tier 3, some fifty a minute: twenty-five at once after a rest, then twenty-five a
# minute. Half of those at once are kept for when there is no connection at all.
_SECONDS_BETWEEN_OPENINGS, _OPENINGS_AT_ONCE, _OPENINGS_KEPT = 60.0 / 25, 25, 12
_OK = 200

log = structlog.get_logger()


@dataclass(eq=False)
class _Connection:
    """One WebSocket. `is_ending`: it is closed, or Slack has said that it will be.

    `is_proven`: it has brought something, or lasted. `is_judged` is set at the first of these.
    """

    socket: ClientWebSocketResponse
    opened_at: float
    is_ending: bool = False
    is_proven: bool = False
    is_judged: asyncio.Event = field(default_factory=asyncio.Event)


class SocketMode:
    """Receives gestures and events over WebSockets that this side opens.

    `run` lasts as long as the program; `leave` closes the intake, so that Slack delivers to other
    connections. A connection that answers no ping within one and a half times `ping_seconds` is given up.

    What has lasted is replaced at once. Connections that end as soon as they are open are opened ever more
    seldom, one at a time, until one lasts.
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
        self._opener: asyncio.Task[None] | None = None
        self._acknowledging: set[asyncio.Task[bool]] = set()
        self._one_ended = asyncio.Event()
        self._turns = Turns(_SECONDS_BETWEEN_OPENINGS, _OPENINGS_AT_ONCE)
        self._held_until = self._backs_off_until = clock.monotonic()
        self._failures = 0
        self._short_lived = 0
        self._problem = "none was opened yet"
        self._is_leaving = False

    async def check_token(self) -> None:
        """Try the app token once, by `apps.connections.open`. Raises `SlackError`."""
        await self._new_address()

    async def run(self) -> None:
        """Keep the connections, until `leave`; a failure is waited out."""
        async with asyncio.TaskGroup() as group:
            self._opener = group.create_task(self._keep_open(group))

    async def leave(self) -> None:
        """Stop taking deliveries: no new connection, and time for the last acknowledgements to get out."""
        self._is_leaving = True
        if self._opener is not None:
            self._opener.cancel()
        if self._acknowledging:
            await asyncio.wait(self._acknowledging, timeout=_ACKS_GET_OUT_SECONDS)
        for connection in tuple(self._connections):
            await connection.socket.close()

    async def _keep_open(self, group: asyncio.TaskGroup) -> None:
        """Whenever a connection ends or is about to, open the next.

        One after the other: Slack refuses some of several openings at the same time (409).
        """
        while True:
            self._one_ended.clear()
            serving = sum(not connection.is_ending for connection in self._connections)
            if serving >= CONNECTIONS:
                await self._one_ended.wait()
            elif (wait := self._seconds_to_next(_OPENINGS_KEPT if serving else 0)) > 0:
                await self._wait_for(self._one_ended, wait, group)
            else:
                await self._open(group)

    def _seconds_to_next(self, kept: int) -> float:
        now = self._clock.monotonic()
        return max(self._held_until - now, self._backs_off_until - now, self._turns.wait(now, kept))

    async def _open(self, group: asyncio.TaskGroup) -> None:
        """Open a connection; after several that did not last, stay with it until it is known to be better."""
        try:
            socket = await self._connect()
        except errors.SlackError as error:
            self._wait_after(error)
            self._report()
            return
        connection = _Connection(socket, self._clock.monotonic())
        self._failures = 0
        self._connections.add(connection)
        self._report()
        log.info("slack.connected", connections=len(self._connections))
        group.create_task(self._read(connection, group))
        if self._short_lived > CONNECTIONS:
            await self._wait_for(connection.is_judged, _PROVEN_AFTER_SECONDS, group)
            if not connection.is_ending:
                self._prove(connection)

    async def _wait_for(self, event: asyncio.Event, seconds: float, group: asyncio.TaskGroup) -> None:
        """Wait for an event, for at most so many seconds."""
        waits = group.create_task(event.wait()), group.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _new_address(self) -> str:
        self._turns.take(self._clock.monotonic())
        answer = await self._web_api.write("apps.connections.open", {"app_token": self._app_token})
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
        wait = _back_off(self._failures)
        if isinstance(error, errors.SlackUnreachable):
            wait = min(wait, _LONGEST_UNREACHED_SECONDS)
        now = self._clock.monotonic()
        self._backs_off_until = now + wait
        if isinstance(error, errors.SlackRateLimited):
            self._held_until = now + error.retry_after_seconds
            wait = max(wait, error.retry_after_seconds)
        self._failures += 1
        self._problem = error.word
        if self._failures == 1:
            log.warning("slack.not_connected", problem=str(error), retry_in_seconds=round(wait, 2))

    def _prove(self, connection: _Connection) -> None:
        """Note that it is good for something, so that the next may be opened at once."""
        connection.is_proven = True
        connection.is_judged.set()
        self._short_lived = 0
        self._backs_off_until = self._clock.monotonic()

    def _note_end(self, connection: _Connection, problem: str) -> None:
        """Have the next one opened: at once, unless several in a row did not last.

        That all of them go in one moment is one event, whatever their age.
        """
        now = self._clock.monotonic()
        if connection.is_proven or now - connection.opened_at >= _PROVEN_AFTER_SECONDS:
            self._prove(connection)
        else:
            self._short_lived += 1
            if (beyond_one_event := self._short_lived - CONNECTIONS) > 0:
                wait = _back_off(beyond_one_event - 1)
                self._backs_off_until = max(self._backs_off_until, now + wait)
                if beyond_one_event == 1:
                    log.warning("slack.connections_short_lived", problem=problem)
        self._problem = problem
        connection.is_ending = True
        connection.is_judged.set()
        self._one_ended.set()

    async def _read(self, connection: _Connection, group: asyncio.TaskGroup) -> None:
        """Take in what comes over one connection until it is closed."""
        try:
            async for message in connection.socket:
                frame = _read_frame(message)
                match frame:
                    case {"type": "disconnect"}:
                        reason = str(frame.get("reason"))
                        log.info("slack.connection_ending", reason=reason)
                        if not connection.is_ending:
                            self._note_end(connection, reason)
                            group.create_task(self._close_late(connection))
                    case {"envelope_id": str(envelope_id), "payload": dict(payload)}:
                        if not connection.is_proven:
                            self._prove(connection)
                        acknowledged = self._acknowledge(connection, envelope_id, payload)
                        task = group.create_task(contained(acknowledged, "slack.envelope_broke"))
                        self._acknowledging.add(task)
                        task.add_done_callback(self._acknowledging.discard)
                    case _:
                        log.debug("slack.frame_ignored", frame_type=str(frame.get("type")))
        finally:
            self._connections.discard(connection)
            if not connection.is_ending:
                self._note_end(connection, "the last one was closed")
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
        if self._is_leaving:
            return  # having no connection is no failure then
        up = min(len(self._connections), CONNECTIONS)
        detail = f"connected over Socket Mode, {up} of {CONNECTIONS} connections"
        if not up:
            detail = f"no Socket Mode connection: {self._problem}"
        self._health.set(SLACK_PART, ok=bool(up), detail=detail)


def _back_off(failures: int) -> float:
    """Return seconds that double with each failure, with jitter: many bots lose Slack in one moment."""
    longest = min(_FIRST_WAIT_SECONDS * 2.0 ** min(failures, 10), _LONGEST_WAIT_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, no secret


def _read_frame(message: WSMessage) -> dict[str, Any]:
    """Return what Slack sent; empty for what is no JSON object."""
    try:
        frame = json.loads(message.data) if message.type is WSMsgType.TEXT else {}
    except (ValueError, RecursionError):
        frame = {}
    return frame if isinstance(frame, dict) else {}
