"""`disable`: take a job off its schedule, for good or for a time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

from humanize import precisedelta
from msgspec import Meta
from msgspec.structs import replace

from bot.operations.actions import ConfirmedJobAction, PreparedAction, Target
from bot.operations.backend import Backend
from bot.operations.clock_times import clock_time_in, next_time, with_zone
from bot.operations.commands import OR_IN_QUOTES, doubt_about_span, span_in
from bot.operations.jobs import JobNow
from bot.operations.model import ADMINISTRATORS, Confirmation, Kind, Operation, RequestContext
from bot.operations.outcomes import Blocked, Effect, NotPossible, Outcome, Switched
from bot.store import TimedDisable
from bot.veeam import JobState, VeeamServer


class Disable(ConfirmedJobAction, frozen=True, tag="disable"):
    """Take a job off its schedule; a run in progress goes on. The bot enables it again where a time is given.

    That is after `span`, or at the next time of day `at` in the time zone of the person who asks: `until`,
    once it is known who that is.
    """

    operation = Operation(
        name="disable",
        usage="disable NAME [for 4h or until 08:00]",
        help="take a job off its schedule, permanently or for a while; a run in progress continues",
        kind=Kind.ACTION,
        audit_name="job.disable",
        roles=ADMINISTRATORS,
        examples=("disable SQL Prod", "disable SQL Prod until 08:00", "disable SQL Prod for 4h"),
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
    at: Annotated[time, Meta(tz=False)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read for how long (`for 4h`, `4h`, `for 4 hours`) or until when (`until 08:00`, `until 8 am`)."""
        if not words:
            return {"span": None, "at": None}
        if words[0] == "until":
            at = clock_time_in(words[1:])
            return None if at is None else {"span": None, "at": at}
        span = span_in(words[words[0] == "for" :])
        return None if span is None else {"span": span, "at": None}

    @classmethod
    def doubt_about(cls, words: Sequence[str]) -> str | None:
        """A span or a time of day that is none, and a number without its unit."""
        if len(words) > 1 and words[-2] == "until":
            return f"{words[-1]} isn't a time of day (08:00, 17:30, 8am). {OR_IN_QUOTES}"
        if not words or (len(words) > 1 and words[-2] != "for"):
            return None
        if words[-1].isdecimal() and len(words) > 1:
            number = words[-1]
            return f"For {number} what? Write {number}m, {number}h or {number}d. {OR_IN_QUOTES}"
        return doubt_about_span(words[-1])

    @classmethod
    def makes_sense_on(cls, state: JobState) -> bool:
        """Whether the job is enabled."""
        return not state.is_disabled

    @property
    def detail(self) -> str | None:
        """For how long, or until when."""
        if self.until is not None:
            return f"until {with_zone(self.until)}"
        if self.at is not None:
            return f"until {self.at:%H:%M}"
        return None if self.span is None else f"for {precisedelta(self.span, minimum_unit='minutes')}"

    def blocked_by(self, job: JobNow) -> Blocked | None:
        """Where it is unknown whether the job is disabled, VBR decides."""
        return Blocked.DISABLED if job.is_disabled else None

    async def prepare(
        self, backend: Backend, target: Target, context: RequestContext
    ) -> PreparedAction | Outcome:
        """Return it ready to be sent; a time of day is one moment now, by UTC if the time zone is unknown."""
        now = backend.clock.now()
        if self.at is not None:
            until = next_time(self.at, after=now, zone=context.person.zone or UTC)
            return await replace(self, at=None, until=until).prepare(backend, target, context)
        if self.until is not None and self.until <= now:
            view = backend.views.of(context, target.server, target.state)
            return NotPossible(self.operation, view, Blocked.TIME_PASSED)
        return await super().prepare(backend, target, context)

    async def plan(self, backend: Backend, prepared: PreparedAction) -> None:
        """Plan to enable it again: the bot may be killed before the answer arrives."""
        now = backend.clock.now()
        if (ends_at := self._ends_at(now)) is None:
            return
        await backend.timed_disables.remember(
            TimedDisable(
                server=prepared.target.server,
                job_id=prepared.target.state.id,
                job_name=prepared.target.state.name,
                person_id=prepared.context.person.id,
                channel_id=prepared.context.gesture.channel_id,
                reference=prepared.context.gesture.reference,
                disabled_at=now,
                until=ends_at,
            )
        )

    async def drop_plan(self, backend: Backend, prepared: PreparedAction) -> None:
        """Nothing was disabled, so nothing is to be enabled again."""
        if self.span is not None or self.until is not None:
            reference = prepared.context.gesture.reference
            await backend.timed_disables.forget(prepared.target.server, prepared.target.state.id, reference)

    async def drop_plan_if_unclear(self, backend: Backend, prepared: PreparedAction) -> None:
        """The job answers and is not disabled: drop this plan, as if it was refused."""
        await self.drop_plan(backend, prepared)

    async def send(self, prepared: PreparedAction, now: datetime) -> Effect:
        """Send it (`DisableJob`)."""
        await prepared.target.account.disable_job(prepared.target.state.id)
        return Switched(is_disabled=True, until=self._ends_at(now))

    async def find_effect(
        self, vbr: VeeamServer, prepared: PreparedAction, since: JobState | None
    ) -> Effect | None:
        """The job is disabled."""
        del vbr, prepared
        return Switched(is_disabled=True) if since is not None and since.is_disabled else None

    def _ends_at(self, now: datetime) -> datetime | None:
        """When the bot enables it again, if it is disabled now."""
        if self.until is not None:
            return self.until.astimezone(UTC)
        return None if self.span is None else now + self.span
