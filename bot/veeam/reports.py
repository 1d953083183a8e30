"""What a digest or a report says: how the jobs of several servers stand, grouped by cause. Pure.

Values that the outbox and the database keep: lists are cut, totals are not. Words are made elsewhere.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from bot.settings import ServerName
from bot.veeam.causes import DEFAULT_RULES, CauseRules, cause_of
from bot.veeam.ids import JobId, SessionId
from bot.veeam.job_histories import DayLetter, JobHistory, ReportPeriod
from bot.veeam.reasons import cut_in_middle, gist, says_why
from bot.veeam.repositories import RepositoryState
from bot.veeam.sessions import Result

FILLING_FRACTION = 0.85
"""A repository as full as this is named."""
LISTED_JOBS, LISTED_CAUSES = 20, 30
"""So many jobs of a group are named, and so many causes."""
LISTED_OF_MANY_SERVERS = 5
GROUP_AT_MOST = 500
"""So many jobs of a cause are kept, for what is done about all of them."""
_KEPT_OF_SERVER, _KEPT_OF_MANY_SERVERS = 2_000, 100
"""So many of a server are, and of each cause as many as are named."""
_MANY_SERVERS = 10
GRID_ROWS = 30
_REASON_CHARACTERS = 500
_NAME_CHARACTERS = 300


class ReportedJob(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job that a report names. `day` 3: it fails for the third day, or longer if `is_at_least`.

    `session_id` is its last session that counts. `days` has a letter for each day of the grid.
    """

    server: ServerName
    job_id: JobId
    name: str
    session_id: SessionId | None = None
    since: datetime | None = None
    day: int = 0
    is_at_least: bool = False
    is_new: bool = False
    can_retry: bool = False
    took_seconds: float | None = None
    usually_took_seconds: float | None = None
    days: str = ""


class JobGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Jobs that a report names together: how many there are, and the first of them."""

    total: int = 0
    jobs: tuple[ReportedJob, ...] = ()


class FailureCause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Jobs that fail for one cause: the newly failing ones first. `reason` is VBR's word for the first.

    `title` names the cause for people, where the rules know it, and `resource` what it is with, such as a
    repository of the server that all its jobs are on. `group` is what is kept of those of its jobs,
    `group_total`, that can be retried together.
    """

    key: str
    total: int
    new_total: int = 0
    title: str | None = None
    resource: str | None = None
    reason: str | None = None
    jobs: tuple[ReportedJob, ...] = ()
    group: str | None = None
    group_total: int = 0


class FullRepository(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A repository that is filling up, or offline."""

    server: ServerName
    name: str
    used_fraction: float | None = None
    space: str = ""
    is_offline: bool = False


class Findings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the jobs of one server, or of several, stand. A job that is muted counts as nothing else."""

    jobs_total: int = 0
    succeeded_runs: int = 0
    warned_runs: int = 0
    failed_runs: int = 0
    failing_total: int = 0
    new_total: int = 0
    causes_total: int = 0
    causes: tuple[FailureCause, ...] = ()
    fixed: JobGroup = JobGroup()
    warned: JobGroup = JobGroup()
    running: JobGroup = JobGroup()
    never_ran: JobGroup = JobGroup()
    disabled: JobGroup = JobGroup()
    muted: JobGroup = JobGroup()
    muted_failing: int = 0
    slower: JobGroup = JobGroup()
    repositories_total: int = 0
    repositories: tuple[FullRepository, ...] = ()
    grid: JobGroup = JobGroup()
    """The jobs that failed or warned within the days of the grid: those failing now first, then the worst."""
    failed_by_day: tuple[int, ...] = ()
    """How many jobs failed on each day of the grid."""

    @property
    def runs_total(self) -> int:
        """How many runs ended."""
        return self.succeeded_runs + self.warned_runs + self.failed_runs

    @property
    def names_jobs(self) -> bool:
        """Whether there are jobs or repositories to be named one by one."""
        good = (self.fixed.total, self.running.total, self.disabled.total, self.muted.total)
        return not self.is_well or any(good)

    @property
    def is_well(self) -> bool:
        """Whether there is nothing that anybody has to look at."""
        wrong = (self.failing_total, self.warned.total, self.muted_failing, self.repositories_total)
        return not any((*wrong, self.never_ran.total, self.slower.total))


class ServerReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found on one server. `lacks` names what it did not say.

    All sessions since `read_since` were read: with "sessions" among what it lacks, none or a part of them.
    """

    server: ServerName
    findings: Findings
    read_since: datetime
    lacks: tuple[str, ...] = ()


class SilentAt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A server that did not answer; `problem` is the error's class."""

    server: ServerName
    problem: str


class CutOff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A server of which something was not read: older sessions than `read_since`, or what it `lacks`."""

    server: ServerName
    read_since: datetime | None = None
    lacks: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A digest or a report over several servers.

    `day` is the ISO date in its zone and `at` the time of day that it is for, or was made at. `as_of` is
    later than `until` where it was drawn again because runs have ended.
    """

    day: str
    at: str
    since: datetime
    until: datetime
    as_of: datetime
    grid_days: tuple[str, ...]
    findings: Findings
    servers: tuple[ServerName, ...] = ()
    silent: tuple[SilentAt, ...] = ()
    incomplete: tuple[CutOff, ...] = ()
    is_late: bool = False


def findings_of(
    server: ServerName,
    jobs: Sequence[JobHistory],
    period: ReportPeriod,
    *,
    reasons: Mapping[str, str],
    rules: CauseRules = DEFAULT_RULES,
    repositories: Iterable[RepositoryState] = (),
    can_retry: bool = True,
    is_one_of_many: bool = False,
) -> Findings:
    """Return what is to be said of a server's jobs; `reasons` are VBR's, by failed session."""
    listed = LISTED_OF_MANY_SERVERS if is_one_of_many else LISTED_JOBS
    kept = _KEPT_OF_MANY_SERVERS if is_one_of_many else _KEPT_OF_SERVER

    def reported(history: JobHistory) -> ReportedJob:
        return _reported(server, history, period, can_retry=can_retry)

    def group(fits: Callable[[JobHistory], bool]) -> JobGroup:
        found = [each for each in spoken if fits(each)]
        found.sort(key=lambda each: each.state.name.casefold())
        return JobGroup(total=len(found), jobs=tuple(map(reported, found[:listed])))

    spoken = [each for each in jobs if not each.is_muted]
    muted = [each for each in jobs if each.is_muted]
    failing = [each for each in spoken if each.is_failing]
    causes = _causes(failing, lambda each: _cause_of(server, each, reasons, rules), reported)
    full = [each for each in repositories if is_filling(each)]
    grid = sorted((each for each in spoken if any(_worst(each.days))), key=_badness)
    ended = [each.ended for each in jobs]
    return Findings(
        jobs_total=len(jobs),
        succeeded_runs=sum(each.get(Result.SUCCESS, 0) for each in ended),
        warned_runs=sum(each.get(Result.WARNING, 0) for each in ended),
        failed_runs=sum(each.get(Result.FAILED, 0) for each in ended),
        failing_total=len(failing),
        new_total=sum(_is_new(each, period) for each in failing),
        causes_total=len(causes),
        causes=_cut(causes[: listed if is_one_of_many else LISTED_CAUSES], listed, in_all=kept),
        fixed=group(lambda each: each.is_fixed),
        warned=group(lambda each: each.is_warned),
        running=group(lambda each: each.is_running),
        never_ran=group(lambda each: each.never_ran and not each.state.is_disabled),
        disabled=group(lambda each: each.state.is_disabled),
        muted=JobGroup(total=len(muted), jobs=tuple(map(reported, muted[:listed]))),
        muted_failing=sum(each.is_failing for each in muted),
        slower=group(lambda each: each.took_seconds is not None),
        repositories_total=len(full),
        repositories=tuple(
            _full(server, each) for each in sorted(full, key=lambda one: -(one.used_fraction or 0))[:listed]
        ),
        grid=JobGroup(total=len(grid), jobs=tuple(map(reported, grid[:GRID_ROWS]))),
        failed_by_day=tuple(
            day.count(DayLetter.FAILED) for day in zip(*(each.days for each in grid), strict=True)
        ),
    )


def _full(server: ServerName, repository: RepositoryState) -> FullRepository:
    return FullRepository(
        server=server,
        name=repository.name[:_NAME_CHARACTERS],
        used_fraction=repository.used_fraction,
        space=repository.space,
        is_offline=repository.is_online is False,
    )


def is_filling(repository: RepositoryState) -> bool:
    """Whether a repository is offline or running full."""
    return repository.is_online is False or (repository.used_fraction or 0) >= FILLING_FRACTION


def is_one_of_many(servers: int) -> bool:
    """Whether there are so many servers that less of each is listed."""
    return servers > _MANY_SERVERS


def merged(parts: Sequence[Findings]) -> Findings:
    """Return the findings of several servers as one, the totals added up and the lists cut again.

    Those of causes are still as long as what is done about all their jobs needs (`with_groups`).
    """
    by_key: defaultdict[str, list[FailureCause]] = defaultdict(list)
    for part in parts:
        for cause in part.causes:
            by_key[cause.key].append(cause)
    causes = [_one_cause(same) for same in by_key.values()]
    beyond = sum(part.causes_total - len(part.causes) for part in parts)
    return Findings(
        jobs_total=sum(part.jobs_total for part in parts),
        succeeded_runs=sum(part.succeeded_runs for part in parts),
        warned_runs=sum(part.warned_runs for part in parts),
        failed_runs=sum(part.failed_runs for part in parts),
        failing_total=sum(part.failing_total for part in parts),
        new_total=sum(part.new_total for part in parts),
        causes_total=len(causes) + beyond,
        causes=tuple(sorted(causes, key=_weight)[:LISTED_CAUSES]),
        fixed=_one_group([part.fixed for part in parts]),
        warned=_one_group([part.warned for part in parts]),
        running=_one_group([part.running for part in parts]),
        never_ran=_one_group([part.never_ran for part in parts]),
        disabled=_one_group([part.disabled for part in parts]),
        muted=_one_group([part.muted for part in parts]),
        muted_failing=sum(part.muted_failing for part in parts),
        slower=_one_group([part.slower for part in parts]),
        repositories_total=sum(part.repositories_total for part in parts),
        repositories=tuple(each for part in parts for each in part.repositories)[:LISTED_JOBS],
        grid=JobGroup(
            total=sum(part.grid.total for part in parts),
            jobs=tuple(
                sorted(
                    (job for part in parts for job in part.grid.jobs),
                    key=lambda job: (job.since is None, _worst(job.days)),
                )
            )[:GRID_ROWS],
        ),
        failed_by_day=tuple(
            map(sum, zip(*(part.failed_by_day for part in parts if part.failed_by_day), strict=True))
        ),
    )


def report_over(
    parts: Sequence[ServerReport],
    silent: Sequence[SilentAt],
    period: ReportPeriod,
    *,
    at: str,
    as_of: datetime,
    is_late: bool = False,
) -> Report:
    """Return the report over these servers; those that did not answer are named in it."""
    return Report(
        day=period.day_of(period.until).isoformat(),
        at=at,
        since=period.since,
        until=period.until,
        as_of=as_of,
        grid_days=tuple(day.isoformat() for day in period.days),
        findings=merged([part.findings for part in parts]),
        servers=tuple(part.server for part in parts),
        silent=tuple(silent),
        incomplete=tuple(
            CutOff(
                server=part.server,
                read_since=part.read_since if part.read_since > period.since else None,
                lacks=part.lacks,
            )
            for part in parts
            if part.lacks or part.read_since > period.since
        ),
        is_late=is_late,
    )


def _reported(
    server: ServerName, history: JobHistory, period: ReportPeriod, *, can_retry: bool
) -> ReportedJob:
    since, state = history.failing_since, history.state
    day = 0 if since is None else (period.day_of(period.until) - period.day_of(since)).days + 1
    is_new = _is_new(history, period)
    return ReportedJob(
        server=server,
        job_id=state.id,
        name=state.name[:_NAME_CHARACTERS],
        session_id=history.running or history.failed_session_id or state.session_id,
        since=since,
        day=max(1, day) if since is not None else 0,
        is_at_least=history.is_known_from and not is_new,
        is_new=is_new,
        can_retry=can_retry and history.is_failing and not state.is_immediate_copy,
        took_seconds=history.took_seconds,
        usually_took_seconds=history.usually_took_seconds,
        days=history.days,
    )


def _is_new(history: JobHistory, period: ReportPeriod) -> bool:
    """Whether it began to fail in the period, for all that was read: it may have failed before that."""
    since = history.failing_since
    return since is not None and since >= period.since and not history.is_known_from


class _CauseHere(NamedTuple):
    """What a failure is grouped by, what the cause is called, VBR's word for it, and what it is with."""

    key: str
    title: str | None = None
    reason: str | None = None
    resource: str | None = None


def _cause_of(
    server: ServerName, history: JobHistory, reasons: Mapping[str, str], rules: CauseRules
) -> _CauseHere:
    """The cause by the rules, else by VBR's words; those without a word are of one cause.

    A repository or a host is one server's.
    """
    session = history.failed_session
    own = says_why(session.result.message if session is not None and session.result is not None else None)
    reason = reasons.get(history.failed_session_id or "") or own
    if reason is None:
        return _CauseHere("")
    state = history.state
    finding = cause_of([reason], rules, names=(state.name, state.repository_name, server))
    if finding is None:
        return _CauseHere(gist(reason), reason=cut_in_middle(reason, _REASON_CHARACTERS))
    key = "\n".join(finding.common_key(state.repository_name, server))
    resource = finding.common_resource(state.repository_name)
    return _CauseHere(key, finding.cause.title, finding.line, resource)


def _causes(
    failing: Iterable[JobHistory],
    cause_of_job: Callable[[JobHistory], _CauseHere],
    reported: Callable[[JobHistory], ReportedJob],
) -> list[FailureCause]:
    """The failing jobs by cause, what is new first, and what concerns most."""
    groups: dict[str, list[JobHistory]] = {}
    found: dict[str, _CauseHere] = {}
    for history in failing:
        cause = cause_of_job(history)
        groups.setdefault(cause.key, []).append(history)
        found.setdefault(cause.key, cause)
    causes = []
    for key, jobs in groups.items():
        rows = sorted(map(reported, jobs), key=_urgency)
        causes.append(
            FailureCause(
                key=key,
                total=len(rows),
                new_total=sum(row.is_new for row in rows),
                title=found[key].title,
                resource=found[key].resource,
                reason=found[key].reason,
                jobs=tuple(rows[:GROUP_AT_MOST]),
            )
        )
    return sorted(causes, key=_weight)


def _cut(causes: Iterable[FailureCause], listed: int, *, in_all: int) -> tuple[FailureCause, ...]:
    """So many jobs of each as are named, and more of the first causes."""
    room, cut = in_all, []
    for cause in causes:
        jobs = cause.jobs[: max(listed, room)]
        room = max(0, room - len(jobs))
        cut.append(msgspec.structs.replace(cause, jobs=jobs))
    return tuple(cut)


def _one_cause(same: Sequence[FailureCause]) -> FailureCause:
    if len(same) == 1:
        return same[0]
    return FailureCause(
        key=same[0].key,
        total=sum(each.total for each in same),
        new_total=sum(each.new_total for each in same),
        title=same[0].title,
        resource=same[0].resource,
        reason=same[0].reason,
        jobs=tuple(sorted((job for each in same for job in each.jobs), key=_urgency)[:GROUP_AT_MOST]),
    )


def _one_group(groups: Sequence[JobGroup]) -> JobGroup:
    jobs = sorted((job for each in groups for job in each.jobs), key=lambda job: job.name.casefold())
    return JobGroup(total=sum(each.total for each in groups), jobs=tuple(jobs[:LISTED_JOBS]))


def _weight(cause: FailureCause) -> tuple[bool, int, int, str]:
    return (not cause.new_total, -cause.new_total, -cause.total, cause.key)


def _urgency(job: ReportedJob) -> tuple[bool, int, str]:
    return (not job.is_new, job.day, job.name.casefold())


def _badness(history: JobHistory) -> tuple[bool, int, int, str]:
    return (not history.is_failing, *_worst(history.days), history.state.name.casefold())


def _worst(days: str) -> tuple[int, int]:
    return (-days.count(DayLetter.FAILED), -days.count(DayLetter.WARNED))
