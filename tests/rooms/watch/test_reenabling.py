"""Jobs disabled for a time: enabled at the hour, once, and never against somebody's later word."""

import asyncio
from datetime import timedelta

import pytest

from bot.sandbox.vbr import Fault, Moment
from bot.sandbox.vbr.faults import dropped, hanging, refusing
from bot.store import AuditLog, TimedDisable, TimedDisables
from bot.watch import Reenabler
from bot.watch.facts import Announcement, DisableEnded, DisableReminder, decode
from tests.rooms.veeam.clients import wait_until
from tests.rooms.watch.site import Site, drained

ENABLING = ("POST", "/api/v1/jobs/{id}/enable")
HOUR = 3600.0


class Plan:
    """A job that Ann disabled for four hours in C0PROD."""

    def __init__(self, site: Site, hours: float = 4) -> None:
        self.site = site
        self.job = site.world.add_job("SQL Prod", is_disabled=True)
        now = site.clock.now()
        self.row = TimedDisable(
            server=site.client.name,
            job_id=self.job.id,
            job_name="SQL Prod",
            person_id="U0ANN",
            channel_id="C0PROD",
            reference="r-1",
            disabled_at=now,
            until=now + timedelta(hours=hours),
        )
        self.loop = self.restarted()

    def restarted(self, holder: str = "one") -> Reenabler:
        record = AuditLog(self.site.database)
        return Reenabler(self.site.client, record, self.site.database, self.site.clock, holder)

    async def begin(self) -> "Plan":
        await TimedDisables(self.site.database).remember(self.row)
        return self

    async def look_after(self, seconds: float = 0, loop: Reenabler | None = None) -> list[Announcement]:
        await self.site.clock.advance(seconds)
        await (loop or self.loop).tick()
        rows = await drained(self.site.database, self.site.clock)
        assert {row.channel for row in rows} <= {"C0PROD"}
        return [decode(row.body) for row in rows]

    def enabled_by_hand(self) -> None:
        self.job.model["isDisabled"] = False
        self.job.rows.clear()

    def posts(self) -> int:
        return len(self.site.vbr.requests.of(*ENABLING))

    async def audited(self) -> list[tuple[object, ...]]:
        rows = [row.values async for row in AuditLog(self.site.database).rows()]
        return [(row["event"], row["person_id"], row["origin"], row["outcome"]) for row in rows]


def ended(told: list[Announcement]) -> list[str]:
    return [one.outcome for one in told if isinstance(one, DisableEnded)]


async def test_it_is_enabled_at_the_hour_after_a_reminder(site: Site) -> None:
    """A quarter of an hour before, a reminder; at the hour it is enabled, on record, and told once."""
    plan = await Plan(site).begin()
    assert await plan.look_after(3.7 * HOUR) == []
    (reminder,) = await plan.look_after(0.1 * HOUR)
    assert isinstance(reminder, DisableReminder)
    assert (reminder.person, reminder.until) == ("U0ANN", plan.row.until)
    assert await plan.look_after(0.1 * HOUR) == []
    assert plan.posts() == 0
    assert ended(await plan.look_after(0.1 * HOUR, plan.restarted())) == ["enabled"]
    assert not plan.job.is_disabled
    assert await plan.look_after(60) == []
    assert plan.posts() == 1
    assert await plan.audited() == [
        ("opened", "U0ANN", "timer", None),
        ("closed", None, None, "done"),
    ]


async def test_an_hour_that_passed_while_the_bot_was_down_is_made_up_for(site: Site) -> None:
    """After a restart the job is enabled, late, and without a reminder for what is over."""
    plan = await Plan(site).begin()
    assert ended(await plan.look_after(30 * HOUR)) == ["enabled"]


async def test_a_short_time_has_no_reminder(site: Site) -> None:
    """Nobody needs a reminder of what they did ten minutes ago."""
    plan = await Plan(site, hours=0.2).begin()
    assert await plan.look_after(0.1 * HOUR) == []
    assert ended(await plan.look_after(0.1 * HOUR)) == ["enabled"]


async def test_somebodys_later_word_stands(site: Site) -> None:
    """Enabled by hand and disabled again: the bot says that it noticed, and leaves the job alone."""
    plan = await Plan(site).begin()
    plan.enabled_by_hand()
    assert ended(await plan.look_after(HOUR)) == ["enabled_before"]
    plan.job.model["isDisabled"] = True
    assert await plan.look_after(4 * HOUR) == []
    assert (plan.posts(), plan.job.is_disabled) == (0, True)


async def test_a_job_that_is_gone_is_told(site: Site) -> None:
    """There is nothing left to enable."""
    plan = await Plan(site).begin()
    site.world.book.remove_job(plan.job)
    assert ended(await plan.look_after(HOUR)) == ["gone"]


async def test_a_job_that_vbr_fails_to_describe_is_not_gone(site: Site) -> None:
    """It is looked at again, and holds up no other job's hour: states fail, and one job has no model."""
    plans = [await Plan(site, hours=1).begin() for _ in range(2)]
    site.vbr.faults.add("GET", "/api/v1/jobs/states", refusing(500), times=9)
    site.vbr.faults.add("GET", "/api/v1/jobs/{id}", refusing(404))
    assert ended(await plans[0].look_after(HOUR)) == ["enabled"]
    assert sorted(plan.job.is_disabled for plan in plans) == [False, True]
    site.vbr.faults.clear()
    assert ended(await plans[0].look_after(60)) == ["enabled"]
    assert not any(plan.job.is_disabled for plan in plans)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (refusing(403), ["refused"]),
        (refusing(400), ["refused"]),
        (dropped(Moment.BEFORE), ["unclear"]),
        (dropped(Moment.AFTER), ["enabled"]),
    ],
    ids=str,
)
async def test_what_does_not_go_well_is_told_and_not_repeated(
    site: Site, fault: Fault, expected: list[str]
) -> None:
    """A refusal, or an answer that was lost, is told within the next look; nothing is sent twice."""
    plan = await Plan(site).begin()
    site.vbr.faults.add(*ENABLING, fault)
    told = await plan.look_after(4 * HOUR) + await plan.look_after(30) + await plan.look_after(30)
    assert ended(told) == expected
    assert plan.posts() == 1


@pytest.mark.parametrize(
    ("moment", "expected", "recorded"),
    [(Moment.AFTER, "enabled", "done"), (Moment.BEFORE, "unclear", "unclear")],
)
async def test_a_bot_that_is_killed_while_it_enables(
    site: Site, moment: Moment, expected: str, recorded: str
) -> None:
    """The next one says what it finds, and the record has its end at once; nothing is sent again."""
    plan = await Plan(site).begin()
    site.vbr.faults.add(*ENABLING, hanging(moment))
    await site.clock.advance(4 * HOUR)
    async with asyncio.TaskGroup() as group:
        killed = group.create_task(plan.loop.tick())
        await wait_until(lambda: plan.posts() == 1)
        killed.cancel()
    assert ended(await plan.look_after(30, plan.restarted())) == [expected]
    assert plan.posts() == 1
    assert await plan.audited() == [("opened", "U0ANN", "timer", None), ("closed", None, None, recorded)]


async def test_one_of_two_processes_does_it(site: Site) -> None:
    """The lease decides who looks; the other stands by."""
    plan = await Plan(site).begin()
    await plan.look_after(60)
    assert await plan.look_after(4 * HOUR, plan.restarted("two")) != []
    assert plan.posts() == 1


async def test_a_busy_server_is_asked_again(site: Site) -> None:
    """Where nothing was done, it is tried again at the next look."""
    plan = await Plan(site).begin()
    site.vbr.faults.add(*ENABLING, refusing(503), times=1)
    told = await plan.look_after(4 * HOUR) + await plan.look_after(30)
    assert ended(told) in (["enabled"], ["unclear"])


async def test_a_run_by_hand_does_not_count_as_enabled(site: Site) -> None:
    """A disabled job that somebody starts is still disabled."""
    plan = await Plan(site).begin()
    site.world.begin_run(plan.job)
    assert await plan.look_after(HOUR) == []
    assert await TimedDisables(site.database).of(site.client.name) == (plan.row,)
