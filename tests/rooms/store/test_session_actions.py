"""Sessions that people started or stopped through the bot, and the messages that follow them."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from bot.store import (
    Database,
    FollowedId,
    FollowedSession,
    FollowedSessions,
    NewFollowedSession,
    OwnAction,
    OwnActions,
)

NOON = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
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


def followed_session(session_id: str, ts: str) -> NewFollowedSession:
    return NewFollowedSession(
        server="hq",
        session_id=session_id,
        ts=ts,
        started_at=NOON,
        detail="active full",
        job_id="j1",
        job_name="SQL",
        operation="retry",
        person="U1",
        channel="C1",
    )


async def test_followed_sessions(database: Database) -> None:
    """Of one session a channel has one message, until its end was shown; a message may show several."""
    followed = FollowedSessions(database)
    new = followed_session("s1", "1.0")
    await followed.add(new)
    await followed.add(followed_session("s1", "2.0"))
    (only,) = await followed.unfinished("hq")
    assert only == FollowedSession(id=FollowedId(1), **asdict(new))
    assert await followed.unfinished("dr") == ()
    await followed.add(followed_session("s2", "1.0"))
    async with database.reading() as reading:
        shown = await followed.within(reading, "hq", ["s1", "s2", "s3"])
    assert [(each.session_id, each.ts) for each in shown] == [("s1", "1.0"), ("s2", "1.0")]
    await followed.finish(shown[1].id, NOON)
    await followed.finish(only.id, NOON)
    assert await followed.unfinished("hq") == ()
    await followed.purge(NOON + HOUR)
    await followed.add(new)
    assert len(await followed.unfinished("hq")) == 1


async def test_a_followed_session_is_found_by_its_message(database: Database) -> None:
    """Whichever message shows it, before and after the session has ended."""
    sessions = FollowedSessions(database)
    await sessions.add(
        NewFollowedSession(
            server="hq",
            session_id="s1",
            job_id="j1",
            job_name="SQL",
            operation="retry",
            person="U1",
            channel="C1",
            ts="1.0",
            started_at=NOON,
        )
    )
    (only,) = await sessions.unfinished("hq")
    assert await sessions.shown_at(only.channel, only.ts) == only
    await sessions.finish(only.id, NOON)
    assert await sessions.shown_at(only.channel, only.ts) == only
    assert await sessions.shown_at(only.channel, "9.9") is None
