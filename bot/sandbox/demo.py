"""The demonstration: two simulated VBR servers, a simulated Slack with its page, and the shipped bot.

The bot is a process of its own that knows nothing of the sandbox: its environment and its settings file tell
it where Slack and the servers are, as in any deployment, and Slack grants what the bot's manifest asks for.
`Demo` is the handle for tests, `run_demo` the command.
"""

import asyncio
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from bot.sandbox.page import FaultSwitch, PageSetting, SandboxPage, ServerCard
from bot.sandbox.process import BotDied, BotProcess, ManifestMissing, inherited, printed_manifest
from bot.sandbox.slack import SlackSandbox, default_workspace
from bot.sandbox.slack.app import App
from bot.sandbox.slack.faults import RateLimited
from bot.sandbox.vbr import Behaviour, Outcome, Role, VbrSandbox, World, accepted_by, seeded_world
from bot.sandbox.vbr.faults import ANY, slow
from bot.sandbox.vbr.seed import LIVELY, Seeding
from bot.sandbox.vbr.tls import Tls, make_tls

#: The revision that each site's server is of: a 13.0, and a 13.1 with the newer types of jobs.
API_VERSIONS = {"hq": "1.3-rev0", "branch": "1.3-rev2"}
SITES = tuple(API_VERSIONS)

_ROLES = {
    "S0BACKUPADMINS": "Veeam Backup Administrator",
    "S0BACKUPOPERATORS": "Veeam Backup Operator",
    "S0RESTOREOPERATORS": "Veeam Restore Operator",
    "S0BACKUPVIEWERS": "Veeam Backup Viewer",
    "S0TAPEOPERATORS": "Veeam Tape Operator",
}
_EXAMPLES = (
    ("help", "what the bot can do"),
    ("jobs failed", "jobs whose last run failed"),
    ("jobs running", "what is running now"),
    ("status", "all servers at a glance"),
    ("sessions failed 24h", "what failed since yesterday"),
    ("whoami", "your role, and why"),
)
_SLOW_SECONDS = 8.0
_STORM_SITE, _SHOPS = "branch", 7
_STORM_AFTER, _STORM_OVER_AFTER = timedelta(minutes=2), timedelta(minutes=6)
_NO_SPACE = "There is not enough space on the disk. Failed to write data to the file [E:\\Backup\\{}.vbk]."
_DIGEST_AFTER = timedelta(minutes=4)
"""So long after the start the day's digest comes, rounded down to a whole minute."""
_READY_SECONDS = 30.0


class Demo:
    """The sandbox around one bot; as a context manager it is there, and `start` starts the bot in it.

    `vbrs` are the servers by name, `slack` the workspace's handle, `bot_env` what the bot is started with.
    `worlds` replaces the lively ones, by site; these live by `clock`. What is on disk is in `folder` and ends
    with the context.
    """

    slack: SlackSandbox
    page: SandboxPage
    bot: BotProcess

    def __init__(
        self,
        port: int = 0,
        *,
        worlds: Mapping[str, World] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._port = port
        self._worlds = worlds
        self._clock = clock or _now
        self._stack = AsyncExitStack()
        self._tls: dict[str, Tls] = {}
        self._slow: set[str] = set()
        self._dark: set[str] = set()
        self.vbrs: dict[str, VbrSandbox] = {}
        self.cards: tuple[ServerCard, ...] = ()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._build(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    @property
    def page_url(self) -> str:
        """The address of the page."""
        return self.page.url

    @property
    def bot_url(self) -> str:
        """The address of the bot's own endpoints (`healthz`, `readyz`, `metrics`)."""
        return f"http://127.0.0.1:{self.bot_env['PORT']}/"

    @property
    def bot_env(self) -> dict[str, str]:
        """The environment of the bot's process; may be changed before a start."""
        return self.bot.env

    async def start(self) -> None:
        """Start the bot."""
        await self.bot.start()

    async def stop(self) -> None:
        """Let the bot end in its own order."""
        await self.bot.stop()

    async def kill(self) -> None:
        """Kill the bot (SIGKILL); the rest of the sandbox goes on."""
        await self.bot.kill()

    async def restart(self) -> None:
        """Start the bot again, on the same database."""
        await self.bot.kill()
        await self.start()

    async def ready(self, timeout_seconds: float = _READY_SECONDS) -> None:
        """Return once the bot says it is ready; `BotDied` when it ends, `TimeoutError` after that long."""
        async with asyncio.timeout(timeout_seconds), aiohttp.ClientSession(trust_env=False) as session:
            while not await _is_ready(session, f"{self.bot_url}readyz"):
                if not self.bot.is_running:
                    raise await self.bot.died()
                await asyncio.sleep(0.1)

    async def _build(self, stack: AsyncExitStack) -> None:
        enter = stack.enter_async_context
        temporary = tempfile.TemporaryDirectory(prefix="veeam-bot-demo-", ignore_cleanup_errors=True)
        self.folder = Path(stack.enter_context(temporary))
        for site in SITES:
            self._tls[site] = await asyncio.to_thread(_certificate, self.folder / site)
            world = self._worlds[site] if self._worlds else _lively_world(self._clock, site)
            behaviour = Behaviour(supported_revisions=accepted_by(API_VERSIONS[site]))
            self.vbrs[site] = await enter(
                VbrSandbox(world, ssl_context=self._tls[site].ssl_context, behaviour=behaviour)
            )
        self.cards = tuple(self._card(name) for name in self.vbrs)
        workspace = default_workspace(
            app=App.from_manifest(await printed_manifest(self.folder, "--pictures"))
        )
        self.slack = await enter(SlackSandbox(workspace))
        self.page = SandboxPage(workspace, self.slack.person, self._page_setting())
        await self.page.start(self._port)
        stack.push_async_callback(self.page.stop)
        settings = self.folder / "veeam-bot.toml"
        settings.write_text(self._settings(), encoding="utf-8")
        self.bot = BotProcess(self._env(settings), self.folder)
        stack.push_async_callback(self.bot.stop)

    def _settings(self) -> str:
        servers = [
            f'[[servers]]\nname = "{name}"\nurl = "{vbr.url}"\nusername = "{_account(vbr)[0]}"\n'
            f'ca_file = "{self._tls[name].ca_file.as_posix()}"\n'
            for name, vbr in self.vbrs.items()
        ]
        grants = [f'[[grants]]\ngroup = "{group}"\nrole = "{role}"\n' for group, role in _ROLES.items()]
        route = (
            '[[routes]]\nchannel = "C0PROD"\nservers = ["hq"]\nmention = "S0ONCALL"\n'
            'jobs = ["SQL*", "Oracle*", "Exchange*", "Web tier*", "File servers", "Domain controllers"]\n'
        )
        slack, polling = (
            '[slack]\ndefault_channel = "C0BACKUPS"\naudit_channel = "C0AUDIT"\n',
            "[polling]\ninterval_seconds = 3\n",
        )
        # Left alone, the demo shows one repository that runs full, and what else is expected stays met.
        expectation = (
            '[[expectations]]\nservers = ["hq"]\nchannel = "C0BACKUPS"\nrepository_free_percent = 3\n'
            "licence_days = 30\nconfig_backup_days = 7\ndisabled_longer_than_hours = 24\n"
        )
        approvals = '[approvals]\noperations = ["delete"]\n'
        # The worlds of tests have no day, and nothing is expected of them.
        digest_at = f"{self._clock() + _DIGEST_AFTER:%H:%M}"
        digest = f'[[digests]]\nchannel = "C0DIGEST"\nat = "{digest_at}"\npicture = true\n'
        digest, expectation = ("", "") if self._worlds else (digest, expectation)
        return "\n".join([slack, *servers, *grants, route, expectation, digest, polling, approvals])

    def _env(self, settings: Path) -> dict[str, str]:
        passwords = {f"VEEAM_PASSWORD_{name.upper()}": _account(vbr)[1] for name, vbr in self.vbrs.items()}
        return {
            "LOG_FORMAT": "console",
            **inherited(),
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "DATABASE_URL": f"sqlite:///{(self.folder / 'veeam-bot.db').as_posix()}",
            "PORT": str(_free_port()),
            "VEEAM_BOT_CONFIG": str(settings),
            **passwords,
        }

    def _page_setting(self) -> PageSetting:
        groups = self.slack.workspace.directory.groups
        insiders = {
            person.id: _ROLES[group]
            for group in _ROLES
            for person in map(self.slack.workspace.directory.people.__getitem__, groups[group].users)
            if person.kind in ("admin", "member")
        }
        return PageSetting(
            servers=self.cards,
            faults=(
                *(fault for name in self.vbrs for fault in self._server_faults(name)),
                *self._other_faults(),
            ),
            roles=insiders,
            examples=_EXAMPLES,
            channel="C0PROD",
            person="U0ANN",
        )

    def _card(self, name: str) -> ServerCard:
        username, password = _account(self.vbrs[name])
        return ServerCard(
            name, self.vbrs[name].url, username, password, API_VERSIONS[name], self._tls[name].fingerprint
        )

    def _server_faults(self, name: str) -> tuple[FaultSwitch, FaultSwitch]:
        async def go_dark(on: bool) -> None:  # noqa: FBT001 - a switch has two positions
            await (self.vbrs[name].go_dark() if on else self.vbrs[name].come_back())
            (self._dark.add if on else self._dark.discard)(name)

        async def go_slow(on: bool) -> None:  # noqa: FBT001 - a switch has two positions
            self.vbrs[name].faults.clear()
            if on:
                self.vbrs[name].faults.add(ANY, ANY, slow(_SLOW_SECONDS), times=sys.maxsize)
            (self._slow.add if on else self._slow.discard)(name)

        return (
            FaultSwitch(
                f"dark-{name}",
                f"{name} is down",
                "It refuses connections.",
                go_dark,
                lambda: name in self._dark,
            ),
            FaultSwitch(
                f"slow-{name}",
                f"{name} is slow",
                f"Each answer takes {_SLOW_SECONDS:g} seconds.",
                go_slow,
                lambda: name in self._slow,
            ),
        )

    def _other_faults(self) -> tuple[FaultSwitch, ...]:
        async def limit(_on: bool) -> None:  # noqa: FBT001 - the faults' one signature
            self.slack.faults.add("chat.postMessage", RateLimited(retry_after=5), times=3)

        async def cut(_on: bool) -> None:  # noqa: FBT001 - the faults' one signature
            self.slack.socket_mode.cut()

        async def kill(on: bool) -> None:  # noqa: FBT001 - a switch has two positions
            await (self.kill() if on else self.restart())

        return (
            FaultSwitch(
                "limited", "Slack says “too many”", "The next three posts get 429 with Retry-After 5.", limit
            ),
            FaultSwitch(
                "cut", "The socket drops", "Slack's WebSocket to the bot breaks without a word.", cut
            ),
            FaultSwitch(
                "killed",
                "The bot is killed",
                "kill -9; off starts it again.",
                kill,
                lambda: not self.bot.started.is_set(),
            ),
        )


async def run_demo(port: int, echo: Callable[[str], object]) -> int:
    """Run the demonstration until SIGINT or SIGTERM; `echo` prints a line. Returns the exit code."""
    over = asyncio.Event()
    try:
        async with Demo(port) as demo:
            _on_signals(over, demo)
            await demo.start()
            for line in _greeting(demo):
                echo(line)
            died = await _until_over(demo, over)
            if died is None:
                echo("Stopping …")
                return 0
            echo(f"{str(died).capitalize()}. The end of its log:\n\n{died.last_lines}")
            return 1
    except ManifestMissing as missing:
        echo(f"The bot cannot print its Slack manifest:\n\n{missing}")
    except OSError as error:
        echo(f"The page cannot listen on port {port}: {error.strerror}. Try --port 0 for a free one.")
    return 1


async def _until_over(demo: Demo, over: asyncio.Event) -> BotDied | None:
    """Wait for the signal, or for the bot to die without being killed on purpose."""
    deaths: list[BotDied] = []

    async def watch() -> None:
        while not over.is_set():
            await demo.bot.started.wait()
            died = await demo.bot.died()
            if demo.bot.started.is_set():
                deaths.append(died)
                over.set()

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        await over.wait()
        watching.cancel()
    return deaths[0] if deaths else None


def _on_signals(over: asyncio.Event, demo: Demo) -> None:
    """Let the first signal end the demo in order, and the second one at once."""

    def stop() -> None:
        if over.is_set():
            demo.bot.kill_now()
        over.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _greeting(demo: Demo) -> list[str]:
    servers = [
        line
        for card in demo.cards
        for line in (
            f"  VBR {card.name:<8} {card.url}   user {card.username}   password {card.password}",
            f"               certificate {card.fingerprint} (SHA-256)",
        )
    ]
    return [
        "The sandbox is running. Nothing leaves this machine.",
        "",
        f"  Page         {demo.page_url}",
        *servers,
        f"  Bot's log    {demo.bot.log}",
        "",
        "Open the page and type /veeam jobs failed. Ctrl+C ends everything.",
    ]


def _lively_world(clock: Callable[[], datetime], site: str) -> World:
    world = seeded_world(clock, site, Seeding(pace=LIVELY, await_minutes=1))
    if site == _STORM_SITE:
        _plan_storm(world)
    return world


def _plan_storm(world: World) -> None:
    """Let all the shops' jobs fail at once some minutes from now, for want of space, and recover later."""
    fails_at, recovers_at = world.now() + _STORM_AFTER, world.now() + _STORM_OVER_AFTER
    fullest = min(world.book.repositories.values(), key=lambda repository: repository.free_gb)
    for number in range(1, _SHOPS + 1):
        machine = f"shop{number:02}"
        job = world.add_job(
            f"Shop {number:02}", objects=(machine,), run_seconds=20.0, repository_id=fullest.id
        )
        world.finish_run(job, ended_at=world.now() - timedelta(hours=9, minutes=number), seconds=540)
        world.life.plan_run(job, fails_at, Outcome("Failed", {machine: _NO_SPACE.format(machine)}))
        world.life.plan_run(job, recovers_at, Outcome("Success"))


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _certificate(folder: Path) -> Tls:
    folder.mkdir()
    return make_tls("127.0.0.1", folder)


def _account(vbr: VbrSandbox) -> tuple[str, str]:
    account = vbr.accounts.by_role(Role.ADMINISTRATOR)
    return account.username, account.password


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
