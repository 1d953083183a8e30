"""What an action on a job touches, read from VBR at the time of asking, for the one who asks."""

from datetime import datetime

from bot.operations.asking import Asking
from bot.operations.forms import Consequences
from bot.operations.lately import Lately
from bot.operations.latest import is_run_of
from bot.operations.lookup import FoundJob
from bot.operations.repositories import repository_of
from bot.operations.seen import JobViews
from bot.veeam import Fleet, JobState, JobStatesQuery, Result, SessionsQuery, VeeamServer, at_once

_LOOKED_AT = 5
"""Sessions that are no run of the job, such as log backups, may be newer than its last success."""


class Touched:
    """Reads what an action touches. Raises `VeeamError` and `StoreError`."""

    def __init__(self, fleet: Fleet, views: JobViews, lately: Lately) -> None:
        self._fleet = fleet
        self._views = views
        self._lately = lately

    async def by_action_on(self, asking: Asking, job: FoundJob) -> Consequences:
        """Return the job, its chain, its repository, its last success, and what others did on it lately."""
        server = self._fleet.server(job.server)
        async with at_once() as group:
            repository = group.create_task(repository_of(server, job.state))
            followers = group.create_task(_followers(server, job))
            success = group.create_task(_last_success(server, job.state))
        view = self._views.of(asking, job.server, job.state)
        before = view.state.run_after_job
        return Consequences(
            job=view,
            last_success_at=success.result(),
            runs_before=before.job_name if before is not None else None,
            run_after=tuple(name for name in followers.result() if asking.sight.sees(job.server, name)),
            repository=repository.result(),
            lately=await self._lately.on_job(asking, job.server, job.state.id),
        )


async def _followers(server: VeeamServer, job: FoundJob) -> tuple[str, ...]:
    """The jobs that run after it, and say so themselves: an older server may not know the filter."""
    query = JobStatesQuery(after_job_id=job.state.id, order_by="Name", ascending=True)
    states = [state async for state in server.every_job_state(query)]
    return tuple(state.name for state in states if _runs_after(state, job.state))


def _runs_after(state: JobState, first: JobState) -> bool:
    before = state.run_after_job
    if before is None:
        return False
    if before.job_id is not None:
        return before.job_id.casefold() == first.id.casefold()
    return before.job_name == first.name


async def _last_success(server: VeeamServer, state: JobState) -> datetime | None:
    if state.result is Result.SUCCESS or state.last_run is None:
        return state.last_run
    query = SessionsQuery(
        job_id=state.id,
        results=(Result.SUCCESS,),
        order_by="CreationTime",
        ascending=False,
        limit=_LOOKED_AT,
    )
    rows = (await server.sessions(query)).rows
    succeeded = (one for one in rows if one.outcome is Result.SUCCESS and is_run_of(one, state.id))
    latest = next(succeeded, None)
    return latest.creation_time if latest is not None else None
