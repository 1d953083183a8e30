"""The bodies that VBR demands: of jobs to create and to edit, of actions, of look-ups in the inventory.

Required fields, types and enum values follow the schemas of 1.3-rev0; deep settings that no client touches
are only checked to be objects.
"""

from bot.sandbox.vbr import words
from bot.sandbox.vbr.shapes import Rule, Shape, anything, boolean, by, integer, many, one_of, text, uuid

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
_INVENTORY_OBJECT = by(
    "platform",
    {
        "VSphere": VMWARE_OBJECT,
        "HyperV": Shape({**_NAMED, "type": one_of(*words.HYPERV_TYPES), "objectId": text}),
        "CloudDirector": Shape({**_NAMED, "type": one_of(*words.CLOUD_DIRECTOR_TYPES)}, {"objectId": text}),
        "Agent": _AGENT_OBJECT,
    },
)

_BACKUP_WINDOW = Shape({"days": many(Shape({"day": _DAY, "hours": text}))})
_WINDOWED = Shape(_SWITCH, {"backupWindow": _BACKUP_WINDOW})
_RETRY_BLOCK = Shape({}, {"isEnabled": boolean, "retryCount": integer, "awaitMinutes": integer})
_DAILY = Shape(
    _SWITCH,
    {"localTime": text, "dailyKind": one_of("Everyday", "WeekDays", "SelectedDays"), "days": many(_DAY)},
)
_MONTHLY = Shape(
    _SWITCH,
    {"localTime": text, "dayOfWeek": _DAY, "dayOfMonth": integer, "months": many(text),
     "isLastDayOfMonth": boolean,
     "dayNumberInMonth": one_of("First", "Second", "Third", "Fourth", "Last", "OnDay")},
)  # fmt: skip
_PERIODICALLY = Shape(
    _SWITCH,
    {"periodicallyKind": one_of("Hours", "Minutes", "Seconds", "Days"), "frequency": integer,
     "backupWindow": _BACKUP_WINDOW, "startTimeWithinAnHour": integer},
)  # fmt: skip
SCHEDULE = Shape(
    {"runAutomatically": boolean},
    {"daily": _DAILY, "monthly": _MONTHLY, "periodically": _PERIODICALLY, "continuously": _WINDOWED,
     "afterThisJob": Shape(_SWITCH, {"jobName": text}), "retry": _RETRY_BLOCK, "backupWindow": _WINDOWED},
)  # fmt: skip

_RETENTION = Shape({"type": one_of("RestorePoints", "Days"), "quantity": integer})
_FILE_RETENTION = Shape({}, {"type": one_of("Days", "Months"), "quantity": integer})
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
_GUEST = Shape({"appAwareProcessing": Shape(_SWITCH), "guestFSIndexing": Shape(_SWITCH)})
_MACHINES = Shape({"includes": many(_INVENTORY_OBJECT)}, {"excludes": anything})

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
    {"metadataRepositoryId": uuid, "replicaNameSuffix": text, "restorePointsToKeep": integer}
)

_NAME: dict[str, Rule] = {"name": text, "description": text}
_PRIORITY: dict[str, Rule] = {"isHighPriority": boolean}
_VM_PARTS: dict[str, Rule] = {
    **_PRIORITY,
    "storage": _STORAGE,
    "guestProcessing": _GUEST,
    "schedule": SCHEDULE,
}
_VM_JOB = Shape({**_NAME, "virtualMachines": _MACHINES}, _VM_PARTS)
_HYPERV_JOB = _VM_JOB.plus(optional={"storage": _HYPERV_STORAGE})
_AGENT_JOB = Shape(
    {**_NAME, "computers": many(_AGENT_OBJECT),
     "backupMode": one_of("EntireComputer", "Volumes", "FileLevel")},
    {**_PRIORITY, "agentType": one_of("Workstation", "Server", "FailoverCluster"), "storage": _AGENT_STORAGE,
     "schedule": SCHEDULE},
)  # fmt: skip
_REPLICA_JOB = Shape(
    {**_NAME, "virtualMachines": _MACHINES, "destination": Shape({"host": _INVENTORY_OBJECT})},
    {**_PRIORITY, "jobSettings": _REPLICA_SETTINGS, "schedule": SCHEDULE},
)
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
    {**_PRIORITY, "storage": Shape({}, {"backupRepositoryId": uuid}), "schedule": SCHEDULE},
)

_SPECS = {
    "VSphereBackup": _VM_JOB,
    "CloudDirectorBackup": _VM_JOB,
    "HyperVBackup": _HYPERV_JOB,
    "VSphereReplica": _REPLICA_JOB,
    "WindowsAgentBackup": _AGENT_JOB,
    "LinuxAgentBackup": _AGENT_JOB,
    "BackupCopy": _COPY_JOB,
    "FileBackupCopy": _DEPENDENT_COPY_JOB,
    "EntraIDTenantBackupCopy": _DEPENDENT_COPY_JOB,
    "EntraIDTenantBackup": _ENTRA_JOB,
    "EntraIDAuditLogBackup": _ENTRA_LOG_JOB,
}
_COMPLETE = {
    "VSphereBackup": Shape(_VM_PARTS),
    "HyperVBackup": Shape({**_VM_PARTS, "storage": _HYPERV_STORAGE}),
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
