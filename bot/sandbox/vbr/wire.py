"""How values look on the wire: times with and without an offset, durations, sizes, absent fields.

Real servers are not uniform: some rows leave an optional field out, others send null; fractions of seconds
have zero to seven digits. What a given row does follows from its id, so that it always does the same.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zlib import crc32

_MIB = 1024**2


def variation(identity: str) -> int:
    """A number that is always the same for the same id."""
    return crc32(identity.encode())


def wire_time(at: datetime, zone: tzinfo, digits: int) -> str:
    """Write a time with the server's offset and 0 to 7 fractional digits."""
    local = at.astimezone(zone)
    text = local.strftime("%Y-%m-%dT%H:%M:%S") + _fraction(local, digits)
    offset = local.strftime("%z")
    return f"{text}{offset[:3]}:{offset[3:]}"


def wire_local_time(at: datetime, zone: tzinfo, digits: int) -> str:
    """Write a time without an offset, as task sessions have it: the server's local time."""
    local = at.astimezone(zone)
    return local.strftime("%Y-%m-%dT%H:%M:%S") + _fraction(local, digits)


def wire_duration(length: timedelta) -> str:
    """Write ``HH:MM:SS``, with days ``D.HH:MM:SS``."""
    seconds = max(0, int(length.total_seconds()))
    days, seconds = divmod(seconds, 86_400)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{days}.{clock}" if days else clock


def wire_rate(size_bytes: int, length: timedelta, form: int) -> str | None:
    """Write a processing rate for people: ``18.3 MB/s``, ``131,9 MB`` or ``N/A``, sometimes null."""
    seconds = length.total_seconds()
    if not size_bytes or seconds <= 0:
        return "N/A" if form % 2 else None
    rate = f"{size_bytes / _MIB / seconds:.1f}"
    return f"{rate.replace('.', ',')} MB" if form % 5 == 0 else f"{rate} MB/s"


def american_time(at: datetime, zone: tzinfo) -> str:
    """Write ``7/30/2025 7:00 PM``, as the server words times in texts for people."""
    local = at.astimezone(zone)
    hour = local.hour % 12 or 12
    return f"{local.month}/{local.day}/{local.year} {hour}:{local:%M} {'PM' if local.hour >= 12 else 'AM'}"


def with_gaps(row: dict[str, Any], optional: Mapping[str, Any], form: int) -> dict[str, Any]:
    """Add the optional fields that have a value; of the others some come as null, some not at all."""
    for index, (key, value) in enumerate(optional.items()):
        if value is not None:
            row[key] = value
        elif (form >> index) & 1:
            row[key] = None
    return row


def _fraction(at: datetime, digits: int) -> str:
    if digits == 0:
        return ""
    text = f"{at.microsecond:06d}{at.second % 10}"
    return f".{text[:digits]}"
