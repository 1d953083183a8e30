"""What an app says without a token: in the acknowledgement of a command, or to a response URL."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.content import content_of_answer
from bot.sandbox.slack.conversations import Posting
from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.faults import Dropped, ServerError, SlackFaults, drop, error_page
from bot.sandbox.slack.messages import Content, Message
from bot.sandbox.slack.snapshot import Json
from bot.sandbox.slack.tickets import ResponseUrl, ResponseUrlSpent
from bot.sandbox.slack.workspace import Workspace


def say(workspace: Workspace, response: ResponseUrl, body: Mapping[str, Any]) -> None:
    """Post, replace or delete as the answer says; `ApiError` for what Slack would refuse."""
    origin = response.origin
    if body.get("delete_original"):
        _delete(workspace, origin)
        return
    in_channel = body.get("response_type") == "in_channel"
    if in_channel and not _says_something(body) and response.command is not None:
        _show_command(workspace, response)
        return
    content = content_of_answer(body)
    if body.get("replace_original") and origin is not None and origin.by_app:
        _require_present(workspace, origin)
        workspace.conversations.edit(origin, content, quietly=True)
        return
    _post(workspace, response, content, body, in_channel=in_channel)


def _post(
    workspace: Workspace,
    response: ResponseUrl,
    content: Content,
    body: Mapping[str, Any],
    *,
    in_channel: bool,
) -> None:
    channel = workspace.conversations.channels[response.channel]
    posting = Posting(workspace.app.bot_user, thread_ts=body.get("thread_ts") or None, by_app=True)
    if in_channel:
        _show_command(workspace, response)
        workspace.conversations.post(channel, content, posting)
        return
    workspace.conversations.post_ephemeral(channel, response.person, content, posting)


def _delete(workspace: Workspace, origin: Message | None) -> None:
    if origin is None or not origin.by_app:
        raise ApiError("message_not_found")
    _require_present(workspace, origin)
    workspace.conversations.delete(origin)


def _require_present(workspace: Workspace, message: Message) -> None:
    channel = workspace.conversations.channels[message.channel]
    kept = channel.ephemerals if message.reader is not None else channel.messages
    if kept.get(message.ts) is not message:
        raise ApiError("message_not_found")


def _show_command(workspace: Workspace, response: ResponseUrl) -> None:
    if response.command is None or response.is_command_shown:
        return
    response.is_command_shown = True
    channel = workspace.conversations.channels[response.channel]
    posting = Posting(response.person, is_command=True)
    workspace.conversations.post(channel, Content(response.command), posting)


def _says_something(body: Mapping[str, Any]) -> bool:
    return any(body.get(key) for key in ("text", "blocks", "attachments"))


class ResponseUrls:
    """Answers POSTs to response URLs: 200, or an error status that alone tells what happened."""

    def __init__(self, workspace: Workspace, faults: SlackFaults) -> None:
        self._workspace = workspace
        self._faults = faults
        self.posts: list[Mapping[str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        """One post to a response URL."""
        try:
            body = json.loads(await request.read())
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return web.Response(status=400, text="invalid_payload")
        match self._faults.take("response_url", Arguments(body)):
            case ServerError(status, after_effect):
                if after_effect:
                    self._say(request, body)
                return error_page(status)
            case Dropped(after_effect):
                if after_effect:
                    self._say(request, body)
                return drop(request)
            case _:
                return self._say(request, body)

    def _say(self, request: web.Request, body: Json) -> web.Response:
        try:
            response = self._workspace.tickets.respond(request.match_info["path"])
        except ResponseUrlSpent as spent:
            return web.json_response({"ok": False, "error": str(spent)}, status=404)
        self.posts.append(body)
        try:
            say(self._workspace, response, body)
        except ApiError as error:
            return web.Response(status=400, text=error.error)
        return web.Response(text="ok")
