"""Subscriptions as routes: what the people who made them may see at the time, and what waits meanwhile."""

from dataclasses import dataclass, field, replace

import pytest

from bot.store import NewSubscription, SharedRead, Subscription, Subscriptions
from bot.watch import SubscribedChannels, WatchRules
from bot.watch.facts import RunEnded, StormBegan
from tests.rooms.watch.site import DEFAULT, Site, kinds, of_kind, route_to, rules


@dataclass
class Known:
    """What is known of who may see what: by the person, None where nobody can say."""

    may: dict[str, bool | None] = field(default_factory=dict)

    async def may_get(self, subscription: Subscription, server: str, job_name: str) -> bool | None:
        assert server == "hq"
        assert job_name
        return self.may.get(subscription.person_id, True)


@dataclass
class Subscribed:
    """A site with subscriptions."""

    site: Site
    known: Known

    async def to(self, channel: str, pattern: str | None = None, **more: object) -> Subscription:
        given = {"person_id": "U0ANN", "results": ("Failed", "Warning"), "made_at": self.site.clock.now()}
        new = NewSubscription(channel=channel, pattern=pattern, **{**given, **more})  # type: ignore[arg-type]
        kept = await Subscriptions(self.site.database).add(new)
        assert isinstance(kept, Subscription)
        return kept

    def begin(self, *, default_channel: str | None = DEFAULT, storm_from: int = 0) -> None:
        """Start the watch anew."""
        every = SharedRead(Subscriptions(self.site.database).every, self.site.clock, seconds=1)
        usual = rules(storm_from=storm_from)
        bare = WatchRules((), default_channel, usual.polling, usual.storms)
        self.site.begin(replace(bare, subscribers=SubscribedChannels(every, self.known)))

    async def told(self, name: str = "SQL nightly", result: str = "Failed") -> list[tuple[str, str]]:
        """What is told once a run has ended, without threads."""
        await self.site.clock.advance(20)
        self.site.ended(name, result)
        return [each for each in kinds(await self.site.poll()) if each[1] != "DetailsReply"]


@pytest.fixture
async def subscribed(site: Site) -> Subscribed:
    made = Subscribed(site, Known())
    made.begin()
    return made


async def test_a_channel_is_told_what_it_is_subscribed_to(subscribed: Subscribed) -> None:
    """From the next poll on, and the default channel no more; what does not fit goes where it went."""
    assert await subscribed.told() == [(DEFAULT, "RunEnded")]
    own = await subscribed.to("C0DBA", "sql*")
    await subscribed.to("C0DBA", "*", person_id="U0BEN")
    assert await subscribed.told() == [("C0DBA", "RunEnded")]
    assert await subscribed.told("Files", "Success") == []
    assert await Subscriptions(subscribed.site.database).end(2, "C0DBA")
    assert await subscribed.told("Files") == [(DEFAULT, "RunEnded")]
    assert await Subscriptions(subscribed.site.database).end(own.id, "C0DBA")
    assert await subscribed.told("SQL other") == [(DEFAULT, "RunEnded")]


async def test_a_subscription_to_a_job_follows_its_id(subscribed: Subscribed) -> None:
    """The job is renamed, and its runs are told all the same; another job of the old name is another job."""
    job = subscribed.site.world.add_job("SQL Prod")
    await subscribed.to("C0DBA", "SQL Prod", server="hq", job_id=job.id)
    subscribed.site.world.book.rename_job(job, "Database")
    assert await subscribed.told("Database") == [("C0DBA", "RunEnded")]
    assert await subscribed.told("SQL Prod") == [(DEFAULT, "RunEnded")]


async def test_nobody_is_told_what_the_subscriber_may_not_see(subscribed: Subscribed) -> None:
    """Somebody who left, or may not see the job, has nothing posted; the default channel gets it."""
    await subscribed.to("C0DBA")
    subscribed.known.may["U0ANN"] = False
    assert await subscribed.told() == [(DEFAULT, "RunEnded")]


async def test_what_nobody_can_say_waits_and_is_told_once(subscribed: Subscribed) -> None:
    """Across a restart: the channel gets the run, as it stands by then, once its subscriber is known."""
    await subscribed.to("C0DBA")
    subscribed.known.may["U0ANN"] = None
    assert await subscribed.told() == []
    subscribed.begin()
    assert await subscribed.site.poll_after() == []
    subscribed.known.may["U0ANN"] = True
    told = await subscribed.site.poll_after()
    assert [(channel, kind) for channel, kind in kinds(told) if kind == "RunEnded"] == [("C0DBA", "RunEnded")]
    assert of_kind(told, RunEnded)[0].run.stands_failed
    assert await subscribed.site.poll_after(3600) == []


@pytest.mark.parametrize("verdict", [False, None], ids=["may not", "never known"])
async def test_what_waited_goes_to_the_default_channel(subscribed: Subscribed, verdict: bool | None) -> None:  # noqa: FBT001
    """At once where it turns out not to be for the subscriber, and after a quarter of an hour in any case."""
    await subscribed.to("C0DBA")
    await subscribed.to("C0ELSE", person_id="U0BEN")
    subscribed.known.may |= {"U0ANN": None, "U0BEN": None}
    assert await subscribed.told() == []
    subscribed.known.may |= {"U0ANN": verdict, "U0BEN": verdict}
    told = await subscribed.site.poll_after(20 if verdict is False else 16 * 60)
    assert [each for each in kinds(told) if each[1] == "RunEnded"] == [(DEFAULT, "RunEnded")]
    assert await subscribed.site.poll_after() == []


async def test_many_that_waited_are_one_message(subscribed: Subscribed) -> None:
    """Slack was away while a whole server failed: the subscriber's channel gets a storm."""
    subscribed.begin(storm_from=5)
    await subscribed.to("C0DBA")
    subscribed.known.may["U0ANN"] = None
    await subscribed.site.clock.advance(20)
    for number in range(8):
        subscribed.site.ended(f"SQL {number}", "Failed")
    assert await subscribed.site.poll() == []
    subscribed.known.may["U0ANN"] = True
    told = [*await subscribed.site.poll_after(), *await subscribed.site.poll_after()]
    assert [each for each in kinds(told) if each[1] != "StormList"] == [("C0DBA", "StormBegan")]
    assert of_kind(told, StormBegan)[0].storm.count == 8


async def test_a_run_that_recovered_while_it_waited_says_so(subscribed: Subscribed) -> None:
    """What made up for it was not told either, so its root is recovered from the first."""
    subscribed.begin(default_channel=None)
    await subscribed.to("C0DBA")
    subscribed.known.may["U0ANN"] = None
    assert await subscribed.told() == []
    assert await subscribed.told(result="Success") == []
    subscribed.known.may["U0ANN"] = True
    (root,) = of_kind(await subscribed.site.poll_after(), RunEnded)
    assert root.run.is_recovered


async def test_a_route_of_the_same_channel_comes_first(subscribed: Subscribed) -> None:
    """A channel has one message of a run, as its route says; a subscriber that is unknown holds up nobody."""
    site = subscribed.site
    await subscribed.to("C0PROD")
    await subscribed.to("C0DBA")
    subscribed.known.may["U0ANN"] = None
    site.begin(replace(site.rules, routes=(route_to("C0PROD", mention="S0ONCALL"),)))
    assert await subscribed.told() == [("C0PROD", "RunEnded")]
    subscribed.known.may["U0ANN"] = True
    told = [each for each in kinds(await site.poll_after()) if each[1] == "RunEnded"]
    assert told == [("C0DBA", "RunEnded")]
