"""How much is free in a server's repositories, as far as that is known: what the cause of a storm may be."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from bot.observability import Clock
from bot.veeam import RepositoryStatesQuery, VeeamError, VeeamServer
from bot.watch.expectations import whole_repositories

_KEPT = timedelta(minutes=5)
_REPOSITORIES_AT_MOST = 500
_SECONDS = 3.0

log = structlog.stdlib.get_logger(__name__)


class RepositorySpace:
    """One read for each storm: nothing waits long for it, and nothing fails with it."""

    def __init__(self, server: VeeamServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._free_gb: Mapping[str, float | None] = {}
        self._read_at: datetime | None = None

    def free_gb(self, repository_id: str | None) -> float | None:
        """Return how much is free there; None where that is not known, or was read long ago."""
        is_known = self._read_at is not None and self._clock.now() - self._read_at < _KEPT
        return self._free_gb.get(repository_id) if is_known and repository_id is not None else None

    async def read(self) -> None:
        """Ask VBR, unless it was asked lately."""
        now = self._clock.now()
        if self._read_at is not None and now - self._read_at < _KEPT:
            return
        self._read_at, self._free_gb = now, {}
        query = RepositoryStatesQuery(order_by="Name", ascending=True, limit=_REPOSITORIES_AT_MOST)
        try:
            async with asyncio.timeout(_SECONDS):
                page = await self._server.repository_states(query)
        except (VeeamError, TimeoutError) as error:
            log.debug("watch.space_not_read", server=self._server.name, problem=str(error))
            return
        # Where the capacity means nothing, as of object storage, so does what is free.
        sized = (each for each in whole_repositories(page.rows) if each.used_fraction is not None)
        self._free_gb = {each.id: each.free_gb for each in sized}
