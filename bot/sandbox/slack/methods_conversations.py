"""`conversations.*`."""

import base64
from collections.abc import Sequence

from bot.sandbox.slack.calls import MethodCall, page
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.message_shapes import api_message
from bot.sandbox.slack.messages import Channel, Message
from bot.sandbox.slack.snapshot import Json


def info(call: MethodCall) -> Json:
    """`conversations.info`: a private channel without the bot does not exist."""
    channel = call.channel()
    call.require_scope(f"{channel.scope_family}:read")
    shape = channel.json(call.bot)
    if not call.arguments.flag("include_num_members"):
        shape.pop("num_members", None)
    return {"ok": True, "channel": shape}


def history(call: MethodCall) -> Json:
    """`conversations.history`: newest first, without replies; only where the bot is a member."""
    channel = call.joined_channel()
    call.require_scope(f"{channel.scope_family}:history")
    rows, metadata = _newest_first(call, _within(call, list(channel.history())))
    return {
        "ok": True,
        "messages": _shapes(call, channel, rows),
        "has_more": bool(metadata["next_cursor"]),
        "pin_count": 0,
        "channel_actions_ts": None,
        "channel_actions_count": 0,
        "response_metadata": metadata,
    }


def replies(call: MethodCall) -> Json:
    """`conversations.replies`: the root first, then its replies, oldest first."""
    channel = call.joined_channel()
    call.require_scope(f"{channel.scope_family}:history")
    root = channel.messages.get(call.arguments.required("ts"))
    if root is None:
        raise ApiError("thread_not_found")
    rows, metadata = page(call, _within(call, channel.replies(root.ts)), default=1000, most=1000)
    first = [] if call.arguments.text("cursor") else [root]
    return {
        "ok": True,
        "messages": _shapes(call, channel, [*first, *rows]),
        "has_more": bool(metadata["next_cursor"]),
        "response_metadata": metadata,
    }


def open_(call: MethodCall) -> Json:
    """`conversations.open` of the direct conversation with one person."""
    users = [user for user in call.arguments.text("users").split(",") if user]
    if not users:
        raise ApiError("users_list_not_supplied")
    if len(users) > 1:
        call.require_scope("mpim:write")
        raise ApiError("method_not_supported_for_channel_type")
    person = call.workspace.directory.people.get(users[0])
    if person is None or person.kind == "stranger":
        raise ApiError("user_not_found")
    if person.kind == "deactivated":
        raise ApiError("user_disabled")
    channel = call.workspace.conversations.direct(call.bot, person.id)
    is_whole = call.arguments.flag("return_im")
    return {"ok": True, "channel": channel.json(call.bot) if is_whole else {"id": channel.id}}


def _newest_first(call: MethodCall, messages: list[Message]) -> tuple[list[Message], Json]:
    """One page; its cursor names a message, so that what is posted meanwhile shifts nothing."""
    limit = min(call.arguments.limit(100, 999), call.workspace.app.largest_page)
    before = _before(call.arguments.text("cursor"))
    older = [message for message in reversed(messages) if before is None or _instant(message.ts) < before]
    rows = older[:limit]
    is_last = len(older) <= limit
    cursor = "" if is_last else base64.b64encode(f"next_ts:{_instant(rows[-1].ts)}".encode()).decode()
    return rows, {"next_cursor": cursor}


def _before(cursor: str) -> int | None:
    if not cursor:
        return None
    try:
        word, _, instant = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next_ts":
            return int(instant)
    except ValueError:
        pass
    raise ApiError("invalid_cursor")


def _within(call: MethodCall, messages: list[Message]) -> list[Message]:
    oldest, latest = _bound(call, "oldest"), _bound(call, "latest")
    inclusive = call.arguments.flag("inclusive")
    kept = []
    for message in messages:
        ts = _instant(message.ts)
        after = oldest is None or ts > oldest or (inclusive and ts == oldest)
        before = latest is None or ts < latest or (inclusive and ts == latest)
        if after and before:
            kept.append(message)
    return kept


def _bound(call: MethodCall, name: str) -> int | None:
    text = call.arguments.text(name)
    if not text or text == "0":
        return None
    try:
        return _instant(text)
    except ValueError:
        raise ApiError(f"invalid_ts_{name}") from None


def _instant(ts: str) -> int:
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def _shapes(call: MethodCall, channel: Channel, messages: Sequence[Message]) -> list[Json]:
    detail = "all" if call.arguments.flag("include_all_metadata") else "type"
    app, team_id = call.workspace.app, call.workspace.team_id
    return [
        api_message(message, channel, app, team_id, metadata="all" if detail == "all" else "type")
        for message in messages
    ]
