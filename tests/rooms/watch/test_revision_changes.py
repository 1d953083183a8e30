"""A server that is upgraded, or put back: said once, and polled in what it speaks."""

from collections.abc import AsyncIterator

import pytest

from bot.observability import Health
from bot.sandbox.vbr import VbrSandbox, World
from bot.sandbox.vbr.faults import ANY, html, refusing
from bot.settings import AUTO
from bot.store import Database, ServerRevisions
from bot.watch.facts import RevisionChanged
from tests.rooms.store.databases import Template
from tests.rooms.veeam.clients import SERVER_TIME, SWAGGER, client_of, die
from tests.rooms.watch.site import DEFAULT, POLL_SECONDS, SESSIONS, Site, kinds, of_kind, route_to, rules
from tests.support.clock import FakeClock

HOUR = 3601


@pytest.fixture
async def vbr(world: World) -> AsyncIterator[VbrSandbox]:
    async with VbrSandbox(world) as found:
        yield found


@pytest.fixture
async def site(database: Database, clock: FakeClock, world: World, vbr: VbrSandbox) -> AsyncIterator[Site]:
    """A server of 1.3-rev0, whose revision is detected, read once."""
    async with client_of(vbr, clock, api_version=AUTO) as client:
        found = Site(clock, world, vbr, client, database, Health(clock))
        assert await found.poll() == []
        found.requests()
        yield found


@pytest.fixture
async def second(
    site: Site, database_url: str, database_templates: dict[str, Template]
) -> AsyncIterator[Site]:
    """Another process that watches the same server."""
    assert database_templates
    database = Database(database_url)
    async with client_of(site.vbr, site.clock, api_version=AUTO) as client:
        yield Site(site.clock, site.world, site.vbr, client, database, Health(site.clock), holder="two")
    await database.close()


async def test_an_idle_poll_is_still_one_request(site: Site) -> None:
    """Knowing the revision costs nothing between two checks."""
    for _ in range(3):
        await site.poll_after()
    assert site.requests() == ["/api/v1/sessions"] * 3


async def test_an_upgrade_is_said_once(site: Site) -> None:
    """In each channel for news of the server, with what can be done now; and what ends is still announced."""
    site.begin(rules(route_to("C0PROD"), route_to("C0DR", servers=["dr"])))
    site.vbr.upgrade("1.3-rev2")
    told = [await site.poll_after(HOUR) for _ in range(3)]
    assert [kinds(each) for each in told if each] == [
        [("C0PROD", "RevisionChanged"), (DEFAULT, "RevisionChanged")]
    ]
    news = of_kind([each for every in told for each in every], RevisionChanged)[0]
    assert (news.server, news.was, news.revision, news.product) == ("hq", "1.3-rev0", "1.3-rev2", "VBR 13.1")
    assert news.is_newer
    assert {"FileBackup", "IrisBackup"} <= set(news.job_types)
    assert "ProxmoxBackupJob" not in news.job_types  # listed since, and never edited
    assert "VSphereBackup" not in news.job_types
    site.ended(result="Failed")
    assert ("C0PROD", "RunEnded") in kinds(await site.poll_after())
    asked = site.vbr.requests.of(*SESSIONS)
    assert asked[-1].headers["x-api-version"] == "1.3-rev2"


async def test_an_upgrade_while_the_bot_is_down(site: Site) -> None:
    """It is said by the next process, once."""
    site.vbr.upgrade("1.3-rev1")
    for expected in ([(DEFAULT, "RevisionChanged")], [], []):
        async with client_of(site.vbr, site.clock, api_version=AUTO) as client:
            site.client = client
            site.begin()
            assert kinds(await site.poll_after()) == expected


async def test_an_upgrade_takes_the_server_away(site: Site) -> None:
    """When it is back, nobody waits an hour for the news."""
    await die(site.vbr)
    for _ in range(3):
        await site.poll_after()
    site.vbr.upgrade("1.3-rev2")
    await site.vbr.come_back()
    told = [each for _ in range(3) for each in await site.poll_after()]
    assert kinds(told) == [(DEFAULT, "OutageEnded"), (DEFAULT, "RevisionChanged")]


@pytest.mark.parametrize("polls", [1, 4])
async def test_an_upgrade_behind_a_proxy(site: Site, polls: int) -> None:
    """What a proxy says while VBR is away is no answer of VBR's: the news is one, and within minutes."""
    site.vbr.faults.add(ANY, ANY, html(502), times=99)
    for _ in range(polls):
        await site.poll_after()
    site.vbr.upgrade("1.3-rev2")
    site.vbr.faults.clear()
    told = [each for _ in range(6) for each in await site.poll_after()]
    assert [kind for _, kind in kinds(told) if kind == "RevisionChanged"] == ["RevisionChanged"]
    assert site.client.revision.name == "1.3-rev2"


async def test_two_processes_say_it_once(site: Site, second: Site) -> None:
    """One that takes over with what it remembers from before does not say that the server was put back."""
    await second.client.detect_revision()
    site.vbr.upgrade("1.3-rev2")
    told = await site.poll_after(HOUR)
    # Each asks when it wants to: what the second one knows is a few minutes too old to be asked again.
    for each in (second, site, second):
        await each.clock.advance(5 * POLL_SECONDS)
        told += await each.poll()
    assert kinds(told) == [(DEFAULT, "RevisionChanged")]
    assert second.client.revision.name == "1.3-rev2"


async def test_a_downgrade_is_said_too(site: Site) -> None:
    """With what is lost; the poll that was refused is made up for."""
    site.vbr.upgrade("1.3-rev2")
    await site.poll_after(HOUR)
    site.vbr.upgrade("1.2-rev1")
    site.ended(result="Failed")
    told = [each for _ in range(3) for each in await site.poll_after()]
    assert sorted(kinds(told))[-2:] == [(DEFAULT, "RevisionChanged"), (DEFAULT, "RunEnded")]
    (news,) = of_kind(told, RevisionChanged)
    assert (news.is_newer, news.revision) == (False, "1.2-rev1")
    assert {"retry", "clone"} <= set(news.capabilities)
    assert "FileBackup" in news.job_types


async def test_a_server_that_does_not_say_is_no_news(site: Site, second: Site) -> None:
    """A difference that cannot be proven now is looked at again later, and the poll is good."""
    site.vbr.upgrade("1.3-rev1")
    async with second.database.transaction() as transaction:
        assert await ServerRevisions(second.database).change(
            transaction, "hq", was="1.3-rev0", revision="1.3-rev2"
        )
    site.begin()
    site.vbr.faults.add(*SWAGGER, refusing(503), times=2)
    site.vbr.faults.add(*SERVER_TIME, refusing(503), times=9)
    assert await site.poll_after() == []
    part = site.health.part("server:hq")
    assert part is not None
    assert part.ok


async def test_a_pinned_revision_is_no_news(site: Site) -> None:
    """Which one the settings name is for whoever wrote them to know."""
    site.vbr.upgrade("1.3-rev2")
    async with client_of(site.vbr, site.clock, api_version="1.3-rev2") as client:
        site.client = client
        site.begin()
        assert await site.poll_after() == []
