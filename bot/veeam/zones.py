"""Which time zone a server is in, so that its times without an offset are read as they were meant.

`/serverTime` gives the offset of now, a display name of Windows' ("(UTC+01:00) Amsterdam, Berlin, Bern"),
and since 1.3-rev2 an IANA name. An offset of now is wrong for half of the year where clocks change.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

_IN_FRONT = re.compile(r"^\(.*?\)\s*")
_BETWEEN = re.compile(r"\s*[,;/]\s*")
_WITHOUT_A_CITY = {
    "eastern time (us & canada)": "America/New_York",
    "central time (us & canada)": "America/Chicago",
    "mountain time (us & canada)": "America/Denver",
    "pacific time (us & canada)": "America/Los_Angeles",
    "atlantic time (canada)": "America/Halifax",
    "newfoundland": "America/St_Johns",
    "alaska": "America/Anchorage",
}
"""Windows' names of zones with clock changes that name no city of IANA's."""


def zone_of(now: datetime, *, display_name: str | None, iana_name: str | None = None) -> tzinfo:
    """Return the zone of a server whose clock, with its offset, says `now`.

    A name that is unknown, or whose zone has another offset now, isn't believed: the offset stands alone.
    """
    offset = now.utcoffset()
    for name in _names(display_name, iana_name):
        zone = ZoneInfo(name)
        if now.astimezone(zone).utcoffset() == offset:
            return zone
    return timezone(offset) if offset is not None else UTC


def _names(display_name: str | None, iana_name: str | None) -> Iterator[str]:
    known = _by_city()
    if iana_name in available_names():
        yield iana_name
    places = _IN_FRONT.sub("", display_name or "").strip().casefold()
    if places in _WITHOUT_A_CITY:
        yield _WITHOUT_A_CITY[places]
    for city in _BETWEEN.split(places):
        yield from known.get(city.replace(" ", "_"), ())


@cache
def available_names() -> frozenset[str]:
    """The zones that this machine, or the tzdata package, knows."""
    return frozenset(available_timezones())


@cache
def _by_city() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(available_names()):
        area, _, city = name.rpartition("/")
        if area and not area.startswith(("Etc", "SystemV", "US", "Canada")):
            found[city.casefold()].append(name)
    return {city: tuple(names) for city, names in found.items()}
