"""Which methods there are, what they need and how often they may be called."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.slack import (
    methods_app,
    methods_chat,
    methods_conversations,
    methods_files,
    methods_people,
    methods_views,
)
from bot.sandbox.slack.calls import MethodCall
from bot.sandbox.slack.rates import POSTS_A_MINUTE, SPECIAL, TIER_2, TIER_3, TIER_4
from bot.sandbox.slack.snapshot import Json


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the Web API.

    `scope` is what every call needs; methods that read channels ask for the channel type's scope themselves.
    """

    run: Callable[[MethodCall], Json]
    per_minute: int
    scope: str | None = None
    token: Literal["bot", "app", "none"] = "bot"
    takes_json: bool = True
    is_paced: bool = False  # one a second for each channel


METHODS = {
    "apps.connections.open": Method(methods_app.open_connection, TIER_3, "connections:write", token="app"),
    "auth.test": Method(methods_app.auth_test, SPECIAL),
    "chat.getPermalink": Method(methods_chat.permalink, SPECIAL, takes_json=False),
    "chat.postEphemeral": Method(methods_chat.post_ephemeral, TIER_4, "chat:write"),
    "chat.postMessage": Method(methods_chat.post_message, POSTS_A_MINUTE, "chat:write", is_paced=True),
    "chat.update": Method(methods_chat.update, TIER_3, "chat:write"),
    "conversations.history": Method(methods_conversations.history, TIER_3, takes_json=False),
    "conversations.info": Method(methods_conversations.info, TIER_3, takes_json=False),
    "conversations.open": Method(methods_conversations.open_, TIER_3, "im:write"),
    "conversations.replies": Method(methods_conversations.replies, TIER_3, takes_json=False),
    "files.completeUploadExternal": Method(methods_files.complete_upload, TIER_4, "files:write"),
    "files.getUploadURLExternal": Method(methods_files.upload_url, TIER_4, "files:write", takes_json=False),
    "usergroups.list": Method(methods_people.group_list, TIER_2, "usergroups:read", takes_json=False),
    "users.info": Method(methods_people.user_info, TIER_4, "users:read", takes_json=False),
    "views.open": Method(methods_views.open_, TIER_4),
    "views.publish": Method(methods_views.publish, TIER_4),
    "views.push": Method(methods_views.push, TIER_4),
    "views.update": Method(methods_views.update, TIER_4),
}
