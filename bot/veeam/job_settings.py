"""What a person may change about a job, read from its JobModel, and how two versions of it differ.

Reading never raises: what is missing, null or of an odd type is a field that the job doesn't offer. Nothing
here is ever sent: a change goes into the model as it was read (`job_models`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol, Self

from bot.veeam import job_schedules
from bot.veeam.job_layouts import KeyPath, Layout, flag_at, layout_of, number_at, text_at, value_at
from bot.veeam.job_schedules import Rhythm, Schedule
from bot.veeam.models import RetentionUnit

LONGEST_KEY = 150
# They change although nobody edits the job: an object's size and (1.3-rev2) whether it is switched on.
_VOLATILE = frozenset({"size", "powerState"})


class InventoryRow(Protocol):
    """A row of an inventory."""

    def to_json(self) -> dict[str, str]:
        """The object as a job names it."""
        ...


@dataclass(frozen=True, eq=False)
class JobObject:
    """One included object exactly as received, because it goes back so. Two are equal when their keys are.

    The older form, `{"inventoryObject": …, "size": …}`, is read too.
    """

    raw: Mapping[str, Any]

    @classmethod
    def of_machine(cls, row: InventoryRow) -> Self:
        """An object of an inventory, as a job names it."""
        return cls(row.to_json())

    @classmethod
    def of_job(cls, job_id: str, name: str = "", kind: str = "") -> Self:
        """A job to copy (JobObjectModel). `kind` is in the spelling received."""
        parts = {"id": job_id, "name": name, "type": kind}
        return cls({key: text for key, text in parts.items() if text})

    @property
    def name(self) -> str:
        """What people call it; its id where it has no name."""
        return self._text("name") or self.object_id

    @property
    def kind(self) -> str:
        """Its type in the inventory, or the type of a copied job, as received; empty where there is none."""
        return self._text("type")

    @property
    def host_name(self) -> str:
        """The server that hosts it; empty for agents and jobs."""
        return self._text("hostName")

    @property
    def object_id(self) -> str:
        """Its id: the platform's own id, or VBR's for agents and jobs; may be empty for a host."""
        return self._text("objectId") or self._text("id")

    @property
    def platform(self) -> str:
        """EInventoryPlatformType as received; empty for a job."""
        return self._text("platform")

    @property
    def key(self) -> str:
        """What identifies it, as JSON of at most 150 characters: by ids where it has any."""
        if vbr_id := self._text("id"):
            identity = ["agent" if self.platform else "job", vbr_id.lower()]
        else:
            identity = [self.host_name, self.kind, self.object_id or self.name]
        written = json.dumps(identity, ensure_ascii=False, separators=(",", ":"))
        if len(written) <= LONGEST_KEY:
            return written
        return json.dumps(["long", hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()])

    def _text(self, key: str) -> str:
        inner = self.raw.get("inventoryObject")
        value = (inner if isinstance(inner, Mapping) else self.raw).get(key)
        return value if isinstance(value, str) else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobObject) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class SettingsField(StrEnum):
    """A setting of a job that can be changed."""

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
class GuestProcessing:
    """Whether the guests' applications take setting in a backup, and under which account.

    Without application-aware processing the credentials are only remembered. In what is wanted, None for them
    leaves them as they are. `credentials_type` (ECredentialsType) goes with new credentials.
    """

    is_application_aware: bool
    credentials_id: str | None = None
    credentials_type: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class JobSettings:
    """The settings that can be changed. None: this job doesn't offer it, it can't be changed."""

    name: str
    description: str | None = None
    is_high_priority: bool | None = None
    objects: tuple[JobObject, ...] | None = None
    repository_id: str | None = None
    retention: Retention | None = None
    schedule: Schedule | None = None
    guest: GuestProcessing | None = None

    def part(self, setting: SettingsField) -> Any:
        """The value of this field."""
        return getattr(self, _ATTRIBUTES.get(setting, setting))

    def with_part(self, setting: SettingsField, value: Any) -> "JobSettings":
        """Return the settings with this in place of the field."""
        return replace(self, **{_ATTRIBUTES.get(setting, setting.value): value})


_ATTRIBUTES = {SettingsField.PRIORITY: "is_high_priority", SettingsField.REPOSITORY: "repository_id"}


@dataclass(frozen=True)
class SettingsChange:
    """One setting that is no longer what it was."""

    part: SettingsField
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
    return job_schedules.rhythms_for(raw, layout) if layout else ()


def settings_of(raw: Mapping[str, Any]) -> JobSettings:
    """Read a JobModel; a type without a known model has a name alone."""
    name = text_at(raw, ("name",)) or ""
    layout = layout_of(raw.get("type"))
    if layout is None:
        return JobSettings(name)
    return JobSettings(
        name,
        description=(text_at(raw, ("description",)) or "") if layout.has_description else None,
        is_high_priority=flag_at(raw, ("isHighPriority",)) if layout.has_priority else None,
        objects=_objects(raw, layout),
        repository_id=text_at(raw, layout.repository),
        retention=_retention(raw, layout.retention),
        schedule=job_schedules.schedule_in(raw, layout),
        guest=_guest(raw, layout) if layout.has_guest else None,
    )


def differences(before: JobSettings, after: JobSettings) -> tuple[SettingsChange, ...]:
    """What `after` asks to change, in the order of `SettingsField`. What either lacks is not compared."""
    return tuple(
        SettingsChange(setting, before.part(setting), after.part(setting))
        for setting in SettingsField
        if differs(setting, before, after)
    )


def differs(setting: SettingsField, before: JobSettings, after: JobSettings) -> bool:
    """Whether `after` asks for something else: the order of objects, or an id's letter case, is nothing."""
    old, new = before.part(setting), after.part(setting)
    if old is None or new is None:
        return False
    match setting:
        case SettingsField.OBJECTS:
            is_other = set(old) != set(new)
        case SettingsField.REPOSITORY:
            is_other = old.casefold() != new.casefold()
        case SettingsField.RETENTION:
            is_other = (old.unit.casefold(), old.quantity) != (new.unit.casefold(), new.quantity)
        case SettingsField.SCHEDULE:
            is_other = new.rhythm is not Rhythm.OTHER and old.essence != new.essence
        case SettingsField.GUEST if old.is_application_aware == new.is_application_aware:
            ids_that_change_nothing = {None, old.credentials_id}
            is_other = new.is_application_aware and new.credentials_id not in ids_that_change_nothing
        case _:
            is_other = old != new
    return is_other


def reduces_protection(change: SettingsChange) -> bool:
    """Whether less is backed up after it, more rarely by itself, or kept for a shorter time.

    A retention that is counted in another unit may be shorter, and counts as that.
    """
    before, after = change.before, change.after
    match change.part:
        case SettingsField.OBJECTS:
            return not set(before) <= set(after)
        case SettingsField.RETENTION:
            is_same_unit = before.unit.casefold() == after.unit.casefold()
            return not is_same_unit or after.quantity < before.quantity
        case SettingsField.SCHEDULE:
            return before.rhythm is not Rhythm.BY_HAND and after.rhythm is Rhythm.BY_HAND
        case _:
            return False


def same_settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two reads of a job have the same settings. Missing and null are the same."""
    return _canonical(a) == _canonical(b)


def settings_fingerprint(raw: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the job's settings: equal for reads that are the `same_settings`."""
    return hashlib.sha256(_canonical(raw).encode()).hexdigest()


def _objects(raw: Mapping[str, Any], layout: Layout) -> tuple[JobObject, ...] | None:
    listed = value_at(raw, layout.objects)
    copies_repositories = layout.platform == "Jobs" and value_at(raw, (*layout.objects[:-1], "repositories"))
    if not isinstance(listed, list) or copies_repositories:
        return None
    return tuple(JobObject(item) for item in listed if isinstance(item, Mapping))


def _retention(raw: Mapping[str, Any], path: KeyPath) -> Retention | None:
    if isinstance(value := value_at(raw, path), Mapping):
        unit, quantity = text_at(value, ("type",)), number_at(value, ("quantity",))
    else:
        unit, quantity = RetentionUnit.RESTORE_POINTS.value, number_at(raw, path)
    return Retention(unit, quantity) if unit is not None and quantity is not None else None


def _guest(raw: Mapping[str, Any], layout: Layout) -> GuestProcessing | None:
    is_aware = flag_at(raw, ("guestProcessing", "appAwareProcessing", "isEnabled"))
    if is_aware is None:
        return None
    place, credentials = layout.credentials, value_at(raw, ("guestProcessing", "guestCredentials"))
    if place is None or not isinstance(credentials, Mapping) or credentials.get(place.deferring_flag) is True:
        return GuestProcessing(is_aware)
    return GuestProcessing(is_aware, text_at(credentials, place.id), text_at(credentials, place.type))


def _canonical(raw: Mapping[str, Any]) -> str:
    return json.dumps(_essence(raw), sort_keys=True, separators=(",", ":"))


def _essence(value: Any) -> Any:
    if isinstance(value, Mapping):
        is_object = "platform" in value or "inventoryObject" in value
        ignored = _VOLATILE if is_object else frozenset()
        return {key: _essence(one) for key, one in value.items() if one is not None and key not in ignored}
    return [_essence(one) for one in value] if isinstance(value, list) else value
