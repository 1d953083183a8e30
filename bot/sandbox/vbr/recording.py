"""What a simulated VBR was asked and what it answered, for tests to look at."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from multidict import MultiDict

from bot.sandbox.vbr.accounts import Account


@dataclass
class RecordedRequest:
    """One request. ``template`` is the path's template, or the path itself where there is none.

    ``status`` is None while no answer was sent (dropped or hanging); ``was_faulty``: a fault struck.
    Bodies may hold passwords and tokens and are therefore not printed.
    """

    method: str
    template: str
    path: str
    query: MultiDict[str]
    headers: Mapping[str, str] = field(repr=False)
    raw_body: bytes = field(repr=False)
    at: datetime
    account: Account | None = field(default=None, repr=False)
    status: int | None = None
    raw_answer: bytes = field(default=b"", repr=False)
    was_faulty: bool = False

    @property
    def username(self) -> str | None:
        """The account whose token the request bore."""
        return None if self.account is None else self.account.username

    @property
    def body(self) -> Any:
        """The JSON body, None where there is none or it is no JSON."""
        return _parsed(self.raw_body)

    @property
    def answer(self) -> Any:
        """The answer's JSON, None where there is none or it is no JSON."""
        return _parsed(self.raw_answer)


class Requests:
    """The latest requests, oldest first; older ones than the last ``keep`` are forgotten."""

    def __init__(self, keep: int) -> None:
        self._all: deque[RecordedRequest] = deque(maxlen=keep)

    def add(self, request: RecordedRequest) -> None:
        """Record one more."""
        self._all.append(request)

    def clear(self) -> None:
        """Forget them all."""
        self._all.clear()

    def of(self, method: str, template: str) -> list[RecordedRequest]:
        """Those of one operation."""
        return [request for request in self._all if (request.method, request.template) == (method, template)]

    def __iter__(self) -> Iterator[RecordedRequest]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None
