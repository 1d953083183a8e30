"""Keeps secrets out of everything written: the configured ones by value, others by their look or their key.

A secret is masked as it is, and as it looks inside a repr, a JSON string or a URL.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

from pydantic import SecretBytes, SecretStr

MASK: Final = "[redacted]"
SHORTEST: Final = 4
"""Characters. A shorter secret looks like ordinary text, and masking it would hide the log."""

_SECRET_KEYS: Final = frozenset({
    "access_token", "app_token", "authorization", "bot_token", "client_secret", "cookie", "password",
    "refresh_token", "response_url", "secret", "set-cookie", "signing_secret", "ticket", "token",
    "upload_url", "x-slack-signature",
})  # fmt: skip

_NAMED = r"(?:pass(?:word|wd|phrase)|pwd|secret|token|response_url|upload_url|authorization)"
_QUOTE = r"[\"'`]"
_PATTERNS: Final = (
    (re.compile(r"\b(xox[a-z]|xapp)([-.])[\w.%-]+"), rf"\1\2{MASK}"),
    (re.compile(r"(authorization[\\\"']*\s*[=:]\s*[\\\"']*\w+\s+)[\w.~+/=-]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"((?:hooks|files)\.slack(?:-gov)?\.com)/[^\s\"'\\<>]+", re.IGNORECASE), rf"\1/{MASK}"),
    (re.compile(r"([?&]ticket=)[^&\s\"'\\<>]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"(://[^\s:/@\"']*):[^\s/@\"']+@"), rf"\1:{MASK}@"),
    # The value of a named secret: quoted (in JSON or a repr, perhaps escaped once more), or bare.
    (re.compile(rf"({_NAMED}[\\\"']*\s*[=:]\s*\\*)([\"'])(?:(?!\2).)+", re.IGNORECASE), rf"\1\2{MASK}"),
    (
        re.compile(rf"({_NAMED}[\\\"']*(?:\s*=\s*|:))(?!\[redacted\])[^\s\"'&,;)}}\\]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
)
# Here a sentence can go on instead: "Basic authentication failed", "Invalid password: access is denied".
_PERHAPS: Final = (
    re.compile(r"\b((?:bearer|basic)\s+)([\w.~+/=-]{6,})", re.IGNORECASE),
    re.compile(rf"({_NAMED}[\\\"']*\s*:\s+)(?!\[redacted\])([^\s\"'&,;)}}\\]+)", re.IGNORECASE),
)
_LONGEST_WORD = 16
_LONGEST_SHORT = 5
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL_CASE = re.compile(r"[A-Z]?[a-z]+(?:[A-Z][a-z]{2,})*")
_IN_PROSE = re.compile(r"[(]?(?:[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|\d{1,3}|0x[0-9a-fA-F]{1,8})[.!?:]*")


class Redaction:
    """Masks secrets in texts and in trees of values; the same for every line that is logged.

    A configured secret is masked wherever it stands. Two kinds could be part of ordinary text: a short one,
    which is left alone inside a longer word or number, and one that is a word, such as `backup`, which is
    masked where a value stands: in quotes, after `=`, behind the name of a secret, in an address, or alone.
    """

    def __init__(self, secrets: Iterable[SecretStr] = ()) -> None:
        values = {secret.get_secret_value().strip() for secret in secrets}
        spellings = {
            spelling for value in values for spelling in _spellings(value) if len(spelling) >= SHORTEST
        }
        # The longest first: a secret that contains another one must not be left half shown.
        ordered = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
        anywhere = [_anywhere(spelling) for spelling in ordered if not is_word(spelling)]
        words = "|".join(map(re.escape, filter(is_word, ordered)))
        self._anywhere = re.compile("|".join(anywhere)) if anywhere else None
        self._words = tuple(re.compile(each.replace("WORDS", words)) for each in _PLACES) if words else ()

    def text(self, text: str) -> str:
        """The text with every secret masked."""
        masked = self._anywhere.sub(MASK, text) if self._anywhere else text
        for place in self._words:
            masked = place.sub(rf"\g<before>{MASK}", masked)
        for pattern, replacement in _PATTERNS:
            masked = pattern.sub(replacement, masked)
        for pattern in _PERHAPS:
            masked = pattern.sub(_unless_prose, masked)
        return masked

    def value(self, value: Any) -> Any:
        """The value as plain data (texts, numbers, lists, dicts) with every secret in it masked."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return value if self.text(repr(value)) == repr(value) else MASK
        if isinstance(value, str):
            return self.text(str(value))
        if isinstance(value, SecretStr | SecretBytes):
            return MASK
        if isinstance(value, bytes | bytearray | memoryview):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        if isinstance(value, Mapping):
            return self.mapping(value)
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(entry) for entry in value]
        if isinstance(value, BaseException):
            return self.text(f"{type(value).__name__}: {value}")
        return self.text(repr(value))

    def mapping(self, mapping: Mapping[Any, Any]) -> dict[str, Any]:
        """The same for a mapping; the value of a key that names a secret is masked whole."""
        return {
            self.text(str(key)): MASK if str(key).casefold() in _SECRET_KEYS and value else self.value(value)
            for key, value in mapping.items()
        }


def is_word(text: str) -> bool:
    """Whether it could stand in a sentence: letters alone, in a case that words have."""
    if len(text) > _LONGEST_WORD or not _WORD.fullmatch(text):
        return False
    return text.islower() or text.isupper() or text.istitle() or bool(_CAMEL_CASE.fullmatch(text))


def _anywhere(secret: str) -> str:
    """The pattern of a secret that is no word; a short one is not looked for inside a longer word."""
    if len(secret) > _LONGEST_SHORT:
        return re.escape(secret)
    before = r"(?<!\w)" if secret[0].isalnum() else ""
    after = r"(?!\w)" if secret[-1].isalnum() else ""
    return f"{before}{re.escape(secret)}{after}"


# Where a word is a value. The first group is what stands before it and stays.
_PLACES: Final = (
    rf"(?P<before>{_QUOTE})(?:WORDS)(?=\\*{_QUOTE})",
    r"(?P<before>=\s*|\w:|://)(?:WORDS)(?!\w)",
    r"(?P<before>)(?<!\w)(?:WORDS)(?=@)",
    rf"(?P<before>(?i:{_NAMED}|bearer|basic)[\\\"']*(?:\s*[=:]\s*|\s+(?:(?:is|was)\s+)?)[\\\"']*)(?:WORDS)(?!\w)",
    r"(?P<before>\A\s*|: )(?:WORDS)(?=\s*\Z)",
)


def _unless_prose(found: re.Match[str]) -> str:
    return found[0] if _IN_PROSE.fullmatch(found[2]) else f"{found[1]}{MASK}"


def _spellings(secret: str) -> set[str]:
    return {
        secret,
        repr(secret)[1:-1],
        repr(f"'\"{secret}")[4:-1],  # as it is escaped where both quotes occur
        repr(secret.encode())[2:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
    }
