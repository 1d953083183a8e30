"""Time as an argument, so that a test can hold it still."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from statistics import median_low
from typing import Protocol

from humanize import naturaldelta

MOST_SKEW = timedelta(minutes=1)
"""A clock that is so far off makes the times wrong that people go by."""

# Slack's and VBR's clocks may be known by the Date header of their answers alone, which has whole seconds.
_MEASURED_TO = timedelta(seconds=1)


# Linux's counts on while the machine is suspended.
_UNTOUCHED: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Tells the time, and waits."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, for durations; their zero means nothing."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once so many seconds have passed; for zero or less, after the other tasks had a turn."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 -- this is the clock that everything else takes

    def monotonic(self) -> float:
        """Seconds since some moment, untouched by changes of the time of day.

        Where the system can, those that the machine was suspended count: other systems' clocks went on.
        """
        return time.clock_gettime(_UNTOUCHED)

    async def sleep(self, seconds: float) -> None:
        """Sleep in real time."""
        await asyncio.sleep(max(0.0, seconds))


class RemoteClock:
    """Another system's clock: as it was last heard, and kept going since by what only ever grows here.

    So it is untouched by what this machine's clock says, and by changes of it. Of several readings the median
    counts: one wrong one moves nothing.
    """

    def __init__(self, clock: Clock, *, readings: int = 1) -> None:
        self._clock = clock
        # What its clock said when ours began to count.
        self._zeros: deque[datetime] = deque(maxlen=readings)

    def heard(self, at: datetime) -> None:
        """Note what the other system's clock says at this moment."""
        self._zeros.append(at - timedelta(seconds=self._clock.monotonic()))

    def forget(self) -> None:
        """Forget what was heard: it may not hold any more."""
        self._zeros.clear()

    def now(self) -> datetime | None:
        """Return the other system's time of day, aware, in UTC; None while it was not heard."""
        if not self._zeros:
            return None
        return median_low(self._zeros) + timedelta(seconds=self._clock.monotonic())


def skew(ahead: timedelta, whose: str) -> str | None:
    """Say how far a clock is ahead of `whose`, or behind it; None where it is not off by a minute."""
    if abs(ahead) <= MOST_SKEW - _MEASURED_TO:
        return None
    return f"{naturaldelta(ahead)} {'ahead of' if ahead > timedelta() else 'behind'} {whose}"


def wrong_clocks(own: datetime, slack: datetime | None, others: Mapping[str, datetime | None]) -> str:
    """Say which clocks are off, by Slack's, or by this machine's where Slack's is not known; empty if none.

    `others` are the clocks by the names they have in a sentence, None where they are not known.
    """
    right, whose = (own, "this machine's") if slack is None else (slack, "Slack's")
    clocks = {"this machine's clock": own, **others}
    found = [
        f"{name} is {off}"
        for name, moment in clocks.items()
        if moment is not None and (off := skew(moment - right, whose)) is not None
    ]
    return f"{'; '.join(found)}: have it set by a time server" if found else ""
