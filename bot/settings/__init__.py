"""Every setting of the bot, typed: read from the environment and one TOML file, checked as a whole.

Knows what may be said, not what is done with it. `load_settings` reads; it raises `SettingsWrong` with every
problem it found, each naming the setting and where it came from.
"""

from bot.settings.load import Loaded, load_settings, load_with_cautions
from bot.settings.model import (
    AccountSettings,
    ApprovalSettings,
    DigestSettings,
    ExpectationSettings,
    GrantSettings,
    PollingSettings,
    RouteSettings,
    ServerSettings,
    Settings,
    SlackSettings,
)
from bot.settings.origins import Origin
from bot.settings.problems import Problem, SettingsWrong
from bot.settings.show import effective, json_schema
from bot.settings.words import (
    ApiVersion,
    ApprovableOperation,
    ChannelId,
    GroupId,
    GroupReference,
    LogFormat,
    LogLevel,
    MentionId,
    PersonId,
    Role,
    RouteResult,
    ServerName,
    Threads,
    Weekday,
)

__all__ = [
    "AccountSettings",
    "ApiVersion",
    "ApprovableOperation",
    "ApprovalSettings",
    "ChannelId",
    "DigestSettings",
    "ExpectationSettings",
    "GrantSettings",
    "GroupId",
    "GroupReference",
    "Loaded",
    "LogFormat",
    "LogLevel",
    "MentionId",
    "Origin",
    "PersonId",
    "PollingSettings",
    "Problem",
    "Role",
    "RouteResult",
    "RouteSettings",
    "ServerName",
    "ServerSettings",
    "Settings",
    "SettingsWrong",
    "SlackSettings",
    "Threads",
    "Weekday",
    "effective",
    "json_schema",
    "load_settings",
    "load_with_cautions",
]
