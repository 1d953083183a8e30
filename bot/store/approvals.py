"""Requests that wait for a second person. Each step is won once, between two processes as well.

A request is pending until it is approved, declined or withdrawn, or until it expires or the job is found to
have changed. An approved one ends with its outcome. What is announced of each step is queued in the
transaction that makes it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, delete, select, update

from bot.store.database import Database, Transaction
from bot.store.outbox import NewOutboxRow, Outbox
from bot.store.tables import approvals, closed_channels


class ApprovalState(StrEnum):
    """How far a request is."""

    PENDING = "pending"
    APPROVED = "approved"  # being sent, or the bot was killed while it was
    ENDED = "ended"


class ApprovalEnd(StrEnum):
    """What ends a request that was not approved, or was approved and not sent."""

    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    OVERTAKEN = "overtaken"  # what it was requested for has changed since
    REFUSED = "refused"  # the requester no longer has the right to it
    NOT_SENT = "not_sent"  # approved, and the bot broke off before it sent anything


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentChange:
    """What somebody else did to the job before the request. No `outcome`: it went on."""

    operation: str
    person_id: str
    at: datetime
    outcome: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalImpact:
    """What a request affects, as it was at the time of the request, and who may approve it.

    `status` is VBR's word; without a job what is said of one is empty. `mentions` are those to notify.
    `recent_reductions`: it waits because the person reduced protection so often in `recent_minutes`.
    `changes` is what is asked for in words, the worst first, and `in_full` the same without anything cut;
    `left_out` counts the characters that the request's message has no room for, and that are shown before
    anybody approves. `warnings` are those that the requester saw, `recent` what others did to the job.
    `run_after` are the jobs that run after it and that the requester may know of; for one reader
    `run_after_hidden` counts those of them that are left out. `last_success` means nothing where it is not
    `is_last_success_known`.
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
    mentions: tuple[str, ...] = ()
    recent_reductions: int = 0
    recent_minutes: float = 0
    changes: tuple[str, ...] = ()
    in_full: tuple[str, ...] = ()
    left_out: int = 0
    warnings: tuple[str, ...] = ()
    run_after: tuple[str, ...] = ()
    run_after_hidden: int = 0
    last_success: datetime | None = None
    is_last_success_known: bool = True
    recent: tuple[RecentChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One request: what is requested, by whom and from where, and what became of it.

    `request` is the request as JSON; `request_hash` is equal for requests for the same thing;
    `snapshot_hash` is the hash of the state that the request was made for. `name` is the job's or the
    machine's, `channel` is where the decision is made. `outcome` is an `ApprovalEnd`, or the kind of what
    came of it once it was sent.
    """

    id: str
    operation: str
    request: str
    request_hash: str
    snapshot_hash: str
    person_id: str
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
    impact: ApprovalImpact = ApprovalImpact()
    state: ApprovalState = ApprovalState.PENDING
    decider_id: str | None = None
    decided_at: datetime | None = None
    outcome: str | None = None
    problem: str | None = None
    ended_at: datetime | None = None


class Approvals:
    """The requests of one database. Raises `StoreError`.

    `announce` returns what to queue in the outbox for a request as it is now, in the transaction that made it
    so.
    """

    def __init__(self, database: Database, announce: Callable[[Approval], Sequence[NewOutboxRow]]) -> None:
        self._database = database
        self._outbox = Outbox(database)
        self._announce = announce

    async def ask(self, approval: Approval) -> Approval | None:
        """Queue a request. Returns the pending one for the same thing if there is one: nothing is queued.

        One that has expired, or was made for another state, ends here and makes room.
        """
        async with self._database.transaction() as transaction:
            await transaction.serialise("approvals.ask")
            alike = approvals.c.request_hash == approval.request_hash
            for values in await transaction.values(select(approvals).where(alike, _is_pending)):
                waiting, now = _approval(values), approval.asked_at
                if waiting.expires_at <= now:
                    end = ApprovalEnd.EXPIRED
                elif waiting.snapshot_hash != approval.snapshot_hash:
                    end = ApprovalEnd.OVERTAKEN
                else:
                    return waiting
                await self._change(transaction, _pending(waiting.id), **_ending(end, now))
            kept = {"impact": msgspec.json.encode(approval.impact).decode(), "state": approval.state.value}
            await transaction.execute(approvals.insert().values(asdict(approval) | kept))
            await self._outbox.add(transaction, self._announce(approval))
        return None

    async def is_held_back(self, channel: str) -> bool:
        """Whether nothing can be posted to the channel at the moment."""
        closed = select(closed_channels.c.channel).where(closed_channels.c.channel == channel)
        async with self._database.reading() as reading:
            return await reading.first(closed) is not None

    async def of(self, approval_id: str) -> Approval | None:
        """Return a request as it is; None if there is none, or none any more."""
        async with self._database.reading() as reading:
            found = await reading.values(select(approvals).where(approvals.c.id == approval_id))
        return next(map(_approval, found), None)

    async def pending(self, now: datetime) -> tuple[Approval, ...]:
        """Return the requests that are pending and have not expired; the next to expire first."""
        waits = select(approvals).where(_is_pending, approvals.c.expires_at > now)
        async with self._database.reading() as reading:
            found = await reading.values(waits.order_by(approvals.c.expires_at, approvals.c.id))
        return tuple(map(_approval, found))

    async def approve(self, approval_id: str, *, by: str, now: datetime) -> Approval | None:
        """Claim a pending request that has not expired, in one statement. None: it is decided or expired."""
        async with self._database.transaction() as transaction:
            return await self._change(
                transaction,
                and_(_pending(approval_id), approvals.c.expires_at > now),
                state=ApprovalState.APPROVED.value,
                decider_id=by,
                decided_at=now,
            )

    async def end_pending(
        self,
        approval_id: str,
        end: ApprovalEnd,
        *,
        now: datetime,
        problem: str | None = None,
        by: str | None = None,
    ) -> Approval | None:
        """End a pending request, in one statement; `by` is who declined or withdrew it.

        None: it was decided before.
        """
        values = _ending(end, now, problem)
        if by is not None:
            values |= {"decider_id": by, "decided_at": now}
        async with self._database.transaction() as transaction:
            return await self._change(transaction, _pending(approval_id), **values)

    async def finish(
        self, approval_id: str, outcome: str, *, now: datetime, problem: str | None = None
    ) -> Approval | None:
        """Note the outcome of an approved request. None: it was noted before."""
        approved = and_(approvals.c.id == approval_id, approvals.c.state == ApprovalState.APPROVED.value)
        async with self._database.transaction() as transaction:
            return await self._change(transaction, approved, **_ending(outcome, now, problem))

    async def expired(self, now: datetime) -> tuple[Approval, ...]:
        """End every pending request whose time is over; return them."""
        over = select(approvals.c.id).where(_is_pending, approvals.c.expires_at <= now)
        async with self._database.reading() as reading:
            ids = [row.id for row in await reading.all(over.order_by(approvals.c.expires_at))]
        ended = [await self.end_pending(each, ApprovalEnd.EXPIRED, now=now) for each in ids]
        return tuple(one for one in ended if one is not None)

    async def left_approved(self, before: datetime) -> tuple[Approval, ...]:
        """Return what was approved before a moment, and whose outcome was never noted."""
        left = and_(approvals.c.state == ApprovalState.APPROVED.value, approvals.c.decided_at < before)
        async with self._database.reading() as reading:
            found = await reading.values(select(approvals).where(left).order_by(approvals.c.decided_at))
        return tuple(map(_approval, found))

    async def purge(self, before: datetime) -> None:
        """Forget requests that ended before a moment."""
        async with self._database.transaction() as transaction:
            await transaction.execute(delete(approvals).where(approvals.c.ended_at < before))

    async def _change(
        self, transaction: Transaction, which: ColumnElement[bool], **values: Any
    ) -> Approval | None:
        """Change a request in one statement, and queue what is announced of that. None: it was not there."""
        changed = await transaction.values(
            update(approvals).where(which).values(**values).returning(*approvals.c)
        )
        if not changed:
            return None
        approval = _approval(changed[0])
        await self._outbox.add(transaction, self._announce(approval))
        return approval


_is_pending = approvals.c.state == ApprovalState.PENDING.value


def _pending(approval_id: str) -> ColumnElement[bool]:
    return and_(approvals.c.id == approval_id, _is_pending)


def _ending(outcome: str, now: datetime, problem: str | None = None) -> dict[str, Any]:
    return {"state": ApprovalState.ENDED.value, "outcome": outcome, "problem": problem, "ended_at": now}


def _approval(values: Mapping[str, Any]) -> Approval:
    impact = msgspec.json.decode(values["impact"], type=ApprovalImpact)
    return Approval(**{**values, "impact": impact, "state": ApprovalState(values["state"])})
