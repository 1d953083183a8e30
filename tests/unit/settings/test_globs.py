"""Names that fit a glob of the settings."""

import pytest

from bot.settings import matches_glob


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
