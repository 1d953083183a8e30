"""The live message of a running action: edited while its session goes on, at a pace that Slack allows."""

import math

import structlog

from bot.observability import Clock
from bot.slack import errors
from bot.slack.replies import message_arguments
from bot.slack.views.actions import action_ended, action_lost, action_progress, run_under_way
from bot.slack.views.message import Message
from bot.slack.web_api import WebApi
from bot.store import FollowedSession
from bot.veeam import Session
from bot.watch.run_facts import RunFacts, SessionFacts

_SECONDS_BETWEEN_EDITS = 3.0
_MOST_REMEMBERED = 500

log = structlog.get_logger()


class LiveMessages:
    """Edits the messages of followed sessions, when there is something new to show and Slack allows it.

    Edits share one pace with the announcements'. The end of an action goes before those; its progress is left
    out when no turn is free, so it never holds up an announcement.
    """

    def __init__(self, web_api: WebApi, *, clock: Clock) -> None:
        self._web_api = web_api
        self._clock = clock
        self._shown: dict[int, tuple[str, float]] = {}

    async def __call__(
        self,
        followed: FollowedSession,
        session: Session | None,
        ended: SessionFacts | None,
        *,
        run: RunFacts | None = None,
        stopping: str | None = None,
    ) -> bool:
        """Show how far a session is, or its end; without a session, that it is not followed any further.

        False when an end could not be shown and is to be shown again.
        """
        if session is None:
            return await self._show(followed, action_lost(followed), is_last=True)
        if ended is None and run is not None:
            return await self._show(followed, run_under_way(run, followed, session, stopping), is_last=False)
        if ended is None:
            return await self._show(followed, action_progress(followed, session, stopping), is_last=False)
        return await self._show(followed, action_ended(followed, session, ended), is_last=True)

    async def _show(self, followed: FollowedSession, message: Message, *, is_last: bool) -> bool:
        """Edit the message. The last edit waits for its turn; the others are left out without one."""
        text, at = self._shown.get(followed.id, ("", 0.0))
        is_soon = self._clock.monotonic() - at < _SECONDS_BETWEEN_EDITS
        if text == message.text or (not is_last and is_soon):
            return True
        pace, longest_wait = self._web_api.pace, math.inf if is_last else 0.0
        if pace.held_seconds(followed.channel, is_edit=True):
            return False
        if not await pace.turn(
            followed.channel, is_edit=True, within_seconds=longest_wait, is_answer=is_last
        ):
            return True
        sent = {
            key: value for key, value in message_arguments(message).items() if not key.startswith("unfurl")
        }
        try:
            await self._web_api.write("chat.update", {**sent, "channel": followed.channel, "ts": followed.ts})
        except errors.SlackRefused as error:
            if isinstance(error, errors.CredentialsRejected):
                log.info("live_message.not_edited", channel=followed.channel, problem=str(error))
                return False
            log.warning("live_message.gone", channel=followed.channel, problem=str(error))
        except errors.SlackError as error:
            if isinstance(error, errors.SlackRateLimited):
                pace.hold(followed.channel, error.retry_after_seconds, is_edit=True)
            log.info("live_message.not_edited", channel=followed.channel, problem=str(error))
            return False
        if len(self._shown) > _MOST_REMEMBERED:
            self._shown.clear()
        self._shown[followed.id] = (message.text, self._clock.monotonic())
        if is_last:
            self._shown.pop(followed.id, None)
        return True
