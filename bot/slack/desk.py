"""From gesture to answer: reads what was asked, has it done, and shows what came of it where it belongs."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from bot.observability import Clock, Metrics
from bot.operations.answers import ActionAnswer
from bot.operations.catalog import CATALOG
from bot.operations.outcomes import Broken, Done, Misread, Outcome
from bot.operations.parser import parse
from bot.operations.requests import Gesture, Request
from bot.operations.runner import Runner
from bot.slack.codec import Act, Share, Turn, Unreadable, decode
from bot.slack.gestures import Place, Pressed, Typed
from bot.slack.replies import Posted, Replies
from bot.slack.text import typed_line
from bot.slack.views.notices import still_asking, unreadable_press
from bot.slack.views.outcomes import outcome as draw
from bot.slack.work import Work
from bot.store import FollowedSessions, NewFollowed, StoreError

PATIENCE_SECONDS = 3.0

log = structlog.get_logger()


class Desk:
    """Serves gestures. A listener hands one over after it was acknowledged; everything else happens here."""

    def __init__(
        self,
        runner: Runner,
        replies: Replies,
        followed: FollowedSessions,
        work: Work,
        *,
        command: str,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._runner = runner
        self._replies = replies
        self._followed = followed
        self._work = work
        self._command = command
        self._clock = clock
        self._metrics = metrics

    def take_typed(self, typed: Typed) -> None:
        """Serve a slash command."""
        self._take(typed.gesture, typed.place, self._serve_typed(typed))

    def take_pressed(self, pressed: Pressed) -> None:
        """Serve a button or a menu."""
        self._take(pressed.gesture, pressed.place, self._serve_pressed(pressed))

    def _take(self, gesture: Gesture, place: Place, serving: Coroutine[Any, Any, None]) -> None:
        async def broken(what: Broken) -> None:
            await self._show(gesture, place, what)

        self._work.hand_over(gesture, serving, broken)

    async def _serve_typed(self, typed: Typed) -> None:
        await self._run(typed.gesture, typed.place, parse(typed_line(typed.text), CATALOG))

    async def _serve_pressed(self, pressed: Pressed) -> None:
        match decode(pressed.action_id, pressed.value or ""):
            case Act(request=request):
                await self._run(pressed.gesture, pressed.place, request)
            case Turn(request=request):
                outcome = await self._outcome(pressed.gesture, pressed.place, request)
                reply = draw(outcome, pressed.gesture.reference, command=self._command)
                await self._replies.whisper(pressed.place, reply.message, replace=pressed.place.is_ephemeral)
            case Share(request=request):
                outcome = await self._outcome(pressed.gesture, pressed.place, request)
                await self._show(pressed.gesture, pressed.place, outcome, is_shared=True)
            case Unreadable() as press:
                self._count(pressed.gesture, "unreadable")
                await self._replies.whisper(pressed.place, unreadable_press(press))

    async def _run(self, gesture: Gesture, place: Place, request: Request | Misread) -> None:
        await self._show(gesture, place, await self._outcome(gesture, place, request))

    async def _outcome(self, gesture: Gesture, place: Place, request: Request | Misread) -> Outcome:
        """Run the request; what takes longer than people like to wait is announced."""
        async with asyncio.TaskGroup() as group:
            reminder = group.create_task(self._remind(place))
            try:
                return await self._runner.run(gesture, request)
            finally:
                reminder.cancel()

    async def _remind(self, place: Place) -> None:
        await self._clock.sleep(PATIENCE_SECONDS)
        await self._replies.whisper(place, still_asking())

    async def _show(
        self, gesture: Gesture, place: Place, outcome: Outcome, *, is_shared: bool = False
    ) -> None:
        self._count(gesture, type(outcome).__name__.lower())
        shared_by = gesture.person_id if is_shared else None
        reply = draw(outcome, gesture.reference, command=self._command, shared_by=shared_by)
        if not reply.in_channel:
            await self._replies.whisper(place, reply.message)
            return
        posted = await self._replies.say(place, reply.message)
        if posted is None or not isinstance(outcome, Done) or not isinstance(outcome.answer, ActionAnswer):
            return
        await self._follow(outcome.answer, posted)
        link = await self._replies.link(posted)
        await self._runner.shown(gesture, channel_id=posted.channel_id, ts=posted.ts, link=link)

    async def _follow(self, answer: ActionAnswer, posted: Posted) -> None:
        if answer.session is None:
            return
        new = NewFollowed(
            server=answer.server,
            session_id=answer.session.id,
            job_id=answer.job_id,
            job_name=answer.job_name,
            operation=answer.operation.name,
            person=answer.by,
            channel=posted.channel_id,
            ts=posted.ts,
            started_at=answer.at,
            detail=answer.detail,
        )
        try:
            await self._followed.add(new)
        except StoreError as error:
            # The action is done and told; only its message stays as it is.
            log.error("desk.not_followed", session_id=new.session_id, problem=str(error))

    def _count(self, gesture: Gesture, outcome: str) -> None:
        self._metrics.gesture_answered(gesture.origin.value, outcome)
