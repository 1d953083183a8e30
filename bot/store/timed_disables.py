"""Jobs that were disabled for a time, until they are enabled again."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Update, and_, delete, select, update

from bot.store.database import Database, Transaction
from bot.store.tables import timed_disables


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedDisable:
    """A job that is to be enabled again at `until`: who disabled it, when, and in which channel.

    `attempted_at` is when enabling it began: if it is set, nothing says whether the job was enabled.
    """

    server: str
    job_id: str
    job_name: str
    person_id: str
    channel_id: str | None
    reference: str
    disabled_at: datetime
    until: datetime
    reminded_at: datetime | None = None
    attempted_at: datetime | None = None


class TimedDisables:
    """The timed disables of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remember(self, disable: TimedDisable) -> None:
        """Plan to enable a job again; an earlier plan for it is replaced."""
        values = asdict(disable)
        async with self._database.transaction() as transaction:
            await transaction.execute(
                transaction.insert(timed_disables)
                .values(values)
                .on_conflict_do_update(index_elements=["server", "job_id"], set_=values)
            )

    async def forget(self, server: str, job_id: str, reference: str | None = None) -> None:
        """Drop the plan for a job, if there is one; with a reference, only the plan of that gesture."""
        columns = timed_disables.c
        plan = delete(timed_disables).where(columns.server == server, columns.job_id == job_id)
        if reference is not None:
            plan = plan.where(columns.reference == reference)
        async with self._database.transaction() as transaction:
            await transaction.execute(plan)

    async def of(self, server: str) -> tuple[TimedDisable, ...]:
        """Return a server's plans, the next due first."""
        return await self._found(server)

    async def every(self) -> tuple[TimedDisable, ...]:
        """Return all plans, the next due first."""
        return await self._found(None)

    async def servers(self) -> frozenset[str]:
        """Return the servers that have plans."""
        async with self._database.reading() as reading:
            rows = await reading.all(select(timed_disables.c.server).distinct())
        return frozenset(row.server for row in rows)

    async def remind(self, transaction: Transaction, disable: TimedDisable, now: datetime) -> bool:
        """Claim the reminder of a plan, in one statement. False: it was sent, or the plan is gone."""
        return await transaction.claim(_marking(disable, "reminded_at", now))

    async def attempt(self, disable: TimedDisable, now: datetime) -> bool:
        """Claim the enabling of a job, in one statement. False: it was begun, or the plan is gone."""
        async with self._database.transaction() as transaction:
            return await transaction.claim(_marking(disable, "attempted_at", now))

    async def wait(self, disable: TimedDisable) -> None:
        """Note that nothing was done, so that it is tried again."""
        async with self._database.transaction() as transaction:
            await transaction.execute(update(timed_disables).where(_is(disable)).values(attempted_at=None))

    async def end(self, transaction: Transaction, disable: TimedDisable) -> bool:
        """Drop a plan, in one statement. False: it is gone already, or another one."""
        return await transaction.claim(delete(timed_disables).where(_is(disable)))

    async def _found(self, server: str | None) -> tuple[TimedDisable, ...]:
        query = select(timed_disables).order_by(timed_disables.c.until, timed_disables.c.job_id)
        if server is not None:
            query = query.where(timed_disables.c.server == server)
        async with self._database.reading() as reading:
            return tuple(TimedDisable(**values) for values in await reading.values(query))


def _marking(disable: TimedDisable, column: str, now: datetime) -> Update:
    return (
        update(timed_disables).where(_is(disable), timed_disables.c[column].is_(None)).values({column: now})
    )


def _is(disable: TimedDisable) -> ColumnElement[bool]:
    return and_(
        timed_disables.c.server == disable.server,
        timed_disables.c.job_id == disable.job_id,
        timed_disables.c.disabled_at == disable.disabled_at,
    )
