"""Which revision of the API a server is asked in, and finding out without a login.

A server answers 200 for the document of a revision it serves, where its Swagger pages are open, and 400 to
a question in a revision that it doesn't speak. Neither takes a token, so nothing here can lock an account. A
server that gives no answer says nothing about revisions: that is its own error, and the next use asks again.
"""

import asyncio
from copy import copy
from http import HTTPStatus

import structlog

from bot.observability import Clock
from bot.settings import AUTO, ServerName
from bot.veeam import errors
from bot.veeam.errors import NoCommonRevision, RevisionUnsupported, VeeamError
from bot.veeam.http import ApiRequest, ApiResponse, HttpClient, error_in
from bot.veeam.revisions import REVISIONS, Revision, revision_facts

log = structlog.get_logger()

SERVER_TIME_PATH = "/api/v1/serverTime"
CHECKED_EVERY_SECONDS = 3600.0
"""How often a server in use is asked whether it speaks a newer revision by now: one request."""
ASKED_AGAIN_AFTER_SECONDS = 60.0
"""How long a server stays unasked that speaks no revision of ours, or did not say what it speaks."""
SWAGGER_SECONDS = 3.0
SERVER_TIME_SECONDS = 6.0

_NEWEST_FIRST: tuple[Revision, ...] = tuple(REVISIONS.values())[::-1]
_NOT_THERE = (errors.ConnectFailed, errors.TlsFailed)


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

    async def known(self, http: HttpClient) -> Revision:
        """The revision to ask in; detected first where it isn't pinned, and that is due.

        Raises NoCommonRevision, or the error that keeps the server from saying.
        """
        return self._pinned or await self.newest(http)

    async def newest(self, http: HttpClient) -> Revision:
        """The newest revision that both sides speak, pinned or not; detected where that is due."""
        if (found := self._fresh()) is not None:
            return found
        detections = self._detections
        async with self._lock:
            if (found := self._fresh()) is not None:
                return found
            if self._detections != detections and self._failure is not None:
                raise copy(self._failure)  # it was detected for all who wait
            try:
                return await self._ask(http)
            finally:
                self._detections += 1

    async def proven(self, http: HttpClient) -> Revision:
        """The same, asked for now, whatever is remembered; raises where the server doesn't say."""
        async with self._lock:
            return self._remember(await newest_spoken(http, self._server))

    def doubt(self) -> None:
        """Detect it again at the next use: the server refused it."""
        self._asked_again_at = 0.0
        self._is_doubted = True

    def note_silence(self) -> None:
        """Note that the server gave no answer: it may be another one when it is back."""
        self._is_silent = True

    def note_answer(self) -> None:
        """Note that the server answered; after a silence, detect the revision again at the next use."""
        if self._is_silent:
            self._is_silent = False
            self.doubt()

    def _fresh(self) -> Revision | None:
        if self._clock.monotonic() >= self._asked_again_at:
            return None
        if self._detected is None and self._failure is not None:
            raise copy(self._failure)
        return self._detected

    async def _ask(self, http: HttpClient) -> Revision:
        known, self._failure = self._detected, None
        try:
            if known is not None and not self._is_doubted and not await _speaks_newer(http, known):
                found = known
            else:
                found = await newest_spoken(http, self._server)
        except NoCommonRevision as error:
            self._detected, self._failure = None, error
            self._asked_again_at = self._in(ASKED_AGAIN_AFTER_SECONDS)
            raise
        except VeeamError as error:
            if known is None or isinstance(error, _NOT_THERE):
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


async def newest_spoken(http: HttpClient, server: ServerName) -> Revision:
    """Ask a server for the newest revision that it and the bot both speak, without a token.

    Raises NoCommonRevision, or the error that keeps the server from saying.
    """
    served = await _newest_served(http)
    candidates = _NEWEST_FIRST if served is None else _NEWEST_FIRST[_NEWEST_FIRST.index(served) :]
    refusal: RevisionUnsupported | None = None
    for revision in candidates:
        try:
            response = await _server_time(http, revision)
            refusal = refusal_of_revision(response, server)
            if refusal is None:
                _demand_vbr(response, server)
        except VeeamError as error:
            if served is not revision or isinstance(error, _NOT_THERE):
                raise
            return revision  # its document is served: that is an answer too
        if refusal is None:
            return revision
    words = "" if refusal is None else refusal.message
    raise NoCommonRevision(server, words, status=HTTPStatus.BAD_REQUEST)


async def refusal_in(http: HttpClient, server: ServerName, revision: Revision) -> RevisionUnsupported | None:
    """Why the server refuses this revision, asked without a token; None where it doesn't, or doesn't say."""
    try:
        return refusal_of_revision(await _server_time(http, revision), server)
    except VeeamError:
        return None


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


async def _speaks_newer(http: HttpClient, known: Revision) -> bool:
    """Whether the server speaks the revision after this one, as all do that speak a newer one."""
    place = _NEWEST_FIRST.index(known)
    if place == 0:
        return False
    return (await _server_time(http, _NEWEST_FIRST[place - 1])).status == HTTPStatus.OK


async def _server_time(http: HttpClient, revision: Revision) -> ApiResponse:
    request = ApiRequest.get(SERVER_TIME_PATH, api_version=revision.name)
    return await http.send(request, limit_seconds=SERVER_TIME_SECONDS)


def _demand_vbr(response: ApiResponse, server: ServerName) -> None:
    """Raise unless this is VBR's answer; one that wants a token comes after the revision was accepted."""
    if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return
    if response.status == HTTPStatus.OK and response.is_json:
        return
    error = error_in(response, server, changes=False)
    raise error or errors.UnexpectedAnswer(
        server, f"GET {SERVER_TIME_PATH}: not VBR's answer", status=response.status
    )
