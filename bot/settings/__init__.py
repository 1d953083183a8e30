"""Every setting of the bot, typed: read from the environment and one TOML file, checked as a whole.

Knows what may be said, not what is done with it. `load_settings` reads; it raises `SettingsWrong` with every
problem it found, each naming the setting and where it came from.
"""

from bot.settings.globs import LONGEST_GLOB, folded_glob, globs_overlap, is_glob, matches_glob
from bot.settings.layout import json_schema
from bot.settings.load import load_settings
from bot.settings.model import (
    AccountSettings,
    ApprovalSettings,
    CauseSettings,
    DigestSettings,
    ExpectationSettings,
    GrantSettings,
    PollingSettings,
    ReminderSettings,
    RouteSettings,
    ServerSettings,
    Settings,
    SlackSettings,
    StormSettings,
)
from bot.settings.problems import SettingOrigin, SettingsProblem, SettingsWrong, nearest_word
from bot.settings.values import (
    AUTO,
    OLDEST_API_VERSION,
    ApiVersion,
    ApprovableOperation,
    ChannelId,
    DigestDay,
    GroupReference,
    LogFormat,
    LogLevel,
    MentionId,
    PersonId,
    Role,
    RouteResult,
    ServerName,
    Threads,
)

__all__ = [
    "AUTO",
    "LONGEST_GLOB",
    "OLDEST_API_VERSION",
    "AccountSettings",
    "ApiVersion",
    "ApprovableOperation",
    "ApprovalSettings",
    "CauseSettings",
    "ChannelId",
    "DigestDay",
    "DigestSettings",
    "ExpectationSettings",
    "GrantSettings",
    "GroupReference",
    "LogFormat",
    "LogLevel",
    "MentionId",
    "PersonId",
    "PollingSettings",
    "ReminderSettings",
    "Role",
    "RouteResult",
    "RouteSettings",
    "ServerName",
    "ServerSettings",
    "SettingOrigin",
    "Settings",
    "SettingsProblem",
    "SettingsWrong",
    "SlackSettings",
    "StormSettings",
    "Threads",
    "folded_glob",
    "globs_overlap",
    "is_glob",
    "json_schema",
    "load_settings",
    "matches_glob",
    "nearest_word",
]
