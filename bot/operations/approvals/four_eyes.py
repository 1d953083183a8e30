"""Four eyes: what is allowed and ready is asked of a second person, instead of being sent."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from bot.observability import Clock
from bot.operations.approvals.wishes import Bindings, Wish, reason_of
from bot.operations.catalog import Operation
from bot.operations.cells import cells_of
from bot.operations.outcomes import Asked, AskedBefore, Refusal, Refused
from bot.operations.people import People
from bot.operations.record import Record
from bot.operations.requests import Gesture
from bot.operations.roles import Rights, Verdict
from bot.store import Approval, ApprovalImpact, Approvals

ASKED, ASKED_BEFORE = "asked", "asked_before"


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """Which operations take a second person, and how long a request waits for one.

    `channels` are where it stands if it was asked for where nobody else reads: the first of them.
    """

    operations: Collection[str] = ()
    lasts: timedelta = timedelta(minutes=30)
    channels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Bench:
    """Where requests and what is decided about them are kept, and who says who people are."""

    approvals: Approvals
    record: Record
    people: People


class FourEyes:
    """Asks for approvals. Raises `StoreError`, and `VeeamError` where nothing was asked."""

    def __init__(
        self, rules: ApprovalRules, rights: Rights, bindings: Bindings, bench: Bench, clock: Clock
    ) -> None:
        self._rules = rules
        self._rights = rights
        self._bindings = bindings
        self._approvals = bench.approvals
        self._record = bench.record
        self._people = bench.people
        self._clock = clock

    def takes(self, operation: Operation) -> bool:
        """Whether the operation waits for a second person."""
        return operation.name in self._rules.operations

    async def ask(self, wish: Wish) -> Asked | AskedBefore | Refused:
        """Put the request where somebody else can approve it; nothing is sent."""
        asking, where = wish.asking, wish.job or wish.server
        channel = self._channel(asking.gesture)
        if channel is None:
            return await self._record.refuse(wish.operation, asking, Verdict(Refusal.NOWHERE), where)
        approval = self._approval(wish, await self._bindings.of(wish), channel)
        audit_id = await self._record.opened(wish.operation, asking, where, wish.detail)
        waiting = await self._approvals.ask(approval)
        if waiting is None:
            await self._record.closed(audit_id, ASKED)
            is_held_back = await self._approvals.is_held_back(channel)
            return Asked(wish.operation, approval, is_held_back=is_held_back)
        await self._record.closed(audit_id, ASKED_BEFORE)
        return AskedBefore(wish.operation, waiting)

    def _channel(self, gesture: Gesture) -> str | None:
        if gesture.channel_id is not None and not gesture.is_direct:
            return gesture.channel_id
        return next(iter(self._rules.channels), None)

    def _approval(self, wish: Wish, snapshot_hash: str, channel: str) -> Approval:
        person, gesture, now = wish.asking.person, wish.asking.gesture, self._clock.now()
        return Approval(
            id=secrets.token_urlsafe(12),
            operation=wish.operation.name,
            request=msgspec.json.encode(cells_of(wish.request)).decode(),
            request_hash=wish.request_hash,
            snapshot_hash=snapshot_hash,
            person_id=person.id,
            team_id=gesture.team_id,
            origin=gesture.origin,
            reference=gesture.reference,
            channel_id=gesture.channel_id,
            server=wish.server,
            job_id=wish.job.state.id if wish.job is not None else None,
            name=wish.name,
            channel=channel,
            asked_at=now,
            expires_at=now + self._rules.lasts,
            detail=wish.detail,
            reason=reason_of(wish.request),
            impact=self._impact(wish),
        )

    def _impact(self, wish: Wish) -> ApprovalImpact:
        roles, groups = self._rights.who_may(wish.operation, wish.target)
        may = ApprovalImpact(
            roles=tuple(role.value for role in roles), groups=self._people.group_names(groups)
        )
        if wish.job is None:
            return may
        state = wish.job.state
        return ApprovalImpact(
            status=state.status,
            is_disabled=state.is_disabled,
            objects=state.objects_count,
            last_result=state.last_result,
            last_run=state.last_run,
            next_run=state.next_run,
            repository=state.repository_name,
            roles=may.roles,
            groups=may.groups,
        )
