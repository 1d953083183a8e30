"""What Slack makes of a person's words before the app gets them: of a command's, and of a message's."""

import re

from bot.sandbox.slack.workspace import Workspace

_PIECE = re.compile(
    r"(?P<url>https?://[^\s<>|]+)"
    r"|(?P<mention>(?<![\w@])@[A-Za-z0-9][\w.-]*)"
    r"|(?P<channel>(?<![\w#])#[a-z0-9][\w-]*)"
    r"|(?P<special>[&<>])"
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str, workspace: Workspace, *, is_message: bool = False) -> str:
    """The words as `should_escape: true` gives them: people, groups, channels and links as tokens.

    In a message people are named by their IDs alone.
    """
    return _PIECE.sub(lambda piece: _token(piece, workspace, is_message=is_message), text)


def _token(piece: re.Match[str], workspace: Workspace, *, is_message: bool) -> str:
    if piece["special"]:
        return _ENTITIES[piece["special"]]
    if piece["url"]:
        return f"<{piece['url'].replace('&', '&amp;')}>"
    if piece["mention"]:
        return _mention(piece["mention"], workspace, is_message=is_message)
    return _channel(piece["channel"], workspace)


def _mention(word: str, workspace: Workspace, *, is_message: bool) -> str:
    known = workspace.directory.names().get(word[1:].lower())
    if known is None:
        return word
    if known in workspace.directory.groups:
        return f"<!subteam^{known}|{word}>"
    return f"<@{known}>" if is_message else f"<@{known}|{word[1:]}>"


def _channel(word: str, workspace: Workspace) -> str:
    for channel in workspace.conversations.channels.values():
        if channel.name == word[1:]:
            return f"<#{channel.id}|{channel.name if channel.kind == 'public' else ''}>"
    return word
