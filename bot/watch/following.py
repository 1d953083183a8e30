"""Live progress of the sessions that were started through the bot, until they have ended.

What is followed is stored, so a restart goes on with it. The display that is passed in draws and edits the
message.
"""

from datetime import timedelta
from typing import Protocol

import structlog

from bot.observability import Clock
from bot.store import (
    STOP,
    Database,
    FollowedId,
    FollowedSession,
    FollowedSessions,
    Leases,
    OwnActions,
    SharedRead,
    StoreError,
)
from bot.veeam import JobId, NotFoundOnServer, Session, SessionId, VeeamError, VeeamServer
from bot.watch.job_cache import SessionOwner
from bot.watch.run_facts import RunFacts, SessionFacts
from bot.watch.session_report import SessionReport, fetch_details
from bot.watch.sessions import EndedSession, group_of
from bot.watch.standing import StandingMessages, has_session

SECONDS_BETWEEN_READS = 5.0
_SLOW_AFTER = timedelta(hours=1)
_SLOW_EVERY = 6
_FOLLOWED_AT_MOST = timedelta(days=7)
_SHOWN_AT_MOST = timedelta(days=8)
_LEASE_SECONDS = 60.0
_ANNOUNCED_WITHIN_SECONDS = 120.0
"""So soon after its end a session is announced, if it ever is."""
# Veeam doesn't say how soon a session is listed after it was started.
_LISTED_WITHIN = timedelta(minutes=1)

log = structlog.stdlib.get_logger(__name__)


class Display(Protocol):
    """Shows the progress of a followed session."""

    async def __call__(
        self,
        followed: FollowedSession,
        session: Session | None,
        ended: SessionFacts | None,
        *,
        run: RunFacts | None = None,
        stopping: str | None = None,
    ) -> bool:
        """Show a session's progress, or its end (`ended`). False: show the end again later.

        `session` is None when VBR no longer has it, or when it was followed for too long. `run` is the one
        that it is another attempt of, if the message is its root; `stopping` is who asked it to stop.
        """


class SessionFollower:
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
        self._standing = StandingMessages(database, clock)
        # When the end of a session was first seen, and whether its message shows it.
        self._ends: dict[FollowedId, tuple[float, bool]] = {}
        self._reads = 0

    async def run(self, servers: SharedRead[frozenset[str]]) -> None:
        """Read every few seconds, for ever; a server or a database that does not answer is asked again.

        `servers` are those that have followed sessions.
        """
        while True:
            try:
                if self._server.name in await servers.get():
                    await self.tick()
            except (VeeamError, StoreError) as error:
                log.debug("watch.progress_not_read", server=self._server.name, problem=str(error))
            await self._clock.sleep(SECONDS_BETWEEN_READS)

    async def tick(self) -> None:
        """Read and show every followed session once. Raises VeeamError and StoreError."""
        followed = await self._followed.unfinished(self._server.name)
        if not followed:
            return
        lease = f"follow/{self._server.name}"
        if not await self._leases.take(lease, self._holder, self._clock.now(), _LEASE_SECONDS):
            return
        self._reads += 1
        for each in followed:
            if self._reads % _SLOW_EVERY == 0 or self._clock.now() - each.started_at < _SLOW_AFTER:
                await self._show(each)

    async def _show(self, followed: FollowedSession) -> None:
        try:
            session = await self._server.session(SessionId(followed.session_id))
        except NotFoundOnServer:
            session = None
        age = self._clock.now() - followed.started_at
        if session is None and age < _LISTED_WITHIN:
            return
        if session is None or age > _FOLLOWED_AT_MOST:
            run = await self._standing.run_shown(followed)
            if run is not None:
                await self._standing.redraw(followed, run)
            is_over = run is not None or await self._display(followed, None, None) or age > _SHOWN_AT_MOST
        elif not session.is_stopped:
            if not await self._standing.is_announced(followed):
                await self._show_progress(followed, session)
            return
        else:
            is_over = await self._show_end(followed, session)
        if is_over:
            self._ends.pop(followed.id, None)
            await self._followed.finish(followed.id, self._clock.now())

    async def _show_progress(self, followed: FollowedSession, session: Session) -> None:
        run = await self._standing.run_shown(followed) if followed.root_key is not None else None
        own = await self._own_actions.of(self._server.name, [session.id])
        stop = next((each.person_id for each in own if each.operation == STOP), None)
        await self._display(followed, session, None, run=None if run is None else run.facts, stopping=stop)

    async def _show_end(self, followed: FollowedSession, session: Session) -> bool:
        """Show the end, until the watch has announced it: from then on the message is the run's root.

        Whatever was shown of the progress may have reached Slack after that: the root is drawn once more.
        """
        seen_at, is_shown = self._ends.get(followed.id, (self._clock.monotonic(), False))
        run = await self._standing.run_shown(followed)
        if run is not None and has_session(run, followed.session_id):
            await self._standing.redraw(followed, run)
            return True
        if followed.root_key is None and not is_shown:
            is_shown = await self._display(followed, session, await self._ended(session))
        self._ends[followed.id] = (seen_at, is_shown)
        if not is_shown and followed.root_key is None:
            return False
        if not followed.may_become_root and followed.root_key is None:
            return True
        is_late = self._clock.monotonic() - seen_at >= _ANNOUNCED_WITHIN_SECONDS
        if is_late and run is not None:
            await self._standing.redraw(followed, run)
        return is_late

    async def _ended(self, session: Session) -> SessionFacts:
        ended = EndedSession(session, group_of(session), session.end_time or self._clock.now())
        details = await fetch_details(self._server, session)
        own = await self._own_actions.of(self._server.name, [session.id])
        owner = SessionOwner(session.job_id or JobId(""), session.name)
        report = SessionReport(self._server.name, ended, owner, details=details)
        return report.session_facts(own, unsupported=self._server.revision.lacks)
