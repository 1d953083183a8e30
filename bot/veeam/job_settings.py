"""What a person may change about a job, read from its JobModel, and how two versions of it differ.

Reading never raises: what is missing, null or of an odd type is a field that the job doesn't offer. Nothing
here is ever sent: a change goes into the model as it was read (`job_models`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

from bot.veeam import job_schedules
from bot.veeam.advanced_settings import Encryption, TaskDays, encryption_in, task_days_in
from bot.veeam.job_layouts import (
    FLAT_CREDENTIALS,
    CredentialsPlace,
    KeyPath,
    Layout,
    SettingsField,
    Source,
    flag_at,
    layout_in,
    layout_of,
    number_at,
    text_at,
    value_at,
)
from bot.veeam.job_schedules import BackupWindow, Rhythm, Schedule
from bot.veeam.jobs import RetentionUnit, RetryPolicy
from bot.veeam.revisions import Revision, job_type_key

LONGEST_KEY = 150
# They change although nobody edits the job: an object's size and (1.3-rev2) whether it is switched on.
_VOLATILE = frozenset({"size", "powerState"})
_OF_CLUSTERS = "failovercluster"
_IDS = ("objectId", "id", "fileServerId", "objectStorageServerId", "entityId")


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
    title: str = ""
    """What people call it, where the object itself does not say."""

    @classmethod
    def of_machine(cls, row: InventoryRow) -> Self:
        """An object of an inventory, as a job names it."""
        return cls(row.to_json())

    @classmethod
    def of_job(cls, job_id: str, name: str = "", kind: str = "") -> Self:
        """A job to copy (JobObjectModel). `kind` is in the spelling received."""
        parts = {"id": job_id, "name": name, "type": kind}
        return cls({key: text for key, text in parts.items() if text})

    @classmethod
    def of_id(cls, identity: str, name: str = "") -> Self:
        """What a job names by an ID alone: a tenant, or the job that it copies."""
        return cls({"id": identity}, title=name)

    @property
    def name(self) -> str:
        """What people call it; of files, where they lie; else its id."""
        where = self._text("path") or self._text("container")
        return self._text("name") or self.title or where or self.object_id

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
        """Its id: the platform's own id, or VBR's for all else; may be empty for a host."""
        return next(filter(None, map(self._text, _IDS)), "")

    @property
    def platform(self) -> str:
        """EInventoryPlatformType as received; empty for a job."""
        return self._text("platform")

    @property
    def key(self) -> str:
        """What identifies it, as JSON of at most 150 characters: by ids where it has any."""
        if vbr_id := self._text("id"):
            identity = ["agent" if self.platform else "job", vbr_id.lower()]
        elif server_id := self._text("fileServerId") or self._text("objectStorageServerId"):
            identity = ["share", self._text("container"), self._text("path"), server_id.lower()]
        elif entity_id := self._text("entityId"):
            identity = ["entity", entity_id.lower()]
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


@dataclass(frozen=True)
class Retention:
    """How long restore points are kept. `unit` is as received: compare with `known(RetentionUnit, …)`."""

    unit: str
    quantity: int


@dataclass(frozen=True)
class Gfs:
    """How long full backups are kept beside the retention, which is called GFS; None: not at all."""

    weeks: int | None = None
    months: int | None = None
    years: int | None = None

    @property
    def is_on(self) -> bool:
        """Whether any are kept."""
        return any(self.numbers)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Weeks, months and years; 0 where none are kept."""
        return (self.weeks or 0, self.months or 0, self.years or 0)


GFS_LIMITS = {"weeks": 9_999, "months": 999, "years": 999}
"""The most of each that is kept."""
GFS_BLOCKS = {
    "weeks": ("weekly", "keepForNumberOfWeeks"),
    "months": ("monthly", "keepForNumberOfMonths"),
    "years": ("yearly", "keepForNumberOfYears"),
}
"""Where GFSPolicySettingsModel counts each."""


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
    excludes: tuple[JobObject, ...] | None = None
    references: Mapping[SettingsField, JobObject] = field(default_factory=dict)
    """What stands in the fields that name one thing: a tenant, the job that is copied, a replica's target."""
    repository_id: str | None = None
    retention: Retention | None = None
    gfs: Gfs | None = None
    schedule: Schedule | None = None
    retry: RetryPolicy | None = None
    """Off: a count of 0."""
    window: BackupWindow | None = None
    guest: GuestProcessing | None = None
    compression: str | None = None
    """ECompressionLevel, as received."""
    encryption: Encryption | None = None
    active_full: TaskDays | None = None
    synthetic_full: TaskDays | None = None
    health_check: TaskDays | None = None

    def part(self, setting: SettingsField) -> Any:
        """The value of this field."""
        if setting in REFERENCES:
            return self.references.get(setting)
        return getattr(self, _ATTRIBUTES.get(setting, setting))

    def with_part(self, setting: SettingsField, value: Any) -> "JobSettings":
        """Return the settings with this in place of the field."""
        if setting in REFERENCES:
            return replace(self, references={**self.references, setting: value})
        return replace(self, **{_ATTRIBUTES.get(setting, setting.value): value})


REFERENCES = frozenset(
    {
        *(SettingsField.TENANT, SettingsField.PRIMARY_JOB),
        *(SettingsField.HOST, SettingsField.RESOURCE_POOL, SettingsField.FOLDER, SettingsField.DATASTORE),
    }
)
"""Fields that name one thing. They are chosen when a job is made, and stay."""
CHOSEN = (SettingsField.OBJECTS, SettingsField.EXCLUDES, *sorted(REFERENCES))
"""Fields whose values are looked up in VBR."""
TASKS = frozenset({SettingsField.ACTIVE_FULL, SettingsField.SYNTHETIC_FULL, SettingsField.HEALTH_CHECK})
"""Fields for what is done on some days."""
_ATTRIBUTES = {SettingsField.PRIORITY: "is_high_priority", SettingsField.REPOSITORY: "repository_id"}


@dataclass(frozen=True)
class SettingsChange:
    """One setting that is no longer what it was."""

    part: SettingsField
    before: Any
    after: Any


def has_model(kind: str) -> bool:
    """Whether jobs of this type have a model: they can be made, read and changed."""
    return layout_of(kind) is not None


def source_of(
    kind: str, setting: SettingsField = SettingsField.OBJECTS, model: Mapping[str, Any] | None = None
) -> Source | None:
    """Where what a job of this type names in a field is looked for; None where nothing is chosen.

    Before 1.3-rev2 it is the job's model alone that says that a Windows job is one of failover clusters.
    """
    layout = layout_of(kind)
    if layout is None:
        return None
    if setting is SettingsField.OBJECTS:
        is_of_clusters = str((model or {}).get("agentType")).casefold() == _OF_CLUSTERS
        source = Source.CLUSTERS if layout.source is Source.WINDOWS and is_of_clusters else layout.source
        return source if layout.objects else None
    if setting is SettingsField.EXCLUDES:
        return layout.source if layout.excludes else None
    if setting not in layout.references:
        return None
    return {SettingsField.TENANT: Source.TENANTS, SettingsField.PRIMARY_JOB: Source.JOBS}.get(
        setting, layout.source
    )


def references_of(kind: str) -> tuple[SettingsField, ...]:
    """The fields of this type that name one thing, in the order of `SettingsField`."""
    layout = layout_of(kind)
    return tuple(each for each in SettingsField if layout is not None and each in layout.references)


def names_jobs_of_type(kind: str, other: str, revision: Revision) -> bool:
    """Whether a job of this type may name one of the other type, to copy or to check it."""
    layout = layout_in(kind, revision)
    return layout is not None and job_type_key(other) in {*layout.named_job_types, *layout.objects_elsewhere}


def demands(kind: str, setting: SettingsField) -> bool:
    """Whether no job of this type can be without such a reference."""
    layout = layout_of(kind)
    return layout is not None and setting in layout.demanded_references


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
        excludes=_excludes(raw, layout),
        references=_references(raw, layout),
        repository_id=text_at(raw, layout.repository),
        retention=_retention(raw, layout.retention),
        gfs=_gfs(raw, layout),
        schedule=job_schedules.schedule_in(raw, layout),
        retry=job_schedules.retry_in(raw, layout),
        window=job_schedules.window_in(raw, layout),
        guest=_guest(raw, layout) if layout.has_guest else None,
        compression=text_at(raw, layout.advanced.get(SettingsField.COMPRESSION, ())),
        encryption=encryption_in(raw, layout.advanced.get(SettingsField.ENCRYPTION, ())),
        active_full=task_days_in(raw, layout.advanced.get(SettingsField.ACTIVE_FULL, ())),
        synthetic_full=task_days_in(raw, layout.advanced.get(SettingsField.SYNTHETIC_FULL, ())),
        health_check=task_days_in(raw, layout.advanced.get(SettingsField.HEALTH_CHECK, ())),
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
        case SettingsField.OBJECTS | SettingsField.EXCLUDES:
            is_other = set(old) != set(new)
        case SettingsField.REPOSITORY | SettingsField.COMPRESSION:
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
    """Whether less is backed up after it, more rarely by itself, or kept for a shorter time or less safely.

    A retention that is counted in another unit may be shorter, and counts as that.
    """
    before, after = change.before, change.after
    match change.part:
        case SettingsField.OBJECTS:
            return not set(before) <= set(after)
        case SettingsField.EXCLUDES:
            return not set(after) <= set(before)
        case SettingsField.GFS:
            return any(new < old for old, new in zip(before.numbers, after.numbers, strict=True))
        case SettingsField.RETENTION:
            is_same_unit = before.unit.casefold() == after.unit.casefold()
            return not is_same_unit or after.quantity < before.quantity
        case SettingsField.SCHEDULE:
            return before.rhythm is not Rhythm.BY_HAND and after.rhythm is Rhythm.BY_HAND
        case SettingsField.RETRY:
            return bool(after.count < before.count)
        case SettingsField.WINDOW:
            return not before.hours <= after.hours
        case _ if change.part in {SettingsField.ENCRYPTION, *TASKS}:
            return bool(before.is_on and not after.is_on)
        case _:
            return False


def same_settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two reads of a job have the same settings. Missing and null are the same."""
    return _canonical(a) == _canonical(b)


def settings_fingerprint(raw: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the job's settings: equal for reads that are the `same_settings`."""
    return hashlib.sha256(_canonical(raw).encode()).hexdigest()


def _objects(raw: Mapping[str, Any], layout: Layout) -> tuple[JobObject, ...] | None:
    lists = [listed for path in object_lists(layout) if isinstance(listed := value_at(raw, path), list)]
    copies_repositories = layout.source is Source.JOBS and any(
        value_at(raw, (*layout.objects[:-1], other)) for other in ("repositories", "backups")
    )
    if not lists or copies_repositories:
        return None
    return tuple(JobObject(item) for listed in lists for item in listed if isinstance(item, Mapping))


def object_lists(layout: Layout) -> tuple[KeyPath, ...]:
    """The lists of a job's objects, each once."""
    return tuple(dict.fromkeys((layout.objects, *layout.objects_elsewhere.values())))


def _excludes(raw: Mapping[str, Any], layout: Layout) -> tuple[JobObject, ...] | None:
    if not isinstance(value_at(raw, layout.excludes[:-2]), Mapping):
        return None
    listed = value_at(raw, layout.excludes)
    return tuple(JobObject(item) for item in listed or () if isinstance(item, Mapping))


def _references(raw: Mapping[str, Any], layout: Layout) -> dict[SettingsField, JobObject]:
    found: dict[SettingsField, JobObject] = {}
    for setting, path in layout.references.items():
        value = value_at(raw, path)
        if isinstance(value, Mapping) and value:
            found[setting] = JobObject(value)
        elif isinstance(value, str) and value:
            found[setting] = JobObject.of_id(value)
    return found


def _gfs(raw: Mapping[str, Any], layout: Layout) -> Gfs | None:
    """The GFS; None where the type, or the type in the server's revision, has none."""
    policy = value_at(raw, layout.gfs)
    if not isinstance(policy, Mapping):
        has_place = layout.has_gfs_everywhere and isinstance(value_at(raw, layout.gfs[:-1]), Mapping)
        return Gfs() if has_place and policy is None else None
    if flag_at(policy, ("isEnabled",)) is not True:
        return Gfs()
    numbers = {
        name: number_at(policy, (block, key)) if flag_at(policy, (block, "isEnabled")) is True else None
        for name, (block, key) in GFS_BLOCKS.items()
    }
    return Gfs(**numbers)


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
    credentials = value_at(raw, ("guestProcessing", "guestCredentials"))
    if not isinstance(credentials, Mapping) or layout.credentials is None:
        return GuestProcessing(is_aware)
    place = credentials_place(credentials, layout.credentials)
    if place.deferring_flag is not None and credentials.get(place.deferring_flag) is True:
        return GuestProcessing(is_aware)
    return GuestProcessing(is_aware, text_at(credentials, place.id), text_at(credentials, place.type))


def credentials_place(credentials: Mapping[str, Any], place: CredentialsPlace) -> CredentialsPlace:
    """Where these guest credentials name the account: 1.2-rev1 has it beside the flag of later revisions."""
    is_flat = place.type and "credentialsId" in credentials
    return FLAT_CREDENTIALS if is_flat else place


def _canonical(raw: Mapping[str, Any]) -> str:
    return json.dumps(_essence(raw), sort_keys=True, separators=(",", ":"))


def _essence(value: Any) -> Any:
    if isinstance(value, Mapping):
        is_object = "platform" in value or "inventoryObject" in value
        ignored = _VOLATILE if is_object else frozenset()
        return {key: _essence(one) for key, one in value.items() if one is not None and key not in ignored}
    return [_essence(one) for one in value] if isinstance(value, list) else value
