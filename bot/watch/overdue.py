"""Runs whose next automatic attempt did not come: the failure stands, and whoever is to know hears of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto

import structlog

from bot.observability import Clock
from bot.store import Database, Outbox, ProcessedSessions, RunRow, Runs
from bot.veeam import SessionsQuery, VeeamError, VeeamServer
from bot.watch.destinations import no_attempt_told, overtaken_told
from bot.watch.runs import Run, given_up

_LOOK_AGAIN_AFTER = timedelta(minutes=5)
_ROWS = 20

log = structlog.stdlib.get_logger(__name__)


class _Since(Enum):
    """What the job did since its last attempt."""

    NOTHING = auto()
    AT_IT = auto()
    RAN = auto()


class Overdue:
    """Looks after the runs of one server. Raises StoreError, and VeeamError while the server is silent."""

    def __init__(self, server: VeeamServer, database: Database, clock: Clock) -> None:
        self._server = server
        self._database = database
        self._clock = clock
        self._runs = Runs(database)
        self._sessions = ProcessedSessions(database)
        self._outbox = Outbox(database)

    async def tell(self, server_now: datetime) -> int:
        """Tell runs whose attempt is overdue on the server's clock; returns how many."""
        overdue = await self._runs.overdue(self._server.name, server_now)
        for row in overdue:
            run = Run.decode(row.body)
            if run is None:
                log.error("watch.run_unreadable", server=row.server, run=row.run_key)
                await self._forget(row)
            else:
                await self._settle(row, run, await self._done_since(run), server_now)
        return len(overdue)

    async def _done_since(self, run: Run) -> _Since:
        """A session is noticed when it ends: an attempt that runs for hours has come all the same."""
        query = SessionsQuery(
            job_id=run.facts.job_id,
            created_after=run.facts.last.ended_at,
            limit=_ROWS,
            order_by="CreationTime",
        )
        try:
            page = await self._server.sessions(query)
        except VeeamError as error:
            if not error.reaches:
                raise
            log.warning("watch.attempts_unreadable", server=self._server.name, problem=str(error))
            return _Since.NOTHING
        last = run.facts.last
        later = [
            row for row in page.rows if row.id != last.session_id and row.session_type == last.session_type
        ]
        if not later:
            return _Since.NOTHING
        untold = await self._sessions.unknown(self._server.name, [row.id for row in later])
        return _Since.AT_IT if untold or not all(row.is_stopped for row in later) else _Since.RAN

    async def _forget(self, row: RunRow) -> None:
        async with self._database.transaction() as transaction:
            await self._runs.put(transaction, replace(row, expected_by=None))

    async def _settle(self, row: RunRow, run: Run, since: _Since, server_now: datetime) -> None:
        now = self._clock.now()
        async with self._database.transaction() as transaction:
            await transaction.serialise(f"announce/{self._server.name}")
            current = await self._runs.of(transaction, row.run_key)
            if current != row:
                return
            if since is _Since.AT_IT:
                await self._runs.put(transaction, replace(row, expected_by=server_now + _LOOK_AGAIN_AFTER))
                return
            final = given_up(run)
            queued = overtaken_told(final, now) if since is _Since.RAN else no_attempt_told(final, now)
            await self._outbox.add(transaction, queued.rows)
            await self._runs.put(transaction, replace(row, expected_by=None, body=queued.run.encode()))
        log.info("watch.run_settled", server=row.server, run=row.run_key, since=since.name.lower())
