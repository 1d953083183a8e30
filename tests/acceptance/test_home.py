"""App Home over the wire: what is wrong, Retry in it, and the message that follows."""

from pathlib import Path

from bot.sandbox.vbr import Outcome
from tests.acceptance.rig import RETRY, Rig
from tests.rooms.slack.deskroom import words


async def test_a_failed_job_is_retried_in_the_home(tmp_path: Path) -> None:
    """The page names what failed; Retry runs it once; its end is told in the direct message, in place."""
    async with Rig(tmp_path) as rig:
        job = rig.world.add_job("SQL Prod", run_seconds=2)
        rig.world.finish_run(job, result="Failed", objects={"sql01": "Disk full"}, seconds=60)
        rig.world.plan(job, [Outcome("Success")])
        await rig.start()
        ann, slack = rig.slack.person("ann"), rig.slack
        bot = slack.workspace.app.bot_user

        await ann.opens_home()
        await rig.until(lambda: (home := slack.home("ann")) and "Disk full" in words(home.blocks))
        home = slack.home("ann")
        assert home is not None
        await ann.presses(home, "Retry")
        direct = slack.workspace.conversations.direct(bot, ann.person.id)
        await rig.until(lambda: any("Success" in each.text for each in direct.messages.values()))

        assert rig.sent("POST", RETRY) == 1
        assert len(direct.messages) == 1
        assert "What you did lately" in words(home.blocks)
        assert "Retry of" in words(home.blocks)
        assert slack.faulty_acks == []
        assert "Traceback" not in rig.log
