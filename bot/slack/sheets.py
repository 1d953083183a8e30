"""Modals that only show an answer: opened at once, as a trigger lives three seconds, and filled later."""

from bot.slack.gestures import ReplyTarget
from bot.slack.modals import Modals
from bot.slack.views.message import Message
from bot.slack.views.surface import answer_modal, loading


class Sheet:
    """One such modal. Where it cannot be shown the caller is told so, and answers elsewhere."""

    def __init__(self, modals: Modals, title: str, view_id: str | None = None) -> None:
        self._modals = modals
        self._title = title
        self._view_id = view_id

    async def open(self, place: ReplyTarget, *, on_top: bool = False) -> bool:
        """Show that something is being asked; `on_top` of the modal that the gesture was made in.

        False when Slack does not show it: the trigger was too old, or three modals are open.
        """
        self._view_id = await self._modals.open(place, answer_modal(self._title, loading()), on_top=on_top)
        return self._view_id is not None

    async def show(self, message: Message) -> bool:
        """Show the answer; False when there is no modal to show it in (any more)."""
        if self._view_id is None:
            return False
        return await self._modals.update(self._view_id, answer_modal(self._title, message))
