"""`Retry all` on a storm: retry every job of it that still stands failed."""

from collections.abc import Sequence

from bot import store
from bot.operations.actions.many import AT_MOST, ActionOnMany, OneOfMany
from bot.operations.actions.retry import Retry
from bot.operations.model import OPERATORS, Confirmation, Kind, KnownJob, Operation, RequestContext, Style
from bot.settings import ServerName
from bot.veeam import JobId, SessionId


class RetryAll(ActionOnMany, frozen=True, tag="retry_all"):
    """Retry every job of a storm that still stands failed.

    `turn` is how often that was done when the button was drawn: what failed again since is another press.
    """

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

    storm_id: str
    turn: int = 0

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
            )
            for each in found
        ]

    def action_on(self, job: OneOfMany) -> Retry:
        """Return the retry of one job, whatever ran of it since."""
        return Retry(KnownJob(job.server, job.job_id))

    async def note_press(self, database: store.Database) -> None:
        """Count it: the storm's next button is another."""
        await store.Storms(database).retried(self.storm_id, self.turn)
