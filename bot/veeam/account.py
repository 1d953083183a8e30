"""One account's calls: with a token, sent again where that is safe, and every refusal an error of ours."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

import structlog

from bot.observability import Clock, Metrics
from bot.veeam.answers import Answer, error_in
from bot.veeam.connection import Connection
from bot.veeam.errors import VeeamError
from bot.veeam.tokens import Token, Tokens
from bot.veeam.wire import Call, Wire

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How often and how long a question is asked again; the pause doubles each time, with jitter."""

    attempts: int = 3
    seconds: float = 45.0
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 8.0

    def pause_before(self, attempt: int, *, named_seconds: float | None) -> float:
        """Seconds to wait before this attempt (the second is 2), and never less than the server named."""
        ceiling = min(self.longest_pause_seconds, self.first_pause_seconds * 2 ** (attempt - 1))
        return max(named_seconds or 0.0, random.uniform(ceiling / 2, ceiling))  # noqa: S311 - jitter, no secret


class Account:
    """Authorised calls to one server."""

    def __init__(self, connection: Connection, clock: Clock, patience: Patience, metrics: Metrics) -> None:
        self._server = connection.name
        self._clock = clock
        self._patience = patience
        self._wire = Wire(connection, clock, metrics)
        self._tokens = Tokens(connection, self._wire, clock)

    async def read(self, call: Call) -> Answer:
        """Ask, again where that helps, within the patience. Raises VeeamError."""
        return await self._patiently(lambda: self._authorised(call))

    async def read_openly(self, call: Call) -> Answer:
        """Ask without a token. Raises VeeamError."""

        async def ask() -> Answer:
            return self._successful(await self._wire.send(call), call)

        return await self._patiently(ask)

    async def change(self, call: Call) -> Answer:
        """Send a change once. Raises VeeamError; `Unclear` when nobody knows what came of it."""
        return await self._authorised(call)

    async def close(self) -> None:
        """Log out, best effort, and close the connections."""
        await self._tokens.log_out()
        await self._wire.close()

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        began = self._clock.monotonic()
        attempt = 1
        while True:
            try:
                return await ask()
            except VeeamError as error:
                attempt += 1
                pause = self._patience.pause_before(attempt, named_seconds=error.retry_after_seconds)
                spent = self._clock.monotonic() - began
                hopeless = attempt > self._patience.attempts or spent + pause > self._patience.seconds
                if not error.may_retry or hopeless:
                    raise
                log.debug("veeam.asked_again", server=self._server, error=str(error), attempt=attempt)
            await self._clock.sleep(pause)

    async def _authorised(self, call: Call) -> Answer:
        # Authorisation precedes execution, so what was refused with 401 or 403 was not done, POSTs included.
        token = await self._tokens.current()
        answer = await self._wire.send(call, token=token.access)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            token = await self._tokens.instead_of(token)
            answer = await self._wire.send(call, token=token.access)
        if answer.status == HTTPStatus.FORBIDDEN and self._tokens.is_doubtful(token):
            return await self._with_password(call, token)
        if answer.is_success:
            self._tokens.prove(token)
        return self._successful(answer, call)

    async def _with_password(self, call: Call, doubted: Token) -> Answer:
        """Tell a role that may not from a server that answers 403 to every token it gave out by refresh."""
        token = await self._tokens.instead_of(doubted, by_password=True)
        answer = await self._wire.send(call, token=token.access)
        if answer.is_success:
            self._tokens.distrust_refresh()
        return self._successful(answer, call)

    def _successful(self, answer: Answer, call: Call) -> Answer:
        error = error_in(answer, self._server, changes=call.changes)
        if error is not None:
            raise error
        return answer
