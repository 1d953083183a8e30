"""`stop`: end a run, gracefully or at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.operations import outcomes
from bot.operations.actions import JobAction, PreparedAction, Target
from bot.operations.backend import Backend
from bot.operations.impact import ActionForm, impact_on
from bot.operations.jobs import JobNow, latest_run, never_stops, snapshot_of
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
from bot.veeam import Capability, JobState, VeeamServer

_GRACEFUL = frozenset({"graceful", "gracefully"})


class Stop(JobAction, frozen=True, tag="stop"):
    """Stop a running job; gracefully unless `now`."""

    operation = Operation(
        name="stop",
        usage="stop NAME [now] [chained]",
        help="stop a running job: gracefully, or at once with `now`",
        kind=Kind.ACTION,
        audit_name="job.stop",
        roles=OPERATORS,
        runs_jobs=True,
        examples=("stop SQL Prod", "stop SQL Prod now"),
        aliases=(Alias("cancel", "stop"),),
        button="Stop",
        style=Style.DANGER,
        confirmation=Confirmation(
            question="Stop this job?",
            consequence="Objects in progress finish; the rest get no restore point from this run.",
            yes="Stop",
        ),
        finds_by_form=True,
    )

    begins_or_ends_run = True

    now: bool = False
    chained: bool = False

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read `now` and `chained`; `graceful` says what goes without saying."""
        is_graceful = not _GRACEFUL.isdisjoint(words)
        if not {*words} <= {"now", "chained", *_GRACEFUL} or (is_graceful and "now" in words):
            return None
        return {"now": "now" in words, "chained": "chained" in words}

    @classmethod
    def makes_sense_on(cls, state: JobState) -> bool:
        """Whether the job runs and can be stopped."""
        return state.is_active and not never_stops(state)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Cancelling chained jobs came with a later revision."""
        return frozenset({Capability.CHAINED_STOP} if self.chained else ())

    @property
    def detail(self) -> str | None:
        """How it stops, and whether chained jobs are cancelled."""
        words = ("at once" if self.now else "", "with chained jobs" if self.chained else "")
        return ", ".join(filter(None, words)) or None

    def blocked_by(self, job: JobNow) -> outcomes.Blocked | None:
        """Only what runs is stopped; an immediate backup copy never stops."""
        if job.never_stops:
            return outcomes.Blocked.NEVER_STOPS
        return None if job.is_active else outcomes.Blocked.NOT_RUNNING

    async def form(self, backend: Backend, target: Target, context: RequestContext) -> outcomes.NeedsForm:
        """Ask how to stop it."""
        impact = await impact_on(backend, context, target.job_found)
        request = self.for_form(KnownJob(target.server, target.state.id), snapshot_of(target.state))
        may_cancel = bool(impact.run_after) and target.account.revision.has(Capability.CHAINED_STOP)
        return outcomes.NeedsForm(self.operation, StopForm(request, impact, may_cancel_chain=may_cancel))

    async def plan(self, backend: Backend, prepared: PreparedAction) -> None:
        """Note that the running session is stopped from here: it may end before the answer arrives."""
        if (session_id := prepared.target.state.session_id) is not None:
            job_id = prepared.target.state.id
            own = prepared.own_action(job_id, session_id, backend.clock.now())
            await backend.own_actions.remember(own)

    async def drop_plan(self, backend: Backend, prepared: PreparedAction) -> None:
        """The session was not stopped from here after all."""
        if (session_id := prepared.target.state.session_id) is not None:
            job_id = prepared.target.state.id
            await backend.own_actions.forget(prepared.own_action(job_id, session_id, backend.clock.now()))

    async def send(self, prepared: PreparedAction, now: datetime) -> outcomes.Effect:
        """Send it (`StopJob`)."""
        del now
        accepted = await prepared.target.account.stop_job(
            prepared.target.state.id, graceful=not self.now, chained=self.chained
        )
        return outcomes.Ran(accepted.session)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> outcomes.Effect | None:
        """The run that ran: VBR may answer a stop with a session of its own."""
        del since
        latest = await latest_run(vbr, prepared.target.state.id)
        is_the_one = latest is not None and latest.id == prepared.target.state.session_id
        return outcomes.Ran(latest) if is_the_one else None


@dataclass(frozen=True, slots=True)
class StopForm(ActionForm):
    """How to stop a job. `may_cancel_chain` where the server's API has it and jobs run after this one."""

    request: Stop
    may_cancel_chain: bool = False
