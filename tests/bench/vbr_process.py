"""A simulated VBR in a process of its own, so that its work does not count as the bot's.

It tells on its standard output where it is, then answers one line of JSON with one line of JSON until its
standard input ends.
"""

import asyncio
import gc
import json
import sys
import time
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from bot.observability import SystemClock
from bot.sandbox.vbr import Behaviour, VbrSandbox, World

_LONG_AGO = timedelta(hours=2)


class TimedVbr(VbrSandbox):
    """Notes when it worked on each request, by the clock that all processes of a machine share."""

    def __init__(self, world: World) -> None:
        super().__init__(world, behaviour=Behaviour(keep_requests=10))
        self.spans: list[tuple[float, float, str]] = []

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        began = time.monotonic()
        try:
            return await super()._handle(request)
        finally:
            self.spans.append((began, time.monotonic(), request.path))


class Estate:
    """Jobs that each ran once, hours ago, every tenth of them Failed, and that can be made to fail anew."""

    def __init__(self, jobs: int) -> None:
        self._clock = SystemClock()
        self.world = World(self._clock.now, name="hq")
        self._jobs = [
            self.world.add_job(f"Bulk job {number:05d}", objects=(f"bulk{number:05d}",))
            for number in range(jobs)
        ]
        self._next = 0
        for number in range(jobs):
            self._finish(number, self._clock.now() - _LONG_AGO - timedelta(seconds=number))

    def fail_anew(self, count: int) -> None:
        """Let jobs that failed before have failed again just now: nobody has seen why yet."""
        for _ in range(count):
            self._finish(self._next, self._clock.now())
            self._next = (self._next + 10) % len(self._jobs)

    def _finish(self, number: int, ended_at: datetime) -> None:
        result = "Failed" if number % 10 == 0 else "Warning" if number % 7 == 0 else "Success"
        machines = [] if result == "Success" else [f"bulk{number:05d}"]
        self.world.finish_run(self._jobs[number], ended_at=ended_at, result=result, objects=machines)


def _answer(vbr: TimedVbr, estate: Estate, line: bytes) -> Any:
    match json.loads(line):
        case {"ask": "spans"}:
            taken, vbr.spans = vbr.spans, []
            return taken
        case {"ask": "fail_anew", "count": int(count)}:
            estate.fail_anew(count)
    return None


async def _serve(jobs: int) -> None:
    estate = Estate(jobs)
    gc.freeze()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with TimedVbr(estate.world) as vbr:
        account = vbr.behaviour.accounts[0]
        _say({"url": vbr.url, "username": account.username, "password": account.password})
        async for line in lines:
            _say(_answer(vbr, estate, line))


def _say(value: Any) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
