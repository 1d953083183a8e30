"""Sessions, their task sessions and their log records."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from bot.veeam.ids import JobId, SessionId, TaskSessionId
from bot.veeam.jobs import SessionProgress
from bot.veeam.rows import Part, Row
from bot.veeam.vocabulary import Result, ScanResult, ScanState, SessionState, known

_ZEROS = frozenset("0-")
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_OUTCOME_OF_SCAN = {
    ScanResult.NONE: Result.NONE,
    ScanResult.CLEAN: Result.SUCCESS,
    ScanResult.INFECTED: Result.FAILED,
    ScanResult.FAILED: Result.FAILED,
    ScanResult.CANCELED: Result.WARNING,
    ScanResult.INCONCLUSIVE: Result.WARNING,
}


class SessionResult(Part, frozen=True, gc=False):
    """How a session went, in a word and in VBR's own.

    `is_canceled` stays false for a run that was stopped through the API: whoever stopped it has to remember.
    """

    result: str = ""
    message: str | None = None
    is_canceled: bool | None = None

    @classmethod
    def as_object(cls, value: object) -> dict[str, Any] | None:
        """Some builds send the bare word."""
        return {"result": value} if isinstance(value, str) else super().as_object(value)


class RetryInfo(Part, frozen=True, gc=False):
    """Which retry of a run a session is; 0 is the run's first session."""

    is_recheck_retry: bool | None = None
    retry_number: int | None = None


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
    resource_id: str | None = None
    resource_reference: str | None = None
    parent_session_id: SessionId | None = None
    usn: int | None = None
    platform_name: str | None = None
    platform_id: str | None = None
    initiated_by: str | None = None
    original_session_id: SessionId | None = None
    retry_info: RetryInfo | None = None

    @property
    def retries(self) -> SessionId | None:
        """The first session of the run that this one retries; None where VBR names none."""
        original = self.original_session_id
        return None if original is None or original == self.id or set(original) <= _ZEROS else original

    @property
    def begins_run(self) -> bool:
        """Whether VBR says that this is no retry; False also where it says nothing."""
        return self.retries is None and self.retry_info is not None and self.retry_info.retry_number == 0

    @property
    def is_stopped(self) -> bool:
        """Whether the session is over."""
        return known(SessionState, self.state) is SessionState.STOPPED

    @property
    def outcome(self) -> Result | None:
        """The result: `Result.NONE` without a verdict, None for a word we don't know."""
        return _outcome(self.result)


class TaskSession(Row, frozen=True, gc=False):
    """The part of a session for one object: backup, replica, restore or antivirus scan, by `type`.

    A scan has `scan_state` and `scan_result` in place of `state` and `result`. Times come from VBR without an
    offset and are read as the server's local time of today: wrong by an hour across a clock change.
    """

    id: Annotated[TaskSessionId, msgspec.Meta(min_length=1)]
    type: str = ""
    session_id: SessionId | None = None
    session_type: str = ""
    creation_time: datetime | None = None
    end_time: datetime | None = None
    name: str = ""
    state: str | None = None
    result: SessionResult | None = None
    algorithm: str | None = None
    repository_id: str | None = None
    restore_point_id: str | None = None
    restore_point_reference: str | None = None
    replica_point_id: str | None = None
    replica_point_reference: str | None = None
    usn: int | None = None
    progress: SessionProgress | None = None
    scan_type: str | None = None
    scan_state: str | None = None
    scan_result: str | None = None
    antivirus_name: str | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether this object's part is over."""
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
    update_time: datetime | None = None
    title: str = ""
    description: str = ""
    additional_info: str | None = None

    def place(self) -> tuple[datetime, int]:
        """Where the record stands in its log; VBR does not send them in order."""
        return self.start_time or _BEFORE_ALL, self.id or 0


@dataclass(frozen=True)
class Accepted:
    """VBR took the request (2xx); what comes of it is the session's to tell.

    `session` is None when VBR named none: nothing to process, or an answer that could not be read.
    """

    session: Session | None = None


def _outcome(result: SessionResult | None) -> Result | None:
    return known(Result, (result and result.result) or Result.NONE)
