"""JobModels of every type as servers send them, for hypothesis: valid by the document, then made odd.

What is drawn from is made once and kept: to make it and check it takes longer than to draw from it.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from bot.sandbox.vbr.jobmodels import JobParts, after, daily, job_model, never, periodically
from bot.sandbox.vbr.revision import REVISIONS
from bot.veeam import InventoryObject, JobObject, SettingsField
from bot.veeam.job_layouts import LAYOUTS, Source, dict_at

Model = dict[str, Any]
KINDS = tuple(LAYOUTS)
CASES = [(kind, revision) for revision in REVISIONS for kind in KINDS if REVISIONS[revision].models(kind)]

HOST = "vcenter01.example.com"
_TARGET = {
    place: {"platform": "VSphere", "type": kind, "hostName": HOST, "name": name, "objectId": object_id}
    for place, kind, name, object_id in (
        ("host", "Host", "esx01", "host-1"),
        ("resourcePool", "ResourcePool", "Services", "resgroup-1"),
        ("folder", "Folder", "Replicas", "group-v1"),
        ("datastore", "Datastore", "SAN-01", "datastore-1"),
    )
}
UUIDS = st.integers(min_value=1, max_value=2**128 - 1).map(lambda number: str(UUID(int=number)))
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
NAMES = WORDS.filter(str.strip)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SOME_DAYS = st.lists(st.sampled_from(DAYS), unique=True, min_size=1)
SOME_IDS = st.lists(UUIDS, min_size=1, max_size=3, unique=True)
LOCAL_TIMES = st.sampled_from(("22:00", "9:00", "09:30", "00:00", "22:00:00", "22:00:30", "07:15:00.0000000"))
_OPTIONAL: Mapping[str, Sequence[tuple[str, ...]]] = {
    "VSphereBackup": (("virtualMachines", "excludes"), ("storage", "gfsPolicy"), ("schedule", "retry")),
    "HyperVBackup": (("virtualMachines", "excludes"), ("storage", "advancedSettings")),
    "CloudDirectorBackup": (("isHighPriority",), ("storage",), ("guestProcessing",), ("schedule",)),
    "VSphereReplica": (("isHighPriority",), ("jobSettings",), ("guestProcessing",), ("schedule",)),
    "WindowsAgentBackup": (("isHighPriority",), ("storage",), ("guestProcessing",), ("schedule",)),
    "LinuxAgentBackup": (("agentType",), ("storage", "retentionPolicy"), ("guestProcessing",)),
    "BackupCopy": (("target", "retentionPolicy"), ("schedule",)),
    "FileBackupCopy": (("useCustomRetention",), ("retentionPolicy",), ("schedule",)),
    "EntraIDTenantBackupCopy": (("useCustomRetention",), ("retentionPolicy",), ("schedule",)),
    "EntraIDTenantBackup": (("storage", "retentionPolicy"), ("schedule",)),
    "EntraIDAuditLogBackup": (("isHighPriority",), ("storage", "retentionPolicy"), ("schedule",)),
}
_WINDOW = [{"day": day, "hours": "1," * 6 + "0," * 14 + "1,1,1,1"} for day in DAYS[:5]]
_TASKS: Sequence[Model] = (
    {"isEnabled": False, "weekly": {"isEnabled": True, "days": ["monday"]}},
    {"isEnabled": True, "weekly": {"isEnabled": True, "days": ["sunday", "friday"]}},
    {
        "isEnabled": True,
        "weekly": {"isEnabled": False},
        "monthly": {"isEnabled": True, "dayNumberInMonth": "Last", "dayOfWeek": "friday"},
    },
)
_NAMED_BY_ID = {
    "FileShares": ("fileServerId", "FileServerShare"),
    "ObjectStorage": ("objectStorageServerId", "ObjectStorageRoot"),
    "Iris": ("entityId", ""),
}
_MACHINE_TYPES = {
    "VSphere": ("VirtualMachine", "Folder", "Tag", "Cluster"),
    "HyperV": ("VirtualMachine", "HostGroup"),
    "CloudDirector": ("VirtualMachine", "vApp"),
    "Windows": ("ProtectionGroup", "WindowsComputer"),
    "Linux": ("ProtectionGroup", "LinuxComputer"),
    "WindowsClusters": ("ProtectionGroup", "WindowsCluster"),
}


@cache
def job_objects(platform: str) -> st.SearchStrategy[JobObject]:
    """Objects that a person could choose anew."""
    if platform == "Jobs":
        return st.builds(JobObject.of_job, UUIDS, NAMES, st.just("CloudBackupAzure"))
    if platform in _NAMED_BY_ID:
        key, kind = _NAMED_BY_ID[platform]
        return st.builds(
            lambda identity: JobObject({key: identity} | ({"type": kind} if kind else {})), UUIDS
        )
    types = st.sampled_from(_MACHINE_TYPES[platform])
    if platform in {Source.WINDOWS, Source.LINUX, Source.CLUSTERS}:
        return st.builds(
            lambda object_id, name, kind: JobObject(
                {"platform": "Agent", "id": object_id, "name": name, "type": kind,
                 "protectionGroupId": object_id}
            ),
            UUIDS, NAMES, types,
        )  # fmt: skip
    return st.builds(
        InventoryObject,
        name=NAMES,
        platform=st.just(platform),
        type=types,
        host_name=st.just(HOST),
        object_id=UUIDS,
    ).map(JobObject.of_machine)


@cache
def _some_objects(platform: str) -> st.SearchStrategy[list[JobObject]]:
    return st.lists(job_objects(platform), min_size=1, max_size=3, unique=True)


@cache
@st.composite
def valid_models(draw: st.DrawFn, kind: str) -> Model:
    """A JobModel in the words of 1.3-rev0."""
    platform = LAYOUTS[kind].source or "VSphere"
    machines = draw(_some_objects("VSphere" if platform == "Jobs" else platform))
    parts = JobParts(
        id=draw(UUIDS),
        name=draw(NAMES),
        description=draw(st.text(max_size=5)),
        repository_id=draw(UUIDS),
        objects=[
            {"id": draw(UUIDS)} if LAYOUTS[kind].source in {None, Source.IRIS} else dict(machine.raw)
            for machine in machines
        ],
        target=_TARGET,
        schedule=draw(backup_schedules(with_continuous=kind != "BackupCopy")),
        is_disabled=draw(st.booleans()),
        is_high_priority=draw(st.booleans()),
        source_ids=draw(SOME_IDS),
        mode=draw(st.sampled_from(("Immediate", "Periodic"))),
    )
    model = copy.deepcopy(job_model(kind, parts))
    if kind in _ENRICHED:
        _ENRICHED[kind](draw, model)
    _enrich_storage(draw, model, kind)
    for path in draw(st.lists(st.sampled_from(_OPTIONAL.get(kind, (("schedule",),))), max_size=2)):
        _drop(model, path, as_null=draw(st.booleans()))
    return model


def home_of(kind: str) -> str:
    """The revision whose words the tests of a type are written in: 1.3-rev0, or the first that has it."""
    revisions = [revision for each, revision in CASES if each == kind and revision != "1.2-rev1"]
    return revisions[0]


@st.composite
def sent_models(draw: st.DrawFn, kind: str, revision: str) -> Model:
    """A JobModel as a server of that revision sends it."""
    model: Model = copy.deepcopy(REVISIONS[revision].written(draw(valid_models(kind))))
    return model


@st.composite
def received_models(draw: st.DrawFn, kind: str, revision: str) -> Model:
    """The like with keys and values that nobody knows."""
    model = draw(sent_models(kind, revision))
    for place in draw(st.lists(st.sampled_from(_objects_in(model)), max_size=4)):
        place["xFuture"] = draw(st.sampled_from((None, "new", 7, True, [], {"isEnabled": True})))
    return model


@cache
@st.composite
def backup_schedules(draw: st.DrawFn, *, with_continuous: bool = True) -> Model:
    """BackupScheduleModels of all kinds, the blocks that are off included."""
    at = draw(LOCAL_TIMES)
    days = draw(SOME_DAYS)
    selected = daily(at, "SelectedDays")
    selected["daily"]["days"] = days
    monthly = {"isEnabled": True, "localTime": at, "dayOfWeek": "monday", "dayNumberInMonth": "First"}
    schedules: list[Model] = [
        never(),
        never() | {"daily": {"isEnabled": True, "localTime": at, "dailyKind": "Everyday"}},
        daily(at),
        daily(at, "WeekDays"),
        selected,
        periodically(4),
        after(f"before {draw(NAMES)} and after"),  # longer than a name drawn here: no job runs after itself
        never() | {"runAutomatically": True, "monthly": monthly},
        daily(at) | {"monthly": monthly},
        daily(at) | {"backupWindow": {"isEnabled": False}, "afterThisJob": {"isEnabled": False}},
        daily(at, retries=0) | {"backupWindow": {"isEnabled": True, "backupWindow": {"days": _WINDOW}}},
    ]
    if with_continuous:
        schedules.append({"runAutomatically": True, "continuously": {"isEnabled": True}})
    return copy.deepcopy(draw(st.sampled_from(schedules)))


def _enrich_machines(draw: st.DrawFn, model: Model) -> None:
    first = model["virtualMachines"]["includes"][0]
    model["guestProcessing"] = {
        "appAwareProcessing": {
            "isEnabled": draw(st.booleans()),
            "appSettings": [{"vmObject": first, "vss": "requireSuccess", "transactionLogs": "process"}],
        },
        "guestFSIndexing": {"isEnabled": False},
    }
    if draw(st.booleans()):
        model["guestProcessing"]["guestCredentials"] = {
            "useAgentManagementCredentials": draw(st.booleans()),
            "credentials": {"credentialsId": draw(UUIDS), "credentialsType": "Linux"},
            "credentialsPerMachine": [{"vmObject": first, "default": True}],
        }
    model["virtualMachines"]["excludes"] = {"vms": [], "disks": [
        {"vmObject": first, "disksToProcess": "SelectedDisks", "disks": ["2000"]}
    ]}  # fmt: skip


def _enrich_replica(draw: st.DrawFn, model: Model) -> None:
    _enrich_machines(draw, model)
    del model["guestProcessing"]["guestFSIndexing"]
    first = model["virtualMachines"]["includes"][0]
    rule = {"originalVM": first, "replicaVM": first | {"name": "web01_replica"}}
    model["seeding"] = {
        "initialSeeding": {"isEnabled": False},
        "replicaMapping": {"isEnabled": True, "mappingRules": [rule]},
    }


def _enrich_windows(draw: st.DrawFn, model: Model) -> None:
    model["guestProcessing"] = {"appAwareProcessing": {"isEnabled": draw(st.booleans())}}
    model["storage"]["sourceBackupId"] = draw(UUIDS)


def _enrich_linux(draw: st.DrawFn, model: Model) -> None:
    _enrich_windows(draw, model)
    if draw(st.booleans()):
        model["guestProcessing"]["guestCredentials"] = {
            "useProtectionGroupCredentials": draw(st.booleans()),
            "credentialsId": draw(UUIDS),
        }


def _enrich_logs(draw: st.DrawFn, model: Model) -> None:
    unit = draw(st.sampled_from(("Days", "Months", "Years")))
    model["storage"]["retentionPolicy"] = {"type": unit, "quantity": 3}


def _enrich_tenant(draw: st.DrawFn, model: Model) -> None:
    model["storage"]["sourceBackupId"] = draw(UUIDS)


def _enrich_storage(draw: st.DrawFn, model: Model, kind: str) -> None:
    """Full backups and checks of all sorts, encryption with a key of its own, or nothing of all that."""
    if kind in {"FileBackupCopy", "EntraIDTenantBackupCopy"}:
        model["useCustomEncryption"] = draw(st.booleans())
    for part, (*way, last) in LAYOUTS[kind].advanced.items():
        if part is SettingsField.COMPRESSION or not draw(st.booleans()):
            continue
        place = dict_at(model, tuple(way))
        if part is SettingsField.ENCRYPTION:
            key = draw(st.sampled_from(("encryptionPasswordId", "kmsServerId")))
            place[last] = {
                "isEnabled": draw(st.booleans()),
                "encryptionType": "ByKms" if key == "kmsServerId" else "ByUserPassword",
                key: draw(UUIDS),
            }
        else:
            spelt = "synthenticFulls" if part is SettingsField.SYNTHETIC_FULL else last
            place[spelt] = copy.deepcopy(draw(st.sampled_from(_TASKS)))


_ENRICHED: Mapping[str, Callable[[st.DrawFn, Model], None]] = {
    **dict.fromkeys(("VSphereBackup", "HyperVBackup", "CloudDirectorBackup"), _enrich_machines),
    "VSphereReplica": _enrich_replica,
    "WindowsAgentBackup": _enrich_windows,
    "LinuxAgentBackup": _enrich_linux,
    "EntraIDTenantBackup": _enrich_tenant,
    "EntraIDAuditLogBackup": _enrich_logs,
}


def _drop(model: Model, path: tuple[str, ...], *, as_null: bool) -> None:
    *way, last = path
    place: Any = model
    for key in way:
        place = place.get(key) or {}
    if as_null and last in place:
        place[last] = None
    else:
        place.pop(last, None)


def _objects_in(value: Any) -> list[Model]:
    if isinstance(value, dict):
        return [value, *(place for part in value.values() for place in _objects_in(part))]
    return [place for part in value for place in _objects_in(part)] if isinstance(value, list) else []
