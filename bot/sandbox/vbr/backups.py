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


def get_backup(call: RestCall) -> Reply:
    """GET /backups/{id}: the BackupModel."""
    backup_id = call.identity()
    job = next((job for job in _backing_up(call) if backup_id_of(job) == backup_id), None)
    if job is None:
        raise not_found("Backup", backup_id)
    world = call.world
    row = {
        "id": backup_id,
        "name": job.name,
        "platformName": call.revision.platform(KINDS[job.type].platform),
        "platformId": _NO_ID,
        "creationTime": wire_time(min(job.restore_points.values()), world.zone, 3),
        "repositoryId": repository_of(job) or _NO_ID,
        "jobType": call.revision.job_type(job.type),
    }
    optional = {"jobId": job.id, "repositoryName": repository_name(world, job)}
    absent = {"jobType", "repositoryName"} if call.revision.default_limit is None else set()
    whole = {**row, **optional}
    return Reply(200, {key: value for key, value in whole.items() if key not in absent})


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
    Operation("GET", "/api/v1/restorePoints", list_restore_points),
    Operation("GET", "/api/v1/backups/{id}", get_backup),
)
