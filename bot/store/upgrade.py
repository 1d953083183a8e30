"""Bringing a database to the newest schema, safely when several processes start at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text

from bot.store.database import address, engine
from bot.store.errors import StoreBroken, translated

MIGRATIONS = Path(__file__).parent / "migrations"


async def upgrade(database_url: str) -> None:
    """Create or upgrade the schema in one transaction. Raises `StoreError`.

    Repeatable. A second process that starts meanwhile waits for the first one.
    """
    made = engine(address(database_url))
    try:
        with translated():
            async with made.begin() as connection:
                await connection.run_sync(_upgrade)
    except CommandError as error:
        raise StoreBroken(f"the schema cannot be upgraded: {error}") from error
    finally:
        await made.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('schema', 0))"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
