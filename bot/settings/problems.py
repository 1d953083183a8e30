"""What can be wrong with a setting, and where its value came from, in words an administrator can follow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOT_SET = "not set"
LIKENESS_OF_A_TYPO = 70
"""Out of 100. Below it, a suggestion would be a guess."""
SHORTEST_BEGINNING = 3
LONGEST_QUOTED = 40

Location = tuple[str | int, ...]
"""The way to a value from the top: ("routes", 1, "channel"); entries count from 0, as in the data."""


@dataclass(frozen=True)
class SettingsProblem:
    """One thing that is wrong: the setting, where its value came from, and what to do about it."""

    setting: str
    source: str
    text: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.text} ({self.source})"


class SettingsWrong(Exception):
    """The settings cannot be used. Carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[SettingsProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class SettingOrigin:
    """A setting's name as its author wrote it, and where."""

    setting: str
    source: str

    @property
    def place(self) -> str:
        """Where to change it: the source, or the setting's name where nothing gave a value."""
        return self.setting if self.source == NOT_SET else self.source

    def problem(self, text: str) -> SettingsProblem:
        """A problem of the value that came from here."""
        return SettingsProblem(self.setting, self.source, text)


@dataclass(frozen=True)
class SettingOrigins:
    """Knows for every location whether the environment or the file gave it, and what to call it."""

    file_name: str | None = None
    in_file: frozenset[Location] = frozenset()
    """What stands in the file."""
    variables: Mapping[Location, SettingOrigin] = field(default_factory=lambda: MappingProxyType({}))
    """What the environment gave."""

    def of(self, location: Location) -> SettingOrigin:
        """The origin of a value, or of the nearest thing around it that was given at all."""
        for length in range(len(location), 0, -1):
            if (origin := self.variables.get(location[:length])) is not None:
                return origin
        source = self.place(location) if location in self.in_file else NOT_SET
        return SettingOrigin(keys(location), source)

    def place(self, location: Location) -> str:
        """A location as the file's author sees it: "veeam-bot.toml, [[routes]] 2, channel"."""
        parts = [self.file_name or "settings"]
        for length in range(1, len(location) + 1):
            parts += self._step(location[:length], is_last=length == len(location))
        return ", ".join(parts)

    def _step(self, location: Location, *, is_last: bool) -> list[str]:
        step = location[-1]
        if isinstance(step, int):
            return [f"[[{keys(location)}]] {step + 1}" if self._is_table(location) else f"entry {step + 1}"]
        is_list = (*location, 0) in self.in_file
        if is_last or (is_list and not self._is_table((*location, 0))):
            return [step]
        return [f"[{step}]"] if len(location) == 1 and not is_list else []

    def _is_table(self, location: Location) -> bool:
        return any(at[:-1] == location and isinstance(at[-1], str) for at in self.in_file if at)


def keys(location: Location) -> str:
    """The keys of a location, as a table is headed in the file: "servers.accounts"."""
    return ".".join(step for step in location if isinstance(step, str))


def locations_in(data: Any, at: Location = ()) -> frozenset[Location]:
    """Every location of a tree of tables and lists, its branches included."""
    if isinstance(data, dict):
        steps: list[tuple[str | int, Any]] = list(data.items())
    elif isinstance(data, list):
        steps = list(enumerate(data))
    else:
        return frozenset({at})
    return frozenset({at}).union(*(locations_in(value, (*at, step)) for step, value in steps))


def nearest_word(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, letter case ignored, or None when nothing is near."""
    # Only what is mistyped takes this library: a bot at rest does not carry it.
    from rapidfuzz import fuzz, process  # noqa: PLC0415

    choices = sorted(known)
    found = process.extractOne(
        word, choices, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=LIKENESS_OF_A_TYPO
    )
    if found:
        return found[0]
    for choice in choices:
        shorter, longer = sorted((word.casefold(), choice.casefold()), key=len)
        if len(shorter) >= SHORTEST_BEGINNING and longer.startswith(shorter):
            return choice
    return None


def quoted(word: str) -> str:
    """A value as a problem may repeat it: printable and short."""
    return repr(word if len(word) <= LONGEST_QUOTED else f"{word[: LONGEST_QUOTED - 1]}…")
