"""What the operations put on record and read back: plain frozen values, without a word of SQL.

The classes that keep them, and what they promise:

`AuditLog` (audit.py) is append-only and chained; a row is never changed.
    `async opened(entry: AuditEntry) -> AuditId`: on record before anything is done.
    `async closed(audit_id: AuditId, outcome: AuditOutcome) -> None`: what came of it, once.
    `async refused(entry: AuditEntry, outcome: AuditOutcome) -> AuditId`: both in one transaction.
    `async shown(reference: str, shown: AuditShown) -> None`: the message that told it, once.
    `async attempts(which: AuditFilter, …) -> tuple[Attempt, ...]`: read back, newest first.
`Presses` (presses.py) makes sure that one press acts once, between two processes as well.
    `async claim(press: Press) -> Press | None`: None when this call won the key, in one statement; otherwise
    the press that holds it, whoever it is by, so that a redelivery is told apart from somebody else.
    `async release(key: str) -> None`: nothing was done, so that the same button can be pressed again.
`OwnActions` (own_actions.py) remembers which sessions were started or stopped from here.
    `async remember(action: OwnAction) -> None`: repeatable; (server, session_id, operation) is unique, and
    the first one stays.
    `async forget(action: OwnAction) -> None`: the server refused, so it was not ours after all.
    `async of(server: str, session_ids: Collection[str]) -> tuple[OwnAction, ...]`: oldest first.

All of them raise the store's `StoreError` when the database cannot be asked. Times are aware, in UTC.
Identifiers are those of VBR and of the chat platform, as text.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

AuditId = NewType("AuditId", int)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who asked for what, on which job and server, and from where.

    `operation` is the catalog's audit name ("job.retry"); `origin` how it was asked for ("typed", "button");
    `reference` the short one that people and the log know; `detail` what else was asked ("active full");
    `reason` why, in the asker's own words. Server and job are None where the asking named none, the approver
    where it took no second person.
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
class AuditOutcome:
    """What came of it: the outcome's kind ("done", "refused", "unclear" …), VBR's session, a short reason."""

    outcome: str
    at: datetime
    session_id: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class AuditShown:
    """The message in which the chat platform's channel was told of it, and the link to it where known."""

    channel_id: str
    ts: str
    link: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as it is on record. No `outcome`: it goes on, or the bot was killed while it did."""

    id: AuditId
    entry: AuditEntry
    outcome: AuditOutcome | None
    shown: AuditShown | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which attempts to read; each None leaves nothing out."""

    person_id: str | None = None
    since: datetime | None = None
    servers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """One press of one button, or one delivery of typed words: the first of its key acts alone."""

    key: str
    person_id: str
    operation: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OwnAction:
    """A session started or stopped from here: by whom, by which operation ("start", "retry", "stop"), where.

    A stop is remembered before it is sent, because the session may end before the answer arrives.
    """

    server: str
    job_id: str
    session_id: str
    operation: str
    person_id: str
    channel_id: str | None
    reference: str
    at: datetime
