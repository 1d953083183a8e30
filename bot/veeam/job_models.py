"""JobModels and JobSpecs to be sent: a changed job, a new job, and what is wrong before anything is sent.

PUT replaces a job, so what is sent is the model as it was read, with unknown keys, order and
spelling, and no key is changed that was not asked for. A vSphere backup job is written from nothing; a job of
another type is made from the model of an existing one.
"""

import copy
from collections.abc import Mapping
from typing import Any

from bot.veeam.job_layouts import CredentialsPlace, KeyPath, Layout, layout_of, value_at
from bot.veeam.job_schedules import DAILY, Rhythm, Schedule, reschedule
from bot.veeam.job_settings import (
    GuestProcessing,
    JobObject,
    JobSettings,
    Retention,
    SettingsField,
    differs,
    settings_of,
)
from bot.veeam.models import RetentionUnit
from bot.veeam.revisions import Revision, job_type_key

_DEFAULT_CREDENTIALS = "Standard"
_ONLY_OF_A_MODEL = frozenset({"id", "isDisabled"})
_OF_SINGLE_OBJECTS: tuple[KeyPath, ...] = (
    ("virtualMachines", "excludes", "disks"),
    ("destination", "mappingRules"),
    ("guestProcessing", "appAwareProcessing", "appSettings"),
    ("guestProcessing", "guestFSIndexing", "indexingSettings"),
    ("guestProcessing", "guestCredentials", "credentialsPerMachine"),
)
_USUAL_DAYS = 7
_RETRY = {"isEnabled": True, "retryCount": 3, "awaitMinutes": 10}


def changed(raw: Mapping[str, Any], wanted: JobSettings, revision: Revision) -> dict[str, Any]:
    """A copy of the model that has the wanted settings; equal to the model where nothing differs.

    Only settings that both offer are changed. What is not enough to say something new is left alone: a
    schedule of `Rhythm.OTHER`, and hours for an immediate copy. Words are written as they were received, new
    ones as the revision spells them.

    What refers to an object that is taken out (application settings, indexing, credentials of one machine,
    excluded disks, mapping rules) stays. The object may still be in the job by its folder or tag, and would
    be backed up otherwise than before if its own settings went; and it finds them when it is put back. Should
    VBR mind, it refuses the whole, and nothing has happened.
    """
    model = copy.deepcopy(dict(raw))
    layout, before = layout_of(raw.get("type")), settings_of(raw)
    for setting in SettingsField:
        if not differs(setting, before, wanted):
            continue
        if setting is SettingsField.NAME:
            model["name"] = wanted.name
        elif layout is not None:
            _write(model, setting, wanted.part(setting), layout, revision)
    return model


def spec_from_template(raw: Mapping[str, Any], wanted: JobSettings, revision: Revision) -> dict[str, Any]:
    """A JobSpec from the model of a job of the same type, with the wanted settings.

    A spec has all that its model has but the id and whether it is disabled. Left out is also what ties the
    template to backups or replicas that are there already, because two jobs writing to the same would spoil
    them, and what it says of single objects that the new job doesn't have: VBR need not know them there.
    """
    layout = layout_of(raw.get("type"))
    template = copy.deepcopy({key: value for key, value in raw.items() if key not in _ONLY_OF_A_MODEL})
    for *way, last in layout.restore_points_adopted if layout else ():
        place = value_at(template, tuple(way))
        if isinstance(place, dict):
            place.pop(last, None)
    before = settings_of(raw).objects or ()
    dropped = set(before).difference(wanted.objects or before)
    for path in _OF_SINGLE_OBJECTS:
        listed = value_at(template, path)
        if isinstance(listed, list):
            listed[:] = [item for item in listed if _object_of(item) not in dropped]
    return changed(template, wanted, revision)


def new_vsphere_spec(wanted: JobSettings, revision: Revision) -> dict[str, Any]:
    """A complete BackupJobSpec: what the server would fill in for missing keys is documented nowhere.

    Settings that are None take VBR's usual values. The objects must come from a server of this revision,
    because the name of their platform differs. `settings_problems` must have found none.
    """
    kind = next(kind for kind in revision.job_types if job_type_key(kind) == "vspherebackup")
    is_unscheduled = wanted.schedule is None or wanted.schedule.rhythm in {Rhythm.BY_HAND, Rhythm.OTHER}
    spec: dict[str, Any] = {
        "type": kind,
        "name": wanted.name,
        "description": wanted.description or "",
        "isHighPriority": wanted.is_high_priority is True,
        "virtualMachines": {"includes": []},
        "storage": {
            "backupRepositoryId": wanted.repository_id,
            "backupProxies": {"autoSelectEnabled": True},
            "retentionPolicy": {"type": str(RetentionUnit.DAYS), "quantity": _USUAL_DAYS},
        },
        "guestProcessing": {
            "appAwareProcessing": {"isEnabled": False},
            "guestFSIndexing": {"isEnabled": False},
        },
        "schedule": {"runAutomatically": False} | ({} if is_unscheduled else {"retry": dict(_RETRY)}),
    }
    return changed(spec, wanted, revision)


def settings_problems(wanted: JobSettings, kind: str) -> tuple[tuple[SettingsField, str], ...]:
    """What is wrong without asking VBR, each as a short sentence, in the order of `SettingsField`.

    Of settings that are None only those count without which a job of this type cannot be.
    """
    layout = layout_of(kind)
    if layout is None:
        return ((SettingsField.NAME, "VBR cannot create or change jobs of this type through its API."),)
    is_repository_missing = (
        layout.demands_repository if wanted.repository_id is None else not wanted.repository_id
    )
    found = {
        SettingsField.NAME: None if wanted.name.strip() else "A job needs a name.",
        SettingsField.OBJECTS: _objects_problem(wanted, layout),
        SettingsField.REPOSITORY: "Choose a repository." if is_repository_missing else None,
        SettingsField.RETENTION: _retention_problem(wanted.retention, layout),
        SettingsField.SCHEDULE: _schedule_problem(wanted.schedule, wanted.name),
    }
    return tuple((setting, problem) for setting, problem in found.items() if problem is not None)


def _write(
    model: dict[str, Any], setting: SettingsField, value: Any, layout: Layout, revision: Revision
) -> None:
    match setting:
        case SettingsField.DESCRIPTION:
            model["description"] = value
        case SettingsField.PRIORITY:
            model["isHighPriority"] = value
        case SettingsField.OBJECTS:
            _set_objects(value_at(model, layout.objects), value)
        case SettingsField.REPOSITORY:
            _put(model, layout.repository, value)
        case SettingsField.RETENTION:
            _set_retention(model, value, layout)
        case SettingsField.SCHEDULE:
            reschedule(model, value, layout, revision)
        case SettingsField.GUEST:
            _set_guest(model["guestProcessing"], value, layout.credentials)


def _put(model: dict[str, Any], path: KeyPath, value: Any) -> None:
    value_at({"": model}, ("", *path[:-1]))[path[-1]] = value


def _set_objects(listed: list[Any], wanted: tuple[JobObject, ...]) -> None:
    there = {JobObject(item) for item in listed if isinstance(item, Mapping)}
    removed = there - set(wanted)
    kept = [item for item in listed if not isinstance(item, Mapping) or JobObject(item) not in removed]
    new = [copy.deepcopy(dict(item.raw)) for item in dict.fromkeys(wanted) if item not in there]
    listed[:] = kept + new


def _set_retention(model: dict[str, Any], wanted: Retention, layout: Layout) -> None:
    policy = value_at(model, layout.retention)
    if isinstance(policy, Mapping):
        is_unit_received = str(policy["type"]).casefold() == wanted.unit.casefold()
        _put(model, (*layout.retention, "quantity"), wanted.quantity)
        _put(model, (*layout.retention, "type"), policy["type"] if is_unit_received else str(wanted.unit))
    else:
        _put(model, layout.retention, wanted.quantity)
    if layout.retention_switch:
        model[layout.retention_switch] = True


def _set_guest(guests: dict[str, Any], wanted: GuestProcessing, place: CredentialsPlace | None) -> None:
    guests["appAwareProcessing"]["isEnabled"] = wanted.is_application_aware
    if place is None or not wanted.is_application_aware or wanted.credentials_id is None:
        return
    if not isinstance(guests.get("guestCredentials"), dict):
        guests["guestCredentials"] = {}
    credentials = guests["guestCredentials"]
    credentials[place.deferring_flag] = False
    if len(place.id) > 1 and not isinstance(credentials.get(place.id[0]), dict):
        credentials[place.id[0]] = {}
    _put(credentials, place.id, wanted.credentials_id)
    if place.type:
        kind = wanted.credentials_type or value_at(credentials, place.type) or _DEFAULT_CREDENTIALS
        _put(credentials, place.type, kind)


def _object_of(item: object) -> JobObject | None:
    named = (item.get("vmObject") or item.get("machineObject")) if isinstance(item, Mapping) else None
    return JobObject(named) if isinstance(named, Mapping) else None


def _objects_problem(wanted: JobSettings, layout: Layout) -> str | None:
    is_missing = layout.demands_objects if wanted.objects is None else not wanted.objects
    if not is_missing:
        return None
    return "Choose at least one job to copy." if layout.platform == "Jobs" else "Choose at least one object."


def _retention_problem(retention: Retention | None, layout: Layout) -> str | None:
    if retention is None:
        return None
    if retention.quantity < 1:
        return "Keep at least 1."
    most = layout.most_restore_points
    if most is not None and retention.quantity > most:
        return f"VBR keeps at most {most} restore points of a replica."
    return None


def _schedule_problem(schedule: Schedule | None, own_name: str) -> str | None:
    if schedule is None:
        return None
    if schedule.rhythm is Rhythm.AFTER_JOB:
        first = schedule.after_job or ""
        if not first.strip():
            return "Choose the job to run after."
        return "A job cannot run after itself." if first.casefold() == own_name.casefold() else None
    if schedule.rhythm is Rhythm.CHOSEN_DAYS and not schedule.days:
        return "Choose at least one day."
    return "Choose a time." if schedule.rhythm in DAILY and schedule.at is None else None
