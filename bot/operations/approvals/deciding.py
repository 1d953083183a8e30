"""Approve and Decline: who may press them, whether what was asked for still stands, and doing it once.

In this order: the request as it is kept, the right of whoever presses, the asker's own right and the job as
both are now, the claim, the action. Whatever was claimed and not sent is never sent later.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from bot.observability import Clock
from bot.operations.answers import ApprovalAnswer
from bot.operations.approvals.four_eyes import Bench
from bot.operations.approvals.wishes import Bindings, may_wish, target_of
from bot.operations.asking import Asking
from bot.operations.catalog import APPROVE, BY_NAME, DECLINE, Operation
from bot.operations.cells import BrokenCells, OldCells, request_of
from bot.operations.once import Ready
from bot.operations.outcomes import Done, NotFound, Refusal, Refused, Sent, Settled, kind_of
from bot.operations.record import Place, error_of
from bot.operations.requests import ApproveRequest, DeclineRequest, Gesture, Origin, Request
from bot.operations.roles import Rights, Target, Verdict, unreadable
from bot.settings import PersonId
from bot.store import Approval, ApprovalEnd, ApprovalState, StoreError

SETTLED = "settled"
GONE, CHANGED, OLD = "gone", "changed", "old"
"""Why a request is overtaken: no such job any more, not as it was, of another version of the bot."""

log = structlog.get_logger()

Prepare = Callable[[Request, Asking], Awaitable[Any]]
"""What makes a request ready to be sent: a `Ready`, or the outcome that says why not."""


class Deciding:
    """Decides requests. Raises `StoreError`, and `VeeamError` where nothing was decided."""

    def __init__(
        self, bench: Bench, rights: Rights, bindings: Bindings, prepare: Prepare, clock: Clock
    ) -> None:
        self._approvals = bench.approvals
        self._record = bench.record
        self._people = bench.people
        self._rights = rights
        self._bindings = bindings
        self._prepare = prepare
        self._clock = clock

    async def approve(self, request: ApproveRequest, asking: Asking) -> Sent | Refused | NotFound | Settled:
        """Do what was asked for, if it still is what was asked for."""
        approval = await self._waiting(request.approval_id)
        if not isinstance(approval, Approval):
            return approval
        if (refused := await self._refused(APPROVE, approval, asking)) is not None:
            return refused
        ready = await self._ready(approval, asking)
        if not isinstance(ready, Ready):
            return ready
        by, now = asking.person.id, self._clock.now()
        if await self._approvals.approve(approval.id, by=by, now=now) is None:
            return await self._settled(approval.id)
        return await self._sent(approval, ready)

    async def decline(self, request: DeclineRequest, asking: Asking) -> Done | Refused | NotFound | Settled:
        """End the request: declined by somebody else, withdrawn by whoever asked."""
        approval = await self._waiting(request.approval_id)
        if not isinstance(approval, Approval):
            return approval
        is_own = approval.person_id == asking.person.id
        if not is_own and (refused := await self._refused(DECLINE, approval, asking)) is not None:
            return refused
        end = ApprovalEnd.WITHDRAWN if is_own else ApprovalEnd.DECLINED
        audit_id = await self._record.opened(DECLINE, asking, _place(approval), approval.operation)
        ended = await self._approvals.end_pending(
            approval.id, end, now=self._clock.now(), by=asking.person.id
        )
        await self._record.closed(audit_id, SETTLED if ended is None else "done", detail=end)
        return await self._settled(approval.id) if ended is None else Done(ApprovalAnswer(ended))

    async def _waiting(self, approval_id: str) -> Approval | NotFound | Settled:
        approval = await self._approvals.of(approval_id)
        if approval is None:
            return NotFound("request", approval_id)
        if approval.state is not ApprovalState.PENDING:
            return Settled(approval)
        if approval.expires_at <= self._clock.now():
            return await self._ended(approval, ApprovalEnd.EXPIRED)
        if approval.operation not in BY_NAME:
            return await self._ended(approval, ApprovalEnd.OVERTAKEN, OLD)
        return approval

    async def _refused(self, press: Operation, approval: Approval, asking: Asking) -> Refused | None:
        operation = BY_NAME[approval.operation]
        verdict = may_wish(self._rights, asking, operation, _target(approval))
        if approval.person_id == asking.person.id:
            roles, groups = self._rights.who_may(operation, _target(approval))
            verdict = Verdict(Refusal.OWN_REQUEST, roles_needed=roles, groups=groups)
        if verdict.is_allowed:
            return None
        refused = verdict.refused(operation, asking.person)
        await self._record.refused(press, asking, refused.refusal, _place(approval))
        return refused

    async def _ready(self, approval: Approval, asking: Asking) -> Ready[Any] | Refused | Settled:
        """What was asked for, ready to be sent as whoever asked; ended where it is not what it was."""
        person_id, gesture = PersonId(approval.person_id), _gesture(approval)
        person = await self._people.read(person_id, approval.team_id)
        if unreadable(person) in {Refusal.PERSON_UNREADABLE, Refusal.GROUPS_UNREADABLE}:
            refused = Verdict(Refusal.ASKER_UNREADABLE).refused(BY_NAME[approval.operation], asking.person)
            await self._record.refused(APPROVE, asking, refused.refusal, _place(approval))
            return refused
        sight = self._rights.sight(person)
        requester = Asking(person, gesture, sight, approver=asking.person, reason=approval.reason)
        if (request := _request(approval)) is None:
            return await self._ended(approval, ApprovalEnd.OVERTAKEN, OLD)
        prepared = await self._prepare(request, requester)
        match prepared:
            case Ready():
                is_same = await self._bindings.of(prepared.wish) == approval.snapshot_hash
                return prepared if is_same else await self._ended(approval, ApprovalEnd.OVERTAKEN, CHANGED)
            case Refused():
                return await self._ended(approval, ApprovalEnd.REFUSED, prepared.refusal)
            case NotFound():
                return await self._ended(approval, ApprovalEnd.OVERTAKEN, GONE)
            case _:
                return await self._ended(approval, ApprovalEnd.OVERTAKEN, CHANGED)

    async def _sent(self, approval: Approval, ready: Ready[Any]) -> Sent:
        try:
            outcome: Sent = await ready.send()
        except StoreError as error:
            await self._finished(approval, ApprovalEnd.NOT_SENT, str(error))
            raise
        await self._finished(approval, kind_of(outcome), error_of(outcome))
        return outcome

    async def _finished(self, approval: Approval, outcome: str, problem: str | None) -> None:
        try:
            await self._approvals.finish(approval.id, outcome, now=self._clock.now(), problem=problem)
        except StoreError as error:
            # It is decided and on record; what looks after requests ends this one by the record.
            log.error("operations.approval_left_open", approval_id=approval.id, error=str(error))

    async def _ended(self, approval: Approval, end: ApprovalEnd, problem: str | None = None) -> Settled:
        ended = await self._approvals.end_pending(approval.id, end, now=self._clock.now(), problem=problem)
        return Settled(ended or await self._approvals.of(approval.id) or approval)

    async def _settled(self, approval_id: str) -> Settled | NotFound:
        approval = await self._waiting(approval_id)
        return Settled(approval) if isinstance(approval, Approval) else approval


def _gesture(approval: Approval) -> Gesture:
    """The gesture by which it was asked for: what is done is done for that one."""
    return Gesture(
        reference=approval.reference,
        person_id=PersonId(approval.person_id),
        team_id=approval.team_id,
        channel_id=approval.channel_id,
        origin=Origin(approval.origin),
        press_key=f"approval/{approval.id}",
    )


def _request(approval: Approval) -> Request | None:
    """What was asked for; None where another version of the bot kept it otherwise."""
    try:
        return request_of(approval.operation, msgspec.json.decode(approval.request, type=list[Any]))
    except (OldCells, BrokenCells):
        return None


def _target(approval: Approval) -> Target:
    return target_of(BY_NAME[approval.operation], approval.server, approval.name)


def _place(approval: Approval) -> Place:
    job_name = approval.name if approval.job_id is not None else None
    return Place(approval.server, approval.job_id, job_name)
