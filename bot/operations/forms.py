"""What a form says, and what stands in its fields: plain values, drawn by whoever shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.operations.answers import JobView
from bot.operations.catalog import Operation
from bot.operations.job_settings.drafts import JobDraft
from bot.operations.people import PersonId
from bot.operations.requests import (
    ActionRequest,
    CloneRequest,
    CreateRequest,
    DeleteRequest,
    DisableRequest,
    EditRequest,
    EnableRequest,
    QuickBackupRequest,
    RetryRequest,
    StartRequest,
    StopRequest,
)
from bot.settings import ServerName
from bot.veeam import RepositoryState, SettingsChange, SettingsField, VeeamError


@dataclass(frozen=True, slots=True)
class OthersDeed:
    """What somebody else asked for a moment ago. `outcome` is its kind on record; None: it goes on."""

    operation: Operation
    by: PersonId
    at: datetime
    outcome: str | None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Consequences:
    """What an action touches, read a moment ago.

    `last_success_at` is when the latest run began that succeeded; None where VBR lists none. `runs_before`
    is the job that this one runs after, `run_after` are those that run after it; of both only what the person
    may know of.
    """

    job: JobView
    last_success_at: datetime | None = None
    runs_before: str | None = None
    run_after: tuple[str, ...] = ()
    repository: RepositoryState | None = None
    lately: tuple[OthersDeed, ...] = ()


@dataclass(frozen=True, slots=True)
class PickForm:
    """Which job, or which machine? `request` asks for it without a name.

    `silent` are servers that did not answer, so that nothing of theirs can be found.
    """

    request: ActionRequest | QuickBackupRequest
    silent: tuple[ServerName, ...] = ()


@dataclass(frozen=True, slots=True)
class StartForm:
    """How to start a job. What does not make sense for it is not asked.

    `why_no_full` says in a word why no active full is offered: "copy", "replica", "type"; None where it is.
    """

    request: StartRequest
    consequences: Consequences
    why_no_full: str | None = None
    takes_restore_points: bool = False


@dataclass(frozen=True, slots=True)
class StopForm:
    """How to stop a job. `may_cancel_chain` where the server's API has it and jobs run after this one."""

    request: StopRequest
    consequences: Consequences
    may_cancel_chain: bool = False


@dataclass(frozen=True, slots=True)
class ActForm:
    """What an action touches that leaves nothing to choose. `request` is what to run once it is sent off."""

    request: RetryRequest | EnableRequest | DisableRequest | CloneRequest
    consequences: Consequences


@dataclass(frozen=True, slots=True)
class DeleteForm:
    """What deleting a job touches. `request` is what to run once the job's name was typed."""

    request: DeleteRequest
    consequences: Consequences


@dataclass(frozen=True, slots=True)
class NewestPoint:
    """The newest restore point of a machine, and the job that made it."""

    at: datetime
    job: JobView


@dataclass(frozen=True, slots=True)
class QuickBackupForm:
    """What backing up one machine touches. No `newest`: VBR lists no restore point of a machine so named."""

    request: QuickBackupRequest
    server: ServerName
    machine_name: str
    host_name: str
    newest: NewestPoint | None = None
    repository: RepositoryState | None = None
    lately: tuple[OthersDeed, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with what was entered, and with which part; None where nobody can tell.

    A sentence, or what the server answered, if anything.
    """

    part: SettingsField | None
    said: str = ""
    error: VeeamError | None = None


@dataclass(frozen=True, slots=True)
class JobForm:
    """The fields of a job, filled with what the draft holds. `request` is what to run with what is entered.

    `touched` is the job as it stands, None for one that is made, and while VBR is silent. `names` are those
    of repositories and credentials by ID; `time_zone` is what VBR calls its own.
    """

    request: EditRequest | CreateRequest
    draft: JobDraft
    touched: Consequences | None
    names: Mapping[str, str]
    time_zone: str | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What will be done. `request` does it, `back` shows the fields again.

    `changes` are what this person changes of a job that is there, `theirs` what somebody else changed since
    the fields were filled; `is_changed_otherwise` where that is nothing that the form shows. `repository` is
    the one that will be written to, as it stands.
    """

    request: EditRequest | CreateRequest
    back: EditRequest | CreateRequest
    draft: JobDraft
    touched: Consequences | None
    names: Mapping[str, str]
    changes: tuple[SettingsChange, ...] = ()
    theirs: tuple[SettingsChange, ...] = ()
    is_changed_otherwise: bool = False
    repository: RepositoryState | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class CreateChoice:
    """What kind of job, and on which server: a new vSphere backup, or one like a job that is there."""

    request: CreateRequest
    servers: tuple[ServerName, ...]
    problems: tuple[Problem, ...] = ()


ActionForm = StartForm | StopForm | ActForm | DeleteForm
SettingsForm = JobForm | JobSummary | CreateChoice
Form = PickForm | ActionForm | QuickBackupForm | SettingsForm
