"""What follows from a job's type: the sessions it makes, its platform, its workload."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """The traits of one EJobType."""

    session_type: str = "BackupJob"
    task_type: str = "Backup"
    platform: str = "VMware"
    workload: str = "vm"


KINDS: dict[str, Kind] = {
    "VSphereBackup": Kind(),
    "HyperVBackup": Kind(platform="HyperV"),
    "CloudDirectorBackup": Kind(platform="CloudDirector"),
    "VSphereReplica": Kind(session_type="ReplicaJob", task_type="Replica"),
    "WindowsAgentBackup": Kind("AgentBackup", platform="WindowsPhysical", workload="server"),
    "LinuxAgentBackup": Kind("AgentBackup", platform="LinuxPhysical", workload="server"),
    "WindowsAgentBackupServerPolicy": Kind("AgentPolicy", platform="WindowsPhysical", workload="server"),
    "WindowsAgentBackupWorkstationPolicy": Kind(
        "AgentPolicy", platform="WindowsPhysical", workload="workstation"
    ),
    "LinuxAgentBackupServerPolicy": Kind("AgentPolicy", platform="LinuxPhysical", workload="server"),
    "LinuxAgentBackupWorkstationPolicy": Kind(
        "AgentPolicy", platform="LinuxPhysical", workload="workstation"
    ),
    "EntraIDTenantBackup": Kind(platform="EntraID", workload="application"),
    "EntraIDAuditLogBackup": Kind(platform="EntraID", workload="application"),
    "EntraIDTenantBackupCopy": Kind("CopyBackup", platform="EntraID", workload="application"),
    "FileBackupCopy": Kind("UnstructuredDataBackupCopy", platform="UnstructuredData", workload="file"),
    "BackupCopy": Kind("CopyBackup"),
    "LegacyBackupCopy": Kind("CopyBackup"),
    "Unknown": Kind(platform="CustomPlatform"),
}
