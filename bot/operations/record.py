"""What goes on record about an asking: before it is done, and what came of it."""

from dataclasses import dataclass, replace

from bot.observability import Clock
from bot.operations.asking import Asking
from bot.operations.catalog import Operation
from bot.operations.lookup import FoundJob
from bot.operations.outcomes import Refusal
from bot.operations.people import Person
from bot.operations.requests import Gesture
from bot.store.audit import AuditLog
from bot.store.records import AuditEntry, AuditId, AuditOutcome, AuditShown
from bot.veeam import ServerName, SessionId

REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Place:
    """What an entry is about: a job as it was named at the time, or a server as such."""

    server: str
    job_id: str | None = None
    job_name: str | None = None


Where = FoundJob | ServerName | Place


class Record:
    """The audit record, in the operations' words. Raises `StoreError`."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def opened(self, operation: Operation, asking: Asking, where: Where, detail: str | None) -> AuditId:
        """Put on record what is about to be done on a job, or on a server where no job is named."""
        entry = self._entry(operation, asking.person, asking.gesture, where, detail)
        if (approver := asking.approver) is not None:
            entry = replace(entry, approver_id=approver.id, approver_name=approver.name)
        return await self._audit.opened(replace(entry, reason=asking.reason))

    async def closed(
        self, audit_id: AuditId, outcome: str, session_id: SessionId | None, detail: str | None
    ) -> None:
        """Put on record what came of it."""
        await self._audit.closed(audit_id, AuditOutcome(outcome, self._clock.now(), session_id, detail))

    async def refused(
        self,
        operation: Operation,
        person: Person,
        gesture: Gesture,
        refusal: Refusal,
        where: Where | None = None,
    ) -> None:
        """Put a refusal on record, with its named reason."""
        entry = self._entry(operation, person, gesture, where, None)
        await self._audit.refused(entry, AuditOutcome(REFUSED, entry.at, detail=refusal))

    async def shown(self, reference: str, *, channel_id: str, ts: str, link: str | None) -> None:
        """Put on record which message told the action of that reference."""
        await self._audit.shown(reference, AuditShown(channel_id, ts, link, self._clock.now()))

    def _entry(
        self,
        operation: Operation,
        person: Person,
        gesture: Gesture,
        where: Where | None,
        detail: str | None,
    ) -> AuditEntry:
        place = _place(where)
        return AuditEntry(
            person_id=person.id,
            person_name=person.name,
            team_id=gesture.team_id,
            operation=operation.audit_name,
            reference=gesture.reference,
            origin=gesture.origin,
            channel_id=gesture.channel_id,
            at=self._clock.now(),
            server=place.server if place is not None else None,
            job_id=place.job_id if place is not None else None,
            job_name=place.job_name if place is not None else None,
            detail=detail,
        )


def _place(where: Where | None) -> Place | None:
    match where:
        case FoundJob(server, state):
            return Place(server, state.id, state.name)
        case str():
            return Place(where)
        case _:
            return where
