"""People at their clients: each gesture sends what Slack would send, and shows what Slack would show."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.sandbox.slack.answers import say
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.elements import (
    Placed,
    action,
    enter,
    find,
    initial_state,
    labelled,
    problems_before_submit,
)
from bot.sandbox.slack.errors import ApiError, GestureImpossible
from bot.sandbox.slack.events import Deliveries
from bot.sandbox.slack.messages import Channel, Content, Message
from bot.sandbox.slack.payloads import Payloads
from bot.sandbox.slack.people import SLACKBOT, Person
from bot.sandbox.slack.results import Result
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.submissions import AnswerRefused, follow, offered
from bot.sandbox.slack.tickets import ResponseUrl
from bot.sandbox.slack.transport import Answer
from bot.sandbox.slack.typing_aid import escaped
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Workspace

Surface = Message | View


@dataclass(frozen=True, slots=True)
class SlackUser:
    """One person, acting; a gesture that no client would allow raises `GestureImpossible`."""

    person: Person
    workspace: Workspace
    payloads: Payloads
    deliveries: Deliveries

    async def types(self, channel: str, text: str, *, command: str | None = None) -> Result:
        """Send a slash command (the app's first unless told); `text` is what follows its space, untrimmed."""
        place = self._writable(channel)
        if self.person.is_abroad:
            raise GestureImpossible("slash commands are not shared over Slack Connect")
        app = self.workspace.app
        command = command or next(iter(app.commands))
        if command not in app.commands:
            raise GestureImpossible(f"{command} is not a command")
        sent = escaped(text, self.workspace) if app.commands[command] else text
        typed = f"{command} {text}".rstrip()
        payload = _frozen(self.payloads.slash_command(self.person, place, command, sent, typed=typed))
        return await self._command(place, payload)

    async def says(self, channel: str, text: str, *, thread_ts: str | None = None) -> Message:
        """Write an ordinary message; the app hears of it where it subscribed to that."""
        place = self._writable(channel)
        if place.is_read_only and self.person.kind != "admin":
            raise GestureImpossible(f"only admins write in {place.name}")
        app = self.workspace.app
        if place.kind == "im" and app.bot_user in place.members and not app.is_spoken_to:
            raise GestureImpossible(f"sending messages to {app.name} has been turned off")
        content = Content(escaped(text, self.workspace, is_message=True))
        posting = Posting(self.person.id, thread_ts=thread_ts)
        try:
            return self.workspace.conversations.post(place, content, posting)
        except ApiError as error:
            raise GestureImpossible(f"there is no thread {thread_ts}") from error

    async def presses(
        self, surface: Surface, label: str, *, block_id: str | None = None, confirms: bool = True
    ) -> Result:
        """Press the button, or the overflow menu's entry, that bears this label."""
        self._require_sight(surface)
        target = labelled(_all_blocks(surface), label, block_id)
        dialog = target.place.element.get("confirm")
        if dialog is not None and not confirms:
            return Result(confirm=dialog)
        return await self._act(surface, target.place, target.value)

    async def presses_twice(self, surface: Surface, label: str) -> tuple[Result, Result]:
        """Press the same button twice before the first press was answered."""
        self._require_sight(surface)
        labelled(_all_blocks(surface), label)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(self.presses(surface, label))
            second = group.create_task(self.presses(surface, label))
        return first.result(), second.result()

    async def chooses(self, surface: Surface, action_id: str, value: Any) -> Result:
        """Choose in a menu, picker or input; an option by its value or its label."""
        return await self.activates(surface, None, action_id, value)

    async def activates(
        self, surface: Surface, block_id: str | None, action_id: str, value: Any = None
    ) -> Result:
        """Use the element with these IDs, whatever it is."""
        self._require_sight(surface)
        place = find(_all_blocks(surface), block_id, action_id)
        return await self._act(surface, place, value)

    async def submits(self, view: View | str, values: Mapping[str, Any] | None = None) -> Result:
        """Fill the form in and press Submit; what the client itself refuses never reaches the app."""
        shown = self._top(view)
        self._fill(shown, values or {})
        if problems := problems_before_submit(shown.blocks, shown.entered):
            self.workspace.views.complain(shown, problems)
            return Result("client_refused", errors=problems)
        payload = _frozen(self.payloads.view_submission(self.person, shown))
        return await self._submit(shown, payload)

    async def closes(self, view: View | str, *, whole_stack: bool = False) -> Result:
        """Close the top view, or all of them; the app hears of those that have `notify_on_close`."""
        views = self.workspace.views
        top = self._top(view)
        going = list(reversed(views.stack(self.person.id))) if whole_stack else [top]
        result = Result()
        for each in going:
            payload = _frozen(self.payloads.view_closed(self.person, each, is_cleared=whole_stack))
            views.close(each)
            if each.content["notify_on_close"]:
                result = await self._interact(payload)
        return result

    async def suggests(self, surface: Surface, block_id: str | None, action_id: str, typed: str) -> Result:
        """Type into an external menu; nothing is asked before `min_query_length` characters (3) are there."""
        self._require_sight(surface)
        place = find(_all_blocks(surface), block_id, action_id)
        if "external" not in place.type:
            raise GestureImpossible(f"{action_id!r} is no external menu")
        if len(typed) < place.element.get("min_query_length", 3):
            return Result()
        ids = {"block_id": place.block_id, "action_id": place.action_id}
        payload = _frozen(self.payloads.block_suggestion(self.person, surface, ids, typed))
        answer = await self.deliveries.send("interactive", payload)
        options = offered(answer.body) if answer.outcome == "acked" else []
        if options is None:
            return Result("invalid_answer", "no result", payload=payload, ack=answer.body)
        return self._result(answer, payload, options=options)

    async def shortcut(self, callback_id: str) -> Result:
        """Run a global shortcut."""
        self._require_shortcut(callback_id, "global")
        return await self._interact(_frozen(self.payloads.shortcut(self.person, callback_id)))

    async def message_shortcut(self, callback_id: str, surface: Surface) -> Result:
        """Run a shortcut from a message's menu."""
        self._require_shortcut(callback_id, "message")
        self._require_sight(surface)
        if not isinstance(surface, Message) or surface.reader is not None:
            raise GestureImpossible("only messages that everybody sees have shortcuts")
        return await self._interact(_frozen(self.payloads.message_action(self.person, callback_id, surface)))

    async def opens_home(self, *, tab: Literal["home", "messages"] = "home") -> Result:
        """Open the app's page; the app hears `app_home_opened` where it subscribed to it."""
        self._require_active()
        if tab == "home" and not self.workspace.app.home_enabled:
            raise GestureImpossible("the app has no Home tab")
        bot = self.workspace.app.bot_user
        direct = self.workspace.conversations.direct(bot, self.person.id)
        event: Json = {
            "type": "app_home_opened",
            "user": self.person.id,
            "channel": direct.id,
            "tab": tab,
            "event_ts": f"{self.workspace.clock():.6f}",
        }
        home = self.workspace.views.home(self.person.id)
        if home is not None and tab == "home":
            event["view"] = home.json(self.workspace.app, self.workspace.team_id)
        self.deliveries.emit(_frozen(event))
        return Result()

    async def _command(self, place: Channel, payload: Json) -> Result:
        answer = await self.deliveries.send("slash_commands", payload)
        result = self._result(answer, payload, again=lambda: self._command(place, payload))
        failure: str | None = None if result.shown == "ok" else result.shown
        if failure is None and answer.body:
            failure = self._say(payload["response_url"], answer.body)
        if failure is None:
            return result
        text = f'{payload["command"]} failed with the error "{failure}"'
        posting = Posting(SLACKBOT)
        self.workspace.conversations.post_ephemeral(
            place, self.person.id, Content(text), posting, is_notice=True
        )
        shown = result.shown if result.shown != "ok" else "invalid_answer"
        return Result(shown, text, payload=payload, ack=answer.body, again=result.again)

    def _say(self, response_url: str, body: Any) -> str | None:
        if not isinstance(body, Mapping):
            return "invalid_payload"
        try:
            say(self.workspace, self._response(response_url), body)
        except ApiError as error:
            return error.error
        return None

    def _response(self, response_url: str) -> ResponseUrl:
        return self.workspace.tickets.response("/".join(response_url.split("/")[-2:]))

    async def _act(self, surface: Surface, place: Placed, value: Any) -> Result:
        entry = action(place, value)
        held = enter(place, value)
        if held:
            self._keep(surface, place, held)
        if place.is_silent:
            return Result()
        payload = _frozen(self.payloads.block_actions(self.person, surface, [entry]))
        result = await self._interact(payload)
        dialog = place.element.get("confirm")
        return Result(
            result.shown,
            result.text,
            opened_url=entry.get("selected_option", entry).get("url") if place.is_pressed else None,
            confirm=dialog,
            payload=payload,
            ack=result.ack,
            again=result.again,
        )

    def _keep(self, surface: Surface, place: Placed, held: Json) -> None:
        if isinstance(surface, View):
            self.workspace.views.enter(surface, place.block_id, place.action_id, held)
            return
        entered = surface.entered.setdefault(self.person.id, initial_state(_all_blocks(surface)))
        entered.setdefault(place.block_id, {})[place.action_id] = held

    async def _interact(self, payload: Json) -> Result:
        answer = await self.deliveries.send("interactive", payload)
        return self._result(answer, payload, again=lambda: self._interact(payload))

    async def _submit(self, view: View, payload: Json) -> Result:
        answer = await self.deliveries.send("interactive", payload)
        result = self._result(answer, payload, again=lambda: self._submit(view, payload))
        if result.shown != "ok" or view not in self.workspace.views.stack(self.person.id):
            return result
        try:
            errors = follow(self.workspace.views, view, answer.body)
        except AnswerRefused as refused:
            return Result(
                "invalid_answer", str(refused), payload=payload, ack=answer.body, again=result.again
            )
        return Result(errors=errors, payload=payload, ack=answer.body, again=result.again)

    def _result(self, answer: Answer, payload: Json, **more: Any) -> Result:
        if answer.outcome == "acked":
            return Result(payload=payload, ack=answer.body, **more)
        return Result(answer.outcome, answer.outcome, payload=payload, **more)

    def _fill(self, view: View, values: Mapping[str, Any]) -> None:
        block_ids = {block["block_id"] for block in view.blocks}
        for key, value in values.items():
            if key in block_ids and isinstance(value, Mapping) and "value" not in value:
                for action_id, each in value.items():
                    self._enter(view, key, action_id, each)
            else:
                self._enter(view, None, key, value)

    def _enter(self, view: View, block_id: str | None, action_id: str, value: Any) -> None:
        place = find(view.blocks, block_id, action_id)
        self.workspace.views.enter(view, place.block_id, place.action_id, enter(place, value))

    def _top(self, view: View | str) -> View:
        self._require_active()
        view_id = view if isinstance(view, str) else view.id
        stack = self.workspace.views.stack(self.person.id)
        if not stack or stack[-1].id != view_id:
            raise GestureImpossible(f"the view {view_id} is not on top")
        return stack[-1]

    def _writable(self, channel: str) -> Channel:
        self._require_active()
        try:
            place = self.workspace.conversations.channel(channel)
        except KeyError:
            raise GestureImpossible(f"there is no channel {channel}") from None
        if self.person.id not in place.members:
            raise GestureImpossible(f"{self.person.name} is not in {place.name or place.id}")
        if place.is_archived:
            raise GestureImpossible(f"{place.name} is archived")
        return place

    def _require_active(self) -> None:
        if not self.person.may_act:
            raise GestureImpossible(f"nobody can be signed in as {self.person.name}")

    def _require_sight(self, surface: Surface) -> None:
        self._require_active()
        if isinstance(surface, View):
            self._require_own_view(surface)
            return
        channel = self.workspace.conversations.channels.get(surface.channel)
        if channel is None or not self.workspace.sees(self.person.id, channel):
            raise GestureImpossible(f"{self.person.name} does not see that channel")
        kept = channel.messages if surface.reader is None else channel.ephemerals
        if kept.get(surface.ts) is not surface or surface.reader not in (None, self.person.id):
            raise GestureImpossible(f"{self.person.name} does not see that message")

    def _require_own_view(self, view: View) -> None:
        views = self.workspace.views
        if view is not views.home(self.person.id) and view not in views.stack(self.person.id)[-1:]:
            raise GestureImpossible(f"{self.person.name} does not see that view")

    def _require_shortcut(self, callback_id: str, kind: Literal["global", "message"]) -> None:
        self._require_active()
        shortcut = self.workspace.app.shortcuts.get(callback_id)
        if shortcut is None or shortcut.type != kind or self.person.is_abroad:
            raise GestureImpossible(f"{self.person.name} finds no {kind} shortcut {callback_id!r}")


def _all_blocks(surface: Surface) -> list[Json]:
    if isinstance(surface, View):
        return surface.blocks
    attached = [block for each in surface.content.attachments for block in each.get("blocks", ())]
    return [*surface.blocks, *attached]


def _frozen(payload: Json) -> Json:
    """What goes over the wire now; later changes of the workspace don't reach it."""
    frozen: Json = json.loads(json.dumps(payload))
    return frozen
