"""Storms: many failures of one channel are announced by one message.

A storm begins where so many failures of a channel are noticed within the window; what is found together is
announced together, and what has a root of its own keeps it. It takes further failures as long as they come
close upon each other, and then follows them: its root counts how many recovered, its thread lists them.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.settings import PollingSettings, ServerName, StormSettings
from bot.store import (
    LOGS_FAILED,
    RETRYABLE,
    STANDS_FAILED,
    STORMS,
    ChannelFailure,
    Database,
    FailureMute,
    NewOutboxRow,
    Outbox,
    Storm,
    StormPart,
    Storms,
    Transaction,
)
from bot.veeam import CauseRules, Finding, JobId, SessionId, cause_of, cut_in_middle, gist
from bot.watch import facts
from bot.watch.messages import ROOT, message
from bot.watch.messages import target as target_of
from bot.watch.routing import Destination
from bot.watch.run_facts import MuteFacts
from bot.watch.runs import Run, storm_key
from bot.watch.thread_lists import ON_A_PAGE, DrawnRoot, left_out, page_of

TAKES_FAILURES = timedelta(hours=1)
"""A storm takes no more failures after that, so that a night of them is not hidden in one old message."""
SETTLES = timedelta(seconds=1)
"""How long a new storm waits for what is found with its first failures, before it is posted."""
_INTERVALS_APART = 3
_CAUSES_SHOWN = 4
_RECOVERED = "recovered"
_JOBS_NAMED = 20
_REASON_CHARACTERS = 500


class BackupTarget(NamedTuple):
    """Where a job writes to: the repository's name, and how much is free there, where that is known."""

    repository: str
    free_gb: float | None


class StormRules:
    """What makes failures a storm, by the settings."""

    def __init__(self, settings: StormSettings, polling: PollingSettings, causes: CauseRules) -> None:
        self.causes = causes
        self.at_least = settings.at_least
        self.within = timedelta(seconds=settings.within_seconds)
        # Polls may lie further apart than the window is long.
        self.apart = max(self.within, timedelta(seconds=_INTERVALS_APART * polling.interval_seconds))


class StormMessages:
    """What one transaction does to storms that are there: follows their runs, and queues the messages.

    Other transactions wait from the first change on.
    """

    def __init__(self, database: Database, transaction: Transaction, *, now: datetime) -> None:
        self._storms = Storms(database)
        self._outbox = Outbox(database)
        self._transaction = transaction
        self._now = now
        self._is_alone = False
        self._pages: dict[str, set[int]] = defaultdict(set)

    async def follow(self, run: Run) -> None:
        """Note how a run stands that a storm may tell of."""
        is_told = any(each.storm is not None for each in run.channels)
        of = run.facts
        has_changed = len(of.attempts) > 1 or of.recovery or of.acknowledged or of.muted
        if not is_told and has_changed:
            # The message of an action may have become the run's root since.
            is_told = await self._storms.tells_of(self._transaction, run.facts.key)
        if not is_told:
            return
        await self._be_alone()
        for changed in await self._storms.change_state(
            self._transaction,
            of.key,
            state=_state(run),
            last_session_id=_last_failed(run),
            owner=_owner(run),
            mute=None if of.muted is None else _failure_mute(of.muted),
        ):
            self._draw(changed)

    async def hold(self, run: Run, channel: str, mute: MuteFacts) -> None:
        """Count a run that is held back with its job's failure of a storm in this channel, if it has one."""
        await self._be_alone()
        held = await self._storms.hold(
            self._transaction, channel, run.facts.server, run.facts.job_id, _failure_mute(mute)
        )
        if held is not None:
            self._draw(held)

    async def unmute(self, server: str, job_ids: Collection[str], *, is_of_server: bool) -> None:
        """Note that a mute of these jobs, or one of their server, is over."""
        if not job_ids:
            return
        await self._be_alone()
        for changed in await self._storms.unmute(
            self._transaction, server, job_ids, is_of_server=is_of_server
        ):
            self._draw(changed)

    def _draw(self, changed: ChannelFailure) -> None:
        if changed.storm_id is not None:
            self._pages[changed.storm_id].add(page_of(changed.place or 0))

    async def queue(self) -> None:
        """Queue what the storms that changed say now."""
        for storm_id, pages in self._pages.items():
            storm = await self._storms.of(self._transaction, storm_id)
            if storm is not None:
                await self._queue(replace(storm, drawn=storm.drawn + 1), sorted(pages))

    async def _be_alone(self) -> None:
        if not self._is_alone:
            await self._transaction.serialise(STORMS)
            self._is_alone = True

    async def _queue(self, storm: Storm, pages: Sequence[int]) -> None:
        parts = await self._storms.parts(self._transaction, storm.id)
        failing = await self._storms.failures(
            self._transaction, storm.id, limit=_JOBS_NAMED, states=STANDS_FAILED
        )
        retryable = failing
        if any(each.state == LOGS_FAILED for each in failing):
            retryable = await self._storms.failures(
                self._transaction, storm.id, limit=_JOBS_NAMED, states=RETRYABLE
            )
        owners = await self._storms.owners(self._transaction, storm.id)
        muted = await self._storms.muted(self._transaction, storm.id)
        summary = storm_facts(storm, parts, failing, retryable, owners, muted=muted)
        key = storm_key(storm.id)
        may_mention = storm.mention is not None and summary.failed > summary.retrying
        mention = storm.mention if may_mention and not storm.is_mentioned else None
        began = facts.StormBegan(storm=summary, mention=storm.mention if may_mention else None)
        root = DrawnRoot(
            self._outbox, self._transaction, key=key, channel=storm.channel, drawn=storm.drawn, now=self._now
        )
        rows: list[NewOutboxRow] = []
        is_mentioned = storm.is_mentioned or may_mention
        if storm.drawn == 1:
            rows.append(
                message(key, storm.channel, began, self._now, priority=ROOT, due_at=self._now + SETTLES)
            )
        elif await self._outbox.revise(self._transaction, key, facts.encode(began)):
            is_mentioned = may_mention
        else:
            rows.append(root.edit(facts.StormChanged(storm=summary)))
            if mention is not None:
                final = facts.StormFinal(storm=summary, mention=mention)
                rows.append(root.reply("final", final))
        for page in pages:
            rows += await self._page(storm, root, page, summary.count)
        await self._outbox.add(self._transaction, rows)
        await self._storms.put(self._transaction, replace(storm, is_mentioned=is_mentioned))

    async def _page(self, storm: Storm, root: DrawnRoot, page: int, count: int) -> list[NewOutboxRow]:
        first = page * ON_A_PAGE
        found = await self._storms.failures(self._transaction, storm.id, first=first, limit=ON_A_PAGE)
        return await root.page(
            page, facts.StormList(failures=tuple(map(_listed, found)), left_out=left_out(page, count))
        )


class StormGathering(StormMessages):
    """What one transaction does to storms: takes failures in, besides.

    `ahead` counts the failures, by channel, that were found with those of this transaction and are not taken
    yet; what is taken is subtracted. `target_of` says where a job writes to, without asking for it.
    """

    def __init__(
        self,
        database: Database,
        transaction: Transaction,
        rules: StormRules,
        *,
        ahead: Counter[str],
        now: datetime,
        target_of: Callable[[JobId], BackupTarget | None] | None = None,
    ) -> None:
        super().__init__(database, transaction, now=now)
        self._rules = rules
        self._ahead = ahead
        self._target_of = target_of
        self._open: dict[str, Storm] = {}
        self._sizes: dict[str, int] = {}

    async def take(self, run: Run, destinations: Iterable[Destination]) -> dict[str, str]:
        """Take in a failed run that is new to these channels; return the storms it is in, by channel."""
        told: dict[str, str] = {}
        if not self._rules.at_least:
            return told
        await self._be_alone()
        target = None if self._target_of is None else self._target_of(run.facts.job_id)
        for to in destinations:
            storm = await self._storm_for(run, to)
            self._ahead[to.channel] -= 1
            failure = _failure(run, to.channel, self._now, self._rules.causes, target)
            if storm is not None:
                told[to.channel] = storm.id
                failure = replace(failure, storm_id=storm.id, place=await self._next_place(storm.id))
                self._pages[storm.id].add(page_of(failure.place or 0))
            await self._storms.add(self._transaction, failure)
        return told

    async def _next_place(self, storm_id: str) -> int:
        if storm_id not in self._sizes:
            self._sizes[storm_id] = await self._storms.size(self._transaction, storm_id)
        self._sizes[storm_id] += 1
        return self._sizes[storm_id] - 1

    async def _storm_for(self, run: Run, to: Destination) -> Storm | None:
        """The storm that takes a failure, begun with it if need be."""
        storm = self._open.get(to.channel) or await self._storms.open_in(
            self._transaction,
            to.channel,
            opened_since=self._now - TAKES_FAILURES,
            joined_since=self._now - self._rules.apart,
        )
        if storm is None:
            since = self._now - self._rules.within
            noticed = await self._storms.noticed_since(self._transaction, to.channel, since)
            if noticed + max(self._ahead[to.channel], 1) < self._rules.at_least:
                return None
            storm = Storm(_storm_id(run, to.channel), to.channel, self._now, self._now, earlier=noticed)
        storm = replace(storm, joined_at=self._now, mention=storm.mention or target_of(run, to))
        self._open[to.channel] = storm
        await self._storms.put(self._transaction, storm)
        return storm


def storm_facts(
    storm: Storm,
    parts: Sequence[StormPart],
    failing: Sequence[ChannelFailure],
    retryable: Sequence[ChannelFailure],
    owners: Sequence[tuple[str, int]] = (),
    *,
    muted: int = 0,
) -> facts.StormFacts:
    """Return a storm as it stands, its most frequent causes first. Pure."""
    states = Counter[str]()
    causes: dict[str, list[StormPart]] = defaultdict(list)
    for part in parts:
        states[part.state] += part.count
        causes[part.cause_key].append(part)
    shown = sorted(causes.values(), key=lambda alike: -sum(part.count for part in alike))
    return facts.StormFacts(
        storm_id=storm.id,
        channel=storm.channel,
        count=sum(states.values()),
        servers=_servers(parts),
        first_ended_at=min(part.first_ended_at for part in parts),
        last_ended_at=max(part.last_ended_at for part in parts),
        earlier=storm.earlier,
        turn=storm.turn,
        recovered=states[_RECOVERED],
        retrying=states["retrying"],
        stopped=states["stopped"],
        logs=states[LOGS_FAILED],
        causes=tuple(
            facts.StormCause(
                name=alike[0].cause,
                text=alike[0].reason,
                count=sum(part.count for part in alike),
                servers=_servers(alike),
                repository=_repository(alike),
                free_gb=min((part.free_gb for part in alike if part.free_gb is not None), default=None),
            )
            for alike in shown[:_CAUSES_SHOWN]
        ),
        causes_total=len(shown),
        jobs=tuple(each.job_name for each in failing),
        retryable=tuple(each.job_name for each in retryable),
        owners=tuple(owners),
        muted=muted,
    )


def _repository(alike: Sequence[StormPart]) -> str | None:
    """The repository that all of them write to, where they are several or the cause is about it."""
    (server, repository), *others = {(part.server, part.repository) for part in alike}
    is_about_it = repository is not None and alike[0].cause_key.endswith(
        f"\n{repository.casefold()}\n{server}"
    )
    is_shared = sum(part.count for part in alike) > 1
    return repository if not others and (is_shared or is_about_it) else None


def _servers(parts: Iterable[StormPart]) -> tuple[ServerName, ...]:
    return tuple(dict.fromkeys(ServerName(part.server) for part in parts))


def _storm_id(run: Run, channel: str) -> str:
    """The same for the same first failure, so that a storm is found again after a database was restored."""
    return hashlib.sha256(f"{channel}\x1f{run.facts.key}".encode()).hexdigest()[:16]


def _failure(
    run: Run, channel: str, now: datetime, causes: CauseRules, target: BackupTarget | None
) -> ChannelFailure:
    last = run.facts.last
    repository = None if target is None else target.repository
    names = (run.facts.job_name, run.facts.server, repository, *last.object_names)
    found = cause_of(last.reasons, causes, names=names)
    reason = found.line if found is not None else next(iter(last.reasons), None)
    key = "" if reason is None else gist(reason)
    if found is not None:
        key = "\n".join(found.common_key(repository, run.facts.server))
    return ChannelFailure(
        channel=channel,
        run_key=run.facts.key,
        server=run.facts.server,
        job_id=run.facts.job_id,
        job_name=run.facts.job_name,
        session_id=run.facts.first.session_id,
        last_session_id=_last_failed(run),
        cause_key=key,
        cause=None if found is None else _named(found),
        reason=None if reason is None else cut_in_middle(" ".join(reason.split()), _REASON_CHARACTERS),
        state=_state(run),
        ended_at=last.ended_at,
        noticed_at=now,
        owner=_owner(run),
        repository=repository,
        free_gb=None if target is None else target.free_gb,
    )


def _last_failed(run: Run) -> str:
    """The latest session or, of a run that recovered, the latest that failed."""
    failed = (each for each in reversed(run.facts.attempts) if each.is_failed or not run.facts.is_recovered)
    return next(failed, run.facts.latest).session_id


def _failure_mute(mute: MuteFacts) -> FailureMute:
    return FailureMute(mute.until, mute.by, mute.until_success, mute.is_of_server)


def _owner(run: Run) -> str | None:
    return None if run.facts.acknowledged is None else run.facts.acknowledged.by


def _named(found: Finding) -> str:
    """The cause, with what it is about where the text names that: "Repository full: Repo-3"."""
    return f"{found.cause.title}: {found.resource}" if found.resource else found.cause.title


def _state(run: Run) -> str:
    if run.facts.is_recovered:
        return _RECOVERED
    if run.facts.last.is_stopped:
        return "stopped"
    if run.facts.first.log_type is not None:
        return LOGS_FAILED
    return "failed" if run.facts.is_final else "retrying"


def _listed(failure: ChannelFailure) -> facts.StormFailure:
    return facts.StormFailure(
        server=ServerName(failure.server),
        job_name=failure.job_name,
        session_id=SessionId(failure.last_session_id),
        cause=failure.cause or failure.reason,
        state=failure.state,
        ended_at=failure.ended_at,
        owner=failure.owner,
        muted_until=failure.muted_until,
        muted_by=failure.muted_by,
        muted_until_success=failure.muted_until_success,
        is_server_muted=failure.is_server_muted,
        held=failure.held,
    )
