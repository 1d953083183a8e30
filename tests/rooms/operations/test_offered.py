"""A message changes nothing by itself: what it asks for is offered, and the button does it."""

import pytest

from bot.operations.catalog import TYPED
from bot.operations.commands import parse
from bot.operations.model import Kind, Origin, Person, Request, Standing
from bot.operations.outcomes import (
    AlreadyPressed,
    Ambiguous,
    Blocked,
    Done,
    NeedsForm,
    NotFound,
    NotPossible,
    Offered,
    Outcome,
    PartOfName,
    Refused,
    SyntaxProblem,
)
from bot.operations.queries.job import JobAnswer
from bot.operations.under_way import ACTIONS_AT_MOST
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.slack.codec import RunRequest, decode
from bot.slack.views.outcomes import outcome as draw
from tests.rooms.operations.office import GRANTS, VIEWER, Office

ANN = PersonId("U0ADMIN")
WRITTEN = (Origin.MENTION, Origin.MESSAGE)


@pytest.fixture(autouse=True)
def administrator(office: Office) -> None:
    """Ann may everything."""
    office.team.people[ANN] = Person(ANN, "ann", Standing.MEMBER, frozenset({"S0ADMIN"}))
    office.grants = (
        *GRANTS,
        GrantSettings(group=GroupReference("S0ADMIN"), role=Role.BACKUP_ADMINISTRATOR),
    )


async def writes(
    office: Office, line: str, origin: Origin = Origin.MENTION, person: PersonId = ANN
) -> Outcome:
    return await office.ask(parse(line, TYPED), person, origin=origin)


def pressed(outcome: Outcome) -> Request:
    """The request behind the first button of the answer."""
    message = draw(outcome, "r-1").message
    elements = [each for block in message.blocks for each in block.get("elements", ()) if "action_id" in each]
    press = decode(elements[0]["action_id"], elements[0]["value"])
    assert isinstance(press, RunRequest)
    return press.request


@pytest.mark.parametrize("origin", WRITTEN)
@pytest.mark.parametrize(
    "line",
    [
        *("retry SQL Prod", "start Oracle full", "disable Oracle for 4h", "enable Archive", "clone Oracle"),
        *(
            "delete Oracle",
            "edit Oracle",
            "start",
            "retry chained",
            "quickbackup",
            "create",
            "create server:hq",
        ),
    ],
)
async def test_nothing_is_done_for_words(office: Office, line: str, origin: Origin) -> None:
    """Every action is offered, with a name and without one; its button asks for just that."""
    outcome = await writes(office, line, origin)
    assert isinstance(outcome, Offered)
    assert office.posts() == []
    assert [row for row in await office.audited() if row.get("event") == "began"] == []
    request = pressed(outcome)
    assert request.operation.name == line.split(maxsplit=1)[0]
    assert request.operation.kind is Kind.ACTION


async def test_the_button_does_what_was_written(office: Office) -> None:
    """With its options, on the job that was shown."""
    outcome = await writes(office, "start Oracle full")
    assert isinstance(outcome, Offered)
    assert outcome.job is not None
    assert outcome.job.state.name == "Oracle"
    assert isinstance(await office.ask(pressed(outcome), ANN), Done)
    assert office.posts() == [("start", {"performActiveFull": True, "startChainedJobs": False})]


async def test_the_button_opens_the_form(office: Office) -> None:
    """A message brings no trigger that opens a form; a press does."""
    for line in ("start", "delete Oracle", "edit Oracle", "create"):
        outcome = await writes(office, line)
        assert isinstance(await office.ask(pressed(outcome), ANN), NeedsForm)


async def test_what_makes_no_sense_is_not_offered(office: Office) -> None:
    """The job as it stands decides, as it does for a command."""
    outcome = await writes(office, "stop Oracle")
    assert isinstance(outcome, NotPossible)
    assert outcome.blocked is Blocked.NOT_RUNNING


async def test_which_job_is_meant(office: Office) -> None:
    """The same rule as for commands: parts of names, unknown names, and `all`."""
    assert isinstance(await writes(office, "start exch"), PartOfName)
    assert isinstance(await writes(office, "start SQL P"), PartOfName | Ambiguous)
    assert isinstance(await writes(office, "start nonsense"), NotFound)
    assert isinstance(await writes(office, "start all"), SyntaxProblem)
    assert office.posts() == []


async def test_whoever_may_not_is_offered_nothing(office: Office) -> None:
    """Refused, and on record with where it came from."""
    outcome = await writes(office, "start Files", person=VIEWER)
    assert isinstance(outcome, Refused)
    (row,) = [each for each in await office.audited() if each["event"] == "refused"]
    assert (row["operation"], row["origin"]) == ("job.start", "mention")


async def test_a_question_is_answered_at_once(office: Office) -> None:
    """It changes nothing."""
    outcome = await writes(office, "job Files server:hq")
    assert isinstance(outcome, Done)
    assert isinstance(outcome.answer, JobAnswer)


async def test_the_second_delivery_is_known(office: Office) -> None:
    """Also to a process that was started since."""
    request = parse("job Files server:hq", TYPED)

    async def delivered() -> Outcome:
        return await office.ask(request, ANN, origin=Origin.MENTION, delivery="C0PROD/1.1")

    assert isinstance(await delivered(), Done)
    office.restart()
    assert isinstance(await delivered(), AlreadyPressed)


async def test_offers_are_questions(office: Office) -> None:
    """More of them at once than actions may be under way, one after the other: nothing is under way."""
    for _ in range(ACTIONS_AT_MOST + 1):
        assert isinstance(await writes(office, "create"), Offered)
