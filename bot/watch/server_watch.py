"""Watching one server in one loop: poll it, announce what ended, report its outages, forget what is old."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.observability import Clock, Health, Metrics, RemoteClock
from bot.settings import PollingSettings
from bot.store import (
    Database,
    LeaseLost,
    Leases,
    Mutes,
    NewOutboxRow,
    Outages,
    Outbox,
    OwnActions,
    Placement,
    ProcessedSessions,
    Runs,
    StoppedSessions,
    StoreError,
    Transaction,
)
from bot.store.upkeep import DATABASE_PART
from bot.veeam import SessionGroup, SessionId, VeeamError, VeeamServer
from bot.watch import facts
from bot.watch.announcements import Announcer
from bot.watch.expectations import NoticedSessions
from bot.watch.job_cache import JobCache
from bot.watch.messages import message
from bot.watch.poller import CHECK_EVERY, OVERLAP, Poller, PollResult
from bot.watch.revision_changes import RevisionReporter
from bot.watch.routing import WatchRules

RUNS_KEPT = timedelta(days=14)
POLLS_UNTIL_REPORTED = 3
SECONDS_WHILE_AWAITING = 2.5
"""Between two polls while something runs that will be announced."""
_ACTIONS_KEPT = timedelta(days=30)
_STOPPED_KEPT = timedelta(days=400)
_SESSIONS_KEPT = timedelta(days=3)
_LEAST_LEASE_SECONDS, _MOST_LEASE_SECONDS = 2.0, 20.0
_RENEWALS = 3
_SECONDS_BETWEEN_FIRST_POLLS = 0.015

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PollSlot:
    """A server's place among all that this process polls: the first is 1."""

    place: int
    servers: int

    @property
    def first_poll_after_seconds(self) -> float:
        """The first polls follow each other closely, but one after the other."""
        return (self.place - 1) * _SECONDS_BETWEEN_FIRST_POLLS

    def of(self, seconds: float) -> float:
        """The part of a time at which it is this server's turn, so that all turns are evenly spread."""
        return seconds * self.place / self.servers


ALONE = PollSlot(1, 1)


def lease_seconds(polling: PollingSettings) -> float:
    """Return how long a lease lasts that is not renewed: a dead process is replaced within two polls."""
    return min(max(polling.interval_seconds, _LEAST_LEASE_SECONDS), _MOST_LEASE_SECONDS)


async def keep_leases(database: Database, clock: Clock, polling: PollingSettings, holder: str) -> None:
    """Renew all leases of this process for ever, whatever its polls wait for."""
    seconds, leases = lease_seconds(polling), Leases(database)
    while True:
        try:
            await leases.renew_all(holder, clock.now(), seconds)
        except StoreError as error:
            log.debug("watch.leases_not_renewed", problem=str(error))
        await clock.sleep(seconds / _RENEWALS)


class Watch:
    """Watches one server. Of several processes one does, by a lease; the others stand by."""

    def __init__(
        self,
        server: VeeamServer,
        database: Database,
        clock: Clock,
        rules: WatchRules,
        *,
        metrics: Metrics,
        health: Health,
        holder: str,
        noticed: NoticedSessions | None = None,
    ) -> None:
        jobs = JobCache(server, clock)
        self._noticed = noticed
        self.is_caught_up = False
        """Whether all that ended was read and announced by the latest poll, which was this process's."""
        self._server = server
        self._clock = clock
        self._rules = rules
        self._metrics = metrics
        self._health = health
        self._holder = holder
        self._backfill = timedelta(hours=rules.polling.backfill_hours)
        self._sessions = ProcessedSessions(database)
        self._runs = Runs(database)
        self._own_actions = OwnActions(database)
        self._stopped = StoppedSessions(database)
        self._leases = Leases(database)
        self._poller = Poller(
            server,
            self._sessions,
            self._own_actions,
            jobs,
            clock,
            routes=rules.routes,
            backfill=self._backfill,
        )
        self.lease = f"poll/{server.name}"
        """Who has it, polls the server."""
        self._announcer = Announcer(server, database, jobs, clock, rules, lease=self.lease, holder=holder)
        self._outages = OutageReporter(server, database, clock, rules)
        self._revision = RevisionReporter(server, database, clock, rules)
        self._awaited: dict[SessionId, bool] = {}
        self._tidied_at = clock.now()
        self._turn = asyncio.Lock()

    @property
    def part(self) -> str:
        """The name under which this server's health is known."""
        return f"server:{self._server.name}"

    @property
    def server_clock(self) -> RemoteClock:
        """The server's clock, not heard while another process polls it."""
        return self._poller.server_clock

    async def run(self, slot: PollSlot = ALONE) -> None:
        """Poll for ever, an interval apart.

        Sooner while something runs that will be announced, and at once while there is more to catch up with.
        One of many servers has its `slot`: neither its first poll nor the later ones come all at once.
        """
        await self._clock.sleep(slot.first_poll_after_seconds)
        await self.tick()
        await self._clock.sleep(min(self._pause_seconds(), slot.of(self._rules.polling.interval_seconds)))
        while True:
            await self.tick()
            await self._clock.sleep(self._pause_seconds())

    def _pause_seconds(self) -> float:
        if self._poller.is_behind:
            return 0
        interval = self._rules.polling.interval_seconds
        return min(interval, SECONDS_WHILE_AWAITING) if self._is_awaiting else interval

    async def tick(self) -> None:
        """Poll once and announce what ended. An outage of the server or the database is no error here."""
        async with self._turn:
            try:
                await self._poll()
            except LeaseLost:
                self._stand_by()
            except StoreError as error:
                # The server may be as well as can be: what failed is the bot's own database.
                self._forget()
                self._metrics.polled(self._server.name, "store")
                self._health.set(DATABASE_PART, ok=False, detail=str(error))

    async def _poll(self) -> None:
        if not await self._holds_lease():
            self._stand_by()
            return
        try:
            failed_logs = await self._announcer.failed_logs()
            poll = await self._poller.poll(is_awaiting=self._is_awaiting, failed_logs=failed_logs)
            if poll.before is None:
                # A first poll has read the clock, for which nobody logs in; that is no answer yet.
                poll = await self._announcer.begin(poll, self._poller.history(poll.cursor), self._holds_lease)
            late = sum(self._rules.is_late(each.ended_at, poll.server_now) for each in poll.ended)
            await self._outages.answered(late_total=late + poll.unread)
            await self._revision.answered()
            # However long reading took: announcing gets its own time.
            announced_until = self._clock.monotonic() + self._rules.polling.interval_seconds
            is_done = await self._announcer.announce(poll, lambda: self._may_go_on(announced_until))
            self._poller.is_behind = not is_done or poll.unread > 0
            self._poller.cursor = poll.cursor if is_done else None
            await self._announcer.announce_missing_attempts(poll.server_now)
            await self._announcer.announce_held()
            await self._note_awaited()
            self._note_noticed(poll)
        except VeeamError as error:
            self._report_failure(error.kind, str(error))
            await self._outages.failed(error)
            return
        self._metrics.polled(self._server.name, "ok", good_at=self._clock.now())
        if noticed := len(poll.ended) + len(poll.fresh):
            self._metrics.sessions_noticed(self._server.name, noticed)
        problem = self._poller.clock_problem
        self._health.set(self.part, ok=True, detail=f"its clock can't be read: {problem}" if problem else "")
        await self._tidy(poll)

    def _note_noticed(self, poll: PollResult) -> None:
        """Hand on which sessions of jobs run and ended, for what is expected of them."""
        self.is_caught_up = not self._poller.is_behind
        if self._noticed is not None:
            ended = (*poll.fresh, *poll.ended)
            runs = [each.session for each in ended if each.group is SessionGroup.JOB_RUN]
            self._noticed.note([*runs, *self._poller.running])

    async def _note_awaited(self) -> None:
        """Ask of each running session, once, whether its end will be announced."""
        running = {session.id: session for session in self._poller.running}
        known = {key: is_awaited for key, is_awaited in self._awaited.items() if key in running}
        new = [session for key, session in running.items() if key not in known]
        self._awaited = known | {session.id: await self._announcer.awaits(session) for session in new}

    @property
    def _is_awaiting(self) -> bool:
        return self._poller.waits_for_end or any(self._awaited.values())

    async def _may_go_on(self, announced_until: float) -> bool:
        """Whether to announce more before looking what has ended meanwhile."""
        return self._clock.monotonic() < announced_until and await self._holds_lease()

    async def _holds_lease(self) -> bool:
        seconds = lease_seconds(self._rules.polling)
        now = self._clock.now()
        return await self._leases.take(self.lease, self._holder, now, seconds, on_takeover=self._forget)

    def _stand_by(self) -> None:
        self._forget()
        self._health.set(self.part, ok=True, detail="polled by another process")

    def _forget(self) -> None:
        """Keep nothing in memory that another process may change."""
        self._poller.forget()
        self._announcer.forget()
        self._awaited.clear()
        self.is_caught_up = False
        if self._noticed is not None:
            self._noticed.forget()

    def _report_failure(self, outcome: str, detail: str) -> None:
        self._forget()
        self._metrics.polled(self._server.name, outcome)
        self._health.set(self.part, ok=False, detail=detail)

    async def _tidy(self, poll: PollResult) -> None:
        """Forget, once an hour, what can't be listed again by a poll, a check or a backfill."""
        if self._clock.now() - self._tidied_at < CHECK_EVERY:
            return
        self._tidied_at = self._clock.now()
        reach = max(_SESSIONS_KEPT, 2 * self._backfill)
        # A server's clock that is far ahead for a while makes nothing old.
        now = min(poll.server_now, self._clock.now())
        await self._sessions.purge(self._server.name, min(now - reach, poll.cursor.read_to - 2 * OVERLAP))
        await self._runs.purge(self._server.name, now - RUNS_KEPT)
        await self._stopped.purge(self._server.name, now - _STOPPED_KEPT)
        await self._own_actions.purge(self._clock.now() - _ACTIONS_KEPT)


class OutageReporter:
    """Reports once that a server doesn't answer, and once that it does again. Raises StoreError.

    While the server is muted an outage waits to be reported; the end of one that was reported before is a
    reply in its thread.
    """

    def __init__(self, server: VeeamServer, database: Database, clock: Clock, rules: WatchRules) -> None:
        self._server = server.name
        self._database = database
        self._clock = clock
        self._channels = rules.channels_of(server.name)
        self._outages = Outages(database)
        self._mutes = Mutes(database)
        self._outbox = Outbox(database)
        self._failed_polls = 0
        self._may_be_down = True

    async def failed(self, error: VeeamError) -> None:
        """Note a poll without an answer; the third in a row is reported, once, by one of all processes."""
        self._failed_polls += 1
        self._may_be_down = True
        now, problem, detail = self._clock.now(), error.kind, str(error)
        outage = await self._outages.begin(self._server, now, problem, detail)
        if self._failed_polls == 1:
            log.warning("watch.outage_began", server=self._server, problem=detail)
        if outage.announced_at is not None or self._failed_polls < POLLS_UNTIL_REPORTED:
            return
        began = facts.OutageBegan(server=self._server, since=outage.since, problem=problem, detail=detail)
        async with self._database.transaction() as transaction:
            if await self._is_muted(transaction, now):
                return
            if await self._outages.claim_announcement(transaction, self._server, now):
                await self._outbox.add(transaction, self._rows("silent", outage.since, began, now))

    async def answered(self, *, late_total: int) -> None:
        """Note that the server answers; if its outage was reported, so is its end."""
        self._failed_polls = 0
        if not self._may_be_down:
            return
        if not await self._outages.noted(self._server):
            self._may_be_down = False
            return
        now = self._clock.now()
        async with self._database.transaction() as transaction:
            outage = await self._outages.end(transaction, self._server)
            if outage is not None and outage.announced_at is not None:
                ended = facts.OutageEnded(
                    server=self._server, since=outage.since, ended_at=now, late_total=late_total
                )
                is_quiet = await self._is_muted(transaction, now)
                rows = self._rows("back", outage.since, ended, now, in_thread=is_quiet)
                # A channel that was added by a restart has no message to reply to.
                roots = [row.root_key for row in rows if row.root_key is not None]
                there = await self._outbox.known(transaction, roots)
                rows = [row for row in rows if row.root_key is None or row.root_key in there]
                await self._outbox.add(transaction, rows)
        self._may_be_down = False
        if outage is not None:
            log.info("watch.outage_ended", server=self._server, since=outage.since.isoformat())

    async def _is_muted(self, transaction: Transaction, now: datetime) -> bool:
        """Whether the whole server is under planned maintenance."""
        active = await self._mutes.active(transaction, self._server, now)
        return any(mute.is_of_server and mute.pattern is None for mute in active)

    def _rows(
        self,
        occasion: str,
        since: datetime,
        announcement: facts.Announcement,
        now: datetime,
        *,
        in_thread: bool = False,
    ) -> list[NewOutboxRow]:
        """A message for each channel, or one in the thread of that which said that the server is silent."""

        def key(of: str, channel: str) -> str:
            return f"{self._server}/{of}/{since.isoformat()}/{channel}"

        return [
            message(
                key(occasion, channel),
                channel,
                announcement,
                now,
                placement=Placement.REPLY if in_thread else Placement.POST,
                root_key=key("silent", channel) if in_thread else None,
            )
            for channel in self._channels
        ]
