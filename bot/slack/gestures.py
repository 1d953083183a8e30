"""What a person did in Slack, read once from the payload and typed from there on.

The payloads are those of slash commands, of `block_actions`, `view_submission` and `block_suggestion`
interactions, of shortcuts and of the events `app_mention`, `message` and `app_home_opened`. `token` and
`user_name` are not read: the first is a secret of no use, the second proves nothing. What has another shape
than Slack's is read as missing.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.operations.actions import ServerAction
from bot.operations.actions.many import ActionOnMany
from bot.operations.model import Gesture, KnownJob, Origin, Request, Topic
from bot.operations.queries.job import ShowJob
from bot.operations.queries.session import ShowSession
from bot.settings import PersonId
from bot.slack import codec
from bot.slack.text import unescape
from bot.veeam import JobId, ServerName, SessionId

# Letters that are not mistaken for each other when a reference is read out over the telephone.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_PEOPLE_WRITE = frozenset({None, "thread_broadcast", "file_share"})
"""The subtypes of messages that a person has just written."""
_LONGEST_TEXT = 1_000
"""Of a message, which may have 40,000 characters: more than any command has that can be read."""
_EXPECTATION = "veeam_expectation"
_QUOTED = re.compile(r"^(?:&gt;|>)(?:(?:&gt;|>){2}.*|[^\n]*)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """Where an answer goes. `response_url` is a secret: it lets anyone post.

    `is_direct_message`: it answers a direct message to the bot, by another one.
    """

    person_id: PersonId
    channel_id: str | None
    response_url: str | None
    thread_ts: str | None = None
    message_ts: str | None = None
    is_ephemeral: bool = False
    is_direct_message: bool = False
    trigger_id: str | None = None  # opens one modal, within three seconds


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """A slash command, its text as Slack sent it."""

    gesture: Gesture
    target: ReplyTarget
    text: str


@dataclass(frozen=True, slots=True)
class WrittenMessage:
    """A message that mentions the bot, or one to the bot alone.

    `texts` are what it may ask for, as Slack sent it and the likeliest first; there is always one.
    """

    gesture: Gesture
    target: ReplyTarget
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenView:
    """The App Home or the modal that an element stands in, as it was when somebody used the element.

    `metadata` is what it carries where it is a form, `state` what was entered in it, `hash` Slack's mark of
    how it was drawn.
    """

    id: str
    callback_id: str
    title: str
    metadata: codec.FormMetadata | codec.UnreadablePress | None = None
    state: codec.FormState = field(default_factory=dict)
    hash: str | None = None


@dataclass(frozen=True, slots=True)
class ButtonPress:
    """A button, an overflow option or a menu choice: what it asks for. `view` where it is in no message."""

    gesture: Gesture
    target: ReplyTarget
    action: codec.Press
    view: OpenView | None = None


@dataclass(frozen=True, slots=True)
class HomeOpened:
    """Somebody opened the app's Home tab; `is_published` when there was something to see already."""

    gesture: Gesture
    target: ReplyTarget
    is_published: bool


@dataclass(frozen=True, slots=True)
class ShortcutMessage:
    """The message that a shortcut was used on: who wrote it, and what shows the job that it is about.

    That is a session where the message names no job. It is no more than a question: whether the person may
    see it is asked when it is answered.
    """

    author: str | None
    request: ShowJob | ShowSession | None


@dataclass(frozen=True, slots=True)
class ShortcutUse:
    """A shortcut of the app, used from Slack's own menus; `message` where it stands in a message's menu."""

    gesture: Gesture
    target: ReplyTarget
    message: ShortcutMessage | None


@dataclass(frozen=True, slots=True)
class FormSubmission:
    """A modal that was sent off: what it carried, and what was entered, by the elements' action IDs.

    `label` is what its submit button said.
    """

    gesture: Gesture
    target: ReplyTarget
    view_id: str
    metadata: codec.FormMetadata | codec.UnreadablePress
    state: codec.FormState
    label: str = ""


@dataclass(frozen=True, slots=True)
class MenuQuery:
    """What somebody typed into a search menu of a modal: which field, what, and what the modal carries."""

    gesture: Gesture
    field: str
    text: str
    metadata: codec.FormMetadata | codec.UnreadablePress


def read_command(body: Mapping[str, Any]) -> TypedCommand:
    """Read a slash command's payload."""
    person_id, channel_id = PersonId(_text(body, "user_id") or ""), _text(body, "channel_id")
    trigger_id = _text(body, "trigger_id")
    gesture = Gesture(
        reference=new_reference(),
        person_id=person_id,
        team_id=_text(body, "team_id"),
        channel_id=channel_id,
        origin=Origin.TYPED,
        is_direct=is_direct(channel_id),
        press_key=_key("command", trigger_id or secrets.token_hex()),
        delivery_key=_delivery_key(trigger_id),
    )
    target = ReplyTarget(person_id, channel_id, _text(body, "response_url"), trigger_id=trigger_id)
    return TypedCommand(gesture, target, _text(body, "text") or "")


def read_message(body: Mapping[str, Any], bot_user_id: str) -> WrittenMessage | None:
    """Read the event `app_mention`, or `message` in the bot's own conversation with a person.

    None for what no person has just written to the bot: messages of bots, its own ones, edits, and whatever
    else Slack reports as a message. Files are left aside.
    """
    event = _object(body, "event")
    is_mention = event.get("type") == "app_mention"
    if not is_mention and event.get("channel_type") != "im":
        return None
    person_id, channel_id, ts = (_text(event, key) for key in ("user", "channel", "ts"))
    own_ids = {bot_user_id, *(_text(each, "user_id") for each in _objects(body, "authorizations"))} - {None}
    is_fresh = _text(event, "subtype") in _PEOPLE_WRITE and not event.get("edited")
    if not (person_id and channel_id and ts and is_fresh) or event.get("bot_id") or person_id in own_ids:
        return None
    teams = (_text(event, key) for key in ("user_team", "source_team", "team"))
    thread_ts = _text(event, "thread_ts")
    # Slack may deliver one message under several event IDs.
    key = _key("message", channel_id, ts)
    target = ReplyTarget(
        person_id=PersonId(person_id),
        channel_id=channel_id,
        response_url=None,
        thread_ts=thread_ts if thread_ts != ts else None,
        is_direct_message=not is_mention,
    )
    gesture = Gesture(
        reference=new_reference(),
        person_id=target.person_id,
        team_id=next(filter(None, teams), _text(body, "team_id")),
        channel_id=channel_id,
        origin=Origin.MENTION if is_mention else Origin.MESSAGE,
        press_key=key,
        is_direct=is_direct(channel_id),
        delivery_key=_key("delivery", key),
        thread_ts=target.thread_ts,
    )
    return WrittenMessage(gesture, target, asked_in(_text(event, "text") or "", own_ids))


def asked_in(text: str, bot_ids: Collection[str | None]) -> tuple[str, ...]:
    """Return what a message may ask the bot for: what follows the first mention of it, then all of it.

    Without the mentions, and without what it quotes. At least one text, which may be empty.
    """
    own = _QUOTED.sub("", text)
    mention = re.compile(rf"<@(?:{'|'.join(re.escape(each) for each in bot_ids if each)})(?:\|[^>]*)?>[,:]?")
    _, *after = mention.split(own, maxsplit=1)
    texts = [mention.sub(" ", each).strip()[:_LONGEST_TEXT] for each in (*after, own)]
    return tuple(dict.fromkeys(filter(None, texts))) or ("",)


def read_press(body: Mapping[str, Any]) -> ButtonPress:
    """Read the first action of a `block_actions` payload."""
    element, container = next(iter(_objects(body, "actions")), {}), _object(body, "container")
    view, option = _object(body, "view"), _object(element, "selected_option")
    target = _target(body, container)
    action_id = _text(element, "action_id") or ""
    value = _text(element, "value") or _text(option, "value")
    # A view is redrawn in its place: only its hash tells a second press from one on what came after.
    place = target.channel_id or _text(view, "id") or "", target.message_ts or _text(view, "hash") or ""
    return ButtonPress(
        gesture=_gesture(
            body,
            target.channel_id,
            origin=Origin.MENU if option else Origin.BUTTON,
            press_key=_key(*place, value or action_id),
            thread_ts=target.thread_ts,
        ),
        target=target,
        action=codec.decode(action_id, value or ""),
        view=_open_view(view),
    )


def read_home_opened(body: Mapping[str, Any]) -> HomeOpened | None:
    """Read the event `app_home_opened`; None where it was another tab."""
    event = _object(body, "event")
    if event.get("tab") != "home":
        return None
    target = ReplyTarget(PersonId(_text(event, "user") or ""), None, None)
    gesture = Gesture(
        reference=new_reference(),
        person_id=target.person_id,
        team_id=_text(body, "team_id"),
        channel_id=None,
        origin=Origin.HOME,
        press_key=_key("home", _text(body, "event_id") or secrets.token_hex()),
    )
    return HomeOpened(gesture, target, is_published=bool(event.get("view")))


def read_shortcut(body: Mapping[str, Any]) -> ShortcutUse:
    """Read a `shortcut` (it has no channel) or a `message_action`."""
    target, message = _target(body, {}), _object(body, "message")
    key = _key("shortcut", target.trigger_id or secrets.token_hex())
    gesture = _gesture(body, target.channel_id, origin=Origin.SHORTCUT, press_key=key)
    used_on = ShortcutMessage(author_of(message), _about(message)) if message else None
    return ShortcutUse(gesture, target, used_on)


def read_submission(body: Mapping[str, Any]) -> FormSubmission:
    """Read a `view_submission` payload: it was asked for in the channel that the form was opened from."""
    view = _object(body, "view")
    metadata, view_id = _metadata(view), _text(view, "id") or ""
    channel_id = thread_ts = None
    if isinstance(metadata, codec.FormMetadata):
        channel_id, thread_ts = metadata.channel_id, metadata.thread_ts
    # The hash distinguishes a second delivery from what is sent off after the view was drawn again.
    key = _key("view", view_id, _text(view, "hash") or "")
    gesture = _gesture(body, channel_id, origin=Origin.FORM, press_key=key, thread_ts=thread_ts)
    return FormSubmission(
        gesture=gesture,
        target=ReplyTarget(gesture.person_id, channel_id, None, thread_ts),
        view_id=view_id,
        metadata=metadata,
        state=_state(view),
        label=_text(_object(view, "submit"), "text") or "",
    )


def read_menu_query(body: Mapping[str, Any]) -> MenuQuery:
    """Read a `block_suggestion` payload; it has no trigger and no response address."""
    metadata = _metadata(_object(body, "view"))
    channel_id = metadata.channel_id if isinstance(metadata, codec.FormMetadata) else None
    key = _key("search", secrets.token_hex())
    return MenuQuery(
        gesture=_gesture(body, channel_id, origin=Origin.FORM, press_key=key),
        field=_text(body, "action_id") or "",
        text=_text(body, "value") or "",
        metadata=metadata,
    )


def new_reference() -> str:
    """Return a short reference that people can read out and that finds the log lines of one gesture."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def _gesture(
    body: Mapping[str, Any],
    channel_id: str | None,
    *,
    origin: Origin,
    press_key: str,
    thread_ts: str | None = None,
) -> Gesture:
    """Return who did it, where and how, by the payload of an interaction."""
    user = _object(body, "user")
    return Gesture(
        reference=new_reference(),
        person_id=PersonId(_text(user, "id") or ""),
        team_id=_text(user, "team_id") or _text(_object(body, "team"), "id"),
        channel_id=channel_id,
        origin=origin,
        is_direct=is_direct(channel_id),
        press_key=press_key,
        delivery_key=_delivery_key(_text(body, "trigger_id"), press_key),
        thread_ts=thread_ts,
    )


def _delivery_key(trigger_id: str | None, press_key: str = "") -> str | None:
    """Slack makes a trigger for each gesture: the same one in a second request means the same gesture."""
    return None if trigger_id is None else _key("delivery", trigger_id, press_key)


def _target(body: Mapping[str, Any], container: Mapping[str, Any]) -> ReplyTarget:
    """Return where the answer to an interaction goes; `container` says more of a message than `message`."""
    user, channel, message = (_object(body, key) for key in ("user", "channel", "message"))
    message_ts = _text(container, "message_ts") or _text(message, "ts")
    thread_ts = _text(container, "thread_ts") or _text(message, "thread_ts")
    return ReplyTarget(
        person_id=PersonId(_text(user, "id") or ""),
        channel_id=_text(channel, "id") or _text(container, "channel_id"),
        response_url=_text(body, "response_url"),
        # A root that has replies names itself as its thread; a press on it belongs to the channel.
        thread_ts=thread_ts if thread_ts != message_ts else None,
        message_ts=message_ts,
        is_ephemeral=container.get("is_ephemeral") is True,
        trigger_id=_text(body, "trigger_id"),
    )


def is_direct(channel_id: str | None) -> bool:
    """Return whether it is a conversation of two, whose IDs begin with D; with whom, it does not say."""
    return channel_id is not None and channel_id.startswith("D")


def _open_view(view: Mapping[str, Any]) -> OpenView | None:
    view_id, callback_id = _text(view, "id"), _text(view, "callback_id") or ""
    if view_id is None:
        return None
    title = _text(_object(view, "title"), "text") or ""
    if not codec.is_form(callback_id):
        return OpenView(view_id, callback_id, title)
    return OpenView(view_id, callback_id, title, _metadata(view), _state(view), _text(view, "hash"))


def _state(view: Mapping[str, Any]) -> codec.FormState:
    values = _object(_object(view, "state"), "values")
    return {
        name: _entered(element)
        for block_id in values
        for name, element in _object(values, block_id).items()
        if isinstance(element, Mapping)
    }


def author_of(message: Mapping[str, Any]) -> str | None:
    """Return the bot or the person that wrote a message."""
    return _text(message, "bot_id") or _text(message, "user")


def topic_of(message: Mapping[str, Any]) -> Topic | None:
    """Return what a message is about: by its metadata, or by its buttons."""
    metadata = _object(message, "metadata")
    payload = _object(metadata, "event_payload")
    server, job_id, session_id = (_text(payload, key) for key in ("server", "job_id", "session_id"))
    if server is not None and job_id is not None:
        job = KnownJob(ServerName(server), JobId(job_id))
        unmet = _text(payload, "kind") if metadata.get("event_type") == _EXPECTATION else None
        return Topic(job, None if session_id is None else SessionId(session_id), unmet)
    buttons = tuple(_requests_of(message))
    jobs = {each.subject for each in buttons if isinstance(each.subject, KnownJob)}
    is_about_more = any(isinstance(each, ActionOnMany | ServerAction) for each in buttons)
    if len(jobs) == 1 and not is_about_more:
        return Topic(jobs.pop())
    return Topic(None, buttons=buttons) if is_about_more or jobs else None


def _about(message: Mapping[str, Any]) -> ShowJob | ShowSession | None:
    """Return what shows the job that a message is about, or the session where it names no job."""
    topic = topic_of(message)
    if topic is not None and topic.job is not None:
        return ShowJob(topic.job)
    return next((each for each in _requests_of(message) if isinstance(each, ShowSession)), None)


def _requests_of(message: Mapping[str, Any]) -> Iterator[Request]:
    """The requests of a message's buttons and of the menus beside them, from the top."""
    for block in _objects(message, "blocks"):
        for element in (*_objects(block, "elements"), _object(block, "accessory")):
            for pressed in (element, *_objects(element, "options")):
                press = codec.decode(_text(element, "action_id") or "", _text(pressed, "value") or "")
                if isinstance(press, codec.RunRequest):
                    yield press.request


def _key(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _entered(element: Mapping[str, Any]) -> str | tuple[str, ...] | None:
    if isinstance(element.get("selected_options"), list):
        options = _objects(element, "selected_options")
        return tuple(value for option in options if (value := _chosen(option)))
    selected = _chosen(_object(element, "selected_option"))
    return selected or _text(element, "selected_time") or _text(element, "value")


def _chosen(option: Mapping[str, Any]) -> str | None:
    """What the choice carries, as it was offered: Slack may escape it on the way."""
    value = _text(option, "value")
    return None if value is None else unescape(value)


def _metadata(view: Mapping[str, Any]) -> codec.FormMetadata | codec.UnreadablePress:
    return codec.decode_form(_text(view, "private_metadata") or "")


def _text(mapping: Mapping[str, Any], key: str) -> str | None:
    value = mapping.get(key)
    return value if isinstance(value, str) and value else None


def _object(mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object that stands there; an empty one where there is none, or something else."""
    value = mapping.get(key)
    return value if isinstance(value, Mapping) else {}


def _objects(mapping: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list that stands there, without anything else in it."""
    value = mapping.get(key)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
