"""Jobs: a list of them, one in full, and how one stands in an answer about something else."""

from math import ceil

from msgspec.structs import replace

from bot.operations.outcomes import JobView
from bot.operations.queries.job import JobAnswer
from bot.operations.queries.jobs import JobsAnswer, JobsFilter
from bot.settings import PersonId
from bot.slack.text import code, count, date, dotted, literal, mention, quoted, sentence_case
from bot.slack.views import buttons, status_text
from bot.slack.views.job_settings import ITEMS_SHOWN, item, schedule_sentence, settings_lines
from bot.slack.views.message import (
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
from bot.veeam import Daily, JobFacts, JobState, Monthly, Periodic, ScheduleFacts

_TITLES = {
    None: "Jobs",
    JobsFilter.RUNNING: "Running jobs",
    JobsFilter.FAILED: "Failed jobs",
    JobsFilter.WARNING: "Jobs with warnings",
    JobsFilter.SUCCESS: "Successful jobs",
    JobsFilter.NONE: "Jobs without a result",
    JobsFilter.DISABLED: "Disabled jobs",
}
_NOTHING_SUCH = {
    None: "There are no jobs to show.",
    JobsFilter.RUNNING: "Nothing is running at the moment.",
    JobsFilter.FAILED: "All is well: no job's last run failed.",
    JobsFilter.WARNING: "All is well: no job's last run ended with a warning.",
    JobsFilter.SUCCESS: "No job's last run succeeded yet.",
    JobsFilter.NONE: "Every job has a result.",
    JobsFilter.DISABLED: "No job is disabled.",
}
_BUTTONS_PER_ROW = 2
_RECENT_LIMIT = 5
_ITEMS_PER_PAGE = 20
_CHAINED_SHOWN = 10
_REASON_SIZE = 1_200


def jobs(answer: JobsAnswer, *, shared_by: PersonId | None = None) -> Message:
    """One page of jobs, each with its buttons. A shared list can't be paged: it stands as it was."""
    request = answer.request
    filters = [
        f"matching {code(request.pattern)}" if request.pattern else "",
        f"of type {code(request.job_type)}" if request.job_type else "",
        f"in repository {code(request.repository)}" if request.repository else "",
        f"on {literal(request.server)}" if request.server else "",
    ]
    pages = max(1, ceil(answer.total / max(1, answer.page_size)))
    total = f"{'' if answer.total_is_exact else 'at least '}{count(answer.total, 'job')}"
    page = f"page {request.page + 1:,} of {pages:,}" if pages > 1 else ""
    head = [
        heading(_TITLES[request.which]),
        note(sentence_case(dotted(total if answer.total else "", *filters, page))),
        paragraph(*status_text.silent_servers(answer.silent)),
    ]
    if not answer.rows:
        head.append(paragraph(_nothing(answer, filters)))
    paging = NOTHING
    if shared_by is None:
        turns = buttons.page_controls(request, pages=pages, has_more=request.page + 1 < pages)
        paging = buttons.controls([*turns, buttons.share_control(request)])
    tail = [note(status_text.unreadable(answer.unreadable)), as_of(answer.as_of, shared_by), paging]
    return compose(head, divided(map(job_row, answer.rows)), tail, noun="job", plural="jobs")


def job_row(view: JobView) -> MessagePart:
    """One job in a list: how it stands, since when, why, and what can be pressed."""
    state = view.state
    if state.last_run is None:
        when = f"Next run {date(state.next_run)}" if state.next_run else ""
    else:
        when = f"Started {date(state.last_run)}{status_text.run_length(state)}"
    lines = paragraph(status_text.job_line(view), when, code(view.reason) if view.reason else "")
    about = status_text.job_name(state.name, view.server)
    return lines + buttons.controls(
        buttons.job_controls(buttons.ButtonTarget.of(view), view.operations),
        direct=_BUTTONS_PER_ROW,
        about=about,
    )


def job(answer: JobAnswer, *, shared_by: PersonId | None = None) -> Message:
    """A job: how it stands and why, its runs, its settings and latest sessions; then the rest of its objects.

    What fills a page of its own is behind Next: objects beyond the first few.
    """
    view, state, facts = answer.view, answer.view.state, answer.settings
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
        literal(state.type) if state.type else "",
        "" if state.objects_count is None else count(state.objects_count, "object"),
        _priority(state, facts),
    )
    if answer.repository is not None:
        repository = f"Repository: {status_text.repository_line(answer.repository)}"
    else:
        repository = f"Repository: {literal(state.repository_name)}" if state.repository_name else ""
    head = [
        title,
        paragraph(_last_run(state), _next_run(state, facts), *_enabled_again(answer), _run_after(answer)),
        paragraph(covers, *([] if facts is None else settings_lines(facts)), repository),
        note(code(state.description)) if state.description.strip() else NOTHING,
        *_recent(answer),
    ]
    return compose([*head, *tail])


def job_state(view: JobView) -> MessagePart:
    """A job's present state in a line or two, for answers that are about something else."""
    return paragraph(status_text.job_line(view), _last_run(view.state))


def _nothing(answer: JobsAnswer, filters: list[str]) -> str:
    if answer.total:
        return "There is nothing on this page; the list has become shorter."
    if answer.silent:
        return status_text.nothing_found(answer.request.server)
    return "No job is like that." if any(filters) else _NOTHING_SUCH[answer.request.which]


def _last_run(state: JobState) -> str:
    if state.last_run is None:
        return "Last run: never"
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
    for line in quoted(view.reason or ""):
        room -= len(line)
        if room < 0:
            return [*lines, "… Details of the latest session has the rest."]
        lines.append(line)
    return lines


def _next_run(state: JobState, settings: JobFacts | None) -> str:
    """When it runs next and by which schedule; where that follows no clock, the schedule says it all."""
    schedule = settings.schedule if settings is not None else ScheduleFacts()
    sentence = schedule_sentence(schedule)
    # VBR's hours are the server's own.
    hours = " (the server's time)" if ":" in sentence else ""
    lines = [f"Schedule: {sentence}{hours}"] if sentence else []
    if state.is_disabled:
        lines = ["Next run: none, the job is disabled", *lines]
    elif state.next_run is not None:
        lines = [f"Next run: {date(state.next_run)}", *lines]
    elif state.run_after_job and state.run_after_job.job_name:
        lines = lines or [f"Next run: after {literal(state.run_after_job.job_name)}"]
    elif not lines or any(isinstance(one, Daily | Monthly | Periodic) for one in schedule.timings):
        policy = code(state.next_run_policy) if state.next_run_policy else "not planned"
        lines = [f"Next run: {policy}", *lines]
    return "\n".join(lines)


def _enabled_again(answer: JobAnswer) -> list[str]:
    if not answer.is_plan_known:
        return [
            f"{status_text.WARNING} Whether the bot enables it again is not known: its database did not say."
        ]
    plan = answer.enabled_again
    return [f"Enabled again {date(plan.until)}, as {mention(plan.person_id)} planned"] if plan else []


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
    share = buttons.share_control(answer.request) if shared_by is None else None
    about = status_text.job_name(view.state.name, view.server)
    if turns:
        return [buttons.controls([*turns, share]), buttons.controls(acting, about=about)]
    # Share stands beside the two likeliest, whatever else may be done; the rest is in the menu.
    return [buttons.controls([*acting[:2], share, *acting[2:]], about=about)]
