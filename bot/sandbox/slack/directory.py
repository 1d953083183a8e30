"""Everybody whom the workspace knows, the user groups, and what the app is told when they change."""

from collections.abc import Callable, Iterable

from bot.sandbox.slack.errors import ApiError
from bot.sandbox.slack.feed import Clock, Feed
from bot.sandbox.slack.people import Person, UserGroup
from bot.sandbox.slack.snapshot import Json, PersonKind

Emit = Callable[[Json], None]


class Directory:
    """People and user groups."""

    def __init__(self, feed: Feed, clock: Clock, emit: Emit) -> None:
        self._feed = feed
        self._clock = clock
        self._emit = emit
        self.people: dict[str, Person] = {}
        self.groups: dict[str, UserGroup] = {}
        self.has_paid_plan = True

    def add(self, *entries: Person | UserGroup) -> None:
        """Enter people and groups without a word to the app: they were there before it."""
        for entry in entries:
            if isinstance(entry, Person):
                self.people[entry.id] = entry
            else:
                self.groups[entry.id] = entry

    def person(self, name_or_id: str) -> Person:
        """A person by ID or by name; `KeyError` for neither."""
        by_name = (person for person in self.people.values() if person.name == name_or_id)
        person = self.people.get(name_or_id) or next(by_name, None)
        if person is None:
            raise KeyError(name_or_id)
        return person

    def group(self, handle_or_id: str) -> UserGroup:
        """A user group by ID or by handle without "@"; `KeyError` for neither."""
        by_handle = (group for group in self.groups.values() if group.handle == handle_or_id)
        group = self.groups.get(handle_or_id) or next(by_handle, None)
        if group is None:
            raise KeyError(handle_or_id)
        return group

    def require_paid_plan(self) -> None:
        """`plan_upgrade_required` on a free plan, which has no user groups."""
        if not self.has_paid_plan:
            raise ApiError("plan_upgrade_required")

    def change_kind(self, person_id: str, kind: PersonKind) -> None:
        """Make somebody a guest, deactivated, an admin …; the app hears `user_change`."""
        person = self.people[person_id]
        person.kind = kind
        event = {"type": "user_change", "user": person.json(self._clock()), "event_ts": self._event_ts()}
        self._emit(event)
        self._feed.tell("person_changed", person=person_id)

    def create_group(self, group: UserGroup) -> None:
        """Make a user group; the app hears `subteam_created`."""
        self.groups[group.id] = group
        group.date_update = self._next_update(group)
        self._emit_group("subteam_created", group)

    def set_members(self, group_id: str, users: Iterable[str]) -> None:
        """Change who is in a group; the app hears `subteam_members_changed` and `subteam_updated`."""
        group = self.groups[group_id]
        before, after = group.users, list(users)
        added = [user for user in after if user not in before]
        removed = [user for user in before if user not in after]
        previous, group.date_update = group.date_update, self._next_update(group)
        group.users = after
        self._emit(
            {
                "type": "subteam_members_changed",
                "subteam_id": group.id,
                "team_id": group.team_id,
                "date_previous_update": previous,
                "date_update": group.date_update,
                "added_users": added,
                "added_users_count": str(len(added)),
                "removed_users": removed,
                "removed_users_count": str(len(removed)),
                "event_ts": self._event_ts(),
            }
        )
        self._emit_group("subteam_updated", group)

    def set_disabled(self, group_id: str, *, disabled: bool) -> None:
        """Switch a group off or on; the app hears `subteam_updated`."""
        group = self.groups[group_id]
        group.date_update = self._next_update(group)
        group.date_delete = group.date_update if disabled else 0
        self._emit_group("subteam_updated", group)

    def rename_handle(self, group_id: str, handle: str) -> None:
        """Give a group another handle; the app hears `subteam_updated`."""
        group = self.groups[group_id]
        group.date_update = self._next_update(group)
        group.handle = handle
        self._emit_group("subteam_updated", group)

    def handles_of(self, person_id: str) -> list[str]:
        """Handles of the enabled groups somebody is in."""
        return [
            group.handle
            for group in self.groups.values()
            if not group.is_disabled and person_id in group.users
        ]

    def names(self) -> dict[str, str]:
        """What `link_names` finds: names and enabled handles, to IDs."""
        people = {person.name.lower(): person.id for person in self.people.values()}
        return people | {g.handle.lower(): g.id for g in self.groups.values() if not g.is_disabled}

    def _next_update(self, group: UserGroup) -> int:
        return max(int(self._clock()), group.date_update + 1)

    def _emit_group(self, kind: str, group: UserGroup) -> None:
        self._emit(
            {"type": kind, "subteam": group.json(users=True, count=True), "event_ts": self._event_ts()}
        )
        self._feed.tell("group_changed", group=group.id)

    def _event_ts(self) -> str:
        return f"{self._clock():.6f}"
