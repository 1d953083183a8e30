"""Told once: whatever dies, whatever gets lost on the way back, and however often Slack says "later"."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.observability import SystemClock
from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.faults import Dropped, RateLimited
from bot.sandbox.slack.messages import Channel, Message
from bot.sandbox.vbr import VbrSandbox, World
from tests.bench.figures import Aim, Figure, Floor
from tests.bench.site import Site
from tests.bench.sizes import Sizes
from tests.bench.vbr import login_of

POST = "chat.postMessage"
_RETRY_AFTER = 1
# Slack takes about one message a second in a channel: so many channels are told side by side.
_CHANNELS = tuple(f"C0BULK{number:02d}" for number in range(16))
_ROUTES = "".join(
    f'[[routes]]\nchannel = "{channel}"\njobs = ["{channel} *"]\nresults = ["Success", "Warning", "Failed"]\n'
    for channel in _CHANNELS
)
_PATIENCE_SECONDS = 90.0
_POLL_SECONDS = 0.5


class Telling:
    """A bot that is awake, and jobs whose runs end when they are told to."""

    def __init__(self, site: Site, world: World) -> None:
        self.site = site
        self._world = world
        self._made = 0
        self.ended: list[str] = []

    def end_runs(self, count: int, *, is_mixed: bool = False) -> None:
        """Let so many runs end now, spread over the channels; if mixed, some with Warning and Failed."""
        for number in range(self._made, self._made + count):
            job = self._world.add_job(f"{_CHANNELS[number % len(_CHANNELS)]} job {number}", objects=["vm01"])
            result = "Success"
            if is_mixed:
                result = {0: "Failed", 1: "Warning"}.get(number % 10, result)
            machines = [] if result == "Success" else ["vm01"]
            ended_at = self._world.now() - timedelta(seconds=1)
            run = self._world.finish_run(job, ended_at=ended_at, result=result, objects=machines)
            self.ended.append(run.id)
        self._made += count

    @property
    def told(self) -> Counter[str]:
        """How often each session was told, by the metadata of completions."""
        found = (message.metadata or {} for message in self.messages)
        payloads = (each["event_payload"] for each in found if each.get("event_type") == "veeam_session")
        return Counter(payload["session_id"] for payload in payloads)

    @property
    def lost(self) -> int:
        """How many sessions nobody was told about."""
        return len(set(self.ended) - self.told.keys())

    @property
    def doubled(self) -> int:
        """How many messages stand there that say what another one says, completions and threads alike."""
        said = Counter(
            json.dumps([message.channel, message.metadata], sort_keys=True)
            for message in self.messages
            if message.metadata is not None
        )
        again = sum(self.told.values()) - len(self.told)
        return max(again, sum(said.values()) - len(said))

    @property
    def messages(self) -> list[Message]:
        """Everything that the bot posted in the channels."""
        channels = self.site.slack.workspace.conversations.channels
        return [message for channel in _CHANNELS for message in channels[channel].messages.values()]

    async def until_all_told(self) -> None:
        """Wait until every session was told and nothing waits any more that could be told again."""
        try:
            await self.site.slack.wait_until(lambda: not self.lost, _PATIENCE_SECONDS)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while _waiting(self.site.database):  # noqa: ASYNC110 - another process empties it, unheard
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return  # what is lost is counted


async def told_once(folder: Path, sizes: Sizes) -> list[Figure]:
    """Completions with kill -9 in the middle."""
    clock = SystemClock()
    async with _telling(folder / "killed") as telling:
        kills = [
            (sizes.completions * (number + 1) // (sizes.kills + 1), number % 2 == 0)
            for number in range(sizes.kills)
        ]
        deaths = [_kill_at(telling, count, after_effect=taken) for count, taken in kills]
        began = clock.monotonic()
        telling.end_runs(sizes.completions, is_mixed=True)
        for death in deaths:
            await asyncio.wait_for(death.wait(), _PATIENCE_SECONDS)
            await telling.site.bot.kill()
            await telling.site.bot.start()  # it may well be killed again before it is ready
        await telling.until_all_told()
        seconds = clock.monotonic() - began
        facts: dict[str, Any] = {
            "completions": sizes.completions,
            "kills": sizes.kills,
            "seconds": round(seconds, 1),
        }
        facts |= {"messages": len(telling.messages), "channels": len(_CHANNELS), "slack_pace": "kept"}
        what = f"{sizes.completions} completions, kill -9 in the middle {sizes.kills} times, restart: told"
        return [
            Figure("killed_twice", f"{what} twice", telling.doubled, aim=Aim(0), facts=facts),
            Figure("killed_lost", f"{what} never", telling.lost, aim=Aim(0), facts=facts),
        ]


async def reply_lost(folder: Path, sizes: Sizes) -> list[Figure]:
    """Slack takes messages whose replies get lost, then says that the bot is too fast."""
    async with _telling(folder / "lost") as telling:
        slack = telling.site.slack
        slack.faults.add(POST, Dropped(after_effect=True), times=sizes.lost_replies)
        telling.end_runs(sizes.lost_replies)
        await telling.until_all_told()
        lost = sum(isinstance(call.fault, Dropped) for call in slack.calls_of(POST))
        facts = {"replies_lost": lost, "never_told": telling.lost, "slack_pace": "kept"}
        what = f"Slack took the message, its reply was lost, {lost} times: told twice"
        twice = Figure("reply_lost_twice", what, telling.doubled, aim=Aim(0), facts=facts)
        delays = [await _delay_after_429(telling) for _ in range(sizes.too_fast)]
    what = f"Slack says 429, Retry-After {_RETRY_AFTER}: sent after (the longest of {len(delays)})"
    waited = Figure(
        "retry_after",
        what,
        max(delays),
        "s",
        aim=Aim(_RETRY_AFTER + 1.0),
        floor=Floor(_RETRY_AFTER, "Retry-After"),
        facts={"seconds": delays},
    )
    return [twice, waited]


@asynccontextmanager
async def _telling(folder: Path) -> AsyncIterator[Telling]:
    world = World(SystemClock().now, name="hq")
    async with VbrSandbox(world) as vbr:
        site = Site(folder, login_of(vbr), interval_seconds=_POLL_SECONDS, toml=_ROUTES)
        async with site:
            bot = site.slack.workspace.app.bot_user
            site.slack.workspace.conversations.add(
                *(Channel(channel, channel.lower(), members=[bot]) for channel in _CHANNELS)
            )
            await site.start()
            yield Telling(site, world)


def _kill_at(telling: Telling, count: int, *, after_effect: bool) -> asyncio.Event:
    """Kill the bot as Slack receives a message, once so many stand: Slack takes it or doesn't."""
    died = asyncio.Event()

    def strikes(_: Arguments) -> bool:
        if not telling.site.bot.is_running or len(telling.messages) < count:
            return False
        telling.site.bot.kill_now()
        died.set()
        return True

    telling.site.slack.faults.add(POST, Dropped(after_effect=after_effect), when=strikes)
    return died


async def _delay_after_429(telling: Telling) -> float:
    """Seconds from Slack's refusal to the message."""
    slack = telling.site.slack
    slack.faults.add(POST, RateLimited(_RETRY_AFTER))
    before = len(slack.calls_of(POST))
    telling.end_runs(1)
    await slack.wait_until(lambda: not telling.lost, _PATIENCE_SECONDS)
    calls: list[Any] = slack.calls_of(POST)[before:]
    refused_at = next(call.at for call in calls if isinstance(call.fault, RateLimited))
    delay: float = next(call.at for call in calls if call.ok) - refused_at
    return delay


def _waiting(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        waiting = connection.execute(
            "SELECT count(*) FROM outbox WHERE sent_at IS NULL AND parked_at IS NULL"
        )
        count: int = waiting.fetchone()[0]
        return count
