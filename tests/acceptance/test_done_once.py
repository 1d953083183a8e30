"""No action twice: pressed again, by somebody else, too late, or without an answer from VBR."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.slack.messages import Message
from bot.sandbox.vbr import Moment
from bot.sandbox.vbr.faults import dropped, html
from bot.sandbox.vbr.state import Job, Session
from tests.acceptance.rig import PROD, RETRY, START, STOP, Rig, Setting

DISK = {"vm01": "Disk full"}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as made:
        yield made


async def failed_and_told(rig: Rig, name: str = "SQL Prod") -> tuple[Job, Session, Message]:
    """A job whose failure stands in the channel, with its buttons."""
    job = rig.world.add_job(name, objects=["vm01"], run_seconds=3600)
    session = rig.world.finish_run(job, result="Failed", objects=DISK, seconds=9)
    await rig.until(lambda: rig.told()[session.id])
    return job, session, next(each for each in rig.slack.messages(PROD) if name in each.text)


def is_retried(rig: Rig) -> bool:
    """Whether the channel or a thread there says that a retry began."""
    return any("Retry of" in message.text for message in rig.everything())


async def test_pressed_twice_at_once_redelivered_and_by_a_second_person(rig: Rig) -> None:
    """One POST; every further press is told who was first."""
    await rig.start()
    job, _, root = await failed_and_told(rig)
    ann, ole = rig.slack.person("ann"), rig.slack.person("ole")
    first, _ = await ann.presses_twice(root, "Retry")
    await first.redeliver()
    await ole.presses(root, "Retry")
    await rig.until(lambda: len(rig.whispers("ann")) == 2 and rig.whispers("ole"))
    await rig.until(lambda: is_retried(rig))
    assert all("You already pressed Retry" in said for said in rig.whispers("ann"))
    assert all("Nothing more was done" in said for said in rig.whispers("ann"))
    (said,) = rig.whispers("ole")
    assert "<@U0ANN> already pressed" in said
    assert rig.sent("POST", RETRY, job) == 1
    assert len([row for row in rig.rows("SELECT * FROM audit") if row["event"] == "opened"]) == 1


async def test_a_command_that_comes_again_over_another_connection(rig: Rig) -> None:
    """Slack's word is that it may: whichever connections bring it, the job is started once."""
    await rig.start()
    job = rig.world.add_job("SQL Prod", objects=["sql01"], run_seconds=3600)
    await rig.until(lambda: len(rig.slack.socket_mode.connections) == 2)
    await rig.slack.person("ann").types(PROD, "start SQL Prod")
    (typed,) = (each for each in rig.slack.deliveries if each.kind == "slash_commands")
    for _ in range(8):
        await rig.delivers(typed.kind, typed.payload)
    await rig.until(lambda: len(rig.whispers("ann")) == 8)
    assert rig.sent("POST", START, job) == 1


async def test_a_button_whose_job_has_moved_on_asks_again(rig: Rig) -> None:
    """The job ran since the button was drawn: nothing is done, its state is shown, a fresh button acts."""
    await rig.start()
    job, _, root = await failed_and_told(rig)
    rig.world.finish_run(job, result="Failed", objects=DISK, seconds=0.1)
    await rig.slack.person("ann").presses(root, "Retry")
    await rig.until(lambda: rig.whispers("ann"))
    asked = rig.slack.ephemerals("ann", PROD)[-1]
    assert "has changed since that button was posted. Nothing was done." in asked.text
    assert rig.sent("POST", RETRY, job) == 0
    await rig.slack.person("ann").presses(asked, "Retry")
    await rig.until(lambda: is_retried(rig))
    assert rig.sent("POST", RETRY, job) == 1


@pytest.mark.parametrize("is_done", [False, True], ids=["not done", "done"])
async def test_an_answer_that_never_comes_is_unclear(rig: Rig, *, is_done: bool) -> None:
    """Cut off after sending: said to be unclear, the job's state is shown, and nothing is sent again."""
    await rig.start()
    job = rig.world.add_job("SQL Prod", run_seconds=3600)
    rig.vbr.faults.add("POST", START, dropped(Moment.AFTER if is_done else Moment.BEFORE))
    said = await rig.asks("ann", "start SQL Prod")
    assert "it is not clear whether it was done" in said
    assert ("Running" in said or "Starting" in said) is is_done
    again = await rig.asks("ann", "job SQL Prod")
    assert "SQL Prod" in again
    assert rig.sent("POST", START, job) == 1
    assert len(rig.world.sessions_of(job)) == int(is_done)
    closed = [row["outcome"] for row in rig.rows("SELECT * FROM audit") if row["event"] == "closed"]
    assert closed == ["unclear"]


async def test_a_proxys_page_after_a_post_is_unclear_too(rig: Rig) -> None:
    """A 502 of something before VBR does not say whether VBR heard of it."""
    await rig.start()
    job = rig.world.add_job("SQL Prod", run_seconds=3600)
    rig.vbr.faults.add("POST", START, html(502))
    assert "it is not clear whether it was done" in await rig.asks("ann", "start SQL Prod")
    assert rig.sent("POST", START, job) == 1


async def test_a_run_stopped_through_the_bot_is_told_as_stopped_by_whom(rig: Rig) -> None:
    """VBR ends it as Failed; the channel hears who stopped it, no failure, and nobody is mentioned."""
    rig.world.life._pace = type(rig.world.life._pace)(stop_seconds=1.0, housekeeping=False)
    job = rig.world.add_job("SQL Prod", objects=["vm01"], run_seconds=3600)
    await rig.start()
    session = rig.world.begin_run(job)
    typed = await rig.slack.person("ole").types(PROD, "stop SQL Prod now")
    assert typed.shown == "ok"
    await rig.until(lambda: rig.told()[session.id])
    root = next(each for each in rig.slack.messages(PROD) if "Stopped by" in each.text)
    assert "Stopped by <@U0OLE>" in root.text
    assert "Failed" not in root.text
    assert rig.sent("POST", STOP, job) == 1


async def test_an_answer_is_shared_once(rig: Rig) -> None:
    """Slack delivers the press on Share again: the channel has the answer once, and the person hears why."""
    await rig.start()
    rig.world.add_job("SQL Prod")
    await rig.asks("ann", "jobs")
    answer = rig.slack.ephemerals("ann", PROD)[-1]
    pressed = await rig.slack.person("ann").presses(answer, "Share")
    await rig.until(lambda: rig.slack.messages(PROD))
    await pressed.redeliver()
    await rig.until(lambda: "This was already shared" in rig.whispers("ann")[-1])
    assert len(rig.slack.messages(PROD)) == 1
