"""What the store raises.

StoreError
├─ LeaseLost          another process does this piece of work by now (claims.py)
├─ StoreUnavailable   locked, full, unreachable, connection lost: nothing was written, or it is not known
│                     whether the commit arrived; the same may work a moment later
└─ StoreBroken        refused for good: wrong address or password, missing table, damaged file, a bug of ours

None of SQLAlchemy's exceptions, nor the drivers', crosses the edge of this room.
"""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

_PASSING_SQLITE = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_NOMEM",
)
_SQLITE_ADVICE = {
    "SQLITE_FULL": "; make room on its disk",
    "SQLITE_IOERR": "; see whether its disk is full or broken, and make room on its disk",
    "SQLITE_READONLY": "; let the bot's user write the file and its folder",
    "SQLITE_CANTOPEN": "; let the bot's user read and write the file and its folder",
}
# Connection, rollback, resources, not now, intervention:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING_POSTGRESQL = ("08", "40", "53", "55", "57")


class StoreError(Exception):
    """The database could not be asked."""

    may_retry = False


class StoreUnavailable(StoreError):
    """The database does not answer at the moment."""

    may_retry = True


class StoreBroken(StoreError):
    """The database refuses, and will refuse again."""


@contextmanager
def translated() -> Iterator[None]:
    """Let only `StoreError`s out of a block that talks to the database."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _of_driver(error) from error
    except exc.TimeoutError as error:
        raise StoreUnavailable("no connection free in time") from error
    except exc.SQLAlchemyError as error:
        raise StoreBroken(type(error).__name__) from error
    except OSError as error:
        raise StoreUnavailable(f"cannot connect: {type(error).__name__}") from error
    except _of_asyncpg("PostgresError") as error:
        raise _of_state(getattr(error, "sqlstate", None), type(error).__name__) from error
    except _of_asyncpg("InterfaceError") as error:
        raise StoreUnavailable(f"cannot connect: {type(error).__name__}") from error


def _of_asyncpg(name: str) -> type[BaseException] | tuple[()]:
    """What PostgreSQL's driver raises while it connects. SQLAlchemy loads it where it is used, 2 MiB."""
    kind: type[BaseException] | tuple[()] = getattr(sys.modules.get("asyncpg"), name, ())
    return kind


def _of_driver(error: exc.DBAPIError) -> StoreError:
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(original)
    if error.connection_invalidated:
        return StoreUnavailable("connection lost")
    return _of_state(getattr(original, "sqlstate", None), type(original).__name__)


def _of_sqlite(error: sqlite3.Error) -> StoreError:
    # The driver sets the name only where SQLite itself refused.
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    kind = StoreUnavailable if name.startswith(_PASSING_SQLITE) else StoreBroken
    advice = next((words for start, words in _SQLITE_ADVICE.items() if name.startswith(start)), "")
    return kind(f"{name}: {error}{advice}")


def _of_state(sqlstate: str | None, name: str) -> StoreError:
    if sqlstate is None:
        return StoreUnavailable(name)
    kind = StoreUnavailable if sqlstate.startswith(_PASSING_POSTGRESQL) else StoreBroken
    return kind(f"{name} ({sqlstate})")
