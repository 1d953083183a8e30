"""Whoever reaches the port costs the bot little, for a short time, and few log lines."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot import endpoints
from bot.observability import Health, Metrics
from tests.support.clock import FakeClock

HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: bot\r\n\r\n"
POST = b"POST /slack/events HTTP/1.1\r\nHost: bot\r\n"


@dataclass
class Door:
    """A listening server, and what reached Slack's handler through it."""

    clock: FakeClock = field(default_factory=FakeClock)
    port: int = 0
    bodies: list[bytes] = field(default_factory=list)

    async def slack(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response()

    async def open(self, sent: bytes = b"") -> "Visitor":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        return Visitor(reader, writer)

    async def status(self, sent: bytes) -> int:
        """Send this and return the status of the answer; 0 where the connection is closed without one."""
        visitor = await self.open(sent)
        return await visitor.status()


@dataclass
class Visitor:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def status(self) -> int:
        """The status of the answer, once the connection is closed; 0 without one."""
        try:
            async with asyncio.timeout(10):
                answer = await self.reader.read()
        except ConnectionError:
            return 0
        finally:
            self.writer.close()
        return int(answer.split()[1]) if answer else 0


@asynccontextmanager
async def listening() -> AsyncIterator[Door]:
    door = Door()
    app = endpoints.application(Health(door.clock, []), Metrics(), door.slack)
    server = endpoints.Server(app, host="127.0.0.1", port=0, clock=door.clock)
    await server.start()
    door.port = server.port
    try:
        yield door
    finally:
        await server.close()


@pytest.fixture
async def door(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    monkeypatch.setattr(endpoints, "REQUEST_SECONDS", 0.3)
    monkeypatch.setattr(endpoints, "MAX_CONNECTIONS", 8)
    async with listening() as opened:
        yield opened


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: bot\r\nX: ", b"\r\n", POST[:-2]],
    ids=repr,
)
async def test_a_head_that_does_not_come_whole(door: Door, sent: bytes) -> None:
    """The connection is closed after some seconds, whatever has come of it."""
    assert await door.status(sent) == 0


async def test_a_head_that_trickles_in(door: Door) -> None:
    """A byte now and then buys no time."""
    visitor = await door.open(b"GET /healthz HTTP/1.1\r\nX-Long: ")

    async def trickle() -> None:
        while not visitor.writer.is_closing():
            visitor.writer.write(b"x")
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        trickling = group.create_task(trickle())
        assert await visitor.status() == 0
        trickling.cancel()


@pytest.mark.parametrize(
    "head", [b"Content-Length: 100\r\n\r\nab", b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"], ids=repr
)
async def test_a_body_that_does_not_come_whole(door: Door, head: bytes) -> None:
    """It is answered with 408, and reaches no handler."""
    assert await door.status(POST + head) == 408
    assert door.bodies == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (POST + b"Content-Length: 99999999999\r\n\r\n", 413),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65536 + b"\r\n", 408),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 17, 413),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (POST + b"Content-Length: many\r\n\r\n", 400),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /nothing HTTP/1.1\r\nHost: bot\r\n\r\n", 404),
        (b"DELETE /slack/events HTTP/1.1\r\nHost: bot\r\n\r\n", 405),
    ],
    ids=[
        "length",
        "endless",
        "chunks",
        "chunk",
        "no length",
        "line",
        "field",
        "fields",
        "tls",
        "path",
        "method",
    ],
)
async def test_too_large_or_none_at_all(
    door: Door, sent: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It gets its answer in the four hundreds, and leaves no traceback."""
    with caplog.at_level(logging.INFO):
        assert await door.status(sent) == status
    assert door.bodies == []
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_whole_request_is_answered_and_its_connection_closed(door: Door) -> None:
    """No connection is kept that does nothing."""
    visitor = await door.open(HEALTHZ)
    answer = await visitor.reader.read()
    assert (b" 200 OK" in answer, b"Connection: close" in answer) == (True, True)
    visitor.writer.close()
    assert await door.status(POST + b"Content-Length: 2\r\n\r\nab") == 200
    assert door.bodies == [b"ab"]


async def test_a_compressed_body_is_not_inflated(door: Door) -> None:
    """Slack compresses nothing: what comes is what was signed."""
    assert await door.status(POST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab") == 200
    assert door.bodies == [b"ab"]


async def test_more_connections_than_there_may_be(door: Door) -> None:
    """The one that has waited longest gives way; whoever asks is answered; one line says it."""
    with capture_logs() as lines:
        idle = [await door.open() for _ in range(40)]
        assert await door.status(HEALTHZ) == 200
    for visitor in idle:
        assert await visitor.status() == 0
    assert [line["event"] for line in lines] == ["endpoints.connections_dropped"]


async def test_no_descriptor_left_is_logged_once_a_minute(door: Door) -> None:
    """The loop reports it a hundred times a second; anything else it reports is logged as ever."""
    handler = asyncio.get_running_loop().get_exception_handler()
    assert handler is not None
    context = {
        "message": "socket.accept() out of system resource",
        "exception": OSError(24, "x"),
        "socket": None,
    }
    with capture_logs() as lines:
        for _ in range(100):
            handler(asyncio.get_running_loop(), context)
        await door.clock.advance(61)
        handler(asyncio.get_running_loop(), context)
    assert [(line["event"], line["times"]) for line in lines] == [
        ("endpoints.cannot_accept", 1),
        ("endpoints.cannot_accept", 100),
    ]
