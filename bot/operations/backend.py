"""What operations work with: servers, people, the database and the clock, built once when the bot starts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.observability import Clock
from bot.operations.audit_trail import AuditTrail
from bot.operations.codec import RequestCodec
from bot.operations.failures import Failures
from bot.operations.job_editor import DraftStore
from bot.operations.job_editor.objects import JobObjects
from bot.operations.job_states import JobStates
from bot.operations.jobs import JobFinder, JobViews
from bot.operations.model import MessageLink, Operation, People, Refusal, RequestContext
from bot.operations.outcomes import NotFound, Refused
from bot.operations.permissions import Permission, Permissions, Scope
from bot.operations.places import Places
from bot.operations.subscribers import Subscribers
from bot.settings import ApprovableOperation, Role, RouteSettings, ServerName
from bot.store import (
    Approvals,
    AuditLog,
    FailedRun,
    FailureGroups,
    Mute,
    Mutes,
    NewMute,
    OwnActions,
    Subscriptions,
    TimedDisables,
    UnmetExpectation,
)
from bot.veeam import CauseRules, Fleet, JobId, SessionId, VeeamServer

ANY_KIND = ""
"""In place of a kind of expectation: whichever is not met."""
Accounts = Mapping[tuple[ServerName, Role], VeeamServer]
"""The accounts to act under, by server and role; where there is none the fleet's own account acts."""


class WatchHealth(Protocol):
    """How watching goes, for `status` and `servers`; implemented where the bot is put together."""

    def last_poll_at(self, server: ServerName) -> datetime | None:
        """Return when the server's last good poll ended; None when there was none since the start."""

    def database_problem(self) -> str | None:
        """Return what is wrong with the bot's own database; None where it works."""
        ...

    async def outbox_waiting(self) -> int:
        """Return how many announcements wait to be sent. Raises the store's `StoreError`."""
        ...


@dataclass(frozen=True, slots=True)
class ShownSession:
    """The session that a message is about."""

    server: ServerName
    session_id: SessionId
    job_id: str | None = None


class MessageUnreadable(Exception):
    """The chat platform did not say what a message is."""


class SessionMessages(Protocol):
    """Where messages about sessions are looked up; implemented by the room that knows the chat platform."""

    async def session_of(self, link: MessageLink) -> ShownSession | None:
        """Return the session that a message of the bot is about; None for any other message.

        Raises `MessageUnreadable`, and the store's `StoreError`.
        """


class FollowUp(Protocol):
    """What people do about failed runs without VBR; implemented by the room that announces them.

    Raises the store's `StoreError`.
    """

    async def failed_run(
        self, server: ServerName, job_id: JobId, session_id: SessionId | None = None
    ) -> FailedRun | None:
        """Return the run that began with a session, or the job's latest; None unless it stands failed."""
        ...

    async def acknowledge(
        self,
        server: ServerName,
        job_id: JobId,
        session_id: SessionId,
        person: str,
        comment: str | None = None,
    ) -> FailedRun | None:
        """Have a person own a failed run; return it as it was before, None where it stands failed no more."""
        ...

    async def owners(self, server: ServerName, job_ids: Sequence[JobId]) -> Mapping[JobId, str]:
        """Return who acknowledged the latest run of which of a few jobs, where that stands failed."""
        ...

    async def unmet(self, server: ServerName, subject: str, kind: str) -> FailedRun | None:
        """Return who owns what is not as expected of a subject, of this kind; None where nothing is."""
        ...

    async def unmet_of(self, server: ServerName, job_id: JobId) -> Sequence[UnmetExpectation]:
        """Return what is not as expected of a job."""
        ...

    async def learning(self, server: ServerName, job_id: JobId, job_name: str) -> tuple[int, int] | None:
        """Return how many incrementals and fulls of a job are known, while it is learnt what is usual of it.

        None where that is known, or where nobody expects what is usual.
        """
        ...

    async def acknowledge_unmet(
        self, server: ServerName, subject: str, kind: str, person: str, comment: str | None = None
    ) -> FailedRun | None:
        """Have a person own that; return it as it was before, None where it is over."""
        ...

    async def mute(self, new: NewMute) -> tuple[str, ...]:
        """Mute a job, a server or what is its own; return the channels in which a thread says so."""
        ...

    async def find_mute(
        self,
        server: ServerName,
        *,
        job_id: JobId | None = None,
        pattern: str | None = None,
        subject: str | None = None,
    ) -> Mute | None:
        """Return what mutes a job by itself, a subject, or else the server by this pattern."""
        ...

    async def mute_of(self, server: ServerName, job_id: JobId, job_name: str) -> Mute | None:
        """Return what holds a job's messages back: its own mute, else one of its server."""
        ...

    async def muted_besides(self, ended: Mute) -> tuple[Mute | None, int]:
        """Return what still mutes all that a mute was about, and how many mutes hold on a part of it."""
        ...

    async def unmute(self, mute: Mute, person: str) -> tuple[str, ...] | None:
        """End a mute; return the channels in which a thread will say so, None where it has ended already."""
        ...


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """Which operations need a second person's approval, and how long a request waits for it.

    `channels` are where it is posted if it was asked for where nobody else reads: the first of them in which
    it may be approved. `mention` is notified of it; without it, the groups that can approve it. After `burst`
    changes that reduce protection by one person within `burst_lasts`, the next one waits too; 0: none does
    for that reason.
    """

    operations: Collection[str] = ()
    lasts: timedelta = timedelta(minutes=30)
    channels: Sequence[str] = ()
    mention: str | None = None
    burst: int = 0
    burst_lasts: timedelta = timedelta(minutes=10)

    def apply_to(self, operation: Operation, *, reduces_protection: bool = False) -> bool:
        """Whether the operation waits for a second person, whoever asks and however often."""
        if operation.name in self.operations:
            return True
        reduces_protection = reduces_protection or operation.reduces_protection
        return reduces_protection and ApprovableOperation.REDUCES_PROTECTION in self.operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Everything that requests are answered from and actions are done with."""

    fleet: Fleet
    finder: JobFinder
    views: JobViews
    failures: Failures
    causes: CauseRules
    states: JobStates
    objects: JobObjects
    permissions: Permissions
    people: People
    places: Places
    audit: AuditTrail
    audit_log: AuditLog
    approvals: Approvals
    approval_rules: ApprovalRules
    own_actions: OwnActions
    timed_disables: TimedDisables
    subscriptions: Subscriptions
    subscribers: Subscribers
    mutes: Mutes
    groups: FailureGroups
    follow_up: FollowUp
    drafts: DraftStore
    messages: SessionMessages
    health: WatchHealth
    clock: Clock
    catalog: tuple[Operation, ...]
    """What can be typed, in the order of the help."""
    codec: RequestCodec
    accounts: Accounts = field(default_factory=dict)
    routes: Sequence[RouteSettings] = ()
    default_channel: str | None = None

    def account(self, server: ServerName, permission: Permission) -> VeeamServer:
        """Return the account to act under: under one of a role that allows it, VBR enforces the role too."""
        accounts = (self.accounts.get((server, role)) for role in permission.by)
        return next((account for account in accounts if account is not None), self.fleet.server(server))

    async def servers_where_allowed(
        self,
        operation: Operation,
        named: str | None,
        context: RequestContext,
        may: Callable[[ServerName], Permission] | None = None,
    ) -> dict[ServerName, VeeamServer] | NotFound | Refused:
        """Return the servers that the name means (None: all) and where the person may, each with the account.

        `may` says where; without it, where the person may do it on some job at least. A refusal is put on
        record. Raises `StoreError`.
        """
        servers = self.finder.servers(named, context.visibility)
        if isinstance(servers, NotFound):
            return servers
        if may is None:
            permissions = {
                name: self.permissions.may(context.person, operation, Scope(name)) for name in servers
            }
        else:
            permissions = {name: may(name) for name in servers}
        allowed = {
            name: self.account(name, permission)
            for name, permission in permissions.items()
            if permission.is_allowed
        }
        refused = next(iter(permissions.values()), Permission(Refusal.SCOPE))
        return allowed or await self.audit.refuse(operation, context, refused)
