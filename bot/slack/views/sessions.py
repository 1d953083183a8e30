"""Sessions: a list of them, newest first, and one in full with its objects and its log."""

from datetime import timedelta
from math import ceil

from bot import veeam
from bot.operations.model import NamedJob
from bot.operations.queries.session import SessionAnswer, ShowSession
from bot.operations.queries.sessions import SessionsAnswer, SessionsFilter, SessionView
from bot.settings import PersonId
from bot.slack.text import bar, code, count, dotted, duration, literal, mention, sentence_case, strong
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

_TITLES = {
    None: "Sessions",
    SessionsFilter.RUNNING: "Running sessions",
    SessionsFilter.FAILED: "Failed sessions",
    SessionsFilter.WARNING: "Sessions with warnings",
    SessionsFilter.SUCCESS: "Successful sessions",
}
_SHOWN_IN_HOURS = timedelta(hours=48)
_RECORD_LIMIT = 10
_LOG_SIGNS: dict[veeam.LogStatus | None, str] = {
    veeam.LogStatus.FAILED: f"{status_text.FAILED} Failed",
    veeam.LogStatus.WARNING: f"{status_text.WARNING} Warning",
}
_WORST_FIRST = (veeam.Result.FAILED, veeam.Result.WARNING, None, veeam.Result.NONE, veeam.Result.SUCCESS)


def sessions(answer: SessionsAnswer, *, shared_by: PersonId | None = None) -> Message:
    """One page of sessions, each with Details. A shared list can't be paged: it stands as it was."""
    request = answer.request
    pages = None if answer.total is None else max(1, ceil(answer.total / max(1, answer.page_size)))
    head = [
        heading(_TITLES[request.which]),
        note(_summary(answer, pages)),
        paragraph(*status_text.silent_servers(answer.silent)),
    ]
    if not answer.rows:
        head.append(paragraph(_nothing(answer)))
    paging = NOTHING
    if shared_by is None:
        is_full = len(answer.rows) >= answer.page_size
        has_more = is_full if pages is None else request.page + 1 < pages
        turns = buttons.page_controls(request, pages=pages, has_more=has_more)
        paging = buttons.controls([*turns, buttons.share_control(request)])
    rows = [
        _about(view)
        + buttons.controls([buttons.session_control(view.server, view.session.id, view.session.name)])
        for view in answer.rows
    ]
    return compose(
        head, divided(rows), [as_of(answer.as_of, shared_by), paging], noun="session", plural="sessions"
    )


def session(answer: SessionAnswer, *, shared_by: PersonId | None = None) -> Message:
    """A session in full. Objects that went well are counted, the others listed with their messages."""
    tasks = sorted(answer.tasks, key=lambda task: _WORST_FIRST.index(task.outcome))
    well = {veeam.Result.SUCCESS, veeam.Result.NONE}
    rows = [_object(task) for task in tasks if task.outcome not in well or not task.is_stopped]
    view, running = answer.view, answer.view.session
    is_running = not running.is_stopped and running.progress_percent is not None
    progress = bar(running.progress_percent or 0) if is_running else ""
    about = _about(view, progress=progress, started_by=running.initiated_by or "")
    head = [about, note(_objects(answer))]
    records = [
        f"{_LOG_SIGNS.get(veeam.known(veeam.LogStatus, record.status)) or literal(record.status or 'None')}: "
        f"{code(record.title or record.description)}"
        for record in answer.records[:_RECORD_LIMIT]
    ]
    left_out = len(answer.records) - len(records)
    more = f"… and {count(left_out, 'log record')} more." if left_out else ""
    log = note("From the log", *records, more) if records else NOTHING
    tail = [log, as_of(answer.as_of, shared_by), _controls(answer, shared_by)]
    return compose(head, rows, tail, noun="object", plural="objects")


def in_the_last(within: timedelta) -> str:
    """How far back a list reaches, as it was asked for: "in the last 24 h", not "1 d"."""
    is_short = within <= _SHOWN_IN_HOURS and not within % timedelta(hours=1)
    return f"in the last {f'{within // timedelta(hours=1)} h' if is_short else duration(within)}"


def _summary(answer: SessionsAnswer, pages: int | None) -> str:
    request = answer.request
    is_unknown = answer.total is None or (answer.silent and not answer.total)
    about = f"of jobs like {code(request.job.text)}" if isinstance(request.job, NamedJob) else ""
    if answer.job_name is not None:
        about = f"of {strong(answer.job_name)}"
    page = f"page {request.page + 1:,}"
    if pages is not None:
        page = f"{page} of {pages:,}" if pages > 1 else ""
    return sentence_case(
        dotted(
            "" if is_unknown else count(answer.total or 0, "session"),
            about,
            in_the_last(request.within) if request.within else "",
            f"on {literal(request.server)}" if request.server else "",
            page,
        )
    )


def _nothing(answer: SessionsAnswer) -> str:
    if answer.silent:
        return status_text.nothing_found(answer.request.server)
    if answer.request.which is SessionsFilter.FAILED:
        return "All is well: no session failed."
    if answer.request.which is SessionsFilter.RUNNING:
        return "Nothing is running at the moment."
    return "There are no sessions like that."


def _about(view: SessionView, *, progress: str = "", started_by: str = "") -> MessagePart:
    session = view.session
    return paragraph(
        f"{status_text.STOPPED if view.is_stopped else status_text.session_result(session)} · "
        f"{status_text.job_name(session.name, view.server)}",
        dotted(
            status_text.span(session.creation_time, session.end_time),
            status_text.type_name(session.session_type),
        ),
        progress,
        f"Stopped by {mention(view.stopped_by)}" if view.stopped_by else "",
        f"Started by {literal(started_by)}" if started_by else "",
        status_text.own_words(session.result.message) if session.result else "",
    )


def _objects(answer: SessionAnswer) -> str:
    outcomes = [task.outcome for task in answer.tasks]
    if not outcomes:
        return "VBR lists no objects for this session."
    parts = (
        (veeam.Result.FAILED, "failed"),
        (veeam.Result.WARNING, "with a warning"),
        (veeam.Result.SUCCESS, "succeeded"),
    )
    counts = [f"{outcomes.count(result):,} {word}" for result, word in parts if result in outcomes]
    return ": ".join(filter(None, (count(len(outcomes), "object"), ", ".join(counts))))


def _object(task: veeam.TaskSession) -> MessagePart:
    message = task.result.message if task.result else None
    if not task.is_stopped:
        result = f"{status_text.BUSY} {literal(task.state or task.scan_state or 'Running')}"
    elif task.result is None:
        result = status_text.result(task.outcome.value if task.outcome else task.scan_result or "")
    else:
        result = status_text.result(task.result.result)
    return paragraph(f"{result} · {strong(task.name)}", code(message) if message else "")


def _controls(answer: SessionAnswer, shared_by: PersonId | None) -> MessagePart:
    view = answer.view
    share = buttons.share_control(ShowSession(view.session.id, view.server)) if shared_by is None else None
    if answer.job is None:
        return buttons.controls([share])
    offered = buttons.job_controls(buttons.ButtonTarget.of(answer.job), answer.job.operations)
    about = status_text.job_name(answer.job.state.name, answer.job.server)
    return buttons.controls([*offered[:2], share, *offered[2:]], about=about)
