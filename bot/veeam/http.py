"""One request, one response: the only module that sends with httpx, and where its exceptions end.

What each HTTP status and each exception means, for a question and for a change, stands here in two tables.

Redirects are not followed: VBR sends none, and a body with a password must not travel to wherever a proxy
points.
"""

import asyncio
import json
import re
import ssl
import sys
from collections.abc import Awaitable, Callable, Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import Self
from urllib.parse import quote, urlencode

import httpx
import msgspec
import structlog
from pydantic import SecretStr

from bot.observability import (
    ACCEPTED_ENCODING,
    LARGEST_ANSWER_BYTES,
    AnswerBody,
    AnswerTooLarge,
    AnswerUnreadable,
    Clock,
    Metrics,
    RemoteClock,
    capped_wait,
)
from bot.settings import ServerName
from bot.veeam import errors
from bot.veeam.connection import Connection, PinMismatch, tls_reason
from bot.veeam.errors import VeeamError

log = structlog.get_logger()

# httpcore tries to import sniffio for each of its locks and events. Where it isn't installed, every attempt
# searches all folders again, a tenth of a request's CPU; None ends it at once, and asyncio is what is used.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # typed without the None that Python knows

YEARS = range(2000, 9000)
"""Of a clock that is set: others can't be, and no arithmetic with these runs out of dates."""
LONGEST_MESSAGE = 500
LONGEST_WAIT_SECONDS = 3600.0
"""The longest `Retry-After` that is believed."""
_LARGEST_REFUSAL_BYTES = 64 * 2**10  # Its status counts, and the beginning of its message.
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
IDLE_SECONDS = 90.0
"""How long an idle connection is kept: longer than polls are apart by default.

It is closed long before Kestrel's 130 s, so that none dies under a POST.
"""
# Fewer than VBR notices.
_LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=IDLE_SECONDS)
_VERSION_REFUSED = re.compile(
    r"unsupported rest ?api version|not support the api version|x-api-version", re.IGNORECASE
)
_MESSAGE_KEYS = ("message", "title", "error_description", "error")


def path_segment(host_name: str) -> str | None:
    """A host's name as one segment of a path, or None where no escaping makes it one (empty, `.`, `..`)."""
    return None if host_name in {"", ".", ".."} else quote(host_name, safe="")


@dataclass(frozen=True)
class ApiRequest:
    """A request to be sent. `changes` decides what no answer means: it may have been done, or ask again."""

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    content: bytes | None = field(default=None, repr=False)
    content_type: str | None = None
    changes: bool = False
    api_version: str | None = None
    """The revision to send it in; None: the one that is spoken with the server."""

    @classmethod
    def get(
        cls, path: str, parameters: tuple[tuple[str, str], ...] = (), *, api_version: str | None = None
    ) -> Self:
        """A question."""
        return cls("GET", path, parameters, api_version=api_version)

    @classmethod
    def search(cls, path: str, body: object) -> Self:
        """A POST that only reads (the inventory's)."""
        return cls("POST", path, content=msgspec.json.encode(body), content_type=_JSON)

    @classmethod
    def form(cls, path: str, fields: Mapping[str, str], *, api_version: str) -> Self:
        """A form, which is how tokens are asked for."""
        content = urlencode(fields).encode()
        return cls("POST", path, content=content, content_type=_FORM, api_version=api_version)

    @classmethod
    def change(cls, method: str, path: str, body: object = None) -> Self:
        """A POST, PUT or DELETE that changes something; sent once."""
        if body is None:
            return cls(method, path, changes=True)
        return cls(method, path, content=msgspec.json.encode(body), content_type=_JSON, changes=True)


@dataclass(frozen=True)
class ApiResponse:
    """A complete response of the server. The body may hold tokens and is never shown."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    retry_after_seconds: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_json(self) -> bool:
        """Whether it says that its body is JSON."""
        return self.content_type.partition(";")[0].strip().casefold() == _JSON

    def message_and_code(self) -> tuple[str, str | None]:
        """The server's message and error code; empty for HTML and for no body at all."""
        if self.content_type.startswith("text/plain"):
            return self.body.decode("utf-8", "replace").strip()[:LONGEST_MESSAGE], None
        try:
            whole = json.loads(self.body)
        except (ValueError, RecursionError):
            return "", None
        if not isinstance(whole, dict):
            return "", None
        texts = (whole.get(key) for key in _MESSAGE_KEYS)
        message = next((text for text in texts if isinstance(text, str) and text), "")
        code = whole.get("errorCode")
        return message[:LONGEST_MESSAGE], code if isinstance(code, str) else None


@dataclass(frozen=True)
class StatusMeaning:
    """The error that these statuses are for a question, and for a change that was sent."""

    statuses: Container[int]
    on_read: type[VeeamError] | None
    on_change: type[VeeamError] | None


STATUS_MEANINGS = (  # the first that holds the status
    StatusMeaning(range(200, 300), None, None),
    StatusMeaning(range(300, 400), errors.UnexpectedAnswer, errors.UnexpectedAnswer),  # never followed
    StatusMeaning({401}, errors.LoginRefused, errors.LoginRefused),
    StatusMeaning({403}, errors.NotAllowed, errors.NotAllowed),
    StatusMeaning({404}, errors.NotFoundOnServer, errors.NotFoundOnServer),
    StatusMeaning({408}, errors.TimedOut, errors.AnswerLost),
    StatusMeaning({425, 429}, errors.TooBusy, errors.TooBusy),
    StatusMeaning(range(400, 500), errors.Rejected, errors.Rejected),
    StatusMeaning(range(500, 600), errors.ServerFailed, errors.AnswerLost),
)


def error_class(status: int, *, changes: bool) -> type[VeeamError] | None:
    """The error this status stands for; None for success. An undeclared status is unexpected, or unclear."""
    for meaning in STATUS_MEANINGS:
        if status in meaning.statuses:
            return meaning.on_change if changes else meaning.on_read
    return errors.AnswerLost if changes else errors.UnexpectedAnswer


def error_in(response: ApiResponse, server: ServerName, *, changes: bool) -> VeeamError | None:
    """The error this response is, with the server's own words; None for a success."""
    kind = error_class(response.status, changes=changes)
    if kind is None:
        return None
    message, error_code = response.message_and_code()
    if response.status == HTTPStatus.BAD_REQUEST and _VERSION_REFUSED.search(message):
        kind = errors.RevisionUnsupported
    if kind is errors.ServerFailed and response.retry_after_seconds is not None:
        kind = errors.TooBusy
    return kind(
        server,
        message,
        status=response.status,
        error_code=error_code,
        retry_after_seconds=response.retry_after_seconds,
    )


def parse_retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header, which gives seconds or a date; an hour at most."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return capped_wait(float(header), LONGEST_WAIT_SECONDS)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return capped_wait((moment - now).total_seconds(), LONGEST_WAIT_SECONDS) if moment.tzinfo else None


def parse_date(header: str | None) -> datetime | None:
    """The moment of a Date header, aware, in UTC; None where it holds none that can be."""
    try:
        moment = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo and moment.year in YEARS else None


class TransportFailure(Enum):
    """What an exception says about how far the request got."""

    NOT_SENT = auto()
    NOT_SENT_IN_TIME = auto()
    NOT_ANSWERED = auto()
    NOT_ANSWERED_IN_TIME = auto()
    ANSWERED_UNREADABLY = auto()


TRANSPORT_FAILURES: Mapping[type[BaseException], TransportFailure] = {
    httpx.HTTPError: TransportFailure.NOT_ANSWERED,
    httpx.RequestError: TransportFailure.NOT_ANSWERED,
    httpx.TransportError: TransportFailure.NOT_ANSWERED,
    httpx.TimeoutException: TransportFailure.NOT_ANSWERED_IN_TIME,
    httpx.ConnectTimeout: TransportFailure.NOT_SENT_IN_TIME,
    httpx.PoolTimeout: TransportFailure.NOT_SENT_IN_TIME,
    httpx.ReadTimeout: TransportFailure.NOT_ANSWERED_IN_TIME,
    httpx.WriteTimeout: TransportFailure.NOT_ANSWERED_IN_TIME,
    httpx.NetworkError: TransportFailure.NOT_ANSWERED,
    httpx.ConnectError: TransportFailure.NOT_SENT,
    httpx.ReadError: TransportFailure.NOT_ANSWERED,
    httpx.WriteError: TransportFailure.NOT_ANSWERED,
    httpx.CloseError: TransportFailure.NOT_ANSWERED,
    httpx.ProxyError: TransportFailure.NOT_SENT,
    httpx.UnsupportedProtocol: TransportFailure.NOT_SENT,
    httpx.ProtocolError: TransportFailure.NOT_ANSWERED,
    httpx.LocalProtocolError: TransportFailure.NOT_ANSWERED,
    httpx.RemoteProtocolError: TransportFailure.NOT_ANSWERED,
    httpx.DecodingError: TransportFailure.ANSWERED_UNREADABLY,
    httpx.TooManyRedirects: TransportFailure.ANSWERED_UNREADABLY,
    httpx.HTTPStatusError: TransportFailure.ANSWERED_UNREADABLY,
    httpx.InvalidURL: TransportFailure.NOT_SENT,
    httpx.CookieConflict: TransportFailure.NOT_SENT,
    httpx.StreamError: TransportFailure.NOT_ANSWERED,
    httpx.StreamConsumed: TransportFailure.NOT_ANSWERED,
    httpx.StreamClosed: TransportFailure.NOT_ANSWERED,
    httpx.ResponseNotRead: TransportFailure.NOT_ANSWERED,
    httpx.RequestNotRead: TransportFailure.NOT_ANSWERED,
    TimeoutError: TransportFailure.NOT_ANSWERED_IN_TIME,  # our own limit over the whole request
    AnswerTooLarge: TransportFailure.ANSWERED_UNREADABLY,
    AnswerUnreadable: TransportFailure.ANSWERED_UNREADABLY,
    ssl.SSLError: TransportFailure.NOT_ANSWERED,  # httpcore lets those through that come after the handshake
    OSError: TransportFailure.NOT_ANSWERED,
}

_NOT_SENT = frozenset({TransportFailure.NOT_SENT, TransportFailure.NOT_SENT_IN_TIME})
_ON_READ: Mapping[TransportFailure, type[VeeamError]] = {
    TransportFailure.NOT_SENT: errors.ConnectFailed,
    TransportFailure.NOT_SENT_IN_TIME: errors.TimedOut,
    TransportFailure.NOT_ANSWERED: errors.ConnectionLost,
    TransportFailure.NOT_ANSWERED_IN_TIME: errors.TimedOut,
    TransportFailure.ANSWERED_UNREADABLY: errors.UnexpectedAnswer,
}
_ON_CHANGE: Mapping[TransportFailure, type[VeeamError]] = {
    **_ON_READ,
    TransportFailure.NOT_ANSWERED: errors.AnswerLost,
    TransportFailure.NOT_ANSWERED_IN_TIME: errors.AnswerLost,
    TransportFailure.ANSWERED_UNREADABLY: errors.AnswerLost,
}


def transport_failure(failure: BaseException) -> TransportFailure:
    """How far the request got, by the nearest class that the table knows."""
    return next(TRANSPORT_FAILURES[kind] for kind in type(failure).__mro__ if kind in TRANSPORT_FAILURES)


class HttpClient:
    """The connection pool to one server. Raises VeeamError only.

    `api_version` gives the revision of requests that don't name their own; `note_status` hears of each status
    that came, and None where none did.
    """

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        metrics: Metrics,
        *,
        api_version: Callable[[], str],
        note_status: Callable[[int | None], None] = lambda _: None,
    ) -> None:
        self._server = connection.name
        self._api_version = api_version
        self._note_status = note_status
        self._clock = clock
        self._metrics = metrics
        self._limit_seconds = connection.timeouts.total
        self._other_port = connection.other_port
        self.dates = RemoteClock(clock)
        """What answers here, as the Date header of its latest answer says."""
        if not connection.trust.verify and connection.trust.pin is None:
            log.warning("veeam.certificate_not_verified", server=connection.name)
        try:
            context = connection.trust.ssl_context()
        except OSError as failure:
            raise errors.TlsFailed(
                connection.name, f"{connection.trust.ca_file}: {failure}", reason=errors.TlsReason.CA_FILE
            ) from failure
        self._client = httpx.AsyncClient(
            base_url=connection.url,
            verify=context,
            headers={
                "Accept": _JSON,
                "Accept-Encoding": ACCEPTED_ENCODING,
                "User-Agent": "veeam-bot",
            },
            timeout=httpx.Timeout(
                connect=connection.timeouts.connect,
                read=connection.timeouts.read,
                write=connection.timeouts.write,
                pool=connection.timeouts.pool,
            ),
            limits=_LIMITS,
            follow_redirects=False,
            # HTTPS_PROXY and NO_PROXY are how a site says who is reached through what; TLS passes the proxy's
            # tunnel unopened. Nobody means this very machine by them.
            trust_env=not connection.is_loopback,
        )

    async def send(
        self, request: ApiRequest, *, token: SecretStr | None = None, limit_seconds: float | None = None
    ) -> ApiResponse:
        """Send this once and return the complete response, whatever its status. Raises VeeamError."""
        return await self._exchange(request, _body_of, token=token, limit_seconds=limit_seconds)

    async def head_of(self, request: ApiRequest, *, limit_seconds: float) -> ApiResponse:
        """Send this once and return the response without its body, of which nothing more is read.

        The connection is given up with it. Raises VeeamError.
        """
        return await self._exchange(request, _no_body, token=None, limit_seconds=limit_seconds)

    async def _exchange(
        self,
        request: ApiRequest,
        read: Callable[[httpx.Response], Awaitable[bytes]],
        *,
        token: SecretStr | None,
        limit_seconds: float | None,
    ) -> ApiResponse:
        headers = {"x-api-version": request.api_version or self._api_version()}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if self._client.is_closed:
            raise errors.ConnectFailed(self._server, "the connection was closed by us")
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(min(limit_seconds or self._limit_seconds, self._limit_seconds)):
                async with self._client.stream(
                    request.method,
                    request.path,
                    params=request.parameters,
                    content=request.content,
                    headers=headers,
                ) as response:
                    body = await read(response)
        except tuple(TRANSPORT_FAILURES) as failure:
            error = self._error_for(failure, request)
            self._count(error.kind, started)
            if isinstance(error, errors.Unreachable | errors.AnswerLost):
                self._note_status(None)
            raise error from failure
        self._count(f"{response.status_code // 100}xx", started)
        self._note_status(response.status_code)
        if (date := parse_date(response.headers.get("Date"))) is not None:
            self.dates.heard(date)
        log.debug(
            "veeam.response_received",
            server=self._server,
            method=request.method,
            path=request.path,
            status=response.status_code,
            duration_ms=round((self._clock.monotonic() - started) * 1000),
        )
        return ApiResponse(
            response.status_code,
            body,
            response.headers.get("Content-Type", ""),
            self._retry_after(response.headers.get("Retry-After")),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _retry_after(self, header: str | None) -> float | None:
        seconds = parse_retry_after(header, self._clock.now())
        if header is not None and seconds == LONGEST_WAIT_SECONDS:
            log.warning("veeam.wait_capped", server=self._server, asked=header[:40], wait_seconds=seconds)
        return seconds

    def _count(self, outcome: str, started: float) -> None:
        self._metrics.veeam_answered(self._server, outcome, seconds=self._clock.monotonic() - started)

    def _error_for(self, failure: BaseException, request: ApiRequest) -> VeeamError:
        stage = transport_failure(failure)
        cause: BaseException | None = failure if stage is TransportFailure.NOT_SENT else None
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            return errors.TlsFailed(
                self._server,
                str(getattr(cause, "verify_message", "") or cause.args[-1]),
                reason=tls_reason(cause),
                presented=cause.presented if isinstance(cause, PinMismatch) else None,
            )
        kind = (_ON_CHANGE if request.changes else _ON_READ)[stage]
        error = kind(self._server, str(failure) or type(failure).__name__)
        if isinstance(error, errors.Unreachable) and stage in _NOT_SENT:
            error.port = self._other_port
        return error


async def _no_body(_: httpx.Response) -> bytes:
    return b""


async def _body_of(response: httpx.Response) -> bytes:
    """Read the body within its limit; of a refusal that is longer, the beginning.

    httpx would unpack each piece whole: a few kilobytes can become gigabytes.
    """
    at_most = LARGEST_ANSWER_BYTES if response.is_success else _LARGEST_REFUSAL_BYTES
    body = AnswerBody(response.headers.get("Content-Encoding", ""), at_most)
    try:
        async for chunk in response.aiter_raw():
            body.feed(chunk)
    except AnswerTooLarge:
        if response.is_success:
            raise
        return body.content
    return body.end()
