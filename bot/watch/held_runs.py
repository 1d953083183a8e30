"""Runs that wait until it is known whether a subscriber may see their job.

Nobody is shown anything on a guess, and nothing is lost: what a subscription takes while Slack does not say
who its maker is by now waits, and goes out as soon as it does. If that takes too long, the default channel
gets the run instead, as if nobody had subscribed to it.
"""

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import structlog

from bot.observability import Clock
from bot.settings import Threads
from bot.store import Database, HeldRoot, HeldRoots, Outbox, Runs, Transaction
from bot.veeam import Result, VeeamServer, known
from bot.watch import messages
from bot.watch.mutes import HeldBack, covering, holds_back
from bot.watch.routing import Destination, RouteReason, Subscriber, WatchRules
from bot.watch.runs import Run
from bot.watch.standing import queue
from bot.watch.storms import StormGathering

LONGEST_WAIT = timedelta(minutes=15)
"""Then the default channel gets it."""
LONGEST_WAIT_ALONE = timedelta(days=1)
"""Without a default channel there is nobody else to tell."""

log = structlog.stdlib.get_logger(__name__)


class HeldRuns:
    """The runs of one server that wait.

    `writing` begins a transaction that may announce, `gathering` what it does to storms.
    """

    def __init__(
        self,
        server: VeeamServer,
        database: Database,
        clock: Clock,
        rules: WatchRules,
        writing: Callable[[], AbstractAsyncContextManager[Transaction]],
        gathering: Callable[[Transaction, Counter[str]], StormGathering],
    ) -> None:
        self._server = server
        self._database = database
        self._clock = clock
        self._rules = rules
        self._writing = writing
        self._gathering = gathering
        self._held = HeldRoots(database)
        self._runs = Runs(database)
        self._outbox = Outbox(database)
        self._held_back = HeldBack(database)
        # Whether it is known that none waits, so that a poll at rest asks nothing.
        self._is_empty = False

    def forget(self) -> None:
        """Read again what another process may have written."""
        self._is_empty = False

    async def keep(self, transaction: Transaction, run: Run, subscription_ids: Collection[int]) -> None:
        """Have a run wait for these subscriptions."""
        self._is_empty = False
        key, now = run.facts.key, self._clock.now()
        await self._held.add(
            transaction, [HeldRoot(key, each, self._server.name, now) for each in subscription_ids]
        )

    async def announce(self) -> None:
        """Announce what is known by now to be for its subscriber, or is late. Raises `StoreError`."""
        if self._rules.subscribers is None or self._is_empty:
            return
        waiting = await self._held.of(self._server.name)
        self._is_empty = not waiting
        ready: list[tuple[HeldRoot, Subscriber | None]] = []
        ahead = Counter[str]()
        for each in waiting:
            async with self._database.reading() as reading:
                run = await self._run(reading, each)
            found = None if run is None else await self._find(each, run)
            if found is not None and found.is_held and self._clock.now() - each.since < self._longest:
                continue
            ready.append((each, found))
            channel = (
                found.channel if found is not None and not found.is_held else self._rules.default_channel
            )
            if channel is not None and run is not None and run.facts.stands_failed:
                ahead[channel] += 1
        for each, found in ready:
            await self._decide(each, found, ahead)

    @property
    def _longest(self) -> timedelta:
        return LONGEST_WAIT_ALONE if self._rules.default_channel is None else LONGEST_WAIT

    async def _find(self, root: HeldRoot, run: Run) -> Subscriber | None:
        if self._rules.subscribers is None:
            return None
        return await self._rules.subscribers.find(root.subscription_id, self._server.name, run.facts.job_name)

    async def _decide(self, root: HeldRoot, found: Subscriber | None, ahead: Counter[str]) -> None:
        to: Destination | None = None
        async with self._writing() as transaction:
            if not await self._held.take(transaction, root):
                return
            run = await self._run(transaction, root)
            if run is not None:
                to = await self._destination(transaction, run, found)
            if run is not None and to is not None and to.channel not in {one.channel for one in run.channels}:
                storms, now = self._gathering(transaction, ahead), self._clock.now()
                active = await self._held_back.active(transaction, self._server.name, now)
                mute = covering(active, run.facts.job_id, run.facts.job_name)
                if mute is not None and holds_back(mute, run.facts.last):
                    quiet = await self._held_back.hold(
                        transaction, mute, run, [to], run.facts.last, now, storms=storms
                    )
                    await queue(transaction, self._outbox, self._runs, quiet)
                    await storms.queue()
                    return
                in_storms = await storms.take(run, [to]) if run.facts.stands_failed else {}
                queued = messages.root_messages(run, [to], self._clock.now(), storms=in_storms)
                await queue(transaction, self._outbox, self._runs, queued)
                await storms.follow(queued.run)
                await storms.queue()
        log.info(
            "watch.held_run_decided",
            server=self._server.name,
            run=root.run_key,
            subscription=root.subscription_id,
            channel=None if to is None else to.channel,
        )

    async def _destination(
        self, transaction: Transaction, run: Run, found: Subscriber | None
    ) -> Destination | None:
        """Where it goes: to its subscriber, else to the default channel unless somebody got or awaits it."""
        if found is not None and not found.is_held:
            return Destination(found.channel, Threads.THREAD, None, RouteReason.SUBSCRIPTION)
        if self._rules.default_channel is None or run.channels:
            return None
        went_well = all(known(Result, each.result) is Result.SUCCESS for each in run.facts.attempts)
        if went_well or await self._held.others(transaction, run.facts.key):
            return None
        return Destination(self._rules.default_channel, Threads.THREAD, None, RouteReason.DEFAULT_CHANNEL)

    async def _run(self, transaction: Transaction, root: HeldRoot) -> Run | None:
        row = await self._runs.of(transaction, root.run_key)
        return None if row is None else Run.decode(row.body)
