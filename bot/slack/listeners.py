"""What Bolt hears: acknowledge, read, hand over. No rule and no block stands here."""

import logging
import re
from collections.abc import Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.desk import Desk
from bot.slack.directory import Directory
from bot.slack.gestures import pressed, searching, submitted, typed
from bot.slack.web_api import Workspace

_ANYTHING = re.compile(".*")
_GROUP_EVENTS = re.compile("^subteam_")
_LOST_EVENTS = re.compile("^(app_uninstalled|tokens_revoked)$")

log = structlog.get_logger()


def bolt_app(client: AsyncWebClient, home: Workspace, signing_secret: str | None) -> AsyncApp:
    """Return Bolt's app for the one workspace that it is installed in.

    `authorize` is given, so that no `auth.test` runs inside the three seconds of the first gesture. It lets
    every team pass: a click over Slack Connect names the team of whoever clicked, and is refused, visibly and
    on record, by the directory, not dropped here.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=home.enterprise_id,
            team_id=home.team_id,
            bot_user_id=home.bot_user_id,
            bot_id=home.bot_id,
            bot_token=client.token,
        )

    # Bolt sets a logger's `disabled` back when the app is made; a filter it leaves alone.
    logging.getLogger("slack_bolt.AsyncApp").addFilter(_is_news)
    return AsyncApp(client=client, authorize=authorize, signing_secret=signing_secret or "")


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether it is not Bolt's warning that the token in the environment is left aside: on purpose."""
    return "SLACK_BOT_TOKEN" not in record.getMessage()


def listen(
    app: AsyncApp, desk: Desk, directory: Directory, command: str, lost: Callable[[str], None]
) -> None:
    """Register every listener. `lost` hears when the app was removed or its token revoked."""

    async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        desk.take_typed(typed(body))

    async def on_action(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        desk.take_pressed(pressed(body))

    async def on_submission(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack(**desk.take_submitted(submitted(body)))

    async def on_search(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack(**await desk.suggest(searching(body)))

    async def on_groups(_body: dict[str, Any]) -> None:
        directory.groups_changed()

    async def on_loss(body: dict[str, Any]) -> None:
        lost(str((body.get("event") or {}).get("type")))

    async def on_other(body: dict[str, Any]) -> None:
        log.debug("slack.event_ignored", event_type=(body.get("event") or {}).get("type"))

    app.command(command)(on_command)
    app.action(_ANYTHING)(on_action)
    app.options(_ANYTHING)(on_search)
    app.view(_ANYTHING)(on_submission)
    app.event(_GROUP_EVENTS)(on_groups)
    app.event(_LOST_EVENTS)(on_loss)
    # An event without a listener is not acknowledged, and Slack sends it three times more.
    app.event(_ANYTHING)(on_other)
