"""Modals: opened at once, because a trigger lives three seconds, and filled when there is an answer."""

from typing import Any

import structlog

from bot.slack.errors import SlackError
from bot.slack.gestures import ReplyTarget
from bot.slack.views.forms import View
from bot.slack.views.message import Message
from bot.slack.views.surface import answer_modal, loading
from bot.slack.web_api import WebApi

log = structlog.get_logger()


class Modals:
    """Opens and changes modals. Never raises: what could not be shown is logged, and said to the caller."""

    def __init__(self, web: WebApi) -> None:
        self._web = web

    async def open(self, target: ReplyTarget, view: View, *, on_top: bool = False) -> str | None:
        """Open a modal for the person who made the gesture, by `views.open`; None where Slack does not do it.

        `on_top` of the modal that the gesture was made in, by `views.push`: Slack stacks three.
        """
        if target.trigger_id is None:
            return None
        answer = await self._call(
            "views.push" if on_top else "views.open", {"trigger_id": target.trigger_id, "view": view}
        )
        return None if answer is None else str(answer["view"]["id"])

    async def update(self, view_id: str, view: View) -> bool:
        """Replace what an open modal shows, by `views.update`; False where it is closed by now."""
        return await self._call("views.update", {"view_id": view_id, "view": view}) is not None

    async def _call(self, method: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return await self._web.write(method, arguments)
        except SlackError as error:
            log.warning("modal.not_shown", method=method, problem=str(error))
            return None


class AnswerModal:
    """A modal that only shows an answer. Where it cannot be shown, the caller answers elsewhere."""

    def __init__(self, modals: Modals, title: str, view_id: str | None = None) -> None:
        self._modals = modals
        self._title = title
        self._view_id = view_id

    async def open(self, target: ReplyTarget, *, on_top: bool = False) -> bool:
        """Show that something is being asked; `on_top` of the modal that the gesture was made in.

        False when Slack does not show it: the trigger was too old, or three modals are open.
        """
        view = answer_modal(self._title, loading())
        self._view_id = await self._modals.open(target, view, on_top=on_top)
        return self._view_id is not None

    async def show(self, message: Message) -> bool:
        """Show the answer; False when there is no modal to show it in (any more)."""
        if self._view_id is None:
            return False
        return await self._modals.update(self._view_id, answer_modal(self._title, message))
