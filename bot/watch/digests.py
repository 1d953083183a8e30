"""Digests: one message a day about how the jobs of all servers stand, and a second look while runs end.

VBR is asked when a digest is due, and a few times in the hour after it while runs are going on that it leaves
open; at rest nothing is asked. Each digest is made once for its channel and day: its row, and what is queued
for it, are written in one transaction.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec
import structlog

from bot.observability import Clock
from bot.settings import DigestDay, DigestSettings, ServerName
from bot.store import (
    Database,
    DigestRow,
    Digests,
    FailureGroups,
    Leases,
    Mutes,
    NewOutboxRow,
    Outbox,
    Placement,
    Runs,
    StoppedSessions,
    StoreError,
)
from bot.veeam import (
    DEFAULT_RULES,
    CauseRules,
    Fleet,
    KnownOfJobs,
    Report,
    ReportPeriod,
    ServerReport,
    Session,
    SilentAt,
    VeeamError,
    VeeamServer,
    is_one_of_many,
    read_server_report,
    report_over,
    with_groups,
)
from bot.watch import facts
from bot.watch.messages import NOTICE, REPLY, message
from bot.watch.mutes import covering
from bot.watch.run_facts import SessionDetails
from bot.watch.runs import Run
from bot.watch.session_report import fetch_details

SECONDS_BETWEEN_CHECKS = 30.0
LATE_AFTER, SKIPPED_AFTER = timedelta(minutes=10), timedelta(hours=6)
"""From when on a digest says that it is late, and when it is left out: the next one covers its period."""
LOOKS_AFTER = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 40, 60))
"""When a digest is looked at again, from when it was made."""
_SECONDS_FOR_A_SERVER = 300.0
_DETAIL_SECONDS = 10.0
_ASKED_AT_ONCE = 4
_RUNNING_LOOKED_AT = 20
_LEASE = "digests"
_LEASE_SECONDS = 120.0
_DAYS = tuple(DigestDay)
_LONGEST_DAYS = 7

log = structlog.stdlib.get_logger(__name__)


class _Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found for a digest, as it is kept to be found out again in part."""

    at: str
    timezone: str
    since: datetime
    until: datetime
    servers: tuple[ServerReport, ...]
    silent: tuple[SilentAt, ...] = ()
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class DueDigest:
    """A digest that is due at a moment, for a day of its zone, with what has happened `since`."""

    settings: DigestSettings
    day: date
    at: datetime
    since: datetime

    @property
    def key(self) -> str:
        """The digest's key, the same in every process."""
        return f"{series_of(self.settings)}/{self.day.isoformat()}"


def series_of(settings: DigestSettings) -> str:
    """Return what the digests of one entry of the settings have in common."""
    return f"digest/{settings.channel}/{settings.at:%H:%M}/{settings.timezone}"


def latest_due(settings: DigestSettings, now: datetime) -> DueDigest | None:
    """Return the digest that was due last, by a week ago at most; None where none was.

    A time that the clocks skip counts as that much later, and of one that comes twice the first counts: each
    day has one digest.
    """
    today = now.astimezone(settings.zone).date()
    days = [today - timedelta(days=back) for back in range(2 * _LONGEST_DAYS + 1)]
    due = [(day, _moment(settings, day)) for day in days if _DAYS[day.weekday()] in settings.days]
    past = [(day, at) for day, at in due if at <= now]
    if not past:
        return None
    (day, at), *before = past
    since = before[0][1] if before else at - timedelta(days=_LONGEST_DAYS)
    return DueDigest(settings, day, at, since)


def _moment(settings: DigestSettings, day: date) -> datetime:
    return datetime.combine(day, settings.at, settings.zone).astimezone(UTC)


class DigestMaker:
    """Makes the digests of the settings. Of several processes one does, by a lease."""

    def __init__(
        self,
        digests: Sequence[DigestSettings],
        fleet: Fleet,
        database: Database,
        clock: Clock,
        holder: str,
        rules: CauseRules = DEFAULT_RULES,
    ) -> None:
        self._settings = digests
        self._rules = rules
        self._fleet = fleet
        self._database = database
        self._clock = clock
        self._holder = holder
        self._digests = Digests(database)
        self._groups = FailureGroups(database)
        self._outbox = Outbox(database)
        self._leases = Leases(database)
        self._stopped = StoppedSessions(database)
        self._runs = Runs(database)
        self._mutes = Mutes(database)
        # The last digest of each series that needs no more thought.
        self._settled: dict[str, str] = {}

    async def run(self) -> None:
        """Make what is due, for ever; while the database does not answer it waits."""
        while True:
            try:
                await self.tick()
            except StoreError as error:
                log.debug("watch.digests_not_made", problem=str(error))
            await self._clock.sleep(SECONDS_BETWEEN_CHECKS)

    async def tick(self) -> None:
        """Make each digest that is due and look again at those that are unfinished. Raises `StoreError`."""
        for settings in self._settings:
            due = latest_due(settings, self._clock.now())
            if due is not None and self._settled.get(series_of(settings)) != due.key:
                await self._see_to(due)
        for row in await self._digests.to_look_at(self._clock.now()):
            if await self._is_ours():
                await self._look_again(row)

    async def _see_to(self, due: DueDigest) -> None:
        if not await self._digests.is_made(due.key):
            if self._clock.now() - due.at > SKIPPED_AFTER:
                # Before the first one of a new installation there was nobody to make it.
                if await self._digests.has_any(series_of(due.settings)):
                    log.warning("watch.digest_skipped", channel=due.settings.channel, day=due.day.isoformat())
            elif not await self._is_ours():
                return
            else:
                await self._make(due)
        self._settled[series_of(due.settings)] = due.key

    async def _is_ours(self) -> bool:
        return await self._leases.take(_LEASE, self._holder, self._clock.now(), _LEASE_SECONDS)

    async def _make(self, due: DueDigest) -> None:
        now = self._clock.now()
        period = ReportPeriod(since=due.since, until=now, zone=due.settings.zone)
        servers, silent = await self._read(self._fleet.names, period)
        found = _Found(
            at=f"{due.settings.at:%H:%M}",
            timezone=due.settings.timezone,
            since=due.since,
            until=now,
            servers=servers,
            silent=silent,
            is_late=now - due.at > LATE_AFTER,
        )
        row = DigestRow(
            key=due.key,
            channel=due.settings.channel,
            made_at=now,
            look_at=now + LOOKS_AFTER[0] if _is_open(found) else None,
            body=_encode(found),
        )
        report, groups = with_groups(self._report(found, due.settings, due.day))
        async with self._database.transaction() as transaction:
            if await self._digests.make(transaction, row):
                await self._groups.add(transaction, groups, now)
                await self._outbox.add(transaction, _rows(row, report, due.settings))
        log.info(
            "watch.digest_made",
            channel=row.channel,
            day=due.day.isoformat(),
            servers=len(servers),
            silent=len(silent),
        )

    async def _look_again(self, row: DigestRow) -> None:
        """Read again what was left open; where that has changed, what stands in the channel is edited."""
        found, settings, looks = _decode(row.body), self._settings_of(row), row.looks + 1
        if found is None or settings is None:
            async with self._database.transaction() as transaction:
                await self._digests.looked(transaction, row, look_at=None, body=row.body)
            return
        changed, now = await self._found_again(found, settings), self._clock.now()
        goes_on = _is_open(changed) and looks < len(LOOKS_AFTER)
        look_at = max(now, row.made_at + LOOKS_AFTER[looks]) if goes_on else None
        async with self._database.transaction() as transaction:
            is_ours = await self._digests.looked(transaction, row, look_at=look_at, body=_encode(changed))
            if is_ours and changed != found:
                day = date.fromisoformat(row.key.rpartition("/")[2])
                before = self._report(found, settings, day)
                after, groups = with_groups(self._report(changed, settings, day))
                await self._groups.add(transaction, groups, now)
                await self._outbox.add(transaction, _edits(row, settings, before, after, now=now, look=looks))

    async def _found_again(self, found: _Found, settings: DigestSettings) -> _Found:
        """The same, with what is known by now of servers that were silent and runs that were going on."""
        ended = [part.server for part in found.servers if await self._has_ended(part)]
        silent_then = {each.server for each in found.silent}
        again = [name for name in self._fleet.names if name in silent_then or name in ended]
        if not again:
            return found
        period = ReportPeriod(since=found.since, until=found.until, zone=settings.zone)
        servers, silent = await self._read(again, period)
        fresh = {part.server: part for part in servers}
        kept = [fresh.pop(part.server, part) for part in found.servers]
        return msgspec.structs.replace(
            found,
            servers=(*kept, *fresh.values()),
            # One that answered before, and doesn't now, stays as it was found.
            silent=tuple(each for each in silent if each.server in silent_then),
        )

    async def _has_ended(self, part: ServerReport) -> bool:
        """Whether one of the runs is over that the digest found going on there."""
        jobs = part.findings.running.jobs[:_RUNNING_LOOKED_AT]
        if part.server not in self._fleet.names:
            return False
        server = self._fleet.server(part.server)
        for session_id in (job.session_id for job in jobs if job.session_id is not None):
            try:
                async with asyncio.timeout(_DETAIL_SECONDS):
                    if (await server.session(session_id)).is_stopped:
                        return True
            except (VeeamError, TimeoutError):
                return False
        return False

    async def _read(
        self, names: Sequence[ServerName], period: ReportPeriod
    ) -> tuple[tuple[ServerReport, ...], tuple[SilentAt, ...]]:
        """Ask servers side by side; what fails there is that server's affair."""
        known = {name: await self._known(name) for name in names}

        async def read(server: VeeamServer) -> ServerReport:
            return await read_server_report(
                server,
                period,
                known=known[server.name],
                why=self._why,
                clock=self._clock,
                rules=self._rules,
                is_one_of_many=is_one_of_many(len(self._fleet.names)),
            )

        answer = await self._fleet.ask(read, names, limit_seconds=_SECONDS_FOR_A_SERVER)
        silent = tuple(SilentAt(server=name, problem=error.kind) for name, error in answer.failures.items())
        return tuple(answer.answers.values()), silent

    async def _known(self, server: ServerName) -> KnownOfJobs:
        active = await self._mutes.every(self._clock.now(), server)
        return KnownOfJobs(
            stopped=await self._stopped.of(server),
            failed_parts=await self._runs.failed_parts(server),
            is_muted=lambda job_id, name: covering(active, job_id, name) is not None,
        )

    async def _why(self, server: VeeamServer, sessions: Sequence[Session]) -> Mapping[str, str]:
        """Why sessions failed: as it was announced where it was, else by VBR."""
        try:
            found = await self._announced(server.name, sessions)
        except StoreError as error:
            log.warning("watch.digest_reasons_unread", server=server.name, problem=str(error))
            found = {}
        turns = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def ask(session: Session) -> SessionDetails:
            async with turns:
                return await fetch_details(server, session, seconds=_DETAIL_SECONDS)

        unknown = [session for session in sessions if session.id not in found]
        async with asyncio.TaskGroup() as group:
            asked = {session.id: group.create_task(ask(session)) for session in unknown}
        answered = {session_id: _reason(task.result()) for session_id, task in asked.items()}
        return found | {session_id: said for session_id, said in answered.items() if said is not None}

    async def _announced(self, server: ServerName, sessions: Sequence[Session]) -> dict[str, str]:
        job_ids = [session.job_id for session in sessions if session.job_id is not None]
        async with self._database.reading() as reading:
            rows = await self._runs.latest_of(reading, server, job_ids, by=self._clock.now())
        attempts = (
            attempt
            for row in rows
            if (run := Run.decode(row.body)) is not None
            for attempt in run.facts.attempts
        )
        said = {
            attempt.session_id: _reason(attempt.details)
            for attempt in attempts
            if attempt.details is not None
        }
        wanted = {session.id for session in sessions}
        return {key: reason for key, reason in said.items() if reason is not None and key in wanted}

    def _report(self, found: _Found, settings: DigestSettings, day: date) -> Report:
        period = ReportPeriod(since=found.since, until=found.until, zone=settings.zone)
        report = report_over(
            found.servers,
            found.silent,
            period,
            at=found.at,
            as_of=self._clock.now(),
            is_late=found.is_late,
        )
        # The day it is for, also where it is made after midnight.
        return msgspec.structs.replace(report, day=day.isoformat())

    def _settings_of(self, row: DigestRow) -> DigestSettings | None:
        """The entry of the settings that a digest is of; None where it was taken out since."""
        series = row.key.rpartition("/")[0]
        return next((each for each in self._settings if series_of(each) == series), None)


def _reason(details: SessionDetails) -> str | None:
    said = (each.message for each in details.problems if each.message)
    return next(said, None) or next(iter(details.records), None)


def _is_open(found: _Found) -> bool:
    """Whether there is more to be found out: a run was going on, or a server silent."""
    return bool(found.silent) or any(part.findings.running.total for part in found.servers)


def _rows(digest: DigestRow, report: Report, settings: DigestSettings) -> list[NewOutboxRow]:
    """The digest, and what its thread holds."""
    rows = [message(digest.key, digest.channel, facts.DigestMade(report=report), digest.made_at)]
    return rows + [
        message(
            announcement.key,
            digest.channel,
            announcement,
            digest.made_at,
            placement=Placement.REPLY,
            priority=REPLY,
            root_key=digest.key,
        )
        for announcement in _thread(digest, report, settings, because_of=(report,))
    ]


def _edits(
    digest: DigestRow, settings: DigestSettings, before: Report, after: Report, *, now: datetime, look: int
) -> list[NewOutboxRow]:
    """The same messages drawn again; what its thread has only now is posted."""
    thread = _thread(digest, after, settings, because_of=(before, after))
    drawn: list[tuple[str, facts.Announcement]] = [
        (digest.key, facts.DigestMade(report=after)),
        *((announcement.key, announcement) for announcement in thread),
    ]
    posted = [row for row in _rows(digest, after, settings) if row.root_key is not None]
    return posted + [
        message(
            f"{key}/edit/{look}",
            digest.channel,
            announcement,
            now,
            placement=Placement.EDIT,
            priority=NOTICE,
            root_key=key,
        )
        for key, announcement in drawn
    ]


def _thread(
    digest: DigestRow, report: Report, settings: DigestSettings, *, because_of: Sequence[Report]
) -> list[facts.DigestJobs | facts.DigestDays]:
    """What the thread holds of a report, as far as one of these has something to be said there."""
    thread: list[facts.DigestJobs | facts.DigestDays] = []
    if any(each.findings.names_jobs for each in because_of):
        thread.append(facts.DigestJobs(key=f"{digest.key}/jobs", report=report))
    if any(each.findings.grid.total for each in because_of):
        days = facts.DigestDays(key=f"{digest.key}/days", report=report, has_picture=settings.picture)
        thread.append(days)
    return thread


def _encode(found: _Found) -> str:
    return msgspec.json.encode(found).decode()


def _decode(body: str) -> _Found | None:
    try:
        return msgspec.json.decode(body, type=_Found)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        log.error("watch.digest_unreadable", problem=str(error))
        return None
