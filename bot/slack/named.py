"""Which channels, user groups and people the settings name, for what, and where they stand. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from bot.settings import Settings


class Purpose(Enum):
    """What something of Slack is named for."""

    TELL = auto()
    """Messages are posted to this channel."""
    ALLOW = auto()
    """The command works in this channel."""
    GRANT = auto()
    """This group or person holds a role."""
    MENTION = auto()
    """This group or person is named when the last attempt has failed."""


@dataclass(frozen=True, slots=True)
class Named:
    """One channel, group or person, spelt as the settings spell it; `places` say where to change that."""

    id: str
    purposes: frozenset[Purpose]
    places: tuple[str, ...]

    @property
    def is_channel(self) -> bool:
        """Whether it is a channel's ID, or that of a direct conversation."""
        return self.id.startswith(("C", "G", "D"))

    @property
    def is_group(self) -> bool:
        """Whether it is a user group's ID or `@handle`; otherwise, and if it is no channel, a person's ID."""
        return self.id.startswith(("S", "@"))


def named_in(settings: Settings) -> tuple[Named, ...]:
    """Return everything of Slack that the settings name, each once, in their order."""
    purposes: dict[str, set[Purpose]] = {}
    places: dict[str, dict[str, None]] = {}
    for spelling, purpose, place in (*_channels(settings), *_holders(settings), *_mentions(settings)):
        purposes.setdefault(spelling, set()).add(purpose)
        places.setdefault(spelling, {})[place] = None
    return tuple(
        Named(spelling, frozenset(found), tuple(places[spelling])) for spelling, found in purposes.items()
    )


_Use = tuple[str, Purpose, str]


def _channels(settings: Settings) -> Iterator[_Use]:
    slack = settings.slack
    for key, channel in (("default_channel", slack.default_channel), ("audit_channel", slack.audit_channel)):
        if channel is not None:
            yield channel, Purpose.TELL, settings.origin("slack", key).place
    for at, channel in enumerate(slack.allowed_channels):
        yield channel, Purpose.ALLOW, settings.origin("slack", "allowed_channels", at).place
    for at, route in enumerate(settings.routes):
        yield route.channel, Purpose.TELL, settings.origin("routes", at, "channel").place
    for at, expectation in enumerate(settings.expectations):
        yield expectation.channel, Purpose.TELL, settings.origin("expectations", at, "channel").place
    for at, digest in enumerate(settings.digests):
        yield digest.channel, Purpose.TELL, settings.origin("digests", at, "channel").place


def _holders(settings: Settings) -> Iterator[_Use]:
    for at, grant in enumerate(settings.grants):
        if grant.group is not None:
            yield grant.group, Purpose.GRANT, settings.origin("grants", at, "group").place
        if grant.user is not None:
            yield grant.user, Purpose.GRANT, settings.origin("grants", at, "user").place


def _mentions(settings: Settings) -> Iterator[_Use]:
    for at, route in enumerate(settings.routes):
        if route.mention is not None:
            yield route.mention, Purpose.MENTION, settings.origin("routes", at, "mention").place
