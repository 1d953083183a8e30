"""A server that does not answer, a database that does not, and two processes."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest

from bot.observability import Health
from bot.sandbox.vbr import Fault
from bot.sandbox.vbr.faults import changed, html, malformed, refusing
from bot.store import Database, Leases, Outages
from bot.watch.facts import OutageBegan, OutageEnded, RunEnded
from bot.watch.server_watch import lease_seconds
from tests.rooms.store.databases import Template
from tests.rooms.veeam.clients import client_of, wait_until
from tests.rooms.watch.site import (
    DEFAULT,
    POLL_SECONDS,
    SESSIONS,
    Site,
    kinds,
    of_kind,
    route_to,
    rules,
)
from tests.support.clock import FakeClock


async def test_a_silence_is_told_once(site: Site) -> None:
    """After three polls without an answer each channel of the server hears of it, then of its return."""
    site.begin(rules(route_to("C0PROD"), route_to("C0DR", servers=["dr"])))
    since = site.clock.now()
    await site.vbr.go_dark()
    told = [await site.poll_after() for _ in range(6)]
    assert [kinds(each) for each in told if each] == [[("C0PROD", "OutageBegan"), (DEFAULT, "OutageBegan")]]
    silent = of_kind(told[2], OutageBegan)[0]
    assert (silent.server, silent.problem) == ("hq", "ConnectFailed")
    assert (silent.since - since).total_seconds() == 20
    site.ended("During", result="Failed", ago=60)
    site.ended("Late", result="Failed", ago=3600)
    await site.vbr.come_back()
    back = await site.poll_after()
    assert kinds(back)[:2] == [("C0PROD", "OutageEnded"), (DEFAULT, "OutageEnded")]
    assert of_kind(back, OutageEnded)[0].late_total == 1
    assert {root.run.job_name: root.run.is_late for root in of_kind(back, RunEnded)} == {
        "Late": True,
        "During": False,
    }
    assert await site.poll_after() == []


async def test_a_short_silence_is_not_told(site: Site) -> None:
    """A hiccup of two polls is nobody's news, and the next one counts from the beginning."""
    for _ in range(2):
        await site.vbr.go_dark()
        assert [await site.poll_after() for _ in range(2)] == [[], []]
        await site.vbr.come_back()
        assert await site.poll_after() == []
    async with site.database.transaction() as transaction:
        assert await Outages(site.database).end(transaction, "hq") is None


async def test_a_restart_during_a_silence(site: Site) -> None:
    """A silence that was told is not told again after a restart, and its return still is."""
    await site.vbr.go_dark()
    for _ in range(3):
        await site.poll_after()
    site.begin()
    assert [await site.poll_after() for _ in range(4)] == [[], [], [], []]
    site.begin()
    await site.vbr.come_back()
    assert kinds(await site.poll_after()) == [(DEFAULT, "OutageEnded")]


async def test_a_server_that_refuses_is_silent_too(site: Site) -> None:
    """A server that answers every poll with a failure is reported with what it said."""
    site.vbr.faults.add(*SESSIONS, refusing(500), times=99)
    told = [each for _ in range(3) for each in await site.poll_after()]
    assert [silent.problem for silent in of_kind(told, OutageBegan)] == ["ServerFailed"]
    part = site.health.part("server:hq")
    assert part is not None
    assert (part.ok, "ServerFailed" in part.detail) == (False, True)


async def test_the_server_goes_while_it_is_told(site: Site) -> None:
    """A server that falls silent between its list and the details loses no session."""
    site.ended(result="Failed", objects=["vm01"])
    site.vbr.faults.add("GET", "/api/v1/jobs/{id}", refusing(500), times=1)
    site.vbr.faults.add("GET", "/api/v1/jobs/states", refusing(503), times=1)
    told = await site.poll_after() + await site.poll_after()
    assert len(of_kind(told, RunEnded)) == 1


@pytest.mark.parametrize("fault", [refusing(500), refusing(403), refusing(408), html(), malformed()])
@pytest.mark.parametrize(
    "read",
    [
        "/api/v1/serverTime",
        "/api/v1/jobs/states",
        "/api/v1/jobs/{id}",
        "/api/v1/sessions/{id}/taskSessions",
        "/api/v1/sessions/{id}/logs",
    ],
)
async def test_what_ended_is_announced_without_its_details(site: Site, read: str, fault: Fault) -> None:
    """A session list that answers is enough: any other read that fails holds nothing up."""
    await site.poll_after()
    site.begin()
    site.vbr.faults.add("GET", read, fault, times=99)
    site.ended(result="Failed", objects=["vm01"])
    told = await site.poll_after() + await site.poll_after()
    (root,) = of_kind(told, RunEnded)
    assert root.run.job_name == "SQL nightly"
    part = site.health.part("server:hq")
    assert part is not None
    assert part.ok


async def test_a_database_that_does_not_answer(site: Site, clock: FakeClock) -> None:
    """Without its database the watch says so of the database, and goes on polling; nothing ends it."""
    threads = _connection_threads()
    broken = Site(
        clock, site.world, site.vbr, site.client, Database("sqlite:////nonexistent/bot.db"), Health(clock)
    )
    await broken.watch.tick()
    await broken.watch.tick()
    part = broken.health.part("database")
    assert part is not None
    assert (part.ok, "SQLITE_CANTOPEN" in part.detail) == (False, True)
    assert broken.health.part("server:hq") is None
    await broken.database.close()
    # The driver does not wait for the threads of connections that were never made.
    await wait_until(lambda: _connection_threads() <= threads)


def _connection_threads() -> int:
    return sum("_connection_worker" in each.name for each in threading.enumerate())


@pytest.fixture
async def second(
    site: Site, database_url: str, database_templates: dict[str, Template]
) -> AsyncIterator[Site]:
    """Another process that watches the same server."""
    assert database_templates
    database = Database(database_url)
    async with client_of(site.vbr, site.clock) as client:
        yield Site(site.clock, site.world, site.vbr, client, database, Health(site.clock), holder="two")
    await database.close()


async def test_one_of_two_processes_polls(site: Site, second: Site) -> None:
    """While one process lives the other stands by; when it dies the other takes over within two polls."""
    await site.poll_after()
    site.requests()
    await second.watch.tick()
    assert site.requests() == []
    part = second.health.part("server:hq")
    assert part is not None
    assert part.ok
    site.ended()
    for _ in range(6):
        await site.clock.advance(POLL_SECONDS / 3)
        await Leases(site.database).renew_all("one", site.clock.now(), lease_seconds(site.rules.polling))
        assert await second.poll() == []
    told = [*await second.poll_after(), *await second.poll_after()]
    assert len(of_kind(told, RunEnded)) == 1
    assert await site.poll_after(1) == []


async def test_a_poller_that_lost_its_lease_writes_nothing(
    site: Site, second: Site, database_url: str
) -> None:
    """A process that polled so slowly that another took over announces nothing, and stands by."""

    def take_over(answer: Any) -> Any:
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute("UPDATE leases SET holder = 'two'")
        return answer

    site.ended()
    site.vbr.faults.add(*SESSIONS, changed(take_over))
    assert await site.poll_after(1) == []
    part = site.health.part("server:hq")
    assert part is not None
    assert (part.ok, part.detail) == (True, "polled by another process")
    assert len(of_kind(await second.poll(), RunEnded)) == 1
    assert await site.poll() == []


async def test_the_loop_keeps_its_interval(site: Site) -> None:
    """The loop polls at once and then an interval apart, until it is cancelled."""
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(site.watch.run())
        for _ in range(3):
            await wait_until(lambda: site.clock.sleeping == 1)
            assert site.requests() == ["/api/v1/sessions"]
            await site.clock.advance(20)
            await wait_until(lambda: len(site.vbr.requests) == 1)
        loop.cancel()
