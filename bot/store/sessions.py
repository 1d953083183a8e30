"""How far each server's sessions were read, and which of them are known: told or found not worth telling."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from bot.store.database import Database, Transaction
from bot.store.tables import cursors, seen_sessions

_ASKED_AT_ONCE = 1000  # both databases limit a statement's parameters


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a server was read, on that server's clock.

    `read_to` is the latest end read; nothing that ended before `floor` is ever told; `checked_at` is when the
    server's list was last compared with what is known.
    """

    read_to: datetime
    floor: datetime
    checked_at: datetime | None = None


class Sessions:
    """Cursors and known sessions of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cursor(self, server: str) -> Cursor | None:
        """Return how far a server was read; None before its first poll."""
        async with self._database.reading() as reading:
            row = await reading.first(select(cursors).where(cursors.c.server == server))
        return None if row is None else Cursor(row.read_to, row.floor, row.checked_at)

    async def advance(self, transaction: Transaction, server: str, read_to: datetime) -> None:
        """Move a server's cursor forward; never backward, as an older process may still be writing."""
        await transaction.execute(
            update(cursors)
            .where(cursors.c.server == server, cursors.c.read_to < read_to)
            .values(read_to=read_to)
        )

    async def place(self, transaction: Transaction, server: str, cursor: Cursor) -> None:
        """Set a server's cursor, whatever it was."""
        values = {"read_to": cursor.read_to, "floor": cursor.floor, "checked_at": cursor.checked_at}
        await transaction.execute(
            transaction.insert(cursors)
            .values(server=server, **values)
            .on_conflict_do_update(index_elements=["server"], set_=values)
        )

    async def claim(self, transaction: Transaction, server: str, session_id: str, ended_at: datetime) -> bool:
        """Make a session known, in one statement. False: it is already, so that it is not told again."""
        won = await transaction.first(
            transaction.insert(seen_sessions)
            .values(server=server, session_id=session_id, ended_at=ended_at)
            .on_conflict_do_nothing(index_elements=["server", "session_id"])
            .returning(seen_sessions.c.session_id)
        )
        return won is not None

    async def unknown(self, server: str, session_ids: Collection[str]) -> frozenset[str]:
        """Return those of these sessions that are not known yet."""
        asked = sorted(set(session_ids))
        unknown = set(asked)
        if not asked:
            return frozenset()
        async with self._database.reading() as reading:
            for start in range(0, len(asked), _ASKED_AT_ONCE):
                some = asked[start : start + _ASKED_AT_ONCE]
                query = select(seen_sessions.c.session_id).where(
                    seen_sessions.c.server == server, seen_sessions.c.session_id.in_(some)
                )
                unknown -= {row.session_id for row in await reading.all(query)}
        return frozenset(unknown)

    async def purge(self, server: str, ended_before: datetime) -> None:
        """Forget sessions that ended before a moment of the server's clock."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                delete(seen_sessions).where(
                    seen_sessions.c.server == server, seen_sessions.c.ended_at < ended_before
                )
            )
