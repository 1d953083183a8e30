"""Who is asking: a person as the operations see one, whatever the chat platform knows about them."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.settings import PersonId

__all__ = ["People", "Person", "PersonId", "Standing"]


class Standing(StrEnum):
    """How a person stands towards the organisation; only a member is ever allowed anything."""

    MEMBER = "member"
    GUEST = "guest"
    FOREIGN = "foreign"
    DEACTIVATED = "deactivated"
    INVITED = "invited"
    BOT = "bot"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Person:
    """One person at the time of asking.

    `groups` holds every spelling under which a grant may name a group of theirs (its ID, and `@handle` where
    the settings use the handle). None means that the groups could not be read: nobody is let in on a guess.
    """

    id: PersonId
    name: str
    standing: Standing
    groups: frozenset[str] | None


class People(Protocol):
    """Where people are looked up; implemented by the room that knows the chat platform."""

    async def read(self, person_id: PersonId, team_id: str | None = None) -> Person:
        """Return the person, with `Standing.UNREADABLE` when they cannot be read. Never raises."""

    def group_names(self, groups: Collection[str]) -> tuple[str, ...]:
        """Return the groups' names as people know them (`@backup-admins`), as given where unknown."""
