"""Jobs that were disabled for a time are enabled again when it is over, with a reminder before.

What someone changed meanwhile stays: a job that is found enabled early is left alone from then on, and the
bot says so. Enabling is sent once; if its outcome is unclear, the bot says that instead of sending it again.
"""

from datetime import datetime, timedelta

import structlog

from bot.observability import Clock
from bot.store import (
    LEFT_OPEN,
    AuditEntry,
    AuditLog,
    AuditOutcome,
    Database,
    Leases,
    NewOutboxRow,
    Outbox,
    SharedRead,
    StoreError,
    TimedDisable,
    TimedDisables,
)
from bot.veeam import (
    AnswerLost,
    JobId,
    JobState,
    NotAllowed,
    NotFoundOnServer,
    Rejected,
    ServerName,
    VeeamError,
    VeeamServer,
)
from bot.watch import facts
from bot.watch.messages import message

SECONDS_BETWEEN_CHECKS = 30.0
REMINDED_BEFORE = timedelta(minutes=15)
_LEAST_REMINDED = timedelta(minutes=20)
_LEASE_SECONDS = 120.0
_ENABLE = "job.enable"
_DISABLED_WITHIN = timedelta(minutes=2)
"""How long VBR may take to show the job as disabled; after that, one that isn't was enabled by someone."""

log = structlog.stdlib.get_logger(__name__)


class Reenabler:
    """Ends the timed disables of one server. One process at a time does, by a lease."""

    def __init__(
        self, server: VeeamServer, audit: AuditLog, database: Database, clock: Clock, holder: str
    ) -> None:
        self._server = server
        self._database = database
        self._clock = clock
        self._holder = holder
        self._disables = TimedDisables(database)
        self._audit = audit
        self._outbox = Outbox(database)
        self._leases = Leases(database)

    async def run(self, servers: SharedRead[frozenset[str]]) -> None:
        """Check every half minute, for ever; a server or a database that does not answer is asked again.

        `servers` are those that have jobs disabled for a time.
        """
        while True:
            try:
                if self._server.name in await servers.get():
                    await self.tick()
            except (VeeamError, StoreError) as error:
                log.debug("watch.timed_disables_not_checked", server=self._server.name, problem=str(error))
            await self._clock.sleep(SECONDS_BETWEEN_CHECKS)

    async def tick(self) -> None:
        """Check every timed disable once; a job that VBR fails to describe is checked again next time.

        Raises VeeamError where the server doesn't answer, and StoreError.
        """
        disables = await self._disables.of(self._server.name)
        if not disables:
            return
        lease = f"reenable/{self._server.name}"
        if not await self._leases.take(lease, self._holder, self._clock.now(), _LEASE_SECONDS):
            return
        for disable in disables:
            try:
                await self._check(disable, self._clock.now())
            except VeeamError as error:
                if not error.reached_server:
                    raise
                log.debug("watch.timed_disables_not_checked", server=self._server.name, problem=str(error))

    async def _check(self, disable: TimedDisable, now: datetime) -> None:
        state = await self._server.job_state(JobId(disable.job_id))
        if state is None:
            await self._end(disable, "gone")
        elif not await self._is_disabled(state):
            if disable.attempted_at is not None:
                await self._conclude(disable, "enabled")
            elif now - disable.disabled_at > _DISABLED_WITHIN:
                await self._end(disable, "enabled_before")
        elif disable.attempted_at is not None:
            await self._conclude(disable, "unclear")
        elif now >= disable.until:
            await self._enable(disable)
        elif now >= disable.until - REMINDED_BEFORE and disable.reminded_at is None:
            await self._remind(disable, now)

    async def _is_disabled(self, state: JobState) -> bool:
        """While a job runs, its status may not say so; its settings do, if VBR can describe them."""
        if state.is_disabled or not state.is_active:
            return state.is_disabled
        try:
            return (await self._server.job(state.id)).is_disabled
        except (NotFoundOnServer, Rejected):
            return True

    async def _remind(self, disable: TimedDisable, now: datetime) -> None:
        if disable.until - disable.disabled_at < _LEAST_REMINDED:
            return
        reminder = facts.DisableReminder(
            server=self._server.name,
            job_id=JobId(disable.job_id),
            job_name=disable.job_name,
            person=disable.person_id,
            until=disable.until,
        )
        async with self._database.transaction() as transaction:
            if await self._disables.remind(transaction, disable, now):
                await self._outbox.add(transaction, [_row(disable, reminder, "reminder", now)])

    async def _enable(self, disable: TimedDisable) -> None:
        """Enable the job: claimed and on record first, so that no second process does it too."""
        if not await self._disables.attempt(disable, self._clock.now()):
            return
        entry = AuditEntry(
            person_id=disable.person_id,
            person_name="",
            team_id=None,
            operation=_ENABLE,
            reference=disable.reference,
            origin="timer",
            channel_id=disable.channel_id,
            at=self._clock.now(),
            server=disable.server,
            job_id=disable.job_id,
            job_name=disable.job_name,
            detail="the time it was disabled for is over",
        )
        audit_id = await self._audit.opened(entry)
        outcome, problem = "enabled", None
        try:
            await self._server.enable_job(JobId(disable.job_id))
        except AnswerLost as error:
            outcome, problem = "unclear", str(error)
        except NotFoundOnServer as error:
            outcome, problem = "gone", str(error)
        except (NotAllowed, Rejected) as error:
            outcome, problem = "refused", str(error)
        except VeeamError as error:
            outcome, problem = "waits", str(error)
        await self._audit.closed(
            audit_id, AuditOutcome(_RECORDED.get(outcome, "failed"), self._clock.now(), detail=problem)
        )
        if outcome == "waits":
            await self._disables.wait(disable)
        elif outcome != "unclear":
            # The next tick checks an unclear one, and announces what it finds.
            await self._end(disable, outcome, problem)

    async def _conclude(self, disable: TimedDisable, outcome: str) -> None:
        """End what was attempted by what VBR shows; where a process was killed meanwhile, on record too."""
        problem = LEFT_OPEN if outcome == "unclear" else None
        found = AuditOutcome(_RECORDED[outcome], self._clock.now(), detail=problem)
        await self._audit.conclude(disable.reference, _ENABLE, found)
        await self._end(disable, outcome)

    async def _end(self, disable: TimedDisable, outcome: str, problem: str | None = None) -> None:
        now = self._clock.now()
        ended = facts.DisableEnded(
            server=ServerName(disable.server),
            job_id=JobId(disable.job_id),
            job_name=disable.job_name,
            person=disable.person_id,
            disabled_at=disable.disabled_at,
            until=disable.until,
            outcome=outcome,
            problem=problem,
        )
        async with self._database.transaction() as transaction:
            if await self._disables.end(transaction, disable):
                await self._outbox.add(transaction, [_row(disable, ended, "end", now)])
        log.info("watch.timed_disable_ended", server=disable.server, job_id=disable.job_id, outcome=outcome)


_RECORDED = {"enabled": "done", "unclear": "unclear"}


def _row(
    disable: TimedDisable, announcement: facts.Announcement, occasion: str, now: datetime
) -> NewOutboxRow:
    key = f"{disable.server}/disable/{disable.job_id}/{disable.disabled_at.isoformat()}/{occasion}"
    channel = disable.channel_id or disable.person_id
    return message(f"{key}/{channel}", channel, announcement, now)
