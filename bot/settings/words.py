"""The words settings are written in: Veeam's roles, identifiers, and the few closed lists of choices.

Each list compares without letter case when it is read; its members are spelt as they are printed.
"""

from enum import StrEnum
from typing import NewType

ServerName = NewType("ServerName", str)
ChannelId = NewType("ChannelId", str)
GroupId = NewType("GroupId", str)
GroupReference = NewType("GroupReference", str)
"""A user group as the settings name it: its ID or its "@handle"."""
PersonId = NewType("PersonId", str)
MentionId = NewType("MentionId", str)
"""A person's or a user group's ID."""


class Role(StrEnum):
    """Veeam's own roles, as VBR's "Users and Roles" prints them."""

    BACKUP_ADMINISTRATOR = "Veeam Backup Administrator"
    BACKUP_OPERATOR = "Veeam Backup Operator"
    RESTORE_OPERATOR = "Veeam Restore Operator"
    BACKUP_VIEWER = "Veeam Backup Viewer"
    TAPE_OPERATOR = "Veeam Tape Operator"

    @property
    def short(self) -> str:
        """The role without "Veeam", as VBR 13.1 and later print it."""
        return self.value.removeprefix("Veeam ")


class ApiVersion(StrEnum):
    """The revisions of VBR's REST API that can be spoken, the oldest first."""

    V1_2_REV1 = "1.2-rev1"
    V1_3_REV0 = "1.3-rev0"
    V1_3_REV1 = "1.3-rev1"
    V1_3_REV2 = "1.3-rev2"


class RouteResult(StrEnum):
    """The results of a session that a route can ask for; equal to VBR's words."""

    SUCCESS = "Success"
    WARNING = "Warning"
    FAILED = "Failed"


class Threads(StrEnum):
    """How a completion is told: in a thread, its failures also in the channel, or without a thread."""

    THREAD = "thread"
    BROADCAST = "broadcast"
    FLAT = "flat"


class Weekday(StrEnum):
    """A day of the week; `list(Weekday).index(day)` is what `date.weekday()` answers."""

    MONDAY = "Mon"
    TUESDAY = "Tue"
    WEDNESDAY = "Wed"
    THURSDAY = "Thu"
    FRIDAY = "Fri"
    SATURDAY = "Sat"
    SUNDAY = "Sun"


class ApprovableOperation(StrEnum):
    """The operations that change VBR, and so can be made to wait for a second person."""

    START = "start"
    STOP = "stop"
    RETRY = "retry"
    QUICKBACKUP = "quickbackup"
    CREATE = "create"
    EDIT = "edit"
    CLONE = "clone"
    ENABLE = "enable"
    DISABLE = "disable"
    DELETE = "delete"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line looks: one JSON object, or coloured text for a person at a terminal."""

    JSON = "json"
    CONSOLE = "console"
