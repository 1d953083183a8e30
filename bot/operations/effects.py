"""What an action did, as VBR tells it or as it was found since: one kind for each way to change a job."""

from dataclasses import dataclass
from datetime import datetime

from bot.veeam import JobId, Session


@dataclass(frozen=True, slots=True)
class Ran:
    """A run began or is being stopped: its session, None where VBR named none."""

    session: Session | None


@dataclass(frozen=True, slots=True)
class Switched:
    """The job was taken off its schedule, or put back on it; `until` when the bot will enable it again."""

    is_disabled: bool
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cloned:
    """There is a copy, under the name that VBR gave it."""

    job_id: JobId
    name: str
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """The job is gone; its backups stay, orphaned."""


@dataclass(frozen=True, slots=True)
class Created:
    """There is a new job, as VBR tells it."""

    job_id: JobId
    name: str
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Edited:
    """The job's settings were replaced; `changes` say what is otherwise now, each in words."""

    changes: tuple[str, ...]


Effect = Ran | Switched | Cloned | Deleted | Created | Edited
