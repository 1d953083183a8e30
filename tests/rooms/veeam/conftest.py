"""The scripted server, a clock that stands still, and a client between them."""

from collections.abc import AsyncIterator

import pytest

from bot.veeam import VeeamServer
from tests.rooms.veeam.scripted import ScriptedServer, client_of, scripted_server
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as server:
        yield server


@pytest.fixture
async def client(scripted: ScriptedServer, clock: FakeClock) -> AsyncIterator[VeeamServer]:
    async with client_of(scripted, clock) as found:
        yield found
