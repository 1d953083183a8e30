"""The shipped bot in a process of its own, between a simulated VBR and a simulated Slack that the test holds."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

from bot.sandbox.process import BotProcess, inherited
from bot.sandbox.slack import SlackSandbox, default_workspace
from bot.sandbox.slack.app import App
from bot.sandbox.slack.messages import Message
from bot.sandbox.vbr import VbrSandbox, World

PROD, BACKUPS = "C0PROD", "C0BACKUPS"
GROUPS = {
    "S0BACKUPADMINS": "Veeam Backup Administrator",
    "S0BACKUPOPERATORS": "Veeam Backup Operator",
    "S0RESTOREOPERATORS": "Veeam Restore Operator",
    "S0BACKUPVIEWERS": "Veeam Backup Viewer",
    "S0TAPEOPERATORS": "Veeam Tape Operator",
}
EVERYTHING = '[[routes]]\nchannel = "C0PROD"\nresults = ["Success", "Warning", "Failed"]\n'


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 -- the bot runs in a process of its own, in real time


class Rig:
    """`async with Rig(tmp_path) as rig`: both sandboxes are up; `start` starts the bot."""

    vbr: VbrSandbox
    slack: SlackSandbox
    bot: BotProcess

    def __init__(
        self, folder: Path, *, http_mode: bool = False, world: World | None = None, toml: str = EVERYTHING
    ) -> None:
        self.folder = folder
        self.world = world or World(now, name="hq")
        self._http_mode = http_mode
        self._toml = toml
        self._stack = AsyncExitStack()
        self._port = free_port()

    async def __aenter__(self) -> Self:
        manifest = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text(encoding="utf-8"))
        async with AsyncExitStack() as stack:
            self.vbr = await stack.enter_async_context(VbrSandbox(self.world))
            self.slack = await stack.enter_async_context(
                SlackSandbox(default_workspace(app=App.from_manifest(manifest)))
            )
            if self._http_mode:
                self.slack.configure_http(f"http://127.0.0.1:{self._port}/slack/events")
            self.bot = BotProcess(self._env(), self.folder)
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

    async def until_ready(self, seconds: float = 30) -> None:
        """Wait until `/readyz` says so; the log's end when the bot died."""
        async with asyncio.timeout(seconds):
            while (await self.get("readyz"))[0] != 200:
                if not self.bot.is_running:
                    raise await self.bot.died()
                await asyncio.sleep(0.05)

    async def get(self, path: str) -> tuple[int, str]:
        """Return the status and the body of one of the bot's endpoints; 0 while nobody listens."""
        async with aiohttp.ClientSession(trust_env=False) as session:
            try:
                async with session.get(f"http://127.0.0.1:{self._port}/{path}") as response:
                    return response.status, await response.text()
            except aiohttp.ClientError:
                return 0, ""

    async def until(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Wait until the condition holds, looked at after each change of the workspace."""
        try:
            await self.slack.wait_until(condition, seconds)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s; the bot's log ends:\n{self.log[-4000:]}") from None

    @property
    def log(self) -> str:
        """What the bot has logged."""
        return self.bot.log.read_text(encoding="utf-8") if self.bot.log.exists() else ""

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        lines = (json.loads(line) for line in self.log.splitlines() if line.startswith("{"))
        return [line for line in lines if line.get("event") == name]

    def sent(self, method: str, template: str) -> int:
        """How many requests of this kind VBR got."""
        return sum(each.method == method and each.template == template for each in self.vbr.requests)

    def everything(self, channels: Iterable[str] = (PROD, BACKUPS)) -> list[Message]:
        """Every message of the channels, replies included, each once."""
        found: dict[tuple[str, str], Message] = {}
        for channel in channels:
            for message in self.slack.messages(channel):
                found[channel, message.ts] = message
                for reply in self.slack.thread(channel, message.ts):
                    found[channel, reply.ts] = reply
        return list(found.values())

    def told(self) -> Counter[str]:
        """How often each session was told, by the metadata of completions."""
        payloads = (
            message.content.metadata["event_payload"]
            for message in self.everything()
            if message.content.metadata and message.content.metadata["event_type"] == "veeam_session"
        )
        return Counter(payload["session_id"] for payload in payloads)

    def whispers(self, person: str, channel: str = PROD) -> list[str]:
        """What this person alone was told there."""
        return [message.text for message in self.slack.ephemerals(person, channel)]

    def _env(self) -> dict[str, str]:
        settings = self.folder / "veeam-bot.toml"
        grants = "".join(
            f'[[grants]]\ngroup = "{group}"\nrole = "{role}"\n' for group, role in GROUPS.items()
        )
        account = self.vbr.behaviour.accounts[0]
        settings.write_text(
            f'[slack]\ndefault_channel = "{BACKUPS}"\n[polling]\ninterval_seconds = 0.5\n'
            f'[[servers]]\nname = "hq"\nurl = "{self.vbr.url}"\nusername = "{account.username}"\n'
            f"{grants}{self._toml}",
            encoding="utf-8",
        )
        mode = (
            {"SLACK_SIGNING_SECRET": self.slack.signing_secret}
            if self._http_mode
            else {"SLACK_APP_TOKEN": self.slack.app_token}
        )
        return (
            inherited()
            | mode
            | {
                "SLACK_BOT_TOKEN": self.slack.bot_token,
                "SLACK_API_URL": self.slack.api_url,
                "DATABASE_URL": f"sqlite:///{self.folder / 'bot.db'}",
                "PORT": str(self._port),
                "VEEAM_BOT_CONFIG": str(settings),
                "VEEAM_PASSWORD_HQ": account.password,
                "LOG_LEVEL": "debug",
            }
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
