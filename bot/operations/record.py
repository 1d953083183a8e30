"""What goes on record about an asking: before it is done, and what came of it."""

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


class Record:
    """The audit record, in the operations' words. Raises `StoreError`."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def opened(
        self, operation: Operation, asking: Asking, place: FoundJob | ServerName, detail: str | None
    ) -> AuditId:
        """Put on record what is about to be done on a job, or on a server where no job is named."""
        entry = self._entry(operation, asking.person, asking.gesture, place, detail)
        return await self._audit.opened(entry)

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
        job: FoundJob | None = None,
    ) -> None:
        """Put a refusal on record, with its named reason."""
        entry = self._entry(operation, person, gesture, job, None)
        await self._audit.refused(entry, AuditOutcome(REFUSED, entry.at, detail=refusal))

    async def shown(self, reference: str, *, channel_id: str, ts: str, link: str | None) -> None:
        """Put on record which message told the action of that reference."""
        await self._audit.shown(reference, AuditShown(channel_id, ts, link, self._clock.now()))

    def _entry(
        self,
        operation: Operation,
        person: Person,
        gesture: Gesture,
        place: FoundJob | ServerName | None,
        detail: str | None,
    ) -> AuditEntry:
        job = place if isinstance(place, FoundJob) else None
        return AuditEntry(
            person_id=person.id,
            person_name=person.name,
            team_id=gesture.team_id,
            operation=operation.audit_name,
            reference=gesture.reference,
            origin=gesture.origin,
            channel_id=gesture.channel_id,
            at=self._clock.now(),
            server=place.server if isinstance(place, FoundJob) else place,
            job_id=job.state.id if job is not None else None,
            job_name=job.state.name if job is not None else None,
            detail=detail,
        )
