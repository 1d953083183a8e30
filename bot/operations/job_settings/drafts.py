"""A job that is being made or changed in a form: what it is made from, and what was entered so far.

A form's own memory at the chat platform is small and forgets what leaves the screen, so drafts are kept in
the database: nothing entered is lost by an error, a look back or a restart.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from bot.observability import Clock
from bot.operations.people import PersonId
from bot.settings import ServerName
from bot.store import Draft, Drafts
from bot.veeam import JobSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDraft:
    """A job in the making on one server, of one type (EJobType as received).

    `model` is what VBR told last: of the job itself, or of the one that it is made like; None for a job that
    is made from nothing. `like` is that other job's name. `sought` are the keys of objects that were chosen
    and are not looked up yet. `names` (by ID) and `time_zone` are what VBR said last of what stands around
    the fields: the form can be shown with them while VBR is silent.
    """

    id: str
    server: ServerName
    kind: str
    wanted: JobSettings
    model: Mapping[str, Any] | None = None
    like: str | None = None
    sought: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    time_zone: str | None = None


class DraftBook:
    """Everybody's drafts. Raises `StoreError`."""

    def __init__(self, drafts: Drafts, clock: Clock) -> None:
        self._drafts = drafts
        self._clock = clock

    async def begin(self, person: PersonId, draft: JobDraft) -> JobDraft:
        """Keep a draft under a new ID."""
        return await self.keep(person, replace(draft, id=secrets.token_urlsafe(12)))

    async def keep(self, person: PersonId, draft: JobDraft) -> JobDraft:
        """Keep a draft, in place of what was kept under its ID."""
        # Names may hold half a surrogate pair, which UTF-8 has no bytes for: written as an escape it stays.
        body = json.dumps(msgspec.to_builtins(draft))
        await self._drafts.keep(Draft(id=draft.id, person_id=person, body=body, changed_at=self._clock.now()))
        return draft

    async def of(self, person: PersonId, draft_id: str | None) -> JobDraft | None:
        """Return the person's own draft; None once it is forgotten, or was written by another version."""
        found = await self._drafts.of(draft_id, person) if draft_id is not None else None
        if found is None:
            return None
        try:
            return msgspec.convert(json.loads(found.body), JobDraft)
        except (msgspec.MsgspecError, ValueError):
            return None
