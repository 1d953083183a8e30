"""The audit record's columns: from values to a row, and back again. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from bot.store.records import Attempt, AuditEntry, AuditId, AuditOutcome, AuditShown

OPENED, CLOSED, REFUSED, SHOWN = "opened", "closed", "refused", "shown"


def opened_columns(entry: AuditEntry) -> dict[str, Any]:
    """Return the row of what is about to be done."""
    return {"event": OPENED, **asdict(entry)}


def closed_columns(entry_id: AuditId, outcome: AuditOutcome) -> dict[str, Any]:
    """Return the row of what came of an opened one."""
    return {"event": CLOSED, "entry_id": entry_id, **asdict(outcome)}


def refused_columns(entry: AuditEntry, outcome: AuditOutcome) -> dict[str, Any]:
    """Return the one row of a refusal; the outcome's detail stands after the entry's."""
    details = [detail for detail in (entry.detail, outcome.detail) if detail is not None]
    return {"event": REFUSED, **asdict(entry), **asdict(outcome), "detail": "; ".join(details) or None}


def shown_columns(entry_id: AuditId, shown: AuditShown) -> dict[str, Any]:
    """Return the row of the message that told what was opened."""
    return {
        "event": SHOWN,
        "entry_id": entry_id,
        "at": shown.at,
        "channel_id": shown.channel_id,
        "message_ts": shown.ts,
        "link": shown.link,
    }


def attempt_of(row: Mapping[str, Any], later: Mapping[str, Mapping[str, Any]]) -> Attempt:
    """Return an opened or refused row, and the later rows about it by event, as one attempt."""
    is_refused = row["event"] == REFUSED
    entry = {field.name: row[field.name] for field in fields(AuditEntry)}
    closing = row if is_refused else later.get(CLOSED)
    shown = later.get(SHOWN)
    return Attempt(
        id=AuditId(row["id"]),
        entry=AuditEntry(**entry | ({"detail": None} if is_refused else {})),
        outcome=None if closing is None else _outcome(closing),
        shown=None
        if shown is None
        else AuditShown(shown["channel_id"], shown["message_ts"], shown["link"], shown["at"]),
    )


def _outcome(row: Mapping[str, Any]) -> AuditOutcome:
    return AuditOutcome(**{field.name: row[field.name] for field in fields(AuditOutcome)})
