from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.rooms.sandbox.page.room import Room, ScriptedPeople


@pytest_asyncio.fixture(loop_scope="module")
async def room() -> AsyncIterator[Room]:
    made = Room()
    async with made.page:
        yield made


@pytest.fixture
def people(room: Room) -> ScriptedPeople:
    return room.people
