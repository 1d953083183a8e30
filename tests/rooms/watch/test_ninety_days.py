"""A season of watching: memory, tasks, connections and tables stay as they are after a month."""

import asyncio
import gc
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.settings import DigestSettings, ExpectationSettings, ServerName
from bot.store import (
    Approvals,
    AuditLog,
    NewMute,
    NewSubscription,
    SharedRead,
    Subscription,
    Subscriptions,
)
from bot.store.database import DatabaseClock
from bot.store.tables import metadata, outbox
from bot.store.upkeep import Upkeep
from bot.veeam import Fleet, JobId
from bot.watch import (
    DigestMaker,
    ExpectationWatch,
    FollowUp,
    MuteKeeper,
    NoticedSessions,
    Reminder,
    SubscribedChannels,
    WatchRules,
)
from tests.rooms.watch.site import Site, rules

JOBS, DAYS, A_MONTH = 6, 90, 30
HOURS_BETWEEN_POLLS = 12
HQ = ServerName("hq")
DIGEST = DigestSettings.model_validate({"channel": "C0DIGEST", "at": "08:00", "timezone": "UTC"})
EXPECTED = ExpectationSettings.model_validate({"channel": "C0EXPECTED", "preset": "standard"})


class Everybody:
    """Whoever subscribed may see everything."""

    async def may_get(self, subscription: Subscription, server: str, job_name: str) -> bool:
        return subscription.server in {None, server} and bool(job_name)


class Season:
    """All that looks at one server and its database, as one process has it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        database, clock, holder = site.database, site.clock, site.holder
        every = SharedRead(Subscriptions(database).every, clock, seconds=0)
        storms = rules(storm_from=5)
        site.noticed = NoticedSessions()
        site.begin(
            WatchRules(
                storms.routes,
                storms.default_channel,
                storms.polling,
                storms.storms,
                subscribers=SubscribedChannels(every, Everybody()),
            )
        )
        self.follow_up = FollowUp(database, clock)
        self.expected = ExpectationWatch(
            site.client, database, clock, (EXPECTED,), site.watch, site.noticed, holder=holder, gather_from=5
        )
        self.mutes = MuteKeeper(database, clock, holder, site.rules)
        self.reminder = Reminder(database, clock, holder, after=timedelta(hours=4))
        self.digests = DigestMaker((DIGEST,), Fleet([site.client]), database, clock, holder)

    async def look(self) -> None:
        """All of it once."""
        await self.expected.look()
        await self.mutes.tick(HQ)
        await self.reminder.tick(HQ)
        await self.digests.tick()

    async def mute(self, name: str) -> None:
        """A person mutes a job for a day and acknowledges what failed."""
        now, job_id = self.site.clock.now(), JobId(self.site.world.job(name).id)
        failed = await self.follow_up.failed_run(HQ, job_id)
        if failed is not None:
            await self.follow_up.acknowledge(HQ, job_id, failed.session_id, "U0ANN")  # type: ignore[arg-type]
        await self.follow_up.mute(
            NewMute(
                server=HQ,
                job_id=job_id,
                job_name=name,
                person_id="U0ANN",
                reference=f"r-{now:%s}",
                muted_at=now,
                until=now + timedelta(days=1),
            )
        )


@pytest.mark.timeout(900)
async def test_nothing_grows_for_ever(site: Site) -> None:
    """Two jobs of six fail each night, once a month all do; what is older than a month is forgotten.

    With all that looks: at expectations, mutes, reminders and digests, and for who subscribed.
    """
    season = Season(site)
    await Subscriptions(site.database).add(
        NewSubscription(
            channel="C0DBA",
            person_id="U0ANN",
            pattern="Job 1",
            results=("Failed",),
            made_at=site.clock.now(),
        )
    )
    clock = DatabaseClock(site.clock)
    upkeep = Upkeep(
        site.database,
        AuditLog(site.database),
        Approvals(site.database, lambda _: ()),
        clock,
        site.health,
        approvals_last=timedelta(minutes=30),
    )
    await site.poll()
    measured: list[tuple[dict[str, int], int, int]] = []
    for day in range(1, DAYS + 1):
        failing = range(JOBS) if day % A_MONTH == 1 else (day % JOBS, (day + 5) % JOBS)
        for number in range(JOBS):
            site.ended(f"Job {number}", "Failed" if number in failing else "Success")
        for _ in range(24 // HOURS_BETWEEN_POLLS):
            await site.poll_after(HOURS_BETWEEN_POLLS * 3600)
            await season.look()
        await season.mute(f"Job {day % JOBS}")
        await upkeep.purge()
        site.requests()
        if day in {DAYS - A_MONTH, DAYS}:
            gc.collect()
            objects = len(gc.get_objects()) + gc.get_freeze_count()
            measured.append((await rows(site), len(asyncio.all_tasks()), objects))
    (tables, tasks, objects), (tables_later, tasks_later, objects_later) = measured
    assert tables_later == tables
    for filled in ("mutes", "muted_runs", "digests", "storms", "expected_jobs", "subscriptions"):
        assert tables[filled], filled
    assert tasks_later <= tasks
    assert objects_later < objects * 1.05
    assert site.database.checked_out == 0


async def rows(site: Site) -> dict[str, int]:
    """How many rows each table has; what may be edited for more than a year stays in the outbox."""
    lasting = outbox.c.kind.like("expectation%")
    async with site.database.reading() as reading:
        counted = {
            table.name: (await reading.all(select(func.count()).select_from(table)))[0][0]
            for table in metadata.sorted_tables
        }
        kept = await reading.all(select(func.count()).where(lasting))
    return counted | {"outbox": counted["outbox"] - kept[0][0]}
