"""Problems, in place of an answer: what happened, whether anything was changed, what to do next.

That is every outcome that isn't Done (those about approvals are in `approvals`), a press that can't be
understood, and an answer that takes long.
"""

from collections.abc import Sequence

from bot.operations import model, outcomes
from bot.operations.actions import BotAction, JobAction
from bot.operations.actions.approvals import ApprovalForm, Approve, Decline
from bot.operations.actions.create import CreateChoice, SettingsForm
from bot.operations.actions.edit import Edit
from bot.operations.actions.many import ActionOnMany
from bot.operations.actions.quick_backup import QuickBackup, QuickBackupForm
from bot.operations.impact import ActionForm, PickForm
from bot.operations.matching import fold
from bot.operations.queries.job import ShowJob
from bot.slack.codec import UnreadablePress, UnreadableReason
from bot.slack.text import code, count, date, escape, literal, mention, one_line, shorten, strong
from bot.slack.views import buttons, status_text
from bot.slack.views.approvals import approval_not_shown
from bot.slack.views.buttons import ButtonTarget, controls, job_control
from bot.slack.views.impact import recent_actions
from bot.slack.views.jobs import job_state
from bot.slack.views.many import first_named
from bot.slack.views.message import NOTHING, Message, MessagePart, compose, fit, note, paragraph
from bot.slack.views.server_errors import explain, is_four_eyes
from bot.slack.views.subscriptions import asked_by_message
from bot.veeam import AnswerLost, Capability, Detail, Interrupted, Rejected, Session, has_model

CHOICES_LIMIT = 40
_SENTENCE_LIMIT = 600
_GROUPS_LIMIT = 10
_NAME_LIMIT = 60

_STANDINGS = {
    model.Standing.MEMBER: "Your Slack account can't do this.",
    model.Standing.GUEST: "Guests of this workspace can't use this.",
    model.Standing.FOREIGN: "People from other organisations can't use this.",
    model.Standing.DEACTIVATED: "Your Slack account is deactivated.",
    model.Standing.INVITED: "You haven't accepted your invitation to this workspace yet.",
    model.Standing.BOT: "Bots can't use this.",
    model.Standing.UNREADABLE: "Couldn't read your account from Slack.",
}


_ABOUT_ROLES = frozenset(
    {model.Refusal.NO_GRANT, model.Refusal.ROLE, model.Refusal.SCOPE, model.Refusal.REVISION}
)


def refused(outcome: outcomes.Refused, *, command: str) -> Message:
    """A polite no, with the roles that may and the groups that have them."""
    operation = outcome.operation
    doing = (
        code(f"{command} {operation.name}") if operation.usage else strong(operation.button or operation.name)
    )
    roles = [f"*{role.value}*" for role in outcome.roles_needed]
    head = [
        paragraph(_refusal(outcome, doing), "Nothing was done."),
        paragraph(f"Requires {_either(roles)}." if roles else "", _groups(outcome.groups)),
        note(
            f"{code(f'{command} whoami')} shows your roles and where they come from."
            if outcome.refusal in _ABOUT_ROLES
            else ""
        ),
    ]
    return compose(head)


def syntax_problem(outcome: outcomes.SyntaxProblem, *, command: str) -> Message:
    """Words that could not be read, what is wrong with them, and what would be read."""
    suggestion = f"Try {code(f'{command} {outcome.suggestion}')}" if outcome.suggestion else ""
    typed = f"{command} {outcome.text}".strip()
    head = [
        paragraph(shorten(one_line(outcome.problem), _SENTENCE_LIMIT, escape), suggestion),
        note(f"You typed {code(typed)}. {code(f'{command} help')} shows what you can do."),
    ]
    return compose(head)


def not_found(outcome: outcomes.NotFound, *, command: str) -> Message:
    """Nothing of that name, and the names that are alike; those of jobs with a button that opens the job."""
    near = [code(name) for name in outcome.nearest]
    openers = [_opens(name) for name in outcome.nearest] if outcome.what == "job" else []
    head = [
        paragraph(
            _nothing_of(outcome),
            f"Did you mean {_either(near)}?" if near else "",
            f"{'Or try' if near else 'Try'} {code(f'{command} {outcome.suggestion}')}"
            if outcome.suggestion
            else "",
        ),
    ]
    return compose(head, openers, [note(_silent(outcome.silent, f"{outcome.what}s"))])


def _nothing_of(outcome: outcomes.NotFound) -> str:
    word = code(outcome.word)
    match outcome.what:
        case "mutes":
            return f"Nothing is muted on {literal(outcome.word)}."
        case "mute":
            return f"Not muted: {literal(outcome.word)}."
        case "message" if outcome.has_answers:
            return f"No session found behind {word}. It takes the link of the bot's message about a run."
        case "message":
            return f"Slack didn't say what {word} is about. {_TRY_AGAIN}"
        case "run":
            sentence = f"VBR lists no run of {strong(outcome.word)}."
        case what if outcome.has_answers:
            sentence = f"No {literal(what)} named {word}."
        case what:
            return f"Whether there is a {literal(what)} named {word} is unknown: no server answered."
    is_whole = not outcome.silent and all(one.what is Detail.SERVER_TIME for one in outcome.missing)
    return status_text.as_read(sentence, is_whole=is_whole)


def _opens(name: str) -> MessagePart:
    """A job by its name, and the button that shows it, whatever was asked for."""
    request = ShowJob(model.NamedJob(name, exact=True))
    opener = controls([buttons.request_control(request, name=name, server="")])
    return MessagePart("", paragraph(strong(name)).blocks + opener.blocks)


def ambiguous(outcome: outcomes.Ambiguous) -> Message:
    """Several jobs match, or one that may not be the only one: what there is to choose from."""
    shown = outcome.choices[:CHOICES_LIMIT]
    total = max(outcome.total, len(outcome.choices))
    more = (
        f"The first {len(shown)} are here; type more of the name to narrow it down."
        if total > len(shown)
        else ""
    )
    nothing_done = "Nothing was done." if outcome.request.operation.kind is model.Kind.ACTION else ""
    does = [buttons.choice_in_words(choice, outcome.request) for choice in shown]
    ways = set(does)
    go_ahead = "Press the button" if total == 1 else "Choose one"
    what = f"{go_ahead} to go ahead: {literal(does[0])}." if len(ways) == 1 and does[0] else ""
    head = [paragraph(_which_one(outcome, total), " ".join(filter(None, (nothing_done, what))), more)]
    menu = buttons.choice_menu(outcome.request, shown)
    names = [status_text.job_name(choice.name, choice.server) for choice in shown]
    lines = [
        f"{name}: {literal(words)}" if len(ways) > 1 and words else name
        for name, words in zip(names, does, strict=True)
    ]
    listed = [
        MessagePart(line, ())
        if menu.blocks
        else buttons.with_control(line, buttons.choice_control(choice, outcome.request))
        for line, choice in zip(lines, shown, strict=True)
    ]
    silent = note(_silent(outcome.silent)) if total > 1 or outcome.is_part else NOTHING
    return compose(head, listed, [menu, silent], noun="job")


def part_of_name(outcome: outcomes.PartOfName) -> Message:
    """A part of one job's name was typed: the job, and the button that does it."""
    view, operation = outcome.job, outcome.operation
    target = ButtonTarget.of(view)
    name = status_text.job_name(view.state.name, view.server)
    does_it = buttons.request_control(
        outcome.request, name=view.state.name, server=view.server, prominent=True, touches=target.touches
    )
    detail = outcome.request.detail if isinstance(outcome.request, JobAction) else None
    head = [
        paragraph(f"{_none_named('job', outcome)}, but it is part of the name of {name}. Nothing was done."),
        job_state(view),
        note(f"If you mean this job, press {operation.label}{f' ({detail})' if detail else ''}."),
        controls([does_it, job_control(target, ShowJob.operation)]),
    ]
    return compose(head)


def offered(outcome: outcomes.Offered, *, command: str) -> Message:
    """An action that a message asked for: what it would be done on, and the button that does it."""
    operation, view, request = outcome.operation, outcome.job, outcome.request
    if isinstance(request, ActionOnMany):
        return _offered_on_many(request, outcome.jobs)
    touches = ButtonTarget.of(view).touches if view is not None else ()
    does_it = buttons.request_control(
        request, name=outcome.name, server=outcome.server, prominent=True, touches=touches
    )
    if isinstance(request, BotAction):
        return asked_by_message(request, does_it, ends=outcome.subscription)
    if not outcome.name:
        usage = f"Or type it in one line: {code(f'{command} {operation.usage}')}"
        head = [
            paragraph(f"{operation.label}? Press the button to open the form. Nothing was changed yet."),
            controls([does_it]),
            note(usage if operation.finds_by_form else ""),
        ]
        return compose(head)
    detail = request.detail if isinstance(request, JobAction) else None
    name = status_text.job_name(outcome.name, outcome.server)
    asked = operation.confirmation
    consequence = (
        asked.consequence if asked is not None else "A form asks first." if operation.has_form else ""
    )
    head = [
        paragraph(f"{operation.label} {name}{f' ({detail})' if detail else ''}? Nothing was done yet."),
        job_state(view) if view is not None else NOTHING,
        note(f"A message alone changes nothing. Press {operation.label} to go ahead. {consequence}".rstrip()),
        controls([does_it, job_control(ButtonTarget.of(view), ShowJob.operation) if view else None]),
    ]
    return compose(head)


def _offered_on_many(request: ActionOnMany, names: Sequence[str]) -> Message:
    """The same for many jobs: how many, the first by name, and the button that does it to all of them."""
    label = request.operation.label
    named = first_named([strong(name, _NAME_LIMIT) for name in names])
    said = f"{label.removesuffix(' all')} {count(len(names), 'job')}: {named}? Nothing was done yet."
    does_it = buttons.on_many(request, names, len(names), prominent=True)
    pressing = note(f"A message alone changes nothing. Press {label} to go ahead.")
    return compose([paragraph(said), pressing, controls([does_it])])


def ambiguous_machine(outcome: outcomes.AmbiguousMachine) -> Message:
    """Several machines may be meant: a menu to choose from; of a single one, the button."""
    word, silent = code(outcome.word), note(_silent(outcome.silent, "machines"))
    rows = [
        f"{strong(choice.name)}, a {status_text.machine_kind(choice.machine.platform)} "
        f"below {literal(choice.place)} on {literal(choice.machine.server)}"
        for choice in outcome.choices
    ]
    if outcome.total == 1:
        (only,), (row,) = outcome.choices, rows
        found = f"{_none_named('machine', outcome)}, but it is part of the name of {row}."
        does_it = buttons.request_control(
            QuickBackup(only.machine), name=only.name, server=only.machine.server, prominent=True
        )
        label = QuickBackup.operation.label
        head = [
            paragraph(f"{found if outcome.is_part else f'Is this the one? {row}.'} Nothing was done."),
            silent,
            note(f"If you mean this machine, press {label}."),
            controls([does_it]),
        ]
        return compose(head)
    what = "with {} in their names" if outcome.is_part else "named {}"
    asked = f"{count(outcome.total, 'machine')} {what.format(word)}. Which one? Nothing was done."
    menu = buttons.machine_menu(outcome.choices)
    if menu.blocks:
        return compose([paragraph(asked, *rows), menu, silent])
    does = [
        buttons.request_control(QuickBackup(each.machine), name=each.name, server=each.machine.server)
        for each in outcome.choices
    ]
    listed = [buttons.with_control(row, control) for row, control in zip(rows, does, strict=True)]
    return compose([paragraph(asked)], listed, [silent], noun="machine")


def unsupported_machine(outcome: outcomes.UnsupportedMachine) -> Message:
    """The machine is of a platform that the server's revision can't do this for."""
    kind, needs = status_text.machine_kind(outcome.platform), _needs(outcome.unsupported, outcome.server)
    what = f"{strong(outcome.name)} is a {kind}; {outcome.operation.label.lower()} of those {needs}."
    return compose([paragraph(f"{what} Nothing was sent.")])


def _needs(unsupported: outcomes.Unsupported, server: str) -> str:
    spoken = f"the bot speaks {unsupported.product}'s API with {literal(server)}"
    return f"needs {unsupported.needed} or newer ({spoken})"


def already_pressed(outcome: outcomes.AlreadyPressed) -> Message:
    """A second press of the same button."""
    operation, label = outcome.operation, outcome.operation.label
    is_decision = operation in {Approve.operation, Decline.operation}
    if operation.kind is not model.Kind.ACTION and not is_decision:
        return compose([paragraph(f"This was already shared {date(outcome.at)}. Nothing more was done.")])
    who = "You" if outcome.by_same_person else mention(outcome.by)
    return compose([paragraph(f"{who} already pressed {label} {date(outcome.at)}. Nothing more was done.")])


def stale_button(outcome: outcomes.StaleButton) -> Message:
    """The job is no longer as it was drawn: how it is now, and a fresh button to ask again with."""
    name, server = outcome.job.state.name, outcome.job.server
    touches = ButtonTarget.of(outcome.job).touches
    again = buttons.request_control(
        outcome.request, name=name, server=server, prominent=True, touches=touches
    )
    head = [
        paragraph(
            f"{status_text.job_name(name, server)} has changed since that button was posted. "
            "Nothing was done."
        ),
        job_state(outcome.job),
        paragraph(recent_actions(outcome.recent)),
        note(f"If you still want it, press {outcome.operation.label} here."),
        controls([again, job_control(ButtonTarget.of(outcome.job), ShowJob.operation)]),
    ]
    return compose(head)


def not_possible(outcome: outcomes.NotPossible) -> Message:
    """The job's state does not allow it: the buttons are those of what it does allow."""
    view = outcome.job
    allowed = [
        each
        for each in view.operations
        if each != outcome.operation or outcome.blocked in _BLOCKED_AS_ASKED_FOR
    ]
    name = status_text.job_name(view.state.name, view.server)
    if outcome.blocked in _SAID_BESIDE:
        why = f": {_SAID_BESIDE[outcome.blocked]}"
    elif outcome.unsupported is None:
        why = f" {_obstacle(outcome)}"
    else:
        lacked = outcome.unsupported.capability
        instead = f"; {_INSTEAD[lacked]}" if lacked in _INSTEAD else ""
        why = f": {lacked} {_needs(outcome.unsupported, view.server)}{instead}."
    head = [
        paragraph(f"{name}{why} Nothing was sent."),
        job_state(view),
        paragraph(recent_actions(outcome.recent)),
        controls(buttons.job_controls(ButtonTarget.of(view), allowed), about=name),
    ]
    return compose(head)


def already_over(outcome: outcomes.AlreadyOver) -> Message:
    """There is nothing to do about it any more."""
    name = status_text.job_name(outcome.name, outcome.server)
    beside = _SAID_BESIDE.get(outcome.blocked)
    why = f": {beside}" if beside else f" {_OBSTACLES[outcome.blocked]}"
    return compose([paragraph(f"{name}{why} Nothing was changed.")])


def _obstacle(outcome: outcomes.NotPossible) -> str:
    kind = status_text.type_name(outcome.job.state.type)
    match outcome.blocked:
        case outcomes.Blocked.NO_POLICY:
            return (
                f"is not an agent policy; its type is {kind}. Only policies send settings to "
                "computers or keep a backup cache there; other jobs apply new settings at their next run."
            )
        case outcomes.Blocked.NO_CLONE if has_model(outcome.job.state.type):
            return "is of a type that VBR's API can't clone. Create a job like it, or use VBR's console."
        case outcomes.Blocked.MUTED_WITH_SERVER if outcome.muted is not None:
            command = "" if outcome.muted.ended_by is None else f": {code(outcome.muted.ended_by)}"
            return f"is muted with its server until {date(outcome.muted.until)}{command}."
        case outcomes.Blocked.NO_CACHE:
            return f"is of type {kind}. Only computers with Windows keep a backup cache."
        case _:
            return _OBSTACLES[outcome.blocked]


def unclear(outcome: outcomes.Unclear, reference: str) -> Message:
    """It was sent and no answer came: what is known, and no button that would do it twice."""
    name = status_text.job_name(outcome.job_name, outcome.server)
    label, explained, found = outcome.operation.label, explain(outcome.error), _found_since(outcome)
    head = [
        paragraph(
            f"{status_text.WARNING} {label} of {name}: it is not clear whether it was done.",
            explained.happened,
            explained.means,
            _QUICK_BACKUP if outcome.operation is QuickBackup.operation else "",
        ),
        paragraph("Looked up since:") + job_state(outcome.job) if outcome.job else NOTHING,
        paragraph("" if outcome.job or found else _NOT_LOOKED_UP),
        note(found, _reference(reference)),
        controls([job_control(ButtonTarget.of(outcome.job), ShowJob.operation)]) if outcome.job else NOTHING,
    ]
    return compose(head)


def failed(outcome: outcomes.Failed, reference: str) -> Message:
    """A server refused or did not answer."""
    explained, advice = explain(outcome.error), ""
    if is_four_eyes(outcome.error):
        advice = _FOUR_EYES
    elif outcome.operation is QuickBackup.operation and isinstance(outcome.error, Rejected):
        advice = _QUICK_BACKUP
    about = f" of {strong(outcome.job_name)}" if outcome.job_name else ""
    sign, ended = status_text.FAILED, " failed."
    if isinstance(outcome.error, AnswerLost | Interrupted):
        sign, ended = status_text.WARNING, ": it is not clear whether it was done."
    head = [
        paragraph(f"{sign} {outcome.operation.label}{about}{ended}", explained.happened),
        paragraph(explained.means, advice or explained.advice),
        note(_reference(reference)),
    ]
    return compose(head)


def internal_error(outcome: outcomes.InternalError, reference: str) -> Message:
    """Our own failure."""
    happened = {
        "store": "The bot's own database did not answer.",
        "slow": "This took too long and was given up.",
        "stopping": "The bot is being restarted.",
    }.get(outcome.what, "Something went wrong in the bot.")
    changed = {
        True: "VBR was changed before that. Check the job before you try again.",
        False: "Nothing was changed in VBR.",
        None: "VBR may or may not have been changed. Check the job before you try again.",
    }[outcome.changed]
    again = "Try again in a minute. " if outcome.changed is False else ""
    advice = f"{again}If it keeps happening, send this reference to the bot's administrator."
    return compose(
        [paragraph(f"{status_text.FAILED} {happened}", changed, advice), note(_reference(reference))]
    )


def needs_form(outcome: outcomes.NeedsForm, *, command: str) -> Message:
    """A form is needed and could not be opened: a button to open it by, or how to say it in words."""
    form, operation = outcome.form, outcome.operation
    if isinstance(form, PickForm):
        return _usage_hint(operation, command=command)
    if isinstance(form, ApprovalForm):
        return approval_not_shown(form)
    request: model.Request = form.request
    if isinstance(form, QuickBackupForm):
        name, server, about = form.machine_name, form.server, NOTHING
    else:
        if isinstance(form, SettingsForm):
            touched = None if isinstance(form, CreateChoice) else form.impact
        elif isinstance(form, ActionForm):
            touched = form.impact
        else:
            raise TypeError(form)
        if touched is None:
            again = f"Type {code(f'{command} {operation.usage}')} once more."
            unopened = "the form could not be opened. Nothing was changed."
            return compose([paragraph(f"{operation.label}: {unopened} {again}")])
        job = touched.job
        name, server, about = job.state.name, job.server, job_state(job)
        if isinstance(form, SettingsForm):
            # A button can't carry what was entered: it opens the form afresh.
            request = Edit(model.KnownJob(server, job.state.id))
    head = [
        paragraph(
            f"{operation.label} {status_text.job_name(name, server)}? "
            "Press the button to open the form. Nothing was changed yet."
        ),
        about,
        controls([buttons.request_control(request, name=name, server=server)]),
    ]
    return compose(head)


def draft_expired(outcome: outcomes.DraftExpired, *, command: str) -> Message:
    """What was entered in a form is no longer kept."""
    asked = code(f"{command} {outcome.operation.usage}")
    head = [
        paragraph(
            "What you entered is no longer kept: a form is kept for a day. Nothing was done.",
            f"Start again with {asked}.",
        )
    ]
    return compose(head)


def too_many(outcome: outcomes.TooMany) -> Message:
    """The person has enough under way."""
    if outcome.is_a_minute:
        text = f"You made more than {outcome.under_way:,} requests within a minute. Nothing was done."
    elif outcome.is_action:
        text = f"You have {outcome.under_way} actions in progress; wait until they finish. Nothing was done."
    else:
        text = f"You have {outcome.under_way} questions in progress; wait for their answers."
    return compose([paragraph(text)])


def _usage_hint(operation: model.Operation, *, command: str) -> Message:
    """How to say in one line what a form asks for, where the form could not be opened."""
    asked = "Which machine?" if operation is QuickBackup.operation else "Which job?"
    usage = code(f"{command} {operation.usage}")
    form = "The form that asks for it couldn't be opened just now."
    head = [
        paragraph(f"{asked} Usage: {usage}", f"Try {code(f'{command} {operation.examples[0]}')}"),
        note(form),
    ]
    return compose(head)


def unreadable_press(press: UnreadablePress) -> Message:
    """A press on a button that can't be acted on."""
    why = {
        UnreadableReason.OLD: "This button is from another version of the bot.",
        UnreadableReason.BROKEN: "This button can't be read any more.",
        UnreadableReason.FOREIGN: "This button is not the bot's.",
    }[press.why]
    return compose([paragraph(f"{why} Nothing was done. Ask again, and use the new button.")])


def not_about_a_job() -> Message:
    """The message shortcut, used on a message that names no job, or that the bot did not write."""
    return compose(
        [
            paragraph(
                "This message isn't about a job.", "The shortcut works on the bot's own messages about one."
            )
        ]
    )


def still_asking() -> Message:
    """An answer takes longer than people like to wait; sent once, to the asker alone."""
    return compose([paragraph(f"{status_text.BUSY} Still asking VBR. The answer will appear here.")])


def not_kept_current(message: Message) -> Message:
    """The message for a channel where the bot can't post itself, and so can't edit what it posted."""
    warning = note("This won't be updated: Slack didn't let the bot post here itself. Is it a member?")
    return fit(Message(f"{message.text}\n{warning.text}", message.blocks + warning.blocks, message.metadata))


def _on_one_server(outcome: outcomes.Ambiguous) -> bool:
    servers = [choice.server for choice in outcome.choices]
    return len(servers) > len(set(servers))


def _which_one(outcome: outcomes.Ambiguous, total: int) -> str:
    word = code(outcome.word)
    if outcome.is_part and outcome.request.operation.kind is model.Kind.ACTION:
        have, asked = ("has", "Is that one meant?") if total == 1 else ("have", "Which one?")
        return f"{_none_named('job', outcome)}; {count(total, 'job')} {have} it in the name. {asked}"
    if total == 1:
        (only,) = outcome.choices
        return f"{_may_be_another(outcome)} Do you mean {status_text.job_name(only.name, only.server)}?"
    names = {fold(choice.name) for choice in outcome.choices}
    if len(names) > 1 and any(choice.request is not None for choice in outcome.choices):
        return f"{word} can be read in {count(total, 'way')}. Which one?"
    if len(names) == 1 and _on_one_server(outcome):
        hint = "their names differ only in letter case, spaces or invisible characters (shown as �)"
        return f"{count(total, 'job')} look like {word}: {hint}. Which one?"
    if len(names) == 1 and not outcome.is_part:
        return f"{count(total, 'server')} have a job named {word}. Which one?"
    return f"{count(total, 'job')} match {word}. Which one?"


def _none_named(
    what: str, outcome: outcomes.Ambiguous | outcomes.AmbiguousMachine | outcomes.PartOfName
) -> str:
    """That nothing bears the whole name, of what could be read."""
    is_partly_read = bool(outcome.missing) or bool(getattr(outcome, "silent", ()))
    return f"No {what} {'that could be read ' if is_partly_read else ''}is named {code(outcome.word)}"


def _may_be_another(outcome: outcomes.Ambiguous) -> str:
    """Why a single job is asked about."""
    word = code(outcome.word)
    if not outcome.silent:
        return f"Not all jobs could be listed, so there may be another one named {word}."
    *_, last = names = [literal(server) for server in outcome.silent]
    if len(names) == 1:
        return f"{last} isn't responding, and may have a job named {word} too."
    return f"{', '.join(names[:-1])} and {last} aren't responding, and may have a job named {word} too."


_OBSTACLES = {
    outcomes.Blocked.NO_FULL_REPLICA: "is a replica, and replicas have no active full.",
    outcomes.Blocked.NO_FULL_COPY: (
        "is a copy job: it copies existing restore points and has no active full."
    ),
    outcomes.Blocked.NO_FULL_TYPE: "is of a type without active fulls.",
    outcomes.Blocked.NO_CLONE: "is of a type that VBR's API can't clone. VBR's console can.",
    outcomes.Blocked.NO_RESTORE_POINTS: (
        "is not an immediate backup copy; only those are started with the latest or all restore points."
    ),
    outcomes.Blocked.RUNNING: "is already running.",
    outcomes.Blocked.NOT_RUNNING: "is not running, so there is nothing to stop.",
    outcomes.Blocked.ENABLED: "is already enabled.",
    outcomes.Blocked.DISABLED: "is already disabled.",
    outcomes.Blocked.BUSY: "is running. Stop it first, or wait until it ends.",
    outcomes.Blocked.OTHER_NAME: "has another name than you typed.",
    outcomes.Blocked.NEVER_STOPS: "is an immediate backup copy. It can't be stopped; it can be disabled.",
    outcomes.Blocked.OWN_ALREADY: "is yours already: you acknowledged it.",
    outcomes.Blocked.NOT_MUTED: "isn't muted any more.",
    outcomes.Blocked.TIME_PASSED: "can't be disabled until a time in the past.",
    outcomes.Blocked.UNDESCRIBED: (
        "is of a type that VBR's API cannot describe, so its settings can't be changed from here. "
        "It can be started, stopped, enabled and disabled; the rest is done in VBR's console."
    ),
}
_SAID_BESIDE = {
    outcomes.Blocked.NOT_FAILED: "no failed run to acknowledge.",
    outcomes.Blocked.OVER: "this is over by now.",
}
"""What is no sentence about the job."""
_BLOCKED_AS_ASKED_FOR = frozenset(
    {
        outcomes.Blocked.NO_FULL_REPLICA,
        outcomes.Blocked.NO_FULL_COPY,
        outcomes.Blocked.NO_FULL_TYPE,
        outcomes.Blocked.NO_RESTORE_POINTS,
        outcomes.Blocked.OTHER_NAME,
        outcomes.Blocked.TIME_PASSED,
    }
)
"""Where not the operation makes no sense, but what was asked for beside it."""
_FOUR_EYES = (
    "VBR's own four-eyes authorization is on: a second administrator has to approve this in VBR's console. "
    "VBR does not allow it through its API."
)
_QUICK_BACKUP = (
    "A quick backup needs a job that covers the machine, already has a full backup of it, and isn't running. "
    "Agent policies don't count, and VBR can't do it for Cloud Director machines."
)
_FOR_YOU_ALONE = "so here the bot only answers questions, and only to you"
_ELSEWHERE = (
    "in another channel or in the bot's direct messages, or have this channel named in its setting "
    f"{code('allowed_channels')}."
)
_TRY_AGAIN = "Try again in a minute."
_NOT_LOOKED_UP = "Its state couldn't be read either. Check the job in a minute, before you press again."


_INSTEAD = {
    Capability.RETRY: "start the job instead",
    Capability.CLONE: "clone it in VBR's console",
    Capability.CHAINED_STOP: "stop the jobs one by one",
    Capability.COPY_RESTORE_POINTS: "start it without a choice",
}


def _found_since(outcome: outcomes.Unclear) -> str:
    match outcome.found:
        case outcomes.Ran(Session() as session):
            return f"Its session is {code(session.id)}."
        case outcomes.Switched(is_disabled):
            return f"The job is {'disabled' if is_disabled else 'enabled'} now, so it seems to be done."
        case outcomes.Deleted():
            return "The job no longer exists, so the delete seems to have worked."
        case outcomes.Edited():
            return "The job has the new settings now, so it seems to be done."
        case outcomes.Created(name=name):
            return f"A job named {code(name)} exists now, so it seems to have been created. Check it first."
        case outcomes.Cloned(name=name):
            return f"The newest copy there is {code(name)}: see whether it is the one you asked for."
        case _:
            return ""


def _refusal(outcome: outcomes.Refused, doing: str) -> str:
    match outcome.refusal:
        case model.Refusal.STANDING:
            return _STANDINGS[outcome.standing]
        case model.Refusal.PERSON_UNREADABLE:
            return f"Couldn't read your account from Slack, so your role can't be checked. {_TRY_AGAIN}"
        case model.Refusal.GROUPS_UNREADABLE:
            return f"Couldn't read your user groups from Slack, so your role can't be checked. {_TRY_AGAIN}"
        case model.Refusal.CHANNEL:
            return "The bot doesn't take commands in this channel. Use one of its own."
        case model.Refusal.SHARED_CHANNEL:
            return f"Another organisation reads this channel, too, {_FOR_YOU_ALONE}. Ask {_ELSEWHERE}"
        case model.Refusal.CHANNEL_UNREADABLE:
            return (
                f"Slack doesn't say whether another organisation reads this channel, {_FOR_YOU_ALONE}. "
                f"Invite it and try again, or ask {_ELSEWHERE}"
            )
        case model.Refusal.NO_GRANT:
            return f"{doing} requires a Veeam role, and you have none here."
        case model.Refusal.ROLE:
            return f"Your role does not include {doing}."
        case model.Refusal.SCOPE:
            return f"Your role includes {doing}, but not for this server or job."
        case model.Refusal.REVISION:
            return _closed(outcome.closed, doing)
        case model.Refusal.OWN_REQUEST:
            return "You can't approve your own request. It stays open."
        case model.Refusal.ASKER_UNREADABLE:
            return (
                "Couldn't read the account of the person who asked from Slack, so their role can't be "
                f"checked. {_TRY_AGAIN}"
            )
        case model.Refusal.CHOICE:
            return f"{doing} accepts only the choices it offers you."
        case model.Refusal.UNSHOWABLE:
            return (
                "This needs a second person's approval, and it is more than Slack can show them at once. "
                "Ask for it in parts, each with its own approval: fewer objects, or a shorter description."
            )
        case model.Refusal.NOWHERE:
            return f"{doing} needs a second person's approval. Ask in a channel instead."


def _closed(closed: model.ClosedRole | None, doing: str) -> str:
    if closed is None:
        raise TypeError("nothing says whom the server's revision refuses")
    return (
        f"{doing} needs another role on {literal(closed.server)}: "
        f"{closed.product} does not let a *{closed.role.value}* do it."
    )


def _groups(groups: tuple[str, ...]) -> str:
    if not groups:
        return ""
    named = [literal(group) for group in groups[:_GROUPS_LIMIT]]
    left_out = len(groups) - len(named)
    return f"Ask someone in {_either([*named, *([f'{left_out:,} other groups'] if left_out else [])])}."


def _either(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _silent(servers: tuple[str, ...], what: str = "jobs") -> str:
    if not servers:
        return ""
    names = ", ".join(map(literal, servers))
    whose = "its" if len(servers) == 1 else "their"
    return f"{status_text.WARNING} No answer from {names}: {whose} {what} are missing here."


def _reference(reference: str) -> str:
    return f"Reference {code(reference)}"
