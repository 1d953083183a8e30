"""Tells what changes in the workspace to whoever listens, and waits by the workspace's clock."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from bot.sandbox.slack.snapshot import Change, ChangeKind

Clock = Callable[[], float]
_LOOK_EVERY_SECONDS = 0.02  # a clock that a test moves gives no sign
_REAL_SLICE_SECONDS = 60.0


class Feed:
    """Hands each change to every subscriber, and wakes everybody who waits for a condition."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: set[asyncio.Queue[Change]] = set()
        self._wakers: set[asyncio.Event] = set()

    def tell(self, kind: ChangeKind, **facts: Any) -> None:
        """Report one change with the facts its kind carries."""
        change = cast("Change", {"kind": kind, "at": self._clock(), **facts})
        for queue in self._queues:
            queue.put_nowait(change)
        self.wake()

    def wake(self) -> None:
        """Let waiters look at their condition again, for what is no change of the workspace."""
        for waker in self._wakers:
            waker.set()

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Change]]:
        """All changes from now on, in order."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield _drain(queue)
        finally:
            self._queues.discard(queue)

    async def wait_until(self, condition: Callable[[], object], timeout_seconds: float = 5) -> None:
        """Return once the condition holds; `TimeoutError` after that many real seconds.

        The condition is looked at after each change, each recorded call and each acknowledgement.
        """
        waker = asyncio.Event()
        self._wakers.add(waker)
        try:
            async with asyncio.timeout(timeout_seconds):
                while not condition():
                    await waker.wait()
                    waker.clear()
        finally:
            self._wakers.discard(waker)


async def _drain(queue: asyncio.Queue[Change]) -> AsyncIterator[Change]:
    while True:
        yield await queue.get()


async def set_within(event: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Whether the event was set before so many seconds had passed on the clock."""
    deadline = clock() + seconds
    slice_seconds = _REAL_SLICE_SECONDS if clock is time.time else _LOOK_EVERY_SECONDS
    while not event.is_set():
        remaining = deadline - clock()
        if remaining <= 0:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(min(remaining, slice_seconds)):
                await event.wait()
    return True
