"""What buttons and menus carry, both ways: action ids and values out, typed presses in.

A value holds the whole request, so a press needs no memory of ours. It is a JSON array: `["1a","retry",…]` is
version 1, `a`ct, the operation's name, then the request's fields in their order, defaults at the end left
out. A field that is added at the end of a request therefore needs no new version; any other change does.
Slack's limits: 2,000 characters for a button's value, 150 for an option's. What doesn't fit is not offered.
"""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from enum import Enum, StrEnum
from types import NoneType
from typing import Any, NewType, get_args, get_type_hints

import msgspec

from bot.operations.catalog import BY_NAME, OPERATIONS, Operation, operation_of
from bot.operations.requests import (
    AuditRequest,
    Drawn,
    JobRef,
    JobsRequest,
    KnownJob,
    KnownMachine,
    MachineRef,
    NamedJob,
    NamedMachine,
    Origin,
    Request,
    SessionsRequest,
)
from bot.veeam import JobId, ServerName, SessionId

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
    return _json([f"{VERSION}{_Kind.FORM}", *cells, *_cells(request)], METADATA_LIMIT)


def decode_form(metadata: str) -> Carried | Unreadable:
    """What a form carries. Never raises: what can't be read is `Unreadable`, and says why."""
    try:
        return _carried(msgspec.json.decode(metadata, type=list[Any]))
    except _Old:
        return Unreadable("", Unreadability.OLD)
    except (_Broken, msgspec.MsgspecError, UnicodeError, RecursionError):
        return Unreadable("", Unreadability.BROKEN)


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
    except _Old:
        return Unreadable(action_id, Unreadability.OLD)
    except (_Broken, msgspec.MsgspecError, UnicodeError, RecursionError):
        return Unreadable(action_id, Unreadability.BROKEN)


class _Broken(Exception):
    pass


class _Old(Exception):
    pass


def _encoded(kind: _Kind, request: Request, limit: int) -> str | None:
    return _json([f"{VERSION}{kind}", operation_of(request).name, *_cells(request)], limit)


def _json(cells: list[Any], limit: int) -> str | None:
    try:
        text = msgspec.json.encode(cells).decode()
    except UnicodeEncodeError:  # half a surrogate pair: no such name can be sent to Slack
        return None
    # Slack is known to escape these three on the way; as JSON escapes they come back as they went.
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text if len(text) <= limit else None


def _cells(request: Request) -> list[Any]:
    values = [(getattr(request, field.name), field.default) for field in fields(request)]
    while values and values[-1][1] is not MISSING and values[-1][0] == values[-1][1]:
        values.pop()
    return [_cell(value) for value, _ in values]


def _cell(value: object) -> object:
    match value:
        case KnownJob(server, job_id):
            return [server, job_id]
        case NamedJob(text, server, exact):
            return [text, server, int(exact)]
        case KnownMachine(server, host_name, object_id):
            return [server, host_name, object_id]
        case NamedMachine(text, server):
            return [text, server]
        case Drawn(session_id, is_active):
            return [session_id, int(is_active)]
        case bool():
            return int(value)
        case timedelta():
            return value // _MICROSECOND
        case _:
            return value


_MICROSECOND = timedelta(microseconds=1)


def _press(action_id: str, cells: list[Any]) -> Press:
    match cells:
        case [str(stamp), str(name), *values]:
            version, kind = stamp[:-1], stamp[-1:]
        case _:
            raise _Broken
    if version != VERSION:
        raise _Old
    if action_id.startswith(_OPERATION) and action_id != f"{_OPERATION}{name}":
        raise _Broken
    request = _request(name, values)
    match kind:
        case _Kind.ACT:
            return Act(request, Origin.MENU if action_id in {MORE, CHOOSE} else Origin.BUTTON)
        case _Kind.TURN:
            return Turn(request)
        case _Kind.SHARE:
            return Share(request)
        case _:
            raise _Broken


def _carried(cells: list[Any]) -> Carried:
    match cells:
        case [str(stamp), str(name), str() | None as channel, str() | None as thread, str(verb), *values]:
            pass
        case _:
            raise _Broken
    if stamp[:-1] != VERSION:
        raise _Old
    if stamp[-1:] != _Kind.FORM:
        raise _Broken
    return Carried(_request(verb, values), name, channel, thread)


def _request(name: str, values: list[Any]) -> Request:
    operation = BY_NAME.get(name)
    if operation is None:
        raise _Old  # an operation of another version
    readers, required = _FIELDS[name]
    if len(values) > len(readers):
        raise _Old
    if len(values) < required:
        raise _Broken
    return operation.request(*(read(value) for read, value in zip(readers, values, strict=False)))


_Reader = Callable[[Any], Any]


def _readers(request: type[Request]) -> tuple[tuple[_Reader, ...], int]:
    hints = get_type_hints(request)
    required = sum(field.default is MISSING for field in fields(request))
    return tuple(_reader(hints[field.name]) for field in fields(request)), required


def _reader(hint: Any) -> _Reader:
    kinds = set(get_args(hint)) or {hint}
    read = _reader_of_kind(kinds - {NoneType})
    return (lambda value: None if value is None else read(value)) if NoneType in kinds else read


def _reader_of_kind(kinds: set[Any]) -> _Reader:
    if kinds == set(get_args(JobRef)):
        return _job
    if kinds == set(get_args(MachineRef)):
        return _machine
    (kind,) = kinds
    if isinstance(kind, NewType):
        kind = kind.__supertype__
    if issubclass(kind, Enum):
        return lambda value: _member(kind, value)
    return _READERS[kind]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Broken
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _Broken
    return value


def _flag(value: object) -> bool:
    if value not in (0, 1):
        raise _Broken
    return bool(value)


def _length(value: object) -> timedelta:
    try:
        return _number(value) * _MICROSECOND
    except OverflowError:
        raise _Broken from None


def _member(kind: type[Enum], value: object) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise _Broken from None


def _job(value: object) -> JobRef:
    match value:
        case [str(server), str(job_id)]:
            return KnownJob(ServerName(server), JobId(job_id))
        case [str(text), str() | None as server, exact]:
            return NamedJob(text, server, _flag(exact))
        case _:
            raise _Broken


def _machine(value: object) -> MachineRef:
    match value:
        case [str(server), str(host_name), str(object_id)]:
            return KnownMachine(ServerName(server), host_name, object_id)
        case [str(text), str() | None as server]:
            return NamedMachine(text, server)
        case _:
            raise _Broken


def _drawn(value: object) -> Drawn:
    match value:
        case [str() | None as session_id, is_active]:
            return Drawn(None if session_id is None else SessionId(session_id), _flag(is_active))
        case _:
            raise _Broken


_READERS: dict[type, _Reader] = {
    str: _text,
    int: _number,
    bool: _flag,
    timedelta: _length,
    Drawn: _drawn,
}

_FIELDS = {operation.name: _readers(operation.request) for operation in OPERATIONS}
