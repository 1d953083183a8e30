"""Actions that the bot was killed in: looked up by the next process, told once, never sent again."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.operations.actions.approvals import Approve
from bot.operations.actions.clone import Clone
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.actions.left_open import LeftOpen
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.backend import ApprovalRules
from bot.operations.menus import MenuField
from bot.operations.model import Gesture, NamedJob, NamedMachine, Origin, Request
from bot.operations.outcomes import (
    ActionAnswer,
    AlreadyPressed,
    ApprovalRequested,
    Cloned,
    Created,
    Deleted,
    Done,
    Edited,
    Effect,
    Failed,
    InternalError,
    Outcome,
    Ran,
    Switched,
    Unclear,
)
from bot.sandbox.vbr import Moment
from bot.sandbox.vbr.faults import hanging
from bot.store import AuditOutcome, OpenActions, StoreError, TimedDisable
from bot.veeam import Interrupted
from tests.rooms.operations.form_room import (
    ANN,
    BEN,
    CREATING,
    EDITING,
    Writer,
    with_administrators,
    with_every_kind,
)
from tests.rooms.operations.office import Office

FILES = NamedJob("Files", "hq", exact=True)
JOB = "/api/v1/jobs/{id}"


@dataclass(frozen=True)
class Case:
    """An action: what asks for it, what is sent for it, and what speaks for its having happened."""

    ask: Callable[[Office, Writer], Awaitable[Outcome]]
    sent: tuple[str, str]
    effect: type[Effect] | None


def asks(request: Request) -> Callable[[Office, Writer], Coroutine[Any, Any, Outcome]]:
    return lambda office, ann: office.ask(request, ann.id, press="button-1")


async def edits(office: Office, ann: Writer) -> Outcome:
    del office
    return await ann.sends(await ann.sees(await ann.edits("Files"), retention="30"), press="button-1")


async def creates(office: Office, ann: Writer) -> Outcome:
    del office
    form = await ann.creates()
    objects = (await ann.option(form, MenuField.OBJECTS, "app01"),)
    repository = await ann.option(form, MenuField.REPOSITORY, "Second Repository")
    summary = await ann.sees(form, name="Web tier", objects=objects, repository=repository)
    return await ann.sends(summary, press="button-1")


CASES = {
    "start": Case(asks(Start(FILES)), ("POST", f"{JOB}/start"), Ran),
    "retry": Case(asks(Retry(NamedJob("Oracle", "hq"))), ("POST", f"{JOB}/retry"), Ran),
    "stop": Case(asks(Stop(NamedJob("Exchange", "hq"))), ("POST", f"{JOB}/stop"), Ran),
    "enable": Case(asks(Enable(NamedJob("Archive", "hq"))), ("POST", f"{JOB}/enable"), Switched),
    "disable": Case(asks(Disable(FILES)), ("POST", f"{JOB}/disable"), Switched),
    "clone": Case(asks(Clone(FILES)), ("POST", f"{JOB}/clone"), Cloned),
    "delete": Case(asks(Delete(FILES, typed_name="Files")), ("DELETE", JOB), Deleted),
    "edit": Case(edits, EDITING, Edited),
    "create": Case(creates, CREATING, Created),
    "quick backup": Case(
        asks(QuickBackup(NamedMachine("web01"))), ("POST", "/api/v1/jobs/quickBackup/vSphere"), None
    ),
}


@pytest.fixture(autouse=True)
def estate(office: Office) -> None:
    """Ann may everything; a job runs, and another one covers a machine."""
    with_administrators(office)
    with_every_kind(office.world)
    office.world.begin_run("Exchange")
    office.world.add_job("Web", objects=("web01",))
    office.world.finish_run("Web", result="Success")


@pytest.fixture
def ann(office: Office) -> Writer:
    return Writer(office)


async def until_hung(office: Office, sent: tuple[str, str]) -> None:
    """Wait until VBR holds its answer to this."""
    while not any(each.was_faulty for each in office.hq.requests.of(*sent)):  # noqa: ASYNC110 -- it sets no event
        await asyncio.sleep(0)


async def killed(office: Office, asked: Awaitable[Outcome], sent: tuple[str, str], moment: Moment) -> None:
    """Let the process end while VBR holds its answer; the next one has nothing in its memory."""
    office.hq.faults.add(*sent, hanging(moment))

    async def ask() -> None:
        await asked

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        asking = group.create_task(ask())
        await until_hung(office, sent)
        asking.cancel()
    office.hq.faults.clear()
    office.restart()


async def left(office: Office) -> list[LeftOpen]:
    return [each async for each in office.service.left_open()]


async def on_record(office: Office) -> list[object]:
    """How the actions on record ended; None: not yet."""
    return [row.get("outcome") for row in await office.audited()]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("moment", Moment)
async def test_each_action_is_looked_up_once(office: Office, ann: Writer, name: str, moment: Moment) -> None:
    """The effect that VBR shows is found, the entry closed as unclear, and the press stays spent."""
    case = CASES[name]
    await killed(office, case.ask(office, ann), case.sent, moment)
    (told,) = await left(office)
    assert await left(office) == []
    outcome = told.outcome
    assert isinstance(outcome, Unclear)
    assert isinstance(outcome.error, Interrupted)
    is_found = moment is Moment.AFTER or name == "stop"  # a stop's session is there, whether it stops or not
    assert isinstance(outcome.found, case.effect) if is_found and case.effect else outcome.found is None
    assert (told.gesture.person_id, told.gesture.channel_id) == (ANN, "C0PROD")
    assert await on_record(office) == [None, "unclear"]
    if name not in {"create", "edit"}:
        assert isinstance(await case.ask(office, ann), AlreadyPressed)
    assert len(office.hq.requests.of(*case.sent)) == 1


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [("done", Done), ("failed", Failed), ("unclear", Unclear), ("broken", InternalError)],
)
async def test_an_outcome_on_record_is_told_as_it_is(
    office: Office, ann: Writer, outcome: str, kind: type[Outcome]
) -> None:
    """Killed between the record and the reply: what is on record stands."""
    case = CASES["start"]
    await killed(office, case.ask(office, ann), case.sent, Moment.AFTER)
    (opened,) = [row async for row in office.audit.rows()]
    session_id = office.world.sessions_of(office.world.job("Files"))[-1].id
    ended = AuditOutcome(outcome, office.clock.now(), session_id if outcome == "done" else None)
    await office.audit.closed(opened.id, ended)
    (told,) = await left(office)
    assert isinstance(told.outcome, kind)
    assert await on_record(office) == [None, outcome]


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("known", ["done", None])
async def test_a_timed_disable_stays_planned(
    office: Office, ann: Writer, moment: Moment, known: str | None
) -> None:
    """Looking it up takes no plan back: what was never done ends when the plan is checked."""
    asked, sent = asks(Disable(FILES, span=timedelta(hours=4)))(office, ann), ("POST", f"{JOB}/disable")
    await killed(office, asked, sent, moment)
    (plan,) = await office.timed_disables.every()
    if known is not None:
        (opened,) = [row async for row in office.audit.rows()]
        await office.audit.closed(opened.id, AuditOutcome(known, office.clock.now()))
    (told,) = await left(office)
    if known is not None and moment is Moment.AFTER:
        assert isinstance(told.outcome, Done)
        assert isinstance(told.outcome.answer, ActionAnswer)
        assert told.outcome.answer.effect == Switched(is_disabled=True, until=plan.until)
    else:
        assert isinstance(told.outcome, Unclear)
    assert await office.timed_disables.every() == (plan,)


async def test_a_newer_plan_of_a_colleague_stays(office: Office, ann: Writer) -> None:
    """What an old action is told to have done ends nothing that was planned since."""
    case = CASES["disable"]
    await killed(office, case.ask(office, ann), case.sent, Moment.AFTER)
    (opened,) = [row async for row in office.audit.rows()]
    await office.audit.closed(opened.id, AuditOutcome("done", office.clock.now()))
    now = office.clock.now()
    newer = TimedDisable(
        server="hq",
        job_id=office.world.job("Files").id,
        job_name="Files",
        person_id=BEN,
        channel_id=None,
        reference="r-2",
        disabled_at=now,
        until=now + timedelta(hours=1),
    )
    await office.timed_disables.remember(newer)
    (told,) = await left(office)
    assert isinstance(told.outcome, Done)
    assert isinstance(told.outcome.answer, ActionAnswer)
    assert told.outcome.answer.effect == Switched(is_disabled=True)
    assert await office.timed_disables.every() == (newer,)


async def test_what_takes_long_is_left_to_the_next_look(office: Office) -> None:
    """Each one renews the lease, so that no other process takes what is left meanwhile."""
    for reference, name in (("r-1", "Files"), ("r-2", "Oracle"), ("r-3", "SQL Prod")):
        assert isinstance(await office.ask(Start(NamedJob(name, "hq")), ANN, reference=reference), Done)
    office.restart()
    others = OpenActions(office.database, "other", lambda _: False)
    told = []
    async for each in office.service.left_open():
        told.append(each.gesture.reference)
        await office.clock.advance(40)
        assert await others.left(office.clock.now() + timedelta(seconds=79), ()) == ()
    assert told == ["r-1", "r-2"]
    assert [each.gesture.reference for each in await left(office)] == ["r-3"]


async def test_while_vbr_is_silent_it_is_said_to_be_unclear(office: Office, ann: Writer) -> None:
    """What cannot be looked up is not waited for: the person is told at once that nobody knows."""
    case = CASES["start"]
    await killed(office, case.ask(office, ann), case.sent, Moment.AFTER)
    await office.hq.go_dark()
    (told,) = await left(office)
    assert isinstance(told.outcome, Unclear)
    assert (told.outcome.job, told.outcome.found) == (None, None)


async def test_what_was_approved_is_told_to_whoever_approved(office: Office, ann: Writer) -> None:
    """The press that is to be answered is the approver's; the record names both."""
    office.approvals = ApprovalRules(frozenset({"delete"}))
    asked = await CASES["delete"].ask(office, ann)
    assert isinstance(asked, ApprovalRequested)
    approving = office.ask(Approve(asked.approval.id), BEN, channel="C0OTHER", reference="r-2")
    await killed(office, approving, CASES["delete"].sent, Moment.AFTER)
    (told,) = await left(office)
    assert isinstance(told.outcome, Unclear)
    assert told.outcome.found == Deleted()
    assert (told.gesture.person_id, told.gesture.channel_id) == (BEN, "C0OTHER")
    recorded = (await office.audited())[-1]
    assert recorded["outcome"] == "unclear"
    assert str(recorded["detail"]).endswith("the bot was interrupted before it heard from it")


async def test_a_gesture_that_breaks_is_looked_up_by_the_same_process(office: Office) -> None:
    """While it is served it is nobody else's; given up, it counts as left open."""
    case = CASES["start"]
    gesture = Gesture("r-9", ANN, "T0", "C0PROD", Origin.TYPED, "press-9")
    office.hq.faults.add(*case.sent, hanging(Moment.AFTER))

    async def serve() -> None:
        async with office.service.answering(gesture):
            await office.service.run(gesture, Start(FILES))

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        serving = group.create_task(serve())
        await until_hung(office, case.sent)
        assert await left(office) == []
        serving.cancel()
    (told,) = await left(office)
    assert told.gesture == gesture
    assert isinstance(told.outcome, Unclear)


async def test_what_was_shown_is_not_told_again(office: Office) -> None:
    """At the end of the gesture nothing is left of it."""
    gesture = Gesture("r-9", ANN, "T0", "C0PROD", Origin.TYPED, "press-9")
    async with office.service.answering(gesture):
        assert isinstance(await office.service.run(gesture, Start(FILES)), Done)
    office.restart()
    assert await left(office) == []


async def test_a_database_that_fails_a_gesture_is_not_hidden(office: Office) -> None:
    """Whoever serves the gesture hears of it."""
    gesture = Gesture("r-9", ANN, "T0", "C0PROD", Origin.TYPED, "press-9")
    with pytest.raises(StoreError):
        async with office.service.answering(gesture):
            raise StoreError("gone")
