"""What the buttons on a cause of a digest or a report do: retry, acknowledge or mute all its jobs.

Only jobs that still fail as they did when the button was drawn are acted on. The same button in another
message, about the very same failures, is the same press.
"""

from abc import abstractmethod
from collections.abc import Sequence

from msgspec.structs import replace

from bot import store
from bot.operations.actions import JobAction
from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.many import ActionOnMany, OneOfMany, for_many
from bot.operations.actions.mute import Mute
from bot.operations.actions.retry import Retry
from bot.operations.model import (
    OPERATORS,
    Confirmation,
    Kind,
    KnownJob,
    Operation,
    Request,
    RequestContext,
    Snapshot,
    Style,
)
from bot.veeam import jobs_from_json


class _OnGroup(ActionOnMany, frozen=True):
    """An action on each job of a kept group."""

    group_id: str

    def on_same(self, label: str) -> Request | None:
        """Return what the button asks for about the same jobs."""
        action = for_many(label, (RetryGroup, AcknowledgeGroup, MuteGroup))
        return None if action is None else action(self.group_id)

    def press_key(self, context: RequestContext) -> str:
        """Return a key of the group alone, whoever presses its button, and in whichever message."""
        del context
        return f"{self.operation.name}/{self.group_id}"

    async def jobs(self, database: store.Database, context: RequestContext) -> Sequence[OneOfMany] | None:
        """Return the jobs that were kept."""
        del context
        kept = await store.FailureGroups(database).jobs_of(self.group_id)
        found = None if kept is None else jobs_from_json(kept)
        if found is None:
            return None
        return [
            OneOfMany(f"{job.server}/{job.job_id}", job.server, job.job_id, job.name, job.session_id)
            for job in found
        ]

    def action_on(self, job: OneOfMany) -> JobAction:
        """Return the action on one job, as its own button would have carried it."""
        drawn = Snapshot(job.session_id, is_active=False)
        return replace(self.plain_action(KnownJob(job.server, job.job_id)), snapshot=drawn)

    @abstractmethod
    def plain_action(self, job: KnownJob) -> JobAction:
        """Return the action, however the job stands."""


class RetryGroup(_OnGroup, frozen=True, tag="retry_group"):
    """Retry every job that fails for one cause."""

    operation = Operation(
        name="retry_group",
        usage="",
        help="retry every job that a digest or a report lists for one cause",
        kind=Kind.ACTION,
        audit_name="group.retry",
        roles=OPERATORS,
        runs_jobs=True,
        button="Retry all",
        style=Style.PRIMARY,
        confirmation=Confirmation(
            question="Retry all of these jobs?",
            consequence="Their failed objects run again now, where your role allows it.",
            yes="Retry all",
        ),
    )

    def plain_action(self, job: KnownJob) -> Retry:
        """Return the retry of one job."""
        return Retry(job)


class AcknowledgeGroup(_OnGroup, frozen=True, tag="ack_group"):
    """Own the failed run of every job that fails for one cause."""

    operation = Operation(
        name="ack_group",
        usage="",
        help="own the failed runs of all jobs that a digest lists for one cause",
        kind=Kind.ACTION,
        audit_name="group.ack",
        roles=OPERATORS,
        button="Acknowledge",
        confirmation=Confirmation(
            question="Acknowledge all of these jobs?",
            consequence="You own their failed runs, for everybody to see.",
            yes="Acknowledge",
        ),
    )

    comment: str | None = None

    def plain_action(self, job: KnownJob) -> Acknowledge:
        """Return the acknowledgement of one job's latest failed run."""
        return Acknowledge(job, comment=self.comment)


class MuteGroup(_OnGroup, frozen=True, tag="mute_group"):
    """Mute every job that fails for one cause, each until it succeeds."""

    operation = Operation(
        name="mute_group",
        usage="",
        help="mute all jobs that a digest lists for one cause, each until it succeeds",
        kind=Kind.ACTION,
        audit_name="group.mute",
        roles=OPERATORS,
        button="Mute",
        confirmation=Confirmation(
            question="Mute all of these jobs?",
            consequence="Each is muted until it succeeds.",
            yes="Mute",
        ),
    )

    comment: str | None = None

    def plain_action(self, job: KnownJob) -> Mute:
        """Return the mute of one job."""
        return Mute(job, until_success=True, comment=self.comment)
