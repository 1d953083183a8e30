"""The forms of actions: what they say before anything is done, and what is sent once they were filled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace as replace_request

from bot.operations.actions import JobAction
from bot.operations.actions.clone import Clone
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup, QuickBackupForm
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start, StartForm
from bot.operations.actions.stop import Stop, StopForm
from bot.operations.backend import ApprovalRules
from bot.operations.impact import ConfirmForm, Impact, PickForm
from bot.operations.model import NamedJob, NamedMachine, Person, Refusal, Request, Standing, Step
from bot.operations.outcomes import (
    ActionAnswer,
    ApprovalRequested,
    Blocked,
    Done,
    NeedsForm,
    NotFound,
    NotPossible,
    Outcome,
    Refused,
    StaleButton,
)
from bot.sandbox.vbr import Fault
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.slack.views.forms import form as draw_form
from bot.veeam import RestorePoints
from tests.rooms.operations.office import DR, GRANTS, OPERATOR, SQL_ONLY, VIEWER, Office
from tests.rooms.veeam.clients import die

ANN, BEN = PersonId("U0ADMIN"), PersonId("U0OTHER")
FILL = Step.FILL


@pytest.fixture(autouse=True)
def administrators(office: Office) -> None:
    """Ann and Ben may everything."""
    for person in (ANN, BEN):
        office.team.people[person] = Person(person, person, Standing.MEMBER, frozenset({"S0ADMIN"}))
    office.grants = (
        *GRANTS,
        GrantSettings(group=GroupReference("S0ADMIN"), role=Role.BACKUP_ADMINISTRATOR),
    )


async def form(office: Office, request: Request, person: PersonId = ANN) -> object:
    outcome = await office.ask(request, person)
    assert isinstance(outcome, NeedsForm), outcome
    return outcome.form


async def touched(office: Office, name: str, person: PersonId = ANN) -> Impact:
    found = await form(office, Start(office.known(name), step=FILL), person)
    assert isinstance(found, StartForm)
    return found.impact


def done(outcome: Outcome) -> ActionAnswer:
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.answer, ActionAnswer)
    return outcome.answer


BARE: list[JobAction] = [
    Start(NamedJob("")),
    Stop(NamedJob("")),
    Retry(NamedJob("")),
    Enable(NamedJob("")),
    Disable(NamedJob("")),
    Clone(NamedJob("")),
]


@pytest.mark.parametrize("request_", BARE, ids=lambda one: type(one).__name__)
async def test_without_a_name_a_form_asks_for_the_job(office: Office, request_: JobAction) -> None:
    """Nothing is sent and nothing on record; what was typed besides is kept."""
    asked = await form(office, request_)
    assert isinstance(asked, PickForm)
    assert replace(asked, only=None) == PickForm(request_)
    assert (office.posts(), await office.audited()) == ([], [])


async def test_a_menu_of_one_has_its_job_chosen(office: Office) -> None:
    """Archive alone is disabled: the form that enables a job names it already; several are left to choose."""
    asked = await form(office, Enable(NamedJob("")))
    assert isinstance(asked, PickForm)
    assert asked.only is not None
    assert asked.only.name == "Archive"
    view = draw_form(asked, channel_id=None, thread_ts=None)
    assert view is not None
    (element,) = (block["element"] for block in view["blocks"] if block["type"] == "input")
    assert element["initial_option"]["value"] == asked.only.value

    assert await form(office, Start(NamedJob(""))) == PickForm(Start(NamedJob("")))


async def test_a_form_of_no_right_is_refused(office: Office) -> None:
    """Whoever may not do it gets no form to choose in, and the refusal is on record."""
    outcome = await office.ask(Start(NamedJob("")), VIEWER)
    assert isinstance(outcome, Refused)
    assert [row["detail"] for row in await office.audited()] == [Refusal.ROLE]
    assert len(office.hq.requests) == 0


async def test_a_server_that_nobody_knows_is_said_before_the_form(office: Office) -> None:
    """A menu over nothing helps nobody."""
    assert isinstance(await office.ask(Start(NamedJob("", "nowhere")), ANN), NotFound)


async def test_the_form_names_silent_servers(office: Office) -> None:
    """What cannot be found there is said, and the form opens all the same."""
    await die(office.dr)
    assert await form(office, Start(NamedJob(""))) == PickForm(Start(NamedJob("")), (DR,))


async def test_what_an_action_touches_is_read_afresh(office: Office) -> None:
    """How the job stands, its last success, what runs before and after it, and its repository."""
    failed, chained = await touched(office, "SQL Prod"), await touched(office, "SQL Test")
    now = office.clock.now()
    assert failed.last_success_at is not None
    assert timedelta(hours=49) < now - failed.last_success_at < timedelta(hours=51)
    assert (failed.job.state.last_result, failed.recent) == ("Failed", ())
    assert failed.repository is not None
    assert (chained.runs_before, (await touched(office, "Oracle")).run_after) == ("Oracle", ("SQL Test",))
    assert (await touched(office, "Oracle")).last_success_at is None
    assert (await touched(office, "Never ran")).last_success_at is None


async def test_a_server_that_does_not_know_the_filter_names_no_followers(office: Office) -> None:
    """It then lists jobs that do not run after this one: only what says so itself is named."""

    def with_another(answer: dict[str, Any]) -> dict[str, Any]:
        other = {"id": str(uuid4()), "name": "Another", "type": "VSphereBackup"}
        return {**answer, "data": [*answer["data"], other]}

    office.hq.faults.add("GET", "/api/v1/jobs/states", Fault(change=with_another), times=9)
    assert (await touched(office, "Oracle")).run_after == ("SQL Test",)


async def test_the_last_success_is_asked_for_only_where_the_last_run_was_none(office: Office) -> None:
    """A job whose last run succeeded says so itself."""
    files = await touched(office, "Files")
    assert files.last_success_at == files.job.state.last_run
    assert not [one for one in office.hq.requests if "resultFilter" in one.query]


async def test_nothing_out_of_sight_is_touched(office: Office) -> None:
    """Who may know of SQL jobs alone hears of no other job in the chain."""
    assert (await touched(office, "SQL Test", SQL_ONLY)).runs_before is None
    office.world.add_job("Other", runs_after="SQL Prod")
    assert (await touched(office, "SQL Prod", SQL_ONLY)).run_after == ()
    assert (await touched(office, "SQL Prod")).run_after == ("Other",)


async def test_who_pressed_something_lately_is_told(office: Office) -> None:
    """Others' presses of the last quarter of an hour, with what came of them; not one's own, none refused."""
    done(await office.ask(Disable(office.known("Files")), BEN))
    done(await office.ask(Enable(office.known("Files")), ANN))
    await office.ask(Enable(office.known("Files")), OPERATOR)
    await office.ask(Disable(office.known("Exchange")), BEN)
    (deed,) = (await touched(office, "Files")).recent
    assert (deed.operation.name, deed.by, deed.outcome) == ("disable", BEN, "done")
    (own,) = (await touched(office, "Files", BEN)).recent
    assert (own.operation.name, own.by) == ("enable", ANN)
    await office.clock.advance(15 * 60 + 1)
    assert (await touched(office, "Files")).recent == ()


async def test_answers_that_nothing_was_done_tell_it_too(office: Office) -> None:
    """Buttons act after a dialog that cannot know: where the job has changed, the answer says by whom."""
    stale = await form(office, Start(office.known("Files"), step=FILL))
    assert isinstance(stale, StartForm)
    done(await office.ask(Start(office.known("Files")), BEN))
    running = await office.ask(Start(office.known("Files")), ANN)
    assert isinstance(running, NotPossible)
    assert [deed.by for deed in running.recent] == [BEN]
    moved = await office.ask(replace_request(stale.request, step=Step.SEND), ANN)
    assert isinstance(moved, StaleButton)
    assert [deed.by for deed in moved.recent] == [BEN]


OFFERED = [
    ("Files", None, False),
    ("Copy now", "copy", True),
    ("Copy daily", "copy", False),
    ("Replica", "replica", False),
    ("Tenant", "type", False),
    ("Agents", None, False),
]


@pytest.mark.parametrize(("name", "why_no_full", "points"), OFFERED)
async def test_only_what_makes_sense_is_asked(
    office: Office, name: str, why_no_full: str | None, *, points: bool
) -> None:
    """An active full of what makes fulls, restore points of immediate copies."""
    office.world.add_job("Copy daily", "BackupCopy", source="Files", mode="Periodic")
    office.world.add_job("Replica", "VSphereReplica")
    office.world.add_job("Tenant", "EntraIDTenantBackup")
    office.world.add_job("Agents", "LinuxAgentBackup")
    asked = await form(office, Start(office.known(name), step=FILL))
    assert isinstance(asked, StartForm)
    assert (asked.why_no_full, asked.takes_restore_points) == (why_no_full, points)


STARTS: list[tuple[str, dict[str, object], dict[str, object], str | None]] = [
    ("Files", {}, {"performActiveFull": False, "startChainedJobs": False}, None),
    ("Files", {"full": True}, {"performActiveFull": True, "startChainedJobs": False}, "active full"),
    (
        "Oracle",
        {"chained": True},
        {"performActiveFull": False, "startChainedJobs": True},
        "with chained jobs",
    ),
    (
        "Oracle",
        {"full": True, "chained": True},
        {"performActiveFull": True, "startChainedJobs": True},
        "active full, with chained jobs",
    ),
    (
        "Copy now",
        {"restore_points": RestorePoints.ALL},
        {"performActiveFull": False, "startChainedJobs": False, "syncRestorePoints": "All"},
        "all restore points",
    ),
    (
        "Copy now",
        {"restore_points": RestorePoints.LATEST},
        {"performActiveFull": False, "startChainedJobs": False, "syncRestorePoints": "Latest"},
        "the latest restore points",
    ),
]


@pytest.mark.parametrize(("name", "entered", "body", "detail"), STARTS)
async def test_a_start_is_sent_as_it_was_filled_in(
    office: Office, name: str, entered: dict[str, object], body: object, detail: str | None
) -> None:
    """Every combination of the form's fields is exactly this body, and stands on record."""
    asked = await form(office, Start(office.known(name), step=FILL))
    assert isinstance(asked, StartForm)
    assert asked.request.needs_form
    answer = done(await office.ask(replace_request(asked.request, step=Step.SEND, **entered), ANN))
    assert (office.posts(), answer.detail) == ([("start", body)], detail)
    assert (await office.audited())[0].get("detail") == detail


@pytest.mark.parametrize("now", [False, True])
@pytest.mark.parametrize("chained", [False, True])
async def test_a_stop_is_sent_as_it_was_filled_in(office: Office, *, now: bool, chained: bool) -> None:
    """The same of a stop."""
    office.world.begin_run("Oracle")
    asked = await form(office, Stop(office.known("Oracle"), step=FILL))
    assert isinstance(asked, StopForm)
    assert asked.may_cancel_chain
    done(await office.ask(replace_request(asked.request, step=Step.SEND, now=now, chained=chained), ANN))
    assert office.posts() == [("stop", {"gracefulStop": not now, "cancelChainedJobs": chained})]


async def test_a_chain_is_cancelled_where_there_is_one(office: Office) -> None:
    """Nothing runs after this job, so nothing is asked about it."""
    office.world.begin_run("Files")
    asked = await form(office, Stop(office.known("Files"), step=FILL))
    assert isinstance(asked, StopForm)
    assert not asked.may_cancel_chain


async def test_a_form_of_no_sense_is_not_shown(office: Office) -> None:
    """A job that does not run has nothing to stop."""
    outcome = await office.ask(Stop(office.known("Files"), step=FILL), ANN)
    assert isinstance(outcome, NotPossible)
    assert outcome.blocked is Blocked.NOT_RUNNING


ACTS: list[tuple[str, Callable[..., JobAction], dict[str, object], str]] = [
    ("Oracle", Retry, {"chained": True}, "retry"),
    ("Archive", Enable, {}, "enable"),
    ("Files", Disable, {"span": timedelta(hours=4)}, "disable"),
    ("Files", Clone, {}, "clone"),
]


@pytest.mark.parametrize(("name", "asking", "options", "verb"), ACTS)
async def test_what_has_no_options_is_asked_with_its_consequences(
    office: Office, name: str, asking: Callable[..., JobAction], options: dict[str, object], verb: str
) -> None:
    """A form with what it touches and one button; what was typed besides goes along."""
    asked = await form(office, asking(office.known(name), step=FILL, **options))
    assert isinstance(asked, ConfirmForm)
    assert asked.impact.job.state.name == name
    assert office.posts() == []
    done(await office.ask(replace_request(asked.request, step=Step.SEND), ANN))
    assert [sent for sent, _ in office.posts()] == [verb]


async def test_who_lost_the_right_submits_nothing(office: Office) -> None:
    """The right is asked for when the form is sent off, not when it was drawn."""
    asked = await form(office, Disable(office.known("Files"), step=FILL))
    assert isinstance(asked, ConfirmForm)
    office.team.people[ANN] = replace(office.team.people[ANN], groups=frozenset({"S0OPS"}))
    assert isinstance(await office.ask(replace_request(asked.request, step=Step.SEND), ANN), Refused)
    assert office.posts() == []


async def test_what_takes_two_is_asked_for_by_form_as_well(office: Office) -> None:
    """The form opens as ever; sent off, a second person is asked, and others see that in theirs."""
    office.approvals = ApprovalRules({"disable"}, timedelta(minutes=30), ("C0AUDIT",))
    asked = await form(office, Disable(office.known("Files"), step=FILL))
    assert isinstance(asked, ConfirmForm)
    assert isinstance(
        await office.ask(replace_request(asked.request, step=Step.SEND), ANN), ApprovalRequested
    )
    assert office.posts() == []
    (deed,) = (await touched(office, "Files", BEN)).recent
    assert (deed.operation.name, deed.by, deed.outcome) == ("disable", ANN, "asked")


async def test_typed_with_a_name_acts_at_once(office: Office) -> None:
    """No form stands between words that say it all and the action."""
    done(await office.ask(Start(NamedJob("Files", "hq"), full=True), ANN))
    assert len(office.posts()) == 1


@pytest.fixture
def covered(office: Office) -> None:
    """Two jobs cover web01; Newer has its newest restore point."""
    for name, hours in (("Older", 30), ("Newer", 3)):
        office.world.add_job(name, objects=("web01",))
        office.world.finish_run(name, result="Success", ended_at=office.clock.now() - timedelta(hours=hours))


async def machine_form(office: Office, name: str = "web01") -> QuickBackupForm:
    found = await form(office, QuickBackup(NamedMachine(name, "hq"), FILL))
    assert isinstance(found, QuickBackupForm)
    return found


async def test_without_a_machine_a_form_asks_for_it(office: Office) -> None:
    """As for jobs; who may not on every job of a server is refused before."""
    bare = QuickBackup(NamedMachine(""))
    assert await form(office, bare) == PickForm(bare)
    assert isinstance(await office.ask(bare, SQL_ONLY), Refused)
    assert len(office.hq.requests) == 0


@pytest.mark.usefixtures("covered")
async def test_the_job_of_a_quick_backup_is_foretold(office: Office) -> None:
    """The newest restore point is shown, and its job is the one that VBR takes then."""
    asked = await machine_form(office)
    assert asked.newest is not None
    assert asked.newest.job.state.name == "Newer"
    assert timedelta(hours=2) < office.clock.now() - asked.newest.at < timedelta(hours=4)
    assert asked.repository is not None
    assert done(await office.ask(replace_request(asked.request, step=Step.SEND), ANN)).job_name == "Newer"


@pytest.mark.usefixtures("covered")
async def test_a_run_without_a_restore_point_foretells_nothing(office: Office) -> None:
    """A failed run made none, and neither did one of another machine whose name begins the same."""
    await office.clock.advance(60)
    office.world.add_job("Broken", objects=("web01",))
    office.world.finish_run("Broken", result="Failed", objects={"web01": "Disk full"})
    office.world.add_job("Long name", objects=("web011",))
    office.world.finish_run("Long name", result="Success")
    newest = (await machine_form(office)).newest
    assert newest is not None
    assert newest.job.state.name == "Newer"


@pytest.mark.usefixtures("covered")
@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_server_that_shows_no_restore_points_says_nothing(office: Office, status: int) -> None:
    """The form opens all the same."""
    office.hq.faults.add("GET", "/api/v1/taskSessions", Fault(status=status))
    assert (await machine_form(office)).newest is None


async def test_restore_points_are_looked_for_by_the_whole_name(office: Office) -> None:
    """A part of it would find those of every machine that is named alike, and leave out the one meant."""
    office.world.add_job("Shop", objects=("web-01",))
    office.world.finish_run("Shop", result="Success")
    assert (await machine_form(office, "web-01")).newest is not None
    (request,) = office.hq.requests.of("GET", "/api/v1/taskSessions")
    assert dict(request.query)["nameFilter"] == "*web-01*"


@pytest.mark.usefixtures("covered")
async def test_another_quick_backup_of_the_machine_is_told(office: Office) -> None:
    """Who asked for the same a moment ago, and for this machine alone."""
    done(await office.ask(QuickBackup(NamedMachine("web01")), BEN))
    (deed,) = (await machine_form(office)).recent
    assert (deed.by, deed.detail) == (BEN, "machine web01")
    assert (await machine_form(office, "vm01")).recent == ()
