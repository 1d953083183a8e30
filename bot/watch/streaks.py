"""How many runs of a job failed in a row, for routes that tell only when they are several.

VBR's own list of the job's sessions says it best; where it was not read, the runs that the bot noticed do. A
warning is a backup, so it ends the row; a run that a person stopped neither failed nor ran.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from bot.store import Runs, Transaction
from bot.veeam import FAILURES_ONLY, session_group
from bot.watch.routing import Destination, long_enough
from bot.watch.run_facts import JobOutlook
from bot.watch.runs import Run


@dataclass(frozen=True, slots=True)
class Streak:
    """A run, and how many failed in a row with it as the last one: 0 where it did not fail."""

    run: Run
    length: int

    def long_enough(self, destinations: Sequence[Destination]) -> list[Destination]:
        """Return those that get the run by now, each channel once."""
        return long_enough(destinations, self.length)


class Streaks:
    """Counts them. Raises `StoreError`."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def of(self, transaction: Transaction, run: Run, destinations: Sequence[Destination]) -> Streak:
        """Return the run's streak, as far as one of the destinations asks for it.

        The run says so itself from then on, also where VBR was not asked.
        """
        wanted = max((to.failures_in_a_row for to in destinations), default=1)
        if wanted <= 1 or not run.facts.stands_failed:
            return Streak(run, 0)
        outlook = run.facts.outlook or JobOutlook()
        said = outlook.failed_in_a_row or 0
        if said >= wanted:
            return Streak(run, said)
        if outlook.is_longer:  # all that VBR lists of it failed: it is no shorter than that
            return Streak(run, wanted)
        length = max(said, await self._noticed(transaction, run, wanted))
        if length >= wanted:
            counted = msgspec.structs.replace(outlook, failed_in_a_row=length)
            run = msgspec.structs.replace(run, facts=msgspec.structs.replace(run.facts, outlook=counted))
        return Streak(run, length)

    async def _noticed(self, transaction: Transaction, run: Run, wanted: int) -> int:
        """Count the runs before it by what the bot knows of them, as far as the count matters."""
        facts, length = run.facts, 1
        if facts.first.log_type is not None:
            length = sum(each.is_failed for each in facts.attempts)
        # Of those that people stopped, or that are backups of logs, a few may lie between.
        rows = await self._runs.latest(
            transaction, facts.server, facts.job_id, limit=4 * wanted, by=facts.latest.ended_at
        )
        for row in rows:
            earlier = Run.decode(row.body)
            if earlier is None or earlier.facts.key == facts.key or is_of_logs(earlier) != is_of_logs(run):
                continue
            if earlier.facts.last.is_stopped:
                continue
            if not earlier.facts.stands_failed or length >= wanted:
                break
            length += 1
        return length


def is_of_logs(run: Run) -> bool:
    """Whether it is a backup of logs: such runs count for themselves."""
    return session_group(run.facts.first.session_type) in FAILURES_ONLY
