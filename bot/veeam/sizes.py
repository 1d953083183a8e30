"""Sizes in words, the same wherever they are said."""

import math

import humanize


def size_in_words(size_bytes: float) -> str:
    """A size as VBR's console prints it: binary, and named GB and TB."""
    if not math.isfinite(size_bytes):
        return "?"
    return humanize.naturalsize(max(0, size_bytes), binary=True).replace("iB", "B").replace(".0 ", " ")
