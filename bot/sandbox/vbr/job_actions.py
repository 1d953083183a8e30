"""Start, stop, retry, disable, enable and quick backup: what each demands and when it is refused."""

from typing import Any

from bot.sandbox.vbr.bodies import RETRY, START, STOP, checked
from bot.sandbox.vbr.call import Operation, Reply, RestCall
from bot.sandbox.vbr.life import Start
from bot.sandbox.vbr.refusals import bad_content, bad_request
from bot.sandbox.vbr.rows import session_row
from bot.sandbox.vbr.shapes import Shape
from bot.sandbox.vbr.state import Job


def start_job(call: RestCall) -> Reply:
    """POST /jobs/{id}/start. A disabled job can be started; a running one cannot.

    Since 1.3-rev2 a job with nothing to process is answered with 204, and no session exists.
    """
    job = call.job()
    spec = _spec(call, START)
    _demand_idle(call, job)
    if not job.objects and call.revision.links_retries:
        return Reply(204)
    if spec.get("syncRestorePoints") and not job.is_immediate_copy:
        raise bad_request("syncRestorePoints is supported for backup copy jobs in the immediate mode only.")
    start = Start(
        by=call.username,
        is_scheduled=False,
        follows_chain=bool(spec.get("startChainedJobs")),
        is_full=bool(spec.get("performActiveFull")),
    )
    return _begun(call, job, start)


def stop_job(call: RestCall) -> Reply:
    """POST /jobs/{id}/stop. Without a body the stop is graceful; a graceful one can be hurried by another."""
    job = call.job()
    spec = _spec(call, STOP)
    if job.is_immediate_copy:
        raise bad_request(f"Backup copy job '{job.name}' works in the immediate mode and cannot be stopped.")
    session = call.world.book.active_session(job)
    if session is None or session.run is None:
        raise bad_request(f"Job '{job.name}' is not currently running.")
    is_graceful = spec.get("gracefulStop") is not False
    if session.run.stop is not None and (is_graceful or session.run.stop == "now"):
        raise bad_request(f"Job '{job.name}' is already being stopped.")
    if spec.get("cancelChainedJobs"):
        session.run.follows_chain = False
    call.world.life.stop(session, call.world.now(), graceful=is_graceful)
    job.rows.clear()
    return Reply(201, session_row(call.world, session, call.revision))


def retry_job(call: RestCall) -> Reply:
    """POST /jobs/{id}/retry: the failed objects of the last run once more."""
    job = call.job()
    spec = _spec(call, RETRY)
    _demand_idle(call, job)
    if job.last_result != "Failed":
        raise bad_request(f"Job '{job.name}' has nothing to retry: its last session did not fail.")
    start = Start(
        by=call.username,
        is_scheduled=False,
        follows_chain=bool(spec.get("startChainedJobs")),
        only=job.failed_objects or None,
        is_retry=True,
    )
    return _begun(call, job, start)


def disable_job(call: RestCall) -> Reply:
    """POST /jobs/{id}/disable: the schedule goes off, a run in progress goes on."""
    return _switch(call, is_disabled=True)


def enable_job(call: RestCall) -> Reply:
    """POST /jobs/{id}/enable."""
    return _switch(call, is_disabled=False)


def quick_backup(call: RestCall) -> Reply:
    """POST /jobs/quickBackup/vSphere: one VM, through the job that has its newest restore point."""
    if call.body is None:
        raise bad_content("The request body is required.")
    asked = checked(call.revision, "InventoryObjectModel", call.body)
    if asked["platform"] != "VSphere":
        raise bad_content("The value of platform is missing or not valid.")
    if asked["type"] != "VirtualMachine" or not asked.get("objectId"):
        raise bad_content("Specify a virtual machine by its objectId.")
    name = _machine_name(call, asked)
    covering = [
        job
        for job in call.world.jobs
        if job.type == "VSphereBackup" and name in job.objects and job.restore_points.get(name)
    ]
    if not covering:
        raise bad_request(f"Unable to perform quick backup: no job with a full backup of '{name}' was found.")
    job = max(covering, key=lambda candidate: candidate.restore_points[name])
    _demand_idle(call, job)
    return _begun(call, job, Start(by=call.username, is_scheduled=False, follows_chain=False, only=(name,)))


def _spec(call: RestCall, shape: Shape) -> dict[str, Any]:
    if call.body is None:
        return {}
    shape(call.body, "")
    spec: dict[str, Any] = call.body
    return spec


def _demand_idle(call: RestCall, job: Job) -> None:
    if call.world.book.active_session(job) is not None:
        raise bad_request(f"Job '{job.name}' is already running.")


def _begun(call: RestCall, job: Job, start: Start) -> Reply:
    session = call.world.life.begin(job, start, call.world.now())
    return Reply(201, session_row(call.world, session, call.revision))


def _switch(call: RestCall, *, is_disabled: bool) -> Reply:
    job = call.job()
    job.model["isDisabled"] = is_disabled
    if is_disabled:
        job.retry_at = None
    call.world.life.plan_next_run(job, call.world.now())
    status = call.revision.toggled_status
    return Reply(status, {} if status == 200 else None)


def _machine_name(call: RestCall, body: dict[str, Any]) -> str:
    for item in call.world.book.inventory.values():
        model = item.model
        if model.get("objectId") == body["objectId"] and model.get("hostName") == body["hostName"]:
            name: str = model["name"]
            return name
    raise bad_request(f"Object '{body['objectId']}' was not found on '{body['hostName']}'.")


JOB_ACTIONS = (
    Operation("POST", "/api/v1/jobs/quickBackup/vSphere", quick_backup),
    Operation("POST", "/api/v1/jobs/{id}/start", start_job),
    Operation("POST", "/api/v1/jobs/{id}/stop", stop_job),
    Operation("POST", "/api/v1/jobs/{id}/retry", retry_job),
    Operation("POST", "/api/v1/jobs/{id}/disable", disable_job),
    Operation("POST", "/api/v1/jobs/{id}/enable", enable_job),
)
