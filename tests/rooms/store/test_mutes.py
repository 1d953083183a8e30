"""Mutes: each ends once, what they held back is counted, and the old ones are forgotten."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from bot.store import Database, MutedRun, Mutes, NewMute

NOW = datetime(2026, 11, 23, 3, 4, tzinfo=UTC)
NEW = NewMute(
    server="hq",
    job_id="j1",
    job_name="SQL Prod",
    person_id="U0ANN",
    reference="r-1",
    muted_at=NOW,
    until=NOW + timedelta(hours=4),
)
SERVER = replace(NEW, job_id=None, job_name=None, until=NOW + timedelta(hours=2))


async def test_of_one_job_there_is_one_mute(database: Database) -> None:
    """Muting it again changes the mute; a server and its patterns have their own."""
    mutes = Mutes(database)
    async with database.transaction() as transaction:
        first = await mutes.put(transaction, NEW)
        again = await mutes.put(transaction, replace(NEW, person_id="U0OLE", comment="disk"))
        whole, part = [await mutes.put(transaction, replace(SERVER, pattern=one)) for one in (None, "SQL*")]
        assert await mutes.put(transaction, SERVER) == whole
    assert (again.id, again.person_id) == (first.id, "U0OLE")
    assert {one.id for one in await mutes.every(NOW)} == {first.id, whole.id, part.id}
    assert [one.id for one in await mutes.every(NOW + timedelta(hours=3))] == [first.id]
    assert await mutes.every(NOW, "dr") == ()


async def test_it_ends_once(database: Database) -> None:
    """One process ends it, for one reason; until its runs were gone through its server is looked after."""
    mutes = Mutes(database)
    async with database.transaction() as transaction:
        kept = await mutes.put(transaction, NEW)
    assert await mutes.due("hq", NOW) == ()
    assert await mutes.due("hq", kept.until) == (kept,)
    async with database.transaction() as transaction:
        ran_out = [await mutes.run_out(transaction, kept.id, "time", at) for at in (NOW, kept.until)]
        assert ran_out == [False, True]
        assert not await mutes.end(transaction, kept.id, "unmuted", NOW)
    (untold,) = await mutes.untold("hq")
    assert (untold.ended_because, asdict(untold)["is_told"]) == ("time", False)
    assert await mutes.servers() == {"hq"}
    async with database.transaction() as transaction:
        await mutes.tell(transaction, kept.id, (), NOW)
    assert await mutes.servers() == frozenset()


async def test_what_was_held_back(database: Database) -> None:
    """Counted by job, each run once; gone through a few at a time, the latest first; forgotten in the end."""
    mutes = Mutes(database)
    async with database.transaction() as transaction:
        kept = await mutes.put(transaction, SERVER)
        runs = [
            MutedRun(kept.id, f"hq/s{n}", f"j{n % 2}", f"Job {n % 2}", NOW + timedelta(minutes=n), n != 4)
            for n in range(5)
        ]
        for run in (*runs, runs[0]):
            await mutes.add_run(transaction, run)
        assert await mutes.held_of(transaction, kept.id, "j0") == 2
        assert await mutes.untold_runs(transaction, kept.id, 2) == (runs[4], runs[3])
        await mutes.tell(transaction, kept.id, runs[3:], NOW)
        assert await mutes.untold_runs(transaction, kept.id, 9) == (runs[2], runs[1], runs[0])
        await mutes.end(transaction, kept.id, "time", NOW)
        await mutes.tell(transaction, kept.id, (), NOW)
    for ended_before, left in ((NOW, 2), (NOW + timedelta(seconds=1), 0)):
        await mutes.purge(ended_before)
        async with database.transaction() as transaction:
            assert await mutes.held_of(transaction, kept.id, "j0") == left
