"""How the parts are, and that only changes are logged."""

import structlog

from bot.observability import Health
from tests.support.clock import FakeClock


async def test_a_part_that_never_reported_is_not_ready() -> None:
    """Expected parts count as not well until they say so."""
    health = Health(FakeClock(), ["slack", "database"])
    health.set("slack", ok=True)
    assert not health.is_ready
    health.set("database", ok=True, detail="sqlite")
    assert health.report() == {
        "ready": True,
        "parts": {
            "database": {
                "ok": True,
                "detail": "sqlite",
                "since": "2026-11-23T12:00:00+00:00",
                "last_ok_at": "2026-11-23T12:00:00+00:00",
            },
            "slack": {
                "ok": True,
                "detail": "",
                "since": "2026-11-23T12:00:00+00:00",
                "last_ok_at": "2026-11-23T12:00:00+00:00",
            },
        },
    }


async def test_since_and_the_last_good_time_are_kept() -> None:
    """`since` moves when the state changes, `last_ok_at` each time the part is well."""
    clock = FakeClock()
    health = Health(clock)
    health.set("server hq", ok=True)
    await clock.advance(20)
    health.set("server hq", ok=True)
    await clock.advance(20)
    health.set("server hq", ok=False, detail="timed out")
    await clock.advance(20)
    health.set("server hq", ok=False, detail="connection refused")
    part = health.part("server hq")
    assert part is not None
    assert (part.ok, part.detail) == (False, "connection refused")
    assert part.since.isoformat() == "2026-11-23T12:00:40+00:00"
    assert part.last_ok_at is not None
    assert part.last_ok_at.isoformat() == "2026-11-23T12:00:20+00:00"


async def test_only_a_change_is_logged() -> None:
    """A failure is logged when it begins and when it ends, however often it is reported."""
    clock = FakeClock()
    health = Health(clock, ["slack"])
    with structlog.testing.capture_logs() as logged:
        for ok in (True, True, False, False, False, True):
            health.set("slack", ok=ok, detail="" if ok else "socket closed")
            await clock.advance(10)
    assert [(line["event"], line["log_level"]) for line in logged] == [
        ("health.part_ready", "info"),
        ("health.part_failed", "warning"),
        ("health.part_recovered", "info"),
    ]
    assert logged[2]["failed_seconds"] == 30.0


async def test_a_part_that_starts_badly_is_logged_at_once() -> None:
    """The first word of a part is an edge too."""
    with structlog.testing.capture_logs() as logged:
        Health(FakeClock(), ["database"]).set("database", ok=False, detail="refused")
    assert [line["event"] for line in logged] == ["health.part_failed"]


async def test_a_part_that_is_not_vital() -> None:
    """It is named as not well, and the bot is ready all the same."""
    health = Health(FakeClock())
    health.set("clocks", ok=False, detail="15 minutes ahead", is_vital=False)
    assert health.is_ready
    assert health.report()["parts"]["clocks"]["ok"] is False
    health.set("slack", ok=False)
    assert not health.is_ready
