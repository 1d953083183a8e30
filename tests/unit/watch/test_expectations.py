"""What did not happen, judged by what was seen: a month over each night of a clock change, and each kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.sandbox.vbr import World
from bot.sandbox.vbr.jobmodels import daily, periodically
from bot.sandbox.vbr.life import Pace
from bot.sandbox.vbr.state import Job, Outcome, Session
from bot.settings import ExpectationSettings
from bot.store import ExpectedJob
from bot.veeam import (
    ConfigBackup,
    JobId,
    JobState,
    Licence,
    RepositoryState,
    RunAfterJob,
    SessionId,
    SessionProgress,
)
from bot.watch import expectations as judging
from bot.watch.expectations import JOB_KINDS, Kind, Rule, RunSample, Sight, Unmet
from tests.unit.watch.builders import NOON, session

BERLIN = ZoneInfo("Europe/Berlin")
GIB = 1024**3
SUNDAY = 6
LOOK = timedelta(minutes=10)
DAY = timedelta(days=1)
STANDARD = ExpectationSettings.model_validate({"channel": "C0PROD", "preset": "standard"})


def expecting(**limits: Any) -> Mapping[Kind, Rule]:
    return judging.job_rules(
        [ExpectationSettings.model_validate({"channel": "C0PROD", **limits})], "hq", "SQL"
    )


def state(**more: Any) -> JobState:
    """A daily job at rest whose latest run went well half a day ago."""
    given: dict[str, Any] = {
        "id": JobId("j1"),
        "name": "SQL",
        "status": "stopped",
        "last_run": NOON - timedelta(hours=12),
        "last_result": "Success",
        "next_run": NOON + timedelta(hours=12),
        "session_id": SessionId("s1"),
        **more,
    }
    return JobState(**given)


def job(**more: Any) -> ExpectedJob:
    return ExpectedJob(job_id="j1", **{"known_since": NOON - 30 * DAY, **more})


def sight(now: datetime = NOON, *, seen_since: datetime = NOON - 30 * DAY, is_blind: bool = False) -> Sight:
    return Sight(now, BERLIN, seen_since, is_blind=is_blind)


def judged(
    seen: JobState, before: ExpectedJob, rules: Mapping[Kind, Rule], at: Sight, **more: Any
) -> set[Kind]:
    """What is not as expected, of what was seen before and is seen now."""
    verdicts = judging.judge_job(judging.observed(before, seen, at), seen, rules, at, **more)
    return {kind for kind, unmet in verdicts.items() if unmet is not None}


# --- a month


@dataclass
class Month:
    """A simulated server, looked at every ten minutes as the watcher does; what was told, in order.

    Its runs are now longer and now shorter, and read now more and now less.
    """

    begins: datetime
    now: datetime = field(init=False)
    world: World = field(init=False)
    told: list[tuple[Kind, str, datetime]] = field(default_factory=list)
    over: list[tuple[Kind, str]] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, ExpectedJob] = field(default_factory=dict)
    runs: dict[str, list[RunSample]] = field(default_factory=dict)
    standing: dict[tuple[Kind, str], Unmet] = field(default_factory=dict)
    looked_at: datetime | None = None
    seen_since: datetime = NOON

    def __post_init__(self) -> None:
        self.now = self.begins
        pace = Pace(run_seconds=(900.0, 2700.0), housekeeping=False)
        self.world = World(lambda: self.now, zone=BERLIN, pace=pace)
        add = self.world.add_job
        add("Evening", schedule=daily("22:00"))
        add("In the night", schedule=daily("02:30"))
        add("Just before", schedule=daily("01:50"))
        add("Each hour", schedule=periodically(1))
        add("Each four hours", schedule=periodically(4))
        add("On weekdays", schedule=daily("23:00", "WeekDays"))
        add("Chained", runs_after="On weekdays")
        add("By hand")

    def pass_until(self, end: datetime, *, blind: tuple[datetime, datetime] | None = None) -> None:
        while self.now < end:
            self.now += LOOK
            self.world.tick()
            if blind is None or not blind[0] <= self.now < blind[1]:
                self.look()

    def look(self) -> None:
        is_blind = self.looked_at is None or self.now - self.looked_at > timedelta(minutes=15)
        if is_blind:
            self.seen_since = self.now
        at = Sight(self.now, BERLIN, self.seen_since, is_blind=is_blind)
        names = {each.name: each.id for each in self.world.jobs}
        for each in self.world.jobs:
            self.judge(self.state_of(each, names), at)
        self.looked_at = self.now

    def judge(self, seen: JobState, at: Sight) -> None:
        leading = self.jobs.get(seen.run_after_job.job_id or "") if seen.run_after_job else None
        followed = leading.last_good_at if leading else None
        known = judging.observed(self.jobs.get(seen.id), seen, at, followed_at=followed)
        rules = judging.job_rules([STANDARD], "hq", seen.name)
        runs = self.runs.get(seen.id, [])
        usual = judging.usual_seconds_of(runs, None)
        verdicts = judging.judge_job(known, seen, rules, at, usual_seconds=usual)
        if judging.is_new_run(known, seen):
            sample = judging.sample_of(known, seen, None)
            if sample is not None:
                verdicts[Kind.ODD_SUCCESS] = judging.judge_size(seen, sample, runs, rules[Kind.ODD_SUCCESS])
                self.runs[seen.id] = judging.with_sample(runs, sample)
            known = judging.after_run(known, seen)
        self.jobs[seen.id] = known
        for kind, unmet in verdicts.items():
            key = (kind, seen.name)
            if unmet is None and self.standing.pop(key, None) is not None:
                self.over.append(key)
            if unmet is not None and key not in self.standing:
                self.standing[key] = unmet
                self.told.append((*key, self.now))

    def state_of(self, each: Job, names: Mapping[str, str]) -> JobState:
        run = self.world.book.active_session(each)
        last = self.world.book.sessions.get(each.session_id or "")
        length = (last.ended_at - last.created_at) if last is not None and last.ended_at is not None else None
        progress = SessionProgress(
            duration=None if length is None else str(length).partition(".")[0].zfill(8),
            read_size=self.sizes.get(each.name, _usual_size(last)),
            processed_size=90 * GIB,
        )
        after = each.predecessor
        return JobState(
            id=JobId(each.id),
            name=each.name,
            status="disabled" if each.is_disabled else "running" if run is not None else "stopped",
            last_run=each.last_run,
            last_result="None" if run is not None else each.last_result,
            next_run=each.next_run,
            session_id=SessionId(each.session_id) if each.session_id else None,
            session_progress=progress if last is not None else None,
            run_after_job=None if after is None else RunAfterJob(after, JobId(names[after])),
        )


def _usual_size(session: Session | None) -> int:
    """What a run reads: some more, some less; all of it on Sundays."""
    if session is None:
        return 0
    if session.created_at.astimezone(BERLIN).weekday() == SUNDAY:
        return 85 * GIB
    return int(Random(session.id).uniform(1.5, 12) * GIB)  # noqa: S311 -- no secret


MONTHS = {
    "clocks go forward": (datetime(2026, 3, 9, 12, tzinfo=UTC), datetime(2026, 3, 28, 19, tzinfo=UTC)),
    "clocks go back": (datetime(2026, 10, 5, 12, tzinfo=UTC), datetime(2026, 10, 24, 19, tzinfo=UTC)),
}


@pytest.mark.parametrize(("begins", "blind_from"), MONTHS.values(), ids=MONTHS)
def test_a_month_with_an_outage_over_a_clock_change(begins: datetime, blind_from: datetime) -> None:
    """Thirty days of runs as they should be tell nothing, although nobody looked for six hours that night.

    Then each kind happens once, and is told once, at its time, and is over when it is.
    """
    month = Month(begins)
    month.pass_until(blind_from + DAY, blind=(blind_from, blind_from + timedelta(hours=6)))
    second_outage = blind_from + 2 * DAY
    month.pass_until(begins + 30 * DAY, blind=(second_outage, second_outage + timedelta(hours=6)))
    assert month.told == []

    # From noon on: a job is disabled, one fails for days, one loses its start, one takes ten times as long.
    noon = month.now
    world = month.world
    world.job("Each four hours").model["isDisabled"] = True
    world.plan("In the night", [Outcome("Failed", message="no")] * 8)
    lost = world.job("Evening")
    evening = lost.next_run
    assert evening is not None
    lost.next_run = evening + timedelta(seconds=1)  # nothing in the world's diary begins it
    world.job("Just before").run_seconds = 15_000
    month.pass_until(noon + timedelta(hours=30))
    world.job("Just before").run_seconds = None
    month.sizes["Each hour"] = 0
    month.pass_until(noon + timedelta(hours=33))
    month.sizes.clear()
    by_kind = {kind: (name, at) for kind, name, at in month.told}
    assert len(month.told) == len(by_kind) == len(JOB_KINDS), month.told
    assert by_kind[Kind.DISABLED][0] == "Each four hours"
    assert timedelta() <= by_kind[Kind.DISABLED][1] - noon - DAY <= 2 * LOOK
    assert by_kind[Kind.NO_SUCCESS][0] == "In the night"
    assert by_kind[Kind.NOT_STARTED][0] == "Evening"
    assert timedelta() <= by_kind[Kind.NOT_STARTED][1] - evening - timedelta(hours=1) <= 2 * LOOK
    assert by_kind[Kind.TOO_LONG][0] == "Just before"
    assert by_kind[Kind.ODD_SUCCESS][0] == "Each hour"

    # And all of it is over.
    enabled = world.job("Each four hours")
    enabled.model["isDisabled"] = False
    world.life.plan_next_run(enabled, month.now)
    world.job("In the night").plan.clear()
    world.begin_run("Evening")
    month.pass_until(noon + timedelta(hours=96))
    assert sorted(month.over) == sorted((kind, name) for kind, name, _ in month.told)
    assert len(month.told) == len(JOB_KINDS)


# --- one kind after the other


def test_what_is_given_is_meant_literally_and_the_preset_only_where_a_run_was_due() -> None:
    """A weekly job has no success for days: the preset waits for its run, an explicit limit does not."""
    weekly = state(last_run=NOON - 3 * DAY, next_run=NOON + 4 * DAY)
    by_hand = state(last_run=NOON - 3 * DAY, next_run=None)
    explicit, preset = expecting(success_within_hours=26), expecting(preset="standard")
    for seen in (weekly, by_hand):
        assert judged(seen, job(), explicit, sight()) == {Kind.NO_SUCCESS}
        assert judged(seen, job(), preset, sight()) == set()
    failed = state(last_run=NOON - timedelta(hours=1), last_result="Failed")
    before = job(last_good_at=NOON - 7 * DAY)
    assert judged(failed, before, preset, sight()) == set()
    assert judged(failed, before, preset, sight(NOON + timedelta(hours=1))) == {Kind.NO_SUCCESS}


def test_a_new_job_has_as_long_as_any_other() -> None:
    """A job that never ran is due so many hours after the bot first saw it, not at once."""
    rules, never = (
        expecting(success_within_hours=26),
        state(last_run=None, last_result="None", session_id=None),
    )
    seen = judging.observed(None, never, sight())
    assert judging.judge_job(seen, never, rules, sight())[Kind.NO_SUCCESS] is None
    assert judged(never, seen, rules, sight(NOON + timedelta(hours=26))) == {Kind.NO_SUCCESS}


def test_a_schedule_that_is_gone_is_noticed() -> None:
    """Somebody takes a job's schedule away: by the preset it is told once its next run would be over."""
    due_at = NOON + timedelta(hours=10)
    manual = state(next_run=None)
    before = judging.observed(job(due_at=due_at), manual, sight())
    at = sight(due_at + timedelta(hours=5))
    assert judged(manual, before, expecting(preset="standard"), at) == {Kind.NO_SUCCESS}


@pytest.mark.parametrize(
    "seen",
    [
        state(last_run=NOON - timedelta(minutes=119)),
        state(last_run=NOON - timedelta(hours=30), status="running", last_result="None"),
        state(
            last_run=NOON - timedelta(hours=5),
            session_progress=SessionProgress(duration="04:00:00"),
        ),
        state(status="disabled"),
    ],
    ids=["started", "still running from before", "was running at its time", "disabled"],
)
def test_a_start_that_was_no_miss(seen: JobState) -> None:
    """A run that began, one that kept the next from beginning, or a job that is disabled."""
    due = job(due_at=NOON - timedelta(hours=2))
    assert Kind.NOT_STARTED not in judged(seen, due, expecting(start_within_minutes=60), sight())
    missed = state(next_run=NOON + timedelta(hours=22))
    assert judged(missed, due, expecting(start_within_minutes=60), sight()) == {Kind.NOT_STARTED}


def test_nobody_is_blamed_for_what_nobody_saw() -> None:
    """Back after a gap, a start is waited for anew; one whose time of day has changed is dropped."""
    rules, due = expecting(start_within_minutes=60), job(due_at=NOON - timedelta(hours=3))
    late = state(next_run=NOON - timedelta(hours=3))
    back = sight(seen_since=NOON, is_blind=True)
    assert judged(late, due, rules, back) == set()
    assert judged(late, due, rules, sight(NOON + timedelta(hours=1), seen_since=NOON)) == {Kind.NOT_STARTED}
    moved = state(next_run=NOON + timedelta(hours=5))
    kept = judging.observed(due, moved, back)
    assert kept.due_at == moved.next_run


def test_an_immediate_copy_has_no_start_and_no_end() -> None:
    """VBR says that its next run lies in the past, and its session goes on for days."""
    copy = state(
        backup_copy_mode="Immediate",
        status="running",
        last_run=NOON - 3 * DAY,
        next_run=NOON - 3 * DAY,
    )
    before = job(last_good_at=NOON - 4 * DAY)
    assert judged(copy, before, expecting(preset="standard"), sight(), usual_seconds=60) == set()


def test_a_short_run_may_vary() -> None:
    """Three times of two minutes is no news; three times of two hours is."""
    rules = expecting(longer_than_usual=3)
    running = state(status="Running", last_run=NOON - timedelta(hours=7), last_result="None")
    assert judged(running, job(), rules, sight(), usual_seconds=7200) == {Kind.TOO_LONG}
    assert judged(running, job(), rules, sight(), usual_seconds=None) == set()
    short = state(status="Running", last_run=NOON - timedelta(minutes=10), last_result="None")
    assert judged(short, job(), rules, sight(), usual_seconds=120) == set()


def test_like_is_compared_with_like() -> None:
    """Fulls with fulls; what is usual for a run of unknown kind may be a full's; eight are needed."""
    incrementals = [RunSample(is_full=False, seconds=600, size=5 * GIB)] * 8
    full = RunSample(is_full=True, seconds=9000, size=90 * GIB)
    assert judging.usual_seconds_of(incrementals[1:], None) is None
    assert judging.usual_seconds_of([*incrementals, full], None) == 9000
    assert judging.usual_seconds_of([*incrementals, full], session(name="SQL (Full)")) is None
    assert judging.usual_seconds_of([*incrementals, full], session(name="SQL (Incremental)")) == 600
    kept = [full]
    for _ in range(40):
        kept = judging.with_sample(kept, incrementals[0])
    assert len(kept) == judging.LIKE_RUNS_KEPT + 1


@pytest.mark.parametrize(
    ("size", "learnt", "is_odd"),
    [
        (0, 8, True),
        (0, 7, False),
        (GIB // 2, 8, True),
        (50 * GIB, 8, True),
        (2 * GIB, 8, False),
        (40 * GIB, 8, False),
    ],
    ids=["none", "still learning", "a tenth", "ten times", "less", "more"],
)
def test_a_success_of_unusual_size(size: int, learnt: int, *, is_odd: bool) -> None:
    """A tenth, ten times or none of the median of eight like runs."""
    runs = [RunSample(is_full=False, seconds=600, size=5 * GIB)] * learnt
    rule = expecting(unusual_size=10)[Kind.ODD_SUCCESS]
    sample = RunSample(is_full=False, seconds=600, size=size)
    assert (judging.judge_size(state(), sample, runs, rule) is not None) is is_odd


def test_what_a_job_had_before_is_not_unusual() -> None:
    """A quiet Sunday among a fortnight's runs makes the next one usual."""
    runs = [RunSample(is_full=False, seconds=600, size=50 * GIB)] * 12
    rule = expecting(unusual_size=10)[Kind.ODD_SUCCESS]
    sunday = RunSample(is_full=False, seconds=60, size=2 * GIB)
    assert judging.judge_size(state(), sunday, runs, rule) is not None
    assert judging.judge_size(state(), sunday, judging.with_sample(runs, sunday), rule) is None


def test_a_retry_says_nothing_of_what_is_usual() -> None:
    """It does only what was left: by its name, or because the run before it failed."""
    seen = state(
        session_progress=SessionProgress(duration="00:10:00", read_size=GIB, processed_size=90 * GIB)
    )
    assert judging.sample_of(job(), seen, None) == RunSample(is_full=False, seconds=600, size=GIB)
    assert judging.sample_of(job(), seen, session(name="SQL (Retry 1)")) is None
    assert judging.sample_of(job(was_good=False), seen, None) is None
    old = state(session_progress=None)
    assert judging.sample_of(job(), old, session()) == RunSample(is_full=False, seconds=300, size=None)


def test_the_first_that_names_a_kind_judges_it() -> None:
    """Of several expectations for a job each kind is the first one's that has it."""
    given = [
        {"channel": "C0A", "jobs": ["sql*"], "success_within_hours": 4},
        {"channel": "C0B", "preset": "standard", "disabled_longer_than_hours": 1},
        {"channel": "C0C", "servers": ["dr"], "licence_days": 1},
    ]
    expectations = [ExpectationSettings.model_validate(each) for each in given]
    rules = judging.job_rules(expectations, "hq", "SQL")
    assert (rules[Kind.NO_SUCCESS].channel, rules[Kind.NO_SUCCESS].limit) == ("C0A", 4)
    assert (rules[Kind.DISABLED].channel, rules[Kind.DISABLED].is_preset) == ("C0B", False)
    assert judging.job_rules(expectations, "hq", "Oracle")[Kind.NO_SUCCESS] == Rule(
        26, "C0B", None, is_preset=True
    )
    assert judging.server_rules(expectations, "hq")[Kind.LICENCE].channel == "C0B"


# --- what is the server's


def filling(start: float, a_day: float, days: int = 10) -> list[tuple[date, float]]:
    return [(date(2026, 11, 14) + timedelta(days=day), start - day * a_day) for day in range(days)]


@pytest.mark.parametrize(
    ("free", "samples", "stands", "is_told"),
    [
        (90, [], False, True),
        (110, [], False, False),
        (110, [], True, True),
        (130, [], True, False),
        (300, filling(500, 22), False, True),
        (300, filling(500, 22, days=5), False, False),
        (300, filling(350, 5), False, False),
        (300, filling(100, -20), False, False),
    ],
    ids=[
        "below", "above", "barely better", "clearly better",
        "full in two weeks", "too few days", "full in two months", "gets emptier",
    ],
)  # fmt: skip
def test_a_repository_that_runs_full(
    free: float, samples: list[tuple[date, float]], *, stands: bool, is_told: bool
) -> None:
    """Too little is free of 1,000 GB, or nothing will be within two weeks; to and fro is not told twice."""
    seen = RepositoryState(id="r1", name="Main", capacity_gb=1000, free_gb=free)
    rule = Rule(10, "C0PROD", None)
    assert (judging.judge_repository(seen, samples, rule, NOON, stands=stands) is not None) is is_told


def test_a_licence_and_a_configuration_backup() -> None:
    """Within so many days of its end; older than so many days, or none since the bot knows the server."""
    rule = Rule(30, "C0PROD", None)
    ends = NOON + 29 * DAY
    unmet = judging.judge_licence(Licence(expiration_date=ends), rule, NOON)
    assert unmet is not None
    assert (unmet.at, unmet.since) == (ends, NOON - DAY)
    assert judging.judge_licence(Licence(expiration_date=NOON + 31 * DAY), rule, NOON) is None
    assert judging.judge_licence(Licence(), rule, NOON) is None
    week = Rule(7, "C0PROD", None)
    for known_days, is_told in ((6, False), (8, True)):
        known_since = NOON - known_days * DAY
        found = judging.judge_config_backup(ConfigBackup(), week, NOON, known_since=known_since)
        assert (found is not None) is is_told
