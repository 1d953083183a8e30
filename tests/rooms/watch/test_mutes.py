"""Muted jobs and servers: held back, said quietly, and said once more when the mute is over."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.sandbox.vbr import Outcome
from bot.sandbox.vbr.jobmodels import daily
from bot.settings import CauseSettings, ServerName
from bot.slack.views.announcements import announcement
from bot.store import NewMute, Placement
from bot.veeam import DEFAULT_RULES, JobId, SessionId
from bot.watch import FollowUp, MuteKeeper
from bot.watch.facts import (
    AttemptEnded,
    MuteBegan,
    MutedRunEnded,
    MuteEnded,
    NoFurtherAttempt,
    OutageEnded,
    RunChanged,
    RunEnded,
    StormBegan,
    StormChanged,
    StormList,
    decode,
)
from tests.rooms.watch.site import DEFAULT, Site, drained, kinds, of_kind, route_to, rules

JOB, HQ = "SQL nightly", ServerName("hq")
NIGHT = 24 * 3600.0
FULL, CUT = "There is not enough space on the disk.", "Connection reset by peer."


async def mute(site: Site, *, hours: float = 48, **more: Any) -> tuple[str, ...]:
    """Mute the job, as a person asks for it."""
    now = site.clock.now()
    new: dict[str, Any] = {
        "server": "hq",
        "job_id": site.world.job(JOB).id,
        "job_name": JOB,
        "person_id": "U0ANN",
        "reference": "r-1",
        "muted_at": now,
        "until": now + timedelta(hours=hours),
    }
    return await FollowUp(site.database, site.clock).mute(NewMute(**new | more))


async def kept(site: Site, *, holder: str = "one") -> list[Any]:
    """What a look at the mutes queues, as the rows that are sent."""
    await MuteKeeper(site.database, site.clock, holder, site.rules).tick(HQ)
    return await drained(site.database, site.clock)


def failed(site: Site, message: str = FULL, objects: Any = None, **more: Any) -> str:
    return site.ended(JOB, "Failed", objects=objects or {"sql01": message}, **more)


async def test_a_muted_failure_is_a_quiet_reply(site: Site) -> None:
    """No root, no mention, nothing for the default channel: one reply in the thread of the last root."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL", results=["Failed"])))
    first = failed(site)
    (root, *_) = await site.poll_after()
    assert isinstance(root[1], RunEnded)
    assert await mute(site, comment="disk ordered") == ("C0PROD",)
    rows = await drained(site.database, site.clock)
    assert [row.kind for row in rows] == ["run_changed", "mute_began"]
    assert rows[1].root is not None
    second = failed(site)
    await site.clock.advance(NIGHT)
    await site.watch.tick()
    (row,) = await drained(site.database, site.clock)
    assert (row.channel, row.placement, row.root_key) == ("C0PROD", Placement.REPLY, f"hq/{first}/C0PROD")
    said = decode(row.body)
    assert isinstance(said, MutedRunEnded)
    message = announcement(said, row.key)
    assert message.metadata is not None
    assert message.metadata["event_type"] == "veeam_session"
    assert message.metadata["event_payload"]["session_id"] == second
    assert "S0ONCALL" not in message.text
    assert await site.poll_after() == []


async def test_the_root_says_that_it_is_muted(site: Site) -> None:
    """Until when, by whom and why, with Unmute in place of Mute; in every channel, also after a restart."""
    site.begin(rules(route_to("C0PROD"), route_to("C0DBA", results=["Failed"])))
    failed(site)
    (_, root), *_ = await site.poll_after()
    assert isinstance(root, RunEnded)
    assert "unmute" not in str(announcement(root, "key").blocks)
    site.begin()
    assert set(await mute(site, comment="disk <!channel> ordered")) == {"C0PROD", "C0DBA"}
    told = await site.poll()
    changed = {channel: each for channel, each in told if isinstance(each, RunChanged)}
    assert set(changed) == {"C0PROD", "C0DBA"}
    message = announcement(changed["C0DBA"], "key")
    assert "muted until" in message.text
    assert "by <@U0ANN>: disk &lt;!channel&gt; ordered" in message.text
    assert '\\"unmute\\"' in str(message.blocks) or '"unmute"' in str(message.blocks)
    assert len(of_kind(told, MuteBegan)) == 2


@pytest.mark.parametrize(
    ("objects", "because"),
    [
        ({"sql01": CUT}, "changed"),
        ({"sql01": FULL, "sql02": FULL}, "changed"),
        ({"sql01": FULL}, None),
    ],
    ids=["another cause", "other objects", "the same"],
)
async def test_another_failure_ends_the_mute(site: Site, objects: Any, because: str | None) -> None:
    """It has a root of its own and mentions people; the thread and the root of the muted one say why."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    failed(site)
    await site.poll_after()
    await mute(site)
    await site.poll()
    failed(site, objects=objects)
    told = await site.poll_after(NIGHT)
    roots = of_kind(told, RunEnded)
    assert [root.mention for root in roots] == ([] if because is None else ["S0ONCALL"])
    rows = await kept(site)
    assert [row.kind for row in rows] == ([] if because is None else ["run_changed", "mute_ended"])


async def test_own_causes_count(site: Site) -> None:
    """What `[[causes]]` of the settings names as one cause is one, however VBR words it."""
    own = [CauseSettings(name="array", patterns=("LUN 7", "controller B"))]
    causes = DEFAULT_RULES.with_own(own)
    site.begin(replace(rules(route_to("C0PROD")), causes=causes))
    failed(site, "Cannot write: LUN 7 is offline.")
    await site.poll_after()
    now = site.clock.now()
    new = NewMute(
        server="hq",
        job_id=site.world.job(JOB).id,
        job_name=JOB,
        person_id="U0ANN",
        reference="r-1",
        muted_at=now,
        until=now + timedelta(days=3),
    )
    await FollowUp(site.database, site.clock, causes).mute(new)
    await site.poll()
    failed(site, "No path through controller B.")
    assert kinds(await site.poll_after(NIGHT)) == [("C0PROD", "MutedRunEnded")]
    failed(site, CUT)
    assert of_kind(await site.poll_after(NIGHT), RunEnded)


async def test_a_recovery_ends_the_mute(site: Site) -> None:
    """What was muted turns to recovered, its thread says that the mute is over, and how much was held."""
    failed(site)
    await site.poll_after()
    await mute(site, until_success=True)
    await site.poll()
    for _ in range(2):
        failed(site)
        await site.poll_after(3600)
    site.ended(JOB, "Success", objects=["sql01"])
    told = await site.poll_after(3600)
    assert of_kind(told, RunChanged)
    rows = await kept(site)
    (ended,) = [each for row in rows if isinstance(each := decode(row.body), MuteEnded)]
    assert (ended.because, ended.held) == ("recovered", 2)
    assert "2 failed runs were held back" in announcement(ended, "key").text
    failed(site)
    assert len(of_kind(await site.poll_after(NIGHT), RunEnded)) == 1


async def test_what_still_fails_is_said_once_when_the_time_is_over(site: Site) -> None:
    """By a root with the mention that the mute held back, whose thread says what it was; by one process."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    failed(site)
    await site.poll_after()
    await mute(site, hours=30)
    await site.poll()
    failed(site)
    await site.poll_after(NIGHT)
    assert await kept(site) == []
    await site.clock.advance(NIGHT)
    rows = [*await kept(site), *await kept(site, holder="two")]
    await site.clock.advance(120)
    rows += await kept(site, holder="two")
    assert sorted((row.kind, row.placement) for row in rows) == [
        ("mute_ended", Placement.REPLY),
        ("run_changed", Placement.EDIT),
        ("run_ended", Placement.POST),
    ]
    assert "S0ONCALL" in "".join(row.body for row in rows)


async def test_without_a_root_it_is_counted_until_the_end(site: Site) -> None:
    """A job that was muted before it failed: nothing at first, then one root, and how much was held back."""
    site.world.add_job(JOB)
    await site.poll()
    assert await mute(site, hours=30) == ()
    for _ in range(2):
        failed(site)
        assert await site.poll_after(3600) == []
    await site.clock.advance(2 * NIGHT)
    assert [row.kind for row in await kept(site)] == ["run_ended", "mute_ended"]


async def test_unmuting_says_who_did(site: Site) -> None:
    """The root is drawn without it, its thread names the person, and nobody is mentioned."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    failed(site)
    await site.poll_after()
    await mute(site)
    await site.poll()
    follow_up = FollowUp(site.database, site.clock)
    found = await follow_up.find_mute(HQ, job_id=JobId(site.world.job(JOB).id))
    assert found is not None
    assert await follow_up.unmute(found, "U0OLE") == ("C0PROD",)
    assert await follow_up.unmute(found, "U0TOM") is None
    rows = await kept(site)
    edit, line = (announcement(decode(row.body), row.key) for row in rows)
    assert "muted" not in edit.text
    assert "Unmuted by <@U0OLE>" in line.text
    assert "S0ONCALL" not in line.text


@pytest.mark.parametrize("of_server", [False, True], ids=["job", "server"])
async def test_what_fails_below_a_recovered_run_gets_a_root(site: Site, *, of_server: bool) -> None:
    """Unmuted, too, with its buttons and one mention: a line in an older thread told of it so far."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    failed(site)
    await site.poll_after()
    site.ended(JOB, "Success")
    await site.poll_after(NIGHT)
    of: dict[str, Any] = {"job_id": None, "job_name": None} if of_server else {}
    await mute(site, **of)
    await site.poll()
    second = failed(site)
    assert kinds(await site.poll_after(3600)) == [("C0PROD", "MutedRunEnded")]
    follow_up = FollowUp(site.database, site.clock)
    job_id = None if of_server else JobId(site.world.job(JOB).id)
    found = await follow_up.find_mute(HQ, job_id=job_id)
    assert found is not None
    await follow_up.unmute(found, "U0OLE")
    rows = await kept(site)
    (root,) = [row for row in rows if row.kind == "run_ended"]
    assert (root.key, root.placement) == (f"hq/{second}/C0PROD", Placement.POST)
    assert '"mute"' in str(announcement(decode(root.body), root.key).blocks)
    assert [row.root_key for row in rows if row.kind == "mute_ended"] == [root.key]
    assert ["S0ONCALL" in row.body for row in rows].count(True) == 1


async def test_planned_maintenance_of_a_server(site: Site) -> None:
    """Its jobs and news of the server are held back; a pattern leaves other jobs and the server alone."""
    await mute(site_with_job(site), job_id=None, job_name=None, pattern=None, hours=8)
    failed(site)
    site.ended("Files", "Failed")
    assert await site.poll_after() == []
    await site.vbr.go_dark()
    assert [await site.poll_after() for _ in range(4)] == [[]] * 4
    await site.vbr.come_back()
    assert of_kind(await site.poll_after(), OutageEnded) == []
    await site.clock.advance(NIGHT)
    rows = await kept(site)
    assert sorted(row.kind for row in rows) == ["mute_ended", "mute_ended", "run_ended", "run_ended"]
    await mute(site, job_id=None, job_name=None, pattern="SQL*", hours=8)
    failed(site)
    site.ended("Files", "Failed")
    told = await site.poll_after()
    assert [root.run.job_name for root in of_kind(told, RunEnded)] == ["Files"]
    assert [said.run.job_name for said in of_kind(told, MutedRunEnded)] == [JOB]


async def test_an_outage_outlasts_the_maintenance(site: Site) -> None:
    """It is said when the maintenance is over; its end, during another one, is a reply in its thread."""
    await mute(site_with_job(site), job_id=None, job_name=None, hours=1)
    await site.vbr.go_dark()
    for _ in range(4):
        await site.poll_after()
    assert kinds(await site.poll_after(3600)) == [(DEFAULT, "OutageBegan")]
    await mute(site, job_id=None, job_name=None, hours=1)
    await site.vbr.come_back()
    await site.clock.advance(20)
    await site.watch.tick()
    (row,) = await drained(site.database, site.clock)
    assert (row.kind, row.placement) == ("server_back", Placement.REPLY)
    assert row.root is not None


async def test_the_mute_follows_a_renamed_job(site: Site) -> None:
    """A mute is of the job, not of its name."""
    failed(site)
    await site.poll_after()
    await mute(site)
    await site.poll()
    site.world.book.rename_job(site.world.job(JOB), "SQL weekly")
    site.ended("SQL weekly", "Failed", objects={"sql01": FULL})
    assert {name for _, name in kinds(await site.poll_after(NIGHT))} == {"MutedRunEnded"}


async def test_a_retry_of_what_is_muted_stays_in_its_thread(site: Site) -> None:
    """Further attempts of a run that was held back go where it was said, and mention nobody."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    job = site.world.add_job(JOB, schedule=daily("03:00", retries=1), objects=("sql01",))
    site.world.finish_run(job, result="Failed", objects={"sql01": FULL}, initiated_by=r"CORP\anna")
    await site.poll_after()
    await mute(site)
    await site.poll()
    site.world.plan(job, [Outcome("Failed", {"sql01": FULL}), Outcome("Failed", {"sql01": FULL})])
    site.world.begin_run(job)
    told = await site.poll_after(3600)
    told += await site.poll_after(3600)
    assert of_kind(told, RunEnded) == []
    assert len(of_kind(told, MutedRunEnded)) == 1
    assert [each.mention for each in of_kind(told, AttemptEnded)] == [None]


async def test_a_retry_that_fails_otherwise_has_a_root(site: Site) -> None:
    """Its run was only counted so far: what ends the mute is announced, and mentions people."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    job = site.world.add_job(JOB, schedule=daily("03:00", retries=1), objects=("sql01",))
    await site.poll()
    await mute(site)
    site.world.plan(job, [Outcome("Failed", {"sql01": FULL}), Outcome("Failed", {"sql01": CUT})])
    site.world.begin_run(job)
    told = await site.poll_after(3600)
    told += await site.poll_after(3600)
    (root,) = of_kind(told, RunEnded)
    assert (len(root.run.attempts), root.mention) == (2, "S0ONCALL")
    assert [row.kind for row in await kept(site)] == ["mute_ended"]


async def test_no_retry_comes_during_maintenance(site: Site) -> None:
    """That the run has failed for good mentions nobody before the maintenance is over."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    site.world.add_job(JOB, schedule=daily("03:00", retries=1), objects=("sql01",))
    failed(site)
    (_, root), *_ = await site.poll_after()
    assert isinstance(root, RunEnded)
    assert not root.run.is_final
    await mute(site, job_id=None, job_name=None, hours=2)
    told = await site.poll_after(3600)
    assert [each.mention for each in of_kind(told, NoFurtherAttempt)] == [None]
    await site.clock.advance(2 * 3600)
    rows = await kept(site)
    assert [row.placement for row in rows if row.kind == "mute_ended"] == [Placement.BROADCAST]
    assert "S0ONCALL" in "".join(row.body for row in rows)


async def test_an_older_success_ends_no_mute(site: Site) -> None:
    """It was recorded late, and the job has failed since: what still fails is said when the time is over."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    failed(site)
    await site.poll_after()
    await mute(site, hours=30)
    await site.poll()
    await site.clock.advance(3600)
    failed(site)
    await site.poll_after()
    site.ended(JOB, "Success", ago=300)
    await site.poll_after()
    assert await kept(site) == []
    await site.clock.advance(2 * NIGHT)
    assert "run_ended" in [row.kind for row in await kept(site)]


async def test_what_another_mute_covers_stays_quiet(site: Site) -> None:
    """The job's own mute ends within maintenance: nothing is said before that is over as well."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    failed(site)
    await site.poll_after()
    await mute(site, hours=30)
    await mute(site, job_id=None, job_name=None, hours=60)
    await site.poll()
    failed(site)
    await site.poll_after(NIGHT)
    await site.clock.advance(NIGHT)
    rows = await kept(site)
    assert [row.kind for row in rows] == ["run_changed"]
    assert "server muted until" in announcement(decode(rows[0].body), "key").text
    await site.clock.advance(NIGHT)
    rows = await kept(site)
    assert sorted((row.kind, row.placement) for row in rows) == [
        ("mute_ended", Placement.REPLY),
        ("run_changed", Placement.EDIT),
        ("run_ended", Placement.POST),
    ]
    assert "S0ONCALL" in "".join(row.body for row in rows)


async def test_a_stopped_run_hides_no_failure(site: Site) -> None:
    """Somebody stopped the job's latest run: when the time is over, the failure before it is said."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    failed(site)
    await site.poll_after()
    await mute(site, hours=30)
    await site.poll()
    site.world.finish_run(JOB, result="Failed", only=(), message="Operation was canceled by user")
    await site.poll_after(3600)
    await site.clock.advance(2 * NIGHT)
    rows = await kept(site)
    assert [row.placement for row in rows if row.kind == "mute_ended"] == [Placement.BROADCAST]


async def test_the_end_of_maintenance_may_be_a_storm(site: Site) -> None:
    """Many failures that nothing has told of yet are one message, not a root each."""
    site.begin(rules(storm_from=5))
    for number in range(30):
        site.world.add_job(f"Job {number}")
    await mute(site_with_job(site), job_id=None, job_name=None, hours=1, pattern="Job *")
    for number in range(30):
        site.ended(f"Job {number}", "Failed")
    assert await site.poll_after() == []
    await site.clock.advance(3600)
    rows = await kept(site)
    await site.clock.advance(5)
    rows += await kept(site)
    await site.clock.advance(5)
    rows += await kept(site)
    told = [(row.channel, decode(row.body)) for row in rows]
    assert of_kind(told, RunEnded) == []
    assert [each.storm.count for each in of_kind(told, StormBegan)] == [30]


async def test_the_end_of_maintenance_stays_within_a_few_messages(site: Site) -> None:
    """Jobs with older roots are gathered too, no thread gets a line; what has its own root is only edited."""
    site.begin(rules(route_to(DEFAULT, results=["Failed", "Warning"]), storm_from=5))
    for number in range(12):
        site.world.add_job(f"Job {number}", schedule=daily("03:00", retries=1))
        site.ended(f"Job {number}", "Failed")
        await site.poll_after(120)
    await mute(site_with_job(site), job_id=None, job_name=None, hours=72)
    await site.poll_after(NIGHT)
    for number in range(1, 12):
        site.ended(f"Job {number}", "Failed" if number < 8 else "Success" if number < 10 else "Warning")
    assert {type(each) for _, each in await site.poll_after()} <= {MutedRunEnded, RunChanged}
    await site.clock.advance(72 * 3600)
    told = [(row.channel, decode(row.body)) for row in await kept(site)]
    await site.clock.advance(5)
    told += [(row.channel, decode(row.body)) for row in await kept(site)]
    (storm,) = of_kind(told, StormBegan)
    assert storm.storm.count == 7
    assert sorted(kind for _, kind in kinds(told) if kind != "RunChanged") == [
        "MuteEnded", "MuteEnded", "StormBegan", "StormList",
    ]  # fmt: skip


def site_with_job(site: Site) -> Site:
    site.world.add_job(JOB)
    return site


async def test_mutes_and_storms(site: Site) -> None:
    """What is muted makes no storm; a run of a storm that is muted later is said when the mute is over."""
    site.begin(rules(storm_from=5))
    for name in (JOB, "A", "B", "C", "Files"):
        site.world.add_job(name)
    await mute(site, job_id=None, job_name=None, pattern="?", hours=1)
    for name in ("A", "B", "C", JOB, "Files"):
        site.ended(name, "Failed")
    told = await site.poll_after()
    assert sorted(root.run.job_name for root in of_kind(told, RunEnded)) == ["Files", JOB]
    assert of_kind(told, StormBegan) == []
    await site.clock.advance(NIGHT)
    assert sorted(row.kind for row in await kept(site)) == ["mute_ended"] * 3 + ["run_ended"] * 3
    for name in ("A", "B", "C", JOB, "Files"):
        site.ended(name, "Failed", objects={"sql01": FULL})
    told = await site.poll_after() + await site.poll_after(2)
    assert len(of_kind(told, StormBegan)) == 1
    await mute(site, hours=1)
    await site.poll()
    failed(site)
    assert of_kind(await site.poll_after(), RunEnded) == []
    await site.clock.advance(NIGHT)
    assert "mute_ended" in [row.kind for row in await kept(site)]
    assert await site.poll_after() == []


async def test_a_log_backup_keeps_no_mute_up(site: Site) -> None:
    """The job recovers, and a log backup that ended a moment later is announced first: the mute is over."""
    failed(site)
    await site.poll_after()
    await mute(site, until_success=True)
    well = site.world.session(site.ended(JOB, "None", ago=10))
    site.world.session(failed(site, ago=5)).type = "SqlLogBackup"
    await site.poll_after()
    well.result = "Success"
    await site.poll_after()
    await site.poll_after()
    await site.clock.advance(NIGHT)
    failed(site)
    told = [*await site.poll_after(), *await site.poll_after()]
    assert [each.run.first.log_type for each in of_kind(told, RunEnded)] == [None]


async def stormy(site: Site) -> None:
    """The job's failure stands in a storm with four others."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL"), storm_from=5))
    await site.poll()
    for name in (JOB, "A", "B", "C", "D"):
        site.ended(name, "Failed", objects={"sql01": FULL})
    await site.poll_after()
    assert of_kind(await site.poll_after(2), StormBegan)


def listed(told: Any) -> tuple[int, str]:
    """How many the storm's root says are muted, and what its list says."""
    root, shown = of_kind(told, StormChanged)[-1], of_kind(told, StormList)[-1]
    number = root.storm.muted
    assert (f"{number} muted" in announcement(root, "key").text) is (number > 0)
    return number, announcement(shown, "key").text


async def test_a_storm_says_what_of_it_is_muted(site: Site) -> None:
    """Its root counts it, its list says by whom, until when and what was held back, until that is over."""
    await stormy(site)
    assert await mute(site, hours=30, until_success=True) == ("C0PROD",)
    told = await site.poll()
    assert {kind for _, kind in kinds(told)} == {"StormChanged", "StormList"}
    number, said = listed(told)
    assert (number, "by <@U0ANN>" in said) == (1, True)
    assert "muted until it succeeds, at most until" in said
    failed(site)
    told = await site.poll_after(NIGHT)
    assert {kind for _, kind in kinds(told)} == {"StormChanged", "StormList"}
    assert "1 later run held back" in listed(told)[1]
    await site.clock.advance(NIGHT)
    rows = await kept(site)
    assert sorted(row.kind for row in rows) == ["mute_ended", "run_ended", "storm_changed", "storm_list"]
    assert [row for row in rows if row.kind == "mute_ended" and "storm/" in (row.root_key or "")] == []
    number, said = listed([(row.channel, decode(row.body)) for row in rows])
    assert (number, "held back" in said) == (0, False)


async def test_a_storm_says_what_maintenance_holds_back(site: Site) -> None:
    """By whom its server is muted, until that is over, also where somebody acknowledges it meanwhile."""
    await stormy(site)
    await mute(site, job_id=None, job_name=None, hours=3)
    failed(site)
    number, said = listed(await site.poll_after(3600))
    assert (number, "server muted until" in said, "1 later run held back" in said) == (1, True, True)
    follow_up, job = FollowUp(site.database, site.clock), JobId(site.world.job(JOB).id)
    session = site.world.sessions_of(site.world.job(JOB))[0].id
    await follow_up.acknowledge(HQ, job, SessionId(session), "U0ANN")
    assert listed(await site.poll())[0] == 1
    await site.clock.advance(3 * 3600)
    number, said = listed([(row.channel, decode(row.body)) for row in await kept(site)])
    assert (number, "held back" in said) == (0, False)


async def test_the_end_of_a_mute_in_a_storm(site: Site) -> None:
    """Who unmuted it is said in the storm's thread, with nobody mentioned; a recovery is seen above."""
    await stormy(site)
    await mute(site)
    await site.poll()
    follow_up = FollowUp(site.database, site.clock)
    found = await follow_up.find_mute(HQ, job_id=JobId(site.world.job(JOB).id))
    assert found is not None
    assert await follow_up.unmute(found, "U0OLE") == ("C0PROD",)
    rows = await kept(site)
    (line,) = [row for row in rows if row.kind == "mute_ended"]
    assert (line.root_key or "").startswith("storm/")
    text = announcement(decode(line.body), line.key).text
    assert ("Unmuted by <@U0OLE>" in text, "S0ONCALL" in text) == (True, False)
    await mute(site, until_success=True)
    await site.poll()
    site.ended(JOB, "Success")
    told = await site.poll_after(NIGHT)
    assert of_kind(told, StormChanged)[-1].storm.recovered == 1
    assert [row.kind for row in await kept(site) if row.kind == "mute_ended"] == []
