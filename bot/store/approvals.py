"""Requests that wait for a second person. Each step is won once, between two processes as well.

A request is pending until it is approved, declined or withdrawn, or until it expires or the job is found to
have changed. An approved one ends with what came of it. What is told of each step is queued in the
transaction that makes it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, delete, select, update

from bot.store.database import Database, Transaction
from bot.store.outbox import NewRow, Outbox
from bot.store.tables import approvals, closed_channels


class ApprovalState(StrEnum):
    """How far a request is."""

    PENDING = "pending"
    APPROVED = "approved"  # being sent, or the bot was killed while it was
    ENDED = "ended"


class ApprovalEnd(StrEnum):
    """What ends a request without its being approved, or without its being sent."""

    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    OVERTAKEN = "overtaken"  # what it was asked for has changed since
    REFUSED = "refused"  # whoever asked may not do it any more
    NOT_SENT = "not_sent"  # approved, and the bot broke off before it sent anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a request touches, as it stood when it was asked for, and who may approve it.

    `status` is VBR's word; without a job all but `roles` and `groups` is empty.
    """

    status: str | None = None
    is_disabled: bool = False
    objects: int | None = None
    last_result: str | None = None
    last_run: datetime | None = None
    next_run: datetime | None = None
    repository: str | None = None
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One request: what is asked for, by whom and from where, and what became of it.

    `cells` is the request as JSON; `sameness` is the same for requests that ask for the same; `binding` is
    the hash of what it was asked for. `name` is the job's or the machine's, `channel` where it stands to be
    decided. `outcome` is an `ApprovalEnd`, or the kind of what came of it once it was sent.
    """

    id: str
    operation: str
    cells: str
    sameness: str
    binding: str
    person_id: str
    person_name: str
    team_id: str | None
    origin: str
    reference: str
    channel_id: str | None
    server: str
    job_id: str | None
    name: str
    channel: str
    asked_at: datetime
    expires_at: datetime
    detail: str | None = None
    reason: str | None = None
    touched: Touched = Touched()
    state: ApprovalState = ApprovalState.PENDING
    decider_id: str | None = None
    decider_name: str | None = None
    decided_at: datetime | None = None
    outcome: str | None = None
    problem: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided, and when."""

    person_id: str
    person_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """How a request ends; `by` where somebody declined or withdrew it."""

    outcome: str
    at: datetime
    problem: str | None = None
    by: Decision | None = None


Tell = Callable[[Approval], Sequence[NewRow]]
"""What to queue in the outbox for a request as it is now, in the transaction that made it so."""


class Approvals:
    """The requests of one database; `tell` queues what is told of them. Raises `StoreError`."""

    def __init__(self, database: Database, tell: Tell) -> None:
        self._database = database
        self._outbox = Outbox(database)
        self._tell = tell

    async def ask(self, approval: Approval) -> Approval | None:
        """Queue a request. The pending one that asks for the same, if there is one: then nothing is queued.

        One that has expired, or is bound to another state, ends here and makes room.
        """
        async with self._database.transaction() as transaction:
            await transaction.serialise("approvals.ask")
            alike = approvals.c.sameness == approval.sameness
            for values in await transaction.values(select(approvals).where(alike, _is_pending)):
                waiting, now = _approval(values), approval.asked_at
                if waiting.expires_at <= now:
                    await self._ended(transaction, _pending(waiting.id), Ending(ApprovalEnd.EXPIRED, now))
                elif waiting.binding != approval.binding:
                    await self._ended(transaction, _pending(waiting.id), Ending(ApprovalEnd.OVERTAKEN, now))
                else:
                    return waiting
            await transaction.execute(approvals.insert().values(_columns(approval)))
            await self._outbox.add(transaction, self._tell(approval))
        return None

    async def is_held_back(self, channel: str) -> bool:
        """Whether nothing can be posted to the channel at the moment."""
        closed = select(closed_channels.c.channel).where(closed_channels.c.channel == channel)
        async with self._database.reading() as reading:
            return await reading.first(closed) is not None

    async def of(self, approval_id: str) -> Approval | None:
        """Return a request as it is; None where there is none, or none any more."""
        async with self._database.reading() as reading:
            found = await reading.values(select(approvals).where(approvals.c.id == approval_id))
        return next(map(_approval, found), None)

    async def pending(self, now: datetime) -> tuple[Approval, ...]:
        """Return what waits for a second person and has not expired; what expires soonest first."""
        waits = select(approvals).where(_is_pending, approvals.c.expires_at > now)
        async with self._database.reading() as reading:
            found = await reading.values(waits.order_by(approvals.c.expires_at, approvals.c.id))
        return tuple(map(_approval, found))

    async def approve(self, approval_id: str, decision: Decision) -> Approval | None:
        """Claim a pending request that has not expired, in one statement. None: it was not to be had."""
        async with self._database.transaction() as transaction:
            return await self._changed(
                transaction,
                and_(_pending(approval_id), approvals.c.expires_at > decision.at),
                state=ApprovalState.APPROVED.value,
                **_decided(decision),
            )

    async def end_pending(self, approval_id: str, ending: Ending) -> Approval | None:
        """End a pending request, in one statement. None: somebody was first."""
        async with self._database.transaction() as transaction:
            return await self._ended(transaction, _pending(approval_id), ending)

    async def finish(self, approval_id: str, ending: Ending) -> Approval | None:
        """Note what came of an approved request. None: that was noted before."""
        is_approved = approvals.c.state == ApprovalState.APPROVED.value
        async with self._database.transaction() as transaction:
            return await self._ended(transaction, and_(approvals.c.id == approval_id, is_approved), ending)

    async def expired(self, now: datetime) -> tuple[Approval, ...]:
        """End every pending request whose time is over; return them."""
        over = select(approvals.c.id).where(_is_pending, approvals.c.expires_at <= now)
        async with self._database.reading() as reading:
            ids = [row.id for row in await reading.all(over.order_by(approvals.c.expires_at))]
        ended = [await self.end_pending(each, Ending(ApprovalEnd.EXPIRED, now)) for each in ids]
        return tuple(one for one in ended if one is not None)

    async def left_approved(self, before: datetime) -> tuple[Approval, ...]:
        """Return what was approved before a moment, and of which nobody noted what came of it."""
        left = and_(approvals.c.state == ApprovalState.APPROVED.value, approvals.c.decided_at < before)
        async with self._database.reading() as reading:
            found = await reading.values(select(approvals).where(left).order_by(approvals.c.decided_at))
        return tuple(map(_approval, found))

    async def purge(self, before: datetime) -> None:
        """Forget requests that ended before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(approvals).where(approvals.c.ended_at < before))

    async def _ended(
        self, transaction: Transaction, which: ColumnElement[bool], ending: Ending
    ) -> Approval | None:
        return await self._changed(
            transaction,
            which,
            state=ApprovalState.ENDED.value,
            outcome=ending.outcome,
            problem=ending.problem,
            ended_at=ending.at,
            **({} if ending.by is None else _decided(ending.by)),
        )

    async def _changed(
        self, transaction: Transaction, which: ColumnElement[bool], **values: Any
    ) -> Approval | None:
        won = await transaction.values(
            update(approvals).where(which).values(**values).returning(*approvals.c)
        )
        for row in won:
            approval = _approval(row)
            await self._outbox.add(transaction, self._tell(approval))
            return approval
        return None


_is_pending = approvals.c.state == ApprovalState.PENDING.value


def _pending(approval_id: str) -> ColumnElement[bool]:
    return and_(approvals.c.id == approval_id, _is_pending)


def _decided(decision: Decision) -> dict[str, Any]:
    return {
        "decider_id": decision.person_id,
        "decider_name": decision.person_name,
        "decided_at": decision.at,
    }


def _columns(approval: Approval) -> dict[str, Any]:
    plain = {"touched": msgspec.json.encode(approval.touched).decode(), "state": approval.state.value}
    return asdict(approval) | plain


def _approval(values: Mapping[str, Any]) -> Approval:
    own = {field.name: values[field.name] for field in fields(Approval)}
    touched = msgspec.json.decode(values["touched"], type=Touched)
    return Approval(**own | {"touched": touched, "state": ApprovalState(values["state"])})
