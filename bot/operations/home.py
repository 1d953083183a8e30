"""One person's own page: what is wrong where they may look, what they did lately, what they may do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.observability import Clock
from bot.operations.answers import (
    DisabledUntil,
    HomeAnswer,
    JobView,
    OwnDeed,
    ServerStatus,
    StatusAnswer,
    Waiting,
)
from bot.operations.approvals.waiting import WaitingRoom
from bot.operations.asking import Asking
from bot.operations.catalog import BY_AUDIT_NAME
from bot.operations.outcomes import Done
from bot.operations.parallel import at_once
from bot.operations.personal import Personal
from bot.operations.reasons import Reasons
from bot.operations.record import REFUSED
from bot.operations.servers import Servers
from bot.settings import PersonId, ServerName
from bot.store import AuditFilter, AuditLog, AuditRecord, StoreError, TimedDisables

DEEDS_SHOWN = 8
_ATTEMPTS_READ = 40


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on record about people and jobs, and what waits for a second person."""

    audit: AuditLog
    timed_disables: TimedDisables
    waiting: WaitingRoom


class HomePage:
    """Composes the page from other operations' answers; asks no server for whoever is granted nothing."""

    def __init__(
        self, personal: Personal, servers: Servers, reasons: Reasons, kept: Kept, clock: Clock
    ) -> None:
        self._personal = personal
        self._servers = servers
        self._reasons = reasons
        self._kept = kept
        self._clock = clock

    async def show(self, asking: Asking) -> Done:
        """Return the page as it is now."""
        whoami = self._personal.own(asking)
        if not whoami.held:
            groups = self._personal.groups_with_a_role(asking.person)
            return Done(HomeAnswer(whoami, None, (), self._clock.now(), groups))
        async with at_once() as group:
            status = group.create_task(self._status(asking))
            lately = group.create_task(self._lately(asking))
            disabled = group.create_task(self._disabled(asking))
            waiting = group.create_task(self._waiting(asking))
        return Done(
            HomeAnswer(
                whoami,
                status.result(),
                lately.result(),
                self._clock.now(),
                disabled=disabled.result(),
                waiting=waiting.result(),
            )
        )

    async def _status(self, asking: Asking) -> StatusAnswer:
        status = await self._servers.overview(asking)
        async with at_once() as group:
            servers = [group.create_task(self._with_reasons(one)) for one in status.servers]
        return replace(status, servers=tuple(server.result() for server in servers))

    async def _with_reasons(self, status: ServerStatus) -> ServerStatus:
        async with at_once() as group:
            failed = [group.create_task(self._with_reason(view)) for view in status.failed]
        return replace(status, failed=tuple(view.result() for view in failed))

    async def _with_reason(self, view: JobView) -> JobView:
        failure = await self._reasons.of(view.server, view.state)
        return replace(view, failed_in_a_row=failure.in_a_row, reason=failure.reason)

    async def _lately(self, asking: Asking) -> tuple[OwnDeed, ...] | None:
        which = AuditFilter(person_id=asking.person.id)
        try:
            attempts = await self._kept.audit.records(which, limit=_ATTEMPTS_READ)
        except StoreError:
            return None
        return deeds(attempts, asking)

    async def _waiting(self, asking: Asking) -> Waiting:
        try:
            return await self._kept.waiting.of(asking)
        except StoreError:
            return Waiting()

    async def _disabled(self, asking: Asking) -> tuple[DisabledUntil, ...]:
        try:
            plans = await self._kept.timed_disables.every()
        except StoreError:
            return ()
        return tuple(
            DisabledUntil(ServerName(one.server), one.job_name, PersonId(one.person_id), one.until)
            for one in plans
            if asking.sight.sees(one.server, one.job_name)
        )


def deeds(attempts: Sequence[AuditRecord], asking: Asking) -> tuple[OwnDeed, ...]:
    """Return what was done, of the attempts: nothing refused, and only jobs that the asker may see now."""
    found = (_deed(attempt, asking) for attempt in attempts)
    return tuple(deed for deed in found if deed is not None)[:DEEDS_SHOWN]


def _deed(attempt: AuditRecord, asking: Asking) -> OwnDeed | None:
    entry = attempt.entry
    operation = BY_AUDIT_NAME.get(entry.operation)
    outcome = attempt.outcome.outcome if attempt.outcome is not None else None
    if operation is None or entry.server is None or entry.job_name is None or outcome == REFUSED:
        return None
    if not asking.sight.sees(entry.server, entry.job_name):
        return None
    return OwnDeed(operation, ServerName(entry.server), entry.job_name, entry.at, outcome)
