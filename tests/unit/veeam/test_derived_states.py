"""Job states that are put together from jobs and their newest runs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.veeam import JobId, JobStatesQuery, Result, Session, SessionId, SessionResult
from bot.veeam.derived_states import JobRow, derived_state, fits, in_order

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
JOB = JobRow(id=JobId("e35ef047"), name="SQL Prod", type="VSphereBackup")


def run(state: str, result: str = "None") -> Session:
    return Session(
        id=SessionId("6c76bb17"), state=state, creation_time=NOON, result=SessionResult(result=result)
    )


@pytest.mark.parametrize(
    ("is_disabled", "newest", "wanted"),
    [
        (False, None, ("inactive", "None")),
        (True, None, ("disabled", "None")),
        (False, run("Stopped", "Failed"), ("inactive", "Failed")),
        (True, run("Stopped", "Warning"), ("disabled", "Warning")),
        (False, run("Working"), ("running", "None")),
        (True, run("Working"), ("running", "None")),
        (False, run("Stopped", "Quarantined"), ("inactive", "Quarantined")),
    ],
)
def test_the_newest_run_says_what_a_job_does(
    *, is_disabled: bool, newest: Session | None, wanted: tuple[str, str]
) -> None:
    """The run decides, then the settings; a result that nobody knows is passed on."""
    row = JobRow(id=JOB.id, name=JOB.name, is_disabled=is_disabled)
    state = derived_state(row, newest, {})
    assert (state.status, state.last_result) == wanted
    assert state.session_id == (newest.id if newest is not None else None)


def test_a_run_beyond_what_was_read_is_not_called_none() -> None:
    """A job without a run among the latest sessions may have failed before them."""
    assert derived_state(JOB, None, {}, knows_sessions=False).result is None


@given(names=st.lists(st.text(), max_size=8), ascending=st.booleans())
def test_order_loses_nothing(*, names: list[str], ascending: bool) -> None:
    """Whatever the names, each job is there once, in the order of the query."""
    states = [
        derived_state(JobRow(id=JobId(str(number)), name=name), None, {}) for number, name in enumerate(names)
    ]
    for column in ("Name", "LastRun", "Type", "NextRun", "ObjectsCount", "RepositoryName", "AfterJobName"):
        found = in_order(states, JobStatesQuery(order_by=column, ascending=ascending))
        assert sorted(state.id for state in found) == sorted(state.id for state in states)
    by_name = in_order(states, JobStatesQuery(order_by="Name", ascending=ascending))
    keys = [state.name.casefold() for state in by_name]
    assert keys == sorted(keys, reverse=not ascending)


@pytest.mark.parametrize(
    ("query", "is_in"),
    [
        (JobStatesQuery(), True),
        (JobStatesQuery(name="*prod*"), True),
        (JobStatesQuery(name="*oracle*"), False),
        (JobStatesQuery(status="Inactive"), True),
        (JobStatesQuery(status="running"), False),
        (JobStatesQuery(last_result=Result.NONE), True),
        (JobStatesQuery(last_result=Result.FAILED), False),
        (JobStatesQuery(type="vspherebackup"), True),
        (JobStatesQuery(repository_id="88788f9e"), False),
        (JobStatesQuery(workload="vm"), True),
        (JobStatesQuery(objects_count=3), True),
        (JobStatesQuery(high_priority=True), False),
        (JobStatesQuery(high_priority=False), True),
        (JobStatesQuery(last_run_after=NOON), False),
        (JobStatesQuery(last_run_before=NOON), False),
    ],
    ids=str,
)
def test_filters_are_vbrs(query: JobStatesQuery, *, is_in: bool) -> None:
    """What VBR would leave out is left out; letter case makes no difference."""
    assert fits(query, derived_state(JOB, None, {})) is is_in


def test_the_last_run_is_between_the_times_asked_for() -> None:
    """A job that ran within the time is in, at its ends too."""
    ran = derived_state(JOB, run("Stopped", "Success"), {})
    assert fits(JobStatesQuery(last_run_after=NOON, last_run_before=NOON), ran)
    assert not fits(JobStatesQuery(last_run_after=NOON + timedelta(seconds=1)), ran)
    assert not fits(JobStatesQuery(last_run_before=NOON - timedelta(seconds=1)), ran)
