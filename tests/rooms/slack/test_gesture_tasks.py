"""Every piece of work is answered, also when it breaks, takes too long or is cut off."""

import asyncio

from bot.operations.model import Gesture, Origin
from bot.operations.outcomes import InternalError
from bot.settings import PersonId
from bot.slack.gesture_tasks import GestureTasks

GESTURE = Gesture("REF123", PersonId("U0ANN"), "T0ACME", "C0PROD", Origin.TYPED, "key")


class Shown:
    """What the person was shown instead of an answer."""

    def __init__(self) -> None:
        self.outcomes: list[InternalError] = []

    async def __call__(self, outcome: InternalError) -> None:
        self.outcomes.append(outcome)


async def broken() -> None:
    raise KeyError("a bug")


async def test_a_bug_is_told_and_ends_nothing_else() -> None:
    """The task group goes on."""
    shown = Shown()
    async with asyncio.TaskGroup() as group:
        GestureTasks(group).run(GESTURE, broken(), shown)
    assert shown.outcomes == [InternalError("bug", changed=None)]


async def test_what_is_cut_off_is_told() -> None:
    """Stopping waits so long and no longer; whoever still waits hears that nothing is known."""
    shown, forever = Shown(), asyncio.Event()

    async def waits() -> None:
        await forever.wait()

    async with asyncio.TaskGroup() as group:
        work = GestureTasks(group)
        work.run(GESTURE, waits(), shown)
        await asyncio.sleep(0)
        await work.close(0.01)
    assert shown.outcomes == [InternalError("stopping", changed=None)]


async def test_what_runs_is_waited_for() -> None:
    """Work that ends within the grace period ends well."""
    shown, done = Shown(), asyncio.Event()

    async def quick() -> None:
        await asyncio.sleep(0)
        done.set()

    async with asyncio.TaskGroup() as group:
        work = GestureTasks(group)
        work.run(GESTURE, quick(), shown)
        await work.close(5)
        assert done.is_set()
    assert shown.outcomes == []


async def test_what_comes_too_late_is_told() -> None:
    """Once closed, nothing is begun, and the person hears why."""
    shown = Shown()
    async with asyncio.TaskGroup() as group:
        work = GestureTasks(group)
        await work.close(1)
        work.run(GESTURE, broken(), shown)
    assert shown.outcomes == [InternalError("stopping", changed=False)]
