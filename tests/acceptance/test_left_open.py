"""Killed in the middle of an action: what came of it is looked up and told, and nothing is sent again."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.sandbox.slack.faults import Dropped, Hung, Refused, SlackFault
from bot.sandbox.vbr import Moment
from bot.sandbox.vbr.faults import hanging
from bot.sandbox.vbr.state import Job
from tests.acceptance.rig import DISABLE, PROD, RETRY, START, Rig, Setting

INTERRUPTED = "The bot was interrupted before it heard from hq."
LEFT = "SELECT * FROM open_actions"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Rig(tmp_path, Setting(polling_seconds=0.2)) as opened:
        yield opened


def closed(rig: Rig) -> list[str]:
    """How the actions on record ended."""
    rows = rig.rows("SELECT outcome FROM audit WHERE event = 'closed' ORDER BY id")
    return [str(row["outcome"]) for row in rows]


def said(rig: Rig, words: str) -> list[str]:
    """What ann alone was told with these words."""
    return [text for text in rig.whispers("ann") if words in text]


async def killed_at(rig: Rig, template: str, moment: Moment, ask: Callable[[], object]) -> None:
    """Kill the bot while VBR holds its answer to this POST."""
    rig.vbr.faults.add("POST", template, hanging(moment))
    await ask()  # type: ignore[misc] # a coroutine function
    await rig.until(lambda: any(each.was_faulty for each in rig.vbr.requests.of("POST", template)))
    await rig.bot.kill()
    rig.vbr.faults.clear()


@pytest.mark.parametrize("moment", list(Moment))
async def test_killed_before_vbr_answers(rig: Rig, moment: Moment) -> None:
    """The asker reads at the next start what VBR shows, the record says unclear, and nothing is repeated."""
    await rig.start()
    job = rig.world.add_job("SQL Prod", objects=["sql01"], run_seconds=3600)
    await killed_at(rig, START, moment, lambda: rig.slack.person("ann").types(PROD, "start SQL Prod"))
    assert closed(rig) == []
    await rig.start()
    await rig.until(lambda: said(rig, INTERRUPTED))
    await rig.until(lambda: not rig.rows(LEFT))
    (told,) = said(rig, INTERRUPTED)
    assert "Start of *SQL Prod* on hq: it is not clear whether it was done" in told
    assert ("Its session is" in told) is (moment is Moment.AFTER)
    assert closed(rig) == ["unclear"]
    assert rig.sent("POST", START, job) == 1


async def test_pressed_in_a_thread_it_is_told_in_that_thread(rig: Rig) -> None:
    """The answer comes where the button was, and a second press says who pressed first."""
    await rig.start()
    job = rig.world.add_job("SQL Prod", objects=["sql01"], run_seconds=3600)
    ended = rig.world.finish_run(job, result="Failed", objects={"sql01": "Disk full"}, seconds=9)
    await rig.until(lambda: rig.told()[ended.id] and rig.waiting() == 0)
    (root,) = (each for each in rig.slack.messages(PROD) if "SQL Prod" in each.text)
    await killed_at(rig, RETRY, Moment.AFTER, lambda: rig.slack.person("ann").presses(root, "Retry"))
    await rig.start()
    await rig.until(lambda: said(rig, INTERRUPTED))
    await rig.slack.person("ann").presses(root, "Retry")
    await rig.until(lambda: said(rig, "You already pressed Retry"))
    assert rig.sent("POST", RETRY, job) == 1
    assert closed(rig) == ["unclear"]


@pytest.mark.parametrize(
    "fault", [Dropped(after_effect=False), Hung()], ids=["not posted", "posted, the reply is held"]
)
async def test_killed_while_the_answer_is_posted(rig: Rig, fault: SlackFault) -> None:
    """VBR's answer is on record: the channel has one message of it, which is kept current."""
    await rig.start()
    job = rig.world.add_job("SQL Prod", objects=["sql01"], run_seconds=2)

    def strike(_arguments: object) -> bool:
        rig.bot.kill_now()
        return True

    rig.slack.faults.add("chat.postMessage", fault, when=strike)
    await rig.slack.person("ann").types(PROD, "start SQL Prod")
    await rig.until(lambda: rig.slack.calls_of("chat.postMessage") or not rig.bot.is_running)
    await rig.bot.kill()
    rig.slack.faults.clear()
    assert closed(rig) == ["done"]
    await rig.start()
    await rig.until(lambda: not rig.rows(LEFT))
    await rig.until(lambda: [text for text in _messages(rig) if "started by" in text and "Success" in text])
    assert len([text for text in _messages(rig) if "started by" in text]) == 1
    assert said(rig, INTERRUPTED) == []
    assert closed(rig) == ["done"]
    assert rig.sent("POST", START, job) == 1


async def test_where_the_channel_cannot_be_read_the_person_alone_is_told(rig: Rig) -> None:
    """Without the scope to look nobody knows whether the channel has it: nothing is posted twice."""
    await rig.start()
    rig.world.add_job("SQL Prod", objects=["sql01"], run_seconds=3600)

    def strike(_arguments: object) -> bool:
        rig.bot.kill_now()
        return True

    rig.slack.faults.add("chat.postMessage", Hung(), when=strike)
    await rig.slack.person("ann").types(PROD, "start SQL Prod")
    await rig.until(lambda: rig.slack.calls_of("chat.postMessage") or not rig.bot.is_running)
    await rig.bot.kill()
    rig.slack.faults.clear()
    rig.slack.faults.add("conversations.history", Refused("missing_scope"))
    await rig.start()
    await rig.until(lambda: said(rig, "SQL Prod") and not rig.rows(LEFT))
    assert len([text for text in _messages(rig) if "started by" in text]) == 1


def _messages(rig: Rig) -> list[str]:
    return [message.text for message in rig.slack.messages(PROD)]


async def test_a_replica_tells_what_a_dead_one_left_and_no_other_does(rig: Rig) -> None:
    """The one that lives looks it up at once; what it has under way itself, one that starts leaves alone."""
    await rig.start()
    for name in ("Job 1", "Job 2"):
        rig.world.add_job(name, objects=["vm"], run_seconds=3600)
    rig.vbr.faults.add("POST", START, hanging(Moment.AFTER), times=2)
    await rig.slack.person("ann").types(PROD, 'start "Job 1"')
    await rig.until(lambda: rig.sent("POST", START) == 1)
    replica = await rig.second_bot()
    (first,) = rig.rows(LEFT)
    await rig.bot.kill()
    await rig.until(lambda: len(said(rig, INTERRUPTED)) == 1 and not rig.rows(LEFT))
    await rig.slack.person("ann").types(PROD, 'start "Job 2"')
    await rig.until(lambda: rig.sent("POST", START) == 2)
    (second,) = rig.rows(LEFT)
    await rig.start()
    assert rig.rows(LEFT) == [second]
    assert first["holder"] != second["holder"]
    assert closed(rig) == ["unclear"]
    await replica.process.kill()
    await rig.until(lambda: len(said(rig, INTERRUPTED)) == 2 and not rig.rows(LEFT))
    assert closed(rig) == ["unclear", "unclear"]
    assert rig.sent("POST", START) == 2


async def test_disabled_at_the_kill_it_is_told_to_be_disabled(rig: Rig) -> None:
    """What VBR shows of a switch speaks for its having happened."""
    await rig.start()
    job = rig.world.add_job("SQL Prod", objects=["sql01"])
    await killed_at(
        rig, DISABLE, Moment.AFTER, lambda: rig.slack.person("ann").types(PROD, "disable SQL Prod")
    )
    await rig.start()
    await rig.until(lambda: said(rig, "The job is disabled now, so it seems to be done."))
    assert _done_once(rig, job)


def _done_once(rig: Rig, job: Job) -> bool:
    return rig.sent("POST", DISABLE, job) == 1
