"""The outcomes of requests: a closed union, matched with `assert_never` where it is drawn or counted.

An expected "no" is a value here, with a named reason; only servers and the database raise. Words for people
are made where outcomes are drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot import veeam
from bot.operations.model import (
    AuditSubject,
    ClosedRole,
    KnownMachine,
    Operation,
    Refusal,
    Request,
    Standing,
)
from bot.settings import PersonId, Role
from bot.store import Approval, Subscription


class Answer:
    """What there is to show when an operation worked; each verb's file has its own."""

    __slots__ = ()


class Form:
    """What a form says and what stands in its fields: plain values; each verb's file has its own.

    `request` is what to run with what is filled in.
    """

    __slots__ = ()
    request: Request

    @property
    def reduces_protection(self) -> bool:
        """Whether it is known by what was entered that there are fewer backups afterwards."""
        return False


@dataclass(frozen=True, slots=True)
class Streak:
    """How many of a job's latest runs failed without a break; `is_longer` where VBR has more of them."""

    failed: int
    is_longer: bool = False


@dataclass(frozen=True, slots=True)
class JobView:
    """A job state on its server, with what a list says of it.

    `streak` is None where it was not asked for; `reason` is the failure in VBR's own words, `object_name` the
    object that they are about, `finding` the cause that they name. `operations` are those of the catalog that
    this person may do on it as it stands. `owner` acknowledged its failed run, as far as asked for.
    """

    server: veeam.ServerName
    state: veeam.JobState
    streak: Streak | None = None
    reason: str | None = None
    operations: tuple[Operation, ...] = ()
    finding: veeam.Finding | None = None
    owner: str | None = None
    object_name: str | None = None


@dataclass(frozen=True, slots=True)
class SilentServer:
    """A server that did not answer, and why."""

    server: veeam.ServerName
    error: veeam.VeeamError


def silent_servers(failures: Mapping[veeam.ServerName, veeam.VeeamError]) -> tuple[SilentServer, ...]:
    """Return the servers that failed to answer a question, in the order asked."""
    return tuple(SilentServer(server, error) for server, error in failures.items())


@dataclass(frozen=True, slots=True)
class RecentAction:
    """An action on record. `outcome` is its kind there ("done", "unclear" …); None: it goes on."""

    operation: Operation
    by: PersonId
    at: datetime
    outcome: str | None
    server: veeam.ServerName
    job_name: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """A run began or is being stopped: its session, None where VBR named none.

    `job_id` is the job that runs, where VBR chose it and named it instead of a session.
    """

    session: veeam.Session | None
    job_id: veeam.JobId | None = None


@dataclass(frozen=True, slots=True)
class Switched:
    """The job was taken off its schedule, or put back on it; `until` when the bot will enable it again."""

    is_disabled: bool
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cloned:
    """There is a copy, under the name that VBR gave it. `is_editable`: Edit can change its settings."""

    job_id: veeam.JobId
    name: str
    is_disabled: bool
    is_editable: bool = True


@dataclass(frozen=True, slots=True)
class Deleted:
    """The job is gone; its backups stay, orphaned."""


@dataclass(frozen=True, slots=True)
class Created:
    """There is a new job, as VBR describes it."""

    job_id: veeam.JobId
    name: str
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Edited:
    """The job's settings were replaced; `changes` say what is different now, each in words."""

    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The person owns the job's failed run now, perhaps `instead_of` another.

    `shown_in` are the channels in which a thread says so. `is_unmet`: it is not a run but what is not as
    expected of the job, and its message says so.
    """

    instead_of: PersonId | None = None
    shown_in: tuple[str, ...] = ()
    is_unmet: bool = False


@dataclass(frozen=True, slots=True)
class EarlierMute:
    """A mute of the same, by whom and until when."""

    by: PersonId
    until: datetime
    until_success: bool = False
    is_longer: bool = False
    """Than what was asked for: it is kept."""


@dataclass(frozen=True, slots=True)
class Muted:
    """Messages about the job, or a server's jobs, are held back until then, or until the job succeeds.

    `before` is the mute that it takes the place of; one that lasts longer goes on as long as it did.
    """

    until: datetime
    until_success: bool = False
    shown_in: tuple[str, ...] = ()
    before: EarlierMute | None = None


@dataclass(frozen=True, slots=True)
class Unmuted:
    """They are posted again as usual, but for what other mutes hold back.

    That is all of it `still_until` then; otherwise what `narrower` ones are about, so many.
    """

    shown_in: tuple[str, ...] = ()
    still_until: datetime | None = None
    narrower: int = 0


Effect = Ran | Switched | Cloned | Deleted | Created | Edited | Acknowledged | Muted | Unmuted
"""What an action did, as VBR says or as it was found since: one kind for each way to change a job."""


@dataclass(frozen=True, slots=True)
class ActionAnswer(Answer):
    """VBR accepted an action; `effect` is what it did. `never_stops`: VBR could not stop the run it began."""

    operation: Operation
    by: PersonId
    server: veeam.ServerName
    job_id: veeam.JobId
    job_name: str
    effect: Effect
    detail: str | None  # "active full", "at once", "with chained jobs"
    at: datetime
    reference: str | None = None  # under which it is on record; None: that of the gesture
    approver: PersonId | None = None
    reason: str | None = None
    never_stops: bool = False

    @property
    def session(self) -> veeam.Session | None:
        """The run it began or is stopping; None where there is none, or VBR named none."""
        return self.effect.session if isinstance(self.effect, Ran) else None

    @property
    def shown_in(self) -> tuple[str, ...]:
        """The channels in which a thread says so, whatever the answer is."""
        match self.effect:
            case Acknowledged(shown_in=shown_in) | Muted(shown_in=shown_in) | Unmuted(shown_in=shown_in):
                return shown_in
            case _:
                return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Detailed:
    """An outcome with details; `missing` are those that a server did not say.

    `lacks_database`: what the bot itself keeps could not be read.
    """

    missing: tuple[veeam.MissingDetail, ...] = ()
    lacks_database: bool = False


@dataclass(frozen=True, slots=True)
class Done(Detailed):
    """It worked; `answer` says what there is to show."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Refused:
    """This person may not. Names the roles that may and the groups that have them: whom to ask.

    `closed` goes with `Refusal.REVISION`: the role that the server's VBR does not let.
    """

    refusal: Refusal
    operation: Operation
    standing: Standing
    roles_needed: tuple[Role, ...] = ()
    groups: tuple[str, ...] = ()
    closed: ClosedRole | None = None


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """The words could not be read. `problem` is a plain sentence; `suggestion` a command that can be."""

    text: str
    problem: str
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound(Detailed):
    """Nothing of that name that this person may see; `nearest` are names that are alike.

    `what` is "job", "session", "server", "type" or "repository"; "run": no run of that job; "message": no
    session behind the link; "mute": it is not muted; "mutes": nothing of that server is. `suggestion` is a
    command that was perhaps meant (`jobs failed` for `jobs faild`). `hidden` is a job that is there, and that
    the person may not know of: for the record, never to be shown. Not `has_answers`: nobody who was asked
    answered, so that there may well be such a thing.
    """

    what: str
    word: str
    nearest: tuple[str, ...] = ()
    silent: tuple[veeam.ServerName, ...] = ()
    suggestion: str | None = None
    hidden: AuditSubject | None = None
    has_answers: bool = True


@dataclass(frozen=True, slots=True)
class JobChoice:
    """One of several jobs that a word may mean.

    `request` is what runs on it, where the words can be read in several ways; otherwise all run the same.
    """

    server: veeam.ServerName
    job_id: veeam.JobId
    name: str
    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Ambiguous(Detailed):
    """Several jobs match, or one in several ways: the person chooses, and the request runs with the choice.

    `is_part` where only a part of their names was typed.
    """

    word: str
    request: Request
    choices: tuple[JobChoice, ...]
    total: int
    silent: tuple[veeam.ServerName, ...] = ()
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class PartOfName(Detailed):
    """A part of one job's name was typed; nothing was done, and `request` does it on that job."""

    operation: Operation
    word: str
    job: JobView
    request: Request


@dataclass(frozen=True, slots=True)
class SubscribedTo:
    """A subscription, and why it shows nothing at the moment, if so.

    Not `is_named`: its job, pattern or server is not for the person who looks. `job_name` is its job's by
    now. `may_end`: the person may end it.
    """

    subscription: Subscription
    refusal: Refusal | None = None
    is_named: bool = True
    job_name: str | None = None
    may_end: bool = True


@dataclass(frozen=True, slots=True)
class Offered(Detailed):
    """An action was asked for where none is done at once; nothing was done, and `request` does it.

    `job` is the job as it stands. No `name`: a form asks what it is to be done on, or it is done on so many
    `jobs` at once. `subscription` is the one that would be ended.
    """

    operation: Operation
    request: Request
    name: str = ""
    server: str = ""
    job: JobView | None = None
    subscription: SubscribedTo | None = None
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineChoice:
    """A machine that may be meant."""

    machine: KnownMachine
    name: str
    place: str


@dataclass(frozen=True, slots=True)
class AmbiguousMachine(Detailed):
    """Several machines bear the name, or a silent server may have another: the person chooses.

    With `is_part` none bears it, and these have it in theirs.
    """

    word: str
    choices: tuple[MachineChoice, ...]
    total: int
    silent: tuple[veeam.ServerName, ...] = ()
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class AlreadyPressed:
    """The same button was pressed before; nothing was done now."""

    operation: Operation
    by: PersonId
    at: datetime
    by_same_person: bool


@dataclass(frozen=True, slots=True)
class StaleButton(Detailed):
    """The job is no longer as it was when the button was drawn; `request` is what to ask again with.

    `recent` is what others did to it a moment ago: perhaps why it has moved on.
    """

    operation: Operation
    job: JobView
    request: Request
    recent: tuple[RecentAction, ...] = ()


class NoSubscription(StrEnum):
    """Why a channel was not subscribed to anything, or a subscription not ended."""

    NO_CHANNEL = "no_channel"  # asked for where no message can go
    NOT_MEMBER = "not_member"  # the bot isn't in the channel
    ALREADY = "already"
    CHANNEL_FULL = "channel_full"
    PERSON_FULL = "person_full"
    ALL_FULL = "all_full"
    NONE_SUCH = "none_such"  # nothing to end
    ENDED = "ended"  # somebody was faster


@dataclass(frozen=True, slots=True)
class NotSubscribed(Detailed):
    """Nothing about the channel's subscriptions was changed. `there` is the one that is there already."""

    operation: Operation
    why: NoSubscription
    there: Subscription | None = None
    at_most: int = 0


class Blocked(StrEnum):
    """Why an action makes no sense on a job as it stands."""

    RUNNING = "running"  # start or retry, and it runs
    NOT_RUNNING = "not_running"  # stop, and it does not run
    NEVER_STOPS = "never_stops"  # stop of an immediate backup copy: VBR can only disable it
    ENABLED = "enabled"  # enable, and it is
    DISABLED = "disabled"  # disable, and it is
    BUSY = "busy"  # delete, and it runs
    OTHER_NAME = "other_name"  # delete, and the name that was typed is another one
    UNDESCRIBED = "undescribed"  # edit, and VBR's API cannot describe jobs of this type
    NO_FULL_REPLICA = "no_full_replica"  # start with an active full, and it is a replica
    NO_FULL_COPY = "no_full_copy"  # the same, and it is a backup copy
    NO_FULL_TYPE = "no_full_type"  # the same, and its type makes none
    NO_POLICY = "no_policy"  # a command to the agents of a policy, and it is none
    NO_CACHE = "no_cache"  # clear the backup cache, and its computers keep none
    NO_CLONE = "no_clone"  # clone, and VBR's API does not clone jobs of this type
    NO_RESTORE_POINTS = "no_restore_points"  # a choice of restore points, and it is no immediate backup copy
    NOT_FAILED = "not_failed"  # acknowledge, and its latest run has not failed, or was made up for
    OVER = "over"  # acknowledge what is not as expected, and by now it is
    OWN_ALREADY = "own_already"  # acknowledge, and the person did
    NOT_MUTED = "not_muted"  # unmute, and nothing mutes it
    MUTED_WITH_SERVER = "muted_with_server"  # unmute, and a mute of its server holds its messages back
    TIME_PASSED = "time_passed"  # disable until a time that has passed, when it is approved at last
    UNSUPPORTED = "lacked"  # the server's revision of the API has no such thing


@dataclass(frozen=True, slots=True)
class Unsupported:
    """What a server's revision of the API does not have; `product` is the VBR that the revision came with."""

    capability: veeam.Capability
    product: str

    @property
    def needed(self) -> str:
        """The oldest VBR that has it."""
        return veeam.product_with(self.capability)


@dataclass(frozen=True, slots=True)
class UnsupportedMachine(Detailed):
    """The only machine of that name is of a platform that its server's revision can't do this for."""

    operation: Operation
    name: str
    server: veeam.ServerName
    platform: str
    unsupported: Unsupported


@dataclass(frozen=True, slots=True)
class ServerMuted:
    """What mutes a job with others of its server; without `ended_by`, its pattern is not for this person."""

    until: datetime
    ended_by: str | None  # what to type


@dataclass(frozen=True, slots=True)
class NotPossible(Detailed):
    """The job as it stands, or its server, does not allow it, for a named reason. Nothing was sent.

    `unsupported` goes with `Blocked.UNSUPPORTED`, `muted` with `Blocked.MUTED_WITH_SERVER`; `recent` is what
    others did to the job a moment ago.
    """

    operation: Operation
    job: JobView
    blocked: Blocked
    unsupported: Unsupported | None = None
    recent: tuple[RecentAction, ...] = ()
    muted: ServerMuted | None = None


@dataclass(frozen=True, slots=True)
class AlreadyOver(Detailed):
    """There is nothing to do about what is no job: it is over by now, or the person did it."""

    operation: Operation
    server: veeam.ServerName
    name: str
    blocked: Blocked


@dataclass(frozen=True, slots=True)
class NeedsForm(Detailed):
    """What is asked for takes a form; nothing was done. `form` is what the form says.

    `needs_approval`: sent off, it will wait for a second person.
    """

    operation: Operation
    form: Form
    needs_approval: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalRequested(Detailed):
    """It needs a second person, who is asked now; nothing was sent.

    `is_held_back` where the channel cannot be posted to at the moment, so that nobody sees the request yet.
    """

    operation: Operation
    approval: Approval
    is_held_back: bool = False


@dataclass(frozen=True, slots=True)
class AlreadyRequested:
    """The same waits for a second person already, asked for by the person that `approval` names."""

    operation: Operation
    approval: Approval


@dataclass(frozen=True, slots=True)
class AlreadyDecided:
    """A request that cannot be decided: it is over, or is found to be so just now. Nothing was sent."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class Unclear(Detailed):
    """It was sent and no answer came: it may or may not have happened.

    `job` is its state looked up since; `found` is what speaks for its having happened.
    """

    operation: Operation
    job_name: str
    server: veeam.ServerName
    job: JobView | None
    found: Effect | None
    error: veeam.VeeamError

    @property
    def session_id(self) -> veeam.SessionId | None:
        """The session that was found, if any."""
        session = self.found.session if isinstance(self.found, Ran) else None
        return session.id if session is not None else None


@dataclass(frozen=True, slots=True)
class Failed(Detailed):
    """A server refused or did not answer; nothing was done.

    `form` is the form that asked for it, with what was entered and what is wrong.
    """

    operation: Operation
    error: veeam.VeeamError
    job_name: str | None = None
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class DraftExpired:
    """What was entered in a form is no longer kept; nothing was done."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class TooMany:
    """The person has that many under way, and more than that nobody gets; nothing was done.

    `is_a_minute`: so many were asked for within a minute, whatever their outcome.
    """

    operation: Operation
    under_way: int
    is_action: bool = False
    is_a_minute: bool = False


@dataclass(frozen=True, slots=True)
class InternalError:
    """Our own failure: the log has the traceback under the same reference."""

    what: str  # "store": the database did not answer; "bug": anything unforeseen
    changed: bool | None  # whether VBR was changed; None when that is not known


Sent = Done | Unclear | Failed
"""The outcomes of something that was sent to VBR."""
Recorded = Sent | NotSubscribed
"""The outcomes of what was put on record before it was done."""

Outcome = (
    Done
    | Refused
    | SyntaxProblem
    | NotFound
    | Ambiguous
    | PartOfName
    | Offered
    | AmbiguousMachine
    | UnsupportedMachine
    | AlreadyPressed
    | StaleButton
    | NotPossible
    | AlreadyOver
    | NotSubscribed
    | NeedsForm
    | ApprovalRequested
    | AlreadyRequested
    | AlreadyDecided
    | Unclear
    | Failed
    | DraftExpired
    | TooMany
    | InternalError
)


def kind_of(outcome: Outcome) -> str:
    """Return the outcome's kind as the log, the metrics and the audit record write it."""
    return _KINDS[type(outcome)]


_KINDS: Mapping[type[Outcome], str] = {
    Done: "done",
    Refused: "refused",
    SyntaxProblem: "misread",
    NotFound: "not_found",
    Ambiguous: "ambiguous",
    PartOfName: "part_of_name",
    Offered: "offered",
    AmbiguousMachine: "which_machine",
    UnsupportedMachine: "not_now",
    AlreadyPressed: "pressed_before",
    StaleButton: "moved_on",
    NotPossible: "not_now",
    AlreadyOver: "not_now",
    NotSubscribed: "not_now",
    NeedsForm: "needs_form",
    ApprovalRequested: "asked",
    AlreadyRequested: "asked_before",
    AlreadyDecided: "settled",
    Unclear: "unclear",
    Failed: "failed",
    DraftExpired: "forgotten",
    TooMany: "too_many",
    InternalError: "broken",
}
