"""One press acts once: the first of a key wins, between two processes as well."""

from datetime import datetime

from sqlalchemy import delete, select

from bot.store.database import Database
from bot.store.records import Press
from bot.store.tables import presses


class Presses:
    """The presses of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, press: Press) -> Press | None:
        """Claim a press's key. None when this call won it; otherwise the press that holds it."""
        async with self._database.transaction() as transaction:
            won = await transaction.first(
                transaction.insert(presses)
                .values(key=press.key, person_id=press.person_id, operation=press.operation, at=press.at)
                .on_conflict_do_nothing(index_elements=["key"])
                .returning(presses.c.key)
            )
            if won is not None:
                return None
            held = await transaction.first(select(presses).where(presses.c.key == press.key))
        # Released between the two statements: whoever asks again may have it, this one was second.
        return press if held is None else Press(held.key, held.person_id, held.operation, held.at)

    async def release(self, key: str) -> None:
        """Let a key be claimed again, because nothing was done."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(presses).where(presses.c.key == key))

    async def purge(self, before: datetime) -> None:
        """Forget presses from before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(presses).where(presses.c.at < before))
