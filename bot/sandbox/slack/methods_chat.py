"""`chat.*`."""

from dataclasses import replace

from bot.sandbox.slack.calls import MethodCall
from bot.sandbox.slack.content import POST_LIMIT, UPDATE_LIMIT, changed_content, new_content
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.message_shapes import api_message
from bot.sandbox.slack.messages import Channel, Content, Message
from bot.sandbox.slack.methods_files import with_files
from bot.sandbox.slack.snapshot import Json


def post_message(call: MethodCall) -> Json:
    """`chat.postMessage`."""
    channel = _postable(call)
    if any(call.arguments.has(name) for name in ("username", "icon_url", "icon_emoji")):
        call.require_scope("chat:write.customize")
    content = new_content(call.arguments)
    content = replace(content, blocks=with_files(call, content.blocks))
    if channel.is_thread_only and not call.arguments.text("thread_ts"):
        raise ApiError("restricted_action_thread_only_channel")
    if channel.is_restricted or (channel.refuses_group_mentions and _names_group(content)):
        raise ApiError("restricted_action")
    warnings = []
    if call.services.is_strict and len(content.text) > UPDATE_LIMIT:
        raise ApiError("msg_too_long")
    if len(content.text) > POST_LIMIT:
        content = replace(content, text=content.text[:POST_LIMIT])
        warnings.append("message_truncated")
    posting = Posting(
        call.bot,
        thread_ts=call.arguments.text("thread_ts") or None,
        is_broadcast=call.arguments.flag("reply_broadcast"),
        by_app=True,
    )
    message = call.workspace.conversations.post(channel, content, posting)
    answer: Json = {
        "ok": True,
        "channel": channel.id,
        "ts": message.ts,
        "message": _shape(call, channel, message),
    }
    if warnings:
        answer |= {"warning": ",".join(warnings), "response_metadata": {"warnings": warnings}}
    return answer


def update(call: MethodCall) -> Json:
    """`chat.update`: own messages only, and no ephemeral ones."""
    channel = call.channel()
    message = _own_message(call, channel, "cant_update_message")
    if channel.is_archived:
        raise ApiError("is_inactive")
    content = changed_content(message.content, call.arguments)
    content = replace(content, blocks=with_files(call, content.blocks))
    if call.arguments.flag("reply_broadcast"):
        if content.text != message.text or call.arguments.has("blocks"):
            raise ApiError("no_dual_broadcast_content_update")
        message.is_broadcast = message.is_reply
    call.workspace.conversations.edit(message, content, quietly=bool(content.blocks))
    return {
        "ok": True,
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": _shape(call, channel, message),
    }


def post_ephemeral(call: MethodCall) -> Json:
    """`chat.postEphemeral`: the reader must be in the channel, and the bot in a private one."""
    channel = call.channel()
    reader = call.arguments.required("user")
    if channel.is_archived:
        raise ApiError("is_archived")
    person = call.workspace.directory.people.get(reader)
    if reader not in channel.members or person is None or not person.may_act:
        raise ApiError("user_not_in_channel")
    content = replace(new_content(call.arguments), metadata=None)
    content = replace(content, blocks=with_files(call, content.blocks))
    if len(content.text) > (UPDATE_LIMIT if call.services.is_strict else POST_LIMIT):
        raise ApiError("msg_too_long")
    posting = Posting(call.bot, thread_ts=call.arguments.text("thread_ts") or None, by_app=True)
    message = call.workspace.conversations.post_ephemeral(channel, reader, content, posting)
    return {"ok": True, "message_ts": message.ts}


def permalink(call: MethodCall) -> Json:
    """`chat.getPermalink`."""
    channel = call.channel()
    message = channel.messages.get(call.arguments.required("message_ts"))
    if message is None:
        raise ApiError("message_not_found")
    link = f"https://{call.workspace.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"ok": True, "channel": channel.id, "permalink": link}


def _names_group(content: Content) -> bool:
    """Whether it mentions a user group, or everybody."""
    said = f"{content.text} {content.blocks}"
    return any(mention in said for mention in ("<!subteam^", "<!channel", "<!here", "<!everyone"))


def _postable(call: MethodCall) -> Channel:
    target = call.arguments.required("channel")
    if target.startswith(("U", "W")):
        return _direct(call, target)
    channel = call.channel()
    if channel.is_archived:
        raise ApiError("is_archived")
    if call.bot not in channel.members and "chat:write.public" not in call.workspace.app.scopes:
        raise ApiError("not_in_channel")
    if channel.is_read_only:
        raise ApiError("restricted_action_read_only_channel")
    return channel


def _direct(call: MethodCall, person_id: str) -> Channel:
    person = call.workspace.directory.people.get(person_id)
    if person is None or not person.may_act:
        raise ApiError("channel_not_found")
    if not call.workspace.app.messages_enabled:
        raise ApiError("messages_tab_disabled")
    return call.workspace.conversations.direct(call.bot, person_id)


def _own_message(call: MethodCall, channel: Channel, error: str) -> Message:
    message = channel.messages.get(call.arguments.required("ts"))
    if message is None or message.is_deleted:
        raise ApiError("message_not_found")
    if not message.by_app:
        raise ApiError(error)
    return message


def _shape(call: MethodCall, channel: Channel, message: Message) -> Json:
    return api_message(message, channel, call.workspace.app, call.workspace.team_id)
