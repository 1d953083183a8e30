"""How jobs run: started by schedule, by hand, by a chain; progressing, stopped, retried.

Everything that will happen stands in a heap of due moments; ``tick`` works it off in order, each at its own
time, so that a clock that jumps by a day leaves the same history as one that creeps.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from bot.sandbox.vbr.book import Book
from bot.sandbox.vbr.kinds import KINDS
from bot.sandbox.vbr.outcomes import chosen_outcome
from bot.sandbox.vbr.progress import advance, close_session, plan_tasks, record_child, stop_run
from bot.sandbox.vbr.schedule import next_run, retry_policy
from bot.sandbox.vbr.state import Job, Outcome, Run, Session

SYSTEM = ".\\SYSTEM"
_RESYNCHRONIZE_EVERY = timedelta(minutes=15)


@dataclass(frozen=True)
class Pace:
    """How fast the world lives, in seconds: how long runs and stops take, how often a run begins.

    ``start_every`` (shortest, longest) makes a lively world: again and again some idle job is started as if
    it were due, whatever its schedule says. Without it only schedules start jobs.
    ``housekeeping`` lets the server resynchronize itself each quarter of an hour; ``has_child_sessions``
    gives the runs of copy jobs a child session, as they have on real servers.
    """

    run_seconds: tuple[float, float] = (300.0, 300.0)
    stop_seconds: float = 30.0
    start_every: tuple[float, float] | None = None
    housekeeping: bool = True
    has_child_sessions: bool = False


@dataclass(frozen=True)
class Start:
    """Why and how a run begins."""

    by: str = SYSTEM
    is_scheduled: bool = True
    follows_chain: bool = True
    is_full: bool = False
    attempt: int = 1
    only: Sequence[str] | None = None
    is_retry: bool = False


class Life:
    """What happens on the server as its time goes by."""

    def __init__(self, book: Book, zone: tzinfo, pace: Pace) -> None:
        self._book = book
        self._zone = zone
        self._pace = pace
        self._running: dict[str, Session] = {}
        self._due: list[tuple[datetime, int, str, str]] = []
        self._count = 0
        self._planned: dict[tuple[str, datetime], Outcome] = {}
        self._moments: dict[str, Callable[[str, datetime], None]] = {
            "schedule": self._on_schedule,
            "retry": self._on_retry,
            "planned": self._on_planned,
            "end": self._on_end,
            "beat": self._on_beat,
            "resynchronize": self._on_resynchronize,
        }

    def wake(self, now: datetime) -> None:
        """Begin the activities that no job causes. To be called once, when the world is there."""
        if self._pace.start_every is not None:
            self._plan_beat(now)
        if self._pace.housekeeping:
            self._at(now + _RESYNCHRONIZE_EVERY, "resynchronize", "")

    def tick(self, now: datetime) -> None:
        """Bring everything up to ``now``."""
        while self._due and self._due[0][0] <= now:
            at, _, kind, subject = heapq.heappop(self._due)
            self._moments[kind](subject, at)
        for session in self._running.values():
            advance(self._book, session, now)  # a purged session has no run any more and stays as it is

    def plan_next_run(self, job: Job, now: datetime) -> None:
        """Put the job's next scheduled run into the book, or none where it is disabled or manual."""
        job.rows.clear()
        job.next_run = None if job.is_disabled else next_run(job.schedule, now, self._zone)
        if job.next_run is not None:
            self._at(job.next_run, "schedule", job.id)

    def plan_run(self, job: Job, at: datetime, outcome: Outcome) -> None:
        """Let a run with this outcome begin then, unless the job is busy."""
        self._planned[job.id, at] = outcome
        self._at(at, "planned", job.id)

    def begin(self, job: Job, start: Start, now: datetime) -> Session:
        """Start a run of an idle job."""
        book = self._book
        kind = KINDS[job.type]
        objects = list(start.only if start.only is not None else job.objects)
        session = Session(
            id=book.new_id(), name=job.name, job_id=job.id, type=kind.session_type, created_at=now,
            platform=kind.platform, initiated_by=start.by, usn=book.next_usn(),
        )  # fmt: skip
        before = book.latest_session(job)
        if start.is_retry and before is not None:
            session.retries(before)
        length = job.run_seconds if job.run_seconds is not None else book.rng.uniform(*self._pace.run_seconds)
        session.run = run = Run(
            outcome=chosen_outcome(book.rng, job, objects),
            working_at=now + timedelta(seconds=length * 0.1),
            postprocessing_at=now + timedelta(seconds=length * 0.9),
            end_at=now + timedelta(seconds=length),
            is_scheduled=start.is_scheduled,
            attempt=start.attempt,
            follows_chain=start.follows_chain,
            is_full=start.is_full or (not job.restore_points and not job.last_run),
        )
        run.pending = plan_tasks(book, job, session, run, objects)
        book.sessions[session.id] = session
        self._running[session.id] = session
        job.session_id, job.last_run, job.attempt = session.id, now, start.attempt
        job.retry_at = None
        job.rows.clear()
        self._at(run.end_at, "end", session.id)
        return session

    def stop(self, session: Session, now: datetime, *, graceful: bool) -> None:
        """Stop a session in progress; it ends some seconds later, Failed, without a log."""
        run = session.run
        if run is None:
            close_session(session, now, "Failed", "")
            return
        stop_run(self._book, session, run, now, graceful=graceful)
        busy = [task.ends_at for task in self._book.tasks_of(session) if not task.is_stopped]
        waits_for = max([now, *busy]) if graceful else now
        run.end_at = waits_for + timedelta(seconds=self._pace.stop_seconds)
        self._at(run.end_at, "end", session.id)

    def _at(self, moment: datetime, kind: str, subject: str) -> None:
        self._count += 1
        heapq.heappush(self._due, (moment, self._count, kind, subject))

    def _on_schedule(self, job_id: str, at: datetime) -> None:
        job = self._book.jobs.get(job_id)
        if job is None or job.next_run != at or job.is_disabled:
            return
        if self._book.active_session(job) is None:
            self.begin(job, Start(), at)
        self.plan_next_run(job, at)

    def _on_retry(self, job_id: str, at: datetime) -> None:
        job = self._book.jobs.get(job_id)
        if job is None or job.retry_at != at or self._book.active_session(job) is not None:
            return
        self.begin(job, Start(attempt=job.attempt + 1, only=job.failed_objects or None, is_retry=True), at)

    def _on_planned(self, job_id: str, at: datetime) -> None:
        outcome, job = self._planned.pop((job_id, at)), self._book.jobs.get(job_id)
        if job is None or job.is_disabled or self._book.active_session(job) is not None:
            return
        job.plan.insert(0, outcome)
        self.begin(job, Start(), at)

    def _on_end(self, session_id: str, at: datetime) -> None:
        session = self._running.get(session_id)
        if session is None or session.run is None or session.run.end_at != at:
            return
        run = session.run
        advance(self._book, session, at)
        del self._running[session_id]
        session.run = None
        job = self._book.jobs.get(session.job_id)
        self._close(session, run, at)
        if job is not None:
            self._settle(job, session, run, at)

    def _close(self, session: Session, run: Run, at: datetime) -> None:
        if run.stop is None:
            close_session(session, at, run.outcome.result, run.outcome.message)
            session.log = run.outcome.log
        else:
            session.has_empty_log = True
            close_session(session, at, "Failed", session.message)
        session.usn = self._book.next_usn()
        if self._pace.has_child_sessions and session.type == "CopyBackup":
            record_child(self._book, session)

    def _settle(self, job: Job, session: Session, run: Run, at: datetime) -> None:
        job.rows.clear()
        job.last_result = session.result
        job.failed_objects = tuple(
            task.name for task in self._book.tasks_of(session) if task.result == "Failed"
        )
        policy = retry_policy(job.schedule)
        if (
            run.stop is None
            and run.is_scheduled
            and session.result == "Failed"
            and run.attempt <= policy.count
        ):
            job.retry_at = at + policy.wait
            self._at(job.retry_at, "retry", job.id)
            return
        if run.follows_chain:
            self._start_followers(job, at)
        if session.result in {"Success", "Warning"}:
            self._start_immediate_copies(job, at)

    def _start_followers(self, job: Job, at: datetime) -> None:
        for follower in list(self._book.successors(job)):
            if not follower.is_disabled and self._book.active_session(follower) is None:
                self.begin(follower, Start(), at)

    def _start_immediate_copies(self, job: Job, at: datetime) -> None:
        for copy in [other for other in self._book.jobs.values() if other.is_immediate_copy]:
            sources = copy.model["sourceObjects"]["includes"].get("jobs") or []
            is_idle = not copy.is_disabled and self._book.active_session(copy) is None
            if is_idle and any(source["id"] == job.id for source in sources):
                self.begin(copy, Start(only=tuple(job.objects)), at)

    def _plan_beat(self, now: datetime) -> None:
        if self._pace.start_every is not None:
            pause = self._book.rng.uniform(*self._pace.start_every)
            self._at(now + timedelta(seconds=pause), "beat", "")

    def _on_beat(self, _: str, at: datetime) -> None:
        idle = [
            job for job in self._book.jobs.values()
            if self._book.active_session(job) is None and job.retry_at is None and not job.is_disabled
            and not job.is_immediate_copy and job.schedule.get("runAutomatically") and job.predecessor is None
        ]  # fmt: skip
        if idle:
            self.begin(self._book.rng.choice(idle), Start(), at)
        self._plan_beat(at)

    def _on_resynchronize(self, _: str, at: datetime) -> None:
        book = self._book
        session = Session(
            id=book.new_id(), name="Configuration Resynchronize", job_id=book.new_id(),
            type="ConfigurationResynchronize", created_at=at - timedelta(seconds=9), platform="VMware",
            initiated_by="SYSTEM", usn=book.next_usn(),
        )  # fmt: skip
        close_session(session, at, "Success", "")
        book.sessions[session.id] = session
        self._at(at + _RESYNCHRONIZE_EVERY, "resynchronize", "")
