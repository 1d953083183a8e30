"""What is expected of servers: what was seen of their jobs and repositories, and what is not as expected.

Times are of the server's clock; runs and facts are opaque JSON. Only who watches a server writes of it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import delete, or_, select, update

from bot.store.database import Database, Transaction
from bot.store.tables import expected_jobs, expected_servers, repository_samples, unmet_expectations

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedJob:
    """What was seen of a job: its last good run, since when it is disabled, when it was to start.

    `missed_at` is the first time since the last good run that a run was due, or failed; `session_id` the run
    that was looked at last, and `was_good` whether that one went well.
    """

    job_id: str
    known_since: datetime
    last_good_at: datetime | None = None
    disabled_since: datetime | None = None
    due_at: datetime | None = None
    missed_at: datetime | None = None
    session_id: str | None = None
    was_good: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmetExpectation:
    """Something that did not happen, as a channel was told. Of a subject there is one of each kind.

    `group_id` is the group that tells of it, where many were unmet at once. People were told at `told_at`.
    """

    server: str
    subject: str
    kind: str
    since: datetime
    channel: str
    body: str
    group_id: str | None = None
    told_at: datetime | None = None
    reminded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServerLook:
    """When a server was looked at last, and for the first time."""

    looked_at: datetime
    begun_at: datetime


class Expectations:
    """What is kept of all servers' expectations in one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self, server: str) -> ServerLook | None:
        """Return when a server was looked at; None before the first time."""
        columns = expected_servers.c
        query = select(columns.looked_at, columns.begun_at).where(columns.server == server)
        async with self._database.reading() as reading:
            row = await reading.first(query)
        return None if row is None else ServerLook(row.looked_at, row.begun_at)

    async def looked(self, transaction: Transaction, server: str, now: datetime) -> None:
        """Note that a server has been looked at."""
        await transaction.execute(
            transaction.insert(expected_servers)
            .values(server=server, looked_at=now, begun_at=now)
            .on_conflict_do_update(index_elements=["server"], set_={"looked_at": now})
        )

    async def jobs(self, server: str) -> dict[str, ExpectedJob]:
        """Return what was seen of a server's jobs, by their IDs."""
        columns = [column for column in expected_jobs.c if column.name not in {"server", "runs"}]
        query = select(*columns).where(expected_jobs.c.server == server)
        async with self._database.reading() as reading:
            return {row["job_id"]: ExpectedJob(**row) for row in await reading.values(query)}

    async def runs(self, server: str, job_ids: Collection[str]) -> dict[str, str]:
        """Return the kept runs of a page of jobs."""
        if not job_ids:
            return {}
        columns = expected_jobs.c
        query = select(columns.job_id, columns.runs).where(
            columns.server == server, columns.job_id.in_(job_ids)
        )
        async with self._database.reading() as reading:
            return {row.job_id: row.runs for row in await reading.all(query)}

    async def keep_jobs(
        self, transaction: Transaction, server: str, jobs: Iterable[ExpectedJob], runs: Mapping[str, str]
    ) -> None:
        """Keep what was seen of jobs, and the runs of those that are in `runs`; of others these stay."""
        rows = [{"server": server, **asdict(job)} for job in jobs]
        for with_runs in (False, True):
            some = [row for row in rows if (row["job_id"] in runs) is with_runs]
            insert = transaction.insert(expected_jobs)
            kept = {"server", "job_id"} | (set() if with_runs else {"runs"})
            changed = {
                column.name: insert.excluded[column.name]
                for column in expected_jobs.c
                if column.name not in kept
            }
            statement = insert.on_conflict_do_update(index_elements=["server", "job_id"], set_=changed)
            for start in range(0, len(some), _AT_ONCE):
                values = [
                    {**row, "runs": runs.get(row["job_id"], "[]")} for row in some[start : start + _AT_ONCE]
                ]
                await transaction.execute(statement, values)

    async def forget_jobs(self, transaction: Transaction, server: str, job_ids: Iterable[str]) -> None:
        """Forget jobs that the server doesn't have any more."""
        gone = sorted(job_ids)
        for start in range(0, len(gone), _AT_ONCE):
            some = gone[start : start + _AT_ONCE]
            await transaction.execute(
                delete(expected_jobs).where(
                    expected_jobs.c.server == server, expected_jobs.c.job_id.in_(some)
                )
            )

    async def sample(
        self, transaction: Transaction, server: str, day: date, free_gb: Mapping[str, float], *, oldest: date
    ) -> None:
        """Keep how much is free in each repository on a day; forget days before `oldest`."""
        rows = [
            {"server": server, "repository_id": key, "day": day.isoformat(), "free_gb": free}
            for key, free in free_gb.items()
        ]
        insert = transaction.insert(repository_samples)
        statement = insert.on_conflict_do_update(
            index_elements=["server", "repository_id", "day"], set_={"free_gb": insert.excluded.free_gb}
        )
        if rows:
            await transaction.execute(statement, rows)
        columns = repository_samples.c
        await transaction.execute(
            delete(repository_samples).where(columns.server == server, columns.day < oldest.isoformat())
        )

    async def samples(self, server: str) -> dict[str, list[tuple[date, float]]]:
        """Return how much was free in each repository, day by day."""
        query = (
            select(repository_samples)
            .where(repository_samples.c.server == server)
            .order_by(repository_samples.c.day)
        )
        found: dict[str, list[tuple[date, float]]] = defaultdict(list)
        async with self._database.reading() as reading:
            for row in await reading.all(query):
                found[row.repository_id].append((date.fromisoformat(row.day), row.free_gb))
        return found

    async def unmet(self, server: str) -> tuple[UnmetExpectation, ...]:
        """Return what is not as expected of a server."""
        query = select(unmet_expectations).where(unmet_expectations.c.server == server)
        async with self._database.reading() as reading:
            return tuple(UnmetExpectation(**row) for row in await reading.values(query))

    async def of(
        self, transaction: Transaction, server: str, subject: str, kind: str = ""
    ) -> tuple[UnmetExpectation, ...]:
        """Return what is not as expected of a subject, of this kind if any, by their kinds."""
        columns = unmet_expectations.c
        query = select(unmet_expectations).where(columns.server == server, columns.subject == subject)
        if kind:
            query = query.where(columns.kind == kind)
        found = await transaction.values(query.order_by(columns.kind))
        return tuple(UnmetExpectation(**values) for values in found)

    async def unanswered(
        self, server: str, *, told_before: datetime, reminded_before: datetime, limit: int
    ) -> tuple[UnmetExpectation, ...]:
        """Return what has a message of its own and stands since a moment, or since people were reminded."""
        columns = unmet_expectations.c
        query = (
            select(unmet_expectations)
            .where(
                columns.server == server,
                columns.group_id.is_(None),
                columns.told_at <= told_before,
                or_(columns.reminded_at.is_(None), columns.reminded_at <= reminded_before),
            )
            .order_by(columns.told_at, columns.subject, columns.kind)
            .limit(limit)
        )
        async with self._database.reading() as reading:
            return tuple(UnmetExpectation(**values) for values in await reading.values(query))

    async def change(self, transaction: Transaction, unmet: UnmetExpectation) -> bool:
        """Keep what changed of what still stands. False: it is over, or it is another one."""
        columns = unmet_expectations.c
        return await transaction.claim(
            update(unmet_expectations)
            .where(
                columns.server == unmet.server,
                columns.subject == unmet.subject,
                columns.kind == unmet.kind,
                columns.since == unmet.since,
            )
            .values(body=unmet.body, reminded_at=unmet.reminded_at)
        )

    async def servers(self) -> frozenset[str]:
        """Return the servers of which something is not as expected."""
        async with self._database.reading() as reading:
            rows = await reading.all(select(unmet_expectations.c.server).distinct())
        return frozenset(row.server for row in rows)

    async def begin(
        self, transaction: Transaction, unmet: Sequence[UnmetExpectation]
    ) -> list[UnmetExpectation]:
        """Claim to tell what is not as expected; return what does not stand already."""
        columns = unmet_expectations.c
        begun: set[tuple[str, str]] = set()
        for start in range(0, len(unmet), _AT_ONCE):
            values = [asdict(each) for each in unmet[start : start + _AT_ONCE]]
            claimed = await transaction.all(
                transaction.insert(unmet_expectations)
                .values(values)
                .on_conflict_do_nothing(index_elements=["server", "subject", "kind"])
                .returning(columns.subject, columns.kind)
            )
            begun.update((row.subject, row.kind) for row in claimed)
        return [each for each in unmet if (each.subject, each.kind) in begun]

    async def end(self, transaction: Transaction, unmet: UnmetExpectation) -> bool:
        """Claim to tell that it is over. False: it is already, or it is another one."""
        columns = unmet_expectations.c
        return await transaction.claim(
            delete(unmet_expectations).where(
                columns.server == unmet.server,
                columns.subject == unmet.subject,
                columns.kind == unmet.kind,
                columns.since == unmet.since,
            )
        )
