"""The fields of a job's form: what stands in them, what was entered, and what is wrong with it.

Nothing here changes anything in VBR. Raises `VeeamError` and `StoreError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.operations.asking import Asking
from bot.operations.catalog import Operation, operation_of
from bot.operations.drafts import DraftBook, JobDraft
from bot.operations.entries import JobEntries
from bot.operations.form_facts import Problem
from bot.operations.job_choices import names_of
from bot.operations.job_objects import JobObjects
from bot.operations.lookup import name_filter
from bot.operations.matching import fold
from bot.operations.parallel import at_once
from bot.operations.record import Record
from bot.operations.requests import CreateRequest, EditRequest, KnownJob
from bot.operations.roles import Rights, Target
from bot.veeam import (
    JobObject,
    JobStatesQuery,
    Part,
    VeeamServer,
    platform_of,
    settings_of,
    takes_guest_credentials,
)
from bot.veeam import problems as settings_problems

_PARTS_BY_WORD: tuple[tuple[str, Part], ...] = (
    ("with the name", Part.NAME),
    ("the name field", Part.NAME),
    ("description", Part.DESCRIPTION),
    ("credentials", Part.GUEST),
    ("guestprocessing", Part.GUEST),
    ("retention", Part.RETENTION),
    ("restore points", Part.RETENTION),
    ("restorepointstokeep", Part.RETENTION),
    ("schedule", Part.SCHEDULE),
    ("localtime", Part.SCHEDULE),
    ("afterthisjob", Part.SCHEDULE),
    ("repository", Part.REPOSITORY),
    ("repositoryid", Part.REPOSITORY),
    ("virtualmachines", Part.OBJECTS),
    ("computers", Part.OBJECTS),
    ("includes", Part.OBJECTS),
    ("object", Part.OBJECTS),
    ("virtual machine", Part.OBJECTS),
)


@dataclass(frozen=True, slots=True)
class Surround:
    """What a form says around its fields: names by ID, and the server's own time zone."""

    names: Mapping[str, str]
    time_zone: str | None


class JobFields:
    """Reads and checks the fields of drafts."""

    def __init__(self, book: DraftBook, objects: JobObjects, rights: Rights, record: Record) -> None:
        self._book = book
        self._objects = objects
        self._rights = rights
        self._record = record

    async def around(self, server: VeeamServer, draft: JobDraft) -> Surround:
        """Return what the form says around the draft's fields."""
        async with at_once() as group:
            names = group.create_task(names_of(server, with_credentials=takes_guest_credentials(draft.kind)))
            clock = group.create_task(server.server_time())
        return Surround(names.result(), clock.result().time_zone)

    async def enter(
        self, server: VeeamServer, draft: JobDraft, entries: JobEntries, asking: Asking
    ) -> tuple[JobDraft, tuple[Problem, ...]]:
        """Take over what was entered, keep it, and return it with what is wrong with it."""
        at_hand = (draft.wanted.objects or ()) + _included(draft)
        problems: tuple[Problem, ...] = ()
        objects: tuple[JobObject, ...] | None = None
        if entries.object_keys is not None and (platform := platform_of(draft.kind)) is not None:
            found = await self._objects.known(server, platform, entries.object_keys, at_hand)
            objects = tuple(found[key] for key in entries.object_keys if key in found)
            if len(objects) < len(entries.object_keys):
                problems = (Problem(Part.OBJECTS, "Some of these are no longer in the inventory."),)
        entered = replace(draft, wanted=entries.over(draft.wanted, objects))
        return await self._book.keep(asking.person.id, entered), problems

    async def problems(
        self, server: VeeamServer, draft: JobDraft, request: EditRequest | CreateRequest, asking: Asking
    ) -> tuple[Problem, ...]:
        """Return what can be told wrong before VBR is asked to do it."""
        told = [Problem(part, said) for part, said in settings_problems(draft.wanted, draft.kind)]
        own_id = _job_id(request)
        if draft.wanted.name.strip():
            told += await self._name_problems(server, draft.wanted.name, own_id)
            told += await self._out_of_reach(draft, operation_of(request), asking)
        told += _out_of_sight(draft, asking)
        return tuple(told)

    async def _name_problems(self, server: VeeamServer, name: str, own_id: str | None) -> list[Problem]:
        query = JobStatesQuery(name=name_filter(name))
        taken = [
            state
            async for state in server.every_job_state(query)
            if fold(state.name) == fold(name) and state.id != own_id
        ]
        return [Problem(Part.NAME, "Another job has this name already.")] if taken else []

    async def _out_of_reach(self, draft: JobDraft, operation: Operation, asking: Asking) -> list[Problem]:
        """A name that the person's grants do not cover is an attempt at what they may not: on record."""
        verdict = self._rights.may(asking.person, operation, Target(draft.server, draft.wanted.name))
        if verdict.refusal is None:
            return []
        await self._record.refused(operation, asking.person, asking.gesture, verdict.refusal)
        reach = self._rights.reach(asking.person, operation).grants
        globs = ", ".join(dict.fromkeys(glob for grant in reach for glob in grant.jobs))
        return [Problem(Part.NAME, f"Your role covers jobs named {globs} only.")]


def part_told(message: str) -> Part | None:
    """Return the part that VBR's words are about; None where that cannot be told."""
    said = message.casefold()
    return next((part for word, part in _PARTS_BY_WORD if word in said), None)


def _included(draft: JobDraft) -> tuple[JobObject, ...]:
    return (settings_of(draft.model).objects or ()) if draft.model is not None else ()


def _job_id(request: EditRequest | CreateRequest) -> str | None:
    """The job that is changed: its own name is no name that is taken."""
    if isinstance(request, EditRequest) and isinstance(request.job, KnownJob):
        return request.job.job_id
    return None


def _out_of_sight(draft: JobDraft, asking: Asking) -> Sequence[Problem]:
    schedule = draft.wanted.schedule
    if schedule is None or not schedule.after_job or asking.sight.sees(draft.server, schedule.after_job):
        return ()
    was = settings_of(draft.model).schedule if draft.model is not None else None
    if was is not None and was.after_job == schedule.after_job:
        return ()
    return (Problem(Part.SCHEDULE, "There is no such job that you may see."),)
