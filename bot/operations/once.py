"""One press acts once: claimed before anything is done, and given back only where nothing was.

What takes a second person is asked of one at the last moment, when it is allowed and ready, instead of sent.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from bot.observability import Clock
from bot.operations.approvals.four_eyes import FourEyes
from bot.operations.approvals.wishes import Wish
from bot.operations.asking import Asking
from bot.operations.catalog import Operation
from bot.operations.outcomes import Asked, AskedBefore, Failed, PressedBefore, Refused
from bot.operations.people import PersonId
from bot.store import PressClaim, PressClaims, StoreError

Came = TypeVar("Came")
Sent_co = TypeVar("Sent_co", covariant=True)

NotSent = PressedBefore | Asked | AskedBefore | Refused
"""What may come of a press besides what came of the action."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready(Generic[Sent_co]):
    """Something allowed and sensible, not sent yet; `wish` is what a second person would be asked."""

    wish: Wish
    send: Callable[[], Awaitable[Sent_co]]


class Once:
    """Sees to it that one press, or one delivery, is acted on once, between two processes as well."""

    def __init__(self, presses: PressClaims, four_eyes: FourEyes, clock: Clock) -> None:
        self._presses = presses
        self._four_eyes = four_eyes
        self._clock = clock

    async def run(
        self, operation: Operation, asking: Asking, prepare: Callable[[], Awaitable[Ready[Came] | Came]]
    ) -> Came | NotSent:
        """Prepare and send, or ask for an approval.

        Raises `StoreError` and `VeeamError` only where nothing was done.
        """
        key = asking.gesture.press_key
        first = await self._presses.claim(
            PressClaim(key, asking.person.id, operation.name, self._clock.now())
        )
        if first is not None:
            by = PersonId(first.person_id)
            return PressedBefore(operation, by, first.at, by_same_person=by == asking.person.id)
        is_kept = False
        try:
            prepared = await prepare()
            if not isinstance(prepared, Ready):
                return prepared
            if self._four_eyes.takes(operation):
                # The press is given back: what was asked for is known by what it is.
                return await self._four_eyes.ask(prepared.wish)
            is_kept = True
            outcome: Came = await prepared.send()
            is_kept = not isinstance(outcome, Failed)
        except StoreError:
            is_kept = False
            raise
        else:
            return outcome
        finally:
            if not is_kept:
                await self._give_back(key)

    async def _give_back(self, key: str) -> None:
        try:
            await self._presses.release(key)
        except StoreError as error:
            log.warning("operations.press_kept", error=str(error))
