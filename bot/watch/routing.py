"""Which channels are told a completion. Pure: settings and a completion in, channels and reasons out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.settings import ChannelId, RouteResult, RouteSettings, ServerName, Threads, matches_glob
from bot.veeam import Result, SessionGroup, job_type_key, known
from bot.watch.classify import NAMED_ONLY
from bot.watch.reasons import Told, Untold


@dataclass(frozen=True, slots=True)
class Completion:
    """What routes look at. `result` is VBR's word; `started_in` the channel the run was started from."""

    server: ServerName
    job_name: str
    session_type: str
    group: SessionGroup
    result: str
    job_type: str | None = None
    started_in: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel that is told, how, whom it names when the last attempt has failed, and why it is told."""

    channel: str
    threads: Threads
    mention: str | None
    reason: Told


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a completion goes; `untold` says why when it goes nowhere."""

    destinations: tuple[Destination, ...]
    untold: Untold | None = None


def route(completion: Completion, routes: Iterable[RouteSettings], default_channel: str | None) -> Routed:
    """Return the channels that are told: of every route that takes the completion, else the default one.

    A channel that several routes name is told once, as the first of them says.
    """
    takers: dict[ChannelId, RouteSettings] = {}
    for each in routes:
        if takes(each, completion):
            takers.setdefault(each.channel, each)
    if not takers:
        return _by_default(completion, default_channel)
    told = tuple(
        Destination(each.channel, each.threads, each.mention, Told.ROUTE)
        for each in takers.values()
        if each.own_actions or completion.started_in != each.channel
    )
    return Routed(told, None if told else Untold.OWN_ACTION)


def takes(each: RouteSettings, completion: Completion) -> bool:
    """Whether a route takes a completion: its servers, jobs, types and results all fit."""
    return (
        matches(completion.server, each.servers)
        and matches(completion.job_name, each.jobs)
        and _type_fits(each.types, completion)
        and _result_fits(each.results, completion.result)
    )


def matches(name: str, globs: Iterable[str]) -> bool:
    """Whether a name fits one of these globs."""
    return any(matches_glob(glob, name) for glob in globs)


def channels_of(
    server: ServerName, routes: Sequence[RouteSettings], default_channel: str | None
) -> tuple[str, ...]:
    """Return the channels that hear of a server at all: of its routes, and the default one."""
    channels: list[str] = [each.channel for each in routes if matches(server, each.servers)]
    if default_channel is not None:
        channels.append(default_channel)
    return tuple(dict.fromkeys(channels))


def _by_default(completion: Completion, default_channel: str | None) -> Routed:
    if default_channel is None or completion.group in NAMED_ONLY:
        return Routed((), Untold.NO_ROUTE)
    return Routed((Destination(default_channel, Threads.THREAD, None, Told.DEFAULT_CHANNEL),))


def _type_fits(types: Sequence[str], completion: Completion) -> bool:
    if not types:
        return completion.group not in NAMED_ONLY
    names = {job_type_key(completion.session_type), job_type_key(completion.job_type or "")}
    return any(job_type_key(name) in names for name in types)


def _result_fits(results: Sequence[RouteResult], result: str) -> bool:
    word = known(Result, result)
    if word is None:
        # A word that VBR learned later: whoever wants to hear of oddities hears of it.
        return RouteResult.WARNING in results
    return any(word.value == each.value for each in results)
