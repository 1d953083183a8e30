"""`files.*`: the upload in three steps, as little of it as an app needs."""

import secrets

from bot.sandbox.slack.arguments import invalid_arguments
from bot.sandbox.slack.calls import MethodCall, StoredFile
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.messages import Content
from bot.sandbox.slack.snapshot import Json


def upload_url(call: MethodCall) -> Json:
    """`files.getUploadURLExternal`."""
    name = call.arguments.required("filename")
    length = call.arguments.required("length")
    if not length.isdigit() or int(length) == 0:
        raise invalid_arguments("must be greater than 0 [json-pointer:/length]")
    file_id = f"F0{secrets.token_hex(5).upper()}"
    call.services.files[file_id] = StoredFile(file_id, name, int(length))
    return {"ok": True, "upload_url": f"{call.services.base_url()}upload/{file_id}", "file_id": file_id}


def complete_upload(call: MethodCall) -> Json:
    """`files.completeUploadExternal`: shares what was uploaded; the message's `ts` is not in the answer."""
    wanted = call.arguments.structure("files", "invalid_arguments")
    if not isinstance(wanted, list) or not wanted:
        raise invalid_arguments("missing required field: files")
    files = []
    for entry in wanted:
        stored = call.services.files.get(str(entry.get("id")))
        if stored is None or stored.content is None:
            raise ApiError("file_not_found")
        stored.title = entry.get("title", stored.name)
        files.append(stored)
    channels = call.arguments.text("channel_id") or call.arguments.text("channels")
    for channel_id in filter(None, channels.split(",")):
        _share(call, channel_id, files)
    return {"ok": True, "files": [{"id": each.id, "title": each.title} for each in files]}


def _share(call: MethodCall, channel_id: str, files: list[StoredFile]) -> None:
    channel = call.workspace.conversations.channels.get(channel_id)
    if channel is None or call.bot not in channel.members:
        raise ApiError("channel_not_found" if channel is None else "not_in_channel")
    for stored in files:
        stored.channels.append(channel_id)
    text = call.arguments.text("initial_comment") or ", ".join(stored.title for stored in files)
    posting = Posting(call.bot, thread_ts=call.arguments.text("thread_ts") or None, by_app=True)
    call.workspace.conversations.post(channel, Content(text), posting)
