"""A message as the Web API and interaction payloads give it, and as an onlooker sees it."""

from collections.abc import Callable
from typing import Literal

from bot.sandbox.slack.app import App
from bot.sandbox.slack.messages import Channel, Message
from bot.sandbox.slack.people import SLACKBOT
from bot.sandbox.slack.snapshot import Json, MessageView

MetadataDetail = Literal["all", "type"]  # without `include_all_metadata` the payload stays away


def api_message(
    message: Message, channel: Channel, app: App, team_id: str, *, metadata: MetadataDetail = "all"
) -> Json:
    """The `message` object."""
    if message.is_deleted:
        return _tombstone(message, channel)
    shape: Json = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "team": team_id,
        "text": message.text,
    }
    if message.by_app:
        shape |= {"bot_id": app.bot_id, "app_id": app.id, "bot_profile": app.bot_profile(team_id)}
    if message.blocks:
        shape["blocks"] = message.blocks
    if message.content.attachments:
        shape["attachments"] = message.content.attachments
    if message.metadata is not None:
        kept = message.metadata
        shape["metadata"] = kept if metadata == "all" else {"event_type": kept["event_type"]}
    if message.edited_ts is not None:
        shape["edited"] = {"user": message.user, "ts": message.edited_ts}
    return shape | _thread_facts(message, channel)


def _thread_facts(message: Message, channel: Channel) -> Json:
    if message.is_reply:
        facts: Json = {"thread_ts": message.thread_ts}
        root = channel.messages.get(message.thread_ts or "")
        if root is not None:
            facts["parent_user_id"] = root.user
        return facts | ({"subtype": "thread_broadcast"} if message.is_broadcast else {})
    replies = channel.replies(message.ts)
    if not replies:
        return {}
    authors = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": len(authors),
        "reply_users": authors[:5],
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def _tombstone(message: Message, channel: Channel) -> Json:
    return {
        "type": "message",
        "subtype": "tombstone",
        "hidden": True,
        "user": SLACKBOT,
        "ts": message.ts,
        "text": "This message was deleted.",
    } | _thread_facts(message, channel)


def message_view(message: Message, channel: Channel, mentions: Callable[[Message], list[str]]) -> MessageView:
    """The message for an onlooker."""
    replies = channel.replies(message.ts)
    gone = message.is_deleted
    return {
        "channel": message.channel,
        "ts": message.ts,
        "thread_ts": message.thread_ts or (message.ts if replies else None),
        "user": message.user,
        "is_bot": message.by_app,
        "is_ephemeral": message.reader is not None,
        "is_command": message.is_command,
        "is_notice": message.is_notice,
        "is_deleted": gone,
        "is_broadcast": message.is_broadcast,
        "text": "This message was deleted." if gone else message.text,
        "blocks": [] if gone else message.blocks,
        "attachments": [] if gone else message.content.attachments,
        "metadata": message.metadata,
        "reply_count": len(replies),
        "latest_reply": replies[-1].ts if replies else None,
        "mentions": mentions(message),
    }
