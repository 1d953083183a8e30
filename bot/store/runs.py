"""The runs that were told or may still get another attempt; what a run is, its body, is the watch's."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from bot.store.database import Database, Transaction
from bot.store.tables import runs


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run: its key, the latest end of its attempts, until when another is expected, and its body."""

    run_key: str
    server: str
    job_id: str
    last_ended_at: datetime
    expected_by: datetime | None
    body: str


class Runs:
    """The runs of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self, transaction: Transaction, server: str, job_id: str) -> RunRow | None:
        """Return the run of a job that ended last."""
        found = await transaction.values(
            select(runs)
            .where(runs.c.server == server, runs.c.job_id == job_id)
            .order_by(runs.c.last_ended_at.desc(), runs.c.run_key.desc())
            .limit(1)
        )
        return RunRow(**found[0]) if found else None

    async def of(self, transaction: Transaction, run_key: str) -> RunRow | None:
        """Return a run by its key."""
        found = await transaction.values(select(runs).where(runs.c.run_key == run_key))
        return RunRow(**found[0]) if found else None

    async def overdue(self, server: str, now: datetime) -> tuple[RunRow, ...]:
        """Return a server's runs whose expected attempt did not come until now."""
        async with self._database.reading() as reading:
            found = await reading.values(
                select(runs)
                .where(runs.c.server == server, runs.c.expected_by <= now)
                .order_by(runs.c.expected_by, runs.c.run_key)
            )
        return tuple(RunRow(**values) for values in found)

    async def put(self, transaction: Transaction, run: RunRow) -> None:
        """Keep a run, new or changed."""
        values = {
            "last_ended_at": run.last_ended_at,
            "expected_by": run.expected_by,
            "body": run.body,
        }
        await transaction.execute(
            transaction.insert(runs)
            .values(run_key=run.run_key, server=run.server, job_id=run.job_id, **values)
            .on_conflict_do_update(index_elements=["run_key"], set_=values)
        )

    async def purge(self, server: str, ended_before: datetime) -> None:
        """Forget a server's runs that ended before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                delete(runs).where(runs.c.server == server, runs.c.last_ended_at < ended_before)
            )
