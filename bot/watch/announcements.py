"""Telling each session once: known, run, outbox and cursor change in one transaction, or not at all.

What has to be asked of VBR is asked before the transaction; what may have changed meanwhile (who started
or stopped the session, the run it belongs to, whether somebody else told it) is read within it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from bot.observability import Clock
from bot.store import Database, Outbox, OwnActions, PollCursor, ProcessedSessions, RunRow, Runs, Transaction
from bot.veeam import Result, SessionGroup, VeeamServer
from bot.watch.caught_up import TOLD_ONE_BY_ONE, caught_up_rows, tellable
from bot.watch.destinations import Queued, attempt_told, first_told, run_key
from bot.watch.facts import SessionFacts
from bot.watch.jobs import JobBook
from bot.watch.reading import Ended, Reading
from bot.watch.reasons import Told
from bot.watch.routing import Routed
from bot.watch.runs import Run, begun, belongs, continued, is_failed
from bot.watch.stories import story_of
from bot.watch.telling import Prepared, Rules, is_late, routed, run_facts, session_facts

_AT_ONCE = 4

log = structlog.stdlib.get_logger(__name__)


class Announcer:
    """Tells the sessions of one server. Raises StoreError, and VeeamError while the server is silent."""

    def __init__(
        self, server: VeeamServer, database: Database, jobs: JobBook, clock: Clock, rules: Rules
    ) -> None:
        self._server = server
        self._database = database
        self._jobs = jobs
        self._clock = clock
        self._rules = rules
        self._sessions = ProcessedSessions(database)
        self._runs = Runs(database)
        self._outbox = Outbox(database)
        self._own_actions = OwnActions(database)

    async def announce(self, reading: Reading, may_go_on: Callable[[], Awaitable[bool]]) -> int:
        """Tell what a reading found, oldest first, and move the cursor; returns how many sessions were told.

        Safe to repeat and to break off anywhere. `may_go_on` is asked now and then: False when another
        process has taken over.
        """
        if reading.before is None and len(reading.ended) > TOLD_ONE_BY_ONE:
            await self._jobs.refresh()
            prepared = [await self._named(ended) for ended in reading.ended]
            if tellable(self._rules, self._server.name, prepared) > TOLD_ONE_BY_ONE:
                await self._catch_up(prepared, reading)
                return 0
        if reading.before is None:
            await self._place(replace(reading.cursor, read_to=reading.cursor.floor))
        told = 0
        for start in range(0, len(reading.ended), _AT_ONCE):
            if start and not await may_go_on():
                return told
            batch = reading.ended[start : start + _AT_ONCE]
            for prepared_one in await asyncio.gather(*map(self._prepared, batch)):
                told += await self._tell(prepared_one, reading)
        if reading.cursor != reading.before:
            await self._place(reading.cursor)
        return told

    async def _place(self, cursor: PollCursor) -> None:
        async with self._database.transaction() as transaction:
            await self._sessions.place(transaction, self._server.name, cursor)

    async def _catch_up(self, prepared: Sequence[Prepared], reading: Reading) -> None:
        server, since, now = self._server.name, reading.cursor.floor, self._clock.now()
        rows = caught_up_rows(self._rules, server, prepared, since=since, now=now)
        async with self._database.transaction() as transaction:
            await transaction.serialise(f"announce/{server}")
            for each in prepared:
                await self._sessions.claim(transaction, server, each.ended.session.id, each.ended.ended_at)
            await self._outbox.add(transaction, rows)
            await self._sessions.place(transaction, server, reading.cursor)
        log.info("watch.caught_up", server=server, sessions=len(prepared), channels=len(rows))

    async def _named(self, ended: Ended) -> Prepared:
        return Prepared(ended, await self._jobs.of(ended.session))

    async def _prepared(self, ended: Ended) -> Prepared:
        """Ask VBR for what will be told; nothing beyond the job for what nobody will be told."""
        prepared = await self._named(ended)
        if not await self._may_be_told(prepared):
            return prepared
        session = ended.session
        is_retried = session.outcome is Result.FAILED and ended.group is SessionGroup.JOB_RUN
        retry = await self._jobs.retries_of(prepared.job_id) if is_retried and prepared.job else None
        return replace(prepared, retry=retry, story=await story_of(self._server, session))

    async def _may_be_told(self, prepared: Prepared) -> bool:
        if routed(self._rules, self._server.name, prepared).destinations:
            return True
        async with self._database.reading() as reading:
            row = await self._runs.latest(reading, self._server.name, prepared.job_id)
        run = None if row is None else Run.decode(row.body)
        return run is not None and bool(run.told_in) and is_failed(run.facts.last)

    async def _tell(self, prepared: Prepared, reading: Reading) -> bool:
        server, session, ended_at = self._server.name, prepared.ended.session, prepared.ended.ended_at
        async with self._database.transaction() as transaction:
            await transaction.serialise(f"announce/{server}")
            if not await self._sessions.claim(transaction, server, session.id, ended_at):
                return False
            own = await self._own_actions.within(transaction, server, [session.id])
            facts = session_facts(prepared, own, lacks=self._server.revision.lacks)
            goes_to = routed(self._rules, server, prepared, facts.started_in)
            queued = await self._queued(transaction, prepared, facts, goes_to, reading)
            await self._outbox.add(transaction, queued.rows)
            await self._keep(transaction, queued.run)
            await self._sessions.advance(transaction, server, min(ended_at, reading.cursor.read_to))
        log.info(
            "watch.session_told" if queued.rows else "watch.session_untold",
            server=server,
            session_id=session.id,
            job=prepared.job_name,
            result=queued.run.facts.last.result,
            reason=goes_to.untold or sorted({each.reason for each in goes_to.destinations}),
            channels=[told.channel for told in queued.run.told_in],
            attempt=len(queued.run.facts.attempts),
        )
        return bool(queued.rows)

    async def _queued(
        self,
        transaction: Transaction,
        prepared: Prepared,
        session: SessionFacts,
        goes_to: Routed,
        reading: Reading,
    ) -> Queued:
        server, now = self._server.name, self._clock.now()
        late = is_late(self._rules, session.ended_at, reading.server_now)
        row = await self._runs.latest(transaction, server, prepared.job_id)
        run = None if row is None else Run.decode(row.body)
        if run is not None and belongs(run, session):
            further = attempt_told(continued(run, session, is_late=late), now)
        else:
            facts = run_facts(server, prepared, session, is_late=late)
            further = Queued(begun(facts, prepared.retry), ())
        # Who was told how a run began is told how it goes on; the default channel takes what nobody took.
        is_told = bool(further.run.told_in)
        new = [each for each in goes_to.destinations if each.reason is Told.ROUTE or not is_told]
        first = first_told(further.run, new, now)
        return Queued(first.run, (*further.rows, *first.rows))

    async def _keep(self, transaction: Transaction, run: Run) -> None:
        row = RunRow(
            run_key=run_key(run.facts),
            server=run.facts.server,
            job_id=run.facts.job_id,
            last_ended_at=run.facts.last.ended_at,
            expected_by=run.expected_by,
            body=run.encode(),
        )
        await self._runs.put(transaction, row)
