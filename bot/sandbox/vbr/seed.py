"""Seeded worlds: a site's jobs, their history of a month, and the noise of a real server around them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from bot.sandbox.vbr.credentials import add_credentials
from bot.sandbox.vbr.estate import add_proxy, add_repository, add_scale_out_repository
from bot.sandbox.vbr.history import FinishedRun, record_run
from bot.sandbox.vbr.jobmodels import daily, never, periodically
from bot.sandbox.vbr.life import Pace, Start
from bot.sandbox.vbr.machines import add_protection_group, virtual_machine
from bot.sandbox.vbr.noise import record_noise
from bot.sandbox.vbr.outcomes import drawn_outcome, failed_outcome
from bot.sandbox.vbr.progress import record_child
from bot.sandbox.vbr.schedule import parse_local_time, retry_policy
from bot.sandbox.vbr.seed_data import SITES, JobSeed
from bot.sandbox.vbr.state import Job, Outcome
from bot.sandbox.vbr.world import JobFacts, World

#: The demo's pace: runs of 20 to 45 seconds, one begun every 20 to 40.
LIVELY = Pace(run_seconds=(20.0, 45.0), stop_seconds=6.0, start_every=(20.0, 40.0), has_child_sessions=True)
#: A real server's pace.
CALM = Pace(run_seconds=(300.0, 3600.0), has_child_sessions=True)

_STAYS_BROKEN = 0.5
_USUAL_FAILURE_RATE = 0.05
_LONGEST_RUN = timedelta(minutes=90)


@dataclass(frozen=True)
class Seeding:
    """How a world is seeded. ``await_minutes`` is the pause before automatic retries of all its jobs."""

    pace: Pace = CALM
    await_minutes: int = 10
    history_days: int = 30
    seed: int = 13


def seeded_world(clock: Callable[[], datetime], site: str = "hq", seeding: Seeding | None = None) -> World:
    """Make the world of a site, ``hq`` or ``branch``, with its history up to the clock's present moment."""
    plan, seeding = SITES[site], seeding or Seeding()
    world = World(
        clock,
        name=f"vbr-{plan.name}",
        seed=seeding.seed + len(plan.jobs),
        zone=timezone(timedelta(hours=plan.utc_offset_hours)),
        pace=seeding.pace,
    )
    world.book.repositories.clear()
    repositories = [add_repository(world.book, facts) for facts in plan.repositories]
    world.default_repository_id = repositories[0].id
    scale_outs = [
        add_scale_out_repository(world.book, each.name, each.extents) for each in plan.scale_out_repositories
    ]
    repository_ids = [*(each.id for each in repositories), *(each.id for each in scale_outs)]
    for name, kind in plan.proxies:
        add_proxy(world.book, name, kind)
    for group in plan.groups:
        add_protection_group(world.book, group.name, group.computers, group.kind)
    for name in plan.machines_elsewhere:
        virtual_machine(world.book, world.other_host_name, name)
    since = world.now() - timedelta(days=400)
    for username, kind, description in plan.credentials:
        add_credentials(world.book, username, since, kind=kind, description=description)
    for seed in plan.jobs:
        job = world.add_job(seed.name, seed.kind, **_facts(seed, repository_ids, seeding))
        if seed.has_run:
            _record_history(world, job, seed, seeding)
    record_noise(world, plan.people, seeding.history_days)
    _begin_running(world, [seed.name for seed in plan.jobs if seed.is_running], seeding.pace)
    return world


def _facts(seed: JobSeed, repository_ids: list[str], seeding: Seeding) -> JobFacts:
    facts: JobFacts = {
        "objects": seed.objects,
        "objects_count": 1 if seed.kind == "Unknown" else len(seed.objects),
        "is_disabled": seed.is_disabled,
        "is_high_priority": seed.is_high_priority,
        "failure_rate": seed.failure_rate,
        "warning_rate": seed.warning_rate,
        "repository_id": repository_ids[seed.repository],
        "mode": seed.mode,
        "await_minutes": seeding.await_minutes,
        "schedule": never(),
    }
    if seed.at is not None:
        facts["schedule"] = daily(seed.at, retries=seed.retries, await_minutes=seeding.await_minutes)
    if seed.every_hours is not None:
        facts["schedule"] = periodically(seed.every_hours, await_minutes=seeding.await_minutes)
    if seed.after is not None:
        facts["runs_after"] = seed.after
    if seed.guest is not None:
        facts["guest"] = seed.guest
    if seed.source is not None:
        facts["source"] = seed.source
    return facts


def _begin_running(world: World, names: Sequence[str], pace: Pace) -> None:
    """Begin runs that have come far already, and end one after the other soon."""
    shortest, longest = pace.run_seconds
    for number, name in enumerate(names, start=1):
        job = world.job(name)
        job.run_seconds = longest
        left = min(shortest * number, longest * 0.9)
        world.life.begin(job, Start(), world.now() - timedelta(seconds=longest - left))
        job.run_seconds = None


def _record_history(world: World, job: Job, seed: JobSeed, seeding: Seeding) -> None:
    """Record a run a day. The last ``failed_runs`` failed, all for one reason; hardly any other one did."""
    starts = _starts(world, seed, seeding)
    broken = failed_outcome(world.book.rng, job.objects)
    for left, started_at in zip(range(len(starts) - 1, -1, -1), starts, strict=True):
        job.failure_rate = 0.0 if left == seed.failed_runs else min(seed.failure_rate, _USUAL_FAILURE_RATE)
        _record_attempts(world, job, started_at, broken if left < seed.failed_runs else None)
    job.failure_rate = _STAYS_BROKEN if seed.failed_runs else seed.failure_rate


def _starts(world: World, seed: JobSeed, seeding: Seeding) -> list[datetime]:
    at = parse_local_time(seed.at or "03:30")
    today = world.now().astimezone(world.zone).date()
    days = (today - timedelta(days=ago) for ago in range(seeding.history_days, -1, -1))
    starts = (
        datetime.combine(day, at, world.zone) + timedelta(seconds=world.book.rng.uniform(0, 40))
        for day in days
    )
    return [start for start in starts if start + _LONGEST_RUN <= world.now()]


def _record_attempts(world: World, job: Job, started_at: datetime, broken: Outcome | None) -> None:
    policy, only, before = retry_policy(job.schedule), None, None
    for _ in range(policy.count + 1):
        seconds = world.book.rng.uniform(120, _LONGEST_RUN.total_seconds())
        ended_at = started_at + timedelta(seconds=seconds)
        if ended_at > world.now():
            return
        outcome = broken or drawn_outcome(world.book.rng, job, only or job.objects)
        run = FinishedRun(
            ended_at, outcome.result, outcome.objects, outcome.warned, outcome.message, outcome.log, seconds
        )
        before = session = record_run(world.book, job, replace(run, only=only, retry_of=before))
        if job.type == "BackupCopy":
            record_child(world.book, session)
        if outcome.result != "Failed":
            return
        only = job.failed_objects or None
        started_at = ended_at + policy.wait
