"""Live progress of the sessions that were started through the bot, until they have ended.

What is followed stands in the store, so that a restart goes on with it. Drawing and editing the message
is the business of whoever hands in the display.
"""

from datetime import timedelta
from typing import Protocol

import structlog

from bot.observability import Clock
from bot.store import Database, FollowedSession, FollowedSessions, Leases, OwnActions, StoreError
from bot.veeam import NotFound, Session, SessionId, VeeamError, VeeamServer
from bot.watch.classify import group_of
from bot.watch.facts import SessionFacts
from bot.watch.reading import Ended
from bot.watch.stories import story_of
from bot.watch.telling import Prepared, session_facts

SECONDS_BETWEEN_LOOKS = 5.0
_SLOW_AFTER = timedelta(hours=1)
_SLOW_EVERY = 6
_FOLLOWED_AT_MOST = timedelta(days=7)
_SHOWN_AT_MOST = timedelta(days=8)
_LEASE_SECONDS = 60.0
# How soon a session is listed after it was started is nowhere said.
_SHOWS_WITHIN = timedelta(minutes=1)

log = structlog.stdlib.get_logger(__name__)


class Display(Protocol):
    """Shows how far a followed session is."""

    async def __call__(
        self, followed: FollowedSession, session: Session | None, ended: SessionFacts | None
    ) -> bool:
        """Show a session that goes on, or its end (`ended`). False: show the end again later.

        `session` is None when VBR does not have it any more, or when it was followed for too long.
        """


class Following:
    """Follows the sessions of one server. One process at a time does, by a lease."""

    def __init__(
        self, server: VeeamServer, database: Database, clock: Clock, holder: str, display: Display
    ) -> None:
        self._server = server
        self._clock = clock
        self._holder = holder
        self._display = display
        self._followed = FollowedSessions(database)
        self._own_actions = OwnActions(database)
        self._leases = Leases(database)
        self._looks = 0

    async def run(self) -> None:
        """Look every few seconds, for ever; a server or a database that does not answer is asked again."""
        while True:
            try:
                await self.tick()
            except (VeeamError, StoreError) as error:
                log.debug("watch.following_waits", server=self._server.name, problem=str(error))
            await self._clock.sleep(SECONDS_BETWEEN_LOOKS)

    async def tick(self) -> None:
        """Look at every followed session once. Raises VeeamError and StoreError."""
        followed = await self._followed.unfinished(self._server.name)
        if not followed:
            return
        lease = f"follow/{self._server.name}"
        if not await self._leases.take(lease, self._holder, self._clock.now(), _LEASE_SECONDS):
            return
        self._looks += 1
        for each in followed:
            if self._looks % _SLOW_EVERY == 0 or self._clock.now() - each.started_at < _SLOW_AFTER:
                await self._look_at(each)

    async def _look_at(self, followed: FollowedSession) -> None:
        session = await self._read(followed)
        age = self._clock.now() - followed.started_at
        if session is None and age < _SHOWS_WITHIN:
            return
        if session is None or age > _FOLLOWED_AT_MOST:
            is_over = await self._display(followed, None, None) or age > _SHOWN_AT_MOST
        elif not session.is_stopped:
            await self._display(followed, session, None)
            return
        else:
            is_over = await self._display(followed, session, await self._ended(session))
        if is_over:
            await self._followed.finish(followed.id, self._clock.now())

    async def _read(self, followed: FollowedSession) -> Session | None:
        try:
            return await self._server.session(SessionId(followed.session_id))
        except NotFound:
            return None

    async def _ended(self, session: Session) -> SessionFacts:
        ended_at = session.end_time or self._clock.now()
        prepared = Prepared(
            Ended(session, group_of(session), ended_at), None, story=await story_of(self._server, session)
        )
        own = await self._own_actions.of(self._server.name, [session.id])
        return session_facts(prepared, own, lacks=self._server.revision.lacks)
