"""What forms ask, said in words: where one could not be opened, where its entries are gone, and beside it."""

from bot.operations.actions.create import CreateChoice, SettingsForm
from bot.operations.actions.edit import Edit
from bot.operations.actions.quick_backup import QuickBackup, QuickBackupForm
from bot.operations.impact import ActionForm, PickForm
from bot.operations.model import KnownJob, Operation
from bot.operations.outcomes import DraftExpired, NeedsForm
from bot.slack.text import code
from bot.slack.views import signs
from bot.slack.views.buttons import controls, request_control
from bot.slack.views.job import job_state
from bot.slack.views.message import NOTHING, Message, compose, note, paragraph


def needs_form(outcome: NeedsForm, *, command: str) -> Message:
    """A form is needed and could not be opened: a button to open it by, or how to say it in words."""
    form, label = outcome.form, outcome.operation.label
    if isinstance(form, PickForm):
        return in_words(outcome.operation, command=command, is_open=False)
    if isinstance(form, SettingsForm):
        return _settings_form(outcome.operation, form, command)
    if isinstance(form, QuickBackupForm):
        name, server = form.machine_name, form.server
        about = NOTHING
    elif isinstance(form, ActionForm):
        name, server = form.impact.job.state.name, form.impact.job.server
        about = job_state(form.impact.job)
    else:
        raise TypeError(form)
    head = [
        paragraph(f"{label} of {signs.job_name(name, server)} takes a form. Nothing was done yet."),
        about,
        note("Press the button to open the form."),
        controls([request_control(form.request, name=name, server=server)]),
    ]
    return compose(head)


def _settings_form(operation: Operation, form: SettingsForm, command: str) -> Message:
    label = operation.label
    touched = None if isinstance(form, CreateChoice) else form.impact
    if touched is None:
        again = f"Type {code(f'{command} {operation.usage}')} once more."
        return compose(
            [paragraph(f"{label} takes a form, and it could not be opened. Nothing was done. {again}")]
        )
    name, server = touched.job.state.name, touched.job.server
    edit = request_control(Edit(KnownJob(server, touched.job.state.id)), name=name, server=server)
    head = [
        paragraph(f"{label} of {signs.job_name(name, server)} takes a form. Nothing was done yet."),
        job_state(touched.job),
        note("Press the button to open the form."),
        controls([edit]),
    ]
    return compose(head)


def forgotten(outcome: DraftExpired, *, command: str) -> Message:
    """What was entered in a form is no longer kept."""
    asked = code(f"{command} {outcome.operation.usage}")
    head = [
        paragraph(
            "What was entered here is no longer kept: a form stands for a day. Nothing was done.",
            f"Please begin again with {asked}.",
        )
    ]
    return compose(head)


def in_words(operation: Operation, *, command: str, is_open: bool) -> Message:
    """How to say in one line what a form asks for; `is_open` when the form is there to ask it."""
    asked = "Which virtual machine?" if operation is QuickBackup.operation else "Which job?"
    usage = code(f"{command} {operation.usage}")
    form = (
        "A form asks for it now; with a name no form is needed."
        if is_open
        else "Without a name a form asks for it, but it could not be opened just now."
    )
    head = [
        paragraph(f"{asked} Usage: {usage}", f"Try {code(f'{command} {operation.examples[0]}')}"),
        note(form),
    ]
    return compose(head)
