"""One Socket Mode connection, whatever becomes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.observability import Health, Metrics, SystemClock
from bot.sandbox.slack import SlackSandbox
from bot.slack.errors import CredentialsRejected
from bot.slack.socket_mode import SocketMode
from bot.slack.web_api import WebApi, wait_for_credentials


@asynccontextmanager
async def connected(slack: SlackSandbox) -> AsyncIterator[tuple[SocketMode, Health]]:
    """A connection that looks for signs of life ten times as often as the shipped one."""
    clock = SystemClock()
    health = Health(clock)
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
        client.proxy = None
        app = AsyncApp(client=client, signing_secret="")
        web = WebApi(client, session, clock=clock, metrics=Metrics())
        mode = SocketMode(app, slack.app_token, web, clock=clock, health=health, ping_seconds=1)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(mode.run())
            await slack.wait_until(lambda: len(slack.socket_mode.connections) == 1, 10)
            yield mode, health
            running.cancel()


async def test_a_connection_that_fell_silent_is_made_anew(slack: SlackSandbox) -> None:
    """No answer to a ping: the connection is given up, and another one takes its place."""
    async with connected(slack) as (_, health):
        first = slack.socket_mode.connections[0].number
        slack.socket_mode.fall_silent()
        await slack.wait_until(
            lambda: any(
                each.number != first and not each.is_silent for each in slack.socket_mode.connections
            ),
            20,
        )
        part = health.part("slack")
        assert part is not None
        assert part.ok


async def test_left_it_stays_left(slack: SlackSandbox) -> None:
    """After `leave` there is no connection, and none comes back by itself."""
    async with connected(slack) as (mode, _):
        await mode.leave()
        await slack.wait_until(lambda: not slack.socket_mode.connections, 10)
        opened = len(slack.calls_of("apps.connections.open"))
    assert len(slack.calls_of("apps.connections.open")) == opened


@pytest.mark.parametrize("word", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_a_wrong_app_token_is_found_out_before_connecting(slack: SlackSandbox, word: str) -> None:
    """slack_sdk would try for ever; the bot says so and ends."""
    async with connected(slack) as (mode, health):
        slack.faults.revoke_tokens(word)
        with pytest.raises(CredentialsRejected, match=word):
            await wait_for_credentials(mode.check_token, clock=SystemClock(), health=health)
        slack.faults.restore_tokens()
