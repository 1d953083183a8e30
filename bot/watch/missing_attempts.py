"""Runs whose next automatic attempt did not come: they are over, and their channels hear of it.

An attempt is noticed when it ends, so VBR is asked first whether one is running.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from bot.observability import Clock
from bot.store import Database, Outbox, ProcessedSessions, RunRow, Runs, Transaction
from bot.veeam import SessionId, SessionsQuery, VeeamError, VeeamServer
from bot.watch import messages
from bot.watch.mutes import HeldBack, covering, mute_facts
from bot.watch.runs import Run
from bot.watch.storms import StormGathering

_LOOK_AGAIN_AFTER = timedelta(minutes=5)
_LATER_SESSIONS = 20

log = structlog.stdlib.get_logger(__name__)


class _Retry(StrEnum):
    """What became of an attempt that was expected."""

    MISSING = "missing"
    RUNNING = "running"
    SUPERSEDED = "superseded"  # the job has run again since


class MissingAttempts:
    """Those of one server. `writing` and `gathering` as of `HeldRuns`.

    Raises `StoreError`, and `VeeamError` if the server doesn't answer.
    """

    def __init__(
        self,
        server: VeeamServer,
        database: Database,
        clock: Clock,
        writing: Callable[[], AbstractAsyncContextManager[Transaction]],
        gathering: Callable[[Transaction, Counter[str]], StormGathering],
    ) -> None:
        self._server = server
        self._clock = clock
        self._writing = writing
        self._gathering = gathering
        self._runs = Runs(database)
        self._outbox = Outbox(database)
        self._sessions = ProcessedSessions(database)
        self._held_back = HeldBack(database)
        # When the first expected attempt is overdue. In a tuple: None while that isn't known.
        self._next_overdue: tuple[datetime | None] | None = None

    def forget(self) -> None:
        """Read again what another process may have written."""
        self._next_overdue = None

    async def announce(self, server_now: datetime) -> None:
        """Announce the runs whose next automatic attempt is overdue on the server's clock."""
        if self._next_overdue is not None:
            (overdue_at,) = self._next_overdue
            if overdue_at is None or server_now < overdue_at:
                return
        for row in await self._runs.overdue(self._server.name, server_now):
            run = Run.decode(row.body)
            if run is None:
                log.error("watch.run_unreadable", server=row.server, run=row.run_key)
                async with self._writing() as transaction:
                    await self._runs.put(transaction, replace(row, expected_by=None))
            else:
                await self._settle(row, run, await self._look_for_retry(run), server_now)
        self._next_overdue = (await self._runs.next_expected(self._server.name),)

    async def _look_for_retry(self, run: Run) -> _Retry:
        """A session is noticed when it ends: an attempt that runs for hours has come all the same."""
        last = run.facts.latest
        if last.part_of is not None and await self._is_running(last.part_of):
            return _Retry.RUNNING
        query = SessionsQuery(
            job_id=run.facts.job_id,
            created_after=last.ended_at,
            limit=_LATER_SESSIONS,
            order_by="CreationTime",
        )
        try:
            page = await self._server.sessions(query)
        except VeeamError as error:
            if not error.reached_server:
                raise
            log.warning("watch.attempts_unreadable", server=self._server.name, problem=str(error))
            return _Retry.MISSING
        later = [
            row for row in page.rows if row.id != last.session_id and row.session_type == last.session_type
        ]
        if not later:
            return _Retry.MISSING
        unknown = await self._sessions.unknown(self._server.name, [row.id for row in later])
        is_over = not unknown and all(row.is_stopped for row in later)
        return _Retry.SUPERSEDED if is_over else _Retry.RUNNING

    async def _is_running(self, session_id: SessionId) -> bool:
        try:
            return not (await self._server.session(session_id)).is_stopped
        except VeeamError as error:
            if not error.reached_server:
                raise
            return False

    async def _still_muted(self, transaction: Transaction, run: Run, now: datetime) -> Run:
        """The run as it is muted by now; a mute of its server that began since it failed remembers it."""
        active = await self._held_back.active(transaction, self._server.name, now)
        mute = covering(active, run.facts.job_id, run.facts.job_name)
        if mute is None or not run.facts.stands_failed:
            return run
        muted = run.with_mute(mute_facts(mute))
        return (await self._held_back.hold(transaction, mute, muted, (), run.facts.last, now)).run

    async def _settle(self, row: RunRow, run: Run, retry: _Retry, server_now: datetime) -> None:
        now = self._clock.now()
        async with self._writing() as transaction:
            if await self._runs.of(transaction, row.run_key) != row:
                return
            if retry is _Retry.RUNNING:
                await self._runs.put(transaction, replace(row, expected_by=server_now + _LOOK_AGAIN_AFTER))
                return
            final = await self._still_muted(transaction, run.without_retry(), now)
            if retry is _Retry.SUPERSEDED:
                queued = messages.superseded_messages(final, now)
            else:
                queued = messages.missing_attempt_messages(final, now)
            await self._outbox.add(transaction, queued.rows)
            settled = replace(row, expected_by=None, body=queued.run.encode())
            unanswered_since = queued.run.unanswered_since
            await self._runs.put(transaction, replace(settled, unanswered_since=unanswered_since))
            storms = self._gathering(transaction, Counter())
            await storms.follow(queued.run)
            await storms.queue()
        log.info("watch.run_settled", server=row.server, run=row.run_key, retry=retry)
