"""Jobs: a list of them, one in full, and how one stands in an answer about something else."""

from math import ceil

from bot.operations.model import KnownJob
from bot.operations.outcomes import JobView
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.jobs import JobsAnswer, JobsFilter
from bot.settings import PersonId
from bot.slack.text import code, count, date, dotted, literal, mention, sentence_case
from bot.slack.views import buttons, status_text
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
from bot.veeam import Job, JobState

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
_RECENT_LIMIT = 10


def jobs(answer: JobsAnswer, *, shared_by: PersonId | None = None) -> Message:
    """One page of jobs, each with its buttons. A shared list can't be paged: it stands as it was."""
    request = answer.request
    filters = [
        f"matching {code(request.pattern)}" if request.pattern else "",
        f"of type {status_text.type_name(request.job_type)}" if request.job_type else "",
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
    """A job: how it stands, its last and next run, what it covers, where to, and its recent sessions."""
    view, state = answer.view, answer.view.state
    covers = dotted(
        status_text.type_name(state.type),
        "" if state.objects_count is None else count(state.objects_count, "object"),
        "high priority" if state.high_priority else "",
    )
    if answer.repository is not None:
        repository = f"Repository: {status_text.repository_line(answer.repository)}"
    else:
        repository = f"Repository: {literal(state.repository_name)}" if state.repository_name else ""
    head = [
        paragraph(status_text.job_line(view), code(view.reason) if view.reason else ""),
        paragraph(_last_run(state), _next_run(state, answer.job)),
        paragraph(covers, repository, _retries(answer.job)),
        note(code(state.description)) if state.description.strip() else NOTHING,
    ]
    return compose(head, tail=[_recent(answer), as_of(answer.as_of, shared_by), _controls(view, shared_by)])


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


def _next_run(state: JobState, settings: Job | None) -> str:
    policy = code(state.next_run_policy) if state.next_run_policy else ""
    if state.is_disabled:
        return "Next run: none, the job is disabled"
    if state.run_after_job and state.run_after_job.job_name:
        return f"Next run: after {literal(state.run_after_job.job_name)}"
    if state.next_run is None:
        unscheduled = settings is not None and settings.runs_automatically is False
        return f"Next run: {policy or ('by hand only' if unscheduled else 'not planned')}"
    return f"Next run: {date(state.next_run)}"


def _retries(settings: Job | None) -> str:
    retry = settings.retry if settings else None
    if retry is None or not retry.enabled:
        return ""
    return f"Retried automatically: up to {count(retry.count, 'time')}, {retry.wait_minutes:,} min apart"


def _recent(answer: JobAnswer) -> MessagePart:
    lines = []
    for view in answer.recent[:_RECENT_LIMIT]:
        session = view.session
        when = status_text.span(session.creation_time, session.end_time)
        part = f"part of it: {literal(session.name)}" if view.is_part else ""
        if view.is_stopped:
            by = f"by {mention(view.stopped_by)}" if view.stopped_by else ""
            lines.append(dotted(status_text.STOPPED, when, by, part))
        else:
            lines.append(dotted(status_text.session_result(session), when, part))
    return note("Latest sessions", *lines) if lines else NOTHING


def _controls(view: JobView, shared_by: PersonId | None) -> MessagePart:
    offered = buttons.job_controls(buttons.ButtonTarget.of(view), view.operations)
    acting = [control for control in offered if control and control.asks_first]
    share = (
        buttons.share_control(ShowJob(KnownJob(view.server, view.state.id))) if shared_by is None else None
    )
    # Share stands beside the two likeliest, whatever else may be done; the rest is in the menu.
    about = status_text.job_name(view.state.name, view.server)
    return buttons.controls([*acting[:2], share, *acting[2:]], about=about)
