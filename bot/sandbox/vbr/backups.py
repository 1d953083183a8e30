"""Backups and restore points: what jobs that make backups have left of each object, the newest of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from bot.sandbox.vbr.call import Operation, Reply, RestCall, listing
from bot.sandbox.vbr.kinds import KINDS
from bot.sandbox.vbr.progress import repository_of
from bot.sandbox.vbr.query import name_matcher
from bot.sandbox.vbr.refusals import not_found
from bot.sandbox.vbr.rows import repository_name
from bot.sandbox.vbr.state import Job
from bot.sandbox.vbr.wire import variation, wire_time, with_gaps

_NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class _Point:
    id: str
    name: str
    platform: str
    backup_id: str
    created_at: datetime


def backup_id_of(job: Job) -> str:
    """The ID of the backup that a job writes."""
    return str(uuid5(NAMESPACE_OID, f"backup of {job.id}"))


def list_restore_points(call: RestCall) -> Reply:
    """GET /restorePoints: ObjectRestorePointModels."""
    query = call.query
    points = [point for job in _backing_up(call) for point in _points_of(job)]
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        points = [point for point in points if matches((point.name, point.platform))]
    if (backup_id := query.uuid("backupIdFilter")) is not None:
        points = [point for point in points if point.backup_id == backup_id]
    if (platform_id := query.uuid("platformIdFilter")) is not None:
        points = [point for point in points if platform_id == _NO_ID]
    if (object_id := query.uuid("backupObjectIdFilter")) is not None:
        points = [point for point in points if _object_id(point.backup_id, point.name) == object_id]
    if (
        states := query.words("malwareStatusFilter", call.revision.values("ESuspiciousActivitySeverity"))
    ) is not None:
        points = [point for point in points if "Clean" in states]
    if (types := query.words("typeFilter", call.revision.values("ERestorePointType"))) is not None:
        points = [point for point in points if "Increment" in types]
    query.integer("excludeSnapshotTypeFilter")  # no point here is a storage snapshot
    if (after := query.moment("createdAfterFilter")) is not None:
        points = [point for point in points if point.created_at >= after]
    if (before := query.moment("createdBeforeFilter")) is not None:
        points = [point for point in points if point.created_at <= before]
    points = query.ordered(
        points,
        {
            "CreationTime": lambda point: point.created_at,
            "PlatformId": lambda point: point.platform,
            "BackupId": lambda point: point.backup_id,
        },
    )
    return listing([_point_row(call, point) for point in query.page().of(points)], len(points), call)


def list_backups(call: RestCall) -> Reply:
    """GET /backups: BackupModels, one for each job that has made restore points."""
    query = call.query
    jobs = _backing_up(call)
    if (name := query.text("nameFilter")) is not None:
        matches = name_matcher(name)
        jobs = [job for job in jobs if matches((job.name,))]
    if (job_id := query.uuid("jobIdFilter")) is not None:
        jobs = [job for job in jobs if job.id == job_id]
    if (kind := query.word("jobTypeFilter", call.revision.values("EJobType"))) is not None:
        jobs = [job for job in jobs if call.revision.job_type(job.type) == kind]
    if (platform_id := query.uuid("platformIdFilter")) is not None:
        jobs = [job for job in jobs if platform_id == _NO_ID]
    if (after := query.moment("createdAfterFilter")) is not None:
        jobs = [job for job in jobs if _created_at(job) >= after]
    if (before := query.moment("createdBeforeFilter")) is not None:
        jobs = [job for job in jobs if _created_at(job) <= before]
    jobs = query.ordered(
        jobs,
        {
            "Name": lambda job: job.name.casefold(),
            "CreationTime": _created_at,
            "PlatformId": lambda _: _NO_ID,
            "JobId": lambda job: job.id,
            "PolicyTag": lambda _: None,
        },
    )
    return listing([_backup_row(call, job) for job in query.page().of(jobs)], len(jobs), call)


def get_backup(call: RestCall) -> Reply:
    """GET /backups/{id}: the BackupModel."""
    return Reply(200, _backup_row(call, _backed_up(call)))


def list_backup_objects(call: RestCall) -> Reply:
    """GET /backups/{id}/objects: what is in a backup; since 1.3-rev1 in pages.

    A backup of a platform that the revision has no objects of shows none.
    """
    job = _backed_up(call)
    platform = call.revision.platform(KINDS[job.type].platform)
    rows = [_object_row(call, job, name, platform) for name in job.restore_points]
    if platform not in call.revision.schemas.kinds("BackupObjectModel"):
        rows = []
    if call.revision.pages_task_sessions:
        return listing(list(call.query.page().of(rows)), len(rows), call)
    return Reply(200, {"data": rows, "pagination": {"total": len(rows), "count": len(rows)}})


def _backed_up(call: RestCall) -> Job:
    backup_id = call.identity()
    job = next((job for job in _backing_up(call) if backup_id_of(job) == backup_id), None)
    if job is None:
        raise not_found("Backup", backup_id)
    return job


def _object_id(backup_id: str, name: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"{backup_id} {name}"))


def _created_at(job: Job) -> datetime:
    return min(job.restore_points.values())


def _backup_row(call: RestCall, job: Job) -> dict[str, Any]:
    world = call.world
    row = {
        "id": backup_id_of(job),
        "name": job.name,
        "platformName": call.revision.platform(KINDS[job.type].platform),
        "platformId": _NO_ID,
        "creationTime": wire_time(_created_at(job), world.zone, 3),
        "repositoryId": repository_of(job) or _NO_ID,
        "jobType": call.revision.job_type(job.type),
        "jobId": job.id,
        "repositoryName": repository_name(world, job),
    }
    absent = {"jobType", "repositoryName"} if call.revision.default_limit is None else set()
    return {key: value for key, value in row.items() if key not in absent}


def _object_row(call: RestCall, job: Job, name: str, platform: str) -> dict[str, Any]:
    identity = _object_id(backup_id_of(job), name)
    row = {
        "id": identity,
        "name": name,
        "type": "VM" if KINDS[job.type].workload == "vm" else "Computer",
        "platformName": platform,
        "platformId": _NO_ID,
        "restorePointsCount": 1,
    }
    fields = call.revision.schemas.fields("BackupObjectModel", platform)
    optional = {
        "objectId": identity,
        "backupId": backup_id_of(job),
        "lastRunFailed": name in job.failed_objects,
    }
    return row | {key: value for key, value in optional.items() if key in fields}


def _backing_up(call: RestCall) -> list[Job]:
    return [
        job
        for job in call.world.jobs
        if job.restore_points
        and KINDS[job.type].task_type == "Backup"
        and call.revision.job_type(job.type) is not None
    ]


def _points_of(job: Job) -> list[_Point]:
    backup_id = backup_id_of(job)
    platform = KINDS[job.type].platform
    return [
        _Point(str(uuid5(NAMESPACE_OID, f"{backup_id} {name} {at}")), name, platform, backup_id, at)
        for name, at in job.restore_points.items()
    ]


def _point_row(call: RestCall, point: _Point) -> dict[str, Any]:
    form = variation(point.id)
    row = {
        "id": point.id,
        "name": point.name,
        "platformName": call.revision.platform(point.platform),
        "platformId": _NO_ID,
        "creationTime": wire_time(point.created_at, call.world.zone, form % 8),
        "backupId": point.backup_id,
        "allowedOperations": [],
    }
    return with_gaps(row, {"type": "Increment", "sessionId": None, "malwareStatus": "Clean"}, form)


BACKUPS = (
    Operation("GET", "/api/v1/backups", list_backups),
    Operation("GET", "/api/v1/backups/{id}/objects", list_backup_objects),
    Operation("GET", "/api/v1/restorePoints", list_restore_points),
    Operation("GET", "/api/v1/backups/{id}", get_backup),
)
