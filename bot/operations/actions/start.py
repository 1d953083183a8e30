"""`start`: run a job now, outside its schedule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import veeam
from bot.operations import outcomes
from bot.operations.actions import JobAction, PreparedAction, Target
from bot.operations.backend import Backend
from bot.operations.impact import ActionForm, impact_on
from bot.operations.jobs import JobNow, never_stops, run_since, snapshot_of
from bot.operations.model import (
    OPERATORS,
    Alias,
    Confirmation,
    Kind,
    KnownJob,
    Operation,
    RequestContext,
    Style,
)

RESTORE_POINTS = {
    veeam.RestorePoints.ALL: "all restore points",
    veeam.RestorePoints.LATEST: "the latest restore points",
}
_POINTS_WORDS = {"latest": veeam.RestorePoints.LATEST, "all": veeam.RestorePoints.ALL}
_NO_FULL = {
    "replica": outcomes.Blocked.NO_FULL_REPLICA,
    "copy": outcomes.Blocked.NO_FULL_COPY,
    "type": outcomes.Blocked.NO_FULL_TYPE,
}
_MAKES_FULLS = frozenset(
    {
        "vspherebackup",
        "hypervbackup",
        "clouddirectorbackup",
        "windowsagentbackup",
        "linuxagentbackup",
        "nutanixahvbackupjob",
        "proxmoxbackupjob",
    }
)


class Start(JobAction, frozen=True, tag="start"):
    """Start a job now. `restore_points` are those that an immediate backup copy takes."""

    operation = Operation(
        name="start",
        usage="start NAME [full] [chained] [latest or all]",
        help="start a job now",
        kind=Kind.ACTION,
        audit_name="job.start",
        roles=OPERATORS,
        runs_jobs=True,
        examples=("start SQL Prod", "start SQL Prod full"),
        aliases=(Alias("run", "start"),),
        button="Start",
        style=Style.PRIMARY,
        confirmation=Confirmation(
            question="Start this job?",
            consequence="The job runs now, outside its schedule.",
            yes="Start",
        ),
        finds_by_form=True,
    )

    begins_or_ends_run = True

    full: bool = False
    chained: bool = False
    restore_points: veeam.RestorePoints | None = None

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read `full`, `chained`, and which restore points an immediate backup copy takes."""
        points = [point for word, point in _POINTS_WORDS.items() if word in words]
        if not {*words} <= {"full", "chained", *_POINTS_WORDS} or len(points) > 1:
            return None
        restore_points = points[0] if points else None
        return {"full": "full" in words, "chained": "chained" in words, "restore_points": restore_points}

    @classmethod
    def makes_sense_on(cls, state: veeam.JobState) -> bool:
        """Whether the job is at rest."""
        return not state.is_active

    @property
    def capabilities(self) -> frozenset[veeam.Capability]:
        """The choice of restore points came with a later revision."""
        return frozenset({veeam.Capability.COPY_RESTORE_POINTS} if self.restore_points is not None else ())

    @property
    def detail(self) -> str | None:
        """What kind of run, and whether chained jobs follow."""
        points = RESTORE_POINTS[self.restore_points] if self.restore_points else ""
        how = "active full" if self.full else points
        return ", ".join(filter(None, (how, "with chained jobs" if self.chained else ""))) or None

    def blocked_by(self, job: JobNow) -> outcomes.Blocked | None:
        """A job runs once at a time; one that makes no full backups makes none that is asked for."""
        if self.full and (why := why_no_full(job.state)) is not None:
            return _NO_FULL[why]
        if self.restore_points is not None and not never_stops(job.state):
            return outcomes.Blocked.NO_RESTORE_POINTS
        return outcomes.Blocked.RUNNING if job.is_active else None

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.NeedsForm:
        """Ask how to start it; what makes no sense for it is not asked."""
        state, revision = target.state, target.account.revision
        request = self.for_form(KnownJob(target.server, state.id), snapshot_of(state))
        form = StartForm(
            request,
            await impact_on(backend, context, target.job_found),
            why_no_full(state),
            takes_restore_points=never_stops(state) and revision.has(veeam.Capability.COPY_RESTORE_POINTS),
        )
        return outcomes.NeedsForm(self.operation, form)

    async def send(self, prepared: PreparedAction, now: datetime) -> outcomes.Effect:
        """Send it (`StartJob`)."""
        del now
        accepted = await prepared.target.account.start_job(
            prepared.target.state.id,
            full=self.full,
            chained=self.chained,
            restore_points=self.restore_points,
        )
        return outcomes.Ran(accepted.session)

    async def find_effect(
        self, vbr: veeam.VeeamServer, prepared: PreparedAction, since: veeam.JobState | None
    ) -> outcomes.Effect | None:
        """A new run of the job."""
        del since
        session = await run_since(vbr, prepared.target.state)
        return outcomes.Ran(session) if session is not None else None


@dataclass(frozen=True, slots=True)
class StartForm(ActionForm):
    """How to start a job. What does not make sense for it is not asked.

    `why_no_full` says in a word why no active full is offered: "copy", "replica", "type"; None where it is.
    """

    request: Start
    why_no_full: str | None = None
    takes_restore_points: bool = False


def why_no_full(state: veeam.JobState) -> str | None:
    """Return in a word why an active full makes no sense for a job of this type; None where it does."""
    kind = veeam.job_type_key(state.type)
    if kind in _MAKES_FULLS or kind.startswith(("windowsagentbackup", "linuxagentbackup")):
        return None
    return next((word for word in ("replica", "copy") if word in kind), "type")
