"""Actions that are sent, or about to be, until the person has been shown the outcome.

What a process leaves here when it ends is looked up and shown by another one, or by itself after a restart. A
lease in its name says that a process lives: the process that gets that lease takes over what it left.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from bot.store.audit import AuditId
from bot.store.claims import ACTIONS_LEASE, Leases, holder_has_ended
from bot.store.database import Database, Transaction
from bot.store.tables import open_actions

LEASE_SECONDS = 120.0
"""Longer than any gesture is served: nobody takes over what a live process still works on."""


@dataclass(frozen=True, slots=True)
class OpenAction:
    """An action on record whose outcome was not shown. `reference` is that of the gesture it answers.

    `body` is JSON: what it takes to look it up, and to answer.
    """

    audit_id: AuditId
    reference: str
    body: str


class OpenActions:
    """Those of one database, in the name of one process. Raises `StoreError`."""

    def __init__(
        self, database: Database, holder: str, has_ended: Callable[[str], bool] = holder_has_ended
    ) -> None:
        self._database = database
        self._holder = holder
        self._has_ended = has_ended
        self._leases = Leases(database)

    async def hold(self, now: datetime) -> None:
        """Say that this process lives. Before its first action, and well within `LEASE_SECONDS` again."""
        await self._leases.renew(_lease(self._holder), self._holder, now, LEASE_SECONDS)

    async def add(self, transaction: Transaction, action: OpenAction) -> None:
        """Keep an action, in the transaction that puts it on record."""
        await transaction.execute(
            open_actions.insert().values(
                audit_id=action.audit_id,
                holder=self._holder,
                reference=action.reference,
                body=action.body,
            )
        )

    async def answered(self, reference: str) -> None:
        """Forget what this gesture did: the person has been shown the outcome."""
        mine = (open_actions.c.holder == self._holder) & (open_actions.c.reference == reference)
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(open_actions).where(mine))

    async def left(self, now: datetime, under_way: Collection[str]) -> tuple[OpenAction, ...]:
        """Take over what ended processes left; return all of this process but what is still under way.

        `under_way` are the references of the gestures that are being served, live: one may begin or end while
        this reads. Each is there before its action is.
        """
        async with self._database.reading() as reading:
            holders = [holder for (holder,) in await reading.all(select(open_actions.c.holder).distinct())]
        if not holders:
            return ()
        for holder in holders:
            if holder == self._holder:
                continue
            if self._has_ended(holder):
                await self._leases.release_all(holder)
            if await self._leases.take(_lease(holder), self._holder, now, LEASE_SECONDS):
                await self._take_over(holder)
        mine = select(open_actions).where(
            open_actions.c.holder == self._holder, open_actions.c.reference.not_in(tuple(under_way))
        )
        async with self._database.reading() as reading:
            rows = await reading.all(mine.order_by(open_actions.c.audit_id))
        return tuple(
            OpenAction(AuditId(row.audit_id), row.reference, row.body)
            for row in rows
            if row.reference not in under_way
        )

    async def _take_over(self, holder: str) -> None:
        async with self._database.transaction() as transaction:
            await transaction.execute(
                update(open_actions).where(open_actions.c.holder == holder).values(holder=self._holder)
            )
        await self._leases.release(_lease(holder), self._holder)


def _lease(holder: str) -> str:
    return f"{ACTIONS_LEASE}{holder}"
