"""The messages that show a session's progress live, until it has ended."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NewType

from sqlalchemy import delete, select, update

from bot.store.database import Database
from bot.store.tables import followed

FollowedId = NewType("FollowedId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFollowed:
    """A session to follow, and the message (`channel`, `ts`) that shows it; `operation` started it.

    `approver` is the second person, where it took one.
    """

    server: str
    session_id: str
    job_id: str
    job_name: str
    operation: str
    person: str
    channel: str
    ts: str
    started_at: datetime
    detail: str | None = None
    approver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed(NewFollowed):
    """A session that is followed."""

    id: FollowedId


class FollowedSessions:
    """The followed sessions of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewFollowed) -> None:
        """Follow a session; a message shows one session, the first stays."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                transaction.insert(followed).values(asdict(new)).on_conflict_do_nothing()
            )

    async def unfinished(self, server: str) -> tuple[Followed, ...]:
        """Return a server's followed sessions whose end was not shown yet, oldest first."""
        async with self._database.reading() as reading:
            found = await reading.values(
                select(followed)
                .where(followed.c.server == server, followed.c.finished_at.is_(None))
                .order_by(followed.c.id)
            )
        return tuple(_followed(values) for values in found)

    async def finish(self, followed_id: FollowedId, now: datetime) -> None:
        """Note that the end is shown."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                update(followed).where(followed.c.id == followed_id).values(finished_at=now)
            )

    async def purge(self, before: datetime) -> None:
        """Forget sessions whose end was shown before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(followed).where(followed.c.finished_at < before))


def _followed(values: Mapping[str, Any]) -> Followed:
    return Followed(**{name: value for name, value in values.items() if name != "finished_at"})
