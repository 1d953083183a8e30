"""Groups of failing jobs: kept once, longer when they are named again, and forgotten in time."""

from datetime import UTC, datetime, timedelta

from bot.store import Database, FailureGroups

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)


async def test_a_group_is_kept_as_long_as_it_is_named(database: Database) -> None:
    """What is named again outlives what isn't."""
    groups, long_ago = FailureGroups(database), NOW - timedelta(days=31)
    await groups.keep({"a": '["a"]', "b": '["b"]'}, long_ago)
    await groups.keep({"b": "[]"}, NOW)
    assert await groups.jobs_of("b") == '["b"]'
    await groups.purge(NOW - timedelta(days=30))
    assert [await groups.jobs_of(each) for each in ("a", "b")] == [None, '["b"]']
