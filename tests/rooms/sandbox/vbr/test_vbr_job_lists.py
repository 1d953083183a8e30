"""GET /jobs and /jobs/states: filters, order, pages, and rows as uneven as the real ones."""

from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.vbr import VbrSandbox, World
from bot.sandbox.vbr.jobmodels import daily
from tests.rooms.sandbox.vbr.talking import Client

STATES = "/jobs/states"


@pytest.fixture
def four_jobs(world: World) -> World:
    world.add_job("alpha", description="the web shop", is_high_priority=True, objects=("a1",))
    world.add_job("Beta", "HyperVBackup", objects=("b1", "b2"), is_disabled=True)
    world.add_job("gamma", "VSphereReplica", runs_after="alpha", objects=("c1", "c2", "c3"))
    world.add_job("delta", "Unknown", objects=("d1",))
    world.finish_run("alpha", result="Failed", ended_at=world.now() - timedelta(hours=3))
    world.finish_run("gamma", result="Warning", ended_at=world.now() - timedelta(hours=1))
    return world


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["alpha", "Beta", "gamma", "delta"]),
        ({"nameFilter": "alpha"}, ["alpha"]),
        ({"nameFilter": "ALPHA"}, ["alpha"]),
        ({"nameFilter": "alph"}, []),
        ({"nameFilter": "alph*"}, ["alpha"]),
        ({"nameFilter": "*ta"}, ["Beta", "delta"]),
        ({"nameFilter": "*web*"}, ["alpha"]),
        ({"nameFilter": "*a*a"}, []),
        ({"typeFilter": "HyperVBackup"}, ["Beta"]),
        ({"typeFilter": "Unknown"}, ["delta"]),
        ({"lastResultFilter": "Failed"}, ["alpha"]),
        ({"lastResultFilter": "None"}, ["Beta", "delta"]),
        ({"statusFilter": "disabled"}, ["Beta"]),
        ({"statusFilter": "stopped"}, ["alpha", "gamma"]),
        ({"workloadFilter": "vm", "objectsCountFilter": "2"}, ["Beta"]),
        ({"isHighPriorityJobFilter": "true"}, ["alpha"]),
        ({"lastRunAfterFilter": "2026-03-02T10:00:00Z"}, ["gamma"]),
        ({"lastRunBeforeFilter": "2026-03-02T12:00:00+02:00"}, ["alpha"]),
        ({"afterJobNameFilter": "alpha"}, ["gamma"]),
        ({"orderColumn": "Name", "orderAsc": "true"}, ["alpha", "Beta", "delta", "gamma"]),
        ({"orderColumn": "Name"}, ["gamma", "delta", "Beta", "alpha"]),
        ({"orderColumn": "LastRun", "orderAsc": "true"}, ["Beta", "delta", "alpha", "gamma"]),
        ({"orderColumn": "ObjectsCount", "orderAsc": "false"}, ["gamma", "Beta", "alpha", "delta"]),
        ({"orderColumn": "Name", "orderAsc": "true", "skip": "1", "limit": "2"}, ["Beta", "delta"]),
        ({"skip": "9"}, []),
    ],
)
async def test_states_are_filtered_ordered_and_paged(
    client: Client, four_jobs: World, query: dict[str, str], names: list[str]
) -> None:
    """Filter and order come first, then skip, then limit."""
    assert await client.names(STATES, **query) == names
    assert four_jobs is client.vbr.world


@pytest.mark.parametrize(
    "query",
    [
        {"typeFilter": "Backup"},
        {"typeFilter": "vspherebackup"},
        {"typeFilter": ["VSphereBackup", "HyperVBackup"]},
        {"typeFilter": "VSphereBackup,HyperVBackup"},
        {"statusFilter": "Running"},
        {"lastResultFilter": "failed"},
        {"workloadFilter": "Vm"},
        {"orderColumn": "name"},
        {"orderColumn": "Duration"},
        {"lastRunAfterFilter": "2026-03-02T10:00:00"},
        {"lastRunAfterFilter": "yesterday"},
        {"idFilter": "42"},
        {"skip": "-1"},
        {"limit": "many"},
        {"isHighPriorityJobFilter": "yes"},
    ],
)
async def test_states_refuse_what_the_revision_does_not_know(client: Client, query: dict[str, Any]) -> None:
    """Unknown enum values, other letter case, joined or repeated values, times without an offset: 400."""
    assert await client.status_of_get(STATES, **query) == 400


@pytest.mark.usefixtures("four_jobs")
async def test_a_parameter_of_other_letter_case_is_no_parameter(client: Client) -> None:
    """Names of parameters are case-sensitive, and unknown ones are refused, by name."""
    answer = await client.http.get(f"/api/v1{STATES}", params={"NameFilter": "alpha"})
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "The query parameter 'NameFilter' is not supported.",
    )
    client.vbr.requests.clear()


async def test_an_offset_written_with_a_plain_plus_is_a_blank(client: Client) -> None:
    """``+`` in a query that was not percent-encoded makes the date-time unreadable."""
    answer = await client.http.get("/api/v1/jobs/states?lastRunAfterFilter=2026-03-02T10:00:00+02:00")
    assert answer.status_code == 400


async def test_jobs_leave_out_what_the_revision_cannot_model(client: Client, four_jobs: World) -> None:
    """A plug-in job is in the states, not in the jobs, and asking for it by id is a 400."""
    assert await client.names("/jobs", orderColumn="Name", orderAsc="true") == ["alpha", "Beta", "gamma"]
    assert await client.names("/jobs", typeFilter="Unknown") == []
    answer = await client.http.get(f"/api/v1/jobs/{four_jobs.job('delta').id}")
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "UnknownError")
    assert answer.json()["message"] == "Specify job of supported platform type."


async def test_a_row_tells_the_job(client: Client, world: World) -> None:
    """Status and workload in lower case; the policy in the server's words; no last run that never was."""
    world.add_job("nightly", schedule=daily("19:00"))
    row = (await client.get(STATES))["data"][0]
    assert (row["status"], row["workload"], row["lastResult"]) == ("inactive", "vm", "None")
    assert row["nextRunPolicy"] == "3/2/2026 7:00 PM"
    assert row.get("lastRun") is None
    assert row["nextRun"].startswith("2026-03-02T19:00:00")
    assert row["nextRun"].endswith("+02:00")


async def test_a_plug_in_job_never_shows_its_last_run(client: Client, world: World) -> None:
    """Jobs of type Unknown come without lastRun, though they have run."""
    world.add_job("proxmox", "Unknown")
    world.finish_run("proxmox")
    row = (await client.get(STATES))["data"][0]
    assert (row["type"], row["lastResult"], row.get("lastRun")) == ("Unknown", "Success", None)


async def test_absent_fields_are_null_here_and_missing_there(client: Client, world: World) -> None:
    """Both ways of saying nothing occur in one list."""
    for number in range(12):
        world.add_job(f"job {number}")
    rows = (await client.get(STATES))["data"]
    assert {"lastRun" in row for row in rows} == {True, False}


async def test_a_chained_job_names_its_predecessor(client: Client, four_jobs: World) -> None:
    """By name and id, also after the predecessor was renamed."""
    four_jobs.book.rename_job(four_jobs.job("alpha"), "omega")
    row = (await client.get(STATES, nameFilter="gamma"))["data"][0]
    assert row["runAfterJob"] == {"jobName": "omega", "jobId": four_jobs.job("omega").id}
    assert row["nextRunPolicy"] == "After [omega]"
    assert await client.names(STATES, afterJobIdFilter=four_jobs.job("omega").id) == ["gamma"]


async def test_many_jobs_are_paged_to_the_end(vbr: VbrSandbox) -> None:
    """Ten thousand states come in pages, each job once; unfiltered and failed."""
    vbr.world.with_many_jobs(10_000)
    async with Client(vbr) as client:
        await client.log_in()
        seen: set[str] = set()
        for skip in range(0, 10_500, 500):
            seen.update(await client.names(STATES, skip=skip, limit=500))
        failed = await client.get(STATES, lastResultFilter="Failed", limit=1)
    assert len(seen) == 10_000
    assert failed["pagination"]["total"] == 1_000
    vbr.requests.clear()
