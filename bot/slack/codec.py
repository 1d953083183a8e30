"""What buttons and menus carry, both ways: action ids and values out, typed presses in.

A value holds the whole request, so a press needs no memory of ours. It is a JSON array: `["2a","retry",…]` is
version 2, `a`ct, then the request as `bot.operations.codec` writes it. Slack's limits: 2,000 characters for a
button's value, 150 for an option's. What doesn't fit is not offered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from bot.operations.catalog import CODEC
from bot.operations.codec import BrokenRequest, OldRequest
from bot.operations.model import Operation, Origin, Request
from bot.operations.queries.audit import ReadAudit
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.session import ShowSession
from bot.operations.queries.sessions import ListSessions

VERSION = "2"
VALUE_LIMIT = 2_000
OPTION_LIMIT = 150
METADATA_LIMIT = 3_000

SHARE = "share"
PREVIOUS = "page:previous"
NEXT = "page:next"
MORE = "more"
STILL_MORE = "more:2"
"""A second menu beside the first: a block takes each action id once."""
CHOOSE = "choose"
RHYTHM = "rhythm"
"""The one field of a form that is heard of at once: which others there are depends on it."""
_MENUS = frozenset({MORE, STILL_MORE, CHOOSE})
_OPERATION = "operation:"

PagedRequest = ListJobs | ShowJob | ListSessions | ShowSession | ReadAudit
"""What is shown in pages."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Run this request for the person who pressed, and answer as if they had typed it."""

    request: Request
    origin: Origin


@dataclass(frozen=True, slots=True)
class TurnPage:
    """Show another page of a list, in place of the one that bore the button."""

    request: Request


@dataclass(frozen=True, slots=True)
class Share:
    """Run this request again and show its answer to the whole channel."""

    request: Request


@dataclass(frozen=True, slots=True)
class DrawAgain:
    """Draw the form again: what was chosen in it decides which fields apply."""


class UnreadableReason(StrEnum):
    """Why a press can't be read."""

    FOREIGN = "foreign"  # not one of our action ids
    OLD = "old"  # drawn by another version of the bot
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class UnreadablePress:
    """A press, or a form, that can't be acted on."""

    action_id: str
    why: UnreadableReason


Press = RunRequest | TurnPage | Share | DrawAgain | UnreadablePress


@dataclass(frozen=True, slots=True)
class FormMetadata:
    """What a form carries in its `private_metadata`: what to run, and where it was opened from.

    `name` is the name of what the form is about, for what can be checked without asking VBR.
    """

    request: Request
    name: str
    channel_id: str | None = None
    thread_ts: str | None = None


FormState = Mapping[str, str | tuple[str, ...] | None]
"""What the fields of a form hold: a text or a choice, several choices, None where one was left empty."""


_BROKEN = (BrokenRequest, msgspec.MsgspecError, UnicodeError, RecursionError)


class _Kind(StrEnum):
    RUN = "a"
    TURN = "t"
    SHARE = "s"
    FORM = "f"


def action_id(operation: Operation) -> str:
    """The action id of an operation's button."""
    return f"{_OPERATION}{operation.name}"


def encode_run(request: Request, limit: int = VALUE_LIMIT) -> str | None:
    """The value of a button or option that runs the request; None when it would be over the limit."""
    return _json([f"{VERSION}{_Kind.RUN}", *CODEC.encode(request)], limit)


def encode_turn(request: PagedRequest) -> str | None:
    """The value of a button that shows this page; None when it would be over the limit."""
    return _json([f"{VERSION}{_Kind.TURN}", *CODEC.encode(request)], VALUE_LIMIT)


def encode_share(request: Request, limit: int = VALUE_LIMIT) -> str | None:
    """The value of a button or option that shares the request's answer; None when over the limit."""
    return _json([f"{VERSION}{_Kind.SHARE}", *CODEC.encode(request)], limit)


def encode_form(form: FormMetadata) -> str | None:
    """The `private_metadata` of a form; None when it would be over the limit. It holds no secret."""
    place = [form.name, form.channel_id, form.thread_ts]
    return _json([f"{VERSION}{_Kind.FORM}", *place, *CODEC.encode(form.request)], METADATA_LIMIT)


def decode_form(metadata: str) -> FormMetadata | UnreadablePress:
    """What a form carries. Never raises: what can't be read is an `UnreadablePress`, and says why."""
    try:
        kind, values = _parse(metadata)
        match values:
            case [str(name), str() | None as channel, str() | None as thread, *request] if kind == _Kind.FORM:
                return FormMetadata(CODEC.decode(request), name, channel, thread)
            case _:
                raise BrokenRequest
    except OldRequest:
        return UnreadablePress("", UnreadableReason.OLD)
    except _BROKEN:
        return UnreadablePress("", UnreadableReason.BROKEN)


def is_form(callback_id: str) -> bool:
    """Whether a view is a form of an operation: its callback ID is that of the operation's button."""
    return callback_id.startswith(_OPERATION)


def is_ours(action_id: str) -> bool:
    """Whether this bot draws elements with such an action id."""
    return action_id.startswith(_OPERATION) or action_id in {SHARE, PREVIOUS, NEXT, *_MENUS}


def decode(action_id: str, value: str) -> Press:
    """What a press asks for. Never raises: what can't be read is an `UnreadablePress`, and says why."""
    if action_id == RHYTHM:
        return DrawAgain()
    if not is_ours(action_id):
        return UnreadablePress(action_id, UnreadableReason.FOREIGN)
    try:
        kind, values = _parse(value)
        if action_id.startswith(_OPERATION) and values[:1] != [action_id.removeprefix(_OPERATION)]:
            raise BrokenRequest
        request = CODEC.decode(values)
        match kind:
            case _Kind.RUN:
                return RunRequest(request, Origin.MENU if action_id in _MENUS else Origin.BUTTON)
            case _Kind.TURN:
                return TurnPage(request)
            case _Kind.SHARE:
                return Share(request)
            case _:
                raise BrokenRequest
    except OldRequest:
        return UnreadablePress(action_id, UnreadableReason.OLD)
    except _BROKEN:
        return UnreadablePress(action_id, UnreadableReason.BROKEN)


def _parse(text: str) -> tuple[str, list[Any]]:
    """Return what kind of value it is, and what follows. Raises `OldRequest`, or one of `_BROKEN`."""
    match msgspec.json.decode(text, type=list[Any]):
        case [str(stamp), str(), *_] as cells:
            if stamp[:-1] != VERSION:
                raise OldRequest
            return stamp[-1:], cells[1:]
        case _:
            raise BrokenRequest


def _json(cells: list[Any], limit: int) -> str | None:
    try:
        text = msgspec.json.encode(cells).decode()
    except UnicodeEncodeError:  # half a surrogate pair: no such name can be sent to Slack
        return None
    # Slack is known to escape these three on the way; as JSON escapes they come back as they went.
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text if len(text) <= limit else None
