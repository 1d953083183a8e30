"""Somebody before a form, in Slack."""

from typing import Any

from bot.sandbox.slack.gestures import SlackUser
from bot.sandbox.slack.views import View
from tests.acceptance.rig import Rig


class Person:
    """Somebody before a form."""

    def __init__(self, rig: Rig, name: str) -> None:
        self.rig = rig
        self.actor: SlackUser = rig.slack.person(name)

    @property
    def view(self) -> View:
        """The form on top."""
        return self.rig.slack.workspace.views.stack(self.actor.person.id)[-1]

    def says(self, words: str) -> bool:
        stack = self.rig.slack.workspace.views.stack(self.actor.person.id)
        return bool(stack) and words in str(stack[-1].blocks)

    async def sees(self, words: str) -> View:
        """Wait until the form says so."""
        try:
            await self.rig.until(lambda: self.says(words))
        except TimeoutError:
            raise AssertionError(str(self.view.blocks)) from None
        return self.view

    async def option(self, field: str, typed: str, name: str) -> dict[str, Any]:
        """Search in a menu, and return the option of that name."""
        result = await self.actor.suggests(self.view, field, field, typed)
        found = [each for each in result.options or () if each["text"]["text"] == name]
        assert found, (field, typed, result)
        return dict(found[0])

    async def submits(self, values: dict[str, Any]) -> None:
        result = await self.actor.submits(self.view, values)
        assert result.shown == "ok", result
        assert not result.errors, result.errors
