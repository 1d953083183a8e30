"""What others asked for a moment ago on the same job, from the record: two people may mend one thing."""

from collections.abc import Callable
from datetime import timedelta

from bot.observability import Clock
from bot.operations.asking import Asking
from bot.operations.catalog import BY_AUDIT_NAME, QUICKBACKUP, Kind
from bot.operations.forms import OthersDeed
from bot.operations.people import PersonId
from bot.operations.record import REFUSED
from bot.settings import ServerName
from bot.store import AuditEntry, AuditFilter, AuditLog, AuditRecord
from bot.veeam import JobId

LATELY = timedelta(minutes=15)
_TOLD_AT_MOST = 3


class Lately:
    """Reads the record. Raises `StoreError`."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def on_job(self, asking: Asking, server: ServerName, job_id: JobId) -> tuple[OthersDeed, ...]:
        """Return what others did on the job lately, newest first; what was refused is left out."""
        return await self._others(asking, server, lambda entry: entry.job_id == job_id)

    async def on_machine(self, asking: Asking, server: ServerName, detail: str) -> tuple[OthersDeed, ...]:
        """Return the quick backups with this detail on record that others asked for lately."""
        asked = (QUICKBACKUP.audit_name, detail)
        return await self._others(asking, server, lambda entry: (entry.operation, entry.detail) == asked)

    async def _others(
        self, asking: Asking, server: ServerName, concerns: Callable[[AuditEntry], bool]
    ) -> tuple[OthersDeed, ...]:
        which = AuditFilter(since=self._clock.now() - LATELY, servers=(server,))
        deeds = (
            _deed(attempt)
            for attempt in await self._audit.records(which)
            if attempt.entry.person_id != asking.person.id and concerns(attempt.entry)
        )
        return tuple(deed for deed in deeds if deed is not None)[:_TOLD_AT_MOST]


def _deed(attempt: AuditRecord) -> OthersDeed | None:
    entry = attempt.entry
    operation = BY_AUDIT_NAME.get(entry.operation)
    outcome = attempt.outcome.outcome if attempt.outcome is not None else None
    if operation is None or operation.kind is not Kind.ACTION or outcome == REFUSED:
        return None
    return OthersDeed(operation, PersonId(entry.person_id), entry.at, outcome, entry.detail)
