"""An action, told where it was asked for: who did what, how it goes, what came of it, in one message."""

from bot.operations.answers import ActionAnswer
from bot.operations.catalog import BY_NAME, JOB, RETRY, START, STOP, Operation
from bot.operations.requests import Drawn
from bot.slack.text import bar, code, count, duration, literal, mention, strong
from bot.slack.views import signs
from bot.slack.views.buttons import Target, controls, job_control
from bot.slack.views.message import NOTHING, Message, Part, compose, paragraph
from bot.store import NewFollowed
from bot.veeam import JobId, Result, ServerName, Session, SessionId
from bot.watch.facts import ObjectFacts, SessionFacts

_OBJECT_LIMIT = 5
_SENTENCES = {
    START.name: "{job} started by {by}",
    RETRY.name: "Retry of {job} started by {by}",
    STOP.name: "Stop of {job} asked for by {by}",
}


def action(answer: ActionAnswer) -> Message:
    """The first form: VBR accepted it. `action_progress` keeps it current where there is a session."""
    detail = f"{literal(answer.detail)[:1].upper()}{literal(answer.detail)[1:]}." if answer.detail else ""
    target = Target(answer.server, answer.job_id, answer.job_name)
    head = paragraph(
        _sentence(answer.operation, target, answer.by),
        detail,
        _state(answer.operation, answer.session) if answer.session else "VBR named no session to follow.",
    )
    return compose([head, _running_controls(answer.operation, target, answer.session)])


def action_progress(followed: NewFollowed, session: Session) -> Message:
    """The same message while the session goes on."""
    operation, target = BY_NAME[followed.operation], _target(followed)
    head = paragraph(_sentence(operation, target, followed.person), _state(operation, session))
    return compose([head, _running_controls(operation, target, session)])


def action_ended(followed: NewFollowed, session: Session, ended: SessionFacts | None = None) -> Message:
    """The same message when the session is over: the outcome, its duration, what failed, what to do next."""
    operation = BY_NAME[followed.operation]
    target = _target(followed, Drawn(SessionId(followed.session_id), is_active=False))
    message = session.result.message if session.result else None
    head = [
        paragraph(_sentence(operation, target, followed.person), _ending(operation, session)),
        paragraph(code(message)) if message and session.outcome is not Result.SUCCESS else NOTHING,
    ]
    story = ended.story if ended else None
    problems = story.problems if story else ()
    left_out = story.failed_total + story.warned_total - _OBJECT_LIMIT if story else 0
    tail = [
        paragraph(f"… and {count(left_out, 'object')} more: see Details.") if left_out > 0 else NOTHING,
        _ended_controls(operation, target, session),
    ]
    return compose(
        head, [_object(task) for task in problems[:_OBJECT_LIMIT]], tail, noun="object", plural="objects"
    )


def action_lost(followed: NewFollowed) -> Message:
    """The same message when VBR has no such session any more, or it was followed for too long."""
    operation, target = BY_NAME[followed.operation], _target(followed)
    head = paragraph(
        _sentence(operation, target, followed.person),
        f"{signs.NEUTRAL} The session is not followed any further. Details shows how the job stands.",
    )
    return compose([head, controls([job_control(target, JOB)])])


def _target(followed: NewFollowed, state: Drawn | None = None) -> Target:
    return Target(ServerName(followed.server), JobId(followed.job_id), followed.job_name, state)


def _sentence(operation: Operation, target: Target, by: str) -> str:
    label = operation.button or operation.name.capitalize()
    sentence = _SENTENCES.get(operation.name, f"{label} of {{job}} by {{by}}")
    return sentence.format(job=signs.job_name(target.name, target.server), by=mention(by))


def _state(operation: Operation, session: Session) -> str:
    if session.is_stopped:
        return _ending(operation, session)
    percent = session.progress_percent
    progress = "" if percent is None else bar(percent)
    if operation is STOP:
        return " · ".join(filter(None, (f"{signs.BUSY} Stopping", progress)))
    return " · ".join(filter(None, (f"{signs.BUSY} {signs.session_state(session)}", progress)))


def _ending(operation: Operation, session: Session) -> str:
    took = ""
    if session.creation_time and session.end_time:
        took = f" · took {duration(session.end_time - session.creation_time)}"
    if operation is STOP:
        return f"{signs.NEUTRAL} Stopped{took}"
    return f"{signs.session_result(session)}{took}"


def _object(problem: ObjectFacts) -> Part:
    result = f"{signs.result(problem.result)} · {strong(problem.name)}"
    return paragraph(result, code(problem.message) if problem.message else "")


def _running_controls(operation: Operation, target: Target, session: Session | None) -> Part:
    if operation is STOP or session is None or session.is_stopped:
        return controls([job_control(target, JOB)])
    running = Target(target.server, target.job_id, target.name, Drawn(session.id, is_active=True))
    return controls([job_control(running, STOP), job_control(running, JOB)])


def _ended_controls(operation: Operation, target: Target, session: Session) -> Part:
    if operation is STOP:
        return controls([job_control(target, START), job_control(target, JOB)])
    again = job_control(target, RETRY) if session.outcome is Result.FAILED else None
    return controls([again, job_control(target, JOB)])
