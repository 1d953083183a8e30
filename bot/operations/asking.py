"""One asking, as the operations get it: who, how, and what this person may know of."""

from dataclasses import dataclass

from bot.operations.people import Person
from bot.operations.requests import Gesture
from bot.operations.roles import Sight


@dataclass(frozen=True, slots=True)
class Asking:
    """A person who was let in, the gesture they made, and their sight at this time.

    `approver` is the second person, where it took one; `reason` why it is asked for.
    """

    person: Person
    gesture: Gesture
    sight: Sight
    approver: Person | None = None
    reason: str | None = None
