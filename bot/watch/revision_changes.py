"""Noticing that a server was upgraded, or put back: it speaks another revision of its API than before."""

import structlog

from bot.observability import Clock
from bot.store import Database, Outbox, ServerRevisions
from bot.veeam import REVISIONS, VeeamError, VeeamServer, gained_by
from bot.watch import facts
from bot.watch.messages import message
from bot.watch.routing import WatchRules

log = structlog.stdlib.get_logger(__name__)


class RevisionReporter:
    """Reports once that a server speaks another revision. Raises StoreError.

    One whose revision the settings name is passed over: its changes are the settings'.
    """

    def __init__(self, server: VeeamServer, database: Database, clock: Clock, rules: WatchRules) -> None:
        self._server = server
        self._database = database
        self._clock = clock
        self._channels = rules.channels_of(server.name)
        self._revisions = ServerRevisions(database)
        self._outbox = Outbox(database)
        self._noted: str | None = None

    async def answered(self) -> None:
        """Compare what the server speaks with what is noted, after it has answered."""
        server = self._server
        if server.has_pinned_revision or server.revision.name == self._noted:
            return
        noted = await self._revisions.noted(server.name)
        if noted is None:
            await self._revisions.begin(server.name, server.revision.name)
        elif noted in REVISIONS and noted != server.revision.name:
            # Another process may have noticed before this one: what is remembered here is no news by itself.
            try:
                await server.prove_revision()
            except VeeamError as error:
                log.debug("watch.revision_unproven", server=server.name, problem=str(error))
                return
            if noted != server.revision.name:
                await self._report(noted)
        self._noted = server.revision.name

    async def _report(self, noted: str) -> None:
        server, now = self._server.name, self._clock.now()
        old, new = REVISIONS[noted], self._server.revision
        order = list(REVISIONS)
        is_newer = order.index(new.name) > order.index(old.name)
        gain = gained_by(old, new) if is_newer else gained_by(new, old)
        changed = facts.RevisionChanged(
            server=server,
            was=old.name,
            revision=new.name,
            product=new.product,
            is_newer=is_newer,
            job_types=gain.job_types,
            capabilities=gain.capabilities,
        )
        async with self._database.transaction() as transaction:
            change = await self._revisions.change(transaction, server, was=noted, revision=new.name)
            if change is not None:
                key = f"{server}/revision/{change}"
                rows = [message(f"{key}/{channel}", channel, changed, now) for channel in self._channels]
                await self._outbox.add(transaction, rows)
        log.info("watch.revision_changed", server=server, was=noted, revision=new.name)
