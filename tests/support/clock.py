"""A clock that stands still until a test lets time pass."""

import asyncio
import heapq
import itertools
import selectors
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bot.observability import Clock

_TURNS = 20
"""Turns of the loop in which what was woken may do its work and sleep again."""


class FakeClock:
    """A `Clock` whose time passes in `advance` alone; sleepers wake in the order of their times."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)) -> None:
        self._start = start
        self._seconds = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many wait for this clock."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Let time pass: each sleeper whose time comes wakes at it, and may sleep and wake again."""
        end = self._seconds + seconds
        await self._let_others_run()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            if woken.done():
                continue
            self._seconds = max(self._seconds, due)
            woken.set_result(None)
            await self._let_others_run()
        self._seconds = end

    def skip(self, seconds: float) -> None:
        """Let time have passed while something was at work; nobody wakes before `advance`."""
        self._seconds += seconds

    @staticmethod
    async def _let_others_run() -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)


class SkewedClock:
    """The clock of a machine that is set wrong: `ahead` by so much, and set anew when a test changes it."""

    def __init__(self, right: Clock, ahead: timedelta = timedelta()) -> None:
        self._right = right
        self.ahead = ahead

    def now(self) -> datetime:
        return self._right.now() + self.ahead

    def monotonic(self) -> float:
        return self._right.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._right.sleep(seconds)


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time leaps to the next timer where nothing else happens and `may_leap` says so.

    So a limit is reached at once that bounds the wait for an answer which never comes. What is quick enough
    to answer is answered before: a leap needs a moment of rest.
    """

    def __init__(self) -> None:
        self.may_leap: Callable[[], object] = lambda: False
        self._leapt = 0.0
        super().__init__(_LeapingSelector(self))

    def time(self) -> float:
        return super().time() + self._leapt

    def leap(self, seconds: float) -> None:
        """Let so much time have passed."""
        self._leapt += seconds


class _LeapingSelector(selectors.DefaultSelector):
    _REST_SECONDS = 0.01

    def __init__(self, loop: LeapingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= self._REST_SECONDS or not self._loop.may_leap():
            return super().select(timeout)
        events = super().select(self._REST_SECONDS)
        if not events:
            self._loop.leap(timeout - self._REST_SECONDS)
        return events
