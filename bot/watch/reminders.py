"""Reminders: what still fails, or is not as expected, and nobody has acknowledged, is brought up again.

In its thread, at most once a day, and of a run only while it is its job's latest. Runs that one message tells
of, a storm or a first start's list, are brought up together. It stops once the run is made up for,
acknowledged or muted, or the expectation is met. Nobody is mentioned.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import structlog

from bot.observability import Clock
from bot.store import (
    Database,
    ExpectationGroup,
    ExpectationGroups,
    Expectations,
    Leases,
    Mute,
    Mutes,
    NewOutboxRow,
    Outbox,
    Placement,
    RunRow,
    Runs,
    StoreError,
    Transaction,
    UnmetExpectation,
)
from bot.veeam import ServerName
from bot.watch import facts, messages
from bot.watch.expectation_groups import group_key
from bot.watch.expectations import JOB_KINDS
from bot.watch.mutes import covering, is_subject_muted
from bot.watch.runs import Run, storm_key

SECONDS_BETWEEN_LOOKS = 60.0
AT_MOST_EVERY = timedelta(days=1)
_LEASE_SECONDS = 180.0
_MUTED_LOOKED_AT_EVERY = timedelta(minutes=15)
_AT_ONCE = 20
_RUNS_LOOKED_AT = 20
_NAMED = 8

log = structlog.stdlib.get_logger(__name__)


class Reminder:
    """Reminds people of what is left. For each server one process at a time does, by a lease."""

    def __init__(self, database: Database, clock: Clock, holder: str, *, after: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._holder = holder
        self._after = after
        self._runs = Runs(database)
        self._mutes = Mutes(database)
        self._outbox = Outbox(database)
        self._leases = Leases(database)
        self._expectations = Expectations(database)
        self._groups = ExpectationGroups(database)

    async def run(self, servers: Collection[ServerName]) -> None:
        """Look every minute, for ever; a database that does not answer is asked again."""
        while True:
            try:
                for server in servers:
                    await self.tick(server)
            except StoreError as error:
                log.debug("watch.reminders_not_checked", problem=str(error))
            await self._clock.sleep(SECONDS_BETWEEN_LOOKS)

    async def tick(self, server: ServerName) -> None:
        """Remind people of what is due on a server, some at once. Raises StoreError."""
        now = self._clock.now()
        since, before = now - self._after, now - AT_MOST_EVERY
        runs = await self._runs.unanswered(server, since=since, reminded_before=before, limit=_AT_ONCE)
        unmet = await self._expectations.unanswered(
            server, told_before=since, reminded_before=before, limit=_AT_ONCE
        )
        groups = await self._groups.unanswered(
            server, opened_before=since, reminded_before=before, limit=_AT_ONCE
        )
        if not (runs or unmet or groups):
            return
        if not await self._leases.take(f"remind/{server}", self._holder, now, _LEASE_SECONDS):
            return
        for row in runs:
            async with self._writing(f"announce/{server}") as transaction:
                await self._remind_of_run(transaction, row)
        for each in unmet:
            async with self._writing(f"announce/{server}") as transaction:
                await self._remind_of_expectation(transaction, each)
        for group in groups:
            async with self._writing(f"expectations/{server}") as transaction:
                await self._remind_of_group(transaction, group)

    @asynccontextmanager
    async def _writing(self, what: str) -> AsyncIterator[Transaction]:
        """Write while nobody else does who is about the same."""
        async with self._database.transaction() as transaction:
            await transaction.serialise(what)
            yield transaction

    async def _remind_of_run(self, transaction: Transaction, row: RunRow) -> None:
        """Bring up a run, and all that is left of what the messages tell of that tell of it among others."""
        if await self._runs.of(transaction, row.run_key) != row:
            return  # it has changed meanwhile, or was brought up with another one
        run, now = Run.decode(row.body), self._clock.now()
        active = await self._mutes.active(transaction, row.server, now)
        if run is None or not await self._left(transaction, row.server, [(row, run)], active):
            return
        brought_up, rows, lately = {row.run_key: (row, run)}, list[NewOutboxRow](), list[datetime]()
        for thread, channel in _shared_threads(run).items():
            # A storm may be of several servers, each of which is looked at by itself.
            name = f"reminder/{row.server}"
            last = await self._outbox.last_below(transaction, thread, f"{thread}/{name}/")
            if last is not None and last > now - AT_MOST_EVERY:
                lately.append(last)
                continue
            told = await self._left(
                transaction, row.server, await self._told(transaction, row, thread), active
            )
            brought_up |= {of.run_key: (of, each) for of, each in told}
            said = _many_unacknowledged(run.facts.server, [each for _, each in told])
            rows.append(self._reply(thread, channel, f"{name}/{now.isoformat()}", said))
        for of, each in brought_up.values():
            if of.reminded_at is None or of.reminded_at <= now - AT_MOST_EVERY:
                rows += _own_replies(each, now)
        await self._outbox.add(transaction, rows)
        # If its threads had their reminders lately, it is brought up with the rest the next time.
        await self._runs.remind(transaction, list(brought_up), now if rows else min(lately, default=now))
        if rows:
            _log_reminded(row.server, row.run_key, runs=len(brought_up))

    async def _told(self, transaction: Transaction, row: RunRow, thread: str) -> list[tuple[RunRow, Run]]:
        """The runs of a server that wait for somebody and that the message of this key tells of."""
        rows = await self._runs.unanswered_with(transaction, row.server, thread.removeprefix(storm_key("")))
        runs = ((each, Run.decode(each.body)) for each in rows)
        return [(each, run) for each, run in runs if run is not None and thread in _shared_threads(run)]

    async def _left(
        self,
        transaction: Transaction,
        server: str,
        runs: Sequence[tuple[RunRow, Run]],
        active: Sequence[Mute],
    ) -> list[tuple[RunRow, Run]]:
        """Those of these runs that are to be brought up; the others are put off, or brought up no more."""
        now = self._clock.now()
        ends = await self._runs.last_ends(transaction, server, [row.job_id for row, _ in runs])
        left, over, muted = list[tuple[RunRow, Run]](), list[str](), list[str]()
        for row, run in runs:
            is_last = ends[row.job_id] <= row.last_ended_at
            if not is_last and await self._has_run_since(transaction, run):
                over.append(row.run_key)  # that run is the one to look after
            elif covering(active, row.job_id, run.facts.job_name) is None:
                left.append((row, run))
            elif row.reminded_at is None or row.reminded_at <= now - AT_MOST_EVERY:
                muted.append(row.run_key)
        await self._runs.answer(transaction, over)
        await self._runs.remind(transaction, muted, _as_if_reminded(now))
        return left

    async def _has_run_since(self, transaction: Transaction, run: Run) -> bool:
        """Whether a later run of the job is known; of backups of its logs, a later one of these."""
        rows = await self._runs.latest(transaction, run.facts.server, run.facts.job_id, limit=_RUNS_LOOKED_AT)
        for row in rows:
            if row.run_key == run.facts.key:
                return False
            found = Run.decode(row.body)
            if found is not None and found.facts.first.log_type == run.facts.first.log_type:
                return True
        return False

    async def _remind_of_expectation(self, transaction: Transaction, due: UnmetExpectation) -> None:
        """Bring up one that has a message of its own."""
        found = await self._expectations.of(transaction, due.server, due.subject, due.kind)
        if list(found) != [due]:
            return  # it is over, or has changed
        now = self._clock.now()
        expectation = msgspec.json.decode(due.body, type=facts.Expectation)
        active = await self._mutes.active(transaction, due.server, now)
        is_job = expectation.job_id is not None
        if is_subject_muted(active, due.subject, expectation.name, is_job=is_job):
            reminded = replace(due, reminded_at=_as_if_reminded(now))
        elif expectation.acknowledged is not None:
            reminded = replace(due, reminded_at=now)
        else:
            reminded = replace(due, reminded_at=now)
            said = facts.ExpectationUnacknowledged(expectation=expectation)
            key = f"{expectation.key}/{due.channel}"
            row = self._reply(key, due.channel, _occasion(now), said)
            await self._outbox.add(transaction, [row])
            _log_reminded(due.server, expectation.key)
        await self._expectations.change(transaction, reminded)

    async def _remind_of_group(self, transaction: Transaction, due: ExpectationGroup) -> None:
        """Bring up what is left of many that one message tells of."""
        if await self._groups.of(transaction, due.id) != due:
            return
        now = self._clock.now()
        active = await self._mutes.active(transaction, due.server, now)
        left = [
            name
            for subject, name in await self._groups.unowned(transaction, due.id)
            if not is_subject_muted(active, subject, name, is_job=due.kind in JOB_KINDS)
        ]
        if not left:
            reminded = replace(due, reminded_at=_as_if_reminded(now))
        else:
            reminded = replace(due, reminded_at=now)
            said = facts.ExpectationsUnacknowledged(
                server=ServerName(due.server),
                kind=due.kind,
                names=tuple(left[:_NAMED]),
                count=len(left),
                told_at=due.opened_at,
            )
            row = self._reply(group_key(due.id), due.channel, _occasion(now), said)
            await self._outbox.add(transaction, [row])
            _log_reminded(due.server, group_key(due.id))
        await self._groups.put(transaction, reminded)

    def _reply(self, thread: str, channel: str, name: str, said: facts.Announcement) -> NewOutboxRow:
        return messages.message(
            f"{thread}/{name}",
            channel,
            said,
            self._clock.now(),
            placement=Placement.REPLY,
            priority=messages.REPLY,
            root_key=thread,
        )


def _occasion(now: datetime) -> str:
    """What is particular to one reminder in the key of its reply."""
    return f"reminder/{now.isoformat()}"


def _as_if_reminded(now: datetime) -> datetime:
    """When people count as reminded of what is muted: others go first, and it is looked at again soon."""
    return now + _MUTED_LOOKED_AT_EVERY - AT_MOST_EVERY


def _log_reminded(server: str, about: str, *, runs: int = 0) -> None:
    log.info("watch.reminded", server=server, about=about, runs=runs)


def _own_replies(run: Run, now: datetime) -> list[NewOutboxRow]:
    """Bring up a run in each channel that has a root of its own."""
    said = facts.Unacknowledged(run=run.facts, since=_failed_at(run))
    return [
        messages.reply(run, channel, _occasion(now), said, now, is_failure=True)
        for channel in run.channels_with_root
    ]


def _many_unacknowledged(server: ServerName, runs: Sequence[Run]) -> facts.ManyUnacknowledged:
    """What is left of many; a job and the backup of its logs are one job."""
    jobs = {run.facts.job_id: run.facts.job_name for run in runs}
    return facts.ManyUnacknowledged(
        server=server,
        jobs=tuple(sorted(jobs.values(), key=str.casefold)[:_NAMED]),
        count=len(jobs),
        since=min(map(_failed_at, runs)),
    )


def _failed_at(run: Run) -> datetime:
    """When it first failed: its later attempts did too."""
    return next((each.ended_at for each in run.facts.attempts if each.is_failed), run.facts.last.ended_at)


def _shared_threads(run: Run) -> dict[str, str]:
    """The messages that tell of a run among others, by their keys, with the channel of each."""
    return {each.shared_thread: each.channel for each in run.channels if each.shared_thread is not None}
