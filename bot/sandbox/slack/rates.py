"""How fast Slack lets an app call: tiers by method, and one message a second in each channel."""

import math
from collections import defaultdict, deque
from collections.abc import Hashable

from bot.sandbox.slack.feed import Clock

WINDOW_SECONDS = 60.0
TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100
SPECIAL = 600
POSTS_A_MINUTE = 300  # of one workspace
POST_BURST = 5


class Rates:
    """Counts calls in a sliding minute; `is_on` switches the limits off."""

    def __init__(self, clock: Clock, *, is_on: bool = True) -> None:
        self._clock = clock
        self.is_on = is_on
        self._calls: dict[Hashable, deque[float]] = defaultdict(deque)
        self._post_budgets: dict[str, tuple[float, float]] = {}

    def refuse(self, method: str, per_minute: int) -> int | None:
        """Seconds to wait before the next call of a method; None, and this one counts, if it may be now."""
        if not self.is_on:
            return None
        now, calls = self._clock(), self._calls[method]
        while calls and calls[0] <= now - WINDOW_SECONDS:
            calls.popleft()
        if len(calls) >= per_minute:
            return max(1, math.ceil(calls[0] + WINDOW_SECONDS - now))
        calls.append(now)
        return None

    def refuse_post(self, channel: str) -> int | None:
        """The same for a message in one channel: a burst of a few, then one a second."""
        if not self.is_on:
            return None
        now = self._clock()
        budget, since = self._post_budgets.get(channel, (float(POST_BURST), now))
        budget = min(float(POST_BURST), budget + max(0.0, now - since))
        if budget < 1:
            self._post_budgets[channel] = (budget, now)
            return max(1, math.ceil(1 - budget))
        self._post_budgets[channel] = (budget - 1, now)
        return None
