"""Which servers do not answer, since when, and whether that was told."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from bot.store.database import Database, Transaction
from bot.store.tables import silences


@dataclass(frozen=True, slots=True)
class Silence:
    """A server that does not answer; `told_at` is None while nobody was told."""

    since: datetime
    problem: str
    detail: str
    told_at: datetime | None


class Silences:
    """The silences of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, server: str, since: datetime, problem: str, detail: str) -> Silence:
        """Note that a server does not answer; an earlier beginning stays. Returns what is noted."""
        async with self._database.transaction() as transaction:
            noted = await transaction.execute(
                transaction.insert(silences)
                .values(server=server, since=since, problem=problem, detail=detail)
                .on_conflict_do_update(index_elements=["server"], set_={"problem": problem, "detail": detail})
                .returning(silences.c.since, silences.c.problem, silences.c.detail, silences.c.told_at)
            )
            row = noted.one()
        return Silence(row.since, row.problem, row.detail, row.told_at)

    async def tell(self, transaction: Transaction, server: str, now: datetime) -> bool:
        """Claim the telling of a silence, in one statement. False: it was told, or is over."""
        won = await transaction.first(
            update(silences)
            .where(silences.c.server == server, silences.c.told_at.is_(None))
            .values(told_at=now)
            .returning(silences.c.server)
        )
        return won is not None

    async def end(self, transaction: Transaction, server: str) -> Silence | None:
        """Note that a server answers again; returns the silence that this call ended."""
        row = await transaction.first(
            delete(silences)
            .where(silences.c.server == server)
            .returning(silences.c.since, silences.c.problem, silences.c.detail, silences.c.told_at)
        )
        return None if row is None else Silence(row.since, row.problem, row.detail, row.told_at)

    async def of(self, server: str) -> Silence | None:
        """Return a server's silence; None when it answers."""
        async with self._database.reading() as reading:
            row = await reading.first(select(silences).where(silences.c.server == server))
        return None if row is None else Silence(row.since, row.problem, row.detail, row.told_at)
