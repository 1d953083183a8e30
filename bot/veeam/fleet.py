"""Questions asked in parallel: one of many servers, or several of one server."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bot.settings import ServerName
from bot.veeam.details import Detail, note_missing
from bot.veeam.errors import TookTooLong, VeeamError
from bot.veeam.limits import in_time
from bot.veeam.revisions import Revision
from bot.veeam.server import VeeamServer

T = TypeVar("T")

LIMIT_SECONDS = 20.0


@dataclass(frozen=True)
class FleetAnswer(Generic[T]):
    """What came back, and which servers failed and why; every server asked is in one of the two."""

    answers: Mapping[ServerName, T]
    failures: Mapping[ServerName, VeeamError]


class Fleet:
    """The servers of the settings, in their order."""

    def __init__(self, servers: Sequence[VeeamServer], *, limit_seconds: float = LIMIT_SECONDS) -> None:
        """Raises ValueError when two servers have one name."""
        self._servers = {server.name: server for server in servers}
        self._limit_seconds = limit_seconds
        if len(self._servers) != len(servers):
            raise ValueError("two servers of one name")

    @property
    def names(self) -> tuple[ServerName, ...]:
        """The servers' names, in the order of the settings."""
        return tuple(self._servers)

    @property
    def revisions(self) -> Mapping[ServerName, Revision]:
        """What each server speaks: a live view, as that may change while the bot runs."""
        return _Revisions(self._servers)

    def server(self, name: ServerName) -> VeeamServer:
        """The server of this name. Raises KeyError."""
        return self._servers[name]

    async def ask(
        self,
        question: Callable[[VeeamServer], Awaitable[T]],
        names: Collection[ServerName] | None = None,
        *,
        limit_seconds: float | None = None,
    ) -> FleetAnswer[T]:
        """Put one question to these servers, or to all, in parallel, with a time limit for each.

        Only for questions: a server that is too slow is cut off in the middle. Raises KeyError for an
        unknown name.
        """
        limit = self._limit_seconds if limit_seconds is None else limit_seconds
        asked = [self._servers[name] for name in (self.names if names is None else names)]
        async with asyncio.TaskGroup() as group:
            tasks = {server.name: group.create_task(_ask(question, server, limit)) for server in asked}
        results = {name: task.result() for name, task in tasks.items()}
        return FleetAnswer(
            answers={name: result[0] for name, result in results.items() if isinstance(result, tuple)},
            failures={name: result for name, result in results.items() if isinstance(result, VeeamError)},
        )

    async def close(self) -> None:
        """Log out everywhere, best effort, and close all connections."""
        async with asyncio.TaskGroup() as group:
            for server in self._servers.values():
                group.create_task(server.close())


class _Revisions(Mapping[ServerName, Revision]):
    def __init__(self, servers: Mapping[ServerName, VeeamServer]) -> None:
        self._servers = servers

    def __getitem__(self, name: ServerName) -> Revision:
        return self._servers[name].revision

    def __iter__(self) -> Iterator[ServerName]:
        return iter(self._servers)

    def __len__(self) -> int:
        return len(self._servers)


@asynccontextmanager
async def at_once() -> AsyncIterator[asyncio.TaskGroup]:
    """Run questions side by side until the block ends; the first `VeeamError` cancels the rest and is raised.

    A task group whose failure is one error, and not a group of them.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        expected, unforeseen = errors.split(VeeamError)
        if unforeseen is not None or expected is None:
            raise
        first: BaseException = expected
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def answered(
    server: ServerName, what: Detail, questions: Iterable[Coroutine[Any, Any, T]], *, within_seconds: float
) -> tuple[T, ...]:
    """Put questions to a server side by side; return what is answered in time, in the order asked.

    A question that fails or is late doesn't stop the others: `what` is asked for is noted as missing then.
    Raises a `VeeamError` only where all failed, none of them by being late.
    """

    async def ask(question: Coroutine[Any, Any, T]) -> tuple[T] | VeeamError:
        try:
            return (await in_time(server, question, within_seconds),)
        except VeeamError as error:
            return error

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(question)) for question in questions]
    results = [task.result() for task in tasks]
    failures = [result for result in results if isinstance(result, VeeamError)]
    if (
        failures
        and len(failures) == len(results)
        and not any(isinstance(one, TookTooLong) for one in failures)
    ):
        raise failures[0]
    for failure in failures:
        note_missing(what, failure)
    return tuple(result[0] for result in results if isinstance(result, tuple))


async def _ask(
    question: Callable[[VeeamServer], Awaitable[T]], server: VeeamServer, limit_seconds: float
) -> tuple[T] | VeeamError:
    async def ask() -> T:
        await server.detect_revision()  # what is asked for may depend on it
        return await question(server)

    try:
        return (await in_time(server.name, ask(), limit_seconds),)
    except VeeamError as error:
        return error
