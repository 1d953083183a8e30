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
from bot.operations.outcomes import Broken
from bot.operations.requests import Gesture

GESTURE_SECONDS = 90.0

log = structlog.get_logger()

TellBroken = Callable[[Broken], Awaitable[None]]


class Work:
    """Runs gestures in the task group it was given.

    `close` refuses new work and waits for what runs, at most so many seconds, when the program stops.
    """

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def hand_over(self, gesture: Gesture, coroutine: Coroutine[Any, Any, None], broken: TellBroken) -> None:
        """Run the coroutine; if it breaks or takes too long, `broken` tells the person."""
        if self._closed:
            coroutine.close()
            self.start(self._tell(broken, Broken("stopping", changed=False)))
        else:
            self.start(self._guarded(gesture, coroutine, broken))

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that handles its own failures."""
        task = self._group.create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self, seconds: float) -> None:
        """Take no more work, and wait for what runs. What still runs then is cut off, and the person told."""
        self._closed = True
        if not self._running:
            return
        log.info("work.draining", running=len(self._running))
        _, late = await asyncio.wait(self._running, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            log.warning("work.cut_off", running=len(late))

    async def _guarded(
        self, gesture: Gesture, coroutine: Coroutine[Any, Any, None], broken: TellBroken
    ) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            reference=gesture.reference, person=gesture.person_id, channel=gesture.channel_id
        )
        try:
            async with asyncio.timeout(GESTURE_SECONDS):
                is_whole = await contained(coroutine, "gesture.broke")
            if not is_whole:
                await self._tell(broken, Broken("bug", changed=None))
        except asyncio.CancelledError:
            if self._closed:
                await self._tell(broken, Broken("stopping", changed=None))
            raise
        except TimeoutError:
            log.error("gesture.timed_out", after_seconds=GESTURE_SECONDS)
            await self._tell(broken, Broken("slow", changed=None))

    async def _tell(self, broken: TellBroken, outcome: Broken) -> None:
        await contained(broken(outcome), "gesture.unanswered")
