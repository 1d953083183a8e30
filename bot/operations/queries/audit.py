"""`audit`: what was done and refused through the bot, newest first, from the record alone; VBR is not asked.

A job is named as it was at the time. A person whose role is limited sees what concerns the servers and jobs
they have it on; what concerns no job is for those who have it everywhere.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import store
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.matching import fits, fold
from bot.operations.model import (
    AUDITORS,
    JobRef,
    Kind,
    KnownJob,
    Operation,
    RequestContext,
    Visibility,
)
from bot.operations.outcomes import Answer, Done, NotFound
from bot.operations.queries import PageNumber, Query
from bot.operations.vbr_lists import PAGE_ROWS
from bot.settings import PersonId

SCAN_AT_MOST = 20_000
_READ_AT_ONCE = 500


class ReadAudit(Query, frozen=True, tag="audit"):
    """What was done and refused through the bot, newest first. `page` counts from 0.

    A job is meant by the name it had at the time; `within` reaches back from now.
    """

    operation = Operation(
        name="audit",
        usage="audit [JOB or @person] [7d]",
        help="what was done and refused through the bot, and by whom",
        kind=Kind.QUERY,
        audit_name="audit.list",
        roles=AUDITORS,
        examples=("audit 7d", "audit SQL Prod"),
    )

    job: JobRef | None = None
    person: PersonId | None = None
    within: timedelta | None = None
    server: str | None = None
    page: PageNumber = 0

    @classmethod
    def parse(cls, line: CommandLine) -> "ReadAudit":
        """Read the job's name or the person, and how far back."""
        within, rest = line.span(f"{line.operation.name} 24h")
        person: PersonId | None = None
        if rest.words and rest.words[0].text.startswith("@") and not rest.words[0].is_quoted:
            person = line.person(rest.words[0].text)
            rest = replace(rest, words=rest.words[1:])
        job = rest.job() if rest.words else None
        return cls(job=job, person=person, within=within, server=line.server)

    @property
    def subject(self) -> JobRef | None:
        """The job, where one was named."""
        return self.job

    async def answer(self, backend: Backend, context: RequestContext) -> Done | NotFound:
        """Return one page of attempts, of those that this person may know of. Raises `StoreError`."""
        reach = backend.permissions.reach(context.person, self.operation)
        servers = None
        if self.server is not None:
            found = backend.finder.servers(self.server, reach)
            if isinstance(found, NotFound):
                return found
            servers = found
        now = backend.clock.now()
        since = now - self.within if self.within is not None else None
        start = self.page * PAGE_ROWS
        person_ids = None
        if self.person is not None:
            person = await backend.people.read(self.person, context.gesture.team_id)
            person_ids = (self.person, person.id, *person.other_ids)
        which = store.AuditFilter(person_ids, since, servers)
        kept, is_cut = await self._matching(which, backend, reach, enough=start + PAGE_ROWS + 1)
        return Done(
            AuditAnswer(
                request=self,
                rows=kept[start : start + PAGE_ROWS],
                has_more=len(kept) > start + PAGE_ROWS,
                is_cut=is_cut,
                as_of=now,
            )
        )

    async def _matching(
        self, which: store.AuditFilter, backend: Backend, reach: Visibility, *, enough: int
    ) -> tuple[tuple[store.AuditRecord, ...], bool]:
        """The first attempts to show, and whether the record goes on where reading ended early."""
        sees_everything = all(reach.sees_all(server) for server in backend.fleet.names)

        def is_shown(entry: store.AuditEntry) -> bool:
            if entry.server is None:
                is_visible = sees_everything
            elif entry.job_name is None:
                is_visible = reach.sees_all(entry.server)
            else:
                is_visible = reach.sees(entry.server, entry.job_name)
            return is_visible and (self.job is None or _is_about(entry, self.job))

        kept: tuple[store.AuditRecord, ...] = ()
        before: store.AuditId | None = None
        for _ in range(SCAN_AT_MOST // _READ_AT_ONCE):
            attempts = await backend.audit_log.records(which, before=before, limit=_READ_AT_ONCE)
            kept += tuple(attempt for attempt in attempts if is_shown(attempt.entry))
            if len(kept) >= enough or len(attempts) < _READ_AT_ONCE:
                return kept, False
            before = attempts[-1].id
        return kept, True


@dataclass(frozen=True, slots=True)
class AuditAnswer(Answer):
    """One page of the audit record, newest first. `is_cut` where only its latest part was looked through."""

    request: ReadAudit
    rows: tuple[store.AuditRecord, ...]
    has_more: bool
    is_cut: bool
    as_of: datetime


def _is_about(entry: store.AuditEntry, job: JobRef) -> bool:
    if isinstance(job, KnownJob):
        return (entry.server, entry.job_id) == (job.server, job.job_id)
    name = entry.job_name or ""
    return fold(name) == fold(job.text) if job.exact else fits(job.text, name)
