"""Where each setting came from, in words an administrator can follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOT_SET = "not set"
Location = tuple[str | int, ...]
"""The way to a value from the top: ("routes", 1, "channel"); entries count from 0, as in the data."""


@dataclass(frozen=True)
class Origin:
    """A setting's name as its author wrote it, and where."""

    setting: str
    source: str

    @property
    def place(self) -> str:
        """Where to change it: the source, or the setting's name where nothing gave a value."""
        return self.setting if self.source == NOT_SET else self.source


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

    def place(self, location: Location) -> str:
        """A location as the file's author sees it: "veeam-bot.toml, [[routes]] 2, channel"."""
        parts = [self.file_name or "settings"]
        for length in range(1, len(location) + 1):
            parts += self._step(location[:length], is_last=length == len(location))
        return ", ".join(parts)

    def _source(self, location: Location) -> str:
        return self.place(location) if location in self.written else NOT_SET

    def _step(self, location: Location, *, is_last: bool) -> list[str]:
        step = location[-1]
        if isinstance(step, int):
            repeated = ".".join(part for part in location if isinstance(part, str))
            return [f"[[{repeated}]] {step + 1}" if self._is_table(location) else f"entry {step + 1}"]
        if is_last or self._holds_texts(location):
            return [step]
        return [f"[{step}]"] if len(location) == 1 and not self._is_list(location) else []

    def _is_table(self, location: Location) -> bool:
        return any(at[:-1] == location and isinstance(at[-1], str) for at in self.written if at)

    def _is_list(self, location: Location) -> bool:
        return (*location, 0) in self.written

    def _holds_texts(self, location: Location) -> bool:
        return self._is_list(location) and not self._is_table((*location, 0))


def locations_in(data: Any, at: Location = ()) -> frozenset[Location]:
    """Every location of a tree of tables and lists, its branches included."""
    if isinstance(data, dict):
        steps: list[tuple[str | int, Any]] = list(data.items())
    elif isinstance(data, list):
        steps = list(enumerate(data))
    else:
        return frozenset({at})
    return frozenset({at}).union(*(locations_in(value, (*at, step)) for step, value in steps))
