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
        await rig.until(lambda: any("Retry of" in message.text for message in rig.slack.messages(PROD)))
        own = rig.world.sessions_of(job)[-1]
        await rig.until(lambda: rig.told()[own.id] == 1)
        assert rig.told() == {failed.id: 1, own.id: 1}
        assert rig.sent("POST", RETRY) == 1
        assert rig.slack.faulty_acks == []
        assert "Traceback" not in rig.log
