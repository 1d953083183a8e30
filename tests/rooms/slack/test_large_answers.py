"""What Slack sends is read up to a limit, and what it asks for is granted within reason."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.observability import Metrics
from bot.slack import web_api
from bot.slack.errors import SlackAnswerLost, SlackRateLimited
from bot.slack.web_api import WebApi, open_web_api
from tests.support.clock import FakeClock
from tests.support.settings_files import ENVIRONMENT, read

MEBIBYTE = 2**20
Sends = Callable[[web.StreamResponse], Awaitable[None]]


@dataclass
class OddSlack:
    """Answers every call with these headers and this status, and what `sends` writes."""

    sends: Sends
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "application/json", **self.headers}
        response = web.StreamResponse(status=self.status, headers=headers)
        await response.prepare(request)
        await self.sends(response)
        return response


@asynccontextmanager
async def calling(slack: OddSlack, folder: Path) -> AsyncIterator[WebApi]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", slack.answer)
    async with TestServer(app) as server:
        slack.url = str(server.make_url("/api/"))
        settings = read(folder, environ={**ENVIRONMENT, "SLACK_API_URL": slack.url})
        async with open_web_api(settings.slack, clock=FakeClock(), metrics=Metrics()) as api:
            yield api


async def endless(response: web.StreamResponse) -> None:
    while True:
        await response.write(bytes(MEBIBYTE))


def sending(body: bytes) -> Sends:
    async def send(response: web.StreamResponse) -> None:
        await response.write(body)

    return send


async def post(api: WebApi) -> None:
    await api.write("chat.postMessage", {"channel": "C0A", "text": "x"})


async def respond(api: WebApi, slack: OddSlack) -> None:
    await api.respond(slack.url, {"text": "x"})


def bomb() -> OddSlack:
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    body = b"".join([*(packer.compress(bytes(MEBIBYTE)) for _ in range(128)), packer.flush()])
    return OddSlack(sending(body), headers={"Content-Encoding": "gzip"})


@pytest.mark.timeout(60)
@pytest.mark.parametrize("is_response_url", [False, True], ids=["method", "response_url"])
@pytest.mark.parametrize("is_bomb", [True, False], ids=["bomb", "endless"])
async def test_a_body_without_end_is_cut(tmp_path: Path, *, is_bomb: bool, is_response_url: bool) -> None:
    """It ends at the limit, and so does the memory it takes; whether Slack did it is not known.

    Of a response URL's answer the status alone is read.
    """
    slack = bomb() if is_bomb else OddSlack(endless)
    async with calling(slack, tmp_path) as api:
        tracemalloc.start()
        try:
            if is_response_url:
                await respond(api, slack)
            else:
                with pytest.raises(SlackAnswerLost, match="AnswerTooLarge"):
                    await post(api)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 96 * MEBIBYTE


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"[" * 200_000, {}),
        (b"{", {}),
        (b'{"ok": true, "n": ' + b"9" * 5000 + b"}", {}),
        (b"\xff\xfe{", {"Content-Type": "application/json; charset=utf-8"}),
        (gzip.compress(b"{}"), {"Content-Encoding": "br"}),
        (b"{}", {"Content-Encoding": "gzip"}),
    ],
    ids=["deep", "cut", "digits", "letters", "packing", "unpacked"],
)
async def test_what_cannot_be_read_is_an_answer_lost(
    tmp_path: Path, body: bytes, headers: dict[str, str]
) -> None:
    """No answer of Slack's is a fault of the bot's own."""
    async with calling(OddSlack(sending(body), headers=headers), tmp_path) as api:
        with pytest.raises(SlackAnswerLost):
            await post(api)


async def dripping(response: web.StreamResponse) -> None:
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.01)


async def test_an_answer_that_drips_has_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for the whole answer: a delivery's claim outlives every call."""
    monkeypatch.setattr(web_api, "TIMEOUT_SECONDS", 0.3)
    async with asyncio.timeout(5), calling(OddSlack(dripping), tmp_path) as api:
        with pytest.raises(SlackAnswerLost, match="TimeoutError"):
            await post(api)


async def test_a_packed_answer_is_read(tmp_path: Path) -> None:
    """Slack packs what is long."""
    slack = OddSlack(
        sending(gzip.compress(b'{"ok": true, "ts": "1.2"}')), headers={"Content-Encoding": "gzip"}
    )
    async with calling(slack, tmp_path) as api:
        assert (await api.read("auth.test", {}))["ts"] == "1.2"


@pytest.mark.parametrize("body", [b'{"ok": false, "error": "ratelimited"}', b"busy"], ids=["json", "text"])
@pytest.mark.parametrize(
    ("asked", "waited", "is_logged"),
    [
        ("7", 7.0, False),
        ("0", 0.5, False),
        ("-3", 0.5, False),
        ("soon", 1.0, False),
        ("\u00b2".encode().decode("latin-1"), 1.0, False),
        ("999999999", 600.0, True),
        ("9" * 400, 600.0, True),
        ("inf", 600.0, True),
        ("nan", 600.0, True),
    ],
)
async def test_a_wait_that_slack_asks_for_is_within_reason(
    tmp_path: Path, body: bytes, asked: str, waited: float, *, is_logged: bool
) -> None:
    """Ten minutes are the longest, and the log says so; what makes no sense is a second."""
    slack = OddSlack(sending(body), status=429, headers={"Retry-After": asked})
    with structlog.testing.capture_logs() as logged:
        async with calling(slack, tmp_path) as api:
            with pytest.raises(SlackRateLimited) as caught:
                await post(api)
    assert caught.value.retry_after_seconds == waited
    assert [line["wait_seconds"] for line in logged if line["event"] == "slack.wait_capped"] == (
        [600.0] if is_logged else []
    )
