"""What is known of a server's jobs: names, types, retries, and which session types they produce."""

from collections import defaultdict
from collections.abc import Iterable, KeysView
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.observability import Clock
from bot.veeam import JobId, JobState, NotFoundOnServer, RetryPolicy, Session, VeeamError, VeeamServer
from bot.watch.sessions import is_undocumented

_KEPT = timedelta(minutes=10)
_SAMPLES = 3

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CachedJob:
    """A job's name and type, as VBR has them."""

    name: str
    type: str


class JobCache:
    """The jobs of one server, looked up as sessions need them and all read again once an hour."""

    def __init__(self, server: VeeamServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._jobs: dict[JobId, CachedJob] = {}
        self._looked_up_at: dict[JobId, datetime] = {}
        self._all_read_at: datetime | None = None
        self._retries: dict[JobId, tuple[RetryPolicy | None, datetime]] = {}
        self._sampled: set[str] = set()
        self._learned: set[str] = set()

    @property
    def ids(self) -> KeysView[JobId]:
        """The jobs that are known, as they are whenever it is looked at."""
        return self._jobs.keys()

    @property
    def learned_types(self) -> tuple[str, ...]:
        """Session types that this server's jobs produce and that no document names."""
        return tuple(sorted(self._learned))

    async def refresh(self) -> None:
        """Read all jobs, and learn which session types they produce. Raises VeeamError."""
        by_type: dict[str, list[JobState]] = defaultdict(list)
        jobs: dict[JobId, CachedJob] = {}
        async for state in self._server.every_job_state():
            jobs[state.id] = CachedJob(state.name, state.type)
            by_type[state.type].append(state)
        self._jobs = jobs
        self._all_read_at = self._clock.now()
        for job_type in by_type.keys() - self._sampled:
            if await self._learn(by_type[job_type]):
                self._sampled.add(job_type)

    async def read_ahead(self) -> None:
        """Read all jobs, unless they were lately: for many sessions, one by one takes more requests.

        Raises VeeamError if the server doesn't answer.
        """
        if self._all_read_at is not None and self._clock.now() - self._all_read_at < _KEPT:
            return
        try:
            await self.refresh()
        except VeeamError as error:
            self._ignore_answer(error)

    async def job_of(self, session: Session) -> CachedJob | None:
        """Return a session's job; None if it has none. Raises VeeamError if the server doesn't answer."""
        job_id = session.job_id
        if job_id is None:
            return None
        known = self._jobs.get(job_id)
        if known is not None and known.name == session.name:
            return known
        # A session may bear another name than its job: such a job is looked up now and then, not each time.
        asked_at = self._looked_up_at.get(job_id, None if known is None else self._all_read_at)
        if asked_at is not None and self._clock.now() - asked_at < _KEPT:
            return known
        try:
            state = await self._server.job_state(job_id)
        except VeeamError as error:
            self._ignore_answer(error)
            state = None
        self._looked_up_at[job_id] = self._clock.now()
        if state is None:
            return known
        self._jobs[job_id] = CachedJob(state.name, state.type)
        return self._jobs[job_id]

    async def retries_of(self, job_id: JobId) -> RetryPolicy | None:
        """Return how VBR retries a job; None if it doesn't say. Raises VeeamError if it doesn't answer."""
        policy, read_at = self._retries.get(job_id, (None, None))
        if read_at is not None and self._clock.now() - read_at < _KEPT:
            return policy
        try:
            job = await self._server.job(job_id)
            # A schedule that doesn't mention retries has none: the default of Veeam's document.
            unsaid = None if job.runs_automatically is None else RetryPolicy(enabled=False)
            policy = job.retry or unsaid
        except VeeamError as error:
            self._ignore_answer(error)
            policy = None
        self._retries[job_id] = (policy, self._clock.now())
        return policy

    def _ignore_answer(self, error: VeeamError) -> None:
        """Go on without a job that VBR refuses to describe; a server that doesn't answer is an error."""
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
            if is_undocumented(session):
                self._learned.add(session.session_type)
                log.info("watch.type_learned", server=self._server.name, session_type=session.session_type)
            return True
        return False
