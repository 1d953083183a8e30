"""Faults to order: what goes wrong with which operation, how often.

A fault is matched by method and path template and used up after ``times`` requests. Several for one operation
come in the order of their making.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

#: Matches every method or every path.
ANY = "*"
Change = Callable[[Any], Any]

HTML_ERROR = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Moment(Enum):
    """Whether the request was carried out when the fault struck."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Fault:
    """One way to go wrong.

    ``status`` answers with ``body`` and ``headers`` instead of the operation, which is carried out all the
    same where ``takes_effect``; with
    ``delay_seconds`` the answer is slow; ``drop`` cuts the connection, ``hang`` never answers, both before or
    after the request took effect; ``change`` gets the answer's JSON and gives back what to send; ``truncate``
    sends half of it.
    """

    status: int | None = None
    takes_effect: bool = False
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    delay_seconds: float = 0.0
    drop: Moment | None = None
    hang: Moment | None = None
    change: Change | None = None
    truncate: bool = False


@dataclass
class _Order:
    method: str
    template: str
    fault: Fault
    times: int
    after: int

    def meets(self, method: str, template: str) -> bool:
        return self.method in {ANY, method} and self.template in {ANY, template}


class VbrFaults:
    """The faults that one server has in store."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []

    def add(self, method: str, template: str, fault: Fault, *, times: int = 1, after: int = 0) -> None:
        """Let the operation go wrong ``times`` times, after it went well ``after`` times."""
        self._orders.append(_Order(method, template, fault, times, after))

    def clear(self) -> None:
        """Let everything go well again."""
        self._orders.clear()

    def take(self, method: str, template: str) -> Fault | None:
        """The fault that strikes this request; to be asked once a request."""
        for order in self._orders:
            if not order.meets(method, template):
                continue
            if order.after > 0:
                order.after -= 1
                return None
            order.times -= 1
            if order.times <= 0:
                self._orders.remove(order)
            return order.fault
        return None


def refusing(status: int, *, retry_after_seconds: int | None = None, takes_effect: bool = False) -> Fault:
    """An Error body with that status; with ``takes_effect`` although the request was carried out."""
    headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    body = b'{"errorCode": "UnknownError", "message": "Ordered by the test.", "resourceId": null}'
    return Fault(status=status, takes_effect=takes_effect, body=body, headers=headers)


def html(status: int = 502) -> Fault:
    """A proxy's HTML page."""
    return Fault(status=status, body=HTML_ERROR, content_type="text/html")


def empty(status: int) -> Fault:
    """A status without a body."""
    return Fault(status=status)


def slow(seconds: float) -> Fault:
    """The right answer, late."""
    return Fault(delay_seconds=seconds)


def dropped(moment: Moment) -> Fault:
    """The connection is cut, before or after the request took effect."""
    return Fault(drop=moment)


def hanging(moment: Moment) -> Fault:
    """No answer, ever, before or after the request took effect."""
    return Fault(hang=moment)


def malformed() -> Fault:
    """Half of the JSON, with the right status."""
    return Fault(truncate=True)


def changed(change: Change) -> Fault:
    """The answer's JSON, changed."""
    return Fault(change=change)


def rows(change: Callable[[dict[str, Any]], dict[str, Any]], *, only: Sequence[int] | None = None) -> Fault:
    """A list whose rows, or only those at the given places, are changed."""

    def change_rows(answer: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        key = "records" if "records" in answer else "data"
        answer[key] = [
            change(row) if only is None or index in only else row for index, row in enumerate(answer[key])
        ]
        return answer

    return changed(change_rows)


def setting(name: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A row with that field set: an unknown enum value, null, a wrong type, an extra field."""
    return lambda row: {**row, name: value}


def recasing(name: str, spell: Callable[[str], str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A row with the letter case of one field's value changed, as ``str.upper`` does."""
    return lambda row: {**row, name: spell(row[name])} if isinstance(row.get(name), str) else row


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A row that lacks that field."""
    return lambda row: {key: value for key, value in row.items() if key != name}
