"""The demonstration when nobody touches it: its own servers and settings, watched by the shipped code."""

import re
from collections.abc import Awaitable, Callable

from bot.observability import Health, Metrics
from bot.sandbox.demo import Demo
from bot.settings import Settings, load_settings
from bot.slack.views.announcements import announcement
from bot.store import Database
from bot.veeam import Fleet, VeeamServer, connection_to
from bot.watch import DigestMaker, ExpectationWatch, NoticedSessions, Watch, WatchRules
from tests.rooms.store.databases import Template, opened
from tests.rooms.watch.simulation.channels import Channels, Sender
from tests.support.clock import FakeClock

PROD, BACKUPS, DIGESTS = "C0PROD", "C0BACKUPS", "C0DIGEST"
NEWS = (":x:", ":warning:", ":white_check_mark: Recovered", ":information_source: Watching *hq*")


class LeftAlone:
    """The bot of a demo, as far as it watches and posts; time passes only when it is told to."""

    def __init__(self, settings: Settings, database: Database, clock: FakeClock) -> None:
        self._clock, self._channels = clock, Channels(clock)
        self._sender = Sender("one", database, clock, self._channels)
        self.fleet = Fleet([VeeamServer(connection_to(each), clock=clock) for each in settings.servers])
        rules = WatchRules(settings.routes, settings.slack.default_channel, settings.polling, settings.storms)
        self._polls: list[Callable[[], Awaitable[object]]] = []
        self._looks: list[Callable[[], Awaitable[object]]] = []
        for server in map(self.fleet.server, self.fleet.names):
            noticed, health = NoticedSessions(), Health(clock)
            watch = Watch(
                server,
                database,
                clock,
                rules,
                metrics=Metrics(),
                health=health,
                holder="one",
                noticed=noticed,
            )
            expected = ExpectationWatch(
                server, database, clock, settings.expectations, watch, noticed, holder="one"
            )
            self._polls.append(watch.tick)
            self._looks.append(expected.look)
        self._looks.append(DigestMaker(settings.digests, self.fleet, database, clock, "one").tick)

    async def for_minutes(self, minutes: int, *, polls_a_minute: int = 2) -> None:
        """Let time pass, while the bot polls, looks at everything else once a minute, and posts."""
        for number in range(minutes * polls_a_minute):
            for look in self._polls if number % polls_a_minute else self._polls + self._looks:
                await look()
            while await self._sender.send():
                pass
            await self._clock.advance(60 / polls_a_minute)

    def stands_in(self, channel: str) -> list[str]:
        """What the messages of a channel say by now, those in threads aside."""
        return [
            announcement(self._channels.shown(each), each.row.key).text
            for each in self._channels.posted
            if each.row.channel == channel and each.thread_ts is None
        ]


async def test_all_is_seen_in_ten_minutes_and_the_channel_stays_quiet(
    database_templates: dict[str, Template],
) -> None:
    """A storm and its end, an expectation, a digest where no runs are; and few posts in #prod."""
    clock = FakeClock()
    async with Demo(clock=clock.now) as demo, opened(database_templates["sqlite"].new()) as database:
        alone = LeftAlone(load_settings(demo.bot_env, demo.folder), database, clock)
        await alone.for_minutes(4)
        assert re.search("7 (more )?jobs failed. on .branch", "\n".join(alone.stands_in(BACKUPS)))
        await alone.for_minutes(6)
        backups = "\n".join(alone.stands_in(BACKUPS))
        for words in (
            ":white_check_mark: *All 7 failed jobs recovered* on *branch*",
            ":white_check_mark: Recovered · ",
            ":warning: Repository *Hardened repository 01* on hq has 2.9 % free.",
        ):
            assert words in backups
        (digest,) = alone.stands_in(DIGESTS)
        assert "Backup digest, Monday 23 November" in digest
        await alone.for_minutes(20, polls_a_minute=1)
        assert alone.stands_in(DIGESTS)[1:] == []
        prod = alone.stands_in(PROD)
        assert 1 < len(prod) <= 12
        assert [text for text in prod if not text.startswith(NEWS)] == []
        await alone.fleet.close()
