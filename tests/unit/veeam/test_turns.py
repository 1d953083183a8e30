"""Turns: never more at once than may be, nobody takes them all, and whoever has the fewest is next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.veeam.turns import FairTurns


class Crowd:
    """People who take turns and keep them until they are told to end."""

    def __init__(self, shared: FairTurns, group: asyncio.TaskGroup) -> None:
        self.having: list[str] = []
        self._shared = shared
        self._group = group
        self._tasks: list[tuple[str, asyncio.Task[None]]] = []

    async def ask(self, *people: str) -> None:
        self._tasks += [(person, self._group.create_task(self._have(person))) for person in people]
        await settle()

    async def end(self, *people: str) -> None:
        """End the oldest of each, whether it has its turn or waits for it."""
        for person in people:
            self._take(person).cancel()
        await settle()

    async def leave(self, *people: str) -> None:
        """End the oldest of each within one turn of the loop."""
        for person in people:
            self._take(person).cancel()
            await asyncio.sleep(0)
        await settle()

    def _take(self, person: str) -> asyncio.Task[None]:
        found = next(each for each in self._tasks if each[0] == person)
        self._tasks.remove(found)
        return found[1]

    async def _have(self, person: str) -> None:
        async with self._shared.take(person):
            self.having.append(person)
            try:
                await asyncio.Event().wait()
            finally:
                self.having.remove(person)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def crowd_at(shared: FairTurns) -> AsyncIterator[Crowd]:
    async with asyncio.TaskGroup() as group:
        crowd = Crowd(shared, group)
        yield crowd
        await crowd.end(*(person for person, _ in crowd._tasks))


async def test_nobody_takes_every_turn() -> None:
    """Of one person at most so many; what is left is there for the next at once."""
    async with crowd_at(FairTurns(4, each=3)) as crowd:
        await crowd.ask(*["vic"] * 300)
        assert crowd.having == ["vic"] * 3
        await crowd.ask("ann")
        assert crowd.having == ["vic"] * 3 + ["ann"]
        await crowd.end("ann", *["vic"] * 300)
        assert crowd.having == []


async def test_whoever_has_the_fewest_is_next() -> None:
    """However many of one person's came first."""
    async with crowd_at(FairTurns(4, each=3)) as crowd:
        await crowd.ask(*["vic"] * 300)
        await crowd.ask("ann", "ben", "ole")
        await crowd.end("vic")
        assert sorted(crowd.having) == ["ann", "ben", "vic", "vic"]
        await crowd.end("vic")
        assert sorted(crowd.having) == ["ann", "ben", "ole", "vic"]


async def test_whoever_gives_up_leaves_the_queue() -> None:
    """A wait that was cut off takes no turn, and gives none back that it did not have."""
    async with crowd_at(FairTurns(1, each=1)) as crowd:
        await crowd.ask("vic", "ann", "ben")
        await crowd.end("ann")
        assert crowd.having == ["vic"]
        await crowd.end("vic")
        assert crowd.having == ["ben"]
        await crowd.end("ben")
        await crowd.ask("ole", "tom")
        assert crowd.having == ["ole"]


async def test_cut_off_at_the_moment_of_its_turn() -> None:
    """A turn that came when nobody waited for it any more goes to the next."""
    async with crowd_at(FairTurns(1, each=1)) as crowd:
        await crowd.ask("vic")
        await crowd.ask("ann", "ben")
        await crowd.leave("vic", "ann")
        assert crowd.having == ["ben"]


async def test_a_wait_has_an_end() -> None:
    """Whoever gets no turn is told so."""
    async with crowd_at(FairTurns(1, each=1, wait_seconds=0.01)) as crowd:
        await crowd.ask("vic")
        with pytest.raises(TimeoutError):
            async with crowd._shared.take("ann"):
                pass
        await crowd.end("vic")
        await crowd.ask("ben")
        assert crowd.having == ["ben"]
