"""`job`, `sessions`, `session`, `status`, `servers`, `help`, `whoami`: what is answered, to whom."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.operations.actions.stop import Stop
from bot.operations.backend import ShownSession
from bot.operations.catalog import CATALOG, TYPED
from bot.operations.commands import parse
from bot.operations.job_filters import JobsFilter
from bot.operations.model import KnownJob, MessageLink, NamedJob
from bot.operations.outcomes import Ambiguous, Done, Failed, NotFound, Streak
from bot.operations.queries.help import HelpAnswer, ShowHelp
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.servers import ListServers, ServersAnswer
from bot.operations.queries.session import SessionAnswer, ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsAnswer, SessionsFilter
from bot.operations.queries.status import ShowStatus, StatusAnswer
from bot.operations.queries.whoami import ShowWhoami, WhoamiAnswer
from bot.sandbox.vbr import Role as SandboxRole
from bot.sandbox.vbr.credentials import add_credentials
from bot.sandbox.vbr.faults import changed, refusing, rows, without
from bot.settings import AUTO, GrantSettings, GroupReference, PersonId, Role
from bot.slack.codec import RunRequest, decode
from bot.slack.views.outcomes import outcome as drawn_of
from bot.slack.views.problems import not_found
from bot.store import TimedDisable
from bot.veeam import AfterJob, Detail, Fleet, ItemKind, JobId, LoginRefused, SessionId, Unreachable
from tests.rooms.operations.form_room import ANN, SERVICE, SQL_ADMIN, with_administrators
from tests.rooms.operations.office import DR, GRANTS, HQ, NOBODY, OPERATOR, SQL_ONLY, VIEWER, Office
from tests.rooms.veeam.clients import STATES, client_of, die

UNKNOWN = "0f5e4f1e-50c8-4a5c-9d3f-3a6f1f4d4c11"


def last_session(office: Office, job: str) -> SessionId:
    return SessionId(office.world.sessions_of(job)[-1].id)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (NamedJob("oracle"), "Oracle"),
        (NamedJob("exch"), "Exchange"),
        (NamedJob("SQL Prod", exact=True), "SQL Prod"),
        (NamedJob("sql prod"), "SQL Prod"),
        (NamedJob("SQL*", server="hq"), None),
        (NamedJob("*change"), "Exchange"),
        (NamedJob("Never\u00a0 ran"), "Never ran"),
        (NamedJob('"Exchange'), "Exchange"),
        (NamedJob("Files", server="h"), "Files"),
    ],
)
async def test_a_job_by_its_name(office: Office, typed: NamedJob, found: str | None) -> None:
    """The best way of matching counts over all servers; several matches are a choice."""
    outcome = await office.ask(ShowJob(typed))
    if found is None:
        assert isinstance(outcome, Ambiguous)
        assert [choice.name for choice in outcome.choices] == ["SQL Prod", "SQL Test"]
        return
    assert (await office.answer(ShowJob(typed), JobAnswer)).view.state.name == found


async def test_one_job_in_full(office: Office) -> None:
    """A job comes with its settings, latest sessions, repository, failure, and what one may do with it."""
    answer = await office.answer(ShowJob(NamedJob("SQL Prod")), JobAnswer)
    assert answer.settings is not None
    assert answer.repository is not None
    assert [one.name for one in answer.settings.items] == ["vm01", "vm02"]
    assert answer.repository.id == answer.view.state.repository_id
    assert [view.session.outcome for view in answer.recent] == ["Failed", "Failed", "Success"]
    assert (answer.view.streak, answer.view.reason) == (Streak(2), "Failed to open VDDK disk")
    assert [operation.name for operation in answer.view.operations] == ["retry", "job", "why", "start"]
    seen = await office.answer(ShowJob(NamedJob("SQL Prod")), JobAnswer, VIEWER)
    assert [operation.name for operation in seen.view.operations] == ["job", "why"]


async def test_a_job_that_cannot_be_modelled_still_shows_its_state(office: Office) -> None:
    """A plug-in job has a state and no settings."""
    office.world.add_job("Proxmox", "Unknown")
    answer = await office.answer(ShowJob(NamedJob("Proxmox")), JobAnswer)
    assert answer.settings is None


async def test_a_jobs_page_names_the_chain(office: Office) -> None:
    """What runs after a job is named, and what a copy copies, as far as the person may know of it."""
    office.world.add_job("SQL copy", "BackupCopy", source="Oracle", mode="Immediate")
    oracle = await office.answer(ShowJob(NamedJob("Oracle")), JobAnswer)
    assert oracle.run_after == ("SQL Test",)
    copy = await office.answer(ShowJob(NamedJob("SQL copy")), JobAnswer)
    assert copy.settings is not None
    assert [(one.kind, one.name) for one in copy.settings.items] == [(ItemKind.JOB, "Oracle")]
    hidden = await office.answer(ShowJob(NamedJob("SQL copy")), JobAnswer, SQL_ONLY)
    assert hidden.settings is not None
    assert hidden.settings.items == ()
    test = await office.answer(ShowJob(NamedJob("SQL Test")), JobAnswer)
    assert test.settings is not None
    assert test.settings.schedule.timings == (AfterJob("Oracle"),)
    chained = await office.answer(ShowJob(NamedJob("SQL Test")), JobAnswer, SQL_ONLY)
    assert chained.settings is not None
    assert chained.settings.schedule.timings == (AfterJob(""),)
    assert "Oracle" not in repr(chained)
    assert chained.settings.retention is not None


async def test_a_disabled_job_says_when_it_is_enabled_again(office: Office) -> None:
    """The page of a job that was disabled for a time says until when, and who planned it."""
    archive = office.known("Archive")
    assert (await office.answer(ShowJob(archive), JobAnswer)).enabled_again is None
    plan = TimedDisable(
        server=HQ,
        job_id=archive.job_id,
        job_name="Archive",
        person_id=OPERATOR,
        channel_id=None,
        reference="r-1",
        disabled_at=office.clock.now(),
        until=office.clock.now() + timedelta(hours=4),
    )
    await office.timed_disables.remember(plan)
    assert (await office.answer(ShowJob(archive), JobAnswer)).enabled_again == plan
    assert (await office.answer(ShowJob(office.known("Files")), JobAnswer)).enabled_again is None


async def test_a_jobs_page_without_the_database(office: Office) -> None:
    """Where the database does not answer, the job is shown, and that its plan is not known."""
    archive = office.known("Archive")
    async with office.database.transaction() as transaction:
        await transaction.execute(text("DROP TABLE timed_disables"))
    answer = await office.answer(ShowJob(archive), JobAnswer)
    assert (answer.is_plan_known, answer.enabled_again) == (False, None)


@pytest.mark.parametrize("job_id", [UNKNOWN, "no-id"])
async def test_a_job_that_is_gone(office: Office, job_id: str) -> None:
    """A button whose job was deleted says so."""
    outcome = await office.ask(ShowJob(KnownJob(HQ, JobId(job_id))))
    assert isinstance(outcome, NotFound if job_id == UNKNOWN else Failed)


async def test_a_name_that_matches_nothing(office: Office) -> None:
    """The nearest names are given, and a server that could not be asked is named."""
    await die(office.dr)
    outcome = await office.ask(ShowJob(NamedJob("Exchnage")))
    assert outcome == NotFound("job", "Exchnage", nearest=("Exchange",), silent=(DR,))
    silent = await office.ask(ShowJob(NamedJob("Exchnage", server="dr")))
    assert isinstance(silent, Failed)
    assert isinstance(silent.error, Unreachable)


async def test_a_name_in_the_description_alone_is_no_match(office: Office) -> None:
    """VBR's filter looks into every field; only names count here."""
    office.world.add_job("Web", description="replaces Exchange one day")
    answer = await office.answer(ShowJob(NamedJob("Exchange")), JobAnswer)
    assert answer.view.state.name == "Exchange"


LISTS = [
    (ListSessions(), ["Oracle", "SQL Prod", "Exchange", "Files", "SQL Prod", "SQL Prod"]),
    (ListSessions(which=SessionsFilter.FAILED), ["Oracle", "SQL Prod", "SQL Prod"]),
    (ListSessions(which=SessionsFilter.FAILED, within=timedelta(hours=24)), ["Oracle", "SQL Prod"]),
    (ListSessions(within=timedelta(minutes=90)), ["Oracle"]),
    (ListSessions(which=SessionsFilter.WARNING, server="hq"), ["Exchange"]),
    (ListSessions(which=SessionsFilter.SUCCESS, job=NamedJob("SQL Prod")), ["SQL Prod"]),
    (ListSessions(job=NamedJob("Files", server="dr")), []),
    (ListSessions(which=SessionsFilter.RUNNING), []),
]


@pytest.mark.parametrize(("request_", "expected"), LISTS, ids=str)
async def test_lists_of_sessions(office: Office, request_: ListSessions, expected: list[str]) -> None:
    """Sessions come newest first, filtered and counted."""
    answer = await office.answer(request_, SessionsAnswer)
    assert [view.session.name for view in answer.rows] == expected
    assert answer.total == len(expected)


async def test_running_sessions(office: Office) -> None:
    """Only what is not over runs."""
    office.world.begin_run("Files")
    answer = await office.answer(ListSessions(which=SessionsFilter.RUNNING), SessionsAnswer)
    assert [view.session.name for view in answer.rows] == ["Files"]


async def test_sessions_out_of_sight(office: Office) -> None:
    """Sessions of jobs out of sight are neither listed nor counted, nor found by their ID."""
    answer = await office.answer(ListSessions(), SessionsAnswer, SQL_ONLY)
    assert ({view.session.name for view in answer.rows}, answer.total) == ({"SQL Prod"}, 3)
    for hidden in (last_session(office, "Oracle"), SessionId(UNKNOWN)):
        assert await office.ask(ShowSession(hidden), SQL_ONLY) == NotFound("session", hidden)
    own = await office.answer(ShowSession(last_session(office, "SQL Prod")), SessionAnswer, SQL_ONLY)
    assert own.job is not None


async def test_pages_of_sessions_follow_each_other(office: Office) -> None:
    """Pages over two servers, or of the jobs one may see, show every session once."""
    office.world.with_many_jobs(12)
    office.dr.world.with_many_jobs(12)
    pages = [await office.answer(ListSessions(page=page), SessionsAnswer) for page in range(4)]
    shown = [(view.server, view.session.id) for page in pages for view in page.rows]
    assert len(shown) == len(set(shown)) == pages[0].total == 30
    first = await office.answer(ListSessions(page=0), SessionsAnswer, SQL_ONLY)
    second = await office.answer(ListSessions(page=1), SessionsAnswer, SQL_ONLY)
    assert (len(first.rows), len(second.rows)) == (3, 0)


@pytest.mark.parametrize(
    ("account", "person", "said"),
    [
        (Role.BACKUP_ADMINISTRATOR, ANN, SERVICE),
        (Role.BACKUP_VIEWER, ANN, "an account of its own"),
        (Role.BACKUP_ADMINISTRATOR, SQL_ADMIN, SERVICE),
        *(
            (Role.BACKUP_ADMINISTRATOR, each, "an account of its own")
            for each in (OPERATOR, VIEWER, SQL_ONLY)
        ),
    ],
)
async def test_the_account_for_the_guests_is_named(
    office: Office, account: Role, person: PersonId, said: str
) -> None:
    """To those who may edit the job, where VBR shows its name to the bot's account; never to a channel."""
    add_credentials(office.world.book, SERVICE, office.world.now())
    office.world.add_job("SQL with guests", guest=SERVICE)
    with_administrators(office)
    login = office.hq.accounts.by_role(SandboxRole(account.value))
    async with client_of(office.hq, office.clock, login, name=HQ) as client:
        office.fleet = Fleet([client])
        office.restart()
        asked = await office.ask(ShowJob(NamedJob("SQL with guests")), person)
    assert isinstance(asked, Done)
    assert asked.missing == ()
    assert f"application-aware with {said}" in drawn_of(asked, "r-1").message.text
    shared = drawn_of(asked, "r-1", shared_by=person).message
    assert "application-aware with an account of its own" in shared.text
    assert SERVICE not in repr(shared)
    if said != SERVICE:
        assert SERVICE not in repr(asked)


async def test_one_session_in_full(office: Office) -> None:
    """A session is found on whichever server has it, with its objects and what failed."""
    answer = await office.answer(ShowSession(last_session(office, "SQL Prod")), SessionAnswer)
    assert answer.view.server == HQ
    assert answer.job is not None
    failed = [task for task in answer.tasks if task.outcome == "Failed"]
    assert [task.result.message for task in failed if task.result] == ["Failed to open VDDK disk"]
    assert answer.records
    await die(office.dr)
    missing = await office.ask(ShowSession(SessionId(UNKNOWN)))
    assert missing == NotFound("session", UNKNOWN, silent=(DR,))


async def test_a_session_is_named_by_its_jobs_type(office: Office) -> None:
    """A session's page and the list of sessions say the job's type in words, each job asked about once."""
    office.world.add_job("Racks", "HyperVBackup")
    office.world.finish_run("Racks", ended_at=office.world.now(), result="Failed")
    for line, said in (
        ("session Racks last", ["Hyper-V backup"]),
        ("session SQL Prod last", ["VMware backup"]),
        ("sessions failed", ["Hyper-V backup", "VMware backup", "VMware backup", "VMware backup"]),
        ("sessions Racks", ["Hyper-V backup"]),
    ):
        shown = drawn_of(await office.ask(parse(line, TYPED)), "r-1").message.text
        assert re.findall(r"took 5 min · (.+)", shown) == said, line

    office.hq.requests.clear()
    await office.ask(ListSessions(SessionsFilter.FAILED))
    assert not office.hq.requests.of(*STATES)


async def test_the_last_session_of_a_job(office: Office) -> None:
    """`session JOB last` is the job's newest run, by any name that a job is found by."""
    expected = last_session(office, "SQL Prod")
    for job in (NamedJob("sql prod"), office.known("SQL Prod")):
        answer = await office.answer(ShowSession(job=job), SessionAnswer)
        assert (answer.view.server, answer.view.session.id) == (HQ, expected)
        assert answer.request == ShowSession(expected, HQ)
    running = office.world.begin_run("SQL Prod")
    assert (
        await office.answer(ShowSession(job=NamedJob("SQL Prod")), SessionAnswer)
    ).view.session.id == running.id
    never = await office.ask(ShowSession(job=NamedJob("Never ran")))
    assert never == NotFound("run", "Never ran", suggestion='job "Never ran"')
    several = await office.ask(ShowSession(job=NamedJob("SQL")))
    assert isinstance(several, Ambiguous)
    assert await office.ask(ShowSession(job=NamedJob("Oracle")), SQL_ONLY) == NotFound("job", "Oracle")


async def test_a_session_by_a_message(office: Office) -> None:
    """A link to a message about a session shows it; to people who may not know of it, it leads nowhere."""
    found, lost = MessageLink("found", "C0PROD", "1.0"), MessageLink("lost", "C0PROD", "2.0")
    expected = last_session(office, "Oracle")
    office.messages.shown["found"] = ShownSession(HQ, expected, office.known("Oracle").job_id)
    answer = await office.answer(ShowSession(message=found), SessionAnswer)
    assert answer.view.session.id == expected
    assert answer.request == ShowSession(expected, HQ)
    nothing = [await office.ask(ShowSession(message=lost), person) for person in (VIEWER, SQL_ONLY)]
    assert nothing == [NotFound("message", "lost")] * 2
    assert await office.ask(ShowSession(message=found), SQL_ONLY) == NotFound("message", "found")
    office.messages.shown["found"] = ShownSession(DR, expected)
    asked = len(office.dr.requests)
    assert await office.ask(ShowSession(message=found), SQL_ONLY) == NotFound("message", "found")
    assert len(office.dr.requests) == asked
    refused = [row["operation"] for row in await office.audited() if row.get("operation") == "session.show"]
    assert refused == ["session.show"] * 2


async def test_lists_say_why(office: Office) -> None:
    """Sessions that failed or warned, and jobs with a warning, come with the reason; asked for once."""
    for request in (
        ListSessions(SessionsFilter.FAILED),
        ListSessions(),
        ListSessions(SessionsFilter.WARNING),
    ):
        rows = (await office.answer(request, SessionsAnswer)).rows
        assert rows
        assert [bool(row.reason) for row in rows] == [
            row.session.outcome in {"Failed", "Warning"} for row in rows
        ]
    warned = ListJobs(which=JobsFilter.WARNING, server=HQ)
    reasons = [row.reason for row in (await office.answer(warned, JobsAnswer)).rows]
    assert reasons
    assert all(reasons)

    def looked_up() -> int:
        return sum("taskSessions" in one.template for one in office.hq.requests)

    before = looked_up()
    await office.answer(warned, JobsAnswer)
    assert looked_up() == before


@pytest.mark.parametrize(
    "line", ["jobs failed", "jobs problems", "job SQL Prod server:hq", "sessions failed", "status"]
)
async def test_the_cause_follows_the_job_with_its_object(office: Office, line: str) -> None:
    """Lists and the job's page begin as a message does: state and job, then the object and the cause."""
    shown = drawn_of(await office.ask(parse(line, TYPED)), "r-1").message.text
    assert re.search(r"Failed · \*SQL Prod\* on hq.*\n\*vm01\*: `Failed to open VDDK disk`\n", shown)
    assert "on hq\n`Repository is full`" in shown or line.startswith("job ")  # the log's words


async def test_a_failed_jobs_page_says_how_old_its_last_good_backup_is(office: Office) -> None:
    """As the message about the failure does."""
    shown = drawn_of(await office.ask(parse("job SQL Prod server:hq", TYPED)), "r-1").message.text
    assert re.search(r"\nLast good backup: .* \(2 d 02 h old\)\nLast run: ", shown)
    well = drawn_of(await office.ask(parse("job Files server:hq", TYPED)), "r-1").message.text
    assert "Last good backup" not in well


async def test_a_last_good_backup_may_be_older_than_the_latest_sessions(office: Office) -> None:
    """However many runs failed since; that there is none is said as well."""
    job = office.world.job("SQL Prod")
    for hours in range(47, 20, -1):
        office.world.finish_run(job, result="Failed", ended_at=office.clock.now() - timedelta(hours=hours))
    shown = drawn_of(await office.ask(parse("job SQL Prod server:hq", TYPED)), "r-1").message.text
    assert re.search(r"\nLast good backup: .* \(2 d 02 h old\)\nLast run: ", shown)
    for session in office.world.sessions_of(job):
        if session.result == "Success":
            office.world.purge_session(session.id)
    shown = drawn_of(await office.ask(parse("job SQL Prod server:hq", TYPED)), "r-1").message.text
    assert "\nNo good backup on record.\n" in shown


async def test_lists_do_without_reasons(office: Office) -> None:
    """A reason that cannot be read is missing from the list, and the answer says so."""
    for path in ("/api/v1/sessions/{id}/taskSessions", "/api/v1/sessions/{id}/logs"):
        office.hq.faults.add("GET", path, refusing(500), times=999)
    for request in (ListSessions(SessionsFilter.FAILED, server=HQ), ListJobs(JobsFilter.WARNING, server=HQ)):
        outcome = await office.ask(request)
        assert isinstance(outcome, Done)
        assert [one.what for one in outcome.missing] == [Detail.FAILURE_REASON]


async def test_a_session_stopped_from_here_says_by_whom(office: Office) -> None:
    """Whoever stopped a session through the bot is named with it."""
    session = office.world.begin_run("Files")
    await office.ask(Stop(office.known("Files")))
    answer = await office.answer(ShowSession(SessionId(session.id)), SessionAnswer)
    assert answer.view.stopped_by == OPERATOR


async def test_running_sessions_without_a_result(office: Office) -> None:
    """A session that runs is found by its state where a filter by result leaves out what has none yet."""
    session = office.world.begin_run("Files")
    nothing = changed(lambda answer: {**answer, "data": [], "pagination": {"total": 0, "count": 0}})
    office.hq.faults.add("GET", "/api/v1/sessions", nothing)
    request = ListSessions(which=SessionsFilter.RUNNING, server=HQ)
    answer = await office.answer(request, SessionsAnswer)
    assert [row.session.id for row in answer.rows] == [session.id]


async def test_a_reason_without_task_sessions(office: Office) -> None:
    """Where VBR has no task sessions to give, the log gives the reason."""
    office.hq.faults.add("GET", "/api/v1/sessions/{id}/taskSessions", refusing(404), times=9)
    answer = await office.answer(ListJobs(which=JobsFilter.FAILED, server=HQ), JobsAnswer)
    assert any(row.reason for row in answer.rows)


async def test_a_reason_without_a_session_in_the_state(office: Office) -> None:
    """Where a job state does not name its session, the job's newest one gives the reason."""
    request = ListJobs(which=JobsFilter.FAILED, server=HQ)
    expected = (await office.answer(request, JobsAnswer)).rows
    office.hq.faults.add("GET", "/api/v1/jobs/states", rows(without("sessionId")), times=9)
    found = (await office.answer(request, JobsAnswer)).rows
    assert [(row.reason, row.streak) for row in found] == [(row.reason, row.streak) for row in expected]


async def test_status_where_rows_are_not_counted(office: Office) -> None:
    """A server that gives no total has its rows counted."""
    uncounted = changed(lambda answer: {**answer, "pagination": {"count": len(answer["data"])}})
    office.hq.faults.add("GET", "/api/v1/jobs/states", uncounted, times=99)
    (hq,) = (await office.answer(ShowStatus(server=HQ), StatusAnswer)).servers
    assert (hq.failed_total, hq.jobs_total) == (2, 8)


async def test_status_counts_what_stands(office: Office) -> None:
    """Each server that answers shows what runs and fails; the silent one is named."""
    office.world.begin_run("Files")
    await die(office.dr)
    answer = await office.answer(ShowStatus(), StatusAnswer)
    (hq,) = answer.servers
    assert (hq.running_total, hq.failed_total, hq.warning_total) == (1, 2, 1)
    assert (hq.disabled_total, hq.jobs_total, len(hq.repositories)) == (1, 8, 2)
    assert [row.state.name for row in hq.failed] == ["Oracle", "SQL Prod"]
    assert [silence.server for silence in answer.silent] == [DR]


async def test_status_says_how_often_in_a_row(office: Office) -> None:
    """A failed job's row in the status is the one of the list, streak included."""
    shown = drawn_of(await office.ask(ShowStatus(server=HQ)), "r-1").message.text
    listed = drawn_of(await office.ask(ListJobs(JobsFilter.FAILED, server=HQ)), "r-1").message.text
    row = next(line for line in listed.splitlines() if "*SQL Prod*" in line)
    assert "in a row" in row
    assert row in shown.splitlines()


async def test_status_keeps_what_it_does_not_explain(office: Office) -> None:
    """The first failures of a server are explained, and those behind them are there as they are."""
    for number in range(4):
        job = office.dr.world.add_job(f"Mail {number}", objects=("vm01",))
        ended_at = office.dr.world.now() - timedelta(minutes=5 + number)
        office.dr.world.finish_run(job, ended_at=ended_at, result="Failed", objects={"vm01": "No space"})
    (dr,) = (await office.answer(ShowStatus(server=DR), StatusAnswer)).servers
    mail = [(view.state.name, view.reason) for view in dr.failed if view.state.name.startswith("Mail")]
    assert mail == [("Mail 0", "No space"), ("Mail 1", "No space"), ("Mail 2", "No space"), ("Mail 3", None)]


async def test_status_counts_only_what_is_seen(office: Office) -> None:
    """Jobs out of sight are in no count."""
    (hq,) = (await office.answer(ShowStatus(), StatusAnswer, SQL_ONLY)).servers
    assert (hq.failed_total, hq.jobs_total, hq.warning_total, hq.disabled_total) == (1, 2, 0, 0)


async def test_servers_say_whether_they_answer(office: Office) -> None:
    """A server that lives and refuses our login is told apart from a dead one."""
    await die(office.dr)
    office.hq.accounts.revoke_all_tokens()
    office.hq.faults.add("POST", "/api/oauth2/token", refusing(401), times=9)
    hq, dr = (await office.answer(ListServers(), ServersAnswer)).servers
    assert isinstance(hq.error, LoginRefused)
    assert hq.time is not None
    assert isinstance(dr.error, Unreachable)
    assert (dr.time, dr.answered_in_ms) == (None, None)
    (only,) = (await office.answer(ListServers(), ServersAnswer, SQL_ONLY)).servers
    assert only.server == HQ


async def test_servers_say_which_revision_is_spoken(office: Office) -> None:
    """And which newer one a server speaks too, where the settings name an older one."""
    office.hq.upgrade("1.3-rev2")
    hq, dr = (await office.answer(ListServers(), ServersAnswer)).servers
    assert (hq.revision, hq.is_pinned, hq.newest) == ("1.3-rev0", True, "1.3-rev2")
    assert hq.port == int(office.hq.url.rpartition(":")[2])
    assert (dr.revision, dr.product, dr.newest) == ("1.3-rev0", "VBR 13.0", None)


async def test_servers_contradict_nothing_after_an_upgrade(office: Office) -> None:
    """Where the build says that VBR was upgraded, the revision is the one that it speaks by now."""
    async with client_of(office.hq, office.clock, name=HQ, api_version=AUTO) as client:
        office.fleet = Fleet([client])
        office.restart()
        await client.job_states()
        office.hq.upgrade("1.3-rev2", build_version="13.1.0.411")
        (hq,) = (await office.answer(ListServers(), ServersAnswer)).servers
    assert hq.info is not None
    assert (hq.info.build_version, hq.revision, hq.product) == ("13.1.0.411", "1.3-rev2", "VBR 13.1")


async def test_a_newest_revision_that_is_not_told_takes_nothing_away(office: Office) -> None:
    """The rest of the answer stands."""
    office.hq.faults.add("GET", "/swagger/{document}/swagger.json", refusing(503))
    office.hq.faults.add("GET", "/api/v1/serverTime", refusing(503), after=1)
    hq, _ = (await office.answer(ListServers(), ServersAnswer)).servers
    assert (hq.error, hq.revision, hq.newest) == (None, "1.3-rev0", None)
    assert hq.time is not None


@pytest.mark.parametrize(
    ("word", "topic", "nearest"),
    [("retry", "retry", None), ("Details", "job", None), ("retyr", None, "retry"), ("xyzzy", None, None)],
)
async def test_help_about_a_word(office: Office, word: str, topic: str | None, nearest: str | None) -> None:
    """A command or a button is explained; an unknown word gets the nearest command."""
    answer = await office.answer(ShowHelp(word), HelpAnswer)
    assert (answer.topic and answer.topic.name, answer.nearest and answer.nearest.name) == (topic, nearest)


async def test_help_lists_what_one_may(office: Office) -> None:
    """Only what the asker may do is listed."""
    operator = await office.answer(ShowHelp(), HelpAnswer)
    administrators = {"audit", "enable", "disable", "clone", "delete", "edit", "create"}
    assert operator.operations == tuple(one for one in CATALOG if one.name not in administrators)
    assert operator.is_granted_anything
    viewer = await office.answer(ShowHelp(), HelpAnswer, VIEWER)
    hidden = {one.name for one in set(CATALOG) - set(viewer.operations)}
    operators = {"start", "stop", "retry", "quickbackup", "apply", "clearcache", "ack", "mute", "unmute"}
    of_channels = {"subscribe", "unsubscribe", "subscriptions"}
    assert hidden == {*operators, *of_channels, *administrators}
    nobody = await office.answer(ShowHelp(), HelpAnswer, NOBODY)
    assert [known.name for known in nobody.operations] == ["whoami", "help"]
    assert not nobody.is_granted_anything
    assert not office.hq.requests.of(*STATES)


async def test_whoami(office: Office) -> None:
    """One's own grants are told with what they came by; another's to administrators alone."""
    office.grants = (*GRANTS, GrantSettings(group=GroupReference("S0ALL"), role=Role.BACKUP_ADMINISTRATOR))
    office.team.people[NOBODY] = replace(office.team.people[NOBODY], groups=frozenset({"S0ALL"}))
    mine = await office.answer(ShowWhoami(), WhoamiAnswer, SQL_ONLY)
    assert (mine.roles, [held.via for held in mine.held]) == ((Role.BACKUP_OPERATOR,), ["S0SQL"])
    assert not mine.has_hidden
    theirs = await office.answer(ShowWhoami(VIEWER), WhoamiAnswer, SQL_ONLY)
    assert (theirs.roles, theirs.held, theirs.has_hidden) == ((Role.BACKUP_VIEWER,), (), True)
    seen = await office.answer(ShowWhoami(SQL_ONLY), WhoamiAnswer, VIEWER)
    assert (seen.roles, seen.held) == ((Role.BACKUP_OPERATOR,), ())
    told = await office.answer(ShowWhoami(SQL_ONLY), WhoamiAnswer, NOBODY)
    assert ([held.via for held in told.held], told.has_hidden) == (["S0SQL"], False)
    none = await office.answer(ShowWhoami(PersonId("U0GONE")), WhoamiAnswer, SQL_ONLY)
    assert (none.held, none.has_hidden) == ((), False)


async def test_names_are_kept_for_a_minute(office: Office) -> None:
    """The names for suggestions are read once a minute, not once a typo."""
    await office.ask(ShowJob(NamedJob("Exchnage")))
    office.hq.requests.clear()
    await office.ask(ShowJob(NamedJob("Orcale")))
    assert len(office.hq.requests.of(*STATES)) == 1
    office.world.add_job("Exchnage 2")
    await office.clock.advance(61)
    outcome = await office.ask(ShowJob(NamedJob("Exchnage 3")))
    assert isinstance(outcome, NotFound)
    assert "Exchnage 2" in outcome.nearest


async def test_an_exact_copy_wins_over_its_namesakes(office: Office) -> None:
    """A job whose whole name was typed is meant, however many names contain it."""
    office.team.people[OPERATOR] = replace(office.team.people[OPERATOR], name="Ann")
    for number in range(30):
        office.world.add_job(f"A SQL Prod {number}")
    answer = await office.answer(ShowJob(NamedJob("sql prod")), JobAnswer)
    assert answer.view.state.name == "SQL Prod"
    several = await office.ask(ShowJob(NamedJob("A SQL")))
    assert isinstance(several, Ambiguous)
    assert (len(several.choices), several.total) == (25, 30)


@pytest.mark.parametrize("request_", [ShowJob(NamedJob("Exchnage")), Stop(NamedJob("Exchnage"))])
async def test_what_was_perhaps_meant_has_a_button_that_only_shows_it(
    office: Office, request_: ShowJob | Stop
) -> None:
    """A mistyped name of an action, too, is answered with Details of the job that is alike."""
    missing = await office.ask(request_)
    assert isinstance(missing, NotFound)
    blocks = not_found(missing, command="/veeam").blocks
    (button,) = [each for block in blocks if block["type"] == "actions" for each in block["elements"]]
    press = decode(button["action_id"], button["value"])
    assert isinstance(press, RunRequest)
    assert (button["text"]["text"], "confirm" in button) == ("Details", False)
    shown = await office.ask(press.request)
    assert isinstance(shown, Done)
    assert isinstance(shown.answer, JobAnswer)
    assert shown.answer.view.state.name == "Exchange"


async def test_a_job_without_a_schedule(office: Office) -> None:
    """It says so, and speaks of nobody's clock."""
    office.world.add_job("Loose")
    said = drawn_of(await office.ask(ShowJob(NamedJob("Loose"))), "r-1").message.text
    assert "Schedule: Not scheduled: it runs when someone starts it\n" in said
    assert "the server's time" not in said
