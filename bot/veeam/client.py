"""One account's requests: with a token, sent again where that is safe, and their answers typed.

Every refusal is an error of ours (`bot.veeam.errors`).
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from http import HTTPStatus
from typing import TypeVar

import structlog

from bot.observability import Clock, Metrics
from bot.veeam import decoding
from bot.veeam.connection import Connection
from bot.veeam.decoding import JsonObject, Page, Row
from bot.veeam.details import Detail, is_noting_missing, note_missing
from bot.veeam.detection import (
    SERVER_TIME_PATH,
    SpokenRevision,
    is_spoken_with_token,
    refusal_of_revision,
)
from bot.veeam.errors import RevisionUnsupported, TimedOut, UnexpectedAnswer, VeeamError
from bot.veeam.http import YEARS, ApiRequest, ApiResponse, HttpClient, error_in
from bot.veeam.limits import in_time
from bot.veeam.queries import ListQuery
from bot.veeam.revisions import REVISIONS, Revision
from bot.veeam.server_facts import ServerTime
from bot.veeam.tokens import Token, Tokens
from bot.veeam.turns import ServerTurns
from bot.veeam.zones import zone_of

log = structlog.get_logger()

PAGE_ROWS = 500
PAGES_AT_MOST = 200
_ZONE_LASTS_SECONDS = 3600.0
_ZONE_ASKED_AGAIN_SECONDS = 60.0

T = TypeVar("T")
J = TypeVar("J", bound=JsonObject)
R = TypeVar("R", bound=Row)
Q = TypeVar("Q", bound=ListQuery)
E = TypeVar("E", bound=VeeamError)


@dataclass(frozen=True)
class ReadRetries:
    """How often and for how long a question is asked again; the pause doubles each time, with jitter."""

    attempts: int = 3
    total_seconds: float = 45.0
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 8.0

    def pause_before(self, attempt: int, *, retry_after_seconds: float | None) -> float:
        """Seconds to wait before this attempt (the second is 2), and never less than the server asked for."""
        ceiling = min(self.longest_pause_seconds, self.first_pause_seconds * 2 ** (attempt - 1))
        return max(retry_after_seconds or 0.0, random.uniform(ceiling / 2, ceiling))  # noqa: S311 - jitter, no secret


class _ServerTimeModel(JsonObject, frozen=True, gc=False):
    server_time: str
    time_zone: str | None = None
    iana_time_zone_id: str | None = None


class ApiClient:
    """One account's requests to one server. Raises VeeamError; UnexpectedAnswer for an undocumented shape."""

    def __init__(
        self,
        connection: Connection,
        spoken: SpokenRevision,
        clock: Clock,
        read_retries: ReadRetries,
        metrics: Metrics,
    ) -> None:
        self._server = connection.name
        self._spoken = spoken
        self._clock = clock
        self._read_retries = read_retries
        self._http = HttpClient(
            connection,
            clock,
            metrics,
            api_version=lambda: spoken.current.name,
            note_status=spoken.note_status,
        )
        self._tokens = Tokens(connection, spoken, self._http, clock)
        self._turns = ServerTurns(connection.name)
        self._zone: tzinfo | None = None  # the server's, for times without an offset
        self._zone_until = 0.0
        self._zone_failure: VeeamError | None = None
        self._is_clock_open = True
        self._logged_unreadable: set[str] = set()

    @property
    def zone(self) -> tzinfo | None:
        """The server's time zone, as far as it was asked for."""
        return self._zone

    async def revision(self) -> Revision:
        """The revision to ask in, detected first where that is due."""
        return await self._with_retries(lambda: self._spoken.known(self._http, self._ask_with_token))

    async def proven_revision(self) -> Revision:
        """The same, asked for now, whatever is remembered."""
        return await self._with_retries(lambda: self._spoken.proven(self._http, self._ask_with_token))

    async def newest_revision(self) -> Revision:
        """The newest revision that server and bot both speak, whether or not another one is pinned."""
        return await self._with_retries(lambda: self._spoken.newest(self._http, self._ask_with_token))

    async def page(self, model: type[R], request: ApiRequest) -> Page[R]:
        """One page of a list. A row that cannot be read is counted, and logged once for each path."""
        page = await self._typed(request, lambda body, zone: decoding.decode_page(model, body, zone))
        if page.unreadable and request.path not in self._logged_unreadable:
            self._logged_unreadable.add(request.path)
            log.warning(
                "veeam.rows_unreadable", server=self._server, path=request.path, unreadable=page.unreadable
            )
        return page

    async def every(self, query: Q, ask: Callable[[Q], Awaitable[Page[R]]]) -> AsyncIterator[R]:
        """All rows, page by page."""
        async for page in self.pages(query, ask):
            for row in page.rows:
                yield row

    async def pages(self, query: Q, ask: Callable[[Q], Awaitable[Page[R]]]) -> AsyncIterator[Page[R]]:
        """All pages, until one is empty or the server's count is reached."""
        skip = query.skip or 0
        for _ in range(PAGES_AT_MOST):
            page = await ask(query.page(skip=skip, limit=query.limit or PAGE_ROWS))
            yield page
            skip += page.received
            if not page.received or (page.total is not None and skip >= page.total):
                return
        log.warning("veeam.pages_capped", server=self._server, rows=skip)

    async def one(self, model: type[J], request: ApiRequest) -> J:
        """An answer that is one object."""
        return await self._typed(request, lambda body, zone: decoding.decode_one(model, body, zone))

    async def whole(self, request: ApiRequest) -> dict[str, object]:
        """An answer kept as it is."""
        return await self._typed(request, lambda body, _zone: decoding.decode_object(body))

    @property
    def http_now(self) -> datetime | None:
        """The time by the Date header of the latest answer; None while none had one."""
        return self._http.dates.now()

    async def server_time(self) -> ServerTime:
        """The server's clock, asked for without a token where the server lets us.

        Also renews what we know of its zone.
        """
        request = ApiRequest.get(SERVER_TIME_PATH)
        response = await self._with_retries(lambda: self._send_for_clock(request))
        model = self._decoded(
            response, request, lambda body: decoding.decode_one(_ServerTimeModel, body, UTC)
        )
        try:
            moment = datetime.fromisoformat(model.server_time)
            offset = moment.utcoffset() or timedelta()
            zone = zone_of(
                moment.replace(tzinfo=timezone(offset)),
                display_name=model.time_zone,
                iana_name=model.iana_time_zone_id,
            )
            found = ServerTime(moment.replace(tzinfo=UTC) - offset, offset, model.time_zone, zone)
        except (ValueError, OverflowError):
            raise self._unexpected(response, request, "no time") from None
        if found.server_time.year not in YEARS:
            raise self._unexpected(response, request, "no time")
        self._zone, self._zone_until = found.zone, self._clock.monotonic() + _ZONE_LASTS_SECONDS
        self._zone_failure = None
        return found

    async def change(self, request: ApiRequest) -> ApiResponse:
        """Send a change once. Raises VeeamError; `AnswerLost` when its outcome is unknown."""
        return await self._send(request)

    async def close(self) -> None:
        """Log out, best effort, and close the connections."""
        await self._tokens.log_out()
        await self._http.close()

    async def _typed(self, request: ApiRequest, decode: Callable[[bytes, tzinfo | None], T]) -> T:
        response = await self._with_retries(lambda: self._send(request))
        is_known = self._zone_failure is None and self._clock.monotonic() < self._zone_until
        zone = self._zone if is_known else None
        try:
            return self._decoded(response, request, lambda body: decode(body, zone))
        except decoding.ZoneNeeded:
            zone = await self._zone_now()
            return self._decoded(response, request, lambda body: decode(body, zone))

    async def _zone_now(self) -> tzinfo:
        """The server's zone, or the one it had last: a server that answers is read without its clock, too."""
        if self._zone_failure is None or self._clock.monotonic() >= self._zone_until:
            try:
                return (await in_time(self._server, self.server_time())).zone
            except VeeamError as error:
                if not (is_noting_missing() or error.reached_server or isinstance(error, TimedOut)):
                    raise
                self._zone_failure = error
                self._zone_until = self._clock.monotonic() + _ZONE_ASKED_AGAIN_SECONDS
                log.warning("veeam.zone_not_read", server=self._server, error=str(error))
        if is_noting_missing():
            note_missing(Detail.SERVER_TIME, self._zone_failure)
        return self._zone or UTC

    def _decoded(self, response: ApiResponse, request: ApiRequest, decode: Callable[[bytes], T]) -> T:
        try:
            return decode(response.body)
        except decoding.Undecodable as failure:
            raise self._unexpected(response, request, str(failure)) from failure

    def _unexpected(self, response: ApiResponse, request: ApiRequest, what: str) -> UnexpectedAnswer:
        text = f"{request.method} {request.path}: {what}"
        return _about(request, UnexpectedAnswer(self._server, text, status=response.status))

    async def _with_retries(self, send: Callable[[], Awaitable[T]]) -> T:
        began = self._clock.monotonic()
        attempt = 1
        while True:
            try:
                return await send()
            except VeeamError as error:
                attempt += 1
                pause = self._read_retries.pause_before(
                    attempt, retry_after_seconds=error.retry_after_seconds
                )
                spent = self._clock.monotonic() - began
                is_too_late = spent + pause > self._read_retries.total_seconds
                if not error.may_retry or attempt > self._read_retries.attempts or is_too_late:
                    raise
                log.debug("veeam.request_retried", server=self._server, error=str(error), attempt=attempt)
            await self._clock.sleep(pause)

    async def _send(self, request: ApiRequest) -> ApiResponse:
        # Authorisation precedes execution, so what was refused with 401 or 403 was not done, POSTs included.
        await self._spoken.known(self._http, self._ask_with_token)
        response, token = await self._exchange(request)
        if response.status == HTTPStatus.FORBIDDEN and self._tokens.is_doubtful(token):
            return await self._send_with_password_token(request, token)
        revision = self._revision_of(request)
        if response.is_success:
            self._tokens.prove(token)
            self._spoken.accept(revision)
        elif response.status == HTTPStatus.BAD_REQUEST and self._spoken.is_unproven(revision):
            await self._demand_revision(request, revision, words=response.message_and_code()[0])
        return self._successful(response, request)

    async def _exchange(
        self, request: ApiRequest, login: Revision | None = None
    ) -> tuple[ApiResponse, Token]:
        """The answer to a request, and the token that it was sent with; one that has died is renewed once."""
        token = await self._tokens.current(login)
        response = await self._send_once(request, token)
        if response.status == HTTPStatus.UNAUTHORIZED:
            token = await self._tokens.instead_of(token, login)
            response = await self._send_once(request, token)
        return response, token

    async def _ask_with_token(self, request: ApiRequest, login: Revision) -> ApiResponse:
        return (await self._exchange(request, login))[0]

    async def _demand_revision(self, request: ApiRequest, revision: Revision, *, words: str) -> None:
        """Raise RevisionUnsupported where a 400 to a first question, whatever its words, is about that."""
        ask, server = self._ask_with_token, self._server
        try:
            is_spoken = await is_spoken_with_token(ask, server, revision, login=revision)
        except VeeamError:
            return  # The refusal stays what its words say.
        if not is_spoken:
            self._spoken.refuse(revision)
            raise _about(request, RevisionUnsupported(server, words, status=HTTPStatus.BAD_REQUEST))
        self._spoken.accept(revision)

    async def _send_with_password_token(self, request: ApiRequest, doubted: Token) -> ApiResponse:
        """Tell a role that may not from a server that answers 403 to every token it gave out by refresh."""
        token = await self._tokens.instead_of(doubted, by_password=True)
        response = await self._send_once(request, token)
        if response.is_success:
            self._tokens.distrust_refresh()
        return self._successful(response, request)

    async def _send_for_clock(self, request: ApiRequest) -> ApiResponse:
        await self._spoken.known(self._http, self._ask_with_token)
        if not self._is_clock_open:
            return await self._send(request)
        response = await self._send_once(request)
        error = refusal_of_revision(response, self._server)
        if error is not None:
            self._spoken.doubt()
            raise _about(request, error)
        if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            self._is_clock_open = False
            return await self._send(request)
        return self._successful(response, request)

    async def _send_once(self, request: ApiRequest, token: Token | None = None) -> ApiResponse:
        # No turn is held while a token is waited for: that wait is everybody's.
        async with self._turns.take():
            try:
                return await self._http.send(request, token=token.access if token else None)
            except VeeamError as error:
                raise _about(request, error)  # noqa: B904 - it is the same error

    def _successful(self, response: ApiResponse, request: ApiRequest) -> ApiResponse:
        error = error_in(response, self._server, changes=request.changes)
        if error is not None:
            if isinstance(error, RevisionUnsupported):
                self._spoken.refuse(self._revision_of(request))
            raise _about(request, error)
        return response

    def _revision_of(self, request: ApiRequest) -> Revision:
        return REVISIONS[request.api_version] if request.api_version else self._spoken.current


def _about(request: ApiRequest, error: E) -> E:
    """The error with what was asked for: a login that failed on the way is no answer to that."""
    error.asked = None if request.changes else f"{request.method} {request.path}"
    return error
