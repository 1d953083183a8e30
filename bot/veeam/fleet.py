"""Many servers asked at once; each answer or silence is its own value."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.settings import ServerName
from bot.veeam.errors import TimedOut, VeeamError
from bot.veeam.server import VeeamServer

T = TypeVar("T")

LIMIT_SECONDS = 20.0


@dataclass(frozen=True)
class FleetAnswer(Generic[T]):
    """What came back, and which servers gave no answer and why; every server asked is in one of the two."""

    answers: Mapping[ServerName, T]
    silences: Mapping[ServerName, VeeamError]


class Fleet:
    """The servers of the settings, in their order."""

    def __init__(self, servers: Sequence[VeeamServer], *, limit_seconds: float = LIMIT_SECONDS) -> None:
        """Raises ValueError when two servers bear one name."""
        self._servers = {server.name: server for server in servers}
        self._limit_seconds = limit_seconds
        if len(self._servers) != len(servers):
            raise ValueError("two servers of one name")

    @property
    def names(self) -> tuple[ServerName, ...]:
        """The servers' names, in the order of the settings."""
        return tuple(self._servers)

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

        Only for questions: a server that is too slow is given up in the middle. Raises KeyError for an
        unknown name.
        """
        limit = self._limit_seconds if limit_seconds is None else limit_seconds
        asked = [self._servers[name] for name in (self.names if names is None else names)]
        async with asyncio.TaskGroup() as group:
            tasks = {server.name: group.create_task(_answer(question, server, limit)) for server in asked}
        outcomes = {name: task.result() for name, task in tasks.items()}
        return FleetAnswer(
            answers={name: one.value for name, one in outcomes.items() if isinstance(one, _Answered)},
            silences={name: one for name, one in outcomes.items() if isinstance(one, VeeamError)},
        )

    async def close(self) -> None:
        """Log out everywhere, best effort, and close all connections."""
        async with asyncio.TaskGroup() as group:
            for server in self._servers.values():
                group.create_task(server.close())


async def _answer(
    question: Callable[[VeeamServer], Awaitable[T]], server: VeeamServer, limit_seconds: float
) -> "_Answered[T] | VeeamError":
    limit = asyncio.timeout(limit_seconds)
    try:
        async with limit:
            return _Answered(await question(server))
    except VeeamError as error:
        return error
    except TimeoutError:
        if not limit.expired():
            raise
        return TimedOut(server.name, f"no answer within {limit_seconds:g} s")


@dataclass(frozen=True)
class _Answered(Generic[T]):
    value: T
