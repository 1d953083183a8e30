"""`veeam-bot routes replay`: what the settings' routes would have made of the last days. Only reads.

Every server is asked for its sessions, a page at a time. Subscriptions come from the database, if it is
there; what the people who made them may see is not looked up, for that takes Slack.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot import store
from bot.observability import Clock, Metrics, SystemClock
from bot.settings import ServerName, ServerSettings, Settings
from bot.veeam import Result, SpokenRevision, VeeamError, VeeamServer, connection_to, known
from bot.watch.job_cache import JobCache
from bot.watch.replay import ReplayedMessage, ReplayedServer, SessionsBefore, by_channel_and_day
from bot.watch.routing import WatchRules

_SERVERS_AT_ONCE = 8
_SECONDS_UNTIL_PROGRESS = 3.0
_JOBS_SHOWN = 20
_RESULTS = (Result.FAILED, Result.WARNING, Result.SUCCESS)


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What the last days would have brought. `notes` say what is not in it."""

    since: datetime
    until: datetime
    servers: tuple[ReplayedServer, ...]
    notes: tuple[str, ...] = ()

    @property
    def messages(self) -> tuple[ReplayedMessage, ...]:
        """All messages, server by server."""
        return tuple(each for server in self.servers for each in server.messages)

    @property
    def is_whole(self) -> bool:
        """Whether every server was read."""
        return all(server.problem is None for server in self.servers)


async def replay(settings: Settings, days: int, say: Callable[[str], None]) -> ReplayResult:
    """Read the last days of every server, and return what routes and subscriptions would have made of them.

    `say` is told how far it is, once that takes longer than people like to wait.
    """
    clock = SystemClock()
    now = clock.now()
    since = now - timedelta(days=days)
    async with AsyncExitStack() as stack:
        database, subscriptions, notes = await _database(settings, stack)
        rules = WatchRules(settings.routes, settings.slack.default_channel, settings.polling)
        turns, progress = asyncio.Semaphore(_SERVERS_AT_ONCE), _Progress(clock, say)

        async def read(server: ServerSettings) -> ReplayedServer:
            async with turns:
                return await _read(
                    server, rules, subscriptions, database, since, now, clock=clock, progress=progress
                )

        servers = await asyncio.gather(*map(read, settings.servers))
    if subscriptions:
        notes.append(
            "Subscriptions are taken as they are written: what the people who made them may see is not asked."
        )
    notes.append("Failures in a row are counted from the first day that was read.")
    notes.append("Storms are not replayed: many failures at once count one by one.")
    return ReplayResult(since, now, tuple(servers), tuple(notes))


def as_json(result: ReplayResult) -> str:
    """Return all of it as one JSON object, times in UTC."""
    body: dict[str, Any] = {
        "since": result.since.isoformat(),
        "until": result.until.isoformat(),
        "servers": [
            {
                "server": one.server,
                "sessions": one.sessions,
                "untold": one.untold,
                "held_back": one.held_back,
                "is_cut": one.is_cut,
                "problem": one.problem,
            }
            for one in result.servers
        ],
        "channels": [
            {"channel": channel, "day": day, **_counts(told)}
            for (channel, day), told in by_channel_and_day(result.messages).items()
        ],
        "messages": [
            {
                "channel": each.channel,
                "server": each.server,
                "job": each.job,
                "at": each.at.isoformat(),
                "result": each.result,
                "in_thread": each.in_thread,
                "mentions": each.mentions,
                "because_of": each.reason,
            }
            for each in result.messages
        ],
        "notes": result.notes,
    }
    return json.dumps(body, indent=2, ensure_ascii=False)


def as_text(result: ReplayResult, plain: Callable[[str], str]) -> str:
    """Return it for people: messages by channel and day, and of what. `plain` makes foreign names safe."""
    from tabulate import tabulate  # noqa: PLC0415 -- the bot that runs replays nothing

    header = ("channel", "day (UTC)", "messages", "failed", "warning", "success", "in threads", "mentions")
    rows = [(channel, day, *_counts(told).values()) for (channel, day), told in _days(result)]
    table = tabulate(rows, header, "simple") if rows else "No channel would have got anything."
    parts = [table]
    for channel in dict.fromkeys(channel for (channel, _), _ in _days(result)):
        told = [each for each in result.messages if each.channel == channel and not each.in_thread]
        jobs = Counter((each.job, each.server, each.result, each.reason) for each in told)
        lines = [
            f"  {count:>5}  {plain(job)} on {server}: {plain(word)} ({reason.replace('_', ' ')})"
            for (job, server, word, reason), count in jobs.most_common(_JOBS_SHOWN)
        ]
        if len(jobs) > _JOBS_SHOWN:
            lines.append(f"         and {len(jobs) - _JOBS_SHOWN:,} more")
        parts.append("\n".join((f"What {channel} would have got:", *lines)))
    parts.append("\n".join(_about_servers(result, plain)))
    parts.append("\n".join(result.notes))
    return "\n\n".join(filter(None, parts))


def _days(result: ReplayResult) -> Sequence[tuple[tuple[str, str], Sequence[ReplayedMessage]]]:
    return tuple(by_channel_and_day(result.messages).items())


def _about_servers(result: ReplayResult, plain: Callable[[str], str]) -> list[str]:
    lines = []
    for one in result.servers:
        if one.problem is not None:
            lines.append(f"{one.server} could not be read: {plain(one.problem)}")
            continue
        sessions = "1 session" if one.sessions == 1 else f"{one.sessions:,} sessions"
        untold, held_back = one.untold, one.held_back
        parts = [f"{one.server}: {sessions} read."]
        if untold:
            parts.append(f"{untold:,} failed or warned and {'is' if untold == 1 else 'are'} for no channel.")
        if held_back:
            are = "is" if held_back == 1 else "are"
            parts.append(f"{held_back:,} {are} held back until enough failed in a row.")
        lines.append(" ".join(parts))
        if one.is_cut:
            lines.append(f"{one.server} has more sessions than are read: take fewer days.")
    return lines


def _counts(told: Sequence[ReplayedMessage]) -> dict[str, int]:
    roots = [each for each in told if not each.in_thread]
    results = Counter(known(Result, each.result) for each in roots)
    return {
        "messages": len(roots),
        **{word.value.lower(): results[word] for word in _RESULTS},
        "in_threads": len(told) - len(roots),
        "mentions": sum(each.mentions for each in told),
    }


async def _database(
    settings: Settings, stack: AsyncExitStack
) -> tuple[store.Database | None, tuple[store.Subscription, ...], list[str]]:
    """The database, if it can be read, and what people subscribed to."""
    url = settings.database_url.get_secret_value()
    try:
        if store.is_missing(url):
            return None, (), ["There is no database yet, so there are no subscriptions."]
        database = store.Database(url)
        stack.push_async_callback(database.close)
        return database, await store.Subscriptions(database).every(), []
    except store.StoreError as error:
        return None, (), [f"Subscriptions are not in it, for the database can't be read: {error}"]


async def _read(
    settings: ServerSettings,
    rules: WatchRules,
    subscriptions: Sequence[store.Subscription],
    database: store.Database | None,
    since: datetime,
    now: datetime,
    *,
    clock: Clock,
    progress: "_Progress",
) -> ReplayedServer:
    spoken = SpokenRevision(settings.name, settings.api_version, clock)
    server = VeeamServer(connection_to(settings), spoken=spoken, clock=clock, metrics=Metrics())
    own = None if database is None else partial(store.OwnActions(database).of, settings.name)
    try:
        sessions = SessionsBefore(server, JobCache(server, clock), rules, subscriptions)
        return await sessions.replay(since, now, progress=progress.told, own=own)
    except (VeeamError, store.StoreError) as error:
        return ReplayedServer(settings.name, problem=str(error))
    finally:
        await server.close()


class _Progress:
    """Says how far reading is, after some seconds."""

    def __init__(self, clock: Clock, say: Callable[[str], None]) -> None:
        self._clock = clock
        self._say = say
        self._began = clock.monotonic()

    def told(self, server: ServerName, read: int, total: int | None) -> None:
        if self._clock.monotonic() - self._began >= _SECONDS_UNTIL_PROGRESS:
            of = "" if total is None else f" of {total:,}"
            self._say(f"{server}: {read:,}{of} sessions read")
