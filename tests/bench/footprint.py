"""What the bot takes before it has done anything: seconds until it is ready, and memory while it idles."""

import asyncio
import statistics
import sys
import time
from pathlib import Path

from bot.sandbox.process import inherited
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.site import Site
from tests.bench.sizes import Sizes
from tests.bench.vbr import Login

_READY = Aim(1.5)
_MEMORY = Aim(100.0)
_LIBRARIES = (
    "aiohttp.web, aiolimiter, aiosqlite, alembic.command, click, httpx, humanize, msgspec, "
    "prometheus_client, pydantic_settings, rapidfuzz, slack_bolt.async_app, sqlalchemy.ext.asyncio, stamina, "
    "structlog, tabulate, truststore, yaml"
)


async def footprint(folder: Path, login: Login, sizes: Sizes) -> list[Figure]:
    """Start with a new database, start again with it, idle; against a Python that imports the libraries."""
    new: list[float] = []
    again: list[float] = []
    bare: list[tuple[float, float]] = []
    for number in range(sizes.starts):
        async with Site(folder / f"start{number}", login) as site:
            new.append(await site.start())
            await site.bot.stop()
            again.append(await site.start())
        bare.append(await _bare())
    async with Site(folder / "idle", login) as site:
        await site.start()
        await asyncio.sleep(sizes.idle_seconds)
        memory = _resident_mib(site.bot.pid or 0)
    seconds = Floor(statistics.median(each[0] for each in bare), "Python importing the same libraries")
    resident = Floor(statistics.median(each[1] for each in bare), seconds.what)
    counted = {"starts": sizes.starts}
    return [
        Figure(
            "start_new",
            "start to ready, new database",
            statistics.median(new),
            "s",
            _READY,
            seconds,
            counted | {"seconds": new},
        ),
        Figure(
            "start_again",
            "start to ready, restart",
            statistics.median(again),
            "s",
            _READY,
            seconds,
            counted | {"seconds": again},
        ),
        Figure(
            "memory",
            f"memory after {sizes.idle_seconds:g} s idle (RSS)",
            memory,
            "MiB",
            _MEMORY,
            resident,
        ),
    ]


async def _bare() -> tuple[float, float]:
    """Seconds and MiB of a Python that only imports what the bot is built on."""
    code = f"import {_LIBRARIES}\nprint(open('/proc/self/status').read())"
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code), env=inherited(), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    return time.monotonic() - began, _mib(printed.decode())


def _resident_mib(pid: int) -> float:
    return _mib(Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))


def _mib(status: str) -> float:
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
