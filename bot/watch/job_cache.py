"""What is known of a server's jobs: names, types, retries, and which of them a session belongs to."""

import asyncio
import sys
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.observability import Clock
from bot.veeam import (
    GENERATIONS,
    JobId,
    JobState,
    NotFoundOnServer,
    RetryPolicy,
    Session,
    SessionGroup,
    SessionId,
    SessionsQuery,
    TimedOut,
    VeeamError,
    VeeamServer,
    job_of_machine,
    names_before_machine,
    names_nothing,
    part_name,
    run_name,
    session_group,
)
from bot.watch.sessions import group_of, is_offload, is_undocumented, names_of_job

_KEPT = timedelta(minutes=10)
_KEPT_AT_MOST = 5_000
_SECONDS = 15.0
_NAMES_AGAIN_SECONDS = 10.0
_RUNS_KEPT = timedelta(seconds=10)
_RUNS_LOOKED_AT = 50
_CLOCKS_APART = timedelta(minutes=1)
_NO_JOB = JobId("")

T = TypeVar("T")

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CachedJob:
    """A job's name, type and repository, as VBR has them. `is_gone`: it was deleted since."""

    name: str
    type: str
    is_gone: bool = False
    repository_id: str | None = None
    repository_name: str | None = None

    @classmethod
    def of(cls, state: JobState) -> "CachedJob":
        """Return the job that a state is of."""
        # Thousands of jobs write to a few repositories.
        return cls(
            state.name,
            state.type,
            repository_id=sys.intern(state.repository_id) if state.repository_id else None,
            repository_name=sys.intern(state.repository_name) if state.repository_name else None,
        )


@dataclass(frozen=True, slots=True)
class SessionOwner:
    """What a session belongs to, by the name to show.

    `job_id` is that of its job or, without one, of whatever it belongs to. `job` is None where VBR lists no
    such job, `is_certain` where it does, and says so by an ID: a name alone is enough to tell people, not to
    act. A part of a run is `part` of the session `part_of`, the outermost, which need not be known; where
    VBR lists none, `is_run_unlisted`, its parts alone say how the run went.
    """

    job_id: JobId
    name: str
    job: CachedJob | None = None
    is_certain: bool = False
    part: str | None = None
    part_of: SessionId | None = None
    is_run_unlisted: bool = False

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return subject_key(self.job_id, self.name)


def subject_key(job_id: JobId, name: str) -> str:
    """Return what tells jobs apart, and what has no job: by its ID or, where VBR writes none, by its name."""
    return name if names_nothing(job_id) else job_id


class JobCache:
    """The jobs of one server, looked up as sessions need them and all read again once an hour."""

    def __init__(self, server: VeeamServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._jobs: dict[JobId, CachedJob] = {}
        self._looked_up_at: dict[JobId, datetime] = {}
        self._all_read_at: datetime | None = None
        self._retries: dict[JobId, tuple[RetryPolicy | None, datetime]] = {}
        self._parents: dict[SessionId, tuple[Session | None, datetime]] = {}
        self._runs: dict[JobId, tuple[Sequence[Session], datetime]] = {}
        self._by_name: Mapping[str, Sequence[JobId]] | None = None  # None: never read
        self._names_due_at = 0.0
        self._reading = asyncio.Lock()

    def group_of(self, session: Session) -> SessionGroup:
        """Return what a session is; of an unknown type it is a job run if its job or a parent's is known."""
        group, seen = group_of(session, self._jobs), set[SessionId]()
        parent: Session | None = session
        while group is SessionGroup.HOUSEKEEPING and is_undocumented(session):
            parent_id = parent.parent_session_id if parent is not None else None
            if parent_id is None or parent_id in seen:
                break
            seen.add(parent_id)
            parent, _ = self._parents.get(parent_id, (None, None))
            if parent is not None and parent.job_id in self._jobs:
                group = SessionGroup.JOB_RUN
        return group

    async def refresh(self) -> None:
        """Read all jobs. Raises VeeamError."""
        jobs: dict[JobId, CachedJob] = {}
        by_name: dict[str, list[JobId]] = {}
        is_whole = True
        # A page at a time: all of 50,000 jobs at once would hold up everything else for a tenth of a second.
        async for page in self._server.job_state_pages():
            for state in page.rows:
                jobs[state.id] = CachedJob.of(state)
                by_name.setdefault(state.name.casefold(), []).append(state.id)
            is_whole = is_whole and page.is_whole
        # A list that VBR cannot give whole takes no job out.
        self._jobs = jobs if is_whole else {**self._jobs, **jobs}
        self._by_name = by_name
        self._all_read_at = self._clock.now()
        for kept in (self._looked_up_at, self._retries, self._parents, self._runs):
            if len(kept) > _KEPT_AT_MOST:
                kept.clear()

    async def owner_of(self, session: Session) -> SessionOwner:
        """Return what a session belongs to: by its job, by its parents' job, or by its name alone.

        Raises VeeamError if the server doesn't answer.
        """
        job = await self.job_of(session)
        if job is not None and not job.is_gone and session.part_of is None:
            return SessionOwner(session.job_id or _NO_JOB, job.name, job, is_certain=True)
        if job is None and (owner := await self._by_machine(session)) is not None:
            return owner
        parents = await self._parents_of(session)
        owner = await self._by_ids(session, job, parents) or await self._by_names(session, job, parents)
        if session.part_of is None and "\\" not in run_name(session.name):
            return owner
        outermost = parents[-1] if parents else session
        return replace(
            owner,
            part=part_name(session.name, owner.name),
            part_of=outermost.parent_session_id
            if outermost.part_of is not None
            else outermost.id
            if parents
            else None,
        )

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
        if known is not None and known.name in {session.name, run_name(session.name)}:
            return known
        # A session may bear another name than its job: such a job is looked up now and then, not each time.
        asked_at = self._looked_up_at.get(job_id, None if known is None else self._all_read_at)
        if asked_at is not None and self._clock.now() - asked_at < _KEPT:
            return known
        try:
            state = await self._server.job_state(job_id)
        except VeeamError as error:
            self._ignore_answer(error)
            return known
        self._looked_up_at[job_id] = self._clock.now()
        if state is not None:
            self._jobs[job_id] = CachedJob.of(state)
        elif known is not None:
            self._jobs[job_id] = replace(known, is_gone=True)
        return self._jobs.get(job_id)

    def at_hand(self, job_id: JobId) -> CachedJob | None:
        """Return a job as far as it is known without asking."""
        return self._jobs.get(job_id)

    def retries_at_hand(self, job_id: JobId) -> RetryPolicy:
        """Return how VBR retries a job as far as it was asked before; else as it does by default."""
        policy, _ = self._retries.get(job_id, (None, None))
        return policy or RetryPolicy(enabled=True)

    async def retries_of(self, job_id: JobId) -> RetryPolicy | None:
        """Return how VBR retries a job; None if it doesn't say, or not in time for what is announced.

        Raises VeeamError if the server doesn't answer.
        """
        policy, read_at = self._retries.get(job_id, (None, None))
        if read_at is not None and self._clock.now() - read_at < _KEPT:
            return policy
        try:
            job = await self._server.job(job_id)
            # A schedule that doesn't mention retries has none: the default of Veeam's document.
            unsaid = None if job.runs_automatically is None else RetryPolicy(enabled=False)
            policy = job.retry or unsaid
        except VeeamError as error:
            if not isinstance(error, TimedOut):
                self._ignore_answer(error)
            policy = None
        self._retries[job_id] = (policy, self._clock.now())
        return policy

    async def _by_ids(
        self, session: Session, job: CachedJob | None, parents: Sequence[Session]
    ) -> SessionOwner | None:
        """The owner by the first of the session and its parents whose job VBR lists."""
        if job is not None and not job.is_gone:
            return SessionOwner(session.job_id or _NO_JOB, job.name, job, is_certain=True)
        for parent in parents:
            job = await self.job_of(parent)
            if job is not None:
                job_id = parent.job_id or _NO_JOB
                return SessionOwner(job_id, job.name, job, is_certain=not job.is_gone)
        return None

    async def _by_names(
        self, session: Session, gone: CachedJob | None, parents: Sequence[Session]
    ) -> SessionOwner:
        """The owner by the only job of that name, else no job: what the outermost session is called."""
        outermost = parents[-1] if parents else session
        names = names_of_job(outermost) if parents else names_of_job(session)
        shown = names[0] if parents or session.part_of is None else names[-1]
        if "\\" in shown:
            shown = shown.partition("\\")[0]
        unowned = SessionOwner(outermost.job_id or _NO_JOB, shown)
        if gone is not None:
            return replace(unowned, name=gone.name, job=gone)
        if group_of(session) is not SessionGroup.JOB_RUN:
            return replace(unowned, name=session.name)
        by_name = await self._names()
        for name in names:
            found = by_name.get(name.casefold(), ())
            if len(found) == 1 and (job := self._jobs.get(found[0])) is not None:
                return SessionOwner(found[0], job.name, job)
        return unowned

    async def _by_machine(self, session: Session) -> SessionOwner | None:
        """The job whose machine a session is about, by its name, and that job's run which it is a part of."""
        is_run = group_of(session) is SessionGroup.JOB_RUN and not is_offload(session)
        if not is_run or session.part_of is not None or not names_before_machine(session.name):
            return None
        by_name = await self._names()
        job_id = job_of_machine(
            session.name,
            lambda name: by_name.get(name.casefold(), ()),
            lambda job_id: self._jobs[job_id].type if job_id in self._jobs else "",
        )
        if job_id is None:
            return None
        job, run = self._jobs[job_id], await self._run_around(job_id, session)
        return SessionOwner(
            job_id,
            job.name,
            job,
            is_certain=run is not None,
            part=part_name(session.name, job.name),
            part_of=None if run is None else run.id,
            is_run_unlisted=run is None,
        )

    async def _run_around(self, job_id: JobId, part: Session) -> Session | None:
        """The job's own session in which a part began, as far as VBR lists it."""
        began = part.creation_time or part.end_time
        runs, read_at = self._runs.get(job_id, ((), None))
        if read_at is None or self._clock.now() - read_at >= _RUNS_KEPT:
            query = SessionsQuery(
                job_id=job_id, order_by="CreationTime", ascending=False, limit=_RUNS_LOOKED_AT
            )
            page = await self._detail(self._server.sessions(query))
            own = job_id.casefold()
            rows = () if page is None else page.rows
            runs = [each for each in rows if (each.job_id or "").casefold() == own]
            self._runs[job_id] = (runs, self._clock.now())
        return next((run for run in runs if began is not None and _is_around(run, began)), None)

    async def _names(self) -> Mapping[str, Sequence[JobId]]:
        """The IDs of all jobs by their folded names, as they were read last; none as long as that fails."""
        async with self._reading:
            if self._by_name is None and self._clock.monotonic() >= self._names_due_at:
                await self._detail(self.refresh())
                self._names_due_at = self._clock.monotonic() + _NAMES_AGAIN_SECONDS
        return self._by_name or {}

    async def _parents_of(self, session: Session) -> tuple[Session, ...]:
        """A part's parents, the outermost last, as far as VBR still has them."""
        parents: list[Session] = []
        seen, child = {session.id}, session
        while child.part_of is not None and len(parents) < GENERATIONS:
            parent_id = child.parent_session_id
            if parent_id is None or parent_id in seen or (parent := await self._session(parent_id)) is None:
                break
            parents.append(parent)
            seen.add(parent_id)
            child = parent
        return tuple(parents)

    async def _session(self, session_id: SessionId) -> Session | None:
        session, read_at = self._parents.get(session_id, (None, None))
        if read_at is not None and self._clock.now() - read_at < _KEPT:
            return session
        session = await self._detail(self._server.session(session_id))
        self._parents[session_id] = (session, self._clock.now())
        return session

    async def _detail(self, answer: Awaitable[T]) -> T | None:
        """An answer that only says more of a session: without it the session is announced all the same."""
        try:
            async with asyncio.timeout(_SECONDS):
                return await answer
        except (VeeamError, TimeoutError) as error:
            if not isinstance(error, NotFoundOnServer):
                log.warning("watch.owner_unreadable", server=self._server.name, problem=type(error).__name__)
            return None

    def _ignore_answer(self, error: VeeamError) -> None:
        """Go on without a job that VBR refuses to describe; a server that doesn't answer is an error."""
        if not error.reached_server:
            raise error
        log.debug("watch.job_unknown", server=self._server.name, problem=str(error))


def _is_around(run: Session, moment: datetime) -> bool:
    """Whether a session is a job's run that was going on then; a machine's clock may be a little behind."""
    began, ended = run.creation_time, run.end_time if run.is_stopped else None
    is_run = session_group(run.session_type) is not SessionGroup.LOG_BACKUP
    return (
        is_run
        and began is not None
        and began <= moment + _CLOCKS_APART
        and (ended is None or ended >= moment)
    )
