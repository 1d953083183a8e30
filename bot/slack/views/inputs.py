"""The fields of forms, drawn and read: one block each; block and element bear the field's name as their ID.

Slack's limits (https://docs.slack.dev/reference/block-kit/block-elements): an option has 75 characters of
text and of description and 150 of value; a menu takes 100 options, radio buttons and checkboxes 10. What a
choice carries is never cut: an option whose value is too long is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from slack_sdk.models import blocks

from bot.operations.job_editor.objects import MenuOption
from bot.operations.menus import MenuOptions
from bot.operations.model import Request
from bot.slack.codec import FormState
from bot.slack.text import distinct, plain
from bot.slack.views.message import MessagePart, drawn

OPTIONS_LIMIT = 100
TEXT_LIMIT = 3_000
_OPTION_TEXT_LIMIT = 75
_OPTION_VALUE_LIMIT = 150
_LABEL_LIMIT = 150
_MIN_LETTERS = 2
PICK_LABEL = "Next"


Filled = Request | Mapping[str, str]
"""The request that a form asks for, or what is wrong with it, by block."""


@dataclass(frozen=True, slots=True)
class FormContent:
    """What stands in a form: its blocks, the label of its submit button, the name it is about.

    Without a label there is nothing to send off: it only shows something.
    """

    content: MessagePart
    label: str | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name, that of what it fills; its label, a hint below it; whether it may stay empty.

    Slack marks those that may. `is_heard`: a change is heard of at once, and not only when it is sent off.
    """

    name: str
    label: str
    hint: str = ""
    is_optional: bool = False
    is_heard: bool = False


def text(
    field: Field, initial: str = "", *, most: int = TEXT_LIMIT, lines: bool = False, focus: bool = False
) -> MessagePart:
    """A line of text, or several `lines`."""
    element = blocks.PlainTextInputElement(
        action_id=field.name,
        initial_value=initial[:most] or None,
        max_length=min(most, TEXT_LIMIT),
        multiline=lines,
        focus_on_load=focus or None,
    )
    return _input(field, element)


def number(field: Field, initial: int | None, *, least: int, most: int | None = None) -> MessagePart:
    """A whole number."""
    element = blocks.NumberInputElement(
        action_id=field.name,
        is_decimal_allowed=False,
        initial_value=None if initial is None else str(initial),
        min_value=str(least),
        max_value=None if most is None else str(most),
    )
    return _input(field, element)


def clock_time(field: Field, initial: time | None) -> MessagePart:
    """A time of day."""
    shown = None if initial is None else f"{initial:%H:%M}"
    return _input(field, blocks.TimePickerElement(action_id=field.name, initial_time=shown))


def one_of(
    field: Field, choices: Sequence[MenuOption], chosen: str | None, *, open_: bool = False
) -> MessagePart:
    """One of a few choices, `open_` as radio buttons, which show them all."""
    options = {choice.value: _option(choice) for choice in choices}
    element = blocks.RadioButtonsElement if open_ else blocks.StaticSelectElement
    return _input(
        field,
        element(
            action_id=field.name, options=list(options.values()), initial_option=options.get(chosen or "")
        ),
    )


def any_of(field: Field, choices: Sequence[MenuOption], chosen: Iterable[str]) -> MessagePart:
    """Any of a few choices, as checkboxes."""
    options = {choice.value: _option(choice) for choice in choices}
    ticked = [options[value] for value in chosen if value in options]
    element = blocks.CheckboxesElement(
        action_id=field.name, options=list(options.values()), initial_options=ticked or None
    )
    return _input(field, element)


def search(field: Field, chosen: MenuOption | None, *, letters: int = _MIN_LETTERS) -> MessagePart:
    """One thing found by typing; `letters` of it before anything is looked for, 0: the menu opens filled."""
    element = blocks.ExternalDataSelectElement(
        action_id=field.name,
        placeholder=_placeholder(letters),
        initial_option=None if chosen is None else _option(chosen),
        min_query_length=letters,
    )
    return _input(field, element)


def search_many(field: Field, chosen: Sequence[MenuOption], *, letters: int = _MIN_LETTERS) -> MessagePart:
    """Things found by typing."""
    element = blocks.ExternalDataMultiSelectElement(
        action_id=field.name,
        placeholder=_placeholder(letters),
        initial_options=[_option(one) for one in chosen if fits_in_menu(one)][:OPTIONS_LIMIT] or None,
        min_query_length=letters,
    )
    return _input(field, element)


def offered(found: MenuOptions) -> dict[str, Any]:
    """The answer to `block_suggestion`: what fits in a menu, cut where names do not differ.

    What is missing stands above it, as the label of its group; a group without an option would be refused.
    """
    shown = [one for one in found.options if fits_in_menu(one)][:OPTIONS_LIMIT]
    labels = distinct([one.name for one in shown], _OPTION_TEXT_LIMIT)
    options = [_option(replace(one, name=label)).to_dict() for one, label in zip(shown, labels, strict=True)]
    if not found.incomplete or not options:
        return {"options": options}
    label = plain(f"Incomplete: no full answer from {', '.join(found.incomplete)}", _OPTION_TEXT_LIMIT)
    return {"option_groups": [{"label": {"type": "plain_text", "text": label}, "options": options}]}


def fits_in_menu(one: MenuOption) -> bool:
    """Whether an option can carry it."""
    return 0 < len(one.value) <= _OPTION_VALUE_LIMIT


def text_in(state: FormState, field: str) -> str:
    """What was typed into a field, or the value of what was chosen in it; empty where nothing was."""
    value = state.get(field)
    return value if isinstance(value, str) else ""


def time_in(state: FormState, field: str) -> time | None:
    """The time of day that was chosen in a field; None where none was."""
    try:
        return time.fromisoformat(text_in(state, field))
    except ValueError:
        return None


def choices_in(state: FormState, field: str) -> tuple[str, ...]:
    """The values of all that was chosen in a field that takes several."""
    value = state.get(field)
    return value if isinstance(value, tuple) else ()


def _option(one: MenuOption) -> blocks.Option:
    name = plain(one.name, _OPTION_TEXT_LIMIT) or "(no name)"
    detail = (
        blocks.PlainTextObject(text=plain(one.detail, _OPTION_TEXT_LIMIT), emoji=False)
        if one.detail
        else None
    )
    return blocks.Option(
        value=one.value, text=blocks.PlainTextObject(text=name, emoji=False), description=detail
    )


def _placeholder(letters: int) -> blocks.PlainTextObject:
    text = "Choose, or type to search" if letters == 0 else "Type to search"
    return blocks.PlainTextObject(text=text, emoji=False)


def _input(field: Field, element: blocks.InputInteractiveElement) -> MessagePart:
    hint = blocks.PlainTextObject(text=plain(field.hint, _LABEL_LIMIT), emoji=False) if field.hint else None
    block = blocks.InputBlock(
        block_id=field.name,
        label=blocks.PlainTextObject(text=plain(field.label, _LABEL_LIMIT), emoji=False),
        hint=hint,
        element=element,
        optional=field.is_optional or None,
        dispatch_action=field.is_heard or None,
    )
    return MessagePart("", drawn(block))
