"""Sessions as VBR describes them, their objects and their logs, and what it answers when one is to begin.

States and results are open enums: new values appear with new builds, so the text is kept and
shown, and compared by `known`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from bot.veeam.decoding import JsonObject, Row, known
from bot.veeam.ids import JobId, SessionId, TaskSessionId, names_nothing

_DURATION = re.compile(r"(?:(\d{1,6})\.)?(\d{1,6}):(\d\d):(\d\d)(?:\.\d+)?")
_BY_USER = re.compile(r"\bcancel+ed by (?:the )?user\b", re.IGNORECASE)
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Result(StrEnum):
    """ESessionResult. `NONE`: still running, or nothing was done."""

    NONE = "None"
    SUCCESS = "Success"
    WARNING = "Warning"
    FAILED = "Failed"


class SessionState(StrEnum):
    """ESessionState. Only `STOPPED` is final."""

    STOPPED = "Stopped"
    STARTING = "Starting"
    STOPPING = "Stopping"
    WORKING = "Working"
    PAUSING = "Pausing"
    RESUMING = "Resuming"
    WAITING_TAPE = "WaitingTape"
    IDLE = "Idle"
    POSTPROCESSING = "Postprocessing"
    WAITING_REPOSITORY = "WaitingRepository"
    WAITING_SLOT = "WaitingSlot"


class LogStatus(StrEnum):
    """ETaskLogRecordStatus: *Succeeded*, where a session says Success."""

    NONE = "None"
    SUCCEEDED = "Succeeded"
    WARNING = "Warning"
    FAILED = "Failed"


class ScanState(StrEnum):
    """EAntivirusScanState."""

    NOT_STARTED = "NotStarted"
    IN_PROGRESS = "InProgress"
    FINISHED = "Finished"


class ScanResult(StrEnum):
    """EAntivirusScanResult."""

    NONE = "None"
    CLEAN = "Clean"
    INFECTED = "Infected"
    FAILED = "Failed"
    CANCELED = "Canceled"
    INCONCLUSIVE = "Inconclusive"


_OUTCOME_OF_SCAN = {
    ScanResult.NONE: Result.NONE,
    ScanResult.CLEAN: Result.SUCCESS,
    ScanResult.INFECTED: Result.FAILED,
    ScanResult.FAILED: Result.FAILED,
    ScanResult.CANCELED: Result.WARNING,
    ScanResult.INCONCLUSIVE: Result.WARNING,
}


class SessionProgress(JsonObject, frozen=True, gc=False):
    """Numbers of a session or of one of its task sessions. Sizes are bytes."""

    duration: str | None = None
    bottleneck: str | None = None
    processed_size: int | None = None
    read_size: int | None = None
    transferred_size: int | None = None
    progress_percent: int | None = None

    @property
    def duration_seconds(self) -> int | None:
        """`HH:MM:SS`, or `D.HH:MM:SS`, as seconds."""
        found = _DURATION.fullmatch(self.duration or "")
        if found is None:
            return None
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class SessionResult(JsonObject, frozen=True, gc=False):
    """How a session went, in a word and in VBR's own text."""

    result: str = ""
    message: str | None = None
    is_canceled: bool | None = None

    @classmethod
    def as_object(cls, value: object) -> dict[str, Any] | None:
        """Some builds send the bare word."""
        return {"result": value} if isinstance(value, str) else super().as_object(value)


class RetryInfo(JsonObject, frozen=True, gc=False):
    """Which retry of a run a session is; 0 is the run's first session."""

    retry_number: int | None = None


def says_by_user(text: str | None) -> bool:
    """Whether VBR's words say that a person stopped something.

    What its backup window ended is none of that: the words are "by user".
    """
    return _BY_USER.search(text or "") is not None


def says_stopped(own: str | None, failed: Sequence[str | None], log: Iterable[str]) -> bool:
    """Whether the words of a failed session say that a person stopped it, and no object failed otherwise.

    `own` is the session's message, `failed` are those of all objects that failed. A guess: VBR names nobody
    for a stop.
    """
    if failed:
        return all(map(says_by_user, failed))
    return any(map(says_by_user, (own, *log)))


class Session(Row, frozen=True, gc=False):
    """One run of a job, or of any other activity of the server (SessionModel).

    `original_session_id` and `retry_info` tie a retry to the run's first session; only 1.3-rev2 gives them.

    `job_id` may be the id of something other than a job, and all zeros. `progress_percent` 100 is not the
    end: only `is_stopped` is.
    """

    id: Annotated[SessionId, msgspec.Meta(min_length=1)]
    name: str = ""
    job_id: JobId | None = None
    session_type: str = ""
    creation_time: datetime | None = None
    end_time: datetime | None = None
    state: str = ""
    progress_percent: int | None = None
    result: SessionResult | None = None
    parent_session_id: SessionId | None = None
    initiated_by: str | None = None
    original_session_id: SessionId | None = None
    retry_info: RetryInfo | None = None

    @property
    def retries(self) -> SessionId | None:
        """The first session of the run that this one retries; None where VBR names none."""
        original = self.original_session_id
        return None if original is None or original == self.id or names_nothing(original) else original

    @property
    def part_of(self) -> SessionId | None:
        """The session of which this is a part, as copy and agent jobs have them; None for most."""
        parent = self.parent_session_id
        return None if parent is None or parent == self.id or names_nothing(parent) else parent

    @property
    def begins_run(self) -> bool:
        """Whether VBR says that this is no retry; False also where it says nothing."""
        return self.retries is None and self.retry_info is not None and self.retry_info.retry_number == 0

    @property
    def is_stopped(self) -> bool:
        """Whether the session is over."""
        return known(SessionState, self.state) is SessionState.STOPPED

    @property
    def waits(self) -> bool:
        """Whether it waits for something to do, as an immediate copy does for ever between its parts."""
        return known(SessionState, self.state) is SessionState.IDLE

    @property
    def is_canceled(self) -> bool:
        """Whether VBR says that a person stopped it; False says nothing, for VBR often doesn't."""
        canceled = self.result is not None and self.result.is_canceled is True
        return canceled and self.is_stopped and self.outcome is not Result.SUCCESS

    @property
    def seems_canceled(self) -> bool:
        """Whether VBR says so, or the session's own message does; one of its objects may yet have failed."""
        own = self.result.message if self.result is not None else None
        return self.is_canceled or (self.outcome is Result.FAILED and says_by_user(own))

    @property
    def result_word(self) -> str:
        """VBR's word for the result, as received; `None` where it gave none."""
        return (self.result and self.result.result) or Result.NONE.value

    @property
    def outcome(self) -> Result | None:
        """The result: `Result.NONE` without a verdict, None for a word we don't know."""
        return _outcome(self.result)


class TaskSession(Row, frozen=True, gc=False):
    """What a session does for one object: backup, replica, restore or antivirus scan, by `type`.

    A scan has `scan_state` and `scan_result` in place of `state` and `result`. Times come from VBR without an
    offset and are read as the server's local time.
    """

    id: Annotated[TaskSessionId, msgspec.Meta(min_length=1)]
    type: str = ""
    session_id: SessionId | None = None
    creation_time: datetime | None = None
    name: str = ""
    state: str | None = None
    result: SessionResult | None = None
    restore_point_id: str | None = None
    progress: SessionProgress | None = None
    scan_state: str | None = None
    scan_result: str | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether this object is done."""
        if self.state is None:
            return known(ScanState, self.scan_state) is ScanState.FINISHED
        return known(SessionState, self.state) is SessionState.STOPPED

    @property
    def outcome(self) -> Result | None:
        """The result, a scan's included (infected is Failed); None for a word we don't know."""
        if self.result is None and self.scan_result is not None:
            found = known(ScanResult, self.scan_result)
            return None if found is None else _OUTCOME_OF_SCAN[found]
        return _outcome(self.result)


class LogRecord(Row, frozen=True, gc=False):
    """A line of a session's log. `title` carries the text: several lines, names of accounts and hosts."""

    id: int | None = None
    status: str = ""
    start_time: datetime | None = None
    title: str = ""
    description: str = ""

    def sort_key(self) -> tuple[datetime, int]:
        """By which a log is put in order; VBR does not send its records so."""
        return self.start_time or _BEFORE_ALL, self.id or 0


@dataclass(frozen=True)
class Accepted:
    """VBR took the request (2xx); its session tells the outcome.

    `session` is None when VBR named none: nothing to process, or an answer that could not be read. `job_id`
    is the job that runs then, where VBR names that instead of a session.
    """

    session: Session | None = None
    job_id: JobId | None = None


def _outcome(result: SessionResult | None) -> Result | None:
    return known(Result, (result and result.result) or Result.NONE)
