"""`python -m tests.bench`: measure, print the table, write `bench.json`."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bot.observability import set_up_logging
from tests.bench.announcing import catch_up, end_to_slack, storms
from tests.bench.causes import named_causes
from tests.bench.commands import acknowledged, jobs_failed
from tests.bench.delivery import killed, reply_lost
from tests.bench.digest import digest_cost
from tests.bench.figures import (
    RECORDED_WORKLOAD_SECONDS,
    Figure,
    busy_cpu_seconds,
    machine,
    page_table,
    table,
    workload_seconds,
)
from tests.bench.footprint import footprint
from tests.bench.load import longest_stall
from tests.bench.outbox import claim_cost
from tests.bench.patterns import many_stars
from tests.bench.reading import expectations_met, idle_poll, job_states
from tests.bench.servers import many_servers
from tests.bench.sizes import QUICK, Sizes
from tests.bench.sockets import ended_connections
from tests.bench.vbr import FarVbr, far_vbr
from tests.support.forked import end_server

FILE = Path("bench.json")
_BEGIN, _END = "<!-- measured -->", "<!-- end of what was measured -->"
_KILLS, _STALL = "kills", "longest stall"


Measurement = Coroutine[Any, Any, list[Figure]]


async def measured(sizes: Sizes, folder: Path, only: str) -> list[Figure]:
    """Every row, one measurement at a time; or only those of the measurements with these words."""
    figures: list[Figure] = []
    async with AsyncExitStack() as stack:
        jobs = (sizes.few_jobs, sizes.many_jobs, sizes.stall_jobs if only in _STALL else 0)
        opened = asyncio.gather(*(stack.enter_async_context(far_vbr(each)) for each in jobs))
        if only in _KILLS:
            # It waits most of the time, while the simulated VBRs make their jobs.
            figures += await _timed(_KILLS, killed(folder, sizes), asyncio.Semaphore())
        few, many, huge = await opened
        turns, measurements = asyncio.Semaphore(sizes.at_once), list[Measurement]()
        for what, measurement in _measurements(sizes, folder, few, many, huge):
            if only in what:
                measurements.append(_timed(what, measurement, turns))
            else:
                measurement.close()
        for found in await asyncio.gather(*measurements):
            figures += found
    return figures


async def _timed(what: str, measurement: Measurement, turns: asyncio.Semaphore) -> list[Figure]:
    async with turns:
        began = time.monotonic()
        found = await measurement
    sys.stderr.write(f"{what}: {time.monotonic() - began:.0f} s\n")
    return found


def _measurements(
    sizes: Sizes, folder: Path, few: FarVbr, many: FarVbr, huge: FarVbr
) -> Iterator[tuple[str, Measurement]]:
    yield "reply lost, too fast", reply_lost(folder, sizes)
    yield "end to Slack", end_to_slack(folder, sizes)
    yield "storms", storms(folder, sizes)
    yield "catch-up", catch_up(folder, sizes)
    yield "claim of the outbox", claim_cost(folder, sizes)
    yield "job states", job_states(many, sizes)
    yield "idle poll", idle_poll(folder, few, many, sizes)
    yield "expectations", expectations_met(folder, many, sizes)
    yield "patterns", many_stars(sizes)
    yield "causes", named_causes(sizes)
    yield "digest", digest_cost(sizes)
    yield "jobs failed", jobs_failed(folder, many, sizes)
    yield "acknowledged, Socket Mode", acknowledged(folder, many, sizes, http_mode=False)
    yield "acknowledged, HTTP mode", acknowledged(folder, many, sizes, http_mode=True)
    yield "connections that end", ended_connections(folder, few, sizes)
    yield "footprint", footprint(folder, few.login, sizes)
    yield _STALL, longest_stall(folder, huge, sizes)
    yield "many servers", many_servers(folder, few.login, sizes)


def main() -> None:
    """Measure and report; the exit code says nothing about the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small counts: shows that it runs, not how well")
    parser.add_argument("--out", type=Path, default=FILE, help="where the JSON goes; default bench.json")
    parser.add_argument("--only", default="", metavar="WORDS", help="only what has these words in its name")
    parser.add_argument("--page", type=Path, help="a page of the documentation to write the table into")
    given = parser.parse_args()
    if given.page is not None and (given.quick or given.only):
        parser.error("--page takes all rows, and none of --quick")
    set_up_logging("warning", "console", [])
    sizes = QUICK if given.quick else Sizes()
    workload = workload_seconds()
    began, busy, own = time.monotonic(), busy_cpu_seconds(), sum(os.times()[:4])
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measured(sizes, Path(folder), given.only))
    end_server()
    seconds, here = time.monotonic() - began, machine()
    others = busy_cpu_seconds() - busy - (sum(os.times()[:4]) - own)
    report: dict[str, Any] = {
        "machine": here,
        "is_quick": given.quick,
        "workload_seconds": round(workload, 4),
        "speed": round(RECORDED_WORKLOAD_SECONDS / workload, 2),
        "others_cpu_share": round(max(0.0, others) / (seconds * here["cores"]), 3),
        "seconds": round(seconds, 1),
        "figures": [figure.as_json() for figure in figures],
    }
    given.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    summary = (
        f"{here['cores']} cores ({here['processor']}), Python {here['python']}; Slack's pace kept.\n"
        f"A fixed piece of work takes {workload:.3f} s of CPU, on the recorded machine "
        f"{RECORDED_WORKLOAD_SECONDS:.3f} s: {report['speed']:.2f} times as fast.\n"
        f"{seconds:.0f} s, in which other processes took {report['others_cpu_share']:.0%} of the cores: the "
        f"less, the truer is what is given in seconds.\n"
    )
    sys.stdout.write(f"{table(figures)}\n{summary}Written to {given.out}.\n")
    if given.page is not None:
        _write_into(given.page, f"{summary}\n{page_table(figures)}\n")


def _write_into(page: Path, measured_now: str) -> None:
    before, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    page.write_text(f"{before}{begin}\n{measured_now}{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
