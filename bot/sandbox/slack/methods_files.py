"""`files.*`: the upload in three steps, as little of it as an app needs, and files in image blocks."""

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
    if not length.isascii() or not length.isdigit() or int(length) == 0:
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
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
            raise invalid_arguments("missing required field: id [json-pointer:/files/0/id]")
        stored = call.services.files.get(entry["id"])
        if stored is None or stored.content is None:
            raise ApiError("file_not_found")
        stored.title = entry.get("title", stored.name)
        stored.ready_at = call.workspace.clock() + call.services.file_seconds
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


def with_files(call: MethodCall, blocks: list[Json]) -> list[Json]:
    """The blocks with the address of each file they show; `invalid_blocks` where one can't be shown yet."""
    return [_with_file(call, at, block) for at, block in enumerate(blocks)]


def _with_file(call: MethodCall, at: int, block: Json) -> Json:
    if block["type"] != "image" or "id" not in block.get("slack_file", {}):
        return block
    stored = call.services.files.get(block["slack_file"]["id"])
    is_ready = (
        stored is not None and stored.ready_at is not None and stored.ready_at <= call.workspace.clock()
    )
    if stored is None or not is_ready or not stored.is_picture:
        problem = f"invalid slack file [json-pointer:/blocks/{at}/slack_file]"
        raise ApiError(
            "invalid_blocks", errors=[problem], response_metadata={"messages": [f"[ERROR] {problem}"]}
        )
    return {**block, "slack_file": {"id": stored.id, "url": f"{call.services.base_url()}files/{stored.id}"}}
