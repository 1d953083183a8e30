"""`delete`: a form that says what it touches, and a deletion that takes the job's name typed out."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_request

from bot.operations.actions.delete import Delete, DeleteForm
from bot.operations.actions.disable import Disable
from bot.operations.model import NamedJob, Person, Refusal, Standing
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyPressed,
    Ambiguous,
    Blocked,
    Deleted,
    Done,
    Failed,
    NeedsForm,
    NotPossible,
    Outcome,
    Refused,
    StaleButton,
    Unclear,
)
from bot.sandbox.vbr.faults import Moment, dropped
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from tests.rooms.operations.office import GRANTS, OPERATOR, Office

ANN, SQL_ADMIN = PersonId("U0ADMIN"), PersonId("U0SQLADMIN")
FILES = NamedJob("Files", server="hq")
DELETING = ("DELETE", "/api/v1/jobs/{id}")


@pytest.fixture(autouse=True)
def administrators(office: Office) -> None:
    """Ann may everything, another administrator SQL jobs alone."""
    for person, group in ((ANN, "S0ADMIN"), (SQL_ADMIN, "S0SQLADMIN")):
        office.team.people[person] = Person(person, "ann", Standing.MEMBER, frozenset({group}))
    office.grants = (
        *GRANTS,
        GrantSettings(group=GroupReference("S0ADMIN"), role=Role.BACKUP_ADMINISTRATOR),
        GrantSettings(group=GroupReference("S0SQLADMIN"), role=Role.BACKUP_ADMINISTRATOR, jobs=("SQL*",)),
    )


async def form(office: Office, name: str, person: PersonId = ANN) -> DeleteForm:
    outcome = await office.ask(Delete(NamedJob(name, server="hq")), person)
    assert isinstance(outcome, NeedsForm), outcome
    assert isinstance(outcome.form, DeleteForm)
    return outcome.form


async def submitted(
    office: Office, facts: DeleteForm, name: str | None = None, press: str = "view-1"
) -> Outcome:
    typed = name if name is not None else facts.impact.job.state.name
    return await office.ask(replace_request(facts.request, typed_name=typed), ANN, press=press)


def deletions(office: Office) -> int:
    return len(office.hq.requests.of(*DELETING))


async def test_the_form_says_what_it_touches(office: Office) -> None:
    """The job as it stands, its repository, what it runs after, and what runs after it; nothing is done."""
    oracle = (await form(office, "Oracle")).impact
    test = (await form(office, "SQL Test")).impact
    assert (oracle.run_after, oracle.runs_before) == (("SQL Test",), None)
    assert (test.run_after, test.runs_before) == ((), "Oracle")
    assert oracle.repository is not None
    assert (deletions(office), await office.audited()) == (0, [])


async def test_the_form_names_no_job_out_of_sight(office: Office) -> None:
    """Who may know of SQL jobs alone hears of no other in the chain."""
    assert (await form(office, "SQL Test", SQL_ADMIN)).impact.runs_before is None


async def test_a_job_is_deleted_once_its_name_was_typed(office: Office) -> None:
    """One DELETE, on record before and after; the job is gone."""
    outcome = await submitted(office, await form(office, "Files"))
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, ActionAnswer)
    assert (outcome.answer.effect, outcome.answer.job_name) == (Deleted(), "Files")
    assert deletions(office) == 1
    assert not [job for job in office.world.jobs if job.name == "Files"]
    opened, closed = await office.audited()
    assert (opened["operation"], opened["job_name"], closed["outcome"]) == ("job.delete", "Files", "done")


@pytest.mark.parametrize("typed", ["files", "Files2", ""])
async def test_another_name_deletes_nothing(office: Office, typed: str) -> None:
    """The name counts as it is when it is submitted, and the form can be sent again."""
    facts = await form(office, "Files")
    outcome = await submitted(office, facts, typed)
    assert isinstance(outcome, NotPossible)
    assert (outcome.blocked, deletions(office)) == (Blocked.OTHER_NAME, 0)
    assert isinstance(await submitted(office, facts), Done)


async def test_a_form_sent_twice_deletes_once(office: Office) -> None:
    """A second delivery of the same form does nothing."""
    facts = await form(office, "Files")
    assert isinstance(await submitted(office, facts), Done)
    assert isinstance(await submitted(office, facts), AlreadyPressed)
    assert deletions(office) == 1


async def test_a_job_that_moved_on_is_asked_about_again(office: Office) -> None:
    """A job that ran since the form was drawn takes a new form, name and all."""
    facts = await form(office, "Files")
    await office.clock.advance(60)
    office.world.finish_run("Files", result="Failed")
    outcome = await submitted(office, facts)
    assert isinstance(outcome, StaleButton)
    assert isinstance(outcome.request, Delete)
    assert (outcome.request.typed_name, deletions(office)) == (None, 0)


async def test_a_running_job_is_not_deleted(office: Office) -> None:
    """VBR would refuse; it is said before the form."""
    office.world.begin_run("Files")
    outcome = await office.ask(Delete(FILES), ANN)
    assert isinstance(outcome, NotPossible)
    assert outcome.blocked is Blocked.BUSY


def _demoted(office: Office) -> None:
    office.team.people[ANN] = replace(office.team.people[ANN], groups=frozenset({"S0OPS"}))


def _confined(office: Office) -> None:
    office.team.people[ANN] = replace(office.team.people[ANN], groups=frozenset({"S0SQLADMIN", "S0OPS"}))


@pytest.mark.parametrize(("change", "refusal"), [(_demoted, Refusal.ROLE), (_confined, Refusal.SCOPE)])
async def test_the_right_is_asked_for_again(
    office: Office, change: Callable[[Office], None], refusal: Refusal
) -> None:
    """Who lost the role while the form was open deletes nothing, and the refusal is on record."""
    facts = await form(office, "Files")
    change(office)
    outcome = await submitted(office, facts)
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, deletions(office)) == (refusal, 0)
    assert (await office.audited())[-1]["detail"] == refusal


async def test_an_operator_gets_no_form(office: Office) -> None:
    """A form is refused as the deletion itself; VBR hears nothing."""
    assert isinstance(await office.ask(Delete(FILES), OPERATOR), Refused)
    assert len(office.hq.requests) == 0


async def test_several_jobs_give_a_menu_before_a_form(office: Office) -> None:
    """It is clear which job is meant before anything is shown of it."""
    assert isinstance(await office.ask(Delete(NamedJob("Files")), ANN), Ambiguous)


async def test_vbrs_own_four_eyes_are_its_refusal(office: Office) -> None:
    """VBR's no is an outcome with VBR's words, and the form can be sent again."""
    office.world.four_eyes = True
    outcome = await submitted(office, await form(office, "Files"))
    assert isinstance(outcome, Failed)
    assert "four-eyes" in str(outcome.error)


@pytest.mark.parametrize("moment", Moment)
async def test_an_unclear_deletion_is_looked_up(office: Office, moment: Moment) -> None:
    """Where the answer is lost the job is looked for, and the DELETE is not repeated."""
    facts = await form(office, "Files")
    office.hq.faults.add(*DELETING, dropped(moment))
    outcome = await submitted(office, facts)
    assert isinstance(outcome, Unclear)
    assert outcome.found == (Deleted() if moment is Moment.AFTER else None)
    assert deletions(office) == 1


async def test_a_deletion_ends_what_was_planned(office: Office) -> None:
    """Nothing is left to enable."""
    await office.ask(Disable(FILES), ANN)
    facts = await form(office, "Files")
    assert isinstance(await submitted(office, facts), Done)
    assert await office.timed_disables.of("hq") == ()
