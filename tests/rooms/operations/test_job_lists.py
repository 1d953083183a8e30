"""`jobs`: what is listed, in which order, for whom, and what VBR was asked for it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.operations.actions.start import Start
from bot.operations.job_filters import JobPriority, JobsColumn, JobsFilter
from bot.operations.model import NamedJob
from bot.operations.outcomes import Done, NotFound, Streak
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.sandbox.vbr.faults import refusing
from bot.slack.views.jobs import jobs as jobs_page
from bot.veeam import Detail, Unreachable, Workload
from tests.rooms.operations.office import DR, HQ, SQL_ONLY, VIEWER, Office
from tests.rooms.veeam.clients import STATES, die


def names(answer: JobsAnswer) -> list[str]:
    return [f"{row.server}:{row.state.name}" for row in answer.rows]


LISTS: list[tuple[ListJobs, list[str]]] = [
    (ListJobs(which=JobsFilter.FAILED), ["hq:Oracle", "hq:SQL Prod"]),
    (ListJobs(which=JobsFilter.WARNING), ["hq:Exchange"]),
    (ListJobs(which=JobsFilter.SUCCESS), ["hq:Files"]),
    (ListJobs(which=JobsFilter.DISABLED), ["hq:Archive"]),
    (
        ListJobs(which=JobsFilter.NONE, server="hq"),
        ["hq:Archive", "hq:Copy now", "hq:Never ran", "hq:SQL Test"],
    ),
    (ListJobs(pattern="SQL"), ["hq:SQL Prod", "dr:SQL Prod DR", "hq:SQL Test"]),
    (ListJobs(pattern="SQL*", server="HQ"), ["hq:SQL Prod", "hq:SQL Test"]),
    (ListJobs(pattern="files"), ["hq:Files", "dr:Files"]),
    (ListJobs(which=JobsFilter.FAILED, pattern="prod"), ["hq:SQL Prod"]),
    (ListJobs(which=JobsFilter.FAILED, pattern="nothing"), []),
    (ListJobs(job_type="backupcopy"), ["hq:Copy now"]),
    (ListJobs(job_type="linuxagentbackup"), []),
    (ListJobs(pattern="o", server="hq"), ["hq:Copy now", "hq:Oracle", "hq:SQL Prod"]),
]


@pytest.mark.parametrize(("request_", "expected"), LISTS, ids=str)
async def test_lists(office: Office, request_: ListJobs, expected: list[str]) -> None:
    """A list shows exactly the jobs asked for, in its order, and counts them."""
    answer = await office.answer(request_, JobsAnswer)
    assert names(answer) == expected
    assert (answer.total, answer.total_is_exact, answer.silent) == (len(expected), True, ())


async def test_running_jobs_start_and_stop_too(office: Office) -> None:
    """Whatever is starting, running or stopping is running, the latest first."""
    office.world.begin_run("Files")
    await office.clock.advance(60)
    office.world.begin_run("Oracle")
    answer = await office.answer(ListJobs(which=JobsFilter.RUNNING), JobsAnswer)
    assert names(answer) == ["hq:Oracle", "hq:Files"]
    assert (await office.answer(ListJobs(which=JobsFilter.NONE, server="hq"), JobsAnswer)).total == 4


async def test_failed_jobs_say_why_and_how_often(office: Office) -> None:
    """A failed job's row has the failure in VBR's words and counts the failed runs in a row."""
    answer = await office.answer(ListJobs(which=JobsFilter.FAILED), JobsAnswer)
    assert [(row.streak, row.reason) for row in answer.rows] == [
        (Streak(1), "Repository is full"),
        (Streak(2), "Failed to open VDDK disk"),
    ]


async def test_a_failure_is_looked_up_once(office: Office) -> None:
    """Asked again, a list takes one request a server: the failure of an ended session never changes."""
    await office.ask(ListJobs(which=JobsFilter.FAILED))
    office.hq.requests.clear()
    await office.ask(ListJobs(which=JobsFilter.FAILED))
    assert [request.template for request in office.hq.requests] == [STATES[1]]


async def test_one_server_pages_by_itself(office: Office) -> None:
    """Where one server is asked and all may be seen, VBR filters, sorts and pages in one request."""
    office.world.with_many_jobs(300)
    office.hq.requests.clear()
    request = ListJobs(which=JobsFilter.WARNING, server="hq", page=2)
    answer = await office.answer(request, JobsAnswer)
    (asked,) = office.hq.requests.of(*STATES)
    assert {
        key: asked.query[key] for key in ("skip", "limit", "orderColumn", "orderAsc", "lastResultFilter")
    } == {
        "skip": "20",
        "limit": "10",
        "orderColumn": "LastRun",
        "orderAsc": "false",
        "lastResultFilter": "Warning",
    }
    assert (len(answer.rows), answer.total) == (10, 1 + sum(n % 7 == 0 and n % 10 != 0 for n in range(300)))


async def test_pages_of_two_servers_show_every_job_once(office: Office) -> None:
    """Over several servers the pages follow each other without a gap or a double."""
    office.world.with_many_jobs(25)
    office.dr.world.with_many_jobs(25)
    pages = [await office.answer(ListJobs(page=page), JobsAnswer) for page in range(7)]
    shown = [name for page in pages for name in names(page)]
    assert {page.total for page in pages} == {len(shown)} == {60}
    assert len(set(shown)) == 60
    assert shown == sorted(shown, key=lambda name: (name.partition(":")[2].casefold(), name[:2] == "dr"))


async def test_a_silent_server_is_named(office: Office) -> None:
    """The others' jobs are shown, and the server that does not answer is named with its error."""
    await die(office.hq)
    answer = await office.answer(ListJobs(), JobsAnswer)
    assert names(answer) == ["dr:Files", "dr:SQL Prod DR"]
    ((silence),) = answer.silent
    assert silence.server == HQ
    assert isinstance(silence.error, Unreachable)


async def test_what_is_out_of_sight_is_neither_listed_nor_counted(office: Office) -> None:
    """Somebody with SQL* on hq alone gets only that, in lists, counts and pages."""
    office.world.with_many_jobs(30)
    answer = await office.answer(ListJobs(), JobsAnswer, SQL_ONLY)
    assert (names(answer), answer.total) == (["hq:SQL Prod", "hq:SQL Test"], 2)
    failed = await office.answer(ListJobs(which=JobsFilter.FAILED), JobsAnswer, SQL_ONLY)
    assert (names(failed), failed.total) == (["hq:SQL Prod"], 1)
    assert not office.dr.requests.of(*STATES)


MISSING = [
    (ListJobs(pattern="SQL Prdo"), "job", "SQL Prod", None),
    (ListJobs(pattern="faild"), "job", None, "jobs failed"),
    (ListJobs(job_type="hyperb"), "type", "Hyper-V backup", None),
    (ListJobs(repository="Default Backup Repositry"), "repository", "Default Backup Repository", None),
    (ListJobs(server="hqq"), "server", "hq", None),
]


@pytest.mark.parametrize(("request_", "what", "near", "suggestion"), MISSING)
async def test_what_is_not_there_has_its_nearest_name(
    office: Office, request_: ListJobs, what: str, near: str | None, suggestion: str | None
) -> None:
    """A name that matches nothing gets the names that are alike, and the filter that was perhaps meant."""
    outcome = await office.ask(request_, VIEWER)
    assert isinstance(outcome, NotFound)
    assert (outcome.what, outcome.suggestion) == (what, suggestion)
    assert near is None or outcome.nearest[0] == near


async def test_jobs_of_a_repository(office: Office) -> None:
    """A repository is named by a part of its name, and VBR filters by its ID."""
    everything = await office.answer(ListJobs(server="hq", repository="default"), JobsAnswer)
    assert everything.total == 7
    assert office.hq.requests.of(*STATES)[-1].query["repositoryIdFilter"]
    limited = await office.answer(ListJobs(server="hq", repository="default"), JobsAnswer, SQL_ONLY)
    assert limited.total == 2


async def test_a_person_without_that_server_does_not_learn_its_name(office: Office) -> None:
    """A server out of sight is not there, and is not among the nearest names."""
    outcome = await office.ask(ListJobs(server=DR), SQL_ONLY)
    assert outcome == NotFound("server", "dr", nearest=("hq",))


async def test_a_row_that_says_nothing_new_is_kept(office: Office) -> None:
    """An odd job (of a type the revision cannot model) is listed like any other."""
    await office.clock.advance(timedelta(minutes=1).total_seconds())
    office.world.add_job("Proxmox", "Unknown")
    assert "hq:Proxmox" in names(await office.answer(ListJobs(pattern="prox"), JobsAnswer))


def asked_of(office: Office, **query: str) -> bool:
    """Whether VBR was asked for just this."""
    return any(
        all(request.query.get(key) == value for key, value in query.items())
        for request in office.hq.requests.of(*STATES)
    )


COMBINED: list[tuple[ListJobs, list[str]]] = [
    (ListJobs(JobsFilter.PROBLEMS), ["Oracle", "SQL Prod", "Exchange"]),
    (
        ListJobs(JobsFilter.WARNING, also=(JobsFilter.FAILED,)),
        ["Oracle", "SQL Prod", "Exchange"],
    ),
    (
        ListJobs(JobsFilter.SUCCESS, also=(JobsFilter.PROBLEMS,)),
        ["Oracle", "SQL Prod", "Exchange", "Files"],
    ),
    (
        ListJobs(JobsFilter.FAILED, also=(JobsFilter.DISABLED,)),
        ["Oracle", "SQL Prod", "Archive"],
    ),
    (
        ListJobs(JobsFilter.ENABLED),
        ["Copy now", "Exchange", "Files", "Never ran", "Oracle", "SQL Prod", "SQL Test"],
    ),
    (
        ListJobs(JobsFilter.INACTIVE),
        ["Copy now", "Exchange", "Files", "Never ran", "Oracle", "SQL Prod", "SQL Test"],
    ),
    (ListJobs(ran_within=timedelta(hours=2, minutes=30)), ["Oracle", "SQL Prod"]),
    (ListJobs(ran_before=timedelta(hours=2, minutes=30)), ["Exchange", "Files"]),
    (ListJobs(workload=Workload.VM, pattern="Files"), ["Files"]),
    (ListJobs(workload=Workload.FILE), []),
    (ListJobs(priority=JobPriority.HIGH), ["Important"]),
    (ListJobs(objects_count=3), ["Important"]),
    (ListJobs(after="oracle"), ["SQL Test"]),
    (
        ListJobs(sort=JobsColumn.NAME, is_descending=True, pattern="SQL"),
        ["SQL Test", "SQL Prod"],
    ),
    (
        ListJobs(JobsFilter.PROBLEMS, sort=JobsColumn.NAME),
        ["Exchange", "Oracle", "SQL Prod"],
    ),
    (
        ListJobs(sort=JobsColumn.LAST_RUN, is_descending=True, pattern="*"),
        ["Oracle", "SQL Prod", "Exchange", "Files"],
    ),
]


@pytest.mark.parametrize(("request_", "expected"), COMBINED, ids=str)
async def test_filters(office: Office, request_: ListJobs, expected: list[str]) -> None:
    """Each filter leaves exactly what it says, several states mean any of them, failed jobs come first."""
    if request_.priority or request_.objects_count:
        office.world.add_job("Important", is_high_priority=True, objects=("a", "b", "c"))
    answer = await office.answer(replace(request_, server="hq"), JobsAnswer)
    listed = [row.state.name for row in answer.rows]
    if request_.sort is JobsColumn.LAST_RUN:
        listed = listed[: len(expected)]
    else:
        assert answer.total == len(expected)
    assert listed == expected


SENT: list[tuple[ListJobs, dict[str, str]]] = [
    (ListJobs(workload=Workload.CLOUD_VM), {"workloadFilter": "cloudVm"}),
    (ListJobs(priority=JobPriority.NORMAL), {"isHighPriorityJobFilter": "false"}),
    (ListJobs(objects_count=2), {"objectsCountFilter": "2"}),
    (ListJobs(JobsFilter.PROBLEMS), {"lastResultFilter": "Warning", "limit": "10"}),
    (
        ListJobs(sort=JobsColumn.REPOSITORY, is_descending=True),
        {"orderColumn": "RepositoryName", "orderAsc": "false", "limit": "10"},
    ),
    (ListJobs(ran_before=timedelta(days=1)), {"lastRunAfterFilter": "2000-01-01T00:00:00Z", "limit": "10"}),
]


@pytest.mark.parametrize(("request_", "query"), SENT, ids=str)
async def test_vbr_filters_what_it_can(office: Office, request_: ListJobs, query: dict[str, str]) -> None:
    """What VBR's own query takes is sent to it, so that it sends no more rows than are shown."""
    await office.ask(request_)
    assert asked_of(office, **query)


async def test_a_sorted_list_of_two_servers(office: Office) -> None:
    """Downwards, too, the servers' lists become one in order."""
    request = ListJobs(sort=JobsColumn.NAME, is_descending=True, pattern="SQL")
    assert names(await office.answer(request, JobsAnswer)) == ["hq:SQL Test", "dr:SQL Prod DR", "hq:SQL Prod"]


async def test_pages_of_several_states_show_every_job_once(office: Office) -> None:
    """Failed and warning jobs are two questions to VBR, and one list with one count."""
    office.world.with_many_jobs(100)
    pages = [
        await office.answer(ListJobs(JobsFilter.PROBLEMS, server="hq", page=page), JobsAnswer)
        for page in range(3)
    ]
    shown = [row.state for page in pages for row in page.rows]
    assert {page.total for page in pages} == {len(shown)} == {len({state.id for state in shown})}
    results = [state.last_result for state in shown]
    assert results == sorted(results)


async def test_a_run_that_a_person_stopped_is_no_failure_but_can_be_asked_for(office: Office) -> None:
    """`stopped` lists the jobs whose last run a person stopped, noted by the bot or said by VBR."""
    office.world.finish_run("Files", result="Failed", only=()).is_canceled = True
    answer = await office.answer(ListJobs(JobsFilter.STOPPED, server="hq"), JobsAnswer)
    assert names(answer) == ["hq:Files"]


async def test_stale_jobs_ran_without_success(office: Office) -> None:
    """A job is stale without a good run within the time; one that failed since a good run is not."""
    office.world.finish_run("SQL Test", ended_at=office.world.now() - timedelta(hours=20), result="Success")
    office.world.finish_run("SQL Test", ended_at=office.world.now() - timedelta(hours=1), result="Failed")
    answer = await office.answer(ListJobs(stale=timedelta(hours=26), server="hq"), JobsAnswer)
    assert names(answer) == ["hq:Archive", "hq:Copy now", "hq:Never ran", "hq:Oracle", "hq:SQL Prod"]
    assert (answer.total, answer.not_looked_at) == (5, 0)
    longer = await office.answer(ListJobs(stale=timedelta(days=3), server="hq"), JobsAnswer)
    assert "hq:SQL Prod" not in names(longer)


async def test_stale_jobs_say_since_when(office: Office) -> None:
    """Each names its last good backup, or that there is none; backups of logs are no such thing."""
    good_at = office.world.now() - timedelta(days=2)
    mail = office.world.add_job("Mail")
    office.world.finish_run(mail, ended_at=good_at, result="Warning")
    office.world.finish_run(mail, ended_at=office.world.now() - timedelta(hours=25), result="Failed")
    for minutes in range(60, 0, -1):
        at = office.world.now() - timedelta(minutes=minutes)
        office.world.finish_run(mail, ended_at=at, seconds=5).type = "SqlLogBackup"
    office.world.finish_run(mail, ended_at=office.world.now(), seconds=1, result="Failed")
    office.world.finish_run(office.world.add_job("New"), result="Failed")
    answer = await office.answer(ListJobs(pattern="*", stale=timedelta(hours=26), server="hq"), JobsAnswer)
    assert answer.last_good[office.known("Mail")] == good_at
    text = jobs_page(answer).text
    assert "(2 d old)" in text.partition("*Mail*")[2].split("*")[0]
    assert "No good backup on record." in text.partition("*New*")[2].split("*")[0]


async def test_jobs_that_hold_a_machine(office: Office) -> None:
    """They are found by their own lists and, where a container covers the machine, by restore points."""
    office.world.add_job("By name", objects=("web01", "web02"))
    folder = office.world.add_job("By folder", objects=("web01",))
    office.world.finish_run(folder, ended_at=office.world.now() - timedelta(hours=5))
    folder.model["virtualMachines"]["includes"][0] |= {"name": "Web servers", "type": "Folder"}
    left_out = office.world.add_job("Left out", objects=("web01",))
    office.world.finish_run(left_out, ended_at=office.world.now() - timedelta(hours=6))
    machine = left_out.model["virtualMachines"]["includes"].pop()
    left_out.model["virtualMachines"]["excludes"] = {"vms": [machine]}
    answer = await office.answer(ListJobs(holding="WEB01", server="hq"), JobsAnswer)
    assert names(answer) == ["hq:By folder", "hq:By name"]
    held = [answer.held_by(row) for row in answer.rows]
    assert [one.is_listed for one in held if one is not None] == [False, True]
    assert held[0] is not None
    assert held[0].newest_point is not None


async def test_who_holds_a_machine_is_not_told_of_hidden_jobs(office: Office) -> None:
    """A name in a job that the person may not know of neither shows nor hides anything."""
    office.world.add_job("Web tier", objects=("web",))
    office.world.job("SQL Prod").model["virtualMachines"]["includes"][0]["name"] = "web01"
    office.world.job("SQL Prod").restore_points.clear()
    limited = await office.answer(ListJobs(holding="web"), JobsAnswer, SQL_ONLY)
    assert names(limited) == ["hq:SQL Prod"]
    everything = await office.answer(ListJobs(holding="web", server="hq"), JobsAnswer)
    assert names(everything) == ["hq:Web tier"]


async def test_a_machine_that_no_job_holds(office: Office) -> None:
    """The names that are alike are given, of machines in jobs that the person may know of."""
    office.world.add_job("Web tier", objects=("web01",))
    answer = await office.answer(ListJobs(holding="web10"), JobsAnswer)
    assert (answer.rows, answer.nearest) == ((), ("web01",))
    assert (await office.answer(ListJobs(holding="web10"), JobsAnswer, SQL_ONLY)).nearest == ()


async def test_a_read_that_fails_leaves_the_other_way_to_find_a_holder(office: Office) -> None:
    """Without restore points the jobs' lists say it, and the answer names what is missing."""
    office.world.add_job("By name", objects=("web01",))
    office.hq.faults.add("GET", "/api/v1/restorePoints", refusing(403), times=100)
    outcome = await office.ask(ListJobs(holding="web01", server="hq"))
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, JobsAnswer)
    assert names(outcome.answer) == ["hq:By name"]
    assert [each.what for each in outcome.missing] == [Detail.RESTORE_POINTS]


async def test_a_server_without_jobs_is_said_to_have_none(office: Office) -> None:
    """Where there are no jobs, it says little that none failed."""
    for job in tuple(office.dr.world.jobs):
        del office.dr.world.book.jobs[job.id]
    assert (await office.answer(ListJobs(JobsFilter.FAILED, server="dr"), JobsAnswer)).jobless == (DR,)
    assert (await office.answer(ListJobs(), JobsAnswer)).jobless == (DR,)
    assert (await office.answer(ListJobs(JobsFilter.FAILED), JobsAnswer)).jobless == ()


async def test_a_job_by_its_id(office: Office) -> None:
    """`job UUID` shows the job of this ID, on whichever server; an action on it is not done."""
    job = office.dr.world.job("SQL Prod DR")
    answer = await office.answer(ShowJob(NamedJob(job.id.upper())), JobAnswer)
    assert (answer.view.server, answer.view.state.name) == (DR, "SQL Prod DR")
    hidden = await office.ask(ShowJob(NamedJob(job.id)), SQL_ONLY)
    assert isinstance(hidden, NotFound)
    assert isinstance(await office.ask(Start(NamedJob(job.id))), NotFound)
