"""Jobs made from nothing: the usual values of each type, and complete JobSpecs.

What VBR fills in for a part that is missing is documented nowhere, so storage and schedule are always sent.
The usual values are those of VBR's own wizards, as far as its user guide says: seven days for machines, 28
for files, daily at 22:00, three retries ten minutes apart.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import time
from typing import Any

from bot.veeam.job_layouts import KeyPath, Layout, ScheduleForm, SettingsField, layout_in, layout_of, value_at
from bot.veeam.job_models import changed, put, reference, set_objects, settings_problems
from bot.veeam.job_schedules import Rhythm, Schedule
from bot.veeam.job_settings import Gfs, GuestProcessing, JobSettings, Retention
from bot.veeam.jobs import RetentionUnit
from bot.veeam.revisions import Revision, is_agent_policy, job_type_key

_USUAL_TIME = time(22, 0)
_RETRY = {"isEnabled": True, "retryCount": 3, "awaitMinutes": 10}
_WITHOUT_RETRY = frozenset({"surebackupcontentscan"})
_DAYS, _YEARS = RetentionUnit.DAYS, RetentionUnit.YEARS
_USUAL_RETENTION = {
    "vspherereplica": Retention(str(RetentionUnit.RESTORE_POINTS), 7),
    "backupcopy": Retention(str(_DAYS), 7),
    "filebackup": Retention(str(_DAYS), 28),
    "objectstoragebackup": Retention(str(_DAYS), 28),
    "entraidtenantbackup": Retention(str(_DAYS), 30),
    "entraidauditlogbackup": Retention(str(_YEARS), 1),
}
_USUAL = Retention(str(_DAYS), 7)
_NO_GUESTS = {"appAwareProcessing": {"isEnabled": False}, "guestFSIndexing": {"isEnabled": False}}


def creatable_types(revision: Revision) -> tuple[str, ...]:
    """The types of jobs that can be made on a server of this revision, in its spelling."""
    return tuple(kind for kind in revision.job_types if layout_of(kind) is not None)


def new_settings(kind: str, revision: Revision, *, description: str = "") -> JobSettings:
    """The settings that a new job of this type asks for, with VBR's usual values; None: it has none."""
    layout, key = layout_in(kind, revision), job_type_key(kind)
    if layout is None:
        return JobSettings("")
    is_scheduled = layout.schedule in {ScheduleForm.PLAIN, ScheduleForm.DAILY}
    has_own_retention = layout.retention and layout.retention_switch is None
    return JobSettings(
        name="",
        description=description if layout.has_description else None,
        is_high_priority=False if layout.has_priority else None,
        objects=() if layout.objects else None,
        excludes=() if layout.excludes else None,
        repository_id="" if layout.repository else None,
        retention=_USUAL_RETENTION.get(key, _USUAL) if has_own_retention else None,
        gfs=Gfs() if layout.gfs else None,
        schedule=Schedule(Rhythm.EVERY_DAY, at=_USUAL_TIME) if is_scheduled else None,
        guest=GuestProcessing(is_application_aware=False) if layout.has_guest else None,
    )


def new_job_problems(
    wanted: JobSettings, kind: str, revision: Revision
) -> tuple[tuple[SettingsField, str], ...]:
    """What is wrong with a new job without asking VBR: `settings_problems`, and what the revision demands."""
    found = settings_problems(wanted, kind)
    if not revision.demands_replica_places or job_type_key(kind) != "vspherereplica":
        return found
    places = (SettingsField.RESOURCE_POOL, SettingsField.FOLDER, SettingsField.DATASTORE)
    missing = tuple(
        (place, f"{revision.product} wants a {place.replace('_', ' ')} for replicas.")
        for place in places
        if place not in wanted.references
    )
    return (*found, *missing)


def new_spec(kind: str, wanted: JobSettings, revision: Revision, *, host_name: str) -> dict[str, Any]:
    """A complete JobSpec of this type. `host_name` is the server's, which agents of policies connect to.

    Settings that are None take VBR's usual values. The objects must come from a server of this revision,
    because the name of a platform may differ. `new_job_problems` must have found none.
    """
    layout, key = layout_in(kind, revision), job_type_key(kind)
    if layout is None:
        raise ValueError(f"no job of type {kind} can be made")
    spec: dict[str, Any] = {"type": kind, "name": wanted.name}
    if layout.has_description:
        spec["description"] = wanted.description or ""
    if layout.has_priority:
        spec["isHighPriority"] = wanted.is_high_priority is True
    spec |= copy.deepcopy(_PARTS[key](revision))
    if is_agent_policy(kind):
        spec["storage"]["destination"]["backupServerName"] = host_name
    if layout.schedule in {ScheduleForm.PLAIN, ScheduleForm.DAILY}:
        spec["schedule"] = _schedule(wanted.schedule, layout, key)
    if layout.gfs and not layout.has_gfs_everywhere:
        put(spec, layout.gfs, {"isEnabled": False})
    if wanted.repository_id and layout.repository:
        put(spec, layout.repository, wanted.repository_id)
    if wanted.objects:
        set_objects(spec, wanted.objects, layout)
    for setting, thing in wanted.references.items():
        put(spec, layout.references[setting], reference(thing))
    return changed(spec, wanted, revision)


def not_asked_for(spec: Mapping[str, Any], wanted: JobSettings) -> Iterator[tuple[KeyPath, Any]]:
    """What a new job's spec says besides its type and what was asked for: each value with its place."""
    layout = layout_of(spec["type"])
    asked = {("type",): True} | {
        place: wanted.part(setting) is not None for setting, place in _places(layout or Layout(None))
    }
    for path, value in _values(spec):
        around = [path[:length] for length in range(len(path), 0, -1)]
        if not next((asked[place] for place in around if place in asked), False):
            yield path, value


def left_to_vbr(spec: Mapping[str, Any], revision: Revision) -> tuple[SettingsField, ...]:
    """The settings that a new job's type has and its spec says nothing of: VBR has its own defaults."""
    layout = layout_in(spec["type"], revision)
    if layout is None:
        return ()
    has_window = layout.schedule is ScheduleForm.PLAIN and layout.has_retry
    places = {SettingsField.WINDOW: ("schedule", "backupWindow"), **layout.advanced}
    return tuple(
        part
        for part in SettingsField
        if part in places
        and (part is not SettingsField.WINDOW or has_window)
        and value_at(spec, places[part]) is None
    )


def _places(layout: Layout) -> Iterator[tuple[SettingsField, KeyPath]]:
    """Where the settings of a new job stand."""
    yield from (
        (SettingsField.NAME, ("name",)),
        (SettingsField.DESCRIPTION, ("description",)),
        (SettingsField.PRIORITY, ("isHighPriority",)),
        (SettingsField.OBJECTS, layout.objects),
        (SettingsField.EXCLUDES, layout.excludes),
        (SettingsField.REPOSITORY, layout.repository),
        (SettingsField.RETENTION, layout.retention),
        (SettingsField.GFS, layout.gfs),
        (SettingsField.SCHEDULE, ("schedule",)),
        (SettingsField.RETRY, ("schedule", "retry")),
        (SettingsField.GUEST, ("guestProcessing", "appAwareProcessing")),
        (SettingsField.GUEST, ("guestProcessing", "guestCredentials")),
    )
    yield from layout.references.items()


def _values(part: Mapping[str, Any], way: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """All values of a spec that are no objects themselves, with their places; a list is one."""
    for key, value in part.items():
        if isinstance(value, Mapping):
            yield from _values(value, (*way, key))
        else:
            yield (*way, key), value


def _schedule(wanted: Schedule | None, layout: Layout, key: str) -> dict[str, Any]:
    """A schedule without a rhythm yet: `changed` gives it the wanted one."""
    is_by_hand = wanted is None or wanted.rhythm in {Rhythm.BY_HAND, Rhythm.OTHER}
    has_retry = layout.schedule is ScheduleForm.PLAIN and key not in _WITHOUT_RETRY
    return {"runAutomatically": False} | ({"retry": dict(_RETRY)} if has_retry and not is_by_hand else {})


def _retention(usual: Retention = _USUAL) -> dict[str, Any]:
    return {"type": usual.unit, "quantity": usual.quantity}


def _machines(_: Revision) -> dict[str, Any]:
    return {
        "virtualMachines": {"includes": []},
        "storage": {
            "backupRepositoryId": "",
            "backupProxies": {"autoSelectEnabled": True},
            "retentionPolicy": _retention(),
        },
        "guestProcessing": _NO_GUESTS,
    }


def _hyper_v(revision: Revision) -> dict[str, Any]:
    parts = copy.deepcopy(_machines(revision))
    parts["storage"]["backupProxies"] = {"proxyType": revision.spelled("onHost")}
    return parts


def _replica(_: Revision) -> dict[str, Any]:
    usual = _USUAL_RETENTION["vspherereplica"]
    return {
        "virtualMachines": {
            "includes": [],
            "sourceRepositories": {"sourceType": "ProductionStorage"},
        },
        "destination": {},
        "jobSettings": {
            "metadataRepositoryId": "",
            "replicaNameSuffix": "_replica",
            "restorePointsToKeep": usual.quantity,
        },
        "dataTransfer": {
            "sourceProxies": {"autoSelectEnabled": True},
            "targetProxies": {"autoSelectEnabled": True},
        },
        "guestProcessing": {"appAwareProcessing": {"isEnabled": False}},
    }


def _agents(agent_type: str) -> Callable[[Revision], dict[str, Any]]:
    return lambda _: {
        "agentType": agent_type,
        "backupMode": "EntireComputer",
        "computers": [],
        "storage": {"backupRepositoryId": "", "retentionPolicy": _retention()},
        "guestProcessing": _NO_GUESTS,
    }


def _policy(_: Revision) -> dict[str, Any]:
    return {
        "backupMode": "EntireComputer",
        "computers": [],
        "storage": {
            "destination": {"destinationType": "BackupRepository", "backupRepositoryId": ""},
            "retentionPolicy": _retention(),
        },
        "guestProcessing": _NO_GUESTS,
    }


def _workstation_policy(revision: Revision) -> dict[str, Any]:
    policy = _policy(revision)
    if not revision.has_workstation_guests:
        del policy["guestProcessing"]
    return policy


def _backup_copy(_: Revision) -> dict[str, Any]:
    return {
        "mode": "Immediate",
        "sourceObjects": {"includes": {"jobs": []}},
        "target": {"backupRepositoryId": "", "retentionPolicy": _retention(_USUAL_RETENTION["backupcopy"])},
        "schedule": {"type": "Immediate", "scheduleMode": "Continuous"},
    }


def _copy_of_one_job(_: Revision) -> dict[str, Any]:
    return {
        "primaryJobId": "",
        "backupRepositoryId": "",
        "useCustomRetention": False,
        "schedule": {"type": "Continuous"},
    }


def _files(_: Revision) -> dict[str, Any]:
    return {
        "objects": [],
        "backupRepository": {
            "backupRepositoryId": "",
            "retentionPolicy": _retention(_USUAL_RETENTION["filebackup"]),
        },
    }


_PARTS: Mapping[str, Callable[[Revision], dict[str, Any]]] = {
    "vspherebackup": _machines,
    "clouddirectorbackup": _machines,
    "hypervbackup": _hyper_v,
    "vspherereplica": _replica,
    "windowsagentbackup": _agents("Server"),
    "linuxagentbackup": _agents("Server"),
    "windowsagentbackupfailovercluster": _agents("FailoverCluster"),
    "windowsagentbackupserverpolicy": _policy,
    "windowsagentbackupworkstationpolicy": _workstation_policy,
    "linuxagentbackupserverpolicy": _policy,
    "linuxagentbackupworkstationpolicy": _policy,
    "backupcopy": _backup_copy,
    "filebackupcopy": _copy_of_one_job,
    "entraidtenantbackupcopy": _copy_of_one_job,
    "entraidtenantbackup": lambda _: {"storage": {"tenantId": "", "retentionPolicy": _retention()}},
    "entraidauditlogbackup": lambda _: {
        "tenant": {"tenantId": ""},
        "storage": {"backupRepositoryId": "", "retentionPolicy": _retention()},
    },
    "filebackup": _files,
    "objectstoragebackup": _files,
    "surebackupcontentscan": lambda _: {
        "verificationOptions": {"malwareScanEnabled": True, "yaraScanEnabled": False},
    },
    "irisbackup": lambda _: {
        "sources": [],
        "storage": {"backupRepositoryId": "", "retentionPolicy": _retention()},
    },
}
"""What a new job of each type consists of, besides its name, description, priority and schedule."""
