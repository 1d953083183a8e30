"""How fast Slack lets messages be sent, and what it asked to wait for.

Posts: about one a second in each channel. Edits: `chat.update` is Tier 3, some fifty a minute for everything.
A 429 holds back what it was about: that channel's posts, or all edits; the rest goes on.
"""

import asyncio
from collections import defaultdict

from aiolimiter import AsyncLimiter

from bot.observability import Clock

# The other half of what Slack allows is for the live messages of running actions.
_EDITS_PER_MINUTE = 25
_EDITS = "edits"
_EVERYTHING = "everything"


class Pace:
    """Keeps Slack's pace for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._posts: dict[str, AsyncLimiter] = defaultdict(lambda: AsyncLimiter(1, 1.0))
        self._edits = AsyncLimiter(_EDITS_PER_MINUTE, 60.0)
        self._held_until: dict[str, float] = {}

    async def turn(self, channel: str, *, is_edit: bool, within_seconds: float) -> bool:
        """Wait until a message may be sent; False when its turn does not come in time."""
        try:
            async with asyncio.timeout(within_seconds):
                await (self._edits if is_edit else self._posts[channel]).acquire()
        except TimeoutError:
            return False
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
