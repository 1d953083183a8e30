"""Jobs that are disabled for a time: each step is won by one process, on either database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.store import Database, TimedDisable, TimedDisables

NOW = datetime(2026, 11, 23, 3, 4, tzinfo=UTC)
PLAN = TimedDisable(
    server="hq",
    job_id="j1",
    job_name="SQL Prod",
    person_id="U0ANN",
    channel_id=None,
    reference="r-1",
    disabled_at=NOW,
    until=NOW + timedelta(hours=4),
)


async def test_plans_come_back_by_server_the_next_due_first(database: Database) -> None:
    """What was planned is read back as it was, and only for the server that is asked about."""
    disables = TimedDisables(database)
    later = replace(PLAN, job_id="j2", until=NOW + timedelta(days=1))
    other = replace(PLAN, server="dr", channel_id="C0PROD")
    for plan in (later, PLAN, other):
        await disables.remember(plan)
    assert await disables.of("hq") == (PLAN, later)
    assert await disables.every() == (PLAN, other, later)


async def test_a_newer_plan_replaces_an_older_one(database: Database) -> None:
    """Of one job there is one plan; what is known of the old one ends nothing of the new one."""
    disables = TimedDisables(database)
    newer = replace(PLAN, disabled_at=NOW + timedelta(hours=1))
    await disables.remember(PLAN)
    await disables.remember(newer)
    assert await disables.of("hq") == (newer,)
    assert not await disables.attempt(PLAN, NOW)
    async with database.transaction() as transaction:
        assert not await disables.end(transaction, PLAN)


async def test_each_step_is_won_once(database: Database) -> None:
    """A reminder, an attempt and an end are each claimed in one statement; an attempt can be given back."""
    disables = TimedDisables(database)
    await disables.remember(PLAN)
    async with database.transaction() as transaction:
        reminded = [await disables.remind(transaction, PLAN, NOW) for _ in range(2)]
    attempted = [await disables.attempt(PLAN, NOW) for _ in range(2)]
    await disables.wait(PLAN)
    attempted.append(await disables.attempt(PLAN, NOW))
    async with database.transaction() as transaction:
        ended = [await disables.end(transaction, PLAN) for _ in range(2)]
    assert (reminded, attempted, ended) == ([True, False], [True, False, True], [True, False])
    assert await disables.every() == ()


async def test_a_plan_is_forgotten(database: Database) -> None:
    """Forgetting is repeatable, and can be meant for one gesture's plan alone."""
    disables = TimedDisables(database)
    await disables.remember(PLAN)
    await disables.forget("hq", "j1", "r-2")
    assert await disables.every() == (PLAN,)
    await disables.forget("hq", "j1", "r-1")
    assert await disables.every() == ()
    await disables.remember(PLAN)
    for _ in range(2):
        await disables.forget("hq", "j1")
    assert await disables.every() == ()
