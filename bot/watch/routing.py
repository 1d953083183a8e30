"""Where a completion is announced. Pure: settings and a completion in, channels and reasons out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.settings import (
    PollingSettings,
    RouteResult,
    RouteSettings,
    ServerName,
    StormSettings,
    Threads,
    matches_glob,
)
from bot.veeam import DEFAULT_RULES, CauseRules, Result, SessionGroup, job_type_key, known
from bot.watch.sessions import NAMED_ONLY

_LEAST_LATE_SECONDS = 300.0
_INTERVALS_UNTIL_LATE = 3


class RouteReason(StrEnum):
    """Why a session is announced in a channel; for the log."""

    ROUTE = "route"
    SUBSCRIPTION = "subscription"
    DEFAULT_CHANNEL = "default_channel"


class SkipReason(StrEnum):
    """Why a session is announced nowhere; for the log."""

    NO_ROUTE = "no_route"
    HELD = "held"  # nobody can say yet what a subscriber may see
    WELL = "well"  # a success that no route takes, a part of a run or an offload that went well
    OWN_ACTION = "own_action"  # started from the very channel whose route has `own_actions` off


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A channel whose subscription fits a job, for these results.

    `is_held` as long as nobody can say whether the person who made it may see the job.
    """

    subscription_id: int
    channel: str
    results: tuple[RouteResult, ...]
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Completion:
    """What routes look at. `result` is VBR's word; `started_in` the channel the run was started from.

    `session_name` is what VBR calls the session, where that may be the name of a job that is gone.
    `subscribers` are those of its job.
    """

    server: ServerName
    job_name: str
    session_type: str
    group: SessionGroup
    result: str
    job_type: str | None = None
    started_in: str | None = None
    session_name: str | None = None
    subscribers: tuple[Subscriber, ...] = ()


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel, how to post there, whom to mention if the last attempt failed, and why it was chosen.

    With `failures_in_a_row` it gets a run only when this many runs of the job failed in a row.
    """

    channel: str
    threads: Threads
    mention: str | None
    reason: RouteReason
    failures_in_a_row: int = 1


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Where a completion is announced; `skipped` says why when there is no such place.

    `held` are the subscriptions that take it once it is known what the people who made them may see.
    """

    destinations: tuple[Destination, ...]
    skipped: SkipReason | None = None
    held: tuple[int, ...] = ()

    @property
    def is_claimed(self) -> bool:
        """Whether it is, or may be, announced somewhere."""
        return bool(self.destinations or self.held)


class Subscribers(Protocol):
    """Where the subscribers of a job are found: subscriptions come and go while the bot runs."""

    async def of(
        self, server: ServerName, job_id: str | None, job_name: str, result: str
    ) -> tuple[Subscriber, ...]:
        """Return those that fit, and at least those with this result. Raises `StoreError`."""
        ...

    async def find(self, subscription_id: int, server: ServerName, job_name: str) -> Subscriber | None:
        """Return one as it stands; None where it was ended, or does not get this job. Raises `StoreError`."""
        ...


@dataclass(frozen=True, slots=True)
class WatchRules:
    """Where sessions are announced, when many are announced as one, and how often the servers are polled.

    `subscribers` finds those of a job, as they are at the time; without it there are none.
    """

    routes: tuple[RouteSettings, ...]
    default_channel: str | None
    polling: PollingSettings
    storms: StormSettings = field(default_factory=StormSettings)
    causes: CauseRules = DEFAULT_RULES
    subscribers: Subscribers | None = None

    @property
    def holds_back(self) -> bool:
        """Whether a run that was posted nowhere matters later: it may be posted then, or counts in a row."""
        return self.subscribers is not None or any(each.failures_in_a_row > 1 for each in self.routes)

    def route(self, completion: Completion) -> RouteDecision:
        """Return the channels of all routes and subscriptions that take the completion, else the default one.

        That one never gets a success. A channel that several of them name gets one announcement, as the first
        of them says that takes it: it is there again for one that takes fewer failures in a row.
        """
        takers = [each for each in self.routes if takes(each, completion)]
        by_route = _by_channel(
            Destination(each.channel, each.threads, each.mention, RouteReason.ROUTE, each.failures_in_a_row)
            for each in takers
            if each.own_actions or completion.started_in != each.channel
        )
        told = {each.channel for each in takers if each.failures_in_a_row == 1}
        subscribers = [one for one in subscribers_of(completion) if one.channel not in told]
        if takers or subscribers:
            certain = dict.fromkeys(one.channel for one in subscribers if not one.is_held)
            destinations = by_route + tuple(
                Destination(channel, Threads.THREAD, None, RouteReason.SUBSCRIPTION) for channel in certain
            )
            held = tuple(
                one.subscription_id for one in subscribers if one.is_held and one.channel not in certain
            )
            skipped = SkipReason.HELD if held else SkipReason.OWN_ACTION
            return RouteDecision(destinations, None if destinations else skipped, held)
        if self.default_channel is None or completion.group in NAMED_ONLY:
            return RouteDecision((), SkipReason.NO_ROUTE)
        if known(Result, completion.result) is Result.SUCCESS:
            return RouteDecision((), SkipReason.WELL)
        default = Destination(self.default_channel, Threads.THREAD, None, RouteReason.DEFAULT_CHANNEL)
        return RouteDecision((default,))

    def channels_of(self, server: ServerName) -> tuple[str, ...]:
        """Return the channels for news about a server itself: those of its routes, and the default one."""
        channels: list[str] = [each.channel for each in self.routes if _matches(server, each.servers)]
        if self.default_channel is not None:
            channels.append(self.default_channel)
        return tuple(dict.fromkeys(channels))

    def is_late(self, ended_at: datetime, server_now: datetime) -> bool:
        """Whether a session that ended then is announced late now."""
        seconds = max(_LEAST_LATE_SECONDS, _INTERVALS_UNTIL_LATE * self.polling.interval_seconds)
        return server_now - ended_at > timedelta(seconds=seconds)


def long_enough(destinations: Iterable[Destination], failures_in_a_row: int) -> list[Destination]:
    """Return where a run that ends such a row is posted, each channel once; 0: the run did not fail."""
    told: dict[str, Destination] = {}
    for to in destinations:
        if to.failures_in_a_row <= max(1, failures_in_a_row):
            told.setdefault(to.channel, to)
    return list(told.values())


def _by_channel(destinations: Iterable[Destination]) -> tuple[Destination, ...]:
    """The first of each channel, and those behind it that take fewer failures in a row than all before."""
    least: dict[str, int] = {}
    kept = []
    for to in destinations:
        if to.channel not in least or to.failures_in_a_row < least[to.channel]:
            least[to.channel] = to.failures_in_a_row
            kept.append(to)
    return tuple(kept)


def subscribers_of(completion: Completion) -> tuple[Subscriber, ...]:
    """Return the subscribers that take a completion: of all job runs, those with one of their results."""
    if completion.group in NAMED_ONLY:
        return ()
    return tuple(one for one in completion.subscribers if fits_results(one.results, completion.result))


def takes(each: RouteSettings, completion: Completion) -> bool:
    """Whether a route takes a completion: its servers, jobs, types and results all fit."""
    return (
        _matches(completion.server, each.servers)
        and any(_matches(name, each.jobs) for name in _names(completion))
        and _type_fits(each.types, completion)
        and fits_results(each.results, completion.result)
    )


def _names(completion: Completion) -> tuple[str, ...]:
    """Its job's name, and its own where it may be the same with the run's kind: a job may end in `(Full)`."""
    own = completion.session_name
    return (completion.job_name,) if own is None else (completion.job_name, own)


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(matches_glob(glob, name) for glob in globs)


def _type_fits(types: Sequence[str], completion: Completion) -> bool:
    if not types:
        return completion.group not in NAMED_ONLY
    names = {job_type_key(completion.session_type), job_type_key(completion.job_type or "")}
    return any(job_type_key(name) in names for name in types)


def fits_results(results: Sequence[RouteResult], result: str) -> bool:
    """Whether VBR's word for a result is one of these."""
    word = known(Result, result)
    if word is None:
        # A result that a later VBR introduced: routes that want warnings get it.
        return RouteResult.WARNING in results
    return any(word.value == each.value for each in results)
