"""A simulated VBR, two processes that watch it with one database, and the people of the channels."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.observability import Health
from bot.sandbox.vbr import VbrSandbox, World
from bot.sandbox.vbr.jobmodels import daily, periodically
from bot.sandbox.vbr.state import Job, Session
from bot.settings import DigestSettings, ExpectationSettings, ServerName
from bot.store import (
    Database,
    Expectations,
    ExpectedJob,
    SharedRead,
    Subscription,
    Subscriptions,
    Transaction,
)
from bot.veeam import Fleet, VeeamServer
from bot.watch import (
    DigestMaker,
    ExpectationWatch,
    FollowUp,
    MuteKeeper,
    NoticedSessions,
    Reminder,
    SubscribedChannels,
)
from tests.rooms.store.databases import Template
from tests.rooms.veeam.clients import client_of
from tests.rooms.watch.simulation.channels import Channels, Died, Sender
from tests.rooms.watch.site import Site, route_to, rules
from tests.support.clock import FakeClock, SkewedClock

HQ = ServerName("hq")
RETRIED, PLAIN, LOOSE, NIGHTLY, COPY = "Retried", "Plain", "Loose", "Nightly", "Copy"
ENDLESS_SECONDS = 365 * 24 * 3600.0
ALL, NIGHTS, OWN, DEFAULT = "C0ALL", "C0NIGHTS", "C0OWN", "C0BACKUPS"
EXPECTED, DIGESTS = "C0EXPECTED", "C0DIGEST"
SUBSCRIBED = ("C0DBA", "C0WEB")
RESULTS, ONCALL = ["Success", "Warning", "Failed"], "S0ONCALL"
ROUTES = (
    # The storms' jobs too: "Job 0" and so on.
    route_to(ALL, jobs=[RETRIED, PLAIN, COPY, "Job *"], results=RESULTS, mention=ONCALL),
    route_to(NIGHTS, jobs=[PLAIN], results=["Failed"], mention=ONCALL, failures_in_a_row=2),
    route_to(OWN, jobs=[PLAIN], results=["Failed"], own_actions=False),
)
DIGEST = DigestSettings.model_validate({"channel": DIGESTS, "at": "02:30", "timezone": "Europe/Berlin"})
SUCCESS_HOURS, START_MINUTES, DISABLED_HOURS, FREE_PERCENT, LONGER = 8, 60, 3, 10, 3.0
EXPECTATION = ExpectationSettings.model_validate(
    {
        "jobs": [NIGHTLY],
        "success_within_hours": SUCCESS_HOURS,
        "start_within_minutes": START_MINUTES,
        "disabled_longer_than_hours": DISABLED_HOURS,
        "longer_than_usual": LONGER,
        "repository_free_percent": FREE_PERCENT,
        "channel": EXPECTED,
        "mention": ONCALL,
    }
)
REMINDED_AFTER = timedelta(hours=4)
USUAL_SECONDS = 600


class Mortal(Database):
    """A database whose process dies around one of its next transactions."""

    fuse: int | None = None
    dies_before_commit = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        burnt = self.fuse == 0
        self.fuse = None if self.fuse in {None, 0} else (self.fuse or 0) - 1
        async with super().transaction() as transaction:
            yield transaction
            if burnt and self.dies_before_commit:
                raise Died
        if burnt:
            raise Died


@dataclass
class People:
    """Who may see jobs, as far as Slack says at this time; None: it does not say."""

    may_see: bool | None = True

    async def may_get(self, subscription: Subscription, server: str, job_name: str) -> bool | None:
        assert (subscription.person_id, server, bool(job_name)) == ("U0ANN", HQ, True)
        return self.may_see


class Process:
    """One replica: its database, its client, and all that looks at either."""

    def __init__(self, holder: str, outside: "Outside") -> None:
        self.holder = holder
        self._outside = outside
        self.begin()

    def begin(self) -> None:
        outside, holder = self._outside, self.holder
        clock: Any = outside.set_clock
        self.database = Mortal(outside.url)
        self.client: VeeamServer = client_of(outside.vbr, clock)
        subscriptions = SharedRead(Subscriptions(self.database).every, clock, seconds=0)
        noticed = NoticedSessions()
        self.site = Site(
            clock,
            outside.world,
            outside.vbr,
            self.client,
            self.database,
            Health(clock),
            holder=holder,
            rules=replace(
                rules(*ROUTES, default_channel=DEFAULT, storm_from=outside.storm_from, backfill_hours=24 * 7),
                subscribers=SubscribedChannels(subscriptions, outside.people),
            ),
            noticed=noticed,
        )
        self.watch = self.site.watch
        self.expectations = ExpectationWatch(
            self.client, self.database, clock, (EXPECTATION,), self.watch, noticed, holder=holder
        )
        self.mutes = MuteKeeper(self.database, clock, holder, self.site.rules)
        self.reminders = Reminder(self.database, clock, holder, after=REMINDED_AFTER)
        self.digests = DigestMaker((DIGEST,), Fleet([self.client]), self.database, clock, holder)
        self.follow_up = FollowUp(self.database, clock)
        self.sender = Sender(holder, self.database, clock, outside.channels)

    async def looks(self, at: str) -> None:
        """Do once what the process does again and again."""
        match at:
            case "sessions":
                await self.watch.tick()
            case "expectations":
                await self.watch.tick()
                await self.expectations.look()
            case "mutes":
                await self.mutes.tick(HQ)
            case "reminders":
                await self.reminders.tick(HQ)
            case "digests":
                await self.digests.tick()
            case _:
                raise ValueError(at)

    async def end(self) -> None:
        assert self.database.checked_out == 0
        await self.database.close()
        await self.client.close()


LOOKS = ("sessions", "expectations", "mutes", "reminders", "digests")


class Outside:
    """What the processes share and do not make: the server, the time, the channels, the people."""

    def __init__(self, template: Template, storm_from: int, start: datetime) -> None:
        self.template = template
        self.storm_from = storm_from
        self.clock = FakeClock(start)
        self.set_clock = SkewedClock(self.clock)
        self.world = World(self.clock.now)
        self.world.add_job(RETRIED, schedule=daily("03:00", retries=2), objects=("sql01",))
        for name in (PLAIN, LOOSE):
            self.world.add_job(name, objects=("sql01",))
        self.nightly = self.world.add_job(NIGHTLY, schedule=periodically(2), run_seconds=USUAL_SECONDS)
        copy = self.world.add_job(COPY, "BackupCopy", source=PLAIN, mode="Immediate")
        copy.run_seconds = ENDLESS_SECONDS
        self.copying = self.world.begin_run(copy)
        self.copying.state = "Idle"
        self.parts: list[Session] = []
        self.is_stuck = False
        self.repository = self.world.book.repositories[self.world.default_repository_id]
        self.channels = Channels(self.clock)
        self.people = People()
        self.url = template.new()
        self.backup: str | None = None
        self.is_restored = False
        self.emptied_at: list[datetime] = []
        self.fill(50)
        self.dark_since: datetime | None = None
        self.back_at: datetime | None = None
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        self.vbr = await self._stack.enter_async_context(VbrSandbox(self.world))
        self.database = database = Database(self.url)
        # How long the job usually runs has been learnt.
        seen = ExpectedJob(job_id=self.nightly.id, known_since=self.clock.now())
        learnt = f"[{','.join([f'[false,{USUAL_SECONDS},1000000000]'] * 9)}]"
        async with database.transaction() as transaction:
            await Expectations(database).keep_jobs(transaction, HQ, [seen], {seen.job_id: learnt})

    async def close(self) -> None:
        await self.database.close()
        await self._stack.aclose()

    async def back_up(self) -> None:
        """Copy the database, which no process uses at this moment."""
        await self.database.close()
        self.backup = self.template.copy_of(self.url)
        self.database = Database(self.url)

    async def restore(self) -> None:
        """Put the backup in its place."""
        assert self.backup is not None
        await self.database.close()
        self.url = self.template.copy_of(self.backup)
        self.database = Database(self.url)
        self.is_restored = True

    async def go_dark(self) -> None:
        self.dark_since = self.dark_since or self.clock.now()
        await self.vbr.go_dark()

    async def come_back(self) -> None:
        if self.dark_since is not None and self.clock.now() - self.dark_since > timedelta(minutes=16):
            self.back_at = self.clock.now()
        self.dark_since = None
        await self.vbr.come_back()

    def fill(self, free_percent: float) -> None:
        if free_percent > FREE_PERCENT:
            self.emptied_at.append(self.clock.now())
        self.repository.free_gb = free_percent * self.repository.capacity_gb / 100

    @property
    def is_full(self) -> bool:
        return self.repository.free_gb < FREE_PERCENT * self.repository.capacity_gb / 100

    def part_ends(self, name: str, result: str, *, ago: float, message: str) -> None:
        """Let a part of a session end that goes on for ever: the copy of one of its sources."""
        ended_at = self.world.now() - timedelta(seconds=ago)
        name, said = f"{COPY}\\{name} (Incremental)", "" if result == "Success" else message
        part = self.world.finish_part(
            self.copying, name, ended_at=ended_at, result=result, seconds=1.0, message=said
        )
        self.parts.append(part)

    def stick(self) -> None:
        """From now on the scheduler does not start the job, whatever VBR says of its next run."""
        if not self.is_stuck and self.nightly.next_run is not None:
            self.nightly.next_run += timedelta(seconds=1)
            self._drawn_anew(self.nightly)
            self.is_stuck = True

    def disable(self, *, is_disabled: bool) -> None:
        self.nightly.model["isDisabled"] = is_disabled
        self._plan()

    def heal(self) -> None:
        """Whatever was wrong with the server and its jobs is well again."""
        self.world.tick()
        running = self.world.book.active_session(self.nightly)
        if running is not None:
            self.world.life.stop(running, self.world.now(), graceful=False)
        self.fill(50)
        self.nightly.run_seconds = USUAL_SECONDS
        self.disable(is_disabled=False)

    def _plan(self) -> None:
        self.world.tick()
        self.world.life.plan_next_run(self.nightly, self.world.now())
        self.is_stuck = False

    @staticmethod
    def _drawn_anew(job: Job) -> None:
        job.rows.clear()
