"""Sizes in words, the same wherever they are said."""

import math

import humanize

GIGABYTE = 1024**3
"""VBR's: binary."""


def size_in_words(size_bytes: float) -> str:
    """A size as VBR's console prints it: binary, and named GB and TB."""
    if not math.isfinite(size_bytes):
        return "?"
    words = humanize.naturalsize(max(0, size_bytes), binary=True)
    return words.replace("iB", "B").replace(".0 ", " ").replace(" Bytes", " B").replace(" Byte", " B")
