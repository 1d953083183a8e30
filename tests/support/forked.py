"""The command line as a process of its own, forked from one that has loaded its code already.

Loading takes more than a second of CPU, and the tests start the bot more than two hundred times. A forked
process has a session, environment, folder, output and signals of its own, as an executed one has. That the
shipped command starts is proven by tests that execute it: those of the demo, and some of the command line.
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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

from bot.sandbox.process import BotProcess, inherited

_ROOT = Path(__file__).parents[2]
_LOOK_SECONDS = 0.01


class ForkedBot(BotProcess):
    """`BotProcess`, quicker to start."""

    async def _spawn(self, output: IO[bytes]) -> "ForkedProcess":
        if self._process is not None:
            # A fork is ready before a killed process has let go of its port.
            await self._process.wait()
        return fork(["run"], self.env, self._folder, output.name)


def run(
    *arguments: str,
    environ: Mapping[str, str],
    folder: Path,
    seconds: float = 30,
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end, as `subprocess.run` would."""
    output, errors = (folder.parent / f"{folder.name}.{name}" for name in ("stdout", "stderr"))
    for file in (output, errors):
        file.write_text("")
    process = fork(arguments, environ, folder, str(output), str(errors))
    status = process.wait_here(seconds)
    return subprocess.CompletedProcess(arguments, status, output.read_text(), errors.read_text())


def fork(
    arguments: Sequence[str],
    env: Mapping[str, str],
    folder: Path,
    output: str,
    errors: str | None = None,
) -> "ForkedProcess":
    """Start the command line; what it prints is appended to `output`, and its errors to their own file."""
    question = {"arguments": list(arguments), "env": dict(env), "folder": str(folder)}
    server = _server()
    return ForkedProcess(server, server.ask(**question, output=output, errors=errors or output))


class ForkServer:
    """The process that has loaded the code; one for each process that runs tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forked"],
            cwd=_ROOT,
            env=inherited(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **question: Any) -> int:
        """Fork a process and return its number; asked about a `pid` that has ended, return its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        """End it: then its time, and that of what it forked, counts as this process's."""
        self._process.communicate()


@cache
def _server() -> ForkServer:
    return ForkServer()


def end_server() -> None:
    """End the process that forks, if there is one, once nothing is to be forked any more."""
    if _server.cache_info().currsize:
        _server().end()
        _server.cache_clear()


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
            self._status = self._server.ask(pid=self.pid)
            os.close(self._handle)
        return self._status

    def wait_here(self, seconds: float) -> int:
        """Return the exit code once the process has ended, without an event loop; `TimeoutError`."""
        select.select([self._handle], [], [], seconds)
        if self.returncode is None:
            self.kill()
            raise TimeoutError
        return self.returncode

    async def wait(self) -> int:
        """Return the exit code once the process has ended, to however many wait for it."""
        # No reader is set on the handle: whoever looks at `returncode` first closes it.
        while self.returncode is None:  # noqa: ASYNC110 -- another process ends it
            await asyncio.sleep(_LOOK_SECONDS)
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
    """Fork a process or tell how one ended, for each line of input; kill the rest when input ends."""
    running: set[int] = set()
    for line in sys.stdin:
        question = json.loads(line)
        if "pid" in question:
            running.discard(question["pid"])
            answer = os.waitstatus_to_exitcode(os.waitpid(question["pid"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                _become(**question)
            running.add(answer)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _become(arguments: Sequence[str], env: Mapping[str, str], folder: str, output: str, errors: str) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    random.seed()
    sys.argv = ["veeam-bot", *arguments]
    main()


if __name__ == "__main__":
    import aiosqlite  # noqa: F401 -- what the commands load when they need it
    import alembic.command  # noqa: F401
    import anyio._backends._asyncio  # noqa: F401
    import httpcore  # noqa: F401
    import slack_bolt.listener_matcher.async_builtins  # noqa: F401
    import sqlalchemy.dialects.sqlite.aiosqlite  # noqa: F401
    import tabulate  # noqa: F401
    import yaml  # noqa: F401

    from bot.cli import main

    gc.freeze()
    _serve()
