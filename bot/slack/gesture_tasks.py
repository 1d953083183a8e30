"""Work that a listener hands over: tracked, limited in time, and always answered.

Bolt drops the tasks of its listeners and throws away what they raise. So a listener acknowledges and hands a
coroutine to this; it runs in the application's task group, and this wrapper is the one home of every bug in a
gesture.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.observability import contained
from bot.operations.model import Gesture
from bot.operations.outcomes import InternalError

GESTURE_SECONDS = 90.0

log = structlog.get_logger()

ShowInternalError = Callable[[InternalError], Awaitable[None]]


class GestureTasks:
    """Runs gestures in the task group it was given.

    `close` refuses new work and waits for what runs, at most so many seconds, when the program stops.
    """

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def run(
        self, gesture: Gesture, coroutine: Coroutine[Any, Any, None], on_error: ShowInternalError
    ) -> None:
        """Run the coroutine; if it breaks or takes too long, `on_error` answers the person."""
        if self._closed:
            coroutine.close()
            self.start(self._show(on_error, InternalError("stopping", changed=False)))
        else:
            self.start(self._guarded(gesture, coroutine, on_error))

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that handles its own failures."""
        task = self._group.create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self, seconds: float) -> None:
        """Take no more work, and wait for what runs. What still runs then is cut off, and says so."""
        self._closed = True
        if not self._running:
            return
        log.info("gestures.draining", running=len(self._running))
        _, late = await asyncio.wait(self._running, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            log.warning("gestures.cut_off", running=len(late))

    async def _guarded(
        self, gesture: Gesture, coroutine: Coroutine[Any, Any, None], on_error: ShowInternalError
    ) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            reference=gesture.reference, person=gesture.person_id, channel=gesture.channel_id
        )
        try:
            async with asyncio.timeout(GESTURE_SECONDS):
                is_whole = await contained(coroutine, "gesture.broke")
            if not is_whole:
                await self._show(on_error, InternalError("bug", changed=None))
        except asyncio.CancelledError:
            if self._closed:
                await self._show(on_error, InternalError("stopping", changed=None))
            raise
        except TimeoutError:
            log.error("gesture.timed_out", after_seconds=GESTURE_SECONDS)
            await self._show(on_error, InternalError("slow", changed=None))

    async def _show(self, on_error: ShowInternalError, outcome: InternalError) -> None:
        await contained(on_error(outcome), "gesture.unanswered")
