"""What can happen to the database under the running bot: it is noticed, and said to be the database's."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.store import Database, Leases, Outbox, StoreBroken, StoreError
from tests.rooms.store.databases import Template

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def file(database_url: str) -> Path:
    if not database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL is no file")
    return Path(database_url.removeprefix("sqlite:///"))


async def takes(database: Database) -> bool:
    return await Leases(database).take("poll/hq", "me", NOON, 60)


async def test_a_deleted_file_takes_no_writes(database: Database, file: Path) -> None:
    """What is written into it would be lost unseen. It is well again once the file is back."""
    assert await takes(database)
    away = file.with_suffix(".away")
    shutil.move(file, away)
    for ask in (database.check(), takes(database)):
        with pytest.raises(StoreBroken, match="was deleted while the bot was running: put the file back"):
            await ask
    shutil.move(away, file)
    assert await takes(database)
    await database.check()


async def test_another_file_in_its_place_is_noticed(
    database: Database, file: Path, template: Template
) -> None:
    """A backup that was moved there is not what the open connections have."""
    assert await takes(database)
    other = Path(template.new().removeprefix("sqlite:///"))
    shutil.move(other, file)
    with pytest.raises(StoreBroken, match="was replaced while the bot was running"):
        await database.check()


async def test_tables_that_are_gone_are_noticed(database: Database) -> None:
    """A database that was emptied, or made anew, answers and has nothing of the bot's."""
    await database.check()
    async with database.transaction() as transaction:
        await transaction.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(StoreBroken, match="its tables are gone: restore a backup"):
        await database.check()


@pytest.mark.usefixtures("file")
async def test_a_full_disk_is_noticed_until_a_write_succeeds(database: Database) -> None:
    """Reading still works on a full disk: how the latest write went is what counts."""
    await grow(database, "max_page_count=1")
    with pytest.raises(StoreError):
        await fill(database)
    await Outbox(database).claim("me", NOON, 60, 10)  # there is nothing to claim, so nothing is written
    with pytest.raises(StoreError, match=r"SQLITE_FULL: database or disk is full; make room on its disk"):
        await database.check()
    await grow(database, "max_page_count=100000")
    assert await takes(database)
    await database.check()


async def grow(database: Database, pragma: str) -> None:
    """How many pages the one connection may write."""
    async with database.reading() as reading:
        await reading.execute(text(f"PRAGMA {pragma}"))


async def fill(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.execute(text("CREATE TABLE filling AS SELECT zeroblob(1000000) AS room"))
