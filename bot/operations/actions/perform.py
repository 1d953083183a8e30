"""The one path that every action takes, and the form that asks before it.

Where nothing was done, the press is given back, so that the button can be pressed again; where that is
unknown, it is kept.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import structlog

from bot import veeam
from bot.operations import outcomes
from bot.operations.actions import Action, BotAction, JobAction, PreparedAction, PreparedChange, Target
from bot.operations.actions.approvals import ApprovalRequests, Approved, Need
from bot.operations.actions.left_open import LeftOpen, body_of, conclude
from bot.operations.audit_trail import Also
from bot.operations.backend import Backend
from bot.operations.jobs import has_moved_on, is_run_of, job_now, never_stops, snapshot_of, with_session
from bot.operations.model import Gesture, Operation, RequestContext
from bot.operations.permissions import Permission
from bot.settings import PersonId, ServerName
from bot.store import (
    AuditId,
    AuditOutcome,
    OpenAction,
    OpenActions,
    PressClaim,
    PressClaims,
    StoreError,
    Transaction,
)

T = TypeVar("T")

_DONE, _UNCLEAR = "done", "unclear"  # as `outcomes.kind_of` writes them
_LOOK_UP_SECONDS = 60.0  # half of what the lease on open actions lasts

log = structlog.get_logger()


@dataclass(slots=True)
class _ClaimedPress:
    """A press to act on, unless it was pressed `earlier`; `is_spent` once something was sent."""

    earlier: outcomes.AlreadyPressed | None = None
    is_spent: bool = False


@dataclass(frozen=True, slots=True)
class _Possible:
    """An action that is allowed and makes sense, as its words are to be read, and what it is about."""

    action: Action
    target: Target


class Performer:
    """Does actions. Raises `StoreError` and `VeeamError` only where nothing was done."""

    def __init__(
        self,
        backend: Backend,
        presses: PressClaims,
        approvals: ApprovalRequests,
        open_actions: OpenActions,
    ) -> None:
        self._backend = backend
        self._presses = presses
        self._approvals = approvals
        self._open_actions = open_actions
        self._unanswered: set[str] = set()

    async def begin(self) -> None:
        """Let other processes know that this one lives, before it does anything. Raises `StoreError`."""
        await self._open_actions.hold(self._backend.clock.now())

    async def perform(
        self, action: Action, context: RequestContext, approved: Approved | None = None
    ) -> outcomes.Outcome:
        """Do it once, or say why not; `approved` is the request that a second person approves just now."""
        operation = action.operation
        async with self._claimed_press(operation, context, approved) as press:
            if press.earlier is not None:
                return press.earlier
            target = await action.find(self._backend, context)
            if not isinstance(target, Target):
                return target
            action = action.as_read(target)
            permission = action.permission(self._backend.permissions, context, target)
            if not permission.is_allowed:
                return await self._backend.audit.refuse(operation, context, permission, target.subject)
            if (unsupported := self._unsupported(action, target, context)) is not None:
                return unsupported
            target = await self._complete(action, target, permission)
            stale = await self._stale(action, target, context)
            if (problem := stale or await self._not_possible(action, target, context)) is not None:
                return problem
            prepared = await action.prepare(self._backend, target, context)
            if not isinstance(prepared, PreparedAction):
                return prepared
            if approved is None and (need := await self._need(prepared)) is not None:
                return await self._approvals.request(prepared, need)
            if approved is not None and (over := await self._approvals.claim(approved, prepared)) is not None:
                return over
            press.is_spent = True
            subject, detail = target.subject, prepared.detail
            also = self._keep_open(prepared, approved)
            async with self._backend.audit.entry(operation, context, subject, detail, also) as entry:
                outcome = entry.close(await self._send(prepared))
            press.is_spent = not isinstance(outcome, outcomes.Failed)
            if isinstance(outcome, outcomes.Failed) and approved is None:
                return await action.explain_failure(outcome, self._backend, context, target)
            return outcome

    async def change(self, action: BotAction, context: RequestContext) -> outcomes.Outcome:
        """Change what the bot keeps, once, or say why not. A message alone changes nothing."""
        operation = action.operation
        if context.gesture.origin.only_asks:
            prepared = await action.prepare(self._backend, context)
            if isinstance(prepared, PreparedChange):
                return outcomes.Offered(operation, prepared.action, subscription=prepared.ends)
            return prepared
        async with self._claimed_press(operation, context, None) as press:
            if press.earlier is not None:
                return press.earlier
            prepared = await action.prepare(self._backend, context)
            if not isinstance(prepared, PreparedChange):
                return prepared
            press.is_spent = True
            subject, detail = prepared.subject, prepared.detail
            async with self._backend.audit.entry(operation, context, subject, detail) as entry:
                return entry.close(await prepared.make())

    @asynccontextmanager
    async def answering(self, gesture: Gesture) -> AsyncIterator[None]:
        """Serve a gesture. At the end of the block the person has been shown the outcome.

        Where the block breaks, it is looked up and shown later (`left_open`).
        """
        try:
            yield
            if gesture.reference in self._unanswered:
                try:
                    await self._open_actions.answered(gesture.reference)
                except StoreError as error:
                    log.warning(
                        "operations.answered_not_noted", reference=gesture.reference, error=str(error)
                    )
        finally:
            self._unanswered.discard(gesture.reference)

    async def left_open(self) -> AsyncIterator[LeftOpen]:
        """Yield the outcomes that broken gestures and ended processes left open; what was taken is forgotten.

        What a minute is too short for is left to the next call. Raises `StoreError`.
        """
        clock = self._backend.clock
        until = clock.monotonic() + _LOOK_UP_SECONDS
        await self._open_actions.hold(clock.now())
        for left in await self._open_actions.left(clock.now(), self._unanswered):
            if clock.monotonic() >= until:
                return
            # A server that hangs, or Slack, may have taken a good part of the lease.
            await self._open_actions.hold(clock.now())
            concluded = await conclude(self._backend, left, self._look_up)
            if concluded is not None:
                yield concluded
            await self._open_actions.answered(left.reference)

    async def open_form(self, action: Action, context: RequestContext) -> outcomes.Outcome:
        """Return the form that asks for what is missing, or why there is nothing to ask.

        Nothing is claimed for a form: opening it twice does no harm, and it changes nothing.
        """
        if not action.names_subject:
            return await action.pick(self._backend, context)
        possible = await self._possible(action, context)
        if not isinstance(possible, _Possible):
            return possible
        return await possible.action.form(self._backend, possible.target, context)

    async def offer(self, action: Action, context: RequestContext) -> outcomes.Outcome:
        """Return what does it once it is pressed, or why there is nothing to press; nothing is claimed."""
        operation = action.operation
        if not action.names_subject:
            asked = await action.pick(self._backend, context)
            return outcomes.Offered(operation, action) if isinstance(asked, outcomes.NeedsForm) else asked
        possible = await self._possible(action, context)
        if isinstance(possible, outcomes.NeedsForm):
            return outcomes.Offered(operation, action)
        if not isinstance(possible, _Possible):
            return possible
        action, target = possible.action, possible.target
        offered = outcomes.Offered(operation, action.for_target(target), server=target.server)
        if target.job is not None:
            view = self._backend.views.of(context, target.server, target.state)
            return replace(offered, name=target.state.name, job=view)
        if target.machine is not None:
            return replace(offered, name=target.machine.name)
        return replace(offered, name=action.target_name)

    async def _possible(self, action: Action, context: RequestContext) -> "_Possible | outcomes.Outcome":
        """Find what it is about, and say why it cannot be done there, if so."""
        target = await action.find(self._backend, context)
        if not isinstance(target, Target):
            return target
        action = action.as_read(target)
        permission = action.permission(self._backend.permissions, context, target)
        if not permission.is_allowed:
            return await self._backend.audit.refuse(action.operation, context, permission, target.subject)
        if (unsupported := self._unsupported(action, target, context)) is not None:
            return unsupported
        target = await self._complete(action, target, permission)
        not_possible = await self._not_possible(action, target, context)
        if not_possible is not None and not_possible.blocked is not outcomes.Blocked.OTHER_NAME:
            return not_possible  # the name is what the form asks for
        return _Possible(action, target)

    async def _need(self, prepared: PreparedAction) -> Need | None:
        """Why it waits for a second person; None where it doesn't.

        What reduces protection is noted with its press, until the person has done so too often.
        """
        rules, context = self._backend.approval_rules, prepared.context
        if rules.apply_to(prepared.action.operation, reduces_protection=prepared.reduces_protection):
            return Need.LISTED
        if not prepared.reduces_protection or rules.burst == 0:
            return None
        now, person = self._backend.clock.now(), context.person
        is_noted = await self._presses.note_reduction(
            context.gesture.press_key,
            {person.id, *person.other_ids},
            now=now,
            since=now - rules.burst_lasts,
            at_most=rules.burst,
        )
        return None if is_noted else Need.BURST

    @asynccontextmanager
    async def _claimed_press(
        self, operation: Operation, context: RequestContext, approved: Approved | None
    ) -> AsyncIterator[_ClaimedPress]:
        """Claim the press, between two processes as well. What was approved is claimed as that."""
        if approved is not None:
            yield _ClaimedPress()
            return
        key = context.gesture.press_key
        first = await self._presses.claim(
            PressClaim(key, context.person.id, operation.name, self._backend.clock.now())
        )
        if first is not None:
            by = PersonId(first.person_id)
            yield _ClaimedPress(
                outcomes.AlreadyPressed(operation, by, first.at, by_same_person=context.person.has_id(by))
            )
            return
        press = _ClaimedPress()
        try:
            yield press
        except StoreError:
            press.is_spent = False
            raise
        finally:
            if not press.is_spent:
                try:
                    await self._presses.release(key)
                except StoreError as error:
                    log.warning("operations.press_kept", error=str(error))

    def _unsupported(
        self, action: Action, target: Target, context: RequestContext
    ) -> outcomes.NotPossible | None:
        """Say what the server of the job lacks for it, if anything."""
        if target.job is None:
            return None
        server = self._backend.fleet.server(target.server)
        if (unsupported := action.unsupported(server.revision)) is None:
            return None
        view = self._backend.views.of(context, target.server, target.state)
        return outcomes.NotPossible(action.operation, view, outcomes.Blocked.UNSUPPORTED, unsupported)

    async def _complete(self, action: Action, target: Target, permission: Permission) -> Target:
        """Return the target with the account to act under, and with its job's latest session.

        That is a detail, but for a button that was drawn with it and for what begins or ends a run.
        """
        if target.job is None:
            return target
        account = self._backend.account(target.server, permission)
        asked = with_session(self._backend.fleet.server(target.server), target.job)
        if isinstance(action, JobAction) and (action.begins_or_ends_run or action.snapshot is not None):
            job = await asked
        else:
            job = await veeam.detail(veeam.Detail.SESSIONS, target.server, asked, target.job)
        return replace(target, account=account, job=job)

    async def _stale(
        self, action: Action, target: Target, context: RequestContext
    ) -> outcomes.StaleButton | None:
        """What to ask again where the job is no longer as it was when the button was drawn."""
        if not isinstance(action, JobAction) or action.snapshot is None or target.listed is None:
            return None
        if not has_moved_on(action.snapshot, target.listed, target.state):
            return None
        backend, job = self._backend, target.job_found
        return outcomes.StaleButton(
            action.operation,
            backend.views.of(context, job.server, job.state),
            action.again(job.known, snapshot_of(job.state)),
            await backend.audit.recent_on_job(context, job.server, job.state.id),
        )

    async def _not_possible(
        self, action: Action, target: Target, context: RequestContext
    ) -> outcomes.NotPossible | None:
        """Why the action makes no sense on the job as it stands."""
        if target.job is None or not isinstance(action, JobAction) or not action.depends_on_state:
            return None
        backend, server = self._backend, self._backend.fleet.server(target.server)
        now = await job_now(server, target.state, for_switch=action.switches_schedule)
        if (blocked := action.blocked_by(now)) is None:
            return None
        recent = await backend.audit.recent_on_job(context, target.server, target.state.id)
        view = backend.views.of(context, target.server, target.state)
        return outcomes.NotPossible(action.operation, view, blocked, recent=recent)

    def _keep_open(self, prepared: PreparedAction, approved: Approved | None) -> Also:
        """Return what keeps the action until its gesture is answered, whatever becomes of this process."""
        answers = prepared.context.gesture if approved is None else approved.gesture
        body = body_of(prepared, answers, self._backend.codec)
        self._unanswered.add(answers.reference)

        async def add(transaction: Transaction, audit_id: AuditId) -> None:
            await self._open_actions.add(transaction, OpenAction(audit_id, answers.reference, body))

        return add

    async def _send(self, prepared: PreparedAction) -> outcomes.Sent:
        """Send it, once."""
        action = prepared.action
        await action.plan(self._backend, prepared)
        try:
            effect = await action.send(prepared, self._backend.clock.now())
        except veeam.AnswerLost as error:
            unclear = await self._unclear(prepared, error)
            if unclear.job is not None and unclear.found is None:
                await self._quietly(prepared, action.drop_plan_if_unclear(self._backend, prepared))
            return unclear
        except veeam.VeeamError as error:
            await self._quietly(prepared, action.drop_plan(self._backend, prepared))
            return outcomes.Failed(action.operation, error, prepared.name)
        effect = await self._with_run(prepared, effect)
        await self._remember(prepared, effect)
        return await self._done(prepared, effect)

    async def _with_run(self, prepared: PreparedAction, effect: outcomes.Effect) -> outcomes.Effect:
        """Return the effect with the job's own run, where VBR did not name it."""
        job = prepared.target.job
        if (
            isinstance(effect, outcomes.Ran)
            and job is not None
            and (effect.session is None or not is_run_of(effect.session, job.state.id))
        ):
            # VBR may answer a stop with a session of its own, or with none: the run is looked up.
            found = await self._ask(
                prepared.target.server, lambda vbr: prepared.action.find_effect(vbr, prepared, None)
            )
            effect = found if isinstance(found, outcomes.Ran) and found.session is not None else effect
        return effect

    async def _done(
        self, prepared: PreparedAction, effect: outcomes.Effect
    ) -> outcomes.Done | outcomes.Unclear:
        action, context, server = prepared.action, prepared.context, prepared.target.server
        affected = await action.affected_job(self._backend, prepared, effect)
        if affected is None:
            error = veeam.UnexpectedAnswer(server, "accepted, and no session was named")
            found = effect if isinstance(effect, outcomes.Ran) and effect.session is not None else None
            return outcomes.Unclear(
                action.operation, prepared.name, server, job=None, found=found, error=error
            )
        return outcomes.Done(
            outcomes.ActionAnswer(
                operation=action.operation,
                by=context.person.id,
                server=server,
                job_id=affected.id,
                job_name=affected.name,
                effect=effect,
                detail=None if isinstance(effect, outcomes.Created) else prepared.detail,
                at=self._backend.clock.now(),
                reference=context.gesture.reference,
                approver=context.approver.id if context.approver is not None else None,
                reason=context.reason,
                never_stops=_never_stops(prepared),
            )
        )

    async def _remember(self, prepared: PreparedAction, effect: outcomes.Effect) -> None:
        """Note for the watch who began the run; a job that is switched or removed loses its timed plan."""
        backend, target = self._backend, prepared.target
        match effect:
            case outcomes.Ran(veeam.Session() as session):
                job_id = target.job.state.id if target.job is not None else session.job_id
                if job_id is not None:
                    own = prepared.own_action(job_id, session.id, backend.clock.now())
                    await self._quietly(prepared, backend.own_actions.remember(own), job_id)
            case outcomes.Switched(until=None) | outcomes.Deleted():
                forgetting = backend.timed_disables.forget(target.server, target.state.id)
                await self._quietly(prepared, forgetting)
            case _:
                pass

    async def _unclear(self, prepared: PreparedAction, error: veeam.AnswerLost) -> outcomes.Unclear:
        """Look up what is there since; nothing is changed by it."""
        action, context, server = prepared.action, prepared.context, prepared.target.server
        since = None
        if (job := prepared.target.job) is not None:
            since = await self._ask(server, lambda vbr: vbr.job_state(job.state.id))
        found: outcomes.Effect | None = await self._ask(
            server, lambda vbr: action.find_effect(vbr, prepared, since)
        )
        return outcomes.Unclear(
            operation=action.operation,
            job_name=prepared.name,
            server=server,
            job=None if since is None else self._backend.views.of(context, server, since),
            found=found,
            error=error,
        )

    async def _look_up(self, prepared: PreparedAction, known: AuditOutcome | None) -> outcomes.Sent:
        """The outcome of an action that was left open, as it is on record, or else by VBR.

        Plans for its job stay: its own may still be due, any other is somebody else's. The watch ends stale
        ones.
        """
        operation, server = prepared.action.operation, prepared.target.server
        if known is not None and known.outcome not in {_DONE, _UNCLEAR}:
            error = veeam.VeeamError(server, known.detail or "")
            return outcomes.Failed(operation, error, prepared.name)
        interrupted = veeam.Interrupted(server, "the bot was interrupted before it heard from it")
        unclear = await self._unclear(prepared, interrupted)
        if known is None or known.outcome == _UNCLEAR:
            return unclear
        effect = unclear.found
        if known.session_id is not None:
            session_id = veeam.SessionId(known.session_id)
            session = await self._ask(server, lambda vbr: vbr.session(session_id))
            effect = outcomes.Ran(session) if session is not None else effect
        if isinstance(effect, outcomes.Switched):
            effect = replace(effect, until=await self._planned_end(prepared))
        return unclear if effect is None else await self._done(prepared, effect)

    async def _planned_end(self, prepared: PreparedAction) -> datetime | None:
        """When the job that it switched is enabled again; None where it planned nothing."""
        reference = prepared.context.gesture.reference
        plans = await self._backend.timed_disables.of(prepared.target.server)
        return next((plan.until for plan in plans if plan.reference == reference), None)

    async def _ask(
        self, server: ServerName, question: Callable[[veeam.VeeamServer], Awaitable[T | None]]
    ) -> T | None:
        """The answer of one server; None where it is silent."""
        return (await self._backend.fleet.ask(question, (server,))).answers.get(server)

    async def _quietly(
        self, prepared: PreparedAction, remembering: Awaitable[None], job_id: veeam.JobId | None = None
    ) -> None:
        """Remember it, on its job or this one; it was sent, whatever the database says."""
        try:
            await remembering
        except StoreError as error:
            job = prepared.target.job
            log.error(
                "operations.not_remembered",
                operation=prepared.action.operation.name,
                job_id=job.state.id if job is not None else job_id,
                error=str(error),
            )


def _never_stops(prepared: PreparedAction) -> bool:
    """Whether VBR could not stop what the action begins."""
    action, job = prepared.action, prepared.target.job
    return (isinstance(action, JobAction) and action.is_command) or (
        job is not None and never_stops(job.state)
    )
