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
    StoppedSessions,
    Transaction,
)
from bot.veeam import (
    JobId,
    Result,
    SessionGroup,
    SessionId,
    SessionsQuery,
    VeeamError,
    VeeamServer,
    session_group,
)
from bot.watch import messages
from bot.watch.facts import SessionFacts
from bot.watch.job_cache import JobCache
from bot.watch.poller import PollResult
from bot.watch.routing import RouteDecision, RouteReason, SkipReason, WatchRules
from bot.watch.runs import Run
from bot.watch.session_report import SessionReport, fetch_details
from bot.watch.sessions import EndedSession, is_offload

ANNOUNCED_ONE_BY_ONE = 10
_AT_ONCE = 4
_LOOK_AGAIN_AFTER = timedelta(minutes=5)
_LATER_SESSIONS = 20
_RUNS_LOOKED_AT = 20
"""Of a job: so many nights in a row may have failed before one that makes up for them."""

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
        self._stopped = StoppedSessions(database)

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
                session, ended_at = report.ended.session, report.ended.ended_at
                await self._sessions.claim(transaction, server, session.id, ended_at)
                if session.is_canceled:
                    await self._stopped.add(transaction, server, session.id, ended_at)
            await self._outbox.add(transaction, rows)
            await self._sessions.place(transaction, server, poll.cursor)
        log.info("watch.backfill_summarised", server=server, sessions=len(reports), channels=len(rows))

    async def _report(self, ended: EndedSession) -> SessionReport:
        owner = await self._jobs.owner_of(ended.session)
        if owner.job is None and ended.group is SessionGroup.JOB_RUN and is_offload(ended.session):
            ended = replace(ended, group=SessionGroup.TIERING)
        return SessionReport(self._server.name, ended, owner)

    def _is_routed(self, report: SessionReport) -> bool:
        return bool(self._route(report).destinations)

    def _route(self, report: SessionReport, started_in: str | None = None) -> RouteDecision:
        if report.is_untold:
            return RouteDecision((), SkipReason.WELL)
        return self._rules.route(report.completion(started_in))

    async def _full_report(self, ended: EndedSession) -> SessionReport:
        """Ask VBR for what will be announced; for nothing but the job if nothing will."""
        report = await self._report(ended)
        if not self._is_routed(report) and not await self._may_continue_a_run(report):
            return report
        session = ended.session
        is_retried = session.outcome is Result.FAILED and ended.group is SessionGroup.JOB_RUN
        is_known = report.owner.is_certain
        retry = await self._jobs.retries_of(report.job_id) if is_retried and is_known else None
        return replace(report, retry=retry, details=await fetch_details(self._server, session))

    async def _may_continue_a_run(self, report: SessionReport) -> bool:
        """Whether the job's latest run is one that was announced and failed."""
        async with self._database.reading() as reading:
            runs = await self._latest_runs(reading, report.job_id)
        return any(bool(run.channels) and run.facts.last.is_failed for run in runs)

    async def _latest_runs(self, transaction: Transaction, job_id: JobId, *, limit: int = 1) -> Sequence[Run]:
        """The job's runs that ended last, the last one first."""
        rows = await self._runs.latest(transaction, self._server.name, job_id, limit=limit)
        return [run for row in rows if (run := Run.decode(row.body)) is not None]

    async def _announce(self, report: SessionReport, poll: PollResult) -> None:
        server, session, ended_at = self._server.name, report.ended.session, report.ended.ended_at
        async with self._writing() as transaction:
            if not await self._sessions.claim(transaction, server, session.id, ended_at):
                return
            # Whoever stopped the whole session stopped its parts.
            whole = report.owner.part_of
            ids = [session.id] if whole is None else [session.id, whole]
            own = await self._own_actions.within(transaction, server, ids)
            facts = report.session_facts(own, unsupported=self._server.revision.lacks)
            decision = self._route(report, facts.started_in)
            queued = await self._queued(transaction, report, facts, decision, poll)
            for each in queued:
                await self._outbox.add(transaction, each.rows)
                await self._runs.put(transaction, _row(each.run))
            if facts.is_stopped:
                await self._stopped.add(transaction, server, session.id, ended_at)
            await self._sessions.advance(transaction, server, min(ended_at, poll.cursor.read_to))
        run = queued[0].run if queued else None
        log.info(
            "watch.session_announced"
            if run is not None and queued[0].rows
            else "watch.session_not_announced",
            server=server,
            session_id=session.id,
            job=report.job_name,
            result=facts.result,
            reason=decision.skipped or sorted({each.reason for each in decision.destinations}),
            channels=[] if run is None else [each.channel for each in run.channels],
            attempt=0 if run is None else len(run.facts.attempts),
        )

    async def _queued(
        self,
        transaction: Transaction,
        report: SessionReport,
        session: SessionFacts,
        decision: RouteDecision,
        poll: PollResult,
    ) -> tuple[messages.RunMessages, ...]:
        """What is queued for the session's run, and for those before it that it makes up for."""
        now = self._clock.now()
        is_late = self._rules.is_late(session.ended_at, poll.server_now)
        runs = await self._latest_runs(transaction, report.job_id)
        if session.part is not None or (
            session.went_well and any(not each.facts.last.went_well for each in runs)
        ):
            runs = await self._latest_runs(transaction, report.job_id, limit=_RUNS_LOOKED_AT)
        looked_at = runs if session.part is not None else runs[:1]
        run = next((each for each in looked_at if each.includes(session)), None)
        if report.is_untold and (run is None or session.part not in run.facts.failed_parts):
            return ()
        recovered = self._recovered(session, [each for each in runs if each is not run])
        if run is not None:
            further = messages.attempt_messages(run.with_attempt(session, is_late=is_late), now)
        else:
            begun = Run.begin(report.run_facts(session, is_late=is_late), report.retry)
            for later in runs[:1]:  # VBR may record a failure late, after the run that made up for it
                begun = begun.recovered_by(later.facts.last) or begun
            further = messages.RunMessages(begun, ())
        # Channels that have the run's root get its attempts; the default channel gets what no other one got.
        is_announced = bool(further.run.channels)
        new = [to for to in decision.destinations if to.reason is RouteReason.ROUTE or not is_announced]
        roots = messages.root_messages(further.run, new, now)
        own = messages.RunMessages(roots.run, (*further.rows, *roots.rows))
        return (own, *(messages.recovery_messages(each, now) for each in recovered))

    def _recovered(self, session: SessionFacts, earlier: Sequence[Run]) -> list[Run]:
        """The runs of the job, the latest first, that failed in a row before this session went well."""
        recovered: list[Run] = []
        if session_group(session.session_type) in {SessionGroup.LOG_BACKUP, SessionGroup.TIERING}:
            return recovered
        for run in earlier:
            if run.facts.last.went_well or run.facts.is_recovered:
                break
            group = session_group(run.facts.first.session_type)
            if group not in {SessionGroup.LOG_BACKUP, SessionGroup.TIERING}:
                recovered += filter(None, (run.recovered_by(session),))
        return recovered

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


def _row(run: Run) -> RunRow:
    last = run.facts.last
    return RunRow(
        run_key=run.facts.key,
        server=run.facts.server,
        job_id=run.facts.job_id,
        last_ended_at=max(each.ended_at for each in run.facts.attempts),
        expected_by=run.expected_by,
        body=run.encode(),
        failed_part=last.session_id if last.part is not None and run.facts.stands_failed else None,
    )
