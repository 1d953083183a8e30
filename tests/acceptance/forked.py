"""The bot as a process of its own, forked from one that has loaded its code already.

Loading takes more than a second of CPU, and the acceptance tests start the bot more than a hundred times. A
forked bot has a session, environment, folder, output and signals of its own, as an executed one has. That the
shipped command starts is proven by the tests of the demo, which execute it.
"""

import asyncio
import gc
import json
import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

from bot.sandbox.process import BotProcess, inherited

_ROOT = Path(__file__).parents[2]


class ForkedBot(BotProcess):
    """`BotProcess`, quicker to start."""

    async def _spawn(self, output: IO[bytes]) -> "ForkedProcess":
        return _server().fork(self.env, self._folder, output.name)


class ForkServer:
    """The process that has loaded the bot's code; one for each process that runs tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.forked"],
            cwd=_ROOT,
            env=inherited(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fork(self, env: Mapping[str, str], folder: Path, log: str) -> "ForkedProcess":
        """Start a bot."""
        return ForkedProcess(self, self._ask(env=dict(env), folder=str(folder), log=log))

    def status(self, pid: int) -> int:
        """Return how a process that has ended did so: its exit code, or the negative number of its signal."""
        return self._ask(pid=pid)

    def _ask(self, **question: Any) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@cache
def _server() -> ForkServer:
    return ForkServer()


class ForkedProcess:
    """What the tests use of `asyncio.subprocess.Process`, for a process that is no child of this one."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server
        self._handle = os.pidfd_open(pid)
        self._status: int | None = None

    @property
    def returncode(self) -> int | None:
        """The exit code, or the negative number of the signal; None while the process runs."""
        if self._status is None and select.select([self._handle], [], [], 0)[0]:
            self._status = self._server.status(self.pid)
            os.close(self._handle)
        return self._status

    async def wait(self) -> int:
        """Return the exit code once the process has ended."""
        while self.returncode is None:
            ended = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_reader(self._handle, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(self._handle)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens when the process has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _serve() -> None:
    """Fork a bot or tell how one ended, for each line that comes in; kill those left at the end of input."""
    bots: set[int] = set()
    for line in sys.stdin:
        question = json.loads(line)
        if "pid" in question:
            bots.discard(question["pid"])
            answer = os.waitstatus_to_exitcode(os.waitpid(question["pid"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                _become_the_bot(**question)
            bots.add(answer)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for pid in bots:
        os.kill(pid, signal.SIGKILL)


def _become_the_bot(env: Mapping[str, str], folder: str, log: str) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    random.seed()
    sys.argv = ["veeam-bot", "run"]
    main()


if __name__ == "__main__":
    import aiosqlite  # noqa: F401 -- what the bot loads when it runs
    import alembic.command  # noqa: F401
    import sqlalchemy.dialects.sqlite.aiosqlite  # noqa: F401

    from bot.cli import main

    gc.freeze()
    _serve()
