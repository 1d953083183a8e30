"""Why a job failed and how often in a row, out of what VBR tells."""

import pytest
from msgspec.structs import replace

from bot.operations.actions import JobAction
from bot.operations.actions.clone import Clone
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.enable import Enable
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.catalog import available
from bot.operations.failures import messages_of, streak_of
from bot.operations.jobs import JobNow
from bot.operations.model import KnownJob
from bot.operations.outcomes import Blocked, Streak, Unsupported
from bot.settings import ServerName
from bot.veeam import (
    REVISIONS,
    Capability,
    JobId,
    JobState,
    Result,
    Session,
    SessionId,
    SessionResult,
    TaskSession,
    TaskSessionId,
)

JOB = JobId("0f5e4f1e-50c8-4a5c-9d3f-3a6f1f4d4c11")


def session(result: str, state: str = "Stopped", kind: str = "BackupJob") -> Session:
    return Session(
        id=SessionId(JOB), job_id=JOB, session_type=kind, state=state, result=SessionResult(result)
    )


def task(result: str, message: str | None = None) -> TaskSession:
    return TaskSession(id=TaskSessionId(JOB), result=SessionResult(result, message))


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([], None),
        ([session("Success")], 0),
        ([session("Failed"), session("failed"), session("Success"), session("Failed")], 2),
        ([session("None", "Working"), session("Failed")], 1),
        ([session("Failed", kind="SqlLogBackup"), session("Failed"), session("Warning")], 1),
        ([session("Failed", kind="BrandNewType"), session("Odd")], 1),
    ],
)
def test_streaks(sessions: list[Session], expected: int | None) -> None:
    """Finished runs of the job count from the newest on, log backups do not, unknown types do."""
    assert streak_of(sessions) == (None if expected is None else Streak(expected))


def test_a_run_with_its_retries_counts_once() -> None:
    """As the message about it counts; where VBR has older sessions, it may be more."""
    nights = [
        replace(
            session("Failed"), id=SessionId(f"{night}-{attempt}"), original_session_id=SessionId(f"{night}-0")
        )
        for night in range(1, 5)
        for attempt in (2, 1, 0)
    ]
    assert streak_of(nights) == Streak(4)
    assert streak_of(nights, is_whole=False) == Streak(4, is_longer=True)
    recovered = [replace(nights[0], result=SessionResult("Success")), *nights[1:]]
    assert streak_of([*nights[3:6], *recovered], is_whole=False) == Streak(1)
    assert streak_of([nights[2], session("Success")], is_whole=False) == Streak(1)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([], []),
        (
            [task("Success", "fine"), task("Failed", "Failed"), task("Failed", "disk"), task("Failed", "x")],
            ["disk", "x"],
        ),
        ([task("Warning", "skipped"), task("Failed", None), task("Failed", " ")], []),
    ],
)
def test_the_failed_objects_that_say_why(tasks: list[TaskSession], expected: list[str]) -> None:
    """A mere result word is no reason."""
    assert messages_of(tasks, Result.FAILED) == expected


def test_the_object_that_warned_says_why_a_session_did() -> None:
    """The reason of a warning is not looked for among what failed or went well."""
    tasks = [task("Success", "fine"), task("Warning", "Warning"), task("Warning", "skipped")]
    assert messages_of(tasks, Result.WARNING) == ["skipped"]


@pytest.mark.parametrize(
    ("status", "result", "mode", "expected"),
    [
        ("running", "None", None, ["stop", "job", "disable", "clone"]),
        ("Stopping", "None", None, ["stop", "job", "disable", "clone"]),
        ("running", "None", "Immediate", ["job", "disable", "clone"]),
        ("stopped", "Failed", None, ["retry", "job", "why", "start", "disable", "clone", "delete"]),
        ("stopped", "Success", None, ["start", "job", "disable", "clone", "delete"]),
        ("stopped", "Warning", None, ["start", "job", "why", "disable", "clone", "delete"]),
        ("disabled", "None", None, ["start", "job", "enable", "clone", "delete"]),
        ("BrandNew", "BrandNew", None, ["start", "job", "disable", "clone", "delete"]),
    ],
)
def test_what_makes_sense_on_a_job(status: str, result: str, mode: str | None, expected: list[str]) -> None:
    """The buttons follow from the job's state, whatever words a newer VBR has for it."""
    state = JobState(id=JOB, status=status, last_result=result, backup_copy_mode=mode)
    assert [operation.name for operation in available(state, REVISIONS["1.3-rev0"])] == expected


@pytest.mark.parametrize("revision", ["1.2-rev1", "1.3-rev0", "1.3-rev1", "1.3-rev2"])
def test_what_a_revision_lacks_is_not_offered(revision: str) -> None:
    """1.2-rev1 has no retry and no clone: a failed job can be started there."""
    state = JobState(id=JOB, type="VSphereBackup", status="stopped", last_result="Failed")
    offered = {operation.name for operation in available(state, REVISIONS[revision])}
    assert {"retry", "clone"} & offered == (set() if revision == "1.2-rev1" else {"retry", "clone"})
    assert "start" in offered


REF = KnownJob(ServerName("hq"), JOB)


@pytest.mark.parametrize(
    ("request_", "lacks"),
    [
        (Start(REF, full=True, chained=True), None),
        (Stop(REF, now=True), None),
        (Stop(REF, chained=True), Capability.CHAINED_STOP),
        (Retry(REF), Capability.RETRY),
        (Clone(REF), Capability.CLONE),
    ],
)
def test_what_a_request_takes_that_12_3_has_not(
    request_: Start | Stop | Retry | Clone, lacks: Capability | None
) -> None:
    """Named before anything is sent, with the VBR whose API it is; newer revisions have it all."""
    assert request_.unsupported(REVISIONS["1.2-rev1"]) == (lacks and Unsupported(lacks, "VBR 12.3"))
    assert request_.unsupported(REVISIONS["1.3-rev0"]) is None


@pytest.mark.parametrize(
    ("request_", "mode", "is_active", "is_disabled", "expected"),
    [
        (Start(REF), None, False, False, None),
        (Start(REF), None, True, False, Blocked.RUNNING),
        (Retry(REF), None, True, False, Blocked.RUNNING),
        (Stop(REF), None, True, False, None),
        (Stop(REF), None, False, False, Blocked.NOT_RUNNING),
        (Stop(REF), "Immediate", True, False, Blocked.NEVER_STOPS),
        (Stop(REF), "Periodic", True, False, None),
        (Start(REF), "Immediate", False, False, None),
        (Start(REF), None, False, True, None),
        (Enable(REF), None, False, True, None),
        (Enable(REF), None, True, False, Blocked.ENABLED),
        (Enable(REF), None, True, None, None),
        (Disable(REF), None, True, False, None),
        (Disable(REF), None, False, True, Blocked.DISABLED),
        (Disable(REF), None, True, None, None),
        (Clone(REF), "Immediate", True, True, None),
        (Delete(REF, typed_name="SQL"), None, False, False, None),
        (Delete(REF, typed_name=" SQL "), None, False, False, None),
        (Delete(REF, typed_name="sql"), None, False, False, Blocked.OTHER_NAME),
        (Delete(REF), None, False, False, Blocked.OTHER_NAME),
        (Delete(REF, typed_name="SQL"), None, True, False, Blocked.BUSY),
    ],
)
def test_what_stands_in_the_way(
    request_: JobAction,
    mode: str | None,
    expected: Blocked | None,
    *,
    is_active: bool,
    is_disabled: bool | None,
) -> None:
    """Starting what runs, stopping what doesn't, enabling what is enabled: named before anything is sent."""
    state = JobState(id=JOB, name="SQL", backup_copy_mode=mode)
    assert request_.blocked_by(JobNow(state, is_active, is_disabled, REVISIONS["1.3-rev0"])) is expected
