"""What somebody entered in the form of a job."""

import unicodedata
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeVar

from bot.veeam import GuestProcessing, JobObject, JobSettings, Retention, Schedule

T = TypeVar("T", str, str | None)

SHOWN_AT_MOST = 3_000
"""How much of a text a field shows."""
OUT_OF_SIGHT = "a job that you may not see"
"""Said, and carried by a menu's choice, in place of a job's name."""
_LONGEST_VALUE = 150


@dataclass(frozen=True, slots=True)
class JobEntries:
    """What was entered about a job. None: the form did not ask for it.

    `object_keys` are those of the objects that stood in the menu. A retention without a unit is counted as
    before; credentials that are None stay as they are.
    """

    name: str
    description: str | None = None
    is_high_priority: bool | None = None
    object_keys: tuple[str, ...] | None = None
    repository_id: str | None = None
    retention: Retention | None = None
    schedule: Schedule | None = None
    guest: GuestProcessing | None = None

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
            schedule=_schedule(settings.schedule, self.schedule),
            guest=self.guest or settings.guest,
        )


def shown(text: str) -> str:
    """What a field shows of a text: no half surrogate pairs, which cannot be sent, and so much of it."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_half(each) else each for each in text)[:SHOWN_AT_MOST]


def name_value(name: str) -> str:
    """What the choice of a name carries: the name; of one that cannot be carried, what only stands for it."""
    if len(name) <= _LONGEST_VALUE and shown(name) == name:
        return name
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _schedule(before: Schedule | None, entered: Schedule | None) -> Schedule | None:
    """A predecessor whose name the choice does not carry is the one that stood there."""
    if entered is None or before is None or before.after_job is None:
        return entered or before
    if entered.after_job in {OUT_OF_SIGHT, name_value(before.after_job)}:
        return replace(entered, after_job=before.after_job)
    return entered


def _unless_same(before: T, entered: str | None) -> T | str:
    """What was entered; what stood there before where only blanks differ, for fields change those."""
    if entered is None or _words(entered) == _words(shown(before or "")):
        return before
    return entered


def _words(text: str) -> list[str]:
    return ["".join(filter(_is_printed, line)).rstrip() for line in text.strip().splitlines()]


def _is_printed(character: str) -> bool:
    return character == "\t" or unicodedata.category(character) != "Cc"


def _is_half(character: str) -> bool:
    return unicodedata.category(character) == "Cs"
