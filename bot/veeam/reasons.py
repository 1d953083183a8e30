"""What VBR gives as reasons, compared as a person would. Pure."""

import re
from collections.abc import Iterable, Sequence

from bot.veeam.sessions import LogRecord, Result, TaskSession

_GIST_CHARACTERS = 500
"""Of a reason: what differs only behind them is the same trouble."""
_NAMED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)|\[[^\[\]]*\]|\{[^{}]*\}|[^\s\\/\d]*+[\\/\d]\S*")
"""What differs from object to object: what is quoted or bracketed, paths, words with a number in them."""
_MERE_WORDS = frozenset({"", *(result.casefold() for result in Result)})
_MERE_END = re.compile(
    r"\s*(?:\w+\s+)?(?:has\s+)?(?:been\s+)?(?:finished|completed|ended|stopped|failed)"
    r"(?:\s+with\s+(?:an?\s+)?(?:errors?|warnings?))?\s+(?:at|on)\s[\d\s./:,-]+(?:[AP]M)?[\s.]*",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"\b(?:processing|task|vm|machine|object|error|warning|failed|details|of|for)\b|[\W_]+", re.IGNORECASE
)
"""What a line of the log says beside the name of an object and its message."""


def cut_in_middle(text: str, characters: int) -> str:
    """Return a text of VBR's, cut visibly where it is too long.

    Its beginning says what was tried and its end what went wrong: of the end more is kept.
    """
    text = text.strip()
    if len(text) <= characters:
        return text
    head = characters * 2 // 5
    return f"{text[:head]}\u2026{text[head + 1 - characters :]}"


def gist(reason: str) -> str:
    """Return what two reasons have in common that differ in the objects, hosts and numbers they name."""
    reason = " ".join(reason.split())[:_GIST_CHARACTERS]
    gist = " ".join(_NAMED.sub("#", reason.casefold()).split()).rstrip(".")
    # Nothing but names is no cause to compare by.
    return gist if gist.strip("# .,:;-") else reason.casefold()


def says_why(message: str | None) -> str | None:
    """Return a result's message, or a log's line, where it says more than the result and when it ended."""
    said = (message or "").strip()
    return None if said.casefold() in _MERE_WORDS or _MERE_END.fullmatch(said) else said


def news_in(
    records: Iterable[LogRecord], tasks: Iterable[TaskSession], own_message: str | None
) -> Sequence[LogRecord]:
    """Return the records that say more than the session, its objects that failed or warned, and its end."""
    said = {"", _bare(own_message or "")}
    for task in tasks:
        if task.outcome in {Result.FAILED, Result.WARNING}:
            message = (task.result and task.result.message) or ""
            said |= {_bare(task.name), _bare(message), _bare(f"{task.name} {message}")}
    texts = ((record, record.title or record.description) for record in records)
    return [record for record, text in texts if says_why(text) is not None and _bare(text) not in said]


def _bare(text: str) -> str:
    """What a text says once filling words, blanks and punctuation are gone."""
    return _FILLER.sub("", text.casefold())
