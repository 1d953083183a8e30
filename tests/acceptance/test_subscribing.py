"""People subscribe channels in Slack, and are told there how runs end, within what they may see."""

from pathlib import Path

from bot.sandbox.slack.messages import Message
from tests.acceptance.rig import BACKUPS, PROD, Rig, Setting


def about(rig: Rig, channel: str, name: str) -> list[Message]:
    """The roots about a job there."""
    return [each for each in rig.slack.messages(channel) if name in each.text and "ailed" in each.text]


def fails(rig: Rig, name: str) -> None:
    job = next((job for job in rig.world.jobs if job.name == name), None) or rig.world.add_job(name)
    rig.world.finish_run(job, result="Failed")


async def test_from_subscribing_to_being_told_and_ending_it(tmp_path: Path) -> None:
    """Typed in a channel; the next failure is there and not in the default channel; a button ends it."""
    async with Rig(tmp_path, Setting(toml="")) as rig:
        await rig.start()
        ann, ben = rig.slack.person("ann"), rig.slack.person("ben")
        await ann.types(PROD, "subscribe failed SQL*")
        await rig.until(lambda: [each for each in rig.slack.messages(PROD) if "subscribed this" in each.text])
        await rig.until(lambda: rig.rows("SELECT id FROM subscriptions"))
        fails(rig, "SQL Prod")
        fails(rig, "Files")
        await rig.until(lambda: about(rig, PROD, "SQL Prod") and about(rig, BACKUPS, "Files"))
        assert not about(rig, BACKUPS, "SQL Prod")
        await ben.types(PROD, "subscriptions")
        await rig.until(lambda: rig.slack.ephemerals("ben", PROD))
        await ben.presses(rig.slack.ephemerals("ben", PROD)[0], "Unsubscribe")
        await rig.until(lambda: "unsubscribed this channel" in rig.slack.messages(PROD)[-1].text)
        assert [row["n"] for row in rig.rows("SELECT count(*) AS n FROM subscriptions")] == [0]


async def test_a_direct_message_is_told_until_its_person_leaves(tmp_path: Path) -> None:
    """What concerns one person is posted to them alone; once they are gone the default channel has it."""
    async with Rig(tmp_path, Setting(toml="")) as rig:
        await rig.start()
        workspace, ole = rig.slack.workspace, rig.slack.person("ole")
        direct = workspace.conversations.direct(workspace.app.bot_user, ole.person.id).id
        await ole.types(direct, "subscribe SQL*")
        await rig.until(lambda: rig.rows("SELECT id FROM subscriptions"))
        fails(rig, "SQL Prod")
        await rig.until(lambda: about(rig, direct, "SQL Prod"))
        await rig.bot.stop()
        workspace.directory.change_kind(ole.person.id, "deactivated")
        await rig.start()
        fails(rig, "SQL Other")
        await rig.until(lambda: about(rig, BACKUPS, "SQL Other"))
        assert not about(rig, direct, "SQL Other")
