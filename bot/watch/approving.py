"""Requests that wait for a second person: what is told of them, and the end of those that nobody ends.

A request stands in its channel as one message, which is edited as it goes on. What ends without its asker's
doing is told in the thread as well, because an edit notifies nobody.
"""

from datetime import timedelta

import structlog

from bot.observability import Clock
from bot.store import (
    Approval,
    ApprovalEnd,
    Approvals,
    ApprovalState,
    AuditLog,
    NewOutboxRow,
    Placement,
    StoreError,
)
from bot.veeam import JobId, ServerName
from bot.watch.destinations import NOTICE, REPLY, kind_of
from bot.watch.facts import Announcement, ApprovalAsked, ApprovalChanged, ApprovalEnded, ApprovalFacts, encode

SECONDS_BETWEEN_LOOKS = 10.0
LEFT_AFTER = timedelta(minutes=3)
"""How long after its approval nobody can be sending any more what was approved."""
_TELL_THEMSELVES = frozenset({"done", ApprovalEnd.WITHDRAWN})

log = structlog.stdlib.get_logger(__name__)


def approval_rows(approval: Approval) -> tuple[NewOutboxRow, ...]:
    """Return what is queued for a request as it is now. Pure."""
    facts, root = approval_facts(approval), f"approval/{approval.id}"
    match approval.state:
        case ApprovalState.PENDING:
            asked = ApprovalAsked(approval=facts)
            return (_row(root, approval, asked, Placement.POST),)
        case ApprovalState.APPROVED:
            return (_row(f"{root}/approved", approval, ApprovalChanged(approval=facts), Placement.EDIT),)
        case ApprovalState.ENDED:
            edit = _row(f"{root}/edit/ended", approval, ApprovalChanged(approval=facts), Placement.EDIT)
            if approval.outcome in _TELL_THEMSELVES:
                return (edit,)
            return edit, _row(f"{root}/ended", approval, ApprovalEnded(approval=facts), Placement.REPLY)


def approval_facts(approval: Approval) -> ApprovalFacts:
    """Return what is told of a request."""
    impact = approval.impact
    return ApprovalFacts(
        id=approval.id,
        operation=approval.operation,
        person=approval.person_id,
        server=ServerName(approval.server),
        name=approval.name,
        job_id=JobId(approval.job_id) if approval.job_id is not None else None,
        asked_at=approval.asked_at,
        expires_at=approval.expires_at,
        asked=approval.detail,
        reason=approval.reason,
        status=impact.status,
        is_disabled=impact.is_disabled,
        objects=impact.objects,
        last_result=impact.last_result,
        last_run=impact.last_run,
        next_run=impact.next_run,
        repository=impact.repository,
        roles=impact.roles,
        groups=impact.groups,
        state=approval.state,
        decider=approval.decider_id,
        decided_at=approval.decided_at,
        outcome=approval.outcome,
        problem=approval.problem,
        ended_at=approval.ended_at,
    )


class Approving:
    """Ends requests whose time is over, and those that were left approved when the bot was killed.

    Several processes may do so at once: each end is won once.
    """

    def __init__(self, approvals: Approvals, audit: AuditLog, clock: Clock) -> None:
        self._approvals = approvals
        self._audit = audit
        self._clock = clock

    async def run(self) -> None:
        """Look every few seconds, for ever; a database that does not answer is asked again."""
        while True:
            try:
                await self.tick()
            except StoreError as error:
                log.debug("watch.approving_waits", problem=str(error))
            await self._clock.sleep(SECONDS_BETWEEN_LOOKS)

    async def tick(self) -> None:
        """Look at every request once. Raises StoreError."""
        now = self._clock.now()
        for expired in await self._approvals.expired(now):
            log.info("watch.approval_ended", approval_id=expired.id, outcome=expired.outcome)
        for left in await self._approvals.left_approved(now - LEFT_AFTER):
            outcome, problem = await self._outcome(left)
            if await self._approvals.finish(left.id, outcome, now=now, problem=problem) is not None:
                log.warning("watch.approval_left_open", approval_id=left.id, outcome=outcome)

    async def _outcome(self, left: Approval) -> tuple[str, str | None]:
        """By the record: what is not on it was not sent, and what has no outcome there is unclear."""
        attempt = await self._audit.approved(left.reference)
        if attempt is None:
            return ApprovalEnd.NOT_SENT, None
        if attempt.outcome is None:
            return "unclear", None
        return attempt.outcome.outcome, attempt.outcome.detail


def _row(key: str, approval: Approval, announcement: Announcement, placement: Placement) -> NewOutboxRow:
    return NewOutboxRow(
        key=key,
        channel=approval.channel,
        kind=kind_of(announcement),
        body=encode(announcement),
        created_at=approval.ended_at or approval.decided_at or approval.asked_at,
        placement=placement,
        priority=REPLY if placement is Placement.REPLY else NOTICE,
        root_key=None if placement is Placement.POST else f"approval/{approval.id}",
    )
