"""A season of watching: memory, tasks, connections and tables stay as they are after a month."""

import asyncio
import gc
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.store import Approvals, AuditLog
from bot.store.database import DatabaseClock
from bot.store.tables import metadata
from bot.store.upkeep import Upkeep
from tests.rooms.watch.site import Site, rules

JOBS, DAYS, A_MONTH = 6, 90, 30
HOURS_BETWEEN_POLLS = 12


@pytest.mark.timeout(900)
async def test_nothing_grows_for_ever(site: Site) -> None:
    """Two jobs of six fail each night, once a month all do; what is older than a month is forgotten."""
    site.begin(rules(storm_from=5))
    clock = DatabaseClock(site.clock)
    upkeep = Upkeep(
        site.database,
        AuditLog(site.database),
        Approvals(site.database, lambda _: ()),
        clock,
        site.health,
        approvals_last=timedelta(minutes=30),
    )
    await site.poll()
    measured: list[tuple[dict[str, int], int, int]] = []
    for day in range(1, DAYS + 1):
        failing = range(JOBS) if day % A_MONTH == 1 else (day % JOBS, (day + 2) % JOBS)
        for number in range(JOBS):
            site.ended(f"Job {number}", "Failed" if number in failing else "Success")
        for _ in range(24 // HOURS_BETWEEN_POLLS):
            await site.poll_after(HOURS_BETWEEN_POLLS * 3600)
        await upkeep.purge()
        site.requests()
        if day in {DAYS - A_MONTH, DAYS}:
            gc.collect()
            objects = len(gc.get_objects()) + gc.get_freeze_count()
            measured.append((await rows(site), len(asyncio.all_tasks()), objects))
    (tables, tasks, objects), (tables_later, tasks_later, objects_later) = measured
    assert tables_later == tables
    assert tasks_later == tasks
    assert objects_later < objects * 1.05
    assert site.database.checked_out == 0


async def rows(site: Site) -> dict[str, int]:
    """How many rows each table has."""
    async with site.database.reading() as reading:
        return {
            table.name: (await reading.all(select(func.count()).select_from(table)))[0][0]
            for table in metadata.sorted_tables
        }
