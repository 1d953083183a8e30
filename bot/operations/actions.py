"""What changes a job: whether and on what it is done.

In this order, and no other: the press is claimed, the job looked up as it stands, the right asked for on that
very job, the action sent. Where nothing was done, the press is given back; where that is unknown, it is kept.
"""

from dataclasses import dataclass

import structlog

from bot.observability import Clock
from bot.operations.answers import JobView
from bot.operations.asking import Asking
from bot.operations.catalog import Operation, operation_of
from bot.operations.forms import Forms
from bot.operations.latest import drawn_now, has_moved_on, with_session
from bot.operations.lookup import FoundJob, Lookup
from bot.operations.offers import lack, obstacle
from bot.operations.outcomes import (
    Ambiguous,
    Done,
    Failed,
    MovedOn,
    NeedsForm,
    NotFound,
    NotNow,
    Obstacle,
    PressedBefore,
    Refused,
    Unclear,
)
from bot.operations.people import PersonId
from bot.operations.record import Record
from bot.operations.requests import (
    ActionRequest,
    DisableRequest,
    EnableRequest,
    KnownJob,
    asked_anew,
    is_bare,
)
from bot.operations.roles import Rights, Target, Verdict
from bot.operations.seen import JobViews
from bot.operations.sending import Acting, Action, Sender
from bot.settings import ServerName
from bot.store.errors import StoreError
from bot.store.presses import Presses
from bot.store.records import Press
from bot.veeam import Fleet, JobState, Rejected, VeeamServer
from bot.veeam import NotFound as NotOnServer

log = structlog.get_logger()

Unsent = Refused | NotFound | Ambiguous | MovedOn | NotNow


@dataclass(frozen=True, slots=True)
class _Allowed:
    """A job that the person may do it on; `told` is its state as VBR's list has it."""

    job: FoundJob
    told: JobState
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Memory:
    """What actions write down before they act, and whom they act as."""

    record: Record
    presses: Presses
    acting: Acting


class Actions:
    """Does the actions."""

    def __init__(
        self, fleet: Fleet, lookup: Lookup, rights: Rights, sender: Sender, memory: Memory, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._rights = rights
        self._views = JobViews(rights, fleet)
        self._forms = Forms(fleet, self._views)
        self._sender = sender
        self._memory = memory
        self._clock = clock

    async def run(
        self, request: ActionRequest, asking: Asking
    ) -> Done | Unclear | Failed | PressedBefore | NeedsForm | Unsent:
        """Do it, or say why not. Raises `StoreError` and `VeeamError` only where nothing was done."""
        operation = operation_of(request)
        if is_bare(request):
            return await self._form(operation, request, asking)
        key = asking.gesture.press_key
        press = Press(key, asking.person.id, operation.name, self._clock.now())
        first = await self._memory.presses.claim(press)
        if first is not None:
            by = PersonId(first.person_id)
            return PressedBefore(operation, by, first.at, by_same_person=by == asking.person.id)
        is_kept = False
        try:
            prepared = await self._prepared(operation, request, asking)
            if not isinstance(prepared, Action):
                return prepared
            is_kept = True
            outcome = await self._sender.send(prepared)
            is_kept = not isinstance(outcome, Failed)
        except StoreError:
            is_kept = False
            raise
        else:
            return outcome
        finally:
            if not is_kept:
                await self._give_back(key)

    async def _give_back(self, key: str) -> None:
        try:
            await self._memory.presses.release(key)
        except StoreError as error:
            log.warning("operations.press_kept", error=str(error))

    async def _form(self, operation: Operation, request: ActionRequest, asking: Asking) -> NeedsForm | Unsent:
        """Nothing is claimed for a form: opening it twice does no harm, and it changes nothing."""
        allowed = await self._allowed(operation, request, asking)
        if not isinstance(allowed, _Allowed):
            return allowed
        if (reason := await self._obstacle(request, allowed.job)) not in {None, Obstacle.OTHER_NAME}:
            return NotNow(operation, self._view(asking, allowed.job), reason)
        return NeedsForm(operation, await self._forms.deletion(asking, allowed.job))

    async def _prepared(
        self, operation: Operation, request: ActionRequest, asking: Asking
    ) -> Action | Unsent:
        allowed = await self._allowed(operation, request, asking)
        if not isinstance(allowed, _Allowed):
            return allowed
        job, now = allowed.job, allowed.job.state
        if request.drawn is not None and has_moved_on(request.drawn, allowed.told, now):
            again = asked_anew(request, KnownJob(job.server, now.id), drawn_now(now))
            return MovedOn(operation, self._view(asking, job), again)
        if (reason := await self._obstacle(request, job)) is not None:
            return NotNow(operation, self._view(asking, job), reason)
        return Action(operation, request, asking, job, self._account(job.server, allowed.verdict))

    async def _allowed(
        self, operation: Operation, request: ActionRequest, asking: Asking
    ) -> "_Allowed | Refused | NotFound | Ambiguous | NotNow":
        """The job as it stands, where the person may do this on that very job, and its server has it."""
        job = await self._lookup.job(request.job, request=request, sight=asking.sight)
        if not isinstance(job, FoundJob):
            return job
        verdict = self._rights.may(asking.person, operation, Target(job.server, job.state.name))
        if verdict.refusal is not None:
            await self._memory.record.refused(operation, asking.person, asking.gesture, verdict.refusal, job)
            return Refused(
                verdict.refusal, operation, asking.person.standing, verdict.roles_needed, verdict.groups
            )
        lacked = lack(request, self._fleet.server(job.server).revision)
        if lacked is not None:
            return NotNow(operation, self._view(asking, job), Obstacle.LACKED, lacked)
        return _Allowed(await with_session(self._fleet.server(job.server), job), job.state, verdict)

    def _view(self, asking: Asking, job: FoundJob) -> JobView:
        return self._views.of(asking, job.server, job.state)

    async def _obstacle(self, request: ActionRequest, job: FoundJob) -> Obstacle | None:
        server, state = self._fleet.server(job.server), job.state
        if isinstance(request, EnableRequest | DisableRequest):
            is_disabled = await _is_disabled(server, state)
            return obstacle(request, state, is_active=state.is_active, is_disabled=is_disabled)
        is_active = await _is_active(server, state)
        return obstacle(request, state, is_active=is_active, is_disabled=state.is_disabled)

    def _account(self, server: ServerName, verdict: Verdict) -> VeeamServer:
        """Under a person's own role, where there is an account of it, VBR enforces the role as well."""
        accounts = (self._memory.acting.get((server, role)) for role in verdict.by)
        return next((account for account in accounts if account is not None), self._fleet.server(server))


async def _is_active(server: VeeamServer, state: JobState) -> bool:
    """A job started while disabled may stay `disabled` during the run: then its session says."""
    if state.is_active or not state.is_disabled or state.session_id is None:
        return state.is_active
    try:
        return not (await server.session(state.session_id)).is_stopped
    except NotOnServer:
        return False


async def _is_disabled(server: VeeamServer, state: JobState) -> bool | None:
    """While a job runs, its status may not say: then its settings do, where the revision can describe it."""
    if state.is_disabled or not state.is_active:
        return state.is_disabled
    try:
        return (await server.job(state.id)).is_disabled
    except (NotOnServer, Rejected):
        return None
