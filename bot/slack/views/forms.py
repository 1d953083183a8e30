"""Forms: modals that ask before something is done. Pure: facts in, view out; entries in, request out.

How to add a form to an operation:

1. In the catalog, `has_form=True`, and no confirmation. Its request gets fields with defaults for what the
   form asks; `is_bare` (bot/operations/requests.py) says when they are missing.
2. In bot/operations: facts for the form as a value of `answers.Form`, read in `forms.Forms`; a bare request
   comes back as `NeedsForm`. The filled request runs like any other: rights, state, record are checked then.
3. Here: a case in `form` that draws the facts and the inputs, and one in `filled` that turns what was entered
   into the request, or into one problem for each block: what can be told without asking VBR, at its field.
4. A case in tests/unit/slack/form_cases.py, and a row in tests/acceptance/test_forms.py.

An input's block and element bear the same ID, the name of the request's field. What a form carries besides is
a `codec.Carried`, in `private_metadata`: at most 3,000 characters, no secret. The desk opens a view at once,
because a trigger lives three seconds, and fills it when VBR has answered; a submission is answered with
`working` and runs after that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from bot.operations.catalog import DELETE, Operation
from bot.operations.form_facts import DeleteForm, Form
from bot.operations.matching import is_exactly
from bot.operations.requests import DeleteRequest, Request
from bot.slack import codec
from bot.slack.codec import Carried, Entered, Unreadable
from bot.slack.text import count, date, literal, plain, strong
from bot.slack.views import inputs, signs
from bot.slack.views.job import job_state
from bot.slack.views.message import Block, Message, Part, note, paragraph
from bot.slack.views.repositories import repository_line

View = dict[str, Any]

TYPED_NAME = "typed_name"
_TITLE_LIMIT = 24
_HINT_LIMIT = 150
_FOLLOWERS_LIMIT = 10
_NO_CONTROLS = frozenset({"actions"})


def loading(operation: Operation) -> View:
    """The view while VBR is asked what the form has to say."""
    return _view(
        operation,
        paragraph(f"{signs.BUSY} Asking VBR how things stand.").blocks
        + note("If this stays, close it: the answer is then where you asked.").blocks,
    )


def working(operation: Operation) -> View:
    """The view while what was asked for is being done."""
    return _view(
        operation,
        paragraph(f"{signs.BUSY} On its way to VBR.").blocks
        + note("You can close this: what came of it is told where you asked.").blocks,
    )


def told(operation: Operation, message: Message) -> View:
    """The end: what came of it. Its buttons are left out, for a press in a view knows of no channel."""
    blocks = tuple(block for block in message.blocks if block["type"] not in _NO_CONTROLS)
    return _view(operation, blocks or paragraph(message.text).blocks)


def form(facts: Form, *, channel_id: str | None, thread_ts: str | None) -> View | None:
    """The form itself; None where it can't be carried. `channel_id` and `thread_ts` say where it is told."""
    match facts:
        case DeleteForm():
            carried = Carried(facts.request, facts.job.state.name, channel_id, thread_ts)
            return _form(DELETE, _deletion(facts), carried)
        case _:
            assert_never(facts)


def filled(carried: Carried, entered: Entered) -> Request | Mapping[str, str]:
    """The request that a form asks for, or what is wrong with it, by block."""
    match carried.request:
        case DeleteRequest():
            typed = str(entered.get(TYPED_NAME) or "")
            if not is_exactly(typed, carried.name):
                return {TYPED_NAME: plain(f"This is not its name. Its name is {carried.name}", _HINT_LIMIT)}
            return replace(carried.request, typed_name=carried.name)
        case _:
            return carried.request


def unreadable(form: Unreadable) -> View:
    """A form that can't be read: another version of the bot drew it."""
    del form
    said = paragraph("This form was drawn by another version of the bot. Nothing was done. Please ask again.")
    return {**_frame("Veeam"), "blocks": list(said.blocks)}


def _form(operation: Operation, blocks: Sequence[Block], carried: Carried) -> View | None:
    metadata = codec.encode_form(carried)
    if metadata is None:
        return None
    label = operation.button or operation.name.capitalize()
    return {
        **_view(operation, blocks),
        "submit": {"type": "plain_text", "text": label, "emoji": False},
        "close": {"type": "plain_text", "text": "Cancel", "emoji": False},
        "private_metadata": metadata,
    }


def _view(operation: Operation, blocks: Sequence[Block]) -> View:
    return {**_frame(f"{operation.name.capitalize()} job"), "blocks": list(blocks)} | {
        "callback_id": codec.action_id(operation)
    }


def _frame(title: str) -> View:
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": title[:_TITLE_LIMIT], "emoji": False},
        "close": {"type": "plain_text", "text": "Close", "emoji": False},
    }


def _deletion(facts: DeleteForm) -> tuple[Block, ...]:
    state = facts.job.state
    objects = "" if state.objects_count is None else f"It covers {count(state.objects_count, 'object')}."
    parts = [
        job_state(facts.job),
        paragraph(objects, _next_run(facts), *_chain(facts)),
        paragraph(
            f"Repository: {repository_line(facts.repository)}" if facts.repository else "",
            "*Its backups stay* in the repository, as orphaned ones that no job looks after.",
            "VBR has no undo for this.",
        ),
        _name_input(state.name),
    ]
    return sum(parts, Part("", ())).blocks


def _next_run(facts: DeleteForm) -> str:
    state = facts.job.state
    if state.is_disabled:
        return "It is disabled, so no run is planned."
    return f"Its next run, {date(state.next_run)}, will not take place." if state.next_run else ""


def _chain(facts: DeleteForm) -> list[str]:
    names = [strong(name) for name in facts.run_after[:_FOLLOWERS_LIMIT]]
    more = len(facts.run_after) - len(names)
    after = ", ".join([*names, *([f"{more:,} more"] if more else [])])
    return [
        f"It runs after {literal(facts.runs_before)}." if facts.runs_before else "",
        f"{signs.WARNING} These run after it, and will not be started any more: {after}." if after else "",
    ]


def _name_input(name: str) -> Part:
    hint = plain(name, _HINT_LIMIT)
    return inputs.text(inputs.Field(TYPED_NAME, "Type the job's name to delete it", hint), focus=True)
