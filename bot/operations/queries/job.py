"""`job`: one job in full."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from bot import veeam
from bot.operations import outcomes
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.jobs import FoundJob, visible_model
from bot.operations.model import ALL_ROLES, Alias, JobRef, Kind, Operation, RequestContext
from bot.operations.queries import PageNumber, Query
from bot.operations.queries.sessions import FoundSession, SessionView, latest_of, session_views
from bot.operations.vbr_lists import repository_of, where_there

RECENT_SESSIONS = 5


class ShowJob(Query, frozen=True, tag="job"):
    """One job in full."""

    operation = Operation(
        name="job",
        usage="job NAME",
        help="one job in full",
        kind=Kind.QUERY,
        audit_name="job.show",
        roles=ALL_ROLES,
        examples=("job SQL Prod",),
        aliases=(Alias("show", "job"),),
        button="Details",
    )

    job: JobRef
    page: PageNumber = 0

    @classmethod
    def parse(cls, line: CommandLine) -> "ShowJob":
        """Read the job's name."""
        return cls(line.job(cls))

    @property
    def subject(self) -> JobRef:
        """The job."""
        return self.job

    async def answer(
        self, backend: Backend, context: RequestContext
    ) -> outcomes.Done | outcomes.NotFound | outcomes.Ambiguous | outcomes.SyntaxProblem:
        """Return the job with its settings, its latest sessions and its repository."""
        found = await backend.finder.job(self.job, request=self, visibility=context.visibility)
        if not isinstance(found, FoundJob):
            return found
        server, state = backend.fleet.server(found.server), found.state
        details = veeam.Detail
        async with asyncio.TaskGroup() as group:
            # Plug-in jobs have a state and nothing else: 400 "Specify job of supported platform type."
            settings = where_there(server.job(state.id))
            model = group.create_task(veeam.detail(details.JOB_SETTINGS, server.name, settings, None))
            latest = latest_of(server, state, RECENT_SESSIONS)
            sessions = group.create_task(veeam.detail(details.SESSIONS, server.name, latest, ()))
            repository = group.create_task(repository_of(server, state))
            failure = group.create_task(backend.failures.of(found.server, state))
        job = model.result()
        recent = [FoundSession(found.server, one) for one in sessions.result()]
        return outcomes.Done(
            JobAnswer(
                view=backend.views.of(context, found.server, state, failure.result()),
                job=None if job is None else visible_model(context.visibility, found.server, job),
                recent=await session_views(recent, backend),
                repository=repository.result(),
                as_of=backend.clock.now(),
            )
        )


@dataclass(frozen=True, slots=True)
class JobAnswer(outcomes.Answer):
    """One job in full. `job` is None for types that the revision cannot describe, and where it failed."""

    view: outcomes.JobView
    job: veeam.Job | None
    recent: tuple[SessionView, ...]
    repository: veeam.RepositoryState | None
    as_of: datetime
