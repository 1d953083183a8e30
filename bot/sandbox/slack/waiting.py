"""Waiting by the workspace's clock, which a test may move as it likes."""

import asyncio
from contextlib import suppress

from bot.sandbox.slack.feed import Clock

_LOOK_EVERY_SECONDS = 0.02  # a clock that a test moves gives no sign


async def set_within(event: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Whether the event was set before so many seconds had passed on the clock."""
    deadline = clock() + seconds
    while not event.is_set():
        remaining = deadline - clock()
        if remaining <= 0:
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(min(remaining, _LOOK_EVERY_SECONDS)):
                await event.wait()
    return True
