"""The door to the database: addresses, transactions, errors, and the schema behind it."""

import asyncio
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text

from bot.store import Database, NewOutboxRow, Outbox, StoreBroken, StoreError, StoreUnavailable, upgrade
from bot.store.claims import Leases
from bot.store.database import address, by_itself
from bot.store.tables import leases, metadata
from bot.store.upgrade import MIGRATIONS, NEWEST, migrate
from tests.rooms.store.databases import Template
from tests.rooms.veeam.clients import wait_until

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sqlite:///veeam-bot.db", "sqlite+aiosqlite:///veeam-bot.db"),
        ("sqlite:////var/lib/bot.db", "sqlite+aiosqlite:////var/lib/bot.db"),
        ("postgres://bot:x@db/bot", "postgresql+asyncpg://bot:x@db/bot"),
        ("postgresql://db/bot", "postgresql+asyncpg://db/bot"),
        ("postgresql+asyncpg://db/bot", "postgresql+asyncpg://db/bot"),
        ("postgres://u:p@h/d?sslmode=require", "postgresql+asyncpg://u:p@h/d?ssl=require"),
    ],
)
def test_address(given: str, expected: str) -> None:
    """Each usual spelling of an address gets the driver that the bot brings."""
    assert address(given).render_as_string(hide_password=False) == expected


@pytest.mark.parametrize("given", ["mysql://db/bot", "no address", ""])
def test_address_of_another_kind(given: str) -> None:
    """A database that is not supported is refused before it is asked."""
    with pytest.raises(StoreBroken):
        address(given)


@pytest.mark.parametrize("query", ["", "?mode=rwc&uri=true"])
async def test_a_new_file_is_for_its_owner_alone(tmp_path: Path, query: str) -> None:
    """So are the files that SQLite puts beside it; one that is there already keeps its mode."""
    path = tmp_path / "made" / "bot.db"
    path.parent.mkdir()
    url = f"sqlite:///{'file:' if query else ''}{path}{query}"
    await upgrade(url)
    database = Database(url)
    assert await Leases(database).take("work", "me", NOON, 10.0)
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert modes == {"bot.db": 0o600, "bot.db-wal": 0o600, "bot.db-shm": 0o600}
    await database.close()
    path.chmod(0o640)
    await upgrade(url)
    assert path.stat().st_mode & 0o777 == 0o640


async def test_upgrade_makes_the_tables(template: Template) -> None:
    """A new database gets what the revisions make of an empty one; a second upgrade changes nothing."""
    new, migrated = template.empty(), template.empty()
    await upgrade(new)
    await upgrade(new)
    for url, prepare in ((new, None), (migrated, migrate)):
        if prepare is not None:
            await by_itself(address(url), prepare)
        assert await by_itself(address(url), _differences) == []
    assert await _schema(new) == await _schema(migrated)


def _differences(connection: Connection) -> object:
    return compare_metadata(MigrationContext.configure(connection), metadata)


_SCHEMAS = {
    "sqlite": """
        SELECT type, name, tbl_name FROM sqlite_master;
        SELECT name, replace(replace(sql, char(10), ' '), ' ', '') FROM sqlite_master WHERE type <> 'table';
        SELECT t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk
        FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table';
        SELECT version_num FROM alembic_version
    """,
    "postgresql": """
        SELECT table_name, column_name, data_type, is_nullable, column_default, character_maximum_length
        FROM information_schema.columns WHERE table_schema = 'public';
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public';
        SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal;
        SELECT prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace;
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace;
        SELECT version_num FROM alembic_version
    """,
}


async def _schema(url: str) -> list[set[tuple[object, ...]]]:
    """Everything in a database but its rows, and the order of columns."""
    database = Database(url)
    async with database.reading() as reading:
        queries = _SCHEMAS["sqlite" if url.startswith("sqlite") else "postgresql"].split(";")
        # Whatever stands after a colon would be taken for a parameter.
        statements = [text(query.replace("::", "\\:\\:")) for query in queries]
        found = [{tuple(row) for row in await reading.all(statement)} for statement in statements]
    await database.close()
    return found


def test_the_newest_revision_is_the_last_one() -> None:
    """Whether an upgrade is due is decided by this name, without asking Alembic."""
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [NEWEST]


@pytest.mark.parametrize("database", ["new", "known", "older"])
def test_alembic_is_imported_only_when_due(tmp_path: Path, database: str) -> None:
    """A start that has no revisions to run does without it, SQLite without PostgreSQL's dialect.

    All do without the ORM, but for Alembic, which brings it.
    """
    url = f"sqlite:///{tmp_path}/bot.db"
    if database == "known":
        asyncio.run(upgrade(url))
    if database == "older":
        asyncio.run(_migrated_to(url, "0001"))
    code = (
        "import asyncio, sys\n"
        "from bot import app\n"
        "from bot.store import upgrade\n"
        f"asyncio.run(upgrade({url!r}))\n"
        "costly = ('alembic', 'sqlalchemy.dialects.postgresql', 'sqlalchemy.orm')\n"
        "print([name for name in costly if name in sys.modules])\n"
    )
    printed = subprocess.run(  # noqa: S603 -- our own words
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    ).stdout
    # The revisions name both dialects' options.
    loaded = ["alembic", "sqlalchemy.dialects.postgresql"] if database == "older" else []
    assert printed.strip() == str(loaded)


async def _migrated_to(url: str, revision: str) -> None:
    await by_itself(address(url), lambda connection: migrate(connection, revision))


async def test_two_processes_upgrade_at_once(template: Template) -> None:
    """Replicas that start together bring the schema up once, and all of them start."""
    url = template.empty()
    await asyncio.gather(*(upgrade(url) for _ in range(4)))
    database = Database(url)
    await database.check()
    async with database.reading() as reading:
        assert await reading.all(select(leases)) == []
    await database.close()


async def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    """What a block wrote is undone when it raises, and what it raised comes out as it is."""
    outbox = Outbox(database)

    async def write() -> None:
        async with database.transaction() as transaction:
            await outbox.add(
                transaction, [NewOutboxRow(key="a", channel="C1", kind="k", body="{}", created_at=NOON)]
            )
            raise LookupError

    with pytest.raises(LookupError):
        await write()
    assert await outbox.waiting() == ()
    assert database.checked_out == 0


async def test_a_cancelled_transaction_leaves_nothing(database: Database) -> None:
    """A transaction that is cancelled in the middle is undone, and its connection is free again."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(leases.insert().values(name="a", holder="h", until=NOON))
            begun.set()
            await never.wait()

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        await begun.wait()
        writing.cancel()
    async with database.transaction() as transaction:
        assert await transaction.all(select(leases)) == []


async def test_times_are_aware_and_utc(database: Database) -> None:
    """A moment comes back aware and in UTC, whatever zone it was written in, to the microsecond."""
    moment = datetime.fromisoformat("2026-03-29T02:30:00.123456+02:00")
    async with database.transaction() as transaction:
        await transaction.execute(leases.insert().values(name="a", holder="h", until=moment))
        found = (await transaction.all(select(leases.c.until)))[0].until
    assert (found, found.tzinfo) == (moment, UTC)


async def test_a_naive_time_is_refused(database: Database) -> None:
    """A moment without a zone is a bug of ours, and never written."""
    with pytest.raises(StoreError):
        async with database.transaction() as transaction:
            await transaction.execute(
                leases.insert().values(name="a", holder="h", until=NOON.replace(tzinfo=None))
            )


async def test_a_missing_table_is_broken(template: Template) -> None:
    """A database without the schema is broken: trying again would not help."""
    database = Database(template.empty())
    with pytest.raises(StoreBroken):
        await Outbox(database).waiting()
    assert database.checked_out == 0
    await database.close()


async def test_a_unique_key_is_broken(database: Database) -> None:
    """A row that is refused for its key is a bug of ours, and an exception of the store's own."""
    row = {"name": "a", "holder": "h", "until": NOON}
    with pytest.raises(StoreBroken):
        async with database.transaction() as transaction:
            await transaction.execute(leases.insert(), [row, row])


async def test_no_server_is_unavailable() -> None:
    """A PostgreSQL that does not listen may do so later."""
    database = Database("postgresql://bot@127.0.0.1:1/bot")
    with pytest.raises(StoreUnavailable):
        await database.check()
    await database.close()


async def test_a_file_that_cannot_be_opened_is_unavailable() -> None:
    """A folder that is not there may be mounted later."""
    database = Database("sqlite:////nonexistent/folder/bot.db")
    with pytest.raises(StoreUnavailable):
        await database.check()
    await database.close()
    # The driver does not wait for the thread of a connection that was never made.
    await wait_until(lambda: not any("_connection_worker" in each.name for each in threading.enumerate()))


async def test_a_file_that_is_no_database_is_broken(tmp_path: object) -> None:
    """A damaged file is said to be broken."""
    file = f"{tmp_path}/bot.db"
    await asyncio.to_thread(_scribble, file)
    database = Database(f"sqlite:///{file}")
    with pytest.raises(StoreBroken):
        await database.check()
    await database.close()


def _scribble(file: str) -> None:
    with open(file, "wb") as out:  # noqa: PTH123 -- a plain path
        out.write(b"not a database at all" * 100)


def test_a_cancelled_opening_outlives_no_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is cancelled while it connects, no thread of the driver speaks to a loop that is closed."""
    escaped: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda hook: escaped.append(hook.exc_value))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.05)  # the threads lag behind, as on a busy machine
    try:
        for turns in range(20):
            asyncio.run(_cancelled_after(turns, tmp_path / "bot.db"))
    finally:
        sys.setswitchinterval(interval)
    assert escaped == []


async def _cancelled_after(turns: int, file: Path) -> None:
    database = Database(f"sqlite:///{file}")
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(database.now())
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
    await database.close()


async def test_a_lost_connection_is_unavailable(database: Database, database_url: str) -> None:
    """A connection that the server cuts fails this transaction; the next one works."""
    if "postgresql" not in database_url:
        pytest.skip("a file has no connection to lose")
    with pytest.raises(StoreUnavailable):
        async with database.transaction() as transaction:
            await transaction.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    async with database.reading() as reading:
        await reading.execute(text("SELECT 1"))
