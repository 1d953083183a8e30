"""The app as it is installed in the workspace: its tokens, scopes, events, commands and shortcuts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.sandbox.slack.snapshot import Json

SCOPES = frozenset(
    {
        "commands",
        "app_mentions:read",
        "chat:write",
        "usergroups:read",
        "users:read",
        "channels:read",
        "groups:read",
        "channels:history",
        "groups:history",
        "im:history",
    }
)
EVENTS = frozenset(
    {
        "app_mention",
        "message.im",
        "app_home_opened",
        "app_uninstalled",
        "tokens_revoked",
        "subteam_created",
        "subteam_updated",
        "subteam_members_changed",
        "channel_archive",
        "channel_unarchive",
        "channel_deleted",
        "channel_id_changed",
        "group_archive",
        "group_unarchive",
        "group_deleted",
    }
)


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An entry of the lightning menu, or of a message's menu."""

    callback_id: str
    name: str
    type: Literal["global", "message"]


@dataclass(slots=True)
class App:
    """One installation; what the app's page and its manifest decide."""

    id: str = "A0VEEAM"
    name: str = "veeam"
    bot_user: str = "U0VEEAMBOT"
    bot_id: str = "B0VEEAM"
    bot_token: str = "xoxb-1-sandbox-bot"
    app_token: str = "xapp-1-A0VEEAM-1-sandbox-app"
    signing_secret: str = "8f742231b10e8888abcd99yyyzzz85a5"
    verification_token: str = "sandbox-verification-token"
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    events: set[str] = field(default_factory=lambda: set(EVENTS))
    commands: dict[str, bool] = field(default_factory=lambda: {"/veeam": True})  # name -> should_escape
    shortcuts: dict[str, Shortcut] = field(
        default_factory=lambda: {"veeam_jobs": Shortcut("veeam_jobs", "Veeam jobs", "global")}
    )
    home_enabled: bool = True
    messages_enabled: bool = True
    messages_read_only: bool = False
    socket_mode: bool = True
    # How many messages a page of history has at most; 15 for apps distributed outside the Marketplace.
    largest_page: int = 999
    dead_tokens: dict[str, str] = field(default_factory=dict)  # token -> the error it now gives

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> "App":
        """The app that Slack would install from this manifest (already parsed)."""
        features, settings = manifest.get("features", {}), manifest.get("settings", {})
        home = features.get("app_home", {})
        return cls(
            name=features["bot_user"]["display_name"],
            scopes=set(manifest["oauth_config"]["scopes"]["bot"]),
            events=set(settings.get("event_subscriptions", {}).get("bot_events", ())),
            commands={
                command["command"]: command.get("should_escape", False)
                for command in features.get("slash_commands", ())
            },
            shortcuts={
                entry["callback_id"]: Shortcut(entry["callback_id"], entry["name"], entry["type"])
                for entry in features.get("shortcuts", ())
            },
            home_enabled=home.get("home_tab_enabled", False),
            messages_enabled=home.get("messages_tab_enabled", False),
            messages_read_only=home.get("messages_tab_read_only_enabled", True),
            socket_mode=settings.get("socket_mode_enabled", False),
        )

    @property
    def is_spoken_to(self) -> bool:
        """Whether people can write to the app in its Messages tab."""
        return self.messages_enabled and not self.messages_read_only

    def bot_profile(self, team_id: str) -> Json:
        """The `bot_profile` of messages that the app posts."""
        return {
            "id": self.bot_id,
            "app_id": self.id,
            "name": self.name,
            "team_id": team_id,
            "deleted": False,
            "updated": 0,
            "icons": {},
        }
