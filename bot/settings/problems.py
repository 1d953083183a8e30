"""What can be wrong with settings: problems that name the setting and where it came from."""

from collections.abc import Iterable
from dataclasses import dataclass

LIKENESS_OF_A_TYPO = 70
"""Out of 100. Below it, a suggestion would be a guess."""
SHORTEST_BEGINNING = 3
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
    """The known word that was most likely meant, letter case ignored, or None when nothing is near."""
    # Only what is mistyped takes this library: a bot at rest does not carry it.
    from rapidfuzz import fuzz, process  # noqa: PLC0415

    choices = sorted(known)
    found = process.extractOne(
        word, choices, scorer=fuzz.ratio, processor=str.casefold, score_cutoff=LIKENESS_OF_A_TYPO
    )
    if found:
        return found[0]
    return next(
        (choice for choice in choices if _one_begins_the_other(word.casefold(), choice.casefold())), None
    )


def _one_begins_the_other(word: str, other: str) -> bool:
    shorter, longer = sorted((word, other), key=len)
    return len(shorter) >= SHORTEST_BEGINNING and longer.startswith(shorter)


def quoted(word: str) -> str:
    """A value as a problem may repeat it: printable and short."""
    return repr(word if len(word) <= LONGEST_QUOTED else f"{word[: LONGEST_QUOTED - 1]}…")
