"""Noticing that sessions ended, in one request for each idle poll.

Asks for what ended after a cursor that moves on the server's own clock, with an overlap, because a
session may be recorded late; knows nothing of routes or channels. Raises VeeamError and StoreError, and
can then be asked again.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.observability import Clock, RemoteClock
from bot.settings import RouteSettings
from bot.store import OwnActions, PollCursor, ProcessedSessions
from bot.veeam import (
    JobId,
    NotFoundOnServer,
    Page,
    Result,
    Revision,
    Session,
    SessionGroup,
    SessionId,
    SessionsQuery,
    SessionState,
    TimedOut,
    VeeamError,
    VeeamServer,
    session_group,
)
from bot.watch.job_cache import JobCache
from bot.watch.runs import RETRY, earlier_attempts
from bot.watch.sessions import (
    EndedSession,
    IgnoreReason,
    is_undocumented,
    named_types,
    polled_types,
    reason_to_ignore,
)

OVERLAP = timedelta(minutes=10)
PAGE_ROWS = 500
PAGES_AT_MOST = 20
ROWS_AT_ONCE = 2000
"""So many unknown sessions are taken in at once, and no more; the next poll goes on behind them."""
CHECK_EVERY = timedelta(hours=1)
CLOCK_EVERY_SECONDS = 60.0
"""So often the server's clock is read, or at every fourth poll where nothing happens and that is seldomer."""
_CLOCK_AGAIN_SECONDS = 600.0
_CLOCK_WITHIN_SECONDS = 10.0
_CLOCK_TOLERANCE = timedelta(minutes=1)
_CHECK_AGAIN_AFTER = timedelta(minutes=10)
_CHECK_REACH = timedelta(days=1)
_LEAST_REACH = timedelta(hours=1)
_READS_WITHOUT_END = 3
_SECONDS_WITHOUT_RESULT = 5.0
_LOOK_EVERY = timedelta(seconds=20)
# A run may take days; what is at work for longer is not followed: VBR's malware detection may be so for ever.
_RUNNING_AT_MOST = timedelta(days=3)
_RUNNING_KEPT = 1000
_RUNNING_PAGES_AT_MOST = 2
# So many sessions that are listed as running no more are read by themselves at a time; the others next time.
_VANISHED_READ = 20
_CHECK_PAGES_AT_MOST = 20
_HISTORY_PAGES_AT_MOST = 100
_FAILURE_PAGES_AT_MOST = 4
# So many jobs are asked in one poll how they are retried; the others as jobs are by default.
_JOBS_ASKED = 20
# More than what is lost of an end on its way through VBR's filter.
_SAME_END = timedelta(seconds=1)

log = structlog.stdlib.get_logger(__name__)


History = AsyncIterator[tuple[Sequence[EndedSession], datetime]]
"""Pages of what ended, newest first, each with the moment since when everything has been read with it."""


LogBackups = tuple[str, str]
"""A job's backups of the logs of one kind of database: the owner's key, and the type of their sessions."""


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll of a server found, its sessions oldest first.

    `cursor` is where the next poll begins, once all of `ended` is known; `before` where this one began, None
    on a first start. `server_now` is the server's clock. `unread` is how much more there is at least: then
    what ended lately is in `fresh`, with the failures that it may have retried, so that it needn't wait for
    all that ended before it.
    """

    ended: tuple[EndedSession, ...]
    cursor: PollCursor
    server_now: datetime
    before: PollCursor | None
    fresh: tuple[EndedSession, ...] = ()
    unread: int = 0


@dataclass(frozen=True, slots=True)
class _Listed:
    """What is not known of a list's rows, the latest end of them all, and how many were not read."""

    rows: Mapping[SessionId, Session]
    latest: datetime | None
    unread: int


class Poller:
    """Polls one server for sessions of jobs and of the types that `routes` name.

    One poll at a time; the caller sees to that. `cursor` and `is_behind` are set by the caller, once it
    knows what became of a poll: where the next one begins, None to read it, and whether there was more than
    could be announced.
    """

    def __init__(
        self,
        server: VeeamServer,
        sessions: ProcessedSessions,
        own_actions: OwnActions,
        jobs: JobCache,
        clock: Clock,
        *,
        routes: Sequence[RouteSettings],
        backfill: timedelta,
    ) -> None:
        self._server = server
        self._sessions = sessions
        self._own_actions = own_actions
        self._jobs = jobs
        self._clock = clock
        self._routes = routes
        self._revision: Revision | None = None
        self._types: tuple[str, ...] = ()
        self._named: frozenset[str] = frozenset()
        self._backfill = backfill
        self._pending = PendingResults(server, clock)
        self.server_clock = RemoteClock(clock)
        # Those that were seen running longest ago first.
        self._running: dict[SessionId, Session] = {}
        self._listed: set[SessionId] = set()  # in this poll
        # The ends of sessions that got no result, and are ignored without one, as long as they are listed.
        self._undecided: dict[SessionId, datetime] = {}
        self._failed_logs: dict[LogBackups, datetime] = {}
        # The sessions that make up for those, as far as this poll found them.
        self._good_logs: set[SessionId] = set()
        self._asks_for_ends = True
        self._is_resting = False
        self._looked_at: datetime | None = None
        self._clock_due_at = 0.0
        self._had_clock_turn = False
        self.clock_problem = ""
        """Why the server's clock cannot be read: the Date header of its answers, or ours, stands in."""
        self.is_behind = False
        self.cursor: PollCursor | None = None

    @property
    def running(self) -> Collection[Session]:
        """The sessions that are known to run; of what began in VBR, most is noticed two polls later."""
        return self._running.values()

    @property
    def waits_for_end(self) -> bool:
        """Whether a session has stopped that will be announced a few polls later, should it get no end."""
        return self._pending.waits_for_end

    def forget(self) -> None:
        """Read the cursor and the server's clock at the next poll: another process may have polled."""
        self.server_clock.forget()
        self._running.clear()
        self._asks_for_ends = True
        self._is_resting = False
        self._looked_at = None
        self._clock_due_at = 0.0
        self.is_behind = False
        self.cursor = None

    async def poll(
        self, *, is_awaiting: bool = False, failed_logs: Mapping[LogBackups, datetime] | None = None
    ) -> PollResult:
        """Return what ended since the last poll and is not known yet; of a lot, a part.

        Before the first poll of all, that is `history`. While nothing happens, every other poll asks what
        began, or for the server's clock, instead of what ended, so that each is one request. `is_awaiting`:
        something runs, so always ask what ended. `failed_logs` are the backups of logs of which the last one
        failed, and when that ended: what makes up for it is told.
        """
        self._failed_logs, self._good_logs = dict(failed_logs or {}), set()
        self._listed.clear()
        self._fit_to(await self._server.detect_revision())
        before = self.cursor or await self._sessions.cursor(self._server.name)
        is_check_due = before is not None and (
            before.checked_at is None or abs(self._clock.now() - before.checked_at) >= CHECK_EVERY
        )
        is_resting = self._is_resting and not (is_awaiting or is_check_due or self.is_behind)
        asks_for_ends = self._asks_for_ends or not is_resting
        is_turn = is_resting and not asks_for_ends
        is_clock_due = self._clock.monotonic() >= self._clock_due_at
        reads_clock = is_clock_due and (not is_resting or (is_turn and not self._had_clock_turn))
        if is_turn:
            self._had_clock_turn = reads_clock
        if reads_clock:
            is_as_expected = await self._read_clock()
            if before is not None and is_resting and is_as_expected:
                self._asks_for_ends = True
                return PollResult(ended=(), cursor=before, server_now=self._server_now, before=before)
            asks_for_ends = True
        elif self.clock_problem and (date := self._server.http_now) is not None:
            self.server_clock.heard(date)
        cursor = self._placed(before)
        if before is None:
            await self._look(cursor)
            return PollResult(ended=(), cursor=cursor, server_now=self._server_now, before=None)
        is_look_due = self._looked_at is None or self._server_now - self._looked_at >= _LOOK_EVERY
        looks = not asks_for_ends or (is_look_due and (is_awaiting or self._looked_at is None))
        result = await self._read_from(cursor, before, asks_for_ends=asks_for_ends, looks=looks)
        return await self._checked(result) if is_check_due and not result.unread else result

    def _fit_to(self, revision: Revision) -> None:
        """Ask for the types that this revision has; another one would be refused."""
        if revision is not self._revision:
            self._revision = revision
            self._types = polled_types(revision, self._routes)
            self._named = frozenset(name.casefold() for name in named_types(revision, self._routes))

    async def history(self, cursor: PollCursor) -> History:
        """Read what ended before a first start, newest first: a page at a time, and no more than fits.

        What ended only just now may change; it is left to the next poll, whose reach begins before it.
        """
        query = replace(self._query(cursor.floor), ascending=False)
        unsettled_from = self._server_now - _CLOCK_TOLERANCE
        skip, since = 0, self._server_now
        for _ in range(_HISTORY_PAGES_AT_MOST):
            page = await self._page(query.page(skip=skip, limit=PAGE_ROWS))
            skip += page.received
            is_last = not page.received or (page.total is not None and skip >= page.total)
            ends = [row.end_time for row in page.rows if row.end_time is not None]
            since = cursor.floor if is_last else min([since, *ends])
            ended = [
                EndedSession(row, self._jobs.group_of(row), row.end_time)
                for row in await self._not_known(page.rows, cursor)
                if row.end_time is not None
                and (row.outcome is not Result.NONE or row.end_time < unsettled_from)
            ]
            yield [each for each in ended if not self._is_ignored(each)], since
            if is_last:
                return
        log.warning("watch.pages_capped", server=self._server.name, rows=skip)

    @property
    def _server_now(self) -> datetime:
        return self.server_clock.now() or self._clock.now()

    async def _read_clock(self) -> bool:
        """Hear the server's clock; return whether it says what it was expected to.

        Where only the clock cannot be read, the Date header of the server's answers stands in.
        """
        expected = self.server_clock.now()
        try:
            async with asyncio.timeout(_CLOCK_WITHIN_SECONDS):
                server_now = (await self._server.server_time()).server_time
        except (VeeamError, TimeoutError) as failure:
            error = failure if isinstance(failure, VeeamError) else TimedOut(self._server.name, "no time")
            if not (error.reached_server or isinstance(error, TimedOut)):
                raise
            if not self.clock_problem:
                log.warning("watch.server_clock_not_read", server=self._server.name, error=str(error))
            self.clock_problem = error.kind
            self._clock_due_at = self._clock.monotonic() + _CLOCK_AGAIN_SECONDS
            if self._server.http_now is None:
                await self._server.sessions(SessionsQuery(limit=1))  # any answer has a date
            if (date := self._server.http_now) is not None:
                self.server_clock.heard(date)
            return False
        self.clock_problem = ""
        self._clock_due_at = self._clock.monotonic() + CLOCK_EVERY_SECONDS
        self.server_clock.heard(server_now)
        return expected is not None and abs(server_now - expected) <= _CLOCK_TOLERANCE

    def _placed(self, before: PollCursor | None) -> PollCursor:
        """Return where to read from by the server's clock, which may have been set since the last poll.

        After a long outage that is as far back as `backfill`; but where the bot was not away for so long, it
        was the clock that moved, and everything behind the cursor is still to be read.
        """
        now, server_now, reach = self._clock.now(), self._server_now, max(self._backfill, _LEAST_REACH)
        if before is None:
            beginning = server_now - self._backfill
            return PollCursor(read_to=beginning, floor=beginning, checked_at=now)
        away = reach if before.checked_at is None else now - before.checked_at
        away = away if timedelta() <= away < reach else reach
        if server_now < before.read_to - OVERLAP:
            log.warning("watch.server_clock_set_back", server=self._server.name, read_to=before.read_to)
            since = server_now - away - OVERLAP
            return replace(before, read_to=since, floor=min(before.floor, since))
        if away == reach and before.read_to - OVERLAP < server_now - reach:
            return replace(before, floor=max(before.floor, server_now - reach))
        return before

    async def _read_from(
        self, cursor: PollCursor, before: PollCursor, *, asks_for_ends: bool, looks: bool
    ) -> PollResult:
        listed, fresh = _Listed({}, None, unread=0), dict[SessionId, Session]()
        if asks_for_ends:
            # While the bot catches up, nothing before the cursor is waited for: it would be read repeatedly.
            begins = cursor.read_to - (_SAME_END if self.is_behind else OVERLAP)
            listed = await self._list(self._query(max(begins, cursor.floor)), cursor)
        if self.is_behind or listed.unread:
            lately = replace(self._query(max(self._server_now - OVERLAP, cursor.floor)), ascending=False)
            fresh.update((await self._list(lately, cursor)).rows)
            fresh.update(await self._retried_by(fresh, listed, cursor))
        elif looks or listed.rows:
            begun = await self._look(cursor, may_fail=asks_for_ends)
            fresh.update((key, row) for key, row in begun.items() if key not in listed.rows)
        self._asks_for_ends = not asks_for_ends or bool(listed.rows)
        self._is_resting = not listed.rows
        ended, held_back = await self._settled([*{**listed.rows, **fresh}.values()], cursor)
        latest = max(cursor.read_to, listed.latest or cursor.read_to)
        # What is held back stays within the next poll's reach; the cursor itself never falls back.
        read_to = max(cursor.read_to, min([latest, *held_back]))
        return PollResult(
            ended=_by_end(each for each in ended if each.session.id not in fresh),
            fresh=_failures_first(each for each in ended if each.session.id in fresh),
            cursor=replace(cursor, read_to=read_to),
            server_now=self._server_now,
            before=before,
            unread=listed.unread,
        )

    async def _retried_by(
        self, fresh: Mapping[SessionId, Session], listed: _Listed, cursor: PollCursor
    ) -> Mapping[SessionId, Session]:
        """Return the failures still to be caught up with that these sessions may have retried.

        An attempt that is announced before the first one of its run would begin a run of its own.
        """
        failed = {key: row for key, row in listed.rows.items() if row.outcome is Result.FAILED}
        if listed.unread and fresh:
            failed.update(await self._latest_failures(cursor))
        failed_of = _by_job(row for key, row in failed.items() if key not in fresh)
        fresh_of = {job_id: rows for job_id, rows in _by_job(fresh.values()).items() if job_id in failed_of}
        job_ids = list(fresh_of)[:_JOBS_ASKED]
        policies = dict(zip(job_ids, await asyncio.gather(*map(self._jobs.retries_of, job_ids)), strict=True))
        ids = [row.id for rows in fresh_of.values() for row in rows]
        own = await self._own_actions.of(self._server.name, ids)
        by_bot = {action.session_id for action in own if action.operation == RETRY}
        return {
            earlier.id: earlier
            for job_id, rows in fresh_of.items()
            for row in rows
            for earlier in earlier_attempts(
                row, failed_of[job_id], policies.get(job_id), is_retry=row.id in by_bot
            )
        }

    async def _latest_failures(self, cursor: PollCursor) -> Mapping[SessionId, Session]:
        query = self._query(max(cursor.read_to, cursor.floor))
        query = replace(query, results=(Result.FAILED,), ascending=False)
        try:
            return (await self._list(query, cursor, pages_at_most=_FAILURE_PAGES_AT_MOST)).rows
        except VeeamError as error:
            if not (error.reached_server or isinstance(error, TimedOut)):
                raise
            log.warning("watch.attempts_unreadable", server=self._server.name, problem=str(error))
            return {}

    def _query(self, ended_after: datetime) -> SessionsQuery:
        # Of all types: a job's sessions may be of one that no document names, and few others end meanwhile.
        return SessionsQuery(ended_after=ended_after, order_by="EndTime", ascending=True)

    async def _look(self, cursor: PollCursor, *, may_fail: bool = True) -> Mapping[SessionId, Session]:
        """Ask what began since this was last asked, running or not; at first, what is at work by now.

        Whether a list by end has running sessions as well is not documented.
        """
        now, looked_at = self._server_now, self._looked_at
        query = SessionsQuery(order_by="CreationTime", ascending=False, types=self._types)
        if looked_at is None:
            query = replace(query, created_after=now - _RUNNING_AT_MOST, state=SessionState.WORKING)
        else:
            query = replace(query, created_after=min(looked_at, now) - OVERLAP)
        self._looked_at = now
        begun: Mapping[SessionId, Session] = {}
        try:
            begun = (await self._list(query, cursor, pages_at_most=1)).rows
            may_fail = True
            return begun if looked_at is None else {**begun, **await self._vanished(cursor)}
        except VeeamError as error:
            if not may_fail:
                raise
            log.debug("watch.running_unreadable", server=self._server.name, problem=str(error))
            return begun

    async def _vanished(self, cursor: PollCursor) -> Mapping[SessionId, Session]:
        """Return what was running, is so no more, and ended in no list: its end is none, or impossible.

        What works is listed, then what has no result: some runs wait for a slot or a repository. As it is
        undocumented whether VBR finds these so, a few that neither list has are read by themselves.
        """
        query = SessionsQuery(order_by="CreationTime", ascending=False, types=self._types)
        was_running = frozenset(self._running)
        found: dict[SessionId, Session] = {}
        for unfinished in (
            replace(query, state=SessionState.WORKING),
            replace(query, results=(Result.NONE,)),
        ):
            if self._running.keys() <= self._listed:
                break
            rows = (await self._list(unfinished, cursor, pages_at_most=_RUNNING_PAGES_AT_MOST)).rows
            found.update((key, row) for key, row in rows.items() if key in was_running)
        unlisted = [each for each in self._running if each not in self._listed][:_VANISHED_READ]
        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(self._read(session_id)) for session_id in unlisted]
        read = [row for each in reads if (row := each.result()) is not None]
        self._note_running(read)
        return found | {row.id: row for row in await self._not_known(read, cursor)}

    async def _read(self, session_id: SessionId) -> Session | None:
        """A session that is known to run; None where it is gone, or unreadable: then others go before it."""
        try:
            return await self._server.session(session_id)
        except NotFoundOnServer:
            del self._running[session_id]
        except VeeamError as error:
            log.debug("watch.running_unreadable", server=self._server.name, problem=str(error))
            self._running[session_id] = self._running.pop(session_id)
        return None

    def _note_running(self, rows: Iterable[Session]) -> None:
        """Remember what runs until it is seen stopped; not what waits, nor what seems to run for ever."""
        oldest = self._server_now - _RUNNING_AT_MOST
        for row in rows:
            self._listed.add(row.id)
            self._running.pop(row.id, None)
            is_at_work = not (row.is_stopped or row.waits)
            if is_at_work and len(self._running) < _RUNNING_KEPT:
                self._running[row.id] = row
        for row in [each for each in self._running.values() if (each.creation_time or oldest) <= oldest]:
            del self._running[row.id]

    async def _checked(self, result: PollResult) -> PollResult:
        """Compare with a list by time of creation: nothing proves that the list by end is complete."""
        try:
            await self._jobs.refresh()
            query = SessionsQuery(
                created_after=max(result.server_now - _CHECK_REACH, result.cursor.floor),
                order_by="CreationTime",
                ascending=False,
            )
            already = {each.session.id for each in result.ended}
            rows = (await self._list(query, result.cursor, pages_at_most=_CHECK_PAGES_AT_MOST)).rows
            unlisted = [row for key, row in rows.items() if key not in already]
            missed, _ = await self._settled(unlisted, result.cursor)
        except VeeamError as error:
            log.warning("watch.check_failed", server=self._server.name, problem=str(error))
            checked_at = self._clock.now() - CHECK_EVERY + _CHECK_AGAIN_AFTER
            return replace(result, cursor=replace(result.cursor, checked_at=checked_at))
        for each in _by_end(missed):
            log.warning("watch.session_missed", server=self._server.name, session_id=each.session.id)
        return replace(
            result,
            ended=_by_end([*result.ended, *missed]),
            cursor=replace(result.cursor, checked_at=self._clock.now()),
        )

    async def _not_known(self, rows: Sequence[Session], cursor: PollCursor) -> list[Session]:
        """Return those rows of a page that stopped, may be announced, and are not known yet."""
        for row in rows:
            # A session of a type that no document names is a job's run if it, or its parent, is of a job.
            if row.is_stopped and is_undocumented(row):
                await self._jobs.owner_of(row)
        makes_up = bool(self._failed_logs) or any(map(_is_failed_log, rows))
        candidates = [
            row
            for row in rows
            if row.is_stopped
            and (not self._is_left_out(row) or (makes_up and _is_good_log(row)))
            and (row.end_time is None or row.end_time >= cursor.floor)
        ]
        unknown = await self._sessions.unknown(self._server.name, [row.id for row in candidates])
        found = [row for row in candidates if row.id in unknown]
        await self._note_logs(found)
        return [row for row in found if not self._is_left_out(row)]

    async def _note_logs(self, rows: Iterable[Session]) -> None:
        """Note the backups of logs that failed, and of each the next one that makes up for it."""
        logs = [
            (row.end_time, row)
            for row in rows
            if row.end_time is not None and (_is_failed_log(row) or _is_good_log(row))
        ]
        for ended_at, row in sorted(logs, key=lambda each: each[0]):
            key = (await self._jobs.owner_of(row)).key, row.session_type.casefold()
            failed_at = self._failed_logs.get(key)
            if _is_failed_log(row):
                self._failed_logs[key] = max(ended_at, failed_at or ended_at)
            elif failed_at is not None and failed_at <= ended_at:
                self._good_logs.add(row.id)
                del self._failed_logs[key]

    async def _settled(
        self, rows: Sequence[Session], cursor: PollCursor
    ) -> tuple[Sequence[EndedSession], Sequence[datetime]]:
        """Return the sessions to announce, and the ends of those that are held back."""
        settled, held_back = await self._pending.settle(rows, self._server_now)
        ended = [EndedSession(row, self._jobs.group_of(row), ended_at) for row, ended_at in settled]
        ignored = {each.session.id: each.ended_at for each in ended if self._is_ignored(each)}
        listed_since = cursor.read_to - 2 * OVERLAP
        self._undecided = {key: at for key, at in (self._undecided | ignored).items() if at >= listed_since}
        return [each for each in ended if each.session.id not in ignored], held_back

    def _is_ignored(self, ended: EndedSession) -> bool:
        return self._reason_to_ignore(ended.session, ended.group) is not None

    def _reason_to_ignore(self, session: Session, group: SessionGroup) -> IgnoreReason | None:
        if session.id in self._good_logs:
            return None
        return reason_to_ignore(session, group, is_named=self._is_named(session))

    def _is_left_out(self, row: Session) -> bool:
        """Whether a session is ignored, and no result that VBR may still give it would change that."""
        reason = self._reason_to_ignore(row, self._jobs.group_of(row))
        if reason in {None, IgnoreReason.HOUSEKEEPING, IgnoreReason.NOT_NAMED}:
            return reason is not None
        return row.outcome is not Result.NONE or row.id in self._undecided

    def _is_named(self, session: Session) -> bool:
        return session.session_type.casefold() in self._named

    async def _list(
        self, query: SessionsQuery, cursor: PollCursor, *, pages_at_most: int = PAGES_AT_MOST
    ) -> _Listed:
        """Read a list until it ends, or until it is enough for one poll and the next one can go on behind it.

        Of each page only the rows are kept that are not known.
        """
        unknown: dict[SessionId, Session] = {}
        latest: datetime | None = None
        skip = pages = 0
        # After the clock was set back, ends that lie ahead of it must not carry the cursor along.
        believed = self._server_now + _CLOCK_TOLERANCE
        while True:
            page = await self._page(query.page(skip=skip, limit=PAGE_ROWS))
            unknown.update((row.id, row) for row in await self._not_known(page.rows, cursor))
            ends = [row.end_time for row in page.rows if row.end_time is not None]
            latest = max(
                [end for end in (latest, *ends) if end is not None and end <= believed], default=None
            )
            skip, pages = skip + page.received, pages + 1
            if not page.received or (page.total is not None and skip >= page.total):
                return _Listed(unknown, latest, unread=0)
            is_enough = len(unknown) >= ROWS_AT_ONCE or pages >= pages_at_most
            if is_enough and (query.ended_after is None or _has_moved(query.ended_after, latest)):
                return _Listed(unknown, latest, unread=max(1, (page.total or 0) - skip))

    async def _page(self, query: SessionsQuery) -> Page[Session]:
        page = await self._server.sessions(query)
        self._note_running(page.rows)
        return page


@dataclass(frozen=True, slots=True)
class _WithoutEnd:
    """A session that stopped without an end, as it was read last."""

    row: Session
    found_at: datetime
    reads: int


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
        self._without_end: dict[SessionId, _WithoutEnd] = {}

    @property
    def waits_for_end(self) -> bool:
        """Whether a session stopped that may yet get an end."""
        return bool(self._without_end)

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
                before = self._without_end.get(row.id)
                found_at, reads = (server_now, 1) if before is None else (before.found_at, before.reads + 1)
                self._without_end[row.id] = _WithoutEnd(row, found_at, reads)
                if reads >= _READS_WITHOUT_END:
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
        """The session; None where it is gone. One without an end as it was, where it alone is unreadable."""
        try:
            return await self._server.session(session_id)
        except NotFoundOnServer:
            self._without_end.pop(session_id, None)
            return None
        except VeeamError as error:
            known = self._without_end.get(session_id)
            if known is None or not (error.reached_server or isinstance(error, TimedOut)):
                raise
            log.warning("watch.session_unreadable", server=self._server.name, problem=str(error))
            return known.row


def _is_failed_log(row: Session) -> bool:
    is_of_logs = session_group(row.session_type) is SessionGroup.LOG_BACKUP
    return is_of_logs and row.is_stopped and row.outcome is Result.FAILED


def _is_good_log(row: Session) -> bool:
    is_of_logs = session_group(row.session_type) is SessionGroup.LOG_BACKUP
    return is_of_logs and row.is_stopped and row.outcome in {Result.SUCCESS, Result.WARNING}


def _has_moved(since: datetime, latest: datetime | None) -> bool:
    return latest is not None and latest - _SAME_END > since


def _failures_first(ended: Iterable[EndedSession]) -> tuple[EndedSession, ...]:
    """By end, but first the sessions of the jobs, and of the runs with their parts, of which one failed."""
    by_end = _by_end(ended)
    failures = [each.session for each in by_end if each.session.outcome is Result.FAILED]
    failed = {key for session in failures for key in _job_and_run(session)}
    return tuple(sorted(by_end, key=lambda each: failed.isdisjoint(_job_and_run(each.session))))


def _job_and_run(session: Session) -> set[str | None]:
    """What a session has in common with others: its job, and the session that it is a part of."""
    return {session.job_id, session.part_of if session.part_of is not None else session.id}


def _by_job(rows: Iterable[Session]) -> Mapping[JobId, Sequence[Session]]:
    """The sessions of each job that have ended, oldest first."""
    found: dict[JobId, list[Session]] = defaultdict(list)
    ended = [(row.end_time, row.id, row) for row in rows if row.end_time is not None]
    for _, _, row in sorted(ended, key=lambda each: each[:2]):
        if row.job_id is not None:
            found[row.job_id].append(row)
    return found


def _by_end(ended: Iterable[EndedSession]) -> tuple[EndedSession, ...]:
    return tuple(sorted(ended, key=lambda each: (each.ended_at, each.session.id)))
