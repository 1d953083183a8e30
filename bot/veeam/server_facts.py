"""What a VBR server says of itself: its clock, its version, its licence and its configuration backup."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bot.veeam.decoding import JsonObject


@dataclass(frozen=True)
class ServerTime:
    """The server's clock (`/serverTime`). `time_zone` is Windows' display name, not an IANA one."""

    server_time: datetime
    """Aware, in UTC."""
    utc_offset: timedelta
    time_zone: str | None = None
    zone: tzinfo = UTC
    """With the offset of each day, where the zone's name is known; else with the offset of today."""

    @property
    def is_zone_known(self) -> bool:
        """Whether the offsets of other days are known, too."""
        return isinstance(self.zone, ZoneInfo)


class ServerInfo(JsonObject, frozen=True, gc=False):
    """What the server is (`/serverInfo`, administrators only)."""

    name: str = ""
    build_version: str = ""


class _LicenceSection(JsonObject, frozen=True, gc=False):
    expiration_date: datetime | None = None


class Licence(JsonObject, frozen=True, gc=False):
    """The installed licence (`/license`, administrators only).

    Since 1.3-rev2 its sections end, each by itself. A perpetual one has no end.
    """

    status: str = ""
    edition: str = ""
    expiration_date: datetime | None = None
    instance_license_summary: _LicenceSection | None = None
    socket_license_summary: _LicenceSection | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When the first part of it ends; None where none does."""
        sections = (self, self.instance_license_summary, self.socket_license_summary)
        ends = [each.expiration_date for each in sections if each is not None]
        return min((each for each in ends if each is not None), default=None)


class _LastConfigBackup(JsonObject, frozen=True, gc=False):
    last_successful_time: datetime | None = None


class ConfigBackup(JsonObject, frozen=True, gc=False):
    """The backup of VBR's own configuration (`/configBackup`, administrators only)."""

    is_enabled: bool | None = None
    last_successful_backup: _LastConfigBackup | None = None

    @property
    def last_good_at(self) -> datetime | None:
        """When the last one ended well; None where there is none."""
        last = self.last_successful_backup
        return last.last_successful_time if last is not None else None
