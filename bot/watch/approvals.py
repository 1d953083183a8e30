"""Requests that need a second person: their messages, and the end of those that nobody decides.

A request is one message in its channel, which is edited as it goes on. If it ends without its requester's
doing, a reply in the thread says so as well, because an edit notifies nobody; a requester who asked elsewhere
gets a direct message too, for they need not read that channel.
"""

from dataclasses import replace
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
from bot.watch import facts, messages

SECONDS_BETWEEN_CHECKS = 10.0
LEFT_AFTER = timedelta(minutes=3)
"""How long after its approval no process can still be sending the action."""

log = structlog.stdlib.get_logger(__name__)


def approval_rows(approval: Approval) -> tuple[NewOutboxRow, ...]:
    """Return what is queued for a request in its present state. Pure."""
    # No message has room for everything in full; who asks for that gets it from the request.
    about = replace(approval, impact=replace(approval.impact, in_full=()))
    root = f"approval/{approval.id}"
    match approval.state:
        case ApprovalState.PENDING:
            opened = facts.ApprovalOpened(approval=about, mentions=approval.impact.mentions)
            return (_row(root, approval, opened, Placement.POST),)
        case ApprovalState.APPROVED:
            return (
                _row(f"{root}/approved", approval, facts.ApprovalChanged(approval=about), Placement.EDIT),
            )
        case ApprovalState.ENDED:
            edit = _row(f"{root}/edit/ended", approval, facts.ApprovalChanged(approval=about), Placement.EDIT)
            if approval.outcome == ApprovalEnd.WITHDRAWN:
                return (edit,)
            ended = facts.ApprovalEnded(approval=about)
            rows = (edit, _row(f"{root}/ended", approval, ended, Placement.REPLY))
            if approval.channel == approval.channel_id:
                return rows
            at = approval.ended_at or approval.asked_at
            return (*rows, messages.message(f"{root}/requester", approval.person_id, ended, at))


class ApprovalCloser:
    """Ends requests that have expired, and those that were left approved when the bot was killed.

    Several processes may do so at once: each end is won once.
    """

    def __init__(self, approvals: Approvals, audit: AuditLog, clock: Clock) -> None:
        self._approvals = approvals
        self._audit = audit
        self._clock = clock

    async def run(self) -> None:
        """Check every few seconds, for ever; a database that does not answer is asked again."""
        while True:
            try:
                await self.tick()
            except StoreError as error:
                log.debug("watch.approvals_not_checked", problem=str(error))
            await self._clock.sleep(SECONDS_BETWEEN_CHECKS)

    async def tick(self) -> None:
        """Check every request once. Raises StoreError."""
        now = self._clock.now()
        for expired in await self._approvals.expired(now):
            log.info("watch.approval_ended", approval_id=expired.id, outcome=expired.outcome)
        for left in await self._approvals.left_approved(now - LEFT_AFTER):
            outcome, problem = await self._outcome(left)
            if await self._approvals.finish(left.id, outcome, now=now, problem=problem) is not None:
                log.warning("watch.approval_left_open", approval_id=left.id, outcome=outcome)

    async def _outcome(self, left: Approval) -> tuple[str, str | None]:
        """By the audit log: what is not on it was not sent, and what has no outcome there is unclear."""
        attempt = await self._audit.approved(left.reference)
        if attempt is None:
            return ApprovalEnd.NOT_SENT, None
        if attempt.outcome is None:
            return "unclear", None
        return attempt.outcome.outcome, attempt.outcome.detail


def _row(
    key: str, approval: Approval, announcement: facts.Announcement, placement: Placement
) -> NewOutboxRow:
    return messages.message(
        key,
        approval.channel,
        announcement,
        approval.ended_at or approval.decided_at or approval.asked_at,
        placement=placement,
        priority=messages.REPLY if placement is Placement.REPLY else messages.NOTICE,
        root_key=None if placement is Placement.POST else f"approval/{approval.id}",
    )
