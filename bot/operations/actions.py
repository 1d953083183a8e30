"""What changes a job: whether and on what it is done.

In this order, and no other: the press is claimed, the job looked up as it stands, the right asked for on that
very job, the action sent. Where nothing was done, the press is given back; where that is unknown, it is kept.
"""

from dataclasses import dataclass, replace

import structlog

from bot.operations.accounts import Accounts
from bot.operations.action_forms import ActionForms
from bot.operations.answers import JobView
from bot.operations.approvals.wishes import Wish
from bot.operations.asking import Asking
from bot.operations.catalog import EDIT, Operation, operation_of
from bot.operations.consequences import Touched
from bot.operations.forms import OthersDeed
from bot.operations.job_settings.editing import Edit, Editing
from bot.operations.lately import Lately
from bot.operations.latest import drawn_now, has_moved_on, with_session
from bot.operations.lookup import FoundJob, Lookup
from bot.operations.offers import lack, obstacle
from bot.operations.once import NotSent, Once, Ready
from bot.operations.outcomes import (
    Ambiguous,
    Done,
    Failed,
    Forgotten,
    MovedOn,
    NeedsForm,
    NotFound,
    NotNow,
    Obstacle,
    Refused,
    Unclear,
)
from bot.operations.record import Record
from bot.operations.requests import (
    ActionRequest,
    DisableRequest,
    EditRequest,
    EnableRequest,
    KnownJob,
    PlainRequest,
    Step,
)
from bot.operations.roles import Rights, Target
from bot.operations.seen import JobViews
from bot.operations.sending import Action, Sender
from bot.operations.steps import asked_anew, is_bare, is_said
from bot.veeam import Fleet, JobState, Rejected, VeeamError, VeeamServer
from bot.veeam import NotFoundOnServer as NotOnServer

log = structlog.get_logger()

Unsent = Refused | NotFound | Ambiguous | MovedOn | NotNow | NeedsForm | Forgotten
Came = Done | Unclear | Failed | Unsent


@dataclass(frozen=True, slots=True)
class _Allowed:
    """A job that the person may do it on, and whom to act as; `told` is its state as VBR's list has it."""

    job: FoundJob
    told: JobState
    account: VeeamServer


@dataclass(frozen=True, slots=True)
class Memory:
    """What actions write down before they act, and whom they act as."""

    record: Record
    once: Once
    lately: Lately
    accounts: Accounts


class Actions:
    """Does the actions."""

    def __init__(
        self, fleet: Fleet, lookup: Lookup, rights: Rights, sender: Sender, editing: Editing, memory: Memory
    ) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._rights = rights
        self._views = JobViews(rights, fleet)
        self._forms = ActionForms(fleet, lookup, Touched(fleet, self._views, memory.lately))
        self._sender = sender
        self._editing = editing
        self._memory = memory

    async def run(self, request: ActionRequest, asking: Asking) -> Came | NotSent:
        """Do it, or say why not. Raises `StoreError` and `VeeamError` only where nothing was done."""
        operation = operation_of(request)
        if isinstance(request, EditRequest):
            return await self._edit(request, asking)
        if is_bare(request):
            return await self._form(operation, request, asking)

        came: Came | NotSent = await self._memory.once.run(
            operation, asking, lambda: self.prepare(request, asking)
        )
        return came

    async def prepare(self, request: ActionRequest, asking: Asking) -> Ready[Came] | Came:
        """Return it ready to be sent, or why not. Raises `VeeamError`."""
        if isinstance(request, EditRequest):
            allowed = await self._allowed(EDIT, request, asking)
            if not isinstance(allowed, _Allowed):
                return allowed
            return await self._prepared_edit(request, asking, allowed)
        prepared = await self._prepared(operation_of(request), request, asking)
        if not isinstance(prepared, Action):
            return prepared
        known = KnownJob(prepared.job.server, prepared.job.state.id)
        wish = _wish(prepared, replace(request, job=known, drawn=None))
        return Ready(wish, lambda: self._sender.send(prepared))

    async def _form(self, operation: Operation, request: ActionRequest, asking: Asking) -> NeedsForm | Unsent:
        """Nothing is claimed for a form: opening it twice does no harm, and it changes nothing."""
        if not is_said(request):
            picking = await self._forms.pick(asking, request)
            return picking if isinstance(picking, NotFound) else NeedsForm(operation, picking)
        allowed = await self._allowed(operation, request, asking)
        if not isinstance(allowed, _Allowed):
            return allowed
        if (reason := await self._obstacle(request, allowed.job)) not in {None, Obstacle.OTHER_NAME}:
            return await self._not_now(operation, asking, allowed.job, reason)
        if isinstance(request, EditRequest):
            return await self._editing.form(request, asking, allowed.job, allowed.account)
        return NeedsForm(operation, await self._forms.on_job(asking, request, allowed.job))

    async def _edit(self, request: EditRequest, asking: Asking) -> Came | NotSent:
        """What was entered is kept first, and stands in the form again where VBR does not answer."""
        if request.draft is None:
            return await self._form(EDIT, request, asking)
        await self._editing.enter(request, asking)
        try:
            came = await self._edited(request, asking)
        except VeeamError as error:
            return await self._editing.failed(Failed(EDIT, error), request, asking)
        if isinstance(came, NotFound) and (name := await self._editing.name_of(request, asking)) is not None:
            return NotFound("job", name)
        return came

    async def _edited(self, request: EditRequest, asking: Asking) -> Came | NotSent:
        if request.step is Step.FILL:
            return await self._form(EDIT, request, asking)
        allowed = await self._allowed(EDIT, request, asking)
        if not isinstance(allowed, _Allowed):
            return allowed
        job, account = allowed.job, allowed.account
        if request.step is Step.REVIEW:
            return await self._editing.review(request, asking, job, account)

        came: Came | NotSent = await self._memory.once.run(
            EDIT, asking, lambda: self._prepared_edit(request, asking, allowed)
        )
        if isinstance(came, Failed):
            return await self._editing.failed(came, request, asking, (job, account))
        return came

    async def _prepared_edit(
        self, request: EditRequest, asking: Asking, allowed: _Allowed
    ) -> Ready[Came] | Came:
        job, account = allowed.job, allowed.account
        edit = await self._editing.ready(request, asking, job, account)
        if not isinstance(edit, Edit):
            return edit
        action = Action(EDIT, edit, asking, job, account)
        known = KnownJob(job.server, job.state.id)
        wish = replace(_wish(action, replace(request, job=known)), sent=edit.model)
        return Ready(wish, lambda: self._sender.send(action))

    async def _prepared(self, operation: Operation, request: PlainRequest, asking: Asking) -> Action | Unsent:
        allowed = await self._allowed(operation, request, asking)
        if not isinstance(allowed, _Allowed):
            return allowed
        job, now = allowed.job, allowed.job.state
        if request.drawn is not None and has_moved_on(request.drawn, allowed.told, now):
            again = asked_anew(request, KnownJob(job.server, now.id), drawn_now(now))
            return MovedOn(operation, self._view(asking, job), again, await self._lately(asking, job))
        if (reason := await self._obstacle(request, job)) is not None:
            return await self._not_now(operation, asking, job, reason)
        return Action(operation, request, asking, job, allowed.account)

    async def _allowed(
        self, operation: Operation, request: ActionRequest, asking: Asking
    ) -> _Allowed | Refused | NotFound | Ambiguous | NotNow:
        """The job as it stands, where the person may do this on that very job, and its server has it."""
        job = await self._lookup.job(request.job, request=request, sight=asking.sight)
        if not isinstance(job, FoundJob):
            return job
        verdict = self._rights.may(asking.person, operation, Target(job.server, job.state.name))
        if verdict.refusal is not None:
            return await self._memory.record.refuse(operation, asking, verdict, job)
        lacked = lack(request, self._fleet.server(job.server).revision)
        if lacked is not None:
            return NotNow(operation, self._view(asking, job), Obstacle.LACKED, lacked)
        with_latest = await with_session(self._fleet.server(job.server), job)
        account = self._memory.accounts.of(job.server, verdict)
        return _Allowed(with_latest, job.state, account)

    async def _not_now(self, operation: Operation, asking: Asking, job: FoundJob, reason: Obstacle) -> NotNow:
        lately = await self._lately(asking, job)
        return NotNow(operation, self._view(asking, job), reason, lately=lately)

    async def _lately(self, asking: Asking, job: FoundJob) -> tuple[OthersDeed, ...]:
        return await self._memory.lately.on_job(asking, job.server, job.state.id)

    def _view(self, asking: Asking, job: FoundJob) -> JobView:
        return self._views.of(asking, job.server, job.state)

    async def _obstacle(self, request: ActionRequest, job: FoundJob) -> Obstacle | None:
        server, state = self._fleet.server(job.server), job.state
        if isinstance(request, EnableRequest | DisableRequest):
            is_disabled = await _is_disabled(server, state)
            return obstacle(request, state, is_active=state.is_active, is_disabled=is_disabled)
        is_active = await _is_active(server, state)
        return obstacle(request, state, is_active=is_active, is_disabled=state.is_disabled)


def _wish(action: Action, request: ActionRequest) -> Wish:
    job = action.job
    return Wish(
        operation=action.operation,
        request=request,
        asking=action.asking,
        server=job.server,
        job=job,
        name=job.state.name,
        detail=action.detail,
    )


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
