"""Messages as Slack keeps them, and the channels that hold them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.sandbox.slack.snapshot import ChannelKind, Json


@dataclass(slots=True)
class Content:
    """What a message says."""

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    link_names: bool = False  # "@handle" in the text is a mention


@dataclass(slots=True)
class Message:
    """One message; with a `reader` it is ephemeral, seen by that person and kept in no history."""

    channel: str
    ts: str
    user: str
    content: Content
    thread_ts: str | None = None
    by_app: bool = False
    reader: str | None = None
    is_broadcast: bool = False
    is_command: bool = False
    is_notice: bool = False
    is_deleted: bool = False
    edited_ts: str | None = None
    entered: dict[str, Json] = field(
        default_factory=dict
    )  # person -> block_id -> action_id -> what is chosen

    @property
    def text(self) -> str:
        """The top-level text."""
        return self.content.text

    @property
    def blocks(self) -> list[Json]:
        """The blocks as stored."""
        return self.content.blocks

    @property
    def metadata(self) -> Json | None:
        """The message metadata, payload included."""
        return self.content.metadata

    @property
    def is_reply(self) -> bool:
        """Whether the message stands in somebody else's thread."""
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(slots=True)
class Channel:
    """A public or private channel, or the direct conversation of the app with one person."""

    id: str
    name: str
    kind: ChannelKind = "public"
    members: list[str] = field(default_factory=list)
    is_archived: bool = False
    is_read_only: bool = False  # only admins post: the app is refused as well
    is_thread_only: bool = False
    is_restricted: bool = False  # a preference of the workspace: no posts by apps
    refuses_group_mentions: bool = False  # the same, for texts that mention a group alone
    is_ext_shared: bool = False
    is_pending_ext_shared: bool = False
    connected_teams: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    ephemerals: dict[str, Message] = field(default_factory=dict)
    threads: dict[str, dict[str, Message]] = field(default_factory=dict)  # root's ts -> its replies
    _last_microsecond: int = 0

    @property
    def scope_family(self) -> str:
        """The first word of the scopes that read this channel."""
        return {"public": "channels", "private": "groups", "im": "im"}[self.kind]

    def next_ts(self, now: float) -> str:
        """A `ts` that is later than every other one in this channel, whatever the clock says."""
        self._last_microsecond = max(round(now * 1_000_000), self._last_microsecond + 1)
        seconds, microseconds = divmod(self._last_microsecond, 1_000_000)
        return f"{seconds}.{microseconds:06d}"

    def add(self, message: Message) -> None:
        """Keep a message, and if it is a reply, in its thread."""
        self.messages[message.ts] = message
        if message.thread_ts is not None and message.is_reply:
            self.threads.setdefault(message.thread_ts, {})[message.ts] = message

    def remove(self, message: Message) -> None:
        """Forget a message."""
        del self.messages[message.ts]
        if message.thread_ts is not None and message.is_reply:
            del self.threads[message.thread_ts][message.ts]

    def replies(self, root_ts: str) -> list[Message]:
        """The replies of a thread, oldest first, without its root."""
        return list(self.threads.get(root_ts, {}).values())

    def history(self) -> Iterator[Message]:
        """What `conversations.history` holds, oldest first: roots and broadcast replies."""
        for message in self.messages.values():
            if not message.is_command and (not message.is_reply or message.is_broadcast):
                yield message

    def json(self, member: str) -> Json:
        """The `channel` object, as seen by an account."""
        if self.kind == "im":
            other = next((person for person in self.members if person != member), member)
            return {
                "id": self.id,
                "created": 1700000000,
                "is_archived": self.is_archived,
                "is_im": True,
                "is_org_shared": False,
                "user": other,
                "is_open": True,
            }
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "public",
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.kind == "private",
            "created": 1700000000,
            "creator": "U0ADA",
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "is_member": member in self.members,
            "is_read_only": self.is_read_only,
            "is_thread_only": self.is_thread_only,
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "is_org_shared": False,
            "is_pending_ext_shared": self.is_pending_ext_shared,
            "connected_team_ids": list(self.connected_teams),
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(self.members),
        }
