"""The entrance: who asks, whether they may, running the request, and one log line about it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from bot import store
from bot.observability import Clock
from bot.operations import outcomes
from bot.operations.actions import Action
from bot.operations.actions.approvals import ApprovalRequests, Approve, Decisions, Decline
from bot.operations.actions.perform import Performer
from bot.operations.audit_trail import AuditTrail, refusal_of
from bot.operations.backend import Accounts, ApprovalRules, Backend, WatchHealth
from bot.operations.catalog import BY_AUDIT_NAME, CATALOG, CODEC, available
from bot.operations.failures import Failures
from bot.operations.job_editor import DraftStore
from bot.operations.job_editor.objects import JobObjects, MenuOption
from bot.operations.jobs import JobFinder, JobViews
from bot.operations.menus import Menus, MenuSearch
from bot.operations.model import Gesture, Operation, People, Refusal, Request, RequestContext
from bot.operations.permissions import Permission, Permissions
from bot.operations.queries import Query
from bot.operations.queries.help import ShowHelp
from bot.settings import GrantSettings
from bot.veeam import Fleet, VeeamError

log = structlog.get_logger()


class OperationMetrics(Protocol):
    """Where it is counted what was asked and how it went."""

    def operation_finished(self, operation: str, outcome: str, *, seconds: float) -> None:
        """Count one request under the catalog's name and the outcome's kind ("done", "refused" …)."""


@dataclass(frozen=True, slots=True)
class AccessRules:
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
    ) -> None:
        permissions = Permissions(rules.grants)
        self._rules = rules
        self._metrics = metrics
        self._backend = Backend(
            fleet=fleet,
            accounts=accounts,
            finder=JobFinder(fleet, clock),
            views=JobViews(permissions, fleet, available),
            failures=Failures(fleet),
            objects=JobObjects(clock),
            permissions=permissions,
            people=people,
            audit=AuditTrail(audit_log, clock, BY_AUDIT_NAME),
            audit_log=audit_log,
            approvals=approvals,
            approval_rules=rules.approvals_where_allowed,
            own_actions=store.OwnActions(database),
            timed_disables=store.TimedDisables(database),
            drafts=DraftStore(store.Drafts(database), clock),
            health=health,
            clock=clock,
            catalog=CATALOG,
            codec=CODEC,
        )
        requests = ApprovalRequests(self._backend)
        self._performer = Performer(self._backend, store.PressClaims(database), requests)
        self._decisions = Decisions(self._backend, requests, self._performer.perform)
        self._menus = Menus(self._backend)

    async def run(self, gesture: Gesture, request: Request | outcomes.SyntaxProblem) -> outcomes.Outcome:
        """Return the outcome; errors of servers and the database are outcomes too.

        Words that could not be read come back as they are, to everybody who is let in; they count as `help`.
        """
        began = self._backend.clock.monotonic()
        asks_for = ShowHelp if isinstance(request, outcomes.SyntaxProblem) else request
        operation = asks_for.operation
        outcome = await self._outcome(operation, gesture, request)
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

    async def search(self, gesture: Gesture, search: MenuSearch) -> tuple[MenuOption, ...]:
        """Return what a search menu offers; nothing to a person who may not, and where nobody can say.

        It is no attempt at anything: a refusal is not on record. Never raises.
        """
        try:
            context = await self._context(gesture)
            if not self._permission(search.request.operation, context).is_allowed:
                return ()
            return await self._menus.find(search, context)
        except (VeeamError, store.StoreError) as error:
            log.warning("operations.nothing_suggested", sought=search.field, error=str(error))
            return ()

    async def message_posted(self, reference: str, *, channel_id: str, ts: str, link: str | None) -> None:
        """Put on record which message shows an action's outcome. Never raises: the action stands."""
        try:
            await self._backend.audit.message_posted(reference, channel_id=channel_id, ts=ts, link=link)
        except store.StoreError as error:
            log.error("operations.message_not_recorded", reference=reference, error=str(error))

    async def _outcome(
        self, operation: Operation, gesture: Gesture, request: Request | outcomes.SyntaxProblem
    ) -> outcomes.Outcome:
        try:
            context = await self._context(gesture)
            permission = self._permission(operation, context)
            if not permission.is_allowed:
                outcome: outcomes.Outcome = await self._refuse(operation, context, permission)
            elif isinstance(request, outcomes.SyntaxProblem):
                outcome = request
            else:
                outcome = await self._do(request, context)
        except VeeamError as error:
            return outcomes.Failed(operation, error)
        except store.StoreError as error:
            log.error("operations.store_failed", reference=gesture.reference, error=str(error))
            return outcomes.InternalError("store", changed=False)
        if isinstance(outcome, outcomes.Refused) and outcome.groups:
            return replace(outcome, groups=self._backend.people.group_names(outcome.groups))
        return outcome

    async def _context(self, gesture: Gesture) -> RequestContext:
        person = await self._backend.people.read(gesture.person_id, gesture.team_id)
        return RequestContext(person, gesture, self._backend.permissions.visibility(person))

    def _permission(self, operation: Operation, context: RequestContext) -> Permission:
        permission = self._backend.permissions.may(context.person, operation)
        gesture = context.gesture
        is_heard = (
            gesture.is_direct
            or gesture.channel_id is None
            or self._rules.takes_gestures_in(gesture.channel_id)
        )
        return permission if is_heard or not permission.is_allowed else Permission(Refusal.CHANNEL)

    async def _refuse(
        self, operation: Operation, context: RequestContext, permission: Permission
    ) -> outcomes.Refused:
        try:
            return await self._backend.audit.refuse(operation, context, permission)
        except store.StoreError as error:
            # A refusal needs no database to hold; that it is not on record is for the operator to know.
            log.error(
                "operations.refusal_not_recorded", reference=context.gesture.reference, error=str(error)
            )
            return refusal_of(operation, context, permission)

    async def _do(self, request: Request, context: RequestContext) -> outcomes.Outcome:
        match request:
            case Query():
                return await request.answer(self._backend, context)
            case Action():
                return await self._act(request, replace(context, reason=request.reason))
            case Approve():
                return await self._decisions.approve(request, context)
            case Decline():
                return await self._decisions.decline(request, context)
            case _:
                raise TypeError(request)

    async def _act(self, action: Action, context: RequestContext) -> outcomes.Outcome:
        action = await action.resume(self._backend, context)
        try:
            if action.needs_form or action.is_review:
                outcome = await self._performer.open_form(action, context)
            else:
                outcome = await self._performer.perform(action, context)
        except VeeamError as error:
            failed = outcomes.Failed(action.operation, error)
            return await action.explain_failure(failed, self._backend, context)
        return outcome


def _facts(outcome: outcomes.Outcome) -> dict[str, str | None]:
    match outcome:
        case outcomes.Done(outcomes.ActionAnswer() as answer):
            session_id = answer.session.id if answer.session is not None else None
            return {"server": answer.server, "job_id": answer.job_id, "session_id": session_id}
        case outcomes.Refused():
            return {"reason": outcome.refusal}
        case outcomes.StaleButton() | outcomes.NotPossible() | outcomes.PartOfName():
            return {"server": outcome.job.server, "job_id": outcome.job.state.id}
        case outcomes.ApprovalRequested() | outcomes.AlreadyRequested() | outcomes.AlreadyDecided():
            approval = outcome.approval
            return {"server": approval.server, "job_id": approval.job_id, "approval_id": approval.id}
        case outcomes.Unclear():
            return {"server": outcome.server, "session_id": outcome.session_id, "error": str(outcome.error)}
        case outcomes.Failed():
            return {"server": outcome.error.server, "error": str(outcome.error)}
        case _:
            return {}
