"""Settings as one person may see them: without names of jobs that the person may not know of."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from bot.operations.job_settings.entries import OUT_OF_SIGHT
from bot.operations.roles import Sight
from bot.settings import ServerName
from bot.veeam import JobObject, JobSettings, Schedule, SettingsChange, SettingsField


def settings_seen(sight: Sight, server: ServerName, settings: JobSettings) -> JobSettings:
    """Return the settings without names of jobs out of sight."""
    if sight.sees_all(server):
        return settings
    return replace(
        settings,
        objects=_seen(sight, server, SettingsField.OBJECTS, settings.objects),
        schedule=_seen(sight, server, SettingsField.SCHEDULE, settings.schedule),
    )


def changes_seen(
    sight: Sight, server: ServerName, changes: Iterable[SettingsChange]
) -> tuple[SettingsChange, ...]:
    """Return the changes without names of jobs out of sight."""
    return tuple(
        SettingsChange(
            change.part,
            _seen(sight, server, change.part, change.before),
            _seen(sight, server, change.part, change.after),
        )
        for change in changes
    )


def _seen(sight: Sight, server: ServerName, part: SettingsField, value: Any) -> Any:
    if part is SettingsField.OBJECTS and isinstance(value, tuple):
        return tuple(_object_seen(sight, server, each) for each in value)
    if part is SettingsField.SCHEDULE and isinstance(value, Schedule) and value.after_job:
        is_seen = sight.sees(server, value.after_job)
        return value if is_seen else replace(value, after_job=OUT_OF_SIGHT)
    return value


def _object_seen(sight: Sight, server: ServerName, item: JobObject) -> JobObject:
    """A copied job is bound by its ID: without its name it is the same object."""
    is_job = not item.platform and not item.host_name and item.object_id != ""
    if not is_job or sight.sees(server, item.name):
        return item
    return JobObject({**item.raw, "name": OUT_OF_SIGHT})
