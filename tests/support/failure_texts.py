"""Texts of failures as VBR words them (`failure_texts.toml`), for tests and measurements."""

import tomllib
from pathlib import Path

_FILE = tomllib.loads((Path(__file__).parent / "failure_texts.toml").read_text(encoding="utf-8"))

KNOWN_CAUSES: tuple[tuple[str, str], ...] = tuple(
    (text, cause) for cause, texts in _FILE["known"].items() for text in texts
)
"""Texts, each with the key of the cause that it names."""
NO_CAUSE: tuple[str, ...] = tuple(_FILE["no_cause"])
"""Texts that only say that something failed, or that nobody can tell."""
