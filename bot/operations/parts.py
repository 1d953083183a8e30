"""The parts of the operations: built once, and which of them answers which request."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from bot.observability import Clock
from bot.operations.accounts import Accounts, AllowedServers
from bot.operations.actions import Actions, Memory
from bot.operations.approvals.deciding import Deciding
from bot.operations.approvals.four_eyes import ApprovalRules, Bench, FourEyes
from bot.operations.approvals.waiting import WaitingRoom
from bot.operations.approvals.wishes import Bindings
from bot.operations.asking import Asking
from bot.operations.audit import Audit
from bot.operations.consequences import Touched
from bot.operations.home import HomePage, Kept
from bot.operations.job import JobDetails
from bot.operations.job_settings.choices import JobChoices
from bot.operations.job_settings.creating import Creating, Making
from bot.operations.job_settings.drafts import DraftBook
from bot.operations.job_settings.editing import Editing
from bot.operations.job_settings.fields import JobFields
from bot.operations.job_settings.objects import JobObjects
from bot.operations.jobs import Jobs
from bot.operations.lately import Lately
from bot.operations.lookup import Lookup
from bot.operations.once import Once, Ready
from bot.operations.outcomes import Outcome
from bot.operations.people import People
from bot.operations.personal import Personal
from bot.operations.ports import OperationMetrics, WatchHealth
from bot.operations.quick_backup import Keeping, QuickBackups
from bot.operations.reasons import Reasons
from bot.operations.record import Record
from bot.operations.requests import (
    ActionRequest,
    ApproveRequest,
    AuditRequest,
    CreateRequest,
    DeclineRequest,
    HelpRequest,
    HomeRequest,
    JobRequest,
    JobsRequest,
    QuickBackupRequest,
    Request,
    ServersRequest,
    SessionRequest,
    SessionsRequest,
    StatusRequest,
    WhoamiRequest,
)
from bot.operations.roles import Rights
from bot.operations.searching import Finders, Search, Suggestions
from bot.operations.seen import JobViews
from bot.operations.sending import Plans, Sender
from bot.operations.servers import Servers
from bot.operations.sessions import Sessions, SessionViews
from bot.operations.suggestion import Suggestion
from bot.settings import GrantSettings
from bot.store.approvals import Approvals
from bot.store.audit import AuditLog
from bot.store.drafts import Drafts
from bot.store.own_actions import OwnActions
from bot.store.presses import Presses
from bot.store.timed_disables import TimedDisables


@dataclass(frozen=True, slots=True)
class Stores:
    """What the operations keep and read back."""

    audit: AuditLog
    presses: Presses
    own_actions: OwnActions
    timed_disables: TimedDisables
    drafts: Drafts
    approvals: Approvals


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say about who may do what, and where. No `allowed_channels`: everywhere."""

    grants: Sequence[GrantSettings]
    allowed_channels: Collection[str] = ()
    approvals: ApprovalRules = field(default_factory=ApprovalRules)

    def takes_gestures_in(self, channel_id: str) -> bool:
        """Whether something may be asked for in the channel."""
        return not self.allowed_channels or channel_id in self.allowed_channels

    @property
    def approvals_where_allowed(self) -> ApprovalRules:
        """The rules of approvals: where no button may be pressed, nobody is asked."""
        channels = tuple(filter(self.takes_gestures_in, self.approvals.channels))
        return replace(self.approvals, channels=channels)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whom the runner asks and tells: people, watching, metrics and time."""

    people: People
    health: WatchHealth
    metrics: OperationMetrics
    clock: Clock


class Parts:
    """Answers requests of those who may ask. Raises `VeeamError` and `StoreError`."""

    def __init__(
        self, accounts: Accounts, stores: Stores, rules: Rules, surroundings: Surroundings, rights: Rights
    ) -> None:
        fleet, clock = accounts.fleet, surroundings.clock
        record = Record(stores.audit, clock)
        lookup, reasons, views = Lookup(fleet, clock), Reasons(fleet), JobViews(rights, fleet)
        sessions, lately = SessionViews(stores.own_actions), Lately(stores.audit, clock)
        bench, bindings = Bench(stores.approvals, record, surroundings.people), Bindings(fleet)
        four_eyes = FourEyes(rules.approvals_where_allowed, rights, bindings, bench, clock)
        once = Once(stores.presses, four_eyes, clock)

        self._personal = Personal(surroundings.people, rights, fleet, four_eyes)
        self._jobs = Jobs(fleet, lookup, views, reasons, clock)
        self._job = JobDetails(fleet, lookup, views, reasons, sessions, clock)
        self._sessions = Sessions(fleet, lookup, views, sessions, clock)
        self._servers = Servers(fleet, lookup, views, surroundings.health, clock)
        kept = Kept(stores.audit, stores.timed_disables, WaitingRoom(stores.approvals, rights, clock))
        self._home = HomePage(self._personal, self._servers, reasons, kept, clock)
        self._audit = Audit(stores.audit, lookup, rights, fleet.names, clock)

        book, objects = DraftBook(stores.drafts, clock), JobObjects(clock)
        fields = JobFields(book, objects, rights, record)
        editing = Editing(fields, views, Touched(fleet, views, lately))
        sender = Sender(fleet, views, record, Plans(stores.own_actions, stores.timed_disables), clock)
        memory = Memory(record, once, lately, accounts)
        self._actions = Actions(fleet, lookup, rights, sender, editing, memory)
        allowed = AllowedServers(accounts, lookup, rights, record)
        self._creating = Creating(fleet, allowed, Making(fields, record, once), clock)
        keeping = Keeping(record, once, lately, stores.own_actions)
        self._quick_backups = QuickBackups(fleet, allowed, views, keeping, clock)
        self._deciding = Deciding(bench, rights, bindings, self._prepare, clock)
        self._suggestions = Suggestions(fleet, lookup, rights, Finders(JobChoices(objects), book, accounts))

    async def suggest(self, search: Search, asking: Asking) -> tuple[Suggestion, ...]:
        """Return what a search menu offers."""
        return await self._suggestions.find(search, asking)

    async def answer(self, request: Request, asking: Asking) -> Outcome:
        """Do what is asked for, and return what came of it."""
        if isinstance(request, ActionRequest):
            return await self._actions.run(request, asking)
        match request:
            case HelpRequest():
                return await self._personal.help(request, asking)
            case WhoamiRequest():
                return await self._personal.whoami(request, asking)
            case HomeRequest():
                return await self._home.show(asking)
            case JobsRequest():
                return await self._jobs.list(request, asking)
            case JobRequest():
                return await self._job.show(request, asking)
            case SessionsRequest():
                return await self._sessions.list(request, asking)
            case SessionRequest():
                return await self._sessions.show(request, asking)
            case StatusRequest():
                return await self._servers.status(request, asking)
            case ServersRequest():
                return await self._servers.servers(request, asking)
            case AuditRequest():
                return await self._audit.list(request, asking)
            case CreateRequest():
                return await self._creating.run(request, asking)
            case QuickBackupRequest():
                return await self._quick_backups.run(request, asking)
            case ApproveRequest():
                return await self._deciding.approve(request, asking)
            case DeclineRequest():
                return await self._deciding.decline(request, asking)
            case _:
                assert_never(request)

    async def _prepare(self, request: Request, asking: Asking) -> Ready[Any] | Outcome:
        """What was asked for, made ready anew once it is approved."""
        if isinstance(request, ActionRequest):
            return await self._actions.prepare(request, asking)
        match request:
            case CreateRequest():
                return await self._creating.prepare(request, asking)
            case QuickBackupRequest():
                return await self._quick_backups.prepare(request, asking)
            case _:
                raise TypeError(request)
