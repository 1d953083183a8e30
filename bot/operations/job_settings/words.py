"""Settings of a job in plain words: the same for the form's summary, the answer and the audit record."""

from collections.abc import Mapping
from typing import Any, assert_never

from bot.veeam import (
    GuestProcessing,
    JobObject,
    Retention,
    RetentionUnit,
    Rhythm,
    Schedule,
    SettingsChange,
    SettingsField,
    known,
)

Names = Mapping[str, str]
"""What people call repositories and credentials, by ID in lower case."""

TITLES = {
    SettingsField.NAME: "Name",
    SettingsField.DESCRIPTION: "Description",
    SettingsField.PRIORITY: "Priority",
    SettingsField.OBJECTS: "Objects",
    SettingsField.REPOSITORY: "Repository",
    SettingsField.RETENTION: "Retention",
    SettingsField.SCHEDULE: "Schedule",
    SettingsField.GUEST: "Guest processing",
}
OBJECTS_NAMED = 10
_TEXT_NAMED = 200
_UNITS = {
    RetentionUnit.DAYS: ("day", "days"),
    RetentionUnit.RESTORE_POINTS: ("restore point", "restore points"),
    RetentionUnit.MONTHS: ("month", "months"),
    RetentionUnit.YEARS: ("year", "years"),
}
_OBJECT_CHANGES_NAMED = 6


def change_in_words(change: SettingsChange, names: Names) -> str:
    """What a part was, and what it becomes: "Retention: 14 days → 30 days"."""
    title = TITLES[change.part]
    if change.part is SettingsField.OBJECTS:
        return f"{title}: {_object_changes(change.before, change.after)}"
    before, after = (in_words(change.part, value, names) for value in (change.before, change.after))
    return f"{title}: {before} → {after}"


def in_words(part: SettingsField, value: Any, names: Names) -> str:
    """What stands for a part of the settings; "nothing" where it is empty."""
    match part:
        case SettingsField.NAME | SettingsField.DESCRIPTION:
            said = str(value or "")
            return f"{said[:_TEXT_NAMED]}…" if len(said) > _TEXT_NAMED else said or "nothing"
        case SettingsField.PRIORITY:
            return "high" if value else "normal"
        case SettingsField.OBJECTS:
            return _objects(value)
        case SettingsField.REPOSITORY:
            return named(value, names) or "none"
        case SettingsField.RETENTION:
            return _retention(value)
        case SettingsField.SCHEDULE:
            return _schedule(value)
        case SettingsField.GUEST:
            return _guest(value, names)
        case _:
            assert_never(part)


def named(identity: str, names: Names) -> str:
    """What people call a thing with this ID; the ID where nobody told."""
    return names.get(identity.casefold(), identity)


def _objects(objects: tuple[JobObject, ...]) -> str:
    shown = ", ".join(each.name for each in objects[:OBJECTS_NAMED])
    more = len(objects) - OBJECTS_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown or "nothing"


def _object_changes(before: tuple[JobObject, ...], after: tuple[JobObject, ...]) -> str:
    added = [f"+ {each.name}" for each in after if each not in before]
    removed = [f"- {each.name}" for each in before if each not in after]
    changes = [*added, *removed]
    more = len(changes) - _OBJECT_CHANGES_NAMED
    return ", ".join([*changes[:_OBJECT_CHANGES_NAMED], *([f"{more:,} more changes"] if more > 0 else [])])


def _retention(retention: Retention) -> str:
    unit = known(RetentionUnit, retention.unit)
    one, many = _UNITS.get(unit, (retention.unit, retention.unit)) if unit else (retention.unit,) * 2
    return f"{retention.quantity:,} {one if retention.quantity == 1 else many}"


def _schedule(schedule: Schedule) -> str:
    at = f" at {schedule.at:%H:%M}" if schedule.at else ""
    match schedule.rhythm:
        case Rhythm.BY_HAND:
            return "by hand only"
        case Rhythm.EVERY_DAY:
            return f"every day{at}"
        case Rhythm.WEEKDAYS:
            return f"Monday to Friday{at}"
        case Rhythm.CHOSEN_DAYS:
            return f"{', '.join(day.capitalize() for day in schedule.days)}{at}"
        case Rhythm.AFTER_JOB:
            return f"after {schedule.after_job}"
        case Rhythm.OTHER:
            return "as it is set in VBR"
        case _:
            assert_never(schedule.rhythm)


def _guest(guest: GuestProcessing, names: Names) -> str:
    if not guest.is_application_aware:
        return "off"
    if guest.credentials_id is None:
        return "application-aware"
    return f"application-aware with {named(guest.credentials_id, names)}"
