"""What a form says before anything is done: facts read afresh, for the one who asks."""

import asyncio
from typing import assert_never

from bot.operations.asking import Asking
from bot.operations.consequences import Touched
from bot.operations.forms import (
    ActForm,
    ActionForm,
    Consequences,
    DeleteForm,
    PickForm,
    StartForm,
    StopForm,
)
from bot.operations.latest import drawn_now
from bot.operations.lookup import FoundJob, Lookup
from bot.operations.offers import never_stops
from bot.operations.outcomes import NotFound
from bot.operations.requests import (
    ActionRequest,
    CloneRequest,
    DeleteRequest,
    DisableRequest,
    EnableRequest,
    KnownJob,
    NamedJob,
    PlainRequest,
    RetryRequest,
    StartRequest,
    StopRequest,
)
from bot.operations.steps import to_fill_in
from bot.veeam import Capability, Fleet, JobState, Revision, job_type_key

_WARMED_WITHIN_SECONDS = 10.0
_MAKES_FULLS = frozenset(
    {
        "vspherebackup",
        "hypervbackup",
        "clouddirectorbackup",
        "windowsagentbackup",
        "linuxagentbackup",
        "nutanixahvbackupjob",
        "proxmoxbackupjob",
    }
)
_REPLICA, _COPY = "replica", "copy"


class ActionForms:
    """Reads what forms say. Raises `VeeamError` and `StoreError`."""

    def __init__(self, fleet: Fleet, lookup: Lookup, touched: Touched) -> None:
        self._fleet = fleet
        self._lookup = lookup
        self._touched = touched

    async def pick(self, asking: Asking, request: ActionRequest) -> PickForm | NotFound:
        """Return the form that asks for the job, with the names at hand that its menu will offer.

        Without that a menu's first search, which is due within three seconds, would be too slow for a server
        of thousands of jobs.
        """
        named = request.job.server if isinstance(request.job, NamedJob) else None
        servers = self._lookup.servers(named, asking.sight)
        if isinstance(servers, NotFound):
            return servers
        try:
            async with asyncio.timeout(_WARMED_WITHIN_SECONDS):
                answer = await self._fleet.ask(self._lookup.names, servers)
        except TimeoutError:
            return PickForm(request)
        return PickForm(request, silent=tuple(answer.failures))

    async def on_job(self, asking: Asking, request: PlainRequest, job: FoundJob) -> ActionForm:
        """Return what doing this to the job touches, and what there is to choose."""
        touched = await self._touched.by_action_on(asking, job)
        revision = self._fleet.server(job.server).revision
        filling = to_fill_in(request, KnownJob(job.server, job.state.id), drawn_now(job.state))
        return _form(filling, touched, job.state, revision)


def _form(request: PlainRequest, touched: Consequences, state: JobState, revision: Revision) -> ActionForm:
    match request:
        case StartRequest():
            has_choice = never_stops(state) and revision.has(Capability.COPY_RESTORE_POINTS)
            return StartForm(request, touched, why_no_full(state), takes_restore_points=has_choice)
        case StopRequest():
            may_cancel = bool(touched.run_after) and revision.has(Capability.CHAINED_STOP)
            return StopForm(request, touched, may_cancel_chain=may_cancel)
        case RetryRequest() | EnableRequest() | DisableRequest() | CloneRequest():
            return ActForm(request, touched)
        case DeleteRequest():
            return DeleteForm(request, touched)
        case _:
            assert_never(request)


def why_no_full(state: JobState) -> str | None:
    """Return in a word why an active full makes no sense for a job of this type; None where it does."""
    kind = job_type_key(state.type)
    if kind in _MAKES_FULLS or kind.startswith(("windowsagentbackup", "linuxagentbackup")):
        return None
    return next((word for word in (_REPLICA, _COPY) if word in kind), "type")
