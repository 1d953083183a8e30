"""People and user groups as Slack knows them now, cached for minutes, failing closed.

A payload proves a user ID and a team ID and nothing else: standing comes from `users.info`, groups from one
`usergroups.list` (Tier 2, so not for every click, but for those that decide over what an administrator alone
may do). Events only say "read again"; they are not believed.

On Enterprise Grid a person may have two IDs, and payloads and groups name either. What belongs together only
`users.info` of the ID in the payload says, and only for people of the bot's own organisation.
"""

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from bot.observability import Clock
from bot.operations.model import Person, Standing
from bot.settings import PersonId
from bot.slack.errors import SlackError, SlackRateLimited, SlackRefused
from bot.slack.web_api import WebApi, Workspace

PERSON_SECONDS = 180.0
# One call a minute is far within Tier 2, and a replica that did not get the event is that far behind at most.
GROUPS_SECONDS = 60.0
# After failed refreshes the old list serves this long, counted from when it was read; then nobody has a
# group.
GROUPS_GRACE_SECONDS = 900.0
_LONGEST_HELD_SECONDS = 20.0
_MOST_PEOPLE = 5_000
_MENTION_SECONDS = 5.0
_DAY_SECONDS = 86_400

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class UserGroup:
    """One user group. A disabled one keeps its ID and grants nothing."""

    id: str
    handle: str
    members: frozenset[str]
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class _CachedPerson:
    name: str
    standing: Standing
    read_at: float
    ids: tuple[str, ...]
    """The organisation's ID of the person first, where there is one."""
    zone: tzinfo | None = None

    def person(self, groups: frozenset[str] | None = None) -> Person:
        return Person(
            PersonId(self.ids[0]), self.name, self.standing, groups, frozenset(self.ids[1:]), self.zone
        )


class Directory:
    """Implements `People` over Slack's Web API."""

    def __init__(
        self, web_api: WebApi, workspace: Workspace, handles: Iterable[str], *, clock: Clock
    ) -> None:
        self._web_api = web_api
        self._workspace = workspace
        self._clock = clock
        self._handles = {handle.removeprefix("@").casefold(): handle for handle in handles}
        self._pinned: dict[str, str] = {}
        self._people: dict[str, _CachedPerson] = {}
        self._groups: tuple[UserGroup, ...] | None = None
        self._groups_read_at = 0.0
        self._groups_held_until = 0.0
        # How many readings of the groups were begun, which of them `_groups` is of, and which is the first
        # that may be believed after a change.
        self._readings = 0
        self._groups_reading = 0
        self._changed_until = 0
        self._groups_lock = asyncio.Lock()

    async def read(self, person_id: PersonId, team_id: str | None = None, *, afresh: bool = False) -> Person:
        """Return the person, `UNREADABLE` when Slack gives no answer; `team_id` is the gesture's.

        `afresh`: what Slack answers from now on decides, and nothing that was read before.
        """
        found = await self._person(person_id, team_id, afresh=afresh)
        if found.standing is not Standing.MEMBER:
            return found.person()
        groups = await self.groups(afresh=afresh)
        if groups is None:
            return found.person()
        own = {
            group.id for group in groups if not group.is_disabled and not group.members.isdisjoint(found.ids)
        }
        handles = {self._handles[handle] for handle, pinned in self._pinned.items() if pinned in own}
        return found.person(frozenset(own | handles))

    def group_names(self, groups: Collection[str]) -> tuple[str, ...]:
        """Return each group's `@handle`; the given spelling where Slack has no such group."""
        handles = {group.id: f"@{group.handle}" for group in self._groups or ()}
        return tuple(handles.get(group, group) for group in groups)

    async def mentioned(self, spelling: str) -> str:
        """Return whom to mention: the ID behind a group's `@handle`; the handle where it is not known.

        It is shown as text then and notifies nobody: no message waits for a mention. Other spellings are IDs.
        """
        if not spelling.startswith("@"):
            return spelling
        try:
            async with asyncio.timeout(_MENTION_SECONDS):
                await self.groups()
        except TimeoutError:
            log.warning("directory.groups_not_read", problem="no answer in time for a mention")
        handle = spelling.removeprefix("@").casefold()
        living = {group.handle.casefold(): group.id for group in self._groups or () if not group.is_disabled}
        found = self._pinned.get(handle) or living.get(handle)
        if found is None:
            log.warning("directory.handle_unknown", handle=spelling)
        return found or spelling

    def groups_changed(self) -> None:
        """Read the groups again before the next decision (a `subteam_*` event came)."""
        self._changed_until = self._readings + 1

    async def groups(self, *, afresh: bool = False) -> tuple[UserGroup, ...] | None:
        """Return all groups; None when they could not be read for too long, or are known to have changed.

        `afresh`: as a reading that begins from now on finds them, None where it fails. Who asks while one is
        under way shares the next: there is never more than one at a time. Where Slack asks to wait a little,
        that is waited for, and nobody else waits with it.
        """
        wanted = self._readings + 1 if afresh else 0
        found = await self._groups_since(wanted)
        if found is None and afresh:
            seconds = self._groups_held_until - self._clock.monotonic()
            if 0 < seconds <= _LONGEST_HELD_SECONDS:
                await self._clock.sleep(seconds)
                found = await self._groups_since(wanted)
        return found

    async def _groups_since(self, wanted: int) -> tuple[UserGroup, ...] | None:
        """All groups, of that reading at least."""
        if not self._must_read(wanted):
            return self._groups
        async with self._groups_lock:
            # A change that is announced while the list is read makes it stale: read it once more.
            for _ in range(2):
                if not self._must_read(wanted) or not await self._read_groups():
                    break
        age = self._clock.monotonic() - self._groups_read_at
        is_usable = self._groups_reading >= max(wanted, self._changed_until) and age <= GROUPS_GRACE_SECONDS
        return self._groups if is_usable else None

    def _must_read(self, wanted: int) -> bool:
        is_old = self._groups_reading < max(wanted, self._changed_until)
        return (
            self._groups is None or is_old or self._clock.monotonic() - self._groups_read_at > GROUPS_SECONDS
        )

    async def _read_groups(self) -> bool:
        arguments = {"include_users": True, "include_disabled": True, "include_count": False}
        self._readings += 1
        reading = self._readings
        try:
            answer = await self._web_api.read("usergroups.list", arguments)
        except SlackRefused as error:
            # A plan or a scope without groups is not an outage that an old list may bridge.
            self._groups = None
            log.error("directory.groups_refused", problem=str(error))
        except SlackError as error:
            if isinstance(error, SlackRateLimited):
                self._groups_held_until = self._clock.monotonic() + error.retry_after_seconds
            log.warning("directory.groups_not_read", problem=str(error))
        else:
            self._groups = tuple(group_of(item) for item in answer.get("usergroups") or ())
            self._groups_read_at = self._clock.monotonic()
            self._groups_reading = reading
            self._pin(self._groups)
            return True
        return False

    def _pin(self, groups: tuple[UserGroup, ...]) -> None:
        """Hold each handle to the group that had it first: another group can take it over."""
        for group in groups:
            handle = group.handle.casefold()
            if handle not in self._handles or group.is_disabled:
                continue
            pinned = self._pinned.setdefault(handle, group.id)
            if pinned != group.id:
                log.warning("directory.handle_moved", handle=handle, granted=pinned, now=group.id)

    async def _person(self, person_id: str, team_id: str | None, *, afresh: bool) -> _CachedPerson:
        cached = self._people.get(person_id)
        if cached is None or afresh or self._clock.monotonic() - cached.read_at > PERSON_SECONDS:
            cached = await self._read_person(person_id)
        # On Enterprise Grid a colleague's gesture may come from another workspace of the same enterprise:
        # `users.info` decides about those. Without an enterprise any other team is a stranger's.
        is_foreign = self._workspace.enterprise_id is None and team_id not in {None, self._workspace.team_id}
        if is_foreign and cached.standing is Standing.MEMBER:
            return replace(cached, standing=Standing.FOREIGN)
        return cached

    async def _read_person(self, person_id: str) -> _CachedPerson:
        try:
            answer = await self._web_api.read("users.info", {"user": person_id})
        except SlackError as error:
            log.warning("directory.person_not_read", person=person_id, problem=str(error))
            return _CachedPerson(person_id, Standing.UNREADABLE, self._clock.monotonic(), (person_id,))
        user = answer.get("user") or {}
        found = standing(user, self._workspace)
        ids = ids_of(user, person_id, self._workspace)
        cached = _CachedPerson(name_of(user, person_id), found, self._clock.monotonic(), ids, zone_of(user))
        if len(self._people) >= _MOST_PEOPLE:
            self._people.clear()
        self._people[person_id] = cached
        return cached


def standing(user: dict[str, Any], workspace: Workspace) -> Standing:
    """Return somebody's standing by `users.info`. What is missing never makes a member."""
    enterprise = (user.get("enterprise_user") or {}).get("enterprise_id")
    is_colleague = workspace.enterprise_id is not None and enterprise == workspace.enterprise_id
    match {**user, "team_id": user.get("team_id") or (user.get("profile") or {}).get("team")}:
        case {"deleted": True}:
            return Standing.DEACTIVATED
        case {"is_bot": True} | {"is_workflow_bot": True} | {"id": "USLACKBOT"}:
            return Standing.BOT
        case {"is_restricted": True} | {"is_ultra_restricted": True}:
            return Standing.GUEST
        case {"is_invited_user": True}:
            return Standing.INVITED
        case {"is_stranger": True}:
            return Standing.FOREIGN
        case {"team_id": str(team_id)} if team_id == workspace.team_id or is_colleague:
            return Standing.MEMBER
        case {"team_id": str()}:
            return Standing.FOREIGN
        case _:
            return Standing.UNREADABLE


def ids_of(user: dict[str, Any], person_id: str, workspace: Workspace) -> tuple[str, ...]:
    """Return every ID of the person whom `users.info` was asked about, the organisation's own first.

    What an account of another organisation says of itself is not believed: it keeps the ID it came with.
    """
    enterprise_user = user.get("enterprise_user") or {}
    organisation = enterprise_user.get("enterprise_id")
    if workspace.enterprise_id is None or organisation != workspace.enterprise_id:
        return (person_id,)
    given = (enterprise_user.get("id"), user.get("id"), person_id)
    return tuple(dict.fromkeys(each for each in given if isinstance(each, str) and each))


def name_of(user: dict[str, Any], person_id: str) -> str:
    """Return somebody's name by `users.info`, the ID where it has none."""
    profile = user.get("profile") or {}
    names = (profile.get("display_name"), user.get("real_name"), profile.get("real_name"), user.get("name"))
    return next((str(name) for name in names if name), person_id)


def zone_of(user: dict[str, Any]) -> tzinfo | None:
    """Return somebody's time zone by `users.info`: by its name, else by how far it is from UTC now."""
    name, offset_seconds = user.get("tz"), user.get("tz_offset")
    if isinstance(name, str):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(name)
    if type(offset_seconds) is int and abs(offset_seconds) < _DAY_SECONDS:
        return timezone(timedelta(seconds=offset_seconds))
    return None


def group_of(item: dict[str, Any]) -> UserGroup:
    """Return a user group from an entry of `usergroups.list`."""
    return UserGroup(
        id=str(item.get("id") or ""),
        handle=str(item.get("handle") or ""),
        members=frozenset(str(member) for member in item.get("users") or ()),
        # `date_delete` is 0 for a living group and may come as a number or as text.
        is_disabled=str(item.get("date_delete") or "0") != "0",
    )
