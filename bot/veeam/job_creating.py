"""Specs of new jobs, and what is wrong with wanted settings before anybody is asked.

A vSphere backup job is written from nothing; a job of another type is made like one that is there.
"""

import copy
from collections.abc import Mapping
from typing import Any

from bot.veeam.job_editing import changed
from bot.veeam.job_layouts import Layout, Path, found, layout_of
from bot.veeam.job_objects import JobObject
from bot.veeam.job_schedules import DAILY, Rhythm, Schedule
from bot.veeam.job_settings import JobSettings, Part, Retention, settings_of
from bot.veeam.revisions import Revision, job_type_key
from bot.veeam.vocabulary import RetentionUnit

_ONLY_OF_A_MODEL = frozenset({"id", "isDisabled"})
_OF_SINGLE_OBJECTS: tuple[Path, ...] = (
    ("virtualMachines", "excludes", "disks"),
    ("destination", "mappingRules"),
    ("guestProcessing", "appAwareProcessing", "appSettings"),
    ("guestProcessing", "guestFSIndexing", "indexingSettings"),
    ("guestProcessing", "guestCredentials", "credentialsPerMachine"),
)
_USUAL_DAYS = 7
_RETRY = {"isEnabled": True, "retryCount": 3, "awaitMinutes": 10}


def spec_like(raw: Mapping[str, Any], wanted: JobSettings, revision: Revision) -> dict[str, Any]:
    """A JobSpec from the model of a job of the same type, with the wanted settings.

    A spec has all that its model has but the id and whether it is disabled. Left out is also what ties the
    template to backups or replicas that are there already, because two jobs writing to the same would spoil
    them, and what it says of single objects that the new job doesn't have: VBR need not know them there.
    """
    layout = layout_of(raw.get("type"))
    template = copy.deepcopy({key: part for key, part in raw.items() if key not in _ONLY_OF_A_MODEL})
    for *way, last in layout.restore_points_adopted if layout else ():
        place = found(template, tuple(way))
        if isinstance(place, dict):
            place.pop(last, None)
    before = settings_of(raw).objects or ()
    dropped = set(before).difference(wanted.objects or before)
    for path in _OF_SINGLE_OBJECTS:
        listed = found(template, path)
        if isinstance(listed, list):
            listed[:] = [item for item in listed if _object_of(item) not in dropped]
    return changed(template, wanted, revision)


def new_vsphere(wanted: JobSettings, revision: Revision) -> dict[str, Any]:
    """A complete BackupJobSpec: what the server would fill in for missing parts is documented nowhere.

    Parts that are not said take VBR's usual values. The objects must come from a server of this revision,
    because the name of their platform differs. `problems` must have found none.
    """
    kind = next(kind for kind in revision.job_types if job_type_key(kind) == "vspherebackup")
    by_hand = wanted.schedule is None or wanted.schedule.rhythm in {Rhythm.BY_HAND, Rhythm.OTHER}
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
        "schedule": {"runAutomatically": False} | ({} if by_hand else {"retry": dict(_RETRY)}),
    }
    return changed(spec, wanted, revision)


def problems(wanted: JobSettings, kind: str) -> tuple[tuple[Part, str], ...]:
    """What can be told wrong without asking VBR, each as a short sentence, in the order of `Part`.

    Of parts that are None only those count without which a job of this type cannot be.
    """
    layout = layout_of(kind)
    if layout is None:
        return ((Part.NAME, "VBR cannot create or change jobs of this type through its API."),)
    told = {
        Part.NAME: None if wanted.name.strip() else "A job needs a name.",
        Part.OBJECTS: _objects_problem(wanted, layout),
        Part.REPOSITORY: _repository_problem(wanted, layout),
        Part.RETENTION: _retention_problem(wanted.retention, layout),
        Part.SCHEDULE: _schedule_problem(wanted.schedule, wanted.name),
    }
    return tuple((part, problem) for part, problem in told.items() if problem is not None)


def _object_of(item: object) -> JobObject | None:
    named = (item.get("vmObject") or item.get("machineObject")) if isinstance(item, Mapping) else None
    return JobObject(named) if isinstance(named, Mapping) else None


def _objects_problem(wanted: JobSettings, layout: Layout) -> str | None:
    is_missing = layout.demands_objects if wanted.objects is None else not wanted.objects
    if not is_missing:
        return None
    return "Choose at least one job to copy." if layout.platform == "Jobs" else "Choose at least one object."


def _repository_problem(wanted: JobSettings, layout: Layout) -> str | None:
    is_missing = layout.demands_repository if wanted.repository_id is None else not wanted.repository_id
    return "Choose a repository." if is_missing else None


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
        return _predecessor_problem(schedule.after_job, own_name)
    if schedule.rhythm is Rhythm.CHOSEN_DAYS and not schedule.days:
        return "Choose at least one day."
    return "Choose a time." if schedule.rhythm in DAILY and schedule.at is None else None


def _predecessor_problem(name: str | None, own_name: str) -> str | None:
    if not (name or "").strip():
        return "Choose the job to run after."
    return "A job cannot run after itself." if (name or "").casefold() == own_name.casefold() else None
