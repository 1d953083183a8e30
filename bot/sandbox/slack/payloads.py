"""What Slack sends to the app, built as Slack builds it."""

import secrets
from dataclasses import dataclass

from bot.sandbox.slack.message_shapes import api_message
from bot.sandbox.slack.messages import Channel, Message
from bot.sandbox.slack.people import Person
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Payloads:
    """Payloads of one workspace; `response_base` is where its response URLs live."""

    workspace: Workspace
    response_base: str

    def slash_command(self, person: Person, channel: Channel, command: str, text: str, *, typed: str) -> Json:
        """A slash command: one flat level, all values strings."""
        names = {"im": "directmessage", "private": "privategroup"}
        app, tickets = self.workspace.app, self.workspace.tickets
        path = tickets.new_response(person.id, channel.id, command=typed)
        return {
            "token": app.verification_token,
            "team_id": self.workspace.team_id,
            "team_domain": self.workspace.domain,
            "channel_id": channel.id,
            "channel_name": names.get(channel.kind, channel.name),
            "user_id": person.id,
            "user_name": person.name,
            "command": command,
            "text": text,
            "api_app_id": app.id,
            "is_enterprise_install": "false",
            "response_url": f"{self.response_base}commands/{self.workspace.team_id}/{path}",
            "trigger_id": tickets.new_trigger(person.id),
        }

    def block_actions(self, person: Person, surface: Message | View, actions: list[Json]) -> Json:
        """A button, menu or dispatching input in a message, a modal or the Home."""
        stamped = [action | {"action_ts": self._now_ts()} for action in actions]
        envelope = self._envelope("block_actions", person) | {"actions": stamped}
        if isinstance(surface, View):
            return envelope | {
                "trigger_id": self.workspace.tickets.new_trigger(
                    person.id, None if surface.is_home else surface.id
                ),
                "container": {"type": "view", "view_id": surface.id},
                "view": self._view(surface),
            }
        place = self._place(surface, person)
        return (
            envelope
            | {"trigger_id": self.workspace.tickets.new_trigger(person.id)}
            | place
            | {
                "container": self._container(surface, actions[0]["block_id"]),
                "state": {"values": surface.entered.get(person.id, {})},
            }
        )

    def view_submission(self, person: Person, view: View) -> Json:
        """A modal's Submit."""
        envelope = self._envelope("view_submission", person)
        return envelope | {
            "trigger_id": self.workspace.tickets.new_trigger(person.id, view.id),
            "view": self._view(view),
            "response_urls": [],
        }

    def view_closed(self, person: Person, view: View, *, is_cleared: bool) -> Json:
        """A modal's x or Cancel."""
        return self._envelope("view_closed", person) | {"view": self._view(view), "is_cleared": is_cleared}

    def block_suggestion(self, person: Person, surface: Message | View, place: Json, value: str) -> Json:
        """Typing in an external menu; `place` has `block_id` and `action_id`."""
        envelope = self._envelope("block_suggestion", person) | place | {"value": value}
        if isinstance(surface, View):
            return envelope | {
                "container": {"type": "view", "view_id": surface.id},
                "view": self._view(surface),
            }
        shown = {"container": self._container(surface, place["block_id"])} | self._place(surface, person)
        del shown["response_url"]
        return envelope | shown

    def shortcut(self, person: Person, callback_id: str) -> Json:
        """A global shortcut: it has no channel."""
        envelope = self._envelope("shortcut", person)
        return envelope | {
            "callback_id": callback_id,
            "trigger_id": self.workspace.tickets.new_trigger(person.id),
            "action_ts": self._now_ts(),
        }

    def message_action(self, person: Person, callback_id: str, message: Message) -> Json:
        """A message shortcut, in threads as well."""
        envelope = self._envelope("message_action", person)
        return (
            envelope
            | {
                "callback_id": callback_id,
                "trigger_id": self.workspace.tickets.new_trigger(person.id),
                "action_ts": self._now_ts(),
                "message_ts": message.ts,
            }
            | self._place(message, person)
        )

    def event(self, event: Json) -> Json:
        """The Events API's wrapper."""
        app, team_id = self.workspace.app, self.workspace.team_id
        channel = self.workspace.conversations.channels.get(str(event.get("channel", "")))
        return {
            "token": app.verification_token,
            "team_id": team_id,
            "context_team_id": team_id,
            "context_enterprise_id": None,
            "api_app_id": app.id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev0{secrets.token_hex(5).upper()}",
            "event_time": int(self.workspace.clock()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team_id,
                    "user_id": app.bot_user,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": channel is not None and channel.is_ext_shared,
            "event_context": f"4-{secrets.token_urlsafe(24)}",
        }

    def _envelope(self, kind: str, person: Person) -> Json:
        app = self.workspace.app
        abroad = person.is_abroad
        return {
            "type": kind,
            "api_app_id": app.id,
            "token": app.verification_token,
            "team": {"id": person.team_id, "domain": "other"} if abroad else self.workspace.team(),
            "enterprise": None,
            "is_enterprise_install": False,
            "user": {
                "id": person.id,
                "username": person.name,
                "name": person.name,
                "team_id": person.team_id,
            },
        }

    def _view(self, view: View) -> Json:
        return view.json(self.workspace.app, self.workspace.team_id)

    def _place(self, message: Message, person: Person) -> Json:
        channel = self.workspace.conversations.channels[message.channel]
        path = self.workspace.tickets.new_response(person.id, channel.id, origin=message)
        names = {"im": "directmessage", "private": "privategroup"}
        return {
            "channel": {"id": channel.id, "name": names.get(channel.kind, channel.name)},
            "message": api_message(message, channel, self.workspace.app, self.workspace.team_id),
            "response_url": f"{self.response_base}actions/{self.workspace.team_id}/{path}",
        }

    def _container(self, message: Message, block_id: str) -> Json:
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": message.reader is not None,
        }
        if message.thread_ts is not None:
            container["thread_ts"] = message.thread_ts
        for attachment in message.content.attachments:
            if any(block["block_id"] == block_id for block in attachment.get("blocks", ())):
                attached = {"attachment_id": attachment["id"], "is_app_unfurl": False}
                container |= {"type": "message_attachment"} | attached
        return container

    def _now_ts(self) -> str:
        return f"{self.workspace.clock():.6f}"
