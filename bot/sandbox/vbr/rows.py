"""Jobs, sessions and task sessions as the JSON of a revision."""

from datetime import timedelta
from typing import Any

from bot.sandbox.vbr.kinds import KINDS
from bot.sandbox.vbr.progress import repository_of
from bot.sandbox.vbr.revision import Revision
from bot.sandbox.vbr.state import Job, Session, TaskSession
from bot.sandbox.vbr.wire import (
    american_time,
    variation,
    wire_duration,
    wire_local_time,
    wire_rate,
    wire_time,
    with_gaps,
)
from bot.sandbox.vbr.world import World

_NO_ID = "00000000-0000-0000-0000-000000000000"


def job_status(world: World, job: Job) -> str:
    """The EJobStatus, in lower case. A job that was started while disabled goes on saying so."""
    if job.is_disabled:
        return "disabled"
    session = world.book.active_session(job)
    if session is None:
        return "inactive" if job.last_run is None else "stopped"
    return {"Starting": "starting", "Stopping": "stopping"}.get(session.state, "running")


def job_result(world: World, job: Job) -> str:
    """The result of the latest run, None while one is going on."""
    return "None" if world.book.active_session(job) is not None else job.last_result


def repository_name(world: World, job: Job) -> str | None:
    """The name of the repository that a job writes to; replicas have none."""
    repository_id = repository_of(job) or ""
    plain = world.book.repositories.get(repository_id)
    repository = plain or world.book.scale_out_repositories.get(repository_id)
    return None if repository is None else repository.name


def job_state_row(world: World, job: Job, revision: Revision) -> dict[str, Any]:
    """A JobStateModel."""
    form = variation(job.id)
    session = world.book.latest_session(job)
    digits = form % 8
    kind = revision.job_type(job.type)
    known_run = job.last_run if kind != "Unknown" else None
    row = {
        "id": job.id,
        "name": job.name,
        "type": kind,
        "description": job.description,
        "status": revision.status(job_status(world, job)),
        "lastResult": job_result(world, job),
        "workload": revision.workload(KINDS[job.type].workload),
        "objectsCount": job.objects_count,
        "highPriority": bool(job.model.get("isHighPriority")),
        "progressPercent": _progress_percent(job, session),
    }
    optional = {
        "lastRun": None if known_run is None else wire_time(known_run, world.zone, digits),
        "nextRun": _next_run(world, job, digits),
        "nextRunPolicy": _next_run_policy(world, job),
        "repositoryId": repository_of(job),
        "repositoryName": repository_name(world, job),
        "sessionId": job.session_id,
        "sessionProgress": None if session is None else session_progress(world, session),
        "runAfterJob": _run_after(world, job),
        "backupCopyMode": job.copy_mode,
        "isStorageSnapshot": None if form % 3 == 0 else False,
    }
    if revision.links_retries:
        optional["targetName"] = repository_name(world, job)
    whole = with_gaps(row, optional, form)
    return {key: value for key, value in whole.items() if key not in revision.absent_fields}


def session_row(world: World, session: Session, revision: Revision) -> dict[str, Any]:
    """A SessionModel."""
    form = variation(session.id)
    row = {
        "sessionType": revision.session_type(session.type),
        "state": session.state,
        "id": session.id,
        "name": session.name,
        "jobId": session.job_id,
        "creationTime": wire_time(session.created_at, world.zone, form % 8),
        "usn": session.usn,
        "platformName": revision.platform(session.platform),
        "platformId": _NO_ID,
    }
    if revision.default_limit is not None:
        row["initiatedBy"] = session.initiated_by
    ended_at = session.ended_at
    optional = {
        "endTime": None if ended_at is None else wire_time(ended_at, world.zone, (form >> 3) % 8),
        "progressPercent": session.percent,
        "result": _result(session, form),
        "resourceId": None,
        "resourceReference": None,
        "parentSessionId": session.parent_id,
    }
    if revision.relates_sessions:
        optional["relatedSessionId"] = None
    if revision.links_retries:
        row["algorithm"] = "Increment"
        row["progress"] = session_progress(world, session)
        row["retryInfo"] = {"isRecheckRetry": False, "retryNumber": session.retry_number}
        optional["originalSessionId"] = session.original_id
    return with_gaps(row, optional, form)


def task_session_row(world: World, task: TaskSession, revision: Revision) -> dict[str, Any]:
    """A TaskSessionModel of the task's type. Times bear no offset."""
    form = variation(task.id)
    row: dict[str, Any] = {
        "id": task.id,
        "type": task.type,
        "sessionId": task.session_id,
        "sessionType": revision.session_type(task.session_type),
        "creationTime": wire_local_time(task.starts_at, world.zone, form % 8),
        "name": task.name,
    }
    ended_at = wire_local_time(task.ends_at, world.zone, (form >> 3) % 8) if task.is_stopped else None
    optional: dict[str, Any] = {"endTime": ended_at}
    if task.type == "Antivirus":
        row |= {
            "scanType": "Antivirus",
            "scanResult": task.scan_result,
            "scanState": "Finished" if task.is_stopped else "InProgress",
        }
        return with_gaps(row, optional | {"antivirusName": "Windows Defender"}, form)
    row |= {"usn": task.usn, "state": task.state}
    optional["result"] = _task_result(task, form)
    if task.type != "Restore":
        optional |= {"algorithm": task.algorithm, "progress": _task_progress(world, task, revision)}
        optional |= _restore_point(task)
    return with_gaps(row, optional, form)


def session_progress(world: World, session: Session) -> dict[str, Any]:
    """A SessionProgress of a whole session, from its task sessions."""
    tasks = world.book.tasks_of(session)
    length = (session.ended_at or world.now()) - session.created_at
    finished = session.is_stopped
    read = sum(task.read_bytes for task in tasks if task.is_stopped)
    row: dict[str, Any] = {
        "bottleneck": session.bottleneck if tasks else "NotDefined",
        "duration": wire_duration(length),
        "processingRate": wire_rate(read, length, variation(session.id)),
        "processedSize": sum(task.size_bytes for task in tasks),
        "readSize": read,
        "transferredSize": int(read * 0.48),
        "progressPercent": 100 if finished else session.percent or 0,
    }
    return row


def _progress_percent(job: Job, session: Session | None) -> int:
    if session is None or (job.is_immediate_copy and session.is_stopped):
        return 0
    return 100 if session.is_stopped else session.percent or 0


def _next_run(world: World, job: Job, digits: int) -> str | None:
    at = job.last_run if job.is_immediate_copy else job.next_run
    return None if at is None else wire_time(at, world.zone, digits)


def _next_run_policy(world: World, job: Job) -> str:
    if job.is_immediate_copy:
        return "<As new restore points appear>"
    if job.predecessor is not None:
        return f"After [{job.predecessor}]"
    if job.next_run is not None:
        return american_time(job.next_run, world.zone)
    return "<Not scheduled>"


def _run_after(world: World, job: Job) -> dict[str, Any] | None:
    if job.predecessor is None:
        return None
    predecessor = world.book.job_named(job.predecessor)
    return {"jobName": job.predecessor, "jobId": None if predecessor is None else predecessor.id}


def _result(session: Session, form: int) -> dict[str, Any] | None:
    if session.result == "None" and not session.is_stopped:
        return {"result": "None", "message": ""} if form % 2 else None
    return {"result": session.result, "message": session.message, "isCanceled": session.is_canceled}


def _task_result(task: TaskSession, form: int) -> dict[str, Any] | None:
    if not task.is_stopped:
        return {"result": "None", "message": "", "isCanceled": False} if form % 2 else None
    return {"result": task.result, "message": task.message, "isCanceled": False}


def _restore_point(task: TaskSession) -> dict[str, Any]:
    point = task.restore_point_id
    reference = None if point is None else f"/api/v1/restorePoints/{point}"
    if task.type == "Replica":
        return {"replicaPointId": point, "replicaPointReference": reference}
    return {"restorePointId": point, "restorePointReference": reference, "repositoryId": task.repository_id}


def _task_progress(world: World, task: TaskSession, revision: Revision) -> dict[str, Any]:
    length = (task.ends_at if task.is_stopped else max(world.now(), task.starts_at)) - task.starts_at
    whole = (task.ends_at - task.starts_at) or timedelta(seconds=1)
    done = 1.0 if task.is_stopped else min(0.99, length / whole)
    read = int(task.read_bytes * done)
    progress = {
        "bottleneck": world.book.sessions[task.session_id].bottleneck,
        "duration": wire_duration(length),
        "processingRate": wire_rate(read, length, variation(task.id)),
        "processedSize": task.size_bytes,
        "readSize": read,
        "transferredSize": int(read * 0.48),
        "progressPercent": int(done * 100),
    }
    return {key: value for key, value in progress.items() if key not in revision.absent_task_fields}
