"""The app's manifest: what Slack is asked for, and why; no more than the bot uses.

Pure, and without Slack's SDK, so that `veeam-bot manifest` is quick and the docs can be made from its tables.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

EVENTS_PATH: Final = "/slack/events"


@dataclass(frozen=True)
class OAuthScope:
    """A right the bot asks for, why, and the Web API methods that need it."""

    name: str
    reason: str
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """An event the bot listens to, why, and the scope that Slack demands for it, if any."""

    name: str
    reason: str
    scope: str | None = None


SCOPES: Final = (
    OAuthScope("commands", "receive the slash command"),
    OAuthScope("app_mentions:read", "read messages that mention the bot, in channels and threads"),
    OAuthScope(
        "chat:write",
        "post and update messages, answer one person privately",
        ("chat.postMessage", "chat.update", "chat.postEphemeral"),
    ),
    OAuthScope(
        "usergroups:read",
        "know who is in the user groups that the grants name",
        ("usergroups.list",),
    ),
    OAuthScope(
        "users:read",
        "refuse guests, deactivated people, bots and people of other workspaces",
        ("users.info",),
    ),
    OAuthScope(
        "channels:read",
        "see whether the bot is a member of a public channel, and whether another organisation is",
        ("conversations.info",),
    ),
    OAuthScope("groups:read", "the same for private channels", ("conversations.info",)),
    OAuthScope(
        "channels:history",
        "look whether a message whose reply was lost did arrive, what job a thread is about, and what run a "
        "linked message is about",
        ("conversations.history", "conversations.replies"),
    ),
    OAuthScope(
        "groups:history", "the same in private channels", ("conversations.history", "conversations.replies")
    ),
    OAuthScope(
        "im:history",
        "read direct messages to the bot, and no others",
        ("conversations.replies",),
    ),
)
PICTURES_SCOPE: Final = OAuthScope(
    "files:write",
    "upload the pictures of digests, where `[[digests]]` ask for them",
    ("files.completeUploadExternal", "files.getUploadURLExternal"),
)
"""Only for those who want pictures: `veeam-bot manifest --pictures`."""
METHODS_WITHOUT_SCOPE: Final = frozenset({
    "apps.connections.open", "auth.test", "chat.getPermalink", "views.open", "views.publish", "views.push",
    "views.update",
})  # fmt: skip
"""Web API methods that any bot token may call; the first needs the app-level token."""

EVENTS: Final = (
    Event("app_mention", "answer a mention in a channel or thread that the bot is in", "app_mentions:read"),
    Event("message.im", "answer direct messages to the bot", "im:history"),
    Event("app_home_opened", "show the person who opens the app's Home what concerns them"),
    Event("subteam_created", "a user group that a grant names by its handle may be new", "usergroups:read"),
    Event("subteam_updated", "a user group was renamed, disabled or enabled", "usergroups:read"),
    Event("subteam_members_changed", "someone joined or left a user group", "usergroups:read"),
    Event("channel_id_changed", "a channel got another ID: its messages go there", "channels:read"),
    Event("app_uninstalled", "the workspace removed the app: say so in the log"),
    Event("tokens_revoked", "the bot's token was revoked: say so in the log"),
)


@dataclass(frozen=True)
class Shortcut:
    """An entry of Slack's own menus, `global` or on a `message`, and what it does."""

    callback_id: str
    type: str
    name: str
    reason: str


FAILED_SHORTCUT: Final = Shortcut(
    "veeam_failed", "global", "Failed backups", "List the jobs whose last run failed"
)
DETAILS_SHORTCUT: Final = Shortcut(
    "veeam_details", "message", "Details of this job", "Show the job that a message of the bot is about"
)
SHORTCUTS: Final = (FAILED_SHORTCUT, DETAILS_SHORTCUT)


def manifest(
    command: str = "/veeam", request_url: str | None = None, *, pictures: bool = False
) -> dict[str, Any]:
    """The manifest for Socket Mode, or for HTTP mode where the bot's public address is given.

    With `pictures` the app may upload files. `request_url` is the bot's address or that of its events
    endpoint. Raises ValueError unless it is https.
    """
    url = _events_url(request_url) if request_url is not None else None
    scopes = (*SCOPES, PICTURES_SCOPE) if pictures else SCOPES
    # Search menus ask an address of their own, which may be the same; over Socket Mode none is named.
    options = {} if url is None else {"message_menu_options_url": url}
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Veeam Bot",
            "description": "Veeam backup jobs in Slack: queries, actions and a thread for what failed",
            "background_color": "#0B4F3C",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "veeam", "always_online": True},
            "slash_commands": [_slash_command(command, url)],
            "shortcuts": [
                {
                    "name": shortcut.name,
                    "type": shortcut.type,
                    "callback_id": shortcut.callback_id,
                    "description": shortcut.reason,
                }
                for shortcut in SHORTCUTS
            ],
        },
        "oauth_config": {"scopes": {"bot": [scope.name for scope in scopes]}},
        "settings": {
            "event_subscriptions": _with_url({"bot_events": [event.name for event in EVENTS]}, url),
            "interactivity": _with_url({"is_enabled": True} | options, url),
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }


def render(manifest: dict[str, Any]) -> str:
    """The manifest as YAML, as Slack's page for new apps takes it."""
    import yaml  # noqa: PLC0415 -- the bot that runs prints no manifest, and need not carry this

    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=110)


def _slash_command(command: str, url: str | None) -> dict[str, Any]:
    described = {
        "command": command,
        "description": "Veeam backup jobs and actions",
        "usage_hint": "jobs failed | start NAME | status | help",
        "should_escape": True,
    }
    return described if url is None else {**described, "url": url}


def _with_url(section: dict[str, Any], url: str | None) -> dict[str, Any]:
    return section if url is None else {"request_url": url, **section}


def _events_url(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        raise ValueError("is not a valid URL") from None
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("must be a URL that starts with https://; Slack calls no other")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must not hold a user, a query or a fragment")
    base = address.rstrip("/")
    return base if parts.path.rstrip("/").endswith(EVENTS_PATH) else f"{base}{EVENTS_PATH}"
