"""What the page shows beside the workspace: servers, roles to write under names, what may be broken."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServerCard:
    """A simulated VBR as other clients need to know it; its password is made up and meant to be read."""

    name: str
    url: str
    username: str
    password: str
    api_version: str
    fingerprint: str = ""  # SHA-256 of its certificate, hex

    def json(self) -> Json:
        """The card for the page's script."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FaultSwitch:
    """Something that can be broken on purpose, by a switch or, without `is_on`, once for each press."""

    key: str
    label: str
    hint: str
    apply: Callable[[bool], Awaitable[None]]
    is_on: Callable[[], bool] | None = None

    def json(self) -> Json:
        """The fault as it stands, for the page's script."""
        return {
            "key": self.key,
            "label": self.label,
            "hint": self.hint,
            "is_switch": self.is_on is not None,
            "is_on": self.is_on is not None and self.is_on(),
        }


@dataclass(frozen=True, slots=True)
class PageSetting:
    """The page's surroundings; the defaults show a workspace and nothing beside it."""

    servers: tuple[ServerCard, ...] = ()
    faults: tuple[FaultSwitch, ...] = ()
    roles: Mapping[str, str] = field(default_factory=dict)  # person ID -> what stands under the name
    examples: tuple[tuple[str, str], ...] = ()  # words after the command, and what they do
    channel: str | None = None  # where a newcomer begins
    person: str | None = None  # who a newcomer is
