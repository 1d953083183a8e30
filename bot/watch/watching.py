"""Watching one server: the poller, its announcements, silences and overdue attempts, in one loop."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.observability import Clock, Health, Metrics
from bot.store import Database, Leases, OwnActions, ProcessedSessions, Runs, StoreError
from bot.veeam import VeeamError, VeeamServer
from bot.watch.announcements import Announcer
from bot.watch.classify import asked_types
from bot.watch.jobs import JobBook
from bot.watch.overdue import Overdue
from bot.watch.poller import CHECK_EVERY, OVERLAP, Asking, Poller
from bot.watch.reading import Reading
from bot.watch.silence import SilenceKeeper
from bot.watch.telling import Rules, is_late

RUNS_KEPT = timedelta(days=14)
_ACTIONS_KEPT = timedelta(days=30)
_SEEN_KEPT = timedelta(days=3)
_LEASE_INTERVALS = 3
_LEAST_LEASE_SECONDS = 60.0

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who is told how the watching goes: figures and health."""

    metrics: Metrics
    health: Health


class Watch:
    """Watches one server. Of several processes one does, by a lease; the others stand by."""

    def __init__(
        self,
        server: VeeamServer,
        database: Database,
        clock: Clock,
        rules: Rules,
        witnesses: Witnesses,
        *,
        holder: str,
    ) -> None:
        jobs = JobBook(server, clock)
        asking = Asking(asked_types(server.revision, rules.routes), rules.polling)
        self._server = server
        self._clock = clock
        self._rules = rules
        self._witnesses = witnesses
        self._holder = holder
        self._sessions = ProcessedSessions(database)
        self._runs = Runs(database)
        self._own_actions = OwnActions(database)
        self._leases = Leases(database)
        self._poller = Poller(server, self._sessions, jobs, clock, asking)
        self._announcer = Announcer(server, database, jobs, clock, rules)
        self._overdue = Overdue(server, database, clock)
        self._silence = SilenceKeeper(server.name, database, rules)
        self._tidied_at = clock.now()
        self._turn = asyncio.Lock()

    @property
    def part(self) -> str:
        """The name under which this server's health is known."""
        return f"server:{self._server.name}"

    async def run(self) -> None:
        """Poll for ever, an interval apart."""
        while True:
            await self.tick()
            await self._clock.sleep(self._rules.polling.interval_seconds)

    async def tick(self) -> None:
        """Poll once, and tell what is to be told. Silence of the server or the database is no error here."""
        async with self._turn:
            try:
                await self._watched()
            except StoreError as error:
                self._poller.lose_touch()
                self._report_failure("store", f"{self._server.name}: {error}")

    async def _watched(self) -> None:
        if not await self._holds_lease():
            self._poller.lose_touch()
            self._witnesses.health.set(self.part, ok=True, detail="polled by another process")
            return
        try:
            reading = await self._poller.read()
            await self._silence.answered(self._clock.now(), self._late_total(reading))
            await self._announcer.announce(reading, self._holds_lease)
            await self._overdue.tell(reading.server_now)
        except VeeamError as error:
            self._poller.lose_touch()
            self._report_failure(type(error).__name__, str(error))
            await self._silence.failed(error, self._clock.now())
            return
        self._report_success(reading)
        await self._tidy(reading)

    async def _holds_lease(self) -> bool:
        seconds = max(_LEAST_LEASE_SECONDS, _LEASE_INTERVALS * self._rules.polling.interval_seconds)
        name = f"poll/{self._server.name}"
        return await self._leases.take(name, self._holder, self._clock.now(), seconds)

    def _late_total(self, reading: Reading) -> int:
        return sum(is_late(self._rules, each.ended_at, reading.server_now) for each in reading.ended)

    def _report_success(self, reading: Reading) -> None:
        name, now = self._server.name, self._clock.now()
        self._witnesses.metrics.polled(name, "ok", good_at=now)
        if reading.ended:
            self._witnesses.metrics.sessions_noticed(name, len(reading.ended))
        self._witnesses.health.set(self.part, ok=True)

    def _report_failure(self, outcome: str, detail: str) -> None:
        self._witnesses.metrics.polled(self._server.name, outcome)
        self._witnesses.health.set(self.part, ok=False, detail=detail)

    async def _tidy(self, reading: Reading) -> None:
        """Forget, once an hour, what can't be listed again by a poll, a check or a backfill."""
        if self._clock.now() - self._tidied_at < CHECK_EVERY:
            return
        self._tidied_at = self._clock.now()
        reach = max(_SEEN_KEPT, 2 * timedelta(hours=self._rules.polling.backfill_hours))
        oldest = min(reading.server_now - reach, reading.cursor.read_to - 2 * OVERLAP)
        await self._sessions.purge(self._server.name, oldest)
        await self._runs.purge(self._server.name, reading.server_now - RUNS_KEPT)
        await self._own_actions.purge(self._clock.now() - _ACTIONS_KEPT)
