"""Times of day as people type them (`08:00`, `8am`), and when the next one is in their time zone."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_CLOCK_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?(am|pm)?", re.ASCII)
_NOON = 12


def clock_time_in(words: Sequence[str]) -> time | None:
    """Return the time of day that one word or two say (`17:30`, `5:30pm`, `8 am`); else None."""
    found = _CLOCK_TIME.fullmatch("".join(words).casefold()) if words else None
    if found is None or (found[2] is None and found[3] is None):
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3] is not None:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if found[3] == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None  # noqa: PLR2004 -- a clock's own


def next_time(at: time, *, after: datetime, zone: tzinfo) -> datetime:
    """Return when the clocks of a time zone show this time next, in that zone.

    A time that is skipped when clocks go forward counts as that much later, and one that comes twice when
    they go back is the first of the two that is still to come.
    """
    today = after.astimezone(zone).date()
    moments = (_moment(today + timedelta(days=days), at, zone, fold) for days in (0, 1) for fold in (0, 1))
    return min(moment for moment in moments if moment > after).astimezone(zone)


def with_zone(moment: datetime) -> str:
    """Return the moment for a record that people in other time zones read, too."""
    offset = f"{moment:%z}"
    zone = "UTC" if not moment.utcoffset() else f"UTC{offset[:3]}:{offset[3:5]}"
    return f"{moment.day} {moment:%b %Y %H:%M} ({zone})"


def _moment(day: date, at: time, zone: tzinfo, fold: int) -> datetime:
    """In UTC, where moments can be compared: two times of one zone are compared by their digits alone."""
    return datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC)
