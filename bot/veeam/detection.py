"""Which revision of the API a server is asked in, and finding out, without a login where the server lets us.

A server answers 200 for the document of a revision it serves, where its Swagger pages are open, and 400 to
a question in a revision that it doesn't speak. Neither takes a token. Where the pages are closed and the
server's clock wants a token first, or fails, that proves nothing: then the bot logs in, in the oldest
revision, which newer servers speak too, and asks with the token. So finding out costs no password beside the
one that is sent anyway. A server that gives no answer says nothing about revisions: that is its own error,
and the next use asks again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from copy import copy
from http import HTTPStatus

import structlog

from bot.observability import Clock
from bot.settings import AUTO, ServerName
from bot.veeam import errors
from bot.veeam.errors import LoginRefused, NoCommonRevision, RevisionUnsupported, VeeamError
from bot.veeam.http import ApiRequest, ApiResponse, HttpClient, error_in
from bot.veeam.revisions import REVISIONS, Revision, revision_facts, revision_of_build

log = structlog.get_logger()

SERVER_TIME_PATH = "/api/v1/serverTime"
SESSIONS_PATH = "/api/v1/sessions"
CHECKED_EVERY_SECONDS = 3600.0
"""How often a server in use is asked whether it speaks a newer revision by now: one request."""
ASKED_AGAIN_AFTER_SECONDS = 60.0
"""How long a server stays unasked that speaks no revision of ours, or did not say what it speaks."""
SWAGGER_SECONDS = 3.0
SERVER_TIME_SECONDS = 6.0

_NEWEST_FIRST: tuple[Revision, ...] = tuple(REVISIONS.values())[::-1]
_OLDEST = _NEWEST_FIRST[-1]
_NOT_THERE = (errors.ConnectFailed, errors.TlsFailed)
_WANTS_TOKEN = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_NO_ANSWER = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
"""What a proxy says before a server that is away, or a service that is starting."""

AskWithToken = Callable[[ApiRequest, Revision], Awaitable[ApiResponse]]
"""Sends a question with the account's token; the revision is the one to log in with, where that is due."""


class SpokenRevision:
    """The revision that one server is asked in: the settings', or the newest that it and the bot both speak.

    All accounts of a server share it, so that it is detected once. Before that, the newest that the bot knows
    stands in; every request waits for the detection.
    """

    def __init__(self, server: ServerName, setting: str, clock: Clock) -> None:
        """`setting` is an `api_version`. Of one that is too new for the bot, the newest known is spoken."""
        self._server = server
        self._clock = clock
        self._pinned = None if setting == AUTO else revision_facts(setting)
        self._detected: Revision | None = None
        self._failure: VeeamError | None = None
        self._asked_again_at = 0.0
        self._is_doubted = True
        self._is_silent = False
        self._refused_until: dict[Revision, float] = {}
        self._accepted: Revision | None = None
        self._build = ""
        self._detections = 0
        self._lock = asyncio.Lock()
        if self._pinned is not None and self._pinned.name != setting:
            log.warning(
                "veeam.revision_not_known", server=server, api_version=setting, spoken=self._pinned.name
            )

    @property
    def is_pinned(self) -> bool:
        """Whether the settings name it."""
        return self._pinned is not None

    @property
    def is_known(self) -> bool:
        """Whether it is the settings', or was detected."""
        return self._pinned is not None or self._detected is not None

    @property
    def current(self) -> Revision:
        """The revision to ask in, as far as it is known by now."""
        return self._pinned or self._detected or _NEWEST_FIRST[0]

    async def known(self, http: HttpClient, ask: AskWithToken) -> Revision:
        """The revision to ask in; detected first where it isn't pinned, and that is due.

        Raises NoCommonRevision, or the error that keeps the server from saying.
        """
        return self._pinned or await self.newest(http, ask)

    async def newest(self, http: HttpClient, ask: AskWithToken) -> Revision:
        """The newest revision that both sides speak, pinned or not; detected where that is due."""
        if (found := self._fresh()) is not None:
            return found
        detections = self._detections
        async with self._lock:
            if (found := self._fresh()) is not None:
                return found
            # It was detected for all who wait; but one account's refused login is no other account's.
            if self._detections != detections and not isinstance(self._failure, LoginRefused | None):
                raise copy(self._failure)
            try:
                return await self._ask(http, ask)
            finally:
                self._detections += 1

    async def proven(self, http: HttpClient, ask: AskWithToken) -> Revision:
        """The same, asked for now, whatever is remembered; raises where the server doesn't say."""
        async with self._lock:
            return self._remember(await newest_spoken(http, ask, self._server, refused=self._refused()))

    def doubt(self) -> None:
        """Detect it again at the next use: the server may speak another one by now."""
        self._asked_again_at = 0.0
        self._is_doubted = True
        self._accepted = None

    def refuse(self, revision: Revision) -> None:
        """Note that the server refused this one, and detect at the next use which other one it speaks."""
        self._refused_until[revision] = self._in(CHECKED_EVERY_SECONDS)
        self.doubt()

    def accept(self, revision: Revision) -> None:
        """Note that the server answered a question with a token in this revision."""
        self._accepted = revision

    def is_unproven(self, revision: Revision) -> bool:
        """Whether it was detected, and the server has answered nothing in it since."""
        return self._pinned is None and self._accepted is not revision

    def note_status(self, status: int | None) -> None:
        """Note an answer, or that there was none: the server may be another one when it is back.

        So once it answers after a silence, its revision is detected again.
        """
        if status is None or status in _NO_ANSWER:
            self._is_silent = True
        elif self._is_silent and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._is_silent = False
            self._refused_until.clear()
            self.doubt()

    def note_build(self, build_version: str) -> None:
        """Note the build that the server says it is; one that speaks another revision causes a detection.

        Only one: the server's word on what it speaks counts.
        """
        revision = revision_of_build(build_version)
        if self._build != build_version and revision is not None and revision is not self._detected:
            self._refused_until.clear()
            self.doubt()
        self._build = build_version

    def _refused(self) -> Collection[Revision]:
        now = self._clock.monotonic()
        return {revision for revision, until in self._refused_until.items() if now < until}

    def _fresh(self) -> Revision | None:
        if self._clock.monotonic() >= self._asked_again_at:
            return None
        if self._detected is None and self._failure is not None:
            raise copy(self._failure)
        return self._detected

    async def _ask(self, http: HttpClient, ask: AskWithToken) -> Revision:
        known, self._failure = self._detected, None
        try:
            is_checked = known is not None and not self._is_doubted
            if known is not None and is_checked and not await _speaks_newer(http, ask, self._server, known):
                found = known
            else:
                found = await newest_spoken(http, ask, self._server, refused=self._refused())
        except NoCommonRevision as error:
            self._detected, self._failure = None, error
            self._asked_again_at = self._in(ASKED_AGAIN_AFTER_SECONDS)
            raise
        except VeeamError as error:
            if known is None or known in self._refused() or isinstance(error, _NOT_THERE):
                self._failure, self._asked_again_at = error, 0.0
                raise
            # It answers, or may, and only won't say what it speaks: that takes no other answer away.
            log.info("veeam.revision_unproven", server=self._server, spoken=known.name, error=str(error))
            self._asked_again_at = self._in(ASKED_AGAIN_AFTER_SECONDS)
            return known
        return self._remember(found)

    def _remember(self, found: Revision) -> Revision:
        if found is not self._detected:
            log.info("veeam.revision_detected", server=self._server, revision=found.name)
        self._detected, self._is_doubted = found, False
        self._asked_again_at = self._in(CHECKED_EVERY_SECONDS)
        return found

    def _in(self, seconds: float) -> float:
        return self._clock.monotonic() + seconds


async def newest_spoken(
    http: HttpClient, ask: AskWithToken, server: ServerName, *, refused: Collection[Revision] = ()
) -> Revision:
    """Ask a server for the newest revision that it and the bot both speak, but for those it `refused`.

    Without a token where the server says so without one. Raises NoCommonRevision, or the error that keeps the
    server from saying.
    """
    served = await _newest_served(http)
    candidates = _NEWEST_FIRST if served is None else _NEWEST_FIRST[_NEWEST_FIRST.index(served) :]
    candidates = tuple(each for each in candidates if each not in refused) or candidates
    refusal: RevisionUnsupported | None = None
    for revision in candidates:
        try:
            response = await _server_time(http, revision)
            if (found := refusal_of_revision(response, server)) is not None:
                refusal = found
                continue
            if refusal is not None and response.status in _WANTS_TOKEN:
                return revision  # it refuses others, and so looks at the revision before the token
            _demand_clock(response, server)
        except VeeamError as error:
            if isinstance(error, _NOT_THERE):
                raise
            if served is revision:
                return revision  # its document is served: that is an answer too
            if not is_of_clock_alone(error):
                raise
            return await _newest_with_token(ask, server, candidates[candidates.index(revision) :])
        return revision
    words = "" if refusal is None else refusal.message
    raise NoCommonRevision(server, words, status=HTTPStatus.BAD_REQUEST)


async def _newest_with_token(
    ask: AskWithToken, server: ServerName, candidates: Sequence[Revision]
) -> Revision:
    """The newest of these that a question with a token is answered in."""
    refusal: RevisionUnsupported | None = None
    for login in (_OLDEST, *candidates[:-1]):  # the others for a server that gave up the oldest
        try:
            for revision in candidates:
                if await is_spoken_with_token(ask, server, revision, login=login):
                    return revision
        except RevisionUnsupported as error:
            refusal = error  # the login was refused for its revision
            continue
        break
    words = "" if refusal is None else refusal.message
    raise NoCommonRevision(server, words, status=HTTPStatus.BAD_REQUEST)


async def is_spoken_with_token(
    ask: AskWithToken, server: ServerName, revision: Revision, *, login: Revision
) -> bool:
    """Whether the server speaks a revision, asked with a token for one session.

    Any 400 is about the revision: nothing else can be wrong with that question. A 403 is about the role.
    """
    request = ApiRequest.get(SESSIONS_PATH, (("limit", "1"),), api_version=revision.name)
    response = await ask(request, login)
    if response.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}:
        return response.status == HTTPStatus.FORBIDDEN
    if (error := error_in(response, server, changes=False)) is not None:
        raise error
    return True


async def refusal_in(http: HttpClient, server: ServerName, revision: Revision) -> RevisionUnsupported | None:
    """Why the server refuses this revision, asked without a token; None where it speaks it.

    Raises VeeamError where it doesn't say.
    """
    response = await _server_time(http, revision)
    refusal = refusal_of_revision(response, server)
    if refusal is None:
        _demand_clock(response, server)
    return refusal


def refusal_of_revision(response: ApiResponse, server: ServerName) -> RevisionUnsupported | None:
    """Why the server refuses the revision in which it was asked for its clock; None where it doesn't.

    Any 400 is about the revision, whatever its words: nothing else can be wrong with that question.
    """
    if response.status != HTTPStatus.BAD_REQUEST:
        return None
    message, error_code = response.message_and_code()
    return RevisionUnsupported(server, message, status=response.status, error_code=error_code)


async def _newest_served(http: HttpClient) -> Revision | None:
    """The newest revision whose document the server serves; None where its Swagger pages are closed."""
    for revision in _NEWEST_FIRST:
        request = ApiRequest.get(f"/swagger/v{revision.name}/swagger.json")
        try:
            # The document has megabytes.
            response = await http.head_of(request, limit_seconds=SWAGGER_SECONDS)
        except VeeamError as error:
            if isinstance(error, _NOT_THERE):
                raise
            return None
        if response.status == HTTPStatus.OK and response.is_json:
            return revision
        if response.status != HTTPStatus.NOT_FOUND:
            return None
    return None


async def _speaks_newer(http: HttpClient, ask: AskWithToken, server: ServerName, known: Revision) -> bool:
    """Whether the server speaks the revision after this one, as all do that speak a newer one."""
    place = _NEWEST_FIRST.index(known)
    if place == 0:
        return False
    newer = _NEWEST_FIRST[place - 1]
    try:
        return await refusal_in(http, server, newer) is None
    except VeeamError as error:
        if not is_of_clock_alone(error):
            raise
    return await is_spoken_with_token(ask, server, newer, login=known)


async def _server_time(http: HttpClient, revision: Revision) -> ApiResponse:
    request = ApiRequest.get(SERVER_TIME_PATH, api_version=revision.name)
    return await http.send(request, limit_seconds=SERVER_TIME_SECONDS)


def _demand_clock(response: ApiResponse, server: ServerName) -> None:
    """Raise unless this is VBR's clock."""
    if response.status == HTTPStatus.OK and response.is_json:
        return
    error = error_in(response, server, changes=False)
    raise error or errors.UnexpectedAnswer(
        server, f"GET {SERVER_TIME_PATH}: not VBR's answer", status=response.status
    )


def is_of_clock_alone(error: VeeamError) -> bool:
    """Whether a server that says this instead of its time may answer everything else.

    A proxy's error, or another site's page, is no VBR to send a password to.
    """
    if isinstance(error, errors.TimedOut | LoginRefused):
        return True
    return error.status in {*_WANTS_TOKEN, HTTPStatus.INTERNAL_SERVER_ERROR}
