"""Many servers in one process: how soon all were polled, and what it takes while nothing happens."""

import asyncio
from pathlib import Path

from tests.bench.figures import Aim, Figure, Floor
from tests.bench.footprint import cpu_seconds, resident_mib
from tests.bench.site import Site
from tests.bench.sizes import Sizes
from tests.bench.vbr import Login

_READY = Aim(10.0, of_ratio=True)
_CPU = Aim(15.0)
_MEMORY = Aim(150.0)
# `/readyz` names every server: looking often would slow down what is timed.
_LOOK_SECONDS = 0.25


async def many_servers(folder: Path, login: Login, sizes: Sizes) -> list[Figure]:
    """Start with one server, then with many, on SQLite; then idle. All of them are the same simulated VBR."""
    forked = not sizes.executes
    async with Site(folder / "one-server", login, forked=forked) as site:
        one = await site.start()
    count, seconds = sizes.servers, sizes.idle_seconds
    async with Site(
        folder / "many-servers",
        login,
        further_servers=count - 1,
        forked=forked,
        look_seconds=_LOOK_SECONDS,
    ) as site:
        ready = await site.start()
        pid = site.bot.pid or 0
        await asyncio.sleep(seconds)
        before = cpu_seconds(pid)
        await asyncio.sleep(seconds)
        used, memory = cpu_seconds(pid) - before, resident_mib(pid)
        log = site.bot.log.read_text(encoding="utf-8")
    what = f"{count} servers (SQLite)"
    return [
        Figure("servers_ready", f"{what}: start to ready", ready, "s", _READY, Floor(one, "with one server")),
        Figure("servers_failed", f"{what}: failed polls", log.count("watch.outage_began"), "", Aim(0)),
        Figure("servers_cpu", f"{what}: of a core, idle", 100 * used / seconds, "%", _CPU),
        Figure("servers_memory", f"{what}: memory (RSS)", memory, "MiB", _MEMORY),
    ]
