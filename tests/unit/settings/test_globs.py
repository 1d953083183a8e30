"""Names that fit a glob of the settings."""

import itertools
import operator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.settings import LONGEST_GLOB, globs_overlap, matches_glob


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("*", "", True),
        ("sql*", "SQL Prod", True),
        ("SQL*", "MySQL", False),
        ("*prod", "SQL PROD", True),
        ("SQL ?", "SQL 1", True),
        ("SQL ?", "SQL 12", False),
        ("[ab]*", "a1", False),
        ("[ab]*", "[AB] 1", True),
        ("a.c", "abc", False),
        ("a*", "a\nb", True),
        ("SQL-*", "SQL\u2013Prod", False),
    ],
)
def test_globs_of_the_settings_are_literal(glob: str, name: str, *, expected: bool) -> None:
    """Only * and ? are wild; letter case is ignored and nothing else."""
    assert matches_glob(glob, name) is expected


def naive(glob: str, name: str) -> bool:
    """A matcher too simple to be wrong: which beginnings of the name the glob, as far as it is read, fits."""
    fits = [True] + [False] * len(name)
    for sign in glob:
        if sign == "*":
            fits = list(itertools.accumulate(fits, operator.or_))
        else:
            fits = [False, *(fit and sign in {"?", letter} for fit, letter in zip(fits, name, strict=False))]
    return fits[-1]


@settings(max_examples=1000)
@given(glob=st.text("ab*?[.\\", max_size=12), name=st.text("ab[.\\\n", max_size=12))
@example("*" * 60 + "s", "a" * 60)
@example("*a*a", "a")
@example("a*a", "a")
@example("?*?", "a")
def test_a_glob_fits_what_a_simple_matcher_says(glob: str, name: str) -> None:
    """Taking each piece where it first occurs loses no match."""
    assert matches_glob(glob, name) is naive(glob, name)


NAMES = ["".join(letters) for length in range(7) for letters in itertools.product("ab", repeat=length)]


@given(one=st.text("abA*?", max_size=3), other=st.text("ab*?", max_size=3))
@example("*a", "b*")
@example("?a", "a*a")
def test_globs_overlap_where_a_name_fits_both(one: str, other: str) -> None:
    """Found without trying names: the shortest of both is no longer than both together."""
    common = any(matches_glob(one, name) and matches_glob(other, name) for name in NAMES)
    assert globs_overlap(one, other) is common


@pytest.mark.parametrize(
    "glob",
    [
        "*" * 255 + "s",
        "*a" * 127 + "*s",
        "*?" * 127 + "s",
        "?*" * 127 + "s",
        "*a?" * 84 + "*s",
        "*aa" * 84 + "b",
    ],
)
@pytest.mark.timeout(10)
def test_no_glob_is_tried_twice(glob: str) -> None:
    """Patterns for which a matcher that goes back would need longer than the universe has."""
    assert len(glob) <= LONGEST_GLOB
    assert not any(matches_glob(glob, f"{'a' * 250}{number}") for number in range(1000))
