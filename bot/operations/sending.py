"""One action, sent once: on record before, its outcome on record after, an unclear one looked up."""

import re
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

import structlog
from humanize import precisedelta

from bot.observability import Clock
from bot.operations.answers import ActionAnswer
from bot.operations.asking import Asking
from bot.operations.catalog import Operation
from bot.operations.effects import Cloned, Deleted, Edited, Effect, Ran, Switched
from bot.operations.job_settings.editing import Edit
from bot.operations.latest import is_run_of, latest_run
from bot.operations.lookup import FoundJob, name_filter
from bot.operations.outcomes import Done, Failed, Sent, Unclear
from bot.operations.record import Record
from bot.operations.requests import (
    CloneRequest,
    DeleteRequest,
    DisableRequest,
    EnableRequest,
    PlainRequest,
    RetryRequest,
    StartRequest,
    StopRequest,
)
from bot.operations.seen import JobViews
from bot.store import OwnAction, OwnActions, StoreError, TimedDisable, TimedDisables
from bot.veeam import (
    Fleet,
    Job,
    JobState,
    JobStatesQuery,
    RestorePoints,
    Session,
    SessionId,
    VeeamError,
    VeeamServer,
    differences,
    settings_of,
)
from bot.veeam import Unclear as UnclearAnswer

log = structlog.get_logger()

RESTORE_POINTS = {
    RestorePoints.ALL: "all restore points",
    RestorePoints.LATEST: "the latest restore points",
}
_CLONE_NUMBER = re.compile(r"_clone(\d+)")


Sendable = PlainRequest | Edit
"""What can be sent for a job: what was asked for, or the settings that came of it."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action on one job, allowed and sensible: everything that sending it takes."""

    operation: Operation
    request: Sendable
    asking: Asking
    job: FoundJob
    server: VeeamServer

    @property
    def detail(self) -> str | None:
        """What else was asked for, in words."""
        match self.request:
            case StartRequest():
                points = RESTORE_POINTS[self.request.restore_points] if self.request.restore_points else ""
                asked = ("active full" if self.request.full else points, self.request.chained)
            case StopRequest():
                asked = ("at once" if self.request.now else "", self.request.chained)
            case RetryRequest():
                asked = ("", self.request.chained)
            case DisableRequest(span=timedelta() as span):
                return f"for {precisedelta(span, minimum_unit='minutes')}"
            case Edit():
                return "; ".join(self.request.changes)
            case EnableRequest() | DisableRequest() | CloneRequest() | DeleteRequest():
                return None
            case _:
                assert_never(self.request)
        how, chained = asked
        return ", ".join(filter(None, (how, "with chained jobs" if chained else ""))) or None


@dataclass(frozen=True, slots=True)
class Plans:
    """What is remembered of actions for those who watch: whose they were, and what is to follow."""

    own_actions: OwnActions
    timed_disables: TimedDisables


class Sender:
    """Sends actions to VBR. Each is sent once at most."""

    def __init__(self, fleet: Fleet, views: JobViews, record: Record, plans: Plans, clock: Clock) -> None:
        self._fleet = fleet
        self._views = views
        self._record = record
        self._own_actions = plans.own_actions
        self._timed_disables = plans.timed_disables
        self._clock = clock

    async def send(self, action: Action) -> Sent:
        """Send it and return what came of it; `Failed` where nothing was done.

        Raises `StoreError` where it could not be put on record, and so was not sent.
        """
        return await self._record.sent(
            action.operation, action.asking, action.job, action.detail, lambda: self._sent(action)
        )

    async def _sent(self, action: Action) -> Sent:
        await self._remember_before(action)
        try:
            effect = await _send(action, self._clock.now())
        except UnclearAnswer as error:
            return await self._unclear(action, error)
        except VeeamError as error:
            await self._quietly(action, self._forget(action))
            return Failed(action.operation, error, action.job.state.name)
        return Done(await self._answer(action, effect))

    async def _remember_before(self, action: Action) -> None:
        """What others must know before the answer is here: a session may end, and a bot be killed, first."""
        session_id, request = action.job.state.session_id, action.request
        if isinstance(request, StopRequest) and session_id is not None:
            await self._own_actions.remember(self._own(action, session_id))
        if isinstance(request, DisableRequest) and request.span is not None:
            await self._timed_disables.remember(self._timed(action, request.span))

    async def _forget(self, action: Action) -> None:
        """Take back what was remembered of an action that was not done, or is no longer to follow."""
        session_id, request = action.job.state.session_id, action.request
        if isinstance(request, StopRequest) and session_id is not None:
            await self._own_actions.forget(self._own(action, session_id))
        if isinstance(request, DisableRequest) and request.span is not None:
            await self._timed_disables.forget(action.job.server, action.job.state.id)

    async def _remember_after(self, action: Action, effect: Effect) -> None:
        match effect:
            case Ran(Session() as session):
                await self._own_actions.remember(self._own(action, session.id))
            case Switched(until=None) | Deleted():
                # Whoever switches a job by hand, or removes it, ends what was planned for it.
                await self._timed_disables.forget(action.job.server, action.job.state.id)
            case _:
                pass

    async def _quietly(self, action: Action, remembering: Awaitable[None]) -> None:
        """It was sent, whatever the database says."""
        try:
            await remembering
        except StoreError as error:
            log.error(
                "operations.not_remembered",
                operation=action.operation.name,
                job_id=action.job.state.id,
                error=str(error),
            )

    async def _answer(self, action: Action, effect: Effect) -> ActionAnswer:
        if isinstance(effect, Ran):
            effect = Ran(await self._session_of(action, effect.session))
        await self._quietly(action, self._remember_after(action, effect))
        return ActionAnswer(
            operation=action.operation,
            by=action.asking.person.id,
            server=action.job.server,
            job_id=action.job.state.id,
            job_name=action.job.state.name,
            effect=effect,
            detail=action.detail,
            at=self._clock.now(),
            reference=action.asking.gesture.reference,
            approver=action.asking.approver.id if action.asking.approver is not None else None,
            reason=action.asking.reason,
        )

    async def _unclear(self, action: Action, error: UnclearAnswer) -> Unclear:
        state = await self._state_since(action)
        found = await self._found(action, state)
        if isinstance(action.request, DisableRequest) and state is not None and found is None:
            await self._quietly(action, self._timed_disables.forget(action.job.server, state.id))
        return Unclear(
            operation=action.operation,
            job_name=action.job.state.name,
            server=action.job.server,
            job=self._views.of(action.asking, action.job.server, state) if state is not None else None,
            found=found,
            error=error,
        )

    async def _found(self, action: Action, state: JobState | None) -> Effect | None:
        """What is there since that speaks for its having happened."""
        request = action.request
        match request:
            case StartRequest() | StopRequest() | RetryRequest():
                session = await self._session_since(action)
                return Ran(session) if session is not None else None
            case EnableRequest() | DisableRequest():
                is_wanted = isinstance(request, DisableRequest)
                is_so = state is not None and state.is_disabled is is_wanted
                return Switched(is_disabled=is_wanted) if is_so else None
            case CloneRequest():
                return await self._newest_clone(action)
            case DeleteRequest():
                return Deleted() if await self._is_gone(action) else None
            case Edit():
                return await self._edited(action, request)
            case _:
                assert_never(request)

    async def _edited(self, action: Action, edit: Edit) -> Edited | None:
        """The edit, where the job has the settings that were sent."""
        answer = await self._fleet.ask(lambda server: server.job(action.job.state.id), (action.job.server,))
        job = answer.answers.get(action.job.server)
        if job is None or differences(settings_of(job.raw), edit.wanted):
            return None
        return Edited(edit.changes)

    async def _is_gone(self, action: Action) -> bool:
        """Whether the server answered, and has no such job."""
        answer = await self._fleet.ask(
            lambda server: server.job_state(action.job.state.id), (action.job.server,)
        )
        return action.job.server in answer.answers and answer.answers[action.job.server] is None

    async def _newest_clone(self, action: Action) -> Cloned | None:
        """VBR names copies `NAME_clone1` and on; the highest number is the newest, perhaps an older one."""
        name = action.job.state.name
        query = JobStatesQuery(name=name_filter(f"{name}_clone"))
        answer = await self._fleet.ask(
            lambda server: _numbered_clones(server, name, query), (action.job.server,)
        )
        clones = answer.answers.get(action.job.server, {})
        if not clones:
            return None
        newest = clones[max(clones)]
        return Cloned(newest.id, newest.name, is_disabled=newest.is_disabled)

    async def _state_since(self, action: Action) -> JobState | None:
        answer = await self._fleet.ask(
            lambda server: server.job_state(action.job.state.id), (action.job.server,)
        )
        return answer.answers.get(action.job.server)

    async def _session_of(self, action: Action, named: Session | None) -> Session | None:
        """The run that VBR named, or else looked up: a stop may be answered with a session of its own."""
        if named is not None and is_run_of(named, action.job.state.id):
            return named
        return await self._session_since(action) or named

    async def _session_since(self, action: Action) -> Session | None:
        """The job's newest run: of a stop the one that ran, of anything else one that is new since."""
        before = action.job.state
        answer = await self._fleet.ask(lambda server: latest_run(server, before.id), (action.job.server,))
        newest = answer.answers.get(action.job.server)
        if newest is None:
            return None
        is_new = newest.id != before.session_id
        return newest if is_new != isinstance(action.request, StopRequest) else None

    def _own(self, action: Action, session_id: SessionId) -> OwnAction:
        return OwnAction(
            server=action.job.server,
            job_id=action.job.state.id,
            session_id=session_id,
            operation=action.operation.name,
            person_id=action.asking.person.id,
            channel_id=action.asking.gesture.channel_id,
            reference=action.asking.gesture.reference,
            at=self._clock.now(),
        )

    def _timed(self, action: Action, span: timedelta) -> TimedDisable:
        now = self._clock.now()
        return TimedDisable(
            server=action.job.server,
            job_id=action.job.state.id,
            job_name=action.job.state.name,
            person_id=action.asking.person.id,
            channel_id=action.asking.gesture.channel_id,
            reference=action.asking.gesture.reference,
            disabled_at=now,
            until=now + span,
        )


async def _send(action: Action, now: datetime) -> Effect:
    server, job_id, request = action.server, action.job.state.id, action.request
    match request:
        case StartRequest():
            accepted = await server.start_job(
                job_id, full=request.full, chained=request.chained, restore_points=request.restore_points
            )
            return Ran(accepted.session)
        case StopRequest():
            accepted = await server.stop_job(job_id, graceful=not request.now, chained=request.chained)
            return Ran(accepted.session)
        case RetryRequest():
            return Ran((await server.retry_job(job_id, chained=request.chained)).session)
        case EnableRequest():
            await server.enable_job(job_id)
            return Switched(is_disabled=False)
        case DisableRequest():
            await server.disable_job(job_id)
            return Switched(is_disabled=True, until=None if request.span is None else now + request.span)
        case CloneRequest():
            copy = await server.clone_job(job_id)
            return Cloned(copy.id, copy.name, is_disabled=copy.is_disabled)
        case DeleteRequest():
            await server.delete_job(job_id)
            return Deleted()
        case Edit():
            await server.edit_job(Job(request.model))
            return Edited(request.changes)
        case _:
            assert_never(request)


async def _numbered_clones(server: VeeamServer, name: str, query: JobStatesQuery) -> dict[int, JobState]:
    clones: dict[int, JobState] = {}
    async for state in server.every_job_state(query):
        if state.name.startswith(name) and (found := _CLONE_NUMBER.fullmatch(state.name[len(name) :])):
            clones[int(found[1])] = state
    return clones
