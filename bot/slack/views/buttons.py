"""Buttons and menus: labels, confirm dialogs and accessible names, all from the catalog."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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

from bot.operations.answers import JobView
from bot.operations.catalog import (
    CLONE,
    DELETE,
    DISABLE,
    EDIT,
    ENABLE,
    JOB,
    RETRY,
    SESSION,
    START,
    STOP,
    Kind,
    Operation,
    Style,
    operation_of,
)
from bot.operations.outcomes import Choice, MachineChoice
from bot.operations.requests import (
    ActionRequest,
    CloneRequest,
    DeleteRequest,
    DisableRequest,
    Drawn,
    EditRequest,
    EnableRequest,
    JobRequest,
    KnownJob,
    QuickBackupRequest,
    Request,
    RetryRequest,
    SessionRequest,
    SessionsRequest,
    StartRequest,
    StopRequest,
)
from bot.slack import codec
from bot.slack.text import literal, plain, strong
from bot.slack.views.dialogs import confirm, menu_confirm, touches_of
from bot.slack.views.message import NOTHING, MessagePart, drawn
from bot.veeam import JobId, ServerName, SessionId

DIRECT_LIMIT = 3
"""How many buttons stand beside each other; the rest is in the overflow menu."""
MENU_LIMIT = 5
SHARE_LABEL = "Share"
DETAILS_LABEL = JOB.label

_LABEL_LIMIT = 75
_CONFIRM_NAME_LIMIT = 100
_URGENCY = (RETRY, STOP, ENABLE, START, DISABLE, EDIT, CLONE, DELETE)

_REQUESTS: dict[str, Callable[[KnownJob, Drawn | None], Request]] = {
    JOB.name: lambda job, _: JobRequest(job),
    START.name: lambda job, state: StartRequest(job, drawn=state),
    STOP.name: lambda job, state: StopRequest(job, drawn=state),
    RETRY.name: lambda job, state: RetryRequest(job, drawn=state),
    ENABLE.name: lambda job, state: EnableRequest(job, drawn=state),
    DISABLE.name: lambda job, state: DisableRequest(job, drawn=state),
    EDIT.name: lambda job, _: EditRequest(job),
    CLONE.name: lambda job, state: CloneRequest(job, drawn=state),
    DELETE.name: lambda job, state: DeleteRequest(job, drawn=state),
}


@dataclass(frozen=True, slots=True)
class Target:
    """The job that buttons are about, as it stands while they are drawn.

    `touches` is what a dialog says of it besides: what it covers, its next run, where it writes to.
    """

    server: ServerName
    job_id: JobId
    name: str
    state: Drawn | None = None
    touches: tuple[str, ...] = ()

    @classmethod
    def of(cls, view: JobView) -> "Target":
        """The target that a job in a list is."""
        state = view.state
        drawn_state = Drawn(state.session_id, state.is_active)
        return cls(view.server, state.id, state.name, drawn_state, touches_of(state))

    def request(self, operation: Operation) -> Request:
        """What pressing the operation's button on this job asks for."""
        return _REQUESTS[operation.name](KnownJob(self.server, self.job_id), self.state)


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


def job_controls(target: Target, operations: Sequence[Operation]) -> list[Control | None]:
    """What can be pressed about a job, the most wanted first: what is urgent, Details, what else acts."""
    offered = [operation for operation in operations if operation.name in _REQUESTS]
    acting = sorted((one for one in offered if one.kind is Kind.ACTION), key=_urgency)
    looking = [one for one in offered if one.kind is not Kind.ACTION]
    return [job_control(target, one) for one in (*acting[:1], *looking, *acting[1:])]


def job_control(target: Target, operation: Operation) -> Control | None:
    """One operation on a job."""
    return request_control(
        target.request(operation), name=target.name, server=target.server, touches=target.touches
    )


def request_control(
    request: Request, *, name: str, server: str, prominent: bool = False, touches: tuple[str, ...] = ()
) -> Control | None:
    """A control that runs exactly this request on the job of that name; None when too long to carry."""
    operation = operation_of(request)
    label = operation.label
    value = codec.encode_act(request)
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
        _option(label, codec.encode_act(request, codec.OPTION_LIMIT)),
        label,
        _consequence(operation),
        touches,
    )


def session_control(server: ServerName, session_id: SessionId, job_name: str) -> Control | None:
    """Details of one session."""
    value = codec.encode_act(SessionRequest(session_id, server))
    if value is None:
        return None
    button = ButtonElement(
        text=_plain(DETAILS_LABEL),
        action_id=codec.action_id(SESSION),
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
    value = codec.encode_act(request)
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


def choice_menu(request: Request, choices: Sequence[Choice]) -> MessagePart:
    """A menu of jobs, each running the request on itself; those too long to carry are left out."""
    options = [option for choice in choices if (option := _choice(request, choice))]
    if not options:
        return NOTHING
    operation = operation_of(request)
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


def _spoken(operation: Operation, label: str) -> str:
    return f"{label} of" if operation.kind is Kind.QUERY else label


def _urgency(operation: Operation) -> int:
    return _URGENCY.index(operation) if operation in _URGENCY else len(_URGENCY)


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
    value = codec.encode_act(QuickBackupRequest(choice.machine), codec.OPTION_LIMIT)
    if value is None:
        return None
    place = f"{choice.machine.host_name} on {choice.machine.server}"
    return Option(
        text=_plain(plain(choice.name, _LABEL_LIMIT)),
        value=value,
        description=_plain(plain(place, _LABEL_LIMIT)),
    )


def _choice(request: Request, choice: Choice) -> Option | None:
    job = KnownJob(choice.server, choice.job_id)
    if not isinstance(request, JobRequest | SessionsRequest | ActionRequest):
        return None
    value = codec.encode_act(replace(request, job=job), codec.OPTION_LIMIT)
    if value is None:
        return None
    return Option(
        text=_plain(plain(choice.name, _LABEL_LIMIT)),
        value=value,
        description=_plain(plain(f"on {choice.server}", _LABEL_LIMIT)),
    )
