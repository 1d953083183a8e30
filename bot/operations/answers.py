"""What there is to show when an operation worked: plain values, drawn by whoever shows them."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.operations.catalog import Operation
from bot.operations.effects import Effect, Ran
from bot.operations.people import Person, PersonId
from bot.operations.requests import AuditRequest, JobsRequest, SessionsRequest
from bot.settings import GrantSettings, Role
from bot.store import Approval, AuditRecord
from bot.veeam import (
    Job,
    JobId,
    JobState,
    LogRecord,
    RepositoryState,
    ServerInfo,
    ServerName,
    ServerTime,
    Session,
    TaskSession,
    VeeamError,
)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job state on its server, with what a list says of it.

    `failed_in_a_row` counts the latest finished sessions that failed, None when not asked for; `reason` is
    the failure in VBR's own words. `operations` are those of the catalog that this person may do on it as it
    stands.
    """

    server: ServerName
    state: JobState
    failed_in_a_row: int | None = None
    reason: str | None = None
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """A server that did not answer, and why."""

    server: ServerName
    error: VeeamError


@dataclass(frozen=True, slots=True)
class JobsAnswer:
    """One page of jobs. `total` counts all matches on servers that answered; a lower bound unless exact."""

    request: JobsRequest
    rows: tuple[JobView, ...]
    total: int
    page_size: int
    unreadable: int
    silences: tuple[Silence, ...]
    as_of: datetime
    total_is_exact: bool = True


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session on its server, with the name of its job as this bot shows it."""

    server: ServerName
    session: Session
    job_id: JobId | None
    stopped_by: PersonId | None = None


@dataclass(frozen=True, slots=True)
class JobAnswer:
    """One job in full. `job` is None for types that the revision cannot describe."""

    view: JobView
    job: Job | None
    recent: tuple[SessionView, ...]
    repository: RepositoryState | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class SessionsAnswer:
    """One page of sessions, newest first; `total` is None where a server does not say."""

    request: SessionsRequest
    job_name: str | None
    rows: tuple[SessionView, ...]
    total: int | None
    page_size: int
    silences: tuple[Silence, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """One session in full: its objects, and its failed and warning log records."""

    view: SessionView
    job: JobView | None
    tasks: tuple[TaskSession, ...]
    records: tuple[LogRecord, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class ServerView:
    """One server: whether it answers, its time, its build if this account may know it, its last good poll.

    `lacks` are the operations that its revision of the API does not have, which came with `product`.
    """

    server: ServerName
    time: ServerTime | None
    info: ServerInfo | None
    error: VeeamError | None
    answered_in_ms: int | None
    last_poll_at: datetime | None
    product: str = ""
    lacks: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What stands on one server now, of what this person may see; lists are cut, totals are not."""

    server: ServerName
    running: tuple[JobView, ...]
    failed: tuple[JobView, ...]
    running_total: int
    failed_total: int
    warning_total: int
    disabled_total: int
    jobs_total: int
    repositories: tuple[RepositoryState, ...]
    last_poll_at: datetime | None


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """How things are, server by server. `outbox_waiting` is None where the database does not answer."""

    servers: tuple[ServerStatus, ...]
    silences: tuple[Silence, ...]
    outbox_waiting: int | None
    as_of: datetime


@dataclass(frozen=True, slots=True)
class ServersAnswer:
    """The servers this person may see."""

    servers: tuple[ServerView, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class LackingServer:
    """A server whose revision of the API, which came with `product`, does not have these operations."""

    server: ServerName
    product: str
    lacks: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class AuditAnswer:
    """One page of the audit record, newest first. `is_cut` where only its latest part was looked through."""

    request: AuditRequest
    rows: tuple[AuditRecord, ...]
    has_more: bool
    is_cut: bool
    as_of: datetime


@dataclass(frozen=True, slots=True)
class HelpAnswer:
    """What this person may do; `topic` when one operation was asked about.

    `lacking` are the servers on which some of it cannot be done by anybody; `under_four_eyes` is what takes a
    second person.
    """

    operations: tuple[Operation, ...]
    topic: Operation | None
    unknown_word: str | None
    nearest: Operation | None
    is_granted_anything: bool
    lacking: tuple[LackingServer, ...] = ()
    under_four_eyes: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldGrant:
    """One grant that applies to a person, and the group (or the person themself) it came by."""

    grant: GrantSettings
    via: str


@dataclass(frozen=True, slots=True)
class WhoamiAnswer:
    """Who somebody is here: the grants that apply and what they may do with them.

    `under_four_eyes` is what of it takes a second person.
    """

    person: Person
    held: tuple[HeldGrant, ...]
    roles: tuple[Role, ...]
    operations: tuple[Operation, ...]
    under_four_eyes: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnDeed:
    """What somebody did. `outcome` is its kind on record ("done", "unclear" …), None where there is none."""

    operation: Operation
    server: ServerName
    job_name: str
    at: datetime
    outcome: str | None


@dataclass(frozen=True, slots=True)
class DisabledUntil:
    """A job that was disabled for a time, and by whom."""

    server: ServerName
    job_name: str
    by: PersonId
    until: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a second person: what somebody may decide, and what they asked for themself.

    What expires soonest stands first.
    """

    to_decide: tuple[Approval, ...] = ()
    own: tuple[Approval, ...] = ()


@dataclass(frozen=True, slots=True)
class HomeAnswer:
    """One person's own page. `status` is None for somebody who is granted nothing.

    Then `groups` are those that have some role, as people know them. `lately` is newest first, and None where
    the database does not answer; `disabled` is what ends soonest first. `waiting` is empty where nothing
    takes a second person.
    """

    whoami: WhoamiAnswer
    status: StatusAnswer | None
    lately: tuple[OwnDeed, ...] | None
    as_of: datetime
    groups: tuple[str, ...] = ()
    disabled: tuple[DisabledUntil, ...] = ()
    waiting: Waiting = field(default_factory=Waiting)


@dataclass(frozen=True, slots=True)
class ActionAnswer:
    """VBR accepted an action; `effect` is what it did."""

    operation: Operation
    by: PersonId
    server: ServerName
    job_id: JobId
    job_name: str
    effect: Effect
    detail: str | None  # "active full", "at once", "with chained jobs"
    at: datetime
    reference: str | None = None  # under which it is on record; None: that of the gesture
    approver: PersonId | None = None
    reason: str | None = None

    @property
    def session(self) -> Session | None:
        """The run it began or is stopping; None where there is none, or VBR named none."""
        return self.effect.session if isinstance(self.effect, Ran) else None


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """A request that waited for a second person was declined, or taken back."""

    approval: Approval


Answer = (
    JobsAnswer
    | JobAnswer
    | SessionsAnswer
    | SessionAnswer
    | StatusAnswer
    | ServersAnswer
    | AuditAnswer
    | HelpAnswer
    | WhoamiAnswer
    | HomeAnswer
    | ActionAnswer
    | ApprovalAnswer
)
