"""A job's settings, made and changed in a form: the draft, what was entered, which names a person may see.

A draft is filled in, reviewed, and sent once. Nothing here changes what the person did not ask to change.
"""

import json
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from bot import veeam
from bot.observability import Clock
from bot.operations.model import Visibility
from bot.settings import PersonId, ServerName
from bot.store import Draft, Drafts

T = TypeVar("T", str, str | None)

SHOWN_AT_MOST = 3_000
"""How much of a text a field shows."""
HIDDEN_JOB = "a job that you can't see"
"""Shown, and carried by a menu's choice, in place of a job's name."""
_LONGEST_VALUE = 150
_NAMING_JOBS = frozenset({veeam.SettingsField.PRIMARY_JOB})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDraft:
    """A job in the making on one server, of one type (EJobType as received).

    `model` is what VBR sent last: of the job itself, or of the one that it is made like; None for a job that
    is made from nothing. `like` is that other job's name. `keys_to_find` are those of things that were
    chosen and are not looked up yet, by field. `names` (by ID) and `time_zone` are what VBR said last of what
    the fields name: the form can be shown with them while VBR is silent. `host_name` is the server's, which
    the agents of a new policy connect to.
    """

    id: str
    server: ServerName
    kind: str
    wanted: veeam.JobSettings
    model: Mapping[str, Any] | None = None
    like: str | None = None
    keys_to_find: Mapping[veeam.SettingsField, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    time_zone: str | None = None
    host_name: str = ""

    @property
    def settings_read(self) -> veeam.JobSettings:
        """The settings as VBR sent them last."""
        return veeam.settings_of(self.model or {})

    def source_of(self, part: veeam.SettingsField) -> veeam.Source | None:
        """Where what stands in a field is looked for; None where nothing is chosen in it."""
        return veeam.source_of(self.kind, part, self.model)


class DraftStore:
    """Everybody's drafts. Raises `StoreError`.

    A form's own memory at the chat platform is small and forgets what leaves the screen, so drafts are kept
    in the database: nothing entered is lost by an error, a look back or a restart.
    """

    def __init__(self, drafts: Drafts, clock: Clock) -> None:
        self._drafts = drafts
        self._clock = clock

    async def begin(self, person_id: PersonId, draft: JobDraft) -> JobDraft:
        """Keep a draft under a new ID."""
        return await self.keep(person_id, replace(draft, id=secrets.token_urlsafe(12)))

    async def keep(self, person_id: PersonId, draft: JobDraft) -> JobDraft:
        """Keep a draft, in place of what was kept under its ID."""
        # Names may hold half a surrogate pair, which UTF-8 has no bytes for: written as an escape it stays.
        body = json.dumps(msgspec.to_builtins(draft))
        kept = Draft(id=draft.id, person_id=person_id, body=body, changed_at=self._clock.now())
        await self._drafts.keep(kept)
        return draft

    async def read(self, person_id: PersonId, draft_id: str | None) -> JobDraft | None:
        """Return the person's own draft; None once it has expired, or was written by another version."""
        found = await self._drafts.of(draft_id, person_id) if draft_id is not None else None
        if found is None:
            return None
        try:
            return msgspec.convert(json.loads(found.body), JobDraft)
        except (msgspec.MsgspecError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class JobEntries:
    """What was entered about a job. None: the form did not ask for it.

    `chosen` are the keys of what stood in the menus, by field. A retention without a unit is counted as
    before; credentials that are None stay as they are. `is_unfinished`: the fields are drawn again, so what
    the schedule does not use any more is kept.
    """

    name: str
    description: str | None = None
    is_high_priority: bool | None = None
    chosen: Mapping[veeam.SettingsField, tuple[str, ...]] = field(default_factory=dict)
    repository_id: str | None = None
    retention: veeam.Retention | None = None
    gfs: veeam.Gfs | None = None
    schedule: veeam.Schedule | None = None
    guest: veeam.GuestProcessing | None = None
    others: Mapping[veeam.SettingsField, Any] = field(default_factory=dict)
    """Retries, backup window and advanced settings: what was entered takes the place of what stood there."""
    is_unfinished: bool = False

    def over(
        self,
        settings: veeam.JobSettings,
        found: Mapping[veeam.SettingsField, tuple[veeam.JobObject, ...]],
    ) -> veeam.JobSettings:
        """Return the settings with what was entered; `found` is what the keys stand for, where known."""
        retention = self.retention
        if retention is not None and not retention.unit and settings.retention is not None:
            retention = replace(retention, unit=settings.retention.unit)
        stood = settings.encryption
        for part, value in self.others.items():
            settings = settings.with_part(part, value)
        if stood is not None and settings.encryption is not None:
            settings = replace(settings, encryption=replace(stood, is_on=settings.encryption.is_on))
        return replace(
            settings,
            name=_unless_same(settings.name, self.name.strip()),
            description=_unless_same(settings.description, self.description),
            is_high_priority=(
                settings.is_high_priority if self.is_high_priority is None else self.is_high_priority
            ),
            objects=found.get(veeam.SettingsField.OBJECTS, settings.objects),
            excludes=found.get(veeam.SettingsField.EXCLUDES, settings.excludes),
            references=_references(settings.references, found),
            repository_id=settings.repository_id if self.repository_id is None else self.repository_id,
            retention=retention or settings.retention,
            gfs=self.gfs or settings.gfs,
            schedule=_schedule(settings.schedule, self.schedule, keeps_unused=self.is_unfinished),
            guest=self.guest or settings.guest,
        )


def _references(
    before: Mapping[veeam.SettingsField, veeam.JobObject],
    found: Mapping[veeam.SettingsField, tuple[veeam.JobObject, ...]],
) -> Mapping[veeam.SettingsField, veeam.JobObject]:
    """What single things are named: those that were found, and none where a field was emptied."""
    asked = {
        each: things[0] if things else None for each, things in found.items() if each in veeam.REFERENCES
    }
    return {each: thing for each, thing in {**before, **asked}.items() if thing is not None}


def shown(text: str) -> str:
    """What a field shows of a text: no half surrogate pairs, which cannot be sent, and so much of it."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) == "Cs" else character
        for character in text
    )[:SHOWN_AT_MOST]


def name_value(name: str) -> str:
    """What the choice of a name carries: the name; of one that cannot be carried, what only stands for it."""
    if len(name) <= _LONGEST_VALUE and shown(name) == name:
        return name
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _schedule(
    before: veeam.Schedule | None, entered: veeam.Schedule | None, *, keeps_unused: bool
) -> veeam.Schedule | None:
    """A predecessor whose name the choice does not carry is the one that stood there."""
    if entered is not None and before is not None and keeps_unused:
        entered = veeam.Schedule(
            entered.rhythm,
            at=entered.at or before.at,
            days=entered.days or before.days,
            after_job=entered.after_job or before.after_job,
            month_day=entered.month_day or before.month_day,
            period=entered.period or before.period,
        )
    if entered is None or before is None or before.after_job is None:
        return entered or before
    if entered.after_job in {HIDDEN_JOB, name_value(before.after_job)}:
        return replace(entered, after_job=before.after_job)
    return entered


def _unless_same(before: T, entered: str | None) -> T | str:
    """What was entered; what stood there before where only blanks differ, for fields change those."""
    if entered is None or _words(entered) == _words(shown(before or "")):
        return before
    return entered


def _words(text: str) -> list[str]:
    """The lines of a text as they are printed."""
    return [
        "".join(
            character for character in line if character == "\t" or unicodedata.category(character) != "Cc"
        ).rstrip()
        for line in text.strip().splitlines()
    ]


def visible_draft(visibility: Visibility, draft: JobDraft) -> JobDraft:
    """Return the draft without names of jobs that the person may not know of."""
    return replace(draft, wanted=visible_settings(visibility, draft.server, draft.wanted))


def visible_settings(
    visibility: Visibility, server: ServerName, settings: veeam.JobSettings
) -> veeam.JobSettings:
    """Return the settings without names of jobs that the person may not know of."""
    if visibility.sees_all(server):
        return settings
    return replace(
        settings,
        objects=_visible(visibility, server, veeam.SettingsField.OBJECTS, settings.objects),
        references={
            each: _visible_object(visibility, server, thing) if each in _NAMING_JOBS else thing
            for each, thing in settings.references.items()
        },
        schedule=_visible(visibility, server, veeam.SettingsField.SCHEDULE, settings.schedule),
    )


def visible_changes(
    visibility: Visibility, server: ServerName, changes: Iterable[veeam.SettingsChange]
) -> tuple[veeam.SettingsChange, ...]:
    """Return the changes without names of jobs that the person may not know of."""
    return tuple(
        veeam.SettingsChange(
            change.part,
            _visible(visibility, server, change.part, change.before),
            _visible(visibility, server, change.part, change.after),
        )
        for change in changes
    )


def _visible(visibility: Visibility, server: ServerName, part: veeam.SettingsField, value: Any) -> Any:
    if part is veeam.SettingsField.OBJECTS and isinstance(value, tuple):
        return tuple(_visible_object(visibility, server, each) for each in value)
    if part is veeam.SettingsField.SCHEDULE and isinstance(value, veeam.Schedule) and value.after_job:
        is_visible = visibility.sees(server, value.after_job)
        return value if is_visible else replace(value, after_job=HIDDEN_JOB)
    return value


def _visible_object(visibility: Visibility, server: ServerName, item: veeam.JobObject) -> veeam.JobObject:
    """A copied job is bound by its ID: without its name it is the same object."""
    is_job = "id" in item.raw and not item.platform and not item.host_name
    if not is_job or visibility.sees(server, item.name):
        return item
    return veeam.JobObject({**item.raw, "name": HIDDEN_JOB})
