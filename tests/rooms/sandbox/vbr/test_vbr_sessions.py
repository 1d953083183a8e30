"""Sessions, task sessions and logs: filters, order, shapes, and the abrupt stop."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.vbr import Behaviour, Quirks, Session, VbrSandbox, World
from tests.rooms.sandbox.vbr.talking import Client, StillClock

DISK = "Failed to open VDDK disk"


@pytest.fixture
def history(world: World) -> dict[str, Session]:
    now = world.now()
    sql = world.add_job("SQL", objects=("sql01", "sql02"))
    dr = world.add_job("DR", "VSphereReplica", objects=("web01",))
    runs = {
        "old": world.finish_run(sql, ended_at=now - timedelta(hours=30)),
        "failed": world.finish_run(
            sql, ended_at=now - timedelta(hours=2), result="Failed", objects={"sql01": DISK}
        ),
        "warned": world.finish_run(
            dr, ended_at=now - timedelta(hours=1), result="Warning", objects=["web01"]
        ),
    }
    return runs | {"running": world.begin_run(sql, by="EXAMPLE\\ana")}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["running", "warned", "failed", "old"]),
        ({"typeFilter": ["BackupJob", "ReplicaJob"], "orderColumn": "EndTime", "orderAsc": "true"},
         ["running", "old", "failed", "warned"]),
        ({"typeFilter": "ReplicaJob"}, ["warned"]),
        ({"resultFilter": ["Failed", "Warning"]}, ["warned", "failed"]),
        ({"stateFilter": "Starting"}, ["running"]),
        ({"stateFilter": "Stopped", "limit": "1", "skip": "1"}, ["failed"]),
        ({"endedAfterFilter": "2026-03-02T09:30:00Z"}, ["warned", "failed"]),
        ({"endedBeforeFilter": "2026-03-02T10:00:00.123456Z"}, ["failed", "old"]),
        ({"createdAfterFilter": "2026-03-02T14:00:00+02:00"}, ["running"]),
        ({"createdBeforeFilter": "2026-03-01T12:00:00Z"}, ["old"]),
        ({"nameFilter": "dr"}, ["warned"]),
        ({"nameFilter": "*ana"}, ["running"]),
    ],
)  # fmt: skip
async def test_sessions_are_filtered_and_ordered(
    client: Client, history: dict[str, Session], query: dict[str, Any], found: list[str]
) -> None:
    """Repeated filters add up; newest first unless an order is asked for; those without an end come first."""
    names = {session.id: name for name, session in history.items()}
    rows = (await client.get("/sessions", **query))["data"]
    assert [names[row["id"]] for row in rows] == found


async def test_sessions_of_a_job(client: Client, history: dict[str, Session]) -> None:
    """``jobIdFilter`` takes the job's id."""
    rows = (await client.get("/sessions", jobIdFilter=history["warned"].job_id))["data"]
    assert [row["id"] for row in rows] == [history["warned"].id]


@pytest.mark.parametrize(
    "query",
    [
        {"typeFilter": "BackupCopyJob"},
        {"typeFilter": "BackupJob,ReplicaJob"},
        {"typeFilter": ["BackupJob", "backupJob"]},
        {"resultFilter": "Succeeded"},
        {"stateFilter": ["Working", "Starting"]},
        {"orderColumn": "Duration"},
        {"endedAfterFilter": "2026-03-02 09:30:00"},
        {"jobIdFilter": "SQL"},
    ],
)
async def test_sessions_refuse_unknown_values(client: Client, query: dict[str, Any]) -> None:
    """A value of another revision, a joined list, a time without an offset: 400."""
    assert await client.status_of_get("/sessions", **query) == 400


@pytest.mark.parametrize(
    ("inclusive", "running", "found"), [(True, False, 1), (False, False, 0), (False, True, 1)]
)
async def test_open_questions_can_be_answered_either_way(
    world: World, history: dict[str, Session], *, inclusive: bool, running: bool, found: int
) -> None:
    """Whether ``endedAfterFilter`` includes its boundary, and whether running sessions pass it."""
    quirks = Quirks(ended_after_is_inclusive=inclusive, ended_after_includes_running=running)
    last = history["warned"].ended_at
    assert last is not None
    async with VbrSandbox(world, behaviour=Behaviour(quirks=quirks)) as vbr, Client(vbr) as client:
        await client.log_in()
        answer = await client.get("/sessions", endedAfterFilter=last.isoformat())
    assert answer["pagination"]["total"] == found


async def test_times_bear_the_servers_offset_and_task_times_none(
    client: Client, history: dict[str, Session]
) -> None:
    """Sessions end in +02:00, task sessions at the same local time without saying so."""
    row = await client.get(f"/sessions/{history['failed'].id}")
    task = (await client.get(f"/sessions/{history['failed'].id}/taskSessions"))["data"][0]
    assert datetime.fromisoformat(row["endTime"]).utcoffset() == timedelta(hours=2)
    assert datetime.fromisoformat(task["creationTime"]).tzinfo is None
    assert task["creationTime"].startswith("2026-03-02T11:5")


async def test_fractions_of_seconds_have_zero_to_seven_digits(client: Client, world: World) -> None:
    """From row to row."""
    job = world.add_job("many")
    for _ in range(60):
        world.finish_run(job)
    rows = (await client.get("/sessions", limit=500))["data"]
    assert {len(row["endTime"][19:-6].lstrip(".")) for row in rows} == set(range(8))


async def test_task_sessions_tell_what_failed(client: Client, history: dict[str, Session]) -> None:
    """The object that failed has the message, the session itself hardly more than its result."""
    row = await client.get(f"/sessions/{history['failed'].id}")
    tasks = (await client.get(f"/sessions/{history['failed'].id}/taskSessions"))["data"]
    assert row["result"] == {"result": "Failed", "message": "Failed", "isCanceled": False}
    assert {task["name"]: (task["result"]["result"], task["result"]["message"]) for task in tasks} == {
        "sql01": ("Failed", DISK), "sql02": ("Success", ""),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"resultFilter": "Failed"}, ["sql01"]),
        ({"resultFilter": "Warning", "typeFilter": "Replica"}, ["web01"]),
        ({"sessionTypeFilter": "ReplicaJob"}, ["web01"]),
        ({"nameFilter": "*01", "orderColumn": "Name", "orderAsc": "true", "limit": "2"}, ["sql01", "sql01"]),
        ({"endedAfterFilter": "2026-03-02T10:30:00Z"}, ["web01"]),
        ({"scanResultFilter": "Infected"}, []),
    ],
)
async def test_task_sessions_are_filtered(
    client: Client, history: dict[str, Session], query: dict[str, str], names: list[str]
) -> None:
    """By the same rules as sessions."""
    assert history
    assert await client.names("/taskSessions", **query) == names


async def test_task_sessions_of_one_session(client: Client, history: dict[str, Session]) -> None:
    """By filter and by path; the path takes no paging. A single one and its log have paths of their own."""
    session_id = history["failed"].id
    assert sorted(await client.names("/taskSessions", sessionIdFilter=session_id)) == ["sql01", "sql02"]
    task = (await client.get("/taskSessions", sessionIdFilter=session_id, resultFilter="Failed"))["data"][0]
    assert (await client.get(f"/taskSessions/{task['id']}")) == task
    log = await client.get(f"/taskSessions/{task['id']}/logs", statusFilter="Failed")
    assert [record["title"] for record in log["records"]] == [DISK]
    assert await client.status_of_get("/taskSessions", resultFilter=["Failed", "Warning"]) == 400


async def test_log_records_come_in_no_order(client: Client, world: World) -> None:
    """Sometimes newest first, sometimes mixed; times and ids put them right."""
    job = world.add_job("many", objects=tuple(f"vm{n}" for n in range(6)))
    orders = set()
    for _ in range(8):
        session = world.finish_run(job)
        records = (await client.get(f"/sessions/{session.id}/logs"))["records"]
        ids = [record["id"] for record in records]
        assert sorted(ids) == list(range(1, len(ids) + 1))
        orders.add("newest first" if ids == sorted(ids, reverse=True) else "mixed")
    assert orders == {"newest first", "mixed"}


async def test_a_log_grows_while_the_session_works(client: Client, world: World, clock: StillClock) -> None:
    """What is in work has the status None; what is done tells how."""
    session = world.begin_run(world.add_job("Web tier", objects=("web01", "web02", "web03")))
    clock.forward(seconds=60)
    titles = {r["title"]: r["status"] for r in (await client.get(f"/sessions/{session.id}/logs"))["records"]}
    assert titles["Processing web01"] == "Succeeded"
    assert titles["Processing web03"] == "None"
    clock.forward(seconds=60)
    ended = (await client.get(f"/sessions/{session.id}/logs", statusFilter="Succeeded"))["records"]
    assert "Primary bottleneck: " in " ".join(record["title"] for record in ended)
    assert await client.status_of_get(f"/sessions/{session.id}/logs", statusFilter="Success") == 400


async def test_a_session_has_one_bottleneck(client: Client, world: World) -> None:
    """Its job's row, its objects and both lines of its log name the same; throttling is no stage."""
    job, named = world.add_job("Web tier", objects=("web01",)), set()
    for _ in range(16):
        session = world.finish_run(job)
        (row,) = (await client.get("/jobs/states"))["data"]
        stated = row["sessionProgress"]["bottleneck"]
        titles = [record["title"] for record in (await client.get(f"/sessions/{session.id}/logs"))["records"]]
        assert f"Primary bottleneck: {stated}" in titles
        (load,) = (title.removeprefix("Load: ") for title in titles if title.startswith("Load: "))
        percents = {stage: int(percent.rstrip("%")) for stage, percent in map(str.split, load.split(" > "))}
        assert stated == "Throttling" or stated.startswith(max(percents, key=percents.__getitem__))
        (task,) = (await client.get(f"/sessions/{session.id}/taskSessions"))["data"]
        assert task.get("progress", {}).get("bottleneck", stated) == stated
        named.add(stated)
    assert len(named) > 2


async def test_stopping_a_session_is_abrupt(client: Client, world: World, clock: StillClock) -> None:
    """200 and an empty object; the session ends as any stopped one. A second stop is a 400."""
    session = world.begin_run(world.add_job("Web tier"))
    clock.forward(seconds=50)
    answer = await client.post(f"/sessions/{session.id}/stop")
    assert (answer.status_code, answer.json()) == (200, {})
    clock.forward(seconds=31)
    row = await client.get(f"/sessions/{session.id}")
    assert (row["state"], row["result"]["result"], row["result"]["isCanceled"]) == (
        "Stopped",
        "Failed",
        False,
    )
    assert (await client.post(f"/sessions/{session.id}/stop")).status_code == 400


async def test_a_purged_session_is_gone(
    client: Client, history: dict[str, Session], clock: StillClock
) -> None:
    """404, its task sessions too, also when it was still running; the job's state goes on naming it."""
    world = client.vbr.world
    for name in ("failed", "running"):
        world.purge_session(history[name].id)
    clock.forward(minutes=5)
    assert await client.status_of_get(f"/sessions/{history['running'].id}") == 404
    assert await client.names("/taskSessions", resultFilter="Failed") == []
    row = (await client.get("/jobs/states", nameFilter="SQL"))["data"][0]
    assert row["sessionId"] == history["running"].id
