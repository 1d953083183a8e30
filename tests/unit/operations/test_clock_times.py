"""Times of day: how they are typed, and when the next one is, also where clocks change."""

from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.clock_times import clock_time_in, next_time, with_zone

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("08:00", time(8)),
        ("8:00", time(8)),
        ("17:30", time(17, 30)),
        ("0:00", time()),
        ("8am", time(8)),
        ("8 am", time(8)),
        ("12am", time()),
        ("12pm", time(12)),
        ("5:30PM", time(17, 30)),
        ("24:00", None),
        ("8:60", None),
        ("13pm", None),
        ("0am", None),
        ("8", None),
        ("8:5", None),
        ("noon", None),
        ("\u0668:\u0660\u0660", None),
        ("8 h", None),
        ("", None),
    ],
)
def test_a_time_of_day_is_read(typed: str, read: time | None) -> None:
    """With minutes, or with am or pm; a bare number may be anything."""
    assert clock_time_in(typed.split()) == read


@given(st.lists(st.text(), max_size=3))
def test_any_words_are_read_or_not(words: list[str]) -> None:
    """Nothing that is typed breaks it."""
    read = clock_time_in(words)
    assert read is None or read.tzinfo is None


@given(st.times().map(lambda at: at.replace(second=0, microsecond=0)))
def test_what_is_shown_can_be_typed(at: time) -> None:
    """As 24 hours and as 12."""
    assert clock_time_in([f"{at:%H:%M}"]) == clock_time_in([f"{at:%I:%M%p}"]) == at


@pytest.mark.parametrize(
    ("at", "after", "expected"),
    [
        (time(8), datetime(2026, 11, 24, 6, 59, tzinfo=UTC), datetime(2026, 11, 24, 7, tzinfo=UTC)),
        (time(8), datetime(2026, 11, 24, 7, tzinfo=UTC), datetime(2026, 11, 25, 7, tzinfo=UTC)),
        # It is tomorrow already in Berlin, and not yet in UTC.
        (time(8), datetime(2026, 11, 24, 23, 30, tzinfo=UTC), datetime(2026, 11, 25, 7, tzinfo=UTC)),
        # Clocks go forward at 02:00 on 29 March: that night is an hour shorter, and there is no 02:30.
        (time(8), datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 3, 29, 6, tzinfo=UTC)),
        (time(2, 30), datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        # They go back at 03:00 on 25 October: 02:30 comes twice.
        (time(8), datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 7, tzinfo=UTC)),
        (time(2, 30), datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (time(2, 30), datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_the_next_one_is_by_the_clocks_of_the_zone(at: time, after: datetime, expected: datetime) -> None:
    """Later than now, also where clocks go forward or back meanwhile."""
    assert next_time(at, after=after, zone=BERLIN).astimezone(UTC) == expected


@given(
    at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    after=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_the_next_one_is_within_a_day(at: time, after: datetime, zone: ZoneInfo) -> None:
    """It is in the future, at most a day (and an hour more, for clocks) away, and reads as it was typed."""
    found = next_time(at, after=after, zone=zone)
    assert after < found.astimezone(UTC) <= after + timedelta(hours=25)
    is_skipped = found.astimezone(UTC).astimezone(zone).time() != at
    assert not is_skipped or found.utcoffset() != (found - timedelta(hours=2)).utcoffset()


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (UTC, "1 Dec 2026 08:00 (UTC)"),
        (BERLIN, "1 Dec 2026 08:00 (UTC+01:00)"),
        (timezone(timedelta(hours=-3, minutes=-30)), "1 Dec 2026 08:00 (UTC-03:30)"),
    ],
)
def test_a_record_says_which_zone_was_meant(zone: ZoneInfo, shown: str) -> None:
    """By its distance from UTC, which needs no knowledge of names."""
    assert with_zone(datetime(2026, 12, 1, 8, tzinfo=zone)) == shown
