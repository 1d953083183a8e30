"""Digests that were made: each once, and what was found for it as long as it may be drawn again."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, select, update

from bot.store.database import Database, Transaction
from bot.store.tables import digests

_LOOKED_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestRow:
    """A digest of one day for one channel; its body is opaque here.

    It is looked at again at `look_at`, for the (`looks` + 1)th time; None: it stays as it is.
    """

    key: str
    channel: str
    made_at: datetime
    look_at: datetime | None
    looks: int = 0
    body: str


class Digests:
    """The digests of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_made(self, key: str) -> bool:
        """Whether a digest was made, by whichever process."""
        async with self._database.reading() as reading:
            return await reading.first(select(digests.c.key).where(digests.c.key == key)) is not None

    async def has_any(self, series: str) -> bool:
        """Whether one of this series was made, as far back as digests are kept."""
        query = select(digests.c.key).where(digests.c.key.startswith(f"{series}/", autoescape=True)).limit(1)
        async with self._database.reading() as reading:
            return await reading.first(query) is not None

    async def make(self, transaction: Transaction, digest: DigestRow) -> bool:
        """Claim a digest, in one statement. False: it was made already."""
        return await transaction.claim(
            transaction.insert(digests).values(asdict(digest)).on_conflict_do_nothing(index_elements=["key"])
        )

    async def to_look_at(self, now: datetime) -> tuple[DigestRow, ...]:
        """Return the digests that are to be looked at again by now, a few at once."""
        query = select(digests).where(digests.c.look_at <= now).order_by(digests.c.look_at, digests.c.key)
        async with self._database.reading() as reading:
            return tuple(DigestRow(**values) for values in await reading.values(query.limit(_LOOKED_AT_ONCE)))

    async def looked(
        self, transaction: Transaction, digest: DigestRow, *, look_at: datetime | None, body: str
    ) -> bool:
        """Claim a look at a digest, in one statement, and keep what was found. False: another process did."""
        return await transaction.claim(
            update(digests)
            .where(digests.c.key == digest.key, digests.c.looks == digest.looks)
            .values(looks=digest.looks + 1, look_at=look_at, body=body)
        )

    async def purge(self, before: datetime) -> None:
        """Forget the digests that were made before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(digests).where(digests.c.made_at < before))
