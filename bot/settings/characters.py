r"""Characters that nobody sees: what a paste leaves around a value, and what no value has in it.

`"TECH\backup"` in TOML's double quotes is TECH, a backspace and "ackup". Windows puts a mark of direction
before the fingerprint that is copied from a certificate.
"""

import unicodedata
from collections.abc import Callable

_CONTROLS = {
    "\b": ("a backspace", r"\b"),
    "\t": ("a tab", r"\t"),
    "\n": ("a line break", r"\n"),
    "\f": ("a form feed", r"\f"),
    "\r": ("a carriage return", r"\r"),
    "\x1b": ("an escape character", r"\e"),
}
_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Drawn as nothing, though Unicode takes them for letters, marks or symbols."""
LONGEST_SUGGESTED = 80


def is_invisible(letter: str) -> bool:
    """Whether a character is drawn as nothing: marks of direction, joiners, fillers, a byte-order mark."""
    return letter in _FILLERS or unicodedata.category(letter) == "Cf"


def trimmed(value: str) -> str:
    """Return the value without what a paste left around it: blanks, line breaks, invisible characters."""
    start, end = 0, len(value)
    while start < end and _is_nothing(value[start]):
        start += 1
    while end > start and _is_nothing(value[end - 1]):
        end -= 1
    return value[start:end]


def without_invisible(value: str) -> str:
    """Return the value without any invisible character in it."""
    return "".join(letter for letter in value if not is_invisible(letter))


def control_problem(value: str, *, in_toml: bool = False, may_repeat: bool = False) -> str | None:
    """What is wrong with a value that has a control character in it, and what to write instead; else None.

    The value is repeated only where it surely is no secret.
    """
    found = _first(value, _is_control)
    if found is None:
        return None
    name = _CONTROLS[found][0] if found in _CONTROLS else f"the control character U+{ord(found):04X}"
    what = f"has {name} in it"
    if not in_toml:
        return f"{what}: write it again, without; a backslash that was meant must reach the bot as one"
    meant = "".join(_CONTROLS[letter][1] if letter in _CONTROLS else letter for letter in value)
    if (
        not may_repeat
        or len(meant) > LONGEST_SUGGESTED
        or not meant.isprintable()
        or "'" in meant
        or '"' in meant
    ):
        return f"{what}: in double quotes write each backslash twice, or put the value in single quotes"
    doubled = meant.replace("\\", "\\\\")
    return f"{what}: if a backslash is meant, write '{meant}' in single quotes, or \"{doubled}\""


def invisible_problem(value: str, *, at_the_ends: bool = False) -> str | None:
    """What is wrong with a value that has an invisible character in it, or at its ends; else None."""
    looked_at = value[:1] + value[-1:] if at_the_ends else value
    found = _first(looked_at, _is_hidden)
    if found is None:
        return None
    where = "begins or ends with" if at_the_ends else "has"
    rest = "" if at_the_ends else " in it"
    name = unicodedata.name(found, f"U+{ord(found):04X}")
    return f"{where} a character that cannot be seen{rest} ({name}, U+{ord(found):04X}): write it without"


def _first(value: str, is_such: Callable[[str], bool]) -> str | None:
    return next((letter for letter in value if is_such(letter)), None)


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) == "Cc"


def _is_hidden(letter: str) -> bool:
    """Invisible, or a blank that is not the usual one."""
    return is_invisible(letter) or (letter != " " and unicodedata.category(letter) in {"Zs", "Zl", "Zp"})


def _is_nothing(letter: str) -> bool:
    return letter.isspace() or is_invisible(letter)
