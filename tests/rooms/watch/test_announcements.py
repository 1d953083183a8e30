"""A session ends, and is told once: where, as what, with which story."""

from typing import Any

from bot.sandbox.vbr import Job, Outcome
from bot.sandbox.vbr.faults import refusing
from bot.sandbox.vbr.jobmodels import daily
from bot.store import OwnAction, OwnActions
from bot.watch.facts import AttemptEnded, DetailsReply, NoFurtherAttempt, RunChanged, RunEnded
from bot.watch.run_facts import SessionFacts
from tests.rooms.watch.site import DEFAULT, POLL_SECONDS, Site, kinds, of_kind, route_to, rules

RUN_SECONDS = 300.0
FAILED = Outcome("Failed", {"vm01": "VSS timeout"}, message="Failed")


def scheduled(site: Site, *outcomes: Outcome, retries: int = 3) -> Job:
    """A job that runs far from now by its schedule, with its next outcomes fixed."""
    job = site.world.add_job("SQL Prod", schedule=daily("03:00", retries=retries))
    site.world.plan(job, outcomes)
    return job


async def remember(site: Site, job: Job, session_id: str, operation: str, channel: str = "C0PROD") -> None:
    await OwnActions(site.database).remember(
        OwnAction(
            server="hq",
            job_id=job.id,
            session_id=session_id,
            operation=operation,
            person_id="U1",
            channel_id=channel,
            reference="k7q2",
            at=site.clock.now(),
        )
    )


async def test_a_success_is_one_message(site: Site) -> None:
    """A run that went well is told in the default channel, with its sizes, and only once."""
    session_id = site.ended(seconds=120.0)
    ((channel, root),) = await site.poll_after()
    assert isinstance(root, RunEnded)
    told = root.run.last
    assert (channel, root.run.server, root.run.job_name, root.run.job_type) == (
        DEFAULT,
        "hq",
        "SQL nightly",
        "VSphereBackup",
    )
    assert (told.session_id, told.result, (told.ended_at - told.created_at).seconds) == (
        session_id,
        "Success",
        120,
    )
    assert told.details is not None
    assert (told.details.objects_total, told.details.succeeded_total, told.details.is_incomplete) == (
        2,
        2,
        False,
    )
    assert told.details.processed_bytes
    assert not root.run.is_late
    assert await site.poll_after() == []


async def test_a_failure_tells_its_story(site: Site) -> None:
    """A failure's thread names the objects that failed and the failed log records."""
    site.ended(
        result="Failed",
        objects={"vm01": "VSS timeout"},
        warned={"vm02": "low space"},
        log=(("Failed", "Repository full"), ("Warning", "Slow")),
    )
    told = await site.poll_after()
    assert kinds(told) == [(DEFAULT, "RunEnded"), (DEFAULT, "DetailsReply")]
    details = of_kind(told, DetailsReply)[0].session.details
    assert details is not None
    assert [(each.name, each.result, each.message) for each in details.problems] == [
        ("vm01", "Failed", "VSS timeout"),
        ("vm02", "Warning", "low space"),
    ]
    assert "Repository full" in details.records


async def test_a_failure_says_how_the_job_stands(site: Site) -> None:
    """How many runs failed in a row, when one last went well, and when it runs next."""
    scheduled(site)
    good = site.world.session(site.ended("SQL Prod", "Warning", ago=2 * 24 * 3600))
    site.ended("SQL Prod", "Failed", ago=24 * 3600)
    site.ended("SQL Prod", "Failed", ago=1)
    root = max(of_kind(await site.poll_after(), RunEnded), key=lambda each: each.run.last.ended_at)
    outlook = root.run.outlook
    assert outlook is not None
    assert (outlook.failed_in_a_row, outlook.is_longer) == (2, False)
    assert (outlook.last_good_at, outlook.is_last_good_known) == (good.ended_at, True)
    assert outlook.next_run == site.world.job("SQL Prod").next_run
    assert outlook.next_run is not None


async def test_a_failure_is_told_whatever_else_cannot_be_read(site: Site) -> None:
    """How the job stands is a detail: without it the failure is announced all the same."""
    await site.poll()
    scheduled(site)
    site.ended("SQL Prod", "Failed")
    site.vbr.faults.add("GET", "/api/v1/jobs/states", refusing(500), times=99)
    site.vbr.faults.add("GET", "/api/v1/jobs/{id}", refusing(500), times=99)
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert root.run.last.is_failed
    assert root.run.outlook is None or root.run.outlook.next_run is None


async def test_every_matching_route_gets_one(site: Site) -> None:
    """Two routes that take a completion both get it, the default channel does not."""
    site.begin(rules(route_to("C0PROD"), route_to("C0SQL", jobs=["SQL*"]), route_to("C0ORA", jobs=["Ora*"])))
    site.ended(result="Warning", objects=["vm01"])
    told = await site.poll_after()
    assert {channel for channel, _ in told} == {"C0PROD", "C0SQL"}


async def test_routes_by_job_type(site: Site) -> None:
    """A route may name a job type as well as a session type."""
    site.begin(rules(route_to("C0VM", types=["VSphereBackup"]), route_to("C0REP", types=["ReplicaJob"])))
    site.world.add_job("Replica", "VSphereReplica")
    site.ended(result="Failed")
    site.ended("Replica", result="Failed")
    told = await site.poll_after()
    assert sorted(channel for channel, each in told if isinstance(each, RunEnded)) == ["C0REP", "C0VM"]


async def test_housekeeping_is_not_told(site: Site) -> None:
    """What is no job run is not even asked for."""
    session = site.world.session(site.ended())
    session.type = "ConfigurationResynchronize"
    assert await site.poll_after() == []


async def test_restores_are_told_where_a_route_names_them(site: Site) -> None:
    """A restore is told only to the route that names its type."""
    site.world.session(site.ended()).type = "RestoreVm"
    assert await site.poll_after() == []
    site.begin(rules(route_to("C0PROD", types=["RestoreVm"], results=["Success"])))
    assert kinds(await site.poll_after()) == [("C0PROD", "RunEnded")]


async def test_a_run_recovers(site: Site) -> None:
    """A failed attempt and its automatic retry are one run: the root changes, the thread gets a reply."""
    job = scheduled(site, FAILED)
    site.world.begin_run(job)
    told = await site.poll_after(RUN_SECONDS)
    (root,) = of_kind(told, RunEnded)
    assert (root.run.attempts_total, root.run.is_final, root.mention) == (4, False, None)
    told = await site.poll_after(600 + RUN_SECONDS)
    assert kinds(told) == [(DEFAULT, "RunChanged"), (DEFAULT, "AttemptEnded")]
    (changed,) = of_kind(told, RunChanged)
    assert [attempt.result for attempt in changed.run.attempts] == ["Failed", "Success"]
    assert changed.run.is_recovered


async def test_the_last_failure_mentions(site: Site) -> None:
    """The route's group is named once, when the last attempt has failed."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    job = scheduled(site, FAILED, FAILED, FAILED, retries=2)
    site.world.begin_run(job)
    told: list[Any] = []
    for _ in range(3):
        told += await site.poll_after(RUN_SECONDS + 600)
    mentions = [each.mention for _, each in told if isinstance(each, RunEnded | AttemptEnded)]
    assert mentions == [None, None, "S0ONCALL"]
    assert [len(each.run.attempts) for each in of_kind(told, RunChanged)] == [2, 3]
    await site.clock.advance(3600)
    assert await site.poll() == []


async def test_no_further_attempt(site: Site) -> None:
    """When the expected attempt does not come, the failure stands and whoever is to know is named."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    job = scheduled(site, FAILED)
    site.world.begin_run(job)
    await site.poll_after(RUN_SECONDS)
    job.retry_at = None
    assert await site.poll_after(14 * 60) == []
    told = await site.poll_after(60 + POLL_SECONDS)
    assert kinds(told) == [("C0PROD", "RunChanged"), ("C0PROD", "NoFurtherAttempt")]
    (nothing_came,) = of_kind(told, NoFurtherAttempt)
    assert (nothing_came.mention, nothing_came.run.is_final) == ("S0ONCALL", True)
    assert await site.poll_after(3600) == []


async def test_a_long_attempt_is_not_missing(site: Site) -> None:
    """An attempt that takes hours has come: nobody is told that it did not."""
    job = scheduled(site, FAILED)
    site.world.begin_run(job)
    await site.poll_after(RUN_SECONDS)
    job.run_seconds = 3 * 3600.0
    for _ in range(10):
        assert await site.poll_after(1000) == []
    told = await site.poll_after(3600)
    assert kinds(told) == [(DEFAULT, "RunChanged"), (DEFAULT, "AttemptEnded")]


async def test_a_run_goes_on_where_it_was_told(site: Site) -> None:
    """A route that asks for failures is told the recovery; the default channel does not hear of the run."""
    site.begin(rules(route_to("C0PROD", results=["Failed"])))
    job = scheduled(site, FAILED, Outcome("Success"))
    site.world.begin_run(job)
    assert kinds(await site.poll_after(RUN_SECONDS)) == [("C0PROD", "RunEnded"), ("C0PROD", "DetailsReply")]
    told = await site.poll_after(700 + RUN_SECONDS)
    assert kinds(told) == [("C0PROD", "RunChanged"), ("C0PROD", "AttemptEnded")]


async def test_a_run_by_hand_overtakes_the_retry(site: Site) -> None:
    """A run that somebody starts in VBR instead of the retry is told itself; the old root says recovered."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL", results=["Failed", "Success"])))
    job = scheduled(site, FAILED)
    site.world.begin_run(job)
    await site.poll_after(RUN_SECONDS)
    job.retry_at = None
    site.world.begin_run(job, by=r"CORP\anna")
    told = await site.poll_after(RUN_SECONDS)
    assert kinds(told) == [("C0PROD", "RunChanged"), ("C0PROD", "RunEnded")]
    (changed,) = of_kind(told, RunChanged)
    assert (changed.run.is_recovered, changed.run.is_final) == (True, True)
    assert await site.poll_after(700) == []


async def test_a_manual_retry_through_the_bot_folds(site: Site) -> None:
    """A retry through the bot belongs to the run it retries, hours later too, and says who did it."""
    site.ended(result="Failed", objects=["vm01"])
    await site.poll_after()
    job = site.world.job("SQL nightly")
    await site.clock.advance(7200)
    session = site.world.begin_run(job, by=r"CORP\svc-slack")
    await remember(site, job, session.id, "retry")
    told = await site.poll_after(RUN_SECONDS)
    assert kinds(told) == [(DEFAULT, "RunChanged"), (DEFAULT, "AttemptEnded")]
    attempt = of_kind(told, AttemptEnded)[0].session
    assert (attempt.started_by, attempt.started_operation, attempt.started_in) == ("U1", "retry", "C0PROD")


async def test_a_stopped_run_says_who_stopped_it(site: Site) -> None:
    """A run that was stopped through the bot is told as that, and nobody is mentioned."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    job = scheduled(site)
    session = site.world.begin_run(job)
    await remember(site, job, session.id, "stop", "C0OPS")
    site.world.life.stop(session, site.world.now(), graceful=False)
    told = await site.poll_after(60)
    (root,) = of_kind(told, RunEnded)
    assert (root.run.last.stopped_by, root.mention) == ("U1", None)
    assert root.run.is_final


async def test_a_stop_that_came_too_late(site: Site) -> None:
    """A run that succeeded although somebody wanted to stop it was not stopped."""
    session_id = site.ended()
    await remember(site, site.world.job("SQL nightly"), session_id, "stop")
    told = await site.poll_after()
    assert of_kind(told, RunEnded)[0].run.last.stopped_by is None


async def test_own_actions_may_be_silent(site: Site) -> None:
    """A route without own actions is silent about a run started from its channel, and only about that."""
    site.begin(rules(route_to("C0PROD", own_actions=False, results=["Success"])))
    job = site.world.add_job("SQL nightly")
    for channel, expected in (("C0PROD", []), ("C0OPS", [("C0PROD", "RunEnded")])):
        session = site.world.begin_run(job, by=r"CORP\svc-slack")
        await remember(site, job, session.id, "start", channel)
        assert kinds(await site.poll_after(RUN_SECONDS)) == expected


async def test_a_story_that_cannot_be_read(site: Site) -> None:
    """When VBR does not give the story, the session is told without it and says so."""
    site.ended(result="Failed", objects=["vm01"])
    site.vbr.faults.add("GET", "/api/v1/sessions/{id}/taskSessions", refusing(500), times=99)
    told = await site.poll_after()
    details = of_kind(told, DetailsReply)[0].session.details
    assert details is not None
    assert (details.is_incomplete, details.problems) == (True, ())


async def test_half_a_story(site: Site) -> None:
    """Where VBR has no task sessions to give, the log still tells what failed."""
    site.ended(result="Failed", objects=["vm01"])
    site.vbr.faults.add("GET", "/api/v1/sessions/{id}/taskSessions", refusing(404), times=99)
    details = of_kind(await site.poll_after(), DetailsReply)[0].session.details
    assert details is not None
    assert (details.is_incomplete, details.problems) == (True, ())
    assert details.records


async def test_housekeeping_that_a_route_names(site: Site) -> None:
    """A route that names a type of housekeeping hears of it; nobody else does."""
    site.begin(rules(route_to("C0CLEAN", types=["deletebackup"], results=["Success", "Failed"])))
    site.world.session(site.ended("Cleaning", "Failed")).type = "DeleteBackup"
    site.world.session(site.ended("Resync", "Failed")).type = "ConfigurationResynchronize"
    told = await site.poll_after()
    roots = [(channel, root.run.job_name) for channel, root in told if isinstance(root, RunEnded)]
    assert roots == [("C0CLEAN", "Cleaning")]


async def test_a_job_that_cannot_be_read(site: Site) -> None:
    """When neither the job nor its retries can be read, its session is told under its own name."""
    site.ended(result="Failed", objects=["vm01"])
    for path in ("/api/v1/jobs", "/api/v1/jobs/states", "/api/v1/jobs/{id}"):
        site.vbr.faults.add("GET", path, refusing(500), times=99)
    told = await site.poll_after()
    run = of_kind(told, RunEnded)[0].run
    assert (run.job_name, run.job_type, run.attempts_total) == ("SQL nightly", None, None)


async def test_unknown_words_are_told_as_they_are(site: Site) -> None:
    """A result that VBR learned later is told, in VBR's word."""
    site.world.session(site.ended()).result = "Degraded"
    told = await site.poll_after()
    last: SessionFacts = of_kind(told, RunEnded)[0].run.last
    assert last.result == "Degraded"
