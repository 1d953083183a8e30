"""Every asking is answered, counted and told in one line; whoever may not is refused on record."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace as replace_request
from structlog.testing import capture_logs

from bot.operations.actions import JobAction
from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.mute import Mute, Unmute
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.actions.subscribe import Subscribe
from bot.operations.actions.unsubscribe import Unsubscribe
from bot.operations.catalog import CATALOG
from bot.operations.job_filters import JobsFilter
from bot.operations.model import (
    Gesture,
    KnownJob,
    NamedJob,
    NamedMachine,
    Origin,
    Person,
    Refusal,
    Request,
    Standing,
)
from bot.operations.outcomes import AlreadyPressed, Done, Outcome, Refused
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.help import ShowHelp
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.report import ShowReport
from bot.operations.queries.servers import ListServers
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions
from bot.operations.queries.status import ShowStatus
from bot.operations.queries.subscriptions import ListSubscriptions
from bot.operations.queries.whoami import ShowWhoami
from bot.operations.queries.why import ExplainFailure
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.veeam import JobId, SessionId
from tests.rooms.operations.office import HQ, OPERATOR, SQL_ONLY, VIEWER, Office
from tests.rooms.veeam.clients import die

SQL = NamedJob("SQL Prod", exact=True)
ONE_OF_EACH: tuple[Request, ...] = (
    ShowHelp(),
    ShowWhoami(),
    ListJobs(),
    ShowJob(SQL),
    ExplainFailure(SQL),
    ListSessions(),
    ShowSession(SessionId("0f5e4f1e-50c8-4a5c-9d3f-3a6f1f4d4c11")),
    ShowStatus(),
    ListServers(),
    ShowReport(),
    ReadAudit(),
    ListSubscriptions(),
    Start(SQL),
    Stop(SQL),
    Retry(SQL),
    Enable(SQL),
    Disable(SQL),
    Clone(SQL),
    Delete(SQL),
    Edit(SQL),
    Create(),
    QuickBackup(NamedMachine("web01")),
    Apply(SQL),
    ClearCache(SQL),
    Acknowledge(SQL),
    Mute(SQL, span=timedelta(hours=1)),
    Unmute(SQL),
    Subscribe(SQL),
    Unsubscribe(),
)
EVERYBODY = {"help", "whoami"}
QUERIES = {"jobs", "job", "why", "sessions", "session", "status", "servers", "report"}
ACTIONS = {"start", "stop", "retry", "apply", "clearcache", "ack", "mute", "unmute"}
CHANGES = {"enable", "disable", "clone", "delete", "edit", "create"}
RECORD = {"audit"}
CHANNELS = {"subscribe", "unsubscribe", "subscriptions"}
# By hand, as Veeam's Jobs reference has it.
MAY = {
    Role.BACKUP_ADMINISTRATOR: EVERYBODY | QUERIES | ACTIONS | {"quickbackup"} | CHANGES | RECORD | CHANNELS,
    Role.BACKUP_OPERATOR: EVERYBODY | QUERIES | ACTIONS | {"quickbackup"} | CHANNELS,
    Role.RESTORE_OPERATOR: EVERYBODY | QUERIES,
    Role.BACKUP_VIEWER: EVERYBODY | QUERIES,
    Role.TAPE_OPERATOR: EVERYBODY | QUERIES | ACTIONS,
    None: EVERYBODY,
}


def clicked(request: Request, job: KnownJob) -> Request:
    """The request as a button makes it."""
    if isinstance(request, ShowJob | ListSessions | JobAction):
        return replace_request(request, job=job)
    return request


def test_every_operation_is_asked_for() -> None:
    """No operation is forgotten here."""
    assert {request.operation for request in ONE_OF_EACH} == set(CATALOG)


@pytest.mark.parametrize("request_", ONE_OF_EACH, ids=lambda request: request.operation.name)
async def test_roles_and_requests(office: Office, request_: Request) -> None:
    """Each role gets an answer to what it may, typed or clicked, and a refusal on record to the rest."""
    name = request_.operation.name
    for number, (role, may) in enumerate(MAY.items()):
        person, group = PersonId(f"U0ROLE{number}"), f"S0ROLE{number}"
        if role is not None:
            office.grants = [*office.grants, GrantSettings(group=GroupReference(group), role=role)]
        office.team.people[person] = Person(person, "one", Standing.MEMBER, frozenset({group}))
        office.restart()
        for asked in (request_, clicked(request_, office.known("SQL Prod"))):
            outcome = await office.ask(asked, person)
            assert isinstance(outcome, Refused) is (name not in may), (role, outcome)
        refused = [row for row in await office.audited() if row["event"] == "refused"]
        of_person = [row for row in refused if row["person_id"] == person]
        assert len(of_person) == (0 if name in may else 2), (role, refused)


@pytest.mark.parametrize(
    ("standing", "has_groups", "refusal"),
    [
        (Standing.GUEST, True, Refusal.STANDING),
        (Standing.FOREIGN, True, Refusal.STANDING),
        (Standing.DEACTIVATED, True, Refusal.STANDING),
        (Standing.INVITED, True, Refusal.STANDING),
        (Standing.BOT, True, Refusal.STANDING),
        (Standing.UNREADABLE, True, Refusal.PERSON_UNREADABLE),
        (Standing.MEMBER, False, Refusal.GROUPS_UNREADABLE),
    ],
)
async def test_whoever_is_no_member_is_refused(
    office: Office, standing: Standing, refusal: Refusal, *, has_groups: bool
) -> None:
    """Nobody else is let in to anything, whatever their groups; VBR is not asked, and it is on record."""
    known = office.team.people[OPERATOR]
    groups = known.groups if has_groups else None
    office.team.people[OPERATOR] = replace(known, standing=standing, groups=groups)
    for request in ONE_OF_EACH:
        outcome = await office.ask(request)
        assert outcome == Refused(refusal, request.operation, standing), request
    on_record = [(row["event"], row["operation"], row["detail"]) for row in await office.audited()]
    assert on_record == [("refused", request.operation.audit_name, refusal) for request in ONE_OF_EACH]
    assert len(office.hq.requests) == 0


async def test_a_person_nobody_knows_is_refused(office: Office) -> None:
    """Who cannot be looked up is not let in."""
    outcome = await office.ask(ListJobs(), PersonId("U0GONE"))
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.PERSON_UNREADABLE


@pytest.mark.parametrize(
    ("channel", "is_direct", "allowed"),
    [
        ("C0OK", False, True),
        ("C0NO", False, False),
        ("D0BOT", True, True),
        ("D0PEER", False, False),
        (None, False, True),
    ],
)
async def test_allowed_channels(
    office: Office, channel: str | None, *, is_direct: bool, allowed: bool
) -> None:
    """Where channels are named, others get a refusal; a direct message to the bot is fine."""
    office.allowed_channels = ["C0OK"]
    outcome = await office.ask(ShowHelp(), channel=channel, is_direct=is_direct)
    assert isinstance(outcome, Done if allowed else Refused)
    if isinstance(outcome, Refused):
        assert outcome.refusal is Refusal.CHANNEL
        assert [row["detail"] for row in await office.audited()] == ["channel"]


async def test_a_gesture_that_comes_again_does_nothing(office: Office) -> None:
    """Whatever came of it first: here a refusal, and the role was granted since. A new gesture acts."""

    async def press(delivery: str) -> Outcome:
        gesture = Gesture("r-1", VIEWER, "T0", "C0PROD", Origin.BUTTON, "press", delivery_key=delivery)
        return await office.service.run(gesture, Start(NamedJob("Exchange")))

    assert isinstance(await press("first"), Refused)
    office.team.people[VIEWER] = replace(office.team.people[OPERATOR], id=VIEWER)
    office.restart()
    assert isinstance(await press("first"), AlreadyPressed)
    assert [row["detail"] for row in await office.audited()] == ["role", "repeated"]
    assert office.posts() == []
    assert isinstance(await press("second"), Done)
    assert isinstance(await press("second"), AlreadyPressed)
    assert len(office.posts()) == 1


async def test_one_line_tells_the_gesture(office: Office) -> None:
    """What was asked by whom, and what came of it, stands in one line and is counted."""
    with capture_logs() as lines:
        await office.ask(Start(NamedJob("Exchange")))
        await office.ask(Start(NamedJob("Exchange")), VIEWER)
        await office.ask(ListJobs(server="hq"))
        await die(office.hq)
        await office.ask(ShowJob(office.known("Oracle")))
    told = [line for line in lines if line["event"] == "operation.finished"]
    assert [(line["operation"], line["outcome"]) for line in told] == office.metrics.finished
    outcomes = [("start", "done"), ("start", "refused"), ("jobs", "done"), ("job", "failed")]
    assert office.metrics.finished == outcomes
    assert {**told[0], "session_id": "", "duration_ms": 0} == {
        "event": "operation.finished",
        "log_level": "info",
        "operation": "start",
        "outcome": "done",
        "person": OPERATOR,
        "channel": "C0PROD",
        "reference": "r-1",
        "server": HQ,
        "job_id": office.world.job("Exchange").id,
        "session_id": "",
        "duration_ms": 0,
    }
    assert told[1]["reason"] == "role"
    assert told[3]["server"] == HQ


HIDDEN = ("Oracle", "Exchange", "Files", "Archive", "Copy now", "Never ran", "Second Repo", "SQL Prod DR")
PRYING: tuple[Request, ...] = (
    *ONE_OF_EACH,
    *(ListJobs(which=which) for which in JobsFilter),
    *(ListJobs(pattern=pattern) for pattern in ("Orac", "*", "e", "Exchagne", "Fil")),
    ListJobs(repository="Second Rep"),
    ListJobs(repository="nowhere"),
    ListJobs(server="d"),
    ListJobs(server="nowhere"),
    *(ShowJob(NamedJob(word)) for word in ("Orac", "*", "e", "Exchagne", "Nevr ran", "S")),
    ShowJob(NamedJob("File", server="d")),
    *(action(NamedJob(word)) for action in get_args(JobAction) for word in ("Orac", "Fil", "e")),
    ListSessions(job=NamedJob("Orac")),
    ShowWhoami(VIEWER),
    ShowWhoami(OPERATOR),
    *(Subscribe(NamedJob(word)) for word in ("Orac", "Fil")),
    Subscribe(server="d"),
)


@pytest.mark.parametrize("request_", PRYING, ids=str)
async def test_nothing_out_of_sight_leaks(office: Office, request_: Request) -> None:
    """No list, menu, count, suggestion or error has a name or an ID of a job or server out of visibility."""
    told = repr(await office.ask(request_, SQL_ONLY))
    hidden = [job for job in office.world.jobs if not job.name.startswith("SQL")]
    assert len(hidden) == 6
    for word in (*HIDDEN, *(job.id for job in hidden), "'dr'", "vbr02"):
        assert word not in told
    assert not [request for request in office.dr.requests if "/jobs" in request.template]


@pytest.mark.parametrize("verb", [ShowJob, Start, Stop, Retry, Enable, Clone])
async def test_ids_out_of_sight_tell_nothing(office: Office, verb: type[ShowJob]) -> None:
    """A job out of visibility, clicked by its ID, is answered as one that does not exist."""
    unknown = JobId("0f5e4f1e-50c8-4a5c-9d3f-3a6f1f4d4c11")
    hidden = office.known("Oracle")
    missing = await office.ask(verb(KnownJob(HQ, unknown)), SQL_ONLY)
    assert repr(await office.ask(verb(hidden), SQL_ONLY)) == repr(missing).replace(unknown, hidden.job_id)
