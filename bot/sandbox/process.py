"""The bot as a child process: as it is shipped, from this installation, in an environment of its own."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

import yaml

import bot

_NOT_INHERITED = ("DATABASE_URL", "PORT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY")
_STOP_SECONDS = 20.0
_LAST_LINES = 20


class BotDied(Exception):
    """The bot's process ended on its own; `last_lines` is the end of its log."""

    def __init__(self, status: int | None, last_lines: str) -> None:
        super().__init__(f"the bot ended with status {status}")
        self.status = status
        self.last_lines = last_lines


class ManifestMissing(Exception):
    """The bot cannot print the manifest that the simulated Slack installs it by; the text is its output."""


class Process(Protocol):
    """A process, as far as it is needed here; `asyncio.subprocess.Process` is one."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """Its exit code, or the negative number of the signal that ended it; None while it runs."""

    async def wait(self) -> int:
        """Return the exit code once it has ended."""

    def send_signal(self, signal: int, /) -> None:
        """Send it a signal."""

    def terminate(self) -> None:
        """Send it SIGTERM."""

    def kill(self) -> None:
        """Send it SIGKILL."""


class BotProcess:
    """The bot as a child process; its output goes to `log`. `started` is set while one is meant to run."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self.env = dict(env)
        self.log = folder / "bot.log"
        self.started = asyncio.Event()
        self._folder = folder
        self._process: Process | None = None

    @property
    def is_running(self) -> bool:
        """Whether a process is there that has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process's number; None before the first start."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start the bot; it connects on its own time, see `Demo.ready`."""
        with _appending(self.log) as output:
            self._process = await self._spawn(output)
        self.started.set()

    async def _spawn(self, output: IO[bytes]) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env=self.env,
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl+C is for the demo alone, which then stops everything in order
        )

    async def stop(self) -> None:
        """Ask the bot to end (SIGTERM), and end it after 20 seconds."""
        self.started.clear()
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End the bot in the middle of whatever it does (SIGKILL)."""
        self.started.clear()
        self.kill_now()
        if self._process is not None:
            await self._process.wait()

    def kill_now(self) -> None:
        """The same, without waiting for the end."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def died(self) -> BotDied:
        """Wait until the process ends, however it does, and tell how."""
        status = await self._process.wait() if self._process is not None else None
        return BotDied(status, "\n".join(_lines(self.log)[-_LAST_LINES:]))


async def printed_manifest(folder: Path, *options: str) -> dict[str, Any]:
    """Return the Slack manifest that the bot prints; raises `ManifestMissing` where it prints none."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "manifest", *options),
        env=inherited(),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaint = await process.communicate()
    if process.returncode != 0:
        raise ManifestMissing(complaint.decode(errors="replace").strip())
    manifest: dict[str, Any] = yaml.safe_load(printed)
    return manifest


def inherited() -> dict[str, str]:
    """Return this process's environment without anything that would lead the bot out of the sandbox."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLACK_", "VEEAM_"))
        and name.removesuffix("_FILE").upper() not in _NOT_INHERITED
    }
    paths = [str(Path(bot.__file__).parents[1]), kept.get("PYTHONPATH", "")]
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def _appending(log: Path) -> IO[bytes]:
    return log.open("ab")


def _lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
