"""The only way to the database: an engine, and transactions that raise the store's own errors.

Knows neither what is kept (the modules beside it) nor where the settings come from.

The drivers are those of asyncio: what asks the database runs in `greenlet_spawn` and doesn't block the loop.
That is what SQLAlchemy's `ext.asyncio` does, but it brings the ORM: 8 MiB for as long as the bot runs.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    Engine,
    Executable,
    MetaData,
    Table,
    Text,
    UpdateBase,
    create_engine,
    event,
    literal_column,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Row
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import greenlet_spawn

from bot.observability import Clock, RemoteClock
from bot.store.errors import StoreBroken, StoreError, StoreUnavailable, translated

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

T = TypeVar("T")

_WAIT_FOR_LOCK_SECONDS = 5
_FEW = 4
_CONNECT_SECONDS = 10
_STATEMENT_SECONDS = 60
_READ_ONLY = "veeam_bot_read_only"
_SCHEMA = Table("alembic_version", MetaData(), Column("version_num", Text))
_NO_TABLES = "its tables are gone: restore a backup of it, or restart the bot to begin with an empty one"
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}


def address(database_url: str) -> URL:
    """Return the address with its asynchronous driver; raises `StoreBroken` for other databases."""
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise StoreBroken("the address of the database cannot be read") from error
    family = url.drivername.partition("+")[0]
    if family not in _DRIVERS:
        raise StoreBroken(f"a database of the kind {family!r} is not supported")
    # libpq's word for it, as providers of managed databases write it; the driver says `ssl`.
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    return url.set(drivername=_DRIVERS[family], query=query)


class Transaction:
    """One open transaction: committed when its block ends well, undone when it does not."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.on_commit: set[asyncio.Event] = set()
        """Set once what was written can be read by others; never, if it is undone."""
        self.has_written = False
        """Whether a statement changed a row: only then does the database's disk matter."""

    def insert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        """Return an INSERT that knows ON CONFLICT."""
        if self._connection.dialect.name == "postgresql":
            # There already, with the driver; on SQLite it would only take its 2 MiB.
            from sqlalchemy.dialects import postgresql  # noqa: PLC0415

            return postgresql.insert(table)
        return sqlite.insert(table)

    async def execute(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run one statement, once with these values for its parameters, or for each of several."""
        with translated():
            result = await greenlet_spawn(self._connection.execute, statement, values)
        self.has_written |= isinstance(statement, UpdateBase) and result.rowcount > 0
        return result

    async def all(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Run a statement, with these values for its parameters, and return its rows."""
        return (await self.execute(statement, values)).all()

    async def values(self, statement: Executable) -> tuple[dict[str, Any], ...]:
        """Run a statement and return its rows, each by the names of its columns."""
        return tuple(dict(row) for row in (await self.execute(statement)).mappings())

    async def first(self, statement: Executable) -> Row[Any] | None:
        """Run a statement and return its first row."""
        return (await self.execute(statement)).first()

    async def claim(self, statement: UpdateBase) -> bool:
        """Run one INSERT, UPDATE or DELETE; return whether it changed a row.

        That is how everything is claimed here: of two transactions that run the same statement one wins.
        """
        return await self.first(statement.returning(literal_column("1"))) is not None

    async def now(self) -> datetime:
        """Read the database's own clock."""
        return await read_clock(self._connection)

    async def serialise(self, name: str) -> None:
        """Let no other transaction past this line under the same name until this one ends.

        On SQLite a writing transaction is alone from its beginning; PostgreSQL takes an advisory lock.
        """
        if self._connection.dialect.name == "postgresql":
            await self.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))").bindparams(name=name)
            )


class Database:
    """The database, on SQLite or PostgreSQL. Its tables are made by `upgrade`, not here."""

    def __init__(self, database_url: str) -> None:
        url = address(database_url)
        self._engine = engine(url)
        self._file = sqlite_file(url)
        self._file_identity: tuple[int, int] | None = None
        self._write_failure: StoreError | None = None
        self._given_up: set[asyncio.Task[None]] = set()
        # SQLite has one writer; queueing here is fair, where waiting for the file's lock is not.
        self._writers = asyncio.Lock() if self._engine.dialect.name == "sqlite" else None
        self.few = asyncio.Semaphore(_FEW)
        """For transactions that wait for each other while they hold a connection: others need some, too."""
        self.outbox_changed = asyncio.Event()
        """Set when this process has committed rows to the outbox; the sender clears it."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Write: all of the block or nothing. Never open one inside another. Raises `StoreError`."""
        try:
            async with self._turn(), self._begun(self._engine) as transaction:
                yield transaction
        except (StoreBroken, StoreUnavailable) as error:
            self._write_failure = error
            raise
        if transaction.has_written:
            self._write_failure = None

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait in line, but not behind everything that waits for a lock in vain."""
        if self._writers is None:
            yield
            return
        try:
            async with asyncio.timeout(_WAIT_FOR_LOCK_SECONDS):
                await self._writers.acquire()
        except TimeoutError as error:
            raise StoreUnavailable("no turn to write in time") from error
        try:
            yield
        finally:
            self._writers.release()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Read, without waiting for a transaction that writes. Raises `StoreError`."""
        async with self._begun(self._engine.execution_options(**{_READ_ONLY: True})) as transaction:
            yield transaction

    @asynccontextmanager
    async def _begun(self, source: Engine) -> AsyncIterator[Transaction]:
        self._check_file()
        connection = await self._connected(source)
        try:
            self._check_file()  # the first connection makes a file that was not there
            with translated():
                begun = await greenlet_spawn(connection.begin)
            transaction = Transaction(connection)
            yield transaction
            with translated():
                await greenlet_spawn(begun.commit)
            for committed in transaction.on_commit:
                committed.set()
        finally:
            # Undoes what was not committed. What is committed stays so, whatever closing says.
            with suppress(StoreError), translated():
                await asyncio.shield(greenlet_spawn(connection.close))

    async def _connected(self, source: Engine) -> Connection:
        """Connect. Whoever is cancelled meanwhile need not wait; the connection is closed once it is there.

        aiosqlite leaves a connection whose opening was cut to a thread, which may outlive the loop.
        """
        opening = asyncio.ensure_future(greenlet_spawn(source.connect))  # noqa: TID251 -- outlives who began it
        try:
            with translated():
                return await asyncio.shield(opening)
        except asyncio.CancelledError:
            given_up = asyncio.create_task(_close_once_open(opening))  # noqa: TID251 -- `close` waits for it
            self._given_up.add(given_up)
            given_up.add_done_callback(self._given_up.discard)
            raise

    def _check_file(self) -> None:
        """Raise `StoreBroken` where the SQLite file is no longer the one that was opened.

        What is written into a deleted file is lost with the process, and nobody would notice.
        """
        if self._file is None:
            return
        try:
            found = self._file.stat()
        except OSError:
            identity = None
        else:
            identity = (found.st_dev, found.st_ino)
        if self._file_identity is None:
            self._file_identity = identity
        elif identity != self._file_identity:
            raise StoreBroken(
                f"{self._file} was {'replaced' if identity else 'deleted'} while the bot was running: "
                "put the file back, or restart the bot to go on with what is there"
            )

    async def check(self) -> None:
        """Raise `StoreError` unless the database answers, has the bot's tables, and took the latest write.

        Of a full disk only writes tell; the leases are written at every poll.
        """
        async with self.reading() as reading:
            try:
                schema = await reading.all(select(_SCHEMA.c.version_num))
            except StoreBroken as error:
                raise StoreBroken(_NO_TABLES) from error
        if not schema:
            raise StoreBroken(_NO_TABLES)
        if self._write_failure is not None:
            raise type(self._write_failure)(str(self._write_failure))

    async def now(self) -> datetime:
        """Read the database's own clock; SQLite's is that of the machine it runs on. Raises `StoreError`."""
        async with self.reading() as reading:
            return await reading.now()

    @property
    def has_own_clock(self) -> bool:
        """Whether its clock may differ from this machine's."""
        return self._writers is None

    @property
    def checked_out(self) -> int:
        """How many connections are in use."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    async def close(self) -> None:
        """Close every connection."""
        if self._given_up:
            await asyncio.wait(self._given_up, timeout=_CONNECT_SECONDS)
        await greenlet_spawn(self._engine.dispose)


async def _close_once_open(opening: asyncio.Future[Connection]) -> None:
    with suppress(StoreError), translated():
        await greenlet_spawn((await opening).close)


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for one in memory or named by a URI, and for others."""
    name = url.database if url.get_backend_name() == "sqlite" else None
    return None if not name or name == ":memory:" or name.startswith("file:") else Path(name)


class DatabaseClock:
    """A `Clock` that tells the database's time, so that every replica goes by the same one.

    Its time passes by this machine's monotonic clock, from one reading to the next: a change of this
    machine's time of day doesn't touch it. Until the first reading it tells this machine's.
    """

    def __init__(self, own: Clock) -> None:
        self._own = own
        self._remote = RemoteClock(own)

    async def read(self, database: Database) -> None:
        """Set it by the database's clock; off by at most half the time this takes. Raises `StoreError`."""
        asked_at = self._own.monotonic()
        now = await database.now()
        self._remote.heard(now + timedelta(seconds=(self._own.monotonic() - asked_at) / 2))

    def now(self) -> datetime:
        """The database's time of day, aware, in UTC."""
        return self._remote.now() or self._own.now()

    def monotonic(self) -> float:
        """Seconds by this machine's monotonic clock."""
        return self._own.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep by this machine's monotonic clock."""
        await self._own.sleep(seconds)


async def read_clock(connection: Connection) -> datetime:
    """Read the database's own clock, as it is now and not when the transaction began. Raises `StoreError`."""
    is_postgresql = connection.dialect.name == "postgresql"
    query = "SELECT clock_timestamp()" if is_postgresql else "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"
    with translated():
        found = (await greenlet_spawn(connection.execute, text(query))).scalar_one()
    moment: datetime = found if is_postgresql else datetime.fromisoformat(found).replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def engine(url: URL) -> Engine:
    """Return an engine for an address made by `address`; it is used in `greenlet_spawn` alone."""
    if url.get_backend_name() == "sqlite":
        made = create_engine(url, connect_args={"timeout": _WAIT_FOR_LOCK_SECONDS})
        event.listen(made, "do_connect", _make_private)
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_sqlite)
        return made
    return create_engine(
        url,
        connect_args={"timeout": _CONNECT_SECONDS, "command_timeout": _STATEMENT_SECONDS},
        pool_pre_ping=True,
        pool_timeout=_CONNECT_SECONDS,
    )


async def by_itself(url: URL, do: Callable[[Connection], T]) -> T:
    """Return what `do` returns, within one transaction of an engine of its own. Raises `StoreError`."""
    made = engine(url)

    def begun() -> T:
        with made.begin() as connection:
            return do(connection)

    try:
        with translated():
            return await greenlet_spawn(begun)
    finally:
        await greenlet_spawn(made.dispose)


def _make_private(_dialect: object, _record: object, arguments: Sequence[Any], _named: object) -> None:
    """Make a file that is not there yet for its owner alone; SQLite gives its -wal and -shm the same mode."""
    name = str(arguments[0]) if arguments else ""
    if name.startswith("file:"):
        parts = urlsplit(name)
        if dict(parse_qsl(parts.query)).get("mode", "rwc") != "rwc":
            return
        name = unquote(parts.path)
    if not name or name == ":memory:":
        return
    # Where it can't be made, SQLite says so itself.
    with suppress(OSError):
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver would begin transactions late: that is switched off, and `_begin_sqlite` begins them.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
    except sqlite3.Error:
        connection.close()  # nothing else has it yet, and it holds a thread
        raise


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later is refused if another one wrote meanwhile.
    reads = connection.get_execution_options().get(_READ_ONLY)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
