"""For how long the loop stands still while very much ended at once: no command is acknowledged meanwhile."""

import asyncio
import gc
import time
from pathlib import Path

from bot.observability import Health, Metrics, SystemClock
from bot.settings import ChannelId, PollingSettings, RouteSettings
from bot.store import Database, upgrade
from bot.veeam import VeeamServer
from bot.watch import Watch, WatchRules
from tests.bench.figures import Aim, Figure, Floor, workload_seconds
from tests.bench.sizes import Sizes
from tests.bench.vbr import FarVbr

_LONGEST = Aim(1.0, of_ratio=True)
_BEAT_SECONDS = 0.005
_TICKS = 6


async def longest_stall(folder: Path, vbr: FarVbr, sizes: Sizes) -> list[Figure]:
    """Poll a server with very many jobs at which very many sessions just failed, until all are announced."""
    url = f"sqlite:///{folder / 'stall.db'}"
    await upgrade(url)
    database, clock = Database(url), SystemClock()
    route = RouteSettings.model_validate({"channel": ChannelId("C0PROD"), "results": ["Failed"]})
    rules = WatchRules((route,), None, PollingSettings(interval_seconds=20, backfill_hours=1))
    async with VeeamServer(vbr.login.connection, clock=clock) as server:
        watch = Watch(server, database, clock, rules, metrics=Metrics(), health=Health(clock), holder="bench")
        await watch.tick()
        await vbr.fail_anew(sizes.stall_ends)
        gc.freeze()
        beats = asyncio.ensure_future(_longest_gap())  # noqa: TID251 -- what it measures is the loop itself
        for _ in range(_TICKS):
            await watch.tick()
        beats.cancel()
        seconds, cpu_seconds = await beats
        gc.unfreeze()
    await database.close()
    floor = Floor(workload_seconds(), "a fixed piece of work")
    what = f"longest stall of the loop, {sizes.stall_jobs:,} jobs x {sizes.stall_ends:,} ends"
    return [
        Figure("longest_stall", what, seconds, "s", _LONGEST, floor, {"cpu_seconds": round(cpu_seconds, 3)})
    ]


async def _longest_gap() -> tuple[float, float]:
    """The longest wait, and the most CPU time between two beats: the same, unless others had the core."""
    longest = longest_cpu = 0.0
    try:
        while True:
            began, cpu = time.monotonic(), time.thread_time()
            await asyncio.sleep(_BEAT_SECONDS)
            longest = max(longest, time.monotonic() - began - _BEAT_SECONDS)
            longest_cpu = max(longest_cpu, time.thread_time() - cpu)
    except asyncio.CancelledError:
        return longest, longest_cpu
