"""Leases: which of several processes does a piece of work, until when."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select

from bot.store.database import Database
from bot.store.tables import leases


class Leases:
    """The leases of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, holder: str, now: datetime, lease_seconds: float) -> bool:
        """Take or renew a lease, in one statement. False: somebody else holds it."""
        until = now + timedelta(seconds=lease_seconds)
        async with self._database.transaction() as transaction:
            won = await transaction.first(
                transaction.insert(leases)
                .values(name=name, holder=holder, until=until)
                .on_conflict_do_update(
                    index_elements=["name"],
                    set_={"holder": holder, "until": until},
                    where=or_(leases.c.holder == holder, leases.c.until <= now),
                )
                .returning(leases.c.holder)
            )
        return won is not None

    async def holders(self) -> tuple[str, ...]:
        """Return everybody who holds a lease, ended ones included."""
        async with self._database.reading() as reading:
            rows = await reading.all(select(leases.c.holder).distinct())
        return tuple(row.holder for row in rows)

    async def release_all(self, holder: str) -> None:
        """Give back every lease of a process that is gone."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(leases).where(leases.c.holder == holder))

    async def release(self, name: str, holder: str) -> None:
        """Give a lease back, so that nobody waits for its end."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
