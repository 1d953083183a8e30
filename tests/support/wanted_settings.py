"""Settings that a person could ask for a job, part by part, for hypothesis."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import strategies as st

from bot.sandbox.vbr.revision import REVISIONS
from bot.veeam import (
    REFERENCES,
    TASKS,
    BackupWindow,
    Encryption,
    Gfs,
    GuestProcessing,
    JobObject,
    JobSettings,
    MonthDay,
    Period,
    PeriodUnit,
    Retention,
    RetryPolicy,
    Rhythm,
    Schedule,
    SettingsField,
    TaskDays,
    Weekday,
    WeekOfMonth,
    choosable_rhythms,
    retention_units,
    settings_of,
    source_of,
    takes_guest_credentials,
)
from bot.veeam import REVISIONS as FACTS
from tests.support.job_models import NAMES, UUIDS, Model, job_objects

_FIELDS = {SettingsField.PRIORITY: "is_high_priority", SettingsField.REPOSITORY: "repository_id"}
_TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))


def offered(settings: JobSettings) -> list[SettingsField]:
    """The parts that this job has."""
    return [part for part in SettingsField if part not in REFERENCES and settings.part(part) is not None]


@st.composite
def wanted_settings(draw: st.DrawFn, model: Model, revision: str, *parts: SettingsField) -> JobSettings:
    """The job's settings with these parts drawn anew (all that it offers where none are named)."""
    settings = settings_of(model)
    for part in parts or offered(settings):
        new = draw(_NEW[part](model, settings))
        if part in {SettingsField.OBJECTS, SettingsField.EXCLUDES}:
            new = tuple(JobObject(_spelt(item.raw, revision)) for item in new)
        settings = replace(settings, **{_FIELDS.get(part, str(part)): new})
    return settings


def _spelt(raw: Mapping[str, Any], revision: str) -> dict[str, Any]:
    if "platform" not in raw and "id" not in raw:
        names_kinds = FACTS[revision].names_kinds_of_shares
        return {key: value for key, value in raw.items() if key != "type" or names_kinds}
    schema = "InventoryObjectModel" if "platform" in raw else "JobObjectModel"
    spelt: dict[str, Any] = REVISIONS[revision].written(raw, schema)
    return spelt


def _in_order(days: set[Weekday]) -> tuple[Weekday, ...]:
    return tuple(day for day in Weekday if day in days)


_MONTH_DAYS = st.builds(MonthDay, number=st.integers(1, 31)) | st.builds(
    MonthDay, week=st.sampled_from(WeekOfMonth), day=st.sampled_from(Weekday)
)
_DAYS = st.sets(st.sampled_from(Weekday), min_size=1).map(_in_order)
_SCHEDULES = {
    Rhythm.BY_HAND: st.just(Schedule(Rhythm.BY_HAND)),
    Rhythm.EVERY_DAY: st.builds(Schedule, st.just(Rhythm.EVERY_DAY), _TIMES),
    Rhythm.WEEKDAYS: st.builds(Schedule, st.just(Rhythm.WEEKDAYS), _TIMES),
    Rhythm.CHOSEN_DAYS: st.builds(Schedule, st.just(Rhythm.CHOSEN_DAYS), _TIMES, _DAYS),
    Rhythm.MONTHLY: st.builds(Schedule, st.just(Rhythm.MONTHLY), _TIMES, month_day=_MONTH_DAYS),
    Rhythm.PERIODIC: st.builds(
        Schedule,
        st.just(Rhythm.PERIODIC),
        period=st.builds(Period, st.sampled_from(PeriodUnit), st.integers(1, 99)),
    ),
    Rhythm.CONTINUOUS: st.just(Schedule(Rhythm.CONTINUOUS)),
    Rhythm.AFTER_JOB: st.builds(Schedule, st.just(Rhythm.AFTER_JOB), after_job=NAMES),
}


def _schedules(model: Model, settings: JobSettings) -> st.SearchStrategy[Schedule]:
    choosable = [_SCHEDULES[rhythm] for rhythm in choosable_rhythms(model) if rhythm in _SCHEDULES]
    return st.one_of(st.just(settings.schedule or Schedule(Rhythm.OTHER)), *choosable)


@cache
def _new_objects(platform: str) -> st.SearchStrategy[list[JobObject]]:
    return st.lists(job_objects(platform), max_size=2, unique=True)


@cache
def _retentions(kind: str) -> st.SearchStrategy[Retention]:
    return st.builds(Retention, st.sampled_from(retention_units(kind)).map(str), st.integers(1, 28))


@st.composite
def _objects(draw: st.DrawFn, model: Model, settings: JobSettings) -> tuple[JobObject, ...]:
    there = settings.objects or ()
    kept = [item for item in there if draw(st.booleans())]
    new = draw(_new_objects(source_of(model["type"]) or ""))
    return (*kept, *(item for item in new if item not in there))


@st.composite
def _excludes(draw: st.DrawFn, model: Model, settings: JobSettings) -> tuple[JobObject, ...]:
    there = settings.excludes or ()
    new = draw(_new_objects(source_of(model["type"]) or ""))
    return (*there, *(item for item in new if item not in there))


_COUNTS = st.none() | st.integers(1, 99)


@st.composite
def _guest(draw: st.DrawFn, model: Model, settings: JobSettings) -> GuestProcessing:
    before = settings.guest or GuestProcessing(is_application_aware=False)
    is_aware = draw(st.booleans())
    if is_aware and takes_guest_credentials(model["type"]) and draw(st.booleans()):
        return GuestProcessing(is_aware, draw(UUIDS), draw(st.sampled_from(("Standard", "Linux", None))))
    return replace(before, is_application_aware=is_aware)


def _encryptions(_model: Model, settings: JobSettings) -> st.SearchStrategy[Encryption]:
    key = settings.encryption.key if settings.encryption is not None else None
    return st.builds(Encryption, is_on=st.booleans(), key=st.just(key))


_RETRIES = st.builds(
    lambda count, wait: RetryPolicy(enabled=count > 0, count=count, wait_minutes=wait),
    st.integers(0, 5),
    st.integers(1, 60),
)
_WINDOWS = st.just(BackupWindow(is_on=False)) | st.builds(
    BackupWindow.daily, st.integers(0, 11), st.integers(12, 24)
)
_TASKS = st.builds(TaskDays, st.sets(st.sampled_from(Weekday)).map(_in_order))
_NEW: Mapping[SettingsField, Callable[[Model, JobSettings], st.SearchStrategy[Any]]] = {
    SettingsField.NAME: lambda _model, _settings: NAMES,
    SettingsField.DESCRIPTION: lambda _model, _settings: st.text(max_size=20),
    SettingsField.PRIORITY: lambda _model, _settings: st.booleans(),
    SettingsField.OBJECTS: _objects,
    SettingsField.EXCLUDES: _excludes,
    SettingsField.GFS: lambda _model, _settings: st.builds(Gfs, _COUNTS, _COUNTS, _COUNTS),
    SettingsField.REPOSITORY: lambda _model, _settings: UUIDS,
    SettingsField.RETENTION: lambda model, _settings: _retentions(model["type"]),
    SettingsField.SCHEDULE: _schedules,
    SettingsField.RETRY: lambda _model, _settings: _RETRIES,
    SettingsField.WINDOW: lambda _model, _settings: _WINDOWS,
    SettingsField.GUEST: _guest,
    SettingsField.COMPRESSION: lambda _model, _settings: st.sampled_from(("None", "High", "Extreme")),
    SettingsField.ENCRYPTION: _encryptions,
    **dict.fromkeys(TASKS, lambda _model, _settings: _TASKS),
}
