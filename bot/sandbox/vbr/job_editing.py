"""Creating, editing, cloning and deleting jobs."""

import copy
from typing import Any

from bot.sandbox.vbr.bodies import job_body
from bot.sandbox.vbr.call import Operation, Reply, RestCall
from bot.sandbox.vbr.documented import documented
from bot.sandbox.vbr.job_lists import modelled_job
from bot.sandbox.vbr.jobmodels import never
from bot.sandbox.vbr.machines import machines_within
from bot.sandbox.vbr.references import check_references, included, source_ids, unstructured_names
from bot.sandbox.vbr.refusals import bad_content, bad_request
from bot.sandbox.vbr.state import Job
from bot.sandbox.vbr.world import World

EDITING = ("PUT", "/api/v1/jobs/{id}")
_GFS = {
    "weekly": "keepForNumberOfWeeks",
    "monthly": "keepForNumberOfMonths",
    "yearly": "keepForNumberOfYears",
}
_OFF = {"isEnabled": False}
_CONTENTS = (
    "virtualMachines", "computers", "sourceObjects", "primaryJobId", "objects", "sources", "linkedJobs",
    "unstructuredLinkedJobs", "tenant",
)  # fmt: skip


def create_job(call: RestCall) -> Reply:
    """POST /jobs: a JobSpec becomes a job; what the spec leaves open is filled in."""
    spec = _checked(call, "JobSpec")
    check_references(call.world.book, spec, None)
    model = copy.deepcopy(spec) | {"id": call.world.book.new_id(), "isDisabled": False}
    _fill_in(call.world, model)
    job = _enter(call.world, model)
    return Reply(201, call.revision.written(job.model))


def edit_job(call: RestCall) -> Reply:
    """PUT /jobs/{id}: the whole JobModel is replaced; id and type must be the job's own.

    ``isDisabled`` is not changed this way: enable and disable do that.
    """
    job = modelled_job(call)
    model = _checked(call, "JobModel", job.model)
    if model["id"].lower() != job.id or model["type"] != job.type:
        raise bad_request("The id and the type of a job cannot be changed.")
    check_references(call.world.book, model, job)
    _check_gfs(call, job.model, model)
    has_other_objects = _contents(model) != _contents(job.model)
    call.world.book.rename_job(job, model["name"])
    job.model = copy.deepcopy(model) | {"id": job.id, "isDisabled": job.is_disabled}
    if has_other_objects:
        job.objects, job.objects_count = _processed(call.world, job.model)
    call.world.life.plan_next_run(job, call.world.now())
    return Reply(200, call.revision.written(job.model))


def _check_gfs(call: RestCall, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Refuse a policy that keeps fewer full backups than before, where the call could say that it is meant.

    What VBR answers then is documented nowhere.
    """
    if "allowOldGfsPointsRetention" not in documented(call.revision.name)[EDITING].parameters:
        return
    is_cut = any(new < old for old, new in zip(_gfs(before), _gfs(after), strict=True))
    if is_cut and not call.query.boolean("allowOldGfsPointsRetention"):
        raise bad_request("Existing GFS restore points would be removed.")


def _gfs(model: dict[str, Any]) -> list[int]:
    """For how many weeks, months and years full backups are kept."""
    stores = [model, *(model.get(name) or {} for name in ("storage", "target", "backupRepository"))]
    policy: dict[str, Any] = next((store["gfsPolicy"] for store in stores if store.get("gfsPolicy")), {})
    blocks = {name: (policy.get(name) or {}) if policy.get("isEnabled") else {} for name in _GFS}
    return [
        (blocks[name].get(key) or 0) if blocks[name].get("isEnabled") else 0 for name, key in _GFS.items()
    ]


def delete_job(call: RestCall) -> Reply:
    """DELETE /jobs/{id}: refused while it runs, and altogether under four-eyes authorization."""
    job = call.job()
    if call.world.four_eyes:
        raise bad_request(
            "The operation requires approval of another administrator: four-eyes authorization is on."
        )
    if call.world.book.active_session(job) is not None:
        raise bad_request(f"Unable to delete job '{job.name}': it is running.")
    call.world.book.remove_job(job)
    return Reply(204)


def clone_job(call: RestCall) -> Reply:
    """POST /jobs/{id}/clone: ``<name>_clone1``, disabled."""
    job = modelled_job(call)
    cloned = call.revision.cloned_types
    if cloned is not None and job.type not in cloned:
        raise bad_request(f"Cloning is not supported for jobs of the type {job.type}.")
    number = 1
    while call.world.book.job_named(f"{job.name}_clone{number}") is not None:
        number += 1
    model = copy.deepcopy(job.model) | {
        "id": call.world.book.new_id(),
        "name": f"{job.name}_clone{number}",
        "isDisabled": True,
    }
    twin = _enter(call.world, model)
    twin.objects, twin.objects_count = list(job.objects), job.objects_count
    twin.run_seconds, twin.failure_rate = job.run_seconds, job.failure_rate
    return Reply(201, call.revision.written(twin.model))


def _checked(call: RestCall, schema: str, before: Any = None) -> dict[str, Any]:
    if call.body is None:
        raise bad_content("The request body is required.")
    return job_body(call.revision, schema, call.body, before)


def _contents(model: dict[str, Any]) -> list[Any]:
    return [model.get(part) for part in _CONTENTS]


def _processed(world: World, model: dict[str, Any]) -> tuple[list[str], int]:
    """The names of what a run of the job works on, and how many objects are in the job."""
    chosen = included(world.book, model)
    if chosen:
        names = [name for item in chosen for name in machines_within(world.book, item)]
        return _without_excluded(model, names), len(chosen)
    named = unstructured_names(world.book, model)
    if named:
        return named, len(named)
    sources = [world.book.jobs[job_id] for job_id in source_ids(model) if job_id in world.book.jobs]
    names = [name for source in sources for name in source.objects]
    return list(dict.fromkeys(names)) or [model["name"]], max(1, len(sources))


def _without_excluded(model: dict[str, Any], names: list[str]) -> list[str]:
    excludes = (model.get("virtualMachines") or {}).get("excludes") or {}
    excluded = {each.get("name") for each in excludes.get("vms") or ()}
    return [name for name in dict.fromkeys(names) if name not in excluded]


def _fill_in(world: World, model: dict[str, Any]) -> None:
    if model["type"] not in {"VSphereBackup", "HyperVBackup"}:
        return
    is_hyperv = model["type"] == "HyperVBackup"
    defaults = {
        "isHighPriority": False,
        "storage": {
            "backupRepositoryId": world.default_repository_id,
            "backupProxies": {"proxyType": "onHost"} if is_hyperv else {"autoSelectEnabled": True},
            "retentionPolicy": {"type": "RestorePoints", "quantity": 7},
        },
        "guestProcessing": {"appAwareProcessing": dict(_OFF), "guestFSIndexing": dict(_OFF)},
        "schedule": never(),
    }
    for key, value in defaults.items():
        if model.get(key) is None:
            model[key] = value


def _enter(world: World, model: dict[str, Any]) -> Job:
    objects, count = _processed(world, model)
    job = Job(model=model, objects=objects, objects_count=count)
    world.book.add_job(job)
    world.life.plan_next_run(job, world.now())
    return job


JOB_EDITING = (
    Operation("POST", "/api/v1/jobs", create_job),
    Operation(*EDITING, edit_job),
    Operation("DELETE", "/api/v1/jobs/{id}", delete_job),
    Operation("POST", "/api/v1/jobs/{id}/clone", clone_job),
)
