"""Questions whose answers are typed: an account, and the zone its server's bare times are in."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TypeVar

import structlog

from bot.observability import Clock
from bot.settings import ServerName
from bot.veeam import rows
from bot.veeam.account import Account
from bot.veeam.answers import Answer
from bot.veeam.errors import UnexpectedAnswer
from bot.veeam.infrastructure import ServerTime
from bot.veeam.queries import Query
from bot.veeam.rows import Page, Part, Row
from bot.veeam.wire import Call

log = structlog.get_logger()

PAGE_ROWS = 500
PAGES_AT_MOST = 200
_ZONE_LASTS_SECONDS = 3600.0

P = TypeVar("P", bound=Part)
R = TypeVar("R", bound=Row)
T = TypeVar("T")
Q = TypeVar("Q", bound=Query)


class _ServerTimeModel(Part, frozen=True, gc=False):
    server_time: str
    time_zone: str | None = None


class Reader:
    """Typed reads of one server. Raises VeeamError; UnexpectedAnswer for an undocumented shape."""

    def __init__(self, server: ServerName, account: Account, clock: Clock) -> None:
        self._server = server
        self._account = account
        self._clock = clock
        self._zone: tzinfo | None = None
        self._zone_until = 0.0
        self._told_unreadable: set[str] = set()

    async def page(self, model: type[R], call: Call) -> Page[R]:
        """One page of a list. A row that cannot be read is counted, and logged once for each path."""
        page = await self._typed(call, lambda body, zone: rows.decode_page(model, body, zone))
        if page.unreadable and call.path not in self._told_unreadable:
            self._told_unreadable.add(call.path)
            log.warning(
                "veeam.rows_unreadable", server=self._server, path=call.path, unreadable=page.unreadable
            )
        return page

    async def one(self, model: type[P], call: Call) -> P:
        """An answer that is one object."""
        return await self._typed(call, lambda body, zone: rows.decode_one(model, body, zone))

    async def whole(self, call: Call) -> dict[str, object]:
        """An answer kept as it is."""
        return await self._typed(call, lambda body, _zone: rows.decode_object(body))

    async def every(self, query: Q, ask: Callable[[Q], Call], model: type[R]) -> AsyncIterator[R]:
        """All rows, page by page, until a page is empty or the server's count is reached."""
        skip = query.skip or 0
        for _ in range(PAGES_AT_MOST):
            page = await self.page(model, ask(query.page(skip=skip, limit=query.limit or PAGE_ROWS)))
            for row in page.rows:
                yield row
            skip += page.received
            if not page.received or (page.total is not None and skip >= page.total):
                return
        log.warning("veeam.pages_capped", server=self._server, rows=skip)

    async def server_time(self) -> ServerTime:
        """The server's clock, asked for without a token. Also renews what we know of its zone."""
        call = Call.get("/api/v1/serverTime")
        answer = await self._account.read_openly(call)
        model = self._decoded(answer, call, lambda body: rows.decode_one(_ServerTimeModel, body, UTC))
        try:
            moment = datetime.fromisoformat(model.server_time)
            offset = moment.utcoffset() or timedelta()
            found = ServerTime(moment.replace(tzinfo=UTC) - offset, offset, model.time_zone)
        except (ValueError, OverflowError):
            raise self._unexpected(answer, call, "no time") from None
        self._zone, self._zone_until = found.zone, self._clock.monotonic() + _ZONE_LASTS_SECONDS
        return found

    async def _typed(self, call: Call, decode: Callable[[bytes, tzinfo | None], T]) -> T:
        answer = await self._account.read(call)
        zone = self._zone if self._clock.monotonic() < self._zone_until else None
        try:
            return self._decoded(answer, call, lambda body: decode(body, zone))
        except rows.ZoneNeeded:
            zone = (await self.server_time()).zone
            return self._decoded(answer, call, lambda body: decode(body, zone))

    def _decoded(self, answer: Answer, call: Call, decode: Callable[[bytes], T]) -> T:
        try:
            return decode(answer.body)
        except rows.Undecodable as failure:
            raise self._unexpected(answer, call, str(failure)) from failure

    def _unexpected(self, answer: Answer, call: Call, what: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(self._server, f"{call.method} {call.path}: {what}", status=answer.status)
