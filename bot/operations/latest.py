"""A job's latest session, where its state does not name it: `sessionId` is optional in a job state."""

from dataclasses import replace

import msgspec

from bot.operations.lookup import FoundJob
from bot.operations.requests import Drawn
from bot.veeam import JobId, JobState, Session, SessionGroup, SessionsQuery, VeeamServer, session_group

_LOOKED_AT = 5
"""Sessions that are no run of the job, such as log backups, may be newer than its latest run."""


async def latest_run(server: VeeamServer, job_id: JobId) -> Session | None:
    """Return a job's newest run, going on or over; None where VBR lists none. Raises `VeeamError`."""
    query = SessionsQuery(job_id=job_id, order_by="CreationTime", ascending=False, limit=_LOOKED_AT)
    page = await server.sessions(query)
    return next((session for session in page.rows if is_run_of(session, job_id)), None)


def is_run_of(session: Session, job_id: JobId) -> bool:
    """Whether a session is a run of the job, by its type and, where nobody knows the type, by its job."""
    group = session_group(session.session_type, job_id=session.job_id, job_ids={job_id})
    return group is SessionGroup.JOB_RUN


async def with_session(server: VeeamServer, job: FoundJob) -> FoundJob:
    """Return the job with its latest session named, where VBR tells it at all. Raises `VeeamError`."""
    if job.state.session_id is not None:
        return job
    latest = await latest_run(server, job.state.id)
    if latest is None:
        return job
    return replace(job, state=msgspec.structs.replace(job.state, session_id=latest.id))


def has_moved_on(drawn: Drawn, told: JobState, now: JobState) -> bool:
    """Whether a job is not as it was when a button was drawn.

    `told` is its state as VBR tells it, `now` the same with its session named. A button that was drawn from a
    state without a session knows of none.
    """
    if drawn.session_id is None and told.session_id is None:
        return drawn.is_active != now.is_active
    return (drawn.session_id, drawn.is_active) != (now.session_id, now.is_active)


def drawn_now(state: JobState) -> Drawn:
    """Return what a button drawn now carries of the job's state."""
    return Drawn(state.session_id, state.is_active)
