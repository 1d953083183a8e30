"""The form of a job: its fields, filled, and what was entered in them, read back. Pure.

A field is shown for what the job's type has. What the form cannot express (a monthly schedule, an immediate
copy) is named and kept as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import time

from bot.operations.forms import JobForm, Problem
from bot.operations.job_settings.choices import credentials_chosen, credentials_value
from bot.operations.job_settings.entries import JobEntries, name_value, shown
from bot.operations.job_settings.words import named
from bot.operations.requests import EditRequest
from bot.operations.suggestion import Suggestion
from bot.slack.codec import Entered
from bot.slack.text import count, literal
from bot.slack.views import inputs, status_text
from bot.slack.views.impact import consequences
from bot.slack.views.inputs import Field
from bot.slack.views.message import NOTHING, MessagePart, note, paragraph
from bot.slack.views.server_errors import explain
from bot.veeam import (
    Guest,
    JobObject,
    JobSettings,
    Retention,
    RetentionUnit,
    Rhythm,
    Schedule,
    Weekday,
    choosable_rhythms,
    known,
    platform_of,
    retention_units,
    takes_guest_credentials,
)
from bot.veeam import Part as JobPart

NAME, DESCRIPTION, PRIORITY = "name", "description", "priority"
OBJECTS, REPOSITORY = "objects", "repository"
RETENTION, RETENTION_UNIT = "retention", "retention_unit"
RHYTHM, AT, DAYS, AFTER_JOB = "rhythm", "at", "days", "after_job"
GUEST, CREDENTIALS = "guest", "credentials"

HIGH, AWARE, OFF = "high", "aware", "off"
_MOST_KEPT = 99_999
_PROBLEM_LIMIT = 400
_RHYTHMS = {
    Rhythm.EVERY_DAY: "Every day",
    Rhythm.WEEKDAYS: "Monday to Friday",
    Rhythm.CHOSEN_DAYS: "On chosen days",
    Rhythm.AFTER_JOB: "After another job",
    Rhythm.BY_HAND: "Not by itself: by hand only",
    Rhythm.OTHER: "As it is set in VBR",
}
_ONLY_DAYS = f"Only for: {_RHYTHMS[Rhythm.CHOSEN_DAYS].lower()}."
_ONLY_AFTER = f"Only for: {_RHYTHMS[Rhythm.AFTER_JOB].lower()}."
_NEW_RHYTHMS = tuple(rhythm for rhythm in _RHYTHMS if rhythm is not Rhythm.OTHER)
_UNITS = {
    RetentionUnit.DAYS: "days",
    RetentionUnit.RESTORE_POINTS: "restore points",
    RetentionUnit.MONTHS: "months",
    RetentionUnit.YEARS: "years",
}
_FIELD_OF = {
    JobPart.NAME: NAME,
    JobPart.DESCRIPTION: DESCRIPTION,
    JobPart.PRIORITY: PRIORITY,
    JobPart.OBJECTS: OBJECTS,
    JobPart.REPOSITORY: REPOSITORY,
    JobPart.RETENTION: RETENTION,
    JobPart.SCHEDULE: RHYTHM,
    JobPart.GUEST: GUEST,
}
_DAILY = frozenset({Rhythm.EVERY_DAY, Rhythm.WEEKDAYS, Rhythm.CHOSEN_DAYS})


def job_form(facts: JobForm) -> MessagePart:
    """Everything that the form shows, each problem below the field that it is about."""
    fields = [field for draw in _FIELDS for field in draw(facts)]
    drawn = {block["block_id"] for field in fields for block in field.blocks}
    parts = [_head(facts), *_problems(facts.problems, drawn)]
    for field in fields:
        parts.append(field)
        block_id = field.blocks[0]["block_id"]
        parts += [problem_said(problem) for problem in facts.problems if _at(problem) == block_id]
    return sum(parts, NOTHING)


def entries_of(entered: Entered) -> JobEntries | Mapping[str, str]:
    """What was entered about a job, or what is wrong with it by field: what is told without asking VBR."""
    problems: dict[str, str] = {}
    if not inputs.said(entered, NAME).strip():
        problems[NAME] = "A job needs a name."
    schedule = _schedule(entered, problems)
    retention = _retention(entered, problems)
    if problems:
        return problems
    return JobEntries(
        name=inputs.said(entered, NAME),
        description=inputs.said(entered, DESCRIPTION) if DESCRIPTION in entered else None,
        is_high_priority=HIGH in inputs.ticked(entered, PRIORITY) if PRIORITY in entered else None,
        object_keys=inputs.ticked(entered, OBJECTS) if OBJECTS in entered else None,
        repository_id=inputs.said(entered, REPOSITORY) if REPOSITORY in entered else None,
        retention=retention,
        schedule=schedule,
        guest=_guest(entered),
    )


def _head(facts: JobForm) -> MessagePart:
    draft = facts.draft
    if isinstance(facts.request, EditRequest):
        seen = note("Nothing is changed before you have seen it once more.", *_left_out(facts.draft.wanted))
        if facts.touched is None:
            return (
                paragraph(f"What you entered for a {literal(draft.kind)} job on {literal(draft.server)}.")
                + seen
            )
        return consequences(facts.touched, facts.request) + seen
    like = f", like {literal(draft.like)}" if draft.like else ""
    said = paragraph(f"A new {literal(draft.kind)} job on {literal(draft.server)}{like}.")
    return said + note("Nothing is created before you have seen it once more.", *_left_out(draft.wanted))


def _left_out(wanted: JobSettings) -> list[str]:
    """What of the job the form cannot show: it stays as it is."""
    objects = wanted.objects or ()
    is_other = wanted.schedule is not None and wanted.schedule.rhythm is Rhythm.OTHER
    return [
        f"Its {count(len(objects), 'object')} are too many for a form." if _are_too_many(objects) else "",
        "Only VBR's console can show its schedule: leave it, or choose another." if is_other else "",
    ]


def _are_too_many(objects: Sequence[JobObject]) -> bool:
    return len(objects) > inputs.OPTIONS_LIMIT


def _problems(problems: Sequence[Problem], drawn: set[str]) -> list[MessagePart]:
    """The problems that no field is shown for, at the top; and a word that there are others below."""
    loose = [problem_said(problem) for problem in problems if _at(problem) not in drawn]
    if len(problems) > len(loose):
        loose.append(
            paragraph(f"{status_text.WARNING} Something below needs another look. Nothing was changed.")
        )
    return loose


def problem_said(problem: Problem) -> MessagePart:
    """What is wrong, in words."""
    if problem.error is None:
        return paragraph(f"{status_text.WARNING} {literal(problem.said, _PROBLEM_LIMIT)}")
    explained = explain(problem.error)
    return paragraph(f"{status_text.WARNING} {explained.happened}", explained.means, explained.advice)


def _at(problem: Problem) -> str | None:
    return None if problem.part is None else _FIELD_OF[problem.part]


def _name(facts: JobForm) -> list[MessagePart]:
    wanted = facts.draft.wanted
    fields = [inputs.text(Field(NAME, "Name"), shown(wanted.name), focus=facts.touched is None)]
    if wanted.description is not None and len(wanted.description) <= inputs.TEXT_LIMIT:
        field = Field(DESCRIPTION, "Description", is_optional=True)
        fields.append(inputs.text(field, shown(wanted.description), lines=True))
    return fields


def _objects(facts: JobForm) -> list[MessagePart]:
    objects = facts.draft.wanted.objects
    if objects is None or _are_too_many(objects) or platform_of(facts.draft.kind) is None:
        return []
    chosen = [Suggestion(each.key, each.name, _detail(each.kind, each.host_name)) for each in objects]
    chosen += [Suggestion(key, _identity(key), "") for key in facts.draft.sought]
    is_of_jobs = platform_of(facts.draft.kind) == "Jobs"
    label = "Jobs to copy" if is_of_jobs else "Machines and containers"
    return [inputs.search_many(Field(OBJECTS, label, "Type a part of a name to search."), chosen)]


def _identity(key: str) -> str:
    """What a choice that is not looked up yet can be called: the last that its key says."""
    return key.rstrip('"]').rpartition('"')[2]


def _detail(kind: str, host_name: str) -> str:
    return " · ".join(filter(None, (kind, host_name)))


def _repository(facts: JobForm) -> list[MessagePart]:
    repository_id = facts.draft.wanted.repository_id
    if repository_id is None:
        return []
    chosen = Suggestion(repository_id, named(repository_id, facts.names), "") if repository_id else None
    return [inputs.search(Field(REPOSITORY, "Repository"), chosen, letters=0)]


def _kept(facts: JobForm) -> list[MessagePart]:
    retention, units = facts.draft.wanted.retention, retention_units(facts.draft.kind)
    if retention is None or not units:
        return []
    choices = [Suggestion(unit.value, _UNITS[unit], "") for unit in units]
    field = Field(RETENTION, "Keep backups for", "A lower number removes restore points in a following run.")
    unit: str | None = known(RetentionUnit, retention.unit)
    if unit not in units:
        unit = retention.unit
        choices.append(Suggestion(unit, unit, "As it is set in VBR"))
    return [
        inputs.number(
            field,
            retention.quantity,
            least=min(1, retention.quantity),
            most=max(_MOST_KEPT, retention.quantity),
        ),
        *([inputs.one_of(Field(RETENTION_UNIT, "Counted in"), choices, unit)] if len(choices) > 1 else []),
    ]


def _scheduled(facts: JobForm) -> list[MessagePart]:
    schedule = facts.draft.wanted.schedule
    if schedule is None:
        return []
    model = facts.draft.model
    rhythms = choosable_rhythms(model) if model is not None else _NEW_RHYTHMS
    if not set(rhythms) - {Rhythm.OTHER}:
        return []
    zone = f"In the server's own time zone{f', {facts.time_zone}' if facts.time_zone else ''}."
    before = schedule.after_job
    after = Suggestion(name_value(before), before, "") if before else None
    choices = [Suggestion(rhythm.value, label, "") for rhythm, label in _RHYTHMS.items() if rhythm in rhythms]
    days = [Suggestion(day.value, day.capitalize(), "") for day in Weekday]
    return [
        inputs.one_of(Field(RHYTHM, "Runs"), choices, schedule.rhythm),
        inputs.clock_time(Field(AT, "At", zone, is_optional=True), schedule.at),
        inputs.any_of(Field(DAYS, "Chosen days", _ONLY_DAYS, is_optional=True), days, schedule.days),
        inputs.search(
            Field(AFTER_JOB, "The job to run after", _ONLY_AFTER, is_optional=True), after, letters=0
        ),
    ]


def _guests(facts: JobForm) -> list[MessagePart]:
    guest = facts.draft.wanted.guest
    if guest is None:
        return []
    choices = [
        Suggestion(OFF, "Off", ""),
        Suggestion(AWARE, "Application-aware", "Consistent with databases"),
    ]
    fields = [
        inputs.one_of(
            Field(GUEST, "Guest processing"),
            choices,
            AWARE if guest.is_application_aware else OFF,
            open_=True,
        )
    ]
    if takes_guest_credentials(facts.draft.kind):
        chosen = guest.credentials_id and Suggestion(
            credentials_value(guest.credentials_id, guest.credentials_type or ""),
            named(guest.credentials_id, facts.names),
            "",
        )
        field = Field(CREDENTIALS, "Guest credentials", is_optional=True)
        fields.append(inputs.search(field, chosen or None, letters=0))
    return fields


def _priority(facts: JobForm) -> list[MessagePart]:
    is_high = facts.draft.wanted.is_high_priority
    if is_high is None:
        return []
    choice = Suggestion(HIGH, "High priority", "The scheduler gives this job resources first")
    return [inputs.any_of(Field(PRIORITY, "Priority", is_optional=True), [choice], [HIGH] if is_high else [])]


_FIELDS: tuple[Callable[[JobForm], list[MessagePart]], ...] = (
    _name,
    _objects,
    _repository,
    _kept,
    _scheduled,
    _guests,
    _priority,
)


def _schedule(entered: Entered, problems: dict[str, str]) -> Schedule | None:
    if RHYTHM not in entered:
        return None
    rhythm = known(Rhythm, inputs.said(entered, RHYTHM))
    if rhythm is None:
        problems[RHYTHM] = "Choose when it runs."
        return None
    at, after, days = _time(entered), inputs.said(entered, AFTER_JOB) or None, inputs.ticked(entered, DAYS)
    if rhythm in _DAILY and at is None:
        problems[AT] = "Choose a time."
    if rhythm is Rhythm.CHOSEN_DAYS and not days:
        problems[DAYS] = "Choose at least one day."
    if rhythm is Rhythm.AFTER_JOB and after is None:
        problems[AFTER_JOB] = "Choose the job to run after."
    return Schedule(
        rhythm,
        at=at if rhythm in _DAILY else None,
        days=tuple(day for day in Weekday if day in days) if rhythm is Rhythm.CHOSEN_DAYS else (),
        after_job=after if rhythm is Rhythm.AFTER_JOB else None,
    )


def _retention(entered: Entered, problems: dict[str, str]) -> Retention | None:
    if RETENTION not in entered:
        return None
    try:
        quantity = int(inputs.said(entered, RETENTION))
    except ValueError:
        quantity = 0
    if quantity < 1:
        problems[RETENTION] = f"A whole number from 1 to {_MOST_KEPT:,}."
    return Retention(inputs.said(entered, RETENTION_UNIT), quantity)


def _guest(entered: Entered) -> Guest | None:
    if GUEST not in entered:
        return None
    chosen = credentials_chosen(inputs.said(entered, CREDENTIALS))
    is_aware = inputs.said(entered, GUEST) == AWARE
    if chosen is None:
        return Guest(is_aware)
    return Guest(is_aware, chosen.id, chosen.type or None)


def _time(entered: Entered) -> time | None:
    try:
        return time.fromisoformat(inputs.said(entered, AT))
    except ValueError:
        return None
