"""The outbox: what is sent, when, in which order, by whom."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, select

from bot.store import (
    ChannelBacklog,
    Database,
    NewOutboxRow,
    Outbox,
    OutboxId,
    OutboxRow,
    Placement,
    PostedMessage,
)
from bot.store.database import address, by_itself
from bot.store.tables import outbox as outbox_table

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEASE = 60.0


def row(key: str, channel: str = "C1", **more: Any) -> NewOutboxRow:
    return NewOutboxRow(
        **{"key": key, "channel": channel, "kind": "k", "body": "{}", "created_at": NOON, **more}
    )


def reply(key: str, root: str, **more: Any) -> NewOutboxRow:
    return row(key, **{"root_key": root, "placement": Placement.REPLY, **more})


async def add(database: Database, *rows: NewOutboxRow) -> None:
    async with database.transaction() as transaction:
        await Outbox(database).add(transaction, rows)


async def claim(database: Database, now: datetime = NOON, holder: str = "a") -> list[str]:
    return [each.key for each in await Outbox(database).claim(holder, now, LEASE, 100)]


async def claimed(database: Database, holder: str = "a", now: datetime = NOON) -> OutboxRow:
    (only,) = await Outbox(database).claim(holder, now, LEASE, 100)
    return only


async def send_next(database: Database, ts: str = "1.0") -> str:
    found = await claimed(database)
    await Outbox(database).sent(found.id, PostedMessage(found.channel, ts), NOON)
    return found.key


async def test_a_key_is_queued_once(database: Database) -> None:
    """A second row of the same key is not added, not even after the first was sent."""
    await add(database, row("a"), row("a"))
    assert await send_next(database) == "a"
    await add(database, row("a"))
    assert await claim(database) == []


async def test_order_is_priority_then_age(database: Database) -> None:
    """Of one channel the lowest priority goes first, then the oldest."""
    await add(database, row("late"), row("later"), row("first", priority=1))
    assert [await send_next(database) for _ in range(3)] == ["first", "late", "later"]


async def test_one_row_a_channel(database: Database) -> None:
    """Each channel's next row is claimed, and no second one while the first is held."""
    await add(database, row("a1"), row("a2"), row("b1", "C2"), row("b2", "C2"))
    assert await claim(database) == ["a1", "b1"]
    assert await claim(database, holder="b") == []


async def test_the_limit_is_kept(database: Database) -> None:
    """No more rows are claimed than asked for; low priorities come first, then the oldest."""
    await add(database, *(row(f"{number}", f"C{number}", priority=30) for number in range(5)))
    await add(database, row("fresh", "C9"), reply("0/story", "0", priority=20))
    assert [each.key for each in await Outbox(database).claim("a", NOON, LEASE, 2)] == ["fresh", "0"]


async def test_a_claim_ends(database: Database) -> None:
    """A row whose holder died is claimed by another once the claim has ended, and says that it was begun."""
    await add(database, row("a"))
    outbox = Outbox(database)
    found = await claimed(database)
    assert await outbox.began(found.id, "a", NOON, LEASE)
    assert await claim(database, NOON + timedelta(seconds=59), "b") == []
    again = await claimed(database, "b", NOON + timedelta(seconds=60))
    assert (again.key, again.attempted_at, again.attempts) == ("a", NOON, 2)


async def test_a_claim_says_who_held_the_row(database: Database) -> None:
    """Of a claim that ran out, as long as nobody gave it back; one's own claim is nobody else's."""
    await add(database, row("a"))
    holders = [
        (await claimed(database, holder, NOON + timedelta(seconds=LEASE * count))).taken_from
        for count, holder in enumerate("aabba")
    ]
    assert holders == [None, None, "a", None, "b"]
    await Outbox(database).release_all("a")
    assert (await claimed(database, "b", NOON + timedelta(seconds=LEASE * 5))).taken_from is None


async def test_a_lost_claim_does_not_begin(database: Database) -> None:
    """Whoever held a row too long and lost it must not send it."""
    await add(database, row("a"))
    outbox = Outbox(database)
    found = await claimed(database)
    later = NOON + timedelta(seconds=61)
    assert not await outbox.began(found.id, "a", later, LEASE)
    await outbox.claim("b", later, LEASE, 1)
    assert not await outbox.began(found.id, "a", later, LEASE)
    assert await outbox.began(found.id, "b", later, LEASE)


async def test_beginning_renews_the_claim(database: Database) -> None:
    """A claim that is about to end when the sending begins lasts as long as the sending may take."""
    await add(database, row("a"))
    found = await claimed(database)
    assert await Outbox(database).began(found.id, "a", NOON + timedelta(seconds=59), LEASE)
    assert await claim(database, NOON + timedelta(seconds=118), "b") == []


async def test_the_claims_of_the_dead_are_released(database: Database) -> None:
    """What a process that is gone had claimed is claimed by another at once, and said to have been begun."""
    await add(database, row("a"), row("b", "C2"))
    outbox = Outbox(database)
    for found, holder in (
        (await outbox.claim("a", NOON, LEASE, 1), "a"),
        (await outbox.claim("b", NOON, LEASE, 1), "b"),
    ):
        await outbox.began(found[0].id, holder, NOON, LEASE)
    assert sorted(await outbox.holders()) == ["a", "b"]
    await outbox.release_all("a")
    assert (await claimed(database, "c")).attempted_at == NOON
    assert sorted(await outbox.holders()) == ["b", "c"]


async def test_a_thread_waits_for_its_root(database: Database) -> None:
    """What hangs on a root is not due before the root was sent, and then knows where it stands."""
    await add(database, reply("story", "root", priority=0), row("root"))
    assert await send_next(database, "17.5") == "root"
    found = await claimed(database)
    assert (found.key, found.root) == ("story", PostedMessage("C1", "17.5"))


async def test_a_thread_keeps_its_order(database: Database) -> None:
    """A reply that was put off holds up the later replies of its thread, and nothing else."""
    await add(database, row("root"), reply("one", "root"), reply("two", "root"), row("other", priority=30))
    await send_next(database)
    first = await claimed(database)
    await Outbox(database).put_off(first.id, NOON + timedelta(seconds=30), "rate limited")
    assert await claim(database) == ["other"]
    assert await claim(database, NOON + timedelta(seconds=90)) == ["one"]


async def test_put_off_without_doubt(database: Database) -> None:
    """A row that certainly did not arrive comes back as if it had never been begun."""
    await add(database, row("a"))
    found = await claimed(database)
    outbox = Outbox(database)
    await outbox.began(found.id, "a", NOON, LEASE)
    await outbox.put_off(found.id, NOON + timedelta(seconds=5), "429")
    assert await claim(database) == []
    again = await claimed(database, now=NOON + timedelta(seconds=5))
    assert again.attempted_at is None


async def test_put_off_in_doubt(database: Database) -> None:
    """A row that may have arrived comes back with the moment it was begun."""
    await add(database, row("a"))
    found = await claimed(database)
    outbox = Outbox(database)
    await outbox.began(found.id, "a", NOON, LEASE)
    await outbox.put_off(found.id, NOON, "time-out", is_unclear=True)
    assert (await claimed(database)).attempted_at == NOON


async def test_put_off_while_in_doubt(database: Database) -> None:
    """A row that was put off before its message could be looked for stays in doubt."""
    await add(database, row("a"))
    found = await claimed(database)
    outbox = Outbox(database)
    await outbox.began(found.id, "a", NOON, LEASE)
    await outbox.put_off(found.id, NOON, "time-out", is_unclear=True)
    await outbox.put_off((await claimed(database)).id, NOON, "429 to the search")
    again = await claimed(database)
    assert again.attempted_at == NOON
    await outbox.began(again.id, "a", NOON, LEASE)
    await outbox.put_off(again.id, NOON, "429 to the sending")
    assert (await claimed(database)).attempted_at is None


async def test_the_first_sending_in_doubt_counts(database: Database) -> None:
    """A message is looked for from the first sending that may have arrived, by the receiver's clock."""
    await add(database, row("a"))
    outbox = Outbox(database)
    for minutes in (3, 4):
        found = await claimed(database)
        assert await outbox.began(found.id, "a", NOON, LEASE, posted_after=NOON + timedelta(minutes=minutes))
        await outbox.put_off(found.id, NOON, "time-out", is_unclear=True)
    assert (await claimed(database)).attempted_at == NOON + timedelta(minutes=3)


@pytest.mark.parametrize("back", [timedelta(minutes=15), timedelta(days=1)])
async def test_the_clock_was_set_back(database: Database, back: timedelta) -> None:
    """What waits until a moment that no wait can reach is due, and a claim that lasts so long is over."""
    await add(database, row("waits"), row("held", "C2"), row("due", "C3"))
    outbox, earlier = Outbox(database), NOON - back
    assert await claim(database) == ["waits", "held", "due"]
    await outbox.put_off(OutboxId(1), NOON + timedelta(seconds=30), "rate limited")
    await outbox.put_off(OutboxId(3), earlier + timedelta(seconds=30), "rate limited")
    assert await claim(database, earlier) == []
    await outbox.bring_forward(earlier, 600)
    assert await claim(database, earlier, "b") == ["waits", "held"]
    assert await claim(database, earlier + timedelta(seconds=30), "b") == ["due"]


async def test_where_a_restored_database_ends(database: Database) -> None:
    """The newest known message is the newest sent, until a restore was noticed: from then on it stays."""
    outbox = Outbox(database)
    assert await outbox.newest_known("C1") is None
    await add(database, row("a"), row("b"))
    await send_next(database, "17.5")
    assert await outbox.newest_known("C1") == PostedMessage("C1", "17.5")
    await outbox.note_restored("C1", PostedMessage("C1", "17.5"), NOON)
    await send_next(database, "18.5")
    await outbox.note_restored("C1", PostedMessage("C1", "18.5"), NOON)
    assert await outbox.newest_known("C1") == PostedMessage("C1", "17.5")
    await outbox.purge(NOON + timedelta(days=1))
    assert await outbox.newest_known("C1") is None


async def test_a_parked_row_takes_its_thread_along(database: Database) -> None:
    """A root that cannot be sent is parked with what hangs on it, queued before or after."""
    await add(database, row("root"), reply("one", "root"), row("other"))
    await Outbox(database).park((await claimed(database)).id, "invalid_blocks", NOON)
    await add(database, reply("two", "root"))
    assert await send_next(database) == "other"
    assert await claim(database) == []
    assert await Outbox(database).waiting() == ()


async def test_a_reply_that_is_queued_while_its_root_is_parked(database: Database, other: Database) -> None:
    """Of a transaction that adds and one that parks, the second sees the first: no reply waits for ever."""
    await add(database, row("root"))
    root = await claimed(database)
    async with asyncio.TaskGroup() as group, database.transaction() as transaction:
        await Outbox(database).add(transaction, [reply("one", "root")])
        parking = group.create_task(Outbox(other).park(root.id, "invalid_blocks", NOON))
        # It waits for this transaction; where it did not, it is over by then.
        await asyncio.wait([parking], timeout=0.2)
    assert await Outbox(database).waiting() == ()


async def test_a_closed_channel(database: Database) -> None:
    """A channel is closed once; what it is sent waits until it is reopened, and other channels go on."""
    outbox = Outbox(database)
    await add(database, row("a"), row("b", "C2"))
    assert [await outbox.close_channel("C1", "is_archived", NOON) for _ in range(2)] == [True, False]
    await add(database, row("c"))
    assert await claim(database) == ["b"]
    assert await outbox.waiting() == (
        ChannelBacklog("C1", 2, NOON, "is_archived"),
        ChannelBacklog("C2", 1, NOON, None),
    )
    await outbox.try_channel("C1")
    (tried,) = await outbox.claim("a", NOON, LEASE, 9)
    await outbox.close_channel("C1", "is_archived", NOON)
    await outbox.put_off(tried.id, NOON, "is_archived")
    assert await claim(database) == []


async def test_a_channel_that_takes_a_message_is_open(database: Database, other: Database) -> None:
    """Whichever process sent it, also one that never knew that the channel was closed."""
    outbox = Outbox(database)
    await add(database, row("a"), row("b"))
    await outbox.close_channel("C1", "is_archived", NOON)
    await outbox.try_channel("C1")
    assert await send_next(other) == "a"
    assert await outbox.waiting() == (ChannelBacklog("C1", 1, NOON, None),)
    assert await claim(database) == ["b"]


async def test_a_newer_edit_replaces_an_older_one(database: Database) -> None:
    """Of the edits of one message only the newest is sent; one that is being sent is left alone."""
    edits = [row(f"edit{number}", root_key="root", placement=Placement.EDIT) for number in range(4)]
    await add(database, row("root"), edits[0], edits[1])
    await send_next(database)
    assert await claim(database) == ["edit1"]
    await add(database, edits[2], edits[3])
    assert await claim(database, NOON + timedelta(seconds=61)) == ["edit1"]
    await Outbox(database).sent(OutboxId(3), PostedMessage("C1", "1.0"), NOON)
    assert await claim(database, NOON + timedelta(seconds=61)) == ["edit3"]


async def test_edits_of_other_messages_stay(database: Database) -> None:
    """An edit replaces only those of the same message."""
    await add(database, row("root"), row("root2", "C2"))
    await add(database, row("edit", root_key="root", placement=Placement.EDIT))
    await add(database, row("edit2", "C2", root_key="root2", placement=Placement.EDIT), reply("r", "root"))
    outbox = Outbox(database)
    for found in await outbox.claim("a", NOON, LEASE, 10):
        await outbox.sent(found.id, PostedMessage(found.channel, "1.0"), NOON)
    assert await claim(database) == ["edit", "edit2"]


async def test_purge(database: Database) -> None:
    """What was sent or parked long ago is forgotten, but no root whose thread still waits."""
    outbox = Outbox(database)
    await add(
        database, row("done"), row("root"), row("bad"), reply("waits", "root", due_at=NOON + timedelta(9))
    )
    assert [await send_next(database) for _ in range(2)] == ["done", "root"]
    await outbox.park((await claimed(database)).id, "bad", NOON)
    assert await outbox.purge(NOON) == 0
    assert await outbox.purge(NOON + timedelta(days=1)) == 2
    (waited,) = await outbox.claim("a", NOON + timedelta(9), LEASE, 9)
    assert (waited.key, waited.root is None) == ("waits", False)


@pytest.mark.parametrize("holders", [2, 5])
async def test_holders_never_share_a_row(database: Database, other: Database, holders: int) -> None:
    """Several holders in two processes, claiming at once, send every row exactly once and one a channel."""
    await add(database, *(row(f"{number}", f"C{number % 4}") for number in range(24)))
    sent: list[str] = []

    async def work(holder: int) -> None:
        outbox = Outbox((database, other)[holder % 2])
        while len(sent) < 24:
            rows = await outbox.claim(f"h{holder}", NOON, LEASE, 3)
            assert len({each.channel for each in rows}) == len(rows)
            for each in rows:
                assert await outbox.began(each.id, f"h{holder}", NOON, LEASE)
                sent.append(each.key)
                await outbox.sent(each.id, PostedMessage(each.channel, "1.0"), NOON)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(holder) for holder in range(holders)))
    assert sorted(sent, key=int) == [str(number) for number in range(24)]


async def test_a_thread_follows_its_root(database: Database) -> None:
    """What hangs on a root comes right behind it, not behind every root that was queued meanwhile."""
    for number in range(3):
        key = f"root{number}"
        await add(database, row(key), reply(f"{key}/story", key, priority=20))
    await add(database, row("notice", priority=0))
    order = [await send_next(database) for _ in range(7)]
    assert order == ["notice", *(f"root{number}{part}" for number in range(3) for part in ("", "/story"))]


async def test_a_later_reply_does_not_wait_for_new_roots(database: Database) -> None:
    """What is queued for a message that stands already comes before roots that don't."""
    await add(database, row("root"))
    await send_next(database)
    await add(database, row("other"), reply("attempt", "root", priority=20), reply("second", "root"))
    assert [await send_next(database) for _ in range(3)] == ["attempt", "second", "other"]


@contextmanager
def statements_on_the_outbox() -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database, in its own words."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "outbox" in statement and "advisory" not in statement:
            heard.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", hear)
    yield heard
    event.remove(Engine, "before_cursor_execute", hear)


async def rows_read(database_url: str, statement: str, parameters: Any) -> int:
    """How much work a statement is: SQLite's steps, or the rows that PostgreSQL looks at."""
    if database_url.startswith("sqlite"):
        steps = [0]

        def count() -> int:
            steps[0] += 1
            return 0

        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file:
            file.set_progress_handler(count, 1)
            file.execute(statement, parameters).fetchall()
        return steps[0]

    def explain(connection: Connection) -> Any:
        connection.exec_driver_sql("ANALYZE outbox")  # as autovacuum does, before it plans
        return connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar()

    plan = await by_itself(address(database_url), explain)

    def rows(node: dict[str, Any]) -> int:
        looked_at: float = sum(
            value for name, value in node.items() if "Rows" in name and name != "Plan Rows"
        )
        return int(looked_at * node["Actual Loops"]) + sum(map(rows, node.get("Plans", ())))

    return rows((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


@pytest.mark.parametrize("priority", [10, 30], ids=["fresh", "late"])
async def test_a_claim_costs_the_same_however_much_waits(
    database: Database, database_url: str, priority: int
) -> None:
    """With a hundred times the rows in the same channels a claim looks at no more of them."""
    work: list[int] = []
    await add(database, row("root", priority=priority), reply("story", "root", priority=20))
    async with database.reading() as reading:
        queued = select(outbox_table.c.priority).where(outbox_table.c.key == "story")
        story = await reading.first(queued)
    assert story is not None
    for first, last in ((0, 40), (40, 4_000)):
        rows = [
            {"key": key, "channel": f"C{number % 10}", "kind": "k", "body": "{}", "created_at": NOON,
             "due_at": NOON, "placement": placement, "priority": behind, "root_key": root, "attempts": 0}
            for number in range(first, last)
            for key, root, placement, behind in (
                (f"{number}", None, "post", priority),
                (f"{number}/story", f"{number}", "reply", story.priority),
            )
        ]  # fmt: skip
        async with database.transaction() as transaction:
            await transaction.execute(insert(outbox_table), rows)
        with statements_on_the_outbox() as heard:
            for found in await Outbox(database).claim("a", NOON, LEASE, 10):
                await Outbox(database).put_off(found.id, NOON, "again")
        work.append(sum([await rows_read(database_url, *each) for each in heard]))
    few, many = work
    assert many < 2 * few


async def test_a_row_is_found_by_its_message(database: Database) -> None:
    """The row that a message was posted by is found where Slack says the message is; an edit is none."""
    await add(database, row("a"), row("a/edit", root_key="a", placement=Placement.EDIT))
    outbox = Outbox(database)
    assert await outbox.at(PostedMessage("C1", "1.0")) is None
    found = await claimed(database)
    await outbox.sent(found.id, PostedMessage("C1NEW", "1.0"), NOON)
    await send_next(database)
    posted = await outbox.at(PostedMessage("C1NEW", "1.0"))
    assert posted is not None
    assert posted.key == "a"
    assert await outbox.at(PostedMessage("C1NEW", "2.0")) is None
    assert await outbox.at(PostedMessage("C2", "1.0")) is None
