"""What Slack makes of a slash command's words before the app gets them."""

import re

from bot.sandbox.slack.workspace import Workspace

_PIECE = re.compile(
    r"(?P<url>https?://[^\s<>|]+)"
    r"|(?P<mention>(?<![\w@])@[A-Za-z0-9][\w.-]*)"
    r"|(?P<channel>(?<![\w#])#[a-z0-9][\w-]*)"
    r"|(?P<special>[&<>])"
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str, workspace: Workspace) -> str:
    """The words as `should_escape: true` gives them: people, groups, channels and links as tokens."""
    return _PIECE.sub(lambda piece: _token(piece, workspace), text)


def _token(piece: re.Match[str], workspace: Workspace) -> str:
    if piece["special"]:
        return _ENTITIES[piece["special"]]
    if piece["url"]:
        return f"<{piece['url'].replace('&', '&amp;')}>"
    if piece["mention"]:
        return _mention(piece["mention"], workspace)
    return _channel(piece["channel"], workspace)


def _mention(word: str, workspace: Workspace) -> str:
    known = workspace.directory.names().get(word[1:].lower())
    if known is None:
        return word
    return f"<!subteam^{known}|{word}>" if known in workspace.directory.groups else f"<@{known}|{word[1:]}>"


def _channel(word: str, workspace: Workspace) -> str:
    for channel in workspace.conversations.channels.values():
        if channel.name == word[1:]:
            return f"<#{channel.id}|{channel.name if channel.kind == 'public' else ''}>"
    return word
