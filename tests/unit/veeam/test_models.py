"""What the typed rows answer about themselves."""

import pytest

from bot.veeam import (
    Job,
    JobId,
    JobState,
    JobStatus,
    RepositoryState,
    Result,
    RetryPolicy,
    ScaleOutMembership,
    ScaleOutRepository,
    Session,
    SessionId,
    SessionProgress,
    SessionResult,
    TaskSession,
    TaskSessionId,
    known,
    scale_out_state,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("running", JobStatus.RUNNING),
        ("Running", JobStatus.RUNNING),
        ("RUNNING", JobStatus.RUNNING),
        ("Hibernating", None),
        ("", None),
        (None, None),
    ],
)
def test_known_ignores_letter_case_and_lets_new_words_pass(
    text: str | None, expected: JobStatus | None
) -> None:
    """rev0 writes `running`, rev1 `Running`; a new word is nobody's error."""
    assert known(JobStatus, text) is expected


@pytest.mark.parametrize(
    ("status", "active", "disabled"),
    [
        ("running", True, False),
        ("Starting", True, False),
        ("stopping", True, False),
        ("stopped", False, False),
        ("inactive", False, False),
        ("enabled", False, False),
        ("Disabled", False, True),
        ("Hibernating", False, False),
    ],
)
def test_a_status_is_active_disabled_or_at_rest(status: str, active: bool, disabled: bool) -> None:  # noqa: FBT001 - a table's columns
    """All that is neither active nor disabled is at rest, unknown words included."""
    state = JobState(id=JobId("x"), status=status)
    assert (state.is_active, state.is_disabled) == (active, disabled)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("failed", Result.FAILED), ("None", Result.NONE), ("", Result.NONE), ("Exploded", None)],
)
def test_a_result_is_a_word_none_or_unknown(word: str, expected: Result | None) -> None:
    """No verdict is `Result.NONE`; None means that we don't know the word."""
    assert JobState(id=JobId("x"), last_result=word).result is expected
    assert Session(id=SessionId("x"), result=SessionResult(result=word)).outcome is expected
    assert TaskSession(id=TaskSessionId("x"), result=SessionResult(result=word)).outcome is expected


@pytest.mark.parametrize(
    ("state", "stopped"), [("Stopped", True), ("stopped", True), ("Idle", False), ("", False)]
)
def test_only_stopped_is_over(state: str, stopped: bool) -> None:  # noqa: FBT001 - a table's columns
    """Progress of 100 % ends nothing."""
    assert Session(id=SessionId("x"), state=state, progress_percent=100).is_stopped is stopped


@pytest.mark.parametrize(
    ("state", "result", "stopped", "outcome"),
    [
        ("NotStarted", "None", False, Result.NONE),
        ("Finished", "Clean", True, Result.SUCCESS),
        ("finished", "infected", True, Result.FAILED),
        ("Finished", "Inconclusive", True, Result.WARNING),
        ("Finished", "Quarantined", True, None),
    ],
)
def test_a_scan_has_its_own_words(state: str, result: str, stopped: bool, outcome: Result | None) -> None:  # noqa: FBT001 - a table's columns
    """An antivirus task session has neither state nor result."""
    scan = TaskSession(id=TaskSessionId("x"), type="Antivirus", scan_state=state, scan_result=result)
    assert (scan.is_stopped, scan.outcome) == (stopped, outcome)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:26:04", 1564),
        ("1.02:03:04", 93784),
        ("00:00:01.5000000", 1),
        ("N/A", None),
        ("", None),
        (None, None),
    ],
)
def test_durations_are_read_with_days(text: str | None, seconds: int | None) -> None:
    """`D.HH:MM:SS`; anything else is no duration."""
    assert SessionProgress(duration=text).duration_seconds == seconds


@pytest.mark.parametrize(
    ("capacity", "free", "used"),
    [(100.0, 25.0, 0.75), (0.0, 0.0, None), (None, 5.0, None), (100.0, None, None), (10.0, 20.0, 0.0)],
)
def test_usage_is_capacity_less_free(capacity: float | None, free: float | None, used: float | None) -> None:
    """A capacity of nothing has no fraction."""
    state = RepositoryState(id="x", capacity_gb=capacity, free_gb=free)
    assert state.used_fraction == used


def _extent(
    capacity: float | None,
    free: float | None,
    *,
    of: str = "S1",
    kind: str = "performance",
    online: bool = True,
) -> RepositoryState:
    member = ScaleOutMembership("Pool", of, kind)
    return RepositoryState(id="e", capacity_gb=capacity, free_gb=free, is_online=online, extent_of=member)


_ELSEWHERE = (_extent(900.0, 900.0, of="s2"), _extent(900.0, 900.0, kind="Capacity"), RepositoryState(id="p"))


@pytest.mark.parametrize(
    ("extents", "expected"),
    [
        ((), (None, None, None)),
        ((_extent(100.0, 40.0), _extent(50.0, 10.0, of="s1")), (150.0, 50.0, True)),
        ((_extent(100.0, 40.0), _extent(None, 10.0), _extent(0.0, 0.0, online=False)), (100.0, 40.0, True)),
        ((_extent(0.0, 0.0, online=False),), (None, None, False)),
    ],
)
def test_a_scale_out_repository_is_as_its_performance_extents(
    extents: tuple[RepositoryState, ...], expected: tuple[float | None, float | None, bool | None]
) -> None:
    """Sums of what they tell; those of other tiers and of other repositories do not count."""
    pool = ScaleOutRepository(id="s1", name="Pool", description="Fast")
    state = scale_out_state(pool, (*extents, *_ELSEWHERE))
    assert (state.capacity_gb, state.free_gb, state.is_online) == expected
    assert (state.id, state.name, state.description, state.is_scale_out) == ("s1", "Pool", "Fast", True)
    assert not any(extent.is_scale_out for extent in extents)


def test_a_job_is_kept_whole() -> None:
    """What a model would drop must go back with a PUT."""
    raw = {
        "id": "x",
        "name": "Web",
        "type": "VSphereBackup",
        "isDisabled": True,
        "storage": {"advancedSettings": {"synthenticFulls": {"isEnabled": False}}},
        "schedule": {"runAutomatically": True, "retry": {"isEnabled": True, "retryCount": 5}},
    }
    job = Job(raw)
    assert job.raw is raw
    assert (job.id, job.name, job.type) == ("x", "Web", "VSphereBackup")
    assert (job.is_disabled, job.runs_automatically) == (True, True)
    assert job.retry == RetryPolicy(enabled=True, count=5, wait_minutes=10)


def test_a_job_of_another_shape_answers_what_it_can() -> None:
    """Types without a schedule, and fields of odd types, are no errors."""
    job = Job({"schedule": None, "name": 7, "isDisabled": "yes"})
    assert (job.name, job.is_disabled, job.runs_automatically, job.retry) == ("", False, None, None)
