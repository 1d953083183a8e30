"""What a form says before anything is done: facts read afresh, for the one who asks."""

from bot.operations.asking import Asking
from bot.operations.form_facts import DeleteForm
from bot.operations.job import repository_of
from bot.operations.latest import drawn_now
from bot.operations.lookup import FoundJob
from bot.operations.parallel import at_once
from bot.operations.requests import DeleteRequest, KnownJob
from bot.operations.seen import JobViews
from bot.veeam import Fleet, JobStatesQuery, VeeamServer


class Forms:
    """Reads what forms say. Raises `VeeamError`."""

    def __init__(self, fleet: Fleet, views: JobViews) -> None:
        self._fleet = fleet
        self._views = views

    async def deletion(self, asking: Asking, job: FoundJob) -> DeleteForm:
        """Return what deleting this job touches."""
        server = self._fleet.server(job.server)
        async with at_once() as group:
            repository = group.create_task(repository_of(server, job.state))
            followers = group.create_task(_followers(server, job))
        view = self._views.of(asking, job.server, job.state)
        before = view.state.run_after_job
        return DeleteForm(
            request=DeleteRequest(KnownJob(job.server, job.state.id), drawn_now(job.state)),
            job=view,
            runs_before=before.job_name if before is not None else None,
            run_after=tuple(name for name in followers.result() if asking.sight.sees(job.server, name)),
            repository=repository.result(),
        )


async def _followers(server: VeeamServer, job: FoundJob) -> tuple[str, ...]:
    query = JobStatesQuery(after_job_id=job.state.id, order_by="Name", ascending=True)
    return tuple([state.name async for state in server.every_job_state(query)])
