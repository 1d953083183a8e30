"""The databases of the rooms that need PostgreSQL: one server for all of them."""

from collections.abc import Iterator

import pytest

from tests.rooms.store.databases import Template, templates


@pytest.fixture(scope="session")
def database_templates() -> Iterator[dict[str, Template]]:
    with templates() as found:
        yield found
