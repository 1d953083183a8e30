"""The forms that ask before an action: which job or machine, how, and what it touches. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from bot.operations.catalog import operation_of
from bot.operations.forms import (
    ActForm,
    ActionForm,
    DeleteForm,
    PickForm,
    QuickBackupForm,
    StartForm,
    StopForm,
)
from bot.operations.matching import is_exactly
from bot.operations.requests import (
    ActionRequest,
    CloneRequest,
    DeleteRequest,
    DisableRequest,
    EnableRequest,
    QuickBackupRequest,
    Request,
    RetryRequest,
    StartRequest,
    Step,
    StopRequest,
)
from bot.operations.searching import Sought
from bot.operations.steps import is_said, to_fill_in
from bot.operations.suggestion import Suggestion, job_chosen, machine_chosen
from bot.slack.codec import Carried, Entered
from bot.slack.text import date, literal, plain, strong
from bot.slack.views import inputs, status_text
from bot.slack.views.approvals import REASON_LIMIT
from bot.slack.views.dialogs import wishes
from bot.slack.views.impact import consequences, lately
from bot.slack.views.inputs import Field
from bot.slack.views.message import NOTHING, MessagePart, note, paragraph
from bot.slack.views.status_text import repository_line
from bot.veeam import RestorePoints, known

TYPED_NAME, REASON = "typed_name", "reason"
FULL, CHAINED, NOW, RESTORE_POINTS = "full", "chained", "now", "restore_points"
PICK_LABEL = "Next"
_NORMAL, _GRACEFUL, _YES = "normal", "graceful", "yes"
_HINT_LIMIT = 150
_WHY_NO_FULL = {
    "copy": "A copy has no active full: it takes over what its source job made.",
    "replica": "A replica has no active full: each run brings it up to date.",
    "type": "Jobs of this type have no active full.",
}

Filled = Request | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands in a form: its blocks, the label of its submit button, the name it is about."""

    content: MessagePart
    label: str
    name: str = ""


def sheet(facts: PickForm | ActionForm | QuickBackupForm) -> Sheet:
    """The form for these facts."""
    match facts:
        case PickForm():
            return Sheet(_picking(facts), PICK_LABEL)
        case QuickBackupForm():
            return Sheet(_quick_backup(facts), "Start", facts.machine_name)
        case StartForm():
            asked = _starting(facts)
        case StopForm():
            asked = _stopping(facts)
        case ActForm():
            asked = NOTHING
        case DeleteForm():
            asked = _deleting(facts)
        case _:
            assert_never(facts)
    operation, touched = operation_of(facts.request), facts.consequences
    said = operation.confirmation.consequence if operation.confirmation else ""
    meant = wishes(facts.request) if isinstance(facts, ActForm) else ()
    means = "" if isinstance(facts, StopForm) else " ".join((said, *meant)).strip()
    content = consequences(touched, facts.request) + paragraph(means) + asked
    return Sheet(content, operation.label, touched.job.state.name)


def filled_in(carried: Carried, entered: Entered) -> Filled:
    """The request that such a form asks for, or what is wrong with it, by block."""
    request = carried.request
    if not is_said(request):
        return _picked(request, entered)
    match request:
        case StartRequest():
            points = known(RestorePoints, inputs.said(entered, RESTORE_POINTS))
            is_full = inputs.said(entered, FULL) == FULL
            chained = _YES in inputs.ticked(entered, CHAINED)
            return replace(request, full=is_full, chained=chained, restore_points=points, step=Step.SEND)
        case StopRequest():
            is_now, chained = inputs.said(entered, NOW) == NOW, _YES in inputs.ticked(entered, CHAINED)
            return replace(request, now=is_now, chained=chained, step=Step.SEND)
        case DeleteRequest():
            return _with_typed_name(request, carried.name, entered)
        case RetryRequest() | EnableRequest() | DisableRequest() | CloneRequest() | QuickBackupRequest():
            return replace(request, step=Step.SEND)
        case _:
            return request


def _picked(request: Request, entered: Entered) -> Filled:
    if isinstance(request, QuickBackupRequest):
        machine = machine_chosen(inputs.said(entered, Sought.MACHINE))
        if machine is None:
            return {Sought.MACHINE: "Choose a machine from the list."}
        return QuickBackupRequest(machine, Step.FILL)
    job = job_chosen(inputs.said(entered, Sought.JOB))
    if job is None:
        return {Sought.JOB: "Choose a job from the list."}
    return to_fill_in(request, job) if isinstance(request, ActionRequest) else request


def _with_typed_name(request: DeleteRequest, name: str, entered: Entered) -> Filled:
    if not is_exactly(inputs.said(entered, TYPED_NAME), name):
        return {TYPED_NAME: plain(f"This is not its name. Its name is {name}", _HINT_LIMIT)}
    reason = inputs.said(entered, REASON).strip()[:REASON_LIMIT]
    return replace(request, typed_name=name, reason=reason or None)


def _picking(facts: PickForm) -> MessagePart:
    silent = ", ".join(map(literal, facts.silent))
    missing = note(
        f"{status_text.WARNING} Did not answer, so nothing of theirs is found: {silent}." if silent else ""
    )
    if isinstance(facts.request, QuickBackupRequest):
        return missing + inputs.search(Field(Sought.MACHINE, "Which virtual machine?"), None)
    hint = "Those on which you may do this."
    return missing + inputs.search(Field(Sought.JOB, "Which job?", hint), None, letters=0)


def _starting(facts: StartForm) -> MessagePart:
    request, after = facts.request, facts.consequences.run_after
    parts = NOTHING
    if facts.why_no_full is None:
        choices = (
            Suggestion(_NORMAL, "Normal run", "What its settings say: most often an increment"),
            Suggestion(FULL, "Active full", "Reads everything again; needs room for another full"),
        )
        field = Field(FULL, "What is made?")
        parts += inputs.one_of(field, choices, FULL if request.full else _NORMAL, open_=True)
    else:
        parts += note(_WHY_NO_FULL[facts.why_no_full])
    if facts.takes_restore_points:
        points = (
            Suggestion(RestorePoints.LATEST, "The latest", "One restore point of each machine"),
            Suggestion(RestorePoints.ALL, "All", "Every restore point that is not copied yet; may take long"),
        )
        chosen = request.restore_points or RestorePoints.LATEST
        parts += inputs.one_of(Field(RESTORE_POINTS, "Which restore points?"), points, chosen, open_=True)
    if not after:
        return parts
    return parts + _ticked("Start the jobs that run after it as well", after, chosen=request.chained)


def _stopping(facts: StopForm) -> MessagePart:
    request, after = facts.request, facts.consequences.run_after
    choices = (
        Suggestion(_GRACEFUL, "Gracefully", "Machines in work are finished, the rest is skipped"),
        Suggestion(NOW, "At once", "Machines in work are lost; finished ones keep theirs"),
    )
    field = Field(NOW, "How?")
    how = inputs.one_of(field, choices, NOW if request.now else _GRACEFUL, open_=True)
    if not facts.may_cancel_chain:
        return how
    return how + _ticked("Do not start the jobs that run after it", after, chosen=request.chained)


def _ticked(name: str, jobs: tuple[str, ...], *, chosen: bool) -> MessagePart:
    choice = Suggestion(_YES, name, ", ".join(jobs))
    field = Field(CHAINED, "Chained jobs", is_optional=True)
    return inputs.any_of(field, (choice,), (_YES,) if chosen else ())


def _deleting(facts: DeleteForm) -> MessagePart:
    name = facts.consequences.job.state.name
    field = Field(TYPED_NAME, "Type the job's name to delete it", plain(name, _HINT_LIMIT))
    parts = [
        paragraph(
            "*Its backups stay* in the repository, as orphaned ones that no job looks after.",
            "VBR has no undo for this.",
        ),
        inputs.text(field, focus=True),
        inputs.text(Field(REASON, "Why, for the record", is_optional=True), most=REASON_LIMIT),
    ]
    return sum(parts, NOTHING)


def _quick_backup(facts: QuickBackupForm) -> MessagePart:
    where = f"{strong(facts.machine_name)} below {literal(facts.host_name)} on {literal(facts.server)}"
    return paragraph(
        where,
        *_through(facts),
        f"Repository: {repository_line(facts.repository)}" if facts.repository else "",
        lately(facts.lately),
    ) + note("One increment of this machine alone. VBR picks the job that has its newest restore point.")


def _through(facts: QuickBackupForm) -> tuple[str, ...]:
    newest = facts.newest
    if newest is None:
        return (
            "Newest restore point: none that the bot can see.",
            "VBR refuses where no job covers the machine, or none has a full backup of it yet.",
        )
    state = newest.job.state
    running = f"{status_text.WARNING} It runs now, so VBR may refuse." if state.is_active else ""
    return (
        f"Newest restore point: {date(newest.at)}, made by {strong(state.name)}.",
        "This will most likely run through that job.",
        running,
    )
