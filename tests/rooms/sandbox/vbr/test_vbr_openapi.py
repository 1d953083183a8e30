"""The simulated VBR against Veeam's OpenAPI documents of all revisions, where ``VEEAM_OPENAPI`` names them.

The fixtures ``vbr`` check the requests and answers of every other test in this folder as well.
"""

import copy
import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import vbr
from bot.sandbox.vbr import REVISIONS, Behaviour, VbrSandbox, World, accepted_by, seeded_world
from bot.sandbox.vbr.backups import backup_id_of
from bot.sandbox.vbr.credentials import add_credentials
from bot.sandbox.vbr.jobmodels import daily
from bot.sandbox.vbr.kinds import KINDS
from bot.sandbox.vbr.machines import iris_server
from bot.sandbox.vbr.rows import job_state_row, session_row, task_session_row
from bot.sandbox.vbr.server import OPERATIONS
from tests.rooms.sandbox.vbr.talking import Client, StillClock
from tests.support import vbr_operations, vbr_schemas
from tests.support.conversations import violations
from tests.support.openapi import VARIABLE, OpenApi, document_of, document_path

each_revision = pytest.mark.parametrize("revision", REVISIONS)
MODELLED = [(revision, kind) for revision in REVISIONS for kind in KINDS if REVISIONS[revision].models(kind)]
CLONE = ("POST", "/api/v1/jobs/{id}/clone")
OBJECTS = {
    "FileBackup": ("\\\\nas01\\projects", "nas02:/export", "fs01"),
    "ObjectStorageBackup": ("s3.example.com/invoices", "s3.example.net"),
    "EntraIDTenantBackup": ("example.onmicrosoft.com",),
    "EntraIDAuditLogBackup": ("example.onmicrosoft.com",),
    "IrisBackup": ("iris01", "iris02"),
}
COPIES = {
    "BackupCopy",
    "LegacyBackupCopy",
    "SureBackupContentScan",
    "FileBackupCopy",
    "EntraIDTenantBackupCopy",
}
SOURCES = {"SureBackupContentScan": "CloudBackupAzure"}


def the_document(revision: str) -> OpenApi:
    document = document_of(revision)
    if document is None:
        pytest.skip(f"{VARIABLE} does not name Veeam's OpenAPI document for {revision}")
    return document


@pytest.fixture
async def latest(world: World) -> AsyncIterator[VbrSandbox]:
    """A server of the newest revision, with a job of every type that has run."""
    add_credentials(world.book, "EXAMPLE\\svc-vss", world.now())
    world.add_job("Source", guest="EXAMPLE\\svc-vss")
    for kind in sorted(KINDS, key=lambda each: each in COPIES):
        add_job_of(world, kind, kind)
        world.finish_run(kind)
    behaviour = Behaviour(supported_revisions=accepted_by("1.3-rev2"))
    async with VbrSandbox(world, behaviour=behaviour) as running:
        yield running
    assert violations(running) == []


def add_job_of(world: World, name: str, kind: str) -> None:
    objects = OBJECTS.get(kind, ("one", "two"))
    if kind in COPIES:
        source = SOURCES.get(kind, "Source")
        world.add_job(name, kind, objects=objects, schedule=daily("22:00"), source=source, mode="Periodic")
    else:
        world.add_job(name, kind, objects=objects, schedule=daily("22:00"))


def speaking(vbr: VbrSandbox, revision: str) -> Client:
    return Client(vbr, {"x-api-version": revision})


def as_spec(model: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in model.items() if key not in {"id", "isDisabled"}}


def drawn_files() -> dict[str, str]:
    paths = {revision: document_path(revision) for revision in REVISIONS}
    if not all(paths.values()):
        pytest.skip(f"{VARIABLE} does not name the folder with Veeam's OpenAPI documents of all revisions")
    documents = {revision: json.loads(path.read_text("utf-8")) for revision, path in paths.items() if path}
    served = {(operation.method, operation.template) for operation in OPERATIONS}
    return {
        "schemas.txt": vbr_schemas.drawn(documents),
        "operations.txt": vbr_operations.drawn(documents, served),
    }


def test_what_the_sandbox_knows_is_the_documents() -> None:
    """Fields, required ones, enums, roles and parameters. ``UPDATE_GOLDENS=1`` draws the files again."""
    folder = Path(vbr.__file__).parent
    for name, text in drawn_files().items():
        if os.environ.get("UPDATE_GOLDENS"):
            (folder / name).write_text(text, encoding="utf-8")
        assert (folder / name).read_text("utf-8") == text


@each_revision
def test_every_type_of_a_revision_has_its_traits(revision: str) -> None:
    """A type that no job of the world could have is none that a client meets."""
    document = the_document(revision)
    named = {REVISIONS[revision].spelling.word("EJobType", kind) for kind in KINDS} - {None}
    assert named == document.values("EJobType")
    modelled = {kind for kind in KINDS if REVISIONS[revision].models(kind)}
    assert {REVISIONS[revision].job_type(kind) for kind in modelled} == document.kinds("JobModel")


def test_sessions_and_platforms_of_the_newest_revision() -> None:
    """Of every type of job: the session, its tasks and its platform are words that VBR has."""
    document = the_document("1.3-rev2")
    assert {facts.session_type for facts in KINDS.values()} <= document.values("ESessionType")
    assert {facts.task_type for facts in KINDS.values()} <= document.values("ETaskSessionType")
    assert {facts.platform for facts in KINDS.values()} <= document.values("EPlatformType")


@each_revision
def test_every_operation_is_documented(revision: str) -> None:
    """The simulated server has no path or method of its own invention, and 404 for those of others."""
    documented = set(the_document(revision).operations())
    served = {(operation.method, operation.template) for operation in OPERATIONS}
    has = REVISIONS[revision].permissions.has
    open_to_all = {(operation.method, operation.template) for operation in OPERATIONS if operation.is_open}
    assert {operation for operation in served if has(operation)} | open_to_all == served & documented


@pytest.mark.parametrize("site", ["hq", "branch"])
@each_revision
def test_a_seeded_world_is_valid_to_the_last_row(site: str, revision: str) -> None:
    """Job models, job states, sessions and task sessions of a month."""
    document, spoken = the_document(revision), REVISIONS[revision]
    world = seeded_world(StillClock(), site)
    problems: list[str] = []
    for job in world.jobs:
        if spoken.job_type(job.type) is not None:
            problems += document.schema_problems("JobStateModel", job_state_row(world, job, spoken))
        if spoken.models(job.type):
            model = spoken.written(job.model)
            problems += document.schema_problems("JobModel", model)
            problems += document.schema_problems("JobSpec", as_spec(model))
    for item in world.book.inventory.values():
        row = spoken.written(item.model, "InventoryObjectModel")
        problems += [] if row is None else document.schema_problems("InventoryObjectModel", row)
    for session in list(world.book.sessions.values())[::7]:
        problems += document.schema_problems("SessionModel", session_row(world, session, spoken))
    for task in list(world.book.tasks.values())[::7]:
        problems += document.schema_problems("TaskSessionModel", task_session_row(world, task, spoken))
    assert problems == []


@pytest.mark.parametrize(("revision", "kind"), MODELLED)
async def test_a_job_of_every_type(latest: VbrSandbox, revision: str, kind: str) -> None:
    """Fetched, created anew from what was fetched, edited, cloned if VBR does; and its minimum is enough."""
    the_document(revision)
    job = latest.world.job(kind)
    before = copy.deepcopy(job.model)
    async with speaking(latest, revision) as client:
        await client.log_in()
        model = await client.get(f"/jobs/{job.id}")
        answer = await client.http.put(f"/api/v1/jobs/{job.id}", json=model)
        assert (answer.status_code, answer.json()) == (200, model)
        assert job.model == before
        whole = await client.post("/jobs", as_spec(model) | {"name": "New"})
        assert whole.status_code == 201, whole.text
        assert as_spec(whole.json()) == as_spec(model) | {"name": "New"}
        least = await client.post("/jobs", least_spec(revision, as_spec(model)) | {"name": "Least"})
        assert least.status_code == 201, least.text
        clone = await client.post(f"/jobs/{job.id}/clone")
        is_cloned = kind in (REVISIONS[revision].cloned_types or {kind})
        cloned = 201 if is_cloned else 400
        assert clone.status_code == (cloned if REVISIONS[revision].permissions.has(CLONE) else 404)
        assert {"New", "Least", kind} <= set(await client.names("/jobs"))


def least_spec(revision: str, spec: dict[str, Any]) -> dict[str, Any]:
    """What is left of a spec when all goes that its schema does not require, at the top."""
    schemas = REVISIONS[revision].schemas
    schema = schemas.get(schemas.kinds("JobSpec")[spec["type"]])
    assert schema is not None
    sources = {"virtualMachines", "linkedJobs", "backupRepository", "primaryJobId"}
    return {key: part for key, part in spec.items() if schema.fields[key].is_required or key in sources}


@pytest.mark.parametrize(("revision", "kind"), MODELLED)
async def test_no_required_field_can_be_left_out(latest: VbrSandbox, revision: str, kind: str) -> None:
    """Of a spec or of a model, at the top: 400, naming it."""
    spoken = REVISIONS[revision]
    job = latest.world.job(kind)
    async with speaking(latest, revision) as client:
        await client.log_in()
        model = await client.get(f"/jobs/{job.id}")
        for schema, method, path in (
            ("JobSpec", "POST", "/api/v1/jobs"),
            ("JobModel", "PUT", f"/api/v1/jobs/{job.id}"),
        ):
            facts = spoken.schemas.get(spoken.schemas.kinds(schema)[model["type"]])
            assert facts is not None
            for name in [name for name, field in facts.fields.items() if field.is_required]:
                body = {key: part for key, part in model.items() if key != name}
                answer = await client.http.request(method, path, json=body)
                assert (answer.status_code, answer.json()["message"]) == (
                    400,
                    f"The {name} field is required.",
                )


@pytest.mark.parametrize(
    ("revision", "kind"),
    [(r, kind) for r in REVISIONS for kind in KINDS if not REVISIONS[r].models(kind)],
)
async def test_a_type_without_a_model(latest: VbrSandbox, revision: str, kind: str) -> None:
    """Its state is listed where the revision has a word for it, if only `Unknown`; its model is not."""
    job = latest.world.job(kind)
    values = REVISIONS[revision].values("EJobType")
    expected = [kind if kind in values else "Unknown"] if kind in values or "Unknown" in values else []
    async with speaking(latest, revision) as client:
        await client.log_in()
        rows = (await client.get("/jobs/states", idFilter=job.id))["data"]
        assert [row["type"] for row in rows] == expected
        assert kind not in await client.names("/jobs")
        answer = await client.http.get(f"/api/v1/jobs/{job.id}")
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "UnknownError")
        assert answer.json()["message"] == "Specify job of supported platform type."
        assert (await client.post(f"/jobs/{job.id}/clone")).status_code in {400, 404}


LISTS = [
    "/jobs", "/jobs/states", "/sessions", "/taskSessions", "/inventory/vmware/hosts",
    "/backupInfrastructure/repositories", "/backupInfrastructure/repositories/states",
    "/backupInfrastructure/scaleOutRepositories", "/backupInfrastructure/proxies/states", "/credentials",
    "/backups", "/restorePoints", "/inventory/entraId/tenants", "/inventory/unstructuredDataServers",
    "/agents/protectionGroups",
]  # fmt: skip
OF_REVISIONS = [
    (revision, path)
    for revision in REVISIONS
    for path in LISTS
    if REVISIONS[revision].permissions.has(("GET", f"/api/v1{path}"))
]


@pytest.mark.parametrize(("revision", "path"), OF_REVISIONS)
async def test_every_list_is_valid(latest: VbrSandbox, revision: str, path: str) -> None:
    """Of a server with jobs of every type; the fixture checks the rows."""
    async with speaking(latest, revision) as client:
        await client.log_in()
        rows = (await client.get(path))["data"]
    assert rows or path.endswith(("scaleOutRepositories", "proxies/states"))


@pytest.mark.parametrize(("revision", "path"), OF_REVISIONS)
async def test_every_documented_parameter_is_heeded(latest: VbrSandbox, revision: str, path: str) -> None:
    """A value that cannot be read is refused, where the document knows a parameter that is no free text."""
    free = {
        "nameFilter", "afterJobNameFilter", "pathFilter", "vmbApiFilter", "sobrMembershipFilter",
        "policyTagFilter", "policyUniqueIdFilter", "platformNameFilter",
    }  # fmt: skip
    names = the_document(revision).parameters("GET", f"/api/v1{path}") - free
    async with speaking(latest, revision) as client:
        await client.log_in()
        statuses = {name: await client.status_of_get(path, **{name: "?"}) for name in names}
    assert statuses == dict.fromkeys(names, 400)


@pytest.mark.parametrize(("revision", "path"), OF_REVISIONS)
async def test_every_documented_order_is_known(latest: VbrSandbox, revision: str, path: str) -> None:
    """Every value of the list's own order enum orders."""
    columns = the_document(revision).parameter_values("GET", f"/api/v1{path}", "orderColumn")
    async with speaking(latest, revision) as client:
        await client.log_in()
        statuses = {
            column: await client.status_of_get(path, orderColumn=column, orderAsc="true")
            for column in columns
        }
    assert columns
    assert statuses == dict.fromkeys(columns, 200)


@each_revision
async def test_the_inventory_of_every_platform(latest: VbrSandbox, revision: str) -> None:
    """Servers, what lies below each, protection groups and their computers, as forms look them up."""
    has = REVISIONS[revision].permissions.has
    physical = [("POST", f"/api/v1/inventory/physical{part}") for part in ("", "/all")]
    async with speaking(latest, revision) as client:
        await client.log_in()
        hosts = (await client.post("/inventory", {})).json()["data"]
        for host in hosts:
            assert (await client.post(f"/inventory/{host['name']}", {})).json()["data"]
        for _, path in filter(has, physical):
            assert (await client.post(path.removeprefix("/api/v1"), {})).json()["data"]
        if has(("GET", "/api/v1/agents/protectionGroups")):
            for group in (await client.get("/agents/protectionGroups"))["data"]:
                await client.get(f"/agents/protectionGroups/{group['id']}")
                await client.get(f"/agents/protectionGroups/{group['id']}/discoveredEntities")
                assert (await client.post(f"/inventory/physical/{group['id']}")).json()["data"]
    platforms = {host["platform"] for host in hosts}
    expected = {"1.2-rev1": {"VMware", "CloudDirector"}}
    assert platforms == expected.get(revision, {"VSphere", "HyperV", "CloudDirector"})


@each_revision
async def test_what_a_server_says_of_itself(latest: VbrSandbox, revision: str) -> None:
    """Its build, clock, certificate, licence and configuration backup; the fixture checks the fields."""
    has = REVISIONS[revision].permissions.has
    async with speaking(latest, revision) as client:
        await client.log_in()
        for path in ("/serverInfo", "/serverTime", "/serverCertificate", "/license", "/configBackup"):
            if has(("GET", f"/api/v1{path}")):
                await client.get(path)


@each_revision
async def test_what_is_in_a_backup(latest: VbrSandbox, revision: str) -> None:
    """The machines of a vSphere job; those of agents where the revision has objects of theirs."""
    counts = {}
    async with speaking(latest, revision) as client:
        await client.log_in()
        for kind in ("VSphereBackup", "WindowsAgentBackup", "LinuxAgentBackup"):
            job = latest.world.job(kind)
            backups = (await client.get("/backups", jobIdFilter=job.id))["data"]
            if not backups:
                continue
            assert [row["id"] for row in backups] == [backup_id_of(job)]
            counts[kind] = len((await client.get(f"/backups/{backups[0]['id']}/objects"))["data"])
    expected = {
        "1.2-rev1": {"VSphereBackup": 2},
        "1.3-rev2": {"VSphereBackup": 2, "WindowsAgentBackup": 2, "LinuxAgentBackup": 2},
    }
    older = {"VSphereBackup": 2, "WindowsAgentBackup": 0, "LinuxAgentBackup": 2}
    assert counts == expected.get(revision, older)


async def test_iris_servers_are_found_in_their_group(latest: VbrSandbox) -> None:
    """What an IRIS job names as its source is a discovered entity of a group of that type."""
    server = iris_server(latest.world.book, "iris01")
    async with speaking(latest, "1.3-rev2") as client:
        await client.log_in()
        (group,) = (await client.get("/agents/protectionGroups", typeFilter="Iris"))["data"]
        found = (await client.get(f"/agents/protectionGroups/{group['id']}/discoveredEntities"))["data"]
        job = await client.get(f"/jobs/{latest.world.job('IrisBackup').id}")
    assert {source["entityId"] for source in job["sources"]} <= {entity["id"] for entity in found}
    assert group["id"] == server.model["protectionGroupId"]


async def test_a_recorded_conversation_is_valid(vbr: VbrSandbox, world: World, clock: StillClock) -> None:
    """A run from start to stop, looked at all along; the fixture checks what was said."""
    job = world.add_job("Web tier")
    async with Client(vbr) as client:
        await client.log_in()
        session_id = (await client.post(f"/jobs/{job.id}/start")).json()["id"]
        for _ in range(12):
            clock.forward(seconds=10)
            await client.get(f"/sessions/{session_id}")
            await client.get(f"/sessions/{session_id}/taskSessions")
            await client.get(f"/sessions/{session_id}/logs")
            await client.get("/jobs/states")
    assert len(vbr.requests) == 50
