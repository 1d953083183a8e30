"""Complete JobModels of every type that some revision can model, for jobs that the sandbox makes itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Of a password that VBR keeps: its list is in no document.
_PASSWORD_ID = "c61f2f56-5d0c-4b7f-b4c3-7a3f0f5f9d11"


def never() -> dict[str, Any]:
    """A BackupScheduleModel: by hand only."""
    return {"runAutomatically": False}


@dataclass(frozen=True)
class JobParts:
    """What the models of all types are made from.

    ``source_ids`` are the jobs that a copy job copies and a scan looks through (``scans_files``: of files or
    object storage); ``objects`` what is included, as the model has it (of an Entra ID job the tenant: name
    and id); ``target`` the destination of a replica; ``guest`` the credentials, type and id, that
    application-aware processing uses; ``schedule`` a BackupScheduleModel; ``server_name`` the backup server,
    for agents that look for it.
    """

    id: str
    name: str
    description: str
    repository_id: str
    objects: Sequence[Mapping[str, Any]]
    schedule: Mapping[str, Any] = field(default_factory=never)
    is_disabled: bool = False
    is_high_priority: bool = False
    source_ids: Sequence[str] = ()
    scans_files: bool = False
    mode: str = "Immediate"
    target: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    guest: tuple[str, str] | None = None
    server_name: str = "vbr01"


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
        "retry": _retry(retries, await_minutes),
    }


def periodically(
    frequency: int, kind: str = "Hours", *, retries: int = 3, await_minutes: int = 10
) -> dict[str, Any]:
    """A BackupScheduleModel: every so many hours, minutes, seconds or days."""
    return {
        "runAutomatically": True,
        "daily": {"isEnabled": False, "localTime": "22:00", "dailyKind": "Everyday"},
        "periodically": {"isEnabled": True, "periodicallyKind": kind, "frequency": frequency},
        "retry": _retry(retries, await_minutes),
    }


def after(job_name: str, *, retries: int = 3, await_minutes: int = 10) -> dict[str, Any]:
    """A BackupScheduleModel: chained after the job of that name."""
    return {
        "runAutomatically": True,
        "afterThisJob": {"isEnabled": True, "jobName": job_name},
        "retry": _retry(retries, await_minutes),
    }


def complete(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """The same BackupScheduleModel with all blocks, those that it lacks switched off."""
    monthly = {"localTime": "22:00", "dayNumberInMonth": "Fourth", "dayOfWeek": "saturday"}
    return {
        "daily": {"isEnabled": False, "localTime": "22:00", "dailyKind": "Everyday"},
        "monthly": {"isEnabled": False, **monthly},
        "periodically": {"isEnabled": False, "periodicallyKind": "Hours", "frequency": 1},
        "continuously": {"isEnabled": False},
        "afterThisJob": {"isEnabled": False},
        "retry": {"isEnabled": False, "retryCount": 3, "awaitMinutes": 10},
        "backupWindow": {"isEnabled": False},
        **schedule,
    }


def _retry(retries: int, await_minutes: int) -> dict[str, Any]:
    return {"isEnabled": retries > 0, "retryCount": max(1, retries), "awaitMinutes": await_minutes}


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


def _compressed() -> dict[str, Any]:
    return {"storageData": {"compressionLevel": "Optimal"}}


def _encrypted() -> dict[str, Any]:
    return {"isEnabled": True, "encryptionType": "ByUserPassword", "encryptionPasswordId": _PASSWORD_ID}


def _application_aware(parts: JobParts) -> dict[str, Any]:
    if parts.guest is None:
        return {"appAwareProcessing": {"isEnabled": False}}
    kind, credentials_id = parts.guest
    return {
        "appAwareProcessing": {"isEnabled": True},
        "guestCredentials": {
            "useAgentManagementCredentials": False,
            "credentials": {"credentialsId": credentials_id, "credentialsType": kind},
            "credentialsPerMachine": [],
        },
    }


def _guest(parts: JobParts) -> dict[str, Any]:
    return _application_aware(parts) | {"guestFSIndexing": {"isEnabled": False}}


def _virtual_machines(parts: JobParts) -> dict[str, Any]:
    return {"includes": [dict(item) for item in parts.objects], "excludes": {"vms": []}}


def _vsphere(parts: JobParts) -> dict[str, Any]:
    return {
        "isHighPriority": parts.is_high_priority,
        "virtualMachines": _virtual_machines(parts),
        "storage": _storage(parts),
        "guestProcessing": _guest(parts),
        "schedule": dict(parts.schedule),
    }


def _hyperv(parts: JobParts) -> dict[str, Any]:
    storage = _storage(parts) | {"backupProxies": {"proxyType": "onHost"}}
    return _vsphere(parts) | {"storage": storage}


def _replica(parts: JobParts) -> dict[str, Any]:
    return {
        "isHighPriority": parts.is_high_priority,
        "virtualMachines": _virtual_machines(parts),
        "destination": {place: dict(item) for place, item in parts.target.items()},
        "jobSettings": {
            "metadataRepositoryId": parts.repository_id,
            "replicaNameSuffix": "_replica",
            "restorePointsToKeep": 7,
            "advancedSettings": {"traffic": {"compressionLevel": "Optimal"}},
        },
        "dataTransfer": {
            "sourceProxies": {"autoSelectEnabled": True, "proxyIds": []},
            "targetProxies": {"autoSelectEnabled": True, "proxyIds": []},
        },
        "guestProcessing": _application_aware(parts),
        "schedule": dict(parts.schedule),
    }


def _computers(parts: JobParts) -> dict[str, Any]:
    return {"computers": [dict(item) for item in parts.objects], "backupMode": "EntireComputer"}


def _agent(parts: JobParts) -> dict[str, Any]:
    return {
        "isHighPriority": parts.is_high_priority,
        "agentType": "Server",
        **_computers(parts),
        "storage": {
            "backupRepositoryId": parts.repository_id,
            "retentionPolicy": {"type": "Days", "quantity": 14},
            "advancedSettings": _compressed(),
        },
        "guestProcessing": {
            "appAwareProcessing": {"isEnabled": False},
            "guestFSIndexing": {"isEnabled": False},
        },
        "schedule": dict(parts.schedule),
    }


def _linux_agent(parts: JobParts) -> dict[str, Any]:
    model = _agent(parts)
    model["guestProcessing"]["guestCredentials"] = {"useProtectionGroupCredentials": True}
    return model


def _cluster_agent(parts: JobParts) -> dict[str, Any]:
    return _agent(parts) | {"agentType": "FailoverCluster"}


def _policy(parts: JobParts) -> dict[str, Any]:
    return {
        **_computers(parts),
        "storage": {
            "destination": {
                "destinationType": "BackupRepository",
                "backupServerName": parts.server_name,
                "backupRepositoryId": parts.repository_id,
            },
            "retentionPolicy": {"type": "Days", "quantity": 14},
            "advancedSettings": _compressed(),
        },
        "guestProcessing": {
            "appAwareProcessing": {"isEnabled": False},
            "guestFSIndexing": {"isEnabled": False},
        },
        "schedule": dict(parts.schedule),
    }


def _windows_workstation_policy(parts: JobParts) -> dict[str, Any]:
    schedule = _daily_only(parts) | {
        "powerOffAction": "BackupAtPowerOn",
        "postBackupAction": "KeepRunning",
        "atEvents": {"backupAtLock": False, "backupAtLogoff": False, "backupAtStorageAttach": False},
    }
    return _policy(parts) | {"schedule": schedule}


def _linux_workstation_policy(parts: JobParts) -> dict[str, Any]:
    return _policy(parts) | {"schedule": _daily_only(parts)}


def _daily_only(parts: JobParts) -> dict[str, Any]:
    return {key: part for key, part in parts.schedule.items() if key in {"runAutomatically", "daily"}}


def _file_backup(parts: JobParts) -> dict[str, Any]:
    return {
        "isHighPriority": parts.is_high_priority,
        "objects": [dict(item) for item in parts.objects],
        "backupRepository": {
            "backupRepositoryId": parts.repository_id,
            "retentionPolicy": {"type": "Days", "quantity": 28},
            "advancedSettings": _compressed(),
        },
        "schedule": dict(parts.schedule),
    }


def _content_scan(parts: JobParts) -> dict[str, Any]:
    schedule = {key: part for key, part in parts.schedule.items() if key not in {"retry", "backupWindow"}}
    linked = "unstructuredLinkedJobs" if parts.scans_files else "linkedJobs"
    return {
        linked: {"includes": [{"id": job_id} for job_id in parts.source_ids]},
        "verificationOptions": {"malwareScanEnabled": True, "yaraScanEnabled": False},
        "schedule": schedule,
    }


def _iris(parts: JobParts) -> dict[str, Any]:
    return {
        "isHighPriority": parts.is_high_priority,
        "sources": [{"entityId": item["id"]} for item in parts.objects],
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
        schedule.pop("continuously", None)
    return {
        "mode": parts.mode,
        "sourceObjects": {"includes": {"jobs": [{"id": job_id} for job_id in parts.source_ids]}},
        "target": {
            "backupRepositoryId": parts.repository_id,
            "retentionPolicy": {"type": "RestorePoints", "quantity": 7},
            "advancedSettings": {"storageData": {"compressionLevel": "Auto", "encryption": _encrypted()}},
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
            "tenantId": parts.objects[0]["id"],
            "retentionPolicy": {"type": "Days", "quantity": 31},
        },
        "schedule": dict(parts.schedule),
    }


def _entra_logs(parts: JobParts) -> dict[str, Any]:
    return {
        "isHighPriority": parts.is_high_priority,
        "tenant": {"tenantId": parts.objects[0]["id"]},
        "storage": {
            "backupRepositoryId": parts.repository_id,
            "retentionPolicy": {"type": "Years", "quantity": 1},
            "advancedSettings": _compressed(),
        },
        "schedule": dict(parts.schedule),
    }


_WITHOUT_DESCRIPTION = frozenset({"FileBackupCopy", "EntraIDTenantBackupCopy"})
_BUILDERS = {
    "VSphereBackup": _vsphere,
    "CloudDirectorBackup": _vsphere,
    "HyperVBackup": _hyperv,
    "VSphereReplica": _replica,
    "WindowsAgentBackup": _agent,
    "LinuxAgentBackup": _linux_agent,
    "BackupCopy": _copy,
    "FileBackupCopy": _dependent_copy,
    "EntraIDTenantBackupCopy": _dependent_copy,
    "EntraIDTenantBackup": _entra_tenant,
    "EntraIDAuditLogBackup": _entra_logs,
    "WindowsAgentBackupFailoverCluster": _cluster_agent,
    "WindowsAgentBackupServerPolicy": _policy,
    "LinuxAgentBackupServerPolicy": _policy,
    "WindowsAgentBackupWorkstationPolicy": _windows_workstation_policy,
    "LinuxAgentBackupWorkstationPolicy": _linux_workstation_policy,
    "FileBackup": _file_backup,
    "ObjectStorageBackup": _file_backup,
    "SureBackupContentScan": _content_scan,
    "IrisBackup": _iris,
}
