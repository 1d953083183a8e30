"""The fields of a job's form: what was entered, what is wrong with it, and what stands in them, in words.

Nothing here changes anything in VBR. Raises `VeeamError` and `StoreError`.
"""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from typing import Any, assert_never

from bot import veeam
from bot.operations.audit_trail import AuditTrail
from bot.operations.job_editor import DraftStore, JobDraft, JobEntries
from bot.operations.job_editor.objects import (
    JobObjects,
    credential_names,
    has_credentials,
    has_job,
    hidden_jobs,
    takes_repository,
)
from bot.operations.matching import fold
from bot.operations.model import AuditSubject, Operation, Refusal, RequestContext, Visibility
from bot.operations.permissions import Permissions, Scope
from bot.operations.vbr_lists import name_filter, repositories_of
from bot.settings import PersonId

Names = Mapping[str, str]
"""What people call repositories and credentials, by ID in lower case."""

TITLES = {
    veeam.SettingsField.NAME: "Name",
    veeam.SettingsField.DESCRIPTION: "Description",
    veeam.SettingsField.PRIORITY: "Priority",
    veeam.SettingsField.OBJECTS: "Objects",
    veeam.SettingsField.EXCLUDES: "Left out",
    veeam.SettingsField.TENANT: "Tenant",
    veeam.SettingsField.PRIMARY_JOB: "Job to copy",
    veeam.SettingsField.HOST: "Target host",
    veeam.SettingsField.RESOURCE_POOL: "Resource pool",
    veeam.SettingsField.FOLDER: "Folder",
    veeam.SettingsField.DATASTORE: "Datastore",
    veeam.SettingsField.REPOSITORY: "Repository",
    veeam.SettingsField.RETENTION: "Retention",
    veeam.SettingsField.GFS: "Full backups kept (GFS)",
    veeam.SettingsField.SCHEDULE: "Schedule",
    veeam.SettingsField.RETRY: "Retries",
    veeam.SettingsField.WINDOW: "Backup window",
    veeam.SettingsField.GUEST: "Guest processing",
    veeam.SettingsField.COMPRESSION: "Compression",
    veeam.SettingsField.ENCRYPTION: "Encryption",
    veeam.SettingsField.ACTIVE_FULL: "Active full backups",
    veeam.SettingsField.SYNTHETIC_FULL: "Synthetic full backups",
    veeam.SettingsField.HEALTH_CHECK: "Health check",
}
OBJECTS_NAMED = 10
_TEXT_NAMED = 200
_VALUE_NAMED = 150
_NO_SUCH_JOB = "No such job."
_OTHER_TYPE = "A job of this type can't take these:"
_NO_SUCH_REPOSITORY = "No such repository for jobs of this type."
_NO_SUCH_CREDENTIALS = "No such credentials."
_UNITS = {
    veeam.RetentionUnit.DAYS: ("day", "days"),
    veeam.RetentionUnit.RESTORE_POINTS: ("restore point", "restore points"),
    veeam.RetentionUnit.MONTHS: ("month", "months"),
    veeam.RetentionUnit.YEARS: ("year", "years"),
}
_WEEK = tuple(veeam.Weekday)
_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_OBJECT_CHANGES_NAMED = 6
_LISTS = frozenset({veeam.SettingsField.OBJECTS, veeam.SettingsField.EXCLUDES})
_SWITCHED = frozenset(
    {
        *(veeam.SettingsField.GFS, veeam.SettingsField.WINDOW, veeam.SettingsField.ENCRYPTION),
        *veeam.TASKS,
    }
)
_USUAL_RETRIES = veeam.RetryPolicy(enabled=True)
_USUAL_COMPRESSION = frozenset({"auto", "optimal"})
_KEEPING = frozenset({veeam.SettingsField.RETENTION, veeam.SettingsField.GFS})

_QUOTED = re.compile(r"(?<!\w)'.*?'(?!\w)|\"[^\"]*\"")
"""Names and IDs: they may hold any word."""
_FIELDS_BY_WORD: tuple[tuple[str, veeam.SettingsField], ...] = (
    ("with the name", veeam.SettingsField.NAME),
    ("the name field", veeam.SettingsField.NAME),
    ("value of name", veeam.SettingsField.NAME),
    ("description", veeam.SettingsField.DESCRIPTION),
    ("tenant", veeam.SettingsField.TENANT),
    ("primaryjob", veeam.SettingsField.PRIMARY_JOB),
    ("resource pool", veeam.SettingsField.RESOURCE_POOL),
    ("resourcepool", veeam.SettingsField.RESOURCE_POOL),
    ("datastore", veeam.SettingsField.DATASTORE),
    ("gfs", veeam.SettingsField.GFS),
    ("highpriority", veeam.SettingsField.PRIORITY),
    ("retry", veeam.SettingsField.RETRY),
    ("retries", veeam.SettingsField.RETRY),
    ("awaitminutes", veeam.SettingsField.RETRY),
    ("backupwindow", veeam.SettingsField.WINDOW),
    ("backup window", veeam.SettingsField.WINDOW),
    ("compression", veeam.SettingsField.COMPRESSION),
    ("encrypt", veeam.SettingsField.ENCRYPTION),
    ("activefull", veeam.SettingsField.ACTIVE_FULL),
    ("active full", veeam.SettingsField.ACTIVE_FULL),
    ("synthe", veeam.SettingsField.SYNTHETIC_FULL),
    ("backuphealth", veeam.SettingsField.HEALTH_CHECK),
    ("health check", veeam.SettingsField.HEALTH_CHECK),
    ("credentials", veeam.SettingsField.GUEST),
    ("guestprocessing", veeam.SettingsField.GUEST),
    ("guest processing", veeam.SettingsField.GUEST),
    ("application-aware", veeam.SettingsField.GUEST),
    ("retention", veeam.SettingsField.RETENTION),
    ("restore points", veeam.SettingsField.RETENTION),
    ("restorepointstokeep", veeam.SettingsField.RETENTION),
    ("schedul", veeam.SettingsField.SCHEDULE),
    ("localtime", veeam.SettingsField.SCHEDULE),
    ("afterthisjob", veeam.SettingsField.SCHEDULE),
    ("run after", veeam.SettingsField.SCHEDULE),
    ("runs after", veeam.SettingsField.SCHEDULE),
    (
        "job was not found",
        veeam.SettingsField.SCHEDULE,
    ),  # chained by name, where jobs to copy are named by ID
    ("repository", veeam.SettingsField.REPOSITORY),
    ("virtualmachines", veeam.SettingsField.OBJECTS),
    ("virtual machine", veeam.SettingsField.OBJECTS),
    ("computers", veeam.SettingsField.OBJECTS),
    ("sourceobjects", veeam.SettingsField.OBJECTS),
    ("includes", veeam.SettingsField.OBJECTS),
    ("protection group", veeam.SettingsField.OBJECTS),
    ("object", veeam.SettingsField.OBJECTS),
    ("job with id", veeam.SettingsField.OBJECTS),
    ("server was not found", veeam.SettingsField.OBJECTS),
)


@dataclass(frozen=True, slots=True)
class FormProblem:
    """What is wrong with what was entered, and in which field; None where that is unknown.

    A sentence, or what the server answered, if anything.
    """

    part: veeam.SettingsField | None
    said: str = ""
    error: veeam.VeeamError | None = None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of what fields name: names by ID, its own time zone, and its repositories.

    `repositories` are by ID in lower case, as they are now.
    """

    names: Names
    time_zone: str | None
    repositories: Mapping[str, veeam.RepositoryState] = field(default_factory=dict)

    def repository_of(self, draft: JobDraft) -> veeam.RepositoryState | None:
        """The repository that the draft writes to, where VBR lists it."""
        return self.repositories.get((draft.wanted.repository_id or "").casefold())


async def server_facts(server: veeam.VeeamServer, draft: JobDraft) -> ServerFacts:
    """Return what the server says of what the draft's fields name: details, each for itself."""
    async with asyncio.TaskGroup() as group:
        repositories = group.create_task(repositories_of(server))
        names = group.create_task(credential_names(server, draft.kind))
        clock = group.create_task(
            veeam.detail(veeam.Detail.SERVER_TIME, server.name, server.server_time(), None)
        )
    listed = {row.id.casefold(): row for row in repositories.result()}
    own = {key: row.name for key, row in listed.items()}
    now = clock.result()
    time_zone = now.time_zone if now is not None else draft.time_zone
    return ServerFacts({**draft.names, **own, **names.result()}, time_zone, listed)


async def resume_draft(
    draft_id: str | None,
    entered: JobEntries | None,
    *,
    person_id: PersonId,
    visibility: Visibility,
    drafts: DraftStore,
    objects: JobObjects,
) -> JobDraft | None:
    """Return the person's draft with what was entered, which is kept before VBR is asked anything.

    None once the draft has expired.
    """
    draft = await drafts.read(person_id, draft_id)
    if draft is None or entered is None:
        return draft
    chosen: dict[veeam.SettingsField, tuple[veeam.JobObject, ...]] = {}
    keys_to_find = dict(draft.keys_to_find)
    for part, keys in entered.chosen.items():
        source = draft.source_of(part)
        if source is None:
            continue
        known = (*_things(draft.wanted, part), *_things(draft.settings_read, part))
        found = objects.at_hand(draft.server, source, keys, known, visibility)
        chosen[part] = tuple(found[key] for key in keys if key in found)
        keys_to_find[part] = tuple(key for key in keys if key not in found)
    wanted, read = entered.over(draft.wanted, chosen), draft.settings_read.guest
    if wanted.guest is not None and read is not None and wanted.guest.credentials_id is None:
        # Credentials that were not chosen are those that the model has: a form cannot take them out.
        guest = replace(
            wanted.guest, credentials_id=read.credentials_id, credentials_type=read.credentials_type
        )
        wanted = replace(wanted, guest=guest)
    to_find = {part: keys for part, keys in keys_to_find.items() if keys}
    return await drafts.keep(person_id, replace(draft, wanted=wanted, keys_to_find=to_find))


def _things(settings: veeam.JobSettings, part: veeam.SettingsField) -> tuple[veeam.JobObject, ...]:
    """What stands in a field that is chosen from VBR's lists."""
    value = settings.part(part)
    return (value,) if isinstance(value, veeam.JobObject) else value or ()


async def find_objects(
    server: veeam.VeeamServer,
    draft: JobDraft,
    *,
    operation: Operation,
    context: RequestContext,
    drafts: DraftStore,
    objects: JobObjects,
    audit: AuditTrail,
) -> tuple[JobDraft, tuple[FormProblem, ...]]:
    """Look up what was chosen and was not at hand; return the draft with it, and what is missing.

    What is missing was never offered to this person, or is gone since: on record, for nobody can tell.
    """
    problems: list[FormProblem] = []
    wanted = draft.wanted
    for part, keys in draft.keys_to_find.items():
        source = draft.source_of(part)
        if source is None:
            continue
        found = await objects.by_key(server, source, keys, context.visibility)
        if part in veeam.REFERENCES:
            wanted = wanted.with_part(part, next(iter(found.values()), wanted.part(part)))
        else:
            wanted = wanted.with_part(part, (*_things(wanted, part), *found.values()))
        if missing := [key for key in keys if key not in found]:
            detail = _as_chosen(part, missing)
            await audit.refused(operation, context, Refusal.CHOICE, _subject(draft), detail)
            text = "Some of what you chose is no longer in the inventory."
            problems.append(FormProblem(part, text))
    if draft.keys_to_find:
        draft = replace(draft, keys_to_find={}, wanted=wanted)
        await drafts.keep(context.person.id, draft)
    return draft, tuple(problems)


async def problems_of(
    server: veeam.VeeamServer,
    draft: JobDraft,
    *,
    own_id: veeam.JobId | None,
    operation: Operation,
    context: RequestContext,
    permissions: Permissions,
    audit: AuditTrail,
) -> tuple[FormProblem, ...]:
    """Return what can be found wrong before VBR is asked to do it.

    Of a job that is there (`own_id`), only what is to be changed: VBR took the rest as it is.
    """
    wanted, parts = draft.wanted, set(veeam.SettingsField)
    if own_id is not None:
        parts = {change.part for change in veeam.differences(draft.settings_read, wanted)}
    wrong = (
        veeam.new_job_problems(wanted, draft.kind, server.revision)
        if own_id is None
        else veeam.settings_problems(wanted, draft.kind)
    )
    found = [FormProblem(part, text) for part, text in wrong if part in parts]
    if veeam.SettingsField.NAME in parts and wanted.name.strip():
        query = veeam.JobStatesQuery(name=name_filter(wanted.name))
        others = [state async for state in server.every_job_state(query) if state.id != own_id]
        if any(fold(state.name) == fold(wanted.name) for state in others):
            found.append(FormProblem(veeam.SettingsField.NAME, "Another job already has this name."))
        permission = permissions.may(context.person, operation, Scope(draft.server, wanted.name))
        if permission.refusal is not None:
            # A name that the person's grants do not cover is an attempt at what they may not: on record.
            named = AuditSubject(draft.server, own_id, wanted.name)
            await audit.refused(operation, context, permission.refusal, named)
            reach = permissions.reach(context.person, operation).grants
            globs = ", ".join(dict.fromkeys(glob for grant in reach for glob in grant.jobs))
            found.append(FormProblem(veeam.SettingsField.NAME, f"Your role covers jobs named {globs} only."))
    is_new = own_id is None
    for part, text, values in await _not_offered(server, draft, parts, context.visibility, is_new=is_new):
        detail = _as_chosen(part, values)
        await audit.refused(operation, context, Refusal.CHOICE, _subject(draft), detail)
        found.append(FormProblem(part, text))
    return tuple(found)


async def _not_offered(
    server: veeam.VeeamServer,
    draft: JobDraft,
    parts: Collection[veeam.SettingsField],
    visibility: Visibility,
    *,
    is_new: bool,
) -> list[tuple[veeam.SettingsField, str, Sequence[str]]]:
    """What the draft asks for that no menu offers this person now: the field, what to say, the values.

    What stood there before may stay, and what comes from a template; but a new job copies no job that the
    person may not know of.
    """
    wanted, read = draft.wanted, draft.settings_read
    found: list[tuple[veeam.SettingsField, str, Sequence[str]]] = []
    for part in (veeam.SettingsField.OBJECTS, veeam.SettingsField.PRIMARY_JOB):
        if part not in parts or draft.source_of(part) is not veeam.Source.JOBS:
            continue
        before = () if is_new else _things(read, part)
        added = [each for each in _things(wanted, part) if each not in before]
        others = [
            each
            for each in added
            if each.kind and not veeam.names_jobs_of_type(draft.kind, each.kind, server.revision)
        ]
        if others:
            named = ", ".join(each.name for each in others[:OBJECTS_NAMED])
            found.append((part, f"{_OTHER_TYPE} {named}.", [each.key for each in others]))
        if hidden := await hidden_jobs(server, added, visibility):
            found.append((part, _NO_SUCH_JOB, [each.key for each in hidden]))
    repository = wanted.repository_id or ""
    is_moved = veeam.SettingsField.REPOSITORY in parts and _is_other(repository, read.repository_id)
    if is_moved and not await takes_repository(server, draft.kind, repository):
        found.append((veeam.SettingsField.REPOSITORY, _NO_SUCH_REPOSITORY, [repository]))
    guest = wanted.guest
    credentials_id = guest.credentials_id if guest is not None else None
    if guest is not None and credentials_id and _has_other_credentials(guest, read.guest):  # noqa: SIM102
        if not await has_credentials(server, credentials_id, guest.credentials_type):
            found.append((veeam.SettingsField.GUEST, _NO_SUCH_CREDENTIALS, [credentials_id]))
    after_job = wanted.schedule.after_job if wanted.schedule is not None else None
    stood = read.schedule.after_job if read.schedule is not None else None
    if after_job and after_job != stood and not await has_job(server, after_job, visibility):
        found.append((veeam.SettingsField.SCHEDULE, _NO_SUCH_JOB, [after_job]))
    return found


def _is_other(identity: str, before: str | None) -> bool:
    return bool(identity) and identity.casefold() != (before or "").casefold()


def _has_other_credentials(guest: veeam.GuestProcessing, before: veeam.GuestProcessing | None) -> bool:
    if before is None or _is_other(guest.credentials_id or "", before.credentials_id):
        return True
    return guest.credentials_type not in {None, before.credentials_type}


def _as_chosen(part: veeam.SettingsField, values: Sequence[str]) -> str:
    """The values of a field for the record, some of them, each cut short."""
    shown = [value[:_VALUE_NAMED] for value in values[:OBJECTS_NAMED]]
    more = [f"{len(values) - len(shown):,} more"] if len(values) > len(shown) else []
    return f"{TITLES[part]}: {', '.join([*shown, *more])}"


def _subject(draft: JobDraft) -> AuditSubject:
    """The job that is changed; the name of one that is to be made."""
    if draft.like is not None or draft.model is None:
        return AuditSubject(draft.server, job_name=draft.wanted.name or None)
    return AuditSubject(draft.server, str(draft.model.get("id") or "") or None, draft.settings_read.name)


def problem_from(error: veeam.VeeamError) -> FormProblem:
    """Return what a server said against it, and about which field, where its words say so."""
    return FormProblem(field_meant(error.message) if isinstance(error, veeam.Rejected) else None, error=error)


def field_meant(message: str) -> veeam.SettingsField | None:
    """Return the field that VBR's words are about; None where they don't say."""
    words = " ".join(_QUOTED.sub(" ", message).casefold().split())
    return next((part for word, part in _FIELDS_BY_WORD if word in words), None)


def with_changes(settings: veeam.JobSettings, changes: Sequence[veeam.SettingsChange]) -> veeam.JobSettings:
    """Return settings with somebody's changes; of objects only those that they added or took out."""
    for change in changes:
        value = change.after
        if change.part in _LISTS:
            before = settings.part(change.part) or ()
            kept = [each for each in before if each in change.after or each not in change.before]
            value = (*kept, *(each for each in change.after if each not in (*change.before, *kept)))
        settings = settings.with_part(change.part, value)
    return settings


def change_in_words(change: veeam.SettingsChange, names: Names, *, in_full: bool = False) -> str:
    """What a field was, and what it becomes: "Retention: 14 days → 30 days".

    Removed objects stand before added ones, and each is named. What is added, and a long text, is cut short
    unless it is wanted `in_full`.
    """
    title = TITLES[change.part]
    if change.part in _LISTS:
        removed = [each.name for each in change.before if each not in change.after]
        added = [each.name for each in change.after if each not in change.before]
        counts = [
            f"{len(names):,} {what}" for names, what in ((removed, "removed"), (added, "added")) if names
        ]
        named = [
            _named("removed", removed) if removed else "",
            _named("added", added, in_full=in_full) if added else "",
        ]
        return f"{title}: {', '.join(counts)}. {' '.join(filter(None, named))}"
    before, after = (
        in_words(change.part, value, names, in_full=in_full) for value in (change.before, change.after)
    )
    return f"{title}: {before} → {after}"


def worst_first(changes: Iterable[veeam.SettingsChange]) -> tuple[veeam.SettingsChange, ...]:
    """What reduces protection, then the rest; in both, what may be long stands behind what is short."""
    return tuple(
        sorted(
            changes,
            key=lambda change: (
                not veeam.reduces_protection(change),
                change.part is veeam.SettingsField.DESCRIPTION,
                change.part in _LISTS,
            ),
        )
    )


def warnings_about(changes: Iterable[veeam.SettingsChange], names: Names) -> tuple[str, ...]:
    """What cannot be taken back of these changes, for those who make them and those who approve them."""
    reducing = [change for change in changes if veeam.reduces_protection(change)]
    return (
        *(
            f"Restore points will be removed by a later run: {change_in_words(change, names)}. "
            "VBR can't undo this."
            for change in reducing
            if change.part in _KEEPING
        ),
        *(
            "New backups will not be encrypted. Only VBR's console may be able to set the key again."
            for change in reducing
            if change.part is veeam.SettingsField.ENCRYPTION
        ),
    )


def times_meant(parts: Iterable[Any], time_zone: str | None) -> str:
    """Whose time zone is meant, where one of these parts of the settings has a time; else nothing."""
    if not any(isinstance(part, veeam.Schedule) and part.at is not None for part in parts):
        return ""
    return f"Times are in the server's own time zone{f', {time_zone}' if time_zone else ''}."


def space_on(repository: veeam.RepositoryState | None) -> str:
    """How much is free where the job will write to, in words; nothing where VBR does not say."""
    if repository is None:
        return ""
    if repository.is_online is False:
        return f"Repository {repository.name} is offline."
    return f"Repository {repository.name}: {repository.space}." if repository.space else ""


def _named(what: str, names: Sequence[str], *, in_full: bool = True) -> str:
    """The names of the objects that are removed or added: "Removed: web01, web02."."""
    shown = names if in_full else names[:_OBJECT_CHANGES_NAMED]
    rest = [f"{len(names) - len(shown):,} more"] if len(names) > len(shown) else []
    return f"{what.capitalize()}: {', '.join([*shown, *rest])}."


def in_words(part: veeam.SettingsField, value: Any, names: Names, *, in_full: bool = False) -> str:
    """What stands in a field of the settings; "nothing" where it is empty.

    The same for the form's summary, the answer and the audit record; what is long is cut short there.
    """
    match part:
        case veeam.SettingsField.NAME | veeam.SettingsField.DESCRIPTION:
            text = str(value or "")
            is_cut = len(text) > _TEXT_NAMED and not in_full
            return f"{text[:_TEXT_NAMED]}…" if is_cut else text or "nothing"
        case veeam.SettingsField.PRIORITY:
            return "high" if value else "normal"
        case veeam.SettingsField.OBJECTS | veeam.SettingsField.EXCLUDES:
            shown = value if in_full else value[:OBJECTS_NAMED]
            named = ", ".join(each.name for each in shown)
            more = len(value) - len(shown)
            return f"{named} and {more:,} more" if more > 0 else named or "nothing"
        case veeam.SettingsField.REPOSITORY:
            return name_of(value, names) or "none"
        case veeam.SettingsField.RETENTION:
            unit = veeam.known(veeam.RetentionUnit, value.unit)
            one, many = _UNITS.get(unit, (value.unit, value.unit)) if unit else (value.unit, value.unit)
            return f"{value.quantity:,} {one if value.quantity == 1 else many}"
        case veeam.SettingsField.GFS:
            return _gfs(value)
        case veeam.SettingsField.SCHEDULE:
            return _schedule(value)
        case veeam.SettingsField.RETRY:
            return f"{value.count:,}, {_minutes(value.wait_minutes)} apart" if value.count else "none"
        case veeam.SettingsField.WINDOW:
            return (hours_in_words(value.days) or "as set in VBR") if value.is_on else "none"
        case veeam.SettingsField.COMPRESSION:
            return compression_in_words(value)
        case veeam.SettingsField.ENCRYPTION:
            return encryption_in_words(value.key) if value.is_on else "off"
        case veeam.SettingsField.GUEST:
            if not value.is_application_aware:
                return "off"
            account = "" if value.credentials_id is None else f" with {name_of(value.credentials_id, names)}"
            return f"application-aware{account}"
        case _ if part in veeam.TASKS:
            return days_in_words(value) if value.is_on else "off"
        case _:
            return str(value.name) if value is not None else "none"


def settings_said(settings: veeam.JobSettings) -> list[tuple[veeam.SettingsField, Any]]:
    """What is said of a new job besides its name: not what is off, nor what VBR's wizard would set too."""
    return [
        (part, value)
        for part in veeam.SettingsField
        if part is not veeam.SettingsField.NAME
        and (value := settings.part(part)) is not None
        and not _is_usual(part, value)
    ]


def _is_usual(part: veeam.SettingsField, value: Any) -> bool:
    match part:
        case veeam.SettingsField.EXCLUDES:
            return not value
        case veeam.SettingsField.RETRY:
            return value == _USUAL_RETRIES or not value.enabled
        case veeam.SettingsField.COMPRESSION:
            return value.casefold() in _USUAL_COMPRESSION
    return part in _SWITCHED and not value.is_on


def _gfs(gfs: veeam.Gfs) -> str:
    """Such as "4 weekly, 12 monthly"."""
    counted = zip(gfs.numbers, ("weekly", "monthly", "yearly"), strict=True)
    return ", ".join(f"{number:,} {kind}" for number, kind in counted if number) or "none"


def _minutes(number: int) -> str:
    return f"{number:,} {'minute' if number == 1 else 'minutes'}"


def compression_in_words(level: str) -> str:
    """ECompressionLevel as people write it: "dedup friendly"."""
    return _CAPITALS.sub(" ", level).lower()


def encryption_in_words(key: veeam.KeySource | None) -> str:
    """That backups are encrypted, and with what kind of key: the document gives them no names."""
    kinds = {
        veeam.KeySource.PASSWORD: ", with a password",
        veeam.KeySource.KMS: ", with a key of a KMS server",
    }
    return f"on{kinds[key] if key is not None else ''}"


def days_in_words(task: veeam.TaskDays) -> str:
    """Such as "Saturday, Sunday"."""
    days = [day.capitalize() for day in task.days]
    return ", ".join([*days, "as set in VBR"] if task.is_otherwise else days)


def hours_in_words(window: Sequence[tuple[str, veeam.Hours]]) -> str:
    """In which hours alone, days with the same hours together; nothing where no hour is left."""
    by_hours = [
        (hours, [day for day, _ in days])
        for hours, days in groupby(sorted(window, key=lambda day: _place(day[0])), key=lambda day: day[1])
    ]
    parts = [f"{_days(days)} {_ranges(hours, days)}" if any(hours) else "" for hours, days in by_hours]
    return ", ".join(filter(None, parts))


def _days(days: Sequence[str]) -> str:
    if len(days) == len(_WEEK):
        return "daily"
    names = [day.capitalize() for day in days]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _place(day: str) -> int:
    known = veeam.known(veeam.Weekday, day)
    return len(_WEEK) if known is None else _WEEK.index(known)


def _ranges(hours: veeam.Hours, days: Sequence[str]) -> str:
    """Such as "20:00 to 06:00": over midnight where each day has the same hours."""
    edges = [hour for hour, (before, now) in enumerate(pairwise((False, *hours, False))) if before != now]
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    if len(days) == len(_WEEK) and len(spans) > 1 and hours[0] and hours[-1]:
        (_, end), *between, (begin, _) = spans
        spans = [*between, (begin, end)]
    return " and ".join(f"{begin:02}:00 to {end:02}:00" for begin, end in spans)


def name_of(identity: str, names: Names) -> str:
    """What people call a thing with this ID; the ID where VBR did not say."""
    return names.get(identity.casefold(), identity)


def month_day_in_words(day: veeam.MonthDay | None) -> str:
    """Such as "the first Sunday" or "day 15"."""
    if day is None:
        return "a day"
    if day.week is None or day.day is None:
        return f"day {day.number}"
    return f"the {day.week.lower()} {day.day.capitalize()}"


def _every(period: veeam.Period | None) -> str:
    if period is None:
        return "periodically"
    unit = period.unit.lower()
    return f"every {unit.removesuffix('s')}" if period.count == 1 else f"every {period.count:,} {unit}"


def _schedule(schedule: veeam.Schedule) -> str:
    at = f" at {schedule.at:%H:%M}" if schedule.at else ""
    match schedule.rhythm:
        case veeam.Rhythm.BY_HAND:
            return "manually only"
        case veeam.Rhythm.EVERY_DAY:
            return f"every day{at}"
        case veeam.Rhythm.WEEKDAYS:
            return f"Monday to Friday{at}"
        case veeam.Rhythm.CHOSEN_DAYS:
            return f"{', '.join(day.capitalize() for day in schedule.days)}{at}"
        case veeam.Rhythm.MONTHLY:
            return f"each month on {month_day_in_words(schedule.month_day)}{at}"
        case veeam.Rhythm.PERIODIC:
            return _every(schedule.period)
        case veeam.Rhythm.CONTINUOUS:
            return "again and again, without a pause"
        case veeam.Rhythm.AFTER_JOB:
            return f"after {schedule.after_job}"
        case veeam.Rhythm.OTHER:
            return "as set in VBR"
        case _:
            assert_never(schedule.rhythm)
