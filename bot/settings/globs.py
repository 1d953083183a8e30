"""Globs, as the settings name servers and jobs by them: `SQL*`, `dr-?`."""

import re
from functools import lru_cache

_WILDCARDS = {"*": ".*", "?": "."}


def is_glob(text: str) -> bool:
    """Whether the text has a wildcard in it."""
    return "*" in text or "?" in text


def matches_glob(glob: str, name: str) -> bool:
    """Whether the whole name fits a glob: `*` any text, `?` one character, letter case aside.

    Not `fnmatch`: its `[…]` is a set of characters, and jobs have names such as "[Prod] SQL".
    """
    return _compiled(glob.casefold()).fullmatch(name.casefold()) is not None


@lru_cache(maxsize=512)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile("".join(_WILDCARDS.get(letter) or re.escape(letter) for letter in glob), re.DOTALL)
