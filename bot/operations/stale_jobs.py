"""Jobs without a good run for some time. VBR cannot be asked for them; mostly a job's state says enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import veeam
from bot.operations.jobs import FoundJob, is_run_of
from bot.operations.model import KnownJob
from bot.operations.session_jobs import first_session

LOOKED_AT = 100
"""So many jobs of a server have their sessions looked at."""
_SESSIONS_READ = 50
_GOOD = (veeam.Result.SUCCESS, veeam.Result.WARNING)


@dataclass(frozen=True, slots=True)
class Stale:
    """The jobs without a good run. Of those not looked at, which are left out, it is not known."""

    states: tuple[veeam.JobState, ...] = ()
    not_looked_at: int = 0


async def stale_among(
    server: veeam.VeeamServer, states: Sequence[veeam.JobState], *, since: datetime
) -> Stale:
    """Return the jobs that ended no run with Success or Warning since then, in their order.

    Only a job whose latest run began since, and did not go well, or still goes on, may have had a good one
    before: its sessions say. They are a detail: a job whose sessions cannot be read is not looked at.
    """
    doubtful = [state for state in states if is_stale(state, since) is None]
    looked_at = doubtful[:LOOKED_AT]
    async with veeam.at_once() as group:
        reads = [
            group.create_task(
                veeam.detail(veeam.Detail.LAST_SUCCESS, server.name, _ran_well(server, state, since), None)
            )
            for state in looked_at
        ]
    read_of = {state.id: read.result() for state, read in zip(looked_at, reads, strict=True)}
    ran_well = {job_id: is_good for job_id, is_good in read_of.items() if is_good is not None}
    return Stale(
        tuple(state for state in states if is_stale(state, since) or (ran_well.get(state.id, True) is False)),
        len(doubtful) - len(ran_well),
    )


def is_stale(state: veeam.JobState, since: datetime) -> bool | None:
    """Whether the job ended no good run since then, as far as its state says; None where it doesn't."""
    is_good = state.result in _GOOD and not state.is_active
    if state.last_run is None:
        # VBR names no last run of some jobs, such as those of plug-ins, whatever their result.
        return None if state.session_id is not None or is_good else True
    if is_good:
        return _end_of_run(state, state.last_run) < since
    return True if state.last_run < since else None


async def last_good_runs(fleet: veeam.Fleet, jobs: Sequence[FoundJob]) -> Mapping[KnownJob, datetime | None]:
    """Return when each job's latest good run ended; None where VBR lists none.

    A detail: jobs whose sessions cannot be read are left out, and so are those that never ran.
    """
    ran = [job for job in jobs if job.state.last_run is not None or job.state.session_id is not None]
    async with veeam.at_once() as group:
        reads = [
            group.create_task(
                veeam.detail(
                    veeam.Detail.LAST_SUCCESS, job.server, _last_good(fleet.server(job.server), job), None
                )
            )
            for job in ran
        ]
    return dict(found for read in reads if (found := read.result()) is not None)


async def _last_good(server: veeam.VeeamServer, job: FoundJob) -> tuple[KnownJob, datetime | None]:
    state = job.state
    if state.result in _GOOD and not state.is_active and state.last_run is not None:
        return job.known, _end_of_run(state, state.last_run)
    latest = await _good_run(server, state, since=None)
    return job.known, None if latest is None else latest.end_time


def _end_of_run(state: veeam.JobState, began_at: datetime) -> datetime:
    progress = state.session_progress
    seconds = progress.duration_seconds if progress is not None else None
    return began_at + timedelta(seconds=seconds or 0)


async def _ran_well(server: veeam.VeeamServer, state: veeam.JobState, since: datetime) -> bool:
    return await _good_run(server, state, since=since) is not None


async def _good_run(
    server: veeam.VeeamServer, state: veeam.JobState, *, since: datetime | None
) -> veeam.Session | None:
    """The job's good run that ended last, since then."""
    query = veeam.SessionsQuery(
        job_id=state.id,
        results=_GOOD,
        ended_after=since,
        order_by="EndTime",
        ascending=False,
        limit=_SESSIONS_READ,
    )

    def is_it(session: veeam.Session) -> bool:
        is_good = session.outcome in _GOOD and session.end_time is not None
        is_late = since is None or (session.end_time is not None and session.end_time >= since)
        return is_good and is_late and is_run_of(session, state.id)

    return await first_session(server, query, is_it)
