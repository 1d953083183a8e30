"""What goes on record about an asking: before it is done, and what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from bot.observability import Clock
from bot.operations.answers import ActionAnswer
from bot.operations.asking import Asking
from bot.operations.catalog import Operation
from bot.operations.effects import Cloned, Ran
from bot.operations.lookup import FoundJob
from bot.operations.outcomes import Done, Failed, Refusal, Refused, Sent, Unclear, kind_of
from bot.operations.roles import Verdict
from bot.store import AuditEntry, AuditId, AuditLog, AuditOutcome, AuditShown, StoreError
from bot.veeam import ServerName, Session, SessionId

REFUSED, BROKEN = "refused", "broken"

log = structlog.get_logger()


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
        entry = self._entry(operation, asking, where, detail)
        if (approver := asking.approver) is not None:
            entry = replace(entry, approver_id=approver.id, approver_name=approver.name)
        return await self._audit.opened(replace(entry, reason=asking.reason))

    async def closed(
        self,
        audit_id: AuditId,
        outcome: str,
        session_id: SessionId | None = None,
        detail: str | None = None,
    ) -> None:
        """Put on record what came of it."""
        await self._audit.closed(audit_id, AuditOutcome(outcome, self._clock.now(), session_id, detail))

    async def sent(
        self,
        operation: Operation,
        asking: Asking,
        where: Where,
        detail: str | None,
        send: Callable[[], Awaitable[Sent]],
    ) -> Sent:
        """Put on record what is about to be sent, have it sent, and put on record what came of it.

        Raises `StoreError` where nothing was sent: it could not be put on record, or `send` raised it first.
        """
        audit_id = await self.opened(operation, asking, where, detail)
        try:
            outcome = await send()
        except StoreError as error:
            await self.closed(audit_id, BROKEN, detail=str(error))
            raise
        try:
            await self.closed(audit_id, kind_of(outcome), *_told_of(outcome))
        except StoreError as error:
            # It was sent, and whoever asked is told what came of it; the entry that stays open says the rest.
            log.error("operations.audit_left_open", audit_id=audit_id, error=str(error))
        return outcome

    async def refuse(
        self, operation: Operation, asking: Asking, verdict: Verdict, where: Where | None = None
    ) -> Refused:
        """Put on record that the person may not; return the outcome that says so."""
        refused = verdict.refused(operation, asking.person)
        await self.refused(operation, asking, refused.refusal, where)
        return refused

    async def refused(
        self, operation: Operation, asking: Asking, refusal: Refusal, where: Where | None = None
    ) -> None:
        """Put a refusal on record, with its named reason."""
        entry = self._entry(operation, asking, where, None)
        await self._audit.refused(entry, AuditOutcome(REFUSED, entry.at, detail=refusal))

    async def shown(self, reference: str, *, channel_id: str, ts: str, link: str | None) -> None:
        """Put on record which message told the action of that reference."""
        await self._audit.shown(reference, AuditShown(channel_id, ts, link, self._clock.now()))

    def _entry(
        self, operation: Operation, asking: Asking, where: Where | None, detail: str | None
    ) -> AuditEntry:
        person, gesture, place = asking.person, asking.gesture, _place(where)
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


def error_of(outcome: Sent) -> str | None:
    """Return what went wrong, in the error's own words; None where nothing did."""
    return None if isinstance(outcome, Done) else str(outcome.error)


def _told_of(outcome: Sent) -> tuple[SessionId | None, str | None]:
    """The session and the detail that go on record with an outcome."""
    match outcome:
        case Done(ActionAnswer(effect=Ran(session=Session() as session))):
            return session.id, None
        case Done(ActionAnswer(effect=Cloned() as clone)):
            return None, f"as {clone.name}"
        case Unclear():
            return outcome.session_id, error_of(outcome)
        case Done() | Failed():
            return None, error_of(outcome)


def _place(where: Where | None) -> Place | None:
    match where:
        case FoundJob(server, state):
            return Place(server, state.id, state.name)
        case str():
            return Place(where)
        case _:
            return where
