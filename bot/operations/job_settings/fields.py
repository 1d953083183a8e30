"""The fields of a job's form: what stands in them, what was entered, and what is wrong with it.

Nothing here changes anything in VBR. Raises `VeeamError` and `StoreError`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.operations.asking import Asking
from bot.operations.catalog import EDIT, Operation, operation_of
from bot.operations.forms import Problem
from bot.operations.job_settings.choices import credential_names
from bot.operations.job_settings.drafts import DraftBook, JobDraft
from bot.operations.job_settings.entries import JobEntries
from bot.operations.job_settings.objects import JobObjects
from bot.operations.lookup import name_filter
from bot.operations.matching import fold
from bot.operations.people import Person
from bot.operations.record import Record
from bot.operations.repositories import repositories_of
from bot.operations.requests import CreateRequest, EditRequest, KnownJob
from bot.operations.roles import Rights, Target
from bot.veeam import (
    GuestProcessing,
    JobObject,
    JobSettings,
    JobStatesQuery,
    Rejected,
    RepositoryState,
    SettingsField,
    VeeamError,
    VeeamServer,
    at_once,
    differences,
    platform_of,
    settings_of,
    settings_problems,
)

_QUOTED = re.compile(r"(?<!\w)'.*?'(?!\w)|\"[^\"]*\"")
"""Names and IDs: they may hold any word."""
_PARTS_BY_WORD: tuple[tuple[str, SettingsField], ...] = (
    ("with the name", SettingsField.NAME),
    ("the name field", SettingsField.NAME),
    ("value of name", SettingsField.NAME),
    ("description", SettingsField.DESCRIPTION),
    ("highpriority", SettingsField.PRIORITY),
    ("credentials", SettingsField.GUEST),
    ("guestprocessing", SettingsField.GUEST),
    ("guest processing", SettingsField.GUEST),
    ("application-aware", SettingsField.GUEST),
    ("retention", SettingsField.RETENTION),
    ("restore points", SettingsField.RETENTION),
    ("restorepointstokeep", SettingsField.RETENTION),
    ("schedul", SettingsField.SCHEDULE),
    ("localtime", SettingsField.SCHEDULE),
    ("afterthisjob", SettingsField.SCHEDULE),
    ("run after", SettingsField.SCHEDULE),
    ("runs after", SettingsField.SCHEDULE),
    ("job was not found", SettingsField.SCHEDULE),  # chained by name, where jobs to copy are told by ID
    ("repository", SettingsField.REPOSITORY),
    ("virtualmachines", SettingsField.OBJECTS),
    ("virtual machine", SettingsField.OBJECTS),
    ("computers", SettingsField.OBJECTS),
    ("sourceobjects", SettingsField.OBJECTS),
    ("includes", SettingsField.OBJECTS),
    ("protection group", SettingsField.OBJECTS),
    ("object", SettingsField.OBJECTS),
    ("job with id", SettingsField.OBJECTS),
    ("server was not found", SettingsField.OBJECTS),
)


@dataclass(frozen=True, slots=True)
class Surround:
    """What a form says around its fields: names by ID, and the server's own time zone.

    `repositories` are by ID in lower case, as they stand.
    """

    names: Mapping[str, str]
    time_zone: str | None
    repositories: Mapping[str, RepositoryState] = field(default_factory=dict)

    def repository_of(self, draft: JobDraft) -> RepositoryState | None:
        """The repository that the draft writes to, where VBR lists it."""
        return self.repositories.get((draft.wanted.repository_id or "").casefold())


class JobFields:
    """Reads and checks the fields of drafts."""

    def __init__(self, book: DraftBook, objects: JobObjects, rights: Rights, record: Record) -> None:
        self._book = book
        self._objects = objects
        self._rights = rights
        self._record = record

    async def around(self, server: VeeamServer, draft: JobDraft) -> Surround:
        """Return what stands around the draft's fields."""
        async with at_once() as group:
            repositories = group.create_task(repositories_of(server))
            names = group.create_task(credential_names(server, draft.kind))
            clock = group.create_task(server.server_time())
        listed = {row.id.casefold(): row for row in repositories.result()}
        own = {key: row.name for key, row in listed.items()}
        return Surround({**draft.names, **own, **names.result()}, clock.result().time_zone, listed)

    async def draft(self, person: Person, draft_id: str | None) -> JobDraft | None:
        """Return the person's own draft; None once it is forgotten."""
        return await self._book.of(person.id, draft_id)

    async def begin(self, person: Person, draft: JobDraft) -> JobDraft:
        """Keep a new draft."""
        return await self._book.begin(person.id, draft)

    async def keep(self, person: Person, draft: JobDraft) -> JobDraft:
        """Keep the draft as it is now."""
        return await self._book.keep(person.id, draft)

    async def remember(self, person: Person, draft: JobDraft, around: Surround) -> JobDraft:
        """Keep with the draft what stands around its fields."""
        known = replace(draft, names=around.names, time_zone=around.time_zone)
        return draft if known == draft else await self._book.keep(person.id, known)

    async def enter(self, person: Person, draft: JobDraft, entries: JobEntries) -> JobDraft:
        """Take over what was entered, and keep it before VBR is asked anything: it may be silent."""
        objects: tuple[JobObject, ...] | None = None
        sought = draft.sought
        if (keys := entries.object_keys) is not None and platform_of(draft.kind) is not None:
            known = (draft.wanted.objects or ()) + (_as_read(draft).objects or ())
            found = self._objects.at_hand(draft.server, keys, known)
            objects = tuple(found[key] for key in keys if key in found)
            sought = tuple(key for key in keys if key not in found)
        wanted = entries.over(draft.wanted, objects)
        wanted = replace(wanted, guest=_with_credentials(wanted.guest, _as_read(draft).guest))
        return await self._book.keep(person.id, replace(draft, wanted=wanted, sought=sought))

    async def find(
        self, server: VeeamServer, draft: JobDraft, person: Person
    ) -> tuple[JobDraft, tuple[Problem, ...]]:
        """Look up what was chosen and was not at hand; return the draft with it, and what is missing."""
        platform = platform_of(draft.kind)
        if not draft.sought or platform is None:
            return draft, ()
        found = await self._objects.by_key(server, platform, draft.sought)
        objects = (*(draft.wanted.objects or ()), *found.values())
        whole = replace(draft, sought=(), wanted=replace(draft.wanted, objects=objects))
        missing = Problem(
            SettingsField.OBJECTS, "Not all that was chosen is still in the inventory. Look again."
        )
        return await self._book.keep(person.id, whole), (missing,) if len(found) < len(draft.sought) else ()

    async def problems(
        self, server: VeeamServer, draft: JobDraft, request: EditRequest | CreateRequest, asking: Asking
    ) -> tuple[Problem, ...]:
        """Return what can be told wrong before VBR is asked to do it.

        Of a job that is there, only what is to be changed: the rest VBR took as it is.
        """
        asked = set(SettingsField)
        if isinstance(request, EditRequest):
            asked = {change.part for change in differences(_as_read(draft), draft.wanted)}
        found = settings_problems(draft.wanted, draft.kind)
        told = [Problem(part, said) for part, said in found if part in asked]
        if SettingsField.NAME in asked and draft.wanted.name.strip():
            told += await self._name_problems(server, draft.wanted.name, _job_id(request))
            told += await self._out_of_reach(draft, operation_of(request), asking)
        told += _out_of_sight(draft, asking)
        return tuple(told)

    def may_still(self, operation: Operation, asking: Asking, draft: JobDraft) -> bool:
        """Whether the person may do this there, as far as it can be told while VBR is silent."""
        name = _as_read(draft).name if operation is EDIT else None
        return self._rights.may(asking.person, operation, Target(draft.server, name)).is_allowed

    async def _name_problems(self, server: VeeamServer, name: str, own_id: str | None) -> list[Problem]:
        query = JobStatesQuery(name=name_filter(name))
        taken = [
            state
            async for state in server.every_job_state(query)
            if fold(state.name) == fold(name) and state.id != own_id
        ]
        return [Problem(SettingsField.NAME, "Another job has this name already.")] if taken else []

    async def _out_of_reach(self, draft: JobDraft, operation: Operation, asking: Asking) -> list[Problem]:
        """A name that the person's grants do not cover is an attempt at what they may not: on record."""
        verdict = self._rights.may(asking.person, operation, Target(draft.server, draft.wanted.name))
        if verdict.refusal is None:
            return []
        await self._record.refused(operation, asking, verdict.refusal)
        reach = self._rights.reach(asking.person, operation).grants
        globs = ", ".join(dict.fromkeys(glob for grant in reach for glob in grant.jobs))
        return [Problem(SettingsField.NAME, f"Your role covers jobs named {globs} only.")]


def part_told(message: str) -> SettingsField | None:
    """Return the part that VBR's words are about; None where that cannot be told."""
    said = " ".join(_QUOTED.sub(" ", message).casefold().split())
    return next((part for word, part in _PARTS_BY_WORD if word in said), None)


def problem_of(error: VeeamError) -> Problem:
    """Return what a server said against it, and of which part, where that can be told."""
    return Problem(part_told(error.message) if isinstance(error, Rejected) else None, error=error)


def _as_read(draft: JobDraft) -> JobSettings:
    return settings_of(draft.model or {})


def _with_credentials(
    entered: GuestProcessing | None, read: GuestProcessing | None
) -> GuestProcessing | None:
    """Credentials that were not chosen are those that the model has: a form cannot take them out."""
    if entered is None or read is None or entered.credentials_id is not None:
        return entered
    return replace(entered, credentials_id=read.credentials_id, credentials_type=read.credentials_type)


def _job_id(request: EditRequest | CreateRequest) -> str | None:
    """The job that is changed: its own name is no name that is taken."""
    if isinstance(request, EditRequest) and isinstance(request.job, KnownJob):
        return request.job.job_id
    return None


def _out_of_sight(draft: JobDraft, asking: Asking) -> Sequence[Problem]:
    schedule = draft.wanted.schedule
    if schedule is None or not schedule.after_job or asking.sight.sees(draft.server, schedule.after_job):
        return ()
    was = _as_read(draft).schedule
    if was is not None and was.after_job == schedule.after_job:
        return ()
    return (Problem(SettingsField.SCHEDULE, "There is no such job that you may see."),)
