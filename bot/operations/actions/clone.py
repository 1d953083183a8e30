"""`clone`: copy a job with all its settings."""

import re
from datetime import datetime

from bot import veeam
from bot.operations.actions import ConfirmedJobAction, PreparedAction
from bot.operations.jobs import JobNow
from bot.operations.model import ADMINISTRATORS, Confirmation, Kind, Operation
from bot.operations.outcomes import Blocked, Cloned, Effect
from bot.operations.vbr_lists import name_filter

_CLONE_NUMBER = re.compile(r"_clone(\d+)")


class Clone(ConfirmedJobAction, frozen=True, tag="clone"):
    """Copy a job; VBR names the copy."""

    operation = Operation(
        name="clone",
        usage="clone NAME",
        help="copy a job with all its settings; VBR names the copy",
        kind=Kind.ACTION,
        audit_name="job.clone",
        roles=ADMINISTRATORS,
        examples=("clone SQL Prod",),
        button="Clone",
        confirmation=Confirmation(
            question="Clone this job?",
            consequence="VBR makes a second job with the same settings and names it itself.",
            yes="Clone",
        ),
        finds_by_form=True,
        needs=veeam.Capability.CLONE,
    )

    @classmethod
    def suits_type(cls, job_type: str, revision: veeam.Revision) -> bool:
        """Whether VBR clones jobs of this type."""
        return revision.clones(job_type)

    def blocked_by(self, job: JobNow) -> Blocked | None:
        """What VBR's API does not clone, or cannot describe."""
        return None if job.revision.clones(job.state.type) else Blocked.NO_CLONE

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Send it (`CloneJob`)."""
        del now
        copy = await prepared.target.account.clone_job(prepared.target.state.id)
        return Cloned(
            copy.id, copy.name, is_disabled=copy.is_disabled, is_editable=veeam.has_model(copy.type)
        )

    async def find_effect(
        self, vbr: veeam.VeeamServer, prepared: PreparedAction, since: veeam.JobState | None
    ) -> Effect | None:
        """The newest copy: VBR names copies `NAME_clone1` and on; the newest may be an older one."""
        del since
        name = prepared.target.state.name
        clones: dict[int, veeam.JobState] = {}
        async for state in vbr.every_job_state(veeam.JobStatesQuery(name=name_filter(f"{name}_clone"))):
            found = _CLONE_NUMBER.fullmatch(state.name.removeprefix(name))
            if found and state.name.startswith(name):
                clones[int(found[1])] = state
        if not clones:
            return None
        newest = clones[max(clones)]
        return Cloned(
            newest.id,
            newest.name,
            is_disabled=newest.is_disabled,
            is_editable=veeam.has_model(newest.type),
        )
