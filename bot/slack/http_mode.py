"""HTTP mode: Slack's signed requests, handed to Bolt.

The signature and its age are verified over the raw body before anything is read from it. A refused request is
counted, logged and reported to `refused`, so that it can be put on record.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
import structlog
from aiohttp import web
from aiolimiter import AsyncLimiter
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_internals import build_async_context
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier

from bot.observability import Clock, Metrics, Seldom
from bot.slack.gestures import new_reference
from bot.store import AuditEntry, AuditLog, AuditOutcome, StoreError

# A whole string counts as one mark, so that brackets in it are none.
_NESTING = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]')

_Object = dict[str, Any]

log = structlog.get_logger()

_UNAUTHORIZED = 401
_DEEPEST = 64  # Slack's own payloads nest less than twenty deep
_MOST_FIELDS = 100
_LONGEST_PROBE_BYTES = 4096


class _Action(msgspec.Struct):
    action_id: str
    block_id: str | None = None


class _View(msgspec.Struct):
    type: str
    callback_id: str | None = None
    team_id: str | None = None
    app_installed_team_id: str | None = None


class _Event(msgspec.Struct):
    type: str
    user: _Object | str | None = None
    channel: _Object | str | None = None


class _Body(msgspec.Struct):
    """What Bolt looks into before a listener hears of it, in the shape that Bolt relies on."""

    type: str
    user: _Object | None = None
    team: _Object | None = None
    enterprise: _Object | None = None
    channel: _Object | None = None
    container: _Object | None = None
    message: _Object | None = None
    view: _View | msgspec.UnsetType = msgspec.UNSET
    event: _Event | msgspec.UnsetType = msgspec.UNSET
    actions: Annotated[list[_Action], msgspec.Meta(min_length=1)] | msgspec.UnsetType = msgspec.UNSET
    authorizations: list[_Object] | None = None
    action_id: str | None = None
    callback_id: str | None = None


class _SlackTime(SignatureClock):
    """A clock for slack_sdk."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def now(self) -> float:
        """Return Unix time."""
        return self._now().timestamp()


class SlackRequests:
    """Answers `POST /slack/events`: commands, interactivity and events on one path."""

    def __init__(
        self,
        app: AsyncApp,
        signing_secret: str,
        *,
        refused: Callable[[str], Awaitable[None]],
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        """`now` tells Slack's time: by that a request is recent, whatever this machine's clock says."""
        self._app = app
        self._verifier = SignatureVerifier(signing_secret, _SlackTime(now))
        self._refused = refused
        self._metrics = metrics
        self._is_open = True

    def leave(self) -> None:
        """Refuse from now on, so that Slack's load balancer or its retries go elsewhere."""
        self._is_open = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request from Slack: 401 without a valid, recent signature, 400 for a foreign body."""
        if not self._is_open:
            return web.Response(status=503, text="stopping")
        raw_body = await request.read()
        if not self._is_signed(request, raw_body):
            if _is_probe(raw_body):
                # Slack's probe of a command's URL bears no signature; it wants 200 and nothing else.
                return web.Response()
            self._metrics.gesture_answered("request", "unsigned")
            await self._refused(request.remote or "unknown")
            return web.json_response({"error": "invalid request"}, status=_UNAUTHORIZED)
        try:
            text = raw_body.decode()
            _require_slack_body(text)
            bolt_request = _bolt_request(text, request)
        except (ValueError, RecursionError):
            return web.Response(status=400, text="not a body of Slack's")
        return await to_aiohttp_response(await self._app.async_dispatch(bolt_request))

    def _is_signed(self, request: web.Request, raw_body: bytes) -> bool:
        try:
            return self._verifier.is_valid_request(raw_body, dict(request.headers))
        except (ValueError, TypeError):  # a time that is no number, a signature outside ASCII
            return False


def _is_probe(raw_body: bytes) -> bool:
    """Whether it is `ssl_check=1`. Nobody's signature is on it: a long body is not even read."""
    if len(raw_body) > _LONGEST_PROBE_BYTES:
        return False
    return ("ssl_check", "1") in parse_qsl(raw_body.decode("latin-1"))


def _require_slack_body(text: str) -> None:
    """Raise `ValueError` unless Bolt can read it: an event, a form with a payload, a command."""
    form = {} if text.startswith("{") else dict(_fields(text))
    if "payload" in form or not form:
        body_text = form.get("payload", text)
        if _is_too_deep(body_text):
            raise ValueError("nests too deep")
        msgspec.json.decode(body_text, type=_Body)
    elif "command" not in form and "ssl_check" not in form:
        raise ValueError("not a body of Slack's")


def _fields(form: str) -> list[tuple[str, str]]:
    """The fields of a form. Raises `ValueError` where there are far more than Slack has."""
    return parse_qsl(form, keep_blank_values=True, max_num_fields=_MOST_FIELDS)


def _is_too_deep(text: str) -> bool:
    """Whether JSON nests deeper than anything of Slack's: reading it would overflow the stack."""
    depth = 0
    for mark in _NESTING.findall(text):
        if mark in "[{":
            depth += 1
            if depth > _DEEPEST:
                return True
        elif mark in "]}":
            depth -= 1
    return False


def _bolt_request(raw_body: str, request: web.Request) -> AsyncBoltRequest:
    """Build Bolt's request, with the form that Bolt loses when a command contains the word `payload`."""
    bolt_request = AsyncBoltRequest(
        body=raw_body,
        query=request.query_string,
        headers=dict(request.headers),
    )
    if not bolt_request.body and raw_body and not raw_body.startswith("{"):
        form: dict[str, Any] = dict(_fields(raw_body))
        bolt_request.body = form
        bolt_request.context = build_async_context(bolt_request.context, form)
    return bolt_request


_ON_RECORD_A_MINUTE = 20


class UnsignedRequests:
    """Logs them and puts them on record: as many as anybody could send, a few a minute."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._limiter = AsyncLimiter(_ON_RECORD_A_MINUTE, 60.0)
        self._left_out = Seldom(clock)

    async def refused(self, remote: str) -> None:
        """Put a request from this address on record. Never raises: it is refused either way."""
        if not self._limiter.has_capacity():
            if times := self._left_out.times():
                log.warning("slack.requests_not_listed", times=times)
            return
        log.warning("slack.request_refused", remote=remote)
        await self._limiter.acquire()
        now = self._clock.now()
        entry = AuditEntry(
            person_id="unknown",
            person_name=f"a request from {remote}",
            team_id=None,
            operation="request",
            reference=new_reference(),
            origin="http",
            channel_id=None,
            at=now,
        )
        try:
            await self._audit.refused(entry, AuditOutcome("refused", now, detail="unsigned"))
        except StoreError as error:
            log.error("application.not_on_record", problem=str(error))
