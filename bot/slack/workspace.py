"""The connection to one workspace: the client everything shares, and who the bot is there."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.observability import Clock, Health, Metrics
from bot.settings import SlackSettings
from bot.slack.directory import Home
from bot.slack.socket import wait_for_credentials
from bot.slack.web import TIMEOUT_SECONDS, Web, without_proxy


@asynccontextmanager
async def open_web(settings: SlackSettings, *, clock: Clock, metrics: Metrics) -> AsyncIterator[Web]:
    """Open the client for Slack's Web API; its connections are closed at the end."""
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=settings.bot_token.get_secret_value(),
            base_url=settings.api_url,
            timeout=TIMEOUT_SECONDS,
            session=session,
            retry_handlers=[],
        )
        without_proxy(client, settings.api_url)
        yield Web(client, session, clock=clock, metrics=metrics)


async def find_home(web: Web, *, clock: Clock, health: Health) -> Home:
    """Ask Slack who this is, by `auth.test`, waiting out an outage. Raises `CredentialsDead`."""
    found: list[Home] = []

    async def ask() -> None:
        found.append(await read_home(web))

    await wait_for_credentials(ask, clock=clock, health=health)
    return found[-1]


async def read_home(web: Web) -> Home:
    """Ask Slack once who this is, by `auth.test`. Raises `SlackError`."""
    return home_of(await web.read("auth.test", {}))


def home_of(answer: Mapping[str, Any]) -> Home:
    """Return the workspace that an answer of `auth.test` describes."""
    return Home(
        team_id=str(answer["team_id"]),
        enterprise_id=answer.get("enterprise_id") or None,
        bot_user_id=str(answer.get("user_id") or ""),
        bot_id=str(answer.get("bot_id") or ""),
    )
