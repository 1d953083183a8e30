"""Sessions that people started or stopped through the bot: who did it, and the messages that follow them."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NewType

from sqlalchemy import delete, select, update

from bot.store.database import Database, Transaction
from bot.store.tables import followed_sessions, open_actions, own_actions

FollowedId = NewType("FollowedId", int)


STOP = "stop"
"""The operation that ends a session; every other one begins it."""


@dataclass(frozen=True, slots=True)
class OwnAction:
    """A session started or stopped through the bot: by whom, in which channel, by which operation ("stop").

    A stop is remembered before it is sent, because the session may end before the answer arrives.
    """

    server: str
    job_id: str
    session_id: str
    operation: str
    person_id: str
    channel_id: str | None
    reference: str
    at: datetime


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

    async def unanswered(self, transaction: Transaction, references: Collection[str]) -> frozenset[str]:
        """Return those of these gestures, by their references, whose person was not answered yet."""
        query = select(open_actions.c.reference).where(open_actions.c.reference.in_(references))
        return frozenset(row.reference for row in await transaction.all(query))

    async def purge(self, before: datetime) -> None:
        """Forget actions from before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(own_actions).where(own_actions.c.at < before))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFollowedSession:
    """A session to follow, and the message (`channel`, `ts`) that shows it; `operation` started it.

    `approver` is the second person, if the operation needed one. `root_key` is that of the outbox's row where
    the message is the root of a run that the session is another attempt of. `is_reply`: it stands in a
    thread, so that it can be no root. `never_stops`: VBR could not stop it.
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
    root_key: str | None = None
    is_reply: bool = False
    never_stops: bool = False

    @property
    def may_become_root(self) -> bool:
        """Whether the message becomes its run's root: one in a channel, posted for this session."""
        is_direct = self.channel.startswith(("D", "U", "W"))
        return self.root_key is None and not self.is_reply and not is_direct


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedSession(NewFollowedSession):
    """A session whose progress a message shows until it has ended."""

    id: FollowedId


_FOLLOWED = [column for column in followed_sessions.columns if column.name != "finished_at"]


class FollowedSessions:
    """The followed sessions of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, new: NewFollowedSession) -> None:
        """Follow a session. Of one session a channel has one message: the first stays."""
        async with self._database.transaction() as transaction:
            await self.put(transaction, new)

    async def put(self, transaction: Transaction, new: NewFollowedSession) -> None:
        """Do the same as a part of a transaction."""
        await transaction.execute(
            transaction.insert(followed_sessions).values(asdict(new)).on_conflict_do_nothing()
        )

    async def within(
        self, transaction: Transaction, server: str, session_ids: Collection[str]
    ) -> tuple[FollowedSession, ...]:
        """Return the messages that show these few hundred sessions, or showed them, oldest first."""
        if not session_ids:
            return ()
        found = await transaction.values(
            select(*_FOLLOWED)
            .where(followed_sessions.c.server == server, followed_sessions.c.session_id.in_(session_ids))
            .order_by(followed_sessions.c.id)
        )
        return tuple(FollowedSession(**values) for values in found)

    async def unfinished(self, server: str) -> tuple[FollowedSession, ...]:
        """Return a server's followed sessions whose end was not shown yet, oldest first."""
        async with self._database.reading() as reading:
            found = await reading.values(
                select(*_FOLLOWED)
                .where(followed_sessions.c.server == server, followed_sessions.c.finished_at.is_(None))
                .order_by(followed_sessions.c.id)
            )
        return tuple(FollowedSession(**values) for values in found)

    async def shown_at(self, channel: str, ts: str) -> FollowedSession | None:
        """Return the session that a message shows or showed last; None for any other message."""
        shown = select(*_FOLLOWED).where(followed_sessions.c.channel == channel, followed_sessions.c.ts == ts)
        query = shown.order_by(followed_sessions.c.id.desc()).limit(1)
        async with self._database.reading() as reading:
            found = await reading.values(query)
        return FollowedSession(**found[0]) if found else None

    async def servers(self) -> frozenset[str]:
        """Return the servers that have followed sessions whose end was not shown yet."""
        query = select(followed_sessions.c.server).where(followed_sessions.c.finished_at.is_(None))
        async with self._database.reading() as reading:
            return frozenset(row.server for row in await reading.all(query.distinct()))

    async def finish(self, followed_id: FollowedId, now: datetime) -> None:
        """Note that the end is shown."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                update(followed_sessions).where(followed_sessions.c.id == followed_id).values(finished_at=now)
            )

    async def purge(self, before: datetime) -> None:
        """Forget sessions whose end was shown before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                delete(followed_sessions).where(followed_sessions.c.finished_at < before)
            )
