"""What a person did in Slack, read once from the payload and typed from there on.

The payloads are those of slash commands, of `block_actions`, `view_submission` and `block_suggestion`
interactions, of shortcuts and of the event `app_home_opened`. `token` and `user_name` are not read: the first
is a secret of no use, the second proves nothing.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.operations.people import PersonId
from bot.operations.requests import Gesture, Origin
from bot.slack.codec import Entered
from bot.slack.text import unescape

# Letters that are not mistaken for each other when somebody reads a reference out over the telephone.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """Where an answer goes. `response_url` is a secret: whoever holds it can post."""

    person_id: PersonId
    channel_id: str | None
    response_url: str | None
    thread_ts: str | None = None
    message_ts: str | None = None
    is_ephemeral: bool = False
    trigger_id: str | None = None  # opens one modal, within three seconds


@dataclass(frozen=True, slots=True)
class Typed:
    """A slash command, its text as Slack sent it."""

    gesture: Gesture
    place: ReplyTarget
    text: str


@dataclass(frozen=True, slots=True)
class SeenView:
    """The App Home or the modal that an element stands in, as it was when somebody used the element.

    `carried` is its `private_metadata`.
    """

    id: str
    callback_id: str
    title: str
    carried: str = ""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button, an overflow option or a menu choice: the element's action ID and what it carried.

    `view` where it stands in no message.
    """

    gesture: Gesture
    place: ReplyTarget
    action_id: str
    value: str | None
    view: SeenView | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """Somebody opened the app's Home tab; `is_published` when there was something to see already."""

    gesture: Gesture
    place: ReplyTarget
    is_published: bool


@dataclass(frozen=True, slots=True)
class SeenElement:
    """An element of a message: its action ID and value, by which the message says what it is about."""

    action_id: str
    value: str


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """The message that a shortcut was used on, as far as it says what it is about."""

    author: str | None
    server: str | None
    job_id: str | None
    elements: tuple[SeenElement, ...]


@dataclass(frozen=True, slots=True)
class UsedShortcut:
    """A shortcut of the app, used from Slack's own menus; `message` where it stands in a message's menu."""

    gesture: Gesture
    place: ReplyTarget
    callback_id: str
    message: SeenMessage | None


@dataclass(frozen=True, slots=True)
class Submitted:
    """A modal that was sent off: what it carried, and what was entered, by the elements' action IDs.

    `view_hash` tells a second delivery from what is sent off after the view was drawn anew.
    """

    person_id: PersonId
    team_id: str | None
    view_id: str
    view_hash: str
    carried: str
    entered: Entered


@dataclass(frozen=True, slots=True)
class Searching:
    """Somebody types into a search menu of a modal: which field, what, and what the modal carries."""

    gesture: Gesture
    field: str
    text: str
    carried: str


def typed(body: Mapping[str, Any]) -> Typed:
    """Read a slash command's payload."""
    person_id = PersonId(_text(body, "user_id") or "")
    place = ReplyTarget(
        person_id=person_id,
        channel_id=_text(body, "channel_id"),
        response_url=_text(body, "response_url"),
        trigger_id=_text(body, "trigger_id"),
    )
    gesture = Gesture(
        reference=new_reference(),
        person_id=person_id,
        team_id=_text(body, "team_id"),
        channel_id=place.channel_id,
        origin=Origin.TYPED,
        is_direct=_is_direct(place.channel_id),
        press_key=_key("command", _text(body, "trigger_id") or secrets.token_hex()),
    )
    return Typed(gesture, place, _text(body, "text") or "")


def pressed(body: Mapping[str, Any]) -> Pressed:
    """Read the first action of a `block_actions` payload."""
    action = (body.get("actions") or [{}])[0]
    user, container = body.get("user") or {}, body.get("container") or {}
    channel, message, view = body.get("channel") or {}, body.get("message") or {}, body.get("view") or {}
    message_ts = _text(container, "message_ts") or _text(message, "ts")
    thread_ts = _text(container, "thread_ts") or _text(message, "thread_ts")
    place = ReplyTarget(
        person_id=PersonId(_text(user, "id") or ""),
        channel_id=_text(channel, "id") or _text(container, "channel_id"),
        response_url=_text(body, "response_url"),
        # A root that has replies names itself as its thread; a press on it belongs to the channel.
        thread_ts=thread_ts if thread_ts != message_ts else None,
        message_ts=message_ts,
        is_ephemeral=container.get("is_ephemeral") is True,
        trigger_id=_text(body, "trigger_id"),
    )
    option = action.get("selected_option") or {}
    value = _text(action, "value") or _text(option, "value")
    action_id = _text(action, "action_id") or ""
    gesture = Gesture(
        reference=new_reference(),
        person_id=place.person_id,
        team_id=_text(user, "team_id") or _text(body.get("team") or {}, "id"),
        channel_id=place.channel_id,
        origin=Origin.MENU if option else Origin.BUTTON,
        is_direct=_is_direct(place.channel_id),
        # A view is drawn anew in its place: only its hash tells a second press from one on what came after.
        press_key=_key(
            place.channel_id or _text(view, "id") or "",
            place.message_ts or _text(view, "hash") or "",
            value or action_id,
        ),
    )
    return Pressed(gesture, place, action_id, value, _seen_view(view))


def opened(body: Mapping[str, Any]) -> Opened | None:
    """Read the event `app_home_opened`; None where it was another tab."""
    event = body.get("event") or {}
    if event.get("tab") != "home":
        return None
    place = ReplyTarget(person_id=PersonId(_text(event, "user") or ""), channel_id=None, response_url=None)
    gesture = Gesture(
        reference=new_reference(),
        person_id=place.person_id,
        team_id=_text(body, "team_id"),
        channel_id=None,
        origin=Origin.HOME,
        press_key=_key("home", _text(body, "event_id") or secrets.token_hex()),
    )
    return Opened(gesture, place, is_published=bool(event.get("view")))


def shortcut(body: Mapping[str, Any]) -> UsedShortcut:
    """Read a `shortcut` (it has no channel) or a `message_action`."""
    user, channel, message = body.get("user") or {}, body.get("channel") or {}, body.get("message") or {}
    message_ts, thread_ts = _text(message, "ts"), _text(message, "thread_ts")
    place = ReplyTarget(
        person_id=PersonId(_text(user, "id") or ""),
        channel_id=_text(channel, "id"),
        response_url=_text(body, "response_url"),
        thread_ts=thread_ts if thread_ts != message_ts else None,
        message_ts=message_ts,
        trigger_id=_text(body, "trigger_id"),
    )
    gesture = Gesture(
        reference=new_reference(),
        person_id=place.person_id,
        team_id=_text(user, "team_id") or _text(body.get("team") or {}, "id"),
        channel_id=place.channel_id,
        origin=Origin.SHORTCUT,
        is_direct=_is_direct(place.channel_id),
        press_key=_key("shortcut", place.trigger_id or secrets.token_hex()),
    )
    seen = _seen_message(message) if message else None
    return UsedShortcut(gesture, place, _text(body, "callback_id") or "", seen)


def submitted(body: Mapping[str, Any]) -> Submitted:
    """Read a `view_submission` payload."""
    view, user = body.get("view") or {}, body.get("user") or {}
    blocks = ((view.get("state") or {}).get("values") or {}).values()
    elements = {name: element for block in blocks for name, element in block.items()}
    return Submitted(
        person_id=PersonId(_text(user, "id") or ""),
        team_id=_text(user, "team_id") or _text(body.get("team") or {}, "id"),
        view_id=_text(view, "id") or "",
        view_hash=_text(view, "hash") or "",
        carried=_text(view, "private_metadata") or "",
        entered={name: _entered(element) for name, element in elements.items()},
    )


def searching(body: Mapping[str, Any]) -> Searching:
    """Read a `block_suggestion` payload; it has no trigger and no response address."""
    user, view = body.get("user") or {}, body.get("view") or {}
    gesture = Gesture(
        reference=new_reference(),
        person_id=PersonId(_text(user, "id") or ""),
        team_id=_text(user, "team_id") or _text(body.get("team") or {}, "id"),
        channel_id=None,
        origin=Origin.FORM,
        press_key=_key("search", secrets.token_hex()),
    )
    return Searching(
        gesture=gesture,
        field=_text(body, "action_id") or "",
        text=_text(body, "value") or "",
        carried=_text(view, "private_metadata") or "",
    )


def of_form(form: Submitted, channel_id: str | None) -> Gesture:
    """Return the gesture that a submission is, asked for in the channel that the form was opened from."""
    return Gesture(
        reference=new_reference(),
        person_id=form.person_id,
        team_id=form.team_id,
        channel_id=channel_id,
        origin=Origin.FORM,
        is_direct=_is_direct(channel_id),
        press_key=_key("view", form.view_id, form.view_hash),
    )


def new_reference() -> str:
    """Return a short reference that people can read out and that finds the log lines of one gesture."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def _is_direct(channel_id: str | None) -> bool:
    """A conversation of two has an ID that begins with D."""
    return channel_id is not None and channel_id.startswith("D")


def _seen_view(view: Mapping[str, Any]) -> SeenView | None:
    view_id = _text(view, "id")
    if view_id is None:
        return None
    title = view.get("title") or {}
    return SeenView(
        id=view_id,
        callback_id=_text(view, "callback_id") or "",
        title=_text(title, "text") or "",
        carried=_text(view, "private_metadata") or "",
    )


def _seen_message(message: Mapping[str, Any]) -> SeenMessage:
    payload = (message.get("metadata") or {}).get("event_payload") or {}
    elements = [
        each for block in message.get("blocks") or () for each in (block.get("elements") or ()) if each
    ]
    carried = [
        SeenElement(action_id, value)
        for element in elements
        if (action_id := _text(element, "action_id")) and (value := _text(element, "value"))
    ]
    return SeenMessage(
        author=_text(message, "bot_id") or _text(message, "user"),
        server=_text(payload, "server"),
        job_id=_text(payload, "job_id"),
        elements=tuple(carried),
    )


def _key(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _entered(element: Mapping[str, Any]) -> str | tuple[str, ...] | None:
    chosen = element.get("selected_options")
    if isinstance(chosen, list):
        return tuple(value for option in chosen if (value := _chosen(option)))
    selected = _chosen(element.get("selected_option") or {})
    return selected or _text(element, "selected_time") or _text(element, "value")


def _chosen(option: Mapping[str, Any]) -> str | None:
    """What the choice carries, as it was offered: Slack may escape it on the way."""
    value = _text(option, "value")
    return None if value is None else unescape(value)


def _text(mapping: Mapping[str, Any], key: str) -> str | None:
    value = mapping.get(key)
    return value if isinstance(value, str) and value else None
