"""A list of sessions, newest first."""

from datetime import timedelta
from math import ceil

from bot.operations.model import NamedJob
from bot.operations.queries.sessions import SessionsAnswer, SessionsFilter, SessionView
from bot.settings import PersonId
from bot.slack.text import code, count, duration, literal, mention, sentence_case, strong
from bot.slack.views import signs
from bot.slack.views.buttons import controls, page_controls, session_control, share_control
from bot.slack.views.message import NOTHING, Message, Part, as_of, compose, divided, heading, note, paragraph

_TITLES = {
    None: "Sessions",
    SessionsFilter.RUNNING: "Running sessions",
    SessionsFilter.FAILED: "Failed sessions",
    SessionsFilter.WARNING: "Sessions with warnings",
    SessionsFilter.SUCCESS: "Successful sessions",
}
_TOLD_IN_HOURS = timedelta(hours=48)


def sessions(answer: SessionsAnswer, *, shared_by: PersonId | None = None) -> Message:
    """One page of sessions, each with Details. A shared list can't be paged: it stands as it was."""
    head = [
        heading(_TITLES[answer.request.which]),
        note(_summary(answer)),
        paragraph(*signs.silences(answer.silent)),
    ]
    if not answer.rows:
        head.append(paragraph(_nothing(answer)))
    tail = [
        as_of(answer.as_of, shared_by),
        _paging(answer) if shared_by is None else NOTHING,
    ]
    return compose(head, divided(map(_row, answer.rows)), tail, noun="session", plural="sessions")


def _row(view: SessionView) -> Part:
    session = view.session
    message = session.result.message if session.result else None
    lines = paragraph(
        f"{signs.session_result(session)} · {signs.job_name(session.name, view.server)}",
        " · ".join(
            filter(
                None,
                (signs.span(session.creation_time, session.end_time), literal_type(session.session_type)),
            )
        ),
        f"Stopped by {mention(view.stopped_by)}" if view.stopped_by else "",
        signs.own_words(message),
    )
    return lines + controls([session_control(view.server, session.id, session.name)])


def literal_type(session_type: str) -> str:
    """The kind of a session in VBR's word; nothing where VBR gave none."""
    return literal(session_type) if session_type else ""


def in_the_last(within: timedelta) -> str:
    """How far back a list reaches, as it was asked for: "in the last 24 h", not "1 d"."""
    is_short = within <= _TOLD_IN_HOURS and not within % timedelta(hours=1)
    return f"in the last {f'{within // timedelta(hours=1)} h' if is_short else duration(within)}"


def _summary(answer: SessionsAnswer) -> str:
    request = answer.request
    parts = [
        ""
        if answer.total is None or (answer.silent and not answer.total)
        else count(answer.total, "session"),
        _of_job(answer),
        in_the_last(request.within) if request.within else "",
        f"on {literal(request.server)}" if request.server else "",
        _page(answer),
    ]
    return sentence_case(" · ".join(filter(None, parts)))


def _of_job(answer: SessionsAnswer) -> str:
    if answer.job_name is not None:
        return f"of {strong(answer.job_name)}"
    job = answer.request.job
    return f"of jobs like {code(job.text)}" if isinstance(job, NamedJob) else ""


def _page(answer: SessionsAnswer) -> str:
    pages = _pages(answer)
    if pages is None:
        return f"page {answer.request.page + 1:,}"
    return f"page {answer.request.page + 1:,} of {pages:,}" if pages > 1 else ""


def _pages(answer: SessionsAnswer) -> int | None:
    return None if answer.total is None else max(1, ceil(answer.total / max(1, answer.page_size)))


def _nothing(answer: SessionsAnswer) -> str:
    if answer.silent:
        return signs.nothing_found(answer.request.server)
    if answer.request.which is SessionsFilter.FAILED:
        return "All is well: no session failed."
    if answer.request.which is SessionsFilter.RUNNING:
        return "Nothing is running at the moment."
    return "There are no sessions like that."


def _paging(answer: SessionsAnswer) -> Part:
    pages = _pages(answer)
    full = len(answer.rows) >= answer.page_size
    has_more = full if pages is None else answer.request.page + 1 < pages
    turns = page_controls(answer.request, pages=pages, has_more=has_more)
    return controls([*turns, share_control(answer.request)])
