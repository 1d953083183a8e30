"""A first start: what ended before anybody watched, in one line a channel instead of a flood. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.settings import ServerName
from bot.store import NewOutboxRow
from bot.veeam import Result, known
from bot.watch.destinations import notice, reply
from bot.watch.facts import CaughtUp, CaughtUpProblems, RunFacts
from bot.watch.telling import Prepared, Rules, result_of, routed, run_facts, session_facts

TOLD_ONE_BY_ONE = 10
_PROBLEMS_SHOWN = 20
_PROBLEMS = frozenset({Result.FAILED, Result.WARNING})


def tellable(rules: Rules, server: ServerName, prepared: Sequence[Prepared]) -> int:
    """Return how many of these sessions somebody would be told."""
    return sum(bool(routed(rules, server, each).destinations) for each in prepared)


def caught_up_rows(
    rules: Rules, server: ServerName, prepared: Sequence[Prepared], *, since: datetime, now: datetime
) -> tuple[NewOutboxRow, ...]:
    """Return one message for each channel that would have been told any of these sessions, oldest first."""
    by_channel: dict[str, list[Prepared]] = {}
    for each in prepared:
        for destination in routed(rules, server, each).destinations:
            by_channel.setdefault(destination.channel, []).append(each)
    key = f"{server}/caught-up/{since.isoformat()}"
    return tuple(
        row
        for channel, told in by_channel.items()
        for row in _rows(key, channel, server, _Past(told, _problems(server, told), since), now)
    )


@dataclass(frozen=True, slots=True)
class _Past:
    told: Sequence[Prepared]
    problems: Sequence[RunFacts]
    since: datetime


def _rows(key: str, channel: str, server: ServerName, past: _Past, now: datetime) -> tuple[NewOutboxRow, ...]:
    results = dict(Counter(result_of(each.ended) for each in past.told))
    total = len(past.problems)
    line = CaughtUp(server=server, since=past.since, results=results, problems_total=total)
    root = notice(key, channel, line, now)
    if not past.problems:
        return (root,)
    listed = CaughtUpProblems(problems=tuple(past.problems[:_PROBLEMS_SHOWN]), problems_total=total)
    return (root, reply(f"{key}/problems", root, listed, now))


def _problems(server: ServerName, told: Sequence[Prepared]) -> list[RunFacts]:
    """Jobs whose latest session went wrong, the latest first; what went well since is no news."""
    latest = {each.job_id or each.job_name: each for each in told}
    wrong = [each for each in latest.values() if known(Result, result_of(each.ended)) in _PROBLEMS]
    wrong.sort(key=lambda each: each.ended.ended_at, reverse=True)
    return [run_facts(server, each, session_facts(each, ()), is_late=True) for each in wrong]
