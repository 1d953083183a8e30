"""Slack's side of HTTP mode: signed requests to the app's request URL."""

import asyncio
import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientError, ClientResponse, ClientSession

from bot.sandbox.slack.feed import set_within
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.transport import ACK_SECONDS, FIRST, Answer, Attempt, Kind
from bot.sandbox.slack.workspace import Workspace

_FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`X-Slack-Signature` of a request."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpMode:
    """Posts to one request URL; `group` runs the requests, so that each can be given up after 3 s."""

    def __init__(self, workspace: Workspace, session: ClientSession, group: asyncio.TaskGroup) -> None:
        self._workspace = workspace
        self._session = session
        self._group = group
        self.request_url: str | None = None

    async def deliver(self, kind: Kind, payload: Json, attempt: Attempt = FIRST) -> Answer:
        """Send one payload in its own format: a flat form, a form with `payload`, or JSON."""
        match kind:
            case "slash_commands":
                return await self.post(urlencode(payload).encode(), _FORM)
            case "interactive":
                return await self.post(urlencode({"payload": json.dumps(payload)}).encode(), _FORM)
            case "events_api":
                headers = _retry_headers(attempt)
                return await self.post(json.dumps(payload).encode(), "application/json", headers)

    async def post(self, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> Answer:
        """Send a signed request; anything but 200 is a failure."""
        timestamp = str(int(self._workspace.clock()))
        signed = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._workspace.app.signing_secret, timestamp, body),
            **(headers or {}),
        }
        done = asyncio.Event()
        request = self._group.create_task(self._send(body, signed, done))
        if await set_within(done, self._workspace.clock, ACK_SECONDS):
            return await request
        request.cancel()
        return Answer("operation_timeout", retry_reason="http_timeout")

    async def verify_url(self) -> bool:
        """Whether the app echoes the challenge of `url_verification`, as it must before events are sent."""
        challenge = secrets.token_urlsafe(24)
        token = self._workspace.app.verification_token
        body = {"type": "url_verification", "token": token, "challenge": challenge}
        answer = await self.post(json.dumps(body).encode(), "application/json")
        return answer.outcome == "acked" and answer.body in ({"challenge": challenge}, {"text": challenge})

    async def ssl_check(self) -> bool:
        """Whether the app answers 200 to a probe of the command's URL."""
        form = {"ssl_check": "1", "token": self._workspace.app.verification_token}
        return (await self.post(urlencode(form).encode(), _FORM)).outcome == "acked"

    async def _send(self, body: bytes, headers: dict[str, str], done: asyncio.Event) -> Answer:
        try:
            async with self._session.post(self.request_url or "", data=body, headers=headers) as response:
                return _answer(response, await response.text())
        except ClientError:
            return Answer("dispatch_failed", retry_reason="connection_failed")
        finally:
            done.set()


def _retry_headers(attempt: Attempt) -> dict[str, str]:
    if attempt.number == 0:
        return {}
    return {"X-Slack-Retry-Num": str(attempt.number), "X-Slack-Retry-Reason": attempt.reason}


def _answer(response: ClientResponse, text: str) -> Answer:
    if response.status != 200:
        may_retry = response.headers.get("x-slack-no-retry") != "1"
        return Answer("dispatch_failed", retry_reason="http_error", may_retry=may_retry)
    return Answer("acked", _body(response, text))


def _body(response: ClientResponse, text: str) -> Any:
    if not text:
        return None
    if response.content_type == "application/json":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return {"text": text}
