"""An action, told where it was asked for: who did what, how it goes, what came of it, in one message."""

from typing import assert_never

from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.catalog import BY_NAME
from bot.operations.model import Operation, Snapshot
from bot.operations.outcomes import ActionAnswer, Cloned, Created, Deleted, Edited, Ran, Switched
from bot.operations.queries.job import ShowJob
from bot.slack.text import bar, code, count, duration, literal, mention, strong
from bot.slack.views import signs
from bot.slack.views.approvals import REASON_LIMIT
from bot.slack.views.buttons import ButtonTarget, controls, job_control
from bot.slack.views.message import NOTHING, Message, Part, compose, paragraph
from bot.store import NewFollowed
from bot.veeam import JobId, Result, ServerName, Session, SessionId
from bot.watch.facts import ObjectFacts, SessionDetails, SessionFacts

_OBJECT_LIMIT = 5
_CHANGE_LIMIT = 400
_SENTENCES = {
    Start.operation.name: "{job} started by {by}",
    Retry.operation.name: "Retry of {job} started by {by}",
    Stop.operation.name: "Stop of {job} asked for by {by}",
    Enable.operation.name: "{job} enabled by {by}",
    Disable.operation.name: "{job} disabled by {by}",
    Clone.operation.name: "{job} cloned by {by}",
    Delete.operation.name: "{job} deleted by {by}",
    Create.operation.name: "{job} created by {by}",
    Edit.operation.name: "{job} edited by {by}",
    QuickBackup.operation.name: "Quick backup through {job} started by {by}",
}


def action(answer: ActionAnswer) -> Message:
    """The first form: VBR accepted it. `action_progress` keeps it current where there is a session."""
    target = ButtonTarget(answer.server, answer.job_id, answer.job_name)
    done = _sentence(answer.operation, target, answer.by, answer.approver)
    effect = answer.effect
    match effect:
        case Ran(session):
            state = _state(answer.operation, session) if session else "VBR named no session to follow."
            shown = _running_controls(answer.operation, target, session)
        case Switched(is_disabled, until):
            state = signs.switched(is_disabled=is_disabled, until=until)
            shown = controls(
                [
                    job_control(target, Enable.operation if is_disabled else Disable.operation),
                    job_control(target, ShowJob.operation),
                ]
            )
        case Cloned(job_id, name, is_disabled):
            copy = ButtonTarget(answer.server, job_id, name)
            state = (
                f"The copy is {strong(name)}; Edit gives it another name. "
                f"{signs.switched(is_disabled=is_disabled)}"
            )
            shown = controls(
                [
                    job_control(copy, Edit.operation),
                    job_control(copy, Enable.operation) if is_disabled else None,
                    job_control(copy, ShowJob.operation),
                ]
            )
        case Created(_, _, is_disabled):
            state = signs.switched(is_disabled=is_disabled) if is_disabled else ""
            shown = controls([job_control(target, Start.operation), job_control(target, ShowJob.operation)])
        case Edited(changes):
            state = "\n".join(f"• {literal(change, _CHANGE_LIMIT)}" for change in changes)
            shown = controls([job_control(target, ShowJob.operation)])
        case Deleted():
            state, shown = "Its backups stay in the repository, as orphaned ones.", NOTHING
        case _:
            assert_never(effect)
    detail = "" if isinstance(effect, Switched | Edited) else _detail(answer.detail)
    reason = f"Reason: {literal(answer.reason, REASON_LIMIT)}" if answer.reason else ""
    return compose([paragraph(done, detail, reason, state), shown])


def action_progress(followed: NewFollowed, session: Session) -> Message:
    """The same message while the session goes on."""
    operation, target = BY_NAME[followed.operation], _target(followed)
    head = paragraph(
        _sentence(operation, target, followed.person, followed.approver),
        _detail(followed.detail),
        _state(operation, session),
    )
    return compose([head, _running_controls(operation, target, session)])


def action_ended(followed: NewFollowed, session: Session, ended: SessionFacts | None = None) -> Message:
    """The same message when the session is over: the outcome, its duration, what failed, what to do next."""
    operation = BY_NAME[followed.operation]
    target = _target(followed, Snapshot(SessionId(followed.session_id), is_active=False))
    stopped_by = ended.stopped_by if ended and operation is not Stop.operation else None
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
    details = (ended.details if ended and not is_stopped else None) or SessionDetails()
    problems = details.problems[:_OBJECT_LIMIT]
    left_out = details.failed_total + details.warned_total - len(problems)
    tail = [
        paragraph(f"… and {count(left_out, 'object')} more: see Details.") if left_out > 0 else NOTHING,
        _ended_controls(target, session, ended, is_stopped=is_stopped),
    ]
    return compose(head, [_object(problem) for problem in problems], tail, noun="object", plural="objects")


def action_lost(followed: NewFollowed) -> Message:
    """The same message when VBR has no such session any more, or it was followed for too long."""
    operation, target = BY_NAME[followed.operation], _target(followed)
    head = paragraph(
        _sentence(operation, target, followed.person, followed.approver),
        f"{signs.NEUTRAL} The session is not followed any further. Details shows how the job stands.",
    )
    return compose([head, controls([job_control(target, ShowJob.operation)])])


def _target(followed: NewFollowed, state: Snapshot | None = None) -> ButtonTarget:
    return ButtonTarget(ServerName(followed.server), JobId(followed.job_id), followed.job_name, state)


def _sentence(operation: Operation, target: ButtonTarget, by: str, approver: str | None) -> str:
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
    if operation is Stop.operation:
        return " · ".join(filter(None, (f"{signs.BUSY} Stopping", progress)))
    return " · ".join(filter(None, (f"{signs.BUSY} {signs.session_state(session)}", progress)))


def _is_cut_short(operation: Operation, session: Session, stopped_by: str | None) -> bool:
    # A graceful stop may come so late that the run succeeds all the same.
    return stopped_by is not None or (operation is Stop.operation and session.outcome is not Result.SUCCESS)


def _ending(session: Session, *, is_stopped: bool) -> str:
    took = ""
    if session.creation_time and session.end_time:
        took = f" · took {duration(session.end_time - session.creation_time)}"
    return f"{f'{signs.NEUTRAL} Stopped' if is_stopped else signs.session_result(session)}{took}"


def _object(problem: ObjectFacts) -> Part:
    result = f"{signs.result(problem.result)} · {strong(problem.name)}"
    return paragraph(result, code(problem.message) if problem.message else "")


def _running_controls(operation: Operation, target: ButtonTarget, session: Session | None) -> Part:
    if operation is Stop.operation or session is None or session.is_stopped:
        return controls([job_control(target, ShowJob.operation)])
    running = ButtonTarget(target.server, target.job_id, target.name, Snapshot(session.id, is_active=True))
    return controls([job_control(running, Stop.operation), job_control(running, ShowJob.operation)])


def _ended_controls(
    target: ButtonTarget, session: Session, ended: SessionFacts | None, *, is_stopped: bool
) -> Part:
    if is_stopped:
        return controls([job_control(target, Start.operation), job_control(target, ShowJob.operation)])
    retry = (
        Start.operation
        if ended is not None and Retry.operation.needs in ended.unsupported
        else Retry.operation
    )
    again = job_control(target, retry) if session.outcome is Result.FAILED else None
    return controls([again, job_control(target, ShowJob.operation)])
