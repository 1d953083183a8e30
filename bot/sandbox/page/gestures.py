"""Reads a gesture that the browser sent and does it as the person."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol

from bot.sandbox.slack.errors import GestureImpossible
from bot.sandbox.slack.messages import Message
from bot.sandbox.slack.results import Result
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Workspace

Json = dict[str, Any]


class Told(Protocol):
    """What a gesture came to."""

    def json(self) -> Mapping[str, Any]:
        """The result as `bot.sandbox.slack.snapshot.ResultView`."""


class PageUser(Protocol):
    """A person of the workspace, with the gestures that `bot.sandbox.slack.snapshot` describes."""

    async def types(self, channel_id: str, text: str, /, *, command: str) -> Told:
        """Type a slash command in a channel."""

    async def says(self, channel_id: str, text: str, /, *, thread_ts: str | None) -> Told | Message:
        """Write a message in a channel or a thread."""

    async def activates(self, surface: Message | View, block_id: str, action_id: str, value: Any, /) -> Told:
        """Press or change an element."""

    async def submits(self, view_id: str, values: Json, /) -> Told:
        """Submit the modal on top."""

    async def closes(self, view_id: str, /, *, whole_stack: bool) -> Told:
        """Close the modal on top, or all of them."""

    async def suggests(self, surface: Message | View, block_id: str, action_id: str, text: str, /) -> Told:
        """Ask for the options of an external menu."""

    async def shortcut(self, callback_id: str, /) -> Told:
        """Choose a global shortcut."""

    async def message_shortcut(self, callback_id: str, surface: Message, /) -> Told:
        """Choose a shortcut in a message's menu."""

    async def opens_home(self, *, tab: Literal["home", "messages"]) -> Told:
        """Open the app's Home, or its messages."""


class GestureUnreadable(Exception):
    """The browser sent something that is no gesture; the text says what was missing."""


class Gestures:
    """Does what the page's script asks for, as any person who may be signed in."""

    def __init__(self, workspace: Workspace, actor: Callable[[str], PageUser]) -> None:
        self._workspace = workspace
        self._actor = actor

    async def perform(self, asked: Json) -> Mapping[str, Any]:
        """The gesture's result; one that a client would not allow says so in `client_refused`.

        Raises `GestureUnreadable` for anything else than a gesture of somebody who may act.
        """
        try:
            actor = self._signed_in(asked["person"])
            told = await _GESTURES[asked["gesture"]](self, actor, asked)
        except GestureImpossible as impossible:
            return Result("client_refused", str(impossible)).json()
        except (KeyError, TypeError) as missing:
            raise GestureUnreadable(f"{missing} is missing or unknown") from missing
        return (Result() if isinstance(told, Message) else told).json()

    def _signed_in(self, person_id: str) -> PageUser:
        if not self._workspace.directory.people[person_id].may_act:
            raise GestureImpossible("nobody can be signed in with this account")
        return self._actor(person_id)

    def surface(self, asked: Json) -> Message | View:
        """What the gesture was made on: a message or a view; `GestureImpossible` when it is gone."""
        address = asked["surface"]
        if "view_id" in address:
            return self._workspace.surface(view_id=address["view_id"])
        return self._workspace.surface(channel=address["channel"], ts=address["ts"], person=asked["person"])

    def message(self, asked: Json) -> Message:
        """The same, where only a message will do."""
        surface = self.surface(asked)
        if not isinstance(surface, Message):
            raise GestureImpossible("a message shortcut needs a message")
        return surface


_GESTURES: Mapping[str, Callable[[Gestures, PageUser, Json], Awaitable[Told | Message]]] = {
    "types": lambda _, actor, asked: actor.types(asked["channel"], asked["text"], command=asked["command"]),
    "says": lambda _, actor, asked: actor.says(asked["channel"], asked["text"], thread_ts=asked["thread_ts"]),
    "activates": lambda on, actor, asked: actor.activates(
        on.surface(asked), asked["block_id"], asked["action_id"], asked["value"]
    ),
    "submits": lambda _, actor, asked: actor.submits(asked["view_id"], asked["values"]),
    "closes": lambda _, actor, asked: actor.closes(asked["view_id"], whole_stack=asked["whole_stack"]),
    "suggests": lambda on, actor, asked: actor.suggests(
        on.surface(asked), asked["block_id"], asked["action_id"], asked["text"]
    ),
    "shortcut": lambda _, actor, asked: actor.shortcut(asked["callback_id"]),
    "message_shortcut": lambda on, actor, asked: actor.message_shortcut(
        asked["callback_id"], on.message(asked)
    ),
    "opens_home": lambda _, actor, asked: actor.opens_home(tab=asked["tab"]),
}
