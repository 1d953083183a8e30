"""Several questions to one server at once, whose failure is one error and not a group of them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from bot.veeam import VeeamError

T = TypeVar("T")


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


async def answered(questions: Iterable[Coroutine[Any, Any, T]], *, within_seconds: float) -> tuple[T, ...]:
    """Put questions side by side; return what is answered in time, in the order asked.

    Whatever fails or is late leaves the others. Raises a `VeeamError` only where every question failed.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_end(question, within_seconds)) for question in questions]
    ends = [task.result() for task in tasks]
    failures = [end for end in ends if isinstance(end, VeeamError)]
    if failures and len(failures) == len(ends):
        raise failures[0]
    return tuple(end[0] for end in ends if isinstance(end, tuple))


async def _end(question: Coroutine[Any, Any, T], within_seconds: float) -> tuple[T] | VeeamError | None:
    try:
        async with asyncio.timeout(within_seconds):
            return (await question,)
    except TimeoutError:
        return None
    except VeeamError as error:
        return error


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
