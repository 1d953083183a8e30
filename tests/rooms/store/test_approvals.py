"""Requests that wait for a second person: each step is won once, and told in its transaction."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.store import (
    Approval,
    ApprovalEnd,
    ApprovalImpact,
    Approvals,
    ApprovalState,
    Database,
    NewOutboxRow,
    Outbox,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOON = NOON + timedelta(minutes=5)
LATE = NOON + timedelta(minutes=30)
ASKED = Approval(
    id="a1",
    operation="delete",
    request='[["hq","j1"],null,"Files"]',
    request_hash="same",
    snapshot_hash="as it was",
    person_id="U0ANN",
    team_id=None,
    origin="form",
    reference="K7Q2AB",
    channel_id="C0PROD",
    server="hq",
    job_id="j1",
    name="Files <!channel>",
    channel="C0PROD",
    asked_at=NOON,
    expires_at=LATE,
    reason="retired",
    impact=ApprovalImpact(status="Inactive", objects=3, next_run=LATE, roles=("A",), groups=("@admins",)),
)


def told(approval: Approval) -> tuple[NewOutboxRow, ...]:
    key = f"{approval.id}/{approval.outcome or approval.state}"
    return (NewOutboxRow(key=key, channel="C9", kind="k", body=approval.person_id, created_at=NOON),)


def book(database: Database) -> Approvals:
    return Approvals(database, told)


async def queued(database: Database) -> list[str]:
    keys = []
    while rows := await Outbox(database).claim("me", LATE, 60, 9):
        for row in rows:
            keys.append(row.key)
            await Outbox(database).park(row.id, "seen", LATE)
    return keys


async def test_a_request_comes_back_as_it_was(database: Database) -> None:
    """What was asked is kept, and told once."""
    assert await book(database).ask(ASKED) is None
    assert await book(database).of("a1") == ASKED
    assert await book(database).of("a2") is None
    assert await queued(database) == ["a1/pending"]


async def test_the_same_is_asked_once(database: Database, other: Database) -> None:
    """Of two that ask for the same at the same moment one is queued, and the other is told which."""
    second = replace(ASKED, id="a2", person_id="U0BEN")
    found = await asyncio.gather(book(database).ask(ASKED), book(other).ask(second))
    assert [one is None for one in found].count(True) == 1
    assert len(await queued(database)) == 1


async def test_what_cannot_be_approved_any_more_makes_room(database: Database) -> None:
    """An expired request, and one that is bound to another state, end where the same is asked anew."""
    approvals = book(database)
    await approvals.ask(ASKED)
    assert await approvals.ask(replace(ASKED, id="a2", snapshot_hash="as it is", asked_at=SOON)) is None
    assert await approvals.ask(replace(ASKED, id="a3", snapshot_hash="as it is", asked_at=LATE)) is None
    ends = [found.outcome for each in ("a1", "a2") if (found := await approvals.of(each))]
    assert ends == [ApprovalEnd.OVERTAKEN, ApprovalEnd.EXPIRED]


async def test_one_approves(database: Database, other: Database) -> None:
    """Two approvers at once: one has it, and it cannot be declined any more."""
    await book(database).ask(ASKED)
    won = await asyncio.gather(
        book(database).approve("a1", by="U0BEN", now=SOON), book(other).approve("a1", by="U0CID", now=SOON)
    )
    (approved,) = [one for one in won if one is not None]
    assert approved.state is ApprovalState.APPROVED
    assert approved.decided_at == SOON
    assert await book(other).end_pending("a1", ApprovalEnd.DECLINED, now=SOON, by="U0CID") is None
    assert await queued(database) == ["a1/pending", "a1/approved"]


async def test_what_is_over_is_not_approved(database: Database) -> None:
    """At the very moment its time is over a request cannot be approved; it ends, and is told, once."""
    approvals = book(database)
    await approvals.ask(ASKED)
    assert await approvals.approve("a1", by="U0BEN", now=LATE) is None
    assert await approvals.expired(SOON) == ()
    assert [one.outcome for one in await approvals.expired(LATE)] == [ApprovalEnd.EXPIRED]
    assert await approvals.expired(LATE) == ()
    assert await queued(database) == ["a1/pending", "a1/expired"]


async def test_what_waits_is_listed(database: Database) -> None:
    """What expires soonest first; nothing that is decided, nothing whose time is over."""
    approvals = book(database)
    for number, until in (("a1", LATE), ("a2", SOON + timedelta(minutes=1)), ("a3", SOON), ("a4", LATE)):
        await approvals.ask(replace(ASKED, id=number, request_hash=number, expires_at=until))
    await approvals.approve("a4", by="U0BEN", now=NOON)
    assert [one.id for one in await approvals.pending(SOON)] == ["a2", "a1"]


async def test_an_approved_request_is_finished_once(database: Database) -> None:
    """What came of it is noted once, and until then it is found as left approved."""
    approvals = book(database)
    await approvals.ask(ASKED)
    assert await approvals.finish("a1", "done", now=SOON) is None
    await approvals.approve("a1", by="U0BEN", now=SOON)
    assert await approvals.left_approved(SOON) == ()
    assert [one.id for one in await approvals.left_approved(LATE)] == ["a1"]
    ended = await approvals.finish("a1", "unclear", now=LATE, problem="no answer")
    assert ended is not None
    assert (ended.decider_id, ended.outcome, ended.problem, ended.ended_at) == (
        "U0BEN", "unclear", "no answer", LATE,
    )  # fmt: skip
    assert await approvals.finish("a1", "done", now=LATE) is None
    assert await approvals.left_approved(LATE + timedelta(days=1)) == ()


async def test_what_ended_long_ago_is_forgotten(database: Database) -> None:
    """What is pending stays."""
    approvals = book(database)
    for each in (ASKED, replace(ASKED, id="a2", request_hash="other")):
        await approvals.ask(each)
    await approvals.end_pending("a1", ApprovalEnd.WITHDRAWN, now=SOON, by="U0ANN")
    await approvals.purge(LATE)
    assert (await approvals.of("a1"), await approvals.of("a2") is None) == (None, False)
