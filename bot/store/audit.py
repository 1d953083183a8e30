"""The audit record: append-only and chained by hashes.

An action is two rows, and a third where a message told it; a refusal is one. Each row's hash covers the row
itself and the hash of the row before it, so that a row changed, removed or slipped in later shows. It is
computed over canonical JSON: sorted keys, no blanks, times in UTC to the microsecond, nothing for a column
that is empty, so that a column added by a later release leaves the hashes of earlier rows as they are.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import exists, select

from bot.store.audit_columns import (
    CLOSED,
    OPENED,
    REFUSED,
    attempt_of,
    closed_columns,
    opened_columns,
    refused_columns,
    shown_columns,
)
from bot.store.database import Database, Transaction
from bot.store.outbox import NewRow, Outbox
from bot.store.records import Attempt, AuditEntry, AuditFilter, AuditId, AuditOutcome, AuditShown
from bot.store.tables import audit

FIRST_HASH = "0" * 64
LEFT_OPEN = "the bot was stopped before it knew what came of it"
AUDIT_COLUMNS = tuple(column.name for column in audit.columns)
_UNCHAINED = {"id", "hash"}
_ROWS_AT_ONCE = 500

Tell = Callable[[Attempt], Sequence[NewRow]]
"""What to queue in the outbox for an attempt that has its outcome, in the transaction that records it."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row as it is kept; `values` are its columns by name."""

    id: AuditId
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain, looked through. `broken_at` is the first row that does not follow; None: all do.

    `rows` and `head` (the latest row's hash) are of what holds. `has_known_head` where a hash that was kept
    elsewhere was looked for: whether a row bears it.
    """

    rows: int
    head: str
    broken_at: AuditId | None
    has_known_head: bool | None


def _nobody(attempt: Attempt) -> Sequence[NewRow]:
    del attempt
    return ()


class AuditLog:
    """The audit record of one database; `tell` queues what is told of it. Raises `StoreError`."""

    def __init__(self, database: Database, tell: Tell = _nobody) -> None:
        self._database = database
        self._outbox = Outbox(database)
        self._tell = tell

    async def opened(self, entry: AuditEntry) -> AuditId:
        """Put on record what is about to be done; on disk when this returns."""
        async with self._database.transaction() as transaction:
            return await _append(transaction, opened_columns(entry))

    async def closed(self, audit_id: AuditId, outcome: AuditOutcome) -> None:
        """Put on record what came of it. A second outcome of the same entry is not recorded."""
        async with self._database.transaction() as transaction:
            await transaction.serialise("audit")
            if await _is_there(transaction, audit_id, CLOSED):
                return
            row = closed_columns(audit_id, outcome)
            await _append(transaction, row)
            opened = await transaction.values(select(audit).where(audit.c.id == audit_id))
            for values in opened:
                await self._outbox.add(transaction, self._tell(attempt_of(values, {CLOSED: row})))

    async def end_left_open(self, before: datetime, now: datetime) -> int:
        """Give what was opened before a moment and never closed its outcome: unclear. Returns how many."""
        closing = audit.alias()
        is_closed = exists().where(closing.c.entry_id == audit.c.id, closing.c.event == CLOSED)
        left = select(audit.c.id).where(audit.c.event == OPENED, audit.c.at < before, ~is_closed)
        async with self._database.reading() as reading:
            ids = [row.id for row in await reading.all(left.order_by(audit.c.id))]
        for audit_id in ids:
            await self.closed(audit_id, AuditOutcome("unclear", now, detail=LEFT_OPEN))
        return len(ids)

    async def refused(self, entry: AuditEntry, outcome: AuditOutcome) -> AuditId:
        """Put a refusal on record, in one row."""
        async with self._database.transaction() as transaction:
            audit_id = await _append(transaction, refused_columns(entry, outcome))
            await self._outbox.add(transaction, self._tell(Attempt(audit_id, entry, outcome)))
            return audit_id

    async def shown(self, reference: str, shown: AuditShown) -> None:
        """Put on record which message told the latest action of this reference; a second one is not."""
        async with self._database.transaction() as transaction:
            await transaction.serialise("audit")
            opened = await transaction.first(
                select(audit.c.id)
                .where(audit.c.reference == reference, audit.c.event == OPENED)
                .order_by(audit.c.id.desc())
                .limit(1)
            )
            row = None if opened is None else shown_columns(opened.id, shown)
            if row is not None and not await _is_there(transaction, row["entry_id"], row["event"]):
                await _append(transaction, row)

    async def attempts(
        self, which: AuditFilter, *, before: AuditId | None = None, limit: int = _ROWS_AT_ONCE
    ) -> tuple[Attempt, ...]:
        """Return attempts, newest first: those put on record before that one, at most so many."""
        async with self._database.reading() as reading:
            rows = await reading.values(_attempts(which, before).limit(limit))
            ids = [row["id"] for row in rows if row["event"] == OPENED]
            later: dict[int, dict[str, Mapping[str, Any]]] = {}
            for row in await reading.values(select(audit).where(audit.c.entry_id.in_(ids))):
                later.setdefault(row["entry_id"], {})[row["event"]] = row
        return tuple(attempt_of(row, later.get(row["id"], {})) for row in rows)

    async def approved(self, reference: str) -> Attempt | None:
        """Return what was begun under this reference once it was approved; None: nothing was."""
        begun = (
            select(audit)
            .where(audit.c.reference == reference, audit.c.event == OPENED, audit.c.approver_id.is_not(None))
            .order_by(audit.c.id.desc())
            .limit(1)
        )
        async with self._database.reading() as reading:
            for row in await reading.values(begun):
                later = await reading.values(select(audit).where(audit.c.entry_id == row["id"]))
                return attempt_of(row, {each["event"]: each for each in later})
        return None

    async def rows(self, since: datetime | None = None) -> AsyncIterator[AuditRow]:
        """Yield every row since a moment, oldest first; reads some at a time."""
        last = 0
        while True:
            statement = select(audit).where(audit.c.id > last).order_by(audit.c.id).limit(_ROWS_AT_ONCE)
            if since is not None:
                statement = statement.where(audit.c.at >= since)
            async with self._database.reading() as reading:
                found = await reading.values(statement)
            for values in found:
                yield AuditRow(id=AuditId(values["id"]), values=values)
            if len(found) < _ROWS_AT_ONCE:
                return
            last = found[-1]["id"]

    async def check(self, known_head: str | None = None) -> Chain:
        """Look through the whole chain, up to the first row that does not follow from the one before."""
        rows, head = 0, FIRST_HASH
        has_known_head = None if known_head is None else known_head == head
        async for row in self.rows():
            if row.values["previous_hash"] != head or chained(row.values) != row.values["hash"]:
                return Chain(rows, head, row.id, has_known_head)
            rows, head = rows + 1, row.values["hash"]
            has_known_head = has_known_head or (None if known_head is None else known_head == head)
        return Chain(rows, head, None, has_known_head)


def chained(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a row's canonical JSON, without its `id` and its `hash`."""
    plain = {
        name: plain_value(value)
        for name, value in values.items()
        if name not in _UNCHAINED and value is not None
    }
    canonical = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def plain_value(value: Any) -> Any:
    """Return a column's value as JSON has it: a moment in UTC, in ISO 8601 to the microsecond."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def _attempts(which: AuditFilter, before: AuditId | None) -> Any:
    statement = select(audit).where(audit.c.event.in_((OPENED, REFUSED))).order_by(audit.c.id.desc())
    if before is not None:
        statement = statement.where(audit.c.id < before)
    if which.person_id is not None:
        statement = statement.where(audit.c.person_id == which.person_id)
    if which.since is not None:
        statement = statement.where(audit.c.at >= which.since)
    if which.servers is not None:
        statement = statement.where(audit.c.server.in_(which.servers))
    return statement


async def _is_there(transaction: Transaction, entry_id: int, event: str) -> bool:
    found = select(audit.c.id).where(audit.c.entry_id == entry_id, audit.c.event == event)
    return await transaction.first(found) is not None


async def _append(transaction: Transaction, values: Mapping[str, Any]) -> AuditId:
    await transaction.serialise("audit")
    last = await transaction.first(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1))
    row = {column.name: None for column in audit.columns if column.name != "id"} | dict(values)
    row["previous_hash"] = FIRST_HASH if last is None else last.hash
    row["hash"] = chained(row)
    added = await transaction.execute(audit.insert().values(row).returning(audit.c.id))
    return AuditId(added.scalar_one())
