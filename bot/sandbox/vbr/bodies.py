"""The bodies that VBR demands: of jobs to create and to edit, of actions, of look-ups in the inventory.

Required fields, types and enum values follow the schemas of 1.3-rev0; deep settings that no client touches
are only checked to be objects.
"""

from bot.sandbox.vbr import words
from bot.sandbox.vbr.shapes import (
    Rule,
    Shape,
    anything,
    boolean,
    by,
    hours,
    integer,
    many,
    one_of,
    text,
    uuid,
    whole,
)

_DAY = one_of(*words.DAYS_OF_WEEK)
_SWITCH = {"isEnabled": boolean}

START = Shape(
    {"performActiveFull": boolean},
    {"startChainedJobs": boolean, "syncRestorePoints": one_of(*words.COPY_RESTORE_POINTS)},
)
STOP = Shape({"gracefulStop": boolean}, {"cancelChainedJobs": boolean})
RETRY = Shape({}, {"startChainedJobs": boolean})

_NAMED = {"hostName": text, "name": text}
VMWARE_OBJECT = Shape(
    {"platform": one_of("VSphere"), **_NAMED, "type": one_of(*words.VMWARE_TYPES)},
    {"objectId": text, "urn": text, "size": text},
)
_AGENT_OBJECT = Shape(
    {"id": uuid, "name": text, "type": one_of(*words.AGENT_OBJECT_TYPES), "protectionGroupId": uuid},
    {"parentObjectId": uuid, "path": text},
)
HYPERV_MACHINE = Shape(
    {"platform": one_of("HyperV"), **_NAMED, "type": one_of(*words.HYPERV_TYPES), "objectId": text},
    {"urn": text, "size": text, "parentObjectId": text},
)
VSPHERE_MACHINE = VMWARE_OBJECT.plus(required={"platform": one_of(*words.INVENTORY_PLATFORMS)})
"""What a quick backup takes: any platform by the document, whatever VBR says of it then."""
COMPUTER = _AGENT_OBJECT.plus(required={"platform": one_of("Agent")})
_OBJECTS = {
    "VSphere": VMWARE_OBJECT,
    "HyperV": Shape({**_NAMED, "type": one_of(*words.HYPERV_TYPES), "objectId": text}),
    "CloudDirector": Shape({**_NAMED, "type": one_of(*words.CLOUD_DIRECTOR_TYPES)}, {"objectId": text}),
}


def _object_of(platform: str) -> Rule:
    return by("platform", {platform: _OBJECTS[platform]})


_INCLUDED_IN_VSPHERE = by(
    "platform", {"VSphere": VMWARE_OBJECT.plus(required={"type": one_of(*words.VMWARE_JOB_TYPES)})}
)

_BACKUP_WINDOW = Shape({"days": many(Shape({"day": _DAY, "hours": hours}))})
_WINDOWED = Shape(_SWITCH, {"backupWindow": _BACKUP_WINDOW})
_RETRY_BLOCK = Shape({}, {"isEnabled": boolean, "retryCount": whole(1), "awaitMinutes": whole(1)})
_DAILY = Shape(
    _SWITCH,
    {"localTime": text, "dailyKind": one_of("Everyday", "WeekDays", "SelectedDays"), "days": many(_DAY)},
)
_MONTHLY = Shape(
    _SWITCH,
    {"localTime": text, "dayOfWeek": _DAY, "dayOfMonth": whole(1, 31),
     "months": many(one_of(*words.MONTHS)),
     "isLastDayOfMonth": boolean,
     "dayNumberInMonth": one_of("First", "Second", "Third", "Fourth", "Last", "OnDay")},
)  # fmt: skip
_PERIODICALLY = Shape(
    _SWITCH,
    {"periodicallyKind": one_of("Hours", "Minutes", "Seconds", "Days"), "frequency": whole(1),
     "backupWindow": _BACKUP_WINDOW, "startTimeWithinAnHour": whole(0, 59)},
)  # fmt: skip
SCHEDULE = Shape(
    {"runAutomatically": boolean},
    {"daily": _DAILY, "monthly": _MONTHLY, "periodically": _PERIODICALLY, "continuously": _WINDOWED,
     "afterThisJob": Shape(_SWITCH, {"jobName": text}), "retry": _RETRY_BLOCK, "backupWindow": _WINDOWED},
)  # fmt: skip

_RETENTION = Shape({"type": one_of("RestorePoints", "Days"), "quantity": whole(1)})
_FILE_RETENTION = Shape({}, {"type": one_of("Days", "Months"), "quantity": whole(1)})
_LOG_RETENTION = Shape({}, {"type": one_of("Days", "Months", "Years"), "quantity": whole(1)})
_PROXIES = Shape({"autoSelectEnabled": boolean}, {"proxyIds": many(uuid)})
_MODES = one_of("Full", "Incremental", "ReverseIncremental", "Transform", "TransformForeverIncremental")
_ADVANCED = {"gfsPolicy": Shape(_SWITCH), "advancedSettings": Shape({"backupModeType": _MODES})}
_STORAGE = Shape(
    {"backupRepositoryId": uuid, "backupProxies": _PROXIES, "retentionPolicy": _RETENTION}, _ADVANCED
)
_HYPERV_STORAGE = Shape(
    {"backupRepositoryId": uuid, "backupProxies": Shape({"proxyType": one_of("onHost", "offHost")}),
     "retentionPolicy": _RETENTION},
    _ADVANCED,
)  # fmt: skip
_AGENT_STORAGE = Shape(
    {}, {"backupRepositoryId": uuid, "sourceBackupId": uuid, "retentionPolicy": _RETENTION}
)
_CREDENTIALS_TYPE = one_of(*words.CREDENTIALS_TYPES)
_RECORD = {"credentialsId": uuid, "credentialsType": _CREDENTIALS_TYPE}


def _guest(platform: str) -> Shape:
    """BackupJobGuestProcessingModel, of jobs with objects of that platform."""
    machine = _object_of(platform)
    application = Shape({"vmObject": machine, "vss": one_of(*words.VSS_MODES)})
    per_machine = Shape({"vmObject": machine}, {**_RECORD, "default": boolean})
    credentials = Shape(
        {"useAgentManagementCredentials": boolean},
        {"credentials": Shape(_RECORD), "credentialsPerMachine": many(per_machine)},
    )
    return Shape(
        {"appAwareProcessing": Shape(_SWITCH, {"appSettings": many(application)}),
         "guestFSIndexing": Shape(_SWITCH)},
        {"guestCredentials": credentials, "guestInteractionProxies": _PROXIES},
    )  # fmt: skip


def _as_optional(shape: Shape) -> Shape:
    return Shape({}, {**shape.optional, **shape.required})


_AGENT_GUEST = Shape({}, {"appAwareProcessing": anything, "guestFSIndexing": Shape(_SWITCH)})
_LINUX_CREDENTIALS = Shape(
    {},
    {"useProtectionGroupCredentials": boolean, "credentialsId": uuid,
     "credentialsPerMachine": many(
         Shape({}, {"credentialsId": uuid, "machineObject": _AGENT_OBJECT, "default": boolean})
     )},
)  # fmt: skip


def _machines(included: Rule) -> Shape:
    return Shape({"includes": many(included)}, {"excludes": anything})


_COPY_SCHEDULE = by(
    "type",
    {"Immediate": Shape({"scheduleMode": one_of("Continuous", "BackupWindow")}), "Periodic": SCHEDULE},
)
_COPIED = Shape(
    {
        "includes": Shape(
            {}, {"jobs": many(Shape({"id": uuid})), "repositories": many(Shape({"id": uuid, "type": text}))}
        )
    },
)
_COPY_TARGET = Shape({"backupRepositoryId": uuid}, {"retentionPolicy": _RETENTION})
_REPLICA_SETTINGS = Shape(
    {"metadataRepositoryId": uuid, "replicaNameSuffix": text, "restorePointsToKeep": whole(1, 28)}
)

_NAME: dict[str, Rule] = {"name": text, "description": text}
_PRIORITY: dict[str, Rule] = {"isHighPriority": boolean}


def _vm_parts(platform: str, storage: Shape = _STORAGE) -> dict[str, Rule]:
    return {**_PRIORITY, "storage": storage, "guestProcessing": _guest(platform), "schedule": SCHEDULE}


_VSPHERE_PARTS, _HYPERV_PARTS = _vm_parts("VSphere"), _vm_parts("HyperV", _HYPERV_STORAGE)
_VSPHERE_JOB = Shape({**_NAME, "virtualMachines": _machines(_INCLUDED_IN_VSPHERE)}, _VSPHERE_PARTS)
_HYPERV_JOB = Shape({**_NAME, "virtualMachines": _machines(_object_of("HyperV"))}, _HYPERV_PARTS)
_CLOUD_DIRECTOR_JOB = Shape(
    {**_NAME, "virtualMachines": _machines(_object_of("CloudDirector"))}, _vm_parts("CloudDirector")
)
_AGENT_JOB = Shape(
    {**_NAME, "computers": many(_AGENT_OBJECT),
     "backupMode": one_of("EntireComputer", "Volumes", "FileLevel")},
    {**_PRIORITY, "agentType": one_of("Workstation", "Server", "FailoverCluster"), "storage": _AGENT_STORAGE,
     "guestProcessing": _AGENT_GUEST, "schedule": SCHEDULE},
)  # fmt: skip
_LINUX_JOB = _AGENT_JOB.plus(
    optional={"guestProcessing": _AGENT_GUEST.plus(optional={"guestCredentials": _LINUX_CREDENTIALS})}
)
_PLACE = _object_of("VSphere")
_REPLICA_JOB = Shape(
    {**_NAME, "virtualMachines": _machines(_INCLUDED_IN_VSPHERE),
     "destination": Shape({"host": _PLACE}, {"resourcePool": _PLACE, "folder": _PLACE, "datastore": _PLACE})},
    {**_PRIORITY, "jobSettings": _REPLICA_SETTINGS, "guestProcessing": _as_optional(_guest("VSphere")),
     "dataTransfer": Shape({"sourceProxies": _PROXIES, "targetProxies": _PROXIES}), "schedule": SCHEDULE},
)  # fmt: skip
_COPY_JOB = Shape(
    {**_NAME, "mode": one_of(*words.COPY_MODES), "sourceObjects": _COPIED, "target": _COPY_TARGET},
    {"schedule": _COPY_SCHEDULE},
)
_DEPENDENT_COPY_JOB = Shape(
    {"name": text, "primaryJobId": uuid, "backupRepositoryId": uuid},
    {"useCustomRetention": boolean, "retentionPolicy": _FILE_RETENTION,
     "schedule": Shape({}, {"type": one_of("Continuous", "Custom"), "customWindow": _WINDOWED})},
)  # fmt: skip
_ENTRA_JOB = Shape(
    {**_NAME, "storage": Shape({"tenantId": uuid}, {"retentionPolicy": _RETENTION})}, {"schedule": SCHEDULE}
)
_ENTRA_LOG_JOB = Shape(
    {**_NAME, "tenant": Shape({"tenantId": uuid})},
    {**_PRIORITY, "storage": Shape({}, {"backupRepositoryId": uuid, "retentionPolicy": _LOG_RETENTION}),
     "schedule": SCHEDULE},
)  # fmt: skip

_SPECS = {
    "VSphereBackup": _VSPHERE_JOB,
    "CloudDirectorBackup": _CLOUD_DIRECTOR_JOB,
    "HyperVBackup": _HYPERV_JOB,
    "VSphereReplica": _REPLICA_JOB,
    "WindowsAgentBackup": _AGENT_JOB,
    "LinuxAgentBackup": _LINUX_JOB,
    "BackupCopy": _COPY_JOB,
    "FileBackupCopy": _DEPENDENT_COPY_JOB,
    "EntraIDTenantBackupCopy": _DEPENDENT_COPY_JOB,
    "EntraIDTenantBackup": _ENTRA_JOB,
    "EntraIDAuditLogBackup": _ENTRA_LOG_JOB,
}
_COMPLETE = {
    "VSphereBackup": Shape(_VSPHERE_PARTS),
    "HyperVBackup": Shape(_HYPERV_PARTS),
}
_IDENTITY: dict[str, Rule] = {"id": uuid, "isDisabled": boolean}

#: A JobSpec, by its type; a type that the revision has no model of cannot be created.
JOB_SPEC = by("type", _SPECS)
#: A JobModel, by its type. vSphere and Hyper-V jobs must come with every part.
JOB_MODEL = by(
    "type",
    {
        kind: shape.plus(required={**_IDENTITY, **_COMPLETE.get(kind, Shape()).required})
        for kind, shape in _SPECS.items()
    },
)


def _filters(properties: frozenset[str], hierarchies: frozenset[str]) -> Shape:
    predicate = Shape(
        {"property": one_of(*properties), "operation": one_of(*words.PREDICATES), "value": text}
    )

    def expression(value: object, where: str) -> None:
        group = Shape({"operation": one_of(*words.GROUPS), "items": many(expression)})
        by("type", {"PredicateExpression": predicate, "GroupExpression": group})(value, where)

    sorting = Shape({"property": one_of(*properties)}, {"direction": one_of("ascending", "descending")})
    return Shape(
        {},
        {
            "pagination": Shape({}, {"skip": integer, "limit": integer}),
            "filter": expression,
            "sorting": sorting,
            "hierarchyType": one_of(*hierarchies),
        },
    )


INVENTORY_FILTERS = _filters(words.INVENTORY_PROPERTIES, words.BROWSED_HIERARCHIES)
PHYSICAL_FILTERS = _filters(words.AGENT_PROPERTIES, words.AGENT_HIERARCHIES)
