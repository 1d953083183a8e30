"""How long the parts of an answer may take: whatever hangs leaves time for the rest.

A part of a part gets less time than what it is a part of. So a read that never answers costs what only it
could have said, and not the answer around it.
"""

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import TypeVar

from bot.settings import ServerName
from bot.veeam.errors import TookTooLong

T = TypeVar("T")

DETAIL_SECONDS = 8.0
"""How long an answer waits for a detail."""
_SHARE = 3 / 4
"""The most that a part may take of the time that is left around it."""
_until: ContextVar[float | None] = ContextVar("until", default=None)


async def in_time(
    server: ServerName, question: Awaitable[T], seconds: float = DETAIL_SECONDS, *, at_least: float = 0.0
) -> T:
    """Return what the server says. Raises `TookTooLong` after so long, or sooner inside another such call.

    Where less than `at_least` would be left for it there, only the call around it bounds it.
    """
    now, around = asyncio.get_running_loop().time(), _until.get()
    if around is not None:
        seconds = min(seconds, max(0.0, around - now) * _SHARE)
        if seconds < at_least:
            return await question
    limit, outer = asyncio.timeout(seconds), _until.set(now + seconds)
    try:
        async with limit:
            return await question
    except TimeoutError:
        if not limit.expired():
            raise
        raise TookTooLong(server, f"no answer within {round(seconds, 1):g} s") from None
    finally:
        _until.reset(outer)
