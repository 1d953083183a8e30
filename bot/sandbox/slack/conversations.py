"""Channels and what is written in them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.slack.directory import Emit
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.feed import Clock, Feed
from bot.sandbox.slack.message_shapes import message_view
from bot.sandbox.slack.messages import Channel, Content, Message
from bot.sandbox.slack.snapshot import MessageView


@dataclass(frozen=True, slots=True)
class Posting:
    """Who writes, and where in the channel."""

    user: str
    thread_ts: str | None = None
    is_broadcast: bool = False
    by_app: bool = False
    is_command: bool = False


Said = Callable[[Channel, Message, Literal["posted", "changed", "deleted"]], None]


class Conversations:
    """All channels; every change goes to the feed, and to the app where it has an event for it.

    `said` hears of every message that is posted, changed or deleted, and of no ephemeral one.
    """

    def __init__(
        self, feed: Feed, clock: Clock, emit: Emit, mentions: Callable[[Message], list[str]], said: Said
    ) -> None:
        self._feed = feed
        self._clock = clock
        self._emit = emit
        self._mentions = mentions
        self._said = said
        self.channels: dict[str, Channel] = {}

    def add(self, *channels: Channel) -> None:
        """Enter channels that were there before the app."""
        for channel in channels:
            self.channels[channel.id] = channel

    def channel(self, name_or_id: str) -> Channel:
        """A channel by ID or by name; `KeyError` for neither."""
        by_name = (channel for channel in self.channels.values() if channel.name == name_or_id)
        channel = self.channels.get(name_or_id) or next(by_name, None)
        if channel is None:
            raise KeyError(name_or_id)
        return channel

    def direct(self, bot: str, person: str) -> Channel:
        """The app's direct conversation with somebody, made when it is first needed."""
        for channel in self.channels.values():
            if channel.kind == "im" and set(channel.members) == {bot, person}:
                return channel
        made = Channel(f"D{person[1:]}", "", kind="im", members=[bot, person])
        self.channels[made.id] = made
        self._changed(made)
        return made

    def visible(self, message: Message) -> MessageView:
        """The message for an onlooker."""
        return message_view(message, self.channels[message.channel], self._mentions)

    def post(self, channel: Channel, content: Content, posting: Posting) -> Message:
        """Write a message; a thread is started by the root's `ts`, and never by a reply's."""
        root = self._root(channel, posting.thread_ts)
        message = Message(
            channel.id,
            channel.next_ts(self._clock()),
            posting.user,
            content,
            thread_ts=posting.thread_ts,
            by_app=posting.by_app,
            is_broadcast=posting.is_broadcast and root is not None,
            is_command=posting.is_command,
        )
        channel.add(message)
        self._feed.tell("message_posted", channel=channel.id, message=self.visible(message))
        if root is not None:
            self._updated(root)
        if not posting.is_command:
            self._said(channel, message, "posted")
        return message

    def post_ephemeral(
        self, channel: Channel, reader: str, content: Content, posting: Posting, *, is_notice: bool = False
    ) -> Message:
        """Show a message to one person; it is in no history and cannot be changed by the Web API."""
        message = Message(
            channel.id,
            channel.next_ts(self._clock()),
            posting.user,
            content,
            thread_ts=posting.thread_ts,
            by_app=posting.by_app,
            reader=reader,
            is_notice=is_notice,
        )
        channel.ephemerals[message.ts] = message
        self._feed.tell("ephemeral_posted", person=reader, channel=channel.id, message=self.visible(message))
        return message

    def edit(self, message: Message, content: Content, *, quietly: bool) -> None:
        """Replace what a message says; `quietly` leaves no "(edited)", as a change by blocks does."""
        message.content = content
        message.entered = {}
        if not quietly:
            message.edited_ts = f"{self._clock():.6f}"
        self._updated(message)
        if message.reader is None:
            self._said(self.channels[message.channel], message, "changed")

    def delete(self, message: Message) -> None:
        """Take a message away; a root with replies leaves a tombstone."""
        channel = self.channels[message.channel]
        if message.reader is not None:
            del channel.ephemerals[message.ts]
            facts = {"channel": channel.id, "ts": message.ts, "thread_ts": message.thread_ts}
            self._feed.tell("ephemeral_deleted", person=message.reader, **facts)
            return
        self._said(channel, message, "deleted")
        if channel.replies(message.ts):
            message.is_deleted = True
            message.content = Content()
            self._updated(message)
            return
        channel.remove(message)
        self._feed.tell("message_deleted", channel=channel.id, ts=message.ts, thread_ts=message.thread_ts)
        if message.is_reply and (root := channel.messages.get(message.thread_ts or "")) is not None:
            self._updated(root)

    def join(self, channel_id: str, user: str) -> None:
        """Make somebody (the bot, too) a member."""
        channel = self.channels[channel_id]
        if user not in channel.members:
            channel.members.append(user)
            self._emit({"type": "member_joined_channel", "user": user, "channel": channel.id})
            self._changed(channel)

    def set_archived(self, channel_id: str, *, archived: bool) -> None:
        """Archive or unarchive; the app hears `channel_…` or, for a private one, `group_…`."""
        channel = self.channels[channel_id]
        channel.is_archived = archived
        self._emit_channel(channel, "archive" if archived else "unarchive")
        self._changed(channel)

    def change_id(self, channel_id: str, new_id: str) -> None:
        """Give a channel another ID, as sharing it may; the app hears `channel_id_changed`."""
        channel = self.channels.pop(channel_id)
        channel.id = new_id
        self.channels[new_id] = channel
        for message in (*channel.messages.values(), *channel.ephemerals.values()):
            message.channel = new_id
        self._emit(
            {
                "type": "channel_id_changed",
                "old_channel_id": channel_id,
                "new_channel_id": new_id,
                "event_ts": f"{self._clock():.6f}",
            }
        )
        self._changed(channel)

    def _root(self, channel: Channel, thread_ts: str | None) -> Message | None:
        if thread_ts is None:
            return None
        root = channel.messages.get(thread_ts)
        if root is None:
            raise ApiError("thread_not_found")
        if root.is_reply or root.is_deleted:
            raise ApiError("cannot_reply_to_message")
        return root

    def _updated(self, message: Message) -> None:
        if message.reader is not None:
            facts = {"channel": message.channel, "message": self.visible(message)}
            self._feed.tell("ephemeral_updated", person=message.reader, **facts)
            return
        self._feed.tell("message_updated", channel=message.channel, message=self.visible(message))

    def _emit_channel(self, channel: Channel, what: str) -> None:
        family = "group" if channel.kind == "private" else "channel"
        event = {"type": f"{family}_{what}", "channel": channel.id, "event_ts": f"{self._clock():.6f}"}
        if what != "deleted":
            event["user"] = "U0ADA"
        self._emit(event)

    def _changed(self, channel: Channel) -> None:
        self._feed.tell("channel_changed", channel=channel.id)
