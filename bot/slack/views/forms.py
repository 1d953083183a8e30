"""Forms: modals that ask before something is done. Pure: facts in, view out; entries in, request out.

How to add a form to an action:

1. In its file in bot/operations/actions: `needs_form` says when something is missing, `form` reads the facts
   as a `Form` of its own. The filled request runs like any other: rights, state, record are checked then.
2. Here: a function in `FORMS` that draws the facts and the inputs, and a case in `_filled` that turns what
   was entered into the request, or into one problem for each block: what can be checked without asking VBR.
   (The forms of a job's settings are in job_form.py.)
3. A case in tests/unit/slack/form_cases.py, and a row in tests/acceptance/matrix.py.

An input's block and element bear the same ID, the name of the request's field. What a form carries besides is
`codec.FormMetadata`, in `private_metadata`: at most 3,000 characters, no secret. A view is opened at once,
because a trigger lives three seconds, and filled when VBR has answered; a submission is answered with
`working` and runs after that.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace as replace_fields
from datetime import time, timedelta
from typing import Any

from msgspec.structs import replace

from bot.operations.actions import JobAction
from bot.operations.actions.apply import Apply
from bot.operations.actions.approvals import ApprovalForm, Approve, ShowApproval
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.create import Create, CreateChoice
from bot.operations.actions.delete import Delete, DeleteForm
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit, JobForm, JobSummary
from bot.operations.actions.mute import LONGEST, Mute, MuteExpectation, MuteForm
from bot.operations.actions.quick_backup import QuickBackup, QuickBackupForm
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start, StartForm
from bot.operations.actions.stop import Stop, StopForm
from bot.operations.commands import COMMENT_LIMIT
from bot.operations.impact import ConfirmForm, Impact, PickForm
from bot.operations.job_editor.objects import MenuOption, job_chosen, machine_chosen
from bot.operations.matching import is_exactly
from bot.operations.menus import MenuField
from bot.operations.model import VSPHERE, Operation, Request, Step
from bot.operations.outcomes import Form
from bot.slack import codec
from bot.slack.text import date, duration, literal, plain, strong
from bot.slack.views import inputs, job_form, status_text
from bot.slack.views.approvals import REASON_LIMIT, approval_form
from bot.slack.views.buttons import beyond_plain, previous_step
from bot.slack.views.impact import BACKUPS_STAY, impact_lines, recent_actions
from bot.slack.views.message import NOTHING, Message, MessagePart, note, paragraph
from bot.slack.views.status_text import repository_line
from bot.slack.views.surface import View, modal
from bot.veeam import MissingDetail, RestorePoints, known

TYPED_NAME, REASON = "typed_name", "reason"
FULL, CHAINED, NOW, RESTORE_POINTS = "full", "chained", "now", "restore_points"
SPAN, AT = "span", "at"
LENGTH, COMMENT = "length", "comment"
_UNTIL, _SUCCESS = "until/", "success"
_MUTED_FOR, _MUTED_UNTIL = (timedelta(hours=1), timedelta(hours=4)), time(8)
_NORMAL, _GRACEFUL, _YES, _FOR_GOOD = "normal", "graceful", "yes", "for_good"
_ASK_LABEL = "Ask for approval"
_SPANS = (*(timedelta(hours=hours) for hours in (1, 4, 8, 24)), timedelta(days=3), timedelta(days=7))
_HINT_LIMIT = 150
_WHY_NO_FULL = {
    "copy": "A copy job has no active full: it copies what its source job made.",
    "replica": "A replica has no active full: each run updates it.",
    "type": "Jobs of this type have no active full.",
}
_TITLES = {
    QuickBackup.operation.name: QuickBackup.operation.label,
    Apply.operation.name: Apply.operation.label,
    ClearCache.operation.name: ClearCache.operation.label,
    Approve.operation.name: "Request for approval",
    ShowApproval.operation.name: "Request for approval",
    MuteExpectation.operation.name: MuteExpectation.operation.label,
}
_NO_CONTROLS = frozenset({"actions"})
_YOU_CAN_CLOSE = note("You can close this. The bot replies where you asked.")
_MUTED = (
    "Further failures post no message of their own and mention nobody. It ends early when the job recovers, "
    "or fails for another cause or on other objects."
)
_MUTED_EXPECTATION = "Nothing new is posted about it meanwhile. What is unmet at the end is posted then."
_LONGEST_NUMBER = 9
_DISABLED = "No scheduled backups while it is disabled. A run in progress continues."


def loading(operation: Operation) -> View:
    """The view while VBR is asked what the form has to say."""
    words = paragraph(f"{status_text.BUSY} Asking VBR …")
    return _view(
        operation, words + note("If this doesn't change, close it. The bot replies where you asked.")
    )


def sent_off(label: str) -> Callable[[Operation], View]:
    """What draws the view after a submit button of this label: what was asked for is being done."""
    return asking if label == _ASK_LABEL else working


def working(operation: Operation) -> View:
    """The view while what was asked for is being done."""
    return _view(operation, paragraph(f"{status_text.BUSY} Sending it to VBR.") + _YOU_CAN_CLOSE)


def asking(operation: Operation) -> View:
    """The view while a second person is being asked."""
    return _view(operation, paragraph(f"{status_text.BUSY} Asking for approval.") + _YOU_CAN_CLOSE)


def finished(operation: Operation, message: Message, back: codec.FormMetadata | None = None) -> View:
    """The end: the outcome. Its buttons are left out, for a press in a view knows of no channel.

    `back` leads to what was entered before.
    """
    blocks = tuple(block for block in message.blocks if block["type"] not in _NO_CONTROLS)
    content = MessagePart("", blocks) if blocks else paragraph(message.text)
    metadata = codec.encode_form(back) if back is not None else None
    if back is not None and metadata is not None:
        content += previous_step(back.request)
    return _view(operation, content, metadata=metadata)


def back_to(request: Request, metadata: codec.FormMetadata) -> codec.FormMetadata | None:
    """What leads back to the fields as they were filled in, where a draft keeps them."""
    if isinstance(request, Edit | Create) and request.draft is not None:
        return replace_fields(metadata, request=replace(request, step=Step.FILL, entered=None, kept=None))
    return None


def form(
    facts: Form,
    *,
    channel_id: str | None,
    thread_ts: str | None,
    missing: Iterable[MissingDetail] = (),
    needs_approval: bool = False,
) -> View | None:
    """The form itself; None where it can't be carried. Its button says what a press on it does.

    `channel_id` and `thread_ts` say where the answer is shown.
    """
    content = FORMS[type(facts)](facts)
    label = _ASK_LABEL if needs_approval and content.label != inputs.PICK_LABEL else content.label
    metadata = codec.encode_form(codec.FormMetadata(facts.request, content.name, channel_id, thread_ts))
    if metadata is None:
        return None
    gaps = note(*status_text.missing_details(missing))
    return _view(facts.request.operation, gaps + content.content, submit=label, metadata=metadata)


def filled(metadata: codec.FormMetadata, state: codec.FormState) -> inputs.Filled:
    """The request that a form asks for, or what is wrong with it, by block."""
    request = metadata.request
    if not request.names_subject:
        return _picked(request, state)
    if isinstance(request, Edit | Create):
        return job_form.filled(request, state)
    return _filled(request, metadata.name, state)


def drawn_again(request: Request, state: codec.FormState) -> Request:
    """The request that draws a form again, with what was entered in it so far."""
    return job_form.drawn_again(request, state) if isinstance(request, Edit | Create) else request


def unreadable() -> View:
    """A form that can't be read: another version of the bot drew it."""
    words = "This form is from another version of the bot. Nothing was done. Please ask again."
    return modal("Veeam", paragraph(words).blocks)


def _action_form(
    request: Request, impact: Impact, means: str, fields: MessagePart = NOTHING
) -> inputs.FormContent:
    """What an action touches, what it means, and what there is to choose."""
    content = impact_lines(impact, request) + paragraph(means) + fields
    return inputs.FormContent(content, request.operation.label, impact.job.state.name)


def _consequence(request: Request) -> str:
    confirmation = request.operation.confirmation
    return confirmation.consequence if confirmation else ""


def _filled(request: Request, name: str, state: codec.FormState) -> inputs.Filled:
    match request:
        case Start():
            return replace(
                request,
                full=inputs.text_in(state, FULL) == FULL,
                chained=_YES in inputs.choices_in(state, CHAINED),
                restore_points=known(RestorePoints, inputs.text_in(state, RESTORE_POINTS)),
                step=Step.SEND,
            )
        case Stop():
            is_now = inputs.text_in(state, NOW) == NOW
            chained = _YES in inputs.choices_in(state, CHAINED)
            return replace(request, now=is_now, chained=chained, step=Step.SEND)
        case Delete():
            if not is_exactly(inputs.text_in(state, TYPED_NAME), name):
                return {TYPED_NAME: plain(f"This is not its name. Its name is {name}", _HINT_LIMIT)}
            reason = inputs.text_in(state, REASON).strip()[:REASON_LIMIT]
            return replace(request, typed_name=name, reason=reason or None)
        case Retry() if CHAINED in state:
            return replace(request, chained=_YES in inputs.choices_in(state, CHAINED), step=Step.SEND)
        case Disable() if SPAN in state:
            seconds, at = inputs.text_in(state, SPAN), inputs.time_in(state, AT)
            span = timedelta(seconds=int(seconds)) if seconds.isdecimal() else None
            if span is not None and at is not None:
                return {AT: "Choose for how long or until when, not both."}
            return replace(request, span=span, at=at, step=Step.SEND)
        case Mute() | MuteExpectation() if LENGTH in state:
            return _mute_filled(request, state)
        case JobAction() | QuickBackup():
            return replace(request, step=Step.SEND)
        case _:
            return request


def _mute_filled(request: Mute | MuteExpectation, state: codec.FormState) -> inputs.Filled:
    length = inputs.text_in(state, LENGTH)
    span, at = None, None
    if length.startswith(_UNTIL):
        try:
            at = time.fromisoformat(length.removeprefix(_UNTIL))
        except ValueError:
            return {LENGTH: "Choose for how long."}
    elif length.isdecimal():
        span = min(timedelta(seconds=int(length[:_LONGEST_NUMBER])), LONGEST)
    elif length != _SUCCESS or not isinstance(request, Mute):
        return {LENGTH: "Choose for how long."}
    comment = inputs.text_in(state, COMMENT).strip()[:COMMENT_LIMIT] or None
    said = replace(request, span=span, at=at, comment=comment, step=Step.SEND)
    return replace(said, until_success=length == _SUCCESS) if isinstance(said, Mute) else said


def _mute_form(facts: MuteForm) -> inputs.FormContent:
    """For how long, and why; what was typed is among the choices."""
    asked, is_of_job = facts.request, isinstance(facts.request, Mute)
    spans = sorted({*_MUTED_FOR, *filter(None, (asked.span,))})
    times = sorted({_MUTED_UNTIL, *filter(None, (asked.at,))})
    choices = [
        *(MenuOption(str(round(span.total_seconds())), f"For {duration(span)}", "") for span in spans),
        *(
            MenuOption(f"{_UNTIL}{at:%H:%M}", f"Until {at:%H:%M}", "In your time zone, today or tomorrow")
            for at in times
        ),
    ]
    if is_of_job:
        choices.append(MenuOption(_SUCCESS, "Until it succeeds", f"At most {LONGEST.days} days"))
    chosen = choices[0].value
    if isinstance(asked, Mute) and asked.until_success:
        chosen = _SUCCESS
    elif asked.at is not None:
        chosen = f"{_UNTIL}{asked.at:%H:%M}"
    elif asked.span is not None:
        chosen = str(round(asked.span.total_seconds()))
    where = "Shown on the failure's message." if is_of_job else "Shown where the bot lists what is muted."
    comment = inputs.Field(COMMENT, "Comment", where, is_optional=True)
    content = (
        paragraph(status_text.job_name(facts.name, facts.server), _MUTED if is_of_job else _MUTED_EXPECTATION)
        + inputs.one_of(inputs.Field(LENGTH, "For how long?"), choices, chosen, open_=True)
        + inputs.text(comment, asked.comment or "", most=COMMENT_LIMIT)
    )
    return inputs.FormContent(content, facts.request.operation.label, facts.name)


def _picked(request: Request, state: codec.FormState) -> inputs.Filled:
    if isinstance(request, QuickBackup):
        machine = machine_chosen(inputs.text_in(state, MenuField.MACHINE))
        if machine is None:
            return {MenuField.MACHINE: "Choose a machine from the list."}
        return QuickBackup(machine, Step.FILL)
    job = job_chosen(inputs.text_in(state, MenuField.JOB))
    if job is None:
        return {MenuField.JOB: "Choose a job from the list."}
    return request.for_form(job) if isinstance(request, JobAction) else request


def _pick_form(facts: PickForm) -> inputs.FormContent:
    silent = ", ".join(map(literal, facts.silent))
    missing = note(
        f"{status_text.WARNING} No answer from {silent}: nothing there can be found." if silent else ""
    )
    if isinstance(facts.request, QuickBackup):
        menu = inputs.search(inputs.Field(MenuField.MACHINE, "Which machine?"), None)
    else:
        hint = f"Only jobs you can {facts.request.operation.name} are listed."
        field = inputs.Field(MenuField.JOB, "Which job?", hint)
        only = facts.only if facts.only is not None and inputs.fits_in_menu(facts.only) else None
        menu = inputs.search(field, only, letters=0)
    return inputs.FormContent(missing + menu, inputs.PICK_LABEL)


def _confirm_form(facts: ConfirmForm) -> inputs.FormContent:
    request, after = facts.request, facts.impact.run_after
    if isinstance(request, Retry) and after:
        fields = _chained_jobs("Also start the jobs that run after it", after, is_chosen=request.chained)
        return _action_form(request, facts.impact, _consequence(request), fields)
    if isinstance(request, Disable):
        return _action_form(request, facts.impact, _DISABLED, _how_long(request.span, request.at))
    means = " ".join((_consequence(request), *beyond_plain(request)))
    return _action_form(request, facts.impact, means.strip())


def _how_long(asked: timedelta | None, at: time | None) -> MessagePart:
    """For how long a job is disabled, or until when; what was typed is among the choices."""
    spans = sorted({*_SPANS, *filter(None, (asked,))})
    choices = [
        MenuOption(_FOR_GOOD, "Until someone enables it", ""),
        *(MenuOption(str(round(span.total_seconds())), f"For {duration(span)}", "") for span in spans),
    ]
    chosen = _FOR_GOOD if asked is None else str(round(asked.total_seconds()))
    span = inputs.one_of(
        inputs.Field(SPAN, "For how long?", "The bot enables it again afterwards."), choices, chosen
    )
    hint = "In your time zone, today or tomorrow."
    return span + inputs.clock_time(inputs.Field(AT, "Or until", hint, is_optional=True), at)


def _start_form(facts: StartForm) -> inputs.FormContent:
    request, after = facts.request, facts.impact.run_after
    if facts.why_no_full is None:
        choices = (
            MenuOption(_NORMAL, "Normal run", "As its settings say, usually an incremental"),
            MenuOption(FULL, "Active full", "Reads all data again; needs space for another full"),
        )
        chosen = FULL if request.full else _NORMAL
        fields = inputs.one_of(inputs.Field(FULL, "What kind of run?"), choices, chosen, open_=True)
    else:
        fields = note(_WHY_NO_FULL[facts.why_no_full])
    if facts.takes_restore_points:
        points = (
            MenuOption(RestorePoints.LATEST, "The latest", "One restore point of each machine"),
            MenuOption(RestorePoints.ALL, "All", "Every restore point not copied yet; can take long"),
        )
        field = inputs.Field(RESTORE_POINTS, "Which restore points?")
        chosen = request.restore_points or RestorePoints.LATEST
        fields += inputs.one_of(field, points, chosen, open_=True)
    if after:
        fields += _chained_jobs("Also start the jobs that run after it", after, is_chosen=request.chained)
    return _action_form(request, facts.impact, _consequence(request), fields)


def _stop_form(facts: StopForm) -> inputs.FormContent:
    request, after = facts.request, facts.impact.run_after
    choices = (
        MenuOption(_GRACEFUL, "Gracefully", "Machines in progress finish; the rest are skipped"),
        MenuOption(NOW, "At once", "Machines in progress are lost; finished ones are kept"),
    )
    fields = inputs.one_of(inputs.Field(NOW, "How?"), choices, NOW if request.now else _GRACEFUL, open_=True)
    if facts.may_cancel_chain:
        fields += _chained_jobs("Don't start the jobs that run after it", after, is_chosen=request.chained)
    return _action_form(request, facts.impact, "", fields)


def _chained_jobs(label: str, jobs: tuple[str, ...], *, is_chosen: bool) -> MessagePart:
    choice = MenuOption(_YES, label, ", ".join(jobs))
    field = inputs.Field(CHAINED, "Chained jobs", is_optional=True)
    return inputs.any_of(field, (choice,), (_YES,) if is_chosen else ())


def _delete_form(facts: DeleteForm) -> inputs.FormContent:
    name = facts.impact.job.state.name
    fields = (
        paragraph(*BACKUPS_STAY)
        + inputs.text(
            inputs.Field(TYPED_NAME, "Type the job's name to delete it", plain(name, _HINT_LIMIT)), focus=True
        )
        + inputs.text(inputs.Field(REASON, "Reason, for the record", is_optional=True), most=REASON_LIMIT)
    )
    return _action_form(facts.request, facts.impact, _consequence(facts.request), fields)


def _quick_backup_form(facts: QuickBackupForm) -> inputs.FormContent:
    kind = "" if facts.platform == VSPHERE else f", {status_text.machine_kind(facts.platform)},"
    lines = [f"{strong(facts.machine_name)}{kind} below {literal(facts.place)} on {literal(facts.server)}"]
    if not facts.is_newest_known:
        lines.append("Newest restore point: unknown.")
    elif facts.newest is None:
        lines += [
            "Newest restore point: none that the bot can see.",
            "VBR refuses if no job covers the machine, or none has a full backup of it yet.",
        ]
    else:
        state = facts.newest.job.state
        lines += [
            f"Newest restore point: {date(facts.newest.at)}, made by {strong(state.name)}.",
            "This will most likely run through that job.",
            f"{status_text.WARNING} It runs now, so VBR may refuse." if state.is_active else "",
        ]
    repository = f"Repository: {repository_line(facts.repository)}" if facts.repository else ""
    content = paragraph(*lines, repository, recent_actions(facts.recent)) + note(
        "An incremental of this machine alone. VBR picks the job that has its newest restore point."
    )
    return inputs.FormContent(content, "Start", facts.machine_name)


FORMS: Mapping[type[Form], Callable[[Any], inputs.FormContent]] = {
    PickForm: _pick_form,
    ConfirmForm: _confirm_form,
    StartForm: _start_form,
    StopForm: _stop_form,
    DeleteForm: _delete_form,
    QuickBackupForm: _quick_backup_form,
    MuteForm: _mute_form,
    ApprovalForm: approval_form,
    CreateChoice: lambda facts: inputs.FormContent(job_form.create_choice(facts), inputs.PICK_LABEL),
    JobForm: lambda facts: inputs.FormContent(job_form.job_form(facts), inputs.PICK_LABEL),
    JobSummary: lambda facts: inputs.FormContent(job_form.job_summary(facts), facts.request.operation.label),
}
"""How each form is drawn."""


def _view(
    operation: Operation, content: MessagePart, *, submit: str | None = None, metadata: str | None = None
) -> View:
    title = _TITLES.get(operation.name, f"{operation.name.capitalize()} job")
    callback_id = codec.action_id(operation)
    return modal(title, content.blocks, callback_id=callback_id, submit=submit, metadata=metadata)
