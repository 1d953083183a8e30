"""Waiting by the workspace's clock, which a test may move as it likes."""

import asyncio
import time
from contextlib import suppress

from bot.sandbox.slack.feed import Clock

_LOOK_EVERY_SECONDS = 0.02  # a clock that a test moves gives no sign
_REAL_SLICE_SECONDS = 60.0


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
