"""What an onlooker of the simulated workspace can read: the contract between it and whatever draws it.

Everything here is JSON-able and made anew at each call, so that it may be sent over a wire and kept.

**The state, as one person sees it.** `workspace.snapshot(person_id) -> Snapshot` is complete: a page that
draws one needs nothing else. Channels the person is not in are left out unless they are public; an
ephemeral message is listed for its reader alone; a modal and the App Home are that person's own.

**The changes, for everybody.** `workspace.subscribe()` is an async context manager that yields an async
iterator of `Change`s, oldest first, beginning with the first change after entering. No change is lost
while the context is open; leaving it ends the subscription.

    async with workspace.subscribe() as changes:
        snapshot = workspace.snapshot("U0ANN")
        async for change in changes:          # {"kind": "message_posted", "channel": "C0PROD", ...}
            if workspace.concerns(change, "U0ANN"):
                ...

`workspace.concerns(change, person_id)` tells whether that person may see the change; changes are not
filtered beforehand. A reader that finds it simpler takes a new snapshot at each change of its person.

**The gestures a page makes** live on `slack.person("ann")` (a name or an ID) of the sandbox's handle. Each is
a coroutine that returns a `Result` when the app has answered, or when Slack gave up waiting for it after
three seconds; `result.json()` is a `ResultView`.

    person.types(channel_id, "jobs failed")    # the words after "/veeam"; command="/other" for another one
    person.says(channel_id, "hello", thread_ts=None)           # an ordinary message
    person.activates(surface, block_id, action_id, value=None)
    person.submits(view_id, values)    # {block_id: {action_id: value}} or {action_id: value}
    person.closes(view_id)             # the x or Cancel of the top view; whole_stack=True closes all
    person.suggests(surface, block_id, action_id, "typed")     # an external menu's result.options
    person.shortcut(callback_id)
    person.message_shortcut(callback_id, surface)
    person.opens_home(tab="home")

`activates` is a button, or a changed menu, picker, checkbox or text input. Its `value` depends on which:
nothing for a button; the option's `value` for overflow, static select and radio; a list of them for
checkboxes and multi selects; the option object (or a list) for external selects; an ID (or a list) for
people, channels and conversations; the text for inputs, dates and times (Unix seconds for date-times); None
clears. An input block without `dispatch_action` keeps the value and tells the app nothing, as a client does.

A *surface* is what `workspace.surface(channel=…, ts=…, person=…)` (a message, or that person's ephemeral one)
or `workspace.surface(view_id=…)` (a modal or a Home) returns. `confirm` dialogs are the client's work: an
element's `confirm` object stands in its JSON; ask first, then call `activates`. A gesture that a client would
not let the person make (an element that is not there, a channel that cannot be seen, a deactivated account)
raises `GestureImpossible`, whose text is fit to be shown.
"""

from typing import Any, Literal, NotRequired, TypedDict

Json = dict[str, Any]

PersonKind = Literal[
    "admin",
    "member",
    "guest",  # multi-channel guest
    "single_channel_guest",
    "deactivated",
    "invited",
    "bot",
    "foreign",  # a Slack Connect person of another team
    "stranger",  # foreign, and shares no channel
]
ChannelKind = Literal["public", "private", "im"]
Shown = Literal["ok", "operation_timeout", "dispatch_failed", "invalid_answer", "client_refused"]


class PersonView(TypedDict):
    """An account of the workspace, or a foreign one that it can see."""

    id: str
    name: str
    real_name: str
    kind: PersonKind
    team_id: str
    time_zone: str  # IANA name
    groups: list[str]  # handles of the enabled user groups the person is in, without "@"


class GroupView(TypedDict):
    """A user group; a disabled one mentions and grants nothing."""

    id: str
    handle: str  # without "@"
    name: str
    users: list[str]
    is_disabled: bool


class MessageView(TypedDict):
    """A message as the client shows it; `blocks` and `attachments` are as Slack keeps them."""

    channel: str
    ts: str  # the message's ID within its channel; also its time, Unix seconds
    thread_ts: str | None  # the root's ts, for replies and for roots that have replies
    user: str  # person ID of the author
    is_bot: bool
    is_ephemeral: bool  # only its reader sees it; it is in no history
    is_command: bool  # not a real message: the typed command that an in_channel answer makes visible
    is_notice: bool  # Slack's own line to one person, such as a command that failed; text says what
    is_deleted: bool  # a tombstone that still has replies
    is_broadcast: bool  # a reply that also stands in the channel
    text: str  # the fallback where there are blocks; mrkdwn as stored, with entities
    blocks: list[Json]
    attachments: list[Json]
    metadata: Json | None
    reply_count: int
    latest_reply: str | None
    mentions: list[str]  # IDs of people whom it notifies (groups and broadcasts resolved)


class ChannelView(TypedDict):
    """A channel or a direct conversation as one person sees it."""

    id: str
    name: str  # for an "im": the name of the other side
    kind: ChannelKind
    is_archived: bool
    is_read_only: bool
    is_ext_shared: bool
    is_member: bool  # of the looking person; nobody types in a channel without being its member
    bot_is_member: bool
    members: list[str]
    messages: list[MessageView]  # roots, broadcast replies, this person's ephemerals and notices; by ts
    threads: dict[str, list[MessageView]]  # by the root's ts: its replies and this person's ephemerals in it


class ViewView(TypedDict):
    """A modal or an App Home, with what the person has entered so far in `state`."""

    id: str
    type: Literal["modal", "home"]
    callback_id: str
    title: Json | None  # text objects; None on a Home
    submit: Json | None
    close: Json | None
    blocks: list[Json]
    state: Json  # {"values": {block_id: {action_id: {...}}}}
    errors: dict[str, str]  # by block_id: what the app, or the client itself, said at the last submission
    hash: str


class AppView(TypedDict):
    """The installed app and how it is connected."""

    id: str
    name: str
    bot_user: str
    commands: list[str]
    shortcuts: list[Json]  # {"callback_id", "name", "type": "global" | "message"}
    home_enabled: bool
    transport: Literal["socket", "http"]
    connections: int  # open WebSockets; 0 in HTTP mode


class Snapshot(TypedDict):
    """The workspace as one person sees it."""

    team: Json  # {"id", "name", "domain"}
    now: float  # Unix seconds, by the workspace's clock
    me: PersonView
    people: list[PersonView]
    groups: list[GroupView]
    channels: list[ChannelView]
    modal: ViewView | None  # the top of the stack
    modal_depth: int  # 0 to 3
    home: ViewView | None
    app: AppView


ChangeKind = Literal[
    "message_posted",  # channel, message
    "message_updated",  # channel, message (an edit, a new reply count, a tombstone)
    "message_deleted",  # channel, ts, thread_ts
    "ephemeral_posted",  # person, channel, message
    "ephemeral_updated",  # person, channel, message
    "ephemeral_deleted",  # person, channel, ts, thread_ts
    "view_opened",  # person, view (opened or pushed: it is now on top)
    "view_updated",  # person, view (new blocks, errors, or entered values)
    "view_closed",  # person, view_id (one for each view that goes)
    "home_published",  # person, view
    "connection",  # state, connections
    "channel_changed",  # channel (archived, joined, renamed, made)
    "group_changed",  # group
    "person_changed",  # person
]


class Change(TypedDict):
    """Something that happened; beside `kind` and `at` it has the keys that its kind names above."""

    kind: ChangeKind
    at: float  # Unix seconds, by the workspace's clock
    person: NotRequired[str]
    channel: NotRequired[str]
    ts: NotRequired[str]
    thread_ts: NotRequired[str | None]
    message: NotRequired[MessageView]
    view: NotRequired[ViewView]
    view_id: NotRequired[str]
    group: NotRequired[str]
    state: NotRequired[Literal["connected", "disconnected"]]
    connections: NotRequired[int]


class ResultView(TypedDict):
    """What a gesture came to, as the person's client shows it."""

    shown: Shown
    text: str | None  # the failure in words, where there is one
    errors: dict[str, str]  # of a submission, by block_id
    options: list[Json]  # of a suggestion; groups flattened
    opened_url: str | None  # of a link button
