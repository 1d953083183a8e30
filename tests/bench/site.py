"""The shipped bot in a process of its own, with settings as in production, and the Slack that it serves."""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import yaml

from bot.sandbox.process import BotProcess, inherited
from bot.sandbox.slack import SlackSandbox, default_workspace
from bot.sandbox.slack.app import App
from tests.acceptance.rig import GROUPS, free_port
from tests.bench.vbr import Login
from tests.support.forked import ForkedBot

_READY_SECONDS = 60.0
# httpx and structlog import them where they are there, but an installation of the bot does not bring them:
# import-linter and pytest do.
_DEVELOPERS_LIBRARIES = ("rich", "pygments")
_MANIFEST = Path(__file__).parents[2] / "manifest.yml"


class Replica:
    """One process of the bot."""

    def __init__(self, process: BotProcess, port: int) -> None:
        self.process = process
        self._port = port

    async def start(self, http: aiohttp.ClientSession, look_seconds: float) -> float:
        """Start it; return the seconds until `/readyz` said that it was ready."""
        began = time.monotonic()
        await self.process.start()
        async with asyncio.timeout(_READY_SECONDS):
            while not await self._is_ready(http):
                if not self.process.is_running:
                    raise await self.process.died()
                await asyncio.sleep(look_seconds)
        return time.monotonic() - began

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"http://127.0.0.1:{self._port}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False


class Site:
    """`async with Site(folder, login) as site`: Slack is up; `start` starts the bot. Slack's pace is kept.

    `forked` processes are quicker to start, by what it takes to load the code.
    """

    slack: SlackSandbox
    replicas: tuple[Replica, ...]

    def __init__(
        self,
        folder: Path,
        login: Login,
        *,
        http_mode: bool = False,
        interval_seconds: float = 20.0,
        backfill_hours: float = 1.0,
        toml: str = "",
        further_servers: int = 0,
        database_url: str | None = None,
        processes: int = 1,
        forked: bool = False,
        look_seconds: float = 0.02,
    ) -> None:
        self.folder = folder
        self.database_url = database_url or f"sqlite:///{folder / 'bot.db'}"
        self._login = login
        self._http_mode = http_mode
        self._interval_seconds = interval_seconds
        self._backfill_hours = backfill_hours
        self._toml = toml
        self._further = [f"s{number:03d}" for number in range(further_servers)]
        self._ports = [free_port() for _ in range(processes)]
        self._process = ForkedBot if forked else BotProcess
        self._look_seconds = look_seconds
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        app = App.from_manifest(yaml.safe_load(_MANIFEST.read_text(encoding="utf-8")))
        async with AsyncExitStack() as stack:
            self.slack = await stack.enter_async_context(SlackSandbox(default_workspace(app=app)))
            if self._http_mode:
                self.slack.configure_http(f"http://127.0.0.1:{self._ports[0]}/slack/events")
            self.folder.mkdir()
            env = self._env()
            self.replicas = tuple(self._replica(env, port) for port in self._ports)
            for replica in self.replicas:
                stack.push_async_callback(replica.process.stop)
            self._http = await stack.enter_async_context(aiohttp.ClientSession(trust_env=False))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def bot(self) -> BotProcess:
        """The process, or the first of several."""
        return self.replicas[0].process

    async def start(self) -> float:
        """Start the bot; return the seconds until each of its processes said that it was ready."""
        began = time.monotonic()
        await asyncio.gather(*(each.start(self._http, self._look_seconds) for each in self.replicas))
        return time.monotonic() - began

    def _replica(self, env: dict[str, str], port: int) -> Replica:
        folder = self.folder / str(port)
        folder.mkdir()
        return Replica(self._process(env | {"PORT": str(port)}, folder), port)

    def _env(self) -> dict[str, str]:
        settings = self.folder / "veeam-bot.toml"
        grants = "".join(
            f'[[grants]]\ngroup = "{group}"\nrole = "{role}"\n' for group, role in GROUPS.items()
        )
        servers = "".join(
            f'[[servers]]\nname = "{name}"\nurl = "{self._login.url}"\nusername = "{self._login.username}"\n'
            for name in ("hq", *self._further)
        )
        settings.write_text(
            '[slack]\ndefault_channel = "C0BACKUPS"\n'
            f"[polling]\ninterval_seconds = {self._interval_seconds}\n"
            f"backfill_hours = {self._backfill_hours:g}\n"
            f"{servers}{grants}{self._toml}",
            encoding="utf-8",
        )
        mode = (
            {"SLACK_SIGNING_SECRET": self.slack.signing_secret}
            if self._http_mode
            else {"SLACK_APP_TOKEN": self.slack.app_token}
        )
        return (
            as_installed(self.folder)
            | mode
            | {
                "SLACK_BOT_TOKEN": self.slack.bot_token,
                "SLACK_API_URL": self.slack.api_url,
                "DATABASE_URL": self.database_url,
                "VEEAM_BOT_CONFIG": str(settings),
                "VEEAM_PASSWORD_HQ": self._login.password,
            }
            | {f"VEEAM_PASSWORD_{name.upper()}": self._login.password for name in self._further}
        )


def as_installed(folder: Path) -> dict[str, str]:
    """The environment for a Python that finds what an installation of the bot brings, and nothing more."""
    hiding = folder / "not-installed"
    hiding.mkdir(parents=True, exist_ok=True)
    for library in _DEVELOPERS_LIBRARIES:
        (hiding / f"{library}.py").write_text(f"raise ImportError({library!r})\n", encoding="utf-8")
    environment = inherited()
    return environment | {"PYTHONPATH": os.pathsep.join((str(hiding), environment["PYTHONPATH"]))}
