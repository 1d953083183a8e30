"""`job`: one job in full."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot import veeam
from bot.operations import outcomes
from bot.operations.actions.edit import Edit
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.impact import followers_of
from bot.operations.job_editor.objects import usernames
from bot.operations.jobs import FoundJob
from bot.operations.model import ALL_ROLES, Alias, JobRef, Kind, Operation, RequestContext
from bot.operations.mutes import MuteView, mute_of_job
from bot.operations.owners import with_owners
from bot.operations.permissions import Scope
from bot.operations.queries import PageNumber, Query
from bot.operations.queries.sessions import FoundSession, SessionView, latest_of, session_views
from bot.operations.stale_jobs import last_good_runs
from bot.operations.stored import stored
from bot.operations.vbr_lists import repository_of, where_there
from bot.store import TimedDisable

RECENT_SESSIONS = 5
_NAME_JOBS = frozenset({veeam.ItemKind.JOB, veeam.ItemKind.BACKUP})
"""What a job copies that bears a job's name."""


class ShowJob(Query, frozen=True, tag="job"):
    """One job in full. Beyond page 0 are the objects that it has no room for."""

    operation = Operation(
        name="job",
        usage="job NAME",
        help="one job in full: its state, settings and latest sessions",
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
        """Return the job; its settings, sessions, repository and chain are details."""
        found = await backend.finder.job(self.job, request=self, visibility=context.visibility)
        if not isinstance(found, FoundJob):
            return found
        server, state = backend.fleet.server(found.server), found.state
        details = veeam.Detail
        async with asyncio.TaskGroup() as group:
            settings = group.create_task(_settings(server, state, backend, context))
            latest = latest_of(server, state, RECENT_SESSIONS)
            sessions = group.create_task(veeam.detail(details.SESSIONS, server.name, latest, ()))
            repository = group.create_task(repository_of(server, state))
            failure = group.create_task(backend.failures.of(found.server, state))
            chained = followers_of(server, state)
            after = group.create_task(veeam.detail(details.CHAINED_JOBS, server.name, chained, ()))
            is_failed = state.result is veeam.Result.FAILED
            good = group.create_task(last_good_runs(backend.fleet, (found,) if is_failed else ()))
        recent = [FoundSession(found.server, one) for one in sessions.result()]
        is_planned, plan = await _plan(backend, found)
        muted = await stored(mute_of_job(context, backend, found.server, state.id, state.name), None)
        learning = await stored(backend.follow_up.learning(found.server, state.id, state.name), None)
        view = backend.views.of(context, found.server, state, failure.result())
        (view,) = await with_owners(backend, (view,))
        return outcomes.Done(
            JobAnswer(
                request=ShowJob(found.known, self.page),
                view=view,
                settings=settings.result(),
                recent=await session_views(recent, backend, context.visibility),
                repository=repository.result(),
                run_after=tuple(
                    name for name in after.result() if context.visibility.sees(found.server, name)
                ),
                enabled_again=plan,
                is_plan_known=is_planned,
                muted=muted,
                learning=learning,
                last_good_at=good.result().get(found.known),
                is_last_good_known=found.known in good.result(),
                as_of=backend.clock.now(),
            )
        )


@dataclass(frozen=True, slots=True)
class JobAnswer(outcomes.Answer):
    """One job in full, as far as the person may know of other jobs.

    `request` asks for this very job. `settings` is None for types that the revision cannot describe, and
    where reading them failed. `run_after` are the jobs that run after this one. `enabled_again` is the bot's
    plan to enable the job, if there is one; not `is_plan_known`: its database did not say. `muted` is what
    holds its messages back. `learning`: so many incrementals and fulls are known, too few to judge by.
    `last_good_at` is when a job that failed ended its latest good run: None where it has none, or where that
    is not `is_last_good_known`.
    """

    request: ShowJob
    view: outcomes.JobView
    settings: veeam.JobFacts | None
    recent: tuple[SessionView, ...]
    repository: veeam.RepositoryState | None
    as_of: datetime
    run_after: tuple[str, ...] = ()
    enabled_again: TimedDisable | None = None
    is_plan_known: bool = True
    muted: MuteView | None = None
    learning: tuple[int, int] | None = None
    last_good_at: datetime | None = None
    is_last_good_known: bool = False


async def _settings(
    server: veeam.VeeamServer, state: veeam.JobState, backend: Backend, context: RequestContext
) -> veeam.JobFacts | None:
    """The job's settings, a detail; other jobs in them with their names, those to be hidden left out.

    Credentials are named to those alone who may edit the job, as VBR shows them to few.
    """
    # Plug-in jobs have a state and nothing else: 400 "Specify job of supported platform type."
    asked = where_there(server.job(state.id))
    job = await veeam.detail(veeam.Detail.JOB_SETTINGS, server.name, asked, None)
    if job is None:
        return None
    facts = veeam.job_facts(job)
    names: Mapping[veeam.JobId, str] = {}
    if any(item.kind is veeam.ItemKind.JOB and not item.name for item in (*facts.items, *facts.left_out)):
        names = await veeam.detail(veeam.Detail.OTHER_JOBS, server.name, backend.finder.names(server), {})
    named = {job_id.casefold(): name for job_id, name in names.items()}

    def sees(name: str) -> bool:
        return context.visibility.sees_all(server.name) or context.visibility.sees(server.name, name)

    def shown(items: tuple[veeam.JobItem, ...]) -> tuple[veeam.JobItem, ...]:
        with_names = (
            replace(one, name=named.get(one.id.casefold(), ""))
            if one.kind is veeam.ItemKind.JOB and not one.name
            else one
            for one in items
        )
        return tuple(one for one in with_names if one.kind not in _NAME_JOBS or sees(one.name))

    timings = tuple(
        veeam.AfterJob("") if isinstance(one, veeam.AfterJob) and not sees(one.name) else one
        for one in facts.schedule.timings
    )
    scope = Scope(server.name, state.name)
    may_edit = backend.permissions.may(context.person, Edit.operation, scope).is_allowed
    return replace(
        facts,
        guest_account=await _guest_account(server, facts) if may_edit else None,
        items=shown(facts.items),
        left_out=shown(facts.left_out),
        schedule=replace(facts.schedule, timings=timings),
    )


async def _guest_account(server: veeam.VeeamServer, facts: veeam.JobFacts) -> str | None:
    """The user name for the guests, a detail; None where VBR doesn't show it to the bot's account either."""
    identity = facts.guest_account_id
    if identity is None or not facts.is_application_aware:
        return None
    names: Mapping[str, str] = await veeam.detail(
        veeam.Detail.CREDENTIALS, server.name, _usernames(server), {}
    )
    return names.get(identity.casefold())


async def _usernames(server: veeam.VeeamServer) -> Mapping[str, str]:
    try:
        return await usernames(server)
    except veeam.NotAllowed:
        return {}


async def _plan(backend: Backend, job: FoundJob) -> tuple[bool, TimedDisable | None]:
    """Whether it is known if the bot will enable the job again, and the plan."""
    if not job.state.is_disabled:
        return True, None
    plans = await stored(backend.timed_disables.of(job.server), None)
    if plans is None:
        return False, None
    return True, next((plan for plan in plans if plan.job_id.casefold() == job.state.id.casefold()), None)
