"""The requests that wait for a second person, as far as they concern one person. Nothing is decided here."""

from bot.observability import Clock
from bot.operations.answers import Waiting
from bot.operations.approvals.wishes import may_wish, target_of
from bot.operations.asking import Asking
from bot.operations.catalog import BY_NAME
from bot.operations.roles import Rights
from bot.store import Approval, Approvals


class WaitingRoom:
    """Looks through the requests that wait. Raises `StoreError`."""

    def __init__(self, approvals: Approvals, rights: Rights, clock: Clock) -> None:
        self._approvals = approvals
        self._rights = rights
        self._clock = clock

    async def of(self, asking: Asking) -> Waiting:
        """Return the requests for what the person may do themself: of no other is anything said."""
        pending = await self._approvals.pending(self._clock.now())
        known = [one for one in pending if self._may(asking, one)]
        return Waiting(
            to_decide=tuple(one for one in known if one.person_id != asking.person.id),
            own=tuple(one for one in known if one.person_id == asking.person.id),
        )

    def _may(self, asking: Asking, approval: Approval) -> bool:
        operation = BY_NAME.get(approval.operation)
        if operation is None:
            return False
        target = target_of(operation, approval.server, approval.name)
        return may_wish(self._rights, asking, operation, target).is_allowed
