"""Creating, editing, cloning and deleting jobs."""

import copy
from typing import Any

from bot.sandbox.vbr.bodies import JOB_MODEL, JOB_SPEC
from bot.sandbox.vbr.call import Call, Operation, Reply
from bot.sandbox.vbr.job_lists import modelled_job
from bot.sandbox.vbr.jobmodels import never
from bot.sandbox.vbr.progress import repository_of
from bot.sandbox.vbr.refusals import bad_content, bad_request
from bot.sandbox.vbr.schedule import parse_local_time
from bot.sandbox.vbr.shapes import Rule
from bot.sandbox.vbr.state import Job
from bot.sandbox.vbr.world import World

_OFF = {"isEnabled": False}


def create_job(call: Call) -> Reply:
    """POST /jobs: a JobSpec becomes a job; what the spec leaves open is filled in."""
    spec = _checked(call, JOB_SPEC)
    _check_references(call.world, spec, None)
    model = copy.deepcopy(spec) | {"id": call.world.book.new_id(), "isDisabled": False}
    _fill_in(call.world, model)
    job = _enter(call.world, model)
    return Reply(201, call.revision.written(job.model))


def edit_job(call: Call) -> Reply:
    """PUT /jobs/{id}: the whole JobModel is replaced; id and type must be the job's own.

    ``isDisabled`` is not changed this way: enable and disable do that.
    """
    job = modelled_job(call)
    model = _checked(call, JOB_MODEL)
    if model["id"].lower() != job.id or model["type"] != job.type:
        raise bad_request("The id and the type of a job cannot be changed.")
    _check_references(call.world, model, job)
    call.world.book.rename_job(job, model["name"])
    job.model = copy.deepcopy(model) | {"id": job.id, "isDisabled": job.is_disabled}
    machines = machine_names(job.model)
    if machines:
        job.objects, job.objects_count = machines, len(machines)
    call.world.life.plan_next_run(job, call.world.now())
    return Reply(200, call.revision.written(job.model))


def delete_job(call: Call) -> Reply:
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


def clone_job(call: Call) -> Reply:
    """POST /jobs/{id}/clone: ``<name>_clone1``, disabled."""
    job = modelled_job(call)
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


def machine_names(model: dict[str, Any]) -> list[str]:
    """The names of what a JobModel includes, where it names anything."""
    includes = (model.get("virtualMachines") or {}).get("includes") or model.get("computers") or []
    return [item["name"] for item in includes]


def _checked(call: Call, rule: Rule) -> dict[str, Any]:
    if call.body is None:
        raise bad_content("The request body is required.")
    rule(call.body, "")
    body: dict[str, Any] = call.body
    kind = body["type"]
    if call.revision.job_type(kind) is None:
        raise bad_content(f"The value '{kind}' is not valid for type.")
    part = call.revision.required_parts.get(kind)
    if part is not None and body.get(part) is None:
        raise bad_content(f"The {part} field is required.")
    return body


def _check_references(world: World, model: dict[str, Any], job: Job | None) -> None:
    name = model["name"]
    if not name.strip():
        raise bad_content("The name field must not be empty.")
    namesake = world.book.job_named(name)
    if namesake is not None and namesake is not job:
        raise bad_request(f"A job with the name '{name}' already exists.")
    repository_id = repository_of(Job(model=model, objects=[], objects_count=0))
    if repository_id is not None and repository_id.lower() not in world.book.repositories:
        raise bad_request(f"Backup repository with ID '{repository_id}' was not found.")
    _check_schedule(world, model.get("schedule") or {})


def _check_schedule(world: World, schedule: dict[str, Any]) -> None:
    after = schedule.get("afterThisJob") or {}
    if after.get("isEnabled") and world.book.job_named(after.get("jobName") or "") is None:
        raise bad_request(f"Job '{after.get('jobName')}' was not found.")
    for block in ("daily", "monthly"):
        at = (schedule.get(block) or {}).get("localTime")
        if at is None:
            continue
        try:
            parse_local_time(at)
        except ValueError:
            raise bad_content(f"The value of schedule.{block}.localTime is not valid.") from None


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
    machines = machine_names(model)
    job = Job(model=model, objects=machines or [model["name"]], objects_count=max(1, len(machines)))
    world.book.add_job(job)
    world.life.plan_next_run(job, world.now())
    return job


JOB_EDITING = (
    Operation("POST", "/api/v1/jobs", create_job),
    Operation("PUT", "/api/v1/jobs/{id}", edit_job),
    Operation("DELETE", "/api/v1/jobs/{id}", delete_job),
    Operation("POST", "/api/v1/jobs/{id}/clone", clone_job),
)
