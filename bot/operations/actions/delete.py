"""`delete`: delete a job after you type its name again; its backups stay."""

from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from bot.operations import outcomes
from bot.operations.actions import JobAction, PreparedAction, Target
from bot.operations.backend import Backend
from bot.operations.impact import ActionForm, impact_on
from bot.operations.jobs import JobNow, snapshot_of
from bot.operations.matching import is_exactly
from bot.operations.model import ADMINISTRATORS, Kind, KnownJob, Operation, RequestContext, Snapshot, Style
from bot.veeam import JobState, VeeamServer


class Delete(JobAction, frozen=True, tag="delete"):
    """Remove a job; its backups stay. Without `typed_name`, the job's name as typed, a form is needed.

    `reason` is why, in the person's own words.
    """

    operation = Operation(
        name="delete",
        usage="delete NAME",
        help="delete a job after you type its name again; its backups stay",
        kind=Kind.ACTION,
        audit_name="job.delete",
        roles=ADMINISTRATORS,
        examples=("delete SQL Prod",),
        button="Delete",
        style=Style.DANGER,
        has_form=True,
        finds_by_form=True,
        reduces_protection=True,
    )

    typed_name: str | None = None
    reason: str | None = None

    @classmethod
    def makes_sense_on(cls, state: JobState) -> bool:
        """Whether the job is at rest."""
        return not state.is_active

    @property
    def needs_form(self) -> bool:
        """Whether the job's name is still to be typed."""
        return self.typed_name is None

    def without_reason(self) -> "Delete":
        """Return what is asked for, and nothing else."""
        return replace(self, reason=None)

    def for_form(self, job: KnownJob, snapshot: Snapshot | None = None) -> "Delete":
        """Return the request whose form asks for the name."""
        return Delete(job, snapshot, reason=self.reason)

    def again(self, job: KnownJob, snapshot: Snapshot) -> "Delete":
        """Return the request for the job as it is now; its name is to be typed again."""
        return Delete(job, snapshot)

    def blocked_by(self, job: JobNow) -> outcomes.Blocked | None:
        """Not while it runs, and not under another name."""
        if job.is_active:
            return outcomes.Blocked.BUSY
        return None if is_exactly(self.typed_name or "", job.state.name) else outcomes.Blocked.OTHER_NAME

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.NeedsForm:
        """Ask for the job's name and the reason."""
        request = self.for_form(KnownJob(target.server, target.state.id), snapshot_of(target.state))
        return outcomes.NeedsForm(
            self.operation, DeleteForm(request, await impact_on(backend, context, target.job_found))
        )

    async def send(self, prepared: PreparedAction, now: datetime) -> outcomes.Effect:
        """Send it (`DeleteJob`)."""
        del now
        await prepared.target.account.delete_job(prepared.target.state.id)
        return outcomes.Deleted()

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> outcomes.Effect | None:
        """The server answers and has no such job."""
        del since
        return outcomes.Deleted() if await vbr.job_state(prepared.target.state.id) is None else None


@dataclass(frozen=True, slots=True)
class DeleteForm(ActionForm):
    """What deleting a job touches. `request` is what to run once the job's name was typed."""

    request: Delete
