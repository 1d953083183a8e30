"""One asking, as the operations get it: who, how, and what this person may know of."""

from dataclasses import dataclass

from bot.operations.people import Person
from bot.operations.requests import Gesture
from bot.operations.roles import Sight


@dataclass(frozen=True, slots=True)
class Asking:
    """A person who was let in, the gesture they made, and their sight at this time."""

    person: Person
    gesture: Gesture
    sight: Sight
