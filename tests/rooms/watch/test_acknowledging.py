"""Who owns a failed run, and the reminder of what nobody does."""

from dataclasses import asdict
from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, select

from bot.sandbox.vbr import World
from bot.sandbox.vbr.jobmodels import daily
from bot.settings import ServerName
from bot.slack.views.announcements import announcement, identity
from bot.store import Database, NewMute, Placement
from bot.store.tables import runs, storms
from bot.veeam import JobId, SessionId
from bot.watch import FollowUp, MuteKeeper, Reminder
from bot.watch.facts import (
    ManyUnacknowledged,
    RunAcknowledged,
    RunChanged,
    StormChanged,
    StormList,
    Unacknowledged,
    decode,
)
from bot.watch.runs import Run
from bot.watch.standing import row_of
from tests.rooms.store.databases import Template, opened
from tests.rooms.watch.site import Site, drained, of_kind, route_to, rules, site_of
from tests.support.clock import FakeClock

JOB, HQ = "SQL nightly", ServerName("hq")
HOUR, NIGHT = 3600.0, 24 * 3600.0


def job_id(site: Site) -> JobId:
    return JobId(site.world.job(JOB).id)


async def reminded(site: Site, *, after_hours: float = 4, holder: str = "one") -> list[str]:
    """The kinds of what a look for unacknowledged runs queues."""
    after = timedelta(hours=after_hours)
    await Reminder(site.database, site.clock, holder, after=after).tick(HQ)
    return [row.kind for row in await drained(site.database, site.clock)]


async def test_it_shows_in_every_channel(site: Site) -> None:
    """Root and thread name the person at once; another takes over and the thread says from whom."""
    site.begin(rules(route_to("C0PROD"), route_to("C0DBA", results=["Failed"])))
    first = SessionId(site.ended(JOB, "Failed"))
    await site.poll_after()
    follow_up = FollowUp(site.database, site.clock)
    found = await follow_up.failed_run(HQ, job_id(site))
    assert found is not None
    assert (found.session_id, found.owner) == (first, None)
    assert await follow_up.acknowledge(HQ, job_id(site), first, "U0ANN", "<disk> ordered") == found
    told = await site.poll()
    roots = [(channel, each) for channel, each in told if isinstance(each, RunChanged)]
    assert sorted(channel for channel, _ in roots) == ["C0DBA", "C0PROD"]
    assert "acknowledged by <@U0ANN>: &lt;disk&gt; ordered" in announcement(roots[0][1], "key").text
    replies = of_kind(told, RunAcknowledged)
    assert len(replies) == 2
    assert "Acknowledged by <@U0ANN>: &lt;disk&gt; ordered" in announcement(replies[0], "key").text
    assert await follow_up.acknowledge(HQ, job_id(site), first, "U0ANN") is not None
    assert await site.poll() == []
    await follow_up.acknowledge(HQ, job_id(site), first, "U0OLE")
    told = await site.poll()
    assert {said.instead_of for said in of_kind(told, RunAcknowledged)} == {"U0ANN"}
    assert "acknowledged by <@U0OLE>" in announcement(of_kind(told, RunChanged)[0], "key").text


async def test_a_run_that_a_storm_tells_of(site: Site) -> None:
    """Its root counts who owns how many and its list says which; so does a list of a job's own."""
    site.begin(rules(route_to("C0PROD"), route_to("C0DBA"), storm_from=5))
    await site.poll()
    for name in (JOB, "A", "B", "C", "D"):
        site.ended(name, "Failed")
    await site.poll_after()
    await site.poll_after(2)
    follow_up = FollowUp(site.database, site.clock)
    found = await follow_up.failed_run(HQ, job_id(site))
    assert found is not None
    assert sorted(found.channels) == ["C0DBA", "C0PROD"]
    await follow_up.acknowledge(HQ, job_id(site), SessionId(found.session_id), "U0ANN")
    told = await site.poll()
    roots = of_kind(told, StormChanged)
    assert [root.storm.owners for root in roots] == [(("U0ANN", 1),)] * 2
    assert "1 acknowledged by <@U0ANN>" in announcement(roots[0], "key").text
    lists = of_kind(told, StormList)
    assert [(one.job_name, one.owner) for one in lists[0].failures if one.owner] == [(JOB, "U0ANN")]
    assert "Acknowledged by <@U0ANN>" in announcement(lists[0], "key").text
    assert dict(await follow_up.owners(HQ, [job_id(site)])) == {job_id(site): "U0ANN"}
    site.ended(JOB, "Success")
    told = await site.poll_after()
    assert [root.storm.owners for root in of_kind(told, StormChanged)] == [()] * 2
    assert await follow_up.owners(HQ, [job_id(site)]) == {}


async def test_it_stays_with_the_run(site: Site) -> None:
    """A further attempt keeps who owns it, a restart too; what has recovered is nobody's to own."""
    site.ended(JOB, "Failed")
    await site.poll_after()
    follow_up = FollowUp(site.database, site.clock)
    found = await follow_up.failed_run(HQ, job_id(site))
    assert found is not None
    await follow_up.acknowledge(HQ, job_id(site), SessionId(found.session_id), "U0ANN")
    await site.poll()
    site.begin()
    again = await follow_up.failed_run(HQ, job_id(site))
    assert again is not None
    assert (again.owner, again.turn) == ("U0ANN", 1)
    site.ended(JOB, "Success")
    await site.poll_after(NIGHT)
    assert await follow_up.failed_run(HQ, job_id(site)) is None
    assert await follow_up.failed_run(HQ, job_id(site), SessionId(found.session_id)) is None
    assert await follow_up.acknowledge(HQ, job_id(site), SessionId(found.session_id), "U0OLE") is None


async def test_a_reminder_a_day(site: Site) -> None:
    """After so many hours one reply in its thread, whichever process looks, then one a day later."""
    site.ended(JOB, "Failed")
    await site.poll_after()
    assert await reminded(site) == []
    await site.clock.advance(5 * HOUR)
    assert await reminded(site) == ["unacknowledged"]
    await site.clock.advance(5 * HOUR)
    assert [*await reminded(site), *await reminded(site, holder="two")] == []
    await site.clock.advance(20 * HOUR)
    assert await reminded(site, holder="two") == ["unacknowledged"]
    assert await reminded(site) == []


async def test_reminders_stop_by_themselves(site: Site) -> None:
    """Acknowledged, muted, made up for, or failed again since: nothing is said of that run any more."""
    follow_up = FollowUp(site.database, site.clock)
    for name in ("owned", "muted", "well", "again"):
        site.ended(name, "Failed")
    await site.poll_after()
    jobs = {name: JobId(site.world.job(name).id) for name in ("owned", "muted", "well", "again")}
    found = await follow_up.failed_run(HQ, jobs["owned"])
    assert found is not None
    await follow_up.acknowledge(HQ, jobs["owned"], SessionId(found.session_id), "U0ANN")
    now = site.clock.now()
    muted = NewMute(
        server="hq",
        job_id=jobs["muted"],
        job_name="muted",
        person_id="U0ANN",
        reference="r",
        muted_at=now,
        until=now + timedelta(days=3),
    )
    await follow_up.mute(muted)
    site.ended("well", "Success")
    await site.poll_after(NIGHT)
    last = site.ended("again", "Failed")
    await site.poll_after(60)
    await site.clock.advance(5 * HOUR)
    after = timedelta(hours=4)
    await Reminder(site.database, site.clock, "one", after=after).tick(HQ)
    rows = [row for row in await drained(site.database, site.clock) if row.kind == "unacknowledged"]
    assert [row.run_key for row in rows] == [f"hq/{last}"]


async def test_a_storm_is_brought_up_once(site: Site) -> None:
    """One reply in its thread says how many are left, and which; again a day later, as long as some are."""
    site.begin(rules(storm_from=5))
    await site.poll()
    for name in (JOB, *"ABCDEF"):
        site.ended(name, "Failed")
        await site.clock.advance(1)
    await site.poll_after(0)
    await site.poll_after(2)
    follow_up, now = FollowUp(site.database, site.clock), site.clock.now()
    found = await follow_up.failed_run(HQ, job_id(site))
    assert found is not None
    await follow_up.acknowledge(HQ, job_id(site), SessionId(found.session_id), "U0ANN")
    muted = NewMute(
        server="hq",
        job_id=site.world.job("B").id,
        job_name="B",
        person_id="U0ANN",
        reference="r",
        muted_at=now,
        until=now + timedelta(days=9),
    )
    await follow_up.mute(muted)
    site.ended("A", "Success")
    await site.poll_after()
    storm = f"storm/{await storm_id(site)}"
    for day, left in ((0, {*"CDEF"}), (1, {*"CDE"})):
        await site.clock.advance(day * 19 * HOUR)
        assert await reminded(site) == []
        await site.clock.advance(5 * HOUR)
        await Reminder(site.database, site.clock, "one", after=timedelta(hours=4)).tick(HQ)
        (row,) = await drained(site.database, site.clock)
        assert (row.root_key, row.placement) == (storm, Placement.REPLY)
        said = announcement(decode(row.body), row.key).text
        assert f"{len(left)} jobs on *hq* still fail" in said
        assert {name for name in "ABCDEF" if f"*{name}*" in said} == left
        assert await reminded(site) == []
        site.ended("F", "Success")
        await site.poll_after()
    for name in "CDE":
        site.ended(name, "Success")
    await site.poll_after()
    await site.clock.advance(NIGHT)
    assert await reminded(site) == []


@pytest.mark.parametrize("others", [1, 0])
async def test_one_reminder_a_day_in_a_thread(site: Site, others: int) -> None:
    """What is unmuted after the thread had its reminder is brought up with the rest, a day later."""
    site.begin(rules(storm_from=5))
    await site.poll()
    for name in (JOB, *"ABCDE"):
        site.ended(name, "Failed")
    await site.poll_after()
    await site.poll_after(2)
    mute = NewMute(
        server="hq",
        job_id=job_id(site),
        job_name=JOB,
        person_id="U0ANN",
        reference="r",
        muted_at=site.clock.now(),
        until=site.clock.now() + timedelta(hours=(6 if others else 29)),
    )
    await FollowUp(site.database, site.clock).mute(mute)
    await site.clock.advance(5 * HOUR)
    assert "many_unacknowledged" in await reminded(site)
    for name in "ABCDE"[others:]:
        site.ended(name, "Success")
    await site.poll_after()
    await site.clock.advance((2 if others else 24.5) * HOUR)
    await MuteKeeper(site.database, site.clock, "one", site.rules).tick(HQ)
    if others:
        assert "many_unacknowledged" not in await reminded(site)
        await site.clock.advance(22.5 * HOUR)
    await drained(site.database, site.clock)
    await Reminder(site.database, site.clock, "one", after=timedelta(hours=4)).tick(HQ)
    told = [(row.channel, decode(row.body)) for row in await drained(site.database, site.clock)]
    assert [said.count for said in of_kind(told, ManyUnacknowledged)] == [1 + others]


async def test_a_large_storm_is_brought_up_once(site: Site) -> None:
    """Thousands of failures get one reply: all are counted, each job once, since the first failure."""
    site.begin(rules(storm_from=5))
    await site.poll()
    site.world.add_job(JOB, schedule=daily("03:00", retries=3))
    first = site.world.session(site.ended(JOB, "Failed"))
    for name in "ABCDE":
        site.ended(name, "Failed")
    await site.poll_after(10 * 60)
    site.ended(JOB, "Failed")
    site.world.session(site.ended("A", "Failed")).type = "SqlLogBackup"
    await site.poll_after(2)
    await site.poll_after(2)
    async with site.database.transaction() as transaction:
        (body,) = [
            row.body for row in await transaction.all(select(runs.c.body, runs.c.job_id))
            if row.job_id == site.world.job("E").id
        ]  # fmt: skip
        run = Run.decode(body)
        assert run is not None
        copies = []
        for number in range(2_005):
            attempt = replace(run.facts.first, session_id=SessionId(f"session-{number}"))
            copied = replace(run.facts, job_id=JobId(f"job-{number}"), attempts=(attempt,))
            copies.append(asdict(row_of(replace(run, facts=copied))))
        await transaction.execute(insert(runs), copies)
    await site.clock.advance(5 * HOUR)
    await Reminder(site.database, site.clock, "one", after=timedelta(hours=4)).tick(HQ)
    told = [(row.channel, decode(row.body)) for row in await drained(site.database, site.clock)]
    (said,) = of_kind(told, ManyUnacknowledged)
    assert (said.count, said.since) == (2_005 + 6, first.ended_at)
    assert said.jobs == ("A", "B", "C", "D", *["E"] * 4)
    assert await reminded(site) == []


async def storm_id(site: Site) -> str:
    async with site.database.reading() as reading:
        (found,) = await reading.values(select(storms))
    return str(found["id"])


async def test_a_first_start_is_brought_up_once(database: Database, clock: FakeClock, world: World) -> None:
    """What its list names is left to somebody too: one reply below the summary."""
    async with site_of(database, clock, world) as site:
        site.begin(rules(route_to("C0PROD")))
        for number in range(12):
            site.ended(f"Job {number}", "Failed", ago=HOUR * number)
        await site.poll()
        await site.clock.advance(5 * HOUR)
        await Reminder(database, clock, "one", after=timedelta(hours=4)).tick(HQ)
        (row,) = await drained(database, clock)
        assert "caught-up" in (row.root_key or "")
        assert "12 jobs on *hq* still fail" in announcement(decode(row.body), row.key).text
        for number in range(12):
            site.ended(f"Job {number}", "Success")
        await site.poll_after()
        await clock.advance(NIGHT)
        assert await reminded(site) == []


async def test_log_backups_stop_no_reminder(site: Site) -> None:
    """They go on beside the job's runs: each of both that stands failed is brought up again."""
    failed = site.ended(JOB, "Failed")
    await site.poll_after()
    logs = site.ended(JOB, "Failed")
    site.world.session(logs).type = "SqlLogBackup"
    await site.poll_after(HOUR)
    await site.clock.advance(5 * HOUR)
    await Reminder(site.database, site.clock, "one", after=timedelta(hours=4)).tick(HQ)
    rows = [row for row in await drained(site.database, site.clock) if row.kind == "unacknowledged"]
    assert [row.run_key for row in rows] == [f"hq/{failed}", f"hq/{logs}"]


async def test_no_reminder_in_maintenance(site: Site) -> None:
    """Of a server that is muted nothing is brought up again before that is over."""
    site.ended(JOB, "Failed")
    await site.poll_after()
    now = site.clock.now()
    muted = NewMute(
        server="hq", person_id="U0ANN", reference="r", muted_at=now, until=now + timedelta(hours=6)
    )
    await FollowUp(site.database, site.clock).mute(muted)
    await site.clock.advance(5 * HOUR)
    assert await reminded(site) == []
    await site.clock.advance(1.5 * HOUR)
    assert await reminded(site) == ["unacknowledged"]


async def test_the_reminder_says_since_when(site: Site) -> None:
    """What failed, that nobody has acknowledged it, and the buttons to."""
    site.ended(JOB, "Failed", objects={"sql01": "Disk <full>"})
    await site.poll_after()
    await site.clock.advance(5 * HOUR)
    await Reminder(site.database, site.clock, "one", after=timedelta(hours=4)).tick(HQ)
    (said,) = of_kind(await site.poll(), Unacknowledged)
    message = announcement(said, "key")
    assert "Nobody has acknowledged it since it failed" in message.text
    assert "Disk &lt;full&gt;" in message.text
    assert "Acknowledge" in str(message.blocks)


async def test_other_hands_after_an_older_database_was_restored(
    site: Site, database_url: str, database_templates: dict[str, Template]
) -> None:
    """What people do then is not taken for what others did before: their messages are told apart."""
    site.ended(JOB, "Failed")
    await site.poll_after()
    await site.database.close()
    older = database_templates["sqlite"].copy_of(database_url)
    said: list[set[tuple[str, str]]] = []
    for url, person in ((database_url, "U0ANN"), (older, "U0OLE")):
        async with opened(url) as database:
            follow_up, now = FollowUp(database, site.clock), site.clock.now()
            found = await follow_up.failed_run(HQ, job_id(site))
            assert found is not None
            await follow_up.acknowledge(HQ, job_id(site), SessionId(found.session_id), person)
            until = now + timedelta(hours=1)
            muted = NewMute(
                server=HQ,
                job_id=job_id(site),
                job_name=JOB,
                person_id=person,
                reference=f"r-{person}",
                muted_at=now,
                until=until,
            )
            await follow_up.mute(muted)
            mute = await follow_up.find_mute(HQ, job_id=job_id(site))
            assert mute is not None
            assert mute.id == 1
            await follow_up.unmute(mute, person)
            await MuteKeeper(database, site.clock, "one", site.rules).tick(HQ)
            rows = [row for row in await drained(database, site.clock) if row.placement is Placement.REPLY]
            drawn = [announcement(decode(row.body), row.key).metadata for row in rows]
            assert [row.kind for row in rows] == ["run_acknowledged", "mute_began", "mute_ended"]
            said.append({identity(metadata or {}) for metadata in drawn})
            await site.clock.advance(120)
    assert said[0].isdisjoint(said[1])
