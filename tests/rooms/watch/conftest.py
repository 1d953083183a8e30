"""A watched server over a real database: SQLite, where a test does not ask for both."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.vbr import World
from bot.store import Database
from tests.rooms.store.databases import KINDS, Template, opened, template_of
from tests.rooms.watch.site import Site, site_of
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def world(clock: FakeClock) -> World:
    return World(clock.now)


@pytest.fixture
def database_url(database_templates: dict[str, Template]) -> str:
    return database_templates["sqlite"].new()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url) as found:
        yield found


@pytest.fixture
async def site(database: Database, clock: FakeClock, world: World) -> AsyncIterator[Site]:
    """A server without history, read once."""
    async with site_of(database, clock, world) as found:
        assert await found.poll() == []
        found.requests()
        yield found


@pytest.fixture(params=KINDS)
async def either_database(
    request: pytest.FixtureRequest, database_templates: dict[str, Template]
) -> AsyncIterator[Database]:
    """Each of both databases."""
    async with opened(template_of(request.param, database_templates).new()) as found:
        yield found
