"""Whose request goes to a server next: nobody takes every connection, and some are left to the bot itself.

A request is sent for the person whom the task around it serves (`on_behalf_of`), however deep below; without
one it is the bot's own, as the poller's are, and waits for no turn. The connections of a server are shared
out: some for people's questions, some for what they change, and the rest for the bot alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from bot.settings import ServerName
from bot.veeam.errors import TimedOut

WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Asker:
    person_id: str
    is_action: bool


_asker: ContextVar[_Asker | None] = ContextVar("asker", default=None)


@contextmanager
def on_behalf_of(person_id: str, *, is_action: bool = False) -> Iterator[None]:
    """Have what is asked until the block ends, in tasks started there too, take this person's turns."""
    token = _asker.set(_Asker(person_id, is_action))
    try:
        yield
    finally:
        _asker.reset(token)


class FairTurns:
    """So many requests at once, of one person at most `each`; whoever has the fewest is next."""

    def __init__(self, at_once: int, *, each: int, wait_seconds: float = WAIT_SECONDS) -> None:
        self._at_once = at_once
        self._each = each
        self._wait_seconds = wait_seconds
        self._taken: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def take(self, person_id: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends. Raises TimeoutError after too long a wait."""
        await self._wait(person_id)
        try:
            yield
        finally:
            self._give_back(person_id)

    async def _wait(self, person_id: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        waiter = (person_id, turn)
        self._waiting.append(waiter)
        self._hand_out()
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turn
        except (asyncio.CancelledError, TimeoutError):
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:  # it came at the very moment at which the wait ended
                self._give_back(person_id)
            raise

    def _give_back(self, person_id: str) -> None:
        self._taken[person_id] -= 1
        if not self._taken[person_id]:
            del self._taken[person_id]
        self._hand_out()

    def _hand_out(self) -> None:
        while self._taken.total() < self._at_once:
            ready = [
                (person_id, turn)
                for person_id, turn in self._waiting
                if self._taken[person_id] < self._each and not turn.done()
            ]
            if not ready:
                return
            person_id, turn = min(ready, key=lambda waiter: self._taken[waiter[0]])
            self._waiting.remove((person_id, turn))
            self._taken[person_id] += 1
            turn.set_result(None)


class ServerTurns:
    """The turns at the eight connections to one server; one at least is the bot's own."""

    def __init__(self, server: ServerName) -> None:
        self._server = server
        self._questions = FairTurns(4, each=3)
        self._actions = FairTurns(3, each=2)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a turn of the person who is served, if anybody is. Raises TimedOut: nothing was sent."""
        asker = _asker.get()
        if asker is None:
            yield
            return
        turn = (self._actions if asker.is_action else self._questions).take(asker.person_id)
        try:
            await turn.__aenter__()
        except TimeoutError:
            raise TimedOut(self._server, f"no turn within {WAIT_SECONDS:g} s") from None
        try:
            yield
        finally:
            await turn.__aexit__(None, None, None)
