"""The vocabulary of VBR's REST API: the values of the enums that filters and bodies may name.

Spelling and letter case are those of 1.3-rev0, in which the world thinks; what other revisions have more,
less or otherwise stands beside it. A filter with any other spelling is refused.
"""

JOB_TYPES = frozenset({
    "Unknown", "VSphereBackup", "HyperVBackup", "VSphereReplica", "CloudDirectorBackup",
    "EntraIDTenantBackup", "EntraIDAuditLogBackup", "FileBackupCopy", "LegacyBackupCopy", "BackupCopy",
    "WindowsAgentBackup", "LinuxAgentBackup", "EntraIDTenantBackupCopy",
})  # fmt: skip
#: Those that 1.2-rev1 has words for; VSphereBackup is called Backup there.
JOB_TYPES_OF_1_2 = frozenset({
    "VSphereBackup", "VSphereReplica", "CloudDirectorBackup", "EntraIDTenantBackup",
    "EntraIDAuditLogBackup", "FileBackupCopy",
})  # fmt: skip
JOB_TYPES_OF_REV1 = frozenset({
    "FileBackup", "ObjectStorageBackup", "SureBackupContentScan", "CloudBackupAzure", "CloudBackupAWS",
    "CloudBackupGoogle", "WindowsAgentBackupWorkstationPolicy", "LinuxAgentBackupWorkstationPolicy",
    "WindowsAgentBackupServerPolicy", "LinuxAgentBackupServerPolicy",
})  # fmt: skip
JOB_TYPES_OF_REV2 = frozenset({
    "NutanixAHVBackupJob", "ProxmoxBackupJob", "IrisBackup", "WindowsAgentBackupFailoverCluster",
})  # fmt: skip
#: Types that the revision lists in ``/jobs/states`` only: no model, so no details, no editing, no clone.
UNMODELLED_JOB_TYPES = frozenset({"Unknown", "LegacyBackupCopy"})

JOB_STATUSES = frozenset({"running", "inactive", "disabled", "enabled", "stopping", "stopped", "starting"})
JOB_WORKLOADS = frozenset({"application", "cloudVm", "file", "server", "workstation", "vm"})
RESULTS = frozenset({"None", "Success", "Warning", "Failed"})
SESSION_STATES = frozenset({
    "Stopped", "Starting", "Stopping", "Working", "Pausing", "Resuming", "WaitingTape", "Idle",
    "Postprocessing", "WaitingRepository", "WaitingSlot",
})  # fmt: skip
LOG_STATUSES = frozenset({"None", "Succeeded", "Warning", "Failed"})
COPY_MODES = frozenset({"Immediate", "Periodic"})
COPY_RESTORE_POINTS = frozenset({"All", "Latest"})

SESSION_TYPES = frozenset({
    "Infrastructure", "BackupJob", "Automation", "ConfigurationBackup", "PublishBackupContentViaMount",
    "RepositoryMaintenance", "RepositoryEvacuate", "InfrastructureItemDeletion", "RestoreVm",
    "InstantRecovery", "FirstClassDiskInstantRestore", "AzureApplianceDeploy", "QuickMigration",
    "FileLevelRestore", "LinuxFileLevelRestore", "ReplicaJob", "ConfigurationResynchronize", "Failover",
    "PlannedFailover", "PermanentFailover", "UndoFailover", "Failback", "CommitFailback", "UndoFailback",
    "SwitchReplicaToProduction", "CloudDirectorVmRestore", "CloudDirectorVAppRestore", "MalwareDetection",
    "FirstClassDiskQuickMigration", "EntraIdRestore", "EntraIdRestoreFromCopy",
    "UnstructuredDataBackupCopy", "SecurityComplianceAnalyzer", "FileServerSave", "SureBackup",
    "NasRestore", "LogsExport", "TestCredentials", "SqlLogBackup", "OracleLogBackup", "PostgreSqlLogBackup",
    "AzureInstantRecovery", "AzureInstantRecoveryMigration", "AzureInstantRecoverySwitchover",
    "AzureInstantRecoveryStart", "AzureInstantRecoveryStop", "AzureInstantRecoveryMigrationUndo",
    "AzureInstantRecoveryMount", "PublishBackupContentViaNfs", "VolumesDiscover", "DeleteBackup",
    "BackgroundOperation", "AgentDiscovery", "AgentPolicy", "AgentBackup", "ApplianceUpdatesInstall",
    "FailoverPlan", "FailoverPlanTask", "UnstructuredDataBrowse", "UnstructuredDownloadMeta",
    "EntraIdRescanRepository", "HostComponentsUpdate", "CopyBackup", "FileBackupHealthCheck",
    "ArchiveBackup", "ArchiveRehydration", "ArchiveSync", "ArchiveCopy", "ArchiveFreezing",
    "RetrieveBackup", "ArchiveTierDownload", "DirectBackupSync", "CheckpointRemoval", "Retention",
})  # fmt: skip

#: What 1.2-rev1 does not have.
SESSION_TYPES_SINCE_1_3 = frozenset({
    "EntraIdRestoreFromCopy", "UnstructuredDataBackupCopy", "LogsExport", "TestCredentials", "SqlLogBackup",
    "OracleLogBackup", "PostgreSqlLogBackup", "AzureInstantRecovery", "AzureInstantRecoveryMigration",
    "AzureInstantRecoverySwitchover", "AzureInstantRecoveryStart", "AzureInstantRecoveryStop",
    "AzureInstantRecoveryMigrationUndo", "AzureInstantRecoveryMount", "PublishBackupContentViaNfs",
    "VolumesDiscover", "AgentDiscovery", "AgentPolicy", "AgentBackup", "ApplianceUpdatesInstall",
    "FailoverPlan", "FailoverPlanTask", "HostComponentsUpdate", "CopyBackup", "FileBackupHealthCheck",
    "ArchiveBackup", "ArchiveRehydration", "ArchiveSync", "ArchiveCopy", "ArchiveFreezing",
    "RetrieveBackup", "ArchiveTierDownload", "DirectBackupSync", "CheckpointRemoval", "Retention",
})  # fmt: skip
SESSION_TYPES_OF_REV1 = frozenset({
    "BackupCopyJob", "FileInstantRecovery", "FileInstantRecoveryMigration", "AgentOperationPurgeCache",
    "SureBackupContentScan",
})  # fmt: skip
SESSION_TYPES_OF_REV2 = frozenset({
    "IrisBackup", "PlatformServiceJob", "PlatformBackupJob", "PlatformSnapshotJob", "PlatformSnapshotCopyJob",
    "AgentOperationBackupNow", "AgentOperationActiveFull", "AgentManagement", "BackupCopyJobParent",
    "ApplicationLevelRestore", "EncryptionAnalysis", "VeeamUpdaterSettingsSync", "EndpointBackup",
    "StorageDiscovery", "StorageMonitoring", "AdForestRestore", "AgentsRecoveryAppliancesManagement",
    "RestoreRecoveryApplianceVolumes", "RestoreAgentVolumes", "EndpointRestore", "EpAgentOperationStopBackup",
    "BackupCacheSync", "PerVmMoveBackup", "PerVmCopyBackup", "FileBackupArchiveRetrievalProlonging",
    "HaSwitchover", "IndexCollection", "InstantDiskRecovery", "DiskRestore", "HaClusterEdit",
})  # fmt: skip

TASK_TYPES = frozenset({"Backup", "Restore", "Antivirus", "Replica"})
SCAN_TYPES = frozenset({"Antivirus", "Yara"})
SCAN_RESULTS = frozenset({"None", "Clean", "Infected", "Failed", "Canceled", "Inconclusive"})
SCAN_STATES = frozenset({"NotStarted", "InProgress", "Finished"})

#: What a vSphere job may include.
VMWARE_JOB_TYPES = frozenset({
    "VirtualMachine", "vCenterServer", "Datacenter", "Cluster", "Host", "ResourcePool", "Folder", "Template",
    "Tag", "Datastore", "DatastoreCluster",
})  # fmt: skip
INVENTORY_PLATFORMS = frozenset({"VSphere", "HyperV", "CloudDirector", "Agent"})
VMWARE_TYPES = frozenset({
    "Unknown", "VirtualMachine", "vCenterServer", "Datacenter", "Cluster", "Host", "ResourcePool", "Folder",
    "Datastore", "DatastoreCluster", "StoragePolicy", "Template", "ComputeResource", "VirtualApp", "Tag",
    "Category", "Multitag", "Network", "DVSNetwork", "Disk", "SharedDisk",
})  # fmt: skip
HYPERV_TYPES = frozenset({
    "VMGroup", "ManagementGroup", "HostGroup", "Scvmm", "Cluster", "Host", "VirtualMachine", "Network",
    "Volume", "CSV", "Tag", "ClusterVolume",
})  # fmt: skip
CLOUD_DIRECTOR_TYPES = frozenset({
    "Unknown", "VirtualMachine", "CloudDirectorServer", "Organization", "OrganizationVDC", "vApp",
    "StoragePolicy", "Network", "vCenter", "VmTemplate", "Datastore",
})  # fmt: skip
AGENT_OBJECT_TYPES = frozenset({
    "ProtectionGroup", "WindowsComputer", "LinuxComputer", "WindowsCluster", "Container", "Group",
    "OrganizationUnit", "Domain",
})  # fmt: skip
#: Those of vSphere.
HIERARCHIES = frozenset({
    "HostsAndClusters", "DatastoresAndVms", "HostsAndDatastores", "VmsAndTemplates", "VmsAndTags",
    "Network", "VmwareDatastores", "HostsAndDisks",
})  # fmt: skip
#: Those that a body may name, of whatever platform.
BROWSED_HIERARCHIES = HIERARCHIES | {
    "VAppsAndVms", "StoragePolicies", "Datastores", "HostsAndVMs", "Hosts", "HostsAndVolumes", "VMGroups",
    "Tags",
}  # fmt: skip
AGENT_HIERARCHIES = frozenset({"Computers", "Clusters"})
PREDICATES = frozenset({
    "in", "contains", "equals", "notEquals", "lessThan", "lessThanOrEqual", "greaterThan",
    "greaterThanOrEqual", "startsWith", "endsWith",
})  # fmt: skip
GROUPS = frozenset({"not", "or", "and"})
INVENTORY_PROPERTIES = frozenset({"platform", "size", "hostName", "name", "type", "objectId", "urn"})
AGENT_PROPERTIES = frozenset({
    "platform", "size", "id", "name", "type", "path", "parentObjectId", "protectionGroupId",
})  # fmt: skip

REPOSITORY_TYPES = frozenset({
    "WinLocal", "LinuxLocal", "Smb", "Nfs", "AzureBlob", "AzureDataBox", "AzureArchive", "AmazonS3",
    "AmazonSnowballEdge", "AmazonS3Glacier", "S3Compatible", "GoogleCloud", "IBMCloud",
    "ExtendableRepository", "DDBoost", "ExaGrid", "HPStoreOnceIntegration", "Quantum", "WasabiCloud",
    "LinuxHardened", "Infinidat", "Fujitsu", "VeeamDataCloudVault", "S3GlacierCompatible", "SmartObjectS3",
    "Cloud", "HPStoreOnce", "Foreign", "SanSnapshotOnly", "Tape", "AmazonS3External",
    "AzureStorageExternal", "PlatformServiceExternal", "GoogleCloudStorageExternal",
    "PlatformServiceVmbApi", "AmazonS3GlacierExternal", "GoogleArchiveStorageExternal",
    "AzureArchiveStorageExternal", "HPStoreOnceCloudBank", "VeeamVault", "ElevenElevenS3", "AbrVirtual",
})  # fmt: skip
EXTENT_TYPES = frozenset({"Performance", "Capacity", "Archive"})
PROXY_TYPES = frozenset({"ViProxy", "HvProxy", "GeneralPurposeProxy"})

CREDENTIALS_TYPES = frozenset({"Standard", "Linux", "ManagedService"})
GRANT_TYPES = frozenset({"password", "refresh_token", "authorization_code", "vbr_token"})
VSS_MODES = frozenset({"requireSuccess", "ignoreFailures", "disabled"})
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
DAYS_OF_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
