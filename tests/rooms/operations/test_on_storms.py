"""Retry all of a storm: its jobs, and no backups of their logs, which a retry of the job does not repeat."""

import pytest

from bot.operations.actions.many import ActedOnMany
from bot.operations.actions.on_storms import AcknowledgeAll, RetryAll
from bot.operations.model import Origin
from bot.operations.outcomes import Done, Offered, Outcome
from bot.slack.views.outcomes import outcome as draw
from bot.store import LOGS_FAILED, ChannelFailure, Storm, Storms
from tests.rooms.operations.office import SQL_ONLY, Office

STORM = "5f0c"


@pytest.fixture
def failed(office: Office) -> tuple[tuple[str, str], ...]:
    """Three jobs whose runs failed, and two whose log backups did: one of them is of both kinds."""
    for name in ("SQL 1", "SQL 2", "Web 3", "Web 4"):
        office.world.finish_run(office.world.add_job(name), result="Failed")
    runs = [(name, "failed") for name in ("SQL 1", "SQL 2", "Web 3")]
    return (*runs, ("SQL 1", LOGS_FAILED), ("Web 4", LOGS_FAILED))


async def kept(office: Office, failed: tuple[tuple[str, str], ...]) -> None:
    storms, now = Storms(office.database), office.clock.now()
    async with office.database.transaction() as transaction:
        await storms.put(transaction, Storm(STORM, "C0PROD", now, now))
        for place, (name, state) in enumerate(failed):
            session_id = f"session-{place}"
            await storms.add(
                transaction,
                ChannelFailure(
                    channel="C0PROD",
                    run_key=f"hq/{session_id}",
                    server="hq",
                    job_id=office.world.job(name).id,
                    job_name=name,
                    session_id=session_id,
                    last_session_id=session_id,
                    cause_key="",
                    cause=None,
                    reason=None,
                    state=state,
                    ended_at=now,
                    noticed_at=now,
                    storm_id=STORM,
                    place=place,
                ),
            )


def said(outcome: Outcome) -> str:
    return draw(outcome, "r-1").message.text


async def test_log_backups_are_left_out(office: Office, failed: tuple[tuple[str, str], ...]) -> None:
    """The answer names them, but for a job whose run is retried; to own them is possible."""
    await kept(office, failed)
    offered = await office.ask(RetryAll(STORM), origin=Origin.MENTION)
    assert isinstance(offered, Offered)
    assert offered.jobs == ("SQL 1", "SQL 2", "Web 3")
    owned = await office.ask(AcknowledgeAll(STORM), origin=Origin.MENTION)
    assert isinstance(owned, Offered)
    assert len(owned.jobs) == len(failed)
    answer = said(await office.ask(RetryAll(STORM)))
    assert [verb for verb, _ in office.posts()] == ["retry"] * 3
    assert "retried 3 of 3 jobs" in answer
    assert "1 left out, because only a log backup failed: *Web 4*" in answer


async def test_nothing_but_log_backups(office: Office, failed: tuple[tuple[str, str], ...]) -> None:
    """It says why nothing is retried, and names only what the person may see."""
    await kept(office, failed[3:])
    for origin in (Origin.MENTION, Origin.TYPED):
        outcome = await office.ask(RetryAll(STORM), SQL_ONLY, origin=origin)
        assert isinstance(outcome, Done)
        assert isinstance(outcome.answer, ActedOnMany)
        assert "there is no job to retry here" in said(outcome)
        assert ("SQL 1" in said(outcome), "Web 4" in said(outcome)) == (True, False)
    assert office.posts() == []
