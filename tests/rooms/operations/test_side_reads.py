"""One failing read takes no answer away: of each operation, which reads it cannot do without, and the rest.

The reads are those that the simulated VBR heard: one that the table does not name fails the test.
"""

import asyncio
import itertools
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit, JobForm
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.backend import ApprovalRules
from bot.operations.job_filters import JobsFilter
from bot.operations.menus import MenuField
from bot.operations.model import KnownJob, NamedJob, NamedMachine, Request, Step
from bot.operations.outcomes import Ambiguous, Detailed, Done, Failed, NeedsForm, Outcome
from bot.operations.queries.home import ShowHome
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.report import ShowReport
from bot.operations.queries.servers import ListServers, ServersAnswer
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions, SessionsAnswer, SessionsFilter
from bot.operations.queries.status import ShowStatus, StatusAnswer
from bot.operations.queries.why import ExplainFailure
from bot.sandbox.vbr import Fault, Moment
from bot.sandbox.vbr.faults import empty, hanging, html, malformed, refusing
from bot.slack.views.forms import form as form_view
from bot.slack.views.job_form import filled, job_form
from bot.slack.views.outcomes import outcome as drawn
from bot.store import Database
from bot.veeam import Detail, Fleet, ReadRetries, SessionId, details, server
from tests.rooms.operations.form_room import ANN, Writer, with_administrators
from tests.rooms.operations.office import DR, HQ, Office
from tests.rooms.operations.unread import denied
from tests.rooms.veeam.clients import START, client_of, wait_until
from tests.support.filled_forms import with_changes

FAULTS: Mapping[str, Fault] = {
    "may not": refusing(403),
    "fails": refusing(500),
    "timed out": refusing(408),
    "a proxy's page": html(502),
    "a page in its place": Fault(status=200, body=b"<html>Welcome</html>", content_type="text/html"),
    "empty": empty(200),
    "cut off": malformed(),
    "another type": Fault(status=200, body=b'["what", 5]'),
    "a list of another type": Fault(status=200, body=b'{"data": 5, "pagination": "no"}'),
}
STATES, MODELS, MODEL = "GET /api/v1/jobs/states", "GET /api/v1/jobs", "GET /api/v1/jobs/{id}"
SESSIONS, SESSION = "GET /api/v1/sessions", "GET /api/v1/sessions/{id}"
TASKS, LOGS = f"{SESSION}/taskSessions", f"{SESSION}/logs"
ALL_TASKS = "GET /api/v1/taskSessions"
REPOSITORIES = "GET /api/v1/backupInfrastructure/repositories/states"
SCALE_OUT = "GET /api/v1/backupInfrastructure/scaleOutRepositories"
CREDENTIALS, TIME, INFO = "GET /api/v1/credentials", "GET /api/v1/serverTime", "GET /api/v1/serverInfo"
SWAGGER = "GET /swagger/{document}/swagger.json"
"""The revisions are asked for in another way where it fails."""
HOSTS = "GET /api/v1/inventory/vmware/hosts"
POINTS, BACKUP = "GET /api/v1/restorePoints", "GET /api/v1/backups/{id}"
MACHINES = "GET /api/v1/inventory/vmware/hosts/{name}"

FORBIDDEN = 403
ESSENTIAL = None
"""Without this read there is no answer, but a clear message."""
Row = Mapping[str, frozenset[Detail] | None]


def lacks(*what: Detail) -> frozenset[Detail]:
    return frozenset(what)


_COUNT = itertools.count(1)


def fresh(office: Office, *, objects: tuple[str, ...] = ("vm01",), is_disabled: bool = False) -> KnownJob:
    """A job that nothing was done to yet."""
    job = office.world.add_job(f"Fresh {next(_COUNT)}", objects=objects, is_disabled=is_disabled)
    return office.known(job.name)


def failed(office: Office) -> KnownJob:
    name = f"Failing {next(_COUNT)}"
    office.world.add_job(name)
    office.world.finish_run(name, result="Failed")
    return office.known(name)


def running(office: Office) -> KnownJob:
    name = f"Running {next(_COUNT)}"
    office.world.add_job(name)
    office.world.begin_run(name)
    return office.known(name)


async def edit_submitted(office: Office) -> Request:
    job = office.world.add_job(f"Edited {next(_COUNT)}")
    writer = Writer(office)
    summary = await writer.sees(await writer.edits(job.name), description="Nightly")
    return summary.request


async def edit_reviewed(office: Office) -> Request:
    job = office.world.add_job(f"Edited {next(_COUNT)}")
    writer = Writer(office)
    form = await writer.edits(job.name)
    return with_fields(form, description="Nightly")


async def create_reviewed(office: Office) -> Request:
    form = await Writer(office).creates(office.world.job("SQL Prod"))
    return with_fields(form, name=f"Made {next(_COUNT)}")


async def create_submitted(office: Office) -> Request:
    writer = Writer(office)
    form = await writer.creates(office.world.job("SQL Prod"))
    return (await writer.sees(form, name=f"Made {next(_COUNT)}")).request


def with_fields(form: JobForm, **changes: str) -> Request:
    request = form.request
    assert isinstance(request, Edit | Create)
    submitted = filled(request, with_changes(job_form(form).blocks, **changes))
    assert isinstance(submitted, Edit | Create), submitted
    return submitted


def now(make: Callable[[Office], Request]) -> Callable[[Office], Awaitable[Request]]:
    async def request(office: Office) -> Request:
        return make(office)

    return request


def named(job: KnownJob, office: Office) -> NamedJob:
    model = next(each for each in office.world.jobs if each.id == job.job_id)
    return NamedJob(model.name, "hq", exact=True)


REQUESTS: Mapping[str, Callable[[Office], Awaitable[Request]]] = {
    "jobs": now(lambda _: ListJobs(server="hq")),
    "jobs failed": now(lambda _: ListJobs(which=JobsFilter.FAILED, server="hq")),
    "jobs warning": now(lambda _: ListJobs(which=JobsFilter.WARNING, server="hq")),
    "jobs repo:Second": now(lambda _: ListJobs(repository="Second Repository", server="hq")),
    "jobs after:Oracle": now(lambda _: ListJobs(after="Oracle", server="hq")),
    "jobs holding:web01": now(lambda _: ListJobs(holding="web01", server="hq")),
    "jobs stale:3h": now(lambda _: ListJobs(stale=timedelta(hours=3), server="hq")),
    "job": now(lambda office: ShowJob(office.known("SQL Prod"))),
    "job NAME": now(lambda _: ShowJob(NamedJob("SQL Prod", "hq"))),
    "why": now(lambda office: ExplainFailure(office.known("SQL Prod"))),
    "sessions": now(lambda _: ListSessions(server="hq")),
    "sessions running": now(lambda _: ListSessions(which=SessionsFilter.RUNNING, server="hq")),
    "sessions 24h": now(lambda _: ListSessions(within=timedelta(hours=24), server="hq")),
    "session": now(lambda office: ShowSession(session_of(office), "hq")),
    "session last": now(lambda office: ShowSession(job=office.known("SQL Prod"))),
    "status": now(lambda _: ShowStatus("hq")),
    "servers": now(lambda _: ListServers("hq")),
    "report": now(lambda _: ShowReport(server="hq")),
    "home": now(lambda _: ShowHome()),
    "start": now(lambda office: Start(fresh(office))),
    "start NAME": now(lambda office: Start(named(fresh(office), office))),
    "start form": now(lambda office: Start(fresh(office), step=Step.FILL)),
    "stop": now(lambda office: Stop(running(office))),
    "stop form": now(lambda office: Stop(running(office), step=Step.FILL)),
    "retry": now(lambda office: Retry(failed(office))),
    "retry form": now(lambda office: Retry(failed(office), step=Step.FILL)),
    "enable": now(lambda office: Enable(fresh(office, is_disabled=True))),
    "disable": now(lambda office: Disable(fresh(office))),
    "disable form": now(lambda office: Disable(fresh(office), step=Step.FILL)),
    "clone": now(lambda office: Clone(fresh(office))),
    "delete form": now(lambda office: Delete(fresh(office), step=Step.FILL)),
    "pick": now(lambda _: Start(NamedJob("", "hq"), step=Step.CHOOSE)),
    "quickbackup": now(lambda _: QuickBackup(NamedMachine("web01", "hq"))),
    "quickbackup form": now(lambda _: QuickBackup(NamedMachine("web01", "hq"), Step.FILL)),
    "edit form": now(lambda office: Edit(fresh(office))),
    "edit review": edit_reviewed,
    "edit": edit_submitted,
    "create choice": now(lambda _: Create("hq")),
    "create form": now(lambda _: Create("hq", step=Step.FILL)),
    "create like form": now(lambda office: Create("hq", office.known("SQL Prod"), step=Step.FILL)),
    "create review": create_reviewed,
    "create": create_submitted,
}

DERIVED: Row = {STATES: lacks(Detail.JOB_STATES)}
SERVER_TIME: Row = {TIME: lacks(Detail.SERVER_TIME)}
WHAT_RUNS: Row = {SESSIONS: lacks(Detail.RUNNING_SESSIONS)}
"""Of jobs that are disabled, or whose runs have parts."""
JOB_REPOSITORY: Row = {REPOSITORIES: lacks(Detail.REPOSITORIES)}
WHO_STOPPED: Row = {SESSIONS: lacks(Detail.SESSIONS, Detail.FAILURE_REASON)}
WHY_FAILED: Row = {
    SESSIONS: lacks(Detail.FAILURE_REASON),
    TASKS: lacks(),  # the log may still say why
    LOGS: lacks(Detail.FAILURE_REASON),
    **SERVER_TIME,
}
STATUS: Row = {
    **DERIVED,
    **JOB_REPOSITORY,
    **WHY_FAILED,
    SESSIONS: lacks(Detail.SESSIONS, Detail.FAILURE_REASON, Detail.RUNNING_SESSIONS),
}
JOB: Row = {
    **DERIVED,
    **JOB_REPOSITORY,
    **SERVER_TIME,
    MODEL: lacks(Detail.JOB_SETTINGS),
    SESSIONS: lacks(Detail.SESSIONS, Detail.FAILURE_REASON, Detail.LAST_SUCCESS),
    TASKS: lacks(),
}
MACHINE: Row = {HOSTS: ESSENTIAL, MACHINES: ESSENTIAL}
MENU_FACTS: Row = {
    REPOSITORIES: lacks(Detail.REPOSITORIES),
    SCALE_OUT: lacks(Detail.SCALE_OUT_REPOSITORIES),
    CREDENTIALS: lacks(Detail.CREDENTIALS),
    **SERVER_TIME,
}
RUN: Row = {**DERIVED, SESSIONS: ESSENTIAL}
"""What begins or ends a run is told from other runs by the newest."""
NEWEST_RUN: Row = {SESSIONS: lacks(Detail.SESSIONS)}

READS: Mapping[str, Row] = {
    "jobs": {**DERIVED, **WHAT_RUNS},
    "jobs failed": {**DERIVED, **WHY_FAILED, **WHO_STOPPED},
    "jobs repo:Second": {
        **DERIVED,
        REPOSITORIES: lacks(Detail.REPOSITORIES),
        SCALE_OUT: lacks(Detail.SCALE_OUT_REPOSITORIES),
    },
    "jobs after:Oracle": DERIVED,
    "jobs holding:web01": {
        **DERIVED,
        MODELS: lacks(Detail.JOB_SETTINGS),
        POINTS: lacks(Detail.RESTORE_POINTS),
        BACKUP: lacks(Detail.RESTORE_POINTS),
    },
    "jobs stale:3h": {**DERIVED, SESSIONS: lacks(Detail.LAST_SUCCESS, Detail.RUNNING_SESSIONS)},
    "job": JOB,
    "job NAME": JOB,
    "why": {
        **DERIVED,
        **SERVER_TIME,
        SESSIONS: lacks(Detail.SESSIONS),
        TASKS: lacks(Detail.OBJECTS),
        LOGS: lacks(Detail.LOG, Detail.FAILURE_REASON),  # the latter is another job's
    },
    "jobs warning": {**DERIVED, **SERVER_TIME, TASKS: lacks(), LOGS: lacks(Detail.FAILURE_REASON)},
    "sessions": {**WHY_FAILED, **DERIVED, SESSIONS: ESSENTIAL},
    "sessions running": {**DERIVED, SESSIONS: ESSENTIAL},
    "sessions 24h": {**WHY_FAILED, **DERIVED, SESSIONS: ESSENTIAL},
    "session": {
        **DERIVED,
        **SERVER_TIME,
        SESSION: ESSENTIAL,
        TASKS: lacks(Detail.OBJECTS),
        LOGS: lacks(Detail.LOG),
    },
    "session last": {
        **DERIVED,
        **SERVER_TIME,
        SESSIONS: ESSENTIAL,
        SESSION: ESSENTIAL,
        TASKS: lacks(Detail.OBJECTS),
        LOGS: lacks(Detail.LOG),
    },
    "status": STATUS,
    "servers": {TIME: lacks(Detail.SERVER_TIME), INFO: lacks(Detail.SERVER_INFO), SWAGGER: lacks()},
    "report": {
        **DERIVED,
        **JOB_REPOSITORY,
        **SERVER_TIME,
        SESSIONS: lacks(Detail.SESSIONS),
        TASKS: lacks(),
        LOGS: lacks(Detail.FAILURE_REASON),
    },
    "home": STATUS,
    "start": RUN,
    "start NAME": RUN,
    "start form": {**RUN, **JOB_REPOSITORY},
    "stop": DERIVED,
    "stop form": {**DERIVED, **JOB_REPOSITORY, SESSIONS: lacks(Detail.LAST_SUCCESS)},
    "retry": DERIVED,
    "retry form": {**DERIVED, **JOB_REPOSITORY, SESSIONS: lacks(Detail.LAST_SUCCESS)},
    "enable": {**DERIVED, SESSIONS: lacks(Detail.SESSIONS, Detail.RUNNING_SESSIONS)},
    "disable": {**DERIVED, **NEWEST_RUN},
    "disable form": {**DERIVED, **NEWEST_RUN, **JOB_REPOSITORY},
    "clone": {**DERIVED, **NEWEST_RUN},
    "delete form": {**DERIVED, **NEWEST_RUN, **JOB_REPOSITORY},
    "pick": DERIVED,
    "quickbackup": MACHINE,
    "quickbackup form": {
        **MACHINE,
        **DERIVED,
        **JOB_REPOSITORY,
        **SERVER_TIME,
        SESSION: lacks(Detail.RESTORE_POINTS),
        ALL_TASKS: lacks(Detail.RESTORE_POINTS),
    },
    "edit form": {**DERIVED, **NEWEST_RUN, **MENU_FACTS, MODEL: ESSENTIAL},
    "edit review": {**DERIVED, **NEWEST_RUN, **MENU_FACTS, MODEL: ESSENTIAL},
    "edit": {**DERIVED, **NEWEST_RUN, **MENU_FACTS, MODEL: ESSENTIAL},
    "create choice": {},
    "create form": MENU_FACTS,
    "create like form": {**DERIVED, **MENU_FACTS, MODEL: ESSENTIAL},
    "create review": {**DERIVED, **MENU_FACTS},
    "create": DERIVED,
}


def session_of(office: Office) -> SessionId:
    return SessionId(office.world.job("SQL Prod").session_id or "")


@pytest.fixture(autouse=True)
async def estate(office: Office) -> AsyncIterator[None]:
    with_administrators(office)
    office.world.add_job("Web", objects=("web01",))
    office.world.finish_run("Web", result="Success")
    running(office)
    yield
    await office.fleet.close()


async def prepared(office: Office, name: str) -> Request:
    """The request, with nothing in the memory of the bot but what its form keeps."""
    await restarted(office)
    request = await REQUESTS[name](office)
    await restarted(office)
    office.hq.requests.clear()
    return request


async def restarted(office: Office) -> None:
    await office.fleet.close()
    office.fleet = Fleet(
        [client_of(office.hq, office.clock, name=HQ), client_of(office.dr, office.clock, name=DR)]
    )
    office.restart()


def heard(office: Office) -> set[str]:
    """What was read: every request but those that change something, and those for a token."""
    return {
        f"{request.method} {request.template}"
        for request in office.hq.requests
        if request.method == "GET" or "/inventory" in request.template
    }


def changes(office: Office) -> list[str]:
    return [
        f"{request.method} {request.template}"
        for request in office.hq.requests
        if request.method != "GET"
        and "oauth2" not in request.template
        and "inventory" not in request.template
    ]


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_read_is_in_the_table(office: Office, name: str) -> None:
    """A read that is new has to be thought about: can the answer do without it?"""
    outcome = await office.ask(await prepared(office, name), ANN)
    assert isinstance(outcome, Done | NeedsForm), outcome
    assert outcome.missing == ()
    # After what was done, more may be read to say what it was.
    reads = heard(office) - ({STATES} if name == "quickbackup" else set())
    assert reads == set(READS[name])


def faults_of(name: str, read: str) -> Iterator[tuple[str, Fault]]:
    """Three faults or more for each operation, and all of them for each read, by turns of its operations.

    What a fault means is told below the operations, which see one kind of error or another.
    """
    readers = [each for each, row in READS.items() if read in row]
    many = max(3, math.ceil(len(FAULTS) / len(readers)))
    begin = readers.index(name) * many
    return itertools.islice(itertools.cycle(FAULTS.items()), begin, begin + many)


@pytest.mark.parametrize(("name", "read"), [(name, read) for name in READS for read in READS[name]])
async def test_an_answer_does_without_its_details(office: Office, name: str, read: str) -> None:
    """Without an essential read a message says which server failed at what; a detail is named as missing.

    An action that is answered was done once; one that is not was not done.
    """
    wanted = READS[name][read]
    for label, fault in faults_of(name, read):
        request = await prepared(office, name)
        method, template = read.split(" ")
        office.hq.faults.add(method, template, fault, times=1000)
        outcome = await office.ask(request, ANN)
        office.hq.faults.clear()
        words = said(outcome)
        if wanted is ESSENTIAL:
            assert failed_servers(outcome) == {HQ}, (label, outcome)
            assert ("hq" in words, path_of(read) in words) == (True, True), (label, words)
            assert changes(office) == [], label
            continue
        assert isinstance(outcome, Detailed), (label, outcome)
        expected = lacks() if (read, label) == ONLY_FOR_ADMINISTRATORS else wanted
        assert {each.what for each in outcome.missing} == expected, (label, outcome)
        assert all(each.server == HQ for each in outcome.missing)
        assert words.count("could not be read") == len(expected), (label, words)
        assert denied(outcome) == [], (label, words)
        if isinstance(outcome, Ambiguous):
            assert (name, read, changes(office)) == ("start NAME", STATES, [])
            continue
        assert isinstance(outcome, Done | NeedsForm), (label, outcome)
        is_action = name in ACTIONS
        assert len(changes(office)) == is_action, (label, changes(office))


ONLY_FOR_ADMINISTRATORS = (INFO, "may not")
"""No account but an administrator's may know the build: that it is not shown needs no words."""
ACTIONS = frozenset(
    {"start", "start NAME", "stop", "retry", "enable", "disable", "clone", "quickbackup", "edit", "create"}
)


def failed_servers(outcome: Outcome) -> set[str]:
    """The servers that gave no answer."""
    match outcome:
        case Failed():
            return {outcome.error.server}
        case Done(JobsAnswer() | SessionsAnswer() | StatusAnswer() as answer):
            return {one.server for one in answer.silent}
        case _:
            return set()


def path_of(read: str) -> str:
    """As much of a path as is the same whatever it is asked for."""
    return read.split("{", maxsplit=1)[0]


def said(outcome: Outcome) -> str:
    """All that the person reads."""
    if isinstance(outcome, NeedsForm):
        view = form_view(outcome.form, channel_id="C0PROD", thread_ts=None, missing=outcome.missing)
        return json.dumps(view)
    message = drawn(outcome, "r-1").message
    assert message.text.count("could not be read") == json.dumps(message.blocks).count("could not be read")
    return message.text


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


async def test_a_detail_that_never_answers_is_not_waited_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes without it, after a limit of its own."""
    monkeypatch.setattr(details, "DETAIL_SECONDS", 1.0)
    office.hq.faults.add("GET", REPOSITORIES.split(" ")[1], hanging(Moment.BEFORE), times=9)
    outcome = await office.ask(ShowStatus("hq"), ANN)
    assert isinstance(outcome, Done)
    assert [each.what for each in outcome.missing] == [Detail.REPOSITORIES]


async def test_states_that_never_answer_are_put_together_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They get a part of the time that an answer has, and are not waited for again at once."""
    monkeypatch.setattr(server, "STATES_WITHIN_SECONDS", 0.05)
    office.hq.faults.add("GET", "/api/v1/jobs/states", hanging(Moment.BEFORE), times=9)
    for _ in range(2):
        outcome = await office.ask(ListJobs(server="hq"), ANN)
        assert isinstance(outcome, Done)
        assert [each.what for each in outcome.missing] == [Detail.JOB_STATES]
    assert len(office.hq.requests.of("GET", "/api/v1/jobs/states")) == 1


@pytest.mark.parametrize("label", FAULTS)
async def test_menus_offer_what_can_be_read(office: Office, label: str) -> None:
    """A list that fails takes nothing out of a menu but its own rows."""
    ann, fault = Writer(office), FAULTS[label]
    form = await ann.creates()
    for read, field, offered in (
        (SCALE_OUT, MenuField.REPOSITORY, "Second Repository"),
        (STATES, MenuField.AFTER_JOB, "Oracle"),
        (STATES, MenuField.LIKE, "Oracle"),
    ):
        method, template = read.split(" ")
        office.hq.faults.add(method, template, fault, times=99)
        assert offered in {one.name for one in await ann.finds(form, field)}, read
        office.hq.faults.clear()
    office.hq.faults.add("GET", "/api/v1/credentials", fault, times=99)
    assert await ann.finds(form, MenuField.CREDENTIALS) == ()


@pytest.mark.parametrize(
    "name",
    ["jobs", "jobs failed", "job", "why", "sessions", "session", "status", "servers", "report", "home"],
)
async def test_a_database_that_is_gone_takes_no_answer_of_vbr(office: Office, name: str) -> None:
    """What the bot keeps of its own is a detail, too; the answer says that it could not be read."""
    request = await prepared(office, name)
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
