"""Requests as JSON, both ways: what a button, a form or a row of the database holds of what was asked.

A request is msgspec's tagged array: `["retry", [2, "hq", "6c76…"]]`. Booleans are 0 and 1, because Slack has
150 characters for an option. Defaults at the end are left out, so a field that is added at the end needs no
new version of whatever holds requests; any other change does.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Union

import msgspec
from msgspec.structs import astuple, fields

from bot.operations.model import VSPHERE, KnownMachine, NamedJob, Operation, Request

TRANSIENT_FIELDS = frozenset({"entered", "kept"})
"""What was entered in a form, and the draft that keeps it: they stand last, and are never written here."""
_CELLS_OF_A_NAME = 4
_LONGEST_SPAN = timedelta(days=1_000)
"""No command takes a span as long as this: one that is longer, or negative, was never written here."""


class BrokenRequest(Exception):
    """The JSON is no request."""


class OldRequest(Exception):
    """The JSON is a request of another version of the bot."""


class RequestCodec:
    """Writes and reads the requests of these verbs."""

    def __init__(self, verbs: Iterable[type[Request]]) -> None:
        self._verbs = {verb.operation.name: verb for verb in verbs}
        self._any_request: Any = Union[tuple(self._verbs.values())]  # noqa: UP007 -- made from a table
        # The fields that are written, each with its default as JSON takes it; an empty tuple: it has none.
        self._written: dict[type[Request], list[tuple[str, tuple[Any, ...]]]] = {
            verb: [
                (field.name, () if field.required else (_plain(field.default),))
                for field in fields(verb)
                if field.name not in TRANSIENT_FIELDS
            ]
            for verb in self._verbs.values()
        }

    def operation(self, name: str) -> Operation | None:
        """Return the operation of this name; None for one of another version of the bot."""
        verb = self.verb(name)
        return None if verb is None else verb.operation

    def verb(self, name: str) -> type[Request] | None:
        """Return the verb of this name."""
        return self._verbs.get(name)

    def encode(self, request: Request) -> list[Any]:
        """Return the request's name and fields, as JSON takes them."""
        written = self._written[type(request)]
        cells = [_written(getattr(request, name)) for name, _ in written]
        while cells and written[len(cells) - 1][1] == (cells[-1],):
            cells.pop()
        return [request.operation.name, *cells]

    def decode(self, cells: list[Any]) -> Request:
        """Return the request. Raises `OldRequest` and `BrokenRequest`."""
        verb = self._verbs.get(cells[0]) if cells and isinstance(cells[0], str) else None
        if verb is None or len(cells) - 1 > len(self._written[verb]):
            raise OldRequest
        try:
            request: Request = msgspec.convert(cells, type=self._any_request, strict=False)
        except (msgspec.ValidationError, OverflowError, ValueError) as error:
            raise BrokenRequest from error
        spans = (value for value in astuple(request) if isinstance(value, timedelta))
        if not all(timedelta() <= span <= _LONGEST_SPAN for span in spans):
            raise BrokenRequest
        return request

    def to_json(self, request: Request) -> str:
        """Return the request as text, the same for the same request."""
        return msgspec.json.encode(self.encode(request)).decode()

    def from_json(self, text: str) -> Request | None:
        """Return the request; None where another version of the bot wrote it."""
        try:
            return self.decode(msgspec.json.decode(text, type=list[Any]))
        except (OldRequest, BrokenRequest, msgspec.MsgspecError):
            return None


def _written(value: Any) -> Any:
    """The value as JSON takes it; a job by its name, or a machine, without what says nothing at its end."""
    plain = _plain(value)
    if isinstance(value, KnownMachine) and value.platform == VSPHERE:
        plain.pop()
    if isinstance(value, NamedJob):
        while len(plain) > _CELLS_OF_A_NAME and not plain[-1]:
            plain.pop()
    return plain


def _plain(value: Any) -> Any:
    plain = msgspec.to_builtins(value)
    if isinstance(plain, list):
        return [_plain(each) for each in plain]
    return int(plain) if isinstance(plain, bool) else plain
