"""Start, stop, retry, disable, enable, quick backup: what is accepted and what is refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.sandbox.vbr import Behaviour, Outcome, Session, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.jobmodels import daily
from tests.rooms.sandbox.vbr.talking import Client, StillClock


@pytest.fixture
def job_path(world: World) -> str:
    return f"/jobs/{world.add_job('Web tier', objects=('web01', 'web02', 'web03')).id}"


async def test_start_is_accepted_with_a_session_that_is_starting(client: Client, job_path: str) -> None:
    """201, no end, no verdict; the initiator is the account; the state knows the session."""
    answer = await client.post(f"{job_path}/start")
    session = answer.json()
    assert answer.status_code == 201
    assert (session["state"], session["sessionType"], session["initiatedBy"]) == (
        "Starting", "BackupJob", "svc-slack",
    )  # fmt: skip
    assert session.get("endTime") is None
    assert (session.get("result") or {"result": "None"})["result"] == "None"
    row = (await client.get("/jobs/states"))["data"][0]
    assert (row["status"], row["lastResult"], row["sessionId"]) == ("starting", "None", session["id"])


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("start", {}),
        ("start", {"startChainedJobs": True}),
        ("start", {"performActiveFull": None}),
        ("start", {"performActiveFull": "yes"}),
        ("start", {"performActiveFull": False, "syncRestorePoints": "Newest"}),
        ("start", {"performActiveFull": False, "syncRestorePoints": "Latest"}),
        ("start", []),
        ("stop", {}),
        ("stop", {"cancelChainedJobs": True}),
        ("retry", {"startChainedJobs": 1}),
    ],
)
async def test_bodies_that_are_incomplete_or_wrong(
    client: Client, job_path: str, action: str, body: Any
) -> None:
    """A body, once sent, must have its required fields; sync points are for immediate copies only."""
    assert (await client.post(f"{job_path}/{action}", body)).status_code == 400


async def test_a_body_must_be_json(client: Client, job_path: str) -> None:
    """Another media type, or text that is no JSON, is refused."""
    url = f"/api/v1{job_path}/start"
    as_form = await client.http.post(url, data={"performActiveFull": "true"})
    as_text = await client.http.post(url, content=b"{", headers={"Content-Type": "application/json"})
    assert (as_form.status_code, as_text.status_code) == (400, 400)


async def test_a_running_job_cannot_be_started_retried_or_deleted(client: Client, job_path: str) -> None:
    """Each is a 400, and nothing more runs than before."""
    await client.post(f"{job_path}/start")
    statuses = [(await client.post(f"{job_path}/{action}")).status_code for action in ("start", "retry")]
    statuses.append((await client.http.delete(f"/api/v1{job_path}")).status_code)
    assert statuses == [400, 400, 400]
    assert (await client.get("/sessions"))["pagination"]["total"] == 1


async def test_stop_refuses_an_idle_job(client: Client, job_path: str) -> None:
    """400, in the words that were seen."""
    answer = await client.post(f"{job_path}/stop", {"gracefulStop": True})
    assert answer.status_code == 400
    assert "is not currently running." in answer.json()["message"]


async def _stopped(
    client: Client, job_path: str, clock: StillClock, *, after: float, graceful: bool
) -> Session:
    session_id = (await client.post(f"{job_path}/start")).json()["id"]
    clock.forward(seconds=after)
    answer = await client.post(f"{job_path}/stop", {"gracefulStop": graceful})
    assert (answer.status_code, answer.json()["state"]) == (201, "Stopping")
    clock.forward(seconds=200)
    log = await client.get(f"/sessions/{session_id}/logs")
    assert log == {"totalRecords": 0, "records": []}
    return client.vbr.world.session(session_id)


async def test_a_stopped_run_ends_failed_not_canceled_and_without_a_log(
    client: Client, job_path: str, clock: StillClock, world: World
) -> None:
    """What was in work is broken off, what was done stays done; it takes half a minute."""
    session = await _stopped(client, job_path, clock, after=60, graceful=False)
    row = await client.get(f"/sessions/{session.id}")
    assert row["result"] == {"result": "Failed", "message": "", "isCanceled": False}
    assert [task.result for task in world.book.tasks_of(session)] == ["Success", "Success", "Failed"]
    assert session.ended_at is not None
    assert (session.ended_at - session.created_at).total_seconds() == 90


async def test_a_graceful_stop_finishes_the_objects_in_work(
    client: Client, job_path: str, clock: StillClock, world: World
) -> None:
    """The two in work succeed, the third is never begun."""
    session = await _stopped(client, job_path, clock, after=20, graceful=True)
    assert [task.result for task in world.book.tasks_of(session)] == ["Success", "Success"]
    assert session.message == "Operation was canceled by user"


async def test_a_stop_can_be_hurried_but_not_repeated(
    client: Client, job_path: str, clock: StillClock
) -> None:
    """While it is stopping, another graceful stop is a 400; one that is not graceful is taken, once."""
    await client.post(f"{job_path}/start")
    clock.forward(seconds=20)
    statuses = [
        (await client.post(f"{job_path}/stop", {"gracefulStop": graceful})).status_code
        for graceful in (True, True, False, False)
    ]
    assert statuses == [201, 400, 201, 400]
    clock.forward(seconds=30)
    assert await client.names("/jobs/states", statusFilter="stopped") == ["Web tier"]


async def test_a_stopped_scheduled_run_is_not_retried(world: World, clock: StillClock) -> None:
    """Automatic retries are for failures, not for stops."""
    job = world.add_job("nightly", schedule=daily("19:00"))
    session = world.begin_run(job)
    clock.forward(seconds=20)
    world.tick()
    world.life.stop(session, world.now(), graceful=False)
    clock.forward(hours=2)
    world.tick()
    assert [s.result for s in world.sessions_of(job)] == ["Failed"]


async def test_an_immediate_copy_cannot_be_stopped(client: Client, world: World) -> None:
    """It can be started (sync now) and disabled, but not stopped."""
    source = world.add_job("Web tier")
    path = f"/jobs/{world.add_job('Copy', 'BackupCopy', source=source.name).id}"
    body = {"performActiveFull": False, "syncRestorePoints": "Latest"}
    assert (await client.post(f"{path}/start", body)).status_code == 201
    assert (await client.post(f"{path}/stop", {"gracefulStop": True})).status_code == 400
    assert (await client.post(f"{path}/disable")).status_code == 200


async def test_retry_runs_the_failed_objects_alone(
    client: Client, job_path: str, world: World, clock: StillClock
) -> None:
    """The session of a retry has task sessions for what failed, and nobody else's."""
    world.finish_run("Web tier", result="Failed", objects={"web02": "Failed to open VDDK disk"})
    answer = await client.post(f"{job_path}/retry", {"startChainedJobs": False})
    assert answer.status_code == 201
    clock.forward(seconds=101)
    session_id = answer.json()["id"]
    assert (await client.get(f"/sessions/{session_id}"))["result"]["result"] == "Success"
    assert await client.names(f"/sessions/{session_id}/taskSessions") == ["web02"]


@pytest.mark.parametrize("result", [None, "Success", "Warning"])
async def test_retry_needs_a_failure(client: Client, job_path: str, world: World, result: str | None) -> None:
    """No run yet, a success, a warning: 400."""
    if result is not None:
        world.finish_run("Web tier", result=result)
    assert (await client.post(f"{job_path}/retry")).status_code == 400


async def test_disabling_touches_the_schedule_alone(client: Client, world: World, clock: StillClock) -> None:
    """The job still starts by hand, and its status stays disabled while it runs."""
    job = world.add_job("nightly", schedule=daily("19:00"))
    answer = await client.post(f"/jobs/{job.id}/disable")
    assert (answer.status_code, answer.json()) == (200, {})
    clock.forward(days=2)
    await client.log_in()
    assert (await client.get("/sessions"))["pagination"]["total"] == 0
    assert (await client.post(f"/jobs/{job.id}/start")).status_code == 201
    clock.forward(seconds=30)
    row = (await client.get("/jobs/states"))["data"][0]
    assert (row["status"], row["lastResult"], row.get("nextRun")) == ("disabled", "None", None)
    assert (await client.post(f"/jobs/{job.id}/enable")).status_code == 200
    row = (await client.get("/jobs/states"))["data"][0]
    assert (row["status"], row["nextRun"][:13]) == ("running", "2026-03-04T19")


def _machine(world: World, name: str) -> dict[str, Any]:
    item = world.book.inventory[world.host_name, "VirtualMachine", name]
    return {key: item.model[key] for key in ("platform", "type", "hostName", "name", "objectId")}


async def test_quick_backup_takes_the_job_with_the_newest_restore_point(
    client: Client, world: World, clock: StillClock
) -> None:
    """The session is that job's, and has the one VM alone."""
    older = world.add_job("older", objects=("web01", "web02"))
    newer = world.add_job("newer", objects=("web01",))
    world.finish_run(older)
    clock.forward(minutes=1)
    world.finish_run(newer)
    answer = await client.post("/jobs/quickBackup/vSphere", _machine(world, "web01"))
    assert (answer.status_code, answer.json()["jobId"]) == (201, newer.id)
    again = await client.post("/jobs/quickBackup/vSphere", _machine(world, "web01"))
    assert again.status_code == 400


async def test_quick_backup_refusals(client: Client, world: World) -> None:
    """No full backup yet, an unknown VM, an incomplete or foreign object: 400."""
    world.add_job("Web tier", objects=("web01",))
    machine = _machine(world, "web01")
    bodies: list[Any] = [
        machine,
        machine | {"objectId": "vm-999999"},
        machine | {"platform": "VMware"},
        machine | {"type": "Datacenter"},
        {key: value for key, value in machine.items() if key != "objectId"},
        {key: value for key, value in machine.items() if key != "hostName"},
        None,
    ]
    statuses = [(await client.post("/jobs/quickBackup/vSphere", body)).status_code for body in bodies]
    assert statuses == [400] * len(bodies)


async def test_chained_jobs_follow_a_manual_start_only_when_asked(
    client: Client, job_path: str, world: World, clock: StillClock
) -> None:
    """``startChainedJobs`` decides, and ``cancelChainedJobs`` takes it back."""
    follower = world.add_job("after web", runs_after="Web tier")
    await client.post(f"{job_path}/start")
    clock.forward(seconds=101)
    await client.post(f"{job_path}/start", {"performActiveFull": False, "startChainedJobs": True})
    assert world.sessions_of(follower) == []
    clock.forward(seconds=101)
    world.tick()
    assert len(world.sessions_of(follower)) == 1
    clock.forward(seconds=101)
    await client.post(f"{job_path}/start", {"performActiveFull": False, "startChainedJobs": True})
    await client.post(f"{job_path}/stop", {"gracefulStop": False, "cancelChainedJobs": True})
    clock.forward(seconds=300)
    world.tick()
    assert len(world.sessions_of(follower)) == 1


async def test_an_active_full_reads_everything(
    client: Client, job_path: str, world: World, clock: StillClock
) -> None:
    """Its task sessions say Full, those of a normal run Increment."""
    world.finish_run("Web tier")
    algorithms = []
    for full in (False, True):
        session_id = (await client.post(f"{job_path}/start", {"performActiveFull": full})).json()["id"]
        clock.forward(seconds=101)
        tasks = (await client.get(f"/sessions/{session_id}/taskSessions"))["data"]
        algorithms.append({task["algorithm"] for task in tasks})
    assert algorithms == [{"Increment"}, {"Full"}]


async def test_what_a_run_comes_to_can_be_planned(
    client: Client, job_path: str, world: World, clock: StillClock
) -> None:
    """The planned failure shows in task sessions and log with its own words."""
    world.plan("Web tier", [Outcome("Failed", {"web03": "Failed to freeze guest, wait timeout"})])
    session_id = (await client.post(f"{job_path}/start")).json()["id"]
    clock.forward(seconds=101)
    tasks = (await client.get(f"/sessions/{session_id}/taskSessions"))["data"]
    assert {task["name"]: task["result"]["result"] for task in tasks} == {
        "web01": "Success", "web02": "Success", "web03": "Failed",
    }  # fmt: skip
    log = await client.get(f"/sessions/{session_id}/logs", statusFilter="Failed")
    assert "Processing web03 Error: Failed to freeze guest, wait timeout" in {
        r["title"] for r in log["records"]
    }


@asynccontextmanager
async def speaking(world: World, revision: str) -> AsyncIterator[Client]:
    """An administrator of a server that speaks this revision and no newer one."""
    behaviour = Behaviour(supported_revisions=accepted_by(revision))
    async with (
        VbrSandbox(world, behaviour=behaviour) as vbr,
        Client(vbr, {"x-api-version": revision}) as connected,
    ):
        yield await connected.log_in()


async def test_commands_to_the_agents_of_a_policy(world: World) -> None:
    """A session of the policy that backs nothing up; 400 for other jobs, and for Linux' cache."""
    windows = world.add_job("Laptops", "WindowsAgentBackupWorkstationPolicy", objects=("nb01",))
    linux = world.add_job("Servers", "LinuxAgentBackupServerPolicy", objects=("db01",))
    other = world.add_job("Web tier", objects=("web01",))
    async with speaking(world, "1.3-rev1") as client:
        applied = await client.post(f"/jobs/{linux.id}/applyConfiguration")
        cleared = await client.post(f"/jobs/{windows.id}/clearCache")
        assert [answer.status_code for answer in (applied, cleared)] == [201, 201]
        assert applied.json()["sessionType"] == cleared.json()["sessionType"] == "AgentPolicy"
        assert (applied.json()["jobId"], cleared.json()["jobId"]) == (linux.id, windows.id)
        for path in (
            f"/jobs/{other.id}/applyConfiguration",
            f"/jobs/{other.id}/clearCache",
            f"/jobs/{linux.id}/clearCache",
        ):
            assert (await client.post(path)).status_code == 400
    assert world.session(cleared.json()["id"]).task_ids == []


async def test_quick_backup_of_other_machines(world: World) -> None:
    """Hyper-V is answered with the session, an agent with the job alone; a policy's computer is refused."""
    for name, kind in (
        ("Office", "HyperVBackup"),
        ("Shops", "CloudDirectorBackup"),
        ("Physical", "WindowsAgentBackup"),
        ("Laptops", "WindowsAgentBackupWorkstationPolicy"),
    ):
        world.finish_run(world.add_job(name, kind, objects=(f"{name.lower()}01",)))
    models = {item.model["name"]: item.model for item in world.book.inventory.values()}
    async with speaking(world, "1.3-rev2") as client:
        hyperv = await client.post("/jobs/quickBackup/hyperV", models["office01"])
        agent = await client.post("/jobs/quickBackup/agent", models["physical01"])
        assert (hyperv.status_code, hyperv.json()["jobId"]) == (201, world.job("Office").id)
        assert (agent.status_code, agent.json()) == (201, {"jobId": world.job("Physical").id})
        refused = {
            "vSphere": models["shops01"],
            "hyperV": models["shops01"],
            "agent": models["laptops01"],
        }
        for path, model in refused.items():
            answer = await client.post(f"/jobs/quickBackup/{path}", model)
            assert answer.status_code == 400, path


@pytest.mark.parametrize("revision", ["1.2-rev1", "1.3-rev0", "1.3-rev1"])
async def test_what_came_later_is_no_path(world: World, revision: str) -> None:
    """404 for an operation that the revision does not have, as for any path that nobody knows."""
    job = world.add_job("Laptops", "WindowsAgentBackupWorkstationPolicy", objects=("nb01",))
    paths = ["/jobs/quickBackup/hyperV", "/jobs/quickBackup/agent", "/inventory/physical/all"]
    if revision != "1.3-rev1":
        paths += [f"/jobs/{job.id}/applyConfiguration", f"/jobs/{job.id}/clearCache"]
    async with speaking(world, revision) as client:
        assert {(await client.post(path, {})).status_code for path in paths} <= {400, 404}
        assert (await client.post(paths[0], {})).status_code == 404
