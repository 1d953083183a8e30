"""What channels are subscribed to, and what waits until a subscriber is known, on either database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.store import (
    Database,
    HeldRoot,
    HeldRoots,
    Limit,
    NewSubscription,
    Outbox,
    Subscription,
    Subscriptions,
)
from bot.store.subscriptions import ALL_AT_MOST, CHANNEL_AT_MOST, PERSON_AT_MOST

NOW = datetime(2026, 11, 23, 3, 4, tzinfo=UTC)
NEW = NewSubscription(
    channel="C0PROD", person_id="U0ANN", pattern="SQL*", results=("Failed", "Warning"), made_at=NOW
)


async def test_one_like_it_by_the_same_person_is_not_kept_twice(database: Database) -> None:
    """Letter case of a pattern makes no other; another person's, results or channel do."""
    kept = Subscriptions(database)
    first = await kept.add(NEW)
    assert isinstance(first, Subscription)
    assert await kept.add(replace(NEW, pattern="sql*", made_at=NOW + timedelta(days=1))) == first
    others = [
        await kept.add(replace(NEW, **change))
        for change in ({"person_id": "U0BEN"}, {"results": ("Failed",)}, {"channel": "C0ELSE"})
    ]
    assert len({each.id for each in (first, *others) if isinstance(each, Subscription)}) == 4
    assert [each.id for each in await kept.of("C0PROD")] == [1, 2, 3]
    assert (await kept.every())[0] == first


async def test_there_are_only_so_many(database: Database) -> None:
    """A channel and a person have a limit each; where one was ended there is room again."""
    kept = Subscriptions(database)
    for number in range(CHANNEL_AT_MOST):
        assert isinstance(await kept.add(replace(NEW, pattern=f"SQL{number}")), Subscription)
    assert await kept.add(NEW) is Limit.CHANNEL
    assert await kept.end(1, "C0PROD")
    assert isinstance(await kept.add(NEW), Subscription)
    for number in range(PERSON_AT_MOST - CHANNEL_AT_MOST):
        await kept.add(replace(NEW, channel=f"C0{number}"))
    assert await kept.add(replace(NEW, channel="C0LAST")) is Limit.PERSON
    assert isinstance(await kept.add(replace(NEW, channel="C0LAST", person_id="U0BEN")), Subscription)


async def test_there_are_only_so_many_in_all(database: Database) -> None:
    """However many people and channels there are."""
    kept = Subscriptions(database)
    for number in range(ALL_AT_MOST):
        channel, person_id = f"C{number // CHANNEL_AT_MOST}", f"U{number // PERSON_AT_MOST}"
        new = replace(NEW, channel=channel, person_id=person_id, pattern=f"SQL{number}")
        assert isinstance(await kept.add(new), Subscription)
    assert await kept.add(replace(NEW, channel="C0LAST", person_id="U0LAST")) is Limit.ALL


async def test_one_is_ended_once_and_in_its_own_channel(database: Database) -> None:
    """Whoever comes second, or asks in another channel, ends nothing; a number is never given again."""
    kept = Subscriptions(database)
    await kept.add(NEW)
    assert not await kept.end(1, "C0ELSE")
    assert [await kept.end(1, "C0PROD") for _ in range(2)] == [True, False]
    again = await kept.add(NEW)
    assert isinstance(again, Subscription)
    assert again.id == 2


async def test_subscriptions_move_with_their_channel(database: Database) -> None:
    """A channel to which Slack gives another ID keeps what it is subscribed to."""
    kept = Subscriptions(database)
    await kept.add(NEW)
    async with database.transaction() as transaction:
        assert await Outbox(database).note_move(transaction, "C0PROD", "C0NEW", NOW)
    assert [each.channel for each in await kept.every()] == ["C0NEW"]


async def test_what_waits_is_taken_once(database: Database) -> None:
    """A run waits for each subscription once, the longest first, until it is taken or forgotten."""
    held = HeldRoots(database)
    root = HeldRoot("hq/s1", 1, "hq", NOW)
    later = HeldRoot("hq/s1", 2, "hq", NOW + timedelta(minutes=1))
    async with database.transaction() as transaction:
        await held.add(transaction, [later])
        await held.add(transaction, [root, replace(later, since=NOW)])
    assert await held.of("hq") == (root, later)
    assert await held.of("dr") == ()
    async with database.transaction() as transaction:
        assert [await held.take(transaction, root) for _ in range(2)] == [True, False]
        assert await held.others(transaction, "hq/s1") == 1
    await held.purge(NOW + timedelta(hours=1))
    assert await held.of("hq") == ()
