"""The Web API over HTTP: tokens, scopes, pace and faults around each method, and a record of every call."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import web

from bot.sandbox.slack.arguments import Arguments, read_arguments
from bot.sandbox.slack.calls import MethodCall, Services, require_scope
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.faults import (
    Dropped,
    Held,
    Hung,
    RateLimited,
    Refused,
    ServerError,
    SlackFault,
    SlackFaults,
    Slow,
    drop,
    error_page,
)
from bot.sandbox.slack.methods import METHODS, Method
from bot.sandbox.slack.rates import Rates
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.workspace import Workspace

_TOKEN_KINDS = {"xoxb-": "bot", "xapp-": "app", "xoxp-": "user"}


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call as it was made and answered.

    One that was carried out though a fault kept its answer back has the answer it would have got; one that
    was dropped unread has status 0.
    """

    method: str
    arguments: Mapping[str, Any]
    answer: Json
    status: int
    at: float
    fault: SlackFault | None = None

    @property
    def ok(self) -> bool:
        """Whether the call was carried out."""
        return self.answer.get("ok") is True


@dataclass(slots=True)
class WebApi:
    """Answers `/api/<method>`."""

    workspace: Workspace
    services: Services
    faults: SlackFaults
    rates: Rates
    calls: list[ApiCall] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request; HTTP 200 unless the caller was too fast or a fault was planned."""
        name = request.match_info["method"]
        method = METHODS.get(name)
        if method is None:
            return self._respond(
                name, Arguments({}), {"ok": False, "error": "unknown_method", "req_method": name}
            )
        try:
            arguments = await read_arguments(request, takes_json=method.takes_json)
        except ApiError as error:
            return self._respond(name, Arguments({}), error.body())
        fault = self.faults.take(name, arguments)
        match fault:
            case RateLimited(retry_after):
                return self._too_fast(name, arguments, retry_after, fault)
            case ServerError(status, after_effect=False):
                return self._broken(name, arguments, status, fault)
            case Refused(word):
                return self._respond(name, arguments, {"ok": False, "error": word}, fault=fault)
            case Dropped(after_effect=False):
                self._record(name, arguments, {}, 0, fault)
                return drop(request)
            case Held():
                await self.faults.released.wait()
                return await self._carry_out(request, name, arguments, fault)
            case _:
                return await self._carry_out(request, name, arguments, fault)

    async def upload(self, request: web.Request) -> web.Response:
        """The bytes of a file that was announced; they must be as many as announced."""
        stored = self.services.files.get(request.match_info["file"])
        content = await request.read()
        match self.faults.take("upload_url", Arguments({})):
            case ServerError(status):
                return error_page(status)
            case Dropped():
                return drop(request)
        if stored is None or len(content) != stored.length:
            return web.Response(status=400, text="length mismatch")
        stored.content, stored.came_with_token = content, "Authorization" in request.headers
        return web.Response(text=f"OK - {len(content)}")

    async def file(self, request: web.Request) -> web.Response:
        """A file that a message shows, for the page."""
        stored = self.services.files.get(request.match_info["file"])
        if stored is None or stored.content is None or not stored.is_picture:
            raise web.HTTPNotFound
        return web.Response(body=stored.content, content_type="image/png")

    async def _carry_out(
        self, request: web.Request, name: str, arguments: Arguments, fault: SlackFault | None
    ) -> web.StreamResponse:
        method = METHODS[name]
        try:
            self._authorise(request, method, arguments)
            call = MethodCall(self.workspace, arguments, self.services)
            if (wait := self._wait(name, method, arguments)) is not None:
                return self._too_fast(name, arguments, wait, fault)
            answer = method.run(call)
        except ApiError as error:
            answer = error.body()
        response = self._respond(name, arguments, answer, fault=fault)
        match fault:
            case ServerError(status):
                return error_page(status)
            case Dropped():
                return drop(request)
            case Hung():
                await self.faults.released.wait()
            case Slow(seconds):
                await asyncio.sleep(seconds)
        return response

    def _authorise(self, request: web.Request, method: Method, arguments: Arguments) -> None:
        if method.token == "none":
            return
        app = self.workspace.app
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else arguments.text("token")
        if not token:
            raise ApiError("not_authed")
        if token in app.dead_tokens:
            raise ApiError(app.dead_tokens[token])
        if token not in (app.bot_token, app.app_token):
            raise ApiError("invalid_auth")
        if _TOKEN_KINDS.get(token[:5]) != method.token:
            raise ApiError("not_allowed_token_type")
        if method.scope is not None:
            require_scope(app.app_scopes if method.token == "app" else app.scopes, method.scope)

    def _wait(self, name: str, method: Method, arguments: Arguments) -> int | None:
        if method.is_paced and (wait := self.rates.refuse_post(arguments.text("channel"))) is not None:
            return wait
        return self.rates.refuse(name, method.per_minute)

    def _respond(
        self, name: str, arguments: Arguments, answer: Json, *, fault: SlackFault | None = None
    ) -> web.Response:
        if arguments.warnings:
            metadata = answer.setdefault("response_metadata", {})
            metadata["warnings"] = [*metadata.get("warnings", ()), *arguments.warnings]
            answer["warning"] = ",".join(metadata["warnings"])
        self._record(name, arguments, answer, 200, fault)
        headers = {"X-Slack-Req-Id": secrets.token_hex(16), "Date": self._date()}
        response = web.json_response(answer, headers=headers)
        method = METHODS.get(name)
        if method is not None and method.token != "none" and answer.get("error") not in _UNAUTHORISED:
            app = self.workspace.app
            scopes = app.app_scopes if method.token == "app" else app.scopes
            response.headers["X-OAuth-Scopes"] = ",".join(sorted(scopes))
            response.headers["X-Accepted-OAuth-Scopes"] = method.scope or ""
        return response

    def _too_fast(
        self, name: str, arguments: Arguments, seconds: int, fault: SlackFault | None
    ) -> web.Response:
        answer: Json = {"ok": False, "error": "ratelimited"}
        self._record(name, arguments, answer, 429, fault)
        return web.json_response(
            answer, status=429, headers={"Retry-After": str(seconds), "Date": self._date()}
        )

    def _date(self) -> str:
        return formatdate(self.workspace.clock(), usegmt=True)

    def _broken(self, name: str, arguments: Arguments, status: int, fault: SlackFault) -> web.Response:
        self._record(name, arguments, {}, status, fault)
        return error_page(status)

    def _record(
        self, name: str, arguments: Arguments, answer: Json, status: int, fault: SlackFault | None
    ) -> None:
        sent = {key: value for key, value in arguments.values.items() if key != "token"}
        self.calls.append(ApiCall(name, sent, answer, status, self.workspace.clock(), fault))
        self.workspace.feed.wake()


_UNAUTHORISED = frozenset(
    {
        "not_authed",
        "invalid_auth",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
    }
)
