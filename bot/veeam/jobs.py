"""Jobs as VBR describes them: what they are doing, their settings as received, and what they process.

Status and type are open enums: new values appear with new builds, so the text is kept and
shown, and compared by `known`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from bot.veeam.decoding import JsonObject, Row, known
from bot.veeam.ids import JobId, SessionId
from bot.veeam.sessions import Result, SessionProgress


class JobStatus(StrEnum):
    """EJobStatus: what a job is doing, not how it went."""

    RUNNING = "running"
    INACTIVE = "inactive"
    DISABLED = "disabled"
    ENABLED = "enabled"
    STOPPING = "stopping"
    STOPPED = "stopped"
    STARTING = "starting"


class Workload(StrEnum):
    """EJobWorkload: what a job protects."""

    APPLICATION = "application"
    CLOUD_VM = "cloudVm"
    FILE = "file"
    SERVER = "server"
    WORKSTATION = "workstation"
    VM = "vm"


class RestorePoints(StrEnum):
    """EBackupCopyRestorePoints: what "Sync now" of an immediate backup copy job takes along."""

    ALL = "All"
    LATEST = "Latest"


class RetentionUnit(StrEnum):
    """ERetentionPolicyType, and the units of file copies and of Entra ID audit logs."""

    RESTORE_POINTS = "RestorePoints"
    DAYS = "Days"
    MONTHS = "Months"
    YEARS = "Years"


class Weekday(StrEnum):
    """EDayOfWeek, in the order of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_ACTIVE = frozenset({JobStatus.RUNNING, JobStatus.STARTING, JobStatus.STOPPING})


class RunAfterJob(JsonObject, frozen=True, gc=False):
    """The predecessor in a chain of jobs."""

    job_name: str | None = None
    job_id: JobId | None = None


class JobState(Row, frozen=True, gc=False):
    """What a job is doing, how its latest run went and when the next one is due (JobStateModel).

    `last_result` turns `None` while a job runs or retries: it does not overwrite what was known before.
    `next_run_policy` is text of the server's, in its language, brackets included.

    The last four are not VBR's. What sessions say, where somebody asked them: a run goes on although the
    status says `disabled`; a person stopped the run that Failed; a part of the run failed. And whether it was
    put together from the job's model and its newest run, while VBR failed to say it.
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
    has_running_session: bool = False
    was_stopped: bool = False
    failed_part: SessionId | None = None
    is_put_together: bool = False

    @property
    def is_active(self) -> bool:
        """Whether a run is starting, going on or stopping."""
        return self.has_running_session or known(JobStatus, self.status) in _ACTIVE

    @property
    def is_immediate_copy(self) -> bool:
        """Whether it is a backup copy that runs all the time; only the parts of its run end."""
        return (self.backup_copy_mode or "").casefold() == "immediate"

    @property
    def is_disabled(self) -> bool:
        """Whether the job does not follow its schedule. A disabled job can still be started."""
        return known(JobStatus, self.status) is JobStatus.DISABLED

    @property
    def result(self) -> Result | None:
        """The latest run's result: `Result.NONE` before the first run, None for a word we don't know.

        None also for a run that a person stopped: it has not failed.
        """
        if self.was_stopped:
            return None
        return Result.FAILED if self.failed_part else known(Result, self.last_result or Result.NONE)


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
    def is_disabled(self) -> bool:
        """Whether the job does not follow its schedule."""
        return self.raw.get("isDisabled") is True

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


class QueuedBackup(JsonObject, frozen=True):
    """The job through which a computer is backed up now (AgentQuickBackupResultModel)."""

    job_id: Annotated[JobId, msgspec.Meta(min_length=1)]


class _NamedObject(JsonObject, frozen=True, gc=False):
    name: str = ""


class _Excluded(JsonObject, frozen=True, gc=False):
    vms: tuple[_NamedObject, ...] = ()


class _Machines(JsonObject, frozen=True, gc=False):
    includes: tuple[_NamedObject, ...] = ()
    excludes: _Excluded | None = None


class JobContents(Row, frozen=True, gc=False):
    """What a job's model says of what it processes."""

    id: Annotated[JobId, msgspec.Meta(min_length=1)]
    name: str = ""
    type: str = ""
    virtual_machines: _Machines | None = None
    computers: tuple[_NamedObject, ...] | None = None

    @property
    def names_objects(self) -> bool:
        """Whether the objects are named at all: `GET /jobs` may leave them out."""
        return self.virtual_machines is not None or self.computers is not None

    @property
    def included(self) -> tuple[str, ...]:
        """The names of its objects; a folder, a tag or a group stands for all that is in it."""
        machines = self.virtual_machines.includes if self.virtual_machines is not None else ()
        return tuple(each.name for each in (*machines, *(self.computers or ())) if each.name)

    @property
    def excluded(self) -> tuple[str, ...]:
        """The names of machines that it leaves out of its folders, tags and hosts."""
        excludes = self.virtual_machines.excludes if self.virtual_machines is not None else None
        return tuple(each.name for each in excludes.vms if each.name) if excludes is not None else ()
