"""What one press does about many jobs: each as if pressed by itself, the results in one answer.

Each is done under the presser's own rights, by the one path that every action takes, so that each is on
record.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bot import store
from bot.observability import Clock
from bot.operations import outcomes
from bot.operations.actions import JobAction
from bot.operations.actions.perform import Performer
from bot.operations.audit_trail import AuditTrail
from bot.operations.model import Operation, Refusal, Request, RequestContext
from bot.settings import PersonId, ServerName
from bot.veeam import JobId, SessionId, VeeamError

AT_MOST = 500
_AT_ONCE = 4
"""So many are under way, however many servers they are on: VBR is busy enough."""


A = TypeVar("A", bound="ActionOnMany")


@dataclass(frozen=True, slots=True)
class OneOfMany:
    """A job that was meant when the button was drawn, and the session that failed then.

    `key` tells it from the others of the press. `is_of_logs`: what failed is a backup of its logs.
    """

    key: str
    server: ServerName
    job_id: JobId
    name: str
    session_id: SessionId | None = None
    is_of_logs: bool = False


class ActionOnMany(Request, frozen=True):
    """A request to do the same about many jobs. Nobody types it."""

    def press_key(self, context: RequestContext) -> str:
        """Return what is the same for every press that asks for the same."""
        return context.gesture.press_key

    @abstractmethod
    async def jobs(self, database: store.Database, context: RequestContext) -> Sequence[OneOfMany] | None:
        """Return the jobs, in their order; None where what they were is forgotten. Raises `StoreError`."""

    def leaves_out(self, job: OneOfMany) -> bool:
        """Whether it is not done about a job, though that still stands failed."""
        del job
        return False

    @abstractmethod
    def action_on(self, job: OneOfMany) -> JobAction:
        """Return what is done about one job."""

    async def note_press(self, database: store.Database) -> None:
        """Note that it was pressed: what is drawn from now on is another press. Raises `StoreError`."""


def for_many(label: str, actions: Iterable[type[A]]) -> type[A] | None:
    """Return the one of these that does for many jobs what the button of this label does for one."""
    return next((each for each in actions if each.operation.label.removesuffix(" all") == label), None)


@dataclass(frozen=True, slots=True)
class ActedOnJob:
    """One of the jobs, and the outcome of acting on it."""

    server: ServerName
    job_name: str
    outcome: outcomes.Outcome


@dataclass(frozen=True, slots=True)
class ActedOnMany(outcomes.Answer):
    """The outcome for each job, in their order; `left_out` more were not tried.

    `logs` are jobs of which only a backup of their logs failed, which the operation does nothing about.
    `is_forgotten`: nothing was done, because which jobs were meant isn't kept any more.
    """

    operation: Operation
    by: PersonId
    at: datetime
    jobs: tuple[ActedOnJob, ...] = ()
    left_out: int = 0
    logs: tuple[OneOfMany, ...] = ()
    is_forgotten: bool = False


class ManyJobs:
    """Does what is asked about many jobs. Raises `StoreError` only where nothing was done."""

    def __init__(
        self,
        database: store.Database,
        presses: store.PressClaims,
        performer: Performer,
        audit: AuditTrail,
        clock: Clock,
    ) -> None:
        self._database = database
        self._presses = presses
        self._performer = performer
        self._audit = audit
        self._clock = clock

    async def offer(self, request: ActionOnMany, context: RequestContext) -> outcomes.Outcome:
        """Return what does it once it is pressed, or that there is nothing left. Raises `StoreError`."""
        operation = request.operation
        found = await request.jobs(self._database, context)
        meant, left = _meant(request, found or (), context)
        if not meant:
            nothing = ActedOnMany(
                operation, context.person.id, self._clock.now(), logs=left, is_forgotten=found is None
            )
            return outcomes.Done(nothing)
        seen = tuple(each.name for each in meant if context.visibility.sees(each.server, each.name))
        if not seen:
            return outcomes.Refused(Refusal.SCOPE, operation, context.person.standing)
        return outcomes.Offered(operation, request, jobs=seen)

    async def act(self, request: ActionOnMany, context: RequestContext) -> outcomes.Outcome:
        """Do it about each of the jobs, a few at a time."""
        operation, person = request.operation, context.person
        found = await request.jobs(self._database, context)
        if found is None:
            forgotten = ActedOnMany(operation, person.id, self._clock.now(), is_forgotten=True)
            return outcomes.Done(forgotten)
        meant, left = _meant(request, found, context)
        key = request.press_key(context)
        claim = store.PressClaim(key, person.id, operation.name, self._clock.now())
        if (first := await self._presses.claim(claim)) is not None:
            by = PersonId(first.person_id)
            return outcomes.AlreadyPressed(operation, by, first.at, by_same_person=person.has_id(by))
        await request.note_press(self._database)
        turns = asyncio.Semaphore(_AT_ONCE)

        async def in_turn(number: int, job: OneOfMany) -> ActedOnJob:
            # As if the job had been pressed by itself, with a reference of its own.
            gesture = replace(
                context.gesture,
                reference=f"{context.gesture.reference}-{number}",
                press_key=f"{key}/{job.key}",
                delivery_key=None,
            )
            async with turns:
                outcome = await self._act_on(request.action_on(job), replace(context, gesture=gesture))
            return ActedOnJob(job.server, job.name, outcome)

        tried = [in_turn(number, each) for number, each in enumerate(meant[:AT_MOST], start=1)]
        jobs = tuple(await asyncio.gather(*tried))
        if not any(isinstance(job.outcome, outcomes.Done | outcomes.Unclear) for job in jobs):
            await self._presses.release(key)
        left_out = max(0, len(meant) - AT_MOST)
        return outcomes.Done(ActedOnMany(operation, person.id, self._clock.now(), jobs, left_out, left))

    async def _act_on(self, action: JobAction, context: RequestContext) -> outcomes.Outcome:
        try:
            # One answer reports the outcomes of all the jobs.
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


def _meant(
    request: ActionOnMany, found: Sequence[OneOfMany], context: RequestContext
) -> tuple[Sequence[OneOfMany], tuple[OneOfMany, ...]]:
    """The jobs that it is done about, and those it leaves out, as far as the person may know of these."""
    meant = [each for each in found if not request.leaves_out(each)]
    jobs = {(each.server, each.job_id) for each in meant}
    left = (each for each in found if (each.server, each.job_id) not in jobs)
    return meant, tuple(each for each in left if context.visibility.sees(each.server, each.name))
