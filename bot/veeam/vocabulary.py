"""VBR's words for status, state and result. They are open sets: compare with `known`, show what was received.

Letter case differs between revisions (1.3-rev0 writes `running`, 1.3-rev1 `Running`) and new values appear
with new builds, so models keep the text and nothing is refused for an unknown word.
"""

from enum import StrEnum
from functools import cache
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)


class Result(StrEnum):
    """ESessionResult. `NONE` is no verdict: still running, or nothing was done."""

    NONE = "None"
    SUCCESS = "Success"
    WARNING = "Warning"
    FAILED = "Failed"


class JobStatus(StrEnum):
    """EJobStatus: what a job is doing, not how it went."""

    RUNNING = "running"
    INACTIVE = "inactive"
    DISABLED = "disabled"
    ENABLED = "enabled"
    STOPPING = "stopping"
    STOPPED = "stopped"
    STARTING = "starting"


class JobWorkload(StrEnum):
    """EJobWorkload."""

    APPLICATION = "application"
    CLOUD_VM = "cloudVm"
    FILE = "file"
    SERVER = "server"
    WORKSTATION = "workstation"
    VM = "vm"


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


def known(words: type[E], text: str | None) -> E | None:
    """The enum's word for this text, letter case aside; None for an unknown word, and for none."""
    return _by_folded_text(words).get((text or "").casefold())


@cache
def _by_folded_text(words: type[E]) -> dict[str, E]:
    return {word.value.casefold(): word for word in words}
