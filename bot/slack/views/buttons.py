"""Buttons and menus: labels, the dialogs that ask before they act, accessible names, all from the catalog.

Slack's limit (https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object): 300
characters of text. A dialog is drawn with its button: what it says of the job may be old.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta

from msgspec.structs import replace
from slack_sdk.models import blocks

from bot import veeam
from bot.operations import model
from bot.operations.actions import JobAction
from bot.operations.actions.apply import Apply
from bot.operations.actions.clear_cache import ClearCache
from bot.operations.actions.clone import Clone
from bot.operations.actions.delete import Delete
from bot.operations.actions.disable import Disable
from bot.operations.actions.edit import Edit
from bot.operations.actions.enable import Enable
from bot.operations.actions.many import ActionOnMany
from bot.operations.actions.quick_backup import QuickBackup
from bot.operations.actions.retry import Retry
from bot.operations.actions.start import RESTORE_POINTS, Start
from bot.operations.actions.stop import Stop
from bot.operations.actions.subscribe import Subscribe
from bot.operations.outcomes import JobChoice, JobView, MachineChoice
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.job import ShowJob
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions
from bot.operations.queries.why import ExplainFailure
from bot.slack import codec
from bot.slack.text import count, date, distinct, dotted, duration, literal, plain, sentence_case, strong
from bot.slack.views.message import NOTHING, MessagePart, drawn, mrkdwn
from bot.slack.views.status_text import in_the_last, machine_kind

DIRECT_LIMIT = 3
"""How many buttons stand beside each other; the rest is in the overflow menu."""
MENU_LIMIT = 5
SHARE_LABEL = "Share"
DETAILS_LABEL = ShowJob.operation.label

_LABEL_LIMIT = 75
_ID_SHOWN = 8
_CONFIRM_NAME_LIMIT = 100
_CONFIRM_LIMIT = 300
_TOUCHED_NAME_LIMIT = 60
_MANY_NAMED, _MANY_NAME_LIMIT = 3, 60
"""So many at least: no names are so long that these don't fit."""
_ON_A_JOB = (ShowJob, ExplainFailure, ListSessions, ShowSession, ReadAudit, JobAction, Subscribe)
_MOST_URGENT_FIRST = (Retry, Stop, Enable, Start, Disable, Apply, ClearCache, Edit, Clone, Delete)
_JOB_ACTIONS = {action.operation.name: action for action in _MOST_URGENT_FIRST}


@dataclass(frozen=True, slots=True)
class ButtonTarget:
    """The job that buttons are about, as it stands while they are drawn.

    `touches` is what a dialog says of it besides: what it covers, its next run, where it writes to.
    """

    server: veeam.ServerName
    job_id: veeam.JobId
    name: str
    state: model.Snapshot | None = None
    touches: tuple[str, ...] = ()

    @classmethod
    def of(cls, view: JobView) -> "ButtonTarget":
        """The target that a job in a list is."""
        state = view.state
        drawn_state = model.Snapshot(state.session_id, state.is_active)
        return cls(view.server, state.id, state.name, drawn_state, touches_of(state))

    def request(self, operation: model.Operation) -> model.Request:
        """What pressing the operation's button on this job asks for."""
        job = model.KnownJob(self.server, self.job_id)
        if operation == ShowJob.operation:
            return ShowJob(job)
        if operation == ExplainFailure.operation:
            return ExplainFailure(job)
        return _JOB_ACTIONS[operation.name].on_button(job, self.state)


@dataclass(frozen=True, slots=True)
class Control:
    """Something to press: as a button or, where there is no room, as an entry of a menu.

    `consequence` is what a dialog says before it acts; empty where it only shows something. `touches` is what
    the dialog says of the job.
    """

    button: blocks.ButtonElement
    option: blocks.Option | None = None
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
    if len(present) == direct + 1:
        # A menu of one is a button that takes two presses.
        direct += 1 if direct < DIRECT_LIMIT else -1
    elements: list[blocks.InteractiveElement] = [control.button for control in present[:direct]]
    elements += _menus(present[direct:], about)
    if not elements:
        return NOTHING
    return MessagePart("", drawn(blocks.ActionsBlock(elements=elements)))


def with_control(markup: str, control: Control | None) -> MessagePart:
    """A line with a button beside it."""
    accessory = None if control is None else control.button
    return MessagePart(markup, drawn(blocks.SectionBlock(text=mrkdwn(markup), accessory=accessory)))


def job_controls(target: ButtonTarget, operations: Sequence[model.Operation]) -> list[Control | None]:
    """What can be pressed about a job: what is likeliest, Why, Details, and then what else acts."""
    acting = [action.operation for action in _MOST_URGENT_FIRST if action.operation in operations]
    looking = [each for each in (ExplainFailure.operation, ShowJob.operation) if each in operations]
    return [job_control(target, one) for one in (*acting[:1], *looking, *acting[1:])]


def job_control(target: ButtonTarget, operation: model.Operation) -> Control | None:
    """One operation on a job."""
    return request_control(
        target.request(operation), name=target.name, server=target.server, touches=target.touches
    )


def request_control(
    request: model.Request, *, name: str, server: str, prominent: bool = False, touches: tuple[str, ...] = ()
) -> Control | None:
    """A control that runs exactly this request on the job of that name; None when too long to carry.

    No `server`: the job is looked for on all of them.
    """
    operation, value = request.operation, codec.encode_run(request)
    label = operation.label
    if value is None:
        return None
    is_styled = operation.style is model.Style.DANGER or (
        prominent and operation.style is model.Style.PRIMARY
    )
    about = f"{strong(name, _CONFIRM_NAME_LIMIT)} on {literal(server)}." if server else ""
    spoken = f"{label} of" if operation.kind is model.Kind.QUERY else label
    if operation == ExplainFailure.operation:
        spoken = f"{label}, about"
    button = blocks.ButtonElement(
        text=_plain(label),
        action_id=codec.action_id(operation),
        value=value,
        style=operation.style.value if is_styled else None,
        confirm=confirm(operation, request, about, touches),
        accessibility_label=_accessible(spoken, name, server),
    )
    consequence = operation.confirmation.consequence if operation.confirmation else ""
    return Control(
        button,
        _option(label, value if len(value) <= codec.OPTION_LIMIT else None),
        label,
        "A form asks first." if operation.has_form else consequence,
        touches,
    )


def with_button(words: str, request: model.Request, *, label: str) -> MessagePart:
    """A line of mrkdwn, and at its end the button that asks this."""
    button = blocks.ButtonElement(
        text=_plain(label), action_id=codec.action_id(request.operation), value=codec.encode_run(request)
    )
    return MessagePart(words, drawn(blocks.SectionBlock(text=mrkdwn(words), accessory=button)))


def session_control(server: veeam.ServerName, session_id: veeam.SessionId, job_name: str) -> Control | None:
    """Details of one session."""
    value = codec.encode_run(ShowSession(session_id, server))
    if value is None:
        return None
    button = blocks.ButtonElement(
        text=_plain(DETAILS_LABEL),
        action_id=codec.action_id(ShowSession.operation),
        value=value,
        accessibility_label=_accessible("Details of a session of", job_name, server),
    )
    return Control(button)


def sessions_menu(sessions: Sequence[tuple[str, veeam.ServerName, veeam.SessionId]]) -> MessagePart:
    """A menu of sessions, each of a job on a server, that shows Details of the one that is chosen.

    Of a single one, the button.
    """
    if len(sessions) == 1:
        ((name, server, session_id),) = sessions
        return controls([session_control(server, session_id, name)])
    labels = distinct([name for name, _, _ in sessions], _LABEL_LIMIT)
    options = [
        _choice(label, f"on {server}", ShowSession(session_id, server))
        for label, (_, server, session_id) in zip(labels, sessions, strict=True)
    ]
    return _menu_of(f"{DETAILS_LABEL} of …", options)


def why_control(
    server: veeam.ServerName, job_id: veeam.JobId, session_id: veeam.SessionId, job_name: str
) -> Control | None:
    """Why a run of the job failed or warned, the one that this session is an attempt of."""
    request = ExplainFailure(model.KnownJob(server, job_id), session_id)
    return request_control(request, name=job_name, server=server)


def share_control(request: model.Request) -> Control | None:
    """Share this answer with the channel."""
    value = codec.encode_share(request)
    if value is None:
        return None
    button = blocks.ButtonElement(
        text=_plain(SHARE_LABEL),
        action_id=codec.SHARE,
        value=value,
        accessibility_label="Share this answer with the channel",
    )
    return Control(button, _option(SHARE_LABEL, codec.encode_share(request, codec.OPTION_LIMIT)))


def previous_step(request: model.Request) -> MessagePart:
    """Back to the view before, in a form of several; nothing where the request is too long to carry."""
    value = codec.encode_run(request)
    if value is None:
        return NOTHING
    button = blocks.ButtonElement(
        text=_plain("Previous"),
        action_id=codec.PREVIOUS,
        value=value,
        accessibility_label="Back to the fields, as you filled them in",
    )
    return controls([Control(button)])


def page_controls(request: codec.PagedRequest, *, pages: int | None, has_more: bool) -> list[Control]:
    """Previous and Next, as far as there are pages."""
    turns = [("Previous", codec.PREVIOUS, request.page - 1)] if request.page > 0 else []
    turns += [("Next", codec.NEXT, request.page + 1)] if has_more else []
    shown = []
    for label, action_id, page in turns:
        spoken = f"{label} page, page {page + 1}{f' of {pages}' if pages else ''}"
        if (value := codec.encode_turn(replace(request, page=page))) is not None:
            button = blocks.ButtonElement(
                text=_plain(label), action_id=action_id, value=value, accessibility_label=spoken
            )
            shown.append(Control(button))
    return shown


def choice_menu(request: model.Request, choices: Sequence[JobChoice]) -> MessagePart:
    """A menu of jobs, each running its request, or else this one; of a single one, the button.

    Nothing where a menu can't carry all of them.
    """
    if len(choices) == 1:
        return controls([choice_control(choices[0], request)])
    options = []
    labels = distinct([choice.name for choice in choices], _LABEL_LIMIT)
    looks = [(label, choice.server) for label, choice in zip(labels, choices, strict=True)]
    for choice, label in zip(choices, labels, strict=True):
        is_like_another = looks.count((label, choice.server)) > 1
        # A new name that was typed may be long, and is cut: what tells the jobs apart comes before it.
        place = dotted(
            f"on {choice.server}",
            f"ID {choice.job_id[:_ID_SHOWN]}" if is_like_another else "",
            choice_in_words(choice, request),
        )
        options.append(_choice(label, place, _chosen(choice, request)))
    differ = any(choice.request is not None for choice in choices)
    dialog = _several_confirm(request.operation, choices) if differ else confirm(request.operation, request)
    return _menu_of("Choose a job", options, dialog)


def choice_control(choice: JobChoice, request: model.Request) -> Control | None:
    """The button that runs a choice's request, or else this one, on the job that is chosen."""
    chosen = _chosen(choice, request)
    return None if chosen is None else request_control(chosen, name=choice.name, server=choice.server)


def _chosen(choice: JobChoice, request: model.Request) -> model.Request | None:
    read = request if choice.request is None else choice.request
    known = model.KnownJob(choice.server, choice.job_id)
    return replace(read, job=known) if isinstance(read, _ON_A_JOB) else None


def choice_in_words(choice: JobChoice, request: model.Request) -> str:
    """What choosing a job does; nothing where that is no more than to show it."""
    read = request if choice.request is None else choice.request
    words, label = in_words(read), read.operation.label
    is_plain = choice.request is None and words == label and read.operation.kind is not model.Kind.ACTION
    return "" if is_plain else words


def asking(control: Control, question: str, words: str, *, yes: str) -> Control:
    """The same button, with this dialog."""
    control.button.confirm = blocks.ConfirmObject(
        title=_plain(question), text=mrkdwn(words, _CONFIRM_LIMIT), confirm=_plain(yes), deny=_plain("Cancel")
    )
    return control


def on_many(
    request: ActionOnMany,
    names: Sequence[str],
    total: int,
    *,
    about: str = "",
    beside: str = "",
    prominent: bool = False,
) -> Control | None:
    """A button that acts on so many jobs at once: its dialog says how many and which, by name as room allows.

    `about` tells it from its like in one message, whose dialogs name a few; `beside` says more in the dialog.
    """
    control, asked = request_control(request, name="", server="", prominent=prominent), request.operation
    if control is None or asked.confirmation is None:
        return None
    more = " ".join(filter(None, (asked.confirmation.consequence, beside)))
    which = _which(
        names[:_MANY_NAMED] if about else names, total, room=_CONFIRM_LIMIT - len(more) - len(". ")
    )
    if about:
        control.button.accessibility_label = plain(f"{asked.label}: {about}", _LABEL_LIMIT)
    return asking(
        control,
        f"{asked.label.removesuffix(' all')} {count(total, 'job')}?",
        f"{which}. {more}",
        yes=asked.confirmation.yes,
    )


def _which(names: Sequence[str], total: int, *, room: int) -> str:
    """As many names as there is room for, a few at least, and how many more there are."""
    said = ""
    for number in range(1, len(names) + 1):
        named = ", ".join(strong(name, _MANY_NAME_LIMIT) for name in names[:number])
        longer = named + (f" and {total - number:,} more" if total > number else "")
        if number > _MANY_NAMED and len(longer) > room:
            break
        said = longer
    return said


def in_words(request: model.Request) -> str:
    """What a request does, in a few words: "Start, active full"."""
    label = request.operation.label
    match request:
        case JobAction(detail=str(detail)):
            return f"{label}, {detail}"
        case ListSessions(which=which, within=within):
            span = in_the_last(within) if within is not None else ""
            return ", ".join(filter(None, (label, which, span)))
        case ReadAudit(within=timedelta() as within):
            return f"{label}, {in_the_last(within)}"
        case _:
            return label


def _several_confirm(operation: model.Operation, choices: Sequence[JobChoice]) -> blocks.ConfirmObject | None:
    """The one dialog of a menu whose entries do different things; None where nothing is asked."""
    asked = operation.confirmation
    if asked is None:
        return None
    text = "The action you chose runs now."
    for choice in choices:
        if choice.request is not None:
            name = f"{strong(choice.name, _TOUCHED_NAME_LIMIT)} on {literal(choice.server)}"
            longer = f"{text}\n{name}: {literal(in_words(choice.request))}"
            text = longer if len(longer) <= _CONFIRM_LIMIT else text
    return blocks.ConfirmObject(
        title=_plain(asked.question),
        text=mrkdwn(text, _CONFIRM_LIMIT),
        confirm=_plain(asked.yes),
        deny=_plain("Cancel"),
        style=model.Style.DANGER.value if operation.style is model.Style.DANGER else None,
    )


def machine_menu(choices: Sequence[MachineChoice]) -> MessagePart:
    """A menu of machines, each to be backed up; nothing where it can't carry all of them."""
    options = [
        _choice(
            choice.name,
            f"{machine_kind(choice.machine.platform)} on {choice.machine.server} · {choice.place}",
            QuickBackup(choice.machine),
        )
        for choice in choices
    ]
    return _menu_of("Choose a machine", options)


def confirm(
    operation: model.Operation, request: model.Request, about: str = "", touches: tuple[str, ...] = ()
) -> blocks.ConfirmObject | None:
    """The dialog of a button; None where nothing is asked, or a form asks."""
    asked = operation.confirmation
    if asked is None or request.needs_form:
        return None
    text = " ".join(filter(None, (about, asked.consequence, *beyond_plain(request))))
    return blocks.ConfirmObject(
        title=_plain(asked.question),
        text=mrkdwn(_with_touches(text, touches), _CONFIRM_LIMIT),
        confirm=_plain(asked.yes),
        deny=_plain("Cancel"),
        style=model.Style.DANGER.value if operation.style is model.Style.DANGER else None,
    )


def touches_of(state: veeam.JobState) -> tuple[str, ...]:
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


def _with_touches(text: str, touches: tuple[str, ...]) -> str:
    """As many of them, in a line of their own, as a dialog has room for; none is cut."""
    line = ""
    for one in touches:
        longer = f"{line} · {one}" if line else sentence_case(one)
        line = longer if len(text) + 1 + len(longer) <= _CONFIRM_LIMIT else line
    return f"{text}\n{line}" if line else text


def menu_confirm(
    about: str, entries: Sequence[tuple[str, str]], touches: tuple[str, ...]
) -> blocks.ConfirmObject:
    """The one dialog of a menu: what its entries do, each by label and consequence, as many as fit."""
    text = f"{about}: the action you chose runs now."
    for label, consequence in entries:
        longer = f"{text}\n*{label}*: {consequence}"
        text = longer if len(longer) <= _CONFIRM_LIMIT else text
    return blocks.ConfirmObject(
        title=_plain("Go ahead?"),
        text=mrkdwn(_with_touches(text, touches), _CONFIRM_LIMIT),
        confirm=_plain("Go ahead"),
        deny=_plain("Cancel"),
    )


def beyond_plain(request: model.Request) -> tuple[str, ...]:
    """What a request asks for beyond the plain operation, as sentences for its dialog."""
    sentences = {}
    match request:
        case Start():
            points = request.restore_points
            taken = f"It takes {RESTORE_POINTS[points]}." if points is not None else ""
            sentences = {"It is an active full: all data is read again.": request.full, taken: bool(taken)}
        case Stop():
            sentences = {"It stops at once: objects in progress are lost.": request.now}
        case Disable(span=timedelta() as span):
            sentences = {f"The bot will enable it after {duration(span)}.": True}
        case Disable(at=time() as at):
            sentences = {f"The bot will enable it at {at:%H:%M} in your time zone.": True}
    if isinstance(request, Start | Stop | Retry):
        sentences["Chained jobs are included."] = request.chained
    return tuple(sentence for sentence, is_wanted in sentences.items() if is_wanted)


def _plain(text: str) -> blocks.PlainTextObject:
    return blocks.PlainTextObject(text=text, emoji=False)


def _accessible(label: str, name: str, server: str) -> str:
    if not (name or server):
        return label
    start, end = f"{label} job ", f" on {server}" if server else ""
    room = max(1, _LABEL_LIMIT - len(start) - len(end))
    return plain(f"{start}{plain(name, room)}{end}", _LABEL_LIMIT)


def _option(label: str, value: str | None) -> blocks.Option | None:
    return None if value is None else blocks.Option(text=_plain(label), value=value)


def _menus(rest: Sequence[Control], about: str) -> list[blocks.OverflowMenuElement]:
    """One menu or, where there is more than it takes, two of about the same length."""
    entries = [control for control in rest if control.option is not None][: 2 * MENU_LIMIT]
    first = len(entries) if len(entries) <= MENU_LIMIT else (len(entries) + 1) // 2
    parts = ((codec.MORE, entries[:first]), (codec.STILL_MORE, entries[first:]))
    return [_menu(part, about, action_id) for action_id, part in parts if part]


def _menu(entries: Sequence[Control], about: str, action_id: str) -> blocks.OverflowMenuElement:
    # A menu has one dialog for all its entries.
    asking = [control for control in entries if control.asks_first]
    if len(entries) == 1:
        dialog = entries[0].button.confirm
    elif asking:
        consequences = [(one.label, one.consequence) for one in asking]
        dialog = menu_confirm(about, consequences, asking[0].touches)
    else:
        dialog = None
    return blocks.OverflowMenuElement(
        action_id=action_id,
        options=[control.option for control in entries if control.option is not None],
        confirm=dialog,
    )


def _menu_of(
    placeholder: str, options: Sequence[blocks.Option | None], dialog: blocks.ConfirmObject | None = None
) -> MessagePart:
    """A menu of these options; nothing where one of them can't be carried."""
    carried = [option for option in options if option is not None]
    if not carried or len(carried) < len(options):
        return NOTHING
    select = blocks.StaticSelectElement(
        action_id=codec.CHOOSE, placeholder=_plain(placeholder), options=carried, confirm=dialog
    )
    return MessagePart("", drawn(blocks.ActionsBlock(elements=[select])))


def _choice(name: str, place: str, request: model.Request | None) -> blocks.Option | None:
    value = None if request is None else codec.encode_run(request, codec.OPTION_LIMIT)
    if value is None:
        return None
    text, description = plain(name, _LABEL_LIMIT), plain(place, _LABEL_LIMIT)
    return blocks.Option(text=_plain(text), value=value, description=_plain(description))
