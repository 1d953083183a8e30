"""Approvals: asking a second person instead of sending, and what they may do about it.

A request is bound to a hash over what is asked for and over the job as VBR describes it, so that a person
approves that and nothing else. Whatever was approved and not sent is never sent later.
"""

import hashlib
import html
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

import structlog

from bot import store
from bot.operations import outcomes
from bot.operations.actions import Action, PreparedAction
from bot.operations.audit_trail import error_of, refusal_of
from bot.operations.backend import Backend
from bot.operations.impact import impact_on
from bot.operations.job_editor.fields import space_on
from bot.operations.model import (
    ALL_ROLES,
    AuditSubject,
    Confirmation,
    Gesture,
    Kind,
    Operation,
    Origin,
    Refusal,
    Request,
    RequestContext,
    Step,
    Style,
)
from bot.operations.permissions import Permission, Scope, unreadable
from bot.operations.queries import Query
from bot.operations.vbr_lists import repositories_of
from bot.settings import PersonId
from bot.veeam import Detail, Rejected, ServerFailed, noting_missing, settings_fingerprint
from bot.veeam import NotFoundOnServer as NotOnServer

REQUESTED, ALREADY_REQUESTED, ALREADY_DECIDED = "asked", "asked_before", "settled"
GONE, CHANGED, OLD = "gone", "changed", "old"
"""Why a request is overtaken: no such job any more, not as it was, of another version of the bot."""
LINES_SHOWN, LINE_SHOWN, NAME_SHOWN, REASON_SHOWN, WARNING_SHOWN = 8, 300, 120, 300, 400
"""How much a request's message shows of what is asked for: lines, and the characters of each, as sent."""
_MOST_SHOWN = 100_000
"""What one view of Slack's holds (100 blocks of 3,000 characters, 250 kB) with room to spare."""
_UNREAD = {
    Detail.JOB_STATES: "VBR did not say which jobs run after it.",
    Detail.CHAINED_JOBS: "VBR did not say which jobs run after it.",
    Detail.LAST_SUCCESS: "VBR did not say when it last succeeded.",
    Detail.REPOSITORIES: "VBR did not say how much space its repository has.",
    Detail.SCALE_OUT_REPOSITORIES: "VBR did not say how much space its repository has.",
    Detail.SERVER_TIME: "VBR did not say its time: times may be off by its time zone.",
}

log = structlog.get_logger()


class Need(StrEnum):
    """Why a second person is needed: by the settings, or because one person reduces protection so often."""

    LISTED = "listed"
    BURST = "burst"


# No roles: who may do what the request is about may press these, and that is checked when they run.
class Approve(Request, frozen=True, tag="approve"):
    """Approve a request: what was asked for is done.

    With `Step.FILL` all of it is shown first; `in_full` where it was.
    """

    operation = Operation(
        name="approve",
        usage="",
        help="approve someone else's request, which then runs",
        kind=Kind.ACTION,
        audit_name="approval.approve",
        button="Approve",
        style=Style.PRIMARY,
        confirmation=Confirmation(
            question="Approve this?",
            consequence="It runs as soon as you approve.",
            yes="Approve",
        ),
    )

    approval_id: str
    step: Step = Step.SEND
    in_full: bool = False

    @property
    def needs_form(self) -> bool:
        """Whether all that is asked for is to be shown first."""
        return self.step is Step.FILL


class Decline(Request, frozen=True, tag="decline"):
    """Decline a request; the person who asked withdraws it with this."""

    operation = Operation(
        name="decline",
        usage="",
        help="decline someone else's request, or withdraw your own",
        kind=Kind.ACTION,
        audit_name="approval.decline",
        button="Decline",
        style=Style.DANGER,
    )

    approval_id: str


class ShowApproval(Query, frozen=True, tag="request"):
    """Show all that a request for approval asks for. Nobody types it."""

    operation = Operation(
        name="request",
        usage="",
        help="show everything that a request for approval asks for",
        kind=Kind.QUERY,
        audit_name="approval.show",
        roles=ALL_ROLES,
        button="Details",
    )

    approval_id: str

    @property
    def needs_form(self) -> bool:
        """It is shown where there is room for all of it."""
        return True

    async def answer(self, backend: Backend, context: RequestContext) -> outcomes.Outcome:
        """Return it as a form, which a person who may approve it can send off. Raises `StoreError`."""
        approval = await backend.approvals.of(self.approval_id)
        if approval is None:
            return outcomes.NotFound("request", self.approval_id)
        return ApprovalRequests(backend).in_full(approval, context)


@dataclass(frozen=True, slots=True)
class ApprovalForm(outcomes.Form):
    """All that is asked for. `request` approves it; where the person may not, it only shows it again."""

    request: Approve | ShowApproval
    approval: store.Approval


@dataclass(frozen=True, slots=True)
class ApprovalAnswer(outcomes.Answer):
    """A request that waited for a second person was declined, or withdrawn."""

    approval: store.Approval


@dataclass(frozen=True, slots=True)
class PendingApprovals:
    """Requests that wait for a second person: those that one person may decide, and their own.

    What expires soonest stands first.
    """

    to_decide: tuple[store.Approval, ...] = ()
    own: tuple[store.Approval, ...] = ()


@dataclass(slots=True)
class Approved:
    """A request that a second person approves just now; it is claimed right before it is sent."""

    approval: store.Approval
    by: PersonId
    gesture: Gesture
    is_claimed: bool = False


class Perform(Protocol):
    """The one path of actions (`perform.Performer.perform`)."""

    async def __call__(
        self, action: Action, context: RequestContext, approved: Approved | None = None
    ) -> outcomes.Outcome:
        """Do it, or say why not."""
        ...


class ApprovalRequests:
    """Asks for approvals and binds them. Raises `StoreError`, and `VeeamError` where nothing was asked."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._codec = backend.codec

    async def request(
        self, prepared: PreparedAction, need: Need = Need.LISTED
    ) -> outcomes.ApprovalRequested | outcomes.AlreadyRequested | outcomes.Refused:
        """Post the request where another person can approve it; nothing is sent."""
        audit, operation, context = self._backend.audit, prepared.action.operation, prepared.context
        subject = prepared.target.subject
        channel = context.gesture.channel_id
        if channel is None or context.gesture.is_direct:
            channel = await self._backend.places.first_of_our_own(self._backend.approval_rules.channels)
        if channel is None:
            return await audit.refuse(operation, context, Permission(Refusal.NOWHERE), subject)
        approval = self._approval(prepared, await self._snapshot_hash(prepared), channel)
        approval = await self._with_warnings(approval, prepared)
        if not _can_be_shown(approval):
            return await audit.refuse(operation, context, Permission(Refusal.UNSHOWABLE), subject)
        if need is Need.BURST:
            rules = self._backend.approval_rules
            minutes = rules.burst_lasts / timedelta(minutes=1)
            impact = replace(approval.impact, recent_reductions=rules.burst, recent_minutes=minutes)
            approval = replace(approval, impact=impact)
        audit_id = await audit.open(operation, context, subject, approval.detail)
        waiting = await self._backend.approvals.ask(approval)
        if waiting is None:
            await audit.close(audit_id, REQUESTED)
            is_held_back = await self._backend.approvals.is_held_back(channel)
            return outcomes.ApprovalRequested(operation, approval, is_held_back=is_held_back)
        await audit.close(audit_id, ALREADY_REQUESTED)
        return outcomes.AlreadyRequested(operation, waiting)

    async def claim(
        self, approved: Approved, prepared: PreparedAction
    ) -> outcomes.AlreadyDecided | outcomes.NotFound | None:
        """Let this call alone send what was approved, if it still is what was asked for: None.

        Otherwise say why nobody sends it.
        """
        approval = approved.approval
        if await self._snapshot_hash(prepared) != approval.snapshot_hash:
            return await self.end(approval, store.ApprovalEnd.OVERTAKEN, CHANGED)
        now = self._backend.clock.now()
        if await self._backend.approvals.approve(approval.id, by=approved.by, now=now) is None:
            return await self.decided(approval.id)
        approved.is_claimed = True
        return None

    async def pending(self, approval_id: str) -> store.Approval | outcomes.NotFound | outcomes.AlreadyDecided:
        """Return a request that can still be decided; one that has expired or is of old is ended."""
        approval = await self._backend.approvals.of(approval_id)
        if approval is None:
            return outcomes.NotFound("request", approval_id)
        if approval.state is not store.ApprovalState.PENDING:
            return outcomes.AlreadyDecided(approval)
        if approval.expires_at <= self._backend.clock.now():
            return await self.end(approval, store.ApprovalEnd.EXPIRED)
        if self._codec.operation(approval.operation) is None:
            return await self.end(approval, store.ApprovalEnd.OVERTAKEN, OLD)
        return approval

    def in_full(
        self, approval: store.Approval, context: RequestContext
    ) -> outcomes.NeedsForm | outcomes.NotFound:
        """Return all that is asked for, to the person who asked and to those who may approve it.

        It may name what others who know of the job may not know of.
        """
        is_own = context.person.has_id(approval.person_id)
        may_approve = self.permission(context, approval).is_allowed
        if not (is_own or may_approve):
            return outcomes.NotFound("request", approval.id)
        approval = _as_seen_by(context, approval)
        is_pending = approval.state is store.ApprovalState.PENDING
        if may_approve and is_pending and not is_own:
            approve = Approve(approval.id, in_full=True)
            return outcomes.NeedsForm(Approve.operation, ApprovalForm(approve, approval))
        return outcomes.NeedsForm(ShowApproval.operation, ApprovalForm(ShowApproval(approval.id), approval))

    async def pending_for(self, context: RequestContext) -> PendingApprovals:
        """Return the requests for what this person may do too; no others are mentioned."""
        pending = await self._backend.approvals.pending(self._backend.clock.now())
        known = [
            one
            for one in pending
            if self._codec.operation(one.operation) is not None and self.permission(context, one).is_allowed
        ]
        return PendingApprovals(
            to_decide=tuple(
                _as_seen_by(context, one) for one in known if not context.person.has_id(one.person_id)
            ),
            own=tuple(one for one in known if context.person.has_id(one.person_id)),
        )

    def permission(self, context: RequestContext, approval: store.Approval) -> Permission:
        """Return whether the person may do what is asked for."""
        verb = self._verb(approval)
        return self._backend.permissions.may_within(
            context.person, verb.operation, verb.scope(approval.server, approval.name)
        )

    def scope(self, approval: store.Approval) -> Scope:
        """Return what the right to do what is asked for is asked on."""
        return self._verb(approval).scope(approval.server, approval.name)

    async def end(
        self, approval: store.Approval, end: store.ApprovalEnd, problem: str | None = None
    ) -> outcomes.AlreadyDecided:
        """End a request that nobody can approve any more."""
        now = self._backend.clock.now()
        ended = await self._backend.approvals.end_pending(approval.id, end, now=now, problem=problem)
        return outcomes.AlreadyDecided(ended or await self._backend.approvals.of(approval.id) or approval)

    async def decided(self, approval_id: str) -> outcomes.AlreadyDecided | outcomes.NotFound:
        """Return what became of a request that another person decided first."""
        approval = await self.pending(approval_id)
        return outcomes.AlreadyDecided(approval) if isinstance(approval, store.Approval) else approval

    def _verb(self, approval: store.Approval) -> type[Action]:
        verb = self._codec.verb(approval.operation)
        if verb is None or not issubclass(verb, Action):
            raise TypeError(approval.operation)
        return verb

    def _approval(self, prepared: PreparedAction, snapshot_hash: str, channel: str) -> store.Approval:
        action, context, target = prepared.action, prepared.context, prepared.target
        person, gesture, now = context.person, context.gesture, self._backend.clock.now()
        return store.Approval(
            id=secrets.token_urlsafe(12),
            operation=action.operation.name,
            request=self._codec.to_json(action),
            request_hash=_hash(self._codec.encode(action.without_reason())),
            snapshot_hash=snapshot_hash,
            person_id=person.id,
            team_id=gesture.team_id,
            origin=gesture.origin,
            reference=gesture.reference,
            channel_id=gesture.channel_id,
            server=target.server,
            job_id=target.job.state.id if target.job is not None else None,
            name=prepared.name,
            channel=channel,
            asked_at=now,
            expires_at=now + self._backend.approval_rules.lasts,
            detail="; ".join(_changes(prepared)) or None,
            reason=action.reason,
            impact=self._impact(prepared),
        )

    def _impact(self, prepared: PreparedAction) -> store.ApprovalImpact:
        scope = prepared.action.scope(prepared.target.server, prepared.name)
        roles, groups = self._backend.permissions.who_may(prepared.action.operation, scope)
        mention = self._backend.approval_rules.mention
        changes = _changes(prepared)
        in_full = prepared.in_full or changes
        may = store.ApprovalImpact(
            changes=changes,
            in_full=in_full,
            warnings=prepared.warnings,
            roles=tuple(role.value for role in roles),
            groups=self._backend.people.group_names(groups),
            mentions=groups if mention is None else (mention,),
        )
        if prepared.target.job is None:
            return may
        state = prepared.target.job.state
        return replace(
            may,
            status=state.status,
            is_disabled=state.is_disabled,
            objects=state.objects_count,
            last_result=state.last_result,
            last_run=state.last_run,
            next_run=state.next_run,
            repository=state.repository_name,
        )

    async def _with_warnings(self, approval: store.Approval, prepared: PreparedAction) -> store.Approval:
        """Return the request with what its form warned the person of, who asked, as VBR says it now.

        What VBR does not say, a warning says. `left_out` is counted here: nothing is added any more.
        """
        target, impact = prepared.target, approval.impact
        warnings = list(impact.warnings)
        with noting_missing() as missing:
            if prepared.new_repository:
                wanted = prepared.new_repository.casefold()
                for each in await repositories_of(target.account):
                    warnings += filter(None, [space_on(each)] if each.id.casefold() == wanted else [])
            if target.job is not None:
                touched = await impact_on(self._backend, prepared.context, target.job)
                recent = tuple(
                    store.RecentChange(
                        operation=one.operation.name,
                        person_id=one.by,
                        at=one.at,
                        outcome=one.outcome,
                        detail=one.detail,
                    )
                    for one in touched.recent
                )
                impact = replace(
                    impact,
                    run_after=touched.run_after,
                    last_success=touched.last_success_at,
                    is_last_success_known=touched.is_last_success_known,
                    recent=recent,
                )
        warnings += dict.fromkeys(_UNREAD[one.what] for one in missing.values() if one.what in _UNREAD)
        impact = replace(impact, warnings=tuple(warnings))
        warned = warnings_in_words(impact.warnings, impact.run_after)
        missed = left_out(approval.name, approval.reason, impact.changes, impact.in_full, warned)
        return replace(approval, impact=replace(impact, left_out=missed))

    async def _snapshot_hash(self, prepared: PreparedAction) -> str:
        """The hash of what is asked for and of the job's settings and state; another one: it has changed."""
        payload = None if prepared.payload is None else settings_fingerprint(prepared.payload)
        asked: list[Any] = [self._codec.encode(prepared.action.without_reason()), payload]
        if prepared.target.job is None:
            return _hash(asked)
        job = prepared.target.job
        state, server = job.state, self._backend.fleet.server(job.server)
        if state.is_put_together:
            # What two people agree on is compared with the whole state.
            raise ServerFailed(job.server, "the job's whole state could not be read")
        try:
            model = await server.job(state.id)
            settings: object = settings_fingerprint(model.raw)  # without what changes by itself
        except (NotOnServer, Rejected):
            # Of a type that the revision cannot describe, what its state says of them.
            settings = [state.name, state.type, state.description, state.repository_id, state.objects_count]
        return _hash([*asked, settings, state.status, state.session_id])


class Decisions:
    """Approve and Decline. Raises `StoreError`, and `VeeamError` where nothing was decided.

    In this order: the request as it is kept, the right of the person who presses, the asker's own right and
    the job as both are now, the claim, the action.
    """

    def __init__(self, backend: Backend, requests: ApprovalRequests, perform: Perform) -> None:
        self._backend = backend
        self._requests = requests
        self._codec = backend.codec
        self._perform = perform

    async def decided(self, request: Approve | Decline) -> outcomes.AlreadyDecided | None:
        """Return the request's outcome; None while nobody has decided."""
        pending = await self._requests.pending(request.approval_id)
        return pending if isinstance(pending, outcomes.AlreadyDecided) else None

    async def approve(self, request: Approve, context: RequestContext) -> outcomes.Outcome:
        """Do what was asked for, if it still is what was asked for."""
        approval = await self._requests.pending(request.approval_id)
        if not isinstance(approval, store.Approval):
            return approval
        if (refused := await self._refused(Approve.operation, approval, context)) is not None:
            return refused
        if request.needs_form or (approval.impact.left_out and not request.in_full):
            return self._requests.in_full(approval, context)
        asker = await self._backend.people.read(PersonId(approval.person_id), approval.team_id, afresh=True)
        if unreadable(asker) in {Refusal.PERSON_UNREADABLE, Refusal.GROUPS_UNREADABLE}:
            unknown = Permission(Refusal.ASKER_UNREADABLE)
            await self._backend.audit.refused(
                Approve.operation, context, Refusal.ASKER_UNREADABLE, _subject(approval)
            )
            operation = self._codec.operation(approval.operation) or Approve.operation
            return refusal_of(operation, context, unknown)
        action = self._codec.from_json(approval.request)
        if not isinstance(action, Action):
            return await self._requests.end(approval, store.ApprovalEnd.OVERTAKEN, OLD)
        for_asker = RequestContext(
            asker,
            _gesture(approval),
            self._backend.permissions.visibility(asker),
            approver=context.person,
            reason=approval.reason,
        )
        return await self._do(action, for_asker, Approved(approval, context.person.id, context.gesture))

    async def decline(self, request: Decline, context: RequestContext) -> outcomes.Outcome:
        """End the request: declined by another person, withdrawn by the person who asked."""
        approval = await self._requests.pending(request.approval_id)
        if not isinstance(approval, store.Approval):
            return approval
        is_own = context.person.has_id(approval.person_id)
        if not is_own and (refused := await self._refused(Decline.operation, approval, context)) is not None:
            return refused
        audit = self._backend.audit
        end = store.ApprovalEnd.WITHDRAWN if is_own else store.ApprovalEnd.DECLINED
        audit_id = await audit.open(Decline.operation, context, _subject(approval), approval.operation)
        now = self._backend.clock.now()
        ended = await self._backend.approvals.end_pending(approval.id, end, now=now, by=context.person.id)
        await audit.close(audit_id, ALREADY_DECIDED if ended is None else "done", detail=end)
        if ended is None:
            return await self._requests.decided(approval.id)
        return outcomes.Done(ApprovalAnswer(ended))

    async def _do(self, action: Action, for_asker: RequestContext, approved: Approved) -> outcomes.Outcome:
        """Perform it for the person who asked; what is not what it was when asked for ends the request."""
        approval = approved.approval
        try:
            action = await action.resume(self._backend, for_asker)
            outcome = await self._perform(action, for_asker, approved)
        except store.StoreError as error:
            if approved.is_claimed:
                await self._finish(approval, store.ApprovalEnd.NOT_SENT, str(error))
            raise
        match outcome:
            case outcomes.Done() | outcomes.Unclear() | outcomes.Failed() if approved.is_claimed:
                await self._finish(approval, outcomes.kind_of(outcome), error_of(outcome))
                return outcome
            case outcomes.AlreadyDecided() | outcomes.NotFound(what="request"):
                return outcome
            case outcomes.Refused():
                return await self._requests.end(approval, store.ApprovalEnd.REFUSED, outcome.refusal)
            case outcomes.NotFound():
                return await self._requests.end(approval, store.ApprovalEnd.OVERTAKEN, GONE)
            case _:
                return await self._requests.end(approval, store.ApprovalEnd.OVERTAKEN, CHANGED)

    async def _refused(
        self, press: Operation, approval: store.Approval, context: RequestContext
    ) -> outcomes.Refused | None:
        operation = self._codec.operation(approval.operation) or press
        permission = self._requests.permission(context, approval)
        if context.person.has_id(approval.person_id):
            scope = self._requests.scope(approval)
            roles, groups = self._backend.permissions.who_may(operation, scope)
            permission = Permission(Refusal.OWN_REQUEST, roles_needed=roles, groups=groups)
        if permission.is_allowed:
            return None
        refused = refusal_of(operation, context, permission)
        await self._backend.audit.refused(press, context, refused.refusal, _subject(approval))
        return refused

    async def _finish(self, approval: store.Approval, outcome: str, problem: str | None) -> None:
        try:
            now = self._backend.clock.now()
            await self._backend.approvals.finish(approval.id, outcome, now=now, problem=problem)
        except store.StoreError as error:
            # It is decided and on record; what looks after requests ends this one by the record.
            log.error("operations.approval_left_open", approval_id=approval.id, error=str(error))


def _gesture(approval: store.Approval) -> Gesture:
    """The gesture by which it was asked for: what is done is done for that one."""
    return Gesture(
        reference=approval.reference,
        person_id=PersonId(approval.person_id),
        team_id=approval.team_id,
        channel_id=approval.channel_id,
        origin=Origin(approval.origin),
        press_key=f"approval/{approval.id}",
    )


def _subject(approval: store.Approval) -> AuditSubject:
    job_name = approval.name if approval.job_id is not None else None
    return AuditSubject(approval.server, approval.job_id, job_name)


def _changes(prepared: PreparedAction) -> tuple[str, ...]:
    """What is asked for, beyond the verb and its job, in words that may be cut short."""
    return prepared.changes or tuple(filter(None, (prepared.detail,)))


def warnings_in_words(warnings: Sequence[str], run_after: Sequence[str], hidden: int = 0) -> tuple[str, ...]:
    """All that the approver is warned of, whole; `hidden` counts the followers that are not named."""
    unseen = f"{hidden:,} {'job' if hidden == 1 else 'jobs'} that you can't see"
    followers = " and ".join(filter(None, (", ".join(run_after), unseen if hidden else "")))
    return (*warnings, *([f"These jobs run after it: {followers}"] if followers else []))


def _as_seen_by(context: RequestContext, approval: store.Approval) -> store.Approval:
    """The request as one person may read it: jobs that they may not know of are counted, not named."""
    impact = approval.impact
    seen = tuple(name for name in impact.run_after if context.visibility.sees(approval.server, name))
    hidden = len(impact.run_after) - len(seen)
    return replace(approval, impact=replace(impact, run_after=seen, run_after_hidden=hidden))


def left_out(
    name: str, reason: str | None, changes: Sequence[str], in_full: Sequence[str], warnings: Sequence[str]
) -> int:
    """How many characters of what is asked for, and warned of, the request's message has no room for."""
    missing = _cut(name, NAME_SHOWN) + _cut(reason or "", REASON_SHOWN)
    missing += sum(_cut(warning, WARNING_SHOWN) for warning in warnings)
    for place, (shown, whole) in enumerate(zip(changes, in_full, strict=True)):
        if place >= LINES_SHOWN:
            missing += max(1, len(whole))
        elif shown != whole:
            missing += max(1, len(whole) - min(len(shown), LINE_SHOWN))
        else:
            missing += _cut(whole, LINE_SHOWN)
    return missing


def _cut(text: str, limit: int) -> int:
    """How much of the text is over the limit as Slack is sent it: in a code span, with entities."""
    return max(0, len(html.escape(text, quote=False)) + len("``") - limit)


def _can_be_shown(approval: store.Approval) -> bool:
    """Whether one view holds all of it."""
    impact = approval.impact
    texts = (approval.name, approval.reason or "", *impact.in_full, *impact.warnings, *impact.run_after)
    return sum(len(json.dumps(html.escape(text, quote=False))) for text in texts) <= _MOST_SHOWN


def _hash(plain: object) -> str:
    # Names may hold half a surrogate pair, which UTF-8 has no bytes for: escaped, it is text like any other.
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
