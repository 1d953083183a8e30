"""What a job's settings must agree with, and what a list shows of them afterwards."""

import copy
from typing import Any

import pytest

from bot.sandbox.vbr import Behaviour, Job, VbrSandbox, World, accepted_by, seeded_world
from bot.sandbox.vbr.credentials import add_credentials
from bot.sandbox.vbr.estate import RepositoryFacts, add_scale_out_repository
from bot.sandbox.vbr.jobmodels import after, daily
from bot.sandbox.vbr.kinds import KINDS
from bot.sandbox.vbr.machines import add_protection_group, virtual_machine
from bot.sandbox.vbr.revision import REVISION_1_3_REV0
from tests.rooms.sandbox.vbr.talking import Client, StillClock
from tests.support.conversations import violations

NOBODY = "00000000-0000-0000-0000-000000000000"
DAILY_AND_MONTHLY = {
    "runAutomatically": True,
    "daily": {"isEnabled": True, "localTime": "22:00", "dailyKind": "Everyday"},
    "monthly": {"isEnabled": True, "localTime": "22:00", "isLastDayOfMonth": True},
}
SOME_DAYS = {
    "runAutomatically": True,
    "daily": {"isEnabled": True, "localTime": "22:00", "dailyKind": "SelectedDays", "days": []},
}
VCENTER, SCVMM = "vcenter01.vbr01.example.com", "scvmm01.vbr01.example.com"
OTHER_VCENTER = "vcenter02.vbr01.example.com"
MACHINE = "virtualMachines.includes.0"
GUEST = "guestProcessing.guestCredentials"


@pytest.fixture
def site(world: World) -> World:
    """A server with a job of each kind that the tables name."""
    add_credentials(world.book, "EXAMPLE\\svc-vss", world.now())
    add_protection_group(world.book, "Servers", ("phys01",))
    add_protection_group(world.book, "Others", ("lnx01",), "LinuxComputer")
    world.add_job("Web tier", objects=("web01",), guest="EXAMPLE\\svc-vss")
    world.add_job("After it", runs_after="Web tier")
    world.add_job("Hyper-V", "HyperVBackup", objects=("hv01",))
    world.add_job("Clouds", "CloudDirectorBackup", objects=("tenant-a-vm1",))
    world.add_job("Replica", "VSphereReplica", objects=("web01",))
    world.add_job("Agents", "WindowsAgentBackup", objects=("phys01",))
    world.add_job("Linux agents", "LinuxAgentBackup", objects=("lnx01",))
    world.add_job("Copy", "BackupCopy", source="Web tier")
    world.add_job("Audit", "EntraIDAuditLogBackup", objects=("example.onmicrosoft.com",))
    return world


def as_spec(model: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in model.items() if key not in {"id", "isDisabled"}}


def with_value(model: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(model)
    *parents, last = path.split(".")
    node: Any = changed
    for name in parents:
        node = node[int(name)] if isinstance(node, list) else node[name]
    node[last] = value
    return changed


async def put(client: Client, job: Job, path: str, value: Any) -> tuple[int, str]:
    """The status and, of a refusal, the message of the job's being edited so."""
    answer = await client.http.put(f"/api/v1/jobs/{job.id}", json=with_value(job.model, path, value))
    return answer.status_code, answer.json().get("message", "")


def missing(what: str) -> str:
    return f"{what} with ID '{NOBODY}' was not found."


def nowhere(name: str, object_id: str, host: str) -> str:
    return f"Object '{name}' with ID '{object_id}' was not found on '{host}'."


REFERENCES = [
    ("Web tier", "storage.backupRepositoryId", NOBODY, missing("Backup repository")),
    ("Copy", "target.backupRepositoryId", NOBODY, missing("Backup repository")),
    ("Audit", "storage.backupRepositoryId", NOBODY, missing("Backup repository")),
    ("Replica", "jobSettings.metadataRepositoryId", NOBODY, missing("Backup repository")),
    ("Web tier", "storage.backupProxies.proxyIds", [NOBODY], missing("Backup proxy")),
    ("Web tier", f"{MACHINE}.objectId", "vm-9", nowhere("web01", "vm-9", VCENTER)),
    ("Web tier", f"{MACHINE}.hostName", "vc9", "Server 'vc9' was not found."),
    ("Hyper-V", f"{MACHINE}.objectId", "x", nowhere("hv01", "x", SCVMM)),
    ("Replica", "destination.host.objectId", "host-9", nowhere("esx01.example.com", "host-9", OTHER_VCENTER)),
    ("Agents", "computers.0.protectionGroupId", NOBODY, missing("Protection group")),
    (
        "Agents",
        "computers.0.id",
        NOBODY,
        f"Object 'phys01' with ID '{NOBODY}' was not found in its protection group.",
    ),
    ("Copy", "sourceObjects.includes.jobs", [{"id": NOBODY}], missing("Job")),
    (
        "Web tier",
        f"{GUEST}.credentials.credentialsId",
        NOBODY,
        f"Credentials with ID '{NOBODY}' were not found.",
    ),
    ("Linux agents", GUEST, {"credentialsId": NOBODY}, f"Credentials with ID '{NOBODY}' were not found."),
]
AGREEMENTS = [
    ("Web tier", "name", "copy", "A job with the name 'copy' already exists."),
    ("Web tier", "name", " ", "The name field must not be empty."),
    (
        "Web tier",
        "schedule",
        DAILY_AND_MONTHLY,
        "Only one scheduling option can be enabled in schedule: daily, monthly.",
    ),
    (
        "Web tier",
        "schedule",
        SOME_DAYS,
        "The schedule.daily.days field is required when dailyKind is SelectedDays.",
    ),
    ("Web tier", "schedule", after("web TIER"), "Job 'Web tier' cannot be scheduled to run after itself."),
    ("Web tier", "schedule", after("nobody"), "Job 'nobody' was not found."),
    (
        "Web tier",
        "schedule",
        after("After it"),
        "Job 'Web tier' cannot run after job 'After it', which itself runs after it.",
    ),
]


@pytest.mark.parametrize(("name", "path", "value", "message"), [*REFERENCES, *AGREEMENTS])
async def test_a_refusal_names_what_is_wrong(
    client: Client, site: World, name: str, path: str, value: Any, message: str
) -> None:
    """By the id that nothing has, or by its place in the body; the job stays as it was."""
    job = site.job(name)
    before = copy.deepcopy(job.model)
    assert await put(client, job, path, value) == (400, message)
    assert job.model == before


@pytest.mark.parametrize(
    ("name", "path", "value", "problem"),
    [
        ("Web tier", "storage.retentionPolicy.quantity", 0, "must be at least 1."),
        ("Copy", "target.retentionPolicy.quantity", -1, "must be at least 1."),
        ("Audit", "storage.retentionPolicy.quantity", 0, "must be at least 1."),
        ("Replica", "jobSettings.restorePointsToKeep", 29, "must be between 1 and 28."),
        ("Web tier", "schedule.retry.retryCount", 0, "must be at least 1."),
        ("Web tier", "schedule.periodically.frequency", 0, "must be at least 1."),
        ("Web tier", "schedule.monthly.dayOfMonth", 32, "must be between 1 and 31."),
        ("Web tier", "schedule.monthly.months", ["Brumaire"], "is missing or not valid."),
        ("Web tier", "schedule.daily.localTime", "25:00", "is not valid."),
        ("Web tier", f"{MACHINE}.type", "Category", "is missing or not valid."),
        ("Web tier", f"{MACHINE}.platform", "HyperV", "is missing or not valid."),
        ("Web tier", f"{GUEST}.credentials.credentialsType", "Windows", "is missing or not valid."),
        ("Agents", "computers.0.type", "LinuxComputer", "is missing or not valid."),
    ],
)
async def test_a_wrong_value_is_named_by_its_place(
    client: Client, site: World, name: str, path: str, value: Any, problem: str
) -> None:
    """The message has the path of the field, lists by their index."""
    where = path.replace(".0", "[0]") + ("[0]" if isinstance(value, list) else "")
    expected = f"The value of {where} {problem}"
    assert await put(client, site.job(name), path, value) == (400, expected)


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        (
            "Web tier",
            f"{MACHINE}.objectId",
            None,
            "The virtualMachines.includes[0].objectId field is required.",
        ),
        ("Clouds", f"{MACHINE}.name", None, "The virtualMachines.includes[0].name field is required."),
        ("Web tier", GUEST, {}, f"The {GUEST}.useAgentManagementCredentials field is required."),
        (
            "Web tier",
            "virtualMachines.includes",
            [],
            "virtualMachines.includes must contain at least one item.",
        ),
        ("Agents", "computers", [], "computers must contain at least one item."),
    ],
)
async def test_what_is_lacking_is_named(
    client: Client, site: World, name: str, path: str, value: Any, message: str
) -> None:
    """A field by its path, a list by what it must hold."""
    assert await put(client, site.job(name), path, value) == (400, message)


async def test_a_new_job_is_checked_alike(client: Client, site: World) -> None:
    """POST refuses what PUT refuses, and enters nothing."""
    count = len(site.book.jobs)
    spec = as_spec(site.job("Web tier").model)
    wrong = [
        with_value(spec | {"name": "New"}, f"{GUEST}.credentials.credentialsId", NOBODY),
        spec,
        spec | {"name": "New", "schedule": after("New")},
    ]
    messages = [(await client.post("/jobs", body)).json()["message"] for body in wrong]
    assert messages == [
        f"Credentials with ID '{NOBODY}' were not found.",
        "A job with the name 'Web tier' already exists.",
        "Job 'New' cannot be scheduled to run after itself.",
    ]
    assert len(site.book.jobs) == count


async def test_credentials_are_of_the_type_that_is_named(client: Client, site: World) -> None:
    """An id alone is not enough: a Linux record is none for Windows."""
    linux = add_credentials(site.book, "root", site.now(), kind="Linux")
    job = site.job("Web tier")
    record = {"credentialsId": linux.id, "credentialsType": "Standard"}
    expected = f"Credentials with ID '{linux.id}' are not of the type 'Standard'."
    assert await put(client, job, f"{GUEST}.credentials", record) == (400, expected)
    record["credentialsType"] = "Linux"
    assert (await put(client, job, f"{GUEST}.credentials", record))[0] == 200


async def test_a_vcenter_needs_no_id(client: Client, site: World) -> None:
    """A root is known by its name; all its machines are then worked on."""
    root = {"platform": "VSphere", "type": "vCenterServer", "hostName": VCENTER, "name": VCENTER}
    job = site.job("Web tier")
    assert (await put(client, job, "virtualMachines.includes", [root]))[0] == 200
    assert (sorted(job.objects), job.objects_count) == (["vm01", "vm02", "web01"], 1)


@pytest.mark.parametrize(
    ("kind", "container", "worked_on"),
    [
        ("Folder", "Production", ["sql01", "vm01", "vm02", "web01"]),
        ("Folder", "Databases", ["sql01"]),
        ("DatastoreCluster", "SAN all flash", ["dev01", "sql01", "vm01", "vm02", "web01"]),
        ("Template", "tpl-win2025", []),
    ],
)
async def test_a_container_counts_as_one_and_runs_as_many(
    client: Client, site: World, kind: str, container: str, worked_on: list[str]
) -> None:
    """A folder is one object of the job; what is in it, at any depth and not excluded, is worked on."""
    for name in ("web02", "sql01", "dev01"):
        virtual_machine(site.book, site.host_name, name)
    chosen = site.book.inventory[site.host_name, kind, container].model
    excluded = site.book.inventory[site.host_name, "VirtualMachine", "web02"].model
    job = site.job("Web tier")
    machines = {"includes": [chosen], "excludes": {"vms": [excluded]}}
    assert (await put(client, job, "virtualMachines", machines))[0] == 200
    (row,) = (await client.get("/jobs/states", idFilter=job.id))["data"]
    assert (row["objectsCount"], sorted(job.objects)) == (1, worked_on)


async def test_the_list_shows_what_was_edited(client: Client, site: World) -> None:
    """Name, description, priority, repository, objects and the next run, at once."""
    job = site.job("Web tier")
    site.book.repositories[site.default_repository_id].name = "Vault"
    machines = [virtual_machine(site.book, site.host_name, name).model for name in ("a", "b", "c")]
    await client.get("/jobs/states")
    body = job.model | {
        "name": "Frontends",
        "description": "By Slack",
        "isHighPriority": True,
        "virtualMachines": {"includes": machines},
        "schedule": daily("23:15"),
    }
    assert (await client.http.put(f"/api/v1/jobs/{job.id}", json=body)).status_code == 200
    (row,) = (await client.get("/jobs/states", idFilter=job.id))["data"]
    shown = [row[key] for key in ("name", "description", "highPriority", "objectsCount", "repositoryName")]
    assert shown == ["Frontends", "By Slack", True, 3, "Vault"]
    assert row["nextRun"].startswith("2026-03-02T23:15")
    (follower,) = (await client.get("/jobs/states", afterJobNameFilter="Frontends"))["data"]
    assert follower["runAfterJob"] == {"jobName": "Frontends", "jobId": job.id}


async def test_the_list_shows_what_was_created(client: Client, site: World) -> None:
    """A new job in the chain: its predecessor, found in whatever letter case, and no time of its own."""
    spec = as_spec(site.job("Hyper-V").model) | {"name": "Second", "schedule": after("web tier")}
    created = (await client.post("/jobs", spec)).json()
    (row,) = (await client.get("/jobs/states", idFilter=created["id"]))["data"]
    assert (row["name"], row["status"], row["objectsCount"]) == ("Second", "inactive", 1)
    assert (row["runAfterJob"]["jobId"], row.get("nextRun")) == (site.job("Web tier").id, None)
    assert (await put(client, site.job("Web tier"), "name", "First"))[0] == 200
    (row,) = (await client.get("/jobs/states", nameFilter="Second"))["data"]
    assert row["runAfterJob"]["jobName"] == "First"


async def test_a_copy_follows_its_sources(client: Client, site: World) -> None:
    """Another source is what the copy counts and works on from then on."""
    job = site.job("Copy")
    jobs = [{"id": site.job("Hyper-V").id}, {"id": site.job("Clouds").id}]
    assert (await put(client, job, "sourceObjects.includes.jobs", jobs))[0] == 200
    assert (job.objects, job.objects_count) == (["hv01", "tenant-a-vm1"], 2)


@pytest.mark.parametrize(
    ("linked", "kind", "status"),
    [
        ("linkedJobs", "CloudBackupAWS", 201),
        ("linkedJobs", "VSphereBackup", 400),
        ("linkedJobs", "FileBackup", 400),
        ("unstructuredLinkedJobs", "FileBackup", 201),
        ("unstructuredLinkedJobs", "CloudBackupAWS", 400),
    ],
)
async def test_a_scan_takes_jobs_of_its_types_alone(
    world: World, linked: str, kind: str, status: int
) -> None:
    """As the document says of each list."""
    source = world.add_job("Source", kind, objects=("nas01:/export",))
    spec = {
        "type": "SureBackupContentScan",
        "name": "Scan",
        linked: {"includes": [{"id": source.id}]},
        "verificationOptions": {"malwareScanEnabled": True, "yaraScanEnabled": False},
    }
    behaviour = Behaviour(supported_revisions=accepted_by("1.3-rev2"))
    async with (
        VbrSandbox(world, behaviour=behaviour) as vbr,
        Client(vbr, {"x-api-version": "1.3-rev2"}) as client,
    ):
        await client.log_in()
        answer = await client.post("/jobs", spec)
        assert answer.status_code == status, answer.text
        assert violations(vbr) == []


async def test_every_seeded_job_can_be_edited_and_is_a_template(clock: StillClock) -> None:
    """Of every type there is one, and each goes back as it came, or into a new job: all it names exists."""
    world = seeded_world(clock)
    jobs = [job for job in world.jobs if REVISION_1_3_REV0.models(job.type)]
    answers = {}
    async with VbrSandbox(world) as vbr, Client(vbr) as client:
        await client.log_in()
        for job in jobs:
            model = await client.get(f"/jobs/{job.id}")
            before = (list(job.objects), job.objects_count)
            edited = await client.http.put(f"/api/v1/jobs/{job.id}", json=model)
            created = await client.post("/jobs", as_spec(model) | {"name": f"{job.name} (copy)"})
            answers[job.name] = (edited.status_code, created.status_code)
            assert (edited.json(), job.objects, job.objects_count) == (model, *before)
    assert answers == dict.fromkeys((job.name for job in jobs), (200, 201))
    assert {job.type for job in jobs} == {kind for kind in KINDS if REVISION_1_3_REV0.models(kind)}


@pytest.mark.parametrize(
    ("name", "path"),
    [("Web tier", "storage.backupRepositoryId"), ("Copy", "target.backupRepositoryId")],
)
async def test_a_job_is_pointed_at_the_whole_and_never_at_an_extent(
    client: Client, site: World, name: str, path: str
) -> None:
    """Its state then tells the scale-out repository by name; an extent is refused, naming both."""
    pool = add_scale_out_repository(
        site.book, "Pool", [RepositoryFacts("ext1", "LinuxLocal", 100.0, 40.0, "x1", "/x")]
    )
    job = site.job(name)
    refusal = (
        "Backup repository 'ext1' cannot be used: it is an extent of scale-out backup repository 'Pool'."
    )
    assert await put(client, job, path, pool.extent_ids[0]) == (400, refusal)
    assert await put(client, job, path, pool.id) == (200, "")
    (state,) = (await client.get("/jobs/states", idFilter=job.id))["data"]
    assert (state["repositoryId"], state["repositoryName"]) == (pool.id, "Pool")


async def test_metadata_of_replicas_is_not_kept_on_a_scale_out_repository(
    client: Client, site: World
) -> None:
    """The one place among a job's settings that takes plain repositories alone."""
    pool = add_scale_out_repository(site.book, "Pool", ())
    refusal = "Unable to store replica metadata on the scale-out backup repository 'Pool'."
    answer = await put(client, site.job("Replica"), "jobSettings.metadataRepositoryId", pool.id)
    assert answer == (400, refusal)


def test_a_seeded_job_writes_to_a_scale_out_repository(clock: StillClock) -> None:
    """One that has two extents."""
    world = seeded_world(clock, "hq")
    (pool,) = world.book.scale_out_repositories.values()
    assert len(pool.extent_ids) == 2
    model = world.job("Linux backup job").model
    assert model["storage"]["backupRepositoryId"] == pool.id
