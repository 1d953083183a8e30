"""`apply`: hand an agent policy's settings to its computers now."""

from datetime import datetime

from bot import veeam
from bot.operations.actions import PolicyAction, PreparedAction
from bot.operations.jobs import JobNow
from bot.operations.model import OPERATORS, Confirmation, Kind, Operation
from bot.operations.outcomes import Blocked, Effect, Ran


class Apply(PolicyAction, frozen=True, tag="apply"):
    """Hand an agent policy's settings to its computers now; VBR does so itself at the next rescan."""

    operation = Operation(
        name="apply",
        usage="apply NAME",
        help="send an agent policy's settings to its computers now",
        kind=Kind.ACTION,
        audit_name="job.apply",
        roles=OPERATORS,
        runs_jobs=True,
        examples=("apply Laptops",),
        button="Apply configuration",
        confirmation=Confirmation(
            question="Apply the configuration?",
            consequence="VBR sends the policy's settings to its computers now. This backs nothing up.",
            yes="Apply",
        ),
        finds_by_form=True,
        needs=veeam.Capability.APPLY_CONFIGURATION,
    )

    @classmethod
    def makes_sense_on(cls, state: veeam.JobState) -> bool:
        """Whether it is an agent policy."""
        return veeam.is_agent_policy(state.type)

    def blocked_by(self, job: JobNow) -> Blocked | None:
        """Only a policy's settings are handed to agents."""
        return None if veeam.is_agent_policy(job.state.type) else Blocked.NO_POLICY

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Send it (`applyAgentPolicyConfiguration`)."""
        del now
        accepted = await prepared.target.account.apply_configuration(prepared.target.state.id)
        return Ran(accepted.session)
