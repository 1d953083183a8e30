"""`jobs`: what is listed, in which order, for whom, and what VBR was asked for it."""

from datetime import timedelta

import pytest

from bot.operations.outcomes import NotFound
from bot.operations.queries.jobs import JobsAnswer, JobsFilter, ListJobs
from bot.veeam import Unreachable
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
    assert [(row.failed_in_a_row, row.reason) for row in answer.rows] == [
        (1, "Repository is full"),
        (2, "Failed to open VDDK disk"),
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
    (ListJobs(job_type="hyperb"), "type", "HyperVBackup", None),
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
