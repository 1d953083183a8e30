"""What is remembered: presses, own actions."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.store import Database, OwnAction, OwnActions, PressClaim, PressClaims

NOON = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)
PRESS = PressClaim(key="p1", person_id="U1", operation="retry", at=NOON)
ACTION = OwnAction(
    server="hq",
    job_id="j1",
    session_id="s1",
    operation="retry",
    person_id="U1",
    channel_id="C1",
    reference="k7q2",
    at=NOON,
)


async def test_the_first_press_wins(database: Database, other: Database) -> None:
    """Of two presses of one key, at once and in two processes, one wins and the other learns who did."""
    second = replace(PRESS, person_id="U2")
    answers = await asyncio.gather(PressClaims(database).claim(PRESS), PressClaims(other).claim(second))
    assert sorted(answers, key=str) in [sorted([None, PRESS], key=str), sorted([None, second], key=str)]
    assert await PressClaims(other).claim(second) == (answers[0] or answers[1])


async def test_a_released_press(database: Database) -> None:
    """After a release the same key can be pressed again."""
    presses = PressClaims(database)
    assert await presses.claim(PRESS) is None
    await presses.release("p1")
    assert await presses.claim(PRESS) is None
    await presses.purge(NOON + timedelta(seconds=1))
    assert await presses.claim(PRESS) is None


async def test_own_actions(database: Database) -> None:
    """An action is remembered once, the first one stays, and the oldest comes first."""
    own = OwnActions(database)
    stop = replace(ACTION, operation="stop", person_id="U2", at=NOON - timedelta(minutes=1))
    for action in (ACTION, replace(ACTION, person_id="U9"), stop, replace(ACTION, session_id="s2")):
        await own.remember(action)
    assert await own.of("hq", ["s1", "s3"]) == (stop, ACTION)
    assert await own.of("hq", []) == ()
    assert await own.of("dr", ["s1"]) == ()


async def test_a_forgotten_action(database: Database) -> None:
    """A refused action is forgotten; the one that somebody else took of the same kind is not."""
    own = OwnActions(database)
    await own.remember(ACTION)
    await own.forget(replace(ACTION, reference="other"))
    assert await own.of("hq", ["s1"]) == (ACTION,)
    await own.forget(ACTION)
    assert await own.of("hq", ["s1"]) == ()
