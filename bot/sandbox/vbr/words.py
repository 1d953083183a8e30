"""The words of VBR's REST API that no enum of its documents lists: what may stand where they say text.

Spelling and letter case are those of 1.3-rev0, in which the world thinks.
"""

COPY_RESTORE_POINTS = frozenset({"All", "Latest"})

#: What a vSphere job may include.
VMWARE_JOB_TYPES = frozenset({
    "VirtualMachine", "vCenterServer", "Datacenter", "Cluster", "Host", "ResourcePool", "Folder", "Template",
    "Tag", "Datastore", "DatastoreCluster",
})  # fmt: skip
#: Those that a body may name as ``hierarchyType``, besides those of vSphere.
OTHER_HIERARCHIES = frozenset({
    "VAppsAndVms", "StoragePolicies", "Datastores", "HostsAndVMs", "Hosts", "HostsAndVolumes", "VMGroups",
    "Tags",
})  # fmt: skip
AGENT_HIERARCHIES = frozenset({"Computers", "Clusters"})
INVENTORY_PROPERTIES = frozenset({"platform", "size", "hostName", "name", "type", "objectId", "urn"})
AGENT_PROPERTIES = frozenset({
    "platform", "size", "id", "name", "type", "path", "parentObjectId", "protectionGroupId",
})  # fmt: skip
GRANT_TYPES = frozenset({"password", "refresh_token", "authorization_code", "vbr_token"})
DAYS_OF_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
