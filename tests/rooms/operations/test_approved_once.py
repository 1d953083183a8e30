"""Whoever presses what, whatever changes and whatever dies: nothing is done unapproved, and nothing twice.

Two processes share a database and a server. People with and without the role ask, approve and decline, at
once too; jobs change, rights come and go, time passes, answers are lost, and either process is killed around
any of its transactions.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from bot.operations.actions.approvals import Approve, Decline
from bot.operations.actions.delete import Delete
from bot.operations.actions.start import Start
from bot.operations.backend import ApprovalRules
from bot.operations.model import NamedJob, Person, Request, Standing
from bot.sandbox.vbr import VbrSandbox, World
from bot.sandbox.vbr.faults import Moment, dropped
from bot.settings import GrantSettings, GroupReference, PersonId, Role
from bot.store import (
    Approval,
    ApprovalEnd,
    Approvals,
    ApprovalState,
    Database,
    Outbox,
    PostedMessage,
    Transaction,
)
from bot.store.tables import approvals as approvals_table
from bot.veeam import Fleet
from bot.watch import ApprovalCloser, approval_rows
from bot.watch.facts import ApprovalChanged, ApprovalOpened, decode
from tests.rooms.operations.office import GRANTS, HQ, OPERATOR, VIEWER, Office, Team
from tests.rooms.veeam.clients import client_of
from tests.support.clock import FakeClock
from tests.support.databases import new_database

T = TypeVar("T")
ANN, BEN, CID = PersonId("U0ANN"), PersonId("U0BEN"), PersonId("U0CID")
ADMINS = frozenset({"S0ADMIN"})
JOBS = ("One", "Two", "Three")
SENDING = (("DELETE", "/api/v1/jobs/{id}"), ("POST", "/api/v1/jobs/{id}/start"))
NOTHING_SENT = {*ApprovalEnd}
PROCESSES = st.sampled_from((0, 1))
ASKERS = st.sampled_from((ANN, ANN, BEN, OPERATOR, VIEWER))
PRESSERS = st.sampled_from((ANN, BEN, BEN, CID, OPERATOR, VIEWER))
WHICH = st.sampled_from((0, 0, 0, 1, 2))


class Died(BaseException):
    """The process was killed here."""


class Mortal(Database):
    """A database whose process dies around one of its next transactions, and does nothing from then on."""

    fuse: int | None = None
    dies_before_commit = False
    is_dead = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        if self.is_dead:
            raise Died
        burnt = self.fuse == 0
        self.fuse = None if self.fuse in {None, 0} else (self.fuse or 0) - 1
        async with super().transaction() as transaction:
            yield transaction
            self.is_dead = burnt
            if burnt and self.dies_before_commit:
                raise Died
        if burnt:
            raise Died


@dataclass
class Process:
    """One replica of the bot."""

    url: str
    vbr: VbrSandbox
    clock: FakeClock
    team: Team

    def begin(self) -> None:
        self.database = Mortal(self.url)
        fleet = Fleet([client_of(self.vbr, self.clock, name=HQ)])
        self.office = Office(self.vbr, self.vbr, fleet, self.database, self.clock, self.team)
        self.office.grants = (
            *GRANTS,
            GrantSettings(group=GroupReference("S0ADMIN"), role=Role.BACKUP_ADMINISTRATOR),
        )
        self.office.approvals = ApprovalRules({"delete", "start"}, timedelta(minutes=30), ())
        self.approving = ApprovalCloser(self.approvals, self.office.audit, self.clock)

    @property
    def approvals(self) -> Approvals:
        return Approvals(self.database, approval_rows)

    async def end(self) -> None:
        await self.office.fleet.close()
        await self.database.close()


class Deciding(RuleBasedStateMachine):
    """People, jobs and two processes."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.executed: Counter[str] = Counter()
        self.references = (f"ref-{number}" for number in itertools.count())
        self.run(self.begin())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def begin(self) -> None:
        self.clock = FakeClock()
        self.world = World(self.clock.now)
        for name in JOBS:
            self.world.add_job(name, run_seconds=300)
        self.vbr = await self.stack.enter_async_context(VbrSandbox(self.world))
        self.team = Team()
        for person in (ANN, BEN, CID):
            self.team.people[person] = Person(person, person, Standing.MEMBER, ADMINS)
        folder = self.stack.enter_context(TemporaryDirectory())
        url = await new_database(Path(folder))
        self.processes = [Process(url, self.vbr, self.clock, self.team) for _ in range(2)]
        for process in self.processes:
            process.begin()

    @rule(which=PROCESSES, person=ASKERS, job=st.sampled_from(JOBS), deletes=st.booleans())
    def asks(self, which: int, person: PersonId, job: str, *, deletes: bool) -> None:
        self.nothing_is_sent(self.asked(which, person, _request(job, deletes=deletes)))

    @rule(which=PROCESSES, job=st.sampled_from(JOBS), fuse=st.integers(0, 5), before=st.booleans())
    def asks_and_dies(self, which: int, job: str, fuse: int, *, before: bool) -> None:
        self.set_fuse(which, fuse, before=before)
        self.nothing_is_sent(self.killed(which, self.asked(which, ANN, _request(job, deletes=True))))

    @precondition(lambda self: self.known())
    @rule(which=PROCESSES, person=PRESSERS, index=WHICH)
    def approves(self, which: int, person: PersonId, index: int) -> None:
        self.decides(index, {person}, self.pressed(which, person, index))

    @precondition(lambda self: self.known())
    @rule(which=PROCESSES, index=WHICH, fuse=st.integers(0, 5), before=st.booleans())
    def approves_and_dies(self, which: int, index: int, fuse: int, *, before: bool) -> None:
        self.set_fuse(which, fuse, before=before)
        self.decides(index, {BEN}, self.killed(which, self.pressed(which, BEN, index)))

    @precondition(lambda self: self.known())
    @rule(index=WHICH, first=PRESSERS, second=PRESSERS)
    def approve_at_once(self, index: int, first: PersonId, second: PersonId) -> None:
        presses = self.pressed(0, first, index), self.pressed(1, second, index)

        async def both() -> None:
            await asyncio.gather(*presses)

        self.decides(index, {first, second}, both())

    @precondition(lambda self: self.known())
    @rule(which=PROCESSES, person=PRESSERS, index=WHICH, moment=st.sampled_from(Moment))
    def approves_and_the_answer_is_lost(
        self, which: int, person: PersonId, index: int, moment: Moment
    ) -> None:
        for method, template in SENDING:
            self.vbr.faults.add(method, template, dropped(moment))
        self.approves(which=which, person=person, index=index)
        self.vbr.faults.clear()

    @precondition(lambda self: self.known())
    @rule(which=PROCESSES, person=PRESSERS, index=WHICH)
    def declines(self, which: int, person: PersonId, index: int) -> None:
        press = Decline(self.chosen(index).id)
        self.nothing_is_sent(self.asked(which, person, press))

    @precondition(lambda self: self.known())
    @rule(index=WHICH, fuse=st.integers(0, 3), before=st.booleans())
    def declines_and_dies(self, index: int, fuse: int, *, before: bool) -> None:
        self.set_fuse(0, fuse, before=before)
        press = Decline(self.chosen(index).id)
        self.nothing_is_sent(self.killed(0, self.asked(0, BEN, press)))

    @rule(seconds=st.sampled_from((1, 120, 400, 1900)))
    def time_passes(self, seconds: int) -> None:
        self.nothing_is_sent(self.clock.advance(seconds))

    @rule(job=st.sampled_from(JOBS))
    def a_job_runs(self, job: str) -> None:
        with suppress(KeyError, ValueError):
            self.world.finish_run(job, result="Success")

    @rule(person=st.sampled_from((ANN, BEN, CID)), groups=st.sampled_from((ADMINS, frozenset(), None)))
    def rights_change(self, person: PersonId, groups: frozenset[str] | None) -> None:
        self.team.people[person] = Person(person, person, Standing.MEMBER, groups)

    @rule(which=PROCESSES)
    def looks(self, which: int) -> None:
        self.nothing_is_sent(self.processes[which].approving.tick())

    @rule(which=PROCESSES, fuse=st.integers(0, 2), before=st.booleans())
    def looks_and_dies(self, which: int, fuse: int, *, before: bool) -> None:
        self.set_fuse(which, fuse, before=before)
        self.nothing_is_sent(self.killed(which, self.processes[which].approving.tick()))

    def set_fuse(self, which: int, fuse: int, *, before: bool) -> None:
        database = self.processes[which].database
        database.fuse, database.dies_before_commit = fuse, before

    async def asked(self, which: int, person: PersonId, request: Request) -> None:
        await self.processes[which].office.ask(request, person, reference=next(self.references))

    def pressed(self, which: int, person: PersonId, index: int) -> Coroutine[Any, Any, None]:
        return self.asked(which, person, Approve(self.chosen(index).id))

    async def killed(self, which: int, work: Coroutine[Any, Any, object]) -> None:
        """Do a piece of work, and start the process anew, wherever it came to."""
        with suppress(Died):
            await work
        await self.processes[which].end()
        self.processes[which].begin()

    def known(self) -> list[Approval]:
        """Every request there is, in the order of their being asked."""

        async def read() -> list[Approval]:
            process = self.processes[0]
            statement = select(approvals_table.c.id).order_by(
                approvals_table.c.asked_at, approvals_table.c.id
            )
            async with process.database.reading() as reading:
                ids = [row.id for row in await reading.all(statement)]
            return [found for each in ids if (found := await process.approvals.of(each)) is not None]

        return self.run(read())

    def chosen(self, index: int) -> Approval:
        """One of the latest, for what is pending is among them."""
        known = self.known()
        return known[-1 - index % len(known)]

    def sent(self) -> int:
        return sum(len(self.vbr.requests.of(*each)) for each in SENDING)

    def nothing_is_sent(self, work: Coroutine[Any, Any, object]) -> None:
        before = self.sent()
        self.run(work)
        assert self.sent() == before

    def decides(self, index: int, people: set[PersonId], work: Coroutine[Any, Any, object]) -> None:
        """Do it; what is sent is one thing, once, while it waited, by somebody else with the right."""
        approval, before = self.chosen(index), self.sent()
        able = {one for one in people if one != approval.person_id and self.may(one, approval)}
        waits = approval.state is ApprovalState.PENDING and approval.expires_at > self.clock.now()
        asker_may = self.may(PersonId(approval.person_id), approval)
        self.run(work)
        sent = self.sent() - before
        assert sent <= int(bool(able) and waits and asker_may)
        self.executed[approval.id] += sent
        assert self.executed[approval.id] <= 1

    def may(self, person: PersonId, approval: Approval) -> bool:
        groups = self.team.people[person].groups or frozenset()
        able = ADMINS | {"S0OPS"} if approval.operation == "start" else ADMINS
        return bool(groups & able)

    def teardown(self) -> None:
        try:
            self.run(self.settle())
            self.everything_is_ended_and_told()
        finally:
            self.run(self.close())
            self.runner.close()

    async def settle(self) -> None:
        for _ in range(2):
            await self.clock.advance(3600)
            for process in self.processes:
                await process.approving.tick()

    def everything_is_ended_and_told(self) -> None:
        asked, shown = self.run(self.told())
        for approval in self.known():
            assert approval.state is ApprovalState.ENDED
            assert asked[approval.id] == 1
            assert shown[approval.id] == approval.outcome
            if approval.outcome in NOTHING_SENT:
                assert self.executed[approval.id] == 0
            if approval.outcome == "done":
                assert self.executed[approval.id] == 1
        assert self.run(self.processes[0].office.audit.check()).broken_at is None

    async def told(self) -> tuple[Counter[str], dict[str, str | None]]:
        """How often each request was told, and how its message stands at the end."""
        asked: Counter[str] = Counter()
        shown: dict[str, str | None] = {}
        outbox = Outbox(self.processes[0].database)
        while rows := await outbox.claim("me", self.clock.now(), 60, 9):
            for row in rows:
                match decode(row.body):
                    case ApprovalOpened(approval=approval):
                        asked[approval.id] += 1
                    case ApprovalChanged(approval=approval):
                        shown[approval.id] = approval.outcome
                    case _:
                        pass
                await outbox.sent(row.id, PostedMessage("C0PROD", f"{row.id}.0"), self.clock.now())
        return asked, shown

    async def close(self) -> None:
        for process in self.processes:
            await process.end()
        await self.stack.aclose()


def _request(job: str, *, deletes: bool) -> Request:
    named = NamedJob(job, exact=True)
    return Delete(named, typed_name=job) if deletes else Start(named)


def test_nothing_is_done_twice_or_unapproved() -> None:
    """However askings, presses, changes, deaths and time interleave, and every request ends told."""
    run_state_machine_as_test(
        Deciding,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
