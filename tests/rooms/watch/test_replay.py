"""Reading what ended before, for a replay: a page at a time, and no more than is said."""

from datetime import timedelta

import pytest

from bot.watch.job_cache import JobCache
from bot.watch.replay import PAGE_ROWS, ReplayedServer, SessionsBefore
from tests.rooms.watch.site import DEFAULT, Site, rules


async def replayed(site: Site, pages_at_most: int = 9) -> ReplayedServer:
    sessions = SessionsBefore(
        site.client, JobCache(site.client, site.clock), rules(), pages_at_most=pages_at_most
    )
    pages: list[tuple[str, int, int | None]] = []
    now = site.clock.now()
    found = await sessions.replay(now - timedelta(days=7), now, progress=lambda *page: pages.append(page))
    assert [read for _, read, _ in pages][-1] == found.sessions
    return found


@pytest.mark.parametrize(("pages", "is_cut"), [(1, True), (2, False)])
async def test_no_more_pages_are_read_than_are_wanted(site: Site, pages: int, *, is_cut: bool) -> None:
    """What is left out is said; a request for each page, and one for the jobs."""
    for number in range(PAGE_ROWS + 10):
        site.ended("SQL nightly", ago=number * 60)
    site.requests()
    found = await replayed(site, pages)
    assert (found.sessions, found.is_cut) == (PAGE_ROWS if is_cut else PAGE_ROWS + 10, is_cut)
    assert {each.channel for each in found.messages} == {DEFAULT}
    asked = site.requests()
    assert asked.count("/api/v1/sessions") == pages
    assert len(asked) <= pages + 3


async def test_an_offload_is_replayed_as_it_is_announced(site: Site) -> None:
    """One that went well is nobody's news, although VBR lists it as a job's run."""
    site.world.finish_offload("SOBR-1 Offload")
    assert (await replayed(site)).messages == ()
    site.world.finish_offload("SOBR-1 Offload", result="Failed", message="Capacity tier is full")
    assert [each.result for each in (await replayed(site)).messages if not each.in_thread] == ["Failed"]
