"""Noticing that sessions ended, in one request for each idle poll.

Asks for what ended after a cursor that moves on the server's own clock, with an overlap, because a
session may be recorded late; knows nothing of routes or channels. Raises VeeamError and StoreError, and
can then be asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.observability import Clock
from bot.settings import PollingSettings
from bot.store import PollCursor, ProcessedSessions
from bot.veeam import Page, Rejected, Session, SessionGroup, SessionsQuery, VeeamError, VeeamServer
from bot.watch.classify import group_of, is_strange
from bot.watch.jobs import JobBook
from bot.watch.reading import Ended, Reading, in_order
from bot.watch.reasons import Ignored, reason_to_ignore
from bot.watch.undecided import Undecided

OVERLAP = timedelta(minutes=10)
PAGE_ROWS = 500
PAGES_AT_MOST = 20
CHECK_EVERY = timedelta(hours=1)
_CLOCK_TOLERANCE = timedelta(minutes=1)
_CHECK_AGAIN_AFTER = timedelta(minutes=10)
_CHECK_REACH = timedelta(days=1)
_LEAST_REACH = timedelta(hours=1)

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of a server: these session types, as far back as the settings say on a first start."""

    types: tuple[str, ...]
    polling: PollingSettings


class Poller:
    """Reads one server. One reading at a time; whoever calls sees to that."""

    def __init__(
        self, server: VeeamServer, sessions: ProcessedSessions, jobs: JobBook, clock: Clock, asking: Asking
    ) -> None:
        self._server = server
        self._sessions = sessions
        self._jobs = jobs
        self._clock = clock
        self._types = asking.types
        self._folded_types = frozenset(name.casefold() for name in asking.types)
        self._backfill = timedelta(hours=asking.polling.backfill_hours)
        self._undecided = Undecided(server, clock)
        self._skew: timedelta | None = None
        self._refuses_learned = False

    def lose_touch(self) -> None:
        """Ask for the server's clock again at the next reading: it was silent, or somebody else read it."""
        self._skew = None

    async def read(self) -> Reading:
        """Return what ended since the last reading and is not known yet, oldest first."""
        before = await self._sessions.cursor(self._server.name)
        is_check_due = before is not None and self._is_check_due(before)
        cursor = before
        if cursor is None or self._skew is None or is_check_due:
            cursor = await self._placed(before)
        reading = await self._read_from(cursor, before)
        return await self._checked(reading) if is_check_due else reading

    @property
    def _server_now(self) -> datetime:
        return self._clock.now() + (self._skew or timedelta())

    def _is_check_due(self, cursor: PollCursor) -> bool:
        return cursor.checked_at is None or self._clock.now() - cursor.checked_at >= CHECK_EVERY

    async def _placed(self, before: PollCursor | None) -> PollCursor:
        server_now = (await self._server.server_time()).server_time
        self._skew = server_now - self._clock.now()
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

    async def _read_from(self, cursor: PollCursor, before: PollCursor | None) -> Reading:
        query = SessionsQuery(
            ended_after=max(cursor.read_to - OVERLAP, cursor.floor),
            order_by="EndTime",
            ascending=True,
            types=self._asked_types(),
        )
        rows = await self._listed(query)
        await self._meet_strangers(rows)
        ended, held_back = await self._unknown(rows, cursor)
        # After the clock was set back, ends that lie ahead of it must not carry the cursor along.
        believed = self._server_now + _CLOCK_TOLERANCE
        ends = [row.end_time for row in rows if row.end_time is not None and row.end_time <= believed]
        latest = max([cursor.read_to, *ends])
        # What is held back stays within the next reading; the cursor itself never falls back.
        read_to = max(cursor.read_to, min([latest, *held_back]))
        return Reading(
            ended=ended,
            cursor=replace(cursor, read_to=read_to),
            server_now=self._server_now,
            before=before,
        )

    async def _checked(self, reading: Reading) -> Reading:
        """Compare with a list by time of creation: nothing proves that the list by end is complete."""
        try:
            missed = await self._missed(reading)
        except VeeamError as error:
            log.warning("watch.check_failed", server=self._server.name, problem=str(error))
            checked_at = self._clock.now() - CHECK_EVERY + _CHECK_AGAIN_AFTER
            return replace(reading, cursor=replace(reading.cursor, checked_at=checked_at))
        for each in missed:
            log.warning("watch.session_missed", server=self._server.name, session_id=each.session.id)
        return replace(
            reading,
            ended=in_order((*reading.ended, *missed)),
            cursor=replace(reading.cursor, checked_at=self._clock.now()),
        )

    async def _missed(self, reading: Reading) -> tuple[Ended, ...]:
        await self._jobs.refresh()
        query = SessionsQuery(
            created_after=max(reading.server_now - _CHECK_REACH, reading.cursor.floor),
            order_by="CreationTime",
            ascending=True,
            types=() if self._jobs.learned_types else self._types,
        )
        ended, _ = await self._unknown(await self._listed(query), reading.cursor)
        already = {each.session.id for each in reading.ended}
        return tuple(each for each in ended if each.session.id not in already)

    async def _unknown(
        self, rows: Sequence[Session], cursor: PollCursor
    ) -> tuple[tuple[Ended, ...], Sequence[datetime]]:
        worth_a_look = [
            row
            for row in rows
            if row.is_stopped
            and (self._is_asked_for(row) or group_of(row, self._jobs.ids) is not SessionGroup.HOUSEKEEPING)
            and (row.end_time is None or row.end_time >= cursor.floor)
        ]
        unknown = await self._sessions.unknown(self._server.name, [row.id for row in worth_a_look])
        settled = await self._undecided.settle(
            [row for row in worth_a_look if row.id in unknown], self._server_now
        )
        ended = [
            Ended(session, group, ended_at)
            for session, ended_at in settled.ended
            if self._reason_to_ignore(session, group := group_of(session, self._jobs.ids)) is None
        ]
        return in_order(ended), settled.held_back

    async def _meet_strangers(self, rows: Sequence[Session]) -> None:
        """Whether a session of a type that nobody knows is a job's run, its job tells."""
        for row in rows:
            if row.is_stopped and is_strange(row):
                await self._jobs.of(row)

    def _is_asked_for(self, session: Session) -> bool:
        return session.session_type.casefold() in self._folded_types

    def _reason_to_ignore(self, session: Session, group: SessionGroup) -> Ignored | None:
        return reason_to_ignore(session, group, is_asked_for=self._is_asked_for(session))

    def _asked_types(self) -> tuple[str, ...]:
        return self._types if self._refuses_learned else (*self._types, *self._jobs.learned_types)

    async def _listed(self, query: SessionsQuery) -> list[Session]:
        rows: list[Session] = []
        skip = 0
        for _ in range(PAGES_AT_MOST):
            page = await self._page(query.page(skip=skip, limit=PAGE_ROWS))
            rows.extend(page.rows)
            skip += page.received
            if not page.received or (page.total is not None and skip >= page.total):
                return rows
        log.warning("watch.pages_capped", server=self._server.name, rows=skip)
        return rows

    async def _page(self, query: SessionsQuery) -> Page[Session]:
        try:
            return await self._server.sessions(query)
        except Rejected:
            if not query.types or query.types == self._types:
                raise
            # Its own words, but newer than the revision we speak with it: it does not filter by them.
            self._refuses_learned = True
            return await self._server.sessions(replace(query, types=self._types))
