"""When a job runs by itself: reading a BackupScheduleModel and changing it in place.

The console lets one of its blocks be enabled, the document doesn't say what several would mean. What is not
one of the plain rhythms is read as `Rhythm.OTHER` and kept as it is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from itertools import product
from typing import Any, Self

from bot.veeam.decoding import known
from bot.veeam.job_layouts import KeyPath, Layout, ScheduleForm, dict_at, text_at, value_at
from bot.veeam.jobs import Job, RetryPolicy, Weekday
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
    MONTHLY = "monthly"
    """Once in each month."""
    PERIODIC = "periodic"
    """Every so many minutes, hours or days, counted from midnight."""
    CONTINUOUS = "continuous"
    """Again as soon as a run has ended."""
    AFTER_JOB = "after_job"
    OTHER = "other"
    """Immediate copies, some months only, several kinds at once, anything not understood."""


class _DailyKind(StrEnum):
    EVERY_DAY = "Everyday"
    WEEKDAYS = "WeekDays"
    SELECTED_DAYS = "SelectedDays"


class PeriodUnit(StrEnum):
    """What a period is counted in (EPeriodicallyKinds, as far as people count so)."""

    MINUTES = "Minutes"
    HOURS = "Hours"
    DAYS = "Days"


class WeekOfMonth(StrEnum):
    """Which of a month's days of one name (EDayNumberInMonth, but for OnDay)."""

    FIRST = "First"
    SECOND = "Second"
    THIRD = "Third"
    FOURTH = "Fourth"
    LAST = "Last"


@dataclass(frozen=True)
class MonthDay:
    """A day of each month: by its number, or the first, second, … of its name."""

    number: int | None = None
    week: WeekOfMonth | None = None
    day: Weekday | None = None


@dataclass(frozen=True)
class Period:
    """How often."""

    unit: PeriodUnit
    count: int


Hours = tuple[bool, ...]
"""Whether a job may run, for each of the 24 hours of a day."""
HOURS_OF_A_DAY = 24
_WEEK_LENGTH = 7


@dataclass(frozen=True)
class BackupWindow:
    """In which hours alone a job may run, by day; no days: in hours that only VBR can show."""

    is_on: bool
    days: tuple[tuple[Weekday, Hours], ...] = ()

    @classmethod
    def daily(cls, begin: int, end: int) -> Self:
        """The same hours each day, over midnight where the end is not after the beginning."""
        hours = tuple(
            begin <= hour < end if begin < end else hour >= begin or hour < end
            for hour in range(HOURS_OF_A_DAY)
        )
        return cls(is_on=True, days=tuple((day, hours) for day in Weekday))

    @property
    def daily_range(self) -> tuple[int, int] | None:
        """From which hour to which it may run each day (`daily`); None where that is not one range."""
        each = {hours for _, hours in self.days}
        if len(self.days) != _WEEK_LENGTH or len(each) != 1:
            return None
        (hours,) = each
        if all(hours):
            return (0, HOURS_OF_A_DAY)
        begins = [hour for hour, is_open in enumerate(hours) if is_open and not hours[hour - 1]]
        if len(begins) != 1:
            return None
        end = begins[0] + sum(hours)
        return (begins[0], end if end <= HOURS_OF_A_DAY else end - HOURS_OF_A_DAY)

    @property
    def hours(self) -> frozenset[tuple[Weekday, int]]:
        """When it may run: at any time where that is not known."""
        if not self.days:
            return frozenset(product(Weekday, range(HOURS_OF_A_DAY)))
        return frozenset(
            (day, hour) for day, hours in self.days for hour, is_open in enumerate(hours) if is_open
        )


@dataclass(frozen=True)
class _WindowPlace:
    """Where a schedule has its window: what switches it, by which values; its hours; a flag beside them."""

    switch: KeyPath
    on: str | bool
    off: str | bool
    hours: KeyPath
    flag: KeyPath = ()


_OF_SCHEDULE = _WindowPlace(
    ("backupWindow", "isEnabled"), on=True, off=False, hours=("backupWindow", "backupWindow")
)
_OF_IMMEDIATE_COPY = _WindowPlace(
    ("scheduleMode",), on="BackupWindow", off="Continuous", hours=("backupWindow",)
)
_OF_CONTINUOUS_COPY = _WindowPlace(
    ("type",),
    on="Custom",
    off="Continuous",
    hours=("customWindow", "backupWindow"),
    flag=("customWindow", "isEnabled"),
)
_MOST_READ = 99_999
MOST_RETRIES = 99
LONGEST_WAIT = 999
"""Minutes between retries, at most."""
LONGEST_PERIOD = 9_999
"""So many minutes, hours or days at most."""
LAST_DAY = 31
_ON_DAY = "OnDay"
_MONTHS = 12
_BLOCK_OF = {
    Rhythm.EVERY_DAY: "daily",
    Rhythm.WEEKDAYS: "daily",
    Rhythm.CHOSEN_DAYS: "daily",
    Rhythm.MONTHLY: "monthly",
    Rhythm.PERIODIC: "periodically",
    Rhythm.CONTINUOUS: "continuously",
    Rhythm.AFTER_JOB: "afterThisJob",
}
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
    month_day: MonthDay | None = None
    period: Period | None = None

    @property
    def essence(self) -> tuple[object, ...]:
        """What it says, without what its rhythm doesn't use."""
        at = self.at and self.at.replace(second=0, microsecond=0)
        used = {
            Rhythm.EVERY_DAY: (at,),
            Rhythm.WEEKDAYS: (at,),
            Rhythm.CHOSEN_DAYS: (at, frozenset(self.days)),
            Rhythm.MONTHLY: (at, self.month_day),
            Rhythm.PERIODIC: (self.period,),
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
    left_out = {Rhythm.OTHER}
    if layout.schedule is ScheduleForm.DAILY:
        left_out |= {Rhythm.MONTHLY, Rhythm.PERIODIC, Rhythm.CONTINUOUS, Rhythm.AFTER_JOB}
    elif layout.schedule is ScheduleForm.BY_MODE:
        left_out.add(Rhythm.CONTINUOUS)
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
    chosen = _BLOCK_OF[wanted.rhythm]
    for name in _BLOCKS:
        if isinstance(schedule.get(name), dict):
            schedule[name]["isEnabled"] = name == chosen
        elif name == chosen:
            schedule[name] = {"isEnabled": True}
    if chosen == "afterThisJob":
        schedule[chosen]["jobName"] = wanted.after_job
    elif chosen == "monthly":
        _set_monthly(schedule[chosen], wanted, revision)
    elif chosen == "periodically" and wanted.period is not None:
        schedule[chosen] |= {"periodicallyKind": str(wanted.period.unit), "frequency": wanted.period.count}
    elif chosen == "daily":
        _set_daily(schedule[chosen], wanted, revision)


def retry_in(model: Mapping[str, Any], layout: Layout) -> RetryPolicy | None:
    """The retries of a JobModel, with a count of 0 where there are none; None: the job offers nothing."""
    if not _has_retry(model, layout):
        return None
    read = Job(dict(model)).retry or RetryPolicy()
    count = read.count if read.enabled else 0
    if not (0 <= count <= _MOST_READ and 0 <= read.wait_minutes <= _MOST_READ):
        return None
    return RetryPolicy(enabled=count > 0, count=count, wait_minutes=read.wait_minutes)


def set_retry(model: dict[str, Any], wanted: RetryPolicy) -> None:
    """Change the retries in this model; how many there were stays where they are switched off."""
    block = dict_at(model, ("schedule", "retry"))
    block["isEnabled"] = wanted.count > 0
    if wanted.count > 0:
        block["retryCount"] = wanted.count
    block["awaitMinutes"] = wanted.wait_minutes


def window_in(model: Mapping[str, Any], layout: Layout) -> BackupWindow | None:
    """The backup window of a JobModel; None: the job offers nothing of the kind."""
    place = _window_place(model, layout)
    if place is None:
        return None
    switch = value_at(model["schedule"], place.switch)
    if switch is None or _is_same(switch, place.off):
        return BackupWindow(is_on=False)
    if not _is_same(switch, place.on):
        return None
    return BackupWindow(is_on=True, days=_window_days(value_at(model["schedule"], (*place.hours, "days"))))


def set_window(model: dict[str, Any], wanted: BackupWindow, layout: Layout, revision: Revision) -> None:
    """Change the backup window in this model; its hours stay where it is switched off."""
    place, schedule = _window_place(model, layout), model["schedule"]
    if place is None:
        return
    *way, switch = place.switch
    dict_at(schedule, tuple(way))[switch] = place.on if wanted.is_on else place.off
    if wanted.is_on and place.flag:
        *way, flag = place.flag
        dict_at(schedule, tuple(way))[flag] = True
    if not wanted.days:
        return
    window = dict_at(schedule, place.hours)
    listed = window.get("days")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    there = {known(Weekday, text_at(row, ("day",))): row for row in rows}
    words = [row.get("day") for row in rows]
    for day, hours in wanted.days:
        row = there.setdefault(day, {})
        if "day" not in row:
            (row["day"],) = written_days((day,), words, revision)
        if read_hours(row.get("hours")) != hours:
            row["hours"] = ",".join("1" if is_open else "0" for is_open in hours)
    chosen = [day for day, _ in wanted.days]
    window["days"] = [row for day, row in there.items() if day in chosen]


def read_hours(text: object) -> Hours | None:
    """Such as `1,1,0,…`, one for each hour of a day; None for anything else."""
    flags = [each.strip() for each in text.split(",")] if isinstance(text, str) else []
    is_read = len(flags) == HOURS_OF_A_DAY and {"0", "1"} >= set(flags)
    return tuple(each == "1" for each in flags) if is_read else None


def _window_days(listed: object) -> tuple[tuple[Weekday, Hours], ...]:
    """The hours of each day, in the order of the week; none at all where one is not understood."""
    rows = [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []
    read = {known(Weekday, _text(row.get("day"))): read_hours(row.get("hours")) for row in rows}
    if None in read or len(read) < len(rows):
        return ()
    days = tuple((day, hours) for day in Weekday if (hours := read.get(day)) is not None)
    return days if len(days) == len(read) else ()


def _window_place(model: Mapping[str, Any], layout: Layout) -> _WindowPlace | None:
    """Where the job has its window; None where it has none."""
    schedule = model.get("schedule")
    if not isinstance(schedule, Mapping):
        return None
    if layout.schedule is ScheduleForm.CONTINUOUS:
        return _OF_CONTINUOUS_COPY
    if layout.schedule is ScheduleForm.BY_MODE and _is_same(schedule.get("type"), "Immediate"):
        return _OF_IMMEDIATE_COPY
    return _OF_SCHEDULE if _has_retry(model, layout) else None


def _is_same(value: object, word: str | bool) -> bool:  # noqa: FBT001 -- a flag as it is in a model
    return type(value) is type(word) and str(value).casefold() == str(word).casefold()


def _has_retry(model: Mapping[str, Any], layout: Layout) -> bool:
    schedule = model.get("schedule")
    return layout.has_retry and isinstance(schedule, Mapping) and _is_backup_schedule(schedule, layout)


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
    block = blocks[name]
    if name in _READ:
        return _READ[name](block)
    first = _text(block.get("jobName"))
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


def _monthly(block: Mapping[str, Any]) -> Schedule:
    """Once in each month; some months only, or the last day of each, are kept as they are."""
    at, months = _minutes(block.get("localTime")), block.get("months")
    is_each_month = months is None or (isinstance(months, list) and len(set(map(str, months))) == _MONTHS)
    day = _month_day(block)
    if at is None or day is None or not is_each_month or block.get("isLastDayOfMonth") is True:
        return Schedule(Rhythm.OTHER)
    return Schedule(Rhythm.MONTHLY, at, month_day=day)


def _month_day(block: Mapping[str, Any]) -> MonthDay | None:
    which, number = _text(block.get("dayNumberInMonth")), block.get("dayOfMonth")
    if which is not None and which.casefold() == _ON_DAY.casefold():
        is_day = isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= LAST_DAY
        return MonthDay(number=number) if is_day else None
    week, day = known(WeekOfMonth, which), known(Weekday, _text(block.get("dayOfWeek")))
    return MonthDay(week=week, day=day) if week is not None and day is not None else None


def _periodic(block: Mapping[str, Any]) -> Schedule:
    unit, count = known(PeriodUnit, _text(block.get("periodicallyKind"))), block.get("frequency")
    if unit is None or not isinstance(count, int) or isinstance(count, bool) or count < 1:
        return Schedule(Rhythm.OTHER)
    return Schedule(Rhythm.PERIODIC, period=Period(unit, count))


_READ: Mapping[str, Callable[[Mapping[str, Any]], Schedule]] = {
    "daily": _daily,
    "monthly": _monthly,
    "periodically": _periodic,
    "continuously": lambda _: Schedule(Rhythm.CONTINUOUS),
}


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


def _set_monthly(block: dict[str, Any], wanted: Schedule, revision: Revision) -> None:
    day = wanted.month_day
    if wanted.at is not None:
        block["localTime"] = _written_time(wanted.at, block.get("localTime"))
    if day is None or _month_day(block) == day:
        return
    if "isLastDayOfMonth" in block:
        block["isLastDayOfMonth"] = False
    if day.number is not None:
        block |= {"dayNumberInMonth": _ON_DAY, "dayOfMonth": day.number}
    elif day.week is not None and day.day is not None:
        (written,) = written_days((day.day,), [block.get("dayOfWeek")], revision)
        block |= {"dayNumberInMonth": str(day.week), "dayOfWeek": written}


def _set_daily(block: dict[str, Any], wanted: Schedule, revision: Revision) -> None:
    kind = _KIND_OF[wanted.rhythm]
    if known(_DailyKind, _text(block.get("dailyKind"))) is not kind:
        block["dailyKind"] = str(kind)
    if wanted.at is not None:
        block["localTime"] = _written_time(wanted.at, block.get("localTime"))
    if wanted.rhythm is Rhythm.CHOSEN_DAYS:
        block["days"] = written_days(wanted.days, block.get("days"), revision)


def _written_time(at: time, received: object) -> str:
    form = _LOCAL_TIME.fullmatch(received) if isinstance(received, str) else None
    if form is None:
        return f"{at:%H:%M}"
    if _minutes(form[0]) == at.replace(second=0, microsecond=0):
        return form[0]
    hour = f"{at.hour}" if len(form[1]) == 1 else f"{at:%H}"
    return f"{hour}:{at:%M}{re.sub('[0-9]', '0', form[3])}"


def written_days(days: tuple[Weekday, ...], received: object, revision: Revision) -> list[str]:
    """These days in the words received, in their order; others in the like spelling, or the revision's."""
    words = [day for day in received if isinstance(day, str)] if isinstance(received, list) else []
    there = {known(Weekday, word): word for word in words}
    spelled: Callable[[str], str] = revision.spelled
    if words:
        spelled = str.capitalize if words[0][:1].isupper() else str.lower
    return [
        *(word for day, word in there.items() if day in days),
        *(spelled(day) for day in Weekday if day in days and day not in there),
    ]
