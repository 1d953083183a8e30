"""The entrance: who asks, whether they may, running the request, and one log line about it."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from bot import store
from bot.observability import Clock
from bot.operations import outcomes
from bot.operations.actions import Action, BotAction
from bot.operations.actions.approvals import ApprovalRequests, Approve, Decisions, Decline
from bot.operations.actions.left_open import LeftOpen
from bot.operations.actions.many import ActionOnMany, ManyJobs
from bot.operations.actions.perform import Performer
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.subscribe import Subscribe
from bot.operations.audit_trail import AuditTrail, refusal_of
from bot.operations.backend import (
    Accounts,
    ApprovalRules,
    Backend,
    FollowUp,
    SessionMessages,
    WatchHealth,
)
from bot.operations.catalog import BY_AUDIT_NAME, CATALOG, CODEC, available
from bot.operations.failures import Failures
from bot.operations.impact import PickForm
from bot.operations.job_editor import DraftStore
from bot.operations.job_editor.objects import JobObjects, MenuOption
from bot.operations.job_states import JobStates
from bot.operations.jobs import JobFinder, JobViews
from bot.operations.matching import pick
from bot.operations.menus import MenuField, MenuOptions, Menus, MenuSearch
from bot.operations.model import (
    AuditSubject,
    Gesture,
    JobRef,
    Kind,
    KnownJob,
    KnownMachine,
    MachineRef,
    NamedJob,
    NamedMachine,
    Operation,
    People,
    Refusal,
    Request,
    RequestContext,
)
from bot.operations.permissions import Permission, Permissions
from bot.operations.places import Conversations, Places
from bot.operations.queries import Query
from bot.operations.queries.help import ShowHelp
from bot.operations.refusals import Refusals
from bot.operations.stored import noting_store_errors
from bot.operations.subscribers import Subscribers
from bot.operations.under_way import (
    ACTIONS_AT_MOST,
    GESTURES_A_MINUTE,
    QUESTIONS_AT_MOST,
    SEARCHES_AT_MOST,
    GestureRate,
    UnderWay,
)
from bot.settings import GrantSettings, PersonId, RouteSettings, ServerName
from bot.veeam import DEFAULT_RULES, CauseRules, Fleet, VeeamError, noting_missing, on_behalf_of

_MOST_HEARD = 10_000
_LONGEST_NAME = 500
"""How much of what was typed for a job's name goes on record."""

log = structlog.get_logger()


class OperationMetrics(Protocol):
    """Where it is counted what was asked and how it went."""

    def operation_finished(self, operation: str, outcome: str, *, seconds: float) -> None:
        """Count one request under the catalog's name and the outcome's kind ("done", "refused" …)."""


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What the settings say about who may do what, and where. No `allowed_channels`: see `Places`.

    `routes` is what they have posted to channels, `default_channel` the one for what none of them takes.
    """

    grants: Sequence[GrantSettings]
    allowed_channels: Collection[str] = ()
    approvals: ApprovalRules = field(default_factory=ApprovalRules)
    routes: Sequence[RouteSettings] = ()
    default_channel: str | None = None


class Service:
    """Turns a gesture and its request into an outcome; every refusal is on record."""

    def __init__(
        self,
        *,
        fleet: Fleet,
        accounts: Accounts,
        database: store.Database,
        audit_log: store.AuditLog,
        approvals: store.Approvals,
        rules: AccessRules,
        people: People,
        health: WatchHealth,
        metrics: OperationMetrics,
        clock: Clock,
        conversations: Conversations,
        messages: SessionMessages,
        follow_up: FollowUp,
        holder: str,
        causes: CauseRules = DEFAULT_RULES,
    ) -> None:
        permissions = Permissions(rules.grants, fleet.revisions)
        places = Places(rules.allowed_channels, conversations)
        states = JobStates(store.StoppedSessions(database), store.Runs(database))
        self._metrics = metrics
        self._backend = backend = Backend(
            fleet=fleet,
            accounts=accounts,
            finder=JobFinder(fleet, clock, states),
            views=JobViews(permissions, fleet, available, clock),
            failures=Failures(fleet, states, causes),
            causes=causes,
            states=states,
            objects=JobObjects(clock),
            permissions=permissions,
            people=people,
            places=places,
            audit=AuditTrail(audit_log, clock, BY_AUDIT_NAME),
            audit_log=audit_log,
            approvals=approvals,
            approval_rules=rules.approvals,
            own_actions=store.OwnActions(database),
            timed_disables=store.TimedDisables(database),
            subscriptions=store.Subscriptions(database),
            subscribers=Subscribers(
                people, permissions, places, clock, operation=Subscribe.operation, servers=fleet.names
            ),
            mutes=store.Mutes(database),
            groups=store.FailureGroups(database),
            follow_up=follow_up,
            drafts=DraftStore(store.Drafts(database), clock),
            messages=messages,
            health=health,
            clock=clock,
            catalog=CATALOG,
            codec=CODEC,
            routes=rules.routes,
            default_channel=rules.default_channel,
        )
        self._presses = store.PressClaims(database)
        requests = ApprovalRequests(backend)
        self._performer = Performer(backend, self._presses, requests, store.OpenActions(database, holder))
        self._decisions = Decisions(backend, requests, self._performer.perform)
        self._many_jobs = ManyJobs(database, self._presses, self._performer, backend.audit, clock)
        self._menus = Menus(backend)
        self._rate = GestureRate(clock)
        self._heard: dict[str, None] = {}
        self._questions = UnderWay("questions", QUESTIONS_AT_MOST)
        self._actions = UnderWay("actions", ACTIONS_AT_MOST)
        self._searches = UnderWay("searches", SEARCHES_AT_MOST)

    @property
    def refusals(self) -> Refusals:
        """What puts refusals on record: it runs beside this, and is closed when the bot stops."""
        return self._backend.audit.refusals

    @property
    def subscribers(self) -> Subscribers:
        """What says which jobs a subscription may show at this time."""
        return self._backend.subscribers

    async def run(
        self, gesture: Gesture, request: Request | outcomes.SyntaxProblem, *, once: bool = False
    ) -> outcomes.Outcome:
        """Return the outcome; errors of servers and the database are outcomes too.

        What changes something is done for a gesture's first delivery alone, whatever its outcome, and so is
        what a message asks for; `once` says so of any other request: one whose answer the whole channel gets.
        Words that could not be read come back as they are, to everybody who is let in; they count as `help`.
        """
        began = self._backend.clock.monotonic()
        asks_for = ShowHelp if isinstance(request, outcomes.SyntaxProblem) else request
        operation = asks_for.operation
        if not self._rate.allows(gesture.person_id):
            too_many = outcomes.TooMany(operation, GESTURES_A_MINUTE, is_a_minute=True)
            self._metrics.operation_finished(operation.name, outcomes.kind_of(too_many), seconds=0.0)
            return too_many
        with noting_missing() as missing, noting_store_errors() as store_errors:
            outcome = await self._outcome(operation, gesture, request, is_shared=once)
        if isinstance(outcome, outcomes.NeedsForm):
            outcome = await self._with_approval(await self._with_only_choice(outcome, gesture), gesture)
        if (missing or store_errors) and isinstance(outcome, outcomes.Detailed):
            outcome = replace(outcome, missing=tuple(missing.values()), lacks_database=bool(store_errors))
        seconds = self._backend.clock.monotonic() - began
        self._metrics.operation_finished(operation.name, outcomes.kind_of(outcome), seconds=seconds)
        log.info(
            "operation.finished",
            operation=operation.name,
            outcome=outcomes.kind_of(outcome),
            reference=gesture.reference,
            person=gesture.person_id,
            channel=gesture.channel_id,
            duration_ms=round(seconds * 1000),
            **_facts(outcome),
        )
        return outcome

    def answering(self, gesture: Gesture) -> AbstractAsyncContextManager[None]:
        """Serve a gesture: at the end of the block the person has been shown the outcome.

        What a block that breaks leaves open, `left_open` yields.
        """
        return self._performer.answering(gesture)

    def left_open(self) -> AsyncIterator[LeftOpen]:
        """Yield the outcomes that were shown to nobody, and the gestures to answer.

        One is forgotten once the next is asked for. Raises `StoreError`.
        """
        return self._performer.left_open()

    async def begin(self) -> None:
        """Let other processes know that this one lives, before it does anything. Raises `StoreError`."""
        await self._performer.begin()

    async def search(self, gesture: Gesture, search: MenuSearch) -> MenuOptions:
        """Return what a search menu offers; nothing to a person who may not, and where nobody can say.

        It is no attempt at anything: a refusal is not on record. Never raises.
        """
        options: tuple[MenuOption, ...] = ()
        silent: tuple[ServerName, ...] = ()
        with noting_missing() as missing:
            try:
                options = await self._options(gesture, search)
            except VeeamError as error:
                log.warning("operations.nothing_suggested", sought=search.field, error=str(error))
                silent = (error.server,)
            except store.StoreError as error:
                log.warning("operations.nothing_suggested", sought=search.field, error=str(error))
        lacking = (*(one.server for one in missing.values()), *silent)
        return MenuOptions(options, tuple(dict.fromkeys(lacking)))

    async def _options(self, gesture: Gesture, search: MenuSearch) -> tuple[MenuOption, ...]:
        context = await self._context(gesture)
        operation = search.request.operation
        if not (await self._permission(operation, context, for_everybody=False)).is_allowed:
            return ()
        with self._searches.begin(context.person.id) as may_begin, on_behalf_of(context.person.id):
            return await self._menus.find(search, context) if may_begin else ()

    async def message_posted(self, reference: str, *, channel_id: str, ts: str, link: str | None) -> None:
        """Put on record which message shows an action's outcome. Never raises: the action stands."""
        try:
            await self._backend.audit.message_posted(reference, channel_id=channel_id, ts=ts, link=link)
        except store.StoreError as error:
            log.error("operations.message_not_recorded", reference=reference, error=str(error))

    async def _outcome(
        self,
        operation: Operation,
        gesture: Gesture,
        request: Request | outcomes.SyntaxProblem,
        *,
        is_shared: bool,
    ) -> outcomes.Outcome:
        changes = _changes_something(request, gesture)
        for_everybody = is_shared or changes or operation.kind is Kind.ACTION
        once = is_shared or changes or gesture.origin.only_asks
        try:
            context = await self._context(gesture)
            permission = await self._permission(operation, context, for_everybody=for_everybody)
            earlier = await self._earlier(operation, context, permission, request) if once else None
            if earlier is not None:
                return earlier
            if permission.is_allowed and _decides_afresh(request):
                # Only what the cache allows is asked about: refused presses cost Slack nothing.
                context = await self._context(gesture, afresh=True)
                permission = await self._permission(operation, context, for_everybody=for_everybody)
            if not permission.is_allowed:
                outcome: outcomes.Outcome = await self._refuse(operation, context, permission, request)
            elif isinstance(request, outcomes.SyntaxProblem):
                outcome = request
            else:
                outcome = await self._in_turn(operation, request, context)
        except VeeamError as error:
            return outcomes.Failed(operation, error)
        except store.StoreError as error:
            log.error("operations.store_failed", reference=gesture.reference, error=str(error))
            return outcomes.InternalError("store", changed=False)
        if isinstance(outcome, outcomes.NotFound) and outcome.hidden is not None:
            outcome = await self._hide(outcome.hidden, outcome, operation, context)
        if isinstance(outcome, outcomes.Refused) and outcome.groups:
            return replace(outcome, groups=self._backend.people.group_names(outcome.groups))
        return outcome

    async def _with_only_choice(self, asked: outcomes.NeedsForm, gesture: Gesture) -> outcomes.NeedsForm:
        """Choose the job where the menu would offer no other."""
        form = asked.form
        if not isinstance(form, PickForm) or form.silent or isinstance(form.request, QuickBackup):
            return asked
        found = await self.search(gesture, MenuSearch(MenuField.JOB, "", form.request))
        if found.incomplete or len(found.options) != 1:
            return asked
        return replace(asked, form=replace(form, only=found.options[0]))

    async def _with_approval(self, asked: outcomes.NeedsForm, gesture: Gesture) -> outcomes.NeedsForm:
        """Say whether it will wait for a second person, as far as that is known before it is sent off."""
        operation, rules = asked.form.request.operation, self._backend.approval_rules
        reduces = asked.form.reduces_protection or operation.reduces_protection
        waits = rules.apply_to(operation, reduces_protection=reduces)
        if not waits and reduces and rules.burst:
            waits = await self._reductions(gesture) >= rules.burst
        return replace(asked, needs_approval=waits)

    async def _reductions(self, gesture: Gesture) -> int:
        """How often the person reduced protection lately; the button of a form needs no database."""
        person = await self._backend.people.read(gesture.person_id, gesture.team_id)
        since = self._backend.clock.now() - self._backend.approval_rules.burst_lasts
        try:
            return await self._presses.reductions({person.id, *person.other_ids}, since=since)
        except store.StoreError as error:
            log.warning("operations.reductions_not_counted", error=str(error))
            return 0

    async def _context(self, gesture: Gesture, *, afresh: bool = False) -> RequestContext:
        person = await self._backend.people.read(gesture.person_id, gesture.team_id, afresh=afresh)
        return RequestContext(person, gesture, self._backend.permissions.visibility(person))

    async def _earlier(
        self,
        operation: Operation,
        context: RequestContext,
        permission: Permission,
        request: Request | outcomes.SyntaxProblem,
    ) -> outcomes.Outcome | None:
        """What to answer where this very gesture was delivered before, to any process; that is on record."""
        key, person, now = context.gesture.delivery_key, context.person, self._backend.clock.now()
        if key is None:
            return None
        only_asks = context.gesture.origin.only_asks
        if only_asks and not self._hear(key):
            return outcomes.AlreadyPressed(operation, person.id, now, by_same_person=True)
        try:
            first = await self._presses.claim(store.PressClaim(key, person.id, operation.name, now))
            if first is not None:
                await self._backend.audit.repeated(operation, context)
        except store.StoreError as error:
            if permission.is_allowed and not only_asks:
                raise
            # It is refused, now and again; or it changes nothing, and is answered all the same.
            log.warning("operations.delivery_not_claimed", error=str(error))
            return None
        if first is None:
            return None
        if permission.is_allowed and isinstance(request, Approve | Decline):
            decided = await self._decisions.decided(request)
            if decided is not None:
                return decided
        by = PersonId(first.person_id)
        return outcomes.AlreadyPressed(operation, by, first.at, by_same_person=by == person.id)

    def _hear(self, key: str) -> bool:
        """Whether a message comes to this process for the first time, as far as it remembers.

        One may come again before the database has its claim. The oldest is forgotten first.
        """
        if key in self._heard:
            return False
        if len(self._heard) >= _MOST_HEARD:
            del self._heard[next(iter(self._heard))]
        self._heard[key] = None
        return True

    async def _permission(
        self, operation: Operation, context: RequestContext, *, for_everybody: bool
    ) -> Permission:
        """Whether the person may, anywhere at all, and whether it may be asked for where they are."""
        permission = self._backend.permissions.may(context.person, operation)
        if not permission.is_allowed:
            return permission
        refusal = await self._backend.places.refusal(context.gesture, for_everybody=for_everybody)
        return permission if refusal is None else Permission(refusal)

    async def _refuse(
        self,
        operation: Operation,
        context: RequestContext,
        permission: Permission,
        request: Request | outcomes.SyntaxProblem,
    ) -> outcomes.Refused:
        asked = None if isinstance(request, outcomes.SyntaxProblem) else request.subject
        try:
            return await self._backend.audit.refuse(operation, context, permission, self._as_asked(asked))
        except store.StoreError as error:
            # A refusal needs no database to hold; that it is not on record is for the operator to know.
            log.error(
                "operations.refusal_not_recorded", reference=context.gesture.reference, error=str(error)
            )
            return refusal_of(operation, context, permission)

    async def _hide(
        self,
        hidden: AuditSubject,
        outcome: outcomes.NotFound,
        operation: Operation,
        context: RequestContext,
    ) -> outcomes.NotFound:
        """Put on record that somebody named a job by its ID that they may not know of; say nothing of it."""
        try:
            await self._backend.audit.refused(operation, context, Refusal.SCOPE, hidden)
        except store.StoreError as error:
            log.error(
                "operations.refusal_not_recorded", reference=context.gesture.reference, error=str(error)
            )
        return replace(outcome, hidden=None)

    def _as_asked(self, asked: JobRef | MachineRef | None) -> AuditSubject | None:
        """What a request is about that is refused before it is looked into: a job, as it was typed."""
        match asked:
            case NamedJob(text=text, server=word) if text:
                return AuditSubject(self._server_meant(word), job_name=text[:_LONGEST_NAME])
            case KnownJob(server=server, job_id=job_id) if server in self._backend.fleet.names:
                name = self._backend.finder.name_at_hand(server, job_id)
                return AuditSubject(server, job_id[:_LONGEST_NAME], name)
            case NamedMachine(server=word) | KnownMachine(server=word):
                return AuditSubject(self._server_meant(word))
            case _:
                return None

    def _server_meant(self, word: str | None) -> ServerName | None:
        names = self._backend.fleet.names
        found = tuple(names) if word is None else pick(word, names, str)
        return found[0] if len(found) == 1 else None

    async def _in_turn(
        self, operation: Operation, request: Request, context: RequestContext
    ) -> outcomes.Outcome:
        """Do it, unless this person has too much of the kind under way."""
        person_id, is_action = context.person.id, _changes_something(request, context.gesture)
        under_way = self._actions if is_action else self._questions
        with under_way.begin(person_id) as may_begin, on_behalf_of(person_id, is_action=is_action):
            if not may_begin:
                return outcomes.TooMany(operation, under_way.at_most, is_action)
            return await self._do(request, context)

    async def _do(self, request: Request, context: RequestContext) -> outcomes.Outcome:
        match request:
            case Query():
                return await request.answer(self._backend, context)
            case Action():
                return await self._act(request, replace(context, reason=request.reason))
            case BotAction():
                return await self._performer.change(request, context)
            case ActionOnMany() if context.gesture.origin.only_asks:
                return await self._many_jobs.offer(request, context)
            case ActionOnMany():
                return await self._many_jobs.act(request, context)
            case Approve():
                return await self._decisions.approve(request, context)
            case Decline():
                return await self._decisions.decline(request, context)
            case _:
                raise TypeError(request)

    async def _act(self, action: Action, context: RequestContext) -> outcomes.Outcome:
        action = await action.resume(self._backend, context)
        try:
            if context.gesture.origin.only_asks:
                outcome = await self._performer.offer(action, context)
            elif action.needs_form or action.is_review:
                outcome = await self._performer.open_form(action, context)
            else:
                outcome = await self._performer.perform(action, context)
        except VeeamError as error:
            failed = outcomes.Failed(action.operation, error)
            return await action.explain_failure(failed, self._backend, context)
        return outcome


def _changes_something(request: Request | outcomes.SyntaxProblem, gesture: Gesture) -> bool:
    """Whether it does more than answer; opening a form and showing its summary do not."""
    if gesture.origin.only_asks:
        return False
    match request:
        case Action():
            return not (request.needs_form or request.is_review)
        case BotAction():
            return True
        case Approve():
            return not request.needs_form
        case Decline() | ActionOnMany():
            return True
        case _:
            return False


def _decides_afresh(request: Request | outcomes.SyntaxProblem) -> bool:
    """Whether the person's standing and groups are read again for it: a role may be gone since minutes."""
    if isinstance(request, Approve | Decline):
        return True
    return isinstance(request, Request) and request.operation.is_for_administrators


def _facts(outcome: outcomes.Outcome) -> dict[str, str | None]:
    match outcome:
        case outcomes.Done(outcomes.ActionAnswer() as answer):
            session_id = answer.session.id if answer.session is not None else None
            return {"server": answer.server, "job_id": answer.job_id, "session_id": session_id}
        case outcomes.Refused():
            return {"reason": outcome.refusal}
        case outcomes.StaleButton() | outcomes.NotPossible() | outcomes.PartOfName():
            return {"server": outcome.job.server, "job_id": outcome.job.state.id}
        case outcomes.Offered(job=outcomes.JobView() as job):
            return {"server": job.server, "job_id": job.state.id}
        case outcomes.ApprovalRequested() | outcomes.AlreadyRequested() | outcomes.AlreadyDecided():
            approval = outcome.approval
            return {"server": approval.server, "job_id": approval.job_id, "approval_id": approval.id}
        case outcomes.Unclear():
            return {"server": outcome.server, "session_id": outcome.session_id, "error": str(outcome.error)}
        case outcomes.Failed():
            return {"server": outcome.error.server, "error": str(outcome.error)}
        case _:
            return {}
