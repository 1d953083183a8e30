"""How much one person asks for: what is beyond a limit is answered at once, and nobody waits behind it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from bot.observability import Clock
from bot.settings import PersonId

QUESTIONS_AT_MOST = 12
ACTIONS_AT_MOST = 30
SEARCHES_AT_MOST = 8
GESTURES_A_MINUTE = 1_000
"""More than a person can do; what comes beyond it is not looked up."""
_MINUTE = 60.0

log = structlog.get_logger()


class UnderWay:
    """Counts what is under way for each person, by the person's one ID; `what` names it in the log."""

    def __init__(self, what: str, at_most: int) -> None:
        self.at_most = at_most
        self._what = what
        self._counts: Counter[PersonId] = Counter()
        self._logged: set[PersonId] = set()

    @contextmanager
    def begin(self, person_id: PersonId) -> Iterator[bool]:
        """Count one more until the block ends; false where that is too many, and nothing may be begun."""
        if self._counts[person_id] >= self.at_most:
            self._log(person_id)
            yield False
            return
        self._counts[person_id] += 1
        try:
            yield True
        finally:
            self._counts[person_id] -= 1
            if not self._counts[person_id]:
                del self._counts[person_id]
                self._logged.discard(person_id)

    def _log(self, person_id: PersonId) -> None:
        """Say so once, until nothing of this person's is under way any more."""
        if person_id not in self._logged:
            self._logged.add(person_id)
            log.warning("operations.too_many", person=person_id, what=self._what, at_most=self.at_most)


class GestureRate:
    """Counts what each person does in a minute, by the ID that the gesture names."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: Counter[PersonId] = Counter()
        self._began = clock.monotonic()

    def allows(self, person_id: PersonId) -> bool:
        """Count one more; false where that is too many in this minute, which is logged once."""
        now = self._clock.monotonic()
        if now - self._began >= _MINUTE:
            self._counts.clear()
            self._began = now
        self._counts[person_id] += 1
        if self._counts[person_id] == GESTURES_A_MINUTE + 1:
            log.warning("operations.too_many", person=person_id, what="gestures", at_most=GESTURES_A_MINUTE)
        return self._counts[person_id] <= GESTURES_A_MINUTE
