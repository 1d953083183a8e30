"""What an action touches, read from VBR when somebody asks, as far as they may know: what forms say."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from bot import veeam
from bot.operations import outcomes
from bot.operations.backend import Backend
from bot.operations.job_editor.objects import MenuOption
from bot.operations.jobs import FoundJob, is_run_of
from bot.operations.model import Request, RequestContext
from bot.operations.session_jobs import first_session
from bot.operations.vbr_lists import every, repository_of
from bot.settings import ServerName

_NAMES_READ_WITHIN_SECONDS = 10.0
_SESSIONS_LOOKED_AT = 5
"""Sessions that are no run of the job, such as log backups, may be newer than its last success."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What an action touches, read a moment ago.

    `last_success_at` is when the latest run began that succeeded; None where VBR lists none, or where it is
    not `is_last_success_known`: it could not be read. `runs_before`
    is the job that this one runs after, `run_after` are those that run after it; of both only what the person
    may know of. `recent` is what others did to it in the last minutes.
    """

    job: outcomes.JobView
    last_success_at: datetime | None = None
    is_last_success_known: bool = True
    runs_before: str | None = None
    run_after: tuple[str, ...] = ()
    repository: veeam.RepositoryState | None = None
    recent: tuple[outcomes.RecentAction, ...] = ()


@dataclass(frozen=True, slots=True)
class PickForm(outcomes.Form):
    """Which job, or which machine? `request` asks for it without a name.

    `silent` are servers that did not answer, so that nothing on them can be found. `only` is what the menu
    offers where that is one job alone: it is chosen already.
    """

    request: Request
    silent: tuple[ServerName, ...] = ()
    only: MenuOption | None = None


@dataclass(frozen=True, slots=True)
class ActionForm(outcomes.Form):
    """What an action on a job touches. `request` is what to run once the form is sent off."""

    request: Request
    impact: Impact


@dataclass(frozen=True, slots=True)
class ConfirmForm(ActionForm):
    """The form of an action that takes no more than the options that can be typed, or none."""


async def pick_form(
    request: Request, backend: Backend, context: RequestContext
) -> outcomes.NeedsForm | outcomes.NotFound:
    """Return the form that asks for the job, with the names at hand that its menu will offer.

    Without that a menu's first search, which is due within three seconds, would be too slow for a server of
    thousands of jobs.
    """
    servers = backend.finder.servers(request.server_named, context.visibility)
    if isinstance(servers, outcomes.NotFound):
        return servers
    answer = await backend.fleet.ask(backend.finder.names, servers, limit_seconds=_NAMES_READ_WITHIN_SECONDS)
    return outcomes.NeedsForm(request.operation, PickForm(request, silent=tuple(answer.failures)))


async def impact_on(backend: Backend, context: RequestContext, job: FoundJob) -> Impact:
    """Return the job, its chain, its repository, its last success, and what others did to it recently.

    All but the job are details. Raises `StoreError`.
    """
    server = backend.fleet.server(job.server)
    async with asyncio.TaskGroup() as group:
        repository = group.create_task(repository_of(server, job.state))
        followers = group.create_task(
            veeam.detail(veeam.Detail.CHAINED_JOBS, job.server, followers_of(server, job.state), ())
        )
        success = group.create_task(
            veeam.detail(
                veeam.Detail.LAST_SUCCESS, job.server, _last_success(server, job.state), (None, False)
            )
        )
    last_success_at, is_last_success_known = success.result()
    view = backend.views.of(context, job.server, job.state)
    before = view.state.run_after_job
    return Impact(
        job=view,
        last_success_at=last_success_at,
        is_last_success_known=is_last_success_known,
        runs_before=before.job_name if before is not None else None,
        run_after=tuple(name for name in followers.result() if context.visibility.sees(job.server, name)),
        repository=repository.result(),
        recent=await backend.audit.recent_on_job(context, job.server, job.state.id),
    )


async def followers_of(server: veeam.VeeamServer, job: veeam.JobState) -> tuple[str, ...]:
    """Return the jobs that run after it, and say so themselves: an older server may not know the filter.

    Raises `VeeamError`.
    """
    query = veeam.JobStatesQuery(after_job_id=job.id, order_by="Name", ascending=True)
    states = await every(server.every_job_state(query))
    return tuple(state.name for state in states if _runs_after(state, job))


def _runs_after(state: veeam.JobState, first: veeam.JobState) -> bool:
    before = state.run_after_job
    if before is None:
        return False
    if before.job_id is not None:
        return before.job_id.casefold() == first.id.casefold()
    return before.job_name == first.name


async def _last_success(server: veeam.VeeamServer, state: veeam.JobState) -> tuple[datetime | None, bool]:
    """When the latest run began that succeeded, and that it is known."""
    if state.result is veeam.Result.SUCCESS or state.last_run is None:
        return state.last_run, True
    query = veeam.SessionsQuery(
        job_id=state.id,
        results=(veeam.Result.SUCCESS,),
        order_by="CreationTime",
        ascending=False,
        limit=_SESSIONS_LOOKED_AT,
    )

    def succeeded(session: veeam.Session) -> bool:
        return session.outcome is veeam.Result.SUCCESS and is_run_of(session, state.id)

    latest = await first_session(server, query, succeeded)
    return (latest.creation_time if latest is not None else None), True
