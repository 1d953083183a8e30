"""Sessions that are parts of a run, and sessions that only look like a job's."""

import json
from typing import Unpack
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.sandbox.vbr import Job, Session
from bot.sandbox.vbr.faults import changed, refusing, rows, setting, without
from bot.sandbox.vbr.world import RunFacts as SandboxRun
from bot.slack.views.runs import run_root
from bot.store import OwnAction, OwnActions, Runs
from bot.veeam import GENERATIONS, SessionId
from bot.watch.facts import AttemptEnded, RunChanged, RunEnded
from bot.watch.job_cache import JobCache
from bot.watch.run_facts import RunFacts
from tests.rooms.watch.site import SESSIONS, Site, of_kind, route_to, rules

ONE_SESSION = ("GET", "/api/v1/sessions/{id}")
PART = "Copy\\SQL (Incremental)"


def endless_copy(site: Site) -> tuple[Job, Session]:
    """An immediate copy in the middle of its session, which does not end."""
    site.world.add_job("SQL")
    job = site.world.add_job("Copy", "BackupCopy", source="SQL", mode="Immediate")
    job.run_seconds = 30 * 24 * 3600.0
    parent = site.world.begin_run(job)
    parent.state = "Idle"
    return job, parent


def buttons_of(run: RunFacts) -> list[str]:
    """The action IDs of the root's buttons, as people see them."""
    blocks = json.loads(json.dumps(run_root(run).blocks))
    return [
        element["action_id"]
        for block in blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


async def test_a_failed_part_is_its_jobs(site: Site) -> None:
    """It goes where the copy job goes, under its name, with buttons that act on that job."""
    site.begin(rules(route_to("C0COPY", jobs=["Copy"])))
    job, parent = endless_copy(site)
    site.world.finish_part(parent, PART, result="Failed", message="Repository is full")
    ((channel, root), *_) = await site.poll_after()
    assert isinstance(root, RunEnded)
    run = root.run
    assert (channel, run.job_name, run.job_id, run.job_type) == ("C0COPY", "Copy", job.id, "BackupCopy")
    assert (run.last.part, run.last.part_of, run.is_job) == ("SQL", parent.id, True)
    assert buttons_of(run) == ["operation:retry", "operation:why", "operation:session", "more"]
    assert "SQL" in run_root(run).text


async def test_the_parts_of_a_session_are_one_run(site: Site) -> None:
    """Three machines fail, then the policy itself ends: one root, the rest in its thread."""
    job = site.world.add_job("Laptops", "WindowsAgentBackup")
    parent = site.world.begin_run(job)
    for machine in ("lap01", "lap02"):
        site.world.finish_part(parent, f"Laptops - {machine} (Full)", result="Failed", message="Offline")
    told = await site.poll_after()
    site.world.finish_part(parent, "Laptops - lap03 (Full)", result="Failed", message="Offline")
    told += await site.poll_after()
    site.world.plan(job, [])
    parent_ends = site.world.session(parent.id)
    parent_ends.run = None
    parent_ends.state, parent_ends.result, parent_ends.ended_at = "Stopped", "Failed", site.world.now()
    told += await site.poll_after()
    (root,) = of_kind(told, RunEnded)
    assert root.run.job_name == "Laptops"
    assert [each.session.part for each in of_kind(told, AttemptEnded)] == ["lap02", "lap03", None]
    last = of_kind(told, RunChanged)[-1].run
    assert last.failed_parts == ("lap01", "lap02", "lap03")
    assert last.last.is_failed
    assert await site.poll_after() == []


def ends(site: Site, job: Job, parent: Session, result: str) -> None:
    """Let the whole session end now, and with it the run."""
    site.world.plan(job, [])
    parent.run = None
    parent.state, parent.result, parent.ended_at = "Stopped", result, site.world.now()


async def laptops(site: Site) -> tuple[Job, Session]:
    """An agent policy in the middle of its session, a second after lap01 failed in it."""
    job = site.world.add_job("Laptops", "WindowsAgentBackup", run_seconds=3600.0)
    await site.poll_after()
    parent = site.world.session(site.world.begin_run(job).id)
    site.world.finish_part(parent, "Laptops - lap01 (Full)", result="Failed", message="Offline")
    await site.clock.advance(1)
    return job, parent


def machine_ends(site: Site, parent: Session, machine: str, **facts: Unpack[SandboxRun]) -> Session:
    """A machine's part ends that names no session as the one that it is a part of."""
    part = site.world.finish_part(parent, f"Laptops - {machine} (Full)", **facts)
    part.parent_id = None
    return part


async def test_machines_whose_session_is_told_by_name_alone(site: Site) -> None:
    """The policy's run around them is theirs: one root with its buttons, each machine in its thread."""
    site.begin(rules(route_to("C0LAPTOPS", jobs=["Laptops"])))
    job = site.world.add_job("Laptops", "WindowsAgentBackup", run_seconds=3600.0)
    parent = site.world.session(site.world.begin_run(job).id)
    machine_ends(site, parent, "QC00", result="Failed", message="Offline", seconds=0.0)
    told = await site.poll_after()
    machine_ends(site, parent, "QC01", result="Failed", message="Offline", seconds=5.0)
    machine_ends(site, parent, "QC02", seconds=5.0)
    told += await site.poll_after()
    ends(site, job, parent, "Failed")
    told += await site.poll_after()
    (root,) = of_kind(told, RunEnded)
    assert (root.run.job_id, root.run.first.part, root.run.first.part_of) == (job.id, "QC00", parent.id)
    assert "operation:retry" in buttons_of(root.run)
    assert "QC00" in run_root(root.run).text
    assert [each.session.part for each in of_kind(told, AttemptEnded)] == ["QC01", None]
    assert {channel for channel, _ in told} == {"C0LAPTOPS"}


async def test_names_of_jobs_are_read_again_at_the_next_poll(site: Site) -> None:
    """A read that fails is none for each session, and those of the next poll have their job again."""
    job = site.world.add_job("Laptops", "WindowsAgentBackup", run_seconds=3600.0)
    site.begin(rules())
    parent = site.world.session(site.world.begin_run(job).id)
    for path in ("/api/v1/jobs/states", "/api/v1/jobs"):
        site.vbr.faults.add("GET", path, refusing(403), times=99)
    for machine in ("QC00", "QC01"):
        machine_ends(site, parent, machine, result="Failed", message="Offline", seconds=0.0)
    site.requests()
    told = of_kind(await site.poll_after(), RunEnded)
    assert [root.run.job_name for root in told] == ["Laptops - QC00", "Laptops - QC01"]
    assert site.requests().count("/api/v1/jobs") == 1
    site.vbr.faults.clear()
    machine_ends(site, parent, "QC02", result="Failed", message="Offline", seconds=0.0)
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.job_name, root.run.first.part) == ("Laptops", "QC02")


@pytest.mark.parametrize("result", ["Failed", "Success"])
async def test_machines_of_a_run_that_is_not_listed(site: Site, result: str) -> None:
    """They alone say how it went: one root, the machine named, nothing to press but the session's details."""
    site.begin(rules())
    job = site.world.add_job("Laptops", "WindowsAgentBackup")
    nowhere = site.world.finish_run(job, result="Success")
    site.world.purge_session(nowhere.id)
    for machine in ("QC00", "QC01"):
        machine_ends(site, nowhere, machine, result=result, seconds=5.0)
        await site.clock.advance(1)
    told = await site.poll_after()
    machine_ends(site, nowhere, "QC02", result=result, seconds=5.0)
    told += await site.poll_after()
    (root,) = of_kind(told, RunEnded)
    assert (root.run.job_name, root.run.job_id, root.run.is_job) == ("Laptops", job.id, False)
    assert [each.session.part for each in of_kind(told, AttemptEnded)] == ["QC01", "QC02"]
    assert buttons_of(root.run) == (["operation:session"] if result == "Failed" else [])


async def test_a_session_that_is_listed_after_its_machines(site: Site) -> None:
    """It joins the run that its machines began, though none of them names it."""
    job = site.world.add_job("Laptops", "WindowsAgentBackup", run_seconds=3600.0)
    await site.poll_after()
    parent = site.world.session(site.world.begin_run(job).id)
    parent.job_id = site.world.book.new_id()
    await site.clock.advance(10)
    machine_ends(site, parent, "QC00", result="Failed", message="Offline", seconds=5.0)
    told = await site.poll_after()
    parent.job_id = job.id
    ends(site, job, parent, "Failed")
    told += await site.poll_after()
    assert len(of_kind(told, RunEnded)) == 1
    assert [each.session.part for each in of_kind(told, AttemptEnded)] == [None]


@pytest.mark.parametrize("is_listed", [True, False])
async def test_two_runs_with_the_same_machines(site: Site, *, is_listed: bool) -> None:
    """Each run of a policy has a root of its own."""
    job = site.world.add_job("Laptops", "WindowsAgentBackup", run_seconds=60.0)
    await site.poll_after()
    told = []
    for _ in range(2):
        parent = site.world.session(site.world.begin_run(job).id)
        if not is_listed:
            parent.job_id = site.world.book.new_id()
        await site.clock.advance(10)
        for machine in ("QC00", "QC01"):
            machine_ends(site, parent, machine, result="Failed", message="Offline", seconds=5.0)
            await site.clock.advance(1)
        told += await site.poll_after()
        site.world.purge_session(parent.id)
        told += await site.poll_after(20 * 60)
    assert [each.run.first.part for each in of_kind(told, RunEnded)] == ["QC00", "QC00"]
    assert [each.session.part for each in of_kind(told, AttemptEnded)] == ["QC01", "QC01"]


@pytest.mark.parametrize(
    ("other", "name"),
    [("Laptops - HQ", "Laptops - HQ - QC00 (Full)"), ("Laptops - QC00", "Laptops - QC00 (Full)")],
)
async def test_a_name_that_two_jobs_explain(site: Site, other: str, name: str) -> None:
    """Then the session is told as it is, without buttons, and no machine is made up."""
    job = site.world.add_job("Laptops", "WindowsAgentBackup")
    site.world.add_job(other, "WindowsAgentBackup")
    part = site.world.finish_part(site.world.begin_run(job), name, result="Failed", message="Offline")
    part.parent_id = None
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.job_name, root.run.first.part, root.run.is_job) == (other, None, False)


async def test_a_machine_of_a_job_without_machines(site: Site) -> None:
    """A backup of virtual machines has no such parts: what a session of that name is nobody knows."""
    job = site.world.add_job("Laptops")
    part = site.world.finish_part(
        site.world.begin_run(job), "Laptops - QC00 (Full)", result="Failed", message="Offline"
    )
    part.parent_id = None
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.first.part, root.run.is_job) == (None, False)


@pytest.mark.parametrize("polls", [0, 1])
async def test_a_part_that_warns_beside_one_that_fails(site: Site, polls: int) -> None:
    """All that one poll finds of a session is one run, in order, whatever that poll asked for."""
    for _ in range(polls):
        await site.poll_after()
    job, parent = await laptops(site)
    site.world.finish_part(parent, "Laptops - lap02 (Full)", result="Warning", message="Slow")
    await site.clock.advance(1)
    ends(site, job, parent, "Failed")
    told = await site.poll_after()
    assert len(of_kind(told, RunEnded)) == 1
    assert [each.session.part for each in of_kind(told, AttemptEnded)] == ["lap02", None]


async def test_a_part_that_is_told_after_its_session(site: Site) -> None:
    """VBR says how a part went only once the whole session has ended: it joins that session's run."""
    job, parent = await laptops(site)
    late = site.world.finish_part(parent, "Laptops - lap02 (Full)", result="None")
    await site.clock.advance(1)
    ends(site, job, parent, "Failed")
    told = await site.poll_after()
    late.result = "Failed"
    told += await site.poll_after()
    assert len(of_kind(told, RunEnded)) == 1
    assert [each.session.part for each in of_kind(told, AttemptEnded)] == [None, "lap02"]
    assert of_kind(told, RunChanged)[-1].run.failed_parts == ("lap01", "lap02")


async def test_a_part_that_goes_well_again(site: Site) -> None:
    """The root says recovered once the part that failed went well, not when another one did."""
    _, parent = endless_copy(site)
    site.world.finish_part(parent, PART, result="Failed")
    await site.poll_after()
    site.world.finish_part(parent, "Copy\\Oracle (Incremental)")
    assert await site.poll_after(3600) == []
    site.world.finish_part(parent, PART)
    told = await site.poll_after(24 * 3600)
    (changed_root,) = of_kind(told, RunChanged)
    assert changed_root.run.is_recovered
    assert await Runs(site.database).failed_parts("hq") == {}


async def test_a_part_that_stays_failed_is_remembered(site: Site) -> None:
    """For the answers to people: VBR's state of the job does not say so."""
    job, parent = endless_copy(site)
    part = site.world.finish_part(parent, PART, result="Failed")
    await site.poll_after()
    assert await Runs(site.database).failed_parts("hq") == {job.id: part.id}


async def test_the_next_night_is_another_run(site: Site) -> None:
    """An immediate copy's session goes on for weeks: a failure of tomorrow gets a root of its own."""
    _, parent = endless_copy(site)
    site.world.finish_part(parent, PART, result="Failed")
    assert len(of_kind(await site.poll_after(), RunEnded)) == 1
    await site.poll_after(24 * 3600)
    site.world.finish_part(parent, PART, result="Failed")
    assert len(of_kind(await site.poll_after(), RunEnded)) == 1


async def test_a_part_that_went_well_is_nobodys_news(site: Site) -> None:
    """Its run says how it went."""
    _, parent = endless_copy(site)
    site.world.finish_part(parent, PART)
    assert await site.poll_after() == []


async def test_a_part_of_a_part(site: Site) -> None:
    """The outermost session decides."""
    job, parent = endless_copy(site)
    between = site.world.finish_part(parent, "Copy\\SQL", result="Success")
    site.world.finish_part(between, "sql01 (Incremental)", result="Failed")
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.job_id, root.run.last.part_of, root.run.last.part) == (job.id, parent.id, "sql01")


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_parent_that_cannot_be_read(site: Site, status: int) -> None:
    """The part is told at once under the name before its backslash, in the job's channel, without buttons."""
    site.begin(rules(route_to("C0COPY", jobs=["Copy"])))
    job, parent = endless_copy(site)
    site.world.finish_part(parent, PART, result="Failed")
    site.vbr.faults.add(*ONE_SESSION, refusing(status), times=99)
    ((channel, root), *_) = await site.poll_after()
    assert isinstance(root, RunEnded)
    assert (channel, root.run.job_name, root.run.job_id, root.run.is_job) == ("C0COPY", "Copy", job.id, False)
    assert buttons_of(root.run) == ["operation:session"]


async def test_a_part_whose_parent_is_not_named(site: Site) -> None:
    """Where a revision leaves the field out, the name before the backslash says whose part it is."""
    _, parent = endless_copy(site)
    site.world.finish_part(parent, PART, result="Failed")
    for _ in range(9):
        site.vbr.faults.add(*SESSIONS, rows(without("parentSessionId")))
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.job_name, root.run.last.part) == ("Copy", "SQL")


async def test_sessions_that_are_each_others_parents(site: Site) -> None:
    """Nonsense of that kind ends somewhere."""
    _, parent = endless_copy(site)
    first = site.world.finish_part(parent, "A", result="Failed")
    second = site.world.finish_part(first, "B", result="Failed")
    first.parent_id = second.id
    assert {root.run.job_name for root in of_kind(await site.poll_after(), RunEnded)} <= {"A", "B"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parents=st.lists(st.none() | st.integers(0, 5), min_size=6, max_size=6),
    of_jobs=st.lists(st.booleans(), min_size=6, max_size=6),
)
async def test_any_parents(site: Site, parents: list[int | None], of_jobs: list[bool]) -> None:
    """Whichever sessions name each other as parents: the first of a job on the way up says whose it is."""
    sessions = [site.world.session(site.ended(f"Job {number}")) for number in range(6)]
    for session, parent, is_of_job in zip(sessions, parents, of_jobs, strict=True):
        session.parent_id = None if parent is None else sessions[parent].id
        if not is_of_job:
            session.name, session.job_id = "Of no job", str(uuid4())
    for number, session in enumerate(sessions):
        way_up, at = [number], parents[number]
        while at is not None and at not in way_up and len(way_up) <= GENERATIONS:
            way_up.append(at)
            at = parents[at]
        first = next((each for each in way_up if of_jobs[each]), None)
        owner = await JobCache(site.client, site.clock).owner_of(
            await site.client.session(SessionId(session.id))
        )
        assert owner.is_certain is (first is not None)
        assert owner.name == ("Of no job" if first is None else f"Job {first}")


async def test_whoever_stops_the_run_stops_its_parts(site: Site) -> None:
    """A part that ends with the run that was stopped through the bot has not failed."""
    job = site.world.add_job("Laptops", "WindowsAgentBackup")
    parent = site.world.begin_run(job)
    await OwnActions(site.database).remember(
        OwnAction("hq", job.id, parent.id, "stop", "U1", "C0OPS", "k7q2", site.clock.now())
    )
    site.world.finish_part(parent, "Laptops - lap01 (Full)", result="Failed", message="Failed")
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.last.stopped_by, root.run.stands_failed) == ("U1", False)


@pytest.mark.parametrize("is_refused", [False, True])
async def test_machines_of_agents_without_task_sessions_are_named(
    site: Site,
    is_refused: bool,  # noqa: FBT001 -- a table's cell
) -> None:
    """Those whose last run failed, by the job's backup; where VBR does not say, the run is told without."""
    job = site.world.add_job("Servers", "LinuxAgentBackup", objects=("db01", "db02", "db03"))
    site.world.finish_run(job, result="Success")
    await site.poll_after()
    site.requests()
    site.world.finish_run(job, result="Failed", only=(), message="Job failed")
    job.failed_objects = ("db01", "db03")
    if is_refused:
        site.vbr.faults.add("GET", "/api/v1/backups", refusing(403), times=99)
    (root,) = of_kind(await site.poll_after(), RunEnded)
    details = root.run.last.details
    assert details is not None
    named = () if is_refused else ("db01", "db03")
    assert tuple(each.name for each in details.problems) == named
    assert not details.is_incomplete
    assert ("2 of 3 objects failed" in run_root(root.run).text) is not is_refused
    assert site.requests().count("/api/v1/backups/{id}/objects") == (0 if is_refused else 1)


async def test_a_run_of_agents_that_was_stopped_names_nobody(site: Site) -> None:
    """What a stop cut short is no failure of a machine, and VBR is not asked for any."""
    job = site.world.add_job("Servers", "LinuxAgentBackup", objects=("db01",))
    site.world.finish_run(job, result="Success")
    await site.poll_after()
    site.requests()
    site.world.finish_run(job, result="Failed", only=(), message="Operation was canceled by user")
    job.failed_objects = ("db01",)
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert root.run.last.seems_stopped
    assert "/api/v1/backups" not in site.requests()


async def test_hundreds_of_parts_do_not_flood(site: Site) -> None:
    """A policy with many machines that fail gets one root and some replies, and stays small."""
    _, parent = endless_copy(site)
    for number in range(150):
        site.world.finish_part(parent, f"Copy\\vm{number:03} (Incremental)", result="Failed")
    told = await site.poll_after()
    assert len(of_kind(told, RunEnded)) == 1
    assert len(told) <= 60
    assert len(of_kind(told, RunChanged)[-1].run.attempts) <= 101


@pytest.mark.parametrize("name", ["SOBR-1 Offload", "SQL nightly Offload", "SQL nightly offload"])
async def test_an_offload_is_no_run_of_a_job(site: Site, name: str) -> None:
    """One that went well is not told; one that failed is, with nothing to press but its own details."""
    site.world.add_job("SQL nightly")
    site.world.finish_offload(name)
    site.world.finish_offload(name, result="Warning")
    assert await site.poll_after() == []
    site.world.finish_offload(name, result="Failed", message="Capacity tier is full")
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.job_name, root.run.is_job) == (name, False)
    assert buttons_of(root.run) == ["operation:session"]


async def test_a_session_of_no_job_bears_no_dead_buttons(site: Site) -> None:
    """A configuration backup is told as ever; nobody can retry it."""
    session = site.world.finish_offload("Backup Configuration Job", result="Failed")
    session.type = "ConfigurationBackup"
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert buttons_of(root.run) == ["operation:session"]


@pytest.mark.parametrize(
    "suffix", ["", " (Full)", " (Incremental)", " (incremental)", " (Synthetic Full)", " (Retry 2)"]
)
async def test_a_job_that_was_deleted_right_after_its_run(site: Site, suffix: str) -> None:
    """The route of its name still takes its session, whatever VBR appends to it."""
    site.begin(rules(route_to("C0PROD", jobs=["Payroll (Prod)"])))
    session = site.world.session(site.ended("Payroll (Prod)", "Failed"))
    session.name = f"Payroll (Prod){suffix}"
    site.world.book.remove_job(site.world.job("Payroll (Prod)"))
    ((channel, root), *_) = await site.poll_after()
    assert isinstance(root, RunEnded)
    assert (channel, root.run.job_name, root.run.is_job) == ("C0PROD", "Payroll (Prod)", False)


async def test_a_session_whose_name_tells_the_run(site: Site) -> None:
    """The job's own name is shown, and knowing it once spares asking again."""
    session = site.world.session(site.ended("SQL nightly", "Failed"))
    session.name = "SQL nightly (Incremental)"
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.job_name, root.run.is_job) == ("SQL nightly", True)
    site.requests()
    site.world.session(site.ended("SQL nightly")).name = "SQL nightly (Retry 1)"
    await site.poll_after(1200)
    assert "/api/v1/jobs/states" not in site.requests()


async def test_a_job_that_vbr_fails_to_describe_stays(site: Site) -> None:
    """Without states, 404 for its model does not say that it was deleted."""
    site.world.session(site.ended("SQL nightly", "Failed")).name = "Nightly run"
    await site.poll_after()
    site.world.session(site.ended("SQL nightly", "Failed")).name = "Nightly run"
    site.vbr.faults.add("GET", "/api/v1/jobs/states", refusing(500), times=9)
    site.vbr.faults.add("GET", "/api/v1/jobs/{id}", refusing(404), times=9)
    (root,) = of_kind(await site.poll_after(1200), RunEnded)
    assert (root.run.job_name, root.run.is_job) == ("SQL nightly", True)


@pytest.mark.parametrize("learnt_by_parent", [False, True])
async def test_a_type_that_nobody_knows(site: Site, *, learnt_by_parent: bool) -> None:
    """A session of such a type is told at the next poll where it, or its parent, is of a job."""
    job, parent = endless_copy(site)
    if learnt_by_parent:
        site.world.finish_part(parent, PART, result="Failed")
    else:
        site.ended("Copy", "Failed")
    fancy = setting("sessionType", "QuantumBackup")
    site.vbr.faults.add(*SESSIONS, rows(fancy), times=9)
    site.vbr.faults.add(*ONE_SESSION, changed(fancy), times=9)
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.job_id, root.run.last.session_type) == (job.id, "QuantumBackup")


async def test_a_type_that_nobody_knows_and_no_job_has(site: Site) -> None:
    """It is noise, asked about once."""
    site.world.finish_offload("Orbit correction", result="Failed")
    site.vbr.faults.add(*SESSIONS, rows(setting("sessionType", "Orbit")), times=9)
    assert await site.poll_after() == []
    site.requests()
    assert await site.poll_after() == []
    assert site.requests() == ["/api/v1/sessions"]
