"""Requests without a valid signature: somebody tries to be Slack."""

import structlog
from aiolimiter import AsyncLimiter

from bot.observability import Clock
from bot.slack.gestures import new_reference
from bot.store import AuditEntry, AuditLog, AuditOutcome, StoreError

_ON_RECORD_A_MINUTE = 20

log = structlog.get_logger()


class UnsignedRequests:
    """Puts them on record: as many as one could send, a few a minute."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._limiter = AsyncLimiter(_ON_RECORD_A_MINUTE, 60.0)

    async def refused(self, remote: str) -> None:
        """Put a request from this address on record. Never raises: it is refused either way."""
        if not self._limiter.has_capacity():
            return
        await self._limiter.acquire()
        now = self._clock.now()
        entry = AuditEntry(
            person_id="unknown",
            person_name=f"a request from {remote}",
            team_id=None,
            operation="request",
            reference=new_reference(),
            origin="http",
            channel_id=None,
            at=now,
        )
        try:
            await self._audit.refused(entry, AuditOutcome("refused", now, detail="unsigned"))
        except StoreError as error:
            log.error("application.not_on_record", problem=str(error))
