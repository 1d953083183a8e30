"""Muted jobs and servers: which runs are held back, what ends a mute early, and what is said at its end.

A run that ends while its job is muted has no root of its own: it is a quiet reply in the thread of the job's
last root in each channel or, where there is none, only counted. Nobody is mentioned. The mute of a job ends
before its time when the job recovers, or fails for another cause or on other objects than when it was muted.
Once a mute is over, `MuteKeeper` says so in the threads, and what still stands failed is said once: after the
maintenance of a server by a storm, where many do.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
import structlog

from bot.observability import Clock
from bot.settings import Threads
from bot.store import (
    Database,
    Leases,
    Mute,
    MutedRun,
    Mutes,
    NewOutboxRow,
    Outbox,
    Placement,
    Runs,
    StoreError,
    Transaction,
)
from bot.veeam import (
    FAILURES_ONLY,
    CauseRules,
    JobId,
    Result,
    ServerName,
    cause_of,
    gist,
    known,
    session_group,
)
from bot.watch import facts, messages
from bot.watch.routing import Destination, RouteReason, WatchRules
from bot.watch.run_facts import MuteFacts, RunFacts, SessionFacts
from bot.watch.runs import Run, RunChannel, storm_key
from bot.watch.standing import row_of
from bot.watch.storms import StormGathering, StormMessages, StormRules
from bot.watch.streaks import is_of_logs

TIME, UNMUTED, CHANGED, RECOVERED = "time", "unmuted", "changed", "recovered"
"""Why a mute is over."""
SECONDS_BETWEEN_LOOKS = 5.0
_LEASE_SECONDS = 60.0
_RUNS_LOOKED_AT = 20
_AT_ONCE = 20
_OF_SERVER_AT_ONCE = 200
"""A storm is known as one from its first failure on, and what only warned by its number."""

log = structlog.stdlib.get_logger(__name__)


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a job stood failed when it was muted: what another failure is compared with.

    `cause` is what VBR's words name or, where that is not known, the words without the names and numbers in
    them; None where VBR did not say everything in time. `objects` is None where it did not name all that
    failed.
    """

    result: str
    ended_at: datetime
    cause: str | None = None
    objects: tuple[str, ...] | None = None

    @classmethod
    def of(cls, session: SessionFacts, server: str, job_name: str, causes: CauseRules) -> "Failure":
        """Return how a session of a job failed or warned, its cause by these rules."""
        details, texts = session.details, session.reasons
        if details is None or details.is_incomplete:
            return cls(result=session.result, ended_at=session.ended_at)
        finding = cause_of(texts, causes, names=(job_name, server, *session.object_names))
        cause = ":".join(finding.common_key()) if finding is not None else None
        is_whole = details.failed_total + details.warned_total == len(details.problems)
        return cls(
            result=session.result,
            ended_at=session.ended_at,
            cause=cause or (gist(texts[0]) if texts else None),
            objects=session.object_names if is_whole else None,
        )

    def differs_from(self, before: "Failure") -> bool:
        """Whether it is another failure than the one before: worse, for another cause, on other objects."""
        if known(Result, self.result) is Result.FAILED and known(Result, before.result) is Result.WARNING:
            return True
        if self.cause is not None and before.cause is not None and self.cause != before.cause:
            return True
        return bool(self.objects and before.objects and set(self.objects) - set(before.objects))

    def encode(self) -> str:
        """Return it as JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, body: str | None) -> "Failure | None":
        """Return what `encode` wrote; None for anything else."""
        try:
            return None if body is None else msgspec.json.decode(body, type=cls)
        except msgspec.DecodeError:
            return None


def mute_facts(mute: Mute) -> MuteFacts:
    """Return what a run's root says of the mute."""
    return MuteFacts(
        id=mute.id,
        by=mute.person_id,
        until=mute.until,
        until_success=mute.until_success,
        comment=mute.comment,
        is_of_server=mute.is_of_server,
    )


def covering(active: Iterable[Mute], job_id: str, job_name: str) -> Mute | None:
    """Return what mutes a job: its own mute, else one of its server."""
    fitting = [mute for mute in active if mute.covers(job_id, job_name)]
    return min(fitting, key=lambda mute: mute.is_of_server, default=None)


def is_subject_muted(active: Iterable[Mute], subject: str, name: str, *, is_job: bool) -> bool:
    """Whether a subject of expectations is muted: a job, or what else of a server, or all of the server."""
    if is_job:
        return covering(active, subject, name) is not None
    return any(mute.subject == subject or (mute.is_of_server and mute.pattern is None) for mute in active)


def holds_back(mute: Mute | None, session: SessionFacts) -> bool:
    """Whether a session's end is held back: all but a success is."""
    return mute is not None and known(Result, session.result) is not Result.SUCCESS


def ended_early(mute: Mute, session: SessionFacts, job_name: str, causes: CauseRules) -> str | None:
    """Return why a job's session ends the mute of its job before its time; None where it doesn't.

    Planned maintenance of a server lasts until its time is over.
    """
    if mute.is_of_server or session.is_stopped:
        return None
    before = Failure.decode(mute.failure)
    if before is not None and session.ended_at <= before.ended_at:
        return None  # it is caught up with, and says nothing of what came after
    is_success = known(Result, session.result) is Result.SUCCESS
    if is_success or session.went_well:
        is_warned = before is not None and known(Result, before.result) is Result.WARNING
        is_whole = session.part is None and session_group(session.session_type) not in FAILURES_ONLY
        is_better = is_success if is_warned else before is not None or mute.until_success
        return RECOVERED if is_whole and is_better else None
    if before is not None and Failure.of(session, mute.server, job_name, causes).differs_from(before):
        return CHANGED
    return None


class HeldBack:
    """Holds back what ends while its job is muted, in the transaction that announces it."""

    def __init__(self, database: Database) -> None:
        self._mutes = Mutes(database)
        self._runs = Runs(database)
        self._outbox = Outbox(database)

    async def active(self, transaction: Transaction, server: ServerName, now: datetime) -> list[Mute]:
        """Return what is muted on a server."""
        return list(await self._mutes.active(transaction, server, now))

    async def without_muted(
        self, server: ServerName, job_names: Mapping[JobId, str], now: datetime
    ) -> frozenset[JobId]:
        """Return those of a server's jobs, by ID and name, that nothing mutes."""
        active = await self._mutes.every(now, server)
        return frozenset(
            job_id for job_id, name in job_names.items() if covering(active, job_id, name) is None
        )

    async def judge(
        self,
        transaction: Transaction,
        active: list[Mute],
        session: SessionFacts,
        *,
        job_id: str,
        job_name: str,
        causes: CauseRules,
        now: datetime,
    ) -> Mute | None:
        """Return what mutes the job of a session that ended; what the session ends is `active` no more."""
        mute = covering(active, job_id, job_name)
        if mute is None:
            return None
        because = ended_early(mute, session, job_name, causes)
        if because is not None and not await self._has_run_since(transaction, mute.server, job_id, session):
            await self._mutes.end(transaction, mute.id, because, now)
            log.info("watch.mute_ended", server=mute.server, job_id=job_id, because=because)
            active.remove(mute)
            return covering(active, job_id, job_name)
        before = Failure.decode(mute.failure)
        is_news = before is None or before.cause is None
        if not mute.is_of_server and is_news and not (session.went_well or session.is_stopped):
            failure = Failure.of(session, mute.server, job_name, causes).encode()
            await self._mutes.set_failure(transaction, mute.id, failure)
            noted = replace(mute, failure=failure)
            active[active.index(mute)] = noted
            return noted
        return mute

    async def _has_run_since(
        self, transaction: Transaction, server: str, job_id: str, session: SessionFacts
    ) -> bool:
        """Whether a run of the job is known that ended later: the session was recorded late.

        Of a backup of its logs, whether another one is.
        """
        rows = await self._runs.latest(transaction, server, job_id, limit=_RUNS_LOOKED_AT)
        later = (Run.decode(row.body) for row in rows if row.last_ended_at > session.ended_at)
        return any(run is not None and run.facts.first.log_type == session.log_type for run in later)

    async def hold(
        self,
        transaction: Transaction,
        mute: Mute,
        run: Run,
        destinations: Iterable[Destination],
        session: SessionFacts,
        now: datetime,
        *,
        storms: StormMessages | None = None,
    ) -> messages.RunMessages:
        """Queue a run quietly for these channels; the mute remembers it.

        Where the job's last failure is in a storm, the list of `storms` counts it.
        """
        known_channels = {each.channel for each in run.channels}
        new_there = (to for to in destinations if to.channel not in known_channels)
        quiet = messages.with_one_ping(run, new_there)
        threads = await self._threads(transaction, run) if quiet else {}
        new: list[RunChannel] = []
        for to in quiet:
            channel = RunChannel(
                channel=to.channel,
                threads=to.threads,
                mention=to.mention,
                muted_in=threads.get(to.channel, ""),
            )
            new.append(channel)
            if storms is not None and not channel.muted_in:
                await storms.hold(run, channel.channel, mute_facts(mute))
        rows = [
            messages.reply(
                run,
                channel,
                "muted",
                facts.MutedRunEnded(run=run.facts, session=session),
                now,
                is_failure=False,
            )
            for channel in new
            if channel.muted_in
        ]
        if new or run.channels:
            of = run.facts
            held = MutedRun(mute.id, of.key, of.job_id, of.job_name, now, is_quiet=bool(new))
            await self._mutes.add_run(transaction, held)
        return messages.RunMessages(msgspec.structs.replace(run, channels=(*run.channels, *new)), tuple(rows))

    async def _threads(self, transaction: Transaction, run: Run) -> Mapping[str, str]:
        """The key of the last root of the run's job by channel."""
        rows = await self._runs.latest(transaction, run.facts.server, run.facts.job_id, limit=_RUNS_LOOKED_AT)
        found: dict[str, str] = {}
        for row in rows:
            earlier = Run.decode(row.body)
            if earlier is None or earlier.facts.key == run.facts.key:
                continue
            for channel, key in thread_keys(earlier).items():
                found.setdefault(channel, key)
        there = await self._outbox.known(transaction, list(found.values()))
        return {channel: key for channel, key in found.items() if key in there}


def thread_keys(run: Run) -> Mapping[str, str]:
    """Return the key of the root whose thread tells of a run, by channel."""
    return {
        each.channel: each.thread_key or messages.root_key(run, each.channel)
        for each in run.channels_with_thread
    }


@dataclass(frozen=True, slots=True)
class _Untold:
    """A run of a mute that has ended, and its job's latest.

    `other` mutes it as well; `is_said`: it still stands failed, and that is said. `is_of_server`: it was
    muted by planned maintenance.
    """

    muted: MutedRun
    run: Run
    latest: Run
    other: Mute | None
    is_said: bool
    is_of_server: bool

    @property
    def new(self) -> tuple[RunChannel, ...]:
        """The channels that are told by a root: a line below an older run's, at most, says that it failed."""
        is_failed = self.run.facts.stands_failed
        untold = (each for each in self.run.channels if each.muted_in is not None)
        return tuple(each for each in untold if self.is_said and (is_failed or each.is_counted))

    @property
    def for_storms(self) -> tuple[RunChannel, ...]:
        """The channels in which a storm may tell of it in place of a root."""
        return self.new if self.run.facts.stands_failed else ()

    @property
    def warned_in(self) -> tuple[str, ...]:
        """The channels that would be told that it only warned."""
        is_warned = self.is_said and not self.run.facts.stands_failed
        return tuple(each.channel for each in self.run.channels if is_warned and each.muted_in is not None)


class MuteKeeper:
    """Ends the mutes of all servers when their time is over, and says so.

    For each server one process at a time does, by a lease.
    """

    def __init__(self, database: Database, clock: Clock, holder: str, rules: WatchRules) -> None:
        self._database = database
        self._clock = clock
        self._holder = holder
        self._storm_rules = StormRules(rules.storms, rules.polling, rules.causes)
        self._mutes = Mutes(database)
        self._runs = Runs(database)
        self._outbox = Outbox(database)
        self._leases = Leases(database)

    async def run(self) -> None:
        """Look every few seconds, for ever; a database that does not answer is asked again."""
        while True:
            try:
                for server in sorted(await self._mutes.servers()):
                    await self.tick(ServerName(server))
            except StoreError as error:
                log.debug("watch.mutes_not_checked", problem=str(error))
            await self._clock.sleep(SECONDS_BETWEEN_LOOKS)

    async def tick(self, server: ServerName) -> None:
        """End what is over on a server, and tell a part of what has ended. Raises StoreError."""
        now = self._clock.now()
        due = await self._mutes.due(server, now)
        if not due and not await self._mutes.untold(server):
            return
        if not await self._leases.take(f"mutes/{server}", self._holder, now, _LEASE_SECONDS):
            return
        for mute in due:
            async with self._database.transaction() as transaction:
                await transaction.serialise(f"announce/{server}")
                await self._mutes.run_out(transaction, mute.id, TIME, self._clock.now())
        for mute in await self._mutes.untold(server):
            await self._tell(mute)

    async def _tell(self, mute: Mute) -> None:
        """Tell the next runs of a mute that it is over."""
        now, at_least = self._clock.now(), self._storm_rules.at_least
        at_once = _OF_SERVER_AT_ONCE if mute.is_of_server else _AT_ONCE
        async with self._database.transaction() as transaction:
            # The watch of the server either sees it told, or has announced what comes after.
            await transaction.serialise(f"announce/{mute.server}")
            found = await self._mutes.untold_runs(transaction, mute.id, at_once)
            active = await self._mutes.active(transaction, mute.server, now)
            each_untold = [await self._untold(transaction, mute, each, active) for each in found]
            untold = [each for each in each_untold if each is not None]
            ahead = Counter(channel.channel for each in untold for channel in each.for_storms)
            storms = StormGathering(self._database, transaction, self._storm_rules, ahead=ahead, now=now)
            warned = Counter(channel for each in untold for channel in each.warned_in)
            # Digests and reports have what only warned during maintenance.
            unsaid = {
                channel for channel, number in warned.items() if mute.is_of_server and 0 < at_least <= number
            }
            for each in untold:
                await self._tell_run(transaction, mute, each, storms, unsaid, now)
            alike = [each for each in active if each.is_of_server == mute.is_of_server]
            over = {each.job_id for each in found if covering(alike, each.job_id, each.job_name) is None}
            await storms.unmute(mute.server, over, is_of_server=mute.is_of_server)
            await storms.queue()
            await self._mutes.tell(transaction, mute.id, found, now)

    async def _untold(
        self, transaction: Transaction, mute: Mute, muted: MutedRun, active: Collection[Mute]
    ) -> _Untold | None:
        """A run of a mute that has ended, as it stands; None where it was forgotten since."""
        row = await self._runs.of(transaction, muted.run_key)
        run = None if row is None else Run.decode(row.body)
        if run is None:
            return None
        latest = await self._latest(transaction, mute.server, run)
        other = covering(active, muted.job_id, muted.job_name) if _stands(run.facts) else None
        is_said = (
            other is None
            and latest.facts.key == run.facts.key
            and _stands(run.facts)
            and mute.ended_because in {TIME, UNMUTED}
        )
        return _Untold(muted, run, latest, other, is_said=is_said, is_of_server=mute.is_of_server)

    async def _tell_run(
        self,
        transaction: Transaction,
        mute: Mute,
        untold: _Untold,
        storms: StormGathering,
        unsaid: Collection[str],
        now: datetime,
    ) -> None:
        """Tell of a run; `unsaid` are the channels that are not told of one that only warned."""
        run, latest, other = untold.run, untold.latest, untold.other
        if _is_muted_by(run, mute):
            run = run.with_mute(None if other is None else mute_facts(other))
            await self._outbox.add(transaction, messages.edits(run, f"unmuted/{mute.id}", now))
            await storms.follow(run)
        if other is not None:
            await self._mutes.add_run(transaction, replace(untold.muted, mute_id=other.id))
            await self._runs.put(transaction, row_of(run))
            return
        ended = facts.MuteEnded(
            run=(run if latest.facts.key == run.facts.key else latest.with_mute(None)).facts,
            mute=mute_facts(mute),
            because=mute.ended_because or TIME,
            ended_by=mute.ended_by,
            held=await self._mutes.held_of(transaction, mute.id, untold.muted.job_id),
        )
        to = [
            Destination(each.channel, each.threads, each.mention, RouteReason.ROUTE)
            for each in untold.for_storms
        ]
        in_storms = await storms.take(run, to) if to else {}
        # What the latest run says in the same thread is louder.
        left = thread_keys(latest) if latest.facts.key != run.facts.key and _is_muted_by(latest, mute) else {}
        rows: list[NewOutboxRow] = []
        channels: list[RunChannel] = []
        for channel in run.channels:
            if channel.channel in unsaid and channel.channel in untold.warned_in:
                channels.append(channel)
                continue
            told, said = _told(
                replace(untold, run=run), channel, ended, mute, now,
                storm=in_storms.get(channel.channel), louder=left.get(channel.channel),
            )  # fmt: skip
            channels.append(told)
            rows += said
        await self._outbox.add(transaction, rows)
        await self._runs.put(transaction, row_of(msgspec.structs.replace(run, channels=tuple(channels))))

    async def _latest(self, transaction: Transaction, server: str, run: Run) -> Run:
        """The job's latest run of the same kind that nobody stopped."""
        rows = await self._runs.latest(transaction, server, run.facts.job_id, limit=_RUNS_LOOKED_AT)
        for row in rows:
            found = Run.decode(row.body)
            if found is None or is_of_logs(found) != is_of_logs(run) or found.facts.last.is_stopped:
                continue
            return found
        return run


def _told(
    untold: _Untold,
    channel: RunChannel,
    ended: facts.MuteEnded,
    mute: Mute,
    now: datetime,
    *,
    storm: str | None,
    louder: str | None,
) -> tuple[RunChannel, list[NewOutboxRow]]:
    """How a channel is told of a run: by this storm, by a root, by a line in another thread than `louder`."""
    run, told, mention = untold.run, channel, None
    rows: list[NewOutboxRow] = []
    if storm is not None or channel in untold.new:
        # At most a line in an older thread says yet that it failed.
        told = msgspec.structs.replace(
            channel, muted_in=None, listed_in=None, storm=storm, mentioned=run.facts.may_mention
        )
        if told.has_root:
            rows.append(messages.root_row(run, told, now))
    elif untold.is_said and run.facts.may_mention and not channel.mentioned and channel.storm is None:
        told = msgspec.structs.replace(channel, mentioned=True)
        mention = messages.target(run, channel)
    # After maintenance the threads of what stands there as it did say nothing.
    is_quiet = untold.is_of_server and mention is None and (channel.has_root or not untold.is_said)
    if channel.storm is not None and ended.because == UNMUTED and not untold.is_of_server:
        # Of what was muted together, much may end at once: its list says that.
        rows.append(_line(run, channel, ended, mute, now, is_loud=False))
    key = told.thread_key or messages.root_key(run, told.channel)
    if (told.has_root or told.thread_key) and louder != key and not is_quiet:
        is_loud = untold.is_said and ended.because == TIME and channel not in untold.new
        said = msgspec.structs.replace(ended, mention=mention)
        rows.append(_line(run, told, said, mute, now, is_loud=is_loud))
    return told, rows


def _line(
    run: Run, channel: RunChannel, ended: facts.MuteEnded, mute: Mute, now: datetime, *, is_loud: bool
) -> NewOutboxRow:
    """One for each thread: the runs of a job are gone through from the latest on.

    After an older database was restored, another mute may have the same ID, but not the same reference.
    """
    key = channel.thread_key or messages.root_key(run, channel.channel)
    if channel.storm is not None:
        key = storm_key(channel.storm)
    placement = Placement.BROADCAST if is_loud else Placement.REPLY
    if channel.threads is Threads.FLAT and channel.has_root:
        placement = Placement.POST
    return messages.message(
        f"{key}/unmuted/{mute.id}/{mute.reference}",
        channel.channel,
        ended,
        now,
        placement=placement,
        priority=messages.REPLY,
        run_key=run.facts.key,
        root_key=key,
    )


def _is_muted_by(run: Run, mute: Mute) -> bool:
    return run.facts.muted is not None and run.facts.muted.id == mute.id


def _stands(run: RunFacts) -> bool:
    """Whether a run is still as bad as when it was held back."""
    return run.stands_failed or (known(Result, run.result) is Result.WARNING and not run.is_recovered)
