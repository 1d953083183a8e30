"""What Bolt hears of App Home, of shortcuts, and of the modals that these open. No rule stands here."""

import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack.gestures import opened, pressed, shortcut, submitted
from bot.slack.manifest import SHORTCUTS
from bot.slack.private_desk import PrivateDesk, is_private
from bot.slack.views.surface import PRIVATE_CALLBACKS

OUR_SHORTCUTS = re.compile("|".join(f"^{re.escape(each.callback_id)}$" for each in SHORTCUTS))
_ANYTHING = re.compile(".*")


def listen_privately(app: AsyncApp, private: PrivateDesk) -> None:
    """Register these listeners: before those of `listen`, which hear everything that is left."""

    async def in_view(body: dict[str, Any]) -> bool:
        return (body.get("view") or {}).get("callback_id") in PRIVATE_CALLBACKS

    async def in_form(body: dict[str, Any]) -> bool:
        return is_private(submitted(body))

    async def on_action(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        private.take_pressed(pressed(body))

    async def on_submission(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack(**private.take_submitted(submitted(body)))

    async def on_shortcut(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        private.take_shortcut(shortcut(body))

    async def on_home(body: dict[str, Any]) -> None:
        opening = opened(body)
        if opening is not None:
            private.take_opened(opening)

    app.action(_ANYTHING, matchers=[in_view])(on_action)
    app.view(_ANYTHING, matchers=[in_form])(on_submission)
    app.shortcut(OUR_SHORTCUTS)(on_shortcut)
    app.event("app_home_opened")(on_home)
