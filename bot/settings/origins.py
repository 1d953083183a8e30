"""Where each setting came from, in words an administrator can follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Location = tuple[str | int, ...]
"""The way to a value from the top: ("routes", 1, "channel"); entries count from 0, as in the data."""


@dataclass(frozen=True)
class Origin:
    """A setting's name as its author wrote it, and where."""

    setting: str
    source: str


@dataclass(frozen=True)
class Origins:
    """Knows for every location whether the environment or the file gave it, and what to call it."""

    file_name: str | None = None
    written: frozenset[Location] = frozenset()
    """What stands in the file."""
    variables: Mapping[Location, Origin] = field(default_factory=lambda: MappingProxyType({}))
    """What the environment gave."""

    def of(self, location: Location) -> Origin:
        """The origin of a value, or of the nearest thing around it that was given at all."""
        for length in range(len(location), 0, -1):
            if (origin := self.variables.get(location[:length])) is not None:
                return origin
        setting = ".".join(step for step in location if isinstance(step, str))
        return Origin(setting, self._source(location))

    def _source(self, location: Location) -> str:
        if location in self.written or location[:-1] in self.written:
            return place_in_file(self.file_name, location)
        return "not set"


def place_in_file(file_name: str | None, location: Location) -> str:
    """A location as TOML's author sees it: "veeam-bot.toml, [[routes]] 2, channel"."""
    table: list[str] = []
    parts = [file_name or "settings"]
    for position, step in enumerate(location):
        following = location[position + 1] if position + 1 < len(location) else None
        if isinstance(step, int):
            continue
        table.append(step)
        if isinstance(following, int) and len(location) > position + 2:
            parts.append(f"[[{'.'.join(table)}]] {following + 1}")
        elif isinstance(following, int):
            parts.append(f"{step}, entry {following + 1}")
        elif isinstance(following, str) and position == 0:
            parts.append(f"[{step}]")
        elif following is None:
            parts.append(step)
    return ", ".join(parts)


def locations_in(data: Any, at: Location = ()) -> frozenset[Location]:
    """Every location of a tree of tables and lists, its branches included."""
    if isinstance(data, dict):
        steps: list[tuple[str | int, Any]] = list(data.items())
    elif isinstance(data, list):
        steps = list(enumerate(data))
    else:
        return frozenset({at})
    return frozenset({at}).union(*(locations_in(value, (*at, step)) for step, value in steps))
