"""Where a completion is announced. Pure: settings and a completion in, channels and reasons out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.settings import (
    ChannelId,
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
    DEFAULT_CHANNEL = "default_channel"


class SkipReason(StrEnum):
    """Why a session is announced nowhere; for the log."""

    NO_ROUTE = "no_route"
    WELL = "well"  # a success that no route takes, a part of a run or an offload that went well
    OWN_ACTION = "own_action"  # started from the very channel whose route has `own_actions` off


@dataclass(frozen=True, slots=True)
class Completion:
    """What routes look at. `result` is VBR's word; `started_in` the channel the run was started from.

    `session_name` is what VBR calls the session, where that may be the name of a job that is gone.
    """

    server: ServerName
    job_name: str
    session_type: str
    group: SessionGroup
    result: str
    job_type: str | None = None
    started_in: str | None = None
    session_name: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel, how to post there, whom to mention if the last attempt failed, and why it was chosen."""

    channel: str
    threads: Threads
    mention: str | None
    reason: RouteReason


@dataclass(frozen=True, slots=True)
class RouteDecision:
    """Where a completion is announced; `skipped` says why when there is no such place."""

    destinations: tuple[Destination, ...]
    skipped: SkipReason | None = None


@dataclass(frozen=True, slots=True)
class WatchRules:
    """Where sessions are announced, when many are announced as one, and how often the servers are polled."""

    routes: tuple[RouteSettings, ...]
    default_channel: str | None
    polling: PollingSettings
    storms: StormSettings = field(default_factory=StormSettings)
    causes: CauseRules = DEFAULT_RULES

    def route(self, completion: Completion) -> RouteDecision:
        """Return the channels of every route that takes the completion, else the default channel.

        That one never gets a success. A channel that several routes name gets one announcement,
        as the first of them says.
        """
        takers: dict[ChannelId, RouteSettings] = {}
        for each in self.routes:
            if takes(each, completion):
                takers.setdefault(each.channel, each)
        if takers:
            destinations = tuple(
                Destination(each.channel, each.threads, each.mention, RouteReason.ROUTE)
                for each in takers.values()
                if each.own_actions or completion.started_in != each.channel
            )
            return RouteDecision(destinations, None if destinations else SkipReason.OWN_ACTION)
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


def takes(each: RouteSettings, completion: Completion) -> bool:
    """Whether a route takes a completion: its servers, jobs, types and results all fit."""
    return (
        _matches(completion.server, each.servers)
        and any(_matches(name, each.jobs) for name in _names(completion))
        and _type_fits(each.types, completion)
        and _result_fits(each.results, completion.result)
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


def _result_fits(results: Sequence[RouteResult], result: str) -> bool:
    word = known(Result, result)
    if word is None:
        # A result that a later VBR introduced: routes that want warnings get it.
        return RouteResult.WARNING in results
    return any(word.value == each.value for each in results)
