"""`audit`: what was done and refused through the bot, newest first, from the record alone; VBR is not asked.

A job is named as it was at the time. A person whose role is limited sees what concerns the servers and jobs
they have it on; what concerns no job is for those who have it everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace as with_fields

from bot import store
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine, Unreadable, doubt_about_span, span_in
from bot.operations.matching import fits, fold
from bot.operations.model import (
    AUDITORS,
    JobRef,
    Kind,
    KnownJob,
    NamedJob,
    Operation,
    RequestContext,
    Visibility,
)
from bot.operations.outcomes import Ambiguous, Answer, Done, JobChoice, NotFound
from bot.operations.queries import PageNumber, Query
from bot.operations.vbr_lists import PAGE_ROWS
from bot.settings import PersonId, ServerName
from bot.veeam import JobId

SCAN_AT_MOST = 20_000
_READ_AT_ONCE = 500


class ReadAudit(Query, frozen=True, tag="audit"):
    """What was done and refused through the bot, newest first. `page` counts from 0.

    A job is meant by the name it had at the time; `within` reaches back from now.
    """

    operation = Operation(
        name="audit",
        usage="audit [JOB or @person] [7d]",
        help="what people did through the bot, and what was refused",
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
        person: PersonId | None = None
        rest = line
        if line.words and line.words[0].text.startswith("@") and not line.words[0].is_quoted:
            person = line.person(line.words[0].text)
            rest = replace(line, words=line.words[1:])
        job, options = rest.job_and_options(cls)
        if job.doubt is not None:
            raise Unreadable(line.problem(job.doubt, f"{line.operation.name} 24h"))
        return cls(job=job if job.text else None, person=person, server=line.server, **options)

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read how far back."""
        within = span_in(words)
        return {"within": within} if within is not None or not words else None

    @classmethod
    def doubt_about(cls, words: Sequence[str]) -> str | None:
        """A span that is none."""
        return doubt_about_span(words[-1]) if words else None

    @property
    def subject(self) -> JobRef | None:
        """The job, where one was named."""
        return self.job

    async def answer(self, backend: Backend, context: RequestContext) -> Done | NotFound | Ambiguous:
        """Return one page of attempts, of those that this person may know of. Raises `StoreError`."""
        reach = backend.permissions.reach(context.person, self.operation)
        servers = None
        if self.server is not None:
            found = backend.finder.servers(self.server, reach)
            if isinstance(found, NotFound):
                return found
            servers = found
        if isinstance(self.job, NamedJob) and len(self.job.readings) > 1:
            read = await self._as_read(self.job, backend, reach, servers)
            if read is not self:
                return read if isinstance(read, Ambiguous) else await read.answer(backend, context)
        now = backend.clock.now()
        since = now - self.within if self.within is not None else None
        start = self.page * PAGE_ROWS
        person_ids = None
        if self.person is not None:
            person = await backend.people.read(self.person, context.gesture.team_id)
            person_ids = (self.person, person.id, *person.other_ids)
        which = store.AuditFilter(person_ids, since, servers)
        kept, is_whole = await self._matching(which, backend, reach, enough=start + PAGE_ROWS + 1)
        return Done(
            AuditAnswer(
                request=self,
                rows=kept[start : start + PAGE_ROWS],
                total=len(kept),
                total_is_exact=is_whole,
                as_of=now,
            )
        )

    async def _as_read(
        self, job: NamedJob, backend: Backend, reach: Visibility, servers: tuple[ServerName, ...] | None
    ) -> "ReadAudit | Ambiguous":
        """Return the request as it is to be read by the names on record; where several fit, all to choose."""
        names = tuple(reading.name for reading in job.readings)
        which = store.AuditFilter(servers=servers, job_names=names)
        records = await backend.audit_log.records(which, limit=_READ_AT_ONCE)
        newest: dict[str, JobChoice] = {}
        for entry in (record.entry for record in records):
            if entry.server and entry.job_id and entry.job_name and reach.sees(entry.server, entry.job_name):
                choice = JobChoice(ServerName(entry.server), JobId(entry.job_id), entry.job_name)
                newest.setdefault(fold(entry.job_name), choice)
        found = [
            (reading, replace(newest[fold(reading.name)], request=self.read_with(reading.options)))
            for reading in job.readings
            if fold(reading.name) in newest
        ]
        if len(found) > 1:
            return Ambiguous(names[-1], self, tuple(choice for _, choice in found), total=len(found))
        if not found or found[0][0].name == job.text:
            return self
        ((reading, _),) = found
        exact = NamedJob(reading.name, job.server, exact=True)
        return with_fields(self.read_with(reading.options), job=exact)

    async def _matching(
        self, which: store.AuditFilter, backend: Backend, reach: Visibility, *, enough: int
    ) -> tuple[tuple[store.AuditRecord, ...], bool]:
        """The first attempts to show, at least `enough`, and whether these are all."""
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
            if len(attempts) < _READ_AT_ONCE:
                return kept, True
            if len(kept) >= enough:
                break
            before = attempts[-1].id
        return kept, False


@dataclass(frozen=True, slots=True)
class AuditAnswer(Answer):
    """One page of the audit record, newest first. `total` counts what matches; a lower bound unless exact."""

    request: ReadAudit
    rows: tuple[store.AuditRecord, ...]
    total: int
    as_of: datetime
    total_is_exact: bool = True

    @property
    def has_more(self) -> bool:
        """Whether there is a page after this one."""
        return self.total > (self.request.page + 1) * PAGE_ROWS

    @property
    def is_cut(self) -> bool:
        """Whether only the latest part of the record was searched, and had too few that match."""
        return not self.total_is_exact and not self.has_more


def _is_about(entry: store.AuditEntry, job: JobRef) -> bool:
    if isinstance(job, KnownJob):
        return (entry.server, entry.job_id) == (job.server, job.job_id)
    name = entry.job_name or ""
    return fold(name) == fold(job.text) if job.exact else fits(job.text, name)
