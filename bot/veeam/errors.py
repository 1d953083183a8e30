"""What can go wrong between us and a server, as facts.

    VeeamError
    ├─ Unreachable             no answer came, and nothing was done
    │  ├─ ConnectFailed        the connection could not be made
    │  ├─ ConnectionLost       it broke before the answer was complete (reads only)
    │  └─ TimedOut             (for a change: before it was sent)
    ├─ TlsFailed               the certificate is not the one we trust; says nothing about the server's health
    ├─ LoginRefused            the account may not log in; nothing is sent again before its pause is over
    ├─ NotAllowed              403: this account's role may not
    ├─ NotFoundOnServer        404: unknown, deleted or purged
    ├─ Rejected                400 and the other 4xx, in VBR's words
    │  └─ RevisionUnsupported  400 for the revision asked for
    │     └─ NoCommonRevision  the same for each that the bot speaks
    ├─ TooBusy                 429, or 503 that says when to come back
    ├─ ServerFailed            5xx on a read
    ├─ UnexpectedAnswer        an answer the document doesn't describe
    └─ AnswerLost              a change was sent and its outcome is unknown
       └─ Interrupted          this program ended, or gave up, before it got the answer

The class says whether trying again makes sense (`may_retry`) and whether the server answered at all
(`reached_server`). Its `kind` names it in metrics, logs and stored rows, and stays when a class is renamed.
Words for people are made elsewhere; `str()` is one short line for the log.
"""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from bot.settings import OLDEST_API_VERSION, ServerName


class VeeamError(Exception):
    """A request to one server that did not get its documented answer."""

    may_retry: ClassVar[bool] = False
    reached_server: ClassVar[bool] = True
    kind: ClassVar[str] = "VeeamError"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.kind = cls.__dict__.get("kind", cls.__name__)

    def __init__(
        self,
        server: ServerName,
        message: str = "",
        *,
        status: int | None = None,
        error_code: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(server, message)
        self.server = server
        self.message = message
        """VBR's own words where it answered, ours where it didn't. Untrusted text."""
        self.status = status
        self.error_code = error_code
        self.retry_after_seconds = retry_after_seconds
        self.asked: str | None = None
        """What a read asked for ("GET /api/v1/sessions"), where that is known."""

    def __str__(self) -> str:
        facts = (str(self.server), self.kind, str(self.status or ""), self.message)
        return ": ".join(fact for fact in facts if fact)


class Unreachable(VeeamError):
    """No answer came, and nothing was done."""

    may_retry = True
    reached_server = False
    port: int | None = None
    """The port that gave no connection, where it is not the one that VBR listens on."""


class ConnectFailed(Unreachable):
    """The connection could not be made: refused, no such host, a proxy in between refused it."""


class ConnectionLost(Unreachable):
    """The connection broke before the answer to a read was complete."""


class TimedOut(Unreachable):
    """No answer to a read in time; for a change, no connection in time."""


class TookTooLong(TimedOut):
    """No answer in time: the person who asks can't wait longer."""

    kind = "TimedOut"


class TlsReason(StrEnum):
    """Why the certificate, or the handshake, was not accepted."""

    PIN = "pin"
    AUTHORITY = "authority"
    NAME = "name"
    EXPIRED = "expired"
    HANDSHAKE = "handshake"
    CA_FILE = "ca_file"


class TlsFailed(VeeamError):
    """The server could not be recognised, so nothing was sent to it, least of all the password."""

    reached_server = False

    def __init__(
        self, server: ServerName, message: str, *, reason: TlsReason, presented: str | None = None
    ) -> None:
        super().__init__(server, message)
        self.reason = reason
        self.presented = presented
        """SHA-256 of the leaf the server showed, in hex, where a pin didn't match it."""


class LoginRefused(VeeamError):
    """The account's login, or a token that it was just given, is refused.

    VBR says the same for a wrong password, an account with MFA and a locked one. After a refused password
    nothing is sent for `retry_after_seconds`: logging in again and again keeps an account locked for good.
    """

    def __init__(
        self,
        server: ServerName,
        message: str = "",
        *,
        status: int | None = None,
        error_code: str | None = None,
        retry_after_seconds: float | None = None,
        locked_until: datetime | None = None,
    ) -> None:
        super().__init__(
            server, message, status=status, error_code=error_code, retry_after_seconds=retry_after_seconds
        )
        self.locked_until = locked_until
        """Aware, UTC; None unless VBR named the time."""


class NotAllowed(VeeamError):
    """This account's role may not (403). Normal for some operations; says nothing about the login."""


class NotFoundOnServer(VeeamError):
    """The id is unknown, deleted or purged, or the revision has no such path (404)."""

    kind = "NotFound"


class Rejected(VeeamError):
    """VBR understood and refused (400 and the other 4xx): a job that isn't running, a body it won't take."""


class RevisionUnsupported(Rejected):
    """The server doesn't speak the revision of its API that it was asked in."""


class NoCommonRevision(RevisionUnsupported):
    """The server speaks no revision of its API that the bot speaks: it is too old."""

    kind = "RevisionUnsupported"

    def __str__(self) -> str:
        return f"{super().__str__()} (older than {OLDEST_API_VERSION}: upgrade VBR to 12.3.1 or newer)"


class TooBusy(VeeamError):
    """Come back later (429, or 503 with Retry-After); nothing was done."""

    may_retry = True


class ServerFailed(VeeamError):
    """The server, or a proxy before it, failed on a read (5xx)."""

    may_retry = True


class UnexpectedAnswer(VeeamError):
    """An answer that the document doesn't describe: HTML, a redirect, JSON of another shape."""


class AnswerLost(VeeamError):
    """A change was sent and its outcome is unknown. Never send it again: look at what VBR shows."""

    kind = "Unclear"


class Interrupted(AnswerLost):
    """This program ended, or gave up, before it heard of a change; perhaps before it even sent it."""

    kind = "Unclear"
