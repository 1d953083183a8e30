"""What a first start finds: counted as it is read, newest first, and summed up for each channel. Pure.

However many sessions ended, only their IDs and ends are kept, the jobs whose latest run failed or warned, and
a few whole sessions. Those jobs' runs can be acknowledged and muted as if each had been posted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

import msgspec

from bot.settings import ServerName
from bot.store import NewOutboxRow, Placement
from bot.veeam import FAILURES_ONLY, Result, SessionGroup, SessionId, known
from bot.watch import facts
from bot.watch.messages import REPLY, message
from bot.watch.routing import Destination, WatchRules
from bot.watch.run_facts import SessionDetails
from bot.watch.runs import Run, RunChannel
from bot.watch.session_report import SessionReport, seems_stopped
from bot.watch.sessions import EndedSession

ANNOUNCED_ONE_BY_ONE = 10
"""So many sessions are announced as usual; more are summed up."""

PROBLEMS_SHOWN = 20
STOPPED = "Stopped"
"""In place of a result: a person stopped the session."""
_PROBLEMS_KEPT = 500
"""So many runs that failed are kept, and as many that warned, the latest of them."""


@dataclass
class _Channel:
    """What one channel would have got."""

    results: Counter[str] = field(default_factory=Counter)
    problems_total: int = 0


@dataclass(frozen=True, slots=True)
class _Problem:
    """A job's latest run, and the channels that would have got it. `is_stopped`: by a person, it seems."""

    report: SessionReport
    destinations: Sequence[Destination]
    is_stopped: bool = False

    def run(self, summary_key: str, details: SessionDetails | None) -> Run:
        """Return the run as it is kept: a list in the thread of each channel's summary names it."""
        session = replace(self.report, details=details).session_facts()
        channels = tuple(
            RunChannel(
                channel=to.channel,
                threads=to.threads,
                mention=to.mention,
                muted_in="",
                listed_in=f"{summary_key}/{to.channel}",
            )
            for to in self.destinations
        )
        begun = Run.begin(self.report.run_facts(session, is_late=True), None)
        return msgspec.structs.replace(begun, channels=channels)


class Backfill:
    """Everything that ended before a first start.

    `ended` are all sessions with their ends; `announced` are those that routes take, of which only the newest
    are kept, one more than are announced one by one. `stopped` are those that VBR says a person stopped.
    """

    def __init__(self, rules: WatchRules) -> None:
        self._rules = rules
        self._channels: dict[str, _Channel] = {}
        self._judged: set[tuple[str, str]] = set()
        self._problems: dict[Result, dict[SessionId, _Problem]] = {Result.FAILED: {}, Result.WARNING: {}}
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
        at_once = [one for one in destinations if one.failures_in_a_row == 1]
        is_stopped = session.seems_canceled
        is_problem = self._is_latest(report) and not session.is_canceled
        problems = self._problems.get(known(Result, report.ended.result) or Result.NONE)
        for to in at_once:
            channel = self._channels.setdefault(to.channel, _Channel())
            channel.results[_counted_as(report, is_stopped=is_stopped)] += 1
            channel.problems_total += is_problem and problems is not None and not is_stopped
        if is_problem and at_once and problems is not None and len(problems) < _PROBLEMS_KEPT:
            problems[session.id] = _Problem(report, at_once, is_stopped)
        # A backup of logs that went well is here only because it makes up for one that failed.
        is_told = bool(destinations) or report.ended.group is SessionGroup.LOG_BACKUP
        if is_told and not self.is_large:
            self.announced.append(report.ended)

    def _is_latest(self, report: SessionReport) -> bool:
        """Whether it is its job's latest: a success makes failures old news, wherever that is announced.

        Upkeep and backups of logs are apart from runs.
        """
        group, session = report.ended.group, report.ended.session
        kind = session.session_type.casefold() if group in FAILURES_ONLY else ""
        job = (report.owner.key, kind)
        if job in self._judged:
            return False
        self._judged.add(job)
        return True

    @property
    def listed(self) -> list[SessionReport]:
        """The first few of the latest runs that failed, or seem stopped, or warned, in this order."""
        every = (each.report for some in self._problems.values() for each in some.values())
        return list(islice(every, PROBLEMS_SHOWN))

    def look_closer(self, details: Mapping[SessionId, SessionDetails]) -> None:
        """Correct what was taken for failed, or for stopped, by what sessions say of their objects."""
        for session_id, said in details.items():
            problem = self._problems[Result.FAILED].get(session_id)
            if problem is None or said.is_incomplete:
                continue
            report, was_stopped = problem.report, problem.is_stopped
            is_stopped = seems_stopped(report.ended.session, said)
            for to in problem.destinations:
                channel = self._channels[to.channel]
                channel.results[_counted_as(report, is_stopped=was_stopped)] -= 1
                channel.results[_counted_as(report, is_stopped=is_stopped)] += 1
                channel.problems_total += was_stopped - is_stopped
            self._problems[Result.FAILED][session_id] = replace(problem, is_stopped=is_stopped)
            if is_stopped:
                self.stopped.append(session_id)

    def runs(
        self, server: ServerName, details: Mapping[SessionId, SessionDetails], *, since: datetime
    ) -> list[Run]:
        """Return the jobs' latest runs that failed or warned, those that failed first; `details` as known."""
        key = _key(server, since)
        every = (each for some in self._problems.values() for each in some.items())
        return [each.run(key, details.get(session_id)) for session_id, each in every if not each.is_stopped]

    def messages(
        self, server: ServerName, runs: Sequence[Run], *, since: datetime, now: datetime
    ) -> Iterator[NewOutboxRow]:
        """Return one message, and its thread, for each channel; what failed comes before what warned."""
        key = _key(server, since)
        for name, channel in self._channels.items():
            total = channel.problems_total
            summary = facts.BackfillSummary(
                server=server, since=since, results=dict(channel.results), problems_total=total
            )
            yield message(f"{key}/{name}", name, summary, now)
            if total:
                here = (run.facts for run in runs if any(each.channel == name for each in run.channels))
                listed = facts.BackfillProblems(
                    problems=tuple(islice(here, PROBLEMS_SHOWN)), problems_total=total
                )
                yield message(
                    f"{key}/problems/{name}",
                    name,
                    listed,
                    now,
                    placement=Placement.REPLY,
                    priority=REPLY,
                    root_key=f"{key}/{name}",
                )


def _counted_as(report: SessionReport, *, is_stopped: bool) -> str:
    return STOPPED if is_stopped else report.ended.result


def _key(server: ServerName, since: datetime) -> str:
    return f"{server}/caught-up/{since.isoformat()}"
