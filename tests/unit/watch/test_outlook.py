"""Since when a job fails, its last good backup, its next run."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bot.veeam import JobId, RetryPolicy, Session, SessionId
from bot.watch.outlook import JobPast, outlook_from, went_well_since
from bot.watch.run_facts import JobOutlook
from tests.unit.watch.builders import facts, minutes, session

TEN = datetime(2026, 11, 23, 22, tzinfo=UTC)
RETRIED = RetryPolicy(enabled=True, count=3, wait_minutes=10)


def ran(result: str, *, days_ago: float = 0, number: int = 0, **more: Any) -> Session:
    """A run of five minutes at ten in the evening; each `number` is a quarter of an hour later."""
    begun = TEN - timedelta(days=days_ago) + minutes(15 * number)
    return session(
        result=result,
        id=SessionId(f"{days_ago}-{number}"),
        creation_time=begun,
        end_time=begun + minutes(5),
        initiated_by=".\\SYSTEM",
        **more,
    )


def outlook(*sessions: Session, is_whole: bool = True, **more: Any) -> JobOutlook:
    """Of a job whose first session failed just now."""
    last = sessions[0]
    assert last.creation_time is not None
    assert last.end_time is not None
    failed = facts("Failed", last.end_time, created_at=last.creation_time, session_id=last.id)
    given = {"failed": failed, "next_run": None, "retry": RETRIED, "zone": UTC, **more}
    return outlook_from(JobPast(sessions, is_whole=is_whole), **given)


def test_nights_in_a_row() -> None:
    """Attempts of one night are one failure; what is before the last good run doesn't count."""
    nights = outlook(
        ran("Failed"),
        ran("Failed", days_ago=1, number=1),
        ran("Failed", days_ago=1),
        ran("Failed", days_ago=2),
        ran("Warning", days_ago=3),
        ran("Failed", days_ago=4),
    )
    good = TEN - timedelta(days=3) + minutes(5)
    assert nights == JobOutlook(
        failed_in_a_row=3, is_nightly=True, last_good_at=good, is_last_good_known=True
    )


@pytest.mark.parametrize(
    ("sessions", "more", "in_a_row", "is_nightly"),
    [
        ((ran("Failed"), ran("Failed", days_ago=1)), {}, 2, True),
        ((ran("Failed"), ran("Failed", days_ago=1)), {"zone": timezone(timedelta(hours=12))}, 2, False),
        ((ran("Failed"), ran("Failed", days_ago=1)), {"zone": None}, 2, False),
        ((ran("Failed"), ran("Failed", days_ago=7)), {}, 2, False),
        ((ran("Failed"), ran("Failed", days_ago=0.25)), {}, 2, False),
        (
            (ran("Failed"), ran("Failed", days_ago=1), ran("Success", days_ago=2)),
            {"stopped": {"1-0"}},
            1,
            True,
        ),
        ((ran("Failed", number=1), ran("Failed")), {"retry": RetryPolicy(enabled=False)}, 2, False),
        ((ran("Failed", days_ago=-1), ran("Failed")), {"operations": {"-1-0": "retry"}}, 1, True),
        ((ran("Failed"), ran("Failed", days_ago=1, parent_session_id=SessionId("p"))), {}, 1, True),
        ((ran("Failed"), ran("Failed", days_ago=1, session_type="SqlLogBackup")), {}, 1, True),
        ((ran("Failed"), ran("None", days_ago=1, state="Working"), ran("Failed", days_ago=2)), {}, 2, False),
    ],
)
def test_what_counts(
    sessions: tuple[Session, ...], more: dict[str, Any], in_a_row: int, *, is_nightly: bool
) -> None:
    """Runs count: no parts, no log backups, none that a person stopped; a retry belongs to its run."""
    found = outlook(*sessions, **more)
    assert (found.failed_in_a_row, found.is_nightly) == (in_a_row, is_nightly)


def test_more_than_vbr_was_asked_for() -> None:
    """Where all of a longer list failed, nobody knows since when."""
    assert outlook(ran("Failed"), ran("Failed", days_ago=1), is_whole=False).is_longer
    assert not outlook(ran("Failed"), ran("Success", days_ago=1), is_whole=False).is_longer
    assert not outlook(ran("Failed"), ran("Failed", days_ago=1)).is_longer


def test_a_next_run_lies_ahead() -> None:
    """VBR may still show the run that just ended as the next one."""
    ahead = TEN + timedelta(days=1)
    assert outlook(ran("Failed"), next_run=ahead).next_run == ahead
    assert outlook(ran("Failed"), next_run=TEN).next_run is None


def test_nothing_is_said_of_a_past_that_was_not_read() -> None:
    """That there is no good backup is said only where VBR said so."""
    found = outlook_from(None, failed=facts(), next_run=None, retry=None)
    assert found == JobOutlook()
    assert outlook(ran("Failed")).is_last_good_known


def test_a_failure_that_is_over() -> None:
    """A run that began later and went well makes up for one that is announced late."""
    failed = facts("Failed", TEN, created_at=TEN - minutes(5))
    past = JobPast((ran("Warning", days_ago=-1), ran("Success", days_ago=-0.5), ran("Success", days_ago=1)))
    since = went_well_since(past, failed)
    assert since is not None
    assert since.session_id == "-0.5-0"
    assert went_well_since(JobPast((ran("Success", days_ago=1, job_id=JobId("j1")),)), failed) is None
