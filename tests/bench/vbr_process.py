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
_CLOCK = SystemClock()


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

    def __init__(self, jobs: int, behind: timedelta) -> None:
        self._behind = behind
        self.world = World(self._now, name="hq")
        self._jobs = [
            self.world.add_job(f"Bulk job {number:05d}", objects=(f"bulk{number:05d}",))
            for number in range(jobs)
        ]
        self._next = 0
        for number in range(jobs):
            self._finish(number, self._now() - _LONG_AGO - timedelta(seconds=number))

    def _now(self) -> datetime:
        return _CLOCK.now() - self._behind

    def fail_anew(self, count: int) -> None:
        """Let jobs that failed before have failed again just now: nobody has seen why yet."""
        for _ in range(count):
            self._finish(self._next, self._now())
            self._next = (self._next + 10) % len(self._jobs)

    def fail_lately(self, count: int, seconds: float) -> None:
        """Let so many jobs have failed, one after the other, the last one now."""
        now = self._now()
        for number in range(count):
            self._finish(number, now - timedelta(seconds=seconds * (1 - (number + 1) / count)), "Failed")

    def catch_up(self, sessions: int) -> None:
        """Let the clock jump to the present, and so many sessions have ended on the way."""
        behind, self._behind = self._behind, timedelta()
        now = self._now()
        self.world.tick()
        for number in range(sessions):
            self._finish(number % len(self._jobs), now - behind * (1 - number / sessions))

    def fail_named(self, name: str) -> float:
        """Let a new job of this name fail, and return when."""
        failed = self.world.finish_run(self.world.add_job(name), result="Failed", objects=["vm01"])
        assert failed.ended_at is not None
        return failed.ended_at.timestamp()

    def _finish(self, number: int, ended_at: datetime, result: str | None = None) -> None:
        if result is None:
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
        case {"ask": "fail_lately", "count": int(count), "seconds": float(seconds)}:
            estate.fail_lately(count, seconds)
        case {"ask": "catch_up", "sessions": int(sessions)}:
            estate.catch_up(sessions)
        case {"ask": "fail_named", "name": str(name)}:
            return estate.fail_named(name)
    return None


async def _serve(jobs: int, behind: timedelta) -> None:
    estate = Estate(jobs, behind)
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
    asyncio.run(_serve(int(sys.argv[1]), timedelta(hours=float(sys.argv[2]))))
