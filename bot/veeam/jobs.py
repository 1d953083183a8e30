"""Jobs: their states (`/jobs/states`), their rows (`/jobs`), and one job kept whole (`/jobs/{id}`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec

from bot.veeam.ids import JobId, SessionId
from bot.veeam.rows import Part, Row
from bot.veeam.vocabulary import JobStatus, Result, known

_DURATION = re.compile(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d)(?:\.\d+)?")
_ACTIVE = frozenset({JobStatus.RUNNING, JobStatus.STARTING, JobStatus.STOPPING})


class SessionProgress(Part, frozen=True, gc=False):
    """Numbers of a session or of one of its task sessions. Sizes are bytes.

    `processing_rate` is text in the server's locale (`131,9 MB`, `N/A`): show it, never compute with it.
    """

    duration: str | None = None
    processing_rate: str | None = None
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


class RunAfterJob(Part, frozen=True, gc=False):
    """The predecessor in a chain of jobs."""

    job_name: str | None = None
    job_id: JobId | None = None


class JobState(Row, frozen=True, gc=False):
    """What a job is doing, how its latest run went and when the next one is due (JobStateModel).

    `last_result` turns `None` while a job runs or retries: it does not overwrite what was known before.
    `next_run_policy` is text of the server's, in its language, brackets included.
    """

    id: Annotated[JobId, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    description: str = ""
    status: str = ""
    last_run: datetime | None = None
    last_result: str = ""
    next_run: datetime | None = None
    next_run_policy: str | None = None
    workload: str | None = None
    repository_id: str | None = None
    repository_name: str | None = None
    objects_count: int | None = None
    session_id: SessionId | None = None
    high_priority: bool = False
    progress_percent: int | None = None
    session_progress: SessionProgress | None = None
    run_after_job: RunAfterJob | None = None
    backup_copy_mode: str | None = None
    is_storage_snapshot: bool = False

    @property
    def is_active(self) -> bool:
        """Whether a run is starting, going on or stopping."""
        return known(JobStatus, self.status) in _ACTIVE

    @property
    def is_disabled(self) -> bool:
        """Whether the job does not follow its schedule. A disabled job can still be started."""
        return known(JobStatus, self.status) is JobStatus.DISABLED

    @property
    def result(self) -> Result | None:
        """The latest run's result: `Result.NONE` before the first run, None for a word we don't know."""
        return known(Result, self.last_result or Result.NONE)


class JobRow(Row, frozen=True, gc=False):
    """One row of `/jobs`, which leaves out jobs that the revision cannot model: prefer job states."""

    id: Annotated[JobId, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    description: str = ""
    is_disabled: bool = False
    is_high_priority: bool = False


@dataclass(frozen=True)
class RetryPolicy:
    """How VBR retries a scheduled run that failed. The defaults are the document's."""

    enabled: bool = False
    count: int = 3
    wait_minutes: int = 10


@dataclass(frozen=True)
class Job:
    """A job's settings, kept exactly as received, because PUT replaces: unknown keys must go back too.

    To edit, copy `raw`, change it in place and send `Job(raw)`.
    """

    raw: Mapping[str, Any]

    @property
    def id(self) -> JobId:
        """The job's id; empty where the answer had none."""
        return JobId(self._text("id"))

    @property
    def name(self) -> str:
        """The job's name."""
        return self._text("name")

    @property
    def type(self) -> str:
        """EJobType, as received."""
        return self._text("type")

    @property
    def description(self) -> str:
        """Free text."""
        return self._text("description")

    @property
    def is_disabled(self) -> bool:
        """Whether the job does not follow its schedule."""
        return self.raw.get("isDisabled") is True

    @property
    def is_high_priority(self) -> bool:
        """Whether VBR's scheduler gives this job resources first."""
        return self.raw.get("isHighPriority") is True

    @property
    def runs_automatically(self) -> bool | None:
        """Whether the job has a schedule; None where the answer doesn't say."""
        flag = self._schedule.get("runAutomatically")
        return flag if isinstance(flag, bool) else None

    @property
    def retry(self) -> RetryPolicy | None:
        """The schedule's retries; None where the answer doesn't say."""
        retry = self._schedule.get("retry")
        if not isinstance(retry, Mapping):
            return None
        return RetryPolicy(
            enabled=retry.get("isEnabled") is True,
            count=_number(retry.get("retryCount"), RetryPolicy.count),
            wait_minutes=_number(retry.get("awaitMinutes"), RetryPolicy.wait_minutes),
        )

    @property
    def _schedule(self) -> Mapping[str, Any]:
        schedule = self.raw.get("schedule")
        return schedule if isinstance(schedule, Mapping) else {}

    def _text(self, key: str) -> str:
        value = self.raw.get(key)
        return value if isinstance(value, str) else ""


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise
