"""One place where everything real meets: a simulated VBR, its client, a database, a clock and a watch."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from bot.observability import Health, Metrics
from bot.sandbox.vbr import VbrSandbox, World
from bot.settings import ChannelId, PollingSettings, RouteSettings, StormSettings
from bot.store import Database, Outbox, OutboxRow, PostedMessage
from bot.veeam import VeeamServer
from bot.watch import NoticedSessions, Watch, WatchRules
from bot.watch.facts import Announcement, decode
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock

DEFAULT = "C0BACKUPS"
SESSIONS = ("GET", "/api/v1/sessions")
POLL_SECONDS = 20.0


def rules(
    *routes: RouteSettings,
    backfill_hours: float = 24,
    default_channel: str | None = DEFAULT,
    storm_from: int = 0,
) -> WatchRules:
    """Without routes, one for everything that job runs may end with; without `storm_from` no storms."""
    if not routes and default_channel is not None:
        routes = (route_to(default_channel, results=["Success", "Warning", "Failed"]),)
    polling = PollingSettings(interval_seconds=POLL_SECONDS, backfill_hours=backfill_hours)
    return WatchRules(routes, default_channel, polling, StormSettings(at_least=storm_from))


def route_to(channel: str, **more: object) -> RouteSettings:
    return RouteSettings.model_validate({"channel": ChannelId(channel), **more})


@dataclass
class Site:
    """A server that is watched. `tell` polls once and returns what that queued."""

    clock: FakeClock
    world: World
    vbr: VbrSandbox
    client: VeeamServer
    database: Database
    health: Health
    holder: str = "one"
    rules: WatchRules = field(default_factory=rules)
    noticed: NoticedSessions | None = None
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self, wanted: WatchRules | None = None) -> None:
        """Start the watch anew, as after a restart."""
        self.rules = wanted or self.rules
        self.watch = Watch(
            self.client,
            self.database,
            self.clock,
            self.rules,
            metrics=Metrics(),
            health=self.health,
            holder=self.holder,
            noticed=self.noticed,
        )

    async def poll(self) -> list[tuple[str, Announcement]]:
        """Poll, and take out of the outbox what was queued, by channel, in the order it would be sent."""
        await self.watch.tick()
        return [(row.channel, decode(row.body)) for row in await drained(self.database, self.clock)]

    async def poll_after(self, seconds: float = POLL_SECONDS) -> list[tuple[str, Announcement]]:
        await self.clock.advance(seconds)
        return await self.poll()

    def ended(
        self, name: str = "SQL nightly", result: str = "Success", *, ago: float = 0, **more: object
    ) -> str:
        """Let a run of a job have ended, some seconds ago."""
        job = next((job for job in self.world.jobs if job.name == name), None) or self.world.add_job(name)
        ended_at = self.world.now() - timedelta(seconds=ago)
        session = self.world.finish_run(job, ended_at=ended_at, result=result, **more)  # type: ignore[arg-type]  # passed on
        return session.id

    def requests(self) -> list[str]:
        """What the server was asked since the last time this was called."""
        asked = [request.template for request in self.vbr.requests]
        self.vbr.requests.clear()
        return asked


async def drained(database: Database, clock: FakeClock) -> list[OutboxRow]:
    """Send all that is due."""
    outbox, sent = Outbox(database), list[OutboxRow]()
    while rows := await outbox.claim("sender", clock.now(), 60, 100):
        for row in rows:
            await outbox.sent(row.id, PostedMessage(row.channel, f"{row.id}.0"), clock.now())
        sent += rows
    return sent


@asynccontextmanager
async def site_of(database: Database, clock: FakeClock, world: World) -> AsyncIterator[Site]:
    async with VbrSandbox(world) as vbr, client_of(vbr, clock) as client:
        yield Site(clock, world, vbr, client, database, Health(clock))


Kind = TypeVar("Kind")


def of_kind(told: Sequence[tuple[str, Announcement]], kind: type[Kind]) -> list[Kind]:
    return [announcement for _, announcement in told if isinstance(announcement, kind)]


def kinds(told: Sequence[tuple[str, Announcement]]) -> list[tuple[str, str]]:
    return [(channel, type(announcement).__name__) for channel, announcement in told]
