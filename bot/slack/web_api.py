"""Slack's Web API: the client under the bot's token, the pace that Slack allows, and whose token it is.

The one place that calls slack_sdk's client; every failure becomes one of this room's errors. Writes are sent
once: the SDK's own retry of dropped connections would post a message twice, so it is off, and the caller
decides what a lost answer means. Reads are repeated here.
"""

import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.observability import (
    ACCEPTED_ENCODING,
    LARGEST_ANSWER_BYTES,
    AnswerBody,
    AnswerTooLarge,
    AnswerUnreadable,
    Clock,
    Health,
    Metrics,
    RemoteClock,
    capped_wait,
)
from bot.settings import SlackSettings
from bot.slack import errors

TIMEOUT_SECONDS = 10
SLACK_PART = "slack"
LONGEST_WAIT_SECONDS = 600.0
"""The longest `Retry-After` that is believed: Slack's own windows are a minute long."""
_READ_ATTEMPTS = 3
_CLOSE_SECONDS = 1.0
_LONGEST_READ_WAIT_SECONDS = 5.0
_USUAL_WAIT_SECONDS, _SHORTEST_WAIT_SECONDS = 1.0, 0.5
_LONGEST_RETRY_WAIT_SECONDS = 60.0
_RESPONSE_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_UPLOAD_HOSTS = frozenset({"files.slack.com", "files.slack-gov.com"})
# What two parsers of addresses could read differently is in none of Slack's.
_PLAIN_ADDRESS = re.compile(r"[!-\[\]-~]+")
_OK, _NOT_OK, _BAD_REQUEST, _TOO_MANY, _SERVER_ERROR = 200, 300, 400, 429, 500

_SECONDS_BETWEEN_POSTS = 1.0
# Slack speaks of several hundred posts a minute in a workspace. Thirty at once after a rest, then 240 a
# minute: never more than 270 in any minute. Announcements leave fifteen of the thirty to answers.
_SECONDS_BETWEEN_ALL_POSTS = 0.25
_POSTS_AT_ONCE, _POSTS_KEPT_FOR_ANSWERS = 30, 15
_LONGEST_HOLD_OF_ALL_POSTS_SECONDS = 60.0
# Twenty-five at once after a rest, then twenty-five a minute: never more than fifty in any minute.
_EDITS_AT_ONCE = 25
_SECONDS_BETWEEN_EDITS = 60.0 / 25
_MOST_UNKNOWN_HOSTS = 20
_CLOCK_READINGS = 5
_EDITS = "edits"
_POSTS = "posts"
_EVERYTHING = "everything"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace the bot is installed in, as `auth.test` describes it."""

    team_id: str
    enterprise_id: str | None
    bot_user_id: str
    bot_id: str


class Pace:
    """How fast Slack lets one process send messages, and what Slack asked it to wait for.

    Posts: about one a second in each channel, several hundred a minute in the whole workspace. Edits:
    `chat.update` is Tier 3, some fifty a minute for everything. People who wait for an answer come first: see
    `turn`. A 429 holds back what it was about: that channel's posts, or all edits; the rest goes on.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._posts: dict[str, Turns] = defaultdict(lambda: Turns(_SECONDS_BETWEEN_POSTS))
        self._all_posts = Turns(_SECONDS_BETWEEN_ALL_POSTS, _POSTS_AT_ONCE)
        self._edits = Turns(_SECONDS_BETWEEN_EDITS, _EDITS_AT_ONCE)
        self._held_until: dict[str, float] = {}

    async def turn(
        self, channel: str, *, is_edit: bool, within_seconds: float, is_answer: bool = False
    ) -> bool:
        """Wait until a message may be sent; False when its turn does not come in time.

        An answer books the next turn at once. An announcement takes one when it is there, so every answer
        that was asked for meanwhile goes before it, and some of the workspace's turns are kept for answers.
        """
        turns = (self._edits,) if is_edit else (self._posts[channel], self._all_posts)
        kept = 0 if is_answer or is_edit else _POSTS_KEPT_FOR_ANSWERS
        until = self._clock.monotonic() + within_seconds
        while True:
            now = self._clock.monotonic()
            held = self.held_seconds(channel, is_edit=is_edit)
            wait = max(held, *(each.wait(now, kept if each is self._all_posts else 0) for each in turns))
            if wait > 0 and now + wait > until:
                return False
            if wait <= 0 or is_answer:
                for each in turns:
                    each.take(now + wait)
                await self._clock.sleep(wait)
                return True
            await self._clock.sleep(wait)

    def hold(self, channel: str, seconds: float, *, is_edit: bool) -> None:
        """Send nothing of this kind for so long: Slack asked for that.

        Slack does not say whether the channel's limit was reached or the workspace's. Where a second channel
        is refused while the first one still waits, it is the workspace's: all posts wait.
        """
        others = (each for each in self._held_until if each not in {_EDITS, _EVERYTHING, _POSTS, channel})
        if not is_edit and any(self._left(other) for other in others):
            self.hold_posts(min(seconds, _LONGEST_HOLD_OF_ALL_POSTS_SECONDS))
        self._hold(_EDITS if is_edit else channel, seconds)

    def hold_posts(self, seconds: float) -> None:
        """Post nothing for so long: the workspace's own limit is reached."""
        self._hold(_POSTS, seconds)

    def hold_everything(self, seconds: float) -> None:
        """Send nothing at all for so long: Slack can't be reached, or rejects the token."""
        self._hold(_EVERYTHING, seconds)

    def held_seconds(self, channel: str, *, is_edit: bool) -> float:
        """How long this still has to wait; 0 when it may go."""
        held = self._left(_EDITS) if is_edit else max(self._left(_POSTS), self._left(channel))
        return max(self.all_held_seconds, held)

    @property
    def all_held_seconds(self) -> float:
        """How long everything has to wait; 0 when something may go."""
        return self._left(_EVERYTHING)

    def _hold(self, what: str, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        self._held_until[what] = max(until, self._held_until.get(what, until))

    def _left(self, what: str) -> float:
        return max(0.0, self._held_until.get(what, 0.0) - self._clock.monotonic())


class Turns:
    """Turns at an interval, some at once after a rest.

    aiolimiter does the same on the event loop's time, and waits as long as it takes; this goes by the `Clock`
    and can say how long the next turn is away before it is taken.
    """

    def __init__(self, interval_seconds: float, at_once: int = 1) -> None:
        self._interval = interval_seconds
        self._credit = (at_once - 1) * interval_seconds
        self._next_at = 0.0

    def wait(self, now: float, kept: int = 0) -> float:
        """How long the next turn is away, if so many that may be taken at once are kept for others."""
        return max(0.0, self._next_at - (self._credit - kept * self._interval) - now)

    def take(self, at: float) -> None:
        """Take the next turn, at a time that is not before it."""
        self._next_at = max(self._next_at, at) + self._interval


class WebApi:
    """Slack's Web API under the bot's token.

    `session` is shared, so that connections are kept; its maker closes it. `pace` is for everyone who posts
    or edits messages under this token; the calls themselves don't wait for it.
    """

    def __init__(
        self, client: AsyncWebClient, session: aiohttp.ClientSession, *, clock: Clock, metrics: Metrics
    ) -> None:
        self.client = client
        self.pace = Pace(clock)
        self.slack_clock = RemoteClock(clock, readings=_CLOCK_READINGS)
        """Slack's clock, to a second: what gives messages their `ts`, and compares them with `oldest`."""
        self._session = session
        self._clock = clock
        self._metrics = metrics
        self._unknown_hosts: set[str] = set()
        self.moved: dict[str, str] = {}
        """The new ID of each channel that got another one; every call uses it."""

    async def write(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method that changes something, once.

        Raises `SlackError`; after `SlackAnswerLost` it may have happened, after every other it has not.
        """
        return _data(await self._call(method, arguments))

    async def read(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method that only reads, a few times after passing failures. Raises `SlackError`."""
        for attempt in range(1, _READ_ATTEMPTS):
            try:
                return _data(await self._call(method, arguments))
            except (errors.SlackRateLimited, errors.SlackAnswerLost, errors.SlackUnreachable) as error:
                wait = 0.2 * 2**attempt
                if isinstance(error, errors.SlackRateLimited):
                    wait = error.retry_after_seconds
                if wait > _LONGEST_READ_WAIT_SECONDS:
                    raise
                await self._clock.sleep(wait)
        return _data(await self._call(method, arguments))

    async def identity(self) -> tuple[dict[str, Any], frozenset[str] | None]:
        """Call `auth.test` once; return its answer and the token's scopes, None where Slack gives none.

        They come in the header `X-OAuth-Scopes`. Raises `SlackError`.
        """
        response = await self._call("auth.test", {})
        scopes = _header(response.headers, "x-oauth-scopes")
        named = None if scopes is None else frozenset(word.strip() for word in scopes.split(",") if word)
        return _data(response), named

    async def respond(self, response_url: str, body: Mapping[str, Any]) -> None:
        """Post to a gesture's response URL.

        Slack takes five posts within thirty minutes and says so by the HTTP status alone. Raises
        `GestureExpired` after that, otherwise as `write` does. An address that is not Slack's gets nothing:
        anybody with the signing secret could have any address called. Redirects are not followed.
        """
        if not is_response_url(response_url, self.client.base_url):
            self._warn_of(response_url)
            raise errors.SlackRefused("response_url", "not_an_address_of_slack")
        status = await self._post("response_url", response_url, json=dict(body))
        if not _OK <= status < _NOT_OK:
            raise errors.GestureExpired("response_url", f"http_{status}")

    async def upload(self, name: str, content: bytes) -> str:
        """Upload a file that is in no channel yet, for a message to show; return its ID.

        Raises `SlackError`: then at most a file is left that nobody sees. Rests on
        `files.getUploadURLExternal` and `files.completeUploadExternal`. The address between them is a secret,
        and gets no token; one that is not Slack's gets nothing.
        """
        method = "files.getUploadURLExternal"
        begun = await self.write(method, {"filename": name, "length": len(content)})
        address, file_id = str(begun.get("upload_url")), str(begun.get("file_id"))
        if not is_slack_address(address, self.client.base_url, _UPLOAD_HOSTS):
            raise errors.SlackRefused(method, "not_an_address_of_slack")
        headers = {"Content-Type": "application/octet-stream"}
        status = await self._post("upload_url", address, data=content, headers=headers)
        if not _OK <= status < _NOT_OK:
            raise errors.SlackRefused("upload_url", f"http_{status}")
        await self.write("files.completeUploadExternal", {"files": [{"id": file_id, "title": name}]})
        return file_id

    async def _post(self, what: str, address: str, **body: Any) -> int:
        """Post to an address that Slack gave, without the token; return the status that the caller judges."""
        with _translated(what):
            async with self._session.post(
                address,
                **body,
                allow_redirects=False,
                proxy=_proxy_for(address),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            ) as response:
                status = response.status
        self._metrics.slack_called(what, str(status))
        if status == _TOO_MANY:
            raise errors.SlackRateLimited(what, 1.0)
        if status >= _SERVER_ERROR:
            raise errors.SlackAnswerLost(what, f"http_{status}")
        return status

    async def open_websocket(self, url: str, *, ping_seconds: float) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket, by an address from `apps.connections.open`. Raises `SlackError`.

        It is pinged after so many seconds of silence, and ends when no answer comes within half of that.
        """
        with _translated("websocket"):
            return await self._session.ws_connect(
                url,
                heartbeat=ping_seconds,
                proxy=_proxy_for(url),
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
            )

    def _warn_of(self, response_url: str) -> None:
        """Say once for each host that something not Slack's was to be answered, up to so many hosts."""
        host = _host_of(response_url)
        if host in self._unknown_hosts or len(self._unknown_hosts) >= _MOST_UNKNOWN_HOSTS:
            return
        self._unknown_hosts.add(host)
        log.warning("slack.response_url_refused", host=host)

    def _with_newest_id(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with the ID that their channel has now; it may have moved more than once."""
        channel = arguments.get("channel")
        for _ in range(len(self.moved)):
            if channel not in self.moved:
                break
            channel = self.moved[channel]
        return dict(arguments) if channel is None else {**arguments, "channel": channel}

    async def _call(self, method: str, arguments: Mapping[str, Any]) -> AsyncSlackResponse:
        outcome = "ok"
        try:
            with _translated(method):
                function = getattr(self.client, method.replace(".", "_"))
                response: AsyncSlackResponse = await function(**self._with_newest_id(arguments))
            if (moment := _date(response.headers)) is not None:
                self.slack_clock.heard(moment)
        except errors.SlackError as error:
            outcome = error.word
            raise
        finally:
            self._metrics.slack_called(method, outcome)
        return response


class BoundedResponse(aiohttp.ClientResponse):
    """An answer that is read up to a limit, also unpacked: see `AnswerBody`."""

    async def read(self) -> bytes:
        """Return the body. Raises what `AnswerBody` does, and what aiohttp's own `read` does."""
        if self._body is None:
            body = AnswerBody(self.headers.get("Content-Encoding", ""), LARGEST_ANSWER_BYTES)
            try:
                async for chunk in self.content.iter_any():
                    body.feed(chunk)
                self._body = body.end()
            except BaseException:
                self.close()
                raise
        return await super().read()


def bounded_session() -> aiohttp.ClientSession:
    """Return a session that reads no answer beyond a limit, and waits for none beyond `TIMEOUT_SECONDS`.

    slack_sdk's own time-out holds only for sessions that it makes itself.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        response_class=BoundedResponse,
        auto_decompress=False,
        headers={"Accept-Encoding": ACCEPTED_ENCODING},
    )


@asynccontextmanager
async def open_web_api(settings: SlackSettings, *, clock: Clock, metrics: Metrics) -> AsyncIterator[WebApi]:
    """Open the client for Slack's Web API; its connections are closed at the end."""
    async with bounded_session() as session:
        client = AsyncWebClient(
            token=settings.bot_token.get_secret_value(),
            base_url=settings.api_url,
            timeout=TIMEOUT_SECONDS,
            session=session,
            retry_handlers=[],
        )
        _honour_no_proxy(client, settings.api_url)
        yield WebApi(client, session, clock=clock, metrics=metrics)


async def find_workspace(web_api: WebApi, *, clock: Clock, health: Health) -> Workspace:
    """Ask Slack whose token this is, waiting out an outage. Raises `CredentialsRejected`."""
    found: list[Workspace] = []

    async def ask() -> None:
        found.append(await read_workspace(web_api))

    await wait_for_credentials(ask, clock=clock, health=health)
    return found[-1]


async def read_workspace(web_api: WebApi) -> Workspace:
    """Ask Slack once whose token this is, by `auth.test`. Raises `SlackError`."""
    return workspace_of(await web_api.read("auth.test", {}))


def workspace_of(answer: Mapping[str, Any]) -> Workspace:
    """Return the workspace that an answer of `auth.test` describes."""
    return Workspace(
        team_id=str(answer["team_id"]),
        enterprise_id=answer.get("enterprise_id") or None,
        bot_user_id=str(answer.get("user_id") or ""),
        bot_id=str(answer.get("bot_id") or ""),
    )


async def wait_for_credentials(
    attempt: Callable[[], Awaitable[None]], *, clock: Clock, health: Health
) -> None:
    """Repeat `attempt` until Slack answers. Raises `CredentialsRejected`: waiting mends no wrong token."""
    wait = 1.0
    while True:
        try:
            await attempt()
        except errors.CredentialsRejected:
            raise
        except errors.SlackError as error:
            health.set(SLACK_PART, ok=False, detail=str(error))
            log.warning("slack.unreachable", problem=str(error), retry_in_seconds=wait)
            await clock.sleep(wait)
            wait = min(wait * 2, _LONGEST_RETRY_WAIT_SECONDS)
        else:
            return


def _honour_no_proxy(client: AsyncWebClient, url: str) -> None:
    """Apply NO_PROXY, which slack_sdk ignores when it reads the proxy variables at construction."""
    if client.proxy and _is_without_proxy(url):
        client.proxy = None


def _proxy_for(url: str) -> str | None:
    return None if _is_without_proxy(url) else load_http_proxy_from_env()


def _is_without_proxy(url: str) -> bool:
    host = _host_of(url)
    return host in {"localhost", "127.0.0.1", "::1"} or bool(proxy_bypass(host))


def is_response_url(response_url: str, api_url: str) -> bool:
    """Whether an address for an answer is one of Slack's."""
    return is_slack_address(response_url, api_url, _RESPONSE_HOSTS)


def is_slack_address(address: str, api_url: str, hosts: Collection[str]) -> bool:
    """Whether an address is on one of these hosts, or on the Web API's own.

    Plain HTTP only where the Web API is called so, which the settings allow on this machine alone.
    """
    try:
        parts, api = urlsplit(address), urlsplit(api_url)
        has_user = parts.username is not None or parts.password is not None
        is_usual_port = parts.port in {None, 443}
    except ValueError:
        return False
    if has_user or not parts.hostname or not _PLAIN_ADDRESS.fullmatch(address):
        return False
    if parts.scheme == "https" and is_usual_port and parts.hostname in hosts:
        return True
    return parts.hostname == api.hostname and parts.scheme in {"https", api.scheme}


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _data(response: AsyncSlackResponse) -> dict[str, Any]:
    return response.data if isinstance(response.data, dict) else {}


@contextmanager
def _translated(method: str) -> Iterator[None]:
    """Turn what slack_sdk and aiohttp raise into this room's errors."""
    try:
        yield
    except SlackApiError as error:
        raise _error_of(method, error) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise errors.SlackUnreachable(method, "no_connection") from error
    except (aiohttp.ClientError, TimeoutError, AnswerTooLarge, AnswerUnreadable) as error:
        raise errors.SlackAnswerLost(method, type(error).__name__) from error
    except (ValueError, RecursionError) as error:  # text in no known letters, JSON nested without end
        raise errors.SlackAnswerLost(method, "not_json") from error


def _error_of(method: str, error: SlackApiError) -> errors.SlackError:
    """`data` is a dict for JSON and text for anything else; then the status decides.

    Where what is called JSON is none, slack_sdk hands over aiohttp's response.
    """
    response = error.response
    status = response.status if isinstance(response, aiohttp.ClientResponse) else response.status_code
    found = getattr(response, "data", None)
    data = found if isinstance(found, dict) else {}
    if status == _TOO_MANY or data.get("error") in errors.RATE_LIMITED_WORDS:
        return errors.SlackRateLimited(method, _retry_after(method, response.headers))
    if data.get("error") == errors.WORKSPACE_LIMIT_WORD:
        return errors.SlackRateLimited(method, LONGEST_WAIT_SECONDS, of_workspace=True)
    if status >= _SERVER_ERROR:
        return errors.SlackAnswerLost(method, f"http_{status}")
    if data.get("error"):
        return errors.error_for(method, data)
    if status >= _BAD_REQUEST:
        return errors.SlackRefused(method, f"http_{status}")
    return errors.SlackAnswerLost(method, "not_json")


def _retry_after(method: str, headers: Mapping[str, Any]) -> float:
    """Seconds to wait by Slack's header, within reason; a second where it makes no sense."""
    text = _header(headers, "retry-after") or ""
    try:
        asked = float(text)
    except ValueError:
        return _USUAL_WAIT_SECONDS
    if not asked <= LONGEST_WAIT_SECONDS:  # also what is no number
        log.warning("slack.wait_capped", method=method, asked=text[:40], wait_seconds=LONGEST_WAIT_SECONDS)
    return max(capped_wait(asked, LONGEST_WAIT_SECONDS), _SHORTEST_WAIT_SECONDS)


def _date(headers: Mapping[str, Any]) -> datetime | None:
    """The moment of an answer by the header that HTTP asks of every server; None where it makes no sense."""
    try:
        return parsedate_to_datetime(_header(headers, "date") or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _header(headers: Mapping[str, Any], wanted: str) -> str | None:
    found = next((value for name, value in headers.items() if name.lower() == wanted), None)
    text = found[0] if isinstance(found, list) else found
    return None if text is None else str(text)
