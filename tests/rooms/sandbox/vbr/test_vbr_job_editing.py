"""Creating, editing, cloning and deleting jobs."""

import copy
from typing import Any

import pytest

from bot.sandbox.vbr import World
from bot.sandbox.vbr.jobmodels import daily, periodically
from bot.sandbox.vbr.kinds import KINDS
from bot.sandbox.vbr.revision import REVISION_1_3_REV0
from tests.rooms.sandbox.vbr.talking import Client

MODELLED = [kind for kind in KINDS if REVISION_1_3_REV0.models(kind)]


def _spec(world: World, kind: str) -> dict[str, Any]:
    if world.book.job_named("Source") is None:
        world.add_job("Source", objects=("web01",))
    job = world.add_job(
        "New job", kind, objects=("web01",), schedule=daily("22:00"), source="Source",
        description="Created from Slack",
    )  # fmt: skip
    world.book.remove_job(job)
    model = REVISION_1_3_REV0.written(job.model)
    return {key: value for key, value in model.items() if key not in {"id", "isDisabled"}}


@pytest.mark.parametrize("kind", MODELLED)
async def test_every_type_can_be_created_fetched_edited_cloned_and_deleted(
    client: Client, world: World, kind: str
) -> None:
    """What comes back is what was sent, with an id, enabled; a clone is disabled and named by the server."""
    spec = _spec(world, kind)
    created = await client.post("/jobs", spec)
    assert created.status_code == 201, created.text
    model = created.json()
    assert spec.items() <= model.items()
    assert model["isDisabled"] is False
    path = f"/jobs/{model['id']}"
    assert await client.get(path) == model
    edited = await client.http.put(f"/api/v1{path}", json=model | {"name": "Renamed"})
    assert (edited.status_code, edited.json()) == (200, model | {"name": "Renamed"})
    clone = await client.post(f"{path}/clone")
    assert (clone.status_code, clone.json()["name"], clone.json()["isDisabled"]) == (
        201,
        "Renamed_clone1",
        True,
    )
    assert (await client.post(f"{path}/clone")).json()["name"] == "Renamed_clone2"
    deleted = await client.http.delete(f"/api/v1{path}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert await client.status_of_get(path) == 404
    assert (await client.http.delete(f"/api/v1{path}")).status_code == 404


@pytest.mark.parametrize("kind", MODELLED)
async def test_no_required_field_can_be_left_out_when_creating(
    client: Client, world: World, kind: str
) -> None:
    """Whichever top-level field the schema requires: without it, or with null, 400."""
    optional = {
        "isHighPriority", "storage", "guestProcessing", "schedule", "jobSettings", "agentType",
        "useCustomRetention", "retentionPolicy", "dataTransfer",
    }  # fmt: skip
    if kind == "EntraIDTenantBackup":
        optional -= {"storage"}
    spec = _spec(world, kind)
    for name in spec.keys() - optional:
        lacking = {key: value for key, value in spec.items() if key != name}
        assert (await client.post("/jobs", lacking)).status_code == 400, name
        assert (await client.post("/jobs", spec | {name: None})).status_code == 400, name


@pytest.mark.parametrize("kind", ["VSphereBackup", "HyperVBackup"])
async def test_the_shortest_body_is_filled_in(client: Client, world: World, kind: str) -> None:
    """Name, description and machines suffice; the answer has every part."""
    spec = {key: _spec(world, kind)[key] for key in ("type", "name", "description", "virtualMachines")}
    model = (await client.post("/jobs", spec)).json()
    assert {"storage", "guestProcessing", "schedule", "isHighPriority"} < set(model)
    answer = await client.http.put(f"/api/v1/jobs/{model['id']}", json=model)
    assert answer.status_code == 200


def _changed(model: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(model)
    *parents, last = path.split(".")
    node: Any = changed
    for name in parents:
        node = node[int(name)] if name.isdigit() else node[name]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("type", "Backup"),
        ("type", "Unknown"),
        ("name", "  "),
        ("name", "taken"),
        ("name", 7),
        ("isHighPriority", "no"),
        ("virtualMachines.includes", {}),
        ("virtualMachines.includes.0.platform", "VMware"),
        ("virtualMachines.includes.0.hostName", ...),
        ("virtualMachines.includes.0.type", "virtualMachine"),
        ("storage.backupRepositoryId", "not-an-id"),
        ("storage.backupRepositoryId", "00000000-0000-0000-0000-000000000000"),
        ("storage.retentionPolicy.quantity", "14"),
        ("storage.retentionPolicy.type", "days"),
        ("storage.backupProxies", ...),
        ("storage.advancedSettings.backupModeType", "Forever"),
        ("guestProcessing.guestFSIndexing", ...),
        ("schedule.runAutomatically", ...),
        ("schedule.daily.localTime", "late"),
        ("schedule.daily.localTime", "25:00"),
        ("schedule.daily.dailyKind", "everyday"),
        ("schedule.daily.days", ["Monday"]),
        ("schedule.afterThisJob", {"isEnabled": True, "jobName": "nobody"}),
        ("schedule.retry.retryCount", "3"),
    ],
)
async def test_wrong_values_are_refused_in_both_create_and_edit(
    client: Client, world: World, path: str, value: Any
) -> None:
    """Types, enums, references and names are checked deep down."""
    world.add_job("taken")
    spec = _spec(world, "VSphereBackup")
    model = (await client.post("/jobs", spec | {"name": "original"})).json()
    created = await client.post("/jobs", _changed(spec, path, value))
    edited = await client.http.put(f"/api/v1/jobs/{model['id']}", json=_changed(model, path, value))
    assert (created.status_code, edited.status_code) == (400, 400)
    assert await client.get(f"/jobs/{model['id']}") == model


@pytest.mark.parametrize(
    "missing",
    ["id", "name", "type", "isDisabled", "description", "isHighPriority", "virtualMachines", "storage",
     "guestProcessing", "schedule"],
)  # fmt: skip
async def test_an_edit_must_be_complete(client: Client, world: World, missing: str) -> None:
    """PUT replaces the whole model, so every part of a vSphere job must be there."""
    job = world.add_job("Web tier")
    body = {key: value for key, value in job.model.items() if key != missing}
    assert (await client.http.put(f"/api/v1/jobs/{job.id}", json=body)).status_code == 400


async def test_identity_cannot_be_edited(client: Client, world: World) -> None:
    """Id and type must match the path's job; isDisabled is left to enable and disable."""
    job, other = world.add_job("Web tier"), world.add_job("other")
    put = [
        await client.http.put(f"/api/v1/jobs/{job.id}", json=job.model | {"id": other.id}),
        await client.http.put(f"/api/v1/jobs/{job.id}", json=job.model | {"type": "CloudDirectorBackup"}),
        await client.http.put(f"/api/v1/jobs/{job.id}", json=job.model | {"isDisabled": True}),
    ]
    assert [answer.status_code for answer in put] == [400, 400, 200]
    assert put[2].json()["isDisabled"] is False


async def test_an_edited_schedule_is_followed(client: Client, world: World) -> None:
    """The next run moves, and unknown keys of the body are kept."""
    job = world.add_job("Web tier", schedule=daily("22:00"))
    body = job.model | {"schedule": periodically(1), "x-extra": 1}
    assert (await client.http.put(f"/api/v1/jobs/{job.id}", json=body)).status_code == 200
    row = (await client.get("/jobs/states"))["data"][0]
    assert row["nextRun"].startswith("2026-03-02T15:00:00")
    assert (await client.get(f"/jobs/{job.id}"))["x-extra"] == 1
    client.vbr.requests.clear()


async def test_renaming_keeps_the_chain(client: Client, world: World) -> None:
    """The follower's schedule names the new name; deleting the predecessor cuts the chain."""
    first, second = world.add_job("first"), world.add_job("second", runs_after="first")
    await client.http.put(f"/api/v1/jobs/{first.id}", json=first.model | {"name": "prime"})
    assert (await client.get(f"/jobs/{second.id}"))["schedule"]["afterThisJob"]["jobName"] == "prime"
    await client.http.delete(f"/api/v1/jobs/{first.id}")
    row = (await client.get("/jobs/states"))["data"][0]
    assert (row["nextRunPolicy"], row.get("runAfterJob")) == ("<Not scheduled>", None)


async def test_jobs_without_a_model_can_only_be_seen_and_run(client: Client, world: World) -> None:
    """No details, no edit, no clone; start and delete work."""
    job = world.add_job("proxmox", "Unknown")
    refused = [
        await client.http.get(f"/api/v1/jobs/{job.id}"),
        await client.http.put(f"/api/v1/jobs/{job.id}", json=job.model),
        await client.post(f"/jobs/{job.id}/clone"),
    ]
    assert [answer.status_code for answer in refused] == [400, 400, 400]
    assert (await client.post(f"/jobs/{job.id}/start")).status_code == 201


async def test_four_eyes_refuse_deletion(client: Client, world: World) -> None:
    """With four-eyes authorization on, REST cannot delete; the message says why."""
    world.four_eyes = True
    job = world.add_job("Web tier")
    answer = await client.http.delete(f"/api/v1/jobs/{job.id}")
    assert (answer.status_code, "four-eyes" in answer.json()["message"]) == (400, True)
    assert await client.status_of_get(f"/jobs/{job.id}") == 200
