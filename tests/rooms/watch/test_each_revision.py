"""A server of each revision is watched alike: one request when idle, each run told once, retries folded."""

from collections.abc import AsyncIterator

import pytest

from bot.observability import Health
from bot.sandbox.vbr import Behaviour, Pace, VbrSandbox, World, accepted_by
from bot.sandbox.vbr.jobmodels import daily
from bot.store import Database
from bot.veeam import REVISIONS
from bot.watch.facts import AttemptEnded, RunEnded
from tests.rooms.veeam.clients import client_of
from tests.rooms.watch.site import DEFAULT, SESSIONS, Site, kinds, of_kind, route_to, rules
from tests.support.clock import FakeClock
from tests.support.conversations import violations

OLD, NEW = "1.2-rev1", "1.3-rev2"
JOB = "SQL nightly"


@pytest.fixture(params=list(REVISIONS))
def revision(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(clock: FakeClock) -> World:
    """It resynchronizes itself each quarter of an hour."""
    return World(clock.now, pace=Pace(housekeeping=True))


@pytest.fixture
async def site(database: Database, clock: FakeClock, world: World, revision: str) -> AsyncIterator[Site]:
    """A server whose newest revision is the one spoken, read once; it never had to refuse anything."""
    behaviour = Behaviour(supported_revisions=accepted_by(revision))
    world.add_job(JOB, schedule=daily("22:00"))
    async with (
        VbrSandbox(world, behaviour=behaviour) as vbr,
        client_of(vbr, clock, api_version=revision) as client,
    ):
        found = Site(clock, world, vbr, client, database, Health(clock))
        assert await found.poll() == []
        vbr.requests.clear()
        yield found
        refused = [(one.template, one.query, one.status) for one in vbr.requests if one.status in {400, 404}]
        assert refused == []
        assert violations(vbr) == []


async def test_an_idle_poll_is_one_request(site: Site) -> None:
    """Of all types, so that one that no document names is seen; they are sorted out here."""
    for _ in range(3):
        assert await site.poll_after() == []
    asked = site.vbr.requests.of(*SESSIONS)
    assert len(list(site.vbr.requests)) == len(asked) == 3
    assert asked[0].query.getall("typeFilter", []) == []


async def test_a_run_is_told_and_housekeeping_is_not(site: Site, revision: str) -> None:
    """Once, with what failed; the server's own sessions are nobody's news, listed or not."""
    assert await site.poll_after(1800) == []
    site.vbr.requests.clear()
    site.ended(JOB, "Failed", objects={"vm01": "Failed to open VDDK disk"})
    told = await site.poll_after()
    (root,) = of_kind(told, RunEnded)
    assert root.run.job_name == JOB
    assert root.run.last.details is not None
    assert [one.message for one in root.run.last.details.problems] == ["Failed to open VDDK disk"]
    assert root.run.last.unsupported == tuple(sorted(REVISIONS[revision].lacks))
    assert await site.poll_after() == []


async def test_a_retry_in_due_time_folds(site: Site) -> None:
    """By VBR's own word where it gives it, else by job, time and who began it."""
    first = site.world.session(site.ended(JOB, "Failed"))
    await site.poll_after()
    await site.clock.advance(600)
    second = site.ended(JOB, "Success", seconds=60.0, retry_of=first)
    told = await site.poll_after()
    assert [(one.session.session_id, len(one.run.attempts)) for one in of_kind(told, AttemptEnded)] == [
        (second, 2)
    ]


async def test_a_retry_long_after_folds_where_vbr_names_its_run(site: Site, revision: str) -> None:
    """Somebody retries it in the console hours later: 1.3-rev2 says so; before, it is a run of its own."""
    first = site.world.session(site.ended(JOB, "Failed"))
    await site.poll_after()
    await site.clock.advance(3 * 3600)
    site.ended(JOB, "Success", seconds=60.0, retry_of=first, initiated_by="LAB\\anna")
    told = await site.poll_after()
    assert bool(of_kind(told, AttemptEnded)) == (revision == NEW)
    assert bool(of_kind(told, RunEnded)) == (revision != NEW)


async def test_a_new_run_in_due_time_does_not_fold_where_vbr_says_so(site: Site, revision: str) -> None:
    """1.3-rev2 says that a session begins a run; before, one that comes in due time is taken for a retry."""
    site.ended(JOB, "Failed")
    await site.poll_after()
    await site.clock.advance(600)
    site.ended(JOB, "Success", seconds=60.0)
    told = await site.poll_after()
    assert bool(of_kind(told, RunEnded)) == (revision == NEW)


async def test_a_route_names_a_type_by_either_name(site: Site) -> None:
    """`Backup` of VBR 12.3 and `VSphereBackup` since are one type of job."""
    site.begin(rules(route_to("C0VM", types=["VSphereBackup"], results=["Success"])))
    site.ended(JOB)
    assert ("C0VM", "RunEnded") in kinds(await site.poll_after())
    site.begin(rules(route_to("C0VM", types=["backup"], results=["Success"])))
    site.ended(JOB)
    assert (DEFAULT, "RunEnded") not in kinds(await site.poll_after())
