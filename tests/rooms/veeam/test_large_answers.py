"""What a server sends is read up to a limit, whatever it sends: bombs, bodies without end, other packings."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from bot.observability import Metrics
from bot.settings import ServerName
from bot.veeam import AnswerLost, Connection, NotAllowed, UnexpectedAnswer, VeeamError
from bot.veeam.http import ApiRequest, ApiResponse, HttpClient, error_in
from tests.support.clock import FakeClock

HQ = ServerName("hq")
MEBIBYTE = 2**20
READ = ApiRequest.get("/api/v1/jobs/states")
CHANGE = ApiRequest.change("POST", "/api/v1/jobs/1/start")
Sends = Callable[[web.StreamResponse], Awaitable[None]]


def packed(size: int, times: int = 1) -> bytes:
    """So many zeros, packed so often."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    body = b"".join([*(packer.compress(bytes(MEBIBYTE)) for _ in range(size // MEBIBYTE)), packer.flush()])
    return body if times == 1 else gzip.compress(body)


@dataclass
class OddServer:
    """Answers every request with these headers and this status, and what `sends` writes."""

    sends: Sends
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            status=self.status, headers={"Content-Type": "application/json", **self.headers}
        )
        await response.prepare(request)
        try:
            await self.sends(response)
        except (ConnectionError, asyncio.CancelledError):
            self.cut.set()
            raise
        return response


@asynccontextmanager
async def client_of(odd: OddServer) -> AsyncIterator[HttpClient]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", odd.answer)
    async with TestServer(app) as server:
        connection = Connection(HQ, str(server.make_url("")), "svc", SecretStr("x"))
        client = HttpClient(connection, FakeClock(), Metrics(), api_version=lambda: "1.3-rev0")
        try:
            yield client
        finally:
            await client.close()


async def endless(response: web.StreamResponse) -> None:
    while True:
        await response.write(bytes(MEBIBYTE))


def sending(body: bytes) -> Sends:
    async def send(response: web.StreamResponse) -> None:
        await response.write(body)

    return send


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("request_", "kind"), [(READ, UnexpectedAnswer), (CHANGE, AnswerLost)])
@pytest.mark.parametrize("is_bomb", [True, False], ids=["bomb", "endless"])
async def test_a_body_without_end_is_cut(
    request_: ApiRequest, kind: type[VeeamError], *, is_bomb: bool
) -> None:
    """Much that is packed, or no end at all: it is cut at the limit, and so is the memory it takes."""
    bomb = packed(128 * MEBIBYTE) if is_bomb else b""
    odd = OddServer(sending(bomb), headers={"Content-Encoding": "gzip"}) if is_bomb else OddServer(endless)
    async with client_of(odd) as client:
        tracemalloc.start()
        try:
            with pytest.raises(kind, match="more than 16,777,216 bytes"):
                await client.send(request_)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        if not is_bomb:
            async with asyncio.timeout(10):
                await odd.cut.wait()
    assert peak < 96 * MEBIBYTE


async def test_a_bomb_in_a_bomb_is_not_unpacked() -> None:
    """Only what was asked for is unpacked, once."""
    odd = OddServer(sending(packed(64 * MEBIBYTE, times=2)), headers={"Content-Encoding": "gzip, gzip"})
    async with client_of(odd) as client:
        with pytest.raises(UnexpectedAnswer, match="packed as"):
            await client.send(READ)


async def test_a_long_refusal_stays_a_refusal() -> None:
    """Its status counts, and its beginning is enough."""
    async with client_of(OddServer(endless, status=403)) as client:
        response = await client.send(READ)
    assert isinstance(error_in(response, HQ, changes=False), NotAllowed)
    assert len(response.body) == 64 * 1024


async def test_a_packed_answer_is_read() -> None:
    """VBR and proxies pack what is long."""
    odd = OddServer(sending(gzip.compress(b'{"data": []}')), headers={"Content-Encoding": "gzip"})
    async with client_of(odd) as client:
        assert (await client.send(READ)) == ApiResponse(200, b'{"data": []}', "application/json")


async def test_an_absurd_retry_after_is_an_hour() -> None:
    """And no number that breaks whoever shows it."""
    odd = OddServer(sending(b"{}"), status=429, headers={"Retry-After": "9" * 400})
    async with client_of(odd) as client:
        response = await client.send(READ)
    assert response.retry_after_seconds == 3600
