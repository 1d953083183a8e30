"""A route that tells only when several runs of a job failed in a row, and claims what it keeps to itself."""

from bot.watch import WatchRules
from bot.watch.facts import RunChanged, RunEnded
from tests.rooms.watch.site import DEFAULT, Site, kinds, of_kind, route_to, rules

HOUR = 3600.0


def third_time(**more: object) -> WatchRules:
    return rules(route_to("C0PROD", jobs=["SQL*"], failures_in_a_row=3, **more))


async def ends(site: Site, result: str, name: str = "SQL nightly") -> list[tuple[str, str]]:
    """An hour later a run has ended: what is told of it, without threads."""
    await site.clock.advance(HOUR)
    site.ended(name, result)
    told = await site.poll()
    return [(channel, kind) for channel, kind in kinds(told) if kind in {"RunEnded", "RunChanged"}]


async def test_only_the_third_failure_in_a_row_is_told(site: Site) -> None:
    """Two are told nowhere, the third with its streak, and so is the fourth."""
    site.begin(third_time())
    assert [await ends(site, "Failed") for _ in range(2)] == [[], []]
    await site.clock.advance(HOUR)
    site.ended(result="Failed")
    (root,) = of_kind(await site.poll(), RunEnded)
    assert root.run.outlook is not None
    assert root.run.outlook.failed_in_a_row == 3
    assert await ends(site, "Failed") == [("C0PROD", "RunEnded")]


async def test_a_warning_or_a_success_ends_the_row_and_is_not_told(site: Site) -> None:
    """Neither is a failure: it is claimed, told nowhere, and the count begins anew."""
    site.begin(third_time(results=["Failed", "Warning", "Success"]))
    results = ["Failed", "Failed", "Warning", "Failed", "Failed", "Success", "Failed", "Failed"]
    assert [told for result in results for told in await ends(site, result)] == []
    assert await ends(site, "Failed") == [("C0PROD", "RunEnded")]


async def test_what_was_never_told_does_not_recover(site: Site) -> None:
    """A success after two failures changes nothing anywhere; after three it turns the one root."""
    site.begin(third_time())
    assert [told for result in ("Failed", "Failed", "Success") for told in await ends(site, result)] == []
    for _ in range(2):
        await ends(site, "Failed")
    assert await ends(site, "Failed") == [("C0PROD", "RunEnded")]
    await site.clock.advance(HOUR)
    site.ended()
    told = await site.poll()
    assert kinds(told) == [("C0PROD", "RunChanged")]
    assert of_kind(told, RunChanged)[0].run.is_recovered


async def test_other_routes_and_jobs_are_told_as_ever(site: Site) -> None:
    """Another route tells the first failure, and the default channel what no route claims."""
    site.begin(
        rules(route_to("C0PROD", jobs=["SQL*"], failures_in_a_row=2), route_to("C0ALL", jobs=["SQL Prod"]))
    )
    assert await ends(site, "Failed") == []
    assert await ends(site, "Failed", name="SQL Prod") == [("C0ALL", "RunEnded")]
    assert await ends(site, "Failed", name="Files") == [(DEFAULT, "RunEnded")]


async def test_a_channel_is_told_by_the_first_of_its_routes_that_tells(site: Site) -> None:
    """The second route tells the first failures, and the first one mentions people from the second on."""
    site.begin(
        rules(route_to("C0PROD", mention="S0ONCALL", failures_in_a_row=2), route_to("C0PROD", jobs=["SQL*"]))
    )
    mentions = []
    for _ in range(2):
        await site.clock.advance(HOUR)
        site.ended(result="Failed")
        mentions += [root.mention for root in of_kind(await site.poll(), RunEnded)]
    assert mentions == [None, "S0ONCALL"]


async def test_the_bots_own_count_serves_where_vbr_lists_nothing(site: Site) -> None:
    """A job's past can't be read: what the bot noticed before is counted, across a restart."""
    site.begin(third_time())
    for _ in range(2):
        assert await ends(site, "Failed") == []
    site.begin(third_time())
    await site.clock.advance(HOUR)
    for number in range(60):  # so many at once that no job is asked how it stands
        site.ended(f"Files {number}", "Success")
    site.ended(result="Failed")
    (root,) = of_kind(await site.poll(), RunEnded)
    assert root.run.outlook is not None
    assert root.run.outlook.failed_in_a_row == 3
