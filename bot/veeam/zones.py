"""Which time zone a server is in, so that its times without an offset are read as they were meant.

`/serverTime` gives the offset of now, a display name of Windows' ("(UTC+01:00) Amsterdam, Berlin, Bern"), in
the language of its server, and since 1.3-rev2 an IANA name. An offset of now is wrong for half of the year
where clocks change.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from tzlocal.windows_tz import win_tz

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
    "aleutian islands": "America/Adak",
    "baja california": "America/Tijuana",
    "chatham islands": "Pacific/Chatham",
    "easter island": "Pacific/Easter",
    "greenland": "America/Nuuk",
    "haiti": "America/Port-au-Prince",
    "indiana (east)": "America/Indiana/Indianapolis",
    "lord howe island": "Australia/Lord_Howe",
    "norfolk island": "Pacific/Norfolk",
    "saint pierre and miquelon": "America/Miquelon",
    "turks and caicos": "America/Grand_Turk",
    "arizona": "America/Phoenix",
    "astana": "Asia/Almaty",
    "bougainville island": "Pacific/Bougainville",
    "brasilia": "America/Sao_Paulo",
    "cabo verde is.": "Atlantic/Cape_Verde",
    "central america": "America/Guatemala",
    "chetumal": "America/Cancun",
    "chokurdakh": "Asia/Srednekolymsk",
    "city of buenos aires": "America/Argentina/Buenos_Aires",
    "coordinated universal time": "Etc/UTC",
    "coordinated universal time-02": "Etc/GMT+2",
    "coordinated universal time-08": "Etc/GMT+8",
    "coordinated universal time-09": "Etc/GMT+9",
    "coordinated universal time-11": "Etc/GMT+11",
    "coordinated universal time+12": "Etc/GMT-12",
    "coordinated universal time+13": "Etc/GMT-13",
    "ekaterinburg": "Asia/Yekaterinburg",
    "hawaii": "Pacific/Honolulu",
    "international date line west": "Etc/GMT+12",
    "kiritimati island": "Pacific/Kiritimati",
    "marquesas islands": "Pacific/Marquesas",
    "nuku'alofa": "Pacific/Tongatapu",
    "port louis": "Indian/Mauritius",
    "salvador": "America/Bahia",
    "samoa": "Pacific/Apia",
    "saskatchewan": "America/Regina",
    "solomon is., new caledonia": "Pacific/Guadalcanal",
    "sri jayawardenepura": "Asia/Colombo",
    "west central africa": "Africa/Lagos",
    "yangon (rangoon)": "Asia/Yangon",
    "yukon": "America/Whitehorse",
}
"""The places that Windows shows for zones, where it names no city of IANA's."""


def zone_of(now: datetime, *, display_name: str | None, iana_name: str | None = None) -> tzinfo:
    """Return the zone of a server whose clock, with its offset, says `now`: a `ZoneInfo` if it is known.

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
    places = _IN_FRONT.sub("", display_name or "").strip().casefold()
    for name in (iana_name, _WITHOUT_A_CITY.get(places), _by_windows_name().get(places)):
        if name in available_names():
            yield name
    for city in _BETWEEN.split(places):
        yield from known.get(city.replace(" ", "_"), ())


@cache
def available_names() -> frozenset[str]:
    """The zones that this machine, or the tzdata package, knows."""
    return frozenset(available_timezones())


@cache
def _by_windows_name() -> Mapping[str, str]:
    """The zones by what Windows calls them, such as "W. Europe Standard Time"; it shows that to nobody."""
    return {windows.casefold(): name for windows, name in win_tz.items()}


@cache
def _by_city() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(available_names()):
        area, _, city = name.rpartition("/")
        if area and not area.startswith(("Etc", "SystemV", "US", "Canada")):
            found[city.casefold()].append(name)
    return {city: tuple(names) for city, names in found.items()}
