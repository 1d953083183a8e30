"""The machine's clock, and the one that tests hold still."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.observability import Clock, RemoteClock, SystemClock, wrong_clocks
from tests.support.clock import FakeClock, SkewedClock


async def test_the_systems_clock_is_aware_and_grows() -> None:
    """`now` is in UTC, `monotonic` never goes back, and a sleep of nothing returns."""
    clock: Clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(-1)
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() >= before


async def test_sleepers_wake_in_the_order_of_their_times() -> None:
    """Time passes in `advance` alone; each sleeper sees the moment it asked for, again and again."""
    clock = FakeClock()
    woken: list[tuple[str, float]] = []

    async def tick(name: str, every: float) -> None:
        while True:
            await clock.sleep(every)
            woken.append((name, clock.monotonic()))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(tick("slow", 20)), group.create_task(tick("fast", 15))]
        await clock.advance(45)
        for task in tasks:
            task.cancel()
    assert woken == [("fast", 15.0), ("slow", 20.0), ("fast", 30.0), ("slow", 40.0), ("fast", 45.0)]
    assert (clock.monotonic(), clock.sleeping) == (45.0, 0)
    assert clock.now().isoformat() == "2026-11-23T12:00:45+00:00"


async def test_a_sleeper_that_was_cancelled_is_passed_over() -> None:
    """Cancelling a sleeper does not stop the clock."""
    clock = FakeClock()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(clock.sleep(5))
        await asyncio.sleep(0)
        task.cancel()
        await clock.advance(10)
    assert clock.monotonic() == 10.0


async def test_another_systems_clock_is_kept_going() -> None:
    """It goes on from what was heard last, whatever the machine's clock says; forgotten, it is unknown."""
    right = FakeClock()
    own = SkewedClock(right, timedelta(minutes=15))
    remote = RemoteClock(own)
    assert remote.now() is None
    remote.heard(right.now())
    own.ahead = timedelta(days=-1)
    await right.advance(90)
    assert remote.now() == right.now()
    remote.forget()
    assert remote.now() is None


def test_one_wrong_reading_of_several_moves_nothing() -> None:
    """Of the last readings the median counts."""
    clock = FakeClock()
    remote = RemoteClock(clock, readings=5)
    for wrong in (0, 0, 3600, 0, -3600):
        remote.heard(clock.now() + timedelta(seconds=wrong))
    assert remote.now() == clock.now()


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("own", "slack", "others", "expected"),
    [
        (0, 0, {"the database's clock": 59, "the clock of server hq": None}, ""),
        (0, None, {}, ""),
        (
            0,
            0,
            {"the clock of server hq": 60},
            "the clock of server hq is a minute ahead of Slack's: have it set by a time server",
        ),
        (
            -60,
            None,
            {"the database's clock": -0.7},
            "the database's clock is 59 seconds ahead of this machine's: have it set by a time server",
        ),
        (900, 0, {}, "this machine's clock is 15 minutes ahead of Slack's: have it set by a time server"),
        (
            0,
            None,
            {"the clock of server hq": -86_400},
            "the clock of server hq is a day behind this machine's: have it set by a time server",
        ),
        (
            -60,
            0,
            {"the database's clock": 3600},
            (
                "this machine's clock is a minute behind Slack's; the database's clock is an hour ahead of "
                "Slack's: have it set by a time server"
            ),
        ),
    ],
)
def test_wrong_clocks(
    own: float, slack: float | None, others: dict[str, float | None], expected: str
) -> None:
    """Each clock that is off by a minute is named, by Slack's clock if that is known.

    Measuring takes up to a second: Slack tells its time in whole ones.
    """

    def moment(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOON + timedelta(seconds=seconds)

    now = NOON + timedelta(seconds=own)
    found = wrong_clocks(now, moment(slack), {name: moment(each) for name, each in others.items()})
    assert found == expected
