"""Requests as JSON cells, both ways: what a button, a form or a row of the database holds of what was asked.

A field that is added at the end of a request needs no new version of whatever holds the cells; any other
change does.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from datetime import timedelta
from enum import Enum
from types import NoneType
from typing import Any, NewType, get_args, get_type_hints

from bot.operations.catalog import BY_NAME, OPERATIONS
from bot.operations.requests import (
    Drawn,
    JobRef,
    KnownJob,
    KnownMachine,
    MachineRef,
    NamedJob,
    NamedMachine,
    Request,
)
from bot.veeam import JobId, ServerName, SessionId


class BrokenCells(Exception):
    """They are of no request."""


class OldCells(Exception):
    """They are of another version of the bot."""


def cells_of(request: Request) -> list[Any]:
    """The request's fields in their order, as JSON takes them; defaults at the end are left out."""
    values = [(getattr(request, field.name), field.default) for field in _written(request)]
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


def request_of(name: str, values: list[Any]) -> Request:
    """The request of the operation of this name. Raises `OldCells` and `BrokenCells`."""
    operation = BY_NAME.get(name)
    if operation is None:
        raise OldCells  # an operation of another version
    readers, required = _FIELDS[name]
    if len(values) > len(readers):
        raise OldCells
    if len(values) < required:
        raise BrokenCells
    return operation.request(*(read(value) for read, value in zip(readers, values, strict=False)))


_Reader = Callable[[Any], Any]


def _readers(request: type[Request]) -> tuple[tuple[_Reader, ...], int]:
    hints = get_type_hints(request)
    written = _written(request)
    required = sum(field.default is MISSING for field in written)
    return tuple(_reader(hints[field.name]) for field in written), required


def _written(request: Request | type[Request]) -> tuple[Field[Any], ...]:
    """The fields that cells hold: all but what was entered in a form, which is kept as a draft."""
    return tuple(field for field in fields(request) if field.name != "entered")


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
        raise BrokenCells
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BrokenCells
    return value


def _flag(value: object) -> bool:
    if value not in (0, 1):
        raise BrokenCells
    return bool(value)


def _length(value: object) -> timedelta:
    try:
        return _number(value) * _MICROSECOND
    except OverflowError:
        raise BrokenCells from None


def _member(kind: type[Enum], value: object) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise BrokenCells from None


def _job(value: object) -> JobRef:
    match value:
        case [str(server), str(job_id)]:
            return KnownJob(ServerName(server), JobId(job_id))
        case [str(text), str() | None as server, exact]:
            return NamedJob(text, server, _flag(exact))
        case _:
            raise BrokenCells


def _machine(value: object) -> MachineRef:
    match value:
        case [str(server), str(host_name), str(object_id)]:
            return KnownMachine(ServerName(server), host_name, object_id)
        case [str(text), str() | None as server]:
            return NamedMachine(text, server)
        case _:
            raise BrokenCells


def _drawn(value: object) -> Drawn:
    match value:
        case [str() | None as session_id, is_active]:
            return Drawn(None if session_id is None else SessionId(session_id), _flag(is_active))
        case _:
            raise BrokenCells


def _known_job(value: object) -> KnownJob:
    job = _job(value)
    if not isinstance(job, KnownJob):
        raise BrokenCells
    return job


_READERS: dict[type, _Reader] = {
    KnownJob: _known_job,
    str: _text,
    int: _number,
    bool: _flag,
    timedelta: _length,
    Drawn: _drawn,
}

_FIELDS = {operation.name: _readers(operation.request) for operation in OPERATIONS}
