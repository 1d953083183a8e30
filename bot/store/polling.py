"""What polling a server remembers: how far it has read, what it knows, the server's outages and revision.

Everything is kept by server; a time in it is of that server's clock, except an outage's.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import and_, delete, func, or_, select, update

from bot.store.database import Database, Transaction
from bot.store.tables import (
    outages,
    poll_cursors,
    processed_sessions,
    runs,
    server_revisions,
    stopped_sessions,
)

_STOPPED_AT_MOST = 10_000
_LOGS_AT_MOST = 1_000
_ASKED_AT_ONCE = 1000  # both databases limit a statement's parameters


@dataclass(frozen=True, slots=True)
class PollCursor:
    """How far a server was read, on that server's clock.

    `read_to` is the latest end read; nothing that ended before `floor` is ever announced; `checked_at` is
    when the server's list was last compared with what is known.
    """

    read_to: datetime
    floor: datetime
    checked_at: datetime | None = None


class ProcessedSessions:
    """How far each server was read, and the sessions that were announced or found not worth it.

    Raises `StoreError`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cursor(self, server: str) -> PollCursor | None:
        """Return how far a server was read; None before its first poll."""
        async with self._database.reading() as reading:
            row = await reading.first(select(poll_cursors).where(poll_cursors.c.server == server))
        return None if row is None else PollCursor(row.read_to, row.floor, row.checked_at)

    async def begin(self, transaction: Transaction, server: str, cursor: PollCursor) -> bool:
        """Set a server's first cursor. False: another process was first."""
        return await transaction.claim(
            transaction.insert(poll_cursors)
            .values(server=server, **asdict(cursor))
            .on_conflict_do_nothing(index_elements=["server"])
        )

    async def advance(self, transaction: Transaction, server: str, read_to: datetime) -> None:
        """Move a server's cursor forward; never backward, as an older process may still be writing."""
        await transaction.execute(
            update(poll_cursors)
            .where(poll_cursors.c.server == server, poll_cursors.c.read_to < read_to)
            .values(read_to=read_to)
        )

    async def place(self, transaction: Transaction, server: str, cursor: PollCursor) -> None:
        """Set a server's cursor, whatever it was."""
        values = asdict(cursor)
        await transaction.execute(
            transaction.insert(poll_cursors)
            .values(server=server, **values)
            .on_conflict_do_update(index_elements=["server"], set_=values)
        )

    async def claim(
        self, transaction: Transaction, server: str, ended: Iterable[tuple[str, datetime]]
    ) -> frozenset[str]:
        """Make sessions known, by their IDs and ends; return those that were not yet.

        The others were announced before, by whichever process. A thousand are one statement.
        """
        rows = [
            {"server": server, "session_id": session_id, "ended_at": ended_at}
            for session_id, ended_at in ended
        ]
        claim = (
            transaction.insert(processed_sessions)
            .on_conflict_do_nothing(index_elements=["server", "session_id"])
            .returning(processed_sessions.c.session_id)
        )
        claimed: set[str] = set()
        for start in range(0, len(rows), _ASKED_AT_ONCE):
            found = await transaction.execute(claim, rows[start : start + _ASKED_AT_ONCE])
            claimed.update(row.session_id for row in found)
        return frozenset(claimed)

    async def unknown(self, server: str, session_ids: Collection[str]) -> frozenset[str]:
        """Return those of these sessions that are not known yet."""
        asked = sorted(set(session_ids))
        unknown = set(asked)
        if not asked:
            return frozenset()
        async with self._database.reading() as reading:
            for start in range(0, len(asked), _ASKED_AT_ONCE):
                some = asked[start : start + _ASKED_AT_ONCE]
                query = select(processed_sessions.c.session_id).where(
                    processed_sessions.c.server == server, processed_sessions.c.session_id.in_(some)
                )
                unknown -= {row.session_id for row in await reading.all(query)}
        return frozenset(unknown)

    async def purge(self, server: str, ended_before: datetime) -> None:
        """Forget sessions that ended before a moment of the server's clock."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                delete(processed_sessions).where(
                    processed_sessions.c.server == server, processed_sessions.c.ended_at < ended_before
                )
            )


class StoppedSessions:
    """The sessions that people stopped, as far as VBR lets one tell: their result says Failed all the same.

    Raises `StoreError`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, transaction: Transaction, server: str, session_id: str, ended_at: datetime) -> None:
        """Keep one; twice is once."""
        await transaction.execute(
            transaction.insert(stopped_sessions)
            .values(server=server, session_id=session_id, ended_at=ended_at)
            .on_conflict_do_nothing(index_elements=["server", "session_id"])
        )

    async def note(self, server: str, session_id: str, ended_at: datetime) -> None:
        """Keep one, and nothing else with it."""
        async with self._database.transaction() as transaction:
            await self.add(transaction, server, session_id, ended_at)

    async def among(
        self, transaction: Transaction, server: str, session_ids: Collection[str]
    ) -> frozenset[str]:
        """Return those of a few hundred sessions that people stopped."""
        if not session_ids:
            return frozenset()
        query = select(stopped_sessions.c.session_id).where(
            stopped_sessions.c.server == server, stopped_sessions.c.session_id.in_(session_ids)
        )
        return frozenset(row.session_id for row in await transaction.all(query))

    async def of(self, server: str) -> frozenset[str]:
        """Return the IDs of a server's, the latest thousands."""
        query = (
            select(stopped_sessions.c.session_id)
            .where(stopped_sessions.c.server == server)
            .order_by(stopped_sessions.c.ended_at.desc())
            .limit(_STOPPED_AT_MOST)
        )
        async with self._database.reading() as reading:
            return frozenset(row.session_id for row in await reading.all(query))

    async def purge(self, server: str, ended_before: datetime) -> None:
        """Forget those that ended before a moment of the server's clock."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                delete(stopped_sessions).where(
                    stopped_sessions.c.server == server, stopped_sessions.c.ended_at < ended_before
                )
            )


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run: its key, the latest end of its attempts, until when another is expected, and its body.

    `failed_part` is the session of a part that keeps the run failed, whatever VBR says of the job.
    `unanswered_since` is since when it waits for somebody to acknowledge it, None when it doesn't;
    `reminded_at` is when people were last reminded of that.
    """

    run_key: str
    server: str
    job_id: str
    last_ended_at: datetime
    expected_by: datetime | None
    body: str
    failed_part: str | None = None
    unanswered_since: datetime | None = None
    reminded_at: datetime | None = None


class Runs:
    """The runs that were announced or may still get another attempt; their bodies are opaque here.

    Raises `StoreError`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest_of(
        self, transaction: Transaction, server: str, job_ids: Collection[str], *, by: datetime
    ) -> tuple[RunRow, ...]:
        """Return the run of each of a few hundred jobs that ended last, of those that had ended by then."""
        last = (
            select(runs.c.job_id, func.max(runs.c.last_ended_at).label("ended_at"))
            .where(runs.c.server == server, runs.c.job_id.in_(job_ids), runs.c.last_ended_at <= by)
            .group_by(runs.c.job_id)
            .subquery()
        )
        is_last = and_(runs.c.job_id == last.c.job_id, runs.c.last_ended_at == last.c.ended_at)
        found = await transaction.values(select(runs).join(last, is_last).where(runs.c.server == server))
        return tuple(RunRow(**values) for values in found)

    async def latest(
        self, transaction: Transaction, server: str, job_id: str, *, limit: int, by: datetime | None = None
    ) -> tuple[RunRow, ...]:
        """Return the runs of a job that ended last, the last one first, as they stood by a moment."""
        until = () if by is None else (runs.c.last_ended_at <= by,)
        found = await transaction.values(
            select(runs)
            .where(runs.c.server == server, runs.c.job_id == job_id, *until)
            .order_by(runs.c.last_ended_at.desc(), runs.c.run_key.desc())
            .limit(limit)
        )
        return tuple(RunRow(**values) for values in found)

    async def failed_parts(self, server: str) -> dict[str, str]:
        """Return the jobs of a server that a part of their run keeps failed, with that part's session."""
        query = (
            select(runs.c.job_id, runs.c.failed_part)
            .where(runs.c.server == server, runs.c.failed_part.is_not(None))
            .order_by(runs.c.last_ended_at)
        )
        async with self._database.reading() as reading:
            return {row.job_id: row.failed_part for row in await reading.all(query)}

    async def of_logs(self, server: str) -> tuple[RunRow, ...]:
        """Return a server's runs that may be backups of logs, by what their bodies say; the latest first."""
        async with self._database.reading() as reading:
            found = await reading.values(
                select(runs)
                .where(runs.c.server == server, func.lower(runs.c.body).like('%logbackup"%'))
                .order_by(runs.c.last_ended_at.desc())
                .limit(_LOGS_AT_MOST)
            )
        return tuple(RunRow(**values) for values in found)

    async def of(self, transaction: Transaction, run_key: str) -> RunRow | None:
        """Return a run by its key."""
        found = await transaction.values(select(runs).where(runs.c.run_key == run_key))
        return RunRow(**found[0]) if found else None

    async def overdue(self, server: str, now: datetime) -> tuple[RunRow, ...]:
        """Return a server's runs whose expected attempt has not come by now."""
        async with self._database.reading() as reading:
            found = await reading.values(
                select(runs)
                .where(runs.c.server == server, runs.c.expected_by <= now)
                .order_by(runs.c.expected_by, runs.c.run_key)
            )
        return tuple(RunRow(**values) for values in found)

    async def next_expected(self, server: str) -> datetime | None:
        """Return when the first of a server's expected attempts is overdue."""
        query = select(func.min(runs.c.expected_by).label("at")).where(runs.c.server == server)
        async with self._database.reading() as reading:
            row = await reading.first(query)
        return None if row is None else row.at

    async def unanswered(
        self, server: str, *, since: datetime, reminded_before: datetime, limit: int
    ) -> tuple[RunRow, ...]:
        """Return a server's failed runs that nobody has acknowledged since a moment, or been reminded of."""
        async with self._database.reading() as reading:
            found = await reading.values(
                select(runs)
                .where(
                    runs.c.server == server,
                    runs.c.unanswered_since <= since,
                    or_(runs.c.reminded_at.is_(None), runs.c.reminded_at <= reminded_before),
                )
                .order_by(runs.c.unanswered_since, runs.c.run_key)
                .limit(limit)
            )
        return tuple(RunRow(**values) for values in found)

    async def unanswered_with(self, transaction: Transaction, server: str, text: str) -> tuple[RunRow, ...]:
        """Return all of a server's failed runs that nobody has acknowledged and whose bodies have a text."""
        found = await transaction.values(
            select(runs)
            .where(
                runs.c.server == server,
                runs.c.unanswered_since.is_not(None),
                runs.c.body.contains(text, autoescape=True),
            )
            .order_by(runs.c.unanswered_since, runs.c.run_key)
        )
        return tuple(RunRow(**values) for values in found)

    async def last_ends(
        self, transaction: Transaction, server: str, job_ids: Collection[str]
    ) -> dict[str, datetime]:
        """Return when the run of each of these jobs ended that ended last."""
        asked, found = sorted(set(job_ids)), dict[str, datetime]()
        for start in range(0, len(asked), _ASKED_AT_ONCE):
            some = asked[start : start + _ASKED_AT_ONCE]
            query = (
                select(runs.c.job_id, func.max(runs.c.last_ended_at).label("ended_at"))
                .where(runs.c.server == server, runs.c.job_id.in_(some))
                .group_by(runs.c.job_id)
            )
            found.update((row.job_id, row.ended_at) for row in await transaction.all(query))
        return found

    async def remind(self, transaction: Transaction, run_keys: Sequence[str], at: datetime) -> None:
        """Note that people were reminded of these runs."""
        for start in range(0, len(run_keys), _ASKED_AT_ONCE):
            some = run_keys[start : start + _ASKED_AT_ONCE]
            await transaction.execute(update(runs).where(runs.c.run_key.in_(some)).values(reminded_at=at))

    async def answer(self, transaction: Transaction, run_keys: Sequence[str]) -> None:
        """Note that these runs wait for nobody any more."""
        for start in range(0, len(run_keys), _ASKED_AT_ONCE):
            some = run_keys[start : start + _ASKED_AT_ONCE]
            await transaction.execute(
                update(runs).where(runs.c.run_key.in_(some)).values(unanswered_since=None)
            )

    async def put(self, transaction: Transaction, run: RunRow) -> None:
        """Keep a run, new or changed; when people were reminded of it stays as it is."""
        values = {
            "last_ended_at": run.last_ended_at,
            "expected_by": run.expected_by,
            "failed_part": run.failed_part,
            "unanswered_since": run.unanswered_since,
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


@dataclass(frozen=True, slots=True)
class Outage:
    """A server that does not answer; `announced_at` is None until a message has said so."""

    since: datetime
    problem: str
    detail: str
    announced_at: datetime | None


_OUTAGE = (outages.c.since, outages.c.problem, outages.c.detail, outages.c.announced_at)


class ServerRevisions:
    """The revision of its API in which each server was last known to be asked. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def noted(self, server: str) -> str | None:
        """Return the revision that is noted; None where none is."""
        async with self._database.reading() as reading:
            query = select(server_revisions.c.revision).where(server_revisions.c.server == server)
            row = await reading.first(query)
        return None if row is None else str(row.revision)

    async def begin(self, server: str, revision: str) -> None:
        """Note a server's first revision; one that is noted stays."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                transaction.insert(server_revisions)
                .values(server=server, revision=revision, changes=0)
                .on_conflict_do_nothing(index_elements=["server"])
            )

    async def change(self, transaction: Transaction, server: str, *, was: str, revision: str) -> int | None:
        """Note another revision in one statement: which change of the server it is, 1 the first.

        None: another process noted one before.
        """
        changed = await transaction.values(
            update(server_revisions)
            .where(server_revisions.c.server == server, server_revisions.c.revision == was)
            .values(revision=revision, changes=server_revisions.c.changes + 1)
            .returning(server_revisions.c.changes)
        )
        return int(changed[0]["changes"]) if changed else None


class Outages:
    """Which servers do not answer, since when, and whether that was announced. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, server: str, since: datetime, problem: str, detail: str) -> Outage:
        """Note that a server does not answer; an earlier beginning stays. Returns what is noted."""
        async with self._database.transaction() as transaction:
            noted = await transaction.values(
                transaction.insert(outages)
                .values(server=server, since=since, problem=problem, detail=detail)
                .on_conflict_do_update(index_elements=["server"], set_={"problem": problem, "detail": detail})
                .returning(*_OUTAGE)
            )
        return Outage(**noted[0])

    async def noted(self, server: str) -> bool:
        """Whether a server is noted not to answer."""
        async with self._database.reading() as reading:
            return await reading.first(select(outages.c.since).where(outages.c.server == server)) is not None

    async def claim_announcement(self, transaction: Transaction, server: str, now: datetime) -> bool:
        """Claim the announcement of an outage, in one statement. False: it was announced, or is over."""
        return await transaction.claim(
            update(outages)
            .where(outages.c.server == server, outages.c.announced_at.is_(None))
            .values(announced_at=now)
        )

    async def end(self, transaction: Transaction, server: str) -> Outage | None:
        """Note that a server answers again; returns the outage that this call ended."""
        ended = await transaction.values(
            delete(outages).where(outages.c.server == server).returning(*_OUTAGE)
        )
        return Outage(**ended[0]) if ended else None
