"""Lists: page by page, to the end and no further, with every row accounted for."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import structlog

from bot.sandbox.vbr import Behaviour, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.faults import changed, recasing, refusing, rows, setting, without
from bot.veeam import (
    JobId,
    JobStatesQuery,
    LogStatus,
    Result,
    SessionId,
    SessionsQuery,
    UnexpectedAnswer,
    VeeamServer,
)
from bot.veeam.client import PAGES_AT_MOST
from tests.rooms.veeam.clients import SESSIONS, STATES, client_of
from tests.support.clock import FakeClock

TASKS = ("GET", "/api/v1/sessions/{id}/taskSessions")
OLD = "1.2-rev1"


def pages_asked_for(vbr: VbrSandbox, operation: tuple[str, str] = STATES) -> list[tuple[str, str]]:
    return [(request.query["skip"], request.query["limit"]) for request in vbr.requests.of(*operation)]


async def test_all_pages_are_read(vbr: VbrSandbox, client: VeeamServer, world: World) -> None:
    """Pages of 500, until the server's count is reached: no request more."""
    world.with_many_jobs(1199)
    names = [state.name async for state in client.every_job_state(JobStatesQuery(order_by="Name"))]
    assert len(names) == len(set(names)) == 1200
    assert pages_asked_for(vbr) == [("0", "500"), ("500", "500"), ("1000", "500")]


async def test_a_list_may_begin_anywhere(vbr: VbrSandbox, client: VeeamServer, world: World) -> None:
    """`skip` and `limit` of the question are where it begins and how long its pages are."""
    world.with_many_jobs(9)
    states = [state async for state in client.every_job_state(JobStatesQuery(skip=4, limit=3))]
    assert len(states) == 6
    assert pages_asked_for(vbr) == [("4", "3"), ("7", "3")]


async def test_an_empty_page_ends_the_list(vbr: VbrSandbox, client: VeeamServer, world: World) -> None:
    """Rows may vanish between two pages; by the count alone it would never end."""
    world.with_many_jobs(9)
    vbr.faults.add(*STATES, changed(lambda answer: {**answer, "data": []}), after=1)
    states = [state async for state in client.every_job_state(JobStatesQuery(limit=5))]
    assert len(states) == 5
    assert len(pages_asked_for(vbr)) == 2


async def test_a_server_that_gives_less_than_asked_is_followed(
    vbr: VbrSandbox, client: VeeamServer, world: World
) -> None:
    """The next page begins after what was received, not after what was wanted."""
    world.with_many_jobs(9)
    vbr.faults.add(*STATES, changed(lambda answer: {**answer, "data": answer["data"][:2]}))
    states = [state async for state in client.every_job_state(JobStatesQuery(limit=5))]
    assert len({state.id for state in states}) == 10
    assert pages_asked_for(vbr) == [("0", "5"), ("2", "5"), ("7", "5")]


async def test_without_a_count_the_empty_page_decides(
    vbr: VbrSandbox, client: VeeamServer, world: World
) -> None:
    """Pagination may be null."""
    world.with_many_jobs(9)
    vbr.faults.add(*STATES, changed(setting("pagination", None)), times=9)
    states = [state async for state in client.every_job_state(JobStatesQuery(limit=5))]
    assert len(states) == 10
    assert len(pages_asked_for(vbr)) == 3


async def test_an_endless_list_is_cut_and_said_to_be(
    vbr: VbrSandbox, client: VeeamServer, world: World
) -> None:
    """Nobody pages for ever."""
    world.with_many_jobs(PAGES_AT_MOST + 5)
    with structlog.testing.capture_logs() as logs:
        states = [state async for state in client.every_job_state(JobStatesQuery(limit=1))]
    assert len(states) == len(pages_asked_for(vbr)) == PAGES_AT_MOST
    assert "veeam.pages_capped" in [entry["event"] for entry in logs]


@pytest.mark.parametrize(
    "change",
    [
        setting("status", "Hibernating"),
        setting("status", None),
        setting("lastResult", 7),
        setting("lastRun", "yesterday"),
        setting("sessionProgress", []),
        setting("somethingNew", {"a": 1}),
        setting("description", None),
        recasing("status", str.upper),
        without("name"),
        without("workload"),
    ],
)
async def test_an_odd_row_is_still_a_row(
    vbr: VbrSandbox, client: VeeamServer, world: World, change: object
) -> None:
    """New values, other letters, missing fields: the list stays whole."""
    world.with_many_jobs(4)
    expected = [state.id for state in (await client.job_states()).rows]
    vbr.faults.add(*STATES, rows(change, only=[2]))  # type: ignore[arg-type]  # parametrize erases its type
    page = await client.job_states()
    assert ([state.id for state in page.rows], page.unreadable) == (expected, 0)


async def test_a_row_without_id_is_counted_and_skipped_over(
    vbr: VbrSandbox, client: VeeamServer, world: World
) -> None:
    """It is told once in the log, and the next page begins after it."""
    world.with_many_jobs(9)
    vbr.faults.add(*STATES, rows(without("id"), only=[1]), times=2)
    with structlog.testing.capture_logs() as logs:
        assert (await client.job_states(JobStatesQuery(limit=5))).unreadable == 1
        states = [state async for state in client.every_job_state(JobStatesQuery(limit=5))]
    assert len(states) == 9
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["veeam.rows_unreadable"]


async def test_an_answer_without_rows_is_not_an_empty_list(vbr: VbrSandbox, client: VeeamServer) -> None:
    """An error object with status 200 is no "you have no jobs"."""
    vbr.faults.add(*SESSIONS, changed(lambda _: {"message": "oops"}))
    with pytest.raises(UnexpectedAnswer):
        await client.sessions()


async def test_filters_reach_the_server(client: VeeamServer, world: World) -> None:
    """VBR filters, sorts and pages; the client does not."""
    world.with_many_jobs(40)
    failed = await client.job_states(
        JobStatesQuery(last_result=Result.FAILED, order_by="LastRun", ascending=False, limit=3)
    )
    assert (failed.total, len(failed.rows)) == (4, 3)
    runs = [state.last_run for state in failed.rows if state.last_run is not None]
    assert runs == sorted(runs, reverse=True)
    assert {state.result for state in failed.rows} == {Result.FAILED}


async def test_completions_are_asked_for_by_end_and_types(
    vbr: VbrSandbox, client: VeeamServer, world: World, clock: FakeClock
) -> None:
    """The poll's question: array filters repeat their name, times are in UTC."""
    world.finish_run("SQL nightly", result="Failed", objects={"vm01": "Failed to open VDDK disk"})
    await clock.advance(3600)
    world.finish_run("SQL nightly")
    query = SessionsQuery(
        types=client.revision.job_run_types,
        results=("Failed", "Warning", "Success"),
        ended_after=clock.now() - timedelta(minutes=30),
        order_by="EndTime",
        ascending=True,
        limit=500,
    )
    page = await client.sessions(query)
    asked = vbr.requests.of(*SESSIONS)[0].query
    assert asked.getall("typeFilter") == list(client.revision.job_run_types)
    assert asked["endedAfterFilter"] == "2026-11-23T12:30:00Z"
    assert [(session.is_stopped, session.outcome) for session in page.rows] == [(True, Result.SUCCESS)]


async def test_times_without_offset_are_the_servers(
    vbr: VbrSandbox, client: VeeamServer, world: World, clock: FakeClock
) -> None:
    """Task sessions come in the server's local time; its zone is asked for once an hour."""
    session = world.finish_run("SQL nightly", seconds=60)
    for _ in range(2):
        tasks = await client.task_sessions(SessionId(session.id))
        assert tasks
        for task in tasks:
            assert task.creation_time is not None
            assert task.creation_time.tzinfo is UTC
            assert timedelta() <= clock.now() - task.creation_time <= timedelta(seconds=60)
    server_time = ("GET", "/api/v1/serverTime")
    assert len(vbr.requests.of(*server_time)) == 1
    await clock.advance(3601)
    await client.task_sessions(SessionId(session.id))
    assert len(vbr.requests.of(*server_time)) == 2
    assert "+" not in vbr.requests.of(*TASKS)[0].answer["data"][0]["creationTime"]


@pytest.mark.parametrize("is_zone_known", [True, False])
async def test_times_without_offset_are_read_without_the_servers_clock(
    vbr: VbrSandbox, client: VeeamServer, world: World, clock: FakeClock, *, is_zone_known: bool
) -> None:
    """A clock that fails takes no task session away, and is asked again a minute later, not each time."""
    session = world.finish_run("SQL nightly", seconds=60)
    if is_zone_known:
        await client.server_time()
        await clock.advance(3601)
    vbr.faults.add("GET", "/api/v1/serverTime", refusing(500), times=99)
    vbr.requests.clear()
    for minute in range(1, 3):
        for _ in range(3):
            assert all(task.creation_time for task in await client.task_sessions(SessionId(session.id)))
        assert len(vbr.requests.of("GET", "/api/v1/serverTime")) == minute
        await clock.advance(61)


@pytest.mark.parametrize("revision", ["1.3-rev0", "1.3-rev2"])
async def test_times_without_offset_are_those_of_their_day(clock: FakeClock, revision: str) -> None:
    """In November a server in Berlin is an hour ahead; what it did in July it did two hours ahead.

    By the display name of its zone and, since 1.3-rev2, by its IANA name.
    """
    world = World(clock.now, zone=ZoneInfo("Europe/Berlin"))
    world.add_job("SQL nightly")
    in_july = datetime(2026, 7, 15, 2, 30, tzinfo=UTC)
    session = world.finish_run("SQL nightly", ended_at=in_july, seconds=60)
    async with (
        VbrSandbox(world, behaviour=Behaviour(supported_revisions=accepted_by(revision))) as vbr,
        client_of(vbr, clock, api_version=revision) as client,
    ):
        tasks = await client.task_sessions(SessionId(session.id))
    assert {in_july - task.creation_time < timedelta(minutes=2) for task in tasks if task.creation_time} == {
        True
    }


async def test_a_log_is_told_in_order(client: VeeamServer, world: World) -> None:
    """VBR mixes the records; a status narrows them."""
    session = world.finish_run("SQL nightly", result="Failed", objects={"vm01": "Failed to open VDDK disk"})
    session_id = SessionId(session.id)
    records = await client.session_logs(session_id)
    places = [record.sort_key() for record in records]
    assert len(records) > 2
    assert places == sorted(places)
    failed = await client.session_logs(session_id, LogStatus.FAILED)
    assert {record.status for record in failed} == {"Failed"}
    assert len(failed) < len(records)


async def test_an_old_revision_filters_logs_here(vbr: VbrSandbox, world: World, clock: FakeClock) -> None:
    """1.2-rev1 has no `statusFilter`: it is not sent, and the answer is the same."""
    session = world.finish_run("SQL nightly", result="Failed", objects={"vm01": "Failed to open VDDK disk"})
    logs = ("GET", "/api/v1/sessions/{id}/logs")
    async with client_of(vbr, clock) as client:
        expected = await client.session_logs(SessionId(session.id), LogStatus.FAILED)
    vbr.requests.clear()
    async with client_of(vbr, clock, api_version=OLD) as client:
        assert await client.session_logs(SessionId(session.id), LogStatus.FAILED) == expected
    assert "statusFilter" not in vbr.requests.of(*logs)[0].query


async def test_one_jobs_state_is_asked_for_by_id(vbr: VbrSandbox, client: VeeamServer, world: World) -> None:
    """And taken from the answer by id, should a server overlook the filter."""
    world.with_many_jobs(3)
    wanted = JobId(world.job("Bulk job 00001").id)
    state = await client.job_state(wanted)
    assert state is not None
    assert state.name == "Bulk job 00001"
    assert vbr.requests.of(*STATES)[0].query["idFilter"] == wanted
