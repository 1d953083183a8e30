"""What people do about failed runs without VBR: own them, or hold their messages back.

Each is one transaction: what is kept, the run, its roots and the lines in its threads. Nothing waits for a
poll.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import msgspec

from bot.observability import Clock
from bot.settings import ExpectationSettings
from bot.store import (
    Database,
    ExpectationGroup,
    Expectations,
    FailedRun,
    Mute,
    MutedRun,
    Mutes,
    NewMute,
    Outbox,
    Placement,
    Runs,
    Transaction,
    UnmetExpectation,
)
from bot.veeam import DEFAULT_RULES, CauseRules, JobId, Result, ServerName, SessionId, known
from bot.watch import facts, messages
from bot.watch.expectation_groups import Gathering
from bot.watch.expectations import Kind, decoded_runs, job_rules, still_learnt
from bot.watch.mutes import UNMUTED, Failure, covering, mute_facts, thread_keys
from bot.watch.run_facts import Acknowledgement
from bot.watch.runs import Run
from bot.watch.standing import row_of
from bot.watch.storms import StormMessages

_RUNS_LOOKED_AT = 20
_AHEAD = timedelta(days=2)


class FollowUp:
    """Keeps it, and queues what the channels are told of it. Raises `StoreError`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        causes: CauseRules = DEFAULT_RULES,
        expected: Sequence[ExpectationSettings] = (),
    ) -> None:
        self._causes = causes
        self._expected = expected
        self._database = database
        self._clock = clock
        self._mutes = Mutes(database)
        self._outbox = Outbox(database)
        self._runs = Runs(database)
        self._expectations = Expectations(database)

    async def failed_run(
        self, server: ServerName, job_id: JobId, session_id: SessionId | None = None
    ) -> FailedRun | None:
        """Return the run that began with a session, or the job's latest; None unless it stands failed."""
        async with self._database.reading() as reading:
            run = await self._run(reading, server, job_id, session_id)
        return None if run is None else _as_failed(run)

    async def acknowledge(
        self,
        server: ServerName,
        job_id: JobId,
        session_id: SessionId,
        person: str,
        comment: str | None = None,
    ) -> FailedRun | None:
        """Have a person own a failed run; return it as it was before, None where it stands failed no more."""
        now = self._clock.now()
        async with self._writing(server) as transaction:
            run = await self._run(transaction, server, job_id, session_id)
            if run is None:
                return None
            before = _as_failed(run)
            if before.owner == person:
                return before
            turn = before.turn + 1
            owned = Acknowledgement(by=person, at=now, turn=turn, comment=comment)
            changed = msgspec.structs.replace(run.facts, acknowledged=owned)
            run = msgspec.structs.replace(run, facts=changed)
            said = facts.RunAcknowledged(run=run.facts, by=person, instead_of=before.owner)
            # The person too: after an older database was restored, a turn may be somebody else's.
            occasion = f"acknowledged/{turn}/{person}"
            rows = [
                *messages.edits(run, occasion, now),
                *(
                    messages.reply(run, channel, occasion, said, now, is_failure=False)
                    for channel in run.channels_with_thread
                ),
            ]
            await self._outbox.add(transaction, rows)
            await self._runs.put(transaction, row_of(run))
            storms = StormMessages(self._database, transaction, now=now)
            await storms.follow(run)
            await storms.queue()
        return before

    async def owners(self, server: ServerName, job_ids: Sequence[JobId]) -> Mapping[JobId, str]:
        """Return who acknowledged the latest run of which of a few jobs, where that stands failed."""
        if not job_ids:
            return {}
        async with self._database.reading() as reading:
            # Their times are of the servers' clocks.
            rows = await self._runs.latest_of(reading, server, job_ids, by=self._clock.now() + _AHEAD)
            runs = [run for row in rows if (run := Run.decode(row.body)) is not None]
            for of_logs in [each for each in runs if each.facts.first.log_type is not None]:
                # A backup of the job's logs says nothing of its runs.
                runs.remove(of_logs)
                earlier = await self._latest(reading, server, of_logs.facts.job_id)
                runs += [each for each in earlier if each.facts.first.log_type is None][:1]
        return {
            run.facts.job_id: run.facts.acknowledged.by
            for run in runs
            if run.facts.acknowledged is not None and run.facts.stands_failed
        }

    async def unmet(self, server: ServerName, subject: str, kind: str) -> FailedRun | None:
        """Return who owns what is not as expected of a subject, of this kind; None where nothing is."""
        async with self._database.reading() as reading:
            if subject.startswith(facts.GROUP):
                groups = Gathering(self._database, reading, server, self._clock.now())
                group = await groups.standing(subject)
                return None if group is None else _as_owned(group)
            groups = Gathering(self._database, reading, server, self._clock.now())
            found = await self._expectations.of(reading, server, subject, kind)
            return _as_unmet([(each, await groups.owner_of(each)) for each in found])

    async def unmet_of(self, server: ServerName, job_id: JobId) -> Sequence[UnmetExpectation]:
        """Return what is not as expected of a job."""
        async with self._database.reading() as reading:
            return await self._expectations.of(reading, server, job_id)

    async def learning(self, server: ServerName, job_id: JobId, job_name: str) -> tuple[int, int] | None:
        """Return how many incrementals and fulls of a job are known, while it is learnt what is usual of it.

        None where that is known, or where nobody expects what is usual.
        """
        if not {Kind.TOO_LONG, Kind.ODD_SUCCESS} & job_rules(self._expected, server, job_name).keys():
            return None
        kept = await self._expectations.runs(server, [job_id])
        return still_learnt(decoded_runs(kept.get(job_id)))

    async def acknowledge_unmet(
        self, server: ServerName, subject: str, kind: str, person: str, comment: str | None = None
    ) -> FailedRun | None:
        """Have a person own that; return it as it was before, None where it is over."""
        now = self._clock.now()
        async with self._writing(server) as transaction:
            if subject.startswith(facts.GROUP):
                return await self._own_group(transaction, server, subject, person, comment)
            found = await self._expectations.of(transaction, server, subject, kind)
            if any(each.group_id is not None for each in found):
                await transaction.serialise(f"expectations/{server}")
            groups = Gathering(self._database, transaction, server, now)
            stood: list[tuple[UnmetExpectation, str | None]] = []
            for each in found:
                of_all = await groups.owner_of(each)
                if _owner(each, of_all) == person or await self._own(
                    transaction, groups, each, person, comment
                ):
                    stood.append((each, of_all))
            await groups.queue()
        return _as_unmet(stood)

    async def _own(
        self,
        transaction: Transaction,
        groups: Gathering,
        each: UnmetExpectation,
        person: str,
        comment: str | None,
    ) -> bool:
        """Have a person own one; its own message says so, or the list of the one that tells of many."""
        expectation, now = _expectation(each), self._clock.now()
        before = expectation.acknowledged
        turn = 1 if before is None else before.turn + 1
        owned = Acknowledgement(by=person, at=now, turn=turn, comment=comment)
        expectation = msgspec.structs.replace(expectation, acknowledged=owned)
        body = msgspec.json.encode(expectation).decode()
        if not await self._expectations.change(transaction, replace(each, body=body)):
            return False
        if each.group_id is not None:
            await groups.own_one(each, person)
            return True
        key = f"{expectation.key}/{each.channel}"
        row = messages.message(
            f"{key}/acknowledged/{owned.turn}",
            each.channel,
            facts.ExpectationAcknowledged(expectation=expectation),
            now,
            placement=Placement.EDIT,
            priority=messages.ROOT,
            root_key=key,
        )
        await self._outbox.add(transaction, [row])
        return True

    async def _own_group(
        self,
        transaction: Transaction,
        server: ServerName,
        subject: str,
        person: str,
        comment: str | None,
    ) -> FailedRun | None:
        await transaction.serialise(f"expectations/{server}")
        groups = Gathering(self._database, transaction, server, self._clock.now())
        group = await groups.standing(subject)
        if group is not None and group.owner != person:
            await groups.own(group, person, comment)
            await groups.queue()
        return None if group is None else _as_owned(group)

    async def mute(self, new: NewMute) -> tuple[str, ...]:
        """Mute a job or a server; return the channels in which a thread says so."""
        now = self._clock.now()
        async with self._writing(new.server) as transaction:
            if new.job_id is None:
                await self._mutes.put(transaction, new)
                return ()
            runs = await self._latest(transaction, new.server, new.job_id)
            if runs and _went_wrong(runs[0]):
                of = runs[0].facts
                failure = Failure.of(of.last, of.server, of.job_name, self._causes)
                new = replace(new, failure=failure.encode())
            mute = await self._mutes.put(transaction, new)
            told: set[str] = set()
            storms = StormMessages(self._database, transaction, now=now)
            for run in filter(_went_wrong, runs):
                told_there = (each for each in run.channels if each.has_root or each.listed_in or each.storm)
                channels = [each for each in told_there if each.channel not in told]
                if not channels:
                    continue
                told.update(each.channel for each in channels)
                muted = run.with_mute(mute_facts(mute))
                occasion, began = f"muted/{mute.id}/{new.reference}", facts.MuteBegan(run=muted.facts)
                # The list in a storm's thread says it.
                lines = [
                    messages.reply(muted, channel, occasion, began, now, is_failure=False)
                    for channel in channels
                    if channel.storm is None
                ]
                await self._outbox.add(transaction, [*messages.edits(muted, occasion, now), *lines])
                await self._runs.put(transaction, row_of(muted))
                of = run.facts
                noted = MutedRun(mute.id, of.key, of.job_id, of.job_name, now, is_quiet=False)
                await self._mutes.add_run(transaction, noted)
                await storms.follow(muted)
            await storms.queue()
        return tuple(told)

    async def find_mute(
        self,
        server: ServerName,
        *,
        job_id: JobId | None = None,
        pattern: str | None = None,
        subject: str | None = None,
    ) -> Mute | None:
        """Return what mutes a job by itself, a subject, or else the server by this pattern, case aside."""
        async with self._database.reading() as reading:
            active = await self._mutes.active(reading, server, self._clock.now())
        if subject is not None:
            return next((each for each in active if each.subject == subject), None)
        if job_id is not None:
            return covering((each for each in active if not each.is_of_server), job_id, "")
        same = (each for each in active if each.is_of_server and each.has_pattern(pattern))
        return next(same, None)

    async def mute_of(self, server: ServerName, job_id: JobId, job_name: str) -> Mute | None:
        """Return what holds a job's messages back: its own mute, else one of its server."""
        async with self._database.reading() as reading:
            active = await self._mutes.active(reading, server, self._clock.now())
        return covering(active, job_id, job_name)

    async def muted_besides(self, ended: Mute) -> tuple[Mute | None, int]:
        """Return what still mutes all that a mute was about, and how many mutes hold on a part of it."""
        async with self._database.reading() as reading:
            active = await self._mutes.active(reading, ended.server, self._clock.now())
        others = [each for each in active if each.id != ended.id]
        if ended.subject is not None:
            return next((each for each in others if each.is_of_server and each.pattern is None), None), 0
        if ended.job_id is not None:
            of_server = (each for each in others if each.is_of_server)
            return covering(of_server, ended.job_id, ended.job_name or ""), 0
        wider = next((each for each in others if each.is_of_server and each.pattern is None), None)
        return wider, sum(ended.covers("", each.pattern or each.job_name or "") for each in others)

    async def unmute(self, mute: Mute, person: str) -> tuple[str, ...] | None:
        """End a mute; return the channels in which a thread will say so, None where it has ended already."""
        async with self._writing(mute.server) as transaction:
            if not await self._mutes.end(transaction, mute.id, UNMUTED, self._clock.now(), by=person):
                return None
            runs = [] if mute.job_id is None else await self._latest(transaction, mute.server, mute.job_id)
        muted = (run for run in runs if run.facts.muted is not None and run.facts.muted.id == mute.id)
        return tuple({channel for run in muted for channel in _shown_in(run)})

    @asynccontextmanager
    async def _writing(self, server: str) -> AsyncIterator[Transaction]:
        async with self._database.transaction() as transaction:
            # The watch of the server either sees what is kept, or has announced what came before.
            await transaction.serialise(f"announce/{server}")
            yield transaction

    async def _latest(self, transaction: Transaction, server: str, job_id: str) -> Sequence[Run]:
        rows = await self._runs.latest(transaction, server, job_id, limit=_RUNS_LOOKED_AT)
        return [run for row in rows if (run := Run.decode(row.body)) is not None]

    async def _run(
        self, transaction: Transaction, server: ServerName, job_id: JobId, session_id: SessionId | None
    ) -> Run | None:
        """The run that stands failed, and nothing else."""
        if session_id is None:
            # The job's own latest run, or else the latest backup of its logs.
            runs = await self._latest(transaction, server, job_id)
            latest = {each.facts.first.log_type: each for each in reversed(runs)}
            standing = [each for each in latest.values() if each.facts.stands_failed]
            run = min(standing, key=lambda each: each.facts.first.log_type or "", default=None)
        else:
            row = await self._runs.of(transaction, f"{server}/{session_id}")
            is_of_job = row is not None and row.job_id.casefold() == job_id.casefold()
            run = Run.decode(row.body) if row is not None and is_of_job else None
        return run if run is not None and run.facts.stands_failed else None


def _as_failed(run: Run) -> FailedRun:
    owned = run.facts.acknowledged
    return FailedRun(
        session_id=run.facts.first.session_id,
        owner=None if owned is None else owned.by,
        turn=0 if owned is None else owned.turn,
        channels=_shown_in(run),
    )


def _shown_in(run: Run) -> tuple[str, ...]:
    """The channels in which a thread tells of the run: its own, another message's, or a storm's."""
    return (*thread_keys(run), *(each.channel for each in run.channels if each.storm is not None))


def _expectation(unmet: UnmetExpectation) -> facts.Expectation:
    return msgspec.json.decode(unmet.body, type=facts.Expectation)


def _owner(unmet: UnmetExpectation, of_all: str | None) -> str | None:
    """Who owns one: the person who acknowledged it, else the one who did all of its group."""
    owned = _expectation(unmet).acknowledged
    return of_all if owned is None else owned.by


def _as_unmet(unmet: Sequence[tuple[UnmetExpectation, str | None]]) -> FailedRun | None:
    """All of it as one, each with who owns its group: owned where the same person owns each."""
    if not unmet:
        return None
    owned = [_expectation(each).acknowledged for each, _ in unmet]
    owner, *others = {_owner(each, of_all) for each, of_all in unmet}
    return FailedRun(
        session_id="",
        owner=None if others else owner,
        turn=sum(each.turn for each in owned if each is not None),
        channels=tuple(dict.fromkeys(each.channel for each, _ in unmet)),
    )


def _as_owned(group: ExpectationGroup) -> FailedRun:
    return FailedRun(session_id="", owner=group.owner, turn=group.owned, channels=(group.channel,))


def _went_wrong(run: Run) -> bool:
    """Whether it failed or warned, and nothing has made up for it."""
    is_warned = known(Result, run.facts.last.result) is Result.WARNING and not run.facts.is_recovered
    return run.facts.stands_failed or is_warned
