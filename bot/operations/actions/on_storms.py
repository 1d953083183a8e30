"""What is done about a whole storm: `Retry all` and `Acknowledge`, each job as if pressed by itself.

One press, one result: each job that still stands failed is acted on under the presser's own rights, by the
one path that every action takes, so that each is on record.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from bot import store
from bot.observability import Clock
from bot.operations import outcomes
from bot.operations.actions import JobAction
from bot.operations.actions.acknowledge import Acknowledge
from bot.operations.actions.perform import Performer
from bot.operations.actions.retry import Retry
from bot.operations.audit_trail import AuditTrail
from bot.operations.model import (
    OPERATORS,
    Confirmation,
    Gesture,
    Kind,
    KnownJob,
    Operation,
    Refusal,
    Request,
    RequestContext,
    Style,
)
from bot.settings import PersonId, ServerName
from bot.veeam import JobId, SessionId, VeeamError

JOBS_AT_MOST = 500
_AT_ONCE = 4
"""So many are under way, however many servers the storm has: VBR is busy enough."""


class OnStorm(Request, frozen=True):
    """Something done about every job of a storm that still stands failed. Nobody types it.

    `turn` is how often anything was done about the storm when the button was drawn: what failed again since
    is another press.
    """

    storm_id: str
    turn: int = 0

    def action_on(self, job: KnownJob, run: SessionId) -> JobAction:
        """Return what is done about one job, of which this run failed."""
        raise NotImplementedError


class RetryAll(OnStorm, frozen=True, tag="retry_all"):
    """Retry every job of a storm that still stands failed."""

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

    def action_on(self, job: KnownJob, run: SessionId) -> JobAction:
        """Retry it."""
        del run
        return Retry(job)


class AcknowledgeAll(OnStorm, frozen=True, tag="ack_all"):
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

    def action_on(self, job: KnownJob, run: SessionId) -> JobAction:
        """Own its failed run."""
        return Acknowledge(job, run=run)


@dataclass(frozen=True, slots=True)
class StormJob:
    """What came of one job."""

    server: ServerName
    job_name: str
    outcome: outcomes.Outcome


@dataclass(frozen=True, slots=True)
class StormAnswer(outcomes.Answer):
    """What came of each job, in the storm's order; `left_out` more were not tried."""

    operation: Operation
    storm_id: str
    by: PersonId
    at: datetime
    jobs: tuple[StormJob, ...]
    left_out: int = 0


class StormActions:
    """Does what is asked for about storms. Raises `StoreError` only where nothing was done."""

    def __init__(
        self,
        database: store.Database,
        presses: store.PressClaims,
        performer: Performer,
        audit: AuditTrail,
        clock: Clock,
    ) -> None:
        self._database = database
        self._audit = audit
        self._storms = store.Storms(database)
        self._presses = presses
        self._performer = performer
        self._clock = clock

    async def act(self, request: OnStorm, context: RequestContext) -> outcomes.Outcome:
        """Act on what still stands failed, a few at a time."""
        operation, person = request.operation, context.person
        async with self._database.reading() as reading:
            storm = await self._storms.of(reading, request.storm_id)
            found = await self._storms.failures(
                reading, request.storm_id, limit=JOBS_AT_MOST + 1, states=store.STANDS_FAILED
            )
        if storm is None or storm.channel != context.gesture.channel_id:
            found = ()  # the message that has the button stands in the storm's own channel
        key = context.gesture.press_key
        claim = store.PressClaim(key, person.id, operation.name, self._clock.now())
        if (first := await self._presses.claim(claim)) is not None:
            by = PersonId(first.person_id)
            return outcomes.AlreadyPressed(operation, by, first.at, by_same_person=person.has_id(by))
        # What is drawn from now on is another press.
        await self._storms.acted_on(request.storm_id, request.turn)
        turns = asyncio.Semaphore(_AT_ONCE)

        async def in_turn(number: int, failure: store.ChannelFailure) -> StormJob:
            async with turns:
                gesture = _gesture_for(context.gesture, failure, number)
                outcome = await self._act_on(request, failure, replace(context, gesture=gesture))
            return StormJob(ServerName(failure.server), failure.job_name, outcome)

        tried = [in_turn(number, each) for number, each in enumerate(found[:JOBS_AT_MOST], start=1)]
        jobs = tuple(await asyncio.gather(*tried))
        if not any(isinstance(job.outcome, outcomes.Done | outcomes.Unclear) for job in jobs):
            await self._presses.release(key)
        left_out = max(0, len(found) - JOBS_AT_MOST)
        now = self._clock.now()
        return outcomes.Done(StormAnswer(operation, request.storm_id, person.id, now, jobs, left_out))

    async def _act_on(
        self, request: OnStorm, failure: store.ChannelFailure, context: RequestContext
    ) -> outcomes.Outcome:
        job = KnownJob(ServerName(failure.server), JobId(failure.job_id))
        action = request.action_on(job, SessionId(failure.session_id))
        try:
            # What it did is told with all the others.
            async with self._performer.answering(context.gesture):
                outcome = await self._performer.perform(action, context)
            hidden = outcome.hidden if isinstance(outcome, outcomes.NotFound) else None
            if hidden is not None:
                # A job that the person may not know of, though the channel does: a refusal, on record.
                await self._audit.refused(action.operation, context, Refusal.SCOPE, hidden)
        except VeeamError as error:
            return outcomes.Failed(action.operation, error)
        except store.StoreError:
            return outcomes.InternalError("store", changed=False)
        if hidden is not None:
            return outcomes.Refused(Refusal.SCOPE, action.operation, context.person.standing)
        return outcome


def _gesture_for(gesture: Gesture, failure: store.ChannelFailure, number: int) -> Gesture:
    """The gesture as if the job had been pressed by itself, with a reference of its own."""
    return replace(
        gesture,
        reference=f"{gesture.reference}-{number}",
        press_key=f"{gesture.press_key}/{failure.run_key}",
        delivery_key=None,
    )
