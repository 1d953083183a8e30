"""The job types a server knows (EJobType), and what a typed word means among them.

A filter takes one value, spelt as the server's revision prints it; one that it does not know is refused. So a
word is only ever sent after it was found here.
"""

from bot.operations.matching import pick
from bot.veeam import Revision

_FIRST = (
    "VSphereReplica",
    "CloudDirectorBackup",
    "EntraIDTenantBackup",
    "EntraIDAuditLogBackup",
    "FileBackupCopy",
)
_SINCE_13 = (
    "HyperVBackup",
    "LegacyBackupCopy",
    "BackupCopy",
    "WindowsAgentBackup",
    "LinuxAgentBackup",
    "EntraIDTenantBackupCopy",
    "Unknown",
)
_SINCE_13_REV1 = (
    "FileBackup",
    "ObjectStorageBackup",
    "SureBackupContentScan",
    "CloudBackupAzure",
    "CloudBackupAWS",
    "CloudBackupGoogle",
    "WindowsAgentBackupWorkstationPolicy",
    "LinuxAgentBackupWorkstationPolicy",
    "WindowsAgentBackupServerPolicy",
    "LinuxAgentBackupServerPolicy",
)
_SINCE_13_REV2 = (
    "NutanixAHVBackupJob",
    "ProxmoxBackupJob",
    "IrisBackup",
    "WindowsAgentBackupFailoverCluster",
)


def job_types(revision: Revision) -> tuple[str, ...]:
    """Return the job types of this revision, the commonest first."""
    return (
        revision.vsphere_job_type,
        *_FIRST,
        *(_SINCE_13 if revision.has_retry_and_clone else ()),
        *(_SINCE_13_REV1 if revision.capitalised else ()),
        *(_SINCE_13_REV2 if revision.links_retries else ()),
    )


def meant_types(word: str, revision: Revision) -> tuple[str, ...]:
    """Return the types that the word means, in the revision's spelling: one, several, or none."""
    return pick(word, job_types(revision), lambda name: name)
