"""Announced once: whatever dies, whatever gets lost on the way back, and however often Slack says "later"."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bot.observability import SystemClock
from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.faults import Dropped, RateLimited
from bot.sandbox.slack.messages import Channel, Message
from bot.sandbox.vbr import VbrSandbox, World
from bot.store import Database, Outbox
from tests.acceptance.rig import routes
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.site import Site
from tests.bench.sizes import Sizes
from tests.bench.vbr import login_of
from tests.support.databases import postgresql

POST = "chat.postMessage"
_RETRY_AFTER = 1
# Slack takes about one message a second in a channel: so many channels are told side by side.
CHANNELS = tuple(f"C0BULK{number:02d}" for number in range(16))
_PATIENCE_SECONDS = 240.0
_POLL_SECONDS = 0.5
_REPLICAS = 3
_SITES = 5
_SITES_OF_REPLICAS = 2


class Announcing:
    """A bot that is awake, and jobs whose runs end when they are told to."""

    def __init__(self, site: Site, world: World, database: Database) -> None:
        self.site = site
        self._world = world
        self._outbox = Outbox(database)
        self._made = 0
        self.ended: list[str] = []

    def end_runs(self, count: int, *, is_mixed: bool = False) -> None:
        """Let so many runs end now, spread over the channels; if mixed, some with Warning and Failed."""
        for number in range(self._made, self._made + count):
            job = self._world.add_job(f"{CHANNELS[number % len(CHANNELS)]} job {number}", objects=["vm01"])
            result = "Success"
            if is_mixed:
                result = {0: "Failed", 1: "Warning"}.get(number % 10, result)
            machines = [] if result == "Success" else ["vm01"]
            ended_at = self._world.now() - timedelta(seconds=1)
            run = self._world.finish_run(job, ended_at=ended_at, result=result, objects=machines)
            self.ended.append(run.id)
        self._made += count

    @property
    def announced(self) -> Counter[str]:
        """How often each session was announced, by the metadata of completions."""
        found = (message.metadata or {} for message in self.messages)
        payloads = (each["event_payload"] for each in found if each.get("event_type") == "veeam_session")
        return Counter(payload["session_id"] for payload in payloads)

    @property
    def lost(self) -> int:
        """How many sessions were not announced."""
        return len(set(self.ended) - self.announced.keys())

    @property
    def doubled(self) -> int:
        """How many messages stand there that say what another one says, completions and threads alike."""
        said = Counter(
            json.dumps([message.channel, message.metadata], sort_keys=True)
            for message in self.messages
            if message.metadata is not None
        )
        again = sum(self.announced.values()) - len(self.announced)
        return max(again, sum(said.values()) - len(said))

    @property
    def messages(self) -> list[Message]:
        """Everything that the bot posted in the channels."""
        channels = self.site.slack.workspace.conversations.channels
        return [message for channel in CHANNELS for message in channels[channel].messages.values()]

    async def until_all_announced(self) -> None:
        """Wait until every session was announced and nothing waits any more that could be posted again."""
        try:
            await self.site.slack.wait_until(lambda: not self.lost, _PATIENCE_SECONDS)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while await self._outbox.waiting():  # noqa: ASYNC110 -- another process empties it
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return  # what is lost is counted


async def killed(folder: Path, sizes: Sizes) -> list[Figure]:
    """Completions with kill -9 in the middle, on each database, and with three processes on PostgreSQL.

    All of it at once, and the kills of each kind by several sites side by side: it is counted, not timed, and
    what was being sent when a bot died waits some seconds before Slack is searched for it.
    """
    kinds = (
        ("killed", "SQLite", 1, _SITES),
        ("killed_pg", "PostgreSQL", 1, _SITES),
        ("replicas", f"{_REPLICAS} replicas on PostgreSQL", _REPLICAS, _SITES_OF_REPLICAS),
    )
    with TemporaryDirectory(prefix="bot-db-") as server_folder:
        server = postgresql(Path(server_folder) / "pg")

        def url_of(key: str, site: int) -> str | None:
            if key == "killed":
                return None
            server.psql(f'CREATE DATABASE "{key}_{site}";')
            url: str = server.get_uri(f"{key}_{site}")
            return url

        async def by(key: str, processes: int, sites: int) -> list[Counter[str]]:
            count = min(sites, sizes.kills)
            kills, completions = sizes.kills // count, sizes.completions // count
            return await asyncio.gather(
                *(
                    _killed(folder / f"{key}_{site}", kills, completions, url=url, processes=processes)
                    for site, url in enumerate(urls[key][:count])
                )
            )

        try:
            # The databases first: making one takes a second in which nothing else goes on.
            urls = {key: [url_of(key, site) for site in range(sites)] for key, _, _, sites in kinds}
            found = await asyncio.gather(*(by(key, processes, sites) for key, _, processes, sites in kinds))
        finally:
            server.cleanup()
    return [
        figure
        for (key, where, *_), counts in zip(kinds, found, strict=True)
        for figure in _figures(key, where, counts)
    ]


def _figures(key: str, where: str, found: Sequence[Counter[str]]) -> list[Figure]:
    counts = sum(found, Counter[str]())
    what = f"{counts['completions']} completions, kill -9 {counts['kills']} times, {where}: announced"
    facts = {
        **{name: counts[name] for name in ("completions", "kills", "messages")},
        "sites": len(found),
        "seconds": max(each["seconds"] for each in found),
        "channels": len(CHANNELS),
        "slack_pace": "kept",
    }
    return [
        Figure(f"{key}_twice", f"{what} twice", counts["twice"], aim=Aim(0), facts=facts),
        Figure(f"{key}_lost", f"{what} never", counts["never"], aim=Aim(0), facts=facts),
    ]


async def _killed(
    folder: Path, kills: int, completions: int, *, url: str | None, processes: int
) -> Counter[str]:
    """What became of the completions of one site, whose processes were killed in turn; `seconds` it took."""
    async with _announcing(folder, database_url=url, processes=processes) as announcing:
        deaths = [
            _kill_at(
                announcing,
                completions * (number + 1) // (kills + 1),
                number % processes,
                after_effect=number % 2 == 0,
            )
            for number in range(kills)
        ]
        began = time.monotonic()
        announcing.end_runs(completions, is_mixed=True)
        for number, death in enumerate(deaths):
            await asyncio.wait_for(death.wait(), _PATIENCE_SECONDS)
            bot = announcing.site.replicas[number % processes].process
            await bot.kill()
            await bot.start()  # it may well be killed again before it is ready
        await announcing.until_all_announced()
        return Counter(
            completions=completions,
            kills=kills,
            messages=len(announcing.messages),
            twice=announcing.doubled,
            never=announcing.lost,
            seconds=round(time.monotonic() - began),
        )


async def reply_lost(folder: Path, sizes: Sizes) -> list[Figure]:
    """Slack takes messages whose replies get lost, then says that the bot is too fast."""
    async with _announcing(folder / "lost", forked=not sizes.executes) as announcing:
        slack = announcing.site.slack
        slack.faults.add(POST, Dropped(after_effect=True), times=sizes.lost_replies)
        announcing.end_runs(sizes.lost_replies)
        await announcing.until_all_announced()
        lost = sum(isinstance(call.fault, Dropped) for call in slack.calls_of(POST))
        facts = {"replies_lost": lost, "never_announced": announcing.lost, "slack_pace": "kept"}
        what = f"Slack took the message, its reply was lost, {lost} times: announced twice"
        twice = Figure("reply_lost_twice", what, announcing.doubled, aim=Aim(0), facts=facts)
        delays = [await _delay_after_429(announcing) for _ in range(sizes.too_fast)]
    what = f"Slack says 429, Retry-After {_RETRY_AFTER}: sent after (the longest of {len(delays)})"
    waited = Figure(
        "retry_after",
        what,
        max(delays),
        "s",
        aim=Aim(2.0, of_ratio=True),
        floor=Floor(_RETRY_AFTER, "Retry-After"),
        facts={"seconds": delays},
    )
    return [twice, waited]


@asynccontextmanager
async def _announcing(
    folder: Path, *, database_url: str | None = None, processes: int = 1, forked: bool = True
) -> AsyncIterator[Announcing]:
    world = World(SystemClock().now, name="hq")
    async with VbrSandbox(world) as vbr:
        site = Site(
            folder,
            login_of(vbr),
            interval_seconds=_POLL_SECONDS,
            toml=routes(CHANNELS),
            database_url=database_url,
            processes=processes,
            forked=forked,
        )
        async with site:
            add_channels(site)
            await site.start()
            database = Database(site.database_url)
            try:
                yield Announcing(site, world, database)
            finally:
                await database.close()


def add_channels(site: Site) -> None:
    """Add the channels, with the bot as their member."""
    bot = site.slack.workspace.app.bot_user
    site.slack.workspace.conversations.add(
        *(Channel(channel, channel.lower(), members=[bot]) for channel in CHANNELS)
    )


def _kill_at(announcing: Announcing, count: int, number: int, *, after_effect: bool) -> asyncio.Event:
    """Kill a process as Slack receives a message, once so many stand: Slack takes it or doesn't."""
    died = asyncio.Event()

    def strikes(_: Arguments) -> bool:
        bot = announcing.site.replicas[number].process
        if not bot.is_running or len(announcing.messages) < count:
            return False
        bot.kill_now()
        died.set()
        return True

    announcing.site.slack.faults.add(POST, Dropped(after_effect=after_effect), when=strikes)
    return died


async def _delay_after_429(announcing: Announcing) -> float:
    """Seconds from Slack's refusal to the message."""
    slack = announcing.site.slack
    slack.faults.add(POST, RateLimited(_RETRY_AFTER))
    before = len(slack.calls_of(POST))
    announcing.end_runs(1)
    await slack.wait_until(lambda: not announcing.lost, _PATIENCE_SECONDS)
    calls: list[Any] = slack.calls_of(POST)[before:]
    refused_at = next(call.at for call in calls if isinstance(call.fault, RateLimited))
    delay: float = next(call.at for call in calls if call.ok) - refused_at
    return delay
