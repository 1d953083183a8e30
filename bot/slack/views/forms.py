"""Forms: modals that ask before something is done. Pure: facts in, view out; entries in, request out.

How to add a form to an operation:

1. In the catalog, `has_form=True`, and no confirmation, where its button too asks in the form. Its request
   gets fields with defaults for what the form asks; `is_bare` (bot/operations/steps.py) says when they are
   missing.
2. In bot/operations: facts for the form as a value of `forms.Form`, read in `action_forms.ActionForms`; a
   bare request comes back as `NeedsForm`. The filled request runs like any other: rights, state, record are
   checked then.
3. In action_forms.py: a case in `sheet` that draws the facts and the inputs, and one in `filled_in` that
   turns what was entered into the request, or into one problem for each block: what can be told without
   asking VBR, at its field. (The forms of a job's settings are in job_form.py and job_summary.py.)
4. A case in tests/unit/slack/form_cases.py, and a row in tests/acceptance/matrix.py.

An input's block and element bear the same ID, the name of the request's field. What a form carries besides is
a `codec.Carried`, in `private_metadata`: at most 3,000 characters, no secret. The desk opens a view at once,
because a trigger lives three seconds, and fills it when VBR has answered; a submission is answered with
`working` and runs after that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.operations.catalog import QUICKBACKUP, Operation, operation_of
from bot.operations.forms import Form, SettingsForm
from bot.operations.requests import CreateRequest, EditRequest, Request, Step
from bot.operations.steps import is_said
from bot.slack import codec
from bot.slack.codec import Carried, Entered, Unreadable
from bot.slack.views import status_text
from bot.slack.views.action_forms import Sheet, filled_in, sheet
from bot.slack.views.buttons import previous_step
from bot.slack.views.job_summary import job_filled_in, job_sheet
from bot.slack.views.message import Block, Message, note, paragraph

View = dict[str, Any]

_TITLES = {QUICKBACKUP.name: "Quick backup"}
_TITLE_LIMIT = 24
_NO_CONTROLS = frozenset({"actions"})


def loading(operation: Operation) -> View:
    """The view while VBR is asked what the form has to say."""
    return _view(
        operation,
        paragraph(f"{status_text.BUSY} Asking VBR how things stand.").blocks
        + note("If this stays, close it: the answer is then where you asked.").blocks,
    )


def working(operation: Operation) -> View:
    """The view while what was asked for is being done."""
    return _view(
        operation,
        paragraph(f"{status_text.BUSY} On its way to VBR.").blocks
        + note("You can close this: what came of it is told where you asked.").blocks,
    )


def told(operation: Operation, message: Message, back: Carried | None = None) -> View:
    """The end: what came of it. Its buttons are left out, for a press in a view knows of no channel.

    `back` leads to what was entered before.
    """
    blocks = tuple(block for block in message.blocks if block["type"] not in _NO_CONTROLS)
    view = _view(operation, blocks or paragraph(message.text).blocks)
    metadata = codec.encode_form(back) if back is not None else None
    if back is None or metadata is None:
        return view
    again = list(previous_step(back.request).blocks)
    return {**view, "blocks": view["blocks"] + again, "private_metadata": metadata}


def back_to(request: Request, carried: Carried) -> Carried | None:
    """What leads back to the fields as they were filled in, where a draft keeps them."""
    if isinstance(request, EditRequest | CreateRequest) and request.draft is not None:
        return replace(carried, request=replace(request, step=Step.FILL, entered=None))
    return None


def form(facts: Form, *, channel_id: str | None, thread_ts: str | None) -> View | None:
    """The form itself; None where it can't be carried. `channel_id` and `thread_ts` say where it is told."""
    drawn = job_sheet(facts) if isinstance(facts, SettingsForm) else sheet(facts)
    return _form(drawn, Carried(facts.request, drawn.name, channel_id, thread_ts))


def filled(carried: Carried, entered: Entered) -> Request | Mapping[str, str]:
    """The request that a form asks for, or what is wrong with it, by block."""
    if isinstance(carried.request, EditRequest | CreateRequest) and is_said(carried.request):
        return job_filled_in(carried.request, entered)
    return filled_in(carried, entered)


def unreadable(form: Unreadable) -> View:
    """A form that can't be read: another version of the bot drew it."""
    del form
    said = paragraph("This form was drawn by another version of the bot. Nothing was done. Please ask again.")
    return {**_frame("Veeam"), "blocks": list(said.blocks)}


def _form(drawn: Sheet, carried: Carried) -> View | None:
    metadata = codec.encode_form(carried)
    if metadata is None:
        return None
    return {
        **_view(operation_of(carried.request), drawn.content.blocks),
        "submit": {"type": "plain_text", "text": drawn.label, "emoji": False},
        "close": {"type": "plain_text", "text": "Cancel", "emoji": False},
        "private_metadata": metadata,
    }


def _view(operation: Operation, blocks: Sequence[Block]) -> View:
    return {
        **_frame(_TITLES.get(operation.name, f"{operation.name.capitalize()} job")),
        "blocks": list(blocks),
    } | {"callback_id": codec.action_id(operation)}


def _frame(title: str) -> View:
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": title[:_TITLE_LIMIT], "emoji": False},
        "close": {"type": "plain_text", "text": "Close", "emoji": False},
    }
