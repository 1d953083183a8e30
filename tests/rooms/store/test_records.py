"""What is on record: the audit chain, presses, own actions."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from bot.store import (
    AuditEntry,
    AuditId,
    AuditLog,
    AuditOutcome,
    Database,
    OwnAction,
    OwnActions,
    Press,
    Presses,
)
from bot.store.tables import audit

NOON = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)
ENTRY = AuditEntry(
    person_id="U1",
    person_name="Änne <!channel>",
    team_id="T1",
    operation="job.retry",
    reference="k7q2",
    origin="button",
    channel_id="C1",
    at=NOON,
    server="hq",
    job_id="j1",
    job_name="SQL",
    detail="chained",
)
OUTCOME = AuditOutcome(outcome="done", at=NOON + timedelta(seconds=1), session_id="s1")
PRESS = Press(key="p1", person_id="U1", operation="retry", at=NOON)
ACTION = OwnAction(
    server="hq",
    job_id="j1",
    session_id="s1",
    operation="retry",
    person_id="U1",
    channel_id="C1",
    reference="k7q2",
    at=NOON,
)


async def events(log: AuditLog) -> list[tuple[Any, ...]]:
    return [
        (each.values["event"], each.values["entry_id"], each.values["outcome"]) for each in await log.rows()
    ]


async def test_an_action_is_two_rows(database: Database) -> None:
    """An action is opened before it is done and closed with what came of it."""
    log = AuditLog(database)
    opened = await log.opened(ENTRY)
    await log.closed(opened, OUTCOME)
    assert await events(log) == [("opened", None, None), ("closed", opened, "done")]
    assert await log.broken_at() is None


async def test_an_action_is_closed_once(database: Database, other: Database) -> None:
    """A second outcome of the same entry is not recorded, not even at the same moment."""
    log = AuditLog(database)
    opened = await log.opened(ENTRY)
    await asyncio.gather(log.closed(opened, OUTCOME), AuditLog(other).closed(opened, OUTCOME))
    assert await events(log) == [("opened", None, None), ("closed", opened, "done")]


async def test_a_refusal_is_one_row(database: Database) -> None:
    """A refusal says in one row what was asked for and why it was refused."""
    log = AuditLog(database)
    await log.refused(ENTRY, AuditOutcome("refused", NOON, detail="no grant"))
    (only,) = await log.rows()
    kept = {name: only.values[name] for name in ("event", "outcome", "detail", "person_name", "at")}
    assert kept == {
        "event": "refused",
        "outcome": "refused",
        "detail": "chained; no grant",
        "person_name": "Änne <!channel>",
        "at": NOON,
    }


async def test_the_chain_holds_between_processes(database: Database, other: Database) -> None:
    """Entries written at once by two processes still make one chain."""
    logs = [AuditLog(database), AuditLog(other)]
    await asyncio.gather(*(logs[number % 2].opened(ENTRY) for number in range(12)))
    rows = await logs[0].rows()
    assert len(rows) == 12
    assert await logs[1].broken_at() is None


@pytest.mark.parametrize(
    "tamper",
    [
        update(audit).where(audit.c.id == 2).values(person_id="U9"),
        update(audit).where(audit.c.id == 2).values(at=NOON + timedelta(microseconds=1)),
        update(audit).where(audit.c.id == 2).values(job_name=None),
        delete(audit).where(audit.c.id == 2),
    ],
)
async def test_tampering_shows(database: Database, tamper: Any) -> None:
    """A row that was changed or removed breaks the chain where it stood."""
    log = AuditLog(database)
    for _ in range(4):
        await log.opened(ENTRY)
    async with database.transaction() as transaction:
        await transaction.execute(tamper)
    assert await log.broken_at() in {AuditId(2), AuditId(3)}


async def test_the_first_press_wins(database: Database, other: Database) -> None:
    """Of two presses of one key, at once and in two processes, one wins and the other learns who did."""
    second = replace(PRESS, person_id="U2")
    answers = await asyncio.gather(Presses(database).claim(PRESS), Presses(other).claim(second))
    assert sorted(answers, key=str) in [sorted([None, PRESS], key=str), sorted([None, second], key=str)]
    assert await Presses(other).claim(second) == (answers[0] or answers[1])


async def test_a_released_press(database: Database) -> None:
    """After a release the same key can be pressed again."""
    presses = Presses(database)
    assert await presses.claim(PRESS) is None
    await presses.release("p1")
    assert await presses.claim(PRESS) is None
    await presses.purge(NOON + timedelta(seconds=1))
    assert await presses.claim(PRESS) is None


async def test_own_actions(database: Database) -> None:
    """An action is remembered once, the first one stays, and the oldest comes first."""
    own = OwnActions(database)
    stop = replace(ACTION, operation="stop", person_id="U2", at=NOON - timedelta(minutes=1))
    for action in (ACTION, replace(ACTION, person_id="U9"), stop, replace(ACTION, session_id="s2")):
        await own.remember(action)
    assert await own.of("hq", ["s1", "s3"]) == (stop, ACTION)
    assert await own.of("hq", []) == ()
    assert await own.of("dr", ["s1"]) == ()


async def test_a_forgotten_action(database: Database) -> None:
    """A refused action is forgotten; the one that somebody else took of the same kind is not."""
    own = OwnActions(database)
    await own.remember(ACTION)
    await own.forget(replace(ACTION, reference="other"))
    assert await own.of("hq", ["s1"]) == (ACTION,)
    await own.forget(ACTION)
    assert await own.of("hq", ["s1"]) == ()
