"""Buttons and menus: labels, the dialogs that ask before they act, accessible names, all from the catalog.

Slack's limit (https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object): 300
characters of text. A dialog is drawn with its button: what it says of the job may be old.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from msgspec.structs import replace
from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ConfirmObject,
    InteractiveElement,
    Option,
    OverflowMenuElement,
    PlainTextObject,
    StaticSelectElement,
)

from bot.operations.actions import JobAction
from bot.operations.actions.clone import Clone
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import Start
from bot.operations.actions.stop import Stop
from bot.operations.model import Kind, KnownJob, Operation, Request, Snapshot, Style
from bot.operations.outcomes import JobChoice, JobView, MachineChoice
from bot.operations.queries.job import ShowJob
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions
from bot.slack import codec
from bot.slack.text import count, date, duration, literal, plain, sentence_case, strong
from bot.slack.views.message import NOTHING, MessagePart, drawn, mrkdwn
from bot.veeam import JobId, JobState, ServerName, SessionId

DIRECT_LIMIT = 3
"""How many buttons stand beside each other; the rest is in the overflow menu."""
MENU_LIMIT = 5
SHARE_LABEL = "Share"
DETAILS_LABEL = ShowJob.operation.label

_LABEL_LIMIT = 75
_CONFIRM_NAME_LIMIT = 100
_CONFIRM_LIMIT = 300
_TOUCHED_NAME_LIMIT = 60
_MOST_URGENT_FIRST = (Retry, Stop, Enable, Start, Disable, Edit, Clone, Delete)
_JOB_ACTIONS = {action.operation.name: action for action in _MOST_URGENT_FIRST}


@dataclass(frozen=True, slots=True)
class ButtonTarget:
    """The job that buttons are about, as it stands while they are drawn.

    `touches` is what a dialog says of it besides: what it covers, its next run, where it writes to.
    """

    server: ServerName
    job_id: JobId
    name: str
    state: Snapshot | None = None
    touches: tuple[str, ...] = ()

    @classmethod
    def of(cls, view: JobView) -> "ButtonTarget":
        """The target that a job in a list is."""
        state = view.state
        drawn_state = Snapshot(state.session_id, state.is_active)
        return cls(view.server, state.id, state.name, drawn_state, touches_of(state))

    def request(self, operation: Operation) -> Request:
        """What pressing the operation's button on this job asks for."""
        job = KnownJob(self.server, self.job_id)
        if operation == ShowJob.operation:
            return ShowJob(job)
        return _JOB_ACTIONS[operation.name].on_button(job, self.state)


@dataclass(frozen=True, slots=True)
class Control:
    """Something to press: as a button or, where there is no room, as an entry of a menu.

    `consequence` is what a dialog says before it acts; empty where it only shows something. `touches` is what
    the dialog says of the job.
    """

    button: ButtonElement
    option: Option | None = None
    label: str = ""
    consequence: str = ""
    touches: tuple[str, ...] = ()

    @property
    def asks_first(self) -> bool:
        """Whether a press is asked about before it acts."""
        return bool(self.consequence)


def controls(
    offered: Sequence[Control | None], *, direct: int = DIRECT_LIMIT, about: str = ""
) -> MessagePart:
    """A row of the first few controls as buttons and the rest in a menu; nothing where nothing is offered.

    `about` names the job, for the dialog that a menu with actions in it asks before it acts.
    """
    present = [control for control in offered if control is not None]
    elements: list[InteractiveElement] = [control.button for control in present[:direct]]
    if menu := _menu(present[direct:], about):
        elements.append(menu)
    if not elements:
        return NOTHING
    return MessagePart("", drawn(ActionsBlock(elements=elements)))


def job_controls(target: ButtonTarget, operations: Sequence[Operation]) -> list[Control | None]:
    """What can be pressed about a job, the most wanted first: what is likeliest, Details, what else acts."""
    acting = [action.operation for action in _MOST_URGENT_FIRST if action.operation in operations]
    looking = [operation for operation in operations if operation == ShowJob.operation]
    return [job_control(target, one) for one in (*acting[:1], *looking, *acting[1:])]


def job_control(target: ButtonTarget, operation: Operation) -> Control | None:
    """One operation on a job."""
    return request_control(
        target.request(operation), name=target.name, server=target.server, touches=target.touches
    )


def request_control(
    request: Request, *, name: str, server: str, prominent: bool = False, touches: tuple[str, ...] = ()
) -> Control | None:
    """A control that runs exactly this request on the job of that name; None when too long to carry."""
    operation = request.operation
    label = operation.label
    value = codec.encode_run(request)
    if value is None:
        return None
    button = ButtonElement(
        text=_plain(label),
        action_id=codec.action_id(operation),
        value=value,
        style=_style(operation, prominent=prominent),
        confirm=confirm(
            operation, request, f"{strong(name, _CONFIRM_NAME_LIMIT)} on {literal(server)}.", touches
        ),
        accessibility_label=_accessible(_spoken(operation, label), name, server),
    )
    return Control(
        button,
        _option(label, codec.encode_run(request, codec.OPTION_LIMIT)),
        label,
        _consequence(operation),
        touches,
    )


def session_control(server: ServerName, session_id: SessionId, job_name: str) -> Control | None:
    """Details of one session."""
    value = codec.encode_run(ShowSession(session_id, server))
    if value is None:
        return None
    button = ButtonElement(
        text=_plain(DETAILS_LABEL),
        action_id=codec.action_id(ShowSession.operation),
        value=value,
        accessibility_label=_accessible("Details of a session of", job_name, server),
    )
    return Control(button)


def share_control(request: Request) -> Control | None:
    """Share this answer with the channel."""
    value = codec.encode_share(request)
    if value is None:
        return None
    button = ButtonElement(
        text=_plain(SHARE_LABEL),
        action_id=codec.SHARE,
        value=value,
        accessibility_label="Share this answer with the channel",
    )
    return Control(button, _option(SHARE_LABEL, codec.encode_share(request, codec.OPTION_LIMIT)))


def previous_step(request: Request) -> MessagePart:
    """Back to the view before, in a form of several; nothing where the request is too long to carry."""
    value = codec.encode_run(request)
    if value is None:
        return NOTHING
    button = ButtonElement(
        text=_plain("Previous"),
        action_id=codec.PREVIOUS,
        value=value,
        accessibility_label="Back to the fields, as you filled them in",
    )
    return controls([Control(button)])


def page_controls(request: codec.ListRequest, *, pages: int | None, has_more: bool) -> list[Control | None]:
    """Previous and Next, as far as there are pages."""
    of_all = f" of {pages}" if pages else ""
    turns = [("Previous", codec.PREVIOUS, request.page - 1)] if request.page > 0 else []
    turns += [("Next", codec.NEXT, request.page + 1)] if has_more else []
    return [_turn(label, action_id, replace(request, page=page), of_all) for label, action_id, page in turns]


def choice_menu(request: Request, choices: Sequence[JobChoice]) -> MessagePart:
    """A menu of jobs, each running the request on itself; those too long to carry are left out."""
    options = [option for choice in choices if (option := _choice(request, choice))]
    if not options:
        return NOTHING
    operation = request.operation
    select = StaticSelectElement(
        action_id=codec.CHOOSE,
        placeholder=_plain("Choose a job"),
        options=options,
        confirm=confirm(operation, request),
    )
    return MessagePart("", drawn(ActionsBlock(elements=[select])))


def machine_menu(choices: Sequence[MachineChoice]) -> MessagePart:
    """A menu of virtual machines, each to be backed up; those too long to carry are left out."""
    options = [option for choice in choices if (option := _machine_choice(choice))]
    if not options:
        return NOTHING
    select = StaticSelectElement(
        action_id=codec.CHOOSE, placeholder=_plain("Choose a machine"), options=options
    )
    return MessagePart("", drawn(ActionsBlock(elements=[select])))


def confirm(
    operation: Operation, request: Request, about: str = "", touches: tuple[str, ...] = ()
) -> ConfirmObject | None:
    """The dialog of a button; None where nothing is asked, or a form asks."""
    asked = operation.confirmation
    if asked is None or request.needs_form:
        return None
    said = " ".join(filter(None, (about, asked.consequence, *beyond_plain(request))))
    return ConfirmObject(
        title=_plain(asked.question),
        text=mrkdwn(_with_touches(said, touches), _CONFIRM_LIMIT),
        confirm=_plain(asked.yes),
        deny=_plain("Cancel"),
        style=Style.DANGER.value if operation.style is Style.DANGER else None,
    )


def touches_of(state: JobState) -> tuple[str, ...]:
    """What a dialog says of a job besides, the most telling first."""
    before = state.run_after_job.job_name if state.run_after_job is not None else None
    if state.is_disabled:
        upcoming = "disabled"
    elif before:
        upcoming = f"runs after {strong(before, _TOUCHED_NAME_LIMIT)}"
    else:
        upcoming = f"next run {date(state.next_run)}" if state.next_run is not None else ""
    objects = "" if state.objects_count is None else count(state.objects_count, "object")
    repository = f"to {literal(state.repository_name, _TOUCHED_NAME_LIMIT)}" if state.repository_name else ""
    return tuple(filter(None, (objects, upcoming, repository)))


def _with_touches(said: str, touches: tuple[str, ...]) -> str:
    """As many of them, in a line of their own, as a dialog has room for; none is cut."""
    line = ""
    for one in touches:
        longer = f"{line} · {one}" if line else sentence_case(one)
        line = longer if len(said) + 1 + len(longer) <= _CONFIRM_LIMIT else line
    return f"{said}\n{line}" if line else said


def menu_confirm(about: str, entries: Sequence[tuple[str, str]], touches: tuple[str, ...]) -> ConfirmObject:
    """The one dialog of a menu: what its entries do, each by label and consequence, as many as fit."""
    said = f"{about}: what you chose is done now."
    for label, consequence in entries:
        longer = f"{said}\n*{label}*: {consequence}"
        said = longer if len(longer) <= _CONFIRM_LIMIT else said
    return ConfirmObject(
        title=_plain("Go ahead?"),
        text=mrkdwn(_with_touches(said, touches), _CONFIRM_LIMIT),
        confirm=_plain("Go ahead"),
        deny=_plain("Cancel"),
    )


def beyond_plain(request: Request) -> tuple[str, ...]:
    """What a request asks for beyond the plain operation, as sentences for its dialog."""
    match request:
        case Start():
            return _wanted(
                (request.full, "It is an active full: all data is read again."), _chained(request.chained)
            )
        case Stop():
            return _wanted(
                (request.now, "It stops at once: objects in work are lost."), _chained(request.chained)
            )
        case Retry():
            return _wanted(_chained(request.chained))
        case Disable(span=timedelta() as span):
            return (f"The bot enables it again after {duration(span)}.",)
        case _:
            return ()


def _wanted(*sentences: tuple[bool, str]) -> tuple[str, ...]:
    return tuple(sentence for wanted, sentence in sentences if wanted)


def _chained(wanted: bool) -> tuple[bool, str]:  # noqa: FBT001 -- read as a pair, never called with a literal
    return wanted, "Chained jobs are included."


def _spoken(operation: Operation, label: str) -> str:
    return f"{label} of" if operation.kind is Kind.QUERY else label


def _plain(text: str) -> PlainTextObject:
    return PlainTextObject(text=text, emoji=False)


def _style(operation: Operation, *, prominent: bool) -> str | None:
    if operation.style is Style.DANGER or (prominent and operation.style is Style.PRIMARY):
        return operation.style.value
    return None


def _accessible(label: str, name: str, server: str) -> str:
    start, end = f"{label} job ", f" on {server}"
    return start + plain(name, _LABEL_LIMIT - len(start) - len(end)) + end


def _consequence(operation: Operation) -> str:
    if operation.has_form:
        return "A form asks first."
    return operation.confirmation.consequence if operation.confirmation else ""


def _option(label: str, value: str | None) -> Option | None:
    return None if value is None else Option(text=_plain(label), value=value)


def _menu(rest: Sequence[Control], about: str) -> OverflowMenuElement | None:
    entries = [control for control in rest if control.option is not None][:MENU_LIMIT]
    if not entries:
        return None
    return OverflowMenuElement(
        action_id=codec.MORE,
        options=[control.option for control in entries if control.option is not None],
        confirm=_menu_confirm(entries, about),
    )


def _menu_confirm(entries: Sequence[Control], about: str) -> ConfirmObject | None:
    # A menu has one dialog for all its entries.
    if len(entries) == 1:
        own: ConfirmObject | None = entries[0].button.confirm
        return own
    asking = [control for control in entries if control.consequence]
    if not asking:
        return None
    return menu_confirm(about, [(one.label, one.consequence) for one in asking], asking[0].touches)


def _turn(label: str, action_id: str, request: codec.ListRequest, of_all: str) -> Control | None:
    value = codec.encode_turn(request)
    if value is None:
        return None
    name = f"{label} page, page {request.page + 1}{of_all}"
    return Control(
        ButtonElement(text=_plain(label), action_id=action_id, value=value, accessibility_label=name)
    )


def _machine_choice(choice: MachineChoice) -> Option | None:
    value = codec.encode_run(QuickBackup(choice.machine), codec.OPTION_LIMIT)
    if value is None:
        return None
    place = f"{choice.machine.host_name} on {choice.machine.server}"
    return Option(
        text=_plain(plain(choice.name, _LABEL_LIMIT)),
        value=value,
        description=_plain(plain(place, _LABEL_LIMIT)),
    )


def _choice(request: Request, choice: JobChoice) -> Option | None:
    job = KnownJob(choice.server, choice.job_id)
    if not isinstance(request, ShowJob | ListSessions | JobAction):
        return None
    value = codec.encode_run(replace(request, job=job), codec.OPTION_LIMIT)
    if value is None:
        return None
    return Option(
        text=_plain(plain(choice.name, _LABEL_LIMIT)),
        value=value,
        description=_plain(plain(f"on {choice.server}", _LABEL_LIMIT)),
    )
