"""Slack's side of Socket Mode: one-time addresses, envelopes, acknowledgements, disconnects."""

import asyncio
import json
import random
import secrets
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import WSMessage, WSMsgType, web

from bot.sandbox.slack.feed import set_within
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.transport import ACK_SECONDS, FIRST, Answer, Attempt, Kind
from bot.sandbox.slack.workspace import Workspace

MOST_CONNECTIONS = 10
PING_SECONDS = 10.0
DisconnectReason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]
AckFault = Literal["malformed", "unknown", "late", "second", "unwanted_payload"]


@dataclass(frozen=True, slots=True)
class FaultyAck:
    """An acknowledgement that Slack ignores, and why."""

    fault: AckFault
    frame: str
    at: float


@dataclass(slots=True)
class _Envelope:
    accepts_payload: bool
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    is_acked: bool = False
    is_late: bool = False
    body: Any = None


@dataclass(slots=True, eq=False)
class Connection:
    """One WebSocket of the app; a silent one swallows everything, as a half-open connection does."""

    number: int
    socket: web.WebSocketResponse
    envelopes: dict[str, _Envelope] = field(default_factory=dict)
    is_silent: bool = False
    is_answered: bool = True  # the last PING has its PONG
    transport: asyncio.Transport | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class SocketMode:
    """All WebSockets of the app; each envelope goes to any one of them."""

    def __init__(self, workspace: Workspace, base_url: Callable[[], str]) -> None:
        self._workspace = workspace
        self._base_url = base_url
        self._tickets: set[str] = set()
        self._random = random.Random(0)
        self._made = 0
        self._to_cut = 0
        self._cut_reason: DisconnectReason | None = None
        self.connections: list[Connection] = []
        self.faulty_acks: list[FaultyAck] = []

    def new_url(self) -> str:
        """An address for one WebSocket, once."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        address = self._base_url().replace("http://", "ws://", 1)
        return f"{address}link/?ticket={ticket}&app_id={self._workspace.app.id}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One WebSocket, from its upgrade to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=409)
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False, timeout=1.0)
        await socket.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await socket.send_json(self._goodbye("too_many_websockets"))
            await socket.close()
            return socket
        self._made += 1
        connection = Connection(self._made, socket, transport=request.transport)
        self.connections.append(connection)
        try:
            await socket.send_json(self._hello())
            self._report("connected")
            if self._to_cut:
                self._to_cut -= 1
                if self._cut_reason is not None:
                    await socket.send_json(self._goodbye(self._cut_reason))
                self.cut(connection)
            await self._serve(connection)
        except ConnectionError:
            pass  # the app is gone; what was under way on this socket is settled below
        finally:
            connection.over.set()
            self._end(connection)
        return socket

    async def deliver(self, kind: Kind, payload: Json, attempt: Attempt = FIRST) -> Answer:
        """Send an envelope over one of the WebSockets and wait for its acknowledgement."""
        if not self.connections:
            return Answer("dispatch_failed", retry_reason="timeout")
        connection = self._random.choice(self.connections)
        envelope_id = str(uuid.uuid4())
        envelope = connection.envelopes[envelope_id] = _Envelope(accepts_payload=kind != "events_api")
        frame: Json = {
            "envelope_id": envelope_id,
            "type": kind,
            "accepts_response_payload": envelope.accepts_payload,
            "payload": payload,
        }
        if kind == "events_api":
            frame |= {"retry_attempt": attempt.number, "retry_reason": attempt.reason}
        try:
            await connection.socket.send_json(frame)
        except ConnectionError:
            return Answer("dispatch_failed", retry_reason="timeout")
        await set_within(envelope.settled, self._workspace.clock, ACK_SECONDS)
        if envelope.is_acked:
            return Answer("acked", envelope.body)
        envelope.is_late = True
        return Answer("operation_timeout", retry_reason="timeout")

    async def disconnect(
        self, reason: DisconnectReason, *which: Connection, grace_seconds: float = 1.0
    ) -> None:
        """Tell these WebSockets (or all) that they end; but for a `warning` no more envelopes go there.

        What went there is acknowledged there until the end. Who has not closed it after the grace (in real
        seconds) is cut off: slack_sdk closes at once, and one that finds its socket closed already connects
        twice.
        """
        going = which or tuple(self.connections)
        for connection in going:
            if reason != "warning":
                self._retire(connection)
            await connection.socket.send_json(self._goodbye(reason))
        if reason == "warning":
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                for connection in going:
                    await connection.over.wait()
        for connection in going:
            await connection.socket.close()

    async def close(self) -> None:
        """Close every WebSocket."""
        for connection in tuple(self.connections):
            await connection.socket.close()

    def cut(self, *which: Connection) -> None:
        """Break these connections, or all, without a word."""
        for connection in which or tuple(self.connections):
            if connection.transport is not None:
                connection.transport.abort()

    def greet_and_cut(self, times: int, reason: DisconnectReason | None = None) -> None:
        """Break so many of the connections to come right after `hello`, for a reason or without a word."""
        self._to_cut, self._cut_reason = times, reason

    def fall_silent(self, *which: Connection, silent: bool = True) -> None:
        """Let these connections, or all, answer no PING and hear no acknowledgement any more, or end that."""
        for connection in which or self.connections:
            connection.is_silent = silent

    async def _serve(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        next_ping = loop.time() + PING_SECONDS
        while not connection.socket.closed:
            try:
                message = await connection.socket.receive(timeout=max(0.0, next_ping - loop.time()))
            except TimeoutError:
                if not connection.is_answered:
                    return
                next_ping = loop.time() + PING_SECONDS
                await self._ping(connection)
                continue
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            if not connection.is_silent:
                await self._hear(connection, message)

    async def _ping(self, connection: Connection) -> None:
        if not connection.is_silent:
            connection.is_answered = False
            await connection.socket.ping(b"Ping from applink-1")

    async def _hear(self, connection: Connection, message: WSMessage) -> None:
        match message.type:
            case WSMsgType.PING:
                await connection.socket.pong(message.data)
            case WSMsgType.PONG:
                connection.is_answered = True
            case WSMsgType.TEXT:
                self._acknowledge(connection, message.data)
                self._workspace.feed.wake()

    def _acknowledge(self, connection: Connection, frame: str) -> None:
        try:
            ack = json.loads(frame)
            envelope_id = ack["envelope_id"]
        except (ValueError, KeyError, TypeError):
            self._fault("malformed", frame)
            return
        envelope = connection.envelopes.get(envelope_id)
        if envelope is None:
            self._fault("unknown", frame)
        elif envelope.is_acked:
            self._fault("second", frame)
        elif envelope.is_late:
            self._fault("late", frame)
        else:
            self._settle(envelope, ack, frame)

    def _settle(self, envelope: _Envelope, ack: Json, frame: str) -> None:
        if envelope.accepts_payload:
            envelope.body = ack.get("payload")
        elif "payload" in ack:
            self._fault("unwanted_payload", frame)
        envelope.is_acked = True
        envelope.settled.set()

    def _fault(self, fault: AckFault, frame: str) -> None:
        self.faulty_acks.append(FaultyAck(fault, frame, self._workspace.clock()))

    def _retire(self, connection: Connection) -> None:
        """Send no more envelopes there."""
        if connection in self.connections:
            self.connections.remove(connection)
            self._report("disconnected")

    def _end(self, connection: Connection) -> None:
        self._retire(connection)
        for envelope in connection.envelopes.values():
            envelope.settled.set()  # nothing can acknowledge it any more

    def _report(self, state: Literal["connected", "disconnected"]) -> None:
        self._workspace.feed.tell("connection", state=state, connections=len(self.connections))

    def _hello(self) -> Json:
        started = datetime.fromtimestamp(self._workspace.clock(), UTC)
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": self._workspace.app.id},
            "debug_info": {
                "host": "applink-1",
                "started": started.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
                "build_number": 42,
                "approximate_connection_time": 18060,
            },
        }

    def _goodbye(self, reason: DisconnectReason) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
