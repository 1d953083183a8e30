"""`audit`: what was done and refused through the bot, newest first, from the record alone; VBR is not asked.

A job is told by the name it had at the time. Somebody whose role is limited sees what concerns the servers
and jobs they have it on; what concerns no job is for those who have it everywhere.
"""

from bot.observability import Clock
from bot.operations.answers import AuditAnswer
from bot.operations.asking import Asking
from bot.operations.catalog import AUDIT
from bot.operations.listing import PAGE_ROWS
from bot.operations.lookup import Lookup
from bot.operations.matching import fits, fold
from bot.operations.outcomes import Done, NotFound
from bot.operations.requests import AuditRequest, JobRef, KnownJob
from bot.operations.roles import Rights, Sight
from bot.settings import ServerName
from bot.store import AuditEntry, AuditFilter, AuditId, AuditLog, AuditRecord

SCAN_AT_MOST = 20_000
_READ_AT_ONCE = 500


class Audit:
    """Answers `audit`. Raises `StoreError`."""

    def __init__(
        self, log: AuditLog, lookup: Lookup, rights: Rights, servers: tuple[ServerName, ...], clock: Clock
    ) -> None:
        self._log = log
        self._lookup = lookup
        self._rights = rights
        self._servers = servers
        self._clock = clock

    async def list(self, request: AuditRequest, asking: Asking) -> Done | NotFound:
        """Return one page of attempts, of those that this person may know of."""
        reach = self._rights.reach(asking.person, AUDIT)
        servers: tuple[ServerName, ...] | None = None
        if request.server is not None:
            found = self._lookup.servers(request.server, reach)
            if isinstance(found, NotFound):
                return found
            servers = found
        now = self._clock.now()
        since = now - request.within if request.within is not None else None
        start = request.page * PAGE_ROWS
        kept, is_cut = await self._matching(
            AuditFilter(request.person, since, servers), request, reach, enough=start + PAGE_ROWS + 1
        )
        return Done(
            AuditAnswer(
                request=request,
                rows=kept[start : start + PAGE_ROWS],
                has_more=len(kept) > start + PAGE_ROWS,
                is_cut=is_cut,
                as_of=now,
            )
        )

    async def _matching(
        self, which: AuditFilter, request: AuditRequest, reach: Sight, *, enough: int
    ) -> tuple[tuple[AuditRecord, ...], bool]:
        """Return the first attempts to show, and whether the record goes on where reading ended early."""
        kept: tuple[AuditRecord, ...] = ()
        before: AuditId | None = None
        for _ in range(SCAN_AT_MOST // _READ_AT_ONCE):
            attempts = await self._log.records(which, before=before, limit=_READ_AT_ONCE)
            kept += tuple(one for one in attempts if self._may_be_seen(one.entry, reach, request.job))
            if len(kept) >= enough or len(attempts) < _READ_AT_ONCE:
                return kept, False
            before = attempts[-1].id
        return kept, True

    def _may_be_seen(self, entry: AuditEntry, reach: Sight, job: JobRef | None) -> bool:
        if entry.server is None:
            is_seen = all(reach.sees_all(server) for server in self._servers)
        elif entry.job_name is None:
            is_seen = reach.sees_all(entry.server)
        else:
            is_seen = reach.sees(entry.server, entry.job_name)
        return is_seen and (job is None or _is_about(entry, job))


def _is_about(entry: AuditEntry, job: JobRef) -> bool:
    if isinstance(job, KnownJob):
        return (entry.server, entry.job_id) == (job.server, job.job_id)
    name = entry.job_name or ""
    return fold(name) == fold(job.text) if job.exact else fits(job.text, name)
