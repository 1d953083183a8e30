"""One call of the Web API on its way through a method."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.messages import Channel
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.workspace import Workspace

T = TypeVar("T")


@dataclass(slots=True)
class StoredFile:
    """A file on its way in: announced, then uploaded, then completed, and perhaps shared.

    A message can show it from `ready_at` on; None: it is not completed.
    """

    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    channels: list[str] = field(default_factory=list)
    ready_at: float | None = None
    came_with_token: bool = False

    @property
    def is_picture(self) -> bool:
        """Whether it is of a kind that an image block can show."""
        return (self.content or b"").startswith((b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8"))


@dataclass(slots=True)
class Services:
    """What methods need beside the workspace."""

    new_socket_url: Callable[[], str]
    base_url: Callable[[], str]  # "http://127.0.0.1:port/"
    is_strict: bool = True  # refuse messages that real Slack may split or post twice
    files: dict[str, StoredFile] = field(default_factory=dict)
    file_seconds: float = 0.0  # Slack looks so long at a completed file before a message can show it


@dataclass(frozen=True, slots=True)
class MethodCall:
    """A call whose token and scope were found good."""

    workspace: Workspace
    arguments: Arguments
    services: Services

    @property
    def bot(self) -> str:
        """The app's own account."""
        return self.workspace.app.bot_user

    def require_scope(self, scope: str) -> None:
        """`missing_scope` unless the bot token has it."""
        require_scope(self.workspace.app.scopes, scope)

    def channel(self, name: str = "channel") -> Channel:
        """The channel argument; `channel_not_found` also for private ones without the bot."""
        channel = self.workspace.conversations.channels.get(self.arguments.required(name))
        if channel is None or (channel.kind != "public" and self.bot not in channel.members):
            raise ApiError("channel_not_found")
        return channel

    def joined_channel(self, name: str = "channel") -> Channel:
        """The channel argument; `not_in_channel` when the bot has not joined it."""
        channel = self.channel(name)
        if self.bot not in channel.members:
            raise ApiError("not_in_channel")
        return channel


def require_scope(scopes: set[str], scope: str) -> None:
    """`missing_scope` with what was needed and what there is."""
    if scope not in scopes:
        raise ApiError("missing_scope", needed=scope, provided=",".join(sorted(scopes)))


def page(call: MethodCall, rows: Sequence[T], *, default: int, most: int) -> tuple[Sequence[T], Json]:
    """One page of a list, and the `response_metadata` with the next cursor ("" at the end)."""
    limit = call.arguments.limit(default, most)
    start = _offset(call.arguments.text("cursor"))
    if start > len(rows):
        raise ApiError("invalid_cursor")
    end = start + limit
    cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(rows) else ""
    return rows[start:end], {"next_cursor": cursor}


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, offset = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next":
            return int(offset)
    except ValueError:
        pass
    raise ApiError("invalid_cursor")
