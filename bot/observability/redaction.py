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
    "x-slack-signature",
})  # fmt: skip

_NAMED = r"(?:pass(?:word|wd|phrase)|pwd|secret|token|response_url|authorization)"
_PATTERNS: Final = (
    (re.compile(r"\b(xox[a-z]|xapp)([-.])[\w.%-]+"), rf"\1\2{MASK}"),
    (re.compile(r"\b(bearer|basic)(\s+)[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1\2{MASK}"),
    (re.compile(r"(hooks\.slack(?:-gov)?\.com)/[^\s\"'\\<>]+", re.IGNORECASE), rf"\1/{MASK}"),
    (re.compile(r"([?&]ticket=)[^&\s\"'\\<>]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"(://[^\s:/@\"']*):[^\s/@\"']+@"), rf"\1:{MASK}@"),
    # The value of a named secret: quoted (in JSON or a repr, perhaps escaped once more), or bare.
    (re.compile(rf"({_NAMED}[\\\"']*\s*[=:]\s*\\*)([\"'])(?:(?!\2).)+", re.IGNORECASE), rf"\1\2{MASK}"),
    (
        re.compile(rf"({_NAMED}[\\\"']*\s*[=:]\s*)(?!\[redacted\])[^\s\"'&,;)}}\\]+", re.IGNORECASE),
        rf"\1{MASK}",
    ),
)


class Redaction:
    """Masks secrets in texts and in trees of values; the same for every line that is logged."""

    def __init__(self, secrets: Iterable[SecretStr] = ()) -> None:
        values = {secret.get_secret_value().strip() for secret in secrets}
        spellings = {
            spelling for value in values for spelling in _spellings(value) if len(spelling) >= SHORTEST
        }
        # The longest first: a secret that contains another one must not be left half shown.
        ordered = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
        self._configured = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text with every secret masked."""
        masked = self._configured.sub(MASK, text) if self._configured else text
        for pattern, replacement in _PATTERNS:
            masked = pattern.sub(replacement, masked)
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
