"""The simulated workspace: everything there is, and nothing of how it is spoken to.

Its parts are `directory` (people and user groups), `conversations` (channels and messages), `views` (modals
and Homes) and `tickets` (trigger IDs and response URLs). `subscribe`, `concerns` and `snapshot` are what
onlookers use; `bot.sandbox.slack.snapshot` describes them.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from bot.sandbox.slack.app import App
from bot.sandbox.slack.conversations import Conversations
from bot.sandbox.slack.directory import Directory
from bot.sandbox.slack.errors import GestureImpossible
from bot.sandbox.slack.feed import Clock, Feed
from bot.sandbox.slack.mentions import Notified, notified
from bot.sandbox.slack.message_events import message_events
from bot.sandbox.slack.messages import Channel, Message
from bot.sandbox.slack.people import Person
from bot.sandbox.slack.snapshot import AppView, Change, ChannelView, Json, MessageView, Snapshot
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.views import View, Views


class Workspace:
    """One team with its people, channels and the one app that is installed."""

    def __init__(
        self, *, team_id: str = "T0ACME", name: str = "Acme", app: App | None = None, clock: Clock = time.time
    ) -> None:
        self.team_id = team_id
        self.enterprise_id: str | None = None  # on Enterprise Grid, the organisation's
        self.name = name
        self.domain = name.lower()
        self.app = app or App()
        self.clock = clock
        self.emit: Callable[[Json], None] = _nobody_listens  # set by the transport
        self.transport: Callable[[], tuple[str, int]] = _not_connected
        self.feed = Feed(clock)
        self.directory = Directory(self.feed, clock, self._emit)
        self.conversations = Conversations(self.feed, clock, self._emit, self.mentioned_people, self._said)
        self.views = Views(self.feed, clock)
        self.tickets = Tickets(clock)
        self.directory.add(
            Person(self.app.bot_user, self.app.name, self.app.name, kind="bot", team_id=team_id)
        )

    def _emit(self, event: Json) -> None:
        self.emit(event)

    def _said(self, channel: Channel, message: Message, what: str) -> None:
        """Tell the app of a message, where it is a member of the channel."""
        if self.app.bot_user in channel.members:
            author = self.directory.people[message.user]
            abroad = {"user_team": author.team_id, "source_team": author.team_id} if author.is_abroad else {}
            for event in message_events(message, channel, self.app, self.team_id, self.clock(), what=what):
                self.emit(event | abroad)

    def team(self) -> Json:
        """The `team` object of payloads."""
        return {"id": self.team_id, "domain": self.domain}

    def notified(self, message: Message) -> Notified:
        """Whom the message names, groups and broadcasts unresolved."""
        content = message.content
        names = self.directory.names() if content.link_names else None
        return notified(content.text, content.blocks, content.attachments, names=names)

    def mentioned_people(self, message: Message) -> list[str]:
        """Everybody whom the message notifies, as person IDs."""
        named = self.notified(message)
        people = set(named.users)
        for group_id in named.groups:
            group = self.directory.groups.get(group_id)
            if group is not None and not group.is_disabled:
                people.update(group.users)
        if named.broadcasts:
            people.update(self.conversations.channels[message.channel].members)
        return sorted(people & self.directory.people.keys() - {message.user})

    def surface(
        self,
        *,
        channel: str | None = None,
        ts: str | None = None,
        person: str | None = None,
        view_id: str | None = None,
    ) -> Message | View:
        """A message, the ephemeral one of a person, or a view; `GestureImpossible` when it isn't there."""
        if view_id is not None:
            view = self.views.get(view_id)
            if view is None:
                raise GestureImpossible(f"the view {view_id} is not open")
            return view
        place = self.conversations.channels.get(channel or "")
        message = None if place is None else place.messages.get(ts or "")
        if message is None and place is not None:
            ephemeral = place.ephemerals.get(ts or "")
            message = ephemeral if ephemeral is not None and ephemeral.reader == person else None
        if message is None:
            raise GestureImpossible(f"no message {ts} is to be seen in {channel}")
        return message

    def sees(self, person_id: str, channel: Channel) -> bool:
        """Whether somebody can open a channel and read it."""
        person = self.directory.people[person_id]
        if person_id in channel.members:
            return person.may_act
        return channel.kind == "public" and person.kind in ("admin", "member")

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[Change]]:
        """All changes from now on."""
        return self.feed.subscribe()

    def concerns(self, change: Change, person_id: str) -> bool:
        """Whether somebody may see a change."""
        if change["kind"].startswith(("ephemeral_", "view_", "home_")):
            return change.get("person") == person_id
        channel = self.conversations.channels.get(change.get("channel", ""))
        return channel is None or self.sees(person_id, channel)

    def snapshot(self, person_id: str) -> Snapshot:
        """The workspace as one person sees it."""
        stack = self.views.stack(person_id)
        home = self.views.home(person_id)
        people = self.directory.people
        return {
            "team": {"id": self.team_id, "name": self.name, "domain": self.domain},
            "now": self.clock(),
            "me": people[person_id].view(self.directory.handles_of(person_id)),
            "people": [each.view(self.directory.handles_of(each.id)) for each in people.values()],
            "groups": [group.view() for group in self.directory.groups.values()],
            "channels": [
                self._channel_view(channel, person_id)
                for channel in self.conversations.channels.values()
                if self.sees(person_id, channel)
            ],
            "modal": stack[-1].view() if stack else None,
            "modal_depth": len(stack),
            "home": home.view() if home is not None else None,
            "app": self._app_view(),
        }

    def _channel_view(self, channel: Channel, person_id: str) -> ChannelView:
        everything = [
            *channel.messages.values(),
            *(each for each in channel.ephemerals.values() if each.reader == person_id),
        ]
        roots: list[MessageView] = []
        threads: dict[str, list[MessageView]] = {}
        for message in sorted(everything, key=lambda each: each.ts):
            shown = self.conversations.visible(message)
            if message.thread_ts is not None and message.is_reply:
                threads.setdefault(message.thread_ts, []).append(shown)
            if not message.is_reply or message.is_broadcast:
                roots.append(shown)
        other = next((each for each in channel.members if each != person_id), person_id)
        return {
            "id": channel.id,
            "name": self.directory.people[other].name if channel.kind == "im" else channel.name,
            "kind": channel.kind,
            "is_archived": channel.is_archived,
            "is_read_only": channel.is_read_only,
            "is_ext_shared": channel.is_ext_shared,
            "is_member": person_id in channel.members,
            "bot_is_member": self.app.bot_user in channel.members,
            "members": list(channel.members),
            "messages": roots,
            "threads": threads,
        }

    def _app_view(self) -> AppView:
        transport, connections = self.transport()
        return {
            "id": self.app.id,
            "name": self.app.name,
            "bot_user": self.app.bot_user,
            "commands": list(self.app.commands),
            "shortcuts": [
                {"callback_id": each.callback_id, "name": each.name, "type": each.type}
                for each in self.app.shortcuts.values()
            ],
            "home_enabled": self.app.home_enabled,
            "transport": "http" if transport == "http" else "socket",
            "connections": connections,
        }


def _nobody_listens(_event: Json) -> None:
    """An event before any transport is there reaches nobody."""


def _not_connected() -> tuple[str, int]:
    return "socket", 0
