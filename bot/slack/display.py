"""The live message of a running action: edited while its session goes on, at a pace that Slack allows."""

import structlog
from aiolimiter import AsyncLimiter

from bot.observability import Clock
from bot.slack.errors import CredentialsDead, SlackError, SlackRefused
from bot.slack.replies import arguments
from bot.slack.views.actions import action_ended, action_lost, action_progress
from bot.slack.views.message import Message
from bot.slack.web import Web
from bot.store import FollowedSession
from bot.veeam import Session
from bot.watch.facts import SessionFacts

# chat.update is Tier 3, some fifty a minute for all messages; the other half is for the announcements' roots.
_EDITS_PER_MINUTE = 25
_SECONDS_BETWEEN_EDITS = 3.0
_MOST_REMEMBERED = 500

log = structlog.get_logger()


class LiveMessages:
    """Edits the messages of followed sessions; what says nothing new or comes too soon is left out."""

    def __init__(self, web: Web, *, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._limiter = AsyncLimiter(_EDITS_PER_MINUTE, 60.0)
        self._shown: dict[int, tuple[str, float]] = {}

    async def __call__(
        self, followed: FollowedSession, session: Session | None, ended: SessionFacts | None
    ) -> bool:
        """Show how far a session is, or its end; without a session, that it is not followed any further.

        False when an end could not be shown and is to be shown again.
        """
        if session is None:
            return await self._show(followed, action_lost(followed), is_last=True)
        if ended is None:
            return await self._show(followed, action_progress(followed, session), is_last=False)
        return await self._show(followed, action_ended(followed, session, ended), is_last=True)

    async def _show(self, followed: FollowedSession, message: Message, *, is_last: bool) -> bool:
        """Edit the message. The last edit waits for its turn; the others give way."""
        said, at = self._shown.get(followed.id, ("", 0.0))
        is_soon = self._clock.monotonic() - at < _SECONDS_BETWEEN_EDITS
        if said == message.text or (not is_last and (is_soon or not self._limiter.has_capacity())):
            return True
        await self._limiter.acquire()
        sent = {key: value for key, value in arguments(message).items() if not key.startswith("unfurl")}
        try:
            await self._web.write("chat.update", {**sent, "channel": followed.channel, "ts": followed.ts})
        except CredentialsDead as error:
            log.info("live_message.not_edited", channel=followed.channel, problem=str(error))
            return False
        except SlackRefused as error:
            log.warning("live_message.gone", channel=followed.channel, problem=str(error))
        except SlackError as error:
            log.info("live_message.not_edited", channel=followed.channel, problem=str(error))
            return False
        if len(self._shown) > _MOST_REMEMBERED:
            self._shown.clear()
        self._shown[followed.id] = (message.text, self._clock.monotonic())
        if is_last:
            self._shown.pop(followed.id, None)
        return True
