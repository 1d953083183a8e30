"""A job as one person may see it: what they may do with it, and no word of jobs that they may not know of."""

import msgspec

from bot.operations.answers import JobView
from bot.operations.asking import Asking
from bot.operations.offers import offers
from bot.operations.reasons import Failure
from bot.operations.roles import Rights, Sight
from bot.settings import ServerName
from bot.veeam import Fleet, Job, JobState

_OF_NO_OTHER_JOB = ("id", "name", "type", "description", "isDisabled", "isHighPriority")
_OF_ITS_OWN_SCHEDULE = ("runAutomatically", "retry")


class JobViews:
    """Job states as they are shown to the person who asks."""

    def __init__(self, rights: Rights, fleet: Fleet) -> None:
        self._rights = rights
        self._fleet = fleet

    def of(
        self, asking: Asking, server: ServerName, state: JobState, failure: Failure | None = None
    ) -> JobView:
        """Return the job as shown, with the operations that make sense on it and are allowed."""
        failure = failure or Failure()
        revision = self._fleet.server(server).revision
        return JobView(
            server=server,
            state=state_as_seen(asking.sight, server, state),
            failed_in_a_row=failure.in_a_row,
            reason=failure.reason,
            operations=offers(self._rights, asking.person, server, state, revision),
        )


def state_as_seen(sight: Sight, server: ServerName, state: JobState) -> JobState:
    """Return the state without a predecessor out of sight, which `nextRunPolicy` names too ("After [X]")."""
    before = state.run_after_job
    if sight.sees_all(server) or (before is not None and sight.sees(server, before.job_name or "")):
        return state
    policy = state.next_run_policy if state.next_run is not None else None
    return msgspec.structs.replace(state, run_after_job=None, next_run_policy=policy)


def settings_as_seen(sight: Sight, server: ServerName, job: Job) -> Job:
    """Return the settings; to somebody who may not know of every job, only what can name no other."""
    if sight.sees_all(server):
        return job
    schedule = job.raw.get("schedule")
    own = schedule if isinstance(schedule, dict) else {}
    kept = {key: job.raw[key] for key in _OF_NO_OTHER_JOB if key in job.raw}
    return Job({**kept, "schedule": {key: own[key] for key in _OF_ITS_OWN_SCHEDULE if key in own}})
