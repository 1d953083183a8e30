"""The types of sessions: what each is to a backup team, and which revision of VBR's API brought it.

ESessionType of the four documents; what a type means none of them says. The groups follow the names and what
real servers were seen to do, and are defaults only: that a session belongs to a job says more than its type.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum


class SessionGroup(StrEnum):
    """What a session is to a backup team."""

    JOB_RUN = "job run"
    PART = "part of a run"
    """A command to an agent, or one of its steps: it belongs to the run that it serves."""
    LOG_BACKUP = "log backup"
    TIERING = "tiering"
    SECURITY = "security"
    RESTORE = "restore"
    FAILOVER = "failover"
    HOUSEKEEPING = "housekeeping"


FAILURES_ONLY = frozenset({SessionGroup.LOG_BACKUP, SessionGroup.TIERING, SessionGroup.PART})
"""Groups that run all the time beside the jobs: that one of them went well is no news."""

_BROUGHT_BY: Mapping[str, Mapping[SessionGroup, str]] = {
    "1.2-rev1": {
        SessionGroup.JOB_RUN: "BackupJob ReplicaJob SureBackup ConfigurationBackup FileServerSave",
        SessionGroup.SECURITY: "MalwareDetection SecurityComplianceAnalyzer",
        SessionGroup.RESTORE: (
            "RestoreVm InstantRecovery FirstClassDiskInstantRestore QuickMigration FileLevelRestore"
            " LinuxFileLevelRestore CloudDirectorVmRestore CloudDirectorVAppRestore"
            " FirstClassDiskQuickMigration EntraIdRestore NasRestore UnstructuredDataBrowse"
            " UnstructuredDownloadMeta PublishBackupContentViaMount"
        ),
        SessionGroup.FAILOVER: (
            "Failover PlannedFailover PermanentFailover UndoFailover Failback CommitFailback UndoFailback"
            " SwitchReplicaToProduction"
        ),
        SessionGroup.HOUSEKEEPING: (
            "Infrastructure Automation RepositoryMaintenance RepositoryEvacuate InfrastructureItemDeletion"
            " AzureApplianceDeploy ConfigurationResynchronize DeleteBackup BackgroundOperation"
            " EntraIdRescanRepository"
        ),
    },
    "1.3-rev0": {
        # CopyBackup is a manual copy by its name; it may be what parts of copy jobs are called until
        # 1.3-rev1 has a word for those.
        SessionGroup.JOB_RUN: "AgentBackup AgentPolicy CopyBackup UnstructuredDataBackupCopy",
        SessionGroup.LOG_BACKUP: "SqlLogBackup OracleLogBackup PostgreSqlLogBackup",
        SessionGroup.TIERING: (
            "ArchiveBackup ArchiveSync ArchiveCopy ArchiveFreezing DirectBackupSync FileBackupHealthCheck"
        ),
        SessionGroup.RESTORE: (
            "EntraIdRestoreFromCopy AzureInstantRecovery AzureInstantRecoveryMigration"
            " AzureInstantRecoverySwitchover AzureInstantRecoveryStart AzureInstantRecoveryStop"
            " AzureInstantRecoveryMigrationUndo AzureInstantRecoveryMount PublishBackupContentViaNfs"
            " ArchiveRehydration RetrieveBackup ArchiveTierDownload"
        ),
        SessionGroup.FAILOVER: "FailoverPlan FailoverPlanTask",
        SessionGroup.HOUSEKEEPING: (
            "LogsExport TestCredentials VolumesDiscover AgentDiscovery ApplianceUpdatesInstall"
            " HostComponentsUpdate CheckpointRemoval Retention"
        ),
    },
    "1.3-rev1": {
        SessionGroup.JOB_RUN: "BackupCopyJob SureBackupContentScan",
        SessionGroup.RESTORE: "FileInstantRecovery FileInstantRecoveryMigration",
        SessionGroup.HOUSEKEEPING: "AgentOperationPurgeCache",
    },
    "1.3-rev2": {
        # EndpointBackup is the backup of one computer: in a policy's run it is a part, by its parent.
        SessionGroup.JOB_RUN: (
            "PlatformBackupJob EndpointBackup BackupCopyJobParent IrisBackup PlatformSnapshotJob"
            " PlatformSnapshotCopyJob"
        ),
        SessionGroup.PART: (
            "AgentOperationBackupNow AgentOperationActiveFull EpAgentOperationStopBackup BackupCacheSync"
        ),
        SessionGroup.SECURITY: "EncryptionAnalysis",
        SessionGroup.RESTORE: (
            "ApplicationLevelRestore AdForestRestore RestoreRecoveryApplianceVolumes RestoreAgentVolumes"
            " EndpointRestore PerVmMoveBackup PerVmCopyBackup FileBackupArchiveRetrievalProlonging"
            " InstantDiskRecovery DiskRestore"
        ),
        SessionGroup.FAILOVER: "HaSwitchover",
        SessionGroup.HOUSEKEEPING: (
            "PlatformServiceJob AgentManagement VeeamUpdaterSettingsSync StorageDiscovery StorageMonitoring"
            " AgentsRecoveryAppliancesManagement IndexCollection HaClusterEdit"
        ),
    },
}

SESSION_TYPES: Mapping[SessionGroup, frozenset[str]] = {
    group: frozenset(name for types in _BROUGHT_BY.values() for name in types.get(group, "").split())
    for group in SessionGroup
}
"""All types of each group, in VBR's spelling."""

_GROUP_OF = {name.casefold(): group for group, names in SESSION_TYPES.items() for name in names}


def session_types_up_to(revision: str) -> Mapping[SessionGroup, tuple[str, ...]]:
    """Return the types of each group that this revision has: it would refuse any other in a filter."""
    names = list(_BROUGHT_BY)
    known = [_BROUGHT_BY[name] for name in names[: names.index(revision) + 1]]
    return {
        group: tuple(name for types in known for name in types.get(group, "").split())
        for group in SessionGroup
    }


def session_group(
    session_type: str, *, job_id: str | None = None, job_ids: Collection[str] = ()
) -> SessionGroup:
    """Which kind of session this is. An unknown type is a job run if one of these jobs ran, else noise."""
    group = _GROUP_OF.get(session_type.casefold())
    if group is not None:
        return group
    return SessionGroup.JOB_RUN if job_id is not None and job_id in job_ids else SessionGroup.HOUSEKEEPING
