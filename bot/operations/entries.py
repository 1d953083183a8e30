"""What somebody entered in the form of a job."""

from dataclasses import dataclass, replace
from typing import TypeVar

from bot.veeam import Guest, JobObject, JobSettings, Retention, Schedule

T = TypeVar("T", str, str | None)


@dataclass(frozen=True, slots=True)
class JobEntries:
    """What was entered about a job. None: the form did not ask for it.

    `object_keys` are those of the objects that stood in the menu. A retention without a unit is counted as
    before.
    """

    name: str
    description: str | None = None
    is_high_priority: bool | None = None
    object_keys: tuple[str, ...] | None = None
    repository_id: str | None = None
    retention: Retention | None = None
    schedule: Schedule | None = None
    guest: Guest | None = None

    def over(self, settings: JobSettings, objects: tuple[JobObject, ...] | None) -> JobSettings:
        """Return the settings with what was entered; `objects` are those that the keys stand for."""
        retention = self.retention
        if retention is not None and not retention.unit and settings.retention is not None:
            retention = replace(retention, unit=settings.retention.unit)
        return JobSettings(
            name=_unless_same(settings.name, self.name.strip()),
            description=_unless_same(settings.description, self.description),
            is_high_priority=(
                settings.is_high_priority if self.is_high_priority is None else self.is_high_priority
            ),
            objects=settings.objects if objects is None else objects,
            repository_id=settings.repository_id if self.repository_id is None else self.repository_id,
            retention=retention or settings.retention,
            schedule=self.schedule or settings.schedule,
            guest=self.guest or settings.guest,
        )


def _unless_same(before: T, entered: str | None) -> T | str:
    """What was entered; what stood there before where only blanks differ, for fields change those."""
    if entered is None or _words(entered) == _words(before or ""):
        return before
    return entered


def _words(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
