"""The audit record: append-only and chained by hashes.

An action is two rows, and a third if a message showed it; a refusal is one. Each row's hash covers the row
itself and the hash of the row before it, so that a row changed, removed or inserted later shows. The hash is
computed over canonical JSON: sorted keys, no blanks, times in UTC to the microsecond, nothing for a column
that is empty, so that a column added by a later release leaves the hashes of earlier rows as they are.

A chain alone does not show that its end was cut off or that its last row was replaced. So each row's number
and hash are also in the log, in the audit channel and in memory, and what memory misses is put on record.
"""

import csv
import hashlib
import io
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, NewType

import structlog
from sqlalchemy import ColumnElement, Select, exists, func, select

from bot.store.database import Database, Transaction
from bot.store.outbox import NewOutboxRow, Outbox
from bot.store.tables import audit

FIRST_HASH = "0" * 64
END_LOST, CUT_OFF = "audit.end", "cut_off"
"""The operation and the outcome on record where rows that this process knows are gone or replaced."""
LEFT_OPEN = "the bot was stopped before it knew what came of it"
AUDIT_COLUMNS = tuple(column.name for column in audit.columns)
_UNCHAINED = {"id", "hash"}
_ROWS_AT_ONCE = 500
_OPENED, _CLOSED, _REFUSED, _SHOWN = "opened", "closed", "refused", "shown"

AuditId = NewType("AuditId", int)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who requested what, on which job and server, and from where.

    `operation` is the catalog's audit name ("job.retry"); `origin` is how it was requested ("typed",
    "button"); `reference` is the short one that people and the log know; `detail` is what else was requested
    ("active full"); `reason` is why, in the requester's own words. Server and job are None if the request
    named none, the approver if it needed no second person.
    """

    person_id: str
    person_name: str
    team_id: str | None
    operation: str
    reference: str
    origin: str
    channel_id: str | None
    at: datetime
    server: str | None = None
    job_id: str | None = None
    job_name: str | None = None
    detail: str | None = None
    approver_id: str | None = None
    approver_name: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AuditMark:
    """A row's number and its hash: what is kept of it outside the database."""

    row: AuditId
    hash: str


@dataclass(frozen=True, slots=True)
class AuditOutcome:
    """The outcome: its kind ("done", "refused", "unclear" …), VBR's session, a short reason."""

    outcome: str
    at: datetime
    session_id: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class AuditShown:
    """The message in which the channel read of it, and the link to it if known."""

    channel_id: str
    ts: str
    link: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One action or refusal as it is on record. No `outcome`: it goes on, or the bot was killed meanwhile.

    `mark` is of the row that bears the outcome; only while it is put on record, None when it is read.
    """

    id: AuditId
    entry: AuditEntry
    outcome: AuditOutcome | None
    shown: AuditShown | None = None
    mark: AuditMark | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records to read; each None leaves nothing out. The letter case of job names does not count."""

    person_ids: tuple[str, ...] | None = None
    since: datetime | None = None
    servers: tuple[str, ...] | None = None
    job_names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row as it is kept; `values` are its columns by name."""

    id: AuditId
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """The checked chain. `broken_at` is the first row that does not follow from the one before; None: all do.

    `rows` and `head` (the latest row's hash) are of the part that holds. `has_known_head` says whether a row
    has the hash that was kept elsewhere; None: no such hash was given.
    """

    rows: int
    head: str
    broken_at: AuditId | None
    has_known_head: bool | None


@dataclass(slots=True)
class _Appending:
    """The transaction in which rows are added, and the marks of those that were."""

    transaction: Transaction
    marks: list[AuditMark] = field(default_factory=list)

    async def add(self, values: Mapping[str, Any]) -> AuditMark:
        """Add a row that follows from the latest one."""
        last = await self.transaction.first(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1))
        row = {column.name: None for column in audit.columns if column.name != "id"} | dict(values)
        row["previous_hash"] = FIRST_HASH if last is None else last.hash
        row["hash"] = row_hash(row)
        added = await self.transaction.execute(audit.insert().values(row).returning(audit.c.id))
        self.marks.append(AuditMark(AuditId(added.scalar_one()), row["hash"]))
        return self.marks[-1]


class AuditLog:
    """The audit record of one database. Raises `StoreError`.

    `announce` returns what to queue in the outbox for a record that has its outcome, in the transaction that
    records it. The latest row of this process is remembered: when it is gone or another one stands in its
    place, that is put on record, logged and announced, once.
    """

    def __init__(
        self,
        database: Database,
        announce: Callable[[AuditRecord], Sequence[NewOutboxRow]] = lambda _: (),
    ) -> None:
        self._database = database
        self._outbox = Outbox(database)
        self._announce = announce
        self._latest: AuditMark | None = None

    async def opened(
        self, entry: AuditEntry, also: Callable[[Transaction, AuditId], Awaitable[None]] | None = None
    ) -> AuditId:
        """Put on record what is about to be done; on disk when this returns.

        `also` writes what belongs to it, in the same transaction.
        """
        async with self._appending(entry.at) as appending:
            audit_id = (await appending.add({"event": _OPENED, **asdict(entry)})).row
            if also is not None:
                await also(appending.transaction, audit_id)
        return audit_id

    async def closed(self, audit_id: AuditId, outcome: AuditOutcome) -> None:
        """Put the outcome on record. A second one of the same entry is not recorded."""
        async with self._appending(outcome.at) as appending:
            transaction = appending.transaction
            if await _is_there(transaction, audit_id, _CLOSED):
                return
            row = {"event": _CLOSED, "entry_id": audit_id, **asdict(outcome)}
            mark = await appending.add(row)
            for opened in await transaction.values(select(audit).where(audit.c.id == audit_id)):
                record = replace(_record(opened, {_CLOSED: row}), mark=mark)
                await self._outbox.add(transaction, self._announce(record))

    async def end_left_open(self, before: datetime, now: datetime) -> int:
        """Give what was opened before a moment and never closed its outcome: unclear. Returns how many."""
        return await self._close_open(audit.c.at < before, AuditOutcome("unclear", now, detail=LEFT_OPEN))

    async def conclude(self, reference: str, operation: str, outcome: AuditOutcome) -> None:
        """Give what an ended process left open, of one gesture, the outcome that was found out since."""
        await self._close_open((audit.c.reference == reference) & (audit.c.operation == operation), outcome)

    async def _close_open(self, which: ColumnElement[bool], outcome: AuditOutcome) -> int:
        closing = audit.alias()
        is_closed = exists().where(closing.c.entry_id == audit.c.id, closing.c.event == _CLOSED)
        left = select(audit.c.id).where(audit.c.event == _OPENED, which, ~is_closed)
        async with self._database.reading() as reading:
            ids = [row.id for row in await reading.all(left.order_by(audit.c.id))]
        for audit_id in ids:
            await self.closed(audit_id, outcome)
        return len(ids)

    async def refused(self, entry: AuditEntry, outcome: AuditOutcome) -> AuditId:
        """Put a refusal on record, in one row; the outcome's detail stands after the entry's."""
        async with self._appending(entry.at) as appending:
            return await self._refused(appending, entry, outcome)

    async def shown(self, reference: str, shown: AuditShown) -> None:
        """Put on record which message showed the latest action of this reference; a second one is not."""
        async with self._appending(shown.at) as appending:
            transaction = appending.transaction
            opened = await transaction.first(
                select(audit.c.id)
                .where(audit.c.reference == reference, audit.c.event == _OPENED)
                .order_by(audit.c.id.desc())
                .limit(1)
            )
            if opened is not None and not await _is_there(transaction, opened.id, _SHOWN):
                values = {
                    "event": _SHOWN,
                    "entry_id": opened.id,
                    "at": shown.at,
                    "channel_id": shown.channel_id,
                    "message_ts": shown.ts,
                    "link": shown.link,
                }
                await appending.add(values)

    async def check_end(self, now: datetime) -> bool:
        """Return whether the latest row that this process knows is there; put on record that it is not."""
        async with self._database.reading() as reading:
            is_there = not await self._is_end_lost(reading)
        if not is_there:
            async with self._appending(now):
                pass
        return is_there

    @asynccontextmanager
    async def _appending(self, at: datetime) -> AsyncIterator[_Appending]:
        """Begin to add rows, alone; first one that says that the end was lost, if it was."""
        lost: AuditMark | None = None
        async with self._database.transaction() as transaction:
            await transaction.serialise("audit")
            appending = _Appending(transaction)
            if await self._is_end_lost(transaction):
                lost = self._latest
                await self._put_loss_on_record(appending, at)
            yield appending
        if lost is not None:
            log.error("store.audit_end_lost", row=lost.row, hash=lost.hash)
        for mark in appending.marks:
            log.info("store.audit_row_added", row=mark.row, hash=mark.hash)
        known = self._latest if lost is None else None
        self._latest = max((mark for mark in (known, *appending.marks) if mark), key=_row_of, default=known)

    async def _is_end_lost(self, transaction: Transaction) -> bool:
        if (latest := self._latest) is None:
            return False
        found = await transaction.first(select(audit.c.hash).where(audit.c.id == latest.row))
        return found is None or found.hash != latest.hash

    async def _put_loss_on_record(self, appending: _Appending, at: datetime) -> None:
        latest = self._latest
        entry = AuditEntry(
            person_id="veeam-bot",
            person_name="veeam-bot",
            team_id=None,
            operation=END_LOST,
            reference=secrets.token_hex(3).upper(),
            origin="bot",
            channel_id=None,
            at=at,
        )
        detail = f"row {latest.row} with the hash {latest.hash} is gone or replaced" if latest else None
        await self._refused(appending, entry, AuditOutcome(CUT_OFF, at, detail=detail))

    async def _refused(self, appending: _Appending, entry: AuditEntry, outcome: AuditOutcome) -> AuditId:
        details = [detail for detail in (entry.detail, outcome.detail) if detail is not None]
        row = {**asdict(entry), **asdict(outcome), "detail": "; ".join(details) or None}
        mark = await appending.add({"event": _REFUSED, **row})
        record = AuditRecord(mark.row, entry, outcome, mark=mark)
        await self._outbox.add(appending.transaction, self._announce(record))
        return mark.row

    async def records(
        self, which: AuditFilter, *, before: AuditId | None = None, limit: int = _ROWS_AT_ONCE
    ) -> tuple[AuditRecord, ...]:
        """Return actions and refusals, newest first: those recorded before that one, at most so many."""
        query = select(audit).where(audit.c.event.in_((_OPENED, _REFUSED))).order_by(audit.c.id.desc())
        if before is not None:
            query = query.where(audit.c.id < before)
        if which.person_ids is not None:
            query = query.where(audit.c.person_id.in_(which.person_ids))
        if which.since is not None:
            query = query.where(audit.c.at >= which.since)
        if which.servers is not None:
            query = query.where(audit.c.server.in_(which.servers))
        if which.job_names is not None:
            lower = func.lower(audit.c.job_name).in_([name.lower() for name in which.job_names])
            query = query.where(audit.c.job_name.in_(which.job_names) | lower)
        return await self._read(query.limit(limit))

    async def record(self, audit_id: AuditId) -> AuditRecord | None:
        """Return one action or refusal; None: there is no such row any more."""
        return next(iter(await self._read(select(audit).where(audit.c.id == audit_id))), None)

    async def approved(self, reference: str) -> AuditRecord | None:
        """Return what was begun under this reference once it was approved; None: nothing was."""
        begun = (
            select(audit)
            .where(audit.c.reference == reference, audit.c.event == _OPENED, audit.c.approver_id.is_not(None))
            .order_by(audit.c.id.desc())
            .limit(1)
        )
        return next(iter(await self._read(begun)), None)

    async def _read(self, query: Select[Any]) -> tuple[AuditRecord, ...]:
        """Return the opened and refused rows of a query, each with the later rows about it."""
        async with self._database.reading() as reading:
            rows = await reading.values(query)
            ids = [row["id"] for row in rows if row["event"] == _OPENED]
            later: dict[int, dict[str, Mapping[str, Any]]] = {}
            for row in await reading.values(select(audit).where(audit.c.entry_id.in_(ids))):
                later.setdefault(row["entry_id"], {})[row["event"]] = row
        return tuple(_record(row, later.get(row["id"], {})) for row in rows)

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

    async def check(self, known_head: str | None = None) -> ChainCheck:
        """Check the whole chain, up to the first row that does not follow from the one before."""
        rows, head = 0, FIRST_HASH
        has_known_head = None if known_head is None else known_head == head
        async for row in self.rows():
            if row.values["previous_hash"] != head or row_hash(row.values) != row.values["hash"]:
                return ChainCheck(rows, head, row.id, has_known_head)
            rows, head = rows + 1, row.values["hash"]
            has_known_head = has_known_head or (None if known_head is None else known_head == head)
        return ChainCheck(rows, head, None, has_known_head)

    async def misfits(self, marks: Iterable[AuditMark]) -> tuple[AuditMark, ...]:
        """Return those of the marks that were kept elsewhere whose row is gone or has another hash."""
        wanted = list(marks)
        rows = {mark.row for mark in wanted}
        there = {row.id: row.values["hash"] async for row in self.rows() if row.id in rows}
        return tuple(mark for mark in wanted if there.get(mark.row) != mark.hash)


def row_hash(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a row's canonical JSON, without its `id` and its `hash`."""
    plain = {
        name: json_value(value)
        for name, value in values.items()
        if name not in _UNCHAINED and value is not None
    }
    canonical = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def json_value(value: Any) -> Any:
    """Return a column's value as JSON has it: a moment in UTC, in ISO 8601 to the microsecond."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def _record(row: Mapping[str, Any], later: Mapping[str, Mapping[str, Any]]) -> AuditRecord:
    """An opened or refused row, and the later rows about it by event, as one record."""
    is_refused = row["event"] == _REFUSED
    closing = row if is_refused else later.get(_CLOSED)
    shown = later.get(_SHOWN)
    entry = {field.name: row[field.name] for field in fields(AuditEntry)}
    if is_refused:
        entry["detail"] = None  # the row's is the outcome's
    return AuditRecord(
        id=AuditId(row["id"]),
        entry=AuditEntry(**entry),
        outcome=None
        if closing is None
        else AuditOutcome(**{field.name: closing[field.name] for field in fields(AuditOutcome)}),
        shown=None
        if shown is None
        else AuditShown(shown["channel_id"], shown["message_ts"], shown["link"], shown["at"]),
    )


async def _is_there(transaction: Transaction, entry_id: int, event: str) -> bool:
    found = select(audit.c.id).where(audit.c.entry_id == entry_id, audit.c.event == event)
    return await transaction.first(found) is not None


def _row_of(mark: AuditMark) -> AuditId:
    return mark.row


_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet would read as a formula: such a cell begins with an apostrophe."""


def csv_head() -> str:
    """Return the line that names the columns."""
    return _csv_line(AUDIT_COLUMNS)


def csv_row(row: AuditRow) -> str:
    """Return the row as a line of CSV; an empty cell for what is not known."""
    return _csv_line(_cells(row.values[name] for name in AUDIT_COLUMNS))


def json_row(row: AuditRow) -> str:
    """Return the row as a line of JSON."""
    plain = {name: json_value(row.values[name]) for name in AUDIT_COLUMNS}
    return f"{json.dumps(plain, ensure_ascii=False)}\n"


def _cells(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        cell = "" if value is None else str(json_value(value))
        yield f"'{cell}" if cell.startswith(_FORMULAS) else cell


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO(newline="")
    # As RFC 4180 ends lines; with this end, csv also quotes a lone carriage return.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
