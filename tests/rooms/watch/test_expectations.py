"""What did not happen is told once, in the right channel, and the message says when it is over."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import select

from bot.observability import Health, Metrics
from bot.operations.backend import ANY_KIND
from bot.sandbox.vbr import Behaviour, Role, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.jobmodels import daily
from bot.settings import ExpectationSettings, ServerName
from bot.slack.views.announcements import announcement
from bot.store import (
    Database,
    Expectations,
    NewMute,
    Placement,
    SharedRead,
    TimedDisable,
    TimedDisables,
)
from bot.store.tables import expectation_groups
from bot.veeam import JobId, VeeamServer
from bot.watch import ExpectationWatch, FollowUp, NoticedSessions, Reminder, Watch
from bot.watch.facts import (
    Announcement,
    ExpectationAcknowledged,
    ExpectationOver,
    ExpectationsChanged,
    ExpectationsList,
    ExpectationsOwned,
    ExpectationsUnmet,
    ExpectationUnmet,
    decode,
)
from tests.rooms.veeam.clients import client_of
from tests.rooms.watch.site import drained, rules
from tests.support.clock import FakeClock

A = TypeVar("A")
LOOK = 200.0
HOUR = 3600.0
STATES = "/api/v1/jobs/states"
OF_SERVER = ["/api/v1/backupInfrastructure/repositories/states", "/api/v1/license", "/api/v1/configBackup"]


@dataclass
class Expecting:
    """A server of which something is expected, watched by one process; another one is another of these."""

    clock: FakeClock
    world: World
    vbr: VbrSandbox
    client: VeeamServer
    database: Database
    holder: str = "one"
    noticed: NoticedSessions = field(init=False)
    watch: Watch = field(init=False)
    expected: ExpectationWatch = field(init=False)

    def expect(self, *limits: Mapping[str, object], gather_from: int = 0) -> None:
        """Start, or start again, with these expectations."""
        settings = tuple(
            ExpectationSettings.model_validate({"channel": "C0PROD", "mention": "S0ONCALL", **each})
            for each in limits
        )
        self.noticed, health = NoticedSessions(), Health(self.clock)
        self.watch = Watch(
            self.client,
            self.database,
            self.clock,
            rules(default_channel=None),
            metrics=Metrics(),
            health=health,
            holder=self.holder,
            noticed=self.noticed,
        )
        self.expected = ExpectationWatch(
            self.client,
            self.database,
            self.clock,
            settings,
            self.watch,
            self.noticed,
            holder=self.holder,
            gather_from=gather_from,
        )

    async def look(self, seconds: float = 0) -> list[ExpectationUnmet | ExpectationOver]:
        """Let time pass; poll and look as the bot does. What was queued of expectations, as it was sent."""
        told = await self.told(seconds)
        return [each for each in told if isinstance(each, ExpectationUnmet | ExpectationOver)]

    async def told(self, seconds: float = 0) -> list[Announcement]:
        """All that was queued meanwhile, as it was sent."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            left = (end - self.clock.now()).total_seconds()
            step = min(LOOK if left < 2 * HOUR else 4 * LOOK, left)
            await self.clock.advance(max(0.0, step))
            await self.watch.tick()
            await self.expected.look()
            if self.clock.now() >= end:
                break
        told = [(row, decode(row.body)) for row in await drained(self.database, self.clock)]
        for row, each in told:
            if isinstance(each, ExpectationOver):
                assert row.placement is Placement.EDIT
                assert row.root is not None
        return [each for _, each in told]


@pytest.fixture
async def site(database: Database, clock: FakeClock, world: World) -> AsyncIterator[Expecting]:
    async with VbrSandbox(world) as vbr, client_of(vbr, clock) as client:
        yield Expecting(clock, world, vbr, client, database)


def said(told: list[ExpectationUnmet | ExpectationOver]) -> list[tuple[str, str, str]]:
    """Each as the word for what happened, its kind and what it is about."""
    return [
        (
            "unmet" if isinstance(each, ExpectationUnmet) else each.outcome,
            each.expectation.kind,
            each.expectation.name,
        )
        for each in told
    ]


def fill(world: World, free_gb: float) -> str:
    repository = world.book.repositories[world.default_repository_id]
    repository.free_gb = free_gb * repository.capacity_gb / 100
    return repository.name


async def test_a_full_repository_is_told_once_and_taken_back(site: Expecting) -> None:
    """Said in the first look, not again after a restart; the message says that it is over."""
    expectation = {"repository_free_percent": 10}
    name = fill(site.world, 8)
    site.expect(expectation)
    told = await site.look()
    assert said(told) == [("unmet", "repository", name)]
    assert isinstance(told[0], ExpectationUnmet)
    assert told[0].mention == "S0ONCALL"
    assert told[0].expectation.found == pytest.approx(8)
    assert await site.look(2 * HOUR) == []
    site.expect(expectation)
    assert await site.look(LOOK) == []
    fill(site.world, 40)
    over = await site.look(HOUR)
    assert said(over) == [("met", "repository", name)]
    assert over[0].expectation == told[0].expectation
    fill(site.world, 5)
    assert said(await site.look(HOUR)) == [("unmet", "repository", name)]


async def test_what_the_licence_and_the_configuration_backup_are_like(site: Expecting) -> None:
    """Both are asked for once an hour."""
    site.expect({"licence_days": 30, "config_backup_days": 7})
    assert await site.look() == []
    site.world.licence_lasts = timedelta(days=20)
    site.world.config_backup_age = timedelta(days=8)
    assert await site.look(HOUR / 2) == []
    assert said(await site.look(HOUR)) == [("unmet", "licence", ""), ("unmet", "config_backup", "")]
    site.world.licence_lasts = timedelta(days=385)
    site.world.config_backup_age = timedelta(hours=2)
    assert said(await site.look(HOUR)) == [("met", "licence", ""), ("met", "config_backup", "")]


@pytest.mark.parametrize("revision", ["1.2-rev1", "1.3-rev0", "1.3-rev1", "1.3-rev2"])
async def test_each_revision_says_when_the_licence_ends(
    revision: str, database: Database, clock: FakeClock, world: World
) -> None:
    """Since 1.3-rev2 its sections do; repositories and the configuration backup are alike."""
    world.licence_lasts, world.config_backup_age = timedelta(days=3), timedelta(days=9)
    fill(world, 1)
    behaviour = Behaviour(supported_revisions=accepted_by(revision))
    async with (
        VbrSandbox(world, behaviour=behaviour) as vbr,
        client_of(vbr, clock, api_version=revision) as client,
    ):
        site = Expecting(clock, world, vbr, client, database)
        site.expect({"preset": "standard"})
        told = {each.expectation.kind: each.expectation for each in await site.look()}
    assert set(told) == {"repository", "licence", "config_backup"}
    assert told["licence"].at is not None
    assert timedelta(days=2) <= told["licence"].at - clock.now() <= timedelta(days=3)


async def test_an_account_that_may_not_read_the_licence(
    database: Database, clock: FakeClock, world: World
) -> None:
    """What VBR shows to administrators alone is not judged; the rest is."""
    world.licence_lasts = timedelta(days=1)
    name = fill(world, 1)
    async with VbrSandbox(world) as vbr:
        viewer = vbr.accounts.by_role(Role.VIEWER)
        async with client_of(vbr, clock, viewer) as client:
            site = Expecting(clock, world, vbr, client, database)
            site.expect({"preset": "standard"})
            assert said(await site.look(LOOK)) == [("unmet", "repository", name)]


async def test_a_job_that_stays_disabled(site: Expecting) -> None:
    """From when the bot saw it so, over a restart; not one that the bot itself enables again in time."""
    expectation = {"disabled_longer_than_hours": 24}
    forgotten = site.world.add_job("Forgotten", schedule=daily("22:00"))
    planned = site.world.add_job("Planned", schedule=daily("22:00"))
    site.expect(expectation)
    await site.look()
    begun = site.clock.now()
    for job in (forgotten, planned):
        job.model["isDisabled"] = True
        job.rows.clear()
    await TimedDisables(site.database).remember(
        TimedDisable(
            server="hq", job_id=planned.id, job_name="Planned", person_id="U0ANN", channel_id=None,
            reference="r", disabled_at=begun, until=begun + timedelta(days=3),
        )
    )  # fmt: skip
    assert await site.look(12 * HOUR) == []
    site.expect(expectation)
    assert await site.look(11 * HOUR) == []
    told = await site.look(1.5 * HOUR)
    assert said(told) == [("unmet", "disabled", "Forgotten")]
    assert told[0].expectation.job_id == forgotten.id
    assert begun <= told[0].expectation.since <= begun + timedelta(seconds=4 * LOOK)
    forgotten.model["isDisabled"] = False
    forgotten.model["name"] = "Renamed"
    forgotten.rows.clear()
    assert said(await site.look(LOOK)) == [("met", "disabled", "Forgotten")]


async def test_what_comes_back_is_told_again(site: Expecting) -> None:
    """Over while the job was enabled for a while, then unmet as before: another message, not silence."""
    job = site.world.add_job("Forgotten", run_seconds=3000)
    site.expect({"success_within_hours": 20})
    await site.look()
    assert said(await site.look(21 * HOUR)) == [("unmet", "no_success", "Forgotten")]
    run = site.world.begin_run(job)
    assert await site.look(LOOK) == []  # it runs: that is no success yet
    site.world.life.stop(run, site.world.now(), graceful=False)
    assert await site.look(HOUR) == []
    site.expect()
    assert said(await site.look(LOOK)) == [("dropped", "no_success", "Forgotten")]
    site.expect({"success_within_hours": 20})
    assert said(await site.look(LOOK)) == [("unmet", "no_success", "Forgotten")]


async def test_a_person_owns_it(site: Expecting) -> None:
    """Its message says who, and who took over; over with, there is nothing to own."""
    job = site.world.add_job("Forgotten", schedule=daily("22:00"), is_disabled=True)
    site.expect({"disabled_longer_than_hours": 1})
    await site.look()
    assert said(await site.look(2 * HOUR)) == [("unmet", "disabled", "Forgotten")]
    keeper = FollowUp(site.database, site.clock)
    for person, before in (("U0ANN", None), ("U0BEN", "U0ANN"), ("U0BEN", "U0BEN")):
        owned = await keeper.acknowledge_unmet(site.client.name, JobId(job.id), "disabled", person)
        assert owned is not None
        assert owned.owner == before
    (row,) = await drained(site.database, site.clock)
    shown = decode(row.body)
    assert isinstance(shown, ExpectationAcknowledged)
    assert shown.expectation.acknowledged is not None
    assert (row.placement, shown.expectation.acknowledged.by) == (Placement.EDIT, "U0BEN")
    (unmet,) = await Expectations(site.database).unmet(site.client.name)
    job.model["isDisabled"] = False
    job.rows.clear()
    assert said(await site.look(LOOK)) == [("met", "disabled", "Forgotten")]
    assert await keeper.acknowledge_unmet(site.client.name, JobId(job.id), "disabled", "U0ANN") is None
    async with site.database.transaction() as transaction:
        assert not await Expectations(site.database).change(transaction, unmet)


async def test_what_is_muted_is_told_when_the_mute_is_over(site: Expecting) -> None:
    """A job, or all of its server: nothing is posted meanwhile, and once it is over it is, once."""
    job = site.world.add_job("Forgotten", schedule=daily("22:00"), is_disabled=True)
    until = site.clock.now() + timedelta(hours=30)
    for job_id in (job.id, None):
        await FollowUp(site.database, site.clock).mute(
            NewMute(
                server="hq",
                job_id=job_id,
                job_name=job_id and "Forgotten",
                person_id="U0ANN",
                reference=f"r-{job_id}",
                muted_at=site.clock.now(),
                until=until,
            )
        )
    name = fill(site.world, 8)
    site.expect({"disabled_longer_than_hours": 24, "repository_free_percent": 10})
    assert await site.look(29 * HOUR) == []
    assert sorted(said(await site.look(2 * HOUR))) == [
        ("unmet", "disabled", "Forgotten"),
        ("unmet", "repository", name),
    ]


async def test_a_job_without_a_success(site: Expecting) -> None:
    """Told within five minutes of being due, with its last good run; a run that goes well takes it back."""
    job = site.world.add_job("SQL nightly")
    ended_at = site.clock.now() - timedelta(hours=25, minutes=50)
    site.world.finish_run(job, ended_at=ended_at)
    site.expect({"jobs": ["SQL*"], "success_within_hours": 26})
    assert await site.look() == []
    told = await site.look(10 * 60 + 300)
    assert said(told) == [("unmet", "no_success", "SQL nightly")]
    assert told[0].expectation.since == told[0].expectation.at == ended_at
    site.world.finish_run(job, result="Failed")
    assert await site.look(LOOK) == []
    # Well between two looks, and failed again since: its session says so.
    site.world.finish_run(job, result="Warning")
    await site.clock.advance(30)
    await site.watch.tick()
    site.world.finish_run(job, result="Failed")
    assert said(await site.look(LOOK)) == [("met", "no_success", "SQL nightly")]


@pytest.mark.parametrize("hours_ago", [(50, 26, 2), (24, 2)], ids=["old", "new"])
async def test_a_job_that_only_failed_before_the_start(site: Expecting, hours_ago: tuple[int, ...]) -> None:
    """Its last success is too old: told at the start. A job that is younger than that still has its time."""
    now, job = site.clock.now(), site.world.add_job("SQL nightly")
    good = [now - timedelta(hours=ago) for ago in hours_ago if ago == 50]
    for ago in hours_ago:
        result = "Success" if ago == 50 else "Failed"
        site.world.finish_run(job, result=result, ended_at=now - timedelta(hours=ago))
    site.expect({"jobs": ["SQL*"], "success_within_hours": 26})
    told = await site.look(300)
    assert [(each.expectation.kind, each.expectation.at) for each in told] == [
        ("no_success", ended_at) for ended_at in good
    ]


async def test_after_a_silence_the_server_is_read_before_it_is_judged(site: Expecting) -> None:
    """The server is away for six hours; what succeeded meanwhile is known before any word."""
    job = site.world.add_job("SQL nightly")
    site.world.finish_run(job, ended_at=site.clock.now() - timedelta(hours=23))
    expectation = {"success_within_hours": 26}
    site.expect(expectation)
    await site.look()
    await site.vbr.go_dark()
    assert await site.look(3 * HOUR) == []
    await site.clock.advance(3 * HOUR)
    site.world.finish_run(job, ended_at=site.clock.now() - timedelta(hours=2))
    site.world.finish_run(job, result="Failed", ended_at=site.clock.now() - timedelta(hours=1))
    await site.vbr.come_back()
    site.expect(expectation)
    assert await site.look(LOOK) == []
    assert said(await site.look(24.2 * HOUR)) == [("unmet", "no_success", "SQL nightly")]


async def test_who_polls_again_knows_what_ended_meanwhile(
    database: Database, clock: FakeClock, world: World
) -> None:
    """A process stood still while another one polled, and never noticed: it says nothing that is not so."""
    job = world.add_job("SQL nightly")
    async with VbrSandbox(world) as vbr, client_of(vbr, clock) as client:
        one = Expecting(clock, world, vbr, client, database)
        other = Expecting(clock, world, vbr, client, database, holder="two")
        for each in (one, other):
            each.expect({"success_within_hours": 8})
        assert await one.look() == []
        await clock.advance(4 * HOUR)
        world.finish_run(job)
        assert await other.look() == []
        world.finish_run(job, result="Failed")
        assert await other.look(LOOK) == []
        await clock.advance(5 * HOUR)
        assert await one.look() == []


async def test_two_processes_tell_once(either_database: Database, clock: FakeClock, world: World) -> None:
    """The one that stands by says nothing; it goes on where the other one ended."""
    limits = {"repository_free_percent": 10, "success_within_hours": 2}
    name, job = fill(world, 4), world.add_job("SQL nightly")
    world.finish_run(job)
    async with VbrSandbox(world) as vbr, client_of(vbr, clock) as client:
        one = Expecting(clock, world, vbr, client, either_database)
        other = Expecting(clock, world, vbr, client, either_database, holder="two")
        for each in (one, other):
            each.expect(limits)
        assert said(await one.look()) == [("unmet", "repository", name)]
        assert await other.look() == []
        fill(world, 50)
        await clock.advance(2.5 * HOUR)  # the first one is gone, and its lease runs out
        assert sorted(said(await other.look())) == [
            ("met", "repository", name),
            ("unmet", "no_success", "SQL nightly"),
        ]
        assert await one.look() == []
        world.finish_run(job)
        assert said(await other.look(LOOK)) == [("met", "no_success", "SQL nightly")]


async def test_what_is_gone_or_no_longer_expected(site: Expecting) -> None:
    """A job that is deleted and an expectation that is taken back leave no message that stands for ever."""
    for name in ("Deleted", "Dropped"):
        site.world.add_job(name)
    site.expect({"success_within_hours": 1})
    await site.look()
    assert len(await site.look(1.2 * HOUR)) == 2
    gone = site.world.job("Deleted")
    del site.world.book.jobs[gone.id]
    site.expect({"jobs": ["Else*"], "success_within_hours": 1}, {"disabled_longer_than_hours": 1})
    assert sorted(said(await site.look(3 * LOOK))) == [
        ("dropped", "no_success", "Dropped"),
        ("gone", "no_success", "Deleted"),
    ]
    assert await Expectations(site.database).servers() == frozenset()
    assert list(await Expectations(site.database).jobs("hq")) == [site.world.job("Dropped").id]


async def test_nothing_is_expected_of_a_server_any_more(site: Expecting) -> None:
    """What still stands is taken back at the next start; then nobody looks at the server any more."""
    name = fill(site.world, 4)
    site.world.add_job("SQL nightly")
    site.expect({"repository_free_percent": 10, "success_within_hours": 1})
    await site.look()
    await site.look(1.2 * HOUR)
    site.expect({"servers": ["dr"], "preset": "standard"})
    standing = SharedRead(Expectations(site.database).servers, site.clock, seconds=1)
    await site.watch.tick()
    site.vbr.requests.clear()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(site.expected.run(standing))
        while not running.done():
            await site.clock.advance(LOOK)
            await site.watch.tick()
    told = [decode(row.body) for row in await drained(site.database, site.clock)]
    over = [each for each in told if isinstance(each, ExpectationOver)]
    assert sorted((each.outcome, each.expectation.name) for each in over) == [
        ("dropped", name),
        ("dropped", "SQL nightly"),
    ]
    assert STATES not in {request.template for request in site.vbr.requests}
    site.world.begin_run("SQL nightly")
    await site.clock.advance(LOOK)
    await site.watch.tick()
    assert not site.noticed.by_id


async def test_all_of_it_costs_a_list_now_and_then(site: Expecting) -> None:
    """1,200 jobs, all expectations: three pages a look, three questions an hour, none of a single job."""
    site.world.with_many_jobs(1200)
    site.expect({"preset": "standard"})
    await site.look()
    for _ in range(2):
        await site.clock.advance(LOOK)
        await site.watch.tick()
        site.vbr.requests.clear()
        await site.expected.look()
        assert [request.template for request in site.vbr.requests] == [STATES] * 3
    await site.look(HOUR)
    assert [request.template for request in site.vbr.requests if request.template in OF_SERVER] == OF_SERVER


async def test_a_run_that_takes_too_long_and_one_without_data(site: Expecting) -> None:
    """What is usual is learnt from the job's own runs, and kept in the database."""
    job = site.world.add_job("SQL nightly", objects=("sql01",), run_seconds=600)
    limits = {"longer_than_usual": 3, "unusual_size": 10}
    site.expect(limits)
    expected = [ExpectationSettings.model_validate({"channel": "C0PROD", **limits})]
    keeper, job_id = FollowUp(site.database, site.clock, expected=expected), JobId(job.id)
    learning = []
    for _ in range(10):
        learning.append(await keeper.learning(ServerName("hq"), job_id, job.name))
        site.world.begin_run(job)
        assert await site.look(4 * LOOK) == []
    assert [None if each is None else sum(each) for each in learning] == [*range(9), None]
    assert await FollowUp(site.database, site.clock).learning(ServerName("hq"), job_id, job.name) is None
    site.expect(limits)
    job.run_seconds = 3 * HOUR
    site.world.begin_run(job)
    started_at = site.world.now()
    told = await site.look(35 * 60)
    assert said(told) == [("unmet", "too_long", "SQL nightly")]
    assert (told[0].expectation.since, told[0].expectation.usual) == (started_at, 600)
    assert said(await site.look(3 * HOUR)) == [("met", "too_long", "SQL nightly")]
    site.world.finish_run(job, only=(), seconds=60)
    told = await site.look(LOOK)
    assert said(told) == [("unmet", "odd_success", "SQL nightly")]
    assert not told[0].expectation.found


async def test_an_odd_success_of_a_muted_job(site: Expecting) -> None:
    """It is told once the mute is over, though the job has not run again."""
    job = site.world.add_job("SQL nightly", objects=("sql01",), run_seconds=600)
    site.expect({"unusual_size": 10})
    for _ in range(10):
        site.world.begin_run(job)
        assert await site.look(4 * LOOK) == []
    now = site.clock.now()
    muted = NewMute(
        server="hq",
        job_id=job.id,
        job_name="SQL nightly",
        person_id="U0ANN",
        reference="r-1",
        muted_at=now,
        until=now + timedelta(hours=2),
    )
    await FollowUp(site.database, site.clock).mute(muted)
    site.world.finish_run(job, only=(), seconds=60)
    assert await site.look(HOUR) == []
    assert said(await site.look(1.5 * HOUR)) == [("unmet", "odd_success", "SQL nightly")]
    assert await site.look(HOUR) == []


DISABLED: Mapping[str, object] = {"disabled_longer_than_hours": 1}


def of_kind(told: list[Announcement], kind: type[A]) -> list[A]:
    return [each for each in told if isinstance(each, kind)]


def disable(site: Expecting, *names: str) -> None:
    """Have there be jobs of these names, disabled from now on."""
    for name in names:
        site.world.add_job(name, schedule=daily("22:00"), is_disabled=True)


def enable(site: Expecting, *names: str) -> None:
    for name in names:
        job = site.world.job(name)
        job.model["isDisabled"] = False
        job.rows.clear()


async def test_many_at_once_are_one_message(site: Expecting) -> None:
    """One root with one mention and a list, also after a restart; it counts those that heal."""
    disable(site, *"ABCDEF")
    site.expect(DISABLED, gather_from=5)
    assert await site.told() == []
    told = await site.told(2 * HOUR)
    (root,), (listed,) = of_kind(told, ExpectationsUnmet), of_kind(told, ExpectationsList)
    assert len(told) == 2
    assert (root.group.kind, root.group.standing, root.mention) == ("disabled", 6, "S0ONCALL")
    assert sorted(each.name for each in listed.listed) == [*"ABCDEF"]
    disable(site, "G")
    enable(site, "A", "B")
    site.expect(DISABLED, gather_from=5)
    told = await site.told(LOOK)
    (changed,), (listed,) = of_kind(told, ExpectationsChanged), of_kind(told, ExpectationsList)
    assert (changed.group.standing, changed.group.outcomes) == (4, {"met": 2})
    assert sorted(each.name for each in listed.listed if each.outcome == "met") == ["A", "B"]
    told = await site.told(2 * HOUR)
    (grown,) = of_kind(told, ExpectationsChanged)
    assert (len(told), grown.group.standing, grown.group.count) == (2, 5, 7)
    enable(site, *"CDEFG")
    (over,) = of_kind(await site.told(LOOK), ExpectationsChanged)
    assert (over.group.standing, over.group.outcomes) == (0, {"met": 7})
    assert await site.told(HOUR) == []


async def test_a_few_keep_their_own_messages(site: Expecting) -> None:
    """Below the limit each has one; what comes on top is counted with them, and told by one message."""
    disable(site, *"ABCD")
    site.expect(DISABLED, gather_from=5)
    await site.told()
    assert sorted(said(await site.look(2 * HOUR))) == [("unmet", "disabled", name) for name in "ABCD"]
    disable(site, "E", "F")
    await site.told(LOOK)
    (root,) = of_kind(await site.told(2 * HOUR), ExpectationsUnmet)
    assert (root.group.standing, root.group.earlier) == (2, 4)
    enable(site, "A")
    assert said(await site.look(LOOK)) == [("met", "disabled", "A")]


async def test_a_person_owns_all_of_them(site: Expecting) -> None:
    """The message says who; what stands no more is nobody's to own."""
    disable(site, *"ABCDE")
    site.expect(DISABLED, gather_from=5)
    await site.told()
    (root,) = of_kind(await site.told(2 * HOUR), ExpectationsUnmet)
    keeper, subject = FollowUp(site.database, site.clock), root.group.subject
    for person, before in (("U0ANN", None), ("U0BEN", "U0ANN")):
        comment = None if before is None else "<the> move is done on Friday"
        owned = await keeper.acknowledge_unmet(site.client.name, subject, "disabled", person, comment)
        assert owned is not None
        assert (owned.owner, owned.channels) == (before, ("C0PROD",))
    told = await site.told()
    (changed,) = of_kind(told, ExpectationsChanged)
    assert (changed.group.owner, changed.group.owned) == ("U0BEN", 2)
    (comments,) = of_kind(told, ExpectationsOwned)
    assert "Acknowledged by <@U0BEN>: &lt;the&gt; move is done" in announcement(comments, "key").text
    enable(site, *"ABCDE")
    await site.told(LOOK)
    assert await keeper.acknowledge_unmet(site.client.name, subject, "disabled", "U0ANN") is None


async def test_a_person_owns_one_of_them(site: Expecting) -> None:
    """The list in the thread says whose it is; the others are still nobody's."""
    disable(site, *"ABCDE")
    site.expect(DISABLED, gather_from=5)
    await site.told()
    await site.told(2 * HOUR)
    keeper, hq = FollowUp(site.database, site.clock), ServerName("hq")
    jobs = {name: JobId(site.world.job(name).id) for name in "ABCDE"}
    before = await keeper.acknowledge_unmet(hq, jobs["C"], ANY_KIND, "U0ANN")
    assert before is not None
    assert before.channels == ("C0PROD",)
    (listed,) = of_kind(await site.told(), ExpectationsList)
    assert [(each.name, each.owner) for each in listed.listed if each.owner] == [("C", "U0ANN")]
    assert "Acknowledged by <@U0ANN>: *C*" in announcement(listed, "key").text
    owners = [await keeper.unmet(hq, job_id, ANY_KIND) for job_id in jobs.values()]
    assert [each and each.owner for each in owners] == [None, None, "U0ANN", None, None]
    again = await keeper.acknowledge_unmet(hq, jobs["C"], "disabled", "U0BEN")
    assert again is not None
    assert again.owner == "U0ANN"


@pytest.mark.parametrize("gather_from", [0, 5], ids=["alone", "together"])
async def test_a_reminder_of_what_nobody_owns(site: Expecting, gather_from: int) -> None:
    """In the thread of its message, once a day, until it is owned, muted or over; nobody is mentioned."""
    disable(site, *"ABCDE")
    site.expect(DISABLED, gather_from=gather_from)
    await site.told()
    await site.told(2 * HOUR)
    keeper, reminder = (
        FollowUp(site.database, site.clock),
        Reminder(site.database, site.clock, "one", after=timedelta(hours=4)),
    )

    async def reminded(hours: float) -> list[str]:
        await site.clock.advance(hours * HOUR)
        await reminder.tick(ServerName("hq"))
        rows = await drained(site.database, site.clock)
        assert all(row.root is not None and row.placement is Placement.REPLY for row in rows)
        return [announcement(decode(row.body), row.key).text for row in rows]

    jobs = {name: JobId(site.world.job(name).id) for name in "ABCDE"}
    assert await reminded(1) == []
    now = site.clock.now()
    muted = NewMute(
        server="hq",
        job_id=jobs["A"],
        job_name="A",
        person_id="U0ANN",
        reference="r",
        muted_at=now,
        until=now + timedelta(days=9),
    )
    await keeper.mute(muted)
    enable(site, "B")
    if not gather_from:
        await keeper.acknowledge_unmet(ServerName("hq"), jobs["C"], "disabled", "U0ANN")
    await site.told(LOOK)
    said = await reminded(4)
    assert len(said) == (1 if gather_from else 2)
    assert all("Nobody has acknowledged" in each and "S0ONCALL" not in each for each in said)
    named = ["3 jobs"] if gather_from else ["*D*", "*E*"]
    assert all(any(name in each for each in said) for name in named)
    assert await reminded(20) == []
    assert len(await reminded(4)) == len(said)
    if gather_from:
        async with site.database.reading() as reading:
            (group,) = await reading.values(select(expectation_groups))
        await keeper.acknowledge_unmet(ServerName("hq"), f"group:{group['id']}", "disabled", "U0ANN")
        await site.told()
    else:
        enable(site, "D", "E")
        await site.told(LOOK)
    assert await reminded(30) == []


async def test_a_muted_repository_stays_quiet(site: Expecting) -> None:
    """It alone: what else is the server's own is told; and it too, once the mute is over."""
    name, now = fill(site.world, 8), site.clock.now()
    await FollowUp(site.database, site.clock).mute(
        NewMute(
            server="hq",
            subject=f"repository:{site.world.default_repository_id}",
            job_name=f"Repository {name}",
            person_id="U0ANN",
            reference="r-1",
            muted_at=now,
            until=now + timedelta(hours=5),
        )
    )
    site.world.config_backup_age = timedelta(days=8)
    site.expect({"repository_free_percent": 10, "config_backup_days": 7})
    assert said(await site.look()) == [("unmet", "config_backup", "")]
    site.expect({"repository_free_percent": 10})
    assert said(await site.look(4 * HOUR)) == [("dropped", "config_backup", "")]
    assert said(await site.look(2 * HOUR)) == [("unmet", "repository", name)]


async def test_two_processes_gather_once(either_database: Database, clock: FakeClock, world: World) -> None:
    """Whoever polls next, over more than a page of jobs: one root, and no more replies than pages."""
    async with VbrSandbox(world) as vbr, client_of(vbr, clock) as client:
        first = Expecting(clock, world, vbr, client, either_database)
        disable(first, *(f"Job {number:03}" for number in range(510)))
        first.expect(DISABLED, gather_from=5)
        await first.told()
        told = await first.told(LOOK * 20)
        assert [type(each) for each in told] == [ExpectationsUnmet, *[ExpectationsList] * 4]
        assert [each.group.standing for each in of_kind(told, ExpectationsUnmet)] == [510]
        assert [each.left_out for each in of_kind(told, ExpectationsList)] == [0, 0, 0, 310]
        second = Expecting(clock, world, vbr, client, either_database, holder="two")
        second.expect(DISABLED, gather_from=5)
        await clock.advance(60)
        assert await second.told(LOOK) == []
        enable(second, "Job 000")
        (changed,) = of_kind(await second.told(LOOK), ExpectationsChanged)
        assert changed.group.outcomes == {"met": 1}
