"""People, and the user groups they are in."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.sandbox.slack.snapshot import GroupView, Json, PersonKind, PersonView

SLACKBOT = "USLACKBOT"  # of Slack itself; it says `is_bot: false`
_ABROAD = ("foreign", "stranger")


@dataclass(slots=True)
class Person:
    """An account; `kind` decides every flag that `users.info` shows."""

    id: str
    name: str
    real_name: str
    kind: PersonKind = "member"
    team_id: str = "T0ACME"
    time_zone: str = "Europe/Berlin"
    is_hidden: bool = False  # the app gets `user_not_visible`
    global_id: str | None = None  # Enterprise Grid: the organisation's ID, beside the workspace's
    enterprise_id: str = "E0ACME"

    @property
    def is_abroad(self) -> bool:
        """Whether the account belongs to another organisation (Slack Connect)."""
        return self.kind in _ABROAD

    @property
    def may_act(self) -> bool:
        """Whether anybody can be signed in as this person."""
        return self.kind not in ("deactivated", "invited", "bot", "stranger") and self.id != SLACKBOT

    def json(self, now: float) -> Json:
        """The `user` object of `users.info`."""
        if self.kind == "deactivated":
            return self._short() | {"deleted": True}
        zone = ZoneInfo(self.time_zone)
        offset = zone.utcoffset(datetime.fromtimestamp(now, UTC))
        guest = self.kind in ("guest", "single_channel_guest")
        flags: Json = {
            "deleted": False,
            "is_admin": self.kind == "admin",
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": guest,
            "is_ultra_restricted": self.kind == "single_channel_guest",
            "is_app_user": False,
            "tz": self.time_zone,
            "tz_label": self.time_zone,
            "tz_offset": int(offset.total_seconds()) if offset else 0,
        }
        if self.kind == "invited":
            flags["is_invited_user"] = True
        if self.global_id is not None:
            flags["enterprise_user"] = {
                "id": self.global_id,
                "enterprise_id": self.enterprise_id,
                "enterprise_name": "Acme Group",
                "is_admin": False,
                "is_owner": False,
                "teams": [self.team_id],
            }
        if self.is_abroad:
            flags["is_stranger"] = self.kind == "stranger"
        return self._short() | flags

    def _short(self) -> Json:
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "is_bot": self.kind == "bot",
            "updated": 1700000000,
            "profile": {
                "display_name": self.name,
                "display_name_normalized": self.name,
                "real_name": self.real_name,
                "real_name_normalized": self.real_name,
                "team": self.team_id,
            },
        }

    def view(self, groups: list[str]) -> PersonView:
        """The person for an onlooker, with the handles of the groups."""
        return {
            "id": self.id,
            "name": self.name,
            "real_name": self.real_name,
            "kind": self.kind,
            "team_id": self.team_id,
            "time_zone": self.time_zone,
            "groups": groups,
        }


@dataclass(slots=True)
class UserGroup:
    """A user group; `date_delete` other than 0 means disabled."""

    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    team_id: str = "T0ACME"
    date_update: int = 1700000000
    date_delete: int = 0

    @property
    def is_disabled(self) -> bool:
        """Whether the group is switched off; it keeps its ID and its members."""
        return self.date_delete != 0

    def json(self, *, users: bool, count: bool) -> Json:
        """The `usergroup` or `subteam` object; members and their number only on request."""
        shape: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_create": 1700000000,
            "date_update": self.date_update,
            "date_delete": self.date_delete,
            "auto_type": None,
            "created_by": "U0ADA",
            "updated_by": "U0ADA",
            "deleted_by": "U0ADA" if self.is_disabled else None,
            "prefs": {"channels": [], "groups": []},
        }
        if users:
            shape["users"] = self.users[:500]
        if count:
            shape["user_count"] = str(len(self.users))
        return shape

    def view(self) -> GroupView:
        """The group for an onlooker."""
        return {
            "id": self.id,
            "handle": self.handle,
            "name": self.name,
            "users": list(self.users),
            "is_disabled": self.is_disabled,
        }
