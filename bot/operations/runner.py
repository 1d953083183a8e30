"""One asking from end to end: who it is, whether they may, what comes of it, and one log line about it."""

from dataclasses import replace

import structlog

from bot.operations.accounts import Accounts
from bot.operations.answers import ActionAnswer
from bot.operations.approvals.wishes import reason_of
from bot.operations.asking import Asking
from bot.operations.catalog import HELP, Operation, operation_of
from bot.operations.outcomes import (
    Asked,
    AskedBefore,
    Broken,
    Done,
    Failed,
    Misread,
    MovedOn,
    NotNow,
    Outcome,
    Refusal,
    Refused,
    Settled,
    Unclear,
    kind_of,
)
from bot.operations.parts import Parts, Rules, Stores, Surroundings
from bot.operations.record import Record
from bot.operations.requests import Gesture, Request
from bot.operations.roles import Rights, Verdict
from bot.operations.searching import Search
from bot.operations.suggestion import Suggestion
from bot.store import StoreError
from bot.veeam import VeeamError

log = structlog.get_logger()

STORE = "store"


class Runner:
    """Turns a gesture and its request into an outcome; every refusal is on record."""

    def __init__(self, accounts: Accounts, stores: Stores, rules: Rules, surroundings: Surroundings) -> None:
        self._rules = rules
        self._people = surroundings.people
        self._metrics = surroundings.metrics
        self._clock = surroundings.clock
        self._rights = Rights(rules.grants)
        self._record = Record(stores.audit, surroundings.clock)
        self._parts = Parts(accounts, stores, rules, surroundings, self._rights)

    async def run(self, gesture: Gesture, request: Request | Misread) -> Outcome:
        """Return what came of it; what servers and database raise are outcomes too.

        Words that could not be read come back as they are, to whoever is let in; they count as `help`.
        """
        began = self._clock.monotonic()
        operation = HELP if isinstance(request, Misread) else operation_of(request)
        outcome = await self._outcome(operation, gesture, request)
        seconds = self._clock.monotonic() - began
        self._metrics.operation_finished(operation.name, kind_of(outcome), seconds=seconds)
        _tell(operation, gesture, outcome, seconds)
        return outcome

    async def suggest(self, gesture: Gesture, search: Search) -> tuple[Suggestion, ...]:
        """Return what a search menu offers; nothing to whoever may not, and where nobody can say.

        It is no attempt at anything: a refusal is not on record. Never raises.
        """
        try:
            asking = await self._asking(gesture)
            if not self._verdict(operation_of(search.request), asking).is_allowed:
                return ()
            return await self._parts.suggest(search, asking)
        except (VeeamError, StoreError) as error:
            log.warning("operations.nothing_suggested", sought=search.sought, error=str(error))
            return ()

    async def shown(self, reference: str, *, channel_id: str, ts: str, link: str | None) -> None:
        """Put on record which message told an action. Never raises: the action stands either way."""
        try:
            await self._record.shown(reference, channel_id=channel_id, ts=ts, link=link)
        except StoreError as error:
            log.error("operations.message_not_recorded", reference=reference, error=str(error))

    async def _outcome(self, operation: Operation, gesture: Gesture, request: Request | Misread) -> Outcome:
        try:
            asking = await self._asking(gesture)
            verdict = self._verdict(operation, asking)
            if not verdict.is_allowed:
                outcome: Outcome = await self._refused(operation, asking, verdict)
            elif isinstance(request, Misread):
                outcome = request
            else:
                outcome = await self._parts.answer(request, replace(asking, reason=reason_of(request)))
        except VeeamError as error:
            return Failed(operation, error)
        except StoreError as error:
            log.error("operations.store_failed", reference=gesture.reference, error=str(error))
            return Broken(STORE, changed=False)
        return self._with_group_names(outcome)

    async def _asking(self, gesture: Gesture) -> Asking:
        person = await self._people.read(gesture.person_id, gesture.team_id)
        return Asking(person, gesture, self._rights.sight(person))

    def _verdict(self, operation: Operation, asking: Asking) -> Verdict:
        verdict, gesture = self._rights.may(asking.person, operation), asking.gesture
        is_heard = (
            gesture.is_direct
            or gesture.channel_id is None
            or self._rules.takes_gestures_in(gesture.channel_id)
        )
        return verdict if is_heard or not verdict.is_allowed else Verdict(Refusal.CHANNEL)

    async def _refused(self, operation: Operation, asking: Asking, verdict: Verdict) -> Refused:
        try:
            return await self._record.refuse(operation, asking, verdict)
        except StoreError as error:
            # A refusal needs no database to hold; that it is not on record is for the operator to know.
            log.error("operations.refusal_not_recorded", reference=asking.gesture.reference, error=str(error))
            return verdict.refused(operation, asking.person)

    def _with_group_names(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Refused) or not outcome.groups:
            return outcome
        return replace(outcome, groups=self._people.group_names(outcome.groups))


def _tell(operation: Operation, gesture: Gesture, outcome: Outcome, seconds: float) -> None:
    log.info(
        "operation.finished",
        operation=operation.name,
        outcome=kind_of(outcome),
        reference=gesture.reference,
        person=gesture.person_id,
        channel=gesture.channel_id,
        duration_ms=round(seconds * 1000),
        **_facts(outcome),
    )


def _facts(outcome: Outcome) -> dict[str, str | None]:
    match outcome:
        case Done(ActionAnswer() as answer):
            session_id = answer.session.id if answer.session is not None else None
            return {"server": answer.server, "job_id": answer.job_id, "session_id": session_id}
        case Refused():
            return {"reason": outcome.refusal}
        case MovedOn() | NotNow():
            return {"server": outcome.job.server, "job_id": outcome.job.state.id}
        case Asked() | AskedBefore() | Settled():
            approval = outcome.approval
            return {"server": approval.server, "job_id": approval.job_id, "approval_id": approval.id}
        case Unclear():
            return {"server": outcome.server, "session_id": outcome.session_id, "error": str(outcome.error)}
        case Failed():
            return {"server": outcome.error.server, "error": str(outcome.error)}
        case _:
            return {}
