"""A first start: what ended before anybody watched, in one message a channel instead of a flood. Pure."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from bot.settings import ServerName
from bot.store import NewRow
from bot.veeam import Result, known
from bot.watch.destinations import notice
from bot.watch.facts import CaughtUp, RunFacts
from bot.watch.telling import Prepared, Rules, result_of, routed, run_facts, session_facts

TOLD_ONE_BY_ONE = 10
_PROBLEMS_SHOWN = 20
_PROBLEMS = frozenset({Result.FAILED, Result.WARNING})


def tellable(rules: Rules, server: ServerName, prepared: Sequence[Prepared]) -> int:
    """Return how many of these sessions somebody would be told."""
    return sum(bool(routed(rules, server, each).destinations) for each in prepared)


def caught_up_rows(
    rules: Rules, server: ServerName, prepared: Sequence[Prepared], *, since: datetime, now: datetime
) -> tuple[NewRow, ...]:
    """Return one message for each channel that would have been told any of these sessions, oldest first."""
    by_channel: dict[str, list[Prepared]] = {}
    for each in prepared:
        for destination in routed(rules, server, each).destinations:
            by_channel.setdefault(destination.channel, []).append(each)
    key = f"{server}/caught-up/{since.isoformat()}"
    return tuple(
        notice(key, channel, _summary(server, told, since), now) for channel, told in by_channel.items()
    )


def _summary(server: ServerName, told: Sequence[Prepared], since: datetime) -> CaughtUp:
    problems = _problems(server, told)
    return CaughtUp(
        server=server,
        since=since,
        results=dict(Counter(result_of(each.ended) for each in told)),
        problems=tuple(problems[:_PROBLEMS_SHOWN]),
        problems_total=len(problems),
    )


def _problems(server: ServerName, told: Sequence[Prepared]) -> list[RunFacts]:
    """Jobs whose latest session went wrong, the latest first; what went well since is no news."""
    latest = {each.job_id or each.job_name: each for each in told}
    wrong = [each for each in latest.values() if known(Result, result_of(each.ended)) in _PROBLEMS]
    wrong.sort(key=lambda each: each.ended.ended_at, reverse=True)
    return [run_facts(server, each, session_facts(each, ()), is_late=True) for each in wrong]
