"""An action, shown where it was asked for: who did what, how it goes, how it ended, in one message."""

from typing import Any, assert_never

from bot import veeam
from bot.operations import catalog, outcomes
from bot.operations.actions.acknowledge import Acknowledge, AcknowledgeExpectation
from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.create import Create
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.mute import (
    Mute,
    MuteExpectation,
    MuteServer,
    Unmute,
    UnmuteExpectation,
    UnmuteServer,
)
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.model import Operation, Snapshot
from bot.operations.queries.job import ShowJob
from bot.slack.text import bar, count, date, dotted, literal, mention, sentence_case, strong
from bot.slack.views import buttons, runs, status_text
from bot.slack.views.approvals import reason_line
from bot.slack.views.message import NOTHING, Message, MessagePart, compose, paragraph
from bot.slack.views.runs import object_problem
from bot.store import NewFollowedSession
from bot.watch.run_facts import RunFacts, SessionDetails, SessionFacts

_OBJECT_LIMIT = 5
_CHANGE_LIMIT = 400
_DISABLED = "It is disabled: no scheduled backups until it is enabled."
_SENTENCES = {
    Start.operation.name: "{job} started by {by}",
    Retry.operation.name: "Retry of {job} started by {by}",
    Stop.operation.name: "Stop of {job} requested by {by}",
    Enable.operation.name: "{job} enabled by {by}",
    Disable.operation.name: "{job} disabled by {by}",
    Clone.operation.name: "{job} cloned by {by}",
    Delete.operation.name: "{job} deleted by {by}",
    Create.operation.name: "{job} created by {by}",
    Edit.operation.name: "{job} edited by {by}",
    QuickBackup.operation.name: "Quick backup through {job} started by {by}",
    Apply.operation.name: "Configuration of {job} sent to its computers by {by}",
    Acknowledge.operation.name: "Failed run of {job} acknowledged by {by}",
    Mute.operation.name: "{job} muted by {by}",
    MuteServer.operation.name: "{job} muted by {by}",
    Unmute.operation.name: "{job} unmuted by {by}",
    UnmuteServer.operation.name: "{job} unmuted by {by}",
    AcknowledgeExpectation.operation.name: "{job} acknowledged by {by}",
    MuteExpectation.operation.name: "{job} muted by {by}",
    UnmuteExpectation.operation.name: "{job} unmuted by {by}",
    ClearCache.operation.name: "Clearing of the backup cache of {job} started by {by}",
}


_COMMANDS = frozenset({Apply.operation.name, ClearCache.operation.name})
"""What is sent to agents: no run of the job, so there is none to stop or to retry."""

_WITHOUT_DETAIL = (outcomes.Switched, outcomes.Edited, outcomes.Muted)
"""What says in full what was asked for."""
ACTION = "action/"
"""So begins the key of the message that answers an action; no announcement's does."""


def action_metadata(reference: str) -> dict[str, Any]:
    """Return what the message that answers a gesture's action is found by, if the bot is killed over it."""
    return {"event_type": "veeam_bot", "event_payload": {"announcement": f"{ACTION}{reference}"}}


def action(answer: outcomes.ActionAnswer) -> Message:
    """The first form: VBR accepted it. `action_progress` keeps it current where there is a session."""
    target = buttons.ButtonTarget(answer.server, answer.job_id, answer.job_name)
    done = _done(answer)
    effect = answer.effect
    match effect:
        case outcomes.Ran(session):
            state = _state(answer.operation, session) if session else "VBR named no session to follow."
            shown = _running_controls(answer.operation, target, session, never_stops=answer.never_stops)
        case outcomes.Switched(is_disabled, until):
            state = status_text.disabled_or_enabled(is_disabled=is_disabled, until=until)
            shown = _buttons(
                target, Enable.operation if is_disabled else Disable.operation, ShowJob.operation
            )
        case outcomes.Cloned(job_id, name, is_disabled, is_editable):
            copy = buttons.ButtonTarget(answer.server, job_id, name)
            state = (
                f"The copy is {strong(name)}{'; Edit gives it another name' if is_editable else ''}. "
                f"{_DISABLED if is_disabled else 'It follows its schedule.'}"
            )
            offered = [Edit.operation] if is_editable else []
            offered += [Enable.operation] if is_disabled else []
            shown = _buttons(copy, *offered, ShowJob.operation)
        case outcomes.Created(_, _, is_disabled):
            state = _DISABLED if is_disabled else ""
            shown = _buttons(target, Start.operation, ShowJob.operation)
        case outcomes.Edited(changes):
            state = "\n".join(f"• {literal(change, _CHANGE_LIMIT)}" for change in changes)
            shown = _buttons(target, ShowJob.operation)
        case outcomes.Acknowledged(instead_of=instead_of):
            state = f"{mention(instead_of)} owned it before." if instead_of else ""
            shown = _buttons(target, ShowJob.operation) if answer.job_id else NOTHING
        case outcomes.Muted():
            state = _muted(answer, effect)
            shown = _buttons(target, ShowJob.operation) if answer.job_id else NOTHING
        case outcomes.Unmuted():
            state = _unmuted(answer, effect)
            shown = _buttons(target, ShowJob.operation) if answer.job_id else NOTHING
        case outcomes.Deleted():
            state, shown = "Its backups stay in the repository, as orphaned backups no job manages.", NOTHING
        case _:
            assert_never(effect)
    is_said = isinstance(effect, _WITHOUT_DETAIL) or answer.detail == answer.job_name
    detail = "" if is_said else _detail(answer.detail)
    return compose([paragraph(done, detail, reason_line(answer.reason), state), shown])


def _muted(answer: outcomes.ActionAnswer, muted: outcomes.Muted) -> str:
    """What is held back until when, and which mute that takes the place of."""
    success = " or until it succeeds, whichever comes first" if muted.until_success else ""
    until, before = f"until {date(muted.until)}{success}", muted.before
    held_back = f"{'Its' if answer.job_id else 'Their'} failures post no message of their own {until}."
    if answer.operation == MuteExpectation.operation:
        held_back = f"Nothing new is posted about it {until}."
    if before is None:
        return held_back
    whose = f"{mention(before.by)}'s mute"
    if before.is_longer:
        return f"{held_back} That is {whose}: it lasts longer than you asked for. Unmute first to shorten it."
    success = " or a success" if before.until_success else ""
    return f"{held_back} It replaces {whose} until {date(before.until)}{success}."


def _unmuted(answer: outcomes.ActionAnswer, unmuted: outcomes.Unmuted) -> str:
    """That all is posted again, but for what other mutes still hold back."""
    is_expectation = answer.operation == UnmuteExpectation.operation
    if unmuted.still_until is not None:
        until = date(unmuted.still_until)
        if answer.operation == UnmuteServer.operation:
            return f"All jobs of the server are still muted until {until}."
        return f"It is still muted with its server until {until}."
    if is_expectation:
        return "What is new of it is posted again."
    posted = f"{'Its' if answer.job_id else 'Their'} failures are posted as usual"
    if not unmuted.narrower:
        return f"{posted}."
    hold = "still holds" if unmuted.narrower == 1 else "still hold"
    return f"{posted}, but {count(unmuted.narrower, 'narrower mute')} {hold}: see `status`."


def action_reply(answer: outcomes.ActionAnswer) -> Message:
    """The same in the thread of a message about the run, which shows how it goes on."""
    return compose([paragraph(_done(answer), _detail(answer.detail), reason_line(answer.reason))])


def action_shown_elsewhere(answer: outcomes.ActionAnswer, link: str | None) -> Message:
    """For the person alone, who acted elsewhere in the channel: where to see how it goes on."""
    there = f"<{link}|its message>" if link else "its message in this channel"
    return compose([paragraph(f"{_done(answer)}. Follow its progress in {there}.")])


def action_kept(answer: outcomes.ActionAnswer) -> Message:
    """For the person alone: it is done, and a thread in this channel says so."""
    comment = reason_line(answer.reason)
    if _is_unmet(answer):
        return compose([paragraph("Acknowledged; its message says so.", comment)])
    state = ""
    match answer.effect:
        case outcomes.Muted() as muted:
            state = _muted(answer, muted)
        case outcomes.Unmuted() as unmuted:
            state = _unmuted(answer, unmuted)
    done = f"{_done(answer)}. Its message in this channel says so."
    return compose([paragraph(done, state, comment)])


def action_progress(
    followed: NewFollowedSession, session: veeam.Session, stopping: str | None = None
) -> Message:
    """The same message while the session goes on; `stopping` is who asked it to stop."""
    operation, target = catalog.BY_NAME[followed.operation], _target(followed)
    current = Stop.operation if stopping else operation
    head = paragraph(
        _sentence(operation, target, followed.person, followed.approver),
        _detail(followed.detail),
        _stop_requested(operation, stopping),
        _state(current, session),
    )
    return compose([head, _running_controls(current, target, session, never_stops=followed.never_stops)])


def run_under_way(
    run: RunFacts, followed: NewFollowedSession, session: veeam.Session, stopping: str | None = None
) -> Message:
    """A failed run's root while another attempt goes on: how far it is, who began it, why it had failed."""
    operation = catalog.BY_NAME[followed.operation]
    current = Stop.operation if stopping else operation
    verb = "Stopping" if current is Stop.operation else "Retrying"
    percent, why = session.progress_percent, runs.cause(run)
    approved = f", approved by {mention(followed.approver)}" if followed.approver else ""
    who = f"{operation.label} by {mention(followed.person)}{approved}"
    head = paragraph(
        dotted(
            f"{status_text.BUSY} {verb}",
            status_text.job_name(run.job_name, run.server),
            "" if percent is None else bar(percent),
        ),
        f"Last failure: {why}" if why else "",
        dotted(who, _stop_requested(operation, stopping)),
    )
    shown = _running_controls(current, _target(followed), session, never_stops=followed.never_stops)
    return compose([head, shown])


def action_ended(
    followed: NewFollowedSession, session: veeam.Session, ended: SessionFacts | None = None
) -> Message:
    """The same message when the session has ended: how, after how long, what failed, what to do next."""
    operation = catalog.BY_NAME[followed.operation]
    target = _target(followed, Snapshot(veeam.SessionId(followed.session_id), is_active=False))
    stopped_by = ended.stopped_by if ended and operation is not Stop.operation else None
    is_stopped = _is_cut_short(operation, session, stopped_by)
    # What a stop cuts short is no failure to list.
    details = (ended.details if ended and not is_stopped else None) or SessionDetails()
    problems = details.problems[:_OBJECT_LIMIT]
    message = session.result.message if session.result else None
    is_said = session.outcome is veeam.Result.SUCCESS or bool(problems and problems[0].message == message)
    head = [
        paragraph(
            _ending(session, is_stopped=is_stopped),
            _sentence(operation, target, followed.person, followed.approver),
            f"Stopped by {mention(stopped_by)}" if stopped_by else "",
        ),
        paragraph("" if is_said else status_text.own_words(message)),
    ]
    again: list[Operation] = []
    if is_stopped:
        again = [Start.operation]
    elif session.outcome is veeam.Result.FAILED:
        has_no_retry = ended is not None and Retry.operation.needs in ended.unsupported
        if operation.name in _COMMANDS:
            again = [operation]
        else:
            again = [Start.operation if has_no_retry else Retry.operation]
    shown = buttons.session_control(target.server, session.id, target.name)
    left_out = details.failed_total + details.warned_total - len(problems)
    tail = [
        paragraph(f"… and {count(left_out, 'more object')}: see Details.") if left_out > 0 else NOTHING,
        buttons.controls([*(buttons.job_control(target, one) for one in again), shown]),
    ]
    return compose(head, [object_problem(problem) for problem in problems], tail, noun="object")


def action_lost(followed: NewFollowedSession) -> Message:
    """The same message when VBR has no such session any more, or it was followed for too long."""
    operation, target = catalog.BY_NAME[followed.operation], _target(followed)
    head = paragraph(
        _sentence(operation, target, followed.person, followed.approver),
        f"{status_text.NEUTRAL} The bot no longer tracks this run. "
        "Press Details for the job's current state.",
    )
    return compose([head, _buttons(target, ShowJob.operation)])


def _done(answer: outcomes.ActionAnswer) -> str:
    target = buttons.ButtonTarget(answer.server, answer.job_id, answer.job_name)
    if _is_unmet(answer):
        return f"{status_text.job_name(target.name, target.server)} acknowledged by {mention(answer.by)}"
    return _sentence(answer.operation, target, answer.by, answer.approver)


def _is_unmet(answer: outcomes.ActionAnswer) -> bool:
    """Whether not a run was acknowledged, but what is not as expected of a job."""
    return isinstance(answer.effect, outcomes.Acknowledged) and answer.effect.is_unmet


def _stop_requested(operation: Operation, stopping: str | None) -> str:
    """Who asked a session to stop, unless that is what it is followed for."""
    return f"Stop requested by {mention(stopping)}" if stopping and operation is not Stop.operation else ""


def _target(followed: NewFollowedSession, state: Snapshot | None = None) -> buttons.ButtonTarget:
    return buttons.ButtonTarget(
        veeam.ServerName(followed.server), veeam.JobId(followed.job_id), followed.job_name, state
    )


def _sentence(operation: Operation, target: buttons.ButtonTarget, by: str, approver: str | None) -> str:
    sentence = _SENTENCES.get(operation.name, f"{operation.label} of {{job}} by {{by}}")
    people = f"{mention(by)}, approved by {mention(approver)}" if approver else mention(by)
    return sentence.format(job=status_text.job_name(target.name, target.server), by=people)


def _detail(detail: str | None) -> str:
    return f"{sentence_case(literal(detail))}." if detail else ""


def _state(operation: Operation, session: veeam.Session) -> str:
    if session.is_stopped:
        return _ending(session, is_stopped=_is_cut_short(operation, session, None))
    percent = session.progress_percent
    state = "Stopping" if operation is Stop.operation else status_text.session_state(session)
    return dotted(f"{status_text.BUSY} {state}", "" if percent is None else bar(percent))


def _is_cut_short(operation: Operation, session: veeam.Session, stopped_by: str | None) -> bool:
    # A graceful stop may come so late that the run succeeds all the same.
    return stopped_by is not None or (
        operation is Stop.operation and session.outcome is not veeam.Result.SUCCESS
    )


def _ending(session: veeam.Session, *, is_stopped: bool) -> str:
    took = status_text.took(session.creation_time, session.end_time)
    result = status_text.STOPPED if is_stopped else status_text.session_result(session)
    return dotted(result, took)


def _running_controls(
    operation: Operation,
    target: buttons.ButtonTarget,
    session: veeam.Session | None,
    *,
    never_stops: bool,
) -> MessagePart:
    if operation is Stop.operation or never_stops or session is None or session.is_stopped:
        return _buttons(target, ShowJob.operation)
    running = buttons.ButtonTarget(
        target.server, target.job_id, target.name, Snapshot(session.id, is_active=True)
    )
    return _buttons(running, Stop.operation, ShowJob.operation)


def _buttons(target: buttons.ButtonTarget, *operations: Operation) -> MessagePart:
    return buttons.controls([buttons.job_control(target, operation) for operation in operations])
