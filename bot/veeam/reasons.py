"""What VBR gives as reasons, compared as a person would. Pure."""

import re

from bot.veeam.sessions import Result

_NAMED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|\[[^\[\]]*\]|\{[^{}]*\}|\S*[\\/]\S*|\S*\d\S*")
"""What differs from object to object: what is quoted or bracketed, paths, words with a number in them."""
_MERE_WORDS = frozenset({"", *(result.casefold() for result in Result)})
_MERE_END = re.compile(
    r"\s*(?:\w+\s+)?(?:has\s+)?(?:been\s+)?(?:finished|completed|ended|stopped|failed)"
    r"(?:\s+with\s+(?:an?\s+)?(?:errors?|warnings?))?\s+(?:at|on)\s[\d\s./:,-]+(?:[AP]M)?[\s.]*",
    re.IGNORECASE,
)


def gist(reason: str) -> str:
    """Return what two reasons have in common that differ in the objects, hosts and numbers they name."""
    gist = " ".join(_NAMED.sub("#", " ".join(reason.split()).casefold()).split()).rstrip(".")
    # Nothing but names is no cause to compare by.
    return gist if gist.strip("# .,:;-") else " ".join(reason.casefold().split())


def says_why(message: str | None) -> str | None:
    """Return a result's message, or a log's line, where it says more than the result and when it ended."""
    said = (message or "").strip()
    return None if said.casefold() in _MERE_WORDS or _MERE_END.fullmatch(said) else said
