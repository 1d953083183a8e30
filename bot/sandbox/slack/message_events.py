"""What the Events API tells of messages: `message` and, where a person names the app, `app_mention`."""

from collections.abc import Iterator

from bot.sandbox.slack.app import App
from bot.sandbox.slack.message_shapes import api_message
from bot.sandbox.slack.messages import Channel, Message
from bot.sandbox.slack.snapshot import Json

CHANNEL_TYPES = {"public": "channel", "private": "group", "im": "im"}


def message_events(
    message: Message, channel: Channel, app: App, team_id: str, now: float, *, what: str
) -> Iterator[Json]:
    """The events of a message that was posted, changed or deleted, the app's own ones included.

    A direct message to the app is never an `app_mention`, whatever it says.
    """
    place: Json = {"channel": channel.id, "channel_type": CHANNEL_TYPES[channel.kind]}
    shape = api_message(message, channel, app, team_id)
    if what != "posted":
        change = {"subtype": f"message_{what}", "hidden": True, "ts": f"{now:.6f}", "event_ts": f"{now:.6f}"}
        shown = {"message": shape} if what == "changed" else {"deleted_ts": message.ts}
        yield {"type": "message", "previous_message": shape, **change, **shown, **place}
        return
    said = {key: value for key, value in shape.items() if key != "parent_user_id"} | {"event_ts": message.ts}
    yield {**said, **place}
    if channel.kind != "im" and not message.by_app and f"<@{app.bot_user}" in message.text:
        yield {**said, "type": "app_mention", "channel": channel.id}
