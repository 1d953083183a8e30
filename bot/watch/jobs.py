"""What is known of a server's jobs: names, types, retries, and which session types they produce."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.observability import Clock
from bot.veeam import Job, JobId, JobState, NotFoundOnServer, RetryPolicy, Session, VeeamError, VeeamServer
from bot.watch.classify import is_strange

_KNOWN_FOR = timedelta(minutes=10)
_SAMPLES = 3

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KnownJob:
    """A job's name and type, as VBR has them."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class _Retries:
    policy: RetryPolicy | None
    read_at: datetime


def _retries(job: Job) -> RetryPolicy | None:
    """A schedule that doesn't speak of retries has none: so the document's default."""
    return job.retry or (None if job.runs_automatically is None else RetryPolicy(enabled=False))


class JobBook:
    """The jobs of one server, looked up as sessions need them and read whole once an hour."""

    def __init__(self, server: VeeamServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._jobs: dict[JobId, KnownJob] = {}
        self._strangers: dict[JobId, datetime] = {}
        self._retries: dict[JobId, _Retries] = {}
        self._sampled: set[str] = set()
        self._learned: set[str] = set()

    @property
    def ids(self) -> frozenset[JobId]:
        """The jobs that are known."""
        return frozenset(self._jobs)

    @property
    def learned_types(self) -> tuple[str, ...]:
        """Session types that jobs of this server were seen to produce and that no document names."""
        return tuple(sorted(self._learned))

    async def refresh(self) -> None:
        """Read all jobs, and learn which session types they produce. Raises VeeamError."""
        by_type: dict[str, list[JobState]] = defaultdict(list)
        jobs: dict[JobId, KnownJob] = {}
        async for state in self._server.every_job_state():
            jobs[state.id] = KnownJob(state.name, state.type)
            by_type[state.type].append(state)
        self._jobs = jobs
        for job_type in by_type.keys() - self._sampled:
            if await self._learn(by_type[job_type]):
                self._sampled.add(job_type)

    async def of(self, session: Session) -> KnownJob | None:
        """Return a session's job; None where it is no job's. Raises VeeamError when the server is silent."""
        job_id = session.job_id
        if job_id is None:
            return None
        known = self._jobs.get(job_id)
        if known is not None and known.name == session.name:
            return known
        asked_at = self._strangers.get(job_id)
        if asked_at is not None and self._clock.now() - asked_at < _KNOWN_FOR:
            return known
        return await self._looked_up(job_id) or known

    async def retries_of(self, job_id: JobId) -> RetryPolicy | None:
        """Return how VBR retries a job; None if unsaid. Raises VeeamError when the server is silent."""
        held = self._retries.get(job_id)
        if held is None or self._clock.now() - held.read_at >= _KNOWN_FOR:
            try:
                policy = _retries(await self._server.job(job_id))
            except VeeamError as error:
                self._unsaid(error)
                policy = None
            held = self._retries[job_id] = _Retries(policy, self._clock.now())
        return held.policy

    async def _looked_up(self, job_id: JobId) -> KnownJob | None:
        try:
            state = await self._server.job_state(job_id)
        except VeeamError as error:
            self._unsaid(error)
            state = None
        if state is None:
            self._strangers[job_id] = self._clock.now()
            return None
        self._jobs[job_id] = KnownJob(state.name, state.type)
        # A session may bear another name than its job; it is not asked about each time.
        self._strangers[job_id] = self._clock.now()
        return self._jobs[job_id]

    def _unsaid(self, error: VeeamError) -> None:
        if not error.reached_server:
            raise error
        log.debug("watch.job_unknown", server=self._server.name, problem=str(error))

    async def _learn(self, states: Iterable[JobState]) -> bool:
        sessions = [state.session_id for state in states if state.session_id is not None]
        for session_id in sessions[:_SAMPLES]:
            try:
                session = await self._server.session(session_id)
            except NotFoundOnServer:
                continue
            if is_strange(session):
                self._learned.add(session.session_type)
                log.info("watch.type_learned", server=self._server.name, session_type=session.session_type)
            return True
        return False
