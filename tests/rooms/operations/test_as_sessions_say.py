"""What sessions say decides where VBR's state of a job says something else; every answer tells the same."""

from datetime import timedelta
from typing import Any

import pytest

from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.job_filters import JobsFilter
from bot.operations.jobs import snapshot_of
from bot.operations.model import KnownJob, NamedJob, Person, Standing
from bot.operations.outcomes import Detailed, Done, NotPossible, Streak
from bot.operations.queries.home import HomeAnswer, ShowHome
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.session import SessionAnswer, ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsAnswer, SessionsFilter
from bot.operations.queries.status import ShowStatus, StatusAnswer
from bot.operations.queries.why import ExplainFailure
from bot.sandbox.vbr import Job, Session
from bot.sandbox.vbr.faults import changed, recasing, refusing, rows, setting
from bot.sandbox.vbr.world import RunFacts
from bot.settings import GrantSettings, GroupReference, PersonId, Role, ServerName
from bot.slack.views.home import home_message
from bot.slack.views.jobs import job as job_page
from bot.slack.views.jobs import jobs as jobs_page
from bot.store import RunRow, Runs, StoppedSessions
from bot.veeam import Detail, JobId, JobState, SessionId
from tests.rooms.operations.office import HQ, SQL_ONLY, VIEWER, Office
from tests.rooms.operations.unread import said

BY_USER = "Operation was canceled by user"
FAILED_BEFORE = {"SQL Prod", "Oracle"}


async def listed(office: Office, which: JobsFilter) -> tuple[list[str], int]:
    answer = await office.answer(ListJobs(which=which, server="hq"), JobsAnswer)
    assert answer.total == len(answer.rows)
    return [view.state.name for view in answer.rows], answer.total


async def counted(office: Office) -> tuple[int, int]:
    """How many failed and how many run, by `status`; Home says the same."""
    answer = await office.answer(ShowStatus("hq"), StatusAnswer)
    home = await office.answer(ShowHome(), HomeAnswer)
    (status,) = answer.servers
    assert home.status is not None
    at_home = next(server for server in home.status.servers if server.server == HQ)
    assert (at_home.failed_total, at_home.running_total) == (status.failed_total, status.running_total)
    return status.failed_total, status.running_total


def started_while_disabled(office: Office) -> tuple[Job, Session]:
    job = office.world.job("Archive")
    return job, office.world.begin_run(job, by=r"CORP\anna")


async def test_runs_behind_many_backups_of_logs(office: Office) -> None:
    """These bear the job's ID too and come every few minutes; the run is found all the same."""
    office.world.job("Archive").run_seconds = 24 * 3600.0
    job, run = started_while_disabled(office)
    await office.clock.advance(3600)
    for minutes in range(20, 0, -1):
        at = office.world.now() - timedelta(minutes=minutes)
        office.world.finish_run(job, ended_at=at, seconds=5).type = "SqlLogBackup"
    last = await office.answer(ShowSession(job=office.known("Archive")), SessionAnswer)
    assert last.view.session.id == run.id
    outcome = await office.ask(Start(office.known("Archive")))
    assert isinstance(outcome, NotPossible), outcome


async def test_what_runs_is_not_denied_unread(office: Office) -> None:
    """Home says that nothing runs only where that could be read."""
    text = home_message(await office.answer(ShowHome(), HomeAnswer), command="/veeam").text
    assert "Nothing is running at the moment." in text
    office.hq.faults.add("GET", "/api/v1/sessions", refusing(500), times=99)
    office.restart()
    outcome = await office.ask(ShowHome())
    assert isinstance(outcome, Done)
    assert Detail.RUNNING_SESSIONS in {each.what for each in outcome.missing}
    assert "Nothing is running at the moment, as far as could be read." in said(outcome)


async def test_running_while_disabled(office: Office) -> None:
    """Its session decides: lists, its page, status, Home and its buttons say that it runs."""
    assert await listed(office, JobsFilter.RUNNING) == ([], 0)
    started_while_disabled(office)
    assert await listed(office, JobsFilter.RUNNING) == (["Archive"], 1)
    assert await counted(office) == (2, 1)
    assert "Archive" not in (await listed(office, JobsFilter.NONE))[0]
    for answer in (
        await office.answer(ShowJob(NamedJob("Archive")), JobAnswer),
        await office.answer(ListJobs(which=JobsFilter.DISABLED, server="hq"), JobsAnswer),
    ):
        view = answer.view if isinstance(answer, JobAnswer) else answer.rows[0]
        offered = {operation.name for operation in view.operations}
        assert ("stop" in offered, "start" in offered, view.state.is_disabled) == (True, False, True)
        message = job_page(answer) if isinstance(answer, JobAnswer) else jobs_page(answer)
        assert "Running" in message.text
        assert "disabled" in message.text


async def test_stop_of_what_runs_while_disabled(office: Office) -> None:
    """The button that the page offers does what it says; Start says that it runs."""
    started_while_disabled(office)
    blocked = await office.ask(Start(NamedJob("Archive")))
    assert isinstance(blocked, NotPossible)
    page = await office.answer(ShowJob(NamedJob("Archive")), JobAnswer)
    drawn = page.view.state
    done = await office.ask(Stop(KnownJob(HQ, drawn.id), snapshot_of(drawn)))
    assert isinstance(done, Done)


async def test_a_disabled_job_at_rest(office: Office) -> None:
    """It is disabled and no more, whatever its last run came to."""
    office.world.finish_run(office.world.job("Archive"), result="None")
    assert await listed(office, JobsFilter.RUNNING) == ([], 0)
    page = await office.answer(ShowJob(NamedJob("Archive")), JobAnswer)
    assert not page.view.state.is_active


def runs_unseen(office: Office, job: Job | str, *, state: str = "Working") -> Session:
    """A run that began while VBR's state of the job goes on naming the one before."""
    job = office.world.job(job) if isinstance(job, str) else job
    before = job.session_id, job.last_run
    session = office.world.begin_run(job, by=r"CORP\anna")
    session.state = state
    session.run.working_at = office.world.now() + timedelta(days=1)  # type: ignore[union-attr] # just begun
    job.session_id, job.last_run = before
    job.rows.clear()
    return session


async def runs_everywhere(office: Office, name: str, *, others: int = 0) -> JobState:
    """Lists, counts, its page and its buttons say that a job runs; return its state as the page has it."""
    rows, _ = await listed(office, JobsFilter.RUNNING)
    assert rows == [name]
    assert (await counted(office))[1] == 1 + others
    assert name not in (await listed(office, JobsFilter.INACTIVE))[0]
    every = await office.answer(ListJobs(server="hq"), JobsAnswer)
    page = await office.answer(ShowJob(NamedJob(name)), JobAnswer)
    shown = [page.view, *(view for view in every.rows if view.state.name == name)]
    assert [view.state.is_active for view in shown] == [True, True]
    assert all("start" not in {one.name for one in view.operations} for view in shown)
    assert "Running" in job_page(page).text
    return page.view.state


@pytest.mark.parametrize("state", ["Starting", "Working", "Postprocessing", "WaitingSlot", "Stopping"])
@pytest.mark.parametrize("last", ["Success", "Failed"])
async def test_a_run_that_the_state_does_not_name(office: Office, state: str, last: str) -> None:
    """A disabled job runs whatever its state says of its last run; it is not started a second time."""
    office.world.finish_run("Archive", result=last)
    session = runs_unseen(office, "Archive", state=state)
    drawn = await runs_everywhere(office, "Archive")
    assert drawn.session_id == session.id
    for action in (
        Start(NamedJob("Archive")),
        Start(office.known("Archive"), snapshot_of(drawn)),
        Retry(NamedJob("Archive")),
    ):
        assert isinstance(await office.ask(action), NotPossible)
    assert office.posts() == []
    await office.ask(Stop(KnownJob(HQ, drawn.id), snapshot_of(drawn)))
    assert [verb for verb, _ in office.posts()] == ["stop"]


async def test_running_sessions_are_listed_once(office: Office) -> None:
    """An answer asks what runs in as many requests with one disabled job as with fifty."""
    asked: list[int] = []
    for count in (1, 50):
        for number in range(count):
            office.world.add_job(f"Off {count} {number}", is_disabled=True)
        office.hq.requests.clear()
        await office.answer(ListJobs(which=JobsFilter.DISABLED, server="hq"), JobsAnswer)
        asked.append(sum(each.template == "/api/v1/sessions" for each in office.hq.requests))
    assert asked[0] == asked[1] <= 2


@pytest.mark.parametrize("query", [ListJobs(which=JobsFilter.RUNNING, server="hq"), ShowStatus(server="hq")])
async def test_few_that_run_among_many_disabled_jobs(office: Office, query: ListJobs | ShowStatus) -> None:
    """Sessions say which jobs to look at, so that not all disabled ones are read, however many there are."""
    for number in range(1100):
        office.world.add_job(f"Off {number}", is_disabled=True)
    runs_unseen(office, "Archive")
    office.hq.requests.clear()
    outcome = await office.ask(query)
    assert isinstance(outcome, Done)
    assert "Archive" in said(outcome)
    asked = [each.query for each in office.hq.requests if each.template == "/api/v1/jobs/states"]
    assert [each for each in asked if int(each.get("skip", "0")) > 0] == []


async def test_no_list_of_running_sessions(office: Office) -> None:
    """The jobs are listed all the same, and what is missing is named; an action asks for the job's own."""
    office.world.finish_run("Archive", result="Success")
    runs_unseen(office, "Archive")
    office.hq.faults.add("GET", "/api/v1/sessions", refusing(500))
    outcome = await office.ask(ListJobs(which=JobsFilter.DISABLED, server="hq"))
    assert isinstance(outcome, Detailed)
    assert {each.what for each in outcome.missing} == {Detail.RUNNING_SESSIONS}
    office.hq.faults.add("GET", "/api/v1/sessions", refusing(500))
    blocked = await office.ask(Start(NamedJob("Archive")))
    assert isinstance(blocked, NotPossible)
    assert office.posts() == []


async def test_a_session_whose_name_begins_with_a_hyphen(office: Office) -> None:
    """No job is called nothing: none is looked for, least of all among all there are."""
    part_at_work(office, is_named=False).name = " - lap01 (Full)"
    office.hq.requests.clear()
    await listed(office, JobsFilter.DISABLED)
    assert [each for each in office.hq.requests if set(each.query.get("nameFilter", "x")) <= {"*"}] == []


async def test_a_log_backup_is_no_run(office: Office) -> None:
    """It goes on between the runs of its job, which can be started meanwhile."""
    office.world.finish_run("Archive", result="Success")
    session = runs_unseen(office, "Archive")
    session.type = "SqlLogBackup"
    assert await listed(office, JobsFilter.RUNNING) == ([], 0)
    assert isinstance(await office.ask(Start(NamedJob("Archive"))), Done)


async def test_log_backups_that_are_newer_than_the_run(office: Office) -> None:
    """The job is not started a second time, however many began since, also where nothing else is read."""
    office.world.finish_run("Archive", result="Success")
    runs_unseen(office, "Archive")
    for _ in range(8):
        await office.clock.advance(30)
        runs_unseen(office, "Archive").type = "SqlLogBackup"
    office.hq.faults.add("GET", "/api/v1/sessions", refusing(500))
    assert isinstance(await office.ask(Start(NamedJob("Archive"))), NotPossible)
    assert office.posts() == []


async def test_a_command_to_agents_hides_no_run(office: Office) -> None:
    """It may bear the job's ID, and began after the run that it serves."""
    office.world.finish_run("Archive", result="Success")
    run = runs_unseen(office, "Archive")
    await office.clock.advance(60)
    runs_unseen(office, "Archive")
    command = rows(setting("sessionType", "AgentOperationBackupNow"), only=[0])
    office.hq.faults.add("GET", "/api/v1/sessions", command, times=99)
    assert (await runs_everywhere(office, "Archive")).session_id == run.id


async def test_a_policy_that_rests_by_its_state(office: Office) -> None:
    """Its own session says nothing else, as that of a copy may work for days: lists and page agree."""
    runs_unseen(office, office.world.add_job("Laptops", "WindowsAgentBackup"))
    assert await listed(office, JobsFilter.RUNNING) == ([], 0)
    page = await office.answer(ShowJob(NamedJob("Laptops")), JobAnswer)
    assert not page.view.state.is_active


def part_at_work(office: Office, *, is_named: bool, machine: str = "lap01") -> Session:
    """A machine's part that is at work while VBR's state of its policy says that the policy rests."""
    job = office.world.add_job("Laptops", "WindowsAgentBackup")
    parent = office.world.finish_run(job, result="Failed")
    part = office.world.finish_part(parent, f"Laptops - {machine} (Full)", result="None")
    part.state, part.ended_at = "Working", None
    part.parent_id = parent.id if is_named else None
    return part


@pytest.mark.parametrize("is_named", [True, False])
async def test_a_part_at_work(office: Office, *, is_named: bool) -> None:
    """The job is not started or retried meanwhile, and can be stopped; everything says that it runs."""
    part_at_work(office, is_named=is_named)
    drawn = await runs_everywhere(office, "Laptops")
    laptops = NamedJob("Laptops")
    for action in (Start(laptops), Retry(laptops), Start(office.known("Laptops"), snapshot_of(drawn))):
        assert isinstance(await office.ask(action), NotPossible)
    assert office.posts() == []
    await office.ask(Stop(KnownJob(HQ, drawn.id), snapshot_of(drawn)))
    assert [verb for verb, _ in office.posts()] == ["stop"]


async def test_one_job_that_cannot_be_read_takes_no_status(office: Office) -> None:
    """How the job stands whose part is at work is not known then; the answer says so, and all the rest."""
    part_at_work(office, is_named=True)
    laptops = office.known("Laptops").job_id

    def unread(answer: dict[str, Any]) -> dict[str, Any]:
        is_by_id = [row["id"] for row in answer["data"]] == [laptops]
        return {**answer, "data": [{}]} if is_by_id else answer

    office.hq.faults.add("GET", "/api/v1/jobs/states", changed(unread), times=99)
    office.hq.faults.add("GET", "/api/v1/jobs/{id}", refusing(404), times=99)
    outcome = await office.ask(ShowStatus("hq"))
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, StatusAnswer)
    assert [(one.server, one.failed_total) for one in outcome.answer.servers] == [(HQ, 3)]
    assert [one.what for one in outcome.missing] == [Detail.JOB_STATES]


async def test_sessions_with_ids_in_capitals(office: Office) -> None:
    """An ID is the same one however VBR writes it."""
    office.world.finish_run("Archive", result="Success")
    runs_unseen(office, "Archive")
    office.hq.faults.add("GET", "/api/v1/sessions", rows(recasing("jobId", str.upper)), times=99)
    await runs_everywhere(office, "Archive")
    assert isinstance(await office.ask(Start(NamedJob("Archive"))), NotPossible)


async def test_a_command_to_agents_is_a_part(office: Office) -> None:
    """The run that it serves goes on, also where nothing else of it is at work."""
    part_at_work(office, is_named=True)
    command = rows(setting("sessionType", "AgentOperationBackupNow"), only=[0])
    office.hq.faults.add("GET", "/api/v1/sessions", command, times=99)
    assert (await listed(office, JobsFilter.RUNNING))[0] == ["Laptops"]


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_a_parent_that_cannot_be_read(office: Office, status: int) -> None:
    """Whose part is at work is not known then; what else runs is."""
    part_at_work(office, is_named=True)
    office.world.finish_run("Archive", result="Success")
    runs_unseen(office, "Archive")
    office.hq.faults.add("GET", "/api/v1/sessions/{id}", refusing(status), times=99)
    assert (await listed(office, JobsFilter.RUNNING))[0] == ["Archive"]


@pytest.mark.parametrize(("other", "machine"), [("Laptops - lap01", "lap01"), ("Laptops - HQ", "HQ - lap07")])
async def test_a_part_that_may_be_another_jobs(office: Office, other: str, machine: str) -> None:
    """A name that is a job's own, or that two jobs explain, says nothing."""
    part_at_work(office, is_named=False, machine=machine)
    office.world.add_job(other, "WindowsAgentBackup")
    assert (await listed(office, JobsFilter.RUNNING))[0] == []


async def test_a_copy_that_waits_is_not_running(office: Office) -> None:
    """An immediate copy that was disabled stays in its session for ever."""
    copy = office.world.job("Copy now")
    session = office.world.begin_run(copy)
    session.state = "Idle"
    copy.model["isDisabled"] = True
    session.run.working_at = office.world.now() + timedelta(days=1)  # type: ignore[union-attr] # just begun
    assert "Copy now" not in (await listed(office, JobsFilter.RUNNING))[0]
    page = await office.answer(ShowJob(NamedJob("Copy now")), JobAnswer)
    assert "start" in {operation.name for operation in page.view.operations}
    assert not isinstance(await office.ask(Start(NamedJob("Copy now"))), NotPossible)


def stop(office: Office, job: str = "SQL Prod", *, is_canceled: bool) -> Session:
    """Let the job's latest run be one that a person stopped."""
    session = office.world.sessions_of(job)[-1]
    session.is_canceled = is_canceled
    return session


@pytest.mark.parametrize("is_noted", [True, False])
async def test_stopped_is_not_failed(office: Office, *, is_noted: bool) -> None:
    """By VBR's word, or by what the bot noted when it ended: no list, count or page calls it failed."""
    session = stop(office, is_canceled=not is_noted)
    if is_noted:
        await StoppedSessions(office.database).note("hq", session.id, office.clock.now())
    assert await listed(office, JobsFilter.FAILED) == (["Oracle"], 1)
    assert await counted(office) == (1, 0)
    failed = await office.answer(
        ListSessions(which=SessionsFilter.FAILED, job=NamedJob("SQL Prod")), SessionsAnswer
    )
    assert [row.session.id for row in failed.rows] != []
    assert session.id not in {row.session.id for row in failed.rows}
    page = await office.answer(ShowJob(NamedJob("SQL Prod")), JobAnswer)
    assert page.recent[0].is_stopped
    text = job_page(page).text
    assert "Stopped" in text.splitlines()[0]
    assert "Failed" not in text.splitlines()[0]
    assert "retry" not in {operation.name for operation in page.view.operations}


@pytest.mark.parametrize(
    "said",
    [
        RunFacts(result="Failed", message=BY_USER, only=()),
        RunFacts(result="Failed", message=BY_USER, objects={"vm01": BY_USER}),
        RunFacts(result="Failed", message="Job failed", objects={"vm01": BY_USER}),
        RunFacts(result="Failed", log=(("Failed", BY_USER),), only=()),
    ],
)
async def test_stopped_by_words_before_the_bot_watched(office: Office, said: RunFacts) -> None:
    """Its own words, its objects' or its log's say so: after `jobs failed` every answer knows it."""
    session = office.world.finish_run("SQL Prod", **said)
    assert await listed(office, JobsFilter.FAILED) == (["Oracle"], 1)
    assert await counted(office) == (1, 0)
    failed = await office.answer(
        ListSessions(which=SessionsFilter.FAILED, job=NamedJob("SQL Prod")), SessionsAnswer
    )
    assert session.id not in {row.session.id for row in failed.rows}


@pytest.mark.parametrize("by_words", [True, False])
async def test_status_asks_nobody_else_who_was_stopped(office: Office, *, by_words: bool) -> None:
    """What VBR's list of sessions says is enough, and that is read once."""
    if by_words:
        office.world.finish_run("SQL Prod", result="Failed", message=BY_USER, only=())
    else:
        stop(office, is_canceled=True)
    assert await counted(office) == (1, 0)
    assert await counted(office) == (1, 0)
    lists = [each for each in office.hq.requests if each.template == "/api/v1/sessions"]
    assert sum(each.query.get("resultFilter") == "Failed" for each in lists) == 1


@pytest.mark.parametrize(
    "said",
    [
        RunFacts(result="Failed", message=BY_USER, objects={"vm01": "No space left"}),
        RunFacts(result="Failed", message="Canceled by backup window", only=()),
    ],
)
async def test_what_failed_otherwise_has_failed(office: Office, said: RunFacts) -> None:
    """An object failed before somebody stopped the run, or its window ended it."""
    office.world.finish_run("SQL Prod", **said)
    assert {*(await listed(office, JobsFilter.FAILED))[0]} == FAILED_BEFORE
    assert await counted(office) == (2, 0)


async def test_a_stopped_run_is_none_of_a_streak(office: Office) -> None:
    """Nights that failed around one that was stopped are counted without it."""
    before = office.world.sessions_of("SQL Prod")[-1]
    await StoppedSessions(office.database).note("hq", before.id, office.clock.now())
    office.world.finish_run("SQL Prod", result="Failed", objects={"vm01": "VSS timeout"})
    answer = await office.answer(ListJobs(which=JobsFilter.FAILED, server="hq"), JobsAnswer)
    in_a_row = {view.state.name: view.streak for view in answer.rows}
    assert in_a_row["SQL Prod"] == Streak(2)


async def part_fails(office: Office) -> tuple[Job, Session]:
    """A part of a copy fails while the copy's own session goes on; the watch has noted it."""
    job = office.world.job("Copy now")
    job.run_seconds = 30 * 24 * 3600.0
    parent = office.world.begin_run(job)
    part = office.world.finish_part(parent, "Copy now\\Files (Incremental)", result="Failed", message="Full")
    row = RunRow("hq/1", "hq", job.id, office.clock.now(), None, "{}", failed_part=part.id)
    runs = Runs(office.database)
    async with office.database.transaction() as transaction:
        await runs.put(transaction, row)
    return job, part


async def test_a_failed_part_counts(office: Office) -> None:
    """`sessions failed JOB`, `job JOB`, `jobs failed`, `status` and Home know of it."""
    _, part = await part_fails(office)
    failed = await office.answer(
        ListSessions(which=SessionsFilter.FAILED, job=NamedJob("Copy now")), SessionsAnswer
    )
    assert ([row.session.id for row in failed.rows], failed.total) == ([part.id], 1)
    page = await office.answer(ShowJob(NamedJob("Copy now")), JobAnswer)
    assert part.id in {view.session.id for view in page.recent}
    assert "a part failed" in job_page(page).text
    assert {*(await listed(office, JobsFilter.FAILED))[0]} == {*FAILED_BEFORE, "Copy now"}
    assert (await counted(office))[0] == 3
    assert [row.session.id for row in (await sessions_of(office, "SQL Prod")).rows] != [part.id]


@pytest.mark.parametrize("which", [SessionsFilter.FAILED, None])
async def test_a_machine_that_only_its_name_ties_to_its_job(
    office: Office, which: SessionsFilter | None
) -> None:
    """`sessions JOB`, `job JOB` and the session's own page know whose machine it is, and which is not."""
    job = office.world.add_job("Laptops", "WindowsAgentBackup")
    office.world.add_job("Laptops - HQ", "WindowsAgentBackup")
    run = office.world.finish_run(job, result="Failed")
    parts = [
        office.world.finish_part(run, name, result="Failed", message="Offline")
        for name in ("Laptops - QC00 (Full)", "Laptops - HQ - QC01 (Full)", "Desktops - QC02 (Full)")
    ]
    for each in parts:
        each.parent_id = None
    answer = await office.answer(ListSessions(which=which, job=NamedJob("Laptops")), SessionsAnswer)
    assert {row.session.id for row in answer.rows} == {run.id, parts[0].id}
    page = await office.answer(ShowJob(NamedJob("Laptops")), JobAnswer)
    assert {view.session.id for view in page.recent} == {run.id, parts[0].id}
    for part, name in zip(parts, ("Laptops", None, None), strict=True):
        shown = await office.answer(ShowSession(SessionId(part.id), server="hq"), SessionAnswer)
        assert (shown.job.state.name if shown.job is not None else None) == name


@pytest.mark.parametrize("which", [SessionsFilter.FAILED, None])
async def test_a_part_of_a_part_counts(office: Office, which: SessionsFilter | None) -> None:
    """`sessions JOB` and `job JOB` have what is below a part, also where the filter hides the part."""
    job = office.world.job("Copy now")
    job.run_seconds = 30 * 24 * 3600.0
    part = office.world.finish_part(office.world.begin_run(job), "Copy now\\Files", result="Success")
    nested = office.world.finish_part(part, "Copy now\\Files\\vm01", result="Failed", message="Full")
    answer = await office.answer(ListSessions(which=which, job=NamedJob("Copy now")), SessionsAnswer)
    shown = {row.session.id for row in answer.rows}
    assert nested.id in shown
    assert (part.id in shown) is (which is None)
    page = await office.answer(ShowJob(NamedJob("Copy now")), JobAnswer)
    assert {part.id, nested.id} <= {view.session.id for view in page.recent}


async def sessions_of(office: Office, job: str) -> SessionsAnswer:
    return await office.answer(ListSessions(job=NamedJob(job)), SessionsAnswer)


async def test_the_details_of_a_part(office: Office) -> None:
    """They are those of the job's run, with the job's buttons, for whoever may see that job."""
    job, part = await part_fails(office)
    shown = await office.answer(ShowSession(SessionId(part.id), server="hq"), SessionAnswer, VIEWER)
    assert shown.job is not None
    assert shown.job.state.id == JobId(job.id)
    hidden = await office.ask(ShowSession(SessionId(part.id), server=ServerName("hq")), SQL_ONLY)
    assert not isinstance(hidden, Done)


async def test_a_part_does_not_name_a_hidden_job(office: Office) -> None:
    """A copy's parts are called after the job that they copy: its name is for those who may know of it."""
    person, group = PersonId("U0COPIES"), "S0COPIES"
    office.team.people[person] = Person(person, "cy", Standing.MEMBER, frozenset({group}))
    grant = GrantSettings(group=GroupReference(group), role=Role.BACKUP_VIEWER, jobs=("Copy*",))
    office.grants = (*office.grants, grant)
    _, part = await part_fails(office)
    named = {
        ShowJob(office.known("Copy now")): "part of it: ",
        ListSessions(job=office.known("Copy now")): "*Copy now",
        ShowSession(SessionId(part.id), server=HQ): "*Copy now",
        ExplainFailure(office.known("Copy now")): "*Copy now*",
    }
    for request, shown in named.items():
        assert "Files" in said(await office.ask(request, VIEWER)), request
        text = said(await office.ask(request, person))
        assert shown in text, request
        assert "Files" not in text, request
