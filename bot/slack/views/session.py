"""One session in full: how it went, which objects failed or warned, and what its log says."""

from bot.operations.queries.session import SessionAnswer, ShowSession
from bot.settings import PersonId
from bot.slack.text import bar, code, count, literal, mention, strong
from bot.slack.views import signs
from bot.slack.views.buttons import ButtonTarget, controls, job_controls, share_control
from bot.slack.views.message import NOTHING, Message, Part, as_of, compose, note, paragraph
from bot.slack.views.sessions import literal_type
from bot.veeam import LogRecord, LogStatus, Result, TaskSession, known

_RECORD_LIMIT = 10
_LOG_SIGNS: dict[LogStatus | None, str] = {
    LogStatus.FAILED: f"{signs.FAILED} Failed",
    LogStatus.WARNING: f"{signs.WARNING} Warning",
}
_WORST_FIRST = (Result.FAILED, Result.WARNING, None, Result.NONE, Result.SUCCESS)


def session(answer: SessionAnswer, *, shared_by: PersonId | None = None) -> Message:
    """The story of a session. Objects that went well are counted, the others listed with their messages."""
    rows = [_object(task) for task in sorted(answer.tasks, key=_severity) if _is_told(task)]
    head = [_root(answer), note(_objects(answer))]
    tail = [_records(answer), as_of(answer.as_of, shared_by), _controls(answer, shared_by)]
    return compose(head, rows, tail, noun="object", plural="objects")


def _root(answer: SessionAnswer) -> Part:
    view, told = answer.view, answer.view.session
    running = not told.is_stopped and told.progress_percent is not None
    return paragraph(
        f"{signs.session_result(told)} · {signs.job_name(told.name, view.server)}",
        " · ".join(
            filter(None, (signs.span(told.creation_time, told.end_time), literal_type(told.session_type)))
        ),
        bar(told.progress_percent or 0) if running else "",
        f"Stopped by {mention(view.stopped_by)}" if view.stopped_by else "",
        f"Started by {literal(told.initiated_by)}" if told.initiated_by else "",
        signs.own_words(told.result.message) if told.result else "",
    )


def _objects(answer: SessionAnswer) -> str:
    outcomes = [task.outcome for task in answer.tasks]
    if not outcomes:
        return "VBR lists no objects for this session."
    parts = ((Result.FAILED, "failed"), (Result.WARNING, "with a warning"), (Result.SUCCESS, "succeeded"))
    told = [f"{outcomes.count(result):,} {word}" for result, word in parts if result in outcomes]
    return ": ".join(filter(None, (count(len(outcomes), "object"), ", ".join(told))))


def _is_told(task: TaskSession) -> bool:
    return task.outcome not in {Result.SUCCESS, Result.NONE} or not task.is_stopped


def _severity(task: TaskSession) -> int:
    return _WORST_FIRST.index(task.outcome)


def _object(task: TaskSession) -> Part:
    message = task.result.message if task.result else None
    return paragraph(f"{object_result(task)} · {strong(task.name)}", code(message) if message else "")


def object_result(task: TaskSession) -> str:
    """How one object's part of a session went, or that it goes on."""
    if not task.is_stopped:
        return f"{signs.BUSY} {literal(task.state or task.scan_state or 'Running')}"
    if task.result is None:
        return signs.result(task.outcome.value if task.outcome else task.scan_result or "")
    return signs.result(task.result.result)


def _records(answer: SessionAnswer) -> Part:
    told = answer.records[:_RECORD_LIMIT]
    if not told:
        return NOTHING
    left_out = len(answer.records) - len(told)
    more = f"… and {count(left_out, 'log record')} more." if left_out else ""
    return note("From the log", *map(_record, told), more)


def _record(record: LogRecord) -> str:
    sign = _LOG_SIGNS.get(known(LogStatus, record.status)) or literal(record.status or "None")
    return f"{sign}: {code(record.title or record.description)}"


def _controls(answer: SessionAnswer, shared_by: PersonId | None) -> Part:
    view = answer.view
    share = share_control(ShowSession(view.session.id, view.server)) if shared_by is None else None
    if answer.job is None:
        return controls([share])
    offered = job_controls(ButtonTarget.of(answer.job), answer.job.operations)
    about = signs.job_name(answer.job.state.name, answer.job.server)
    return controls([*offered[:2], share, *offered[2:]], about=about)
