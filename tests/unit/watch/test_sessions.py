"""What each session is to a backup team, and which are nobody's news."""

import pytest

from bot.veeam import JobId, SessionGroup, SessionId
from bot.watch.sessions import IgnoreReason, group_of, reason_to_ignore
from tests.unit.watch.builders import session

JOBS = frozenset({JobId("j1")})


@pytest.mark.parametrize(
    ("session_type", "expected"),
    [
        ("BackupJob", SessionGroup.JOB_RUN),
        ("backupjob", SessionGroup.JOB_RUN),
        ("SureBackup", SessionGroup.JOB_RUN),
        ("ConfigurationBackup", SessionGroup.JOB_RUN),
        ("OracleLogBackup", SessionGroup.LOG_BACKUP),
        ("MalwareDetection", SessionGroup.SECURITY),
        ("InstantRecovery", SessionGroup.RESTORE),
        ("UndoFailover", SessionGroup.FAILOVER),
        ("ConfigurationResynchronize", SessionGroup.HOUSEKEEPING),
        ("Retention", SessionGroup.HOUSEKEEPING),
        ("SomethingOfNextYear", SessionGroup.JOB_RUN),
    ],
)
def test_group_of(session_type: str, expected: SessionGroup) -> None:
    """A type is what its name says; an unknown one is a job run where its job is known."""
    assert group_of(session(session_type), JOBS) is expected


def test_group_of_a_stranger() -> None:
    """An unknown type without a known job is noise."""
    assert group_of(session("SomethingOfNextYear")) is SessionGroup.HOUSEKEEPING


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        (None, False),
        ("", False),
        ("00000000-0000-0000-0000-000000000000", False),
        ("s1", False),
        ("s0", True),
    ],
)
def test_part_of(parent: str | None, *, expected: bool) -> None:
    """A part of another session names that one; zeros and itself are no parent."""
    part = session(parent_session_id=parent and SessionId(parent))
    assert (part.part_of is not None) is expected


def test_what_a_route_names_is_not_ignored() -> None:
    """Housekeeping is told where a route names its very type."""
    cleaning = session(result="Failed")
    assert reason_to_ignore(cleaning, SessionGroup.HOUSEKEEPING, is_named=True) is None


PARENT = SessionId("s0")


@pytest.mark.parametrize(
    ("group", "result", "parent", "expected"),
    [
        (SessionGroup.JOB_RUN, "Success", None, None),
        (SessionGroup.JOB_RUN, "None", None, None),
        (SessionGroup.HOUSEKEEPING, "Failed", None, IgnoreReason.HOUSEKEEPING),
        (SessionGroup.LOG_BACKUP, "Failed", None, None),
        (SessionGroup.LOG_BACKUP, "Warning", None, IgnoreReason.LOG_BACKUP_WELL),
        (SessionGroup.LOG_BACKUP, "Success", None, IgnoreReason.LOG_BACKUP_WELL),
        (SessionGroup.JOB_RUN, "Success", PARENT, None),
        (SessionGroup.JOB_RUN, "None", PARENT, IgnoreReason.PART_UNDECIDED),
        (SessionGroup.TIERING, "Success", None, IgnoreReason.TIERING_WELL),
        (SessionGroup.TIERING, "Failed", None, None),
        (SessionGroup.PART, "Success", PARENT, IgnoreReason.PART_WELL),
        (SessionGroup.PART, "Failed", PARENT, None),
        (SessionGroup.JOB_RUN, "Warning", PARENT, None),
        (SessionGroup.JOB_RUN, "Failed", PARENT, None),
        (SessionGroup.JOB_RUN, "Exploded", PARENT, None),
        (SessionGroup.RESTORE, "Success", None, IgnoreReason.NOT_NAMED),
    ],
)
def test_reason_to_ignore(
    group: SessionGroup, result: str, parent: SessionId | None, expected: IgnoreReason | None
) -> None:
    """Housekeeping is never told, what runs beside jobs only when it went wrong."""
    assert reason_to_ignore(session(result=result, parent_session_id=parent), group) is expected
