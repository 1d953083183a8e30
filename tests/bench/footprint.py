"""What the bot takes before it has done anything: seconds until it is ready, and memory while it idles."""

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Aim, Figure, Floor
from tests.bench.site import Site, as_installed
from tests.bench.sizes import Sizes
from tests.bench.vbr import Login

_READY = Aim(1.5, of_ratio=True)
_MEMORY = Aim(92.0)
_CPU = Aim(0.3)
_NANOSECONDS = 1e9
_LIBRARIES = (
    "aiohttp.web, aiolimiter, aiosqlite, click, httpx, humanize, msgspec, "
    "prometheus_client, pydantic_settings, rapidfuzz, slack_bolt.async_app, sqlalchemy.ext.asyncio, "
    "structlog, tabulate, truststore, yaml"
)


async def footprint(folder: Path, login: Login, sizes: Sizes) -> list[Figure]:
    """Start with a new database, start again with it, idle; against a Python that imports the libraries."""
    new: list[float] = []
    again: list[float] = []
    bare: list[tuple[float, float]] = []
    for number in range(sizes.starts):
        bare.append(await _bare(folder))
        async with Site(folder / f"start{number}", login, forked=not sizes.executes) as site:
            new.append(await site.start())
            await site.bot.stop()
            again.append(await site.start())
    idle = await _idle(folder, login, sizes)
    seconds = Floor(statistics.median(each[0] for each in bare), "Python importing its libraries")
    resident = Floor(statistics.median(each[1] for each in bare), seconds.what)
    memory = f"memory after {sizes.idle_seconds:g} s idle (RSS)"
    return [
        _started("start_new", "start to ready, new database", new, seconds),
        _started("start_again", "start to ready, database as it was left", again, seconds),
        Figure("memory", f"{memory}, database as it was left", idle.memory, "MiB", _MEMORY, resident),
        Figure(
            "memory_new",
            f"{memory}, in the process that made the database",
            idle.memory_new,
            "MiB",
            _MEMORY,
            resident,
        ),
        Figure("idle_cpu", "of a core, idle with one server", idle.cpu_percent, "%", _CPU),
    ]


def _started(key: str, what: str, taken: list[float], floor: Floor) -> Figure:
    facts = {"starts": len(taken), "seconds": [round(each, 3) for each in taken]}
    return Figure(
        key, f"{what} (median of {len(taken)})", statistics.median(taken), "s", _READY, floor, facts
    )


@dataclass(frozen=True)
class Idle:
    """What two bots take that do nothing: one made its database, the other one found it."""

    memory: float
    memory_new: float
    cpu_percent: float


async def _idle(folder: Path, login: Login, sizes: Sizes) -> Idle:
    seconds, forked = sizes.idle_seconds, not sizes.executes
    async with (
        Site(folder / "idle-new", login, forked=forked) as new,
        Site(folder / "idle-again", login, forked=forked) as again,
    ):
        await new.start()
        await again.start()
        await again.bot.stop()
        await again.start()
        pid, new_pid = again.bot.pid or 0, new.bot.pid or 0
        before = cpu_seconds(pid)
        await asyncio.sleep(seconds)
        used = cpu_seconds(pid) - before
        return Idle(resident_mib(pid), resident_mib(new_pid), 100 * used / seconds)


async def _bare(folder: Path) -> tuple[float, float]:
    """Seconds and MiB of a Python that only imports what the bot is built on."""
    code = f"import {_LIBRARIES}\nprint(open('/proc/self/status').read())"
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), env=as_installed(folder), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    return time.monotonic() - began, _mib(printed.decode())


def resident_mib(pid: int) -> float:
    """The memory of a process."""
    return _mib(Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))


def cpu_seconds(pid: int) -> float:
    """What the threads of a process have used so far."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    used = (int((thread / "schedstat").read_text(encoding="utf-8").split()[0]) for thread in threads)
    return sum(used) / _NANOSECONDS


def _mib(status: str) -> float:
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
