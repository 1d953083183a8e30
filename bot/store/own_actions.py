"""Which sessions were started or stopped from here, so that their end is told as whose it was."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select

from bot.store.database import Database, Transaction
from bot.store.records import OwnAction
from bot.store.tables import own_actions


class OwnActions:
    """The own actions of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(self, action: OwnAction) -> None:
        """Remember an action; the first of a (server, session, operation) stays."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                transaction.insert(own_actions).values(asdict(action)).on_conflict_do_nothing()
            )

    async def forget(self, action: OwnAction) -> None:
        """Forget an action that the server refused; one remembered under another reference stays."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                delete(own_actions).where(
                    own_actions.c.server == action.server,
                    own_actions.c.session_id == action.session_id,
                    own_actions.c.operation == action.operation,
                    own_actions.c.reference == action.reference,
                )
            )

    async def of(self, server: str, session_ids: Collection[str]) -> tuple[OwnAction, ...]:
        """Return what was done to these sessions, oldest first."""
        async with self._database.reading() as reading:
            return await self.within(reading, server, session_ids)

    async def within(
        self, transaction: Transaction, server: str, session_ids: Collection[str]
    ) -> tuple[OwnAction, ...]:
        """Return what was done to these sessions, as a transaction sees it."""
        if not session_ids:
            return ()
        found = await transaction.values(
            select(own_actions)
            .where(own_actions.c.server == server, own_actions.c.session_id.in_(session_ids))
            .order_by(own_actions.c.at, own_actions.c.operation)
        )
        return tuple(OwnAction(**values) for values in found)

    async def purge(self, before: datetime) -> None:
        """Forget actions from before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(own_actions).where(own_actions.c.at < before))
