"""What Bolt hears: acknowledge, read, hand over. No rule and no block stands here."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.logger.messages import warning_client_prioritized_and_token_skipped, warning_token_skipped
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import gestures
from bot.slack.app_home import AppHome
from bot.slack.directory import Directory
from bot.slack.interactions import Interactions
from bot.slack.manifest import SHORTCUTS
from bot.slack.views.surface import PRIVATE_CALLBACKS
from bot.slack.web_api import Workspace

OUR_SHORTCUTS = re.compile("|".join(f"^{re.escape(each.callback_id)}$" for each in SHORTCUTS))
_ANYTHING = re.compile(".*")
_GROUP_EVENTS = re.compile("^subteam_")
_EXPECTED_WARNINGS = (warning_client_prioritized_and_token_skipped(), warning_token_skipped())
_LOST_EVENTS = re.compile("^(app_uninstalled|tokens_revoked)$")

log = structlog.get_logger()


def bolt_app(client: AsyncWebClient, workspace: Workspace, signing_secret: str | None) -> AsyncApp:
    """Return Bolt's app for the one workspace that it is installed in.

    `authorize` is given, so that no `auth.test` runs inside the three seconds of the first gesture. It lets
    every team pass: a click over Slack Connect names the clicker's own team, and is refused, visibly and on
    record, by the directory, not dropped here.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=workspace.enterprise_id,
            team_id=workspace.team_id,
            bot_user_id=workspace.bot_user_id,
            bot_id=workspace.bot_id,
            bot_token=client.token,
        )

    # Bolt sets a logger's `disabled` back when the app is made; a filter it leaves alone.
    logging.getLogger("slack_bolt.AsyncApp").addFilter(_is_no_expected_warning)
    # `SlackRequests` verifies what comes over HTTP, by Slack's clock; Bolt would do so by this machine's.
    return AsyncApp(
        name="veeam-bot",  # otherwise Bolt looks for its caller's, which loads the source of every caller
        client=client,
        authorize=authorize,
        signing_secret=signing_secret or "",
        request_verification_enabled=False,
    )


def _is_no_expected_warning(record: logging.LogRecord) -> bool:
    """Bolt warns that it leaves the environment's token aside, which is on purpose."""
    return record.getMessage() not in _EXPECTED_WARNINGS


def listen_to_gestures(
    app: AsyncApp, interactions: Interactions, app_home: AppHome, *, command: str, bot_user_id: str
) -> None:
    """Register the listeners to what people do. What they do in private views is App Home's to serve."""

    async def in_private_view(body: dict[str, Any]) -> bool:
        return (body.get("view") or {}).get("callback_id") in PRIVATE_CALLBACKS

    async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        interactions.take_command(gestures.read_command(body))

    async def on_message(body: dict[str, Any]) -> None:
        if (message := gestures.read_message(body, bot_user_id)) is not None:
            interactions.take_message(message)

    async def on_private_press(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        app_home.take_press(gestures.read_press(body))

    async def on_press(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        interactions.take_press(gestures.read_press(body))

    async def on_submission(ack: AsyncAck, body: dict[str, Any]) -> None:
        form = gestures.read_submission(body)
        is_private = form.target.channel_id is None
        await ack(**(app_home if is_private else interactions).take_submission(form))

    async def on_search(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack(**await interactions.search(gestures.read_menu_query(body)))

    async def on_shortcut(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        app_home.take_shortcut(gestures.read_shortcut(body))

    app.command(command)(on_command)
    app.event("app_mention")(on_message)
    app.event("message")(on_message)
    app.action(_ANYTHING, matchers=[in_private_view])(on_private_press)
    app.action(_ANYTHING)(on_press)
    app.options(_ANYTHING)(on_search)
    app.view(_ANYTHING)(on_submission)
    app.shortcut(OUR_SHORTCUTS)(on_shortcut)


def listen_to_events(
    app: AsyncApp,
    app_home: AppHome,
    directory: Directory,
    *,
    on_access_lost: Callable[[str], None],
    on_channel_moved: Callable[[str, str], Awaitable[None]],
) -> None:
    """Register the listeners to events.

    `on_access_lost`: the app was removed, or its token revoked. `on_channel_moved`: a channel has another ID.
    """

    async def on_home(body: dict[str, Any]) -> None:
        if (opened := gestures.read_home_opened(body)) is not None:
            app_home.take_opened(opened)

    async def on_groups(_body: dict[str, Any]) -> None:
        directory.groups_changed()

    async def on_loss(body: dict[str, Any]) -> None:
        on_access_lost(str((body.get("event") or {}).get("type")))

    async def on_move(body: dict[str, Any]) -> None:
        event = body.get("event") or {}
        await on_channel_moved(str(event.get("old_channel_id")), str(event.get("new_channel_id")))

    async def on_other(body: dict[str, Any]) -> None:
        log.debug("slack.event_ignored", event_type=(body.get("event") or {}).get("type"))

    app.event("app_home_opened")(on_home)
    app.event(_GROUP_EVENTS)(on_groups)
    app.event(_LOST_EVENTS)(on_loss)
    app.event("channel_id_changed")(on_move)
    # An event without a listener is not acknowledged, and Slack sends it three times more.
    app.event(_ANYTHING)(on_other)
