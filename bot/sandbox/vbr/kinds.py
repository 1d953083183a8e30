"""What follows from a job's type: the sessions it makes, its platform, its workload."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Kind:
    """The traits of one EJobType."""

    session_type: str = "BackupJob"
    task_type: str = "Backup"
    platform: str = "VMware"
    workload: str = "vm"


_WINDOWS = Kind("AgentBackup", platform="WindowsPhysical", workload="server")
_LINUX = Kind("AgentBackup", platform="LinuxPhysical", workload="server")
_ENTRA = Kind(platform="EntraID", workload="application")
_FILES = Kind("FileServerSave", platform="UnstructuredData", workload="file")
_PLUG_IN = Kind("PlatformBackupJob")

KINDS: dict[str, Kind] = {
    "VSphereBackup": Kind(),
    "HyperVBackup": Kind(platform="HyperV"),
    "CloudDirectorBackup": Kind(platform="CloudDirector"),
    "VSphereReplica": Kind(session_type="ReplicaJob", task_type="Replica"),
    "WindowsAgentBackup": _WINDOWS,
    "LinuxAgentBackup": _LINUX,
    "WindowsAgentBackupFailoverCluster": _WINDOWS,
    "WindowsAgentBackupServerPolicy": replace(_WINDOWS, session_type="AgentPolicy"),
    "WindowsAgentBackupWorkstationPolicy": replace(
        _WINDOWS, session_type="AgentPolicy", workload="workstation"
    ),
    "LinuxAgentBackupServerPolicy": replace(_LINUX, session_type="AgentPolicy"),
    "LinuxAgentBackupWorkstationPolicy": replace(_LINUX, session_type="AgentPolicy", workload="workstation"),
    "EntraIDTenantBackup": _ENTRA,
    "EntraIDAuditLogBackup": _ENTRA,
    "EntraIDTenantBackupCopy": replace(_ENTRA, session_type="CopyBackup"),
    "FileBackup": _FILES,
    "ObjectStorageBackup": _FILES,
    "FileBackupCopy": replace(_FILES, session_type="UnstructuredDataBackupCopy"),
    "BackupCopy": Kind("CopyBackup"),
    "LegacyBackupCopy": Kind("CopyBackup"),
    "SureBackupContentScan": Kind("SureBackupContentScan", task_type="Antivirus"),
    "IrisBackup": Kind("IrisBackup", platform="Iris", workload="application"),
    "CloudBackupAWS": Kind(platform="AWSEC2", workload="cloudVm"),
    "CloudBackupAzure": Kind(platform="AzureCompute", workload="cloudVm"),
    "CloudBackupGoogle": Kind(platform="GCE", workload="cloudVm"),
    "NutanixAHVBackupJob": replace(_PLUG_IN, platform="Nutanix"),
    "ProxmoxBackupJob": replace(_PLUG_IN, platform="Proxmox"),
    "Unknown": Kind(platform="CustomPlatform"),
}
#: Policies: settings handed to agents, which then run by themselves.
POLICIES = frozenset(kind for kind, facts in KINDS.items() if facts.session_type == "AgentPolicy")
