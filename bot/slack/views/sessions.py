"""Sessions: a list of them, newest first, and one in full with its objects and its log."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from itertools import groupby
from math import ceil

from msgspec.structs import replace

from bot import veeam
from bot.operations.model import NamedJob
from bot.operations.queries.session import SessionAnswer
from bot.operations.queries.sessions import SessionsAnswer, SessionsFilter, SessionView
from bot.operations.queries.why import ExplainFailure
from bot.settings import PersonId
from bot.slack.text import (
    bar,
    code,
    count,
    date,
    dotted,
    duration,
    literal,
    mention,
    quoted,
    sentence_case,
    strong,
)
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
_PAGE_SIZE = 2_600
"""How many characters of objects and log a page has: with what stands around them a text has room for all."""
_PAGE_ENTRIES = 20
_LOG_SIGNS: dict[veeam.LogStatus | None, str] = {
    veeam.LogStatus.FAILED: f"{status_text.FAILED} Failed",
    veeam.LogStatus.WARNING: f"{status_text.WARNING} Warning",
}
_PROBLEMS = (veeam.Result.FAILED, veeam.Result.WARNING)
_WORST_FIRST = (veeam.Result.FAILED, veeam.Result.WARNING, None, veeam.Result.NONE, veeam.Result.SUCCESS)


def sessions(
    answer: SessionsAnswer,
    *,
    shared_by: PersonId | None = None,
    lacks: Collection[veeam.Detail] = (),
) -> Message:
    """One page of sessions, each with Details. A shared list can't be paged: it stands as it was."""
    request = answer.request
    pages = None if answer.total is None else max(1, ceil(answer.total / max(1, answer.page_size)))
    head = [
        heading(_TITLES[request.which]),
        note(_summary(answer)),
        paragraph(*status_text.silent_servers(answer.silent)),
    ]
    if not answer.rows:
        head.append(paragraph(_nothing(answer, lacks)))
    paging = NOTHING
    if shared_by is None:
        is_full = len(answer.rows) >= answer.page_size
        has_more = is_full if pages is None else request.page + 1 < pages
        turns = buttons.page_controls(request, pages=pages, has_more=has_more)
        paging = buttons.controls([*turns, buttons.share_control(request)])
    rows = [
        _about(view, reason=_reason(view))
        + buttons.controls([buttons.session_control(view.server, view.session.id, view.session.name)])
        for view in answer.rows
    ]
    return compose(
        head,
        divided(rows),
        [note(status_text.unreadable(answer.unreadable)), as_of(answer.as_of, shared_by), paging],
        noun="session",
    )


def session(
    answer: SessionAnswer,
    *,
    shared_by: PersonId | None = None,
    lacks: Collection[veeam.Detail] = (),
) -> Message:
    """A session in full, in pages: every object with its whole message, worst first, then the log's rest."""
    view, running, request = answer.view, answer.view.session, answer.request
    is_running = not running.is_stopped and running.progress_percent is not None
    progress = bar(running.progress_percent or 0) if is_running else ""
    own_message = running.result.message if running.result else None
    records = veeam.news_in(answer.records, answer.tasks, own_message)
    pages = _pages([*_own_message(own_message, answer.tasks), *_objects(answer.tasks), *_log(records)])
    number = min(request.page, len(pages) - 1)
    head = [
        _about(view, progress=progress, started_by=running.initiated_by or ""),
        note(
            dotted(_counts(answer, lacks), f"page {number + 1:,} of {len(pages):,}" if len(pages) > 1 else "")
        ),
    ]
    turns = []
    if shared_by is None:
        turns = buttons.page_controls(
            replace(request, page=number), pages=len(pages), has_more=number + 1 < len(pages)
        )
    tail = [as_of(answer.as_of, shared_by), *_controls(answer, turns, shared_by)]
    return compose([*head, *_page(pages[number]), *tail])


def _summary(answer: SessionsAnswer) -> str:
    request = answer.request
    is_unknown = answer.total is None or ((answer.silent or answer.unreadable) and not answer.total)
    about = f"of jobs like {code(request.job.text)}" if isinstance(request.job, NamedJob) else ""
    if answer.job_name is not None:
        about = f"of {strong(answer.job_name)}"
    first, total = request.page * answer.page_size + 1, None if is_unknown else answer.total
    return sentence_case(
        dotted(
            status_text.place_in_list(first, len(answer.rows), total, "session"),
            about,
            status_text.in_the_last(request.within) if request.within else "",
            f"on {literal(request.server)}" if request.server else "",
        )
    )


def _nothing(answer: SessionsAnswer, lacks: Collection[veeam.Detail]) -> str:
    if answer.silent:
        return status_text.nothing_found(answer.request.server, has_answers=answer.has_answers)
    nothing = {
        SessionsFilter.FAILED: "All is well: no session failed.",
        SessionsFilter.RUNNING: "Nothing is running at the moment.",
    }.get(answer.request.which or SessionsFilter.SUCCESS, "No sessions match.")
    is_whole = answer.total is not None and not answer.unreadable and not lacks
    return status_text.as_read(nothing, is_whole=is_whole)


def _about(view: SessionView, *, progress: str = "", started_by: str = "", reason: str = "") -> MessagePart:
    session = view.session
    return paragraph(
        f"{status_text.STOPPED if view.is_stopped else status_text.session_result(session)} · "
        f"{status_text.job_name(session.name, view.server)}",
        reason,
        dotted(
            status_text.span(session.creation_time, session.end_time),
            status_text.session_type(session.session_type, view.job_type),
        ),
        progress,
        f"Stopped by {mention(view.stopped_by)}" if view.stopped_by else "",
        f"Started by {literal(started_by)}" if started_by else "",
    )


def _reason(view: SessionView) -> str:
    """Why it went so, in a list: Details has the whole of it."""
    result = view.session.result
    own = status_text.own_words(result.message) if result else ""
    return status_text.cause(view.object_name, view.reason) if view.reason else own


@dataclass(frozen=True, slots=True)
class _Entry:
    """An object or a log record: a line of ours and, below it, the whole of what VBR says."""

    head: str
    lines: tuple[str, ...] = ()
    title: str = ""
    """Above the first entry of its kind on a page."""

    @property
    def size(self) -> int:
        return len(self.head) + sum(len(line) + 1 for line in self.lines) + 1


def _pages(entries: Iterable[_Entry]) -> list[list[_Entry]]:
    """The entries on pages of a size that a message shows. Only one that is longer than a page is divided."""
    pages: list[list[_Entry]] = [[]]
    room = _PAGE_SIZE
    for entry in entries:
        is_full = len(pages[-1]) >= _PAGE_ENTRIES or entry.size > room
        if is_full and pages[-1] and entry.size <= _PAGE_SIZE:
            pages.append([])
            room = _PAGE_SIZE
        head, lines = entry.head, list[str]()
        room -= len(head) + 1
        for line in entry.lines:
            if len(line) + 1 > room:
                pages[-1].append(replace_fields(entry, head=head, lines=tuple(lines)))
                pages.append([])
                head, lines = f"{entry.head} (continued)", []
                room = _PAGE_SIZE - len(head) - 1
            lines.append(line)
            room -= len(line) + 1
        pages[-1].append(replace_fields(entry, head=head, lines=tuple(lines)))
    return pages


def _page(entries: Sequence[_Entry]) -> Iterator[MessagePart]:
    """The entries of a page; those of one line stand together."""
    for title, of_kind in groupby(entries, key=lambda entry: entry.title):
        yield note(title)
        for is_long, group in groupby(of_kind, key=lambda entry: bool(entry.lines)):
            if is_long:
                yield from (paragraph(entry.head, *entry.lines) for entry in group)
            else:
                yield paragraph(*(entry.head for entry in group))


def _own_message(message: str | None, tasks: Iterable[veeam.TaskSession]) -> list[_Entry]:
    """What VBR says of the session itself, unless that is what it says of an object."""
    if not status_text.own_words(message) or message in {
        task.result and task.result.message for task in tasks
    }:
        return []
    return [_Entry("VBR says:", tuple(quoted(message or "")))]


def _counts(answer: SessionAnswer, lacks: Collection[veeam.Detail]) -> str:
    outcomes = [task.outcome for task in answer.tasks]
    if not outcomes and veeam.Detail.OBJECTS in lacks:
        return ""
    if not outcomes:
        return "VBR lists no objects for this session."
    parts = (
        (veeam.Result.FAILED, "failed"),
        (veeam.Result.WARNING, "with a warning"),
        (veeam.Result.SUCCESS, "succeeded"),
    )
    counts = [f"{outcomes.count(result):,} {word}" for result, word in parts if result in outcomes]
    return ": ".join(filter(None, (count(len(outcomes), "object"), ", ".join(counts))))


def _objects(tasks: Iterable[veeam.TaskSession]) -> Iterator[_Entry]:
    for task in sorted(tasks, key=lambda task: _WORST_FIRST.index(task.outcome)):
        message = (task.result.message if task.result else None) or ""
        is_said = bool(status_text.own_words(message))
        if not task.is_stopped:
            result = f"{status_text.BUSY} {literal(task.state or task.scan_state or 'Running')}"
        elif task.result is None:
            result = status_text.result(task.outcome.value if task.outcome else task.scan_result or "")
        else:
            result = status_text.result(task.result.result)
        seconds = task.progress.duration_seconds if task.progress and task.is_stopped else None
        head = dotted(
            result,
            strong(task.name),
            f"took {duration(seconds)}" if seconds else "",
            status_text.volume(task.progress),
        )
        yield _Entry(head, tuple(quoted(message)) if is_said else ())


def _log(records: Iterable[veeam.LogRecord]) -> Iterator[_Entry]:
    for record in records:
        sign = _LOG_SIGNS.get(veeam.known(veeam.LogStatus, record.status)) or literal(record.status or "None")
        at = date(record.start_time) if record.start_time else ""
        yield _Entry(
            dotted(sign, at), tuple(quoted(record.title or record.description)), title="From the log"
        )


def _controls(
    answer: SessionAnswer, turns: list[buttons.Control], shared_by: PersonId | None
) -> list[MessagePart]:
    share = buttons.share_control(answer.request) if shared_by is None else None
    if answer.job is None:
        return [buttons.controls([*turns, share])]
    target, run = buttons.ButtonTarget.of(answer.job), answer.view
    operations = [one for one in answer.job.operations if one != ExplainFailure.operation]
    offered = buttons.job_controls(target, operations)
    if run.session.outcome in _PROBLEMS and run.session.is_stopped and not run.is_stopped:
        why = buttons.why_control(run.server, target.job_id, run.session.id, target.name)
        offered.insert(min(1, len(offered)), why)
    about = status_text.job_name(answer.job.state.name, answer.job.server)
    if turns:
        return [buttons.controls([*turns, share]), buttons.controls(offered, about=about)]
    return [buttons.controls([*offered[:2], share, *offered[2:]], about=about)]
