"""One action, sent once: on record before, its outcome on record after, an unclear one looked up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

import structlog

from bot.observability import Clock
from bot.operations.answers import ActionAnswer
from bot.operations.asking import Asking
from bot.operations.catalog import Operation
from bot.operations.effects import Cloned, Effect, Ran, Switched
from bot.operations.lookup import FoundJob, name_filter
from bot.operations.outcomes import Done, Failed, Unclear, kind_of
from bot.operations.record import Record
from bot.operations.requests import (
    ActionRequest,
    CloneRequest,
    DisableRequest,
    EnableRequest,
    RetryRequest,
    StartRequest,
    StopRequest,
)
from bot.operations.seen import JobViews
from bot.settings import Role, ServerName
from bot.store.errors import StoreError
from bot.store.own_actions import OwnActions
from bot.store.records import AuditId, OwnAction
from bot.veeam import (
    Fleet,
    JobState,
    JobStatesQuery,
    Session,
    SessionId,
    SessionsQuery,
    VeeamError,
    VeeamServer,
)
from bot.veeam import Unclear as UnclearAnswer

log = structlog.get_logger()

Acting = Mapping[tuple[ServerName, Role], VeeamServer]
"""The accounts to act under, by server and role; where there is none the fleet's own account acts."""

BROKEN = "broken"
_CLONE_NUMBER = re.compile(r"_clone(\d+)")


@dataclass(frozen=True, slots=True)
class Action:
    """One action on one job, allowed and sensible: everything that sending it takes."""

    operation: Operation
    request: ActionRequest
    asking: Asking
    job: FoundJob
    server: VeeamServer

    @property
    def detail(self) -> str | None:
        """What else was asked for, in words."""
        match self.request:
            case StartRequest():
                asked = ("active full" if self.request.full else "", self.request.chained)
            case StopRequest():
                asked = ("at once" if self.request.now else "", self.request.chained)
            case RetryRequest():
                asked = ("", self.request.chained)
            case EnableRequest() | DisableRequest() | CloneRequest():
                return None
            case _:
                assert_never(self.request)
        how, chained = asked
        return ", ".join(filter(None, (how, "with chained jobs" if chained else ""))) or None


class Sender:
    """Sends actions to VBR. Each is sent once at most."""

    def __init__(
        self, fleet: Fleet, views: JobViews, record: Record, own_actions: OwnActions, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._views = views
        self._record = record
        self._own_actions = own_actions
        self._clock = clock

    async def send(self, action: Action) -> Done | Unclear | Failed:
        """Send it and return what came of it; `Failed` where nothing was done.

        Raises `StoreError` where it could not be put on record, and so was not sent.
        """
        audit_id = await self._record.opened(action.operation, action.asking, action.job, action.detail)
        stop = await self._remembered_stop(action, audit_id)
        try:
            effect = await _send(action)
        except UnclearAnswer as error:
            outcome: Done | Unclear | Failed = await self._unclear(action, error)
        except VeeamError as error:
            if stop is not None:
                await self._forget(stop)
            outcome = Failed(action.operation, error, action.job.state.name)
        else:
            outcome = Done(await self._answer(action, effect))
        await self._close(audit_id, outcome)
        return outcome

    async def _remembered_stop(self, action: Action, audit_id: AuditId) -> OwnAction | None:
        """The session may have ended, and be told of, before the answer to a stop is here."""
        session_id = action.job.state.session_id
        if not isinstance(action.request, StopRequest) or session_id is None:
            return None
        stop = self._own(action, session_id)
        try:
            await self._own_actions.remember(stop)
        except StoreError as error:
            await self._record.closed(audit_id, BROKEN, None, str(error))
            raise
        return stop

    async def _answer(self, action: Action, effect: Effect) -> ActionAnswer:
        if isinstance(effect, Ran):
            effect = Ran(effect.session or await self._session_since(action))
            if effect.session is not None and not isinstance(action.request, StopRequest):
                await self._remember(self._own(action, effect.session.id))
        return ActionAnswer(
            operation=action.operation,
            by=action.asking.person.id,
            server=action.job.server,
            job_id=action.job.state.id,
            job_name=action.job.state.name,
            effect=effect,
            detail=action.detail,
            at=self._clock.now(),
        )

    async def _unclear(self, action: Action, error: UnclearAnswer) -> Unclear:
        state = await self._state_since(action)
        return Unclear(
            operation=action.operation,
            job_name=action.job.state.name,
            server=action.job.server,
            job=self._views.of(action.asking, action.job.server, state) if state is not None else None,
            found=await self._found(action, state),
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
            case _:
                assert_never(request)

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

    async def _session_since(self, action: Action) -> Session | None:
        """The job's newest session: of a stop the one that ran, of anything else one that is new since."""
        query = SessionsQuery(job_id=action.job.state.id, order_by="CreationTime", ascending=False, limit=1)
        answer = await self._fleet.ask(lambda server: server.sessions(query), (action.job.server,))
        page = answer.answers.get(action.job.server)
        newest = page.rows[0] if page is not None and page.rows else None
        before = action.job.state
        if newest is None or (before.session_id is None and before.last_run is not None):
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

    async def _remember(self, own: OwnAction) -> None:
        try:
            await self._own_actions.remember(own)
        except StoreError as error:
            log.error("operations.own_action_lost", session_id=own.session_id, error=str(error))

    async def _forget(self, own: OwnAction) -> None:
        try:
            await self._own_actions.forget(own)
        except StoreError as error:
            log.error("operations.own_action_kept", session_id=own.session_id, error=str(error))

    async def _close(self, audit_id: AuditId, outcome: Done | Unclear | Failed) -> None:
        session_id, detail = _for_the_record(outcome)
        try:
            await self._record.closed(audit_id, kind_of(outcome), session_id, detail)
        except StoreError as error:
            # It was sent, and whoever asked is told what came of it; the entry that stays open says the rest.
            log.error("operations.audit_left_open", audit_id=audit_id, error=str(error))


async def _send(action: Action) -> Effect:
    server, job_id, request = action.server, action.job.state.id, action.request
    match request:
        case StartRequest():
            accepted = await server.start_job(job_id, full=request.full, chained=request.chained)
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
            return Switched(is_disabled=True)
        case CloneRequest():
            copy = await server.clone_job(job_id)
            return Cloned(copy.id, copy.name, is_disabled=copy.is_disabled)
        case _:
            assert_never(request)


async def _numbered_clones(server: VeeamServer, name: str, query: JobStatesQuery) -> dict[int, JobState]:
    clones: dict[int, JobState] = {}
    async for state in server.every_job_state(query):
        if state.name.startswith(name) and (found := _CLONE_NUMBER.fullmatch(state.name[len(name) :])):
            clones[int(found[1])] = state
    return clones


def _for_the_record(outcome: Done | Unclear | Failed) -> tuple[SessionId | None, str | None]:
    match outcome:
        case Done(ActionAnswer(effect=Ran(session=Session() as session))):
            return session.id, None
        case Done(ActionAnswer(effect=Cloned() as clone)):
            return None, f"as {clone.name}"
        case Unclear():
            return outcome.session_id, str(outcome.error)
        case Failed():
            return None, str(outcome.error)
        case _:
            return None, None
