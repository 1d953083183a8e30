"""Where another organisation reads along, people are answered alone and nothing else comes of it."""

import pytest

from bot.operations.actions.approvals import Approve, Decline
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.start import Start
from bot.operations.backend import ApprovalRules
from bot.operations.model import Gesture, NamedJob, Origin, Person, Refusal, Request, Standing
from bot.operations.outcomes import ApprovalRequested, Done, Outcome, Refused
from bot.operations.places import Places, Readers
from bot.operations.queries.help import ShowHelp
from bot.operations.queries.jobs import ListJobs
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from tests.rooms.operations.office import GRANTS, OPERATOR, Office, Talks

ANN, BEN = PersonId("U0ANN"), PersonId("U0BEN")
SHARED = "C0SHARED"
START = Start(NamedJob("Files", server="hq"))
DELETE = Delete(NamedJob("Files", server="hq"), typed_name="Files", reason="retired")


@pytest.fixture(autouse=True)
def administrators(office: Office) -> None:
    for person in (ANN, BEN):
        office.team.people[person] = Person(person, person.lower(), Standing.MEMBER, frozenset({"S0ADMIN"}))
    role = Role.BACKUP_ADMINISTRATOR
    office.grants = (*GRANTS, GrantSettings(group=GroupReference("S0ADMIN"), role=role))


def refusal_in(outcome: Outcome) -> Refusal | None:
    return outcome.refusal if isinstance(outcome, Refused) else None


@pytest.mark.parametrize(
    ("allowed", "channel", "is_direct", "readers", "for_everybody", "refusal"),
    [
        ((), "C0OWN", False, Readers.OWN, True, None),
        ((), SHARED, False, Readers.OTHERS, True, Refusal.SHARED_CHANNEL),
        ((), "C0DARK", False, Readers.UNKNOWN, True, Refusal.CHANNEL_UNREADABLE),
        ((), SHARED, False, Readers.OTHERS, False, None),
        ((), "C0DARK", False, Readers.UNKNOWN, False, None),
        ((), None, False, None, True, None),
        ((), "D0BOT", True, None, True, None),
        ((), "D0PEERS", True, Readers.UNKNOWN, True, Refusal.CHANNEL_UNREADABLE),
        ((), "D0PEERS", True, Readers.UNKNOWN, False, None),
        ((SHARED,), SHARED, False, Readers.OTHERS, True, None),
        ((SHARED,), "C0OWN", False, Readers.OWN, False, Refusal.CHANNEL),
        ((SHARED,), "C0OWN", False, Readers.OWN, True, Refusal.CHANNEL),
        ((SHARED,), "D0BOT", True, None, True, None),
        ((SHARED,), "D0PEERS", True, Readers.UNKNOWN, False, Refusal.CHANNEL),
    ],
)
async def test_what_may_be_asked_for_where(
    allowed: tuple[str, ...],
    channel: str | None,
    readers: Readers | None,
    refusal: Refusal | None,
    *,
    is_direct: bool,
    for_everybody: bool,
) -> None:
    """A channel that the settings name is fine; elsewhere it takes a channel of one's own, known as that."""
    talks = Talks()
    if channel is not None and readers is not None:
        talks.read_by[channel] = readers
    gesture = Gesture("r-1", OPERATOR, "T0", channel, Origin.TYPED, "press", is_direct)
    assert await Places(allowed, talks).refusal(gesture, for_everybody=for_everybody) is refusal


@pytest.mark.parametrize(
    ("readers", "refusal"),
    [(Readers.OTHERS, Refusal.SHARED_CHANNEL), (Readers.UNKNOWN, Refusal.CHANNEL_UNREADABLE)],
)
@pytest.mark.parametrize(
    "request_", [START, DELETE, Delete(NamedJob("Files")), Create(), Approve("x"), Decline("x")]
)
async def test_no_action_and_no_form(
    office: Office, request_: Request, readers: Readers, refusal: Refusal
) -> None:
    """Refused and on record, before VBR is asked for anything."""
    office.talks.read_by[SHARED] = readers
    asked = len(office.hq.requests)
    assert refusal_in(await office.ask(request_, ANN, channel=SHARED)) is refusal
    assert [row["detail"] for row in await office.audited()] == [refusal]
    assert len(office.hq.requests) == asked


async def test_answers_for_one_person_cost_no_question(office: Office) -> None:
    """They go to the person alone, wherever they are asked for."""
    office.talks.read_by[SHARED] = Readers.OTHERS
    for request in (ListJobs(), ShowHelp()):
        assert isinstance(await office.ask(request, channel=SHARED), Done)
    assert office.talks.asked == []


async def test_somebody_without_the_role_costs_no_question(office: Office) -> None:
    """Rights come first."""
    assert refusal_in(await office.ask(DELETE, OPERATOR, channel=SHARED)) is Refusal.ROLE
    assert office.talks.asked == []


async def test_an_answer_for_the_channel(office: Office) -> None:
    """Share is refused; the settings may name the channel."""
    office.talks.read_by[SHARED] = Readers.OTHERS
    gesture = Gesture("r-1", OPERATOR, "T0", SHARED, Origin.BUTTON, "press")
    refused = await office.service.run(gesture, ListJobs(), once=True)
    assert refusal_in(refused) is Refusal.SHARED_CHANNEL
    office.allowed_channels = (SHARED,)
    office.restart()
    assert isinstance(await office.service.run(gesture, ListJobs(), once=True), Done)


async def test_named_channels_do_everything(office: Office) -> None:
    """Slack is not asked about a channel that the settings name."""
    office.talks.read_by[SHARED] = Readers.OTHERS
    office.allowed_channels = (SHARED,)
    assert isinstance(await office.ask(START, channel=SHARED), Done)
    assert office.talks.asked == []


async def test_an_approval_is_asked_for_among_ourselves(office: Office) -> None:
    """From a direct message: in the first channel of the settings that nobody else reads; else nowhere."""
    office.approvals = ApprovalRules({"delete"}, channels=(SHARED, "C0AUDIT"))
    office.talks.read_by[SHARED] = Readers.OTHERS
    requested = await office.ask(DELETE, ANN, channel="D0ANN", is_direct=True)
    assert isinstance(requested, ApprovalRequested)
    assert requested.approval.channel == "C0AUDIT"
    office.talks.read_by["C0AUDIT"] = Readers.UNKNOWN
    nowhere = await office.ask(DELETE, BEN, channel=None)
    assert refusal_in(nowhere) is Refusal.NOWHERE


@pytest.mark.parametrize("press", [Approve, Decline])
async def test_a_channel_that_is_shared_after_the_request(
    office: Office, press: type[Approve | Decline]
) -> None:
    """Nothing is decided in it any more; the Home decides still."""
    office.approvals = ApprovalRules({"delete"})
    requested = await office.ask(DELETE, ANN)
    assert isinstance(requested, ApprovalRequested)
    office.talks.read_by["C0PROD"] = Readers.OTHERS
    decision = press(requested.approval.id)
    assert refusal_in(await office.ask(decision, BEN)) is Refusal.SHARED_CHANNEL
    assert isinstance(await office.ask(decision, BEN, channel=None), Done)
