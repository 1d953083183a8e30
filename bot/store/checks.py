"""Whether the database is ready for the bot: reachable, of a schema this release knows, writable.

Leaves nothing behind: what it writes is undone, and a SQLite file that is not there yet is not made.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import URL
from sqlalchemy.util import greenlet_spawn

from bot.observability import CheckResult, CheckStatus, Clock, skew
from bot.store.database import address, engine, read_clock, sqlite_file
from bot.store.errors import StoreError, StoreUnavailable, translated
from bot.store.upgrade import MIGRATIONS

LIMIT_SECONDS = 20.0
PART = "database"
# PostgreSQL's own codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_WORDS_BY_STATE = {
    "28P01": ("It refuses the password.", "Correct user and password in DATABASE_URL."),
    "28000": (
        "It does not let this user in from here.",
        "Let the user in from this machine (pg_hba.conf), or correct DATABASE_URL.",
    ),
    "3D000": (
        "There is no database of this name.",
        "Create the database, or correct its name in DATABASE_URL.",
    ),
    "42501": (
        "This user may not make tables in it.",
        "Let the user of DATABASE_URL create and change tables in its schema.",
    ),
    "25006": ("It only reads.", "Point DATABASE_URL at the primary, where it can be written."),
    "53300": ("It has no connection left.", "Raise max_connections, or end what holds the connections."),
}
_SQLITE_ADVICE = (
    "Let the bot's user read and write the file of DATABASE_URL and its folder, with room on the disk."
)
_POSTGRESQL_ADVICE = "Check host, port, user and database of DATABASE_URL, and that PostgreSQL runs there."


async def check_database(database_url: str, clock: Clock) -> tuple[CheckResult, ...]:
    """Look at the database, and compare its clock with this machine's, within 20 seconds.

    Never raises `StoreError`: what went wrong is a result.
    """
    try:
        url = address(database_url)
    except StoreError as error:
        return (_problem("address", f"It cannot be used: {error}.", "Correct DATABASE_URL."),)
    new_file = _missing_file(url)
    if new_file is not None:
        return (_check_new_file(new_file),)
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            return await _check(url, clock)
    except StoreError as error:
        return (_problem(_name(url), *_detail_and_advice(url, error)),)
    except TimeoutError:
        detail = f"It does not answer within {LIMIT_SECONDS:.0f} seconds."
        return (_problem(_name(url), detail, _detail_and_advice(url, StoreUnavailable())[1]),)


def is_missing(database_url: str) -> bool:
    """Whether it is a SQLite file that is not there, and that opening would make. Raises `StoreBroken`."""
    return _missing_file(address(database_url)) is not None


async def _check(url: URL, clock: Clock) -> tuple[CheckResult, ...]:
    answers = CheckResult(PART, _name(url), CheckStatus.OK, "It answers.")
    made = engine(url)
    try:
        async with _connected(made) as connection:
            with translated():
                schema = await greenlet_spawn(_check_schema, connection)
            if schema.status is CheckStatus.PROBLEM:
                return answers, schema
            skewed = _check_clock(await read_clock(connection) - clock.now(), url)
            return answers, schema, *skewed, await _check_writing(connection, url)
    finally:
        await greenlet_spawn(made.dispose)


@asynccontextmanager
async def _connected(made: Engine) -> AsyncIterator[Connection]:
    """A connection whose transaction is undone at the end. Raises `StoreError`."""
    with translated():
        connection = await greenlet_spawn(made.connect)
    try:
        yield connection
    finally:
        with suppress(StoreError), translated():
            await greenlet_spawn(connection.close)


def _check_clock(ahead: timedelta, url: URL) -> tuple[CheckResult, ...]:
    """Judge PostgreSQL's clock; SQLite has none of its own."""
    if url.get_backend_name() == "sqlite":
        return ()
    off = skew(ahead, "this machine's")
    if off is None:
        return (CheckResult(PART, "clock", CheckStatus.OK, "It agrees with this machine's."),)
    advice = "Have both machines set their clocks by a time server."
    return (CheckResult(PART, "clock", CheckStatus.WARNING, f"It is {off}.", advice),)


async def _check_writing(connection: Connection, url: URL) -> CheckResult:
    """Make and fill a table, which `upgrade` must be able to as well; the transaction is undone."""

    def write() -> None:
        connection.execute(text("CREATE TABLE veeam_bot_check (id INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO veeam_bot_check VALUES (1)"))
        connection.rollback()

    try:
        with translated():
            await greenlet_spawn(write)
    except StoreError as error:
        return _problem("writing", *_detail_and_advice(url, error))
    return CheckResult(PART, "writing", CheckStatus.OK, "Tables can be made and written.")


def _check_schema(connection: Connection) -> CheckResult:
    # For the check alone: the bot runs without Alembic, see `bot.store.upgrade`.
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    scripts = ScriptDirectory(str(MIGRATIONS))
    there = MigrationContext.configure(connection).get_current_heads()
    if not there:
        return CheckResult(PART, "schema", CheckStatus.OK, "There is none yet; the first start makes it.")
    if set(there) == set(scripts.get_heads()):
        return CheckResult(PART, "schema", CheckStatus.OK, "It is this release's.")
    try:
        for revision in there:
            scripts.get_revision(revision)
    except CommandError:
        return _problem(
            "schema",
            f"It is {', '.join(there)}, which this release does not know: a newer release made it.",
            "Install that release or a newer one, or restore the database's backup from before it.",
        )
    detail = "It is an older release's; the next start upgrades it."
    advice = "Make a backup of the database first. `veeam-bot db upgrade` upgrades it now."
    return CheckResult(PART, "schema", CheckStatus.WARNING, detail, advice)


def _missing_file(url: URL) -> Path | None:
    """The SQLite file that connecting would make; None for one that is there, and for other databases."""
    file = sqlite_file(url)
    return None if file is None or file.exists() else file


def _check_new_file(file: Path) -> CheckResult:
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            return CheckResult(
                PART, str(file), CheckStatus.OK, "It is not there yet; the first start can make it."
            )
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        detail = f"It is not there, and no file can be made in {file.parent.absolute()}: {reason}."
        return _problem(
            str(file), detail, "Make the folder, and let the bot's user write in it; or correct DATABASE_URL."
        )


def _name(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return url.database or "in memory"
    return f"{url.database} on {url.host or 'this machine'}:{url.port or 5432}"


def _detail_and_advice(url: URL, error: StoreError) -> tuple[str, str]:
    for state, words in _WORDS_BY_STATE.items():
        if f"({state})" in str(error):
            return words
    advice = _SQLITE_ADVICE if url.get_backend_name() == "sqlite" else _POSTGRESQL_ADVICE
    return f"It cannot be used: {error}.", advice


def _problem(subject: str, detail: str, advice: str) -> CheckResult:
    return CheckResult(PART, subject, CheckStatus.PROBLEM, detail, advice)
