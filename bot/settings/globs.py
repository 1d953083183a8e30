"""Globs, as people type them and the settings name servers and jobs by them: `SQL*`, `dr-?`."""

import re
from functools import lru_cache

LONGEST_GLOB = 256
"""Characters. Longer than any name in VBR; a pattern beyond it is refused where it is read."""

_STARS = re.compile(r"\*+")


def is_glob(text: str) -> bool:
    """Whether the text has a wildcard in it."""
    return "*" in text or "?" in text


def matches_glob(glob: str, name: str) -> bool:
    """Whether the whole name fits a glob: `*` any text, `?` one character, letter case aside.

    However many stars there are, nothing is tried twice. Not `fnmatch`: its `[…]` is a set of characters, and
    jobs have names such as "[Prod] SQL".
    """
    return _compiled(glob.casefold()).fullmatch(name.casefold()) is not None


def globs_overlap(one: str, other: str) -> bool:
    """Whether a name can fit both globs, letter case aside."""
    one, other = one.casefold(), other.casefold()
    # Whether the rest of `one` overlaps each rest of `other`, from the ends on.
    below = [not other[at:].strip("*") for at in range(len(other) + 1)]
    for letter in reversed(one):
        row = [letter == "*" and below[-1]]
        for at in range(len(other) - 1, -1, -1):
            if "*" in {letter, other[at]}:
                row.append(below[at] or row[-1])
            else:
                fits = letter == other[at] or "?" in {letter, other[at]}
                row.append(fits and below[at + 1])
        below = row[::-1]
    return below[0]


def folded_glob(glob: str) -> re.Pattern[str]:
    """Return the glob to match many whole names with, each in folded letter case."""
    return _compiled(glob.casefold())


@lru_cache(maxsize=512)
def _compiled(glob: str) -> re.Pattern[str]:
    """Each piece between stars is taken where it first occurs, and kept: a later place never fits better.

    The last piece is compared once, at the end of the name.
    """
    first, *others = _STARS.sub("*", glob).split("*")
    if not others:
        return re.compile(_piece(first), re.DOTALL)
    *between, last = others
    taken = "".join(f"(?>.*?{_piece(piece)})" for piece in between)
    return re.compile(f"{_piece(first)}{taken}.{{{len(last)},}}+(?<={_piece(last)})", re.DOTALL)


def _piece(text: str) -> str:
    return "".join("." if letter == "?" else re.escape(letter) for letter in text)
