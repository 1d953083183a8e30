"""What polling remembers: cursors, known sessions, runs, outages."""

import asyncio
from datetime import UTC, datetime, timedelta

from bot.store import (
    Database,
    Outage,
    Outages,
    PollCursor,
    ProcessedSessions,
    RunRow,
    Runs,
    ServerRevisions,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def test_the_cursor_moves_forward(database: Database) -> None:
    """A cursor is placed anywhere, and advances only forward."""
    sessions = ProcessedSessions(database)
    assert await sessions.cursor("hq") is None
    async with database.transaction() as transaction:
        await sessions.place(transaction, "hq", PollCursor(NOON, NOON - HOUR, NOON))
        await sessions.advance(transaction, "hq", NOON + HOUR)
        await sessions.advance(transaction, "hq", NOON)
        await sessions.advance(transaction, "dr", NOON)
    assert await sessions.cursor("hq") == PollCursor(NOON + HOUR, NOON - HOUR, NOON)
    assert await sessions.cursor("dr") is None


async def test_a_session_is_claimed_once(database: Database, other: Database) -> None:
    """Of two processes that tell the same session one wins."""

    async def claim(each: Database) -> bool:
        async with each.transaction() as transaction:
            return "s1" in await ProcessedSessions(each).claim(
                transaction, "hq", [("s1", NOON), ("s0", NOON)]
            )

    assert sorted(await asyncio.gather(claim(database), claim(other))) == [False, True]
    assert await ProcessedSessions(other).unknown("hq", ["s1", "s2"]) == {"s2"}
    assert await ProcessedSessions(other).unknown("dr", ["s1"]) == {"s1"}
    assert await ProcessedSessions(other).unknown("dr", []) == frozenset()


async def test_many_sessions_are_asked_about(database: Database) -> None:
    """More sessions than a statement has room for are claimed, and asked about, in one call."""
    sessions, many = ProcessedSessions(database), [str(number) for number in range(2500)]
    async with database.transaction() as transaction:
        assert await sessions.claim(transaction, "hq", [("17", NOON)]) == {"17"}
    assert await sessions.unknown("hq", many) == set(many) - {"17"}
    async with database.transaction() as transaction:
        assert await sessions.claim(transaction, "hq", ((each, NOON) for each in many)) == set(many) - {"17"}
        assert await sessions.claim(transaction, "hq", []) == frozenset()
    assert await sessions.unknown("hq", many) == frozenset()


async def test_old_sessions_are_forgotten(database: Database) -> None:
    """Only what ended before the moment is forgotten, and only of that server."""
    sessions = ProcessedSessions(database)
    async with database.transaction() as transaction:
        await sessions.claim(transaction, "hq", [("old", NOON - HOUR), ("new", NOON)])
        await sessions.claim(transaction, "dr", [("old", NOON - HOUR)])
    await sessions.purge("hq", NOON)
    assert await sessions.unknown("hq", ["old", "new"]) == {"old"}
    assert await sessions.unknown("dr", ["old"]) == frozenset()


async def test_runs(database: Database) -> None:
    """A job's latest run is the one that ended last; overdue are those whose attempt did not come."""
    runs = Runs(database)
    old = RunRow("r1", "hq", "j1", NOON - HOUR, NOON, "{}")
    new = RunRow("r2", "hq", "j1", NOON, NOON + HOUR, "{}")
    async with database.transaction() as transaction:
        for run in (new, old, RunRow("r3", "hq", "j2", NOON, None, "{}")):
            await runs.put(transaction, run)
        assert await runs.latest(transaction, "hq", "j1", limit=1) == (new,)
        assert await runs.latest(transaction, "dr", "j1", limit=1) == ()
        assert await runs.latest(transaction, "hq", "j1", limit=1, by=NOON - HOUR) == (old,)
    assert await runs.overdue("hq", NOON) == (old,)
    async with database.transaction() as transaction:
        changed = RunRow("r1", "hq", "j1", NOON + HOUR, None, '{"a": 1}')
        await runs.put(transaction, changed)
        assert await runs.of(transaction, "r1") == changed
        assert await runs.of(transaction, "r9") is None
    assert await runs.overdue("hq", NOON) == ()
    await runs.purge("hq", NOON + HOUR)
    async with database.reading() as reading:
        assert await runs.latest(reading, "hq", "j1", limit=1) == (changed,)
        assert await runs.latest(reading, "hq", "j2", limit=1) == ()


async def test_runs_that_wait_for_somebody(database: Database) -> None:
    """All whose bodies have a text, literally; that people were reminded outlasts what becomes of a run."""
    kept = Runs(database)
    rows = [
        RunRow(f"hq/{number}", "hq", "j1", NOON + number * HOUR, None, text, unanswered_since=NOON)
        for number, text in enumerate(('"storm":"a_c"', '"storm":"abc"', '"storm":"a_c"'))
    ]
    async with database.transaction() as transaction:
        for row in rows:
            await kept.put(transaction, row)
        found = await kept.unanswered_with(transaction, "hq", "a_c")
        assert [row.run_key for row in found] == ["hq/0", "hq/2"]
        assert await kept.last_ends(transaction, "hq", ["j1", "j2"]) == {"j1": NOON + 2 * HOUR}
        await kept.remind(transaction, ["hq/0", "hq/1"], NOON + HOUR)
        await kept.put(transaction, rows[0])
        await kept.answer(transaction, ["hq/1"])
    since, lately = NOON + HOUR, NOON
    waiting = await kept.unanswered("hq", since=since, reminded_before=lately, limit=9)
    assert [row.run_key for row in waiting] == ["hq/2"]
    waiting = await kept.unanswered("hq", since=since, reminded_before=NOON + HOUR, limit=9)
    assert [row.run_key for row in waiting] == ["hq/0", "hq/2"]


async def test_an_outage_is_announced_once(database: Database, other: Database) -> None:
    """An outage keeps its beginning, is announced by one process, and is ended by one."""
    outages = Outages(database)
    await outages.begin("hq", NOON, "TimedOut", "hq: TimedOut")
    noted = await outages.begin("hq", NOON + HOUR, "ConnectFailed", "hq: ConnectFailed")
    assert noted == Outage(NOON, "ConnectFailed", "hq: ConnectFailed", None)

    async def announce(each: Database) -> bool:
        async with each.transaction() as transaction:
            return await Outages(each).claim_announcement(transaction, "hq", NOON + HOUR)

    assert sorted(await asyncio.gather(announce(database), announce(other))) == [False, True]
    async with database.transaction() as transaction:
        ended = await outages.end(transaction, "hq")
        assert await outages.end(transaction, "hq") is None
    assert ended == Outage(NOON, "ConnectFailed", "hq: ConnectFailed", NOON + HOUR)


async def test_a_change_of_revision_is_noted_once(database: Database, other: Database) -> None:
    """By one of all processes, which is told how many there have been."""
    revisions = ServerRevisions(database)
    assert await revisions.noted("hq") is None
    await revisions.begin("hq", "1.3-rev0")
    await ServerRevisions(other).begin("hq", "1.3-rev1")
    assert await revisions.noted("hq") == "1.3-rev0"

    async def change(each: Database, was: str, revision: str) -> int | None:
        async with each.transaction() as transaction:
            return await ServerRevisions(each).change(transaction, "hq", was=was, revision=revision)

    found = await asyncio.gather(*(change(each, "1.3-rev0", "1.3-rev2") for each in (database, other)))
    assert sorted(found, key=str) == [1, None]
    assert await change(database, "1.3-rev2", "1.3-rev0") == 2
    assert await revisions.noted("dr") is None
