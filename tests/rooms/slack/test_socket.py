"""The Socket Mode connections, whatever becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.observability import Clock, Health, Metrics, SystemClock
from bot.observability.health import PartHealth
from bot.sandbox.slack import SlackSandbox
from bot.sandbox.slack.faults import Dropped, RateLimited, Refused, ServerError, SlackFault
from bot.sandbox.slack.socket_mode import Connection
from bot.slack.errors import CredentialsRejected
from bot.slack.socket_mode import SocketMode
from bot.slack.web_api import WebApi, wait_for_credentials
from tests.rooms.sandbox.slack.raw_app import raw_socket
from tests.support.clock import FakeClock

OPEN = "apps.connections.open"


@dataclass
class Room:
    """The connections between a simulated Slack and an app that acknowledges while `may_acknowledge`."""

    slack: SlackSandbox
    mode: SocketMode
    health: Health
    heard: int = 0
    may_acknowledge: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def open(self) -> tuple[Connection, ...]:
        return tuple(self.slack.socket_mode.connections)

    @property
    def part(self) -> PartHealth:
        part = self.health.part("slack")
        assert part is not None
        return part

    async def until_replaced(self, *before: Connection) -> None:
        """Wait until there are two connections, none of them one of these."""
        await self.slack.wait_until(lambda: len(self.open) == 2 and not {*before} & {*self.open}, 20)

    async def types(self, times: int) -> list[str]:
        """Type so many commands at the same time; return what Slack says to each."""
        typed = (self.slack.person("ann").types("C0PROD", "help") for _ in range(times))
        return [result.shown for result in await asyncio.gather(*typed)]


def slack_of(clock: FakeClock) -> SlackSandbox:
    """Return a simulated Slack that counts its limits by this clock."""
    return SlackSandbox(clock=lambda: clock.now().timestamp())


async def until(condition: Callable[[], object]) -> None:
    """Wait for something on the bot's side, of which the simulated Slack knows nothing."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- it sets no event
            await asyncio.sleep(0)


@asynccontextmanager
async def room_of(
    slack: SlackSandbox, *, clock: Clock | None = None, ping_seconds: float = 2.0, connections: int = 2
) -> AsyncIterator[Room]:
    """The shipped connections, once so many are open."""
    clock = clock or SystemClock()
    health = Health(clock)
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
        client.proxy = None
        app = AsyncApp(name="app", client=client, signing_secret="")
        web = WebApi(client, session, clock=clock, metrics=Metrics())
        mode = SocketMode(app, slack.app_token, web, clock=clock, health=health, ping_seconds=ping_seconds)
        room = Room(slack, mode, health)
        room.may_acknowledge.set()

        @app.command("/veeam")
        async def hear(ack: AsyncAck) -> None:
            room.heard += 1
            slack.workspace.feed.wake()
            await room.may_acknowledge.wait()
            await ack()

        async with asyncio.TaskGroup() as group:
            running = group.create_task(mode.run())
            await until(lambda: len(room.open) == connections and health.part("slack"))
            yield room
            running.cancel()


async def test_one_of_two_is_dropped_and_nobody_notices(slack: SlackSandbox) -> None:
    """Commands go over the other connection, and a new one takes the place of what was dropped."""
    async with room_of(slack) as room:
        await until(lambda: room.part.detail == "connected over Socket Mode, 2 of 2 connections")
        first, _ = room.open
        slack.socket_mode.cut(first)
        await slack.wait_until(lambda: first not in room.open)
        assert await room.types(20) == ["ok"] * 20
        await room.until_replaced(first)
        await until(lambda: room.part.detail == "connected over Socket Mode, 2 of 2 connections")


async def test_both_are_dropped_and_are_there_again_at_once(slack: SlackSandbox) -> None:
    """Nothing is waited for: the clock stands still, and there are two connections again, time after time."""
    async with room_of(slack, clock=FakeClock()) as room:
        for _ in range(3):
            before = room.open
            slack.socket_mode.cut()
            await room.until_replaced(*before)
            assert await room.types(20) == ["ok"] * 20


async def test_closed_in_order_is_opened_again(slack: SlackSandbox) -> None:
    """Slack may close a WebSocket without having said so before."""
    async with room_of(slack, clock=FakeClock()) as room:
        before = room.open
        await slack.socket_mode.close()
        await room.until_replaced(*before)


async def test_a_silent_peer_is_given_up_for_a_new_connection(slack: SlackSandbox) -> None:
    """No answer to a ping, and no word of an end: half of a connection is none."""
    async with room_of(slack, ping_seconds=0.2) as room:
        first, second = room.open
        slack.socket_mode.fall_silent(first)
        await room.until_replaced(first)
        assert second in room.open
        assert await room.types(20) == ["ok"] * 20
        before = room.open
        slack.socket_mode.fall_silent()
        await room.until_replaced(*before)
        assert await room.types(20) == ["ok"] * 20


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled", "too_many_websockets"])
async def test_what_is_in_flight_at_a_refresh_is_acknowledged(slack: SlackSandbox, reason: str) -> None:
    """A hundred commands came over connections that Slack ends: each is acknowledged where it came."""
    async with room_of(slack) as room, asyncio.TaskGroup() as group:
        room.may_acknowledge.clear()
        before = room.open
        typed = group.create_task(room.types(100))
        await slack.wait_until(lambda: room.heard == 100)
        ending = group.create_task(slack.socket_mode.disconnect(reason, grace_seconds=30))  # type: ignore[arg-type] # one of its literals
        await room.until_replaced(*before)
        assert not any(each.over.is_set() for each in before)
        room.may_acknowledge.set()
        assert await typed == ["ok"] * 100
        for each in before:
            slack.socket_mode.cut(each)
        await ending
        assert slack.faulty_acks == []


async def test_a_warned_connection_has_its_successor_before_it_ends(slack: SlackSandbox) -> None:
    """From the warning to the end there is always a connection that Slack uses, and no command is refused."""
    async with room_of(slack) as room:
        before = room.open
        await slack.socket_mode.disconnect("warning")
        await slack.wait_until(lambda: len(room.open) == 4)
        assert await room.types(40) == ["ok"] * 40
        await slack.socket_mode.disconnect("refresh_requested", *before, grace_seconds=0)
        assert await room.types(40) == ["ok"] * 40
        await room.until_replaced(*before)
        assert len(slack.calls_of(OPEN)) == 4


async def test_a_connection_that_slack_does_not_close_is_closed_in_the_end(slack: SlackSandbox) -> None:
    """A warning without an end leaves no third connection behind."""
    clock = FakeClock()
    async with room_of(slack, clock=clock) as room:
        before = room.open
        await slack.socket_mode.disconnect("warning")
        await slack.wait_until(lambda: len(room.open) == 4)
        await clock.advance(59)
        assert {*before} < {*room.open}
        await clock.advance(2)
        await room.until_replaced(*before)


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Dropped(after_effect=False), "ServerDisconnectedError"),
        (ServerError(503), "http_503"),
        (Refused("internal_error"), "internal_error"),
        (Refused("token_revoked"), "token_revoked"),
        (Refused("forbidden_team"), "forbidden_team"),
    ],
)
async def test_what_fails_is_tried_again_ever_more_seldom(
    slack: SlackSandbox, fault: SlackFault, word: str
) -> None:
    """Health says why there is no connection; ten minutes take some twenty calls, and then all is well."""
    clock = FakeClock()
    async with room_of(slack, clock=clock) as room:
        before, calls = room.open, len(slack.calls_of(OPEN))
        slack.faults.add(OPEN, fault, times=1000)
        slack.socket_mode.cut()
        await slack.wait_until(lambda: len(slack.calls_of(OPEN)) > calls)
        for _ in range(600):
            await until(lambda: clock.sleeping)
            await clock.advance(1)
        assert 10 < len(slack.calls_of(OPEN)) - calls < 40
        assert not room.part.ok
        assert room.part.detail == f"no Socket Mode connection: {word}"
        slack.faults.clear()
        await until(lambda: clock.sleeping)
        await clock.advance(30)
        await room.until_replaced(*before)
        await until(lambda: room.part.ok)


async def test_a_limit_on_openings_is_kept(slack: SlackSandbox) -> None:
    """After a 429 nothing is called before the time that Slack names, and then at once."""
    clock = FakeClock()
    async with room_of(slack, clock=clock) as room:
        before, calls = room.open, len(slack.calls_of(OPEN))
        slack.faults.add(OPEN, RateLimited(retry_after=40))
        slack.socket_mode.cut()
        await until(lambda: clock.sleeping)
        await clock.advance(39)
        assert len(slack.calls_of(OPEN)) == calls + 1
        await clock.advance(1)
        await room.until_replaced(*before)


async def until_at_rest(clock: FakeClock) -> None:
    """Wait until the bot waits for the clock."""
    await until(lambda: clock.sleeping)


async def calls_in(seconds: int, room: Room, clock: FakeClock, *, at_a_time: int = 1) -> int:
    """Let seconds pass, a few at a time; return how many openings there were."""
    before = len(room.slack.calls_of(OPEN))
    for _ in range(0, seconds, at_a_time):
        await until_at_rest(clock)
        await clock.advance(at_a_time)
    await until_at_rest(clock)
    return len(room.slack.calls_of(OPEN)) - before


async def test_greeted_and_cut_a_hundred_times() -> None:
    """Connections that end at once are opened ever more seldom; the first good one serves at once."""
    clock = FakeClock()
    async with slack_of(clock) as slack, room_of(slack, clock=clock) as room:
        slack.socket_mode.greet_and_cut(1000)
        slack.socket_mode.cut()
        assert await calls_in(120, room, clock) <= 16
        while len(slack.calls_of(OPEN)) < 102:
            assert 1 <= await calls_in(60, room, clock, at_a_time=5) <= 4
        slack.socket_mode.greet_and_cut(0)
        await clock.advance(30)
        await slack.wait_until(lambda: room.open)
        assert await room.types(5) == ["ok"] * 5
        await until(lambda: room.part.detail == "connected over Socket Mode, 2 of 2 connections")
        before = room.open
        slack.socket_mode.cut()
        await room.until_replaced(*before)


async def test_one_at_a_time_is_tried_until_one_lasts(slack: SlackSandbox) -> None:
    """After several that ended at once, a quiet connection has ten seconds to show that it lasts."""
    clock = FakeClock()
    async with room_of(slack, clock=clock) as room:
        slack.socket_mode.greet_and_cut(6)
        slack.socket_mode.cut()
        while len(slack.calls_of(OPEN)) < 9:
            await until_at_rest(clock)
            await clock.advance(0.1)
        await slack.wait_until(lambda: len(room.open) == 1)
        await until_at_rest(clock)
        await clock.advance(9)
        assert len(room.open) == 1
        await clock.advance(1)
        await until(lambda: len(room.open) == 2)


async def test_one_that_lasted_is_replaced_at_once_beside_one_that_never_does(slack: SlackSandbox) -> None:
    """While one connection ends again and again, the other one's end is not waited out."""
    clock = FakeClock()
    async with room_of(slack, clock=clock) as room:
        good, bad = room.open
        slack.socket_mode.greet_and_cut(1000)
        slack.socket_mode.cut(bad)
        await calls_in(60, room, clock)
        assert await calls_in(60, room, clock) <= 4
        assert room.open == (good,)
        slack.socket_mode.greet_and_cut(0)
        slack.socket_mode.cut(good)
        await until(lambda: len(room.open) == 2)


async def test_switched_off_is_reported_and_not_hammered(slack: SlackSandbox) -> None:
    """Slack greets and says `link_disabled`: health has the word, and Slack is asked a few times a minute."""
    clock = FakeClock()
    async with room_of(slack, clock=clock) as room:
        slack.socket_mode.greet_and_cut(1000, "link_disabled")
        await slack.socket_mode.disconnect("link_disabled", grace_seconds=0)
        assert await calls_in(60, room, clock) <= 14
        assert await calls_in(120, room, clock) <= 8
        assert room.part.detail == "no Socket Mode connection: link_disabled"


async def test_connections_that_serve_keep_slacks_limit_on_openings_too() -> None:
    """Both are cut each second, after commands: Slack never refuses an opening, and one is soon there again.

    Some openings are kept for when there is no connection, so the second one waits first.
    """
    clock = FakeClock()
    async with slack_of(clock) as slack, room_of(slack, clock=clock) as room:
        for number in range(60):
            assert await room.types(4) == ["ok"] * 4
            slack.socket_mode.cut()
            await until(lambda: not room.part.ok)
            if number >= 20:
                await clock.advance(2.4)
            await until(lambda: room.part.ok)
            await clock.advance(1)
        assert {call.status for call in slack.calls_of(OPEN)} == {200}


async def test_beside_nine_other_connections_there_is_one(slack: SlackSandbox) -> None:
    """Slack sends the eleventh away: the one that is there serves, and the second waits for a place."""
    clock = FakeClock()
    async with AsyncExitStack() as stack:
        others = AsyncExitStack()
        for _ in range(8):
            await stack.enter_async_context(raw_socket(slack))
        await others.enter_async_context(raw_socket(slack))
        room = await stack.enter_async_context(room_of(slack, clock=clock, connections=10))
        await until(lambda: clock.sleeping)
        assert room.part.ok
        assert room.part.detail == "connected over Socket Mode, 1 of 2 connections"
        await clock.advance(300)
        assert len(room.open) == 10
        await others.aclose()
        await slack.wait_until(lambda: len(room.open) == 9)
        await until(lambda: clock.sleeping)
        await clock.advance(30)
        await until(lambda: room.part.detail == "connected over Socket Mode, 2 of 2 connections")
        assert len(room.open) == 10


async def test_what_is_in_flight_is_acknowledged_before_it_leaves(slack: SlackSandbox) -> None:
    """After `leave` there is no connection, and none comes back by itself."""
    async with room_of(slack) as room, asyncio.TaskGroup() as group:
        room.may_acknowledge.clear()
        typed = group.create_task(room.types(5))
        await slack.wait_until(lambda: room.heard == 5)
        leaving = group.create_task(room.mode.leave())
        room.may_acknowledge.set()
        assert await typed == ["ok"] * 5
        await leaving
        await slack.wait_until(lambda: not room.open, 10)
        assert len(slack.calls_of(OPEN)) == 2


async def test_frames_that_are_none_do_no_harm(slack: SlackSandbox) -> None:
    """What is no JSON, no object or of an unknown type is left aside, and the connection stays."""
    async with room_of(slack) as room:
        before = room.open
        for each in before:
            for frame in ("", "none", "[1]", '{"type": 3}', '{"envelope_id": 1}', "[" * 100_000):
                await each.socket.send_str(frame)
        assert await room.types(20) == ["ok"] * 20
        assert room.open == before


@pytest.mark.parametrize("word", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_a_wrong_app_token_is_found_out_before_connecting(slack: SlackSandbox, word: str) -> None:
    """Waiting mends no wrong token; the bot says so and ends."""
    async with room_of(slack) as room:
        slack.faults.revoke_tokens(word)
        with pytest.raises(CredentialsRejected, match=word):
            await wait_for_credentials(room.mode.check_token, clock=SystemClock(), health=room.health)
        slack.faults.restore_tokens()
