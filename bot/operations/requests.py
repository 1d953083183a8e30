"""One asking, typed. Typed words, a button, a menu and a shortcut all become one of these."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.operations.job_settings.entries import JobEntries
from bot.operations.people import PersonId
from bot.veeam import JobId, RestorePoints, ServerName, SessionId


class JobsFilter(StrEnum):
    """Which jobs a list shows; the words are those of the slash command."""

    RUNNING = "running"
    FAILED = "failed"
    WARNING = "warning"
    SUCCESS = "success"
    NONE = "none"
    DISABLED = "disabled"


class SessionsFilter(StrEnum):
    """Which sessions a list shows."""

    RUNNING = "running"
    FAILED = "failed"
    WARNING = "warning"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class NamedJob:
    """A job by what somebody typed: its name or a unique part of it. `exact` when it stood in quotes.

    Without `text` nobody said which one: a form asks.
    """

    text: str
    server: str | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class KnownJob:
    """A job by its identity, as a button carries it."""

    server: ServerName
    job_id: JobId


JobRef = NamedJob | KnownJob


@dataclass(frozen=True, slots=True)
class Drawn:
    """The state a job was in when its button was drawn: its latest session, and whether it was active."""

    session_id: SessionId | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """What can I do here? `word` asks about one operation."""

    word: str | None = None


@dataclass(frozen=True, slots=True)
class WhoamiRequest:
    """What may I do, and why? `person` asks about somebody else."""

    person: PersonId | None = None


@dataclass(frozen=True, slots=True)
class HomeRequest:
    """What concerns me: what is wrong now, what runs, what I did lately, my roles. Nobody types it."""


@dataclass(frozen=True, slots=True)
class JobsRequest:
    """A list of jobs. `page` counts from 0."""

    which: JobsFilter | None = None
    pattern: str | None = None
    type: str | None = None
    repository: str | None = None
    server: str | None = None
    page: int = 0


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One job in full."""

    job: JobRef


@dataclass(frozen=True, slots=True)
class SessionsRequest:
    """A list of sessions, newest first. `within` reaches back from the server's now; `page` counts from 0."""

    which: SessionsFilter | None = None
    job: JobRef | None = None
    within: timedelta | None = None
    server: str | None = None
    page: int = 0


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """One session in full. Without a server every server is asked for the ID."""

    session_id: SessionId
    server: str | None = None


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """How are things: failed, running, silent servers, repositories running full."""

    server: str | None = None


@dataclass(frozen=True, slots=True)
class ServersRequest:
    """Which servers there are, and whether they answer."""

    server: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What was done and refused through the bot, newest first. `page` counts from 0.

    A job is meant by the name it had at the time; `within` reaches back from now.
    """

    job: JobRef | None = None
    person: PersonId | None = None
    within: timedelta | None = None
    server: str | None = None
    page: int = 0


class Step(StrEnum):
    """How far somebody is with what takes a form."""

    CHOOSE = "choose"  # what it is about is asked first
    FILL = "fill"  # the form is shown
    REVIEW = "review"  # it was filled in: what will be done is shown, or what is wrong
    SEND = "send"  # do it


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Start a job now. `restore_points` are those that an immediate backup copy takes."""

    job: JobRef
    full: bool = False
    chained: bool = False
    drawn: Drawn | None = None
    restore_points: RestorePoints | None = None
    step: Step = Step.SEND


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Stop a running job; gracefully unless `now`."""

    job: JobRef
    now: bool = False
    chained: bool = False
    drawn: Drawn | None = None
    step: Step = Step.SEND


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """Run the failed objects of a job's last session again."""

    job: JobRef
    chained: bool = False
    drawn: Drawn | None = None
    step: Step = Step.SEND


@dataclass(frozen=True, slots=True)
class EnableRequest:
    """Let a job follow its schedule again."""

    job: JobRef
    drawn: Drawn | None = None
    step: Step = Step.SEND


@dataclass(frozen=True, slots=True)
class DisableRequest:
    """Take a job off its schedule; a run in progress goes on. After `span` the bot enables it again."""

    job: JobRef
    drawn: Drawn | None = None
    span: timedelta | None = None
    step: Step = Step.SEND


@dataclass(frozen=True, slots=True)
class CloneRequest:
    """Copy a job; VBR names the copy."""

    job: JobRef
    drawn: Drawn | None = None
    step: Step = Step.SEND


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """Remove a job; its backups stay. Without `typed_name`, the job's name as typed, a form is needed.

    `reason` is why, in the asker's own words.
    """

    job: JobRef
    drawn: Drawn | None = None
    typed_name: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EditRequest:
    """Change a job's settings. `draft` holds what was entered so far; `entered` is never written down."""

    job: JobRef
    draft: str | None = None
    step: Step = Step.FILL
    entered: JobEntries | None = None


PlainRequest = (
    StartRequest | StopRequest | RetryRequest | EnableRequest | DisableRequest | CloneRequest | DeleteRequest
)
ActionRequest = PlainRequest | EditRequest


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """Make a new job on a server: a vSphere backup, or one of the kind of `like`, a job that is there.

    `draft` holds what was entered so far; `entered` is never written down.
    """

    server: str | None = None
    like: KnownJob | None = None
    draft: str | None = None
    step: Step = Step.CHOOSE
    entered: JobEntries | None = None


@dataclass(frozen=True, slots=True)
class NamedMachine:
    """A virtual machine by its whole name. Without `text` nobody said which one: a form asks."""

    text: str
    server: str | None = None


@dataclass(frozen=True, slots=True)
class KnownMachine:
    """A virtual machine by its place in an inventory, as a menu carries it."""

    server: ServerName
    host_name: str
    object_id: str


MachineRef = NamedMachine | KnownMachine


@dataclass(frozen=True, slots=True)
class QuickBackupRequest:
    """Back up one virtual machine now, through the job that has its newest restore point."""

    machine: MachineRef
    step: Step = Step.SEND


@dataclass(frozen=True, slots=True)
class ApproveRequest:
    """Let what waits for a second person be done."""

    approval_id: str


@dataclass(frozen=True, slots=True)
class DeclineRequest:
    """Let what waits for a second person not be done; by whoever asked for it: take it back."""

    approval_id: str


Request = (
    HelpRequest
    | WhoamiRequest
    | HomeRequest
    | JobsRequest
    | JobRequest
    | SessionsRequest
    | SessionRequest
    | StatusRequest
    | ServersRequest
    | AuditRequest
    | ActionRequest
    | CreateRequest
    | QuickBackupRequest
    | ApproveRequest
    | DeclineRequest
)


class Origin(StrEnum):
    """How somebody asked."""

    TYPED = "typed"
    BUTTON = "button"
    MENU = "menu"
    FORM = "form"
    SHORTCUT = "shortcut"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Gesture:
    """Who asked, where, how, and under which reference the log and the audit record find it.

    `reference` is short and shown to people. `press_key` is the same for every delivery of one press, so that
    a second press or a redelivery is recognised; for typed words it identifies the one delivery.
    `is_direct` where nobody but the person and the bot reads along; no `channel_id`: it was in no channel.
    """

    reference: str
    person_id: PersonId
    team_id: str | None
    channel_id: str | None
    origin: Origin
    press_key: str
    is_direct: bool = False
