"""What came of one asking: a closed union, matched with `assert_never` where it is drawn or counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.operations.answers import Answer, JobView
from bot.operations.catalog import Operation
from bot.operations.effects import Effect, Ran
from bot.operations.forms import Form, OthersDeed
from bot.operations.people import PersonId, Standing
from bot.operations.requests import ActionRequest, KnownMachine, Request
from bot.settings import Role
from bot.store import Approval
from bot.veeam import Capability, JobId, ServerName, SessionId, VeeamError


class Refusal(StrEnum):
    """Why somebody was refused."""

    STANDING = "standing"  # a guest, a foreigner, a bot, somebody deactivated
    PERSON_UNREADABLE = "person_unreadable"
    GROUPS_UNREADABLE = "groups_unreadable"
    CHANNEL = "channel"
    NO_GRANT = "no_grant"
    ROLE = "role"  # granted something, but not this
    SCOPE = "scope"  # the role is there, but not on this server or job
    OWN_REQUEST = "own_request"  # whoever asked for it cannot be the second person
    ASKER_UNREADABLE = "asker_unreadable"  # nobody can say what whoever asked for it may do now
    NOWHERE = "nowhere"  # it takes a second person, and there is no channel to ask one in


@dataclass(frozen=True, slots=True)
class Done:
    """It worked; `answer` says what there is to show."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Refused:
    """This person may not. Names the roles that may and the groups that have them: whom to ask."""

    refusal: Refusal
    operation: Operation
    standing: Standing
    roles_needed: tuple[Role, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Misread:
    """The words could not be read. `problem` is a plain sentence; `suggestion` a command that can be."""

    text: str
    problem: str
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """Nothing of that name that this person may see; `nearest` are names that are alike.

    `what` is "job", "session", "server", "type" or "repository". `suggestion` is a command that was perhaps
    meant (`jobs failed` for `jobs faild`).
    """

    what: str
    word: str
    nearest: tuple[str, ...] = ()
    silent: tuple[ServerName, ...] = ()
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several jobs that a word may mean."""

    server: ServerName
    job_id: JobId
    name: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several jobs match: the person chooses, and `request` runs with the choice."""

    word: str
    request: Request
    choices: tuple[Choice, ...]
    total: int
    silent: tuple[ServerName, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineChoice:
    """One of several virtual machines of one name."""

    machine: KnownMachine
    name: str


@dataclass(frozen=True, slots=True)
class WhichMachine:
    """Several virtual machines bear the name, or a silent server may have another: the person chooses."""

    word: str
    choices: tuple[MachineChoice, ...]
    total: int
    silent: tuple[ServerName, ...] = ()


@dataclass(frozen=True, slots=True)
class PressedBefore:
    """The same button was pressed before; nothing was done now."""

    operation: Operation
    by: PersonId
    at: datetime
    by_same_person: bool


@dataclass(frozen=True, slots=True)
class MovedOn:
    """The job is no longer as it was when the button was drawn; `request` is what to ask again with.

    `lately` is what others asked for on it a moment ago: perhaps why it has moved.
    """

    operation: Operation
    job: JobView
    request: ActionRequest
    lately: tuple[OthersDeed, ...] = ()


class Obstacle(StrEnum):
    """Why an action makes no sense on a job as it stands."""

    RUNNING = "running"  # start or retry, and it runs
    NOT_RUNNING = "not_running"  # stop, and it does not run
    NEVER_STOPS = "never_stops"  # stop of an immediate backup copy: VBR can only disable it
    ENABLED = "enabled"  # enable, and it is
    DISABLED = "disabled"  # disable, and it is
    BUSY = "busy"  # delete, and it runs
    OTHER_NAME = "other_name"  # delete, and the name that was typed is another one
    UNDESCRIBED = "undescribed"  # edit, and VBR's API cannot describe jobs of this type
    LACKED = "lacked"  # the server's revision of the API has no such thing


@dataclass(frozen=True, slots=True)
class Lack:
    """What a server's revision of the API does not have; `product` is the VBR that it came with."""

    capability: Capability
    product: str


@dataclass(frozen=True, slots=True)
class NotNow:
    """The job as it stands, or its server, does not allow it, for a named reason. Nothing was sent.

    `lack` goes with `Obstacle.LACKED`; `lately` is what others asked for on the job a moment ago.
    """

    operation: Operation
    job: JobView
    obstacle: Obstacle
    lack: Lack | None = None
    lately: tuple[OthersDeed, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedsForm:
    """What is asked for takes a form; nothing was done. `form` is what the form says."""

    operation: Operation
    form: Form


@dataclass(frozen=True, slots=True)
class Asked:
    """It takes a second person, who is asked now; nothing was sent.

    `is_held_back` where the channel cannot be posted to at the moment, so that nobody sees the request yet.
    """

    operation: Operation
    approval: Approval
    is_held_back: bool = False


@dataclass(frozen=True, slots=True)
class AskedBefore:
    """The same waits for a second person already, asked for by whoever `approval` says."""

    operation: Operation
    approval: Approval


@dataclass(frozen=True, slots=True)
class Settled:
    """A request that cannot be decided: it is over, or is found to be so just now. Nothing was sent."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class Unclear:
    """It was sent and no answer came: it may or may not have happened.

    `job` is its state looked up since; `found` is what speaks for its having happened.
    """

    operation: Operation
    job_name: str
    server: ServerName
    job: JobView | None
    found: Effect | None
    error: VeeamError

    @property
    def session_id(self) -> SessionId | None:
        """The session that was found, if any."""
        session = self.found.session if isinstance(self.found, Ran) else None
        return session.id if session is not None else None


@dataclass(frozen=True, slots=True)
class Failed:
    """A server said no or did not answer; nothing was done.

    `form` is the form that asked for it, with what was entered and what is wrong.
    """

    operation: Operation
    error: VeeamError
    job_name: str | None = None
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was entered in a form is no longer kept; nothing was done."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Broken:
    """Our own failure: the log has the traceback under the same reference."""

    what: str  # "store": the database did not answer; "bug": anything unforeseen
    changed: bool | None  # whether VBR was changed; None when that is not known


Sent = Done | Unclear | Failed
"""What came of something that was sent to VBR."""

Outcome = (
    Done
    | Refused
    | Misread
    | NotFound
    | Ambiguous
    | WhichMachine
    | PressedBefore
    | MovedOn
    | NotNow
    | NeedsForm
    | Asked
    | AskedBefore
    | Settled
    | Unclear
    | Failed
    | Forgotten
    | Broken
)


def kind_of(outcome: Outcome) -> str:
    """Return the outcome's kind as the log, the metrics and the audit record write it."""
    return _KINDS[type(outcome)]


_KINDS: Mapping[type[Outcome], str] = {
    Done: "done",
    Refused: "refused",
    Misread: "misread",
    NotFound: "not_found",
    Ambiguous: "ambiguous",
    WhichMachine: "which_machine",
    PressedBefore: "pressed_before",
    MovedOn: "moved_on",
    NotNow: "not_now",
    NeedsForm: "needs_form",
    Asked: "asked",
    AskedBefore: "asked_before",
    Settled: "settled",
    Unclear: "unclear",
    Failed: "failed",
    Forgotten: "forgotten",
    Broken: "broken",
}
