"""What differs between the revisions of VBR's API, as data, and the kinds of sessions.

A revision is what we ask for with `x-api-version`; newer servers speak older revisions too. For a revision
that isn't listed, the nearest older one of the list is taken.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum


class SessionGroup(StrEnum):
    """What a session is to a backup team; from the names of the types, which VBR does not define."""

    JOB_RUN = "job run"
    LOG_BACKUP = "log backup"
    SECURITY = "security"
    RESTORE = "restore"
    FAILOVER = "failover"
    HOUSEKEEPING = "housekeeping"


_NEW_JOB_RUNS: Mapping[str, tuple[str, ...]] = {
    "1.2-rev1": ("BackupJob", "ReplicaJob", "SureBackup", "ConfigurationBackup"),
    "1.3-rev0": (
        "AgentBackup",
        "AgentPolicy",
        "CopyBackup",
        "FileServerSave",
        "UnstructuredDataBackupCopy",
        "ArchiveBackup",
    ),
    "1.3-rev1": ("BackupCopyJob", "SureBackupContentScan"),
    "1.3-rev2": ("PlatformBackupJob", "EndpointBackup", "BackupCopyJobParent", "IrisBackup"),
}

SESSION_TYPES: Mapping[SessionGroup, frozenset[str]] = {
    SessionGroup.JOB_RUN: frozenset(name for names in _NEW_JOB_RUNS.values() for name in names),
    SessionGroup.LOG_BACKUP: frozenset({"SqlLogBackup", "OracleLogBackup", "PostgreSqlLogBackup"}),
    SessionGroup.SECURITY: frozenset({"MalwareDetection", "SecurityComplianceAnalyzer"}),
    SessionGroup.RESTORE: frozenset(
        {
            *("RestoreVm", "InstantRecovery", "FirstClassDiskInstantRestore", "FileLevelRestore"),
            *(
                "LinuxFileLevelRestore",
                "CloudDirectorVmRestore",
                "CloudDirectorVAppRestore",
                "EntraIdRestore",
            ),
            *("EntraIdRestoreFromCopy", "NasRestore", "QuickMigration", "FirstClassDiskQuickMigration"),
            *("PublishBackupContentViaMount", "PublishBackupContentViaNfs", "AzureInstantRecovery"),
            *("AzureInstantRecoveryMigration", "AzureInstantRecoverySwitchover", "AzureInstantRecoveryStart"),
            *("AzureInstantRecoveryStop", "AzureInstantRecoveryMigrationUndo", "AzureInstantRecoveryMount"),
            *("RetrieveBackup", "ArchiveRehydration", "ArchiveTierDownload", "UnstructuredDataBrowse"),
            *("UnstructuredDownloadMeta", "FileInstantRecovery", "FileInstantRecoveryMigration"),
        }
    ),
    SessionGroup.FAILOVER: frozenset(
        {
            *(
                "Failover",
                "PlannedFailover",
                "PermanentFailover",
                "UndoFailover",
                "Failback",
                "CommitFailback",
            ),
            *("UndoFailback", "SwitchReplicaToProduction", "FailoverPlan", "FailoverPlanTask"),
        }
    ),
    SessionGroup.HOUSEKEEPING: frozenset(
        {
            *("Infrastructure", "Automation", "ConfigurationResynchronize", "RepositoryMaintenance"),
            *("RepositoryEvacuate", "InfrastructureItemDeletion", "AzureApplianceDeploy", "LogsExport"),
            *("TestCredentials", "VolumesDiscover", "DeleteBackup", "BackgroundOperation", "AgentDiscovery"),
            *("ApplianceUpdatesInstall", "EntraIdRescanRepository", "HostComponentsUpdate"),
            *("FileBackupHealthCheck", "ArchiveSync", "ArchiveCopy", "ArchiveFreezing", "DirectBackupSync"),
            *(
                "CheckpointRemoval",
                "Retention",
                "AgentOperationPurgeCache",
                "AgentManagement",
                "HaSwitchover",
            ),
            "PlatformServiceJob",
        }
    ),
}

_GROUP_OF = {name.casefold(): group for group, names in SESSION_TYPES.items() for name in names}


@dataclass(frozen=True)
class Revision:
    """The facts of one revision that a client has to mind."""

    name: str
    job_run_types: tuple[str, ...]
    """Session types to ask for as job runs; one that the revision does not know would be refused."""
    log_backup_types: tuple[str, ...] = ("SqlLogBackup", "OracleLogBackup", "PostgreSqlLogBackup")
    has_retry_and_clone: bool = True
    session_array_filters: bool = True
    """Whether sessions are filtered by several types and results at once."""
    log_status_filter: bool = True
    chained_stop: bool = True
    """Whether start takes `syncRestorePoints` and stop `cancelChainedJobs`."""
    capitalised: bool = False
    """Whether job status, workload and inventory operations begin with a capital."""
    links_retries: bool = False
    """Whether a session names the first run it retries (`retryInfo`, `originalSessionId`)."""
    vsphere_job_type: str = "VSphereBackup"
    vsphere_platform: str = "VSphere"

    def spelled(self, word: str) -> str:
        """A word of the enums whose letter case differs between revisions, as this one prints it."""
        first = word[:1].upper() if self.capitalised else word[:1].lower()
        return first + word[1:]


def _job_runs_up_to(name: str) -> tuple[str, ...]:
    known = list(_NEW_JOB_RUNS)
    return tuple(kind for revision in known[: known.index(name) + 1] for kind in _NEW_JOB_RUNS[revision])


REVISIONS: Mapping[str, Revision] = {
    revision.name: revision
    for revision in (
        Revision(
            name="1.2-rev1",
            job_run_types=_job_runs_up_to("1.2-rev1"),
            log_backup_types=(),
            has_retry_and_clone=False,
            session_array_filters=False,
            log_status_filter=False,
            chained_stop=False,
            vsphere_job_type="Backup",
            vsphere_platform="VMware",
        ),
        Revision(name="1.3-rev0", job_run_types=_job_runs_up_to("1.3-rev0")),
        Revision(name="1.3-rev1", job_run_types=_job_runs_up_to("1.3-rev1"), capitalised=True),
        Revision(
            name="1.3-rev2", job_run_types=_job_runs_up_to("1.3-rev2"), capitalised=True, links_retries=True
        ),
    )
}


def revision_facts(name: str) -> Revision:
    """The facts of this revision, of the nearest older one we know, or of the oldest."""
    order = _place(name)
    older = [facts for facts in REVISIONS.values() if _place(facts.name) <= order]
    return older[-1] if older else next(iter(REVISIONS.values()))


def session_group(
    session_type: str, *, job_id: str | None = None, job_ids: Collection[str] = ()
) -> SessionGroup:
    """Which kind of session this is. An unknown type is a job run if one of these jobs ran, else noise."""
    group = _GROUP_OF.get(session_type.casefold())
    if group is not None:
        return group
    return SessionGroup.JOB_RUN if job_id is not None and job_id in job_ids else SessionGroup.HOUSEKEEPING


def _place(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", name))
