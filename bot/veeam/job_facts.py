"""What a JobModel says that people want to read of a job, whatever its type and revision.

Reading never raises: what is missing, null or of an odd type is left out, an unknown word stays as received.
Nothing here is ever sent. A part whose `isEnabled` is false is off, whatever stands beside it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from bot.veeam.advanced_settings import KeySource, TaskDays, task_days_in
from bot.veeam.decoding import known
from bot.veeam.job_layouts import (
    OWN_ENCRYPTION,
    SYNTHETIC_FULLS,
    KeyPath,
    flag_at,
    number_at,
    text_at,
    value_at,
)
from bot.veeam.job_schedules import Hours, read_hours
from bot.veeam.job_settings import GFS_BLOCKS, Retention, settings_of
from bot.veeam.jobs import Job, RetentionUnit, RetryPolicy

_OBJECTS: tuple[KeyPath, ...] = (
    ("virtualMachines", "includes"),
    ("computers",),
    ("objects",),
    ("sources",),
)
_COPIED = ("sourceObjects", "includes")
_LEFT_OUT = ("virtualMachines", "excludes")
_NOT_COPIED = ("sourceObjects", "excludes")
_NOT_SCANNED = ("linkedJobs", "excludes")
_AGENT_FILES = ("files", "advancedSettings")
_MASKS = ("exclusionMask", "exclusionPathMask", "exclusionTagMask")
"""Of each share or bucket."""
_SCANNED: tuple[KeyPath, ...] = (("linkedJobs", "includes"), ("unstructuredLinkedJobs", "includes"))
_FULLS = {"active": "activeFulls", "synthetic": SYNTHETIC_FULLS}
"""Where full backups beside the first are scheduled."""
_TENANTS: tuple[KeyPath, ...] = (("storage", "tenantId"), ("tenant", "tenantId"))
_STORES: tuple[KeyPath, ...] = (("storage",), ("target",), ("backupRepository",), ())
"""Where retention, GFS and advanced settings stand, by type."""
_ADVANCED: tuple[KeyPath, ...] = (
    *((*store, "advancedSettings") for store in _STORES[:-1]),
    ("jobSettings", "advancedSettings"),
)
_ENCRYPTION: tuple[KeyPath, ...] = (("storageData", "encryption"), ("encryption",))
_COMPRESSION: tuple[KeyPath, ...] = (("storageData", "compressionLevel"), ("traffic", "compressionLevel"))
_NAMES = ("name", "path", "container")
_IDS = ("id", "objectId", "fileServerId", "objectStorageServerId", "entityId")


class ItemKind(Enum):
    """What a job includes or leaves out."""

    OBJECT = auto()
    DISKS = auto()
    """Some disks of the object of that name."""
    JOB = auto()
    """Another job, which is copied."""
    REPOSITORY = auto()
    BACKUP = auto()
    TENANT = auto()
    MASK = auto()
    """Files or objects by a pattern of their paths or tags."""


@dataclass(frozen=True)
class JobItem:
    """One of them. `name` is empty where the model has an ID alone; `type` is as received."""

    kind: ItemKind
    name: str = ""
    id: str = ""
    type: str = ""
    place: str = ""
    """The host or the server that it is on."""


@dataclass(frozen=True)
class Daily:
    """Every day, on weekdays or on some days (EDailyKinds, as received); `at` is the server's local time."""

    kind: str
    at: str | None
    days: tuple[str, ...] = ()


@dataclass(frozen=True)
class Monthly:
    """On a day of the month, by its number or as `number` (EDayNumberInMonth) `weekday`. No `months`: all."""

    at: str | None
    number: str = ""
    weekday: str = ""
    day: int | None = None
    is_last_day: bool = False
    months: tuple[str, ...] = ()


@dataclass(frozen=True)
class Periodic:
    """Every so many hours, minutes, seconds or days (EPeriodicallyKinds, as received)."""

    frequency: int
    unit: str


@dataclass(frozen=True)
class Continuous:
    """Again as soon as a run has ended."""


@dataclass(frozen=True)
class AfterJob:
    """After another job; without a name where that is not known, or not to be shown."""

    name: str


@dataclass(frozen=True)
class AsPointsAppear:
    """A copy that takes restore points as they are made."""


Timing = Daily | Monthly | Periodic | Continuous | AfterJob | AsPointsAppear


@dataclass(frozen=True)
class ScheduleFacts:
    """When a job runs by itself. `is_automatic` is None where the model does not say.

    `retry` is None where it is not retried, or says nothing. `window`: it runs in these hours alone, by day.
    """

    is_automatic: bool | None = None
    timings: tuple[Timing, ...] = ()
    retry: RetryPolicy | None = None
    window: tuple[tuple[str, Hours], ...] = ()


@dataclass(frozen=True)
class JobFacts:
    """A job's settings. None and empty: its type has no such thing, or the model does not say."""

    items: tuple[JobItem, ...] = ()
    left_out: tuple[JobItem, ...] = ()
    leaves_templates_out: bool = False
    scope: str | None = None
    """What of a computer (EAgentBackupJobMode), as received."""
    target: str | None = None
    """The host that replicas are made on."""
    retention: Retention | None = None
    is_kept_as_primary: bool = False
    """Restore points are kept as the job's that it copies."""
    gfs: tuple[tuple[str, int], ...] = ()
    """How many weeks, months or years long-term restore points are kept: `weekly`, `monthly`, `yearly`."""
    is_encrypted: bool | None = None
    encryption_key: KeySource | None = None
    """What kind of key it is encrypted with."""
    compression: str | None = None
    """ECompressionLevel, as received."""
    full_backups: tuple[tuple[str, TaskDays], ...] = ()
    """The kinds of full backups that are made now and then, `active` and `synthetic`, and on which days."""
    is_health_checked: bool | None = None
    reads_jobs: bool = False
    """Whether it looks through what other jobs have backed up, and backs nothing up itself."""
    is_application_aware: bool | None = None
    guest_account_id: str | None = None
    """The credentials that application-aware processing uses, where the job names its own."""
    guest_account: str | None = None
    """What VBR calls them; None where that isn't known, or not for everybody."""
    is_indexed: bool | None = None
    is_high_priority: bool | None = None
    runs_scripts: bool = False
    schedule: ScheduleFacts = ScheduleFacts()


def job_facts(job: Job) -> JobFacts:
    """Read a JobModel."""
    raw = job.raw
    guest = ("guestProcessing",)
    use_own = flag_at(raw, ("useCustomRetention",))
    guests = settings_of(raw).guest
    is_encrypted, encryption_key = _encryption(raw)
    return JobFacts(
        items=tuple(_items(raw)),
        left_out=tuple(_excluded(raw)),
        leaves_templates_out=flag_at(raw, (*_LEFT_OUT, "templates", "isEnabled")) is True,
        scope=text_at(raw, ("backupMode",)),
        target=text_at(raw, ("destination", "host", "name")),
        retention=None if use_own is False else _retention(raw),
        is_kept_as_primary=use_own is False,
        gfs=tuple(_gfs(raw)),
        is_encrypted=is_encrypted,
        encryption_key=encryption_key,
        compression=next(filter(None, (_first_text(raw, path) for path in _COMPRESSION)), None),
        full_backups=tuple(_full_backups(raw)),
        is_health_checked=_first_flag(raw, ("backupHealth", "isEnabled")),
        reads_jobs=any(_rows(raw, path) for path in _SCANNED),
        is_application_aware=flag_at(raw, (*guest, "appAwareProcessing", "isEnabled")),
        guest_account_id=guests.credentials_id if guests is not None else None,
        is_indexed=flag_at(raw, (*guest, "guestFSIndexing", "isEnabled")),
        is_high_priority=flag_at(raw, ("isHighPriority",)),
        runs_scripts=any(
            flag_at(raw, (*place, "scripts", command, "isEnabled"))
            for place in _ADVANCED
            for command in ("preCommand", "postCommand")
        ),
        schedule=_schedule(job),
    )


def _items(raw: Mapping[str, Any]) -> Iterator[JobItem]:
    for path in _OBJECTS:
        yield from (_item(ItemKind.OBJECT, row) for row in _rows(raw, path))
    for key, kind in (
        ("jobs", ItemKind.JOB),
        ("repositories", ItemKind.REPOSITORY),
        ("backups", ItemKind.BACKUP),
    ):
        yield from (_item(kind, row) for row in _rows(raw, (*_COPIED, key)))
    for path in _SCANNED:
        yield from (_item(ItemKind.JOB, row) for row in _rows(raw, path))
    if (primary := text_at(raw, ("primaryJobId",))) is not None:
        yield JobItem(ItemKind.JOB, id=primary)
    for path in _TENANTS:
        if (tenant := text_at(raw, path)) is not None:
            yield JobItem(ItemKind.TENANT, id=tenant)


def _excluded(raw: Mapping[str, Any]) -> Iterator[JobItem]:
    yield from (_item(ItemKind.OBJECT, row) for row in _rows(raw, (*_LEFT_OUT, "vms")))
    for row in _rows(raw, (*_LEFT_OUT, "disks")):
        machine = row.get("vmObject")
        if isinstance(machine, Mapping):
            yield _item(ItemKind.DISKS, machine)
    yield from (_item(ItemKind.JOB, row) for row in _rows(raw, (*_NOT_COPIED, "jobs")))
    yield from (_item(ItemKind.OBJECT, row) for row in _rows(raw, (*_NOT_COPIED, "objects")))
    yield from (_item(ItemKind.OBJECT, row) for row in _rows(raw, _NOT_SCANNED))
    for mask in dict.fromkeys(filter(None, _masks(raw))):
        yield JobItem(ItemKind.MASK, mask)


def _masks(raw: Mapping[str, Any]) -> Iterator[str]:
    """What files are left out by: masks of paths and tags, some of them as texts, by the revision."""
    found = [value_at(raw, (*_AGENT_FILES, "excludeMasks"))]
    for row in _rows(raw, ("objects",)):
        found += [row.get(key) for key in _MASKS]
    for masks in found:
        for mask in masks if isinstance(masks, list) else ():
            if isinstance(mask, str):
                yield mask
            elif isinstance(mask, Mapping):
                named = (text_at(mask, (key,)) for key in ("path", "name", "value"))
                yield "=".join(filter(None, named))
    if flag_at(raw, (*_AGENT_FILES, "excludeOneDrive")) is True:
        yield "OneDrive"


def _item(kind: ItemKind, row: Mapping[str, Any]) -> JobItem:
    inner = row.get("inventoryObject")
    thing = inner if isinstance(inner, Mapping) else row
    name = next((text for key in _NAMES if (text := text_at(thing, (key,))) is not None), "")
    identity = next((text for key in _IDS if (text := text_at(thing, (key,))) is not None), "")
    return JobItem(kind, name, identity, text_at(thing, ("type",)) or "", text_at(thing, ("hostName",)) or "")


def _retention(raw: Mapping[str, Any]) -> Retention | None:
    points = number_at(raw, ("jobSettings", "restorePointsToKeep"))
    if points is not None:
        return Retention(RetentionUnit.RESTORE_POINTS.value, points)
    for store in _STORES:
        unit = text_at(raw, (*store, "retentionPolicy", "type"))
        quantity = number_at(raw, (*store, "retentionPolicy", "quantity"))
        if unit is not None and quantity is not None:
            return Retention(unit, quantity)
    return None


def _gfs(raw: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for store in _STORES:
        policy = (*store, "gfsPolicy")
        if flag_at(raw, (*policy, "isEnabled")) is not True:
            continue
        for period, key in GFS_BLOCKS.values():
            kept = number_at(raw, (*policy, period, key))
            if kept is not None and flag_at(raw, (*policy, period, "isEnabled")) is True:
                yield period, kept


def _first_text(raw: Mapping[str, Any], path: KeyPath) -> str | None:
    """What the advanced settings say there, wherever the type keeps them."""
    found = (text_at(raw, (*place, *path)) for place in _ADVANCED)
    return next((text for text in found if text is not None), None)


def _first_flag(raw: Mapping[str, Any], path: KeyPath) -> bool | None:
    found = (flag_at(raw, (*place, *path)) for place in _ADVANCED)
    return next((flag for flag in found if flag is not None), None)


def _full_backups(raw: Mapping[str, Any]) -> Iterator[tuple[str, TaskDays]]:
    for kind, name in _FULLS.items():
        read = (task_days_in(raw, (*place, name)) for place in _ADVANCED)
        if (days := next((each for each in read if each is not None and each.is_on), None)) is not None:
            yield kind, days


def _encryption(raw: Mapping[str, Any]) -> tuple[bool | None, KeySource | None]:
    """Whether backups are encrypted. A copy's own setting counts only where it says that it has one."""
    places = [(*advanced, *path) for advanced in _ADVANCED for path in _ENCRYPTION]
    if flag_at(raw, ("useCustomEncryption",)) is True:
        places.append(OWN_ENCRYPTION)
    said = {path: flag for path in places if (flag := flag_at(raw, (*path, "isEnabled"))) is not None}
    key = next((text_at(raw, (*path, "encryptionType")) for path, is_on in said.items() if is_on), None)
    return (any(said.values()) if said else None), known(KeySource, key)


def _schedule(job: Job) -> ScheduleFacts:
    schedule = job.raw.get("schedule")
    if not isinstance(schedule, Mapping):
        return ScheduleFacts()
    kind = (text_at(schedule, ("type",)) or "").casefold()
    if kind in {"immediate", "continuous", "custom"}:
        places: list[KeyPath] = [("backupWindow",), ("customWindow", "backupWindow")]
        return ScheduleFacts(True, (AsPointsAppear(),), window=_first_window(schedule, places))
    retry = job.retry
    places = [
        (name, "backupWindow")
        for name in ("backupWindow", "periodically", "continuously")
        if _is_on(schedule, name)
    ]
    return ScheduleFacts(
        is_automatic=job.runs_automatically,
        timings=tuple(_timings(schedule)) if job.runs_automatically is not False else (),
        retry=retry if retry is not None and retry.enabled else None,
        window=_first_window(schedule, places),
    )


def _timings(schedule: Mapping[str, Any]) -> Iterator[Timing]:
    if _is_on(schedule, "daily"):
        daily = schedule["daily"]
        yield Daily(text_at(daily, ("dailyKind",)) or "", _at(daily), _texts(daily.get("days")))
    if _is_on(schedule, "monthly"):
        monthly = schedule["monthly"]
        yield Monthly(
            at=_at(monthly),
            number=text_at(monthly, ("dayNumberInMonth",)) or "",
            weekday=text_at(monthly, ("dayOfWeek",)) or "",
            day=number_at(monthly, ("dayOfMonth",)),
            is_last_day=flag_at(monthly, ("isLastDayOfMonth",)) is True,
            months=_texts(monthly.get("months")),
        )
    if _is_on(schedule, "periodically"):
        frequency = number_at(schedule, ("periodically", "frequency"))
        unit = text_at(schedule, ("periodically", "periodicallyKind"))
        if frequency is not None and unit is not None:
            yield Periodic(frequency, unit)
    if _is_on(schedule, "continuously"):
        yield Continuous()
    if _is_on(schedule, "afterThisJob"):
        yield AfterJob(text_at(schedule, ("afterThisJob", "jobName")) or "")


def _at(block: Mapping[str, Any]) -> str | None:
    """The hour and the minute, as "9:00" and "22:00:00" are written, too; what is no such time, as it is."""
    text = text_at(block, ("localTime",))
    if text is None:
        return None
    hour, _, rest = text.partition(":")
    minute = rest[:2]
    return f"{int(hour):02}:{minute}" if hour.isdecimal() and minute.isdecimal() else text


def _first_window(schedule: Mapping[str, Any], paths: Iterable[KeyPath]) -> tuple[tuple[str, Hours], ...]:
    """The first window that leaves an hour out."""
    for path in paths:
        days = tuple(_days(schedule, path))
        if not all(all(hours) for _, hours in days):
            return days
    return ()


def _days(schedule: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[str, Hours]]:
    for row in _rows(schedule, (*path, "days")):
        day, hours = text_at(row, ("day",)), read_hours(row.get("hours"))
        if day is not None and hours is not None:
            yield day, hours


def _is_on(schedule: Mapping[str, Any], name: str) -> bool:
    return flag_at(schedule, (name, "isEnabled")) is True


def _rows(raw: Mapping[str, Any], path: KeyPath) -> list[Mapping[str, Any]]:
    listed = value_at(raw, path)
    return [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []


def _texts(listed: object) -> tuple[str, ...]:
    return tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()
