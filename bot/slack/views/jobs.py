"""Jobs: a list of them, one in full, and how one stands in an answer about something else."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from math import ceil

from msgspec.structs import replace

from bot.operations.job_filters import JobsColumn, JobsFilter
from bot.operations.job_types import plain_type
from bot.operations.machine_holders import Held
from bot.operations.model import KnownJob
from bot.operations.outcomes import JobView
from bot.operations.queries.job import JobAnswer
from bot.operations.queries.jobs import JobsAnswer, ListJobs
from bot.operations.queries.why import ExplainFailure
from bot.operations.type_names import known_type
from bot.settings import PersonId
from bot.slack.text import code, count, date, dotted, literal, mention, quoted, sentence_case, strong
from bot.slack.views import buttons, status_text
from bot.slack.views.causes import by_cause
from bot.slack.views.job_settings import ITEMS_SHOWN, item, schedule_sentence, settings_lines
from bot.slack.views.message import (
    HEADER_LIMIT,
    NOTHING,
    Message,
    MessagePart,
    as_of,
    compose,
    divided,
    heading,
    note,
    paragraph,
)
from bot.slack.views.mutes import muted_line
from bot.veeam import (
    Daily,
    Detail,
    JobFacts,
    JobState,
    Monthly,
    Periodic,
    Result,
    ScheduleFacts,
    Workload,
)
from bot.watch.expectations import LEARNT

_STATES = {
    JobsFilter.FAILED: "failed",
    JobsFilter.WARNING: "warning",
    JobsFilter.RUNNING: "running",
    JobsFilter.STOPPED: "stopped by a person",
    JobsFilter.SUCCESS: "successful",
    JobsFilter.NONE: "without a result",
    JobsFilter.DISABLED: "disabled",
    JobsFilter.ENABLED: "enabled",
    JobsFilter.INACTIVE: "at rest",
}
_NOTHING_SUCH = {
    frozenset(): "There are no jobs to show.",
    frozenset({JobsFilter.FAILED, JobsFilter.WARNING}): "All is well: no job's last run failed or warned.",
    frozenset({JobsFilter.RUNNING}): "Nothing is running at the moment.",
    frozenset({JobsFilter.FAILED}): "All is well: no job's last run failed.",
    frozenset({JobsFilter.WARNING}): "All is well: no job's last run ended with a warning.",
    frozenset({JobsFilter.STOPPED}): "No job's last run was stopped by a person.",
    frozenset({JobsFilter.SUCCESS}): "No job's last run succeeded yet.",
    frozenset({JobsFilter.NONE}): "Every job has a result.",
    frozenset({JobsFilter.DISABLED}): "No job is disabled.",
    frozenset({JobsFilter.ENABLED}): "Every job is disabled.",
    frozenset({JobsFilter.INACTIVE}): "No job is at rest.",
}
_WORKLOADS = {
    Workload.APPLICATION: "applications",
    Workload.CLOUD_VM: "cloud machines",
    Workload.FILE: "files",
    Workload.SERVER: "servers",
    Workload.WORKSTATION: "workstations",
    Workload.VM: "virtual machines",
}
_COLUMNS = {
    JobsColumn.NAME: "name",
    JobsColumn.TYPE: "type",
    JobsColumn.STATUS: "status",
    JobsColumn.LAST_RUN: "last run",
    JobsColumn.RESULT: "result",
    JobsColumn.NEXT_RUN: "next run",
    JobsColumn.DESCRIPTION: "description",
    JobsColumn.REPOSITORY: "repository",
    JobsColumn.OBJECTS: "number of objects",
    JobsColumn.AFTER: "the job before",
}
_REASON_LIMIT = 140
"""How much of a reason a row of a list shows: all of it is in the job's Details."""
_BUTTONS_PER_ROW = 2
_RECENT_LIMIT = 5
_ITEMS_PER_PAGE = 20
_CHAINED_SHOWN = 10
_REASON_SIZE = 1_200
_OBJECT_LIMIT = 60


def jobs(answer: JobsAnswer, *, shared_by: PersonId | None = None, lacks: Collection[Detail] = ()) -> Message:
    """One page of jobs, each with its buttons. A shared list can't be paged: it stands as it was."""
    request = answer.request
    title = dotted("Jobs", *_filters(request, _quoted))
    markup = dotted("*Jobs*", *_filters(request, _shown))
    # What a title has no room for stands below it.
    whole = note(markup).blocks if len(title) > HEADER_LIMIT else ()
    pages = max(1, ceil(answer.total / max(1, answer.page_size)))
    head = [
        heading(title, markup),
        MessagePart("", whole) + note(_summary(answer, pages)),
        paragraph(*status_text.silent_servers(answer.silent)),
        note(*_unknown(answer)),
    ]
    if not answer.rows:
        is_whole = not (lacks or answer.unreadable or answer.not_looked_at) and answer.total_is_exact
        head.append(paragraph(_nothing(answer, is_whole=is_whole)))
    elif answer.jobless:
        nothing = f"No jobs to show on {_listed(answer.jobless)}."
        head.append(note(status_text.as_read(nothing, is_whole=Detail.JOB_STATES not in lacks)))
    paging = NOTHING
    if shared_by is None:
        turns = buttons.page_controls(request, pages=pages, has_more=request.page + 1 < pages)
        paging = buttons.controls([*turns, buttons.share_control(request)])
    tail = [note(status_text.unreadable(answer.unreadable)), as_of(answer.as_of, shared_by), paging]
    return compose(head, _rows(answer, pages), tail, noun="job")


def _rows(answer: JobsAnswer, pages: int) -> list[MessagePart]:
    """The rows; those of one cause together below it, without saying it again.

    In the order that was asked for, if one was: then each row says its own.
    """
    if answer.request.sort is not None:
        return divided([_row(answer, view) for view in answer.rows])
    rows: list[MessagePart] = []
    for cause in by_cause(answer.rows):
        parts = [_row(answer, view, says_why=not cause.is_shared) for view in cause.views]
        if cause.is_shared:
            has_failed = all(view.state.result is Result.FAILED for view in cause.views)
            same = " failed for the same reason" if has_failed else ", the same reason"
            here = " on this page" if pages > 1 else ""
            title = f": {literal(cause.title)}" if cause.title else ""
            many = f"*{count(len(cause.views), 'job')}{here}{same}*{title}"
            parts[0] = paragraph(many, code(cause.reason or "")) + parts[0]
        rows += [*divided(parts[:1]), *parts[1:]]
    return rows


def _row(answer: JobsAnswer, view: JobView, *, says_why: bool = True) -> MessagePart:
    return job_row(view, _held(answer.held_by(view)), _good_run(answer, view), says_why=says_why)


def job_row(view: JobView, *further: str, says_why: bool = True) -> MessagePart:
    """One job in a list: how it stands, why, since when, what `further` lines say, and what can be pressed.

    Where the reason stands above several rows, each names no more than the object that it is about.
    """
    state = view.state
    if state.last_run is None:
        when = f"Next run {date(state.next_run)}" if state.next_run else ""
    else:
        when = f"Started {date(state.last_run)}{status_text.run_length(state)}"
    why = ""
    if view.reason and says_why:
        why = status_text.cause(view.object_name, view.reason, _REASON_LIMIT)
    elif view.object_name:
        when = dotted(strong(view.object_name, _OBJECT_LIMIT), when)
    lines = paragraph(status_text.job_line(view), why, when, *further)
    about = status_text.job_name(state.name, view.server)
    return lines + buttons.controls(
        buttons.job_controls(buttons.ButtonTarget.of(view), view.operations),
        direct=buttons.DIRECT_LIMIT if ExplainFailure.operation in view.operations else _BUTTONS_PER_ROW,
        about=about,
    )


def job(answer: JobAnswer, *, shared_by: PersonId | None = None) -> Message:
    """A job: how it stands and why, its runs, its settings and latest sessions; then the rest of its objects.

    What fills a page of its own is behind Next: objects beyond the first few. A channel isn't told the user
    name for the guests.
    """
    view, state, facts = answer.view, answer.view.state, answer.settings
    if facts is not None and shared_by is not None:
        facts = dataclasses.replace(facts, guest_account=None)
    rest = facts.items[ITEMS_SHOWN:] if facts is not None else ()
    pages = 1 + ceil(len(rest) / _ITEMS_PER_PAGE)
    number = min(answer.request.page, pages - 1)
    turns = []
    if shared_by is None:
        request = replace(answer.request, page=number)
        turns = buttons.page_controls(request, pages=pages, has_more=number + 1 < pages)
    tail = [as_of(answer.as_of, shared_by), *_controls(answer, turns, shared_by)]
    title = paragraph(status_text.job_line(view), *_whole_reason(view))
    if number:
        first = (number - 1) * _ITEMS_PER_PAGE
        shown = [item(one) for one in rest[first : first + _ITEMS_PER_PAGE]]
        begin, total = ITEMS_SHOWN + first + 1, ITEMS_SHOWN + len(rest)
        place = f"Objects {begin:,} to {begin + len(shown) - 1:,} of {total:,}"
        return compose([paragraph(status_text.job_line(view)), note(place), paragraph(*shown), *tail])
    covers = dotted(
        status_text.type_name(state.type),
        "" if state.objects_count is None else count(state.objects_count, "object"),
        _priority(state, facts),
    )
    if answer.repository is not None:
        repository = f"Repository: {status_text.repository_line(answer.repository)}"
    else:
        repository = f"Repository: {literal(state.repository_name)}" if state.repository_name else ""
    head = [
        title,
        paragraph(
            _last_good(answer),
            _last_run(state),
            _next_run(state, facts),
            *_enabled_again(answer),
            _run_after(answer),
        ),
        NOTHING if answer.muted is None else muted_line(answer.muted),
        paragraph(covers, *([] if facts is None else settings_lines(facts)), repository),
        note(_learning(answer)),
        note(code(state.description)) if state.description.strip() else NOTHING,
        *_recent(answer),
    ]
    return compose([*head, *tail])


def job_state(view: JobView) -> MessagePart:
    """A job's present state in a line or two, for answers that are about something else."""
    return paragraph(status_text.job_line(view), _last_run(view.state))


def _filters(request: ListJobs, quote: Callable[[str], str]) -> list[str]:
    """What the list is narrowed by, in words; `quote` shows what was typed."""
    which = [words for state, words in _STATES.items() if state in request.states]

    def typed(words: str, text: str | None) -> str:
        return f"{words} {quote(text)}" if text is not None else ""

    def span(words: str, length: timedelta | None) -> str:
        return f"{words} {status_text.span_asked_for(length)}" if length is not None else ""

    objects = request.objects_count
    return [
        " or ".join(which),
        typed("like", request.pattern),
        f"of type {kind}" if (kind := _type(request)) else typed("of type", request.job_type),
        f"for {_WORKLOADS[request.workload]}" if request.workload is not None else "",
        f"{request.priority} priority" if request.priority is not None else "",
        typed("holding", request.holding),
        "" if objects is None else f"with {count(objects, 'object')}",
        typed("after", request.after),
        f"ran {status_text.in_the_last(request.ran_within)}" if request.ran_within is not None else "",
        span("not run for", request.ran_before),
        span("no success or warning for", request.stale),
        typed("on", request.repository),
        typed("server", request.server),
    ]


def _type(request: ListJobs) -> str | None:
    """The type of jobs that was asked for, in words; None where it is none that we know, or a part of one."""
    return None if request.job_type is None else known_type(plain_type(request.job_type))


def _quoted(text: str) -> str:
    return text if len(text.split()) == 1 else f"\u201c{text}\u201d"


def _shown(text: str) -> str:
    return literal(text) if len(text.split()) == 1 else code(text)


def _summary(answer: JobsAnswer, pages: int) -> str:
    """Which jobs are shown, of how many, and in which order."""
    request = answer.request
    first, shown = request.page * answer.page_size + 1, len(answer.rows) if pages > 1 else 0
    total = status_text.place_in_list(first, shown, answer.total, "job", is_exact=answer.total_is_exact)
    order = ""
    if request.sort is not None:
        order = f"sorted by {_COLUMNS[request.sort]}{', descending' if request.is_descending else ''}"
    return sentence_case(dotted(total if answer.total else "", order if answer.rows else ""))


def _unknown(answer: JobsAnswer) -> list[str]:
    """What the list cannot say."""
    lines = []
    if answer.without_predecessors:
        lines.append(
            f"The API of {_listed(answer.without_predecessors)} doesn't say which job runs after another; "
            "its jobs are missing here."
        )
    if answer.not_looked_at:
        lines.append(
            f"{count(answer.not_looked_at, 'more job')} ran in this time without success; "
            "it isn't known whether an earlier run succeeded."
        )
    if answer.holders:
        lines.append(
            "Found by the objects that jobs list and by restore points. A machine that a job covers by a "
            "folder, tag or group shows up after its first backup."
        )
    if any(holders.is_cut for holders in answer.holders.values()):
        lines.append("Too many to check them all: some jobs may be missing.")
    if unread := sum(holders.unread for holders in answer.holders.values()):
        lines.append(f"The objects of {count(unread, 'job')} could not be read.")
    if orphaned := sum(holders.orphaned for holders in answer.holders.values()):
        lines.append(f"{orphaned:,} of its backups {'belongs' if orphaned == 1 else 'belong'} to no job.")
    return lines


def _held(held: Held | None) -> str:
    """How a job holds the machine that was asked for."""
    if held is None:
        return ""
    how = "in its list" if held.is_listed else "by a folder, tag or group"
    point = f"restore point {date(held.newest_point)}" if held.newest_point is not None else ""
    return dotted(f"{literal(held.machine)} {how}", point)


def _good_run(answer: JobsAnswer, view: JobView) -> str:
    """Since when the job has had no good run, where that was asked for and is known."""
    job = KnownJob(view.server, view.state.id)
    if job not in answer.last_good:
        return ""
    return _good_backup(answer.last_good[job], answer.as_of)


def _nothing(answer: JobsAnswer, *, is_whole: bool) -> str:
    if answer.total:
        return "This page is empty: the list has become shorter."
    if answer.silent:
        return status_text.nothing_found(answer.request.server, has_answers=answer.has_answers)
    if answer.request.holding is not None and not any(each.jobs for each in answer.holders.values()):
        meant = f" Did you mean {' or '.join(map(code, answer.nearest))}?" if answer.nearest else ""
        known = "as far as VBR says" if is_whole else "as far as could be read"
        return f"No job holds {code(answer.request.holding)}, {known}.{meant}"
    nothing = "No jobs match."
    if answer.jobless:
        nothing = f"No jobs to show on {_listed(answer.jobless)}."
    elif answer.request.has_only_states:
        nothing = _NOTHING_SUCH.get(answer.request.states, nothing)
    return status_text.as_read(nothing, is_whole=is_whole)


def _listed(servers: Sequence[str]) -> str:
    return ", ".join(map(literal, servers))


def _last_good(answer: JobAnswer) -> str:
    """When a failed job made its last good backup."""
    if answer.view.state.result is not Result.FAILED or not answer.is_last_good_known:
        return ""
    return _good_backup(answer.last_good_at, answer.as_of)


def _good_backup(ended: datetime | None, now: datetime) -> str:
    if ended is None:
        return "No good backup on record."
    return f"Last good backup: {status_text.with_age(ended, now)}"


def _last_run(state: JobState) -> str:
    if state.last_run is None:
        return f"Last run: {'never' if status_text.never_ran(state) else 'unknown'}"
    progress = state.session_progress
    return dotted(
        f"{'This run' if state.is_active else 'Last run'}: "
        f"{date(state.last_run)}{status_text.run_length(state)}",
        status_text.volume(progress),
        status_text.bottleneck(progress.bottleneck if progress else None),
    )


def _priority(state: JobState, settings: JobFacts | None) -> str:
    if state.high_priority or (settings is not None and settings.is_high_priority):
        return "high priority"
    return "normal priority" if settings is not None and settings.is_high_priority is not None else ""


def _whole_reason(view: JobView) -> list[str]:
    """Why its latest run failed or warned; Details of that session has what is too long here."""
    lines, room = list[str](), _REASON_SIZE
    about = f"{strong(view.object_name)}: " if view.object_name else ""
    for number, line in enumerate(quoted(view.reason or "")):
        room -= len(line)
        if room < 0:
            return [*lines, "… Details of the latest session has the rest."]
        lines.append(line if number else f"{about}{line}")
    return lines


def _next_run(state: JobState, settings: JobFacts | None) -> str:
    """When it runs next and by which schedule; where that follows no clock, the schedule says it all."""
    schedule = settings.schedule if settings is not None else ScheduleFacts()
    sentence = schedule_sentence(schedule)
    # VBR's hours are the server's own.
    hours = " (the server's time)" if schedule.is_automatic is not False and ":" in sentence else ""
    lines = [f"Schedule: {sentence}{hours}"] if sentence else []
    if state.is_disabled:
        lines = ["Next run: none, the job is disabled", *lines]
    elif state.next_run is not None:
        lines = [f"Next run: {date(state.next_run)}", *lines]
    elif state.run_after_job and state.run_after_job.job_name:
        lines = lines or [f"Next run: after {literal(state.run_after_job.job_name)}"]
    elif not lines or any(isinstance(one, Daily | Monthly | Periodic) for one in schedule.timings):
        lines = [f"Next run: {status_text.unplanned(state)}", *lines]
    return "\n".join(lines)


def _learning(answer: JobAnswer) -> str:
    """That it is not known yet how long its runs usually take, and how much they read."""
    if answer.learning is None:
        return ""
    incrementals, fulls = answer.learning
    seen = [
        f"{number} of {LEARNT} {kind}"
        for number, kind in ((incrementals, "incrementals"), (fulls, "fulls"))
        if 0 < number < LEARNT
    ]
    known = ", ".join(seen) if seen else f"none of {LEARNT} runs"
    return f"Still learning how long and how large its runs usually are: {known} seen."


def _enabled_again(answer: JobAnswer) -> list[str]:
    if not answer.is_plan_known:
        return [
            f"{status_text.WARNING} Whether the bot enables it again is unknown: its database didn't respond."
        ]
    plan = answer.enabled_again
    return [f"Will be enabled again {date(plan.until)} (set by {mention(plan.person_id)})"] if plan else []


def _run_after(answer: JobAnswer) -> str:
    shown = [literal(name) for name in answer.run_after[:_CHAINED_SHOWN]]
    more = len(answer.run_after) - len(shown)
    named = ", ".join([*shown, f"{more:,} more"] if more > 0 else shown)
    return f"Then runs: {named}" if named else ""


def _recent(answer: JobAnswer) -> list[MessagePart]:
    """The latest sessions, each with Details of it."""
    if not answer.recent:
        return []
    rows = [note("Latest sessions")]
    for view in answer.recent[:_RECENT_LIMIT]:
        session = view.session
        when = status_text.span(session.creation_time, session.end_time)
        part = f"part of it: {literal(session.name)}" if view.is_part else ""
        by = f"by {mention(view.stopped_by)}" if view.is_stopped and view.stopped_by else ""
        result = status_text.STOPPED if view.is_stopped else status_text.session_result(session)
        details = buttons.session_control(view.server, session.id, session.name)
        rows.append(buttons.with_control(dotted(result, when, by, part), details))
    return rows


def _controls(
    answer: JobAnswer, turns: list[buttons.Control], shared_by: PersonId | None
) -> list[MessagePart]:
    view = answer.view
    offered = buttons.job_controls(buttons.ButtonTarget.of(view), view.operations)
    acting = [control for control in offered if control and control.asks_first]
    why = [control for control in offered if control and control.label == ExplainFailure.operation.label]
    share = buttons.share_control(answer.request) if shared_by is None else None
    about = status_text.job_name(view.state.name, view.server)
    if turns:
        return [buttons.controls([*turns, share]), buttons.controls(acting, about=about)]
    # Share stands beside the two likeliest, whatever else may be done; the rest is in the menu.
    first = [*acting[:1], *why, *acting[1:]]
    return [buttons.controls([*first[:2], share, *first[2:]], about=about)]
