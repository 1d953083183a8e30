"""What may happen, in any order: in VBR, to the processes, in Slack, and by people's hands."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bot.store import NewMute, NewSubscription, OwnAction, OwnActions, Subscriptions
from bot.veeam import JobId
from tests.rooms.store.databases import Template
from tests.rooms.watch.simulation import world as of
from tests.rooms.watch.simulation.channels import MOMENTS, Died
from tests.rooms.watch.simulation.outcome import Outcome
from tests.rooms.watch.simulation.steps import Steps
from tests.rooms.watch.simulation.world import HQ, LOOKS, Outside, Process

T = TypeVar("T")
PROCESSES = st.sampled_from((0, 1))
JOBS = st.sampled_from((of.RETRIED, of.PLAIN, of.LOOSE))
FULL, CUT = "There is not enough space on the disk.", "Connection reset by peer."
STARTS = st.sampled_from(
    (
        datetime(2026, 11, 23, 12, tzinfo=UTC),
        # The clocks go back that night, or forward, about when the digest is due.
        datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
        datetime(2027, 3, 27, 23, 30, tzinfo=UTC),
    )
)
DEATHS = st.none() | st.tuples(st.integers(0, 6), st.booleans())
"""At which transaction a process dies, and whether before it is committed."""
SOON = 61.0
"""Longer than any claim or lease that a poll waits for."""


class Watching(RuleBasedStateMachine):
    """The world, two processes, the channels and the people in them."""

    template: Template
    storm_from = 0
    restores = False
    outside: Outside

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.processes: list[Process] = []
        self.is_broken = False

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self.runner.run(work)
        except BaseException:
            self.is_broken = True
            raise

    @initialize(start=STARTS)
    def begins(self, start: datetime) -> None:
        self.run(self.begin(start))

    async def begin(self, start: datetime) -> None:
        self.outside = outside = Outside(self.template, self.storm_from, start)
        await outside.open()
        self.clock, self.world, self.channels = outside.clock, outside.world, outside.channels
        self.processes = [Process(holder, outside) for holder in ("one", "two")]
        self.steps = Steps(outside)
        self.outcome = Outcome(outside, self.steps)
        self.gestures = 0
        await self.processes[0].watch.tick()

    async def step(
        self,
        which: int,
        work: Callable[[Process], Coroutine[Any, Any, object]],
        dies: tuple[int, bool] | None,
    ) -> bool:
        """Let a process do something, and judge it. It may die of it: then it is started anew."""
        process, before, is_done = self.processes[which], await self.steps.look(), False
        if dies is not None:
            process.database.fuse, process.database.dies_before_commit = dies
        with suppress(Died):
            await work(process)
            is_done = True
        if dies is not None:
            await process.end()
            process.begin()
        await self.steps.judge(before)
        return is_done

    # In VBR

    @rule(
        job=JOBS,
        result=st.sampled_from(("Success", "Warning", "Failed", "Failed", "Failed", "None")),
        ago=st.just(0) | st.integers(0, 500),
        cause=st.sampled_from((FULL, FULL, CUT)),
        is_noticed=st.booleans(),
    )
    def a_session_ends(self, job: str, result: str, ago: int, cause: str, *, is_noticed: bool) -> None:
        is_bad = result in {"Warning", "Failed"}
        self.site.ended(job, result, ago=ago, seconds=1.0, objects={"sql01": cause} if is_bad else {})
        if is_noticed:
            self.run(self.everybody_looks(SOON))

    @rule(
        source=st.sampled_from((of.PLAIN, of.RETRIED)),
        result=st.sampled_from(("Success", "Warning", "Failed", "Failed")),
        ago=st.just(0) | st.integers(0, 500),
    )
    def a_part_ends(self, source: str, result: str, ago: int) -> None:
        self.outside.part_ends(source, result, ago=ago, message=FULL)

    @rule(count=st.integers(1, 4), result=st.sampled_from(("Success", "Failed")))
    def nobody_looks_for_a_while(self, count: int, result: str) -> None:
        for _ in range(count):
            self.site.ended(of.PLAIN, result, seconds=1.0)
            self.time_passes(900)

    @rule(count=st.integers(2, 5), result=st.sampled_from(("Failed", "Failed", "Success")))
    def many_end_at_once(self, count: int, result: str) -> None:
        for number in range(count):
            self.site.ended(f"Job {number}", result, seconds=1.0)

    @rule(
        job=st.sampled_from((of.PLAIN, of.LOOSE)), channel=st.sampled_from((of.OWN, of.ALL, of.SUBSCRIBED[0]))
    )
    def a_person_runs_a_job(self, job: str, channel: str) -> None:
        session_id = self.site.ended(job, "Failed", seconds=1.0, objects={"sql01": FULL})
        self.steps.started_in[session_id] = channel
        action = OwnAction(
            server=HQ,
            job_id=self.world.job(job).id,
            session_id=session_id,
            operation="start",
            person_id="U0ANN",
            channel_id=channel,
            reference=f"r-{session_id}",
            at=self.now,
        )
        self.run(OwnActions(self.outside.database).remember(action))

    @rule(what=st.sampled_from(("stick", "disable", "enable", "fill", "empty", "hang")))
    def something_stops_happening(self, what: str) -> None:
        outside = self.outside
        match what:
            case "stick":
                outside.stick()
            case "disable" | "enable":
                outside.disable(is_disabled=what == "disable")
            case "fill" | "empty":
                outside.fill(5 if what == "fill" else 50)
            case "hang":
                outside.nightly.run_seconds = 5000 + of.USUAL_SECONDS

    @rule(is_dark=st.booleans())
    def the_server_goes_or_comes_back(self, *, is_dark: bool) -> None:
        self.run(self.outside.go_dark() if is_dark else self.outside.come_back())

    # Time, and the processes

    @rule(seconds=st.sampled_from((1, 20, 61, 400, 1500, 8000)))
    def time_passes(self, seconds: int) -> None:
        self.run(self.clock.advance(seconds))

    @rule(seconds=st.sampled_from((-3600, -30, 0, 40, 900)))
    def the_clock_is_set(self, seconds: int) -> None:
        self.outside.set_clock.ahead = timedelta(seconds=seconds)

    @rule(pauses=st.lists(st.sampled_from((20.0, SOON, 400.0, 3700.0)), min_size=1, max_size=3))
    def all_goes_well_for_a_while(self, pauses: list[float]) -> None:
        self.run(self.everybody_looks(*pauses))

    @rule(which=PROCESSES, at=st.sampled_from((*LOOKS, "sessions", "sessions")), dies=DEATHS)
    def looks(self, which: int, at: str, dies: tuple[int, bool] | None) -> None:
        self.run(self.looked(which, at, dies))

    async def looked(self, which: int, at: str, dies: tuple[int, bool] | None) -> None:
        is_done = await self.step(which, lambda process: process.looks(at), dies)
        if is_done and at == "digests":
            await self.steps.digest_is_made(self.processes[which].holder)

    @precondition(lambda self: self.restores)
    @rule()
    def the_database_is_backed_up(self) -> None:
        self.run(self.while_stopped(self.outside.back_up))

    @precondition(lambda self: bool(self.processes) and self.outside.backup is not None)
    @rule()
    def an_older_database_is_restored(self) -> None:
        self.run(self.while_stopped(self.outside.restore))
        self.steps.forget()
        self.outcome.owned.clear()

    async def while_stopped(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        for process in self.processes:
            await process.end()
        await work()
        for process in self.processes:
            process.begin()

    # In Slack

    @rule(which=PROCESSES, comes_to=st.sampled_from(("all", "all", "429", "lost", *MOMENTS)))
    def sends(self, which: int, comes_to: str) -> None:
        async def work(process: Process) -> None:
            if comes_to == "429":
                await process.sender.put_off()
            else:
                await process.sender.send(comes_to, loses_replies=comes_to == "lost")

        self.run(self.step(which, work, (99, False) if comes_to in MOMENTS else None))

    @rule(may_see=st.sampled_from((True, True, None, False)))
    def people_are_looked_up(self, *, may_see: bool | None) -> None:
        self.outside.people.may_see = may_see

    # By people

    @rule(
        which=PROCESSES,
        what=st.sampled_from((of.RETRIED, of.PLAIN, of.LOOSE, of.NIGHTLY, "Job *", "*")),
        seconds=st.sampled_from((600, 4000, 20000)),
        until_success=st.booleans(),
        dies=DEATHS,
    )
    def somebody_mutes(
        self, which: int, what: str, seconds: int, *, until_success: bool, dies: tuple[int, bool] | None
    ) -> None:
        self.gestures += 1
        is_job = "*" not in what
        new = NewMute(
            server=HQ,
            job_id=self.world.job(what).id if is_job else None,
            job_name=what if is_job else None,
            pattern=None if is_job or what == "*" else what,
            person_id="U0ANN",
            reference=f"mute-{self.gestures}",
            muted_at=self.now,
            until=self.now + timedelta(seconds=seconds),
            until_success=until_success and is_job,
        )
        self.run(self.step(which, lambda process: process.follow_up.mute(new), dies))

    @rule(which=PROCESSES, what=st.sampled_from((of.RETRIED, of.PLAIN, of.LOOSE, "Job *", "*")))
    def somebody_unmutes(self, which: int, what: str) -> None:
        async def work(process: Process) -> None:
            if "*" in what:
                found = await process.follow_up.find_mute(HQ, pattern=None if what == "*" else what)
            else:
                found = await process.follow_up.find_mute(HQ, job_id=JobId(self.world.job(what).id))
            if found is not None:
                await process.follow_up.unmute(found, "U0OLE")

        self.run(self.step(which, work, None))

    @rule(
        which=PROCESSES,
        job=JOBS,
        person=st.sampled_from(("U0ANN", "U0OLE")),
        dies=DEATHS,
    )
    def somebody_acknowledges(self, which: int, job: str, person: str, dies: tuple[int, bool] | None) -> None:
        async def work(process: Process) -> None:
            job_id = JobId(self.world.job(job).id)
            found = await process.follow_up.failed_run(HQ, job_id)
            if found is None:
                return
            session_id = found.session_id
            before = await process.follow_up.acknowledge(HQ, job_id, session_id, person)  # type: ignore[arg-type]
            if before is not None and before.owner != person:
                self.outcome.owned.append((f"{HQ}/{session_id}", person, before.channels))

        self.run(self.step(which, work, dies))

    @rule(
        channel=st.sampled_from(of.SUBSCRIBED),
        results=st.sampled_from((("Failed",), ("Success", "Warning", "Failed"), ())),
    )
    def somebody_subscribes(self, channel: str, results: tuple[str, ...]) -> None:
        """Or ends what there is, without results."""

        async def work() -> None:
            subscriptions = Subscriptions(self.outside.database)
            if results:
                new = NewSubscription(
                    channel=channel, person_id="U0ANN", pattern=of.LOOSE, results=results, made_at=self.now
                )
                await subscriptions.add(new)
            for each in await subscriptions.of(channel) if not results else ():
                await subscriptions.end(each.id, channel)

        self.run(work())

    @property
    def site(self) -> Any:
        return self.processes[0].site

    @property
    def now(self) -> datetime:
        return self.outside.set_clock.now()

    def teardown(self) -> None:
        try:
            if self.processes and not self.is_broken:
                self.run(self.settle())
        finally:
            self.runner.run(self.close())
            self.runner.close()

    async def settle(self) -> None:
        """All that was to come has come, and is told: mutes are over, the server is well."""
        outside = self.outside
        await outside.come_back()
        outside.people.may_see = True
        is_full, is_disabled = outside.is_full, outside.nightly.is_disabled
        await self.everybody_looks(SOON, SOON, 1000, 26000, SOON, SOON, SOON)
        await self.outcome.what_stands_is_said(is_full=is_full, is_disabled=is_disabled)
        outside.heal()
        await self.everybody_looks(SOON, 3700, 8000, 1000, SOON)
        await self.outcome.judge()

    async def everybody_looks(self, *pauses: float) -> None:
        """Let time pass, and the processes in turn look at everything and send what there is."""
        for number, seconds in enumerate(pauses):
            await self.clock.advance(seconds)
            process = self.processes[number % 2]
            # A look at what is expected polls first.
            polling = "expectations" if seconds > SOON else "sessions"

            async def work(process: Process, polling: str = polling) -> None:
                for at in (polling, "mutes", "reminders", "digests"):
                    await process.looks(at)

            await self.step(number % 2, work, None)
            await self.steps.digest_is_made(process.holder)
            while await process.sender.send():
                pass

    async def close(self) -> None:
        for process in self.processes:
            await process.end()
        if self.processes:
            await self.outside.close()
