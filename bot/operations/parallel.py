"""Several questions to one server at once, whose failure is one error and not a group of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.veeam import VeeamError


@asynccontextmanager
async def at_once() -> AsyncIterator[asyncio.TaskGroup]:
    """Run questions side by side until the block ends; the first `VeeamError` ends all and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        expected, unforeseen = errors.split(VeeamError)
        if unforeseen is not None or expected is None:
            raise
        raise _first(expected) from None


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
