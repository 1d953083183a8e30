"""A failure that is over, and a run that a person stopped."""

from typing import Any

import pytest

from bot.sandbox.vbr import Outcome
from bot.sandbox.vbr.jobmodels import daily
from bot.slack.views.announcements import announcement
from bot.slack.views.runs import run_root
from bot.store import StoppedSessions
from bot.watch.facts import NoFurtherAttempt, RunChanged, RunEnded
from tests.rooms.watch.site import Site, kinds, of_kind, route_to, rules

NIGHT = 24 * 3600.0
JOB = "SQL nightly"


async def test_the_next_run_recovers_what_failed(site: Site) -> None:
    """In every channel that was told, also after a restart: the root says so, and how long it took."""
    site.begin(rules(route_to("C0PROD"), route_to("C0DBA", results=["Failed"])))
    failed = site.ended(JOB, "Failed")
    assert {channel for channel, _ in await site.poll_after()} == {"C0PROD", "C0DBA"}
    site.begin()
    await site.clock.advance(NIGHT)
    site.ended(JOB)
    told = await site.poll()
    changed = [(channel, each) for channel, each in told if isinstance(each, RunChanged)]
    assert sorted(channel for channel, _ in changed) == ["C0DBA", "C0PROD"]
    root = changed[0][1]
    assert root.run.first.session_id == failed
    message = announcement(root, "key")
    assert "Recovered" in message.text
    assert "recovered 1 d later" in message.text
    assert "operation:retry" not in str(message.blocks)
    assert message.metadata is not None
    assert message.metadata["event_payload"] | {"job_id": ""} == {
        "server": "hq", "job_id": "", "session_id": failed, "result": "Success",
    }  # fmt: skip
    site.ended(JOB)
    assert of_kind(await site.poll_after(NIGHT), RunChanged) == []


async def test_every_night_in_a_row_recovers(site: Site) -> None:
    """Three nights failed, the fourth went well: three roots say so, none of before the last success."""
    ids = []
    for result in ("Failed", "Success", "Failed", "Failed", "Failed"):
        ids.append(site.ended(JOB, result))
        await site.poll_after(NIGHT)
    site.ended(JOB, "Warning", objects=["vm01"])
    changed = of_kind(await site.poll_after(NIGHT), RunChanged)
    assert [each.run.first.session_id for each in changed] == ids[:1:-1]
    assert "Recovered with a warning" in run_root(changed[0].run).text


async def test_a_job_that_failed_all_night_recovers_as_a_whole(site: Site) -> None:
    """It runs every quarter of an hour: each of the roots that said Failed says that it is over."""
    for number in range(40):
        site.ended(JOB, "Failed", ago=900.0 * (40 - number))
    assert len(of_kind(await site.poll_after(1), RunEnded)) == 40
    site.ended(JOB)
    changed = of_kind(await site.poll_after(), RunChanged)
    assert [each.run.is_recovered for each in changed] == [True] * 40


async def test_somebody_runs_it_in_the_console(site: Site) -> None:
    """That ends the wait for the automatic retry as well: nobody is mentioned for what is over."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    job = site.world.add_job(JOB, schedule=daily("03:00", retries=3))
    site.world.plan(job, [Outcome("Failed")])
    site.world.begin_run(job)
    await site.poll_after(300)
    job.retry_at = None
    site.world.begin_run(job, by=r"CORP\anna")
    (changed,) = of_kind(await site.poll_after(400), RunChanged)
    assert changed.run.is_recovered
    assert of_kind(await site.poll_after(3600), NoFurtherAttempt) == []


async def test_a_success_of_before_recovers_nothing(site: Site) -> None:
    """A session that VBR recorded late ended before the failure: that stands."""
    site.ended(JOB, "Failed")
    await site.poll_after()
    site.ended(JOB, "Success", ago=500)
    assert of_kind(await site.poll_after(), RunChanged) == []


async def test_a_failure_that_is_over_when_it_is_told(site: Site) -> None:
    """VBR recorded it late, and the job has run well since: its root says so from the beginning."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL", results=["Failed"])))
    site.ended(JOB, "Success")
    await site.poll_after()
    site.ended(JOB, "Failed", ago=500)
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert (root.run.is_recovered, root.mention) == (True, None)


async def test_another_jobs_success_recovers_nothing(site: Site) -> None:
    """Only the job's own."""
    site.ended(JOB, "Failed")
    await site.poll_after()
    site.ended("Oracle", "Success")
    assert of_kind(await site.poll_after(), RunChanged) == []


async def stopped(site: Site, **more: object) -> RunEnded:
    """Let a run fail with nothing failed in it, as far as said; return its root."""
    facts: dict[str, Any] = {"only": (), "message": "Failed", **more}
    is_canceled = facts.pop("is_canceled", False)
    session = site.world.session(site.ended(JOB, "Failed", **facts))
    session.is_canceled = is_canceled
    (root,) = of_kind(await site.poll_after(), RunEnded)
    known = await StoppedSessions(site.database).of("hq")
    assert (session.id in known) is root.run.last.is_stopped
    return root


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"is_canceled": True}, "by a person in VBR"),
        ({"message": "Operation was canceled by user"}, "probably by a person in VBR"),
        (
            {"log": (("Failed", "Job was cancelled by the user CORP"),)},
            "probably by a person in VBR",
        ),
        (
            {"only": None, "objects": {"vm01": "Operation was canceled by user"}},
            "probably by a person in VBR",
        ),
    ],
)
async def test_stopped_by_a_person_is_not_failed(site: Site, facts: dict[str, object], words: str) -> None:
    """As far as VBR lets one tell: it goes where failures go, mentions nobody, and keeps VBR's result."""
    site.begin(rules(route_to("C0PROD", results=["Failed"], mention="S0ONCALL")))
    root = await stopped(site, **facts)
    message = announcement(root, "key")
    assert root.mention is None
    assert message.text.splitlines()[0].startswith(":heavy_minus_sign: Stopped")
    assert words in message.text
    assert "Failed" not in message.text.splitlines()[0]
    assert message.metadata is not None
    assert message.metadata["event_payload"]["result"] == "Failed"
    assert "operation:start" in str(message.blocks)


@pytest.mark.parametrize(
    "facts",
    [
        {"message": "Job was terminated by its backup window"},
        {"only": None, "objects": {"vm01": "VSS timeout", "vm02": "Operation was canceled by user"}},
        {"message": "Failed"},
    ],
)
async def test_what_is_no_stop(site: Site, facts: dict[str, object]) -> None:
    """The end of a backup window is none, nor is an object that failed by itself."""
    site.begin(rules(route_to("C0PROD", mention="S0ONCALL")))
    root = await stopped(site, **facts)
    assert (root.run.last.is_stopped, root.mention) == (False, "S0ONCALL")


async def test_a_stopped_run_is_not_recovered_and_breaks_no_row(site: Site) -> None:
    """A night that failed, one that was stopped, one that went well: the failure recovers, the stop stays."""
    failed = site.ended(JOB, "Failed")
    await site.poll_after()
    await site.clock.advance(NIGHT)
    site.world.session(site.ended(JOB, "Failed", only=())).is_canceled = True
    assert kinds(await site.poll()) != []
    site.ended(JOB)
    changed = of_kind(await site.poll_after(NIGHT), RunChanged)
    assert [each.run.first.session_id for each in changed] == [failed]


async def test_an_end_before_its_beginning_is_no_duration(site: Site) -> None:
    """Nothing takes 0 s because a clock was set back meanwhile."""
    site.ended(JOB, "Failed", seconds=-3600.0)
    (root,) = of_kind(await site.poll_after(), RunEnded)
    assert "took" not in run_root(root.run).text
