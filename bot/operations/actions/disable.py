"""`disable`: take a job off its schedule, for good or for a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from humanize import precisedelta

from bot.operations.actions import ConfirmedJobAction, PreparedAction
from bot.operations.backend import Backend
from bot.operations.commands import doubt_about_span, span_in
from bot.operations.jobs import JobNow
from bot.operations.model import ADMINISTRATORS, Confirmation, Kind, Operation
from bot.operations.outcomes import Blocked, Effect, Switched
from bot.store import TimedDisable
from bot.veeam import JobState, VeeamServer


class Disable(ConfirmedJobAction, frozen=True, tag="disable"):
    """Take a job off its schedule; a run in progress goes on. After `span` the bot enables it again."""

    operation = Operation(
        name="disable",
        usage="disable NAME [for 4h]",
        help="take a job off its schedule, for good or for a time; a run in progress goes on",
        kind=Kind.ACTION,
        audit_name="job.disable",
        roles=ADMINISTRATORS,
        examples=("disable SQL Prod", "disable SQL Prod for 4h"),
        button="Disable",
        confirmation=Confirmation(
            question="Disable this job?",
            consequence="No scheduled backups until the job is enabled again.",
            yes="Disable",
        ),
        finds_by_form=True,
        reduces_protection=True,
    )

    switches_schedule = True

    span: timedelta | None = None

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read for how long: `for 4h`, `4h`, `for 4 hours`."""
        if not words:
            return {"span": None}
        span = span_in(words[words[0] == "for" :])
        return None if span is None else {"span": span}

    @classmethod
    def doubt_about(cls, words: Sequence[str]) -> str | None:
        """A span that is none, and a number without its unit."""
        if not words or (len(words) > 1 and words[-2] != "for"):
            return None
        if words[-1].isdecimal() and len(words) > 1:
            number = words[-1]
            return f"For {number} what? Write {number}m, {number}h or {number}d; a name may stand in quotes."
        return doubt_about_span(words[-1])

    @classmethod
    def makes_sense_on(cls, state: JobState) -> bool:
        """Whether the job is enabled."""
        return not state.is_disabled

    @property
    def detail(self) -> str | None:
        """For how long."""
        return None if self.span is None else f"for {precisedelta(self.span, minimum_unit='minutes')}"

    def blocked_by(self, job: JobNow) -> Blocked | None:
        """Where it is unknown whether the job is disabled, VBR decides."""
        return Blocked.DISABLED if job.is_disabled else None

    async def plan(self, backend: Backend, prepared: PreparedAction) -> None:
        """Plan to enable it again: the bot may be killed before the answer arrives."""
        if self.span is None:
            return
        now = backend.clock.now()
        await backend.timed_disables.remember(
            TimedDisable(
                server=prepared.target.server,
                job_id=prepared.target.state.id,
                job_name=prepared.target.state.name,
                person_id=prepared.context.person.id,
                channel_id=prepared.context.gesture.channel_id,
                reference=prepared.context.gesture.reference,
                disabled_at=now,
                until=now + self.span,
            )
        )

    async def drop_plan(self, backend: Backend, prepared: PreparedAction) -> None:
        """Nothing was disabled, so nothing is to be enabled again."""
        if self.span is not None:
            reference = prepared.context.gesture.reference
            await backend.timed_disables.forget(prepared.target.server, prepared.target.state.id, reference)

    async def drop_plan_if_unclear(self, backend: Backend, prepared: PreparedAction) -> None:
        """The job answers and is not disabled: drop this plan, as if it was refused."""
        await self.drop_plan(backend, prepared)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Send it (`DisableJob`)."""
        await prepared.target.account.disable_job(prepared.target.state.id)
        return Switched(is_disabled=True, until=None if self.span is None else now + self.span)

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """The job is disabled."""
        del vbr, prepared
        return Switched(is_disabled=True) if since is not None and since.is_disabled else None
