"""Which sessions are attempts of one run, and what that makes of it."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import Threads
from bot.veeam import RetryPolicy, Session, SessionId
from bot.veeam.sessions import RetryInfo
from bot.watch.run_facts import SessionFacts
from bot.watch.runs import Run, RunChannel, earlier_attempts
from tests.unit.watch.builders import NOON, facts, minutes, run, session

RETRIED = RetryPolicy(enabled=True, count=3, wait_minutes=10)


def failing(**more: Any) -> Run:
    return Run.begin(run(facts("Failed", **more)), RETRIED)


def later(after: float, result: str = "Success", **more: Any) -> SessionFacts:
    """A session that began so many minutes after noon and took three."""
    return facts(result, NOON + minutes(after + 3), **more)


@pytest.mark.parametrize(
    ("initiated_by", "started_by", "expected"),
    [
        (None, None, False),
        ("", None, False),
        ("SYSTEM", None, False),
        (r".\SYSTEM", None, False),
        (r"NT AUTHORITY\SYSTEM", None, False),
        (r"nt authority\system", None, False),
        (r"VBR01\SYSTEM", None, False),
        (r"CORP\anna", None, True),
        (r"CORP\svc-slack", "U1", True),
        (r".\SYSTEM", "U1", True),
    ],
)
def test_is_by_person(initiated_by: str | None, started_by: str | None, *, expected: bool) -> None:
    """Only the system's own names stand for a schedule."""
    assert facts(initiated_by=initiated_by, started_by=started_by).is_by_person is expected


@pytest.mark.parametrize(
    ("first", "retry", "total", "expected_at"),
    [
        (facts("Failed"), RETRIED, 4, NOON + minutes(10)),
        (facts("Success"), RETRIED, 4, None),
        (facts("Warning"), RETRIED, 4, None),
        (facts("Failed"), None, None, None),
        (facts("Failed"), RetryPolicy(enabled=False), None, None),
        (facts("Failed", initiated_by=r"CORP\anna"), RETRIED, None, None),
        (facts("Failed", started_by="U1", started_operation="start"), RETRIED, None, None),
        (facts("Failed", stopped_by="U1"), RETRIED, 4, None),
        (facts("Failed"), RetryPolicy(enabled=True, count=0), 1, None),
    ],
)
def test_begun(
    first: SessionFacts, retry: RetryPolicy | None, total: int | None, expected_at: datetime | None
) -> None:
    """Only a scheduled run that Failed is retried, as often as its job says, and not once it was stopped."""
    found = Run.begin(run(first), retry).facts
    assert (found.attempts_total, found.next_attempt_expected_at) == (total, expected_at)
    assert found.is_final is (expected_at is None)


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (later(10), True),
        (later(15), True),
        (later(15.1), False),
        (later(-1), False),
        (later(10, initiated_by=r"CORP\anna"), False),
        (later(600, started_by="U1", started_operation="retry"), True),
        (later(10, started_by="U1", started_operation="start"), False),
    ],
)
def test_belongs(session: SessionFacts, *, expected: bool) -> None:
    """A further attempt comes by itself in due time, or is a retry through the bot at any time."""
    assert failing().includes(session) is expected


def test_nothing_belongs_to_a_run_that_went_well() -> None:
    """After Success or Warning the next session is a run of its own, a retry through the bot too."""
    for result in ("Success", "Warning", "None"):
        well = Run.begin(run(facts(result)), RETRIED)
        assert not well.includes(later(10))
        assert not well.includes(later(10, started_by="U1", started_operation="retry"))


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (later(600, retries="s-1200"), True),
        (later(10, retries="s-1200", initiated_by=r"CORP\anna"), True),
        (later(10, retries="another"), False),
        (later(10, begins_run=True), False),
        (later(10, begins_run=True, started_by="U1", started_operation="retry"), True),
    ],
)
def test_vbr_s_own_word_on_retries(session: SessionFacts, *, expected: bool) -> None:
    """Where VBR says what a session retries, or that it retries nothing, neither time nor person counts."""
    assert failing().includes(session) is expected


def test_a_retry_of_a_session_that_was_never_seen() -> None:
    """Two retries of one session belong together, although the first session was before our time."""
    current = Run.begin(run(facts("Failed", retries="before")), None)
    assert current.includes(later(300, retries="before"))
    assert not current.includes(later(300, retries="other"))


def test_a_manual_retry_of_a_manual_run() -> None:
    """A run that somebody started is not retried by itself, but its retry through the bot folds into it."""
    manual = Run.begin(run(facts("Failed", initiated_by=r"CORP\anna")), RETRIED)
    assert not manual.includes(later(10))
    assert manual.includes(later(10, started_by="U1", started_operation="retry"))


def test_a_job_that_nobody_can_describe() -> None:
    """Where VBR says nothing of retries, none is promised, and one that comes in due time still belongs."""
    current = Run.begin(run(facts("Failed"), job_type="Unknown"), None)
    assert (current.facts.is_final, current.expected_by) == (True, None)
    assert current.includes(later(10))
    assert not current.includes(later(15.1))
    assert not current.includes(later(10, initiated_by=r"CORP\anna"))
    for attempt in range(1, 4):
        current = current.with_attempt(later(13 * attempt - 3, "Failed"), is_late=False)
    assert not current.includes(later(13 * 4 - 3))
    assert not Run.begin(run(facts("Failed")), None).includes(later(10))  # The session is no job's.


def test_attempts_are_counted() -> None:
    """The last attempt that may come is final; a further one is a run of its own."""
    current = failing()
    for attempt in range(1, 4):
        assert not current.facts.is_final
        again = later(13 * attempt - 3, "Failed")
        assert current.includes(again)
        current = current.with_attempt(again, is_late=False)
    assert len(current.facts.attempts) == 4
    assert current.facts.is_final
    assert current.facts.may_mention
    assert not current.includes(later(13 * 4 - 3))


def test_a_later_success_recovers_the_run() -> None:
    """A success ends the run, and the run says that it recovered."""
    found = failing().with_attempt(later(10), is_late=True).facts
    assert (found.is_final, found.is_recovered, found.is_late) == (True, True, True)
    assert not found.may_mention


def test_a_manual_retry_that_fails_is_final() -> None:
    """VBR does not retry what a person retried, so that its failure stands."""
    found = failing().with_attempt(
        later(1, "Failed", started_by="U1", started_operation="retry"), is_late=False
    )
    assert found.facts.is_final
    assert found.expected_by is None


def test_given_up() -> None:
    """When no attempt came the failure stands, and may be mentioned."""
    waiting = failing()
    assert waiting.expected_by == NOON + minutes(15)
    assert not waiting.facts.may_mention
    assert waiting.without_retry().facts.may_mention
    assert waiting.without_retry().expected_by is None


def test_a_stopped_run_mentions_nobody() -> None:
    """Whoever stopped a run through the bot knows; nobody is called for it."""
    stopped = failing(stopped_by="U1").facts
    assert stopped.is_final
    assert not stopped.may_mention


def test_a_run_survives_as_json() -> None:
    """A run is read back as it was kept."""
    told = RunChannel(channel="C1", threads=Threads.FLAT, mention="S1", mentioned=True)
    kept = msgspec.structs.replace(failing(message="Ä <!channel>"), channels=(told,))
    assert Run.decode(kept.encode()) == kept
    assert Run.decode('{"facts": 7}') is None
    assert Run.decode("not JSON") is None


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["Failed", "Success", "Warning", "None"]))))
def test_any_sequence_folds(steps: list[tuple[int, str]]) -> None:
    """However sessions follow each other: attempts never exceed the total, only a failure awaits more."""
    current = failing()
    at = 0.0
    for wait, result in steps:
        at += wait
        again = later(at, result)
        current = (
            current.with_attempt(again, is_late=False)
            if current.includes(again)
            else Run.begin(run(again), RETRIED)
        )
        total = current.facts.attempts_total
        assert total is not None
        assert len(current.facts.attempts) <= total
        assert current.facts.is_final is (current.expected_by is None)
        assert current.facts.is_final or current.facts.last.result == "Failed"
        at += 3


def ended(name: str, at: float, **more: Any) -> Session:
    """A failed session of that name, so many minutes after noon; it took one."""
    began, end = NOON + minutes(at - 1), NOON + minutes(at)
    return session(result="Failed", id=SessionId(name), creation_time=began, end_time=end, **more)


@pytest.mark.parametrize(
    ("retried", "retry", "is_retry", "expected"),
    [
        (ended("now", 40), RETRIED, False, "cb"),
        (ended("now", 40), None, False, "cb"),
        (ended("now", 40), RetryPolicy(enabled=True, wait_minutes=30), False, "cba"),
        (ended("now", 40), RetryPolicy(enabled=False), False, ""),
        (ended("now", 60), RETRIED, False, ""),
        (ended("now", 60), RETRIED, True, "cb"),
        (ended("now", 40, original_session_id="c"), RETRIED, False, "cb"),
        (ended("now", 40, original_session_id="other"), RETRIED, False, ""),
        (ended("now", 40, retry_info=RetryInfo(retry_number=0)), RETRIED, False, ""),
        (ended("now", 27), RETRIED, False, "b"),
    ],
)
def test_which_failures_a_session_may_have_retried(
    *, retried: Session, retry: RetryPolicy | None, is_retry: bool, expected: str
) -> None:
    """Latest first: those that ended before it began, as far as each came in due time or VBR says so."""
    failed = [ended("a", -10), ended("b", 15), ended("c", 27)]
    assert [each.id for each in earlier_attempts(retried, failed, retry, is_retry=is_retry)] == [*expected]
