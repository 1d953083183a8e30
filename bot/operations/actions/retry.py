"""`retry`: rerun the objects that failed in a job's last session."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot import veeam
from bot.operations.actions import ConfirmedJobAction, PreparedAction
from bot.operations.jobs import JobNow, run_since
from bot.operations.model import OPERATORS, Confirmation, Kind, Operation, Style
from bot.operations.outcomes import Blocked, Effect, Ran


class Retry(ConfirmedJobAction, frozen=True, tag="retry"):
    """Run the failed objects of a job's last session again."""

    operation = Operation(
        name="retry",
        usage="retry NAME [chained]",
        help="rerun the objects that failed in a job's last session",
        kind=Kind.ACTION,
        audit_name="job.retry",
        roles=OPERATORS,
        runs_jobs=True,
        examples=("retry SQL Prod",),
        button="Retry",
        style=Style.PRIMARY,
        confirmation=Confirmation(
            question="Retry this job?",
            consequence="The objects that failed in its last session run again now.",
            yes="Retry",
        ),
        finds_by_form=True,
        needs=veeam.Capability.RETRY,
    )

    begins_or_ends_run = True

    chained: bool = False

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read `chained`."""
        return {"chained": "chained" in words} if {*words} <= {"chained"} else None

    @classmethod
    def makes_sense_on(cls, state: veeam.JobState) -> bool:
        """Whether the last run failed and no other is going on."""
        return state.result is veeam.Result.FAILED and not state.is_active

    @property
    def detail(self) -> str | None:
        """Whether chained jobs follow."""
        return "with chained jobs" if self.chained else None

    def blocked_by(self, job: JobNow) -> Blocked | None:
        """A job runs once at a time."""
        return Blocked.RUNNING if job.is_active else None

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Send it (`RetryJob`)."""
        del now
        accepted = await prepared.target.account.retry_job(prepared.target.state.id, chained=self.chained)
        return Ran(accepted.session)

    async def find_effect(
        self, vbr: veeam.VeeamServer, prepared: PreparedAction, since: veeam.JobState | None
    ) -> Effect | None:
        """A new run of the job."""
        del since
        session = await run_since(vbr, prepared.target.state)
        return Ran(session) if session is not None else None
