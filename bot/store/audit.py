"""The audit record: append-only and chained by hashes; two rows for an action, one for a refusal.

Each row's hash covers the row itself and the hash of the row before it, so that a row changed, removed or
slipped in later shows. It is computed over canonical JSON: sorted keys, no blanks, times in UTC to the
microsecond.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from bot.store.database import Database, Transaction
from bot.store.records import AuditEntry, AuditId, AuditOutcome
from bot.store.tables import audit

FIRST_HASH = "0" * 64
OPENED, CLOSED, REFUSED = "opened", "closed", "refused"
_UNCHAINED = {"id", "hash"}


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row as it is kept; `values` are its columns by name."""

    id: AuditId
    values: Mapping[str, Any]


class AuditLog:
    """The audit record of one database. Raises `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def opened(self, entry: AuditEntry) -> AuditId:
        """Put on record what is about to be done; on disk when this returns."""
        async with self._database.transaction() as transaction:
            return await _append(transaction, {"event": OPENED, "entry_id": None, **_of_entry(entry)})

    async def closed(self, audit_id: AuditId, outcome: AuditOutcome) -> None:
        """Put on record what came of it. A second outcome of the same entry is not recorded."""
        async with self._database.transaction() as transaction:
            await transaction.serialise("audit")
            if await transaction.first(select(audit.c.id).where(audit.c.entry_id == audit_id)) is None:
                await _append(transaction, {"event": CLOSED, "entry_id": audit_id, **_of_outcome(outcome)})

    async def refused(self, entry: AuditEntry, outcome: AuditOutcome) -> AuditId:
        """Put a refusal on record, in one row; the outcome's detail stands after the entry's."""
        details = [detail for detail in (entry.detail, outcome.detail) if detail is not None]
        values = {
            "event": REFUSED,
            "entry_id": None,
            **_of_entry(entry),
            "outcome": outcome.outcome,
            "session_id": outcome.session_id,
            "detail": "; ".join(details) or None,
        }
        async with self._database.transaction() as transaction:
            return await _append(transaction, values)

    async def broken_at(self) -> AuditId | None:
        """Return the first row whose hash does not follow from it and the row before; None: all is well."""
        previous = FIRST_HASH
        for row in await self.rows():
            if row.values["previous_hash"] != previous or chained(row.values) != row.values["hash"]:
                return row.id
            previous = row.values["hash"]
        return None

    async def rows(self) -> tuple[AuditRow, ...]:
        """Return every row, oldest first."""
        async with self._database.reading() as reading:
            found = await reading.values(select(audit).order_by(audit.c.id))
        return tuple(AuditRow(id=AuditId(values["id"]), values=values) for values in found)


def chained(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of a row's canonical JSON, without its `id` and its `hash`."""
    plain = {name: _plain(value) for name, value in values.items() if name not in _UNCHAINED}
    canonical = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


async def _append(transaction: Transaction, values: Mapping[str, Any]) -> AuditId:
    await transaction.serialise("audit")
    last = await transaction.first(select(audit.c.hash).order_by(audit.c.id.desc()).limit(1))
    row = {column.name: None for column in audit.columns if column.name != "id"} | dict(values)
    row["previous_hash"] = FIRST_HASH if last is None else last.hash
    row["hash"] = chained(row)
    added = await transaction.execute(audit.insert().values(row).returning(audit.c.id))
    return AuditId(added.scalar_one())


def _of_entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "person_id": entry.person_id,
        "person_name": entry.person_name,
        "team_id": entry.team_id,
        "operation": entry.operation,
        "reference": entry.reference,
        "origin": entry.origin,
        "channel_id": entry.channel_id,
        "server": entry.server,
        "job_id": entry.job_id,
        "job_name": entry.job_name,
        "detail": entry.detail,
    }


def _of_outcome(outcome: AuditOutcome) -> dict[str, Any]:
    return {
        "at": outcome.at,
        "outcome": outcome.outcome,
        "session_id": outcome.session_id,
        "detail": outcome.detail,
    }
