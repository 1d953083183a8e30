"""Telling once that something did not happen, and that it is over: one server's expectations.

The poller must have caught up first, so that nothing is judged that nobody looked at. Every few minutes one
read of all job states, a page at a time; repositories, licence and configuration backup once an hour. What
was seen, what is told and what is queued change in one transaction, in the process alone that polls. What is
new is told once all pages were judged, so that many at once are told as many.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec
import structlog

from bot.observability import Clock
from bot.settings import ExpectationSettings
from bot.store import (
    Database,
    Expectations,
    ExpectedJob,
    Leases,
    Mutes,
    NewOutboxRow,
    Outbox,
    Placement,
    ServerLook,
    SharedRead,
    StoreError,
    TimedDisables,
    Transaction,
    UnmetExpectation,
)
from bot.veeam import (
    JobId,
    JobState,
    JobStatesQuery,
    RepositoryState,
    RepositoryStatesQuery,
    Session,
    SessionGroup,
    SessionId,
    SessionsQuery,
    VeeamError,
    VeeamServer,
)
from bot.watch import expectations as judging
from bot.watch import facts
from bot.watch.expectation_groups import TAKES_MORE, Gathering
from bot.watch.expectations import (
    CONFIG_BACKUP,
    JOB_KINDS,
    KEEPS_SINCE,
    LICENCE,
    SERVER_KINDS,
    Kind,
    NoticedSessions,
    Rule,
    Rules,
    RunSample,
    Sight,
    Unmet,
    Verdicts,
)
from bot.watch.messages import ROOT, message
from bot.watch.mutes import is_subject_muted
from bot.watch.server_watch import ALONE, PollSlot, Watch

SECONDS_BETWEEN_LOOKS = 200.0
"""So that each is told within five minutes of being due."""
_SECONDS_UNTIL_CAUGHT_UP = 5.0
_SECONDS_AFTER_A_FAILURE = 60.0
_SECONDS_BETWEEN_CHECKS = 3600.0
_BLIND_AFTER = timedelta(minutes=15)
_READ_TWICE = timedelta(minutes=10)
_FURTHEST = timedelta(days=14)
_PAGE_ROWS = 500
_PAGES_AT_MOST = 20
_REPOSITORIES_AT_MOST = 2_000
_LONGEST_NAMES = 20_000
_ALONE = frozenset({Kind.LICENCE.value, Kind.CONFIG_BACKUP.value})
"""A server has one of these."""

log = structlog.stdlib.get_logger(__name__)

T = TypeVar("T")

_Key = tuple[str, str]
_Verdict = tuple[_Key, Unmet | None, Rule | None, str]
"""What was judged of which kind: what is unmet, if anything, by which rule; how it ended otherwise."""
_facts = msgspec.json.Decoder(facts.Expectation)


@dataclass(slots=True)
class _Known:
    """What this process knows while it polls the server; read again after another one did."""

    look: ServerLook | None
    jobs: dict[str, ExpectedJob]
    unmet: dict[_Key, UnmetExpectation]
    seen_since: datetime
    absent: set[str] = field(default_factory=set)
    good_ends: dict[JobId, datetime] = field(default_factory=dict)
    begun: dict[JobId, datetime] = field(default_factory=dict)
    checked_at: float | None = None


@dataclass(slots=True)
class _Changes:
    """What one transaction writes: jobs with their runs, and what began or is over."""

    jobs: list[ExpectedJob] = field(default_factory=list)
    runs: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    verdicts: list[_Verdict] = field(default_factory=list)


class ExpectationWatch:
    """Judges what is expected of one server, while `watch` polls it in this process.

    `administrator` is its account that may read the licence and the configuration backup, where there is one.
    So many of a kind as `gather_from` that stand at once are told by one message; 0: none ever are.
    """

    def __init__(
        self,
        server: VeeamServer,
        database: Database,
        clock: Clock,
        expectations: tuple[ExpectationSettings, ...],
        watch: Watch,
        noticed: NoticedSessions,
        *,
        holder: str,
        administrator: VeeamServer | None = None,
        gather_from: int = 0,
    ) -> None:
        self._server = server
        self._administrator = administrator or server
        self._database = database
        self._clock = clock
        self._expectations = expectations
        self._watch = watch
        self._noticed = noticed
        self._holder = holder
        self._gather_from = gather_from
        self._kept = Expectations(database)
        self._disables = TimedDisables(database)
        self._mutes = Mutes(database)
        self._outbox = Outbox(database)
        self._leases = Leases(database)
        self._reach = judging.reach_of(expectations, server.name)
        self._server_rules = judging.server_rules(expectations, server.name)
        self._rules_by_name: dict[str, Rules] = {}
        self._known: _Known | None = None
        self._unjudged: set[Kind] = set()

    async def run(self, standing: SharedRead[frozenset[str]], slot: PollSlot = ALONE) -> None:
        """Look every few minutes, for ever; a server or a database that does not answer is asked again.

        Where nothing is expected of the server any more, until what still stands is taken back; `standing`
        are the servers of which something does.
        """
        await self._clock.sleep(_SECONDS_UNTIL_CAUGHT_UP + slot.first_poll_after_seconds)
        while self._is_needed or await self._has_standing(standing):
            await self._clock.sleep(await self.look())
        self._noticed.close()

    @property
    def _is_needed(self) -> bool:
        return self._reach is not None or bool(self._server_rules)

    async def _has_standing(self, standing: SharedRead[frozenset[str]]) -> bool:
        try:
            return self._server.name in await standing.get()
        except StoreError:
            return True

    async def look(self) -> float:
        """Judge once, if the poller has caught up. Returns the seconds until the next time."""
        now = self._watch.server_clock.now()
        if now is None or not self._watch.is_caught_up:
            return _SECONDS_UNTIL_CAUGHT_UP
        try:
            await self._look(now)
        except (VeeamError, StoreError) as error:
            if isinstance(error, StoreError):
                self._known = None
                self._noticed.forget()
            log.debug("expectations.not_judged_now", server=self._server.name, problem=str(error))
            return _SECONDS_AFTER_A_FAILURE
        return SECONDS_BETWEEN_LOOKS

    async def _look(self, now: datetime) -> None:
        known = await self._begin(now)
        before = known.look.looked_at if known.look is not None else None
        is_blind = before is None or not timedelta() <= now - before <= _BLIND_AFTER
        if is_blind:
            known.seen_since = now
        sight = Sight(now, self._server.zone or UTC, known.seen_since, is_blind=is_blind)
        if self._reach is not None:
            await self._look_at_jobs(known, sight)
        else:
            self._noticed.take()
        if known.checked_at is None or self._clock.monotonic() - known.checked_at >= _SECONDS_BETWEEN_CHECKS:
            await self._check_server(known, sight)
            known.checked_at = self._clock.monotonic()
        async with self._writing() as transaction:
            await self._kept.looked(transaction, self._server.name, now)
        begun_at = known.look.begun_at if known.look is not None else now
        known.look = ServerLook(now, begun_at)

    async def _begin(self, now: datetime) -> _Known:
        """What is known so far; after another process may have polled, read again with what ended since."""
        known = self._known
        if known is not None and not self._noticed.is_lost:
            return known
        name = self._server.name
        look = await self._kept.look(name)
        unmet = {(each.subject, each.kind): each for each in await self._kept.unmet(name)}
        jobs = await self._kept.jobs(name) if self._reach is not None else {}
        # Whoever looked until just now saw no gap; else the first look begins anew.
        seen_since = known.seen_since if known is not None else look.begun_at if look is not None else now
        checked_at = known.checked_at if known is not None else None
        known = _Known(look, jobs, unmet, seen_since, checked_at=checked_at)
        # From here on the poller's sessions count again: those that it notices while the others are read too.
        self._noticed.is_lost = False
        if self._reach is not None:
            try:
                self._noticed.note([session async for session in self._ended_since(look, now)])
            except VeeamError:
                self._noticed.is_lost = True
                raise
        self._known = known
        return known

    async def _ended_since(self, look: ServerLook | None, now: datetime) -> AsyncIterator[Session]:
        """Read what ended since the last look, the latest first; no more than a number of pages.

        The first time twice as far back as successes matter: a job that only failed since is seen to be old.
        """
        reach = min(2 * (self._reach or timedelta()), _FURTHEST)
        since = now - reach
        if look is not None and look.looked_at <= now:
            since = max(since, look.looked_at - _READ_TWICE)
        revision = await self._server.detect_revision()
        query = SessionsQuery(
            ended_after=since,
            order_by="EndTime",
            ascending=False,
            types=revision.session_types[SessionGroup.JOB_RUN],
        )
        skip = 0
        for _ in range(_PAGES_AT_MOST):
            page = await self._server.sessions(query.page(skip=skip, limit=_PAGE_ROWS))
            for session in page.rows:
                yield session
            skip += page.received
            if not page.received or (page.total is not None and skip >= page.total):
                return
        log.warning("expectations.sessions_capped", server=self._server.name, rows=skip)

    async def _look_at_jobs(self, known: _Known, sight: Sight) -> None:
        """Read and judge all jobs, a page at a time. A list that VBR cannot give whole judges nothing."""
        disables = await self._disables.of(self._server.name)
        for_a_time = {each.job_id for each in disables}
        sessions = dict(self._noticed.by_id)
        _merge(known.good_ends, judging.good_ends_of(sessions.values()), max)
        _merge(known.begun, judging.earliest_of(sessions.values()), min)
        seen: set[str] = set()
        news, is_whole = _Changes(), True
        query = JobStatesQuery(order_by="Name", ascending=True, limit=_PAGE_ROWS)
        async for page in self._server.job_state_pages(query):
            if not (is_whole := page.is_whole):
                break
            seen.update(state.id for state in page.rows)
            await self._judge_page(page.rows, known, sight, sessions, for_a_time, news)
        await self._write(known, news)
        if not is_whole:
            return
        await self._forget_absent(known, seen)
        for session_id in sessions:
            self._noticed.by_id.pop(session_id, None)
        known.good_ends.clear()
        known.begun.clear()

    async def _judge_page(
        self,
        states: Iterable[JobState],
        known: _Known,
        sight: Sight,
        sessions: Mapping[SessionId, Session],
        for_a_time: set[str],
        news: _Changes,
    ) -> None:
        """Judge some jobs; what becomes unmet is left for `news`, with what was seen of its job."""
        changes = _Changes()
        ruled = [(state, self._job_rules(state.name)) for state in states]
        jobs = [(state, self._observed(state, known, sight), rules) for state, rules in ruled if rules]
        asked = [
            state.id
            for state, job, rules in jobs
            if judging.is_new_run(job, state) or (state.is_active and Kind.TOO_LONG in rules)
        ]
        kept = await self._kept.runs(self._server.name, asked)
        for state, seen, rules in jobs:
            job, runs = seen, judging.decoded_runs(kept.get(state.id))
            session = sessions.get(state.session_id) if state.session_id is not None else None
            verdicts = judging.judge_job(
                job,
                state,
                rules,
                sight,
                usual_seconds=judging.usual_seconds_of(runs, session) if state.is_active else None,
                is_disabled_for_a_time=state.id in for_a_time,
            )
            learnt: str | None = None
            if judging.is_new_run(job, state):
                job, of_size, learnt = self._sampled(job, state, session, runs, rules)
                verdicts |= of_size
            told = _worth_telling(known, state, verdicts, rules)
            into = news if any(unmet is not None for _, unmet, _, _ in told) else changes
            into.verdicts += told
            if learnt is not None:
                into.runs[state.id] = learnt
            if job != known.jobs.get(state.id):
                into.jobs.append(job)
        changes.verdicts += [
            (key, None, None, "dropped")
            for state, rules in ruled
            for kind in JOB_KINDS
            if kind not in rules and (key := (state.id, kind.value)) in known.unmet
        ]
        await self._write(known, changes)

    def _observed(self, state: JobState, known: _Known, sight: Sight) -> ExpectedJob:
        before = known.jobs.get(state.id)
        leader = state.run_after_job.job_id if state.run_after_job is not None else None
        leading = known.jobs.get(leader) if leader is not None else None
        return judging.observed(
            before,
            state,
            sight,
            last_good_at=known.good_ends.get(state.id),
            first_seen_at=known.begun.get(state.id),
            followed_at=leading.last_good_at if leading is not None else None,
        )

    def _sampled(
        self,
        job: ExpectedJob,
        state: JobState,
        session: Session | None,
        runs: list[RunSample],
        rules: Rules,
    ) -> tuple[ExpectedJob, Verdicts, str | None]:
        """Learn from a job's latest run, and judge its size; return also its runs to keep, where new."""
        sample, rule = judging.sample_of(job, state, session), rules.get(Kind.ODD_SUCCESS)
        verdict: Verdicts = {}
        learnt: str | None = None
        if sample is not None:
            if rule is not None and sample.size is None:
                self._not_judged(Kind.ODD_SUCCESS, "VBR says no sizes of runs")
            if rule is not None and judging.is_success(state):
                verdict[Kind.ODD_SUCCESS] = judging.judge_size(state, sample, runs, rule)
            learnt = msgspec.json.encode(judging.with_sample(runs, sample)).decode()
        return judging.after_run(job, state), verdict, learnt

    def _job_rules(self, name: str) -> Rules:
        rules = self._rules_by_name.get(name)
        if rules is None:
            if len(self._rules_by_name) >= _LONGEST_NAMES:
                self._rules_by_name.clear()
            rules = judging.job_rules(self._expectations, self._server.name, name)
            self._rules_by_name[name] = rules
        return rules

    async def _forget_absent(self, known: _Known, seen: set[str]) -> None:
        """End and forget what is about jobs that two lists in a row do not have."""
        subjects = {subject for subject, kind in known.unmet if kind in JOB_KINDS}
        absent = (known.jobs.keys() | subjects) - seen
        changes = _Changes(gone=absent & known.absent)
        known.absent = absent
        for key in known.unmet:
            if key[0] in changes.gone and key[1] in JOB_KINDS:
                changes.verdicts.append((key, None, None, "gone"))
        if changes.gone:
            await self._write(known, changes)

    async def _check_server(self, known: _Known, sight: Sight) -> None:
        """Judge repositories, licence and configuration backup, as far as the account may read them."""
        changes = _Changes()
        dropped = {kind for kind in SERVER_KINDS if kind not in self._server_rules}
        dropped |= set(JOB_KINDS) if self._reach is None else set()
        changes.verdicts += [(key, None, None, "dropped") for key in known.unmet if key[1] in dropped]
        if (rule := self._server_rules.get(Kind.REPOSITORY)) is not None:
            states = await self._read(Kind.REPOSITORY, self._repositories())
            if states is not None:
                await self._judge_repositories(states, rule, known, sight, changes)
        if (rule := self._server_rules.get(Kind.LICENCE)) is not None:
            licence = await self._read(Kind.LICENCE, self._administrator.licence())
            if licence is not None:
                unmet = judging.judge_licence(licence, rule, sight.now)
                changes.verdicts.append(((LICENCE, Kind.LICENCE.value), unmet, rule, "met"))
        if (rule := self._server_rules.get(Kind.CONFIG_BACKUP)) is not None:
            backup = await self._read(Kind.CONFIG_BACKUP, self._administrator.config_backup())
            if backup is not None:
                since = known.look.begun_at if known.look is not None else sight.now
                unmet = judging.judge_config_backup(backup, rule, sight.now, known_since=since)
                changes.verdicts.append(((CONFIG_BACKUP, Kind.CONFIG_BACKUP.value), unmet, rule, "met"))
        await self._write(known, changes)

    async def _judge_repositories(
        self, states: list[RepositoryState], rule: Rule, known: _Known, sight: Sight, changes: _Changes
    ) -> None:
        day = sight.now.astimezone(sight.zone).date()
        # What is offline says what it was like before that.
        judged = [each for each in states if each.is_online is not False and each.used_fraction is not None]
        free = {each.id: each.free_gb for each in judged if each.free_gb is not None}
        async with self._writing() as transaction:
            oldest = day - judging.SAMPLES_KEPT
            await self._kept.sample(transaction, self._server.name, day, free, oldest=oldest)
        samples = await self._kept.samples(self._server.name)
        for state in judged:
            key = (judging.repository_subject(state.id), Kind.REPOSITORY.value)
            unmet = judging.judge_repository(
                state, samples.get(state.id, ()), rule, sight.now, stands=key in known.unmet
            )
            changes.verdicts.append((key, unmet, rule, "met"))
        there = {judging.repository_subject(each.id) for each in states}
        changes.verdicts += [
            (key, None, None, "gone")
            for key in known.unmet
            if key[1] == Kind.REPOSITORY.value and key[0] not in there
        ]

    async def _repositories(self) -> list[RepositoryState]:
        rows: list[RepositoryState] = []
        async for state in self._server.every_repository_state(RepositoryStatesQuery(limit=_PAGE_ROWS)):
            rows.append(state)
            if len(rows) >= _REPOSITORIES_AT_MOST:
                break
        return judging.whole_repositories(rows)

    async def _read(self, kind: Kind, answer: Awaitable[T]) -> T | None:
        """An answer that the account, or the server, may not give: then that kind is not judged."""
        try:
            return await answer
        except VeeamError as error:
            if not error.reached_server:
                raise
            self._not_judged(kind, str(error))
            return None

    def _not_judged(self, kind: Kind, problem: str) -> None:
        """Say once that a kind cannot be judged here."""
        if kind not in self._unjudged:
            self._unjudged.add(kind)
            log.warning("expectations.not_judged", server=self._server.name, kind=kind.value, problem=problem)

    async def _write(self, known: _Known, changes: _Changes) -> None:
        """Write what was seen, and queue what is new of it: all of it or nothing."""
        told = [each for each in changes.verdicts if self._is_news(known, *each[:2])]
        if any(unmet is not None for _, unmet, _, _ in told):
            # What is muted is judged again at each look, and told once the mute is over.
            muted = await self._mutes.every(self._clock.now(), self._server.name)
            unsaid = [
                key
                for key, unmet, *_ in told
                if unmet is not None
                and is_subject_muted(muted, unmet.subject, unmet.name, is_job=unmet.kind in JOB_KINDS)
            ]
            told = [each for each in told if each[0] not in unsaid]
            for subject, kind in unsaid:
                if kind == Kind.ODD_SUCCESS.value:
                    _look_again(changes, subject, known.jobs.get(subject))
        if not (told or changes.jobs or changes.runs or changes.gone):
            return
        async with self._writing() as transaction:
            await self._kept.keep_jobs(transaction, self._server.name, changes.jobs, changes.runs)
            await self._kept.forget_jobs(transaction, self._server.name, changes.gone)
            groups = Gathering(self._database, transaction, self._server.name, self._clock.now())
            ended = await self._end(transaction, known, told, groups)
            begun = await self._begin_unmet(transaction, known, told, groups)
            await groups.queue()
        for key in ended:
            known.unmet.pop(key, None)
        known.unmet |= {(each.subject, each.kind): each for each in begun}
        known.jobs |= {job.job_id: job for job in changes.jobs}
        for job_id in changes.gone:
            known.jobs.pop(job_id, None)
        for key in ended:
            log.info("expectations.over", server=self._server.name, subject=key[0], kind=key[1])
        for each in begun:
            if each.group_id is None:
                log.info("expectations.unmet", server=self._server.name, subject=each.subject, kind=each.kind)
        for kind, number in Counter(each.kind for each in begun if each.group_id is not None).items():
            log.info("expectations.many_unmet", server=self._server.name, kind=kind, number=number)

    async def _end(
        self, transaction: Transaction, known: _Known, told: Sequence[_Verdict], groups: Gathering
    ) -> list[_Key]:
        """Tell what is over; return what stood."""
        stood = [(known.unmet[key], outcome) for key, _, _, outcome in told if key in known.unmet]
        over = [each for each in stood if await self._kept.end(transaction, each[0])]
        await groups.end(over)
        rows = [self._over(*each) for each in over if each[0].group_id is None]
        await self._outbox.add(transaction, [row for row in rows if row is not None])
        return [(each.subject, each.kind) for each, _ in stood]

    async def _begin_unmet(
        self, transaction: Transaction, known: _Known, told: Sequence[_Verdict], groups: Gathering
    ) -> list[UnmetExpectation]:
        """Tell what is unmet, many of a kind by one message; return what stands from now on."""
        new: dict[tuple[str, str], list[tuple[Unmet, Rule]]] = defaultdict(list)
        for _, unmet, rule, _ in told:
            if unmet is not None and rule is not None:
                new[unmet.kind.value, rule.channel].append((unmet, rule))
        over = {key for key, *_ in told}
        standing: list[UnmetExpectation] = []
        for (kind, channel), some in new.items():
            rule = some[0][1]
            earlier = self._alone(known, kind, channel, over)
            group = None
            if self._gather_from and kind not in _ALONE:
                group = await groups.group_for(
                    kind,
                    channel,
                    since=min(unmet.since for unmet, _ in some),
                    allowed=rule.limit,
                    mention=rule.mention,
                    earlier=earlier if earlier + len(some) >= max(self._gather_from, 2) else None,
                )
            group_id = None if group is None else group.id
            unmet_now = [replace(self._begun(unmet, by), group_id=group_id) for unmet, by in some]
            begun = await self._kept.begin(transaction, unmet_now)
            subjects = {each.subject for each in begun}
            if group is not None and begun:
                await groups.take(
                    group, {unmet.subject: unmet for unmet, _ in some if unmet.subject in subjects}
                )
            elif begun:
                rules = {unmet.subject: by for unmet, by in some}
                rows = [self._row(each, rules[each.subject]) for each in begun]
                await self._outbox.add(transaction, rows)
            standing += unmet_now
        return standing

    def _alone(self, known: _Known, kind: str, channel: str, over: Collection[_Key]) -> int:
        """How many of a kind stand that have messages of their own, and were told lately."""
        since = self._clock.now() - TAKES_MORE
        alike = (
            each
            for key, each in known.unmet.items()
            if key not in over and (each.kind, each.channel, each.group_id) == (kind, channel, None)
        )
        told_at = (_told_at(each) for each in alike)
        return sum(at is not None and at >= since for at in told_at)

    @staticmethod
    def _is_news(known: _Known, key: _Key, unmet: Unmet | None) -> bool:
        standing = known.unmet.get(key)
        if standing is None or unmet is None:
            return (standing is None) is not (unmet is None)
        return unmet.kind not in KEEPS_SINCE and unmet.since != standing.since

    def _begun(self, unmet: Unmet, rule: Rule) -> UnmetExpectation:
        expectation = facts.Expectation(
            server=self._server.name,
            kind=unmet.kind.value,
            subject=unmet.subject,
            name=unmet.name,
            since=unmet.since,
            limit=rule.limit,
            job_id=JobId(unmet.subject) if unmet.kind in JOB_KINDS else None,
            at=unmet.at,
            found=unmet.found,
            usual=unmet.usual,
            next_run=unmet.next_run,
            full_at=unmet.full_at,
            told_at=self._clock.now(),
        )
        return UnmetExpectation(
            server=self._server.name,
            subject=unmet.subject,
            kind=unmet.kind.value,
            since=unmet.since,
            channel=rule.channel,
            body=msgspec.json.encode(expectation).decode(),
            told_at=expectation.told_at,
        )

    def _row(self, unmet: UnmetExpectation, rule: Rule) -> NewOutboxRow:
        expectation = _facts.decode(unmet.body)
        announcement = facts.ExpectationUnmet(expectation=expectation, mention=rule.mention)
        key = f"{expectation.key}/{unmet.channel}"
        return message(key, unmet.channel, announcement, self._clock.now(), priority=ROOT)

    def _over(self, unmet: UnmetExpectation, outcome: str) -> NewOutboxRow | None:
        try:
            expectation = _facts.decode(unmet.body)
        except msgspec.MsgspecError:
            log.error("expectations.unreadable", server=unmet.server, subject=unmet.subject, kind=unmet.kind)
            return None
        now = self._clock.now()
        ended_at = self._watch.server_clock.now() or now
        over = facts.ExpectationOver(expectation=expectation, ended_at=ended_at, outcome=outcome)
        key = f"{expectation.key}/{unmet.channel}"
        return message(
            f"{key}/over", unmet.channel, over, now, placement=Placement.EDIT, priority=ROOT, root_key=key
        )

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Transaction]:
        """Write what is known of the server's expectations: in the process alone that polls it."""
        async with self._database.transaction() as transaction:
            await transaction.serialise(f"expectations/{self._server.name}")
            await self._leases.require(transaction, self._watch.lease, self._holder)
            yield transaction


def _worth_telling(known: _Known, state: JobState, verdicts: Verdicts, rules: Rules) -> list[_Verdict]:
    """What of a job is unmet, and what stood and is over."""
    told: list[_Verdict] = []
    for kind, verdict in verdicts.items():
        if verdict is None and (state.id, kind) not in known.unmet:
            continue
        is_still_running = state.is_active and not judging.is_continuous(state)
        if verdict is None and kind is Kind.NO_SUCCESS and is_still_running:
            continue  # it is over once the run has succeeded, not because there is one
        is_moot = state.is_disabled and kind in {Kind.NO_SUCCESS, Kind.NOT_STARTED}
        told.append(((state.id, kind.value), verdict, rules[kind], "disabled" if is_moot else "met"))
    return told


def _told_at(unmet: UnmetExpectation) -> datetime | None:
    try:
        return _facts.decode(unmet.body).told_at
    except msgspec.MsgspecError:
        return None


def _merge(
    found: dict[JobId, datetime],
    more: Iterable[tuple[JobId, datetime]],
    better: Callable[[datetime, datetime], datetime],
) -> None:
    for job_id, at in more:
        found[job_id] = better(found.get(job_id, at), at)


def _look_again(changes: _Changes, job_id: str, before: ExpectedJob | None) -> None:
    """Have a job's latest run be as new at the next look as it is now, and nothing learnt from it."""
    changes.runs.pop(job_id, None)
    seen = next((job for job in changes.jobs if job.job_id == job_id), None)
    if seen is not None:
        changes.jobs.remove(seen)
        if before is not None:
            changes.jobs.append(replace(seen, session_id=before.session_id, was_good=before.was_good))
