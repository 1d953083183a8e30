"""`clearcache`: delete the restore points in the backup cache of an agent policy's computers."""

from datetime import datetime

from bot import veeam
from bot.operations.actions import PolicyAction, PreparedAction
from bot.operations.jobs import JobNow
from bot.operations.model import OPERATORS, Confirmation, Kind, Operation, Style
from bot.operations.outcomes import Blocked, Effect, Ran


class ClearCache(PolicyAction, frozen=True, tag="clearcache"):
    """Delete the restore points in the backup cache of a Windows policy's computers."""

    operation = Operation(
        name="clearcache",
        usage="clearcache NAME",
        help="delete the restore points in the backup cache of an agent policy's Windows computers",
        kind=Kind.ACTION,
        audit_name="job.clear_cache",
        roles=OPERATORS,
        runs_jobs=True,
        examples=("clearcache Laptops",),
        button="Clear cache",
        style=Style.DANGER,
        confirmation=Confirmation(
            question="Clear the backup cache?",
            consequence=(
                "Restore points in the cache on its Windows computers are deleted, also those that are not "
                "in the repository yet. Computers with pre-installed agents are left out."
            ),
            yes="Clear cache",
        ),
        finds_by_form=True,
        needs=veeam.Capability.CLEAR_CACHE,
    )

    @classmethod
    def makes_sense_on(cls, state: veeam.JobState) -> bool:
        """Whether it is an agent policy of computers with Windows."""
        return veeam.keeps_cache(state.type)

    def blocked_by(self, job: JobNow) -> Blocked | None:
        """Only the computers of a Windows policy keep a cache."""
        if not veeam.is_agent_policy(job.state.type):
            return Blocked.NO_POLICY
        return None if veeam.keeps_cache(job.state.type) else Blocked.NO_CACHE

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Send it (`clearAgentPolicyCache`)."""
        del now
        accepted = await prepared.target.account.clear_cache(prepared.target.state.id)
        return Ran(accepted.session)
