"""An action, told where it was asked for: who did what, how it goes, what came of it, in one message."""

from typing import assert_never

from bot.operations.answers import ActionAnswer
from bot.operations.catalog import (
    BY_NAME,
    CLONE,
    CREATE,
    DELETE,
    DISABLE,
    EDIT,
    ENABLE,
    JOB,
    QUICKBACKUP,
    RETRY,
    START,
    STOP,
    Operation,
)
from bot.operations.effects import Cloned, Created, Deleted, Edited, Ran, Switched
from bot.operations.requests import Drawn
from bot.slack.text import bar, code, count, duration, literal, mention, strong
from bot.slack.views import signs
from bot.slack.views.approvals import REASON_LIMIT
from bot.slack.views.buttons import Target, controls, job_control
from bot.slack.views.message import NOTHING, Message, Part, compose, paragraph
from bot.store import NewFollowedSession
from bot.veeam import JobId, Result, ServerName, Session, SessionId
from bot.watch.facts import ObjectFacts, SessionFacts, StoryFacts

_OBJECT_LIMIT = 5
_CHANGE_LIMIT = 400
_SENTENCES = {
    START.name: "{job} started by {by}",
    RETRY.name: "Retry of {job} started by {by}",
    STOP.name: "Stop of {job} asked for by {by}",
    ENABLE.name: "{job} enabled by {by}",
    DISABLE.name: "{job} disabled by {by}",
    CLONE.name: "{job} cloned by {by}",
    DELETE.name: "{job} deleted by {by}",
    CREATE.name: "{job} created by {by}",
    EDIT.name: "{job} edited by {by}",
    QUICKBACKUP.name: "Quick backup through {job} started by {by}",
}


def action(answer: ActionAnswer) -> Message:
    """The first form: VBR accepted it. `action_progress` keeps it current where there is a session."""
    target = Target(answer.server, answer.job_id, answer.job_name)
    done = _sentence(answer.operation, target, answer.by, answer.approver)
    effect = answer.effect
    match effect:
        case Ran(session):
            state = _state(answer.operation, session) if session else "VBR named no session to follow."
            shown = _running_controls(answer.operation, target, session)
        case Switched(is_disabled, until):
            state = signs.switched(is_disabled=is_disabled, until=until)
            shown = controls(
                [job_control(target, ENABLE if is_disabled else DISABLE), job_control(target, JOB)]
            )
        case Cloned(job_id, name, is_disabled):
            copy = Target(answer.server, job_id, name)
            state = (
                f"The copy is {strong(name)}; Edit gives it another name. "
                f"{signs.switched(is_disabled=is_disabled)}"
            )
            shown = controls(
                [
                    job_control(copy, EDIT),
                    job_control(copy, ENABLE) if is_disabled else None,
                    job_control(copy, JOB),
                ]
            )
        case Created(_, _, is_disabled):
            state = signs.switched(is_disabled=is_disabled) if is_disabled else ""
            shown = controls([job_control(target, START), job_control(target, JOB)])
        case Edited(changes):
            state = "\n".join(f"• {literal(change, _CHANGE_LIMIT)}" for change in changes)
            shown = controls([job_control(target, JOB)])
        case Deleted():
            state, shown = "Its backups stay in the repository, as orphaned ones.", NOTHING
        case _:
            assert_never(effect)
    detail = "" if isinstance(effect, Switched | Edited) else _detail(answer.detail)
    reason = f"Reason: {literal(answer.reason, REASON_LIMIT)}" if answer.reason else ""
    return compose([paragraph(done, detail, reason, state), shown])


def action_progress(followed: NewFollowedSession, session: Session) -> Message:
    """The same message while the session goes on."""
    operation, target = BY_NAME[followed.operation], _target(followed)
    head = paragraph(
        _sentence(operation, target, followed.person, followed.approver),
        _detail(followed.detail),
        _state(operation, session),
    )
    return compose([head, _running_controls(operation, target, session)])


def action_ended(
    followed: NewFollowedSession, session: Session, ended: SessionFacts | None = None
) -> Message:
    """The same message when the session is over: the outcome, its duration, what failed, what to do next."""
    operation = BY_NAME[followed.operation]
    target = _target(followed, Drawn(SessionId(followed.session_id), is_active=False))
    stopped_by = ended.stopped_by if ended and operation is not STOP else None
    is_stopped = _is_cut_short(operation, session, stopped_by)
    message = session.result.message if session.result else None
    head = [
        paragraph(
            _sentence(operation, target, followed.person, followed.approver),
            _ending(session, is_stopped=is_stopped),
            f"Stopped by {mention(stopped_by)}" if stopped_by else "",
        ),
        paragraph("" if session.outcome is Result.SUCCESS else signs.own_words(message)),
    ]
    # What a stop cuts short is no failure to list.
    story = (ended.story if ended and not is_stopped else None) or StoryFacts()
    problems = story.problems[:_OBJECT_LIMIT]
    left_out = story.failed_total + story.warned_total - len(problems)
    tail = [
        paragraph(f"… and {count(left_out, 'object')} more: see Details.") if left_out > 0 else NOTHING,
        _ended_controls(target, session, ended, is_stopped=is_stopped),
    ]
    return compose(head, [_object(problem) for problem in problems], tail, noun="object", plural="objects")


def action_lost(followed: NewFollowedSession) -> Message:
    """The same message when VBR has no such session any more, or it was followed for too long."""
    operation, target = BY_NAME[followed.operation], _target(followed)
    head = paragraph(
        _sentence(operation, target, followed.person, followed.approver),
        f"{signs.NEUTRAL} The session is not followed any further. Details shows how the job stands.",
    )
    return compose([head, controls([job_control(target, JOB)])])


def _target(followed: NewFollowedSession, state: Drawn | None = None) -> Target:
    return Target(ServerName(followed.server), JobId(followed.job_id), followed.job_name, state)


def _sentence(operation: Operation, target: Target, by: str, approver: str | None) -> str:
    sentence = _SENTENCES.get(operation.name, f"{operation.label} of {{job}} by {{by}}")
    people = f"{mention(by)}, approved by {mention(approver)}" if approver else mention(by)
    return sentence.format(job=signs.job_name(target.name, target.server), by=people)


def _detail(detail: str | None) -> str:
    return f"{literal(detail)[:1].upper()}{literal(detail)[1:]}." if detail else ""


def _state(operation: Operation, session: Session) -> str:
    if session.is_stopped:
        return _ending(session, is_stopped=_is_cut_short(operation, session, None))
    percent = session.progress_percent
    progress = "" if percent is None else bar(percent)
    if operation is STOP:
        return " · ".join(filter(None, (f"{signs.BUSY} Stopping", progress)))
    return " · ".join(filter(None, (f"{signs.BUSY} {signs.session_state(session)}", progress)))


def _is_cut_short(operation: Operation, session: Session, stopped_by: str | None) -> bool:
    # A graceful stop may come so late that the run succeeds all the same.
    return stopped_by is not None or (operation is STOP and session.outcome is not Result.SUCCESS)


def _ending(session: Session, *, is_stopped: bool) -> str:
    took = ""
    if session.creation_time and session.end_time:
        took = f" · took {duration(session.end_time - session.creation_time)}"
    return f"{f'{signs.NEUTRAL} Stopped' if is_stopped else signs.session_result(session)}{took}"


def _object(problem: ObjectFacts) -> Part:
    result = f"{signs.result(problem.result)} · {strong(problem.name)}"
    return paragraph(result, code(problem.message) if problem.message else "")


def _running_controls(operation: Operation, target: Target, session: Session | None) -> Part:
    if operation is STOP or session is None or session.is_stopped:
        return controls([job_control(target, JOB)])
    running = Target(target.server, target.job_id, target.name, Drawn(session.id, is_active=True))
    return controls([job_control(running, STOP), job_control(running, JOB)])


def _ended_controls(
    target: Target, session: Session, ended: SessionFacts | None, *, is_stopped: bool
) -> Part:
    if is_stopped:
        return controls([job_control(target, START), job_control(target, JOB)])
    retry = START if ended is not None and RETRY.needs in ended.lacks else RETRY
    again = job_control(target, retry) if session.outcome is Result.FAILED else None
    return controls([again, job_control(target, JOB)])
