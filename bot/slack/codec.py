"""What buttons and menus carry, both ways: action ids and values out, typed presses in.

A value holds the whole request, so a press needs no memory of ours. It is a JSON array: `["1a","retry",…]` is
version 1, `a`ct, the operation's name, then the request's fields in their order, defaults at the end left
out. A field that is added at the end of a request therefore needs no new version; any other change does.
Slack's limits: 2,000 characters for a button's value, 150 for an option's. What doesn't fit is not offered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from bot.operations.catalog import Operation, operation_of
from bot.operations.cells import BrokenCells, OldCells, cells_of, request_of
from bot.operations.requests import AuditRequest, JobsRequest, Origin, Request, SessionsRequest

VERSION = "1"
VALUE_LIMIT = 2_000
OPTION_LIMIT = 150

SHARE = "share"
PREVIOUS = "page:previous"
NEXT = "page:next"
MORE = "more"
CHOOSE = "choose"
_OPERATION = "operation:"

METADATA_LIMIT = 3_000

ListRequest = JobsRequest | SessionsRequest | AuditRequest


@dataclass(frozen=True, slots=True)
class Act:
    """Run this request for whoever pressed, and answer as if they had typed it."""

    request: Request
    origin: Origin


@dataclass(frozen=True, slots=True)
class Turn:
    """Show another page of a list, in place of the one that bore the button."""

    request: Request


@dataclass(frozen=True, slots=True)
class Share:
    """Run this request again and show its answer to the whole channel."""

    request: Request


class Unreadability(StrEnum):
    """Why a press can't be read."""

    FOREIGN = "foreign"  # not one of our action ids
    OLD = "old"  # drawn by another version of the bot
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A press that can't be acted on."""

    action_id: str
    why: Unreadability


Press = Act | Turn | Share | Unreadable


@dataclass(frozen=True, slots=True)
class Carried:
    """What a form carries in its `private_metadata`: what to run, and where it was opened from.

    `name` is the name of what the form is about, for what can be checked without asking VBR.
    """

    request: Request
    name: str
    channel_id: str | None = None
    thread_ts: str | None = None


Entered = Mapping[str, str | tuple[str, ...] | None]
"""What the fields of a form hold: a text or a choice, several choices, None where one was left empty."""


class _Kind(StrEnum):
    ACT = "a"
    TURN = "t"
    SHARE = "s"
    FORM = "f"


def action_id(operation: Operation) -> str:
    """The action id of an operation's button."""
    return f"{_OPERATION}{operation.name}"


def encode_act(request: Request, limit: int = VALUE_LIMIT) -> str | None:
    """The value of a button or option that runs the request; None when it would be over the limit."""
    return _encoded(_Kind.ACT, request, limit)


def encode_turn(request: ListRequest) -> str | None:
    """The value of a button that shows this page of a list; None when it would be over the limit."""
    return _encoded(_Kind.TURN, request, VALUE_LIMIT)


def encode_share(request: Request, limit: int = VALUE_LIMIT) -> str | None:
    """The value of a button or option that shares the request's answer; None when over the limit."""
    return _encoded(_Kind.SHARE, request, limit)


def encode_form(carried: Carried) -> str | None:
    """The `private_metadata` of a form; None when it would be over the limit. It holds no secret."""
    request = carried.request
    cells = [carried.name, carried.channel_id, carried.thread_ts, operation_of(request).name]
    return _json([f"{VERSION}{_Kind.FORM}", *cells, *cells_of(request)], METADATA_LIMIT)


def decode_form(metadata: str) -> Carried | Unreadable:
    """What a form carries. Never raises: what can't be read is `Unreadable`, and says why."""
    try:
        return _carried(msgspec.json.decode(metadata, type=list[Any]))
    except OldCells:
        return Unreadable("", Unreadability.OLD)
    except (BrokenCells, msgspec.MsgspecError, UnicodeError, RecursionError):
        return Unreadable("", Unreadability.BROKEN)


def is_form(callback_id: str) -> bool:
    """Whether a view is a form of an operation: its callback ID is that of the operation's button."""
    return callback_id.startswith(_OPERATION)


def is_ours(action_id: str) -> bool:
    """Whether this bot draws elements with such an action id."""
    return action_id.startswith(_OPERATION) or action_id in {SHARE, PREVIOUS, NEXT, MORE, CHOOSE}


def decode(action_id: str, value: str) -> Press:
    """What a press asks for. Never raises: what can't be read is `Unreadable`, and says why."""
    if not is_ours(action_id):
        return Unreadable(action_id, Unreadability.FOREIGN)
    try:
        cells = msgspec.json.decode(value, type=list[Any])
        return _press(action_id, cells)
    except OldCells:
        return Unreadable(action_id, Unreadability.OLD)
    except (BrokenCells, msgspec.MsgspecError, UnicodeError, RecursionError):
        return Unreadable(action_id, Unreadability.BROKEN)


def _encoded(kind: _Kind, request: Request, limit: int) -> str | None:
    return _json([f"{VERSION}{kind}", operation_of(request).name, *cells_of(request)], limit)


def _json(cells: list[Any], limit: int) -> str | None:
    try:
        text = msgspec.json.encode(cells).decode()
    except UnicodeEncodeError:  # half a surrogate pair: no such name can be sent to Slack
        return None
    # Slack is known to escape these three on the way; as JSON escapes they come back as they went.
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text if len(text) <= limit else None


def _press(action_id: str, cells: list[Any]) -> Press:
    match cells:
        case [str(stamp), str(name), *values]:
            version, kind = stamp[:-1], stamp[-1:]
        case _:
            raise BrokenCells
    if version != VERSION:
        raise OldCells
    if action_id.startswith(_OPERATION) and action_id != f"{_OPERATION}{name}":
        raise BrokenCells
    request = request_of(name, values)
    match kind:
        case _Kind.ACT:
            return Act(request, Origin.MENU if action_id in {MORE, CHOOSE} else Origin.BUTTON)
        case _Kind.TURN:
            return Turn(request)
        case _Kind.SHARE:
            return Share(request)
        case _:
            raise BrokenCells


def _carried(cells: list[Any]) -> Carried:
    match cells:
        case [str(stamp), str(name), str() | None as channel, str() | None as thread, str(verb), *values]:
            pass
        case _:
            raise BrokenCells
    if stamp[:-1] != VERSION:
        raise OldCells
    if stamp[-1:] != _Kind.FORM:
        raise BrokenCells
    return Carried(request_of(verb, values), name, channel, thread)
