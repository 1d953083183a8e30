"""Somebody before the forms of jobs, among real servers: opens, fills in, looks over, sends."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.operations.actions.create import Create, CreateChoice
from bot.operations.actions.edit import Edit, JobForm, JobSummary
from bot.operations.job_editor.objects import MenuOption
from bot.operations.menus import MenuField, MenuSearch
from bot.operations.model import Gesture, KnownJob, NamedJob, Origin, Person, Standing, Step
from bot.operations.outcomes import Failed, NeedsForm, Outcome
from bot.sandbox.vbr import Behaviour, Job, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.credentials import add_credentials
from bot.sandbox.vbr.estate import file_server, object_storage
from bot.sandbox.vbr.machines import add_protection_group, iris_server
from bot.sandbox.vbr.revision import REVISIONS
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.slack.views.job_form import filled, job_form
from bot.store import Database
from bot.veeam import Fleet, references_of
from bot.veeam.job_layouts import LAYOUTS
from tests.rooms.operations.office import DR, GRANTS, HQ, Office
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock
from tests.support.databases import new_database
from tests.support.filled_forms import as_it_stands, with_changes

ANN, BEN = PersonId("U0ANN"), PersonId("U0BEN")
SQL_ADMIN = PersonId("U0SQLADMIN")
EDITING = ("PUT", "/api/v1/jobs/{id}")
CREATING = ("POST", "/api/v1/jobs")
STATES = ("GET", "/api/v1/jobs/states")
MODEL = ("GET", "/api/v1/jobs/{id}")
SERVICE = "EXAMPLE\\svc-vss"
ADMINISTRATORS = (
    *GRANTS,
    GrantSettings(group=GroupReference("S0ADMIN"), role=Role.BACKUP_ADMINISTRATOR),
    GrantSettings(
        group=GroupReference("S0SQLADMIN"),
        role=Role.BACKUP_ADMINISTRATOR,
        servers=("hq",),
        jobs=("SQL*",),
    ),
)
KINDS = tuple(LAYOUTS)
CASES = [(kind, revision) for revision in REVISIONS for kind in KINDS if REVISIONS[revision].models(kind)]
_OBJECTS: Mapping[str, tuple[str, ...]] = {
    "WindowsAgentBackup": ("phys-win01",),
    "LinuxAgentBackup": ("phys-lnx01",),
    "EntraIDTenantBackup": ("example.onmicrosoft.com",),
    "EntraIDAuditLogBackup": ("example.onmicrosoft.com",),
    "FileBackup": ("\\\\nas01\\public", "\\\\nas01\\private"),
    "ObjectStorageBackup": ("minio01.example.com/exports",),
    "IrisBackup": ("iris01",),
}
LETTERS = {
    "VSphereBackup": "app",
    "HyperVBackup": "app",
    "CloudDirectorBackup": "app",
    "VSphereReplica": "app",
}
"""What is typed to find the objects of a type; other menus open filled."""
NONE_LISTED = {("FileBackupCopy", "1.2-rev1")}
"""Where VBR lists nothing that a job of the type could be about."""
_SOURCES = {
    "BackupCopy": "Files",
    "FileBackupCopy": "The FileBackup",
    "EntraIDTenantBackupCopy": "The EntraIDTenantBackup",
    "SureBackupContentScan": "Azure machines",
}
"""The jobs that others read."""


def with_administrators(office: Office) -> None:
    """Ann and Ben may everything, another administrator SQL jobs alone."""
    for person, group in ((ANN, "S0ADMIN"), (BEN, "S0ADMIN"), (SQL_ADMIN, "S0SQLADMIN")):
        office.team.people[person] = Person(person, person.lower(), Standing.MEMBER, frozenset({group}))
    office.grants = ADMINISTRATORS


@asynccontextmanager
async def administrators_office(
    world: World, other: World, clock: FakeClock, folder: Path, revision: str
) -> AsyncIterator[Office]:
    """Administrators before two servers: `hq`, of this world, speaks the revision; `dr` is of the other."""
    database = Database(await new_database(folder))
    behaviour = Behaviour(supported_revisions=accepted_by(revision))
    async with VbrSandbox(world, behaviour=behaviour) as hq, VbrSandbox(other) as dr:
        fleet = Fleet([client_of(hq, clock, name=HQ, api_version=revision), client_of(dr, clock, name=DR)])
        office = Office(hq, dr, fleet, database, clock)
        with_administrators(office)
        yield office
        await fleet.close()
    await database.close()


def with_every_kind(world: World) -> None:
    """A job of each type that VBR's API can describe, and what others of its kind could hold."""
    add_credentials(world.book, SERVICE, world.now())
    add_protection_group(world.book, "Windows servers", ("phys-win01", "phys-win02"))
    add_protection_group(world.book, "Linux servers", ("phys-lnx01", "phys-lnx02"), "LinuxComputer")
    file_server(world.book, "\\\\nas02\\archive", world.default_repository_id)
    object_storage(world.book, "s3.example.com", world.default_repository_id)
    iris_server(world.book, "iris02")
    for cloud in ("Azure", "AWS"):
        world.add_job(f"{cloud} machines", f"CloudBackup{cloud}", objects=("vm-in-the-cloud",))
    for kind in sorted(KINDS, key=lambda each: each in _SOURCES):
        if kind in _SOURCES:
            world.add_job(name_of(kind), kind, source=_SOURCES[kind], mode="Periodic")
        else:
            world.add_job(name_of(kind), kind, objects=_OBJECTS.get(kind, ("app01", "app02")))


def name_of(kind: str) -> str:
    """The name of the job of that type."""
    return f"The {kind}"


@dataclass
class Writer:
    """One person with forms."""

    office: Office
    id: PersonId = ANN

    async def edits(self, name: str, server: str = "hq") -> JobForm:
        """Ask for the form of a job."""
        return form_in(await self.office.ask(Edit(NamedJob(name, server, exact=True)), self.id))

    async def creates(self, like: Job | None = None, server: str = "hq") -> JobForm:
        """Ask for the form of a new job."""
        choice = await self.office.ask(Create(server), self.id)
        assert isinstance(choice, NeedsForm), choice
        assert isinstance(choice.form, CreateChoice)
        template = None if like is None else self.office.known(like.name)
        return form_in(await self.submits(choice.form, like=template))

    async def creates_from_nothing(self, kind: str, name: str) -> JobSummary | None:
        """What would be made of the first things that the menus offer; None where there is no such form."""
        opened = await self.office.ask(Create("hq", step=Step.FILL, job_type=kind), self.id)
        if not isinstance(opened, NeedsForm) or not isinstance(opened.form, JobForm):
            return None
        form = opened.form
        drawn = as_it_stands(job_form(form).blocks)
        fields: dict[str, str | tuple[str, ...] | None] = {"name": name}
        if "repository" in drawn:
            fields["repository"] = await self.option(form, MenuField.REPOSITORY, "Second Repository")
        if "objects" in drawn:
            found = await self.finds(form, MenuField.OBJECTS, LETTERS.get(kind, ""))
            fields["objects"] = (found[0].value,)
        for part in references_of(kind):
            fields[part.value] = (await self.finds(form, MenuField(part.value)))[0].value
        return await self.sees(form, **fields)

    async def fills(self, form: JobForm, **changes: str | tuple[str, ...] | None) -> Outcome:
        """Send the form off with these fields changed, the others as they stand."""
        assert isinstance(form.request, Edit | Create)
        request = filled(form.request, with_changes(job_form(form).blocks, **changes))
        assert isinstance(request, Edit | Create), request
        return await self.office.ask(request, self.id)

    async def submits(self, choice: CreateChoice, like: KnownJob | None) -> Outcome:
        """Choose what the new job is to be like."""
        return await self.office.ask(Create(choice.servers[0], like, step=choice.request.step), self.id)

    async def sees(self, form: JobForm, **changes: str | tuple[str, ...] | None) -> JobSummary:
        """Fill in, and get the summary."""
        return summary_in(await self.fills(form, **changes))

    async def sends(self, summary: JobSummary, press: str | None = None) -> Outcome:
        """Send off the summary."""
        return await self.office.ask(summary.request, self.id, press=press)

    async def finds(self, form: JobForm, field: MenuField, text: str = "") -> tuple[MenuOption, ...]:
        """Type into a search menu of the form."""
        gesture = Gesture("r-1", self.id, "T0", "C0PROD", Origin.FORM, "search")
        return (await self.office.service.search(gesture, MenuSearch(field, text, form.request))).options

    async def option(self, form: JobForm, field: MenuField, name: str) -> str:
        """The choice of that name."""
        found = await self.finds(form, field, name)
        return next(one.value for one in found if one.name == name)


def form_in(outcome: Outcome) -> JobForm:
    """The form that came of it."""
    assert isinstance(outcome, NeedsForm | Failed), outcome
    assert isinstance(outcome.form, JobForm), outcome
    return outcome.form


def summary_in(outcome: Outcome) -> JobSummary:
    """The summary that came of it."""
    assert isinstance(outcome, NeedsForm), outcome
    assert isinstance(outcome.form, JobSummary), outcome.form
    return outcome.form


def said(form: JobForm) -> list[tuple[str | None, str]]:
    """What the form says is wrong, by part."""
    return [(problem.part, problem.said or str(problem.error)) for problem in form.problems]


def sent(office: Office, operation: tuple[str, str]) -> list[Any]:
    """The bodies that were sent for an operation."""
    return [request.body for request in office.hq.requests.of(*operation)]


def paths(before: Any, after: Any, way: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Where two models differ; lists are compared whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = {*before, *after}
        return {path for key in keys for path in paths(before.get(key), after.get(key), (*way, key))}
    return set() if before == after else {way}
