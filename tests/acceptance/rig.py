"""The shipped bot in a process of its own, between simulated servers that the test holds."""

import asyncio
import json
import signal
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

from bot.sandbox.process import BotProcess, inherited
from bot.sandbox.slack import SlackSandbox, default_workspace
from bot.sandbox.slack.app import App
from bot.sandbox.slack.messages import Channel, Message
from bot.sandbox.slack.transport import Answer
from bot.sandbox.vbr import Behaviour, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.state import Job
from tests.support.forked import ForkedBot

PROD, BACKUPS, SHARED = "C0PROD", "C0BACKUPS", "C0SHARED"
GROUPS = {
    "S0BACKUPADMINS": "Veeam Backup Administrator",
    "S0BACKUPOPERATORS": "Veeam Backup Operator",
    "S0RESTOREOPERATORS": "Veeam Restore Operator",
    "S0BACKUPVIEWERS": "Veeam Backup Viewer",
    "S0TAPEOPERATORS": "Veeam Tape Operator",
}
EVERYTHING = '[[routes]]\nchannel = "C0PROD"\nresults = ["Success", "Warning", "Failed"]\n'
START, STOP, RETRY = (f"/api/v1/jobs/{{id}}/{action}" for action in ("start", "stop", "retry"))
ENABLE, DISABLE, CLONE = (f"/api/v1/jobs/{{id}}/{action}" for action in ("enable", "disable", "clone"))
QUICKBACKUP = "/api/v1/jobs/quickBackup/vSphere"
APPLY, CLEAR_CACHE = (f"/api/v1/jobs/{{id}}/{action}" for action in ("applyConfiguration", "clearCache"))
_LOOK_SECONDS = 0.02


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 -- the bot runs in a process of its own, in real time


@dataclass(frozen=True)
class Setting:
    """What the settings say beside the usual; `others` are further servers, named as their worlds.

    `api_version` is the newest revision that the servers speak, and the one that they are asked for.
    """

    toml: str = EVERYTHING
    slack_toml: str = ""
    polling_seconds: float = 0.5
    others: tuple[World, ...] = ()
    channels: tuple[str, ...] = ()
    environment: Mapping[str, str] | None = None
    slack_ahead_seconds: float = 0.0
    api_version: str = "1.3-rev0"


# People of another organisation are in it too, so that it takes the settings to let anybody act there.
IN_SHARED = Setting(toml="", slack_toml=f'allowed_channels = ["{SHARED}"]', polling_seconds=3600)
# The oldest revision with every verb that acts on a job, and the roles are those of 1.3-rev0.
OF_REV1 = replace(IN_SHARED, api_version="1.3-rev1")


class Rig:
    """`async with Rig(tmp_path) as rig`: the sandboxes are up; `start` starts the bot."""

    vbr: VbrSandbox
    slack: SlackSandbox
    bot: BotProcess

    def __init__(
        self,
        folder: Path,
        setting: Setting | None = None,
        *,
        http_mode: bool = False,
        world: World | None = None,
    ) -> None:
        self.folder = folder
        self.world = world or World(now, name="hq")
        self.setting = setting or Setting()
        self.vbrs: dict[str, VbrSandbox] = {}
        self._http_mode = http_mode
        self._stack = AsyncExitStack()
        self.port = free_port()

    async def __aenter__(self) -> Self:
        manifest = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text(encoding="utf-8"))
        async with AsyncExitStack() as stack:
            for world in (self.world, *self.setting.others):
                revisions = accepted_by(self.setting.api_version)
                behaviour = Behaviour(supported_revisions=revisions, keep_requests=100_000)
                vbr = VbrSandbox(world, behaviour=behaviour)
                self.vbrs[world.name] = await stack.enter_async_context(vbr)
            self.vbr = self.vbrs[self.world.name]
            self.slack = await stack.enter_async_context(
                SlackSandbox(default_workspace(self._slack_time, App.from_manifest(manifest)))
            )
            insiders = self.slack.workspace.conversations.channel(PROD).members
            self.slack.workspace.conversations.add(
                *(Channel(each, each.lower(), members=list(insiders)) for each in self.setting.channels)
            )
            if self._http_mode:
                self.slack.configure_http(f"http://127.0.0.1:{self.port}/slack/events")
            self.bot = ForkedBot(self._env(), self.folder)
            stack.push_async_callback(self.bot.stop)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def start(self) -> None:
        """Start the bot and wait until it is ready."""
        await self.bot.start()
        await self.until_ready()

    async def second_bot(self) -> "Replica":
        """Start another process of the same bot on the same database, and wait until it is ready."""
        port, folder = free_port(), self.folder / "second"
        folder.mkdir()
        process = ForkedBot(self.bot.env | {"PORT": str(port)}, folder)
        self._stack.push_async_callback(process.stop)
        await process.start()
        replica = Replica(process, port)
        await self.until_ready(replica=replica)
        return replica

    async def until_ready(self, seconds: float = 90, replica: "Replica | None" = None) -> None:
        """Wait until `/readyz` says so; the log's end when the bot died."""
        which = replica or Replica(self.bot, self.port)
        async with asyncio.timeout(seconds):
            while (await get("readyz", which.port))[0] != 200:
                if not which.process.is_running:
                    raise await which.process.died()
                await asyncio.sleep(0.05)

    async def get(self, path: str) -> tuple[int, str]:
        """Return the status and the body of one of the bot's endpoints; 0 while nobody listens."""
        return await get(path, self.port)

    async def ready(self) -> dict[str, Any]:
        """What `/readyz` says, by part."""
        _, body = await self.get("readyz")
        report: dict[str, Any] = json.loads(body) if body else {"ready": False}
        return report

    async def until_part(self, part: str, *, ok: bool, seconds: float = 60) -> None:
        """Wait until a part of `/readyz` (a server's by its name) is well, or is not."""
        async with asyncio.timeout(seconds):
            while True:
                report = await self.ready()
                found = report.get(part) or report.get("servers", {}).get(part)
                if found is not None and found["ok"] is ok:
                    return
                await asyncio.sleep(0.05)

    async def until(self, condition: Callable[[], object], seconds: float = 120) -> None:
        """Wait until the condition holds, looked at after each change of the workspace and in between."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                await self.slack.wait_until(condition, _LOOK_SECONDS)
            except TimeoutError:
                if asyncio.get_running_loop().time() > deadline:
                    raise AssertionError(
                        f"not within {seconds} s; the bot's log ends:\n{self.log[-6000:]}"
                    ) from None
            else:
                return

    async def ends(self, number: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int | None:
        """Send the bot a signal and wait for its end; return the exit code."""
        process = self.bot._process
        assert process is not None
        process.send_signal(number)
        async with asyncio.timeout(seconds):
            return await process.wait()

    @property
    def log(self) -> str:
        """What the bot has logged."""
        return self.bot.log.read_text(encoding="utf-8") if self.bot.log.exists() else ""

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        lines = (json.loads(line) for line in self.log.splitlines() if line.startswith("{"))
        return [line for line in lines if line.get("event") == name]

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of the bot's database; none while its tables are not there."""
        path = self.folder / "bot.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.2)) as connection:
            connection.row_factory = sqlite3.Row
            try:
                return [dict(row) for row in connection.execute(query).fetchall()]
            except sqlite3.OperationalError:
                return []

    def waiting(self) -> int:
        """How many rows of the outbox were neither sent nor parked."""
        found = self.rows("SELECT count(*) AS n FROM outbox WHERE sent_at IS NULL AND parked_at IS NULL")
        return int(found[0]["n"]) if found else -1

    def sent(self, method: str, template: str, job: Job | None = None) -> int:
        """How many requests of this kind VBR got, of one job or of all."""
        return sum(
            (each.method, each.template) == (method, template) and (job is None or job.id in each.path)
            for each in self.vbr.requests
        )

    def everything(self) -> list[Message]:
        """Every message of every channel, replies included, each once."""
        channels = self.slack.workspace.conversations.channels.values()
        return [message for channel in channels for message in channel.messages.values()]

    def metadata(self, event_type: str, name: str) -> Counter[str]:
        """How often each value of one field of the metadata stands in the channels."""
        found = (message.content.metadata for message in self.everything())
        return Counter(
            each["event_payload"][name] for each in found if each and each["event_type"] == event_type
        )

    def told(self) -> Counter[str]:
        """How often each session was told, by the metadata of completions."""
        return self.metadata("veeam_session", "session_id")

    def whispers(self, person: str, channel: str = PROD) -> list[str]:
        """What this person alone was told there."""
        return [message.text for message in self.slack.ephemerals(person, channel)]

    async def asks(self, person: str, text: str, channel: str = PROD) -> str:
        """Type a command and return the answer that the person alone gets."""
        before = len(self.slack.ephemerals(person, channel))
        result = await self.slack.person(person).types(channel, text)
        assert result.shown == "ok", result
        await self.until(lambda: len(self.slack.ephemerals(person, channel)) > before)
        return self.slack.ephemerals(person, channel)[before].text

    async def delivers(self, kind: Any, payload: dict[str, Any]) -> Answer:
        """Let Slack deliver a payload that no client would send by itself."""
        deliveries = self.slack.person("ann").deliveries
        return await deliveries.send(kind, payload)

    def _slack_time(self) -> float:
        return time.time() + self.setting.slack_ahead_seconds

    def _env(self) -> dict[str, str]:
        settings, setting = self.folder / "veeam-bot.toml", self.setting
        grants = "".join(
            f'[[grants]]\ngroup = "{group}"\nrole = "{role}"\n' for group, role in GROUPS.items()
        )
        account = self.vbr.behaviour.accounts[0]
        servers = "".join(
            f'[[servers]]\nname = "{name}"\nurl = "{vbr.url}"\nusername = "{account.username}"\n'
            f'api_version = "{setting.api_version}"\n'
            for name, vbr in self.vbrs.items()
        )
        settings.write_text(
            f'[slack]\ndefault_channel = "{BACKUPS}"\n{setting.slack_toml}\n'
            f"[polling]\ninterval_seconds = {setting.polling_seconds}\n{servers}{grants}{setting.toml}",
            encoding="utf-8",
        )
        mode = (
            {"SLACK_SIGNING_SECRET": self.slack.signing_secret}
            if self._http_mode
            else {"SLACK_APP_TOKEN": self.slack.app_token}
        )
        passwords = {f"VEEAM_PASSWORD_{name.upper()}": account.password for name in self.vbrs}
        own = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_API_URL": self.slack.api_url,
            "DATABASE_URL": f"sqlite:///{self.folder / 'bot.db'}",
            "PORT": str(self.port),
            "VEEAM_BOT_CONFIG": str(settings),
            "LOG_LEVEL": "debug",
        }
        return inherited() | mode | passwords | own | dict(setting.environment or {})


@dataclass(frozen=True)
class Replica:
    """A further process of the bot."""

    process: BotProcess
    port: int


async def get(path: str, port: int) -> tuple[int, str]:
    """Return the status and the body of an endpoint; 0 while nobody listens."""
    async with aiohttp.ClientSession(trust_env=False) as session:
        try:
            async with session.get(f"http://127.0.0.1:{port}/{path}") as response:
                return response.status, await response.text()
        except aiohttp.ClientError:
            return 0, ""


def routes(channels: Iterable[str]) -> str:
    """One route for each channel, to which the jobs go whose names begin with its ID."""
    return "".join(
        f'[[routes]]\nchannel = "{each}"\njobs = ["{each} *"]\nresults = ["Success", "Warning", "Failed"]\n'
        for each in channels
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
