"""What did not happen: jobs, repositories, licences and configuration backups, judged by what was seen. Pure.

Times are aware and of the server's clock. A moment so many hours later is so by the clock on the wall as
well: a night in which clocks change makes nothing late.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from statistics import median

import msgspec

from bot.settings import ExpectationSettings, matches_glob
from bot.store import ExpectedJob
from bot.veeam import (
    PERFORMANCE_EXTENT,
    ConfigBackup,
    JobId,
    JobState,
    Licence,
    RepositoryState,
    Result,
    Session,
    SessionId,
    SessionProgress,
    known,
)

LEARNT = 8
"""So many like runs say what is usual for a job; with fewer it is still being learnt."""
LIKE_RUNS_KEPT = 15
"""Of each job, of fulls and of incrementals."""
FULL_WITHIN = timedelta(days=14)
SAMPLES_KEPT = timedelta(days=28)
_LEAST_SAMPLES = 7
_TREND_OVER = 14
_NOTICED_AT_MOST = 50_000
_GOOD = (Result.SUCCESS, Result.WARNING)
_STARTED_EARLY = timedelta(minutes=2)
_AFTER_A_DUE_RUN = timedelta(hours=2)
"""Until when a run that was due must have gone well, by the preset: its retries are over by then."""
_LEAST_LONGER = timedelta(minutes=15)
_LEAST_DIFFERENT = 256 * 1024**2
_AROUND_A_CLOCK_CHANGE = timedelta(hours=3)
_MORE_ON_THAT_NIGHT = timedelta(hours=1)
_HEALED_PERCENT = 2.0
_HEALED_FULL_AFTER = timedelta(days=21)
_LEARNT_AS_FULL = 0.7
"""A run that reads so much of what it covers is a full, where its session's name doesn't say."""

LICENCE, CONFIG_BACKUP = "licence", "config_backup"
_REPOSITORY = "repository:"


class Kind(StrEnum):
    """What may not happen; as messages' metadata name it."""

    NO_SUCCESS = "no_success"
    NOT_STARTED = "not_started"
    TOO_LONG = "too_long"
    ODD_SUCCESS = "odd_success"
    DISABLED = "disabled"
    REPOSITORY = "repository"
    LICENCE = "licence"
    CONFIG_BACKUP = "config_backup"


JOB_KINDS = (Kind.NO_SUCCESS, Kind.NOT_STARTED, Kind.TOO_LONG, Kind.ODD_SUCCESS, Kind.DISABLED)
SERVER_KINDS = (Kind.REPOSITORY, Kind.LICENCE, Kind.CONFIG_BACKUP)
KEEPS_SINCE = frozenset({Kind.ODD_SUCCESS, Kind.REPOSITORY})
"""Of these the first that was told stands until it is over."""
_KEYS = {
    Kind.NO_SUCCESS: "success_within_hours",
    Kind.NOT_STARTED: "start_within_minutes",
    Kind.TOO_LONG: "longer_than_usual",
    Kind.ODD_SUCCESS: "unusual_size",
    Kind.DISABLED: "disabled_longer_than_hours",
    Kind.REPOSITORY: "repository_free_percent",
    Kind.LICENCE: "licence_days",
    Kind.CONFIG_BACKUP: "config_backup_days",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of one expectation: its limit, and who is told. `is_preset`: the settings don't give it."""

    limit: float
    channel: str
    mention: str | None
    is_preset: bool = False


Rules = Mapping[Kind, Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """What is not as expected, and since when. `subject` is a job's ID, or what of the server it is about.

    `at`: the last good run, the last configuration backup, or the licence's end. `found` and `usual` are
    seconds, bytes or percent. `full_at`: when a repository is full at its trend.
    """

    kind: Kind
    subject: str
    name: str
    since: datetime
    at: datetime | None = None
    found: float | None = None
    usual: float | None = None
    next_run: datetime | None = None
    full_at: datetime | None = None


Verdicts = dict[Kind, Unmet | None]
"""What was judged: None where all is well. A kind that is not in it could not be judged."""


class RunSample(msgspec.Struct, frozen=True, array_like=True):
    """How long a run took, in seconds, and how many bytes it read; None where VBR doesn't say."""

    is_full: bool
    seconds: int | None
    size: int | None


_runs = msgspec.json.Decoder(list[RunSample])


@dataclass(frozen=True, slots=True)
class Sight:
    """From where a job is looked at: the time there, and since when the server is seen without a gap.

    `is_blind`: it was not seen for a while until just now.
    """

    now: datetime
    zone: tzinfo
    seen_since: datetime
    is_blind: bool = False


class NoticedSessions:
    """The sessions of jobs that the poller noticed since the last look. `lost`: not all of them."""

    def __init__(self) -> None:
        self.by_id: dict[SessionId, Session] = {}
        self.is_lost = True
        self._is_closed = False

    def note(self, sessions: Iterable[Session]) -> None:
        """Remember sessions of jobs, running or ended, as long as somebody takes them."""
        if self._is_closed:
            return
        for session in sessions:
            if len(self.by_id) >= _NOTICED_AT_MOST:
                self.forget()
                return
            if session.job_id is not None:
                self.by_id[session.id] = session

    def take(self) -> dict[SessionId, Session]:
        """Return what was noticed, and begin anew."""
        noticed, self.by_id = self.by_id, {}
        return noticed

    def close(self) -> None:
        """Nobody takes them any more."""
        self._is_closed = True
        self.forget()

    def forget(self) -> None:
        """Another process may have noticed sessions meanwhile: what is missing must be read."""
        self.by_id.clear()
        self.is_lost = True


def job_rules(expectations: Iterable[ExpectationSettings], server: str, job_name: str) -> Rules:
    """Return how a job is judged: for each kind by the first expectation that takes the job and names it."""
    mine = [each for each in expectations if any(matches_glob(glob, job_name) for glob in each.jobs)]
    return _rules(mine, server, JOB_KINDS)


def server_rules(expectations: Iterable[ExpectationSettings], server: str) -> Rules:
    """Return how what is the server's own is judged, whatever jobs an expectation names."""
    return _rules(expectations, server, SERVER_KINDS)


def reach_of(expectations: Iterable[ExpectationSettings], server: str) -> timedelta | None:
    """Return how far back jobs' successes matter; None where no job of the server is judged at all."""
    rules = [_rules([each], server, JOB_KINDS) for each in expectations]
    if not any(rules):
        return None
    hours = [each[Kind.NO_SUCCESS].limit for each in rules if Kind.NO_SUCCESS in each]
    return timedelta(hours=max(hours, default=1))


def observed(
    before: ExpectedJob | None,
    state: JobState,
    sight: Sight,
    *,
    last_good_at: datetime | None = None,
    first_seen_at: datetime | None = None,
    followed_at: datetime | None = None,
) -> ExpectedJob:
    """Return what is known of a job now.

    `last_good_at` is the latest good end among its noticed sessions, `first_seen_at` the earliest of them,
    `followed_at` the last good run of the job that it runs after.
    """
    now = sight.now
    if before is None:
        since = min(each for each in (now, state.last_run, first_seen_at) if each is not None)
        before = ExpectedJob(job_id=state.id, known_since=since)
    good_at = before.last_good_at
    for ended_at in (last_good_at, _good_end_of(before, state, now)):
        if ended_at is not None and ended_at <= now and (good_at is None or ended_at > good_at):
            good_at = ended_at
    due_at, removed_at = _due(before, state, sight)
    signs = (
        before.missed_at,
        removed_at,
        due_at if due_at is not None and due_at <= now else None,
        state.last_run if not state.is_active and state.result is Result.FAILED else None,
        followed_at,
    )
    missed_at: datetime | None = None
    for sign in signs:
        if sign is None or (good_at is not None and sign <= good_at):
            continue
        missed_at = sign if missed_at is None else min(sign, missed_at)
    disabled_since = before.disabled_since
    if not state.is_active:
        disabled_since = (disabled_since or now) if state.is_disabled else None
    seen = (good_at, disabled_since, due_at, missed_at)
    if seen == (before.last_good_at, before.disabled_since, before.due_at, before.missed_at):
        return before
    return replace(
        before, last_good_at=good_at, disabled_since=disabled_since, due_at=due_at, missed_at=missed_at
    )


def judge_job(
    job: ExpectedJob,
    state: JobState,
    rules: Rules,
    sight: Sight,
    *,
    usual_seconds: float | None = None,
    is_disabled_for_a_time: bool = False,
) -> Verdicts:
    """Judge a job by all but the size of its last run.

    `usual_seconds`: how long a run such as the one that goes on takes; None while that is being learnt.
    """
    verdicts: Verdicts = {}
    for kind, rule in rules.items():
        match kind:
            case Kind.NO_SUCCESS:
                is_told_otherwise = is_disabled_for_a_time or Kind.DISABLED in rules
                verdicts[kind] = _no_success(job, state, rule, sight, is_told_as_disabled=is_told_otherwise)
            case Kind.NOT_STARTED:
                verdicts[kind] = _not_started(job, state, rule, sight)
            case Kind.TOO_LONG:
                verdicts[kind] = _too_long(state, rule, sight, usual_seconds)
            case Kind.DISABLED:
                verdicts[kind] = None if is_disabled_for_a_time else _disabled(job, state, rule, sight)
    channels = {rules[kind].channel for kind in (Kind.NOT_STARTED, Kind.NO_SUCCESS) if kind in rules}
    if verdicts.get(Kind.NOT_STARTED) is not None and len(channels) == 1:
        # One message is enough, in one channel, for a job that did not even start.
        verdicts.pop(Kind.NO_SUCCESS, None)
    return verdicts


def judge_size(state: JobState, sample: RunSample, runs: Sequence[RunSample], rule: Rule) -> Unmet | None:
    """Judge the data of a run that ended with Success against the job's like runs before it."""
    sizes = [each.size for each in runs if each.is_full is sample.is_full and each.size is not None]
    if sample.size is None or len(sizes) < LEARNT or not (usual := median(sizes)):
        return None
    differs = abs(sample.size - usual) >= _LEAST_DIFFERENT
    is_none = not sample.size and min(sizes) > 0
    is_small = differs and sample.size * rule.limit <= usual and sample.size < min(sizes)
    is_large = differs and sample.size >= usual * rule.limit and sample.size > max(sizes)
    if not (is_none or is_small or is_large):
        return None
    since = state.last_run
    if since is None:
        return None
    return _unmet(Kind.ODD_SUCCESS, state, since, found=sample.size, usual=usual)


def is_new_run(job: ExpectedJob, state: JobState) -> bool:
    """Whether the job's latest run is over and was not looked at yet."""
    return not state.is_active and state.session_id is not None and state.session_id != job.session_id


def after_run(job: ExpectedJob, state: JobState) -> ExpectedJob:
    """Return what is known once the job's latest run was looked at."""
    return replace(job, session_id=state.session_id, was_good=state.result in _GOOD)


def is_success(state: JobState) -> bool:
    """Whether the job's latest run ended with Success."""
    return state.result is Result.SUCCESS


def sample_of(job: ExpectedJob, state: JobState, session: Session | None) -> RunSample | None:
    """Return what a job's latest run says of what is usual.

    None for one that did not go well, and for one after such a one: it may have done only what was left.
    """
    is_retry = session is not None and (session.retries is not None or "(retry" in session.name.casefold())
    if state.result not in _GOOD or not job.was_good or is_retry or is_continuous(state):
        return None
    progress = state.session_progress
    seconds = progress.duration_seconds if progress is not None else None
    if seconds is None and session is not None and session.creation_time and session.end_time:
        seconds = int((session.end_time - session.creation_time).total_seconds())
    size = _size(progress)
    if seconds is None and size is None:
        return None
    return RunSample(_is_full(session, progress), seconds, size)


def with_sample(runs: Sequence[RunSample], sample: RunSample) -> list[RunSample]:
    """Return the runs to keep, the latest last."""
    like = [each for each in runs if each.is_full is sample.is_full]
    others = [each for each in runs if each.is_full is not sample.is_full]
    return [*others, *like[-(LIKE_RUNS_KEPT - 1) :], sample]


def decoded_runs(runs: str | None) -> list[RunSample]:
    """Return the runs that are kept of a job; none where they can't be read."""
    try:
        return [] if runs is None else _runs.decode(runs)
    except msgspec.MsgspecError:
        return []


def still_learnt(runs: Sequence[RunSample]) -> tuple[int, int] | None:
    """Return how many incrementals and fulls are known of a job, while both are too few to judge by."""
    fulls = sum(each.is_full for each in runs)
    others = len(runs) - fulls
    return None if max(fulls, others) >= LEARNT else (others, fulls)


def usual_seconds_of(runs: Sequence[RunSample], session: Session | None) -> float | None:
    """Return how long the run that goes on usually takes; None while that is being learnt.

    Where nothing says whether it is a full, it may be one.
    """
    full, other = (
        [each.seconds for each in runs if each.is_full is kind and each.seconds] for kind in (True, False)
    )
    said = None if session is None else _said_full(session.name)
    if said is not None:
        like = full if said else other
        return median(like) if len(like) >= LEARNT else None
    if len(full) + len(other) < LEARNT:
        return None
    return max([*full, median(other)] if other else full)


def whole_repositories(states: Iterable[RepositoryState]) -> list[RepositoryState]:
    """Return the repositories as people know them: the extents of a scale-out one are summed up."""
    found: list[RepositoryState] = []
    pools: dict[str, list[RepositoryState]] = {}
    for state in states:
        member = state.extent_of
        if member is None:
            found.append(state)
        elif (
            member.scale_out_repository_id and member.extent_type.casefold() == PERFORMANCE_EXTENT.casefold()
        ):
            pools.setdefault(member.scale_out_repository_id, []).append(state)
    for pool_id, extents in pools.items():
        sizes = [each for each in extents if each.used_fraction is not None]
        is_whole = len(sizes) == len(extents) and all(each.is_online is not False for each in extents)
        found.append(
            RepositoryState(
                id=pool_id,
                name=extents[0].extent_of.membership if extents[0].extent_of else "",
                capacity_gb=sum(each.capacity_gb or 0 for each in sizes) if is_whole else None,
                free_gb=sum(each.free_gb or 0 for each in sizes) if is_whole else None,
            )
        )
    return found


def judge_repository(
    state: RepositoryState,
    samples: Sequence[tuple[date, float]],
    rule: Rule,
    now: datetime,
    *,
    stands: bool,
) -> Unmet | None:
    """Judge how full a repository is, and when it will be. One that was told must be clearly better again."""
    used, free = state.used_fraction, state.free_gb
    if used is None or free is None:
        return None
    percent = (1 - used) * 100
    full_in = _full_in(samples, free)
    least = rule.limit + (_HEALED_PERCENT if stands else 0)
    within = _HEALED_FULL_AFTER if stands else FULL_WITHIN
    if percent >= least and (full_in is None or full_in > within):
        return None
    return Unmet(
        kind=Kind.REPOSITORY,
        subject=repository_subject(state.id),
        name=state.name,
        since=now,
        found=percent,
        full_at=now + full_in if full_in is not None and full_in <= within else None,
    )


def judge_licence(licence: Licence, rule: Rule, now: datetime) -> Unmet | None:
    """Judge when the licence ends."""
    ends_at = licence.ends_at
    if ends_at is None or ends_at - now > timedelta(days=rule.limit):
        return None
    since = ends_at - timedelta(days=rule.limit)
    return Unmet(kind=Kind.LICENCE, subject=LICENCE, name="", since=since, at=ends_at)


def judge_config_backup(
    backup: ConfigBackup, rule: Rule, now: datetime, *, known_since: datetime
) -> Unmet | None:
    """Judge how old the last configuration backup is; where there is none, since when that is known."""
    last = backup.last_good_at
    since = known_since if last is None else last
    if now - since <= timedelta(days=rule.limit):
        return None
    return Unmet(kind=Kind.CONFIG_BACKUP, subject=CONFIG_BACKUP, name="", since=since, at=last)


def repository_subject(repository_id: str) -> str:
    """Return what a repository is called among the subjects."""
    return f"{_REPOSITORY}{repository_id}"


def later(moment: datetime, span: timedelta, zone: tzinfo) -> datetime:
    """Return the moment so much later, both by a clock that never changes and by the one on the wall."""
    wall = (moment.astimezone(zone).replace(tzinfo=None) + span).replace(tzinfo=zone, fold=1)
    return max(moment + span, wall.astimezone(moment.tzinfo))


def is_near_clock_change(moment: datetime, zone: tzinfo) -> bool:
    """Whether the clocks there change within a few hours of a moment."""
    before, after = (
        (moment + side * _AROUND_A_CLOCK_CHANGE).astimezone(zone).utcoffset() for side in (-1, 1)
    )
    return before != after


def _rules(expectations: Iterable[ExpectationSettings], server: str, kinds: Collection[Kind]) -> Rules:
    found: dict[Kind, Rule] = {}
    for each in expectations:
        if not any(matches_glob(glob, server) for glob in each.servers):
            continue
        for kind in kinds:
            if kind not in found and (limit := each.limit(_KEYS[kind])) is not None:
                is_preset = getattr(each, _KEYS[kind]) is None
                found[kind] = Rule(limit, each.channel, each.mention, is_preset)
    return found


def _good_end_of(before: ExpectedJob, state: JobState, now: datetime) -> datetime | None:
    """When the latest run ended, if it went well; None where it did not, or VBR names no run."""
    if state.is_active or state.result not in _GOOD:
        return None
    if state.last_run is None and state.session_id == before.session_id:
        return None
    return _end_of(state, now)


def _end_of(state: JobState, now: datetime) -> datetime:
    """When a run that is over ended, as far as the state says."""
    if state.last_run is None:
        return now
    seconds = state.session_progress.duration_seconds if state.session_progress is not None else None
    return min(now, state.last_run + timedelta(seconds=seconds or 0))


def _due(before: ExpectedJob, state: JobState, sight: Sight) -> tuple[datetime | None, datetime | None]:
    """When the job is to start, or was and did not; and the start that is gone with its schedule."""
    if state.is_disabled or is_continuous(state):
        return None, None
    now, pending, upcoming = sight.now, before.due_at, state.next_run
    if pending is not None and pending <= now:
        is_busy = state.is_active or (
            state.last_run is not None and _end_of(state, now) >= pending - _STARTED_EARLY
        )
        if not is_busy and not _is_void(pending, upcoming, sight):
            return pending, None
        pending = None
    if upcoming is None:
        is_gone = pending is not None and not state.is_active and state.run_after_job is None
        return None, pending if is_gone else None
    has_begun = state.last_run is not None and _end_of(state, now) >= upcoming - _STARTED_EARLY
    return (None if has_begun or (state.is_active and upcoming <= now) else upcoming), None


def _is_void(pending: datetime, upcoming: datetime | None, sight: Sight) -> bool:
    """Whether a start that has passed may not have been one at all: VBR goes on to the next.

    In the night of a clock change VBR may leave it out; and while nobody looked, the schedule was changed.
    """
    if upcoming is None or upcoming <= sight.now:
        return False
    if is_near_clock_change(pending, sight.zone):
        return True
    was, will_be = (each.astimezone(sight.zone).time() for each in (pending, upcoming))
    return sight.is_blind and was != will_be


def is_continuous(state: JobState) -> bool:
    """Whether it has no runs at set times: an immediate copy."""
    return (state.backup_copy_mode or "").casefold() == "immediate"


def _no_success(
    job: ExpectedJob, state: JobState, rule: Rule, sight: Sight, *, is_told_as_disabled: bool
) -> Unmet | None:
    if (state.is_disabled and is_told_as_disabled) or (state.is_active and is_continuous(state)):
        return None
    if rule.is_preset and job.missed_at is None and not (state.is_active and state.last_run is not None):
        return None
    since = job.last_good_at or job.known_since
    span = timedelta(hours=rule.limit)
    overdue_at = later(since, span, sight.zone)
    if rule.is_preset:
        if job.missed_at is not None:
            overdue_at = max(overdue_at, later(job.missed_at, _AFTER_A_DUE_RUN, sight.zone))
        if state.is_active and state.last_run is not None:
            overdue_at = max(overdue_at, later(state.last_run, span, sight.zone))
    if sight.now < overdue_at:
        return None
    return _unmet(Kind.NO_SUCCESS, state, since, at=job.last_good_at)


def _not_started(job: ExpectedJob, state: JobState, rule: Rule, sight: Sight) -> Unmet | None:
    due_at = job.due_at
    if due_at is None or due_at > sight.now or state.is_active or state.is_disabled:
        return None
    patience = timedelta(minutes=rule.limit)
    if is_near_clock_change(due_at, sight.zone):
        patience += _MORE_ON_THAT_NIGHT
    if sight.now - max(due_at, sight.seen_since) < patience:
        return None
    return _unmet(Kind.NOT_STARTED, state, due_at, at=job.last_good_at)


def _too_long(state: JobState, rule: Rule, sight: Sight, usual: float | None) -> Unmet | None:
    if not state.is_active or state.last_run is None or usual is None or is_continuous(state):
        return None
    taken = sight.now - state.last_run
    expected = timedelta(seconds=usual)
    if taken < expected * rule.limit or taken - expected < _LEAST_LONGER:
        return None
    return _unmet(Kind.TOO_LONG, state, state.last_run, found=taken.total_seconds(), usual=usual)


def _disabled(job: ExpectedJob, state: JobState, rule: Rule, sight: Sight) -> Unmet | None:
    since = job.disabled_since
    if since is None or sight.now < later(since, timedelta(hours=rule.limit), sight.zone):
        return None
    return _unmet(Kind.DISABLED, state, since, at=job.last_good_at)


def _unmet(
    kind: Kind,
    state: JobState,
    since: datetime,
    *,
    at: datetime | None = None,
    found: float | None = None,
    usual: float | None = None,
) -> Unmet:
    return Unmet(
        kind=kind,
        subject=JobId(state.id),
        name=state.name,
        since=since,
        at=at,
        found=found,
        usual=usual,
        next_run=state.next_run,
    )


def _size(progress: SessionProgress | None) -> int | None:
    """How much a run read; where VBR doesn't say, how much it sent or covered."""
    if progress is None:
        return None
    sizes = (progress.read_size, progress.transferred_size, progress.processed_size)
    return next((each for each in sizes if each is not None and each >= 0), None)


def _is_full(session: Session | None, progress: SessionProgress | None) -> bool:
    said = None if session is None else _said_full(session.name)
    if said is not None:
        return said
    read, covered = (progress.read_size, progress.processed_size) if progress is not None else (None, None)
    return bool(read and covered and read >= covered * _LEARNT_AS_FULL)


def _said_full(name: str) -> bool | None:
    """Whether a session's name says that it is a full, or an incremental; None where it says neither."""
    end = name.rpartition("(")[2].casefold()
    if end.endswith("full)"):
        return True
    return False if end.startswith("increment") else None


def _full_in(samples: Sequence[tuple[date, float]], free_gb: float) -> timedelta | None:
    """Return when nothing is free at the pace of the last two weeks; None where it does not shrink."""
    recent = samples[-_TREND_OVER:]
    if len(recent) < _LEAST_SAMPLES:
        return None
    days = [float((day - recent[0][0]).days) for day, _ in recent]
    free = [amount for _, amount in recent]
    mean_day, mean_free = sum(days) / len(days), sum(free) / len(free)
    spread = sum((day - mean_day) ** 2 for day in days)
    slope = (
        sum((day - mean_day) * (amount - mean_free) for day, amount in zip(days, free, strict=True)) / spread
    )
    if slope >= 0 or free[-1] >= free[0] or free_gb <= 0:
        return None
    return timedelta(days=min(free_gb / -slope, 3650))


def earliest_of(sessions: Iterable[Session]) -> Iterator[tuple[JobId, datetime]]:
    """Yield each session's job and beginning."""
    for session in sessions:
        if session.job_id is not None and session.creation_time is not None:
            yield session.job_id, session.creation_time


def good_ends_of(sessions: Iterable[Session]) -> Iterator[tuple[JobId, datetime]]:
    """Yield the job and the end of each session that went well."""
    for session in sessions:
        result = session.result.result if session.result is not None else None
        if session.job_id is not None and session.end_time is not None and known(Result, result) in _GOOD:
            yield session.job_id, session.end_time
