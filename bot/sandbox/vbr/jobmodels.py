"""Complete JobModels of every type that 1.3-rev0 can model, for jobs that the sandbox makes itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


def never() -> dict[str, Any]:
    """A BackupScheduleModel: by hand only."""
    return {"runAutomatically": False}


@dataclass(frozen=True)
class JobParts:
    """What the models of all types are made from.

    ``source_ids`` are the jobs that a copy job copies; ``objects`` the machines by name; ``schedule`` a
    BackupScheduleModel.
    """

    id: str
    name: str
    description: str
    repository_id: str
    host_name: str
    objects: Sequence[Mapping[str, Any]]
    schedule: Mapping[str, Any] = field(default_factory=never)
    is_disabled: bool = False
    is_high_priority: bool = False
    source_ids: Sequence[str] = ()
    mode: str = "Immediate"


def job_model(kind: str, parts: JobParts) -> dict[str, Any]:
    """Build the JobModel of a job of type ``kind``; a type without a model gets only what its state shows."""
    model: dict[str, Any] = {
        "id": parts.id,
        "name": parts.name,
        "type": kind,
        "isDisabled": parts.is_disabled,
        "description": parts.description,
    }
    build = _BUILDERS.get(kind)
    if build is None:
        return model | {"schedule": dict(parts.schedule)}
    model |= build(parts)
    if kind in _WITHOUT_DESCRIPTION:
        del model["description"]
    return model


def daily(at: str, kind: str = "Everyday", *, retries: int = 3, await_minutes: int = 10) -> dict[str, Any]:
    """A BackupScheduleModel: every day at ``at`` (the server's local time), with automatic retries."""
    return {
        "runAutomatically": True,
        "daily": {"isEnabled": True, "localTime": at, "dailyKind": kind},
        "retry": {"isEnabled": retries > 0, "retryCount": retries, "awaitMinutes": await_minutes},
    }


def periodically(
    frequency: int, kind: str = "Hours", *, retries: int = 3, await_minutes: int = 10
) -> dict[str, Any]:
    """A BackupScheduleModel: every so many hours, minutes, seconds or days."""
    return {
        "runAutomatically": True,
        "daily": {"isEnabled": False, "localTime": "22:00", "dailyKind": "Everyday"},
        "periodically": {"isEnabled": True, "periodicallyKind": kind, "frequency": frequency},
        "retry": {"isEnabled": retries > 0, "retryCount": retries, "awaitMinutes": await_minutes},
    }


def after(job_name: str, *, retries: int = 3, await_minutes: int = 10) -> dict[str, Any]:
    """A BackupScheduleModel: chained after the job of that name."""
    return {
        "runAutomatically": True,
        "afterThisJob": {"isEnabled": True, "jobName": job_name},
        "retry": {"isEnabled": retries > 0, "retryCount": retries, "awaitMinutes": await_minutes},
    }


def _storage(parts: JobParts) -> dict[str, Any]:
    return {
        "backupRepositoryId": parts.repository_id,
        "backupProxies": {"autoSelectEnabled": True, "proxyIds": []},
        "retentionPolicy": {"type": "Days", "quantity": 14},
        "gfsPolicy": {"isEnabled": False},
        "advancedSettings": {
            "backupModeType": "Incremental",
            "synthenticFulls": {"isEnabled": False},
            "storageData": {"compressionLevel": "Optimal", "storageOptimization": "1MB"},
        },
    }


def _guest() -> dict[str, Any]:
    return {"appAwareProcessing": {"isEnabled": False}, "guestFSIndexing": {"isEnabled": False}}


def _virtual_machines(parts: JobParts, platform: str) -> dict[str, Any]:
    includes = [
        {"platform": platform, "hostName": parts.host_name, "size": "40 GB", **item} for item in parts.objects
    ]
    return {"includes": includes, "excludes": {"vms": []}}


def _vsphere(parts: JobParts) -> dict[str, Any]:
    return {
        "isHighPriority": parts.is_high_priority,
        "virtualMachines": _virtual_machines(parts, "VSphere"),
        "storage": _storage(parts),
        "guestProcessing": _guest(),
        "schedule": dict(parts.schedule),
    }


def _cloud_director(parts: JobParts) -> dict[str, Any]:
    return _vsphere(parts) | {"virtualMachines": _virtual_machines(parts, "CloudDirector")}


def _hyperv(parts: JobParts) -> dict[str, Any]:
    storage = _storage(parts) | {"backupProxies": {"proxyType": "onHost"}}
    return _vsphere(parts) | {"virtualMachines": _virtual_machines(parts, "HyperV"), "storage": storage}


def _replica(parts: JobParts) -> dict[str, Any]:
    host = {"platform": "VSphere", "hostName": parts.host_name, "type": "Host", "size": "N/A"}
    return {
        "isHighPriority": parts.is_high_priority,
        "virtualMachines": _virtual_machines(parts, "VSphere"),
        "destination": {"host": host | {"name": "esx-dr-01.example.com", "objectId": "host-91"}},
        "jobSettings": {
            "metadataRepositoryId": parts.repository_id,
            "replicaNameSuffix": "_replica",
            "restorePointsToKeep": 7,
        },
        "schedule": dict(parts.schedule),
    }


def _agent(parts: JobParts) -> dict[str, Any]:
    computers = [
        {"platform": "Agent", "id": item["objectId"], "name": item["name"], "type": item["type"],
         "protectionGroupId": item["objectId"]}
        for item in parts.objects
    ]  # fmt: skip
    return {
        "isHighPriority": parts.is_high_priority,
        "agentType": "Server",
        "computers": computers,
        "backupMode": "EntireComputer",
        "storage": {
            "backupRepositoryId": parts.repository_id,
            "retentionPolicy": {"type": "Days", "quantity": 14},
        },
        "schedule": dict(parts.schedule),
    }


def _copy(parts: JobParts) -> dict[str, Any]:
    schedule: dict[str, Any] = {"type": "Immediate", "scheduleMode": "Continuous"}
    if parts.mode == "Periodic":
        schedule = {"type": "Periodic", **parts.schedule}
    return {
        "mode": parts.mode,
        "sourceObjects": {"includes": {"jobs": [{"id": job_id} for job_id in parts.source_ids]}},
        "target": {
            "backupRepositoryId": parts.repository_id,
            "retentionPolicy": {"type": "RestorePoints", "quantity": 7},
        },
        "schedule": schedule,
    }


def _dependent_copy(parts: JobParts) -> dict[str, Any]:
    return {
        "primaryJobId": next(iter(parts.source_ids), parts.id),
        "backupRepositoryId": parts.repository_id,
        "useCustomRetention": True,
        "retentionPolicy": {"type": "Months", "quantity": 3},
        "schedule": {"type": "Continuous"},
    }


def _entra_tenant(parts: JobParts) -> dict[str, Any]:
    return {
        "storage": {
            "tenantId": parts.objects[0]["objectId"],
            "retentionPolicy": {"type": "Days", "quantity": 31},
        },
        "schedule": dict(parts.schedule),
    }


def _entra_logs(parts: JobParts) -> dict[str, Any]:
    return {
        "isHighPriority": parts.is_high_priority,
        "tenant": {"tenantId": parts.objects[0]["objectId"]},
        "storage": {"backupRepositoryId": parts.repository_id},
        "schedule": dict(parts.schedule),
    }


_WITHOUT_DESCRIPTION = frozenset({"FileBackupCopy", "EntraIDTenantBackupCopy"})
_BUILDERS = {
    "VSphereBackup": _vsphere,
    "CloudDirectorBackup": _cloud_director,
    "HyperVBackup": _hyperv,
    "VSphereReplica": _replica,
    "WindowsAgentBackup": _agent,
    "LinuxAgentBackup": _agent,
    "BackupCopy": _copy,
    "FileBackupCopy": _dependent_copy,
    "EntraIDTenantBackupCopy": _dependent_copy,
    "EntraIDTenantBackup": _entra_tenant,
    "EntraIDAuditLogBackup": _entra_logs,
}
