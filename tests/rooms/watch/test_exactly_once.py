"""Whatever dies, and whenever: each session is told exactly once.

Two processes watch one server and send from one outbox, while sessions end, time passes, the server goes
dark, their clock is set, Slack says 429, and either process is killed around any of its transactions or
around any message it posts.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import select

from bot.observability import Clock, Health
from bot.sandbox.vbr import VbrSandbox, World
from bot.sandbox.vbr.jobmodels import daily
from bot.store import Database, Outbox, OutboxRow, Placement, PostedMessage, Transaction
from bot.store.tables import runs as run_rows
from bot.veeam import VeeamServer
from bot.watch.facts import (
    AttemptEnded,
    DetailsReply,
    NoFurtherAttempt,
    RunEnded,
    StormBegan,
    StormFinal,
    decode,
)
from bot.watch.runs import Run
from tests.rooms.store.databases import KINDS, Template, template_of
from tests.rooms.veeam.clients import client_of
from tests.rooms.watch.site import DEFAULT, Site, route_to, rules
from tests.support.clock import FakeClock, SkewedClock

T = TypeVar("T")
SCHEDULES = int(os.environ.get("SCHEDULES", "1"))
"""How many times as many schedules to try: `make simulate` tries hundreds."""
RESULTS, ONCALL = ["Success", "Warning", "Failed"], "S0ONCALL"
LEASE = 60.0
PROCESSES = st.sampled_from((0, 1))
MOMENTS = st.sampled_from(("claimed", "begun", "posted", "marked"))


class Died(BaseException):
    """The process was killed here."""


class Mortal(Database):
    """A database whose process dies around one of its next transactions."""

    fuse: int | None = None
    dies_before_commit = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        burnt = self.fuse == 0
        self.fuse = None if self.fuse in {None, 0} else (self.fuse or 0) - 1
        async with super().transaction() as transaction:
            yield transaction
            if burnt and self.dies_before_commit:
                raise Died
        if burnt:
            raise Died


class Process:
    """One replica: its database, its client, its watch."""

    def __init__(self, holder: str, url: str, clock: Any, vbr: VbrSandbox, storm_from: int) -> None:
        self.holder = holder
        self._storm_from = storm_from
        self._url = url
        self._clock = clock
        self._vbr = vbr
        self.begin()

    def begin(self) -> None:
        self.database = Mortal(self._url)
        self.client: VeeamServer = client_of(self._vbr, self._clock)
        health = Health(self._clock)
        self.site = Site(
            self._clock,
            self._vbr.world,
            self._vbr,
            self.client,
            self.database,
            health,
            holder=self.holder,
            rules=rules(route_to(DEFAULT, results=RESULTS, mention=ONCALL), storm_from=self._storm_from),
        )

    async def end(self) -> None:
        assert self.database.checked_out == 0
        await self.database.close()
        await self.client.close()


class Channels:
    """What stands in the channels: every message ever posted, by its row's key."""

    def __init__(self) -> None:
        self.posted: list[OutboxRow] = []

    async def put_off(self, process: Process, clock: Clock) -> None:
        """Slack answers 429 to whatever is due."""
        outbox = Outbox(process.database)
        for row in await outbox.claim(process.holder, clock.now(), LEASE, 5):
            await outbox.put_off(row.id, clock.now() + timedelta(seconds=30), "429")

    async def send(self, process: Process, clock: Clock, dies: str | None = None) -> int:
        """Send what is due as a delivery does, and perhaps die at the first row."""
        outbox = Outbox(process.database)
        await outbox.bring_forward(clock.now(), 600 + LEASE)
        rows = await outbox.claim(process.holder, clock.now(), LEASE, 5)
        for row in rows:
            _die_if(dies == "claimed")
            root = self._found(row) if row.attempted_at else None
            if root is None:
                if not await outbox.began(row.id, process.holder, clock.now(), LEASE):
                    continue
                _die_if(dies == "begun")
                root = self._post(row)
                _die_if(dies == "posted")
            await outbox.sent(row.id, root, clock.now())
            _die_if(dies == "marked")
        return len(rows)

    def _found(self, row: OutboxRow) -> PostedMessage | None:
        return next((_place(each) for each in self.posted if each.key == row.key), None)

    def _post(self, row: OutboxRow) -> PostedMessage:
        if row.placement is not Placement.EDIT:
            self.posted.append(row)
        return _place(row)


def _place(row: OutboxRow) -> PostedMessage:
    return PostedMessage(row.channel, f"{row.id}.0")


def _die_if(condition: bool) -> None:  # noqa: FBT001 -- reads as a sentence
    if condition:
        raise Died


class Watching(RuleBasedStateMachine):
    """The world, two processes and the channels."""

    template: Template
    storm_from = 0

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.run(self.begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def begin(self) -> None:
        self.clock = FakeClock()
        self.set_clock = SkewedClock(self.clock)
        self.world = World(self.clock.now)
        self.world.add_job("Retried", schedule=daily("03:00", retries=2))
        self.world.add_job("Plain")
        self.vbr = await self.stack.enter_async_context(VbrSandbox(self.world))
        url = self.template.new()
        self.processes = [
            Process(holder, url, self.set_clock, self.vbr, self.storm_from) for holder in ("one", "two")
        ]
        self.channels = Channels()
        self.ended: list[str] = []
        await self.processes[0].site.watch.tick()

    @rule(
        job=st.sampled_from(("Retried", "Plain")),
        result=st.sampled_from(("Success", "Warning", "Failed", "None")),
        ago=st.integers(0, 500),
    )
    def a_session_ends(self, job: str, result: str, ago: int) -> None:
        self.ended.append(self.processes[0].site.ended(job, result, ago=ago, seconds=1.0))

    @rule(count=st.integers(1, 4), result=st.sampled_from(("Success", "Failed")))
    def nobody_looks_for_a_while(self, count: int, result: str) -> None:
        for _ in range(count):
            self.a_session_ends("Plain", result, 0)
            self.time_passes(900)

    @rule(count=st.integers(2, 5), result=st.sampled_from(("Failed", "Failed", "Success")))
    def many_end_at_once(self, count: int, result: str) -> None:
        for number in range(count):
            self.a_session_ends(f"Job {number}", result, 0)

    @rule(seconds=st.sampled_from((1, 20, 61, 400, 1500)))
    def time_passes(self, seconds: int) -> None:
        self.run(self.clock.advance(seconds))

    @rule(which=PROCESSES)
    def polls(self, which: int) -> None:
        self.run(self.processes[which].site.watch.tick())

    @rule(which=PROCESSES, fuse=st.integers(0, 6), before=st.booleans())
    def polls_and_dies(self, which: int, fuse: int, *, before: bool) -> None:
        process = self.processes[which]
        process.database.fuse, process.database.dies_before_commit = fuse, before
        self.run(self.killed(which, process.site.watch.tick()))

    @rule(which=PROCESSES)
    def sends(self, which: int) -> None:
        self.run(self.channels.send(self.processes[which], self.set_clock))

    @rule(which=PROCESSES)
    def slack_says_wait(self, which: int) -> None:
        self.run(self.channels.put_off(self.processes[which], self.set_clock))

    @rule(seconds=st.sampled_from((-3600, -30, 0, 40, 900)))
    def the_clock_is_set(self, seconds: int) -> None:
        self.set_clock.ahead = timedelta(seconds=seconds)

    @rule(which=PROCESSES, dies=MOMENTS)
    def sends_and_dies(self, which: int, dies: str) -> None:
        self.run(self.killed(which, self.channels.send(self.processes[which], self.set_clock, dies)))

    @rule()
    def the_server_goes(self) -> None:
        self.run(self.vbr.go_dark())

    @rule()
    def the_server_comes_back(self) -> None:
        self.run(self.vbr.come_back())

    async def killed(self, which: int, work: Coroutine[Any, Any, object]) -> None:
        """Do a piece of work, and start the process anew, wherever it came to."""
        with suppress(Died):
            await work
        await self.processes[which].end()
        self.processes[which].begin()

    def teardown(self) -> None:
        try:
            self.run(self.settle())
            # Days may pass, and jobs run by their own schedule too.
            runs = self.run(self.runs())
            told = [*told_by(self.channels.posted), *told_in_storms(runs)]
            assert Counter(one for one in told if one in self.ended) == Counter(self.ended)
            assert max(Counter(row.key for row in self.channels.posted).values(), default=1) == 1
            assert max(Counter(pings_by(self.channels.posted)).values(), default=1) == 1
        finally:
            self.run(self.close())
            self.runner.close()

    async def settle(self) -> None:
        await self.vbr.come_back()
        for process in self.processes:
            for _ in range(8):
                await self.clock.advance(61)
                await process.site.watch.tick()
                while await self.channels.send(process, self.set_clock):
                    pass

    async def runs(self) -> list[Run]:
        """Every run that is kept."""
        async with self.processes[0].database.reading() as reading:
            bodies = await reading.all(select(run_rows.c.body))
        return [run for (body,) in bodies if (run := Run.decode(body)) is not None]

    async def close(self) -> None:
        for process in self.processes:
            await process.end()
        await self.stack.aclose()


def told_by(posted: list[OutboxRow]) -> list[str]:
    """The sessions that messages tell, roots and further attempts alike."""
    announced = [decode(row.body) for row in posted]
    roots = [str(each.run.last.session_id) for each in announced if isinstance(each, RunEnded)]
    return roots + [str(each.session.session_id) for each in announced if isinstance(each, AttemptEnded)]


def told_in_storms(runs: list[Run]) -> list[str]:
    """The sessions that a storm tells, further attempts alike."""
    return [
        str(attempt.session_id)
        for run in runs
        if any(channel.storm is not None for channel in run.channels)
        for attempt in run.facts.attempts
    ]


def pings_by(posted: list[OutboxRow]) -> list[str]:
    """What people were mentioned for, once for each mention: runs by their key, storms by their ID."""
    pings = []
    for row in posted:
        match decode(row.body):
            case StormBegan(storm=storm, mention=str()) | StormFinal(storm=storm):
                pings.append(storm.storm_id)
            case RunEnded(run=run, mention=str()) | AttemptEnded(run=run, mention=str()):
                pings.append(run.key)
            case DetailsReply(run=run, mention=str()) | NoFurtherAttempt(run=run, mention=str()):
                pings.append(run.key)
    return pings


@pytest.mark.parametrize("at_least", [0, 3], ids=["one by one", "storms"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(240 * SCHEDULES)
def test_each_session_is_told_exactly_once(
    kind: str, at_least: int, database_templates: dict[str, Template]
) -> None:
    """However polls, deaths, restarts and sends interleave, no session is lost and none is told twice.

    And nobody is mentioned twice for one failure. A schedule that fails is printed, and can be run again.
    """
    found = template_of(kind, database_templates)

    class OnThisDatabase(Watching):
        template = found
        storm_from = at_least

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=SCHEDULES * (15 if kind == "sqlite" else 6),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
