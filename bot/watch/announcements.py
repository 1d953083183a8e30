"""Announcing each session once: session, run, outbox and cursor change in one transaction, or not at all.

What has to be asked of VBR is asked before the transaction; what may have changed meanwhile (who started or
stopped the session, the run it belongs to, whether another process announced it) is read within it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.observability import Clock
from bot.store import (
    STOP,
    Database,
    FollowedSession,
    FollowedSessions,
    Leases,
    Mute,
    Outbox,
    OwnAction,
    OwnActions,
    PollCursor,
    PostedMessage,
    ProcessedSessions,
    Runs,
    StoppedSessions,
    Transaction,
)
from bot.veeam import (
    FAILURES_ONLY,
    JobId,
    Result,
    RetryPolicy,
    Session,
    SessionGroup,
    SessionId,
    VeeamServer,
    session_group,
)
from bot.watch import messages
from bot.watch.backfill import ANNOUNCED_ONE_BY_ONE, Backfill
from bot.watch.held_runs import HeldRuns
from bot.watch.job_cache import JobCache, subject_key
from bot.watch.missing_attempts import MissingAttempts
from bot.watch.mutes import HeldBack, holds_back, mute_facts
from bot.watch.outlook import fetch_next_run, fetch_past, outlook_from, went_well_since
from bot.watch.poller import History, LogBackups, PollResult
from bot.watch.repository_space import RepositorySpace
from bot.watch.routing import (
    RouteDecision,
    RouteReason,
    SkipReason,
    WatchRules,
    long_enough,
)
from bot.watch.run_facts import JobOutlook, SessionDetails, SessionFacts
from bot.watch.runs import Run
from bot.watch.session_report import SessionReport, fetch_details
from bot.watch.sessions import EndedSession
from bot.watch.standing import queue, row_of
from bot.watch.storms import BackupTarget, StormGathering, StormRules
from bot.watch.streaks import Streaks

_MANY = 50
_STORM_DETAILS = 20
"""About so many failures of a storm VBR is asked why; the others say what their session itself says."""
_ROUTED_AT_ONCE = 200
_AT_ONCE = 4
_ANSWERED_WITHIN = timedelta(minutes=1)
"""So soon after it began something an action has its message in the channel, or will have none."""
_RUNS_LOOKED_AT = 200
"""Of a job: so many may have failed before one that makes up for them, its log backups among them."""
_RUNS_LOOKED_AT_FOR_PART = 20

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Standing:
    """The messages by channel that become a run's roots; `awaited` are channels where one is due."""

    posted: Mapping[str, PostedMessage]
    awaited: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _RoutedReport:
    """A report, and where it is announced as far as nothing is known of who started the session."""

    report: SessionReport
    decision: RouteDecision

    @property
    def channels_at_once(self) -> list[str]:
        """The channels that get this failure whether or not others came before it.

        Whether a run is one of several in a row is known only later.
        """
        return [to.channel for to in long_enough(self.decision.destinations, 1)]


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
        self._followed = FollowedSessions(database)
        self._stopped = StoppedSessions(database)
        self._held_back = HeldBack(database)
        self._storm_rules = StormRules(rules.storms, rules.polling, rules.causes)
        self._space = RepositorySpace(server, clock)
        self._streaks = Streaks(self._runs)
        self._held = HeldRuns(server, database, clock, rules, self._writing, self._gathering)
        self._missing = MissingAttempts(server, database, clock, self._writing, self._gathering)
        self._failed_logs: Mapping[LogBackups, datetime] | None = None

    def forget(self) -> None:
        """Read again what another process may have written."""
        self._missing.forget()
        self._held.forget()
        self._failed_logs = None

    async def failed_logs(self) -> Mapping[LogBackups, datetime]:
        """Return the backups of logs of which the last failed, and when: one that goes well is news then."""
        if self._failed_logs is None:
            rows = await self._runs.of_logs(self._server.name)
            runs = [run for row in rows if (run := Run.decode(row.body)) is not None]
            self._failed_logs = {
                (subject_key(run.facts.job_id, run.facts.job_name), log_type): run.facts.latest.ended_at
                for run in reversed(runs)
                if (log_type := run.facts.first.log_type) is not None and run.facts.stands_failed
            }
        return self._failed_logs

    async def announce(self, poll: PollResult, may_go_on: Callable[[], Awaitable[bool]]) -> bool:
        """Announce what a poll found, what ended lately first, and move the cursor. False: it broke off.

        Safe to repeat and to break off anywhere. `may_go_on` is asked now and then: False when another
        process has taken over, or when it is time to look what ended meanwhile. A batch of each is announced
        all the same: what ends now must not keep the rest waiting for ever.
        """
        if len(poll.ended) > _MANY:
            await self._jobs.read_ahead()
        fresh, ended = await self._routed(poll.fresh), await self._routed(poll.ended)
        ahead = await self._failures_found([*fresh, *ended])
        is_done = True
        for routed, read_to in ((fresh, None), (ended, poll.cursor.read_to)):
            is_first = True
            async for batch in self._batches(routed, ahead):
                if not is_first and not await may_go_on():
                    is_done = False
                    break
                is_first = False
                await self._announce(batch, poll, read_to, ahead)
        if is_done and poll.cursor != poll.before:
            await self._place(poll.cursor)
        return is_done

    async def begin(
        self, poll: PollResult, history: History, may_go_on: Callable[[], Awaitable[bool]]
    ) -> PollResult:
        """Take in what ended before a first start; return the poll with what is left to announce of it.

        All of it is read before anything is announced. If it is a lot, it is summed up, and nothing is left.
        """
        backfill, since, server = Backfill(self._rules), poll.server_now, self._server.name
        async for page, read_since in history:
            if not await may_go_on():
                return poll
            since = read_since
            if len(page) > ANNOUNCED_ONE_BY_ONE:
                await self._jobs.read_ahead()
            for each in page:
                report = await self._report(each)
                # A summary waits for nobody: what a subscriber can't be shown yet, the default channel gets.
                certain = tuple(one for one in report.subscribers if not one.is_held)
                backfill.add(replace(report, subscribers=certain))
        ends = [ended_at for ended_at in backfill.ended.values() if ended_at <= poll.server_now]
        cursor = replace(poll.cursor, read_to=max([since, *ends]), floor=since)
        runs: list[Run] = []
        if backfill.is_large:
            left: list[EndedSession] = []
            begun = cursor
            details = await self._details_of([each.ended.session for each in backfill.listed])
            backfill.look_closer(details)
            runs = backfill.runs(server, details, since=since)
            rows = tuple(backfill.messages(server, runs, since=since, now=self._clock.now()))
        else:
            left, rows, begun = backfill.announced[::-1], (), replace(cursor, read_to=since)
        unannounced = {each.session.id for each in left}
        known = [each for each in backfill.ended.items() if each[0] not in unannounced]
        async with self._writing() as transaction:
            if not await self._sessions.begin(transaction, server, begun):
                return poll
            await self._sessions.claim(transaction, server, known)
            for session_id in backfill.stopped:
                await self._stopped.add(transaction, server, session_id, backfill.ended[session_id])
            await self._outbox.add(transaction, rows)
            for run in runs:
                await self._runs.put(transaction, row_of(run))
        self._failed_logs = None
        if rows:
            log.info("watch.backfill_summarised", server=server, sessions=len(known), channels=len(rows))
        return replace(poll, ended=tuple(left), cursor=cursor, before=begun)

    async def _details_of(self, sessions: Sequence[Session]) -> Mapping[SessionId, SessionDetails]:
        """What VBR says of some sessions, asked about a few at a time."""
        details: dict[SessionId, SessionDetails] = {}
        for start in range(0, len(sessions), _AT_ONCE):
            some = sessions[start : start + _AT_ONCE]
            found = await asyncio.gather(*(fetch_details(self._server, each) for each in some))
            details |= {each.id: said for each, said in zip(some, found, strict=True)}
        return details

    async def awaits(self, session: Session) -> bool:
        """Whether the end of a running session will be announced, for one result at least."""
        group = self._jobs.group_of(session)
        if group in FAILURES_ONLY:
            return False
        completion = (await self._report(EndedSession(session, group, self._clock.now()))).completion()
        results = (Result.FAILED, Result.WARNING, Result.SUCCESS)
        if any(self._rules.route(replace(completion, result=each)).is_claimed for each in results):
            return True
        async with self._database.reading() as reading:
            return bool(await self._followed.within(reading, self._server.name, [session.id]))

    async def announce_missing_attempts(self, server_now: datetime) -> None:
        """Announce the runs whose next automatic attempt is overdue on the server's clock."""
        await self._missing.announce(server_now)

    async def announce_held(self) -> None:
        """Announce, or give up, what waited until it was known what subscribers may see."""
        await self._held.announce()

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

    def _gathering(self, transaction: Transaction, ahead: Counter[str]) -> StormGathering:
        return StormGathering(
            self._database,
            transaction,
            self._storm_rules,
            ahead=ahead,
            now=self._clock.now(),
            target_of=self._target_of,
        )

    def _target_of(self, job_id: JobId) -> BackupTarget | None:
        """Where a job writes to, as far as that is known without asking."""
        job = self._jobs.at_hand(job_id)
        if job is None or job.repository_name is None:
            return None
        return BackupTarget(job.repository_name, self._space.free_gb(job.repository_id))

    async def _report(self, ended: EndedSession) -> SessionReport:
        owner = await self._jobs.owner_of(ended.session)
        report = SessionReport.of(self._server.name, ended, owner)
        if self._rules.subscribers is None or report.is_untold:
            return report
        job_id = owner.job_id if owner.is_certain else None
        found = await self._rules.subscribers.of(self._server.name, job_id, owner.name, ended.result)
        return replace(report, subscribers=found)

    def _route(self, report: SessionReport, started_in: str | None = None) -> RouteDecision:
        if report.is_untold:
            return RouteDecision((), SkipReason.WELL)
        return self._rules.route(report.completion(started_in))

    async def _latest_runs(
        self, transaction: Transaction, job_id: JobId, *, by: datetime | None = None, limit: int = 1
    ) -> Sequence[Run]:
        """The job's runs that ended last, the last one first."""
        rows = await self._runs.latest(transaction, self._server.name, job_id, limit=limit, by=by)
        return [run for row in rows if (run := Run.decode(row.body)) is not None]

    async def _routed(self, ended: Sequence[EndedSession]) -> list[_RoutedReport]:
        routed: list[_RoutedReport] = []
        for start in range(0, len(ended), _ROUTED_AT_ONCE):
            for each in ended[start : start + _ROUTED_AT_ONCE]:
                report = await self._report(each)
                routed.append(_RoutedReport(report, self._route(report)))
            await asyncio.sleep(0)  # what is cached is reported without a pause
        return routed

    async def _failures_found(self, routed: Sequence[_RoutedReport]) -> Counter[str]:
        """How many failed runs were found, by the channels that get them; another attempt is none."""
        failed = {
            each.report.job_id: each
            for each in routed
            if (session := each.report.ended.session).outcome is Result.FAILED and not session.seems_canceled
        }
        found: Counter[str] = Counter()
        if not failed or not self._storm_rules.at_least:
            return found
        runs = await self._runs_of([each.report for each in failed.values()])
        names = {job_id: each.report.job_name for job_id, each in failed.items()}
        loud = await self._held_back.without_muted(self._server.name, names, self._clock.now())
        for job_id, each in failed.items():
            if job_id not in loud:
                continue
            run = runs.get(job_id)
            if run is None or not run.includes(each.report.session_facts()):
                found.update(each.channels_at_once)
        return found

    def _is_in_storm(self, routed: _RoutedReport, ahead: Mapping[str, int]) -> bool:
        """Whether every channel that gets a failure gets many at once."""
        if not ahead or routed.report.ended.session.outcome is not Result.FAILED:
            return False
        channels = routed.channels_at_once
        return bool(channels) and all(ahead.get(one, 0) >= self._storm_rules.at_least for one in channels)

    async def _batches(
        self, routed: Sequence[_RoutedReport], ahead: Mapping[str, int]
    ) -> AsyncIterator[list[tuple[SessionReport, bool]]]:
        """Cut what ended into what is announced at once, each with whether to ask VBR for its details.

        Few are announced at once where VBR is asked, and many where it needn't be. Of a storm VBR is asked
        about the first ones.
        """
        in_storm, ahead = 0, dict(ahead)
        for start in range(0, len(routed), _ROUTED_AT_ONCE):
            some = routed[start : start + _ROUTED_AT_ONCE]
            batch: list[tuple[SessionReport, bool]] = []
            for each, is_announced in zip(some, await self._are_announced(some), strict=True):
                has_details = is_announced
                if is_announced and self._is_in_storm(each, ahead):
                    in_storm += 1
                    has_details = in_storm <= _STORM_DETAILS
                batch.append((each.report, has_details))
                if sum(asks for _, asks in batch) == _AT_ONCE + (_STORM_DETAILS if in_storm else 0):
                    yield batch
                    batch = []
            if batch:
                yield batch

    async def _are_announced(self, routed: Sequence[_RoutedReport]) -> list[bool]:
        """For each, whether it is routed, shown already, or may continue an announced run that failed."""
        announced: list[bool] = []
        failed, shown = await self._failed_jobs([each.report for each in routed])
        for each in routed:
            report = each.report
            is_shown = not shown.isdisjoint({report.ended.session.id, report.owner.part_of})
            is_announced = report.job_id in failed or is_shown or each.decision.is_claimed
            if is_announced and report.ended.session.outcome is Result.FAILED:
                failed.add(report.job_id)
            announced.append(is_announced)
        return announced

    async def _runs_of(self, reports: Sequence[SessionReport]) -> dict[JobId, Run]:
        """The run of each job that ended last."""
        runs: dict[JobId, Run] = {}
        async with self._database.reading() as reading:
            for start in range(0, len(reports), _ROUTED_AT_ONCE):
                some = reports[start : start + _ROUTED_AT_ONCE]
                by = max(report.ended.ended_at for report in some)
                job_ids = {report.job_id for report in some}
                for row in await self._runs.latest_of(reading, self._server.name, job_ids, by=by):
                    if (run := Run.decode(row.body)) is not None:
                        runs[run.facts.job_id] = run
        return runs

    async def _failed_jobs(self, reports: Sequence[SessionReport]) -> tuple[set[str], set[str | None]]:
        """The jobs whose latest run was announced and did not go well, and sessions that a message shows."""
        session_ids = {report.ended.session.id for report in reports}
        session_ids |= {report.owner.part_of for report in reports if report.owner.part_of is not None}
        runs = (await self._runs_of(reports)).values()
        async with self._database.reading() as reading:
            followed = await self._followed.within(reading, self._server.name, session_ids)
        holds = self._rules.holds_back
        failed = {
            str(run.facts.job_id)
            for run in runs
            # Backups of logs may have failed and gone well since a run of their job failed.
            if (run.channels or holds) and (run.facts.first.log_type or not run.facts.last.went_well)
        }
        return failed, {each.session_id for each in followed}

    async def _full_report(self, report: SessionReport, *, has_outlook: bool) -> SessionReport:
        """Ask VBR for what will be announced; how the job stands is left out where there is a lot."""
        session = report.ended.session
        is_retried = session.outcome is Result.FAILED and report.ended.group is SessionGroup.JOB_RUN
        is_of_job = is_retried and report.owner.is_certain
        retry = await self._jobs.retries_of(report.job_id) if is_of_job else None
        if not is_of_job or not has_outlook:
            return replace(report, retry=retry, details=await fetch_details(self._server, session))
        details, past, next_run = await asyncio.gather(
            fetch_details(self._server, session),
            fetch_past(self._server, report.job_id, session),
            fetch_next_run(self._server, report.job_id, session),
        )
        return replace(report, retry=retry, details=details, past=past, next_run=next_run)

    async def _outlook(
        self, transaction: Transaction, report: SessionReport, session: SessionFacts
    ) -> JobOutlook | None:
        """How the job stands after a failure, by its past sessions and what is known of them."""
        if report.past is None and report.next_run is None:
            return None
        ids = [each.id for each in report.past.sessions] if report.past is not None else []
        own = await self._own_actions.within(transaction, self._server.name, ids)
        return outlook_from(
            report.past,
            failed=session,
            next_run=report.next_run,
            retry=report.retry,
            stopped=await self._stopped.among(transaction, self._server.name, ids),
            operations={each.session_id: each.operation for each in own if each.operation != STOP},
            zone=self._server.zone,
        )

    async def _announce(
        self,
        batch: Sequence[tuple[SessionReport, bool]],
        poll: PollResult,
        read_to: datetime | None,
        ahead: Counter[str],
    ) -> None:
        """Write sessions, runs, messages and the cursor, which moves up to `read_to`: all of it, or none."""
        server = self._server.name
        has_outlook = len(poll.ended) <= _MANY
        has_storm = any(number >= self._storm_rules.at_least for number in ahead.values())
        asked, _ = await asyncio.gather(
            asyncio.gather(
                *(self._full_report(report, has_outlook=has_outlook) for report, asks in batch if asks)
            ),
            self._space.read() if has_storm else asyncio.sleep(0),
        )
        full = {report.ended.session.id: report for report in asked}
        ended = {report.ended.session.id: report.ended.ended_at for report, _ in batch}
        done: list[tuple[SessionReport, RouteDecision, messages.RunMessages | None]] = []
        # Whoever stopped the whole session stopped its parts.
        wholes = {report.owner.part_of for report, _ in batch if report.owner.part_of is not None}
        self._missing.forget()
        self._held.forget()
        async with self._database.few if ahead else nullcontext(), self._writing() as transaction:
            storms = self._gathering(transaction, ahead)
            claimed = await self._sessions.claim(transaction, server, ended.items())
            own = await self._own_actions.within(transaction, server, claimed | wholes)
            followed = await self._followed.within(transaction, server, claimed | wholes)
            muted = await self._held_back.active(transaction, server, self._clock.now()) if claimed else []
            for report in (full.get(report.ended.session.id, report) for report, _ in batch):
                session = report.ended.session
                if session.id not in claimed:
                    continue
                ids = {session.id, report.owner.part_of}
                decision, queued = await self._announce_one(
                    transaction,
                    report,
                    poll,
                    own=[action for action in own if action.session_id in ids],
                    shown=[each for each in followed if each.session_id in ids],
                    muted=muted,
                    storms=storms,
                    # What is announced out of turn may make up for a run that is announced only later.
                    may_be_left_out=session.id not in full and read_to is not None,
                )
                done.append((report, decision, queued))
            await storms.queue()
            if read_to is not None:
                await self._sessions.advance(transaction, server, min(read_to, max(ended.values())))
        _log_announced(server, done)

    async def _announce_one(
        self,
        transaction: Transaction,
        report: SessionReport,
        poll: PollResult,
        *,
        own: Sequence[OwnAction],
        shown: Sequence[FollowedSession],
        muted: list[Mute],
        storms: StormGathering,
        may_be_left_out: bool,
    ) -> tuple[RouteDecision, messages.RunMessages | None]:
        """Write what a session changes; return where it is routed, and what is queued for its own run.

        `own` and `shown` are the bot's actions on it and messages about it. `may_be_left_out`: as a success
        that is routed nowhere it needs no run.
        """
        session, server = report.ended.session, self._server.name
        facts = report.session_facts(own, unsupported=self._server.revision.lacks)
        decision = self._route(report, facts.started_in)
        mute = await self._held_back.judge(
            transaction,
            muted,
            facts,
            job_id=report.job_id,
            job_name=report.job_name,
            causes=self._rules.causes,
            now=self._clock.now(),
        )
        queued: tuple[messages.RunMessages, ...] = ()
        is_news = session.outcome is not Result.SUCCESS or facts.log_type is not None or bool(shown)
        if is_news or not may_be_left_out:
            standing = await self._standing(transaction, own, shown)
            queued = await self._queued(
                transaction, report, facts, decision, poll, standing, storms=storms, mute=mute
            )
        if facts.log_type is not None:
            self._failed_logs = None
        for each in queued:
            await queue(transaction, self._outbox, self._runs, each)
            await storms.follow(each.run)
        if queued and decision.held:
            await self._held.keep(transaction, queued[0].run, decision.held)
        if facts.is_stopped:
            await self._stopped.add(transaction, server, session.id, report.ended.ended_at)
        return decision, queued[0] if queued else None

    def _retry_after(
        self, report: SessionReport, session: SessionFacts, decision: RouteDecision
    ) -> RetryPolicy | None:
        """How VBR retries the job; of one of many failures, about which it was not asked, what is at hand."""
        is_run = report.ended.group is SessionGroup.JOB_RUN
        if not (is_run and session.is_failed and report.details is None and decision.destinations):
            return report.retry
        return self._jobs.retries_at_hand(report.job_id) if report.owner.is_certain else None

    async def _queued(
        self,
        transaction: Transaction,
        report: SessionReport,
        session: SessionFacts,
        decision: RouteDecision,
        poll: PollResult,
        standing: _Standing,
        *,
        storms: StormGathering,
        mute: Mute | None,
    ) -> tuple[messages.RunMessages, ...]:
        """What is queued for the session's run, and for those before it that it makes up for."""
        now = self._clock.now()
        runs = await self._runs_before(transaction, report, session)
        looked_at = runs if session.part is not None else runs[:1]
        run = next((each for each in looked_at if each.includes(session)), None)
        recovered = self._recovered(session, [each for each in runs if each is not run])
        makes_up = run is not None and (session.log_type or session.part in run.facts.failed_parts)
        if report.is_untold and not makes_up:
            return tuple(messages.recovery_messages(each, now) for each in recovered if session.log_type)
        is_muted, mute = mute is not None, mute if holds_back(mute, session) else None
        further = await self._run_with(transaction, run, report, session, decision, poll, mute=mute)
        # Channels that have the run's root get its attempts; the default channel gets what no other one got.
        # Where it was only counted, and its job is muted no more, nothing says yet that it failed.
        is_announced = any(is_muted or not each.is_counted for each in further.run.channels)
        new = [
            to
            for to in decision.destinations
            if to.reason is not RouteReason.DEFAULT_CHANNEL or not is_announced
        ]
        in_a_row = await self._streaks.of(transaction, further.run, new)
        further, new = replace(further, run=in_a_row.run), in_a_row.long_enough(new)
        if mute is not None:
            quiet = [to for to in new if to.channel not in standing.awaited.union(standing.posted)]
            new = [to for to in new if to not in quiet]
            held = await self._held_back.hold(
                transaction, mute, further.run, quiet, session, now, storms=storms
            )
            further = messages.RunMessages(held.run, (*further.rows, *held.rows))
        elif not is_muted:
            further = replace(further, run=further.run.without_counted({to.channel for to in new}))
        in_storms: Mapping[str, str] = {}
        if run is None and further.run.facts.stands_failed:
            shown = standing.posted.keys() | standing.awaited
            new = messages.with_one_ping(further.run, new)
            in_storms = await storms.take(further.run, [to for to in new if to.channel not in shown])
        roots = messages.root_messages(
            further.run,
            new,
            now,
            standing=standing.posted,
            awaited=standing.awaited,
            storms=in_storms,
        )
        own = messages.RunMessages(roots.run, (*further.rows, *roots.rows), roots.adopted)
        return (own, *(messages.recovery_messages(each, now) for each in recovered))

    async def _run_with(
        self,
        transaction: Transaction,
        run: Run | None,
        report: SessionReport,
        session: SessionFacts,
        decision: RouteDecision,
        poll: PollResult,
        *,
        mute: Mute | None,
    ) -> messages.RunMessages:
        """The run with the session in it, and what its threads say of that; without a run, it begins one."""
        is_late = self._rules.is_late(session.ended_at, poll.server_now)
        outlook = await self._outlook(transaction, report, session)
        muted = None if mute is None else mute_facts(mute)
        if run is not None:
            continued = run.with_attempt(session, is_late=is_late, outlook=outlook).with_mute(muted)
            return messages.attempt_messages(continued, self._clock.now())
        begun = Run.begin(
            report.run_facts(session, is_late=is_late, outlook=outlook),
            self._retry_after(report, session, decision),
        )
        begun = await self._if_recovered(transaction, begun, report, session)
        return messages.RunMessages(begun.with_mute(muted), ())

    async def _runs_before(
        self, transaction: Transaction, report: SessionReport, session: SessionFacts
    ) -> Sequence[Run]:
        """The job's run that a session may belong to, the latest first, and those it may make up for.

        Runs of the job and backups of its logs have nothing to do with each other.
        """
        # A part belongs to its session's run also where that ended, and was announced, before the part was.
        by = session.ended_at if session.part is None else None
        runs = await self._latest_runs(transaction, report.job_id, by=by)
        makes_up = session.went_well and any(not each.facts.last.went_well for each in runs)
        is_among_others = not all(_are_alike(each, report, session) for each in runs)
        if session.part is not None or makes_up or is_among_others:
            limit = _RUNS_LOOKED_AT if makes_up or is_among_others else _RUNS_LOOKED_AT_FOR_PART
            runs = await self._latest_runs(transaction, report.job_id, by=by, limit=limit)
        return [each for each in runs if _are_alike(each, report, session)]

    async def _if_recovered(
        self, transaction: Transaction, begun: Run, report: SessionReport, session: SessionFacts
    ) -> Run:
        """A new run with its recovery: one that is caught up with may have been made up for already."""
        for later in await self._latest_runs(transaction, report.job_id):
            if _are_alike(later, report, session):
                begun = begun.recovered_by(later.facts.last) or begun
        well = went_well_since(report.past, session)
        return begun if well is None else begun.recovered_by(well) or begun

    async def _standing(
        self, transaction: Transaction, own: Sequence[OwnAction], shown: Sequence[FollowedSession]
    ) -> _Standing:
        """The messages that show the session by channel, and where one is about to be posted."""
        posted = {
            each.channel: PostedMessage(each.channel, each.ts) for each in shown if each.may_become_root
        }
        now, seen = self._clock.now(), {each.channel for each in shown}
        unseen = [each for each in own if each.channel_id is not None and each.channel_id not in seen]
        if not unseen:
            return _Standing(posted)
        unanswered = await self._own_actions.unanswered(transaction, [each.reference for each in unseen])
        awaited = [
            each.channel_id
            for each in unseen
            if each.reference in unanswered or now - each.at < _ANSWERED_WITHIN
        ]
        return _Standing(posted, frozenset(filter(None, awaited)))

    def _recovered(self, session: SessionFacts, earlier: Sequence[Run]) -> list[Run]:
        """The runs of the job, the latest first, that failed in a row before this session went well."""
        recovered: list[Run] = []
        if _is_beside_runs(session):
            return recovered
        for run in earlier:
            if run.facts.last.went_well or run.facts.is_recovered:
                break
            if not _is_beside_runs(run.facts.first):
                recovered += filter(None, (run.recovered_by(session),))
        return recovered


def _are_alike(run: Run, report: SessionReport, session: SessionFacts) -> bool:
    """Whether a session is of the same job as a run, and of the same kind: a run, or a backup of logs."""
    of_run = subject_key(run.facts.job_id, run.facts.job_name)
    return of_run == report.owner.key and run.facts.first.log_type == session.log_type


def _is_beside_runs(session: SessionFacts) -> bool:
    """Whether it is upkeep after runs, which makes up for nothing."""
    return session.log_type is None and session_group(session.session_type) in FAILURES_ONLY


def _log_announced(
    server: str, done: Iterable[tuple[SessionReport, RouteDecision, messages.RunMessages | None]]
) -> None:
    for report, decision, queued in done:
        log.info(
            "watch.session_announced" if queued and queued.rows else "watch.session_not_announced",
            server=server,
            session_id=report.ended.session.id,
            job=report.job_name,
            result=report.ended.result,
            reason=decision.skipped or sorted({each.reason for each in decision.destinations}),
            channels=[] if queued is None else [each.channel for each in queued.run.channels],
            attempt=1 if queued is None else len(queued.run.facts.attempts),
        )
