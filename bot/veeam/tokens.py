"""The tokens of one account: requested once for all callers, and renewed in time.

An access token lives 15 minutes, by `expires_in` and a monotonic clock. A refresh token is good for one use,
so it is forgotten before it is sent; whatever becomes of that request (refused, lost, cancelled), the
password comes next. A refused password stops the account for as long as the server says it is locked, or
for a long pause: trying again keeps it locked for good.
"""

import asyncio
import math
import re
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import msgspec
import structlog
from pydantic import SecretStr

from bot.observability import Clock, capped_wait
from bot.veeam import errors
from bot.veeam.connection import Connection
from bot.veeam.detection import SpokenRevision, refusal_in
from bot.veeam.errors import LoginRefused, RevisionUnsupported, VeeamError
from bot.veeam.http import ApiRequest, ApiResponse, HttpClient, error_in
from bot.veeam.revisions import Revision

log = structlog.get_logger()

TOKEN_PATH = "/api/oauth2/token"  # noqa: S105 - a path
LOGOUT_PATH = "/api/oauth2/logout"
RENEW_BEFORE_SECONDS = 120.0
PAUSE_AFTER_REFUSAL_SECONDS = 1800.0
PAUSE_AFTER_WRONG_REVISION_SECONDS = 300.0
"""After a login refused for its revision by its words alone."""
LOCK_MARGIN_SECONDS = 30.0
LONGEST_LOCK_SECONDS = 24 * 3600.0
"""A longer lock-out is not believed: one login a day keeps no account locked, and the bot comes back."""
_LOGOUT_LIMIT_SECONDS = 3.0
_DEFAULT_LIFETIME_SECONDS = 900.0
_LONGEST_LIFETIME_SECONDS = 24 * 3600.0
_SHARE_OF_A_SHORT_LIFE = 0.2
_LOCKED_FOR = re.compile(r"locked out for (?:(\d+)\.)?(\d+):(\d\d):(\d\d)", re.IGNORECASE)
_OF_ACCOUNT = re.compile(
    r"invalid_grant|credential|password|user ?name|authenticat|locked out", re.IGNORECASE
)
_CREDENTIALS_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


@dataclass(frozen=True, eq=False)
class Token:
    """An access token. Two are the same only if they are the same object."""

    access: SecretStr
    expires_at: float
    renew_at: float
    refreshed: bool
    """Whether it came by a refresh token, and not by the password."""


class _TokenModel(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    expires_in: float | None = None


class Tokens:
    """One account's token holder. Renewing goes through one lock: ten callers cause one renewal."""

    def __init__(
        self, connection: Connection, spoken: SpokenRevision, http: HttpClient, clock: Clock
    ) -> None:
        self._connection = connection
        self._spoken = spoken
        self._http = http
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._refresh_token: SecretStr | None = None
        self._refresh_is_trusted = True
        self._proven: Token | None = None
        # By the revision of the login; None: in any.
        self._stopped: dict[Revision | None, tuple[LoginRefused | RevisionUnsupported, float]] = {}
        self._refused_in: Revision | None = None

    async def current(self, revision: Revision | None = None) -> Token:
        """A token that is good for a while. Raises VeeamError, LoginRefused among them.

        `revision` is the one to ask for it in, where that isn't the one that is spoken with the server.
        """
        token = self._token
        if token is not None and self._clock.monotonic() < token.renew_at:
            return token
        async with self._lock:
            if self._token is not token and self._token is not None:
                return self._token
            try:
                return await self._renew(revision)
            except (errors.Unreachable, errors.ServerFailed, errors.TooBusy):
                if token is not None and self._clock.monotonic() < token.expires_at:
                    return token  # renewing was early on purpose: what we have is still good
                raise

    async def instead_of(
        self, refused: Token, revision: Revision | None = None, *, by_password: bool = False
    ) -> Token:
        """The token to use after this one was refused: the current one if that is another, else a new one."""
        async with self._lock:
            if self._token is not refused and self._token is not None:
                return self._token
            self._token = None
            if by_password:
                self._refresh_token = None
            return await self._renew(revision)

    def is_doubtful(self, token: Token) -> bool:
        """Whether a 403 may be the token's fault: refreshed, and nothing has succeeded with it yet."""
        return token.refreshed and token is not self._proven

    def prove(self, token: Token) -> None:
        """Remember that the server honoured this token."""
        self._proven = token

    def distrust_refresh(self) -> None:
        """Use the password alone from now on: this server doesn't honour the tokens it refreshes."""
        self._refresh_is_trusted = False
        self._refresh_token = None
        log.warning("veeam.refresh_distrusted", server=self._connection.name)

    async def log_out(self) -> None:
        """Give both tokens back, if there are any. Best effort: they would die by themselves."""
        token, self._token, self._refresh_token = self._token, None, None
        if token is None or self._clock.monotonic() >= token.expires_at:
            return
        try:
            request = ApiRequest.change("POST", LOGOUT_PATH)
            await self._http.send(request, token=token.access, limit_seconds=_LOGOUT_LIMIT_SECONDS)
        except VeeamError as error:
            log.debug("veeam.logout_failed", server=self._connection.name, error=str(error))

    async def _renew(self, revision: Revision | None) -> Token:
        revision = revision or self._spoken.current
        for stopped_by, until in [self._stopped[key] for key in (None, revision) if key in self._stopped]:
            if (left := until - self._clock.monotonic()) > 0:
                error = copy(stopped_by)
                error.retry_after_seconds = left
                raise error
        refresh_token, self._refresh_token = self._refresh_token, None
        if refresh_token is not None:
            token = await self._refresh(refresh_token, revision)
            if token is not None:
                return token
        return await self._log_in(revision)

    async def _refresh(self, refresh_token: SecretStr, revision: Revision) -> Token | None:
        grant = {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value()}
        try:
            response = await self._http.send(ApiRequest.form(TOKEN_PATH, grant, api_version=revision.name))
        except errors.ConnectFailed:
            self._refresh_token = refresh_token  # it was never sent
            raise
        error = error_in(response, self._connection.name, changes=False)
        if isinstance(error, errors.ServerFailed | errors.TooBusy | errors.TimedOut):
            raise error
        return None if error is not None else self._store(response, refreshed=True)

    async def _log_in(self, revision: Revision) -> Token:
        if self._refused_in is revision:
            await self._raise_if_refused(revision)  # before a password is sent in it again
        credentials = {
            "grant_type": "password",
            "username": self._connection.username,
            "password": self._connection.password.get_secret_value(),
        }
        response = await self._http.send(ApiRequest.form(TOKEN_PATH, credentials, api_version=revision.name))
        error = error_in(response, self._connection.name, changes=False)
        if error is None:
            return self._store(response, refreshed=False)
        if response.status == HTTPStatus.BAD_REQUEST:
            error = await self._of_revision_or_account(error, revision)
        elif response.status in _CREDENTIALS_REFUSED:
            error = self._refusal(error)
        elif isinstance(error, errors.NotFoundOnServer | errors.Rejected):
            error = errors.UnexpectedAnswer(
                self._connection.name, f"no login here: {error.message}", status=response.status
            )
        raise error

    async def _raise_if_refused(self, revision: Revision) -> bool:
        """Raise RevisionUnsupported where the server refuses the revision, which no account pays for.

        Returns whether it says that it speaks it: it may not say anything without a token.
        """
        try:
            refusal = await refusal_in(self._http, self._connection.name, revision)
        except VeeamError:
            return False
        self._refused_in = None if refusal is None else revision
        if refusal is not None:
            self._spoken.doubt()
            raise refusal
        return True

    async def _of_revision_or_account(self, error: VeeamError, revision: Revision) -> VeeamError:
        """What a login refused with 400 is about. VBR refuses an account with 401.

        The server's clock says it best; where that doesn't, the words do. Where nothing speaks of the account
        it is the revision, and the password isn't sent in it again soon.
        """
        is_spoken = await self._raise_if_refused(revision)
        if isinstance(error, RevisionUnsupported):
            pause_seconds = PAUSE_AFTER_WRONG_REVISION_SECONDS
        elif is_spoken or _OF_ACCOUNT.search(f"{error.message} {error.error_code or ''}"):
            return self._refusal(error)
        else:
            pause_seconds = PAUSE_AFTER_REFUSAL_SECONDS
            error = RevisionUnsupported(
                error.server, error.message, status=error.status, error_code=error.error_code
            )
        if not is_spoken:
            self._spoken.refuse(revision)
        self._stop(error, pause_seconds, revision)
        return error

    def _store(self, response: ApiResponse, *, refreshed: bool) -> Token:
        try:
            model = msgspec.json.decode(response.body, type=_TokenModel, strict=False)
        except (msgspec.MsgspecError, ValueError):
            raise errors.UnexpectedAnswer(
                self._connection.name, "the login's answer holds no token", status=response.status
            ) from None
        if not _is_sendable(model.access_token):
            raise errors.UnexpectedAnswer(
                self._connection.name, "the login's answer holds no usable token", status=response.status
            )
        now = self._clock.monotonic()
        lifetime = _lifetime(model.expires_in)
        margin = min(RENEW_BEFORE_SECONDS, lifetime * _SHARE_OF_A_SHORT_LIFE)
        self._token = Token(SecretStr(model.access_token), now + lifetime, now + lifetime - margin, refreshed)
        self._refresh_token = None
        if model.refresh_token and self._refresh_is_trusted:
            self._refresh_token = SecretStr(model.refresh_token)
        log.debug("veeam.token_received", server=self._connection.name, refreshed=refreshed)
        return self._token

    def _refusal(self, error: VeeamError) -> LoginRefused:
        locked = _lock_seconds(error.message)
        pause = PAUSE_AFTER_REFUSAL_SECONDS if locked is None else locked + LOCK_MARGIN_SECONDS
        if locked is not None and locked > LONGEST_LOCK_SECONDS:
            # Its words stay in the message, which health and the answers show; no date is made of it.
            locked, pause = None, LONGEST_LOCK_SECONDS
            log.warning(
                "veeam.wait_capped", server=self._connection.name, asked=error.message, wait_seconds=pause
            )
        refusal = LoginRefused(
            self._connection.name,
            error.message,
            status=error.status,
            error_code=error.error_code,
            retry_after_seconds=pause,
            locked_until=None if locked is None else self._clock.now() + timedelta(seconds=locked),
        )
        self._stop(refusal, pause)
        return refusal

    def _stop(
        self,
        error: LoginRefused | RevisionUnsupported,
        pause_seconds: float,
        revision: Revision | None = None,
    ) -> None:
        self._stopped[revision] = error, self._clock.monotonic() + pause_seconds
        log.error("veeam.login_stopped", server=self._connection.name, error=str(error), pause=pause_seconds)


def _lock_seconds(message: str) -> float | None:
    found = _LOCKED_FOR.search(message)
    if found is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds  # Any number of digits: no date yet.


def _lifetime(expires_in: float | None) -> float:
    """How long a token is taken to live; what is no such time counts as not said."""
    if expires_in is None or not math.isfinite(expires_in) or expires_in <= 0:
        return _DEFAULT_LIFETIME_SECONDS
    return capped_wait(expires_in, _LONGEST_LIFETIME_SECONDS)


def _is_sendable(token: str) -> bool:
    """Whether a token can stand in a header."""
    return token.isascii() and token.isprintable() and " " not in token and bool(token)
