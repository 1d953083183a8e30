"""The audit record: append-only, chained, told in the same transaction, read back."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import delete, text, update

from bot.store import (
    AuditEntry,
    AuditFilter,
    AuditId,
    AuditLog,
    AuditMark,
    AuditOutcome,
    AuditRecord,
    AuditRow,
    AuditShown,
    ChainCheck,
    Database,
    NewOutboxRow,
    Outbox,
    StoreBroken,
    StoreError,
)
from bot.store.audit import CUT_OFF, END_LOST, FIRST_HASH, LEFT_OPEN
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
REFUSAL = AuditOutcome("refused", NOON, detail="no_grant")
SHOWN = AuditShown("C1", "1763899200.000100", "https://x.slack.com/archives/C1/p1", NOON)


async def rows(log: AuditLog, since: datetime | None = None) -> list[AuditRow]:
    return [row async for row in log.rows(since)]


async def events(log: AuditLog) -> list[tuple[Any, ...]]:
    return [
        (each.values["event"], each.values["entry_id"], each.values["outcome"]) for each in await rows(log)
    ]


def told(attempt: AuditRecord) -> tuple[NewOutboxRow, ...]:
    key = f"{attempt.id}/{attempt.outcome.outcome if attempt.outcome else None}"
    return (NewOutboxRow(key=key, channel="C9", kind="k", body=attempt.entry.operation, created_at=NOON),)


async def waiting(database: Database) -> list[tuple[str, str]]:
    claimed = await Outbox(database).claim("me", NOON + timedelta(days=1), 60, 9)
    return [(row.key, row.body) for row in claimed]


async def test_an_action_is_two_rows(database: Database) -> None:
    """An action is opened before it is done and closed with what came of it."""
    log = AuditLog(database)
    opened = await log.opened(ENTRY)
    await log.closed(opened, OUTCOME)
    assert await events(log) == [("opened", None, None), ("closed", opened, "done")]
    assert (await log.check()).broken_at is None


async def test_an_action_is_closed_once(database: Database, other: Database) -> None:
    """A second outcome of the same entry is not recorded, not even at the same moment."""
    log = AuditLog(database)
    opened = await log.opened(ENTRY)
    await asyncio.gather(log.closed(opened, OUTCOME), AuditLog(other).closed(opened, OUTCOME))
    assert await events(log) == [("opened", None, None), ("closed", opened, "done")]


async def test_a_refusal_is_one_row(database: Database) -> None:
    """A refusal says in one row what was asked for and why it was refused."""
    log = AuditLog(database)
    await log.refused(ENTRY, REFUSAL)
    (only,) = await rows(log)
    kept = {name: only.values[name] for name in ("event", "outcome", "detail", "person_name", "at")}
    assert kept == {
        "event": "refused",
        "outcome": "refused",
        "detail": "chained; no_grant",
        "person_name": "Änne <!channel>",
        "at": NOON,
    }


async def test_the_message_that_told_it_is_put_on_record_once(database: Database) -> None:
    """It belongs to the latest action of its reference, and to no other; of no action it is no row."""
    log = AuditLog(database)
    await log.shown("k7q2", SHOWN)
    await log.opened(ENTRY)
    second = await log.opened(ENTRY)
    for _ in range(2):
        await log.shown("k7q2", SHOWN)
    assert [event for event, *_ in await events(log)] == ["opened", "opened", "shown"]
    newest, older = await log.records(AuditFilter())
    assert (newest.id, newest.shown, older.shown) == (second, SHOWN, None)


async def test_what_is_closed_or_refused_is_told(database: Database) -> None:
    """Each attempt with an outcome is queued once; what is only begun is not."""
    log = AuditLog(database, told)
    opened = await log.opened(ENTRY)
    assert await waiting(database) == []
    for _ in range(2):
        await log.closed(opened, OUTCOME)
    assert await waiting(database) == [(f"{opened}/done", "job.retry")]


async def test_a_refusal_is_told(database: Database) -> None:
    """It is queued with what was asked for."""
    refused = await AuditLog(database, told).refused(ENTRY, REFUSAL)
    assert await waiting(database) == [(f"{refused}/refused", "job.retry")]


async def test_what_was_left_open_is_ended_and_told(database: Database, other: Database) -> None:
    """A process was killed: after a while any other one says so, once; what may still go on is left alone."""
    logs = [AuditLog(database, told), AuditLog(other, told)]
    left = await logs[0].opened(ENTRY)
    await logs[0].closed(await logs[0].opened(ENTRY), OUTCOME)
    young = await logs[0].opened(replace(ENTRY, at=NOON + timedelta(minutes=9)))
    later = NOON + timedelta(minutes=10)
    await asyncio.gather(*(log.end_left_open(NOON + timedelta(minutes=1), later) for log in logs))
    assert [(one.id, one.outcome) for one in await logs[0].records(AuditFilter())] == [
        (young, None),
        (2, OUTCOME),
        (left, AuditOutcome("unclear", later, detail=LEFT_OPEN)),
    ]
    rows = await Outbox(database).waiting()
    assert [backlog.rows for backlog in rows] == [2]
    assert await logs[0].end_left_open(NOON + timedelta(minutes=1), later) == 0


async def test_what_cannot_be_told_is_not_on_record_either(database: Database) -> None:
    """Record and announcement are one transaction: both, or neither."""
    async with database.transaction() as transaction:
        await transaction.execute(text("DROP TABLE outbox"))
    log = AuditLog(database, told)
    with pytest.raises(StoreError):
        await log.refused(ENTRY, REFUSAL)
    assert await rows(log) == []


async def test_the_chain_holds_between_processes(database: Database, other: Database) -> None:
    """Entries written at once by two processes still make one chain."""
    logs = [AuditLog(database), AuditLog(other)]
    await asyncio.gather(*(logs[number % 2].opened(ENTRY) for number in range(12)))
    whole = await logs[1].check()
    head = (await rows(logs[0]))[-1].values["hash"]
    assert whole == ChainCheck(rows=12, head=head, broken_at=None, has_known_head=None)


async def test_a_head_kept_elsewhere_is_found_again(database: Database) -> None:
    """As long as the row that bore it is there; an empty record has the first hash of all."""
    log = AuditLog(database)
    assert await log.check(FIRST_HASH) == ChainCheck(0, FIRST_HASH, None, has_known_head=True)
    await log.opened(ENTRY)
    kept = (await log.check()).head
    await log.opened(ENTRY)
    assert (await log.check(kept)).has_known_head is True
    assert (await log.check("f" * 64)).has_known_head is False


async def unlocked(database: Database) -> None:
    """What somebody could do who may change the database's schema."""
    statements = {
        "sqlite": ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"),
        "postgresql": ("DROP TRIGGER audit_append_only ON audit",),
    }
    async with database.transaction() as transaction:
        for statement in statements[database._engine.dialect.name]:
            await transaction.execute(text(statement))


TAMPERED = [
    update(audit).where(audit.c.id == 2).values(person_id="U9"),
    update(audit).where(audit.c.id == 2).values(at=NOON + timedelta(microseconds=1)),
    update(audit).where(audit.c.id == 2).values(job_name=None),
    update(audit).where(audit.c.id == 2).values(link="https://x"),
    delete(audit).where(audit.c.id == 2),
]


@pytest.mark.parametrize("tamper", TAMPERED)
async def test_rows_cannot_be_changed_or_removed(database: Database, tamper: Any) -> None:
    """The database itself refuses it."""
    log = AuditLog(database)
    for _ in range(3):
        await log.opened(ENTRY)
    with pytest.raises(StoreBroken):
        async with database.transaction() as transaction:
            await transaction.execute(tamper)
    assert (await log.check()).rows == 3


@pytest.mark.parametrize("tamper", TAMPERED)
async def test_tampering_shows(database: Database, tamper: Any) -> None:
    """A row that was changed or removed all the same breaks the chain where it stood."""
    log = AuditLog(database)
    for _ in range(4):
        await log.opened(ENTRY)
    await unlocked(database)
    async with database.transaction() as transaction:
        await transaction.execute(tamper)
    found = await log.check()
    assert found.broken_at in {AuditId(2), AuditId(3)}
    assert found.rows == 1


async def test_attempts_are_read_newest_first_with_their_outcomes(database: Database) -> None:
    """An attempt is its rows in one; without an outcome while there is none; a refusal says its reason."""
    log = AuditLog(database)
    first = await log.opened(ENTRY)
    await log.closed(first, OUTCOME)
    refused = await log.refused(replace(ENTRY, detail=None), REFUSAL)
    last = await log.opened(ENTRY)
    assert await log.records(AuditFilter()) == (
        AuditRecord(last, ENTRY, None),
        AuditRecord(refused, replace(ENTRY, detail=None), REFUSAL),
        AuditRecord(first, ENTRY, OUTCOME),
    )
    assert [each.id for each in await log.records(AuditFilter(), before=last, limit=1)] == [refused]


async def test_attempts_are_narrowed(database: Database) -> None:
    """By person, by moment, by server."""
    log = AuditLog(database)
    for entry in (
        ENTRY,
        replace(ENTRY, person_id="U2"),
        replace(ENTRY, at=NOON + timedelta(hours=1)),
        replace(ENTRY, server=None),
    ):
        await log.opened(entry)
    found = {
        "person": await log.records(AuditFilter(person_ids=("U2",))),
        "since": await log.records(AuditFilter(since=NOON + timedelta(minutes=1))),
        "server": await log.records(AuditFilter(servers=("hq",))),
        "no server": await log.records(AuditFilter(servers=())),
    }
    ids = {name: [attempt.id for attempt in attempts] for name, attempts in found.items()}
    assert ids == {"person": [2], "since": [3], "server": [3, 2, 1], "no server": []}


async def test_rows_since_a_moment(database: Database) -> None:
    """Older rows are left out."""
    log = AuditLog(database)
    await log.opened(ENTRY)
    await log.opened(replace(ENTRY, at=NOON + timedelta(hours=1)))
    assert [row.id for row in await rows(log, NOON + timedelta(minutes=1))] == [2]


async def test_what_was_approved_is_found(database: Database) -> None:
    """Of a reference, what was begun once it was approved; that it was asked for is another entry."""
    log = AuditLog(database)
    await log.closed(await log.opened(ENTRY), AuditOutcome("asked", NOON))
    assert await log.approved("k7q2") is None
    approved = replace(ENTRY, approver_id="U2", approver_name="ben", reason="retired")
    opened = await log.opened(approved)
    assert await log.approved("k7q2") == AuditRecord(opened, approved, None)
    await log.closed(opened, OUTCOME)
    assert await log.approved("k7q2") == AuditRecord(opened, approved, OUTCOME)
    assert (await log.check()).broken_at is None


def marks_told(attempt: AuditRecord) -> tuple[NewOutboxRow, ...]:
    key = f"{attempt.id}/{attempt.entry.operation}"
    channel = f"C{attempt.id}"
    return (NewOutboxRow(key=key, channel=channel, kind="k", body=str(attempt.mark), created_at=NOON),)


async def marks(log: AuditLog) -> list[AuditMark]:
    return [AuditMark(row.id, row.values["hash"]) for row in await rows(log)]


async def test_what_is_told_bears_number_and_hash_of_its_row(database: Database) -> None:
    """Of the row with the outcome: the chain before it is in its hash."""
    log = AuditLog(database, marks_told)
    await log.closed(await log.opened(ENTRY), OUTCOME)
    await log.refused(ENTRY, REFUSAL)
    _, closed, refused = await marks(log)
    assert await waiting(database) == [("1/job.retry", str(closed)), ("3/job.retry", str(refused))]


async def test_each_row_is_in_the_log(database: Database) -> None:
    """With its number and its hash, once it is on disk."""
    log = AuditLog(database)
    with structlog.testing.capture_logs() as lines:
        opened = await log.opened(ENTRY)
        await log.closed(opened, OUTCOME)
        await log.closed(opened, OUTCOME)
        await log.shown(ENTRY.reference, SHOWN)
    added = [(line["row"], line["hash"]) for line in lines if line["event"] == "store.audit_row_added"]
    assert added == [(mark.row, mark.hash) for mark in await marks(log)]
    assert len(added) == 3


_CHANGES = {
    "cut": "DELETE FROM audit WHERE id = {last}",
    "cut far": "DELETE FROM audit WHERE id > 1",
    "replaced": "UPDATE audit SET person_id = 'U9', hash = 'beef' WHERE id = {last}",
}


@pytest.mark.parametrize("change", list(_CHANGES))
@pytest.mark.parametrize("looks", [False, True])
async def test_a_lost_end_is_put_on_record_once(database: Database, change: str, *, looks: bool) -> None:
    """By the next row or by the next look, in the record, in the log and for the channel."""
    log = AuditLog(database, marks_told)
    for _ in range(3):
        await log.opened(ENTRY)
    lost = (await marks(log))[-1]
    assert await log.check_end(NOON) is True
    await unlocked(database)
    async with database.transaction() as transaction:
        await transaction.execute(text(_CHANGES[change].format(last=lost.row)))
    with structlog.testing.capture_logs() as lines:
        if looks:
            assert await log.check_end(NOON) is False
            assert await log.check_end(NOON) is True
        await log.opened(replace(ENTRY, reference="next"))
        await log.opened(replace(ENTRY, reference="next"))
    assert [(line["row"], line["hash"]) for line in lines if line["event"] == "store.audit_end_lost"] == [
        (lost.row, lost.hash)
    ]
    found = await log.records(AuditFilter(), limit=3)
    assert [one.entry.reference for one in found[:2]] == ["next", "next"]
    assert (found[2].entry.operation, found[2].outcome and found[2].outcome.outcome) == (END_LOST, CUT_OFF)
    assert str(lost.row) in str(found[2].outcome)
    assert lost.hash in str(found[2].outcome)
    assert [key.partition("/")[2] for key, _ in await waiting(database)] == [END_LOST]


async def test_rows_of_others_are_no_loss(database: Database, other: Database) -> None:
    """Two processes write in turn; a look finds the record whole."""
    logs = [AuditLog(database), AuditLog(other)]
    for number in range(6):
        await logs[number % 2].opened(ENTRY)
    assert [await log.check_end(NOON) for log in logs] == [True, True]
    assert [event for event, *_ in await events(logs[0])] == ["opened"] * 6


async def test_marks_kept_elsewhere_are_compared(database: Database) -> None:
    """Those whose row is gone or has another hash do not fit."""
    log = AuditLog(database)
    for _ in range(3):
        await log.opened(ENTRY)
    kept = await marks(log)
    assert await log.misfits(kept) == ()
    strange = [AuditMark(AuditId(2), "f" * 64), AuditMark(AuditId(9), kept[0].hash)]
    assert await log.misfits([*kept, *strange]) == tuple(strange)


REPLACING = {
    "the last row": "SELECT * FROM audit WHERE id = 3",
    "a row in the midst": "SELECT * FROM audit WHERE id = 2",
    "by its predecessor": (
        "SELECT 9, event, entry_id, at, 'U9', person_name, team_id, operation, reference, origin, "
        "channel_id, server, job_id, job_name, outcome, session_id, detail, message_ts, link, approver_id, "
        "approver_name, reason, previous_hash, 'beef' FROM audit WHERE id = 3"
    ),
}


@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT"])
@pytest.mark.parametrize("rows_", list(REPLACING))
async def test_no_row_takes_a_rows_place(database: Database, verb: str, rows_: str) -> None:
    """`REPLACE` removes what is in its way without a `DELETE` that a trigger would hear of."""
    if database._engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has no such statement")
    log = AuditLog(database)
    await log.closed(await log.opened(ENTRY), OUTCOME)
    await log.opened(ENTRY)
    before = await marks(log)
    with pytest.raises(StoreBroken):
        async with database.transaction() as transaction:
            await transaction.execute(text(f"{verb} INTO audit {REPLACING[rows_]}"))
    assert await marks(log) == before
    await log.opened(ENTRY)
    assert (await log.check()).rows == 4
