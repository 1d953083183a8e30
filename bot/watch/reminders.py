"""Reminders: a run that still fails and that nobody has acknowledged is brought up again in its thread.

At most once a day, and only of the job's latest run; it stops once the run is made up for, acknowledged or
muted. Nobody is mentioned.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import msgspec
import structlog

from bot.observability import Clock
from bot.store import Database, Leases, Mutes, Outbox, RunRow, Runs, StoreError, Transaction
from bot.veeam import ServerName
from bot.watch import facts, messages
from bot.watch.mutes import covering
from bot.watch.runs import Run
from bot.watch.standing import row_of

SECONDS_BETWEEN_LOOKS = 60.0
AT_MOST_EVERY = timedelta(days=1)
_LEASE_SECONDS = 180.0
_MUTED_LOOKED_AT_EVERY = timedelta(minutes=15)
_AT_ONCE = 20
_RUNS_LOOKED_AT = 20

log = structlog.stdlib.get_logger(__name__)


class Reminder:
    """Reminds people of failed runs. For each server one process at a time does, by a lease."""

    def __init__(self, database: Database, clock: Clock, holder: str, *, after: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._holder = holder
        self._after = after
        self._runs = Runs(database)
        self._mutes = Mutes(database)
        self._outbox = Outbox(database)
        self._leases = Leases(database)

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
        """Remind people of a server's runs that are due, some at once. Raises StoreError."""
        now = self._clock.now()
        due = await self._runs.unanswered(
            server, since=now - self._after, reminded_before=now - AT_MOST_EVERY, limit=_AT_ONCE
        )
        if not due or not await self._leases.take(f"remind/{server}", self._holder, now, _LEASE_SECONDS):
            return
        for row in due:
            async with self._database.transaction() as transaction:
                await transaction.serialise(f"announce/{server}")
                await self._remind(transaction, row)

    async def _remind(self, transaction: Transaction, row: RunRow) -> None:
        if await self._runs.of(transaction, row.run_key) != row:
            return  # it has changed meanwhile
        run, now = Run.decode(row.body), self._clock.now()
        if run is None or await self._has_run_since(transaction, run):
            # The job has run again since: that run is the one to look after.
            await self._runs.put(transaction, replace(row, unanswered_since=None))
            return
        active = await self._mutes.active(transaction, row.server, now)
        if covering(active, row.job_id, run.facts.job_name) is not None:
            # As if reminded of then: it leaves the others their turn, and has one again soon.
            put_off = now + _MUTED_LOOKED_AT_EVERY - AT_MOST_EVERY
            await self._runs.put(transaction, replace(row, reminded_at=put_off))
            return
        reminded = msgspec.structs.replace(run, reminded_at=now, reminders=run.reminders + 1)
        said = facts.Unacknowledged(run=run.facts, since=run.facts.last.ended_at)
        occasion = f"reminder/{reminded.reminders}"
        rows = [
            messages.reply(reminded, channel, occasion, said, now, is_failure=True)
            for channel in reminded.channels_with_root
        ]
        await self._outbox.add(transaction, rows)
        await self._runs.put(transaction, row_of(reminded))
        log.info("watch.reminded", server=row.server, run=row.run_key, reminders=reminded.reminders)

    async def _has_run_since(self, transaction: Transaction, run: Run) -> bool:
        """Whether a later run of the job is known; of backups of its logs, a later one of these."""
        rows = await self._runs.latest(transaction, run.facts.server, run.facts.job_id, limit=_RUNS_LOOKED_AT)
        runs = (found for row in rows if (found := Run.decode(row.body)) is not None)
        alike = (each for each in runs if each.facts.first.log_type == run.facts.first.log_type)
        latest = next(alike, None)
        return latest is not None and latest.facts.key != run.facts.key
