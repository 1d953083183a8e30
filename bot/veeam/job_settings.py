"""What a person may change about a job, read from its JobModel, and how two versions of it differ.

Reading never raises: what is missing, null or of an odd type is a part that the job doesn't offer. Nothing
here is ever sent: a change goes into the model as it was read (`job_editing`).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from bot.veeam import job_schedules
from bot.veeam.job_layouts import Layout, found, layout_of, text_in
from bot.veeam.job_objects import JobObject
from bot.veeam.job_schedules import Rhythm, Schedule, schedule_in
from bot.veeam.vocabulary import RetentionUnit, Weekday

__all__ = [
    "Change",
    "Guest",
    "JobObject",
    "JobSettings",
    "Part",
    "Retention",
    "RetentionUnit",
    "Rhythm",
    "Schedule",
    "Weekday",
    "choosable_rhythms",
    "differences",
    "differs",
    "fingerprint",
    "is_creatable",
    "is_editable",
    "platform_of",
    "retention_units",
    "same_settings",
    "settings_of",
    "takes_guest_credentials",
]


class Part(StrEnum):
    """One thing that can be changed."""

    NAME = "name"
    DESCRIPTION = "description"
    PRIORITY = "priority"
    OBJECTS = "objects"
    REPOSITORY = "repository"
    RETENTION = "retention"
    SCHEDULE = "schedule"
    GUEST = "guest"


@dataclass(frozen=True)
class Retention:
    """How long restore points are kept. `unit` is as received: compare with `known(RetentionUnit, …)`."""

    unit: str
    quantity: int


@dataclass(frozen=True)
class Guest:
    """Whether the guests' applications take part in a backup, and under which account.

    Without application-aware processing the credentials are only remembered. In what is wanted, None for them
    leaves them as they are. `credentials_type` (ECredentialsType) goes with new credentials.
    """

    is_application_aware: bool
    credentials_id: str | None = None
    credentials_type: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class JobSettings:
    """The parts that can be changed. None: this job doesn't offer it, it can't be changed."""

    name: str
    description: str | None = None
    is_high_priority: bool | None = None
    objects: tuple[JobObject, ...] | None = None
    repository_id: str | None = None
    retention: Retention | None = None
    schedule: Schedule | None = None
    guest: Guest | None = None

    def part(self, part: Part) -> Any:
        """What stands for this part."""
        return getattr(self, _FIELDS.get(part, part))

    def with_part(self, part: Part, value: Any) -> "JobSettings":
        """Return the settings with this in place of the part."""
        return replace(self, **{_FIELDS.get(part, part.value): value})


_FIELDS = {Part.PRIORITY: "is_high_priority", Part.REPOSITORY: "repository_id"}


@dataclass(frozen=True)
class Change:
    """One part that is no longer what it was."""

    part: Part
    before: Any
    after: Any


def is_editable(kind: str) -> bool:
    """Whether jobs of this type have a model that can be read and sent back."""
    return layout_of(kind) is not None


def is_creatable(kind: str) -> bool:
    """Whether JobSpec has a model for this type."""
    return layout_of(kind) is not None


def platform_of(kind: str) -> str | None:
    """Whose objects a job of this type takes, `Jobs` for jobs; None where they can't be chosen."""
    layout = layout_of(kind)
    return layout.platform if layout else None


def retention_units(kind: str) -> tuple[RetentionUnit, ...]:
    """What the retention of this type may be counted in."""
    layout = layout_of(kind)
    return layout.units if layout and layout.retention else ()


def takes_guest_credentials(kind: str) -> bool:
    """Whether a job of this type names an account for its guests."""
    layout = layout_of(kind)
    return layout is not None and layout.credentials is not None


def takes_scale_out(kind: str) -> bool:
    """Whether its repository may be a scale-out repository: the metadata of replicas cannot lie on one."""
    layout = layout_of(kind)
    return layout is not None and layout.takes_scale_out


def choosable_rhythms(raw: Mapping[str, Any]) -> tuple[Rhythm, ...]:
    """What this job's schedule can be; OTHER only to keep it. Immediate copies have no choice."""
    layout = layout_of(raw.get("type"))
    return job_schedules.choosable_rhythms(raw, layout) if layout else ()


def settings_of(raw: Mapping[str, Any]) -> JobSettings:
    """Read a JobModel; a type without a known model has a name alone."""
    name = text_in(raw, ("name",)) or ""
    layout = layout_of(raw.get("type"))
    if layout is None:
        return JobSettings(name)
    return JobSettings(
        name,
        description=(text_in(raw, ("description",)) or "") if layout.has_description else None,
        is_high_priority=_flag(raw.get("isHighPriority")) if layout.has_priority else None,
        objects=_objects(raw, layout),
        repository_id=text_in(raw, layout.repository),
        retention=_retention(found(raw, layout.retention)),
        schedule=schedule_in(raw, layout),
        guest=_guest(raw, layout) if layout.has_guest else None,
    )


def differences(before: JobSettings, after: JobSettings) -> tuple[Change, ...]:
    """What `after` asks to be otherwise, in the order of `Part`. A part that either lacks is not compared."""
    return tuple(
        Change(part, before.part(part), after.part(part)) for part in Part if differs(part, before, after)
    )


def differs(part: Part, before: JobSettings, after: JobSettings) -> bool:
    """Whether `after` asks for something else: the order of objects, or an id's letter case, is nothing."""
    old, new = before.part(part), after.part(part)
    if old is None or new is None:
        return False
    return _DIFFER.get(part, _unequal)(old, new)


def same_settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two reads of a job say the same.

    Missing and null are the same. Of an object, its size and (1.3-rev2) whether it is switched on don't
    count: they change without anybody's doing.
    """
    return _canonical(a) == _canonical(b)


def fingerprint(raw: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of what the job's settings are: equal for reads that are the `same_settings`."""
    return hashlib.sha256(_canonical(raw).encode()).hexdigest()


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _objects(raw: Mapping[str, Any], layout: Layout) -> tuple[JobObject, ...] | None:
    listed = found(raw, layout.objects)
    copies_repositories = layout.platform == "Jobs" and found(raw, (*layout.objects[:-1], "repositories"))
    if not isinstance(listed, list) or copies_repositories:
        return None
    return tuple(JobObject(item) for item in listed if isinstance(item, Mapping))


def _retention(value: object) -> Retention | None:
    if isinstance(value, Mapping):
        unit, quantity = text_in(value, ("type",)), _number(value.get("quantity"))
    else:
        unit, quantity = RetentionUnit.RESTORE_POINTS.value, _number(value)
    return Retention(unit, quantity) if unit is not None and quantity is not None else None


def _guest(raw: Mapping[str, Any], layout: Layout) -> Guest | None:
    is_aware = _flag(found(raw, ("guestProcessing", "appAwareProcessing", "isEnabled")))
    if is_aware is None:
        return None
    place, credentials = layout.credentials, found(raw, ("guestProcessing", "guestCredentials"))
    if place is None or not isinstance(credentials, Mapping) or credentials.get(place.deferring) is True:
        return Guest(is_aware)
    return Guest(is_aware, text_in(credentials, place.id), text_in(credentials, place.type))


def _unequal(before: object, after: object) -> bool:
    return before != after


def _repository_differs(before: str, after: str) -> bool:
    return before.casefold() != after.casefold()


def _objects_differ(before: tuple[JobObject, ...], after: tuple[JobObject, ...]) -> bool:
    return set(before) != set(after)


def _retention_differs(before: Retention, after: Retention) -> bool:
    return (before.unit.casefold(), before.quantity) != (after.unit.casefold(), after.quantity)


def _schedule_differs(before: Schedule, after: Schedule) -> bool:
    return after.rhythm is not Rhythm.OTHER and before.essence != after.essence


def _guest_differs(before: Guest, after: Guest) -> bool:
    if before.is_application_aware != after.is_application_aware:
        return True
    return after.is_application_aware and after.credentials_id not in {None, before.credentials_id}


_DIFFER: Mapping[Part, Callable[[Any, Any], bool]] = {
    Part.OBJECTS: _objects_differ,
    Part.REPOSITORY: _repository_differs,
    Part.RETENTION: _retention_differs,
    Part.SCHEDULE: _schedule_differs,
    Part.GUEST: _guest_differs,
}


_PASSING = frozenset({"size", "powerState"})


def _canonical(raw: Mapping[str, Any]) -> str:
    return json.dumps(_essence(raw), sort_keys=True, separators=(",", ":"))


def _essence(value: Any) -> Any:
    if isinstance(value, Mapping):
        is_object = "platform" in value or "inventoryObject" in value
        passing = _PASSING if is_object else frozenset()
        return {key: _essence(part) for key, part in value.items() if part is not None and key not in passing}
    return [_essence(part) for part in value] if isinstance(value, list) else value
