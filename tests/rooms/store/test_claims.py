"""Claims: of button presses, and of leases on work."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.store import (
    Database,
    DatabaseClock,
    LeaseLost,
    Leases,
    PressClaim,
    PressClaims,
    holder_has_ended,
    new_holder,
)
from tests.support.clock import FakeClock, SkewedClock

NOON = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)
PRESS = PressClaim(key="p1", person_id="U1", operation="retry", at=NOON)


async def test_the_first_press_wins(database: Database, other: Database) -> None:
    """Of two presses of one key, at once and in two processes, one wins and the other learns who did."""
    second = replace(PRESS, person_id="U2")
    answers = await asyncio.gather(PressClaims(database).claim(PRESS), PressClaims(other).claim(second))
    assert sorted(answers, key=str) in [sorted([None, PRESS], key=str), sorted([None, second], key=str)]
    assert await PressClaims(other).claim(second) == (answers[0] or answers[1])


async def test_a_released_press(database: Database) -> None:
    """After a release the same key can be pressed again."""
    presses = PressClaims(database)
    assert await presses.claim(PRESS) is None
    await presses.release("p1")
    assert await presses.claim(PRESS) is None
    await presses.purge(NOON + timedelta(seconds=1))
    assert await presses.claim(PRESS) is None


async def test_so_many_reductions_and_no_more(database: Database, other: Database) -> None:
    """Of presses at once, in two processes and under both IDs of a person, so many are noted."""
    ids, count = {"U1", "W1"}, 8
    for at in range(count):
        await PressClaims(database).claim(replace(PRESS, key=f"p{at}", person_id="UW"[at % 2] + "1"))
    await PressClaims(database).claim(replace(PRESS, key="theirs", person_id="U2"))

    async def note(key: str, ids: set[str], now: datetime = NOON) -> bool:
        store = PressClaims(other if key[-1] in "02468" else database)
        since = now - timedelta(minutes=10)
        return await store.note_reduction(key, ids, now=now, since=since, at_most=3)

    noted = await asyncio.gather(*(note(f"p{at}", ids) for at in range(count)))
    assert sorted(noted) == [False] * 5 + [True] * 3
    assert await PressClaims(other).reductions(ids, since=NOON) == 3
    assert await PressClaims(other).reductions(ids, since=NOON + timedelta(seconds=1)) == 0
    assert await note("theirs", {"U2"})
    refused, kept = (f"p{noted.index(was_noted)}" for was_noted in (False, True))
    await PressClaims(database).release(kept)
    assert await note(refused, ids)
    assert not await note(f"p{noted.index(False, noted.index(False) + 1)}", ids)
    assert await note("p7", ids, NOON + timedelta(minutes=11))


async def test_a_lease_has_one_holder(database: Database, other: Database) -> None:
    """Of two processes one holds the lease; it keeps it by renewing all its own, and loses it otherwise."""
    ours, theirs = Leases(database), Leases(other)
    won = await asyncio.gather(ours.take("poll", "a", NOON, 60), theirs.take("poll", "b", NOON, 60))
    assert sorted(won) == [False, True]
    holder, second = ("a", "b") if won[0] else ("b", "a")
    assert await ours.take("poll", holder, NOON + timedelta(seconds=59), 60)
    await ours.renew_all(holder, NOON + timedelta(seconds=59), 60)
    await ours.renew_all(second, NOON + timedelta(seconds=100), 60)
    assert not await theirs.take("poll", second, NOON + timedelta(seconds=118), 60)
    assert await theirs.take("poll", second, NOON + timedelta(seconds=119), 60)
    await theirs.release("poll", holder)
    assert not await ours.take("poll", holder, NOON + timedelta(seconds=119), 60)
    assert await ours.holders() == (second,)
    await ours.release_all("somebody else")
    await theirs.release_all(second)
    assert await ours.holders() == ()
    assert await ours.take("poll", holder, NOON + timedelta(seconds=119), 60)


@pytest.mark.parametrize("step", [timedelta(minutes=15), timedelta(days=1)])
async def test_a_lease_after_the_clock_was_set_back(database: Database, step: timedelta) -> None:
    """A lease that seems to last longer than any lease was taken before the step, and has run out."""
    ours = Leases(database)
    assert await ours.take("poll", "dead", NOON, 60)
    assert await ours.take("poll", "a", NOON - step, 60)
    assert not await ours.take("poll", "dead", NOON - step, 60)


async def test_only_the_holder_of_a_lease_writes(database: Database, other: Database) -> None:
    """A transaction of a process that has lost its lease writes nothing, however it was delayed."""
    ours, theirs = Leases(database), Leases(other)
    assert await ours.take("poll", "a", NOON, 60)
    async with database.transaction() as transaction:
        await ours.require(transaction, "poll", "a")
    assert await theirs.take("poll", "b", NOON + timedelta(seconds=61), 60)
    with pytest.raises(LeaseLost):
        async with database.transaction() as transaction:
            await ours.require(transaction, "poll", "a")
    await database.check()  # nothing is wrong with it
    async with other.transaction() as transaction:
        await theirs.require(transaction, "poll", "b")


@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(minutes=-15), timedelta(days=1)])
async def test_replicas_go_by_the_databases_clock(
    database: Database, other: Database, ahead: timedelta
) -> None:
    """Two processes with different clocks tell one time; a step of a process's clock changes nothing."""
    later = FakeClock()
    machines = [SkewedClock(FakeClock()), SkewedClock(later, ahead)]
    clocks = [DatabaseClock(machine) for machine in machines]
    assert clocks[1].now() == machines[1].now()
    for clock, each in zip(clocks, (database, other), strict=True):
        await clock.read(each)
    machines[0].ahead = -ahead
    assert abs(clocks[0].now() - clocks[1].now()) < timedelta(seconds=20)
    await later.advance(5)
    assert clocks[1].now() - clocks[0].now() > timedelta(0)
    assert (clocks[1].monotonic(), clocks[0].monotonic()) == (5, 0)


def test_a_holder_has_ended() -> None:
    """An earlier process under this one's number has; of processes on other machines nothing is known."""
    machine, number, _ = new_holder().split(":")
    assert number == str(os.getpid())
    assert holder_has_ended(f"{machine}:{number}:0123abcd")
    assert not holder_has_ended(f"{machine}:1:0123abcd")
    assert not holder_has_ended(f"elsewhere:{number}:0123abcd")
