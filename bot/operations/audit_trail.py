"""What goes on record about a request: before it is done, and its outcome. And what is there already.

Raises `StoreError`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import structlog

from bot import store
from bot.observability import Clock
from bot.operations import outcomes
from bot.operations.jobs import FoundJob
from bot.operations.model import AuditSubject, Kind, Operation, Refusal, RequestContext
from bot.operations.permissions import Permission
from bot.operations.refusals import Refusals
from bot.settings import PersonId, ServerName
from bot.veeam import JobId, Session, SessionId

REFUSED, BROKEN = "refused", "broken"
REPEATED = "repeated"
RECENTLY = timedelta(minutes=15)
_RECENT_AT_MOST = 3

log = structlog.get_logger()


T = TypeVar("T", bound=outcomes.Recorded)

Subject = FoundJob | ServerName | AuditSubject
Also = Callable[[store.Transaction, store.AuditId], Awaitable[None]]


class EntryInProgress:
    """An entry that is on record and waits for its outcome."""

    outcome: outcomes.Recorded | None = None

    def close(self, outcome: T) -> T:
        """Have this put on record as the outcome, and return it."""
        self.outcome = outcome
        return outcome


class AuditTrail:
    """The audit record, in the operations' words. `by_audit_name` are the operations that it may name."""

    def __init__(self, log: store.AuditLog, clock: Clock, by_audit_name: Mapping[str, Operation]) -> None:
        actions = [name for name, operation in by_audit_name.items() if operation.kind is Kind.ACTION]
        self.refusals = Refusals(log, clock, actions)
        self._log = log
        self._clock = clock
        self._by_audit_name = by_audit_name

    @asynccontextmanager
    async def entry(
        self,
        operation: Operation,
        context: RequestContext,
        subject: Subject | None,
        detail: str | None,
        also: Also | None = None,
    ) -> AsyncIterator[EntryInProgress]:
        """Put on record what is about to be sent and, at the end of the block, its outcome.

        `also` writes what belongs to it, in the transaction that opens the entry.

        Raises `StoreError` where nothing was sent: it could not be put on record, or the block raised it
        first.
        """
        audit_id = await self.open(operation, context, subject, detail, also)
        entry = EntryInProgress()
        try:
            yield entry
        except store.StoreError as error:
            await self.close(audit_id, BROKEN, detail=str(error))
            raise
        if entry.outcome is None:
            return
        try:
            await self.conclude(audit_id, entry.outcome)
        except store.StoreError as error:
            # It was sent, and the person is shown the outcome; the entry that stays open says the rest.
            log.error("operations.audit_left_open", audit_id=audit_id, error=str(error))

    async def open(
        self,
        operation: Operation,
        context: RequestContext,
        subject: Subject | None,
        detail: str | None,
        also: Also | None = None,
    ) -> store.AuditId:
        """Put on record what is about to be done on a job, or on a server where no job is named."""
        entry = self._entry(operation, context, subject, detail)
        if (approver := context.approver) is not None:
            entry = replace(entry, approver_id=approver.id, approver_name=approver.name)
        return await self._log.opened(replace(entry, reason=context.reason), also)

    async def conclude(self, audit_id: store.AuditId, outcome: outcomes.Recorded) -> None:
        """Put the outcome of something that was sent on record; one that is there already stays."""
        await self.close(audit_id, outcomes.kind_of(outcome), *_on_record(outcome))

    async def close(
        self,
        audit_id: store.AuditId,
        outcome: str,
        session_id: SessionId | None = None,
        detail: str | None = None,
    ) -> None:
        """Put its outcome on record."""
        await self._log.closed(audit_id, store.AuditOutcome(outcome, self._clock.now(), session_id, detail))

    async def refuse(
        self,
        operation: Operation,
        context: RequestContext,
        permission: Permission,
        subject: Subject | None = None,
    ) -> outcomes.Refused:
        """Put on record that the person may not; return the outcome that says so."""
        refused = refusal_of(operation, context, permission)
        await self.refused(operation, context, refused.refusal, subject)
        return refused

    async def refused(
        self,
        operation: Operation,
        context: RequestContext,
        refusal: Refusal,
        subject: Subject | None = None,
        detail: str | None = None,
    ) -> None:
        """Put a refusal on record, with its named reason; `detail` is what was asked for beyond the job.

        What one person goes on trying is counted, and on record as one row soon after.
        """
        entry = self._entry(operation, context, subject, detail)
        await self.refusals.record(entry, store.AuditOutcome(REFUSED, entry.at, detail=refusal))

    async def repeated(self, operation: Operation, context: RequestContext) -> None:
        """Put on record that the same gesture came again, and that nothing was done."""
        entry = self._entry(operation, context, None, None)
        await self.refusals.record(entry, store.AuditOutcome(REFUSED, entry.at, detail=REPEATED))

    async def message_posted(self, reference: str, *, channel_id: str, ts: str, link: str | None) -> None:
        """Put on record which message shows the outcome of the action of that reference."""
        await self._log.shown(reference, store.AuditShown(channel_id, ts, link, self._clock.now()))

    async def recent_on_job(
        self, context: RequestContext, server: ServerName, job_id: JobId
    ) -> tuple[outcomes.RecentAction, ...]:
        """Return what others did on the job in the last minutes, newest first, without what was refused."""
        return await self._recent(context, server, lambda entry: entry.job_id == job_id)

    async def recent_with_detail(
        self, context: RequestContext, server: ServerName, operation: Operation, detail: str
    ) -> tuple[outcomes.RecentAction, ...]:
        """Return the actions of this kind with this detail on record that others did in the last minutes."""
        wanted = (operation.audit_name, detail)
        return await self._recent(context, server, lambda entry: (entry.operation, entry.detail) == wanted)

    async def _recent(
        self, context: RequestContext, server: ServerName, concerns: Callable[[store.AuditEntry], bool]
    ) -> tuple[outcomes.RecentAction, ...]:
        which = store.AuditFilter(since=self._clock.now() - RECENTLY, servers=(server,))
        actions = [
            action
            for attempt in await self._log.records(which)
            if not context.person.has_id(attempt.entry.person_id)
            and concerns(attempt.entry)
            and (action := self.as_action(attempt)) is not None
            and action.operation.kind is Kind.ACTION
        ]
        return tuple(actions[:_RECENT_AT_MOST])

    def as_action(self, attempt: store.AuditRecord) -> outcomes.RecentAction | None:
        """Return an attempt as an action; None for what was refused, names no server or is not known."""
        entry, outcome = attempt.entry, attempt.outcome
        operation = self._by_audit_name.get(entry.operation)
        kind = outcome.outcome if outcome is not None else None
        if operation is None or entry.server is None or kind == REFUSED:
            return None
        return outcomes.RecentAction(
            operation,
            PersonId(entry.person_id),
            entry.at,
            kind,
            ServerName(entry.server),
            entry.job_name,
            entry.detail,
        )

    def _entry(
        self, operation: Operation, context: RequestContext, subject: Subject | None, detail: str | None
    ) -> store.AuditEntry:
        match subject:
            case FoundJob(server, state):
                subject = AuditSubject(server, state.id, state.name)
            case str():
                subject = AuditSubject(subject)
            case _:
                pass
        person, gesture = context.person, context.gesture
        return store.AuditEntry(
            person_id=person.id,
            person_name=person.name,
            team_id=gesture.team_id,
            operation=operation.audit_name,
            reference=gesture.reference,
            origin=gesture.origin,
            channel_id=gesture.channel_id,
            at=self._clock.now(),
            server=subject.server if subject is not None else None,
            job_id=subject.job_id if subject is not None else None,
            job_name=subject.job_name if subject is not None else None,
            detail=detail,
        )


def refusal_of(operation: Operation, context: RequestContext, permission: Permission) -> outcomes.Refused:
    """Return the outcome for a person who may not."""
    return outcomes.Refused(
        permission.refusal or Refusal.NO_GRANT,
        operation,
        context.person.standing,
        permission.roles_needed,
        permission.groups,
        permission.closed,
    )


def error_of(outcome: outcomes.Sent) -> str | None:
    """Return what went wrong, in the error's own words; None where nothing did."""
    return None if isinstance(outcome, outcomes.Done) else str(outcome.error)


def _on_record(outcome: outcomes.Recorded) -> tuple[SessionId | None, str | None]:
    """The session and the detail that go on record with an outcome."""
    match outcome:
        case outcomes.Done(outcomes.ActionAnswer(effect=outcomes.Ran(session=Session() as session))):
            return session.id, None
        case outcomes.Done(outcomes.ActionAnswer(effect=outcomes.Cloned() as clone)):
            return None, f"as {clone.name}"
        case outcomes.Unclear():
            return outcome.session_id, error_of(outcome)
        case outcomes.Done() | outcomes.Failed():
            return None, error_of(outcome)
        case outcomes.NotSubscribed():
            return None, outcome.why
