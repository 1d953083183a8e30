"""What each HTTP status means, in one table, and VBR's own words for it."""

import json
import re
from collections.abc import Container
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from bot.settings import ServerName
from bot.veeam import errors
from bot.veeam.errors import VeeamError

LONGEST_MESSAGE = 500
_VERSION_REFUSED = re.compile(
    r"unsupported rest ?api version|not support the api version|x-api-version", re.IGNORECASE
)
_TEXTS = ("message", "title", "error_description", "error")


@dataclass(frozen=True)
class Answer:
    """A complete answer of the server. The body may hold tokens and is never shown."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""
    retry_after_seconds: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def words(self) -> tuple[str, str | None]:
        """The server's message and error code; empty for HTML and for no body at all."""
        if self.content_type.startswith("text/plain"):
            return self.body.decode("utf-8", "replace").strip()[:LONGEST_MESSAGE], None
        try:
            whole = json.loads(self.body)
        except (ValueError, RecursionError):
            return "", None
        if not isinstance(whole, dict):
            return "", None
        texts = (whole.get(key) for key in _TEXTS)
        message = next((text for text in texts if isinstance(text, str) and text), "")
        code = whole.get("errorCode")
        return message[:LONGEST_MESSAGE], code if isinstance(code, str) else None


@dataclass(frozen=True)
class Verdict:
    """What these statuses mean for a question, and what for a change that was sent."""

    statuses: Container[int]
    on_read: type[VeeamError] | None
    on_change: type[VeeamError] | None


VERDICTS = (  # the first that holds the status
    Verdict(range(200, 300), None, None),
    Verdict(range(300, 400), errors.UnexpectedAnswer, errors.UnexpectedAnswer),  # never followed
    Verdict({401}, errors.LoginRefused, errors.LoginRefused),
    Verdict({403}, errors.NotAllowed, errors.NotAllowed),
    Verdict({404}, errors.NotFound, errors.NotFound),
    Verdict({408}, errors.TimedOut, errors.Unclear),
    Verdict({425, 429}, errors.TooBusy, errors.TooBusy),
    Verdict(range(400, 500), errors.Rejected, errors.Rejected),
    Verdict(range(500, 600), errors.ServerFailed, errors.Unclear),
)


def verdict_on(status: int, *, changes: bool) -> type[VeeamError] | None:
    """The error this status stands for; None for success. An undeclared status is unexpected, or unclear."""
    for verdict in VERDICTS:
        if status in verdict.statuses:
            return verdict.on_change if changes else verdict.on_read
    return errors.Unclear if changes else errors.UnexpectedAnswer


def error_in(answer: Answer, server: ServerName, *, changes: bool) -> VeeamError | None:
    """The error this answer is, with the server's own words; None for a success."""
    kind = verdict_on(answer.status, changes=changes)
    if kind is None:
        return None
    message, error_code = answer.words()
    if answer.status == HTTPStatus.BAD_REQUEST and _VERSION_REFUSED.search(message):
        kind = errors.RevisionUnsupported
    if kind is errors.ServerFailed and answer.retry_after_seconds is not None:
        kind = errors.TooBusy
    return kind(
        server,
        message,
        status=answer.status,
        error_code=error_code,
        retry_after_seconds=answer.retry_after_seconds,
    )


def seconds_to_wait(retry_after: str | None, now: datetime) -> float | None:
    """A Retry-After header, given as seconds or as a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment - now).total_seconds()) if moment.tzinfo else None
