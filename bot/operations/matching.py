"""What a typed word may mean among names: pure comparisons, without a look at rights or servers.

Keyboards and documents rewrite punctuation, so what was typed is compared by `fold`: letter case, curly
quotes, dashes, odd blanks and invisible characters make no difference. Settings are compared literally but
for letter case.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TypeVar

from bot.settings import is_glob, matches_glob

T = TypeVar("T")

DOUBLE_QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb'
SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
INVISIBLE = "\u00ad\u034f\u061c\u17b4\u17b5" + "".join(
    chr(code)
    for first, last in (
        (0x180B, 0x180F),
        (0x200B, 0x200F),  # joiners, and marks of direction
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0xFE00, 0xFE0F),  # how an emoji or a variant is drawn
        (0xFEFF, 0xFEFF),
        (0xE0000, 0xE01EF),
    )
    for code in range(first, last + 1)
)
"""What is not seen, or only in how the letter beside it is drawn."""
FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters by their category, and blanks to the eye."""
LIKENESS_WORTH_NAMING = 60
"""Out of 100. Below it a name is not alike but merely the least unlike."""

_EQUIVALENTS = str.maketrans(
    dict.fromkeys(DOUBLE_QUOTES, '"')
    | dict.fromkeys(SINGLE_QUOTES, "'")
    | dict.fromkeys(DASHES, "-")
    | dict.fromkeys(INVISIBLE, None)
    | dict.fromkeys(FILLERS, " ")
    | {"\u2026": "..."}
)
_WRITTEN_EMOJI = re.compile(r":[\w+\-]+:")
_QUOTES_AROUND = "\"'"
_EVERYTHING = frozenset(
    {"all", "all jobs", "all of them", "any", "each", "every", "every job", "everything", "jobs", "the jobs"}
)
_NO_NAME = " *?%"


def fold(text: str) -> str:
    """Return the text as a person compares names: case, punctuation's typography and runs of blanks made one.

    What is not seen does not count, and an emoji may be written out: `:fire:`.
    """
    return unicodedata.normalize("NFC", " ".join(_as_seen(text.translate(_EQUIVALENTS).casefold()).split()))


def bare(word: str) -> str:
    """Return the word as commands and options are compared: lower case, without leading dashes."""
    return word.casefold().lstrip(f"-{DASHES}")


def means_everything(text: str) -> bool:
    """Whether the text names all there is, or nothing at all, instead of a name or a part of one."""
    folded = fold(text)
    return folded in _EVERYTHING or not folded.strip(_NO_NAME)


def is_exactly(typed: str, name: str) -> bool:
    """Whether a name was typed out, letter by letter.

    What nobody sees or chooses doesn't count: blanks around it, and how a keyboard wrote quotes and dashes.
    """
    return _typeset(typed) == _typeset(name)


def fits(pattern: str, name: str) -> bool:
    """Whether a list narrowed by this pattern shows the name: it holds the pattern, or fits it as a glob."""
    folded = _folded_pattern(pattern)
    if not folded:
        return False
    shown = fold(name)
    return folded in shown or (is_glob(folded) and matches_glob(folded, shown))


def pick(word: str, among: Sequence[T], name_of: Callable[[T], str], *, exact: bool = False) -> tuple[T, ...]:
    """Return what the word means: all that match in the best way that matches at all.

    The ways, best first: the very name; the name folded; a part of it; a glob. With `exact` (it stood in
    quotes) only whole names count. Quotes that were left open are taken off before giving up.
    """
    ways = _whole_name_ways(word) if exact else (*_whole_name_ways(word), *_loose_ways(word))
    for way in ways:
        if found := tuple(candidate for candidate in among if way(name_of(candidate))):
            return found
    bare = word.translate(_EQUIVALENTS).strip(_QUOTES_AROUND)
    return pick(bare, among, name_of) if not exact and bare and bare != word else ()


def named(
    word: str, among: Sequence[T], name_of: Callable[[T], str], *, is_strict: bool = False
) -> tuple[T, ...]:
    """Return what bears this whole name, as a person compares names.

    With `is_strict` what bears the very name is all that counts, where anything does.
    """
    very = tuple(one for one in among if name_of(one) == word) if is_strict else ()
    folded = fold(word)
    return very or tuple(one for one in among if fold(name_of(one)) == folded)


def nearest(word: str, names: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """Return the names most like the word, best first, none where nothing is alike."""
    # Only what is mistyped takes this library: a bot at rest does not carry it.
    from rapidfuzz import fuzz, process  # noqa: PLC0415

    known = tuple(dict.fromkeys(names))
    found = process.extract(
        fold(word),
        [fold(name) for name in known],
        scorer=fuzz.WRatio,
        limit=limit,
        score_cutoff=LIKENESS_WORTH_NAMING,
    )
    return tuple(known[place] for _, _, place in found)


def _whole_name_ways(word: str) -> tuple[Callable[[str], bool], ...]:
    folded = fold(word)
    return (lambda name: name == word, lambda name: fold(name) == folded)


def _loose_ways(word: str) -> tuple[Callable[[str], bool], ...]:
    folded = fold(word)
    if not folded:
        return ()
    ways = (lambda name: folded in fold(name), lambda name: matches_glob(folded, fold(name)))
    return ways if is_glob(word) else ways[:1]


@lru_cache(maxsize=128)
def _folded_pattern(pattern: str) -> str:
    return fold(pattern)  # A list compares one pattern with thousands of names.


def _typeset(text: str) -> str:
    seen = _as_seen(text.translate(_EQUIVALENTS))
    return unicodedata.normalize("NFC", re.sub(r"\s", " ", seen).strip())


def _as_seen(text: str) -> str:
    """The text with emoji that are written out as what they stand for; Slack hands them over so."""
    if _WRITTEN_EMOJI.search(text) is None:
        return text
    # Few names take this library: a bot at rest does not carry it.
    from emoji import emojize  # noqa: PLC0415

    return emojize(text, language="alias").translate(_EQUIVALENTS)
