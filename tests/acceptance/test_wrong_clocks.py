"""Replicas of the whole bot whose machines' clocks are wrong, on one database."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import Application
from bot.observability import SystemClock
from bot.sandbox.slack.faults import Dropped
from bot.settings import load_settings
from bot.store import Database, Outbox
from tests.acceptance.rig import BACKUPS, PROD, Rig, Setting, free_port, get
from tests.rooms.store.databases import KINDS, Template, template_of, templates
from tests.support.clock import SkewedClock

POLL_SECONDS = 3.0


@pytest.fixture(scope="module")
def databases() -> Iterator[dict[str, Template]]:
    with templates() as found:
        yield found


class Machine:
    """A machine with a clock of its own, on which a replica runs; `die` ends it as a kill does."""

    def __init__(self, rig: Rig, database_url: str, ahead: timedelta) -> None:
        self.clock = SkewedClock(SystemClock(), ahead)
        self.port = free_port()
        environ = rig.bot.env | {"DATABASE_URL": database_url, "PORT": str(self.port)}
        self._application = Application(load_settings(environ, rig.folder), self.clock)
        self._running: asyncio.Task[int] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Machine"]:
        self._running = asyncio.ensure_future(self._application.run())  # noqa: TID251 -- a process of its own
        try:
            while (await get("readyz", self.port))[0] != 200:
                assert not self._running.done()
                await asyncio.sleep(0.1)
            yield self
        finally:
            await self.die()

    async def die(self) -> None:
        assert self._running is not None
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running

    async def clocks(self) -> dict[str, object]:
        status, body = await get("readyz", self.port)
        assert status == 200
        found: dict[str, object] = json.loads(body)["clocks"]
        return found


async def nothing_waits(database_url: str) -> None:
    """Wait until all is known to be sent: nobody is to wait for a dead process's claim on a message."""
    database = Database(database_url)
    async with asyncio.timeout(60):
        while True:
            if not await Outbox(database).waiting():
                break
            await asyncio.sleep(0.1)
    await database.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(minutes=-15), timedelta(days=1)], ids=str)
async def test_replicas_with_wrong_clocks(
    tmp_path: Path, kind: str, ahead: timedelta, databases: dict[str, Template]
) -> None:
    """Answers get lost, a clock is set meanwhile, the polling replica dies: all is told, once, and soon."""
    url = template_of(kind, databases).new()
    async with Rig(tmp_path, Setting(polling_seconds=POLL_SECONDS)) as rig:
        first, second = Machine(rig, url, ahead), Machine(rig, url, timedelta())
        ended: list[str] = []

        def ends(count: int) -> None:
            for _ in range(count):
                name = f"Job {len(ended)}"
                run = rig.world.finish_run(rig.world.add_job(name), result="Success", seconds=1)
                ended.append(run.id)

        async with first.running(), second.running():
            rig.slack.faults.add("chat.postMessage", Dropped(after_effect=True), times=3)
            ends(4)
            await rig.until(lambda: set(rig.told()) == set(ended))
            first.clock.ahead, second.clock.ahead = timedelta(), -ahead
            ends(2)
            await rig.until(lambda: set(rig.told()) == set(ended))
            await nothing_waits(url)
            await first.die()
            ends(2)
            died_at = asyncio.get_running_loop().time()
            await rig.until(lambda: set(rig.told()) == set(ended))
            # Two polls, and what a busy machine takes for two messages a second apart.
            assert asyncio.get_running_loop().time() - died_at < 2 * POLL_SECONDS + 8
        assert rig.told() == Counter(ended)
        assert {message.channel for message in rig.everything()} <= {PROD, BACKUPS}


async def test_readyz_names_a_wrong_clock(tmp_path: Path) -> None:
    """This machine's and a server's: how far, which way, and what to do; the bot is ready all the same."""
    url = f"sqlite:///{tmp_path / 'clocks.db'}"
    async with Rig(tmp_path, Setting(polling_seconds=1)) as rig:
        rig.world.clock_skew = timedelta(minutes=-10)
        async with Machine(rig, url, timedelta(minutes=15)).running() as machine:
            expected = (
                "this machine's clock is 15 minutes ahead of Slack's; the clock of server hq is 10 minutes "
                "behind Slack's: have it set by a time server"
            )
            async with asyncio.timeout(60):
                while True:
                    found = await machine.clocks()
                    if found["detail"] == expected:
                        break
                    await asyncio.sleep(0.2)
            assert found["ok"] is False
