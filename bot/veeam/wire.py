"""One request, one answer: the only module that sends with httpx, and where its exceptions end.

Redirects are not followed: VBR sends none, and a body with a password must not travel to wherever a proxy
points.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Self
from urllib.parse import urlencode

import httpx
import msgspec
import structlog
from pydantic import SecretStr

from bot.observability import Clock, Metrics
from bot.veeam import errors
from bot.veeam.answers import Answer, seconds_to_wait
from bot.veeam.connection import Connection
from bot.veeam.errors import TlsReason, VeeamError
from bot.veeam.queries import Params
from bot.veeam.tls import PinMismatch, reason_for, trusting

log = structlog.get_logger()

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
# Fewer than VBR notices. Idle ones are let go long before Kestrel's 130 s, so that none dies under a POST.
_LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=30)


@dataclass(frozen=True)
class Call:
    """A request to be sent. `changes` decides what no answer means: unclear, instead of ask again."""

    method: str
    path: str
    parameters: Params = ()
    content: bytes | None = field(default=None, repr=False)
    content_type: str | None = None
    changes: bool = False

    @classmethod
    def get(cls, path: str, parameters: Params = ()) -> Self:
        """A question."""
        return cls("GET", path, parameters)

    @classmethod
    def search(cls, path: str, body: object) -> Self:
        """A POST that only reads (the inventory's)."""
        return cls("POST", path, content=msgspec.json.encode(body), content_type=_JSON)

    @classmethod
    def form(cls, path: str, fields: Mapping[str, str]) -> Self:
        """A form, which is how tokens are asked for."""
        return cls("POST", path, content=urlencode(fields).encode(), content_type=_FORM)

    @classmethod
    def change(cls, method: str, path: str, body: object = None) -> Self:
        """A POST, PUT or DELETE that changes something; sent once."""
        if body is None:
            return cls(method, path, changes=True)
        return cls(method, path, content=msgspec.json.encode(body), content_type=_JSON, changes=True)


class Fate(Enum):
    """What an exception says about how far the request got."""

    NOT_SENT = auto()
    NOT_SENT_IN_TIME = auto()
    NOT_ANSWERED = auto()
    NOT_ANSWERED_IN_TIME = auto()
    ANSWERED_UNREADABLY = auto()


FATES: Mapping[type[BaseException], Fate] = {
    httpx.HTTPError: Fate.NOT_ANSWERED,
    httpx.RequestError: Fate.NOT_ANSWERED,
    httpx.TransportError: Fate.NOT_ANSWERED,
    httpx.TimeoutException: Fate.NOT_ANSWERED_IN_TIME,
    httpx.ConnectTimeout: Fate.NOT_SENT_IN_TIME,
    httpx.PoolTimeout: Fate.NOT_SENT_IN_TIME,
    httpx.ReadTimeout: Fate.NOT_ANSWERED_IN_TIME,
    httpx.WriteTimeout: Fate.NOT_ANSWERED_IN_TIME,
    httpx.NetworkError: Fate.NOT_ANSWERED,
    httpx.ConnectError: Fate.NOT_SENT,
    httpx.ReadError: Fate.NOT_ANSWERED,
    httpx.WriteError: Fate.NOT_ANSWERED,
    httpx.CloseError: Fate.NOT_ANSWERED,
    httpx.ProxyError: Fate.NOT_SENT,
    httpx.UnsupportedProtocol: Fate.NOT_SENT,
    httpx.ProtocolError: Fate.NOT_ANSWERED,
    httpx.LocalProtocolError: Fate.NOT_ANSWERED,
    httpx.RemoteProtocolError: Fate.NOT_ANSWERED,
    httpx.DecodingError: Fate.ANSWERED_UNREADABLY,
    httpx.TooManyRedirects: Fate.ANSWERED_UNREADABLY,
    httpx.HTTPStatusError: Fate.ANSWERED_UNREADABLY,
    httpx.InvalidURL: Fate.NOT_SENT,
    httpx.CookieConflict: Fate.NOT_SENT,
    httpx.StreamError: Fate.NOT_ANSWERED,
    httpx.StreamConsumed: Fate.NOT_ANSWERED,
    httpx.StreamClosed: Fate.NOT_ANSWERED,
    httpx.ResponseNotRead: Fate.NOT_ANSWERED,
    httpx.RequestNotRead: Fate.NOT_ANSWERED,
    TimeoutError: Fate.NOT_ANSWERED_IN_TIME,  # our own limit over the whole request
    ssl.SSLError: Fate.NOT_ANSWERED,  # httpcore lets those through that come after the handshake
    OSError: Fate.NOT_ANSWERED,
}

_ON_READ: Mapping[Fate, type[VeeamError]] = {
    Fate.NOT_SENT: errors.ConnectFailed,
    Fate.NOT_SENT_IN_TIME: errors.TimedOut,
    Fate.NOT_ANSWERED: errors.ConnectionLost,
    Fate.NOT_ANSWERED_IN_TIME: errors.TimedOut,
    Fate.ANSWERED_UNREADABLY: errors.UnexpectedAnswer,
}
_ON_CHANGE: Mapping[Fate, type[VeeamError]] = {
    **_ON_READ,
    Fate.NOT_ANSWERED: errors.Unclear,
    Fate.NOT_ANSWERED_IN_TIME: errors.Unclear,
    Fate.ANSWERED_UNREADABLY: errors.Unclear,
}


def fate_of(failure: BaseException) -> Fate:
    """How far the request got, by the nearest class that the table knows."""
    return next(FATES[kind] for kind in type(failure).__mro__ if kind in FATES)


class Wire:
    """The connection pool to one server. Raises VeeamError only."""

    def __init__(self, connection: Connection, clock: Clock, metrics: Metrics) -> None:
        self._server = connection.name
        self._clock = clock
        self._metrics = metrics
        self._limit_seconds = connection.timeouts.total
        self._client = httpx.AsyncClient(
            base_url=connection.url,
            verify=self._context(connection),
            headers={
                "x-api-version": connection.api_version,
                "Accept": _JSON,
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

    def _count(self, outcome: str, started: float) -> None:
        self._metrics.veeam_answered(self._server, outcome, seconds=self._clock.monotonic() - started)

    async def send(
        self, call: Call, *, token: SecretStr | None = None, limit_seconds: float | None = None
    ) -> Answer:
        """Send this once and return the complete answer, whatever its status. Raises VeeamError."""
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        if call.content_type:
            headers["Content-Type"] = call.content_type
        if self._client.is_closed:
            raise errors.ConnectFailed(self._server, "the connection was closed by us")
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(limit_seconds or self._limit_seconds):
                response = await self._client.request(
                    call.method, call.path, params=call.parameters, content=call.content, headers=headers
                )
        except tuple(FATES) as failure:
            error = self._translated(failure, call)
            self._count(type(error).__name__, started)
            raise error from failure
        self._count(f"{response.status_code // 100}xx", started)
        log.debug(
            "veeam.answered",
            server=self._server,
            method=call.method,
            path=call.path,
            status=response.status_code,
            duration_ms=round((self._clock.monotonic() - started) * 1000),
        )
        return Answer(
            response.status_code,
            response.content,
            response.headers.get("Content-Type", ""),
            seconds_to_wait(response.headers.get("Retry-After"), self._clock.now()),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _translated(self, failure: BaseException, call: Call) -> VeeamError:
        fate = fate_of(failure)
        in_handshake = _tls_failure_behind(failure) if fate is Fate.NOT_SENT else None
        if in_handshake is not None:
            return errors.TlsFailed(
                self._server,
                str(getattr(in_handshake, "verify_message", "") or in_handshake.args[-1]),
                reason=reason_for(in_handshake),
                presented=in_handshake.presented if isinstance(in_handshake, PinMismatch) else None,
            )
        kinds = _ON_CHANGE if call.changes else _ON_READ
        return kinds[fate](self._server, str(failure) or type(failure).__name__)

    def _context(self, connection: Connection) -> ssl.SSLContext:
        if not connection.trust.verify and connection.trust.pin is None:
            log.warning("veeam.certificate_not_verified", server=connection.name)
        try:
            return trusting(connection.trust)
        except OSError as failure:
            raise errors.TlsFailed(
                connection.name, f"{connection.trust.ca_file}: {failure}", reason=TlsReason.CA_FILE
            ) from failure


def _tls_failure_behind(failure: BaseException | None) -> ssl.SSLError | None:
    while failure is not None and not isinstance(failure, ssl.SSLError):
        failure = failure.__cause__ or failure.__context__
    return failure
