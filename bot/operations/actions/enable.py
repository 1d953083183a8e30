"""`enable`: put a job back on its schedule."""

from datetime import datetime

from bot.operations.actions import ConfirmedJobAction, PreparedAction
from bot.operations.jobs import JobNow
from bot.operations.model import ADMINISTRATORS, Confirmation, Kind, Operation
from bot.operations.outcomes import Blocked, Effect, Switched
from bot.veeam import JobState, VeeamServer


class Enable(ConfirmedJobAction, frozen=True, tag="enable"):
    """Let a job follow its schedule again."""

    operation = Operation(
        name="enable",
        usage="enable NAME",
        help="put a job back on its schedule",
        kind=Kind.ACTION,
        audit_name="job.enable",
        roles=ADMINISTRATORS,
        examples=("enable SQL Prod",),
        button="Enable",
        confirmation=Confirmation(
            question="Enable this job?",
            consequence="It follows its schedule again.",
            yes="Enable",
        ),
        finds_by_form=True,
    )

    switches_schedule = True

    @classmethod
    def makes_sense_on(cls, state: JobState) -> bool:
        """Whether the job is disabled."""
        return state.is_disabled

    def blocked_by(self, job: JobNow) -> Blocked | None:
        """Where it is unknown whether the job is enabled, VBR decides."""
        return Blocked.ENABLED if job.is_disabled is False else None

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Send it (`EnableJob`)."""
        del now
        await prepared.target.account.enable_job(prepared.target.state.id)
        return Switched(is_disabled=False)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """The job is enabled."""
        del vbr, prepared
        return Switched(is_disabled=False) if since is not None and not since.is_disabled else None
