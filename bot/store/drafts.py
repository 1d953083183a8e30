"""What a person entered in a form of several views, until it is submitted or forgotten."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, select

from bot.store.database import Database
from bot.store.tables import drafts


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One draft: whose it is, what it holds (opaque JSON), and when it was last changed."""

    id: str
    person_id: str
    body: str
    changed_at: datetime


class Drafts:
    """The drafts of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, draft: Draft) -> None:
        """Keep a draft, in place of what was kept of it before."""
        values = asdict(draft)
        async with self._database.transaction() as transaction:
            await transaction.execute(
                transaction.insert(drafts)
                .values(values)
                .on_conflict_do_update(index_elements=["id"], set_=values)
            )

    async def of(self, draft_id: str, person_id: str) -> Draft | None:
        """Return a draft to its owner; None for another person, or if it is forgotten."""
        query = select(drafts).where(drafts.c.id == draft_id, drafts.c.person_id == person_id)
        async with self._database.reading() as reading:
            found = await reading.values(query)
        return Draft(**found[0]) if found else None

    async def purge(self, before: datetime) -> None:
        """Forget drafts that were last changed before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(drafts).where(drafts.c.changed_at < before))
