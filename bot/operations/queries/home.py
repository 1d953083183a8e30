"""One person's own page: what is wrong where they may look, what they did recently, what they may do."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.operations.actions.approvals import ApprovalRequests, PendingApprovals
from bot.operations.backend import Backend
from bot.operations.model import Kind, Operation, RequestContext, Visibility
from bot.operations.mutes import MuteView, mutes_seen_by
from bot.operations.outcomes import Answer, Done, RecentAction
from bot.operations.queries import Query
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.status import StatusAnswer, newest_first, status_of, with_failures
from bot.operations.queries.whoami import WhoamiAnswer, whoami_of
from bot.operations.stored import stored
from bot.settings import PersonId, ServerName
from bot.store import AuditFilter
from bot.veeam import at_once

FAILURES_SHOWN = 5
ACTIONS_SHOWN = 8
_ATTEMPTS_READ = 40


class ShowHome(Query, frozen=True, tag="home"):
    """What concerns me: what needs my approval, what failed, what will end, what I did. Nobody types it."""

    operation = Operation(
        name="home",
        usage="",
        help="your own page: what needs your approval, what failed, what will end, what you did",
        kind=Kind.QUERY,
        audit_name="home.show",
        button="Refresh",
    )

    async def answer(self, backend: Backend, context: RequestContext) -> Done:
        """Return the page as it is now; no server is asked for a person who may not look at jobs."""
        whoami = whoami_of(context.person, backend)
        may_look = backend.permissions.may(context.person, ListJobs.operation)
        if not may_look.is_allowed:
            groups = backend.people.group_names(may_look.groups)
            return Done(HomeAnswer(whoami, None, (), backend.clock.now(), groups))
        async with at_once() as group:
            status = group.create_task(_status(backend, context))
            recent = group.create_task(_recent_actions(backend, context))
            disabled = group.create_task(_disabled(backend, context))
            muted = group.create_task(stored(mutes_seen_by(context, backend), ()))
            waiting = group.create_task(
                stored(ApprovalRequests(backend).pending_for(context), PendingApprovals())
            )
        return Done(
            HomeAnswer(
                whoami,
                status.result(),
                recent.result(),
                backend.clock.now(),
                disabled=disabled.result(),
                muted=muted.result(),
                waiting=waiting.result(),
            )
        )


@dataclass(frozen=True, slots=True)
class DisabledUntil:
    """A job that was disabled for a time, and by whom."""

    server: ServerName
    job_name: str
    by: PersonId
    until: datetime


@dataclass(frozen=True, slots=True)
class HomeAnswer(Answer):
    """One person's own page. `status` is None for a person who may not look at jobs.

    Of all jobs that failed it names the newest. Without it `groups` are those that have a role that may, as
    people know them. `recent` is what the person did on jobs, newest first, and None where the database does
    not answer; `disabled` and `muted` are what ends soonest first. `waiting` is empty where nothing needs a
    second person.
    """

    whoami: WhoamiAnswer
    status: StatusAnswer | None
    recent: tuple[RecentAction, ...] | None
    as_of: datetime
    groups: tuple[str, ...] = ()
    disabled: tuple[DisabledUntil, ...] = ()
    muted: tuple[MuteView, ...] = ()
    waiting: PendingApprovals = field(default_factory=PendingApprovals)


async def _status(backend: Backend, context: RequestContext) -> StatusAnswer:
    visible = [name for name in backend.fleet.names if context.visibility.sees_server(name)]
    status = await status_of(visible, backend, context)
    newest = newest_first(view for server in status.servers for view in server.failed)
    return await with_failures(status, newest[:FAILURES_SHOWN], backend)


async def _recent_actions(backend: Backend, context: RequestContext) -> tuple[RecentAction, ...] | None:
    """What the person did on jobs and servers that they may see now."""
    own = AuditFilter((context.person.id, *context.person.other_ids))
    records = backend.audit_log.records(own, limit=_ATTEMPTS_READ)
    if (attempts := await stored(records, None)) is None:
        return None
    actions = [
        action
        for attempt in attempts
        if (action := backend.audit.as_action(attempt)) is not None and _is_seen(action, context.visibility)
    ]
    return tuple(actions[:ACTIONS_SHOWN])


def _is_seen(action: RecentAction, visibility: Visibility) -> bool:
    """Whether the person may still know of what they acted on: a job, or a server as a whole."""
    if action.job_name is None:
        return action.operation.kind is Kind.ACTION and visibility.sees_server(action.server)
    return visibility.sees(action.server, action.job_name)


async def _disabled(backend: Backend, context: RequestContext) -> tuple[DisabledUntil, ...]:
    plans = await stored(backend.timed_disables.every(), ())
    return tuple(
        DisabledUntil(ServerName(plan.server), plan.job_name, PersonId(plan.person_id), plan.until)
        for plan in plans
        if context.visibility.sees(plan.server, plan.job_name)
    )
