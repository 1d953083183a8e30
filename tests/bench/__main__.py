"""`python -m tests.bench`: measure, print the table, write `bench.json`."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

from bot.observability import set_up_logging
from tests.bench.commands import acknowledged, jobs_failed
from tests.bench.delivery import reply_lost, told_once
from tests.bench.figures import Figure, busy_cpu_seconds, machine, table
from tests.bench.footprint import footprint
from tests.bench.load import longest_stall
from tests.bench.outbox import claim_cost
from tests.bench.patterns import many_stars
from tests.bench.reading import idle_poll, job_states
from tests.bench.servers import many_servers
from tests.bench.sizes import QUICK, Sizes
from tests.bench.sockets import ended_connections
from tests.bench.vbr import FarVbr, far_vbr

FILE = Path("bench.json")


async def measured(sizes: Sizes, folder: Path) -> list[Figure]:
    """Every row, one measurement at a time."""
    figures: list[Figure] = []
    async with far_vbr(sizes.few_jobs) as few, far_vbr(sizes.many_jobs) as many:
        for what, measurement in _measurements(sizes, folder, few, many):
            began = time.monotonic()
            found = await measurement
            _say(f"{what}: {time.monotonic() - began:.0f} s")
            figures += found
    return figures


def _measurements(
    sizes: Sizes, folder: Path, few: FarVbr, many: FarVbr
) -> Iterator[tuple[str, Awaitable[list[Figure]]]]:
    yield "told once", told_once(folder, sizes)
    yield "reply lost, too fast", reply_lost(folder, sizes)
    yield "claim of the outbox", claim_cost(folder, sizes)
    yield "job states", job_states(many, sizes)
    yield "idle poll", idle_poll(folder, few, many, sizes)
    yield "patterns", many_stars(sizes)
    yield "jobs failed", jobs_failed(folder, many, sizes)
    yield "acknowledged, Socket Mode", acknowledged(folder, many, sizes, http_mode=False)
    yield "acknowledged, HTTP mode", acknowledged(folder, many, sizes, http_mode=True)
    yield "connections that end", ended_connections(folder, few, sizes)
    yield "footprint", footprint(folder, few.login, sizes)
    yield "longest stall", longest_stall(folder, sizes)
    yield "many servers", many_servers(folder, few.login, sizes)


def main() -> None:
    """Measure and report; the exit code says nothing about the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts: shows that it runs, not how well")
    parser.add_argument("--out", type=Path, default=FILE, help="where the JSON goes; default bench.json")
    given = parser.parse_args()
    set_up_logging("warning", "console", [])
    sizes = QUICK if given.quick else Sizes()
    began, busy, own = time.monotonic(), busy_cpu_seconds(), sum(os.times()[:4])
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measured(sizes, Path(folder)))
    seconds, here = time.monotonic() - began, machine()
    others = busy_cpu_seconds() - busy - (sum(os.times()[:4]) - own)
    report: dict[str, Any] = {
        "machine": here,
        "is_quick": given.quick,
        "others_cpu_share": round(max(0.0, others) / (seconds * here["cores"]), 3),
        "seconds": round(seconds, 1),
        "figures": [figure.as_json() for figure in figures],
    }
    given.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(
        f"{table(figures)}\n"
        f"{here['cores']} cores ({here['processor']}), Python {here['python']}; Slack's pace kept.\n"
        f"{seconds:.0f} s, in which other processes took {report['others_cpu_share']:.0%} of the cores: the "
        f"less, the truer is what is given in seconds.\nWritten to {given.out}.\n"
    )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
