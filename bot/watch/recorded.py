"""The audit channel: each action with its outcome, and each one that was refused, told as it happens. Pure.

The record is kept whether or not anybody can be told; what is told waits in the outbox like all else.
"""

from collections.abc import Collection

from bot.store import AuditRecord, NewOutboxRow
from bot.watch.destinations import ROOT, kind_of
from bot.watch.facts import ActionRecorded, encode


class AuditChannel:
    """What is queued for one channel, if there is one. `actions` are the names on record to tell of."""

    def __init__(self, channel: str | None, actions: Collection[str]) -> None:
        self._channel = channel
        self._actions = frozenset(actions)

    def rows(self, attempt: AuditRecord) -> tuple[NewOutboxRow, ...]:
        """Return the message that tells an attempt; none for a refused look, and none without an outcome."""
        entry, outcome = attempt.entry, attempt.outcome
        if self._channel is None or outcome is None or entry.operation not in self._actions:
            return ()
        recorded = ActionRecorded(
            operation=entry.operation,
            outcome=outcome.outcome,
            person_id=entry.person_id,
            person_name=entry.person_name,
            reference=entry.reference,
            origin=entry.origin,
            at=entry.at,
            channel_id=entry.channel_id,
            server=entry.server,
            job_name=entry.job_name,
            asked=entry.detail,
            session_id=outcome.session_id,
            said=outcome.detail,
            approver_id=entry.approver_id,
            approver_name=entry.approver_name,
            reason=entry.reason,
        )
        row = NewOutboxRow(
            key=f"audit/{attempt.id}/{self._channel}",
            channel=self._channel,
            kind=kind_of(recorded),
            body=encode(recorded),
            created_at=outcome.at,
            priority=ROOT,
        )
        return (row,)
