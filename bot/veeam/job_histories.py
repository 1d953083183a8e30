"""How each job has fared: what its sessions of some days and its state say together. Pure.

A session belongs to a job by the job's ID, or by that of a session above it. Runs that a person stopped
neither failed nor ran.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from bot.veeam.ids import JobId, SessionId
from bot.veeam.jobs import JobState
from bot.veeam.session_names import GENERATIONS
from bot.veeam.session_types import SessionGroup, session_group
from bot.veeam.sessions import Result, Session

GRID_DAYS = 14
"""So many days of a job are shown beside each other, the day of the report included."""

_VERDICTS = frozenset({Result.SUCCESS, Result.WARNING, Result.FAILED})
_RUNS_TO_LEARN_FROM = 8
_SLOWER_THAN_MEDIAN = 2.0
_SLOWER_BY_SECONDS = 900.0
_NEAR_THE_BEGINNING = timedelta(days=2)


class DayLetter(StrEnum):
    """A day of a job in a letter. Warned: with a warning, or after a failure that a later run made up for."""

    GOOD = "S"
    WARNED = "W"
    FAILED = "F"
    NO_RUN = "-"
    NOT_READ = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPeriod:
    """What a report is about: from `since` to `until`. Its days are those of the time zone."""

    since: datetime
    until: datetime
    zone: tzinfo

    @property
    def days(self) -> tuple[date, ...]:
        """The days of the grid, the oldest first."""
        last = self.until.astimezone(self.zone).date()
        return tuple(last - timedelta(days=back) for back in range(GRID_DAYS - 1, -1, -1))

    @property
    def reach(self) -> datetime:
        """Since when sessions are of use: from the first of the days on."""
        return min(self.since, self.start_of(self.days[0]))

    def start_of(self, day: date) -> datetime:
        """When a day begins, in UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def on_clock_ahead(self, ahead: timedelta) -> "ReportPeriod":
        """The same period by a clock that is so far ahead."""
        return replace(self, since=self.since + ahead, until=self.until + ahead)

    def day_of(self, moment: datetime) -> date:
        """The day of a moment."""
        return moment.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class KnownOfJobs:
    """What the bot itself noted of one server: stopped sessions, jobs failed by a part, muted jobs."""

    stopped: Collection[str] = frozenset()
    failed_parts: Mapping[str, str] = field(default_factory=dict)
    is_muted: Callable[[JobId, str], bool] = lambda _job_id, _name: False


class PastRun(NamedTuple):
    """One session of a job, with what a report needs of it. `session` only of one that failed."""

    id: SessionId
    started_at: datetime
    ended_at: datetime | None
    result: Result | None
    is_part: bool
    session: Session | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHistory:
    """How a job stands at the end of a period, and what led there.

    `failing_since` is the end of the first of the failures that stand, and None where it stands well;
    `is_known_from` says that there may have been more before. `failed_session` is the last of them.
    `running` is the session that was not over.
    """

    state: JobState
    is_muted: bool = False
    failing_since: datetime | None = None
    is_known_from: bool = False
    failed_session: Session | None = None
    failed_session_id: SessionId | None = None
    was_failing: bool = False
    """It failed before the period and had not gone well since, or it failed in the period."""
    is_warned: bool = False
    is_running: bool = False
    running: SessionId | None = None
    never_ran: bool = False
    took_seconds: float | None = None
    usually_took_seconds: float | None = None
    """Set with `took_seconds`, and only where the last run took unusually long."""
    ended: Mapping[Result, int] = field(default_factory=dict)
    """How many runs ended in the period, by result."""
    days: str = ""

    @property
    def is_failing(self) -> bool:
        """Whether it stands failed."""
        return self.failing_since is not None

    @property
    def is_fixed(self) -> bool:
        """Whether it failed, in the period or before it, and stands well now."""
        return self.was_failing and not self.is_failing


class PastRuns:
    """Takes in the sessions of one server, a page at a time, and keeps of each what a report needs."""

    def __init__(self, until: datetime) -> None:
        """Leave out what began after `until`."""
        self._until = until
        self._runs: dict[SessionId, tuple[PastRun, JobId | None, SessionId | None]] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._runs

    def add(self, sessions: Iterable[Session]) -> None:
        """Take sessions in; one that comes again is the newer one."""
        for session in sessions:
            if session.creation_time is None or session.creation_time > self._until:
                continue
            ended_at = (session.end_time or session.creation_time) if session.is_stopped else None
            outcome = session.outcome if ended_at is not None else None
            if session.waits:
                continue
            run = PastRun(
                session.id,
                session.creation_time,
                ended_at,
                None if session.is_canceled else outcome,
                session.part_of is not None,
                session if outcome is Result.FAILED else None,
            )
            self._runs[session.id] = run, session.job_id, session.part_of

    def by_job(self, job_ids: Collection[str]) -> Mapping[str, Sequence[PastRun]]:
        """Return the sessions of these jobs, the oldest first."""
        found: defaultdict[str, list[PastRun]] = defaultdict(list)
        for run, _, _ in self._runs.values():
            owner = self._job_of(run.id, job_ids)
            if owner is not None:
                found[owner].append(run)
        for runs in found.values():
            runs.sort(key=lambda run: run.started_at)
        return found

    def _job_of(self, session_id: SessionId, job_ids: Collection[str]) -> JobId | None:
        """The one of these jobs that a session belongs to, or a session above it."""
        above: SessionId | None = session_id
        for _ in range(GENERATIONS):
            if above is None or above not in self._runs:
                break
            _, job_id, above = self._runs[above]
            if job_id is not None and job_id in job_ids:
                return job_id
        return None


def is_of_job(session: Session, job_ids: Collection[str] = ()) -> bool:
    """Whether a session is a run of a job, or a part of one."""
    group = session_group(session.session_type, job_id=session.job_id, job_ids=job_ids)
    return group is SessionGroup.JOB_RUN


def histories(
    states: Iterable[JobState],
    past: PastRuns,
    period: ReportPeriod,
    *,
    read_since: datetime,
    known_of: KnownOfJobs,
) -> Iterator[JobHistory]:
    """Return how each job has fared; all sessions since `read_since` are in `past`."""
    states = tuple(states)
    runs = past.by_job({state.id for state in states})
    for state in states:
        yield _history(state, runs.get(state.id, ()), period, read_since=read_since, known_of=known_of)


def _history(
    state: JobState,
    runs: Sequence[PastRun],
    period: ReportPeriod,
    *,
    read_since: datetime,
    known_of: KnownOfJobs,
) -> JobHistory:
    # A run says more than its parts; of an immediate copy, which has no runs that end, the parts are all.
    own = [run for run in runs if not run.is_part and run.ended_at is not None]
    over = [
        run
        for run in (own or [run for run in runs if run.ended_at is not None])
        if run.result in _VERDICTS and run.id not in known_of.stopped
    ]
    standing = _standing(state, runs, over, period, known_of)
    running = _running(state, runs, period)
    ended = [run for run in over if (run.ended_at or run.started_at) >= period.since]
    took, usual = _slowness(over, period)
    return JobHistory(
        state=state,
        is_muted=known_of.is_muted(state.id, state.name),
        failing_since=standing.since,
        is_known_from=standing.is_all_there_is
        and standing.since is not None
        and standing.since - read_since < _NEAR_THE_BEGINNING,
        failed_session=standing.session,
        failed_session_id=standing.session_id,
        was_failing=_was_failing(over, period),
        is_warned=standing.since is None and standing.result is Result.WARNING,
        is_running=running is not None,
        running=running.session_id if running is not None else None,
        never_ran=not (runs or state.last_run or state.is_active) and state.result is Result.NONE,
        took_seconds=took,
        usually_took_seconds=usual,
        ended={
            result: sum(run.result is result for run in ended)
            for result in _VERDICTS
            if any(run.result is result for run in ended)
        },
        days=_days(over, period, read_since),
    )


class _Standing(NamedTuple):
    result: Result | None
    since: datetime | None = None
    is_all_there_is: bool = False
    session: Session | None = None
    session_id: SessionId | None = None


def _standing(
    state: JobState,
    runs: Sequence[PastRun],
    over: Sequence[PastRun],
    period: ReportPeriod,
    known_of: KnownOfJobs,
) -> _Standing:
    """How the job stands by the last of its runs; by its state where that knows of a later one."""
    is_of_period = state.last_run is not None and state.last_run <= period.until
    is_unread = state.session_id is None or all(run.id != state.session_id for run in runs)
    is_newer = not over or (state.last_run is not None and state.last_run > over[-1].started_at)
    was_stopped = state.was_stopped or state.session_id in known_of.stopped
    says_more = is_of_period and is_unread and is_newer and not state.is_active and not was_stopped
    result = over[-1].result if over else None
    if says_more and state.result in _VERDICTS:
        result = state.result
        if result is Result.FAILED:
            streak = _streak(over)
            since = (streak[0].ended_at or streak[0].started_at) if streak else state.last_run
            return _Standing(result, since, len(streak) == len(over), None, state.session_id)
    if result is Result.FAILED:
        streak = _streak(over)
        first, last = streak[0], streak[-1]
        return _Standing(
            result, first.ended_at or first.started_at, len(streak) == len(over), last.session, last.id
        )
    if (part := known_of.failed_parts.get(state.id)) is not None and is_of_period:
        session_id = SessionId(part)
        failed = next((run for run in runs if run.id == part), None)
        at = state.last_run if failed is None else failed.ended_at
        return _Standing(
            Result.FAILED, at or period.until, False, failed.session if failed else None, session_id
        )
    return _Standing(result)


def _streak(over: Sequence[PastRun]) -> Sequence[PastRun]:
    """The failures that the runs end with."""
    count = next((at for at, run in enumerate(reversed(over)) if run.result is not Result.FAILED), len(over))
    return over[len(over) - count :]


def _was_failing(over: Sequence[PastRun], period: ReportPeriod) -> bool:
    before = [run for run in over if (run.ended_at or run.started_at) < period.since]
    in_period = [run for run in over if (run.ended_at or run.started_at) >= period.since]
    return any(run.result is Result.FAILED for run in (*before[-1:], *in_period))


class _Running(NamedTuple):
    session_id: SessionId | None


def _running(state: JobState, runs: Sequence[PastRun], period: ReportPeriod) -> _Running | None:
    """What was not over; an immediate copy, which never is, does not run."""
    if state.is_immediate_copy:
        return None
    going_on = [run for run in runs if run.ended_at is None and not run.is_part]
    if going_on:
        return _Running(going_on[-1].id)
    is_of_period = state.last_run is None or state.last_run <= period.until
    is_unread = all(run.id != state.session_id for run in runs)
    return _Running(state.session_id) if state.is_active and is_of_period and is_unread else None


def _slowness(over: Sequence[PastRun], period: ReportPeriod) -> tuple[float | None, float | None]:
    """How long the last run took and runs usually do; None and None where that is nothing unusual.

    What has come up before within these days, as a full backup does each week, is not unusual.
    """
    good = [run for run in over if run.result is not Result.FAILED and run.ended_at is not None]
    if len(good) <= _RUNS_TO_LEARN_FROM or good[-1] is not over[-1]:
        return None, None
    *before, took = ((run.ended_at or run.started_at) - run.started_at for run in good)
    seconds = took.total_seconds()
    usual = median(each.total_seconds() for each in before)
    is_slow = (
        (good[-1].ended_at or period.until) >= period.since
        and seconds > _SLOWER_THAN_MEDIAN * usual
        and seconds > usual + _SLOWER_BY_SECONDS
        and took > max(before)
    )
    return (seconds, usual) if is_slow else (None, None)


def _days(over: Sequence[PastRun], period: ReportPeriod, read_since: datetime) -> str:
    """A letter for each day, by the runs that ended on it."""
    results: defaultdict[date, list[Result | None]] = defaultdict(list)
    for run in over:
        results[period.day_of(run.ended_at or run.started_at)].append(run.result)
    return "".join(
        _letter(results.get(day), is_read=period.start_of(day) >= read_since) for day in period.days
    )


def _letter(results: Sequence[Result | None] | None, *, is_read: bool) -> str:
    if not results:
        return DayLetter.NO_RUN if is_read else DayLetter.NOT_READ
    if results[-1] is Result.FAILED:
        return DayLetter.FAILED
    return DayLetter.GOOD if all(result is Result.SUCCESS for result in results) else DayLetter.WARNED
