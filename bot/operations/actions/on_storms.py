"""What is done about a whole storm, or many unmet expectations: each job as if pressed by itself."""

from collections.abc import Sequence

from bot import store
from bot.operations.actions import JobAction
from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.many import AT_MOST, ActionOnMany, OneOfMany, for_many
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
    Style,
)
from bot.settings import ServerName
from bot.veeam import JobId, SessionId


class _OnStorm(ActionOnMany, frozen=True):
    """Something done about every job of a storm that still stands failed.

    `turn` is how often anything was done about the storm when the button was drawn: what failed again since
    is another press.
    """

    storm_id: str
    turn: int = 0

    def on_same(self, label: str) -> Request | None:
        """Return what the button asks for about the same storm."""
        action = for_many(label, (RetryAll, AcknowledgeAll, MuteAll))
        return None if action is None else action(self.storm_id, self.turn)

    async def jobs(self, database: store.Database, context: RequestContext) -> Sequence[OneOfMany] | None:
        """Return what still stands failed of the storm, one more than is done at most."""
        storms = store.Storms(database)
        async with database.reading() as reading:
            storm = await storms.of(reading, self.storm_id)
            found = await storms.failures(
                reading, self.storm_id, limit=AT_MOST + 1, states=store.STANDS_FAILED
            )
        if storm is None or storm.channel != context.gesture.channel_id:
            return None  # the message that has the button stands in the storm's own channel
        return [
            OneOfMany(
                each.run_key,
                ServerName(each.server),
                JobId(each.job_id),
                each.job_name,
                SessionId(each.session_id),
                is_of_logs=each.state == store.LOGS_FAILED,
            )
            for each in found
        ]

    async def note_press(self, database: store.Database) -> None:
        """Count it: the storm's next button is another."""
        await store.Storms(database).acted_on(self.storm_id, self.turn)


class RetryAll(_OnStorm, frozen=True, tag="retry_all"):
    """Retry every job of a storm that still stands failed; backups of their logs are left out."""

    operation = Operation(
        name="retry_all",
        usage="",
        help="retry every job of a message that tells of many failures",
        kind=Kind.ACTION,
        audit_name="storm.retry",
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

    def leaves_out(self, job: OneOfMany) -> bool:
        """Whether a backup of logs failed: a retry would run the job, and not that."""
        return job.is_of_logs

    def action_on(self, job: OneOfMany) -> JobAction:
        """Return the retry of one job, whatever ran of it since."""
        return Retry(KnownJob(job.server, job.job_id))


class AcknowledgeAll(_OnStorm, frozen=True, tag="ack_all"):
    """Own every failed run of a storm that still stands failed."""

    operation = Operation(
        name="ack_all",
        usage="",
        help="own every failed run of a message that tells of many failures",
        kind=Kind.ACTION,
        audit_name="storm.ack",
        roles=OPERATORS,
        button="Acknowledge",
        confirmation=Confirmation(
            question="Acknowledge all of these failures?",
            consequence="You own them, where your role allows it.",
            yes="Acknowledge",
        ),
    )

    comment: str | None = None

    def action_on(self, job: OneOfMany) -> JobAction:
        """Return the acknowledgement of the run that failed."""
        return Acknowledge(KnownJob(job.server, job.job_id), run=job.session_id, comment=self.comment)


class MuteAll(_OnStorm, frozen=True, tag="mute_all"):
    """Mute every job of a storm that still stands failed, each until it succeeds."""

    operation = Operation(
        name="mute_all",
        usage="",
        help="mute every job of a message that tells of many failures, each until it succeeds",
        kind=Kind.ACTION,
        audit_name="storm.mute",
        roles=OPERATORS,
        button="Mute",
        confirmation=Confirmation(
            question="Mute all of these jobs?",
            consequence="Each is muted until it succeeds, where your role allows it.",
            yes="Mute",
        ),
    )

    comment: str | None = None

    def action_on(self, job: OneOfMany) -> JobAction:
        """Return the mute of one job."""
        return Mute(KnownJob(job.server, job.job_id), until_success=True, comment=self.comment)


class MuteUnmet(ActionOnMany, frozen=True, tag="mute_unmet"):
    """Mute every job of a message that tells of many unmet expectations, each until it succeeds."""

    operation = Operation(
        name="mute_unmet",
        usage="",
        help="mute every job of a message that tells of many expectations, each until it succeeds",
        kind=Kind.ACTION,
        audit_name="expectations.mute",
        roles=OPERATORS,
        button="Mute",
        confirmation=MuteAll.operation.confirmation,
    )

    group_id: str
    comment: str | None = None

    async def jobs(self, database: store.Database, context: RequestContext) -> Sequence[OneOfMany] | None:
        """Return what still stands of the group, one more than is done at most."""
        groups = store.ExpectationGroups(database)
        async with database.reading() as reading:
            group = await groups.of(reading, self.group_id)
            found = await groups.listed(reading, self.group_id, limit=AT_MOST + 1, only_standing=True)
        if group is None or group.channel != context.gesture.channel_id:
            return None
        server = ServerName(group.server)
        return [OneOfMany(each.subject, server, JobId(each.subject), each.name) for each in found]

    def action_on(self, job: OneOfMany) -> JobAction:
        """Return the mute of one job."""
        return Mute(KnownJob(job.server, job.job_id), until_success=True, comment=self.comment)
