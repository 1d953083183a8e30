"""When a job runs by itself: reading a BackupScheduleModel and changing it in place.

The console lets one of its blocks be enabled, the document doesn't say what several would mean. What is not
one of the plain rhythms is read as `Rhythm.OTHER` and kept as it is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Any

from bot.veeam.job_layouts import Layout, ScheduleForm, value_at
from bot.veeam.models import Weekday, known
from bot.veeam.revisions import Revision

_BLOCKS = ("daily", "monthly", "periodically", "continuously", "afterThisJob")
_LOCAL_TIME = re.compile(r"(\d{1,2}):(\d\d)((?::\d\d(?:\.\d+)?)?)", re.ASCII)


class Rhythm(StrEnum):
    """How it is decided when a job runs."""

    BY_HAND = "by_hand"
    EVERY_DAY = "every_day"
    WEEKDAYS = "weekdays"
    """Monday to Friday."""
    CHOSEN_DAYS = "chosen_days"
    AFTER_JOB = "after_job"
    OTHER = "other"
    """Monthly, periodically, continuously, immediate copies, several at once, anything not understood."""


class _DailyKind(StrEnum):
    EVERY_DAY = "Everyday"
    WEEKDAYS = "WeekDays"
    SELECTED_DAYS = "SelectedDays"


_RHYTHM_OF = {
    _DailyKind.EVERY_DAY: Rhythm.EVERY_DAY,
    _DailyKind.WEEKDAYS: Rhythm.WEEKDAYS,
    _DailyKind.SELECTED_DAYS: Rhythm.CHOSEN_DAYS,
}
_KIND_OF = {rhythm: kind for kind, rhythm in _RHYTHM_OF.items()}
DAILY = frozenset(_KIND_OF)


@dataclass(frozen=True)
class Schedule:
    """When a job runs. `at` is the server's local time, to the minute; `days` are in the order of the week.

    `after_job` is a job's name. What the rhythm doesn't use is None or empty.
    """

    rhythm: Rhythm
    at: time | None = None
    days: tuple[Weekday, ...] = ()
    after_job: str | None = None

    @property
    def essence(self) -> tuple[object, ...]:
        """What it says, without what its rhythm doesn't use."""
        at = self.at and self.at.replace(second=0, microsecond=0)
        used = {
            Rhythm.EVERY_DAY: (at,),
            Rhythm.WEEKDAYS: (at,),
            Rhythm.CHOSEN_DAYS: (at, frozenset(self.days)),
            Rhythm.AFTER_JOB: (self.after_job,),
        }
        return (self.rhythm, *used.get(self.rhythm, ()))


def schedule_in(model: Mapping[str, Any], layout: Layout) -> Schedule | None:
    """The schedule of a JobModel; None where the model carries none."""
    schedule = model.get("schedule")
    if not isinstance(schedule, Mapping):
        return None
    if not _is_backup_schedule(schedule, layout):
        return Schedule(Rhythm.OTHER)
    runs = schedule.get("runAutomatically")
    if runs is None or runs is False:
        return Schedule(Rhythm.BY_HAND)
    return _automatic(schedule) if runs is True else Schedule(Rhythm.OTHER)


def rhythms_for(model: Mapping[str, Any], layout: Layout) -> tuple[Rhythm, ...]:
    """What the schedule could be changed to or kept as; OTHER only where it is that already."""
    read = schedule_in(model, layout)
    if read is None:
        return ()
    plain = choosable(layout)
    kept = (Rhythm.OTHER,) if read.rhythm is Rhythm.OTHER else ()
    return (*plain, *kept) if _is_backup_schedule(model["schedule"], layout) else kept


def choosable(layout: Layout) -> tuple[Rhythm, ...]:
    """What the schedule of a new job of a type can be."""
    if layout.schedule is ScheduleForm.CONTINUOUS:
        return ()
    left_out = {Rhythm.OTHER} | ({Rhythm.AFTER_JOB} if layout.schedule is ScheduleForm.DAILY else set())
    return tuple(rhythm for rhythm in Rhythm if rhythm not in left_out)


def reschedule(model: dict[str, Any], wanted: Schedule, layout: Layout, revision: Revision) -> None:
    """Change the schedule in this model: exactly one block enabled, the others' values kept, switched off.

    Retries and the backup window stay. Where the job can't follow the rhythm, nothing changes.
    """
    if wanted.rhythm not in rhythms_for(model, layout) or wanted.rhythm is Rhythm.OTHER:
        return
    schedule = model["schedule"]
    schedule["runAutomatically"] = wanted.rhythm is not Rhythm.BY_HAND
    if wanted.rhythm is Rhythm.BY_HAND:
        return
    chosen = "afterThisJob" if wanted.rhythm is Rhythm.AFTER_JOB else "daily"
    for name in _BLOCKS:
        if isinstance(schedule.get(name), dict):
            schedule[name]["isEnabled"] = name == chosen
        elif name == chosen:
            schedule[name] = {"isEnabled": True}
    if chosen == "afterThisJob":
        schedule[chosen]["jobName"] = wanted.after_job
    else:
        _set_daily(schedule[chosen], wanted, revision)


def _is_backup_schedule(schedule: Mapping[str, Any], layout: Layout) -> bool:
    if layout.schedule is ScheduleForm.BY_MODE:
        return str(schedule.get("type")).casefold() == "periodic"
    return layout.schedule in {ScheduleForm.PLAIN, ScheduleForm.DAILY}


def _automatic(schedule: Mapping[str, Any]) -> Schedule:
    blocks = {name: block for name in _BLOCKS if (block := schedule.get(name)) is not None}
    flags = [value_at(blocks, (name, "isEnabled")) for name in blocks]
    if flags.count(True) != 1 or not all(isinstance(flag, bool) for flag in flags):
        return Schedule(Rhythm.OTHER)
    (name,) = (name for name in blocks if blocks[name]["isEnabled"])
    if name == "daily":
        return _daily(blocks[name])
    first = _text(blocks[name].get("jobName")) if name == "afterThisJob" else None
    return Schedule(Rhythm.AFTER_JOB, after_job=first) if first else Schedule(Rhythm.OTHER)


def _daily(block: Mapping[str, Any]) -> Schedule:
    kind, at, days = (_text(block.get("dailyKind")), _minutes(block.get("localTime")), block.get("days"))
    daily = known(_DailyKind, kind)
    if daily is None or at is None:
        return Schedule(Rhythm.OTHER)
    if daily is not _DailyKind.SELECTED_DAYS:
        return Schedule(_RHYTHM_OF[daily], at)
    weekdays = {known(Weekday, _text(day)) for day in days} if isinstance(days, list) else set()
    if not weekdays or None in weekdays:
        return Schedule(Rhythm.OTHER)
    return Schedule(Rhythm.CHOSEN_DAYS, at, tuple(day for day in Weekday if day in weekdays))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _minutes(text: object) -> time | None:
    form = _LOCAL_TIME.fullmatch(text) if isinstance(text, str) else None
    if form is None:
        return None
    try:
        return time(int(form[1]), int(form[2]))
    except ValueError:
        return None


def _set_daily(block: dict[str, Any], wanted: Schedule, revision: Revision) -> None:
    kind = _KIND_OF[wanted.rhythm]
    if known(_DailyKind, _text(block.get("dailyKind"))) is not kind:
        block["dailyKind"] = str(kind)
    if wanted.at is not None:
        block["localTime"] = _written_time(wanted.at, block.get("localTime"))
    if wanted.rhythm is Rhythm.CHOSEN_DAYS:
        block["days"] = _written_days(wanted.days, block.get("days"), revision)


def _written_time(at: time, received: object) -> str:
    form = _LOCAL_TIME.fullmatch(received) if isinstance(received, str) else None
    if form is None:
        return f"{at:%H:%M}"
    if _minutes(form[0]) == at.replace(second=0, microsecond=0):
        return form[0]
    hour = f"{at.hour}" if len(form[1]) == 1 else f"{at:%H}"
    return f"{hour}:{at:%M}{re.sub('[0-9]', '0', form[3])}"


def _written_days(days: tuple[Weekday, ...], received: object, revision: Revision) -> list[str]:
    words = [day for day in received if isinstance(day, str)] if isinstance(received, list) else []
    there = {known(Weekday, word): word for word in words}
    spelled: Callable[[str], str] = revision.spelled
    if words:
        spelled = str.capitalize if words[0][:1].isupper() else str.lower
    return [
        *(word for day, word in there.items() if day in days),
        *(spelled(day) for day in Weekday if day in days and day not in there),
    ]
