"""A simulated VBR, a clock that both sides go by, and an administrator's client."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.vbr import VbrSandbox, World
from bot.veeam import VeeamServer
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def world(clock: FakeClock) -> World:
    found = World(clock.now)
    found.add_job("SQL nightly")
    return found


@pytest.fixture
async def vbr(world: World) -> AsyncIterator[VbrSandbox]:
    async with VbrSandbox(world) as server:
        yield server


@pytest.fixture
async def client(vbr: VbrSandbox, clock: FakeClock) -> AsyncIterator[VeeamServer]:
    async with client_of(vbr, clock) as found:
        yield found
