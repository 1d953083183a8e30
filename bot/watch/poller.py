"""Noticing that sessions ended, in one request for each idle poll.

Asks for what ended after a cursor that moves on the server's own clock, with an overlap, because a
session may be recorded late; knows nothing of routes or channels. Raises VeeamError and StoreError, and
can then be asked again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.observability import Clock, RemoteClock
from bot.store import PollCursor, ProcessedSessions
from bot.veeam import (
    NotFoundOnServer,
    Result,
    Session,
    SessionGroup,
    SessionId,
    SessionsQuery,
    TimedOut,
    VeeamError,
    VeeamServer,
)
from bot.watch.job_cache import JobCache
from bot.watch.sessions import EndedSession, is_undocumented, reason_to_ignore

OVERLAP = timedelta(minutes=10)
PAGE_ROWS = 500
PAGES_AT_MOST = 20
CHECK_EVERY = timedelta(hours=1)
_CLOCK_TOLERANCE = timedelta(minutes=1)
_CHECK_AGAIN_AFTER = timedelta(minutes=10)
_CHECK_REACH = timedelta(days=1)
_LEAST_REACH = timedelta(hours=1)
_READS_WITHOUT_END = 3
_SECONDS_WITHOUT_RESULT = 5.0

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll of a server found, its sessions oldest first.

    `cursor` is where the next poll begins, once all of `ended` is known; `before` where this one began, None
    on a first start. `server_now` is the server's clock.
    """

    ended: tuple[EndedSession, ...]
    cursor: PollCursor
    server_now: datetime
    before: PollCursor | None


class Poller:
    """Polls one server for sessions of jobs and of `types`. One poll at a time; the caller sees to that."""

    def __init__(
        self,
        server: VeeamServer,
        sessions: ProcessedSessions,
        jobs: JobCache,
        clock: Clock,
        *,
        types: tuple[str, ...],
        backfill: timedelta,
    ) -> None:
        self._server = server
        self._sessions = sessions
        self._jobs = jobs
        self._clock = clock
        self._folded_types = frozenset(name.casefold() for name in types)
        self._backfill = backfill
        self._pending = PendingResults(server, clock)
        self.server_clock = RemoteClock(clock)

    def forget_clock(self) -> None:
        """Ask for the server's clock at the next poll: it didn't answer, or another process polled it."""
        self.server_clock.forget()

    async def poll(self) -> PollResult:
        """Return what ended since the last poll and is not known yet, oldest first."""
        before = await self._sessions.cursor(self._server.name)
        is_check_due = before is not None and (
            before.checked_at is None or abs(self._clock.now() - before.checked_at) >= CHECK_EVERY
        )
        cursor = before
        if cursor is None or self.server_clock.now() is None or is_check_due:
            cursor = await self._start(before)
        result = await self._read_from(cursor, before)
        return await self._checked(result) if is_check_due else result

    @property
    def _server_now(self) -> datetime:
        return self.server_clock.now() or self._clock.now()

    async def _start(self, before: PollCursor | None) -> PollCursor:
        """Read the server's clock; return where to start by it.

        Where only the clock cannot be read, the cursor is enough to go on from.
        """
        try:
            server_now = (await self._server.server_time()).server_time
        except VeeamError as error:
            if before is None or not (error.reached_server or isinstance(error, TimedOut)):
                raise
            log.warning("watch.server_clock_not_read", server=self._server.name, error=str(error))
            return before
        self.server_clock.heard(server_now)
        beginning = server_now - self._backfill
        if before is None:
            return PollCursor(read_to=beginning, floor=beginning, checked_at=self._clock.now())
        if server_now < before.read_to - OVERLAP:
            log.warning("watch.server_clock_set_back", server=self._server.name, read_to=before.read_to)
            return replace(before, read_to=beginning, floor=beginning)
        earliest = server_now - max(self._backfill, _LEAST_REACH)
        if before.read_to - OVERLAP < earliest:
            return replace(before, floor=max(before.floor, earliest))
        return before

    async def _read_from(self, cursor: PollCursor, before: PollCursor | None) -> PollResult:
        # Of all types: a job's sessions may be of one that no document names, and few others end meanwhile.
        query = SessionsQuery(
            ended_after=max(cursor.read_to - OVERLAP, cursor.floor), order_by="EndTime", ascending=True
        )
        rows = await self._list(query)
        ended, held_back = await self._unknown(rows, cursor)
        # After the clock was set back, ends that lie ahead of it must not carry the cursor along.
        believed = self._server_now + _CLOCK_TOLERANCE
        ends = [row.end_time for row in rows if row.end_time is not None and row.end_time <= believed]
        latest = max([cursor.read_to, *ends])
        # What is held back stays within the next poll's reach; the cursor itself never falls back.
        read_to = max(cursor.read_to, min([latest, *held_back]))
        return PollResult(
            ended=_by_end(ended),
            cursor=replace(cursor, read_to=read_to),
            server_now=self._server_now,
            before=before,
        )

    async def _checked(self, result: PollResult) -> PollResult:
        """Compare with a list by time of creation: nothing proves that the list by end is complete."""
        try:
            await self._jobs.refresh()
            query = SessionsQuery(
                created_after=max(result.server_now - _CHECK_REACH, result.cursor.floor),
                order_by="CreationTime",
                ascending=True,
            )
            found, _ = await self._unknown(await self._list(query), result.cursor)
        except VeeamError as error:
            log.warning("watch.check_failed", server=self._server.name, problem=str(error))
            checked_at = self._clock.now() - CHECK_EVERY + _CHECK_AGAIN_AFTER
            return replace(result, cursor=replace(result.cursor, checked_at=checked_at))
        already = {each.session.id for each in result.ended}
        missed = [each for each in found if each.session.id not in already]
        for each in _by_end(missed):
            log.warning("watch.session_missed", server=self._server.name, session_id=each.session.id)
        return replace(
            result,
            ended=_by_end([*result.ended, *missed]),
            cursor=replace(result.cursor, checked_at=self._clock.now()),
        )

    async def _unknown(
        self, rows: Sequence[Session], cursor: PollCursor
    ) -> tuple[Sequence[EndedSession], Sequence[datetime]]:
        """Return the sessions to announce, and the ends of those that are held back."""
        for row in rows:
            # A session of a type that no document names is a job's run if it, or its parent, is of a job.
            if row.is_stopped and is_undocumented(row):
                await self._jobs.owner_of(row)
        candidates = [
            row
            for row in rows
            if row.is_stopped
            and (self._is_polled(row) or self._jobs.group_of(row) is not SessionGroup.HOUSEKEEPING)
            and (row.end_time is None or row.end_time >= cursor.floor)
        ]
        unknown = await self._sessions.unknown(self._server.name, [row.id for row in candidates])
        settled, held_back = await self._pending.settle(
            [row for row in candidates if row.id in unknown], self._server_now
        )
        ended = []
        for session, ended_at in settled:
            group = self._jobs.group_of(session)
            if reason_to_ignore(session, group, is_polled=self._is_polled(session)) is None:
                ended.append(EndedSession(session, group, ended_at))
        return ended, held_back

    def _is_polled(self, session: Session) -> bool:
        return session.session_type.casefold() in self._folded_types

    async def _list(self, query: SessionsQuery) -> list[Session]:
        rows: list[Session] = []
        skip = 0
        for _ in range(PAGES_AT_MOST):
            page = await self._server.sessions(query.page(skip=skip, limit=PAGE_ROWS))
            rows.extend(page.rows)
            skip += page.received
            if not page.received or (page.total is not None and skip >= page.total):
                return rows
        log.warning("watch.pages_capped", server=self._server.name, rows=skip)
        return rows


class PendingResults:
    """Holds sessions back that stopped but have no result or no end yet.

    VBR doesn't say whether a result can still change after `Stopped`, so a session without one is read again
    some seconds later. A session that has no end over several polls is taken to have ended when it was first
    found so. Only a restart forgets what is held back, and then it is simply held back once more.
    """

    def __init__(self, server: VeeamServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._without_result: dict[SessionId, float] = {}
        self._read_twice: dict[SessionId, Session] = {}
        self._without_end: dict[SessionId, tuple[datetime, int]] = {}

    async def settle(
        self, rows: Sequence[Session], server_now: datetime
    ) -> tuple[Sequence[tuple[Session, datetime]], Sequence[datetime]]:
        """Return the sessions to announce with their ends, and the ends of those to hold back.

        Raises VeeamError.
        """
        listed = {row.id for row in rows}
        self._without_result = {key: at for key, at in self._without_result.items() if key in listed}
        self._read_twice = {key: row for key, row in self._read_twice.items() if key in listed}
        unlisted = [key for key in self._without_end if key not in listed]
        read_again = [row for key in unlisted if (row := await self._read_again(key)) is not None]
        settled: list[tuple[Session, datetime]] = []
        held_back: list[datetime] = []
        for row in [*rows, *read_again]:
            if row.end_time is None:
                found_at, reads = self._without_end.get(row.id, (server_now, 0))
                self._without_end[row.id] = (found_at, reads + 1)
                if reads + 1 >= _READS_WITHOUT_END:
                    settled.append((row, found_at))
            elif row.outcome is not Result.NONE:
                settled.append((row, row.end_time))
            elif self._may_still_change(row):
                held_back.append(row.end_time)
            else:
                if row.id not in self._read_twice:
                    self._read_twice[row.id] = await self._read_again(row.id) or row
                settled.append((self._read_twice[row.id], row.end_time))
        for row, _ in settled:
            self._without_end.pop(row.id, None)
        return settled, held_back

    def _may_still_change(self, row: Session) -> bool:
        found_at = self._without_result.setdefault(row.id, self._clock.monotonic())
        return self._clock.monotonic() - found_at < _SECONDS_WITHOUT_RESULT

    async def _read_again(self, session_id: SessionId) -> Session | None:
        try:
            return await self._server.session(session_id)
        except NotFoundOnServer:
            self._without_end.pop(session_id, None)
            return None


def _by_end(ended: Iterable[EndedSession]) -> tuple[EndedSession, ...]:
    return tuple(sorted(ended, key=lambda each: (each.ended_at, each.session.id)))
