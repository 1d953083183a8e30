"""What many parts look at: read once for all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bot.observability import Clock

T = TypeVar("T")


class SharedRead(Generic[T]):
    """A value that is at most so many seconds old, whoever asks for it, and read by one at a time."""

    def __init__(self, read: Callable[[], Awaitable[T]], clock: Clock, *, seconds: float) -> None:
        self._read = read
        self._clock = clock
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._found: tuple[T, float] | None = None

    async def get(self) -> T:
        """Return the value. Raises what reading it raises; then the next one to ask reads again."""
        async with self._turn:
            if self._found is None or self._clock.monotonic() - self._found[1] >= self._seconds:
                self._found = (await self._read(), self._clock.monotonic())
            return self._found[0]
