"""Everybody's Home tab, by `views.publish`: the newest answer wins; opened again at once, it stands."""

import itertools
from collections.abc import Sequence

import structlog

from bot.observability import Clock
from bot.operations.people import PersonId
from bot.slack.errors import SlackError, SlackRateLimited
from bot.slack.views.message import Block
from bot.slack.views.surface import home_view
from bot.slack.web_api import WebApi

FRESH_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 5.0
_MOST_PEOPLE = 5_000

log = structlog.get_logger()


class AppHome:
    """Publishes Homes. Never raises: a Home that could not be published is logged, and the old one stands."""

    def __init__(self, web: WebApi, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._turns = itertools.count(1)
        self._latest: dict[PersonId, tuple[int, float]] = {}

    def is_fresh(self, person_id: PersonId) -> bool:
        """Whether the person's Home was drawn, or began to be, a moment ago."""
        _, at = self._latest.get(person_id, (0, float("-inf")))
        return self._clock.monotonic() - at < FRESH_SECONDS

    def was_shown(self, person_id: PersonId) -> bool:
        """Whether the person has opened their Home since the bot started."""
        return person_id in self._latest

    def turn(self, person_id: PersonId) -> int:
        """Return the number to publish under; taken before the question is asked that the Home answers."""
        turn = next(self._turns)
        if len(self._latest) >= _MOST_PEOPLE:
            self._latest.clear()
        self._latest[person_id] = (turn, self._clock.monotonic())
        return turn

    async def publish(self, person_id: PersonId, blocks: Sequence[Block], turn: int) -> None:
        """Show this Home, unless a later turn was taken meanwhile."""
        if self._latest.get(person_id, (turn, 0.0))[0] > turn:
            return
        try:
            await self._publish(person_id, blocks)
        except SlackError as error:
            self._latest.pop(person_id, None)
            log.warning("home.not_published", problem=str(error))

    async def _publish(self, person_id: PersonId, blocks: Sequence[Block]) -> None:
        sent = {"user_id": person_id, "view": home_view(blocks)}
        try:
            await self._web.write("views.publish", sent)
        except SlackRateLimited as error:
            if error.retry_after_seconds > _LONGEST_WAIT_SECONDS:
                raise
            await self._clock.sleep(error.retry_after_seconds)
            await self._web.write("views.publish", sent)
