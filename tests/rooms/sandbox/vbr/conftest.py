"""A simulated VBR for each test; its every answer is checked against Veeam's document, if at hand."""

from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import pytest

from bot.sandbox.vbr import Pace, VbrSandbox, World
from tests.rooms.sandbox.vbr.talking import VERSION, Client, StillClock
from tests.support.openapi import OpenApi, document_path


@cache
def _loaded(path: Path) -> OpenApi:
    return OpenApi.load(path)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def world(clock: StillClock) -> World:
    return World(clock, pace=Pace(run_seconds=(100.0, 100.0), stop_seconds=30.0, housekeeping=False))


@pytest.fixture
async def vbr(world: World) -> AsyncIterator[VbrSandbox]:
    async with VbrSandbox(world) as running:
        yield running
    path = document_path()
    if path is not None:
        assert _violations(_loaded(path), running) == []


@pytest.fixture
async def client(vbr: VbrSandbox) -> AsyncIterator[Client]:
    """An administrator, logged in."""
    async with Client(vbr) as connected:
        yield await connected.log_in()


def _violations(document: OpenApi, vbr: VbrSandbox) -> list[str]:
    found: list[str] = []
    for request in vbr.requests:
        is_pinned = request.headers.get("x-api-version") == VERSION["x-api-version"]
        if request.status is None or request.was_faulty or not is_pinned:
            continue
        found += document.check_answer(request.method, request.path, request.status, request.answer)
        if request.status < 300 and not request.path.startswith("/api/oauth2/"):
            found += document.check_request(request.method, request.path, request.query.items(), request.body)
    return found
