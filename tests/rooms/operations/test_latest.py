"""What the bot does where VBR leaves out, or gives otherwise, which session a job's latest run is."""

from collections.abc import MutableMapping
from typing import Any

from bot.operations.actions.retry import Retry
from bot.operations.actions.stop import Stop
from bot.operations.model import NamedJob, Snapshot
from bot.operations.outcomes import ActionAnswer, Done, Outcome, Ran, StaleButton
from bot.sandbox.vbr.faults import changed, rows, without
from bot.veeam import SessionId
from tests.rooms.operations.office import HQ, Office

STATES = ("GET", "/api/v1/jobs/states")
STOPPING = ("POST", "/api/v1/jobs/{id}/stop")
OTHER = SessionId("00000000-1111-2222-3333-444444444444")
FILES = NamedJob("Files", server="hq")


def session_of(outcome: Outcome) -> SessionId | None:
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.answer, ActionAnswer)
    assert isinstance(outcome.answer.effect, Ran)
    session = outcome.answer.effect.session
    return None if session is None else session.id


async def test_a_stop_of_a_job_whose_state_names_no_session(office: Office) -> None:
    """The run that is stopped is found in the list of sessions, and known as stopped from here."""
    session = office.world.begin_run("Files")
    office.hq.faults.add(*STATES, rows(without("sessionId")), times=9)
    assert session_of(await office.ask(Stop(FILES))) == session.id
    (own,) = await office.own_actions.of(HQ, [session.id])
    assert own.operation == "stop"


async def test_a_button_on_a_job_whose_state_names_no_session(office: Office) -> None:
    """A job that ran anew since asks again, also where only the list of sessions tells that it did."""
    session = office.world.finish_run("Oracle", result="Failed")
    office.hq.faults.add(*STATES, rows(without("sessionId")), times=9)
    old, fresh = Snapshot(OTHER, is_active=False), Snapshot(SessionId(session.id), is_active=False)
    assert isinstance(await office.ask(Retry(NamedJob("Oracle"), snapshot=old)), StaleButton)
    assert session_of(await office.ask(Retry(NamedJob("Oracle"), snapshot=fresh))) is not None


async def test_a_button_that_was_drawn_without_a_session(office: Office) -> None:
    """What was drawn from a state without a session acts on one, as long as the job rests as it did."""
    office.world.finish_run("Oracle", result="Failed")
    office.hq.faults.add(*STATES, rows(without("sessionId")), times=9)
    unknown = Snapshot(None, is_active=False)
    assert session_of(await office.ask(Retry(NamedJob("Oracle"), snapshot=unknown))) is not None


async def test_a_stop_that_is_answered_with_a_session_of_its_own(office: Office) -> None:
    """What is followed is the run that stops, and not whatever session VBR began to stop it."""

    def its_own(answer: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {**answer, "id": OTHER, "sessionType": "Infrastructure"}

    session = office.world.begin_run("Files")
    office.hq.faults.add(*STOPPING, changed(its_own))
    assert session_of(await office.ask(Stop(FILES))) == session.id
