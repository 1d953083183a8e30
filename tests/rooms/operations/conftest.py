"""An office with two servers; `hq` has jobs that went every way."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox.vbr import VbrSandbox, World
from bot.sandbox.vbr.estate import RepositoryFacts, add_repository
from bot.store import Database
from bot.veeam import Fleet
from tests.rooms.operations.office import DR, HQ, Office
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock
from tests.support.databases import new_database


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def _run(world: World, job: str, *, hours_ago: float, result: str, **facts: object) -> None:
    ended_at = world.now() - timedelta(hours=hours_ago)
    world.finish_run(job, ended_at=ended_at, result=result, **facts)  # type: ignore[arg-type] # made-up facts


@pytest.fixture
def world(clock: FakeClock) -> World:
    made = World(clock.now, name="vbr01")
    other = add_repository(made.book, RepositoryFacts("Second Repository", "WinLocal", 1000, 100)).id
    for name in ("SQL Prod", "Oracle", "Files", "Never ran"):
        made.add_job(name)
    made.add_job("Exchange", repository_id=other)
    made.add_job("SQL Test", runs_after="Oracle")
    made.add_job("Archive", is_disabled=True)
    made.add_job("Copy now", "BackupCopy", source="Files", mode="Immediate")
    _run(made, "SQL Prod", hours_ago=50, result="Success")
    _run(made, "SQL Prod", hours_ago=26, result="Failed", objects={"vm01": "Failed to open VDDK disk"})
    _run(made, "SQL Prod", hours_ago=2, result="Failed", objects={"vm01": "Failed to open VDDK disk"})
    _run(made, "Oracle", hours_ago=1, result="Failed", only=(), log=(("Failed", "Repository is full"),))
    _run(made, "Exchange", hours_ago=3, result="Warning", log=(("Warning", "A disk was left out"),))
    _run(made, "Files", hours_ago=4, result="Success")
    return made


@pytest.fixture
async def office(world: World, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Office]:
    address = await new_database(tmp_path)
    other = World(clock.now, name="vbr02", seed=2)
    other.add_job("SQL Prod DR")
    other.add_job("Files")
    database = Database(address)
    async with VbrSandbox(world) as hq, VbrSandbox(other) as dr:
        fleet = Fleet([client_of(hq, clock, name=HQ), client_of(dr, clock, name=DR)])
        yield Office(hq, dr, fleet, database, clock)
        await fleet.close()
    await database.close()
