"""When a job runs next: a BackupScheduleModel read as VBR reads it. Pure; local times are the server's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from bot.sandbox.vbr.words import DAYS_OF_WEEK

_PERIODS = {
    "Hours": timedelta(hours=1),
    "Minutes": timedelta(minutes=1),
    "Seconds": timedelta(seconds=1),
    "Days": timedelta(days=1),
}
_CONTINUOUS_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and how long after a failure, a scheduled run is repeated by itself."""

    count: int
    wait: timedelta


def retry_policy(schedule: Mapping[str, Any]) -> RetryPolicy:
    """Read the ``retry`` block; no block or a disabled one means no retries."""
    retry = schedule.get("retry") or {}
    if not retry.get("isEnabled"):
        return RetryPolicy(count=0, wait=timedelta())
    count, minutes = retry.get("retryCount"), retry.get("awaitMinutes")
    return RetryPolicy(3 if count is None else count, timedelta(minutes=10 if minutes is None else minutes))


def next_run(schedule: Mapping[str, Any], after: datetime, zone: tzinfo) -> datetime | None:
    """Tell the first scheduled time later than ``after``, or None for manual and chained jobs."""
    if not schedule.get("runAutomatically"):
        return None
    for block, rule in (("daily", _daily), ("monthly", _monthly), ("periodically", _periodic)):
        settings = schedule.get(block) or {}
        if settings.get("isEnabled"):
            return rule(settings, after, zone)
    if (schedule.get("continuously") or {}).get("isEnabled"):
        return after + _CONTINUOUS_PAUSE
    return None


def parse_local_time(text: str) -> time:
    """Read ``22:00``, ``9:00`` or ``22:00:00``; raises ValueError for anything else."""
    hour, minute, *rest = text.split(":")
    return time(int(hour), int(minute), int(rest[0]) if rest else 0)


def _daily(settings: Mapping[str, Any], after: datetime, zone: tzinfo) -> datetime | None:
    at = parse_local_time(settings.get("localTime") or "22:00")
    days = _weekdays(settings)
    local = after.astimezone(zone)
    for ahead in range(9):
        candidate = datetime.combine(local.date() + timedelta(days=ahead), at, zone)
        if candidate > after and DAYS_OF_WEEK[candidate.weekday()] in days:
            return candidate
    return None


def _weekdays(settings: Mapping[str, Any]) -> frozenset[str]:
    kind = settings.get("dailyKind") or "Everyday"
    if kind == "Everyday":
        return frozenset(DAYS_OF_WEEK)
    if kind == "WeekDays":
        return frozenset(DAYS_OF_WEEK[:5])
    return frozenset(day.lower() for day in settings.get("days") or ())


def _monthly(settings: Mapping[str, Any], after: datetime, zone: tzinfo) -> datetime | None:
    at = parse_local_time(settings.get("localTime") or "22:00")
    wanted = settings.get("dayOfMonth") or 1
    local = after.astimezone(zone)
    for ahead in range(400):
        candidate = datetime.combine(local.date() + timedelta(days=ahead), at, zone)
        is_last = (candidate + timedelta(days=1)).day == 1
        is_wanted = is_last if settings.get("isLastDayOfMonth") else candidate.day == wanted
        if candidate > after and is_wanted:
            return candidate
    return None


def _periodic(settings: Mapping[str, Any], after: datetime, zone: tzinfo) -> datetime | None:
    step = _PERIODS[settings.get("periodicallyKind") or "Hours"] * max(1, settings.get("frequency") or 1)
    midnight = datetime.combine(after.astimezone(zone).date(), time(), zone)
    return midnight + step * ((after - midnight) // step + 1)
