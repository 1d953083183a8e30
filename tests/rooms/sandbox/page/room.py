"""A workspace with the page before it, and people whose gestures are kept."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.sandbox.page import FaultSwitch, PageSetting, SandboxPage, ServerCard
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.messages import Content, Message
from bot.sandbox.slack.normal import stored_attachments, stored_blocks
from bot.sandbox.slack.seed import default_workspace
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Workspace

Json = dict[str, Any]

CHROMIUM = Path("/usr/bin/chromium")


@dataclass
class Told:
    """A gesture's result."""

    shown: str = "ok"
    text: str | None = None
    options: list[Json] = field(default_factory=list)

    def json(self) -> Json:
        return {
            "shown": self.shown,
            "text": self.text,
            "errors": {},
            "options": self.options,
            "opened_url": None,
        }


@dataclass
class Gesture:
    """A gesture as it reached the workspace."""

    person: str
    name: str
    facts: tuple[Any, ...]


class ScriptedPeople:
    """People whose gestures are kept, and answered as `answer` says."""

    def __init__(self) -> None:
        self.made: list[Gesture] = []
        self._news = asyncio.Event()
        self.answer: Callable[[Gesture], Told] = lambda _gesture: Told()

    def person(self, person_id: str) -> "ScriptedPerson":
        return ScriptedPerson(self, person_id)

    def keep(self, gesture: Gesture) -> Told:
        self.made.append(gesture)
        self._news.set()
        return self.answer(gesture)

    async def has_made(self, number: int = 1) -> list[Gesture]:
        """All gestures, once there are that many."""
        await self._wait_until(lambda: len(self.made) >= number)
        return self.made

    async def first(self, name: str) -> Gesture:
        """The first gesture of that name, once it was made."""
        await self._wait_until(lambda: name in [gesture.name for gesture in self.made])
        return next(gesture for gesture in self.made if gesture.name == name)

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self._news.clear()
                await self._news.wait()


class ScriptedPerson:
    def __init__(self, people: ScriptedPeople, person_id: str) -> None:
        self._people = people
        self._id = person_id

    def _do(self, name: str, *facts: Any) -> Told:
        return self._people.keep(Gesture(self._id, name, facts))

    async def types(self, channel_id: str, text: str, /, *, command: str) -> Told:
        return self._do("types", channel_id, text, command)

    async def says(self, channel_id: str, text: str, /, *, thread_ts: str | None) -> Told:
        return self._do("says", channel_id, text, thread_ts)

    async def activates(self, surface: Message | View, block_id: str, action_id: str, value: Any, /) -> Told:
        return self._do("activates", _place(surface), block_id, action_id, value)

    async def submits(self, view_id: str, values: Json, /) -> Told:
        return self._do("submits", view_id, values)

    async def closes(self, view_id: str, /, *, whole_stack: bool) -> Told:
        return self._do("closes", view_id, whole_stack)

    async def suggests(self, surface: Message | View, block_id: str, action_id: str, text: str, /) -> Told:
        return self._do("suggests", _place(surface), block_id, action_id, text)

    async def shortcut(self, callback_id: str, /) -> Told:
        return self._do("shortcut", callback_id)

    async def message_shortcut(self, callback_id: str, surface: Message, /) -> Told:
        return self._do("message_shortcut", callback_id, surface.ts)

    async def opens_home(self, *, tab: str) -> Told:
        return self._do("opens_home", tab)


def _place(surface: Message | View) -> str:
    return surface.id if isinstance(surface, View) else surface.ts


class Room:
    """A workspace with its page, and short ways to put something into it."""

    def __init__(self) -> None:
        self.workspace: Workspace = default_workspace()
        self.people = ScriptedPeople()
        self.is_down = False
        self.pressed = 0
        setting = PageSetting(
            servers=(
                ServerCard("hq", "https://127.0.0.1:9419", "svc", "pass-for-hq", "1.3-rev0", "ab" * 32),
            ),
            faults=(
                FaultSwitch(
                    "hq-down", "hq is down", "it refuses connections", self._switch, lambda: self.is_down
                ),
                FaultSwitch("drop", "Drop the socket", "once", self._press),
            ),
            roles={"U0ANN": "Veeam Backup Administrator"},
            examples=(("jobs failed", "jobs whose last run failed"),),
            channel="C0PROD",
            person="U0ANN",
        )
        self.page = SandboxPage(self.workspace, self.people.person, setting)

    async def _switch(self, on: bool) -> None:  # noqa: FBT001 - a switch has two positions
        self.is_down = on

    async def _press(self, on: bool) -> None:  # noqa: FBT001 - the same signature
        self.pressed += int(on)

    def posts(self, text: str = "", blocks: list[Json] | None = None, **where: Any) -> Message:
        """Post as the bot, into #prod unless `channel` says another one."""
        channel = self.workspace.conversations.channel(where.pop("channel", "prod"))
        content = Content(text, stored_blocks(blocks or []), stored_attachments(where.pop("attachments", [])))
        bot = self.workspace.app.bot_user
        return self.workspace.conversations.post(channel, content, Posting(bot, by_app=True, **where))

    def whispers(
        self, reader: str, text: str, blocks: list[Json] | None = None, *, notice: bool = False
    ) -> Message:
        """Post an ephemeral message or a notice into #prod."""
        channel = self.workspace.conversations.channel("prod")
        bot = self.workspace.app.bot_user
        content = Content(text, stored_blocks(blocks or []))
        return self.workspace.conversations.post_ephemeral(
            channel, reader, content, Posting(bot, by_app=True), is_notice=notice
        )
