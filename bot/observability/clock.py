"""Time as an argument, so that a test can hold it still."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


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
        """Seconds since some moment, untouched by changes of the time of day."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep in real time."""
        await asyncio.sleep(max(0.0, seconds))
