"""JobModels and JobSpecs to be sent: a changed job, a new job, and what is wrong before anything is sent.

PUT replaces a job, so what is sent is the model as it was read, with unknown keys, order and
spelling, and no key is changed that was not asked for. What a job that is made from nothing is made of is in
`new_jobs`.
"""

import copy
from collections.abc import Mapping
from typing import Any

from bot.veeam.advanced_settings import TaskDays, set_task_days
from bot.veeam.job_layouts import (
    FLAT_CREDENTIALS,
    CredentialsPlace,
    KeyPath,
    Layout,
    SettingsField,
    Source,
    dict_at,
    layout_in,
    layout_of,
    value_at,
)
from bot.veeam.job_schedules import (
    DAILY,
    LONGEST_WAIT,
    MOST_RETRIES,
    Rhythm,
    Schedule,
    reschedule,
    set_retry,
    set_window,
)
from bot.veeam.job_settings import (
    GFS_BLOCKS,
    GFS_LIMITS,
    REFERENCES,
    TASKS,
    Gfs,
    GuestProcessing,
    JobObject,
    JobSettings,
    Retention,
    credentials_place,
    differs,
    object_lists,
    settings_of,
)
from bot.veeam.jobs import RetryPolicy
from bot.veeam.revisions import Revision, job_type_key

_DEFAULT_CREDENTIALS = "Standard"
_WHEN = {"weeks": "sunday", "months": "First", "years": "January"}
"""Which full backup of a week, month and year is kept where the job doesn't say yet, as in VBR's wizard."""
_REFERENCE_MISSING = {
    SettingsField.TENANT: "Choose a tenant.",
    SettingsField.PRIMARY_JOB: "Choose the job to copy.",
    SettingsField.HOST: "Choose the host that the replicas are to run on.",
    SettingsField.RESOURCE_POOL: "Choose a resource pool.",
    SettingsField.FOLDER: "Choose a folder for the replicas.",
    SettingsField.DATASTORE: "Choose a datastore for the replicas.",
}
_ONLY_OF_A_MODEL = frozenset({"id", "isDisabled"})
_OF_SINGLE_OBJECTS: tuple[KeyPath, ...] = (
    ("virtualMachines", "excludes", "disks"),
    ("destination", "mappingRules"),
    ("guestProcessing", "appAwareProcessing", "appSettings"),
    ("guestProcessing", "guestFSIndexing", "indexingSettings"),
    ("guestProcessing", "guestCredentials", "credentialsPerMachine"),
)


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
    layout, before = layout_in(raw.get("type"), revision), settings_of(raw)
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
        **{
            setting: _REFERENCE_MISSING[setting]
            for setting in SettingsField
            if setting in layout.demanded_references and setting not in wanted.references
        },
        SettingsField.REPOSITORY: "Choose a repository." if is_repository_missing else None,
        SettingsField.RETENTION: _retention_problem(wanted.retention, layout),
        SettingsField.GFS: _gfs_problem(wanted.gfs),
        SettingsField.SCHEDULE: _schedule_problem(wanted.schedule, wanted.name),
        SettingsField.RETRY: _retry_problem(wanted.retry),
        **{task: _task_problem(wanted.part(task)) for task in SettingsField if task in TASKS},
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
            set_objects(model, value, layout)
        case SettingsField.EXCLUDES:
            *way, last = layout.excludes
            place = dict_at(model, tuple(way))
            if not isinstance(place.get(last), list):
                place[last] = []
            _set_objects(place[last], value)
        case SettingsField.REPOSITORY:
            put(model, layout.repository, value)
        case SettingsField.RETENTION:
            _set_retention(model, value, layout)
        case SettingsField.GFS:
            _set_gfs(dict_at(model, layout.gfs), value, revision)
        case SettingsField.SCHEDULE:
            reschedule(model, value, layout, revision)
        case SettingsField.RETRY:
            set_retry(model, value)
        case SettingsField.WINDOW:
            set_window(model, value, layout, revision)
        case SettingsField.COMPRESSION:
            put(model, layout.advanced[setting], value)
        case SettingsField.ENCRYPTION:
            put(model, (*layout.advanced[setting], "isEnabled"), value.is_on)
        case _ if setting in TASKS:
            set_task_days(model, layout.advanced[setting], value, revision)
        case SettingsField.GUEST:
            _set_guest(model["guestProcessing"], value, layout.credentials, revision)
        case _ if setting in REFERENCES:
            put(model, layout.references[setting], reference(value))


def _set_gfs(policy: dict[str, Any], wanted: Gfs, revision: Revision) -> None:
    policy["isEnabled"] = wanted.is_on
    for name, (block, key) in GFS_BLOCKS.items():
        number = getattr(wanted, name)
        if number is None and not isinstance(policy.get(block), dict):
            continue
        part = dict_at(policy, (block,))
        part["isEnabled"] = number is not None
        if number is not None:
            part[key] = number
            if part.get("desiredTime") is None:
                part["desiredTime"] = revision.spelled(_WHEN[name]) if name == "weeks" else _WHEN[name]


def reference(thing: JobObject) -> Any:
    """What a job names a thing by: the object as the inventory has it, the ID of what has no platform."""
    return copy.deepcopy(dict(thing.raw)) if thing.platform else thing.object_id


def put(model: dict[str, Any], path: KeyPath, value: Any) -> None:
    """Put a value where the path leads; what is on the way must be there."""
    value_at({"": model}, ("", *path[:-1]))[path[-1]] = value


def set_objects(model: dict[str, Any], wanted: tuple[JobObject, ...], layout: Layout) -> None:
    """Put a job's objects into the lists that they belong in; a list that is not there is made if needed."""
    place_of = {
        JobObject(item): path for path in object_lists(layout) for item in _items(value_at(model, path))
    }
    for each in wanted:
        place_of.setdefault(each, layout.objects_elsewhere.get(job_type_key(each.kind), layout.objects))
    for path in object_lists(layout):
        own = tuple(each for each in wanted if place_of[each] == path)
        if own or isinstance(value_at(model, path), list):
            *way, last = path
            _set_objects(dict_at(model, tuple(way)).setdefault(last, []), own)


def _items(listed: object) -> list[Mapping[str, Any]]:
    return [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []


def _set_objects(listed: list[Any], wanted: tuple[JobObject, ...]) -> None:
    there = set(map(JobObject, _items(listed)))
    removed = there - set(wanted)
    kept = [item for item in listed if not isinstance(item, Mapping) or JobObject(item) not in removed]
    new = [copy.deepcopy(dict(item.raw)) for item in dict.fromkeys(wanted) if item not in there]
    listed[:] = kept + new


def _set_retention(model: dict[str, Any], wanted: Retention, layout: Layout) -> None:
    policy = value_at(model, layout.retention)
    if isinstance(policy, Mapping):
        is_unit_received = str(policy["type"]).casefold() == wanted.unit.casefold()
        put(model, (*layout.retention, "quantity"), wanted.quantity)
        put(model, (*layout.retention, "type"), policy["type"] if is_unit_received else str(wanted.unit))
    else:
        put(model, layout.retention, wanted.quantity)
    if layout.retention_switch:
        model[layout.retention_switch] = True


def _set_guest(
    guests: dict[str, Any], wanted: GuestProcessing, place: CredentialsPlace | None, revision: Revision
) -> None:
    guests["appAwareProcessing"]["isEnabled"] = wanted.is_application_aware
    if place is None or not wanted.is_application_aware or wanted.credentials_id is None:
        return
    credentials = dict_at(guests, ("guestCredentials",))
    place = credentials_place(credentials, place)
    if place.type and revision.has_flat_guest_credentials and not credentials.keys() & {place.deferring_flag}:
        place = FLAT_CREDENTIALS
    if place.deferring_flag is not None:
        credentials[place.deferring_flag] = False
    if len(place.id) > 1 and not isinstance(credentials.get(place.id[0]), dict):
        credentials[place.id[0]] = {}
    put(credentials, place.id, wanted.credentials_id)
    if place.type:
        kind = wanted.credentials_type or value_at(credentials, place.type) or _DEFAULT_CREDENTIALS
        put(credentials, place.type, kind)


def _object_of(item: object) -> JobObject | None:
    named = (item.get("vmObject") or item.get("machineObject")) if isinstance(item, Mapping) else None
    return JobObject(named) if isinstance(named, Mapping) else None


def _objects_problem(wanted: JobSettings, layout: Layout) -> str | None:
    is_missing = layout.demands_objects if wanted.objects is None else not wanted.objects
    if not is_missing:
        return None
    return "Choose at least one job." if layout.source is Source.JOBS else "Choose at least one object."


def _gfs_problem(gfs: Gfs | None) -> str | None:
    if gfs is None:
        return None
    for name, most in GFS_LIMITS.items():
        number = getattr(gfs, name)
        if number is not None and not 1 <= number <= most:
            return f"VBR keeps full backups for 1 to {most:,} {name}; leave it empty to keep none."
    return None


def _retention_problem(retention: Retention | None, layout: Layout) -> str | None:
    if retention is None:
        return None
    if retention.quantity < 1:
        return "Keep at least 1."
    most = layout.most_restore_points
    if most is not None and retention.quantity > most:
        return f"VBR keeps at most {most} restore points of a replica."
    return None


def _retry_problem(retry: RetryPolicy | None) -> str | None:
    if retry is None:
        return None
    is_count = 0 <= retry.count <= MOST_RETRIES and 1 <= retry.wait_minutes <= LONGEST_WAIT
    return None if is_count else f"At most {MOST_RETRIES} retries, 1 to {LONGEST_WAIT} minutes apart."


def _task_problem(task: TaskDays | None) -> str | None:
    is_both = task is not None and task.days and task.is_otherwise
    return "Choose days of the week, or keep what is set in VBR: not both." if is_both else None


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
    if schedule.rhythm is Rhythm.MONTHLY and schedule.month_day is None:
        return "Choose the day of the month."
    if schedule.rhythm is Rhythm.PERIODIC and schedule.period is None:
        return "Say how often."
    return "Choose a time." if schedule.rhythm in {*DAILY, Rhythm.MONTHLY} and schedule.at is None else None
