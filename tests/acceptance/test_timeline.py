"""The main job, from the first word to the thread, over both of Slack's transports."""

from pathlib import Path

import pytest

from bot.sandbox.vbr import Outcome
from tests.acceptance.rig import PROD, Rig

RETRY = "/api/v1/jobs/{id}/retry"


@pytest.mark.parametrize("http_mode", [False, True], ids=["socket", "http"])
async def test_a_failed_job_is_listed_retried_and_told(tmp_path: Path, *, http_mode: bool) -> None:
    """The list names what failed and why; Retry runs it once; its end is told in the channel, once."""
    async with Rig(tmp_path, http_mode=http_mode) as rig:
        job = rig.world.add_job("SQL Prod", objects=["sql01", "sql02"], run_seconds=2)
        failed = rig.world.finish_run(
            job,
            result="Failed",
            objects={"sql01": "Success", "sql02": "Failed to open VDDK disk"},
            seconds=60,
        )
        rig.world.plan(job, [Outcome("Failed", {"sql02": "Failed to open VDDK disk"}), Outcome("Success")])
        await rig.start()
        await rig.until(lambda: rig.told()[failed.id] == 1)
        ann = rig.slack.person("ann")

        typed = await ann.types(PROD, "jobs failed")
        assert typed.shown == "ok"
        await rig.until(lambda: rig.whispers("ann"))
        listed = rig.slack.ephemerals("ann", PROD)[-1]
        assert "SQL Prod" in listed.text
        assert "Failed to open VDDK disk" in listed.text

        await ann.presses(listed, "Retry")
        await rig.until(lambda: rig.sent("POST", RETRY) == 1)
        (root,) = rig.slack.messages(PROD)
        await rig.until(lambda: any("Retry of" in reply.text for reply in rig.slack.thread(PROD, root.ts)))
        await rig.until(lambda: "Follow its progress in" in rig.whispers("ann")[-1])
        own = rig.world.sessions_of(job)[-1]
        await rig.until(lambda: rig.told()[own.id] == 1)
        assert rig.told() == {failed.id: 1, own.id: 1}
        assert rig.slack.messages(PROD) == [root]
        assert rig.sent("POST", RETRY) == 1
        assert rig.slack.faulty_acks == []
        assert "Traceback" not in rig.log


FAILURE = {"vm01": "Failed to open VDDK disk"}


async def test_a_retry_pressed_on_a_root_lives_there(tmp_path: Path) -> None:
    """The root shows how the retry goes and how it ended; its thread has who did it, and the attempt."""
    async with Rig(tmp_path) as rig:
        job = rig.world.add_job("SQL Prod", objects=["vm01"], run_seconds=20)
        failed = rig.world.finish_run(job, result="Failed", objects=FAILURE, seconds=60)
        rig.world.plan(job, [Outcome("Success")])
        await rig.start()
        await rig.until(lambda: rig.slack.messages(PROD))
        (root,) = rig.slack.messages(PROD)
        await rig.until(lambda: rig.slack.thread(PROD, root.ts))
        assert (await rig.slack.person("ann").presses(root, "Retry")).shown == "ok"
        await rig.until(lambda: "Retrying" in root.text)
        assert "Failed to open VDDK disk" in root.text
        own = rig.world.sessions_of(job)[-1]
        await rig.until(lambda: "Recovered" in root.text)
        await rig.until(lambda: rig.told() == {failed.id: 1, own.id: 1})
        await rig.until(lambda: rig.waiting() == 0)
        assert rig.slack.messages(PROD) == [root]
        replies = [reply.text for reply in rig.slack.thread(PROD, root.ts)]
        assert any("Retry of *SQL Prod* on hq started by <@U0ANN>" in text for text in replies)
        assert any(text.startswith("Attempt 2") for text in replies)
        assert rig.whispers("ann") == []


async def test_start_then_stop_is_one_message(tmp_path: Path) -> None:
    """The message that answers Start shows the stop as well, and becomes the run's root."""
    async with Rig(tmp_path) as rig:
        rig.world.life._pace = type(rig.world.life._pace)(stop_seconds=1.0, housekeeping=False)
        job = rig.world.add_job("SQL Prod", objects=["vm01"], run_seconds=3600)
        await rig.start()
        await rig.slack.person("ann").types(PROD, "start SQL Prod")
        await rig.until(lambda: rig.slack.messages(PROD))
        (message,) = rig.slack.messages(PROD)
        assert "started by <@U0ANN>" in message.text
        await rig.slack.person("ole").types(PROD, "stop SQL Prod now")
        session = rig.world.sessions_of(job)[-1]
        await rig.until(lambda: rig.told() == {session.id: 1})
        await rig.until(lambda: rig.waiting() == 0)
        assert rig.slack.messages(PROD) == [message]
        assert message.text.startswith(":heavy_minus_sign: Stopped by <@U0OLE> · *SQL Prod* on hq")
        assert "started by <@U0ANN>" in message.text
        replies = [reply.text for reply in rig.slack.thread(PROD, message.ts)]
        assert any("Stop of *SQL Prod* on hq requested by <@U0OLE>" in text for text in replies)
