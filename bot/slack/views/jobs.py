"""A list of jobs."""

from math import ceil

from bot.operations.outcomes import JobView
from bot.operations.queries.jobs import JobsAnswer, JobsFilter, ListJobs
from bot.settings import PersonId
from bot.slack.text import code, count, date, literal, sentence_case
from bot.slack.views import signs
from bot.slack.views.buttons import ButtonTarget, controls, job_controls, page_controls, share_control
from bot.slack.views.message import NOTHING, Message, Part, as_of, compose, divided, heading, note, paragraph

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


def jobs(answer: JobsAnswer, *, shared_by: PersonId | None = None) -> Message:
    """One page of jobs, each with its buttons. A shared list can't be paged: it stands as it was."""
    request = answer.request
    head = [
        heading(_TITLES[request.which]),
        note(_summary(answer)),
        paragraph(*signs.silences(answer.silent)),
    ]
    if not answer.rows:
        head.append(paragraph(_nothing(answer)))
    tail = [
        note(signs.unreadable(answer.unreadable)),
        as_of(answer.as_of, shared_by),
        _paging(answer) if shared_by is None else NOTHING,
    ]
    return compose(head, divided(map(job_row, answer.rows)), tail, noun="job", plural="jobs")


def job_row(view: JobView) -> Part:
    """One job in a list: how it stands, since when, why, and what can be pressed."""
    lines = paragraph(signs.job_line(view), _when(view), code(view.reason) if view.reason else "")
    buttons = job_controls(ButtonTarget.of(view), view.operations)
    return lines + controls(
        buttons, direct=_BUTTONS_PER_ROW, about=signs.job_name(view.state.name, view.server)
    )


def _when(view: JobView) -> str:
    state = view.state
    if state.last_run is None:
        return f"Next run {date(state.next_run)}" if state.next_run else ""
    seconds = state.session_progress.duration_seconds if state.session_progress else None
    return f"Started {date(state.last_run)}{signs.lasted(state, seconds)}"


def _summary(answer: JobsAnswer) -> str:
    pages = _pages(answer)
    page = f"page {answer.request.page + 1:,} of {pages:,}" if pages > 1 else ""
    total = f"{'' if answer.total_is_exact else 'at least '}{count(answer.total, 'job')}"
    said = (total if answer.total else "", *_filters(answer.request), page)
    return sentence_case(" · ".join(filter(None, said)))


def _filters(request: ListJobs) -> list[str]:
    return [
        f"matching {code(request.pattern)}" if request.pattern else "",
        f"of type {code(request.job_type)}" if request.job_type else "",
        f"in repository {code(request.repository)}" if request.repository else "",
        f"on {literal(request.server)}" if request.server else "",
    ]


def _nothing(answer: JobsAnswer) -> str:
    if answer.total:
        return "There is nothing on this page; the list has become shorter."
    if answer.silent:
        return signs.nothing_found(answer.request.server)
    return "No job is like that." if any(_filters(answer.request)) else _NOTHING_SUCH[answer.request.which]


def _pages(answer: JobsAnswer) -> int:
    return max(1, ceil(answer.total / max(1, answer.page_size)))


def _paging(answer: JobsAnswer) -> Part:
    pages = _pages(answer)
    turns = page_controls(answer.request, pages=pages, has_more=answer.request.page + 1 < pages)
    return controls([*turns, share_control(answer.request)])
