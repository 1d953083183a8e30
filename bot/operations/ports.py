"""What the operations are told or tell without knowing by whom: implemented where the bot is put together.

What they keep is in the store's own classes; see `bot.store.records` for what those promise.
"""

from datetime import datetime
from typing import Protocol

from bot.settings import ServerName


class WatchHealth(Protocol):
    """How watching goes, for `status` and `servers`."""

    def last_poll_at(self, server: ServerName) -> datetime | None:
        """Return when the server's last good poll ended; None when there was none since the start."""

    async def outbox_waiting(self) -> int:
        """Return how many announcements wait to be sent. Raises the store's `StoreError`."""
        ...


class OperationMetrics(Protocol):
    """Where it is counted what was asked and how it went."""

    def operation_finished(self, operation: str, outcome: str, *, seconds: float) -> None:
        """Count one asking under the catalog's name and the outcome's kind ("done", "refused" …)."""
