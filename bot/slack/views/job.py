"""One job in full."""

from bot.operations.model import KnownJob
from bot.operations.outcomes import JobView
from bot.operations.queries.job import JobAnswer, ShowJob
from bot.operations.queries.sessions import SessionView
from bot.settings import PersonId
from bot.slack.text import code, count, date, literal, mention
from bot.slack.views import signs
from bot.slack.views.buttons import ButtonTarget, controls, job_controls, share_control
from bot.slack.views.message import NOTHING, Message, Part, as_of, compose, note, paragraph
from bot.slack.views.repositories import repository_line
from bot.veeam import Job, JobState

_RECENT_LIMIT = 10


def job(answer: JobAnswer, *, shared_by: PersonId | None = None) -> Message:
    """A job: how it stands, its last and next run, what it covers, where to, and how it went lately."""
    view, state = answer.view, answer.view.state
    head = [
        paragraph(signs.job_line(view), code(view.reason) if view.reason else ""),
        paragraph(_last_run(state), _next_run(state, answer.job)),
        paragraph(_covers(state), _repository(answer), _retries(answer.job)),
        note(code(state.description)) if state.description.strip() else NOTHING,
    ]
    return compose(head, tail=[_recent(answer), as_of(answer.as_of, shared_by), _controls(view, shared_by)])


def job_state(view: JobView) -> Part:
    """A job's present state in a line or two, for answers that are about something else."""
    return paragraph(signs.job_line(view), _last_run(view.state))


def _last_run(state: JobState) -> str:
    if state.last_run is None:
        return "Last run: never"
    progress = state.session_progress
    seconds = progress.duration_seconds if progress else None
    took = signs.lasted(state, seconds)
    volume = signs.volume(progress)
    word = "This run" if state.is_active else "Last run"
    lines = [
        f"{word}: {date(state.last_run)}{took}",
        volume,
        signs.bottleneck(progress.bottleneck if progress else None),
    ]
    return " · ".join(filter(None, lines))


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


def _covers(state: JobState) -> str:
    objects = "" if state.objects_count is None else count(state.objects_count, "object")
    priority = "high priority" if state.high_priority else ""
    kind = literal(state.type) if state.type else ""
    return " · ".join(filter(None, (kind, objects, priority)))


def _repository(answer: JobAnswer) -> str:
    if answer.repository is not None:
        return f"Repository: {repository_line(answer.repository)}"
    name = answer.view.state.repository_name
    return f"Repository: {literal(name)}" if name else ""


def _retries(settings: Job | None) -> str:
    retry = settings.retry if settings else None
    if retry is None or not retry.enabled:
        return ""
    return f"Retried automatically: up to {count(retry.count, 'time')}, {retry.wait_minutes:,} min apart"


def _recent(answer: JobAnswer) -> Part:
    if not answer.recent:
        return NOTHING
    lines = [_recent_session(session) for session in answer.recent[:_RECENT_LIMIT]]
    return note("Latest sessions", *lines)


def _recent_session(view: SessionView) -> str:
    session = view.session
    when = signs.span(session.creation_time, session.end_time)
    if view.stopped_by:
        return f"{signs.NEUTRAL} Stopped · {when} · by {mention(view.stopped_by)}"
    return " · ".join(filter(None, (signs.session_result(session), when)))


def _controls(view: JobView, shared_by: PersonId | None) -> Part:
    buttons = [
        control
        for control in job_controls(ButtonTarget.of(view), view.operations)
        if control and control.asks_first
    ]
    share = share_control(ShowJob(KnownJob(view.server, view.state.id))) if shared_by is None else None
    # Share stands beside the two likeliest, whatever else may be done; the rest is in the menu.
    return controls([*buttons[:2], share, *buttons[2:]], about=signs.job_name(view.state.name, view.server))
