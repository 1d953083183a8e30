"""What VBR gives as reasons, compared as a person would. Pure."""

import re

from bot.veeam.sessions import Result

_NAMED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|\[[^\[\]]*\]|\{[^{}]*\}|\S*[\\/]\S*|\S*\d\S*")
"""What differs from object to object: what is quoted or bracketed, paths, words with a number in them."""
_MERE_WORDS = frozenset({"", *(result.casefold() for result in Result)})


def gist(reason: str) -> str:
    """Return what two reasons have in common that differ in the objects, hosts and numbers they name."""
    gist = " ".join(_NAMED.sub("#", " ".join(reason.split()).casefold()).split()).rstrip(".")
    # Nothing but names is no cause to compare by.
    return gist if gist.strip("# .,:;-") else " ".join(reason.casefold().split())


def says_why(message: str | None) -> str | None:
    """Return a result's message where it says more than the result itself does."""
    return None if message is None or message.strip().casefold() in _MERE_WORDS else message.strip()
