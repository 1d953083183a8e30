"""What is half read: one of several servers fails, job states are put together, the database is gone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from bot.operations.actions.delete import Delete
from bot.operations.actions.start import Start
from bot.operations.backend import ApprovalRules
from bot.operations.job_filters import JobsFilter
from bot.operations.model import KnownJob, NamedJob, Step
from bot.operations.outcomes import Ambiguous, Done, Failed, NeedsForm
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.servers import ListServers, ServersAnswer
from bot.operations.queries.sessions import ListSessions
from bot.operations.queries.status import ShowStatus, StatusAnswer
from bot.sandbox.vbr import Fault
from bot.sandbox.vbr.faults import html, refusing, rows, without
from bot.store import Database
from bot.veeam import Fleet, ReadRetries
from tests.rooms.operations.every_operation import CASES, changes, failed_servers, running
from tests.rooms.operations.form_room import ANN, with_administrators
from tests.rooms.operations.office import DR, HQ, Office
from tests.rooms.operations.unread import said
from tests.rooms.veeam.clients import START, client_of, wait_until

FORBIDDEN = 403


@pytest.fixture(autouse=True)
async def estate(office: Office) -> AsyncIterator[None]:
    with_administrators(office)
    office.world.add_job("Web", objects=("web01",))
    office.world.finish_run("Web", result="Success")
    running(office)
    yield
    await office.fleet.close()


@pytest.mark.parametrize("fault", [refusing(500), refusing(403), html(502)])
@pytest.mark.parametrize("template", ["/api/v1/jobs/states", "/api/v1/sessions", "*"])
async def test_one_server_takes_no_answer_of_the_others(office: Office, template: str, fault: Fault) -> None:
    """Whatever fails on one of several servers, the others' rows are there and the one is named."""
    for request in (ListJobs(), ListSessions(), ShowStatus(), ListServers(), ListJobs(JobsFilter.FAILED)):
        office.hq.faults.add("GET", template, fault, times=1000)
        office.restart()
        outcome = await office.ask(request, ANN)
        office.hq.faults.clear()
        assert isinstance(outcome, Done), outcome
        named = failed_servers(outcome) | {each.server for each in outcome.missing}
        assert DR not in named
        if isinstance(outcome.answer, ServersAnswer):
            up = {one.server for one in outcome.answer.servers if one.error is None}
            is_up = template != "*" or fault.status == FORBIDDEN
            assert up == ({HQ, DR} if is_up else {DR})
        elif isinstance(outcome.answer, StatusAnswer):
            assert DR in {one.server for one in outcome.answer.servers}
        elif isinstance(request, ListJobs) and request.which is None:
            assert "Files" in said(outcome)


async def test_states_put_together_say_the_same(office: Office) -> None:
    """From jobs and sessions come the status, result, last run and session that job states say."""
    whole = await rows_of(office)
    office.hq.faults.add("GET", "/api/v1/jobs/states", refusing(500), times=1000)
    office.restart()
    assert await rows_of(office) == whole


async def rows_of(office: Office) -> list[tuple[object, ...]]:
    answer = await office.answer(ListJobs(server="hq"), JobsAnswer, ANN)
    states = [view.state for view in answer.rows]
    return [
        (state.name, state.id, state.is_active, state.is_disabled, state.result, state.session_id)
        for state in states
    ]


@pytest.mark.parametrize("which", [JobsFilter.FAILED, JobsFilter.RUNNING, JobsFilter.DISABLED])
async def test_filters_hold_while_states_fail(office: Office, which: JobsFilter) -> None:
    """A filter that VBR would apply is applied to what was put together."""
    request = ListJobs(which, server="hq")
    whole = {view.state.name for view in (await office.answer(request, JobsAnswer, ANN)).rows}
    office.hq.faults.add("GET", "/api/v1/jobs/states", refusing(500), times=1000)
    office.restart()
    assert (
        {view.state.name for view in (await office.answer(request, JobsAnswer, ANN)).rows} == whole != set()
    )


async def test_a_name_is_asked_back_while_states_fail(office: Office) -> None:
    """Jobs of some types are missing then, and one of them may bear the name as well."""
    office.hq.faults.add("GET", "/api/v1/jobs/states", refusing(500), times=1000)
    outcome = await office.ask(Start(NamedJob("Never ran", "hq")), ANN)
    assert isinstance(outcome, Ambiguous)
    (choice,) = outcome.choices
    assert office.posts() == []
    assert isinstance(await office.ask(Start(KnownJob(HQ, choice.job_id)), ANN), Done)
    assert len(office.posts()) == 1


async def test_a_name_is_asked_back_whatever_is_read_meanwhile(office: Office) -> None:
    """One server lists a part of its jobs, and answers as before while another still lets us wait."""
    patient = client_of(office.dr, office.clock, name=DR, read_retries=ReadRetries())
    office.fleet = Fleet([client_of(office.hq, office.clock, name=HQ), patient])
    office.world.add_job("SQL Prod DR", "Unknown")
    office.hq.faults.add("GET", "/api/v1/jobs/states", refusing(500))
    office.dr.faults.add("GET", "/api/v1/jobs/states", refusing(503))
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(office.ask(Start(NamedJob("SQL Prod DR")), ANN))
        heard = office.hq.requests
        await wait_until(lambda: office.clock.sleeping and len(heard.of("GET", "/api/v1/sessions")) > 1)
        assert await office.fleet.server(HQ).job_state(office.known("Files").job_id) is not None
        office.hq.faults.add("GET", "/api/v1/jobs/states", refusing(500))
        await office.clock.advance(5)
    assert isinstance(asked.result(), Ambiguous)
    assert (office.posts(), office.dr.requests.of(*START)) == ([], [])
    await office.fleet.close()


async def test_a_name_is_asked_back_where_only_some_names_are_listed(office: Office) -> None:
    """VBR's filter leaves out a name that looks the same, and the list of all names is not whole."""
    office.world.add_job("SQL\u200b Prod DR", "Unknown")
    office.hq.faults.add("GET", "/api/v1/jobs/states", refusing(500), times=9, after=1)
    assert isinstance(await office.ask(Start(NamedJob("SQL Prod DR")), ANN), Ambiguous)
    assert office.dr.requests.of(*START) == []


async def test_states_are_read_again_once_they_may_be_back(office: Office) -> None:
    """What was put together serves half a minute; then VBR is asked as before, and nothing is missing."""
    office.hq.faults.add("GET", "/api/v1/jobs/states", refusing(500))
    first = await office.ask(ListJobs(server="hq"), ANN)
    again = await office.ask(ListJobs(server="hq"), ANN)
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert len(first.missing) == len(again.missing) == 1
    assert len(office.hq.requests.of("GET", "/api/v1/jobs/states")) == 1
    await office.clock.advance(31)
    later = await office.ask(ListJobs(server="hq"), ANN)
    assert isinstance(later, Done)
    assert later.missing == ()


async def test_a_row_that_cannot_be_read_is_no_missing_job(office: Office) -> None:
    """What VBR says of a job without its ID says nothing, and not as if it had no such job."""
    office.hq.faults.add("GET", "/api/v1/jobs/states", rows(without("id")), times=99)
    outcome = await office.ask(Start(office.known("Files")), ANN)
    assert isinstance(outcome, Done), outcome
    assert "Job states could not be read" in said(outcome)


@pytest.mark.parametrize(
    "name",
    ["jobs", "jobs failed", "job", "why", "sessions", "session", "status", "servers", "report", "home"],
)
async def test_a_database_that_is_gone_takes_no_answer_of_vbr(office: Office, name: str) -> None:
    """What the bot keeps of its own is a detail, too; the answer says that it could not be read."""
    request = await CASES[name].make(office)
    await office.database.close()
    office.database = Database("sqlite:////nonexistent/folder/bot.db")
    office.restart()
    outcome = await office.ask(request, ANN)
    assert isinstance(outcome, Done), outcome
    is_named = "The bot's own database isn't responding" in said(outcome)
    assert is_named is (name != "servers"), said(outcome)
    await office.database.close()


async def test_nothing_waits_for_a_second_person_on_half_a_state(office: Office) -> None:
    """What two people agree on is bound to the whole state: while that cannot be read, nothing is asked."""
    office.approvals = ApprovalRules(operations=("delete",))
    job = office.known("Archive")
    form = await office.ask(Delete(job, step=Step.FILL), ANN)
    assert isinstance(form, NeedsForm)
    assert isinstance(form.form.request, Delete)
    office.hq.faults.add("GET", "/api/v1/jobs/states", refusing(500), times=99)
    outcome = await office.ask(replace(form.form.request, step=Step.SEND, typed_name="Archive"), ANN)
    assert isinstance(outcome, Failed)
    assert changes(office) == []
