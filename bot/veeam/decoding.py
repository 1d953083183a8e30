"""Decode VBR's JSON into typed rows, such that no row is lost for a field.

A row is decoded strictly first, which is fast and nearly always enough. One that doesn't fit is read field by
field: what can be understood is kept, the rest takes its default. Missing and null are the same. A row is
given up only when it isn't an object or lacks what identifies it.

Times become aware and UTC. Task sessions come without an offset, in the server's local time, so decoding is
given the server's zone, which knows the offset of each day; where it isn't known yet and a row needs it,
`ZoneNeeded` says so. A date before 2000 means none: .NET's year 1, or 1900 as VBR's database has it.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import cache
from itertools import chain
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, NewType, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import fields, force_setattr


class JsonObject(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """An object inside a row. Keys are the document's, in snake_case."""

    @classmethod
    def as_object(cls, value: object) -> dict[str, Any] | None:
        """The JSON object this is read from; what differs between revisions is evened out here."""
        return value if isinstance(value, dict) else None


class Row(JsonObject, frozen=True, gc=False):
    """One element of a list. A field without a default identifies the row, or the row can't be read."""


E = TypeVar("E", bound=StrEnum)
J = TypeVar("J", bound=JsonObject)
R = TypeVar("R", bound=Row)
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Page(Generic[T_co]):
    """One answer of a list. `total` is the server's count of all rows, where it gave one."""

    rows: tuple[T_co, ...]
    total: int | None = None
    unreadable: int = 0
    """How many rows were received but could not be typed at all."""
    is_whole: bool = True
    """Whether rows of every kind can be on it: where states were put together, jobs of some types cannot."""

    @property
    def received(self) -> int:
        """By how much the next page's `skip` advances."""
        return len(self.rows) + self.unreadable


class ZoneNeeded(Exception):
    """A time without an offset, and the server's zone not known yet."""


class Undecodable(ValueError):
    """The answer isn't JSON of the expected shape."""


class _Unusable(Exception):
    pass


_ABSENT = msgspec.Raw(b"null")
_FIRST_YEAR = 2000
"""Of a time that is one; VBR is younger than that."""
_NEAR = timedelta(days=2)
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class _Envelope(msgspec.Struct, rename="camel"):
    data: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    pagination: msgspec.Raw = _ABSENT
    records: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    total_records: msgspec.Raw = _ABSENT


def known(words: type[E], text: str | None) -> E | None:
    """The enum's word for this text; None for an unknown word, and for none.

    Letter case differs between revisions: 1.3-rev0 writes `running`, 1.3-rev1 `Running`.
    """
    return _by_folded_text(words).get((text or "").casefold())


@cache
def _by_folded_text(words: type[E]) -> dict[str, E]:
    return {word.value.casefold(): word for word in words}


def decode_page(model: type[R], body: bytes, zone: tzinfo | None) -> Page[R]:
    """A list's answer: `{"data": […], "pagination": {…}}`, or a log's `{"totalRecords": …, "records": […]}`.

    Raises Undecodable, ZoneNeeded.
    """
    rows, total = _open_envelope(body)
    reader: _Reader[R] = _reader(model)
    typed: list[R] = []
    for row in rows:
        try:
            typed.append(reader.read(row, zone))
        except _Unusable:
            continue
    return Page(tuple(typed), total, unreadable=len(rows) - len(typed))


def decode_one(model: type[J], body: bytes, zone: tzinfo | None) -> J:
    """An answer that is one object. Raises Undecodable, ZoneNeeded."""
    reader: _Reader[J] = _reader(model)
    try:
        return reader.read(msgspec.Raw(body), zone)
    except _Unusable:
        raise Undecodable(f"not a {model.__name__}") from None


def decode_object(body: bytes) -> dict[str, Any]:
    """An answer kept whole. Raises Undecodable."""
    whole = _json(body)
    if not isinstance(whole, dict):
        raise Undecodable("not an object")
    return whole


def _open_envelope(body: bytes) -> tuple[Sequence[object], int | None]:
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except _UNREADABLE:
        return _open_loosely(decode_object(body))
    found = envelope.records if envelope.data is msgspec.UNSET else envelope.data
    pagination = _json(bytes(envelope.pagination))
    total = pagination.get("total") if isinstance(pagination, dict) else _json(bytes(envelope.total_records))
    if found is msgspec.UNSET and envelope.total_records is _ABSENT:
        raise Undecodable("no list of rows")
    return found or (), _count(total)


def _open_loosely(whole: dict[str, Any]) -> tuple[Sequence[object], int | None]:
    rows = whole.get("data", whole.get("records"))
    if not isinstance(rows, list):
        raise Undecodable("no list of rows")
    pagination = whole.get("pagination")
    return rows, _count(
        pagination.get("total") if isinstance(pagination, dict) else whole.get("totalRecords")
    )


def _count(total: object) -> int | None:
    return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None


def _json(body: bytes) -> object:
    """The standard library's reading takes what msgspec refuses: lone surrogates, broken UTF-8, NaN."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        raise Undecodable("not JSON") from None


class _Reader(Generic[J]):
    """Reads one kind of object. Built once a model."""

    def __init__(self, model: type[J]) -> None:
        self._model = model
        self._decoder = msgspec.json.Decoder(model)
        self._fields = tuple((field, _options(field.type)) for field in fields(model))
        self._times = tuple(field.name for field, options in self._fields if datetime in options)

    def read(self, row: object, zone: tzinfo | None) -> J:
        decoded = self._decoded(row)
        moments = [(name, getattr(decoded, name)) for name in self._times]
        for name, moment in moments:
            if moment is not None and moment.tzinfo is None and isinstance(zone, timezone):
                # What a time beside it bears is nearer to the truth than the offset of another day.
                borne = [each for _, each in moments if each is not None and each.tzinfo not in {None, UTC}]
                near = (each.tzinfo for each in borne if abs(each.replace(tzinfo=None) - moment) < _NEAR)
                zone = next(near, zone)
            if moment is not None and (moment.tzinfo is not UTC or moment.year < _FIRST_YEAR):
                force_setattr(decoded, name, _in_utc(moment, zone))
        return decoded

    def _decoded(self, row: object) -> J:
        if not isinstance(row, msgspec.Raw):
            return self.field_by_field(row)
        try:
            return self._decoder.decode(row)
        except _UNREADABLE:
            return self._without_nulls(row)

    def _without_nulls(self, row: msgspec.Raw) -> J:
        """Most often only a null stands in the way, perhaps in every row: too many to read field by field."""
        try:
            whole = self._model.as_object(msgspec.json.decode(row))
            if whole is None:
                raise _Unusable
            return msgspec.convert({k: v for k, v in whole.items() if v is not None}, self._model)
        except _UNREADABLE:
            pass
        try:
            return self.field_by_field(_json(bytes(row)))
        except Undecodable:
            raise _Unusable from None

    def field_by_field(self, value: object) -> J:
        whole = self._model.as_object(value)
        if whole is None:
            raise _Unusable
        values: dict[str, Any] = {}
        for field, options in self._fields:
            try:
                values[field.name] = _decoded_field(whole.get(field.encode_name), options)
            except _Unusable:
                if field.required:
                    raise
        return self._model(**values)


@cache
def _reader(model: type[J]) -> _Reader[J]:
    return _Reader(model)


def _options(annotation: Any) -> tuple[type, ...]:
    """The plain types a field accepts: `Annotated[str, …] | None` is `(str,)`."""
    if isinstance(annotation, NewType):
        return _options(annotation.__supertype__)
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if isinstance(annotation, UnionType) or get_origin(annotation) is Union:
        return tuple(
            chain.from_iterable(_options(arg) for arg in get_args(annotation) if arg is not NoneType)
        )
    return (annotation,)


def _decoded_field(value: object, options: tuple[type, ...]) -> object:
    for option in options:
        if issubclass(option, JsonObject):
            return _reader(option).field_by_field(value)
        if (found := _LENIENT_DECODERS[option](value)) is not None:
            return found
    raise _Unusable


def _as_text(value: object) -> str | None:
    if isinstance(value, list):  # a revision may make an array of what was one text
        value = "\n".join(text for item in value if (text := _as_text(item)) is not None)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace") or None


def _as_number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _as_whole_number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _as_number(value)
    return None if number is None else int(number)


def _as_flag(value: object) -> bool | None:
    return {"true": True, "false": False}.get(str(value).casefold())


def _as_time(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


_LENIENT_DECODERS: Mapping[type, Callable[[object], object]] = {
    str: _as_text,
    float: _as_number,
    int: _as_whole_number,
    bool: _as_flag,
    datetime: _as_time,
}


def _in_utc(moment: datetime, zone: tzinfo | None) -> datetime | None:
    if moment.year < _FIRST_YEAR:  # before any arithmetic: an offset can push it into the year before
        return None
    if moment.tzinfo is None:
        if zone is None:
            raise ZoneNeeded
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
