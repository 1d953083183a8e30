"""Announcing each session once: session, run, outbox and cursor change in one transaction, or not at all.

What has to be asked of VBR is asked before the transaction; what may have changed meanwhile (who started or
stopped the session, the run it belongs to, whether another process announced it) is read within it. Runs
whose next automatic attempt did not come are announced here too.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from bot.observability import Clock
from bot.store import (
    Database,
    Leases,
    Outbox,
    OwnActions,
    PollCursor,
    ProcessedSessions,
    RunRow,
    Runs,
    Transaction,
)
from bot.veeam import Result, SessionGroup, SessionsQuery, VeeamError, VeeamServer
from bot.watch import messages
from bot.watch.facts import SessionFacts
from bot.watch.job_cache import JobCache
from bot.watch.poller import PollResult
from bot.watch.routing import RouteDecision, RouteReason, WatchRules
from bot.watch.runs import Run
from bot.watch.session_report import SessionReport, fetch_details
from bot.watch.sessions import EndedSession

ANNOUNCED_ONE_BY_ONE = 10
_AT_ONCE = 4
_LOOK_AGAIN_AFTER = timedelta(minutes=5)
_LATER_SESSIONS = 20

log = structlog.stdlib.get_logger(__name__)


class _Retry(StrEnum):
    """What became of an attempt that was expected."""

    MISSING = "missing"
    RUNNING = "running"
    SUPERSEDED = "superseded"  # the job has run again since


class Announcer:
    """Announces one server's sessions, as long as `holder` has the `lease` to poll it.

    Raises LeaseLost, any other StoreError, and VeeamError if the server doesn't answer.
    """

    def __init__(
        self,
        server: VeeamServer,
        database: Database,
        jobs: JobCache,
        clock: Clock,
        rules: WatchRules,
        *,
        lease: str,
        holder: str,
    ) -> None:
        self._server = server
        self._database = database
        self._lease = lease
        self._holder = holder
        self._leases = Leases(database)
        self._jobs = jobs
        self._clock = clock
        self._rules = rules
        self._sessions = ProcessedSessions(database)
        self._runs = Runs(database)
        self._outbox = Outbox(database)
        self._own_actions = OwnActions(database)

    async def announce(self, poll: PollResult, may_go_on: Callable[[], Awaitable[bool]]) -> None:
        """Announce what a poll found, oldest first, and move the cursor.

        Safe to repeat and to break off anywhere. `may_go_on` is asked now and then: False when another
        process has taken over.
        """
        if poll.before is None and len(poll.ended) > ANNOUNCED_ONE_BY_ONE:
            await self._jobs.refresh()
            reports = [await self._report(ended) for ended in poll.ended]
            if sum(self._is_routed(report) for report in reports) > ANNOUNCED_ONE_BY_ONE:
                await self._summarise_backfill(reports, poll)
                return
        if poll.before is None:
            await self._place(replace(poll.cursor, read_to=poll.cursor.floor))
        for start in range(0, len(poll.ended), _AT_ONCE):
            if start and not await may_go_on():
                return
            batch = poll.ended[start : start + _AT_ONCE]
            for report in await asyncio.gather(*map(self._full_report, batch)):
                await self._announce(report, poll)
        if poll.cursor != poll.before:
            await self._place(poll.cursor)

    async def announce_missing_attempts(self, server_now: datetime) -> None:
        """Announce the runs whose next automatic attempt is overdue on the server's clock."""
        for row in await self._runs.overdue(self._server.name, server_now):
            run = Run.decode(row.body)
            if run is None:
                log.error("watch.run_unreadable", server=row.server, run=row.run_key)
                async with self._writing() as transaction:
                    await self._runs.put(transaction, replace(row, expected_by=None))
            else:
                await self._settle(row, run, await self._look_for_retry(run), server_now)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Transaction]:
        """Write what is known of the server: one transaction at a time, and in one process alone."""
        async with self._database.transaction() as transaction:
            await transaction.serialise(f"announce/{self._server.name}")
            await self._leases.require(transaction, self._lease, self._holder)
            yield transaction

    async def _place(self, cursor: PollCursor) -> None:
        async with self._writing() as transaction:
            await self._sessions.place(transaction, self._server.name, cursor)

    async def _summarise_backfill(self, reports: Sequence[SessionReport], poll: PollResult) -> None:
        server, since, now = self._server.name, poll.cursor.floor, self._clock.now()
        rows = tuple(messages.backfill_messages(self._rules, server, reports, since=since, now=now))
        async with self._writing() as transaction:
            for report in reports:
                await self._sessions.claim(
                    transaction, server, report.ended.session.id, report.ended.ended_at
                )
            await self._outbox.add(transaction, rows)
            await self._sessions.place(transaction, server, poll.cursor)
        log.info("watch.backfill_summarised", server=server, sessions=len(reports), channels=len(rows))

    async def _report(self, ended: EndedSession) -> SessionReport:
        return SessionReport(self._server.name, ended, await self._jobs.job_of(ended.session))

    def _is_routed(self, report: SessionReport) -> bool:
        return bool(self._rules.route(report.completion()).destinations)

    async def _full_report(self, ended: EndedSession) -> SessionReport:
        """Ask VBR for what will be announced; for nothing but the job if nothing will."""
        report = await self._report(ended)
        if not self._is_routed(report) and not await self._may_continue_a_run(report):
            return report
        session = ended.session
        is_retried = session.outcome is Result.FAILED and ended.group is SessionGroup.JOB_RUN
        retry = await self._jobs.retries_of(report.job_id) if is_retried and report.job else None
        return replace(report, retry=retry, details=await fetch_details(self._server, session))

    async def _may_continue_a_run(self, report: SessionReport) -> bool:
        """Whether the job's latest run is one that was announced and failed."""
        async with self._database.reading() as reading:
            row = await self._runs.latest(reading, self._server.name, report.job_id)
        run = None if row is None else Run.decode(row.body)
        return run is not None and bool(run.channels) and run.facts.last.is_failed

    async def _announce(self, report: SessionReport, poll: PollResult) -> None:
        server, session, ended_at = self._server.name, report.ended.session, report.ended.ended_at
        async with self._writing() as transaction:
            if not await self._sessions.claim(transaction, server, session.id, ended_at):
                return
            own = await self._own_actions.within(transaction, server, [session.id])
            facts = report.session_facts(own, unsupported=self._server.revision.lacks)
            decision = self._rules.route(report.completion(facts.started_in))
            queued = await self._queued(transaction, report, facts, decision, poll)
            run = queued.run
            row = RunRow(
                run_key=run.facts.key,
                server=run.facts.server,
                job_id=run.facts.job_id,
                last_ended_at=run.facts.last.ended_at,
                expected_by=run.expected_by,
                body=run.encode(),
            )
            await self._outbox.add(transaction, queued.rows)
            await self._runs.put(transaction, row)
            await self._sessions.advance(transaction, server, min(ended_at, poll.cursor.read_to))
        log.info(
            "watch.session_announced" if queued.rows else "watch.session_not_announced",
            server=server,
            session_id=session.id,
            job=report.job_name,
            result=run.facts.last.result,
            reason=decision.skipped or sorted({each.reason for each in decision.destinations}),
            channels=[each.channel for each in run.channels],
            attempt=len(run.facts.attempts),
        )

    async def _queued(
        self,
        transaction: Transaction,
        report: SessionReport,
        session: SessionFacts,
        decision: RouteDecision,
        poll: PollResult,
    ) -> messages.RunMessages:
        server, now = self._server.name, self._clock.now()
        is_late = self._rules.is_late(session.ended_at, poll.server_now)
        row = await self._runs.latest(transaction, server, report.job_id)
        run = None if row is None else Run.decode(row.body)
        if run is not None and run.includes(session):
            further = messages.attempt_messages(run.with_attempt(session, is_late=is_late), now)
        else:
            begun = Run.begin(report.run_facts(session, is_late=is_late), report.retry)
            further = messages.RunMessages(begun, ())
        # Channels that have the run's root get its attempts; the default channel gets what no other one got.
        is_announced = bool(further.run.channels)
        new = [to for to in decision.destinations if to.reason is RouteReason.ROUTE or not is_announced]
        roots = messages.root_messages(further.run, new, now)
        return messages.RunMessages(roots.run, (*further.rows, *roots.rows))

    async def _look_for_retry(self, run: Run) -> _Retry:
        """A session is noticed when it ends: an attempt that runs for hours has come all the same."""
        last = run.facts.last
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

    async def _settle(self, row: RunRow, run: Run, retry: _Retry, server_now: datetime) -> None:
        now = self._clock.now()
        async with self._writing() as transaction:
            if await self._runs.of(transaction, row.run_key) != row:
                return
            if retry is _Retry.RUNNING:
                await self._runs.put(transaction, replace(row, expected_by=server_now + _LOOK_AGAIN_AFTER))
                return
            final = run.without_retry()
            if retry is _Retry.SUPERSEDED:
                queued = messages.superseded_messages(final, now)
            else:
                queued = messages.missing_attempt_messages(final, now)
            await self._outbox.add(transaction, queued.rows)
            await self._runs.put(transaction, replace(row, expected_by=None, body=queued.run.encode()))
        log.info("watch.run_settled", server=row.server, run=row.run_key, retry=retry)
