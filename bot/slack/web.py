"""Slack's Web API, with every failure sorted into this room's errors.

The one place that calls slack_sdk's client. Writes are sent once: the SDK's own retry of dropped connections
would post a message twice, so it is off, and whoever writes decides what an unclear outcome means. Reads are
repeated here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.observability import Clock, Metrics
from bot.slack.errors import (
    LIMITED_WORDS,
    GestureExpired,
    SlackError,
    SlackLimited,
    SlackRefused,
    SlackUnclear,
    SlackUnreachable,
    refused,
)

TIMEOUT_SECONDS = 10
_READ_ATTEMPTS = 3
_LONGEST_READ_WAIT_SECONDS = 5.0
_OK, _NOT_OK, _BAD_REQUEST, _TOO_MANY, _SERVER_ERROR = 200, 300, 400, 429, 500


def without_proxy(client: AsyncWebClient | AsyncWebhookClient, url: str) -> None:
    """Honour NO_PROXY, which slack_sdk ignores when it reads the proxy variables at construction."""
    host = urlsplit(url).hostname or ""
    if client.proxy and (host in {"localhost", "127.0.0.1", "::1"} or proxy_bypass(host)):
        client.proxy = None


class Web:
    """Slack's Web API under the bot's token.

    `session` is shared, so that connections are kept; whoever made it closes it.
    """

    def __init__(
        self, client: AsyncWebClient, session: aiohttp.ClientSession, *, clock: Clock, metrics: Metrics
    ) -> None:
        self.client = client
        self._session = session
        self._clock = clock
        self._metrics = metrics

    async def write(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method that changes something, once.

        Raises `SlackError`; after `SlackUnclear` it may have happened, after every other it has not.
        """
        return await self._call(method, arguments)

    async def read(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method that only reads, a few times after passing failures. Raises `SlackError`."""
        for attempt in range(1, _READ_ATTEMPTS):
            try:
                return await self._call(method, arguments)
            except (SlackLimited, SlackUnclear, SlackUnreachable) as error:
                wait = error.retry_after_seconds if isinstance(error, SlackLimited) else 0.2 * 2**attempt
                if wait > _LONGEST_READ_WAIT_SECONDS:
                    raise
                await self._clock.sleep(wait)
        return await self._call(method, arguments)

    async def identity(self) -> tuple[dict[str, Any], frozenset[str] | None]:
        """Call `auth.test` once, and say which scopes the token has; None where Slack does not tell.

        They come in the header `X-OAuth-Scopes`. Raises `SlackError`.
        """
        response = await self._respond("auth.test", {})
        scopes = _header(response.headers, "x-oauth-scopes")
        named = None if scopes is None else frozenset(word.strip() for word in scopes.split(",") if word)
        return _data(response), named

    async def answer(self, response_url: str, body: Mapping[str, Any]) -> None:
        """Post to a gesture's response address.

        Slack takes five posts within thirty minutes and says so by the HTTP status alone. Raises
        `GestureExpired` after that, otherwise as `write` does.
        """
        client = AsyncWebhookClient(
            response_url, session=self._session, retry_handlers=[], timeout=TIMEOUT_SECONDS
        )
        without_proxy(client, response_url)
        with _translated("response_url"):
            status = (await client.send_dict(dict(body))).status_code
        self._metrics.slack_called("response_url", str(status))
        if status == _TOO_MANY:
            raise SlackLimited("response_url", 1.0)
        if status >= _SERVER_ERROR:
            raise SlackUnclear("response_url", f"http_{status}")
        if not _OK <= status < _NOT_OK:
            raise GestureExpired("response_url", f"http_{status}")

    async def _call(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return _data(await self._respond(method, arguments))

    async def _respond(self, method: str, arguments: Mapping[str, Any]) -> AsyncSlackResponse:
        outcome = "ok"
        try:
            with _translated(method):
                function = getattr(self.client, method.replace(".", "_"))
                response: AsyncSlackResponse = await function(**arguments)
        except SlackError as error:
            outcome = error.word
            raise
        finally:
            self._metrics.slack_called(method, outcome)
        return response


def _data(response: AsyncSlackResponse) -> dict[str, Any]:
    return response.data if isinstance(response.data, dict) else {}


@contextmanager
def _translated(method: str) -> Iterator[None]:
    """Turn what slack_sdk and aiohttp raise into this room's errors."""
    try:
        yield
    except SlackApiError as error:
        raise _from_answer(method, error) from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise SlackUnreachable(method, "no_connection") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SlackUnclear(method, type(error).__name__) from error


def _from_answer(method: str, error: SlackApiError) -> SlackError:
    """`data` is a dict for JSON and text for anything else; the status tells what the text cannot."""
    response = error.response
    data = response.data if isinstance(response.data, dict) else {}
    if response.status_code == _TOO_MANY or data.get("error") in LIMITED_WORDS:
        return SlackLimited(method, _retry_after_seconds(response.headers))
    if response.status_code >= _SERVER_ERROR:
        return SlackUnclear(method, f"http_{response.status_code}")
    if data.get("error"):
        return refused(method, data)
    if response.status_code >= _BAD_REQUEST:
        return SlackRefused(method, f"http_{response.status_code}")
    return SlackUnclear(method, "not_json")


def _retry_after_seconds(headers: Mapping[str, Any]) -> float:
    text = _header(headers, "retry-after") or "1"
    return max(float(text), 0.5) if text.replace(".", "", 1).isdigit() else 1.0


def _header(headers: Mapping[str, Any], wanted: str) -> str | None:
    found = next((value for name, value in headers.items() if name.lower() == wanted), None)
    text = found[0] if isinstance(found, list) else found
    return None if text is None else str(text)
