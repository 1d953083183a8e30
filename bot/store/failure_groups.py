"""Failing jobs that a digest or a report named together, for its buttons to act on later."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select

from bot.store.database import Database, Transaction
from bot.store.tables import failure_groups


class FailureGroups:
    """The groups of one database. Their jobs are opaque here; the same ID means the same jobs.

    Raises `StoreError`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, transaction: Transaction, groups: Mapping[str, str], now: datetime) -> None:
        """Keep the jobs of groups, by ID; those that are there already are kept longer."""
        for group_id, jobs in groups.items():
            await transaction.execute(
                transaction.insert(failure_groups)
                .values(id=group_id, jobs=jobs, made_at=now)
                .on_conflict_do_update(index_elements=["id"], set_={"made_at": now})
            )

    async def keep(self, groups: Mapping[str, str], now: datetime) -> None:
        """The same, in a transaction of its own."""
        if groups:
            async with self._database.transaction() as transaction:
                await self.add(transaction, groups, now)

    async def jobs_of(self, group_id: str) -> str | None:
        """Return the jobs of a group; None if it is forgotten."""
        query = select(failure_groups.c.jobs).where(failure_groups.c.id == group_id)
        async with self._database.reading() as reading:
            row = await reading.first(query)
        return None if row is None else str(row[0])

    async def purge(self, before: datetime) -> None:
        """Forget the groups that were last named before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(failure_groups).where(failure_groups.c.made_at < before))
