"""Bringing a database to the newest schema, safely when several processes start at once.

A new database is made from the tables at once, one that is older by the revisions that it lacks. Alembic is
imported for the latter alone: it would cost every start some 60 ms and every process 7 MiB for as long as it
runs.
"""

import asyncio
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    insert,
    inspect,
    select,
    text,
)

from bot.store.database import address, by_itself
from bot.store.errors import StoreBroken, StoreUnavailable
from bot.store.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = "0020"
"""The last of them."""

_TRIES, _SECONDS_BETWEEN_TRIES = 20, 0.25

_REVISIONS = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


async def upgrade(database_url: str) -> None:
    """Create or upgrade the schema in one transaction. Raises `StoreError`.

    Repeatable. A second process that starts meanwhile waits for the first one.
    """
    url = address(database_url)
    for _ in range(_TRIES):
        try:
            return await by_itself(url, _upgrade)
        except StoreUnavailable as error:
            # SQLite lets nobody wait while another process makes a new file's journal.
            if "SQLITE_BUSY" not in str(error):
                raise
            await asyncio.sleep(_SECONDS_BETWEEN_TRIES)
    return await by_itself(url, _upgrade)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('schema', 0))"))
    if not inspect(connection).get_table_names():
        _create(connection)
    elif not _is_newest(connection):
        migrate(connection)


def _is_newest(connection: Connection) -> bool:
    if not inspect(connection).has_table(_REVISIONS.name):
        return False
    return connection.scalars(select(_REVISIONS.c.version_num)).all() == [NEWEST]


def _create(connection: Connection) -> None:
    """Make in an empty database what all revisions together make."""
    metadata.create_all(connection, checkfirst=False)
    _REVISIONS.create(connection)
    connection.execute(insert(_REVISIONS).values(version_num=NEWEST))


def migrate(connection: Connection, revision: str = "head") -> None:
    """Run the revisions that are due. Raises `StoreBroken`."""
    from alembic import command  # noqa: PLC0415 -- see the module's docstring
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise StoreBroken(f"the schema cannot be upgraded: {error}") from error
