"""Shows the outcome of actions whose process was killed, or whose gesture broke, before it was shown."""

from datetime import timedelta

import structlog

from bot.observability import Clock
from bot.operations import outcomes
from bot.operations.actions.left_open import LeftOpen
from bot.operations.service import Service
from bot.slack import errors
from bot.slack.delivery import History
from bot.slack.gestures import ReplyTarget
from bot.slack.interactions import Interactions
from bot.slack.replies import Replies, SentReply
from bot.slack.views.actions import action_metadata
from bot.store import StoreError

_SECONDS_BETWEEN_LOOKS = 5.0
_LEAST_AGE = timedelta(hours=1)

log = structlog.get_logger()


class LeftOpenActions:
    """Answers them where they were asked for: at the start, and when another process has ended."""

    def __init__(
        self, service: Service, interactions: Interactions, replies: Replies, history: History, clock: Clock
    ) -> None:
        self._service = service
        self._interactions = interactions
        self._replies = replies
        self._history = history
        self._clock = clock

    async def run(self) -> None:
        """Look every few seconds, for ever; a database that does not answer is asked again."""
        while True:
            try:
                await self.tick()
            except StoreError as error:
                log.debug("left_open.not_checked", problem=str(error))
            await self._clock.sleep(_SECONDS_BETWEEN_LOOKS)

    async def tick(self) -> None:
        """Look once. Raises `StoreError`."""
        async for left in self._service.left_open():
            await self._tell(left)

    async def _tell(self, left: LeftOpen) -> None:
        """Show the outcome as it would have been shown; an action's message that stands is not posted twice.

        The response URL is not kept: it is a secret, and lives half an hour.
        """
        gesture, outcome = left.gesture, left.outcome
        target = ReplyTarget(gesture.person_id, gesture.channel_id, None, gesture.thread_ts)
        answer = outcome.answer if isinstance(outcome, outcomes.Done) else None
        if not isinstance(answer, outcomes.ActionAnswer) or gesture.channel_id is None:
            await self._interactions.show(gesture, target, outcome)
            return
        root = await self._interactions.find_standing(answer, gesture.channel_id)
        if root is not None and root.operation == answer.operation.name:
            # Whoever follows it has posted it.
            at = SentReply(root.posted.channel, root.posted.ts)
            await self._interactions.action_posted(gesture, answer, at, root=root)
            return
        # When it began is on the database's clock, how long ago that is on nobody's; an hour if that was set.
        age = max(self._clock.now() - left.began_at, _LEAST_AGE)
        places = [(root, root.posted.ts)] if root is not None else []
        for standing, thread_ts in (*places, (None, gesture.thread_ts)):
            try:
                posted = await self._history.find(
                    gesture.channel_id,
                    action_metadata(gesture.reference),
                    self._history.since(age),
                    thread_ts,
                )
            except errors.SlackError as error:
                # Nobody knows whether the channel has it: only the person gets it.
                log.info("left_open.channel_unread", problem=str(error))
                await self._replies.post_ephemeral(target, self._interactions.draw(gesture, outcome).message)
                return
            if posted is not None:
                at, is_reply = SentReply(posted.channel, posted.ts), thread_ts is not None
                await self._interactions.action_posted(
                    gesture, answer, at, root=standing, is_reply=is_reply and standing is None
                )
                return
        await self._interactions.show(gesture, target, outcome)
