"""A simulated VBR for each test; its every answer is checked against Veeam's documents, if at hand."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.vbr import Pace, VbrSandbox, World
from tests.rooms.sandbox.vbr.talking import Client, StillClock
from tests.support.conversations import violations


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
    assert violations(running) == []


@pytest.fixture
async def client(vbr: VbrSandbox) -> AsyncIterator[Client]:
    """An administrator, logged in."""
    async with Client(vbr) as connected:
        yield await connected.log_in()
