"""Every test of the store runs on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from bot.store import Database
from tests.rooms.store.databases import KINDS, Template, opened, template_of


@pytest.fixture(params=KINDS)
def template(request: pytest.FixtureRequest, database_templates: dict[str, Template]) -> Template:
    return template_of(request.param, database_templates)


@pytest.fixture
def database_url(template: Template) -> str:
    return template.new()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with opened(database_url) as found:
        yield found


@pytest.fixture
async def other(database_url: str, database: Database) -> AsyncIterator[Database]:
    """The same database as another process has it."""
    assert database.checked_out == 0
    async with opened(database_url) as found:
        yield found
