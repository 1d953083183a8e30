"""One asking from end to end: who it is, whether they may, what comes of it, and one log line about it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

import structlog

from bot.observability import Clock
from bot.operations.actions import Actions, Memory
from bot.operations.answers import ActionAnswer
from bot.operations.approvals.deciding import Deciding
from bot.operations.approvals.four_eyes import ApprovalRules, Bench, FourEyes
from bot.operations.approvals.wishes import Bindings, reason_of
from bot.operations.asking import Asking
from bot.operations.audit import Audit
from bot.operations.catalog import HELP, Operation, operation_of
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
from bot.operations.outcomes import (
    Asked,
    AskedBefore,
    Broken,
    Done,
    Failed,
    Misread,
    MovedOn,
    NotNow,
    Outcome,
    Refusal,
    Refused,
    Settled,
    Unclear,
    kind_of,
)
from bot.operations.people import People, Person
from bot.operations.personal import Personal
from bot.operations.ports import OperationMetrics, WatchHealth
from bot.operations.quick_backup import Keeping, QuickBackups
from bot.operations.reasons import Reasons
from bot.operations.record import Record
from bot.operations.requests import (
    ApproveRequest,
    AuditRequest,
    CloneRequest,
    CreateRequest,
    DeclineRequest,
    DeleteRequest,
    DisableRequest,
    EditRequest,
    EnableRequest,
    Gesture,
    HelpRequest,
    HomeRequest,
    JobRequest,
    JobsRequest,
    QuickBackupRequest,
    Request,
    RetryRequest,
    ServersRequest,
    SessionRequest,
    SessionsRequest,
    StartRequest,
    StatusRequest,
    StopRequest,
    WhoamiRequest,
)
from bot.operations.roles import Rights, Verdict
from bot.operations.searching import Finders, Search, Suggestions
from bot.operations.seen import JobViews
from bot.operations.sending import Acting, Plans, Sender
from bot.operations.servers import Servers
from bot.operations.sessions import Sessions, SessionViews
from bot.operations.suggestion import Suggestion
from bot.settings import GrantSettings
from bot.store.approvals import Approvals
from bot.store.audit import AuditLog
from bot.store.drafts import Drafts
from bot.store.errors import StoreError
from bot.store.own_actions import OwnActions
from bot.store.presses import Presses
from bot.store.timed_disables import TimedDisables
from bot.veeam import Fleet, VeeamError

log = structlog.get_logger()

STORE = "store"


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


@dataclass(frozen=True, slots=True)
class Servants:
    """The servers, and the accounts to act under in place of the fleet's own, by server and role."""

    fleet: Fleet
    acting: Acting = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whom the runner asks and tells: people, watching, metrics and time."""

    people: People
    health: WatchHealth
    metrics: OperationMetrics
    clock: Clock


class Runner:
    """Turns a gesture and its request into an outcome; every refusal is on record."""

    def __init__(self, servants: Servants, stores: Stores, rules: Rules, surroundings: Surroundings) -> None:
        fleet, clock = servants.fleet, surroundings.clock
        self._surroundings = surroundings
        self._allowed_channels = frozenset(rules.allowed_channels)
        self._rights = Rights(rules.grants)
        self._record = Record(stores.audit, clock)
        lookup, reasons, views = Lookup(fleet, clock), Reasons(fleet), JobViews(self._rights, fleet)
        sessions = SessionViews(stores.own_actions)
        plans = Plans(stores.own_actions, stores.timed_disables)
        sender = Sender(fleet, views, self._record, plans, clock)
        bindings = Bindings(fleet)
        bench = Bench(stores.approvals, self._record, surroundings.people)
        four_eyes = FourEyes(self._approval_rules(rules), self._rights, bindings, bench, clock)
        once = Once(stores.presses, four_eyes, clock)
        lately = Lately(stores.audit, clock)
        memory = Memory(self._record, once, lately, servants.acting)
        self._personal = Personal(surroundings.people, self._rights, fleet, four_eyes)
        self._jobs = Jobs(fleet, lookup, views, reasons, clock)
        self._job = JobDetails(fleet, lookup, views, reasons, sessions, clock)
        self._sessions = Sessions(fleet, lookup, views, sessions, clock)
        self._servers = Servers(fleet, lookup, views, surroundings.health, clock)
        self._home = HomePage(
            self._personal, self._servers, reasons, Kept(stores.audit, stores.timed_disables), clock
        )
        self._audit = Audit(stores.audit, lookup, self._rights, fleet.names, clock)
        book, objects = DraftBook(stores.drafts, clock), JobObjects(clock)
        fields = JobFields(book, objects, self._rights, self._record)
        editing = Editing(fields, views, Touched(fleet, views, lately))
        self._actions = Actions(fleet, lookup, self._rights, sender, editing, memory)
        making = Making(fields, self._record, once)
        self._creating = Creating(fleet, lookup, self._rights, making, servants.acting, clock)
        finders = Finders(JobChoices(objects), book, servants.acting)
        self._suggestions = Suggestions(fleet, lookup, self._rights, finders)
        keeping = Keeping(self._record, once, lately, stores.own_actions)
        self._quick_backups = QuickBackups(fleet, lookup, self._rights, keeping, servants.acting, clock)
        self._deciding = Deciding(bench, self._rights, bindings, self._prepared, clock)

    async def run(self, gesture: Gesture, request: Request | Misread) -> Outcome:
        """Return what came of it; what servers and database raise are outcomes too.

        Words that could not be read come back as they are, to whoever is let in; they count as `help`.
        """
        began = self._surroundings.clock.monotonic()
        operation = HELP if isinstance(request, Misread) else operation_of(request)
        outcome = await self._outcome(operation, gesture, request)
        seconds = self._surroundings.clock.monotonic() - began
        self._surroundings.metrics.operation_finished(operation.name, kind_of(outcome), seconds=seconds)
        _tell(operation, gesture, outcome, seconds)
        return outcome

    async def suggest(self, gesture: Gesture, search: Search) -> tuple[Suggestion, ...]:
        """Return what a search menu offers; nothing to whoever may not, and where nobody can say.

        It is no attempt at anything: a refusal is not on record. Never raises.
        """
        try:
            person = await self._surroundings.people.read(gesture.person_id, gesture.team_id)
            if self._verdict(person, operation_of(search.request), gesture).refusal is not None:
                return ()
            asking = Asking(person, gesture, self._rights.sight(person))
            return await self._suggestions.find(search, asking)
        except (VeeamError, StoreError) as error:
            log.warning("operations.nothing_suggested", sought=search.sought, error=str(error))
            return ()

    async def shown(self, reference: str, *, channel_id: str, ts: str, link: str | None) -> None:
        """Put on record which message told an action. Never raises: the action stands either way."""
        try:
            await self._record.shown(reference, channel_id=channel_id, ts=ts, link=link)
        except StoreError as error:
            log.error("operations.message_not_recorded", reference=reference, error=str(error))

    async def _outcome(self, operation: Operation, gesture: Gesture, request: Request | Misread) -> Outcome:
        try:
            person = await self._surroundings.people.read(gesture.person_id, gesture.team_id)
            verdict = self._verdict(person, operation, gesture)
            if verdict.refusal is not None:
                outcome: Outcome = await self._refused(operation, person, gesture, verdict)
            elif isinstance(request, Misread):
                outcome = request
            else:
                sight = self._rights.sight(person)
                asking = Asking(person, gesture, sight, reason=reason_of(request))
                outcome = await self._answer(request, asking)
        except VeeamError as error:
            return Failed(operation, error)
        except StoreError as error:
            log.error("operations.store_failed", reference=gesture.reference, error=str(error))
            return Broken(STORE, changed=False)
        return self._with_group_names(outcome)

    def _verdict(self, person: Person, operation: Operation, gesture: Gesture) -> Verdict:
        verdict = self._rights.may(person, operation)
        if verdict.refusal is not None:
            return verdict
        return verdict if self._may_be_asked_in(gesture) else Verdict(Refusal.CHANNEL)

    def _may_be_asked_in(self, gesture: Gesture) -> bool:
        return gesture.is_direct or gesture.channel_id is None or self._is_allowed(gesture.channel_id)

    def _is_allowed(self, channel_id: str) -> bool:
        return not self._allowed_channels or channel_id in self._allowed_channels

    def _approval_rules(self, rules: Rules) -> ApprovalRules:
        """Where no button may be pressed, nobody is asked."""
        channels = tuple(filter(self._is_allowed, rules.approvals.channels))
        return replace(rules.approvals, channels=channels)

    async def _refused(
        self, operation: Operation, person: Person, gesture: Gesture, verdict: Verdict
    ) -> Refused:
        refusal = verdict.refusal or Refusal.NO_GRANT
        try:
            await self._record.refused(operation, person, gesture, refusal)
        except StoreError as error:
            # A refusal needs no database to hold; that it is not on record is for the operator to know.
            log.error("operations.refusal_not_recorded", reference=gesture.reference, error=str(error))
        return Refused(refusal, operation, person.standing, verdict.roles_needed, verdict.groups)

    def _with_group_names(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Refused) or not outcome.groups:
            return outcome
        return replace(outcome, groups=self._surroundings.people.group_names(outcome.groups))

    async def _answer(self, request: Request, asking: Asking) -> Outcome:  # noqa: C901, PLR0912 -- one for each kind
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
            case (
                StartRequest()
                | StopRequest()
                | RetryRequest()
                | EnableRequest()
                | DisableRequest()
                | CloneRequest()
                | DeleteRequest()
                | EditRequest()
            ):
                return await self._actions.run(request, asking)
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

    async def _prepared(self, request: Request, asking: Asking) -> Ready[Any] | Outcome:
        """What was asked for, made ready anew once it is approved."""
        match request:
            case (
                StartRequest()
                | StopRequest()
                | RetryRequest()
                | EnableRequest()
                | DisableRequest()
                | CloneRequest()
                | DeleteRequest()
                | EditRequest()
            ):
                return await self._actions.prepare(request, asking)
            case CreateRequest():
                return await self._creating.prepare(request, asking)
            case QuickBackupRequest():
                return await self._quick_backups.prepare(request, asking)
            case _:
                raise TypeError(request)


def _tell(operation: Operation, gesture: Gesture, outcome: Outcome, seconds: float) -> None:
    log.info(
        "operation.finished",
        operation=operation.name,
        outcome=kind_of(outcome),
        reference=gesture.reference,
        person=gesture.person_id,
        channel=gesture.channel_id,
        duration_ms=round(seconds * 1000),
        **_facts(outcome),
    )


def _facts(outcome: Outcome) -> dict[str, str | None]:
    match outcome:
        case Done(ActionAnswer() as answer):
            session_id = answer.session.id if answer.session is not None else None
            return {"server": answer.server, "job_id": answer.job_id, "session_id": session_id}
        case Refused():
            return {"reason": outcome.refusal}
        case MovedOn() | NotNow():
            return {"server": outcome.job.server, "job_id": outcome.job.state.id}
        case Asked() | AskedBefore() | Settled():
            approval = outcome.approval
            return {"server": approval.server, "job_id": approval.job_id, "approval_id": approval.id}
        case Unclear():
            return {"server": outcome.server, "session_id": outcome.session_id, "error": str(outcome.error)}
        case Failed():
            return {"server": outcome.error.server, "error": str(outcome.error)}
        case _:
            return {}
