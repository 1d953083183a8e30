"""App Home over the wire: what is wrong, Retry in it, and the message that follows."""

from pathlib import Path

from bot.sandbox.slack.views import View
from bot.sandbox.vbr import Outcome
from tests.acceptance.rig import PROD, RETRY, Rig, Setting
from tests.rooms.slack.gesture_room import words


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
        assert "Your recent actions" in words(home.blocks)
        assert "Retry of" in words(home.blocks)
        assert slack.faulty_acks == []
        assert "Traceback" not in rig.log


async def test_what_waits_is_decided_in_the_home(tmp_path: Path) -> None:
    """Who may decides there; who asked sees it wait; nobody else reads of it; the channel is told its end."""
    setting = Setting(toml='[approvals]\noperations = ["delete"]\n')
    async with Rig(tmp_path, setting) as rig:
        job = rig.world.add_job("Files")
        await rig.start()
        ann, ben, slack = rig.slack.person("ann"), rig.slack.person("ben"), rig.slack
        await ann.types(PROD, "delete Files")
        await rig.until(lambda: (view := slack.open_view("ann")) and "typed_name" in str(view.blocks))
        form = slack.open_view("ann")
        assert form is not None
        await ann.submits(form, {"typed_name": "Files"})
        await rig.until(lambda: any("asks to delete" in each.text for each in slack.messages(PROD)))

        async def opens(name: str, said: str) -> View:
            await slack.person(name).opens_home()
            await rig.until(lambda: (home := slack.home(name)) and said in words(home.blocks))
            home = slack.home(name)
            assert home is not None
            return home

        own = await opens("ann", "Your request to delete *Files*")
        his = await opens("ben", "<@U0ANN> asks to delete *Files*")
        other = await opens("ole", "Problems")
        assert "Approve" not in words(own.blocks)
        assert "Waiting for your approval" not in words(other.blocks)

        await ben.presses(his, "Approve")
        await rig.until(lambda: job not in rig.world.jobs)
        await rig.until(
            lambda: any("Done: approved by <@U0BEN>" in each.text for each in slack.messages(PROD))
        )
        await rig.until(lambda: "Waiting for your approval" not in words(his.blocks))
        assert "deleted by <@U0ANN>, approved by <@U0BEN>" in words(his.blocks)
        assert rig.sent("DELETE", "/api/v1/jobs/{id}") == 1
