"""`why`: which run is meant, what failed in it, the cause and its line, who else has it, what is hidden."""

from datetime import timedelta

import pytest

from bot.operations.catalog import TYPED
from bot.operations.commands import parse
from bot.operations.job_filters import JobsFilter
from bot.operations.model import NamedJob
from bot.operations.outcomes import Done, NotFound, Outcome
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.session import SessionAnswer, ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsAnswer, SessionsFilter
from bot.operations.queries.why import OTHERS_LOOKED_AT, ExplainFailure, WhyAnswer
from bot.sandbox.vbr import Session
from bot.sandbox.vbr.faults import refusing
from bot.settings import PersonId
from bot.slack.views.outcomes import outcome as drawn
from bot.slack.views.status_text import FAILED
from bot.store import RunRow, Runs
from bot.veeam import Result, SessionId
from tests.rooms.operations.office import OPERATOR, SQL_ONLY, VIEWER, Office

FULL = "There is not enough space on the disk. Failed to write data to the file [D:\\Backup\\x.vbk]."
FREEZE = "Failed to freeze guest, wait timeout"


def failing(office: Office, name: str, said: str = FULL, *, minutes_ago: float = 30, **more: str) -> Session:
    """A job of two machines whose last run failed with these words about the first."""
    if name not in {job.name for job in office.world.jobs}:
        office.world.add_job(name, objects=("vm01", "vm02"))
    ended_at = office.world.now() - timedelta(minutes=minutes_ago)
    return office.world.finish_run(
        name, ended_at=ended_at, seconds=60, result="Failed", objects={"vm01": said, **more}
    )


async def why(office: Office, name: str, person: PersonId = OPERATOR) -> WhyAnswer:
    return await office.answer(ExplainFailure(NamedJob(name)), WhyAnswer, person)


def text_of(outcome: Outcome) -> str:
    return drawn(outcome, "r-1").message.text


async def test_a_name_decides_no_cause_whatever_was_asked_before(office: Office) -> None:
    """A list of sessions does not know the job's repository; what it read is not what a list of jobs says."""
    office.world.book.repositories[office.world.default_repository_id].name = "Disk quota exceeded"
    failing(office, "Mail", "Cannot open the file in Disk quota exceeded")
    await office.answer(ListSessions(SessionsFilter.FAILED, server="hq"), SessionsAnswer)
    jobs = await office.answer(ListJobs(JobsFilter.FAILED, "Mail", server="hq"), JobsAnswer)
    assert [(row.finding, row.object_name) for row in jobs.rows] == [(None, "vm01")]


async def test_a_failure_explained(office: Office) -> None:
    """The cause, the very line, its object, the last good backup, and the button that helps."""
    office.world.add_job("Mail", objects=("vm01", "vm02"))
    good_at = office.world.now() - timedelta(hours=30)
    office.world.finish_run("Mail", ended_at=good_at, result="Success")
    failing(office, "Mail", f"Processing vm01\n{FULL}\nAgent failed to process method")
    asked = await office.ask(ExplainFailure(NamedJob("Mail")))
    assert isinstance(asked, Done)
    text = text_of(asked)
    assert "*Repository full*: vm01 (1 of 2 objects failed)" in text
    assert f"`{FULL}`" in text
    assert "What to do: Free space on the repository" in text
    assert "Last good backup" in text
    assert "(1 d 06 h old)" in text
    assert "Retry" in str(drawn(asked, "r-1").message.blocks)


async def test_a_viewer_is_offered_no_action(office: Office) -> None:
    """The same is said, and only Details and Share can be pressed."""
    failing(office, "Mail")
    blocks = str(drawn(await office.ask(ExplainFailure(NamedJob("Mail")), VIEWER), "r-1").message.blocks)
    assert ("Repository full" in blocks, "operation:retry" in blocks, "operation:session" in blocks) == (
        True,
        False,
        True,
    )


async def test_attempts_of_one_run(office: Office) -> None:
    """The last attempt is explained, whichever of the run's sessions the thread or the button names."""
    first = failing(office, "Mail", FREEZE, minutes_ago=100)
    failing(office, "Mail", FREEZE, minutes_ago=89)
    second = failing(office, "Mail", FULL, minutes_ago=78)
    job = office.known("Mail")
    for request in (ExplainFailure(job), ExplainFailure(job, SessionId(first.id))):
        answer = await office.answer(request, WhyAnswer)
        assert answer.run.session is not None
        assert (answer.run.session.id, answer.run.attempt) == (second.id, 3)
        assert answer.run.finding is not None
        assert answer.run.finding.cause.key == "repository_full"
        text = text_of(Done(answer))
        assert [each.number for each in answer.run.earlier] == [1, 2]
        assert f"Attempt 1: {FAILED}" in text
        assert text.count(f"VSS failed in the guest: `{FREEZE}`") == 2


async def test_an_earlier_run_that_is_over(office: Office) -> None:
    """A root's button explains its own run; where the job has gone well since, nothing is to do."""
    earlier = failing(office, "Mail", FREEZE, minutes_ago=300)
    office.world.finish_run("Mail", result="Success")
    asked = await office.ask(ExplainFailure(office.known("Mail"), SessionId(earlier.id)))
    text = text_of(asked)
    assert ("VSS failed in the guest" in text, "has gone well since" in text) == (True, True)
    assert "operation:retry" not in str(drawn(asked, "r-1").message.blocks)
    assert "nothing to explain" in text_of(await office.ask(ExplainFailure(NamedJob("Mail"))))


async def test_a_session_of_another_job(office: Office) -> None:
    """A forged value with another job's session finds nothing, also where the person may know of that job."""
    other = failing(office, "Mail")
    for person in (OPERATOR, SQL_ONLY):
        asked = await office.ask(ExplainFailure(office.known("SQL Prod"), SessionId(other.id)), person)
        assert isinstance(asked, NotFound), asked
    hidden = await office.ask(ExplainFailure(office.known("Mail")), SQL_ONLY)
    assert isinstance(hidden, NotFound)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("Success", "didn't fail, so there is nothing to explain"),
        ("Warning", "*Guest or agent unreachable*: vm01"),
        (None, "No run of it is over yet"),
    ],
)
async def test_what_did_not_fail(office: Office, result: str | None, words: str) -> None:
    """Said plainly; a warning is explained like a failure."""
    office.world.add_job("Mail", objects=("vm01",))
    if result is not None:
        said = {"vm01": "VMware Tools are not running on vm01"} if result == "Warning" else {}
        office.world.finish_run("Mail", result=result, objects=said)
    assert words in text_of(await office.ask(ExplainFailure(NamedJob("Mail"))))


async def test_a_run_that_a_person_stopped(office: Office) -> None:
    """It has not failed."""
    session = failing(office, "Mail", "Operation was canceled by user")
    session.is_canceled = True
    text = text_of(await office.ask(ExplainFailure(NamedJob("Mail"))))
    assert "A person stopped this run" in text
    assert "Failed" not in text


async def test_an_unknown_cause(office: Office) -> None:
    """Named as unknown, with the first words of VBR, and nobody is said to share it."""
    failing(office, "Mail", "Unspecified error")
    failing(office, "Files 2", "Unspecified error")
    answer = await why(office, "Mail")
    assert (answer.run.finding, answer.run.line, answer.others.jobs) == (None, "Unspecified error", ())
    assert "*Cause unknown*: vm01" in text_of(Done(answer))


@pytest.mark.parametrize(
    ("others", "minutes_ago", "probable"),
    [
        ((FULL, FULL), 31, "Repository full"),
        ((FULL,), 31, None),
        ((FULL, FULL, "Access is denied"), 31, None),
        ((FREEZE, FREEZE), 31, None),
        ((FULL, FULL), 300, None),
    ],
    ids=["several", "one", "of two minds", "no cause of a repository", "long before"],
)
async def test_neighbours_tell_of_an_unknown_cause(
    office: Office, others: tuple[str, ...], minutes_ago: float, probable: str | None
) -> None:
    """What failed beside it on its repository for one cause makes that probable; no other server is asked."""
    second = office.world.job("Exchange").model["storage"]["backupRepositoryId"]
    for name in ("Mail", *(f"Mail {number}" for number in range(len(others)))):
        office.world.add_job(name, objects=("vm01", "vm02"), repository_id=second)
    failing(office, "Mail", "Unspecified error")
    for number, said in enumerate(others):
        failing(office, f"Mail {number}", said, minutes_ago=minutes_ago)
    await office.dr.go_dark()
    answer = await why(office, "Mail")
    found = answer.others.probable
    assert (answer.run.finding, found and found.cause.title) == (None, probable)
    assert answer.others.silent == ()
    text = text_of(Done(answer))
    assert "*Cause unknown*" in text
    assert ("Probably *Repository full*" in text, "Free space on the repository" in text) == (
        probable is not None,
        probable is not None,
    )


async def test_when_it_ended_is_no_reason(office: Office) -> None:
    """VBR's closing line is told neither by `why` nor by the lists and the page of the job."""
    office.world.add_job("Mail", objects=("vm01",))
    closing = "Job finished with warning at 11/30/2026 10:23 PM"
    office.world.finish_run("Mail", result="Warning", message=closing, log=(("Warning", closing),))
    for line in ("why Mail", "jobs problems", "job Mail"):
        text = text_of(await office.ask(parse(line, TYPED)))
        assert "Mail" in text
        assert "finished with warning" not in text
        assert ("VBR gives no reason." in text) == (line == "why Mail")


async def test_who_else_has_it(office: Office) -> None:
    """Jobs with this cause on this repository, as far as the person may know of them."""
    failing(office, "SQL Mail")
    for name, said in (("SQL Web", FULL), ("Oracle 2", "No space left on device"), ("SQL Guest", FREEZE)):
        failing(office, name, said)
    second = office.world.job("Exchange").model["storage"]["backupRepositoryId"]
    office.world.add_job("SQL Far", objects=("vm01",), repository_id=second)
    failing(office, "SQL Far")
    answer = await why(office, "SQL Mail")
    assert {view.state.name for view in answer.others.jobs} == {"SQL Web", "Oracle 2", "Oracle"}
    limited = await why(office, "SQL Mail", SQL_ONLY)
    assert {view.state.name for view in limited.others.jobs} == {"SQL Web"}
    assert "Oracle" not in text_of(Done(limited))


async def test_the_others_are_bounded_and_remembered(office: Office) -> None:
    """No more than a fixed number is looked at, what is left is said, and asked again costs little."""
    failing(office, "Mail")
    for number in range(OTHERS_LOOKED_AT + 5):
        failing(office, f"Bulk {number:02}", minutes_ago=20 - number / 2)
    answer = await why(office, "Mail")
    # SQL Prod and Oracle failed as well, longer ago.
    assert (len(answer.others.jobs), answer.others.unseen) == (OTHERS_LOOKED_AT, 7)
    office.hq.requests.clear()
    await why(office, "Mail")
    assert len(office.hq.requests.of("GET", "/api/v1/sessions/{id}/taskSessions")) == 1


async def test_half_a_reason_is_not_remembered(office: Office) -> None:
    """While a run's objects can't be read its log says why; asked again, they do."""
    failing(office, "Mail")
    office.hq.faults.add("GET", "/api/v1/sessions/{id}/taskSessions", refusing(500), times=99)
    said = []
    for _ in range(2):
        jobs = await office.answer(ListJobs(JobsFilter.FAILED, "Mail", server="hq"), JobsAnswer)
        said += [(row.reason is not None, row.object_name) for row in jobs.rows]
        office.hq.faults.clear()
    assert said == [(True, None), (True, "vm01")]


async def test_a_silent_server_is_named(office: Office) -> None:
    """What the other server's jobs share is not known; the rest is there."""
    failing(office, "Mail")
    office.dr.faults.add("GET", "/api/v1/jobs/states", refusing(500), times=99)
    office.dr.faults.add("GET", "/api/v1/jobs", refusing(500), times=99)
    asked = await office.ask(ExplainFailure(office.known("Mail")))
    assert isinstance(asked, Done)
    text = text_of(asked)
    assert ("Repository full" in text, "dr" in text) == (True, True)


async def test_a_part_of_a_copy_that_failed(office: Office) -> None:
    """The session of a part belongs to the copy's run: it is explained by that job."""
    parent = office.world.begin_run("Copy now")
    part = office.world.finish_part(parent, "Copy now\\Files", result="Failed", message=FULL)
    answer = await office.answer(ExplainFailure(office.known("Copy now"), SessionId(part.id)), WhyAnswer)
    assert answer.run.finding is not None
    assert (answer.run.result, answer.run.finding.cause.key) == (Result.FAILED, "repository_full")
    page = await office.answer(ShowSession(SessionId(part.id), "hq"), SessionAnswer)
    assert "operation:why" in str(drawn(Done(page), "r-1").message.blocks)


async def part_failed(office: Office, *, by_name: bool) -> tuple[str, Session]:
    """A part that the watch noted as what keeps its job failed, while the job's own session goes on."""
    name, part_name = ("Laptops", "Laptops - QC00") if by_name else ("Copy now", "Copy now\\Files")
    if by_name:
        office.world.add_job(name, "WindowsAgentBackup")
    parent = office.world.begin_run(name)
    ended_at = office.world.now() - timedelta(hours=5)
    office.world.finish_part(parent, f"{part_name} (Full)", ended_at=ended_at)
    part = office.world.finish_part(parent, f"{part_name} (Incremental)", result="Failed", message=FULL)
    job_id = office.world.job(name).id
    for each in office.world.book.sessions.values():
        if each.name.startswith(part_name):
            each.job_id, each.parent_id = (
                "a2d08fec-0000-4000-8000-000000000001",
                None if by_name else parent.id,
            )
    row = RunRow("hq/1", "hq", job_id, office.clock.now(), None, "{}", failed_part=part.id)
    async with office.database.transaction() as transaction:
        await Runs(office.database).put(transaction, row)
    return name, part


@pytest.mark.parametrize("by_name", [True, False])
async def test_the_part_that_keeps_a_job_failed(office: Office, *, by_name: bool) -> None:
    """`why JOB` explains it, names it and says when it went well last; `session JOB last` shows it."""
    name, part = await part_failed(office, by_name=by_name)
    asked = await office.ask(ExplainFailure(NamedJob(name)))
    assert isinstance(asked, Done)
    answer = asked.answer
    assert isinstance(answer, WhyAnswer)
    assert answer.run.session is not None
    assert (answer.run.session.id, answer.run.finding is not None) == (part.id, True)
    assert answer.last_good_at == office.world.now() - timedelta(hours=5)
    text = text_of(asked)
    assert ("No run of it is over" in text, "QC00" in text or "Files" in text) == (False, True)
    last = await office.answer(ShowSession(job=NamedJob(name)), SessionAnswer)
    assert last.view.session.id == part.id


async def test_the_part_that_keeps_a_job_failed_is_gone(office: Office) -> None:
    """What VBR has forgotten is said to have failed all the same, and the job's own session is shown."""
    name, part = await part_failed(office, by_name=False)
    office.world.purge_session(part.id)
    asked = await office.ask(ExplainFailure(NamedJob(name)))
    assert "Failed" in text_of(asked)
    last = await office.answer(ShowSession(job=NamedJob(name)), SessionAnswer)
    assert last.view.session.job_id == office.world.job(name).id


async def test_a_log_backup_explained(office: Office) -> None:
    """Its own history says since when logs are missing; the job's runs have no part in that."""
    office.world.add_job("Mail", objects=("vm01",))
    ended_at = office.world.now() - timedelta(hours=5)
    good = office.world.finish_run("Mail", ended_at=ended_at)
    good.type = "SqlLogBackup"
    failed = failing(office, "Mail", minutes_ago=60)
    failed.type = "SqlLogBackup"
    office.world.finish_run("Mail")
    asked = await office.ask(ExplainFailure(office.known("Mail"), SessionId(failed.id)))
    assert isinstance(asked, Done)
    assert isinstance(asked.answer, WhyAnswer)
    assert (asked.answer.last_good_at, asked.answer.is_over) == (ended_at, False)
    assert "SQL Server log backup" in text_of(asked)


def test_without_a_name() -> None:
    """Outside of a run's thread a name is needed."""
    read = parse("why", TYPED)
    assert "Which job?" in read.problem  # type: ignore[union-attr] # a problem it is
