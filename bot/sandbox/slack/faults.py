"""Faults on demand: what networks and Slack do now and then, done exactly when a test wants it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

from bot.sandbox.slack.app import App
from bot.sandbox.slack.arguments import Arguments

_HTML = "<html><head><title>Server Error | Slack</title></head><body>Oh no!</body></html>"


@dataclass(frozen=True, slots=True)
class RateLimited:
    """429 with this Retry-After; nothing is done."""

    retry_after: int = 1


@dataclass(frozen=True, slots=True)
class ServerError:
    """An HTTP error with an HTML body; with `after_effect` the call was carried out nevertheless."""

    status: int = 500
    after_effect: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """`{"ok": false}` with this error; nothing is done."""

    error: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection breaks without an answer, before or after the call was carried out."""

    after_effect: bool


@dataclass(frozen=True, slots=True)
class Hung:
    """The call is carried out and never answered: the client's time-out ends it."""


@dataclass(frozen=True, slots=True)
class Held:
    """The call is on its way until held calls are let go; then it is carried out, also if nobody waits."""


@dataclass(frozen=True, slots=True)
class Slow:
    """The call is carried out, and answered after this many real seconds."""

    seconds: float


SlackFault: TypeAlias = RateLimited | ServerError | Refused | Dropped | Hung | Held | Slow
Condition = Callable[[Arguments], bool]


@dataclass(slots=True)
class _Planned:
    method: str
    fault: SlackFault
    times: int
    condition: Condition


@dataclass(slots=True)
class SlackFaults:
    """The plan of faults; each is used up in the order it was added."""

    app: App
    duplicate_events: int = 0  # so many of the next events are delivered twice
    reorder_events: int = 0  # so many of the next events are held back until another one has gone
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _planned: list[_Planned] = field(default_factory=list)

    def add(
        self, method: str, fault: SlackFault, times: int = 1, *, when: Condition = lambda _arguments: True
    ) -> None:
        """Let the next calls of a method ("*": of any) go wrong, those whose arguments fulfil `when`.

        The methods `response_url` and `upload_url` stand for posts to such addresses; they know `ServerError`
        and `Dropped`.
        """
        self._planned.append(_Planned(method, fault, times, when))

    def clear(self) -> None:
        """Forget what was planned and let hung and held calls go."""
        self._planned.clear()
        self.duplicate_events = self.reorder_events = 0
        self.released.set()
        self.released = asyncio.Event()

    def take(self, method: str, arguments: Arguments) -> SlackFault | None:
        """The fault for this call, if one is due."""
        for planned in self._planned:
            if planned.method in (method, "*") and planned.times > 0 and planned.condition(arguments):
                planned.times -= 1
                return planned.fault
        return None

    def revoke_tokens(self, error: str = "token_revoked") -> None:
        """Both tokens give this error from now on (`account_inactive`, `invalid_auth` …)."""
        self.app.dead_tokens = {self.app.bot_token: error, self.app.app_token: error}

    def restore_tokens(self) -> None:
        """Both tokens are good again."""
        self.app.dead_tokens = {}

    def withdraw_scope(self, scope: str) -> None:
        """The installation lacks this scope from now on."""
        self.app.scopes.discard(scope)


def drop(request: web.Request) -> web.Response:
    """Break the connection of a request; the response goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def error_page(status: int) -> web.Response:
    """What stands before Slack's servers answers when they don't."""
    return web.Response(status=status, text=_HTML, content_type="text/html")
