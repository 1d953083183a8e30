"""How fast Slack lets messages be sent, and what it asked to wait for.

Posts: about one a second in each channel. Edits: `chat.update` is Tier 3, some fifty a minute for everything.
A 429 holds back what it was about: that channel's posts, or all edits; the rest goes on.
"""

from collections import defaultdict

from bot.observability import Clock

_SECONDS_BETWEEN_POSTS = 1.0
# Twenty-five a minute: the other half of what Slack allows is for the live messages of running actions.
_SECONDS_BETWEEN_EDITS = 60.0 / 25
_EDITS_AT_ONCE = 25
_EDITS = "edits"
_EVERYTHING = "everything"


class Pace:
    """Keeps Slack's pace for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._posts: dict[str, _Turns] = defaultdict(lambda: _Turns(_SECONDS_BETWEEN_POSTS))
        self._edits = _Turns(_SECONDS_BETWEEN_EDITS, _EDITS_AT_ONCE)
        self._held_until: dict[str, float] = {}

    async def turn(self, channel: str, *, is_edit: bool, within_seconds: float) -> bool:
        """Wait until a message may be sent; False when its turn does not come in time."""
        turns = self._edits if is_edit else self._posts[channel]
        wait = turns.take(self._clock.monotonic(), within_seconds)
        if wait is None:
            return False
        await self._clock.sleep(wait)
        return True

    def hold(self, channel: str, seconds: float, *, is_edit: bool) -> None:
        """Send nothing of this kind for so long: Slack said so."""
        self._hold(_EDITS if is_edit else channel, seconds)

    def hold_everything(self, seconds: float) -> None:
        """Send nothing at all for so long: Slack can't be reached, or lets nobody in."""
        self._hold(_EVERYTHING, seconds)

    def held_seconds(self, channel: str, *, is_edit: bool) -> float:
        """Tell how long this still has to wait; 0 when it may go."""
        return max(self.all_held_seconds, self._left(_EDITS if is_edit else channel))

    @property
    def all_held_seconds(self) -> float:
        """How long everything has to wait; 0 when something may go."""
        return self._left(_EVERYTHING)

    def _hold(self, what: str, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        self._held_until[what] = max(until, self._held_until.get(what, until))

    def _left(self, what: str) -> float:
        return max(0.0, self._held_until.get(what, 0.0) - self._clock.monotonic())


class _Turns:
    """Turns at an interval, some at once after a rest. aiolimiter would do it, but takes no clock."""

    def __init__(self, interval_seconds: float, at_once: int = 1) -> None:
        self._interval = interval_seconds
        self._credit = (at_once - 1) * interval_seconds
        self._next_at = 0.0

    def take(self, now: float, within_seconds: float) -> float | None:
        """Take the next turn; return how long to wait for it, None when that is too long."""
        next_at = max(self._next_at, now)
        wait = max(0.0, next_at - self._credit - now)
        if wait > within_seconds:
            return None
        self._next_at = next_at + self._interval
        return wait
