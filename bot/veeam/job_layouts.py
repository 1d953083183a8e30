"""Where each type of job keeps its settings: paths into its JobModel.

From the schemas that the discriminator of JobModel and JobSpec maps its types to. A type that is not here
(`Unknown`, `LegacyBackupCopy`, those of cloud appliances and plug-ins) has no model that could be read,
edited or created. A path is the same in all revisions that have it; `layout_in` leaves out what one of them
has not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto
from typing import Any

from bot.veeam.jobs import RetentionUnit
from bot.veeam.revisions import Revision, job_type_key

KeyPath = tuple[str, ...]


class SettingsField(StrEnum):
    """A setting of a job that can be chosen or changed."""

    NAME = "name"
    DESCRIPTION = "description"
    PRIORITY = "priority"
    OBJECTS = "objects"
    EXCLUDES = "excludes"
    TENANT = "tenant"
    PRIMARY_JOB = "primary_job"
    HOST = "host"
    RESOURCE_POOL = "resource_pool"
    FOLDER = "folder"
    DATASTORE = "datastore"
    REPOSITORY = "repository"
    RETENTION = "retention"
    GFS = "gfs"
    SCHEDULE = "schedule"
    RETRY = "retry"
    WINDOW = "window"
    GUEST = "guest"
    COMPRESSION = "compression"
    ENCRYPTION = "encryption"
    ACTIVE_FULL = "active_full"
    SYNTHETIC_FULL = "synthetic_full"
    HEALTH_CHECK = "health_check"


class Source(StrEnum):
    """Where what a job names is looked for."""

    VSPHERE = "VSphere"
    HYPERV = "HyperV"
    CLOUD_DIRECTOR = "CloudDirector"
    AGENTS = "Agent"
    WINDOWS = "Windows"
    LINUX = "Linux"
    CLUSTERS = "WindowsClusters"
    JOBS = "Jobs"
    FILE_SHARES = "FileShares"
    OBJECT_STORAGE = "ObjectStorage"
    IRIS = "Iris"
    TENANTS = "Tenants"


class ScheduleForm(Enum):
    """What a job's `schedule` is."""

    PLAIN = auto()
    """A BackupScheduleModel."""
    BY_MODE = auto()
    """The like where its `type` is Periodic; an immediate copy has no hour to run at."""
    DAILY = auto()
    """A BackupScheduleModel with `daily` alone."""
    CONTINUOUS = auto()
    """No hours at all."""


@dataclass(frozen=True)
class CredentialsPlace:
    """Where a job names the account for its guests, inside `guestProcessing.guestCredentials`."""

    deferring_flag: str | None
    """The flag by which the protection group's credentials are taken instead."""
    id: KeyPath
    type: KeyPath = ()
    """Where the kind of account stands, if VBR wants it."""


@dataclass(frozen=True)
class Layout:
    """The places of one type. None, or an empty tuple: it has nothing of the kind."""

    source: Source | None
    """Where the objects come from."""
    objects: KeyPath = ()
    excludes: KeyPath = ()
    named_job_types: frozenset[str] = frozenset()
    """The types of jobs that its objects may be, by `job_type_key`, where they are jobs."""
    objects_elsewhere: Mapping[str, KeyPath] = field(default_factory=dict)
    """The types of jobs that stand in another list than the other objects, each with its list."""
    references: Mapping[SettingsField, KeyPath] = field(default_factory=dict)
    """Single things that a job names: by an ID, or as the inventory has them."""
    demanded_references: frozenset[SettingsField] = frozenset()
    repository: KeyPath = ()
    takes_scale_out: bool = True
    """Whether the repository may be a scale-out repository."""
    demands_objects: bool = False
    demands_repository: bool = False
    """Whether the schema requires it, so that no model does without."""
    retention: KeyPath = ()
    units: tuple[RetentionUnit, ...] = (RetentionUnit.RESTORE_POINTS, RetentionUnit.DAYS)
    """What the retention may be counted in."""
    gfs: KeyPath = ()
    has_gfs_everywhere: bool = True
    """Whether each revision that has the type has its GFS too."""
    retention_switch: str | None = None
    """The flag that says whether the retention of the job itself holds."""
    most_restore_points: int | None = None
    """The documented limit, where there is one."""
    has_description: bool = True
    has_priority: bool = True
    schedule: ScheduleForm = ScheduleForm.PLAIN
    has_retry: bool = True
    """Whether the schedule, where it is a BackupScheduleModel, has retries and a backup window; copies that
    have no hours have a window of their own."""
    advanced: Mapping[SettingsField, KeyPath] = field(default_factory=dict)
    """The places of what VBR calls advanced settings of the storage."""
    has_guest: bool = False
    has_guest_everywhere: bool = True
    """Whether each revision that has the type has its guest processing too."""
    credentials: CredentialsPlace | None = None
    restore_points_adopted: tuple[KeyPath, ...] = ()
    """What ties a job to restore points that are there already, so that no second job may say the same."""


SYNTHETIC_FULLS = "syntheticFulls"
OWN_ENCRYPTION = ("encryption",)
"""Of a copy: it holds where the job says `useCustomEncryption`."""
_MACHINES = ("virtualMachines", "includes")
_REPOSITORY = ("storage", "backupRepositoryId")
_RETENTION = ("storage", "retentionPolicy")
_GFS = ("storage", "gfsPolicy")
_EXISTING_BACKUP = ("storage", "sourceBackupId")
_VM_CREDENTIALS = CredentialsPlace(
    "useAgentManagementCredentials",
    id=("credentials", "credentialsId"),
    type=("credentials", "credentialsType"),
)
FLAT_CREDENTIALS = CredentialsPlace(None, id=("credentialsId",), type=("credentialsType",))
"""As 1.2-rev1 has the credentials of virtual machines."""
_LINUX_CREDENTIALS = CredentialsPlace("useProtectionGroupCredentials", id=("credentialsId",))


def _advanced(*store: str, fulls: bool = True) -> Mapping[SettingsField, KeyPath]:
    """The advanced settings below this store; copies and backups of files make no full backups."""
    settings = (*store, "advancedSettings")
    places: dict[SettingsField, KeyPath] = {
        SettingsField.COMPRESSION: (*settings, "storageData", "compressionLevel"),
        SettingsField.ENCRYPTION: (*settings, "storageData", "encryption"),
        SettingsField.HEALTH_CHECK: (*settings, "backupHealth"),
    }
    if fulls:
        places[SettingsField.ACTIVE_FULL] = (*settings, "activeFulls")
        places[SettingsField.SYNTHETIC_FULL] = (*settings, SYNTHETIC_FULLS)
    return places


_VSPHERE = Layout(
    source=Source.VSPHERE,
    demands_objects=True,
    demands_repository=True,
    objects=_MACHINES,
    excludes=("virtualMachines", "excludes", "vms"),
    repository=_REPOSITORY,
    retention=_RETENTION,
    gfs=_GFS,
    advanced=_advanced("storage"),
    has_guest=True,
    credentials=_VM_CREDENTIALS,
)
_REPLICA = replace(
    _VSPHERE,
    demands_repository=False,
    references={
        SettingsField.HOST: ("destination", "host"),
        SettingsField.RESOURCE_POOL: ("destination", "resourcePool"),
        SettingsField.FOLDER: ("destination", "folder"),
        SettingsField.DATASTORE: ("destination", "datastore"),
    },
    demanded_references=frozenset({SettingsField.HOST}),
    repository=("jobSettings", "metadataRepositoryId"),
    takes_scale_out=False,
    retention=("jobSettings", "restorePointsToKeep"),
    units=(RetentionUnit.RESTORE_POINTS,),
    most_restore_points=28,
    gfs=(),
    advanced={SettingsField.COMPRESSION: ("jobSettings", "advancedSettings", "traffic", "compressionLevel")},
    restore_points_adopted=(("seeding", "replicaMapping"),),
)
_WINDOWS_AGENT = replace(
    _VSPHERE,
    source=Source.WINDOWS,
    demands_repository=False,
    objects=("computers",),
    excludes=(),
    credentials=None,
    restore_points_adopted=(_EXISTING_BACKUP,),
)
_LINUX_AGENT = replace(_WINDOWS_AGENT, source=Source.LINUX, credentials=_LINUX_CREDENTIALS)
_WINDOWS_POLICY = replace(
    _WINDOWS_AGENT,
    demands_objects=False,
    repository=("storage", "destination", "backupRepositoryId"),
    has_priority=False,
    restore_points_adopted=(),
)
_LINUX_POLICY = replace(_WINDOWS_POLICY, source=Source.LINUX, credentials=_LINUX_CREDENTIALS)
_BACKUP_COPY = Layout(
    source=Source.JOBS,
    objects=("sourceObjects", "includes", "jobs"),
    # Backups of files and of Entra ID have copies of their own, replicas and scans make no backups.
    named_job_types=frozenset(
        {
            *("vspherebackup", "hypervbackup", "clouddirectorbackup", "windowsagentbackup"),
            *("linuxagentbackup", "windowsagentbackupfailovercluster", "windowsagentbackupserverpolicy"),
            *("windowsagentbackupworkstationpolicy", "linuxagentbackupserverpolicy"),
            *("linuxagentbackupworkstationpolicy", "cloudbackupazure", "cloudbackupaws"),
            *("cloudbackupgoogle", "nutanixahvbackupjob", "proxmoxbackupjob", "irisbackup", "unknown"),
        }
    ),
    repository=("target", "backupRepositoryId"),
    retention=("target", "retentionPolicy"),
    gfs=("target", "gfsPolicy"),
    advanced=_advanced("target", fulls=False),
    has_priority=False,
    schedule=ScheduleForm.BY_MODE,
)
_ENTRA_COPY = Layout(
    source=None,
    named_job_types=frozenset({"entraidtenantbackup"}),
    references={SettingsField.PRIMARY_JOB: ("primaryJobId",)},
    demanded_references=frozenset({SettingsField.PRIMARY_JOB}),
    demands_repository=True,
    repository=("backupRepositoryId",),
    retention=("retentionPolicy",),
    units=(RetentionUnit.DAYS, RetentionUnit.MONTHS),
    retention_switch="useCustomRetention",
    advanced={SettingsField.ENCRYPTION: OWN_ENCRYPTION},
    has_description=False,
    has_priority=False,
    schedule=ScheduleForm.CONTINUOUS,
    has_retry=False,
)
_ENTRA_TENANT = Layout(
    source=None,
    references={SettingsField.TENANT: ("storage", "tenantId")},
    demanded_references=frozenset({SettingsField.TENANT}),
    retention=_RETENTION,
    advanced={SettingsField.ENCRYPTION: ("storage", "advancedSettings", "encryption")},
    has_priority=False,
    restore_points_adopted=(_EXISTING_BACKUP,),
)
_ENTRA_AUDIT_LOG = Layout(
    source=None,
    references={SettingsField.TENANT: ("tenant", "tenantId")},
    demanded_references=frozenset({SettingsField.TENANT}),
    repository=_REPOSITORY,
    retention=_RETENTION,
    units=(RetentionUnit.DAYS, RetentionUnit.MONTHS, RetentionUnit.YEARS),
    advanced=_advanced("storage", fulls=False),
    restore_points_adopted=(_EXISTING_BACKUP,),
)
_FILE_BACKUP = Layout(
    source=Source.FILE_SHARES,
    objects=("objects",),
    demands_objects=True,
    repository=("backupRepository", "backupRepositoryId"),
    retention=("backupRepository", "retentionPolicy"),
    units=(RetentionUnit.DAYS, RetentionUnit.MONTHS),
    gfs=("backupRepository", "gfsPolicy"),
    has_gfs_everywhere=False,
    advanced=_advanced("backupRepository", fulls=False),
    restore_points_adopted=(("backupRepository", "sourceBackupId"),),
)
_CONTENT_SCAN = Layout(
    source=Source.JOBS,
    objects=("linkedJobs", "includes"),
    named_job_types=frozenset({"cloudbackupazure", "cloudbackupaws", "cloudbackupgoogle"}),
    objects_elsewhere=dict.fromkeys(
        ("filebackup", "objectstoragebackup"), ("unstructuredLinkedJobs", "includes")
    ),
    demands_objects=True,
    has_priority=False,
    has_retry=False,
)
_IRIS = Layout(
    source=Source.IRIS,
    objects=("sources",),
    demands_objects=True,
    repository=_REPOSITORY,
    retention=_RETENTION,
    restore_points_adopted=(_EXISTING_BACKUP,),
)

LAYOUTS: Mapping[str, Layout] = {
    "VSphereBackup": _VSPHERE,
    "HyperVBackup": replace(_VSPHERE, source=Source.HYPERV),
    "CloudDirectorBackup": replace(_VSPHERE, source=Source.CLOUD_DIRECTOR, demands_repository=False),
    "VSphereReplica": _REPLICA,
    "WindowsAgentBackup": _WINDOWS_AGENT,
    "LinuxAgentBackup": _LINUX_AGENT,
    "WindowsAgentBackupFailoverCluster": replace(_WINDOWS_AGENT, source=Source.CLUSTERS),
    "WindowsAgentBackupServerPolicy": _WINDOWS_POLICY,
    "WindowsAgentBackupWorkstationPolicy": replace(
        _WINDOWS_POLICY, schedule=ScheduleForm.DAILY, has_retry=False, has_guest_everywhere=False
    ),
    "LinuxAgentBackupServerPolicy": _LINUX_POLICY,
    "LinuxAgentBackupWorkstationPolicy": replace(_LINUX_POLICY, schedule=ScheduleForm.DAILY, has_retry=False),
    "BackupCopy": _BACKUP_COPY,
    "FileBackupCopy": replace(
        _ENTRA_COPY,
        # Before 1.3-rev1 a file backup has no type of its own.
        named_job_types=frozenset({"filebackup", "objectstoragebackup", "unknown"}),
        gfs=("gfsPolicy",),
        has_gfs_everywhere=False,
    ),
    "EntraIDTenantBackupCopy": _ENTRA_COPY,
    "EntraIDTenantBackup": _ENTRA_TENANT,
    "EntraIDAuditLogBackup": _ENTRA_AUDIT_LOG,
    "FileBackup": _FILE_BACKUP,
    "ObjectStorageBackup": replace(_FILE_BACKUP, source=Source.OBJECT_STORAGE),
    "SureBackupContentScan": _CONTENT_SCAN,
    "IrisBackup": _IRIS,
}
_BY_KEY = {job_type_key(kind): layout for kind, layout in LAYOUTS.items()}


def layout_of(kind: object) -> Layout | None:
    """The layout of a job type in any revision's spelling; None for a type without a model."""
    return _BY_KEY.get(job_type_key(kind)) if isinstance(kind, str) else None


def layout_in(kind: object, revision: Revision) -> Layout | None:
    """The same without what the models of this revision have no place for."""
    layout = layout_of(kind)
    if layout is None:
        return None
    if not layout.has_gfs_everywhere and not revision.has_gfs_for_files:
        layout = replace(layout, gfs=())
    if not layout.has_guest_everywhere and not revision.has_workstation_guests:
        layout = replace(layout, has_guest=False, credentials=None)
    if layout.objects_elsewhere and not revision.scans_files:
        layout = replace(layout, objects_elsewhere={})
    return layout


def value_at(model: Mapping[str, Any], path: KeyPath) -> Any:
    """What stands there; None where nothing does, where the way is none or leads through something else."""
    place: Any = model if path else None
    for key in path:
        place = place.get(key) if isinstance(place, Mapping) else None
    return place


def dict_at(model: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """The object that stands there; an empty one is put there where none does."""
    place = model
    for key in path:
        if not isinstance(place.get(key), dict):
            place[key] = {}
        place = place[key]
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
