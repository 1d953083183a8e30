"""A server that does not answer: reported once, and its return."""

from datetime import datetime

import structlog

from bot.store import Database, Outages, Outbox
from bot.veeam import ServerName, VeeamError
from bot.watch.destinations import notice
from bot.watch.facts import ServerBack, ServerSilent
from bot.watch.routing import channels_of
from bot.watch.telling import Rules

POLLS_UNTIL_TOLD = 3

log = structlog.stdlib.get_logger(__name__)


class SilenceKeeper:
    """Counts the polls that one server left without an answer. Raises StoreError."""

    def __init__(self, server: ServerName, database: Database, rules: Rules) -> None:
        self._server = server
        self._database = database
        self._channels = channels_of(server, rules.routes, rules.default_channel)
        self._silences = Outages(database)
        self._outbox = Outbox(database)
        self._failed = 0
        self._may_be_silent = True

    async def failed(self, error: VeeamError, now: datetime) -> None:
        """Note a poll without an answer; the third in a row is told, once, also between two processes."""
        self._failed += 1
        self._may_be_silent = True
        problem, detail = type(error).__name__, str(error)
        silence = await self._silences.begin(self._server, now, problem, detail)
        if self._failed == 1:
            log.warning("watch.server_silent", server=self._server, problem=detail)
        if silence.announced_at is not None or self._failed < POLLS_UNTIL_TOLD:
            return
        told = ServerSilent(server=self._server, since=silence.since, problem=problem, detail=detail)
        key = f"{self._server}/silent/{silence.since.isoformat()}"
        async with self._database.transaction() as transaction:
            if await self._silences.claim_announcement(transaction, self._server, now):
                rows = [notice(key, channel, told, now) for channel in self._channels]
                await self._outbox.add(transaction, rows)

    async def answered(self, now: datetime, late_total: int) -> None:
        """Note that the server answers; where its silence was told, its return is, too."""
        self._failed = 0
        if not self._may_be_silent:
            return
        async with self._database.transaction() as transaction:
            silence = await self._silences.end(transaction, self._server)
            if silence is not None and silence.announced_at is not None:
                back = ServerBack(
                    server=self._server, silent_since=silence.since, back_at=now, late_total=late_total
                )
                key = f"{self._server}/back/{silence.since.isoformat()}"
                rows = [notice(key, channel, back, now) for channel in self._channels]
                await self._outbox.add(transaction, rows)
        self._may_be_silent = False
        if silence is not None:
            log.info("watch.server_back", server=self._server, silent_since=silence.since.isoformat())
