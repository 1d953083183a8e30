"""The form of a job's settings: its fields, what was entered in them, and what will be done. Pure.

A field is shown for what the job's type has, and for what its rhythm uses: when another is chosen, the form
is drawn again, and what was entered is kept in the draft. What the form cannot express (some months only,
an immediate copy) is named and kept as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as replace_fields

from msgspec.structs import replace

from bot import veeam
from bot.operations.actions.create import Create, CreateChoice
from bot.operations.actions.edit import Edit, JobForm, JobSummary
from bot.operations.job_editor import JobDraft, JobEntries, name_value, shown
from bot.operations.job_editor.fields import (
    TITLES,
    FormProblem,
    change_in_words,
    in_words,
    month_day_in_words,
    name_of,
    settings_said,
    times_meant,
    warnings_about,
)
from bot.operations.job_editor.objects import MenuOption, credentials_chosen, credentials_value, job_chosen
from bot.operations.model import Step
from bot.slack import codec
from bot.slack.codec import FormState
from bot.slack.text import count, dotted, literal, strong
from bot.slack.views import inputs, job_form_storage, status_text
from bot.slack.views.buttons import previous_step
from bot.slack.views.impact import impact_lines
from bot.slack.views.message import NOTHING, MessagePart, note, paragraph
from bot.slack.views.server_errors import explain
from bot.slack.views.status_text import needs_attention, repository_line

SERVER, LIKE, JOB_TYPE = "server", "like", "job_type"
_LINE_LIMIT = 500
NAME, DESCRIPTION, PRIORITY = "name", "description", "priority"
OBJECTS, REPOSITORY = "objects", "repository"
RETENTION, RETENTION_UNIT = "retention", "retention_unit"
GFS = {"weeks": "gfs_weeks", "months": "gfs_months", "years": "gfs_years"}
RHYTHM, AT, DAYS, AFTER_JOB = codec.RHYTHM, "at", "days", "after_job"
MONTH_DAY, PERIOD, PERIOD_UNIT = "month_day", "period", "period_unit"
GUEST, CREDENTIALS = "guest", "credentials"

HIGH, AWARE, OFF = "high", "aware", "off"
_MOST_KEPT = 99_999
_PROBLEM_LIMIT = 400
_RHYTHMS = {
    veeam.Rhythm.EVERY_DAY: "Every day",
    veeam.Rhythm.WEEKDAYS: "Monday to Friday",
    veeam.Rhythm.CHOSEN_DAYS: "On chosen days",
    veeam.Rhythm.MONTHLY: "Once a month",
    veeam.Rhythm.PERIODIC: "Every so many hours or minutes",
    veeam.Rhythm.CONTINUOUS: "All the time: again as soon as a run has ended",
    veeam.Rhythm.AFTER_JOB: "After another job",
    veeam.Rhythm.BY_HAND: "Only when started manually",
    veeam.Rhythm.OTHER: "As set in VBR",
}
_OBJECTS_OF = {
    veeam.Source.JOBS: "Jobs",
    veeam.Source.WINDOWS: "Protection groups and Windows computers",
    veeam.Source.LINUX: "Protection groups and Linux computers",
    veeam.Source.CLUSTERS: "Protection groups and failover clusters",
    veeam.Source.FILE_SHARES: "File servers and shares",
    veeam.Source.OBJECT_STORAGE: "Object storage",
    veeam.Source.IRIS: "IRIS databases",
}
"""What the field for objects is called, by where they come from."""
_FEW = frozenset({veeam.Source.FILE_SHARES, veeam.Source.OBJECT_STORAGE, veeam.Source.IRIS})
"""Sources whose menus open filled."""
_HINT_OF = {
    veeam.SettingsField.TENANT: "One job backs up one tenant.",
    veeam.SettingsField.HOST: "The host or cluster that the replicas run on.",
}
_UNITS = {
    veeam.RetentionUnit.DAYS: "days",
    veeam.RetentionUnit.RESTORE_POINTS: "restore points",
    veeam.RetentionUnit.MONTHS: "months",
    veeam.RetentionUnit.YEARS: "years",
}
_FIELD_OF = {
    veeam.SettingsField.NAME: NAME,
    veeam.SettingsField.DESCRIPTION: DESCRIPTION,
    veeam.SettingsField.PRIORITY: PRIORITY,
    veeam.SettingsField.OBJECTS: OBJECTS,
    veeam.SettingsField.REPOSITORY: REPOSITORY,
    veeam.SettingsField.RETENTION: RETENTION,
    veeam.SettingsField.GFS: GFS["weeks"],
    **{part: part.value for part in (veeam.SettingsField.EXCLUDES, *veeam.REFERENCES)},
    veeam.SettingsField.SCHEDULE: RHYTHM,
    veeam.SettingsField.GUEST: GUEST,
    **job_form_storage.FIELD_OF,
}
_DAILY = frozenset({veeam.Rhythm.EVERY_DAY, veeam.Rhythm.WEEKDAYS, veeam.Rhythm.CHOSEN_DAYS})
_APPLY = {
    **dict.fromkeys(_DAILY, (AT,)),
    veeam.Rhythm.CHOSEN_DAYS: (AT, DAYS),
    veeam.Rhythm.MONTHLY: (MONTH_DAY, AT),
    veeam.Rhythm.PERIODIC: (PERIOD, PERIOD_UNIT),
    veeam.Rhythm.AFTER_JOB: (AFTER_JOB,),
}
"""The fields that there are for a rhythm; for others there are none."""


def filled(request: Edit | Create, state: FormState) -> inputs.Filled:
    """The request that such a form asks for, or what is wrong with it, by block."""
    if request.step is Step.REVIEW:
        if _lacks_fields(state):
            return drawn_again(request, state)
        entries = entries_of(state)
        return replace(request, entered=entries) if isinstance(entries, JobEntries) else entries
    if isinstance(request, Create) and request.step is Step.FILL:
        return chosen(request, state)
    return request


def drawn_again(request: Edit | Create, state: FormState) -> Edit | Create:
    """The request that draws the fields again, filled with what was entered, right or wrong."""
    entries = replace_fields(_entries(state, {}), is_unfinished=True)
    return replace(request, step=Step.FILL, entered=entries)


def _lacks_fields(state: FormState) -> bool:
    """Whether the rhythm was chosen, and the form sent off, before the fields for it could be drawn."""
    rhythm = veeam.known(veeam.Rhythm, inputs.text_in(state, RHYTHM))
    return any(field not in state for field in _APPLY.get(rhythm, ())) if rhythm is not None else False


def create_choice(facts: CreateChoice) -> MessagePart:
    """What type of job on which server, or like which job."""
    servers = [MenuOption(server, server, "") for server in facts.servers]
    server = inputs.Field(SERVER, "Server", is_optional=True)
    types = [MenuOption(kind, status_text.type_name(kind), "") for kind in facts.types]
    job_type = inputs.Field(
        JOB_TYPE, "Type of job", "Types that the server's API can't create are not listed."
    )
    like = inputs.Field(
        LIKE,
        "Or like an existing job",
        "The new job gets its type and its settings; you can change them before anything is created.",
        is_optional=True,
    )
    chosen = next((kind for kind in facts.types if _is_type(kind, facts.request.job_type)), facts.types[0])
    parts = [
        *map(problem_lines, facts.problems),
        inputs.one_of(job_type, types, chosen),
        inputs.one_of(server, servers, facts.request.server) if len(servers) > 1 else NOTHING,
        inputs.search(like, None, letters=0),
    ]
    return sum(parts, NOTHING)


def _is_type(kind: str, wanted: str | None) -> bool:
    return wanted is not None and veeam.job_type_key(kind) == veeam.job_type_key(wanted)


def chosen(request: Create, state: FormState) -> Create | dict[str, str]:
    """The request with what was chosen, or what is wrong with it by field."""
    server, like = inputs.text_in(state, SERVER), inputs.text_in(state, LIKE)
    if not like:
        if SERVER in state and not server:
            return {SERVER: "Choose a server, or an existing job."}
        job_type = inputs.text_in(state, JOB_TYPE) or request.job_type
        return Create(server or request.server, step=request.step, job_type=job_type)
    job = job_chosen(like)
    if job is None:
        return {LIKE: "Choose a job from the list."}
    if server and server != job.server:
        return {LIKE: f"This job is on {job.server}. Choose that server, or another job."}
    return Create(job.server, job, step=request.step)


def job_summary(facts: JobSummary) -> MessagePart:
    """What will be done, and what of it cannot be taken back; a button leads back to the fields."""
    if isinstance(facts.request, Edit):
        touched = impact_lines(facts.impact, facts.request) if facts.impact is not None else NOTHING
        changes = paragraph("*You change*", *_lines(facts, facts.changes))
        summary = touched + _changes_by_others(facts) + changes
    else:
        summary = _whole(facts)
    return summary + _space(facts) + _zone(facts) + _warnings(facts) + previous_step(facts.back)


def _changes_by_others(facts: JobSummary) -> MessagePart:
    if not facts.changes_by_others and not facts.is_changed_otherwise:
        return NOTHING
    lines = _lines(facts, facts.changes_by_others)
    if facts.is_changed_otherwise:
        lines.append("Settings that this form does not show.")
    return paragraph(
        f"{status_text.WARNING} *Someone else changed this job in the meantime*",
        *lines,
        "Their changes stay. Yours below are added if you continue.",
    )


def _lines(facts: JobSummary, changes: Sequence[veeam.SettingsChange]) -> list[str]:
    return [f"• {literal(change_in_words(change, facts.names), _LINE_LIMIT)}" for change in changes]


def _whole(facts: JobSummary) -> MessagePart:
    draft = facts.draft
    head = f"{strong(draft.wanted.name)}, a new {_kind_and_place(draft)}:"
    lines = [
        f"• {TITLES[part]}: {literal(in_words(part, value, facts.names), _LINE_LIMIT)}"
        for part, value in settings_said(draft.wanted)
    ]
    return paragraph(head, *lines) + _not_asked_for(facts)


def _not_asked_for(facts: JobSummary) -> MessagePart:
    """What the form did not ask for: set as VBR's wizard would, as the template has it, or left to VBR."""
    if facts.draft.like:
        rest = (
            f"All else is as {literal(facts.draft.like)} has it. The new job starts without restore points."
        )
        return paragraph(rest)
    lines = [f"• {literal(each, _LINE_LIMIT)}" for each in facts.defaults]
    head = "*Not asked for: set as VBR's wizard would*" if lines else ""
    return paragraph(head, *lines, "What is not named here is left to VBR.")


def _kind_and_place(draft: JobDraft) -> str:
    """Such as "VMware backup job on hq, like SQL"."""
    like = f", like {literal(draft.like)}" if draft.like else ""
    return f"{status_text.type_name(draft.kind)} job on {literal(draft.server)}{like}"


def _space(facts: JobSummary) -> MessagePart:
    """How full the repository is that is new to the job."""
    is_new = isinstance(facts.request, Create) or any(
        change.part is veeam.SettingsField.REPOSITORY for change in facts.changes
    )
    if facts.repository is None or not is_new:
        return NOTHING
    sign = f"{status_text.WARNING} " if needs_attention(facts.repository) else ""
    return paragraph(f"{sign}Space there: {repository_line(facts.repository)}")


def _zone(facts: JobSummary) -> MessagePart:
    """Whose time zone is meant, where a time stands above."""
    parts = [change.after for change in facts.changes] or [facts.draft.wanted.schedule]
    meant = times_meant(parts, facts.time_zone)
    return note(literal(meant, _LINE_LIMIT) if meant else "")


def _warnings(facts: JobSummary) -> MessagePart:
    return paragraph(
        *(
            f"{status_text.WARNING} {literal(warning, _LINE_LIMIT)}"
            for warning in warnings_about(facts.changes, facts.names)
        )
    )


def job_form(facts: JobForm) -> MessagePart:
    """Everything that the form shows, each problem below the field that it is about."""
    fields = [field for draw in _FIELDS for field in draw(facts)]
    drawn = {block["block_id"] for field in fields for block in field.blocks}
    parts = [_head(facts), *_problems(facts.problems, drawn)]
    for field in fields:
        parts.append(field)
        block_id = field.blocks[0]["block_id"]
        parts += [problem_lines(problem) for problem in facts.problems if _at(problem) == block_id]
    return sum(parts, NOTHING)


def entries_of(state: FormState) -> JobEntries | Mapping[str, str]:
    """What was entered about a job, or what is wrong with it by field: all that needs no answer of VBR's."""
    problems: dict[str, str] = {}
    entries = _entries(state, problems)
    if problems:
        return problems
    return replace_fields(entries, schedule=entries.schedule and _as_used(entries.schedule))


def _entries(state: FormState, problems: dict[str, str]) -> JobEntries:
    """What was entered, right or wrong; what is wrong is added to the problems."""
    if not inputs.text_in(state, NAME).strip():
        problems[NAME] = "A job needs a name."
    schedule = _schedule(state, problems)
    retention = _retention(state, problems)
    return JobEntries(
        name=inputs.text_in(state, NAME),
        description=inputs.text_in(state, DESCRIPTION) if DESCRIPTION in state else None,
        is_high_priority=HIGH in inputs.choices_in(state, PRIORITY) if PRIORITY in state else None,
        chosen={part: _keys_in(state, part) for part in veeam.CHOSEN if part.value in state},
        repository_id=inputs.text_in(state, REPOSITORY) if REPOSITORY in state else None,
        retention=retention,
        gfs=_gfs(state, problems),
        schedule=schedule,
        guest=_guest(state),
        others=job_form_storage.entered(state, problems),
    )


def _keys_in(state: FormState, part: veeam.SettingsField) -> tuple[str, ...]:
    """The keys of what was chosen in a field, of one thing or of several."""
    if part not in veeam.REFERENCES:
        return inputs.choices_in(state, part.value)
    key = inputs.text_in(state, part.value)
    return (key,) if key else ()


def _head(facts: JobForm) -> MessagePart:
    draft = facts.draft
    if isinstance(facts.request, Edit):
        if facts.impact is not None:
            head = impact_lines(facts.impact, facts.request)
        else:
            head = paragraph(
                f"What you entered for a {status_text.type_name(draft.kind)} job on {literal(draft.server)}."
            )
        reassurance = "You'll review the changes before they are saved."
    else:
        head = paragraph(f"A new {_kind_and_place(draft)}.")
        reassurance = "You'll review the job before it is created."
    return head + note(reassurance, *_not_shown(draft.wanted))


def _not_shown(wanted: veeam.JobSettings) -> list[str]:
    """What of the job the form cannot show: it stays as it is."""
    objects = wanted.objects or ()
    is_other = wanted.schedule is not None and wanted.schedule.rhythm is veeam.Rhythm.OTHER
    return [
        f"{count(len(objects), 'object')} don't fit into a form: they stay as they are."
        if _are_too_many(objects)
        else "",
        "Only VBR's console can show its schedule. Keep it, or choose another." if is_other else "",
    ]


def _are_too_many(objects: Sequence[veeam.JobObject]) -> bool:
    return len(objects) > inputs.OPTIONS_LIMIT


def _problems(problems: Sequence[FormProblem], drawn: set[str]) -> list[MessagePart]:
    """The problems that no field is shown for, at the top; and a word that there are others below."""
    loose = [problem_lines(problem) for problem in problems if _at(problem) not in drawn]
    if len(problems) > len(loose):
        loose.append(
            paragraph(f"{status_text.WARNING} Something below needs another look. Nothing was changed.")
        )
    return loose


def problem_lines(problem: FormProblem) -> MessagePart:
    """What is wrong, in words."""
    if problem.error is None:
        return paragraph(f"{status_text.WARNING} {literal(problem.said, _PROBLEM_LIMIT)}")
    explained = explain(problem.error)
    return paragraph(f"{status_text.WARNING} {explained.happened}", explained.means, explained.advice)


def _at(problem: FormProblem) -> str | None:
    return None if problem.part is None else _FIELD_OF[problem.part]


def _name(facts: JobForm) -> list[MessagePart]:
    wanted = facts.draft.wanted
    fields = [inputs.text(inputs.Field(NAME, "Name"), shown(wanted.name), focus=facts.impact is None)]
    if wanted.description is not None and len(wanted.description) <= inputs.TEXT_LIMIT:
        field = inputs.Field(DESCRIPTION, "Description", is_optional=True)
        fields.append(inputs.text(field, shown(wanted.description), lines=True))
    return fields


def _objects(facts: JobForm) -> list[MessagePart]:
    fields: list[MessagePart] = []
    objects, excludes = facts.draft.wanted.objects, facts.draft.wanted.excludes
    source = facts.draft.source_of(veeam.SettingsField.OBJECTS)
    if objects is not None and not _are_too_many(objects) and source is not None:
        field = inputs.Field(
            OBJECTS, _OBJECTS_OF.get(source, "Machines and containers"), "Type part of a name to search."
        )
        letters = 0 if source in _FEW else 2
        chosen = _options_of(facts, veeam.SettingsField.OBJECTS, objects)
        fields.append(inputs.search_many(field, chosen, letters=letters))
    if excludes is not None and not _are_too_many(excludes):
        part = veeam.SettingsField.EXCLUDES
        field = inputs.Field(part.value, "Excluded", "Not backed up.", is_optional=True)
        fields.append(inputs.search_many(field, _options_of(facts, part, excludes)))
    return fields


def _references(facts: JobForm) -> list[MessagePart]:
    """What a new job names: it stays as it is in a job that is there."""
    if isinstance(facts.request, Edit):
        return []
    fields: list[MessagePart] = []
    for part in veeam.references_of(facts.draft.kind):
        field = inputs.Field(
            part.value,
            TITLES[part],
            _HINT_OF.get(part, ""),
            is_optional=not veeam.demands(facts.draft.kind, part),
        )
        thing = facts.draft.wanted.references.get(part)
        chosen = _options_of(facts, part, () if thing is None else (thing,))
        fields.append(inputs.search(field, chosen[0] if chosen else None, letters=0))
    return fields


def _options_of(
    facts: JobForm, part: veeam.SettingsField, things: Sequence[veeam.JobObject]
) -> list[MenuOption]:
    """What stands in a field; what is not looked up yet is called by the last word of its key."""
    keys = facts.draft.keys_to_find.get(part, ())
    return [
        *(MenuOption(each.key, each.name, dotted(each.kind, each.host_name)) for each in things),
        *(MenuOption(key, key.rstrip('"]').rpartition('"')[2], "") for key in keys),
    ]


def _repository(facts: JobForm) -> list[MessagePart]:
    repository_id = facts.draft.wanted.repository_id
    if repository_id is None:
        return []
    chosen = MenuOption(repository_id, name_of(repository_id, facts.names), "") if repository_id else None
    return [inputs.search(inputs.Field(REPOSITORY, "Repository"), chosen, letters=0)]


def _kept(facts: JobForm) -> list[MessagePart]:
    retention, units = facts.draft.wanted.retention, veeam.retention_units(facts.draft.kind)
    if retention is None or not units:
        return []
    choices = [MenuOption(unit.value, _UNITS[unit], "") for unit in units]
    field = inputs.Field(
        RETENTION, "Keep backups for", "A lower number removes restore points in a later run."
    )
    unit: str | None = veeam.known(veeam.RetentionUnit, retention.unit)
    if unit not in units:
        unit = retention.unit
        choices.append(MenuOption(unit, unit, "As set in VBR"))
    return [
        inputs.number(
            field,
            retention.quantity,
            least=min(1, retention.quantity),
            most=max(_MOST_KEPT, retention.quantity),
        ),
        *(
            [inputs.one_of(inputs.Field(RETENTION_UNIT, "Counted in"), choices, unit)]
            if len(choices) > 1
            else []
        ),
    ]


def _long_kept(facts: JobForm) -> list[MessagePart]:
    gfs = facts.draft.wanted.gfs
    if gfs is None:
        return []
    words = {"weeks": "Weekly", "months": "Monthly", "years": "Yearly"}
    return [
        inputs.number(
            inputs.Field(
                field,
                f"{words[name]} full backups kept",
                f"For so many {name} (GFS). Empty: none.",
                is_optional=True,
            ),
            getattr(gfs, name),
            least=1,
            most=veeam.GFS_LIMITS[name],
        )
        for name, field in GFS.items()
    ]


def _scheduled(facts: JobForm) -> list[MessagePart]:
    schedule = facts.draft.wanted.schedule
    if schedule is None:
        return []
    model = facts.draft.model
    rhythms = veeam.choosable_rhythms({"type": facts.draft.kind, "schedule": {}} if model is None else model)
    if not set(rhythms) - {veeam.Rhythm.OTHER}:
        return []
    zone = _zone_hint(facts)
    before = schedule.after_job
    after = MenuOption(name_value(before), before, "") if before else None
    choices = [MenuOption(rhythm.value, label, "") for rhythm, label in _RHYTHMS.items() if rhythm in rhythms]
    days = [MenuOption(day.value, day.capitalize(), "") for day in veeam.Weekday]
    draws: Mapping[str, Callable[[], MessagePart]] = {
        AT: lambda: inputs.clock_time(inputs.Field(AT, "At", zone), schedule.at),
        DAYS: lambda: inputs.any_of(inputs.Field(DAYS, "Chosen days"), days, schedule.days),
        MONTH_DAY: lambda: inputs.one_of(
            inputs.Field(MONTH_DAY, "On"), _month_days(), _month_day_value(schedule.month_day)
        ),
        PERIOD: lambda: inputs.number(
            inputs.Field(PERIOD, "Every", "Counted from midnight."),
            schedule.period.count if schedule.period is not None else None,
            least=1,
            most=veeam.LONGEST_PERIOD,
        ),
        PERIOD_UNIT: lambda: inputs.one_of(
            inputs.Field(PERIOD_UNIT, "Counted in"),
            [MenuOption(unit.value, unit.lower(), "") for unit in veeam.PeriodUnit],
            (schedule.period.unit if schedule.period else veeam.PeriodUnit.HOURS).value,
        ),
        AFTER_JOB: lambda: inputs.search(inputs.Field(AFTER_JOB, "The job to run after"), after, letters=0),
    }
    return [
        inputs.one_of(inputs.Field(RHYTHM, "Runs", is_heard=True), choices, schedule.rhythm),
        *(draws[field]() for field in _APPLY.get(schedule.rhythm, ())),
    ]


def _zone_hint(facts: JobForm) -> str:
    return f"In the server's own time zone{f', {facts.time_zone}' if facts.time_zone else ''}."


def _month_days() -> list[MenuOption]:
    """The days of a month that a job can run on: by their names, then by their numbers."""
    named = [veeam.MonthDay(week=week, day=day) for week in veeam.WeekOfMonth for day in veeam.Weekday]
    numbered = [veeam.MonthDay(number=number) for number in range(1, veeam.LAST_DAY + 1)]
    return [
        MenuOption(_month_day_value(day) or "", month_day_in_words(day).capitalize(), "")
        for day in (*named, *numbered)
    ]


def _month_day_value(day: veeam.MonthDay | None) -> str | None:
    """What the choice of a day carries."""
    if day is None:
        return None
    return str(day.number) if day.week is None or day.day is None else f"{day.week}/{day.day}"


def _month_day_in(value: str) -> veeam.MonthDay | None:
    """The day that was chosen; None for what no menu of ours offered."""
    if value.isascii() and value.isdecimal() and 1 <= int(value[:3]) <= veeam.LAST_DAY:
        return veeam.MonthDay(number=int(value))
    week, _, day = value.partition("/")
    known = veeam.known(veeam.WeekOfMonth, week), veeam.known(veeam.Weekday, day)
    return veeam.MonthDay(week=known[0], day=known[1]) if all(known) else None


def _retried(facts: JobForm) -> list[MessagePart]:
    wanted = facts.draft.wanted
    return [*job_form_storage.retries(wanted), *job_form_storage.window(wanted, _zone_hint(facts))]


def _storage(facts: JobForm) -> list[MessagePart]:
    return job_form_storage.storage(facts.draft.wanted, facts.draft.settings_read)


def _guests(facts: JobForm) -> list[MessagePart]:
    guest = facts.draft.wanted.guest
    if guest is None:
        return []
    choices = [
        MenuOption(OFF, "Off", ""),
        MenuOption(AWARE, "Application-aware", "Consistent with databases"),
    ]
    fields = [
        inputs.one_of(
            inputs.Field(GUEST, "Guest processing"),
            choices,
            AWARE if guest.is_application_aware else OFF,
            open_=True,
        )
    ]
    if veeam.takes_guest_credentials(facts.draft.kind):
        chosen = guest.credentials_id and MenuOption(
            credentials_value(guest.credentials_id, guest.credentials_type or ""),
            name_of(guest.credentials_id, facts.names),
            "",
        )
        field = inputs.Field(CREDENTIALS, "Guest credentials", is_optional=True)
        fields.append(inputs.search(field, chosen or None, letters=0))
    return fields


def _priority(facts: JobForm) -> list[MessagePart]:
    is_high = facts.draft.wanted.is_high_priority
    if is_high is None:
        return []
    choice = MenuOption(HIGH, "High priority", "The scheduler gives this job resources first")
    return [
        inputs.any_of(
            inputs.Field(PRIORITY, "Priority", is_optional=True), [choice], [HIGH] if is_high else []
        )
    ]


_FIELDS: tuple[Callable[[JobForm], list[MessagePart]], ...] = (
    _name,
    _objects,
    _references,
    _repository,
    _kept,
    _long_kept,
    _scheduled,
    _retried,
    _guests,
    _storage,
    _priority,
)


def _schedule(state: FormState, problems: dict[str, str]) -> veeam.Schedule | None:
    if RHYTHM not in state:
        return None
    rhythm = veeam.known(veeam.Rhythm, inputs.text_in(state, RHYTHM))
    if rhythm is None:
        problems[RHYTHM] = "Choose when it runs."
        return None
    at = inputs.time_in(state, AT)
    after, days = inputs.text_in(state, AFTER_JOB) or None, inputs.choices_in(state, DAYS)
    month_day, period = _month_day_in(inputs.text_in(state, MONTH_DAY)), _period(state)
    if rhythm is veeam.Rhythm.MONTHLY and month_day is None:
        problems[MONTH_DAY] = "Choose a day."
    if rhythm is veeam.Rhythm.PERIODIC and period is None:
        problems[PERIOD] = f"A whole number from 1 to {veeam.LONGEST_PERIOD:,}."
    if AT in _APPLY.get(rhythm, ()) and at is None:
        problems[AT] = "Choose a time."
    if rhythm is veeam.Rhythm.CHOSEN_DAYS and not days:
        problems[DAYS] = "Choose at least one day."
    if rhythm is veeam.Rhythm.AFTER_JOB and after is None:
        problems[AFTER_JOB] = "Choose the job to run after."
    return veeam.Schedule(
        rhythm,
        at=at,
        days=tuple(day for day in veeam.Weekday if day in days),
        after_job=after,
        month_day=month_day,
        period=period,
    )


def _period(state: FormState) -> veeam.Period | None:
    unit = veeam.known(veeam.PeriodUnit, inputs.text_in(state, PERIOD_UNIT))
    count = inputs.text_in(state, PERIOD).strip()
    is_number = count.isascii() and count.isdecimal() and 1 <= int(count[:6]) <= veeam.LONGEST_PERIOD
    return veeam.Period(unit, int(count)) if unit is not None and is_number else None


def _as_used(schedule: veeam.Schedule) -> veeam.Schedule:
    """The schedule without what its rhythm does not use."""
    used = _APPLY.get(schedule.rhythm, ())
    return veeam.Schedule(
        schedule.rhythm,
        at=schedule.at if AT in used else None,
        days=schedule.days if DAYS in used else (),
        after_job=schedule.after_job if AFTER_JOB in used else None,
        month_day=schedule.month_day if MONTH_DAY in used else None,
        period=schedule.period if PERIOD in used else None,
    )


def _retention(state: FormState, problems: dict[str, str]) -> veeam.Retention | None:
    if RETENTION not in state:
        return None
    try:
        quantity = int(inputs.text_in(state, RETENTION))
    except ValueError:
        quantity = 0
    if quantity < 1:
        problems[RETENTION] = f"A whole number from 1 to {_MOST_KEPT:,}."
        return None
    return veeam.Retention(inputs.text_in(state, RETENTION_UNIT), quantity)


def _gfs(state: FormState, problems: dict[str, str]) -> veeam.Gfs | None:
    if not any(field in state for field in GFS.values()):
        return None
    numbers: dict[str, int | None] = {}
    for name, field in GFS.items():
        entered = inputs.text_in(state, field).strip()
        most = veeam.GFS_LIMITS[name]
        if entered and not (entered.isascii() and entered.isdecimal() and 1 <= int(entered) <= most):
            problems[field] = f"A whole number from 1 to {most:,}, or nothing."
        else:
            numbers[name] = int(entered) if entered else None
    return veeam.Gfs(**numbers)


def _guest(state: FormState) -> veeam.GuestProcessing | None:
    if GUEST not in state:
        return None
    chosen = credentials_chosen(inputs.text_in(state, CREDENTIALS))
    is_aware = inputs.text_in(state, GUEST) == AWARE
    if chosen is None:
        return veeam.GuestProcessing(is_aware)
    return veeam.GuestProcessing(is_aware, chosen.id, chosen.type or None)
