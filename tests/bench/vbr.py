"""Simulated VBRs as the measurements hold them: here, or in a process of their own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from bot.sandbox.vbr import VbrSandbox
from bot.settings import ServerName
from bot.veeam import Connection

_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Login:
    """Where a VBR is, and one of its accounts."""

    url: str
    username: str
    password: str

    @property
    def connection(self) -> Connection:
        """The same for the bot's own client."""
        return Connection(ServerName("hq"), self.url, self.username, SecretStr(self.password))


@dataclass(frozen=True)
class Span:
    """One request, from its arrival at VBR to its answer; seconds of the machine's monotonic clock."""

    began: float
    ended: float
    path: str


class FarVbr:
    """A simulated VBR in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, login: Login) -> None:
        self._process = process
        self.login = login

    async def spans(self) -> list[Span]:
        """What it was asked since this was asked last."""
        return [Span(*span) for span in await self._ask({"ask": "spans"})]

    async def fail_anew(self, count: int) -> None:
        """Let jobs fail that have failed before."""
        await self._ask({"ask": "fail_anew", "count": count})

    async def fail_lately(self, count: int, seconds: float) -> None:
        """Let so many jobs have failed within the last seconds, each once."""
        await self._ask({"ask": "fail_lately", "count": count, "seconds": seconds})

    async def catch_up(self, sessions: int) -> None:
        """Let the clock jump to the present, and so many sessions have ended on the way, a tenth Failed."""
        await self._ask({"ask": "catch_up", "sessions": sessions})

    async def fail_named(self, name: str) -> float:
        """Let a new job of this name fail; return when, in seconds of the epoch."""
        ended_at: float = await self._ask({"ask": "fail_named", "name": name})
        return ended_at

    async def _ask(self, question: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        await self._process.stdin.drain()
        return json.loads(await _line(self._process))


@asynccontextmanager
async def far_vbr(jobs: int, hours_behind: float = 0.0) -> AsyncIterator[FarVbr]:
    """A VBR with so many jobs, none of which ended lately; its process ends with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.vbr_process", str(jobs), str(hours_behind)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_MOST_BYTES,
    )
    try:
        yield FarVbr(process, Login(**json.loads(await _line(process))))
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


def login_of(vbr: VbrSandbox) -> Login:
    """The first account of a VBR in this process."""
    account = vbr.behaviour.accounts[0]
    return Login(vbr.url, account.username, account.password)


def busy_seconds(spans: Sequence[Span], *, since: float, until: float) -> float:
    """For how long, between two moments, at least one request was at VBR."""
    busy, reached = 0.0, since
    for span in sorted(spans, key=lambda each: each.began):
        began, ended = max(span.began, reached), min(span.ended, until)
        busy += max(0.0, ended - began)
        reached = max(reached, ended)
    return busy


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("the process of the simulated VBR ended")
    return line
