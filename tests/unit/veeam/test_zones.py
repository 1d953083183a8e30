"""A server's zone, by its name in words of Windows' or IANA's, as far as its clock confirms it."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tzlocal.windows_tz import win_tz

from bot.veeam.zones import available_names, zone_of

JANUARY, JULY = datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)


def at(moment: datetime, hours: float) -> datetime:
    return moment.replace(tzinfo=timezone(timedelta(hours=hours)))


@pytest.mark.parametrize(
    ("display_name", "winter", "summer"),
    [
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", 1, 2),
        ("(UTC+01:00) Belgrade, Bratislava, Budapest, Ljubljana, Prague", 1, 2),
        ("(UTC+00:00) Dublin, Edinburgh, Lisbon, London", 0, 1),
        ("(UTC-05:00) Eastern Time (US & Canada)", -5, -4),
        ("(UTC-08:00) Pacific Time (US & Canada)", -8, -7),
        ("(UTC-10:00) Aleutian Islands", -10, -9),
        ("(UTC-08:00) Baja California", -8, -7),
        ("(UTC-06:00) Easter Island", -5, -6),
        ("(UTC-05:00) Haiti", -5, -4),
        ("(UTC-05:00) Havana", -5, -4),
        ("(UTC-05:00) Indiana (East)", -5, -4),
        ("(UTC-05:00) Turks and Caicos", -5, -4),
        ("(UTC-04:00) Atlantic Time (Canada)", -4, -3),
        ("(UTC-04:00) Santiago", -3, -4),
        ("(UTC-03:30) Newfoundland", -3.5, -2.5),
        ("(UTC-03:00) Saint Pierre and Miquelon", -3, -2),
        ("(UTC-02:00) Greenland", -2, -1),
        ("(UTC-01:00) Azores", -1, 0),
        ("(UTC+02:00) Cairo", 2, 3),
        ("(UTC+02:00) Chisinau", 2, 3),
        ("(UTC+02:00) Gaza, Hebron", 2, 3),
        ("(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius", 2, 3),
        ("(UTC+10:30) Lord Howe Island", 11, 10.5),
        ("(UTC+11:00) Norfolk Island", 12, 11),
        ("(UTC+12:00) Auckland, Wellington", 13, 12),
        ("(UTC+12:45) Chatham Islands", 13.75, 12.75),
        ("(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", 5.5, 5.5),
        ("(UTC+09:00) Osaka, Sapporo, Tokyo", 9, 9),
    ],
)
def test_windows_names(display_name: str, winter: float, summer: float) -> None:
    """The offset in front is that of winter; read in either season, both seasons' offsets are known."""
    for now in (at(JANUARY, winter), at(JULY, summer)):
        zone = zone_of(now, display_name=display_name)
        assert JANUARY.replace(tzinfo=zone).utcoffset() == timedelta(hours=winter)
        assert JULY.replace(tzinfo=zone).utcoffset() == timedelta(hours=summer)


@pytest.mark.parametrize(("windows_name", "name"), sorted(win_tz.items()))
def test_what_windows_calls_a_zone(windows_name: str, name: str) -> None:
    """Not what it shows, but unmistakable: in either season both seasons' offsets are known."""
    right = ZoneInfo(name)
    for now in (JANUARY.astimezone(right), JULY.astimezone(right)):
        zone = zone_of(now, display_name=windows_name)
        for moment in (JANUARY, JULY):
            assert moment.astimezone(zone).utcoffset() == moment.astimezone(right).utcoffset()


@pytest.mark.parametrize(
    ("display_name", "iana_name"),
    [
        (None, None),
        ("", ""),
        ("(UTC+02:00) Somewhere", "Nowhere/Land"),
        ("(UTC+09:00) Tokyo", "Asia/Tokyo"),
        ("(UTC+02:00) Heure de l'Est (É.-U. et Canada)", None),
        ("(UTC+02:00) ../../etc/passwd", "../../etc/passwd"),
    ],
)
def test_a_name_that_the_clock_does_not_confirm(display_name: str | None, iana_name: str | None) -> None:
    """Then the offset of now stands, which is all that is known."""
    zone = zone_of(at(JULY, 2), display_name=display_name, iana_name=iana_name)
    assert JANUARY.replace(tzinfo=zone).utcoffset() == timedelta(hours=2)


def test_an_iana_name_is_believed_first() -> None:
    """1.3-rev2 gives it."""
    zone = zone_of(at(JULY, 2), display_name="(UTC+01:00) Berlin", iana_name="Africa/Johannesburg")
    assert JANUARY.replace(tzinfo=zone).utcoffset() == timedelta(hours=2)


@given(st.text(), st.one_of(st.text(), st.sampled_from(sorted(available_names()))))
def test_any_name_gives_the_offset_of_now(display_name: str, iana_name: str) -> None:
    """Whatever a server calls its zone, its present times are read as it meant them."""
    now = at(JULY, 2)
    assert now.astimezone(zone_of(now, display_name=display_name, iana_name=iana_name)).utcoffset() == (
        timedelta(hours=2)
    )
