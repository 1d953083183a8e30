"""Where each type of job keeps its settings: paths into its JobModel, the same in all revisions.

From the schemas that the discriminator of JobModel and JobSpec maps its types to. A type that is not here
(`Unknown`, `LegacyBackupCopy`, what 1.3-rev1 and later add) has no model that could be read, edited or
created.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from bot.veeam.models import RetentionUnit
from bot.veeam.revisions import job_type_key

KeyPath = tuple[str, ...]


class ScheduleForm(Enum):
    """What a job's `schedule` is."""

    PLAIN = auto()
    """A BackupScheduleModel."""
    BY_MODE = auto()
    """The like where its `type` is Periodic; an immediate copy has no hour to run at."""
    CONTINUOUS = auto()
    """No hours at all."""


@dataclass(frozen=True)
class CredentialsPlace:
    """Where a job names the account for its guests, inside `guestProcessing.guestCredentials`."""

    deferring_flag: str
    """The flag by which the protection group's credentials are taken instead."""
    id: KeyPath
    type: KeyPath = ()
    """Where the kind of account stands, if VBR wants it."""


@dataclass(frozen=True)
class Layout:
    """The places of one type. None, or an empty tuple: it has nothing of the kind."""

    platform: str | None
    """Whose inventory the objects come from; `Jobs` for jobs that copy jobs."""
    objects: KeyPath = ()
    repository: KeyPath = ()
    takes_scale_out: bool = True
    """Whether the repository may be a scale-out repository."""
    demands_objects: bool = False
    demands_repository: bool = False
    """Whether the schema requires it, so that no model does without."""
    retention: KeyPath = ()
    units: tuple[RetentionUnit, ...] = (RetentionUnit.RESTORE_POINTS, RetentionUnit.DAYS)
    """What the retention may be counted in."""
    retention_switch: str | None = None
    """The flag that says whether the retention of the job itself holds."""
    most_restore_points: int | None = None
    """The documented limit, where there is one."""
    has_description: bool = True
    has_priority: bool = True
    schedule: ScheduleForm = ScheduleForm.PLAIN
    has_guest: bool = False
    credentials: CredentialsPlace | None = None
    restore_points_adopted: tuple[KeyPath, ...] = ()
    """What ties a job to restore points that are there already, so that no second job may say the same."""


_MACHINES = ("virtualMachines", "includes")
_REPOSITORY = ("storage", "backupRepositoryId")
_RETENTION = ("storage", "retentionPolicy")
_EXISTING_BACKUP = ("storage", "sourceBackupId")
_VM_CREDENTIALS = CredentialsPlace(
    "useAgentManagementCredentials",
    id=("credentials", "credentialsId"),
    type=("credentials", "credentialsType"),
)
_LINUX_CREDENTIALS = CredentialsPlace("useProtectionGroupCredentials", id=("credentialsId",))

_VSPHERE = Layout(
    platform="VSphere",
    demands_objects=True,
    demands_repository=True,
    objects=_MACHINES,
    repository=_REPOSITORY,
    retention=_RETENTION,
    has_guest=True,
    credentials=_VM_CREDENTIALS,
)
_REPLICA = replace(
    _VSPHERE,
    demands_repository=False,
    repository=("jobSettings", "metadataRepositoryId"),
    takes_scale_out=False,
    retention=("jobSettings", "restorePointsToKeep"),
    units=(RetentionUnit.RESTORE_POINTS,),
    most_restore_points=28,
    restore_points_adopted=(("seeding", "replicaMapping"),),
)
_WINDOWS_AGENT = replace(
    _VSPHERE,
    platform="Agent",
    demands_repository=False,
    objects=("computers",),
    credentials=None,
    restore_points_adopted=(_EXISTING_BACKUP,),
)
_BACKUP_COPY = Layout(
    platform="Jobs",
    objects=("sourceObjects", "includes", "jobs"),
    repository=("target", "backupRepositoryId"),
    retention=("target", "retentionPolicy"),
    has_priority=False,
    schedule=ScheduleForm.BY_MODE,
)
_COPY_OF_ONE_JOB = Layout(
    platform=None,
    demands_repository=True,
    repository=("backupRepositoryId",),
    retention=("retentionPolicy",),
    units=(RetentionUnit.DAYS, RetentionUnit.MONTHS),
    retention_switch="useCustomRetention",
    has_description=False,
    has_priority=False,
    schedule=ScheduleForm.CONTINUOUS,
)
_ENTRA_TENANT = Layout(
    platform=None,
    retention=_RETENTION,
    has_priority=False,
    restore_points_adopted=(_EXISTING_BACKUP,),
)
_ENTRA_AUDIT_LOG = Layout(
    platform=None,
    repository=_REPOSITORY,
    retention=_RETENTION,
    units=(RetentionUnit.DAYS, RetentionUnit.MONTHS, RetentionUnit.YEARS),
    restore_points_adopted=(_EXISTING_BACKUP,),
)

LAYOUTS: Mapping[str, Layout] = {
    "VSphereBackup": _VSPHERE,
    "HyperVBackup": replace(_VSPHERE, platform="HyperV"),
    "CloudDirectorBackup": replace(_VSPHERE, platform="CloudDirector", demands_repository=False),
    "VSphereReplica": _REPLICA,
    "WindowsAgentBackup": _WINDOWS_AGENT,
    "LinuxAgentBackup": replace(_WINDOWS_AGENT, credentials=_LINUX_CREDENTIALS),
    "BackupCopy": _BACKUP_COPY,
    "FileBackupCopy": _COPY_OF_ONE_JOB,
    "EntraIDTenantBackupCopy": _COPY_OF_ONE_JOB,
    "EntraIDTenantBackup": _ENTRA_TENANT,
    "EntraIDAuditLogBackup": _ENTRA_AUDIT_LOG,
}
_BY_KEY = {job_type_key(kind): layout for kind, layout in LAYOUTS.items()}


def layout_of(kind: object) -> Layout | None:
    """The layout of a job type in any revision's spelling; None for a type without a model."""
    return _BY_KEY.get(job_type_key(kind)) if isinstance(kind, str) else None


def value_at(model: Mapping[str, Any], path: KeyPath) -> Any:
    """What stands there; None where nothing does, where the way is none or leads through something else."""
    place: Any = model if path else None
    for key in path:
        place = place.get(key) if isinstance(place, Mapping) else None
    return place


def text_at(model: Mapping[str, Any], path: KeyPath) -> str | None:
    """The text that stands there, None where there is none."""
    value = value_at(model, path)
    return value if isinstance(value, str) and value else None


def flag_at(model: Mapping[str, Any], path: KeyPath) -> bool | None:
    """The true or false that stands there, None where neither does."""
    value = value_at(model, path)
    return value if isinstance(value, bool) else None


def number_at(model: Mapping[str, Any], path: KeyPath) -> int | None:
    """The whole number that stands there, None where there is none."""
    value = value_at(model, path)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
