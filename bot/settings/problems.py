"""What can be wrong with settings: problems that name the setting and where it came from."""

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz, process

LIKENESS_OF_A_TYPO = 70
"""Out of 100. Below it, a suggestion would be a guess."""
LONGEST_QUOTED = 40


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the setting, where its value came from, and what to do about it."""

    setting: str
    source: str
    text: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.text} ({self.source})"


class SettingsWrong(Exception):
    """The settings cannot be used. Carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a typo most likely meant, letter case ignored, or None when nothing is near."""
    found = process.extractOne(
        word, tuple(known), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=LIKENESS_OF_A_TYPO
    )
    return found[0] if found else None


def quoted(word: str) -> str:
    """A value as a problem may repeat it: printable and short."""
    return repr(word if len(word) <= LONGEST_QUOTED else f"{word[: LONGEST_QUOTED - 1]}…")
