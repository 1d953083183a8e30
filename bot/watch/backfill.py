"""What a first start finds: counted as it is read, newest first, and summed up for each channel. Pure.

However many sessions ended, only their IDs and ends are kept, the problems to list, and a few whole sessions.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from bot.settings import ServerName
from bot.store import NewOutboxRow, Placement
from bot.veeam import Result, SessionId, known
from bot.watch import facts
from bot.watch.messages import REPLY, message
from bot.watch.routing import WatchRules
from bot.watch.run_facts import RunFacts
from bot.watch.session_report import SessionReport
from bot.watch.sessions import EndedSession

ANNOUNCED_ONE_BY_ONE = 10
"""So many sessions are announced as usual; more are summed up."""

_PROBLEMS_SHOWN = 20


@dataclass
class _Channel:
    """What one channel would have got."""

    results: Counter[str] = field(default_factory=Counter)
    judged: set[str] = field(default_factory=set)
    problems: dict[Result, list[RunFacts]] = field(
        default_factory=lambda: {Result.FAILED: [], Result.WARNING: []}
    )
    problems_total: int = 0

    def add(self, report: SessionReport) -> None:
        """Count a session. Its job is judged by the latest one: a success makes failures old news."""
        self.results[report.ended.result] += 1
        job = report.job_id or report.job_name
        if job in self.judged:
            return
        self.judged.add(job)
        problems = self.problems.get(known(Result, report.ended.result) or Result.NONE)
        if problems is None or report.ended.session.is_canceled:
            return
        self.problems_total += 1
        if len(problems) < _PROBLEMS_SHOWN:
            problems.append(report.run_facts(report.session_facts(), is_late=True))


class Backfill:
    """Everything that ended before a first start.

    `ended` are all sessions with their ends; `announced` are those that routes take, of which only the newest
    are kept, one more than are announced one by one. `stopped` are those that VBR says a person stopped.
    """

    def __init__(self, rules: WatchRules) -> None:
        self._rules = rules
        self._channels: dict[str, _Channel] = {}
        self.ended: dict[SessionId, datetime] = {}
        self.announced: list[EndedSession] = []
        self.stopped: list[SessionId] = []

    @property
    def is_large(self) -> bool:
        """Whether it is to be summed up."""
        return len(self.announced) > ANNOUNCED_ONE_BY_ONE

    def add(self, report: SessionReport) -> None:
        """Count a session; the next one ended before it. One that is added again counts once."""
        session = report.ended.session
        if session.id in self.ended:
            return
        self.ended[session.id] = report.ended.ended_at
        if report.ended.session.is_canceled:
            self.stopped.append(session.id)
        destinations = () if report.is_untold else self._rules.route(report.completion()).destinations
        # Which of these runs failed in a row is not known here: such a route gets the next one.
        for to in (one for one in destinations if one.failures_in_a_row == 1):
            self._channels.setdefault(to.channel, _Channel()).add(report)
        if destinations and not self.is_large:
            self.announced.append(report.ended)

    def messages(self, server: ServerName, *, since: datetime, now: datetime) -> Iterator[NewOutboxRow]:
        """Return one message, and its thread, for each channel; what failed comes before what warned."""
        key = f"{server}/caught-up/{since.isoformat()}"
        for name, channel in self._channels.items():
            total = channel.problems_total
            summary = facts.BackfillSummary(
                server=server, since=since, results=dict(channel.results), problems_total=total
            )
            yield message(f"{key}/{name}", name, summary, now)
            if total:
                problems = (*channel.problems[Result.FAILED], *channel.problems[Result.WARNING])
                listed = facts.BackfillProblems(problems=problems[:_PROBLEMS_SHOWN], problems_total=total)
                yield message(
                    f"{key}/problems/{name}",
                    name,
                    listed,
                    now,
                    placement=Placement.REPLY,
                    priority=REPLY,
                    root_key=f"{key}/{name}",
                )
