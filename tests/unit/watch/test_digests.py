"""When a digest is due: each day of its zone once, whatever the clocks do."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.settings import DigestSettings
from bot.watch.digests import latest_due


def digest(at: str = "08:00", zone: str = "Europe/Berlin", *days: str) -> DigestSettings:
    more = {"days": days} if days else {}
    return DigestSettings.model_validate({"channel": "C0PROD", "at": at, "timezone": zone, **more})


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")


@pytest.mark.parametrize(
    ("settings", "now", "day", "due", "since"),
    [
        (digest(), "2026-11-24T07:00", "2026-11-24", "2026-11-24T07:00", "2026-11-23T07:00"),
        (digest(), "2026-11-24T06:59", "2026-11-23", "2026-11-23T07:00", "2026-11-22T07:00"),
        # Monday covers the weekend; on Sunday the last one was Friday's.
        (
            digest("08:00", "UTC", *WEEKDAYS),
            "2026-11-30T08:00",
            "2026-11-30",
            "2026-11-30T08:00",
            "2026-11-27T08:00",
        ),
        (
            digest("08:00", "UTC", *WEEKDAYS),
            "2026-11-29T23:00",
            "2026-11-27",
            "2026-11-27T08:00",
            "2026-11-26T08:00",
        ),
        (
            digest("08:00", "UTC", "Mon"),
            "2026-11-30T09:00",
            "2026-11-30",
            "2026-11-30T08:00",
            "2026-11-23T08:00",
        ),
        # 02:30 does not exist on 29 March: half past three by the new time. The period has 23 hours.
        (digest("02:30"), "2026-03-29T01:30", "2026-03-29", "2026-03-29T01:30", "2026-03-28T01:30"),
        (digest("02:30"), "2026-03-30T00:30", "2026-03-30", "2026-03-30T00:30", "2026-03-29T01:30"),
        # It comes twice on 25 October: the first counts, and the second is no other digest.
        (digest("02:30"), "2026-10-25T00:30", "2026-10-25", "2026-10-25T00:30", "2026-10-24T00:30"),
        (digest("02:30"), "2026-10-25T01:30", "2026-10-25", "2026-10-25T00:30", "2026-10-24T00:30"),
        # A day that has begun there, and not here.
        (
            digest("00:30", "Pacific/Auckland"),
            "2026-11-23T12:00",
            "2026-11-24",
            "2026-11-23T11:30",
            "2026-11-22T11:30",
        ),
    ],
)
def test_the_digest_that_was_due_last(
    settings: DigestSettings, now: str, day: str, due: str, since: str
) -> None:
    """By the clocks and the days of its zone, with what has happened since the one before."""
    found = latest_due(settings, moment(now))
    assert found is not None
    assert (found.day.isoformat(), found.at, found.since) == (day, moment(due), moment(since))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_a_year_has_a_digest_for_each_day(zone: str) -> None:
    """However the clocks are set, asked every half minute: 365 keys, and no two moments for one."""
    settings = digest("02:10", zone)
    seen: dict[str, datetime] = {}
    now = moment("2026-01-01T12:00")
    while now < moment("2027-01-01T12:00"):
        found = latest_due(settings, now)
        assert found is not None
        assert seen.setdefault(found.key, found.at) == found.at
        now += timedelta(minutes=29)
    assert len(seen) == 366
