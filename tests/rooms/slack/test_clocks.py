"""Each message once, whatever the clocks of the bot's machines say."""

from collections import Counter
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.faults import Dropped, Held
from bot.slack.delivery import LEASE_SECONDS
from bot.slack.web_api import TIMEOUT_SECONDS
from bot.store import Database, DatabaseClock
from bot.store.tables import outbox
from tests.rooms.slack.delivering import BACKUPS, STEP_SECONDS, PostOffice, post_office
from tests.rooms.store.databases import KINDS, Template, template_of
from tests.support.clock import SkewedClock

MINUTES, DAY = timedelta(minutes=15), timedelta(days=1)
AHEAD = pytest.mark.parametrize("ahead", [MINUTES, -MINUTES, DAY, -DAY], ids=str)


def hold_next_post(office: PostOffice) -> list[Arguments]:
    """Have the next post be on its way for long; return where it is noted that it is."""
    arrived: list[Arguments] = []

    def arrives(sent: Arguments) -> bool:
        arrived.append(sent)
        return True

    office.slack.faults.add("chat.postMessage", Held(), when=arrives)
    return arrived


async def put_off(office: PostOffice) -> datetime:
    """Let time pass until the only row is put off because it was taken over; return until when."""
    while True:
        async with office.database.reading() as reading:
            (row,) = await reading.all(select(outbox))
        if row.problem == "taken over":
            due_at: datetime = row.due_at
            return due_at
        await office.lets_pass(STEP_SECONDS)


@AHEAD
async def test_lost_answers_under_a_wrong_clock(tmp_path: Path, ahead: timedelta) -> None:
    """The answers to five posts are lost while the machine's clock is wrong: each post is found."""
    async with post_office(tmp_path) as office:
        own = SkewedClock(office.clock, ahead)
        office.slack.faults.add("chat.postMessage", Dropped(after_effect=True), times=5)
        async with office.sending(clock=own):
            for _ in range(5):
                await office.queues(now=own.now())
            await office.until_sent()
        assert office.told() == Counter(office.queued)


@AHEAD
async def test_the_clock_is_set_while_messages_are_sent(tmp_path: Path, ahead: timedelta) -> None:
    """The machine's clock steps with messages on their way and others put off: each arrives, once."""
    async with post_office(tmp_path) as office:
        own = SkewedClock(office.clock)
        office.slack.faults.add("chat.postMessage", Dropped(after_effect=True), times=2)
        async with office.sending(clock=own):
            for _ in range(3):
                await office.queues(now=own.now(), details=True)
            await office.until(office.everything)
            own.ahead = ahead
            for _ in range(3):
                await office.queues(now=own.now(), details=True)
            assert await office.until_sent() < 90
        assert office.told() == Counter(office.queued)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(minutes=10), -DAY], ids=str)
async def test_replicas_with_different_clocks(
    tmp_path: Path, kind: str, ahead: timedelta, database_templates: dict[str, Template]
) -> None:
    """Two processes whose clocks differ send from one outbox: each message once, though answers get lost."""
    address = template_of(kind, database_templates).new()
    other = Database(address)
    async with post_office(tmp_path, address) as office, AsyncExitStack() as stack:
        stack.push_async_callback(other.close)
        clocks = [DatabaseClock(SkewedClock(office.clock, each)) for each in (timedelta(), ahead)]
        for clock, database in zip(clocks, (office.database, other), strict=True):
            await clock.read(database)
        office.slack.faults.add("chat.postMessage", Dropped(after_effect=True), times=3)
        for number in range(8):
            await office.queues(f"C0MORE{number % 4:02d}", now=clocks[number % 2].now())
        for name, clock, database in zip("ab", clocks, (office.database, other), strict=True):
            await stack.enter_async_context(office.sending(name, database=database, clock=clock))
        await office.until_sent()
        assert office.told() == Counter(office.queued)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("jump", [MINUTES, DAY], ids=str)
async def test_the_databases_clock_jumps_while_a_message_is_on_its_way(
    tmp_path: Path, kind: str, jump: timedelta, database_templates: dict[str, Template]
) -> None:
    """A claim ends at once, while its process is still sending: no other process sends the message too."""
    address = template_of(kind, database_templates).new()
    other = Database(address)
    async with post_office(tmp_path, address) as office, AsyncExitStack() as stack:
        stack.push_async_callback(other.close)
        arrived = hold_next_post(office)
        await office.queues()
        await stack.enter_async_context(office.sending("a"))
        await office.until(lambda: arrived)
        # It is the first to read the clock that was set forward.
        clock = SkewedClock(office.clock, jump)
        await stack.enter_async_context(office.sending("b", database=other, clock=clock))
        assert await put_off(office) - clock.now() <= timedelta(seconds=TIMEOUT_SECONDS + 2)
        office.slack.faults.clear()
        await office.until_sent()
        assert office.told() == Counter(office.queued)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_of_a_process_that_died_while_it_sent(
    tmp_path: Path, kind: str, database_templates: dict[str, Template]
) -> None:
    """Once its claim has ended, another process waits as long as a call takes, and no longer.

    What the dead process had not begun to send goes out as soon as its claim has ended.
    """
    address = template_of(kind, database_templates).new()
    async with post_office(tmp_path, address) as office:
        arrived = hold_next_post(office)
        sent = await office.queues()
        async with office.sending("a"):
            await office.until(lambda: arrived)
        not_begun = await office.queues(BACKUPS)
        await office.outbox.claim("a", office.clock.now(), LEASE_SECONDS, 1)
        async with office.sending("b"):
            await office.until(lambda: office.told()[not_begun])
            assert office.told()[sent] == 0
            await office.until_sent()
        assert office.told() == Counter(office.queued)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ahead=st.floats(-2 * 86_400, 2 * 86_400),
    step=st.floats(-2 * 86_400, 2 * 86_400),
    lost=st.integers(0, 4),
    before=st.integers(0, 3),
)
async def test_any_clock_set_at_any_time(ahead: float, step: float, lost: int, before: int) -> None:
    """However wrong a clock is, and whenever it is set, no message is lost and none arrives twice."""
    with TemporaryDirectory() as folder:
        async with post_office(Path(folder)) as office:
            own = SkewedClock(office.clock, timedelta(seconds=ahead))
            office.slack.faults.add("chat.postMessage", Dropped(after_effect=True), times=lost)
            async with office.sending(clock=own):
                for _ in range(4):
                    await office.queues(now=own.now(), details=True)
                await office.until(lambda: len(office.everything()) >= before)
                own.ahead = timedelta(seconds=step)
                await office.queues(now=own.now())
                await office.until_sent()
            assert office.told() == Counter(office.queued)
            assert len(office.everything()) == 4 * 2 + 1
