"""`enable`, `disable` and `clone`: an administrator's changes to a job, done once and on record."""

from collections.abc import Callable

import pytest

from bot.operations.answers import ActionAnswer
from bot.operations.effects import Cloned, Effect, Switched
from bot.operations.outcomes import Done, NotNow, Obstacle, Outcome, PressedBefore, Refused, Unclear
from bot.operations.people import Person, Standing
from bot.operations.requests import (
    ActionRequest,
    CloneRequest,
    DisableRequest,
    EnableRequest,
    NamedJob,
)
from bot.sandbox.vbr.faults import Moment, dropped, empty
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.veeam import JobId
from tests.rooms.operations.office import GRANTS, OPERATOR, Office

REQUESTS: dict[str, Callable[[NamedJob], ActionRequest]] = {
    "enable": EnableRequest,
    "disable": DisableRequest,
    "clone": CloneRequest,
}
ANN = PersonId("U0ADMIN")
FILES, ARCHIVE = NamedJob("Files", server="hq"), NamedJob("Archive")


@pytest.fixture(autouse=True)
def administrator(office: Office) -> None:
    """Ann may everything."""
    office.team.people[ANN] = Person(ANN, "ann", Standing.MEMBER, frozenset({"S0ADMIN"}))
    office.grants = (
        *GRANTS,
        GrantSettings(group=GroupReference("S0ADMIN"), role=Role.BACKUP_ADMINISTRATOR),
    )


def done(outcome: Outcome) -> ActionAnswer:
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.answer, ActionAnswer)
    return outcome.answer


@pytest.mark.parametrize(
    ("request_", "verb", "effect"),
    [
        (EnableRequest(ARCHIVE), "enable", Switched(is_disabled=False)),
        (DisableRequest(FILES), "disable", Switched(is_disabled=True)),
    ],
)
async def test_a_switch_is_sent_once_and_on_record(
    office: Office, request_: ActionRequest, verb: str, effect: Effect
) -> None:
    """VBR gets one POST without a body; the record has who and what before, and the outcome after."""
    answer = done(await office.ask(request_, ANN))
    assert (answer.effect, answer.by, answer.session) == (effect, ANN, None)
    assert office.posts() == [(verb, None)]
    assert office.world.job(answer.job_name).is_disabled is (verb == "disable")
    opened, closed = await office.audited()
    assert (opened["event"], opened["operation"], opened["person_id"]) == ("opened", f"job.{verb}", ANN)
    assert (closed["event"], closed["outcome"]) == ("closed", "done")


async def test_a_clone_is_named_by_vbr(office: Office) -> None:
    """The answer and the record say what the copy is called."""
    answer = done(await office.ask(CloneRequest(FILES), ANN))
    copy = office.world.job("Files_clone1")
    assert answer.effect == Cloned(JobId(copy.id), "Files_clone1", is_disabled=True)
    assert office.posts() == [("clone", None)]
    assert (await office.audited())[1]["detail"] == "as Files_clone1"


async def test_a_clone_is_made_while_the_job_runs(office: Office) -> None:
    """Copying settings needs no idle job."""
    office.world.begin_run("Files")
    done(await office.ask(CloneRequest(FILES), ANN))


@pytest.mark.parametrize(
    ("request_", "obstacle"),
    [(EnableRequest(FILES), Obstacle.ENABLED), (DisableRequest(ARCHIVE), Obstacle.DISABLED)],
)
async def test_what_is_so_already_is_not_sent(
    office: Office, request_: ActionRequest, obstacle: Obstacle
) -> None:
    """Enabling what is enabled changes nothing, and says so."""
    outcome = await office.ask(request_, ANN)
    assert isinstance(outcome, NotNow)
    assert (outcome.obstacle, office.posts()) == (obstacle, [])


async def test_a_running_job_is_asked_for_its_settings(office: Office) -> None:
    """A running job's status may not say whether it is disabled: its settings do."""
    office.world.begin_run("Files")
    outcome = await office.ask(EnableRequest(FILES), ANN)
    assert isinstance(outcome, NotNow)
    assert outcome.obstacle is Obstacle.ENABLED
    done(await office.ask(DisableRequest(FILES), ANN))


async def test_an_accepted_switch_may_be_without_a_body(office: Office) -> None:
    """204 is as good as 200."""
    office.hq.faults.add("POST", "/api/v1/jobs/{id}/disable", empty(204))
    assert done(await office.ask(DisableRequest(FILES), ANN)).effect == Switched(is_disabled=True)


@pytest.mark.parametrize("verb", ["enable", "disable", "clone"])
@pytest.mark.parametrize("moment", Moment)
async def test_an_unclear_change_is_looked_up_and_never_sent_again(
    office: Office, verb: str, moment: Moment
) -> None:
    """Where the answer is lost, what speaks for its having happened is looked for; nothing is repeated."""
    office.hq.faults.add("POST", f"/api/v1/jobs/{{id}}/{verb}", dropped(moment))
    job = ARCHIVE if verb == "enable" else FILES
    request = REQUESTS[verb](job)
    outcome = await office.ask(request, ANN, press="button-1")
    assert isinstance(outcome, Unclear)
    assert (outcome.found is not None) is (moment is Moment.AFTER)
    assert len(office.posts()) == 1
    assert isinstance(await office.ask(request, ANN, press="button-1"), PressedBefore)
    assert [row.get("outcome") for row in await office.audited()] == [None, "unclear"]


async def test_the_newest_copy_is_the_one_of_the_highest_number(office: Office) -> None:
    """After a lost answer the copy with the highest number is shown, whatever else is named like it."""
    for name in ("Files_clone2", "Files_clone10", "Files_clone9x", "My Files_clone99"):
        office.world.add_job(name)
    office.hq.faults.add("POST", "/api/v1/jobs/{id}/clone", dropped(Moment.BEFORE))
    outcome = await office.ask(CloneRequest(FILES), ANN)
    assert isinstance(outcome, Unclear)
    assert isinstance(outcome.found, Cloned)
    assert outcome.found.name == "Files_clone10"


@pytest.mark.parametrize("request_", [EnableRequest(ARCHIVE), DisableRequest(FILES), CloneRequest(FILES)])
async def test_an_operator_is_refused(office: Office, request_: ActionRequest) -> None:
    """Changing a job takes an administrator; VBR hears nothing."""
    outcome = await office.ask(request_, OPERATOR)
    assert isinstance(outcome, Refused)
    assert outcome.roles_needed == (Role.BACKUP_ADMINISTRATOR,)
    assert outcome.groups == ("@S0ADMIN",)
    assert len(office.hq.requests) == 0
