"""`enable`, `disable` and `clone`: an administrator's changes to a job, done once and on record."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.operations.actions import JobAction
from bot.operations.actions.clone import Clone
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.model import NamedJob, Person, Standing
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyPressed,
    Blocked,
    Cloned,
    Done,
    Effect,
    Failed,
    NotPossible,
    Outcome,
    Refused,
    Switched,
    Unclear,
)
from bot.sandbox.vbr.faults import Moment, dropped, empty, refusing
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.veeam import JobId
from tests.rooms.operations.office import GRANTS, OPERATOR, Office

REQUESTS: dict[str, Callable[[NamedJob], JobAction]] = {
    "enable": Enable,
    "disable": Disable,
    "clone": Clone,
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
        (Enable(ARCHIVE), "enable", Switched(is_disabled=False)),
        (Disable(FILES), "disable", Switched(is_disabled=True)),
    ],
)
async def test_a_switch_is_sent_once_and_on_record(
    office: Office, request_: JobAction, verb: str, effect: Effect
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
    answer = done(await office.ask(Clone(FILES), ANN))
    copy = office.world.job("Files_clone1")
    assert answer.effect == Cloned(JobId(copy.id), "Files_clone1", is_disabled=True)
    assert office.posts() == [("clone", None)]
    assert (await office.audited())[1]["detail"] == "as Files_clone1"


async def test_a_clone_is_made_while_the_job_runs(office: Office) -> None:
    """Copying settings needs no idle job."""
    office.world.begin_run("Files")
    done(await office.ask(Clone(FILES), ANN))


@pytest.mark.parametrize(
    ("request_", "obstacle"),
    [(Enable(FILES), Blocked.ENABLED), (Disable(ARCHIVE), Blocked.DISABLED)],
)
async def test_what_is_so_already_is_not_sent(office: Office, request_: JobAction, obstacle: Blocked) -> None:
    """Enabling what is enabled changes nothing, and says so."""
    outcome = await office.ask(request_, ANN)
    assert isinstance(outcome, NotPossible)
    assert (outcome.blocked, office.posts()) == (obstacle, [])


async def test_a_running_job_is_asked_for_its_settings(office: Office) -> None:
    """A running job's status may not say whether it is disabled: its settings do."""
    office.world.begin_run("Files")
    outcome = await office.ask(Enable(FILES), ANN)
    assert isinstance(outcome, NotPossible)
    assert outcome.blocked is Blocked.ENABLED
    done(await office.ask(Disable(FILES), ANN))


async def test_an_accepted_switch_may_be_without_a_body(office: Office) -> None:
    """204 is as good as 200."""
    office.hq.faults.add("POST", "/api/v1/jobs/{id}/disable", empty(204))
    assert done(await office.ask(Disable(FILES), ANN)).effect == Switched(is_disabled=True)


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
    assert isinstance(await office.ask(request, ANN, press="button-1"), AlreadyPressed)
    assert [row.get("outcome") for row in await office.audited()] == [None, "unclear"]


async def test_the_newest_copy_is_the_one_of_the_highest_number(office: Office) -> None:
    """After a lost answer the copy with the highest number is shown, whatever else is named like it."""
    for name in ("Files_clone2", "Files_clone10", "Files_clone9x", "My Files_clone99"):
        office.world.add_job(name)
    office.hq.faults.add("POST", "/api/v1/jobs/{id}/clone", dropped(Moment.BEFORE))
    outcome = await office.ask(Clone(FILES), ANN)
    assert isinstance(outcome, Unclear)
    assert isinstance(outcome.found, Cloned)
    assert outcome.found.name == "Files_clone10"


@pytest.mark.parametrize("request_", [Enable(ARCHIVE), Disable(FILES), Clone(FILES)])
async def test_an_operator_is_refused(office: Office, request_: JobAction) -> None:
    """Changing a job takes an administrator; VBR hears nothing."""
    outcome = await office.ask(request_, OPERATOR)
    assert isinstance(outcome, Refused)
    assert outcome.roles_needed == (Role.BACKUP_ADMINISTRATOR,)
    assert outcome.groups == ("@S0ADMIN",)
    assert len(office.hq.requests) == 0


FOR_4_HOURS = Disable(FILES, span=timedelta(hours=4))


async def test_a_disable_for_a_time_is_planned(office: Office) -> None:
    """Who disabled it, where and until when is kept; the answer and the record say so."""
    answer = done(await office.ask(FOR_4_HOURS, ANN))
    until = office.clock.now() + timedelta(hours=4)
    assert answer.effect == Switched(is_disabled=True, until=until)
    (plan,) = await office.timed_disables.of("hq")
    assert (plan.job_name, plan.person_id, plan.channel_id, plan.until) == ("Files", ANN, "C0PROD", until)
    assert (await office.audited())[0]["detail"] == "for 4 hours"


@pytest.mark.parametrize(
    ("zone", "until", "recorded"),
    [
        (ZoneInfo("Europe/Berlin"), datetime(2026, 11, 24, 7, tzinfo=UTC), "24 Nov 2026 08:00 (UTC+01:00)"),
        (
            ZoneInfo("America/New_York"),
            datetime(2026, 11, 23, 13, tzinfo=UTC),
            "23 Nov 2026 08:00 (UTC-05:00)",
        ),
        (None, datetime(2026, 11, 24, 8, tzinfo=UTC), "24 Nov 2026 08:00 (UTC)"),
    ],
)
async def test_until_is_meant_in_the_time_zone_of_whoever_asks(
    office: Office, zone: ZoneInfo | None, until: datetime, recorded: str
) -> None:
    """Their next 08:00 is when the bot enables it; the record says which zone was meant, UTC without one."""
    office.team.people[ANN] = replace(office.team.people[ANN], zone=zone)
    answer = done(await office.ask(Disable(FILES, at=time(8)), ANN))
    assert answer.effect == Switched(is_disabled=True, until=until)
    assert [plan.until for plan in await office.timed_disables.of("hq")] == [until]
    assert (await office.audited())[0]["detail"] == f"until {recorded}"


async def test_a_time_that_has_passed_disables_nothing(office: Office) -> None:
    """What waited for its approval until after its end is not done."""
    passed = office.clock.now() - timedelta(seconds=1)
    outcome = await office.ask(Disable(FILES, until=passed), ANN)
    assert isinstance(outcome, NotPossible)
    assert (outcome.blocked, office.posts()) == (Blocked.TIME_PASSED, [])


@pytest.mark.parametrize("verb", ["enable", "disable"])
async def test_switching_by_hand_ends_what_was_planned(office: Office, verb: str) -> None:
    """Whoever enables the job, or disables it for good, has the last word."""
    done(await office.ask(FOR_4_HOURS, ANN))
    if verb == "disable":
        office.world.job("Files").model["isDisabled"] = False
        office.world.job("Files").rows.clear()
    done(await office.ask(REQUESTS[verb](FILES), ANN))
    assert await office.timed_disables.of("hq") == ()


async def test_a_refused_disable_is_not_planned(office: Office) -> None:
    """Where VBR says no, nothing is to be enabled later."""
    office.hq.faults.add("POST", "/api/v1/jobs/{id}/disable", refusing(400))
    assert isinstance(await office.ask(FOR_4_HOURS, ANN), Failed)
    assert await office.timed_disables.of("hq") == ()


@pytest.mark.parametrize("moment", Moment)
async def test_an_unclear_disable_is_planned_if_it_was_done(office: Office, moment: Moment) -> None:
    """The plan stands where the job is found disabled, and only there."""
    office.hq.faults.add("POST", "/api/v1/jobs/{id}/disable", dropped(moment))
    assert isinstance(await office.ask(FOR_4_HOURS, ANN), Unclear)
    assert len(await office.timed_disables.of("hq")) == (moment is Moment.AFTER)
