"""Many servers in one process: their polls are spread, and while nothing happens nothing is written."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.observability import Health, Metrics
from bot.sandbox.vbr import VbrSandbox, World
from bot.settings import ServerName
from bot.store import Database, Leases, SharedRead, Transaction
from bot.watch import PollSlot, Watch, WatchRules
from tests.rooms.veeam.clients import client_of, wait_until
from tests.rooms.watch.site import POLL_SECONDS, Site, rules
from tests.support.clock import FakeClock

SERVERS = 10


class Counting(Database):
    """A database that counts how often it is written."""

    writes = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        self.writes += 1
        async with super().transaction() as transaction:
            yield transaction


async def test_nothing_is_written_where_nothing_moved(
    database_url: str, site: Site, clock: FakeClock
) -> None:
    """Idle polls write nothing, not even that the server answers; leases are renewed once for all servers."""
    database = Counting(database_url)
    idle = Site(clock, site.world, site.vbr, site.client, database, Health(clock))
    await idle.watch.tick()
    database.writes = 0
    for _ in range(5):
        await Leases(site.database).renew_all(idle.holder, clock.now(), 2 * POLL_SECONDS)
        await clock.advance(POLL_SECONDS)
        await idle.watch.tick()
    await database.close()
    assert database.writes == 0


async def test_polls_are_spread(database: Database, clock: FakeClock, world: World) -> None:
    """All servers are polled soon after the start, but not all at once, and then evenly over the interval."""
    polled: dict[str, list[float]] = defaultdict(list)
    wanted: WatchRules = rules()
    async with AsyncExitStack() as stack:
        vbr = await stack.enter_async_context(VbrSandbox(world))
        health = Health(clock)
        watches: list[Watch] = []
        for number in range(SERVERS):
            client = await stack.enter_async_context(client_of(vbr, clock, name=ServerName(f"s{number}")))
            watches.append(
                Watch(client, database, clock, wanted, metrics=Metrics(), health=health, holder="one")
            )
        async with asyncio.TaskGroup() as group:
            loops = [
                group.create_task(watch.run(PollSlot(place, SERVERS)))
                for place, watch in enumerate(watches, start=1)
            ]
            for _ in range(int(3 * POLL_SECONDS / 0.25)):
                await wait_until(lambda: clock.sleeping == SERVERS)
                for number in range(SERVERS):
                    part = health.part(f"server:s{number}")
                    if part is not None and part.last_ok_at is not None:
                        seconds = (part.last_ok_at - FakeClock().now()).total_seconds()
                        if seconds not in polled[f"s{number}"]:
                            polled[f"s{number}"].append(seconds)
                await clock.advance(0.25)
            await wait_until(lambda: clock.sleeping == SERVERS)
            for loop in loops:
                loop.cancel()
    assert all(times[0] <= 1 for times in polled.values())
    third = sorted(times[2] for times in polled.values())
    gaps = [later - earlier for earlier, later in itertools.pairwise(third)]
    assert all(1.5 <= gap <= 2.5 for gap in gaps)


async def test_many_that_ask_share_one_read(clock: FakeClock) -> None:
    """What many look at is read once a second; a read that fails is repeated for the next one to ask."""
    answers: list[int | Exception] = [1, OSError("gone"), 2]

    async def read() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    recent = SharedRead(read, clock, seconds=1)
    assert tuple(await asyncio.gather(recent.get(), recent.get())) == (1, 1)
    await clock.advance(1)
    found = await asyncio.gather(recent.get(), recent.get(), return_exceptions=True)
    assert [type(found[0]), found[1]] == [OSError, 2]
