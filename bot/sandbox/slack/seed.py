"""The workspace of tests and of the demonstration: a backup team, and people who are none of it."""

import time

from bot.sandbox.slack.app import App
from bot.sandbox.slack.feed import Clock
from bot.sandbox.slack.messages import Channel
from bot.sandbox.slack.people import SLACKBOT, Person, UserGroup
from bot.sandbox.slack.workspace import Workspace

_PEOPLE = (
    Person("U0ADA", "ada", "Ada Admin", kind="admin"),  # administers Slack, has no role in Veeam
    Person("U0ANN", "ann", "Ann Administrator"),
    Person("U0BEN", "ben", "Ben Administrator"),
    Person("U0OLE", "ole", "Ole Operator"),
    Person("U0RIA", "ria", "Ria Restore"),
    Person("U0VIC", "vic", "Vic Viewer", time_zone="America/New_York"),
    Person("U0TOM", "tom", "Tom Tape"),
    Person("U0NIA", "nia", "Nia Nobody"),
    Person("U0GUS", "gus", "Gus Guest", kind="guest"),
    Person("U0SIA", "sia", "Sia Single", kind="single_channel_guest"),
    Person("U0DEE", "dee", "Dee Departed", kind="deactivated"),
    Person("U0INA", "ina", "Ina Invited", kind="invited"),
    Person("U0FAY", "fay", "Fay Foreign", kind="foreign", team_id="T0OTHER"),
    Person("U0STU", "stu", "Stu Stranger", kind="stranger", team_id="T0OTHER"),
    Person(SLACKBOT, "slackbot", "Slackbot"),
)
_GROUPS = {
    "backup-admins": ("S0BACKUPADMINS", "Backup admins", ("U0ANN", "U0BEN", "U0DEE", "U0GUS", "U0FAY")),
    "backup-operators": ("S0BACKUPOPERATORS", "Backup operators", ("U0OLE",)),
    "restore-operators": ("S0RESTOREOPERATORS", "Restore operators", ("U0RIA",)),
    "backup-viewers": ("S0BACKUPVIEWERS", "Backup viewers", ("U0VIC",)),
    "tape-operators": ("S0TAPEOPERATORS", "Tape operators", ("U0TOM",)),
    "oncall": ("S0ONCALL", "On call", ("U0ANN", "U0OLE")),
}
_INSIDERS = ("U0ADA", "U0ANN", "U0BEN", "U0OLE", "U0RIA", "U0VIC", "U0TOM", "U0NIA")


def default_workspace(clock: Clock = time.time, app: App | None = None) -> Workspace:
    """A person for each of Veeam's roles, two administrators, and one for each kind of account without any.

    The admins' group also has people whom membership alone must not let in: a deactivated one, a guest and a
    foreign one. The bot is in all channels but `random` (public) and `secret` (private).
    """
    workspace = Workspace(app=app, clock=clock)
    bot = workspace.app.bot_user
    workspace.directory.add(*(_copy(person) for person in _PEOPLE))
    workspace.directory.add(
        *(
            UserGroup(group_id, handle, name, list(users))
            for handle, (group_id, name, users) in _GROUPS.items()
        ),
        UserGroup("S0FORMER", "former-admins", "Former admins", ["U0NIA"], date_delete=1700000000),
    )
    everybody = [*_INSIDERS, bot]
    workspace.conversations.add(
        Channel("C0PROD", "prod", members=[*everybody, "U0GUS"]),
        Channel("C0BACKUPS", "backups", members=list(everybody)),
        Channel("C0AUDIT", "audit", members=list(everybody)),
        Channel("C0DIGEST", "backup-digest", members=list(everybody)),
        Channel("C0GENERAL", "general", members=[*everybody, "U0GUS", "U0SIA"]),
        Channel(
            "C0SHARED",
            "shared",
            members=[*everybody, "U0FAY"],
            is_ext_shared=True,
            connected_teams=["T0OTHER"],
        ),
        Channel("C0ANNOUNCE", "announce", members=list(everybody), is_read_only=True),
        Channel("C0RANDOM", "random", members=list(_INSIDERS)),
        Channel("C0OLD", "old", members=list(everybody), is_archived=True),
        Channel("C0WAR", "war-room", kind="private", members=["U0ANN", "U0OLE", bot]),
        Channel("C0SECRET", "secret", kind="private", members=["U0ANN", "U0ADA"]),
    )
    return workspace


def _copy(person: Person) -> Person:
    return Person(person.id, person.name, person.real_name, person.kind, person.team_id, person.time_zone)
